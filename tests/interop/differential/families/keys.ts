/** What is done to keys of every type: names, databases, expiries, payloads. */

import type { Values } from "../values.ts";
import { scanOptions, strangeCursor } from "./hashes.ts";
import { special, type Template, templates } from "./template.ts";

const DATABASES = 3;

function database(v: Values): string {
  return v.once(6) ? v.integer() : String(v.below(DATABASES));
}

const CONDITIONS = ["NX", "XX", "GT", "LT"];

/** A value of any type and size. */
function filling(v: Values): string[] {
  switch (v.below(7)) {
    case 0:
      return ["SET", v.key("string"), v.value()];
    case 1:
      return ["HSET", v.key("hash"), ...v.elements(() => [v.field(), v.value()]).flat()];
    case 2:
      return ["RPUSH", v.key("list"), ...v.elements(() => v.value())];
    case 3:
      return ["SADD", v.key("set"), ...v.elements(() => v.once(3) ? v.field() : String(v.below(500)))];
    case 4:
      return ["ZADD", v.key("zset"), ...v.elements(() => [String(v.below(100) / 4), v.field()]).flat()];
    case 5:
      return ["XADD", v.key("stream"), `${v.below(60)}-${v.below(60)}`, "f", v.value()];
    default:
      return ["PFADD", v.key("hll"), ...v.elements(() => v.field())];
  }
}

export const KEYS: readonly Template[] = [
  ...templates(20, "any", [filling]),
  ...templates(5, "any", [
    (v) => [v.of(["DEL", "UNLINK"]), ...v.anyKeys()],
    (v) => [v.of(["EXISTS", "TOUCH"]), ...v.anyKeys()],
    (v) => ["TYPE", v.anyKey()],
    (v) => [v.of(["RENAME", "RENAMENX"]), v.anyKey(), v.anyKey()],
    (v) => ["MOVE", v.anyKey(), database(v)],
    (v) => ["COPY", v.anyKey(), v.anyKey(), ...v.options("REPLACE")],
    (v) => ["COPY", v.anyKey(), v.anyKey(), v.anyCase("DB"), database(v)],
    (v) => ["COPY", v.anyKey(), v.anyKey(), "replace", "db", String(v.below(DATABASES))],
    (v) => ["OBJECT", v.anyCase("ENCODING"), v.anyKey()],
    (v) => ["OBJECT", v.of(["REFCOUNT", "IDLETIME", "FREQ", "nonsense"]), v.anyKey()],
    (v) => ["KEYS", v.pattern()],
    (_v) => ["DBSIZE"],
    (v) => ["DEBUG", "DIGEST-VALUE", ...v.anyKeys()],
    (v) => ["DUMP", v.anyKey()],
    (v) => [
      "RESTORE",
      v.anyKey(),
      v.of(["0", "-1", "x", ""]),
      v.binary(v.below(30)),
      ...v.options("REPLACE", "ABSTTL", "IDLETIME", "FREQ"),
    ],
  ]),
  ...templates(2, "any", [(v) => ["SWAPDB", String(v.below(DATABASES)), database(v)], (v) => ["SELECT", database(v)]]),
  ...templates(8, "length", [
    (v) => ["EXPIRE", v.anyKey(), v.relative(1), ...v.options(...CONDITIONS, "zz")],
    (v) => ["PEXPIRE", v.anyKey(), v.relative(1000), ...v.options(...CONDITIONS)],
    (v) => ["EXPIREAT", v.anyKey(), v.absolute(1), ...v.options(...CONDITIONS)],
    (v) => ["PEXPIREAT", v.anyKey(), v.absolute(1000), ...v.options(...CONDITIONS)],
    (v) => [v.of(["TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME", "PERSIST"]), v.anyKey()],
    (v) => [v.of(["TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME", "PERSIST"]), v.anyKey()],
  ]),
  ...special(3, "calls", [
    (v) => ["SCAN", "0", ...scanOptions(v), ...v.maybe(3, "TYPE", v.of(["string", "HASH", "zset", "list", "nosuch"]))],
    (v) => ["SCAN", strangeCursor(v), v.of(["COUNT", "MATCH", "y"])],
  ]),
  ...special(1, "calls", [(v) => [v.of(["FLUSHDB", "FLUSHALL"]), ...v.options("ASYNC", "SYNC")]]),
];
