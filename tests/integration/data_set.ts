/**
 * Whole data sets in tests of persistence and replication: a random workload, and the comparison of two servers key by
 * key, with types, values and expiries.
 */

import assert from "node:assert/strict";
import { until } from "./server_process.ts";
import { type Reply, ReplyError, type TestClient } from "./test_client.ts";

/** Databases that the workload uses. */
const DATABASES = 4;

/** A small generator of pseudo-random numbers, so that a failure can be repeated. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** An integer from 0 to `below` - 1. */
  below(below: number): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * below);
  }

  of<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }

  /** A generator for the `index`-th of something, which gives what no other one does (MurmurHash3's finalizer). */
  branch(index: number): Random {
    let seed = this.#state ^ Math.imul(index + 1, 0x9e3779b1);
    seed = Math.imul(seed ^ (seed >>> 16), 0x85ebca6b);
    seed = Math.imul(seed ^ (seed >>> 13), 0xc2b2ae35);
    return new Random(seed ^ (seed >>> 16));
  }
}

/** Expiries sooner than this may pass while a test goes on, in ms. */
const SOON_MS = 10 * 60 * 1000;

/** What of a server's data does not expire soon, as `dataSet` has it. */
export async function lastingData(client: TestClient): Promise<Map<string, string>> {
  const all = await dataSet(client);
  const expiryOf = (value: string) => Number(value.split(" ")[1]);
  const lasts = (value: string) => expiryOf(value) < 0 || expiryOf(value) > Date.now() + SOON_MS;
  return new Map([...all].filter(([, value]) => lasts(value)));
}

/** Everything a server holds, as `database/key` → type, value and expiry. */
export async function dataSet(client: TestClient): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (let database = 0; database < DATABASES; database++) {
    await client.call("SELECT", database);
    const keys = [...await client.call("KEYS", "*") as string[]].sort(); // KEYS replies with an array of strings
    for (const key of keys) {
      client.send("TYPE", key);
      client.send("PEXPIRETIME", key);
    }
    const types: [Reply, Reply][] = [];
    for (let i = 0; i < keys.length; i++) types.push([await client.read(), await client.read()]);
    keys.forEach((key, i) => client.send(types[i][0] === "hash" ? "HGETALL" : "GET", key));
    for (let i = 0; i < keys.length; i++) {
      const value = await client.read();
      if (types[i][0] === "none" || value === null) continue; // it expired meanwhile
      found.set(`${database}/${keys[i]}`, `${types[i].join(" ")} ${textOf(value)}`);
    }
  }
  await client.call("SELECT", 0);
  return found;
}

/** A value as text; a hash's fields in order. */
function textOf(value: Reply): string {
  if (!Array.isArray(value)) return String(value);
  const pairs: string[] = [];
  for (let i = 0; i < value.length; i += 2) pairs.push(JSON.stringify([value[i], value[i + 1]]));
  return pairs.sort().join(" ");
}

