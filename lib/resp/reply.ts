/**
 * The reply writer: RESP2 and RESP3 into one growing buffer. Commands say what they mean (a map, a double, null) and
 * the writer finds the form that the client's protocol has for it.
 *
 * Strings given to it are binary strings (see bytes/latin1.ts).
 */

import { copyBytes } from "../bytes/compare.ts";
import { decimalLength, writeDecimal } from "../bytes/integers.ts";
import { formatDouble } from "../bytes/doubles.ts";

const CR = 13;
const LF = 10;
const INITIAL_BYTES = 64 * 1024;
/** A buffer that a reply made larger than this is let go once the reply is sent. */
const KEEP_BYTES = 1024 * 1024;
/** Most bytes that are held of replies at a time, whatever is allowed; a command that replies more fails. */
const MAX_REPLY_BYTES = 4 * 1024 ** 3;
/** Room for a type byte, a number and CR LF. */
const HEADER_BYTES = 24;

const ASTERISK = 0x2a;
const DOLLAR = 0x24;
const COLON = 0x3a;
const COMMA = 0x2c;
const PERCENT = 0x25;
const TILDE = 0x7e;
const GREATER = 0x3e;
const BAR = 0x7c;
const UNDERSCORE = 0x5f;

/** Place of an aggregate's header that is written once its length is known. */
export type Mark = number;

export class ReplyWriter {
  buffer: Uint8Array = new Uint8Array(INITIAL_BYTES);
  /** Bytes written. */
  length = 0;
  /** Protocol version of the client, 2 or 3. */
  protocol: 2 | 3 = 2;
  /** Errors written so far, the last one's text, and whether that has been counted where it came to be. */
  errorCount = 0;
  lastError = "";
  isErrorCounted = false;

  /** Asked before the buffer grows to hold so many bytes: whether it may. If not, what is being written is cut off. */
  mayGrow: (bytes: number) => boolean = () => true;
  /**
   * The client may not have so much output, and is about to be closed: what was written is gone, and what is written
   * goes nowhere, until `clear`. Commands with long replies look at it now and then, to end early.
   */
  isCut = false;

  /** Forgets what was written. */
  clear(): void {
    this.length = 0;
    this.isCut = false;
    if (this.buffer.length > KEEP_BYTES) this.buffer = new Uint8Array(INITIAL_BYTES);
  }

  /** Makes room for `bytes` more; false where there is none, and nothing is to be written. */
  ensure(bytes: number): boolean {
    const needed = this.length + bytes;
    if (needed <= this.buffer.length) return true;
    if (!this.isCut && this.mayGrow(needed)) {
      this.#grow(needed);
      return true;
    }
    if (!this.isCut) this.buffer = new Uint8Array(INITIAL_BYTES);
    this.isCut = true;
    this.length = 0;
    return bytes <= this.buffer.length;
  }

