/**
 * Commands that wait for keys, on several connections, and the ways in which the keys come to be. Not SWAPDB, after which
 * Redis goes over the keys that are waited for in the order of its table.
 */

import type { Values } from "../values.ts";
import { where } from "./lists.ts";
import { score } from "./sorted_sets.ts";
import { withConsumer } from "./streams.ts";
import { special, type Template, templates } from "./template.ts";

const FOREVER = "0";

function pushed(v: Values): string[] {
  return v.some(4, () => `e${v.below(100)}`);
}

function added(v: Values): string[] {
  return v.some(4, () => [score(v), `m${v.below(20)}`]).flat();
}

/** Streams to wait for, each once: 7.2 reads a stream again for each time that it is named. */
function streams(v: Values): string[] {
  return [...new Set(v.keys("stream", 2))];
}

/** Waits on connections that do nothing else; see `ofFamily`. */
export const WAITERS: readonly Template[] = special(4, "calls", [
  (v) => [v.of(["BLPOP", "BRPOP"]), ...v.keys("list", 3), FOREVER],
  (v) => ["BLMOVE", v.key("list"), v.key("list"), where(v), where(v), FOREVER],
  (v) => ["BRPOPLPUSH", v.key("list"), v.key("list"), FOREVER],
  (v) => {
    const keys = v.keys("list", 3);
    return ["BLMPOP", FOREVER, String(keys.length), ...keys, where(v), ...v.maybe(2, "COUNT", String(1 + v.below(4)))];
  },
  (v) => [v.of(["BZPOPMIN", "BZPOPMAX"]), ...v.keys("zset", 3), FOREVER],
  (v) => {
    const keys = v.keys("zset", 3);
    return ["BZMPOP", FOREVER, String(keys.length), ...keys, v.of(["MIN", "MAX"]), ...v.maybe(2, "COUNT", "2")];
  },
  (v) => {
    const keys = streams(v);
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
    const keys = streams(v);
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
    (v) => [v.of(["RENAME", "RENAMENX", "COPY"]), v.anyKey(), v.anyKey()],
    (v) => ["DEL", ...v.anyKeys()],
    (v) => ["XGROUP", "CREATE", v.key("stream"), v.of(["one", "two"]), v.of(["$", "0"]), "MKSTREAM"],
    (v) => ["LPOP", v.key("list"), "2"],
    (v) => ["XACK", v.key("stream"), v.of(["one", "two"]), ...v.some(3, () => `${v.below(60)}-${v.below(3)}`)],
    (v) => ["SELECT", v.of(["0", "0", "1"])],
    (v) => ["SORT", v.key("list"), "ALPHA", "STORE", v.key("list")],
    (v) => ["ZUNIONSTORE", v.key("zset"), "2", v.key("zset"), v.key("zset")],
    (v) => ["ZRANGESTORE", v.key("zset"), v.key("zset"), "0", "3"],
    (v) => [v.of(["LLEN", "LPUSHX"]), v.key("list"), ...v.maybe(2, "x")],
    // Within a transaction, several keys come to be at once, and go again.
    (v) => [
      ["MULTI"],
      ...v.some(5, () =>
        v.of([
          ["RPUSH", v.key("list"), ...pushed(v)],
          ["ZADD", v.key("zset"), ...added(v)],
          ["XADD", "x1", `${v.below(60)}-*`, "f", "v"],
          ["DEL", v.anyKey()],
          ["RENAME", v.anyKey(), v.anyKey()],
          ["BLPOP", v.key("list"), FOREVER],
          ["BZPOPMIN", v.key("zset"), FOREVER],
        ])),
      ["EXEC"],
    ],
  ]),
  ...templates(1, "none", [
    (v) => ["XGROUP", "DESTROY", v.key("stream"), v.of(["one", "two"])],
    (v) => ["SET", v.anyKey(), "x"],
    (v) => ["MOVE", v.anyKey(), v.of(["0", "1"])],
    (v) => ["FLUSHDB"],
    (v) => ["XDEL", v.key("stream"), ...v.some(3, () => `${v.below(60)}-${v.below(3)}`)],
    (v) => ["PEXPIREAT", v.anyKey(), "1"],
  ]),
];
