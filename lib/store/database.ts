/**
 * A database: a table of entries by key, and a second table of those among them that expire.
 *
 * Every change of an entry goes through here, because three things hang on it: a snapshot under way must see the entry
 * as it was (`prepareChange`, `prepareRemoval`), the expiry index must follow the entry when its block moves, and blocks must be freed.
 *
 * Keys are given as (bytes, start, length), so that they can be looked up where they arrived.
 */

import { hashBytes } from "../bytes/hash.ts";
import { copyBytes } from "../bytes/compare.ts";
import { ArenaFullError, MAX_BLOCK_BYTES, SEGMENT_MASK, SEGMENT_SHIFT } from "./arena.ts";
import { ENTRY_HEADER_BYTES, HAS_EXPIRY, KEY_LENGTH_MASK, TYPE_STRING } from "./entry.ts";
import type { Store } from "./store.ts";
import { NO_EXPIRY, type ValueHome } from "./types/value_type.ts";

export { NO_EXPIRY };
/** For `setString` and `rewriteString`: the expiry there is. Any other value but NO_EXPIRY is a Unix time in ms. */
export const KEEP_EXPIRY = -2;

/** Keys looked for between two removals of them all. */
const REMOVED_AT_ONCE = 512;

/** Expiry as commands give it: ms since 1970, beyond 2^53 as a BigInt. */
export type UnixMs = number | bigint;

export class Database implements ValueHome {
  /** Table of all entries. */
  keys: number;
  /** Table of the entries that have an expiry; the same refs. */
  expires: number;
  /** Where the active expiry cycle goes on in `expires`. */
  expiryCursor = 0;
  /** Hash of the key looked up last. */
  #hash = 0;
  /** Whether the string being set is under a key that the command has looked up, and so used, already. */
  #isLookedUp = false;
  /** The key that the expiry cycle is removing. */
  #expiredKey = new Uint8Array(64);

  constructor(readonly store: Store, readonly index: number) {
    [this.keys, this.expires] = store.heap.tables.createPair();
  }

  /** Keys, those included that have expired but were not removed yet. */
  get size(): number {
    return this.store.heap.tables.count(this.keys);
  }

