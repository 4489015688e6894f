/**
 * Tokens: what the main thread makes of data that is to be written as RDB, as cheaply as it can be copied.
 *
 * A token is a header, `length << 1 | isString` in 7-bit groups with the lowest first, and that many bytes. Bytes of a
 * plain token go into the RDB as they are; a string token is for the encoder (rdb_encoder.ts, mostly in a worker) to
 * write as an RDB string: as an integer, compressed, or raw. Value types need nothing of the encoder but that. What the
 * tokens say can also be read out of them (token_reader.ts), and become something else than RDB: commands.
 *
 * Tokens fill chunks; a full chunk goes to the sink, which gives the next one to fill. A token's bytes may go on in the
 * next chunk, its header never does.
 */

import { copyBytes } from "../bytes/compare.ts";
import { MAX_LENGTH_BYTES, writeLength } from "./rdb_format.ts";
import { MAX_RUN_BYTES, type RdbOutput } from "./rdb_output.ts";

/** Bytes of a chunk of tokens. */
export const CHUNK_BYTES = 128 * 1024;

/** A chunk that two threads can have. Whoever was sent it last reads or writes it. */
export type Chunk = Uint8Array<SharedArrayBuffer>;
/** Room that must be left for a plain token of opcodes and lengths, header included. */
const SMALL_TOKEN_BYTES = MAX_RUN_BYTES + 1;
const MAX_HEADER_BYTES = 5;

/** Takes a full chunk (its first `length` bytes) and returns another to fill, of any size above a few hundred bytes. */
export type ChunkSink = (chunk: Uint8Array, length: number) => Uint8Array;

export class TokenWriter implements RdbOutput {
  #chunk: Uint8Array;
  #at = 0;
  /** Where the length of the plain token under way is to go. */
  #tokenAt = -1;

  constructor(readonly sink: ChunkSink, firstChunk: Uint8Array) {
    this.#chunk = firstChunk;
  }

  /** Hands over the chunk under way, if there is anything in it. */
  flush(): void {
    if (this.#at === 0) return;
    const length = this.#at;
    this.#at = 0;
    this.#chunk = this.sink(this.#chunk, length);
  }

  /** Ends writing without the rest and lets go of the chunk under way. */
  takeChunk(): Uint8Array {
    const chunk = this.#chunk;
    this.#at = 0;
    this.#chunk = new Uint8Array(0);
    return chunk;
  }

  /** A plain token of bytes. */
  plain(bytes: Uint8Array): void {
    this.#header(bytes.length, 0);
    this.append(bytes, 0, bytes.length);
  }

  /** A string. */
  string(bytes: Uint8Array, start: number, length: number): void {
    this.#header(length, 1);
    if (length > this.#chunk.length - this.#at) return this.append(bytes, start, length);
    copyBytes(bytes, start, length, this.#chunk, this.#at);
    this.#at += length;
  }

  /** The header of a string whose bytes are to be appended piece by piece. */
  beginString(length: number): void {
    this.#header(length, 1);
  }

  /** Copies bytes of the token under way, into as many chunks as it takes. */
  append(bytes: Uint8Array, start: number, length: number): void {
    while (length > 0) {
      if (this.#at === this.#chunk.length) this.flush();
      const part = Math.min(length, this.#chunk.length - this.#at);
      copyBytes(bytes, start, part, this.#chunk, this.#at);
      this.#at += part;
      start += part;
      length -= part;
    }
  }

  /** Begins a plain token of opcodes and lengths: less than 64 bytes. */
  begin(): void {
    if (this.#chunk.length - this.#at < SMALL_TOKEN_BYTES) this.flush();
    this.#tokenAt = this.#at++;
  }

  end(): void {
    this.#chunk[this.#tokenAt] = (this.#at - this.#tokenAt - 1) << 1;
  }

  byte(value: number): void {
    this.#chunk[this.#at++] = value;
  }

  /** Little-endian. */
  int32(value: number): void {
    for (let shift = 0; shift < 32; shift += 8) this.#chunk[this.#at++] = value >>> shift;
  }

  /** A length as RDB has it. */
  length(value: number): void {
    this.#at = writeLength(this.#chunk, this.#at, value);
  }

  #header(length: number, isString: 0 | 1): void {
    if (this.#chunk.length - this.#at < MAX_HEADER_BYTES) this.flush();
    let rest = ((length << 1) | isString) >>> 0;
    while (rest > 127) {
      this.#chunk[this.#at++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    this.#chunk[this.#at++] = rest;
  }
}

/** Checked when this module loads: the longest plain token built in place fits the room kept for it. */
if (1 + 9 + 1 + MAX_LENGTH_BYTES + 1 > SMALL_TOKEN_BYTES || 2 + 2 * MAX_LENGTH_BYTES > SMALL_TOKEN_BYTES) {
  throw new Error("SMALL_TOKEN_BYTES is too small");
}
