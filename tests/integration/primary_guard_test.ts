/**
 * The guard against a primary that has lost its data: which full synchronisations are held up, what the operator sees of
 * it, and all ways out of it.
 */

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, test } from "node:test";
import { CutProxy } from "./cut_proxy.ts";
import { expectSame, linkState, untilConnected } from "./data_set.ts";
import { IS_ORACLE, ServerProcess, until } from "./server_process.ts";
import { ReplyError, type TestClient } from "./test_client.ts";

const started: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((one) => one.stop()));
});

interface Member {
  readonly server: ServerProcess;
  readonly client: TestClient;
}

const PROMPT = ["--save", "", "--repl-diskless-sync-delay", "0", "--shutdown-timeout", "0"];
const KEYS = 200;

async function start(args: readonly string[], where: { port?: number; folder?: string } = {}): Promise<Member> {
  const server = await ServerProcess.start({ args: [...PROMPT, ...args], ...where });
  started.push(server);
  return { server, client: await server.connect() };
}

function startReplica({ server: { port } }: Member, ...args: string[]): Promise<Member> {
  return start(["--replicaof", "127.0.0.1", String(port), ...args]);
}

async function fill({ client }: Member, count: number, name = "key"): Promise<void> {
  for (let i = 0; i < count; i++) client.send("SET", `${name}:${i}`, i);
  for (let i = 0; i < count; i++) await client.read();
}

/** A primary with data in two databases, and a replica of it. */
async function pair(
  primaryArgs: readonly string[] = [],
  replicaArgs: readonly string[] = [],
): Promise<[Member, Member]> {
  const primary = await start(primaryArgs);
  await fill(primary, KEYS / 2);
  await primary.client.expect("SELECT 3", "OK");
  await fill(primary, KEYS / 2);
  await primary.client.expect("SELECT 0", "OK");
  const replica = await startReplica(primary, ...replicaArgs);
  await expectSame(primary.client, replica.client);
  return [primary, replica];
}

/** Ends a server and starts another one at its port, with what it has saved. */
async function restart({ server }: Member, ...args: string[]): Promise<Member> {
  await server.kill("SIGKILL");
  return start(args, { port: server.port, folder: server.folder });
}

