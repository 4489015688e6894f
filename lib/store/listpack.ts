/**
 * Listpacks: a sequence of small strings and integers in one run of bytes, in Redis's format to the byte (its
 * "Listpack specification", as of Redis 7: a 6-byte header, entries, 0xFF), so that RDB, DUMP and RESTORE copy them.
 *
 * All functions work in place on `(bytes, start)`, where `start` is the offset of the listpack's header; offsets of
 * elements are offsets in `bytes`. They own no memory: whoever holds the listpack makes room before `splice`, which is
 * the only change of size. Used by `hash.ts` and whatever else keeps small values inline.
 *
 * An entry is its encoding byte, the data, and the length of both again, to be read backwards. Strings that are a
 * canonical int64 are stored as integers, in the shortest of six forms.
 */

import { bytesEqual, copyBytes } from "../bytes/compare.ts";
import { hashBytes } from "../bytes/hash.ts";
import { highWord, joinWords, lowWord, parseWords, writeWords } from "../bytes/int64_words.ts";
import { decimalLength, parseSafeInteger, writeDecimal } from "../bytes/integers.ts";
import { decodeLatin1 } from "../bytes/latin1.ts";
import { readUint32, writeUint32 } from "../bytes/little_endian.ts";

/** Bytes before the first element: the total length as a uint32, then the number of elements as a uint16. */
export const LISTPACK_HEADER_BYTES = 6;
/** Bytes of a listpack without elements. */
export const EMPTY_LISTPACK_BYTES = 7;
/** The byte after the last element. */
export const LISTPACK_END = 0xff;
/** The number of elements from which on the header does not know it, and they must be counted. */
const COUNT_UNKNOWN = 65535;
/** Most bytes that an entry takes beyond its string's. */
export const LISTPACK_ENTRY_OVERHEAD = 10;

// Encoding bytes; those of 7-bit integers and of strings below 4096 bytes carry bits of the value or length.
const STRING_6 = 0x80;
const INT_13 = 0xc0;
const STRING_12 = 0xe0;
const STRING_32 = 0xf0;
const INT_16 = 0xf1;
const INT_24 = 0xf2;
const INT_32 = 0xf3;
const INT_64 = 0xf4;

const TWO_32 = 4294967296;
const NO_BYTES = new Uint8Array(0);

/** Whether the element at `at` is an integer. */
function isInteger(first: number): boolean {
  return first < STRING_6 || (first >= INT_13 && first < STRING_12) || first > STRING_32;
}

/** Bytes of an element's encoding and data; a uint32 length is at most 2^32 + 4. */
function dataBytes(bytes: Uint8Array, at: number): number {
  const first = bytes[at];
  if (first < STRING_6) return 1;
  if (first < INT_13) return 1 + (first & 0x3f);
  if (first < STRING_12) return 2;
  if (first < STRING_32) return 2 + (((first & 15) << 8) | bytes[at + 1]);
  if (first === STRING_32) return 5 + readUint32(bytes, at + 1);
  if (first === INT_64) return 9;
  return first - INT_16 + 3;
}

/** Bytes of the length that ends an entry of `size` bytes of encoding and data (7 bits to a byte). */
function backLengthBytes(size: number): number {
  if (size <= 127) return 1;
  if (size < 16383) return 2;
  if (size < 2097151) return 3;
  return size < 268435455 ? 4 : 5;
}

/** Bytes of the whole entry at `at`. */
export function entryBytes(bytes: Uint8Array, at: number): number {
  const size = dataBytes(bytes, at);
  return size <= 127 ? size + 1 : size + backLengthBytes(size);
}

/** The integer at `at`, or NaN if it is beyond 2^53. */
function readInteger(bytes: Uint8Array, at: number): number {
  const first = bytes[at];
  if (first < STRING_6) return first;
  if (first < STRING_12) return ((((first & 0x1f) << 8) | bytes[at + 1]) << 19) >> 19;
  switch (first) {
    case INT_16:
      return ((bytes[at + 1] | (bytes[at + 2] << 8)) << 16) >> 16;
    case INT_24:
      return ((bytes[at + 1] | (bytes[at + 2] << 8) | (bytes[at + 3] << 16)) << 8) >> 8;
    case INT_32:
      return readUint32(bytes, at + 1) | 0;
  }
  return joinWords(readUint32(bytes, at + 5) | 0, readUint32(bytes, at + 1));
}

