/**
 * What goes out to replicas, command by command: what a command causes besides its own write, such as the end of a key
 * that it found expired, goes out in one unit with it.
 */

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { IS_ORACLE, ServerProcess, until } from "./server_process.ts";
import { followStream, PROMPT_STREAM, streamedUntil } from "./stream_reader.ts";
import type { TestClient } from "./test_client.ts";

let server: ServerProcess;
let client: TestClient;
/** A replica by hand: shows the stream. */
let stream: TestClient;

before(async () => {
  server = await ServerProcess.start({ args: ["--save", "", "--enable-debug-command", "yes", ...PROMPT_STREAM] });
  client = await server.connect();
  stream = await followStream(server);
});
after(() => server.stop());

/** Before each test: `a` and `b` have expired without anybody having noticed; `other` lives. */
beforeEach(async () => {
  await client.expect("DEBUG SET-ACTIVE-EXPIRE 0", "OK");
  await client.expect("FLUSHALL", "OK");
  await client.expect("SET other 1", "OK");
  for (const key of ["a", "b"]) await client.expect(["SET", key, "1", "PXAT", Date.now() + 20], "OK");
  const endMs = Date.now() + 20;
  await until("the time of both", () => Date.now() > endMs);
  await client.expect("SET mark begin", "OK");
  await streamedUntil(stream, "begin");
});

/** What the stream has of some commands. */
async function propagated(...commands: string[]): Promise<string[]> {
  for (const command of commands) await client.call(command);
  await client.expect("SET mark end", "OK");
  return streamedUntil(stream, "end");
}

const UNITS: readonly (readonly [command: string, first: readonly string[], write: string])[] = [
  ["INCR a", ["DEL a"], "INCR a"],
  ["APPEND a x", ["DEL a"], "APPEND a x"],
  ["HSET a f v", ["DEL a"], "HSET a f v"],
  ["HINCRBYFLOAT a f 1.5", ["DEL a"], "HSET a f 1.5"],
  ["SET a v", ["DEL a"], "SET a v"],
  ["SET a v KEEPTTL", ["DEL a"], "SET a v KEEPTTL"],
  ["SET a v NX GET", ["DEL a"], "SET a v NX"],
  ["SET a v PXAT 99999999999999", ["DEL a"], "SET a v PXAT 99999999999999"],
  ["GETSET a v", ["DEL a"], "SET a v"],
  ["RENAME other a", ["DEL a"], "RENAME other a"],
  ["COPY other a REPLACE", ["DEL a"], "COPY other a REPLACE"],
  ["MSET a 1 b 2", ["DEL a", "DEL b"], "MSET a 1 b 2"],
];

for (const [command, first, write] of UNITS) {
  test(`${command} on what has expired goes out as one unit`, async () => {
    assert.deepEqual(await propagated(command), ["MULTI", ...first, write, "EXEC"]);
  });
}

test("a read that finds a key expired tells its end", async () => {
  assert.deepEqual(await propagated("GET a"), ["DEL a"]);
  assert.deepEqual(await propagated("TTL a", "DEL b"), ["DEL b"]);
});

test("two keys found expired by one read are one unit", async () => {
  assert.deepEqual(await propagated("MGET a b"), ["MULTI", "DEL a", "DEL b", "EXEC"]);
});

test("SCAN tells the ends that it comes across one by one, as its request does not name them", async () => {
  assert.deepEqual((await propagated("SCAN 0 COUNT 100")).sort(), ["DEL a", "DEL b"]);
});

test("within a transaction everything is part of its unit", async () => {
  const commands = ["MULTI", "GET a", "SET c 1", "INCR b", "EXEC"];
  assert.deepEqual(await propagated(...commands), ["MULTI", "DEL a", "SET c 1", "DEL b", "INCR b", "EXEC"]);
});

test("a transaction that only finds one key expired needs no unit", async () => {
  assert.deepEqual(await propagated("MULTI", "GET a", "EXEC"), ["DEL a"]);
});

test("keys that expire by themselves go one by one", async () => {
  await client.expect("DEBUG SET-ACTIVE-EXPIRE 1", "OK");
  await until("both are gone", async () => await client.call("DBSIZE") === 2);
  assert.deepEqual((await propagated()).sort(), ["DEL a", "DEL b"]);
});

test("what goes by itself goes out as UNLINK where values are freed in the background", async () => {
  const payload = await client.call("DUMP other");
  assert.ok(typeof payload === "string");
  for (const [setting, word] of [["yes", "UNLINK"], ["no", "DEL"]]) {
    const lazy = ["expire", "server-del", "user-del"].flatMap((of) => [`lazyfree-lazy-${of}`, setting]);
    await client.expect(["CONFIG", "SET", ...lazy], "OK");
    await client.expect("SET a 1 PXAT 1", "OK");
    for (const key of ["c", "d", "e", "f"]) await client.expect(["SET", key, "1"], "OK");
    await propagated();
    await client.expect(["RESTORE", "e", 1, payload, "REPLACE", "ABSTTL"], "OK");
    const gone = await propagated("GET a", "EXPIRE c -1", "GETEX d EXAT 1", "GETDEL f");
    // Redis 7.0 has DEL for RESTORE in either case.
    assert.deepEqual(gone.slice(1), ["a", "c", "d", "f"].map((key) => `${word} ${key}`));
    assert.equal(gone[0], `${IS_ORACLE ? "DEL" : word} e`);
    await client.expect("SET c 1", "OK");
    assert.deepEqual(await propagated("DEL c"), ["SET c 1", "DEL c"]);
  }
});

test("SET counts the key that it overwrites as expired", async () => {
  await client.expect("CONFIG RESETSTAT", "OK");
  await client.expect("SET a v KEEPTTL", "OK");
  await client.expect("TTL a", -1);
  assert.match(String(await client.call("INFO stats")), /expired_keys:1\r\n/);
});

test("what moves or takes an element goes out as what does so at once, whether it had to wait or not", async () => {
  assert.deepEqual(
    await propagated(
      "RPUSH list 1 2 3 4 5",
      "BLMOVE list to LEFT RIGHT 1",
      "BRPOPLPUSH list to 1",
      "BLPOP list 1",
      "BLMPOP 1 1 list RIGHT COUNT 1",
    ),
    ["RPUSH list 1 2 3 4 5", "LMOVE list to LEFT RIGHT", "RPOPLPUSH list to", "LPOP list", "RPOP list 1"],
  );
  const waiting = await server.connect();
  waiting.send("BRPOPLPUSH", "empty", "to", 0);
  await until("the client to wait", async () => /blocked_clients:1\r/.test(String(await client.call("INFO clients"))));
  assert.deepEqual(await propagated("RPUSH empty x"), ["RPUSH empty x", "RPOPLPUSH empty to"]);
  assert.equal(await waiting.read(), "x");
});
