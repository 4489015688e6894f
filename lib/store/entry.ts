/**
 * The layout of an entry: one key, or one field of a hash, with its value, in one block of the arena.
 *
 * | at           | holds                                                                               |
 * |--------------|-------------------------------------------------------------------------------------|
 * | word 0       | type (4 bits), encoding (4 bits), access clock (24 bits: LRU seconds or LFU)          |
 * | word 1       | key length in bytes (30 bits), "has an expiry" (bit 30), snapshot epoch (bit 31)      |
 * | word 2       | bytes of the inline value, or the ref of the body where the encoding keeps one        |
 * | words 3–4    | only with an expiry: the Unix time in ms, as a little-endian int64                    |
 * | then         | the key's bytes, then the inline value's bytes                                        |
 *
 * Strings, listpacks and intsets are inline; a hash table is a body of its own. An int-encoded string is stored as its
 * decimal digits, so that GET copies and only arithmetic parses.
 */

import { decodeLatin1 } from "../bytes/latin1.ts";
import { type Arena, SEGMENT_MASK, SEGMENT_SHIFT } from "./arena.ts";

/** Value types, numbered as RDB object types are in MODULE-free Redis. */
export const TYPE_STRING = 0;
export const TYPE_LIST = 1;
export const TYPE_SET = 2;
export const TYPE_ZSET = 3;
export const TYPE_HASH = 4;
export const TYPE_STREAM = 6;

export const ENCODING_RAW = 0;
export const ENCODING_INT = 1;
export const ENCODING_HASHTABLE = 2;
export const ENCODING_INTSET = 6;
export const ENCODING_SKIPLIST = 7;
export const ENCODING_EMBSTR = 8;
export const ENCODING_QUICKLIST = 9;
export const ENCODING_STREAM = 10;
export const ENCODING_LISTPACK = 11;
/** One bit for each encoding that keeps the value in a body of its own, not in the entry's block. */
const BODY_ENCODINGS = (1 << ENCODING_HASHTABLE) | (1 << ENCODING_SKIPLIST) | (1 << ENCODING_QUICKLIST) |
  (1 << ENCODING_STREAM);

/** Names of the value types, as TYPE replies them. */
export const TYPE_NAMES: ReadonlyMap<number, string> = new Map([
  [TYPE_STRING, "string"],
  [TYPE_LIST, "list"],
  [TYPE_SET, "set"],
  [TYPE_ZSET, "zset"],
  [TYPE_HASH, "hash"],
  [TYPE_STREAM, "stream"],
]);

/** Names of the encodings, as OBJECT ENCODING replies them. */
export const ENCODING_NAMES: ReadonlyMap<number, string> = new Map([
  [ENCODING_RAW, "raw"],
  [ENCODING_INT, "int"],
  [ENCODING_EMBSTR, "embstr"],
  [ENCODING_HASHTABLE, "hashtable"],
  [ENCODING_INTSET, "intset"],
  [ENCODING_SKIPLIST, "skiplist"],
  [ENCODING_QUICKLIST, "quicklist"],
  [ENCODING_STREAM, "stream"],
  [ENCODING_LISTPACK, "listpack"],
]);

/** When an entry expires, as commands give it: ms since 1970, beyond 2^53 as a BigInt. */
export type UnixMs = number | bigint;
/** No expiry. */
export const NO_EXPIRY = -1;

/** Bytes of an entry before its expiry or key. */
export const ENTRY_HEADER_BYTES = 12;
/** Mask of the key length in word 1. */
export const KEY_LENGTH_MASK = 0x3fffffff;
/** Bit of word 1 that tells of an expiry; shifted right by 27 it is the 8 bytes which that takes. */
export const HAS_EXPIRY = 0x40000000;
/** Bit of word 1 that a snapshot compares with its epoch. */
export const EPOCH_BIT = 0x80000000 | 0;

const TWO_32 = 4294967296;
/** Where the upper word of a time is below this, the time is a safe integer. */
const SAFE_HIGH = 2 ** 21;

/** Whether word 0 of an entry, for who has read it, tells that the value is a body. */
export function tellsOfBody(word0: number): boolean {
  return ((BODY_ENCODINGS >>> ((word0 >>> 4) & 15)) & 1) !== 0;
}

/** Reads and writes the parts of entries. All methods take the entry's ref and are a few loads each. */
export class Entries {
  constructor(readonly arena: Arena) {}

  word(ref: number, index: number): number {
    return this.arena.words[ref >>> SEGMENT_SHIFT][((ref & SEGMENT_MASK) << 1) + index];
  }

  setWord(ref: number, index: number, value: number): void {
    this.arena.words[ref >>> SEGMENT_SHIFT][((ref & SEGMENT_MASK) << 1) + index] = value;
  }

  type(ref: number): number {
    return this.word(ref, 0) & 15;
  }

  encoding(ref: number): number {
    return (this.word(ref, 0) >>> 4) & 15;
  }

  /** Whether the value is a body outside of the entry's block, of which `valueWord` is the ref. */
  hasBody(ref: number): boolean {
    return tellsOfBody(this.word(ref, 0));
  }

  /** Bytes of the value that lie in the entry's own block. */
  inlineLength(ref: number): number {
    return this.hasBody(ref) ? 0 : this.valueWord(ref);
  }

  /** Bytes of the entry's block that are in use. */
  bytesOf(ref: number): number {
    return this.size(this.keyLength(ref), this.inlineLength(ref), this.hasExpiry(ref));
  }

