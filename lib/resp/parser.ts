/**
 * The request parser: RESP multibulk and inline requests, found in place (RESP specification, "Sending commands to a
 * Redis server" and "Inline commands"). It allocates nothing for a multibulk request that is whole.
 *
 * A parser keeps its place in an incomplete request. The server parses with one shared parser; a client whose request
 * is cut keeps the parser until the rest has come, so that no byte is parsed twice.
 */

import { decodeLatin1 } from "../bytes/latin1.ts";
import { splitArguments } from "../bytes/quoting.ts";
import { Request } from "./request.ts";

const CR = 13;
const LF = 10;
const STAR = 0x2a;
const DOLLAR = 0x24;
const ZERO = 0x30;
/** Longest inline request, and longest line with a count, in bytes. */
const MAX_LINE_BYTES = 64 * 1024;
const MAX_ARGUMENTS = 0x7fffffff;
/** What a client that has not yet authenticated may send. */
const UNAUTHENTICATED_MAX_ARGUMENTS = 10;
const UNAUTHENTICATED_MAX_BULK_BYTES = 16384;

/** `parse` returns these where it does not return an offset. */
export const INCOMPLETE = -1;
export const PROTOCOL_ERROR = -2;

const BAD_NUMBER = -2;

export class RequestParser {
  /**
   * The request that the last `parse` completed. Without arguments: an empty line, to be passed over. Between requests
   * it may be exchanged for another, to keep the one completed.
   */
  request: Request = new Request();
  /** Why the last `parse` returned PROTOCOL_ERROR, as the client is told after "Protocol error: ". */
  error = "";
  /** Longest argument accepted, in bytes (`proto-max-bulk-len`). */
  maxBulkBytes = 512 * 1024 * 1024;
  /** Whether the client has authenticated; if not, it may send only short requests. */
  authenticated = true;
  /** While incomplete: an offset that the input must reach before another `parse` can get further. */
  wanted = 0;

  /** Arguments still to come of a multibulk request under way; 0 between requests. */
  #remaining = 0;
  /** Length of the argument under way, or -1 while its header has not come. */
  #bulkLength = -1;
  /** Where to go on in a request under way. */
  #cursor = 0;
  /** Value of the number line read last. */
  #number = 0;

  /** Whether a multibulk request is under way. */
  get underway(): boolean {
    return this.#remaining > 0;
  }

  /** Where in the input the argument under way begins, or its header; 0 between requests. */
  get place(): number {
    return this.#remaining > 0 ? this.#cursor : 0;
  }

  /** Forgets a request under way. */
  reset(): void {
    this.#remaining = 0;
    this.#bulkLength = -1;
    this.request.clear();
  }

  /** Tells that the bytes of a request under way now lie in `bytes`, moved by `delta`. */
  rebase(bytes: Uint8Array, delta: number): void {
    this.request.rebase(bytes, delta);
    this.#cursor += delta;
    this.wanted += delta;
  }

  /**
   * Parses one request from `bytes[start, end)` and returns the offset after it, or INCOMPLETE or PROTOCOL_ERROR.
   * After INCOMPLETE, `start` is not looked at: parsing goes on where it stopped.
   */
  parse(bytes: Uint8Array, start: number, end: number): number {
    const request = this.request;
    request.bytes = bytes;
    let at = this.#cursor;
    let remaining = this.#remaining;
    let length = this.#bulkLength;
    if (remaining === 0) {
      request.argc = 0;
      request.rawEnd = 0;
      if (start >= end) return this.#wait(start + 1);
      if (bytes[start] !== STAR) return this.#parseInline(bytes, start, end);
      if (start + 4 <= end && bytes[start + 2] === CR && isDigit(bytes[start + 1])) {
        remaining = bytes[start + 1] - ZERO;
        at = start + 4;
      } else {
        at = this.#readNumber(bytes, start + 1, end);
        if (at === BAD_NUMBER) return this.#fail("invalid multibulk length");
        if (at < 0) return this.#waitLine(bytes, start, end, "mbulk");
        remaining = this.#number;
        if (remaining > MAX_ARGUMENTS) return this.#fail("invalid multibulk length");
        if (!this.authenticated && remaining > UNAUTHENTICATED_MAX_ARGUMENTS) {
          return this.#fail("unauthenticated multibulk length");
        }
      }
      if (remaining <= 0) return at;
      request.rawStart = start;
      length = -1;
    }
    do {
      if (length < 0) {
        if (at >= end) return this.#pause(at, remaining, -1, at + 1);
        if (bytes[at] !== DOLLAR) {
          if (!hasLineEnd(bytes, at, end)) {
            this.#pause(at, remaining, -1, 0);
            return this.#waitLine(bytes, at, end, "bulk");
          }
          return this.#fail(`expected '$', got '${decodeLatin1(bytes, at, at + 1).replace(/[\r\n]/, " ")}'`);
        }
        length = at + 5 <= end ? shortLength(bytes, at + 1) : -1;
        if (length >= 0) {
          at += length < 10 ? 4 : 5;
        } else {
          const next = this.#readNumber(bytes, at + 1, end);
          if (next === BAD_NUMBER) return this.#fail("invalid bulk length");
          if (next < 0) {
            this.#pause(at, remaining, -1, 0);
            return this.#waitLine(bytes, at, end, "bulk");
          }
          length = this.#number;
          if (length < 0 || length > this.maxBulkBytes) return this.#fail("invalid bulk length");
          if (!this.authenticated && length > UNAUTHENTICATED_MAX_BULK_BYTES) {
            return this.#fail("unauthenticated bulk length");
          }
          at = next;
        }
      }
      const next = at + length + 2;
      if (next > end) return this.#pause(at, remaining, length, next);
      request.push(at, length);
      at = next;
      length = -1;
    } while (--remaining > 0);
    this.#remaining = 0;
    request.rawEnd = at;
    return at;
  }

