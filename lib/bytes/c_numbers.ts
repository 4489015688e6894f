/**
 * Doubles as C's `printf` writes them with `%e`, `%f` and `%g`: correctly rounded, and of two decimals that are equally
 * near to the one whose last digit is even. All of it is for finite numbers and precisions from 0 to 99.
 *
 * JavaScript rounds correctly too, but takes the larger of two that are equally near. Such a tie is rare and quickly told,
 * and then the larger has an odd last digit where the other is wanted: one less in that digit is all it takes.
 */

const ZERO = 0x30;
/** From here on `toFixed` writes no more digits than are needed to tell doubles apart. */
const MOST_FIXED = 1e21;
/** Ten to this is a double without an error, and what doubles can have a factor of has no larger power of five in it. */
const MOST_EXACT_POWER = 22;
/** Below this exponent `%g` writes the exponent. */
const LEAST_FIXED_EXPONENT = -4;
const LEAST_FIXED = 1e-4;
/** A decimal of no more digits than this is that which its double becomes again, rounded to as many (C's DBL_DIG). */
const MOST_SAFE_DIGITS = 15;
/** What usual numbers of decimals need of them; more are calculated. */
const TWICE_POWERS_OF_TWO = Array.from({ length: 32 }, (_, power) => 2 ** (power + 1));

/** C's `%.{precision}e`: one digit before the point, and an exponent of at least two digits. */
export function formatExponential(value: number, precision: number): string {
  const text = exponential(Math.abs(value), precision);
  const end = text.indexOf("e");
  return signOf(value) + text.slice(0, end) + exponentText(Number(text.slice(end + 1)));
}

/** C's `%.{precision}f`: all digits before the point, and as many as said behind it. */
export function formatFixed(value: number, precision: number): string {
  const magnitude = Math.abs(value);
  const sign = signOf(value);
  if (magnitude >= MOST_FIXED) return sign + BigInt(magnitude) + (precision > 0 ? `.${"0".repeat(precision)}` : "");
  const text = magnitude.toFixed(precision);
  return sign + (isTie(magnitude, precision) ? withEvenEnd(text, text.length) : text);
}

/** C's `%.{precision}g`: so many digits, less the zeros at their end, and an exponent where the number is large or small. */
export function formatGeneral(value: number, precision: number): string {
  const magnitude = Math.abs(value);
  if (precision <= MOST_SAFE_DIGITS && magnitude >= LEAST_FIXED && magnitude < MOST_FIXED) {
    // Most numbers that people write are short, and then the shortest text that tells a double is what C writes, too.
    const shortest = String(value);
    if (shortest.length <= precision) return shortest;
  }
  return general(value, Math.max(precision, 1), true);
}

/** C's `%#.{precision}g`: the same with the zeros at the end of the digits. */
export function formatGeneralInFull(value: number, precision: number): string {
  return general(value, Math.max(precision, 1), false);
}

function general(value: number, precision: number, isTrimmed: boolean): string {
  const text = exponential(Math.abs(value), precision - 1);
  const end = text.indexOf("e");
  const exponent = Number(text.slice(end + 1));
  const digits = text[0] + text.slice(2, end);
  const count = isTrimmed ? significant(digits) : precision;
  const sign = signOf(value);
  if (exponent < LEAST_FIXED_EXPONENT || exponent >= precision) {
    return sign + text.slice(0, count > 1 ? count + 1 : 1) + exponentText(exponent);
  }
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits.slice(0, count)}`;
  if (count <= exponent + 1) return sign + digits.slice(0, exponent + 1);
  return `${sign}${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1, count)}`;
}

/** As `toExponential` writes a number that is not negative, ties rounded to even. */
function exponential(magnitude: number, precision: number): string {
  const text = magnitude.toExponential(precision);
  const end = text.indexOf("e");
  return isTie(magnitude, precision - Number(text.slice(end + 1))) ? withEvenEnd(text, end) : text;
}

/** Whether a number lies exactly between two that have so many decimals; below 0 they are zeros before the point. */
function isTie(magnitude: number, decimals: number): boolean {
  // The last bit of such a number is worth half of a two's power with as many bits behind the point as there are decimals.
  if (decimals >= 0) {
    const scaled = magnitude * (TWICE_POWERS_OF_TWO[decimals] ?? 2 ** (decimals + 1));
    return scaled === Math.floor(scaled) && scaled % 2 === 1;
  }
  if (decimals < -MOST_EXACT_POWER) return false;
  const unit = 10 ** -decimals;
  return magnitude % unit === unit / 2;
}

/** The text with its digit before `end`, if that is odd, one less. */
function withEvenEnd(text: string, end: number): string {
  const digit = text.charCodeAt(end - 1) - ZERO;
  return digit % 2 === 0 ? text : text.slice(0, end - 1) + (digit - 1) + text.slice(end);
}

/** How many digits there are without the zeros at their end, but at least one. */
function significant(digits: string): number {
  let count = digits.length;
  while (count > 1 && digits.charCodeAt(count - 1) === ZERO) count--;
  return count;
}

function exponentText(exponent: number): string {
  const digits = String(Math.abs(exponent));
  return `e${exponent < 0 ? "-" : "+"}${digits.length < 2 ? "0" : ""}${digits}`;
}

function signOf(value: number): string {
  return value < 0 || Object.is(value, -0) ? "-" : "";
}
