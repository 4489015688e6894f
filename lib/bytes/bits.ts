/**
 * Strings as rows of bits, the first one the highest of the first byte: counting, finding, and combining them. Long ones are
 * gone through in words of 32 bits.
 */

import { copyBytes } from "./compare.ts";

/** Strings from this length on are gone through by words, in bytes. */
const LONG_BYTES = 64;
/** Bytes that are combined at a time: they, and what they are combined with, stay in the processor's first cache. */
const CHUNK_BYTES = 8 * 1024;
/** Groups of three words of which the counts by byte are added up before they could overflow. */
const GROUPS = 10;

/** The number of bits set in each byte value. */
const COUNTS = new Uint8Array(256);
for (let value = 1; value < 256; value++) COUNTS[value] = COUNTS[value >>> 1] + (value & 1);

/** The words of a range that lie whole and aligned within it: the offset of the first in `bytes`, and a view of them. */
function wordsOf(
  bytes: Uint8Array,
  start: number,
  length: number,
): { readonly from: number; readonly words: Int32Array } {
  const from = start + ((4 - ((bytes.byteOffset + start) & 3)) & 3);
  const count = (start + length - from) >>> 2;
  return { from, words: new Int32Array(bytes.buffer, bytes.byteOffset + from, count) };
}

/** How many bits of a range are set. */
export function countBits(bytes: Uint8Array, start: number, length: number): number {
  if (length < LONG_BYTES) return countInBytes(bytes, start, start + length);
  const { from, words } = wordsOf(bytes, start, length);
  const to = from + words.length * 4;
  return countInBytes(bytes, start, from) + countInWords(words) + countInBytes(bytes, to, start + length);
}

function countInBytes(bytes: Uint8Array, from: number, to: number): number {
  let count = 0;
  for (let at = from; at < to; at++) count += COUNTS[bytes[at]];
  return count;
}

/** Counts within ever wider fields (Warren, "Hacker's Delight", 5-1), three words merged before the fields are bytes. */
function countInWords(words: Int32Array): number {
  const grouped = words.length - (words.length % 3);
  let count = 0;
  let at = 0;
  while (at < grouped) {
    const end = Math.min(grouped, at + 3 * GROUPS);
    let byBytes = 0;
    for (; at < end; at += 3) {
      let a = words[at];
      let b = words[at + 1];
      let c = words[at + 2];
      a -= (a >>> 1) & 0x55555555;
      b -= (b >>> 1) & 0x55555555;
      c -= (c >>> 1) & 0x55555555;
      a = (a & 0x33333333) + ((a >>> 2) & 0x33333333);
      b = (b & 0x33333333) + ((b >>> 2) & 0x33333333);
      c = (c & 0x33333333) + ((c >>> 2) & 0x33333333);
      const sum = (a + b + c) | 0;
      byBytes = (byBytes + (sum & 0x0f0f0f0f) + ((sum >>> 4) & 0x0f0f0f0f)) | 0;
    }
    count += (byBytes & 0xff) + ((byBytes >>> 8) & 0xff) + ((byBytes >>> 16) & 0xff) + (byBytes >>> 24);
  }
  for (; at < words.length; at++) {
    const word = words[at];
    count += COUNTS[word & 0xff] + COUNTS[(word >>> 8) & 0xff] + COUNTS[(word >>> 16) & 0xff] + COUNTS[word >>> 24];
  }
  return count;
}

/** How many of the bits from `first` to `last`, counted from the beginning of a range, are set. */
export function countBitRange(bytes: Uint8Array, start: number, first: number, last: number): number {
  const firstByte = Math.floor(first / 8);
  const lastByte = Math.floor(last / 8);
  const leading = bytes[start + firstByte] & ~(0xff >>> (first % 8));
  const trailing = bytes[start + lastByte] & (0x7f >>> (last % 8));
  return countBits(bytes, start + firstByte, lastByte - firstByte + 1) - COUNTS[leading & 0xff] - COUNTS[trailing];
}

/** The first bit from `first` to `last`, counted from the beginning of a range, that is `bit`; -1 if there is none. */
export function findBit(bytes: Uint8Array, start: number, bit: 0 | 1, first: number, last: number): number {
  const flip = bit === 1 ? 0 : 0xff;
  const lastByte = Math.floor(last / 8);
  let at = Math.floor(first / 8);
  let byte = (bytes[start + at] ^ flip) & (0xff >>> (first % 8));
  if (byte === 0) {
    at = skipBytes(bytes, start, at + 1, lastByte + 1, flip);
    if (at > lastByte) return -1;
    byte = bytes[start + at] ^ flip;
  }
  const found = at * 8 + Math.clz32(byte) - 24;
  return found <= last ? found : -1;
}

