/**
 * Sets that are an intset (intset.ts), inline in their key's entry. Used by sets alone, which say when a set is one, and
 * which ask of integers by the words of bytes/int64_words.ts: those that `parseWords` or `splitInteger` left there last.
 */

import { copyBytes } from "../../bytes/compare.ts";
import { highWord, lowWord } from "../../bytes/int64_words.ts";
import { ENCODING_INTSET, ENCODING_LISTPACK, NO_EXPIRY, TYPE_SET } from "../entry.ts";
import type { Heap } from "../heap.ts";
import {
  findInteger,
  insertInteger,
  integerOffset,
  INTSET_HEADER_BYTES,
  intsetBytes,
  intsetCount,
  intsetWidth,
  readInteger,
  removeInteger,
  setIntsetCount,
  widen,
  widthOf,
  writeEmptyIntset,
} from "../intset.ts";
import {
  addToCount,
  Element,
  EMPTY_LISTPACK_BYTES,
  firstElement,
  LISTPACK_END,
  LISTPACK_ENTRY_OVERHEAD,
  splice,
  writeElement,
  writeEmptyListpack,
} from "../listpack.ts";
import { MAX_INLINE_BYTES } from "./entry_values.ts";
import type { ValueHome } from "./value_type.ts";

/** Most bytes of an integer in a listpack. */
const MAX_INTEGER_BYTES = 10;
/** Bytes for the conversion of intsets that are kept from one to the next. */
const KEPT_SCRATCH_BYTES = 64 * 1024;
/** Which of the two words of a 64-bit integer is the lower one here. */
const LOW_WORD = new Int32Array(BigInt64Array.of(1n).buffer)[0] === 1 ? 0 : 1;
const HIGH_WORD = 1 - LOW_WORD;
const NO_BYTES = new Uint8Array(0);

/** Points to the integer of an intset with an index. */
export function pointToInteger(element: Element, bytes: Uint8Array, intset: number, index: number): void {
  element.setInteger(readInteger(bytes, intset, index), bytes, integerOffset(bytes, intset, index));
}

/** Operations on the intsets among the sets of one heap. */
export class SetIntsets {
  readonly #element = new Element();
  #scratch = new Uint8Array(1024);

  constructor(readonly heap: Heap) {}

  /** Puts an empty intset under a key, in place of what is there; `reserve` more bytes will not move it. */
  create(home: ValueHome, key: Uint8Array, start: number, length: number, reserve: number): number {
    const { entries } = this.heap;
    const bytes = INTSET_HEADER_BYTES + reserve;
    const ref = home.put(key, start, length, TYPE_SET, ENCODING_INTSET, bytes, NO_EXPIRY);
    entries.setValueWord(ref, INTSET_HEADER_BYTES);
    writeEmptyIntset(entries.bytes(ref), entries.valueStart(ref), 2);
    return ref;
  }

  /** Makes an intset that stands alone (lone_values.ts) of `count` integers, to each of which `next` goes. O(n log n). */
  collect(home: ValueHome, count: number, next: () => void): number {
    const { entries } = this.heap;
    const integers = new BigInt64Array(count);
    const words = new Int32Array(integers.buffer);
    let width = 2;
    for (let i = 0; i < words.length; i += 2) {
      next();
      words[i + LOW_WORD] = lowWord;
      words[i + HIGH_WORD] = highWord;
      width = Math.max(width, widthOf(highWord, lowWord));
    }
    integers.sort();
    const ref = this.create(home, NO_BYTES, 0, 0, count * width);
    const bytes = entries.bytes(ref);
    const intset = entries.valueStart(ref);
    writeEmptyIntset(bytes, intset, width);
    for (let i = 0; i < count; i++) insertInteger(bytes, intset, i, words[2 * i + HIGH_WORD], words[2 * i + LOW_WORD]);
    entries.setValueWord(ref, intsetBytes(count, width));
    return ref;
  }

  /** Number of integers. */
  count(ref: number): number {
    const { entries } = this.heap;
    return intsetCount(entries.bytes(ref), entries.valueStart(ref));
  }

  /** The index of the integer, or -1 less the index where it belongs. O(log n). */
  find(ref: number): number {
    const { entries } = this.heap;
    return findInteger(entries.bytes(ref), entries.valueStart(ref), highWord, lowWord);
  }

