/** What a command is: its declaration, as COMMAND INFO and the dispatcher read it. */

import type { Request } from "../resp/request.ts";
import type { Client } from "./caller.ts";
import type { CommandDeclaration, ProtectedName, ScriptReference, SecretFinder } from "./declaration.ts";
import { type KeyFinder, type KeyRange, type KeySpec, legacyKeys } from "./key_specs.ts";
import { NameIndex } from "./name_index.ts";

/**
 * Runs a command: reads the request's arguments in place and writes exactly one reply to `session.reply`. It is called with
 * a whole client, and takes as much of it as it needs: mostly a `Session`.
 */
export type Handler = (session: Client, request: Request) => void;

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
/** Derived from the key specs, not declared. */
export const MOVABLE_KEYS = 1 << 16;
export const ALLOW_BUSY = 1 << 17;
export const NO_ASYNC_LOADING = 1 << 18;
/** Not a flag that is shown: the command is run at once inside MULTI instead of being queued. */
export const NOT_QUEUED = 1 << 19;
/** Not a flag that is shown: known to exist, but hidden from COMMAND (as Redis hides its internal commands). */
export const HIDDEN = 1 << 20;
/** Not a flag that is shown: comes across keys that the request does not name. Those that expired are no unit with it. */
export const ARBITRARY_KEYS = 1 << 21;
/** Not a flag that is shown: runs what is queued, so does what any of it does; refused, it ends the transaction. */
export const RUNS_QUEUE = 1 << 22;
/** Not a flag that is shown: is a use of its keys even by a client whose other commands are none (CLIENT NO-TOUCH). */
export const ALWAYS_TOUCHES = 1 << 23;
/** Not a flag that is shown: what CLIENT CACHING has said is still to be for the command after this one. */
export const KEEPS_CACHING = 1 << 24;
/** Not a flag that is shown: what it replies with are messages, which CLIENT REPLY does not silence. */
export const REPLIES_WITH_MESSAGES = 1 << 25;
/** Not a flag that is shown: may be called in RESP2 by a client with subscriptions. */
export const WHILE_SUBSCRIBED = 1 << 26;
/** Not a flag that is shown: refused, like a write, while saving to the disk fails, for those who ask if all is well. */
export const TELLS_OF_DISK = 1 << 27;
/** Not a flag that is shown: short enough to be timed together with others. All that are fast and never wait are. */
export const QUICK = 1 << 28;
/** That no keys are found is no error of COMMAND GETKEYS. */
export const NO_MANDATORY_KEYS = 1 << 29; // the last bit that is a small integer for every engine

/** A command: what is known of it, and what runs it. */
export interface Command extends CommandDeclaration {
  readonly handler: Handler;
  readonly subcommands: ReadonlyMap<string, Command> | null;
  readonly subcommandIndex: NameIndex<Command> | null;
}

/** What a declaration may say besides. */
export interface CommandOptions {
  readonly keys?: readonly KeySpec[];
  readonly keyFinder?: KeyFinder;
  readonly members?: KeyRange;
  readonly categories?: readonly string[];
  readonly protectedAs?: ProtectedName;
  readonly runs?: ScriptReference;
  readonly secrets?: SecretFinder;
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
  const keys = options.keys ?? [];
  const legacy = legacyKeys(keys);
  const members = options.members ?? null;
  return {
    name,
    arity,
    flags: flags | (legacy.movable ? MOVABLE_KEYS : 0) | ((flags & (FAST | BLOCKING)) === FAST ? QUICK : 0),
    handler,
    keys,
    keyFinder: options.keyFinder ?? null,
    keyRange: legacy.range,
    members,
    hasLoneKey: members === null && legacy.range[0] === 1 && legacy.range[1] === 1,
    categories: options.categories ?? [],
    protectedAs: options.protectedAs ?? null,
    runs: options.runs ?? null,
    secrets: options.secrets ?? null,
    subcommands,
    subcommandIndex: subcommands && new NameIndex(subcommands),
    stats: { calls: 0, microseconds: 0, lastMicroseconds: 0, rejected: 0, failed: 0, histogram: null },
  };
}
