/**
 * Where phases meet: keys that expire while data is loaded or writes are paused, FLUSHALL while a snapshot is taken, roles
 * that change while a synchronisation is under way. Nothing may be lost, come back, or differ between primary and replica.
 */

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { afterEach, test } from "node:test";
import { CutProxy } from "./cut_proxy.ts";
import { expectSame, untilConnected } from "./data_set.ts";
import { IS_ORACLE, ServerProcess, until } from "./server_process.ts";
import { type Reply, ReplyError, type TestClient } from "./test_client.ts";

const started: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((one) => one.stop()));
});

interface Member {
  readonly server: ServerProcess;
  readonly client: TestClient;
}

const PROMPT = ["--save", "", "--repl-diskless-sync-delay", "0", "--shutdown-timeout", "0"];
/** Nobody listens there. */
const DEAD = ["127.0.0.1", "1"];

async function start(
  args: readonly string[],
  place: { readonly port?: number; readonly folder?: string } = {},
): Promise<Member> {
  const server = await ServerProcess.start({ args: [...PROMPT, ...args], ...place });
  started.push(server);
  return { server, client: await server.connect() };
}

function startReplica(port: number, ...args: string[]): Promise<Member> {
  return start(["--replicaof", "127.0.0.1", String(port), ...args]);
}

/** Saves and ends a server; its port and folder are there to start another that takes its place. */
async function shutDown({ server, client }: Member): Promise<{ port: number; folder: string }> {
  client.send("SHUTDOWN SAVE");
  await until("the end of the server", () => server.exited);
  return { port: server.port, folder: server.folder };
}

async function field(client: TestClient, name: string): Promise<string | undefined> {
  return new RegExp(`^${name}:(.*?)\r?$`, "m").exec(String(await client.call("INFO", "everything")))?.[1];
}

async function pipeline(client: TestClient, count: number, command: (i: number) => (string | number)[]): Promise<void> {
  const atOnce = 5000;
  for (let done = 0; done < count; done += atOnce) {
    const end = Math.min(count, done + atOnce);
    for (let i = done; i < end; i++) client.send(...command(i));
    for (let i = done; i < end; i++) await client.read();
  }
}

/** Waits until a Unix time in ms has passed. */
async function untilPassed(unixMs: number): Promise<void> {
  await until("a time to pass", () => Date.now() > unixMs + 20);
}

function lines(member: Member, pattern: RegExp): number {
  return member.server.output.split("\n").filter((line) => pattern.test(line)).length;
}

const HASH = [...Array(1000).keys()].flatMap((i) => [`field:${i}`, `value ${i}`]);

// --- Keys that expire -----------------------------------------------------------------------------------------------

test("a replica loads a large value whose time has passed, and keeps it until its primary says otherwise", async () => {
  const before = await start([]);
  for (let i = 0; i < 100; i++) before.client.send("HSET", "large", ...HASH.map((word) => `${i}:${word}`));
  for (let i = 0; i < 100; i++) await before.client.read();
  const expiry = Date.now() + 500;
  await before.client.expect(`PEXPIREAT large ${expiry}`, 1);
  const place = await shutDown(before);
  await untilPassed(expiry);
  const { client } = await start(["--replicaof", ...DEAD], place);
  await client.expect("DBSIZE", 1);
  await client.expect("HLEN large", 0);
  await client.expect("REPLICAOF NO ONE", "OK");
  await until("the key to expire", async () => await client.call("DBSIZE") === 0);
});

test("a replica that restarts has what its primary kept, though the replica's own copy has expired", async () => {
  const primary = await start([]);
  const replica = await startReplica(primary.server.port);
  await untilConnected(replica.client);
  await primary.client.expect("SET counter 10", "OK");
  await primary.client.expect(["HSET", "hash", ...HASH], 1000);
  const expiry = Date.now() + 1500;
  for (const key of ["counter", "hash"]) await primary.client.expect(`PEXPIREAT ${key} ${expiry}`, 1);
  await until("the replica to have them", async () => Number(await replica.client.call("PTTL hash")) > 0);
  const place = await shutDown(replica);
  for (const key of ["counter", "hash"]) await primary.client.expect(`PERSIST ${key}`, 1);
  await primary.client.expect("INCR counter", 11);
  await primary.client.expect("HDEL hash field:0", 1);
  await untilPassed(expiry);
  const again = await start(["--replicaof", "127.0.0.1", String(primary.server.port)], place);
  await untilConnected(again.client);
  assert.equal(await field(primary.client, "sync_partial_ok"), "1");
  await expectSame(primary.client, again.client);
  await again.client.expect("GET counter", "11");
});

