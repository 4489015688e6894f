/**
 * The store: the arena, the databases in it and what they share (clocks, statistics, the snapshot's epoch).
 *
 * The server's composition owns one; it sets the clocks, the callbacks and the policy flags. The store knows nothing of
 * clients or commands.
 */

import { hashBytes } from "../bytes/hash.ts";
import { unixMs } from "../runtime/clock.ts";
import { Arena } from "./arena.ts";
import { Compaction } from "./compaction.ts";
import { Database, type UnixMs } from "./database.ts";
import { ENCODING_HASHTABLE, Entries, EPOCH_BIT } from "./entry.ts";
import { Foresight } from "./foresight.ts";
import type { Frequency } from "./frequency.ts";
import { Hashes } from "./hash.ts";
import { LocalExpiries } from "./local_expiries.ts";
import { Tables } from "./table.ts";

/** Entries freed at a time when tables are discarded in slices. */
const DISCARD_SLICE = 512;
const ACCESS_CLOCK_MASK = 0xffffff;
/** Hashes with no more fields are freed at once. */
const FREED_AT_ONCE = 128;

/** Told of a key; the bytes are its own during the call only. */
export type KeyListener = (database: Database, bytes: Uint8Array, start: number, length: number) => void;

interface DiscardedTable {
  readonly table: number;
  cursor: number;
}

export class Store {
  readonly arena = new Arena();
  readonly entries: Entries = new Entries(this.arena);
  readonly tables: Tables = new Tables(this.arena);
  readonly hashes: Hashes = new Hashes(this);
  readonly foresight: Foresight = new Foresight(this);
  readonly compaction: Compaction = new Compaction(this);
  readonly databases: Database[] = [];

  /** Most fields of a hash that is kept as a listpack, and most bytes of a field or value in it. */
  hashMaxListpackEntries = 512;
  hashMaxListpackValue = 64;

  /** Unix time in ms, as of the command under way. */
  nowMs: number = unixMs();
  /** 24-bit access clock that a look-up stores in the entry, in seconds. */
  accessClock = 0;
  /** Set while look-ups must leave no trace in access clocks (a client's CLIENT NO-TOUCH; loading). */
  noTouch = false;
  /** Counts accesses in place of storing `accessClock`, under an LFU policy. */
  frequency: Frequency | null = null;

  hits = 0;
  misses = 0;
  expiredKeys = 0;

  /** Whether expired keys are seen as live: for commands that come from the primary, and for loading. */
  ignoreExpiry = false;
  /** Whether a look-up, and the expiry cycle, remove an expired key; a replica waits for the primary's DEL. */
  removeExpired = true;
  /** Whether a look-up for writing does: on a writable replica too, where a client may go on from there. */
  writesRemoveExpired = true;
  /** The keys that only this server will expire. */
  readonly localExpiries = new LocalExpiries();
  /** Whether the expiry cycle runs (DEBUG SET-ACTIVE-EXPIRE). */
  activeExpiry = true;
  /** Told of each key removed because it expired. */
  onExpired: KeyListener = () => {};
  /** Told of each key that a look-up for reading misses, and of each that is new in a database; null: nobody asks. */
  onMiss: KeyListener | null = null;
  onNew: KeyListener | null = null;

  /**
   * EPOCH_BIT or 0: the mark of entries that the snapshot under way has dealt with, or need not see. Between snapshots
   * every entry in every database has this mark; a snapshot starts by changing it.
   */
  epoch = 0;
  /** While a snapshot is under way: writes out an entry as it is now. It must look up nothing in any table. */
  onBeforeChange: ((database: Database, ref: number) => void) | null = null;
  /** While a snapshot is under way: whether it takes over an entry that is about to go, to write and release it later. */
  onBeforeRemoval: ((database: Database, ref: number) => boolean) | null = null;
  /** While a snapshot is under way: told of a database's table given up; whether the snapshot will discard it later. */
  onDiscardKeys: ((table: number) => boolean) | null = null;
  /**
   * Databases with entries that are not in `databases` (yet): what a replica loads beside the old data. Snapshots leave
   * them out, but must know of them to keep the marks of their entries in step.
   */
  readonly detached: Set<Database> = new Set();
  /** Databases with no number, in which values are built before they go to a database of the server's: RESTORE's. */
  readonly unnumbered: Set<Database> = new Set();

  readonly #discarded: DiscardedTable[] = [];
  readonly #refs: number[] = [];
  readonly #fields: number[] = [];

  constructor(databases: number) {
    for (let i = 0; i < databases; i++) this.databases.push(new Database(this, i));
  }

  /** Sets the counters back. */
  resetStatistics(): void {
    this.hits = this.misses = this.expiredKeys = 0;
  }

  /** Sets the clocks that commands go by. */
  setNow(nowMs: number): void {
    this.nowMs = nowMs;
    this.accessClock = Math.floor(nowMs / 1000) & ACCESS_CLOCK_MASK;
  }

  /** Access clock of a new entry. */
  get initialClock(): number {
    return this.frequency === null ? this.accessClock : this.frequency.initial();
  }

  /** Whether an expiry lies in the past here; a replica leaves that to its primary. */
  hasPassed(expiry: UnixMs): boolean {
    return expiry <= this.nowMs && this.removeExpired && !this.ignoreExpiry;
  }

  /** Notes that an entry was looked up. */
  touch(ref: number): void {
    if (this.noTouch) return;
    if (this.frequency !== null) {
      this.entries.setClock(ref, this.frequency.touched(this.entries.clock(ref)));
    } else if (this.entries.clock(ref) !== this.accessClock) {
      this.entries.setClock(ref, this.accessClock);
    }
  }

