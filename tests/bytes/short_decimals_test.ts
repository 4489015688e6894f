/** The usual doubles with 14 digits, against what is correct for all. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { formatGeneral } from "../../lib/bytes/c_numbers.ts";
import { shortDecimal } from "../../lib/bytes/short_decimals.ts";

const DIGITS = 14;

/** Numbers that look random, from 0 up to 1. */
function* fractions(count: number): Generator<number> {
  let seed = 1;
  for (let i = 0; i < count; i++) {
    seed = (seed * 16807) % 2147483647;
    yield (seed + (i % 997) / 997) / 2147483647;
  }
}

test("numbers of each size are as C writes them, or left to others", () => {
  let written = 0;
  let all = 0;
  for (const fraction of fractions(20_000)) {
    for (let exponent = -6; exponent <= 16; exponent++) {
      const value = (all % 2 === 0 ? 1 : -1) * fraction * 10 ** exponent;
      all++;
      const text = shortDecimal(value);
      if (text === null) continue;
      written++;
      assert.equal(text, formatGeneral(value, DIGITS));
    }
  }
  assert.ok(written > all / 2);
});

test("few digits, and numbers around powers of ten and in the middle of two, are as C writes them", () => {
  for (let power = -6; power <= 16; power++) {
    for (const factor of [1, 1.5, 2, 9.5, 1.25, 1.0625, 9.99999999999995, 9.9999999999999, 1.00000000000005]) {
      for (const value of [factor * 10 ** power, factor / 10 ** -power]) {
        const text = shortDecimal(value);
        if (text !== null) assert.equal(text, formatGeneral(value, DIGITS));
      }
    }
  }
  assert.equal(shortDecimal(0.1), "0.1");
  assert.equal(shortDecimal(-1234.5), "-1234.5");
  assert.equal(shortDecimal(100), "100");
  assert.equal(shortDecimal(50_000_000_000_000), "50000000000000");
  assert.equal(shortDecimal(1 / 3), "0.33333333333333");
  assert.equal(shortDecimal(1 / 3000), "0.00033333333333333");
});

test("what is no usual number is left to others", () => {
  for (const value of [0, -0, 1e14, 1e-5, NaN, Infinity, -Infinity, 5e-324]) assert.equal(shortDecimal(value), null);
});
