/** SORT and SORT_RO, over lists, sets and sorted sets, by what other keys have and with it. */

import type { Values } from "../values.ts";
import { type Template, templates } from "./template.ts";

const SORTED_KEYS = ["list", "sz", "sset", "numbers"];

function element(v: Values): string {
  return v.once(6) ? v.of(["x", "", "1.5", "-0", "1e3", "inf", " 7", "5 ", "nan"]) : String(v.below(30) - 5);
}

function pattern(v: Values): string {
  return v.of(["w_*", "w_*", "h_*->f", "h_*->g", "#", "nosort", "*", "w_*_x", "h_*->", "->*", "w_2", "*->f", "w_**"]);
}

const LIMITS = ["0", "1", "2", "5", "10", "-1", "-5", "100", "9223372036854775807", "x", ""];

function sortKey(v: Values): string {
  if (v.once(25)) return v.isMixed ? v.anyKey() : v.key(v.of(["string", "hash", "stream"]));
  return v.of(SORTED_KEYS);
}

function sort(v: Values): string[] {
  const key = sortKey(v);
  const options = [
    v.maybe(3, v.anyCase("ALPHA")),
    v.maybe(3, v.anyCase(v.of(["ASC", "DESC"]))),
    v.maybe(3, v.anyCase("LIMIT"), v.of(LIMITS), v.of(LIMITS)),
    v.maybe(3, v.anyCase("GET"), pattern(v), ...v.maybe(3, "GET", pattern(v))),
    v.maybe(3, v.anyCase("STORE"), "stored"),
  ];
  const by = v.maybe(2, v.anyCase("BY"), pattern(v));
  // The order of a set is not Redis's, and with BY and ALPHA equal elements stand as its sort leaves them.
  const isOrdered = key === "list" || key === "numbers" || key === "sz";
  if (!isOrdered && by.length > 0 && !by[1].includes("*")) by.splice(0);
  if (by.length === 2 && options[0].length > 0) {
    options[2] = [];
    if (!isOrdered || key === "sz") options[0] = [];
  }
  if (isOrdered && v.once(40)) options.push(v.of([["STORE"], ["BY"], ["x"], ["LIMIT", "x", "1"], ["GET"]]));
  const given = v.once(3) && isOrdered ? [...options, by] : [by, ...options];
  return [v.once(6) ? "SORT_RO" : "SORT", key, ...given.flat()];
}

/**
 * As strings only. Redis takes numbers for wrong where it finds that the last conversion to a number was out of range,
 * whichever command's that was.
 */
function sortStrings(v: Values): string[] {
  const args = sort(v);
  const by = args.findIndex((word) => word.toLowerCase() === "by");
  if (by >= 0) args.splice(by, 2);
  return args.some((word) => word.toLowerCase() === "alpha") ? args : [...args.slice(0, 2), "ALPHA", ...args.slice(2)];
}

const FILLING: readonly Template[] = [
  ...templates(3, "length", [
    (v) => ["RPUSH", v.of(["list", "numbers"]), ...v.some(6, () => element(v))],
    (v) => ["RPUSH", "numbers", ...v.some(6, () => String(v.below(50)))],
    (v) => ["ZADD", "sz", ...v.some(4, () => [String(v.below(20)), element(v)]).flat()],
    (v) => ["SADD", "sset", ...v.some(4, () => element(v))],
    (v) => [v.of(["LPOP", "RPOP"]), v.of(["list", "numbers"]), String(v.below(8))],
    (v) => ["LREM", "numbers", "0", v.of(["x", "", "inf", " 7", "5 ", "nan"])],
    (v) => ["SET", `w_${element(v)}`, v.once(10) ? "x" : String(v.below(20))],
    (v) => ["HSET", `h_${element(v)}`, v.of(["f", "g"]), String(v.below(20))],
    (v) => ["DEL", v.of([`w_${element(v)}`, "list", "numbers", "sz", "sset"])],
    (_) => ["LRANGE", "stored", "0", "-1"],
    (_) => ["OBJECT", "ENCODING", "stored"],
  ]),
];

/** SORT where nothing is out of any number's range. */
export const SORT: readonly Template[] = [...FILLING, ...templates(20, "none", [sort])];
/** SORT beside all other commands. */
export const SORT_STRINGS: readonly Template[] = [...FILLING, ...templates(20, "none", [sortStrings])];
