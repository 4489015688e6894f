/**
 * The incremental file that commands are appended to. They gather in a buffer, go to the system together, and are made
 * durable by a sync that runs beside the thread that serves, so that whoever must wait for it waits once for many.
 *
 * Positions count the bytes of this file: what was appended, what the system has, what is durable.
 */

import { copyBytes } from "../../bytes/compare.ts";
import { monotonicMs } from "../../runtime/clock.ts";
import { files } from "../../runtime/files.ts";
import { FileError } from "../rdb_file.ts";

const LEAST_BUFFER_BYTES = 64 * 1024;
/** A buffer that has grown beyond this is not kept once it is empty. */
const KEPT_BUFFER_BYTES = 1024 * 1024;

const WRITING = "Error writing to the AOF file";
const SYNCING = "Error syncing the AOF file";

/** An incremental file that is being written. */
export class LogFile {
  readonly #file: number;
  #buffer = new Uint8Array(LEAST_BUFFER_BYTES);
  #buffered = 0;
  #writtenBytes: number;
  #syncedBytes: number;
  /** The sync under way, or null. */
  #syncing: Promise<void> | null = null;
  #closed = false;
  #lastSyncMs = Infinity;
  /** Why a sync has failed. */
  #broken: FileError | null = null;

  /**
   * Opens the file `path`, or makes it, and goes on behind its first `bytes`, which are durable: whole commands. What is
   * behind them goes. Throws FileError, as all methods do.
   */
  constructor(readonly path: string, bytes: number) {
    try {
      this.#file = files().open(path, "append");
    } catch (cause) {
      throw new FileError("Error opening the AOF file", path, cause);
    }
    try {
      if (files().stat(path).bytes > bytes) files().truncate(this.#file, bytes);
    } catch (cause) {
      files().close(this.#file);
      throw new FileError("Error truncating the AOF file", path, cause);
    }
    this.#writtenBytes = this.#syncedBytes = bytes;
  }

  /** Bytes that wait to be written. */
  get bufferedBytes(): number {
    return this.#buffered;
  }

  /** Length of the file with all that was appended. */
  get appendedBytes(): number {
    return this.#writtenBytes + this.#buffered;
  }

  /** How much of it the system has. */
  get writtenBytes(): number {
    return this.#writtenBytes;
  }

  /** How much of it is there after the power has failed. */
  get syncedBytes(): number {
    return this.#syncedBytes;
  }

  /**
   * Whether a sync has failed: what was written before it may never be durable, whatever the system says of later ones, as
   * it takes for written what it could not write (Rebello et al., "Can Applications Recover from fsync Failures?", 2020).
   */
  get isBroken(): boolean {
    return this.#broken !== null;
  }

  /** How long the last sync took, in ms; Infinity before the first. */
  get lastSyncMs(): number {
    return this.#lastSyncMs;
  }

  get isSyncing(): boolean {
    return this.#syncing !== null;
  }

  /** Adds a copy of `bytes[start, end)`, whole commands. */
  append(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    const needed = this.#buffered + length;
    if (needed > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(needed, 2 * this.#buffer.length));
      larger.set(this.#buffer.subarray(0, this.#buffered));
      this.#buffer = larger;
    }
    copyBytes(bytes, start, length, this.#buffer, this.#buffered);
    this.#buffered = needed;
  }

  /**
   * Gives the system what was appended. Where it does not take all, what it took of it is taken back, so that the file
   * ends with a whole command, or, where that fails too, is not written again: the next call goes on behind it.
   */
  write(): void {
    if (this.#buffered === 0) return;
    let written = 0;
    try {
      while (written < this.#buffered) {
        written += files().write(this.#file, this.#buffer, written, this.#buffered - written);
      }
    } catch (cause) {
      if (!this.#takeBack()) this.#took(Math.max(written, this.#strayBytes()));
      throw new FileError(WRITING, this.path, cause);
    }
    this.#took(written);
  }

  /**
   * Cuts off what was written of an unfinished `write`; whether it could. Deno does not tell of any: its call goes on until
   * all is written, and where that fails, it does not say how much was.
   */
  #takeBack(): boolean {
    try {
      files().truncate(this.#file, this.#writtenBytes);
      return true;
    } catch {
      return false; // the caller has a reason to tell already
    }
  }

  /** Bytes of the buffer that the file has already. */
  #strayBytes(): number {
    try {
      return Math.min(this.#buffered, Math.max(0, files().stat(this.path).bytes - this.#writtenBytes));
    } catch {
      return 0; // as the caller knows no better
    }
  }

  #took(written: number): void {
    this.#writtenBytes += written;
    this.#buffered -= written;
    if (this.#buffered > 0) this.#buffer.copyWithin(0, written, written + this.#buffered);
    else if (this.#buffer.length > KEPT_BUFFER_BYTES) this.#buffer = new Uint8Array(LEAST_BUFFER_BYTES);
  }

  /**
   * Makes durable what the system has now, beside the thread that asks; `syncedBytes` tells how far it came. Called
   * again meanwhile, it goes on until what was written by then is durable too. Rejects with a FileError, from then on each
   * time.
   */
  async sync(): Promise<void> {
    const wanted = this.#writtenBytes;
    while (this.#syncing !== null) await this.syncEnded(); // of those who wait the first begins another one
    if (this.#syncedBytes >= wanted || this.#closed) return;
    if (this.#broken !== null) throw this.#broken;
    const syncing = this.#syncOnce();
    this.#syncing = syncing;
    try {
      await syncing;
    } finally {
      this.#syncing = null;
    }
  }

  /** Resolves when the sync under way, if any, has ended; whoever asked for it is told what became of it. */
  async syncEnded(): Promise<void> {
    await this.#syncing?.catch(() => {});
  }

  async #syncOnce(): Promise<void> {
    const bytes = this.#writtenBytes;
    const startMs = monotonicMs();
    try {
      await files().syncLater(this.#file, "data");
    } catch (cause) {
      throw this.#broken = new FileError(SYNCING, this.path, cause);
    }
    this.#lastSyncMs = monotonicMs() - startMs;
    this.#syncedBytes = Math.max(this.#syncedBytes, bytes);
  }

  /** The same at once, while everybody waits. One that has failed before is tried again. */
  syncNow(): void {
    if (this.#syncedBytes === this.#writtenBytes) return;
    const bytes = this.#writtenBytes;
    const startMs = monotonicMs();
    try {
      files().sync(this.#file, "data");
    } catch (cause) {
      throw this.#broken = new FileError(SYNCING, this.path, cause);
    }
    this.#lastSyncMs = monotonicMs() - startMs;
    this.#syncedBytes = bytes;
  }

  /** Closes the file when the sync under way, if any, has ended. What was not written is lost. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#buffered = 0;
    while (this.#syncing !== null) await this.syncEnded();
    files().close(this.#file);
  }
}
