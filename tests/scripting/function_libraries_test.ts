/** Libraries of functions: what they may do while they are loaded, what they keep, and how they come and go together. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeLatin1 } from "../../lib/bytes/latin1.ts";
import { FunctionLibraries } from "../../lib/scripting/function_libraries.ts";
import { keepsNothing } from "../../lib/scripting/library_state.ts";
import { ScriptRun } from "../../lib/scripting/script_run.ts";
import { GIVEN, newEngine, shown } from "./fake_calls.ts";

/** Libraries, and how tests load and call them. */
function newLibraries() {
  const { engine, calls } = newEngine();
  const unloaded: string[] = [];
  const functions = new FunctionLibraries(engine, (reason) => unloaded.push(reason));
  return {
    calls,
    functions,
    unloaded,
    load(body: string, name = "lib", mode: "add" | "replace" = "add"): string {
      const loaded = functions.load(`#!lua name=${name}\n${body}`, mode, false);
      return "name" in loaded ? loaded.name : loaded.failed;
    },
    call(name: string, afterMs = Infinity): string {
      const callable = functions.find(name);
      if (callable === null) return "no function";
      const run = new ScriptRun(callable, false);
      let progress = engine.start(run, GIVEN, { afterMs });
      while (progress === "left") progress = engine.goOn();
      return run.error === null ? shown(run.result) : `ERR ${shown(run.error.value)}`;
    },
  };
}

function register(name: string, body: string): string {
  return `redis.register_function('${name}', function(keys, args) ${body} end)`;
}

const LONG = "for i = 1, 100000 do local x = i end";

test("a function is called with keys and arguments, by its name in any case", () => {
  const { call, load } = newLibraries();
  assert.equal(load(register("Both", "return {keys[1], args[1]}")), "lib");
  assert.equal(call("bOTH"), "{key,argument}");
});

