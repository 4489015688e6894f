/** Doubles as Redis writes and reads them. */

import { formatGeneral } from "./c_numbers.ts";
import { decodeLatin1 } from "./latin1.ts";

/** Longest text that Redis takes for a double, in bytes. */
const MAX_DOUBLE_BYTES = 5 * 1024;
const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const HEXADECIMAL = /^([+-]?)0x([\da-f]*)(?:\.([\da-f]*))?(?:p([+-]?\d+))?$/i;
const INFINITE = /^([+-]?)inf(?:inity)?$/i;

/** Beyond this an integer is written like any other number. */
const MAX_PLAIN_INTEGER = 2 ** 62;
// JavaScript writes the same shortest decimal, and never with an exponent where Redis has none: within these bounds, and up
// to the next with few decimals, what it writes is what Redis writes.
const LEAST_AS_IS = 1e-3;
const MOST_AS_IS = 1e4;
/** From here on all doubles are integers. */
const MOST_WITH_FRACTION = 2 ** 52;
const FEW_DECIMALS = 6;
/** Significant digits that tell any two doubles apart. */
const PRECISE_DIGITS = 17;

/**
 * The shortest decimal that gives the same double back, in the form that replies and scores have in Redis 7.2: `inf`,
 * `-inf` and `nan` for what is not finite, integers below 2^62 in full, and exponents where a fraction has many digits
 * behind the point or many zeros (`1e-7`, `1.5e+300`, `1.234561234567e+5`).
 */
export function formatDouble(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) <= MAX_PLAIN_INTEGER) {
    if (value === 0) return Object.is(value, -0) ? "-0" : "0";
    return Math.abs(value) <= Number.MAX_SAFE_INTEGER ? String(value) : BigInt(value).toString();
  }
  return formatOther(value);
}

/** The same of a double that is no integer, or a very large one. Apart, so that what is common stays small. */
function formatOther(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (value === Infinity) return "inf";
  if (value === -Infinity) return "-inf";
  const magnitude = Math.abs(value);
  if (magnitude >= LEAST_AS_IS && magnitude < MOST_WITH_FRACTION) {
    const text = String(value);
    if (magnitude < MOST_AS_IS || text.length - text.indexOf(".") - 1 <= FEW_DECIMALS) return text;
  }
  const sign = value < 0 ? "-" : "";
  const [mantissa, power] = Math.abs(value).toExponential().split("e");
  const digits = mantissa.replace(".", "");
  const exponent = Number(power);
  /** The number is the digits, as an integer, times ten to this. */
  const scale = exponent - digits.length + 1;
  if (scale >= 0 && exponent < digits.length + 7) return sign + digits + "0".repeat(scale);
  if (scale < 0 && (scale > -7 || Math.abs(exponent) < 4)) {
    const point = digits.length + scale;
    if (point <= 0) return `${sign}0.${"0".repeat(-point)}${digits}`;
    return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
  }
  return `${sign}${mantissa}e${exponent < 0 ? "-" : "+"}${Math.abs(exponent)}`;
}

/** A finite double with 17 significant digits, less the zeros at their end, as C's `%.17g` writes it. */
export function formatPrecise(value: number): string {
  if (!Number.isFinite(value)) return formatDouble(value);
  return formatGeneral(value, PRECISE_DIGITS);
}

/** The integer nearest to a number of magnitude below 2^51, the even one of two that are equally near. */
function roundHalfEven(value: number): number {
  const large = 2 ** 52;
  return value < 0 ? value - large + large : value + large - large;
}

/** A number of magnitude below 10^11 with four decimals. */
export function formatFourDecimals(value: number): string {
  const scaled = roundHalfEven(value * 10000);
  const digits = String(Math.abs(scaled)).padStart(5, "0");
  return `${scaled < 0 ? "-" : ""}${digits.slice(0, -4)}.${digits.slice(-4)}`;
}

const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
/** Digits up to which a decimal without exponent is the quotient of two exact doubles, which division rounds correctly. */
const MOST_EXACT_DIGITS = 15;
const POWERS_OF_TEN = Array.from({ length: MOST_EXACT_DIGITS + 1 }, (_, power) => 10 ** power);

