/**
 * The values of Lua 5.1, as JavaScript has them. Nil is `undefined`, booleans and numbers are themselves, and a string is a
 * JavaScript string of which each character is a byte (0 to 255). Functions are JavaScript functions that take values and
 * give a result; tables, threads and light userdata are objects of the classes here.
 *
 * Nothing of a script ever reads a property of a JavaScript object: all that it can reach are these values.
 */

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

/** Entries that hold nothing any more, at which a table is cleared of them when it grows. */
const LEAST_DEAD = 16;

/** What a lookup of the next entry goes on from. */
interface Walk {
  readonly entries: IterableIterator<[LuaValue, LuaValue]>;
  key: LuaValue;
}

/**
 * A table: what has the keys 1 to n without a gap at its end stands in an array, all else in a map, both in an order that
 * stays the same until a new key is set. Assigning nil leaves an entry without value behind, so that a walk may go on.
 */
export class LuaTable {
  /** All others, some of them nil. */
  #map: Map<LuaValue, LuaValue> | null = null;
  /** Keys that are to be in the map, and behind each its value: not before somebody looks at them. */
  #waiting: LuaValue[] | null = null;
  /** Entries of the map that are nil. */
  #dead = 0;
  #walk: Walk | null = null;
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
    const map = this.#map ?? this.#filled();
    return map === null ? undefined : map.get(key);
  }

  /**
   * Adds an entry to a table that was made just now and has but such. A library that makes many tables, of which a script
   * looks at few, so makes no maps of the others, which takes longer than all else.
   */
  add(key: string, value: LuaValue): void {
    if (this.#waiting === null) this.#waiting = [key, value];
    else this.#waiting.push(key, value);
  }

  /** The map, if there is one when all is in it that waits. */
  #filled(): Map<LuaValue, LuaValue> | null {
    const waiting = this.#waiting;
    if (waiting === null) return this.#map;
    this.#waiting = null;
    const map = this.#map = new Map();
    for (let i = 0; i < waiting.length; i += 2) map.set(waiting[i], waiting[i + 1]);
    return map;
  }

  /** Sets a key, which is neither nil nor NaN, without asking the metatable. */
  set(key: LuaValue, value: LuaValue): void {
    if (typeof key !== "number") return this.#setInMap(key, value);
    const { array } = this;
    const { length } = array;
    if (key > 0 && key < length && Number.isInteger(key)) {
      array[key - 1] = value;
    } else if (key === length && length > 0) {
      if (value === undefined) this.#shorten();
      else array[key - 1] = value;
    } else if (key === length + 1 && value !== undefined) {
      if (this.#map !== null) this.#removeFromMap(key);
      array.push(value);
      if (this.#map !== null && this.#map.size > this.#dead) this.#takeFromMap();
    } else {
      this.#setInMap(key, value);
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
    let at = 0;
    if (typeof key === "number" && key > 0 && key <= Math.max(this.#reach, array.length) && Number.isInteger(key)) {
      at = key;
    } else if (key !== undefined) {
      return this.#nextInMap(key);
    }
    for (; at < array.length; at++) if (array[at] !== undefined) return [at + 1, array[at]];
    return this.#nextInMap(undefined);
  }

  /** How many entries there are beside the array, those without a value among them. */
  get mapSize(): number {
    return this.#filled()?.size ?? 0;
  }

  /** The entries that are not in the array, those without a value among them. */
  mapEntries(): IterableIterator<[LuaValue, LuaValue]> {
    return (this.#filled() ?? new Map<LuaValue, LuaValue>()).entries();
  }

  #setInMap(key: LuaValue, value: LuaValue): void {
    this.#hasNewKeys = true;
    const map = this.#map ?? this.#filled();
    if (value === undefined) {
      if (map === null || map.get(key) === undefined) return;
      map.set(key, undefined);
      this.#dead++;
    } else if (map === null) {
      (this.#map = new Map()).set(key, value);
    } else if (this.#dead === 0) {
      map.set(key, value);
    } else {
      this.#setBesideDead(map, key, value);
    }
  }

  #setBesideDead(map: Map<LuaValue, LuaValue>, key: LuaValue, value: LuaValue): void {
    if (map.get(key) === undefined) {
      if (map.has(key)) this.#dead--;
      else if (this.#dead >= LEAST_DEAD && 2 * this.#dead > map.size) this.#clearDead(map);
    }
    map.set(key, value);
  }

  #clearDead(map: Map<LuaValue, LuaValue>): void {
    for (const [key, value] of map) if (value === undefined) map.delete(key);
    this.#dead = 0;
  }

  #removeFromMap(key: number): void {
    const map = this.#map;
    if (map === null || !map.has(key)) return;
    if (map.get(key) === undefined) this.#dead--;
    map.delete(key);
  }

  /** Moves what follows the end of the array there. */
  #takeFromMap(): void {
    const { array } = this;
    for (;;) {
      const key = array.length + 1;
      const value = this.#map?.get(key);
      if (value === undefined) return;
      this.#removeFromMap(key);
      array.push(value);
    }
  }

  /** Takes the last value off the array, and what is nil before it. */
  #shorten(): void {
    const { array } = this;
    this.#reach = Math.max(this.#reach, array.length);
    do array.pop(); while (array.length > 0 && array[array.length - 1] === undefined);
  }

  #nextInMap(key: LuaValue): readonly [LuaValue, LuaValue] | null {
    const map = this.#filled();
    if (key !== undefined && (this.#walk === null || this.#walk.key !== key)) this.#find(key);
    else if (key === undefined) this.#walk = map === null ? null : { entries: map.entries(), key };
    const walk = this.#walk;
    if (walk === null) return null;
    for (let step = walk.entries.next(); step.done !== true; step = walk.entries.next()) {
      const entry = step.value;
      if (entry[1] === undefined) continue;
      walk.key = entry[0];
      return entry;
    }
    this.#walk = null;
    return null;
  }

  /** Begins a walk behind a key. */
  #find(key: LuaValue): void {
    const map = this.#map;
    if (map === null || !map.has(key)) throw new RangeError("the table has no such key");
    const entries = map.entries();
    for (let step = entries.next(); step.done !== true; step = entries.next()) {
      if (step.value[0] === key || (step.value[0] === 0 && key === 0)) break;
    }
    this.#walk = { entries, key };
  }
}

/** Goes through the entries of a table in the order of `next`, or through the keys from 1 on. */
export class TableWalk {
  key: LuaValue;
  value: LuaValue;
  #at = 0;
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
    return this.#stepInMap();
  }

  #stepInMap(): boolean {
    const entries = this.#entries ??= this.table.mapEntries();
    for (let step = entries.next(); step.done !== true; step = entries.next()) {
      if (step.value[1] === undefined) continue;
      [this.key, this.value] = step.value;
      return true;
    }
    return false;
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