async function replication({ client }: Member): Promise<Map<string, string>> {
  const text = String(await client.call("INFO replication"));
  return new Map(
    text.split("\r\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1)]),
  );
}

async function untilGuarded(replica: Member): Promise<Map<string, string>> {
  await until("the guard", async () => (await replication(replica)).get("master_sync_guarded") === "1");
  return replication(replica);
}

async function expectWhole({ client }: Member): Promise<void> {
  await client.expect("DBSIZE", KEYS / 2);
  await client.expect("GET key:7", "7");
  assert.match(String(await client.call("INFO keyspace")), new RegExp(`db3:keys=${KEYS / 2},`));
}

/** Waits until the replica has tried so many times more, and been held up. */
async function untilTriedAgain({ server }: Member, times: number): Promise<void> {
  const tries = () => (server.output.match(/Keeping the \d+ keys/g) ?? []).length;
  const before = tries();
  await until("more tries", () => tries() >= before + times);
}

// What follows is tredis's own.
const OWN = { skip: IS_ORACLE };

const WAYS: readonly (readonly [diskless: string, load: string])[] = [
  ["yes", "disabled"],
  ["no", "disabled"],
  ["yes", "swapdb"],
  ["no", "swapdb"],
  ["yes", "on-empty-db"],
];

for (const [diskless, load] of WAYS) {
  test(
    `a primary that restarts empty does not empty its replica; diskless: ${diskless}, load: ${load}`,
    OWN,
    async () => {
      const [primary, replica] = await pair([], ["--repl-diskless-load", load]);
      const before = await replication(replica);
      const empty = await restart(primary, "--repl-diskless-sync", diskless);
      const fields = await untilGuarded(replica);
      await expectWhole(replica);
      assert.equal(fields.get("role"), "slave");
      assert.equal(fields.get("master_link_status"), "down");
      assert.equal(fields.get("master_link_down_since_seconds"), "0");
      assert.equal(fields.get("master_sync_guarded_keys"), "0");
      assert.equal(fields.get("master_sync_guarded_kept_keys"), String(KEYS));
      assert.equal(fields.get("master_replid"), before.get("master_replid"));
      assert.equal(fields.get("master_repl_offset"), before.get("master_repl_offset"));
      const role = await replica.client.call("ROLE") as unknown[]; // ROLE replies with an array
      assert.deepEqual([role[0], role.length, role[5]], ["slave", 6, "guarded"]);
      const id = (await replication(empty)).get("master_replid");
      assert.equal(fields.get("master_sync_guarded_replid"), id);
      await replica.server.logged(new RegExp(`Keeping the ${KEYS} keys .*REPLICAOF ACCEPT ${id};`));
      await untilTriedAgain(replica, 2);
      await expectWhole(replica);
      await replica.client.expect(
        ["REPLICAOF", "ACCEPT", "0".repeat(40)],
        /^ERR The synchronization held up is that of/,
      );
      await replica.client.expect(["REPLICAOF", "ACCEPT", String(id)], "OK");
      await untilConnected(replica.client);
      await replica.client.expect("DBSIZE", 0);
      assert.equal((await replication(replica)).get("master_sync_guarded"), "0");
      await empty.client.expect("SET new 1", "OK");
      await expectSame(empty.client, replica.client);
      await replica.client.expect(
        ["REPLICAOF", "ACCEPT", String(id)],
        new ReplyError("ERR No synchronization is held up"),
      );
    },
  );
}

test(
  "what the primary is written to after it has lost its data does not end the guard, and its next restart with data does",
  OWN,
  async () => {
    const [primary, replica] = await pair(["--save", "3600 1"]);
    await primary.client.expect("SAVE", "OK");
    const file = join(primary.server.folder, "dump.rdb");
    const empty = await restart(primary, "--dbfilename", "other.rdb");
    await untilGuarded(replica);
    await fill(empty, KEYS * 2, "new");
    await untilTriedAgain(replica, 2);
    await expectWhole(replica);
    assert.ok(existsSync(file));
    const whole = await restart(empty);
    await untilConnected(replica.client);
    await expectSame(whole.client, replica.client);
    await expectWhole(replica);
  },
);

for (const [share, isGuarded] of [[0.05, true], [0.5, false]] as const) {
  test(`a primary that restarts with ${share} of the keys is ${isGuarded ? "held up" : "followed"}`, OWN, async () => {
    const [primary, replica] = await pair([], ["--appendonly", "yes"]);
    const below = await startReplica(replica);
    await expectSame(primary.client, below.client);
    const offset = (await replication(replica)).get("master_repl_offset");
    const part = await start([]);
    await fill(part, KEYS * share, "part");
    await part.client.expect("SAVE", "OK");
    await primary.server.kill("SIGKILL");
    await part.server.kill("SIGKILL");
    const again = await start([], { port: primary.server.port, folder: part.server.folder });
    if (isGuarded) {
      await untilGuarded(replica);
      await expectWhole(replica);
      // What has come, and was counted, is nothing that those below, or the log, would be told of.
      assert.equal((await replication(replica)).get("master_repl_offset"), offset);
      await expectWhole(below);
      await replica.client.expect("REPLICAOF NO ONE", "OK");
      await replica.client.expect("SET last 1", "OK");
      await expectSame(replica.client, below.client);
      await below.client.expect("DBSIZE", KEYS / 2 + 1);
    } else {
      await expectSame(again.client, replica.client);
    }
  });
}

test("the percentage of keys is a setting, and so is whether there is a guard: both count at once", OWN, async () => {
  const [primary, replica] = await pair([], ["--replica-empty-primary-percentage", "100"]);
  const empty = await restart(primary);
  await fill(empty, 1);
  await untilGuarded(replica);
  await replica.client.expect("CONFIG SET replica-empty-primary-guard no", "OK");
  await expectSame(empty.client, replica.client);
});

test("without the guard a replica does as it is told", OWN, async () => {
  const [primary, replica] = await pair([], ["--replica-empty-primary-guard", "no"]);
  await restart(primary);
  await until("the loss", async () => await replica.client.call("DBSIZE") === 0);
});

test("keys that have expired are none to keep", OWN, async () => {
  const primary = await start([]);
  for (let i = 0; i < 50; i++) await primary.client.expect(["SET", `brief:${i}`, "x", "PX", "1500"], "OK");
  const replica = await startReplica(primary);
  await untilConnected(replica.client);
  await primary.server.kill("SIGKILL");
  await until("all to expire", async () => await replica.client.call("GET brief:49") === null);
  await replica.client.expect("DBSIZE", 50);
  await start([], { port: primary.server.port });
  await until("the loss", async () => await replica.client.call("DBSIZE") === 0);
});

test("FLUSHALL on a primary that lives empties its replica", async () => {
  const [primary, replica] = await pair(["--repl-backlog-size", "16kb"]);
  await primary.client.expect("FLUSHALL", "OK");
  await expectSame(primary.client, replica.client);
  await replica.client.expect("DBSIZE", 0);
});

test("a primary that was emptied while the link was down, and whose backlog has gone on, is no restarted one", async () => {
  const primary = await start(["--repl-backlog-size", "16kb"]);
  await fill(primary, KEYS);
  const proxy = await CutProxy.start(primary.server.port);
  started.push(proxy);
  const replica = await start(["--replicaof", "127.0.0.1", String(proxy.port)]);
  await untilConnected(replica.client);
  proxy.refuses = true;
  proxy.cut();
  await fill(primary, 2000, "more");
  await primary.client.expect("FLUSHALL", "OK");
  proxy.refuses = false;
  await expectSame(primary.client, replica.client);
  await replica.client.expect("DBSIZE", 0);
  await replica.server.logged(/Full resync from master[^]*Full resync from master/);
});

for (const log of ["no", "yes"]) {
  test(
    `a replica that restarts at the same time keeps the data that it has saved; appendonly: ${log}`,
    OWN,
    async () => {
      const [primary, replica] = await pair([], ["--save", "3600 1", "--appendonly", log]);
      await replica.client.expect("SAVE", "OK");
      const info = async () => String(await replica.client.call("INFO persistence"));
      if (log === "yes") {
        await until("the log", async () => /aof_rewrite_in_progress:0[^]*aof_rewrite_scheduled:0/.test(await info()));
      }
      await primary.server.kill("SIGKILL");
      await replica.server.kill("SIGKILL");
      await start([], { port: primary.server.port });
      const args = ["--replicaof", "127.0.0.1", String(primary.server.port), "--save", "3600 1", "--appendonly", log];
      const again = await start(args, { folder: replica.server.folder });
      await untilGuarded(again);
      await expectWhole(again);
    },
  );
}

test("the files on the replica's disk stay as they were", OWN, async () => {
  const [primary, replica] = await pair([], ["--save", "3600 1", "--appendonly", "yes"]);
  await replica.client.expect("SAVE", "OK");
  const file = join(replica.server.folder, "dump.rdb");
  const before = readFileSync(file);
  await restart(primary, "--repl-diskless-sync", "no");
  await untilGuarded(replica);
  await untilTriedAgain(replica, 1);
  assert.deepEqual(readFileSync(file), before);
  assert.match(String(await replica.client.call("INFO persistence")), /aof_enabled:1/);
  assert.doesNotMatch(replica.server.output.split("Keeping the")[1], /append only file rewriting/);
});

test("REPLICAOF is an order: a primary that is named, however empty, is followed", OWN, async () => {
  const [primary, replica] = await pair();
  const other = await start([]);
  await replica.client.expect(["REPLICAOF", "127.0.0.1", other.server.port], "OK");
  await untilConnected(replica.client);
  await replica.client.expect("DBSIZE", 0);
  // And so is one that takes the place of a primary which is held up.
  await replica.client.expect(["REPLICAOF", "127.0.0.1", primary.server.port], "OK");
  await expectSame(primary.client, replica.client);
  await restart(primary);
  await untilGuarded(replica);
  await replica.client.expect(
    ["REPLICAOF", "127.0.0.1", primary.server.port],
    "OK Already connected to specified master",
  );
  await expectWhole(replica);
  await replica.client.expect(["REPLICAOF", "127.0.0.1", other.server.port], "OK");
  await untilConnected(replica.client);
  await replica.client.expect("DBSIZE", 0);
});

test("a replica that is held up can be promoted at once, and the primary gets its data back from it", OWN, async () => {
  const [primary, replica] = await pair();
  const empty = await restart(primary);
  await untilGuarded(replica);
  await replica.client.expect("REPLICAOF NO ONE", "OK");
  await replica.client.expect("SET new 1", "OK");
  const role = await replica.client.call("ROLE") as unknown[]; // ROLE replies with an array
  assert.equal(role[0], "master");
  assert.equal((await replication(replica)).has("master_sync_guarded"), false);
  await empty.client.expect(["REPLICAOF", "127.0.0.1", replica.server.port], "OK");
  await expectSame(replica.client, empty.client);
  await empty.client.expect("DBSIZE", KEYS / 2 + 1);
});

test("replica-serve-stale-data says whether a replica that is held up may be read", OWN, async () => {
  const [primary, replica] = await pair([], ["--replica-serve-stale-data", "no"]);
  const empty = await restart(primary);
  const fields = await untilGuarded(replica);
  await replica.client.expect("GET key:1", /^MASTERDOWN/);
  await replica.client.expect("CONFIG SET replica-serve-stale-data yes", "OK");
  await expectWhole(replica);
  await replica.client.expect("CONFIG SET replica-serve-stale-data no", "OK");
  await replica.client.expect(["REPLICAOF", "ACCEPT", String(fields.get("master_sync_guarded_replid"))], "OK");
  await expectSame(empty.client, replica.client);
});

test("below a replica that is held up nothing changes; each decides for itself", OWN, async () => {
  const [primary, middle] = await pair();
  const below = await startReplica(middle);
  await expectSame(primary.client, below.client);
  const empty = await restart(primary);
  const fields = await untilGuarded(middle);
  await untilTriedAgain(middle, 1);
  assert.equal(await linkState(below.client), "connected");
  await expectWhole(below);
  const accept = ["REPLICAOF", "ACCEPT", String(fields.get("master_sync_guarded_replid"))];
  await middle.client.expect(accept, "OK");
  await untilConnected(middle.client);
  await untilGuarded(below);
  await expectWhole(below);
  await below.client.expect(accept, "OK");
  await untilConnected(below.client);
  await expectSame(empty.client, below.client);
});
