/**
 * The point-in-time snapshot without fork: BGSAVE, the full synchronisation of replicas, the base of an AOF rewrite.
 *
 * It starts by changing the store's epoch, so that no entry has the current mark. A walk then writes the entries table
 * by table in slices of at most a millisecond and marks them; between slices the server serves its clients. An entry
 * about to change or to go that has no mark yet is written and marked first (`Store.prepareChange`), and entries made
 * meanwhile are born with the mark. So each entry that was there at the start is written exactly once, as it was then.
 * A large one that is about to go is not written at once but taken over, and goes when the walk has written it.
 *
 * The walk goes by the tables that the databases had at the start: a flushed database's table is kept until the walk is
 * through with it, and SWAPDB changes nothing, because a table keeps its number.
 *
 * When it ends, every entry has the mark again, which is what the next one needs. After a failure or an abort the walk
 * therefore goes on, marking without writing ("settling"); a snapshot asked for meanwhile starts after that.
 */

import { monotonicMs } from "../runtime/clock.ts";
import { startTimer } from "../runtime/timers.ts";
import { onNextTurn } from "../runtime/turns.ts";
import type { Database } from "../store/database.ts";
import { EPOCH_BIT } from "../store/entry.ts";
import type { Store } from "../store/store.ts";
import { Offload, SaveWorker, type SnapshotTarget } from "./rdb_offload.ts";
import type { WorkerOptions } from "./rdb_worker.ts";
import { CHUNK_BYTES, isLargeValue, type LargeValue, type RdbInfo, RdbWriter } from "./rdb_writer.ts";

export type { SnapshotTarget } from "./rdb_offload.ts";

/** A slice takes as long as the server worked since the last one, within these bounds: half the time at most is ours. */
const SHORTEST_SLICE_MS = 0.25;
const LONGEST_SLICE_MS = 1;
/** How long an aborted walk may go on waiting for the delay that its keys are to take, in ms. */
const LONGEST_WAIT_MS = 20;
/** Entries asked of the table at a time. */
const SCAN_ENTRIES = 32;

export interface SnapshotResult {
  /** Keys written. */
  readonly keys: number;
  /** Bytes of the RDB data. */
  readonly bytes: number;
  /** From the point in time to the end, in ms. */
  readonly durationMs: number;
}

/** Why a snapshot that `abort` ended has no result. */
export class SnapshotAbortedError extends Error {
  override name = "SnapshotAbortedError";
}

/** A table as the snapshot found it. */
interface Walked {
  readonly table: number;
  /** The database's number at the start; -1 for one that is not written, only marked. */
  readonly index: number;
  /** Its keys at the start. */
  readonly keys: number;
  readonly expiring: number;
  /** Whether its beginning was written. */
  isBegun: boolean;
  /** Where the walk goes on. */
  cursor: number;
  /** Whether the database gave the table up, so that it is ours to discard. */
  isOrphan: boolean;
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
  /** Whether the entry is no longer in its database, so that it is ours to release. */
  isOrphan: boolean;
}

/** An entry that has left its database before it was written: it is ours to write and to release. */
interface Orphan {
  readonly index: number;
  readonly ref: number;
}

/** What a snapshot under way writes to. */
interface Output {
  readonly job: Job;
  readonly offload: Offload;
  readonly writer: RdbWriter;
  /** Takes the entries that are about to change while `large` occupies the writer. */
  aside: { readonly writer: RdbWriter; readonly chunks: { chunk: Uint8Array<ArrayBuffer>; length: number }[] } | null;
  /** The value of which a part was written. */
  large: PartlyWritten | null;
  readonly startedMs: number;
}

export class Snapshotter {
  /** For INFO: keys written so far by the snapshot under way, and keys that there were at its start. */
  keysProcessed = 0;
  keysTotal = 0;
  /** `rdb-key-save-delay`, for tests of what happens meanwhile: each key takes at least so long, in ms. */
  keyDelayMs = 0;
  /** The worker that encodes and writes. */
  readonly worker: SaveWorker = new SaveWorker();
  readonly #store: Store;
  /** The job that waits for the end of settling, or runs. */
  #job: Job | null = null;
  /** Null while settling. */
  #output: Output | null = null;
  #tables: Walked[] = [];
  #tableAt = 0;
  readonly #orphans: Orphan[] = [];
  readonly #indexes = new Map<number, Walked>();
  readonly #refs: number[] = [];
  /** Whether the walk is under way, writing or settling, and whether its next slice is due by itself. */
  #isWalking = false;
  #isScheduled = false;
  #lastSliceEndMs = 0;
  /** By how much what was written is ahead of the delay that keys are to take. */
  #aheadMs = 0;

