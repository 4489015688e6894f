/**
 * Makes the bytes of an RDB file: strings become integers, LZF or raw, and the checksum is counted. It is written to
 * directly by whoever writes in place, and reads strings where they lie; in the worker it reads the tokens
 * (token_writer.ts) that the main thread has made.
 */

import { copyBytes } from "../bytes/compare.ts";
import { Crc64 } from "../bytes/crc64.ts";
import { parseSafeInteger } from "../bytes/integers.ts";
import { compressLzf } from "../bytes/lzf.ts";
import {
  ENCODED_INT16,
  ENCODED_INT32,
  ENCODED_INT8,
  ENCODED_LZF,
  LENGTH_ENCODED,
  MAX_LENGTH_BYTES,
  writeLength,
} from "./rdb_format.ts";
import { MAX_RUN_BYTES, type RdbOutput } from "./rdb_output.ts";

/** Bytes gathered before they go to the sink. */
const OUTPUT_BYTES = 256 * 1024;
/** Strings up to this length are not worth compressing. */
const MAX_UNCOMPRESSED_BYTES = 20;
/** Strings of up to this length may be integers. */
const MAX_INT32_DIGITS = 11;
const LZF_HEADER_BYTES = 1 + 2 * MAX_LENGTH_BYTES;
/** Strings of up to this length are compressed into the output buffer, others into one of their own. */
const MAX_IN_PLACE_BYTES = OUTPUT_BYTES - LZF_HEADER_BYTES;
/** Lengths of up to this take a byte, and two bytes. */
const MAX_SHORT_LENGTH = 63;
const MAX_MIDDLE_LENGTH = 16383;
const CHECKSUM_BYTES = 8;

export interface EncoderOptions {
  /** `rdbcompression`. */
  readonly compression: boolean;
  /** `rdbchecksum`; without it the file ends in 8 bytes of 0. */
  readonly checksum: boolean;
}

/** Takes bytes of the file; they are only valid during the call. */
export type ByteSink = (bytes: Uint8Array) => void;

export class RdbEncoder implements RdbOutput {
  readonly checksum: Crc64 = new Crc64();
  /** Bytes given to the sink. */
  bytesOut = 0;
  readonly #output = new Uint8Array(OUTPUT_BYTES);
  #at = 0;
  /** Bytes still to come of a token that goes on in the next chunk, or of a string that comes in pieces. */
  #missing = 0;
  /** What is there of such a string; null where the token is plain. */
  #partial: Uint8Array | null = null;
  #partialLength = 0;

  constructor(readonly options: EncoderOptions, readonly sink: ByteSink) {}

  // --- Written to in place --------------------------------------------------------------------------------------------

  plain(bytes: Uint8Array): void {
    this.#raw(bytes, 0, bytes.length);
  }

