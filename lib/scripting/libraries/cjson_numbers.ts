/** Numbers as cjson reads them: C's `strtod`. */

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
