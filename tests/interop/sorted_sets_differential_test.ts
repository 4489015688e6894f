/**
 * Random commands on sorted sets, points and SORT, for the server under test and for a real redis-server, whose replies must
 * be the same: but for the form of numbers, which Redis 7.2 writes otherwise than 7.0. The data must be the same in the end.
 *
 * By hand, for longer: `DIFFERENTIAL_STEPS=100000 DIFFERENTIAL_SEED=1 deno test -A tests/interop/sorted_sets_differential_test.ts`
 */

import assert from "node:assert/strict";
import process from "node:process";
import { after, before, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { ServerProcess } from "../integration/server_process.ts";
import { type Reply, ReplyError, type TestClient } from "../integration/test_client.ts";
import { below, randomFrom } from "../store/support.ts";
import { havePeers } from "./peers.ts";

const STEPS = Number(process.env.DIFFERENTIAL_STEPS ?? 4000);
const SEED = Number(process.env.DIFFERENTIAL_SEED ?? 1);
/** Commands sent together. */
const BATCH = 50;

const servers: ServerProcess[] = [];
before(async () => {
  if (!havePeers({ skip: () => {} }, "redis-server")) return;
  const args = ["--save", "", "--enable-debug-command", "yes"];
  servers.push(await ServerProcess.start({ args }), await ServerProcess.start({ kind: "redis-server", args }));
});
after(async () => {
  for (const server of servers) await server.stop();
});

class Chance {
  readonly below: (limit: number) => number;

  constructor(seed: number) {
    this.below = below(randomFrom(seed));
  }

  of<T>(values: readonly T[]): T {
    return values[this.below(values.length)];
  }

  once(times: number): boolean {
    return this.below(times) === 0;
  }

  some<T>(most: number, make: () => T): T[] {
    return Array.from({ length: 1 + this.below(most) }, make);
  }

  maybe(...words: string[]): string[] {
    return this.once(3) ? words : [];
  }
}

type Maker = (c: Chance) => string[];

const KEYS = ["z1", "z2", "z3", "big", "none"];
const LEX_KEYS = ["lex1", "lex2"];
const SET_KEYS = ["set1", "set2"];

const zset = (c: Chance) => c.once(25) ? c.of(["string", "list", "set1"]) : c.of(KEYS);
const lex = (c: Chance) => c.once(25) ? "string" : c.of(LEX_KEYS);
const input = (c: Chance) => c.once(30) ? "string" : c.of([...KEYS, ...KEYS, ...SET_KEYS, "lex1"]);

function score(c: Chance): string {
  if (c.once(25)) {
    return c.of(["inf", "-inf", "+inf", "1e400", "nan", "x", "", "1e300", "-0", "0x10", "1e-5", "infinity"]);
  }
  if (c.once(3)) return String((c.below(2000) - 1000) / c.of([1, 2, 3, 7, 10, 1000]));
  return String(c.below(40) - 20);
}

function member(c: Chance): string {
  if (c.once(200)) return "long".repeat(20);
  return c.once(3) ? String(c.below(60) - 10) : `m${c.below(60)}`;
}

const scoreBound = (c: Chance) => {
  if (c.once(40)) return c.of(["", "(", " 5", "5 ", "(x", "[5", "-", "+", "1e999", "5\0x"]);
  if (c.once(4)) return c.of(["-inf", "+inf", "inf", "(inf", "(-inf"]);
  return (c.once(3) ? "(" : "") + score(c);
};
const lexBound = (c: Chance) => {
  if (c.once(40)) return c.of(["", "x", "+x", "-x", "[", "(", "+\0x"]);
  return c.once(4) ? c.of(["-", "+"]) : c.of(["[", "("]) + member(c);
};
const rank = (c: Chance) => c.once(40) ? c.of(["x", "", "9223372036854775807", "1.5"]) : String(c.below(60) - 30);
const limit = (
  c: Chance,
) => ["LIMIT", c.once(8) ? rank(c) : String(c.below(10)), c.once(4) ? "-1" : String(c.below(20))];

/** Options of ZADD, some of them contrary. */
function addOptions(c: Chance): string[] {
  if (!c.once(3)) return [];
  return ["NX", "xx", "GT", "LT", "CH", "incr"].filter(() => c.once(4));
}

function combined(c: Chance, isDiff: boolean): string[] {
  const keys = c.some(4, () => input(c));
  const count = c.once(40) ? c.of(["0", "-1", "x", "9"]) : String(keys.length);
  const options: string[] = [];
  if (!isDiff && c.once(2)) options.push("WEIGHTS", ...keys.map(() => c.once(4) ? score(c) : String(c.below(5) - 1)));
  if (!isDiff && c.once(2)) options.push("AGGREGATE", c.of(["sum", "MIN", "max", "MAX", c.once(20) ? "avg" : "min"]));
  return [count, ...keys, ...options];
}

function rangeArguments(c: Chance): string[] {
  const kind = c.below(3);
  const bounds = kind === 0
    ? [rank(c), rank(c)]
    : kind === 1
    ? [scoreBound(c), scoreBound(c)]
    : [lexBound(c), lexBound(c)];
  const by = kind === 0 ? [] : kind === 1 ? ["BYSCORE"] : ["BYLEX"];
  const options = [by, c.maybe("REV"), kind === 0 && !c.once(20) ? [] : c.once(2) ? limit(c) : []];
  if (c.once(30)) options.push(c.of([["REV"], ["BYSCORE"], ["BYLEX"], ["x"], ["LIMIT", "0"], ["LIMIT", "0", "-1"]]));
  const key = kind === 2 ? lex(c) : zset(c);
  return [key, ...bounds, ...options.flat()];
}

const SORTED_SETS: readonly Maker[] = [
  (c) => ["ZADD", zset(c), ...addOptions(c), ...c.some(4, () => [score(c), member(c)]).flat()],
  (c) => ["ZADD", zset(c), ...c.some(10, () => [score(c), member(c)]).flat()],
  (c) => ["ZADD", "big", ...c.some(20, () => [score(c), `m${c.below(1500)}`]).flat()],
  (c) => ["ZADD", lex(c), ...c.some(8, () => ["0", member(c)]).flat()],
  (c) => ["ZINCRBY", zset(c), score(c), member(c)],
  (c) => ["ZINCRBY", "big", score(c), `m${c.below(1500)}`],
  (c) => ["ZREM", zset(c), ...c.some(6, () => member(c))],
  (c) => ["ZCARD", zset(c)],
  (c) => ["ZSCORE", zset(c), member(c)],
  (c) => ["ZMSCORE", zset(c), ...c.some(5, () => member(c))],
  (c) => [c.of(["ZRANK", "ZREVRANK"]), zset(c), member(c)],
  (c) => ["ZCOUNT", zset(c), scoreBound(c), scoreBound(c)],
  (c) => ["ZLEXCOUNT", lex(c), lexBound(c), lexBound(c)],
  (c) => ["ZRANGE", ...rangeArguments(c), ...c.maybe("WITHSCORES")],
  (c) => ["ZRANGE", ...rangeArguments(c), ...c.maybe("WITHSCORES")],
  (c) => ["ZRANGESTORE", c.of(KEYS), ...rangeArguments(c)],
  (c) => ["ZRANGEBYSCORE", zset(c), scoreBound(c), scoreBound(c), ...c.maybe("WITHSCORES"), ...c.maybe(...limit(c))],
  (c) => ["ZREVRANGEBYSCORE", zset(c), scoreBound(c), scoreBound(c), ...c.maybe(...limit(c)), ...c.maybe("withscores")],
  (c) => ["ZRANGEBYLEX", lex(c), lexBound(c), lexBound(c), ...c.maybe(...limit(c))],
  (c) => ["ZREVRANGEBYLEX", lex(c), lexBound(c), lexBound(c), ...c.maybe(...limit(c))],
  (c) => ["ZREVRANGE", zset(c), rank(c), rank(c), ...c.maybe("WITHSCORES")],
  (c) => ["ZREMRANGEBYRANK", zset(c), rank(c), rank(c)],
  (c) => ["ZREMRANGEBYSCORE", zset(c), scoreBound(c), scoreBound(c)],
  (c) => ["ZREMRANGEBYLEX", lex(c), lexBound(c), lexBound(c)],
  (c) => [c.of(["ZPOPMIN", "ZPOPMAX"]), zset(c), ...c.maybe(c.once(6) ? rank(c) : String(c.below(5)))],
  (c) => {
    const keys = c.some(3, () => zset(c));
    return ["ZMPOP", String(keys.length), ...keys, c.of(["MIN", "max"]), ...c.maybe("COUNT", String(c.below(5)))];
  },
  (c) => {
    const keys = c.some(3, () => zset(c));
    return [
      "BZMPOP",
      "0.01",
      String(keys.length),
      ...keys,
      c.of(["MIN", "max"]),
      ...c.maybe("COUNT", String(c.below(5))),
    ];
  },
  (
    c,
  ) => [
    c.of(["BZPOPMIN", "BZPOPMAX"]),
    ...c.some(3, () => zset(c)),
    c.once(20) ? c.of(["x", "-1", "", "nan"]) : "0.01",
  ],
  (c) => ["ZUNION", ...combined(c, false), ...c.maybe("WITHSCORES")],
  (c) => ["ZINTER", ...combined(c, false), ...c.maybe("WITHSCORES")],
  (c) => ["ZDIFF", ...combined(c, true), ...c.maybe("WITHSCORES")],
  (c) => [c.of(["ZUNIONSTORE", "ZINTERSTORE"]), c.of(["z1", "z2", "z3"]), ...combined(c, false)],
  (c) => ["ZDIFFSTORE", c.of(KEYS), ...combined(c, true)],
  (c) => ["ZINTERCARD", ...combined(c, true), ...c.maybe("LIMIT", c.once(8) ? rank(c) : String(c.below(9)))],
  (c) => ["ZRANDMEMBER", c.of(["absent", "string"]), ...c.maybe(rank(c), ...c.maybe("WITHSCORES"))],
  (c) => ["ZRANDMEMBER", zset(c), "0"],
  (c) => ["SADD", c.of(SET_KEYS), ...c.some(5, () => member(c))],
  (c) => ["SREM", c.of(SET_KEYS), ...c.some(5, () => member(c))],
  (c) => ["DEL", c.of([...KEYS, ...LEX_KEYS])],
  (c) => ["OBJECT", "ENCODING", c.of(KEYS)],
  (c) => ["DEBUG", "DIGEST-VALUE", zset(c)],
];

/** In the last there are points at the same place, which Redis's partial sort for COUNT leaves in any order. */
const GEO_KEYS = ["g1", "g2", "same"];
const geo = (c: Chance) => c.once(25) ? c.of(["string", "none"]) : c.of(GEO_KEYS);
const place = (c: Chance) => `p${c.below(80)}`;
const unit = (c: Chance) => c.once(40) ? "x" : c.of(["m", "KM", "ft", "mi"]);

function coordinates(c: Chance): string[] {
  if (c.once(60)) {
    return [c.of(["181", "-180", "180", "x", "", "nan"]), c.of(["86", "85.05112878", "-85.05112878", "y"])];
  }
  if (c.once(4)) return [String(13 + c.below(1000) / 500), String(38 + c.below(1000) / 500)];
  return [String((c.below(360_000) - 180_000) / 1000), String((c.below(170_000) - 85_000) / 1000)];
}

const radius = (c: Chance) =>
  c.once(30) ? c.of(["-1", "x", "0"]) : String(c.below(c.of([100, 3000, 20_000])) / c.of([1, 3]));
const found = (c: Chance, key: string) => [
  ...c.maybe("WITHDIST"),
  ...c.maybe("WITHCOORD"),
  ...c.maybe("WITHHASH"),
  ...c.maybe("ASC"),
  ...(c.once(8) ? ["DESC"] : []),
  ...(key === "same" ? [] : c.maybe("COUNT", c.once(20) ? rank(c) : String(1 + c.below(10)), ...c.maybe("ANY"))),
];

function searchArguments(c: Chance): string[] {
  const from = c.once(2) ? ["FROMMEMBER", place(c)] : ["FROMLONLAT", ...coordinates(c)];
  const by = c.once(2) ? ["BYRADIUS", radius(c), unit(c)] : ["BYBOX", radius(c), radius(c), unit(c)];
  const all = c.once(2) ? [...from, ...by] : [...by, ...from];
  if (c.once(40)) {
    all.push(...c.of([["FROMMEMBER", "p1"], ["BYRADIUS", "5", "m"], ["BYBOX", "1", "1", "m"], ["ANY"], ["x"]]));
  }
  return c.once(40) ? all.slice(0, -1) : all;
}

const POINTS: readonly Maker[] = [
  (
    c,
  ) => [
    "GEOADD",
    geo(c),
    ...c.maybe(c.of(["NX", "XX", "CH"])),
    ...c.some(4, () => [...coordinates(c), place(c)]).flat(),
  ],
  (c) => ["GEOADD", geo(c), ...c.some(4, () => [...coordinates(c), place(c)]).flat()],
  (c) => ["ZADD", "same", c.of(["-5", "3.7", "1e17", "4503599627370495", "9007199254740993"]), place(c)],
  (c) => ["GEOADD", "same", c.of(["-180", "180", "3"]), c.of(["85.05112878", "-85.05112878", "4"]), place(c)],
  (c) => ["ZREM", geo(c), ...c.some(3, () => place(c))],
  (c) => ["GEOPOS", geo(c), ...c.some(4, () => place(c))],
  (c) => ["GEOHASH", geo(c), ...c.some(4, () => place(c))],
  (c) => ["GEODIST", geo(c), place(c), place(c), ...c.maybe(unit(c))],
  (c) => {
    const key = geo(c);
    return ["GEOSEARCH", key, ...searchArguments(c), ...found(c, key)];
  },
  (c) => ["GEOSEARCH", geo(c), ...searchArguments(c)],
  (c) => ["GEOSEARCHSTORE", c.of(["g3", "g4"]), geo(c), ...searchArguments(c), ...c.maybe("STOREDIST")],
  (c) => {
    const key = geo(c);
    return [c.of(["GEORADIUS", "GEORADIUS_RO"]), key, ...coordinates(c), radius(c), unit(c), ...found(c, key)];
  },
  (c) => {
    const key = geo(c);
    return [c.of(["GEORADIUSBYMEMBER", "GEORADIUSBYMEMBER_RO"]), key, place(c), radius(c), unit(c), ...found(c, key)];
  },
  (
    c,
  ) => [
    "GEORADIUS",
    geo(c),
    ...coordinates(c),
    radius(c),
    unit(c),
    c.of(["STORE", "STOREDIST"]),
    "g3",
    ...c.maybe("WITHDIST"),
  ],
  (c) => ["ZRANGE", c.of(["g1", "g2", "g3", "g4"]), "0", "-1", "WITHSCORES"],
];

const SORTED_KEYS = ["list", "sz", "sset", "numbers"];
const element = (c: Chance) =>
  c.once(6) ? c.of(["x", "", "1.5", "-0", "1e3", "inf", " 7", "5 "]) : String(c.below(30) - 5);
const pattern = (c: Chance) =>
  c.of(["w_*", "w_*", "h_*->f", "h_*->g", "#", "nosort", "*", "w_*_x", "h_*->", "->*", "w_2", "*->f"]);

const SORT: readonly Maker[] = [
  (c) => ["RPUSH", c.of(["list", "numbers"]), ...c.some(6, () => element(c))],
  (c) => ["RPUSH", "numbers", ...c.some(6, () => String(c.below(50)))],
  (c) => ["ZADD", "sz", ...c.some(6, () => [String(c.below(20)), element(c)]).flat()],
  (c) => ["SADD", "sset", ...c.some(6, () => element(c))],
  (c) => [c.of(["LPOP", "RPOP"]), c.of(["list", "numbers"]), String(c.below(6))],
  (c) => ["SET", `w_${element(c)}`, c.once(10) ? "x" : String(c.below(20))],
  (c) => ["HSET", `h_${element(c)}`, c.of(["f", "g"]), String(c.below(20))],
  (c) => ["DEL", c.of([`w_${element(c)}`, "list", "numbers", "sz", "sset"])],
  ...Array.from({ length: 6 }, (_, i): Maker => (c) => {
    const key = c.once(25) ? c.of(["string", "none"]) : i < 3 ? c.of(SORTED_KEYS) : "numbers";
    const options = [
      c.maybe("ALPHA"),
      c.maybe(c.of(["ASC", "desc"])),
      c.maybe(...limit(c)),
      c.maybe("GET", pattern(c), ...c.maybe("GET", pattern(c))),
      c.maybe("STORE", "stored"),
    ];
    const by = c.once(2) ? ["BY", pattern(c)] : [];
    // The order of a set is not Redis's, and with BY and ALPHA equal elements stand as its sort leaves them.
    if (key === "sset" && by.length > 0 && !by[1].includes("*")) by.splice(0);
    if (by.length === 2 && options[0].length > 0) {
      options[2] = [];
      if (key === "sset" || key === "sz") options[0] = [];
    }
    if (key !== "sset" && c.once(40)) options.push(c.of([["STORE"], ["BY"], ["x"], ["LIMIT", "x", "1"]]));
    return ["SORT", key, ...by, ...options.flat()];
  }),
  (
    c,
  ) => [
    "SORT_RO",
    c.of(["numbers", "sz"]),
    ...c.maybe("DESC"),
    ...c.maybe("GET", pattern(c)),
    ...c.maybe("STORE", "x"),
  ],
  (_) => ["LRANGE", "stored", "0", "-1"],
  (_) => ["TYPE", "stored"],
];

/** Relative difference of distances that are stored, as sines are not the same to the last bit in every library. */
const LAST_BITS = 1e-13;

/** Whether two replies are the same, but for the last bits of what is no integer. */
function isClose(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((one, i) => isClose(one, b[i]));
  if (typeof a !== "number" || typeof b !== "number" || Number.isInteger(a)) return isDeepStrictEqual(a, b);
  return Math.abs(a - b) <= Math.abs(a) * LAST_BITS;
}

/** What two replies that mean the same have in common. */
function normal(reply: Reply): unknown {
  if (reply instanceof ReplyError) return { error: reply.message };
  if (Array.isArray(reply)) return reply.map(normal);
  if (typeof reply === "bigint") return Number(reply);
  // 7.2 writes the shortest decimal, 7.0 seventeen digits.
  if (typeof reply === "string" && /^-?\d+(\.\d+)?(e[+-]?\d+)?$/.test(reply)) return Number(reply);
  return reply;
}

async function replies(client: TestClient, commands: readonly string[][]): Promise<unknown[]> {
  for (const words of commands) client.send(...words);
  const all: unknown[] = [];
  for (let i = 0; i < commands.length; i++) all.push(normal(await client.read()));
  return all;
}

for (const [what, makers] of [["sorted sets", SORTED_SETS], ["points", POINTS], ["SORT", SORT]] as const) {
  for (const protocol of [2, 3]) {
    test(`random commands on ${what} get the replies of redis-server, in RESP${protocol}`, async (context) => {
      if (!havePeers(context, "redis-server")) return;
      const clients = await Promise.all(servers.map((server) => server.connect()));
      for (const client of clients) {
        await client.call(`HELLO ${protocol}`);
        await client.expect("FLUSHALL", "OK");
        await client.expect("SET string x", "OK");
        await client.call("RPUSH list 1 2");
      }
      const chance = new Chance(SEED * 10 + protocol);
      for (let step = 0; step < STEPS; step += BATCH) {
        const commands = Array.from({ length: BATCH }, () => chance.of(makers)(chance));
        const [mine, theirs] = await Promise.all(clients.map((client) => replies(client, commands)));
        for (const [i, words] of commands.entries()) {
          if (makers === POINTS && isClose(mine[i], theirs[i])) continue;
          const before = commands.slice(Math.max(0, i - 10), i).map((one) => JSON.stringify(one)).join("\n");
          assert.deepEqual(mine[i], theirs[i], `step ${step + i}: ${JSON.stringify(words)} after\n${before}`);
        }
      }
      // With distances stored, see above.
      for (const client of clients) await client.call("DEL g3 g4");
      const digests = await Promise.all(clients.map((client) => client.call("DEBUG DIGEST")));
      assert.equal(digests[0], digests[1]);
    });
  }
}
