/** Calls functions of libraries as a script would, and makes tables to call them with. */

import assert from "node:assert/strict";
import { ArgumentError, LibraryError, LuaError } from "../../../lib/scripting/lua/errors.ts";
import { CallingFunction, type LibraryFunctions, StringMaker } from "../../../lib/scripting/lua/library.ts";
import { allOf, LuaTable, type LuaValue } from "../../../lib/scripting/lua/values.ts";

/** Calls a function that calls no others; all its results. */
export function callOf(functions: LibraryFunctions): (name: string, ...args: LuaValue[]) => readonly LuaValue[] {
  return (name, ...args) => {
    const called = functions[name];
    assert.ok(!(called instanceof CallingFunction));
    return allOf(called instanceof StringMaker ? called.body(...args) : called(...args));
  };
}

/** What an error says, that of an argument as `#index message`. */
export function errorText(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof ArgumentError) return `#${error.index} ${error.message}`;
    if (error instanceof LibraryError) return error.message;
    if (error instanceof LuaError) return `without position: ${error.value}`;
    throw error;
  }
  assert.fail("there was no error");
}

export function sequence(...values: LuaValue[]): LuaTable {
  return tableOf(values.map((value, i) => [i + 1, value]));
}

export function mapping(...entries: [LuaValue, LuaValue][]): LuaTable {
  return tableOf(entries);
}

/** The same of more entries than a call can have arguments. */
export function tableOf(entries: readonly [LuaValue, LuaValue][]): LuaTable {
  const table = new LuaTable();
  for (const [key, value] of entries) table.set(key, value);
  return table;
}

/** The entries of a table, tables in it as such too. */
export function entriesOf(value: LuaValue): unknown {
  if (!(value instanceof LuaTable)) return value;
  const entries: [unknown, unknown][] = [];
  for (let entry = value.next(undefined); entry !== null; entry = value.next(entry[0])) {
    entries.push([entriesOf(entry[0]), entriesOf(entry[1])]);
  }
  return entries;
}

/** Bytes of a string in hexadecimal. */
export function hexOf(value: LuaValue): string {
  assert.ok(typeof value === "string");
  return Array.from(value, (character) => character.charCodeAt(0).toString(16).padStart(2, "0")).join("");
}

/** The string of bytes in hexadecimal. */
export function bytesOf(hex: string): string {
  return hex.replace(/\s/g, "").replace(/../g, (pair) => String.fromCharCode(parseInt(pair, 16)));
}
