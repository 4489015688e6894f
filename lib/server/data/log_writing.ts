/**
 * When what the server does comes into its log, and when it is durable there (`appendfsync`).
 *
 * What is done in a turn gathers, and is handed to the system before any reply to it leaves. With `always` replies then
 * wait for a sync, one for all that the turn has written, which runs beside this thread while the next turn goes on, or in
 * place while syncs are very short (sync_pace.ts). With `everysec` a sync begins every second; while one is under way,
 * which may hold up a write to the same file, what is gathered waits for its end, but for two seconds at most.
 *
 * Where another file takes the place of one, nothing comes into it before all of that is durable, and replies wait for it:
 * a power failure must not leave what was written later without what was written before.
 *
 * Where the system takes nothing more, what was done stays gathered, writes are refused, and it is tried again each
 * second. Where a sync fails, nothing that it was to make durable can be relied on any more: writes are refused until
 * another base is there. With `always` nobody may be told then that his write is done, nor that it is not: the server ends.
 */

import { encodeLatin1 } from "../../bytes/latin1.ts";
import type { Config } from "../../config/config.ts";
import type { LogFile } from "../../persistence/aof/log_file.ts";
import { FileError } from "../../persistence/rdb_file.ts";
import type { ReplicationStream } from "../../replication/stream.ts";
import { monotonicMs } from "../../runtime/clock.ts";
import { endProcess } from "../../runtime/ending.ts";
import { sleepSync } from "../../runtime/timers.ts";
import { onNextTurn } from "../../runtime/turns.ts";
import type { Store } from "../../store/store.ts";
import type { Propagation } from "../execution/propagation.ts";
import type { Log } from "../program/log.ts";
import { SyncPace } from "./sync_pace.ts";

/** How long a sync under way may keep a write waiting, in ms. */
const LONGEST_WAIT_MS = 2000;
const SECOND_MS = 1000;
/** What fails again and again is told to the operator once in so many ms. */
const TELL_AGAIN_MS = 30_000;
/** What has gathered, though nobody waits for a reply, is written when it comes to so much, in bytes. */
const GATHERED_BYTES = 256 * 1024;
/** A sync of more than so many bytes is not expected to be short. */
const SHORT_BYTES = 256 * 1024;

/** What writing needs of the server. */
export interface LogWritingHost {
  readonly config: Pick<Config, "onChange" | "setting">;
  /** For tests of what waits for a write. */
  readonly debugging: { readonly flushSleepMs: number };
  readonly log: Pick<Log, "notice" | "warning">;
  readonly propagation: Pick<Propagation, "setLog">;
  /** Whether a snapshot is being written. */
  readonly saving: { readonly isBusy: boolean };
  readonly store: Store;
  readonly writeGate: { refresh(): void };
}

/** Who hears of what becomes of the log. */
export interface LogWritingListener {
  /** More of the stream is durable. */
  onSynced(): void;
}

/** Writes the log. */
export class LogWriting {
  /** The file that is written to, behind those whose end is still to be made durable. */
  #files: LogFile[] = [];
  /** Why the last write, and the last sync, failed; null where they did not. */
  #writeError: string | null = null;
  #syncError: string | null = null;
  /** Writes that did not wait any longer for a sync. */
  delayedSyncs = 0;
  /** Since when a sync keeps what is gathered from being written, in ms; 0: it does not. */
  #waitingSinceMs = 0;
  #lastSyncMs = 0;
  #lastRetryMs = 0;
  /** When a failure was told last, in ms. */
  #toldMs = -Infinity;
  /** Offset of the replication stream up to which all is written, and is durable. */
  #writtenOffset = 0;
  #syncedOffset = 0;
  /** Counts commands; what replies to the first so many wait for. */
  #fed = 0;
  #awaitedFed = -1;
  #awaited: Promise<void> = Promise.resolve();
  #isWriteDue = false;
  /** What all replies wait for; null: nothing. */
  #held: Promise<void> | null = null;
  #stampedSeconds = 0;
  readonly #pace = new SyncPace();
  readonly #policy;
  readonly #sparesSyncs;
  readonly #stamps;

