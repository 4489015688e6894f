/**
 * What single families of commands need of the server beyond `Host`: each imports what it uses. `lib/server/` implements
 * all of them, and `caller.ts` puts them together.
 */

import type { Request } from "../resp/request.ts";
import type { Dumper, Restorer } from "../persistence/dump.ts";
import type { PubSub } from "../pubsub/pubsub.ts";
import type { PrimarySide } from "../replication/primary.ts";
import type { PrimaryGuard } from "../replication/primary_guard.ts";
import type { ReplicaSide } from "../replication/replica.ts";
import type { ReplicationStream } from "../replication/stream.ts";
import type { ListedClient } from "./client_facets.ts";
import type { LatencyControl, PauseControl, SlowLogControl } from "./client_state.ts";
import type { CommandDeclaration } from "./declaration.ts";
import type { Host } from "./session.ts";

/** Saving, as a command sees it. */
export interface SavingControl {
  /** Whether a background save to disk is under way. */
  readonly inBackground: boolean;
  /** Whether a snapshot is being taken, for whatever it is. */
  readonly isBusy: boolean;
  /** Whether that is for the base of the append-only file. */
  readonly isRewriting: boolean;
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

/** The append-only file, as a command sees it. */
export interface AppendOnlyControl {
  /** Begins a rewrite, now or as soon as it can; null where it cannot begin. */
  rewriteInBackground(): "started" | "scheduled" | null;
}

/** How far a failover is, in the words of INFO. */
export type FailoverState = "no-failover" | "waiting-for-sync" | "failover-in-progress";

/** To whom the role is to be handed over, and how. */
export interface FailoverOrder {
  /** The replica, as it announced itself; null: any. */
  readonly target: { readonly host: string; readonly port: number } | null;
  /** How long to wait for it to have the whole stream, in ms; null: for ever. */
  readonly timeoutMs: number | null;
  /** It is to take the role when the time is up, even so. */
  readonly isForced: boolean;
}

/** Failovers, as a command sees them. */
export interface FailoverControl {
  readonly state: FailoverState;
  readonly isUnderWay: boolean;
  /** Begins one. The error to reply with, or null. */
  begin(order: FailoverOrder): string | null;
  /** Whether there was one to abort. */
  abort(): boolean;
}

/** Replication, as a command sees it. */
export interface ReplicationControl {
  readonly stream: ReplicationStream;
  readonly primary: PrimarySide;
  readonly replica: ReplicaSide;
  readonly failover: FailoverControl;
  /** Follows a primary; false where that is so already. `by` is who asks. */
  follow(host: string, port: number, by: string): boolean;
  /**
   * Confirms that the stream `id`, whose synchronisation is held up, may replace the data. The error to reply with, or
   * null. `by` is who asks.
   */
  accept(id: string, by: string): string | null;
  /** Becomes a primary; false where it is one. */
  promote(by: string): boolean;
  /**
   * Takes the role over from a primary that hands over the stream `id`, of which the next byte is `offset`. The error to
   * reply with, or null.
   */
  takeOver(id: string, offset: number | null, by: string): string | null;
  readonly link: {
    /** Keeps the data from a primary that has lost its own. */
    readonly guard: Pick<PrimaryGuard, "held">;
    /** The primary asks how far its stream has been applied: it is told. */
    asked(): void;
  };
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

/** Memory of one moment, in bytes. */
export interface MemoryUse {
  /** All that the server allocates. */
  readonly usedBytes: number;
  /** The most that it ever was. */
  readonly peakBytes: number;
  /** Of it: live blocks of the arena. */
  readonly arenaBytes: number;
  /** What the arena has taken from the system for them. */
  readonly committedBytes: number;
  /** Buffers of clients, and of those that are replicas. */
  readonly clientBytes: number;
  readonly replicaBytes: number;
  /** What a snapshot under way takes: in the arena and beside it. */
  readonly snapshotBytes: number;
  readonly backlogBytes: number;
  /** All but the entries: what was there at the start, tables, buffers, what a snapshot under way takes. */
  readonly overheadBytes: number;
  /** The entries. */
  readonly datasetBytes: number;
  readonly keys: number;
  readonly residentBytes: number;
  /** The runtime's heap, as it is in use. */
  readonly heapBytes: number;
}

/** Where the memory goes, as a command sees it. */
export interface MemoryReport {
  /** What was used when the server began to serve, in bytes. */
  readonly startupBytes: number;
  measure(): MemoryUse;
}

/** What only DEBUG does. */
export interface DebugControl {
  /** Whether the data set is being loaded, which nobody else is to change then. */
  readonly isLoading: boolean;
  /** RDB data is taken whatever its checksum. */
  skipChecksums: boolean;
  /** Scripts may call commands that are not for them. */
  scriptsCallAnything: boolean;
  /** How long the server does nothing before it writes to the append-only file, in ms. */
  flushSleepMs: number;
  log(message: string): void;
  pauseCron(paused: boolean): void;
  /** Ends the snapshot under way, if there is one, as a failure of what it is for. */
  abortSnapshot(): void;
  /** Saves, empties and loads the databases at once. The error to reply with, or null. */
  reload(options: { readonly save: boolean; readonly flush: boolean; readonly merge: boolean }): string | null;
  /** Empties the databases and loads the append-only file at once. The error to reply with, or null. */
  loadLog(): string | null;
}

/** For COMMAND and LATENCY HISTOGRAM: the commands that there are. */
export interface CommandsHost extends Host {
  readonly commands: {
    /** All commands by name. */
    readonly byName: ReadonlyMap<string, CommandDeclaration>;
    /** The command whose name is the given bytes, in any case, or null. */
    find(bytes: Uint8Array, start: number, length: number): CommandDeclaration | null;
  };
}

/** For CLIENT: the others, and pauses. */
export interface ClientsHost extends Host {
  /** Connected clients by id. */
  readonly clients: ReadonlyMap<number, ListedClient>;
  readonly pausing: PauseControl;
}

/** For AUTH, HELLO and RESET. */
export interface GreetingHost extends Host {
  /** Whether the default user has a password. */
  readonly passwordRequired: boolean;
  readonly isReplica: boolean;
}

/** For Pub/Sub. */
export interface PubSubHost extends Host {
  readonly pubsub: PubSub;
  /** Whether writes are propagated to anybody. */
  readonly hasFollowers: boolean;
}

/** For EXEC. */
export interface UnitHost extends Host {
  /** Begins a unit, and ends it: what it propagates is wrapped in MULTI and EXEC if it is more than one command. */
  beginUnit(): void;
  endUnit(): void;
}

/** A library of functions, as FUNCTION LIST shows it. */
export interface ListedLibrary {
  readonly name: string;
  /** Its code. */
  readonly source: string;
  readonly functions: ReadonlyMap<string, {
    readonly description: string | null;
    /** What it says that it does, as the flags are called. */
    readonly flagNames: readonly string[];
  }>;
}

/** The libraries of functions. What can fail gives the error to reply, or null. */
export interface FunctionControl {
  readonly libraries: ReadonlyMap<string, ListedLibrary>;
  readonly functionCount: number;
  has(name: string): boolean;
  /** Loads a library; `mustBeQuick`: it may not take long. */
  load(
    source: string,
    mode: "replace" | "add",
    mustBeQuick: boolean,
  ): { readonly name: string } | { readonly failed: string };
  /** Removes a library; whether there was one of that name. */
  delete(name: string): boolean;
  flush(): void;
  /** Takes the code of libraries in, all or none. */
  join(sources: readonly Uint8Array[], mode: "flush" | "replace" | "add"): string | null;
}

/** The script, or function, that takes long. */
export interface RunningScript {
  readonly kind: "script" | "function";
  readonly name: string;
  /** What its client has sent. */
  readonly request: Request;
  readonly durationMs: number;
}

/** The scripts that the server knows, and the one that takes long. */
export interface ScriptingControl {
  readonly functions: FunctionControl;
  /** Null while none takes long. */
  readonly running: RunningScript | null;
  /** What all but a few commands are told while a script takes long, or a function. */
  busyRefusal(kind: "script" | "function"): string;
  /** Compiles a script, and keeps it: its SHA-1; or, with `failed`, the error. */
  load(source: string): { readonly sha: string } | { readonly failed: string };
  /** Whether there is a script with a SHA-1. */
  has(sha: string): boolean;
  /** Forgets all scripts. */
  flush(): void;
  /** Ends the script, or function, that takes long: null, or the error where that cannot be. */
  kill(kind: "script" | "function"): string | null;
}

/** For SCRIPT and FUNCTION. */
export interface ScriptingHost extends Host {
  readonly scripting: ScriptingControl;
}

/** For FLUSHALL, FLUSHDB and SWAPDB. */
export interface DatabasesHost extends Host {
  readonly saving: SavingControl;
}

/** For SAVE, BGSAVE, BGREWRITEAOF, SHUTDOWN, DUMP and RESTORE. */
export interface SavingHost extends Host {
  readonly appendOnly: AppendOnlyControl;
  readonly saving: SavingControl;
  readonly shutdown: ShutdownControl;
  readonly dumper: Dumper;
  readonly restorer: Restorer;
  readonly debugging: DebugControl;
}

/** For what propagates as a value, and not as the way to it. */
export interface DumpingHost extends Host {
  readonly dumper: Dumper;
}

/** For REPLICAOF, PSYNC, WAIT and their like. */
export interface ReplicationHost extends Host {
  readonly isReplica: boolean;
  readonly replication: ReplicationControl;
}

/** For CONFIG and INFO. */
export interface ReportsHost extends Host {
  /** Whether the dataset is being loaded, in place of the one there was, or beside it. */
  readonly loading: boolean;
  readonly asyncLoading: boolean;
  /** Sets the counters that INFO shows to zero (CONFIG RESETSTAT). */
  resetStatistics(): void;
  /** The text of INFO: of the sections named, or of those shown by default. */
  info(sections: readonly string[]): string;
}

/** For SLOWLOG and LATENCY: what has taken long. */
export interface DelaysHost extends Host {
  readonly slowLog: SlowLogControl;
  readonly latency: LatencyControl;
}

/** For MEMORY. */
export interface MemoryHost extends Host {
  readonly memory: MemoryReport;
  /** Gives memory that is not used back to the system. */
  purgeMemory(): void;
}

/** For DEBUG. */
export interface DebugHost extends Host {
  readonly debugging: DebugControl;
  readonly dumper: Dumper;
  readonly replication: ReplicationControl;
}
