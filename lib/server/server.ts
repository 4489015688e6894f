/**
 * The server: the composition of store, commands, clients and the wings around them. It holds no logic of its own
 * beyond the bookkeeping of who is being served: each idea is a file beside it.
 */

import { systemErrorText } from "../bytes/system_errors.ts";
import type { WholeHost } from "../commands/caller.ts";
import type { CommandTable } from "../commands/table.ts";
import type { Acceptor, NetworkError, Socket } from "../net/socket.ts";
import { PubSub } from "../pubsub/pubsub.ts";
import { RequestParser } from "../resp/parser.ts";
import { ReplyWriter } from "../resp/reply.ts";
import { monotonicMs, unixMs } from "../runtime/clock.ts";
import { Keyspace } from "../store/keyspace.ts";
import type { Store } from "../store/store.ts";
import { Batch } from "./execution/batch.ts";
import { CLOSING, DROPPED, POSTPONED, REPLICA, SUBSCRIBED, UNAUTHENTICATED } from "./clients/flags.ts";
import { type ClientSession, isLoopback } from "./clients/session.ts";
import { describeClient } from "./clients/client_line.ts";
import { Changes } from "./execution/changes.ts";
import { Connection } from "./clients/connection.ts";
import { ClientMemory } from "./clients/client_memory.ts";
import { Cron } from "./data/cron.ts";
import { Dispatcher } from "./execution/dispatcher.ts";
import { GATE_NO_WRITES } from "./execution/gates.ts";
import type { Config } from "../config/config.ts";
import { Dumper, Restorer } from "../persistence/dump.ts";
import { LatencyMonitor } from "./reports/latency.ts";
import type { Listeners } from "./program/listeners.ts";
import { GivingBack } from "./data/giving_back.ts";
import { Debugging } from "./data/debugging.ts";
import { infoText } from "./reports/info.ts";
import type { Log } from "./program/log.ts";
import { Monitors } from "./clients/monitors.ts";
import { Pausing } from "./clients/pausing.ts";
import { Phase } from "./data/phase.ts";
import { Memory } from "./data/memory.ts";
import { MemoryLimit } from "./data/memory_limit.ts";
import { Propagation } from "./execution/propagation.ts";
import { Rates } from "./reports/rates.ts";
import { Replication } from "./data/replication.ts";
import { Saving } from "./data/saving.ts";
import { type OutputLimit, Settings } from "./program/settings.ts";
import { Shutdown } from "./program/shutdown.ts";
import { SlowLog } from "./reports/slow_log.ts";
import { Statistics } from "./reports/statistics.ts";
import { Tracking } from "./clients/tracking.ts";
import { Watching } from "./execution/watching.ts";

/** What a client from another machine is told as long as nobody has set a password. */
const PROTECTED_MODE_ERROR =
  "DENIED Redis is running in protected mode because protected mode is enabled and no password " +
  "is set for the default user. In this mode connections are only accepted from the loopback interface. If you want to " +
  "connect from external computers to Redis you may adopt one of the following solutions: " +
  "1) Just disable protected mode sending the command 'CONFIG SET protected-mode no' from the loopback interface by " +
  "connecting to Redis from the same host the server is running, however MAKE SURE Redis is not publicly accessible " +
  "from internet if you do so. Use CONFIG REWRITE to make this change permanent. " +
  "2) Alternatively you can just disable the protected mode by editing the Redis configuration file, and setting the " +
  "protected mode option to 'no', and then restarting the server. " +
  "3) If you started the server manually just for testing, restart it with the '--protected-mode no' option. " +
  "4) Setup a an authentication password for the default user. NOTE: You only need to do one of the above things in " +
  "order for the server to start accepting connections from the outside.";
const MISCONF =
  "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands " +
  "that may modify the data set are disabled, because this instance is configured to report errors during writes if RDB " +
  "snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB error.";
