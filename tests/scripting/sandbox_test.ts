/** What scripts find around them, and cannot change. The messages are redis-server's. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { CjsonLibrary } from "../../lib/scripting/libraries/cjson.ts";
import { compileChunk, instantiate } from "../../lib/scripting/lua/compiler.ts";
import { openBundledLibraries, protectGlobals } from "../../lib/scripting/sandbox.ts";
import { call, MODES, newRuntime } from "./lua/run_lua.ts";

/** What a script gives in each mode, all the same; an error with `ERR` before it. */
function run(source: string): string {
  const results = MODES.map((mode) => {
    const runtime = newRuntime(mode);
    openBundledLibraries(runtime, new CjsonLibrary());
    protectGlobals(runtime);
    try {
      return call(runtime, instantiate(compileChunk(source, "@user_script", mode), runtime)).map(String).join(" ");
    } catch (error) {
      return `ERR ${String(runtime.state.errorValue(error))}`;
    }
  });
  assert.equal(results[0], results[1], source);
  return results[0];
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
