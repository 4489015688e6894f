/**
 * The keys that an RDB reader is about to come to, foreseen (see store/foresight.ts): where the keys of a file come in no
 * order that the table has, putting each there costs several cache misses, of which so those of many keys overlap.
 *
 * It looks over the records that have come as far as it can tell where they end: keys whose value is one string, with what
 * opcodes say of them. What it notes is a hint: the reader checks every byte when it comes to it.
 */

import { FORESIGHT, type Foresight } from "../store/foresight.ts";
import * as format from "./rdb_format.ts";

/** One bit for each type of RDB whose values are one string. */
const ONE_STRING = 1 << format.RDB_TYPE_STRING | 1 << format.RDB_TYPE_HASH_ZIPMAP | 1 << format.RDB_TYPE_LIST_ZIPLIST |
  1 << format.RDB_TYPE_SET_INTSET | 1 << format.RDB_TYPE_ZSET_ZIPLIST | 1 << format.RDB_TYPE_HASH_ZIPLIST |
  1 << format.RDB_TYPE_HASH_LISTPACK | 1 << format.RDB_TYPE_ZSET_LISTPACK | 1 << format.RDB_TYPE_SET_LISTPACK;
/** From here on there are only opcodes. */
const TYPES = 32;
/** Bytes of a length, at most, of those of 32 bits. */
const LENGTH_BYTES = 5;
/** The upper bits of the first byte of an encoded string. */
const ENCODED = format.LENGTH_ENCODED << 6;
/** The place behind what has not come, or is no record of a kind looked over. */
const NOWHERE = -1;

/** Looks over records. */
export class KeysAhead {
  /** Opcodes and keys that the last `note` has passed: so many units of the reader's come before it is worth another. */
  units = 0;
  #length = 0;

  constructor(readonly foresight: Foresight) {}

  /** Notes the keys of the records in `bytes[at, end)`, which begins with a record. The foresight must be clear. */
  note(bytes: Uint8Array, at: number, end: number): void {
    const { foresight } = this;
    let units = 0;
    while (at < end && foresight.count < FORESIGHT) {
      const type = bytes[at];
      if (type >= TYPES) {
        at = this.#afterOpcode(bytes, at, end);
        if (at === NOWHERE) break;
        units++;
        continue;
      }
      const start = this.#afterLength(bytes, at + 1, end);
      if (start === NOWHERE || start + this.#length > end) break;
      foresight.addKey(bytes, start, this.#length);
      units++;
      if ((ONE_STRING >>> type & 1) === 0) break;
      at = this.#afterString(bytes, start + this.#length, end);
      if (at === NOWHERE) break;
    }
    this.units = Math.max(1, units);
  }

  /** The place behind an opcode at `at` that concerns a key; NOWHERE where it is another. */
  #afterOpcode(bytes: Uint8Array, at: number, end: number): number {
    switch (bytes[at]) {
      case format.OPCODE_EXPIRETIME_MS:
        return at + 9;
      case format.OPCODE_EXPIRETIME:
        return at + 5;
      case format.OPCODE_FREQ:
        return at + 2;
      case format.OPCODE_IDLE:
        return this.#afterLength(bytes, at + 1, end);
    }
    return NOWHERE;
  }

  /** The place behind a length at `at`, which is `#length`. NOWHERE: it has not come, or is of another kind. */
  #afterLength(bytes: Uint8Array, at: number, end: number): number {
    if (at + LENGTH_BYTES > end) return NOWHERE;
    const first = bytes[at];
    switch (first >> 6) {
      case format.LENGTH_6_BITS:
        this.#length = first & 63;
        return at + 1;
      case format.LENGTH_14_BITS:
        this.#length = (first & 63) << 8 | bytes[at + 1];
        return at + 2;
    }
    if (first !== format.LENGTH_32_BITS_MARK) return NOWHERE;
    this.#length = (bytes[at + 1] << 24 | bytes[at + 2] << 16 | bytes[at + 3] << 8 | bytes[at + 4]) >>> 0;
    return at + LENGTH_BYTES;
  }

  /** The place behind a string at `at`, or NOWHERE. */
  #afterString(bytes: Uint8Array, at: number, end: number): number {
    if (at >= end) return NOWHERE;
    switch (bytes[at]) {
      case ENCODED | format.ENCODED_INT8:
        return at + 2;
      case ENCODED | format.ENCODED_INT16:
        return at + 3;
      case ENCODED | format.ENCODED_INT32:
        return at + 5;
      case ENCODED | format.ENCODED_LZF: {
        const lengthAt = this.#afterLength(bytes, at + 1, end);
        const compressed = this.#length;
        const start = lengthAt === NOWHERE ? NOWHERE : this.#afterLength(bytes, lengthAt, end);
        return start === NOWHERE ? NOWHERE : start + compressed;
      }
    }
    const start = this.#afterLength(bytes, at, end);
    return start === NOWHERE ? NOWHERE : start + this.#length;
  }
}
