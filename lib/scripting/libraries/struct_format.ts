/** Format strings of the library `struct`: which option comes next, how large it is, and where it may stand. */

import { ArgumentError, LibraryError } from "../lua/errors.ts";

const ZERO = 0x30;
const NINE = 0x39;
const LARGEST_NUMBER = 2 ** 31 - 1;
/** Bytes of an integer whose size the format gives. */
const LARGEST_INTEGER = 32;
const INT_SIZE = 4;
/** What `!` alone aligns to at most, as C does on 64 bits. */
const NATIVE_ALIGNMENT = 8;

/** Sizes of the options that have one of their own, in bytes. */
const SIZES: ReadonlyMap<string, number> = new Map([
  ["b", 1],
  ["B", 1],
  ["h", 2],
  ["H", 2],
  ["l", 8],
  ["L", 8],
  ["T", 8],
  ["f", 4],
  ["d", 8],
  ["x", 1],
]);

export class StructFormat {
  readonly #text: string;
  #at = 0;
  /** Sizes up to this one are aligned to themselves. */
  #alignment = 1;
  isLittleEndian = true;
  /** The letter that was read last; none at the end. */
  option = "";
  /** What it takes, in bytes; 0 where that depends on the value, or there is none. */
  size = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Reads the next option; false at the end, which is where C's string ends too. */
  next(): boolean {
    const option = this.#at < this.#text.length ? this.#text[this.#at++] : "\0";
    if (option === "\0") return false;
    this.option = option;
    if (option === "i" || option === "I") this.size = this.#integerSize();
    else if (option === "c") this.size = this.#number(1);
    else this.size = SIZES.get(option) ?? 0;
    return true;
  }

  /** How many bytes stand between an offset and the option that comes there. */
  padding(offset: number): number {
    if (this.#alignment === 1 || this.size === 0 || this.option === "c") return 0;
    const size = Math.min(this.size, this.#alignment);
    // What this makes of sizes that are no power of 2 is no alignment, but it is what struct does.
    return (size - (offset & (size - 1))) & (size - 1);
  }

  /** Does what an option says that stands for no value; false if it is none of those. */
  applyControl(): boolean {
    switch (this.option) {
      case " ":
        return true;
      case ">":
        this.isLittleEndian = false;
        return true;
      case "<":
        this.isLittleEndian = true;
        return true;
      case "!":
        this.#align();
        return true;
      default:
        return false;
    }
  }

  /** The error of an option that nobody knows. */
  unknown(): ArgumentError {
    return new ArgumentError(1, `invalid format option '${this.option}'`);
  }

  #align(): void {
    const alignment = this.#number(NATIVE_ALIGNMENT);
    if (alignment === 0 || (alignment & (alignment - 1)) !== 0) {
      throw new LibraryError(`alignment ${alignment} is not a power of 2`);
    }
    this.#alignment = alignment;
  }

  #integerSize(): number {
    const size = this.#number(INT_SIZE);
    if (size > LARGEST_INTEGER) {
      throw new LibraryError(`integral size ${size} is larger than limit of ${LARGEST_INTEGER}`);
    }
    return size;
  }

  /** The number that stands behind an option. */
  #number(otherwise: number): number {
    let digit = this.#text.charCodeAt(this.#at); // NaN at the end
    if (!(digit >= ZERO && digit <= NINE)) return otherwise;
    let value = 0;
    while (digit >= ZERO && digit <= NINE) {
      value = value * 10 + (digit - ZERO);
      if (value > LARGEST_NUMBER) throw new LibraryError("integral size overflow");
      digit = this.#text.charCodeAt(++this.#at);
    }
    return value;
  }
}
