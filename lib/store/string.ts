/** String values: the encoding that a string's bytes call for. */

import { INT64_MAX_DIGITS, parseInt64, parseSafeInteger } from "../bytes/integers.ts";
import { ENCODING_EMBSTR, ENCODING_INT, ENCODING_RAW } from "./entry.ts";

/** Longest string labelled `embstr`, in bytes. */
const MAX_EMBSTR_BYTES = 44;

/** `int` for a canonical int64, `embstr` up to 44 bytes, else `raw`: what OBJECT ENCODING shows after a SET. */
export function stringEncoding(bytes: Uint8Array, start: number, length: number): number {
  if (length > 0 && length <= INT64_MAX_DIGITS) {
    const first = bytes[start];
    if (first <= 0x39 && (first >= 0x30 || first === 0x2d)) {
      if (!Number.isNaN(parseSafeInteger(bytes, start, length))) return ENCODING_INT;
      if (length > 15 && parseInt64(bytes, start, length) !== null) return ENCODING_INT;
    }
  }
  return textEncoding(length);
}

/** The encoding of a string that is not taken for an integer even if it is one: a sum of floats. */
export function textEncoding(length: number): number {
  return length <= MAX_EMBSTR_BYTES ? ENCODING_EMBSTR : ENCODING_RAW;
}
