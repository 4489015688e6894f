/** What counts as a use of a key, for LRU and LFU; and the keyspace events of keys that are missed or new. */

import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { IS_ORACLE, ServerProcess } from "./server_process.ts";
import { Push, type Reply, type TestClient } from "./test_client.ts";

const server = await ServerProcess.start({ args: ["--save", "", "--enable-debug-command", "yes"] });
const client: TestClient = await server.connect();
after(() => server.stop());
beforeEach(async () => {
  await client.expect("CONFIG SET maxmemory-policy noeviction notify-keyspace-events KEAmn", "OK");
  await client.expect("FLUSHALL", "OK");
});

const IDLE_SECONDS = 5000;

/** Makes a string or a hash that nobody has used for a long time. */
async function makeIdle(key: string, kind: "string" | "hash" = "string", ttlMs = 0): Promise<void> {
  if (kind === "string") await client.expect("SET made value", "OK");
  else await client.expect("HSET made field value", 1);
  const payload = await client.call("DUMP", "made");
  assert.ok(typeof payload === "string");
  await client.expect("DEL made", 1);
  await client.expect(["RESTORE", key, ttlMs, payload, "REPLACE", "IDLETIME", IDLE_SECONDS], "OK");
}

/** Whether a key was used since `makeIdle`. */
async function isUsed(key: string): Promise<boolean> {
  const idle = await client.call("OBJECT", "IDLETIME", key);
  assert.ok(typeof idle === "number");
  return idle < IDLE_SECONDS;
}

const USES = [
  ...["GET a", "DUMP a", "TOUCH a", "COPY a other", "COPY source a", "SETNX a 1", "MSETNX new 1 a 2", "SET a 1"],
  ...["SET a 1 NX", "STRLEN a", "MGET a", "GETRANGE a 0 1", "APPEND a 1", "EXPIRE a 1000", "PERSIST a", "GETEX a"],
  ...["RENAMENX source a", "GETBIT a 0", "HGET a f", "INCR a", "LCS a a", "SUBSTR a 0 1"],
];
for (const line of USES) {
  test(`${line} is a use of a`, async () => {
    await client.expect("SET source 1", "OK");
    await makeIdle("a");
    await client.call(line);
    assert.ok(await isUsed("a"));
  });
}

const NO_USES = [
  ...[
    "EXISTS a",
    "TYPE a",
    "TTL a",
    "PTTL a",
    "EXPIRETIME a",
    "PEXPIRETIME a",
    "OBJECT ENCODING a",
    "OBJECT REFCOUNT a",
  ],
  ...["OBJECT IDLETIME a", "MEMORY USAGE a", "DEBUG OBJECT a", "KEYS a", "KEYS *", "SCAN 0", "RANDOMKEY", "WATCH a"],
  ...["DEBUG DIGEST-VALUE a", "DEBUG DIGEST"],
];
for (const line of NO_USES) {
  test(`${line} is no use of a`, async () => {
    await makeIdle("a");
    await client.call(line);
    assert.ok(!await isUsed("a"));
  });
}

test("a refused RESTORE and MOVE are uses of the key in the way, a copy is new", async () => {
  await client.expect("SET b 1", "OK");
  const payload = await client.call("DUMP", "b");
  assert.ok(typeof payload === "string");
  await makeIdle("a");
  await client.expect(["RESTORE", "a", 0, payload], /^BUSYKEY/);
  assert.ok(await isUsed("a"));
  await makeIdle("a");
  await client.expect("COPY a c", 1);
  assert.ok(await isUsed("c"));
  await makeIdle("a");
  await client.expect("SELECT 1", "OK");
  await client.expect("SET a 1", "OK");
  await client.expect("MOVE a 0", 0);
  await client.expect("SELECT 0", "OK");
  assert.ok(await isUsed("a"));
});

