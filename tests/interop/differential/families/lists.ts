/** Lists. */

import type { Values } from "../values.ts";
import { special, type Template, templates } from "./template.ts";

/** An element: few short ones, so that LREM, LPOS and LINSERT find some; now and then one that fills a node. */
function element(values: Values): string {
  switch (values.below(5)) {
    case 0:
      return values.field();
    case 1:
      return values.value();
    default:
      return `e${values.below(8)}`;
  }
}

function elements(values: Values): string[] {
  return values.some(values.once(8) ? 60 : 4, () => element(values));
}

export function where(values: Values): string {
  return values.once(30) ? values.of(["", "UP", "LEFT "]) : values.anyCase(values.of(["LEFT", "RIGHT"]));
}

/** A number of keys and as many; now and then another number. */
export function countedKeys(values: Values, keys: readonly string[]): string[] {
  return [values.once(25) ? values.integer() : String(keys.length), ...keys];
}

/** A timeout so short that it costs nothing, or one that is refused. */
export function shortTimeout(values: Values): string {
  return values.once(6) ? values.of(["x", "", "-1", "nan", "inf", "1e300", "-0.5"]) : values.of(["0.001", "1e-3"]);
}

function positionOptions(values: Values): string[] {
  const options = [
    values.maybe(2, values.anyCase("RANK"), values.once(3) ? values.integer() : String(values.below(7) - 3)),
    values.maybe(2, values.anyCase("COUNT"), values.count()),
    values.maybe(3, values.anyCase("MAXLEN"), values.count()),
  ];
  return values.once(2) ? options.flat() : options.reverse().flat();
}

export const LISTS: readonly Template[] = [
  ...templates(6, "any", [
    (v) => [v.of(["LPUSH", "RPUSH"]), v.key("list"), ...elements(v)],
    (v) => [v.of(["LPUSH", "RPUSH"]), v.key("list"), ...elements(v)],
    (v) => [v.of(["LPUSHX", "RPUSHX"]), v.key("list"), ...elements(v)],
    (v) => [v.of(["LPOP", "RPOP"]), v.key("list"), ...v.maybe(2, v.count())],
    (v) => ["LLEN", v.key("list")],
    (v) => ["LINDEX", v.key("list"), v.index()],
    (v) => ["LSET", v.key("list"), v.index(), element(v)],
    (v) => ["LRANGE", v.key("list"), v.index(), v.index()],
    (v) => ["LTRIM", v.key("list"), v.index(), v.once(2) ? "-1" : v.index()],
    (v) => ["LREM", v.key("list"), v.once(3) ? v.index() : v.of(["0", "1", "-1", "2", "-2"]), element(v)],
    (v) => [
      "LINSERT",
      v.key("list"),
      v.once(30) ? "AT" : v.anyCase(v.of(["BEFORE", "AFTER"])),
      element(v),
      element(v),
    ],
    (v) => ["LPOS", v.key("list"), element(v), ...positionOptions(v)],
    (v) => ["LMOVE", v.key("list"), v.key("list"), where(v), where(v)],
    (v) => ["RPOPLPUSH", v.key("list"), v.key("list")],
    (v) => ["LMPOP", ...countedKeys(v, v.keys("list", 3)), where(v), ...v.maybe(2, v.anyCase("COUNT"), v.count())],
  ]),
  ...templates(1, "any", [
    (v) => ["OBJECT", "ENCODING", v.key("list")],
    (v) => ["DEL", v.key("list")],
    (v) => ["DEBUG", "DIGEST-VALUE", v.key("list")],
  ]),
  ...special(1, "timed", [
    (v) => [v.of(["BLPOP", "BRPOP"]), ...v.keys("list", 3), shortTimeout(v)],
    (v) => ["BLMOVE", v.key("list"), v.key("list"), where(v), where(v), shortTimeout(v)],
    (v) => ["BRPOPLPUSH", v.key("list"), v.key("list"), shortTimeout(v)],
    (v) => [
      "BLMPOP",
      shortTimeout(v),
      ...countedKeys(v, v.keys("list", 3)),
      where(v),
      ...v.maybe(2, v.anyCase("COUNT"), v.count()),
    ],
  ]),
];
