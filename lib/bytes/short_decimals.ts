/**
 * The usual doubles as C's `%.14g` writes them, straight into bytes: to have JavaScript make digits of a fraction, and to
 * take those apart, takes five times as long. What is too near to the middle between two decimals is left to others.
 */

import { Buffer } from "node:buffer";

const DIGITS = 14;
const HALF_DIGITS = 7;
const ZERO = 0x30;
const POINT = 0x2e;
const MINUS = 0x2d;
const LEAST = 1e-4;
const LIMIT = 10 ** DIGITS;
const HALF_LIMIT = 10 ** HALF_DIGITS;
/** By how much the product of a double below 10^14 and a power of ten may be wrong, and more. */
const MOST_ERROR = 0.03;
/** Powers of ten that are doubles without an error, up to what the smallest number needs. */
const POWERS = Array.from({ length: DIGITS + 4 }, (_, power) => Number(`1e${power}`));
/** The smallest numbers with 0, 1, 2 and 3 zeros behind the point. */
const SMALL = [0.1, 0.01, 0.001, LEAST];
/** Bytes of a number at most: a sign, `0.000` and the digits. */
const MOST_BYTES = DIGITS + 6;

const scratch = new Uint8Array(MOST_BYTES);
const scratchBuffer = Buffer.from(scratch.buffer);

/** Writes a number at a place, and gives where it ends; or -1 if it is none of the usual ones. */
export function writeShortDecimal(bytes: Uint8Array, start: number, value: number): number {
  const magnitude = Math.abs(value);
  if (!(magnitude >= LEAST && magnitude < LIMIT)) return -1;
  let whole = 0;
  let zeros = 0;
  while (magnitude >= POWERS[whole]) whole++;
  while (magnitude < SMALL[zeros]) zeros++;
  const scaled = magnitude * POWERS[DIGITS - whole + zeros];
  const floor = Math.floor(scaled);
  const rest = scaled - floor;
  if (Math.abs(rest - 0.5) < MOST_ERROR) return -1;
  const digits = rest > 0.5 ? floor + 1 : floor;
  if (digits >= LIMIT || digits < LIMIT / 10) return -1;
  let at = start;
  if (value < 0) bytes[at++] = MINUS;
  if (whole === 0) {
    bytes[at++] = ZERO;
    bytes[at++] = POINT;
    for (let i = 0; i < zeros; i++) bytes[at++] = ZERO;
    writeDigits(bytes, at, digits, DIGITS);
    return withoutZeros(bytes, at + DIGITS);
  }
  writeDigits(bytes, at, digits, whole);
  if (whole === DIGITS) return at + DIGITS;
  bytes[at + whole] = POINT;
  const end = withoutZeros(bytes, at + DIGITS + 1);
  return end === at + whole + 1 ? end - 1 : end;
}

/** The text of a number; null if it is none of the usual ones. */
export function shortDecimal(value: number): string | null {
  const end = writeShortDecimal(scratch, 0, value);
  return end < 0 ? null : scratchBuffer.toString("latin1", 0, end);
}

/** The end of what is written without the zeros there; something else comes before them. */
function withoutZeros(bytes: Uint8Array, end: number): number {
  while (bytes[end - 1] === ZERO) end--;
  return end;
}

/** Writes 14 digits, and leaves room for a point behind so many of them. */
function writeDigits(bytes: Uint8Array, start: number, digits: number, whole: number): void {
  const upper = Math.floor(digits / HALF_LIMIT);
  writeHalf(bytes, start, upper, whole);
  writeHalf(bytes, start + HALF_DIGITS, digits - upper * HALF_LIMIT, whole - HALF_DIGITS);
}

/** Writes 7 digits, and leaves room for the point before that with the index `point`. */
function writeHalf(bytes: Uint8Array, start: number, digits: number, point: number): void {
  let rest = digits | 0;
  for (let i = HALF_DIGITS - 1; i >= 0; i--) {
    const quotient = (rest / 10) | 0;
    bytes[i >= point ? start + i + 1 : start + i] = ZERO + rest - quotient * 10;
    rest = quotient;
  }
}
