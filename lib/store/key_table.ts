/**
 * A table of keys: the entries of a database by their keys, and among them those that expire. It is two tables of the heap
 * with the same refs, kept in step here; nobody else knows them. A database has one, and one for each cluster slot could
 * stand in its place.
 *
 * It frees no entry that was in it, and tells no snapshot of changes: that is the database's part. It is what a snapshot
 * walks, and outlives the database that gives it up (`discard`) as long as one needs it.
 *
 * What speaks of the entry *found* means the one that the last look-up, `find` or `locate`, came to, with no look-up in any
 * table since.
 */

import { hashBytes } from "../bytes/hash.ts";
import type { Entries } from "./entry.ts";
import type { Foresight } from "./foresight.ts";
import type { Heap } from "./heap.ts";
import type { WalkedTable } from "./snapshot_hooks.ts";
import type { StagedKeys } from "./staged_keys.ts";
import type { Tables, TableStatistics } from "./table.ts";

/** Entries that are looked at to tell how much memory all take, and elements of each. */
const MEASURED_ENTRIES = 64;
const MEASURED_ELEMENTS = 8;

export class KeyTable implements WalkedTable {
  /** The table of all entries. */
  #keys: number;
  /** The table of those that have an expiry. */
  #expires: number;
  /** Hash of the key looked up last. */
  #hash = 0;
  /** Where the expiry cycle goes on. */
  #expiryCursor = 0;
  /** Entries on their way into it; whoever looks into it has them all put there first. */
  #staged: StagedKeys | null = null;
  readonly #heap: Heap;
  readonly #entries: Entries;
  readonly #tables: Tables;
  readonly #foresight: Foresight;

