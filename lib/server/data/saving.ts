/**
 * Saving and loading the data set: SAVE, BGSAVE, the save points, the RDB file at start. `lib/persistence/` does the
 * work; this decides when, under which name, and what is said about it.
 */

import { join } from "node:path";
import { fromBinary } from "../../bytes/paths.ts";
import { systemErrorText } from "../../bytes/system_errors.ts";
import { removalWord } from "../../commands/removal.ts";
import type { Config } from "../../config/config.ts";
import { loadRdbFile, type LoadResult } from "../../persistence/load.ts";
import type { ReadOptions } from "../../persistence/rdb_reader.ts";
import type { RdbInfo } from "../../persistence/rdb_writer.ts";
import { saveSync } from "../../persistence/save.ts";
import type { RdbOptions } from "../../persistence/save_job.ts";
import { temporaryFile } from "../../persistence/temporary_files.ts";
import {
  SnapshotAbortedError,
  type SnapshotResult,
  type SnapshotTarget,
  Snapshotter,
} from "../../persistence/snapshot.ts";
import { unixMs } from "../../runtime/clock.ts";
import { thisProcess } from "../../runtime/process.ts";
import type { Keyspace } from "../../store/keyspace.ts";
import type { Store } from "../../store/store.ts";
import type { Changes } from "../execution/changes.ts";
import type { Propagation } from "../execution/propagation.ts";
import { REDIS_VERSION } from "../program/banner.ts";
import type { Log } from "../program/log.ts";
import type { Settings } from "../program/settings.ts";
import type { Cron } from "./cron.ts";
import type { Phase } from "./phase.ts";

/** After a failed background save, the save points wait this long before the next try, in ms. */
const RETRY_MS = 5000;

/** How far loading has come. */
export interface LoadingProgress {
  readonly startedMs: number;
  totalBytes: number;
  loadedBytes: number;
  loadedKeys: number;
}

/** What saving and loading need of the server. */
export interface SavingHost {
  readonly changes: Pick<Changes, "made" | "saved" | "unsaved">;
  readonly config: Config;
  readonly cron: Pick<Cron, "tasks">;
  readonly debugging: { readonly skipChecksums: boolean };
  readonly isReplica: boolean;
  readonly loading: boolean;
  readonly log: Pick<Log, "notice" | "warning">;
  readonly phase: Pick<Phase, "setLoading">;
  readonly propagation: Pick<Propagation, "isInUnit" | "writeRemoval">;
  readonly settings: Pick<Settings, "keyLoadDelayMs">;
  readonly startedMs: number;
  readonly keyspace: Keyspace;
  readonly store: Store;
  /** Refuses writes while saving fails. */
  readonly writeGate: { refresh(): void };
}

/** What the log says of the memory that a snapshot took besides the data. */
export function snapshotMemory(purpose: "RDB" | "AOF rewrite", peakBytes: number): string {
  return `Snapshot memory for ${purpose}: peak ${Math.ceil(peakBytes / 2 ** 20)} MB`;
}

/** Saves and loads the data set. */
export class Saving {
  readonly snapshotter: Snapshotter;
  /** Unix time in ms of the last successful save. */
  lastSaveMs: number;
  /** When a save ended that was not made for replicas, in ms of Unix time. */
  lastAskedMs = 0;
  lastTryMs = 0;
  lastSucceeded = true;
  /** Duration of the last background save in seconds, or -1. */
  lastSeconds = -1;
  /** When the snapshot under way began, in ms; 0 while there is none. */
  startedMs = 0;
  saves = 0;
  /** The most that the last snapshot for a file or for replicas took besides the data, in bytes. */
  lastSnapshotBytes = 0;
  /** BGSAVE SCHEDULE was asked while another snapshot was under way. */
  scheduled = false;
  /** Whether the append-only file is being rewritten, which may not have come to its snapshot yet. */
  #isHeld = false;
  loading: LoadingProgress | null = null;
  /** Result of the last load, for INFO. */
  lastLoad: LoadResult | null = null;
  /** What else the aux fields say: where the replication stream stands. */
  describeReplication: () => RdbInfo["replication"] = () => undefined;

