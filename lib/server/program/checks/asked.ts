/**
 * `tredis check-rdb FILE` and `tredis check-aof [--fix] FILE`: what redis-check-rdb and redis-check-aof do, and say, as
 * others read it; also reached by those names. Called by the start, before anything of a server is there.
 */

import { basename } from "node:path";
import { AOF_USAGE, checkAofFile, wishOf } from "./aof_file.ts";
import { checkRdbFile, RDB_USAGE } from "./rdb_file.ts";
import { Refusal } from "./terminal.ts";

/** What the words after the program's name, or the name itself, ask to be checked; null where nothing is. */
export function checkAsked(programName: string, argv: readonly string[]): (() => Promise<number>) | null {
  const name = basename(programName).replace(/\.exe$/i, "");
  if (name === "redis-check-rdb") return () => checked(rdb(argv));
  if (name === "redis-check-aof") return () => checked(aof(argv));
  if (argv[0] === "check-rdb") return () => checked(rdb(argv.slice(1)));
  if (argv[0] === "check-aof") return () => checked(aof(argv.slice(1)));
  return null;
}

async function rdb(argv: readonly string[]): Promise<number> {
  if (argv.length !== 1) throw new Refusal(RDB_USAGE);
  return await checkRdbFile(argv[0]);
}

async function aof(argv: readonly string[]): Promise<number> {
  const wish = wishOf(argv);
  if (wish === null) throw new Refusal(AOF_USAGE);
  return await checkAofFile(wish);
}

/** The code to exit with. */
async function checked(check: Promise<number>): Promise<number> {
  try {
    return await check;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    console.error(error.message);
    return 1;
  }
}
