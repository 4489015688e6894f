/**
 * The point-in-time snapshot without fork: BGSAVE, the full synchronisation of replicas, the base of an AOF rewrite.
 *
 * It starts by changing the store's epoch, so that no entry has the current mark. A walk then writes the entries table
 * by table in slices of at most a millisecond and marks them; between slices the server serves its clients. An entry
 * about to change or to go that has no mark yet is written and marked first (`SnapshotHooks`), and entries made
 * meanwhile are born with the mark. So each entry that was there at the start is written exactly once, as it was then.
 * A large one that is about to go is not written at once but taken over, and goes when the walk has written it. Of one
 * with a large body that is about to change, a shadow is taken, which is written later: the body's elements have marks
 * too, and those that leave it unmarked are kept for the shadow. So a change costs what it changes. While the chunks on
 * their way are as many as may be, that is done with small ones too, so that what is changed waits in the arena. All that
 * it takes so is counted (store/snapshot_memory.ts): a fixed number of chunks, and what was changed, as it was before.
 *
 * The walk goes by the tables of keys that the databases had at the start: a flushed database's table is kept until the
 * walk is through with it, and SWAPDB changes nothing, because a table stays the same.
 *
 * When it ends, every entry has the mark again, which is what the next one needs. After a failure or an abort the walk
 * therefore goes on, marking without writing ("settling"); a snapshot asked for meanwhile starts after that.
 */

import { monotonicMs } from "../runtime/clock.ts";
import { startTimer } from "../runtime/timers.ts";
import { onNextTurn } from "../runtime/turns.ts";
import type { Database } from "../store/database.ts";
import { EPOCH_BIT } from "../store/entry.ts";
import { isOutOfRoom } from "../store/out_of_room.ts";
import type { Keyspace } from "../store/keyspace.ts";
import type { WalkedTable } from "../store/snapshot_hooks.ts";
import type { SnapshotMemory } from "../store/snapshot_memory.ts";
import type { Store } from "../store/store.ts";
import { KeptEntries, type KeptEntry } from "./kept_entries.ts";
import { Offload, SaveWorker, type SnapshotTarget, WINDOW_CHUNKS } from "./rdb_offload.ts";
import type { WorkerOptions } from "./rdb_worker.ts";
import { OpenBodies } from "./open_bodies.ts";
import { type LargeValue, type RdbInfo, RdbWriter } from "./rdb_writer.ts";
import { type Chunk, TokenWriter } from "./token_writer.ts";
import { ValueWriters } from "./types/all.ts";
import { STEP_BYTES } from "./types/value_writer.ts";

export type { SnapshotTarget } from "./rdb_offload.ts";

/** A slice takes as long as the server worked since the last one, within these bounds: half the time at most is ours. */
const SHORTEST_SLICE_MS = 0.25;
const LONGEST_SLICE_MS = 1;
/** How long an aborted walk may go on waiting for the delay that its keys are to take, in ms. */
const LONGEST_WAIT_MS = 20;
/** Entries asked of the table at a time. */
const SCAN_ENTRIES = 32;
/** Elements gone from a body that are written in a step. */
const DISPLACED_AT_ONCE = 64;

const LOST_ELEMENTS = "a value has fewer elements than it had at the snapshot's point in time";

export interface SnapshotResult {
  /** Keys written. */
  readonly keys: number;
  /** Bytes of the RDB data. */
  readonly bytes: number;
  /** From the point in time to the end, in ms. */
  readonly durationMs: number;
  /** The most that it took besides the data. */
  readonly peakBytes: number;
}

/** Why a snapshot that `abort` ended has no result. */
export class SnapshotAbortedError extends Error {
  override name = "SnapshotAbortedError";
}

/** A table as the snapshot found it. */
interface Walked {
  readonly table: WalkedTable;
  /** The database's number at the start; -1 for one that is not written, only marked. */
  readonly index: number;
  /** Its keys at the start. */
  readonly keys: number;
  readonly expiring: number;
  /** Whether its beginning was written. */
  isBegun: boolean;
  /** Where the walk goes on. */
  cursor: number;
  /** Whether the database gave the table up, so that it is ours to free; how much it takes then. */
  isOrphan: boolean;
  keptBytes: number;
  isDone: boolean;
}

