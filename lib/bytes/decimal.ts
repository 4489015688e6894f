/**
 * Decimal fractions as INCRBYFLOAT and HINCRBYFLOAT compute them. Redis adds C `long double`s, which on x86-64 are the
 * 80-bit numbers of the x87, and prints them with 17 decimals: a result shows the rounding of that format, such as
 * `12345678901.1 + 0.1 = 12345678901.19999999925494194`. To give the same digits, and the same data on a replica of
 * either kind, this computes with the same 64-bit mantissas, exactly, in BigInts.
 *
 * Texts are binary strings. The rules for what is a number are those of C's `strtold`, without white space.
 */

/** Longest text that Redis takes for a number with a fraction, in bytes (`MAX_LONG_DOUBLE_CHARS`, less the end). */
export const MAX_DECIMAL_BYTES = 5 * 1024 - 1;

/** Result of an addition that cannot be done. */
export interface DecimalError {
  /** The error reply. */
  readonly error: string;
}

/** A number: `mantissa * 2^exponent`, the mantissa with its sign. Infinities have an exponent of Infinity. */
export interface Extended {
  readonly mantissa: bigint;
  readonly exponent: number;
}

/** A binary floating-point format: bits of the mantissa, and the least and greatest exponent of its lowest bit. */
interface Format {
  readonly bits: number;
  readonly least: number;
  readonly greatest: number;
}

const EXTENDED: Format = { bits: 64, least: -16445, greatest: 16320 };

/** Decimal exponents beyond which a number of that length overflows, or is nothing, for certain. */
const MAX_DECIMAL_EXPONENT = 20000;
/** Decimals printed, before zeros at the end are cut off. */
const DECIMALS = 17;
/** Numbers from this on are written with an exponent by `toFixed`. */
const FIXED_BELOW = 1e21;

const DECIMAL = /^([+-]?)(\d*)(?:\.(\d*))?(?:e([+-]?\d+))?$/i;
const HEXADECIMAL = /^([+-]?)0x([\da-f]*)(?:\.([\da-f]*))?(?:p([+-]?\d+))?$/i;
const INFINITE = /^([+-]?)inf(?:inity)?$/i;

const ZERO: Extended = { mantissa: 0n, exponent: 0 };

const double = new Float64Array(1);
const doubleWords = new Uint32Array(double.buffer);
/** Powers of ten that ordinary numbers need. */
const POWERS_OF_TEN: readonly bigint[] = Array.from({ length: 48 }, (_, power) => 10n ** BigInt(power));

function powerOfTen(power: number): bigint {
  return power < POWERS_OF_TEN.length ? POWERS_OF_TEN[power] : 10n ** BigInt(power);
}

/** Bits of a positive integer. */
function bitLength(value: bigint): number {
  double[0] = Number(value);
  if (double[0] === Infinity) {
    const hex = value.toString(16);
    return hex.length * 4 - (Math.clz32(parseInt(hex[0], 16)) - 28);
  }
  const length = (doubleWords[1] >>> 20) - 1022;
  // A double that is a power of two may have been rounded up to it.
  const roundedUp = doubleWords[0] === 0 && (doubleWords[1] & 0xfffff) === 0 && value >> BigInt(length - 1) === 0n;
  return roundedUp ? length - 1 : length;
}

/** `numerator / denominator`, both positive, to the nearest integer, to even when two are equally near. */
function divideRounded(numerator: bigint, denominator: bigint): bigint {
  const quotient = numerator / denominator;
  const twice = (numerator - quotient * denominator) * 2n;
  return twice > denominator || (twice === denominator && (quotient & 1n) === 1n) ? quotient + 1n : quotient;
}

/** The nearest number of a format to `numerator / denominator * 2^shift`, all but `shift` positive. */
function round(numerator: bigint, denominator: bigint, shift: number, format: Format): Extended {
  let exponent = Math.max(bitLength(numerator) - bitLength(denominator) - format.bits, format.least - shift);
  let mantissa = 0n;
  for (;;) {
    mantissa = exponent >= 0
      ? divideRounded(numerator, denominator << BigInt(exponent))
      : divideRounded(numerator << BigInt(-exponent), denominator);
    if (mantissa >> BigInt(format.bits) === 0n) break;
    exponent++;
  }
  exponent += shift;
  return exponent > format.greatest ? { mantissa, exponent: Infinity } : { mantissa, exponent };
}