test("a primary that finds expired keys while it loads goes on with its stream: replicas continue", async () => {
  const primary = await start([]);
  const replica = await startReplica(primary.server.port);
  await untilConnected(replica.client);
  const expiry = Date.now() + 1500;
  await pipeline(primary.client, 50, (i) => ["SET", `brief:${i}`, i, "PXAT", expiry]);
  await primary.client.expect(["HSET", "brief", ...HASH], 1000);
  await primary.client.expect(`PEXPIREAT brief ${expiry}`, 1);
  await primary.client.expect("SELECT 3", "OK");
  await primary.client.expect(`SET elsewhere x PXAT ${expiry}`, "OK");
  await primary.client.expect("SET stays y", "OK");
  await until("the replica to have it all", async () => await field(replica.client, "db3") !== undefined);
  const place = await shutDown(primary);
  await untilPassed(expiry);
  const again = await start([], place);
  assert.equal(await field(again.client, "rdb_last_load_keys_expired"), "52");
  await untilConnected(replica.client);
  assert.equal(await field(again.client, "sync_full"), "0");
  assert.equal(await field(again.client, "sync_partial_ok"), "1");
  await until("the keys to go", async () => await replica.client.call("DBSIZE") === 0);
  await expectSame(again.client, replica.client);
});

test("what clients set on a writable replica expires there, and expired values are not built upon", async () => {
  const replica = await start(["--replicaof", ...DEAD, "--replica-read-only", "no", "--enable-debug-command", "yes"]);
  const { client } = replica;
  await client.expect("SET brief 1 PX 50", "OK");
  await client.expect("SET later 1", "OK");
  await client.expect("PEXPIRE later 60", 1);
  await client.expect("SET source 1 PX 70", "OK");
  await client.expect("RENAME source target", "OK");
  await client.expect("COPY target twin", 1);
  await client.expect("SET stays 1", "OK");
  await until("keys to expire", async () => await client.call("DBSIZE") === 1);
  assert.equal(await field(client, "slave_expires_tracked_keys"), "0");
  await client.expect("DEBUG SET-ACTIVE-EXPIRE 0", "OK");
  await client.expect("SET counter 41 PX 20", "OK");
  await client.expect(["HSET", "hash", "a", "1"], 1);
  await client.expect("PEXPIRE hash 20", 1);
  await until("the counter to expire", async () => await client.call("PTTL counter") === -2);
  await until("the hash to expire", async () => await client.call("PTTL hash") === -2);
  await client.expect("INCR counter", 1);
  await client.expect("PTTL counter", -1);
  await client.expect("HINCRBY hash b 5", 5);
  await client.expect("HLEN hash", 1);
  await client.expect("PTTL hash", -1);
});

test("what clients set on a writable replica expires there after SWAPDB too", { skip: IS_ORACLE }, async () => {
  const { client } = await start([
    "--replicaof",
    ...DEAD,
    "--replica-read-only",
    "no",
    "--enable-debug-command",
    "yes",
  ]);
  await client.expect("SELECT 4", "OK");
  await client.expect("SET brief 1 PX 50", "OK");
  await client.expect("SWAPDB 4 9", "OK");
  await client.expect("SWAPDB 2 3", "OK");
  await until("the key to expire", async () => await field(client, "db9") === undefined);
  await client.expect("SET brief 1 PX 50", "OK");
  await client.expect("SWAPDB 4 4", "OK");
  await until("the key to expire", async () => await field(client, "db4") === undefined);
});

test("what the primary has set never expires on a writable replica by itself", async () => {
  const primary = await start(["--enable-debug-command", "yes"]);
  await primary.client.expect("DEBUG SET-ACTIVE-EXPIRE 0", "OK");
  const replica = await startReplica(primary.server.port, "--replica-read-only", "no");
  await untilConnected(replica.client);
  await primary.client.expect("SET theirs 1 PX 50", "OK");
  await until("the replica to have it", async () => await replica.client.call("DBSIZE") === 1);
  await replica.client.expect("SET ours 1 PX 100", "OK");
  await until("its own key to expire", async () => await replica.client.call("DBSIZE") === 1);
  await replica.client.expect("EXISTS theirs", 0);
  await primary.client.expect("GET theirs", null);
  await until("the primary's removal", async () => await replica.client.call("DBSIZE") === 0);
});

