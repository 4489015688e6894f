/**
 * What a socket has to send, in buffers lent from a pool. When it is sent, `EndOfTurn` says (see runtime/turns.ts), and
 * whether it may be by then, the socket's handler: what it holds back waits here.
 */

import { copyBytes } from "../bytes/compare.ts";
import type { SocketHandler } from "./socket.ts";

/**
 * A socket that has so much to send does not wait for the end of the turn: to wake its reader costs little beside that, and
 * the next socket may use the same chunk, which is in the CPU's caches.
 */
export const SENT_AT_ONCE_BYTES: number = 32 * 1024;

/** Chunks of one size, and how many are kept for later at most. */
interface Pool {
  readonly bytes: number;
  readonly most: number;
  readonly chunks: Chunk[];
}

/** What does not fit the last chunk goes on in one of at least so many bytes. */
const NEXT_BYTES = 64 * 1024;
/**
 * Most turns of a client fit into the smallest chunk. The largest holds what a pipeline may reply at once: making a buffer
 * for that each time would cost more than to fill it, as the system clears its pages one by one.
 */
const POOLS: readonly Pool[] = [
  { bytes: 4 * 1024, most: 1024, chunks: [] },
  { bytes: NEXT_BYTES, most: 64, chunks: [] },
  { bytes: 512 * 1024, most: 4, chunks: [] },
];

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

function takeChunk(bytes: number): Chunk {
  for (const pool of POOLS) if (bytes <= pool.bytes) return pool.chunks.pop() ?? new Chunk(pool.bytes);
  return new Chunk(bytes);
}

function giveChunk(chunk: Chunk): void {
  const capacity = chunk.bytes.length;
  chunk.length = 0;
  chunk.next = null;
  for (const pool of POOLS) {
    if (capacity === pool.bytes && pool.chunks.length < pool.most) pool.chunks.push(chunk);
  }
}

/** What one socket has to send, in order. */
export class Outbox {
  /** Bytes in it. */
  length = 0;
  /** How many of the first of them may be sent. */
  released = 0;
  /** For how many of them it has been asked whether they may. */
  #asked = 0;
  /** Bytes that have left it. */
  #gone = 0;
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
      chunk = chunk.next = this.#last = takeChunk(Math.max(length, NEXT_BYTES));
    }
    copyBytes(bytes, start, length, chunk.bytes, chunk.length);
    chunk.length += length;
    this.length += length;
  }

  /** Bytes for which it has not been asked whether they may be sent. */
  get unaskedBytes(): number {
    return this.length - this.#asked;
  }

  /** Asks whether all that is in it may be sent; where that must wait for something, `onReleased` is called after it. */
  release(handler: SocketHandler, onReleased: () => void): void {
    if (this.released === this.length) return;
    this.#asked = this.length;
    const end = this.#gone + this.length; // not what comes meanwhile
    const wait = handler.beforeSend();
    if (wait === null) return this.#releaseTo(end);
    void wait.then(() => {
      this.#releaseTo(end);
      onReleased();
    });
  }

  /** What comes before `end`, counted from the first byte that was ever added, may be sent. */
  #releaseTo(end: number): void {
    this.released = Math.max(this.released, end - this.#gone);
  }

  /** A view of what is to be sent next, at least a byte; it stays as it is until `sent` is called. */
  next(): Uint8Array {
    const chunk = this.#first;
    if (chunk === null || this.released === 0) throw new Error("the outbox has nothing to be sent");
    this.#isLent = true;
    const view = chunk.from(this.#sent);
    return view.length > this.released ? view.subarray(0, this.released) : view;
  }

  /** Takes out the first `count` bytes of what `next` returned. */
  sent(count: number): void {
    const chunk = this.#first;
    this.#isLent = false;
    this.length -= count;
    this.released -= count;
    this.#asked -= count;
    this.#gone += count;
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
    this.#gone += this.length;
    this.length = 0;
    this.released = 0;
    this.#asked = 0;
    this.#sent = 0;
  }
}
