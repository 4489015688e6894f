/**
 * Scores of sorted sets: doubles as two words that compare as signed integers in the order of the numbers, as a tree's
 * key (tree.ts), and as they stand in the listpacks of small ones.
 */

import { formatDouble, formatPrecise, parseDouble } from "../../bytes/doubles.ts";
import { encodeLatin1 } from "../../bytes/latin1.ts";
import { type Element, measureElement, measureInteger, writeMeasured, writeMeasuredInteger } from "../listpack.ts";

const scratch = new Float64Array(1);
const words = new Int32Array(scratch.buffer);
/** Which of the two words is the upper one. */
scratch[0] = -2;
const HIGH = words[1] < 0 ? 1 : 0;
const LOW = 1 - HIGH;

/** Writes a score into the first two words of a key; -0 is where 0 is. The score must not be NaN. */
export function scoreToKey(score: number, key: Int32Array): void {
  scratch[0] = score + 0; // -0 becomes 0
  const high = words[HIGH];
  const low = words[LOW];
  if (high >= 0) {
    key[0] = high;
    key[1] = low ^ 0x80000000;
  } else {
    key[0] = high ^ 0x7fffffff;
    key[1] = ~low ^ 0x80000000;
  }
}

/** The score in two words of an entry, as it was given. */
export function scoreOfWords(low: number, high: number): number {
  words[LOW] = low;
  words[HIGH] = high;
  return scratch[0];
}

/** The words of a score: `lowWord` and `highWord` after a call of it. */
export function scoreToWords(score: number): void {
  scratch[0] = score;
}

export function lowWord(): number {
  return words[LOW];
}

export function highWord(): number {
  return words[HIGH];
}

const TWO_32 = 4294967296;
/** The text of the score that `measureScore` saw last, if that is none of the integers which it hands on as such. */
const text = new Uint8Array(64);
let textLength = 0;

/**
 * Bytes of the element that a score becomes in a listpack: the integer that it is, or the shortest decimal. There -0 is 0,
 * as in Redis. `writeMeasuredScore` writes it.
 */
export function measureScore(score: number): number {
  textLength = 0;
  if (Number.isSafeInteger(score)) return measureInteger(Math.floor(score / TWO_32), score | 0);
  const decimal = formatDouble(score);
  for (; textLength < decimal.length; textLength++) text[textLength] = decimal.charCodeAt(textLength);
  return measureElement(text, 0, textLength);
}

/** Writes the score that `measureScore` saw last, before any other element is measured; the offset after it. */
export function writeMeasuredScore(bytes: Uint8Array, at: number): number {
  return textLength === 0 ? writeMeasuredInteger(bytes, at) : writeMeasured(bytes, at, text, 0, textLength);
}

/** A score as bytes, with 17 digits, as it is printed where it is no reply: by digests. */
export function preciseScoreText(score: number): Uint8Array {
  return encodeLatin1(formatPrecise(score));
}

/** The score that an element of a listpack holds. */
export function scoreOfElement(element: Element): number {
  if (element.isInteger && element.integer === element.integer) return element.integer; // not NaN
  element.toBytes();
  const { bytes, start, length } = element;
  return parseDouble(bytes, start, length);
}
