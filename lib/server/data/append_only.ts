/**
 * The append-only file: whether it is written, of which files it consists, and how it is rewritten.
 *
 * It is off; or it is on, and each command that changes data goes into the incremental file; or it waits: there is no base
 * yet that what is done could follow, as it has just been turned on, or the data set has become another one. A rewrite
 * makes a base: a snapshot of one moment, from which on another incremental file is written. While it is on that file
 * stands in the manifest before, so that nothing is lost whatever becomes of the snapshot; while it waits, the file counts
 * when the base does.
 */

import { fromBinary } from "../../bytes/paths.ts";
import { systemErrorText } from "../../bytes/system_errors.ts";
import type { Config } from "../../config/config.ts";
import { AofDirectory } from "../../persistence/aof/directory.ts";
import { LogFile } from "../../persistence/aof/log_file.ts";
import { type AofFile, type Manifest, ManifestError } from "../../persistence/aof/manifest.ts";
import { FileError, removeQuietly } from "../../persistence/rdb_file.ts";
import type { WorkerOptions } from "../../persistence/save_job.ts";
import { SnapshotAbortedError } from "../../persistence/snapshot.ts";
import { temporaryFile } from "../../persistence/temporary_files.ts";
import type { ReplicationStream } from "../../replication/stream.ts";
import { monotonicMs, unixMs } from "../../runtime/clock.ts";
import { endProcess } from "../../runtime/ending.ts";
import { thisProcess } from "../../runtime/process.ts";
import type { Keyspace } from "../../store/keyspace.ts";
import type { Propagation } from "../execution/propagation.ts";
import type { Log } from "../program/log.ts";
import type { Cron } from "./cron.ts";
import { LogWriting, type LogWritingHost } from "./log_writing.ts";
import { RewriteLimit } from "./rewrite_limit.ts";
import { type Saving, snapshotMemory } from "./saving.ts";

/** What the append-only file needs of the server. */
export interface AppendOnlyHost extends LogWritingHost {
  readonly config: Config;
  readonly cron: Pick<Cron, "tasks">;
  readonly keyspace: Pick<Keyspace, "databases">;
  readonly loading: boolean;
  readonly log: Pick<Log, "notice" | "warning">;
  readonly propagation: Pick<Propagation, "setLog">;
  readonly saving: Pick<
    Saving,
    "describe" | "hold" | "isBusy" | "mayBegin" | "release" | "snapshotter" | "writeOptions"
  >;
  /** Those who wait for what was written to be durable. */
  readonly replication: {
    readonly stream: ReplicationStream;
    readonly replicas: { logEnded(): void };
    logSynced(): void;
  };
}

/** Where writers wait for another base, it is tried again after so long, in ms. */
const RETRY_MS = 1000;

/** Whether commands are written to it: they are, or will be once there is a base, or are not. */
export type AppendOnlyState = "off" | "waiting" | "on";

/** How the server is to end (see shutdown.ts). */
interface EndOptions {
  readonly force: boolean;
  readonly save: "save" | "nosave" | "default";
}

/** A rewrite under way. */
interface Rewrite {
  readonly startedMs: number;
  /** The incremental file that begins with it; null where none is written. */
  readonly increment: AofFile | null;
  /** That file, until it is written to. */
  file: LogFile | null;
  /** Whether a manifest may name the incremental file. */
  isNamed: boolean;
  /** Given up: what it comes to is nothing. */
  isEnded: boolean;
  /** To fail before its snapshot begins. */
  isFailing: boolean;
}

const BEGINS_LATER = "An AOF background was scheduled to start when possible.";

/** The append-only file of the server. */
export class AppendOnly {
  state: AppendOnlyState = "off";
  readonly writing: LogWriting;
  /** A rewrite is to begin when nothing else is written. */
  rewriteScheduled = false;
  /** How the last rewrite ended, and how long it took, in seconds; -1 where there was none. */
  lastRewriteSucceeded = true;
  lastRewriteSeconds = -1;
  rewrites = 0;
  /** The most that the snapshot of the last base took besides the data, in bytes. */
  lastSnapshotBytes = 0;
  /** Bytes of all files when the last rewrite ended. */
  baseBytes = 0;
  readonly limit: RewriteLimit;
  directory: AofDirectory;
  #rewrite: Rewrite | null = null;
  /** When the last one began, in ms. */
  #begunMs = 0;
  /** Bytes of all files but the one that is written to. */
  #otherBytes = 0;