  constructor(
    readonly server: LogWritingHost,
    readonly stream: ReplicationStream,
    readonly listener: LogWritingListener,
  ) {
    this.#policy = server.config.setting("appendfsync");
    this.#sparesSyncs = server.config.setting("no-appendfsync-on-rewrite");
    this.#stamps = server.config.setting("aof-timestamp-enabled");
    server.config.onChange("appendfsync", () => void (this.#awaitedFed = -1)); // what was waited for was less
  }

  /** Why writes cannot be made durable; null where they can. */
  get error(): string | null {
    return this.#writeError ?? this.#syncError;
  }

  /** Whether a sync has failed: another base is needed. */
  get isBroken(): boolean {
    return this.#syncError !== null;
  }

  /** Bytes that wait to be handed to the system. */
  get bufferedBytes(): number {
    return this.#files.reduce((sum, file) => sum + file.bufferedBytes, 0);
  }

  /** Bytes of the file that is written to. */
  get fileBytes(): number {
    return this.#files.at(-1)?.appendedBytes ?? 0;
  }

  get isSyncing(): boolean {
    return this.#files.some((file) => file.isSyncing);
  }

  /** Offset of the replication stream up to which all that was done is durable. */
  get syncedOffset(): number {
    // The stream has what the log has not: pings, and what replicas are asked.
    return this.#isAllSynced ? this.stream.offset : this.#syncedOffset;
  }

  get #isAllSynced(): boolean {
    return this.#files.length > 0 && this.#files.every((file) => file.syncedBytes === file.appendedBytes);
  }

  // --- Files ----------------------------------------------------------------------------------------------------------

  /** Has all replies wait for `until`: what is written counts only then. */
  holdReplies(until: Promise<void>): void {
    const held = this.#held = until.then(() => {
      if (this.#held === held) this.#held = null;
    });
  }

