/** What scripts find around them, and cannot change. The messages are redis-server's. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { CjsonLibrary } from "../../lib/scripting/libraries/cjson.ts";
import { compileChunk, instantiate } from "../../lib/scripting/lua/compiler.ts";
import type { Mode } from "../../lib/scripting/lua/emit_expressions.ts";
import { FixedValues } from "../../lib/scripting/lua/fixed_values.ts";
import { LuaTable } from "../../lib/scripting/lua/values.ts";
import { openBundledLibraries, protectGlobals } from "../../lib/scripting/sandbox.ts";
import { call, MODES, newRuntime } from "./lua/run_lua.ts";

/**
 * What a script gives in each mode, whether it is compiled with what nobody can change or looks it up: all the same; an
 * error with `ERR` before it.
 */
function run(source: string): string {
  const results = MODES.flatMap((mode) => [runIn(mode, source, false), runIn(mode, source, true)]);
  for (const result of results) assert.equal(result, results[0], source);
  return results[0];
}

function runIn(mode: Mode, source: string, knowsFixed: boolean): string {
  const runtime = newRuntime(mode);
  openBundledLibraries(runtime, new CjsonLibrary());
  protectGlobals(runtime);
  runtime.globals.set("KEYS", new LuaTable(["a", "b"])); // as a run of a script does
  const fixed = knowsFixed ? new FixedValues(runtime.globals, runtime.stringMetatable) : null;
  try {
    const chunk = instantiate(compileChunk(source, "@user_script", mode, fixed), runtime);
    runtime.globals.set("KEYS", new LuaTable(["c"]));
    return call(runtime, chunk).map(String).join(" ");
  } catch (error) {
    return `ERR ${String(runtime.state.errorValue(error))}`;
  }
}

test("a global that is not there is an error, told from the line where it was asked for", () => {
  const message = "Script attempted to access nonexistent global variable";
  assert.equal(run("local x = type(1)\nreturn y"), `ERR user_script:2: ${message} 'y'`);
  assert.equal(run("return os.clock()"), `ERR user_script:1: ${message} 'os'`);
  assert.equal(run("local t = tostring(1)\n\nundefinedfn()"), `ERR user_script:3: ${message} 'undefinedfn'`);
  assert.equal(run("return pcall(function() return y end)"), `false user_script:1: ${message} 'y'`);
  assert.equal(run("return rawget(_G, 'y')"), "undefined");
});

test("what is global can only be read", () => {
  const message = "Attempt to modify a readonly table";
  for (
    const change of ["x = 1", "string.x = 1", "math.pi = 3", "_G.x = 1", "cjson.encode = 1", "redis = 1", "bit.x = 1"]
  ) {
    assert.equal(run(`local y = 1\n${change}`), `ERR user_script:2: ${message}`);
  }
  assert.equal(run("getmetatable('').__index = 1"), `ERR user_script:1: ${message}`);
  assert.equal(run("getmetatable(_G).__index = nil"), `ERR user_script:1: ${message}`);
  const calls = ["setmetatable(_G, {})", "rawset(_G, 'x', 1)", "table.insert(math, 1)", "setmetatable(string, nil)"];
  for (const one of calls) assert.equal(run(one), `ERR ${message}`);
});

test("the libraries that Redis bundles are there", () => {
  assert.equal(run("return cjson.encode({1, 'x'}), cjson.decode('[3]')[1]"), '[1,"x"] 3');
  assert.equal(run("return cmsgpack.unpack(cmsgpack.pack('a', 2))"), "a 2");
  assert.equal(run("return struct.unpack('>I2', struct.pack('>I2', 258))"), "258 3");
  assert.equal(run("return bit.bor(1, 6), bit.tohex(255, 2)"), "7 ff");
});

test("what a library has is found by its name, by another name for the library, and as a method", () => {
  assert.equal(
    run("local s = string return s.upper('a'), string.upper('b'), ('c'):upper(), string['upper']('d')"),
    "A B C D",
  );
  assert.equal(run("local string = {upper = function() return 'mine' end} return string.upper('a')"), "mine");
  assert.equal(
    run("return _G.string.len('abc'), _G.math.pi == math.pi, math.huge > 1, _VERSION"),
    "3 true true Lua 5.1",
  );
  assert.equal(run("local n = 0 for i = 1, 3 do n = n + math.max(i, 2) end return n, type(n)"), "7 number");
  assert.equal(run("return (string.find('abc', 'b')), select('#', string.find('abc', 'b'))"), "2 2");
  assert.equal(
    run("local t = {upper = 'x'} return t.upper, pcall(function() return t:upper() end)").slice(0, 7),
    "x false",
  );
});

test("what is another for each run is looked up", () => {
  assert.equal(run("return KEYS[1], #KEYS, _G.KEYS[1], rawget(_G, 'KEYS')[1]"), "c 1 c c");
});

test("what a library has not is told as that of any table", () => {
  assert.equal(run("return string.nosuch"), "undefined");
  assert.equal(run("\nstring.nosuch()"), "ERR user_script:2: attempt to call field 'nosuch' (a nil value)");
  assert.equal(run("('x'):nosuch()"), "ERR user_script:1: attempt to call method 'nosuch' (a nil value)");
  assert.equal(run("math.pi()"), "ERR user_script:1: attempt to call field 'pi' (a number value)");
  assert.equal(
    run("return math + 1"),
    "ERR user_script:1: attempt to perform arithmetic on global 'math' (a table value)",
  );
  assert.equal(
    run("return string.rep .. 'x'"),
    "ERR user_script:1: attempt to concatenate field 'rep' (a function value)",
  );
  assert.equal(
    run("return string.rep()"),
    "ERR user_script:1: bad argument #1 to 'rep' (string expected, got no value)",
  );
  assert.equal(
    run("return ('x'):rep()"),
    "ERR user_script:1: bad argument #1 to 'rep' (number expected, got no value)",
  );
  assert.equal(
    run("return math.floor({})"),
    "ERR user_script:1: bad argument #1 to 'floor' (number expected, got table)",
  );
});
