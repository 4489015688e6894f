/** The engine: scripts run as plain functions, and begin anew as generators where they take long, without a call twice. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { ScriptRun } from "../../lib/scripting/script_run.ts";
import { GIVEN, newEngine, shown } from "./fake_calls.ts";

/** Takes more turns than anybody lets go by without a look at the clock. */
const LONG = "for i = 1, 100000 do local x = i end";

test("a script is given its keys and arguments, and its result comes back", () => {
  const { run } = newEngine();
  assert.equal(run("return {KEYS[1], ARGV[1], redis.call('incr', 'n')}"), "{key,argument,1}");
  assert.equal(run("return redis.call('incr', 'n')"), "2");
});

test("a script that takes long makes each call once, and goes on with what it gave", () => {
  const { calls, run } = newEngine();
  const source = `
    local a = redis.call('incr', 'n')
    local list = redis.call('push', 'x')
    local failed = redis.pcall('fail')
    local unknown = redis.pcall('nothing')
    ${LONG}
    return {a, list, failed.err, unknown.err, redis.call('incr', 'n'), redis.call('push', 'y')}`;
  const expected = "{1,{x},WRONG kind,ERR Unknown Redis command called from script,2,{x,y}}";
  assert.equal(run(source, 0), expected);
  assert.deepEqual(calls.called, ["incr n", "push x", "fail", "nothing", "incr n", "push y"]);
});

test("functions are the run's own: what one keeps, and those that a loop or a call makes, are not there in the next", () => {
  const { run } = newEngine();
  const cases: [string, string][] = [
    ["local n = 0 local function count() n = n + 1 return n end count() return count()", "2"],
    ["local kept = {} local function keep(x) kept[#kept + 1] = x return #kept end keep(1) return keep(2)", "2"],
    ["local a, b for i = 1, 2 do local function f() return 1 end a, b = f, a end return a == b", "false"],
    ["local function make() local function f() end return f end return make() == make()", "false"],
    ["local function f() return 1 end local g = f f = function() return 2 end return {f(), g()}", "{2,1}"],
    [
      "local even local function odd(n) return n > 0 and even(n - 1) end even = function(n) return n == 0 or odd(n - 1) end return even(10)",
      "true",
    ],
    ["local function fact(n) if n < 2 then return 1 end return n * fact(n - 1) end return fact(6)", "720"],
    [
      "local sep = ':' local function key(a) return 'x' .. sep .. a end local function two(a) return key(a) .. key(a) end return two('1')",
      "x:1x:1",
    ],
    ["local f = function() return 1 end do local f = function() return f() + 1 end return f() end", "2"],
    ["local call, id = redis.call, 'n' local function f() return call('incr', id) >= 1 end return f()", "true"],
    ["local x, y = 0, -0 local function f() return 1 / y end return f()", "inf"],
    ["local five = 5 local function f(...) return select('#', ...) + five end return f(1, nil)", "7"],
    ["if KEYS[1] then local function f() return KEYS[1] .. #ARGV end KEYS[1] = KEYS[1] .. '!' return f() end", "key!1"],
    [
      "return {KEYS[1], _G.KEYS == KEYS, rawget(_G, 'ARGV') == ARGV, loadstring('return KEYS[1]')()}",
      "{key,true,true,key}",
    ],
    ["KEYS = {}", "ERR user_script:1: Attempt to modify a readonly table"],
    ["local word = 'word' return word.x", "nil"],
    ["local word = 'word' return word()", "ERR user_script:1: attempt to call local 'word' (a string value)"],
    ["local no = false local function f() return no and 1 or 2 end return f()", "2"],
    ["local function f() error('here') end f()", "ERR user_script:1: here"],
    ["local f = loadstring('local function g() end return g') return f() == f()", "false"],
  ];
  for (const mode of [Infinity, 0]) {
    const rest = mode === 0 ? LONG : "";
    for (const [source, expected] of cases) {
      for (let i = 0; i < 2; i++) {
        assert.equal(run(`${rest} ${source}`, mode), expected, source);
      }
    }
  }
});

test("what a script changes of a reply does not come back when it begins anew", () => {
  const { run } = newEngine();
  const source = `local list = redis.call('push', 'x') list[1] = 'changed' list[2] = 'added' ${LONG}
    return {list[1], #list}`;
  assert.equal(run(source, 0), "{changed,2}");
});

test("replies of any size are the same when a script begins anew, whatever was noted before", () => {
  const source = `local seen = {}
    for i = 1, 200 do
      local list = redis.call('push', string.rep(i, i % 90)) -- some MiB in all
      seen[i] = list[1] .. #list .. list[#list] .. redis.pcall('fail').err
    end
    ${LONG}
    return table.concat(seen, ' ')`;
  const [left, plain] = [newEngine(), newEngine()];
  for (let i = 0; i < 2; i++) {
    assert.equal(left.run(source, 0), plain.run(source));
    assert.equal(left.run(`local list = redis.call('push', 'x') ${LONG} return #list`, 0), String(201 * (i + 1)));
    plain.run("redis.call('push', 'x')");
  }
});

