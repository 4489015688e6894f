/**
 * The hash table behind databases, expiry indexes and large hashes: extendible hashing (Fagin et al., 1979) over small
 * segments, in the manner of Dash (Lu et al., VLDB 2020). It never rehashes as a whole: a full segment is split on its
 * own, so the longest pause is the move of 1024 slots, and memory grows by 8 KiB at a time.
 *
 * Everything lies in the arena. A table is a ref to four words: count, depth, directory, segments. The directory holds
 * 2^depth segment refs, indexed by the hash's upper bits; at depth 0 the third word is the only segment itself, which
 * starts with 8 slots and doubles up to 1024. A segment is one granule (count | local depth << 16, log2 of its slots)
 * and its slots, one granule each: the entry's hash, then its ref. A slot's home is given by the hash's lower 10 bits,
 * scaled to the segment; collisions go to the next slot, around the end. The hash beside the ref means that splitting
 * and removing read no entry.
 *
 * Invariants: a segment is at most 13/16 full; there is no empty slot between an entry's home and the entry; all
 * directory words of a prefix that a segment covers are the same; buddies that are nearly empty are joined again; where
 * there is a directory, all segments have 1024 slots.
 *
 * A scan visits segments by prefix and homes in order. Its cursor holds the prefix, how deep the segment was, and the
 * home, so that it means the same whatever splits and joins come between two calls: what was there throughout is visited.
 */

import { type Arena, ArenaFullError, SEGMENT_MASK, SEGMENT_SHIFT } from "./arena.ts";
import { ENTRY_HEADER_BYTES, KEY_LENGTH_MASK, keyEquals } from "./entry.ts";

const HEADER_BYTES = 16;
// Words of a table's header. What is exported here is for foresight.ts, which reads ahead what `find` will read.
const COUNT = 0;
export const DEPTH = 1;
export const DIRECTORY = 2;
const SEGMENTS = 3;

const SMALLEST_BITS = 3;
export const SEGMENT_BITS = 10;
const SEGMENT_SLOTS = 1 << SEGMENT_BITS;
/** The bits of a hash that are the home. */
export const HOME_MASK: number = SEGMENT_SLOTS - 1;
/** The lower 10 bits of a hash are the home; of the other 22 the directory leaves one, for the mark in a scan's cursor. */
const MAX_DEPTH = 31 - SEGMENT_BITS;
/** Slots tried for a random entry before it is looked for in a simpler way, which is fair only by chance. */
const RANDOM_TRIES = 4096;

/** Thrown when a segment is full at the greatest depth: some 1.7 billion entries. */
export class TableFullError extends Error {
  override name = "TableFullError";
}

/** Figures of a table, for reports. */
export interface TableStatistics {
  readonly entries: number;
  readonly slots: number;
  /** What the table itself takes, without its entries. */
  readonly bytes: number;
}

/** Entries that are to be put into a table, in an order that suits it, with their hashes. */
export interface TableRun {
  readonly hashes: Int32Array;
  readonly refs: Int32Array;
  readonly count: number;
  /** The first that is in no table yet. */
  next: number;
}

/** Operations on tables in one arena. Refs of tables and entries are the arena's. */
export class Tables {
  /** The slot at which the last successful `find` or `findEntry` saw the entry. */
  slot = 0;
  /** The table's segment in which that slot lies. */
  #segment = 0;
  // Where the last `find` that found nothing ended, for `insert`, which most often comes next: the word at which the empty slot
  // begins, its segment (0: not known), the table, the hash, and `moves`, as it is good only as long as that stays what it was.
  #vacantWord = 0;
  #vacantSegment = 0;
  #vacantTable = 0;
  #vacantHash = 0;
  #vacantMoves = 0;
  readonly #scratch = new Int32Array(SEGMENT_SLOTS * 2);
  /** Raised whenever slots move or are emptied, in any table: what foresight has found may lie elsewhere now. */
  moves = 0;

  constructor(readonly arena: Arena) {}

  /** Makes an empty table and returns its ref. */
  create(): number {
    const segment = this.#createSegment(SMALLEST_BITS, 0);
    const table = this.arena.allocBeside(HEADER_BYTES, segment);
    this.#set(table, COUNT, 0);
    this.#set(table, DEPTH, 0);
    this.#set(table, DIRECTORY, segment);
    this.#set(table, SEGMENTS, 1);
    return table;
  }

