/** A place for scripts to run in: the runtime of a mode, and the libraries of Lua itself. */

import { baseFunctions, type BaseHost } from "./base.ts";
import { coroutineFunctions } from "./coroutines.ts";
import type { LibraryFunctions } from "./library.ts";
import { addFunctions } from "./library_calls.ts";
import { mathFunctions, type ScriptRandom } from "./math.ts";
import type { Runtime } from "./runtime.ts";
import { IN_LIBRARY } from "./state.ts";
import { stringFunctions } from "./strings.ts";
import { tableFunctions } from "./tables.ts";
import { LuaTable, type LuaValue } from "./values.ts";

/** Puts the libraries of Lua into a runtime's globals. */
export function openLibraries(runtime: Runtime, host: BaseHost, random: ScriptRandom): void {
  const { globals } = runtime;
  addFunctions(runtime, globals, baseFunctions(runtime, host));
  globals.set("_G", globals);
  globals.set("_VERSION", "Lua 5.1");
  const less = (a: LuaValue, b: LuaValue) => runtime.lt(a, b, IN_LIBRARY);
  const strings = libraryTable(
    runtime,
    stringFunctions(
      (table, key) => runtime.index(table, key, IN_LIBRARY),
      (made) => runtime.asLibrary(made),
    ),
  );
  globals.set("string", strings);
  runtime.stringMetatable.set("__index", strings);
  globals.set("table", libraryTable(runtime, tableFunctions(less)));
  const math = libraryTable(runtime, mathFunctions(random));
  math.set("pi", Math.PI);
  math.set("huge", Infinity);
  globals.set("math", math);
  globals.set("coroutine", libraryTable(runtime, coroutineFunctions(runtime)));
}

/** A table of a library's functions. */
export function libraryTable(runtime: Runtime, functions: LibraryFunctions): LuaTable {
  const table = new LuaTable();
  addFunctions(runtime, table, functions);
  return table;
}