  /** Keeps the place in a request that is not whole; `wanted` is the offset that the input must reach. */
  #pause(at: number, remaining: number, length: number, wanted: number): number {
    this.#cursor = at;
    this.#remaining = remaining;
    this.#bulkLength = length;
    return this.#wait(wanted);
  }

  #wait(offset: number): number {
    this.wanted = offset;
    return INCOMPLETE;
  }

  /** A number's line is not whole: wait, unless it is too long to be one. */
  #waitLine(bytes: Uint8Array, start: number, end: number, what: string): number {
    if (end - start > MAX_LINE_BYTES && bytes.indexOf(CR, start) < 0) return this.#fail(`too big ${what} count string`);
    return this.#wait(end + 1);
  }

  #fail(error: string): number {
    this.error = error;
    this.reset();
    return PROTOCOL_ERROR;
  }

  /** Reads a decimal up to CR LF into `#number`; the offset after it, INCOMPLETE or BAD_NUMBER. */
  #readNumber(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    let negative = false;
    if (at < end && bytes[at] === 0x2d) {
      negative = true;
      at++;
    }
    const first = at;
    let value = 0;
    while (at < end) {
      const digit = bytes[at] - ZERO;
      if (digit >= 0 && digit <= 9) {
        value = value * 10 + digit;
        at++;
        continue;
      }
      if (bytes[at] !== CR) return hasLineEnd(bytes, at, end) ? BAD_NUMBER : INCOMPLETE;
      if (at + 1 >= end) return INCOMPLETE;
      const isPadded = bytes[first] === ZERO && (negative || at - first > 1);
      if (at === first || isPadded || at - first > 18) return BAD_NUMBER;
      this.#number = negative ? -value : value;
      return at + 2;
    }
    return INCOMPLETE;
  }

  #parseInline(bytes: Uint8Array, start: number, end: number): number {
    let newline = start;
    while (newline < end && bytes[newline] !== LF) newline++;
    if (newline === end) {
      if (end - start > MAX_LINE_BYTES) return this.#fail("too big inline request");
      return this.#wait(end + 1);
    }
    const lineEnd = newline > start && bytes[newline - 1] === CR ? newline - 1 : newline;
    const args = splitArguments(bytes, start, lineEnd);
    if (args === null) return this.#fail("unbalanced quotes in request");
    if (args.length > 0) {
      const request = Request.ofBytes(args);
      this.request.bytes = request.bytes;
      for (let i = 0; i < request.argc; i++) this.request.push(request.starts[i], request.lengths[i]);
      this.request.rawStart = 0;
      this.request.rawEnd = request.rawEnd;
    }
    return newline + 1;
  }
}

/** Whether a CR and the byte after it are there: no line is judged before. */
function hasLineEnd(bytes: Uint8Array, at: number, end: number): boolean {
  return bytes.subarray(at, end - 1).includes(CR);
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= ZERO + 9;
}

/** The number of one or two digits that stands at `at` with CR behind it, or -1. */
function shortLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at];
  if (!isDigit(first)) return -1;
  const second = bytes[at + 1];
  if (second === CR) return first - ZERO;
  if (first === ZERO || !isDigit(second) || bytes[at + 2] !== CR) return -1;
  return (first - ZERO) * 10 + second - ZERO;
}
