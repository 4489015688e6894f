/** Numbers as C writes and reads them, which is how cjson does: `printf` with `%g`, and `strtod`. */

import { POINT, ZERO } from "./cjson_common.ts";

/** Below this C writes an exponent, and JavaScript does not yet. */
const LEAST_PLAIN = 1e-4;
/** From here on JavaScript writes an exponent. */
const FIRST_LARGE = 1e21;
/** Digits beyond which an exact half of the last digit shows no other digit. */
const TIE_DIGITS = 100;

/** A finite number as C's `%.{precision}g` writes it, with a precision of 14 at most. */
export function formatGeneral(value: number, precision: number): string {
  const magnitude = Math.abs(value);
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  return sign + (rounded(magnitude, precision) ?? formatExactly(magnitude, precision));
}

/**
 * The shortest decimal that is this number, cut to the precision; undefined if it takes more than that to tell. To round
 * what is rounded is exact here: between the two there is no decimal of one digit more than the precision, as that would
 * have been the shortest.
 */
function rounded(magnitude: number, precision: number): string | undefined {
  if (magnitude < LEAST_PLAIN || magnitude >= FIRST_LARGE) return magnitude === 0 ? "0" : undefined;
  const shortest = String(magnitude);
  if (shortest.length <= precision) return shortest;
  const point = shortest.indexOf(".");
  if (point < 0 || point >= precision) return undefined;
  let end = precision + 1;
  if (magnitude < 1) { for (end++; shortest.charCodeAt(end - precision) === ZERO;) end++; }
  if (end >= shortest.length) return shortest;
  const next = shortest.charCodeAt(end) - ZERO;
  if (next === 5 && end + 1 === shortest.length) return undefined;
  if (next >= 5) {
    const last = shortest.charCodeAt(end - 1) - ZERO;
    // A nine would carry, and a point is no digit.
    return last >= 0 && last < 9 ? shortest.slice(0, end - 1) + (last + 1) : undefined;
  }
  while (shortest.charCodeAt(end - 1) === ZERO) end--;
  return shortest.slice(0, shortest.charCodeAt(end - 1) === POINT ? end - 1 : end);
}

function formatExactly(magnitude: number, precision: number): string {
  const [mantissa, power] = exponential(magnitude, precision).split("e");
  const exponent = Number(power);
  const digits = mantissa.replace(".", "").replace(/0+$/, "");
  if (exponent < -4 || exponent >= precision) {
    const fraction = digits.length > 1 ? `.${digits.slice(1)}` : "";
    return `${digits[0]}${fraction}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
  }
  if (exponent < 0) return `0.${"0".repeat(-exponent - 1)}${digits}`;
  if (digits.length <= exponent + 1) return digits.padEnd(exponent + 1, "0");
  return `${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`;
}

/** The number with so many digits and an exponent. Of two equally near C takes the even one, and JavaScript the larger. */
function exponential(magnitude: number, precision: number): string {
  const text = magnitude.toExponential(precision - 1);
  if (!magnitude.toExponential(precision).includes("5e")) return text;
  const [digits, power] = magnitude.toExponential(TIE_DIGITS).replace(".", "").split("e");
  const isTie = /^50*$/.test(digits.slice(precision));
  if (!isTie || Number(digits[precision - 1]) % 2 !== 0) return text;
  return `${digits[0]}.${digits.slice(1, precision)}e${power}`;
}

const DECIMAL = /[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y;
const HEXADECIMAL = /([+-]?)0[xX](?:([\da-fA-F]+)\.?([\da-fA-F]*)|\.([\da-fA-F]+))(?:[pP]([+-]?\d+))?/y;
const NAMED = /([+-]?)(?:(inf(?:inity)?)|nan(?:\(\w*\))?)/iy;

/** A number that was read, and where it ends. */
export interface ReadNumber {
  readonly value: number;
  readonly end: number;
}

/**
 * The longest number that stands at a place of a text: decimal, hexadecimal, infinite or NaN, perhaps with a sign. Null where
 * there is none.
 */
export function readNumber(text: string, at: number): ReadNumber | null {
  HEXADECIMAL.lastIndex = at;
  const hexadecimal = HEXADECIMAL.exec(text);
  if (hexadecimal !== null) return { value: ofHexadecimal(hexadecimal), end: HEXADECIMAL.lastIndex };
  DECIMAL.lastIndex = at;
  if (DECIMAL.test(text)) return { value: Number(text.slice(at, DECIMAL.lastIndex)), end: DECIMAL.lastIndex };
  NAMED.lastIndex = at;
  const named = NAMED.exec(text);
  if (named === null) return null;
  const [, sign, infinite] = named;
  return { value: infinite === undefined ? NaN : sign === "-" ? -Infinity : Infinity, end: NAMED.lastIndex };
}

/** Digits that are taken as they are; whether any behind them is not 0 is one more bit. */
const TAKEN_DIGITS = 16;
const BITS_PER_DIGIT = 4;
const MANTISSA_BITS = 53;
/** The power of two of the least bit that a double can have. */
const LEAST_POWER = -1074;

/** The double nearest to a hexadecimal number, the even one of two. */
function ofHexadecimal([, sign, whole = "", fraction = "", only = "", power = "0"]: RegExpExecArray): number {
  const digits = (whole + fraction + only).replace(/^0+/, "");
  const rest = digits.slice(TAKEN_DIGITS);
  let bits = (BigInt(`0x0${digits.slice(0, TAKEN_DIGITS)}`) << 1n) | (/[^0]/.test(rest) ? 1n : 0n);
  let exponent = Number(power) - 1 + BITS_PER_DIGIT * (rest.length - fraction.length - only.length);
  // A number too small for all its bits is rounded before it is scaled, as that would round it once more.
  const surplus = Math.max(bits.toString(2).length - MANTISSA_BITS, LEAST_POWER - exponent);
  if (surplus > 0) {
    const shift = BigInt(Math.min(surplus, 2 * MANTISSA_BITS));
    const half = 1n << (shift - 1n);
    const lost = bits & ((1n << shift) - 1n);
    bits >>= shift;
    if (lost > half || (lost === half && (bits & 1n) === 1n)) bits++;
    exponent += surplus;
  }
  const value = scaled(Number(bits), exponent);
  return sign === "-" ? -value : value;
}

/** A number times a power of two, which may be beyond those of doubles. */
function scaled(value: number, power: number): number {
  const half = Math.trunc(power / 2);
  return value === 0 ? 0 : value * 2 ** half * 2 ** (power - half);
}
