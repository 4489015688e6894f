/**
 * A replica that is attached to this primary: what it has said of itself, how far it has come, and what of the stream waits
 * for it. The primary's side (primary.ts) owns it, and decides what it is sent.
 */

import { type BacklogPosition, readFrom } from "./backlog.ts";
import type { ReplicationStream } from "./stream.ts";

/** What a replica's connection has to send at which no more is given to it, of a snapshot or of the stream, in bytes. */
export const WINDOW_BYTES: number = 1024 * 1024;

/** A client that is a replica. */
export interface ReplicaConnection {
  readonly id: number;
  readonly remoteAddress: string;
  /** Bytes that wait to be sent. */
  readonly outputBytes: number;
  /** Sends bytes, in order. */
  deliver(bytes: Uint8Array, start: number, end: number): void;
  /** Sends a part of the stream, behind what was delivered. */
  stream(bytes: Uint8Array, start: number, end: number): void;
  /** Closes the connection at once. */
  drop(): void;
  /** The same, as more waits for it than its limit allows. */
  dropAsFull(): void;
  /** Closes the connection once all is sent. */
  end(): void;
}

/** How far a replica has come: waiting for a snapshot to begin, for its end, for its arrival; or in the stream. */
export type ReplicaState = "wait_start" | "wait_end" | "send_bulk" | "online";

export class Replica {
  state: ReplicaState = "wait_start";
  /** Whether it stays unsent what follows the snapshot until the replica has acknowledged that. */
  awaitsAcknowledgement = false;
  /** Offset of the snapshot, or at which it continues. */
  initialOffset = 0;
  acknowledgedOffset = 0;
  /** Up to where it has the stream on disk, in its append-only file. */
  syncedOffset = 0;
  acknowledgedMs: number;
  /** Whether it came with SYNC, which knows no offsets. */
  isOld = false;
  /** Only wants an RDB file (redis-cli --rdb). */
  rdbOnly = false;
  /** Said that it came to its end; `gone` after the connection is. */
  gone = false;
  /** The place in the stream where what it was not sent begins, and its offset; null where it is sent each turn's. */
  #waitsFrom: BacklogPosition | null = null;
  #waitsFromOffset = 0;
  waitsSinceMs: number;
  /** Since when it has been synchronised by a snapshot, in ms; 0 where it has all that was written since. */
  syncingSinceMs = 0;
  /** Its snapshot is being written to a file, of which it has seen nothing yet. */
  awaitsFile = false;
  /** Since when more waits than the soft limit allows, in ms; 0 while it does not. */
  overSoftLimitSinceMs = 0;

  constructor(
    readonly connection: ReplicaConnection,
    readonly handshake: Handshake,
    readonly stream: ReplicationStream,
    nowMs: number,
  ) {
    this.acknowledgedMs = this.waitsSinceMs = nowMs;
  }

  /** Bytes of the stream that wait until the replica's snapshot has gone out, or until its connection has room for them. */
  get waitingBytes(): number {
    return this.#waitsFrom === null ? 0 : this.stream.offset - this.#waitsFromOffset;
  }

  /** Bytes of the stream that it has not taken yet. */
  get behindBytes(): number {
    return this.state === "online" ? this.waitingBytes + this.connection.outputBytes : this.waitingBytes;
  }

  /** The state as INFO and ROLE have it. */
  get shownState(): string {
    return this.state.startsWith("wait") ? "wait_bgsave" : this.state;
  }

  /** Whether it is sent what each turn has written, at its end. */
  get isInStep(): boolean {
    return this.state === "online" && this.#waitsFrom === null;
  }

  /** Whether a replica that has just come can be given the snapshot file that is being written for this one. */
  canShareWith(other: Replica): boolean {
    const { handshake } = this;
    if (!this.awaitsFile || this.gone || (this.rdbOnly && !other.rdbOnly)) return false;
    // The other must understand whatever this one is sent.
    return (!handshake.readsMarks || other.handshake.readsMarks) &&
      (!handshake.followsIds || other.handshake.followsIds);
  }

  /** Takes the place of another replica, which waits for the same snapshot file, in the stream. */
  standBeside(other: Replica): void {
    this.initialOffset = other.initialOffset;
    if (this.rdbOnly || other.#waitsFrom === null) return;
    this.syncingSinceMs = other.syncingSinceMs;
    this.waitFrom(other.#waitsFrom, other.#waitsFromOffset);
  }

  /** From a place in the stream on, behind `offset`, what is written waits. */
  waitFrom(position: BacklogPosition, offset: number): void {
    this.stream.hold(position); // before the place that was held is let go of, or what lies between may go with it
    this.waitNoMore();
    this.#waitsFrom = position;
    this.#waitsFromOffset = offset;
  }

  /** Sends of what waits as much as the connection has room for; whether nothing waits any more. */
  sendWaiting(): boolean {
    const from = this.#waitsFrom;
    if (from === null) return true;
    const room = WINDOW_BYTES - this.connection.outputBytes;
    if (room <= 0) return false;
    let offset = this.#waitsFromOffset;
    const behind = readFrom(from, room, (bytes, start, end) => {
      this.connection.stream(bytes, start, end);
      offset += end - start;
    });
    if (offset < this.stream.offset) this.waitFrom(behind, offset);
    else this.waitNoMore();
    return this.#waitsFrom === null;
  }

  /** Nothing needs to be kept for the replica. */
  waitNoMore(): void {
    if (this.#waitsFrom !== null) this.stream.release(this.#waitsFrom);
    this.#waitsFrom = null;
  }
}

/** What a replica has said of itself with REPLCONF, before it asks for synchronisation. */
export interface Handshake {
  listeningPort: number;
  /** Announced address; empty: the connection's. */
  address: string;
  /** Understands a snapshot of unknown length, ended by a mark. */
  readsMarks: boolean;
  /** Understands `+CONTINUE` with another id. */
  followsIds: boolean;
  rdbOnly: boolean;
  /** Wants no keys in the snapshot (redis-cli --functions-rdb, --replica). */
  withoutKeys: boolean;
  /** Nor function libraries. */
  withoutFunctions: boolean;
}

export function newHandshake(): Handshake {
  return {
    listeningPort: 0,
    address: "",
    readsMarks: false,
    followsIds: false,
    rdbOnly: false,
    withoutKeys: false,
    withoutFunctions: false,
  };
}
