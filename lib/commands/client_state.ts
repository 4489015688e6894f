/**
 * What the CLIENT, SLOWLOG and LATENCY commands know of clients and of what the server has observed. `lib/server/`
 * implements it; it is declared here, beside `Session` and `Host`, so that imports run downwards.
 */

/** Kinds of clients, as CLIENT LIST and CLIENT KILL tell them apart. */
export type ClientType = "normal" | "master" | "replica" | "pubsub";

/** What CLIENT TRACKING ON asks for. */
export interface TrackingOptions {
  /** Client that receives the invalidations; 0: the tracking client itself. */
  readonly redirect: number;
  /** Keys are not remembered: every change of a key with one of the prefixes is told. */
  readonly broadcast: boolean;
  /** Prefixes to add, as binary strings. */
  readonly prefixes: readonly string[];
  /** Whether keys are tracked by default, or only after CLIENT CACHING YES, or unless after CLIENT CACHING NO. */
  readonly choice: "all" | "optin" | "optout";
  /** Changes that the client makes itself are not told. */
  readonly noLoop: boolean;
}

/** The state of a client that tracks keys. */
export interface TrackingState extends TrackingOptions {
  /** CLIENT CACHING was called for the next command. */
  caching: boolean;
  /** The client that invalidations were to go to is gone. */
  redirectBroken: boolean;
}

/** CLIENT PAUSE, as a command sees it. */
export interface PauseControl {
  /** Holds up writes, or all commands, for so long at least. */
  pause(durationMs: number, mode: "write" | "all"): void;
  resume(): void;
}

/** One slow command. */
export interface SlowLogEntry {
  readonly id: number;
  /** Unix time in seconds. */
  readonly time: number;
  readonly microseconds: number;
  /** Arguments, shortened and with secrets taken out, as binary strings. */
  readonly args: readonly string[];
  readonly address: string;
  readonly clientName: string;
}

export interface SlowLogControl {
  readonly length: number;
  /** The newest `count` entries, newest first. */
  newest(count: number): SlowLogEntry[];
  reset(): void;
}

/** A latency spike: the longest one of its second. */
export interface LatencySample {
  /** Unix time in seconds. */
  readonly time: number;
  readonly milliseconds: number;
}

/** The spikes of one kind of event. */
export interface LatencyHistory {
  /** Oldest first. */
  readonly samples: readonly LatencySample[];
  /** The longest since the last reset, in ms. */
  readonly longest: number;
}

export interface LatencyControl {
  /** Histories by event. */
  readonly events: ReadonlyMap<string, LatencyHistory>;
  /** Forgets an event's samples; whether there were any. */
  reset(event: string): boolean;
}
