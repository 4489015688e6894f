/** Tables: lists without holes, records, and what `table` does with them. */

import { expression, fixed, type Node, statement } from "../tree.ts";
import { type Maker, often, type Writer } from "../writer.ts";

/** Names of fields; none is a number that could make a hole. */
const FIELDS = ["x", "y", "z", "n", "err", "ok", "name"];
const OTHER_KEYS = ["'x'", "'y z'", "true", "1.5", "-1", "0", "2^53", "''", "'\\0'"];
const ORDERS = [
  "function(p, q) tick() return p < q end",
  "function(p, q) tick() return p > q end",
  "function(p, q) tick() return tostring(p) < tostring(q) end",
];

export function field(w: Writer): string {
  return w.of(FIELDS);
}

export const ARRAY_LEAVES: readonly Maker[] = [
  (w) =>
    expression`${
      w.of(["{}", "{1, 2, 3}", "{'a', 'b'}", "{3, 1, 2}", "{10, 'x', true}", "{{1}, {2, {3}}}", "KEYS", "ARGV"])
    }`,
];

export const ARRAYS: readonly Maker[] = [
  ...ARRAY_LEAVES,
  ...often(3, [
    (w) => expression`{${w.values(4, () => w.solid())}}`,
    (w) => expression`{${w.solid()}; ${w.solid()}, }`,
  ]),
  (w) => expression`{string.byte(${w.string()}, 1, -1)}`,
  (w) => expression`{unpack(${w.array()})}`,
  (w) => expression`sorted(${w.record()})`,
];

export const RECORD_LEAVES: readonly Maker[] = [
  (w) => expression`${w.of(["{}", "{x=1, y={z=2}}", "{n=0}", "{['y z']=1, [1.5]=2}"])}`,
];

export const RECORDS: readonly Maker[] = [
  ...RECORD_LEAVES,
  ...often(3, [
    (w) => expression`{${field(w)} = ${w.any()}, [${w.of(OTHER_KEYS)}] = ${w.any()}}`,
    (w) => expression`{${field(w)} = ${w.any()},${w.gap()}${field(w)} = function${w.routine()}}`,
    (w) => expression`{${w.solid()}; ${field(w)} = ${w.any()}}`,
  ]),
];

/** Names of tables, as something that can be indexed. */
function table(w: Writer): string {
  return w.variable(w.of(["array", "record", "any"])) ?? "ARGV";
}

/** What a table has. */
export const ENTRIES: readonly Maker[] = [
  (w) => expression`${table(w)}.${field(w)}`,
  (w) => expression`${table(w)}[${w.any()}]`,
  (w) => expression`${table(w)}[1]`,
  (w) => expression`(${w.record()}).${field(w)}`,
  (w) => expression`${table(w)}.${field(w)}.${field(w)}`,
  (w) => expression`rawget(${table(w)}, ${w.any()})`,
  (w) => expression`table.remove(${w.array()}${w.of(["", ", 1", ", 2", ", 99"])})`,
  (w) => expression`unpack(${w.array()}${w.of(["", ", 2", ", 1, 2", ", 0, 1", ", 3, 1"])})`,
  (w) => expression`table.maxn(${w.array()})`,
  (w) => expression`table.getn(${w.array()})`,
  // With holes, and with an end that is told.
  (w) => expression`unpack({${w.any()}, ${w.any()}, nil, ${w.any()}}, 1, 4)`,
  (w) => expression`next({${w.of([field(w), "[1]"])} = ${w.any()}})`,
];

function insertion(w: Writer): Node {
  const name = w.variable("array") ?? "ARGV";
  switch (w.below(6)) {
    case 0:
      return statement`table.insert(${name}, ${w.solid()})`;
    case 1:
      return statement`table.insert(${name}, 1, ${w.solid()})`;
    case 2:
      return statement`${name}[#${name} + 1] = ${w.solid()}`;
    case 3:
      return statement`${name}[#${name}] = nil`;
    case 4:
      return statement`table.insert(${w.of(["", name, `${name}, 'x', 1`, "nil, 1", `${name}, 1, 2, 3`])})`;
    default:
      return statement`table.remove(${name})`;
  }
}

export const TABLE_STATEMENTS: readonly Maker[] = [
  ...often(3, [
    insertion,
    (w) => statement`${table(w)}.${field(w)} = ${w.any()}`,
  ]),
  (w) => statement`${table(w)}[${w.of(OTHER_KEYS)}] = ${w.any()}`,
  (w) => statement`rawset(${table(w)}, '${field(w)}', ${w.any()})`,
  (w) => {
    const name = w.variable("array") ?? "ARGV";
    return statement`table.sort(${name}${w.once(2) ? "" : `, ${w.of(ORDERS)}`})`;
  },
  (w) => statement`table.foreachi(${w.array()}, ${w.function()})`,
  (w) => w.shown(fixed`table.concat(${w.array()}, ${w.string()})`),
];
