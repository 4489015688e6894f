/**
 * A chain of replication, tredis and redis-server mixed: who follows whom, how that changes, and how all come to rest and
 * agree. What befalls it is in chain_storm.ts and chain_trials.ts.
 */

import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../integration/server_process.ts";
import { ReplyError, type TestClient } from "../integration/test_client.ts";
import { delay } from "./delay.ts";
import { ChainMember, type MemberPlan } from "./chain_member.ts";

/** What it may take until all have come to rest, on a machine with much to do, in ms. */
const PATIENCE_MS = 60_000;
/** A failover that takes longer is given up, in ms. */
const FAILOVER_MS = 15_000;
const DATABASES = 16;
/** Their names, in what is written (see differential/values.ts). */
const HYPERLOGLOGS = "p[1-3]";
/** What of each log is shown where something is wrong. */
const SHOWN_LINES = 60;
const SHOWN_KEYS = 20;

export class Chain {
  readonly members: ChainMember[] = [];
  readonly #events: string[] = [];
  readonly #startedMs = Date.now();
  /** A failover of which the outcome is not known. */
  #failover: { readonly from: ChainMember; readonly to: ChainMember } | null = null;

  /** Starts the servers; `above` has for each, by its place in the list, whom it follows (-1: nobody). */
  async start(plans: readonly MemberPlan[], above: readonly number[]): Promise<void> {
    for (const [i, plan] of plans.entries()) {
      this.members.push(await ChainMember.start(plan, this.members[above[i]] ?? null));
    }
  }

  async remove(): Promise<void> {
    await Promise.all(this.members.map((member) => member.remove()));
  }

  get primary(): ChainMember {
    const primary = this.members.find(({ above }) => above === null);
    if (primary === undefined) throw new Error("nobody is the primary");
    return primary;
  }

  get replicas(): ChainMember[] {
    return this.members.filter(({ above }) => above !== null);
  }

  below(member: ChainMember): ChainMember[] {
    return this.members.filter(({ above }) => above === member);
  }

  /** Whom a member may follow: nobody who, by way of others, follows it. */
  candidates(member: ChainMember): ChainMember[] {
    return this.members.filter((one) => {
      for (let at: ChainMember | null = one; at !== null; at = at.above) if (at === member) return false;
      return true;
    });
  }

  /** Keeps in mind what has befallen. */
  note(event: string): void {
    this.#events.push(`${((Date.now() - this.#startedMs) / 1000).toFixed(2)} s: ${event}`);
  }

  // --- Roles ----------------------------------------------------------------------------------------------------------

  /** Tells a member to follow another, which is not below it. */
  async follow(member: ChainMember, above: ChainMember): Promise<void> {
    this.note(`${member.name} is to follow ${above.name}`);
    member.above = above;
    await member.revive();
    await member.do("REPLICAOF", "127.0.0.1", above.door.port);
  }

  /** A replica becomes the primary. The old one is to follow it, if it is there; where it is not, when it comes back. */
  async promote(member: ChainMember): Promise<void> {
    const old = this.primary;
    this.note(`${member.name} becomes the primary`);
    await member.revive();
    await member.do("REPLICAOF", "NO", "ONE");
    member.above = null;
    if (old.state === "dead") old.above = member;
    else await this.follow(old, member);
  }

  /** Has the primary hand its role over, if it will; what comes of that is learned later. */
  async handOver(to: ChainMember, timeoutMs: number, isForced: boolean): Promise<boolean> {
    const from = this.primary;
    const force = isForced ? ["FORCE"] : [];
    const reply = await from.ask("FAILOVER", "TO", "127.0.0.1", to.door.port, "TIMEOUT", timeoutMs, ...force);
    this.note(
      `${from.name} is to hand its role over to ${to.name}: ${reply instanceof ReplyError ? reply.message : reply}`,
    );
    if (reply === "OK") this.#failover = { from, to };
    return reply === "OK";
  }

