/**
 * What commands may know of the client they run for and of the server around it. `lib/server/` implements both; that
 * they are declared here keeps the imports running downwards.
 */

import type { Config } from "../config/config.ts";
import type { Dumper, Restorer } from "../persistence/dump.ts";
import type { PubSub, Subscriber } from "../pubsub/pubsub.ts";
import type { Handshake, PrimarySide } from "../replication/primary.ts";
import type { ReplicaSide } from "../replication/replica.ts";
import type { ReplicationStream } from "../replication/stream.ts";
import type { ReplyWriter } from "../resp/reply.ts";
import type { Request } from "../resp/request.ts";
import type { RequestBuilder } from "../resp/request_builder.ts";
import type { Database } from "../store/database.ts";
import type { Store } from "../store/store.ts";
import type {
  ClientType,
  LatencyControl,
  PauseControl,
  SlowLogControl,
  TrackingOptions,
  TrackingState,
} from "./client_state.ts";
import type { Command } from "./command.ts";
import type { CommandTable } from "./table.ts";

/** A command that waits for EXEC. */
export interface QueuedCommand {
  readonly command: Command;
  readonly request: Request;
}

/** The transaction that a client has begun with MULTI. */
export interface Transaction {
  readonly queue: QueuedCommand[];
  /** Memory that the requests in the queue take, in bytes. */
  queuedBytes: number;
  /** A command could not be queued, so EXEC must refuse. */
  failed: boolean;
}

/** The replicas that count: which have an offset of the stream, or which have it on disk. */
export type ReplicaCount = "acknowledgedBy" | "syncedBy";

/** One client, as a command sees it. */
export interface Session extends Subscriber {
  readonly id: number;
  readonly host: Host;
  /** Where the reply goes. */
  readonly reply: ReplyWriter;
  /** The database selected. */
  database: Database;
  /** Between MULTI and EXEC or DISCARD. */
  transaction: Transaction | null;
  /** Whether this is the link to the primary, whose commands are obeyed and not answered. */
  readonly isPrimary: boolean;
  /** Has the command under way propagated as this request, even if it changed nothing. */
  propagate(request: Request): void;
  /**
   * Has the command under way propagated as another request, of `argc` arguments, which are to be added at once; null
   * where nobody follows.
   */
  propagateAs(argc: number): RequestBuilder | null;
  /** Keeps the write under way from being propagated. */
  preventPropagation(): void;
  name: string;
  /** What the client's library says of itself (CLIENT SETINFO). */
  libraryName: string;
  libraryVersion: string;
  readonly user: string;
  readonly type: ClientType;
  /** Addresses of the other end and of this end, with the port. */
  readonly remoteAddress: string;
  readonly localAddress: string;
  /** Whether it is to be closed at once, whatever it has not been sent. */
  readonly isDropped: boolean;
  /** Whether replies are sent: `skip` leaves out that to the next command. */
  setReplies(mode: "on" | "off" | "skip"): void;
  /** Keeps the client from being evicted for its memory, or not. */
  setEvictable(evictable: boolean): void;
  /** Whether the client's reads count as uses of the keys. */
  setTouching(touching: boolean): void;
  /** Client-side caching: null while off. */
  readonly tracking: TrackingState | null;
  startTracking(options: TrackingOptions): void;
  stopTracking(): void;
  /** Shows the client every command from now on; false where that is so already. */
  beginMonitoring(): boolean;
  /** Ends the wait of a blocked client, as if time was up or with an error; false where there is none to end. */
  endWaiting(how: "timeout" | "error"): boolean;
  /** Closes the client's connection; that of the client being served, after its reply. */
  kill(): void;
  readonly authenticated: boolean;
  /** Checks the credentials and, if they are right, lets the client in. */
  authenticate(user: string, password: string): boolean;
  /** Chooses the protocol version, of the reply under way too. */
  setProtocol(protocol: 2 | 3): void;
  /** Puts the client back to the state of a fresh connection. */
  resetState(): void;
  /** Closes the connection once the reply is sent. */
  close(): void;
  /** Runs `begin` after holding the client up: there is no reply, unless `unblock` gives one. */
  blockUntilShutdown(begin: () => void): void;
  /** Lets a blocked client go on; `write` gives the reply that was waited for. */
  unblock(write: () => void): void;
  /** The client on one line, as CLIENT LIST shows it. */
  readonly description: string;
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
  /** Replies by `write` once so many replicas have what the client wrote, or the time is up. */
  waitForReplicas(replicas: number, timeoutMs: number, count: ReplicaCount, write: (count: number) => void): void;
  /** To be called after subscriptions were added or ended. */
  subscriptionsChanged(): void;
  /** Whether EXEC is running: nothing may block, and there is no point in time between two commands. */
  insideExec: boolean;
  /** Begins what MULTI begins, and ends it. */
  beginTransaction(): void;
  endTransaction(): void;
  /** Starts to watch a key for the next transaction. */
  watch(key: Uint8Array): void;
  /** Stops watching all keys. */
  unwatch(): void;
  /** Whether a watched key has changed, or expired, since it was watched. */
  watchedKeyChanged(): boolean;
  /** Whether the client connects from this machine: by a loopback address or a Unix socket. */
  readonly isLocal: boolean;
}

