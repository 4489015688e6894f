/**
 * The syntax of redis.conf: lines into words and back, and the forms of values (sizes with units, integers, octal).
 * Everything here is pure; `load.ts` reads files and `directives.ts` knows what the words mean.
 *
 * All strings are binary strings (see bytes/latin1.ts).
 */

import { INT64_MAX, INT64_MIN } from "../bytes/integers.ts";
import { decodeLatin1, encodeLatin1 } from "../bytes/latin1.ts";
import { quote, splitArguments } from "../bytes/quoting.ts";

const UINT64_MAX = 2n ** 64n - 1n;

/** What `splitLine` returns for a line whose quotes are not balanced. */
export const UNBALANCED = null;

/** The byte order mark that some editors put in front of a text in UTF-8. */
export const BYTE_ORDER_MARK = "\xef\xbb\xbf";

const SPACES = " \t\r\n";

/** Removes white space at both ends, as redis.conf's lines are trimmed. */
export function trimLine(line: string): string {
  let [start, end] = [0, line.length];
  while (start < end && SPACES.includes(line[start])) start++;
  while (start < end && SPACES.includes(line[end - 1])) end--;
  return line.slice(start, end);
}

/** Whether a trimmed line says nothing: empty, or a comment. */
export function isComment(trimmed: string): boolean {
  return trimmed === "" || trimmed.startsWith("#");
}

/** The words of a line, or UNBALANCED. */
export function splitLine(line: string): string[] | typeof UNBALANCED {
  const words = splitArguments(encodeLatin1(line), 0, line.length);
  return words === null ? UNBALANCED : words.map((word) => decodeLatin1(word));
}

/** A word as it may stand in a line: bare where that is safe, quoted otherwise. */
export function quoteIfNeeded(word: string): string {
  return /^[!$%&(-[\]-~][!#$%&(-[\]-~]*$/.test(word) ? word : quote(word);
}

const UNITS: Readonly<Record<string, bigint>> = {
  "": 1n,
  b: 1n,
  k: 1000n,
  kb: 1024n,
  m: 1000n ** 2n,
  mb: 1024n ** 2n,
  g: 1000n ** 3n,
  gb: 1024n ** 3n,
};

/**
 * Bytes in a size such as `100`, `1k` (1000) or `1kb` (1024), units in any case; null where it is none. More than an
 * uint64 holds becomes the most it holds.
 */
export function parseMemory(text: string): bigint | null {
  const match = /^([0-9]*)([a-z]*)$/i.exec(text);
  if (match === null) return null;
  const unit = UNITS[match[2].toLowerCase()];
  if (unit === undefined || (match[1] === "" && match[2] !== "")) return null;
  const bytes = BigInt(match[1]) * unit;
  return bytes > UINT64_MAX ? UINT64_MAX : bytes;
}

/** A size with the largest unit that divides it, as CONFIG REWRITE writes it. */
export function formatMemory(bytes: bigint): string {
  if (bytes === 0n) return "0";
  for (const unit of ["gb", "mb", "kb"]) {
    if (bytes % UNITS[unit] === 0n) return `${bytes / UNITS[unit]}${unit}`;
  }
  return bytes.toString();
}

/** A canonical decimal int64 (no plus sign, no leading zero), or null. */
export function parseInteger(text: string): bigint | null {
  if (!/^(0|-?[1-9][0-9]{0,18})$/.test(text)) return null;
  const value = BigInt(text);
  return value < INT64_MIN || value > INT64_MAX ? null : value;
}

/** An integer as C reads it with base 0: decimal, `0x…` or `0…` in octal, with a sign; or null. */
export function parseCInteger(text: string): bigint | null {
  const match = /^([-+]?)(0x[0-9a-f]+|[0-9]+)$/i.exec(text);
  if (match === null) return null;
  const digits = match[2];
  let value: bigint;
  if (/^0[0-9]/.test(digits)) {
    if (!/^[0-7]+$/.test(digits)) return null;
    value = BigInt("0o" + digits.slice(1));
  } else {
    value = BigInt(digits);
  }
  return match[1] === "-" ? -value : value;
}

/** An octal number, or null. */
export function parseOctal(text: string): bigint | null {
  const match = /^(-?)([0-7]+)$/.exec(text);
  if (match === null) return null;
  const value = BigInt("0o" + match[2]);
  return match[1] === "-" ? -value : value;
}