test("a library that keeps something keeps it, whether its functions take long or not", () => {
  const { call, load } = newLibraries();
  load(`local n = 0 local t = {} ${register("count", "n = n + 1 t[n] = n return #t")}
    ${register("long", `n = n + 1 t[n] = n ${LONG} return #t`)}`);
  assert.deepEqual([call("count"), call("long", 0), call("count"), call("long", 0)], ["1", "2", "3", "4"]);
});

test("a function that takes long begins anew without a call twice", () => {
  const { call, calls, load } = newLibraries();
  load(
    `local function helper() return redis.call('incr', 'n') end ${
      register("long", `local a = helper() ${LONG} return {a, helper()}`)
    }`,
  );
  assert.equal(call("long", 0), "{1,2}");
  assert.deepEqual(calls.called, ["incr n", "incr n"]);
});

test("what a library keeps is found in its text", () => {
  const nothing = [
    register("f", "local n = 0 n = n + 1 return n"),
    `local limit, name = 10, 'x' ${register("f", "return limit")}`,
    `local t = {a = 1, 'b'} ${register("f", "return t.a .. #t")}`,
    `local t = {} t.a = 1 function t.g() return 2 end ${register("f", "return t.a + t.g()")}`,
    `local function g(x) return x end local call = redis.call ${register("f", "return g(call('get', 'x'))")}`,
    "local function f() return 1 end redis.register_function{function_name='f', callback=f, flags={'no-writes'}}",
  ];
  const something = [
    `local n = 0 ${register("f", "n = n + 1 return n")}`,
    `local t = {} ${register("f", "t.a = 1")}`,
    `local t = {} ${register("f", "local u = t u.a = 1")}`,
    `local t = {} ${register("f", "table.insert(t, 1)")}`,
    `local t = {a = {}} ${register("f", "t.a.b = 1")}`,
    `local t = {} ${register("f", "t:g()")}`,
    `local function make() local n = 0 return function() n = n + 1 return n end end local f = make() ${
      register("f", "return f()")
    }`,
    "local function make() local n = 0 return function() n = n + 1 return n end end redis.register_function('f', make())",
    `local f f = function() return 1 end ${register("g", "f = nil")}`,
    `for i = 1, 2 do local n = i ${register("f", "n = n + 1 return n")} end`,
  ];
  for (const source of nothing) assert.equal(keepsNothing(source, "@x"), true, source);
  for (const source of something) assert.equal(keepsNothing(source, "@x"), false, source);
});

test("while it is loaded a library has no globals but redis, and of that only what registers and logs", () => {
  const { load } = newLibraries();
  const missing = (name: string) => `Script attempted to access nonexistent global variable '${name}'`;
  const failed = "ERR Error registering functions: ERR user_function:2: ";
  assert.equal(load("local x = math"), failed + missing("math"));
  assert.equal(load("redis.call('incr', 'n')"), failed + missing("call"));
  assert.equal(load("x = 1"), `${failed}Attempt to modify a readonly table`);
  assert.equal(load("redis.log(redis.LOG_NOTICE, 'loading')"), "ERR No functions registered");
  assert.equal(load("while true do"), "ERR Error compiling function: user_function:2: 'end' expected near '<eof>'");
});

test("functions find all globals, which were not there while the library was loaded", () => {
  const { call, load } = newLibraries();
  load(register("f", "return {math.max(1, 2), type(redis.call), redis.register_function == nil, ('x'):rep(2)}"));
  assert.equal(call("f"), "{2,function,true,xx}");
});

test("what is registered must make sense", () => {
  const { load } = newLibraries();
  const failures: [string, string][] = [
    ["redis.register_function()", "wrong number of arguments to redis.register_function"],
    ["redis.register_function('f')", "calling redis.register_function with a single argument is only applicable to"],
    ["redis.register_function('f', 1)", "second argument to redis.register_function must be a function"],
    ["redis.register_function('a b', function() end)", "Library names can only contain letters"],
    [`${register("f", "")} ${register("f", "")}`, "Function already exists in the library"],
    ["redis.register_function{function_name='f'}", "redis.register_function must get a callback argument"],
    ["redis.register_function{callback=function() end}", "redis.register_function must get a function name argument"],
    ["redis.register_function{function_name='f', callback=function() end, flags={'x'}}", "unknown flag given"],
    ["redis.register_function{function_name='f', callback=function() end, x=1}", "unknown argument given to"],
  ];
  for (const [body, message] of failures) {
    assert.ok(load(body).startsWith(`ERR Error registering functions: ERR ${message}`), `${body}: ${load(body)}`);
  }
});

test("a library that cannot be loaded leaves the one in whose place it was to be", () => {
  const { call, functions, load } = newLibraries();
  load(register("f", "return 1"));
  load(register("other", "return 2"), "second");
  assert.equal(load(register("f", "return 3")), "ERR Library 'lib' already exists");
  assert.match(load("nonsense", "lib", "replace"), /Error compiling/);
  assert.equal(load(register("other", "return 3"), "lib", "replace"), "ERR Function other already exists");
  assert.equal(call("f"), "1");
  assert.equal(load(register("g", "return 4"), "lib", "replace"), "lib");
  assert.deepEqual([call("f"), call("g"), functions.functionCount], ["no function", "4", 2]);
});

test("libraries are joined all or none", () => {
  const { call, functions, load } = newLibraries();
  load(register("f", "return 1"), "one");
  const source = (name: string, body: string) => encodeLatin1(`#!lua name=${name}\n${body}`);
  const two = source("two", register("g", "return 2"));
  assert.equal(
    functions.join([two, source("one", register("h", "return 3"))], "add"),
    "ERR Library one already exists",
  );
  assert.equal(
    functions.join([two, source("three", register("f", "return 3"))], "add"),
    "ERR Function f already exists",
  );
  assert.equal(call("g"), "no function");
  assert.equal(functions.join([two, source("one", register("h", "return 3"))], "replace"), null);
  assert.deepEqual([call("f"), call("g"), call("h")], ["no function", "2", "3"]);
  assert.equal(functions.join([source("four", register("f", "return 4"))], "flush"), null);
  assert.deepEqual([call("f"), call("g"), functions.libraries.size], ["4", "no function", 1]);
});

test("a library that comes with the data and cannot be loaded stays with it", () => {
  const { call, functions, unloaded } = newLibraries();
  const sources = [
    encodeLatin1(`#!lua name=good\n${register("f", "return 1")}`),
    encodeLatin1("#!js name=other\nfunction f() {}"),
  ];
  functions.replaceAll(sources);
  assert.deepEqual(unloaded, ["ERR Engine 'js' not found"]);
  assert.equal(call("f"), "1");
  assert.deepEqual(functions.sources, sources);
});
