/**
 * The store: the databases, the heap that they lie in, and what they share (clocks, statistics, policies).
 *
 * The server's composition owns one; it sets the clocks, the callbacks and the policy flags. The store knows nothing of
 * clients or commands.
 */

import { unixMs } from "../runtime/clock.ts";
import { Compaction } from "./compaction.ts";
import { Database, type UnixMs } from "./database.ts";
import { TYPE_HASH, TYPE_STRING } from "./entry.ts";
import type { Frequency } from "./frequency.ts";
import { Heap } from "./heap.ts";
import { LocalExpiries } from "./local_expiries.ts";
import { Hashes } from "./types/hashes.ts";
import { Strings } from "./types/strings.ts";

const ACCESS_CLOCK_MASK = 0xffffff;

/** Told of a key; the bytes are its own during the call only. */
export type KeyListener = (database: Database, bytes: Uint8Array, start: number, length: number) => void;

export class Store {
  readonly heap = new Heap();
  readonly hashes: Hashes = new Hashes(this.heap);
  readonly compaction: Compaction = new Compaction(this);
  readonly databases: Database[] = [];

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
   * Databases with entries that are not in `databases` (yet): what a replica loads beside the old data. Snapshots leave
   * them out, but must know of them to keep the marks of their entries in step.
   */
  readonly detached: Set<Database> = new Set();
  /** Databases with no number, in which values are built before they go to a database of the server's: RESTORE's. */
  readonly unnumbered: Set<Database> = new Set();

  constructor(databases: number) {
    this.heap.types[TYPE_STRING] = new Strings(this.heap);
    this.heap.types[TYPE_HASH] = this.hashes;
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
      this.heap.entries.setClock(ref, this.frequency.touched(this.heap.entries.clock(ref)));
    } else if (this.heap.entries.clock(ref) !== this.accessClock) {
      this.heap.entries.setClock(ref, this.accessClock);
    }
  }

  /** The access clock with which a new value continues the old one's under its key, where that is a use of the key. */
  continuedClock(ref: number): number {
    const clock = this.heap.entries.clock(ref);
    if (this.noTouch) return clock;
    return this.frequency === null ? this.accessClock : this.frequency.touched(clock);
  }

  /** Seconds since an entry was looked up last, under an LRU policy. */
  idleSeconds(ref: number): number {
    return (this.accessClock - this.heap.entries.clock(ref)) & ACCESS_CLOCK_MASK;
  }
}