  constructor(readonly server: AppendOnlyHost) {
    const { config, cron, log } = server;
    this.directory = this.#newDirectory();
    this.limit = new RewriteLimit(log);
    this.writing = new LogWriting(server, server.replication.stream, {
      onSynced: () => server.replication.logSynced(),
    });
    cron.tasks.push(() => this.#everyTick());
    config.onChange("appendonly", () => config.flag("appendonly") ? this.#turnOn() : this.#turnOff());
    config.onChange("dir", () => this.#moved());
    config.onChange("aof-disable-auto-gc", () => void this.writing.holdReplies(this.#removeHistory()));
  }

  #newDirectory(): AofDirectory {
    const { config } = this.server;
    const parent = fromBinary(config.text("dir"));
    return new AofDirectory(parent, config.text("appenddirname"), config.text("appendfilename"));
  }

  /** Whether it is to be written, now or when there is a base. */
  get isOn(): boolean {
    return this.state !== "off";
  }

  get isRewriting(): boolean {
    return this.#rewrite !== null;
  }

  /** When the rewrite under way began, in ms of Unix time; 0 where there is none. */
  get rewriteStartedMs(): number {
    return this.#rewrite?.startedMs ?? 0;
  }

  /** Offset of the replication stream up to which all is durable; -1 where that cannot be said of anything. */
  get durableOffset(): number {
    return this.state === "on" ? this.writing.syncedOffset : -1;
  }

  /** Bytes of all files. */
  get bytes(): number {
    return this.#otherBytes + this.writing.fileBytes;
  }

  // --- On and off -----------------------------------------------------------------------------------------------------

  /** `appendonly yes`: begins with a base of the data as it is. Why it cannot, or null. */
  #turnOn(): string | null {
    if (this.state !== "off") return null;
    this.directory = this.#newDirectory();
    try {
      this.directory.read();
    } catch (error) {
      this.server.log.warning(reasonOf(error));
      return "Unable to turn on AOF. Check server logs.";
    }
    if (!this.#wait()) return "Unable to turn on AOF. Check server logs.";
    return null;
  }

  /** Waits for a base, and begins to make it, now or as soon as that can be; whether it could. */
  #wait(): boolean {
    const { log, saving } = this.server;
    if (this.#rewrite !== null) {
      log.warning(
        "AOF was enabled but there is already an AOF rewriting in background. Stopping background AOF and starting a " +
          "rewrite now.",
      );
      this.#endRewrite();
    }
    this.state = "waiting";
    if (!this.#mayBegin) {
      this.rewriteScheduled = true;
      log.warning(
        saving.isBusy
          ? `AOF was enabled but there is already another background operation. ${BEGINS_LATER}`
          : `AOF was enabled during a transaction. ${BEGINS_LATER}`,
      );
      return true;
    }
    if (this.#begin()) return true;
    this.state = "off";
    return false;
  }

  /** `appendonly no`: what has been written stays. */
  #turnOff(): null {
    if (this.state === "off") return null;
    if (this.#rewrite !== null) this.server.log.notice("Killing running AOF rewrite child");
    this.#endRewrite();
    this.#stop();
    this.server.replication.replicas.logEnded();
    return null;
  }

  #stop(): void {
    this.rewriteScheduled = false;
    if (this.state === "on") {
      this.#otherBytes = this.bytes;
      const error = this.writing.end();
      if (error !== null) this.server.log.warning(error.message);
    } else if (this.state === "waiting") {
      this.writing.abandon();
    }
    this.state = "off";
  }

  /** The directory of the server is another one: so is that of the append-only file, with all the data there is. */
  #moved(): null {
    const isWritten = this.state !== "off";
    if (isWritten) this.suspend();
    this.directory = this.#newDirectory();
    if (isWritten) this.resume();
    return null;
  }

  /**
   * The data set is about to become another one, by other means than commands: from now on what is written would not
   * follow what there is.
   */
  suspend(): void {
    this.#endRewrite();
    this.#stop();
  }

  /** The data set is as it should be: begins anew with a base of it, if it is to be written. */
  resume(): void {
    if (!this.server.config.flag("appendonly") || this.state !== "off") return;
    if (this.#wait()) return;
    this.state = "waiting"; // the next tick tries again
    this.rewriteScheduled = true;
  }

  // --- Rewriting ------------------------------------------------------------------------------------------------------

  /** BGREWRITEAOF: begins a rewrite, or has it begin as soon as it can. What to reply, or null where it cannot begin. */
  rewriteInBackground(): "started" | "scheduled" | null {
    if (!this.#mayBegin) {
      this.rewriteScheduled = true;
      return "scheduled";
    }
    return this.#begin() ? "started" : null;
  }

  /** Whether a rewrite may begin: nothing else is written, and no transaction is half in the data. */
  get #mayBegin(): boolean {
    return this.server.saving.mayBegin;
  }

  /** Begins a rewrite; false, after having said why, where it cannot. It must be one that may. */
  #begin(): boolean {
    const { log } = this.server;
    const { directory } = this;
    this.rewriteScheduled = false;
    this.#begunMs = monotonicMs();
    let rewrite: Rewrite;
    try {
      directory.make();
      rewrite = this.#newRewrite();
    } catch (error) {
      log.warning(reasonOf(error));
      this.#failed();
      return false;
    }
    log.notice(`Background append only file rewriting started by pid ${thisProcess().id}`);
    void this.#run(rewrite);
    return true;
  }

  #newRewrite(): Rewrite {
    const { directory, server } = this;
    const increment = this.state === "off" ? null : directory.newIncrement();
    let file: LogFile | null = null;
    if (increment !== null) {
      server.log.notice(`Creating AOF incr file ${increment.name} on background rewrite`);
      try {
        file = new LogFile(directory.pathOf(increment), 0);
      } catch (error) {
        directory.takeBack(increment);
        throw error;
      }
    }
    server.saving.hold();
    return this.#rewrite = { startedMs: unixMs(), increment, file, isNamed: false, isEnded: false, isFailing: false };
  }

