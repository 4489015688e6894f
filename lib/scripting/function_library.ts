/**
 * A library of functions: its code, run once in each mode in which its functions are called, and what it has registered. A
 * library that keeps something between calls has one set of variables, so it runs in one mode only.
 */

import type { ScriptEngine } from "./engine.ts";
import { NeedsGenerators } from "./lua/coroutines.ts";
import type { Mode } from "./lua/emit_expressions.ts";
import { LuaError } from "./lua/errors.ts";
import type { LuaFunction } from "./lua/values.ts";
import { keepsNothing } from "./library_state.ts";
import type { Registered } from "./register_function.ts";
import { shownValue } from "./replies.ts";
import type { Callable } from "./script_run.ts";
import { SCRIPT_FLAGS } from "./shebang.ts";

const CHUNK_NAME = "@user_function";
/** Memory that a library, and each of its functions, take beside the code, roughly, in bytes. */
const LIBRARY_BYTES = 2048;
const FUNCTION_BYTES = 512;

/** A library that cannot be loaded: what to reply. */
export class LibraryFailure extends Error {
  override name = "LibraryFailure";
}

export class FunctionLibrary {
  readonly functions = new Map<string, LibraryFunction>();
  /** Whether it keeps nothing, and makes no coroutines. */
  #isPlain: boolean;
  readonly #registered = new Map<Mode, ReadonlyMap<string, Registered>>();

  /**
   * Loads a library. `source`: all of its code; `body`: what of it is compiled. `mostMs`: how long it may take. Throws a
   * LibraryFailure.
   */
  constructor(
    readonly engine: ScriptEngine,
    readonly name: string,
    readonly source: string,
    readonly body: string,
    mostMs: number,
  ) {
    this.#isPlain = this.#compiles() && keepsNothing(body, CHUNK_NAME);
    for (const registered of this.#load(mostMs).values()) {
      this.functions.set(registered.name, new LibraryFunction(this, registered));
    }
    if (this.functions.size === 0) throw new LibraryFailure("ERR No functions registered");
  }

  /** Memory that the library takes, in bytes. */
  get bytes(): number {
    return this.source.length + LIBRARY_BYTES + this.functions.size * FUNCTION_BYTES;
  }

  /** The function that was registered by a name; null where the library does not run in the mode. */
  callback(name: string, mode: Mode): LuaFunction | null {
    if (mode === "plain" && !this.#isPlain) return null;
    const registered = this.#registered.get(mode) ?? this.#run(mode, Infinity);
    return registered.get(name)?.callback ?? null;
  }

  /** One of its functions has made a coroutine: from now on it runs as generators. */
  needsGenerators(): void {
    this.#isPlain = false;
  }

  /** Whether the code can be compiled: throws where it cannot. */
  #compiles(): boolean {
    try {
      this.engine.realm("function", "generator").compile(this.body, CHUNK_NAME, "library");
      return true;
    } catch (error) {
      if (!(error instanceof LuaError)) throw error;
      throw new LibraryFailure(`ERR Error compiling function: ${shownValue(error.value)}`);
    }
  }

  /** Runs the code for the first time, in whatever mode it can. */
  #load(mostMs: number): ReadonlyMap<string, Registered> {
    if (!this.#isPlain) return this.#run("generator", mostMs);
    try {
      return this.#run("plain", mostMs);
    } catch (error) {
      if (!(error instanceof NeedsGenerators)) throw error;
      this.#isPlain = false;
      return this.#run("generator", mostMs);
    }
  }

  /** Runs the code in a mode, in which it registers its functions. */
  #run(mode: Mode, mostMs: number): ReadonlyMap<string, Registered> {
    const { engine } = this;
    const realm = engine.realm("function", mode);
    const found = new Map<string, Registered>();
    engine.registration.found = found;
    try {
      realm.load(() => engine.runLibrary(mode, realm.compile(this.body, CHUNK_NAME, "library"), mostMs));
    } catch (error) {
      if (error instanceof NeedsGenerators) throw error;
      throw new LibraryFailure(`ERR Error registering functions: ${engine.libraryError(error)}`);
    } finally {
      engine.registration.found = null;
    }
    this.#registered.set(mode, found);
    return found;
  }
}

/** A function of a library. */
export class LibraryFunction implements Callable {
  readonly kind = "function";
  readonly name: string;
  readonly description: string | null;
  readonly flags: number;
  takesLong = false;

  get flagNames(): string[] {
    return SCRIPT_FLAGS.filter(([, flag]) => (this.flags & flag) !== 0).map(([name]) => name);
  }

  constructor(readonly library: FunctionLibrary, { name, description, flags }: Registered) {
    this.name = name;
    this.description = description;
    this.flags = flags;
  }

  plain(): LuaFunction | null {
    return this.library.callback(this.name, "plain");
  }

  generator(): LuaFunction {
    const callback = this.library.callback(this.name, "generator");
    if (callback === null) throw new Error(`the library has no function '${this.name}' any more`);
    return callback;
  }

  needsGenerators(): void {
    this.library.needsGenerators();
  }
}
