/**
 * A primary, its replicas and three sentinels that watch them, each a process of its own with a configuration file that it
 * rewrites. The tests of failovers start one, harm it, and wait until it has come to rest again.
 */

import assert from "node:assert/strict";
import { expectEqual } from "../../integration/data_set.ts";
import { until } from "../../integration/server_process.ts";
import { Member, type MemberOptions, pairs } from "./member.ts";
import { LOOPBACK, type Place } from "./place.ts";

/** Redis itself, or the server under test. */
export type Kind = "redis" | "tredis";

/** What the sentinels call the group. */
export const GROUP = "group";
const SENTINELS = 3;
const QUORUM = 2;
/** What a step may take on a stalled machine, where Sentinel's own timers and retries add up. */
const PATIENCE_MS = 180_000;
/** What of a log is shown where a condition never came. */
const SHOWN_LINES = 25;

/** Silence after which Sentinel takes a server for dead: long enough that a machine with much to do is none. */
const DOWN_AFTER_MS = 2000;
/** What a step of a failover may take; after twice that, another sentinel tries. */
const FAILOVER_TIMEOUT_MS = 10_000;
/**
 * Sentinel's own times, made short so that tests are quick. By default it looks at a replica every 10 s, waits for four
 * publishing periods, 8 s, before it converts a primary that has returned, and rests for 30 s (TILT) whenever the machine
 * has kept it from running for 2 s.
 */
const TIMES_MS = {
  "info-period": 1000,
  "publish-period": 500,
  "tilt-trigger": 600_000,
  "tilt-period": 1000,
};

/** A server of the group to be. */
export interface Plan {
  readonly kind: Kind;
  /** Further lines of its configuration. */
  readonly lines?: readonly string[];
  readonly place?: Place;
  /** The address that it announces, if that is another than its own. */
  readonly announced?: string;
  /** Whom it follows, by its place in the list: the first, where that is not said. */
  readonly below?: number;
}

export interface GroupOptions {
  /** What clients, replicas and sentinels must say to the servers. */
  readonly password?: string;
}

export class Group {
  /** The servers, in the order of the plan. */
  readonly members: Member[] = [];
  readonly sentinels: Member[] = [];

  /** Starts the servers, the first as the primary, then the sentinels, and waits until all know of all. */
  static async start(
    started: { stop(): Promise<void> | void }[],
    plans: readonly Plan[],
    options: GroupOptions = {},
  ): Promise<Group> {
    const group = new Group();
    started.push(group);
    for (const plan of plans) group.members.push(await Member.start(memberOptions(group, plan, options)));
    const [primary] = group.members;
    for (let i = 0; i < SENTINELS; i++) {
      const place = plans[i % plans.length].place ?? LOOPBACK;
      group.sentinels.push(await Member.start(sentinelOptions(primary, place, options)));
    }
    await group.hurry();
    // The sentinels learn of those who follow the primary itself.
    await group.atRest(primary, group.members.filter((_, i) => i > 0 && (plans[i].below ?? 0) === 0));
    return group;
  }

  /** Makes the sentinels' times short. One before 7.0 refuses that: tests only take longer. */
  async hurry(): Promise<void> {
    for (const sentinel of this.sentinels) await sentinel.ask("SENTINEL", "DEBUG", ...Object.entries(TIMES_MS).flat());
  }

  /** Ends all processes, and removes their folders. */
  async stop(): Promise<void> {
    await Promise.all([...this.sentinels, ...this.members].map((one) => one.stop()));
  }

  /** Waits for a condition; in vain, the error shows what everybody was about. */
  async until<T>(what: string, condition: () => Promise<T> | T): Promise<NonNullable<T>> {
    const all = [...this.sentinels, ...this.members];
    try {
      return await until(what, () => {
        const crashed = all.find((one) => one.hasCrashed);
        assert.ok(crashed === undefined, `${crashed?.name} has ended`);
        return condition();
      }, PATIENCE_MS);
    } catch (cause) {
      const logs = all
        .map((one) => `${one.name}:\n${one.log.split("\n").slice(-SHOWN_LINES).join("\n")}`);
      throw new Error(`waited in vain for ${what}\n${logs.join("\n\n")}`, { cause });
    }
  }

  /** Waits until all sentinels, or some of them, name a primary, which knows that it is the one. */
  async ledBy(primary: Member, sentinels: readonly Member[] = this.sentinels): Promise<void> {
    await this.until(`all to take ${primary.name} for the primary`, async () => {
      for (const sentinel of sentinels) if (await primaryOf(sentinel) !== primary.name) return false;
      return await primary.isPrimary();
    });
  }

  /** Waits until the others, or some, follow a primary, and the sentinels have seen that, and nothing is left to be done. */
  async atRest(primary: Member, others = this.members.filter((one) => one !== primary)): Promise<void> {
    await this.ledBy(primary);
    for (const one of others) await this.following(one, primary);
    await this.until(`the sentinels to find all well below ${primary.name}`, async () => {
      for (const sentinel of this.sentinels) if (!await findsAllWell(sentinel, primary, others)) return false;
      return true;
    });
  }

