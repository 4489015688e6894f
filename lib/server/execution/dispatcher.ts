/**
 * The dispatcher: from a parsed request to its command, through everything that may refuse it, to the handler, and then
 * to what follows from it: statistics, the slow log, propagation.
 *
 * The common case is short: when neither the client nor the server is in a state that could refuse a command
 * (`client.flags & CLIENT_GATES`, `gates`), nothing is asked.
 */

import {
  ALLOW_BUSY,
  ALWAYS_TOUCHES,
  ARBITRARY_KEYS,
  type Command,
  DENYOOM,
  FAST,
  KEEPS_CACHING,
  LOADING,
  MAY_REPLICATE,
  NO_ASYNC_LOADING,
  NO_AUTH,
  NO_MULTI,
  NOT_QUEUED,
  QUICK,
  READONLY,
  REPLIES_WITH_MESSAGES,
  RUNS_QUEUE,
  SKIP_SLOWLOG,
  STALE,
  TELLS_OF_DISK,
  WHILE_SUBSCRIBED,
  WRITE,
} from "../../commands/command.ts";
import { LatencyHistogram } from "../../bytes/histogram.ts";
import { LOADING_DATA, STRING_TOO_LONG } from "../../commands/errors.ts";
import { protectedRefusal } from "../../commands/protected.ts";
import type { Config } from "../../config/config.ts";
import type { Mark } from "../../resp/reply.ts";
import type { Request } from "../../resp/request.ts";
import { monotonicMs } from "../../runtime/clock.ts";
import { BlockTooLargeError } from "../../store/arena.ts";
import { isOutOfRoom } from "../../store/out_of_room.ts";
import type { Store } from "../../store/store.ts";
import {
  BLOCKED,
  CLIENT_GATES,
  IN_TRANSACTION,
  isReplica,
  MONITOR,
  NO_TOUCH,
  POSTPONED,
  PRIMARY,
  REPLICA,
  REPLY_OFF,
  REPLY_SKIP,
  REPLY_SKIP_NEXT,
  SUBSCRIBED,
  TRACKING,
  UNAUTHENTICATED,
} from "../clients/flags.ts";
import type { ClientSession } from "../clients/session.ts";
import type { Tracking } from "../clients/tracking.ts";
import type { Log } from "../program/log.ts";
import type { Settings } from "../program/settings.ts";
import type { Statistics } from "../reports/statistics.ts";
import {
  GATE_ASYNC_LOADING,
  GATE_BUSY,
  GATE_LOADING,
  GATE_MEMORY,
  GATE_MONITORED,
  GATE_NO_WRITES,
  GATE_PAUSED,
  GATE_REPLICA,
  GATE_SHORT,
  GATE_SLOWED,
  GATE_STALE,
} from "./gates.ts";
import type { KeyWaiters } from "./key_waiters.ts";
import type { Propagation } from "./propagation.ts";
import { QuickTimer } from "./quick_timer.ts";

const SILENT = REPLY_OFF | REPLY_SKIP;
/** States in which what is delivered to a client does not go out with its replies: a replica gets none. */
const NOT_JOINED = SILENT | REPLICA;
/** States of the server in which a primary's commands are run as in any other. */
const NOT_FOR_PRIMARY = GATE_MEMORY | GATE_REPLICA | GATE_SHORT;
/** Most bytes of arguments that an error message about an unknown command shows. */
const MAX_SHOWN_BYTES = 128;
/** Requests larger than this are timed one by one, whatever the command, in bytes. */
const MAX_QUICK_BYTES = 64 * 1024;
/** A slow log threshold below this has every command timed by itself, in µs. */
const QUICK_THRESHOLD_MICROSECONDS = 1000;

