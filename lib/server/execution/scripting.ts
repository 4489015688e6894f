/**
 * Scripts of clients: finds them, runs them, and replies. Most come to their end at once. One that takes long is left after
 * each slice: its client waits for it, and so do all others, as if it were one command; from `busy-reply-threshold` on they
 * are told that the server is busy, and may kill it.
 *
 * Between two slices the data stands still: nobody sees it, changes it, or takes a snapshot of it but the script.
 */

import type { ScriptReference } from "../../commands/declaration.ts";
import type { RunningScript, ScriptingControl } from "../../commands/host_facets.ts";
import { type Command, DENYOOM, MAY_REPLICATE, STALE, WRITE } from "../../commands/command.ts";
import type { Request } from "../../resp/request.ts";
import { monotonicMs } from "../../runtime/clock.ts";
import { onNextTurn } from "../../runtime/turns.ts";
import { type RunArguments, ScriptEngine } from "../../scripting/engine.ts";
import { ReplyMaker, shownValue, writeError } from "../../scripting/replies.ts";
import { FunctionLibraries } from "../../scripting/function_libraries.ts";
import { ScriptCache } from "../../scripting/script_cache.ts";
import { type Callable, ScriptRun } from "../../scripting/script_run.ts";
import { ALLOW_OOM, ALLOW_STALE, NO_WRITES, readShebang, UNDECLARED } from "../../scripting/shebang.ts";
import { LuaTable } from "../../scripting/lua/values.ts";
import type { Pausing } from "../clients/pausing.ts";
import type { Serving } from "../clients/serving.ts";
import type { ClientSession } from "../clients/session.ts";
import type { Monitors } from "../clients/monitors.ts";
import type { Settings } from "../program/settings.ts";
import { type Dispatcher, MASTERDOWN } from "./dispatcher.ts";
import { GATE_BUSY, GATE_MONITORED, GATE_STALE } from "./gates.ts";
import type { KeyWaiters } from "./key_waiters.ts";
import type { Propagation } from "./propagation.ts";
import { ScriptCalls, type ScriptCallsHost } from "./script_calls.ts";

const NO_SCRIPT = "NOSCRIPT No matching script. Please use EVAL.";
const WRITES_NOT_ALLOWED = "ERR Can not execute a script with write flag using *_ro command.";
const NOT_BUSY = "NOTBUSY No scripts in execution right now.";
const FROM_PRIMARY =
  "UNKILLABLE The busy script was sent by a master instance in the context of replication and cannot be killed.";
const HAS_WRITTEN =
  "UNKILLABLE Sorry the script already executed write commands against the dataset. You can either wait the script " +
  "termination or kill the server in a hard way using the SHUTDOWN NOSAVE command.";
const BUSY = {
  script: "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
  function: "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.",
};
/** Where the keys are in a request, if there are any. */
const FIRST_KEY = 3;
/** For so long a script may run as plain functions where nobody is ever told that the server is busy, in ms. */
const LONGEST_PLAIN_MS = 5000;

/** What running scripts needs of the server. */
export interface ScriptingHost extends ScriptCallsHost {
  current: ClientSession | null;
  readonly dispatcher:
    & ScriptCallsHost["dispatcher"]
    & Pick<Dispatcher, "answerNested" | "busyRefusal" | "setGate" | "tookLong">;
  readonly log: ScriptCallsHost["log"] & { readonly warning: (text: string) => void };
  readonly monitors: ScriptCallsHost["monitors"] & Pick<Monitors, "showScript">;
  readonly pausing: ScriptCallsHost["pausing"] & Pick<Pausing, "proceed" | "setScript">;
  readonly propagation: ScriptCallsHost["propagation"] & Pick<Propagation, "begin" | "discard" | "end">;
  readonly serving: ScriptCallsHost["serving"] & Pick<Serving, "flushAll">;
  readonly settings: ScriptCallsHost["settings"] & Pick<Settings, "busyReplyThresholdMs">;
  readonly streamOffset: number;
  readonly waiters: ScriptCallsHost["waiters"] & Pick<KeyWaiters, "hasReady" | "serve">;
}

