/**
 * What Redis bundles: cjson, cmsgpack and struct. The order of a table's entries is each server's own, so that only what has
 * one at most is encoded, but where it is decoded again.
 */

import { expression, type Node } from "../tree.ts";
import { type Maker, often, type Writer } from "../writer.ts";

const TEXTS = [
  ...'[1,2,{"a":null}] {"a":[1,2.5,-0],"b":{}} [] {} null true 1e5 -0.0 [1,] {"a":} nul [01] [1e999] "x" [[[]]]'.split(
    " ",
  ),
  ...[
    '"\\\\u0041\\\\n\\\\ud83d\\\\ude00"',
    '"\\\\ud800"',
    '"\\\\x"',
    '"a',
    "[1 2]",
    '{"a" 1}',
    "{1:2}",
    "",
    " ",
    "[NaN, Infinity, 0x10]",
    "1 2",
    "[-]",
    '["\\\\/\\\\b"]',
    "[1.]",
    "[.5]",
    "+1",
    "'x'",
  ],
];
const PACKED = [
  "\\129\\161a\\1",
  "\\147\\1\\2\\3",
  "\\192",
  "\\203\\63\\240\\0\\0\\0\\0\\0\\0",
  "\\204",
  "\\1\\2",
  "\\208\\255",
  "\\218\\0",
  "\\193",
  "\\145",
  "\\130\\1\\2",
  "\\211\\255\\255\\255\\255\\255\\255\\255\\255",
  "",
  "\\202\\63\\128\\0\\0",
  "\\165ab",
];
const STRUCT_FORMATS = [
  "b",
  "B",
  "h",
  "H",
  "i",
  "I",
  "l",
  "L",
  "f",
  "d",
  "s",
  "c0",
  "c2",
  "i1",
  "i2",
  "i3",
  "i8",
  "x",
  "!4",
  "<",
  ">",
  "=",
  "!",
  "i33",
  "q",
  "z",
  "I0",
  "T",
];

/** Data of which the order of entries is known: tables have one entry, or are arrays. */
function data(w: Writer, nested = 0): Node {
  switch (w.below(nested > 2 ? 4 : 7)) {
    case 0:
      return expression`${
        w.of([
          "1",
          "-7",
          "0.1",
          "1e20",
          "2^53",
          "255",
          "256",
          "65536",
          "-129",
          "2^32",
          "-2^63",
          "1.5",
          "tonumber('-0')",
          "1e-7",
          "100000000000000",
          "123456789012345",
        ])
      }`;
    case 1:
      return expression`${
        w.of(["true", "false", "cjson.null", "nil", "'x'", "'\"\\\\\\n\\0\\127\\200'", "('y'):rep(40)", "'/'", "''"])
      }`;
    case 2:
      return expression`str(${w.any()})`;
    case 3:
      return expression`${
        w.of(["{}", "{1}", "{x={}}", "{[1]=2}", "{[1.5]=1}", "{[3]=1}", "{[true]=1}", "type", "{[100]=1}", "{[-1]=0}"])
      }`;
    case 4:
      return expression`{${w.of(["x", "['y z']", "['\\n']"])} = ${data(w, nested + 1)}}`;
    default:
      return expression`{(${data(w, nested + 1)} or 1), (${data(w, nested + 1)} or 2)}`;
  }
}

function structFormat(w: Writer): string {
  return `'${w.some(1, 4, () => w.of(STRUCT_FORMATS)).join("")}'`;
}

export const LIBRARY_CALLS: readonly Maker[] = [
  ...often(2, [
    (w) => expression`cjson.encode(${data(w)})`,
    (w) => expression`cjson.decode('${w.of(TEXTS)}')`,
    (w) => expression`cmsgpack.pack(${data(w)})`,
    (w) => expression`cmsgpack.unpack(cmsgpack.pack(${data(w)}))`,
    (w) => expression`struct.pack(${structFormat(w)}, number(${w.number()}), number(${w.number()}), ${w.string()})`,
  ]),
  (w) => expression`cjson.decode(cjson.encode(${w.once(2) ? w.any() : data(w)}))`,
  (w) => expression`cjson.decode(${w.string()})`,
  (w) => expression`cmsgpack.unpack('${w.of(PACKED)}')`,
  (w) => expression`cmsgpack.unpack_one('${w.of(PACKED)}'${w.of(["", ", 1", ", 99"])})`,
  (w) => expression`cmsgpack.unpack_limit('${w.of(PACKED)}', ${w.of(["1", "2", "0"])})`,
  (w) => expression`cmsgpack.pack(${data(w)}, ${data(w)})`,
  (w) =>
    expression`struct.unpack(${structFormat(w)}, ${w.once(2) ? w.string() : "'\\1\\2\\3\\4\\255\\0\\7\\8\\9'"}${
      w.of(["", ", 2", ", 99"])
    })`,
  (w) => expression`struct.unpack('>i2s', struct.pack('>i2s', ${w.number()}, ${w.string()}))`,
  (w) => expression`struct.size(${structFormat(w)})`,
];