interface Job {
  readonly target: SnapshotTarget;
  /** Called at the point in time. */
  readonly describe: () => RdbInfo;
  readonly options: WorkerOptions;
  readonly resolve: (result: SnapshotResult) => void;
  readonly reject: (reason: Error) => void;
}

interface PartlyWritten {
  readonly value: LargeValue;
  /** The entry in its database that is to be marked when all is written; 0 where that has changed or gone meanwhile. */
  entry: number;
  /** What has left its database and is ours to release; null for what lies in a database. */
  orphan: KeptEntry | null;
}

/** A chunk that is to be sent, and how much of it is filled. */
interface Filled {
  readonly bytes: Chunk;
  readonly length: number;
}

/** What a snapshot under way writes to. */
interface Output {
  readonly job: Job;
  readonly offload: Offload;
  readonly writer: RdbWriter<TokenWriter>;
  /** Takes the entries that are about to change while `large` occupies the writer. */
  aside: {
    readonly writer: RdbWriter<TokenWriter>;
    readonly chunks: Filled[];
  } | null;
  /** The value of which a part was written. */
  large: PartlyWritten | null;
  readonly startedMs: number;
}

export class Snapshotter {
  /** For INFO: keys written so far by the snapshot under way, and keys that there were at its start. */
  keysProcessed = 0;
  keysTotal = 0;
  /** Snapshots that have begun. */
  begun = 0;
  /** Whether a snapshot that has waited may begin: nothing is half done in the data. */
  mayBegin: () => boolean = () => true;
  /** `rdb-key-save-delay`, for tests of what happens meanwhile: each key takes at least so long, in ms. */
  keyDelayMs = 0;
  /** The worker that encodes and writes. */
  readonly worker: SaveWorker = new SaveWorker();
  readonly #keyspace: Keyspace;
  readonly #store: Store;
  readonly #writers: ValueWriters;
  /** The job that waits for the end of settling, or runs. */
  #job: Job | null = null;
  /** Null while settling. */
  #output: Output | null = null;
  #tables: Walked[] = [];
  #tableAt = 0;
  /** What is ours to write and to release. */
  #kept: KeptEntries;
  readonly #open: OpenBodies;
  readonly #indexes = new Map<WalkedTable, Walked>();
  readonly #refs: number[] = [];
  /** Whether the walk is under way, writing or settling, and whether its next slice is due by itself. */
  #isWalking = false;
  #isScheduled = false;
  #lastSliceEndMs = 0;
  /** By how much what was written is ahead of the delay that keys are to take. */
  #aheadMs = 0;

  constructor(keyspace: Keyspace) {
    const { store } = keyspace;
    this.#keyspace = keyspace;
    this.#store = store;
    this.#writers = new ValueWriters(store);
    this.#kept = new KeptEntries(store.heap);
    this.#open = new OpenBodies(store.heap, this.#writers);
  }

  /** What the snapshot under way takes besides the data. */
  get memory(): SnapshotMemory {
    return this.#store.heap.snapshots.memory;
  }

  /** Whether a snapshot is under way (or waits to start); another cannot be started. */
  get running(): boolean {
    return this.#job !== null;
  }

  /** Whether marks are still being set after a failure or an abort. A snapshot started now begins when that is done. */
  get settling(): boolean {
    return this.#isWalking && this.#output === null;
  }

