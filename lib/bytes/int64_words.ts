/**
 * 64-bit integers as two 32-bit words, without BigInts: what reads and writes them where there may be millions, such as
 * the ids in a set. A function that finds one says it in `highWord` and `lowWord`, both as signed int32s, until the next.
 */

import { INT64_MAX_DIGITS, parseSafeInteger } from "./integers.ts";

const MINUS = 0x2d;
const ZERO = 0x30;
const TWO_16 = 65536;
const TWO_32 = 4294967296;
/** What the digits behind the first ones make at most, and how many they are: they fit a word. */
const LOWER_DIGITS = 9;
const LOWER_LIMIT = 1e9;

/** The integer that was found last. */
export let highWord = 0;
export let lowWord = 0;

/** Says a safe integer. */
export function splitInteger(value: number): void {
  const high = Math.floor(value / TWO_32);
  highWord = high | 0;
  lowWord = (value - high * TWO_32) | 0;
}

/** The integer of two words, or NaN where it is beyond 2^53. */
export function joinWords(high: number, low: number): number {
  const value = high * TWO_32 + (low >>> 0);
  return Number.isSafeInteger(value) ? value : NaN;
}

/** Orders two integers as numbers: negative, 0 or positive. */
export function compareWords(aHigh: number, aLow: number, bHigh: number, bLow: number): number {
  if (aHigh !== bHigh) return aHigh < bHigh ? -1 : 1;
  return (aLow >>> 0) - (bLow >>> 0);
}

/** Parses a canonical decimal int64 (no plus sign, no leading zero, no `-0`) into the words; false if it is none. */
export function parseWords(bytes: Uint8Array, start: number, length: number): boolean {
  if (length === 0 || length > INT64_MAX_DIGITS) return false;
  const first = bytes[start];
  if (first > 0x39 || (first < ZERO && first !== MINUS)) return false;
  const value = parseSafeInteger(bytes, start, length);
  if (value === value) { // not NaN
    splitInteger(value);
    return true;
  }
  return length >= 16 && parseLong(bytes, start, length);
}

/** The same for 16 to 20 bytes. */
function parseLong(bytes: Uint8Array, start: number, length: number): boolean {
  const isNegative = bytes[start] === MINUS;
  const end = start + length;
  const middle = end - LOWER_DIGITS;
  let at = isNegative ? start + 1 : start;
  if (bytes[at] === ZERO) return false;
  let upper = 0;
  for (; at < middle; at++) {
    const digit = bytes[at] - ZERO;
    if (digit < 0 || digit > 9) return false;
    upper = upper * 10 + digit;
  }
  let lower = 0;
  for (; at < end; at++) {
    const digit = bytes[at] - ZERO;
    if (digit < 0 || digit > 9) return false;
    lower = lower * 10 + digit;
  }
  // upper * 10^9 + lower, of which no part may pass 2^53.
  const upperHigh = Math.floor(upper / TWO_16);
  const shifted = upperHigh * LOWER_LIMIT; // counts 2^16
  const rest = (upper - upperHigh * TWO_16) * LOWER_LIMIT + lower;
  const shiftedHigh = Math.floor(shifted / TWO_16);
  const sum = (shifted - shiftedHigh * TWO_16) * TWO_16 + rest;
  const carry = Math.floor(sum / TWO_32);
  const high = shiftedHigh + carry;
  const low = sum - carry * TWO_32;
  if (high > 0x7fffffff && !(isNegative && high === 0x80000000 && low === 0)) return false;
  highWord = high | 0;
  lowWord = low | 0;
  if (isNegative) negate();
  return true;
}

function negate(): void {
  lowWord = -lowWord | 0;
  highWord = lowWord === 0 ? -highWord | 0 : ~highWord;
}

/** Writes an integer in decimal at `at`, where there must be room for 20 bytes; the offset behind it. */
export function writeWords(target: Uint8Array, at: number, high: number, low: number): number {
  highWord = high;
  lowWord = low;
  if (high < 0) {
    target[at++] = MINUS;
    negate(); // the least of all stays as it is, and is right when read without a sign
  }
  // Long division by 10^9, 16 bits at a time.
  let rest = (highWord >>> 0) % LOWER_LIMIT;
  let upper = Math.floor((highWord >>> 0) / LOWER_LIMIT);
  rest = rest * TWO_16 + (lowWord >>> 16);
  upper = upper * TWO_16 + Math.floor(rest / LOWER_LIMIT);
  rest = (rest % LOWER_LIMIT) * TWO_16 + (lowWord & 0xffff);
  upper = upper * TWO_16 + Math.floor(rest / LOWER_LIMIT);
  let lower = rest % LOWER_LIMIT;
  let digits = 0;
  for (let left = upper; left > 0; left = Math.floor(left / 10)) digits++;
  if (digits === 0) {
    for (let left = lower; left > 0; left = Math.floor(left / 10)) digits++;
    if (digits === 0) digits = 1;
  } else {
    digits += LOWER_DIGITS;
  }
  const end = at + digits;
  for (let i = 0; i < LOWER_DIGITS && i < digits; i++) {
    target[end - 1 - i] = ZERO + (lower % 10);
    lower = Math.floor(lower / 10);
  }
  for (let to = end - 1 - LOWER_DIGITS; to >= at; to--) {
    target[to] = ZERO + (upper % 10);
    upper = Math.floor(upper / 10);
  }
  return end;
}
