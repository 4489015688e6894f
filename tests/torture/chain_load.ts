/**
 * The load on a chain of replication: clients that write to whoever is the primary, all types of values in several
 * databases, some of it in transactions. Nobody compares the replies; what counts is that all servers come to the same.
 */

import { type Random, randomWrite } from "../integration/data_set.ts";
import { type Reply, ReplyError, TestClient } from "../integration/test_client.ts";
import { drawTemplate, FAMILIES } from "../interop/differential/families.ts";
import type { Template } from "../interop/differential/families/template.ts";
import { Values } from "../interop/differential/values.ts";
import { delay } from "./delay.ts";

/** Databases that are written to. */
const DATABASES = 4;
/** One that is not touched by what exchanges and empties the others. */
const LASTING_DATABASE = 5;
const LASTING_KEYS = 12_000;
const LASTING_VALUE_BYTES = 200;
/** Most commands of a burst, and the pause behind one, in ms. */
const MOST_AT_ONCE = 60;
const MOST_PAUSE_MS = 40;
/** Keys expire within so long, in ms. */
const SHORT_MS = 3000;
const BIG_VALUES = 6;
const BIG_BYTES = 200_000;
/** After a link that was lost, a client tries again so long later, in ms. */
const RETRY_MS = 50;
/** A reply after which it is somebody else who takes writes, or nobody. */
const IS_ELSEWHERE = /^(READONLY|LOADING|MASTERDOWN|UNBLOCKED|NOREPLICAS)/;
/** No reply should be one of these. */
const FAULT = /^(ERR )?(Internal|internal|unknown command)|^MISCONF|^OOM/;

const TAKEN = [
  "strings",
  "hashes",
  "lists",
  "sets",
  "sorted-sets",
  "streams",
  "hyperloglogs",
  "bitmaps",
  "geo",
  "keys",
];

/**
 * What a replica may come to another result with, be it two of the same kind of different versions, and what this load
 * does by itself. Redis grows a value with BITFIELD, or makes a HyperLogLog dense, and tells nobody; a distance may differ
 * in its last bit; where scores differ, what a range by name finds is left open (docs/differences.md).
 */
const LEFT_OUT = /^(BITFIELD|PFDEBUG|DEBUG|FLUSH|SWAPDB|SELECT|GEORADIUS|GEOSEARCHSTORE|ZREMRANGEBYLEX|ZRANGESTORE)/i;

const TEMPLATES: readonly Template[] = FAMILIES
  .filter(({ name }) => TAKEN.includes(name))
  .flatMap(({ templates }) => templates)
  .filter(({ kind }) => kind !== "timed");

/** One thing that a client does. */
type Requests = readonly (readonly string[])[];

export class Load {
  readonly #writers: Promise<void>[] = [];
  #isStopped = false;
  /** Requests that had a reply. */
  replies = 0;
  /** What should not have been replied. */
  readonly faults: string[] = [];

  /** `primaryPort`: where to write now. */
  constructor(readonly primaryPort: () => number) {}

  /** Fills a server with what makes a snapshot take its time. */
  static async fill(port: number): Promise<void> {
    const client = await TestClient.connect(port);
    await client.expect(["SELECT", LASTING_DATABASE], "OK");
    for (let i = 0; i < LASTING_KEYS; i++) client.send("SET", `lasting:${i}`, `${i}`.padEnd(LASTING_VALUE_BYTES, "~"));
    for (let i = 0; i < LASTING_KEYS; i++) await client.read();
    client.close();
  }

  start(random: Random, writers: number): void {
    for (let i = 0; i < writers; i++) this.#writers.push(this.#write(random.branch(i)));
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#writers);
  }

