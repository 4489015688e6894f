/** Arguments and values of many megabytes: stored whole, shown in part, and gone from memory when they are done with. */

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { afterEach, test } from "node:test";
import { ServerProcess, until } from "./server_process.ts";
import { type Reply, type TestClient } from "./test_client.ts";

const MIB = 1024 * 1024;

const started: ServerProcess[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.stop()));
});

async function start(...args: string[]): Promise<{ server: ServerProcess; client: TestClient }> {
  const server = await ServerProcess.start({ args: ["--save", "", ...args] });
  started.push(server);
  return { server, client: await server.connect() };
}

/** Sends a request whose last argument has `mebibytes` MiB, bit by bit, and returns the reply. */
async function callLong(client: TestClient, words: readonly string[], mebibytes: number): Promise<Reply> {
  const head = words.map((word) => `$${word.length}\r\n${word}\r\n`).join("");
  client.sendRaw(`*${words.length + 1}\r\n${head}$${mebibytes * MIB}\r\n`);
  const part = "x".repeat(MIB);
  for (let i = 0; i < mebibytes; i++) {
    if (client.socket.write(part, "latin1")) continue;
    await new Promise<void>((resolve) => client.socket.once("drain", () => resolve()));
  }
  client.sendRaw("\r\n");
  return await client.read();
}

test("a value of 512 MiB is stored and confirmed, and the slow log shows its beginning", async () => {
  const { client } = await start("--slowlog-log-slower-than", "0");
  assert.equal(await callLong(client, ["SET", "key"], 512), "OK");
  await client.expect("STRLEN key", 512 * MIB);
  const entries = await client.call("SLOWLOG GET 10") as [number, number, number, string[]][]; // as documented
  const args = entries.map((entry) => entry[3]).find(([name]) => name === "SET");
  assert.deepEqual(args, ["SET", "key", `${"x".repeat(128)}... (${512 * MIB - 128} more bytes)`]);
});

test("who watches does not make a value or a key of 512 MiB fail", async () => {
  const { server, client } = await start("--notify-keyspace-events", "KEA", "--maxmemory", "0");
  const [monitor, listener, watcher, tracking] = await Promise.all([1, 2, 3, 4].map(() => server.connect()));
  await listener.call("PSUBSCRIBE __keyspace@0__:no*");
  await watcher.expect("WATCH other", "OK");
  await tracking.call("HELLO 3");
  await tracking.expect("CLIENT TRACKING on", "OK");
  await tracking.call("GET other");
  assert.equal(await callLong(client, ["SET", "key"], 512), "OK");
  await client.expect("DEL key", 1);
  assert.equal(await callLong(client, ["INCR"], 512), 1);
  await client.expect("DBSIZE", 1);
  await client.expect("FLUSHALL", "OK");
  await monitor.expect("MONITOR", "OK");
  assert.equal(await callLong(client, ["SET", "key"], 3), "OK");
  assert.ok(String(await monitor.read()).endsWith(` "SET" "key" "${"x".repeat(3 * MIB)}"`));
  await client.expect("PING", "PONG");
});

test("long arguments where none belong are refused like short ones, on a server just started", async () => {
  const { client } = await start();
  const bystander = await started[0].connect();
  const x = "x".repeat(128);
  const refused: readonly (readonly [string[], RegExp])[] = [
    [["FOO"], new RegExp(`unknown command 'FOO', with args beginning with: '${x}`)],
    [["INCRBYFLOAT", "key"], /not a valid float/],
    [["EXPIRE", "key"], /not an integer/],
    [["CONFIG", "FOO"], /unknown subcommand 'FOO'/i],
    [["AUTH", "default"], /WRONGPASS|called without any password|^OK$/],
  ];
  for (const [words, expected] of refused) {
    const reply = await callLong(client, words, 16);
    assert.match(
      typeof reply === "object" && reply !== null && "message" in reply ? reply.message : String(reply),
      expected,
    );
    await bystander.expect("PING", "PONG");
  }
});

test("what is longer than a number with a fraction may be is none", async () => {
  const { client } = await start();
  const longest = "0".repeat(5119);
  await client.expect(["INCRBYFLOAT", "key", longest], "0");
  await client.expect(["INCRBYFLOAT", "key", longest + "0"], /^ERR value is not a valid float/);
  await client.expect(["HINCRBYFLOAT", "hash", "field", longest], "0");
  await client.expect(["HINCRBYFLOAT", "hash", "field", longest + "0"], /^ERR value is not a valid float/);
  await client.expect(["SET", "key", longest], "OK");
  await client.expect("INCRBYFLOAT key 1", "1");
  await client.expect(["SET", "key", longest + "0"], "OK");
  await client.expect("INCRBYFLOAT key 1", /^ERR value is not a valid float/);
  await client.expect(["HSET", "hash", "field", longest], 0);
  await client.expect("HINCRBYFLOAT hash field 1", "1");
  await client.expect(["HSET", "hash", "field", longest + "0"], 0);
  await client.expect("HINCRBYFLOAT hash field 1", /^ERR hash value is not a float/);
});

test("what was received and sent does not stay in memory", async (context) => {
  const { server, client } = await start();
  const status = `/proc/${server.child.pid}/status`;
  if (!existsSync(status)) return context.skip("needs /proc");
  const resident = () => Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(status, "latin1"))?.[1]) * 1024;
  for (let i = 0; i < 32; i++) {
    assert.equal(await callLong(client, ["SET", "key"], 20), "OK");
    assert.equal(String(await client.call("GET key")).length, 20 * MIB);
  }
  await client.expect("DEL key", 1);
  await until("the memory to go", () => resident() < 320 * MIB);
});