/** How often it is logged, at most, that connections cannot be taken, in ms. */
const ACCEPT_LOG_MS = 1000;
/** Somebody who sends HTTP is told of no more often than this, in ms. */
const HTTP_TOLD_EVERY_MS = 60_000;
/** Parsers kept for clients whose requests are cut. */
const MAX_POOLED_PARSERS = 64;

/** The whole server. Wings see of it what they have declared. */
export class Server implements WholeHost, Acceptor {
  readonly startedMs: number = unixMs();
  readonly settings = new Settings();
  readonly statistics = new Statistics();
  readonly keyspace: Keyspace;
  readonly store: Store;
  readonly propagation = new Propagation();
  readonly watching = new Watching();
  readonly pubsub = new PubSub();
  readonly dispatcher: Dispatcher = new Dispatcher(this);
  readonly phase: Phase;
  readonly tracking: Tracking = new Tracking(this);
  readonly changes: Changes = new Changes(this);
  readonly monitors: Monitors = new Monitors(this);
  readonly pausing: Pausing = new Pausing(this);
  readonly clientMemory: ClientMemory = new ClientMemory(this);
  readonly slowLog = new SlowLog();
  readonly latency = new LatencyMonitor();
  readonly cron: Cron;
  readonly saving: Saving;
  readonly shutdown: Shutdown = new Shutdown(this);
  readonly dumper: Dumper;
  readonly restorer: Restorer;
  readonly replication: Replication;
  readonly memory: Memory;
  readonly memoryLimit: MemoryLimit;
  readonly givingBack: GivingBack;
  readonly rates: Rates;
  readonly debugging: Debugging = new Debugging(this);
  listeners: Listeners | null = null;
  /** Path of the pid file, a binary string, or null. */
  pidFile: string | null = null;
  /** Connected clients by id. */
  readonly clients = new Map<number, ClientSession>();
  /** Clients that wait for a pause to end. */
  readonly postponed = new Set<ClientSession>();
  readonly reply = new ReplyWriter();
  /** Parses for every client whose request is not cut. */
  parser = new RequestParser();
  readonly batch: Batch;
  blockedClients = 0;
  /** The client whose requests are being run. */
  current: ClientSession | null = null;

  readonly #parsers: RequestParser[] = [];
  #nextClientId = 1;
  /** When it was logged last that a client sends HTTP, in ms. */
  #httpToldMs = -Infinity;
  /** Commands processed when the batch under way began. */
  #commandsBefore = 0;
  /** When it was logged last that a connection could not be taken. */
  #acceptFailedMs = -Infinity;
  /** Clients for whom `deliver` has queued output. */
  #toFlush: ClientSession[] = [];
  #closing: ClientSession[] = [];
  /** Clients whose waiting requests may be run once nobody else's are. */
  readonly #toProceed: ClientSession[] = [];
  #isProceeding = false;

  constructor(readonly log: Log, readonly config: Config, readonly commands: CommandTable) {
    this.keyspace = new Keyspace(config.number("databases"));
    this.store = this.keyspace.store;
    this.phase = new Phase(this.keyspace, this.dispatcher);
    this.batch = new Batch(commands, this.store.heap.foresight);
    this.cron = new Cron(this);
    this.saving = new Saving(this);
    this.dumper = new Dumper(this.store);
    this.restorer = new Restorer(this.keyspace);
    this.replication = new Replication(this);
    this.dispatcher.onSlow = (client, command, request, microseconds) =>
      this.slowLog.add(client, command, request, microseconds);
    this.dispatcher.onHttp = (client) => this.#cutOffHttp(client);
    this.dispatcher.onLatency = (event, milliseconds) => this.latency.report(event, milliseconds);
    this.memory = new Memory(this);
    this.memoryLimit = new MemoryLimit(this);
    this.givingBack = new GivingBack(this);
    this.rates = new Rates(this);
    this.keyspace.events.onExpired = this.changes.expired;
    this.reply.mayGrow = (bytes) => this.#mayReply(bytes);
    this.updateClock();
  }

