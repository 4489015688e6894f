/**
 * The bytes that an RDB reader was pushed and has not read yet, and the reading of RDB's integers, lengths and strings
 * from them.
 *
 * Reading goes in *units*. `begin` starts one at the first byte not consumed; what is read lies wholly in the buffer, or
 * `NEED_MORE` is thrown and the unit is tried again once more has come; `commit` consumes it. Nothing is ever allocated
 * for bytes that did not come. Used by rdb_reader.ts alone.
 */

import { copyBytes } from "../bytes/compare.ts";
import { Crc64 } from "../bytes/crc64.ts";
import { writeDecimal } from "../bytes/integers.ts";
import { decodeLatin1 } from "../bytes/latin1.ts";
import { canBeLzfOf, decompressLzf } from "../bytes/lzf.ts";
import {
  ENCODED_INT16,
  ENCODED_INT32,
  ENCODED_INT8,
  ENCODED_LZF,
  LENGTH_14_BITS,
  LENGTH_32_BITS_MARK,
  LENGTH_64_BITS_MARK,
  LENGTH_6_BITS,
  LENGTH_ENCODED,
  RdbError,
} from "./rdb_format.ts";

/** Thrown where a unit's bytes have not all come. */
export const NEED_MORE = Symbol("more bytes are needed");

/** Longest string: key and value must fit a block of the arena together. */
const MAX_STRING_BYTES = 2 ** 30 - 2 ** 20;
const SMALLEST_BUFFER_BYTES = 1024;
/** A buffer beyond this is let go once it is empty. */
const KEPT_BUFFER_BYTES = 8 * 1024 * 1024;
/** Most bytes of a string that messages show. */
export const MAX_TEXT_BYTES = 128;
const TWO_32 = 4294967296;

/** A string in place, or in its own scratch buffer where it had to be decoded. */
export class StringSlot {
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  length = 0;
  #scratch: Uint8Array = new Uint8Array(64);

  /** A scratch buffer of at least `length` bytes, of which the slot shows the first `length` from now on. */
  decode(length: number): Uint8Array {
    if (this.#scratch.length < length || this.#scratch.length > KEPT_BUFFER_BYTES) {
      this.#scratch = new Uint8Array(Math.max(64, length));
    }
    this.bytes = this.#scratch;
    this.start = 0;
    this.length = length;
    return this.#scratch;
  }

  /** Shows a range of other bytes, in place. */
  show(bytes: Uint8Array, start: number, length: number): void {
    this.bytes = bytes;
    this.start = start;
    this.length = length;
  }

  /** Holds a copy of a range of other bytes. */
  copy(bytes: Uint8Array, start: number, length: number): void {
    copyBytes(bytes, start, length, this.decode(length), 0);
  }

  /** All of it, as a binary string. */
  text(): string {
    return decodeLatin1(this.bytes, this.start, this.start + this.length);
  }

  /** For messages, as `shownText`. */
  toString(): string {
    return shownText(decodeLatin1(this.bytes, this.start, this.start + Math.min(this.length, MAX_TEXT_BYTES + 1)));
  }
}