  constructor(readonly server: SavingHost) {
    this.snapshotter = new Snapshotter(server.keyspace);
    this.lastSaveMs = server.startedMs;
    this.snapshotter.mayBegin = () => !server.propagation.isInUnit;
    server.cron.tasks.push(() => {
      this.snapshotter.beginDue();
      this.#checkSavePoints();
    });
  }

  /** Absolute path of the RDB file. */
  get path(): string {
    const { config } = this.server;
    return join(fromBinary(config.text("dir")), fromBinary(config.text("dbfilename")));
  }

  /** Whether a snapshot is under way in the background: to disk, or to replicas. */
  get inBackground(): boolean {
    return this.startedMs !== 0;
  }

  /** Whether a snapshot is being taken, for whatever it is: no other can begin. */
  get isBusy(): boolean {
    return this.#isHeld || this.snapshotter.running;
  }

  /** Whether a snapshot can begin by itself: none is being taken, and nothing is half done in the data. */
  get mayBegin(): boolean {
    return !this.isBusy && !this.server.propagation.isInUnit;
  }

  /** The append-only file is being rewritten. */
  get isRewriting(): boolean {
    return this.#isHeld;
  }

  /** Keeps snapshots for others from being taken until `release`. */
  hold(): void {
    this.#isHeld = true;
  }

  release(): void {
    this.#isHeld = false;
  }

  /** What an RDB file written now says of itself. */
  describe(): RdbInfo {
    const { store, keyspace, config } = this.server;
    const replication = this.describeReplication();
    const policy = config.choice("maxmemory-policy");
    return {
      redisVersion: REDIS_VERSION,
      usedMemoryBytes: store.heap.arena.usedBytes,
      functions: keyspace.functions,
      ...(replication === undefined ? {} : { replication }),
      withIdle: policy.endsWith("-lru"),
      frequency: store.frequency === null ? undefined : (clock) => store.frequency?.decayed(clock) ?? 0,
    };
  }

  /** How an RDB file is written now. */
  get writeOptions(): RdbOptions {
    const { config } = this.server;
    return {
      format: "rdb",
      compression: config.flag("rdbcompression"),
      checksum: config.flag("rdbchecksum"),
      incrementalSync: config.flag("rdb-save-incremental-fsync"),
    };
  }

  /** Saves at once, while everybody waits. The reason for which it failed, or null. */
  saveNow(): string | null {
    const { keyspace, store, log } = this.server;
    this.lastTryMs = store.nowMs;
    try {
      saveSync(keyspace, this.path, this.describe(), this.writeOptions);
    } catch (error) {
      const reason = systemErrorText(error);
      log.warning(`Error saving DB on disk: ${reason}`);
      return reason;
    }
    log.notice("DB saved on disk");
    this.#succeeded(this.server.changes.made);
    this.lastAskedMs = this.lastSaveMs;
    return null;
  }

  /**
   * After FLUSHALL: no snapshot under way may bring the old data back, neither to disk nor to a replica, which will ask
   * anew. Where there are save points, the file forgets the old data at once too. The base of an append-only file is what
   * the FLUSHALL follows there.
   */
  saveFlushed(): void {
    if (this.server.loading) return;
    if (this.inBackground) this.snapshotter.abort();
    if (this.server.config.savePoints.length > 0) this.saveNow();
  }

  /** Begins to save in the background. `onEnd`, if given, is told why it failed, or null. */
  saveInBackground(onEnd?: (reason: string | null) => void): void {
    this.lastTryMs = this.server.store.nowMs;
    this.scheduled = false;
    const temporary = temporaryFile(fromBinary(this.server.config.text("dir")), "background");
    this.takeSnapshot({ kind: "file", path: this.path, temporary }, () => {}).then(() => {
      this.lastAskedMs = unixMs();
      onEnd?.(null);
    }).catch((error: Error) => onEnd?.(error.message));
  }

