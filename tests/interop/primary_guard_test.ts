/** The guard against a primary that has lost its data where that is redis-server, and with redis-sentinel, which knows no such thing. */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, test } from "node:test";
import { CutProxy } from "../integration/cut_proxy.ts";
import { expectSame, untilConnected } from "../integration/data_set.ts";
import { ServerProcess, until } from "../integration/server_process.ts";
import type { TestClient } from "../integration/test_client.ts";
import { havePeers } from "./peers.ts";

const started: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((one) => one.stop()));
});

interface Member {
  readonly server: ServerProcess;
  readonly client: TestClient;
}

const KEYS = 500;

async function start(
  kind: "redis" | "tredis",
  args: readonly string[] = [],
  where: { port?: number; folder?: string } = {},
): Promise<Member> {
  const server = await ServerProcess.start({
    ...(kind === "redis" ? { kind: "redis-server" } : {}),
    args: ["--save", "", "--repl-diskless-sync-delay", "0", ...args],
    ...where,
  });
  started.push(server);
  return { server, client: await server.connect() };
}

async function fill({ client }: Member, count: number): Promise<void> {
  for (let i = 0; i < count; i++) client.send("SET", `key:${i}`, i);
  for (let i = 0; i < count; i++) await client.read();
}

/** A redis-server with data, and a tredis that follows it. */
async function pair(...args: string[]): Promise<[Member, Member]> {
  const primary = await start("redis", args);
  await fill(primary, KEYS);
  const replica = await start("tredis", ["--replicaof", "127.0.0.1", String(primary.server.port)]);
  await expectSame(primary.client, replica.client);
  return [primary, replica];
}

async function restart({ server }: Member, ...args: string[]): Promise<Member> {
  await server.kill("SIGKILL");
  return start("redis", args, { port: server.port, folder: server.folder });
}

async function field({ client }: Member, name: string): Promise<string | undefined> {
  return new RegExp(`^${name}:(.*)\r$`, "m").exec(String(await client.call("INFO replication")))?.[1];
}

async function untilGuarded(replica: Member): Promise<void> {
  await until("the guard", async () => await field(replica, "master_sync_guarded") === "1");
}

for (const diskless of ["yes", "no"]) {
  test(`redis-server restarts empty, and its replica keeps the data until told otherwise; diskless: ${diskless}`, async (context) => {
    if (!havePeers(context, "redis-server")) return;
    const [primary, replica] = await pair("--repl-diskless-sync", diskless);
    await primary.server.kill("SIGKILL");
    rmSync(join(primary.server.folder, "dump.rdb"), { force: true }); // what was written for the replica
    const empty = await restart(primary, "--repl-diskless-sync", diskless);
    await empty.client.expect("SET new 1", "OK");
    await untilGuarded(replica);
    await replica.client.expect("DBSIZE", KEYS);
    const id = await field(empty, "master_replid");
    assert.equal(await field(replica, "master_sync_guarded_replid"), id);
    const tries = () => (replica.server.output.match(/Keeping the/g) ?? []).length;
    await until("more tries", () => tries() >= 3);
    await replica.client.expect("DBSIZE", KEYS);
    await replica.client.expect(["REPLICAOF", "ACCEPT", String(id)], "OK");
    await expectSame(empty.client, replica.client);
    await replica.client.expect("DBSIZE", 1);
  });
}

test("redis-server restarts with its data, and is followed", async (context) => {
  if (!havePeers(context, "redis-server")) return;
  const [primary, replica] = await pair();
  await primary.client.expect("SAVE", "OK");
  const again = await restart(primary);
  await again.client.expect("SET new 1", "OK");
  await expectSame(again.client, replica.client);
  assert.doesNotMatch(replica.server.output, /Keeping the/);
});

test("redis-server is emptied while the link is down, and its backlog goes on: its replica is emptied", async (context) => {
  if (!havePeers(context, "redis-server")) return;
  const primary = await start("redis", ["--repl-backlog-size", "16kb"]);
  await fill(primary, KEYS);
  const proxy = await CutProxy.start(primary.server.port);
  started.push(proxy);
  const replica = await start("tredis", ["--replicaof", "127.0.0.1", String(proxy.port)]);
  await untilConnected(replica.client);
  proxy.refuses = true;
  proxy.cut();
  await fill(primary, 2000);
  await primary.client.expect("FLUSHALL", "OK");
  proxy.refuses = false;
  await expectSame(primary.client, replica.client);
  await replica.client.expect("DBSIZE", 0);
});

test("a redis-server in the middle empties itself, and the replica below it keeps the data", async (context) => {
  if (!havePeers(context, "redis-server")) return;
  const [primary] = await pair();
  const middle = await start("redis", ["--replicaof", "127.0.0.1", String(primary.server.port)]);
  await untilConnected(middle.client);
  const below = await start("tredis", ["--replicaof", "127.0.0.1", String(middle.server.port)]);
  await expectSame(primary.client, below.client);
  await restart(primary);
  await untilGuarded(below);
  await middle.client.expect("DBSIZE", 0);
  await below.client.expect("DBSIZE", KEYS);
});

/** Longer than the link of a replica may be down that is to be promoted: ten times what Sentinel is told below. */
const DOWN_AFTER_MS = 500;
const GUARDED_SECONDS = 10 * DOWN_AFTER_MS / 1000 + 2;

test("redis-sentinel promotes a replica that is held up, and gives the primary its data back", async (context) => {
  if (!havePeers(context, "redis-server", "redis-sentinel")) return;
  const [primary, replica] = await pair();
  const folder = mkdtempSync(join(tmpdir(), "tredis-sentinel-"));
  const file = join(folder, "sentinel.conf");
  const monitored =
    `sentinel monitor it 127.0.0.1 ${primary.server.port} 1\nsentinel down-after-milliseconds it 60000\n`;
  writeFileSync(file, monitored);
  const sentinel = await ServerProcess.start({ kind: "redis-sentinel", first: [file], args: [], folder });
  started.push(sentinel);
  const asked = await sentinel.connect();
  await asked.call("SENTINEL DEBUG info-period 500 publish-period 500"); // before 7.0 it only takes longer
  const replicas = async () => String(await asked.call("SENTINEL REPLICAS it"));
  await until("Sentinel to know the replica", async () => /,slave,/.test(await replicas()));
  const empty = await restart(primary);
  await untilGuarded(replica);
  await until(
    "the guard to last",
    async () => Number(await field(replica, "master_sync_guarded_since_seconds")) >= GUARDED_SECONDS,
  );
  await asked.expect(["SENTINEL", "SET", "it", "down-after-milliseconds", DOWN_AFTER_MS], "OK");
  await until("the failover to begin", async () => await asked.call("SENTINEL FAILOVER it") === "OK");
  // Sentinel has servers whose role it changes close all connections, this one among them.
  const role = async ({ server }: Member) =>
    await server.connect().then((client) => client.call("ROLE")).then((reply) => String(reply).split(",")[0], () => "");
  await until("the promotion", async () => await role(replica) === "master");
  await until("the old primary to follow", async () => await role(empty) === "slave");
  const [above, below] = [await replica.server.connect(), await empty.server.connect()];
  await expectSame(above, below);
  await below.expect("DBSIZE", KEYS);
});
