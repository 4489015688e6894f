/**
 * A session: the state of one client that commands see and change. Which database and protocol it has chosen, its name,
 * its transaction and what it watches, subscribes to and tracks, what it waits for, whether it is a replica or the primary.
 *
 * Each connection has one (connection.ts), which hands it to the dispatcher with every request; the server's registry of
 * clients is a map of sessions.
 */

import type { Client, WholeHost } from "../../commands/caller.ts";
import type { WaitedFor } from "../../commands/client_facets.ts";
import type { ClientType, TrackingOptions, TrackingState } from "../../commands/client_state.ts";
import type { Command } from "../../commands/command.ts";
import type { MigrationOrder } from "../../commands/migration_order.ts";
import type { ScriptReference } from "../../commands/declaration.ts";
import type { ReplicationControl, ScriptingControl } from "../../commands/host_facets.ts";
import { type Handshake, newHandshake, type Replica } from "../../replication/attached_replica.ts";
import type { Mark, ReplyWriter } from "../../resp/reply.ts";
import { Request } from "../../resp/request.ts";
import type { RequestBuilder } from "../../resp/request_builder.ts";
import { preciseUnixMs } from "../../runtime/clock.ts";
import { startTimer, type Timer } from "../../runtime/timers.ts";
import type { Database } from "../../store/database.ts";
import type { KeyWait, KeyWaiters } from "../execution/key_waiters.ts";
import type { Propagation } from "../execution/propagation.ts";
import type { WatchedKey, Watching } from "../execution/watching.ts";
import type { Settings } from "../program/settings.ts";
import { credentialsValid } from "./credentials.ts";
import {
  BLOCKED,
  CLOSING,
  DROPPED,
  IN_TRANSACTION,
  LOADER,
  MONITOR,
  NO_EVICT,
  NO_TOUCH,
  PRIMARY,
  REPLICA,
  REPLY_OFF,
  REPLY_SKIP,
  REPLY_SKIP_NEXT,
  SUBSCRIBED,
  UNAUTHENTICATED,
} from "./flags.ts";
import type { SessionConnection } from "./session_connection.ts";
import { TransactionQueue } from "./transaction_queue.ts";

/** Memory that a client takes without its buffers: its objects and those of its socket, roughly, in bytes. */
const BASE_BYTES = 2048;
/** Memory that a subscription, a watched key or a prefix takes beyond its name, roughly, in bytes. */
const ENTRY_BYTES = 128;
/** Propagated in place of a request that is not to be. */
const NOTHING = new Request();

/** What a client waits for, as WAIT does. */
export interface Blocking {
  readonly timer: Timer | null;
  /** Gives the reply that is due when the time is up; null where the wait cannot be cut short. */
  readonly onTimeout: (() => void) | null;
  /** The client went away. */
  readonly onGone: () => void;
}

/** A script that was left, as it takes long, and how its client goes on after it. */
export interface LeftScript {
  /** What stands before its reply: of EXEC, the replies to the commands before. */
  before: Uint8Array | null;
  /** What is to be done after it: what is left of EXEC. */
  goOn: (() => void) | null;
}

/** What a session needs of the server, beyond what commands do. */
export interface SessionHost extends WholeHost {
  readonly reply: ReplyWriter;
  /** The client whose requests are being run. */
  readonly current: ClientSession | null;
  readonly dispatcher: {
    callNested(client: ClientSession, command: Command, request: Request): void;
    answer(client: ClientSession, write: () => void): void;
  };
  readonly migration: { begin(client: ClientSession, order: MigrationOrder): void };
  readonly monitors: { add(client: ClientSession): void; remove(client: ClientSession): void };
  readonly propagation: Pick<Propagation, "active" | "builder" | "writeAhead">;
  readonly replication: ReplicationLinks;
  readonly scripting: ScriptingControl & {
    evaluate(client: ClientSession, request: Request, keys: number, by: ScriptReference, readsOnly: boolean): void;
  };
  readonly serving: {
    /** Closes a client once the work under way is done. */
    closeSoon(client: ClientSession): void;
    /** Runs `body`, which writes a reply for `client`, though no request of it is being run. */
    outsideBatch(client: ClientSession, body: () => void): void;
  };
  readonly settings: Pick<Settings, "requirePassword">;
  readonly tracking: {
    enable(client: ClientSession, options: TrackingOptions): void;
    disable(client: ClientSession): void;
  };
  readonly waiters: Pick<KeyWaiters, "wait">;
  readonly watching: Pick<Watching, "hasExpired" | "unwatch" | "watch">;
  blockedClients: number;
  /** A client on one line, as CLIENT LIST shows it. */
  describe(client: ClientSession): string;
}