/** An element where it lies: a string, or an integer in its binary form. */
export class Element {
  bytes: Uint8Array = NO_BYTES;
  start = 0;
  /** Bytes of the string; undefined for an integer until `toBytes`. */
  length = 0;
  isInteger = false;
  /** The integer, or NaN if it is beyond 2^53; then `toBytes` gives it. */
  integer = 0;
  /** Digits of an integer that `toBytes` was asked for. */
  readonly #digits = new Uint8Array(24);

  /** Points to a string. */
  setString(bytes: Uint8Array, start: number, length: number): void {
    this.bytes = bytes;
    this.start = start;
    this.length = length;
    this.isInteger = false;
  }

  /** Makes it an integer. Where that is beyond 2^53, so that `integer` is NaN, its 8 bytes are those from `at` on. */
  setInteger(integer: number, bytes: Uint8Array, at: number): void {
    this.isInteger = true;
    this.integer = integer;
    this.bytes = bytes;
    this.start = at - 1; // that of the encoding byte of a listpack's integer, which has them in the same order
  }

  /** Points to the element of a listpack at `at`; the offset after it. */
  read(bytes: Uint8Array, at: number): number {
    const first = bytes[at];
    this.bytes = bytes;
    if (isInteger(first)) {
      this.isInteger = true;
      this.start = at;
      this.integer = readInteger(bytes, at);
      return at + entryBytes(bytes, at);
    }
    this.isInteger = false;
    if (first < INT_13) {
      const length = first & 0x3f;
      this.start = at + 1;
      this.length = length;
      return at + length + 2;
    }
    const isShort = first < STRING_32;
    this.start = isShort ? at + 2 : at + 5;
    this.length = isShort ? ((first & 15) << 8) | bytes[at + 1] : readUint32(bytes, at + 1);
    const end = this.start + this.length;
    return end + backLengthBytes(end - at);
  }

  /** Bytes that the element has as a string. */
  byteLength(): number {
    if (!this.isInteger) return this.length;
    if (!Number.isNaN(this.integer)) return decimalLength(this.integer);
    this.toBytes();
    return this.length;
  }

  /** Makes `bytes`, `start` and `length` hold the element as a string, which for an integer are its digits. */
  toBytes(): void {
    if (!this.isInteger) return;
    this.isInteger = false;
    const digits = this.#digits;
    const { bytes, start, integer } = this;
    this.length = Number.isNaN(integer)
      ? writeWords(digits, 0, readUint32(bytes, start + 5) | 0, readUint32(bytes, start + 1) | 0)
      : writeDecimal(digits, 0, integer);
    this.bytes = digits;
    this.start = 0;
  }

  /** The element as a binary string. */
  text(): string {
    this.toBytes();
    return decodeLatin1(this.bytes, this.start, this.start + this.length);
  }
}

/** Writes a listpack without elements. */
export function writeEmptyListpack(bytes: Uint8Array, start: number): void {
  writeUint32(bytes, start, EMPTY_LISTPACK_BYTES);
  bytes[start + 4] = 0;
  bytes[start + 5] = 0;
  bytes[start + 6] = LISTPACK_END;
}

/** Bytes of the whole listpack, as its header has them. */
export function listpackBytes(bytes: Uint8Array, start: number): number {
  return readUint32(bytes, start);
}

/** Says how many bytes the whole listpack has, for whoever has changed it without `splice`. */
export function setListpackBytes(bytes: Uint8Array, start: number, length: number): void {
  writeUint32(bytes, start, length);
}

/** Moves the number of elements of a header to where the header is to be; its length is to be set there. */
export function moveHeader(bytes: Uint8Array, from: number, to: number): void {
  const low = bytes[from + 4];
  const high = bytes[from + 5];
  bytes[to + 4] = low;
  bytes[to + 5] = high;
}

