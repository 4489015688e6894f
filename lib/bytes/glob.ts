/**
 * Glob patterns as Redis matches them: `*`, `?`, `[abc]`, `[a-c]`, `[^a]` and `\` before a character meant literally.
 * KEYS, SCAN, PSUBSCRIBE, CONFIG GET and `include` use them.
 *
 * Matching backtracks to the last `*` only, which suffices for globs, so it takes at most pattern length times text
 * length steps whatever the pattern.
 */

import { encodeLatin1 } from "./latin1.ts";

/** Most stars that a match may pass: a pattern with more, but for one at its end, matches nothing in Redis. */
const MAX_STARS = 1000;
const STAR = 0x2a;
const QUESTION = 0x3f;
const OPEN = 0x5b;
const CLOSE = 0x5d;
const CARET = 0x5e;
const BACKSLASH = 0x5c;
const DASH = 0x2d;

/** Whether `text[textStart, +textLength)` as a whole matches the pattern. */
export function globMatch(
  pattern: Uint8Array,
  patternStart: number,
  patternLength: number,
  text: Uint8Array,
  textStart: number,
  textLength: number,
  ignoreCase: boolean,
): boolean {
  // In Redis not even a star matches an empty text, except where KEYS and SCAN take `*` for no pattern at all.
  if (textLength === 0) return patternLength === 0;
  const patternEnd = patternStart + patternLength;
  const textEnd = textStart + textLength;
  let p = patternStart;
  let t = textStart;
  // Where to resume: the pattern after the last `*`, and the text from which that `*` has not yet taken a byte.
  let afterStar = -1;
  let starText = 0;
  let stars = 0;
  for (;;) {
    if (p < patternEnd && pattern[p] === STAR) {
      while (p < patternEnd && pattern[p] === STAR) p++;
      if (p === patternEnd) return true;
      if (++stars > MAX_STARS) return false;
      afterStar = p;
      starText = t;
      continue;
    }
    if (t === textEnd) return p === patternEnd;
    let matched = false;
    let next = p;
    if (p < patternEnd) {
      const token = pattern[p];
      if (token === QUESTION) {
        matched = true;
        next = p + 1;
      } else if (token === OPEN) {
        next = classEnd(pattern, p + 1, patternEnd);
        matched = classHolds(pattern, p + 1, patternEnd, text[t], ignoreCase);
      } else {
        const at = token === BACKSLASH && p + 1 < patternEnd ? p + 1 : p;
        matched = same(pattern[at], text[t], ignoreCase);
        next = at + 1;
      }
    }
    if (matched) {
      p = next;
      t++;
    } else if (afterStar >= 0) {
      p = afterStar;
      t = ++starText;
    } else {
      return false;
    }
  }
}

/** `globMatch` for binary strings. */
export function globMatchText(pattern: string, text: string, ignoreCase = false): boolean {
  const patternBytes = encodeLatin1(pattern);
  const textBytes = encodeLatin1(text);
  return globMatch(patternBytes, 0, patternBytes.length, textBytes, 0, textBytes.length, ignoreCase);
}

/** Whether a pattern, as a binary string, holds anything but literal characters. */
export function hasGlob(pattern: string): boolean {
  return /[*?[]/.test(pattern);
}

/** The offset after a class whose content begins at `at`; one that is not closed ends with the pattern. */
function classEnd(pattern: Uint8Array, at: number, end: number): number {
  if (at < end && pattern[at] === CARET) at++;
  while (at < end && pattern[at] !== CLOSE) at += classItemLength(pattern, at, end);
  return at < end ? at + 1 : end;
}

/** Bytes of one item of a class: an escaped byte, a range, or a byte. */
function classItemLength(pattern: Uint8Array, at: number, end: number): number {
  if (pattern[at] === BACKSLASH && at + 1 < end) return 2;
  return at + 2 < end && pattern[at + 1] === DASH ? 3 : 1;
}

/** Whether the class whose content begins at `at` holds `byte`. */
function classHolds(pattern: Uint8Array, at: number, end: number, byte: number, ignoreCase: boolean): boolean {
  const negated = at < end && pattern[at] === CARET;
  if (negated) at++;
  let holds = false;
  while (at < end && pattern[at] !== CLOSE && !holds) {
    const length = classItemLength(pattern, at, end);
    if (length === 3) holds = inRange(pattern[at], pattern[at + 2], byte, ignoreCase);
    else holds = same(pattern[at + length - 1], byte, ignoreCase);
    at += length;
  }
  return holds !== negated;
}

function inRange(first: number, last: number, byte: number, ignoreCase: boolean): boolean {
  if (first > last) [first, last] = [last, first];
  if (ignoreCase) {
    first = lower(first);
    last = lower(last);
    byte = lower(byte);
  }
  return byte >= first && byte <= last;
}

function same(a: number, b: number, ignoreCase: boolean): boolean {
  return a === b || (ignoreCase && lower(a) === lower(b));
}

function lower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
}