/** Replication, as a session that is a part of it sees it. */
export interface ReplicationLinks extends ReplicationControl {
  readonly replicas: {
    synchronise(client: ClientSession, id: string | null, offset: number | null): string | null;
    acknowledge(replica: Replica, offset: number, syncedOffset: number): void;
    wait(
      client: ClientSession,
      wanted: WaitedFor,
      timeoutMs: number,
      write: (local: number, replicas: number) => void,
    ): void;
  };
}

/** The state of one client. */
export class ClientSession implements Client {
  readonly reply: ReplyWriter;
  readonly createdMs: number;
  /** Bits of flags.ts. */
  flags = 0;
  database: Database;
  protocol: 2 | 3 = 2;
  name = "";
  libraryName = "";
  libraryVersion = "";
  user = "default";
  transaction: TransactionQueue | null = null;
  watched: WatchedKey[] = [];
  /** A watched key was touched. */
  watchBroken = false;
  lastActiveMs: number;
  lastCommand: Command | null = null;
  blocking: Blocking | null = null;
  keyWait: KeyWait | null = null;
  /** In place of the request under way, this is propagated; one without arguments: nothing is. */
  propagated: Request | null = null;
  /** The client as a replica of this server, and what it said of itself before. */
  replica: Replica | null = null;
  handshake: Handshake | null = null;
  /** Offset of the replication stream after the client's last write; 0 if it never wrote. */
  writeOffset = 0;
  /** EXEC is running: nothing may block. */
  insideExec = false;
  tracking: TrackingState | null = null;
  /** A script that it waits for, as that takes long. */
  script: LeftScript | null = null;
  /** The client for whose script it calls commands; null for one that is a client itself. */
  caller: ClientSession | null = null;
  /** The time that commands are told, in µs of Unix time. */
  readMicroseconds = (): number => Math.round(preciseUnixMs() * 1000);

  readonly channels = new Set<string>();
  readonly patterns = new Set<string>();
  readonly shardChannels = new Set<string>();

  constructor(
    readonly host: SessionHost,
    readonly connection: SessionConnection,
    readonly id: number,
    reply: ReplyWriter = host.reply,
  ) {
    this.reply = reply;
    this.database = host.keyspace.databases[0];
    this.createdMs = this.lastActiveMs = host.store.nowMs;
  }

  get isScript(): boolean {
    return this.caller !== null;
  }

  get actor(): ClientSession {
    return this.caller ?? this;
  }

  get isPrimary(): boolean {
    return (this.flags & PRIMARY) !== 0;
  }

  get isObeyed(): boolean {
    return (this.flags & (PRIMARY | LOADER)) !== 0;
  }

  /** Whether `timeout` applies: not to links of the replication, nor to those who wait for messages or for a key. */
  get mayTimeOut(): boolean {
    return (this.flags & (REPLICA | PRIMARY | MONITOR | SUBSCRIBED | BLOCKED)) === 0;
  }

  /** Bytes of what waits for EXEC. */
  get transactionBytes(): number {
    return this.transaction?.queuedBytes ?? 0;
  }

  /** Memory that the client takes, in bytes. */
  get memoryBytes(): number {
    const names = this.channels.size + this.patterns.size + this.shardChannels.size + this.watched.length;
    let bytes = BASE_BYTES + this.name.length + names * ENTRY_BYTES;
    for (const prefix of this.tracking?.prefixes ?? []) bytes += prefix.length + ENTRY_BYTES;
    return bytes + this.connection.bufferBytes + this.transactionBytes;
  }

  /** Stops running requests until `unblock`, or until the time is up (0: for ever) and `onTimeout` has replied. */
  block(timeoutMs: number, onTimeout: () => void, onGone: () => void): void {
    const timer = timeoutMs > 0 ? startTimer(() => this.unblock(onTimeout), timeoutMs) : null;
    this.blocking = { timer, onTimeout, onGone };
    this.flags |= BLOCKED;
    this.host.blockedClients++;
  }

