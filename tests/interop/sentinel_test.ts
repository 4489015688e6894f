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
import { expectContinued, GROUP, Group, type Kind, replicasOf, writeSafely } from "./sentinel/group.ts";

const TIMEOUT_MS = 600_000;

const started: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((one) => one.stop()));
});

/** The primary, the replica that is to be promoted, the other one. */
type Pairing = readonly [primary: Kind, next: Kind, other: Kind];

const PAIRINGS: readonly Pairing[] = [
  ["tredis", "redis", "tredis"],
  ["redis", "tredis", "redis"],
];
const FURTHER_PAIRINGS: readonly Pairing[] = [
  ["tredis", "tredis", "tredis"],
  ["tredis", "tredis", "redis"],
  ["tredis", "redis", "redis"],
  ["redis", "tredis", "tredis"],
  ["redis", "redis", "tredis"],
];
const ALL = process.env.SENTINEL_PAIRINGS === "all";

for (const [above, next, other] of ALL ? [...PAIRINGS, ...FURTHER_PAIRINGS] : PAIRINGS) {
  const name = `${above} is killed, ${next} is promoted, ${other} follows it`;
  test(name, { timeout: TIMEOUT_MS }, async (context) => {
    if (!havePeers(context, "redis-server", "redis-sentinel")) return;
    // Of two replicas the one with the lower priority is promoted, but never one with 0.
    const group = await Group.start(started, [
      { kind: above },
      { kind: next, lines: ["replica-priority 10"] },
      { kind: other, lines: ["replica-priority 0"] },
    ]);
    const [one, two, three] = group.members;
    const first = await one.connect();
    await writeRandomly(first, new Random(11), 1000);
    await first.expect("SAVE", "OK");
    await writeSafely(one, "before", 2);
    await one.kill();
    await group.ledBy(two);
    await group.until("the other replica to follow", async () => await three.follows() === two.name);
    await expectContinued(two, three);
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

test("the role is handed over on demand, and back", { timeout: TIMEOUT_MS }, async (context) => {
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
    assert.equal(await sentinel.ask("SENTINEL", "FAILOVER", GROUP), "OK");
    await group.atRest(to);
    await group.until("the client to be cut off", () => client.closed);
    assert.equal(await to.ask("GET", `written on ${from.port}`), "1");
    await group.expectEqualTo(to);
    await group.expectConfigured(to);
    // Those who failed over rest for a while before they do again, unless they are told otherwise.
    await group.until("the sentinel to be free", async () => {
      const replicas = await replicasOf(sentinel);
      return [...replicas.values()].every((replica) => replica.get("flags") === "slave");
    });
  }
});
