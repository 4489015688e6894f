/** The keyspace as a whole: KEYS, SCAN and its guarantee, RANDOMKEY. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ServerProcess } from "./server_process.ts";
import { ReplyError, type TestClient } from "./test_client.ts";

let server: ServerProcess;
let client: TestClient;
before(async () => {
  server = await ServerProcess.start({ args: ["--save", "", "--enable-debug-command", "yes"] });
  client = await server.connect();
});
after(() => server.stop());

/** Sets `prefix:from` to `prefix:to - 1`. */
async function fill(prefix: string, from: number, to: number): Promise<void> {
  for (let i = from; i < to; i++) client.send("SET", `${prefix}:${i}`, String(i));
  for (let i = from; i < to; i++) assert.equal(await client.read(), "OK");
}

async function remove(prefix: string, from: number, to: number): Promise<void> {
  for (let i = from; i < to; i++) client.send("DEL", `${prefix}:${i}`);
  for (let i = from; i < to; i++) assert.equal(await client.read(), 1);
}

/** One whole iteration; `between` is run after each call. */
async function scanAll(options: string[], between: () => Promise<void> = async () => {}): Promise<string[]> {
  const found: string[] = [];
  let cursor = "0";
  do {
    const reply = await client.call("SCAN", cursor, ...options);
    assert.ok(Array.isArray(reply) && Array.isArray(reply[1]), `a cursor and keys: ${JSON.stringify(reply)}`);
    cursor = String(reply[0]);
    found.push(...reply[1].map(String));
    await between();
  } while (cursor !== "0");
  return found;
}

test("KEYS matches globs, plain names and everything", async () => {
  await client.expect("FLUSHALL", "OK");
  await client.expect("MSET hello 1 hallo 2 hxllo 3 hllo 4 h*llo 5", "OK");
  const keys = async (pattern: string) => (await client.call("KEYS", pattern) as string[]).toSorted(); // an array
  assert.deepEqual(await keys("h?llo"), ["h*llo", "hallo", "hello", "hxllo"]);
  assert.deepEqual(await keys("h[ae]llo"), ["hallo", "hello"]);
  assert.deepEqual(await keys("h\\*llo"), ["h*llo"]);
  assert.deepEqual(await keys("hllo"), ["hllo"]);
  assert.deepEqual(await keys("nothing"), []);
  assert.deepEqual(await keys(""), []);
  assert.deepEqual(await keys("*"), ["h*llo", "hallo", "hello", "hllo", "hxllo"]);
});

test("expired keys are not shown, even where nothing removes them", async () => {
  await client.expect("FLUSHALL", "OK");
  await client.expect("DEBUG SET-ACTIVE-EXPIRE 0", "OK");
  await client.expect("PSETEX gone 1 x", "OK");
  await client.expect("SET stays x", "OK");
  await new Promise((resolve) => setTimeout(resolve, 20));
  // KEYS only looks, whatever the pattern.
  for (const pattern of ["gone", "g*"]) await client.expect(`KEYS ${pattern}`, []);
  await client.expect("DBSIZE", 2);
  await client.expect("KEYS *", ["stays"]);
  assert.deepEqual(await scanAll([]), ["stays"]);
  await client.expect("RANDOMKEY", "stays");
  await client.expect("DEBUG SET-ACTIVE-EXPIRE 1", "OK");
});

test("SCAN shows each key once while nothing changes", async () => {
  await client.expect("FLUSHALL", "OK");
  await fill("key", 0, 3000);
  for (const count of ["1", "10", "1000", "100000"]) {
    const found = await scanAll(["COUNT", count]);
    assert.equal(found.length, 3000, `COUNT ${count}`);
    assert.equal(new Set(found).size, 3000);
  }
});

test("SCAN filters by pattern and by type", async () => {
  await client.expect("FLUSHALL", "OK");
  await fill("key", 0, 200);
  await client.expect("HSET hash:1 f v", 1);
  assert.equal((await scanAll(["MATCH", "key:1??"])).length, 100);
  assert.deepEqual(await scanAll(["TYPE", "hash"]), ["hash:1"]);
  assert.deepEqual(await scanAll(["TYPE", "HASH"]), ["hash:1"]);
  assert.equal((await scanAll(["TYPE", "string", "COUNT", "7"])).length, 200);
  assert.deepEqual(await scanAll(["TYPE", "hash", "MATCH", "key*"]), []);
  assert.deepEqual(await scanAll(["TYPE", "nosuchtype"]), []);
});

test("SCAN says what is wrong", async () => {
  await client.expect("SCAN x", new ReplyError("ERR invalid cursor"));
  await client.expect("SCAN 0 COUNT", new ReplyError("ERR syntax error"));
  await client.expect("SCAN 0 COUNT 0", new ReplyError("ERR syntax error"));
  await client.expect("SCAN 0 COUNT x", new ReplyError("ERR value is not an integer or out of range"));
  await client.expect("SCAN 0 NOVALUES 1", new ReplyError("ERR syntax error"));
  await client.expect("SCAN 0 TYPE", new ReplyError("ERR syntax error"));
});

test("SCAN shows what is there throughout while the keyspace grows", async () => {
  await client.expect("FLUSHALL", "OK");
  await fill("old", 0, 1000);
  let added = 0;
  const found = await scanAll(["COUNT", "20"], async () => {
    if (added >= 30_000) return;
    await fill("new", added, added + 1000);
    added += 1000;
  });
  assert.ok(added > 10_000, "the keyspace has grown meanwhile");
  const old = new Set(found.filter((key) => key.startsWith("old:")));
  assert.equal(old.size, 1000);
});

test("SCAN shows what is there throughout while the keyspace shrinks", async () => {
  await client.expect("FLUSHALL", "OK");
  await fill("stays", 0, 500);
  await fill("goes", 0, 30_000);
  let removed = 0;
  const found = await scanAll(["COUNT", "100"], async () => {
    if (removed >= 30_000) return;
    await remove("goes", removed, removed + 1000);
    removed += 1000;
  });
  assert.ok(removed >= 10_000, "the keyspace has shrunk meanwhile");
  assert.equal(new Set(found.filter((key) => key.startsWith("stays:"))).size, 500);
});

test("RANDOMKEY gives a key, each some time, and null for an empty database", async () => {
  await client.expect("FLUSHALL", "OK");
  await client.expect("RANDOMKEY", null);
  await fill("key", 0, 10);
  const seen = new Set<string>();
  for (let i = 0; i < 10_000 && seen.size < 10; i++) seen.add(String(await client.call("RANDOMKEY")));
  assert.equal(seen.size, 10);
});
