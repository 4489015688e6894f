import { test } from "node:test";
import assert from "node:assert/strict";
import { formatDouble, parseDouble } from "../../lib/bytes/doubles.ts";
import { encodeLatin1 } from "../../lib/bytes/latin1.ts";

function parse(text: string): number {
  return parseDouble(encodeLatin1(`<${text}>`), 1, text.length);
}

test("decimal, hexadecimal and infinite doubles are read", () => {
  const cases: [string, number][] = [
    ["0", 0],
    ["-0", -0],
    ["+5", 5],
    ["5.", 5],
    [".5", 0.5],
    ["5.e3", 5000],
    ["-1.25e-3", -0.00125],
    ["1E5", 1e5],
    ["0.1", 0.1],
    ["1.7976931348623157e308", Number.MAX_VALUE],
    ["5e-324", 5e-324],
    ["0e-99999", 0],
    ["0x10", 16],
    ["0X1.8p1", 3],
    ["-0x.8", -0.5],
    ["0x1p-1074", 5e-324],
    ["0x20000000000001", 2 ** 53],
    ["0x20000000000003", 2 ** 53 + 4],
    ["inf", Infinity],
    ["-Infinity", -Infinity],
  ];
  for (const [text, value] of cases) assert.ok(Object.is(parse(text), value), text);
});

test("anything else is NaN, and so is what over- or underflows", () => {
  const texts = [
    "",
    " 1",
    "1 ",
    "1e",
    "e5",
    ".",
    "-",
    "+-1",
    "0x",
    "0x.",
    "1_0",
    "1,5",
    "nan",
    "NaN",
    "infin",
    "1e309",
    "-1e309",
  ];
  for (const text of [...texts, "1e-400", "0x1p-2000", "0x1p2000", "1\0", "0b1", "9".repeat(6000)]) {
    assert.ok(Number.isNaN(parse(text)), text);
  }
});

test("doubles are written in the shortest form that is read back as the same", () => {
  const values = [
    0,
    -0,
    1,
    -1.5,
    0.1,
    1e-7,
    1.5e300,
    123456789012345680,
    1e17,
    2 ** 53,
    5e-324,
    Number.MAX_VALUE,
    1 / 3,
  ];
  for (const value of values) assert.ok(Object.is(parse(formatDouble(value)), value), String(value));
  assert.equal(formatDouble(3), "3");
  assert.equal(formatDouble(1e20), "1e+20");
  assert.equal(formatDouble(1e-7), "1e-07");
  assert.equal(formatDouble(Infinity), "inf");
  assert.equal(formatDouble(-Infinity), "-inf");
  assert.equal(formatDouble(NaN), "nan");
});