test("nothing expires in a pause of writes, though the replica is promoted meanwhile", async () => {
  const { client } = await start(["--replicaof", ...DEAD, "--replica-read-only", "no"]);
  await client.expect("CLIENT PAUSE 100000 WRITE", "OK");
  await client.expect("CLIENT UNPAUSE", "OK");
  await pipeline(client, 1000, (i) => ["SET", i, i, "PX", 300]);
  await client.expect("CLIENT PAUSE 100000 WRITE", "OK");
  await client.expect("REPLICAOF NO ONE", "OK");
  await until("the keys to expire", async () => await client.call("EXISTS 0 999") === 0);
  await new Promise((resolve) => setTimeout(resolve, 500)); // that nothing happens shows only in time
  await client.expect("DBSIZE", 1000);
  await client.expect("CLIENT UNPAUSE", "OK");
  await until("them to go", async () => await client.call("DBSIZE") === 0);
});

// --- FLUSHALL and snapshots -----------------------------------------------------------------------------------------

/** Each key takes long to be written, so that a snapshot is under way for as long as the test needs. */
const SLOWLY = ["--rdb-key-save-delay", "200000"];

test("BGSAVE that is overtaken by FLUSHALL writes nothing", async () => {
  const { server, client } = await start(SLOWLY);
  await pipeline(client, 500, (i) => ["SET", i, i]);
  await client.expect("BGSAVE", "Background saving started");
  assert.equal(await field(client, "rdb_bgsave_in_progress"), "1");
  await client.expect("FLUSHALL", "OK");
  await until("the save to end", async () => await field(client, "rdb_bgsave_in_progress") === "0");
  await client.expect("CONFIG SET rdb-key-save-delay 0", "OK");
  await until("its files to go", () => readdirSync(server.folder).length === 0);
  await client.expect("SET new 1", "OK");
  await client.expect("BGSAVE", "Background saving started");
  await until("the next save", () => existsSync(join(server.folder, "dump.rdb")));
});

for (const save of ["", "3600 100000"]) {
  test(`FLUSHALL while a replica's snapshot is written to disk (save "${save}"): flushed keys are gone for good`, async () => {
    const primary = await start([...SLOWLY, "--repl-diskless-sync", "no"]);
    await primary.client.expect(["CONFIG", "SET", "save", save], "OK");
    await pipeline(primary.client, 300, (i) => ["SET", i, i]);
    const replica = await startReplica(primary.server.port);
    await until("the snapshot", async () => /state=wait_bgsave/.test(await field(primary.client, "slave0") ?? ""));
    assert.equal(await field(primary.client, "rdb_bgsave_in_progress"), "1");
    await primary.client.expect("FLUSHALL", "OK");
    assert.equal(await field(primary.client, "rdb_changes_since_last_save"), save === "" ? "600" : "0");
    await primary.client.expect("SET new 1", "OK");
    await primary.client.expect("CONFIG SET rdb-key-save-delay 0", "OK");
    await untilConnected(replica.client);
    await expectSame(primary.client, replica.client);
    await primary.server.kill("SIGKILL");
    const again = await start([], { folder: primary.server.folder });
    assert.ok(Number(await again.client.call("DBSIZE")) <= 1);
    await again.client.expect("GET 1", null);
  });
}

test("a second replica joins a snapshot behind which very many writes wait", async () => {
  const primary = await start([
    ...SLOWLY,
    "--repl-diskless-sync",
    "no",
    "--client-output-buffer-limit",
    "replica 0 0 0",
  ]);
  await pipeline(primary.client, 20, (i) => ["SET", i, i]);
  const first = await startReplica(primary.server.port);
  await until("the snapshot", async () => /state=wait_bgsave/.test(await field(primary.client, "slave0") ?? ""));
  await pipeline(primary.client, 200_000, (i) => ["INCR", `counter:${i % 10}`]);
  const second = await startReplica(primary.server.port);
  await until("the second to wait", async () => /state=wait_bgsave/.test(await field(primary.client, "slave1") ?? ""));
  await primary.client.expect("CONFIG SET rdb-key-save-delay 0", "OK");
  for (const { client } of [first, second]) {
    await untilConnected(client);
    await expectSame(primary.client, client);
    await client.expect("GET counter:3", "20000");
  }
});