  /** Waits until a failover has come to its end, and learns who is the primary now. */
  async learnRoles(): Promise<void> {
    const failover = this.#failover;
    if (failover === null) return;
    this.#failover = null;
    const { from, to } = failover;
    await Promise.all([from.revive(), to.revive()]);
    const isOver = async () => (await from.process.info("replication")).get("master_failover_state") === "no-failover";
    for (const deadlineMs = Date.now() + FAILOVER_MS; !await isOver(); await delay(20)) {
      if (Date.now() > deadlineMs) await from.ask("FAILOVER", "ABORT");
    }
    const hasTaken = await to.process.isPrimary();
    if (hasTaken || !await from.process.isPrimary()) {
      // Who was killed once it had the role, before anybody knew, has come back as the replica that it was.
      if (!hasTaken) await to.do("REPLICAOF", "NO", "ONE");
      to.above = null;
      from.above = to;
    }
    this.note(`${this.primary.name} is the primary`);
  }

  // --- Rest -----------------------------------------------------------------------------------------------------------

  /** All that was done to servers and links ends, and everybody is told again whom to follow, if it does not. */
  async heal(): Promise<void> {
    this.note("all is healed");
    for (const { door } of this.members) door.clear();
    await Promise.all(this.members.map((member) => member.revive()));
    await this.learnRoles();
    for (const member of this.members) {
      await member.ask("CLIENT", "UNPAUSE");
      const role = await member.ask("ROLE");
      const [isPrimary, port] = Array.isArray(role) ? [role[0] === "master", role[2]] : [false, 0];
      if (member.above === null) {
        if (!isPrimary) throw new Error(`${member.name} should be the primary: ${role}`);
      } else if (isPrimary || port !== member.above.door.port) await this.follow(member, member.above);
    }
  }

  /** Waits until all links are up. One that is held up keeps those below from following it. */
  async untilConnected(): Promise<void> {
    for (const member of this.replicas) {
      await this.until(`${member.name} to follow ${member.above?.name}`, async () => {
        for (const one of this.replicas) await acceptWhatIsGuarded(one);
        return await member.isConnected();
      });
    }
  }

  /** Waits for a condition. A server that ends meanwhile has crashed. */
  async until(what: string, condition: () => Promise<boolean> | boolean): Promise<void> {
    await until(what, () => {
      const crashed = this.members.find(({ process, state }) => process.hasCrashed && state !== "dead");
      if (crashed !== undefined) throw new Error(`${crashed.name} has ended`);
      return condition();
    }, PATIENCE_MS);
  }

  /**
   * Waits until all replicas have what the primary has written by now. An offset alone may be one of a stream that the
   * primary has lost.
   */
  async untilCaughtUp(): Promise<void> {
    const stream = await this.primary.process.info("replication");
    const [id, written] = [stream.get("master_replid"), Number(stream.get("master_repl_offset"))];
    await this.until(`all to have come to ${written} of ${id}`, async () => {
      for (const member of this.replicas) {
        const info = await member.process.info("replication");
        const isThere = info.get("master_replid") === id && Number(info.get("slave_repl_offset")) >= written;
        if (!isThere || !await member.isConnected()) return false;
      }
      return true;
    });
  }

  /** Nobody writes: all come to rest, and must have the same. Keys that expire stay meanwhile, so that nothing differs for that. */
  async expectSame(): Promise<void> {
    for (const member of this.members) await member.do("DEBUG", "SET-ACTIVE-EXPIRE", 0);
    await this.untilConnected();
    await countHyperLogLogs(this.primary);
    await this.untilCaughtUp();
    await Promise.all(this.replicas.map(countHyperLogLogs));
    const digests = await Promise.all(this.members.map((member) => member.do("DEBUG", "DIGEST")));
    const expected = digests[this.members.indexOf(this.primary)];
    for (const other of this.members.filter((_, i) => digests[i] !== expected)) {
      const { found, signs } = await differences(this.primary, other);
      if (found.length === 0 && signs > 0) continue;
      const named = this.members.map(({ name }, i) => `${name} ${digests[i]}`).join(", ");
      throw new Error(`data differs: ${named}; of ${this.primary.name} | ${other.name}:\n${found.join("\n")}`);
    }
    for (const member of this.members) await member.do("DEBUG", "SET-ACTIVE-EXPIRE", 1);
  }