  evaluate(request: Request, keys: number, by: ScriptReference, readsOnly: boolean): void {
    this.host.scripting.evaluate(this, request, keys, by, readsOnly);
  }

  get isLeft(): boolean {
    return this.script !== null;
  }

  whenScriptEnds(mark: Mark, goOn: () => void): void {
    if (this.script === null) return goOn();
    this.script.before = this.reply.buffer.slice(mark, this.reply.length);
    this.reply.rewind(mark);
    this.script.goOn = goOn;
  }

  waitForKeys(
    request: Request,
    first: number,
    count: number,
    type: number,
    timeoutMs: number,
    onTimeout: () => void,
    whenGone: "wait" | "run" = "wait",
  ): void {
    if (this.insideExec || this.isObeyed) return onTimeout();
    this.host.waiters.wait(this, request, first, count, type, whenGone === "run", timeoutMs, onTimeout);
  }

  migrate(order: MigrationOrder): void {
    this.host.migration.begin(this, order);
  }

  blockUntilDone(begin: () => void): void {
    this.block(0, () => {}, () => {});
    if (this.blocking !== null) this.blocking = { ...this.blocking, onTimeout: null };
    begin();
  }

  endWaiting(how: "timeout" | "error"): boolean {
    const { blocking } = this;
    if (blocking === null || blocking.onTimeout === null) return false;
    if (how === "timeout") {
      this.unblock(blocking.onTimeout);
    } else {
      blocking.onGone();
      this.unblock(() => this.reply.error("UNBLOCKED client unblocked via CLIENT UNBLOCK"));
    }
    return true;
  }

  get remoteAddress(): string {
    return this.connection.socket.remoteAddress;
  }

  get localAddress(): string {
    return this.connection.socket.localAddress;
  }

  get type(): ClientType {
    if ((this.flags & PRIMARY) !== 0) return "master";
    if ((this.flags & REPLICA) !== 0) return "replica";
    return (this.flags & SUBSCRIBED) !== 0 ? "pubsub" : "normal";
  }

  get isDropped(): boolean {
    return (this.flags & DROPPED) !== 0;
  }

  setReplies(mode: "on" | "off" | "skip"): void {
    if (mode === "on") this.flags &= ~(REPLY_OFF | REPLY_SKIP | REPLY_SKIP_NEXT);
    else if (mode === "off") this.flags |= REPLY_OFF;
    else if ((this.flags & REPLY_OFF) === 0) {
      this.flags |= (this.flags & REPLY_SKIP) !== 0 ? REPLY_SKIP_NEXT : REPLY_SKIP;
    }
  }

  setEvictable(evictable: boolean): void {
    this.flags = evictable ? this.flags & ~NO_EVICT : this.flags | NO_EVICT;
  }

  setTouching(touching: boolean): void {
    this.flags = touching ? this.flags & ~NO_TOUCH : this.flags | NO_TOUCH;
  }

  startTracking(options: TrackingOptions): void {
    this.host.tracking.enable(this, options);
  }

  stopTracking(): void {
    this.host.tracking.disable(this);
  }

  beginMonitoring(): boolean {
    if ((this.flags & (MONITOR | REPLICA)) !== 0) return false;
    this.host.monitors.add(this);
    return true;
  }

  kill(): void {
    if (this.host.current === this) this.close();
    else this.host.serving.closeSoon(this);
  }

  get description(): string {
    return this.host.describe(this);
  }

  get isReplica(): boolean {
    return (this.flags & REPLICA) !== 0;
  }

  get replicaHandshake(): Handshake {
    return this.handshake ??= newHandshake();
  }

  synchronise(id: string | null, offset: number | null): string | null {
    return this.host.replication.replicas.synchronise(this, id, offset);
  }

  acknowledgeReplication(offset: number, syncedOffset: number): void {
    if (this.replica !== null) this.host.replication.replicas.acknowledge(this.replica, offset, syncedOffset);
  }

  waitForWrites(wanted: WaitedFor, timeoutMs: number, write: (local: number, replicas: number) => void): void {
    this.host.replication.replicas.wait(this, wanted, timeoutMs, write);
  }

  /** Ends `block`: `write` gives the reply that was waited for. */
  unblock(write: () => void): void {
    this.#goOn(() => this.host.dispatcher.answer(this, write));
  }

  /** Ends `block`: `run` runs the command again. */
  runAgain(run: () => void): void {
    this.#goOn(run);
  }

