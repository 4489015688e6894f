/**
 * A home for values that are loaded into databases: what it puts there are new keys, which it does not look up, but has wait
 * and puts into their table many at a time (see staged_keys.ts). Whether one was there already is known only then.
 *
 * It is told when to: `settle`. Whoever else looks into the database meanwhile finds all in place, as its table sees to that.
 */

import type { Database } from "./database.ts";
import type { UnixMs } from "./entry.ts";
import type { Heap } from "./heap.ts";
import { StagedKeys } from "./staged_keys.ts";
import type { ValueHome } from "./types/value_type.ts";

export class BulkLoad implements ValueHome {
  readonly #staged: StagedKeys;

  /** `most`: how many keys wait at most; the default suits files of any size. */
  constructor(readonly heap: Heap, public database: Database, most?: number) {
    this.#staged = new StagedKeys(heap.entries, most);
  }

  /** Keys that wait. */
  get count(): number {
    return this.#staged.count;
  }

  /** Whether some are to be settled before there are more. */
  get isFull(): boolean {
    return this.#staged.isFull;
  }

  /** Goes on with another database. */
  begin(database: Database): void {
    if (database !== this.database) this.settle();
    this.database = database;
  }

  /** Puts about `most` of the keys that wait in their place; whether none waits any more. Throws where there is no memory. */
  settle(most: number = Infinity): boolean {
    return this.database.settle(most);
  }

  /** Gives up the keys that wait. */
  drop(): void {
    this.database.dropStaged();
  }

  /** Whether a key was found to have been there already. */
  get hasTwice(): boolean {
    return this.#staged.twice.length > 0;
  }

  /** One of the keys that were there already, as a binary string, or null. These are gone: what came first has stayed. */
  takeTwice(): string | null {
    const { entries } = this.heap;
    const [first] = this.#staged.twice;
    if (first === undefined) return null;
    const key = entries.text(first, entries.keyStart(first), entries.keyLength(first));
    for (const ref of this.#staged.twice.splice(0)) this.heap.release(ref);
    return key;
  }

  put(
    key: Uint8Array,
    keyStart: number,
    keyLength: number,
    type: number,
    encoding: number,
    inlineLength: number,
    expiry: UnixMs,
  ): number {
    return this.database.stage(this.#staged, key, keyStart, keyLength, type, encoding, inlineLength, expiry);
  }

  resizeValue(ref: number, inlineLength: number): number {
    return this.database.resizeValue(ref, inlineLength);
  }

  setExpiry(ref: number, expiry: UnixMs): number {
    return this.database.setExpiry(ref, expiry);
  }

  remove(bytes: Uint8Array, start: number, length: number): boolean {
    return this.database.remove(bytes, start, length);
  }
}
