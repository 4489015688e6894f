/**
 * Values of very many elements: what takes longer than a millisecond of that which is to take O(1) or O(log n), and whether
 * PING waits while such a value is freed.
 *
 * Times are the server's own (INFO commandstats and SLOWLOG), so that neither the network nor the client counts.
 */

import { COLUMNS, during } from "./pinging.ts";
import { call, encode, info, pipeline, sleep, startAnother, type Target } from "./targets.ts";
import { fillOne, type Kind, KINDS } from "./values.ts";

/** How often each command is called, and how often before to have it compiled. */
const CALLS = 500;
const CALLS_BEFORE = 300;
/** What is slow, in µs; one less than a millisecond, as servers may leave those out that are not. */
const SLOW_US = 1000;
const KEY = "large";

/** Gives the words of the `i`-th call; `n` is how many elements there are. */
type Words = (i: number, n: number) => string[];

/** A number below `n` that jumps about, the same for each server. */
function jump(i: number, n: number): number {
  return (i * 7_919_993 + 104_729) % n;
}

/** Each leaves the value about as large as it was. Removals do not meet the same element twice. */
const COMMANDS: Readonly<Record<Kind, Readonly<Record<string, Words>>>> = {
  list: {
    "LINDEX in the middle": (i, n) => ["LINDEX", KEY, String((n >> 1) + i)],
    "LINDEX at random": (i, n) => ["LINDEX", KEY, String(jump(i, n))],
    "LSET at random": (i, n) => ["LSET", KEY, String(jump(i, n)), `other:${i}`],
    "LRANGE of 10 in the middle": (i, n) => ["LRANGE", KEY, String((n >> 1) + i), String((n >> 1) + i + 9)],
    "LINSERT near the head": (i) => ["LINSERT", KEY, "BEFORE", "element:50", `inserted:${i}`],
    "LREM of the nearest": (i) => ["LREM", KEY, "1", `inserted:${i}`],
    "LPOS of the nearest": () => ["LPOS", KEY, "element:50"],
    "LPUSH": (i) => ["LPUSH", KEY, `pushed:${i}`],
    "LPOP": () => ["LPOP", KEY],
    "RPUSH": (i) => ["RPUSH", KEY, `pushed:${i}`],
    "RPOP": () => ["RPOP", KEY],
    "LMOVE around": () => ["LMOVE", KEY, KEY, "LEFT", "RIGHT"],
    "LTRIM of one": () => ["LTRIM", KEY, "1", "-1"],
    "LLEN": () => ["LLEN", KEY],
  },
  set: {
    "SADD": (i) => ["SADD", KEY, `added:${i}`],
    "SREM": (i) => ["SREM", KEY, `added:${i}`],
    "SISMEMBER": (i, n) => ["SISMEMBER", KEY, `member:${jump(i, n)}`],
    "SPOP": () => ["SPOP", KEY],
    "SPOP of 10": () => ["SPOP", KEY, "10"],
    "SRANDMEMBER": () => ["SRANDMEMBER", KEY],
    "SRANDMEMBER of 10": () => ["SRANDMEMBER", KEY, "10"],
    "SMOVE": (i, n) => ["SMOVE", KEY, "other", `member:${jump(i, n)}`],
    "SSCAN": () => ["SSCAN", KEY, "12345"],
    "SCARD": () => ["SCARD", KEY],
    "SINTERCARD with a small one": () => ["SINTERCARD", "2", KEY, "small"],
  },
  "sorted set": {
    "ZADD of a new one": (i, n) => ["ZADD", KEY, `${jump(i, n)}.5`, `added:${i}`],
    "ZADD of another score": (i, n) => ["ZADD", KEY, `${jump(i + 1, n)}.25`, `member:${jump(i, n)}`],
    "ZINCRBY": (i, n) => ["ZINCRBY", KEY, "1000.5", `member:${jump(i, n)}`],
    "ZREM": (i) => ["ZREM", KEY, `added:${i}`],
    "ZSCORE": (i, n) => ["ZSCORE", KEY, `member:${jump(i, n)}`],
    "ZRANK": (i, n) => ["ZRANK", KEY, `member:${jump(i, n)}`],
    "ZREVRANK": (i, n) => ["ZREVRANK", KEY, `member:${jump(i, n)}`],
    "ZCOUNT of half": (i, n) => ["ZCOUNT", KEY, String(n >> 2), String(3 * (n >> 2) + i)],
    "ZRANGE of 10 in the middle": (i, n) => ["ZRANGE", KEY, String((n >> 1) + i), String((n >> 1) + i + 9)],
    "ZRANGEBYSCORE of 10": (i, n) => ["ZRANGEBYSCORE", KEY, String(jump(i, n)), "+inf", "LIMIT", "0", "10"],
    "ZREVRANGEBYSCORE of 10": (i, n) => ["ZREVRANGEBYSCORE", KEY, String(jump(i, n)), "-inf", "LIMIT", "0", "10"],
    "ZREMRANGEBYRANK of 10": (i, n) => ["ZREMRANGEBYRANK", KEY, String((n >> 1) + i), String((n >> 1) + i + 9)],
    "ZREMRANGEBYSCORE of 10": (i, n) => ["ZREMRANGEBYSCORE", KEY, String(jump(i, n)), String(jump(i, n) + 10)],
    "ZPOPMIN": () => ["ZPOPMIN", KEY],
    "ZPOPMAX": () => ["ZPOPMAX", KEY],
    "ZRANDMEMBER of 10": () => ["ZRANDMEMBER", KEY, "10"],
    "ZCARD": () => ["ZCARD", KEY],
  },
  hash: {
    "HSET of a new one": (i) => ["HSET", KEY, `added:${i}`, "value"],
    "HSET": (i, n) => ["HSET", KEY, `field:${jump(i, n)}`, "another value"],
    "HGET": (i, n) => ["HGET", KEY, `field:${jump(i, n)}`],
    "HEXISTS": (i, n) => ["HEXISTS", KEY, `field:${jump(i, n)}`],
    "HINCRBY": (i) => ["HINCRBY", KEY, `number:${i % 10}`, "1"],
    "HDEL": (i) => ["HDEL", KEY, `added:${i}`],
    "HSCAN": () => ["HSCAN", KEY, "12345"],
    "HRANDFIELD of 10": () => ["HRANDFIELD", KEY, "10"],
    "HLEN": () => ["HLEN", KEY],
  },
  stream: {
    "XADD": (i, n) => ["XADD", KEY, `${2 * n + i}-0`, "field", "value"],
    "XADD with MAXLEN": () => ["XADD", KEY, "MAXLEN", "~", "10000000000", "*", "field", "value"],
    "XLEN": () => ["XLEN", KEY],
    "XRANGE from the middle": (i, n) => ["XRANGE", KEY, `${jump(i, n)}-0`, "+", "COUNT", "10"],
    "XREVRANGE from the middle": (i, n) => ["XREVRANGE", KEY, `${jump(i, n)}-0`, "-", "COUNT", "10"],
    "XREAD from the middle": (i, n) => ["XREAD", "COUNT", "10", "STREAMS", KEY, `${jump(i, n)}-0`],
    "XREADGROUP": () => ["XREADGROUP", "GROUP", "group", "consumer", "COUNT", "10", "STREAMS", KEY, ">"],
    "XPENDING": () => ["XPENDING", KEY, "group"],
    "XPENDING with a range": () => ["XPENDING", KEY, "group", "-", "+", "10"],
    "XACK": (i) => ["XACK", KEY, "group", `${i + 1}-0`],
    "XCLAIM": (i) => ["XCLAIM", KEY, "group", "another", "0", `${5000 + i}-0`],
    "XAUTOCLAIM": () => ["XAUTOCLAIM", KEY, "group", "another", "0", "0", "COUNT", "10"],
    "XDEL": (i, n) => ["XDEL", KEY, `${jump(i, n)}-0`],
    "XTRIM of 100": (_, n) => ["XTRIM", KEY, "MINID", "~", String(n >> 1), "LIMIT", "100"],
    "XINFO STREAM": () => ["XINFO", "STREAM", KEY],
  },
};

