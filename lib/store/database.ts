/**
 * A database: keys with their values, and what becomes of them.
 *
 * Every change of an entry goes through here, because three things hang on it: a snapshot under way must see the entry
 * as it was (`prepareChange`, `prepareRemoval`), the table of keys must follow the entry when its block moves, and blocks
 * must be freed.
 *
 * Keys are given as (bytes, start, length), so that they can be looked up where they arrived.
 */

import { copyBytes } from "../bytes/compare.ts";
import { hashBytes } from "../bytes/hash.ts";
import { type Arena, ArenaFullError, MAX_BLOCK_BYTES, SEGMENT_MASK, SEGMENT_SHIFT } from "./arena.ts";
import {
  type Entries,
  ENTRY_HEADER_BYTES,
  HAS_EXPIRY,
  KEY_LENGTH_MASK,
  NO_EXPIRY,
  tellsOfBody,
  TYPE_STRING,
  type UnixMs,
} from "./entry.ts";
import type { Heap } from "./heap.ts";
import { KeyTable } from "./key_table.ts";
import type { SnapshotHooks, WalkedTable } from "./snapshot_hooks.ts";
import type { StagedKeys } from "./staged_keys.ts";
import type { Store } from "./store.ts";
import type { TableStatistics } from "./table.ts";
import type { ValueHome } from "./types/value_type.ts";

/** For `setString` and `rewriteString`: the expiry there is. Any other value but NO_EXPIRY is a Unix time in ms. */
export const KEEP_EXPIRY = -2;

/** Keys looked for between two removals of them all. */
const REMOVED_AT_ONCE = 512;

/** Told of a key; the bytes are its own during the call only. */
export type KeyListener = (database: Database, bytes: Uint8Array, start: number, length: number) => void;

/** Who is told of what becomes of keys; null: nobody asks. */
export class KeyEvents {
  /** A key was removed because it had expired. */
  onExpired: KeyListener | null = null;
  /** A look-up for reading found no key. */
  onMiss: KeyListener | null = null;
  /** A key is new in a database. */
  onNew: KeyListener | null = null;
  /** A key is given an expiry. */
  onExpiry: KeyListener | null = null;
}

export class Database implements ValueHome {
  #table: KeyTable;
  readonly #heap: Heap;
  readonly #arena: Arena;
  /** Reads and writes the entries of its keys, and of all. */
  readonly entries: Entries;
  readonly #snapshots: SnapshotHooks;
  readonly #events: KeyEvents;
  /** Whether the string being set is under a key that the command has looked up, and so used, already. */
  #isLookedUp = false;
  /** The key that the expiry cycle is removing. */
  #expiredKey = new Uint8Array(64);

  /** `index`: its number, as clients and listeners know it. Throws where there is no memory for it, and takes none then. */
  constructor(readonly store: Store, events: KeyEvents, readonly index: number) {
    const { heap } = store;
    this.#heap = heap;
    this.#arena = heap.arena;
    this.entries = heap.entries;
    this.#snapshots = heap.snapshots;
    this.#events = events;
    this.#table = new KeyTable(heap);
  }

  /** Keys, those included that have expired but were not removed yet. */
  get size(): number {
    return this.#table.size;
  }

  /** Keys that have an expiry. */
  get expiring(): number {
    return this.#table.expiring;
  }

  // --- Looking up ----------------------------------------------------------------------------------------------------

  /** The entry under a key, expired or not, without a trace in its metadata: its ref, or 0. */
  peek(bytes: Uint8Array, start: number, length: number): number {
    return this.#table.find(bytes, start, length);
  }

  /** The live entry under a key, for a command that reads it: its ref, or 0. Counts a hit or a miss. */
  read(bytes: Uint8Array, start: number, length: number): number {
    const ref = this.glance(bytes, start, length);
    if (ref !== 0) this.store.touch(ref);
    return ref;
  }