  /** Makes an empty one; where there is no memory for it, none is taken. */
  constructor(heap: Heap) {
    const { entries, tables, foresight } = heap;
    this.#heap = heap;
    this.#entries = entries;
    this.#tables = tables;
    this.#foresight = foresight;
    this.#keys = tables.create();
    try {
      this.#expires = tables.create();
    } catch (error) {
      tables.destroy(this.#keys);
      throw error;
    }
  }

  /** Entries in it. */
  get size(): number {
    return this.#tables.count(this.#keys) + (this.#staged?.count ?? 0);
  }

  /** Entries that have an expiry. */
  get expiring(): number {
    return this.#tables.count(this.#expires) + (this.#staged?.expiring ?? 0);
  }

  // --- Finding -------------------------------------------------------------------------------------------------------

  /** The entry under a key: its ref, or 0. */
  find(bytes: Uint8Array, start: number, length: number): number {
    if (this.#staged !== null) this.settle();
    const foresight = this.#foresight;
    const ref = foresight.find(this.#keys, bytes, start, length);
    this.#hash = foresight.hash;
    return ref;
  }

  /** Looks up an entry that is in it, or the last that waits, by itself. */
  locate(ref: number): void {
    if (this.#staged?.isLast(ref)) return;
    this.settle();
    const entries = this.#entries;
    this.#hash = hashBytes(entries.bytes(ref), entries.keyStart(ref), entries.keyLength(ref));
    if (!this.#tables.findEntry(this.#keys, this.#hash, ref)) throw new Error("an entry is missing from its table");
  }

  /** Has fetched into the CPU's caches what looking up the keys that were noted will touch. */
  foresee(): void {
    this.#foresight.fetch(this.#keys);
  }

  /** As `Tables.scan`: collects some entries from a cursor on, and returns where to go on, 0 at the end. */
  scan(cursor: number, limit: number, into: number[]): number {
    this.settle();
    return this.#tables.scan(this.#keys, cursor, limit, into);
  }

  /** The same, of the entries that expire. */
  scanExpiring(cursor: number, limit: number, into: number[]): number {
    this.settle();
    return this.#tables.scan(this.#expires, cursor, limit, into);
  }

  /** Collects about `limit` of the entries that expire, each time the next, round after round. */
  nextExpiring(limit: number, into: number[]): void {
    this.settle();
    this.#expiryCursor = this.#tables.scan(this.#expires, this.#expiryCursor, limit, into);
  }

  /** Some entry, each as likely as any other, or 0. `random` gives values in [0, 1). */
  random(random: () => number): number {
    this.settle();
    return this.#tables.random(this.#keys, random);
  }

  /** The same, of the entries that expire. */
  randomExpiring(random: () => number): number {
    this.settle();
    return this.#tables.random(this.#expires, random);
  }

  // --- Loading -------------------------------------------------------------------------------------------------------

  /** Has an entry just made wait for others, to be added with them. There must be room in `staged`, which is for no other table. */
  stage(
    staged: StagedKeys,
    ref: number,
    bytes: Uint8Array,
    start: number,
    length: number,
    isExpiring: boolean,
  ): void {
    this.#staged = staged;
    staged.add(hashBytes(bytes, start, length), ref, isExpiring);
  }

  /** Adds about `most` of the entries that wait; whether none does any more. Throws as `StagedKeys.settle`. */
  settle(most: number = Infinity): boolean {
    const staged = this.#staged;
    if (staged === null) return true;
    do staged.settle(this.#tables, this.#keys, this.#expires, most); while (staged.count > 0 && most === Infinity);
    if (staged.count > 0) return false;
    this.#staged = null;
    return true;
  }

  /** Gives up the entries that wait. */
  dropStaged(): void {
    this.#staged?.drop(this.#tables, this.#expires, (ref) => this.#heap.release(ref));
    this.#staged = null;
  }

  // --- Changing ------------------------------------------------------------------------------------------------------

  /**
   * Adds an entry just made under the key looked up last, which is absent. Where there is no memory for that, the entry
   * is freed and nothing has changed.
   */
  addNew(ref: number, isExpiring: boolean): void {
    if (isExpiring) this.reserveExpiry(ref);
    this.#heap.addNew(this.#keys, this.#hash, ref);
    if (isExpiring) this.#tables.insert(this.#expires, this.#hash, ref);
  }

  /**
   * Takes the memory that adding an entry just made to those that expire needs, under the key looked up last; where there
   * is none, the entry is freed.
   */
  reserveExpiry(ref: number): void {
    try {
      if (this.#staged !== null) this.#staged.makeRoom();
      else this.#tables.reserve(this.#expires, this.#hash);
    } catch (error) {
      this.#heap.arena.free(ref);
      throw error;
    }
  }

  /**
   * Takes the memory that `insert` will need for an entry just made, so that it cannot fail, whatever is removed in
   * between; where there is none, the entry is freed.
   */
  reserve(hash: number, ref: number, isExpiring: boolean): void {
    try {
      this.#tables.reserve(this.#keys, hash);
      if (isExpiring) this.#tables.reserve(this.#expires, hash);
    } catch (error) {
      this.#heap.arena.free(ref);
      throw error;
    }
  }

  /** Adds an entry for which there is room (`reserve`) and whose key, with the hash given, is absent. */
  insert(hash: number, ref: number, isExpiring: boolean): void {
    this.#tables.insert(this.#keys, hash, ref);
    if (isExpiring) this.#tables.insert(this.#expires, hash, ref);
  }

  /**
   * Puts another entry with the same key in the place of the one found. `had` and `has`: whether they expire; where only
   * the other one does, the memory for that was reserved.
   */
  replaceFound(old: number, ref: number, had: boolean, has: boolean): void {
    if (this.#staged !== null) return this.#staged.replaceLast(ref, had, has); // none waits where another was found
    const tables = this.#tables;
    tables.replaceAt(tables.slot, ref);
    if (!had && !has) return;
    if (!had) return tables.insert(this.#expires, this.#hash, ref);
    tables.findEntry(this.#expires, this.#hash, old);
    if (has) tables.replaceAt(tables.slot, ref);
    else tables.removeFound(this.#expires);
  }

  /** Takes the entry found out. */
  removeFound(ref: number): void {
    if (this.#staged !== null) return this.#staged.removeLast(this.#entries.hasExpiry(ref));
    const tables = this.#tables;
    tables.removeFound(this.#keys);
    if (this.#entries.hasExpiry(ref) && tables.findEntry(this.#expires, this.#hash, ref)) {
      tables.removeFound(this.#expires);
    }
  }

  /** Gives all up: it is freed in slices, once no snapshot needs it. Nothing else is to be called after that. */
  discard(): void {
    this.dropStaged();
    this.#tables.destroy(this.#expires);
    if (!this.#heap.snapshots.keepsTable(this)) this.free();
  }

  free(): void {
    this.#heap.discardKeys(this.#keys);
  }

  // --- Memory --------------------------------------------------------------------------------------------------------

  /**
   * Moves what lies in segments of the arena that are leaving (see compaction.ts): of the table of all entries the part
   * from `cursor` (0 at first) on, with the entries in it. `onBody` is to move what the body of an entry has there. Returns
   * where to go on, 0 at the end.
   */
  relocate(cursor: number, onBody: (ref: number) => void): number {
    this.settle();
    if (cursor === 0) this.#keys = this.#tables.relocate(this.#keys);
    return this.#tables.relocateSegment(this.#keys, cursor, (ref, hash) => {
      if (this.#entries.hasBody(ref)) onBody(ref);
      return this.#moved(ref, hash);
    });
  }

  /** The same for the table of those that expire, whose entries move with the other. */
  relocateExpires(cursor: number): number {
    this.settle();
    if (cursor === 0) this.#expires = this.#tables.relocate(this.#expires);
    return this.#tables.relocateSegment(this.#expires, cursor, (ref) => ref);
  }

  /** The ref that an entry has from now on, out of a segment that is leaving. */
  #moved(ref: number, hash: number): number {
    const { arena } = this.#heap;
    if (!arena.isLeaving(ref)) return ref;
    const tables = this.#tables;
    const moved = this.#heap.copyBlock(ref, this.#entries.bytesOf(ref));
    if (this.#entries.hasExpiry(ref) && tables.findEntry(this.#expires, hash, ref)) {
      tables.replaceAt(tables.slot, moved);
    }
    arena.free(ref);
    return moved;
  }

  estimateBytes(): number {
    const heap = this.#heap;
    const refs: number[] = [];
    let bytes = 0;
    for (let cursor = 0; refs.length === 0;) {
      cursor = this.scan(cursor, MEASURED_ENTRIES, refs);
      if (cursor === 0) break;
    }
    for (const ref of refs) bytes += heap.arena.usableBytes(ref) + heap.valueBytes(ref, MEASURED_ELEMENTS);
    return this.#tables.memoryBytes(this.#keys) + Math.round((bytes / Math.max(1, refs.length)) * this.size);
  }

  /** Figures of the table of all entries, and of those that expire. */
  statistics(): { readonly keys: TableStatistics; readonly expires: TableStatistics } {
    this.settle();
    return { keys: this.#tables.statistics(this.#keys), expires: this.#tables.statistics(this.#expires) };
  }

  /** The two tables, for the tests that walk them and check what docs/architecture.md says. */
  inspect(): { readonly keys: number; readonly expires: number } {
    this.settle();
    return { keys: this.#keys, expires: this.#expires };
  }
}
