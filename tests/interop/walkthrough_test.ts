/**
 * What a newcomer does on the first day, with the programs of others: redis-cli and redis-py on a primary and its
 * replica, a telnet session that listens, a chain of three whose head dies and comes back, and Sentinel.
 */

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, test } from "node:test";
import { expectSame, Random, untilConnected, writeRandomly } from "../integration/data_set.ts";
import { freePort, ServerProcess, until } from "../integration/server_process.ts";
import { type Reply, TestClient } from "../integration/test_client.ts";
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

/** What the steps with Sentinel may take on a stalled machine, where its own timers and retries add up. */
const SENTINEL_PATIENCE_MS = 180_000;

/**
 * Sentinel's own times, made short so that the test is quick. By default it looks at a replica every 10 s, waits for
 * four publishing periods, 8 s, before it converts a primary that has returned, and rests for 30 s (TILT) whenever the
 * machine has kept it from running for 2 s.
 */
const SENTINEL_TIMES_MS = {
  "info-period": 1000,
  "publish-period": 500,
  "tilt-trigger": 600_000,
  "tilt-period": 1000,
};

/** A redis-sentinel, which knows its primary from a file. */
class Sentinel {
  /** Its log. */
  output = "";

  private constructor(readonly child: ChildProcess, readonly port: number, readonly folder: string) {
    child.stdout?.on("data", (chunk) => this.output += chunk);
  }

  static async start(primary: number): Promise<Sentinel> {
    const port = await freePort();
    const folder = mkdtempSync(join(tmpdir(), "tredis-sentinel-"));
    const file = join(folder, "sentinel.conf");
    const lines = [
      `port ${port}`,
      `dir ${folder}`,
      `sentinel monitor it 127.0.0.1 ${primary} 1`,
      "sentinel down-after-milliseconds it 1000",
      "sentinel failover-timeout it 10000",
    ];
    writeFileSync(file, lines.join("\n") + "\n");
    const sentinel = new Sentinel(
      spawn("redis-sentinel", [file], { stdio: ["ignore", "pipe", "ignore"] }),
      port,
      folder,
    );
    started.push(sentinel);
    const client = await sentinel.until("sentinel to listen", () => TestClient.connect(port).catch(() => null));
    // A Sentinel before 7.0 refuses this: with it, the test only takes longer.
    await client.call("SENTINEL", "DEBUG", ...Object.entries(SENTINEL_TIMES_MS).flat());
    client.close();
    return sentinel;
  }

  /** Waits for a condition; in vain, the error shows what Sentinel was about. */
  async until<T>(what: string, condition: () => Promise<T> | T): Promise<NonNullable<T>> {
    try {
      return await until(what, condition, SENTINEL_PATIENCE_MS);
    } catch (cause) {
      throw new Error(`waited in vain for ${what}; Sentinel's log:\n${this.output}`, { cause });
    }
  }

  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.child.on("exit", () => {
        rmSync(this.folder, { recursive: true, force: true });
        resolve();
      });
      this.child.kill("SIGKILL");
    });
  }
}

/** Asks a server over one connection, opened again when the server closed it, as it does when its role changes. */
function reconnecting(server: ServerProcess): (command: string) => Promise<Reply> {
  let client: TestClient | null = null;
  return async (command) => {
    if (client === null || client.closed) client = await server.connect();
    return await client.call(command).catch(() => null);
  };
}

test("redis-sentinel watches a primary and fails over to its replica", async (context) => {
  if (!havePeers(context, "redis-sentinel")) return;
  const primary = await start();
  const replica = await start("--slaveof", "127.0.0.1", String(primary.port));
  const [first, second] = [await primary.connect(), await replica.connect()];
  await untilConnected(second);
  await first.expect("SET a 1", "OK");
  const sentinel = await Sentinel.start(primary.port);
  await sentinel.until("sentinel to know the replica", () => /\+slave slave/.test(sentinel.output));
  await expectSame(first, second);
  await primary.kill("SIGKILL");
  await sentinel.until("the fail-over", () => /\+switch-master it/.test(sentinel.output));
  const asked = await TestClient.connect(sentinel.port);
  await asked.expect("SENTINEL get-master-addr-by-name it", ["127.0.0.1", String(replica.port)]);
  asked.close();
  // Sentinel has closed all connections to the new primary, so that clients ask who it is.
  const promoted = await replica.connect();
  assert.equal((await promoted.call("ROLE") as unknown[])[0], "master"); // ROLE replies with an array
  await promoted.expect("SET a 2", "OK");
  // The old primary comes back, and is told whom to follow.
  const again = await ServerProcess.start({
    port: primary.port,
    folder: primary.folder,
    args: ["--save", "", "--repl-diskless-sync-delay", "0"],
  });
  started.push(again);
  const ask = reconnecting(again);
  await sentinel.until("it to follow", async () => await ask("GET a") === "2");
  await expectSame(promoted, await again.connect());
});