  get maxBulkBytes(): number {
    return this.settings.maxBulkBytes;
  }

  /** To be called when everything is loaded and clients may be served. */
  ready(): void {
    this.changes.saved(this.changes.made);
    this.memory.ready();
    this.replication.begin(this.saving.lastLoad);
    this.saving.lastSaveMs = unixMs();
  }

  /** Refuses writes, or allows them again, by how saving fares and by the replicas that are there. */
  refreshWriteGate(): void {
    const cannotSave = !this.saving.lastSucceeded && this.config.flag("stop-writes-on-bgsave-error") &&
      this.config.savePoints.length > 0;
    this.dispatcher.diskFails = cannotSave;
    this.dispatcher.writesRefused = cannotSave ? MISCONF : "NOREPLICAS Not enough good replicas to write.";
    this.dispatcher.setGate(GATE_NO_WRITES, cannotSave || this.replication.lacksReplicas);
  }

  get passwordRequired(): boolean {
    return this.settings.requirePassword !== "";
  }

  /** The offset of the replication stream. */
  get streamOffset(): number {
    return this.replication.stream.offset;
  }

  get hasFollowers(): boolean {
    return this.propagation.active;
  }

  get loading(): boolean {
    return this.phase.isLoading;
  }

  resetStatistics(): void {
    this.statistics.reset(this.commands);
    this.store.resetStatistics();
    this.memoryLimit.resetStatistics();
  }

  info(sections: readonly string[]): string {
    return infoText(this, sections);
  }

  get isReplica(): boolean {
    return this.phase.isReplica;
  }

  /** Whether a user with this password may come in. There is one user, `default`. */
  credentialsValid(user: string, password: string): boolean {
    return user === "default" && (!this.passwordRequired || sameSecret(password, this.settings.requirePassword));
  }

  // --- Connections ---------------------------------------------------------------------------------------------------

  /** Takes a connection in, or turns it away. */
  accept(socket: Socket): void {
    if (this.clients.size >= this.settings.maxClients) {
      this.statistics.connectionsRejected++;
      return this.#turnAway(socket, "ERR max number of clients reached");
    }
    if (
      this.config.flag("protected-mode") && !this.passwordRequired && !socket.isUnix &&
      !isLoopback(socket.remoteAddress)
    ) {
      this.statistics.connectionsRejected++;
      return this.#turnAway(socket, PROTECTED_MODE_ERROR);
    }
    const client = this.addClient(socket);
    socket.setKeepAlive(this.config.number("tcp-keepalive"));
    this.statistics.connectionsReceived++;
    if (this.settings.requirePassword !== "") client.flags |= UNAUTHENTICATED;
  }

  /** Makes a client of a connection, whoever opened it. */
  addClient(socket: Socket): ClientSession {
    const connection = new Connection(this, socket, this.#nextClientId++);
    const { session } = connection;
    socket.handler = connection;
    this.clients.set(session.id, session);
    return session;
  }

  /** Ends a connection that brings HTTP, before anything of its body is taken for a command. */
  #cutOffHttp(client: ClientSession): void {
    this.closeSoon(client);
    if (this.store.nowMs - this.#httpToldMs < HTTP_TOLD_EVERY_MS) return;
    this.#httpToldMs = this.store.nowMs;
    this.log.warning(
      "Possible SECURITY ATTACK detected. It looks like somebody is sending POST or Host: commands to Redis. This is " +
        "likely due to an attacker attempting to use Cross Protocol Scripting to compromise your Redis instance. " +
        `Connection from ${client.connection.socket.remoteAddress} aborted.`,
    );
  }

  /** Tells at once, and closes: the turn may bring more connections than there are descriptors. */
  #turnAway(socket: Socket, error: string): void {
    const bytes = new TextEncoder().encode(`-${error}\r\n`);
    socket.write(bytes, 0, bytes.length);
    socket.end();
    socket.send();
  }