  setTypeAndEncoding(ref: number, type: number, encoding: number): void {
    this.setWord(ref, 0, (this.word(ref, 0) & ~0xff) | type | (encoding << 4));
  }

  /** The 24-bit access clock. */
  clock(ref: number): number {
    return this.word(ref, 0) >>> 8;
  }

  setClock(ref: number, clock: number): void {
    this.setWord(ref, 0, (this.word(ref, 0) & 0xff) | (clock << 8));
  }

  keyLength(ref: number): number {
    return this.word(ref, 1) & KEY_LENGTH_MASK;
  }

  hasExpiry(ref: number): boolean {
    return (this.word(ref, 1) & HAS_EXPIRY) !== 0;
  }

  /** Inline value's length in bytes, or the body's ref. */
  valueWord(ref: number): number {
    return this.word(ref, 2);
  }

  setValueWord(ref: number, value: number): void {
    this.setWord(ref, 2, value);
  }

  /** The segment's bytes in which `keyStart` and `valueStart` are offsets. */
  bytes(ref: number): Uint8Array {
    return this.arena.bytes[ref >>> SEGMENT_SHIFT];
  }

  /** `length` bytes of the entry's segment from offset `start`, as a binary string. */
  text(ref: number, start: number, length: number): string {
    return decodeLatin1(this.bytes(ref), start, start + length);
  }

  /** A copy of the key. */
  keyCopy(ref: number): Uint8Array {
    const start = this.keyStart(ref);
    return this.bytes(ref).slice(start, start + this.keyLength(ref));
  }

  /** Offset of the key in `bytes(ref)`. */
  keyStart(ref: number): number {
    return ((ref & SEGMENT_MASK) << 3) + ENTRY_HEADER_BYTES + ((this.word(ref, 1) >>> 27) & 8);
  }

  /** Offset of the inline value in `bytes(ref)`. */
  valueStart(ref: number): number {
    const word1 = this.word(ref, 1);
    return ((ref & SEGMENT_MASK) << 3) + ENTRY_HEADER_BYTES + ((word1 >>> 27) & 8) + (word1 & KEY_LENGTH_MASK);
  }

  /** Unix time in ms at which the entry expires, or NO_EXPIRY. Exact up to 2^53; beyond, rounded to a double. */
  expiry(ref: number): number {
    if (!this.hasExpiry(ref)) return NO_EXPIRY;
    return this.word(ref, 4) * TWO_32 + (this.word(ref, 3) >>> 0);
  }

  /** Exact expiry of an entry that has one: a BigInt where it is beyond 2^53. */
  exactExpiry(ref: number): UnixMs {
    const high = this.word(ref, 4);
    if (high >= 0 && high < SAFE_HIGH) return high * TWO_32 + (this.word(ref, 3) >>> 0);
    return (BigInt(high) << 32n) | BigInt(this.word(ref, 3) >>> 0);
  }

  /** Sets the expiry of an entry that was made with room for one. */
  setExpiry(ref: number, unixMs: UnixMs): void {
    if (typeof unixMs === "number") {
      const high = Math.floor(unixMs / TWO_32);
      this.setWord(ref, 3, (unixMs - high * TWO_32) | 0);
      this.setWord(ref, 4, high | 0);
    } else {
      this.setWord(ref, 3, Number(BigInt.asIntN(32, unixMs)));
      this.setWord(ref, 4, Number(BigInt.asIntN(32, unixMs >> 32n)));
    }
  }

  /** Bytes that an entry's block needs. */
  size(keyLength: number, inlineLength: number, withExpiry: boolean): number {
    return ENTRY_HEADER_BYTES + (withExpiry ? 8 : 0) + keyLength + inlineLength;
  }

  /**
   * Allocates an entry, copies its key from `source` and sets words 1 and 2. Word 0 is `meta`; the inline value's
   * `inlineLength` bytes and the expiry, if `withExpiry`, are the caller's to write.
   */
  create(
    source: Uint8Array,
    keyStart: number,
    keyLength: number,
    meta: number,
    inlineLength: number,
    withExpiry: boolean,
  ): number {
    const keyAt = withExpiry ? ENTRY_HEADER_BYTES + 8 : ENTRY_HEADER_BYTES;
    const ref = this.arena.alloc(keyAt + keyLength + inlineLength);
    const words = this.arena.words[ref >>> SEGMENT_SHIFT];
    const at = (ref & SEGMENT_MASK) << 1;
    words[at] = meta;
    words[at + 1] = withExpiry ? keyLength | HAS_EXPIRY : keyLength;
    words[at + 2] = inlineLength;
    const target = this.arena.bytes[ref >>> SEGMENT_SHIFT];
    const to = (at << 2) + keyAt;
    if (keyLength > 64) target.set(source.subarray(keyStart, keyStart + keyLength), to);
    else for (let i = 0; i < keyLength; i++) target[to + i] = source[keyStart + i];
    return ref;
  }
}

/** Whether the key at `words[word]` (the same memory as `memory`) is `bytes[start, start + length)`. */
export function keyEquals(
  words: Int32Array,
  memory: Uint8Array,
  word: number,
  bytes: Uint8Array,
  start: number,
  length: number,
): boolean {
  const end = start + length;
  const wordsEnd = end - (length & 3);
  let at = start;
  for (; at < wordsEnd; at += 4) {
    const here = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
    if (here !== words[word++]) return false;
  }
  for (let key = word << 2; at < end; key++, at++) if (memory[key] !== bytes[at]) return false;
  return true;
}
