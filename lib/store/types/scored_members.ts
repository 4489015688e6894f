/**
 * Members with scores that are gathered outside of the arena, before they are replied or become a sorted set: what ZUNION,
 * ZRANGESTORE or GEOSEARCHSTORE come to. They lie one behind the other in one buffer, and what is known of each in arrays
 * beside it, so that none takes an object.
 *
 * Whatever throws for want of memory has added nothing; `clear` forgets it all, and gives back what is unusually much.
 */

import { bytesEqual, compareBytes, copyBytes } from "../../bytes/compare.ts";
import { hashBytes } from "../../bytes/hash.ts";

/** Room that is kept from one command to the next, in bytes and in members. */
const KEPT_BYTES = 64 * 1024;
const KEPT_MEMBERS = 2048;
/** Room for so many there is from the beginning, and slots for twice as many. */
const FIRST_MEMBERS = 32;

export class ScoredMembers {
  /** How many they are; below, their places in the arrays are called indexes. */
  count = 0;
  /** Bytes of the longest. */
  longest = 0;
  /** Where they lie: another buffer, and other arrays, once more room was needed. */
  bytes: Uint8Array = new Uint8Array(1024);
  starts: Float64Array = new Float64Array(FIRST_MEMBERS);
  lengths: Int32Array = new Int32Array(FIRST_MEMBERS);
  scores: Float64Array = new Float64Array(FIRST_MEMBERS);
  /** After `sort`: indexes in the order of a sorted set. */
  order: Int32Array<ArrayBuffer> = new Int32Array(FIRST_MEMBERS);
  #end = 0;

  // A table by hash of what `place` has seen: indexes plus 1, in the slot that the hash names or the next free one.
  #hashes = new Int32Array(FIRST_MEMBERS);
  #slots = new Int32Array(2 * FIRST_MEMBERS);
  #mask = 2 * FIRST_MEMBERS - 1;

  // What `sort` merges into, and where the runs end that it merges.
  #merged = new Int32Array(FIRST_MEMBERS);
  #runEnds = new Int32Array(FIRST_MEMBERS);

  /** Forgets all of them. */
  clear(): void {
    if (this.bytes.length > KEPT_BYTES) this.bytes = new Uint8Array(KEPT_BYTES);
    if (this.starts.length > KEPT_MEMBERS) this.#takeRoom(0, KEPT_MEMBERS);
    if (this.#slots.length > 4 * KEPT_MEMBERS) this.#slots = new Int32Array(2 * FIRST_MEMBERS);
    else this.#slots.fill(0, 0, this.#mask + 1);
    this.#mask = 2 * FIRST_MEMBERS - 1;
    this.count = this.longest = this.#end = 0;
  }

  /** Adds a member that is known not to be there. */
  add(bytes: Uint8Array, start: number, length: number, score: number): void {
    const at = this.#end;
    const index = this.count;
    if (at + length > this.bytes.length) this.#takeBytes(at + length);
    if (index === this.starts.length) this.#takeRoom(index, 2 * index);
    copyBytes(bytes, start, length, this.bytes, at);
    this.#end = at + length;
    this.starts[index] = at;
    this.lengths[index] = length;
    this.scores[index] = score;
    this.count = index + 1;
    if (length > this.longest) this.longest = length;
  }

  /** The index of a member, which is added with NaN for a score where it is not there. All must have come this way. */
  place(bytes: Uint8Array, start: number, length: number): number {
    if (2 * (this.count + 1) > this.#mask) this.#widen();
    const hash = hashBytes(bytes, start, length);
    const slots = this.#slots;
    const mask = this.#mask;
    let slot = hash & mask;
    for (; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const index = slots[slot] - 1;
      if (this.#hashes[index] !== hash || this.lengths[index] !== length) continue;
      if (bytesEqual(this.bytes, this.starts[index], bytes, start, length)) return index;
    }
    const index = this.count;
    this.add(bytes, start, length, NaN);
    this.#hashes[index] = hash;
    slots[slot] = index + 1;
    return index;
  }

  /** Puts their indexes in `order`: by score, and by bytes where scores are equal. O(n log r) for r runs that are in order. */
  sort(): void {
    const runs = this.#findRuns();
    const ends = this.#runEnds;
    for (let left = runs; left > 1;) {
      let start = 0;
      let to = 0;
      for (let run = 0; run < left; run += 2) {
        const middle = ends[run];
        const end = run + 1 < left ? ends[run + 1] : middle;
        this.#merge(start, middle, end);
        start = ends[to++] = end;
      }
      left = to;
      const merged = this.#merged;
      this.#merged = this.order;
      this.order = merged;
    }
  }

  /** Whether one stands before another in the order. */
  #isBefore(a: number, b: number): boolean {
    const { scores, bytes, starts, lengths } = this;
    if (scores[a] !== scores[b]) return scores[a] < scores[b];
    return compareBytes(bytes, starts[a], lengths[a], bytes, starts[b], lengths[b]) < 0;
  }

  /** Puts their indexes in `order` as they came, runs that go down turned around; how many runs there are. */
  #findRuns(): number {
    const { count, order } = this;
    for (let i = 0; i < count; i++) order[i] = i;
    let runs = 0;
    for (let start = 0; start < count;) {
      let end = start + 1;
      if (end < count) {
        const isUp = this.#isBefore(start, end);
        for (end++; end < count && this.#isBefore(end - 1, end) === isUp;) end++;
        if (!isUp) { for (let i = start; i < end; i++) order[i] = start + end - 1 - i; }
      }
      this.#runEnds[runs++] = start = end;
    }
    return runs;
  }

  /** Merges two runs of `order` that stand side by side. */
  #merge(start: number, middle: number, end: number): void {
    const from = this.order;
    const merged = this.#merged;
    let left = start;
    let right = middle;
    let at = start;
    while (left < middle && right < end) {
      merged[at++] = this.#isBefore(from[right], from[left]) ? from[right++] : from[left++];
    }
    while (left < middle) merged[at++] = from[left++];
    while (right < end) merged[at++] = from[right++];
  }

  // --- Room -----------------------------------------------------------------------------------------------------------

  #takeBytes(needed: number): void {
    const room = new Uint8Array(2 * needed);
    copyBytes(this.bytes, 0, this.#end, room, 0);
    this.bytes = room;
  }

  /** Takes room for so many members, keeping the first `count`. */
  #takeRoom(count: number, members: number): void {
    const starts = new Float64Array(members);
    const lengths = new Int32Array(members);
    const scores = new Float64Array(members);
    const hashes = new Int32Array(members);
    const order = new Int32Array(members);
    const merged = new Int32Array(members);
    const runEnds = new Int32Array(members);
    starts.set(this.starts.subarray(0, count));
    lengths.set(this.lengths.subarray(0, count));
    scores.set(this.scores.subarray(0, count));
    hashes.set(this.#hashes.subarray(0, count));
    this.starts = starts;
    this.lengths = lengths;
    this.scores = scores;
    this.#hashes = hashes;
    this.order = order;
    this.#merged = merged;
    this.#runEnds = runEnds;
  }

  /** Takes a table twice as large. */
  #widen(): void {
    const size = 2 * (this.#mask + 1);
    const mask = size - 1;
    const isThere = size <= this.#slots.length;
    const slots = isThere ? this.#slots.fill(0, 0, size) : new Int32Array(size);
    for (let index = 0; index < this.count; index++) {
      let slot = this.#hashes[index] & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = index + 1;
    }
    this.#slots = slots;
    this.#mask = mask;
  }
}
