/** What a command is: its declaration, as COMMAND INFO and the dispatcher read it. */

import type { Request } from "../resp/request.ts";
import type { LatencyHistogram } from "../bytes/histogram.ts";
import { NameIndex } from "./name_index.ts";
import type { Session } from "./session.ts";

/** Runs a command: reads the request's arguments in place and writes exactly one reply to `session.reply`. */
export type Handler = (session: Session, request: Request) => void;

// Flags, as COMMAND INFO names them (Redis documentation, "COMMAND", "Flags").
export const WRITE = 1 << 0;
export const READONLY = 1 << 1;
export const DENYOOM = 1 << 2;
export const ADMIN = 1 << 3;
export const PUBSUB = 1 << 4;
export const NOSCRIPT = 1 << 5;
export const BLOCKING = 1 << 6;
export const LOADING = 1 << 7;
export const STALE = 1 << 8;
export const SKIP_MONITOR = 1 << 9;
export const SKIP_SLOWLOG = 1 << 10;
export const ASKING = 1 << 11;
export const FAST = 1 << 12;
export const NO_AUTH = 1 << 13;
export const MAY_REPLICATE = 1 << 14;
export const NO_MULTI = 1 << 15;
export const MOVABLE_KEYS = 1 << 16;
export const ALLOW_BUSY = 1 << 17;
export const NO_ASYNC_LOADING = 1 << 18;
/** Not a flag that is shown: the command is run at once inside MULTI instead of being queued. */
export const NOT_QUEUED = 1 << 19;
/** Not a flag that is shown: known to exist, but hidden from COMMAND (as Redis hides its internal commands). */
export const HIDDEN = 1 << 20;
/** Not a flag that is shown: comes across keys that the request does not name. Those that expired are no unit with it. */
export const ARBITRARY_KEYS = 1 << 21;
/** Not a flag that is shown: a directive must allow it (see protected.ts). */
export const PROTECTED = 1 << 22;

/** Where a command's keys are: the first and last argument index (a negative one counts from the end) and the step. */
export type KeyRange = readonly [first: number, last: number, step: number];

export interface Command {
  /** In lower case; a subcommand's is `container|name`. */
  readonly name: string;
  /** Number of arguments, the name included; negative: at least so many. */
  readonly arity: number;
  readonly flags: number;
  /** `[0, 0, 0]` where there are none. */
  readonly keys: KeyRange;
  /** Where the members of the key's value are that it looks up (a hash's fields); null where it looks up none. */
  readonly members: KeyRange | null;
  /** ACL categories beyond those that follow from the flags, without `@`. */
  readonly categories: readonly string[];
  readonly handler: Handler;
  /** Subcommands by name in lower case. */
  readonly subcommands: ReadonlyMap<string, Command> | null;
  /** The same, for looking them up where the name lies in a request. */
  readonly subcommandIndex: NameIndex<Command> | null;
  /** Calls and their time, for INFO commandstats. */
  readonly stats: CommandStats;
}

export interface CommandStats {
  calls: number;
  /** Time spent, in µs. */
  microseconds: number;
  /** Duration of a call as it was measured last, for commands of which not every call is timed; in µs. */
  lastMicroseconds: number;
  /** Refused before they ran. */
  rejected: number;
  /** Ran and replied with an error. */
  failed: number;
  /** Calls by duration, for LATENCY HISTOGRAM and INFO latencystats; made at the first call. */
  histogram: LatencyHistogram | null;
}

export interface CommandOptions {
  readonly keys?: KeyRange;
  readonly members?: KeyRange;
  readonly categories?: readonly string[];
  readonly subcommands?: readonly Command[];
}

/** A copy of a command with counters of its own, for one server. */
export function instantiate(of: Command): Command {
  const subcommands = of.subcommands &&
    new Map([...of.subcommands].map(([name, subcommand]) => [name, instantiate(subcommand)]));
  const stats = { calls: 0, microseconds: 0, lastMicroseconds: 0, rejected: 0, failed: 0, histogram: null };
  return { ...of, subcommands, subcommandIndex: subcommands && new NameIndex(subcommands), stats };
}

/** Declares a command. A subcommand is declared with its full name, `container|name`. */
export function command(
  name: string,
  arity: number,
  flags: number,
  handler: Handler,
  options: CommandOptions = {},
): Command {
  const subcommands = options.subcommands
    ? new Map(options.subcommands.map((sub) => [sub.name.split("|")[1], sub]))
    : null;
  return {
    name,
    arity,
    flags,
    handler,
    keys: options.keys ?? [0, 0, 0],
    members: options.members ?? null,
    categories: options.categories ?? [],
    subcommands,
    subcommandIndex: subcommands && new NameIndex(subcommands),
    stats: { calls: 0, microseconds: 0, lastMicroseconds: 0, rejected: 0, failed: 0, histogram: null },
  };
}
