/**
 * The library `cmsgpack`: MessagePack, as lua-cmsgpack 0.4.0 (https://github.com/antirez/lua-cmsgpack) writes and reads
 * it.
 */

import { type Arguments, integerArgument, optionalInteger, stringArgument, toInt } from "../lua/arguments.ts";
import { ArgumentError, LibraryError } from "../lua/errors.ts";
import { type LibraryFunctions, StringMaker } from "../lua/library.ts";
import { type LuaResult, type LuaValue, NOTHING } from "../lua/values.ts";
import { MessagePackDecoder } from "./msgpack_decoder.ts";
import { encodeMessagePack } from "./msgpack_encoder.ts";
import { PackedOutput } from "./packed_output.ts";
import { checkSlots, MOST_SLOTS } from "../lua/stack.ts";

/** What tells that nothing is left, instead of an offset. */
const AT_END = -1;

/** Packs all arguments, one behind the other. */
function pack(...args: LuaValue[]): string {
  const { length } = args;
  if (length === 0) throw new ArgumentError(0, "MessagePack pack needs input.");
  if (2 * length > MOST_SLOTS) throw new ArgumentError(0, "Too many arguments for MessagePack pack.");
  const output = new PackedOutput();
  // On the stack are the arguments, what each before this one was packed to, and this one again.
  for (let i = 0; i < length; i++) encodeMessagePack(output, args[i], 0, length + i + 1);
  return output.finish();
}

/** All values of a string. */
function unpack(...args: LuaValue[]): LuaResult {
  const decoder = new MessagePackDecoder(stringArgument(args, 1), 0);
  if (decoder.isAtEnd) return NOTHING;
  const first = decoder.decode(args.length);
  if (decoder.isAtEnd) return first;
  const values = [first];
  while (!decoder.isAtEnd) values.push(decoder.decode(args.length + values.length));
  return values;
}

/** The offset after the next value of a string, and the value. */
function unpackOne(...args: LuaValue[]): LuaResult {
  const offset = optionalInteger(args, 2, 0);
  return unpackFrom(args, 1, offset);
}

/** The same of several values; a limit of 0 at the start means all, without an offset. */
function unpackLimit(...args: LuaValue[]): LuaResult {
  const limit = integerArgument(args, 2);
  const offset = optionalInteger(args, 3, 0);
  if (limit === 0 && offset === 0) return unpack(args[0]);
  return unpackFrom(args, limit, offset);
}

function unpackFrom(args: Arguments, limit: number, offset: number): LuaResult {
  const data = stringArgument(args, 1);
  if (offset < 0 || limit < 0) {
    throw new LibraryError(
      `Invalid request to unpack with offset of ${toInt(offset)} and limit of ${data.length}.`,
    );
  }
  if (offset > data.length) {
    throw new LibraryError(`Start offset ${toInt(offset)} greater than input length ${data.length}.`);
  }
  const decoder = new MessagePackDecoder(data, offset);
  const values: LuaValue[] = [AT_END];
  // On the stack are the string and the values, of which the offset comes last.
  while (values.length <= limit && !decoder.isAtEnd) values.push(decoder.decode(values.length));
  checkSlots(values.length, 1, "in function mp_unpack_full");
  if (!decoder.isAtEnd) values[0] = decoder.at;
  return values.length === 1 ? values[0] : values;
}

export const CMSGPACK_FUNCTIONS: LibraryFunctions = {
  pack: new StringMaker(pack),
  unpack,
  unpack_one: unpackOne,
  unpack_limit: unpackLimit,
};

export const CMSGPACK_CONSTANTS: Readonly<Record<string, string>> = {
  _NAME: "cmsgpack",
  _VERSION: "lua-cmsgpack 0.4.0",
  _COPYRIGHT: "Copyright (C) 2012, Salvatore Sanfilippo",
  _DESCRIPTION: "MessagePack C implementation for Lua",
};
