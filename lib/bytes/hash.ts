/**
 * The keyed hash behind every table: HalfSipHash-1-2 (Aumasson and Bernstein, "SipHash", 2012, in its 32-bit variant).
 *
 * It is keyed so that a client that chooses its keys cannot make them collide, as Redis's SipHash-1-2 is, and it works on
 * 32-bit words, which is what JavaScript engines compute with natively.
 */

import { randomBytes } from "../runtime/random.ts";

let [key0, key1] = new Int32Array(randomBytes(8).buffer);

/** Replaces the process's random hash key; every table must be empty. For tests that need one order of iteration. */
export function seedHash(first: number, second: number): void {
  key0 = first | 0;
  key1 = second | 0;
}

/** The hash of `length` bytes of `bytes` from `start`, as an int32. */
export function hashBytes(bytes: Uint8Array, start: number, length: number): number {
  let v0 = key0;
  let v1 = key1;
  let v2 = key0 ^ 0x6c796765;
  let v3 = key1 ^ 0x74656462;
  const end = start + length;
  const wordsEnd = end - (length & 3);
  let at = start;
  let word: number;
  for (; at < wordsEnd; at += 4) {
    word = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
    v3 ^= word;
    // A round; written out here and below, as the engines make calls of it otherwise.
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
  }
  // The last word: the bytes that are left, and the length.
  word = length << 24;
  if (at < end) word |= bytes[at];
  if (at + 1 < end) word |= bytes[at + 1] << 8;
  if (at + 2 < end) word |= bytes[at + 2] << 16;
  v3 ^= word;
  v0 = (v0 + v1) | 0;
  v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
  v0 = (v0 << 16) | (v0 >>> 16);
  v2 = (v2 + v3) | 0;
  v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
  v0 = (v0 + v3) | 0;
  v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
  v2 = (v2 + v1) | 0;
  v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
  v2 = (v2 << 16) | (v2 >>> 16);
  v0 ^= word;
  // Finalization.
  v2 ^= 0xff;
  for (let round = 0; round < 2; round++) {
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
  }
  return v1 ^ v3;
}
