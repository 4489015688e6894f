/** Numbers as cjson reads them: C's `strtod`. */

import { hexadecimalValue } from "../../bytes/doubles.ts";

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

function ofHexadecimal([, sign, whole = "", fraction = "", only = "", power = "0"]: RegExpExecArray): number {
  const value = hexadecimalValue(whole, fraction + only, Number(power));
  return sign === "-" ? -value : value;
}