  #grow(needed: number): void {
    if (needed > MAX_REPLY_BYTES) throw new RangeError(`allocation failed for a reply of ${needed} bytes`);
    let grown: Uint8Array;
    try {
      grown = new Uint8Array(Math.max(needed, this.buffer.length * 2));
    } catch {
      grown = new Uint8Array(needed);
    }
    grown.set(this.buffer.subarray(0, this.length));
    this.buffer = grown;
  }

  /** `+OK` */
  ok(): void {
    if (this.length + 5 > this.buffer.length) this.ensure(5);
    const buffer = this.buffer;
    const at = this.length;
    buffer[at] = 0x2b;
    buffer[at + 1] = 0x4f;
    buffer[at + 2] = 0x4b;
    buffer[at + 3] = CR;
    buffer[at + 4] = LF;
    this.length = at + 5;
  }

  /** A simple string; without line breaks. */
  simple(text: string): void {
    this.#line(0x2b, text);
  }

  /**
   * An error: its code in capitals, a space and the message. Line breaks become spaces, as they would end the reply.
   */
  error(text: string): void {
    this.countedError(text);
    this.isErrorCounted = false;
  }

  /** An error that has been counted among the server's, as the one of a command that a script has called. */
  countedError(text: string): void {
    this.errorCount++;
    this.lastError = text;
    this.isErrorCounted = true;
    this.#line(0x2d, text.replace(/[\r\n]/g, " "));
  }

  integer(value: number): void {
    if (this.length + HEADER_BYTES > this.buffer.length) this.ensure(HEADER_BYTES);
    this.#header(COLON, value);
  }

  /** An integer whose decimal digits are at hand. */
  integerDigits(digits: Uint8Array, start: number, length: number): void {
    if (this.length + length + 3 > this.buffer.length && !this.ensure(length + 3)) return;
    const buffer = this.buffer;
    let at = this.length;
    buffer[at++] = COLON;
    for (let i = 0; i < length; i++) buffer[at + i] = digits[start + i];
    at += length;
    buffer[at] = CR;
    buffer[at + 1] = LF;
    this.length = at + 2;
  }

  bigInteger(value: bigint): void {
    this.#line(COLON, value.toString());
  }

  /** A bulk string of `length` bytes from `start`. */
  bulk(bytes: Uint8Array, start: number, length: number): void {
    const needed = length + HEADER_BYTES + 2;
    if (this.length + needed > this.buffer.length && !this.ensure(needed)) return;
    const buffer = this.buffer;
    let at = this.length;
    if (length < 10) {
      buffer[at] = DOLLAR;
      buffer[at + 1] = 0x30 + length;
      buffer[at + 2] = CR;
      buffer[at + 3] = LF;
      at += 4;
    } else {
      this.#header(DOLLAR, length);
      at = this.length;
    }
    copyBytes(bytes, start, length, buffer, at);
    at += length;
    buffer[at] = CR;
    buffer[at + 1] = LF;
    this.length = at + 2;
  }

  /** A bulk string of all of `bytes`. */
  bulkBytes(bytes: Uint8Array): void {
    this.bulk(bytes, 0, bytes.length);
  }

  /** A bulk string from a binary string. */
  bulkString(text: string): void {
    if (!this.ensure(text.length + HEADER_BYTES + 2)) return;
    this.#header(DOLLAR, text.length);
    this.#ascii(text);
    this.#crlf();
  }

  /** A bulk string of a safe integer in decimal. */
  bulkInteger(value: number): void {
    this.ensure(HEADER_BYTES + HEADER_BYTES);
    this.#header(DOLLAR, decimalLength(value));
    this.length = writeDecimal(this.buffer, this.length, value);
    this.#crlf();
  }

  /** Null where a value is expected. */
  nil(): void {
    this.#null(DOLLAR);
  }

  /** Null where an array is expected. */
  nilArray(): void {
    this.#null(ASTERISK);
  }

  /** Begins an array of `length` elements. */
  array(length: number): void {
    this.ensure(HEADER_BYTES);
    this.#header(ASTERISK, length);
  }

  /** Begins a map of `pairs` keys and values: in RESP2, an array of twice as many. */
  map(pairs: number): void {
    this.ensure(HEADER_BYTES);
    if (this.protocol === 3) this.#header(PERCENT, pairs);
    else this.#header(ASTERISK, pairs * 2);
  }

  /** Begins a set: in RESP2, an array. */
  set(length: number): void {
    this.ensure(HEADER_BYTES);
    this.#header(this.protocol === 3 ? TILDE : ASTERISK, length);
  }

  /** Begins an out-of-band message: in RESP2, an array. */
  push(length: number): void {
    this.ensure(HEADER_BYTES);
    this.#header(this.protocol === 3 ? GREATER : ASTERISK, length);
  }

  /** Begins attributes of the reply that follows; only for RESP3. */
  attribute(pairs: number): void {
    this.ensure(HEADER_BYTES);
    this.#header(BAR, pairs);
  }

  /** A double: in RESP2, a bulk string. */
  double(value: number): void {
    if (Number.isSafeInteger(value) && (value !== 0 || !Object.is(value, -0))) {
      if (this.protocol === 2) return this.bulkInteger(value);
      this.ensure(HEADER_BYTES);
      return this.#header(COMMA, value);
    }
    const text = formatDouble(value);
    if (this.protocol === 3) this.#line(COMMA, text);
    else this.bulkString(text);
  }

  /** A number whose decimal digits are at hand: in RESP2, a bulk string. */
  longDouble(decimal: string): void {
    if (this.protocol === 3) this.#line(COMMA, decimal);
    else this.bulkString(decimal);
  }

  /** A boolean: in RESP2, 1 or 0. */
  boolean(value: boolean): void {
    if (this.protocol === 3) this.#line(0x23, value ? "t" : "f");
    else this.integer(value ? 1 : 0);
  }

  /** A number of any size, in decimal: in RESP2, a bulk string. */
  bigNumber(decimal: string): void {
    if (this.protocol === 3) this.#line(0x28, decimal);
    else this.bulkString(decimal);
  }

  /** Text with its format of three letters, `txt` or `mkd`: in RESP2, a bulk string. */
  verbatim(format: string, text: string): void {
    if (this.protocol !== 3) return this.bulkString(text);
    if (!this.ensure(text.length + HEADER_BYTES + 6)) return;
    this.#header(0x3d, text.length + 4);
    this.#ascii(`${format}:`);
    this.#ascii(text);
    this.#crlf();
  }

  /** Bytes that are RESP already. */
  raw(bytes: Uint8Array, start = 0, end: number = bytes.length): void {
    if (!this.ensure(end - start)) return;
    copyBytes(bytes, start, end - start, this.buffer, this.length);
    this.length += end - start;
  }

  /** Marks where an aggregate begins whose length is not known yet; `closeArray` and its kin write the header. */
  open(): Mark {
    return this.length;
  }

  closeArray(mark: Mark, length: number): void {
    this.#insertHeader(mark, ASTERISK, length);
  }

  closeMap(mark: Mark, pairs: number): void {
    if (this.protocol === 3) this.#insertHeader(mark, PERCENT, pairs);
    else this.#insertHeader(mark, ASTERISK, pairs * 2);
  }

  closeSet(mark: Mark, length: number): void {
    this.#insertHeader(mark, this.protocol === 3 ? TILDE : ASTERISK, length);
  }

  /** Takes back what was written since `mark`. */
  rewind(mark: Mark): void {
    this.length = Math.min(mark, this.length); // what was cut off begins anew
  }

  #insertHeader(mark: Mark, kind: number, value: number): void {
    const end = this.length;
    this.ensure(HEADER_BYTES);
    if (this.isCut) return;
    const headerLength = 3 + decimalLength(value);
    this.buffer.copyWithin(mark + headerLength, mark, end);
    this.length = mark;
    this.#header(kind, value);
    this.length = end + headerLength;
  }

  /** Writes a type byte, a decimal and CR LF; there must be room. */
  #header(kind: number, value: number): void {
    const buffer = this.buffer;
    let at = this.length;
    buffer[at++] = kind;
    if (value >= 0 && value < 10) buffer[at++] = 0x30 + value;
    else at = writeDecimal(buffer, at, value);
    buffer[at] = CR;
    buffer[at + 1] = LF;
    this.length = at + 2;
  }

  /** `_` in RESP3; in RESP2 the length -1 of what it stands for. */
  #null(kind: number): void {
    if (this.length + 5 > this.buffer.length && !this.ensure(5)) return;
    const { buffer } = this;
    let at = this.length;
    if (this.protocol === 3) {
      buffer[at++] = UNDERSCORE;
    } else {
      buffer[at] = kind;
      buffer[at + 1] = 0x2d;
      buffer[at + 2] = 0x31;
      at += 3;
    }
    buffer[at] = CR;
    buffer[at + 1] = LF;
    this.length = at + 2;
  }

  #line(kind: number, text: string): void {
    if (!this.ensure(text.length + 3)) return;
    this.buffer[this.length++] = kind;
    this.#ascii(text);
    this.#crlf();
  }

  #ascii(text: string): void {
    const buffer = this.buffer;
    const at = this.length;
    for (let i = 0; i < text.length; i++) buffer[at + i] = text.charCodeAt(i);
    this.length = at + text.length;
  }

  #crlf(): void {
    this.buffer[this.length] = CR;
    this.buffer[this.length + 1] = LF;
    this.length += 2;
  }
}
