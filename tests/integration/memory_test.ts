/** MEMORY and `maxmemory`: what is used, and what happens at the limit. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { IS_ORACLE, ServerProcess, until } from "./server_process.ts";
import { Push, ReplyError, type TestClient } from "./test_client.ts";

const HEADROOM_BYTES = 400 * 1024;
const VALUE = "x".repeat(1000);

let server: ServerProcess;
let client: TestClient;
before(async () => {
  server = await ServerProcess.start();
  client = await server.connect();
});
after(() => server.stop());

async function info(section: string, field: string): Promise<number> {
  const text = String(await client.call("INFO", section));
  return Number(new RegExp(`^${field}:(\\S+)`, "m").exec(text)?.[1]);
}

/** Empties the server and sets a limit a little above what it uses. */
async function limit(policy: string): Promise<void> {
  await client.expect("CONFIG SET maxmemory 0", "OK");
  await client.expect("FLUSHALL", "OK");
  await until("the memory to be freed", async () => await info("memory", "lazyfree_pending_objects") === 0);
  await client.expect("CONFIG RESETSTAT", "OK");
  const bytes = await info("memory", "used_memory") + HEADROOM_BYTES;
  await client.expect(`CONFIG SET maxmemory-policy ${policy} maxmemory ${bytes}`, "OK");
}

async function lift(): Promise<void> {
  await client.expect("CONFIG SET maxmemory 0", "OK");
  await client.expect("CONFIG SET maxmemory-policy noeviction", "OK");
}

/** Sets keys of about 1 KiB each and returns how many were set. */
async function fill(prefix: string, count: number, options: string[] = []): Promise<number> {
  for (let i = 0; i < count; i++) client.send("SET", `${prefix}:${i}`, VALUE, ...options);
  let set = 0;
  for (let i = 0; i < count; i++) if (await client.read() === "OK") set++;
  return set;
}

async function present(prefix: string, count: number): Promise<number> {
  return Number(await client.call("EXISTS", ...Array.from({ length: count }, (_, i) => `${prefix}:${i}`)));
}

test("without eviction, writes are refused at the limit and the rest is served", async () => {
  await limit("noeviction");
  const set = await fill("key", 2000);
  assert.ok(set > 100 && set < 1000, `${set} keys were set`);
  await client.expect("CONFIG SET maxmemory 1", "OK");
  const refusal = new ReplyError("OOM command not allowed when used memory > 'maxmemory'.");
  await client.expect(["SET", "more", VALUE], refusal);
  await client.expect("HSET h f v", refusal);
  await client.expect("STRLEN key:0", 1000);
  await client.expect("MULTI", "OK");
  await client.expect("SET more 1", refusal);
  await client.expect("EXEC", /^EXECABORT/);
  await client.expect("DEL key:0", 1);
  assert.equal(await info("stats", "evicted_keys"), 0);
  await lift();
  await client.expect(["SET", "more", VALUE], "OK");
});

for (const policy of ["allkeys-lru", "allkeys-lfu", "allkeys-random"]) {
  test(`${policy} evicts whatever key, and memory stays below the limit`, async () => {
    await limit(policy);
    assert.equal(await fill("key", 2000), 2000);
    const kept = await present("key", 2000);
    assert.ok(kept > 50 && kept < 1000, `${kept} keys are left`);
    assert.equal(await info("stats", "evicted_keys"), 2000 - kept);
    assert.ok(await info("memory", "used_memory") <= await info("memory", "maxmemory") + 64 * 1024);
    await lift();
  });
}

for (const policy of ["volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl"]) {
  test(`${policy} evicts keys that expire, and refuses when there are none left`, async () => {
    await limit(policy);
    assert.equal(await fill("stays", 100), 100);
    assert.equal(await fill("goes", 1000, ["EX", "10000"]), 1000);
    assert.equal(await present("stays", 100), 100);
    assert.ok(await present("goes", 1000) < 500);
    assert.ok(await fill("more", 1000) < 1000);
    assert.equal(await present("goes", 1000), 0);
    assert.equal(await present("stays", 100), 100);
    await lift();
  });
}