const NOAUTH = "NOAUTH Authentication required.";
export const MASTERDOWN = "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.";
export const READONLY_ERROR = "READONLY You can't write against a read only replica.";
/** The reply where memory is missing whatever `maxmemory` says, for which Redis has no words, as it ends then. */
export const NO_MEMORY = "OOM command not allowed, there is no memory for it.";
/** The log is told that memory is missing once in so many ms. */
const MEMORY_WARNING_MS = 10_000;
export const OUT_OF_MEMORY = "OOM command not allowed when used memory > 'maxmemory'.";

/** What the dispatcher needs of the server. */
export interface DispatcherHost {
  readonly changes: { readonly made: number };
  /** The client whose requests are being run. */
  readonly current: ClientSession | null;
  readonly config: Config;
  readonly log: Pick<Log, "warning">;
  /** Clients that wait for a pause to end. */
  readonly postponed: Set<ClientSession>;
  readonly propagation: Propagation;
  readonly scripting: {
    /** What a command does, or may be done with it, that runs a script which says so itself. */
    flagsOf(command: Command, request: Request): number;
  };
  readonly settings: Pick<Settings, "latencyTracking" | "slowlogThresholdMicroseconds">;
  readonly statistics: Statistics;
  readonly store: Store;
  /** The offset of the replication stream. */
  readonly streamOffset: number;
  readonly tracking: Pick<Tracking, "enforceLimit" | "remember">;
  readonly waiters: Pick<KeyWaiters, "hasReady" | "serve">;
  blockedClients: number;
  updateClock(): void;
}

/** Runs requests, or refuses them. */
export class Dispatcher {
  /** States of the server in which commands may be refused. */
  gates = 0;
  /** Why writes are refused while GATE_NO_WRITES is set. */
  writesRefused = "";
  /** Whether that is because saving fails. */
  diskFails = false;
  /** What clients are told while GATE_BUSY is set. */
  busyRefusal = "";
  /** Whether clients may write to this replica (`replica-read-only no`). */
  writableReplica = false;
  /** Whether a pause under way lets a command of these flags through. */
  pauseLetsThrough: (flags: number) => boolean = () => true;
  /** Whether a client's write has to wait while writers are slowed down; set by the slowdown. */
  isSlowed: (client: ClientSession) => boolean = () => false;
  /** Whether memory is below the limit, and was when this was last asked. */
  hasRoom: () => boolean = () => true;
  /** Tries to come below the memory limit; whether it did. */
  makeRoom: () => boolean = () => true;
  /** Told of each command that has run, while there are monitors. */
  onMonitored: (client: ClientSession, command: Command, request: Request) => void = () => {};
  /** Told of each command that took at least the slow log's threshold. */
  onSlow: (client: ClientSession, command: Command, request: Request, microseconds: number) => void = () => {};
  /** Told of each command's duration above 1 ms, for LATENCY. */
  onLatency: (event: "command" | "fast-command", milliseconds: number) => void = () => {};

  /** Told of an error reply on a link of the replication, to the primary or to a replica. */
  onLinkError: (client: ClientSession, command: Command | null, error: string) => void = () => {};
  /** Told that a replica has replied to its own replica, which nobody would read; it is to be dropped. */
  onReplicaReply: (client: ClientSession, command: Command | null) => void = () => {};
  /** Told of a client that speaks HTTP: what a browser was made to send, with commands in its body. */
  onHttp: (client: ClientSession) => void = () => {};
  /** Told that a transaction has written behind its REPLICAOF: what no primary knows of. */
  onStrayWrite: () => void = () => {};
  /** Told of a write of the primary's that is applied although the disk fails. */
  onUnsavedWrite: () => void = () => {};

