/** Sorted sets. */

import type { Values } from "../values.ts";
import { drawCount, scanOptions, strangeCursor } from "./hashes.ts";
import { countedKeys, shortTimeout } from "./lists.ts";
import { type Made, special, type Template, templates } from "./template.ts";

const STRANGE_SCORES = "inf -inf +inf 1e400 nan x  1e300 -0 0x10 1e-5 infinity 1e-320".split(" ");

export function score(v: Values): string {
  if (v.once(25)) return v.of(STRANGE_SCORES);
  if (v.once(3)) return String((v.below(2000) - 1000) / v.of([1, 2, 3, 7, 10, 1000]));
  return String(v.below(40) - 20);
}

export function member(v: Values): string {
  if (v.once(150)) return v.of(["long".repeat(20), "", "\0", "\xff\xfe"]);
  return v.once(3) ? String(v.below(60) - 10) : `m${v.below(v.fieldSpace)}`;
}

function scoresAndMembers(v: Values): string[] {
  return v.elements(() => [score(v), member(v)]).flat();
}

function scoreBound(v: Values): string {
  if (v.once(40)) return v.of(["", "(", " 5", "5 ", "(x", "[5", "-", "+", "1e999", "5\0x", "((1"]);
  if (v.once(4)) return v.of(["-inf", "+inf", "inf", "(inf", "(-inf"]);
  return (v.once(3) ? "(" : "") + score(v);
}

function lexBound(v: Values): string {
  if (v.once(40)) return v.of(["", "x", "+x", "-x", "[", "(", "+\0x"]);
  return v.once(4) ? v.of(["-", "+"]) : v.of(["[", "("]) + member(v);
}

/** A key whose members all have the same score: of others, ranges by name have no meaning. */
function lexKey(v: Values): string {
  return v.once(20) ? v.of(["none", "wrong"]) : v.of(["lex1", "lex2"]);
}

function limit(v: Values): string[] {
  return [v.anyCase("LIMIT"), v.once(8) ? v.index() : String(v.below(10)), v.once(4) ? "-1" : v.count()];
}

/** An input of a union or an intersection, which may be a set. */
function input(v: Values): string {
  return v.once(4) ? v.key("set") : v.key("zset");
}

function combined(v: Values, isDiff: boolean): string[] {
  const keys = v.some(4, () => input(v));
  const options: string[][] = [];
  if (!isDiff) {
    options.push(v.maybe(2, "WEIGHTS", ...keys.map(() => v.once(4) ? score(v) : String(v.below(5) - 1))));
    options.push(v.maybe(2, "AGGREGATE", v.of(["sum", "MIN", "max", "MAX", v.once(20) ? "avg" : "min"])));
  }
  return [...countedKeys(v, keys), ...(v.once(2) ? options : options.reverse()).flat()];
}

function rangeArguments(v: Values): string[] {
  const kind = v.below(3);
  const bound = [() => v.index(), () => scoreBound(v), () => lexBound(v)][kind];
  const by = [[], ["BYSCORE"], ["BYLEX"]][kind].map((word) => v.anyCase(word));
  const options = [by, v.maybe(3, v.anyCase("REV")), kind === 0 && !v.once(20) ? [] : v.maybe(2, ...limit(v))];
  if (v.once(30)) options.push(v.of([["REV"], ["BYSCORE"], ["BYLEX"], ["x"], ["LIMIT", "0"], ["LIMIT", "0", "-1"]]));
  const key = kind === 2 ? lexKey(v) : v.key("zset");
  return [key, bound(), bound(), ...(v.once(3) ? options.reverse() : options).flat()];
}

function rankWithScore(v: Values): Made[] {
  const [name, key, one] = [v.of(["ZRANK", "ZREVRANK"]), v.key("zset"), member(v)];
  return [[name, key, one], ["ZSCORE", key, one], [name, key, one, v.once(10) ? "x" : v.anyCase("WITHSCORE")]];
}

