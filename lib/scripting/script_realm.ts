/**
 * All that scripts of a kind and a mode find around them: Lua's libraries, those that Redis bundles, and `redis`. Made once;
 * whatever runs in it finds it as it was.
 */

import type { BaseHost } from "./lua/base.ts";
import { compileChunk, instantiate } from "./lua/compiler.ts";
import type { ChunkKind } from "./lua/emit_expressions.ts";
import { FixedValues } from "./lua/fixed_values.ts";
import type { LibraryFunctions } from "./lua/library.ts";
import type { ScriptRandom } from "./lua/math.ts";
import { libraryTable, openLibraries } from "./lua/realm.ts";
import { Runtime } from "./lua/runtime.ts";
import { type LuaFunction, LuaTable, type LuaValue } from "./lua/values.ts";
import type { CjsonLibrary } from "./libraries/cjson.ts";
import { openBundledLibraries, protectGlobals, refuseUnknown } from "./sandbox.ts";

/** The table `redis`. */
export interface RedisTable {
  readonly functions: LibraryFunctions;
  /** What else it has. */
  readonly constants: Readonly<Record<string, LuaValue>>;
  /** The functions that it has while a library is loaded; none where none is. */
  readonly whileLoading?: LibraryFunctions;
}

/** What realms of both modes share, and what they ask. */
export interface RealmHost {
  readonly random: ScriptRandom;
  readonly cjson: CjsonLibrary;
  readonly redis: RedisTable;
  /** Asked now and then: whether the script is to be left for a while. */
  tick(): boolean;
  memoryBytes: BaseHost["memoryBytes"];
  /** Time spent so far, in seconds (`os.clock`). */
  clockSeconds(): number;
}

export class ScriptRealm {
  readonly runtime: Runtime;
  /** What there is while a library is loaded, in the place of all else. */
  readonly #whileLoading = new LuaTable();
  readonly #globals: LuaTable;
  readonly #fixed: FixedValues;

  constructor(readonly mode: "plain" | "generator", host: RealmHost) {
    const runtime = this.runtime = new Runtime(mode === "generator", () => host.tick());
    const load = (source: string, name: string) => this.compile(source, name, "loaded");
    openLibraries(runtime, { load, memoryBytes: () => host.memoryBytes() }, host.random);
    openBundledLibraries(runtime, host.cjson);
    runtime.globals.set("os", libraryTable(runtime, { clock: () => host.clockSeconds() }));
    runtime.globals.set("redis", this.#redisTable(host.redis.functions, host.redis.constants));
    protectGlobals(runtime);
    this.#globals = runtime.globals;
    const loading = this.#redisTable(host.redis.whileLoading ?? {}, host.redis.constants);
    refuseUnknown(loading);
    this.#whileLoading.set("redis", loading);
    refuseUnknown(this.#whileLoading);
    this.#fixed = new FixedValues(this.#globals, runtime.stringMetatable);
  }

  /** Runs `body`, which loads a library, with no globals but those for it. */
  load(body: () => void): void {
    this.runtime.globals = this.#whileLoading;
    try {
      body();
    } finally {
      this.runtime.globals = this.#globals;
    }
  }

  #redisTable(functions: LibraryFunctions, constants: Readonly<Record<string, LuaValue>>): LuaTable {
    const table = libraryTable(this.runtime, functions);
    for (const [name, value] of Object.entries(constants)) table.set(name, value);
    return table;
  }

  /**
   * The function of a source, which whoever loads it calls `name`; throws LuaError where it is none. The code of a library
   * outside of functions is to be run by `load`.
   */
  compile(source: string, name: string, kind: ChunkKind): LuaFunction {
    return instantiate(compileChunk(source, name, this.mode, this.#fixed, kind), this.runtime);
  }

  /** Sets what every script finds in globals of its own, in tables that are not protected. */
  setArguments(keys: string[], others: string[]): void {
    const { runtime } = this;
    runtime.globals.set("KEYS", runtime.keys = new LuaTable(keys));
    runtime.globals.set("ARGV", runtime.others = new LuaTable(others));
  }
}
