/** EVAL, EVALSHA and SCRIPT: what scripts see, what they may do, and what others see of them. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { IS_ORACLE, ServerProcess, until } from "./server_process.ts";
import { followStream, PROMPT_STREAM, streamedUntil } from "./stream_reader.ts";
import { Push, ReplyError, type TestClient } from "./test_client.ts";

let server: ServerProcess;
let client: TestClient;
before(async () => {
  server = await ServerProcess.start({ args: ["--save", "", ...PROMPT_STREAM] });
  client = await server.connect();
});
after(() => server.stop());

/** The reply to a script, with keys and then other arguments. */
function evaluate(script: string, keys: readonly string[] = [], args: readonly string[] = [], by = client) {
  return by.call("EVAL", script, keys.length, ...keys, ...args);
}

/** Calls a script that is to fail; the error without what says where. */
async function failureOf(script: string, ...keys: string[]): Promise<string> {
  const reply = await evaluate(script, keys);
  assert.ok(reply instanceof ReplyError, `${script} has given ${JSON.stringify(reply)}`);
  return reply.message.replace(/ script: [0-9a-f]{40}, on @user_script:\d+\.$/, "");
}

test("what scripts return becomes a reply", async () => {
  const cases: [string, unknown][] = [
    ["return 3.99", 3],
    ["return 'text'", "text"],
    ["return true", 1],
    ["return false", null],
    ["return nil", null],
    ["return {1, {2, 'x'}, nil, 4}", [1, [2, "x"]]],
    ["return {ok = 'fine\\r\\nline'}", "fine  line"],
    ["return redis.status_reply('OK')", "OK"],
    ["return {double = 3.5}", "3.5"],
    ["return {map = {a = 1}}", ["a", 1]],
    ["return {set = {a = true}}", ["a"]],
    ["return {verbatim_string = {format = 'txt', string = 'x'}}", "x"],
    ["return {big_number = '123'}", "123"],
    ["return 1e300", -(2n ** 63n)],
    ["return 2 ^ 60", 2n ** 60n],
  ];
  for (const [script, expected] of cases) assert.deepEqual(await evaluate(script), expected, script);
  const error = await evaluate("return {err = 'MY code'}");
  assert.ok(error instanceof ReplyError && error.message === "MY code");
});

test("in RESP3 scripts return what RESP3 has, and see it where they ask for it", async () => {
  const three = await server.connect();
  await three.call("HELLO 3");
  await three.expect("HSET hash3 field value", 1);
  const seen = (script: string) => evaluate(script, [], [], three);
  assert.equal(await seen("redis.setresp(3) return true"), true);
  assert.equal(await seen("return true"), 1);
  assert.equal(await seen("return {double = 3.5}"), 3.5);
  assert.deepEqual(await seen("return {map = {a = 1}}"), new Map([["a", 1]]));
  assert.deepEqual(await seen("return {set = {a = true}}"), new Set(["a"]));
  assert.deepEqual(await seen("redis.setresp(3) return redis.call('HGETALL', 'hash3')"), new Map([["field", "value"]]));
  assert.deepEqual(await seen("return redis.call('HGETALL', 'hash3')"), ["field", "value"]);
  assert.equal(await seen("redis.setresp(3) return redis.call('GET', 'nothing') == nil and 1 or 0"), 1);
  assert.equal(await seen("return redis.call('GET', 'nothing') == false and 1 or 0"), 1);
  three.close();
});

test("keys and arguments, the database, and numbers as arguments of commands", async () => {
  assert.deepEqual(await evaluate("return {KEYS[1], KEYS[2], ARGV[1], #ARGV}", ["a", "b"], ["c"]), ["a", "b", "c", 1]);
  await evaluate("redis.call('SET', KEYS[1], 10)", ["number"]);
  await client.expect("GET number", "10");
  await evaluate("redis.call('SET', KEYS[1], 0.1)", ["number"]);
  await client.expect("GET number", IS_ORACLE ? /^0\.1/ : "0.1"); // shorter since Redis 7.2
  await evaluate("redis.call('SELECT', 5) redis.call('SET', 'there', 1)");
  await client.expect("EXISTS there", 0); // the client's database is what it was
  await client.expect("SELECT 5", "OK");
  await client.expect("EXISTS there", 1);
  await client.expect("SELECT 0", "OK");
});