test("a value that takes the place of another continues its frequency", async () => {
  await client.expect("CONFIG SET maxmemory-policy allkeys-lfu lfu-decay-time 0", "OK");
  await client.expect("SET b 5", "OK");
  const payload = await client.call("DUMP", "b");
  assert.ok(typeof payload === "string");
  await client.expect("HSET h f 1", 1);
  const hash = await client.call("DUMP", "h");
  assert.ok(typeof hash === "string");
  const rewriting = [
    ...["SET a x", "SET a xyz", "SET a x EX 100", "SET a x KEEPTTL", "SET a x GET", "SETEX a 100 x", "GETSET a x"],
    ...[
      "MSET a 1",
      "INCRBY a 1000",
      "INCRBYFLOAT a 0.5",
      "APPEND a x",
      "SETRANGE a 100 x",
      "EXPIRE a 100",
      "RENAME a a",
    ],
  ];
  for (const line of rewriting) {
    await client.expect(["RESTORE", "a", 0, payload, "REPLACE", "FREQ", 200], "OK");
    await client.call(line);
    const frequency = await client.call("OBJECT FREQ a");
    assert.ok(typeof frequency === "number" && frequency >= 200 && frequency <= 202, `${line}: ${frequency}`);
  }
  await client.expect(["RESTORE", "a", 0, hash, "REPLACE", "FREQ", 200], "OK");
  await client.expect("SET a 1", "OK");
  assert.ok(Number(await client.call("OBJECT FREQ a")) >= 200);
  await client.expect(["RESTORE", "a", 0, payload, "REPLACE", "FREQ", 200], "OK");
  await client.expect("COPY a c", 1);
  assert.ok(Number(await client.call("OBJECT FREQ c")) < 200);
  await client.expect("RENAME a d", "OK");
  assert.ok(Number(await client.call("OBJECT FREQ d")) >= 200);
});

test("a client that does not touch leaves the clock of what it overwrites", { skip: IS_ORACLE }, async () => {
  const quiet = await server.connect();
  await quiet.expect("CLIENT NO-TOUCH on", "OK");
  for (
    const line of [
      "GET a",
      "SET a 1",
      "SET a 123456789",
      "SETNX a 1",
      "MSET a 1 b 2",
      "INCR a",
      "APPEND a 1",
      "COPY a c",
    ]
  ) {
    await makeIdle("a");
    await quiet.call(line);
    assert.ok(!await isUsed("a"), line);
  }
});

test("hits and misses are counted for commands that only ask, too", async () => {
  const counts = async () => {
    const text = String(await client.call("INFO stats"));
    return ["hits", "misses"].map((name) => Number(new RegExp(`keyspace_${name}:(\\d+)`).exec(text)?.[1]));
  };
  await client.expect("SET a 1", "OK");
  for (const line of ["GET", "EXISTS", "TYPE", "TTL", "DUMP", "TOUCH", "OBJECT ENCODING", "STRLEN"]) {
    await client.expect("CONFIG RESETSTAT", "OK");
    await client.call(...line.split(" "), "a");
    await client.call(...line.split(" "), "missing");
    assert.deepEqual(await counts(), [1, 1], line);
  }
  for (const line of ["SETNX", "APPEND", "GETDEL"]) {
    await client.expect("CONFIG RESETSTAT", "OK");
    await client.call(...line.split(" "), "a", "1");
    assert.deepEqual(await counts(), [0, 0], line);
  }
});

/** The events of a line, in order, as `event key` (of the keyevent channels) with the database where it is not 0. */
async function eventsOf(listener: TestClient, ...lines: string[]): Promise<string[]> {
  for (const line of lines) await client.call(line);
  await client.call("PUBLISH end end");
  const events: string[] = [];
  for (;;) {
    const message: Reply = await listener.read();
    const items = message instanceof Push ? message.items : message;
    assert.ok(Array.isArray(items));
    if (items.includes("end")) return events;
    const [channel, key] = items.slice(-2).map(String);
    const parts = /^__keyevent@(\d+)__:(.*)$/.exec(channel);
    if (parts !== null) events.push(parts[1] === "0" ? `${parts[2]} ${key}` : `${parts[2]} ${key} in ${parts[1]}`);
  }
}

