/**
 * A byte string in the making, for what packs values into bytes. Single bytes are collected in memory that all share,
 * so only one string is made at a time. Long strings are not copied: the runtime chains them to what is there already.
 */

import { decodeLatin1, LONGEST_STRING } from "../../bytes/latin1.ts";
import { LibraryError } from "../lua/errors.ts";

const CAPACITY_BYTES = 4096;
/** Copying longer strings takes more time than to make a string of the bytes before them. */
const MOST_COPIED = 64;

const bytes = new Uint8Array(CAPACITY_BYTES);
const view = new DataView(bytes.buffer);
const TWO_32 = 2 ** 32;

/** No number, as x86 makes it: the sign is set. JavaScript's own has none. */
const NAN_FLOAT = 0xffc00000;
const NAN_DOUBLE_HIGH = 0xfff80000;

/** Throws a LibraryError where the string would become longer than strings can be. */
export class PackedOutput {
  /** All that stands before the bytes. */
  #text = "";
  #used = 0;

  /** How long the string is so far. */
  get length(): number {
    return this.#text.length + this.#used;
  }

  /** The string. Nothing can be added to it any more. */
  finish(): string {
    if (this.#text === "") return decodeLatin1(bytes, 0, this.#used);
    this.#empty();
    return this.#text;
  }

  addByte(value: number): void {
    bytes[this.#take(1)] = value;
  }

  addZeros(count: number): void {
    const at = this.#take(count);
    bytes.fill(0, at, at + count);
  }

  addString(text: string): void {
    const { length } = text;
    if (length > MOST_COPIED) {
      this.#empty();
      this.#append(text);
      return;
    }
    const at = this.#take(length);
    for (let i = 0; i < length; i++) bytes[at + i] = text.charCodeAt(i);
  }

  /** The lower 16 bits of an integer, the highest byte first. */
  addUint16(value: number): void {
    view.setUint16(this.#take(2), value);
  }

  /** The lower 32 bits of an integer, the highest byte first. */
  addUint32(value: number): void {
    view.setUint32(this.#take(4), value);
  }

  /** An integer from -2^63 to 2^64 - 1 in two's complement, the highest byte first. */
  addInt64(value: number): void {
    const at = this.#take(8);
    view.setUint32(at, Math.floor(value / TWO_32));
    view.setUint32(at + 4, value);
  }

  /** The lowest bytes of an integer of two words, of which there are `size`; those beyond the words are zeros. */
  addInteger(high: number, low: number, size: number, isLittleEndian: boolean): void {
    const at = this.#take(size);
    for (let i = 0; i < size; i++) {
      const byte = i < 4 ? low >>> (8 * i) : i < 8 ? high >>> (8 * i - 32) : 0;
      bytes[isLittleEndian ? at + i : at + size - 1 - i] = byte;
    }
  }

  addFloat(value: number, isLittleEndian: boolean): void {
    const at = this.#take(4);
    if (Number.isNaN(value)) view.setUint32(at, NAN_FLOAT, isLittleEndian);
    else view.setFloat32(at, value, isLittleEndian);
  }

  addDouble(value: number, isLittleEndian: boolean): void {
    const at = this.#take(8);
    if (Number.isNaN(value)) {
      view.setUint32(at + (isLittleEndian ? 4 : 0), NAN_DOUBLE_HIGH, isLittleEndian);
      view.setUint32(at + (isLittleEndian ? 0 : 4), 0);
    } else {
      view.setFloat64(at, value, isLittleEndian);
    }
  }

  /** Where the next bytes go, of which there are few. */
  #take(count: number): number {
    if (this.#used + count > CAPACITY_BYTES) this.#empty();
    const at = this.#used;
    this.#used += count;
    return at;
  }

  #empty(): void {
    if (this.#used > 0) this.#append(decodeLatin1(bytes, 0, this.#used));
    this.#used = 0;
  }

  #append(text: string): void {
    if (this.#text.length + text.length > LONGEST_STRING) throw new LibraryError("not enough memory");
    this.#text += text;
  }
}