/** A script that was left, and whose it is. */
interface Left {
  readonly client: ClientSession;
  readonly run: ScriptRun;
  readonly command: Command | null;
  readonly request: Request;
  readonly startedMs: number;
  /** Whether others are told that the server is busy. */
  isTold: boolean;
}

/** Finds scripts, runs them, and replies. */
export class Scripting implements ScriptingControl {
  readonly engine: ScriptEngine;
  readonly scripts: ScriptCache;
  readonly functions: FunctionLibraries;
  readonly #calls: ScriptCalls;
  /** The script that takes long. */
  #left: Left | null = null;
  /** Told when that has ended. */
  #onEnded: (() => void)[] = [];

  /** `version`: the version of Redis that scripts are told. */
  constructor(readonly server: ScriptingHost, version: string) {
    this.#calls = new ScriptCalls(server);
    this.engine = new ScriptEngine(this.#calls, version);
    this.scripts = new ScriptCache(this.engine);
    this.functions = server.keyspace.libraries = new FunctionLibraries(this.engine, (reason) =>
      server.log.warning(
        `A library of functions that came with the data cannot be loaded, and is kept with it: ${reason}`,
      ));
  }

  get running(): RunningScript | null {
    const left = this.#left;
    if (left === null) return null;
    const { kind, name } = left.run.callable;
    return { kind, name, request: left.request, durationMs: monotonicMs() - left.startedMs };
  }

  busyRefusal(kind: "script" | "function"): string {
    return BUSY[kind];
  }

  /** Whether a script runs, or was left. */
  get isRunning(): boolean {
    return this.engine.run !== null;
  }

  load(source: string): { readonly sha: string } | { readonly failed: string } {
    const script = this.scripts.loaded(source);
    return typeof script === "string" ? { failed: script } : { sha: script.name };
  }

  has(sha: string): boolean {
    return this.scripts.find(sha) !== null;
  }

  flush(): void {
    this.scripts.flush();
  }

  flagsOf(command: Command, request: Request): number {
    const flags = this.#declaredFlags(command, request);
    if ((flags & UNDECLARED) !== 0) return command.flags;
    let effective = command.flags & ~(STALE | DENYOOM | WRITE | MAY_REPLICATE);
    if ((flags & (ALLOW_OOM | NO_WRITES)) === 0) effective |= DENYOOM;
    if ((flags & NO_WRITES) === 0) effective |= WRITE;
    if ((flags & ALLOW_STALE) !== 0) effective |= STALE;
    return effective;
  }

  /** The flags of the script that a request names; UNDECLARED where there is none. */
  #declaredFlags(command: Command, request: Request): number {
    if (command.runs === "sha") return this.scripts.findNamed(request, 1)?.flags ?? UNDECLARED;
    if (command.runs === "function") return this.functions.find(request.text(1))?.flags ?? UNDECLARED;
    const declared = readShebang(request.text(1));
    return typeof declared === "string" ? UNDECLARED : declared.flags;
  }

  evaluate(client: ClientSession, request: Request, keys: number, by: ScriptReference, readsOnly: boolean): void {
    const { server } = this;
    // Only where DEBUG has let scripts call anything.
    if (this.isRunning) return client.reply.error("ERR a script cannot run another one");
    if ((server.dispatcher.gates & GATE_MONITORED) !== 0) server.monitors.showScript(client, request);
    const script = this.#find(request, by);
    if (script === null) return client.reply.error(NO_SCRIPT);
    if (typeof script === "string") return client.reply.error(script);
    this.#start(client, request, script, keys, readsOnly);
  }