/** A decimal of few digits, without an exponent, and negative or without sign; NaN for anything else. */
export function parseShortDecimal(bytes: Uint8Array, start: number, length: number): number {
  const isNegative = length > 0 && bytes[start] === MINUS;
  const end = start + length;
  let at = isNegative ? start + 1 : start;
  if (end - at > MOST_EXACT_DIGITS + 1 || at === end) return NaN;
  let value = 0;
  let digits = 0;
  let decimals = -1;
  for (; at < end; at++) {
    const digit = bytes[at] - ZERO;
    if (digit >= 0 && digit <= 9) {
      value = value * 10 + digit;
      digits++;
      if (decimals >= 0) decimals++;
    } else if (bytes[at] === POINT && decimals < 0) {
      decimals = 0;
    } else {
      return NaN;
    }
  }
  if (digits === 0 || digits > MOST_EXACT_DIGITS) return NaN;
  if (decimals > 0) value /= POWERS_OF_TEN[decimals];
  return isNegative ? -value : value;
}

/**
 * Reads a double as commands take it: C's `strtod` on the whole argument, without white space around it. Decimal,
 * hexadecimal (`0x1.8p3`) and `inf`; NaN for anything else, `nan` included, and for what overflows or underflows to 0.
 */
export function parseDouble(bytes: Uint8Array, start: number, length: number): number {
  const short = parseShortDecimal(bytes, start, length);
  if (!Number.isNaN(short)) return short;
  if (length === 0 || length > MAX_DOUBLE_BYTES) return NaN;
  const text = decodeLatin1(bytes, start, start + length);
  if (DECIMAL.test(text)) {
    const value = Number(text);
    if (!Number.isFinite(value)) return NaN;
    return value === 0 && /^[^e]*[1-9]/i.test(text) ? NaN : value;
  }
  const infinite = INFINITE.exec(text);
  if (infinite !== null) return infinite[1] === "-" ? -Infinity : Infinity;
  const match = HEXADECIMAL.exec(text);
  return match === null
    ? NaN
    : parseHexadecimal(match[1] === "-", match[2] ?? "", match[3] ?? "", Number(match[4] ?? 0));
}

/** The same as C's `strtod` has an error for where it overflows, underflows or has no digits: NaN then. */
function parseHexadecimal(negative: boolean, whole: string, fraction: string, power: number): number {
  if (whole.length + fraction.length === 0) return NaN;
  const value = hexadecimalValue(whole, fraction, power);
  const isLost = !Number.isFinite(value) || (value === 0 && /[^0]/.test(whole + fraction));
  return isLost ? NaN : negative ? -value : value;
}

/** Digits that are taken as they are; whether any behind them is not 0 is one more bit. */
const TAKEN_DIGITS = 16;
const BITS_PER_DIGIT = 4;
const MANTISSA_BITS = 53;
/** The power of two of the least bit that a double can have. */
const LEAST_POWER = -1074;

/** The double nearest to `0xWHOLE.FRACTION * 2^power`, the even one of two: infinite or 0 where it is beyond all others. */
export function hexadecimalValue(whole: string, fraction: string, power: number): number {
  const digits = (whole + fraction).replace(/^0+/, "");
  const rest = digits.slice(TAKEN_DIGITS);
  let bits = (BigInt(`0x0${digits.slice(0, TAKEN_DIGITS)}`) << 1n) | (/[^0]/.test(rest) ? 1n : 0n);
  let exponent = power - 1 + BITS_PER_DIGIT * (rest.length - fraction.length);
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
  return timesPower(Number(bits), exponent);
}

/** A number times a power of two, which may be beyond those of doubles. */
function timesPower(value: number, power: number): number {
  const half = Math.trunc(power / 2);
  return value === 0 ? 0 : value * 2 ** half * 2 ** (power - half);
}

/** Space as C's `isspace` has it. */
const LEADING_SPACE = /^[ \t\n\v\f\r]+/;

/**
 * Reads a double as bounds of ranges and weights of SORT are read: C's `strtod` on a C string. So white space may stand
 * before it, what follows a NUL does not count, nothing at all is 0, and what overflows is infinite. NaN for anything else.
 */
export function parseLenientDouble(bytes: Uint8Array, start: number, length: number): number {
  const short = parseShortDecimal(bytes, start, length);
  if (!Number.isNaN(short)) return short;
  const nul = bytes.subarray(start, start + length).indexOf(0);
  const whole = decodeLatin1(bytes, start, start + (nul < 0 ? length : nul));
  if (whole === "") return 0;
  const text = whole.replace(LEADING_SPACE, "");
  if (DECIMAL.test(text)) return Number(text);
  const infinite = INFINITE.exec(text);
  if (infinite !== null) return infinite[1] === "-" ? -Infinity : Infinity;
  const match = HEXADECIMAL.exec(text);
  if (match === null) return NaN;
  const [, sign, integer = "", fraction = "", power = "0"] = match;
  if (integer.length + fraction.length === 0) return NaN;
  return hexadecimalValue(integer, fraction, Number(power)) * (sign === "-" ? -1 : 1);
}
