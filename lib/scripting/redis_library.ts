/**
 * The table `redis` of scripts (Redis documentation, "Lua API reference"): commands, replies of their own making, the log,
 * and what they choose for the rest of their run.
 */

import { encodeLatin1 } from "../bytes/latin1.ts";
import { formatDouble } from "../bytes/doubles.ts";
import { sha1, SHA1_BYTES } from "../bytes/sha1.ts";
import type { ReplyWriter } from "../resp/reply.ts";
import type { Request } from "../resp/request.ts";
import type { RequestBuilder } from "../resp/request_builder.ts";
import { LuaError } from "./lua/errors.ts";
import type { LibraryFunctions } from "./lua/library.ts";
import { toNumber, toText } from "./lua/runtime.ts";
import { type LuaFunction, LuaTable, type LuaValue, NOTHING } from "./lua/values.ts";
import { type NotedCalls, NotedRefusal, NotedReply } from "./noted_calls.ts";
import { countedErrorTable, errorTable, ReplyReader } from "./replies.ts";
import { type ScriptRun, TO_LOG, TO_REPLICAS } from "./script_run.ts";

const MINUS = 0x2d;
/** Calls within calls from here on look whether the stack has room for a command. */
const SHALLOW_CALLS = 30;
/** What a command may need of the stack, in calls of `reach` below. */
const COMMAND_REACH = 500;

