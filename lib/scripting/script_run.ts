/** One run of a script or function: what it may do, what it has done, and what has come of it. */

import type { Site } from "./lua/sites.ts";
import type { LuaFunction, LuaValue } from "./lua/values.ts";
import { ALLOW_OOM, NO_WRITES, UNDECLARED } from "./shebang.ts";

/** Where writes go on to: the append-only file, and replicas (`redis.set_repl`). */
export const TO_LOG = 1;
export const TO_REPLICAS = 2;

/** A script, or a function of a library: what is called, in either mode, and what is known of it. */
export interface Callable {
  /** What errors and the log call it: a script's SHA-1, a function's name. */
  readonly name: string;
  readonly kind: "script" | "function";
  /** Of shebang.ts. */
  readonly flags: number;
  /** The function of a mode; null for one that cannot run as plain functions. */
  plain(): LuaFunction | null;
  generator(): LuaFunction;
  /** It makes coroutines: from now on it cannot run as plain functions. */
  needsGenerators(): void;
  /** It has taken long: it is to begin as generators. */
  takesLong: boolean;
}

export class ScriptRun {
  /** What the script has returned. */
  result: LuaValue = undefined;
  /** What ended it in the place of a result: the value of an error, and where it came to be. */
  error: { readonly value: LuaValue; readonly site: Site } | null = null;
  /** RESP version of the replies that the script sees (`redis.setresp`). */
  protocol: 2 | 3 = 2;
  /** Whether it has called a command that writes: from then on nothing stops it. */
  hasWritten = false;
  /** Where its writes go on to. */
  targets = TO_LOG | TO_REPLICAS;
  /** It is to be ended where it is. */
  isKilled = false;

  /** `readsOnly`: the caller wants nothing written, whatever the script says. */
  constructor(readonly callable: Callable, readonly readsOnly: boolean) {}

  /** It begins anew: what it has chosen it will choose again. */
  forgetChoices(): void {
    this.protocol = 2;
    this.targets = TO_LOG | TO_REPLICAS;
  }

  /** Whether commands that write are refused. */
  get isReadOnly(): boolean {
    const { flags } = this.callable;
    return this.readsOnly || ((flags & UNDECLARED) === 0 && (flags & NO_WRITES) !== 0);
  }

  /** Whether it may go on as if there were memory. */
  get allowsOutOfMemory(): boolean {
    const { flags } = this.callable;
    return (flags & UNDECLARED) === 0 && (flags & ALLOW_OOM) !== 0;
  }

  fail(value: LuaValue, site: Site): void {
    this.error = { value, site };
  }
}