  string(bytes: Uint8Array, start: number, length: number): void {
    if (length <= MAX_INT32_DIGITS && this.#integer(bytes, start, length)) return;
    if (length > MAX_UNCOMPRESSED_BYTES && this.options.compression && this.#compressed(bytes, start, length)) return;
    this.#reserve(MAX_LENGTH_BYTES);
    this.#at = writeLength(this.#output, this.#at, length);
    this.#raw(bytes, start, length);
  }

  beginString(length: number): void {
    this.#missing = length;
    this.#partial = new Uint8Array(length);
    this.#partialLength = 0;
  }

  append(bytes: Uint8Array, start: number, length: number): void {
    this.#take(bytes, start, start + length);
    this.#completeString();
  }

  begin(): void {
    this.#reserve(MAX_RUN_BYTES);
  }

  byte(value: number): void {
    this.#output[this.#at++] = value;
  }

  int32(value: number): void {
    const output = this.#output;
    const at = this.#at;
    output[at] = value;
    output[at + 1] = value >>> 8;
    output[at + 2] = value >>> 16;
    output[at + 3] = value >>> 24;
    this.#at = at + 4;
  }

  length(value: number): void {
    this.#at = writeLength(this.#output, this.#at, value);
  }

  end(): void {}

  // --- Tokens ---------------------------------------------------------------------------------------------------------

  /** Encodes a chunk of tokens. */
  push(chunk: Uint8Array, length: number): void {
    let at = this.#missing > 0 ? this.#continue(chunk, length) : 0;
    while (at < length) {
      let header = chunk[at++];
      if (header > 127) {
        header &= 127;
        for (let shift = 7;; shift += 7) {
          const byte = chunk[at++];
          header = (header | ((byte & 127) << shift)) >>> 0;
          if (byte < 128) break;
        }
      }
      const size = header >>> 1;
      if (size <= length - at) {
        if (header & 1) this.string(chunk, at, size);
        else this.#raw(chunk, at, size);
        at += size;
        continue;
      }
      this.#missing = size;
      this.#partial = header & 1 ? new Uint8Array(size) : null;
      this.#partialLength = 0;
      at += this.#take(chunk, at, length);
    }
  }

  /** Ends the file: adds the checksum and gives everything to the sink. */
  finish(): void {
    this.flush();
    const trailer = new Uint8Array(CHECKSUM_BYTES);
    if (this.options.checksum) this.checksum.writeTo(trailer, 0);
    this.bytesOut += CHECKSUM_BYTES;
    this.sink(trailer);
  }

  /** Gives what was gathered to the sink. */
  flush(): void {
    if (this.#at === 0) return;
    if (this.options.checksum) this.checksum.update(this.#output, 0, this.#at);
    const bytes = this.#output.subarray(0, this.#at);
    this.bytesOut += this.#at;
    this.#at = 0;
    this.sink(bytes);
  }

  /** Goes on with the token that the last chunk left unfinished; the offset after what is of it in this one. */
  #continue(chunk: Uint8Array, length: number): number {
    const taken = this.#take(chunk, 0, length);
    this.#completeString();
    return taken;
  }

  /** Writes the string that came in pieces, if that was the last. */
  #completeString(): void {
    const string = this.#partial;
    if (this.#missing > 0 || string === null) return;
    this.#partial = null;
    this.string(string, 0, string.length);
  }

  #take(chunk: Uint8Array, at: number, end: number): number {
    const taken = Math.min(this.#missing, end - at);
    if (this.#partial === null) {
      this.#raw(chunk, at, taken);
    } else {
      copyBytes(chunk, at, taken, this.#partial, this.#partialLength);
      this.#partialLength += taken;
    }
    this.#missing -= taken;
    return taken;
  }

  /** Writes a string as the int32 it shows, if it does. */
  #integer(bytes: Uint8Array, start: number, length: number): boolean {
    const value = parseSafeInteger(bytes, start, length);
    if (Number.isNaN(value) || value !== (value | 0)) return false;
    this.#reserve(MAX_LENGTH_BYTES);
    const output = this.#output;
    const size = value >= -128 && value <= 127 ? 1 : value >= -32768 && value <= 32767 ? 2 : 4;
    const encoding = size === 1 ? ENCODED_INT8 : size === 2 ? ENCODED_INT16 : ENCODED_INT32;
    output[this.#at++] = (LENGTH_ENCODED << 6) | encoding;
    for (let i = 0; i < size; i++) output[this.#at++] = value >>> (8 * i);
    return true;
  }

  /** Writes a string as LZF, if that is shorter: at once behind a header of the length that it will have, by a guess. */
  #compressed(bytes: Uint8Array, start: number, length: number): boolean {
    if (length > MAX_IN_PLACE_BYTES) return this.#compressedAside(bytes, start, length);
    this.#reserve(LZF_HEADER_BYTES + length);
    const output = this.#output;
    const lengthBytes = length <= MAX_SHORT_LENGTH ? 1 : length <= MAX_MIDDLE_LENGTH ? 2 : 5;
    const guessed = this.#at + 1 + lengthBytes + (length <= 2 * MAX_SHORT_LENGTH ? 1 : lengthBytes);
    const compressed = compressLzf(bytes, start, length, output, guessed);
    if (compressed === 0) return false;
    const at = this.#at + 1 + lengthBytes +
      (compressed <= MAX_SHORT_LENGTH ? 1 : compressed <= MAX_MIDDLE_LENGTH ? 2 : 5);
    // Before the header, which may be longer than what was left for it.
    if (at !== guessed) output.copyWithin(at, guessed, guessed + compressed);
    this.#lzfHeader(compressed, length);
    this.#at = at + compressed;
    return true;
  }

  #compressedAside(bytes: Uint8Array, start: number, length: number): boolean {
    const output = new Uint8Array(length);
    const compressed = compressLzf(bytes, start, length, output);
    if (compressed === 0) return false;
    this.#reserve(LZF_HEADER_BYTES);
    this.#lzfHeader(compressed, length);
    this.#raw(output, 0, compressed);
    return true;
  }

  #lzfHeader(compressed: number, length: number): void {
    this.#output[this.#at++] = (LENGTH_ENCODED << 6) | ENCODED_LZF;
    this.#at = writeLength(this.#output, this.#at, compressed);
    this.#at = writeLength(this.#output, this.#at, length);
  }

  #raw(bytes: Uint8Array, start: number, length: number): void {
    while (length > 0) {
      if (this.#at === OUTPUT_BYTES) this.flush();
      const part = Math.min(length, OUTPUT_BYTES - this.#at);
      copyBytes(bytes, start, part, this.#output, this.#at);
      this.#at += part;
      start += part;
      length -= part;
    }
  }

  #reserve(bytes: number): void {
    if (OUTPUT_BYTES - this.#at < bytes) this.flush();
  }
}
