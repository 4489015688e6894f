/**
 * A client: one connection's input, output and state. It cuts the input into requests with the parser, hands each to
 * the dispatcher, and sends what the shared reply writer then holds.
 *
 * Owned by the server's client registry; commands see it as a `Session`.
 */

import type { ClientType, TrackingOptions, TrackingState } from "../commands/client_state.ts";
import type { Command } from "../commands/command.ts";
import type { ReplicaCount, Session, Transaction } from "../commands/session.ts";
import type { Socket, SocketHandler } from "../net/socket.ts";
import { type Handshake, newHandshake, type Replica } from "../replication/primary.ts";
import { PROTOCOL_ERROR, type RequestParser } from "../resp/parser.ts";
import type { ReplyWriter } from "../resp/reply.ts";
import { Request } from "../resp/request.ts";
import type { RequestBuilder } from "../resp/request_builder.ts";
import { monotonicMs } from "../runtime/clock.ts";
import { startTimer, type Timer } from "../runtime/timers.ts";
import { onNextTurn } from "../runtime/turns.ts";
import type { Database } from "../store/database.ts";
import { type Batch, FILLED } from "./batch.ts";
import { OutputQueue } from "./output_queue.ts";
import type { Server } from "./server.ts";
import type { WatchedKey } from "./watching.ts";

// States of a client, as bits of `flags`. Those up to GATES are looked at before every command.
export const UNAUTHENTICATED = 1 << 0;
export const IN_TRANSACTION = 1 << 1;
/** In RESP2 with subscriptions: only a few commands are allowed. */
export const SUBSCRIBED = 1 << 2;
export const REPLY_OFF = 1 << 3;
export const REPLY_SKIP = 1 << 4;
export const TRACKING = 1 << 5;
export const NO_TOUCH = 1 << 6;
export const REPLICA = 1 << 7;
export const PRIMARY = 1 << 8;
export const MONITOR = 1 << 9;
/** All states that make the dispatcher take the long way. */
export const CLIENT_GATES = (1 << 10) - 1;
export const NO_EVICT = 1 << 10;
/** Requests wait in the input buffer until the flag goes. */
export const BLOCKED = 1 << 11;
export const POSTPONED = 1 << 12;
export const OUTPUT_FULL = 1 << 13;
export const CLOSING = 1 << 14;
/** CLIENT REPLY SKIP was called while the reply to it is itself skipped. */
export const REPLY_SKIP_NEXT = 1 << 15;
/** Its requests have taken long: the rest of them waits for the next turn. */
export const GIVING_WAY = 1 << 16;
/** It is to be closed at once, whatever it has not been sent, or is closed. A client that is CLOSING may take its time. */
export const DROPPED = 1 << 17;
/** Nothing is delivered any more, or ever: the link to the primary is no place for messages. */
const DEAF = CLOSING | PRIMARY;
const STOPPED = BLOCKED | POSTPONED | OUTPUT_FULL | CLOSING | GIVING_WAY;

/** How long the requests that came at once are run before others have their turn, in ms. */
const TURN_MS = 1;
/** For an argument of up to so many bytes there is room as soon as its length is known. */
const AT_ONCE_BYTES = 8 * 1024 * 1024;
/** More input than this is not moved in memory turn by turn, but run to its end, in bytes. */
const MAX_LEFT_BYTES = 256 * 1024;

/** Replies are handed to the socket when they reach this size, in bytes. */
const FLUSH_BYTES = 256 * 1024;
/** A client that has this much unread output is not served further until it reads, in bytes. */
const OUTPUT_PAUSE_BYTES = 32 * 1024 * 1024;
/** Memory that a client takes without its buffers: its objects and those of its socket, roughly, in bytes. */
const BASE_BYTES = 2048;
/** Memory that a subscription, a watched key or a prefix takes beyond its name, roughly, in bytes. */
const ENTRY_BYTES = 128;
/** Output larger than this is held against the client's limit before it is sent, whatever the system would take of it. */
const CHECKED_OUTPUT_BYTES = 64 * 1024;
/** Most output that may pile up for a client before it has authenticated, in bytes. */
const UNAUTHENTICATED_OUTPUT_BYTES = 64 * 1024;
const NO_BYTES = new Uint8Array(0);
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

