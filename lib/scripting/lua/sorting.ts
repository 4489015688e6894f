/** `table.sort`. */

import { tableArgument, wrongType } from "./arguments.ts";
import { LuaError, READ_ONLY } from "./errors.ts";
import { CallingFunction, CallRequest } from "./library.ts";
import { isTrue } from "./runtime.ts";
import { firstOf, type LuaFunction, type LuaTable, type LuaValue, NOTHING } from "./values.ts";

/** `lessThan` is the operator `<`, which may ask metatables. */
export function sortFunction(lessThan: LuaFunction): CallingFunction {
  return new CallingFunction(
    function* (...args) {
      const sort = sortOf(args);
      const comparison = args[1] ?? lessThan;
      while (sort.goesOn()) sort.answer(isTrue(firstOf(yield new CallRequest(comparison, [sort.right, sort.left]))));
      return store(args, sort.sorted);
    },
    (caller, args) => {
      const sort = sortOf(args);
      const comparison = args[1] ?? lessThan;
      while (sort.goesOn()) sort.answer(isTrue(caller.withTwo(comparison, sort.right, sort.left)));
      return store(args, sort.sorted);
    },
    (args) => {
      const sorted = args[1] === undefined ? sortedAlike(valuesOf(tableArgument(args, 1))) : null;
      return sorted === null ? null : store(args, sorted);
    },
  );
}

function sortOf(args: readonly LuaValue[]): MergeSort {
  const table = tableArgument(args, 1);
  if (args[1] !== undefined && typeof args[1] !== "function") throw wrongType(args, 2, "function");
  return new MergeSort(valuesOf(table));
}

function valuesOf(table: LuaTable): LuaValue[] {
  return table.array.slice();
}

function store(args: readonly LuaValue[], sorted: ArrayLike<LuaValue>): typeof NOTHING {
  const table = tableArgument(args, 1);
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

/**
 * Merge sort by a function, or by `<` of values that are not alike. It tells which two values it wants compared and is told
 * the answer, so that both modes have it. A function that is no order gives some order here, where Lua may tell of it.
 */
class MergeSort {
  #from: LuaValue[];
  #to: LuaValue[];
  /** Length of the runs that are in order. */
  #width = 1;
  /** Where the next value of each of two runs is, and where each ends; where the next value goes. */
  #left = 0;
  #middle = 0;
  #right = 0;
  #end = 0;
  #at = 0;

  constructor(values: LuaValue[]) {
    this.#from = values;
    this.#to = new Array(values.length);
    this.#enterRuns(0);
  }

  get left(): LuaValue {
    return this.#from[this.#left];
  }

  get right(): LuaValue {
    return this.#from[this.#right];
  }

  get sorted(): readonly LuaValue[] {
    return this.#from;
  }

  /** Goes on to the next comparison; false if all is in order. */
  goesOn(): boolean {
    if (this.#left < this.#middle && this.#right < this.#end) return true;
    return this.#goesOnBehind();
  }

  /** Whether `right` comes before `left`. */
  answer(isLess: boolean): void {
    this.#to[this.#at++] = isLess ? this.#from[this.#right++] : this.#from[this.#left++];
  }

  /** Goes on behind two runs of which one has come to its end. */
  #goesOnBehind(): boolean {
    const { length } = this.#from;
    while (this.#width < length) {
      while (this.#left < this.#middle) this.#to[this.#at++] = this.#from[this.#left++];
      while (this.#right < this.#end) this.#to[this.#at++] = this.#from[this.#right++];
      if (this.#end < length) {
        this.#enterRuns(this.#end);
      } else {
        [this.#from, this.#to] = [this.#to, this.#from];
        this.#width *= 2;
        this.#enterRuns(0);
      }
      if (this.#width < length && this.#right < this.#end) return true;
    }
    return false;
  }

  #enterRuns(start: number): void {
    const { length } = this.#from;
    this.#left = this.#at = start;
    this.#middle = this.#right = Math.min(start + this.#width, length);
    this.#end = Math.min(start + 2 * this.#width, length);
  }
}