test("errors tell what failed, in which script and where; pcall gives them as values", async () => {
  const reply = await client.call("EVAL", "local x = 1\nreturn redis.call('INCR', KEYS[1], 'x')", 1, "k");
  assert.ok(reply instanceof ReplyError);
  assert.match(reply.message, /^ERR Wrong number of args .* script: [0-9a-f]{40}, on @user_script:2\.$/);
  assert.equal(await failureOf("return redis.call('nothing')"), "ERR Unknown Redis command called from script");
  assert.equal(await failureOf("error('mine')"), "ERR user_script:1: mine");
  assert.equal(await failureOf("error({err = 'CODE text'})"), "CODE text");
  assert.equal(
    await failureOf("return redis.call('SUBSCRIBE', 'c')"),
    "ERR This Redis command is not allowed from script",
  );
  assert.equal(
    await failureOf("return redis.call({})"),
    "ERR Lua redis lib command arguments must be strings or integers",
  );
  assert.equal(await failureOf("x = 1"), "ERR user_script:1: Attempt to modify a readonly table");
  await client.expect("LPUSH list 1", 1);
  assert.equal(await evaluate("return redis.pcall('GET', KEYS[1]).err:sub(1, 9)", ["list"]), "WRONGTYPE");
  assert.equal(await evaluate("return select(2, pcall(redis.call, 'GET', KEYS[1])):sub(1, 9)", ["list"]), "WRONGTYPE");
});

test("scripts are known by their SHA-1 until they are flushed", async () => {
  const sha = String(await client.call("SCRIPT", "LOAD", "return ARGV[1]"));
  await client.expect(["EVALSHA", sha, 0, "x"], "x");
  await client.expect(["EVALSHA", sha.toUpperCase(), 0, "x"], "x");
  await client.expect(["SCRIPT", "EXISTS", sha, "0".repeat(40)], [1, 0]);
  await client.expect("SCRIPT FLUSH", "OK");
  const reply = await client.call("EVALSHA", sha, 0, "x");
  assert.ok(reply instanceof ReplyError && reply.message === "NOSCRIPT No matching script. Please use EVAL.");
});

test("of scripts that only EVAL has brought, those used longest ago are forgotten; those loaded stay", {
  skip: IS_ORACLE && "since Redis 7.4",
}, async () => {
  await client.expect("SCRIPT FLUSH", "OK");
  const kept = String(await client.call("SCRIPT", "LOAD", "return 'kept'"));
  for (let i = 0; i < 600; i++) client.send("EVAL", `return ${i}`, 0);
  for (let i = 0; i < 600; i++) assert.equal(await client.read(), i);
  await client.expect(["EVALSHA", kept, 0], "kept");
  const info = String(await client.call("INFO"));
  assert.match(info, /number_of_cached_scripts:501\r\n/);
  assert.match(info, /evicted_scripts:100\r\n/);
  await client.expect("SCRIPT FLUSH", "OK");
});

test("read-only scripts write nothing, and say so by themselves or are told", async () => {
  const refusal = "ERR Write commands are not allowed from read-only scripts.";
  const reply = await client.call("EVAL_RO", "return redis.call('SET', KEYS[1], 1)", 1, "ro");
  assert.ok(reply instanceof ReplyError && reply.message.startsWith(refusal));
  assert.equal(await failureOf("#!lua flags=no-writes\nreturn redis.call('SET', 'ro', 1)"), refusal);
  const other = await client.call("EVAL_RO", "#!lua\nreturn 1", 0);
  assert.ok(other instanceof ReplyError && other.message.startsWith("ERR Can not execute a script with write flag"));
  await client.expect("EXISTS ro", 0);
});

test("what a script writes is one transaction to those who follow", async () => {
  const stream = await followStream(server);
  await evaluate("redis.call('SET', 'one', 1) redis.call('INCR', 'one') return redis.call('GET', 'one')");
  await evaluate("redis.call('SET', 'alone', 1)");
  await evaluate("redis.set_repl(redis.REPL_NONE) redis.call('SET', 'unseen', 1)");
  await evaluate("return redis.call('GET', 'one')");
  await client.expect("SET mark scripts", "OK");
  assert.deepEqual(await streamedUntil(stream, "scripts"), [
    "MULTI",
    "SET one 1",
    "INCR one",
    "EXEC",
    "SET alone 1",
  ]);
  stream.close();
});

test("time stands still in a script, and nothing that it wrote expires before its end", {
  skip: IS_ORACLE && "since Redis 7.2",
}, async () => {
  const script = "redis.call('SET', KEYS[1], 1, 'PX', 1) local a = redis.call('TIME') local n = 0 " +
    "for i = 1, 3000000 do n = n + 1 end local b = redis.call('TIME') " +
    "return {redis.call('EXISTS', KEYS[1]), a[1] == b[1] and a[2] == b[2] and 1 or 0}";
  assert.deepEqual(await evaluate(script, ["short"]), [1, 1]);
  await until("the key to expire", async () => await client.call("EXISTS short") === 0);
});

