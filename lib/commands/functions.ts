/** Functions: FCALL, FCALL_RO, and FUNCTION, which loads and shows the libraries that they are in. */

import { globMatchText } from "../bytes/glob.ts";
import { BAD_PAYLOAD, isPayloadIntact } from "../persistence/dump.ts";
import type { Request } from "../resp/request.ts";
import type { Evaluating, ReplicationLink } from "./client_facets.ts";
import {
  ALLOW_BUSY,
  type Command,
  command,
  DENYOOM,
  LOADING,
  MAY_REPLICATE,
  NO_MANDATORY_KEYS,
  NOSCRIPT,
  READONLY,
  SKIP_MONITOR,
  STALE,
  WRITE,
} from "./command.ts";
import { shownArgument, subcommandSyntax } from "./errors.ts";
import { help } from "./help.ts";
import type { ListedLibrary, SavingHost, ScriptingHost } from "./host_facets.ts";
import { SCRIPT_KEYS, SCRIPT_KEYS_RO } from "./scripting.ts";
import type { Session } from "./session.ts";

/** Whom these commands run for. */
type Caller = Session<ScriptingHost>;

const ENGINE = "LUA";

/** `FCALL function numkeys [key …] [arg …]`, FCALL_RO */
function callFunction(mode: "may write" | "reads only") {
  return (session: Caller & Evaluating, request: Request): void => {
    const { reply, host } = session;
    if (!host.scripting.functions.has(request.text(1))) return reply.error("ERR Function not found");
    const keys = request.integer(2);
    if (Number.isNaN(keys)) return reply.error("ERR Bad number of keys provided");
    if (keys > request.argc - 3) return reply.error("ERR Number of keys can't be greater than number of args");
    if (keys < 0) return reply.error("ERR Number of keys can't be negative");
    session.evaluate(request, keys, "function", mode === "reads only");
  };
}

/** The libraries are other ones now: that is to be saved, and goes on to followers as it was asked for. */
function changed(session: Caller, request: Request): void {
  session.host.changes.made++;
  session.propagate(request);
}

/** `FUNCTION LOAD [REPLACE] function-code` */
function functionLoad(session: Caller & Pick<ReplicationLink, "isObeyed">, request: Request): void {
  const { reply, host } = session;
  let replaces = false;
  for (let i = 2; i < request.argc - 1; i++) {
    if (!request.is(i, "replace")) return reply.error(`ERR Unknown option given: ${shownArgument(request, i)}`);
    replaces = true;
  }
  const mode = replaces ? "replace" : "add";
  const loaded = host.scripting.functions.load(request.text(request.argc - 1), mode, !session.isObeyed);
  if ("failed" in loaded) return reply.error(loaded.failed);
  changed(session, request);
  reply.bulkString(loaded.name);
}

/** `FUNCTION DELETE library-name` */
function functionDelete(session: Caller, request: Request): void {
  const { reply, host } = session;
  if (!host.scripting.functions.delete(request.text(2))) return reply.error("ERR Library not found");
  changed(session, request);
  reply.ok();
}

/** `FUNCTION FLUSH [ASYNC | SYNC]`: the collector frees what is forgotten, whichever is asked for */
function functionFlush(session: Caller, request: Request): void {
  const { reply, host } = session;
  if (request.argc > 3) return reply.error(subcommandSyntax(request));
  if (request.argc === 3 && !request.is(2, "sync") && !request.is(2, "async")) {
    return reply.error("ERR FUNCTION FLUSH only supports SYNC|ASYNC option");
  }
  host.scripting.functions.flush();
  changed(session, request);
  reply.ok();
}

/** `FUNCTION LIST [LIBRARYNAME pattern] [WITHCODE]` */
function functionList(session: Caller, request: Request): void {
  const { reply, host } = session;
  let withCode = false;
  let pattern: string | null = null;
  for (let i = 2; i < request.argc; i++) {
    if (!withCode && request.is(i, "withcode")) {
      withCode = true;
    } else if (pattern === null && request.is(i, "libraryname")) {
      if (++i >= request.argc) return reply.error("ERR library name argument was not given");
      pattern = request.text(i);
    } else return reply.error(`ERR Unknown argument ${shownArgument(request, i)}`);
  }
  const libraries = [...host.scripting.functions.libraries.values()];
  const shown = pattern === null ? libraries : libraries.filter(({ name }) => globMatchText(pattern, name, true));
  reply.array(shown.length);
  for (const library of shown) replyLibrary(session, library, withCode);
}

function replyLibrary({ reply }: Session, { name, functions, source }: ListedLibrary, withCode: boolean): void {
  reply.map(withCode ? 4 : 3);
  reply.bulkString("library_name");
  reply.bulkString(name);
  reply.bulkString("engine");
  reply.bulkString(ENGINE);
  reply.bulkString("functions");
  reply.array(functions.size);
  for (const [functionName, { description, flagNames }] of functions) {
    reply.map(3);
    reply.bulkString("name");
    reply.bulkString(functionName);
    reply.bulkString("description");
    if (description === null) reply.nil();
    else reply.bulkString(description);
    reply.bulkString("flags");
    reply.set(flagNames.length);
    for (const flag of flagNames) reply.simple(flag);
  }
  if (!withCode) return;
  reply.bulkString("library_code");
  reply.bulkString(source);
}

