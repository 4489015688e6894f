/** Runs a script in one of the modes, and shows what it gives as `tostring` would. */

import { compileChunk, instantiate } from "../../../lib/scripting/lua/compiler.ts";
import { NeedsGenerators } from "../../../lib/scripting/lua/coroutines.ts";
import type { Mode } from "../../../lib/scripting/lua/emit_expressions.ts";
import { LuaError } from "../../../lib/scripting/lua/errors.ts";
import { ScriptRandom } from "../../../lib/scripting/lua/math.ts";
import { formatNumber } from "../../../lib/scripting/lua/numbers.ts";
import { openLibraries } from "../../../lib/scripting/lua/realm.ts";
import { Runtime } from "../../../lib/scripting/lua/runtime.ts";
import { TURNS_PER_LOOK } from "../../../lib/scripting/lua/state.ts";
import { type LuaFunction, LuaTable, type LuaValue } from "../../../lib/scripting/lua/values.ts";

export const MODES: readonly Mode[] = ["plain", "generator"];

/** A runtime with Lua's own libraries; `tick` is called now and then. */
export function newRuntime(mode: Mode, tick: () => boolean = () => true): Runtime {
  const runtime: Runtime = new Runtime(mode === "generator", () => {
    runtime.state.turnsLeft = TURNS_PER_LOOK;
    return tick();
  });
  const load = (source: string, name: string) => instantiate(compileChunk(source, name, mode), runtime);
  openLibraries(runtime, { load, memoryBytes: () => 0 }, new ScriptRandom());
  return runtime;
}

/** All values of a chunk; throws what it throws. */
export function call(runtime: Runtime, chunk: LuaFunction): readonly LuaValue[] {
  runtime.state.begin();
  if (!runtime.isGenerator) return runtime.all(chunk());
  const running = runtime.settle(chunk());
  for (;;) {
    const step = running.next();
    if (step.done === true) return runtime.all(step.value);
  }
}

/** What a script gives, or its error, as text; "begins anew" where it cannot go on in plain mode. */
export function runLua(mode: Mode, source: string): string {
  const runtime = newRuntime(mode);
  try {
    return call(runtime, instantiate(compileChunk(source, "@user_script", mode), runtime)).map(shown).join(" ");
  } catch (error) {
    if (error instanceof NeedsGenerators) return "begins anew";
    return `ERR ${shown(error instanceof LuaError ? error.value : runtime.state.errorValue(error))}`;
  }
}

function shown(value: LuaValue): string {
  if (value === undefined) return "nil";
  if (typeof value === "number") return formatNumber(value);
  if (!(value instanceof LuaTable)) return String(value);
  return `{${Array.from({ length: value.length }, (_, i) => shown(value.get(i + 1))).join()}}`;
}
