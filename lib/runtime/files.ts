/**
 * The disk: the calls by which data is written, made durable, named and read again. What holds or takes the data set asks
 * nothing else for a file; configuration, log and pid file are not data, and have their own ways.
 *
 * A simulation puts a disk of its own in the place of the system's, which loses what was not synced when a server is
 * killed, and fails when it likes. All that throws or rejects does so with the system's error, whose `code` tells more.
 */

import {
  closeSync,
  fdatasync,
  fdatasyncSync,
  fsync,
  fsyncSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  read,
  readdirSync,
  readSync,
  renameSync,
  statSync,
  unlink,
  unlinkSync,
  writeSync,
} from "node:fs";

/** What a file is opened for: reading what is there, writing over it, a new one in its place, or behind its end. */
export type FilePurpose = "read" | "update" | "replace" | "append";

/** What a sync makes durable: the content with what is needed to find it, or all that is known of the file. */
export type SyncedPart = "data" | "all";

/** A disk. A file that is open is a number, its descriptor; a directory can be opened too, for reading, to be synced. */
export interface Files {
  readonly open: (path: string, purpose: FilePurpose) => number;
  readonly close: (file: number) => void;
  /** Reads up to `length` bytes, from where the last call ended, into `bytes` from `start` on; 0 at the end. */
  readonly read: (file: number, bytes: Uint8Array, start: number, length: number) => number;
  /** The same, while others go on. */
  readonly readLater: (file: number, bytes: Uint8Array, start: number, length: number) => Promise<number>;
  /** Writes up to `length` bytes of `bytes` from `start` on, behind the last ones; how many it wrote. */
  readonly write: (file: number, bytes: Uint8Array, start: number, length: number) => number;
  /** Leaves the first `bytes` of a file that is open for writing. */
  readonly truncate: (file: number, bytes: number) => void;
  readonly sync: (file: number, part: SyncedPart) => void;
  /** The same, while others go on; `file` is not to be closed meanwhile. */
  readonly syncLater: (file: number, part: SyncedPart) => Promise<void>;
  /** Gives a file another name, in place of the file that has it. Durable when the directory is synced. */
  readonly rename: (from: string, to: string) => void;
  /** Gives a file a second name. */
  readonly link: (path: string, other: string) => void;
  readonly remove: (path: string) => void;
  readonly removeLater: (path: string) => Promise<void>;
  /** Makes a directory in one that is there; durable when that is synced. */
  readonly makeDirectory: (path: string) => void;
  /** The names of what is in a directory. */
  readonly list: (directory: string) => string[];
  /** Length in bytes, and when it was written to last, in ms of Unix time. */
  readonly stat: (path: string) => { readonly bytes: number; readonly modifiedMs: number };
}

const FLAGS: Readonly<Record<FilePurpose, string>> = { read: "r", update: "r+", replace: "w", append: "a" };
const MODE = 0o644;
const DIRECTORY_MODE = 0o755;

const SYSTEM: Files = {
  open: (path, purpose) => openSync(path, FLAGS[purpose], MODE),
  close: closeSync,
  read: (file, bytes, start, length) => readSync(file, bytes, start, length, null),
  readLater: (file, bytes, start, length) =>
    new Promise((resolve, reject) => {
      read(file, bytes, start, length, null, (error, bytesRead) => error === null ? resolve(bytesRead) : reject(error));
    }),
  write: (file, bytes, start, length) => writeSync(file, bytes, start, length),
  truncate: ftruncateSync,
  sync: (file, part) => part === "all" ? fsyncSync(file) : fdatasyncSync(file),
  syncLater: (file, part) =>
    new Promise((resolve, reject) => {
      const call = part === "all" ? fsync : fdatasync;
      call(file, (error) => error ? reject(error) : resolve());
    }),
  rename: renameSync,
  link: linkSync,
  remove: unlinkSync,
  removeLater: (path) =>
    new Promise((resolve, reject) => {
      unlink(path, (error) => error ? reject(error) : resolve());
    }),
  makeDirectory: (path) => void mkdirSync(path, DIRECTORY_MODE),
  list: (directory) => readdirSync(directory),
  stat: (path) => {
    const { size, mtimeMs } = statSync(path);
    return { bytes: size, modifiedMs: mtimeMs };
  },
};

let current = SYSTEM;

/** Replaces the disk of the whole process; returns the one that it had, to be put back. */
export function useFiles(replacement: Files): Files {
  const before = current;
  current = replacement;
  return before;
}

/** The disk that there is now: not to be kept. */
export function files(): Files {
  return current;
}

/**
 * Reads from where a file stands until there are `least` bytes, or it ends: one call may give fewer than there are. How many
 * bytes there are, up to the length of `into`. Throws a system error.
 */
export function readAtLeast(file: number, into: Uint8Array, least: number): number {
  let length = 0;
  while (length < least) {
    const count = current.read(file, into, length, into.length - length);
    if (count === 0) break;
    length += count;
  }
  return length;
}
