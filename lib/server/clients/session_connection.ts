/**
 * What a session, and whoever has a session in hand, knows of the connection that it is held over. Implemented by
 * connection.ts, which knows the session as it is; that this stands by itself keeps the two from needing each other.
 */

import type { Socket } from "../../net/socket.ts";

/** A connection, as its session sees it. */
export interface SessionConnection {
  readonly socket: Socket;
  /** Bytes received and sent since the connection began. */
  readonly networkInputBytes: number;
  /** The input was not what the protocol allows. */
  readonly brokeProtocol: boolean;
  /** A command of the client's threw, and may have done a part of what it was to do. */
  readonly threw: boolean;
  /** Since when the output is above the soft limit, in ms; 0 while it is not. */
  overSoftLimitSinceMs: number;
  /** The output limits know that there may be output waiting. */
  isSentTo: boolean;
  /** What the client's buffers take, as `maxmemory-clients` has counted last, in bytes. */
  countedBytes: number;
  /** Bytes of input that wait to be parsed or run, those under way included. */
  readonly inputBytes: number;
  /** Bytes of it that have not been parsed: arguments that are whole are counted by `argumentBytes`. */
  readonly unparsedBytes: number;
  /** Room in the input buffer, in bytes. */
  readonly freeInputBytes: number;
  /** Bytes of the arguments of the request under way, as far as they have been parsed. */
  readonly argumentBytes: number;
  /** Bytes of output that the system has not taken. */
  readonly outputBytes: number;
  /** Memory that the buffers take, in bytes. */
  readonly bufferBytes: number;
  /** Whether `deliver` or `deliverShared` has queued something. */
  readonly hasOutput: boolean;
  /** Input that came with something else, as the start of the replication stream does. */
  onData(bytes: Uint8Array, start: number, end: number): void;
  /** Takes back a reason for not running requests, and runs those that waited. */
  proceed(flag: number): void;
  /** Hands what the reply writer holds, which must be for this client, to the socket. */
  flush(): void;
  /** Queues bytes that no request of this client asked for: invalidations, and what comes before the replication stream. */
  deliver(bytes: Uint8Array, start: number, end: number): void;
  /** Sends a part of the replication stream, behind what was queued, while no request of the client is run. */
  stream(bytes: Uint8Array, start: number, end: number): void;
  /** Queues bytes that other clients get too, and that stay where they are until all output is flushed. */
  deliverShared(bytes: Uint8Array, start: number, end: number): void;
  /** Moves what was queued behind the reply under way, which must be this client's. */
  takeOutputIntoReply(): void;
  /** Sends what was queued. */
  flushOutput(): void;
}