  /** Frees the table, not the entries in it. */
  destroy(table: number): void {
    this.moves++;
    const depth = this.#get(table, DEPTH);
    const directory = this.#get(table, DIRECTORY);
    if (depth > 0) {
      for (let i = 0; i < 1 << depth;) {
        const segment = this.#get(directory, i);
        i += 1 << (depth - this.#localDepth(segment));
        this.arena.free(segment);
      }
    }
    this.arena.free(directory);
    this.arena.free(table);
  }

  /** Entries in the table. */
  count(table: number): number {
    return this.#get(table, COUNT);
  }

  /** Bytes of the table itself, without its entries. */
  memoryBytes(table: number): number {
    const depth = this.#get(table, DEPTH);
    const segment = this.#segmentOf(table, 0);
    const segments = this.#get(table, SEGMENTS) * ((1 << this.#get(segment, 1)) + 1) * 8;
    return HEADER_BYTES + segments + (depth > 0 ? 4 << depth : 0);
  }

  /** Slots of all segments together. */
  slots(table: number): number {
    return this.#get(table, SEGMENTS) << this.#get(this.#segmentOf(table, 0), 1);
  }

  statistics(table: number): TableStatistics {
    return { entries: this.count(table), slots: this.slots(table), bytes: this.memoryBytes(table) };
  }

  /** Finds the entry with the given key bytes: its ref, or 0. Sets `slot`. */
  find(table: number, hash: number, bytes: Uint8Array, start: number, length: number): number {
    const arena = this.arena;
    const header = arena.words[table >>> SEGMENT_SHIFT];
    const headerAt = (table & SEGMENT_MASK) << 1;
    let segment = header[headerAt + DIRECTORY];
    const depth = header[headerAt + DEPTH];
    if (depth !== 0) {
      segment = arena.words[segment >>> SEGMENT_SHIFT][((segment & SEGMENT_MASK) << 1) + (hash >>> (32 - depth))];
    }
    const words = arena.words[segment >>> SEGMENT_SHIFT];
    const base = (segment & SEGMENT_MASK) << 1;
    // The segment's own word lies in another cache line, and most often in another page, than the slot.
    const bits = depth === 0 ? words[base + 1] : SEGMENT_BITS;
    const first = base + 2;
    const end = first + (2 << bits);
    let at = first + (((hash & HOME_MASK) >>> (SEGMENT_BITS - bits)) << 1);
    for (;;) {
      const ref = words[at + 1];
      if (ref === 0) {
        this.#vacantWord = at;
        this.#vacantSegment = segment;
        this.#vacantTable = table;
        this.#vacantHash = hash;
        this.#vacantMoves = this.moves;
        return 0;
      }
      if (words[at] === hash) {
        const entry = arena.words[ref >>> SEGMENT_SHIFT];
        const entryAt = (ref & SEGMENT_MASK) << 1;
        const word1 = entry[entryAt + 1];
        if ((word1 & KEY_LENGTH_MASK) === length) {
          const keyWord = entryAt + (ENTRY_HEADER_BYTES >>> 2) + ((word1 >>> 29) & 2);
          if (keyEquals(entry, arena.bytes[ref >>> SEGMENT_SHIFT], keyWord, bytes, start, length)) {
            this.#segment = segment;
            this.slot = segment + 1 + ((at - first) >> 1);
            return ref;
          }
        }
      }
      at += 2;
      if (at === end) at = first;
    }
  }

  /** The entry in a slot. */
  entryAt(slot: number): number {
    return this.#get(slot, 1);
  }

  /**
   * What `find` would return, given the place of an entry with the key's hash, as long as `moves` is what it was when it
   * was found there: the ref, or 0 where the key is another one or `find` must look. Sets `slot`.
   */
  confirm(segment: number, slot: number, bytes: Uint8Array, start: number, length: number): number {
    const arena = this.arena;
    const ref = arena.words[slot >>> SEGMENT_SHIFT][((slot & SEGMENT_MASK) << 1) + 1];
    if (!this.#hasKey(ref, bytes, start, length)) return 0;
    this.#segment = segment;
    this.slot = slot;
    return ref;
  }

  /** Finds the very entry `ref`; whether it is there. Sets `slot`. */
  findEntry(table: number, hash: number, ref: number): boolean {
    const segment = this.#segmentOf(table, hash);
    const words = this.arena.words[segment >>> SEGMENT_SHIFT];
    const first = ((segment & SEGMENT_MASK) << 1) + 2;
    const bits = words[first - 1];
    const end = first + (2 << bits);
    let at = first + (((hash & HOME_MASK) >>> (SEGMENT_BITS - bits)) << 1);
    for (;;) {
      const found = words[at + 1];
      if (found === 0) return false;
      if (found === ref) {
        this.#segment = segment;
        this.slot = segment + 1 + ((at - first) >> 1);
        return true;
      }
      at += 2;
      if (at === end) at = first;
    }
  }

  /** Puts another entry with the same key into a slot just found. */
  replaceAt(slot: number, ref: number): void {
    this.#set(slot, 1, ref);
  }

  /**
   * Adds an entry whose key is known to be absent. Where there is no memory for it, nothing is added. Right after `find` has
   * said so, no slot is looked for again.
   */
  insert(table: number, hash: number, ref: number): void {
    if (!this.#placeAtVacant(table, hash, ref)) {
      const segment = this.reserve(table, hash);
      this.#place(segment, this.#get(segment, 1), hash, ref);
    }
    this.#vacantSegment = 0; // the slot may be this one
    this.#set(table, COUNT, this.#get(table, COUNT) + 1);
  }

  /** Puts an entry where `find` has ended, if that is still its place and the segment need not grow; whether it did. */
  #placeAtVacant(table: number, hash: number, ref: number): boolean {
    const segment = this.#vacantSegment;
    if (segment === 0 || hash !== this.#vacantHash || table !== this.#vacantTable) return false;
    if (this.moves !== this.#vacantMoves) return false;
    const words = this.arena.words[segment >>> SEGMENT_SHIFT];
    const base = (segment & SEGMENT_MASK) << 1;
    if ((words[base] & 0xffff) >= mostEntries(words[base + 1])) return false;
    words[base]++;
    words[this.#vacantWord] = hash;
    words[this.#vacantWord + 1] = ref;
    return true;
  }

  /**
   * Adds the next entries of a run, `most` at most. Those of which the key is there already go to `twice` instead, and where
   * that is null none is. Throws where there is no memory; those before are added then, and are no more of the run.
   */
  insertRun(table: number, run: TableRun, most: number, twice: number[] | null): void {
    const { arena } = this;
    const { hashes, refs } = run;
    const from = run.next;
    const end = Math.min(run.count, from + most);
    const header = arena.words[table >>> SEGMENT_SHIFT];
    const headerAt = (table & SEGMENT_MASK) << 1;
    let notAdded = 0;
    this.#vacantSegment = 0;
    try {
      for (; run.next < end; run.next++) {
        const hash = hashes[run.next];
        const ref = refs[run.next];
        let segment = header[headerAt + DIRECTORY];
        const depth = header[headerAt + DEPTH];
        if (depth !== 0) {
          segment = arena.words[segment >>> SEGMENT_SHIFT][((segment & SEGMENT_MASK) << 1) + (hash >>> (32 - depth))];
        }
        let words = arena.words[segment >>> SEGMENT_SHIFT];
        let base = (segment & SEGMENT_MASK) << 1;
        if ((words[base] & 0xffff) >= mostEntries(words[base + 1])) {
          segment = this.reserve(table, hash);
          words = arena.words[segment >>> SEGMENT_SHIFT];
          base = (segment & SEGMENT_MASK) << 1;
        }
        const bits = words[base + 1];
        const first = base + 2;
        const last = first + (2 << bits);
        let at = first + (((hash & HOME_MASK) >>> (SEGMENT_BITS - bits)) << 1);
        for (; words[at + 1] !== 0; at = at + 2 === last ? first : at + 2) {
          if (words[at] === hash && twice !== null && this.#haveSameKey(words[at + 1], ref)) break;
        }
        if (words[at + 1] !== 0) {
          twice?.push(ref);
          notAdded++;
          continue;
        }
        words[at] = hash;
        words[at + 1] = ref;
        words[base]++;
      }
    } finally {
      this.#set(table, COUNT, this.#get(table, COUNT) + run.next - from - notAdded);
    }
  }

  #haveSameKey(one: number, other: number): boolean {
    const { arena } = this;
    const words = arena.words[other >>> SEGMENT_SHIFT];
    const at = (other & SEGMENT_MASK) << 1;
    const length = words[at + 1] & KEY_LENGTH_MASK;
    const start = (at << 2) + ENTRY_HEADER_BYTES + ((words[at + 1] >>> 27) & 8);
    return this.#hasKey(one, arena.bytes[other >>> SEGMENT_SHIFT], start, length);
  }

  #hasKey(ref: number, bytes: Uint8Array, start: number, length: number): boolean {
    const { arena } = this;
    const words = arena.words[ref >>> SEGMENT_SHIFT];
    const at = (ref & SEGMENT_MASK) << 1;
    const word1 = words[at + 1];
    if ((word1 & KEY_LENGTH_MASK) !== length) return false;
    const keyWord = at + (ENTRY_HEADER_BYTES >>> 2) + ((word1 >>> 29) & 2);
    return keyEquals(words, arena.bytes[ref >>> SEGMENT_SHIFT], keyWord, bytes, start, length);
  }

  /**
   * Takes the memory that adding an entry with this hash needs, so that it cannot fail, whatever is removed in between;
   * returns the table's segment for it.
   */
  reserve(table: number, hash: number): number {
    let segment = this.#segmentOf(table, hash);
    let bits = this.#get(segment, 1);
    while ((this.#get(segment, 0) & 0xffff) >= mostEntries(bits)) {
      if (bits < SEGMENT_BITS) this.#resizeOnly(table, segment, bits + 1);
      else this.#split(table, hash, segment);
      segment = this.#segmentOf(table, hash);
      bits = this.#get(segment, 1);
    }
    return segment;
  }

  /** Removes the entry that the last `find` or `findEntry` on this table returned; the entry itself is not freed. */
  removeFound(table: number): void {
    this.moves++;
    const segment = this.#segment;
    const words = this.arena.words[segment >>> SEGMENT_SHIFT];
    const first = ((segment & SEGMENT_MASK) << 1) + 2;
    const bits = words[first - 1];
    const mask = (1 << bits) - 1;
    const shift = SEGMENT_BITS - bits;
    // Later members of the run move back, each unless that would put it before its home (Knuth, 6.4, algorithm R).
    let hole = this.slot - segment - 1;
    let next = hole;
    for (;;) {
      next = (next + 1) & mask;
      const ref = words[first + (next << 1) + 1];
      if (ref === 0) break;
      const hash = words[first + (next << 1)];
      const home = (hash & HOME_MASK) >>> shift;
      if (((next - home) & mask) >= ((next - hole) & mask)) {
        words[first + (hole << 1)] = hash;
        words[first + (hole << 1) + 1] = ref;
        hole = next;
      }
    }
    const removed = words[first + ((this.slot - segment - 1) << 1)];
    words[first + (hole << 1) + 1] = 0;
    const count = (--words[first - 2]) & 0xffff;
    this.#set(table, COUNT, this.#get(table, COUNT) - 1);
    if (count < (1 << bits) >> 3) this.#shrink(table, segment, bits, removed);
  }

  /**
   * Collects into `into` (cleared first) the refs of entries from `cursor` on, home by home, until there are at least
   * `limit`. Returns the next cursor, a uint32, which is 0 at the end. Cost is O(limit) plus the empty homes passed.
   *
   * The cursor is a prefix of the hash, a 1 that marks the prefix's end, and in the lower 10 bits the home. The part of
   * the table with that prefix is passed home by home even if by now it is joined to a part that was to come later,
   * whose entries are left for later. Any uint32 is safe as a cursor.
   */
  scan(table: number, cursor: number, limit: number, into: number[]): number {
    into.length = 0;
    let home = cursor & HOME_MASK;
    let prefix = cursor & ~HOME_MASK;
    const mark = prefix & -prefix;
    let depth = mark === 0 ? 0 : Math.clz32(mark);
    prefix ^= mark;
    let emptyHomes = 0;
    for (;;) {
      const segment = this.#segmentOf(table, prefix);
      const words = this.arena.words[segment >>> SEGMENT_SHIFT];
      const first = ((segment & SEGMENT_MASK) << 1) + 2;
      const bits = words[first - 1];
      const mask = (1 << bits) - 1;
      const shift = SEGMENT_BITS - bits;
      depth = Math.max(depth, words[first - 2] >>> 16);
      const prefixMask = depth === 0 ? 0 : -1 << (32 - depth);
      for (let position = home >>> shift; position <= mask; position++) {
        if (into.length >= limit || emptyHomes >= limit * 10) {
          return (prefix | (1 << (31 - depth)) | (position << shift)) >>> 0;
        }
        const before = into.length;
        for (let at = position; words[first + (at << 1) + 1] !== 0; at = (at + 1) & mask) {
          const hash = words[first + (at << 1)];
          if ((hash & HOME_MASK) >>> shift === position && ((hash ^ prefix) & prefixMask) === 0) {
            into.push(words[first + (at << 1) + 1]);
          }
        }
        if (into.length === before) emptyHomes++;
      }
      const next = (prefix >>> 0) + 2 ** (32 - depth);
      if (next >= 2 ** 32) return 0;
      prefix = next | 0;
      depth = Math.clz32(prefix & -prefix) + 1; // the largest part that begins here
      home = 0;
    }
  }

  /**
   * The ref of some entry, each as likely as any other, or 0 if there is none. `random` gives values in [0, 1).
   *
   * A slot is drawn and dropped if it is empty; one in a segment that stands in the directory 2^n times is dropped but
   * once in 2^n, so that all slots are drawn equally often. Some 5 draws are expected.
   */
  random(table: number, random: () => number): number {
    if (this.#get(table, COUNT) === 0) return 0;
    const depth = this.#get(table, DEPTH);
    for (let tries = 0; tries < RANDOM_TRIES; tries++) {
      const segment = this.#segmentOf(table, (random() * 2 ** 32) | 0);
      if (random() * (1 << (depth - this.#localDepth(segment))) >= 1) continue;
      const ref = this.#get(segment + 1 + Math.floor(random() * (1 << this.#get(segment, 1))), 1);
      if (ref !== 0) return ref;
    }
    const refs: number[] = [];
    this.scan(table, (random() * 2 ** 32) >>> 0, 1, refs);
    for (let cursor = 0; refs.length === 0;) cursor = this.scan(table, cursor, 1, refs);
    return refs[Math.floor(random() * refs.length)];
  }

  /** Moves a table's header and directory out of segments that are leaving; returns its ref, maybe another. */
  relocate(table: number): number {
    const depth = this.#get(table, DEPTH);
    if (depth > 0) this.#set(table, DIRECTORY, this.#moveBlock(this.#get(table, DIRECTORY), 4 << depth));
    return this.#moveBlock(table, HEADER_BYTES);
  }

  /**
   * Moves the segment for hashes from `cursor` on (0 at first), and gives each entry in it the ref that `move` returns.
   * Returns the next cursor, 0 at the end; it means the same whatever splits and joins come in between.
   */
  relocateSegment(table: number, cursor: number, move: (ref: number, hash: number) => number): number {
    const old = this.#segmentOf(table, cursor);
    const localDepth = this.#localDepth(old);
    const bits = this.#get(old, 1);
    const segment = this.#moveBlock(old, 8 + (8 << bits));
    const prefix = localDepth === 0 ? 0 : cursor >>> (32 - localDepth);
    if (segment !== old) this.#nameSegment(table, segment, localDepth, prefix);
    const words = this.arena.words[segment >>> SEGMENT_SHIFT];
    const first = ((segment & SEGMENT_MASK) << 1) + 2;
    for (let at = first, end = first + (2 << bits); at < end; at += 2) {
      const ref = words[at + 1];
      if (ref !== 0) words[at + 1] = move(ref, words[at]);
    }
    const next = (prefix + 1) * 2 ** (32 - localDepth);
    return next >= 2 ** 32 ? 0 : next;
  }

  /** Has a table's directory name a segment for all hashes with a prefix. */
  #nameSegment(table: number, segment: number, localDepth: number, prefix: number): void {
    const depth = this.#get(table, DEPTH);
    if (depth === 0) return this.#set(table, DIRECTORY, segment);
    const directory = this.#get(table, DIRECTORY);
    const range = 1 << (depth - localDepth);
    for (let i = 0; i < range; i++) this.#set(directory, prefix * range + i, segment);
  }

  /** Moves a block out of a segment that is leaving; its ref, maybe another. */
  #moveBlock(ref: number, bytes: number): number {
    const { arena } = this;
    if (!arena.isLeaving(ref)) return ref;
    this.moves++;
    const moved = arena.alloc(bytes);
    arena.copy(ref, 0, moved, 0, bytes);
    arena.free(ref);
    return moved;
  }

  #get(ref: number, word: number): number {
    return this.arena.words[ref >>> SEGMENT_SHIFT][((ref & SEGMENT_MASK) << 1) + word];
  }

  #set(ref: number, word: number, value: number): void {
    this.arena.words[ref >>> SEGMENT_SHIFT][((ref & SEGMENT_MASK) << 1) + word] = value;
  }

  #segmentOf(table: number, hash: number): number {
    const depth = this.#get(table, DEPTH);
    const directory = this.#get(table, DIRECTORY);
    return depth === 0 ? directory : this.#get(directory, hash >>> (32 - depth));
  }

  #localDepth(segment: number): number {
    return this.#get(segment, 0) >>> 16;
  }

  #createSegment(bits: number, localDepth: number): number {
    const segment = this.arena.alloc(8 + (8 << bits));
    const words = this.arena.words[segment >>> SEGMENT_SHIFT];
    const at = (segment & SEGMENT_MASK) << 1;
    words.fill(0, at, at + 2 + (2 << bits));
    words[at] = localDepth << 16;
    words[at + 1] = bits;
    return segment;
  }

  /** Puts an entry into the first empty slot from its home on. */
  #place(segment: number, bits: number, hash: number, ref: number): void {
    const words = this.arena.words[segment >>> SEGMENT_SHIFT];
    const first = ((segment & SEGMENT_MASK) << 1) + 2;
    const end = first + (2 << bits);
    let at = first + (((hash & HOME_MASK) >>> (SEGMENT_BITS - bits)) << 1);
    while (words[at + 1] !== 0) {
      at += 2;
      if (at === end) at = first;
    }
    words[at] = hash;
    words[at + 1] = ref;
    words[first - 2]++;
  }

  /** Copies every slot of `from` into `to`, which may have another size or cover more prefixes. */
  #moveAll(from: number, to: number): void {
    const words = this.arena.words[from >>> SEGMENT_SHIFT];
    const first = ((from & SEGMENT_MASK) << 1) + 2;
    const end = first + (2 << words[first - 1]);
    const bits = this.#get(to, 1);
    for (let at = first; at < end; at += 2) {
      if (words[at + 1] !== 0) this.#place(to, bits, words[at], words[at + 1]);
    }
  }