/** Waits until a replica has all that its primary has, then compares the two data sets. */
export async function expectSame(primary: TestClient, replica: TestClient): Promise<void> {
  await until("the replica to catch up", async () => await isCaughtUp(primary, replica));
  let difference: string[] = [];
  // Keys may expire between the two looks: what counts is that they agree in the end.
  for (let i = 0; i < 20; i++) {
    const [theirs, ours] = [await dataSet(primary), await dataSet(replica)];
    difference = [...new Set([...theirs.keys(), ...ours.keys()])]
      .filter((key) => theirs.get(key) !== ours.get(key))
      .map((key) => `${key}: ${theirs.get(key)?.slice(0, 200)} | ${ours.get(key)?.slice(0, 200)}`);
    if (difference.length === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.deepEqual(difference.slice(0, 10), [], "keys that differ: primary | replica");
}

/** Compares key by key, and then by DEBUG DIGEST. */
export async function expectEqual(primary: TestClient, replica: TestClient): Promise<void> {
  await expectSame(primary, replica);
  const digest = await primary.call("DEBUG DIGEST");
  if (digest instanceof ReplyError) return; // a server without it: the keys were compared
  await until(
    "the digests to agree",
    async () => await primary.call("DEBUG DIGEST") === await replica.call("DEBUG DIGEST"),
  );
}

/** Whether the replica's link is up and its offset is the primary's. The primary may be a replica itself. */
export async function isCaughtUp(primary: TestClient, replica: TestClient): Promise<boolean> {
  const above = await primary.call("ROLE");
  const below = await replica.call("ROLE");
  if (!Array.isArray(above) || !Array.isArray(below)) return false;
  if (below[0] !== "slave" || below[3] !== "connected") return false;
  const offset = above[0] === "master" ? above[1] : above[4];
  return below[4] === offset;
}

/** The state of a server's link to its primary, or "" if it has none. */
export async function linkState(client: TestClient): Promise<Reply> {
  const role = await client.call("ROLE");
  return Array.isArray(role) && role[0] === "slave" ? role[3] : "";
}

/** Waits until the link of a replica is up. */
export async function untilConnected(client: TestClient): Promise<void> {
  await until("the link to the primary", async () => await linkState(client) === "connected");
}

/** A random write, as the words of a request. */
export function randomWrite(random: Random): string[] {
  const key = () => `key:${random.below(300)}`;
  const hash = () => `hash:${random.below(40)}`;
  const field = () => `field:${random.below(200)}`;
  const value = () => random.of(["", "7", "some value", "x".repeat(random.below(300)), "\x00\xff\r\n", "-12"]);
  const number = () => `n:${random.below(20)}`;
  switch (random.below(27)) {
    case 0:
    case 1:
    case 2:
      return ["SET", key(), value()];
    case 3:
      return ["SET", key(), value(), "PX", String(1 + random.below(400))];
    case 4:
      return ["SET", key(), value(), "EX", String(1000 + random.below(1000))];
    case 5:
      return ["APPEND", key(), value()];
    case 6:
      return ["INCRBY", number(), String(random.below(1000) - 500)];
    case 7:
      return ["INCRBYFLOAT", number(), `${random.below(100)}.${random.below(1000)}`];
    case 8:
    case 9:
    case 10:
      return ["HSET", hash(), field(), value(), field(), value()];
    case 11:
      return ["HINCRBYFLOAT", hash(), `float:${random.below(5)}`, `${random.below(10)}.${random.below(1000)}`];
    case 12:
      return ["HINCRBY", hash(), `number:${random.below(5)}`, String(random.below(100))];
    case 13:
      return ["HDEL", hash(), field(), field()];
    case 14:
      return ["DEL", key(), key()];
    case 15:
      return ["UNLINK", random.below(10) === 0 ? hash() : key()];
    case 16:
      return ["EXPIRE", random.of([key(), hash()]), String(1000 + random.below(1000))];
    case 17:
      return ["PEXPIRE", random.of([key(), hash()]), String(random.below(500))];
    case 18:
      return ["PERSIST", random.of([key(), hash()])];
    case 19:
      return ["RENAME", key(), key()];
    case 20:
      return ["COPY", random.of([key(), hash()]), random.of([key(), hash()]), "REPLACE"];
    case 21:
      return ["SELECT", String(random.below(DATABASES))];
    case 22:
      return random.below(8) === 0 ? ["SWAPDB", "0", String(random.below(DATABASES))] : ["GETDEL", key()];
    case 23:
      return ["MOVE", key(), String(random.below(DATABASES))];
    case 24:
      return ["GETEX", key(), "PX", String(1 + random.below(100_000))];
    case 25:
      return ["SETRANGE", key(), String(random.below(20)), "abc"];
    default:
      return random.below(200) === 0 ? ["FLUSHDB"] : ["MSET", key(), value(), key(), value()];
  }
}

/** Sends random writes, some in transactions, and reads the replies. Errors such as a wrong type are fine. */
export async function writeRandomly(client: TestClient, random: Random, writes: number): Promise<void> {
  const AT_ONCE = 50;
  for (let done = 0; done < writes;) {
    let replies = 0;
    const inTransaction = random.below(4) === 0;
    if (inTransaction) client.send("MULTI");
    for (let i = 0; i < AT_ONCE && done < writes; i++, done++, replies++) client.send(...randomWrite(random));
    if (inTransaction) client.send("EXEC");
    for (let i = 0; i < replies + (inTransaction ? 2 : 0); i++) {
      const reply = await client.read();
      const isFatal = reply instanceof ReplyError &&
        !/^(WRONGTYPE|ERR (no such key|value is not|hash value|increment|source|The|string))/.test(reply.message);
      if (isFatal) assert.fail(`a write was refused: ${reply.message}`);
    }
  }
}

/**
 * Stops writes and expiry on a primary, until CLIENT UNPAUSE, and waits for a replica to have all: only then can the
 * replica become the primary and the primary continue below it, as neither has written what the other does not know.
 */
export async function settle(primary: TestClient, replica: TestClient): Promise<void> {
  assert.equal(await primary.call("CLIENT PAUSE 100000 WRITE"), "OK");
  await until("the replica to have all", async () => {
    const [above, below] = [await primary.call("ROLE"), await replica.call("ROLE")];
    return Array.isArray(above) && Array.isArray(below) && above[1] === below[4];
  });
}