  /**
   * Takes a snapshot for whatever target, one at a time; `atStart` is called at its point in time. One that goes to the
   * RDB file is a save, for whomever it was made.
   */
  async takeSnapshot(target: SnapshotTarget, atStart: () => void): Promise<SnapshotResult> {
    const { log } = this.server;
    const isSave = target.kind === "file";
    let changesSaved = 0;
    const describe = () => {
      atStart();
      changesSaved = this.server.changes.made;
      return this.describe();
    };
    this.startedMs = unixMs();
    log.notice(`Background ${isSave ? "saving" : "RDB transfer"} started by pid ${thisProcess().id}`);
    try {
      const result = await this.snapshotter.start(target, describe, this.writeOptions);
      if (isSave) log.notice(`DB saved on disk: ${result.keys} keys, ${result.bytes} bytes`);
      this.lastSnapshotBytes = result.peakBytes;
      log.notice(snapshotMemory("RDB", result.peakBytes));
      log.notice(`Background ${isSave ? "saving" : "RDB transfer"} terminated with success`);
      if (isSave) this.#succeeded(changesSaved);
      return result;
    } catch (error) {
      const reason = systemErrorText(error);
      const name = isSave ? "saving" : "transfer";
      if (error instanceof SnapshotAbortedError) log.warning(`Background ${name} terminated by signal`);
      else log.warning(`Background ${name} error: ${reason}`);
      if (isSave && !(error instanceof SnapshotAbortedError)) this.#failed();
      throw error;
    } finally {
      this.#endBackground();
    }
  }

  #endBackground(): void {
    this.lastSeconds = Math.round((unixMs() - this.startedMs) / 1000);
    this.startedMs = 0;
  }

  #succeeded(changesSaved: number): void {
    this.server.changes.saved(changesSaved);
    this.lastSaveMs = unixMs();
    this.lastSucceeded = true;
    this.saves++;
    this.server.writeGate.refresh();
  }

  #failed(): void {
    this.lastSucceeded = false;
    this.server.writeGate.refresh();
  }

  #checkSavePoints(): void {
    if (!this.mayBegin || this.server.loading) return;
    const { config, store, log } = this.server;
    const { unsaved } = this.server.changes;
    if (this.scheduled) return this.saveInBackground();
    if (unsaved === 0) return;
    if (!this.lastSucceeded && store.nowMs - this.lastTryMs < RETRY_MS) return;
    for (const { seconds, changes } of config.savePoints) {
      if (unsaved < changes || store.nowMs - this.lastSaveMs <= seconds * 1000) continue;
      log.notice(`${changes} changes in ${seconds} seconds. Saving...`);
      return this.saveInBackground();
    }
  }

  /** How an RDB file of this server is read now. */
  get readOptions(): ReadOptions {
    const { store, config, debugging, isReplica, log, propagation, settings } = this.server;
    return {
      dropExpired: !isReplica,
      onExpired: (index, key, start, length) =>
        propagation.writeRemoval(index, removalWord(config, "lazyfree-lazy-expire"), key, start, length, false),
      onModule: (name) => log.warning(`Data of the module '${name}' is passed over: there are no modules here`),
      onEmptyKey: (key) => log.notice(`rdbLoadObject skipping empty key: ${key}`),
      verifyChecksum: config.flag("rdbchecksum") && !debugging.skipChecksums,
      keyDelayMs: () => settings.keyLoadDelayMs,
      withIdle: config.choice("maxmemory-policy").endsWith("-lru"),
      ...(store.frequency === null
        ? {}
        : { clockOfFrequency: (counter) => store.frequency?.withCounter(counter) ?? 0 }),
    };
  }

  /** Loads the RDB file. Throws a LoadError where it cannot be; the databases are then half filled. */
  async load(totalBytes: number): Promise<LoadResult> {
    const { phase, keyspace } = this.server;
    this.loading = { startedMs: unixMs(), totalBytes, loadedBytes: 0, loadedKeys: 0 };
    phase.setLoading(true);
    try {
      const progress = this.loading;
      this.lastLoad = await loadRdbFile(this.path, keyspace, {
        ...this.readOptions,
        onProgress: (bytes, keys) => {
          progress.loadedBytes = bytes;
          progress.loadedKeys = keys;
        },
      });
      keyspace.functions = this.lastLoad.functions;
      return this.lastLoad;
    } finally {
      this.loading = null;
      phase.setLoading(false);
    }
  }
}