/** Reads a finite or infinite number; null if the text is none, or the number too large or too small for the format. */
function parse(text: string, format: Format): Extended | null {
  if (text.length === 0 || text.length > MAX_DECIMAL_BYTES) return null;
  const infinite = INFINITE.exec(text);
  if (infinite !== null) return { mantissa: infinite[1] === "-" ? -1n : 1n, exponent: Infinity };
  const decimal = DECIMAL.exec(text);
  const match = decimal ?? HEXADECIMAL.exec(text);
  if (match === null) return null;
  const [, sign, whole = "", fraction = "", power = "0"] = match;
  if (whole.length + fraction.length === 0) return null;
  const digits = BigInt((decimal ? "" : "0x") + whole + fraction);
  if (digits === 0n) return ZERO;
  // An exponent of any size is a number, but one that far off needs no exact treatment.
  const limited = Math.max(-4 * MAX_DECIMAL_EXPONENT, Math.min(4 * MAX_DECIMAL_EXPONENT, Number(power)));
  let number: Extended;
  if (decimal) {
    const exponent = limited - fraction.length;
    if (Math.abs(exponent) > MAX_DECIMAL_EXPONENT) return null;
    number = exponent >= 0
      ? round(digits * powerOfTen(exponent), 1n, 0, format)
      : round(digits, powerOfTen(-exponent), 0, format);
  } else {
    number = round(digits, 1n, limited - 4 * fraction.length, format);
  }
  if (number.exponent === Infinity || number.mantissa === 0n) return null;
  return sign === "-" ? { mantissa: -number.mantissa, exponent: number.exponent } : number;
}

/** Reads a number as Redis's `long double`s: null if the text is no number, NaN, or out of the format's range. */
export function parseExtended(text: string): Extended | null {
  return parse(text, EXTENDED);
}

/** A finite double as the same number. */
export function extendedOf(value: number): Extended {
  if (value === 0) return ZERO;
  double[0] = value;
  const [low, high] = doubleWords;
  const biased = (high >>> 20) & 0x7ff;
  const fraction = (BigInt(high & 0xfffff) << 32n) | BigInt(low);
  const mantissa = biased === 0 ? fraction : fraction | (1n << 52n);
  return { mantissa: value < 0 ? -mantissa : mantissa, exponent: Math.max(biased, 1) - 1075 };
}

/** The nearest `long double` to the sum of two finite ones. */
export function addExtended(a: Extended, b: Extended): Extended {
  if (a.mantissa === 0n) return b;
  if (b.mantissa === 0n) return a;
  const exponent = Math.min(a.exponent, b.exponent);
  const sum = (a.mantissa << BigInt(a.exponent - exponent)) + (b.mantissa << BigInt(b.exponent - exponent));
  if (sum === 0n) return ZERO;
  const rounded = round(sum < 0n ? -sum : sum, 1n, exponent, EXTENDED);
  return sum < 0n ? { mantissa: -rounded.mantissa, exponent: rounded.exponent } : rounded;
}

/** A finite double in decimal as `formatExtended(extendedOf(value))` has it. */
export function formatDouble(value: number): string {
  // `toFixed` is exact, but rounds up what lies between two such decimals, which has 18 bits behind the point.
  if (Math.abs(value) >= FIXED_BELOW || Number.isInteger(value * 2 ** (DECIMALS + 1))) {
    return formatExtended(extendedOf(value));
  }
  const text = value.toFixed(DECIMALS);
  let end = text.length;
  while (text.charCodeAt(end - 1) === 0x30) end--;
  if (text.charCodeAt(end - 1) === 0x2e) end--;
  const trimmed = text.slice(0, end);
  return trimmed === "-0" ? "0" : trimmed;
}

/** A finite number in decimal without exponent: 17 decimals, less the zeros at their end. */
export function formatExtended(number: Extended): string {
  const negative = number.mantissa < 0n;
  const mantissa = negative ? -number.mantissa : number.mantissa;
  let text: string;
  if (number.exponent >= 0) {
    text = (mantissa << BigInt(number.exponent)).toString();
  } else {
    const scaled = divideRounded(mantissa * powerOfTen(DECIMALS), 1n << BigInt(-number.exponent));
    const digits = scaled.toString().padStart(DECIMALS + 1, "0");
    const point = digits.length - DECIMALS;
    const fraction = digits.slice(point).replace(/0+$/, "");
    text = fraction === "" ? digits.slice(0, point) : `${digits.slice(0, point)}.${fraction}`;
  }
  return negative && text !== "0" ? `-${text}` : text;
}

