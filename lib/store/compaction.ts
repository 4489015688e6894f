/**
 * Compaction: what little lies in nearly empty segments of the arena is moved elsewhere, so that they can go back to the
 * system (`Arena.releaseIdle`).
 *
 * A run looks at all segments and tells those to leave in which much more memory is touched than used. A walk over all
 * tables then moves every block that lies in them: the tables' own, and the entries', which nothing but tables refers
 * to between two commands. All is done in slices: a table's segment is dealt with at once, and what is added, removed or
 * renamed between two slices is either not in the leaving segments or found by the next walk.
 *
 * Must rest while anybody holds refs from one turn to the next: a snapshot, or the loading of a hash (`mayMove`).
 */

import { isOutOfRoom } from "./out_of_room.ts";
import type { Database } from "./database.ts";
import type { Heap } from "./heap.ts";
import type { Keyspace } from "./keyspace.ts";

/** Which segments are to leave: those that waste so many bytes, and of whose touched bytes less than a share is used. */
export interface Standard {
  readonly wastedBytes: number;
  readonly usedShare: number;
}

/** What is done by itself, and on demand. */
export const BY_ITSELF: Standard = { wastedBytes: 8 * 2 ** 20, usedShare: 0.5 };
export const ON_DEMAND: Standard = { wastedBytes: 2 ** 20, usedShare: 0.875 };
/** Walks after which a segment that is still not empty may stay. */
const MAX_WALKS = 3;

/** A value that is moved in several slices, by its key: it may be another by the next one. */
interface LargeValue {
  readonly database: Database;
  readonly key: Uint8Array;
  readonly type: number;
  cursor: number;
}

export class Compaction {
  #phase: "resting" | "looking" | "moving" = "resting";
  #standard = BY_ITSELF;
  /** The segment to be looked at next; those that are to leave. */
  #segment = 0;
  #leaving: number[] = [];
  #walks = 0;
  /** Where the walk is: databases still to come, the last of them under way; the place in its keys, or in its expiries. */
  #databases: Database[] = [];
  #isAtKeys = true;
  #cursor = 0;
  #values: LargeValue[] = [];

  readonly #heap: Heap;

  constructor(readonly keyspace: Keyspace) {
    this.#heap = keyspace.store.heap;
  }

  /** Whether a run is under way. */
  get isRunning(): boolean {
    return this.#phase !== "resting";
  }

  /** Whether nobody holds refs from one turn to the next, as far as the store knows. */
  get mayMove(): boolean {
    const heap = this.#heap;
    return heap.snapshots.listener === null && this.keyspace.detached.size === 0 && !heap.hasDiscarded;
  }

  /** Begins a run, unless one is under way. */
  begin(standard: Standard): void {
    if (this.isRunning) return;
    this.#standard = standard;
    this.#phase = "looking";
    this.#segment = 0;
    this.#leaving = [];
  }

  /** Goes on by one step, of some 50 µs mostly; whether there is more to do. Only where `mayMove` is true. */
  step(): boolean {
    try {
      if (this.#phase === "looking") this.#look();
      else if (this.#phase === "moving") this.#move();
    } catch (error) {
      if (!isOutOfRoom(error)) throw error;
      this.#end(); // there is no memory to move anything to
    }
    return this.isRunning;
  }

  #look(): void {
    const { arena } = this.#heap;
    if (this.#segment < arena.bytes.length) {
      const use = arena.segmentUse(this.#segment);
      const { wastedBytes, usedShare } = this.#standard;
      if (
        use !== null && use.touchedBytes - use.liveBytes >= wastedBytes && use.liveBytes < use.touchedBytes * usedShare
      ) this.#leaving.push(this.#segment);
      this.#segment++;
      return;
    }
    for (const segment of this.#leaving) arena.leave(segment);
    this.#walks = 0;
    this.#walkOrEnd();
  }

  /** Begins a walk if something still lies in leaving segments, and this is worth it. */
  #walkOrEnd(): void {
    const { keyspace } = this;
    const { arena } = this.#heap;
    // One that was released in the meantime may be there again, for somebody else.
    this.#leaving = this.#leaving.filter((segment) =>
      arena.leaving[segment] !== 0 && (arena.segmentUse(segment)?.liveBytes ?? 0) > 0
    );
    if (this.#leaving.length === 0 || this.#walks === MAX_WALKS) return this.#end();
    this.#walks++;
    this.#phase = "moving";
    this.#databases = [...keyspace.databases, ...keyspace.unnumbered];
    this.#isAtKeys = true;
    this.#cursor = 0;
    this.#values = [];
  }

  #end(): void {
    const { arena } = this.#heap;
    for (const segment of this.#leaving) if (arena.leaving[segment] !== 0) arena.stay(segment);
    this.#leaving = [];
    this.#databases = [];
    this.#values = [];
    this.#phase = "resting";
  }

  #move(): void {
    const value = this.#values.at(-1);
    if (value !== undefined) return this.#moveOn(value);
    const database = this.#databases.at(-1);
    if (database === undefined) return this.#walkOrEnd();
    this.#cursor = this.#isAtKeys
      ? database.relocate(this.#cursor, (ref) => this.#moveBody(database, ref))
      : database.relocateExpires(this.#cursor);
    if (this.#cursor !== 0) return;
    if (!this.#isAtKeys) this.#databases.pop();
    this.#isAtKeys = !this.#isAtKeys;
  }

  /** Moves what the value of an entry has outside of it, or notes it for later if that is much. */
  #moveBody(database: Database, ref: number): void {
    const { entries } = this.#heap;
    const cursor = this.#heap.typeOf(ref).relocateBody(ref, 0);
    if (cursor === 0) return;
    this.#values.push({ database, key: entries.keyCopy(ref), type: entries.type(ref), cursor });
  }

  #moveOn(value: LargeValue): void {
    const heap = this.#heap;
    const { entries } = heap;
    const { database, key, type } = value;
    const ref = database.peek(key, 0, key.length);
    const isSame = ref !== 0 && entries.type(ref) === type && entries.hasBody(ref);
    value.cursor = isSame ? heap.typeOf(ref).relocateBody(ref, value.cursor) : 0;
    if (value.cursor === 0) this.#values.splice(this.#values.indexOf(value), 1);
  }
}