  /** Writes, wherever that is possible. */
  async #write(random: Random): Promise<void> {
    const values = new Values(random);
    while (!this.#isStopped) {
      const client = await TestClient.connect(this.primaryPort()).catch(() => null);
      try {
        while (client !== null && !this.#isStopped && await this.#burst(client, values)) {
          await delay(random.below(MOST_PAUSE_MS));
        }
      } catch {
        // The server is gone, or hangs; another may be the primary by now.
      }
      client?.close();
      await delay(RETRY_MS);
    }
  }

  /** Sends requests together, and reads their replies; whether this is where to write. */
  async #burst(client: TestClient, values: Values): Promise<boolean> {
    const requests = [...drawBurst(values)];
    for (const request of requests) client.send(...request);
    let isHere = true;
    for (const request of requests) {
      const reply = await client.read();
      this.replies++;
      for (const one of errorsOf(reply)) {
        if (IS_ELSEWHERE.test(one)) isHere = false;
        if (FAULT.test(one)) this.faults.push(`${request.join(" ").slice(0, 200)}: ${one}`);
      }
    }
    return isHere;
  }
}

function errorsOf(reply: Reply): string[] {
  if (reply instanceof ReplyError) return [reply.message];
  return Array.isArray(reply) ? reply.flatMap((one) => one instanceof ReplyError ? [one.message] : []) : [];
}

/** What is sent together; some of it in transactions, which may be long. */
function* drawBurst(values: Values): Generator<readonly string[]> {
  if (values.once(4)) yield ["SELECT", String(values.below(DATABASES))];
  for (let left = 1 + values.below(MOST_AT_ONCE); left > 0; left--) {
    if (!values.once(10)) {
      yield* drawRequests(values);
      continue;
    }
    yield ["MULTI"];
    for (let inside = 1 + values.below(values.once(4) ? MOST_AT_ONCE : 6); inside > 0; inside--) {
      yield* drawRequests(values);
    }
    yield ["EXEC"];
  }
}

function drawRequests(values: Values): Requests {
  switch (values.below(12)) {
    case 0:
      return [drawExpiry(values)];
    case 1:
      return [drawRare(values)];
    case 2:
    case 3:
    case 4:
    case 5:
      return [randomWrite(values.random)].filter((one) => !LEFT_OUT.test(one[0]));
    default: {
      const made = drawTemplate(values, TEMPLATES).make(values);
      const requests = typeof made[0] === "string" ? [made as readonly string[]] : made as Requests; // one or several
      return requests.filter(([name, ...args]) => !LEFT_OUT.test(name) && !args.includes("STOREDIST"));
    }
  }
}

/** A key is to go soon. */
function drawExpiry(values: Values): string[] {
  const ms = values.below(SHORT_MS);
  switch (values.below(4)) {
    case 0:
      return ["PEXPIRE", values.anyKey(), String(ms)];
    case 1:
      return ["PEXPIREAT", values.anyKey(), String(Date.now() + ms)];
    case 2:
      return ["SET", values.key("string"), values.value(), "PX", String(1 + ms)];
    default:
      return ["GETEX", values.key("string"), "PX", String(1 + ms)];
  }
}

/** What costs more than the rest, and comes less often. */
function drawRare(values: Values): string[] {
  const big = `big:${values.below(BIG_VALUES)}`;
  switch (values.below(150)) {
    case 0:
      return ["FLUSHDB", ...values.maybe(2, "ASYNC")];
    case 1:
    case 2:
    case 3:
    case 4:
      return ["SWAPDB", String(values.below(DATABASES)), String(values.below(DATABASES))];
    case 5:
      return ["SET", big, values.value().padEnd(values.below(BIG_BYTES), "0123456789")];
    case 6:
      return ["RPUSH", `${big}:list`, ...Array.from({ length: values.below(2000) }, () => values.value()), "x"];
    case 7:
      return ["DEL", `${big}:list`, big];
    case 8:
    case 9:
    case 10:
    case 11:
      return ["SPOP", values.key("set"), String(values.below(40))];
    case 12:
      return ["SADD", values.key("set"), ...Array.from({ length: 1 + values.below(800) }, (_, i) => `m${i}`)];
    default:
      return ["HINCRBYFLOAT", values.key("hash"), `float${values.below(4)}`, `${values.below(9)}.${values.below(999)}`];
  }
}
