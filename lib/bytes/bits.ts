/**
 * Strings as rows of bits, the first one the highest of the first byte: counting, finding, and combining them. Long ones are
 * gone through in vectors (vectors.ts), a window at a time.
 */

import { copyBytes } from "./compare.ts";
import { SKIPPED_BYTES, vectors, WINDOW_BYTES } from "./vectors.ts";

/** Strings from this length on are gone through in vectors, in bytes: copying less takes longer than it saves. */
const LONG_BYTES = 160;
/** What is copied at first where it may be found soon. */
const FIRST_BYTES = 1024;

/** The number of bits set in each byte value. */
const COUNTS = new Uint8Array(256);
for (let value = 1; value < 256; value++) COUNTS[value] = COUNTS[value >>> 1] + (value & 1);

/** How many bits of a range are set. */
export function countBits(bytes: Uint8Array, start: number, length: number): number {
  const end = start + length;
  let count = 0;
  if (length < LONG_BYTES) {
    for (let at = start; at < end; at++) count += COUNTS[bytes[at]];
    return count;
  }
  const { first, operations } = vectors();
  for (let at = start; at < end; at += WINDOW_BYTES) {
    const size = Math.min(WINDOW_BYTES, end - at);
    first.set(bytes.subarray(at, at + size));
    first.fill(0, size, size + 15); // as much as it is rounded up to
    count += operations.count(size);
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
  if (end - at >= LONG_BYTES) at = skipVectors(bytes, start, at, end, skipped);
  while (at < end && bytes[start + at] === skipped) at++;
  return at;
}

/** A place from `at` on that all bytes before are `skipped`, and that one of a few behind it is not, or the end is near. */
function skipVectors(bytes: Uint8Array, start: number, at: number, end: number, skipped: number): number {
  const { first, operations } = vectors();
  let most = FIRST_BYTES;
  while (end - at >= SKIPPED_BYTES) {
    const size = Math.min(most, end - at) & -SKIPPED_BYTES;
    first.set(bytes.subarray(start + at, start + at + size));
    const found = operations.skip(size, skipped);
    at += found;
    if (found < size) break;
    most = WINDOW_BYTES;
  }
  return at;
}

export type BitOperation = "and" | "or" | "xor" | "not";

/** Combines strings, as long as the longest of them; one that is shorter goes on in zeros. */
export class BitCombiner {
  readonly #strings: Uint8Array[] = [];
  readonly #starts: number[] = [];
  readonly #lengths: number[] = [];

  /** Forgets the strings. */
  clear(): void {
    this.#strings.length = this.#starts.length = this.#lengths.length = 0;
  }

  /** Adds a string to those that are to be combined. */
  add(bytes: Uint8Array, start: number, length: number): void {
    this.#strings.push(bytes);
    this.#starts.push(start);
    this.#lengths.push(length);
  }

  /** Takes the memory that combining strings of up to `length` bytes needs: `combine` throws nothing then. */
  reserve(length: number): void {
    if (length >= LONG_BYTES) vectors();
  }

  /**
   * Writes what the operation gives to `length` bytes of `target`, which must be none of the strings; NOT takes the first
   * string alone. O(length·strings). `length` is that of the longest string.
   */
  combine(operation: BitOperation, target: Uint8Array, start: number, length: number): void {
    if (length < LONG_BYTES) return this.#combineShort(operation, target, start, length);
    const { first, second, operations } = vectors();
    for (let at = 0; at < length; at += WINDOW_BYTES) {
      const size = Math.min(WINDOW_BYTES, length - at);
      this.#copyPart(0, at, size, first);
      if (operation === "not") operations.not(size);
      else {
        for (let i = 1; i < this.#strings.length; i++) {
          this.#copyPart(i, at, size, second);
          operations[operation](size);
        }
      }
      target.set(first.subarray(0, size), start + at);
    }
  }

  /** Copies `size` bytes of a string from an offset in it on. */
  #copyPart(index: number, at: number, size: number, to: Uint8Array): void {
    const from = this.#starts[index] + at;
    const there = Math.max(0, Math.min(size, this.#lengths[index] - at));
    if (there > 0) to.set(this.#strings[index].subarray(from, from + there));
    if (there < size) to.fill(0, there, size);
  }

  #combineShort(operation: BitOperation, target: Uint8Array, start: number, length: number): void {
    const end = start + length;
    copyBytes(this.#strings[0], this.#starts[0], this.#lengths[0], target, start);
    for (let at = start + this.#lengths[0]; at < end; at++) target[at] = 0;
    if (operation === "not") {
      for (let at = start; at < end; at++) target[at] = ~target[at];
      return;
    }
    for (let i = 1; i < this.#strings.length; i++) {
      const source = this.#strings[i];
      const from = this.#starts[i] - start;
      const both = start + this.#lengths[i];
      if (operation === "and") {
        for (let at = start; at < both; at++) target[at] &= source[from + at];
        for (let at = both; at < end; at++) target[at] = 0;
      } else if (operation === "or") {
        for (let at = start; at < both; at++) target[at] |= source[from + at];
      } else {
        for (let at = start; at < both; at++) target[at] ^= source[from + at];
      }
    }
  }
}
