/**
 * What is known of a command without running it: name, arity, flags, keys, and how it has been called so far. Read by
 * COMMAND, LATENCY and whoever finds keys; `command.ts` adds the handler, which knows of clients and of the server.
 */

import type { LatencyHistogram } from "../bytes/histogram.ts";
import type { Request } from "../resp/request.ts";
import type { KeyFinder, KeyRange, KeySpec } from "./key_specs.ts";
import type { NameIndex } from "./name_index.ts";

/** The indices of those arguments of a request that are secret. */
export type SecretFinder = (request: Request) => ReadonlySet<number>;

/** What `enable-debug-command` and `enable-module-command` allow. */
export type ProtectedName = "DEBUG" | "MODULE";

/** How the first argument names a script: by its text, by its SHA-1, or as a function of a library. */
export type ScriptReference = "text" | "sha" | "function";

/** A command without what runs it: all that is known of it. */
export interface CommandDeclaration {
  /** In lower case; a subcommand's is `container|name`. */
  readonly name: string;
  /** Number of arguments, the name included; negative: at least so many. */
  readonly arity: number;
  readonly flags: number;
  /** Where the keys are and how they are used; find_keys.ts finds them. */
  readonly keys: readonly KeySpec[];
  /** Finds the keys where the specs do not say all; null where they do. */
  readonly keyFinder: KeyFinder | null;
  /** A range of keys, derived from the specs for clients that know none, and for what may guess; `[0, 0, 0]`: none. */
  readonly keyRange: KeyRange;
  /** Where the members of the key's value are that it looks up (a hash's fields); null where it looks up none. */
  readonly members: KeyRange | null;
  /** Whether all that it looks up is the key that is argument 1, as for most commands. */
  readonly hasLoneKey: boolean;
  /** ACL categories beyond those that follow from the flags, without `@`. */
  readonly categories: readonly string[];
  /** Whose permission it needs of a directive (see protected.ts); null: nobody's. */
  readonly protectedAs: ProtectedName | null;
  /** How it names the script that it runs; null where it runs none. */
  readonly runs: ScriptReference | null;
  /** Finds the arguments that neither MONITOR nor the slow log may show; null: all may be shown. */
  readonly secrets: SecretFinder | null;
  /** Subcommands by name in lower case. */
  readonly subcommands: ReadonlyMap<string, CommandDeclaration> | null;
  /** The same, for looking them up where the name lies in a request. */
  readonly subcommandIndex: Pick<NameIndex<CommandDeclaration>, "find"> | null;
  /** Calls and their time, for INFO commandstats. */
  readonly stats: CommandStats;
}

/** What has been counted of a command's calls. */
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
