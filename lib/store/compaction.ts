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

import { hashBytes } from "../bytes/hash.ts";
import { isOutOfRoom } from "./out_of_room.ts";
import type { Database } from "./database.ts";
import { ENCODING_HASHTABLE } from "./entry.ts";
import type { Store } from "./store.ts";

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
/** A hash with more fields is dealt with in slices of its own. */
const FIELDS_AT_ONCE = 1024;

/** A hash under way, by its key: it may be another by the next slice. */
interface LargeHash {
  readonly database: Database;
  readonly key: Uint8Array;
  cursor: number;
}

export class Compaction {
  #phase: "resting" | "looking" | "moving" = "resting";
  #standard = BY_ITSELF;
  /** The segment to be looked at next; those that are to leave. */
  #segment = 0;
  #leaving: number[] = [];
  #walks = 0;
  /** Where the walk is: tables still to come, the database under way, and the place in its table of keys or expiries. */
  #databases: Database[] = [];
  #table: "keys" | "expires" = "keys";
  #cursor = 0;
  #hashes: LargeHash[] = [];

  constructor(readonly store: Store) {}

  /** Whether a run is under way. */
  get isRunning(): boolean {
    return this.#phase !== "resting";
  }

  /** Whether nobody holds refs from one turn to the next, as far as the store knows. */
  get mayMove(): boolean {
    const { store } = this;
    return store.onBeforeChange === null && store.detached.size === 0 && !store.hasDiscarded;
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
    const { arena } = this.store;
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
    const { store, store: { arena } } = this;
    // One that was released in the meantime may be there again, for somebody else.
    this.#leaving = this.#leaving.filter((segment) =>
      arena.leaving[segment] !== 0 && (arena.segmentUse(segment)?.liveBytes ?? 0) > 0
    );
    if (this.#leaving.length === 0 || this.#walks === MAX_WALKS) return this.#end();
    this.#walks++;
    this.#phase = "moving";
    this.#databases = [...store.databases, ...store.unnumbered];
    this.#table = "keys";
    this.#cursor = 0;
    this.#hashes = [];
  }

  #end(): void {
    const { arena } = this.store;
    for (const segment of this.#leaving) if (arena.leaving[segment] !== 0) arena.stay(segment);
    this.#leaving = [];
    this.#databases = [];
    this.#hashes = [];
    this.#phase = "resting";
  }

  #move(): void {
    const hash = this.#hashes.at(-1);
    if (hash !== undefined) return this.#moveInHash(hash);
    const database = this.#databases.at(-1);
    if (database === undefined) return this.#walkOrEnd();
    const { tables } = this.store;
    if (this.#cursor === 0) database[this.#table] = tables.relocate(database[this.#table]);
    this.#cursor = tables.relocateSegment(
      database[this.#table],
      this.#cursor,
      this.#table === "keys" ? (ref, hash) => this.#moveEntry(database, ref, hash) : (ref) => ref,
    );
    if (this.#cursor !== 0) return;
    if (this.#table === "expires") this.#databases.pop();
    this.#table = this.#table === "keys" ? "expires" : "keys";
  }

  /** Moves an entry of a database with all it has, where it lies in a leaving segment; its ref from now on. */
  #moveEntry(database: Database, ref: number, hash: number): number {
    const { arena, entries, tables } = this.store;
    const isTable = entries.encoding(ref) === ENCODING_HASHTABLE;
    if (isTable) this.#moveTable(database, ref);
    if (!arena.isLeaving(ref)) return ref;
    const hasExpiry = entries.hasExpiry(ref);
    const moved = this.#moveBlock(
      ref,
      entries.size(entries.keyLength(ref), isTable ? 0 : entries.valueWord(ref), hasExpiry),
    );
    if (hasExpiry && tables.findEntry(database.expires, hash, ref)) tables.replaceAt(tables.slot, moved);
    arena.free(ref);
    return moved;
  }

  /** Moves the fields of a hash, or notes it for later if there are many. */
  #moveTable(database: Database, ref: number): void {
    const { entries, tables } = this.store;
    const table = tables.relocate(entries.valueWord(ref));
    entries.setValueWord(ref, table);
    if (tables.count(table) > FIELDS_AT_ONCE) {
      this.#hashes.push({ database, key: entries.keyCopy(ref), cursor: 0 });
      return;
    }
    let cursor = 0;
    do cursor = tables.relocateSegment(table, cursor, this.#moveField); while (cursor !== 0);
  }

  #moveInHash(hash: LargeHash): void {
    const { entries, tables } = this.store;
    const { database, key } = hash;
    const ref = tables.find(database.keys, hashBytes(key, 0, key.length), key, 0, key.length);
    if (ref === 0 || entries.encoding(ref) !== ENCODING_HASHTABLE) {
      this.#hashes.pop();
      return;
    }
    hash.cursor = tables.relocateSegment(entries.valueWord(ref), hash.cursor, this.#moveField);
    if (hash.cursor === 0) this.#hashes.pop();
  }

  readonly #moveField = (ref: number): number => {
    const { arena, entries } = this.store;
    if (!arena.isLeaving(ref)) return ref;
    const moved = this.#moveBlock(ref, entries.size(entries.keyLength(ref), entries.valueWord(ref), false));
    arena.free(ref);
    return moved;
  };

  /** A copy of a block elsewhere. */
  #moveBlock(ref: number, bytes: number): number {
    const { arena } = this.store;
    const moved = arena.alloc(bytes);
    arena.copy(ref, 0, moved, 0, bytes);
    return moved;
  }
}
