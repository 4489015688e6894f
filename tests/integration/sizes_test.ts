/** Sizes at and beyond what a value may take: they are refused, and whatever else there is stays as it is. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { IS_ORACLE, ServerProcess } from "./server_process.ts";
import { ReplyError, type TestClient } from "./test_client.ts";

const TOO_LONG = new ReplyError("ERR string exceeds maximum allowed size (proto-max-bulk-len)");
const KEYS = 1000;

let server: ServerProcess;
let client: TestClient;
before(async () => {
  server = await ServerProcess.start();
  client = await server.connect();
  for (let i = 0; i < KEYS; i++) client.send("SET", `key:${i}`, `value:${i}`);
  for (let i = 0; i < KEYS; i++) assert.equal(await client.read(), "OK");
});
after(() => server.stop());

async function assertAllThere(): Promise<void> {
  const names = Array.from({ length: KEYS }, (_, i) => `key:${i}`);
  assert.deepEqual(await client.call("MGET", ...names), names.map((_, i) => `value:${i}`));
}

test("a string does not grow beyond proto-max-bulk-len", async () => {
  await client.expect("SETRANGE k 536870911 xy", TOO_LONG);
  await client.expect("SETRANGE key:1 4294967296 x", TOO_LONG);
  await client.expect("SETRANGE key:1 9223372036854775807 x", /ERR/);
  await client.expect("SETBIT k 4294967296 1", new ReplyError("ERR bit offset is not an integer or out of range"));
  await client.expect("EXISTS k", 0);
  await assertAllThere();
});

test("with a larger limit, a string does not grow beyond what a value may take", { skip: IS_ORACLE }, async () => {
  await client.expect("CONFIG SET proto-max-bulk-len 5gb", "OK");
  for (const offset of [1073741824, 2147483647, 2147483648, 4294967280, 4294967295, 4294967296, 4294967300]) {
    await client.expect(`SETRANGE k ${offset} x`, TOO_LONG);
    await client.expect(`SETRANGE key:5 ${offset} x`, TOO_LONG);
    await client.expect(`SETBIT k ${offset * 8} 1`, TOO_LONG);
    await client.expect(`SETBIT key:5 ${offset * 8} 1`, TOO_LONG);
  }
  await client.expect("EXISTS k", 0);
  await client.expect("DBSIZE", KEYS);
  await assertAllThere();
  await client.expect("CONFIG SET proto-max-bulk-len 512mb", "OK");
});

test("a key and a value that fit alone, but not together, are refused", { skip: IS_ORACLE }, async () => {
  await client.expect("CONFIG SET proto-max-bulk-len 1gb", "OK");
  const key = "k".repeat(100);
  await client.expect(["SETRANGE", key, String(2 ** 30 - 100), "x"], TOO_LONG);
  await client.expect("DBSIZE", KEYS);
  await client.expect(["SETRANGE", "k", String(2 ** 30 - 100), "x"], 2 ** 30 - 99);
  await client.expect("STRLEN k", 2 ** 30 - 99);
  await client.expect("APPEND k " + "y".repeat(200), TOO_LONG);
  await client.expect(["RENAME", "k", key], TOO_LONG);
  await client.expect("GETRANGE k -2 -1", "\0x");
  await client.expect("UNLINK k", 1);
  await assertAllThere();
  await client.expect("CONFIG SET proto-max-bulk-len 512mb", "OK");
});
