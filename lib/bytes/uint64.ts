/**
 * 64-bit integers as two words of 32 bits each, the upper and the lower, exact and without a BigInt for all that is below
 * 2^53, as IDs of streams mostly are. Words are given and returned as int32; whether they are signed is the caller's matter.
 */

import { writeDecimal } from "./integers.ts";

/** Most digits of a uint64 in decimal. */
export const UINT64_MAX_DIGITS = 20;
const TWO_32 = 4294967296;
const UINT64_END = 2n ** 64n;
const ZERO = 0x30;
/** So many digits are a safe integer, whichever they are. */
const SAFE_DIGITS = 15;
/** What C's `strtoull` takes beyond plain digits, `isspace` before it included. */
const C_NUMBER = /^[ \t\n\v\f\r]*([+-]?)(\d+)$/;

/** What the last call of a parser here came to. */
let high = 0;
let low = 0;

/** The upper word of what was parsed last. */
export function highWord(): number {
  return high;
}

/** The lower word of what was parsed last. */
export function lowWord(): number {
  return low;
}

function set(value: bigint): void {
  high = Number(BigInt.asIntN(32, value >> 32n));
  low = Number(BigInt.asIntN(32, value));
}

/** The two words of a safe integer, negative ones in two's complement: `highWord` and `lowWord`. */
export function splitInteger(value: number): void {
  high = Math.floor(value / TWO_32) | 0;
  low = value | 0;
}

/**
 * Reads a uint64 as Redis does: a decimal int64 that is not negative, or whatever `strtoull` takes (white space before it, a
 * plus sign, zeros in front, and a minus sign where the number is no canonical one). False if it is none.
 */
export function parseUint64(bytes: Uint8Array, start: number, length: number): boolean {
  if (length > 0 && length <= SAFE_DIGITS) {
    let value = 0;
    let at = start;
    for (const end = start + length; at < end; at++) {
      const digit = bytes[at] - ZERO;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    if (at === start + length) {
      splitInteger(value);
      return true;
    }
  }
  return parseSlowly(bytes, start, length);
}

function parseSlowly(bytes: Uint8Array, start: number, length: number): boolean {
  let text = "";
  for (let i = 0; i < length; i++) text += String.fromCharCode(bytes[start + i]);
  const match = C_NUMBER.exec(text);
  if (match === null) return false;
  const value = BigInt(match[2]);
  if (value >= UINT64_END) return false;
  if (match[1] !== "-") {
    set(value);
    return true;
  }
  // A canonical negative int64 is out of range; any other negative number wraps around, as in C.
  const isCanonical = match[0] === `-${value}` && value > 0n && value <= UINT64_END / 2n;
  if (isCanonical) return false;
  set(BigInt.asUintN(64, -value));
  return true;
}

/** The number that two words are, unsigned, or NaN beyond 2^53. */
export function unsignedOf(highWord: number, lowWord: number): number {
  const value = (highWord >>> 0) * TWO_32 + (lowWord >>> 0);
  return value <= Number.MAX_SAFE_INTEGER ? value : NaN;
}

/** The number that two words are, signed; beyond 2^53 the nearest double. */
export function signedOf(highWord: number, lowWord: number): number {
  return highWord * TWO_32 + (lowWord >>> 0);
}

/** The exact number that two words are, signed. */
export function bigintOf(highWord: number, lowWord: number): bigint {
  return (BigInt(highWord) << 32n) | BigInt(lowWord >>> 0);
}

/** Whether one unsigned number is below another. */
export function isBelow(aHigh: number, aLow: number, bHigh: number, bLow: number): boolean {
  return aHigh === bHigh ? (aLow >>> 0) < (bLow >>> 0) : (aHigh >>> 0) < (bHigh >>> 0);
}

/** Writes an unsigned number in decimal at `at`; the offset after it. */
export function writeUint64(target: Uint8Array, at: number, highWord: number, lowWord: number): number {
  const value = unsignedOf(highWord, lowWord);
  if (value === value) return writeDecimal(target, at, value); // not NaN
  const text = BigInt.asUintN(64, bigintOf(highWord, lowWord)).toString();
  for (let i = 0; i < text.length; i++) target[at + i] = text.charCodeAt(i);
  return at + text.length;
}