  #find(request: Request, by: ScriptReference): Callable | string | null {
    if (by === "function") return this.functions.find(request.text(1));
    return by === "sha" ? this.scripts.findNamed(request, 1) : this.scripts.evaluated(request.text(1));
  }

  /** Runs a script or function, and replies, now or once it has come to its end. */
  #start(client: ClientSession, request: Request, callable: Callable, keys: number, readsOnly: boolean): void {
    const { propagation, settings } = this.server;
    const run = new ScriptRun(callable, readsOnly);
    const refusal = this.#refusal(client, run);
    if (refusal !== null) return client.reply.error(refusal);
    const thresholdMs = settings.busyReplyThresholdMs;
    const mayBeLeft = { afterMs: thresholdMs > 0 ? Math.min(thresholdMs, LONGEST_PLAIN_MS) : LONGEST_PLAIN_MS };
    client.preventPropagation(); // what the script does has propagated itself
    propagation.begin();
    try {
      this.#calls.begin(client);
      const given = new Given(request, keys);
      const progress = this.engine.start(run, given, client.isObeyed ? null : mayBeLeft);
      if (progress === "left") return this.#leave(client, run, request);
    } catch (error) {
      if (client.isPrimary) propagation.discard(); // see the dispatcher
      this.#end();
      throw error;
    }
    this.#end();
    writeResult(client, run);
  }

  /** The error with which a script is refused that has said of itself what it does. */
  #refusal({ isObeyed }: ClientSession, { callable: { flags }, readsOnly }: ScriptRun): string | null {
    if ((flags & UNDECLARED) !== 0) {
      return (this.server.dispatcher.gates & GATE_STALE) !== 0 && !isObeyed ? MASTERDOWN : null;
    }
    return readsOnly && (flags & NO_WRITES) === 0 ? WRITES_NOT_ALLOWED : null;
  }

  /** The script has come to its end, in whatever way: time goes on, and what it has written goes on to followers. */
  #end(): void {
    this.engine.abandon();
    this.#calls.end();
    this.server.propagation.end();
  }

  // --- Scripts that take long -----------------------------------------------------------------------------------------

  /** Has a client wait for its script, and all others. */
  #leave(client: ClientSession, run: ScriptRun, request: Request): void {
    const { server } = this;
    const startedMs = monotonicMs() - this.engine.elapsedMs;
    const command = server.commands.find(request.bytes, request.starts[0], request.lengths[0]);
    client.script = { before: null, goOn: null };
    this.#left = { client, run, command, request: request.copy(), startedMs, isTold: false };
    client.blockUntilDone(() => {});
    server.pausing.setScript("left");
    this.#tellWhereDue(this.#left);
    onNextTurn(this.#slice);
  }

  /** Once a script has taken so long, others are told that the server is busy, instead of waiting. */
  #tellWhereDue(left: Left): void {
    const { server } = this;
    const thresholdMs = server.settings.busyReplyThresholdMs;
    const elapsedMs = monotonicMs() - left.startedMs;
    if (left.isTold || thresholdMs <= 0 || elapsedMs < thresholdMs) return;
    const { kind, name } = left.run.callable;
    left.isTold = true;
    server.log.warning(
      `Slow script detected: still in execution after ${Math.round(elapsedMs)} milliseconds. You can try killing the ` +
        `script using the ${kind === "script" ? "SCRIPT KILL" : "FUNCTION KILL"} command. Script name is: ${name}.`,
    );
    server.dispatcher.busyRefusal = BUSY[kind];
    server.dispatcher.setGate(GATE_BUSY, true);
    server.pausing.proceed();
  }

  /** Runs the script that was left for a while. */
  #slice = (): void => {
    const { server } = this;
    const left = this.#left;
    if (left === null) return;
    server.pausing.setScript("runs");
    server.current = left.client;
    let failure: unknown = null;
    let isDone = true;
    try {
      isDone = this.engine.goOn() === "done";
    } catch (error) {
      failure = error;
    }
    server.current = null;
    if (isDone) return this.#finish(left, failure);
    server.pausing.setScript("left");
    server.serving.flushAll();
    this.#tellWhereDue(left);
    onNextTurn(this.#slice);
  };

  /** The script that was left has come to its end; `failure`: a fault of ours has ended it. */
  #finish(left: Left, failure: unknown): void {
    const { server } = this;
    const { client, command, request } = left;
    this.#left = null;
    this.#end();
    client.writeOffset = server.streamOffset;
    server.dispatcher.setGate(GATE_BUSY, false);
    try {
      if (failure !== null) throw failure;
      if (command !== null) {
        server.dispatcher.tookLong(client, command, request, monotonicMs() - left.startedMs);
      }
      this.#answer(left);
    } catch (error) {
      const reason = error instanceof Error ? error.stack ?? error.message : String(error);
      server.log.warning(`Closing client after an error in a script: ${client.description}: ${reason}`);
      client.script = null;
      server.serving.closeSoon(client);
    }
    if (this.#left !== null) return; // the transaction has come to another script that takes long
    server.pausing.setScript("none");
    if (server.waiters.hasReady) server.waiters.serve();
    for (const resolve of this.#onEnded.splice(0)) resolve();
  }

  /** Replies to the client that has waited, and has it go on, with the rest of its transaction first. */
  #answer({ client, run, command }: Left): void {
    const { dispatcher, serving } = this.server;
    const waited = client.script;
    client.script = null;
    const write = () => {
      if (waited?.before) client.reply.raw(waited.before);
      if (waited?.goOn === null || waited === null || command === null) return writeResult(client, run);
      dispatcher.answerNested(client, command, () => writeResult(client, run));
      waited.goOn();
    };
    if (client.blocking !== null) client.unblock(write);
    else serving.outsideBatch(client, write); // it has left, but what it has asked for is done to its end
  }

  /** Resolves when no script is left in the middle, with nothing else done in between. */
  async ended(): Promise<void> {
    while (this.#left !== null) await new Promise<void>((resolve) => this.#onEnded.push(resolve));
  }

  kill(kind: "script" | "function"): string | null {
    const { run } = this.engine;
    if (run === null) return NOT_BUSY;
    if (this.#left === null || this.#left.client.isObeyed) return FROM_PRIMARY;
    if (run.hasWritten) return HAS_WRITTEN;
    if (run.callable.kind !== kind) return BUSY[run.callable.kind];
    run.isKilled = true;
    return null;
  }
}

/** What a script is given by the request that runs it, of which so many arguments are keys. */
class Given implements RunArguments {
  constructor(readonly request: Request, readonly count: number) {}

  keys(): string[] {
    return texts(this.request, FIRST_KEY, FIRST_KEY + this.count);
  }

  others(): string[] {
    return texts(this.request, FIRST_KEY + this.count, this.request.argc);
  }
}

/** Arguments from one on, up to another, as texts. */
function texts(request: Request, from: number, to: number): string[] {
  const found: string[] = [];
  for (let i = from; i < to; i++) found.push(request.text(i));
  return found;
}

/** Replies what a run has given. */
function writeResult(client: ClientSession, run: ScriptRun): void {
  const { error } = run;
  if (error === null) return new ReplyMaker(client.reply, run.protocol).write(run.result);
  const { value, site } = error;
  let text = `ERR ${shownValue(value)}`;
  let isCounted = false;
  if (value instanceof LuaTable) {
    const message = value.get("err");
    const isText = typeof message === "string" || typeof message === "number";
    text = isText ? shownValue(message) : "ERR unknown error";
    isCounted = value.get("ignore_error_stats_update") === true;
  }
  const where = site.line < 0 ? "" : ` script: ${run.callable.name}, on ${site.source}:${site.line}.`;
  writeError(client.reply, text + where, isCounted);
}