/** Number of elements: O(1) below 65535, else O(n). */
export function listpackCount(bytes: Uint8Array, start: number): number {
  const known = bytes[start + 4] | (bytes[start + 5] << 8);
  if (known !== COUNT_UNKNOWN) return known;
  let count = 0;
  for (let at = start + LISTPACK_HEADER_BYTES; bytes[at] !== LISTPACK_END; at += entryBytes(bytes, at)) count++;
  return count;
}

/** Adds to the number of elements in the header; `splice` does not know how many it moves. */
export function addToCount(bytes: Uint8Array, start: number, added: number): void {
  const known = bytes[start + 4] | (bytes[start + 5] << 8);
  let count = known + added;
  if (known === COUNT_UNKNOWN) {
    if (added > 0) return;
    count = listpackCount(bytes, start);
  }
  if (count > COUNT_UNKNOWN) count = COUNT_UNKNOWN;
  bytes[start + 4] = count;
  bytes[start + 5] = count >>> 8;
}

/** Offset of the first element, which is that of the end byte if there is none. */
export function firstElement(start: number): number {
  return start + LISTPACK_HEADER_BYTES;
}

// What the string that `measure` saw last is as an element.
/** Its encoding byte, without the bits of a value or length. */
let encoding = STRING_6;
/** The integer, where it is safe; NaN where it is given by `low` and `high`. */
let integer = 0;
let low = 0;
let high = 0;

/** Whether a string is a canonical int64; sets `integer`, or `low` and `high`. */
function readAsInteger(source: Uint8Array, start: number, length: number): boolean {
  if (length === 0 || length > 20) return false;
  const first = source[start];
  if (first > 0x39 || (first < 0x30 && first !== 0x2d)) return false;
  integer = parseSafeInteger(source, start, length);
  if (integer === integer) return true; // not NaN
  if (length < 16 || !parseWords(source, start, length)) return false;
  low = lowWord;
  high = highWord;
  return true;
}

function integerEncoding(): number {
  if (integer >= 0 && integer <= 127) return 0;
  if (integer >= -4096 && integer <= 4095) return INT_13;
  if (integer >= -32768 && integer <= 32767) return INT_16;
  if (integer >= -8388608 && integer <= 8388607) return INT_24;
  if (integer >= -2147483648 && integer <= 2147483647) return INT_32;
  return INT_64;
}

/** Bytes of the whole entry that a string becomes. */
export function measureElement(source: Uint8Array, start: number, length: number): number {
  if (readAsInteger(source, start, length)) {
    encoding = integerEncoding();
    if (encoding === 0) return 2;
    if (encoding === INT_13) return 3;
    return encoding === INT_64 ? 10 : encoding - INT_16 + 4;
  }
  let size = length + 1;
  if (length < 64) {
    encoding = STRING_6;
    return size + 1;
  }
  encoding = length < 4096 ? STRING_12 : STRING_32;
  size = length < 4096 ? length + 2 : length + 5;
  return size + backLengthBytes(size);
}

/** Bytes of the whole entry that an int64, given as its two halves, becomes; `writeMeasuredInteger` writes it. */
export function measureInteger(upper: number, lower: number): number {
  integer = upper * TWO_32 + (lower >>> 0);
  if (!Number.isSafeInteger(integer)) {
    integer = NaN;
    low = lower;
    high = upper;
  }
  encoding = integerEncoding();
  if (encoding === 0) return 2;
  if (encoding === INT_13) return 3;
  return encoding === INT_64 ? 10 : encoding - INT_16 + 4;
}

/** Writes the integer that `measureInteger` saw last, before any other call of these functions but `splice`. */
export function writeMeasuredInteger(bytes: Uint8Array, at: number): number {
  const end = writeInteger(bytes, at);
  return writeBackLength(bytes, end, end - at);
}

/** Writes a string as an element at `at`, where there must be room for what `measureElement` says; the offset after. */
export function writeElement(bytes: Uint8Array, at: number, source: Uint8Array, start: number, length: number): number {
  measureElement(source, start, length);
  return writeMeasured(bytes, at, source, start, length);
}