export class Client implements Session, SocketHandler {
  readonly reply: ReplyWriter;
  readonly createdMs: number;
  flags = 0;
  database: Database;
  protocol: 2 | 3 = 2;
  name = "";
  libraryName = "";
  libraryVersion = "";
  user = "default";
  transaction: Transaction | null = null;
  watched: WatchedKey[] = [];
  /** A watched key was touched. */
  watchBroken = false;
  lastActiveMs: number;
  lastCommand: Command | null = null;
  commandsProcessed = 0;
  networkInputBytes = 0;
  networkOutputBytes = 0;
  blocking: Blocking | null = null;
  /** Since when the output is above the soft limit, in ms; 0 while it is not. */
  overSoftLimitSinceMs = 0;
  /** In place of the request under way, this is propagated; one without arguments: nothing is. */
  propagated: Request | null = null;
  /** The client as a replica of this server, and what it said of itself before. */
  replica: Replica | null = null;
  /** The input was not what the protocol allows. */
  brokeProtocol = false;
  /** A command of the client's threw, and may have done a part of what it was to do. */
  threw = false;
  handshake: Handshake | null = null;
  /** Offset of the replication stream after the client's last write; 0 if it never wrote. */
  writeOffset = 0;
  /** EXEC is running: nothing may block. */
  insideExec = false;
  tracking: TrackingState | null = null;
  /** What the client's buffers take, as `maxmemory-clients` has counted last, in bytes. */
  countedBytes = 0;

  readonly channels = new Set<string>();
  readonly patterns = new Set<string>();
  readonly shardChannels = new Set<string>();

  readonly #output: OutputQueue;
  /** A range of bytes shared with other clients that is to be sent after the queue. */
  #shared: Uint8Array | null = null;
  #sharedStart = 0;
  #sharedEnd = 0;
  /** Input that was not consumed: the start of a request, or requests that wait. */
  #input = NO_BYTES;
  #inputLength = 0;
  /** Bytes of the input being run. */
  #batchBytes = 0;
  /** The connection has ended: there is no other turn for what is left of the input. */
  #isGone = false;
  /** The request being run. */
  #running: Request | null = null;
  /** The parser that knows the place in a request under way. */
  #parser: RequestParser | null = null;

  constructor(readonly host: Server, readonly socket: Socket, readonly id: number) {
    this.reply = host.reply;
    this.database = host.store.databases[0];
    this.createdMs = this.lastActiveMs = host.store.nowMs;
    this.#output = new OutputQueue();
  }

  get isPrimary(): boolean {
    return (this.flags & PRIMARY) !== 0;
  }

  /** Whether `timeout` applies: not to links of the replication, nor to those who wait for messages or for a key. */
  get mayTimeOut(): boolean {
    return (this.flags & (REPLICA | PRIMARY | MONITOR | SUBSCRIBED | BLOCKED)) === 0;
  }

