/** Sets. */

import type { Values } from "../values.ts";
import { drawCount, scanOptions, strangeCursor } from "./hashes.ts";
import { countedKeys } from "./lists.ts";
import { special, type Template, templates } from "./template.ts";

/** A member: more often than not an integer, of all widths, so that sets stay intsets for a while. */
function member(values: Values): string {
  if (values.once(6)) return values.field();
  if (values.once(60)) return values.value();
  switch (values.below(8)) {
    case 0:
      return String(values.below(2 ** 20) - 2 ** 19);
    case 1:
      return values.once(4) ? values.integer() : String(values.below(300));
    default:
      return String(values.below(values.fieldSpace));
  }
}

function members(values: Values): string[] {
  return values.elements(() => member(values));
}

export const SETS: readonly Template[] = [
  ...templates(6, "any", [
    (v) => ["SADD", v.key("set"), ...members(v)],
    (v) => ["SADD", v.key("set"), ...members(v)],
    (v) => ["SREM", v.key("set"), ...members(v)],
    (v) => ["SISMEMBER", v.key("set"), member(v)],
    (v) => ["SMISMEMBER", v.key("set"), ...members(v)],
    (v) => [v.of(["SCARD", "SMEMBERS"]), v.key("set")],
    (v) => ["SMOVE", v.key("set"), v.key("set"), member(v)],
    (v) => [v.of(["SINTER", "SUNION", "SDIFF"]), ...v.keys("set", 4)],
    (v) => [v.of(["SINTERSTORE", "SUNIONSTORE", "SDIFFSTORE"]), v.key("set"), ...v.keys("set", 4)],
    (v) => ["SINTERCARD", ...countedKeys(v, v.keys("set", 3)), ...v.maybe(2, v.anyCase("LIMIT"), v.count())],
  ]),
  ...templates(1, "any", [
    (v) => ["OBJECT", "ENCODING", v.key("set")],
    (v) => ["DEL", v.key("set")],
    (v) => ["DEBUG", "DIGEST-VALUE", v.key("set")],
  ]),
  ...special(2, "calls", [
    (v) => ["SSCAN", v.key("set"), "0", ...scanOptions(v)],
    (v) => ["SSCAN", v.key("set"), strangeCursor(v), v.of(["COUNT", "MATCH", "y"])],
    (v) => ["SPOP", v.key("set"), v.of(["0", "-1", "x", "", "100000", "9223372036854775807"])],
    (v) => ["SPOP", v.key("set"), "1", "1"],
    (v) => ["SRANDMEMBER", v.key("set"), v.of(["0", "x", "-9223372036854775808", "100000"]), ...v.maybe(8, "x")],
    (v) => {
      const key = v.key("set");
      return [["SRANDMEMBER", key, ...v.maybe(2, drawCount(v))], ["SMEMBERS", key]];
    },
  ]),
  ...special(3, "draw", [(v) => ["SPOP", v.key("set"), ...v.maybe(2, String(v.below(v.once(5) ? 100 : 6)))]]),
];
