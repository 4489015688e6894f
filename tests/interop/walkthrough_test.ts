/**
 * What a newcomer does on the first day, with the programs of others: redis-cli and redis-py on a primary and its
 * replica, a telnet session that listens, and a chain of three whose head dies and comes back.
 */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { afterEach, test } from "node:test";
import { expectSame, Random, untilConnected, writeRandomly } from "../integration/data_set.ts";
import { ServerProcess, until } from "../integration/server_process.ts";
import { havePeers, PYTHON } from "./peers.ts";

const started: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((one) => one.stop()));
});

async function start(...args: string[]): Promise<ServerProcess> {
  const server = await ServerProcess.start({ args: ["--save", "", "--repl-diskless-sync-delay", "0", ...args] });
  started.push(server);
  return server;
}

/** Runs a program to its end and returns what it printed. */
function run(program: string, args: readonly string[], input = ""): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (chunk) => output += chunk);
    child.stderr.on("data", (chunk) => output += chunk);
    child.on("error", reject);
    child.on("exit", () => setTimeout(() => resolve(output), 50));
    child.stdin.end(input);
  });
}

function cli(server: ServerProcess, ...args: string[]): Promise<string> {
  return run("redis-cli", ["-p", String(server.port), ...args]);
}

test("redis-cli writes on the primary, reads on the replica, and is refused there", async (context) => {
  if (!havePeers(context, "redis-cli")) return;
  const primary = await start();
  const replica = await start("--slaveof", "127.0.0.1", String(primary.port));
  await untilConnected(await replica.connect());
  assert.equal(await cli(primary, "HMSET", "user:1", "name", "Ada", "born", "1815"), "OK\n");
  await until("the hash", async () => await cli(replica, "HGETALL", "user:1") === "name\nAda\nborn\n1815\n");
  assert.match(
    await cli(replica, "HSET", "user:1", "name", "Bob"),
    /^READONLY You can't write against a read only replica\./,
  );
  assert.equal(await cli(primary, "HGET", "user:1", "name"), "Ada\n");
  const info = await cli(replica, "INFO", "replication");
  assert.match(info, /role:slave/);
  assert.match(info, /master_link_status:up/);
  assert.match(await cli(primary, "INFO", "replication"), /slave0:ip=127\.0\.0\.1,port=\d+,state=online/);
  assert.equal(
    await run("redis-cli", ["-3", "-p", String(primary.port), "HGETALL", "user:1"]),
    "name Ada\nborn 1815\n",
  );
});

const PYTHON_SESSION = `
import sys, time, redis
primary = redis.Redis(port=int(sys.argv[1]), decode_responses=True)
replica = redis.Redis(port=int(sys.argv[2]), decode_responses=True)
assert primary.ping()
primary.hset("user:1", mapping={"name": "Ada", "born": 1815})
assert primary.wait(1, 20000) == 1
assert replica.hgetall("user:1") == {"name": "Ada", "born": "1815"}, replica.hgetall("user:1")
try:
    replica.hset("user:1", "name", "Bob")
    sys.exit("the replica took a write")
except redis.exceptions.ReadOnlyError:
    pass
with primary.pipeline(transaction=True) as pipe:
    pipe.incr("visits").expire("visits", 1000).get("visits")
    assert pipe.execute() == [1, True, "1"]
listener = primary.pubsub()
listener.subscribe("news")
listener.psubscribe("n*")
for _ in range(2):
    while listener.get_message(timeout=20) is None: pass
assert primary.publish("news", "hello") == 2
seen = set()
while len(seen) < 2:
    message = listener.get_message(timeout=20)
    if message: seen.add((message["type"], message["data"]))
assert seen == {("message", "hello"), ("pmessage", "hello")}, seen
info = primary.info()
assert info["role"] == "master" and info["connected_slaves"] == 1
assert primary.config_get("maxmemory") == {"maxmemory": "0"}
assert set(primary.scan_iter()) == {"user:1", "visits"}
assert primary.object("encoding", "user:1") == "listpack"
assert primary.client_list()
lock = primary.lock("a lock", timeout=5)
print("all is well")
`;

test("redis-py replays the walk-through", async (context) => {
  if (!havePeers(context, "redis-py")) return;
  const primary = await start();
  const replica = await start("--slaveof", "127.0.0.1", String(primary.port));
  await untilConnected(await replica.connect());
  const output = await run(PYTHON, ["-", String(primary.port), String(replica.port)], PYTHON_SESSION);
  assert.equal(output, "all is well\n");
});

test("a telnet session subscribes and sees the exact bytes", async () => {
  const server = await start();
  const telnet = await server.connect();
  telnet.sendRaw("SUBSCRIBE news\r\n");
  const hello = "*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n";
  assert.equal(await telnet.readRaw(hello.length), hello);
  await (await server.connect()).expect("PUBLISH news hello", 1);
  const message = "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$5\r\nhello\r\n";
  assert.equal(await telnet.readRaw(message.length), message);
});

test("a chain of three follows; the head is killed, comes back, and all catch up by themselves", async () => {
  const head = await start("--save", "3600 1");
  const middle = await start("--slaveof", "127.0.0.1", String(head.port));
  await untilConnected(await middle.connect());
  const tail = await start("--slaveof", "127.0.0.1", String(middle.port));
  const [first, second, third] = [await head.connect(), await middle.connect(), await tail.connect()];
  await untilConnected(third);
  await writeRandomly(first, new Random(1), 1000);
  await first.expect("SAVE", "OK");
  await expectSame(first, second);
  await expectSame(first, third);
  await head.kill("SIGKILL");
  await third.expect("PING", "PONG");
  const again = await ServerProcess.start({
    port: head.port,
    folder: head.folder,
    args: ["--save", "", "--repl-diskless-sync-delay", "0"],
  });
  started.push(again);
  const client = await again.connect();
  await writeRandomly(client, new Random(2), 1000);
  await expectSame(client, second);
  await expectSame(client, third);
});