test("a snapshot for a replica that has gone is kept where there are save points", async () => {
  const primary = await start(["--rdb-key-save-delay", "20000", "--repl-diskless-sync", "no"]);
  await primary.client.expect(["CONFIG", "SET", "save", "3600 100000"], "OK");
  await pipeline(primary.client, 50, (i) => ["SET", i, i]);
  const raw = await primary.server.connect();
  raw.send("SYNC");
  await until("the snapshot", async () => await field(primary.client, "rdb_bgsave_in_progress") === "1");
  await until("the replica", async () => await field(primary.client, "connected_slaves") === "1");
  raw.close();
  await until("the end of the snapshot", async () => await field(primary.client, "rdb_bgsave_in_progress") === "0");
  assert.equal(await field(primary.client, "rdb_changes_since_last_save"), "0");
  assert.ok(existsSync(join(primary.server.folder, "dump.rdb")));
});

test("a primary that cannot write a replica's snapshot does not try without end", { skip: IS_ORACLE }, async () => {
  const primary = await start(["--repl-diskless-sync", "no", "--dbfilename", "taken.rdb"]);
  mkdirSync(join(primary.server.folder, "taken.rdb"));
  writeFileSync(join(primary.server.folder, "taken.rdb", "file"), "");
  const replica = await startReplica(primary.server.port);
  await until("the first try to fail", () => lines(primary, /SYNC failed/) > 0);
  await new Promise((resolve) => setTimeout(resolve, 3000)); // that it does not happen shows only in time
  assert.ok(lines(primary, /Starting BGSAVE for SYNC/) <= 2, primary.server.output);
  rmSync(join(primary.server.folder, "taken.rdb"), { recursive: true });
  await untilConnected(replica.client);
});

test("what a server that was killed had half written is removed at the next start", { skip: IS_ORACLE }, async () => {
  const before = await start([]);
  const place = { port: before.server.port, folder: before.server.folder };
  const pid = before.server.child.pid;
  await before.server.kill("SIGKILL");
  const left = [`temp-background-${pid}-1.rdb`, `temp-sync-${pid}-2.rdb`, `temp-repl-${pid}-12.rdb`, `temp-${pid}.rdb`];
  const others = [`temp-background-${process.pid}-1.rdb`, "temp-notes.rdb", "dump.rdb.bak"];
  for (const name of [...left, ...others]) {
    writeFileSync(join(place.folder, name), "x");
    utimesSync(join(place.folder, name), 1, 1);
  }
  await start([], place);
  assert.deepEqual(readdirSync(place.folder).sort(), others.sort());
});

// --- Roles that change hands ----------------------------------------------------------------------------------------

test("REPLICAOF to one who is not there, and back: nobody below is dropped, nothing is sent anew", async () => {
  const primary = await start([]);
  const middle = await startReplica(primary.server.port);
  await untilConnected(middle.client);
  const below = await startReplica(middle.server.port);
  await untilConnected(below.client);
  await primary.client.expect("SET before 1", "OK");
  await until("the value in the middle", async () => await middle.client.call("GET before") === "1");
  await middle.client.expect(["REPLICAOF", ...DEAD], "OK");
  await until("the link to be gone", async () => await field(middle.client, "master_link_status") === "down");
  await until("the value below", async () => await below.client.call("GET before") === "1");
  assert.equal(await field(middle.client, "connected_slaves"), "1");
  await primary.client.expect("SET meanwhile 2", "OK");
  await middle.client.expect(["REPLICAOF", "127.0.0.1", primary.server.port], "OK");
  await untilConnected(middle.client);
  await until("the new value below", async () => await below.client.call("GET meanwhile") === "2");
  assert.equal(await field(primary.client, "sync_full"), "1");
  assert.equal(await field(primary.client, "sync_partial_ok"), "1");
  assert.equal(await field(middle.client, "sync_full"), "1");
  assert.equal(await field(middle.client, "sync_partial_ok"), "0");
});

test("a new primary that dies while it sends its snapshot costs the old one no full synchronisation", async () => {
  const primary = await start([]);
  const other = await start(["--rdb-key-save-delay", "100000", "--repl-diskless-sync", "yes"]);
  await pipeline(other.client, 1000, (i) => ["SET", i, i]);
  const replica = await startReplica(primary.server.port, "--repl-diskless-load", "disabled");
  await primary.client.expect("SET mine 1", "OK");
  await untilConnected(replica.client);
  await replica.client.expect(["REPLICAOF", "127.0.0.1", other.server.port], "OK");
  await until("the snapshot", async () => await field(replica.client, "master_sync_in_progress") === "1");
  await other.server.kill("SIGKILL");
  await replica.client.expect(["REPLICAOF", "127.0.0.1", primary.server.port], "OK");
  await untilConnected(replica.client);
  assert.equal(await field(primary.client, "sync_full"), "1");
  assert.equal(await field(primary.client, "sync_partial_ok"), "1");
  await expectSame(primary.client, replica.client);
});

