/**
 * Decimal integers in bytes: parsing arguments where they lie and formatting replies and values without strings.
 *
 * Redis's integers are int64. Almost all that occur are safe in a double, so every function has a fast form in numbers
 * that says NaN for what it cannot hold, and a BigInt form for the rest.
 */

const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;

/** Most bytes that an int64 takes in decimal. */
export const INT64_MAX_DIGITS = 20;
export const INT64_MIN = -(2n ** 63n);
export const INT64_MAX = 2n ** 63n - 1n;

/**
 * Parses a canonical decimal integer (no plus sign, no leading zero, no `-0`) of magnitude below 2^53. NaN if it is
 * not one, or is larger: then `parseInt64` tells which.
 */
export function parseSafeInteger(bytes: Uint8Array, start: number, length: number): number {
  if (length === 0 || length > 17) return NaN;
  const end = start + length;
  const negative = bytes[start] === MINUS;
  let at = negative ? start + 1 : start;
  if (at === end) return NaN;
  let value = bytes[at++] - ZERO;
  if (value < 0 || value > 9) return NaN;
  if (value === 0 && (length > 1)) return NaN;
  while (at < end) {
    const digit = bytes[at++] - ZERO;
    if (digit < 0 || digit > 9) return NaN;
    value = value * 10 + digit;
  }
  if (value > Number.MAX_SAFE_INTEGER) return NaN;
  return negative ? -value : value;
}

/** Parses any canonical decimal int64, or returns null. */
export function parseInt64(bytes: Uint8Array, start: number, length: number): bigint | null {
  if (length === 0 || length > INT64_MAX_DIGITS) return null;
  const end = start + length;
  const negative = bytes[start] === MINUS;
  const first = negative ? start + 1 : start;
  if (first === end || (bytes[first] === ZERO && length > 1)) return null;
  let value = 0n;
  for (let at = first; at < end; at++) {
    const digit = bytes[at] - ZERO;
    if (digit < 0 || digit > 9) return null;
    value = value * 10n + BigInt(digit);
  }
  if (negative) value = -value;
  return value < INT64_MIN || value > INT64_MAX ? null : value;
}

/**
 * Adds one, in place, to a canonical decimal integer that is not negative. False, and nothing is changed, where it is
 * negative or the sum would need another digit.
 */
export function incrementDigits(bytes: Uint8Array, start: number, length: number): boolean {
  if (bytes[start] === MINUS) return false;
  let at = start + length - 1;
  while (bytes[at] === NINE) if (--at < start) return false;
  bytes[at]++;
  for (const end = start + length; ++at < end;) bytes[at] = ZERO;
  return true;
}

/** Digits, and sign, of a safe integer in decimal. */
export function decimalLength(value: number): number {
  let length = 1;
  if (value < 0) {
    value = -value;
    length = 2;
  }
  while (value > 0x7fffffff) {
    value = Math.floor(value / 10000);
    length += 4;
  }
  let rest = value | 0; // from here on in integers, which engines divide by multiplying
  while (rest >= 10000) {
    rest = (rest / 10000) | 0;
    length += 4;
  }
  if (rest >= 1000) return length + 3;
  if (rest >= 100) return length + 2;
  return rest >= 10 ? length + 1 : length;
}

/** Writes a safe integer in decimal at `start` and returns the offset after it; `target` must have room. */
export function writeDecimal(target: Uint8Array, start: number, value: number): number {
  const end = start + decimalLength(value);
  let at = end;
  let large = value;
  if (large < 0) {
    target[start] = MINUS;
    large = -large;
  }
  while (large > 0x7fffffff) {
    const quotient = Math.floor(large / 10);
    target[--at] = ZERO + (large - quotient * 10);
    large = quotient;
  }
  let rest = large | 0; // as in decimalLength
  do {
    const quotient = (rest / 10) | 0;
    target[--at] = ZERO + (rest - Math.imul(quotient, 10));
    rest = quotient;
  } while (rest > 0);
  return end;
}
