/** HyperLogLogs, and the strings that they are. */

import type { Values } from "../values.ts";
import { special, type Template, templates } from "./template.ts";

function elements(v: Values): string[] {
  return Array.from(
    { length: v.once(10) ? v.below(200) : v.below(6) },
    () => v.once(4) ? v.field() : String(v.below(100_000)),
  );
}

export const HYPERLOGLOGS: readonly Template[] = [
  ...templates(8, "any", [(v) => ["PFADD", v.key("hll"), ...elements(v)], (v) => ["PFCOUNT", v.key("hll")]]),
  ...templates(3, "any", [
    (v) => ["PFCOUNT", ...v.keys("hll", 4)],
    (v) => ["PFMERGE", ...v.keys("hll", 4)],
    (v) => [v.of(["STRLEN", "TYPE"]), v.key("hll")],
    (v) => ["PFDEBUG", v.anyCase(v.of(["ENCODING", "ENCODING", "nonsense"])), v.key("hll")],
  ]),
  ...templates(1, "none", [
    (v) => ["GET", v.key("hll")],
    (v) => ["PFDEBUG", v.of(["DECODE", "TODENSE"]), v.key("hll")],
    (v) => ["DEL", v.key("hll")],
    // What is no longer one is refused; the registers stay whole, as what Redis does with damaged ones is left open.
    (v) => ["SETRANGE", v.key("hll"), v.of(["0", "4"]), v.of(["HYLL", "HYLX", "\x07", "\x02"])],
    (v) => ["SET", v.key("hll"), v.of(["", "HYLL", "HYLL\x01\0\0\0\0\0\0\0\0\0\0\0", v.value()])],
  ]),
  // The registers, 16384 of them, are costly to send.
  ...special(1, "calls", [(v) => v.once(20) ? ["PFDEBUG", "GETREG", v.key("hll")] : ["EXISTS", v.key("hll")]]),
];
