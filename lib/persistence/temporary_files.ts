/**
 * The names of files that are being written, and what becomes of those that a server left behind when it was killed: each
 * is as large as the data, so they must not pile up.
 */

import { join } from "node:path";
import { unixMs } from "../runtime/clock.ts";
import { files } from "../runtime/files.ts";
import { thisProcess } from "../runtime/process.ts";
import { OLD_SUFFIX, removeQuietly } from "./rdb_file.ts";

/**
 * What a file is written for: SAVE, BGSAVE, replicas, a primary's snapshot that is being received, or the base of an
 * append-only file.
 */
export type TemporaryKind = "save" | "background" | "repl" | "sync" | "rewriteaof-bg";

const NAME =
  /^temp-(?:(?:(?:save|background|repl|sync)-)?(\d+)(?:-\d+)?\.rdb|rewriteaof-(?:bg-)?(\d+)(?:-\d+)?\.aof)(?:\.old)?$/;
/** Where processes cannot be looked up, a file that was not written to for so long has nobody who writes it, in ms. */
const ABANDONED_MS = 60 * 60 * 1000;

let made = 0;

/** A name for a file in `folder` that no other file of this process has, and that tells which process writes it. */
export function temporaryFile(folder: string, kind: TemporaryKind): string {
  const extension = kind === "rewriteaof-bg" ? "aof" : "rdb";
  return join(folder, `temp-${kind}-${thisProcess().id}-${++made}.${extension}`);
}

/** A name for a file that is being removed: it goes at the next start, where it is left. */
export function abandonedFile(folder: string, kind: TemporaryKind): string {
  return `${temporaryFile(folder, kind)}${OLD_SUFFIX}`;
}

/**
 * Removes the files of servers that are gone, and returns their names. `startedMs`: when this process began, in ms of
 * Unix time; one before it may have had the same number, as in a container.
 */
export function removeAbandoned(folder: string, startedMs: number): string[] {
  let names: string[];
  try {
    names = files().list(folder);
  } catch {
    return []; // whoever writes there will say why it cannot be
  }
  return names.filter((name) => {
    const found = NAME.exec(name);
    const writer = found?.[1] ?? found?.[2];
    if (writer === undefined || !isAbandoned(join(folder, name), Number(writer), startedMs)) return false;
    return removeQuietly(join(folder, name));
  });
}

function isAbandoned(path: string, writer: number, startedMs: number): boolean {
  let changedMs: number;
  try {
    changedMs = files().stat(path).modifiedMs;
  } catch {
    return false; // it has just gone
  }
  const { id, isRunning } = thisProcess();
  if (writer === id) return changedMs < startedMs;
  return !(isRunning(writer) ?? unixMs() - changedMs <= ABANDONED_MS);
}
