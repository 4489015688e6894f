/**
 * The scripts that EVALSHA finds: those that SCRIPT LOAD has brought, which stay, and those that EVAL has, of which only so
 * many that were used last do (as since Redis 7.4), so that a client that writes its values into its scripts costs no
 * memory for ever.
 */

import { bytesEqual } from "../bytes/compare.ts";
import { decodeLatin1 } from "../bytes/latin1.ts";
import type { Request } from "../resp/request.ts";
import type { ScriptEngine } from "./engine.ts";
import { LuaError } from "./lua/errors.ts";
import type { LuaFunction } from "./lua/values.ts";
import { sha1Hex } from "./redis_library.ts";
import { shownValue } from "./replies.ts";
import type { Callable } from "./script_run.ts";
import { readShebang } from "./shebang.ts";

/** So many scripts that only EVAL has brought are kept. */
const MOST_EVALUATED = 500;
const CHUNK_NAME = "@user_script";
/** Digits of a SHA-1. */
const SHA_DIGITS = 40;
/** Memory that a script takes beside its text, roughly, in bytes. */
const SCRIPT_BYTES = 1024;

/** A script, compiled in each mode when it is first needed. */
export class Script implements Callable {
  readonly kind = "script";
  takesLong = false;
  /** Whether it stays until it is flushed. */
  isLoaded = false;
  #plain: LuaFunction | null;
  #generator: LuaFunction | null = null;

  constructor(
    readonly engine: ScriptEngine,
    /** Its SHA-1. */
    readonly name: string,
    readonly source: string,
    /** What of the source is compiled. */
    readonly body: string,
    readonly flags: number,
  ) {
    this.#plain = engine.realm("script", "plain").compile(body, CHUNK_NAME, "script");
  }

  plain(): LuaFunction | null {
    return this.#plain;
  }

  generator(): LuaFunction {
    return this.#generator ??= this.engine.realm("script", "generator").compile(this.body, CHUNK_NAME, "script");
  }

  needsGenerators(): void {
    this.#plain = null;
  }
}

export class ScriptCache {
  readonly #bySource = new Map<string, Script>();
  readonly #bySha = new Map<string, Script>();
  /** Those that may go, the one used longest ago first. */
  readonly #evaluated = new Set<Script>();
  /** The script that was found last by its SHA-1, and that as it was given: often the next one is the same. */
  #last: Script | null = null;
  readonly #lastSha = new Uint8Array(SHA_DIGITS);
  /** Scripts that have gone as there were too many. */
  evicted = 0;
  /** Memory of the scripts, in bytes. */
  bytes = 0;

  constructor(readonly engine: ScriptEngine) {}

  /** Number of scripts. */
  get size(): number {
    return this.#bySha.size;
  }

  /** The script with a SHA-1, in lower case. */
  find(sha: string): Script | null {
    const script = this.#bySha.get(sha);
    if (script === undefined) return null;
    if (!script.isLoaded) this.#used(script);
    return script;
  }

  /** The script whose SHA-1 is an argument of a request, in any case. */
  findNamed({ bytes, starts, lengths }: Request, index: number): Script | null {
    if (lengths[index] !== SHA_DIGITS) return null;
    const start = starts[index];
    if (this.#last !== null && bytesEqual(bytes, start, this.#lastSha, 0, SHA_DIGITS)) return this.#last;
    const script = this.find(decodeLatin1(bytes, start, start + SHA_DIGITS).toLowerCase());
    if (script !== null) this.#lastSha.set(bytes.subarray(start, start + SHA_DIGITS));
    return this.#last = script;
  }

  /** The script of a text, compiled if it is new; the error where it is none. */
  evaluated(source: string): Script | string {
    const known = this.#bySource.get(source);
    if (known !== undefined) {
      if (!known.isLoaded) this.#used(known);
      return known;
    }
    const script = this.#make(source);
    if (typeof script !== "string") this.#used(script);
    return script;
  }

  /** The same of one that is to stay. */
  loaded(source: string): Script | string {
    const script = this.#bySource.get(source) ?? this.#make(source);
    if (typeof script === "string") return script;
    script.isLoaded = true;
    this.#evaluated.delete(script);
    return script;
  }

  /** Forgets all scripts. */
  flush(): void {
    this.#bySource.clear();
    this.#bySha.clear();
    this.#evaluated.clear();
    this.#last = null;
    this.bytes = 0;
  }

  #make(source: string): Script | string {
    const declared = readShebang(source);
    if (typeof declared === "string") return declared;
    let script: Script;
    try {
      script = new Script(this.engine, sha1Hex(source), source, source.slice(declared.skipped), declared.flags);
    } catch (error) {
      if (!(error instanceof LuaError)) throw error;
      return `ERR Error compiling script (new function): ${shownValue(error.value)}`;
    }
    this.#bySource.set(source, script);
    this.#bySha.set(script.name, script);
    this.bytes += source.length + SCRIPT_BYTES;
    return script;
  }

  /** Notes that a script was used, which EVAL has brought. */
  #used(script: Script): void {
    const evaluated = this.#evaluated;
    this.#last = null; // which may go, or was not the one used last any more
    evaluated.delete(script);
    evaluated.add(script);
    if (evaluated.size <= MOST_EVALUATED) return;
    const [oldest] = evaluated;
    evaluated.delete(oldest);
    this.#bySource.delete(oldest.source);
    this.#bySha.delete(oldest.name);
    this.bytes -= oldest.source.length + SCRIPT_BYTES;
    this.evicted++;
  }
}