/** Saving, as a command sees it. */
export interface SavingControl {
  /** Whether a background save to disk is under way. */
  readonly inBackground: boolean;
  readonly snapshotter: { readonly running: boolean };
  /** A background save is to begin when the snapshot under way ends. */
  scheduled: boolean;
  /** Unix time in ms of the last successful save. */
  readonly lastSaveMs: number;
  /** Saves at once; why it failed, or null. */
  saveNow(): string | null;
  saveInBackground(): void;
  /** To be called after all databases were emptied by a command. */
  saveFlushed(): void;
}

/** Replication, as a command sees it. */
export interface ReplicationControl {
  readonly stream: ReplicationStream;
  readonly primary: PrimarySide;
  readonly replica: ReplicaSide;
  /** Follows a primary; false where that is so already. `by` is who asks. */
  follow(host: string, port: number, by: string): boolean;
  /** Becomes a primary; false where it is one. */
  promote(by: string): boolean;
  /** Takes the role over from a primary that hands over the stream `id`. The error to reply with, or null. */
  takeOver(id: string, by: string): string | null;
  acknowledgeToPrimary(): void;
}

/** The end of the server, as a command sees it. */
export interface ShutdownControl {
  begin(
    options: { readonly save: "save" | "nosave" | "default"; readonly now: boolean; readonly force: boolean },
    onFailure: () => void,
  ): Promise<void>;
  /** Whether there was something to abort. */
  abort(): boolean;
}

/** Where the memory goes, as a command sees it; in bytes. */
export interface MemoryReport {
  readonly startupBytes: number;
  measure(): {
    readonly usedBytes: number;
    readonly peakBytes: number;
    readonly arenaBytes: number;
    readonly committedBytes: number;
    readonly clientBytes: number;
    readonly replicaBytes: number;
    readonly backlogBytes: number;
    readonly overheadBytes: number;
    readonly datasetBytes: number;
    readonly keys: number;
    readonly residentBytes: number;
    readonly heapBytes: number;
  };
}

/** What only DEBUG does. */
export interface DebugControl {
  /** RDB data is taken whatever its checksum. */
  skipChecksums: boolean;
  log(message: string): void;
  pauseCron(paused: boolean): void;
  /** Saves, empties and loads the databases at once. The error to reply with, or null. */
  reload(options: { readonly save: boolean; readonly flush: boolean; readonly merge: boolean }): string | null;
}

/** The server, as a command sees it. */
export interface Host {
  readonly store: Store;
  readonly commands: CommandTable;
  readonly pubsub: PubSub;
  /** Connected clients by id. */
  readonly clients: ReadonlyMap<number, Session>;
  readonly pausing: PauseControl;
  readonly slowLog: SlowLogControl;
  readonly latency: LatencyControl;
  /** Whether the default user has a password. */
  readonly passwordRequired: boolean;
  readonly isReplica: boolean;
  /** Whether writes are propagated to anybody. */
  readonly hasFollowers: boolean;
  /** Longest argument, and so longest string, in bytes (`proto-max-bulk-len`). */
  readonly maxBulkBytes: number;
  readonly config: Config;
  readonly saving: SavingControl;
  readonly shutdown: ShutdownControl;
  readonly dumper: Dumper;
  readonly restorer: Restorer;
  readonly replication: ReplicationControl;
  /** Whether the dataset is being loaded. */
  readonly loading: boolean;
  /** Sets the counters that INFO shows to zero (CONFIG RESETSTAT). */
  resetStatistics(): void;
  /** The text of INFO: of the sections named, or of those shown by default. */
  info(sections: readonly string[]): string;
  readonly memory: MemoryReport;
  readonly debugging: DebugControl;
  /** Changes since the last save; raising it is what makes a command's request propagate. */
  dirty: number;
  /**
   * Tells that the value under argument `keyIndex` changed by one: raises `dirty`, touches watched and tracked keys,
   * and publishes the keyspace event.
   */
  keyChanged(session: Session, request: Request, keyIndex: number, eventClass: number, event: string): void;
  /** Tells WATCH and client tracking that a key changed; `session` is who changed it, if a client did. */
  touched(session: Session | null, database: Database, bytes: Uint8Array, start: number, length: number): void;
  /** Publishes a keyspace event, if its class is asked for. */
  notify(eventClass: number, event: string, database: Database, bytes: Uint8Array, start: number, length: number): void;
  /** Gives memory that is not used back to the system. */
  purgeMemory(): void;
  /** Empties databases; returns the number of keys removed. */
  flush(databases: readonly Database[]): number;
  /** Exchanges the contents of two databases. */
  swap(a: Database, b: Database): void;
  /** Runs a command for a session with all that belongs to it (statistics, propagation), as EXEC does. */
  call(session: Session, command: Command, request: Request): void;
  /** Runs `body` as one unit: what it propagates is wrapped in MULTI and EXEC if it is more than one command. */
  asUnit(body: () => void): void;
}
