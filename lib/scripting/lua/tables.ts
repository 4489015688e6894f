/** The `table` library (Lua 5.1 reference manual, 5.5), the functions of Lua 5.0 that it still has among them. */

import { type Arguments, intArgument, optionalInt, optionalString, tableArgument, wrongType } from "./arguments.ts";
import { LibraryError, LuaError, READ_ONLY } from "./errors.ts";
import { CallingFunction, CallRequest, type LibraryFunctions, StringMaker } from "./library.ts";
import { formatNumber } from "./numbers.ts";
import { sortFunction } from "./sorting.ts";
import { checkLength } from "./text_builder.ts";
import { firstOf, type LuaFunction, type LuaTable, type LuaValue, NOTHING, TableWalk, typeName } from "./values.ts";

/** `lessThan` is the operator `<`, which may ask metatables. */
export function tableFunctions(lessThan: LuaFunction): LibraryFunctions {
  return { ...FUNCTIONS, sort: sortFunction(lessThan) };
}

const FUNCTIONS: LibraryFunctions = {
  concat: new StringMaker((...args) => {
    const separator = optionalString(args, 2, ""); // Lua looks at it first
    const table = tableArgument(args, 1);
    const from = optionalInt(args, 3, 1);
    const to = args[3] === undefined ? table.length : intArgument(args, 4);
    const pieces: string[] = [];
    let bytes = 0;
    for (let i = from; i <= to; i++) {
      const value = table.get(i);
      if (typeof value !== "string" && typeof value !== "number") {
        throw new LibraryError(
          `invalid value (${typeName(value)}) at index ${formatNumber(i)} in table for 'concat'`,
        );
      }
      const piece = typeof value === "string" ? value : formatNumber(value);
      bytes += piece.length + separator.length;
      checkLength(bytes);
      pieces.push(piece);
    }
    return pieces.join(separator);
  }),
  foreach: new CallingFunction(
    function* (...args) {
      const entries = new TableWalk(calledFor(args));
      while (entries.step()) {
        const result = firstOf(yield new CallRequest(args[1], [entries.key, entries.value]));
        if (result !== undefined) return result;
      }
      return NOTHING;
    },
    (caller, args) => {
      const entries = new TableWalk(calledFor(args));
      while (entries.step()) {
        const result = caller.withTwo(args[1], entries.key, entries.value);
        if (result !== undefined) return result;
      }
      return NOTHING;
    },
  ),
  foreachi: new CallingFunction(
    function* (...args) {
      const table = calledFor(args);
      const { length } = table;
      for (let i = 1; i <= length; i++) {
        const result = firstOf(yield new CallRequest(args[1], [i, table.get(i)]));
        if (result !== undefined) return result;
      }
      return NOTHING;
    },
    (caller, args) => {
      const table = calledFor(args);
      const { length } = table;
      for (let i = 1; i <= length; i++) {
        const result = caller.withTwo(args[1], i, table.get(i));
        if (result !== undefined) return result;
      }
      return NOTHING;
    },
  ),
  getn: (...args) => tableArgument(args, 1).length,
  insert: (...args) => {
    const table = tableArgument(args, 1);
    const end = table.length + 1;
    switch (args.length) {
      case 2:
        setIn(table, end, args[1]);
        return NOTHING;
      case 3: {
        const at = intArgument(args, 2);
        insertAt(table, at, Math.max(end, at), args[2]);
        return NOTHING;
      }
      default:
        throw new LibraryError("wrong number of arguments to 'insert'");
    }
  },
  maxn: (...args) => {
    const table = tableArgument(args, 1);
    let most = 0;
    for (let entry = table.next(undefined); entry !== null; entry = table.next(entry[0])) {
      if (typeof entry[0] === "number") most = Math.max(most, entry[0]);
    }
    return most;
  },
  remove: (...args) => {
    const table = tableArgument(args, 1);
    const end = table.length;
    const at = optionalInt(args, 2, end);
    if (at < 1 || at > end) return NOTHING;
    if (table.isReadOnly) throw new LuaError(READ_ONLY);
    return table.takeOut(at);
  },
  setn: (...args) => {
    tableArgument(args, 1);
    throw new LibraryError("'setn' is obsolete");
  },
};

/** The table that a function is called for, which is the second argument. */
function calledFor(args: Arguments): LuaTable {
  const table = tableArgument(args, 1);
  if (typeof args[1] !== "function") throw wrongType(args, 2, "function");
  return table;
}

function setIn(table: LuaTable, key: number, value: LuaValue): void {
  if (table.isReadOnly) throw new LuaError(READ_ONLY);
  table.set(key, value);
}

function insertAt(table: LuaTable, at: number, end: number, value: LuaValue): void {
  if (table.isReadOnly) throw new LuaError(READ_ONLY);
  const { array } = table;
  if (at >= 1 && end === array.length + 1 && at < end && value !== undefined) {
    array.splice(at - 1, 0, undefined);
    array[at - 1] = value;
    const displaced = array.pop(); // the key behind the end may be in the map
    table.set(end, displaced);
    return;
  }
  if (end - at > array.length + (table.fields?.size ?? 0)) {
    shiftFew(table, at, end);
  } else {
    for (let i = end; i > at; i--) table.set(i, table.get(i - 1));
  }
  table.set(at, value);
}

/** Moves what there is from `at` up to before `end` to the next keys, without a look at keys that are not there. */
function shiftFew(table: LuaTable, at: number, end: number): void {
  const keys: number[] = [];
  for (let entry = table.next(undefined); entry !== null; entry = table.next(entry[0])) {
    const [key] = entry;
    if (typeof key === "number" && Number.isInteger(key) && key >= at && key < end) keys.push(key);
  }
  for (const key of keys.sort((a, b) => b - a)) {
    table.set(key + 1, table.get(key));
    table.set(key, undefined);
  }
}
