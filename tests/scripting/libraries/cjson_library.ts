/** A library `cjson` with settings of its own, and how tests call it. */

import { CjsonLibrary } from "../../../lib/scripting/libraries/cjson.ts";
import type { LuaValue } from "../../../lib/scripting/lua/values.ts";
import { newRuntime } from "../lua/run_lua.ts";
import { callOf, entriesOf, errorText } from "./packing.ts";

export function newLibrary() {
  const library = new CjsonLibrary();
  const call = callOf(library.functions);
  return {
    library,
    table: library.open(newRuntime("plain")),
    call,
    encode: (value: LuaValue) => call("encode", value)[0],
    decode: (text: string) => entriesOf(call("decode", text)[0]),
    failureOf: (name: string, ...args: LuaValue[]) => errorText(() => call(name, ...args)),
  };
}
