/**
 * FAILOVER: a primary hands its role over to one of its replicas. What it says to whom, what becomes of writes meanwhile,
 * how it ends where it comes to nothing, and what else may be going on: pauses, transactions, clients that wait, other
 * replicas, the end. No write that was acknowledged may be lost, and none that was refused be done.
 */

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, test } from "node:test";
import { CutProxy } from "./cut_proxy.ts";
import { expectSame, linkState, Random, untilConnected, writeRandomly } from "./data_set.ts";
import { FakePrimary } from "./fake_primary.ts";
import { freePort, IS_ORACLE, ServerProcess, until } from "./server_process.ts";
import { attachReplica } from "./stream_reader.ts";
import { type Reply, ReplyError, type TestClient } from "./test_client.ts";

const started: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((one) => one.stop()));
});

/** Where redis-server and its target wait for each other for ever. */
const OURS = { skip: IS_ORACLE };

interface Member {
  readonly server: ServerProcess;
  readonly client: TestClient;
}

/** Snapshots at once, and nothing in the stream but what the test puts there. */
const PROMPT = ["--save", "", "--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "3600"];
const ID = "0123456789abcdef0123456789abcdef01234567";

async function start(...args: string[]): Promise<Member> {
  const server = await ServerProcess.start({ args: [...PROMPT, "--shutdown-timeout", "0", ...args] });
  started.push(server);
  return { server, client: await server.connect() };
}

async function startReplica(port: number, ...args: string[]): Promise<Member> {
  const replica = await start("--replicaof", "127.0.0.1", String(port), ...args);
  await untilConnected(replica.client);
  return replica;
}

async function startProxy(target: Member): Promise<CutProxy> {
  const proxy = await CutProxy.start(target.server.port);
  started.push(proxy);
  return proxy;
}

/** A primary, and a replica whose link goes through a proxy. */
async function startPair(): Promise<{ one: Member; two: Member; proxy: CutProxy }> {
  const one = await start();
  const proxy = await startProxy(one);
  const two = await startReplica(proxy.port);
  await until("the replica to be online", async () => /state=online/.test(await field(one.client, "slave0")));
  return { one, two, proxy };
}

async function field(client: TestClient, name: string): Promise<string> {
  return new RegExp(`^${name}:(.*?)\r?$`, "m").exec(String(await client.call("INFO", "everything")))?.[1] ?? "";
}

function stateOf({ client }: Member): Promise<string> {
  return field(client, "master_failover_state");
}

async function untilState(member: Member, state: string): Promise<void> {
  await until(`the state ${state}`, async () => await stateOf(member) === state);
}

async function roleOf({ client }: Member): Promise<Reply> {
  return (await client.call("ROLE") as Reply[])[0]; // ROLE replies with an array
}

/** Asks for a failover to another member. */
async function failover(from: Member, to: Member, ...more: string[]): Promise<void> {
  await from.client.expect(["FAILOVER", "TO", "127.0.0.1", to.server.port, ...more], "OK");
}

/** Waits until the roles are handed over, and the new replica follows. */
async function untilHandedOver(from: Member, to: Member): Promise<void> {
  await untilState(from, "no-failover");
  assert.equal(await roleOf(from), "slave", from.server.output);
  assert.equal(await roleOf(to), "master", to.server.output);
  await untilConnected(from.client);
}

/** Sends a write that is held up, on a connection of its own. */
async function holdWrite(member: Member, ...words: string[]): Promise<TestClient> {
  const client = await member.server.connect();
  const before = Number(await field(member.client, "blocked_clients"));
  client.send(...words);
  await until("the write to wait", async () => Number(await field(member.client, "blocked_clients")) === before + 1);
  return client;
}

/** How many snapshots members have sent in all. */
async function fullSyncs(...members: Member[]): Promise<number> {
  let count = 0;
  for (const { client } of members) count += Number(await field(client, "sync_full"));
  return count;
}

// --- What is refused ------------------------------------------------------------------------------------------------

test("what FAILOVER is refused for, and in which words", async () => {
  const one = await start();
  const port = await freePort();
  await one.client.expect("FAILOVER", /^ERR FAILOVER requires connected replicas\.$/);
  await one.client.expect("FAILOVER ABORT", /^ERR No failover in progress\.$/);
  const replica = await startReplica(one.server.port);
  const to = ["FAILOVER", "TO", "127.0.0.1"];
  const port2 = replica.server.port;
  const refused: readonly (readonly [(string | number)[], RegExp])[] = [
    [["FAILOVER", "NOW"], /^ERR syntax error$/],
    [["FAILOVER", "TIMEOUT"], /^ERR syntax error$/],
    [["FAILOVER", "TO", "127.0.0.1"], /^ERR syntax error$/],
    [["FAILOVER", "ABORT", "TIMEOUT", 1], /^ERR syntax error$/],
    [["FAILOVER", "TIMEOUT", 1, "TIMEOUT", 2], /^ERR syntax error$/],
    [[...to, port2, "TO", "127.0.0.1", port2], /^ERR syntax error$/],
    [[...to, port2, "TIMEOUT", 5, "FORCE", "FORCE"], /^ERR syntax error$/],
    [["FAILOVER", "TIMEOUT", "soon"], /^ERR value is not an integer or out of range$/],
    [["FAILOVER", "TIMEOUT", 0], /^ERR FAILOVER timeout must be greater than 0$/],
    [["FAILOVER", "TIMEOUT", -1], /^ERR FAILOVER timeout must be greater than 0$/],
    [[...to, "port"], /^ERR value is not an integer or out of range$/],
    [[...to, port], /^ERR FAILOVER target HOST and PORT is not a replica\.$/],
    [["FAILOVER", "TO", "elsewhere", port2], /^ERR FAILOVER target HOST and PORT is not a replica\.$/],
    [[...to, port2, "FORCE"], /^ERR FAILOVER with force option requires both a timeout and target HOST and IP\.$/],
    [["FAILOVER", "FORCE", "TIMEOUT", 9], /^ERR FAILOVER with force option requires both a timeout and target/],
  ];
  for (const [words, error] of refused) await one.client.expect(words, error);
  await replica.client.expect("FAILOVER", /^ERR FAILOVER is not valid when server is a replica\.$/);
  assert.equal(await stateOf(one), "no-failover");
  await one.client.expect("SET a 1", "OK");
});

test("a replica that waits for its snapshot is no target", async () => {
  const one = await start("--rdb-key-save-delay", "1000000", "--repl-diskless-sync", "no");
  await one.client.expect("MSET a 1 b 2 c 3", "OK");
  const replica = await start("--replicaof", "127.0.0.1", String(one.server.port));
  await until("the snapshot", async () => /state=wait_bgsave/.test(await field(one.client, "slave0")));
  await one.client.expect(
    ["FAILOVER", "TO", "127.0.0.1", replica.server.port],
    /^ERR FAILOVER target replica is not online\.$/,
  );
});

test("while a failover is under way no other begins, and nobody changes the role or comes to follow", async () => {
  const { one, two, proxy } = await startPair();
  proxy.stall();
  await one.client.expect("SET a 1", "OK");
  await failover(one, two);
  assert.equal(await stateOf(one), "waiting-for-sync");
  await one.client.expect("FAILOVER", /^ERR FAILOVER already in progress\.$/);
  for (const words of ["REPLICAOF NO ONE", "SLAVEOF 127.0.0.1 1", "REPLICAOF 127.0.0.1 nonsense"]) {
    await one.client.expect(words, /^ERR REPLICAOF not allowed while failing over\.$/);
  }
  for (const words of ["PSYNC ? -1", "SYNC"]) {
    const raw = await one.server.connect();
    await raw.expect(words, /^NOMASTERLINK Can't SYNC while failing over$/);
  }
  await one.client.expect("FAILOVER ABORT", "OK");
  await one.client.expect("REPLICAOF NO ONE", "OK");
});

// --- Handing over ---------------------------------------------------------------------------------------------------

test("the role goes to the replica named, and the old primary follows it without a snapshot", async () => {
  const one = await start();
  const two = await startReplica(one.server.port);
  await writeRandomly(one.client, new Random(1), 1000);
  const before = await fullSyncs(one, two);
  await failover(one, two);
  await untilHandedOver(one, two);
  await one.client.expect("SET a 1", /^READONLY/);
  await writeRandomly(two.client, new Random(2), 1000);
  await expectSame(two.client, one.client);
  assert.equal(await fullSyncs(one, two), before);
  assert.equal(await field(one.client, "master_replid"), await field(two.client, "master_replid"));
  for (
    const line of [
      /FAILOVER requested to 127\.0\.0\.1:\d+\./,
      /Failover target 127\.0\.0\.1:\d+ is synced, failing over\./,
      /Trying a partial resynchronization/,
    ]
  ) await one.server.logged(line);
  await two.server.logged(/Failover request received for replid [0-9a-f]{40}\./);
  await two.server.logged(/MASTER MODE enabled \(failover request from '.*cmd=psync.*'\)/);
  // And back.
  await failover(two, one, "TIMEOUT", "60000");
  await untilHandedOver(two, one);
  await expectSame(one.client, two.client);
  assert.equal(await fullSyncs(one, two), before);
});

test("no write that was acknowledged is lost, and none that was refused is done", async () => {
  const one = await start();
  const two = await startReplica(one.server.port);
  const writer = await one.server.connect();
  let done = 0;
  const writing = (async () => {
    for (;;) {
      for (let i = 0; i < 100; i++) writer.send("INCR", "counter");
      for (let i = 0; i < 100; i++) {
        const reply = await writer.read();
        if (typeof reply === "number") done++;
        else if (i === 99) return reply;
      }
    }
  })();
  await until("writes", () => done > 1000);
  await failover(one, two);
  const last = await writing;
  assert.ok(last instanceof ReplyError && last.message.startsWith("READONLY"), String(last));
  await untilHandedOver(one, two);
  await two.client.expect("GET counter", String(done));
  await expectSame(two.client, one.client);
});

test("without a target the role goes to a replica that has all, not to one that is behind", async () => {
  const one = await start();
  const slow = await startReplica(one.server.port);
  const quick = await startReplica(one.server.port);
  slow.server.signal("SIGSTOP");
  await one.client.expect("SET a 1", "OK");
  await one.client.expect("FAILOVER", "OK");
  await untilHandedOver(one, quick);
  await one.server.logged(/FAILOVER requested to any replica\./);
  slow.server.signal("SIGCONT");
  await untilConnected(slow.client);
  await quick.client.expect("SET b 2", "OK");
  await expectSame(quick.client, slow.client);
});

test("those below the target and beside it go on without a snapshot", async () => {
  const one = await start();
  const target = await startReplica(one.server.port);
  const below = await startReplica(target.server.port);
  const beside = await startReplica(one.server.port);
  const all = [one, target, below, beside];
  await writeRandomly(one.client, new Random(3), 500);
  const before = await fullSyncs(...all);
  await failover(one, target);
  await untilHandedOver(one, target);
  await writeRandomly(target.client, new Random(4), 500);
  for (const { client } of [one, below, beside]) {
    await untilConnected(client);
    await expectSame(target.client, client);
  }
  assert.equal(await fullSyncs(...all), before);
});

test("the configuration is rewritten with the new role, and with the old one after an abort", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tredis-test-"));
  const path = join(folder, "one.conf");
  writeFileSync(path, 'save ""\nrepl-diskless-sync-delay 0\n');
  const server = await ServerProcess.start({ first: [path], folder, args: [] });
  started.push(server);
  const one = { server, client: await server.connect() };
  const target = await startReplica(server.port);
  target.server.signal("SIGSTOP");
  await one.client.expect("SET a 1", "OK");
  await failover(one, target, "TIMEOUT", "1", "FORCE");
  await untilState(one, "failover-in-progress");
  await one.client.expect("CONFIG REWRITE", "OK");
  assert.match(readFileSync(path, "latin1"), new RegExp(`^replicaof 127.0.0.1 ${target.server.port}$`, "m"));
  await one.client.expect("FAILOVER ABORT", "OK");
  await one.client.expect("CONFIG REWRITE", "OK");
  assert.doesNotMatch(readFileSync(path, "latin1"), /replicaof/);
  target.server.signal("SIGCONT");
  await untilConnected(target.client);
});

// --- Where it comes to nothing --------------------------------------------------------------------------------------

test("writes wait for a target that is behind, reads do not; an abort lets them go on", async () => {
  const { one, two, proxy } = await startPair();
  proxy.stall();
  await one.client.expect("SET a 1", "OK");
  const syncs = await field(one.client, "sync_partial_ok");
  await failover(one, two);
  const writer = await holdWrite(one, "SET", "a", "2");
  const publisher = await holdWrite(one, "PUBLISH", "channel", "message");
  await one.client.expect("GET a", "1");
  assert.equal(await stateOf(one), "waiting-for-sync");
  assert.equal(await roleOf(one), "master");
  await one.client.expect("FAILOVER ABORT", "OK");
  assert.equal(await writer.read(), "OK");
  assert.equal(await publisher.read(), 0);
  assert.equal(await stateOf(one), "no-failover");
  assert.equal(await field(one.client, "sync_partial_ok"), syncs, "nobody had to come anew");
  await one.server.logged(/FAILOVER to 127\.0\.0\.1:\d+ aborted: Failover manually aborted/);
  proxy.cut();
  await expectSame(one.client, two.client);
});

test("a target that is still behind when the time is up stays a replica", async () => {
  const { one, two, proxy } = await startPair();
  proxy.stall();
  await one.client.expect("SET a 1", "OK");
  await failover(one, two, "TIMEOUT", "200");
  const writer = await one.server.connect();
  await writer.expect("SET a 2", "OK");
  await untilState(one, "no-failover");
  assert.equal(await roleOf(one), "master");
  await one.server.logged(/FAILOVER to 127\.0\.0\.1:\d+ aborted: Replica never caught up before timeout/);
  proxy.cut();
  await expectSame(one.client, two.client);
});

test("with FORCE it takes the role then, and the old primary drops what it alone has", async () => {
  const { one, two, proxy } = await startPair();
  await one.client.expect("SET both 1", "OK");
  await until("the replica to have it", async () => await two.client.call("GET both") === "1");
  proxy.stall();
  await one.client.expect("SET mine 1", "OK");
  await failover(one, two, "TIMEOUT", "100", "FORCE");
  await untilState(one, "no-failover");
  await one.server.logged(/FAILOVER to 127\.0\.0\.1:\d+ time out exceeded, failing over\./);
  await untilConnected(one.client);
  assert.equal(await roleOf(two), "master");
  await expectSame(two.client, one.client);
  await one.client.expect("MGET both mine", ["1", null]);
});

/** A primary with a replica by hand, which says that it listens where the test wants; a write is not acknowledged yet. */
async function startWithReplicaAt(port: number, ...args: string[]): Promise<{ one: Member; replica: TestClient }> {
  const one = await start(...args);
  const replica = await attachReplica(one.server, port);
  await until("the replica to be online", async () => /state=online/.test(await field(one.client, "slave0")));
  await one.client.expect("SET a 1", "OK");
  return { one, replica };
}

/** Has a replica by hand acknowledge all of the stream, whatever that is, until the state is another. */
async function acknowledgeUntil(one: Member, replica: TestClient, state: string): Promise<void> {
  await until(`the state ${state}`, async () => {
    if (!replica.closed) replica.send("REPLCONF", "ACK", await field(one.client, "master_repl_offset"));
    return await stateOf(one) === state;
  });
}

const REFUSALS: readonly (readonly [what: string, answer: string])[] = [
  ["has another stream", "-ERR PSYNC FAILOVER replid must match my replid.\r\n"],
  ["has been promoted by somebody else", "-ERR PSYNC FAILOVER can't be sent to a master.\r\n"],
  ["is loading", "-LOADING Redis is loading the dataset in memory\r\n"],
  ["has lost its own link", "-NOMASTERLINK Can't SYNC while not connected with my master\r\n"],
  ["does not let us ask", "-NOPERM this user has no permissions to run the 'psync' command\r\n"],
  ["ends the connection", ""],
];

for (const [what, answer] of REFUSALS) {
  test(`a target that ${what}: the primary is that again, and does the writes that waited`, async () => {
    const target = await FakePrimary.start({ answer });
    started.push(target);
    const { one, replica } = await startWithReplicaAt(target.port);
    const [id, offset] = [await field(one.client, "master_replid"), await field(one.client, "master_repl_offset")];
    await one.client.expect(["FAILOVER", "TO", "127.0.0.1", target.port], "OK");
    const writer = await holdWrite(one, "SET", "a", "2");
    await acknowledgeUntil(one, replica, "no-failover");
    assert.equal(await writer.read(), "OK");
    assert.equal(await roleOf(one), "master");
    await one.client.expect("GET a", "2");
    assert.equal(target.asked.length, 1, "it is not asked again, and not for a SYNC");
    const [command, asksFor, from, ...rest] = target.asked[0] as Reply[]; // a request
    assert.deepEqual([command, asksFor, rest], ["PSYNC", id, ["FAILOVER"]]);
    assert.ok(Number(from) > Number(offset), `${from} after ${offset}`);
    await one.server.logged(/FAILOVER to 127\.0\.0\.1:\d+ aborted: Failover target rejected psync request/);
    assert.equal(await field(one.client, "master_replid2"), id, "a stream that continues the one before");
    await until("the replica to be dropped, so that it asks anew", () => replica.closed);
  });
}

test("a target that accepts with a snapshot is followed, and the writes that waited are refused", async () => {
  const empty = "REDIS0010\xff\0\0\0\0\0\0\0\0";
  const answer = `+FULLRESYNC ${ID} 100\r\n$${empty.length}\r\n${empty}`;
  const target = await FakePrimary.start({ answer, staysOpen: true });
  started.push(target);
  const { one, replica } = await startWithReplicaAt(target.port);
  await one.client.expect(["FAILOVER", "TO", "127.0.0.1", target.port], "OK");
  const writer = await holdWrite(one, "SET", "a", "2");
  await acknowledgeUntil(one, replica, "no-failover");
  const reply = await writer.read();
  assert.ok(reply instanceof ReplyError && /^(READONLY|LOADING)/.test(reply.message), String(reply));
  await untilConnected(one.client);
  await one.client.expect("DBSIZE", 0);
  assert.equal(await field(one.client, "master_replid"), ID);
});

test("a target that cannot be reached is tried until it can", async () => {
  const port = await freePort();
  const { one, replica } = await startWithReplicaAt(port);
  await one.client.expect("FAILOVER", "OK");
  const writer = await holdWrite(one, "INCR", "a");
  await acknowledgeUntil(one, replica, "failover-in-progress");
  assert.equal(await roleOf(one), "slave");
  await one.client.expect("INCR a", /^READONLY/);
  await one.client.expect("REPLICAOF NO ONE", /^ERR REPLICAOF not allowed while failing over\.$/);
  await one.client.expect("FAILOVER", /^ERR FAILOVER already in progress\.$/);
  await one.server.logged(/Error condition on socket for SYNC/);
  const target = await FakePrimary.start({ answer: `+CONTINUE ${ID}\r\n`, staysOpen: true, port });
  started.push(target);
  await untilState(one, "no-failover");
  const reply = await writer.read();
  assert.ok(reply instanceof ReplyError && reply.message.startsWith("READONLY"), String(reply));
  await untilConnected(one.client);
  assert.equal(await field(one.client, "master_replid"), ID);
});

test("it can be given up while the target cannot be reached", async () => {
  const port = await freePort();
  const { one, replica } = await startWithReplicaAt(port);
  await one.client.expect("FAILOVER", "OK");
  const writer = await holdWrite(one, "INCR", "a");
  await acknowledgeUntil(one, replica, "failover-in-progress");
  await one.client.expect("FAILOVER ABORT", "OK");
  assert.equal(await writer.read(), 2);
  assert.equal(await roleOf(one), "master");
  await one.server.logged(new RegExp(`FAILOVER to 127\\.0\\.0\\.1:${port} aborted: Failover manually aborted`));
});

test("a target that comes back as this server's replica, and serves nobody without it, stays one", OURS, async () => {
  const port = await freePort();
  const { one, replica } = await startWithReplicaAt(port);
  await one.client.expect("FAILOVER", "OK");
  const writer = await holdWrite(one, "INCR", "a");
  await acknowledgeUntil(one, replica, "failover-in-progress");
  const followsOne = ["--replicaof", "127.0.0.1", String(one.server.port), "--replica-serve-stale-data", "no"];
  const two = await ServerProcess.start({ port, args: [...PROMPT, ...followsOne] });
  started.push(two);
  await untilState(one, "no-failover");
  assert.equal(await writer.read(), 2);
  assert.equal(await roleOf(one), "master");
  const client = await two.connect();
  await untilConnected(client);
  await expectSame(one.client, client);
});

// --- How the target is asked ----------------------------------------------------------------------------------------

test("replicas are asked at once how far they are, and again after a PING", { skip: IS_ORACLE }, async () => {
  const port = await freePort();
  const { one, replica } = await startWithReplicaAt(port, "--repl-ping-replica-period", "1");
  await one.client.expect("FAILOVER", "OK");
  const seen: string[] = [];
  const next = async () => {
    seen.push((await replica.read() as string[]).join(" "));
    return seen[seen.length - 1];
  };
  while (await next() !== "REPLCONF GETACK *");
  while (await next() !== "PING");
  while (await next() !== "REPLCONF GETACK *");
  // As a replica does, which has not applied the question yet.
  const question = "*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n".length;
  await until("the target to be asked", async () => {
    replica.send("REPLCONF", "ACK", Number(await field(one.client, "master_repl_offset")) - question);
    return await stateOf(one) === "failover-in-progress";
  });
  await one.client.expect("FAILOVER ABORT", "OK");
});

test("PSYNC with FAILOVER is refused by a primary, and for another stream", async () => {
  const one = await start();
  const replica = await startReplica(one.server.port);
  const id = await field(one.client, "master_replid");
  const raw = await one.server.connect();
  await raw.expect(["PSYNC", id, 1, "FAILOVER"], /^ERR PSYNC FAILOVER can't be sent to a master\.$/);
  const other = await replica.server.connect();
  await other.expect(["PSYNC", ID, 1, "FAILOVER"], /^ERR PSYNC FAILOVER replid must match my replid\.$/);
  assert.equal(await roleOf(replica), "slave");
  const offset = Number(await field(replica.client, "master_repl_offset"));
  other.send("PSYNC", id.toUpperCase(), String(offset + 1), "failover");
  assert.match(String(await other.read()), /^(CONTINUE|FULLRESYNC)/);
  assert.equal(await roleOf(replica), "master");
  assert.equal(await field(replica.client, "master_replid2"), id);
});

// --- What else is going on ------------------------------------------------------------------------------------------

test("a pause of clients' own neither ends with the failover nor ends it", async () => {
  const { one, two, proxy } = await startPair();
  proxy.stall();
  await one.client.expect("SET a 1", "OK");
  await one.client.expect("CLIENT PAUSE 100000 WRITE", "OK");
  await failover(one, two);
  const writer = await holdWrite(one, "INCR", "a");
  await one.client.expect("CLIENT UNPAUSE", "OK");
  await one.client.expect("GET a", "1");
  assert.equal(await stateOf(one), "waiting-for-sync");
  assert.equal(await field(one.client, "blocked_clients"), "1");
  await one.client.expect("FAILOVER ABORT", "OK");
  assert.equal(await writer.read(), 2);
});

test("the role goes over in the middle of a pause, and the writes that it has held are refused", async () => {
  const one = await start();
  const two = await startReplica(one.server.port);
  await one.client.expect("CLIENT PAUSE 100000 WRITE", "OK");
  const writer = await holdWrite(one, "SET", "a", "1");
  await failover(one, two);
  await untilState(one, "no-failover");
  assert.equal(await roleOf(two), "master");
  await one.client.expect("CLIENT UNPAUSE", "OK");
  const reply = await writer.read();
  assert.ok(reply instanceof ReplyError && reply.message.startsWith("READONLY"), String(reply));
});

test("FAILOVER within a transaction: what the transaction does after it goes over too", async () => {
  const one = await start();
  const two = await startReplica(one.server.port);
  const { client } = one;
  await client.expect("MULTI", "OK");
  for (const words of ["SET a 1", "FAILOVER", "SET b 2"]) await client.expect(words, "QUEUED");
  await client.expect("EXEC", ["OK", "OK", "OK"]);
  await untilHandedOver(one, two);
  await two.client.expect("MGET a b", ["1", "2"]);
  await expectSame(two.client, one.client);
});

test("a transaction that waits is given up when the role has gone", async () => {
  const one = await start();
  const two = await startReplica(one.server.port);
  two.server.signal("SIGSTOP");
  await one.client.expect("SET a 1", "OK");
  const other = await one.server.connect();
  await other.expect("MULTI", "OK");
  await other.expect("SET a 2", "QUEUED");
  await failover(one, two);
  other.send("EXEC");
  await until("EXEC to wait", async () => await field(one.client, "blocked_clients") === "1");
  two.server.signal("SIGCONT");
  const reply = await other.read();
  assert.ok(reply instanceof ReplyError, String(reply));
  assert.match(reply.message, /^EXECABORT Transaction discarded because of: READONLY/);
  await untilHandedOver(one, two);
  await two.client.expect("GET a", "1");
  await other.expect("GET a", "1");
});

test("clients that wait for keys or for replicas are told that the role has gone", async () => {
  const one = await start();
  const two = await startReplica(one.server.port);
  const [pops, waits] = [await one.server.connect(), await one.server.connect()];
  pops.send("BLPOP queue 0");
  await waits.expect("SET a 1", "OK");
  waits.send("WAIT 2 0");
  await until("them to wait", async () => await field(one.client, "blocked_clients") === "2");
  await failover(one, two);
  for (const client of [pops, waits]) {
    const reply = await client.read();
    assert.ok(reply instanceof ReplyError && reply.message.startsWith("UNBLOCKED"), String(reply));
    await until("the end of the connection", () => client.closed);
  }
  await untilHandedOver(one, two);
  await two.client.expect("RPUSH queue x", 1);
  await two.client.expect("LLEN queue", 1);
});

test("clients that wait go on to wait where it comes to nothing before the role is handed over", async () => {
  const { one, two, proxy } = await startPair();
  proxy.stall();
  const [pops, waits] = [await one.server.connect(), await one.server.connect()];
  pops.send("BLPOP queue 0");
  await waits.expect("SET a 1", "OK");
  waits.send("WAIT 1 0");
  await until("them to wait", async () => await field(one.client, "blocked_clients") === "2");
  await failover(one, two);
  const pushes = await holdWrite(one, "RPUSH", "queue", "x");
  await one.client.expect("FAILOVER ABORT", "OK");
  assert.equal(await pushes.read(), 1);
  assert.deepEqual(await pops.read(), ["queue", "x"]);
  proxy.cut();
  assert.equal(await waits.read(), 1);
});

test("a target that leaves cannot come back before the failover is over", async () => {
  const { one, two, proxy } = await startPair();
  proxy.stall();
  await one.client.expect("SET a 1", "OK");
  await failover(one, two);
  proxy.cut();
  await two.server.logged(/Can't SYNC while failing over/);
  assert.equal(await stateOf(one), "waiting-for-sync");
  assert.notEqual(await linkState(two.client), "connected");
  await one.client.expect("FAILOVER ABORT", "OK");
  await expectSame(one.client, two.client);
  await failover(one, two);
  await untilHandedOver(one, two);
});

test("a target that somebody promotes meanwhile is waited for no less", async () => {
  const { one, two, proxy } = await startPair();
  proxy.stall();
  await one.client.expect("SET a 1", "OK");
  await failover(one, two);
  await two.client.expect("REPLICAOF NO ONE", "OK");
  await until("its link to end", async () => await field(one.client, "connected_slaves") === "0");
  assert.equal(await stateOf(one), "waiting-for-sync");
  await one.client.expect("FAILOVER ABORT", "OK");
  await one.client.expect("INCR a", 2);
});

test("a server that waits for a target ends when it is told to", async () => {
  const { one, two, proxy } = await startPair();
  proxy.stall();
  await one.client.expect("SET a 1", "OK");
  await failover(one, two);
  one.client.send("SHUTDOWN NOSAVE");
  await until("the end of the server", () => one.server.exited);
  assert.equal(one.server.exitCode, 0);
  assert.equal(await roleOf(two), "slave");
});

test("a server whose end waits for its replicas hands the role over before it ends, or not, and loses nothing", async () => {
  const one = await start();
  const two = await startReplica(one.server.port);
  await one.client.expect("CONFIG SET shutdown-timeout 60", "OK");
  two.server.signal("SIGSTOP");
  await one.client.expect("SET a 1", "OK");
  await failover(one, two);
  const other = await one.server.connect();
  other.send("SHUTDOWN NOSAVE");
  await one.server.logged(/Waiting for replicas before shutting down/);
  two.server.signal("SIGCONT");
  await until("the end of the server", () => one.server.exited);
  assert.equal(one.server.exitCode, 0);
  await until("the write", async () => await two.client.call("GET a") === "1");
});

test("keys do not expire while writes wait, and are gone for both when the role has gone", async () => {
  const { one, two, proxy } = await startPair();
  proxy.stall();
  const expiry = Date.now() + 300;
  await one.client.expect(["SET", "brief", "1", "PXAT", expiry], "OK");
  await failover(one, two);
  await until("the time to pass", async () => Date.now() > expiry + 20 && await one.client.call("GET brief") === null);
  await one.client.expect("DBSIZE", 1);
  await one.client.expect("FAILOVER ABORT", "OK");
  await until("the key to go", async () => await one.client.call("DBSIZE") === 0);
  proxy.cut();
  await expectSame(one.client, two.client);
});

test("a replica that was started again takes no role over that has come further than what it has loaded", async () => {
  const one = await start();
  const replica = await startReplica(one.server.port);
  await one.client.expect("SET a 1", "OK");
  await one.client.expect("WAIT 1 0", 1);
  await replica.client.expect("SAVE", "OK");
  await replica.server.kill("SIGKILL");
  await one.server.kill("SIGKILL");
  const again = await ServerProcess.start({
    args: [...PROMPT, "--replicaof", "127.0.0.1", String(one.server.port)],
    folder: replica.server.folder,
  });
  started.push(again);
  const member = { server: again, client: await again.connect() };
  const id = await field(member.client, "master_replid");
  const offset = Number(await field(member.client, "slave_repl_offset"));
  assert.ok(offset > 0, "it has loaded how far it was");
  const raw = await again.connect();
  const isBeyond = /^ERR PSYNC FAILOVER offset is beyond what I have loaded\.$/;
  await raw.expect(["PSYNC", id, offset + 2, "FAILOVER"], isBeyond);
  assert.equal(await roleOf(member), "slave");
  raw.send("PSYNC", id, String(offset + 1), "FAILOVER");
  assert.match(String(await raw.read()), /^CONTINUE|^FULLRESYNC/);
  assert.equal(await roleOf(member), "master");
});
