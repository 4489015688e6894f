/**
 * What single families of commands need of the client they run for beyond `Session`: each imports what it uses. `lib/server/`
 * implements all of them, and `caller.ts` puts them together.
 */

import type { Subscriber } from "../pubsub/pubsub.ts";
import type { Request } from "../resp/request.ts";
import type { Handshake } from "../replication/attached_replica.ts";
import type { Mark } from "../resp/reply.ts";
import type { ScriptReference } from "./declaration.ts";
import type { MigrationOrder } from "./migration_order.ts";
import type { ClientType, TrackingOptions, TrackingState } from "./client_state.ts";

/** The transaction that a client has begun with MULTI: commands that wait for EXEC. */
export interface Transaction {
  /** Commands queued. */
  readonly length: number;
  /** A command could not be queued, so EXEC must refuse. */
  readonly failed: boolean;
  /** Runs a command queued with all that belongs to it (statistics, propagation). */
  run(index: number): void;
}

/** For MULTI, EXEC, WATCH and their like. */
export interface Transactional {
  /** Between MULTI and EXEC or DISCARD. */
  readonly transaction: Transaction | null;
  /** Whether EXEC is running: nothing may block, and there is no point in time between two commands. */
  insideExec: boolean;
  /** Whether the command that has been run is a script that takes long, and was left: its client waits for it. */
  readonly isLeft: boolean;
  /** Has `goOn` called once that has come to its end; what was replied since `mark` then stands before its reply. */
  whenScriptEnds(mark: Mark, goOn: () => void): void;
  /** Begins what MULTI begins, and ends it. */
  beginTransaction(): void;
  endTransaction(): void;
  /** Starts to watch a key for the next transaction. */
  watch(key: Uint8Array): void;
  /** Stops watching all keys. */
  unwatch(): void;
  /** Whether a watched key has changed, or expired, since it was watched. */
  watchedKeyChanged(): boolean;
}

/** For EVAL and its like. */
export interface Evaluating {
  /**
   * Runs the script that the first argument names, of which so many keys and then other arguments follow its number of
   * keys, and replies, now or once it has come to its end. `readsOnly`: it may write nothing, whatever it says.
   */
  evaluate(request: Request, keys: number, by: ScriptReference, readsOnly: boolean): void;
}

/** For commands that hold their client up. */
export interface Blockable {
  /** Runs `begin` after holding the client up: there is no reply, and no end of it, unless `unblock` gives one. */
  blockUntilDone(begin: () => void): void;
  /** Lets a blocked client go on; `write` gives the reply that was waited for. */
  unblock(write: () => void): void;
}

/** For MIGRATE. */
export interface Migrating {
  /** Whether EXEC is running: nothing may block. */
  readonly insideExec: boolean;
  /** Holds the client up until its keys are where they are to go, and replies. */
  migrate(order: MigrationOrder): void;
}

/** For commands that wait until a key has a value. */
export interface KeyWaiter {
  /**
   * Holds the client up until one of `count` keys, arguments from `first` on, has a value of a type; then the command runs
   * again. Once the time is up (0: never) `onTimeout` replies, and it does at once where nothing may wait, as within EXEC.
   * With `whenGone` it runs again, too, when a key goes or has another type: it will say what is wrong.
   */
  waitForKeys(
    request: Request,
    first: number,
    count: number,
    type: number,
    timeoutMs: number,
    onTimeout: () => void,
    whenGone?: "wait" | "run",
  ): void;
}

/** Where what a client wrote is to be before it goes on. */
export interface WaitedFor {
  /** On the disk of so many of this server alone: 0 or 1. */
  readonly local: number;
  readonly replicas: number;
  /** Whether replicas are to have it on disk. */
  readonly onDisk: boolean;
}

/** For PSYNC, REPLCONF, WAIT and their like: the client as a link of the replication. */
export interface ReplicationLink {
  /** The client on one line, as CLIENT LIST shows it. */
  readonly description: string;
  /** Whether this is the link to the primary, whose commands are obeyed and not answered. */
  readonly isPrimary: boolean;
  /** Whether what it asks for has been done elsewhere, or before: by this server's primary, or by the file it loads. */
  readonly isObeyed: boolean;
  /** Whether the client is a replica of this server. */
  readonly isReplica: boolean;
  /** What it has said of itself as a replica. */
  readonly replicaHandshake: Handshake;
  /**
   * Makes the client a replica: continuing stream `id` at an offset (null: what it sent was no number), or, where `id` is
   * null, by a SYNC. The error to reply, or null.
   */
  synchronise(id: string | null, offset: number | null): string | null;
  /** `REPLCONF ACK` */
  acknowledgeReplication(offset: number, syncedOffset: number): void;
  /**
   * Once what the client wrote is where it is wanted, or the time is up, `write` replies: whether it is on this server's
   * disk (0 or 1), and how many replicas have it.
   */
  waitForWrites(wanted: WaitedFor, timeoutMs: number, write: (local: number, replicas: number) => void): void;
}

/** For CLIENT TRACKING and its like: client-side caching. */
export interface TrackingClient {
  /** Null while off. */
  readonly tracking: TrackingState | null;
  startTracking(options: TrackingOptions): void;
  stopTracking(): void;
}

/** For SUBSCRIBE and its like. */
export interface SubscribingClient extends Subscriber {
  /** To be called after subscriptions were added or ended. */
  subscriptionsChanged(): void;
}

/** For AUTH, HELLO, QUIT and RESET: the connection itself. */
export interface Greeted {
  name: string;
  readonly authenticated: boolean;
  /** Checks the credentials and, if they are right, lets the client in. */
  authenticate(user: string, password: string): boolean;
  /** Chooses the protocol version, of the reply under way too. */
  setProtocol(protocol: 2 | 3): void;
  /** Puts the client back to the state of a fresh connection. */
  resetState(): void;
  /** Closes the connection once the reply is sent. */
  close(): void;
}

/** A client in CLIENT LIST, as others see it. */
export interface ListedClient {
  readonly id: number;
  readonly authenticated: boolean;
  readonly user: string;
  readonly type: ClientType;
  /** Addresses of the other end and of this end, with the port. */
  readonly remoteAddress: string;
  readonly localAddress: string;
  /** Whether it is to be closed at once, whatever it has not been sent. */
  readonly isDropped: boolean;
  /** The client on one line, as CLIENT LIST shows it. */
  readonly description: string;
  /** Ends the wait of a blocked client, as if time was up or with an error; false where there is none to end. */
  endWaiting(how: "timeout" | "error"): boolean;
  /** Closes the client's connection; that of the client being served, after its reply. */
  kill(): void;
}

/** For CLIENT: what a client says of itself and how it wants to be served. */
export interface ConfiguredClient extends ListedClient {
  name: string;
  /** What the client's library says of itself (CLIENT SETINFO). */
  libraryName: string;
  libraryVersion: string;
  /** Whether replies are sent: `skip` leaves out that to the next command. */
  setReplies(mode: "on" | "off" | "skip"): void;
  /** Keeps the client from being evicted for its memory, or not. */
  setEvictable(evictable: boolean): void;
  /** Whether the client's reads count as uses of the keys. */
  setTouching(touching: boolean): void;
}

/** For what only clients of this machine may do. */
export interface Located {
  /** Whether the client connects from this machine: by a loopback address or a Unix socket. */
  readonly isLocal: boolean;
}

/** For MONITOR. */
export interface Monitoring {
  /** Shows the client every command from now on; false where that is so already. */
  beginMonitoring(): boolean;
}
