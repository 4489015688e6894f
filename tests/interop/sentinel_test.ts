/**
 * Groups of tredis and redis-server, mixed, that an unmodified redis-sentinel watches: the primary is killed, or has to
 * hand its role over, and everybody goes on with the right one.
 *
 * SENTINEL_PAIRINGS=all tries all pairings of the two, which takes some minutes.
 */

import assert from "node:assert/strict";
import process from "node:process";
import { afterEach, test } from "node:test";
import { Random, writeRandomly } from "../integration/data_set.ts";
import { ReplyError } from "../integration/test_client.ts";
import { havePeers } from "./peers.ts";
import { expectContinued, GROUP, Group, type Kind, replicasOf, snapshotsGiven, writeSafely } from "./sentinel/group.ts";

/** Whether all that can be tried is tried. */
const ALL = process.env.SENTINEL_PAIRINGS === "all";
const TIMEOUT_MS = 600_000;

const started: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((one) => one.stop()));
});

/** The primary, the replica that is to be promoted, the other one, and whether they keep an append-only file. */
type Pairing = readonly [primary: Kind, next: Kind, other: Kind, log?: "logging"];

const PAIRINGS: readonly Pairing[] = ALL
  ? [
    ["tredis", "tredis", "redis"],
    ["tredis", "tredis", "tredis"],
    ["tredis", "redis", "tredis"],
    ["tredis", "redis", "redis"],
    ["redis", "tredis", "redis"],
    ["redis", "tredis", "tredis"],
    ["redis", "redis", "tredis"],
    ["tredis", "tredis", "redis", "logging"],
    ["redis", "tredis", "tredis", "logging"],
  ]
  : [["tredis", "tredis", "redis"]];

for (const [above, next, other, log] of PAIRINGS) {
  const name = `${above} is killed, ${next} is promoted, ${other} follows it${
    log === undefined ? "" : ", all logging"
  }`;
  test(name, { timeout: TIMEOUT_MS }, async (context) => {
    if (!havePeers(context, "redis-server", "redis-sentinel")) return;
    // Of two replicas the one with the lower priority is promoted, but never one with 0.
    const lines = log === undefined ? [] : ["appendonly yes"];
    const group = await Group.start(started, [
      { kind: above, lines },
      { kind: next, lines: [...lines, "replica-priority 10"] },
      { kind: other, lines: [...lines, "replica-priority 0"] },
    ], { password: "secret" });
    const [one, two, three] = group.members;
    const first = await one.connect();
    await writeRandomly(first, new Random(11), 1000);
    await first.expect("SAVE", "OK");
    await writeSafely(one, "before", 2);
    await one.kill();
    await group.ledBy(two);
    await group.following(three, two);
    await expectContinued(two, three, 0);
    assert.equal(await two.ask("GET before"), "1");
    await writeRandomly(await two.connect(), new Random(12), 1000);

    // The old primary comes back as one, takes a write, and is told whom to follow: the write is gone.
    await one.startAgain();
    const alone = await one.ask("SET alone 1");
    assert.ok(alone === "OK" || alone instanceof ReplyError, String(alone));
    await group.atRest(two);
    assert.equal(await two.ask("EXISTS alone"), 0);
    await group.expectEqualTo(two);
    await group.expectConfigured(two);

    // After a restart of all, the roles are what they were.
    await writeSafely(two, "after", 2);
    for (const member of group.members) assert.equal(await member.ask("SAVE"), "OK");
    const all = [...group.sentinels, ...group.members];
    await Promise.all(all.map((each) => each.kill()));
    await Promise.all(all.map((each) => each.startAgain()));
    await group.hurry();
    await group.atRest(two);
    assert.equal(await two.ask("GET after"), "1");
    await group.expectEqualTo(two);
  });
}

test("the role is handed over on demand, and back", { skip: !ALL, timeout: TIMEOUT_MS }, async (context) => {
  if (!havePeers(context, "redis-server", "redis-sentinel")) return;
  const group = await Group.start(started, [
    { kind: "tredis", lines: ["replica-priority 20"] },
    { kind: "redis", lines: ["replica-priority 10"] },
    { kind: "tredis", lines: ["replica-priority 30"] },
  ]);
  const [one, two] = group.members;
  const [sentinel] = group.sentinels;
  const random = new Random(21);
  for (const [from, to] of [[one, two], [two, one]]) {
    const client = await from.connect();
    await writeRandomly(client, random, 500);
    await writeSafely(from, `written on ${from.port}`, 2);
    await group.until(
      "the sentinel to be free",
      async () => await sentinel.ask("SENTINEL", "FAILOVER", GROUP) === "OK",
    );
    await group.atRest(to);
    await group.until("the client to be cut off", () => client.closed);
    assert.equal(await to.ask("GET", `written on ${from.port}`), "1");
    await group.expectEqualTo(to);
    await group.expectConfigured(to);
  }
});