/** The same for the very string that `measureElement` saw last, before any other call of these functions but `splice`. */
export function writeMeasured(
  bytes: Uint8Array,
  at: number,
  source: Uint8Array,
  start: number,
  length: number,
): number {
  const first = at;
  switch (encoding) {
    case STRING_6:
      bytes[at++] = STRING_6 | length;
      break;
    case STRING_12:
      bytes[at++] = STRING_12 | (length >>> 8);
      bytes[at++] = length;
      break;
    case STRING_32:
      bytes[at] = STRING_32;
      writeUint32(bytes, at + 1, length);
      at += 5;
      break;
    default:
      at = writeInteger(bytes, at);
      return writeBackLength(bytes, at, at - first);
  }
  copyBytes(source, start, length, bytes, at);
  at += length;
  return writeBackLength(bytes, at, at - first);
}

function writeInteger(bytes: Uint8Array, at: number): number {
  switch (encoding) {
    case 0:
      bytes[at] = integer;
      return at + 1;
    case INT_13:
      bytes[at] = INT_13 | ((integer >>> 8) & 0x1f);
      bytes[at + 1] = integer;
      return at + 2;
    case INT_64:
      bytes[at] = INT_64;
      if (integer === integer) { // not NaN
        high = Math.floor(integer / TWO_32);
        low = integer - high * TWO_32;
      }
      writeUint32(bytes, at + 1, low);
      writeUint32(bytes, at + 5, high);
      return at + 9;
  }
  bytes[at] = encoding;
  bytes[at + 1] = integer;
  bytes[at + 2] = integer >> 8;
  if (encoding === INT_16) return at + 3;
  bytes[at + 3] = integer >> 16;
  if (encoding === INT_24) return at + 4;
  bytes[at + 4] = integer >> 24;
  return at + 5;
}

/** Writes an entry's length for reading backwards: 7 bits to a byte, the lowest last, all but the first marked. */
function writeBackLength(bytes: Uint8Array, at: number, size: number): number {
  if (size <= 127) {
    bytes[at] = size;
    return at + 1;
  }
  const count = backLengthBytes(size);
  for (let i = count - 1; i >= 0; i--) {
    bytes[at + i] = (size & 127) | (i > 0 ? 128 : 0);
    size >>>= 7;
  }
  return at + count;
}

/** Offset of the element that ends where the one at `at` begins; there must be one. */
export function elementBefore(bytes: Uint8Array, at: number): number {
  let size = 0;
  let shift = 0;
  let back = at - 1;
  for (;; back--, shift += 7) {
    size += (bytes[back] & 127) << shift;
    if ((bytes[back] & 128) === 0) return back - size;
  }
}

/**
 * Offset of the first element that equals a string, or -1; with a stride of 2, of every other: the field among fields
 * and values. O(n), without decoding what cannot be equal.
 */
export function findElement(
  bytes: Uint8Array,
  start: number,
  stride: 1 | 2,
  source: Uint8Array,
  sourceStart: number,
  length: number,
): number {
  const numeric = readAsInteger(source, sourceStart, length);
  // Fields of one hash often begin alike, so the last byte is compared first; an empty string's is its encoding.
  const lastByte = length > 0 ? source[sourceStart + length - 1] : STRING_6;
  let at = start + LISTPACK_HEADER_BYTES;
  for (;;) {
    const first = bytes[at];
    if ((first & 0xc0) === STRING_6) {
      const elementLength = first & 0x3f;
      if (elementLength === length && bytes[at + length] === lastByte) {
        let i = 0;
        while (i < length && bytes[at + 1 + i] === source[sourceStart + i]) i++;
        if (i === length) return at;
      }
      at += elementLength + 2;
    } else if (first === LISTPACK_END) {
      return -1;
    } else {
      if (
        isInteger(first)
          ? numeric && equalsInteger(bytes, at)
          : equalsLongString(bytes, at, source, sourceStart, length)
      ) {
        return at;
      }
      at += entryBytes(bytes, at);
    }
    if (stride === 1) continue;
    const other = bytes[at];
    if ((other & 0xc0) === STRING_6) at += (other & 0x3f) + 2;
    else if (other < STRING_6) at += 2;
    else at += entryBytes(bytes, at);
  }
}

