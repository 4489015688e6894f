/**
 * Entries on their way into a table, put into the order in which it has them: by the upper bits of their hashes, which say
 * the segment. A table larger than the CPU's caches is then passed through from its beginning to its end. Radix sort by one
 * digit: Knuth, 5.2.5.
 */

import type { TableRun } from "./table.ts";

const FIRST_ROOM = 2 ** 10;
/** What is the same in so many upper bits of the hash is near each other in the largest of tables. */
const ORDERED_BITS = 12;
/** So few are not worth the order. */
const FEW = 64;
const NO_WORDS = new Int32Array(0);

/** It begins with the order in which they came. */
export class EntryRun implements TableRun {
  hashes: Int32Array = NO_WORDS;
  refs: Int32Array = NO_WORDS;
  count = 0;
  next = 0;
  #otherHashes: Int32Array = NO_WORDS;
  #otherRefs: Int32Array = NO_WORDS;
  /** How many there are with each value of the upper bits; then where the next of these goes. */
  #places: Int32Array | null = null;

  /** How many are in no table yet. */
  get left(): number {
    return this.count - this.next;
  }

  /** Takes the memory that one more needs. */
  makeRoom(): void {
    if (this.count === this.refs.length) this.#grow();
  }

  /** Adds one, for which there is room. */
  add(hash: number, ref: number): void {
    this.hashes[this.count] = hash;
    this.refs[this.count++] = ref;
  }

  /** Forgets all. */
  clear(): void {
    this.count = this.next = 0;
  }

  /** Puts them into the order of a table. */
  sort(): void {
    const { hashes, refs, count } = this;
    if (count <= FEW) return;
    if (this.#otherRefs.length < refs.length) {
      this.#otherHashes = new Int32Array(refs.length);
      this.#otherRefs = new Int32Array(refs.length);
    }
    const toHashes = this.#otherHashes;
    const toRefs = this.#otherRefs;
    const places = (this.#places ??= new Int32Array(1 << ORDERED_BITS)).fill(0);
    for (let i = 0; i < count; i++) places[hashes[i] >>> (32 - ORDERED_BITS)]++;
    for (let digit = 0, sum = 0; digit < places.length; digit++) {
      const here = places[digit];
      places[digit] = sum;
      sum += here;
    }
    for (let i = 0; i < count; i++) {
      const to = places[hashes[i] >>> (32 - ORDERED_BITS)]++;
      toHashes[to] = hashes[i];
      toRefs[to] = refs[i];
    }
    this.hashes = toHashes;
    this.refs = toRefs;
    this.#otherHashes = hashes;
    this.#otherRefs = refs;
  }

  #grow(): void {
    const room = Math.max(FIRST_ROOM, 2 * this.refs.length);
    const { hashes, refs } = this;
    this.hashes = new Int32Array(room);
    this.hashes.set(hashes);
    this.refs = new Int32Array(room);
    this.refs.set(refs);
  }
}
