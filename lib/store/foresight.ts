/**
 * Foresight: the keys that requests which arrived together are about to look up, hashed and fetched into the CPU's
 * caches before the first of them runs.
 *
 * Looking up a key in a large table costs two or three cache misses, and one lookup's misses wait for each other. Those
 * of different keys do not: a loop that only touches what the lookups will need has ten of them under way at once.
 * Valkey 8 does the same ("memory prefetching").
 *
 * What is foreseen is a hint: a hash is a function of the key's bytes, and so right whatever has changed meanwhile; the
 * slot in which an entry was seen counts only while no slot of any table has moved (`Tables.moves`). The server's batch
 * fills it, and clears it before the bytes change.
 */

import { hashBytes } from "../bytes/hash.ts";
import { SEGMENT_MASK, SEGMENT_SHIFT } from "./arena.ts";
import type { Entries } from "./entry.ts";
import { DEPTH, DIRECTORY, HOME_MASK, SEGMENT_BITS, type Tables } from "./table.ts";
import type { ValueType } from "./types/value_type.ts";

/** Most keys and members that are foreseen at a time. */
export const FORESIGHT = 64;
/** How far into an entry is read ahead, in words: most of a short key with its value. */
const ENTRY_REACH_WORDS = 8;
/** A cache line, in words. */
const LINE_WORDS = 16;
const NO_BYTES = new Uint8Array(0);
/** Length of a member that was not hashed, as its key holds no table. */
const NOT_HASHED = -1;
/** Owner of a key: it lies in the database itself. */
const DATABASE = -1;
/** Owner of a key noted before: from here downwards, ALIAS - i for the one with index i. */
const ALIAS = -2;

export class Foresight {
  /** Arguments noted, in the order in which they lie in `#bytes`. */
  count = 0;
  #bytes: Uint8Array = NO_BYTES;
  readonly #starts = new Int32Array(FORESIGHT);
  readonly #lengths = new Int32Array(FORESIGHT);
  readonly #hashes = new Int32Array(FORESIGHT);
  /** Of a member: the index of its key; DATABASE for a key; ALIAS - i for one with the bytes of key i. */
  readonly #owners = new Int32Array(FORESIGHT);
  /** The table in which each is to be found; 0 for none. */
  readonly #tables = new Int32Array(FORESIGHT);
  /** Where in that table its entry lies, as far as the hash tells: the segment, and the slot or 0. */
  readonly #segments = new Int32Array(FORESIGHT);
  readonly #slots = new Int32Array(FORESIGHT);
  /** Indexes of those being fetched, and their entries. */
  readonly #which = new Int32Array(FORESIGHT);
  readonly #refs = new Int32Array(FORESIGHT);
  /** `Tables.moves` when that was found. */
  #moves = 0;
  /** Where the last argument was found. */
  #cursor = 0;
  /** Hash of the key that `find` was given last. */
  hash = 0;
  /** Written so that what is read ahead has a use. */
  touched = 0;

  constructor(
    readonly entries: Entries,
    readonly tables: Tables,
    readonly types: readonly (ValueType | undefined)[],
  ) {}

  /** Forgets everything. */
  clear(): void {
    this.count = 0;
    this.#bytes = NO_BYTES;
  }

  /** Notes a key in `bytes`, which must lie behind all noted before, and returns its index; there must be room. */
  addKey(bytes: Uint8Array, start: number, length: number): number {
    return this.#add(bytes, start, length, DATABASE);
  }

  /** Notes that a key is there once more: the one with index `key`. */
  addAlias(bytes: Uint8Array, start: number, length: number, key: number): void {
    this.#add(bytes, start, length, ALIAS - key);
  }

  /** Notes a member (a hash's field) of the key with index `key`. */
  addMember(bytes: Uint8Array, start: number, length: number, key: number): void {
    this.#add(bytes, start, length, key);
  }

