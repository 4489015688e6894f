import { test } from "node:test";
import assert from "node:assert/strict";
import {
  decimalLength,
  incrementDigits,
  INT64_MAX,
  INT64_MIN,
  parseInt64,
  parseSafeInteger,
  writeDecimal,
} from "../../lib/bytes/integers.ts";
import { decodeLatin1, encodeLatin1 } from "../../lib/bytes/latin1.ts";

const SAFE = [0, 1, -1, 9, 10, 99, 100, 9999, 10000, 99999, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), -(2 ** 31) - 1, 2 ** 32];
const MORE = [1e15, 999999999999999, 2 ** 53 - 1, -(2 ** 53) + 1, 123456789012345];

test("safe integers are written and read back", () => {
  for (const value of [...SAFE, ...MORE]) {
    const target = new Uint8Array(30).fill(0x2e);
    const end = writeDecimal(target, 3, value);
    assert.equal(decodeLatin1(target, 3, end), String(value));
    assert.equal(decimalLength(value), String(value).length);
    assert.equal(target[end], 0x2e);
    assert.equal(target[2], 0x2e);
    assert.equal(parseSafeInteger(target, 3, end - 3), value);
  }
});

test("every length of decimal is right on both sides of the powers of ten", () => {
  for (let power = 1; power < 9e15; power *= 10) {
    for (const value of [power - 1, power, power + 1, -power, 1 - power]) {
      assert.equal(decimalLength(value), Object.is(value, -0) ? 1 : String(value).length);
      const target = new Uint8Array(20);
      assert.equal(decodeLatin1(target, 0, writeDecimal(target, 0, value)), String(value === 0 ? 0 : value));
    }
  }
});

test("one is added in place where that takes no further digit", () => {
  for (const before of ["0", "8", "9", "10", "19", "99", "109", "1999", "899999", "123456789012345678", "-1", "-9"]) {
    const bytes = encodeLatin1(`x${before}x`);
    const after = String(BigInt(before) + 1n);
    const fits = !before.startsWith("-") && after.length === before.length;
    assert.equal(incrementDigits(bytes, 1, before.length), fits, before);
    assert.equal(decodeLatin1(bytes, 0, bytes.length), fits ? `x${after}x` : `x${before}x`);
  }
});

test("only canonical integers are read", () => {
  const refused = ["", "-", "+1", "01", "-0", "-01", "00", " 1", "1 ", "1.0", "1e3", "0x1", "a", "--1", "1-", "٣"];
  for (const text of refused) {
    const bytes = encodeLatin1(text);
    assert.ok(Number.isNaN(parseSafeInteger(bytes, 0, bytes.length)), text);
    assert.equal(parseInt64(bytes, 0, bytes.length), null, text);
  }
});

test("int64s beyond 2^53 are read exactly, and no further", () => {
  for (const value of [INT64_MIN, INT64_MIN + 1n, -(2n ** 53n), 2n ** 53n, 2n ** 53n + 1n, INT64_MAX]) {
    const bytes = encodeLatin1(value.toString());
    assert.ok(Number.isNaN(parseSafeInteger(bytes, 0, bytes.length)));
    assert.equal(parseInt64(bytes, 0, bytes.length), value);
  }
  for (const value of [INT64_MIN - 1n, INT64_MAX + 1n, 10n ** 19n, 10n ** 40n]) {
    const bytes = encodeLatin1(value.toString());
    assert.ok(Number.isNaN(parseSafeInteger(bytes, 0, bytes.length)));
    assert.equal(parseInt64(bytes, 0, bytes.length), null);
  }
});
