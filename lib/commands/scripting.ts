/** Scripts: EVAL, EVALSHA, their read-only forms, SCRIPT. What runs them is in `scripting/`, which knows no commands. */

import {
  ALLOW_BUSY,
  type Command,
  command,
  LOADING,
  MAY_REPLICATE,
  NO_MANDATORY_KEYS,
  NOSCRIPT,
  READONLY,
  SKIP_MONITOR,
  STALE,
} from "./command.ts";
import type { Evaluating } from "./client_facets.ts";
import type { ScriptReference } from "./declaration.ts";
import { NOT_INTEGER } from "./errors.ts";
import { help } from "./help.ts";
import type { ScriptingHost } from "./host_facets.ts";
import { ACCESS, index, keynum, keySpec, RO, RW, UPDATE } from "./key_specs.ts";
import type { Request } from "../resp/request.ts";
import type { Session } from "./session.ts";

/** Whom these commands run for. */
type Caller = Session<ScriptingHost>;

/** Digits of a SHA-1. */
const SHA_DIGITS = 40;
const NO_DEBUGGER =
  "ERR this server has no debugger for scripts: run them by a redis-server with SCRIPT DEBUG, or use redis.log";

/** How many of the arguments behind argument 2 are keys, as that says; -1 where that was refused. */
export function keyCount(session: Session, request: Request): number {
  const { reply } = session;
  const count = request.integer(2);
  if (Number.isNaN(count)) reply.error(NOT_INTEGER);
  else if (count > request.argc - 3) reply.error("ERR Number of keys can't be greater than number of args");
  else if (count < 0) reply.error("ERR Number of keys can't be negative");
  else return count;
  return -1;
}

/** `EVAL script numkeys [key …] [arg …]`, EVALSHA, EVAL_RO, EVALSHA_RO */
function evaluate(by: ScriptReference, mode: "may write" | "reads only") {
  return (session: Session & Evaluating, request: Request): void => {
    if (by === "sha" && request.lengths[1] !== SHA_DIGITS) return session.reply.error(NO_SCRIPT);
    const keys = keyCount(session, request);
    if (keys >= 0) session.evaluate(request, keys, by, mode === "reads only");
  };
}

const NO_SCRIPT = "NOSCRIPT No matching script. Please use EVAL.";

/** `SCRIPT LOAD script` */
function scriptLoad(session: Caller, request: Request): void {
  const loaded = session.host.scripting.load(request.text(2));
  if ("sha" in loaded) session.reply.bulkString(loaded.sha);
  else session.reply.error(loaded.failed);
}

/** `SCRIPT EXISTS sha1 [sha1 …]` */
function scriptExists(session: Caller, request: Request): void {
  session.reply.array(request.argc - 2);
  for (let i = 2; i < request.argc; i++) {
    const isThere = request.lengths[i] === SHA_DIGITS && session.host.scripting.has(request.text(i).toLowerCase());
    session.reply.integer(isThere ? 1 : 0);
  }
}

/** `SCRIPT FLUSH [ASYNC | SYNC]`: the collector frees what is forgotten, whichever is asked for */
function scriptFlush(session: Caller, request: Request): void {
  const { reply, host } = session;
  if (request.argc > 3 || (request.argc === 3 && !request.is(2, "sync") && !request.is(2, "async"))) {
    return reply.error("ERR SCRIPT FLUSH only support SYNC|ASYNC option");
  }
  host.scripting.flush();
  reply.ok();
}

/** `SCRIPT KILL` */
function scriptKill({ reply, host }: Caller): void {
  const refusal = host.scripting.kill("script");
  if (refusal === null) reply.ok();
  else reply.error(refusal);
}

/** `SCRIPT DEBUG YES | SYNC | NO` */
function scriptDebug({ reply }: Session, request: Request): void {
  if (request.is(2, "no")) reply.ok();
  else if (request.is(2, "yes") || request.is(2, "sync")) reply.error(NO_DEBUGGER);
  else reply.error("ERR Use SCRIPT DEBUG YES/SYNC/NO");
}

const SCRIPT_HELP = help("SCRIPT", [
  ["DEBUG (YES|SYNC|NO)", "Turn debugging of scripts on, which this server has not, or off."],
  ["EXISTS <sha1> [<sha1> ...]", "Tell which scripts are known."],
  ["FLUSH [ASYNC|SYNC]", "Forget all scripts."],
  ["KILL", "End the script that takes long, if it has written nothing."],
  ["LOAD <script>", "Compile a script and keep it."],
]);

const FLAGS_RO = NOSCRIPT | SKIP_MONITOR | NO_MANDATORY_KEYS | STALE | READONLY;
const FLAGS = (FLAGS_RO & ~READONLY) | MAY_REPLICATE;
const SCRIPTING = { categories: ["scripting"] };
const KEYS = keynum(0, 1, 1);

/** The keys of a script that may write; nobody can tell what it does with them. */
export const SCRIPT_KEYS = keySpec(
  RW | ACCESS | UPDATE,
  index(2),
  KEYS,
  "We cannot tell how the keys will be used so we assume the worst, RW and UPDATE",
);
/** The same of one that only reads. */
export const SCRIPT_KEYS_RO = keySpec(
  RO | ACCESS,
  index(2),
  KEYS,
  "We cannot tell how the keys will be used so we assume the worst, RO and ACCESS",
);
const withoutNotes = (spec: typeof SCRIPT_KEYS) => ({ ...spec, notes: "" });

export const SCRIPTING_COMMANDS: readonly Command[] = [
  command("eval", -3, FLAGS, evaluate("text", "may write"), { ...SCRIPTING, runs: "text", keys: [SCRIPT_KEYS] }),
  command("evalsha", -3, FLAGS, evaluate("sha", "may write"), {
    ...SCRIPTING,
    runs: "sha",
    keys: [withoutNotes(SCRIPT_KEYS)],
  }),
  command("eval_ro", -3, FLAGS_RO, evaluate("text", "reads only"), {
    ...SCRIPTING,
    runs: "text",
    keys: [SCRIPT_KEYS_RO],
  }),
  command("evalsha_ro", -3, FLAGS_RO, evaluate("sha", "reads only"), {
    ...SCRIPTING,
    runs: "sha",
    keys: [withoutNotes(SCRIPT_KEYS_RO)],
  }),
  command("script", -2, 0, SCRIPT_HELP, {
    subcommands: [
      command("script|debug", 3, NOSCRIPT, scriptDebug, SCRIPTING),
      command("script|exists", -3, NOSCRIPT, scriptExists, SCRIPTING),
      command("script|flush", -2, NOSCRIPT, scriptFlush, SCRIPTING),
      command("script|help", 2, LOADING | STALE, SCRIPT_HELP, SCRIPTING),
      command("script|kill", 2, NOSCRIPT | ALLOW_BUSY, scriptKill, SCRIPTING),
      command("script|load", 3, NOSCRIPT | STALE, scriptLoad, SCRIPTING),
    ],
  }),
];