/** Levels of the log, by the number that scripts have for them. */
export const LOG_LEVELS = ["debug", "verbose", "notice", "warning"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** The server, as scripts see it. */
export interface CommandCalls {
  /** Puts requests together. */
  readonly builder: RequestBuilder;
  /** Has the reply of the last command called, from its beginning. */
  readonly reply: ReplyWriter;
  /** Calls a command for a run; the error where it may not be called, else null. */
  call(run: ScriptRun, request: Request): string | null;
  /** Whether the caller may call a command; null where there is no such command. */
  mayCall(request: Request): boolean | null;
  log(level: LogLevel, text: string): void;
}

/** The script that runs. */
export interface Running {
  readonly run: ScriptRun | null;
  readonly noted: NotedCalls;
  readonly calls: CommandCalls;
  /** How many calls are nested. */
  readonly depth: number;
  /** So many bytes were made at once. */
  charge(bytes: number): void;
  /** There are as many notes as there may be: a run that takes them begins anew. */
  notesFull(): never;
}

/** Version numbers, as `redis.REDIS_VERSION_NUM` has them. */
function versionNumber(version: string): number {
  return version.split(".").reduce((number, part) => (number << 8) | Number(part), 0);
}

/** What the table has besides functions. */
export function redisConstants(version: string): Readonly<Record<string, LuaValue>> {
  return {
    LOG_DEBUG: 0,
    LOG_VERBOSE: 1,
    LOG_NOTICE: 2,
    LOG_WARNING: 3,
    REPL_NONE: 0,
    REPL_AOF: TO_LOG,
    REPL_SLAVE: TO_REPLICAS,
    REPL_REPLICA: TO_REPLICAS,
    REPL_ALL: TO_LOG | TO_REPLICAS,
    REDIS_VERSION: version,
    REDIS_VERSION_NUM: versionNumber(version),
  };
}

/** The error of a function here: a table, as all that `redis` throws are. */
function failure(message: string): LuaError {
  return new LuaError(errorTable(`ERR ${message}`));
}

/** The functions that all scripts have. */
export function redisFunctions(running: Running): LibraryFunctions {
  const reader = new ReplyReader();

  const runOf = (name: string): ScriptRun => {
    if (running.run === null) throw failure(`redis.${name} can only be called inside a script invocation`);
    return running.run;
  };

  const call = (args: readonly LuaValue[], isProtected: boolean): LuaValue => {
    const { run, noted, calls } = running;
    if (run === null) throw failure("redis.call/pcall can only be called inside a script invocation");
    const wrong = buildRequest(calls.builder, args);
    if (wrong !== null) {
      if (isProtected) return errorTable(wrong);
      throw new LuaError(errorTable(wrong));
    }
    const { request } = calls.builder;
    if (noted.isHandingOut) return replayed(reader, noted.next(request.rawEnd), isProtected);
    if (noted.isFull) running.notesFull();
    if (running.depth > SHALLOW_CALLS) reach(COMMAND_REACH);
    const mark = request.rawEnd;
    const refusal = calls.call(run, request);
    if (refusal !== null) {
      if (noted.isNoting) noted.add(new NotedRefusal(refusal), mark);
      return failed(countedErrorTable(refusal), isProtected);
    }
    const { buffer, length } = calls.reply;
    running.charge(length);
    const value = reader.read(buffer, 0);
    if (noted.isNoting) {
      if (typeof value === "object") noted.addReply(buffer, length, mark);
      else noted.add(value, mark);
    }
    return buffer[0] === MINUS ? failed(value, isProtected) : value;
  };

  return {
    call: (...args) => call(args, false),
    pcall: (...args) => call(args, true),
    log: (...args) => {
      if (args.length < 2) throw failure("redis.log() requires two arguments or more.");
      const level = toNumber(args[0]);
      if (level === undefined) throw failure("First argument must be a number (log level).");
      const name = LOG_LEVELS[Math.trunc(level)];
      if (name === undefined) throw failure("Invalid debug level.");
      // What was logged before the run began anew is in the log.
      if (!running.noted.isHandingOut) running.calls.log(name, args.slice(1).map(toText).filter(isText).join(" "));
      return NOTHING;
    },
    setresp: (...args) => {
      const run = runOf("setresp");
      if (args.length !== 1) throw failure("redis.setresp() requires one argument.");
      const version = Math.trunc(toNumber(args[0]) ?? 0);
      if (version !== 2 && version !== 3) throw failure("RESP version must be 2 or 3.");
      run.protocol = version;
      return NOTHING;
    },
    set_repl: (...args) => {
      const run = runOf("set_repl");
      if (args.length !== 1) throw failure("redis.set_repl() requires two arguments.");
      const targets = Math.trunc(toNumber(args[0]) ?? 0);
      if ((targets & ~(TO_LOG | TO_REPLICAS)) !== 0) {
        throw failure("Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.");
      }
      run.targets = targets;
      return NOTHING;
    },
    sha1hex: (...args) => {
      if (args.length !== 1) throw failure("wrong number of arguments");
      return sha1Hex(toText(args[0]) ?? "");
    },
    error_reply: (...args) => {
      if (args.length !== 1 || typeof args[0] !== "string") return wrongArguments();
      return errorTable(args[0].startsWith("-") ? args[0].slice(1) : args[0]);
    },
    status_reply: (...args) => {
      if (args.length !== 1 || typeof args[0] !== "string") return wrongArguments();
      const table = new LuaTable();
      table.set("ok", args[0]);
      return table;
    },
    acl_check_cmd: (...args) => {
      runOf("acl_check_cmd");
      const wrong = buildRequest(running.calls.builder, args);
      if (wrong !== null) throw new LuaError(errorTable(wrong));
      const may = running.calls.mayCall(running.calls.builder.request);
      if (may === null) throw failure("Invalid command passed to redis.acl_check_cmd()");
      return may;
    },
  };
}

/** What only scripts have, and functions have not: what is left of earlier versions, and of the debugger. */
export const SCRIPT_FUNCTIONS: Readonly<Record<string, LuaFunction>> = {
  replicate_commands: () => true, // effects are what is replicated in any case
  breakpoint: () => false, // as outside of the debugger
  debug: () => NOTHING,
};

function wrongArguments(): LuaTable {
  return errorTable("ERR wrong number or type of arguments");
}

function isText(text: string | undefined): text is string {
  return text !== undefined;
}

/** The SHA-1 of a string of bytes, as 40 digits. */
export function sha1Hex(text: string): string {
  const bytes = encodeLatin1(text);
  const digest = new Uint8Array(SHA1_BYTES);
  sha1(bytes, 0, bytes.length, digest);
  let hex = "";
  for (const byte of digest) hex += byte.toString(16).padStart(2, "0");
  return hex;
}

/** Puts a command together; what is wrong with its arguments, or null. */
function buildRequest(builder: RequestBuilder, args: readonly LuaValue[]): string | null {
  const { length } = args;
  if (length === 0) return "ERR Please specify at least one argument for this redis lib call";
  builder.begin(length);
  for (let i = 0; i < length; i++) {
    const value = args[i];
    if (typeof value === "string") builder.word(value);
    else if (typeof value === "number") builder.word(numberArgument(value));
    else return "ERR Lua redis lib command arguments must be strings or integers";
  }
  return null;
}

/** A number as commands have it: integers in full, all else as short as it can be (as since Redis 7.2). */
function numberArgument(value: number): string {
  if (Number.isNaN(value)) return "-nan"; // as x86 makes it
  return value === 0 ? "0" : formatDouble(value);
}

/** The reply of a call that was made before the run began anew. */
function replayed(reader: ReplyReader, note: ReturnType<NotedCalls["next"]>, isProtected: boolean): LuaValue {
  if (note instanceof NotedRefusal) return failed(countedErrorTable(note.error), isProtected);
  if (!(note instanceof NotedReply)) return note;
  const value = reader.read(note.bytes, note.start);
  return note.bytes[note.start] === MINUS ? failed(value, isProtected) : value;
}

/** The error of a command: a value for `redis.pcall`, thrown by `redis.call`. */
function failed(error: LuaValue, isProtected: boolean): LuaValue {
  if (isProtected) return error;
  throw new LuaError(error);
}

/**
 * Makes sure that there is room on the stack for what a command does: what threw in the middle of one, as the stack is
 * full, would leave it half done.
 */
function reach(calls: number): number {
  // Some variables that live across the call, so that it takes as much of the stack as calls do that do something.
  const [a, b, c, d] = [calls & 1, calls & 2, calls & 3, calls & 4];
  const below = calls > 0 ? reach(calls - 1) : 0;
  return a + b + c + d + below;
}