  acceptFailed(error: NetworkError): void {
    if (monotonicMs() - this.#acceptFailedMs < ACCEPT_LOG_MS) return;
    this.#acceptFailedMs = monotonicMs();
    this.log.warning(`Accepting client connection: accept: ${systemErrorText(error)}`);
  }

  /** A connection has ended. */
  clientGone(client: ClientSession): void {
    this.clients.delete(client.id);
    if (this.postponed.delete(client)) this.blockedClients--;
    this.clientMemory.forget(client);
    this.memory.clientGone();
    this.replication.clientGone(client);
    if (client.blocking !== null) this.blockedClients--;
  }

  /** Closes a client after the work under way. */
  closeSoon(client: ClientSession): void {
    if (client.isDropped) return;
    client.flags |= CLOSING | DROPPED;
    this.#closing.push(client);
    if (this.current === null) queueMicrotask(() => this.#closeMarked());
  }

  #closeMarked(): void {
    for (const client of this.#closing.splice(0)) client.connection.socket.destroy();
  }

  /** Enforces `client-output-buffer-limit` on a client that has `pending` bytes of output. */
  checkOutputLimit(client: ClientSession, pending: number): void {
    if (pending < this.settings.lowestOutputLimitBytes && client.connection.overSoftLimitSinceMs === 0) return;
    // What a snapshot sends waits for the replica by itself; only what follows it counts.
    if (client.replica !== null && client.replica.state !== "online") return;
    const { hardBytes, softBytes, softSeconds } = this.outputLimit(outputClass(client));
    let exceeded = hardBytes > 0 && pending >= hardBytes;
    if (softBytes > 0 && pending >= softBytes) {
      if (client.connection.overSoftLimitSinceMs === 0) client.connection.overSoftLimitSinceMs = this.store.nowMs;
      else if (this.store.nowMs - client.connection.overSoftLimitSinceMs > softSeconds * 1000) exceeded = true;
    } else {
      client.connection.overSoftLimitSinceMs = 0;
    }
    if (!exceeded || client.isDropped) return;
    this.log.warning(
      `Client ${client.description} scheduled to be closed ASAP for overcoming of output buffer limits.`,
    );
    this.statistics.outputBufferDisconnections++;
    this.closeSoon(client);
  }

  /** Whether the client being served may be replied so many bytes; if not, it is about to be closed. */
  #mayReply(bytes: number): boolean {
    const client = this.current;
    if (client === null || client.isPrimary) return true;
    this.checkOutputLimit(client, client.connection.outputBytes + bytes);
    return !client.isDropped;
  }

  /** The limit on the output of a class of clients. A replica's is never below the backlog, as that is sent to it. */
  outputLimit(kind: "normal" | "replica" | "pubsub"): OutputLimit {
    const [normal, replica, pubsub] = this.settings.outputLimits;
    if (kind !== "replica") return kind === "pubsub" ? pubsub : normal;
    const backlogBytes = this.config.number("repl-backlog-size");
    if (replica.hardBytes === 0 || replica.hardBytes >= backlogBytes) return replica;
    return { ...replica, hardBytes: backlogBytes };
  }

  /** A client on one line, as CLIENT LIST shows it. */
  describe(client: ClientSession): string {
    return describeClient(client, this.store.nowMs);
  }

  // --- Batches: what one arrival of data runs -------------------------------------------------------------------------

  beginBatch(client: ClientSession): void {
    this.#commandsBefore = this.statistics.commandsProcessed;
    this.current = client;
    client.lastActiveMs = this.updateClock();
  }

  endBatch(): void {
    this.dispatcher.endBatch();
    const commands = this.statistics.commandsProcessed - this.#commandsBefore;
    if (commands > this.statistics.mostCommandsPerBatch) this.statistics.mostCommandsPerBatch = commands;
    const client = this.current;
    this.current = null;
    this.flushAll();
    if (client !== null && this.clientMemory.limited) this.clientMemory.count(client);
    if (this.#toProceed.length > 0) this.#proceed();
  }

  /** Ends a batch that was left in the middle: nothing of it may reach the next. */
  abandonBatch(): void {
    this.batch.foresight.clear();
    this.store.noTouch = false;
    this.store.ignoreExpiry = false;
    this.parser = new RequestParser(); // it may hold a request of the batch
    this.parser.maxBulkBytes = this.settings.maxBulkBytes;
    this.endBatch();
  }

  /** Has a client's waiting requests run once the work under way is done. */
  proceedLater(client: ClientSession): void {
    this.#toProceed.push(client);
  }

  #proceed(): void {
    if (this.#isProceeding) return; // the batches that this runs end here too
    this.#isProceeding = true;
    for (let client = this.#toProceed.shift(); client !== undefined; client = this.#toProceed.shift()) {
      client.connection.proceed(0);
    }
    this.#isProceeding = false;
  }

  /** Runs `body`, which writes a reply for `client`, though no request of it is being run. */
  outsideBatch(client: ClientSession, body: () => void): void {
    const { reply, current: outer } = this;
    if (reply.isCut) reply.clear(); // nobody gets what is in it
    const mark = reply.open();
    this.current = client;
    body();
    this.current = outer;
    if (outer === null) {
      client.connection.flush();
      return this.flushAll();
    }
    // Another client's replies stand before this one in the writer: take it out.
    client.connection.deliver(reply.buffer, mark, reply.length);
    reply.rewind(mark);
    reply.protocol = outer.protocol;
  }

  willFlush(client: ClientSession): void {
    this.#toFlush.push(client);
    if (this.current === null && this.#toFlush.length === 1) queueMicrotask(() => this.flushAll());
  }

  /** Sends what was delivered to clients, and closes those marked. */
  flushAll(): void {
    if (this.tracking.hasBroadcasts) this.tracking.broadcast();
    if (this.#toFlush.length > 0) {
      const clients = this.#toFlush;
      this.#toFlush = [];
      for (const client of clients) client.connection.flushOutput();
      if (this.clientMemory.limited) { for (const client of clients) this.clientMemory.count(client); }
      if (this.#toFlush.length === 0) this.pubsub.flushed();
    }
    if (this.#closing.length > 0) this.#closeMarked();
  }

  /** Sends what clients and replicas are due, without waiting for the end of the turn. */
  sendAll(): void {
    this.current?.connection.flush();
    this.flushAll();
    for (const client of this.clients.values()) client.connection.socket.send();
  }

  takeParser(): RequestParser {
    const taken = this.parser;
    this.parser = this.#parsers.pop() ?? new RequestParser();
    this.parser.maxBulkBytes = this.settings.maxBulkBytes;
    return taken;
  }

  giveParser(parser: RequestParser): void {
    parser.reset();
    if (this.#parsers.length < MAX_POOLED_PARSERS) this.#parsers.push(parser);
  }

  /** Reads the clock that commands go by; returns it, in ms. */
  updateClock(): number {
    const nowMs = unixMs();
    this.store.setNow(nowMs);
    return nowMs;
  }

  // --- Commands -------------------------------------------------------------------------------------------------------

  asUnit(body: () => void): void {
    this.propagation.begin();
    try {
      body();
    } finally {
      this.propagation.end();
    }
  }

  /** Lets the clients that a pause has held go on. */
  resumePostponed(): void {
    for (const client of [...this.postponed]) {
      this.postponed.delete(client);
      this.blockedClients--;
      client.connection.proceed(POSTPONED);
    }
  }

  purgeMemory(): void {
    this.givingBack.purge();
  }
}

function outputClass(client: ClientSession): "normal" | "replica" | "pubsub" {
  if ((client.flags & REPLICA) !== 0) return "replica";
  return (client.flags & SUBSCRIBED) !== 0 ? "pubsub" : "normal";
}

/** Compares two secrets in a time that does not tell how much of them agrees. */
function sameSecret(a: string, b: string): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i % Math.max(1, b.length));
  return difference === 0;
}
