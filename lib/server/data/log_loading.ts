/**
 * Loads an append-only file: its base, as RDB or as commands, and the commands since. Whoever loads goes on from slice to
 * slice, as fast as he likes.
 *
 * A crash may cut the last file anywhere, or leave zeros where the disk had not come to what was written: what is behind its
 * last whole command is no loss. What is missing or wrong anywhere else is: then nothing is loaded, and the operator is
 * told where it is, and what can be done.
 */

import { decodeLatin1 } from "../../bytes/latin1.ts";
import { toBinary } from "../../bytes/paths.ts";
import { systemErrorText } from "../../bytes/system_errors.ts";
import type { AofDirectory } from "../../persistence/aof/directory.ts";
import { LogFormatError, LogScanner } from "../../persistence/aof/log_scanner.ts";
import type { AofFile } from "../../persistence/aof/manifest.ts";
import { RDB_SIGNATURE, RdbError } from "../../persistence/rdb_format.ts";
import { FileError } from "../../persistence/rdb_file.ts";
import { RdbReader, type ReadOptions } from "../../persistence/rdb_reader.ts";
import { monotonicMs } from "../../runtime/clock.ts";
import { files, readAtLeast } from "../../runtime/files.ts";
import type { Keyspace } from "../../store/keyspace.ts";
import { isOutOfRoom } from "../../store/out_of_room.ts";
import type { Log } from "../program/log.ts";
import { LogReplay, ReplayError, type ReplayHost } from "./log_replay.ts";
import type { LoadingProgress } from "./saving.ts";

const PIECE_BYTES = 256 * 1024;
const ZEROS = new Uint8Array(4096);
/** Longest slice of RDB data, in ms. A slice of commands is a piece of the file. */
const SLICE_MS = 5;

/** What loading needs of the server. */
export interface LogLoadingHost extends ReplayHost {
  readonly keyspace: Keyspace;
  readonly log: Pick<Log, "notice" | "warning">;
}

/** How an append-only file is loaded. */
export interface LogLoadingOptions {
  /** How RDB data is read: nothing has expired unless a command says so. */
  readonly rdb: ReadOptions;
  /** Whether the last file may end within a command (`aof-load-truncated`). */
  readonly mayBeCut: boolean;
  /** How long each command is to take, in ms (`key-load-delay`). */
  readonly delayMs: () => number;
}

/** An append-only file that cannot be loaded: what is to be said to the operator. */
export class LogLoadError extends Error {
  override name = "LogLoadError";
}

/** The loading of the files of one directory. */
export class LogLoading {
  readonly #replay: LogReplay;
  readonly #piece = new Uint8Array(PIECE_BYTES);
  /** By how much what was loaded is ahead of the time that it is to take, in ms. */
  #aheadMs = 0;
  /** Bytes of the files before the one under way. */
  #doneBytes = 0;

  constructor(
    readonly server: LogLoadingHost,
    readonly directory: AofDirectory,
    readonly options: LogLoadingOptions,
    readonly progress: LoadingProgress,
  ) {
    this.#replay = new LogReplay(server);
  }

  /**
   * Loads all files. Gives way after every slice, and yields for how long it may be left, in ms. Throws a LogLoadError;
   * the databases are then half filled.
   */
  *run(): Generator<number, void> {
    const { directory } = this;
    const { loaded } = directory.manifest;
    const bytes = loaded.map((file) => this.#bytesOf(file));
    this.progress.totalBytes = bytes.reduce((sum, count) => sum + count, 0);
    const last = bytes.findLastIndex((count) => count > 0);
    const startMs = monotonicMs();
    for (const [index, file] of loaded.entries()) {
      const beganMs = monotonicMs();
      yield* this.#file(file, bytes[index], index >= last);
      this.#doneBytes += bytes[index];
      this.#say(file, monotonicMs() - beganMs);
    }
    const { log } = this.server;
    if (loaded.length > 0) log.notice(`DB loaded from append only file: ${seconds(monotonicMs() - startMs)} seconds`);
    const { refused, firstRefusal } = this.#replay;
    if (refused > 0) {
      log.warning(`${refused} commands of the append only file were refused, the first: ${firstRefusal}`);
    }
  }

  #bytesOf(file: AofFile): number {
    try {
      return this.directory.bytesOf(file);
    } catch (error) {
      throw explained(error, file.name, this.directory);
    }
  }