  #add(bytes: Uint8Array, start: number, length: number, owner: number): number {
    const index = this.count++;
    this.#bytes = bytes;
    this.#starts[index] = start;
    this.#lengths[index] = length;
    this.#owners[index] = owner;
    return index;
  }

  /** Hashes what was noted, and touches what looking it up in a table of keys will touch. */
  fetch(keys: number): void {
    const owners = this.#owners;
    const { count } = this;
    let found = 0;
    for (let i = 0; i < count; i++) {
      if (owners[i] === DATABASE) this.#which[found++] = this.#hashed(i, keys);
    }
    this.#prefetch(found);
    this.#cursor = 0;
    this.#moves = this.tables.moves;
    if (found === count) return;
    found = 0;
    let tableOwner = DATABASE;
    let table = 0;
    for (let i = 0; i < count; i++) {
      const owner = owners[i];
      if (owner === DATABASE) continue;
      if (owner <= ALIAS) {
        this.#repeat(ALIAS - owner, i);
        continue;
      }
      if (owner !== tableOwner) table = this.#tableUnder(tableOwner = owner);
      if (table !== 0) this.#which[found++] = this.#hashed(i, table);
      else this.#lengths[i] = NOT_HASHED;
    }
    this.#prefetch(found);
  }

  /** Hashes argument `index`, which is to be found in a table; returns the index. */
  #hashed(index: number, table: number): number {
    this.#tables[index] = table;
    this.#hashes[index] = hashBytes(this.#bytes, this.#starts[index], this.#lengths[index]);
    return index;
  }

  /** What is known of argument `from` holds of argument `to`. */
  #repeat(from: number, to: number): void {
    this.#tables[to] = this.#tables[from];
    this.#hashes[to] = this.#hashes[from];
    this.#segments[to] = this.#segments[from];
    this.#slots[to] = this.#slots[from];
  }

  /**
   * Touches what `Tables.find` will read for the first `count` of `#which`, so that the cache misses overlap: first all
   * slots, then all entries. `#segments` and `#slots` get the place of the first entry with the hash; the slot is 0 where
   * there is none.
   */
  #prefetch(count: number): void {
    const all = this.tables.arena.words;
    const which = this.#which;
    const tables = this.#tables;
    const hashes = this.#hashes;
    const segments = this.#segments;
    const slots = this.#slots;
    const refs = this.#refs;
    let touched = 0;
    // Short loops: the less there is between two misses, the more of them the CPU has under way.
    let table = 0;
    let directory = all[0];
    let directoryAt = 0;
    let directoryShift = 0;
    let homeShift = 0;
    for (let n = 0; n < count; n++) {
      const i = which[n];
      if (tables[i] !== table) {
        table = tables[i];
        const header = all[table >>> SEGMENT_SHIFT];
        const headerAt = (table & SEGMENT_MASK) << 1;
        const depth = header[headerAt + DEPTH];
        const ref = header[headerAt + DIRECTORY];
        const words = all[ref >>> SEGMENT_SHIFT];
        // At depth 0 the header's own word is the directory, and the only segment may be a small one.
        directory = depth === 0 ? header : words;
        directoryAt = depth === 0 ? headerAt + DIRECTORY : (ref & SEGMENT_MASK) << 1;
        directoryShift = 31 - depth;
        homeShift = depth === 0 ? SEGMENT_BITS - words[((ref & SEGMENT_MASK) << 1) + 1] : 0;
      }
      const hash = hashes[i];
      const segment = directory[directoryAt + ((hash >>> 1) >>> directoryShift)];
      const home = (hash & HOME_MASK) >>> homeShift;
      const words = all[segment >>> SEGMENT_SHIFT];
      const base = (segment & SEGMENT_MASK) << 1;
      segments[i] = segment;
      slots[i] = home;
      touched ^= words[base + 2 + (home << 1)];
    }
    for (let n = 0; n < count; n++) {
      const i = which[n];
      const hash = hashes[i];
      const segment = segments[i];
      const words = all[segment >>> SEGMENT_SHIFT];
      const first = ((segment & SEGMENT_MASK) << 1) + 2;
      let slot = slots[i];
      let ref = words[first + (slot << 1) + 1];
      while (ref !== 0 && words[first + (slot << 1)] !== hash) {
        if (++slot === 1 << words[first - 1]) slot = 0;
        ref = words[first + (slot << 1) + 1];
      }
      slots[i] = ref === 0 ? 0 : segment + 1 + slot;
      refs[i] = ref;
    }
    for (let n = 0; n < count; n++) {
      const ref = refs[which[n]];
      if (ref === 0) continue;
      const entry = all[ref >>> SEGMENT_SHIFT];
      const at = (ref & SEGMENT_MASK) << 1;
      // A short entry lies within two cache lines.
      touched ^= entry[at] ^ entry[at + ENTRY_REACH_WORDS];
    }
    this.touched = touched;
  }

  /** Touches entries that are about to be read, as a scan gives them, and then the bodies that are their values. */
  fetchEntries(refs: readonly number[]): void {
    const { entries } = this;
    const all = this.tables.arena.words;
    let touched = 0;
    for (let i = 0; i < refs.length; i++) {
      const ref = refs[i];
      const entry = all[ref >>> SEGMENT_SHIFT];
      const at = (ref & SEGMENT_MASK) << 1;
      touched ^= entry[at] ^ entry[at + LINE_WORDS] ^ entry[at + 2 * LINE_WORDS];
    }
    for (let i = 0; i < refs.length; i++) {
      const ref = refs[i];
      if (!entries.hasBody(ref)) continue;
      const body = entries.valueWord(ref);
      touched ^= all[body >>> SEGMENT_SHIFT][(body & SEGMENT_MASK) << 1];
    }
    this.touched = touched;
  }

  /** The table that is the value of a key, as far as its hash tells; 0 if there is none. */
  #tableUnder(key: number): number {
    const { tables, entries } = this;
    const slot = this.#slots[key];
    if (slot === 0) return 0;
    const ref = tables.entryAt(slot);
    return entries.hasBody(ref) ? this.types[entries.type(ref)]?.memberTable(ref) ?? 0 : 0;
  }

  /** The entry under a key or member in a table, or 0, as `Tables.find`; says its hash in `hash`. */
  find(table: number, bytes: Uint8Array, start: number, length: number): number {
    const { tables } = this;
    const index = bytes === this.#bytes ? this.#indexOf(start, length) : -1;
    if (index < 0) {
      this.hash = hashBytes(bytes, start, length);
      return tables.find(table, this.hash, bytes, start, length);
    }
    this.hash = this.#hashes[index];
    if (this.#slots[index] !== 0 && this.#tables[index] === table && tables.moves === this.#moves) {
      const ref = tables.confirm(this.#segments[index], this.#slots[index], bytes, start, length);
      if (ref !== 0) return ref;
    }
    return tables.find(table, this.hash, bytes, start, length);
  }

  /** Index of an argument noted, or -1. They are looked up in order, or nearly so. */
  #indexOf(start: number, length: number): number {
    const starts = this.#starts;
    const count = this.count;
    let cursor = this.#cursor;
    if (cursor < count && starts[cursor] > start) cursor = 0;
    while (cursor < count && starts[cursor] < start) cursor++;
    this.#cursor = cursor;
    return cursor < count && starts[cursor] === start && this.#lengths[cursor] === length ? cursor : -1;
  }
}
