/**
 * Copies of elements for as long as a command works on them, one behind the other in one buffer: a typed array for each
 * would cost more than all else that is done to a small element. What is kept of one is where it starts, and its length.
 */

import { copyBytes } from "../bytes/compare.ts";

/** Room in bytes that is kept from one command to the next. */
const KEPT_BYTES = 64 * 1024;

export class ElementCopies {
  /** Where the copies lie; another buffer once `add` has needed more room. */
  bytes: Uint8Array = new Uint8Array(1024);
  #length = 0;

  /** Forgets all copies. */
  clear(): void {
    this.#length = 0;
    if (this.bytes.length > KEPT_BYTES) this.bytes = new Uint8Array(KEPT_BYTES);
  }

  /** Copies an element; where the copy starts. */
  add(bytes: Uint8Array, start: number, length: number): number {
    const at = this.#length;
    if (at + length > this.bytes.length) {
      const room = new Uint8Array(2 * (at + length));
      copyBytes(this.bytes, 0, at, room, 0);
      this.bytes = room;
    }
    copyBytes(bytes, start, length, this.bytes, at);
    this.#length = at + length;
    return at;
  }
}