  constructor(store: Store) {
    this.#store = store;
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

  /** Ends the snapshot under way, if any: its promise rejects with SnapshotAbortedError. */
  abort(): void {
    const job = this.#job;
    if (job === null) return;
    this.#output?.offload.abort();
    this.#fail(new SnapshotAbortedError("the snapshot was aborted"));
  }

  #begin(job: Job): void {
    const store = this.#store;
    let offload: Offload;
    try {
      offload = new Offload(this.worker, job.target, job.options, {
        onRoom: () => this.#schedule(),
        onFinished: (bytes) => this.#succeed(bytes),
        onFailed: (reason) => this.#fail(reason),
      });
    } catch (error) {
      this.#job = null;
      return job.reject(error instanceof Error ? error : new Error(String(error)));
    }
    const post = (chunk: Uint8Array, length: number) => {
      offload.post(chunk as Uint8Array<ArrayBuffer>, length); // chunks come from takeChunk
      return offload.takeChunk();
    };
    const writer = new RdbWriter(store, post, offload.takeChunk());
    this.#output = { job, offload, writer, aside: null, large: null, startedMs: monotonicMs() };
    this.#tables = [];
    this.#indexes.clear();
    this.#tableAt = 0;
    this.#aheadMs = 0;
    this.keysProcessed = 0;
    this.keysTotal = 0;
    store.databases.forEach((database, index) => this.#addTable(database, index));
    for (const database of store.detached) this.#addTable(database, -1);
    store.epoch ^= EPOCH_BIT;
    store.onBeforeChange = (database, ref) => this.#writeEarly(database, ref);
    store.onBeforeRemoval = (database, ref) => this.#takeOver(database, ref);
    store.onDiscardKeys = (table) => this.#orphan(table);
    this.#isWalking = true;
    writer.start(job.describe());
    this.#schedule();
  }

  #addTable(database: Database, index: number): void {
    const keys = database.size;
    if (keys === 0) return;
    const walked: Walked = {
      table: database.keys,
      index,
      keys,
      expiring: this.#store.tables.count(database.expires),
      isBegun: false,
      cursor: 0,
      isOrphan: false,
      isDone: false,
    };
    this.#tables.push(walked);
    this.#indexes.set(database.keys, walked);
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
      if (this.#output === null) this.#aheadMs = 0; // nothing is written any more
      if (!this.#isWalking) return;
      if (this.#aheadMs >= 1) this.#wait();
      else this.#slice();
    }, waitMs);
  }

  /** Goes on by one step; whether there is more to do. */
  #step(deadline: number): boolean {
    const output = this.#output;
    if (output !== null && output.large !== null) {
      if (output.writer.step(output.large.value)) this.#largeDone(output);
      return true;
    }
    const orphan = this.#orphans.at(-1);
    if (output !== null && orphan !== undefined) {
      const value = output.writer.entry(orphan.index, orphan.ref);
      this.#orphans.pop();
      if (value !== null) {
        output.large = { value, isOrphan: true };
      } else {
        this.#store.release(orphan.ref);
        this.#keyWritten();
      }
      return true;
    }
    while (this.#tableAt < this.#tables.length && this.#tables[this.#tableAt].isDone) this.#tableAt++;
    if (this.#tableAt === this.#tables.length) return false;
    const walked = this.#tables[this.#tableAt];
    if (output !== null && !walked.isBegun && walked.index >= 0) {
      walked.isBegun = true;
      output.writer.beginDatabase(walked.index, walked.keys, walked.expiring);
    }
    const next = this.#store.tables.scan(walked.table, walked.cursor, SCAN_ENTRIES, this.#refs);
    if (!this.#writeScanned(walked, deadline)) return true; // the same place again, past what is marked by then
    walked.cursor = next;
    if (next === 0) this.#tableDone(walked);
    return true;
  }

  /** Writes and marks what the last scan found; false where it could not finish that. */
  #writeScanned(walked: Walked, deadline: number): boolean {
    const store = this.#store;
    const output = this.#output;
    const refs = this.#refs;
    for (let i = 0; i < refs.length; i++) {
      const ref = refs[i];
      if ((store.entries.word(ref, 1) & EPOCH_BIT) === store.epoch) continue;
      if (output !== null && walked.index >= 0) {
        const large = output.writer.entry(walked.index, ref);
        if (large !== null) {
          output.large = { value: large, isOrphan: false };
          return false;
        }
        this.#keyWritten();
      }
      store.markEpoch(ref);
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
    if (walked.isOrphan) this.#store.discardTables(walked.table, 0);
  }

  #largeDone(output: Output): void {
    if (output.large === null) return;
    const { value, isOrphan } = output.large;
    if (isOrphan) this.#store.release(value.ref);
    else this.#store.markEpoch(value.ref);
    this.#keyWritten();
    output.large = null;
    const aside = output.aside;
    if (aside === null) return;
    output.aside = null;
    output.writer.flush();
    aside.writer.flush();
    for (const { chunk, length } of aside.chunks) output.offload.post(chunk, length);
    output.writer.database = aside.writer.database;
  }

  /** Writes an entry that is about to change, before the walk came to it. */
  #writeEarly(database: Database, ref: number): void {
    const output = this.#output;
    if (output === null) return;
    const index = this.#indexes.get(database.keys)?.index ?? -1;
    if (index < 0) return;
    try {
      if (output.large === null) {
        const large = output.writer.entry(index, ref);
        if (large !== null) output.writer.complete(large);
        this.#keyWritten();
      } else if (output.large.value.ref === ref) {
        output.writer.complete(output.large.value);
        this.#largeDone(output);
      } else {
        output.aside ??= this.#makeAside(output);
        const large = output.aside.writer.entry(index, ref);
        if (large !== null) output.aside.writer.complete(large);
        this.#keyWritten();
      }
    } catch (error) {
      output.offload.abort();
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /**
   * Takes over an entry that is about to go, if it is large: to write it at once would stop the server. So it does with
   * any entry while the window of chunks is full: where it lies it takes no more memory than it did.
   */
  #takeOver(database: Database, ref: number): boolean {
    const output = this.#output;
    const index = this.#indexes.get(database.keys)?.index ?? -1;
    if (output === null || index < 0) return false;
    if (!output.offload.isFull && !isLargeValue(this.#store, ref)) return false;
    if (output.large?.value.ref === ref) output.large.isOrphan = true;
    else this.#orphans.push({ index, ref });
    return true;
  }

  #makeAside(output: Output): NonNullable<Output["aside"]> {
    const chunks: { chunk: Uint8Array<ArrayBuffer>; length: number }[] = [];
    const writer = new RdbWriter(this.#store, (chunk, length) => {
      chunks.push({ chunk: chunk as Uint8Array<ArrayBuffer>, length }); // chunks are made here
      return new Uint8Array(CHUNK_BYTES);
    }, new Uint8Array(CHUNK_BYTES));
    writer.configure(output.writer);
    return { writer, chunks };
  }

  /** Takes over a table that its database gives up, where there is still something to write in it. */
  #orphan(table: number): boolean {
    const walked = this.#indexes.get(table);
    if (walked === undefined || walked.isDone) return false;
    this.#indexes.delete(table);
    if (this.#output === null || walked.index < 0) {
      walked.isDone = true;
      return false;
    }
    walked.isOrphan = true;
    return true;
  }

  /** All is marked. */
  #walked(): void {
    const store = this.#store;
    this.#isWalking = false;
    store.onBeforeChange = null;
    store.onBeforeRemoval = null;
    store.onDiscardKeys = null;
    this.#tables = [];
    this.#indexes.clear();
    if (this.#output !== null) {
      this.#output.writer.end();
      this.#output.writer.takeChunk();
      this.#output.offload.finish();
    } else if (this.#job !== null) {
      this.#begin(this.#job);
    }
  }

  #succeed(bytes: number): void {
    const output = this.#output;
    if (output === null) return;
    this.#output = null;
    this.#job = null;
    output.job.resolve({ keys: this.keysProcessed, bytes, durationMs: monotonicMs() - output.startedMs });
  }

  #fail(reason: Error): void {
    const job = this.#job;
    if (job === null) return;
    this.#job = null;
    const large = this.#output?.large;
    if (large?.isOrphan) this.#store.release(large.value.ref);
    for (const { ref } of this.#orphans.splice(0)) this.#store.release(ref);
    this.#output = null;
    for (const walked of this.#tables) {
      if (!walked.isOrphan || walked.isDone) continue;
      walked.isDone = true;
      this.#store.discardTables(walked.table, 0);
    }
    this.#schedule();
    job.reject(reason);
  }
}