/** What else is there for the commands of a type. */
const BESIDE: Readonly<Partial<Record<Kind, string[]>>> = {
  set: ["SADD", "small", "member:1", "member:2", "nothing"],
  stream: ["XGROUP", "CREATE", KEY, "group", "0"],
};

/** Sends the calls of a command one after the other. */
async function calls(port: number, words: Words, elements: number, first: number, count: number): Promise<void> {
  await pipeline(port, count, (i) => encode(...words(first + i, elements)), 1);
}

/** Microseconds that all commands together have taken per call, of those that `name` names. */
async function perCall(port: number, name: string): Promise<number> {
  const stats = await info(port, `cmdstat_${name.toLowerCase()}(?:\\|\\w+)?`);
  return Number(/usec_per_call=([\d.]+)/.exec(stats)?.[1] ?? NaN);
}

/** Prints what each command takes, and what PING waits while the value is freed; `beside` does nothing meanwhile. */
export async function large(targets: readonly Target[], beside: Target, elements: number): Promise<void> {
  const freed: string[] = [];
  console.log(`\n| value of ${elements} elements | command | server | µs per call | calls of ${CALLS} above 1 ms |`);
  console.log(`|---|---|---|---|---|`);
  for (const kind of KINDS) {
    const rows: string[][] = Object.keys(COMMANDS[kind]).map(() => []);
    for (const { name } of targets) {
      const server = await startAnother(name, 1, ["--slowlog-log-slower-than", String(SLOW_US - 1), "--hz", "10"]);
      const { port } = server;
      try {
        await fillOne(port, kind, KEY, elements);
        const also = BESIDE[kind];
        if (also !== undefined) await call(port, ...also);
        for (const [row, [what, words]] of Object.entries(COMMANDS[kind]).entries()) {
          await calls(port, words, elements, CALLS, CALLS_BEFORE);
          await call(port, "CONFIG", "RESETSTAT");
          await call(port, "SLOWLOG", "RESET");
          await calls(port, words, elements, CALLS + CALLS_BEFORE, CALLS);
          const slow = (await call(port, "SLOWLOG", "LEN")).slice(1).trim();
          const cost = await perCall(port, words(0, elements)[0]);
          rows[row].push(`| ${kind} | ${what} | ${name} | ${cost.toFixed(1)} | ${slow} |`);
        }
        const waits = await during(port, beside.port, async () => {
          await sleep(200);
          await call(port, "DEL", KEY);
          while (await info(port, "lazyfree_pending_objects") !== "0") await sleep(20);
          await sleep(200);
        });
        freed.push(`| ${name} | DEL of a ${kind} | ${waits} |`);
      } finally {
        await server.stop();
      }
    }
    for (const row of rows.flat()) console.log(row);
  }
  console.log(`\n| server | PING while … (${elements} elements) | ${COLUMNS} | idle ${beside.name}: ${COLUMNS} |`);
  console.log(`|---|---|---|---|---|---|---|---|---|---|`);
  for (const row of freed) console.log(row);
}
