/** Doubles as Redis writes and reads them. */

import { decodeLatin1 } from "./latin1.ts";

/** Longest text that Redis takes for a double, in bytes. */
const MAX_DOUBLE_BYTES = 5 * 1024;
const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const HEXADECIMAL = /^([+-]?)0x([\da-f]*)(?:\.([\da-f]*))?(?:p([+-]?\d+))?$/i;
const INFINITE = /^([+-]?)inf(?:inity)?$/i;

/**
 * The shortest decimal that gives the same double back, as replies and scores show it: `inf`, `-inf` and `nan` for what
 * is not finite, integers without a point, and exponents with two digits at least (`1e+20` is `1e+20`).
 */
export function formatDouble(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (value === Infinity) return "inf";
  if (value === -Infinity) return "-inf";
  if (Object.is(value, -0)) return "-0";
  if (Number.isInteger(value) && Math.abs(value) < 1e17) return String(value);
  // C's %.17g turns to exponents below 1e-4 and from 1e17 on; JavaScript below 1e-6 and from 1e21 on.
  const magnitude = Math.abs(value);
  if (magnitude >= 1e-4 && magnitude < 1e17) return String(value);
  const [mantissa, exponent] = value.toExponential().split("e");
  const sign = exponent[0];
  return `${mantissa}e${sign}${exponent.slice(1).padStart(2, "0")}`;
}

/**
 * Reads a double as commands take it: C's `strtod` on the whole argument, without white space around it. Decimal,
 * hexadecimal (`0x1.8p3`) and `inf`; NaN for anything else, `nan` included, and for what overflows or underflows to 0.
 */
export function parseDouble(bytes: Uint8Array, start: number, length: number): number {
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

/** The double nearest to `0xWHOLE.FRACTION * 2^power`. */
function parseHexadecimal(negative: boolean, whole: string, fraction: string, power: number): number {
  if (whole.length + fraction.length === 0) return NaN;
  const digits = BigInt(`0x${whole}${fraction}`);
  if (digits === 0n) return negative ? -0 : 0;
  const exponent = Math.max(-100000, Math.min(100000, power)) - 4 * fraction.length;
  // As a decimal of full length it is the same number, and Number() rounds that correctly.
  const decimal = exponent >= 0
    ? (exponent > 2000 ? "Infinity" : (digits << BigInt(exponent)).toString())
    : `${digits * 5n ** BigInt(-exponent)}e${exponent}`;
  const value = Number(decimal);
  if (!Number.isFinite(value) || value === 0) return NaN;
  return negative ? -value : value;
}