  readonly #quickTimer = new QuickTimer((command, microseconds, calls) => {
    this.#called(command, calls);
    this.#count(command, microseconds, calls);
  });
  /** EXEC is running other commands. */
  #isNested = false;
  /** What has waited for a key is being run again. */
  #isServingWaiter = false;
  /** Error replies that have been counted, of the writer's: EXEC's commands count theirs, not EXEC. */
  #errorsCounted = 0;
  /** When the command ended that was called last, if it was timed and nothing has been done since, in ms; else 0. */
  #endMs = 0;
  /** When the log was told last that memory is missing, in ms. */
  #toldOfMemoryMs = -Infinity;

  constructor(readonly server: DispatcherHost) {}

  setGate(gate: number, on: boolean): void {
    this.gates = on ? this.gates | gate : this.gates & ~gate;
  }

  /** Runs a request of a client, or refuses it. `command`: the one that it names, or null if there is none. */
  execute(client: ClientSession, request: Request, command: Command | null): void {
    if (command === null) {
      if (request.is(0, "post") || request.is(0, "host:")) return this.onHttp(client);
      return this.#rejectAtOnce(client, null, unknownCommand(request));
    }
    if (command.subcommandIndex !== null && request.argc > 1) {
      const subcommand = subcommandOf(command.subcommandIndex, request);
      if (subcommand === null) return this.#rejectAtOnce(client, null, unknownSubcommand(command, request));
      command = subcommand;
    }
    if (!fits(request, command)) return this.#rejectAtOnce(client, command, wrongNumber(command));
    client.lastCommand = command;
    if ((client.flags & CLIENT_GATES) === 0) {
      const gates = this.gates & ~GATE_MEMORY;
      // Nothing but writes is refused by a replica that is in step with its primary.
      if (gates === 0 || (gates === GATE_REPLICA && (command.flags & WRITE) === 0 && command.runs === null)) {
        if (gates === this.gates || this.hasRoom()) return this.call(client, command, request);
      }
    } else if ((client.flags & CLIENT_GATES) === PRIMARY) {
      if ((this.gates & ~NOT_FOR_PRIMARY) === 0 && command.protectedAs === null) {
        return this.#obey(client, command, request);
      }
    }
    this.#executeGuarded(client, command, request);
  }

  /** Runs a command of the primary's, which alone says what has expired. */
  #obey(client: ClientSession, command: Command, request: Request): void {
    const { store } = this.server;
    store.ignoreExpiry = true;
    this.call(client, command, request);
    store.ignoreExpiry = false;
  }

  /** `execute` where some state of the client or the server may refuse, or asks for more. */
  #executeGuarded(client: ClientSession, command: Command, request: Request): void {
    this.#endMs = 0; // much may be done before the command is
    const skipped = (client.flags & REPLY_SKIP) !== 0;
    const effective = this.#effectiveFlags(client, command, request);
    const refusal = this.#refusal(client, command, effective);
    if ((client.flags & TRACKING) !== 0) this.server.tracking.enforceLimit();
    // What was evicted to make room is invalid from before the command on, and is told before its reply.
    this.#joinOutput(client);
    const mark = client.reply.open();
    const wasReplica = isReplica(client);
    if (refusal !== null) {
      this.#reject(client, command, refusal);
    } else if (this.#mustWait(client, effective) || this.#mustSlow(client, effective)) {
      client.flags |= POSTPONED;
      this.server.postponed.add(client);
      this.server.blockedClients++;
      return;
    } else if ((client.flags & IN_TRANSACTION) !== 0 && (command.flags & NOT_QUEUED) === 0) {
      client.enqueue(command, request, effective);
      client.reply.simple("QUEUED");
    } else {
      const store = this.server.store;
      store.noTouch = (client.flags & NO_TOUCH) !== 0 && (command.flags & ALWAYS_TOUCHES) === 0;
      store.ignoreExpiry = (client.flags & PRIMARY) !== 0;
      this.call(client, command, request);
      store.noTouch = false;
      store.ignoreExpiry = false;
      this.#observe(client, command, request);
      const { tracking } = client;
      if (tracking?.caching && (client.flags & IN_TRANSACTION) === 0 && (command.flags & KEEPS_CACHING) === 0) {
        tracking.caching = false;
      }
    }
    if (wasReplica) this.#dropWhereReplied(client, command, mark);
    this.#silence(client, command, mark, skipped);
    this.#joinOutput(client);
  }

  /** A replica that has made itself be replied to would read that as part of the stream: it goes. */
  #dropWhereReplied(client: ClientSession, command: Command | null, mark: Mark): void {
    if (client.reply.length <= mark) return;
    client.reply.rewind(mark);
    this.onReplicaReply(client, command);
  }

  /** Has what was delivered to the client being served go out with its replies. A replica has none: its stream stays. */
  #joinOutput(client: ClientSession): void {
    if (client.connection.hasOutput && this.server.current === client && (client.flags & REPLICA) === 0) {
      client.connection.takeOutputIntoReply();
    }
  }

  /** Takes back the reply that stands after `mark` where CLIENT REPLY has said so; `skipped`: for this one command. */
  #silence(client: ClientSession, command: Command | null, mark: number, skipped: boolean): void {
    const off = (client.flags & REPLY_OFF) !== 0 || (skipped && (client.flags & REPLY_SKIP) !== 0);
    // Confirmations of subscriptions are messages, not replies.
    if (off && (command === null || (command.flags & REPLIES_WITH_MESSAGES) === 0)) client.reply.rewind(mark);
    if (!skipped) return;
    if ((client.flags & REPLY_SKIP_NEXT) === 0) client.flags &= ~REPLY_SKIP;
    client.flags &= ~REPLY_SKIP_NEXT;
  }

  /** What follows a command that ran for those who watch: monitors, and the client's own cache. */
  #observe(client: ClientSession, command: Command, request: Request): void {
    // What a script reads is remembered as it reads it.
    if ((client.flags & TRACKING) !== 0 && (command.flags & READONLY) !== 0 && command.runs === null) {
      this.server.tracking.remember(client, command, request);
    }
    if ((this.gates & GATE_MONITORED) !== 0) this.onMonitored(client, command, request);
  }

  /**
   * Runs a request of a log that is being loaded: it was allowed when it was written, so nothing refuses it, and what it
   * takes is no client's. Returns why it cannot be run, or null. Throws where there is no memory for it.
   */
  replay(client: ClientSession, request: Request, command: Command | null): string | null {
    if (command === null) return unknownCommand(request);
    if (command.subcommandIndex !== null && request.argc > 1) {
      const subcommand = subcommandOf(command.subcommandIndex, request);
      if (subcommand === null) return unknownSubcommand(command, request);
      command = subcommand;
    }
    if (!fits(request, command)) return wrongNumber(command);
    if ((client.flags & IN_TRANSACTION) !== 0 && (command.flags & NOT_QUEUED) === 0) {
      client.enqueue(command, request, command.flags);
    } else command.handler(client, request);
    client.propagated = null;
    return null;
  }

  /** Runs a command that EXEC has queued. */
  callNested(client: ClientSession, command: Command, request: Request): void {
    const changesBefore = this.server.changes.made;
    this.#isNested = true;
    client.insideExec = true;
    try {
      this.call(client, command, request);
    } finally {
      this.#isNested = false;
      client.insideExec = false;
    }
    if ((this.gates & GATE_REPLICA) !== 0 && this.server.changes.made !== changesBefore) {
      if (!client.isObeyed && !this.writableReplica) this.onStrayWrite();
    }
    this.#observe(client, command, request);
  }

  /** Runs a command that a script of a client calls, with what follows from it for that client. */
  callFromScript(session: ClientSession, caller: ClientSession, command: Command, request: Request): void {
    const [errorsCounted, isNested] = [this.#errorsCounted, this.#isNested];
    this.#isNested = true;
    try {
      this.call(session, command, request);
    } finally {
      this.#quickTimer.finish(); // what the script does then is not the command's
      this.#errorsCounted = errorsCounted;
      this.#isNested = isNested;
    }
    if ((caller.flags & TRACKING) !== 0 && (command.flags & READONLY) !== 0) {
      this.server.tracking.remember(caller, command, request);
    }
    if ((this.gates & GATE_MONITORED) !== 0) this.onMonitored(session, command, request);
  }

  /**
   * The error with which a command is refused, or null. In the order in which Redis asks. `effective`: its flags, or those
   * of what it runs.
   */
  #refusal(client: ClientSession, command: Command, effective: number): string | null {
    const flags = command.flags;
    const gates = this.gates;
    if ((client.flags & UNAUTHENTICATED) !== 0 && (flags & NO_AUTH) === 0) return NOAUTH;
    if ((client.flags & IN_TRANSACTION) !== 0 && (flags & NO_MULTI) !== 0) {
      return "ERR Command not allowed inside a transaction";
    }
    if (command.protectedAs !== null) {
      const refusal = protectedRefusal(command.protectedAs, this.server, client);
      if (refusal !== null) return refusal;
    }
    // EXEC does what any of the queued commands does, and bears what all of them bear.
    const runsQueue = (flags & RUNS_QUEUE) !== 0;
    const borne = runsQueue ? flags & commonFlags(client) : effective;
    const writes = (effective & WRITE) !== 0;
    if ((client.flags & PRIMARY) === 0) {
      if ((gates & GATE_MEMORY) !== 0 && !this.makeRoom()) {
        // Queuing takes memory too.
        const queues = (client.flags & IN_TRANSACTION) !== 0 && (flags & NOT_QUEUED) === 0;
        if ((effective & DENYOOM) !== 0 || queues) return OUT_OF_MEMORY;
      }
      if ((gates & GATE_SHORT) !== 0 && (effective & DENYOOM) !== 0) return NO_MEMORY;
      // That the disk fails is told to those who only ask whether all is well, too.
      if ((gates & GATE_NO_WRITES) !== 0 && (writes || ((flags & TELLS_OF_DISK) !== 0 && this.diskFails))) {
        if ((gates & GATE_REPLICA) === 0) return this.writesRefused;
      }
      if ((gates & GATE_REPLICA) !== 0 && writes && !this.writableReplica) return READONLY_ERROR;
    } else if (this.diskFails && writes && (gates & GATE_NO_WRITES) !== 0) {
      this.onUnsavedWrite();
    }
    if ((client.flags & SUBSCRIBED) !== 0 && client.protocol === 2 && (flags & WHILE_SUBSCRIBED) === 0) {
      const name = command.name;
      return `ERR Can't execute '${name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context`;
    }
    if ((gates & GATE_STALE) !== 0 && (borne & STALE) === 0 && (client.flags & PRIMARY) === 0) return MASTERDOWN;
    if ((gates & GATE_LOADING) !== 0 && (borne & LOADING) === 0) return LOADING_DATA;
    if ((gates & GATE_BUSY) !== 0 && (flags & ALLOW_BUSY) === 0 && (client.flags & PRIMARY) === 0) {
      return this.busyRefusal;
    }
    if ((gates & GATE_ASYNC_LOADING) !== 0 && (effective & NO_ASYNC_LOADING) !== 0) return LOADING_DATA;
    if ((client.flags & (REPLICA | MONITOR)) !== 0 && (effective & (WRITE | READONLY | MAY_REPLICATE)) !== 0) {
      return "ERR Replica can't interact with the keyspace";
    }
    return null;
  }

  /** Whether a pause under way holds up what a client waits to do. */
  mustWait(client: ClientSession, command: Command): boolean {
    return this.#mustWait(client, command.flags);
  }

  /** The same of a command with such flags. */
  #mustWait(client: ClientSession, effective: number): boolean {
    if ((this.gates & GATE_PAUSED) === 0 || (client.flags & REPLICA) !== 0) return false;
    return !this.pauseLetsThrough(effective);
  }

  /** Whether a command has to wait as writers are slowed down. One that has waited for a key does not wait again. */
  #mustSlow(client: ClientSession, effective: number): boolean {
    if ((this.gates & GATE_SLOWED) === 0 || (client.flags & REPLICA) !== 0 || this.#isServingWaiter) return false;
    return (effective & (WRITE | MAY_REPLICATE)) !== 0 && this.isSlowed(client);
  }

  /** What a command does: of EXEC, what any of the commands does that it runs; of a script, what that says of itself. */
  #effectiveFlags(client: ClientSession, command: Command, request: Request): number {
    if ((command.flags & RUNS_QUEUE) !== 0) return command.flags | queuedFlags(client);
    return command.runs === null ? command.flags : this.server.scripting.flagsOf(command, request);
  }

  /** Runs again what a client has waited for a key to do. */
  serveWaiter(client: ClientSession, request: Request, command: Command): void {
    this.#isServingWaiter = true;
    try {
      this.execute(client, request, command);
    } finally {
      this.#isServingWaiter = false;
    }
  }

  /** Rejects what could not even be made out as a command. */
  #rejectAtOnce(client: ClientSession, command: Command | null, error: string): void {
    const mark = client.reply.open();
    this.#reject(client, command, error);
    if (isReplica(client)) this.#dropWhereReplied(client, command, mark);
    if ((client.flags & SILENT) !== 0) this.#silence(client, command, mark, (client.flags & REPLY_SKIP) !== 0);
  }

  #reject(client: ClientSession, command: Command | null, error: string): void {
    if (command !== null && (command.flags & RUNS_QUEUE) !== 0) {
      // An EXEC that is refused ends the transaction all the same, so that no client stays in one it thinks is over.
      error = `EXECABORT Transaction discarded because of: ${error.replace(/^ERR /, "")}`;
      client.endTransaction();
      client.unwatch();
    } else if (client.transaction !== null) {
      client.transaction.failed = true;
    }
    client.reply.error(error);
    this.#countError(client, command, error);
    if (command !== null) command.stats.rejected++;
  }

  #countError(client: ClientSession, command: Command | null, error: string): void {
    this.server.statistics.countError(error);
    if ((client.flags & (PRIMARY | REPLICA)) !== 0) this.onLinkError(client, command, error);
  }

  /** Has `write` reply to a command that has waited: only now it counts as called, and an error is its own. */
  answer(client: ClientSession, write: () => void): void {
    const { reply, lastCommand } = client;
    this.#errorsCounted = reply.errorCount;
    write();
    if (lastCommand === null || client.script !== null) return; // EXEC may have come to another script that takes long
    this.#called(lastCommand, 1);
    if (reply.errorCount !== this.#errorsCounted) this.#failed(client, lastCommand);
    this.#count(lastCommand, 0, 1);
  }

  /** The same of a command of a transaction, which EXEC goes on after. */
  answerNested(client: ClientSession, command: Command, write: () => void): void {
    const { reply } = client;
    this.#errorsCounted = reply.errorCount;
    write();
    this.#called(command, 1);
    if (reply.errorCount !== this.#errorsCounted) this.#failed(client, command);
    this.#count(command, 0, 1);
  }

  /** A script that took long has ended, after so many ms since its command was called. */
  tookLong(client: ClientSession, command: Command, request: Request, elapsedMs: number): void {
    command.stats.microseconds += elapsedMs * 1000;
    this.#report(client, command, request, elapsedMs);
  }

  /** A command has been called to its end, so many times. */
  #called(command: Command, calls: number): void {
    command.stats.calls += calls;
    this.server.statistics.commandsProcessed += calls;
  }

  /** A command that has been called has replied with an error. */
  #failed(client: ClientSession, command: Command): void {
    const { reply } = client;
    this.#errorsCounted = reply.errorCount;
    command.stats.failed++;
    if (!reply.isErrorCounted) this.#countError(client, command, reply.lastError);
  }

  /** Runs a command that nothing refuses, with all that follows from it. */
  call(client: ClientSession, command: Command, request: Request): void {
    const server = this.server;
    const reply = client.reply;
    this.#errorsCounted = reply.errorCount;
    const changesBefore = server.changes.made;
    const quick = this.#isQuick(command, request);
    let startMs = 0;
    let endMs = 0;
    if (quick) {
      this.#quickTimer.called(command);
    } else {
      this.#quickTimer.finish();
      // Where commands follow each other, one ends when the next begins.
      startMs = this.#endMs > 0 ? this.#endMs : monotonicMs();
    }
    this.#endMs = 0;
    const mark = reply.open();

    try {
      command.handler(client, request);
    } catch (error) {
      this.#threw(client, command, request, error, changesBefore, mark);
    }

    if (!quick) {
      endMs = monotonicMs();
      this.#record(client, command, request, endMs - startMs);
      if ((client.flags & BLOCKED) === 0) this.#called(command, 1); // else that is done when it is answered
    }
    if (reply.errorCount !== this.#errorsCounted) this.#failed(client, command);
    if (server.changes.made !== changesBefore || client.propagated !== null) this.#propagate(client, command, request);
    else if (server.propagation.isDue) this.#settle(client, command);
    if (server.waiters.hasReady || client.connection.hasOutput) this.#deliver(client);
    if (!quick && !this.#isNested) this.#endMs = endMs;
  }

  /** After a command: wakes those who wait for what it has made, and has what it delivered to its own client go out. */
  #deliver(client: ClientSession): void {
    if (this.#isNested) return; // EXEC does so after all of them, and a script
    const { server } = this;
    if (server.waiters.hasReady) server.waiters.serve();
    if (client.connection.hasOutput && server.current === client && (client.flags & NOT_JOINED) === 0) {
      client.connection.takeOutputIntoReply();
    }
  }

  /**
   * A handler threw. Where there was no room for what it was to do, the client is told, and what the handler has changed
   * before goes on to followers like that of any command. All else is a fault of ours, for which the client is closed;
   * what was changed goes on to them even so. A primary cannot be told, as the stream would go on without the change: its
   * link is closed too; nor can a log that is loaded, which is given up.
   */
  #threw(
    client: ClientSession,
    command: Command,
    request: Request,
    error: unknown,
    changesBefore: number,
    mark: Mark,
  ): void {
    const { server } = this;
    if (!isOutOfRoom(error) || client.isObeyed) {
      // What EXEC has run until then has gone on by itself; EXEC without its MULTI is nothing.
      const goesOn = (command.flags & RUNS_QUEUE) === 0;
      // What a primary's request has done until then is no moment of its stream: all is to come anew.
      if (client.isPrimary) server.propagation.discard();
      else if (goesOn && (server.changes.made !== changesBefore || client.propagated !== null)) {
        this.#propagate(client, command, request);
      }
      throw error;
    }
    const { reply } = client;
    reply.rewind(mark);
    if (error instanceof BlockTooLargeError) return reply.error(STRING_TOO_LONG);
    reply.error(NO_MEMORY);
    const nowMs = monotonicMs();
    if (nowMs - this.#toldOfMemoryMs < MEMORY_WARNING_MS) return;
    this.#toldOfMemoryMs = nowMs;
    server.log.warning(`There is no memory for the command '${command.name}': ${error.message}`);
  }

  #propagate(client: ClientSession, command: Command, request: Request): void {
    const { propagation } = this.server;
    const propagated = client.propagated;
    client.propagated = null;
    if (!propagation.active) return;
    const index = client.database.index;
    if (propagated === null) propagation.write(index, request);
    else if (propagated.argc > 0) propagation.write(index, propagated);
    this.#settle(client, command);
  }

  /** Sends what has gathered besides the write itself, and notes how far the stream is with all that the client did. */
  #settle(client: ClientSession, command: Command): void {
    const { propagation } = this.server;
    if (propagation.isDue) propagation.settle((command.flags & ARBITRARY_KEYS) === 0);
    client.writeOffset = this.server.streamOffset;
  }

  #isQuick(command: Command, request: Request): boolean {
    return (command.flags & QUICK) !== 0 &&
      this.server.settings.slowlogThresholdMicroseconds >= QUICK_THRESHOLD_MICROSECONDS &&
      request.rawEnd - request.rawStart < MAX_QUICK_BYTES;
  }

  endBatch(): void {
    this.#endMs = 0;
    this.#quickTimer.finish();
  }

  #count(command: Command, microseconds: number, calls: number): void {
    const stats = command.stats;
    stats.microseconds += microseconds;
    if (!this.server.settings.latencyTracking) return;
    stats.histogram ??= new LatencyHistogram();
    stats.histogram.record(microseconds / calls, calls);
  }

  #record(client: ClientSession, command: Command, request: Request, elapsedMs: number): void {
    if (client.script !== null) return; // it goes on
    const microseconds = elapsedMs * 1000;
    if ((client.flags & BLOCKED) === 0) this.#count(command, microseconds, 1);
    else command.stats.microseconds += microseconds;
    this.#report(client, command, request, elapsedMs);
  }

  /** Tells those who want to know of commands that take long. */
  #report(client: ClientSession, command: Command, request: Request, elapsedMs: number): void {
    const microseconds = elapsedMs * 1000;
    if (elapsedMs > this.server.statistics.longestMs) this.server.statistics.longestMs = elapsedMs;
    if (elapsedMs >= 1) {
      this.server.updateClock();
      this.onLatency((command.flags & FAST) !== 0 ? "fast-command" : "command", elapsedMs);
    }
    const threshold = this.server.settings.slowlogThresholdMicroseconds;
    if (threshold >= 0 && microseconds >= threshold && (command.flags & SKIP_SLOWLOG) === 0) {
      this.onSlow(client, command, request, microseconds);
    }
  }
}

