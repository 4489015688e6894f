/**
 * Loading an RDB file at start or for DEBUG RELOAD: read piece by piece, parsed in short slices, with the event loop
 * served in between, so that the server can tell its clients that it is loading.
 */

import { toBinary } from "../bytes/paths.ts";
import { systemErrorText } from "../bytes/system_errors.ts";
import { files } from "../runtime/files.ts";
import { sleep, sleepSync } from "../runtime/timers.ts";
import { nextTurn } from "../runtime/turns.ts";
import type { Keyspace } from "../store/keyspace.ts";
import { RdbError } from "./rdb_format.ts";
import { RdbReader, type ReadOptions } from "./rdb_reader.ts";

/** Bytes read at a time. */
export const READ_BYTES: number = 256 * 1024;
const DEFAULT_SLICE_MS = 5;
/** How long loading may sleep at a time for the delay that its keys are to take, in ms. */
const LONGEST_WAIT_MS = 20;

export interface LoadOptions extends ReadOptions {
  /** Told from time to time how far it came: bytes of the file, keys. */
  readonly onProgress?: (bytes: number, keys: number) => void;
  /** Milliseconds of work between two turns of the event loop. */
  readonly sliceMs?: number;
}

export interface LoadResult {
  readonly version: number;
  readonly keysLoaded: number;
  readonly keysExpired: number;
  readonly emptyKeys: number;
  /** Bytes of the RDB data: where what follows begins. */
  readonly bytes: number;
  /** The aux fields, as binary strings. */
  readonly aux: ReadonlyMap<string, string>;
  /** The function libraries. */
  readonly functions: readonly Uint8Array[];
}

/** A file that could not be loaded, and why. `cause` is an RdbError or the system's error. */
export class LoadError extends Error {
  override name = "LoadError";
}

/**
 * Loads the RDB file `path` into the databases. Throws LoadError, whose message names the file and, for bad data, the byte;
 * a missing file is one too (`cause.code` is ENOENT). The file is only read.
 */
export async function loadRdbFile(path: string, keyspace: Keyspace, options: LoadOptions): Promise<LoadResult> {
  const reader = new RdbReader(keyspace, options);
  await readFile(path, reader, options, () => false);
  return resultOf(reader);
}

/** How the keys of a file are counted: nobody is told of them. */
export type CountOptions = Pick<LoadOptions, "sliceMs" | "verifyChecksum">;

/**
 * Counts the keys of the RDB file `path`, of which none is loaded. Where the file says of itself that there are `enough`,
 * it is not read on. Throws as `loadRdbFile`.
 */
export async function countRdbKeys(
  path: string,
  keyspace: Keyspace,
  options: CountOptions,
  enough: number,
): Promise<number> {
  const { verifyChecksum } = options;
  const reader = new RdbReader(keyspace, { dropExpired: false, dropAll: true, verifyChecksum });
  const keysFound = () => reader.keysLoaded + reader.keysExpired;
  await readFile(path, reader, options, () => Math.max(reader.keysAnnounced, keysFound()) >= enough);
  return reader.finished ? keysFound() : enough;
}

/** Reads a file to its end, or until `isEnough`. */
async function readFile(
  path: string,
  reader: RdbReader,
  options: Pick<LoadOptions, "onProgress" | "sliceMs">,
  isEnough: () => boolean,
): Promise<void> {
  const sliceMs = options.sliceMs ?? DEFAULT_SLICE_MS;
  const chunk = new Uint8Array(READ_BYTES);
  try {
    const file = files().open(path, "read");
    // The next piece is read while the last is parsed.
    const read = () => {
      const reading = files().readLater(file, chunk, 0, READ_BYTES);
      reading.catch(() => {}); // whoever waits for it is told
      return reading;
    };
    let reading = read();
    try {
      while (!reader.finished) {
        const bytesRead = await reading;
        if (bytesRead === 0) break;
        reader.push(chunk.subarray(0, bytesRead)); // a copy
        reading = read();
        while (!reader.run(sliceMs)) {
          options.onProgress?.(reader.offset, reader.keysLoaded);
          await betweenSlices(reader);
        }
        options.onProgress?.(reader.offset, reader.keysLoaded);
        if (isEnough()) return;
      }
      reader.close();
    } finally {
      await reading.catch(() => {}); // it must not read from whatever has the descriptor next
      files().close(file);
      reader.abandon();
    }
  } catch (cause) {
    throw explained(cause, path);
  }
}

/** `loadRdbFile` at once, while everybody waits. */
export function loadRdbFileSync(path: string, keyspace: Keyspace, options: ReadOptions): LoadResult {
  const reader = new RdbReader(keyspace, options);
  const chunk = new Uint8Array(READ_BYTES);
  try {
    const file = files().open(path, "read");
    try {
      while (!reader.finished) {
        const bytesRead = files().read(file, chunk, 0, READ_BYTES);
        if (bytesRead === 0) break;
        reader.push(chunk.subarray(0, bytesRead));
        while (!reader.run(DEFAULT_SLICE_MS)) waitBetweenSlices(reader);
      }
      reader.close();
    } finally {
      files().close(file);
      reader.abandon();
    }
  } catch (cause) {
    throw explained(cause, path);
  }
  return resultOf(reader);
}

/** Between two slices of a reader: gives way to others, for as long as its keys are to take. */
export async function betweenSlices(reader: RdbReader): Promise<void> {
  if (reader.aheadMs < 1) return nextTurn();
  const waitMs = Math.min(reader.aheadMs, LONGEST_WAIT_MS);
  await sleep(waitMs);
  reader.waited(waitMs);
}

/** The same while everybody waits. */
function waitBetweenSlices(reader: RdbReader): void {
  if (reader.aheadMs < 1) return;
  sleepSync(reader.aheadMs);
  reader.waited(reader.aheadMs);
}

/** The error to throw for one that loading met. */
function explained(cause: unknown, path: string): unknown {
  if (cause instanceof RdbError && cause.cause !== undefined) {
    return new LoadError(`Can't load the RDB file ${toBinary(path)}: ${cause.message}`, { cause });
  }
  if (cause instanceof RdbError) return new LoadError(`Bad RDB file ${toBinary(path)}: ${cause.message}`, { cause });
  if (cause instanceof Error && "code" in cause) {
    return new LoadError(`Can't read the RDB file ${toBinary(path)}: ${systemErrorText(cause)}`, { cause });
  }
  return cause;
}

function resultOf(reader: RdbReader): LoadResult {
  const { version, keysLoaded, keysExpired, emptyKeys, aux, functions } = reader;
  return { version, keysLoaded, keysExpired, emptyKeys, bytes: reader.offset, aux, functions };
}
