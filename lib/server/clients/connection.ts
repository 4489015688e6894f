/**
 * A connection: the socket of one client, with its input, its output and the limits on both. It cuts the input into
 * requests with the parser, hands each to the dispatcher with the client's session, and sends what the shared reply
 * writer then holds.
 *
 * Made by admission for each socket; called by the socket with what comes, and by whoever has something for the client.
 */

import type { Command } from "../../commands/command.ts";
import type { MemoryReport } from "../../commands/host_facets.ts";
import type { Socket, SocketHandler } from "../../net/socket.ts";
import { PROTOCOL_ERROR, type RequestParser } from "../../resp/parser.ts";
import type { ReplyWriter } from "../../resp/reply.ts";
import type { Request } from "../../resp/request.ts";
import { monotonicMs } from "../../runtime/clock.ts";
import { onNextTurn } from "../../runtime/turns.ts";
import { type Batch, FILLED } from "../execution/batch.ts";
import type { Propagation } from "../execution/propagation.ts";
import type { Log } from "../program/log.ts";
import type { Settings } from "../program/settings.ts";
import type { Statistics } from "../reports/statistics.ts";
import {
  CLOSING,
  DEAF,
  DROPPED,
  GIVING_WAY,
  MONITOR,
  OUTPUT_FULL,
  POSTPONED,
  REPLICA,
  STOPPED,
  SUBSCRIBED,
  UNAUTHENTICATED,
} from "./flags.ts";
import { argumentBytes, copyInto, roomFor } from "./input_room.ts";
import { OutputQueue } from "./output_queue.ts";
import type { Parsers } from "./parsers.ts";
import { ClientSession, type ReplicationLinks, type SessionHost } from "./session.ts";
import type { SessionConnection } from "./session_connection.ts";

/** How long the requests that came at once are run before others have their turn, in ms. */
const TURN_MS = 1;
/** More input than this is not moved in memory turn by turn, but run to its end, in bytes. */
const MAX_LEFT_BYTES = 256 * 1024;

/** Replies are handed to the socket when they reach this size, in bytes. */
const FLUSH_BYTES = 256 * 1024;
/** A client that has this much unread output is not served further until it reads, in bytes. */
const OUTPUT_PAUSE_BYTES = 32 * 1024 * 1024;
/** Output larger than this is held against the client's limit before it is sent, whatever the system would take of it. */
const CHECKED_OUTPUT_BYTES = 64 * 1024;
/** Most output that may pile up for a client before it has authenticated, in bytes. */
const UNAUTHENTICATED_OUTPUT_BYTES = 64 * 1024;
const NO_BYTES = new Uint8Array(0);

/** What a connection needs of the server, with what its session does. */
export interface ConnectionHost extends SessionHost {
  readonly batch: Batch;
  readonly clientMemory: { readonly limited: boolean; count(client: ClientSession): void };
  readonly dispatcher: SessionHost["dispatcher"] & {
    execute(client: ClientSession, request: Request, command: Command | null): void;
  };
  readonly log: Pick<Log, "verbose" | "warning">;
  readonly memory: MemoryReport & { buffersGrew(bytes: number): void };
  readonly outputLimits: { check(client: ClientSession, pending: number): void };
  readonly parsers: Pick<Parsers, "give" | "shared" | "take">;
  readonly propagation: SessionHost["propagation"] & Pick<Propagation, "beforeReplies">;
  readonly replication: ReplicationLinks & {
    readonly link: {
      /** A request of the primary's has been run. */
      applied(bytes: Uint8Array, start: number, end: number, inTransaction: boolean): void;
      /** All requests in what was read, `bytes` of it, have been run. How long reading is to rest, in ms. */
      inputEnds(bytes: number): number;
      /** The input goes in which those stand that have been run. */
      passOn(): void;
    };
  };
  readonly serving: SessionHost["serving"] & {
    beginBatch(client: ClientSession): void;
    endBatch(): void;
    /** Ends a batch that was left in the middle: nothing of it may reach the next. */
    abandonBatch(): void;
    /** Has a client's waiting requests run once the work under way is done. */
    proceedLater(client: ClientSession): void;
    /** Has `flushOutput` called once the work under way is done. */
    willFlush(client: ClientSession): void;
  };
  readonly settings: SessionHost["settings"] & Pick<Settings, "queryBufferLimitBytes">;
  readonly statistics: Statistics;
  /** A connection has ended. */
  clientGone(client: ClientSession): void;
}

