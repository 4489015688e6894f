/** Points on the earth, which are sorted sets. */

import { SAME_PLACES_KEY, type Values } from "../values.ts";
import { DISTANCES_KEY } from "../compare.ts";
import { type Template, templates } from "./template.ts";

const place = (v: Values) => `p${v.below(80)}`;
const unit = (v: Values) => v.once(40) ? v.of(["x", ""]) : v.anyCase(v.of(["m", "km", "ft", "mi"]));

/** Coordinates, of which hardly two are the same: which of such places COUNT leaves out is open. */
function coordinates(v: Values): string[] {
  const longitude = String((v.below(360_000_000) - 180_000_000) / 1e6);
  const latitude = String((v.below(170_000_000) - 85_000_000) / 1e6);
  if (v.once(60)) return [v.of(["181", "-180", "180", "x", "", "nan", "inf"]), latitude];
  if (v.once(60)) return [longitude, v.of(["86", "85.05112878", "-85.05112878", "y", "-90"])];
  if (v.once(4)) return [String(13 + v.below(1e6) / 5e5), String(38 + v.below(1e6) / 5e5)];
  return [longitude, latitude];
}

function radius(v: Values): string {
  return v.once(30)
    ? v.of(["-1", "x", "0", "nan", "1e400"])
    : String(v.below(v.of([100, 3000, 20_000])) / v.of([1, 3]));
}

/** Options of a search. COUNT only where no two points are at the same place: which of them is left out is open. */
function found(v: Values, key: string): string[] {
  const options = [
    v.maybe(3, v.anyCase("WITHDIST")),
    v.maybe(3, v.anyCase("WITHCOORD")),
    v.maybe(3, v.anyCase("WITHHASH")),
    v.maybe(3, v.anyCase("ASC")),
    v.maybe(8, v.anyCase("DESC")),
    key === SAME_PLACES_KEY || v.isMixed
      ? []
      : v.maybe(3, v.anyCase("COUNT"), v.once(20) ? v.integer() : String(1 + v.below(10)), ...v.maybe(3, "ANY")),
  ];
  return (v.once(2) ? options : options.reverse()).flat();
}

function searchArguments(v: Values): string[] {
  const from = v.once(2) ? ["FROMMEMBER", place(v)] : [v.anyCase("FROMLONLAT"), ...coordinates(v)];
  const by = v.once(2) ? ["BYRADIUS", radius(v), unit(v)] : [v.anyCase("BYBOX"), radius(v), radius(v), unit(v)];
  const all = v.once(2) ? [...from, ...by] : [...by, ...from];
  if (v.once(40)) {
    all.push(...v.of([["FROMMEMBER", "p1"], ["BYRADIUS", "5", "m"], ["BYBOX", "1", "1", "m"], ["ANY"], ["x"]]));
  }
  return v.once(40) ? all.slice(0, -1) : all;
}

/** Where places that were found are stored; distances only where nothing else looks, see `DISTANCES_KEY`. */
const stored = (v: Values) => v.isMixed ? v.key("geo") : v.of(["g3", "g4"]);
const storing = (v: Values, word: string) => v.once(2) ? [stored(v)] : [DISTANCES_KEY, v.anyCase(word)];

export const GEO: readonly Template[] = [
  ...templates(6, "length", [
    (
      v,
    ) => [
      "GEOADD",
      v.key("geo"),
      ...v.options("NX", "XX", "CH"),
      ...v.some(4, () => [...coordinates(v), place(v)]).flat(),
    ],
    (v) => ["GEOADD", v.key("geo"), ...v.some(4, () => [...coordinates(v), place(v)]).flat()],
    (v) => ["GEOPOS", v.key("geo"), ...v.some(4, () => place(v))],
    (v) => ["GEOHASH", v.key("geo"), ...v.some(4, () => place(v))],
    (v) => ["GEODIST", v.key("geo"), place(v), place(v), ...v.maybe(3, unit(v))],
    (v) => {
      const key = v.key("geo");
      return ["GEOSEARCH", key, ...searchArguments(v), ...found(v, key)];
    },
    (v) => ["GEOSEARCH", v.key("geo"), ...searchArguments(v)],
    (v) => {
      const key = v.key("geo");
      return [v.of(["GEORADIUS", "GEORADIUS_RO"]), key, ...coordinates(v), radius(v), unit(v), ...found(v, key)];
    },
    (v) => {
      const key = v.key("geo");
      return [v.of(["GEORADIUSBYMEMBER", "GEORADIUSBYMEMBER_RO"]), key, place(v), radius(v), unit(v), ...found(v, key)];
    },
  ]),
  ...templates(3, "none", [
    (v) => {
      const [key, ...distances] = storing(v, "STOREDIST");
      return ["GEOSEARCHSTORE", key, v.key("geo"), ...searchArguments(v), ...distances];
    },
    (v) => {
      const [key, word = v.anyCase("STORE")] = storing(v, "STOREDIST");
      const center = v.once(2)
        ? ["GEORADIUSBYMEMBER", v.key("geo"), place(v)]
        : ["GEORADIUS", v.key("geo"), ...coordinates(v)];
      return [...center, radius(v), unit(v), word, key, ...v.maybe(3, "WITHDIST")];
    },
    (_) => ["ZRANGE", DISTANCES_KEY, "0", "-1", "WITHSCORES"],
    (v) => ["ZRANGE", v.once(2) ? stored(v) : v.key("geo"), "0", "-1", ...v.maybe(2, "WITHSCORES")],
    (v) => ["ZREM", v.key("geo"), ...v.some(3, () => place(v))],
    (
      v,
    ) => [
      "GEOADD",
      v.isMixed ? v.key("geo") : SAME_PLACES_KEY,
      v.of(["-180", "180", "3"]),
      v.of(["85.05112878", "-85.05112878", "4"]),
      place(v),
    ],
    (
      v,
    ) => [
      "ZADD",
      v.isMixed ? v.key("geo") : SAME_PLACES_KEY,
      v.of(["-5", "3.7", "1e17", "4503599627370495", "9007199254740993"]),
      place(v),
    ],
  ]),
];
