/**
 * The library `struct`: values as C lays them out in memory, as Roberto Ierusalimschy's library of that name has them
 * (http://www.inf.puc-rio.br/~roberto/struct) in the form that Redis 7 carries.
 */

import { type Arguments, numberArgument, optionalInteger, stringArgument } from "../lua/arguments.ts";
import { ArgumentError, LibraryError } from "../lua/errors.ts";
import type { LibraryFunctions } from "../lua/library.ts";
import { parseNumber } from "../lua/numbers.ts";
import type { LuaResult, LuaValue } from "../lua/values.ts";
import { readDouble, readFloat, readSigned, readUnsigned } from "./packed_input.ts";
import { PackedOutput } from "./packed_output.ts";
import { checkSlots } from "../lua/stack.ts";
import { StructFormat } from "./struct_format.ts";

const TWO_32 = 2 ** 32;
const TWO_63 = 2 ** 63;
const TWO_64 = 2 ** 64;
const INT64_MIN_HIGH = 0x80000000;

const LETTER_OR_DIGIT = /[A-Za-z\d]/;

/** Room that unpacking an option asks for: a value, and the position after all. */
const SLOTS_OF_OPTION = 2;

function pack(...args: LuaValue[]): string {
  const format = new StructFormat(stringArgument(args, 1));
  args.push(undefined); // struct has a nil behind the arguments, and says so where one is missing
  const output = new PackedOutput();
  let index = 2;
  while (format.next()) {
    const padding = format.padding(output.length);
    if (padding > 0) output.addZeros(padding);
    if (packOption(output, format, args, index)) index++;
  }
  return output.finish();
}

/** Packs what an option stands for; whether it has taken an argument. */
function packOption(output: PackedOutput, format: StructFormat, args: Arguments, index: number): boolean {
  switch (format.option) {
    case "b":
    case "B":
    case "h":
    case "H":
    case "i":
    case "I":
    case "l":
    case "L":
    case "T":
      packInteger(output, format, numberArgument(args, index));
      return true;
    case "f":
      output.addFloat(numberArgument(args, index), format.isLittleEndian);
      return true;
    case "d":
      output.addDouble(numberArgument(args, index), format.isLittleEndian);
      return true;
    case "s":
      output.addString(stringArgument(args, index));
      output.addByte(0);
      return true;
    case "c":
      packCharacters(output, format.size, stringArgument(args, index), index);
      return true;
    case "x":
      output.addByte(0);
      return false;
    default:
      if (!format.applyControl()) throw format.unknown();
      return false;
  }
}

/** What is no int64 is packed as x86 casts it: to 0 from 2^64 on, to -2^63 otherwise. */
function packInteger(output: PackedOutput, format: StructFormat, value: number): void {
  let low = value | 0;
  let high = low >> 31;
  if (low !== value) {
    const isWithin = value >= -TWO_63 && value < TWO_64;
    if (!isWithin) low = 0;
    high = isWithin ? Math.floor(Math.trunc(value) / TWO_32) : value >= TWO_64 ? 0 : INT64_MIN_HIGH;
  }
  output.addInteger(high, low, format.size, format.isLittleEndian);
}

function packCharacters(output: PackedOutput, size: number, text: string, index: number): void {
  if (text.length < size) throw new ArgumentError(index + 1, "string too short"); // the index is one too high in struct
  output.addString(size === 0 ? text : text.slice(0, size));
}

function unpack(...args: LuaValue[]): LuaResult {
  const format = new StructFormat(stringArgument(args, 1));
  const data = stringArgument(args, 2);
  let position = optionalInteger(args, 3, 1);
  if (position === 0) throw new ArgumentError(3, "offset must be 1 or greater");
  const values: LuaValue[] = [];
  while (format.next()) {
    // A negative position is a very large one in struct.
    if (position < 1) throw tooShort();
    position += format.padding(position - 1);
    if (format.size > data.length - (position - 1)) throw tooShort();
    checkSlots(args.length + values.length, SLOTS_OF_OPTION, "too many results");
    position += unpackOption(values, format, data, position - 1);
  }
  if (values.length === 0) return position;
  values.push(position);
  return values;
}

/** Adds the value that an option stands for, of which at least the fixed size is there; how many bytes it has taken. */
function unpackOption(values: LuaValue[], format: StructFormat, data: string, at: number): number {
  const { size, isLittleEndian } = format;
  switch (format.option) {
    case "b":
    case "h":
    case "i":
    case "l":
      values.push(readSigned(data, at, size, isLittleEndian));
      return size;
    case "B":
    case "H":
    case "I":
    case "L":
    case "T":
      values.push(readUnsigned(data, at, size, isLittleEndian));
      return size;
    case "f":
      values.push(readFloat(data, at, isLittleEndian));
      return size;
    case "d":
      values.push(readDouble(data, at, isLittleEndian));
      return size;
    case "s":
      return unpackString(values, data, at);
    case "c":
      return unpackCharacters(values, size, data, at);
    case "x":
      return size;
    default:
      if (!format.applyControl()) throw format.unknown();
      return 0;
  }
}

function unpackString(values: LuaValue[], data: string, at: number): number {
  const end = data.indexOf("\0", at);
  if (end < 0) throw new LibraryError("unfinished string in data");
  values.push(data.slice(at, end));
  return end + 1 - at;
}

/** Characters of a number that the format gives, or, where it is 0, the value before them, whose place they take. */
function unpackCharacters(values: LuaValue[], size: number, data: string, at: number): number {
  let count = size;
  if (size === 0) {
    const last = values.pop();
    const value = typeof last === "string" ? parseNumber(last) : last;
    if (typeof value !== "number") throw new LibraryError("format 'c0' needs a previous size");
    count = toSize(value);
    if (count > data.length - at) throw tooShort();
  }
  values.push(data.slice(at, at + count));
  return count;
}

/** A double as x86 casts it to a size: what is negative, or no number, becomes larger than any string. */
function toSize(value: number): number {
  if (!(value > -1)) return Infinity;
  return value < TWO_64 ? Math.trunc(value) : 0;
}

function tooShort(): ArgumentError {
  return new ArgumentError(2, "data string too short");
}

function size(...args: LuaValue[]): number {
  const format = new StructFormat(stringArgument(args, 1));
  let total = 0;
  while (format.next()) {
    total += format.padding(total) + format.size;
    if (format.option === "s") throw new ArgumentError(1, "option 's' has no fixed size");
    if (format.option === "c" && format.size === 0) throw new ArgumentError(1, "option 'c0' has no fixed size");
    // Of letters and digits it takes for nothing what it does not know.
    if (!LETTER_OR_DIGIT.test(format.option) && !format.applyControl()) throw format.unknown();
  }
  return total;
}

export const STRUCT_FUNCTIONS: LibraryFunctions = { pack, unpack, size };
