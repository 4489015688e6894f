import { test } from "node:test";
import assert from "node:assert/strict";
import {
  addDecimal,
  addExtended,
  addShort,
  extendedOf,
  formatDouble,
  formatExtended,
  parseExtended,
} from "../../lib/bytes/decimal.ts";
import { below, randomFrom } from "../store/support.ts";

/** Sums that redis-server 7.0.15 gave on x86-64. */
const SUMS: readonly (readonly [string, string, string])[] = [
  ["10.50", "0.1", "10.6"],
  ["5.0e3", "2.0e2", "5200"],
  ["3", "1.23", "4.23"],
  ["12345678901.1", "0.1", "12345678901.19999999925494194"],
  ["0", "1e-17", "0.00000000000000001"],
  ["-1e-20", "0", "0"],
  ["-1", "1", "0"],
  ["0", "-0.0", "0"],
  ["0", "+5", "5"],
  ["0", ".5", "0.5"],
  ["0", "5.", "5"],
  ["0", "0x10", "16"],
  ["0", "0x1p-3", "0.125"],
  ["0", "3.6e-4951", "0"],
];

for (const [a, b, sum] of SUMS) {
  test(`${a} + ${b} is ${sum}`, () => {
    assert.equal(addDecimal(a, b), sum);
    assert.equal(addDecimal(b, a), sum);
  });
}

test("sums have the digits of an x87 long double", () => {
  assert.equal(formatExtended({ mantissa: 1n, exponent: 100 }), (2n ** 100n).toString());
  const largest = parseExtended("1e4932");
  assert.ok(largest);
  assert.equal(formatExtended(largest).length, 4933);
  assert.match(formatExtended(largest), /^1000000000000000000/);
  // 2^64 + 1 needs 65 bits: a tie, which goes to the even neighbour; 2^64 + 3 goes up.
  assert.equal(addDecimal("18446744073709551616", "1"), "18446744073709551616");
  assert.equal(addDecimal("18446744073709551616", "3"), "18446744073709551620");
  assert.equal(addDecimal("18446744073709551615", "0"), "18446744073709551615");
});

test("a rounding up to the next power of two keeps the value", () => {
  for (let power = 1; power < 400; power += 7) {
    const value = 2n ** BigInt(power + 70) - 1n;
    const parsed = parseExtended(value.toString());
    assert.ok(parsed);
    assert.equal(formatExtended(parsed), (2n ** BigInt(power + 70)).toString());
  }
});

test("integers up to 64 bits add exactly", () => {
  for (let i = 1n; i < 2n ** 63n; i = i * 7n + 3n) {
    assert.equal(addDecimal(i.toString(), "-3"), (i - 3n).toString());
    assert.equal(addDecimal((-i).toString(), "-1"), (-i - 1n).toString());
  }
});

test("what is no number, or out of range, is refused", () => {
  for (
    const text of [
      "",
      "abc",
      " 1",
      "1 ",
      "1e",
      "1_0",
      "0x",
      ".",
      "-",
      "nan",
      "1e5000",
      "1e-5000",
      "1e99999999999",
      "1\0",
    ]
  ) {
    assert.equal(parseExtended(text), null, JSON.stringify(text));
    assert.equal(typeof addDecimal("1", text), "object");
  }
  assert.equal(parseExtended("1".repeat(5119)), null, "overflows");
  assert.ok(parseExtended("0." + "1".repeat(5117)));
  assert.equal(parseExtended("0." + "1".repeat(5118)), null, "longer than Redis reads");
});

test("infinities are numbers, but sums with them are not", () => {
  for (const text of ["inf", "-inf", "+Infinity", "INF"]) {
    assert.equal(parseExtended(text)?.exponent, Infinity);
    assert.equal(typeof addDecimal(text, "1"), "object");
  }
  const largest = parseExtended("1.18e4932");
  assert.ok(largest);
  assert.equal(addExtended(largest, largest).exponent, Infinity);
  assert.equal(typeof addDecimal("1.18e4932", "1.18e4932"), "object");
});

test("short sums are those of the x87, or left to it", () => {
  const upTo = below(randomFrom(31));
  const draw = () => {
    const digits = String(upTo(10 ** (1 + upTo(9))));
    const fraction = ["", "", `.${upTo(1000)}`, `.${upTo(10)}`, ".5", ".25", ".125", ".0", ".10"][upTo(9)];
    return `${["", "", "-"][upTo(3)]}${upTo(2) === 0 ? digits.slice(0, 2) : digits}${fraction}`;
  };
  let short = 0;
  for (let round = 0; round < 20_000; round++) {
    const [a, b] = [draw(), draw()];
    const found = addShort(a, b);
    if (found === null) continue;
    short++;
    const [x, y] = [parseExtended(a), parseExtended(b)];
    assert.ok(x !== null && y !== null, `${a} ${b}`);
    assert.equal(found, formatExtended(addExtended(x, y)), `${a} + ${b}`);
  }
  assert.ok(short > 5000);
  assert.equal(addShort("100.1", "0.1"), null);
  assert.equal(addShort("31.9", "0.1"), null);
  assert.equal(addShort("31.8", "0.1"), "31.9");
  assert.equal(addShort("-0", "-0"), "0");
  assert.equal(addShort("0.5", "-0.5"), "0");
  assert.equal(addShort("00017.50", "1.5"), "19");
  for (const text of ["", "-", ".5", "5.", "1e3", "+1", " 1", "1 ", "1.2.3", "1234567890123456", "inf", "0x10"]) {
    assert.equal(addShort(text, "1"), null, JSON.stringify(text));
    assert.equal(addShort("1", text), null, JSON.stringify(text));
  }
});

test("doubles are written as the same number of the x87", () => {
  const upTo = below(randomFrom(37));
  const values = [
    0,
    -0,
    1,
    -1,
    0.1,
    180,
    -85.05112878,
    2 ** -17,
    2 ** -18,
    3 * 2 ** -18,
    2 ** -19,
    -(2 ** -60),
    1e21,
    1e300,
  ];
  for (let i = 0; i < 5000; i++) {
    values.push((upTo(2 ** 31) / 2 ** 31 - 0.5) * 360, (upTo(2 ** 20) - 2 ** 19) / 2 ** 18);
  }
  for (const value of values) assert.equal(formatDouble(value), formatExtended(extendedOf(value)), String(value));
});
