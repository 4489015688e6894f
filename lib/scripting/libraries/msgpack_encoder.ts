/**
 * Writes values as MessagePack (https://github.com/msgpack/msgpack/blob/master/spec.md), in the form that lua-cmsgpack
 * chooses: integers in as few bytes as they need, other numbers in 4 bytes if they are the same then and in 8 if not,
 * and nil for all that MessagePack does not have.
 */

import { LuaTable, type LuaValue } from "../lua/values.ts";
import type { PackedOutput } from "./packed_output.ts";
import { checkSlots } from "../lua/stack.ts";

/** Tables in tables, up to this depth; nil stands for those below. */
const DEEPEST = 16;
const TWO_8 = 2 ** 8;
const TWO_16 = 2 ** 16;
const TWO_31 = 2 ** 31;
const TWO_32 = 2 ** 32;
const TWO_63 = 2 ** 63;

const NIL = 0xc0;
const FALSE = 0xc2;
const TRUE = 0xc3;
const FLOAT = 0xca;
const DOUBLE = 0xcb;
const UINT_8 = 0xcc;
const UINT_16 = 0xcd;
const UINT_32 = 0xce;
const UINT_64 = 0xcf;
const INT_8 = 0xd0;
const INT_16 = 0xd1;
const INT_32 = 0xd2;
const INT_64 = 0xd3;
const STRING_8 = 0xd9;
const STRING_16 = 0xda;
const STRING_32 = 0xdb;
const ARRAY_16 = 0xdc;
const ARRAY_32 = 0xdd;
const MAP_16 = 0xde;
const MAP_32 = 0xdf;
const SHORT_MAP = 0x80;
const SHORT_ARRAY = 0x90;
const SHORT_STRING = 0xa0;

/** Lengths that fit the first byte. */
const MOST_IN_STRING_BYTE = 31;
const MOST_IN_TABLE_BYTE = 15;
const LARGEST_BYTE_INTEGER = 127;
const LEAST_BYTE_INTEGER = -32;

/**
 * Adds a value; `depth` is how many tables it is in, and `slots` how much would be on the stack of Lua in C, the value
 * included, which bounds what can be packed at once.
 */
export function encodeMessagePack(output: PackedOutput, value: LuaValue, depth: number, slots: number): void {
  switch (typeof value) {
    case "number":
      encodeNumber(output, value);
      break;
    case "string":
      encodeString(output, value);
      break;
    case "boolean":
      output.addByte(value ? TRUE : FALSE);
      break;
    default:
      if (value instanceof LuaTable && depth < DEEPEST) encodeTable(output, value, depth, slots);
      else output.addByte(NIL);
  }
}

function encodeNumber(output: PackedOutput, value: number): void {
  if (Number.isInteger(value) && value < TWO_63 && value >= -TWO_63) {
    if (value >= 0) encodePositive(output, value);
    else encodeNegative(output, value);
  } else if (Math.fround(value) === value) {
    output.addByte(FLOAT);
    output.addFloat(value, false);
  } else {
    output.addByte(DOUBLE);
    output.addDouble(value, false);
  }
}

function encodePositive(output: PackedOutput, value: number): void {
  if (value <= LARGEST_BYTE_INTEGER) {
    output.addByte(value);
  } else if (value < TWO_8) {
    output.addByte(UINT_8);
    output.addByte(value);
  } else if (value < TWO_16) {
    output.addByte(UINT_16);
    output.addUint16(value);
  } else if (value < TWO_32) {
    output.addByte(UINT_32);
    output.addUint32(value);
  } else {
    output.addByte(UINT_64);
    output.addInt64(value);
  }
}

function encodeNegative(output: PackedOutput, value: number): void {
  if (value >= LEAST_BYTE_INTEGER) {
    output.addByte(value);
  } else if (value >= -TWO_8 / 2) {
    output.addByte(INT_8);
    output.addByte(value);
  } else if (value >= -TWO_16 / 2) {
    output.addByte(INT_16);
    output.addUint16(value);
  } else if (value >= -TWO_31) {
    output.addByte(INT_32);
    output.addUint32(value);
  } else {
    output.addByte(INT_64);
    output.addInt64(value);
  }
}

function encodeString(output: PackedOutput, text: string): void {
  const { length } = text;
  if (length <= MOST_IN_STRING_BYTE) {
    output.addByte(SHORT_STRING | length);
  } else if (length < TWO_8) {
    output.addByte(STRING_8);
    output.addByte(length);
  } else {
    addLength(output, length, STRING_16, STRING_32);
  }
  output.addString(text);
}

/** A length of 16 bits if it fits, or of 32, each with its own first byte. */
function addLength(output: PackedOutput, length: number, marker16: number, marker32: number): void {
  if (length < TWO_16) {
    output.addByte(marker16);
    output.addUint16(length);
  } else {
    output.addByte(marker32);
    output.addUint32(length);
  }
}

function encodeTable(output: PackedOutput, table: LuaTable, depth: number, slots: number): void {
  checkSlots(slots, 2, "in function table_is_an_array");
  if (isSequence(table)) encodeArray(output, table.array, depth, slots);
  else encodeMap(output, table, depth, slots);
}

/** Whether all keys are the integers from 1 to how many there are. */
function isSequence(table: LuaTable): boolean {
  const { array } = table;
  for (let i = 0; i < array.length; i++) if (array[i] === undefined) return false;
  return table.next(array.length === 0 ? undefined : array.length) === null;
}

function encodeArray(output: PackedOutput, array: readonly LuaValue[], depth: number, slots: number): void {
  const { length } = array;
  if (length <= MOST_IN_TABLE_BYTE) output.addByte(SHORT_ARRAY | length);
  else addLength(output, length, ARRAY_16, ARRAY_32);
  for (let i = 0; i < length; i++) encodeMessagePack(output, array[i], depth + 1, slots + 1);
}

function encodeMap(output: PackedOutput, table: LuaTable, depth: number, slots: number): void {
  checkSlots(slots, 3, "in function mp_encode_lua_table_as_map");
  let count = 0;
  for (let entry = table.next(undefined); entry !== null; entry = table.next(entry[0])) count++;
  if (count <= MOST_IN_TABLE_BYTE) output.addByte(SHORT_MAP | count);
  else addLength(output, count, MAP_16, MAP_32);
  for (let entry = table.next(undefined); entry !== null; entry = table.next(entry[0])) {
    const [key, value] = entry;
    encodeMessagePack(output, key, depth + 1, slots + 3); // behind the entry, of which it is a copy
    encodeMessagePack(output, value, depth + 1, slots + 2);
  }
}
