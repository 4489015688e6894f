/**
 * What a client of the torture writes, and what must be there of it: units of requests, each done as a whole or not at
 * all, and a plain model of what they do. A client has a database of its own, so that nobody else changes its keys.
 */

import type { Random } from "../integration/data_set.ts";
import type { Reply, TestClient } from "../integration/test_client.ts";

/** The words of a request. */
export type Words = readonly string[];

/** Requests that are done together: one, or those of a transaction, with MULTI and EXEC around them. */
export interface Unit {
  readonly requests: readonly Words[];
}

/** When keys that have an expiry expire, in ms of Unix time: later than any run ends. */
const FAR_MS = "4102444800000";
const STRINGS = ["string:0", "string:1", "string:2", "counter"] as const;
const FIELDS = 30;
const LIST_LENGTH = 30;
const STREAM_LENGTH = 20;
/** Most requests of a transaction, MULTI and EXEC apart. */
const MOST_IN_TRANSACTION = 6;
/** Now and then a value is so long, in bytes, that it is written in pieces. */
const LONG_BYTES = 200_000;

/** Draws the next unit of a client. `number`: which one it is, more than any before. */
export function drawUnit(random: Random, number: number): Unit {
  if (random.below(5) !== 0) return { requests: [drawRequest(random, number)] };
  const inside = Array.from({ length: 1 + random.below(MOST_IN_TRANSACTION) }, (_, place) => {
    return drawRequest(random, number, place);
  });
  return { requests: [["MULTI"], ...inside, ["EXEC"]] };
}

function drawRequest(random: Random, number: number, place = 0): Words {
  const value = () => `${number}:${"x".repeat(random.below(400) === 0 ? LONG_BYTES : random.below(60))}`;
  const field = () => `field:${random.below(FIELDS)}`;
  const string = () => random.of(STRINGS.slice(0, -1));
  switch (random.below(16)) {
    case 0:
    case 1:
      return ["SET", string(), value()];
    case 2:
      return ["SET", string(), value(), "PXAT", FAR_MS];
    case 3:
      return ["DEL", random.of([...STRINGS, "list", "hash", "set", "scores", "stream"])];
    case 4:
    case 5:
      return ["RPUSH", "list", value(), value()];
    case 6:
      return random.of([["LPOP", "list"], ["LTRIM", "list", String(-LIST_LENGTH), "-1"]]);
    case 7:
      return ["HSET", "hash", field(), value()];
    case 8:
      return ["HDEL", "hash", field()];
    case 9:
      return ["SADD", "set", field(), field()];
    case 10:
      return ["SREM", "set", field()];
    case 11:
      return ["ZADD", "scores", String(number), field()];
    case 12:
      return ["ZREM", "scores", field()];
    case 13:
      return ["XADD", "stream", "MAXLEN", String(STREAM_LENGTH), `${number}-${place + 1}`, "field", value()];
    default:
      return ["INCR", "counter"];
  }
}

/** What a client's database has: each key as text, `""` where it is not there. */
export type Shown = readonly string[];

/** What units make of a database. */
export class Model {
  readonly #strings = new Map<string, string>();
  readonly #expiring = new Set<string>();
  #list: string[] = [];
  readonly #hash = new Map<string, string>();
  readonly #set = new Set<string>();
  readonly #scores = new Map<string, number>();
  #stream: (readonly [id: string, value: string])[] = [];

