/** Hashes. */

import type { Values } from "../values.ts";
import { special, type Template, templates } from "./template.ts";

function fields(values: Values): string[] {
  return values.some(4, () => values.field());
}

function fieldsAndValues(values: Values): string[] {
  return values.elements(() => [values.field(), values.value()]).flat();
}

/** A float's field gets numbers more often than not, so that sums build up. */
function floatField(values: Values): string {
  return values.once(4) ? values.field() : values.of(["f1", "f2", "f3"]);
}

/** Options of a scan that let it end with the first call. */
export function scanOptions(values: Values): string[] {
  const options = [values.anyCase("COUNT"), "100000"];
  if (values.once(2)) options.push(values.anyCase("MATCH"), values.pattern());
  if (values.once(10)) options.push(values.of(["COUNT", "MATCH", "y"]));
  if (values.once(10)) options.push("COUNT", values.of(["0", "-1", "x", ""]));
  return options;
}

/** A cursor that is none, or one at which nothing can be but the start. */
export function strangeCursor(values: Values): string {
  return values.of(["x", "-", "", "18446744073709551616", " 0", "0 "]);
}

const DRAWN = ["1", "2", "3", "5", "17", "-1", "-3", "-20", "100000"];

/** A count for drawing at random. */
export function drawCount(values: Values): string {
  return values.of(DRAWN);
}

export const HASHES: readonly Template[] = [
  ...templates(6, "any", [
    (v) => ["HSET", v.key("hash"), ...fieldsAndValues(v)],
    (v) => ["HSET", v.key("hash"), v.field(), v.value()],
    (v) => ["HMSET", v.key("hash"), ...fieldsAndValues(v)],
    (v) => ["HSETNX", v.key("hash"), v.field(), v.value()],
    (v) => ["HSET", v.key("hash"), floatField(v), v.float()],
    (v) => ["HGET", v.key("hash"), v.field()],
    (v) => ["HMGET", v.key("hash"), ...fields(v)],
    (v) => ["HDEL", v.key("hash"), ...fields(v)],
    (v) => ["HLEN", v.key("hash")],
    (v) => ["HSTRLEN", v.key("hash"), v.field()],
    (v) => ["HEXISTS", v.key("hash"), v.field()],
    (v) => [v.of(["HKEYS", "HVALS", "HGETALL"]), v.key("hash")],
    (v) => ["HINCRBY", v.key("hash"), v.once(2) ? v.field() : v.of(["n1", "n2"]), v.integer()],
    (v) => ["HINCRBYFLOAT", v.key("hash"), floatField(v), v.float()],
  ]),
  ...templates(1, "any", [(v) => ["OBJECT", "ENCODING", v.key("hash")], (v) => ["DEL", v.key("hash")]]),
  ...special(3, "calls", [
    (v) => ["HRANDFIELD", v.key("hash"), v.of(["0", "100000", "-9223372036854775808", "x", "4611686018427387904"])],
    (v) => ["HRANDFIELD", v.key("hash"), "100000", v.anyCase("WITHVALUES")],
    (v) => ["HRANDFIELD", v.key("hash"), v.of(["4611686018427387904", "1"]), v.of(["withvalues", "x"]), "y"],
    (v) => ["HSCAN", v.key("hash"), "0", ...scanOptions(v)],
    (v) => ["HSCAN", v.key("hash"), strangeCursor(v), v.of(["COUNT", "MATCH", "y"])],
    (v) => {
      const key = v.key("hash");
      const count = v.maybe(2, drawCount(v));
      if (count.length > 0) count.push(...v.maybe(2, v.anyCase("WITHVALUES")));
      return [["HRANDFIELD", key, ...count], ["HGETALL", key]];
    },
  ]),
];
