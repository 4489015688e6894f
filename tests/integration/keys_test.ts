/** Keys of any type and their expiry, over the wire. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ServerProcess, until } from "./server_process.ts";
import { ReplyError, type TestClient } from "./test_client.ts";

let server: ServerProcess;
let client: TestClient;
before(async () => {
  server = await ServerProcess.start();
  client = await server.connect();
});
after(() => server.stop());

test("a key expires, when it is asked for and by itself", async () => {
  await client.expect("SET brief 1 PX 30", "OK");
  await client.expect("SET unasked 1 PX 30", "OK");
  await until("the key to expire", async () => await client.call("GET brief") === null);
  await until("the other to be removed", async () => await client.call("DBSIZE") === 0);
});

test("conditions on a new expiry", async () => {
  await client.expect("SET a 1", "OK");
  await client.expect("EXPIRE a 100 XX", 0);
  await client.expect("EXPIRE a 100 GT", 0);
  await client.expect("EXPIRE a 100 NX", 1);
  await client.expect("EXPIRE a 50 GT", 0);
  await client.expect("EXPIRE a 50 LT", 1);
  await client.expect("EXPIRE a 50 NX GT", /NX and XX, GT or LT options/);
  await client.expect("TTL a", 50);
  await client.expect("PERSIST a", 1);
  await client.expect("TTL a", -1);
  await client.expect("TTL missing", -2);
  await client.expect("EXPIRE a -1", 1);
  await client.expect("EXISTS a", 0);
});

test("rename takes value and expiry along", async () => {
  await client.expect("SET from value EX 100", "OK");
  await client.expect("SET to other", "OK");
  await client.expect("RENAMENX from to", 0);
  await client.expect("RENAME from to", "OK");
  await client.expect("GET to", "value");
  await client.expect("TTL to", 100);
  await client.expect("EXISTS from", 0);
  await client.expect("RENAME from to", new ReplyError("ERR no such key"));
});

test("copy and move between databases", async () => {
  await client.expect("FLUSHALL", "OK");
  await client.expect("SET a 1 EX 1000", "OK");
  await client.expect("COPY a b DB 3", 1);
  await client.expect("COPY a b DB 3", 0);
  await client.expect("COPY a b DB 3 REPLACE", 1);
  await client.expect("MOVE a 3", 1);
  await client.expect("EXISTS a", 0);
  await client.expect("SELECT 3", "OK");
  await client.expect("MGET a b", ["1", "1"]);
  await client.expect("TTL b", 1000);
  await client.expect("SWAPDB 3 0", "OK");
  await client.expect("DBSIZE", 0);
  await client.expect("SELECT 0", "OK");
  await client.expect("DBSIZE", 2);
});

test("a transaction runs as a whole, or not at all when a watched key changed", async () => {
  const other = await server.connect();
  await client.expect("SET n 1", "OK");
  await client.expect("WATCH n", "OK");
  await client.expect("MULTI", "OK");
  await client.expect("INCR n", "QUEUED");
  await client.expect("GET n", "QUEUED");
  await client.expect("EXEC", [2, "2"]);
  await client.expect("WATCH n", "OK");
  await other.expect("SET n 7", "OK");
  await client.expect("MULTI", "OK");
  await client.expect("INCR n", "QUEUED");
  await client.expect("EXEC", null);
  await client.expect("GET n", "7");
  await client.expect("MULTI", "OK");
  await client.expect("NOSUCHCOMMAND x", /unknown command 'NOSUCHCOMMAND', with args beginning with: 'x'/);
  await client.expect("EXEC", /^EXECABORT/);
});

test("ten thousand keys come and go", async () => {
  await client.expect("FLUSHALL", "OK");
  for (let i = 0; i < 10_000; i++) client.send("SET", `key:${i}`, `value ${i}`);
  for (let i = 0; i < 10_000; i++) assert.equal(await client.read(), "OK");
  await client.expect("DBSIZE", 10_000);
  for (let i = 0; i < 10_000; i += 2) client.send("DEL", `key:${i}`);
  for (let i = 0; i < 10_000; i += 2) assert.equal(await client.read(), 1);
  await client.expect("DBSIZE", 5_000);
  for (let i = 0; i < 10_000; i++) client.send("GET", `key:${i}`);
  for (let i = 0; i < 10_000; i++) assert.equal(await client.read(), i % 2 === 0 ? null : `value ${i}`);
});