/** A binary string's beginning for messages, with what is not printable as \xHH. */
export function shownText(text: string): string {
  const shown = text.slice(0, MAX_TEXT_BYTES)
    .replace(/[^ -~]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`);
  return shown + (text.length > MAX_TEXT_BYTES ? "..." : "");
}

export class RdbInput {
  #buffer: Uint8Array = new Uint8Array(0);
  /** Where the unit under way begins, where it is read, and where the buffer's bytes end. */
  #unit = 0;
  #at = 0;
  #end = 0;
  /** Bytes from the unit's beginning without which it need not be tried again. */
  #needed = 1;
  /** Bytes consumed before the buffer's first. */
  #base = 0;
  readonly #crc = new Crc64();
  #crcFrom = 0;

  /** Bytes consumed. */
  get consumed(): number {
    return this.#base + this.#unit;
  }

  /** Bytes that came. */
  get received(): number {
    return this.#base + this.#end;
  }

  /** Where the next byte is read. */
  get offset(): number {
    return this.#base + this.#at;
  }

  /** What came and was not consumed. */
  get rest(): Uint8Array {
    return this.#buffer.subarray(this.#unit, this.#end);
  }

  /** Takes in a copy of some bytes. */
  push(chunk: Uint8Array): void {
    if (this.#buffer.length - this.#end < chunk.length) this.#makeRoom(chunk.length);
    this.#buffer.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /** Starts a unit; whether enough came since it was last tried. */
  begin(): boolean {
    this.#at = this.#unit;
    return this.#end - this.#unit >= this.#needed;
  }

  /** Consumes the unit. */
  commit(): void {
    this.#unit = this.#at;
    this.#needed = 1;
  }

  /** The checksum of all bytes up to where the next one is read. */
  checksum(): Crc64 {
    this.#crc.update(this.#buffer, this.#crcFrom, this.#at);
    this.#crcFrom = this.#at;
    return this.#crc;
  }

  /** A place in the unit, for `rewind`: what was read from there on is read again. Both only within one unit. */
  mark(): number {
    return this.#at;
  }

  rewind(mark: number): void {
    this.#at = mark;
  }

  /** Takes `length` bytes and returns where they begin in `bytes`. */
  take(length: number): number {
    const start = this.#at;
    if (this.#end - start < length) {
      this.#needed = start - this.#unit + length;
      throw NEED_MORE;
    }
    this.#at = start + length;
    return start;
  }

  /** The buffer that offsets of `take` are in, until the next `push`. */
  get bytes(): Uint8Array {
    return this.#buffer;
  }

  byte(): number {
    return this.#buffer[this.take(1)];
  }

  /** A little-endian int32. */
  int32(): number {
    const at = this.take(4);
    const bytes = this.#buffer;
    return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
  }

  /** A little-endian int64. */
  int64(): bigint {
    const low = this.int32() >>> 0;
    return (BigInt(this.int32()) << 32n) | BigInt(low);
  }

  /** A length that is no encoded string. */
  length(): number {
    const first = this.byte();
    if (first >> 6 === LENGTH_ENCODED) throw this.error("an encoded string where a length belongs");
    return this.#lengthAfter(first);
  }

  /** The two words of the last `longLength`, as int32. */
  high = 0;
  low = 0;

  /** A length that may be any uint64, such as half of a stream's ID: `high` and `low`. */
  longLength(): void {
    const first = this.byte();
    if (first === LENGTH_64_BITS_MARK) {
      const at = this.take(8);
      this.high = bigEndian(this.#buffer, at) | 0;
      this.low = bigEndian(this.#buffer, at + 4) | 0;
      return;
    }
    if (first >> 6 === LENGTH_ENCODED) throw this.error("an encoded string where a length belongs");
    this.low = this.#lengthAfter(first) | 0;
    this.high = 0;
  }

  /** A string: what it is when decoded. */
  string(slot: StringSlot): void {
    const first = this.byte();
    if (first >> 6 === LENGTH_ENCODED) return this.#encoded(first & 63, slot);
    const length = this.#stringLength(this.#lengthAfter(first));
    slot.show(this.#buffer, this.take(length), length);
  }

  /** An error at the byte to be read next. `cause` where it is not the data that is wrong. */
  error(reason: string, key: string | null = null, cause?: Error): RdbError {
    return new RdbError(reason, this.offset, key, cause && { cause });
  }

  #lengthAfter(first: number): number {
    const bytes = this.#buffer;
    switch (first >> 6) {
      case LENGTH_6_BITS:
        return first & 63;
      case LENGTH_14_BITS:
        return ((first & 63) << 8) | this.byte();
    }
    if (first === LENGTH_32_BITS_MARK) {
      const at = this.take(4);
      return bigEndian(bytes, at);
    }
    if (first === LENGTH_64_BITS_MARK) {
      const at = this.take(8);
      return bigEndian(bytes, at) * TWO_32 + bigEndian(bytes, at + 4);
    }
    throw this.error(`unknown length encoding 0x${first.toString(16)}`);
  }

  #stringLength(length: number): number {
    if (length > MAX_STRING_BYTES) throw this.error(`a string of ${length} bytes is longer than this server can hold`);
    return length;
  }

  #encoded(encoding: number, slot: StringSlot): void {
    switch (encoding) {
      case ENCODED_INT8:
        return decimal(slot, (this.byte() << 24) >> 24);
      case ENCODED_INT16: {
        const at = this.take(2);
        return decimal(slot, ((this.#buffer[at] | (this.#buffer[at + 1] << 8)) << 16) >> 16);
      }
      case ENCODED_INT32:
        return decimal(slot, this.int32());
      case ENCODED_LZF: {
        const compressed = this.#stringLength(this.length());
        const length = this.#stringLength(this.length());
        if (!canBeLzfOf(compressed, length)) {
          throw this.error(`${compressed} bytes of LZF cannot hold ${length} bytes`);
        }
        const at = this.take(compressed);
        if (!decompressLzf(this.#buffer, at, compressed, slot.decode(length), 0, length)) {
          throw this.error("malformed LZF-compressed string");
        }
        return;
      }
    }
    throw this.error(`unknown string encoding ${encoding}`);
  }

  #makeRoom(wanted: number): void {
    this.#crc.update(this.#buffer, this.#crcFrom, this.#unit);
    const held = this.#end - this.#unit;
    const needed = held + wanted;
    const oversized = held === 0 && this.#buffer.length > KEPT_BUFFER_BYTES;
    if (needed > this.#buffer.length || oversized) {
      const doubled = oversized ? 0 : 2 * this.#buffer.length;
      const grown = new Uint8Array(Math.max(needed, doubled, SMALLEST_BUFFER_BYTES));
      grown.set(this.#buffer.subarray(this.#unit, this.#end));
      this.#buffer = grown;
    } else {
      this.#buffer.copyWithin(0, this.#unit, this.#end);
    }
    this.#base += this.#unit;
    this.#crcFrom = 0;
    this.#unit = 0;
    this.#at = 0;
    this.#end = held;
  }
}

function bigEndian(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
}

function decimal(slot: StringSlot, value: number): void {
  slot.length = writeDecimal(slot.decode(12), 0, value);
}
