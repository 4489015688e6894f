/**
 * Keys of a table that is loaded: entries that are made, and wait to be put into it together, in the order of their hashes.
 *
 * A table of millions is larger than the CPU's caches, so that each key put where its hash says costs several misses. Half a
 * million in order pass through the table from its beginning to its end instead: 5 million keys are loaded in two thirds of
 * the time. What it costs is that a key that comes twice is found late.
 */

import { hashBytes } from "../bytes/hash.ts";
import type { Entries } from "./entry.ts";
import { EntryRun } from "./entry_run.ts";
import type { Tables } from "./table.ts";

/** Keys that wait, at most: 16 MB of scratch. */
const MOST_STAGED = 2 ** 19;

/** What waits for one table of keys; of one instance for another table, once nothing waits. */
export class StagedKeys {
  readonly #keys = new EntryRun();
  /** Those among them that expire. */
  readonly #expires = new EntryRun();
  #isSorted = false;
  /** Entries of which the key was there already. They are in no table. */
  readonly twice: number[] = [];

  /** `most`: how many it takes before it is full. */
  constructor(readonly entries: Entries, readonly most: number = MOST_STAGED) {}

  /** Keys that wait, and of these, those that expire. */
  get count(): number {
    return this.#keys.left;
  }

  get expiring(): number {
    return this.#expires.left;
  }

  /** Whether the next one is to wait until some of these are in their table: they are too many, or are on their way. */
  get isFull(): boolean {
    return this.#isSorted || this.#keys.count >= this.most;
  }

  /** Takes the memory that one more needs. */
  makeRoom(): void {
    this.#keys.makeRoom();
    this.#expires.makeRoom();
  }

  /** Adds an entry, for which there is room, under a key with the hash given. It must not be on its way into the table. */
  add(hash: number, ref: number, isExpiring: boolean): void {
    this.#keys.add(hash, ref);
    if (isExpiring) this.#expires.add(hash, ref);
  }

  /** Whether an entry is the one that was added last, and waits. */
  isLast(ref: number): boolean {
    const { refs, count } = this.#keys;
    return !this.#isSorted && count > 0 && refs[count - 1] === ref;
  }

  /** Puts another entry with the same key in the place of the last. `had` and `has`: whether they expire. */
  replaceLast(ref: number, had: boolean, has: boolean): void {
    const keys = this.#keys;
    const expires = this.#expires;
    const last = keys.count - 1;
    keys.refs[last] = ref;
    if (had) expires.count--;
    if (has) expires.add(keys.hashes[last], ref);
  }

  /** Takes the last out. */
  removeLast(had: boolean): void {
    this.#keys.count--;
    if (had) this.#expires.count--;
  }

  /**
   * Puts about `most` of the entries into the tables of all keys and of those that expire. Throws where there is no memory
   * for it: then the rest is still waiting.
   */
  settle(tables: Tables, keys: number, expires: number, most: number): void {
    if (!this.#isSorted) {
      this.#keys.sort();
      this.#expires.sort();
      this.#isSorted = true;
    }
    // A key has its expiry by the time that it is there: whoever drops the rest finds nothing half done.
    if (this.#expires.left > 0) return tables.insertRun(expires, this.#expires, most, null);
    const before = this.twice.length;
    tables.insertRun(keys, this.#keys, most, this.twice);
    for (let i = before; i < this.twice.length; i++) this.#forgetExpiry(tables, expires, this.twice[i]);
    if (this.#keys.left === 0) this.#clear();
  }

  /** Gives up all that wait, each to be freed by `free`. */
  drop(tables: Tables, expires: number, free: (ref: number) => void): void {
    const keys = this.#keys;
    for (; keys.next < keys.count; keys.next++) {
      const ref = keys.refs[keys.next];
      this.#forgetExpiry(tables, expires, ref);
      free(ref);
    }
    this.#clear();
  }

  #forgetExpiry(tables: Tables, expires: number, ref: number): void {
    const { entries } = this;
    if (!entries.hasExpiry(ref)) return;
    const hash = hashBytes(entries.bytes(ref), entries.keyStart(ref), entries.keyLength(ref));
    if (tables.findEntry(expires, hash, ref)) tables.removeFound(expires);
  }

  #clear(): void {
    this.#keys.clear();
    this.#expires.clear();
    this.#isSorted = false;
  }
}