/** One client's socket, input and output. */
export class Connection implements SocketHandler, SessionConnection {
  readonly session: ClientSession;
  readonly reply: ReplyWriter;
  networkInputBytes = 0;
  brokeProtocol = false;
  threw = false;
  overSoftLimitSinceMs = 0;
  isSentTo = false;
  countedBytes = 0;

  readonly #output = new OutputQueue();
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

  /** `id` is the client's. */
  constructor(readonly host: ConnectionHost, readonly socket: Socket, id: number) {
    this.reply = host.reply;
    this.session = new ClientSession(host, this, id);
  }

  get inputBytes(): number {
    return Math.max(this.#inputLength, this.#batchBytes);
  }

  get unparsedBytes(): number {
    return Math.max(this.#inputLength - (this.#parser?.place ?? 0), this.#batchBytes);
  }

  get freeInputBytes(): number {
    return this.#input.length - this.#inputLength;
  }

  get argumentBytes(): number {
    const request = this.#running ?? this.#parser?.request ?? null;
    return request === null ? 0 : argumentBytes(request);
  }

  get outputBytes(): number {
    return this.#output.totalBytes + this.socket.pendingBytes;
  }

  get bufferBytes(): number {
    return this.#input.length + this.outputBytes;
  }

  onData(bytes: Uint8Array, start: number, end: number): void {
    this.networkInputBytes += end - start;
    this.host.statistics.networkInputBytes += end - start;
    this.host.statistics.readsProcessed++;
    if (this.#inputLength === 0) return this.#process(bytes, start, end);
    if (!this.#appendInput(bytes, start, end)) return;
    if (this.host.clientMemory.limited) this.host.clientMemory.count(this.session);
    if ((this.session.flags & STOPPED) !== 0) return;
    if (this.#parser !== null && this.#inputLength < this.#parser.wanted) return;
    this.#process(this.#input, 0, this.#inputLength);
  }

  beforeSend(): Promise<void> | null {
    return this.host.propagation.beforeReplies();
  }

  onDrain(): void {
    if ((this.session.flags & OUTPUT_FULL) === 0) return;
    if ((this.session.flags & GIVING_WAY) === 0) this.socket.resume();
    this.proceed(OUTPUT_FULL);
  }

  onClose(): void {
    this.#isGone = true;
    // What the other end had sent before it left still counts.
    if ((this.session.flags & GIVING_WAY) !== 0) this.proceed(GIVING_WAY);
    this.session.flags |= CLOSING | DROPPED;
    this.session.end();
    this.#releaseParser();
    this.#setInput(NO_BYTES, 0);
    this.host.clientGone(this.session);
  }

  /** Takes back a reason for not running requests, and runs those that waited. */
  proceed(flag: number): void {
    this.session.flags &= ~flag;
    if ((this.session.flags & STOPPED) !== 0 || this.#inputLength === 0) return;
    if (this.host.current !== null) return this.host.serving.proceedLater(this.session);
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
    const { host: server, session } = this;
    const { batch } = server;
    const parser = this.#parser ?? server.parsers.shared;
    this.reply.protocol = session.protocol;
    server.serving.beginBatch(session);
    this.#batchBytes = end - start;
    let at = start;
    let sinceMs = NaN;
    while (at < end && (session.flags & STOPPED) === 0) {
      parser.authenticated = (session.flags & UNAUTHENTICATED) === 0;
      // What may be parsed depends on whether the request before has authenticated the client.
      const status = batch.fill(parser, bytes, at, end, parser.authenticated ? Infinity : 1);
      at = this.#run(batch, bytes, at);
      if (status === FILLED) {
        if (at === end || end - at > MAX_LEFT_BYTES || this.#isGone) continue;
        if (Number.isNaN(sinceMs)) sinceMs = monotonicMs(); // most input is no more than one batch
        else if (monotonicMs() - sinceMs > TURN_MS) this.#giveWay();
        continue;
      }
      if ((session.flags & STOPPED) !== 0) parser.reset(); // it is past requests that wait: to be parsed again
      else if (status === PROTOCOL_ERROR) this.#protocolError(parser.error);
      break;
    }
    if (session.isPrimary) this.#restAfter(at - start);
    this.#keepInput(bytes, at, end, parser);
    this.flush();
    this.#batchBytes = 0;
    server.serving.endBatch();
    if ((session.flags & CLOSING) !== 0) this.socket.end();
  }

  /** The primary's stream is not read in the smallest pieces that it comes in. */
  #restAfter(bytes: number): void {
    const restMs = this.host.replication.link.inputEnds(bytes);
    if (restMs > 0 && (this.session.flags & STOPPED) === 0) this.socket.rest(restMs);
  }

  /** Leaves the rest of the input for the next turn. */
  #giveWay(): void {
    this.session.flags |= GIVING_WAY;
    this.socket.pause();
    onNextTurn(() => {
      this.proceed(GIVING_WAY);
      if ((this.session.flags & (OUTPUT_FULL | GIVING_WAY)) === 0) this.socket.resume();
    });
  }

  /** Runs the requests of a batch that begins at `start`, until the client must wait; the offset after the last run. */
  #run(batch: Batch, bytes: Uint8Array, start: number): number {
    const { host: server, reply, session } = this;
    batch.foresee(bytes, session.database);
    let at = start;
    for (let i = 0; i < batch.count && (session.flags & STOPPED) === 0; i++) {
      const request = batch.requests[i];
      const next = batch.ends[i];
      if (request.argc > 0) {
        this.#running = request;
        server.dispatcher.execute(session, request, batch.commands[i]);
        if ((session.flags & POSTPONED) !== 0) break;
        if (reply.length > FLUSH_BYTES) this.flush();
      } else if (session.replica !== null) server.replication.primary.heardFrom(session.replica);
      if (session.isPrimary) server.replication.link.applied(bytes, at, next, session.transaction !== null);
      at = next;
    }
    this.#running = null;
    batch.foresight.clear();
    return at;
  }

  /** A command threw, as it may when memory runs out: what it replied is worth nothing, and its client is closed. */
  #failed(error: unknown): void {
    const reason = error instanceof Error ? error.stack ?? error.message : String(error);
    this.host.log.warning(`Closing client after an error in a command: ${this.session.description}: ${reason}`);
    this.session.flags |= CLOSING | DROPPED;
    this.threw = true;
    if (this.session.isPrimary) this.host.replication.link.passOn();
    this.#running = null;
    this.#batchBytes = 0;
    this.reply.clear();
    this.host.serving.abandonBatch();
    this.socket.destroy();
  }

  #protocolError(error: string): void {
    this.brokeProtocol = true;
    this.reply.error(`ERR Protocol error: ${error}`);
    this.host.statistics.countError("ERR");
    this.host.log.verbose(`Protocol error (${error}) from client: ${this.host.describe(this.session)}`);
    this.session.flags |= CLOSING;
  }

  /** Keeps what was not consumed, at the start of a buffer of our own, with the parser that knows the place in it. */
  #keepInput(bytes: Uint8Array, at: number, end: number, parser: RequestParser): void {
    const rest = end - at;
    if (rest === 0 || (this.session.flags & CLOSING) !== 0) {
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
    if (this.#parser === null) this.#parser = this.host.parsers.take();
    parser.rebase(this.#input, -at);
  }

  #setInput(buffer: Uint8Array<ArrayBuffer>, length: number): void {
    this.host.memory.buffersGrew(buffer.length - this.#input.length);
    this.#input = buffer;
    this.#inputLength = length;
  }

  #releaseParser(): void {
    if (this.#parser === null) return;
    this.host.parsers.give(this.#parser);
    this.#parser = null;
  }

  /** Adds to the input kept, within `client-query-buffer-limit`; false where that is passed and the client closed. */
  #appendInput(bytes: Uint8Array, start: number, end: number): boolean {
    const length = this.#inputLength + end - start;
    if (length > this.host.settings.queryBufferLimitBytes && !this.session.isPrimary) {
      this.host.log.warning(`Closing client that reached max query buffer length: ${this.session.description}`);
      this.host.statistics.queryBufferDisconnections++;
      this.host.serving.closeSoon(this.session);
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
    if (!this.session.isPrimary && !this.reply.isCut) {
      if (this.hasOutput) this.flushOutput();
      this.#send(this.reply.buffer, 0, length);
    }
    this.reply.clear();
  }

  #send(bytes: Uint8Array, start: number, end: number): void {
    const { session } = this;
    if (session.isDropped) return; // it is closed before it reads that
    if (end - start > CHECKED_OUTPUT_BYTES) {
      this.host.outputLimits.check(session, this.socket.pendingBytes + end - start);
      if (session.isDropped) return;
    }
    this.host.statistics.networkOutputBytes += end - start;
    this.host.statistics.writesProcessed++;
    this.socket.write(bytes, start, end);
    const pending = this.socket.pendingBytes;
    if (pending === 0) return;
    if ((session.flags & UNAUTHENTICATED) !== 0 && pending > UNAUTHENTICATED_OUTPUT_BYTES) {
      this.host.serving.closeSoon(session);
    }
    this.host.outputLimits.check(session, pending);
    if (pending > OUTPUT_PAUSE_BYTES && (session.flags & (REPLICA | MONITOR | SUBSCRIBED)) === 0) {
      session.flags |= OUTPUT_FULL;
      this.socket.pause();
    }
  }

  stream(bytes: Uint8Array, start: number, end: number): void {
    if ((this.session.flags & DEAF) !== 0) return;
    if (this.hasOutput) this.flushOutput();
    this.#send(bytes, start, end);
  }

  /** Queues bytes that no request of this client asked for: invalidations, and what comes before the stream. */
  deliver(bytes: Uint8Array, start: number, end: number): void {
    if ((this.session.flags & DEAF) !== 0) return;
    if (!this.hasOutput) this.host.serving.willFlush(this.session);
    this.#output.append(bytes, start, end);
    this.host.outputLimits.check(this.session, this.outputBytes);
  }

  /**
   * Queues bytes that other clients get too, and that stay where they are until all output is flushed: consecutive
   * ones are only noted as one range, so that a message costs a subscriber no copy.
   */
  deliverShared(bytes: Uint8Array, start: number, end: number): void {
    const output = this.#output;
    if (output.shared === bytes && output.sharedEnd === start) {
      output.sharedEnd = end;
    } else {
      if ((this.session.flags & DEAF) !== 0) return;
      if (!this.hasOutput) this.host.serving.willFlush(this.session);
      output.noteShared(bytes, start, end);
    }
    if (this.socket.pendingBytes > 0) this.host.outputLimits.check(this.session, this.outputBytes);
  }

  get hasOutput(): boolean {
    return !this.#output.isEmpty;
  }

  /** Moves what was queued behind the reply under way, which must be this client's. */
  takeOutputIntoReply(): void {
    this.#output.keepShared();
    this.reply.raw(this.#output.bytes, 0, this.#output.length);
    this.#output.clear();
  }

  /** Sends what was queued. */
  flushOutput(): void {
    const output = this.#output;
    if (output.length > 0) {
      output.keepShared();
      this.#send(output.bytes, 0, output.length);
      output.clear();
    } else if (output.shared !== null) {
      const { shared } = output;
      output.shared = null;
      this.#send(shared, output.sharedStart, output.sharedEnd);
    }
  }
}