  /**
   * Starts a snapshot. `describe` is called at its point in time, which is before this returns unless `settling`, and
   * says what the aux fields do. Rejects with a FileError or another one-line reason; the target file is then as it was.
   */
  start(target: SnapshotTarget, describe: () => RdbInfo, options: WorkerOptions): Promise<SnapshotResult> {
    if (this.#job !== null) return Promise.reject(new Error("a snapshot is under way already"));
    return new Promise((resolve, reject) => {
      this.#job = { target, describe, options, resolve, reject };
      if (!this.#isWalking) this.#begin(this.#job);
    });
  }

  /** Begins the snapshot that had to wait for the end of settling, or of what was half done in the data then. */
  beginDue(): void {
    if (this.#job !== null && this.#output === null && !this.#isWalking && this.mayBegin()) this.#begin(this.#job);
  }

  /** Ends the snapshot under way, if any: its promise rejects with SnapshotAbortedError. */
  abort(): void {
    const job = this.#job;
    if (job === null) return;
    this.#output?.offload.abort();
    this.#fail(new SnapshotAbortedError("the snapshot was aborted"));
  }

  #begin(job: Job): void {
    const store = this.#store;
    this.memory.begin();
    let offload: Offload;
    try {
      offload = new Offload(this.worker, job.target, job.options, {
        onRoom: () => this.#schedule(),
        onFinished: (bytes) => this.#succeed(bytes),
        onFailed: (reason) => this.#fail(reason),
      }, this.memory);
    } catch (error) {
      this.#job = null;
      return job.reject(error instanceof Error ? error : new Error(String(error)));
    }
    const post = (chunk: Uint8Array, length: number) => {
      offload.post(chunk as Chunk, length); // chunks come from takeChunk
      return offload.takeChunk();
    };
    const writer = new RdbWriter(store, new TokenWriter(post, offload.takeChunk()), store.heap.snapshots);
    this.#output = { job, offload, writer, aside: null, large: null, startedMs: monotonicMs() };
    this.#tables = [];
    this.#indexes.clear();
    this.#tableAt = 0;
    this.#aheadMs = 0;
    this.keysProcessed = 0;
    this.keysTotal = 0;
    for (const database of this.#keyspace.databases) this.#addTable(database, database.index);
    for (const database of this.#keyspace.detached) this.#addTable(database, -1);
    store.heap.snapshots.epoch ^= EPOCH_BIT;
    store.heap.snapshots.listener = {
      beforeChange: (table, ref) => this.#beforeChange(table, ref),
      beforeRemoval: (table, ref) => this.#takeOver(table, ref),
      keepsTable: (table) => this.#orphan(table),
      displaced: (body, element) => this.#open.displaced(body, element),
      keepsBody: (body) => this.#open.keeps(body),
      readNow: (body) => this.#readNow(body),
    };
    this.#isWalking = true;
    this.begun++;
    writer.start(job.describe());
    this.#schedule();
  }

  #addTable(database: Database, index: number): void {
    const table = database.walked;
    const keys = table.size;
    if (keys === 0) return;
    const walked: Walked = {
      table,
      index,
      keys,
      expiring: table.expiring,
      isBegun: false,
      cursor: 0,
      isOrphan: false,
      keptBytes: 0,
      isDone: false,
    };
    this.#tables.push(walked);
    this.#indexes.set(table, walked);
    if (index >= 0) this.keysTotal += keys;
  }

  #schedule(): void {
    if (!this.#isWalking || this.#isScheduled) return;
    this.#isScheduled = true;
    onNextTurn(() => {
      this.#isScheduled = false;
      if (this.#isWalking) this.#slice();
    });
  }

  /** Walks for a while, and sees to it that the walk goes on. */
  #slice(): void {
    const startMs = monotonicMs();
    const elsewhereMs = startMs - this.#lastSliceEndMs;
    const deadline = startMs + Math.min(LONGEST_SLICE_MS, Math.max(SHORTEST_SLICE_MS, elsewhereMs));
    let isDone = false;
    try {
      do {
        if (this.#output?.offload.isFull) break; // onRoom goes on
        isDone = !this.#step(deadline);
      } while (!isDone && this.#aheadMs < 1 && monotonicMs() < deadline);
    } catch (error) {
      this.#output?.offload.abort();
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    }
    this.#lastSliceEndMs = monotonicMs();
    if (this.#aheadMs >= 1) this.#wait();
    else if (isDone) this.#walked();
    else if (!this.#output?.offload.isFull) this.#schedule();
  }

  /** Goes on when the keys written so far have taken the time that they are to take. */
  #wait(): void {
    this.#isScheduled = true;
    const waitMs = Math.min(this.#aheadMs, LONGEST_WAIT_MS);
    this.#aheadMs -= waitMs;
    startTimer(() => {
      this.#isScheduled = false;
      // Nothing is written any more, or keys are to take no time any more.
      if (this.#output === null || this.keyDelayMs === 0) this.#aheadMs = 0;
      if (!this.#isWalking) return;
      if (this.#aheadMs >= 1) this.#wait();
      else this.#slice();
    }, waitMs);
  }

  /** Goes on by one step; whether there is more to do. */
  #step(deadline: number): boolean {
    const output = this.#output;
    if (this.#open.abandonSome() || this.#open.markSome()) return true;
    if (output !== null && output.large !== null) {
      if (this.#writeSome(output, output.large)) this.#largeDone(output);
      return true;
    }
    const kept = output === null ? null : this.#kept.next();
    if (output !== null && kept !== null) {
      this.#writeKept(output, kept);
      return true;
    }
    while (this.#tableAt < this.#tables.length && this.#tables[this.#tableAt].isDone) this.#tableAt++;
    if (this.#tableAt === this.#tables.length) return false;
    const walked = this.#tables[this.#tableAt];
    if (output !== null && !walked.isBegun && walked.index >= 0) {
      walked.isBegun = true;
      output.writer.beginDatabase(walked.index, walked.keys, walked.expiring);
    }
    const next = walked.table.scan(walked.cursor, SCAN_ENTRIES, this.#refs);
    this.#store.heap.foresight.fetchEntries(this.#refs);
    if (!this.#writeScanned(walked, deadline)) return true; // the same place again, past what is marked by then
    walked.cursor = next;
    if (next === 0) this.#tableDone(walked);
    return true;
  }

  /** Writes some of a large value; whether it is complete. */
  #writeSome(output: Output, { value }: PartlyWritten): boolean {
    if (value.writer === null) return output.writer.step(value);
    const displaced = this.#open.displacedFrom(value.body);
    // Once the walk has come to the body's end, all in it is marked, and nothing leaves it any more unseen.
    if (value.left > displaced.length) {
      if (!output.writer.step(value)) return false;
      if (value.left > displaced.length) throw new Error(LOST_ELEMENTS);
    }
    const { entries } = this.#store.heap;
    for (let i = 0, bytes = 0; i < DISPLACED_AT_ONCE && bytes <= STEP_BYTES && displaced.length > 0; i++) {
      bytes += entries.bytesOf(displaced.top);
      output.writer.element(value, displaced.top);
      this.#open.freeDisplaced(value.body);
    }
    return displaced.length === 0;
  }

  #writeKept(output: Output, kept: KeptEntry): void {
    let value: LargeValue | null;
    try {
      value = output.writer.entry(kept.index, kept.ref, kept.count);
    } catch (error) {
      this.#kept.putBack(kept);
      throw error;
    }
    if (value !== null) return this.#beginLarge(output, value, 0, kept);
    this.#kept.release(kept);
    this.#keyWritten();
  }

  /** Goes on with a large value of which the beginning was written. */
  #beginLarge(output: Output, value: LargeValue, entry: number, orphan: KeptEntry | null): void {
    output.large = { value, entry, orphan };
    if (value.writer !== null) value.source = this.#open.open(value.ref, value.writer).source;
  }

  /** Writes and marks what the last scan found; false where it could not finish that. */
  #writeScanned(walked: Walked, deadline: number): boolean {
    const { snapshots } = this.#store.heap;
    const output = this.#output;
    const refs = this.#refs;
    for (let i = 0; i < refs.length; i++) {
      const ref = refs[i];
      if (snapshots.isMarked(ref)) continue;
      if (output !== null && walked.index >= 0) {
        const large = output.writer.entry(walked.index, ref);
        if (large !== null) {
          this.#beginLarge(output, large, ref, null);
          return false;
        }
        this.#keyWritten();
      } else {
        this.#open.mark(ref);
      }
      snapshots.mark(ref);
      if (this.#open.isMarking) return false;
      if (this.#aheadMs >= 1 && i + 1 < refs.length) return false;
      if ((i & 7) === 7 && i + 1 < refs.length && monotonicMs() >= deadline) return false;
    }
    return true;
  }

  /** A key was written, by the walk or before it. */
  #keyWritten(): void {
    this.keysProcessed++;
    this.#aheadMs += this.keyDelayMs;
  }

  #tableDone(walked: Walked): void {
    walked.isDone = true;
    if (!walked.isOrphan) return;
    this.memory.keep(-walked.keptBytes);
    walked.table.free();
  }

  #largeDone(output: Output): void {
    if (output.large === null) return;
    const { value, entry, orphan } = output.large;
    output.large = null;
    this.#keyWritten();
    if (orphan === null && entry !== 0) this.#store.heap.snapshots.mark(entry);
    this.#releaseBody(value.body, orphan);
    const aside = output.aside;
    if (aside === null) return;
    output.aside = null;
    output.writer.output.flush();
    aside.writer.output.flush();
    for (const { bytes, length } of aside.chunks) output.offload.post(bytes, length);
    giveBackChunk(output.offload, aside.writer);
    output.writer.database = aside.writer.database;
  }

  /**
   * Whether no more may be written than the walk does: what is about to change or to go is to be kept then. So it is while
   * the chunks on their way are as many as may be, and while as many wait for the end of a large value.
   */
  #isFull({ offload, aside }: Output): boolean {
    return offload.isFull || (aside !== null && aside.chunks.length >= WINDOW_CHUNKS);
  }

  /** An entry that the walk has not come to is about to change: it is written as it is, or what of it may change is kept. */
  #beforeChange(table: WalkedTable, ref: number): void {
    const output = this.#output;
    const index = this.#indexes.get(table)?.index ?? -1;
    if (output === null || index < 0) return this.#open.mark(ref);
    const { large } = output;
    if (large?.entry === ref && large.value.writer !== null) {
      large.entry = 0; // its body goes on being written, whatever becomes of the entry
    } else if (large?.entry === ref || !this.#keepForLater(output, index, ref)) {
      this.#writeNow(output, index, ref);
    }
  }

  /** Writes an entry, or what is left of it, before the walk comes to it. */
  #writeNow(output: Output, index: number, ref: number): void {
    try {
      const { large } = output;
      if (large?.entry !== ref) return this.#writeEarly(output, index, ref);
      while (!this.#writeSome(output, large));
      this.#largeDone(output);
    } catch (error) {
      output.offload.abort();
      this.#fail(error instanceof Error ? error : new Error(String(error)));
      this.#open.mark(ref);
    }
  }

  #writeEarly(output: Output, index: number, ref: number): void {
    if (output.large !== null) output.aside ??= this.#makeAside(output);
    const writer = output.aside?.writer ?? output.writer;
    const large = writer.entry(index, ref);
    if (large !== null) writer.complete(large);
    this.#keyWritten();
  }

  /**
   * Keeps what an entry is at this time, to be written later: where it is large, or no more is to be written. An inline
   * value is copied, and so is a small body, of which the copy goes on in the entry; a large one is not, but may change
   * from now on element by element. False where it can as well be written at once, or where there is no memory for it.
   */
  #keepForLater(output: Output, index: number, ref: number): boolean {
    const { heap } = this.#store;
    const { entries } = heap;
    const isLarge = output.writer.isLarge(ref);
    if (!isLarge && !this.#isFull(output)) return false;
    const writer = this.#writers.body(ref);
    let copy = 0;
    try {
      copy = heap.copyBlock(ref, entries.bytesOf(ref));
      if (writer !== null && isLarge) {
        this.#kept.takeShadow(index, copy, writer.count(this.#open.open(ref, writer).body));
        return true;
      }
      if (writer !== null) entries.setValueWord(ref, heap.typeOf(ref).copyBody(entries.valueWord(ref)));
    } catch (error) {
      if (copy !== 0) heap.arena.free(copy);
      if (isOutOfRoom(error)) return false;
      throw error;
    }
    this.#kept.take(index, copy);
    return true;
  }

  /** Writes what is still to be read of a body, of which nothing more can be kept. */
  #readNow(body: number): void {
    const output = this.#output;
    if (output === null) return;
    try {
      if (output.large !== null && output.large.value.body === body) {
        while (!this.#writeSome(output, output.large));
        return this.#largeDone(output);
      }
      const kept = this.#kept.shadowOf(body);
      if (kept !== null) this.#writeAhead(output, kept);
    } catch (error) {
      output.offload.abort();
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** Writes an entry with a body that was kept before its turn. */
  #writeAhead(output: Output, kept: KeptEntry): void {
    if (output.large !== null) output.aside ??= this.#makeAside(output);
    const writer = output.aside?.writer ?? output.writer;
    const value = writer.entry(kept.index, kept.ref, kept.count);
    if (value !== null) {
      if (value.writer !== null) value.source = this.#open.open(value.ref, value.writer).source;
      writer.complete(value);
      this.#releaseBody(value.body, kept);
    } else {
      this.#kept.release(kept);
    }
    this.#keyWritten();
  }

  /** A body of which all is written is no longer needed, nor is the orphan that it was written for. */
  #releaseBody(body: number, orphan: KeptEntry | null): void {
    const orphaned = this.#open.close(body);
    if (orphan !== null) this.#kept.release(orphan);
    if (orphaned !== null) this.#open.free(orphaned);
  }

  /**
   * Takes over an entry that is about to go, if it is large: to write it at once would stop the server. So it does with
   * any entry while no more is to be written: where it lies it takes no more memory than it did.
   */
  #takeOver(table: WalkedTable, ref: number): boolean {
    const output = this.#output;
    const index = this.#indexes.get(table)?.index ?? -1;
    if (output === null || index < 0) return false;
    if (!this.#isFull(output) && output.large?.entry !== ref && !output.writer.isLarge(ref)) return false;
    if (output.large?.entry === ref) {
      output.large.entry = 0;
      output.large.orphan = this.#kept.describe(index, ref);
      this.memory.keep(output.large.orphan.bytes);
    } else {
      this.#kept.take(index, ref);
    }
    return true;
  }

  #makeAside(output: Output): NonNullable<Output["aside"]> {
    const chunks: Filled[] = [];
    const tokens = new TokenWriter((chunk, length) => {
      chunks.push({ bytes: chunk as Chunk, length }); // chunks come from takeChunk
      return output.offload.takeChunk();
    }, output.offload.takeChunk());
    const writer = new RdbWriter(this.#store, tokens, this.#store.heap.snapshots);
    writer.configure(output.writer);
    return { writer, chunks };
  }

  /** Takes over a table that its database gives up, where there is still something to write in it. */
  #orphan(table: WalkedTable): boolean {
    const walked = this.#indexes.get(table);
    if (walked === undefined || walked.isDone) return false;
    this.#indexes.delete(table);
    if (this.#output === null || walked.index < 0) {
      walked.isDone = true;
      return false;
    }
    walked.isOrphan = true;
    walked.keptBytes = this.#bytesOf(table);
    this.memory.keep(walked.keptBytes);
    return true;
  }

  /** About what a table of keys takes with all that is in it: its part of the arena, which few large values may fill. */
  #bytesOf(table: WalkedTable): number {
    let all = 0;
    for (const { walked } of this.#keyspace.databases) all += walked.estimateBytes();
    const usedBytes = this.#store.heap.arena.usedBytes - this.memory.arenaBytes;
    const own = table.estimateBytes();
    return Math.round(usedBytes * (own / Math.max(all, own))); // a replica may be giving up what is no database any more
  }

  /** All is marked. */
  #walked(): void {
    const store = this.#store;
    if (!this.#open.isEmpty) throw new Error("the walk has ended with values still open");
    this.#isWalking = false;
    store.heap.snapshots.listener = null;
    this.#tables = [];
    this.#indexes.clear();
    if (this.#output !== null) {
      this.#output.writer.end();
      giveBackChunk(this.#output.offload, this.#output.writer);
      this.#output.offload.finish();
    } else {
      this.beginDue();
    }
  }

  #succeed(bytes: number): void {
    const output = this.#output;
    if (output === null) return;
    this.#output = null;
    this.#job = null;
    const durationMs = monotonicMs() - output.startedMs;
    output.job.resolve({ keys: this.keysProcessed, bytes, durationMs, peakBytes: this.memory.peakBytes });
  }

  #fail(reason: Error): void {
    const job = this.#job;
    if (job === null) return;
    this.#job = null;
    const large = this.#output?.large ?? null;
    this.#output = null;
    if (large !== null) this.#giveUp(large);
    this.#kept.discard();
    this.#kept = new KeptEntries(this.#store.heap);
    this.#open.abandon();
    for (const walked of this.#tables) if (walked.isOrphan && !walked.isDone) this.#tableDone(walked);
    this.#schedule();
    job.reject(reason);
  }

  /** What is there of a large value will not be written. */
  #giveUp({ value, entry, orphan }: PartlyWritten): void {
    // One that has not changed the walk will come to again; one that has left its database goes with its entry.
    if (entry !== 0 || (orphan !== null && !orphan.isShadow)) this.#open.forget(value.body);
    if (orphan !== null) this.#kept.putBack(orphan);
  }
}

/** Gives the chunk under way, of which nothing is to be written, back. */
function giveBackChunk(offload: Offload, { output }: RdbWriter<TokenWriter>): void {
  offload.giveBack(output.takeChunk() as Chunk); // chunks come from takeChunk
}
