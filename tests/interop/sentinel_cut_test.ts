/**
 * Networks that are cut: a primary, with a client that knows no better, is lost to its replicas and to the sentinels. They
 * promote another; when it can be reached again there is one primary, and one history.
 */

import assert from "node:assert/strict";
import process from "node:process";
import { afterEach, test } from "node:test";
import { Random, writeRandomly } from "../integration/data_set.ts";
import { ReplyError } from "../integration/test_client.ts";
import { havePeers, type Skippable } from "./peers.ts";
import { Group, type Kind, writeSafely } from "./sentinel/group.ts";
import { Network, NoNetworkError } from "./sentinel/network.ts";

const TIMEOUT_MS = 600_000;

const started: { stop(): Promise<void> | void }[] = [];
afterEach(async () => {
  // What runs in a namespace ends before that.
  for (const one of started.splice(0).reverse()) await one.stop();
});

/** A network of three machines; without one, because the system refuses, the test is skipped. */
function startNetwork(context: Skippable): Network | null {
  try {
    const network = Network.start(3);
    started.push(network);
    return network;
  } catch (error) {
    if (!(error instanceof NoNetworkError)) throw error;
    context.skip(error.message);
    return null;
  }
}

const GROUPS: readonly (readonly Kind[])[] = process.env.SENTINEL_PAIRINGS === "all"
  ? [["tredis", "redis", "tredis"], ["tredis", "tredis", "tredis"], ["redis", "tredis", "tredis"]]
  : [["tredis", "redis", "tredis"]];

for (const kinds of GROUPS) {
  const name = `${kinds[0]} is cut off from ${kinds.slice(1).join(" and ")}, and comes back without what it took alone`;
  test(name, { timeout: TIMEOUT_MS }, async (context) => {
    if (!havePeers(context, "redis-server", "redis-sentinel")) return;
    const network = startNetwork(context);
    if (network === null) return;
    const { machines } = network;
    const group = await Group.start(started, [
      { kind: kinds[0], place: machines[0] },
      { kind: kinds[1], place: machines[1], lines: ["replica-priority 20"] },
      { kind: kinds[2], place: machines[2], lines: ["replica-priority 10"] },
    ]);
    const [one, two, three] = group.members;
    await writeRandomly(await one.connect(), new Random(31), 500);
    await writeSafely(one, "before", 2);

    machines[0].cut();
    assert.equal(await one.ask("SET alone 1"), "OK");
    await group.ledBy(three, group.sentinels.slice(1));
    assert.equal(await three.ask("GET before"), "1");
    await writeRandomly(await three.connect(), new Random(32), 500);
    assert.equal(await one.ask("SET alone 2"), "OK");
    assert.ok(await one.isPrimary(), "nobody has told it");
    machines[0].heal();
    await group.atRest(three);
    assert.equal(await one.ask("EXISTS alone"), 0);
    await group.expectEqualTo(three);
    await group.expectConfigured(three);

    // A primary that must have a replica takes no writes alone, or only until the time is up in which it should hear of one.
    for (const setting of ["min-replicas-max-lag 1", "min-replicas-to-write 1"]) {
      assert.equal(await three.ask(`CONFIG SET ${setting}`), "OK");
    }
    await group.until("a write to be taken", async () => await three.ask("SET together 1") === "OK");
    await writeSafely(three, "together", 2); // it may have been taken for the one replica that is not promoted
    machines[2].cut();
    await group.until("writes to be refused", async () => {
      const reply = await three.ask("SET alone 3");
      return reply instanceof ReplyError && reply.message.startsWith("NOREPLICAS");
    });
    await group.ledBy(two, group.sentinels.slice(0, 2));
    assert.ok(await three.ask("SET alone 4") instanceof ReplyError);
    machines[2].heal();
    await group.atRest(two);
    assert.equal(await two.ask("GET together"), "1");
    assert.equal(await three.ask("EXISTS alone"), 0);
    await group.expectEqualTo(two);
  });
}
