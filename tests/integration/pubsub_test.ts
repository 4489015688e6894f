/** Pub/Sub over the wire: the exact bytes of both protocols, patterns, shard channels, many listeners, key events. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ServerProcess, until } from "./server_process.ts";
import { Push, type Reply, ReplyError, type TestClient } from "./test_client.ts";

let server: ServerProcess;
let publisher: TestClient;
before(async () => {
  server = await ServerProcess.start();
  publisher = await server.connect();
});
after(() => server.stop());

async function subscriber(...words: string[]): Promise<TestClient> {
  const client = await server.connect();
  client.send(...words);
  for (let i = 1; i < words.length; i++) await client.read();
  return client;
}

async function readBytes(client: TestClient, expected: string): Promise<void> {
  assert.equal(await client.readRaw(expected.length), expected);
}

test("a telnet session sees the exact bytes", async () => {
  const client = await server.connect();
  client.sendRaw("SUBSCRIBE news sport\r\n");
  await readBytes(
    client,
    "*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$5\r\nsport\r\n:2\r\n",
  );
  await publisher.expect(["PUBLISH", "news", "hello\r\nthere"], 1);
  await readBytes(client, "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$12\r\nhello\r\nthere\r\n");
  client.sendRaw("PSUBSCRIBE n*\r\n");
  await readBytes(client, "*3\r\n$10\r\npsubscribe\r\n$2\r\nn*\r\n:3\r\n");
  await publisher.expect("PUBLISH news x", 2);
  await readBytes(client, "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$1\r\nx\r\n");
  await readBytes(client, "*4\r\n$8\r\npmessage\r\n$2\r\nn*\r\n$4\r\nnews\r\n$1\r\nx\r\n");
  client.sendRaw("PING\r\nPING hi\r\n");
  await readBytes(client, "*2\r\n$4\r\npong\r\n$0\r\n\r\n*2\r\n$4\r\npong\r\n$2\r\nhi\r\n");
  client.sendRaw("GET a\r\n");
  await readBytes(
    client,
    "-ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context\r\n",
  );
  client.sendRaw("UNSUBSCRIBE news\r\n");
  await readBytes(client, "*3\r\n$11\r\nunsubscribe\r\n$4\r\nnews\r\n:2\r\n");
  client.sendRaw("UNSUBSCRIBE\r\nPUNSUBSCRIBE\r\nUNSUBSCRIBE\r\nPUNSUBSCRIBE\r\nPING\r\n");
  await readBytes(client, "*3\r\n$11\r\nunsubscribe\r\n$5\r\nsport\r\n:1\r\n");
  await readBytes(client, "*3\r\n$12\r\npunsubscribe\r\n$2\r\nn*\r\n:0\r\n");
  await readBytes(client, "*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n");
  await readBytes(client, "*3\r\n$12\r\npunsubscribe\r\n$-1\r\n:0\r\n+PONG\r\n");
});

test("RESP3 pushes messages beside replies", async () => {
  const client = await server.connect();
  await client.call("HELLO 3");
  client.sendRaw("SUBSCRIBE three\r\n");
  await readBytes(client, ">3\r\n$9\r\nsubscribe\r\n$5\r\nthree\r\n:1\r\n");
  await client.expect("SET a 1", "OK");
  await publisher.expect("PUBLISH three x", 1);
  await readBytes(client, ">3\r\n$7\r\nmessage\r\n$5\r\nthree\r\n$1\r\nx\r\n");
  await client.expect("PING", "PONG");
  client.send("PUBLISH three self");
  const both = [await client.read(), await client.read()];
  assert.ok(both.some((one) => one === 1) && both.some((one) => one instanceof Push), JSON.stringify(both));
  client.sendRaw("UNSUBSCRIBE\r\n");
  await readBytes(client, ">3\r\n$11\r\nunsubscribe\r\n$5\r\nthree\r\n:0\r\n");
});

test("shard channels are a world of their own", async () => {
  const client = await server.connect();
  client.send("SSUBSCRIBE shard other");
  assert.deepEqual(await client.read(), ["ssubscribe", "shard", 1]);
  assert.deepEqual(await client.read(), ["ssubscribe", "other", 2]);
  await publisher.expect("PUBLISH shard x", 0);
  await publisher.expect("SPUBLISH shard x", 1);
  assert.deepEqual(await client.read(), ["smessage", "shard", "x"]);
  await publisher.expect("PUBSUB SHARDNUMSUB shard nobody", ["shard", 1, "nobody", 0]);
  assert.deepEqual([...await publisher.call("PUBSUB SHARDCHANNELS") as string[]].sort(), ["other", "shard"]); // an array
  client.send("SUNSUBSCRIBE");
  const left = [await client.read(), await client.read()].map((one) => (one as Reply[])[1]); // arrays of three
  assert.deepEqual(left.sort(), ["other", "shard"]);
  await publisher.expect("SPUBLISH shard x", 0);
});

test("PUBSUB CHANNELS, NUMSUB and NUMPAT", async () => {
  const one = await subscriber("SUBSCRIBE", "count:a", "count:b");
  const two = await subscriber("SUBSCRIBE", "count:a");
  const three = await subscriber("PSUBSCRIBE", "count:*", "c?unt:*");
  await publisher.expect("PUBSUB NUMSUB count:a count:b none", ["count:a", 2, "count:b", 1, "none", 0]);
  await publisher.expect("PUBSUB NUMPAT", 2);
  assert.deepEqual([...await publisher.call("PUBSUB CHANNELS count:*") as string[]].sort(), ["count:a", "count:b"]); // an array
  await publisher.expect("PUBLISH count:a x", 4);
  for (const client of [one, two, three]) client.close();
  await until("the subscriptions to end", async () => await publisher.call("PUBSUB NUMPAT") === 0);
  await publisher.expect("PUBSUB CHANNELS count:*", []);
});

test("two hundred subscribers get every message in order", async () => {
  const clients = await Promise.all(Array.from({ length: 200 }, () => subscriber("SUBSCRIBE", "many")));
  const messages = 50;
  for (let i = 0; i < messages; i++) publisher.send("PUBLISH", "many", `message ${i}`);
  for (let i = 0; i < messages; i++) assert.equal(await publisher.read(), 200);
  for (const client of clients) {
    for (let i = 0; i < messages; i++) assert.deepEqual(await client.read(), ["message", "many", `message ${i}`]);
    client.close();
  }
});

test("RESET ends all subscriptions", async () => {
  const client = await subscriber("SUBSCRIBE", "reset");
  await client.expect("RESET", "RESET");
  await client.expect("GET none", null);
  await publisher.expect("PUBLISH reset x", 0);
});

test("messages within a transaction go out with it", async () => {
  const client = await subscriber("SUBSCRIBE", "tx");
  await publisher.expect("MULTI", "OK");
  await publisher.expect("PUBLISH tx 1", "QUEUED");
  await publisher.expect("SET in-tx 1", "QUEUED");
  await publisher.expect("PUBLISH tx 2", "QUEUED");
  await publisher.expect("EXEC", [1, "OK", 1]);
  assert.deepEqual(await client.read(), ["message", "tx", "1"]);
  assert.deepEqual(await client.read(), ["message", "tx", "2"]);
});

/** Commands, and the events (name, key) they tell. */
const EVENTS: readonly (readonly [command: string, ...events: string[]])[] = [
  ["SET a 1", "set a"],
  ["SET a 1 EX 100", "set a", "expire a"],
  ["INCR a", "incrby a"],
  ["INCRBYFLOAT a 0.5", "incrbyfloat a"],
  ["APPEND a x", "append a"],
  ["SETRANGE a 0 y", "setrange a"],
  ["MSET b 1 c 2", "set b", "set c"],
  ["GETDEL b", "del b"],
  ["GETEX c PX 100000", "expire c"],
  ["PERSIST c", "persist c"],
  ["EXPIRE c 100", "expire c"],
  ["EXPIRE c -1", "del c"],
  ["RENAME a d", "rename_from a", "rename_to d"],
  ["COPY d e", "copy_to e"],
  ["MOVE e 1", "move_from e"],
  ["DEL d", "del d"],
  ["HSET h f 1", "hset h"],
  ["HINCRBY h f 2", "hincrby h"],
  ["HINCRBYFLOAT h f 2.5", "hincrbyfloat h"],
  ["HDEL h f", "hdel h", "del h"],
  ["HDEL h f"],
  ["DEL nothing"],
];

