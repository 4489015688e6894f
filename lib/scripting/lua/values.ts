/**
 * The values of Lua 5.1, as JavaScript has them. Nil is `undefined`, booleans and numbers are themselves, and a string is a
 * JavaScript string of which each character is a byte (0 to 255). Functions are JavaScript functions that take values and
 * give a result; tables, threads and light userdata are objects of the classes here.
 *
 * Nothing of a script ever reads a property of a JavaScript object: all that it can reach are these values.
 */

import { Fields, noSuchKey } from "./fields.ts";

/** A value; a function of Lua knows nothing but these. */
export type LuaValue = undefined | boolean | number | string | LuaFunction | LuaTable | LuaThread | LightUserdata;

/** What a call gives: one value as it is, and none or several as an array, which is no value itself. */
export type LuaResult = LuaValue | readonly LuaValue[];

/** A function, be it of a script or of a library. What it is called with too much of it ignores. */
export type LuaFunction = (...args: LuaValue[]) => LuaResult;

/** The result of what returns nothing. */
export const NOTHING: readonly LuaValue[] = Object.freeze([]);

/** A pointer of C that scripts can hold and compare, as `cjson.null` is one. */
export class LightUserdata {
  constructor(readonly text: string) {}
}

/** A coroutine. What it does is of no concern here. */
export abstract class LuaThread {
  /** `suspended`, `running`, `normal` or `dead`. */
  abstract readonly status: string;
}

/**
 * A table: what has the keys 1 to n without a gap at its end stands in an array, all else among the fields, both in an order
 * that stays the same until a new key is set.
 */
export class LuaTable {
  /** All others. */
  #fields: Fields<LuaValue> | null = null;
  /** Whether there has been a number among them, which might be what follows the end of the array. */
  #hasNumberFields = false;
  /** How far the array has reached: a walk may go on from a key that was taken off its end. */
  #reach = 0;
  #metatable: LuaTable | null = null;
  #isReadOnly = false;
  /** `__index`, as it was looked up last, and whether a key was set since. */
  #indexHandler: LuaValue;
  #hasNewKeys = true;
  /** Whether keys can be set without a look at a metatable, or at whether they may be. */
  isPlain = true;

  /** `array`: the values of the keys from 1 on, of which the last is never nil. */
  constructor(readonly array: LuaValue[] = []) {}

  get metatable(): LuaTable | null {
    return this.#metatable;
  }

  set metatable(metatable: LuaTable | null) {
    this.#metatable = metatable;
    this.isPlain = metatable === null && !this.#isReadOnly;
  }

  /** What it has as `__index`, for those whose metatable it is: they ask often. */
  get indexHandler(): LuaValue {
    if (this.#hasNewKeys) {
      this.#indexHandler = this.get("__index");
      this.#hasNewKeys = false;
    }
    return this.#indexHandler;
  }

  /** Whether scripts may not change it. */
  get isReadOnly(): boolean {
    return this.#isReadOnly;
  }

  /** Has scripts change it no more. */
  protect(): void {
    this.#isReadOnly = true;
    this.isPlain = false;
  }

  /** The value of a key without asking the metatable; nil where there is none. */
  get(key: LuaValue): LuaValue {
    if (typeof key === "number" && key > 0 && key <= this.array.length) {
      const value = this.array[key - 1];
      if (value !== undefined) return value;
    }
    const fields = this.#fields;
    return fields === null ? undefined : fields.get(key);
  }