  #say({ name, kind }: AofFile, elapsedMs: number): void {
    const what = kind === "base" ? "base" : "incr";
    this.server.log.notice(`DB loaded from ${what} file ${name}: ${seconds(elapsedMs)} seconds`);
  }

  /** Loads one file. `isLast`: nothing is loaded from those behind it. */
  *#file(file: AofFile, bytes: number, isLast: boolean): Generator<number, void> {
    const path = this.directory.pathOf(file);
    let descriptor = -1;
    try {
      descriptor = files().open(path, "read");
      const whole = yield* this.#content(descriptor, file, isLast);
      if (whole < bytes) this.#cut(file, path, whole, isLast);
    } catch (error) {
      throw explained(error, file.name, this.directory);
    } finally {
      if (descriptor >= 0) files().close(descriptor);
      this.#replay.endFile();
    }
  }

  /** Loads what stands in an open file; how many of its bytes count. */
  *#content(descriptor: number, file: AofFile, isLast: boolean): Generator<number, number> {
    const { log } = this.server;
    const piece = this.#piece;
    let count = readAtLeast(descriptor, piece, RDB_SIGNATURE.length);
    let start = 0;
    let offset = 0;
    // Of a base in RDB not even no data is nothing.
    if (count === 0 && file.kind === "base" && file.name.endsWith(".rdb")) {
      throw unreadable("it is empty", file.name, this.directory);
    }
    if (decodeLatin1(piece, 0, Math.min(count, RDB_SIGNATURE.length)) === RDB_SIGNATURE) {
      log.notice(
        file.kind === "base" ? "Reading RDB base file on AOF loading..." : "Reading RDB preamble from AOF file...",
      );
      const reader = new RdbReader(this.server.keyspace, this.options.rdb);
      const { rest } = yield* this.#preamble(descriptor, reader, count);
      this.server.keyspace.functions = reader.functions;
      offset = reader.offset;
      piece.set(rest);
      [start, count] = [0, rest.length];
      if (count === 0) count = files().read(descriptor, piece, 0, piece.length); // it ended where a piece does
      if (count > 0) log.notice("Reading the remaining AOF tail...");
    }
    const scanner = this.#newScanner(file, offset);
    try {
      yield* this.#commands(descriptor, scanner, start, count);
    } catch (error) {
      const isWrong = error instanceof LogFormatError;
      if (!isWrong || !isLast || !endsInZeros(this.directory.pathOf(file), scanner.validBytes)) throw error;
    }
    return scanner.validBytes;
  }

  /** Loads RDB data, of which the first `count` bytes are read; what was read behind it is in the reader. */
  *#preamble(descriptor: number, reader: RdbReader, count: number): Generator<number, RdbReader> {
    const { progress } = this;
    const piece = this.#piece;
    try {
      while (!reader.finished && count > 0) {
        reader.push(piece.subarray(0, count));
        while (!reader.run(SLICE_MS)) yield* this.#pause(reader);
        progress.loadedBytes = this.#doneBytes + reader.offset;
        progress.loadedKeys = reader.keysLoaded;
        yield* this.#pause(reader);
        if (!reader.finished) count = files().read(descriptor, piece, 0, piece.length);
      }
      reader.close();
    } finally {
      reader.abandon();
    }
    return reader;
  }

  *#pause(reader: RdbReader): Generator<number, void> {
    const waitMs = reader.aheadMs >= 1 ? reader.aheadMs : 0;
    yield waitMs;
    if (waitMs > 0) reader.waited(waitMs);
  }

  /** What finds commands from an offset of a file on, and runs them. */
  #newScanner(file: AofFile, offset: number): LogScanner {
    const replay = this.#replay;
    const scanner: LogScanner = new LogScanner({
      onCommands: (bytes, from, end) => {
        try {
          replay.run(bytes, from, end);
        } catch (error) {
          if (!(error instanceof ReplayError)) throw error;
          const offset = scanner.offsetOf(error.at);
          throw new LogLoadError(
            `${error.message} reading the append only file ${file.name} at offset ${offset}: it was written by a server ` +
              "that knows more, and can be loaded by that alone",
          );
        }
      },
    }, offset);
    return scanner;
  }

  /** Runs commands, of which the first `count` bytes are read. */
  *#commands(descriptor: number, scanner: LogScanner, start: number, count: number): Generator<number, void> {
    const { progress } = this;
    const replay = this.#replay;
    const piece = this.#piece;
    for (; count > 0; count = files().read(descriptor, piece, 0, piece.length), start = 0) {
      const before = replay.commands;
      scanner.push(piece, start, start + count);
      progress.loadedBytes = this.#doneBytes + scanner.offset;
      this.#aheadMs += (replay.commands - before) * this.options.delayMs();
      const waitMs = this.#aheadMs >= 1 ? this.#aheadMs : 0;
      this.#aheadMs -= waitMs;
      yield waitMs;
    }
  }

  /** A file ends within a command or a transaction: cuts that off where it may be, or refuses the file. */
  #cut({ name }: AofFile, path: string, whole: number, isLast: boolean): void {
    const { log } = this.server;
    if (!isLast) {
      throw new LogLoadError(
        `Unexpected end of file reading the append only file ${name} at offset ${whole}, and it is not the last: what ` +
          `follows was written later, but what is missing cannot be known. ${remedy(this.directory)}`,
      );
    }
    if (!this.options.mayBeCut) {
      throw new LogLoadError(
        `Unexpected end of file reading the append only file ${name} at offset ${whole}. You can: 1) make a backup of ` +
          `the append-only file, then run 'tredis check-aof --fix ${manifestName(this.directory)}'; or 2) set the ` +
          "'aof-load-truncated' configuration option to yes and start the server again.",
      );
    }
    log.warning(`!!! Warning: short read while loading the AOF file ${name}!!!`);
    log.warning(`AOF ${name} loaded anyway because aof-load-truncated is enabled`);
    log.warning(`Truncating the AOF ${name} at offset ${whole}`);
    truncate(path, whole);
  }
}

