/** Bitmaps and bitfields. */

import type { Values } from "../values.ts";
import { type Template, templates } from "./template.ts";

function offset(v: Values): string {
  if (v.once(15)) return v.integer();
  return String(v.once(8) ? v.below(40_000) : v.below(200));
}

function width(v: Values): string {
  if (v.once(25)) return v.of(["i65", "u64", "i0", "u0", "x8", "", "i", "u63", "i64", "u-1", "i 8", "I8"]);
  return v.of(["i", "u"]) + String(1 + v.below(63));
}

/** An offset in bits, or in fields. Of fields none so far out that it overflows, which goes unseen in Redis. */
function fieldOffset(v: Values): string {
  if (v.once(4)) return `#${v.once(20) ? v.of(["-1", "x", "", "4294967296"]) : v.below(80)}`;
  return v.once(20) ? v.integer() : String(v.below(v.once(8) ? 2000 : 80));
}

/** Operations of BITFIELD; of BITFIELD_RO mostly those that read. */
function operations(v: Values, isReading: boolean): string[] {
  return v.some(4, () => {
    const at = [width(v), fieldOffset(v)];
    switch (isReading && !v.once(20) ? 0 : v.below(5)) {
      case 0:
        return [v.anyCase("GET"), ...at];
      case 1:
        return [v.anyCase("SET"), ...at, v.integer()];
      case 2:
        return [v.anyCase("OVERFLOW"), v.anyCase(v.of(["WRAP", "SAT", "FAIL", v.once(10) ? "x" : "SAT"]))];
      default:
        return [v.anyCase("INCRBY"), ...at, v.integer()];
    }
  }).flat();
}

function range(v: Values): string[] {
  const unit = v.maybe(2, v.anyCase(v.of(["BYTE", "BIT", "BIT", v.once(20) ? "x" : "BYTE"])));
  return [v.index(), v.index(), ...unit];
}

export const BITMAPS: readonly Template[] = [
  ...templates(6, "any", [
    (
      v,
    ) => [
      "SETBIT",
      v.key("bits"),
      offset(v),
      v.of(["0", "1", "1", "1", v.once(10) ? "2" : "1", v.once(20) ? "x" : "0"]),
    ],
    (v) => ["GETBIT", v.key("bits"), offset(v)],
    (v) => ["BITCOUNT", v.key("bits"), ...(v.once(4) ? [] : range(v))],
    (
      v,
    ) => [
      "BITPOS",
      v.key("bits"),
      v.once(20) ? v.of(["2", "-1", "x", ""]) : v.of(["0", "1"]),
      ...(v.once(4) ? [] : v.once(4) ? [v.index()] : range(v)),
    ],
    (
      v,
    ) => [
      "BITOP",
      v.anyCase(v.of(["AND", "OR", "XOR", "NOT", v.once(10) ? "NAND" : "OR"])),
      v.key("bits"),
      ...v.keys("bits", 3),
    ],
    (v) => ["BITOP", "NOT", v.key("bits"), v.key("bits")],
    (v) => ["BITFIELD", v.key("bits"), ...operations(v, false)],
    (v) => ["BITFIELD", v.key("bits"), ...operations(v, false)],
    (v) => ["BITFIELD_RO", v.key("bits"), ...operations(v, true)],
  ]),
  ...templates(2, "any", [
    (v) => ["SET", v.key("bits"), v.once(2) ? v.value() : v.binary(v.below(40))],
    (v) => [v.of(["GET", "STRLEN", "DEL"]), v.key("bits")],
    (v) => ["SETRANGE", v.key("bits"), String(v.below(60)), v.binary(v.below(10))],
    (v) => ["APPEND", v.key("bits"), v.binary(v.below(10))],
  ]),
];
