import { test } from "node:test";
import assert from "node:assert/strict";
import { bytesEqual, compareBytes, copyBytes, equalsIgnoreCase } from "../../lib/bytes/compare.ts";
import { decodeLatin1, encodeLatin1 } from "../../lib/bytes/latin1.ts";

test("compareBytes orders as memcmp, the shorter first", () => {
  const sorted = ["", "\0", "\0\0", "A", "a", "aa", "ab", "b", "\x7f", "\x80", "\xff"];
  for (let i = 0; i < sorted.length; i++) {
    for (let j = 0; j < sorted.length; j++) {
      const a = encodeLatin1(`-${sorted[i]}`);
      const b = encodeLatin1(`--${sorted[j]}`);
      assert.equal(Math.sign(compareBytes(a, 1, a.length - 1, b, 2, b.length - 2)), Math.sign(i - j));
      if (sorted[i].length === sorted[j].length) {
        assert.equal(bytesEqual(a, 1, b, 2, sorted[i].length), i === j);
      }
    }
  }
});

test("copyBytes copies ranges of any length", () => {
  const from = Uint8Array.from({ length: 300 }, (_, i) => i);
  for (const length of [0, 1, 47, 48, 49, 250]) {
    const to = new Uint8Array(300).fill(7);
    copyBytes(from, 5, length, to, 11);
    assert.deepEqual(to.subarray(11, 11 + length), from.subarray(5, 5 + length));
    assert.equal(to[10], 7);
    assert.equal(to[11 + length], 7);
  }
});

test("equalsIgnoreCase folds ASCII letters only", () => {
  const equals = (text: string, lower: string) => equalsIgnoreCase(encodeLatin1(text), 0, text.length, lower);
  assert.ok(equals("WithValues", "withvalues"));
  assert.ok(!equals("withvalue", "withvalues"));
  assert.ok(!equals("[", "{"));
  assert.ok(!equals("\xc0", "\xe0"));
});

test("binary strings hold every byte", () => {
  const all = Uint8Array.from({ length: 20_000 }, (_, i) => i);
  assert.deepEqual(encodeLatin1(decodeLatin1(all)), all);
  assert.equal(decodeLatin1(all, 65, 68), "ABC");
});