export function subcommandOf(index: NonNullable<Command["subcommandIndex"]>, request: Request): Command | null {
  return index.find(request.bytes, request.starts[1], request.lengths[1]);
}

/** Whether a request has as many arguments as its command takes. */
export function fits({ argc }: Request, { arity }: Command): boolean {
  return arity >= 0 ? argc === arity : argc >= -arity;
}

function wrongNumber({ name }: Command): string {
  return `ERR wrong number of arguments for '${name}' command`;
}

/** The flags that any of the commands queued has. */
function queuedFlags(client: ClientSession): number {
  return client.transaction?.queue.reduce((flags, queued) => flags | queued.flags, 0) ?? 0;
}

/** The flags that all of the commands queued have. */
function commonFlags(client: ClientSession): number {
  return client.transaction?.queue.reduce((flags, queued) => flags & queued.flags, -1) ?? -1;
}

/** At most `limit` bytes of an argument, up to a NUL, as the C of Redis shows it. */
function excerpt(request: Request, index: number, limit: number): string {
  return request.excerpt(index, limit).split("\0", 1)[0];
}

function unknownCommand(request: Request): string {
  let shown = "";
  for (let i = 1; i < request.argc && shown.length < MAX_SHOWN_BYTES; i++) {
    shown += `'${excerpt(request, i, MAX_SHOWN_BYTES - shown.length)}' `;
  }
  return `ERR unknown command '${excerpt(request, 0, MAX_SHOWN_BYTES)}', with args beginning with: ${shown}`;
}

function unknownSubcommand(command: Command, request: Request): string {
  const name = excerpt(request, 1, MAX_SHOWN_BYTES);
  return `ERR unknown subcommand '${name}'. Try ${command.name.toUpperCase()} HELP.`;
}