  /** Bytes of input that wait to be parsed or run, those under way included. */
  get inputBytes(): number {
    return Math.max(this.#inputLength, this.#batchBytes);
  }

  /** Bytes of it that have not been parsed: arguments that are whole are counted by `argumentBytes`. */
  get unparsedBytes(): number {
    return Math.max(this.#inputLength - (this.#parser?.place ?? 0), this.#batchBytes);
  }

  /** Room in the input buffer, in bytes. */
  get freeInputBytes(): number {
    return this.#input.length - this.#inputLength;
  }

  /** Bytes of the arguments of the request under way, as far as they have been parsed. */
  get argumentBytes(): number {
    const request = this.#running ?? this.#parser?.request ?? null;
    return request === null ? 0 : argumentBytes(request);
  }

  /** Bytes of what waits for EXEC. */
  get transactionBytes(): number {
    return this.transaction?.queuedBytes ?? 0;
  }

  /** Bytes of output that the system has not taken. */
  get outputBytes(): number {
    const shared = this.#shared === null ? 0 : this.#sharedEnd - this.#sharedStart;
    return this.#output.length + shared + this.socket.pendingBytes;
  }

  /** Memory that the client's buffers take, in bytes. */
  get bufferBytes(): number {
    return this.#input.length + this.outputBytes;
  }

  /** Memory that the client takes, in bytes. */
  get memoryBytes(): number {
    const names = this.channels.size + this.patterns.size + this.shardChannels.size + this.watched.length;
    let bytes = BASE_BYTES + this.name.length + names * ENTRY_BYTES;
    for (const prefix of this.tracking?.prefixes ?? []) bytes += prefix.length + ENTRY_BYTES;
    return bytes + this.bufferBytes + this.transactionBytes;
  }

  onData(bytes: Uint8Array, start: number, end: number): void {
    this.networkInputBytes += end - start;
    this.host.statistics.networkInputBytes += end - start;
    this.host.statistics.readsProcessed++;
    if (this.#inputLength === 0) return this.#process(bytes, start, end);
    if (!this.#appendInput(bytes, start, end)) return;
    if (this.host.clientMemory.limited) this.host.clientMemory.count(this);
    if ((this.flags & STOPPED) !== 0) return;
    if (this.#parser !== null && this.#inputLength < this.#parser.wanted) return;
    this.#process(this.#input, 0, this.#inputLength);
  }

  onDrain(): void {
    if ((this.flags & OUTPUT_FULL) === 0) return;
    if ((this.flags & GIVING_WAY) === 0) this.socket.resume();
    this.proceed(OUTPUT_FULL);
  }

  onClose(): void {
    this.#isGone = true;
    // What the other end had sent before it left still counts.
    if ((this.flags & GIVING_WAY) !== 0) this.proceed(GIVING_WAY);
    this.flags |= CLOSING | DROPPED;
    this.blocking?.onGone();
    this.blocking?.timer?.cancel();
    this.unwatch();
    this.stopTracking();
    this.host.monitors.remove(this);
    this.host.pubsub.forget(this);
    this.#releaseParser();
    this.host.clientGone(this);
  }

  /** Takes back a reason for not running requests, and runs those that waited. */
  proceed(flag: number): void {
    this.flags &= ~flag;
    if ((this.flags & STOPPED) !== 0 || this.#inputLength === 0) return;
    if (this.host.current !== null) return this.host.proceedLater(this);
    this.#process(this.#input, 0, this.#inputLength);
  }

  /** Runs the requests in `bytes[start, end)` and keeps what is left. What throws, ends this client alone. */
  #process(bytes: Uint8Array, start: number, end: number): void {
    try {
      this.#processBatches(bytes, start, end);
    } catch (error) {
      this.#failed(error);
    }
  }

  #processBatches(bytes: Uint8Array, start: number, end: number): void {
    const server = this.host;
    const { batch } = server;
    const parser = this.#parser ?? server.parser;
    this.reply.protocol = this.protocol;
    server.beginBatch(this);
    this.#batchBytes = end - start;
    let at = start;
    let sinceMs = NaN;
    while (at < end && (this.flags & STOPPED) === 0) {
      parser.authenticated = (this.flags & UNAUTHENTICATED) === 0;
      // What may be parsed depends on whether the request before has authenticated the client.
      const status = batch.fill(parser, bytes, at, end, parser.authenticated ? Infinity : 1);
      at = this.#run(batch, bytes, at);
      if (status === FILLED) {
        if (at === end || end - at > MAX_LEFT_BYTES || this.#isGone) continue;
        if (Number.isNaN(sinceMs)) sinceMs = monotonicMs(); // most input is no more than one batch
        else if (monotonicMs() - sinceMs > TURN_MS) this.#giveWay();
        continue;
      }
      if ((this.flags & STOPPED) !== 0) parser.reset(); // it is past requests that wait: to be parsed again
      else if (status === PROTOCOL_ERROR) this.#protocolError(parser.error);
      break;
    }
    this.#keepInput(bytes, at, end, parser);
    this.flush();
    this.#batchBytes = 0;
    server.endBatch();
    if ((this.flags & CLOSING) !== 0) this.socket.end();
  }

  /** Leaves the rest of the input for the next turn. */
  #giveWay(): void {
    this.flags |= GIVING_WAY;
    this.socket.pause();
    onNextTurn(() => {
      this.proceed(GIVING_WAY);
      if ((this.flags & (OUTPUT_FULL | GIVING_WAY)) === 0) this.socket.resume();
    });
  }

  /** Runs the requests of a batch that begins at `start`, until the client must wait; the offset after the last run. */
  #run(batch: Batch, bytes: Uint8Array, start: number): number {
    const server = this.host;
    const { reply } = this;
    batch.foresee(bytes, this.database.keys);
    let at = start;
    for (let i = 0; i < batch.count && (this.flags & STOPPED) === 0; i++) {
      const request = batch.requests[i];
      const next = batch.ends[i];
      if (request.argc > 0) {
        this.#running = request;
        server.dispatcher.execute(this, request, batch.commands[i]);
        if ((this.flags & POSTPONED) !== 0) break;
        if (reply.length > FLUSH_BYTES) this.flush();
      } else if (this.replica !== null) server.replication.primary.heardFrom(this.replica);
      if (this.isPrimary) server.replication.applied(bytes, at, next, this.transaction !== null);
      at = next;
    }
    this.#running = null;
    batch.foresight.clear();
    return at;
  }

  /** A command threw, as it may when memory runs out: what it replied is worth nothing, and its client is closed. */
  #failed(error: unknown): void {
    const reason = error instanceof Error ? error.stack ?? error.message : String(error);
    this.host.log.warning(`Closing client after an error in a command: ${this.description}: ${reason}`);
    this.flags |= CLOSING | DROPPED;
    this.threw = true;
    this.#running = null;
    this.#batchBytes = 0;
    this.reply.clear();
    this.host.abandonBatch();
    this.socket.destroy();
  }

  #protocolError(error: string): void {
    this.brokeProtocol = true;
    this.reply.error(`ERR Protocol error: ${error}`);
    this.host.statistics.countError("ERR");
    this.host.log.verbose(`Protocol error (${error}) from client: ${this.host.describe(this)}`);
    this.flags |= CLOSING;
  }

  /** Keeps what was not consumed, at the start of a buffer of our own, with the parser that knows the place in it. */
  #keepInput(bytes: Uint8Array, at: number, end: number, parser: RequestParser): void {
    const rest = end - at;
    if (rest === 0 || (this.flags & CLOSING) !== 0) {
      this.#setInput(NO_BYTES, 0);
      this.#releaseParser();
      return;
    }
    if (bytes === this.#input) {
      if (at > 0) bytes.copyWithin(0, at, end);
    } else {
      const wanted = parser.underway ? parser.wanted - at : 0;
      this.#setInput(copyInto(bytes, at, end, roomFor(rest, wanted, 0)), rest);
    }
    this.#inputLength = rest;
    if (!parser.underway) return this.#releaseParser();
    if (this.#parser === null) this.#parser = this.host.takeParser();
    parser.rebase(this.#input, -at);
  }

  #setInput(buffer: Uint8Array<ArrayBuffer>, length: number): void {
    this.host.memory.buffersGrew(buffer.length - this.#input.length);
    this.#input = buffer;
    this.#inputLength = length;
  }

  #releaseParser(): void {
    if (this.#parser === null) return;
    this.host.giveParser(this.#parser);
    this.#parser = null;
  }

  /** Adds to the input kept, within `client-query-buffer-limit`; false where that is passed and the client closed. */
  #appendInput(bytes: Uint8Array, start: number, end: number): boolean {
    const length = this.#inputLength + end - start;
    if (length > this.host.settings.queryBufferLimitBytes && !this.isPrimary) {
      this.host.log.warning(`Closing client that reached max query buffer length: ${this.description}`);
      this.host.statistics.queryBufferDisconnections++;
      this.host.closeSoon(this);
      return false;
    }
    if (length > this.#input.length) {
      const room = roomFor(length, this.#parser?.wanted ?? 0, this.#input.length);
      this.#setInput(copyInto(this.#input, 0, this.#inputLength, room), this.#inputLength);
      this.#parser?.rebase(this.#input, 0);
    }
    this.#input.set(bytes.subarray(start, end), this.#inputLength);
    this.#inputLength = length;
    return true;
  }

  /** Hands what the reply writer holds, which must be for this client, to the socket. */
  flush(): void {
    const length = this.reply.length;
    if (length === 0 && !this.reply.isCut) return;
    if (!this.isPrimary && !this.reply.isCut) {
      if (this.hasOutput) this.flushOutput();
      this.#send(this.reply.buffer, 0, length);
    }
    this.reply.clear();
  }

  #send(bytes: Uint8Array, start: number, end: number): void {
    if (end - start > CHECKED_OUTPUT_BYTES && !this.isDropped) {
      this.host.checkOutputLimit(this, this.socket.pendingBytes + end - start);
      if (this.isDropped) return;
    }
    this.networkOutputBytes += end - start;
    this.host.statistics.networkOutputBytes += end - start;
    this.host.statistics.writesProcessed++;
    this.socket.write(bytes, start, end);
    const pending = this.socket.pendingBytes;
    if (pending === 0) return;
    if ((this.flags & UNAUTHENTICATED) !== 0 && pending > UNAUTHENTICATED_OUTPUT_BYTES) this.host.closeSoon(this);
    this.host.checkOutputLimit(this, pending);
    if (pending > OUTPUT_PAUSE_BYTES && (this.flags & (REPLICA | MONITOR | SUBSCRIBED)) === 0) {
      this.flags |= OUTPUT_FULL;
      this.socket.pause();
    }
  }

  /** Queues bytes that no request of this client asked for: invalidations, the replication stream. */
  deliver(bytes: Uint8Array, start: number, end: number): void {
    if ((this.flags & DEAF) !== 0) return;
    if (!this.hasOutput) this.host.willFlush(this);
    this.#keepShared();
    this.#output.append(bytes, start, end);
    this.host.checkOutputLimit(this, this.outputBytes);
  }

  /**
   * Queues bytes that other clients get too, and that stay where they are until all output is flushed: consecutive
   * ones are only noted as one range, so that a message costs a subscriber no copy.
   */
  deliverShared(bytes: Uint8Array, start: number, end: number): void {
    if (this.#shared === bytes && this.#sharedEnd === start) {
      this.#sharedEnd = end;
    } else {
      if ((this.flags & DEAF) !== 0) return;
      if (!this.hasOutput) this.host.willFlush(this);
      this.#keepShared();
      this.#shared = bytes;
      this.#sharedStart = start;
      this.#sharedEnd = end;
    }
    if (this.socket.pendingBytes > 0) this.host.checkOutputLimit(this, this.outputBytes);
  }

  /** Copies the shared range into the queue. */
  #keepShared(): void {
    if (this.#shared === null) return;
    this.#output.append(this.#shared, this.#sharedStart, this.#sharedEnd);
    this.#shared = null;
  }

  /** Whether `deliver` or `deliverShared` has queued something. */
  get hasOutput(): boolean {
    return this.#shared !== null || this.#output.length > 0;
  }

  /** Moves what was queued behind the reply under way, which must be this client's. */
  takeOutputIntoReply(): void {
    this.#keepShared();
    this.reply.raw(this.#output.bytes, 0, this.#output.length);
    this.#output.clear();
  }

  /** Sends what was queued. */
  flushOutput(): void {
    if (this.#output.length > 0) {
      this.#keepShared();
      this.#send(this.#output.bytes, 0, this.#output.length);
      this.#output.clear();
    } else if (this.#shared !== null) {
      const shared = this.#shared;
      this.#shared = null;
      this.#send(shared, this.#sharedStart, this.#sharedEnd);
    }
  }

  /** Stops running requests until `unblock`, or until the time is up (0: for ever) and `onTimeout` has replied. */
  block(timeoutMs: number, onTimeout: () => void, onGone: () => void): void {
    const timer = timeoutMs > 0 ? startTimer(() => this.unblock(onTimeout), timeoutMs) : null;
    this.blocking = { timer, onTimeout, onGone };
    this.flags |= BLOCKED;
    this.host.blockedClients++;
  }

  blockUntilShutdown(begin: () => void): void {
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
    return this.socket.remoteAddress;
  }

  get localAddress(): string {
    return this.socket.localAddress;
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
    else this.host.closeSoon(this);
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
    return this.host.replication.synchronise(this, id, offset);
  }

  acknowledgeReplication(offset: number, syncedOffset: number): void {
    if (this.replica !== null) this.host.replication.acknowledge(this.replica, offset, syncedOffset);
  }

  waitForReplicas(replicas: number, timeoutMs: number, count: ReplicaCount, write: (count: number) => void): void {
    this.host.replication.wait(this, replicas, timeoutMs, count, write);
  }

  /** Ends `block`: `write` gives the reply that was waited for. */
  unblock(write: () => void): void {
    if (this.blocking === null) return;
    this.blocking.timer?.cancel();
    this.blocking = null;
    this.host.blockedClients--;
    this.answer(write);
    this.proceed(BLOCKED);
  }

  /** Writes a reply outside of a batch. */
  answer(write: () => void): void {
    this.host.outsideBatch(this, () => {
      this.reply.protocol = this.protocol;
      const mark = this.reply.open();
      write();
      if ((this.flags & REPLY_OFF) !== 0) this.reply.rewind(mark);
    });
  }

  /** Closes after the replies that are due. */
  close(): void {
    this.flags |= CLOSING;
    if (this.host.current !== this) this.socket.end();
  }

  /** Has a command wait for EXEC. */
  enqueue(command: Command, request: Request): void {
    if (this.transaction === null) return;
    const copy = request.copy();
    this.transaction.queue.push({ command, request: copy });
    this.transaction.queuedBytes += copy.bytes.length;
  }

  propagate(request: Request): void {
    this.propagated = request;
  }

  propagateAs(argc: number): RequestBuilder | null {
    if (!this.host.propagation.active || this.isPrimary) return null;
    const { builder } = this.host.propagation;
    this.propagated = builder.request;
    return builder.begin(argc);
  }

  preventPropagation(): void {
    this.propagated = NOTHING;
  }

  beginTransaction(): void {
    this.transaction = { queue: [], queuedBytes: 0, failed: false };
    this.flags |= IN_TRANSACTION;
  }

  endTransaction(): void {
    this.transaction = null;
    this.flags &= ~IN_TRANSACTION;
  }

  get isLocal(): boolean {
    return this.socket.isUnix || isLoopback(this.socket.remoteAddress);
  }

  get authenticated(): boolean {
    return (this.flags & UNAUTHENTICATED) === 0;
  }

  authenticate(user: string, password: string): boolean {
    if (!this.host.credentialsValid(user, password)) return false;
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
    this.database = this.host.store.databases[0];
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
}

function argumentBytes(request: Request): number {
  let bytes = 0;
  for (let i = 0; i < request.argc; i++) bytes += request.lengths[i];
  return bytes;
}

/** Whether an address, with its port, is of this machine. */
export function isLoopback(address: string): boolean {
  return address.startsWith("127.") || address.startsWith("[::1]");
}

/** A copy of `bytes[start, end)` at the start of a new buffer with so much room. */
function copyInto(bytes: Uint8Array, start: number, end: number, room: number): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(room);
  copy.set(bytes.subarray(start, end));
  return copy;
}

/**
 * How much room to take for input of `length` bytes, where there was room for `room`: to the end of the argument under
 * way, which is `wanted`, unless that is very far; but at least twice the room that there was, so that many short
 * arguments do not have all of it moved each time.
 */
function roomFor(length: number, wanted: number, room: number): number {
  if (wanted <= room * 2) return Math.max(length, room * 2);
  return Math.max(length, Math.min(wanted, Math.max(AT_ONCE_BYTES, room * 8)));
}
