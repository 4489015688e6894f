/** Replication between tredis and redis-server, in either role, and in a chain of both. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { afterEach, test } from "node:test";
import { CutProxy } from "../integration/cut_proxy.ts";
import { expectEqual, linkState, Random, settle, untilConnected, writeRandomly } from "../integration/data_set.ts";
import { ServerProcess, until } from "../integration/server_process.ts";
import type { TestClient } from "../integration/test_client.ts";
import { havePeers } from "./peers.ts";

const started: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((one) => one.stop()));
});

type Kind = "redis" | "tredis";

interface Member {
  readonly server: ServerProcess;
  readonly client: TestClient;
}

async function start(kind: Kind, ...args: string[]): Promise<Member> {
  const server = await ServerProcess.start({
    ...(kind === "redis" ? { kind: "redis-server" } : {}),
    args: ["--save", "", "--repl-diskless-sync-delay", "0", "--enable-debug-command", "yes", ...args],
  });
  started.push(server);
  return { server, client: await server.connect() };
}

function startReplica(kind: Kind, port: number, ...args: string[]): Promise<Member> {
  return start(kind, "--replicaof", "127.0.0.1", String(port), ...args);
}

async function fill(client: TestClient, count: number): Promise<void> {
  for (let i = 0; i < count; i++) client.send("SET", `fill:${i}`, `${i}`.repeat(20));
  for (let i = 0; i < count; i++) await client.read();
}

const PAIRS: readonly (readonly [primary: Kind, replica: Kind])[] = [["redis", "tredis"], ["tredis", "redis"]];

for (const [above, below] of PAIRS) {
  for (const diskless of ["no", "yes"]) {
    for (const load of ["disabled", "swapdb"]) {
      test(`${below} follows ${above}; diskless: ${diskless}, load: ${load}`, async (context) => {
        if (!havePeers(context, "redis-server")) return;
        const primary = await start(above, "--repl-diskless-sync", diskless);
        const random = new Random(101);
        await fill(primary.client, 20_000);
        await writeRandomly(primary.client, random, 3000);
        const replica = await startReplica(below, primary.server.port, "--repl-diskless-load", load);
        while (await linkState(replica.client) !== "connected") await writeRandomly(primary.client, random, 300);
        await writeRandomly(primary.client, random, 3000);
        await expectEqual(primary.client, replica.client);
        await replica.client.expect("SET a 1", /^READONLY/);
        await until("WAIT to count it", async () => await primary.client.call("WAIT 1 1000") === 1);
      });
    }
  }

  test(`${below} continues with ${above} after cuts`, async (context) => {
    if (!havePeers(context, "redis-server")) return;
    const primary = await start(above);
    const proxy = await CutProxy.start(primary.server.port);
    started.push(proxy);
    const replica = await startReplica(below, proxy.port);
    await untilConnected(replica.client);
    const random = new Random(55);
    for (let i = 0; i < 4; i++) {
      await writeRandomly(primary.client, random, 300);
      proxy.cut();
      await writeRandomly(primary.client, random, 300);
      await untilConnected(replica.client);
    }
    await expectEqual(primary.client, replica.client);
    await replica.server.logged(/Successful partial resynchronization with master/);
    assert.equal((primary.server.output.match(/Starting BGSAVE for SYNC/g) ?? []).length, 1);
  });

  test(`${below} is promoted, ${above} becomes its replica without a snapshot`, async (context) => {
    if (!havePeers(context, "redis-server")) return;
    const one = await start(above);
    const two = await startReplica(below, one.server.port);
    await untilConnected(two.client);
    const random = new Random(56);
    await writeRandomly(one.client, random, 1000);
    await expectEqual(one.client, two.client);
    await settle(one.client, two.client);
    await two.client.expect("REPLICAOF NO ONE", "OK");
    await one.client.expect(["REPLICAOF", "127.0.0.1", two.server.port], "OK");
    await one.client.expect("CLIENT UNPAUSE", "OK");
    await writeRandomly(two.client, random, 1000);
    await expectEqual(two.client, one.client);
    await one.server.logged(/Successful partial resynchronization with master/);
  });
}

test("a chain redis, tredis, redis, tredis follows, and closes up when a link leaves", async (context) => {
  if (!havePeers(context, "redis-server")) return;
  const first = await start("redis");
  await first.client.expect("SELECT 2", "OK");
  await first.client.expect("SET before 1", "OK");
  const chain = [first];
  for (const kind of ["tredis", "redis", "tredis"] as const) {
    chain.push(await startReplica(kind, chain[chain.length - 1].server.port));
    await untilConnected(chain[chain.length - 1].client);
    await first.client.expect("INCR in-two", chain.length - 1);
  }
  await writeRandomly(first.client, new Random(71), 4000);
  for (const { client } of chain.slice(1)) await expectEqual(first.client, client);
  // The first goes; the second takes over, and those below it stay where they are.
  await first.server.kill("SIGKILL");
  await chain[1].client.expect("REPLICAOF NO ONE", "OK");
  await writeRandomly(chain[1].client, new Random(72), 1000);
  for (const { client } of chain.slice(2)) await expectEqual(chain[1].client, client);
  for (const { server } of chain.slice(2)) {
    await server.logged(/Successful partial resynchronization with master/);
  }
});

/** Waits until a replica follows, and the primary has heard of it: it hands its role over to nobody else. */
async function untilOnline(primary: TestClient, replica: TestClient): Promise<void> {
  await untilConnected(replica);
  await until(
    "the replica to be online",
    async () => /state=online/.test(String(await primary.call("INFO replication"))),
  );
}