/** Whether the string of 64 bytes or more at `at` equals another. */
function equalsLongString(bytes: Uint8Array, at: number, source: Uint8Array, start: number, length: number): boolean {
  const header = bytes[at] === STRING_32 ? 5 : 2;
  return dataBytes(bytes, at) - header === length && bytesEqual(bytes, at + header, source, start, length);
}

/** Whether the integer at `at` is the one that `readAsInteger` saw last. */
function equalsInteger(bytes: Uint8Array, at: number): boolean {
  if (integer === integer) return readInteger(bytes, at) === integer; // not NaN
  return bytes[at] === INT_64 && (readUint32(bytes, at + 1) | 0) === low && (readUint32(bytes, at + 5) | 0) === high;
}

/**
 * Makes `removed` bytes at `at` into `inserted` undefined ones, moving what follows, and sets the total length. There
 * must be room for the listpack's new length, which is returned.
 */
export function splice(bytes: Uint8Array, start: number, at: number, removed: number, inserted: number): number {
  const total = readUint32(bytes, start);
  const from = at + removed;
  const end = start + total;
  const to = at + inserted;
  if (to < from && end - from <= 48) { for (let i = 0; i < end - from; i++) bytes[to + i] = bytes[from + i]; }
  else if (to !== from) bytes.copyWithin(to, from, end);
  const resized = total + inserted - removed;
  writeUint32(bytes, start, resized);
  return resized;
}

/** The offset of the element with the given index, which must exist. O(n). */
export function elementAt(bytes: Uint8Array, start: number, index: number): number {
  let at = start + LISTPACK_HEADER_BYTES;
  for (; index > 0; index--) at += entryBytes(bytes, at);
  return at;
}

/**
 * The offset behind `count` elements from `at` on, of a sound listpack with its end byte at `end`; beyond `end` where there are
 * not so many. O(n) of the elements that there are.
 */
export function skipElements(bytes: Uint8Array, at: number, end: number, count: number): number {
  for (; count > 0; count--) {
    if (at >= end) return end + 1;
    const first = bytes[at];
    at += (first & 0xc0) === STRING_6 ? (first & 0x3f) + 2 : entryBytes(bytes, at);
  }
  return at;
}

/**
 * Whether `length` bytes from `start` are a whole, sound listpack whose elements come in groups of `stride`. For bytes
 * from outside: it reads nothing beyond them, and after it all other functions are safe.
 */
export function isValidListpack(bytes: Uint8Array, start: number, length: number, stride: number): boolean {
  if (length < EMPTY_LISTPACK_BYTES || start + length > bytes.length) return false;
  if (readUint32(bytes, start) !== length || bytes[start + length - 1] !== LISTPACK_END) return false;
  const end = start + length - 1;
  let count = 0;
  let at = start + LISTPACK_HEADER_BYTES;
  while (at < end) {
    const first = bytes[at];
    if ((first & 0xc0) === STRING_6) {
      const size = 1 + (first & 0x3f);
      if (at + size >= end || bytes[at + size] !== size) return false;
      at += size + 1;
      count++;
      continue;
    }
    if (first > INT_64) return false;
    if (first >= INT_13 && at + (first === STRING_32 ? 5 : 2) > end) return false;
    const size = dataBytes(bytes, at);
    const back = backLengthBytes(size);
    if (at + size + back > end) return false;
    let written = 0;
    for (let i = 0; i < back; i++) {
      const byte = bytes[at + size + i];
      if ((byte & 128) !== (i > 0 ? 128 : 0)) return false;
      written = written * 128 + (byte & 127);
    }
    if (written !== size) return false;
    at += size + back;
    count++;
  }
  if (at !== end || count % stride !== 0) return false;
  const known = bytes[start + 4] | (bytes[start + 5] << 8);
  return known === COUNT_UNKNOWN || known === count;
}