/**
 * Whether a file that is wrong behind its first `whole` bytes is a beginning of something right, and then zeros to its end:
 * what a power failure leaves where the file had become longer before its data came to the disk.
 */
function endsInZeros(path: string, whole: number): boolean {
  const scanner = new LogScanner({ onCommands: () => {} });
  const file = files().open(path, "read");
  try {
    const piece = new Uint8Array(PIECE_BYTES);
    /** Zeros that may be the last ones; the scanner sees them if something follows. */
    let held = 0;
    for (let at = 0;;) {
      const count = files().read(file, piece, 0, piece.length);
      if (count === 0) return held > 0;
      const start = Math.max(0, Math.min(count, whole - at));
      let end = count;
      while (end > start && piece[end - 1] === 0) end--;
      if (end > start) {
        for (; held > 0; held -= Math.min(held, ZEROS.length)) scanner.push(ZEROS, 0, Math.min(held, ZEROS.length));
        scanner.push(piece, start, end);
      }
      held += count - end;
      at += count;
    }
  } catch (error) {
    if (error instanceof LogFormatError) return false;
    throw error;
  } finally {
    files().close(file);
  }
}

function truncate(path: string, bytes: number): void {
  const file = files().open(path, "update");
  try {
    files().truncate(file, bytes);
    files().sync(file, "all");
  } finally {
    files().close(file);
  }
}

/** What is to be said of whatever ended the loading of a file. */
function explained(error: unknown, name: string, directory: AofDirectory): unknown {
  if (error instanceof LogFormatError) {
    return new LogLoadError(
      `Bad file format reading the append only file ${name} at offset ${error.offset}: ${error.reason}. ` +
        remedy(directory),
    );
  }
  if (error instanceof RdbError) {
    return new LogLoadError(
      `Error reading the RDB data of the append only file ${name} at offset ${error.offset}: ${error.reason}. AOF ` +
        `loading aborted. ${remedy(directory)}`,
    );
  }
  if (error instanceof FileError) return unreadable(error.reason, name, directory);
  if (isOutOfRoom(error)) {
    return new LogLoadError(`There is no memory for what the append only file ${name} holds: ${error.message}`);
  }
  if (error instanceof Error && "code" in error) {
    return unreadable(systemErrorText(error), name, directory);
  }
  return error;
}

function unreadable(reason: string, name: string, directory: AofDirectory): LogLoadError {
  return new LogLoadError(
    `The AOF file ${name} cannot be read: ${reason}. The manifest ${toBinary(directory.manifestPath)} names it: ` +
      "what it held is missing until it is put back, as from a backup",
  );
}

function remedy(directory: AofDirectory): string {
  const manifest = manifestName(directory);
  return `Make a backup of the append-only file, then run 'tredis check-aof --fix ${manifest}' in ${
    toBinary(directory.path)
  }`;
}

function manifestName({ fileName }: AofDirectory): string {
  return `${fileName}.manifest`;
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}
