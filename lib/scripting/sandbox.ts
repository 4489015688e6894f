/**
 * What scripts of Redis find beside Lua's own libraries, and what they must not do: change what others see. All libraries
 * and the table of globals can only be read, and a global that is not there is an error rather than nil.
 */

import { BIT_FUNCTIONS } from "./libraries/bit.ts";
import type { CjsonLibrary } from "./libraries/cjson.ts";
import { CMSGPACK_CONSTANTS, CMSGPACK_FUNCTIONS } from "./libraries/cmsgpack.ts";
import { STRUCT_FUNCTIONS } from "./libraries/struct.ts";
import { LibraryError } from "./lua/errors.ts";
import { libraryTable } from "./lua/realm.ts";
import type { Runtime } from "./lua/runtime.ts";
import { LuaTable, type LuaValue } from "./lua/values.ts";

/** Puts the libraries that Redis bundles into a runtime's globals. */
export function openBundledLibraries(runtime: Runtime, cjson: CjsonLibrary): void {
  const { globals } = runtime;
  globals.set("bit", libraryTable(runtime, BIT_FUNCTIONS));
  globals.set("struct", libraryTable(runtime, STRUCT_FUNCTIONS));
  globals.set("cjson", cjson.open(runtime));
  globals.set("cmsgpack", withConstants(libraryTable(runtime, CMSGPACK_FUNCTIONS), CMSGPACK_CONSTANTS));
}

function withConstants(library: LuaTable, constants: Readonly<Record<string, LuaValue>>): LuaTable {
  for (const [name, value] of Object.entries(constants)) library.set(name, value);
  return library;
}

/** Has scripts only read what there is now: the globals, all tables among them, and the metatable of strings. */
export function protectGlobals(runtime: Runtime): void {
  const { globals, stringMetatable } = runtime;
  stringMetatable.protect();
  for (let entry = globals.next(undefined); entry !== null; entry = globals.next(entry[0])) {
    if (entry[1] instanceof LuaTable) entry[1].protect();
  }
  refuseUnknown(globals);
}

/** Has scripts only read a table, and makes it an error to read what is not in it. */
export function refuseUnknown(table: LuaTable): void {
  const metatable = new LuaTable();
  metatable.set("__index", (_, name) => {
    throw new LibraryError(`Script attempted to access nonexistent global variable '${String(name)}'`);
  });
  table.metatable = metatable;
  table.protect();
  metatable.protect();
}
