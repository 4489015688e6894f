/** Reads the arguments of library functions, with Lua's conversions and messages (`luaL_check…` and `luaL_opt…`). */

import { ArgumentError } from "./errors.ts";
import { formatNumber, parseNumber } from "./numbers.ts";
import { LuaTable, type LuaValue, typeName } from "./values.ts";

/** Arguments as a library function was called with them; `index` counts from 1 in all that follows. */
export type Arguments = readonly LuaValue[];

const LEAST_INTEGER = -(2 ** 63);
const INT_BITS = 32;

/** The error of an argument that is of another type than the one named. */
export function wrongType(args: Arguments, index: number, expected: string): ArgumentError {
  const actual = index > args.length ? "no value" : typeName(args[index - 1]);
  return new ArgumentError(index, `${expected} expected, got ${actual}`);
}

/** A string; numbers are converted. */
export function stringArgument(args: Arguments, index: number): string {
  const value = args[index - 1];
  if (typeof value === "string") return value;
  if (typeof value === "number") return formatNumber(value);
  throw wrongType(args, index, "string");
}

/** A number; strings that are one are converted. */
export function numberArgument(args: Arguments, index: number): number {
  const value = args[index - 1];
  if (typeof value === "number") return value;
  const number = typeof value === "string" ? parseNumber(value) : undefined;
  if (number === undefined) throw wrongType(args, index, "number");
  return number;
}

/** A number as a 64-bit integer, its fraction cut off; -2^63 for what is none, as C's conversion has it. */
export function integerArgument(args: Arguments, index: number): number {
  return toInteger(numberArgument(args, index));
}

/** The same as a C `int`, of which only 32 bits are left. */
export function intArgument(args: Arguments, index: number): number {
  return toInt(integerArgument(args, index));
}

/** The same of an argument that may be left out, or nil. */
export function optionalInt(args: Arguments, index: number, otherwise: number): number {
  return args[index - 1] === undefined ? otherwise : intArgument(args, index);
}

/** A 64-bit integer that may be left out, or nil. */
export function optionalInteger(args: Arguments, index: number, otherwise: number): number {
  return args[index - 1] === undefined ? otherwise : integerArgument(args, index);
}

/** A string that may be left out, or nil. */
export function optionalString(args: Arguments, index: number, otherwise: string): string {
  return args[index - 1] === undefined ? otherwise : stringArgument(args, index);
}

export function tableArgument(args: Arguments, index: number): LuaTable {
  const value = args[index - 1];
  if (value instanceof LuaTable) return value;
  throw wrongType(args, index, "table");
}

/** Any value, nil included, as long as there is one. */
export function anyArgument(args: Arguments, index: number): LuaValue {
  if (index > args.length) throw new ArgumentError(index, "value expected");
  return args[index - 1];
}

/** A double as C casts it to a 64-bit integer. */
export function toInteger(value: number): number {
  const whole = Math.trunc(value);
  return whole >= LEAST_INTEGER && whole < -LEAST_INTEGER ? whole + 0 : LEAST_INTEGER;
}

/** A 64-bit integer as C casts it to an `int`, of 32 bits. */
export function toInt(value: number): number {
  return (value | 0) === value ? value : Number(BigInt.asIntN(INT_BITS, BigInt(value)));
}