  /** Has all that is done from now on written to `file`. What is due to the one before goes there. */
  begin(file: LogFile): void {
    this.#write();
    this.#files.push(file);
    this.#stampedSeconds = 0;
    this.server.propagation.setLog({
      feed: (bytes, start, end) => this.#feed(file, bytes, start, end),
      beforeReplies: () => this.#beforeReplies(),
    });
    if (this.#files.length > 1) void this.#passOver();
  }

  /** Makes durable what is due to the files before the one that is written to, so that this may be; does not reject. */
  async #passOver(): Promise<void> {
    while (this.#files.length > 1 && this.error === null) await this.#sync();
    if (this.#policy.text === "always") await this.#sync();
  }

  /** Writes nothing any more, and closes the files: of what is gathered what can be written is. The error, or null. */
  end(): FileError | null {
    this.server.propagation.setLog(null);
    const error = this.syncNow();
    this.#forget();
    return error;
  }

  /** The same at once: nobody needs what was written. */
  abandon(): void {
    this.server.propagation.setLog(null);
    this.#forget();
  }

  #forget(): void {
    for (const file of this.#files) void file.close();
    this.#files = [];
    this.#waitingSinceMs = 0;
    this.#syncedOffset = 0;
    this.#succeeded();
  }

  /** The files before the one that is written to are not needed any more: what a base has need not be in them. */
  forgetBefore(): void {
    for (const file of this.#files.splice(0, this.#files.length - 1)) void file.close();
    if (this.#syncError !== null && !this.#files.some((file) => file.isBroken)) {
      this.#syncError = null;
      this.server.log.warning("AOF fsync error is over, as there is another base. The server can write again.");
      this.server.writeGate.refresh();
    }
    this.flush();
  }

  // --- What is done ---------------------------------------------------------------------------------------------------

  #feed(file: LogFile, bytes: Uint8Array, start: number, end: number): void {
    if (this.#stamps.flag) this.#stamp(file);
    file.append(bytes, start, end);
    this.#fed++;
    // Where no replica is near there is no stream to tell by how far the log is, so it is given an offset all the same.
    if (!this.stream.hasBacklog) this.stream.offset++;
    if (file.bufferedBytes >= GATHERED_BYTES && !this.#isWriteDue) this.#writeSoon();
  }

  /** Notes the time, where it is another one than before. */
  #stamp(file: LogFile): void {
    const seconds = Math.floor(this.server.store.nowMs / SECOND_MS);
    if (seconds <= this.#stampedSeconds) return;
    this.#stampedSeconds = seconds;
    const line = encodeLatin1(`#TS:${seconds}\r\n`);
    file.append(line, 0, line.length);
  }

  #writeSoon(): void {
    this.#isWriteDue = true;
    onNextTurn(() => {
      this.#isWriteDue = false;
      this.flush();
    });
  }

  /** What replies must wait for. */
  #beforeReplies(): Promise<void> | null {
    const files = this.#files;
    if (files.length > 1 || files[0].bufferedBytes > 0) this.flush();
    if (this.#held !== null) return this.#held;
    if (this.#files.length > 1 && this.error === null) return this.#await(() => this.#passOver());
    if (this.#policy.text !== "always" || this.#isSpared) return null;
    if (this.#isAllSynced) return null;
    if (this.#mayHoldUp && !this.isSyncing) return this.#syncInPlace();
    return this.#await(() => this.#syncInTurn());
  }

  /** Makes durable what was written, behind the sync under way. */
  async #syncInTurn(): Promise<void> {
    if (this.#mayHoldUp) await this.#files[0].syncEnded();
    if (this.#mayHoldUp && !this.isSyncing) this.#syncInPlace();
    else await this.#sync();
  }

  /** Whether a sync would be so short that all may wait for it. */
  get #mayHoldUp(): boolean {
    const [file] = this.#files;
    return this.#pace.areShort && this.#files.length === 1 && !this.server.saving.isBusy &&
      this.#held === null && this.error === null && file.appendedBytes - file.syncedBytes <= SHORT_BYTES;
  }

  /** Makes durable what was written, while everybody waits; then there is nothing to wait for, which it returns. */
  #syncInPlace(): null {
    const [file] = this.#files;
    const offset = this.#writtenOffset;
    try {
      file.syncNow();
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      this.#syncFailed(error);
      return null;
    }
    this.#pace.tookInPlace(file.lastSyncMs);
    this.#syncedOffset = Math.max(this.#syncedOffset, offset);
    void this.#tellOfSync();
    return null;
  }

  /** Those who have waited go on in a moment of their own, not within the sending of replies that asked for the sync. */
  async #tellOfSync(): Promise<void> {
    await null;
    this.listener.onSynced();
  }

  /** What `begin` gives: once for all who ask before more is done. */
  #await(begin: () => Promise<void>): Promise<void> {
    if (this.#awaitedFed === this.#fed) return this.#awaited;
    this.#awaitedFed = this.#fed;
    return this.#awaited = begin();
  }

  /** Whether syncs wait for the end of a snapshot, which keeps the disk busy (`no-appendfsync-on-rewrite`). */
  get #isSpared(): boolean {
    return this.#sparesSyncs.flag && this.server.saving.isBusy;
  }

  /** Hands what has gathered to the system, unless a sync under way would hold that up, and syncs where that is due. */
  flush(): void {
    if (this.bufferedBytes === 0) return;
    const everySecond = this.#policy.text === "everysec";
    if (everySecond && this.isSyncing && this.#mayWait()) return;
    if (!this.#write()) return;
    if (everySecond && monotonicMs() - this.#lastSyncMs >= SECOND_MS) this.#syncBeside();
  }

  /** Whether what is gathered can wait for the sync under way. */
  #mayWait(): boolean {
    const nowMs = monotonicMs();
    if (this.#waitingSinceMs === 0) this.#waitingSinceMs = nowMs;
    if (nowMs - this.#waitingSinceMs < LONGEST_WAIT_MS) return true;
    this.delayedSyncs++;
    this.server.log.notice(
      "Asynchronous AOF fsync is taking too long (disk is busy?). Writing the AOF buffer without waiting for fsync to " +
        "complete, this may slow down Redis.",
    );
    return false;
  }

  /** Writes all that has gathered, as far as it may be; whether the system took it. */
  #write(): boolean {
    const { debugging } = this.server;
    this.#waitingSinceMs = 0;
    try {
      for (const file of this.#files) {
        if (file.bufferedBytes > 0) {
          if (debugging.flushSleepMs > 0) sleepSync(debugging.flushSleepMs);
          file.write();
        }
        if (file.syncedBytes < file.appendedBytes) break;
      }
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      this.#writeFailed(error);
      return false;
    }
    if (this.bufferedBytes === 0) this.#writtenOffset = this.stream.offset;
    if (this.#writeError !== null) {
      this.#writeError = null;
      this.server.log.warning("AOF write error looks solved. The server can write again.");
      this.server.writeGate.refresh();
    }
    return true;
  }

  // --- Syncs ----------------------------------------------------------------------------------------------------------

  /** Makes durable what was written, for whoever waits for that. Does not reject: the server ends where it fails. */
  async #sync(): Promise<void> {
    const offset = this.#writtenOffset;
    try {
      await Promise.all(this.#files.map((file) => file.sync()));
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      return this.#syncFailed(error);
    }
    if (this.#files.length > 0) this.#pace.tookBeside(this.#files[0].lastSyncMs);
    this.#synced(offset);
  }

  /** The same while nobody waits for it. */
  #syncBeside(): void {
    if (this.#isSpared || this.isSyncing) return;
    this.#lastSyncMs = monotonicMs();
    void this.#sync();
  }

  #synced(offset: number): void {
    const isDone = (file: LogFile) => file.syncedBytes === file.appendedBytes;
    for (const file of this.#files.slice(0, -1)) if (isDone(file)) void file.close();
    this.#files = this.#files.filter((file, index) => index === this.#files.length - 1 || !isDone(file));
    this.#syncedOffset = Math.max(this.#syncedOffset, offset);
    if (this.#files[0]?.bufferedBytes > 0) this.#write(); // it waited for those before it
    this.listener.onSynced();
  }

  /** Writes and makes durable all that has been done, while everybody waits. The error, or null. */
  syncNow(): FileError | null {
    try {
      for (const file of this.#files) {
        file.write();
        file.syncNow();
      }
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      return error;
    }
    return null;
  }

  /** Writes what nobody waits for, and tries again what has failed. Called several times a second. */
  everyTick(): void {
    if (this.#files.length === 0) return;
    const nowMs = monotonicMs();
    if (this.error !== null) {
      if (nowMs - this.#lastRetryMs < SECOND_MS) return;
      this.#lastRetryMs = nowMs;
    }
    this.flush();
    if (this.#isAllSynced) return;
    const { text: policy } = this.#policy;
    const isDue = nowMs - this.#lastSyncMs >= SECOND_MS;
    // With `always` it is replies that ask for a sync, but not all that is done is replied to.
    if (policy === "always" || (isDue && (policy === "everysec" || this.#files.length > 1))) this.#syncBeside();
  }

  // --- Failures -------------------------------------------------------------------------------------------------------

  #writeFailed(error: FileError): void {
    this.#endIfAlways("Can't recover from AOF write error when the AOF fsync policy is 'always'. Exiting...", error);
    if (this.#writeError === null) this.#lastRetryMs = monotonicMs();
    this.#tell(error);
    this.#writeError = error.reason;
    this.server.writeGate.refresh();
  }

  #syncFailed(error: FileError): void {
    this.#endIfAlways("Can't persist AOF for fsync error when the AOF fsync policy is 'always'. Exiting...", error);
    this.#tell(error);
    this.#syncError = error.reason;
    this.server.writeGate.refresh();
  }

  #succeeded(): void {
    if (this.error === null) return;
    this.#writeError = this.#syncError = null;
    this.server.writeGate.refresh();
  }

  #endIfAlways(reason: string, error: FileError): void {
    if (this.#policy.text !== "always") return;
    this.server.log.warning(error.message);
    this.server.log.warning(reason);
    endProcess(1);
  }

  #tell(error: FileError): void {
    const nowMs = monotonicMs();
    if (nowMs - this.#toldMs < TELL_AGAIN_MS) return;
    this.#toldMs = nowMs;
    this.server.log.warning(error.message);
  }
}