  async #run(rewrite: Rewrite): Promise<void> {
    const { log } = this.server;
    try {
      await this.#makeBase(rewrite);
    } catch (error) {
      if (rewrite.isEnded) return;
      this.#clearUp(rewrite);
      const how = error instanceof SnapshotAbortedError ? "by signal" : `with error: ${reasonOf(error)}`;
      log.warning(`Background AOF rewrite terminated ${how}`);
      this.#over(rewrite);
      return this.#failed();
    }
    this.lastRewriteSucceeded = true;
    this.rewrites++;
    this.limit.succeeded();
    log.notice("Background AOF rewrite finished successfully");
    await this.#removeHistory();
    if (!rewrite.isEnded) this.#over(rewrite);
  }

  /** Makes a base, and has it count. Rejects where it cannot be, or is given up. */
  async #makeBase(rewrite: Rewrite): Promise<void> {
    const { directory, server } = this;
    const { increment } = rewrite;
    if (increment !== null && this.state === "on") {
      rewrite.isNamed = true;
      await directory.change((manifest) => manifest.withIncrement(increment));
      throwIfEnded(rewrite);
    }
    const base = directory.newBase(server.config.flag("aof-use-rdb-preamble") ? "rdb" : "aof");
    let bytes: number;
    try {
      bytes = await this.#writeBase(rewrite, directory.pathOf(base));
      throwIfEnded(rewrite);
    } catch (error) {
      directory.takeBack(base);
      throw error;
    }
    server.log.notice(`Background AOF rewrite terminated with success: ${bytes} bytes`);
    const isFirst = this.state === "waiting";
    rewrite.isNamed = true;
    await directory.change((manifest) => next(manifest, base, increment, isFirst));
    throwIfEnded(rewrite);
    this.writing.forgetBefore();
    this.#otherBytes = bytes;
    this.baseBytes = this.bytes;
    if (!isFirst) return;
    this.state = "on";
    this.server.replication.logSynced();
  }

  /** Writes the data as it is at one moment to a file; how many bytes it has. */
  async #writeBase(rewrite: Rewrite, path: string): Promise<number> {
    const { saving } = this.server;
    const temporary = temporaryFile(this.directory.parent, "rewriteaof-bg");
    const describe = () => {
      this.#beginIncrement(rewrite);
      const { replication: _, ...info } = saving.describe();
      return { ...info, aofBase: true };
    };
    const target = { kind: "file", path, temporary } as const;
    const { bytes, peakBytes } = await saving.snapshotter.start(target, describe, this.#options);
    this.lastSnapshotBytes = peakBytes;
    this.server.log.notice(snapshotMemory("AOF rewrite", peakBytes));
    return bytes;
  }

  /** How a base is written. */
  get #options(): WorkerOptions {
    const { config, saving } = this.server;
    const incrementalSync = config.flag("aof-rewrite-incremental-fsync");
    if (config.flag("aof-use-rdb-preamble")) return { ...saving.writeOptions, incrementalSync };
    const timestamp = config.flag("aof-timestamp-enabled") ? Math.floor(unixMs() / 1000) : null;
    return { format: "commands", timestamp, incrementalSync };
  }

  /** From this moment on another file is written. */
  #beginIncrement(rewrite: Rewrite): void {
    const { file } = rewrite;
    if (file === null) return;
    this.#otherBytes += this.writing.fileBytes;
    rewrite.file = null;
    this.writing.begin(file);
  }

  /** A rewrite has come to nothing: the file that began with it goes, unless a manifest may name it. */
  #clearUp({ increment, file, isNamed }: Rewrite): void {
    const { directory } = this;
    void file?.close();
    if (increment === null || isNamed) return;
    if (this.state === "waiting") this.writing.abandon();
    this.server.log.notice(`Removing the temp incr aof file ${increment.name}`);
    removeQuietly(directory.pathOf(increment));
    directory.takeBack(increment);
  }

  /** Has the rewrite under way, if there is one, fail. */
  failRewrite(): void {
    if (this.#rewrite !== null) this.#rewrite.isFailing = true;
    this.server.saving.snapshotter.abort();
  }

  /** Gives up the rewrite under way, if there is one. */
  #endRewrite(): void {
    const rewrite = this.#rewrite;
    if (rewrite === null) return;
    rewrite.isEnded = true;
    this.server.saving.snapshotter.abort();
    this.#clearUp(rewrite);
    this.#over(rewrite);
  }

  #over(rewrite: Rewrite): void {
    this.lastRewriteSeconds = Math.round((unixMs() - rewrite.startedMs) / 1000);
    this.#rewrite = null;
    this.server.saving.release();
  }

  #failed(): void {
    this.lastRewriteSucceeded = false;
    if (this.state === "waiting") this.rewriteScheduled = true;
    else this.limit.failed();
  }

  async #removeHistory(): Promise<void> {
    const { config, log } = this.server;
    if (config.flag("aof-disable-auto-gc")) return;
    try {
      await this.directory.removeHistory((name) => log.notice(`Removing the history file ${name} in the background`));
    } catch (error) {
      log.warning(reasonOf(error));
    }
  }

  #everyTick(): void {
    const { loading, log, saving } = this.server;
    this.writing.everyTick();
    if (loading || !saving.mayBegin) return;
    if (this.writing.isBroken && monotonicMs() - this.#begunMs >= RETRY_MS) return void this.#begin();
    if (this.rewriteScheduled) {
      if (!this.limit.isReached()) this.#begin();
      return;
    }
    const growth = this.#growth();
    if (growth === null || this.limit.isReached()) return;
    log.notice(`Starting automatic rewriting of AOF on ${growth}% growth`);
    this.#begin();
  }

  /** By how much the files have grown since the last rewrite, in percent, where that is enough for another; or null. */
  #growth(): number | null {
    const { config } = this.server;
    const percentage = config.number("auto-aof-rewrite-percentage");
    const { bytes } = this;
    if (this.state !== "on" || percentage === 0 || bytes <= config.number("auto-aof-rewrite-min-size")) return null;
    const growth = Math.floor((bytes * 100) / Math.max(1, this.baseBytes)) - 100;
    return growth >= percentage ? growth : null;
  }

  // --- At the start, and the end --------------------------------------------------------------------------------------

  /** Finds what there is on the disk; whether there is anything. Rejects with a FileError or a ManifestError. */
  async find(): Promise<boolean> {
    const { config, log } = this.server;
    this.directory = this.#newDirectory();
    const hasManifest = this.directory.read();
    const isAdopted = await this.directory.adoptSingleFile();
    if (isAdopted) {
      log.notice(
        `Successfully migrated an old-style AOF configuration (${config.text("appendfilename")}) into the AOF ` +
          `directory (${config.text("appenddirname")}).`,
      );
    }
    return hasManifest || isAdopted;
  }

  /**
   * Begins to write behind what was loaded, or behind a base of it, where nothing was loaded of an append-only file. Where
   * there is no data yet, it resolves before that is made, and replies wait for it. Rejects where it cannot be.
   */
  async start(): Promise<void> {
    const { keyspace, log } = this.server;
    const { current, base } = this.directory.manifest;
    if (current !== null || base !== null) return await this.#goOn(current);
    const started = this.#startAnew();
    if (keyspace.databases.some((database) => database.size > 0)) return await started;
    this.writing.holdReplies(started.catch((error) => {
      log.warning(reasonOf(error));
      endProcess(1);
    }));
  }

  /** Goes on behind what was loaded, in its last increment, or, where that is null, in a first one. */
  async #goOn(current: AofFile | null): Promise<void> {
    const { directory, server } = this;
    await directory.secure();
    if (current === null) {
      const increment = directory.newIncrement();
      server.log.notice(`Creating AOF incr file ${increment.name} on server start`);
      this.writing.begin(new LogFile(directory.pathOf(increment), 0));
      await directory.change((before) => before.withIncrement(increment));
    } else {
      server.log.notice(`Opening AOF incr file ${current.name} on server start`);
      this.writing.begin(new LogFile(directory.pathOf(current), directory.bytesOf(current)));
    }
    this.#measure();
    this.state = "on";
    await this.#removeHistory();
  }

  /** There is nothing yet: makes a base of what there is. */
  async #startAnew(): Promise<void> {
    this.state = "waiting";
    this.directory.make();
    const rewrite = this.#newRewrite();
    try {
      await this.#makeBase(rewrite);
    } catch (error) {
      if (!rewrite.isEnded) throw error; // else it was given up for another
    }
    if (!rewrite.isEnded) this.#over(rewrite);
  }

  /** Counts the bytes of what there is. */
  #measure(): void {
    const { directory } = this;
    const { manifest } = directory;
    const bytesOf = (file: AofFile | null) => file === null ? 0 : directory.bytesOf(file);
    const others = manifest.loaded.filter((file) => file !== manifest.current);
    this.#otherBytes = others.reduce((sum, file) => sum + bytesOf(file), 0);
    this.baseBytes = bytesOf(manifest.base);
  }

  /** The server is to end: makes durable what is written. Whether it may end. */
  finish({ force, save }: EndOptions): boolean {
    const { log } = this.server;
    if (this.state === "off") return true;
    if (this.#rewrite !== null) {
      if (this.state === "waiting" && !force) {
        log.warning("Writing initial AOF, can't exit.");
        return false;
      }
      log.warning("There is a child rewriting the AOF. Killing it!");
      this.#endRewrite();
    }
    log.notice("Calling fsync() on the AOF file.");
    const error = this.writing.syncNow();
    if (error === null) return true;
    log.warning(error.message);
    if (force || save === "nosave") return true;
    log.warning("Error trying to write the AOF, can't exit."); // what waits to be written has been acknowledged
    return false;
  }
}

function throwIfEnded({ isEnded, isFailing }: Rewrite): void {
  if (isEnded || isFailing) throw new SnapshotAbortedError("the rewrite was given up");
}

/** A manifest with another base in the place of what it has. */
function next(manifest: Manifest, base: AofFile, increment: AofFile | null, isFirst: boolean): Manifest {
  if (isFirst && increment !== null) {
    return manifest.withBase(base).withoutIncrementsBefore(null).withIncrement(increment);
  }
  return manifest.withBase(base).withoutIncrementsBefore(increment);
}

/** What is to be said of an error, in one line. */
export function reasonOf(error: unknown): string {
  if (error instanceof ManifestError) {
    const where = error.line === 0 ? "" : `, at line ${error.line}, '${error.text}'`;
    return `Reading the AOF manifest file${where}: ${error.message}`;
  }
  return error instanceof FileError ? error.message : systemErrorText(error);
}
