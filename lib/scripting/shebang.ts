/**
 * The first line of a script that begins with `#!` (Redis documentation, "Script flags"): the engine that it is written for,
 * which is Lua, and what it says of itself.
 */

import { encodeLatin1 } from "../bytes/latin1.ts";
import { splitArguments } from "../bytes/quoting.ts";
import { decodeLatin1 } from "../bytes/latin1.ts";

// What a script says that it does, or may be done with it.
/** It writes nothing. */
export const NO_WRITES = 1 << 0;
/** It may run while there is more data than `maxmemory`. */
export const ALLOW_OOM = 1 << 1;
/** It may run on a replica without its primary, whatever that serves otherwise. */
export const ALLOW_STALE = 1 << 2;
export const NO_CLUSTER = 1 << 3;
export const ALLOW_CROSS_SLOT = 1 << 4;
/** It says nothing, as scripts before Redis 7: each of its commands is asked whether it may run. */
export const UNDECLARED = 1 << 5;

/** Flags by name, in the order in which they are shown. */
export const SCRIPT_FLAGS: readonly (readonly [string, number])[] = [
  ["no-writes", NO_WRITES],
  ["allow-oom", ALLOW_OOM],
  ["allow-stale", ALLOW_STALE],
  ["no-cluster", NO_CLUSTER],
  ["allow-cross-slot-keys", ALLOW_CROSS_SLOT],
];

/** The words of the first line, and how long it is; null where there is none, or the words cannot be told apart. */
export function shebangWords(source: string): { readonly words: readonly string[]; readonly length: number } | null {
  const length = source.indexOf("\n");
  if (length < 0) return null;
  const line = encodeLatin1(source.slice(0, length));
  const words = splitArguments(line, 0, line.length)?.map((word) => decodeLatin1(word)) ?? [];
  return { words, length };
}

/** Flags that a word of the first line names, or the error. */
function flagsOf(names: string): number | string {
  let flags = 0;
  for (const name of names === "" ? [] : names.split(",")) {
    const known = SCRIPT_FLAGS.find(([shown]) => shown === name);
    if (known === undefined) return `ERR Unexpected flag in script shebang: ${name}`;
    flags |= known[1];
  }
  return flags;
}

/** What a script says of itself. */
export interface Declared {
  readonly flags: number;
  /** Characters of the source before what is to be compiled: all of the first line but its end, as lines are counted. */
  readonly skipped: number;
}

/** Reads the first line of a script; the error where there is something wrong with it. */
export function readShebang(source: string): Declared | string {
  if (!source.startsWith("#!")) return { flags: UNDECLARED, skipped: 0 };
  const nul = source.indexOf("\0");
  const shebang = shebangWords(nul < 0 ? source : source.slice(0, nul));
  if (shebang === null) return "ERR Invalid script shebang";
  const [engine, ...options] = shebang.words;
  if (engine === undefined) return "ERR Invalid engine in script shebang";
  if (engine !== "#!lua") return `ERR Unexpected engine in script shebang: ${engine}`;
  let flags = 0;
  for (const option of options) {
    if (!option.startsWith("flags=")) return `ERR Unknown lua shebang option: ${option}`;
    const named = flagsOf(option.slice("flags=".length));
    if (typeof named === "string") return named;
    flags |= named;
  }
  return { flags, skipped: shebang.length };
}

/** What the first line of a library says. */
export interface LibraryDeclared {
  readonly engine: string;
  readonly name: string;
  /** Characters of the source before what is to be compiled. */
  readonly skipped: number;
}

/** Reads the first line of a library; the error where there is something wrong with it. */
export function readLibraryShebang(source: string): LibraryDeclared | string {
  if (!source.startsWith("#!")) return "ERR Missing library metadata";
  const nul = source.indexOf("\0");
  const shebang = shebangWords(nul < 0 ? source : source.slice(0, nul));
  if (shebang === null || shebang.words.length === 0) return "ERR Invalid library metadata";
  const [engine, ...options] = shebang.words;
  let name: string | null = null;
  for (const option of options) {
    if (!/^name=/i.test(option)) return `ERR Invalid metadata value given: ${option}`;
    if (name !== null) return "ERR Invalid metadata value, name argument was given multiple times";
    name = option.slice("name=".length);
  }
  if (name === null) return "ERR Library name was not given";
  return { engine: engine.slice("#!".length), name, skipped: shebang.length };
}