test("key events of strings, hashes and keys", async () => {
  await publisher.expect("FLUSHALL", "OK");
  await publisher.expect("CONFIG SET notify-keyspace-events KEA", "OK");
  const client = await subscriber("PSUBSCRIBE", "__keyevent@0__:*", "__keyspace@0__:*");
  for (const [command, ...events] of EVENTS) {
    const reply = await publisher.call(command);
    assert.ok(!(reply instanceof ReplyError), command);
    for (const event of events) {
      const [name, key] = event.split(" ");
      assert.deepEqual(await client.read(), ["pmessage", "__keyspace@0__:*", `__keyspace@0__:${key}`, name], command);
      assert.deepEqual(await client.read(), ["pmessage", "__keyevent@0__:*", `__keyevent@0__:${name}`, key], command);
    }
  }
  await publisher.expect("SET brief 1 PX 10", "OK");
  for (let i = 0; i < 4; i++) await client.read();
  assert.deepEqual(await client.read(), ["pmessage", "__keyspace@0__:*", "__keyspace@0__:brief", "expired"]);
  assert.deepEqual(await client.read(), ["pmessage", "__keyevent@0__:*", "__keyevent@0__:expired", "brief"]);
  await publisher.expect("CONFIG SET notify-keyspace-events Eh", "OK");
  await publisher.expect("SET quiet 1", "OK");
  await publisher.expect("HSET loud f 1", 1);
  assert.deepEqual(await client.read(), ["pmessage", "__keyevent@0__:*", "__keyevent@0__:hset", "loud"]);
  await publisher.expect(["CONFIG", "SET", "notify-keyspace-events", ""], "OK");
});

test("a subscriber that does not read is disconnected alone", async () => {
  await publisher.expect(["CONFIG", "SET", "client-output-buffer-limit", "pubsub 1mb 0 0"], "OK");
  const slow = await subscriber("SUBSCRIBE", "flood");
  const quick = await subscriber("SUBSCRIBE", "flood");
  slow.socket.pause();
  const message = "x".repeat(100_000);
  let sent = 0;
  await until("the slow one to be disconnected", async () => {
    sent++;
    return await publisher.call("PUBLISH", "flood", message) === 1;
  });
  for (let i = 0; i < sent; i++) assert.deepEqual(await quick.read(), ["message", "flood", message]);
  slow.close();
});
