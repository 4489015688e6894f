/** Bits of strings beside a bit by bit computation: counting, finding, combining, at all alignments. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { BitCombiner, countBitRange, countBits, findBit } from "../../lib/bytes/bits.ts";
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

test("strings are combined as if the shorter ones went on in zeros, however long they are", () => {
  const combiner = new BitCombiner();
  for (const longest of [1, 3, 64, 159, 160, 1000, 32_767, 32_768, 32_769, 70_001, 200_003]) {
    for (const operation of ["and", "or", "xor", "not"] as const) {
      const strings = operation === "not" ? 1 : 1 + upTo(3);
      const expected = new Uint8Array(longest);
      combiner.clear();
      combiner.reserve(longest);
      const last = upTo(strings);
      for (let k = 0; k < strings; k++) {
        const start = upTo(5);
        const length = k === last ? longest : upTo(longest + 1);
        const source = draw(start + length + 5);
        combiner.add(source, start, length);
        for (let i = 0; i < longest; i++) {
          const byte = i < length ? source[start + i] : 0;
          if (k === 0) expected[i] = operation === "not" ? ~byte : byte;
          else if (operation === "and") expected[i] &= byte;
          else if (operation === "or") expected[i] |= byte;
          else expected[i] ^= byte;
        }
      }
      const target = draw(longest + 9);
      const whole = target.slice();
      const at = upTo(5);
      whole.set(expected, at);
      combiner.combine(operation, target, at, longest);
      assert.deepEqual(target, whole, `${operation} of ${longest}`); // and nothing before or behind it
    }
  }
});

test("bits are found across windows, and next to their edges", () => {
  for (const place of [1023, 1024, 1055, 1056, 33_791, 33_792, 33_793, 66_560, 99_999]) {
    for (const [rest, bit] of [[0, 1], [0xff, 0]] as const) {
      const bytes = new Uint8Array(100_003).fill(rest);
      bytes[3 + place] ^= 0x10;
      assert.equal(findBit(bytes, 3, bit, 0, 799_999), place * 8 + 3);
      assert.equal(findBit(bytes, 3, bit, 0, place * 8 + 2), -1);
      assert.equal(findBit(bytes, 3, bit, place * 8 + 4, 799_999), -1);
      assert.equal(countBitRange(bytes, 3, 0, 799_999), rest === 0 ? 1 : 799_999);
    }
  }
});
