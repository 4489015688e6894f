/** `tredis check-aof [--fix | --truncate-to-timestamp SECONDS] FILE`. */

import { basename, dirname, join } from "node:path";
import { fromBinary } from "../../../bytes/paths.ts";
import { systemErrorText } from "../../../bytes/system_errors.ts";
import { checkLog, type LogCheck } from "../../../persistence/aof/check_log.ts";
import { type Manifest, ManifestError } from "../../../persistence/aof/manifest.ts";
import { readManifest } from "../../../persistence/aof/manifest_file.ts";
import { RDB_SIGNATURE } from "../../../persistence/rdb_format.ts";
import { FileError } from "../../../persistence/rdb_file.ts";
import { files } from "../../../runtime/files.ts";
import { reportRdb } from "./rdb_file.ts";
import { beginningOf, isConfirmed, Progress, Refusal, say, withFile } from "./terminal.ts";

export const AOF_USAGE = "Usage: tredis check-aof [--fix | --truncate-to-timestamp SECONDS] FILE\n" +
  "FILE is a manifest, as appendonlydir/appendonly.aof.manifest, or a file of commands.";
/** What a manifest begins with. */
const MANIFEST_BEGINNING = "file ";

/** What is to be done with a file. */
export interface Wish {
  readonly path: string;
  readonly fixes: boolean;
  /** Seconds of Unix time up to which the file is to be kept; null: all of it. */
  readonly untilSeconds: number | null;
}

/** What the words after the program's name ask for; null where that makes no sense. */
export function wishOf(argv: readonly string[]): Wish | null {
  if (argv.length === 1) return { path: argv[0], fixes: false, untilSeconds: null };
  if (argv.length === 2 && argv[0] === "--fix") return { path: argv[1], fixes: true, untilSeconds: null };
  if (argv.length !== 3 || argv[0] !== "--truncate-to-timestamp" || !/^\d{1,15}$/.test(argv[1])) return null;
  return { path: argv[2], fixes: false, untilSeconds: Number(argv[1]) };
}

/** Checks an append-only file, and says what it finds; the code to exit with. */
export async function checkAofFile(wish: Wish): Promise<number> {
  const manifest = manifestOf(wish.path);
  if (manifest !== null) return await checkParts(wish, manifest) ? 0 : 1;
  say("Start checking Old-Style AOF");
  if (!await checkPart(wish, wish.path, true)) return 1;
  if (wish.untilSeconds === null) say(`AOF ${basename(wish.path)} is valid`);
  return 0;
}

/** The manifest that a file is; null where it is a file of data. */
function manifestOf(path: string): Manifest | null {
  const begins = beginningOf(path, MANIFEST_BEGINNING.length);
  if (!path.endsWith(".manifest") && begins !== MANIFEST_BEGINNING) return null;
  try {
    return readManifest(path);
  } catch (error) {
    if (error instanceof ManifestError) {
      throw new Refusal(`${path}, line ${error.line}: ${error.message}${error.text === "" ? "" : `: ${error.text}`}`);
    }
    throw new Refusal(error instanceof FileError ? fromBinary(error.message) : String(error));
  }
}

/** Checks all files that a manifest names. Only the last of them can be made shorter without losing what is behind. */
async function checkParts(wish: Wish, manifest: Manifest): Promise<boolean> {
  say("Start checking Multi Part AOF");
  const { loaded } = manifest;
  for (const part of loaded) {
    const kind = part.kind === "base" ? "BASE" : "INCR";
    const path = join(dirname(wish.path), fromBinary(part.name));
    if (part === manifest.base) say(`Start to check BASE AOF (${isRdb(path) ? "RDB" : "RESP"} format).`);
    else if (part === manifest.increments[0]) say("Start to check INCR files.");
    if (!await checkPart(wish, path, part === loaded.at(-1))) return false;
    say(`${kind} AOF ${fromBinary(part.name)} is valid`);
  }
  say("All AOF files and manifest are valid");
  return true;
}

function isRdb(path: string): boolean {
  return beginningOf(path, RDB_SIGNATURE.length) === RDB_SIGNATURE;
}