test("volatile-ttl prefers keys that expire sooner", async () => {
  await limit("volatile-ttl");
  await client.expect("CONFIG SET maxmemory-samples 20", "OK");
  await fill("late", 100, ["EX", "100000"]);
  await fill("soon", 100, ["EX", "1000"]);
  await fill("push", 150, ["EX", "10000"]);
  const [late, soon] = [await present("late", 100), await present("soon", 100)];
  assert.ok(soon < late, `${soon} that expire soon and ${late} that expire late are left`);
  await client.expect("CONFIG SET maxmemory-samples 5", "OK");
  await lift();
});

test("allkeys-lfu keeps what is asked for often", async () => {
  await client.expect("CONFIG SET lfu-log-factor 0", "OK");
  await limit("allkeys-lfu");
  await client.expect("CONFIG SET maxmemory-samples 20", "OK");
  await fill("hot", 50);
  for (let round = 0; round < 20; round++) {
    await client.call(
      "MGET",
      ...Array.from({ length: 50 }, (_, i) => `hot:${i}`),
    );
  }
  await fill("cold", 1000);
  const hot = await present("hot", 50);
  assert.ok(hot >= 45, `${hot} of 50 are left`);
  await client.expect("CONFIG SET maxmemory-samples 5 lfu-log-factor 10", "OK");
  await lift();
});

test("an eviction is an event, breaks WATCH, and is sent to replicas as a deletion", async () => {
  await client.expect("CONFIG SET repl-backlog-size 16384", "OK"); // it counts against the limit
  await limit("allkeys-random");
  const listener = await server.connect();
  await listener.call("HELLO 3");
  await client.expect("CONFIG SET notify-keyspace-events Ee", "OK");
  await listener.call("SUBSCRIBE __keyevent@0__:evicted");
  const watcher = await server.connect();
  await watcher.expect("SET watched 1", "OK");
  await watcher.expect("WATCH watched", "OK");
  const follower = await server.connect();
  follower.sendRaw("SYNC\r\n");
  await until("the replica to be in the stream", async () => {
    return String(await client.call("INFO replication")).includes("state=online");
  });
  await fill("key", 3000);
  await fill("again", 3000);
  const event = await listener.read();
  assert.ok(event instanceof Push);
  assert.deepEqual(event.items.slice(0, 2), ["message", "__keyevent@0__:evicted"]);
  await watcher.expect("EXISTS watched", 0); // it survives so many evictions once in e^20 times
  await watcher.expect("MULTI", "OK");
  await watcher.expect("PING", "QUEUED");
  await watcher.expect("EXEC", null);
  await client.call("CONFIG", "SET", "notify-keyspace-events", "");
  const key = String(event.items[2]);
  const deletion = `*2\r\n$3\r\nDEL\r\n$${key.length}\r\n${key}\r\n`;
  let stream = "";
  while (!stream.includes(deletion)) stream = stream.slice(-deletion.length) + await follower.readRaw(1000);
  await lift();
});

test("MEMORY USAGE grows with the value", async () => {
  await client.expect("FLUSHALL", "OK");
  await client.expect(["SET", "small", "x"], "OK");
  await client.expect(["SET", "large", "x".repeat(100_000)], "OK");
  const usage = async (key: string, ...options: string[]) =>
    Number(await client.call("MEMORY", "USAGE", key, ...options));
  assert.ok(await usage("small") > 0 && await usage("small") < 200);
  assert.ok(await usage("large") >= 100_000 && await usage("large") < 150_000);
  for (let i = 0; i < 1000; i++) client.send("HSET", "hash", `field:${i}`, VALUE);
  for (let i = 0; i < 1000; i++) await client.read();
  const [sampled, whole] = [await usage("hash"), await usage("hash", "SAMPLES", "0")];
  assert.ok(whole > 1_000_000 && whole < 2_000_000, String(whole));
  assert.ok(Math.abs(sampled - whole) < whole / 4, `${sampled} for ${whole}`);
  await client.expect("MEMORY USAGE missing", null);
  await client.expect("MEMORY USAGE small SAMPLES -1", new ReplyError("ERR syntax error"));
  await client.expect("MEMORY USAGE small NOSUCH 1", new ReplyError("ERR syntax error"));
  await client.expect("MEMORY USAGE small SAMPLES x", new ReplyError("ERR value is not an integer or out of range"));
});