test("a script breaks WATCH, wakes who waits once it is done, and publishes", async () => {
  const [other, waiting, listening] = [await server.connect(), await server.connect(), await server.connect()];
  await listening.call("SUBSCRIBE channel");
  await other.expect("WATCH watched", "OK");
  await evaluate("redis.call('SET', KEYS[1], 1)", ["watched"]);
  await other.expect("MULTI", "OK");
  await other.expect("PING", "QUEUED");
  await other.expect("EXEC", null);
  waiting.send("BLPOP queue 0");
  await until("the client to wait", async () => /blocked_clients:1\r/.test(String(await client.call("INFO clients"))));
  await evaluate("redis.call('LPUSH', KEYS[1], 'y') redis.call('LPUSH', KEYS[1], 'z')", ["queue"]);
  assert.deepEqual(await waiting.read(), ["queue", "z"]);
  await evaluate("return redis.call('PUBLISH', 'channel', 'hello')");
  assert.deepEqual(await listening.read(), ["message", "channel", "hello"]);
  for (const one of [other, waiting, listening]) one.close();
});

test("in scripts commands that wait for keys or replicas do not wait", { skip: IS_ORACLE }, async () => {
  const waiting = [
    "'BLPOP', KEYS[1], 0",
    "'BRPOP', KEYS[1], 0",
    "'BLMOVE', KEYS[1], KEYS[1], 'LEFT', 'LEFT', 0",
    "'BRPOPLPUSH', KEYS[1], KEYS[1], 0",
    "'BZPOPMIN', KEYS[1], 0",
    "'BZPOPMAX', KEYS[1], 0",
    "'BLMPOP', 0, 1, KEYS[1], 'LEFT'",
    "'BZMPOP', 0, 1, KEYS[1], 'MIN'",
  ];
  for (const call of waiting) {
    assert.equal(await evaluate(`return redis.call(${call}) == false and 1 or 0`, ["not there"]), 1, call);
  }
  assert.equal(await evaluate("return redis.call('WAIT', 1, 0)"), 0);
  await evaluate("redis.call('RPUSH', KEYS[1], 'a', 'b', 'c')", ["there"]);
  const taken = "return {redis.call('BLPOP', KEYS[1], 0)[2], redis.call('BRPOPLPUSH', KEYS[1], KEYS[1], 0)}";
  assert.deepEqual(await evaluate(taken, ["there"]), ["a", "c"]);
  await client.expect("LRANGE there 0 -1", ["c", "b"]);
  await client.expect("XGROUP CREATE stream group $ MKSTREAM", "OK");
  for (const [name, group] of [["XREAD", ""], ["XREADGROUP", "'GROUP', 'group', 'one', "]]) {
    const failure = await failureOf(
      `return redis.call('${name}', ${group}'BLOCK', 0, 'STREAMS', KEYS[1], '0')`,
      "stream",
    );
    assert.equal(failure, `ERR ${name} command is not allowed with BLOCK option from scripts`);
  }
});

test("a client with tracking is told of what its own script reads and others change", async () => {
  const reader = await server.connect();
  await reader.call("HELLO 3");
  await reader.expect("CLIENT TRACKING ON", "OK");
  await client.expect("SET tracked 1", "OK");
  assert.equal(await evaluate("return redis.call('GET', KEYS[1])", ["tracked"], [], reader), "1");
  await evaluate("redis.call('SET', KEYS[1], 2)", ["tracked"]);
  const push = await reader.read();
  assert.ok(push instanceof Push);
  assert.deepEqual(push.items, ["invalidate", ["tracked"]]);
  reader.close();
});

test("scripts may be queued, and EXEC runs them", async () => {
  await client.expect("MULTI", "OK");
  await client.expect(["EVAL", "return redis.call('INCR', KEYS[1])", 1, "queued"], "QUEUED");
  await client.expect(["EVAL", "return {1, 2}", 0], "QUEUED");
  await client.expect("EXEC", [1, [1, 2]]);
});

test("MONITOR shows a script, and the commands that it calls as those of lua", async () => {
  const monitor = await server.connect();
  await monitor.expect("MONITOR", "OK");
  await evaluate("return redis.call('GET', 'shown')");
  assert.match(String(await monitor.read()), /\[0 127\.0\.0\.1:\d+\] "EVAL" "return redis/);
  assert.match(String(await monitor.read()), /\[0 lua\] "GET" "shown"/);
  monitor.close();
});

test("a script that makes coroutines gives the same as one that has run before, and calls nothing twice", async () => {
  const script = `
    redis.call('INCR', KEYS[1])
    local produce = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(redis.call('INCR', KEYS[1])) end end)
    return {produce(), produce(), produce(), redis.call('GET', KEYS[1])}`;
  await client.expect("DEL coroutine", 0);
  assert.deepEqual(await evaluate(script, ["coroutine"]), [2, 3, 4, "4"]);
  assert.deepEqual(await evaluate(script, ["coroutine"]), [6, 7, 8, "8"]);
});

if (!IS_ORACLE) {
  test("there is no debugger, and that is said", async () => {
    const reply = await client.call("SCRIPT DEBUG YES");
    assert.ok(reply instanceof ReplyError && reply.message.includes("no debugger"));
    await client.expect("SCRIPT DEBUG NO", "OK");
    assert.equal(await evaluate("return redis.breakpoint() == false and 1 or 0"), 1);
  });
}