  /** Waits until a replica's link to its primary is up. */
  async following(replica: Member, primary: Member): Promise<void> {
    await this.until(`${replica.name} to follow`, async () => await replica.follows() === primary.name);
  }

  /** Compares everybody's data with the primary's. */
  async expectEqualTo(primary: Member): Promise<void> {
    const above = await primary.connect();
    for (const one of this.members) if (one !== primary) await expectEqual(above, await one.connect());
    above.close();
  }

  /** Checks that the configuration files name the roles that there are now. */
  async expectConfigured(primary: Member): Promise<void> {
    for (const one of this.members) {
      const expected = one === primary ? "" : primary.name;
      await this.until(`${one.name} to have written down its role`, () => one.configuredPrimary === expected);
    }
  }
}

function memberOptions(
  group: Group,
  { kind, lines, place, below, announced }: Plan,
  { password }: GroupOptions,
): MemberOptions {
  const above = group.members[below ?? 0];
  return {
    ...(kind === "redis" ? { program: "redis-server" } : {}),
    ...(password === undefined ? {} : { password }),
    ...(announced === undefined ? {} : { announced }),
    place: place ?? LOOPBACK,
    lines: [
      'save ""',
      "protected-mode no",
      "enable-debug-command yes",
      "repl-diskless-sync-delay 0",
      ...(password === undefined ? [] : [`requirepass ${password}`, `masterauth ${password}`]),
      ...(above === undefined ? [] : [`replicaof ${above.host} ${above.port}`]),
      ...(announced === undefined ? [] : [`replica-announce-ip ${announced}`]),
      ...(lines ?? []),
    ],
  };
}

function sentinelOptions(primary: Member, place: Place, { password }: GroupOptions): MemberOptions {
  return {
    program: "redis-sentinel",
    place,
    lines: [
      "protected-mode no",
      `sentinel monitor ${GROUP} ${primary.host} ${primary.port} ${QUORUM}`,
      `sentinel down-after-milliseconds ${GROUP} ${DOWN_AFTER_MS}`,
      `sentinel failover-timeout ${GROUP} ${FAILOVER_TIMEOUT_MS}`,
      `sentinel parallel-syncs ${GROUP} 1`,
      ...(password === undefined ? [] : [`sentinel auth-pass ${GROUP} ${password}`]),
    ],
  };
}

/** Whom a sentinel takes for the primary. */
export async function primaryOf(sentinel: Member): Promise<string> {
  const reply = await sentinel.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", GROUP);
  return Array.isArray(reply) ? reply.join(":") : "";
}

/** What a sentinel knows of the replicas, by their addresses. */
export async function replicasOf(sentinel: Member): Promise<ReadonlyMap<string, ReturnType<typeof pairs>>> {
  const reply = await sentinel.ask("SENTINEL", "REPLICAS", GROUP);
  const replicas = Array.isArray(reply) ? reply.map(pairs) : [];
  return new Map(replicas.map((one) => [`${one.get("ip")}:${one.get("port")}`, one]));
}

/** Whether a sentinel sees the primary, the other sentinels, and these replicas with their links up. */
async function findsAllWell(sentinel: Member, primary: Member, replicas: readonly Member[]): Promise<boolean> {
  const state = await sentinel.askPairs("SENTINEL", "MASTER", GROUP);
  if (state.get("flags") !== "master" || state.get("num-other-sentinels") !== String(SENTINELS - 1)) return false;
  const known = await replicasOf(sentinel);
  return replicas.every((one) => {
    const seen = known.get(one.name);
    return seen?.get("flags") === "slave" && seen.get("master-link-status") === "ok" &&
      `${seen.get("master-host")}:${seen.get("master-port")}` === primary.name;
  });
}

/** How many snapshots a server has given to replicas. */
export async function snapshotsGiven(primary: Member): Promise<number> {
  return Number((await primary.info("stats")).get("sync_full"));
}

/**
 * Checks that a replica went on with a new primary without a snapshot, which has given so many before. One that had come
 * further than the new primary when that was promoted cannot, and is given one.
 */
export async function expectContinued(primary: Member, replica: Member, givenBefore: number): Promise<void> {
  const asked = [...replica.log.matchAll(/Trying a partial resynchronization \(request ([0-9a-f]{40}):(\d+)\)/g)].at(
    -1,
  );
  assert.ok(asked !== undefined, `${replica.name} has asked for the rest of the stream`);
  const stream = await primary.info("replication");
  const isFurther = asked[1] === stream.get("master_replid2") &&
    Number(asked[2]) > Number(stream.get("second_repl_offset"));
  if (isFurther) return;
  assert.equal(await snapshotsGiven(primary), givenBefore, `${replica.name} was given a snapshot`);
  const continued = Number((await primary.info("stats")).get("sync_partial_ok"));
  assert.ok(continued > 0, `${replica.name} was given the rest of the stream`);
}

/** Writes a key, and waits until so many replicas have it. */
export async function writeSafely(primary: Member, key: string, replicas: number): Promise<void> {
  const client = await primary.connect();
  await client.expect(["SET", key, "1"], "OK");
  await until(
    `${key} to be on ${replicas} replicas`,
    async () => await client.call("WAIT", replicas, 1000) === replicas,
  );
  client.close();
}
