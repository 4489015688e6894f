/** Numbers of Lua as text, and back. */

import { formatGeneral } from "../../bytes/c_numbers.ts";
import { hexadecimalValue } from "../../bytes/doubles.ts";
import { shortDecimal } from "../../bytes/short_decimals.ts";

const DIGITS = 14;
/** Integers below this have no more than 14 digits, or are written in full by JavaScript as by C. */
const MOST_PLAIN = 1e14;
const WHITE_SPACE = /^[ \t\n\v\f\r]+|[ \t\n\v\f\r]+$/g;
const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const HEXADECIMAL = /^([+-]?)0[xX]([\da-fA-F]*)(?:\.([\da-fA-F]*))?(?:[pP]([+-]?\d+))?$/;
const NAMED = /^([+-]?)(?:(inf|infinity)|nan(?:\([\w]*\))?)$/i;

/** A number as Lua writes it: C's `%.14g`. All that is no number is `-nan`, as x86 makes it. */
export function formatNumber(value: number): string {
  if (Number.isInteger(value) && value < MOST_PLAIN && value > -MOST_PLAIN) {
    return value === 0 && Object.is(value, -0) ? "-0" : String(value);
  }
  if (Number.isNaN(value)) return "-nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  return shortDecimal(value) ?? formatGeneral(value, DIGITS);
}

/**
 * The number that a text is, as `tonumber` reads it (C's `strtod`, with white space around it): decimal, hexadecimal,
 * infinite or none; undefined for any other text. What follows a character 0 does not count.
 */
export function parseNumber(text: string): number | undefined {
  const nul = text.indexOf("\0");
  const trimmed = (nul < 0 ? text : text.slice(0, nul)).replace(WHITE_SPACE, "");
  if (DECIMAL.test(trimmed)) return Number(trimmed);
  const hexadecimal = HEXADECIMAL.exec(trimmed);
  if (hexadecimal !== null) return ofHexadecimal(hexadecimal);
  const named = NAMED.exec(trimmed);
  if (named === null) return undefined;
  return named[2] === undefined ? NaN : named[1] === "-" ? -Infinity : Infinity;
}

function ofHexadecimal([, sign, whole = "", fraction = "", power = "0"]: RegExpExecArray): number | undefined {
  if (whole.length + fraction.length === 0) return undefined;
  const value = hexadecimalValue(whole, fraction, Number(power));
  return sign === "-" ? -value : value;
}

/** C's `pow`: it has 1 where JavaScript has no number. */
export function power(x: number, y: number): number {
  return x === 1 || (x === -1 && (y === Infinity || y === -Infinity)) ? 1 : x ** y;
}

/** An operation on numbers, by the field of a metatable that stands for it. */
export type ArithmeticEvent = "__add" | "__sub" | "__mul" | "__div" | "__mod" | "__pow" | "__unm";

/** What an operation makes of numbers. */
export function calculate(event: ArithmeticEvent, x: number, y: number): number {
  switch (event) {
    case "__add":
      return x + y;
    case "__sub":
      return x - y;
    case "__mul":
      return x * y;
    case "__div":
      return x / y;
    case "__mod":
      return x - Math.floor(x / y) * y;
    case "__pow":
      return power(x, y);
    case "__unm":
      return -x;
  }
}
