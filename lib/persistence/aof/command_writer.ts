/** Writes commands, one after the other, as the requests in RESP that they are, and hands them on in large pieces. */

import { copyBytes } from "../../bytes/compare.ts";
import { writeWords } from "../../bytes/int64_words.ts";
import { writeDecimal } from "../../bytes/integers.ts";
import { encodeLatin1 } from "../../bytes/latin1.ts";
import { writeUint64 } from "../../bytes/uint64.ts";
import { DOLLAR, STAR, writeHeader } from "../../resp/request.ts";
import type { Element } from "../../store/listpack.ts";
import type { ByteSink } from "../rdb_encoder.ts";
import type { StringTaker } from "../token_reader.ts";

/** Bytes gathered before they go to the sink. */
const OUTPUT_BYTES = 256 * 1024;
/** Most bytes of what stands around the bytes of an argument. */
const FRAME_BYTES = 32;
/** Arguments up to this length are copied together with what stands around them. */
const SHORT_BYTES = 4096;
const CR = 13;
const LF = 10;

/** A word of a command, as the argument in RESP that it is. */
export type Word = Uint8Array;

export function wordOf(text: string): Word {
  return encodeLatin1(`$${text.length}\r\n${text}\r\n`);
}

/** Bytes somewhere. */
export interface Range {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly length: number;
}

export class CommandWriter implements StringTaker {
  /** Bytes given to the sink. */
  bytesOut = 0;
  readonly #output = new Uint8Array(OUTPUT_BYTES);
  #at = 0;
  readonly #digits = new Uint8Array(FRAME_BYTES);

  constructor(readonly sink: ByteSink) {}

  /** Begins a command of so many words, of which these are the first. */
  begin(words: number, name: Word): void {
    this.#reserve(FRAME_BYTES + name.length);
    this.#at = writeHeader(this.#output, this.#at, STAR, words);
    this.word(name);
  }

  word(word: Word): void {
    this.append(word, 0, word.length);
  }

  /** Writes bytes as an argument. */
  argument(bytes: Uint8Array, start: number, length: number): void {
    if (length > SHORT_BYTES) {
      this.beginArgument(length);
      this.append(bytes, start, length);
      return this.endArgument();
    }
    this.#reserve(FRAME_BYTES + length);
    const output = this.#output;
    const at = writeHeader(output, this.#at, DOLLAR, length);
    copyBytes(bytes, start, length, output, at);
    output[at + length] = CR;
    output[at + length + 1] = LF;
    this.#at = at + length + 2;
  }

  range({ bytes, start, length }: Range): void {
    this.argument(bytes, start, length);
  }

  /** Writes an element of a listpack, of which the digits are written where it is an integer. */
  element(element: Element): void {
    element.toBytes();
    this.argument(element.bytes, element.start, element.length);
  }

  /** Writes a safe integer. */
  integer(value: number): void {
    this.argument(this.#digits, 0, writeDecimal(this.#digits, 0, value));
  }

  /** Writes an int64, which is given as its two words. */
  words(high: number, low: number): void {
    this.argument(this.#digits, 0, writeWords(this.#digits, 0, high, low));
  }

  /** Writes a uint64, which is given as its two words. */
  unsignedWords(high: number, low: number): void {
    this.argument(this.#digits, 0, writeUint64(this.#digits, 0, high, low));
  }

  /** Writes a short binary string. */
  text(text: string): void {
    this.#reserve(FRAME_BYTES + text.length);
    const output = this.#output;
    let at = writeHeader(output, this.#at, DOLLAR, text.length);
    for (let i = 0; i < text.length; i++) output[at++] = text.charCodeAt(i);
    output[at] = CR;
    output[at + 1] = LF;
    this.#at = at + 2;
  }

  beginArgument(length: number): void {
    this.#reserve(FRAME_BYTES);
    this.#at = writeHeader(this.#output, this.#at, DOLLAR, length);
  }

  endArgument(): void {
    this.#reserve(FRAME_BYTES);
    this.#output[this.#at++] = CR;
    this.#output[this.#at++] = LF;
  }

  /** Writes bytes as they are. */
  append(bytes: Uint8Array, start: number, length: number): void {
    while (length > 0) {
      if (this.#at === OUTPUT_BYTES) this.flush();
      const part = Math.min(length, OUTPUT_BYTES - this.#at);
      copyBytes(bytes, start, part, this.#output, this.#at);
      this.#at += part;
      start += part;
      length -= part;
    }
  }

  /** Gives what was gathered to the sink. */
  flush(): void {
    if (this.#at === 0) return;
    const bytes = this.#output.subarray(0, this.#at);
    this.bytesOut += this.#at;
    this.#at = 0;
    this.sink(bytes);
  }

  #reserve(bytes: number): void {
    if (OUTPUT_BYTES - this.#at < bytes) this.flush();
  }
}