  /** Replaces the only segment of a table of depth 0 by one of another size. */
  #resizeOnly(table: number, segment: number, bits: number): void {
    this.moves++;
    const resized = this.#createSegment(bits, 0);
    this.#moveAll(segment, resized);
    this.#set(table, DIRECTORY, resized);
    this.arena.free(segment);
  }

  #split(table: number, hash: number, segment: number): void {
    this.moves++;
    const localDepth = this.#localDepth(segment) + 1;
    if (localDepth > MAX_DEPTH) throw new TableFullError("a table segment is full at the greatest depth");
    const upper = this.#createSegment(SEGMENT_BITS, localDepth);
    if (localDepth > this.#get(table, DEPTH)) this.#doubleDirectory(table, upper);
    const words = this.arena.words[segment >>> SEGMENT_SHIFT];
    const at = (segment & SEGMENT_MASK) << 1;
    const scratch = this.#scratch;
    scratch.set(words.subarray(at + 2, at + 2 + 2 * SEGMENT_SLOTS));
    words.fill(0, at + 2, at + 2 + 2 * SEGMENT_SLOTS);
    words[at] = localDepth << 16;
    for (let i = 0; i < scratch.length; i += 2) {
      if (scratch[i + 1] === 0) continue;
      const goesUp = (scratch[i] >>> (32 - localDepth)) & 1;
      this.#place(goesUp ? upper : segment, SEGMENT_BITS, scratch[i], scratch[i + 1]);
    }
    const depth = this.#get(table, DEPTH);
    const directory = this.#get(table, DIRECTORY);
    const range = 1 << (depth - localDepth);
    const start = (((hash >>> (32 - localDepth)) | 1) << (depth - localDepth)) >>> 0;
    for (let i = 0; i < range; i++) this.#set(directory, start + i, upper);
    this.#set(table, SEGMENTS, this.#get(table, SEGMENTS) + 1);
  }

  /** Doubles the directory; where there is no memory for that, `segment`, taken for the same purpose, is given back. */
  #doubleDirectory(table: number, segment: number): void {
    const depth = this.#get(table, DEPTH);
    const old = this.#get(table, DIRECTORY);
    const directory = this.arena.allocBeside(8 << depth, segment);
    const to = this.arena.words[directory >>> SEGMENT_SHIFT];
    const toAt = (directory & SEGMENT_MASK) << 1;
    if (depth === 0) {
      to[toAt] = to[toAt + 1] = old;
    } else {
      for (let i = 0; i < 1 << depth; i++) to[toAt + 2 * i] = to[toAt + 2 * i + 1] = this.#get(old, i);
      this.arena.free(old);
    }
    this.#set(table, DIRECTORY, directory);
    this.#set(table, DEPTH, depth + 1);
  }

  /**
   * Gives memory back around a segment that is nearly empty, keeping what is left at most half full. Where there is no
   * memory for the smaller form, the larger one stays: a removal never fails.
   */
  #shrink(table: number, segment: number, bits: number, hash: number): void {
    while ((this.#get(segment, 0) & 0xffff) < (1 << bits) >> 3) {
      if (this.#localDepth(segment) === 0) {
        // A directory stays where there was no memory for a smaller one.
        if (this.#get(table, DEPTH) > 0) this.#halveDirectory(table);
        if (this.#get(table, DEPTH) > 0) return;
        if (bits === SMALLEST_BITS || !this.#hasShrunk(table, segment, --bits)) return;
        segment = this.#get(table, DIRECTORY);
      } else {
        segment = this.#join(table, segment, hash);
        if (segment === 0) return;
      }
    }
  }

  #hasShrunk(table: number, segment: number, bits: number): boolean {
    try {
      this.#resizeOnly(table, segment, bits);
      return true;
    } catch (error) {
      if (error instanceof ArenaFullError) return false;
      throw error;
    }
  }

  /** Moves a segment's entries to its buddy, if it has one and they leave it at most half full; the buddy, or 0. */
  #join(table: number, segment: number, hash: number): number {
    this.moves++;
    const localDepth = this.#localDepth(segment);
    const buddy = this.#segmentOf(table, hash ^ (1 << (32 - localDepth)));
    if (this.#localDepth(buddy) !== localDepth) return 0;
    const together = (this.#get(segment, 0) & 0xffff) + (this.#get(buddy, 0) & 0xffff);
    if (together > SEGMENT_SLOTS / 2) return 0;
    this.#moveAll(segment, buddy);
    this.#set(buddy, 0, together | ((localDepth - 1) << 16));
    const depth = this.#get(table, DEPTH);
    const directory = this.#get(table, DIRECTORY);
    const range = 1 << (depth - localDepth);
    const start = ((hash >>> (32 - localDepth)) << (depth - localDepth)) >>> 0;
    for (let i = 0; i < range; i++) this.#set(directory, start + i, buddy);
    this.arena.free(segment);
    const segments = this.#get(table, SEGMENTS) - 1;
    this.#set(table, SEGMENTS, segments);
    if (segments <= 1 << (depth - 1)) this.#halveDirectory(table);
    return buddy;
  }

  /** Halves the directory as long as no segment needs its last bit, and there is memory for the smaller one. */
  #halveDirectory(table: number): void {
    try {
      this.#halveWhilePossible(table);
    } catch (error) {
      if (!(error instanceof ArenaFullError)) throw error;
    }
  }

  #halveWhilePossible(table: number): void {
    let depth = this.#get(table, DEPTH);
    for (; depth > 0; depth--) {
      const old = this.#get(table, DIRECTORY);
      for (let i = 0; i < 1 << depth; i += 2) {
        if (this.#get(old, i) !== this.#get(old, i + 1)) return;
      }
      let directory = this.#get(old, 0);
      if (depth > 1) {
        directory = this.arena.alloc(2 << depth);
        for (let i = 0; i < 1 << (depth - 1); i++) this.#set(directory, i, this.#get(old, 2 * i));
      }
      this.arena.free(old);
      this.#set(table, DIRECTORY, directory);
      this.#set(table, DEPTH, depth - 1);
    }
  }
}

/** Most entries of a segment with `2 ** bits` slots: 13 of 16, as probes are few up to there. */
function mostEntries(bits: number): number {
  return (13 << bits) >> 4;
}