  /** Points to the integer with an index. */
  read(ref: number, index: number, into: Element): void {
    const { entries } = this.heap;
    pointToInteger(into, entries.bytes(ref), entries.valueStart(ref), index);
  }

  /**
   * Inserts the integer at its index. Returns the set's ref, maybe another; 0 where that would be more than `most` integers,
   * or too many bytes, and nothing has changed.
   */
  insert(home: ValueHome, ref: number, index: number, most: number): number {
    const { entries } = this.heap;
    const high = highWord;
    const low = lowWord;
    let bytes = entries.bytes(ref);
    let intset = entries.valueStart(ref);
    const count = intsetCount(bytes, intset);
    const width = Math.max(widthOf(high, low), intsetWidth(bytes, intset));
    const size = intsetBytes(count + 1, width);
    if (count >= most || size > MAX_INLINE_BYTES) return 0;
    ref = home.resizeValue(ref, size);
    bytes = entries.bytes(ref);
    intset = entries.valueStart(ref);
    if (width > intsetWidth(bytes, intset)) widen(bytes, intset, width);
    insertInteger(bytes, intset, index, high, low);
    return ref;
  }

  /** Removes the integer with an index; the block does not move. */
  remove(ref: number, index: number): void {
    const { entries } = this.heap;
    const bytes = entries.bytes(ref);
    const intset = entries.valueStart(ref);
    removeInteger(bytes, intset, index);
    entries.setValueWord(ref, intsetBytes(intsetCount(bytes, intset), intsetWidth(bytes, intset)));
  }

  /** Whether all integers may be elements of a listpack, and `length` bytes beside them: `mostBytes` is the limit of one. */
  fitsListpack(ref: number, length: number, mostBytes: number): boolean {
    const count = this.count(ref);
    if (count * MAX_INTEGER_BYTES + length + LISTPACK_ENTRY_OVERHEAD >= MAX_INLINE_BYTES) return false;
    // In decimal, the longest is the least or the greatest.
    return count === 0 ||
      (this.#decimalLength(ref, 0) <= mostBytes && this.#decimalLength(ref, count - 1) <= mostBytes);
  }

  #decimalLength(ref: number, index: number): number {
    this.read(ref, index, this.#element);
    return this.#element.byteLength();
  }

  /** Makes an intset a listpack. Returns the set's ref, maybe another. */
  toListpack(home: ValueHome, ref: number): number {
    const { entries } = this.heap;
    const count = this.count(ref);
    const most = EMPTY_LISTPACK_BYTES + count * MAX_INTEGER_BYTES;
    const scratch = this.#scratch.length >= most ? this.#scratch : new Uint8Array(most);
    if (most <= KEPT_SCRATCH_BYTES) this.#scratch = scratch;
    const element = this.#element;
    writeEmptyListpack(scratch, 0);
    let at = firstElement(0);
    for (let i = 0; i < count; i++) {
      this.read(ref, i, element);
      element.toBytes();
      at = writeElement(scratch, at, element.bytes, element.start, element.length);
    }
    const length = splice(scratch, 0, firstElement(0), 0, at - firstElement(0));
    scratch[length - 1] = LISTPACK_END;
    ref = home.resizeValue(ref, length);
    copyBytes(scratch, 0, length, entries.bytes(ref), entries.valueStart(ref));
    addToCount(entries.bytes(ref), entries.valueStart(ref), count);
    entries.setTypeAndEncoding(ref, TYPE_SET, ENCODING_LISTPACK);
    return ref;
  }

  /** As `Sets.takeRandom`, of an intset. */
  takeRandom(ref: number, count: number, random: () => number, sink: (member: Element) => void): void {
    const { entries } = this.heap;
    const bytes = entries.bytes(ref);
    const intset = entries.valueStart(ref);
    const width = intsetWidth(bytes, intset);
    const total = intsetCount(bytes, intset);
    const first = intset + INTSET_HEADER_BYTES;
    let to = first;
    for (let i = 0, left = count; i < total; i++) {
      const at = first + i * width;
      if (random() * (total - i) < left) {
        pointToInteger(this.#element, bytes, intset, i);
        sink(this.#element);
        left--;
      } else {
        for (let j = 0; j < width; j++) bytes[to + j] = bytes[at + j];
        to += width;
      }
    }
    setIntsetCount(bytes, intset, total - count);
    entries.setValueWord(ref, to - intset);
  }
}