export const SORTED_SETS: readonly Template[] = [
  ...templates(6, "any", [
    (
      v,
    ) => [
      "ZADD",
      v.key("zset"),
      ...v.maybe(3, ...v.options("NX", "xx", "GT", "LT", "CH", "incr")),
      ...scoresAndMembers(v),
    ],
    (v) => ["ZADD", v.key("zset"), ...scoresAndMembers(v)],
    (v) => ["ZADD", v.key("zset"), ...v.options("XX", "GT", "lt", "NX"), "INCR", score(v), member(v)],
    (v) => ["ZINCRBY", v.key("zset"), score(v), member(v)],
    (v) => ["ZREM", v.key("zset"), ...v.some(6, () => member(v))],
    (v) => ["ZCARD", v.key("zset")],
    (v) => ["ZSCORE", v.key("zset"), member(v)],
    (v) => ["ZMSCORE", v.key("zset"), ...v.some(5, () => member(v))],
    (v) => ["ZCOUNT", v.key("zset"), scoreBound(v), scoreBound(v)],
    (v) => ["ZLEXCOUNT", lexKey(v), lexBound(v), lexBound(v)],
    (v) => ["ZRANGE", ...rangeArguments(v), ...v.maybe(3, v.anyCase("WITHSCORES"))],
    (v) => ["ZRANGE", ...rangeArguments(v), ...v.maybe(3, "WITHSCORES")],
    (v) => ["ZRANGESTORE", v.key("zset"), ...rangeArguments(v)],
    (v) => [
      v.of(["ZRANGEBYSCORE", "ZREVRANGEBYSCORE"]),
      v.key("zset"),
      scoreBound(v),
      scoreBound(v),
      ...v.maybe(3, "WITHSCORES"),
      ...v.maybe(3, ...limit(v)),
    ],
    (v) => [v.of(["ZRANGEBYLEX", "ZREVRANGEBYLEX"]), lexKey(v), lexBound(v), lexBound(v), ...v.maybe(3, ...limit(v))],
    (v) => ["ZREVRANGE", v.key("zset"), v.index(), v.index(), ...v.maybe(3, "WITHSCORES")],
    (v) => ["ZREMRANGEBYRANK", v.key("zset"), v.index(), v.index()],
    (v) => ["ZREMRANGEBYSCORE", v.key("zset"), scoreBound(v), scoreBound(v)],
    (v) => ["ZREMRANGEBYLEX", lexKey(v), lexBound(v), lexBound(v)],
    (v) => [v.of(["ZPOPMIN", "ZPOPMAX"]), v.key("zset"), ...v.maybe(3, v.count())],
    (v) => [
      "ZMPOP",
      ...countedKeys(v, v.keys("zset", 3)),
      v.once(30) ? "MID" : v.anyCase(v.of(["MIN", "MAX"])),
      ...v.maybe(3, v.anyCase("COUNT"), v.count()),
    ],
    (v) => ["ZUNION", ...combined(v, false), ...v.maybe(3, "WITHSCORES")],
    (v) => ["ZINTER", ...combined(v, false), ...v.maybe(3, "WITHSCORES")],
    (v) => ["ZDIFF", ...combined(v, true), ...v.maybe(3, "WITHSCORES")],
    (v) => [v.of(["ZUNIONSTORE", "ZINTERSTORE"]), v.key("zset"), ...combined(v, false)],
    (v) => ["ZDIFFSTORE", v.key("zset"), ...combined(v, true)],
    (v) => ["ZINTERCARD", ...combined(v, true), ...v.maybe(3, v.anyCase("LIMIT"), v.count())],
    (v) => ["SADD", v.key("set"), ...v.elements(() => member(v))],
  ]),
  ...templates(2, "any", [
    (v) => ["SREM", v.key("set"), ...v.some(5, () => member(v))],
    (v) => ["DEL", v.once(2) ? lexKey(v) : v.key("zset")],
    (v) => ["OBJECT", "ENCODING", v.key("zset")],
    (v) => ["DEBUG", "DIGEST-VALUE", v.key("zset")],
  ]),
  ...templates(6, "length", [(v) => ["ZADD", lexKey(v), ...v.elements(() => ["0", member(v)]).flat()]]),
  ...special(1, "calls", [(_) => ["SET", "wrong", "x"]]),
  ...special(2, "calls", [(v) => [v.of(["ZRANK", "ZREVRANK"]), v.key("zset"), member(v)]]),
  ...special(6, "alone", [rankWithScore]),
  ...special(2, "calls", [
    (v) => ["ZSCAN", v.key("zset"), "0", ...scanOptions(v)],
    (v) => ["ZSCAN", v.key("zset"), strangeCursor(v), v.of(["COUNT", "MATCH", "y"])],
    (v) => ["ZRANDMEMBER", v.key("zset"), v.of(["0", "x", "-9223372036854775808", "4611686018427387904"])],
    (v) => ["ZRANDMEMBER", v.key("zset"), v.of(["0", "1"]), v.of(["x", "withscores"]), "y"],
    (v) => {
      const key = v.key("zset");
      const count = v.maybe(2, drawCount(v));
      if (count.length > 0) count.push(...v.maybe(2, v.anyCase("WITHSCORES")));
      return [["ZRANDMEMBER", key, ...count], ["ZRANGE", key, "0", "-1", "WITHSCORES"]];
    },
  ]),
  ...special(1, "timed", [
    (v) => [v.of(["BZPOPMIN", "BZPOPMAX"]), ...v.keys("zset", 3), shortTimeout(v)],
    (v) => [
      "BZMPOP",
      shortTimeout(v),
      ...countedKeys(v, v.keys("zset", 3)),
      v.anyCase(v.of(["MIN", "MAX", "MID"])),
      ...v.maybe(3, v.anyCase("COUNT"), v.count()),
    ],
  ]),
];