test(
  "a primary that hangs finds, when it goes on, that it is none",
  { skip: !ALL, timeout: TIMEOUT_MS },
  async (context) => {
    if (!havePeers(context, "redis-server", "redis-sentinel")) return;
    const group = await Group.start(started, [{ kind: "tredis" }, { kind: "redis" }, { kind: "tredis" }]);
    const [one, two, three] = group.members;
    await two.ask("CONFIG SET replica-priority 0");
    const client = await one.connect();
    await writeRandomly(client, new Random(51), 500);
    await writeSafely(one, "before", 2);
    one.signal("SIGSTOP");
    client.send("SET alone 1");
    await group.ledBy(three);
    await writeRandomly(await three.connect(), new Random(52), 500);
    one.signal("SIGCONT");
    await group.atRest(three);
    assert.equal(await one.ask("EXISTS alone"), 0);
    await group.expectEqualTo(three);
    await group.expectConfigured(three);
  },
);

for (const [above, middle, below] of [["redis", "tredis", "redis"], ["tredis", "redis", "tredis"]] as const) {
  const name = `${middle} is promoted, which had ${below} below it, when ${above} above it is killed`;
  test(name, { skip: !ALL, timeout: TIMEOUT_MS }, async (context) => {
    if (!havePeers(context, "redis-server", "redis-sentinel")) return;
    const group = await Group.start(started, [{ kind: above }, { kind: middle }, { kind: below, below: 1 }]);
    const [one, two, three] = group.members;
    await group.following(three, two);
    await writeRandomly(await one.connect(), new Random(41), 1000);
    await writeSafely(one, "before", 1);
    const given = await snapshotsGiven(two);
    await one.kill();
    await group.ledBy(two);
    await group.following(three, two);
    await expectContinued(two, three, given);
    await one.startAgain();
    await group.atRest(two);
    assert.equal(await three.ask("GET before"), "1");
    await group.expectEqualTo(two);
    await group.expectConfigured(two);
  });
}

test("a primary is known by the address that it announces", { skip: !ALL, timeout: TIMEOUT_MS }, async (context) => {
  if (!havePeers(context, "redis-server", "redis-sentinel")) return;
  const group = await Group.start(started, [
    { kind: "redis" },
    { kind: "tredis", announced: "127.0.0.2", lines: ["replica-priority 10"] },
    { kind: "tredis", announced: "127.0.0.3" },
  ]);
  const [one, two, three] = group.members;
  await one.kill();
  await group.ledBy(two);
  await group.following(three, two);
  await one.startAgain();
  await group.atRest(two);
  // One that is not to be announced is watched, and clients are not told of it.
  assert.equal(await three.ask("CONFIG SET replica-announced no"), "OK");
  for (const sentinel of group.sentinels) {
    await group.until("it to be hidden", async () => !(await replicasOf(sentinel)).has(three.name));
    const state = await sentinel.askPairs("SENTINEL", "MASTER", GROUP);
    assert.equal(state.get("num-slaves"), "2");
  }
});

test(
  "nobody is promoted whose priority is 0, until there is one",
  { skip: !ALL, timeout: TIMEOUT_MS },
  async (context) => {
    if (!havePeers(context, "redis-server", "redis-sentinel")) return;
    const lines = ["replica-priority 0"];
    const group = await Group.start(started, [{ kind: "tredis" }, { kind: "tredis", lines }, { kind: "redis", lines }]);
    const [one, two, three] = group.members;
    for (const sentinel of group.sentinels) await sentinel.ask("SENTINEL", "SET", GROUP, "failover-timeout", "2000");
    await one.kill();
    await group.until("the failover to be given up", () => {
      return group.sentinels.some((sentinel) => sentinel.log.includes("-failover-abort-no-good-slave"));
    });
    for (const replica of [two, three]) assert.ok(!await replica.isPrimary());
    assert.equal(await two.ask("CONFIG SET replica-priority 1"), "OK");
    await group.ledBy(two);
    await group.following(three, two);
    await one.startAgain();
    await group.atRest(two);
    await group.expectEqualTo(two);
  },
);