  /** As `read`, but no use of the key: for commands that ask about it (EXISTS, TYPE, TTL). */
  glance(bytes: Uint8Array, start: number, length: number): number {
    const store = this.store;
    const ref = this.#table.find(bytes, start, length);
    if (ref === 0 || this.#isGone(ref, bytes, start, length, store.removeExpired)) {
      store.misses++;
      const { onMiss } = this.#events;
      if (onMiss !== null) onMiss(this, bytes, start, length);
      return 0;
    }
    store.hits++;
    return ref;
  }

  /**
   * The live entry under a key, for a command that is about to change it: its ref, or 0. The snapshot under way, if
   * any, has been told.
   */
  write(bytes: Uint8Array, start: number, length: number): number {
    const ref = this.#table.find(bytes, start, length);
    if (ref === 0 || this.#isGone(ref, bytes, start, length, this.store.writesRemoveExpired)) return 0;
    this.store.touch(ref);
    this.#snapshots.prepareChange(this.#table, ref);
    return ref;
  }

  /** To be called before an entry that was looked up to be read is changed after all. */
  prepareChange(ref: number): void {
    this.#snapshots.prepareChange(this.#table, ref);
  }

  /** The live entry under a key, without a trace in its metadata or in the statistics: its ref, or 0. */
  look(bytes: Uint8Array, start: number, length: number): number {
    const ref = this.#table.find(bytes, start, length);
    return ref === 0 || this.#isGone(ref, bytes, start, length, this.store.removeExpired) ? 0 : ref;
  }

  /** Whether a live entry is under a key, for a command that changes something by that: a use of the key. */
  use(bytes: Uint8Array, start: number, length: number): boolean {
    const ref = this.#table.find(bytes, start, length);
    if (ref === 0 || this.#isGone(ref, bytes, start, length, this.store.writesRemoveExpired)) return false;
    this.store.touch(ref);
    return true;
  }

  /** Whether a live entry is under a key; leaves no trace. */
  has(bytes: Uint8Array, start: number, length: number): boolean {
    return this.look(bytes, start, length) !== 0;
  }

  /** Whether a found entry has expired; it is removed on the way where `removes` says so. */
  #isGone(ref: number, bytes: Uint8Array, start: number, length: number, removes: boolean): boolean {
    const store = this.store;
    const entries = this.entries;
    // Store.hasExpired, written out: this is asked at each look-up.
    if (!entries.hasExpiry(ref) || entries.expiry(ref) > store.nowMs || store.ignoreExpiry) return false;
    if (removes) this.#expire(bytes, start, length);
    return true;
  }

  /** Collects some entries from a cursor on, as `Tables.scan`; returns where to go on, 0 at the end. */
  scan(cursor: number, limit: number, into: number[]): number {
    return this.#table.scan(cursor, limit, into);
  }

  /** The same, of the entries that expire. */
  scanExpiring(cursor: number, limit: number, into: number[]): number {
    return this.#table.scanExpiring(cursor, limit, into);
  }

  /** Collects about `limit` of the entries that expire, each time the next, round after round. */
  nextExpiring(limit: number, into: number[]): void {
    this.#table.nextExpiring(limit, into);
  }

  /** Some entry, each as likely as any other, or 0. `random` gives values in [0, 1). */
  random(random: () => number): number {
    return this.#table.random(random);
  }

  /** The same, of the entries that expire. */
  randomExpiring(random: () => number): number {
    return this.#table.randomExpiring(random);
  }

  /** Fetches what looking up the keys noted in the foresight will touch. */
  foresee(): void {
    this.#table.foresee();
  }

  // --- Changing ------------------------------------------------------------------------------------------------------

  /** Removes an entry that has expired. */
  expireEntry(ref: number): void {
    const entries = this.entries;
    const length = entries.keyLength(ref);
    if (length > this.#expiredKey.length) this.#expiredKey = new Uint8Array(length);
    copyBytes(entries.bytes(ref), entries.keyStart(ref), length, this.#expiredKey, 0); // the entry's own will be gone
    this.#expire(this.#expiredKey, 0, length);
  }

  #expire(bytes: Uint8Array, start: number, length: number): void {
    const { onExpired } = this.#events;
    this.store.expiredKeys++;
    this.remove(bytes, start, length);
    if (onExpired !== null) onExpired(this, bytes, start, length);
  }

  /**
   * Sets a string, whatever was there before. `encoding` must fit the bytes; `expiry` is NO_EXPIRY, KEEP_EXPIRY or a
   * Unix time in ms. The value must not lie in this key's own entry.
   */
  setString(
    key: Uint8Array,
    keyStart: number,
    keyLength: number,
    value: Uint8Array,
    valueStart: number,
    valueLength: number,
    encoding: number,
    expiry: UnixMs,
  ): void {
    const old = this.#table.find(key, keyStart, keyLength);
    const ref = this.#replace(old, key, keyStart, keyLength, TYPE_STRING, encoding, valueLength, expiry);
    const arena = this.#arena;
    const at = (ref & SEGMENT_MASK) << 1;
    const word1 = arena.words[ref >>> SEGMENT_SHIFT][at + 1];
    const to = (at << 2) + ENTRY_HEADER_BYTES + ((word1 >>> 27) & 8) + (word1 & KEY_LENGTH_MASK);
    copyBytes(value, valueStart, valueLength, arena.bytes[ref >>> SEGMENT_SHIFT], to);
  }

  /** `setString` with the expiry there is, under a key that `write` has looked up: one use of the key, not two. */
  rewriteString(
    key: Uint8Array,
    keyStart: number,
    keyLength: number,
    value: Uint8Array,
    valueLength: number,
    encoding: number,
  ): void {
    this.#isLookedUp = true;
    try {
      this.setString(key, keyStart, keyLength, value, 0, valueLength, encoding, KEEP_EXPIRY);
    } finally {
      this.#isLookedUp = false;
    }
  }

  /**
   * Puts an entry with an undefined inline value of `inlineLength` bytes under a key, in place of what is there, and
   * returns its ref. Reuses the block where the size allows it.
   */
  put(
    key: Uint8Array,
    keyStart: number,
    keyLength: number,
    type: number,
    encoding: number,
    inlineLength: number,
    expiry: UnixMs,
  ): number {
    const old = this.#table.find(key, keyStart, keyLength);
    return this.#replace(old, key, keyStart, keyLength, type, encoding, inlineLength, expiry);
  }

  #replace(
    old: number,
    key: Uint8Array,
    keyStart: number,
    keyLength: number,
    type: number,
    encoding: number,
    inlineLength: number,
    expiry: UnixMs,
  ): number {
    const store = this.store;
    const events = this.#events;
    const table = this.#table;
    const entries = this.entries;
    const snapshots = this.#snapshots;
    const typeAndEncoding = type | (encoding << 4);
    if (old === 0) {
      const isExpiring = expiry !== NO_EXPIRY && expiry !== KEEP_EXPIRY;
      const ref = this.#newEntry(key, keyStart, keyLength, typeAndEncoding, inlineLength, isExpiring, expiry);
      table.addNew(ref, isExpiring);
      if (isExpiring && events.onExpiry !== null) events.onExpiry(this, key, keyStart, keyLength);
      if (events.onNew !== null) events.onNew(this, key, keyStart, keyLength);
      return ref;
    }
    const words = this.#arena.words[old >>> SEGMENT_SHIFT];
    const at = (old & SEGMENT_MASK) << 1;
    const had = (words[at + 1] & HAS_EXPIRY) !== 0;
    if (had && store.writesRemoveExpired && entries.expiry(old) <= store.nowMs && !store.ignoreExpiry) {
      this.#expire(key, keyStart, keyLength);
      return this.put(key, keyStart, keyLength, type, encoding, inlineLength, expiry);
    }
    const clock = store.frequency === null && !store.noTouch ? store.accessClock : this.#clockAfter(old);
    const meta = typeAndEncoding | (clock << 8);
    const keeps = expiry === KEEP_EXPIRY;
    const has = keeps ? had : expiry !== NO_EXPIRY;
    if (has && events.onExpiry !== null) events.onExpiry(this, key, keyStart, keyLength);
    // What a snapshot has still to write may be taken over by it, and so is not written over.
    if (had === has && !tellsOfBody(words[at]) && !snapshots.isAwaited(old)) {
      // The block is large enough, and not too large, if it takes as many granules.
      const padded = ENTRY_HEADER_BYTES + (had ? 8 : 0) + keyLength + 7;
      if (inlineLength < MAX_BLOCK_BYTES && (padded + words[at + 2]) >>> 3 === (padded + inlineLength) >>> 3) {
        words[at] = meta;
        words[at + 2] = inlineLength;
        if (has && !keeps) entries.setExpiry(old, expiry);
        return old;
      }
    }
    const ref = entries.create(key, keyStart, keyLength, meta, inlineLength, has);
    if (has && !had) table.reserveExpiry(ref);
    if (snapshots.epoch !== 0) snapshots.mark(ref);
    if (has) {
      if (keeps) entries.setExpiry(ref, entries.exactExpiry(old));
      else entries.setExpiry(ref, expiry);
    }
    const isTaken = snapshots.prepareRemoval(table, old);
    table.replaceFound(old, ref, had, has);
    if (!isTaken) this.#heap.release(old);
    return ref;
  }

  /** Makes the entry of a key that is new, in no table yet. */
  #newEntry(
    key: Uint8Array,
    keyStart: number,
    keyLength: number,
    typeAndEncoding: number,
    inlineLength: number,
    isExpiring: boolean,
    expiry: UnixMs,
  ): number {
    const { entries } = this;
    const meta = typeAndEncoding | (this.store.initialClock << 8);
    const ref = entries.create(key, keyStart, keyLength, meta, inlineLength, isExpiring);
    if (this.#snapshots.epoch !== 0) this.#snapshots.mark(ref);
    if (isExpiring) entries.setExpiry(ref, expiry);
    return ref;
  }

  /** The access clock of the value that takes the place of `old`. */
  #clockAfter(old: number): number {
    return this.#isLookedUp ? this.entries.clock(old) : this.store.continuedClock(old);
  }