test("a read that misses is an event, with 'm', and a key that is new, with 'n'", async () => {
  const listener = await server.connect();
  await listener.call("SUBSCRIBE end");
  await listener.call("PSUBSCRIBE __key*");
  const cases: readonly (readonly [lines: readonly string[], events: readonly string[]])[] = [
    [["GET none"], ["keymiss none"]],
    [["MGET none other"], ["keymiss none", "keymiss other"]],
    [["EXISTS none", "TYPE none", "TTL none", "DUMP none"], Array<string>(4).fill("keymiss none")],
    [["TOUCH none", "STRLEN none", "HGET none f", "GETDEL none"], Array<string>(4).fill("keymiss none")],
    [["COPY none other", "GETEX none", "SET s 1 XX GET"], ["keymiss none", "keymiss none", "keymiss s"]],
    [["OBJECT ENCODING none", "MEMORY USAGE none", "DEL none", "APPEND k 1"], ["new k", "append k"]],
    [["SET a 1", "SET a 2", "GET a"], ["new a", "set a", "set a"]],
    [["HSET h f v", "HSET h g v"], ["new h", "hset h", "hset h"]],
    [["INCR n", "SETRANGE r 1 x", "SETBIT b 1 1"], ["new n", "incrby n", "new r", "setrange r", "new b", "setbit b"]],
    [["RENAME a a2", "COPY a2 a3"], ["new a2", "rename_from a", "rename_to a2", "new a3", "copy_to a3"]],
    [["MOVE a2 5"], ["new a2 in 5", "move_from a2", "move_to a2 in 5"]],
    [["COPY a3 a4 DB 6"], ["new a4 in 6", "copy_to a4 in 6"]],
    [["SETNX a3 1", "SETNX a5 1", "MSETNX a6 1 a3 1"], ["new a5", "set a5"]],
    [["SWAPDB 5 6", "DEBUG RELOAD"], []],
  ];
  for (const [lines, events] of cases) assert.deepEqual(await eventsOf(listener, ...lines), events, lines.join("; "));
  const payload = await client.call("DUMP", "a5");
  assert.ok(typeof payload === "string");
  client.send("RESTORE", "restored", 0, payload);
  assert.equal(await client.read(), "OK");
  assert.deepEqual(await eventsOf(listener), ["new restored", "restore restored"]);
  await client.expect("CONFIG SET notify-keyspace-events KEA", "OK");
  assert.deepEqual(await eventsOf(listener, "GET none", "SET a9 1"), ["set a9"]);
  const keyspace = await server.connect();
  await client.expect("CONFIG SET notify-keyspace-events Kmn", "OK");
  await keyspace.expect("PSUBSCRIBE __keyspace@0__:x", ["psubscribe", "__keyspace@0__:x", 1]);
  await client.expect("GET x", null);
  await client.expect("SET x 1", "OK");
  for (const event of ["keymiss", "new"]) {
    assert.deepEqual(await keyspace.read(), ["pmessage", "__keyspace@0__:x", "__keyspace@0__:x", event]);
  }
});

test("a key that has expired is first expired, then missed, or new", async () => {
  const listener = await server.connect();
  await listener.call("SUBSCRIBE end");
  await listener.call("PSUBSCRIBE __keyevent*");
  await client.expect("DEBUG SET-ACTIVE-EXPIRE 0", "OK");
  await client.expect("SET e 1 PXAT 1", "OK");
  await client.expect("SET f 1 PXAT 1", "OK");
  await eventsOf(listener);
  assert.deepEqual(await eventsOf(listener, "GET e", "SET f 2"), [
    "expired e",
    "keymiss e",
    "expired f",
    "new f",
    "set f",
  ]);
  await client.expect("DEBUG SET-ACTIVE-EXPIRE 1", "OK");
});
