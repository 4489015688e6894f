/**
 * A stack of int32s that may become very long. It lies in blocks, each twice as long as the one before up to 64 KiB, so
 * that nothing is copied when it grows and memory goes back as it shrinks. O(1) for all there is.
 */

const FIRST_INTS = 8;
const MOST_INTS = 16 * 1024;
const NONE = new Int32Array(0);

export class Int32Stack {
  /** Numbers in it. */
  length = 0;
  /** Full blocks, the first at the bottom; null where there was none yet, as in most. */
  #below: Int32Array[] | null = null;
  #block: Int32Array = NONE;
  /** Numbers in `#block`. */
  #at = 0;

  push(value: number): void {
    if (this.#at === this.#block.length) {
      const ints = Math.min(MOST_INTS, Math.max(FIRST_INTS, this.#block.length * 2));
      if (this.#at > 0) (this.#below ??= []).push(this.#block);
      this.#block = new Int32Array(ints);
      this.#at = 0;
    }
    this.#block[this.#at++] = value;
    this.length++;
  }

  /** The number on top, which must be there. */
  get top(): number {
    return this.#block[this.#at - 1];
  }

  /** Takes the number on top, which must be there, off. */
  pop(): number {
    const value = this.#block[--this.#at];
    this.length--;
    if (this.#at === 0) {
      const below = this.#below?.pop();
      if (below !== undefined) this.#block = below;
      this.#at = below === undefined ? 0 : below.length;
    }
    return value;
  }
}
