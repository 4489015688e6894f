/** Scripts that take long: others are told so, may end them, and never see half of what they do. */

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { untilConnected } from "./data_set.ts";
import { IS_ORACLE, ServerProcess, until } from "./server_process.ts";
import { followStream, PROMPT_STREAM, streamedUntil } from "./stream_reader.ts";
import { ReplyError, type TestClient } from "./test_client.ts";

/** Loops until it is killed, or until somebody has set a key, which only what may be asked of a busy server can. */
const ENDLESS = "while true do end";
const WRITES_FIRST = "redis.call('INCR', KEYS[1]) while true do end";
/** Takes some 100 ms as plain functions, and longer as generators; gives what it counts to. */
const LONG = "local n = 0 for i = 1, 60000000 do n = n + 1 end return n";

const started: ServerProcess[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((one) => one.stop()));
});

async function start(...args: string[]): Promise<[ServerProcess, TestClient]> {
  const server = await ServerProcess.start({
    args: ["--save", "", "--busy-reply-threshold", "20", ...PROMPT_STREAM, ...args],
  });
  started.push(server);
  return [server, await server.connect()];
}

/** Waits until the server says that it is busy. */
async function untilBusy(client: TestClient): Promise<void> {
  await until("the server to be busy", async () => {
    const reply = await client.call("PING");
    return reply instanceof ReplyError && reply.message.startsWith("BUSY");
  });
}

function isError(reply: unknown, code: string): boolean {
  return reply instanceof ReplyError && reply.message.startsWith(code);
}

test("others are told that the server is busy, and may kill a script that has written nothing", async () => {
  const [server, client] = await start();
  const runner = await server.connect();
  runner.send("EVAL", ENDLESS, 0);
  await untilBusy(client);
  assert.ok(isError(await client.call("GET key"), "BUSY"));
  assert.ok(isError(await client.call("SHUTDOWN"), "BUSY"), "half of what it does is not to be saved");
  assert.ok(isError(await client.call("FUNCTION KILL"), "BUSY"));
  await client.expect("SCRIPT KILL", "OK");
  const reply = await runner.read();
  assert.ok(reply instanceof ReplyError);
  assert.match(
    reply.message,
    /^ERR Script killed by user with SCRIPT KILL\.{3} script: [0-9a-f]{40}, on @user_script:1\.$/,
  );
  await client.expect("PING", "PONG");
  assert.ok(isError(await client.call("SCRIPT KILL"), "NOTBUSY"));
  await runner.expect("PING", "PONG");
});

test("a function is killed by FUNCTION KILL, and FUNCTION STATS shows it meanwhile", async () => {
  const [server, client] = await start();
  const library = "#!lua name=lib\nredis.register_function('endless', function() while true do end end)";
  await client.expect(["FUNCTION", "LOAD", library], "lib");
  const runner = await server.connect();
  runner.send("FCALL", "endless", 1, "key");
  await untilBusy(client);
  assert.ok(isError(await client.call("SCRIPT KILL"), "BUSY"));
  const stats = await client.call("FUNCTION STATS") as unknown as [string, unknown[]];
  assert.deepEqual(stats[1].slice(0, 4), ["name", "endless", "command", ["FCALL", "endless", "1", "key"]]);
  await client.expect("FUNCTION KILL", "OK");
  assert.ok(await runner.read() instanceof ReplyError);
});

test("a script that has written is not killed, and pcall keeps no script from being killed", async () => {
  const [server, client] = await start();
  let runner = await server.connect();
  runner.send("EVAL", "while true do pcall(function() while true do end end) end", 0);
  await untilBusy(client);
  await client.expect("SCRIPT KILL", "OK");
  assert.ok(await runner.read() instanceof ReplyError);
  runner = await server.connect();
  runner.send("EVAL", WRITES_FIRST, 1, "key");
  await untilBusy(client);
  assert.ok(isError(await client.call("SCRIPT KILL"), "UNKILLABLE"));
  client.send("SHUTDOWN NOSAVE");
  await until("the server's end", () => server.exited);
});

test("a script that is left goes on where it was: what it has called is not called again", async () => {
  const [, client] = await start();
  const script = `
    local first = redis.call('INCR', KEYS[1])
    local list = redis.call('RPUSH', KEYS[2], 'a')
    local drawn = math.random()
    local text = cjson.encode({first, list})
    ${LONG.replace("return n", "")}
    return {first, redis.call('INCR', KEYS[1]), list, redis.call('LLEN', KEYS[2]), text, drawn == math.random() and 1 or 0}`;
  await client.expect(["EVAL", script, 2, "counter", "list"], [1, 2, 1, 1, "[1,1]", 0]);
  await client.expect("GET counter", "2");
});

test("what was pipelined behind a script that takes long comes after it", async () => {
  const [, client] = await start();
  client.send("SET", "key", "1");
  client.send("EVAL", LONG, 0);
  client.send("INCR", "key");
  assert.equal(await client.read(), "OK");
  assert.equal(await client.read(), 60_000_000);
  assert.equal(await client.read(), 2);
});

test("EXEC goes on behind a script that takes long, as one transaction", async () => {
  const [server, client] = await start();
  const stream = IS_ORACLE ? null : await followStream(server);
  await client.expect("MULTI", "OK");
  await client.expect("INCR key", "QUEUED");
  await client.expect(["EVAL", `redis.call('INCR', KEYS[1]) ${LONG}`, 1, "key"], "QUEUED");
  await client.expect("INCR key", "QUEUED");
  await client.expect(["EVAL", LONG, 0], "QUEUED");
  await client.expect("GET key", "QUEUED");
  await client.expect("EXEC", [1, 60_000_000, 3, 60_000_000, "3"]);
  await client.expect("SET mark done", "OK");
  if (stream === null) return;
  assert.deepEqual(await streamedUntil(stream, "done"), ["MULTI", "INCR key", "INCR key", "INCR key", "EXEC"]);
});