  copy(): Model {
    const other = new Model();
    for (const [key, value] of this.#strings) other.#strings.set(key, value);
    for (const key of this.#expiring) other.#expiring.add(key);
    other.#list = [...this.#list];
    for (const [field, value] of this.#hash) other.#hash.set(field, value);
    for (const member of this.#set) other.#set.add(member);
    for (const [member, score] of this.#scores) other.#scores.set(member, score);
    other.#stream = [...this.#stream];
    return other;
  }

  do({ requests }: Unit): void {
    for (const request of requests) this.#do(request);
  }

  #do([name, key, ...rest]: Words): void {
    switch (name) {
      case "MULTI":
      case "EXEC":
        return;
      case "SET":
        this.#strings.set(key, rest[0]);
        if (rest.length > 1) this.#expiring.add(key);
        else this.#expiring.delete(key);
        return;
      case "INCR":
        this.#strings.set(key, String(Number(this.#strings.get(key) ?? "0") + 1));
        return;
      case "DEL":
        return this.#remove(key);
      case "RPUSH":
        this.#list.push(...rest);
        return;
      case "LPOP":
        this.#list.shift();
        return;
      case "LTRIM":
        this.#list = this.#list.slice(-LIST_LENGTH);
        return;
      case "HSET":
        this.#hash.set(rest[0], rest[1]);
        return;
      case "HDEL":
        this.#hash.delete(rest[0]);
        return;
      case "SADD":
        for (const member of rest) this.#set.add(member);
        return;
      case "SREM":
        this.#set.delete(rest[0]);
        return;
      case "ZADD":
        this.#scores.set(rest[1], Number(rest[0]));
        return;
      case "ZREM":
        this.#scores.delete(rest[0]);
        return;
      case "XADD":
        this.#stream = [...this.#stream, [rest[2], rest[4]] as const].slice(-STREAM_LENGTH);
        return;
      default:
        throw new Error(`the model does not know ${name}`);
    }
  }

  #remove(key: string): void {
    this.#strings.delete(key);
    this.#expiring.delete(key);
    if (key === "list") this.#list = [];
    else if (key === "hash") this.#hash.clear();
    else if (key === "set") this.#set.clear();
    else if (key === "scores") this.#scores.clear();
    else if (key === "stream") this.#stream = [];
  }

  /** Whether this is what a database has. What differs soonest is compared first. */
  is(shown: Shown): boolean {
    return STRINGS.every((key, at) => shown[at] === this.#showString(key)) &&
      this.show().every((text, at) => text === shown[at]);
  }

  /** What a database has that is this. */
  show(): Shown {
    return [
      ...STRINGS.map((key) => this.#showString(key)),
      showAll(this.#list),
      showAll([...this.#hash].map(([field, value]) => `${field} ${value}`).sort()),
      showAll([...this.#set].sort()),
      showAll([...this.#scores].map(([member, score]) => `${member} ${score}`).sort()),
      showAll(this.#stream.map(([id, value]) => `${id} field ${value}`)),
    ];
  }

  #showString(key: string): string {
    const value = this.#strings.get(key);
    return value === undefined ? "" : `${value} ${this.#expiring.has(key) ? FAR_MS : -1}`;
  }
}

function showAll(items: readonly string[]): string {
  return items.join("\n");
}

/** Reads what a client's database has. Throws where it has keys that nobody wrote. */
export async function show(client: TestClient, database: number): Promise<Shown> {
  await client.expect(["SELECT", database], "OK");
  for (const key of STRINGS) {
    client.send("GET", key);
    client.send("PEXPIRETIME", key);
  }
  client.send("LRANGE list 0 -1");
  client.send("HGETALL hash");
  client.send("SMEMBERS set");
  client.send("ZRANGE scores 0 -1 WITHSCORES");
  client.send("XRANGE stream - +");
  client.send("DBSIZE");
  const shown: string[] = [];
  for (const _ of STRINGS) {
    const [value, expiry] = [await client.read(), await client.read()];
    shown.push(value === null ? "" : `${value} ${expiry}`);
  }
  shown.push(showAll(await readArray(client) as string[])); // a list has strings
  shown.push(showAll(pairs(await readArray(client)).sort()));
  shown.push(showAll((await readArray(client) as string[]).sort())); // a set has strings
  shown.push(showAll(pairs(await readArray(client)).sort()));
  shown.push(showAll((await readArray(client) as [string, string[]][]) // a stream has these
    .map(([id, [field, value]]) => `${id} ${field} ${value}`)));
  const keys = shown.filter((text) => text !== "").length;
  const size = await client.read();
  if (size !== keys) throw new Error(`database ${database} has ${size} keys, of which ${keys} are known`);
  return shown;
}

async function readArray(client: TestClient): Promise<readonly Reply[]> {
  const reply = await client.read();
  if (!Array.isArray(reply)) throw new Error(`an array was expected, not ${JSON.stringify(reply)}`);
  return reply;
}

function pairs(items: readonly Reply[]): string[] {
  const found: string[] = [];
  for (let i = 0; i < items.length; i += 2) found.push(`${items[i]} ${items[i + 1]}`);
  return found;
}