/** Up to so many elements are compared each with each, by tags. */
const MAX_COMPARED = 16;
const tags = new Int32Array(MAX_COMPARED);
const offsetsOfTags = new Int32Array(MAX_COMPARED);

/** Slots of the table in which `hasDuplicates` looks that are kept for the next listpack. */
const KEPT_SLOTS = 1024;
const MIN_SLOTS = 16;
const keptHashes = new Int32Array(KEPT_SLOTS);
const keptOffsets = new Int32Array(KEPT_SLOTS);
const one = new Element();
const other = new Element();

/**
 * Bytes of the entry at `at`, where no element of other bytes can equal it: a short string that is no integer, or an
 * integer of 32 bits in its shortest form. 0 for all others.
 */
function canonicalBytes(bytes: Uint8Array, at: number): number {
  const first = bytes[at];
  if ((first & 0xc0) === STRING_6) {
    const length = first & 0x3f;
    const begins = bytes[at + 1];
    const mayBeInteger = length > 0 && length <= 20 && begins <= 0x39 && (begins >= 0x30 || begins === 0x2d);
    return mayBeInteger ? 0 : length + 2;
  }
  if (first < STRING_6) return 2;
  if (first >= STRING_12 && (first < INT_16 || first > INT_32)) return 0;
  const value = readInteger(bytes, at);
  if (first < STRING_12) return value < 0 || value > 127 ? 3 : 0;
  const size = first - INT_16 + 4;
  const bits = first === INT_16 ? 13 : (size - 3) * 8; // of the next shorter form
  return value << (32 - bits) >> (32 - bits) === value ? 0 : size;
}

/**
 * Whether any two elements of every `stride` are equal, as fields of a hash must not be, however each is encoded. For bytes
 * from outside, which are a sound listpack. O(n); a small listpack needs no memory.
 */
export function hasDuplicates(bytes: Uint8Array, start: number, stride: 1 | 2): boolean {
  const count = listpackCount(bytes, start) / stride;
  if (count > MAX_COMPARED) return hasHashedDuplicates(bytes, start, stride, count);
  let at = start + LISTPACK_HEADER_BYTES;
  for (let n = 0; n < count; n++) {
    const size = canonicalBytes(bytes, at);
    if (size === 0) return hasHashedDuplicates(bytes, start, stride, count);
    // What differs between like elements is mostly at their end; the first byte tells the size.
    const tag = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + size - 2] << 16) | (bytes[at + (size >> 1)] << 24);
    for (let i = 0; i < n; i++) {
      if (tags[i] === tag && bytesEqual(bytes, offsetsOfTags[i], bytes, at, size)) return true;
    }
    tags[n] = tag;
    offsetsOfTags[n] = at;
    at += size;
    if (stride === 2) at += entryBytes(bytes, at);
  }
  return false;
}

function hasHashedDuplicates(bytes: Uint8Array, start: number, stride: 1 | 2, count: number): boolean {
  let size = MIN_SLOTS;
  while (size < count * 2) size *= 2;
  const hashes = size <= KEPT_SLOTS ? keptHashes : new Int32Array(size);
  // Of the element in each slot; 0 where there is none, as a listpack's first bytes are its header.
  const offsets = size <= KEPT_SLOTS ? keptOffsets : new Int32Array(size);
  offsets.fill(0, 0, size);
  const mask = size - 1;
  for (let at = start + LISTPACK_HEADER_BYTES; bytes[at] !== LISTPACK_END;) {
    one.read(bytes, at);
    one.toBytes();
    const hash = hashBytes(one.bytes, one.start, one.length);
    let slot = hash & mask;
    for (; offsets[slot] !== 0; slot = (slot + 1) & mask) {
      if (hashes[slot] !== hash) continue;
      other.read(bytes, start + offsets[slot]);
      other.toBytes();
      if (other.length !== one.length) continue;
      if (bytesEqual(one.bytes, one.start, other.bytes, other.start, one.length)) return true;
    }
    hashes[slot] = hash;
    offsets[slot] = at - start;
    for (let i = 0; i < stride; i++) at += entryBytes(bytes, at);
  }
  return false;
}
