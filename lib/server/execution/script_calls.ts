/**
 * The commands that scripts call: which they may, by what, and what follows from them. They are called by a session of their
 * own, which is held over no connection and has a reply writer to itself; what it does is the doing of the client whose
 * script it is.
 */

import {
  type Command,
  DENYOOM,
  MAY_REPLICATE,
  NO_ASYNC_LOADING,
  NOSCRIPT,
  STALE,
  WRITE,
} from "../../commands/command.ts";
import { LOADING_DATA } from "../../commands/errors.ts";
import { protectedRefusal } from "../../commands/protected.ts";
import type { CommandTable } from "../../commands/table.ts";
import type { Config } from "../../config/config.ts";
import { ReplyWriter } from "../../resp/reply.ts";
import type { Request } from "../../resp/request.ts";
import { RequestBuilder } from "../../resp/request_builder.ts";
import { preciseUnixMs } from "../../runtime/clock.ts";
import type { CommandCalls, LogLevel } from "../../scripting/redis_library.ts";
import { type ScriptRun, TO_LOG, TO_REPLICAS } from "../../scripting/script_run.ts";
import { LOADER, PRIMARY } from "../clients/flags.ts";
import { NoConnection } from "../clients/no_connection.ts";
import { ClientSession, type SessionHost } from "../clients/session.ts";
import type { Log } from "../program/log.ts";
import type { Statistics } from "../reports/statistics.ts";
import { type Dispatcher, fits, NO_MEMORY, OUT_OF_MEMORY, READONLY_ERROR, subcommandOf } from "./dispatcher.ts";
import { GATE_ASYNC_LOADING, GATE_MEMORY, GATE_NO_WRITES, GATE_REPLICA, GATE_SHORT, GATE_STALE } from "./gates.ts";
import type { Propagation } from "./propagation.ts";

/** What MONITOR shows as the address of scripts. */
const ADDRESS = "lua";

const UNKNOWN = "ERR Unknown Redis command called from script";
const WRONG_NUMBER = "ERR Wrong number of args calling Redis command from script";
const NOT_ALLOWED = "ERR This Redis command is not allowed from script";
const WRITES = "ERR Write commands are not allowed from read-only scripts.";
const IS_STALE = "ERR Can not execute the command on a stale replica";

/** What the commands of scripts need of the server. */
export interface ScriptCallsHost extends SessionHost {
  readonly commands: CommandTable;
  readonly config: Config;
  readonly dispatcher:
    & SessionHost["dispatcher"]
    & Pick<Dispatcher, "callFromScript" | "gates" | "hasRoom" | "makeRoom" | "writableReplica" | "writesRefused">;
  readonly log: Pick<Log, LogLevel>;
  readonly propagation: SessionHost["propagation"] & Pick<Propagation, "targets">;
  readonly statistics: Statistics;
}

export class ScriptCalls implements CommandCalls {
  readonly builder = new RequestBuilder();
  readonly reply = new ReplyWriter();
  readonly #session: ClientSession;
  /** Whether there was no room below `maxmemory` when the script began. */
  #isOutOfMemory = false;
  /** The time that commands are told, in µs; 0 while nobody has asked. */
  #microseconds = 0;

  constructor(readonly server: ScriptCallsHost) {
    this.#session = new ClientSession(server, new NoConnection(ADDRESS), 0, this.reply);
    this.#session.insideExec = true; // nothing may wait
    this.#session.readMicroseconds = () => this.#microseconds ||= Math.round(preciseUnixMs() * 1000);
  }

  /** A script of a client begins. */
  begin(caller: ClientSession): void {
    const { dispatcher } = this.server;
    const session = this.#session;
    session.caller = caller;
    session.database = caller.database;
    session.flags = caller.flags & (PRIMARY | LOADER);
    session.writeOffset = caller.writeOffset; // what WAIT asks about
    this.#microseconds = 0;
    this.#isOutOfMemory = (dispatcher.gates & GATE_MEMORY) !== 0 && !caller.isObeyed && !dispatcher.hasRoom() &&
      !dispatcher.makeRoom();
  }

  end(): void {
    this.#session.caller = null;
    this.reply.clear();
  }

  call(run: ScriptRun, request: Request): string | null {
    const { caller } = this.#session;
    if (caller === null) throw new Error("no script runs");
    const { dispatcher, propagation } = this.server;
    const { reply } = this;
    const command = this.#find(request);
    const refusal = this.#refusal(run, caller, command, request);
    if (refusal !== null) {
      this.server.statistics.countError(refusal);
      if (command !== null) command.stats.rejected++;
      return refusal;
    }
    if (command === null) return UNKNOWN;
    if ((command.flags & WRITE) !== 0) run.hasWritten = true;
    if (reply.length > 0 || reply.isCut) reply.clear();
    reply.protocol = run.protocol;
    this.#session.protocol = run.protocol;
    propagation.targets = run.targets;
    try {
      dispatcher.callFromScript(this.#session, caller, command, request);
    } finally {
      propagation.targets = TO_LOG | TO_REPLICAS;
    }
    return null;
  }

  mayCall(request: Request): boolean | null {
    return this.#find(request) === null ? null : true;
  }

  log(level: LogLevel, text: string): void {
    this.server.log[level](text);
  }

  /** The command that a request names, and its subcommand. */
  #find(request: Request): Command | null {
    const { bytes, starts, lengths, argc } = request;
    const command = this.server.commands.find(bytes, starts[0], lengths[0]);
    if (command === null || command.subcommandIndex === null || argc === 1) return command;
    return subcommandOf(command.subcommandIndex, request);
  }

  /** The error with which a command is refused, or null. In the order in which Redis asks. */
  #refusal(run: ScriptRun, caller: ClientSession, command: Command | null, request: Request): string | null {
    if (command === null) return UNKNOWN;
    if (!fits(request, command)) return WRONG_NUMBER;
    const { flags } = command;
    const { gates } = this.server.dispatcher;
    if ((flags & NOSCRIPT) !== 0 && !this.server.debugging.scriptsCallAnything) return NOT_ALLOWED;
    if (command.protectedAs !== null) {
      const refusal = protectedRefusal(command.protectedAs, this.server, caller);
      if (refusal !== null) return refusal;
    }
    if (run.isReadOnly && (flags & (WRITE | MAY_REPLICATE)) !== 0) return WRITES;
    if (gates === 0 || caller.isObeyed) return null;
    return this.#gateRefusal(run, flags, gates);
  }

  /** The error with which the state of the server refuses a command. What has begun to write goes on. */
  #gateRefusal(run: ScriptRun, flags: number, gates: number): string | null {
    const { dispatcher } = this.server;
    if ((gates & GATE_STALE) !== 0 && (flags & STALE) === 0) return IS_STALE;
    if ((gates & GATE_ASYNC_LOADING) !== 0 && (flags & NO_ASYNC_LOADING) !== 0) return LOADING_DATA;
    if ((flags & WRITE) !== 0 && !run.hasWritten) {
      if ((gates & GATE_REPLICA) !== 0 && !dispatcher.writableReplica) return READONLY_ERROR;
      if ((gates & GATE_NO_WRITES) !== 0 && (gates & GATE_REPLICA) === 0) return dispatcher.writesRefused;
    }
    if ((flags & DENYOOM) === 0) return null;
    if ((gates & GATE_SHORT) !== 0) return NO_MEMORY;
    return this.#isOutOfMemory && !run.hasWritten && !run.allowsOutOfMemory ? OUT_OF_MEMORY : null;
  }
}
