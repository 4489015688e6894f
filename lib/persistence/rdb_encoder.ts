/**
 * The other half of writing RDB: turns the writer's tokens (token_writer.ts) into the bytes of the file. Strings become
 * integers, LZF or raw, and the checksum is counted. Runs in the worker for background saves, else in place.
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

/** Bytes gathered before they go to the sink. */
const OUTPUT_BYTES = 256 * 1024;
/** Strings up to this length are not worth compressing. */
const MAX_UNCOMPRESSED_BYTES = 20;
/** Strings of up to this length may be integers. */
const MAX_INT32_DIGITS = 11;
/** A scratch buffer beyond this is let go after use. */
const KEPT_SCRATCH_BYTES = 1024 * 1024;
const CHECKSUM_BYTES = 8;

export interface EncoderOptions {
  /** `rdbcompression`. */
  readonly compression: boolean;
  /** `rdbchecksum`; without it the file ends in 8 bytes of 0. */
  readonly checksum: boolean;
}

/** Takes bytes of the file; they are only valid during the call. */
export type ByteSink = (bytes: Uint8Array) => void;

export class RdbEncoder {
  readonly checksum: Crc64 = new Crc64();
  /** Bytes given to the sink. */
  bytesOut = 0;
  readonly #output = new Uint8Array(OUTPUT_BYTES);
  #at = 0;
  #scratch = new Uint8Array(0);
  /** Bytes still to come of a token that goes on in the next chunk. */
  #missing = 0;
  /** What is there of a string that goes on in the next chunk; null where the token is plain. */
  #partial: Uint8Array | null = null;
  #partialLength = 0;

  constructor(readonly options: EncoderOptions, readonly sink: ByteSink) {}

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
        if (header & 1) this.#string(chunk, at, size);
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
    if (this.#missing === 0 && this.#partial !== null) {
      const string = this.#partial;
      this.#partial = null;
      this.#string(string, 0, string.length);
    }
    return taken;
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

  #string(bytes: Uint8Array, start: number, length: number): void {
    if (length <= MAX_INT32_DIGITS && this.#integer(bytes, start, length)) return;
    if (length > MAX_UNCOMPRESSED_BYTES && this.options.compression && this.#compressed(bytes, start, length)) return;
    this.#reserve(MAX_LENGTH_BYTES);
    this.#at = writeLength(this.#output, this.#at, length);
    this.#raw(bytes, start, length);
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

  #compressed(bytes: Uint8Array, start: number, length: number): boolean {
    if (this.#scratch.length < length) this.#scratch = new Uint8Array(Math.max(length, 4096));
    const compressed = compressLzf(bytes, start, length, this.#scratch);
    if (compressed > 0) {
      this.#reserve(1 + 2 * MAX_LENGTH_BYTES);
      this.#output[this.#at++] = (LENGTH_ENCODED << 6) | ENCODED_LZF;
      this.#at = writeLength(this.#output, this.#at, compressed);
      this.#at = writeLength(this.#output, this.#at, length);
      this.#raw(this.#scratch, 0, compressed);
    }
    if (this.#scratch.length > KEPT_SCRATCH_BYTES) this.#scratch = new Uint8Array(0);
    return compressed > 0;
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
