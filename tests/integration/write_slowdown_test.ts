/**
 * A full synchronisation ends however much is written meanwhile: the primary slows the writers down before what waits for
 * the replica passes its output buffer limit, and nobody waits for ever.
 */

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { CutProxy } from "./cut_proxy.ts";
import { expectSame, untilConnected } from "./data_set.ts";
import { ServerProcess, until } from "./server_process.ts";
import type { TestClient } from "./test_client.ts";

const started: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((one) => one.stop()));
});

/** Keys that there are before the writers come, of which the snapshot takes its time for each. */
const KEYS = 100;
const LIMIT = ["--client-output-buffer-limit", "replica 16mb 8mb 1", "--repl-backlog-size", "16kb"];
const SLOWLY = [
  "--save",
  "",
  "--repl-diskless-sync-delay",
  "0",
  "--rdb-key-save-delay",
  "20000",
  "--repl-ping-replica-period",
  "1",
];
const VALUE = "v".repeat(10_000);
/** Requests that a writer has under way. */
const DEPTH = 16;

async function start(...args: string[]): Promise<{ server: ServerProcess; client: TestClient }> {
  const server = await ServerProcess.start({ args });
  started.push(server);
  return { server, client: await server.connect() };
}

async function startPrimary(...args: string[]) {
  const primary = await start(...SLOWLY, ...LIMIT, ...args);
  for (let i = 0; i < KEYS; i++) await primary.client.expect(["SET", `key:${i}`, i], "OK");
  return primary;
}

async function field(client: TestClient, name: string): Promise<number> {
  return Number(new RegExp(`^${name}:(.*?)\r?$`, "m").exec(String(await client.call("INFO", "everything")))?.[1]);
}

/** Clients that write as fast as they are let; the function returned ends them, and says how many writes were acknowledged. */
async function startWriters(server: ServerProcess, count: number): Promise<() => Promise<number>> {
  let isOver = false;
  let written = 0;
  const write = async (client: TestClient, name: string) => {
    while (!isOver) {
      for (let i = 0; i < DEPTH; i++) client.send("SET", `${name}:${i}`, VALUE);
      for (let i = 0; i < DEPTH; i++) {
        assert.equal(await client.read(), "OK");
        written++;
      }
    }
  };
  const writers: Promise<void>[] = [];
  for (let i = 0; i < count; i++) writers.push(write(await server.connect(), `writer:${i}`));
  return async () => {
    isOver = true;
    await Promise.all(writers);
    return written;
  };
}

for (const [how, diskless] of [["from the disk", "no"], ["over the socket", "yes"]] as const) {
  test(`a snapshot ${how} arrives however much is written meanwhile`, async () => {
    const primary = await startPrimary("--repl-diskless-sync", diskless);
    const stop = await startWriters(primary.server, 2);
    const replica = await start("--save", "", "--replicaof", "127.0.0.1", String(primary.server.port));
    await until("writers to be slowed down", async () => await field(primary.client, "sync_slowed_writes") > 0);
    assert.ok(await field(primary.client, "repl_sync_write_limit") > 0);
    await primary.client.expect("GET key:1", "1"); // who reads does not wait
    await untilConnected(replica.client);
    await stop(); // a replica that is online is given no more time than before
    await until("nobody to be slowed down", async () => await field(primary.client, "repl_sync_write_limit") === 0);
    await expectSame(primary.client, replica.client);
    assert.equal(await field(primary.client, "sync_full"), 1);
    assert.ok(await field(primary.client, "sync_slowed_writes_ms") > 0);
    await primary.server.logged(/Slowing writers down: \d+ bytes wait for replica 127\.0\.0\.1:\d+/);
    await primary.server.logged(/Writers are slowed down no more: \d+ writes have waited/);
    await primary.client.expect("CONFIG RESETSTAT", "OK");
    assert.equal(await field(primary.client, "sync_slowed_writes"), 0);
  });
}

test("with a delay of 0 nobody is slowed down, and the replica is given up", async () => {
  const primary = await startPrimary("--repl-diskless-sync", "yes", "--repl-sync-max-write-delay", "0");
  const stop = await startWriters(primary.server, 2);
  await start("--save", "", "--replicaof", "127.0.0.1", String(primary.server.port));
  await primary.server.logged(/for overcoming of output buffer limits/);
  await stop();
  assert.equal(await field(primary.client, "sync_slowed_writes"), 0);
});

test("a write waits no longer than it may, though the replica takes nothing at all", async () => {
  const primary = await startPrimary("--repl-diskless-sync", "yes", "--repl-sync-max-write-delay", "100");
  const proxy = await CutProxy.start(primary.server.port);
  started.push(proxy);
  await start("--save", "", "--replicaof", "127.0.0.1", String(proxy.port));
  await primary.server.logged(/Starting BGSAVE for SYNC/);
  proxy.stall();
  const stop = await startWriters(primary.server, 2);
  await until("writers to be slowed down", async () => await field(primary.client, "sync_slowed_writes") > 0);
  const before = await field(primary.client, "total_commands_processed");
  await until("writes to go on", async () => await field(primary.client, "total_commands_processed") > before + 50);
  proxy.cut();
  assert.ok(await stop() > 0);
  await until("nobody to be slowed down", async () => await field(primary.client, "repl_sync_write_limit") === 0);
});

test("a client that leaves is waited for no more, a transaction waits as a whole, and who waits for a key is served", async () => {
  const primary = await startPrimary("--repl-diskless-sync", "yes");
  const stop = await startWriters(primary.server, 2);
  const replica = await start("--save", "", "--replicaof", "127.0.0.1", String(primary.server.port));
  await until("writers to be slowed down", async () => await field(primary.client, "sync_slowed_writes") > 0);
  for (let i = 0; i < 10; i++) {
    const leaving = await primary.server.connect();
    leaving.send("SET", "leaving", VALUE);
    leaving.close();
  }
  const queuing = await primary.server.connect();
  await queuing.expect("MULTI", "OK");
  await queuing.expect("SET queued 1", "QUEUED");
  await queuing.expect("INCR queued", "QUEUED");
  await queuing.expect("EXEC", ["OK", 2]);
  const waiting = await primary.server.connect();
  waiting.send("BLPOP", "list", "0");
  await queuing.expect("RPUSH list a", 1); // slowed down, and who waits for it is not, after that
  assert.deepEqual(await waiting.read(), ["list", "a"]);
  await untilConnected(replica.client);
  await stop();
  await until("nobody to wait", async () => await field(primary.client, "blocked_clients") === 0);
  await expectSame(primary.client, replica.client);
});