// --- Replicas that differ -------------------------------------------------------------------------------------------

test("a replica that cannot apply what its primary sends says so", async () => {
  const primary = await start([]);
  const replica = await startReplica(primary.server.port, "--rename-command", "APPEND", "RENAMED");
  await untilConnected(replica.client);
  await primary.client.expect("APPEND key value", 5);
  await until("the error", async () => await field(replica.client, "unexpected_error_replies") === "1");
  assert.match(
    replica.server.output,
    /== CRITICAL == This replica is sending an error to its master: '(-ERR )?unknown command/,
  );
  assert.equal(await field(replica.client, "master_link_status"), "up");
  await replica.client.expect("CONFIG SET propagation-error-behavior panic-on-replicas", "OK");
  await primary.client.expect("APPEND key value", 10);
  await until("the replica to end", () => replica.server.exited);
});

for (
  const [what, command, told] of [
    ["replies", "ECHO hello", /Replica generated a reply to command 'echo'/],
    ["is refused", "GET key", /Replica generated a reply to command 'get'/],
    ["is not known", "NOSUCHCOMMAND", /Replica generated a reply to command '<unknown>'/],
  ] as const
) {
  test(`a replica that sends its primary what ${what} is dropped`, async () => {
    const primary = await start([]);
    const raw = await primary.server.connect();
    raw.send("SYNC");
    await until("the replica", async () => /state=online/.test(await field(primary.client, "slave0") ?? ""));
    raw.send(...command.split(" "));
    await until("its end", () => raw.closed);
    await primary.server.logged(told);
  });
}

test("PSYNC from no number is refused, and told", async () => {
  const primary = await start([]);
  const answer = await primary.client.call("PSYNC", "id", "offset");
  assert.deepEqual(answer, new ReplyError("ERR value is not an integer or out of range"));
  await primary.server.logged(/Replica \S+ asks for synchronization but with a wrong offset/);
  await primary.client.expect("PING", "PONG");
});

// Redis looks at its clients and signals once in 2 MiB of loading only: not while it is delayed.
const GIVES_WAY = { skip: IS_ORACLE };

test(
  "a replica that drops out while all wait for its slow loading ends the transfer, the others have theirs",
  GIVES_WAY,
  async () => {
    const primary = await start(["--repl-diskless-sync-delay", "0", "--rdbcompression", "no"]);
    const value = "v".repeat(10_000);
    await pipeline(primary.client, 3000, (i) => ["SET", `key:${i}`, value]);
    const slow = await start(["--repl-diskless-load", "swapdb", "--key-load-delay", "100000"]);
    await slow.client.expect(["REPLICAOF", "127.0.0.1", primary.server.port], "OK");
    await slow.server.logged(/Loading DB in memory/);
    const quick = await startReplica(primary.server.port, "--repl-diskless-load", "swapdb");
    await primary.client.expect("SET later 1", "OK");
    assert.equal(await field(primary.client, "rdb_bgsave_in_progress"), "1");
    await slow.server.stop();
    await untilConnected(quick.client);
    await expectSame(primary.client, quick.client);
    await primary.server.logged(/Diskless rdb transfer, (last replica dropped|done reading from pipe, 0)/);
  },
);

test("nobody changes the data set while it is loaded, by DEBUG neither", GIVES_WAY, async () => {
  const primary = await start(["--repl-diskless-sync", "no"]);
  await pipeline(primary.client, 100, (i) => ["SET", `key:${i}`, i]);
  const replica = await start(["--key-load-delay", "10000000", "--enable-debug-command", "yes"]);
  await replica.client.expect(["REPLICAOF", "127.0.0.1", primary.server.port], "OK");
  await until("the loading", async () => await field(replica.client, "loading") === "1");
  for (const request of ["DEBUG POPULATE 1000", "DEBUG RELOAD", "DEBUG RELOAD NOSAVE", "DEBUG LOADAOF"]) {
    await replica.client.expect(request, /^LOADING /);
  }
  await replica.client.expect("CONFIG SET key-load-delay 0", "OK");
  await untilConnected(replica.client);
  await expectSame(primary.client, replica.client);
});