/** What one file has been found to be. */
interface Found {
  readonly path: string;
  readonly bytes: number;
  readonly log: LogCheck;
  /** Whether nothing is loaded behind it. */
  readonly isLast: boolean;
}

/** Checks one file, and makes it shorter where that is wished; whether it is whole then. */
async function checkPart(wish: Wish, path: string, isLast: boolean): Promise<boolean> {
  const found = examine(path, isLast, wish.untilSeconds ?? Infinity);
  if (found === null) {
    say("RDB preamble of AOF file is not sane, aborting.");
    return false;
  }
  if (wish.untilSeconds !== null && found.log.laterAt >= 0) return cutLater(found, wish.untilSeconds);
  return tell(found) || await mend(found, wish.fixes);
}

/** Reads one file to its end; null where the RDB data that it begins with is wrong. */
function examine(path: string, isLast: boolean, untilSeconds: number): Found | null {
  const hasPreamble = isRdb(path);
  return withFile(path, (file, bytes) => {
    let before: Uint8Array = new Uint8Array(0);
    let offset = 0;
    if (hasPreamble) {
      const rdb = reportRdb(path, file, bytes);
      if (rdb.error !== null) return null;
      say("RDB preamble is OK, proceeding with AOF tail...");
      before = rdb.rest;
      offset = rdb.bytes;
    }
    const progress = new Progress(bytes);
    const log = checkLog(file, before, offset, untilSeconds, (done) => progress.show(done));
    progress.end();
    return { path, bytes, log, isLast };
  });
}

/** Says how much of a file is whole; whether that is all of it. */
function tell({ path, bytes, log }: Found): boolean {
  const { error, line, validBytes } = log;
  if (validBytes < bytes) {
    say(error === null ? "Reached the end of the file within a command or a transaction" : sentence(error.message));
  }
  say(
    `AOF analyzed: filename=${basename(path)}, size=${bytes}, ok_up_to=${validBytes}, ok_up_to_line=${line}, ` +
      `diff=${bytes - validBytes}`,
  );
  return validBytes === bytes;
}

/** Leaves of a file what is whole, if that is wished, and whoever is asked agrees; whether it did. */
async function mend({ path, bytes, log, isLast }: Found, isWished: boolean): Promise<boolean> {
  const name = basename(path);
  const { validBytes } = log;
  if (!isWished) {
    say(`AOF ${name} is not valid. Use the --fix option to try fixing it.`);
    return false;
  }
  if (!isLast) {
    say(`Failed to truncate AOF ${name} because it is not the last file`);
    return false;
  }
  say(`This will shrink the AOF ${name} from ${bytes} bytes, with ${bytes - validBytes} bytes, to ${validBytes} bytes`);
  if (!await isConfirmed()) {
    say("Aborting...");
    return false;
  }
  truncate(path, validBytes);
  say(`Successfully truncated AOF ${name}`);
  return true;
}

function sentence(text: string): string {
  return text[0].toUpperCase() + text.slice(1);
}

/** Leaves of a file what was written up to a time. */
function cutLater({ path, bytes, log, isLast }: Found, seconds: number): boolean {
  const name = basename(path);
  if (log.laterAt === 0) {
    say(`AOF ${name} has nothing before timestamp ${seconds}, aborting...`);
    return false;
  }
  if (!isLast) {
    say(`Failed to truncate AOF ${name} to timestamp ${seconds} because it is not the last file.`);
    say("Remove the files behind it from the manifest, or add them as history, then do this again.");
    return false;
  }
  if (log.laterAt < bytes) truncate(path, log.laterAt);
  say(`Successfully truncated AOF ${name} to timestamp ${seconds}`);
  return true;
}

function truncate(path: string, bytes: number): void {
  try {
    const file = files().open(path, "update");
    try {
      files().truncate(file, bytes);
      files().sync(file, "all");
    } finally {
      files().close(file);
    }
  } catch (error) {
    throw new Refusal(`Failed to truncate ${path}: ${systemErrorText(error)}`);
  }
}