  /**
   * Changes the inline value's length of an entry that `write` just returned, keeping the bytes that both lengths
   * share; new bytes are undefined. Returns the entry's ref, which may be another. Never fails to make it shorter.
   */
  resizeValue(ref: number, inlineLength: number): number {
    const entries = this.entries;
    const arena = this.#arena;
    const has = entries.hasExpiry(ref);
    const keyLength = entries.keyLength(ref);
    const bytes = entries.size(keyLength, inlineLength, has);
    const usable = arena.usableBytes(ref);
    // A block that is less than half used is given up for a smaller one, unless the value is just growing into it.
    if (bytes <= usable && (bytes * 2 >= usable - 16 || inlineLength > entries.valueWord(ref))) {
      entries.setValueWord(ref, inlineLength);
      return ref;
    }
    const moved = this.#blockFor(bytes, usable);
    if (moved === 0) {
      entries.setValueWord(ref, inlineLength);
      return ref;
    }
    arena.copy(ref, 0, moved, 0, Math.min(bytes, entries.size(keyLength, entries.valueWord(ref), has)));
    entries.setValueWord(moved, inlineLength);
    this.#table.locate(ref);
    this.#table.replaceFound(ref, moved, has, has);
    arena.free(ref);
    return moved;
  }

  /** A block of `bytes` in place of one of `usable`; 0 where there is no memory, but the old one will do. */
  #blockFor(bytes: number, usable: number): number {
    try {
      return this.#arena.alloc(bytes);
    } catch (error) {
      if (bytes <= usable && error instanceof ArenaFullError) return 0;
      throw error;
    }
  }

  /** Sets or removes (NO_EXPIRY) the expiry of an entry that `write` just returned. Returns its ref, maybe another. */
  setExpiry(ref: number, expiry: UnixMs): number {
    const table = this.#table;
    const entries = this.entries;
    const arena = this.#arena;
    const had = entries.hasExpiry(ref);
    const has = expiry !== NO_EXPIRY;
    if (has) this.#tellExpiry(ref);
    if (had === has) {
      if (has) entries.setExpiry(ref, expiry);
      return ref;
    }
    table.locate(ref);
    const tail = entries.keyLength(ref) + entries.inlineLength(ref);
    const moved = arena.alloc(ENTRY_HEADER_BYTES + (has ? 8 : 0) + tail);
    if (has) table.reserveExpiry(moved);
    entries.setWord(moved, 0, entries.word(ref, 0));
    entries.setWord(moved, 1, has ? entries.word(ref, 1) | HAS_EXPIRY : entries.word(ref, 1) & ~HAS_EXPIRY);
    entries.setWord(moved, 2, entries.word(ref, 2));
    if (has) entries.setExpiry(moved, expiry);
    const header = ENTRY_HEADER_BYTES;
    arena.copy(ref, had ? header + 8 : header, moved, has ? header + 8 : header, tail);
    table.replaceFound(ref, moved, had, has);
    arena.free(ref);
    return moved;
  }

  /** Removes a key, expired or not; whether it was there. */
  remove(bytes: Uint8Array, start: number, length: number): boolean {
    const table = this.#table;
    const ref = table.find(bytes, start, length);
    if (ref === 0) return false;
    const isTaken = this.#snapshots.prepareRemoval(table, ref);
    table.removeFound(ref);
    if (!isTaken) this.#heap.release(ref);
    return true;
  }

  /**
   * Moves the entry `ref` of database `from` under a key of this one, in place of what is there: RENAME, MOVE and
   * RESTORE. Its value and expiry go along. Nothing has changed where there is no memory for it.
   */
  adopt(from: Database, ref: number, key: Uint8Array, start: number, length: number): void {
    const table = this.#table;
    const entries = this.entries;
    const has = entries.hasExpiry(ref);
    const hash = hashBytes(key, start, length);
    const moved = this.#heap.twin(ref, key, start, length);
    table.reserve(hash, moved, has);
    this.remove(key, start, length);
    this.#snapshots.prepareChange(from.#table, ref);
    entries.setValueWord(moved, entries.valueWord(ref)); // a snapshot may have left us a copy of the body
    from.#table.locate(ref);
    from.#table.removeFound(ref);
    this.#arena.free(ref);
    this.#insert(hash, moved, has);
  }

  /** Adds an entry for whose key, which is absent, there is room. */
  #insert(hash: number, ref: number, isExpiring: boolean): void {
    const { onNew } = this.#events;
    const entries = this.entries;
    this.#table.insert(hash, ref, isExpiring);
    if (isExpiring) this.#tellExpiry(ref);
    if (onNew !== null) onNew(this, entries.bytes(ref), entries.keyStart(ref), entries.keyLength(ref));
  }

  #tellExpiry(ref: number): void {
    const { onExpiry } = this.#events;
    const entries = this.entries;
    if (onExpiry !== null) onExpiry(this, entries.bytes(ref), entries.keyStart(ref), entries.keyLength(ref));
  }

  /**
   * Puts a copy of an entry, its value and expiry under a key of this database, in place of what is there. Nothing has
   * changed where there is no memory for it. The entry must be another than the one under the key.
   */
  duplicate(ref: number, key: Uint8Array, start: number, length: number): void {
    const heap = this.#heap;
    const entries = this.entries;
    const has = entries.hasExpiry(ref);
    const hash = hashBytes(key, start, length);
    const body = entries.hasBody(ref) ? heap.typeOf(ref).copyBody(entries.valueWord(ref)) : 0;
    let twin: number;
    try {
      twin = heap.twin(ref, key, start, length);
      this.#table.reserve(hash, twin, has);
    } catch (error) {
      if (body !== 0) heap.typeOf(ref).freeBody(body);
      throw error;
    }
    if (body !== 0) entries.setValueWord(twin, body);
    entries.setClock(twin, this.store.initialClock);
    this.remove(key, start, length);
    this.#insert(hash, twin, has);
  }

  // --- Loading -------------------------------------------------------------------------------------------------------

  /** As `put` of a key that is new, as far as is known, and waits for others (see bulk_load.ts). No KEEP_EXPIRY. */
  stage(
    staged: StagedKeys,
    key: Uint8Array,
    keyStart: number,
    keyLength: number,
    type: number,
    encoding: number,
    inlineLength: number,
    expiry: UnixMs,
  ): number {
    const { onExpiry, onNew } = this.#events;
    const isExpiring = expiry !== NO_EXPIRY;
    staged.makeRoom();
    const ref = this.#newEntry(key, keyStart, keyLength, type | (encoding << 4), inlineLength, isExpiring, expiry);
    this.#table.stage(staged, ref, key, keyStart, keyLength, isExpiring);
    if (isExpiring && onExpiry !== null) onExpiry(this, key, keyStart, keyLength);
    if (onNew !== null) onNew(this, key, keyStart, keyLength);
    return ref;
  }

  /** See `KeyTable.settle`. */
  settle(most: number = Infinity): boolean {
    return this.#table.settle(most);
  }

  /** Gives up the keys that wait. */
  dropStaged(): void {
    this.#table.dropStaged();
  }

  // --- The whole -----------------------------------------------------------------------------------------------------

  /** Exchanges the contents of two databases. */
  swap(other: Database): void {
    [this.#table, other.#table] = [other.#table, this.#table];
  }

  /** Removes all keys, and returns their number. The memory is given back in slices. */
  clear(): number {
    const removed = this.size;
    let empty: KeyTable;
    try {
      empty = new KeyTable(this.#heap);
    } catch (error) {
      if (!(error instanceof ArenaFullError)) throw error;
      this.#removeAll(); // there is no memory even for an empty table, and this is the way to get some
      return removed;
    }
    this.discard();
    this.#table = empty;
    return removed;
  }

  /** Gives all up that is in it, to be freed in slices. The database is of no use after that. */
  discard(): void {
    this.#table.discard();
  }

  /** Removes all keys at once, one by one. */
  #removeAll(): void {
    this.#table.dropStaged();
    const table = this.#table;
    const refs: number[] = [];
    while (table.size > 0) {
      table.scan(0, REMOVED_AT_ONCE, refs);
      for (const ref of refs) {
        const isTaken = this.#snapshots.prepareRemoval(table, ref);
        table.locate(ref);
        table.removeFound(ref);
        if (!isTaken) this.#heap.release(ref);
      }
    }
  }

  /** What a snapshot walks: the keys that are in it now, whichever database has them by then, or none. */
  get walked(): WalkedTable {
    this.#table.settle(); // what is staged from now on is not the snapshot's
    return this.#table;
  }

  /** Compaction: see `KeyTable.relocate`. */
  relocate(cursor: number, onBody: (ref: number) => void): number {
    return this.#table.relocate(cursor, onBody);
  }

  /** Compaction: see `KeyTable.relocateExpires`. */
  relocateExpires(cursor: number): number {
    return this.#table.relocateExpires(cursor);
  }

  /** Figures of the table of all keys, and of those that expire. */
  statistics(): { readonly keys: TableStatistics; readonly expires: TableStatistics } {
    return this.#table.statistics();
  }

  /** The tables in the heap, for the tests that walk them and check what docs/architecture.md says. */
  inspect(): { readonly keys: number; readonly expires: number } {
    return this.#table.inspect();
  }
}
