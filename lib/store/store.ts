/**
 * The store: what all databases stand on and go by. The heap that their keys and values lie in, the time, how uses of keys
 * are noted, who may see and remove what has expired, and what is counted of them.
 *
 * It knows no keys and no database: that is the keyspace (keyspace.ts), which owns it. The server's composition sets the
 * clock, and the rules as its phase demands.
 */

import { unixMs } from "../runtime/clock.ts";
import { TYPE_HASH, TYPE_LIST, TYPE_SET, TYPE_STREAM, TYPE_STRING, TYPE_ZSET, type UnixMs } from "./entry.ts";
import type { Frequency } from "./frequency.ts";
import { Heap } from "./heap.ts";
import { Hashes } from "./types/hashes.ts";
import { Lists } from "./types/lists.ts";
import { Sets } from "./types/sets.ts";
import { SortedSets } from "./types/sorted_sets.ts";
import { Streams } from "./types/streams.ts";
import { Strings } from "./types/strings.ts";

const ACCESS_CLOCK_MASK = 0xffffff;

export class Store {
  readonly heap = new Heap();
  readonly #entries = this.heap.entries;
  readonly hashes: Hashes = new Hashes(this.heap);
  readonly lists: Lists = new Lists(this.heap);
  readonly sets: Sets = new Sets(this.heap);
  readonly sortedSets: SortedSets = new SortedSets(this.heap);
  readonly streams: Streams = new Streams(this.heap);

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
  /** Whether the expiry cycle runs (DEBUG SET-ACTIVE-EXPIRE). */
  activeExpiry = true;

  constructor() {
    const { types } = this.heap;
    types[TYPE_STRING] = new Strings(this.heap);
    types[TYPE_HASH] = this.hashes;
    types[TYPE_LIST] = this.lists;
    types[TYPE_SET] = this.sets;
    types[TYPE_ZSET] = this.sortedSets;
    types[TYPE_STREAM] = this.streams;
  }

  /** Sets the counters back. */
  resetStatistics(): void {
    this.hits =
      this.misses =
      this.expiredKeys =
      this.heap.freedInSlices =
        0;
  }

  /** Sets the clocks that commands go by. */
  setNow(nowMs: number): void {
    this.nowMs = nowMs;
    this.accessClock = Math.floor(nowMs / 1000) & ACCESS_CLOCK_MASK;
  }

  /** Whether an expiry lies in the past here; a replica leaves that to its primary. */
  hasPassed(expiry: UnixMs): boolean {
    return expiry <= this.nowMs && this.removeExpired && !this.ignoreExpiry;
  }

  /** Whether an entry has expired for those who look at it now. */
  hasExpired(ref: number): boolean {
    const { entries } = this.heap;
    return entries.hasExpiry(ref) && entries.expiry(ref) <= this.nowMs && !this.ignoreExpiry;
  }

  // --- Uses of keys --------------------------------------------------------------------------------------------------

  /** Access clock of a new entry. */
  get initialClock(): number {
    return this.frequency === null ? this.accessClock : this.frequency.initial();
  }

  /** Notes that an entry was looked up. */
  touch(ref: number): void {
    if (this.noTouch) return;
    const entries = this.#entries;
    if (this.frequency !== null) entries.setClock(ref, this.frequency.touched(entries.clock(ref)));
    else if (entries.clock(ref) !== this.accessClock) entries.setClock(ref, this.accessClock);
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
