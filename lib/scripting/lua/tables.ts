/** The `table` library (Lua 5.1 reference manual, 5.5), the functions of Lua 5.0 that it still has among them. */

import { intArgument, optionalInt, optionalString, tableArgument, wrongType } from "./arguments.ts";
import { LibraryError, LuaError, READ_ONLY } from "./errors.ts";
import { CallingFunction, CallRequest, type LibraryFunctions, StringMaker } from "./library.ts";
import { formatNumber } from "./numbers.ts";
import { isTrue } from "./runtime.ts";
import { checkLength } from "./text_builder.ts";
import { allOf, type LuaFunction, type LuaResult, type LuaTable, type LuaValue, NOTHING, typeName } from "./values.ts";

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
  foreach: new CallingFunction(function* (...args) {
    const table = tableArgument(args, 1);
    if (typeof args[1] !== "function") throw wrongType(args, 2, "function");
    for (let entry = table.next(undefined); entry !== null; entry = table.next(entry[0])) {
      const [result] = allOf(yield new CallRequest(args[1], entry));
      if (result !== undefined) return result;
    }
    return NOTHING;
  }),
  foreachi: new CallingFunction(function* (...args) {
    const table = tableArgument(args, 1);
    if (typeof args[1] !== "function") throw wrongType(args, 2, "function");
    const { length } = table;
    for (let i = 1; i <= length; i++) {
      const [result] = allOf(yield new CallRequest(args[1], [i, table.get(i)]));
      if (result !== undefined) return result;
    }
    return NOTHING;
  }),
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
    return removeAt(table, at, end);
  },
  setn: (...args) => {
    tableArgument(args, 1);
    throw new LibraryError("'setn' is obsolete");
  },
};

/** Of each value: what is not made to take long needs some 30, of a million values. Nothing can leave a sort by `<`. */
const MOST_COMPARISONS = 200;
const NO_ORDER = "invalid order function for sorting";

function sortFunction(lessThan: LuaFunction): CallingFunction {
  return new CallingFunction(function* (...args) {
    const table = tableArgument(args, 1);
    const comparison = args[1];
    if (comparison !== undefined && typeof comparison !== "function") throw wrongType(args, 2, "function");
    const values = Array.from({ length: table.length }, (_, i) => table.get(i + 1));
    if (comparison !== undefined || !areAlike(values)) {
      yield* new Sorting(table, comparison ?? lessThan).sort(values.length);
      return NOTHING;
    }
    (values as (string | number)[]).sort(compare); // they are all strings, or all numbers
    for (const [i, value] of values.entries()) setIn(table, i + 1, value);
    return NOTHING;
  });
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
  if (end - at > array.length + table.mapSize) {
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

function removeAt(table: LuaTable, at: number, end: number): LuaResult {
  if (table.isReadOnly) throw new LuaError(READ_ONLY);
  const value = table.get(at);
  const { array } = table;
  if (end === array.length && at < end) {
    array.copyWithin(at - 1, at);
    table.set(end, undefined);
    return value;
  }
  for (let i = at; i < end; i++) table.set(i, table.get(i + 1));
  table.set(end, undefined);
  return value;
}

function areAlike(values: readonly LuaValue[]): boolean {
  return values.every((one) => typeof one === "string") ||
    values.every((one) => typeof one === "number" && !Number.isNaN(one));
}

function compare(a: string | number, b: string | number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

type Comparing<T> = Generator<CallRequest, T, LuaResult>;

/**
 * Quicksort by a function, or by `<` of values that are not alike: in the very steps in which Lua takes it, so that values of
 * which none is less come out in the same order, and the same two values are the first that cannot be compared.
 */
class Sorting {
  /** Comparisons that may still be made. */
  #left = 0;

  constructor(readonly table: LuaTable, readonly comparison: LuaValue) {}

  *sort(length: number): Comparing<void> {
    this.#left = MOST_COMPARISONS * length;
    const parts: [from: number, to: number][] = [[1, length]];
    for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
      const [from, to] = part;
      if (from >= to) continue;
      yield* this.#order(from, to);
      if (to - from === 1) continue;
      const middle = Math.floor((from + to) / 2);
      if (yield* this.#isLess(middle, from)) this.#swap(middle, from);
      else yield* this.#order(middle, to);
      if (to - from === 2) continue;
      const at = yield* this.#divide(from, to, middle);
      // The smaller part is next.
      if (at - from < to - at) parts.push([at + 1, to], [from, at - 1]);
      else parts.push([from, at - 1], [at + 1, to]);
    }
  }

  /** Puts what is less than the value in the middle before it, and all else behind it; where it is then. */
  *#divide(from: number, to: number, middle: number): Comparing<number> {
    const pivot = this.table.get(middle);
    this.#swap(middle, to - 1);
    let [low, high] = [from, to - 1];
    for (;;) {
      while (yield* this.#compare(this.table.get(++low), pivot)) if (low > to) throw new LibraryError(NO_ORDER);
      while (yield* this.#compare(pivot, this.table.get(--high))) if (high < from) throw new LibraryError(NO_ORDER);
      if (high < low) break;
      this.#swap(low, high);
    }
    this.#swap(to - 1, low);
    return low;
  }

  /** Swaps two values if the second is less. */
  *#order(one: number, other: number): Comparing<void> {
    if (yield* this.#isLess(other, one)) this.#swap(one, other);
  }

  #isLess(one: number, other: number): Comparing<boolean> {
    return this.#compare(this.table.get(one), this.table.get(other));
  }

  *#compare(a: LuaValue, b: LuaValue): Comparing<boolean> {
    if (--this.#left < 0) throw new LibraryError(NO_ORDER);
    return isTrue(allOf(yield new CallRequest(this.comparison, [a, b]))[0]);
  }

  #swap(one: number, other: number): void {
    const value = this.table.get(one);
    setIn(this.table, one, this.table.get(other));
    setIn(this.table, other, value);
  }
}
