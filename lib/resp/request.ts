/**
 * A request: a command's arguments as offsets into the bytes they arrived in. Nothing is copied; whoever must keep a
 * request beyond the call it is handed to takes a `copy`.
 */

import { bytesEqual, copyBytes, equalsIgnoreCase } from "../bytes/compare.ts";
import { decodeLatin1, encodeLatin1 } from "../bytes/latin1.ts";
import { decimalLength, parseSafeInteger, writeDecimal } from "../bytes/integers.ts";

const NO_BYTES = new Uint8Array(0);
/** Arguments that a request has room for before it grows. */
const FIRST_ROOM = 8;
/** What the lines begin with that tell how many arguments there are, and how long each is. */
export const STAR = 0x2a;
export const DOLLAR = 0x24;

export class Request {
  /** The bytes in which the arguments lie. */
  bytes: Uint8Array = NO_BYTES;
  /** Arguments, the command's name included. */
  argc = 0;
  /** Offset of each argument in `bytes`. */
  starts: Int32Array;
  /** Length of each argument in bytes. */
  lengths: Int32Array;
  /** Range in `bytes` of the whole request as RESP; `rawEnd` is 0 where it did not arrive as RESP. */
  rawStart = 0;
  rawEnd = 0;

  /** A request without arguments yet, with room for so many. */
  constructor(room = FIRST_ROOM) {
    this.starts = new Int32Array(room);
    this.lengths = new Int32Array(room);
  }

  /** Makes a request from binary strings. */
  static of(...args: string[]): Request {
    return Request.ofBytes(args.map(encodeLatin1));
  }

  /** Makes a request from arguments in separate byte arrays. */
  static ofBytes(args: readonly Uint8Array[]): Request {
    const request = new Request(args.length);
    let size = 1 + decimalLength(args.length) + 2;
    for (const arg of args) size += 1 + decimalLength(arg.length) + 2 + arg.length + 2;
    const bytes = new Uint8Array(size);
    let at = writeHeader(bytes, 0, STAR, args.length);
    for (const arg of args) {
      at = writeHeader(bytes, at, DOLLAR, arg.length);
      request.push(at, arg.length);
      bytes.set(arg, at);
      bytes[at + arg.length] = 13;
      bytes[at + arg.length + 1] = 10;
      at += arg.length + 2;
    }
    request.bytes = bytes;
    request.rawEnd = size;
    return request;
  }

  /** Forgets the arguments. */
  clear(): void {
    this.argc = 0;
    this.rawEnd = 0;
  }

  /** Adds an argument. */
  push(start: number, length: number): void {
    const index = this.argc++;
    if (index === this.starts.length) {
      const room = Math.max(FIRST_ROOM, index * 2);
      const starts = new Int32Array(room);
      const lengths = new Int32Array(room);
      starts.set(this.starts);
      lengths.set(this.lengths);
      this.starts = starts;
      this.lengths = lengths;
    }
    this.starts[index] = start;
    this.lengths[index] = length;
  }

  /** Moves the arguments' offsets, after their bytes were moved. */
  rebase(bytes: Uint8Array, delta: number): void {
    this.bytes = bytes;
    if (delta === 0) return; // a buffer that has grown: to walk all arguments each time would be quadratic
    for (let i = 0; i < this.argc; i++) this.starts[i] += delta;
    this.rawStart += delta;
    this.rawEnd += delta;
  }

  /** Argument `index` as a binary string. */
  text(index: number): string {
    return decodeLatin1(this.bytes, this.starts[index], this.starts[index] + this.lengths[index]);
  }

  /** The first `limit` bytes of argument `index`, as a binary string: for what is shown, however long it is. */
  excerpt(index: number, limit: number): string {
    return decodeLatin1(this.bytes, this.starts[index], this.starts[index] + Math.min(this.lengths[index], limit));
  }

  /** A copy of argument `index`. */
  copyOf(index: number): Uint8Array {
    return this.bytes.slice(this.starts[index], this.starts[index] + this.lengths[index]);
  }

  /** Whether argument `index` is the given word, in any case; `lower` is in lower case. */
  is(index: number, lower: string): boolean {
    return equalsIgnoreCase(this.bytes, this.starts[index], this.lengths[index], lower);
  }

  /** Whether two arguments hold the same bytes. */
  same(a: number, b: number): boolean {
    return this.lengths[a] === this.lengths[b] &&
      bytesEqual(this.bytes, this.starts[a], this.bytes, this.starts[b], this.lengths[a]);
  }

  /** Argument `index` as a safe integer, or NaN. */
  integer(index: number): number {
    return parseSafeInteger(this.bytes, this.starts[index], this.lengths[index]);
  }

  /** A request of its own with the same arguments, in bytes of its own that hold it as RESP. */
  copy(): Request {
    if (this.rawEnd > 0) {
      const copy = new Request(this.argc);
      copy.bytes = this.bytes.slice(this.rawStart, this.rawEnd);
      for (let i = 0; i < this.argc; i++) copy.push(this.starts[i] - this.rawStart, this.lengths[i]);
      copy.rawEnd = copy.bytes.length;
      return copy;
    }
    const args: Uint8Array[] = [];
    for (let i = 0; i < this.argc; i++) args.push(this.copyOf(i));
    return Request.ofBytes(args);
  }
}

/** Writes `*` or `$`, a count, and the end of the line; the offset after it. */
export function writeHeader(bytes: Uint8Array, at: number, kind: number, count: number): number {
  bytes[at] = kind;
  at = writeDecimal(bytes, at + 1, count);
  bytes[at] = 13;
  bytes[at + 1] = 10;
  return at + 2;
}

/** Bytes of the request as RESP, copied or a view of where it lies: valid as long as the request is. */
export function rawBytes(request: Request): Uint8Array {
  if (request.rawEnd > 0) return request.bytes.subarray(request.rawStart, request.rawEnd);
  return request.copy().bytes;
}

/** Copies argument `index` to `target` at `at`. */
export function copyArgument(request: Request, index: number, target: Uint8Array, at: number): void {
  copyBytes(request.bytes, request.starts[index], request.lengths[index], target, at);
}