/** `FUNCTION DUMP` */
function functionDump({ reply, host }: Session<SavingHost & ScriptingHost>): void {
  const compression = host.config.flag("rdbcompression");
  reply.bulkBytes(host.dumper.dumpFunctions(host.keyspace.functions, compression));
}

/** `FUNCTION RESTORE serialized-value [FLUSH | APPEND | REPLACE]` */
function functionRestore(session: Session<SavingHost & ScriptingHost>, request: Request): void {
  const { reply, host } = session;
  if (request.argc > 4) return reply.error(subcommandSyntax(request));
  let mode: "flush" | "replace" | "add" = "add";
  if (request.argc === 4) {
    if (request.is(3, "flush")) mode = "flush";
    else if (request.is(3, "replace")) mode = "replace";
    else if (!request.is(3, "append")) {
      return reply.error("ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.");
    }
  }
  const { bytes, starts, lengths } = request;
  if (!isPayloadIntact(bytes, starts[2], lengths[2])) return reply.error(`ERR ${BAD_PAYLOAD}`);
  const sources = host.restorer.readFunctions(bytes, starts[2], lengths[2]);
  if (typeof sources === "string") return reply.error(`ERR ${sources}`);
  const failure = host.scripting.functions.join(sources, mode);
  if (failure !== null) return reply.error(failure);
  changed(session, request);
  reply.ok();
}

/** `FUNCTION STATS` */
function functionStats({ reply, host: { scripting } }: Caller): void {
  const { running, functions } = scripting;
  if (running?.kind === "script") return reply.error(scripting.busyRefusal("script"));
  reply.map(2);
  reply.bulkString("running_script");
  if (running === null) {
    reply.nil();
  } else {
    reply.map(3);
    reply.bulkString("name");
    reply.bulkString(running.name);
    reply.bulkString("command");
    const { request } = running;
    reply.array(request.argc);
    for (let i = 0; i < request.argc; i++) reply.bulk(request.bytes, request.starts[i], request.lengths[i]);
    reply.bulkString("duration_ms");
    reply.integer(Math.floor(running.durationMs));
  }
  reply.bulkString("engines");
  reply.map(1);
  reply.bulkString(ENGINE);
  reply.map(2);
  reply.bulkString("libraries_count");
  reply.integer(functions.libraries.size);
  reply.bulkString("functions_count");
  reply.integer(functions.functionCount);
}

/** `FUNCTION KILL` */
function functionKill({ reply, host }: Caller): void {
  const refusal = host.scripting.kill("function");
  if (refusal === null) reply.ok();
  else reply.error(refusal);
}

const FUNCTION_HELP = help("FUNCTION", [
  ["LOAD [REPLACE] <FUNCTION CODE>", "Load a library of functions, in the place of one with its name if asked for."],
  ["DELETE <LIBRARY NAME>", "Remove a library."],
  ["LIST [LIBRARYNAME PATTERN] [WITHCODE]", "Show libraries: what they are called, their functions, and their code."],
  ["STATS", "Tell which function takes long, and how many there are."],
  ["KILL", "End the function that takes long, if it has written nothing."],
  ["FLUSH [ASYNC|SYNC]", "Remove all libraries."],
  ["DUMP", "Give all libraries as bytes, for FUNCTION RESTORE."],
  ["RESTORE <PAYLOAD> [FLUSH|APPEND|REPLACE]", "Load libraries from such bytes, and say what of others stays."],
]);

const CALL_RO = NOSCRIPT | SKIP_MONITOR | NO_MANDATORY_KEYS | STALE | READONLY;
const CALL = (CALL_RO & ~READONLY) | MAY_REPLICATE;
const CHANGES = NOSCRIPT | WRITE;
const SCRIPTING = { categories: ["scripting"] };

export const FUNCTION_COMMANDS: readonly Command[] = [
  command("fcall", -3, CALL, callFunction("may write"), { ...SCRIPTING, runs: "function", keys: [SCRIPT_KEYS] }),
  command("fcall_ro", -3, CALL_RO, callFunction("reads only"), {
    ...SCRIPTING,
    runs: "function",
    keys: [SCRIPT_KEYS_RO],
  }),
  command("function", -2, 0, FUNCTION_HELP, {
    subcommands: [
      command("function|delete", 3, CHANGES, functionDelete, SCRIPTING),
      command("function|dump", 2, NOSCRIPT, functionDump, SCRIPTING),
      command("function|flush", -2, CHANGES, functionFlush, SCRIPTING),
      command("function|help", 2, LOADING | STALE, FUNCTION_HELP, SCRIPTING),
      command("function|kill", 2, NOSCRIPT | ALLOW_BUSY, functionKill, SCRIPTING),
      command("function|list", -2, NOSCRIPT, functionList, SCRIPTING),
      command("function|load", -3, CHANGES | DENYOOM, functionLoad, SCRIPTING),
      command("function|restore", -3, CHANGES | DENYOOM, functionRestore, SCRIPTING),
      command("function|stats", 2, NOSCRIPT | ALLOW_BUSY, functionStats, SCRIPTING),
    ],
  }),
];