test("the delay of a loading can be ended", GIVES_WAY, async () => {
  const primary = await start(["--repl-diskless-sync", "no"]);
  await pipeline(primary.client, 100, (i) => ["SET", `key:${i}`, i]);
  const replica = await start(["--key-load-delay", "10000000"]);
  await replica.client.expect(["REPLICAOF", "127.0.0.1", primary.server.port], "OK");
  await until("the loading", async () => await field(replica.client, "loading") === "1");
  await replica.client.expect("CONFIG SET key-load-delay 0", "OK");
  await untilConnected(replica.client);
  await expectSame(primary.client, replica.client);
});

// --- What is shown --------------------------------------------------------------------------------------------------

test("a replica is sent its first PING when the period is over", async () => {
  const primary = await start(["--repl-ping-replica-period", "3600"]);
  const raw = await primary.server.connect();
  raw.send("SYNC");
  await until("the replica", async () => /state=online/.test(await field(primary.client, "slave0") ?? ""));
  await new Promise((resolve) => setTimeout(resolve, 2500)); // that none comes shows only in time
  await primary.client.expect("SET key value", "OK");
  let header = "";
  while (!header.endsWith("\r\n")) header = (header + await raw.readRaw(1)).replace(/^\n+/, "");
  await raw.readRaw(Number(header.slice(1, -2)));
  assert.deepEqual(await raw.read(), ["SELECT", "0"]);
  assert.deepEqual(await raw.read(), ["SET", "key", "value"]);
});

test(
  "swapdb serves the old data while an unbroken history is loaded, and refuses what must not run then",
  GIVES_WAY,
  async () => {
    const primary = await start(["--repl-diskless-sync", "yes", "--repl-backlog-size", "16384"]);
    const proxy = await CutProxy.start(primary.server.port);
    started.push(proxy);
    await primary.client.expect("SET known old", "OK");
    const replica = await startReplica(proxy.port, "--repl-diskless-load", "swapdb");
    await untilConnected(replica.client);
    proxy.refuses = true;
    proxy.cut();
    await pipeline(primary.client, 500, (i) => ["SET", i, "x".repeat(200)]);
    await primary.client.expect("SET known new", "OK");
    await primary.client.expect("CONFIG SET rdb-key-save-delay 20000", "OK");
    proxy.refuses = false;
    await until("the loading", async () => await field(replica.client, "async_loading") === "1");
    await replica.client.expect("GET known", "old");
    await replica.client.expect("SAVE", /^LOADING/);
    await primary.client.expect("CONFIG SET rdb-key-save-delay 0", "OK");
    await untilConnected(replica.client);
    assert.equal(await field(replica.client, "async_loading"), "0");
    await replica.client.expect("GET known", "new");
    await expectSame(primary.client, replica.client);
  },
);

test("swapdb does not serve data of another history while a snapshot comes in", GIVES_WAY, async () => {
  const primary = await start(["--repl-diskless-sync", "yes", "--rdb-key-save-delay", "20000"]);
  await pipeline(primary.client, 300, (i) => ["SET", i, i]);
  const replica = await start(["--repl-diskless-load", "swapdb"]);
  await replica.client.expect("SET own 1", "OK");
  await replica.client.expect(["REPLICAOF", "127.0.0.1", primary.server.port], "OK");
  const refusal: Reply = await until("the refusal", async () => {
    const reply = await replica.client.call("GET own");
    return reply instanceof ReplyError ? reply.message : null;
  });
  assert.match(String(refusal), /^LOADING/);
  assert.equal(await field(replica.client, "loading"), "1");
  await primary.client.expect("CONFIG SET rdb-key-save-delay 0", "OK");
  await untilConnected(replica.client);
  await expectSame(primary.client, replica.client);
});

test("a snapshot that waits for more replicas says so", async () => {
  const primary = await start([]);
  await primary.client.expect("CONFIG SET repl-diskless-sync yes repl-diskless-sync-delay 3600".split(" "), "OK");
  await startReplica(primary.server.port);
  await until("the line", () => lines(primary, /Delay next BGSAVE for diskless SYNC/) > 0);
  await until("the state", async () => /state=wait_bgsave/.test(await field(primary.client, "slave0") ?? ""));
});
