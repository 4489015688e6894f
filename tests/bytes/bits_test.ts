/** Bits of strings beside a bit by bit computation: counting, finding, combining, at all alignments. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { BitCombiner, countBitRange, countBits, findBit, invertBits } from "../../lib/bytes/bits.ts";
import { below, randomFrom } from "../store/support.ts";

const upTo = below(randomFrom(11));

/** Bytes with long runs of 0 and of 0xff, as well as noise. */
function draw(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const end = Math.min(length, at + 1 + upTo(200));
    const kind = upTo(3);
    for (; at < end; at++) bytes[at] = kind === 0 ? 0 : kind === 1 ? 0xff : upTo(256);
  }
  return bytes;
}

const bitAt = (bytes: Uint8Array, start: number, bit: number): number =>
  (bytes[start + (bit >>> 3)] >>> (7 - (bit & 7))) & 1;

test("bits are counted in any range, at any alignment", () => {
  for (let i = 0; i < 3000; i++) {
    const bytes = draw(upTo(700) + 1);
    const start = upTo(Math.min(9, bytes.length));
    const total = (bytes.length - start) * 8;
    const first = upTo(total);
    const last = first + upTo(total - first);
    let expected = 0;
    for (let bit = first; bit <= last; bit++) expected += bitAt(bytes, start, bit);
    assert.equal(countBitRange(bytes, start, first, last), expected);
    let all = 0;
    for (let bit = 0; bit < total; bit++) all += bitAt(bytes, start, bit);
    assert.equal(countBits(bytes, start, bytes.length - start), all);
  }
  assert.equal(countBits(new Uint8Array(100_003).fill(0xff), 1, 100_001), 800_008);
});

test("the first bit of a kind is found in any range, at any alignment", () => {
  for (let i = 0; i < 3000; i++) {
    const bytes = draw(upTo(700) + 1);
    const start = upTo(Math.min(9, bytes.length));
    const total = (bytes.length - start) * 8;
    const first = upTo(total);
    const last = first + upTo(total - first);
    for (const wanted of [0, 1] as const) {
      let expected = first;
      while (expected <= last && bitAt(bytes, start, expected) !== wanted) expected++;
      assert.equal(findBit(bytes, start, wanted, first, last), expected > last ? -1 : expected);
    }
  }
});

test("bytes are combined with shorter ones as if these went on in zeros, however long they are", () => {
  const combiner = new BitCombiner();
  for (const longest of [1, 3, 64, 1000, 70_001, 200_003]) {
    for (const operation of ["and", "or", "xor"] as const) {
      const target = draw(longest);
      const expected = target.slice();
      const source = draw(longest + 5);
      const start = upTo(5);
      const length = upTo(longest + 1);
      for (let i = 0; i < longest; i++) {
        const other = i < length ? source[start + i] : 0;
        expected[i] = operation === "and"
          ? target[i] & other
          : operation === "or"
          ? target[i] | other
          : target[i] ^ other;
      }
      combiner.combine(operation, target, source, start, length);
      assert.deepEqual(target, expected, `${operation} of ${longest} and ${length}`);
    }
    const bytes = draw(longest);
    const inverted = bytes.map((byte) => ~byte);
    invertBits(bytes);
    assert.deepEqual(bytes, inverted);
  }
});