test("MEMORY STATS adds up", async () => {
  await client.expect("FLUSHALL", "OK");
  await fill("key", 100);
  const other = await server.connect();
  await other.call("HELLO 3");
  const stats = await other.call("MEMORY STATS");
  assert.ok(stats instanceof Map);
  const of = (name: string) => Number(stats.get(name));
  assert.equal(of("keys.count"), 100);
  assert.ok(of("total.allocated") > 100_000);
  assert.ok(of("peak.allocated") >= of("total.allocated"));
  assert.ok(of("dataset.bytes") > 0 && of("dataset.bytes") < of("total.allocated"));
  assert.equal(of("overhead.total") + of("dataset.bytes"), of("total.allocated"));
  const database = stats.get("db.0");
  assert.ok(database instanceof Map && Number(database.get("overhead.hashtable.main")) > 0);
  assert.ok(of("fragmentation") > 0);
});

test("DOCTOR, MALLOC-STATS, PURGE and HELP reply", async () => {
  assert.ok(String(await client.call("MEMORY DOCTOR")).length > 10);
  assert.ok(String(await client.call("MEMORY MALLOC-STATS")).length > 10);
  await client.expect("MEMORY PURGE", "OK");
  await client.expect("MEMORY HELP", /^MEMORY <subcommand>/);
  await client.expect("MEMORY NOSUCH", /unknown subcommand 'NOSUCH'. Try MEMORY HELP/);
});

test("memory that is no longer used goes back to the system", async () => {
  await client.expect("FLUSHALL", "OK");
  const fillAll = async () => {
    for (let i = 0; i < 100; i++) await fill(`key:${i}`, 2000);
    return await info("memory", "used_memory_rss");
  };
  const falls = async (what: string, from: number) => {
    await until(what, async () => await info("memory", "used_memory_rss") < from - 120 * 2 ** 20);
  };
  await falls("memory to go back after FLUSHALL", await fillAll() + (await client.call("FLUSHALL") === "OK" ? 0 : NaN));
  const full = await fillAll();
  for (let i = 0; i < 100; i++) {
    await client.call("UNLINK", ...Array.from({ length: 1990 }, (_, j) => `key:${i}:${j}`));
  }
  await client.expect("MEMORY PURGE", "OK");
  await falls("memory to go back after keys were removed", full);
  await client.expect("DBSIZE", 1000);
  await client.expect(["GET", "key:50:1995"], VALUE);
});

test("a replica leaves eviction to its primary", { skip: IS_ORACLE }, async () => {
  const replica = await ServerProcess.start({ args: ["--save", "", "--replicaof", "127.0.0.1", String(server.port)] });
  try {
    await client.expect("FLUSHALL", "OK");
    await fill("key", 1000);
    const follower = await replica.connect();
    await until("the data to arrive", async () => await follower.call("DBSIZE") === 1000);
    await follower.expect("CONFIG SET maxmemory-policy allkeys-lru", "OK");
    await follower.expect("CONFIG SET maxmemory 200kb", "OK");
    for (let i = 0; i < 20; i++) await follower.call("GET key:1");
    await follower.expect("DBSIZE", 1000);
    await follower.expect("CONFIG SET replica-ignore-maxmemory no", "OK");
    await follower.call("GET key:1");
    await until("the replica to evict", async () => Number(await follower.call("DBSIZE")) < 1000);
  } finally {
    await replica.stop();
  }
});

test("INFO counts the values that were too large to be freed at once, and those that wait", async () => {
  await client.expect("FLUSHALL ASYNC", "OK");
  await until("the memory to be freed", async () => await info("memory", "lazyfree_pending_objects") === 0);
  await client.expect("CONFIG RESETSTAT", "OK");
  await client.expect("SADD small a b c", 3);
  const members = Array.from({ length: 5000 }, (_, i) => `member:${i}`);
  for (const key of ["one", "two"]) await client.expect(["SADD", key, ...members], members.length);
  await client.expect("UNLINK small one two", 3);
  await until("the memory to be freed", async () => await info("memory", "lazyfree_pending_objects") === 0);
  assert.equal(await info("memory", "lazyfreed_objects"), 2);
  for (let i = 0; i < 300; i++) await client.expect(`SET key:${i} value`, "OK");
  await client.expect("FLUSHALL ASYNC", "OK");
  await until("the memory to be freed", async () => await info("memory", "lazyfree_pending_objects") === 0);
  assert.equal(await info("memory", "lazyfreed_objects"), 302);
  await client.expect("CONFIG RESETSTAT", "OK");
  assert.equal(await info("memory", "lazyfreed_objects"), 0);
});
