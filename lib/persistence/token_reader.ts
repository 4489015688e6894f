/**
 * Reads tokens (token_writer.ts) where they lie, out of chunks that may end anywhere. It is for whoever wants to know what
 * the tokens say, which is not needed to make RDB of them: the encoder of commands (aof/command_encoder.ts).
 *
 * What may find that its bytes have not all come returns false, and is called again when the next chunk was pushed. All
 * that is read stays valid until then. Whoever reads knows what is to come: anything else is a fault of the program.
 */

import { copyBytes } from "../bytes/compare.ts";
import { LENGTH_64_BITS_MARK } from "./rdb_format.ts";

const NO_BYTES = new Uint8Array(0);
const TWO_32 = 4294967296;
/** First bytes of lengths of one byte are below this, and those of two bytes below the other. */
const FIRST_OF_TWO_BYTES = 0x40;
const FIRST_OF_FIVE_BYTES = 0x80;

/** What the kinds of tokens are called in a header. */
const PLAIN = 0;
const STRING = 1;

/** What takes a string piece by piece. */
export interface StringTaker {
  /** A string of so many bytes begins. */
  beginArgument(length: number): void;
  append(bytes: Uint8Array, start: number, length: number): void;
  /** All bytes were appended. */
  endArgument(): void;
}

export class TokenReader {
  /** Where the string lies that was read last. */
  bytes: Uint8Array = NO_BYTES;
  start = 0;
  length = 0;
  /** The two words of the last `longLength`, as int32. */
  high = 0;
  low = 0;

  #chunk: Uint8Array = NO_BYTES;
  #at = 0;
  #end = 0;
  /** The token's header as far as it came, and how many bits of it. */
  #header = 0;
  #headerBits = 0;
  /** Bytes of the token under way that were not taken yet; -1 where the next token has still to begin. */
  #left = -1;
  /** What is there of a token that came in pieces, and is wanted whole; null where none is. */
  #gathered: Uint8Array | null = null;

  /** The plain token of which some was read, from where the next byte is to its end. */
  #plain: Uint8Array = NO_BYTES;
  #plainAt = 0;
  #plainEnd = 0;

  /** Gives the next chunk, of which all before was read: its first `length` bytes. */
  push(chunk: Uint8Array, length: number): void {
    if (this.#at < this.#end) throw new Error("a chunk of which something was not read");
    this.#chunk = chunk;
    this.#at = 0;
    this.#end = length;
  }

  // --- Strings --------------------------------------------------------------------------------------------------------

  /** Reads a string: `bytes`, `start` and `length`. */
  string(): boolean {
    return this.#whole(STRING);
  }

  /** Hands a string on, however long it is, without ever having more of it than came with a chunk. */
  pass(to: StringTaker): boolean {
    if (this.#left < 0) {
      if (!this.#begin(STRING)) return false;
      to.beginArgument(this.#left);
    }
    const length = Math.min(this.#left, this.#end - this.#at);
    to.append(this.#chunk, this.#at, length);
    this.#at += length;
    this.#left -= length;
    if (this.#left > 0) return false;
    this.#left = -1;
    to.endArgument();
    return true;
  }

  // --- Plain tokens ---------------------------------------------------------------------------------------------------

  /** Whether there is something to read of a plain token: all operands of an opcode, all of a length. */
  plain(): boolean {
    if (this.#plainAt < this.#plainEnd) return true;
    if (!this.#whole(PLAIN)) return false;
    this.#plain = this.bytes;
    this.#plainAt = this.start;
    this.#plainEnd = this.start + this.length;
    return true;
  }

  byte(): number {
    return this.#plain[this.take(1)];
  }

  /** A little-endian int32. */
  int32(): number {
    const at = this.take(4);
    const bytes = this.#plain;
    return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
  }

  /** A length as RDB has it, below 2^53. */
  size(): number {
    this.longLength();
    return (this.high >>> 0) * TWO_32 + (this.low >>> 0);
  }

  /** One that may be any uint64: `high` and `low`. */
  longLength(): void {
    const first = this.byte();
    this.high = 0;
    if (first < FIRST_OF_TWO_BYTES) {
      this.low = first;
    } else if (first < FIRST_OF_FIVE_BYTES) {
      this.low = ((first & 63) << 8) | this.byte();
    } else {
      if (first === LENGTH_64_BITS_MARK) this.high = this.#bigEndian();
      this.low = this.#bigEndian();
    }
  }

  /** Takes `length` bytes as they are; where they begin in `plainBytes`. */
  take(length: number): number {
    const at = this.#plainAt;
    this.#plainAt += length;
    if (this.#plainAt > this.#plainEnd) throw new Error("a plain token that ends too soon");
    return at;
  }

  /** What offsets of `take` are in. */
  get plainBytes(): Uint8Array {
    return this.#plain;
  }

  #bigEndian(): number {
    const at = this.take(4);
    const bytes = this.#plain;
    return (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
  }

  // --- Tokens ---------------------------------------------------------------------------------------------------------

  /** Reads all of a token, in place if that can be. */
  #whole(kind: 0 | 1): boolean {
    if (this.#left < 0 && !this.#begin(kind)) return false;
    if (this.#gathered !== null || this.#left > this.#end - this.#at) return this.#gather();
    this.bytes = this.#chunk;
    this.start = this.#at;
    this.length = this.#left;
    this.#at += this.#left;
    this.#left = -1;
    return true;
  }

  /** Takes what came of a token that is wanted whole; whether that is all of it. */
  #gather(): boolean {
    const gathered = this.#gathered ??= new Uint8Array(this.#left);
    const length = Math.min(this.#left, this.#end - this.#at);
    copyBytes(this.#chunk, this.#at, length, gathered, gathered.length - this.#left);
    this.#at += length;
    this.#left -= length;
    if (this.#left > 0) return false;
    this.bytes = gathered;
    this.start = 0;
    this.length = gathered.length;
    this.#left = -1;
    this.#gathered = null;
    return true;
  }

  /** Reads a token's header: `left` is its length then. */
  #begin(kind: 0 | 1): boolean {
    if (this.#plainAt < this.#plainEnd) throw new Error("a plain token of which something was not read");
    while (this.#at < this.#end) {
      const byte = this.#chunk[this.#at++];
      const header = (this.#header | ((byte & 127) << this.#headerBits)) >>> 0;
      if (byte > 127) {
        this.#header = header;
        this.#headerBits += 7;
        continue;
      }
      if ((header & 1) !== kind) throw new Error(`a ${kind === STRING ? "plain token" : "string"} that is none of RDB`);
      this.#header = this.#headerBits = 0;
      this.#left = header >>> 1;
      return true;
    }
    return false;
  }
}
