/**
 * The library `bit`: operations on the 32 bits of numbers, as LuaBitOp 1.0.2 has them (https://bitop.luajit.org). All
 * results but those of `tohex` are signed.
 */

import { type Arguments, numberArgument } from "../lua/arguments.ts";
import type { LibraryFunctions } from "../lua/library.ts";
import type { LuaValue } from "../lua/values.ts";

/** A double that has this added to it has its integer, rounded to the nearest even, in its lower 32 bits. */
const ROUNDING = 2 ** 52 + 2 ** 51;
const DIGITS = 8;

const scratch = new DataView(new ArrayBuffer(8));

/**
 * The 32 bits of a number. Those of a fraction are its nearest integer's, of two the even one's. Beyond 2^51 they are
 * what BitOp finds in the sum, though nothing that makes sense.
 */
function toBits(value: number): number {
  const bits = value | 0;
  if (bits === value) return bits;
  scratch.setFloat64(0, value + ROUNDING);
  return scratch.getInt32(4);
}

function bitsArgument(args: Arguments, index: number): number {
  const value = args[index - 1];
  return toBits(typeof value === "number" ? value : numberArgument(args, index));
}

// BitOp reads the first argument, and then the others from the last one on: so that one's error is seen.

function and(...args: LuaValue[]): number {
  let bits = bitsArgument(args, 1);
  for (let index = args.length; index > 1; index--) bits &= bitsArgument(args, index);
  return bits;
}

function or(...args: LuaValue[]): number {
  let bits = bitsArgument(args, 1);
  for (let index = args.length; index > 1; index--) bits |= bitsArgument(args, index);
  return bits;
}

function xor(...args: LuaValue[]): number {
  let bits = bitsArgument(args, 1);
  for (let index = args.length; index > 1; index--) bits ^= bitsArgument(args, index);
  return bits;
}

// JavaScript shifts by the lower 5 bits of the number of places, as BitOp does.

function rotateLeft(bits: number, places: number): number {
  return (bits << places) | (bits >>> -places);
}

function swapBytes(bits: number): number {
  return (bits << 24) | ((bits & 0xff00) << 8) | ((bits >>> 8) & 0xff00) | (bits >>> 24);
}

/** The last digits in hexadecimal, of which there are 8; a negative number of them asks for capitals. */
function toHexadecimal(...args: LuaValue[]): string {
  const bits = bitsArgument(args, 1);
  const wanted = args.length < 2 ? DIGITS : bitsArgument(args, 2);
  const text = (bits >>> 0).toString(16).padStart(DIGITS, "0").slice(DIGITS - Math.min(Math.abs(wanted), DIGITS));
  return wanted < 0 ? text.toUpperCase() : text;
}

export const BIT_FUNCTIONS: LibraryFunctions = {
  tobit: (...args) => bitsArgument(args, 1),
  tohex: toHexadecimal,
  bnot: (...args) => ~bitsArgument(args, 1),
  band: and,
  bor: or,
  bxor: xor,
  lshift: (...args) => bitsArgument(args, 1) << bitsArgument(args, 2),
  rshift: (...args) => (bitsArgument(args, 1) >>> bitsArgument(args, 2)) | 0,
  arshift: (...args) => bitsArgument(args, 1) >> bitsArgument(args, 2),
  rol: (...args) => rotateLeft(bitsArgument(args, 1), bitsArgument(args, 2)),
  ror: (...args) => rotateLeft(bitsArgument(args, 1), -bitsArgument(args, 2)),
  bswap: (...args) => swapBytes(bitsArgument(args, 1)),
};