for (const [above, below] of PAIRS) {
  test(`${above} hands its role over to ${below} with FAILOVER, and follows it without a snapshot`, async (context) => {
    if (!havePeers(context, "redis-server")) return;
    const one = await start(above);
    const two = await startReplica(below, one.server.port);
    await untilOnline(one.client, two.client);
    await writeRandomly(one.client, new Random(81), 1000);
    await one.client.expect(["FAILOVER", "TO", "127.0.0.1", two.server.port], "OK");
    await until("the new role", async () => (await two.client.call("ROLE") as unknown[])[0] === "master");
    await untilConnected(one.client);
    await writeRandomly(two.client, new Random(82), 1000);
    await expectEqual(two.client, one.client);
    await one.server.logged(/Successful partial resynchronization with master/);
    await one.client.expect("SET a 1", /^READONLY/);
    // And back, to whoever has all.
    await two.client.expect("FAILOVER", "OK");
    await until("the old role", async () => (await one.client.call("ROLE") as unknown[])[0] === "master");
    await untilConnected(two.client);
    await writeRandomly(one.client, new Random(83), 1000);
    await expectEqual(one.client, two.client);
    await two.client.expect("INFO replication", /master_failover_state:no-failover/);
    for (const { server } of [one, two]) {
      assert.ok((server.output.match(/Full resync from master/g) ?? []).length <= 1, server.output);
    }
  });

  test(`${above} takes its role back from ${below}, which will not have it`, async (context) => {
    if (!havePeers(context, "redis-server")) return;
    const one = await start(above);
    const two = await startReplica(below, one.server.port);
    await untilOnline(one.client, two.client);
    two.server.signal("SIGSTOP");
    await one.client.expect("SET a 1", "OK");
    await one.client.expect(["FAILOVER", "TO", "127.0.0.1", two.server.port, "TIMEOUT", "1", "FORCE"], "OK");
    await one.server.logged(/time out exceeded, failing over/);
    // It finds, when it goes on, that somebody has promoted it before it could be asked.
    two.client.send("REPLICAOF NO ONE");
    two.server.signal("SIGCONT");
    assert.equal(await two.client.read(), "OK");
    await until("the end of it", async () => /:no-failover/.test(String(await one.client.call("INFO replication"))));
    await one.server.logged(/aborted: Failover target rejected psync request/);
    await one.client.expect("SET a 2", "OK");
    await two.client.expect(["REPLICAOF", "127.0.0.1", one.server.port], "OK");
    await expectEqual(one.client, two.client);
  });
}

test("the role goes from tredis to redis, with tredis below the one and redis beside it", async (context) => {
  if (!havePeers(context, "redis-server")) return;
  const one = await start("tredis");
  const target = await startReplica("redis", one.server.port);
  const below = await startReplica("tredis", target.server.port);
  const beside = await startReplica("redis", one.server.port);
  for (const { client } of [target, below, beside]) await untilConnected(client);
  await writeRandomly(one.client, new Random(91), 1000);
  await one.client.expect(["FAILOVER", "TO", "127.0.0.1", target.server.port], "OK");
  await until("the new role", async () => (await target.client.call("ROLE") as unknown[])[0] === "master");
  await writeRandomly(target.client, new Random(92), 1000);
  for (const { client, server } of [one, below, beside]) {
    await untilConnected(client);
    await expectEqual(target.client, client);
    await server.logged(/Successful partial resynchronization with master/);
  }
});

test("redis-cli --rdb fetches the whole file", async (context) => {
  if (!havePeers(context, "redis-server", "redis-cli")) return;
  const source = await start("tredis");
  await fill(source.client, 50_000);
  const file = join(source.server.folder, "fetched.rdb");
  const cli = await new Promise<number | null>((resolve) => {
    const args = ["-p", String(source.server.port), "--rdb", file];
    spawn("redis-cli", args, { stdio: "ignore" }).on("exit", (code) => resolve(code));
  });
  assert.equal(cli, 0);
  const copy = await start("redis", "--dbfilename", "fetched.rdb", "--dir", source.server.folder);
  await copy.client.expect("DBSIZE", 50_000);
});
