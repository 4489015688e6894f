import { test } from "node:test";
import assert from "node:assert/strict";
import {
  formatDouble,
  formatFourDecimals,
  formatPrecise,
  parseDouble,
  parseLenientDouble,
} from "../../lib/bytes/doubles.ts";
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
  assert.equal(formatDouble(Infinity), "inf");
  assert.equal(formatDouble(-Infinity), "-inf");
  assert.equal(formatDouble(NaN), "nan");
});

test("doubles have the form of Redis 7.2: where it turns to exponents, and when it does not", () => {
  const cases: [number, string][] = [
    [1e-7, "1e-7"],
    [1e-6, "0.000001"],
    [1.5e-6, "1.5e-6"],
    [0.0001, "0.0001"],
    [0.00012345678, "1.2345678e-4"],
    [0.12345678, "0.12345678"],
    [3.141592653589793, "3.141592653589793"],
    [12345.678901, "12345.678901"],
    [0.000999999999, "9.99999999e-4"],
    [0.001000000001, "0.001000000001"],
    [9999.1234567, "9999.1234567"],
    [-9999.1234567, "-9999.1234567"],
    [10000.123456, "10000.123456"],
    [10000.1234567, "1.00001234567e+4"],
    [-10000.1234567, "-1.00001234567e+4"],
    [4503599627370495.5, "4503599627370495.5"],
    [123456.1234567, "1.234561234567e+5"],
    [1700000000.123456, "1700000000.123456"],
    [-1.5e300, "-1.5e+300"],
    [2 ** 53 + 2, "9007199254740994"],
    [1e17, "100000000000000000"],
    [1e18, "1000000000000000000"],
    [2 ** 62, "4611686018427387904"],
    [5e18, "5e+18"],
    [2 ** 63, "9223372036854776000"],
    [1.2345678901234567e19, "12345678901234567000"],
    [1e20, "1e+20"],
    [5e-324, "5e-324"],
    [1e100, "1e+100"],
    [0.1 + 0.2, "0.30000000000000004"],
  ];
  for (const [value, text] of cases) assert.equal(formatDouble(value), text);
});

test("seventeen digits are written as C writes them", () => {
  const cases: [number, string][] = [
    [0.1, "0.10000000000000001"],
    [0, "0"],
    [-0, "-0"],
    [100, "100"],
    [1e17, "1e+17"],
    [1e16, "10000000000000000"],
    [0.0001, "0.0001"],
    [0.00001, "1.0000000000000001e-05"],
    [100000000000000.125, "100000000000000.12"],
    [100000000000000.375, "100000000000000.38"],
    [-1.5, "-1.5"],
    [1e300, "1.0000000000000001e+300"],
    [Infinity, "inf"],
  ];
  for (const [value, text] of cases) assert.equal(formatPrecise(value), text);
});

test("four decimals are rounded, to even where two are equally near", () => {
  const cases: [number, string][] = [
    [0, "0.0000"],
    [1, "1.0000"],
    [166274.15156960039, "166274.1516"],
    [0.00004, "0.0000"],
    [0.00006, "0.0001"],
    [0.03125, "0.0312"],
    [0.09375, "0.0938"],
    [20037726.37, "20037726.3700"],
  ];
  for (const [value, text] of cases) assert.equal(formatFourDecimals(value), text);
});

test("bounds are read as C reads them", () => {
  const cases: [string, number][] = [
    ["", 0],
    ["\0what", 0],
    [" \t5", 5],
    ["5\0x", 5],
    ["1e400", Infinity],
    ["-1e400", -Infinity],
    ["1e-400", 0],
    ["0x10", 16],
    ["0x1p5000", Infinity],
    ["-inf", -Infinity],
    ["1.25", 1.25],
  ];
  for (const [text, value] of cases) assert.equal(parseLenientDouble(encodeLatin1(text), 0, text.length), value, text);
  for (const text of [" ", "5 ", "x", "nan", "0x", ".", "-", "1e"]) {
    assert.ok(Number.isNaN(parseLenientDouble(encodeLatin1(text), 0, text.length)), text);
  }
});