// --- Sums that need no exact arithmetic ---------------------------------------------------------------------------------

/** Digits of a number that is read as an integer, and decimals among them. */
const MAX_SHORT_DIGITS = 15;
const TEN_TO = Float64Array.from({ length: MAX_SHORT_DIGITS + 1 }, (_, power) => 10 ** power);
const FIVE_TO = Float64Array.from({ length: MAX_SHORT_DIGITS + 1 }, (_, power) => 5 ** power);
/** Below this, three roundings of the x87, 2^-60 each at most, do not reach half of the last decimal, 5e-18. */
const UNTOUCHED_BELOW = 32;

/** What `readShort` has read: the number is `shortDigits / 10^shortDecimals`. */
let shortDigits = 0;
let shortDecimals = 0;

/** Whether a text is `-12.5` or its like, in not too many digits, which is then read. */
export function readShort(text: string): boolean {
  const isNegative = text.charCodeAt(0) === 0x2d;
  const first = isNegative ? 1 : 0;
  const { length } = text;
  if (length === first || length - first > MAX_SHORT_DIGITS) return false;
  let digits = 0;
  let point = -1;
  for (let at = first; at < length; at++) {
    const digit = text.charCodeAt(at) - 0x30;
    if (digit >= 0 && digit <= 9) digits = digits * 10 + digit;
    else if (digit === -2 && point < 0 && at > first && at + 1 < length) point = at;
    else return false;
  }
  shortDigits = isNegative ? -digits : digits;
  shortDecimals = point < 0 ? 0 : length - 1 - point;
  return true;
}

/**
 * The sum of two numbers of few digits as it would be written in exact arithmetic, or null where that may differ from what
 * the x87 has. It does not where all three are whole multiples of a power of two, and so are kept as they are, nor where
 * they are so small that the roundings do not show in 17 decimals.
 */
export function addShort(current: string, increment: string): string | null {
  if (!readShort(current)) return null;
  let a = shortDigits;
  const decimalsOfA = shortDecimals;
  if (!readShort(increment)) return null;
  let b = shortDigits;
  const decimals = Math.max(decimalsOfA, shortDecimals);
  a *= TEN_TO[decimals - decimalsOfA];
  b *= TEN_TO[decimals - shortDecimals];
  const sum = a + b;
  const most = Math.max(Math.abs(a), Math.abs(b), Math.abs(sum));
  if (most > Number.MAX_SAFE_INTEGER) return null;
  const five = FIVE_TO[decimals];
  if (most >= UNTOUCHED_BELOW * TEN_TO[decimals] && (a % five !== 0 || b % five !== 0)) return null;
  return writeShort(sum, decimals);
}

/** A number of `decimals` decimals, less the zeros at their end. */
function writeShort(digits: number, decimals: number): string {
  while (decimals > 0 && digits % 10 === 0) {
    digits /= 10;
    decimals--;
  }
  if (decimals === 0) return String(digits + 0);
  const ten = TEN_TO[decimals];
  const magnitude = Math.abs(digits);
  const whole = Math.floor(magnitude / ten);
  const fraction = String(magnitude - whole * ten).padStart(decimals, "0");
  return `${digits < 0 ? "-" : ""}${whole}.${fraction}`;
}

/**
 * `current + increment` as INCRBYFLOAT writes it, or why there is no such sum: either is no number, or the sum is
 * infinite.
 *
 * @example
 * ```ts
 * addDecimal("10.5", "0.1"); // "10.6"
 * addDecimal("5.0e3", "2.0e2"); // "5200"
 * ```
 */
export function addDecimal(current: string, increment: string): string | DecimalError {
  const short = addShort(current, increment);
  return short ?? addExactly(current, increment);
}

/** The same by the arithmetic of the x87, for any two numbers. */
function addExactly(current: string, increment: string): string | DecimalError {
  const a = parseExtended(current);
  const b = parseExtended(increment);
  if (a === null || b === null) return { error: "ERR value is not a valid float" };
  if (a.exponent === Infinity || b.exponent === Infinity) {
    return { error: "ERR increment would produce NaN or Infinity" };
  }
  const sum = addExtended(a, b);
  return sum.exponent === Infinity ? { error: "ERR increment would produce NaN or Infinity" } : formatExtended(sum);
}