  #goOn(body: () => void): void {
    if (this.blocking === null) return;
    this.blocking.timer?.cancel();
    this.blocking = null;
    this.flags &= ~BLOCKED;
    this.host.blockedClients--;
    this.host.serving.outsideBatch(this, () => {
      this.reply.protocol = this.protocol;
      const mark = this.reply.open();
      body();
      if ((this.flags & REPLY_OFF) !== 0) this.reply.rewind(mark);
    });
    if (this.blocking === null) this.connection.proceed(BLOCKED); // it may wait again
  }

  /** Closes after the replies that are due. */
  close(): void {
    this.flags |= CLOSING;
    if (this.host.current === this) return;
    this.connection.flushOutput();
    this.connection.socket.end();
  }

  /** Has a command wait for EXEC. */
  enqueue(command: Command, request: Request, flags: number): void {
    if (this.transaction === null) return;
    this.transaction.add(command, request, flags);
  }

  /** Runs a command of the transaction, while EXEC does. */
  callQueued(command: Command, request: Request): void {
    this.host.dispatcher.callNested(this, command, request);
  }

  propagate(request: Request): void {
    this.propagated = request;
  }

  propagateAs(argc: number): RequestBuilder | null {
    if (!this.host.propagation.active) return null;
    const { builder } = this.host.propagation;
    this.propagated = builder.request;
    return builder.begin(argc);
  }

  propagateAlso(argc: number): RequestBuilder | null {
    const { propagated } = this;
    if (propagated !== null && propagated.argc > 0) {
      this.host.propagation.writeAhead(this.database.index, propagated);
    }
    return this.propagateAs(argc);
  }

  preventPropagation(): void {
    this.propagated = NOTHING;
  }

  beginTransaction(): void {
    this.transaction = new TransactionQueue(this);
    this.flags |= IN_TRANSACTION;
  }

  endTransaction(): void {
    this.transaction = null;
    this.flags &= ~IN_TRANSACTION;
  }

  get isLocal(): boolean {
    return this.connection.socket.isUnix || isLoopback(this.connection.socket.remoteAddress);
  }

  get authenticated(): boolean {
    return (this.flags & UNAUTHENTICATED) === 0;
  }

  authenticate(user: string, password: string): boolean {
    if (!credentialsValid(user, password, this.host.settings.requirePassword)) return false;
    this.flags &= ~UNAUTHENTICATED;
    this.user = user;
    return true;
  }

  setProtocol(protocol: 2 | 3): void {
    this.protocol = protocol;
    this.reply.protocol = protocol;
  }

  resetState(): void {
    this.endTransaction();
    this.unwatch();
    this.host.pubsub.forget(this);
    this.stopTracking();
    this.host.monitors.remove(this);
    this.flags &= ~(SUBSCRIBED | REPLY_OFF | REPLY_SKIP | REPLY_SKIP_NEXT | NO_TOUCH | NO_EVICT);
    if (this.host.passwordRequired) this.flags |= UNAUTHENTICATED;
    this.user = "default";
    this.name = "";
    this.database = this.host.keyspace.databases[0];
    this.setProtocol(2);
  }

  subscriptionsChanged(): void {
    const any = this.channels.size + this.patterns.size + this.shardChannels.size > 0;
    this.flags = any ? this.flags | SUBSCRIBED : this.flags & ~SUBSCRIBED;
  }

  watch(key: Uint8Array): void {
    this.host.watching.watch(this, key);
  }

  unwatch(): void {
    this.host.watching.unwatch(this);
  }

  watchedKeyChanged(): boolean {
    return this.watchBroken || this.host.watching.hasExpired(this);
  }

  deliverShared(bytes: Uint8Array, start: number, end: number): void {
    this.connection.deliverShared(bytes, start, end);
  }

  /** The connection has ended: nobody is to know the session any more. */
  end(): void {
    const { blocking } = this;
    if (blocking !== null) {
      this.blocking = null; // whoever would end the wait later finds nobody waiting
      this.host.blockedClients--;
      blocking.timer?.cancel();
      blocking.onGone();
    }
    this.unwatch();
    this.stopTracking();
    this.host.monitors.remove(this);
    this.host.pubsub.forget(this);
  }
}

/** Whether an address, with its port, is of this machine. */
export function isLoopback(address: string): boolean {
  return address.startsWith("127.") || address.startsWith("[::1]");
}
