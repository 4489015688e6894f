/**
 * Commands that wait for keys, on several connections, and the ways in which the keys come to be. Not XDEL and XSETID, after
 * which 7.0 may serve a stream without an entry; not SWAPDB, after which
 * Redis goes over the keys that are waited for in the order of its table.
 */

import type { Kind, Values } from "../values.ts";
import { where } from "./lists.ts";
import { score } from "./sorted_sets.ts";
import { withConsumer } from "./streams.ts";
import { type Made, special, type Template, templates } from "./template.ts";

const FOREVER = "0";

function pushed(v: Values): string[] {
  return v.some(4, () => `e${v.below(100)}`);
}

function added(v: Values): string[] {
  return v.some(4, () => [score(v), `m${v.below(20)}`]).flat();
}

/**
 * Keys to wait for, each once: 7.2 reads a stream again for each time that it is named. Several only where none is ever of
 * another type: since 7.2 that is an error for whoever waits for it and is served by another.
 */
function awaited(v: Values, kind: Kind): string[] {
  return v.hasStrangers ? [v.key(kind)] : [...new Set(v.keys(kind, 3))];
}

/** Keys for a command on two: of the same kind, where every key keeps to its own. */
function pair(v: Values): string[] {
  const kind = v.of(["list", "zset", "stream"] as const);
  return [v.key(kind), v.hasStrangers ? v.anyKey() : v.key(kind)];
}

/** What moves on what it has waited for, where nobody waits for several: those are served in another order since 7.2. */
function moving(v: Values, command: Made): Made {
  return v.hasStrangers ? command : ["BLPOP", v.key("list"), FOREVER];
}

/** What stores, where no key changes its type: of Redis, nobody is served by a key that was something else before. */
function stored(v: Values, command: Made): Made {
  return v.hasStrangers ? ["DBSIZE"] : command;
}

function oneKey(v: Values): string {
  return v.key(v.of(["list", "zset", "stream"]));
}

/** Waits on connections that do nothing else; see `ofFamily`. */
export const WAITERS: readonly Template[] = special(4, "calls", [
  (v) => [v.of(["BLPOP", "BRPOP"]), ...awaited(v, "list"), FOREVER],
  (v) => moving(v, ["BLMOVE", v.key("list"), v.key("list"), where(v), where(v), FOREVER]),
  (v) => moving(v, ["BRPOPLPUSH", v.key("list"), v.key("list"), FOREVER]),
  (v) => {
    const keys = awaited(v, "list");
    return ["BLMPOP", FOREVER, String(keys.length), ...keys, where(v), ...v.maybe(2, "COUNT", String(1 + v.below(4)))];
  },
  (v) => [v.of(["BZPOPMIN", "BZPOPMAX"]), ...awaited(v, "zset"), FOREVER],
  (v) => {
    const keys = awaited(v, "zset");
    return ["BZMPOP", FOREVER, String(keys.length), ...keys, v.of(["MIN", "MAX"]), ...v.maybe(2, "COUNT", "2")];
  },
  (v) => {
    const keys = awaited(v, "stream");
    return [
      "XREAD",
      ...v.maybe(2, "COUNT", "2"),
      "BLOCK",
      FOREVER,
      "STREAMS",
      ...keys,
      ...keys.map(() => v.of(["$", "$", "30"])),
    ];
  },
  (v) => {
    // One only: what becomes of the others meanwhile is told since 7.2.
    const keys = v.keys("stream", 1);
    const group = v.of(["one", "two"]);
    const options = [...v.maybe(2, "COUNT", "2"), ...v.maybe(4, "NOACK")];
    const consumer = v.of(["anna", "ben"]);
    const command = ["XREADGROUP", "GROUP", group, consumer, ...options, "BLOCK", FOREVER, "STREAMS", ...keys];
    return withConsumer(keys, group, consumer, [...command, ...keys.map(() => ">")]);
  },
]);

export const FEEDERS: readonly Template[] = [
  ...templates(6, "none", [
    (v) => [v.of(["LPUSH", "RPUSH"]), v.key("list"), ...pushed(v)],
    (v) => ["ZADD", v.key("zset"), ...added(v)],
    (v) => ["XADD", v.key("stream"), `${v.below(60)}-*`, "f", `v${v.below(10)}`],
  ]),
  ...templates(2, "none", [
    (v) => ["ZINCRBY", v.key("zset"), score(v), `m${v.below(20)}`],
    (v) => ["LMOVE", v.key("list"), v.key("list"), where(v), where(v)],
    (v) => [v.of(["RENAME", "RENAMENX", "COPY"]), ...pair(v)],
    (v) => ["DEL", ...v.some(3, () => oneKey(v))],
    (v) => ["XGROUP", "CREATE", v.key("stream"), v.of(["one", "two"]), v.of(["$", "0"]), "MKSTREAM"],
    (v) => ["LPOP", v.key("list"), "2"],
    (v) => ["XACK", v.key("stream"), v.of(["one", "two"]), ...v.some(3, () => `${v.below(60)}-${v.below(3)}`)],
    (v) => ["SELECT", v.of(["0", "0", "1"])],
    (v) => stored(v, ["SORT", v.key("list"), "ALPHA", "STORE", v.key("list")]),
    (v) => stored(v, ["ZUNIONSTORE", v.key("zset"), "2", v.key("zset"), v.key("zset")]),
    (v) => stored(v, ["ZRANGESTORE", v.key("zset"), v.key("zset"), "0", "3"]),
    (v) => [v.of(["LLEN", "LPUSHX"]), v.key("list"), ...v.maybe(2, "x")],
    // Of each type one key only comes to be in a transaction: of several, 7.2 serves the one that is named first.
    (v) => [
      ["MULTI"],
      ...v.some(5, () =>
        v.of([
          ["RPUSH", "l1", ...pushed(v)],
          ["ZADD", "z1", ...added(v)],
          ["XADD", "x1", `${v.below(60)}-*`, "f", "v"],
          ["DEL", oneKey(v)],
          ["BLPOP", v.key("list"), FOREVER],
          ["BZPOPMIN", v.key("zset"), FOREVER],
        ])),
      ["EXEC"],
    ],
  ]),
  ...templates(1, "none", [
    (v) => ["XGROUP", "DESTROY", v.key("stream"), v.of(["one", "two"])],
    (v) => v.hasStrangers ? ["SET", oneKey(v), "x"] : ["DBSIZE"],
    (v) => ["MOVE", oneKey(v), v.of(["0", "1"])],
    (_v) => ["FLUSHDB"],
    (v) => ["PEXPIREAT", oneKey(v), "1"],
  ]),
];