  /** The access clock with which a new value continues the old one's under its key, where that is a use of the key. */
  continuedClock(ref: number): number {
    const clock = this.entries.clock(ref);
    if (this.noTouch) return clock;
    return this.frequency === null ? this.accessClock : this.frequency.touched(clock);
  }

  /** Seconds since an entry was looked up last, under an LRU policy. */
  idleSeconds(ref: number): number {
    return (this.accessClock - this.entries.clock(ref)) & ACCESS_CLOCK_MASK;
  }

  /** To be called before an entry changes in any way but its access clock. */
  prepareChange(database: Database, ref: number): void {
    if (this.onBeforeChange === null) return;
    if ((this.entries.word(ref, 1) & EPOCH_BIT) === this.epoch) return;
    this.onBeforeChange(database, ref);
    this.markEpoch(ref);
  }

  /**
   * To be called before an entry is taken out of its tables for good. Whether the snapshot under way has taken it over,
   * so that nobody else may touch or release it: a large value need not be written out at once.
   */
  prepareRemoval(database: Database, ref: number): boolean {
    if (this.onBeforeRemoval === null) return false;
    if ((this.entries.word(ref, 1) & EPOCH_BIT) === this.epoch) return false;
    if (this.onBeforeRemoval(database, ref)) return true;
    this.prepareChange(database, ref);
    return false;
  }

  /** Whether the snapshot under way has still to deal with an entry. */
  isAwaited(ref: number): boolean {
    return this.onBeforeRemoval !== null && (this.entries.word(ref, 1) & EPOCH_BIT) !== this.epoch;
  }

  /** Marks an entry as one that the snapshot under way need not see (again). */
  markEpoch(ref: number): void {
    this.entries.setWord(ref, 1, (this.entries.word(ref, 1) & ~EPOCH_BIT) | this.epoch);
  }

  /** Frees an entry that is in no table, and its value. */
  release(ref: number): void {
    this.freeValue(ref);
    this.arena.free(ref);
  }

  /** Frees what an entry's value has outside the entry's own block. */
  freeValue(ref: number): void {
    if (this.entries.encoding(ref) === ENCODING_HASHTABLE) this.freeHashTable(this.entries.valueWord(ref));
  }

  /** A copy of a table and of all entries in it, which have no bodies of their own. */
  copyTable(table: number): number {
    const { tables } = this;
    const copy = tables.create();
    try {
      this.#copyEntries(table, copy);
    } catch (error) {
      this.freeHashTable(copy);
      throw error;
    }
    return copy;
  }

  #copyEntries(from: number, to: number): void {
    const { arena, entries, tables } = this;
    const refs: number[] = [];
    let cursor = 0;
    do {
      cursor = tables.scan(from, cursor, DISCARD_SLICE, refs);
      for (const ref of refs) {
        const bytes = entries.size(entries.keyLength(ref), entries.valueWord(ref), false);
        const twin = arena.alloc(bytes);
        arena.copy(ref, 0, twin, 0, bytes);
        this.addNew(to, hashBytes(entries.bytes(ref), entries.keyStart(ref), entries.keyLength(ref)), twin);
      }
    } while (cursor !== 0);
  }

  /** Adds an entry just made to a table; where there is no memory for that, the entry is freed. */
  addNew(table: number, hash: number, ref: number): void {
    try {
      this.tables.insert(table, hash, ref);
    } catch (error) {
      this.arena.free(ref);
      throw error;
    }
  }

  /** Frees a hash's table: a small one at once, a large one in slices. Its entries have no bodies of their own. */
  freeHashTable(table: number): void {
    if (this.tables.count(table) > FREED_AT_ONCE) return this.discardTables(table, 0);
    const refs = this.#fields;
    let cursor = 0;
    do {
      cursor = this.tables.scan(table, cursor, DISCARD_SLICE, refs);
      for (let i = 0; i < refs.length; i++) this.arena.free(refs[i]);
    } while (cursor !== 0);
    this.tables.destroy(table);
  }

  /** Gives up a database's tables. The entries are freed in slices, by a snapshot's leave. */
  discardDatabase(keys: number, expires: number): void {
    this.tables.destroy(expires);
    if (this.onDiscardKeys === null || !this.onDiscardKeys(keys)) this.discardTables(keys, 0);
  }

  /** Leaves a table with all its entries, and a second one with entries of the first (or 0), to be freed in slices. */
  discardTables(table: number, index: number): void {
    if (index !== 0) this.tables.destroy(index);
    this.#discarded.push({ table, cursor: 0 });
  }

  /** Whether discarded entries still wait to be freed. */
  get hasDiscarded(): boolean {
    return this.#discarded.length > 0;
  }

  /** Frees about `limit` discarded entries; whether more wait. */
  freeDiscarded(limit: number): boolean {
    while (this.#discarded.length > 0 && limit > 0) {
      const last = this.#discarded[this.#discarded.length - 1];
      const next = this.tables.scan(last.table, last.cursor, Math.min(limit, DISCARD_SLICE), this.#refs);
      limit -= this.#refs.length + 1;
      if (next === 0) this.#discarded.splice(this.#discarded.indexOf(last), 1);
      last.cursor = next;
      for (let i = 0; i < this.#refs.length; i++) this.release(this.#refs[i]);
      if (next === 0) this.tables.destroy(last.table);
    }
    return this.#discarded.length > 0;
  }
}