test("a client that leaves in the middle of its transaction has it done to its end", async () => {
  const [server, client] = await start();
  const leaver = await server.connect();
  leaver.send("MULTI");
  leaver.send("INCR", "key");
  leaver.send("EVAL", `redis.call('INCR', KEYS[1]) ${LONG.replace("60000000", "300000000")}`, 1, "key");
  leaver.send("INCR", "key");
  leaver.send("EXEC");
  await untilBusy(client);
  leaver.close();
  await until("the transaction's end", async () => await client.call("GET key") === "3");
  await client.expect("PING", "PONG");
});

test("before the threshold others wait instead, and are served when the script is done", async () => {
  const [server, client] = await start("--busy-reply-threshold", "0");
  const runner = await server.connect();
  runner.send("EVAL", `redis.call('SET', KEYS[1], 'a') ${LONG}`, 1, "key");
  await until("the write", async () => await client.call("GET key") === "a");
  assert.equal(await runner.read(), 60_000_000);
});

test("those who wait for a key are served when a script is done, not between its slices", async () => {
  const [server, client] = await start();
  const [waiting, runner] = [await server.connect(), await server.connect()];
  waiting.send("BLPOP queue 0");
  await until("it to wait", async () => /blocked_clients:1\r/.test(String(await client.call("INFO clients"))));
  runner.send("EVAL", `redis.call('LPUSH', KEYS[1], 'x') ${LONG.replace("60000000", "300000000")}`, 1, "queue");
  await untilBusy(client);
  // Commands that are served meanwhile are none after which anybody is woken.
  await client.expect("MULTI", "OK");
  await client.expect("DISCARD", "OK");
  assert.equal(await runner.read(), 300_000_000);
  assert.deepEqual(await waiting.read(), ["queue", "x"]);
});

if (!IS_ORACLE) {
  test("a replica that is synchronised in the middle of a script has all of it, once", async () => {
    const [primary, client] = await start();
    const runner = await primary.connect();
    runner.send("EVAL", `redis.call('INCR', KEYS[1]) ${LONG.replace("60000000", "400000000")}`, 1, "key");
    await untilBusy(client);
    const [, replica] = await start("--replicaof", "127.0.0.1", String(primary.port));
    assert.equal(await runner.read(), 400_000_000);
    await untilConnected(replica);
    await until("the write to arrive", async () => await replica.call("GET key") === "1");
    await client.expect("INCR key", 2);
    await until("the next to arrive", async () => await replica.call("GET key") === "2");
  });

  test("a replica with a script that takes long applies nothing, and takes no other data set, until it is done", async () => {
    const [primary, client] = await start();
    const [replica, reader] = await start("--replicaof", "127.0.0.1", String(primary.port));
    await untilConnected(reader);
    await client.expect("SET key before", "OK");
    await until("the write to arrive", async () => await reader.call("GET key") === "before");
    const runner = await replica.connect();
    runner.send("EVAL_RO", "local a = redis.call('GET', KEYS[1]) while true do end", 1, "key");
    await untilBusy(reader);
    await client.expect("SET key after", "OK");
    await client.expect("CLIENT KILL TYPE replica", 1); // it will have to come again, and wait
    assert.ok(isError(await reader.call("GET key"), "BUSY"));
    await reader.expect("SCRIPT KILL", "OK");
    assert.ok(await runner.read() instanceof ReplyError);
    await until("the write to arrive", async () => await reader.call("GET key") === "after");
  });

  test("a signal ends a script that has written nothing, and waits for one that has, so that all of it is saved", async () => {
    const [server, client] = await start("--save", "3600 100000");
    await client.expect("SET key 1", "OK");
    const runner = await server.connect();
    runner.send("EVAL", ENDLESS, 0);
    await untilBusy(client);
    server.child.kill("SIGTERM");
    await until("the server's end", () => server.exited);
    assert.match(server.output, /Killing the script/);

    const again = await ServerProcess.start({
      folder: server.folder,
      args: ["--save", "3600 100000", "--busy-reply-threshold", "20"],
    });
    started.push(again);
    const [writer, other] = [await again.connect(), await again.connect()];
    await other.expect("GET key", "1");
    const long = LONG.replace("60000000", "300000000").replace("return n", "redis.call('INCR', KEYS[1])");
    writer.send("EVAL", `redis.call('INCR', KEYS[1]) ${long}`, 1, "key");
    await untilBusy(other);
    again.child.kill("SIGTERM");
    await until("the server's end", () => again.exited);

    const last = await ServerProcess.start({ folder: server.folder, args: ["--save", ""] });
    started.push(last);
    await (await last.connect()).expect("GET key", "3");
  });

  test("no snapshot begins in the middle of a script", async () => {
    const [server, client] = await start("--save", "1 1");
    const runner = await server.connect();
    const long = LONG.replace("60000000", "400000000").replace("return n", "redis.call('INCR', KEYS[1])");
    runner.send("EVAL", `redis.call('INCR', KEYS[1]) ${long}`, 1, "key");
    await untilBusy(client);
    await runner.read();
    await client.expect("GET key", "2");
    await until("a save", async () => /rdb_saves:[1-9]/.test(String(await client.call("INFO"))));
    assert.ok(server.output.indexOf("Slow script detected") < server.output.indexOf("Background saving started"));
  });
}
