/**
 * All that scripts of a kind and a mode find around them: Lua's libraries, those that Redis bundles, and `redis`. Made once;
 * whatever runs in it finds it as it was.
 */

import type { BaseHost } from "./lua/base.ts";
import { compileChunk, instantiate } from "./lua/compiler.ts";
import { FixedValues } from "./lua/fixed_values.ts";
import type { LibraryFunctions } from "./lua/library.ts";
import type { ScriptRandom } from "./lua/math.ts";
import { libraryTable, openLibraries } from "./lua/realm.ts";
import { Runtime } from "./lua/runtime.ts";
import { type LuaFunction, LuaTable, type LuaValue } from "./lua/values.ts";
import type { CjsonLibrary } from "./libraries/cjson.ts";
import { openBundledLibraries, protectGlobals } from "./sandbox.ts";

/** What realms of both modes share, and what they ask. */
export interface RealmHost {
  readonly random: ScriptRandom;
  readonly cjson: CjsonLibrary;
  /** The functions of `redis`, and what else it has. */
  readonly redis: LibraryFunctions;
  readonly redisConstants: Readonly<Record<string, LuaValue>>;
  /** Asked now and then: whether the script is to be left for a while. */
  tick(): boolean;
  memoryBytes: BaseHost["memoryBytes"];
  /** Time spent so far, in seconds (`os.clock`). */
  clockSeconds(): number;
}

export class ScriptRealm {
  readonly runtime: Runtime;
  readonly #fixed: FixedValues;

  constructor(readonly mode: "plain" | "generator", host: RealmHost) {
    const runtime = this.runtime = new Runtime(mode === "generator", () => host.tick());
    const load = (source: string, name: string) => this.compile(source, name);
    openLibraries(runtime, { load, memoryBytes: () => host.memoryBytes() }, host.random);
    openBundledLibraries(runtime, host.cjson);
    runtime.globals.set("os", libraryTable(runtime, { clock: () => host.clockSeconds() }));
    const redis = libraryTable(runtime, host.redis);
    for (const [name, value] of Object.entries(host.redisConstants)) redis.set(name, value);
    runtime.globals.set("redis", redis);
    protectGlobals(runtime);
    this.#fixed = new FixedValues(runtime.globals, runtime.stringMetatable);
  }

  /** The function of a source, which whoever loads it calls `name`; throws LuaError where it is none. */
  compile(source: string, name: string): LuaFunction {
    return instantiate(compileChunk(source, name, this.mode, this.#fixed), this.runtime);
  }

  /** Sets what every script finds in a global of its own, as `KEYS`: a table that is not protected. */
  setGlobal(name: string, values: string[]): void {
    this.runtime.globals.set(name, new LuaTable(values));
  }
}