test("chance, settings of cjson, the time and memory are the same when a script begins anew", () => {
  const { run } = newEngine();
  const draw = "return {math.random(1000000), math.random(1000000)}";
  const plain = newEngine().run(draw);
  assert.equal(run(draw.replace("return", `local drawn = `).concat(` ${LONG} return drawn`), 0), plain);
  const source = `local before = cjson.encode_max_depth() cjson.encode_max_depth(before + 1) ${LONG}
    return cjson.encode_max_depth()`;
  assert.equal(run(source, 0), "1001");
  assert.equal(run(`local a = os.clock() ${LONG} return os.clock() >= a`, 0), "true");
  // A call that depends on what is noted is the same call.
  assert.equal(run(`redis.call('incr', 'n' .. collectgarbage('count')) ${LONG} return 'same'`, 0), "same");
});

test("a script that makes coroutines begins anew at once, and as generators from then on", () => {
  const { calls, run } = newEngine();
  const source = `local a = redis.call('incr', 'n')
    local next = coroutine.wrap(function() coroutine.yield(redis.call('incr', 'n')) end)
    return {a, next()}`;
  assert.equal(run(source), "{1,2}");
  assert.equal(run(source), "{3,4}");
  assert.equal(calls.called.length, 4);
});

test("what a script has logged is logged once", () => {
  const { calls, run } = newEngine();
  run(
    `redis.log(redis.LOG_WARNING, 'before', 1) redis.call('incr', 'n') ${LONG} redis.log(redis.LOG_WARNING, 'behind')`,
    0,
  );
  assert.deepEqual(calls.logged.filter((text) => text === "behind"), ["behind"]);
});

test("more calls than can be noted are no calls made twice", () => {
  const { calls, run } = newEngine();
  assert.equal(run("local n for i = 1, 60000 do n = redis.call('incr', 'n') end return n"), "60000");
  assert.equal(calls.called.length, 60_000);
});

test("RESP3 and where writes go are chosen anew by a script that begins anew", () => {
  const { run } = newEngine();
  assert.equal(run(`redis.setresp(3) redis.set_repl(redis.REPL_NONE) ${LONG} return redis.call('incr', 'n')`, 0), "1");
});

test("a script that is killed ends where it was left, whatever it catches", () => {
  const { engine, scripts } = newEngine();
  const script = scripts.evaluated("while true do pcall(function() while true do end end) end");
  assert.ok(typeof script !== "string");
  const run = new ScriptRun(script, false);
  assert.equal(engine.start(run, GIVEN, { afterMs: 0 }), "left");
  assert.equal(engine.goOn(), "left");
  run.isKilled = true;
  assert.equal(engine.goOn(), "done");
  assert.equal(shown(run.error?.value), "ERR Script killed by user with SCRIPT KILL...");
});

test("a script that must not be left comes to its end at once", () => {
  const { engine, scripts } = newEngine();
  const script = scripts.evaluated(`${LONG} local next = coroutine.wrap(function() ${LONG} end) next() return 'end'`);
  assert.ok(typeof script !== "string");
  const run = new ScriptRun(script, false);
  assert.equal(engine.start(run, GIVEN, null), "done");
  assert.equal(run.result, "end");
});

test("an error tells where it came to be, in the innermost function", () => {
  const { engine, scripts } = newEngine();
  const script = scripts.evaluated("local function f()\n  return nil + 1\nend\nlocal x = 1\nreturn f() + x");
  assert.ok(typeof script !== "string");
  const run = new ScriptRun(script, false);
  engine.start(run, GIVEN, null);
  assert.equal(run.error?.value, "user_script:2: attempt to perform arithmetic on a nil value");
  assert.deepEqual([run.error?.site.source, run.error?.site.line], ["@user_script", 2]);
});

test("deep recursion that calls commands ends in an error of the script, never in the middle of a command", () => {
  const { calls, run } = newEngine();
  const source = "local function f(n) redis.call('incr', 'depth') return f(n + 1) + 1 end return f(1)";
  assert.match(run(source), /stack overflow/);
  assert.match(run(source, 0), /stack overflow/);
  assert.ok(calls.called.length > 100);
});

test("scripts that EVAL has brought go when there are many, and those loaded stay", () => {
  const { scripts } = newEngine();
  const loaded = scripts.loaded("return 'loaded'");
  assert.ok(typeof loaded !== "string");
  const first = scripts.evaluated("return 'first'");
  assert.ok(typeof first !== "string");
  for (let i = 0; i < 499; i++) scripts.evaluated(`return ${i}`);
  assert.equal(scripts.find(first.name), first, "it is used, so another one goes first");
  scripts.evaluated("return 'one more'");
  assert.equal(scripts.find(first.name), first);
  assert.equal(scripts.evicted, 1);
  for (let i = 500; i < 1000; i++) scripts.evaluated(`return ${i}`);
  assert.equal(scripts.find(first.name), null);
  assert.equal(scripts.find(loaded.name), loaded);
  assert.equal(scripts.size, 501);
  scripts.flush();
  assert.equal(scripts.find(loaded.name), null);
  assert.equal(scripts.bytes, 0);
});