  /** Adds an entry to a table that was made just now and has but such (see Fields). */
  add(key: string, value: LuaValue): void {
    (this.#fields ??= new Fields<LuaValue>()).add(key, value);
  }

  /** Sets a key, which is neither nil nor NaN, without asking the metatable. */
  set(key: LuaValue, value: LuaValue): void {
    if (typeof key !== "number") return this.#setField(key, value);
    const { array } = this;
    const { length } = array;
    if (key > 0 && key < length && Number.isInteger(key)) {
      array[key - 1] = value;
    } else if (key === length && length > 0) {
      if (value === undefined) this.#shorten();
      else array[key - 1] = value;
    } else if (key === length + 1 && value !== undefined) {
      array.push(value);
      if (this.#hasNumberFields && this.#fields !== null) this.#takeFrom(this.#fields);
    } else {
      this.#hasNumberFields = true;
      this.#setField(key === 0 ? 0 : key, value); // no -0
    }
  }

  /** A border of the table, which `#` gives: n where the keys 1 to n are there, and n + 1 is not. */
  get length(): number {
    return this.array.length;
  }

  /** Takes the value of a key from 1 up to the length out, and moves those behind it to the next smaller keys. */
  takeOut(key: number): LuaValue {
    const { array } = this;
    const { length } = array;
    const value = array[key - 1];
    if (key === length) {
      this.#shorten();
    } else {
      this.#reach = Math.max(this.#reach, length);
      if (key === 1) array.shift(); // this V8 does in no time
      else array.splice(key - 1, 1);
    }
    return value;
  }

  /**
   * The entry after that of a key, or the first one, for nil; null at the end. Throws RangeError where the table has no
   * such key.
   */
  next(key: LuaValue): readonly [LuaValue, LuaValue] | null {
    const { array } = this;
    const fields = this.#fields;
    let at = 0;
    if (typeof key === "number" && this.#wasInArray(key)) {
      if (key > array.length && fields !== null && fields.has(key)) return fields.next(key);
      at = Math.min(key, array.length); // its end may have been taken off since the walk has come by
    } else if (key !== undefined) {
      if (fields === null) throw noSuchKey();
      return fields.next(key);
    }
    for (; at < array.length; at++) if (array[at] !== undefined) return [at + 1, array[at]];
    return fields === null ? null : fields.next(undefined);
  }

  #wasInArray(key: number): boolean {
    return key > 0 && key <= Math.max(this.#reach, this.array.length) && Number.isInteger(key);
  }

  /** What is not in the array, if anything ever was. Not to be changed. */
  get fields(): Fields<LuaValue> | null {
    return this.#fields;
  }

  #setField(key: LuaValue, value: LuaValue): void {
    this.#hasNewKeys = true;
    if (this.#fields !== null) this.#fields.set(key, value);
    else if (value !== undefined) (this.#fields = new Fields<LuaValue>()).set(key, value);
  }

  /** The array has a value more: takes that key out of the fields, and moves what follows there. */
  #takeFrom(fields: Fields<LuaValue>): void {
    const { array } = this;
    fields.take(array.length);
    for (;;) {
      const key = array.length + 1;
      if (fields.get(key) === undefined) return;
      array.push(fields.take(key));
    }
  }

  /** Takes the last value off the array, and what is nil before it. */
  #shorten(): void {
    const { array } = this;
    this.#reach = Math.max(this.#reach, array.length);
    do array.pop(); while (array.length > 0 && array[array.length - 1] === undefined);
  }
}

/** Goes through the entries of a table in the order of `next`, or through the keys from 1 on. */
export class TableWalk {
  key: LuaValue;
  value: LuaValue;
  #at = 0;
  /** Fields that are behind it. */
  #fieldsPassed = 0;
  #entries: IterableIterator<[LuaValue, LuaValue]> | null = null;

  constructor(readonly table: LuaTable) {}

  /** Goes on to the next entry; false at the end. */
  step(): boolean {
    const { array } = this.table;
    while (this.#at < array.length) {
      const value = array[this.#at++];
      if (value === undefined) continue;
      this.key = this.#at;
      this.value = value;
      return true;
    }
    const { fields } = this.table;
    return fields !== null && this.stepIn(fields);
  }

  /** The same among the fields alone. */
  stepIn(fields: Fields<LuaValue>): boolean {
    const { list } = fields;
    if (list === null || this.#entries !== null) return this.#stepInMap(fields);
    for (let at = 2 * this.#fieldsPassed; at < list.length; at += 2) {
      this.#fieldsPassed++;
      this.value = list[at + 1];
      if (this.value === undefined) continue;
      this.key = list[at];
      return true;
    }
    return false;
  }

  #stepInMap(fields: Fields<LuaValue>): boolean {
    const entries = this.#entries ??= this.#mapEntries(fields);
    for (let step = entries.next(); step.done !== true; step = entries.next()) {
      if (step.value[1] === undefined) continue;
      [this.key, this.value] = step.value;
      return true;
    }
    return false;
  }

  /** The entries that are left, of a list perhaps that became a map on the way. */
  #mapEntries(fields: Fields<LuaValue>): IterableIterator<[LuaValue, LuaValue]> {
    const entries = fields.mapEntries();
    for (let passed = 0; passed < this.#fieldsPassed; passed++) entries.next();
    return entries;
  }
}

/** Goes through the keys 1, 2, … of a table until one is nil, as `ipairs` does. */
export class IndexWalk {
  key = 0;
  value: LuaValue;

  constructor(readonly table: LuaTable) {}

  /** Goes on to the next key; false at the end. */
  step(): boolean {
    this.value = this.table.get(++this.key);
    return this.value !== undefined;
  }
}

/** The name of a value's type, as `type` gives it. */
export function typeName(value: LuaValue): string {
  switch (typeof value) {
    case "undefined":
      return "nil";
    case "object":
      return value instanceof LuaTable ? "table" : value instanceof LuaThread ? "thread" : "userdata";
    default:
      return typeof value; // boolean, number, string and function have Lua's names
  }
}

/** The first value of a result. */
export function firstOf(result: LuaResult): LuaValue {
  return Array.isArray(result) ? result[0] : result as LuaValue; // what is no array is a value
}

/** All values of a result. */
export function allOf(result: LuaResult): readonly LuaValue[] {
  return Array.isArray(result) ? result : [result as LuaValue]; // what is no array is a value
}
