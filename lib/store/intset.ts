/**
 * Intsets: different int64s in ascending order in one run of bytes, in Redis's format to the byte: the width of an integer
 * in bytes (2, 4 or 8) as a uint32, the number of integers as a uint32, then the integers; all little-endian. The width is
 * the least that holds them all when they were added; it never shrinks.
 *
 * All functions work in place on `(bytes, start)`, where `start` is the offset of the header. They own no memory: whoever
 * holds the intset makes room before `insert` and `widen`. Integers are two words (bytes/int64_words.ts), so that none loses
 * a bit.
 */

import { compareWords, joinWords } from "../bytes/int64_words.ts";
import { readUint32, writeUint32 } from "../bytes/little_endian.ts";

/** Bytes before the first integer. */
export const INTSET_HEADER_BYTES = 8;

/** The integer that `readInteger` came to. */
export let highWord = 0;
export let lowWord = 0;

/** Bytes of an intset with so many integers of a width. */
export function intsetBytes(count: number, width: number): number {
  return INTSET_HEADER_BYTES + count * width;
}

/** Bytes that each integer takes. */
export function intsetWidth(bytes: Uint8Array, start: number): number {
  return bytes[start];
}

/** Number of integers. */
export function intsetCount(bytes: Uint8Array, start: number): number {
  return readUint32(bytes, start + 4);
}

/** Says how many integers there are, for whoever has moved them itself. */
export function setIntsetCount(bytes: Uint8Array, start: number, count: number): void {
  writeUint32(bytes, start + 4, count);
}

/** Writes an intset without integers. */
export function writeEmptyIntset(bytes: Uint8Array, start: number, width: number): void {
  writeUint32(bytes, start, width);
  writeUint32(bytes, start + 4, 0);
}

/** The least width that holds an integer. */
export function widthOf(high: number, low: number): number {
  if (high !== low >> 31) return 8;
  return low >= -32768 && low <= 32767 ? 2 : 4;
}

/** Reads the integer with an index into `highWord` and `lowWord`; its value, or NaN where that is beyond 2^53. */
export function readInteger(bytes: Uint8Array, start: number, index: number): number {
  const width = bytes[start];
  const at = start + INTSET_HEADER_BYTES + index * width;
  if (width === 2) {
    lowWord = ((bytes[at] | (bytes[at + 1] << 8)) << 16) >> 16;
  } else {
    lowWord = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
    if (width === 8) {
      highWord = bytes[at + 4] | (bytes[at + 5] << 8) | (bytes[at + 6] << 16) | (bytes[at + 7] << 24);
      return joinWords(highWord, lowWord);
    }
  }
  highWord = lowWord >> 31;
  return lowWord;
}

/** Offset in `bytes` of the integer with an index. */
export function integerOffset(bytes: Uint8Array, start: number, index: number): number {
  return start + INTSET_HEADER_BYTES + index * bytes[start];
}

function writeInteger(bytes: Uint8Array, at: number, width: number, high: number, low: number): void {
  bytes[at] = low;
  bytes[at + 1] = low >> 8;
  if (width === 2) return;
  bytes[at + 2] = low >> 16;
  bytes[at + 3] = low >> 24;
  if (width === 4) return;
  writeUint32(bytes, at + 4, high);
}

/** The index of an integer, or, if it is not there, -1 less the index where it belongs. O(log n). */
export function findInteger(bytes: Uint8Array, start: number, high: number, low: number): number {
  const width = bytes[start];
  let from = 0;
  let to = intsetCount(bytes, start);
  if (widthOf(high, low) > width) return high < 0 ? -1 : -1 - to;
  const first = start + INTSET_HEADER_BYTES;
  // What is added is often the greatest, as ids are.
  if (to > 0) {
    readInteger(bytes, start, to - 1);
    if (compareWords(high, low, highWord, lowWord) > 0) return -1 - to;
  }
  if (width === 8) {
    while (from < to) {
      const middle = (from + to) >>> 1;
      readInteger(bytes, start, middle);
      const order = compareWords(highWord, lowWord, high, low);
      if (order === 0) return middle;
      if (order < 0) from = middle + 1;
      else to = middle;
    }
    return -1 - from;
  }
  while (from < to) {
    const middle = (from + to) >>> 1;
    const at = first + middle * width;
    const value = width === 2
      ? ((bytes[at] | (bytes[at + 1] << 8)) << 16) >> 16
      : bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
    if (value === low) return middle;
    if (value < low) from = middle + 1;
    else to = middle;
  }
  return -1 - from;
}

/** Makes all integers wider. There must be room. O(n). */
export function widen(bytes: Uint8Array, start: number, width: number): void {
  const count = intsetCount(bytes, start);
  const from = start + INTSET_HEADER_BYTES;
  // From the end on, so that none is written over before it is read.
  for (let i = count - 1; i >= 0; i--) {
    readInteger(bytes, start, i);
    writeInteger(bytes, from + i * width, width, highWord, lowWord);
  }
  writeUint32(bytes, start, width);
}

/** Inserts an integer that is not there, where `findInteger` says it belongs. It must fit the width, and there must be room. */
export function insertInteger(bytes: Uint8Array, start: number, index: number, high: number, low: number): void {
  const width = bytes[start];
  const count = intsetCount(bytes, start);
  const at = start + INTSET_HEADER_BYTES + index * width;
  if (index < count) bytes.copyWithin(at + width, at, start + intsetBytes(count, width));
  writeInteger(bytes, at, width, high, low);
  writeUint32(bytes, start + 4, count + 1);
}

/** Removes the integer with an index. */
export function removeInteger(bytes: Uint8Array, start: number, index: number): void {
  const width = bytes[start];
  const count = intsetCount(bytes, start);
  const at = start + INTSET_HEADER_BYTES + index * width;
  bytes.copyWithin(at, at + width, start + intsetBytes(count, width));
  writeUint32(bytes, start + 4, count - 1);
}

/** Whether bytes from outside are an intset: whole, not empty, in ascending order without duplicates. */
export function isValidIntset(bytes: Uint8Array, start: number, length: number): boolean {
  if (length < INTSET_HEADER_BYTES || start + length > bytes.length) return false;
  const width = readUint32(bytes, start);
  const count = intsetCount(bytes, start);
  if ((width !== 2 && width !== 4 && width !== 8) || count === 0 || intsetBytes(count, width) !== length) return false;
  readInteger(bytes, start, 0);
  for (let i = 1; i < count; i++) {
    const high = highWord;
    const low = lowWord;
    readInteger(bytes, start, i);
    if (compareWords(high, low, highWord, lowWord) >= 0) return false;
  }
  return true;
}