  /** The entry under a key, expired or not, without a trace in its metadata: its ref, or 0. */
  peek(bytes: Uint8Array, start: number, length: number): number {
    const { foresight } = this.store.heap;
    const ref = foresight.find(this.keys, bytes, start, length);
    this.#hash = foresight.hash;
    return ref;
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
    const ref = this.peek(bytes, start, length);
    if (ref === 0 || this.#isGone(ref, bytes, start, length, store.removeExpired)) {
      store.misses++;
      if (store.onMiss !== null) store.onMiss(this, bytes, start, length);
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
    const ref = this.peek(bytes, start, length);
    if (ref === 0 || this.#isGone(ref, bytes, start, length, this.store.writesRemoveExpired)) return 0;
    this.store.touch(ref);
    this.store.heap.snapshots.prepareChange(this.keys, ref);
    return ref;
  }

  /** The live entry under a key, without a trace in its metadata or in the statistics: its ref, or 0. */
  look(bytes: Uint8Array, start: number, length: number): number {
    const ref = this.peek(bytes, start, length);
    return ref === 0 || this.#isGone(ref, bytes, start, length, this.store.removeExpired) ? 0 : ref;
  }

  /** Whether a live entry is under a key, for a command that changes something by that: a use of the key. */
  use(bytes: Uint8Array, start: number, length: number): boolean {
    const ref = this.peek(bytes, start, length);
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
    const entries = store.heap.entries;
    if (!entries.hasExpiry(ref) || entries.expiry(ref) > store.nowMs || store.ignoreExpiry) return false;
    if (removes) this.#expire(bytes, start, length);
    return true;
  }

  /** Removes an entry that has expired. */
  expireEntry(ref: number): void {
    const { entries } = this.store.heap;
    const length = entries.keyLength(ref);
    if (length > this.#expiredKey.length) this.#expiredKey = new Uint8Array(length);
    copyBytes(entries.bytes(ref), entries.keyStart(ref), length, this.#expiredKey, 0); // the entry's own will be gone
    this.#expire(this.#expiredKey, 0, length);
  }

  #expire(bytes: Uint8Array, start: number, length: number): void {
    this.store.expiredKeys++;
    this.remove(bytes, start, length);
    this.store.onExpired(this, bytes, start, length);
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
    const old = this.peek(key, keyStart, keyLength);
    const ref = this.#replace(old, key, keyStart, keyLength, TYPE_STRING, encoding, valueLength, expiry);
    const arena = this.store.heap.arena;
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
    const old = this.peek(key, keyStart, keyLength);
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
    const { entries, snapshots } = store.heap;
    const typeAndEncoding = type | (encoding << 4);
    if (old === 0) {
      const isExpiring = expiry !== NO_EXPIRY && expiry !== KEEP_EXPIRY;
      const meta = typeAndEncoding | (store.initialClock << 8);
      const ref = entries.create(key, keyStart, keyLength, meta, inlineLength, isExpiring);
      if (snapshots.epoch !== 0) snapshots.mark(ref);
      if (isExpiring) entries.setExpiry(ref, expiry);
      this.#addNew(ref, isExpiring);
      if (isExpiring && store.localExpiries.isActive) store.localExpiries.note(this, key, keyStart, keyLength);
      if (store.onNew !== null) store.onNew(this, key, keyStart, keyLength);
      return ref;
    }
    const slot = store.heap.tables.slot;
    const words = store.heap.arena.words[old >>> SEGMENT_SHIFT];
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
    if (has && store.localExpiries.isActive) store.localExpiries.note(this, key, keyStart, keyLength);
    // What a snapshot has still to write may be taken over by it, and so is not written over.
    if (had === has && !entries.hasBody(old) && !snapshots.isAwaited(old)) {
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
    if (has && !had) this.#reserveExpiry(ref);
    if (snapshots.epoch !== 0) snapshots.mark(ref);
    if (has) {
      if (keeps) entries.setExpiry(ref, entries.exactExpiry(old));
      else entries.setExpiry(ref, expiry);
    }
    const isTaken = snapshots.prepareRemoval(this.keys, old);
    this.#moveEntry(old, ref, slot, had, has);
    if (!isTaken) store.heap.release(old);
    return ref;
  }

  /** The access clock of the value that takes the place of `old`. */
  #clockAfter(old: number): number {
    return this.#isLookedUp ? this.store.heap.entries.clock(old) : this.store.continuedClock(old);
  }

  /**
   * Adds an entry just made, with the hash of the key looked up last, to the tables where it belongs. Where there is no
   * memory for that, it is freed and nothing has changed.
   */
  #addNew(ref: number, isExpiring: boolean): void {
    if (isExpiring) this.#reserveExpiry(ref);
    this.store.heap.addNew(this.keys, this.#hash, ref);
    if (isExpiring) this.store.heap.tables.insert(this.expires, this.#hash, ref);
  }

  /** Takes the memory that adding to `expires` needs; where there is none, frees the entry just made. */
  #reserveExpiry(ref: number): void {
    try {
      this.store.heap.tables.reserve(this.expires, this.#hash);
    } catch (error) {
      this.store.heap.arena.free(ref);
      throw error;
    }
  }

  /**
   * Gives an entry's table slots to another entry with the same key. Where the entry gets an expiry, the memory for
   * that was reserved.
   */
  #moveEntry(old: number, ref: number, slot: number, had: boolean, has: boolean): void {
    const tables = this.store.heap.tables;
    tables.replaceAt(slot, ref);
    if (!had && !has) return;
    const hash = this.#hash;
    if (!had) return tables.insert(this.expires, hash, ref);
    tables.findEntry(this.expires, hash, old);
    if (has) tables.replaceAt(tables.slot, ref);
    else tables.removeFound(this.expires);
  }

  /**
   * Changes the inline value's length of an entry that `write` just returned, keeping the bytes that both lengths
   * share; new bytes are undefined. Returns the entry's ref, which may be another. Never fails to make it shorter.
   */
  resizeValue(ref: number, inlineLength: number): number {
    const { entries, arena } = this.store.heap;
    const has = entries.hasExpiry(ref);
    const keyLength = entries.keyLength(ref);
    const bytes = entries.size(keyLength, inlineLength, has);
    const usable = arena.usableBytes(ref);
    // A block that is less than half used is given up for a smaller one, unless the value is just growing into it.
    if (bytes <= usable && (bytes * 2 >= usable - 16 || inlineLength > entries.valueWord(ref))) {
      entries.setValueWord(ref, inlineLength);
      return ref;
    }
    const slot = this.#slotOf(ref);
    const moved = this.#blockFor(bytes, usable);
    if (moved === 0) {
      entries.setValueWord(ref, inlineLength);
      return ref;
    }
    arena.copy(ref, 0, moved, 0, Math.min(bytes, entries.size(keyLength, entries.valueWord(ref), has)));
    entries.setValueWord(moved, inlineLength);
    this.#moveEntry(ref, moved, slot, has, has);
    arena.free(ref);
    return moved;
  }

  /** A block of `bytes` in place of one of `usable`; 0 where there is no memory, but the old one will do. */
  #blockFor(bytes: number, usable: number): number {
    try {
      return this.store.heap.arena.alloc(bytes);
    } catch (error) {
      if (bytes <= usable && error instanceof ArenaFullError) return 0;
      throw error;
    }
  }

  /** The slot of an entry in `keys`; sets `#hash` to its key's. */
  #slotOf(ref: number): number {
    const { entries, tables } = this.store.heap;
    this.#hash = hashBytes(entries.bytes(ref), entries.keyStart(ref), entries.keyLength(ref));
    if (!tables.findEntry(this.keys, this.#hash, ref)) throw new Error("an entry is missing from its table");
    return tables.slot;
  }

  /** Sets or removes (NO_EXPIRY) the expiry of an entry that `write` just returned. Returns its ref, maybe another. */
  setExpiry(ref: number, expiry: UnixMs): number {
    const { entries, arena } = this.store.heap;
    const had = entries.hasExpiry(ref);
    const has = expiry !== NO_EXPIRY;
    if (has) this.#noteExpiry(ref);
    if (had === has) {
      if (has) entries.setExpiry(ref, expiry);
      return ref;
    }
    const slot = this.#slotOf(ref);
    const inline = entries.inlineLength(ref);
    const tail = entries.keyLength(ref) + inline;
    const moved = arena.alloc(ENTRY_HEADER_BYTES + (has ? 8 : 0) + tail);
    if (has) this.#reserveExpiry(moved);
    entries.setWord(moved, 0, entries.word(ref, 0));
    entries.setWord(moved, 1, has ? entries.word(ref, 1) | HAS_EXPIRY : entries.word(ref, 1) & ~HAS_EXPIRY);
    entries.setWord(moved, 2, entries.word(ref, 2));
    if (has) entries.setExpiry(moved, expiry);
    const header = ENTRY_HEADER_BYTES;
    arena.copy(ref, had ? header + 8 : header, moved, has ? header + 8 : header, tail);
    this.#moveEntry(ref, moved, slot, had, has);
    arena.free(ref);
    return moved;
  }

  /** Removes a key, expired or not; whether it was there. */
  remove(bytes: Uint8Array, start: number, length: number): boolean {
    const store = this.store;
    const ref = this.peek(bytes, start, length);
    if (ref === 0) return false;
    const isTaken = store.heap.snapshots.prepareRemoval(this.keys, ref);
    this.#detachFound(ref);
    if (!isTaken) store.heap.release(ref);
    return true;
  }

  /** Takes the entry that was just looked up out of both tables, without freeing it. */
  #detachFound(ref: number): void {
    const { tables, entries } = this.store.heap;
    tables.removeFound(this.keys);
    if (entries.hasExpiry(ref) && tables.findEntry(this.expires, this.#hash, ref)) tables.removeFound(this.expires);
  }

  /**
   * Moves the entry `ref` of database `from` under a key of this one, in place of what is there: RENAME, MOVE and
   * RESTORE. Its value and expiry go along. Nothing has changed where there is no memory for it.
   */
  adopt(from: Database, ref: number, key: Uint8Array, start: number, length: number): void {
    const { entries, tables } = this.store.heap;
    const has = entries.hasExpiry(ref);
    const moved = this.#twin(ref, key, start, length);
    entries.setValueWord(moved, entries.valueWord(ref));
    this.#hash = hashBytes(key, start, length);
    this.#reserve(moved, has);
    const hash = this.#hash;
    this.remove(key, start, length);
    this.store.heap.snapshots.prepareChange(from.keys, ref);
    from.#slotOf(ref);
    from.#detachFound(ref);
    this.store.heap.arena.free(ref);
    tables.insert(this.keys, hash, moved);
    if (has) tables.insert(this.expires, hash, moved);
    if (has) this.#noteExpiry(moved);
    if (this.store.onNew !== null) this.store.onNew(this, key, start, length);
  }

  /** On a writable replica, an expiry that a client has set is this server's to carry out. */
  #noteExpiry(ref: number): void {
    const { localExpiries, heap: { entries } } = this.store;
    if (localExpiries.isActive) {
      localExpiries.note(this, entries.bytes(ref), entries.keyStart(ref), entries.keyLength(ref));
    }
  }

  /**
   * Puts a copy of an entry, its value and expiry under a key of this database, in place of what is there. Nothing has
   * changed where there is no memory for it. The entry must be another than the one under the key.
   */
  duplicate(ref: number, key: Uint8Array, start: number, length: number): void {
    const { store, store: { heap } } = this;
    const { entries, tables } = heap;
    const has = entries.hasExpiry(ref);
    const hasBody = entries.hasBody(ref);
    const body = hasBody ? heap.typeOf(ref).copyBody(entries.valueWord(ref)) : 0;
    let twin: number;
    try {
      twin = this.#twin(ref, key, start, length);
      this.#hash = hashBytes(key, start, length);
      this.#reserve(twin, has);
    } catch (error) {
      if (hasBody) heap.typeOf(ref).freeBody(body);
      throw error;
    }
    if (hasBody) entries.setValueWord(twin, body);
    entries.setClock(twin, store.initialClock);
    const hash = this.#hash;
    this.remove(key, start, length);
    tables.insert(this.keys, hash, twin);
    if (has) tables.insert(this.expires, hash, twin);
    if (has) this.#noteExpiry(twin);
    if (store.onNew !== null) store.onNew(this, key, start, length);
  }

  /** A copy of an entry's own block under another key, in no table. */
  #twin(ref: number, key: Uint8Array, start: number, length: number): number {
    const { heap } = this.store;
    const { entries, arena } = heap;
    const has = entries.hasExpiry(ref);
    const inline = entries.inlineLength(ref);
    const twin = entries.create(key, start, length, entries.word(ref, 0), inline, has);
    if (heap.snapshots.epoch !== 0) heap.snapshots.mark(twin);
    if (has) entries.setExpiry(twin, entries.exactExpiry(ref));
    const valueAt = entries.valueStart(ref) - ((ref & SEGMENT_MASK) << 3);
    arena.copy(ref, valueAt, twin, entries.valueStart(twin) - ((twin & SEGMENT_MASK) << 3), inline);
    return twin;
  }

  /** Takes the memory that adding an entry just made, with the hash at hand, needs; where there is none, frees it. */
  #reserve(ref: number, isExpiring: boolean): void {
    const { tables, arena } = this.store.heap;
    try {
      tables.reserve(this.keys, this.#hash);
      if (isExpiring) tables.reserve(this.expires, this.#hash);
    } catch (error) {
      arena.free(ref);
      throw error;
    }
  }

  /** Exchanges the contents of two databases. */
  swap(other: Database): void {
    [this.keys, other.keys] = [other.keys, this.keys];
    [this.expires, other.expires] = [other.expires, this.expires];
    [this.expiryCursor, other.expiryCursor] = [other.expiryCursor, this.expiryCursor];
  }

  /** Removes all keys, and returns their number. The memory is given back in slices by the store. */
  clear(): number {
    const { store } = this;
    const removed = this.size;
    let tables: readonly [number, number];
    try {
      tables = store.heap.tables.createPair();
    } catch (error) {
      if (!(error instanceof ArenaFullError)) throw error;
      this.#removeAll(); // there is no memory even for empty tables, and this is the way to get some
      return removed;
    }
    this.discard();
    [this.keys, this.expires] = tables;
    this.expiryCursor = 0;
    return removed;
  }

  /** Gives up the tables with all that is in them. The database is of no use after that, unless it gets others. */
  discard(): void {
    this.store.discardDatabase(this.keys, this.expires);
  }

  /** Removes all keys at once, one by one. */
  #removeAll(): void {
    const { heap } = this.store;
    const refs: number[] = [];
    while (this.size > 0) {
      this.store.heap.tables.scan(this.keys, 0, REMOVED_AT_ONCE, refs);
      for (const ref of refs) {
        const isTaken = heap.snapshots.prepareRemoval(this.keys, ref);
        this.#slotOf(ref);
        this.#detachFound(ref);
        if (!isTaken) heap.release(ref);
      }
    }
  }
}
