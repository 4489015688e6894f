/** What a socket has to send, in buffers lent from a pool. When it is sent, `EndOfTurn` says (see runtime/turns.ts). */

import { copyBytes } from "../bytes/compare.ts";

/** Most turns of a client fit into a small chunk; what does not goes on in large ones. */
const SMALL_BYTES = 4 * 1024;
const LARGE_BYTES = 64 * 1024;
const MAX_SMALL_POOLED = 1024;
const MAX_LARGE_POOLED = 64;

/** A buffer of bytes to be sent. */
class Chunk {
  readonly bytes: Uint8Array;
  length = 0;
  /** What is to be sent after it. */
  next: Chunk | null = null;
  /** The view of the bytes that was made last: replies are often as long as the one before. */
  #view: Uint8Array;

  constructor(capacity: number) {
    this.bytes = this.#view = new Uint8Array(capacity);
  }

  /** The bytes from `start` on. */
  from(start: number): Uint8Array {
    if (start > 0) return this.bytes.subarray(start, this.length);
    if (this.#view.length !== this.length) this.#view = this.bytes.subarray(0, this.length);
    return this.#view;
  }
}

const small: Chunk[] = [];
const large: Chunk[] = [];

function takeChunk(bytes: number): Chunk {
  if (bytes <= SMALL_BYTES) return small.pop() ?? new Chunk(SMALL_BYTES);
  if (bytes <= LARGE_BYTES) return large.pop() ?? new Chunk(LARGE_BYTES);
  return new Chunk(bytes);
}

function giveChunk(chunk: Chunk): void {
  const capacity = chunk.bytes.length;
  chunk.length = 0;
  chunk.next = null;
  if (capacity === SMALL_BYTES && small.length < MAX_SMALL_POOLED) small.push(chunk);
  else if (capacity === LARGE_BYTES && large.length < MAX_LARGE_POOLED) large.push(chunk);
}

/** What one socket has to send, in order. */
export class Outbox {
  /** Bytes in it. */
  length = 0;
  #first: Chunk | null = null;
  /** The one that is being filled, and how much of the first has been sent. */
  #last: Chunk | null = null;
  #sent = 0;
  /** The first chunk is being read by the system: nothing may be added to it. */
  #isLent = false;

  /** Adds a copy of `bytes[start, end)`. */
  add(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    let chunk = this.#last;
    if (chunk === null) {
      chunk = this.#first = this.#last = takeChunk(length);
    } else if (chunk.bytes.length - chunk.length < length || (this.#isLent && chunk === this.#first)) {
      chunk = chunk.next = this.#last = takeChunk(Math.max(length, LARGE_BYTES));
    }
    copyBytes(bytes, start, length, chunk.bytes, chunk.length);
    chunk.length += length;
    this.length += length;
  }

  /** A view of what is to be sent next, at least a byte; it stays as it is until `sent` is called. */
  next(): Uint8Array {
    const chunk = this.#first;
    if (chunk === null) throw new Error("the outbox is empty");
    this.#isLent = true;
    return chunk.from(this.#sent);
  }

  /** Takes out the first `count` bytes of what `next` returned. */
  sent(count: number): void {
    const chunk = this.#first;
    this.#isLent = false;
    this.length -= count;
    this.#sent += count;
    if (chunk === null || this.#sent < chunk.length) return;
    this.#sent = 0;
    this.#first = chunk.next;
    if (this.#first === null) this.#last = null;
    giveChunk(chunk);
  }

  /** Drops everything. What the system still reads is left to it. */
  clear(): void {
    this.#first = this.#last = null;
    this.#isLent = false;
    this.length = this.#sent = 0;
  }
}