  /** All that there is to tell of what has befallen; the whole logs are left in files. */
  describe(): string {
    const folder = mkdtempSync(join(tmpdir(), "tredis-chain-"));
    for (const { log, name } of this.members) writeFileSync(join(folder, `${name}.log`), log);
    const servers = this.members.map(({ above, log, name, plan, process, state }) =>
      `--- ${name} (${plan.kind}, port ${process.port}, ${state}, follows ${above?.name ?? "nobody"}, ` +
      `${[...plan.settings].join(" ")}):\n${log.split("\n").slice(-SHOWN_LINES).join("\n")}`
    );
    return [...this.#events, ...servers, `The whole logs are in ${folder}`].join("\n");
  }
}

/** A replica holds the data of a primary up that came back without any: as its operator, has it taken. */
async function acceptWhatIsGuarded(member: ChainMember): Promise<void> {
  const info = await member.process.info("replication");
  const id = info.get("master_sync_guarded_replid");
  if (info.get("master_sync_guarded") === "1" && id !== undefined) await member.ask("REPLICAOF", "ACCEPT", id);
}

/**
 * Has each HyperLogLog count. The count is kept in it by whoever is asked, be that a replica, as one is that was the primary
 * when a client it has held up asked.
 */
async function countHyperLogLogs(member: ChainMember): Promise<void> {
  const client = await member.process.connect();
  for (let database = 0; database < DATABASES; database++) {
    await client.expect(["SELECT", database], "OK");
    const keys = await client.call("KEYS", HYPERLOGLOGS) as string[]; // KEYS replies with an array of strings
    for (const key of keys) client.send("PFCOUNT", key);
    for (const _ of keys) await client.read(); // it may be of another type by now
  }
  client.close();
}

interface Differences {
  /** What differs, in words. */
  readonly found: readonly string[];
  /** Sorted sets that only differ in the sign of a score of nought, which a listpack does not keep. */
  readonly signs: number;
}

/** Keys of which the values differ. Quickly, as some are about to expire, and are found by name alone then. */
async function differences(one: ChainMember, other: ChainMember): Promise<Differences> {
  const clients = [await one.process.connect(), await other.process.connect()] as const;
  const found: string[] = [];
  let signs = 0;
  for (let database = 0; database < DATABASES && found.length < SHOWN_KEYS; database++) {
    for (const client of clients) await client.expect(["SELECT", database], "OK");
    // Of keys whose time has passed nothing else tells.
    const sizes = await Promise.all(clients.map((client) => client.call("DBSIZE")));
    if (sizes[0] !== sizes[1]) found.push(`database ${database} has keys: ${sizes[0]} | ${sizes[1]}`);
    const keys = new Set((await Promise.all(clients.map((client) => keysOf(client, database)))).flat());
    const [ones, others] = await Promise.all(clients.map((client) => valuesOf(client, [...keys])));
    for (const [i, key] of [...keys].entries()) {
      if (ones[i] === others[i]) continue;
      const [scores, otherScores] = await Promise.all(clients.map((client) => scoresOf(client, key)));
      const isSign = scores !== null && scores === otherScores && expiryOf(ones[i]) === expiryOf(others[i]);
      if (isSign) signs++;
      else found.push(`database ${database}, ${JSON.stringify(key)}: ${ones[i]} | ${others[i]}`);
    }
  }
  for (const client of clients) client.close();
  return { found: found.slice(0, SHOWN_KEYS), signs };
}

/** Members and scores of a sorted set, of which a nought has no sign; null where it is none. */
async function scoresOf(client: TestClient, key: string): Promise<string | null> {
  const reply = await client.call("ZRANGE", key, 0, -1, "WITHSCORES");
  if (!Array.isArray(reply) || reply.length === 0) return null;
  return JSON.stringify(reply.map((text, i) => i % 2 === 1 && text === "-0" ? "0" : text));
}

/** The expiry among what `valuesOf` tells of a key. */
function expiryOf(value: string): string | undefined {
  return value.split(" ").at(-1);
}

async function keysOf(client: TestClient, database: number): Promise<string[]> {
  await client.expect(["SELECT", database], "OK");
  return await client.call("KEYS", "*") as string[]; // KEYS replies with an array of strings
}

/** Digests, types and expiries of keys. */
async function valuesOf(client: TestClient, keys: readonly string[]): Promise<string[]> {
  for (const key of keys) {
    client.send("DEBUG", "DIGEST-VALUE", key);
    client.send("TYPE", key);
    client.send("PEXPIRETIME", key);
  }
  const values: string[] = [];
  for (const _ of keys) values.push([await client.read(), await client.read(), await client.read()].join(" "));
  return values;
}
