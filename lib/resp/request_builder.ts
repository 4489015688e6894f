/**
 * A request put together from words and from arguments of others, as RESP, in one buffer that is used again and again:
 * what a write propagates as where it is not to be the client's own bytes.
 */

import { copyBytes } from "../bytes/compare.ts";
import { DOLLAR, Request, STAR, writeHeader } from "./request.ts";

const FIRST_BYTES = 1024;
/** A buffer that one long value has grown beyond this is not kept for the next request. */
const MAX_KEPT_BYTES = 64 * 1024;
/** Room for `$`, a length, and two line ends. */
const FRAME_BYTES = 1 + 20 + 2 + 2;
const CR = 13;
const LF = 10;

export class RequestBuilder {
  /** What has been built since `begin`: complete once it has as many arguments as announced. */
  readonly request = new Request();
  #length = 0;

  /** Starts a request of `argc` arguments, which must then be added. */
  begin(argc: number): this {
    const { request } = this;
    request.clear();
    if (request.bytes.length === 0 || request.bytes.length > MAX_KEPT_BYTES) {
      request.bytes = new Uint8Array(FIRST_BYTES);
    }
    this.#length = writeHeader(request.bytes, 0, STAR, argc);
    return this;
  }

  /** Adds a binary string. */
  word(text: string): this {
    const at = this.#open(text.length);
    const { bytes } = this.request;
    for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
    return this.#close(text.length);
  }

  /** Adds an integer in decimal. */
  integer(value: number | bigint): this {
    return this.word(String(value));
  }

  /** Adds `bytes[start, start + length)`. */
  bytes(bytes: Uint8Array, start: number, length: number): this {
    const at = this.#open(length);
    copyBytes(bytes, start, length, this.request.bytes, at);
    return this.#close(length);
  }

  /** Adds argument `index` of another request. */
  argument(from: Request, index: number): this {
    return this.bytes(from.bytes, from.starts[index], from.lengths[index]);
  }

  /** Writes an argument's length; where its bytes go. */
  #open(length: number): number {
    this.#ensure(length);
    return this.#length = writeHeader(this.request.bytes, this.#length, DOLLAR, length);
  }

  /** Ends the argument whose bytes have been written. */
  #close(length: number): this {
    const { request } = this;
    request.push(this.#length, length);
    const end = this.#length + length;
    request.bytes[end] = CR;
    request.bytes[end + 1] = LF;
    this.#length = request.rawEnd = end + 2;
    return this;
  }

  #ensure(length: number): void {
    const { request } = this;
    const needed = this.#length + length + FRAME_BYTES;
    if (needed <= request.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, request.bytes.length * 2));
    grown.set(request.bytes.subarray(0, this.#length));
    request.bytes = grown;
  }
}