/** The first byte from `at` on that is not `skipped`; `end` if there is none. */
function skipBytes(bytes: Uint8Array, start: number, at: number, end: number, skipped: number): number {
  if (end - at >= LONG_BYTES) {
    const { from, words } = wordsOf(bytes, start + at, end - at);
    while (at < from - start && bytes[start + at] === skipped) at++;
    if (at < from - start) return at;
    const word = skipped === 0 ? 0 : -1;
    let index = skipFours(words, word);
    while (index < words.length && words[index] === word) index++;
    at += index * 4;
  }
  while (at < end && bytes[start + at] === skipped) at++;
  return at;
}

/** The index of the first four words, of whole fours from the beginning on, of which one is not `skipped`. */
function skipFours(words: Int32Array, skipped: number): number {
  const end = words.length & ~3;
  let at = 0;
  while (
    at < end &&
    ((words[at] ^ skipped) | (words[at + 1] ^ skipped) | (words[at + 2] ^ skipped) | (words[at + 3] ^ skipped)) === 0
  ) at += 4;
  return at;
}

export type BitOperation = "and" | "or" | "xor";

/** Combines bytes with others, as long as the shorter of the two; bytes that others do not have count as 0. */
export class BitCombiner {
  readonly #chunk = new Uint8Array(CHUNK_BYTES);
  readonly #words = new Int32Array(this.#chunk.buffer);

  /** Combines `target`, which begins the buffer that it lies in, with a range that is no longer. */
  combine(operation: BitOperation, target: Uint8Array, source: Uint8Array, start: number, length: number): void {
    const whole = new Int32Array(target.buffer, 0, target.length >>> 2);
    for (let at = 0; at < length; at += CHUNK_BYTES) {
      const size = Math.min(CHUNK_BYTES, length - at);
      copyBytes(source, start + at, size, this.#chunk, 0);
      const words = size >>> 2;
      combineWords(operation, whole, at >>> 2, this.#words, words);
      for (let i = words * 4; i < size; i++) {
        const other = this.#chunk[i];
        if (operation === "and") target[at + i] &= other;
        else if (operation === "or") target[at + i] |= other;
        else target[at + i] ^= other;
      }
    }
    if (operation === "and") target.fill(0, length);
  }
}

/** Combines `count` words from `at` on with as many of `source`. A loop for each operation, four words at a time. */
function combineWords(
  operation: BitOperation,
  target: Int32Array,
  at: number,
  source: Int32Array,
  count: number,
): void {
  const fours = count & ~3;
  let i = 0;
  if (operation === "and") {
    for (; i < fours; i += 4) {
      target[at + i] &= source[i];
      target[at + i + 1] &= source[i + 1];
      target[at + i + 2] &= source[i + 2];
      target[at + i + 3] &= source[i + 3];
    }
    for (; i < count; i++) target[at + i] &= source[i];
  } else if (operation === "or") {
    for (; i < fours; i += 4) {
      target[at + i] |= source[i];
      target[at + i + 1] |= source[i + 1];
      target[at + i + 2] |= source[i + 2];
      target[at + i + 3] |= source[i + 3];
    }
    for (; i < count; i++) target[at + i] |= source[i];
  } else {
    for (; i < fours; i += 4) {
      target[at + i] ^= source[i];
      target[at + i + 1] ^= source[i + 1];
      target[at + i + 2] ^= source[i + 2];
      target[at + i + 3] ^= source[i + 3];
    }
    for (; i < count; i++) target[at + i] ^= source[i];
  }
}

/** Turns all bits of `target`, which begins the buffer that it lies in. */
export function invertBits(target: Uint8Array): void {
  const words = new Int32Array(target.buffer, 0, target.length >>> 2);
  const fours = words.length & ~3;
  let i = 0;
  for (; i < fours; i += 4) {
    words[i] = ~words[i];
    words[i + 1] = ~words[i + 1];
    words[i + 2] = ~words[i + 2];
    words[i + 3] = ~words[i + 3];
  }
  for (; i < words.length; i++) words[i] = ~words[i];
  for (let at = words.length * 4; at < target.length; at++) target[at] = ~target[at];
}
