/**
 * `table.sort`: quicksort, in the very steps in which Lua takes it, so that values of which none is less come out in the same
 * order, and the same two values are the first that cannot be compared.
 */

import { tableArgument, wrongType } from "./arguments.ts";
import { LibraryError, LuaError, READ_ONLY } from "./errors.ts";
import { CallingFunction, CallRequest } from "./library.ts";
import { isTrue } from "./runtime.ts";
import { firstOf, type LuaFunction, type LuaTable, type LuaValue, NOTHING } from "./values.ts";

/** Of each value: what is not made to take long needs some 30, of a million values. Nothing can leave a sort by `<`. */
const MOST_COMPARISONS = 200;
const NO_ORDER = "invalid order function for sorting";

/** `lessThan` is the operator `<`, which may ask metatables. */
export function sortFunction(lessThan: LuaFunction): CallingFunction {
  return new CallingFunction(
    function* (...args) {
      const sort = sortOf(args);
      const comparison = args[1] ?? lessThan;
      while (sort.isUnderWay) sort.answer(isTrue(firstOf(yield new CallRequest(comparison, [sort.one, sort.other]))));
      return NOTHING;
    },
    (caller, args) => {
      const sort = sortOf(args);
      const comparison = args[1] ?? lessThan;
      while (sort.isUnderWay) sort.answer(isTrue(caller.withTwo(comparison, sort.one, sort.other)));
      return NOTHING;
    },
    (args) => {
      const table = tableArgument(args, 1);
      const sorted = args[1] === undefined ? sortedAlike(table.array.slice()) : null;
      return sorted === null ? null : store(table, sorted);
    },
  );
}

function sortOf(args: readonly LuaValue[]): Quicksort {
  const table = tableArgument(args, 1);
  if (args[1] !== undefined && typeof args[1] !== "function") throw wrongType(args, 2, "function");
  return new Quicksort(table);
}

function store(table: LuaTable, sorted: ArrayLike<LuaValue>): typeof NOTHING {
  if (table.isReadOnly && sorted.length > 0) throw new LuaError(READ_ONLY);
  for (let i = 0; i < sorted.length; i++) table.set(i + 1, sorted[i]);
  return NOTHING;
}

/** Values in their order where that asks nobody, as they are all strings, or all numbers; else null. */
function sortedAlike(values: LuaValue[]): ArrayLike<LuaValue> | null {
  if (values.every((one) => typeof one === "string")) return values.sort();
  if (values.every(isInt)) return Int32Array.from(values).sort();
  return values.every(isOrdered) ? Float64Array.from(values).sort() : null;
}

function isInt(value: LuaValue): value is number {
  return typeof value === "number" && Object.is(value | 0, value);
}

function isOrdered(value: LuaValue): value is number {
  return typeof value === "number" && !Number.isNaN(value);
}

/** What the comparison is about whose answer is awaited. */
type Step = "ends" | "first" | "last" | "from below" | "from above";

/**
 * Sorts a table in place. It tells which two values it wants compared and is told the answer, so that both modes have it; the
 * function that compares may change the table meanwhile.
 */
class Quicksort {
  /** Whether it is to be told if `one` is less than `other`. */
  isUnderWay = true;
  one: LuaValue;
  other: LuaValue;
  /** Comparisons that may still be made. */
  #left: number;
  #step: Step = "ends";
  /** Parts that are to be sorted: the first and the last place of each. */
  readonly #parts: number[];
  /** The part that is being sorted, and its middle. */
  #from = 0;
  #to = 0;
  #middle = 0;
  /** The value that the others are divided by, and how far that has come from either end. */
  #pivot: LuaValue;
  #low = 0;
  #high = 0;

  constructor(readonly table: LuaTable) {
    const { length } = table;
    this.#left = MOST_COMPARISONS * length;
    this.#parts = [1, length];
    this.#nextPart();
  }

  answer(isLess: boolean): void {
    switch (this.#step) {
      case "ends":
        if (isLess) this.#swap(this.#from, this.#to);
        return this.#endsAreDone();
      case "first":
        if (!isLess) return this.#ask("last", this.#to, this.#middle);
        this.#swap(this.#middle, this.#from);
        return this.#middleIsDone();
      case "last":
        if (isLess) this.#swap(this.#middle, this.#to);
        return this.#middleIsDone();
      case "from below":
        if (!isLess) return this.#goDown();
        if (this.#low > this.#to) throw new LibraryError(NO_ORDER);
        return this.#goUp();
      case "from above":
        if (!isLess) return this.#meets();
        if (this.#high < this.#from) throw new LibraryError(NO_ORDER);
        return this.#goDown();
    }
  }

  #nextPart(): void {
    const parts = this.#parts;
    while (parts.length > 0) {
      this.#to = parts.pop() ?? 0;
      this.#from = parts.pop() ?? 0;
      if (this.#from < this.#to) return this.#ask("ends", this.#to, this.#from);
    }
    this.isUnderWay = false;
  }

  #endsAreDone(): void {
    if (this.#to - this.#from === 1) return this.#nextPart();
    this.#middle = Math.floor((this.#from + this.#to) / 2);
    this.#ask("first", this.#middle, this.#from);
  }

  /** The first, the middle and the last value are in order: the others are divided by the middle one. */
  #middleIsDone(): void {
    if (this.#to - this.#from === 2) return this.#nextPart();
    this.#pivot = this.table.get(this.#middle);
    this.#swap(this.#middle, this.#to - 1);
    this.#low = this.#from;
    this.#high = this.#to - 1;
    this.#goUp();
  }

  #goUp(): void {
    this.#compare("from below", this.table.get(++this.#low), this.#pivot);
  }

  #goDown(): void {
    this.#compare("from above", this.#pivot, this.table.get(--this.#high));
  }

  /** From either end a value was found that belongs to the other side. */
  #meets(): void {
    if (this.#high >= this.#low) {
      this.#swap(this.#low, this.#high);
      return this.#goUp();
    }
    const [from, to, at] = [this.#from, this.#to, this.#low];
    this.#swap(to - 1, at);
    // The smaller part is next.
    if (at - from < to - at) this.#parts.push(at + 1, to, from, at - 1);
    else this.#parts.push(from, at - 1, at + 1, to);
    this.#nextPart();
  }

  #ask(step: Step, one: number, other: number): void {
    this.#compare(step, this.table.get(one), this.table.get(other));
  }

  #compare(step: Step, one: LuaValue, other: LuaValue): void {
    if (--this.#left < 0) throw new LibraryError(NO_ORDER);
    this.#step = step;
    this.one = one;
    this.other = other;
  }

  #swap(one: number, other: number): void {
    const { table } = this;
    if (table.isReadOnly) throw new LuaError(READ_ONLY);
    const value = table.get(one);
    table.set(one, table.get(other));
    table.set(other, value);
  }
}
