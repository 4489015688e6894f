/**
 * What compiled code calls for all that it does not do itself: metatables, conversions, and errors that name the place. It
 * is written once for both modes. An operation that calls a metamethod gives what the call gave, which may be a generator
 * there; compiled code runs that.
 */

import { LuaError, READ_ONLY, ScriptEnd } from "./errors.ts";
import { type ArithmeticEvent, calculate, formatNumber, parseNumber, power } from "./numbers.ts";
import type { Origin, Site } from "./sites.ts";
import { ScriptState } from "./state.ts";
import {
  allOf,
  IndexWalk,
  type LuaFunction,
  type LuaResult,
  LuaTable,
  type LuaValue,
  NOTHING,
  TableWalk,
  typeName,
} from "./values.ts";

/** Metatables that are asked one after the other (MAXTAGLOOP). */
export const MOST_METATABLES = 100;
/** Functions that may be under way at once (LUAI_MAXCALLS); the engine's own stack may end before. */
const MOST_DEPTH = 20_000;
/** From so deep on, a tail call is made by the function below. */
const TAIL_DEPTH = 150;

/** How often a script that cannot be left may go on all the same. */
const MOST_STALLS = 50;

/** Ends a script that cannot be left where it is, as its function is too large. */
export class CannotPause extends ScriptEnd {}

/** A generator that a function of a script gives in generator mode. */
export type Running = Generator<unknown, LuaResult, unknown>;
/** What a call gives before it is settled. */
export type Called = LuaResult | Running;

const GENERATORS = Object.getPrototypeOf(function* () {}).prototype;
/** The class of all generators, for `instanceof`. */
export const AnyGenerator = Object.assign(function () {}, { prototype: GENERATORS }) as unknown as new () => Running; // as nobody makes one with it

/** The result of a tail call that is yet to be made. It is an array, so that whoever looks for several values finds it. */
export class TailCall extends Array<LuaValue> {
  constructor(readonly callee: LuaValue, readonly args: LuaValue[], readonly site: Site) {
    super();
  }
}

export class Runtime {
  readonly state = new ScriptState();
  globals = new LuaTable();
  /** The metatable of all strings. */
  readonly stringMetatable = new LuaTable();
  /** The globals `KEYS` and `ARGV` of the script that runs. */
  keys: LuaValue;
  others: LuaValue;
  /** Functions that no script has written. */
  readonly #libraryFunctions = new WeakSet<LuaFunction>();
  readonly nothing: LuaResult = NOTHING;
  readonly mostDepth = MOST_DEPTH;
  readonly tailDepth = TAIL_DEPTH;
  readonly power = power;
  /** `next`, and what `ipairs` gives: loops over them need no calls. */
  nextFunction: LuaFunction | null = null;
  indexFunction: LuaFunction | null = null;

  /** `tick` is called now and then; in generator mode the script is left for a while where it says so. */
  constructor(readonly isGenerator: boolean, readonly tick: () => boolean) {}

  /** Marks a function as one that no script has written: no coroutine can be made of it. */
  asLibrary(made: LuaFunction): LuaFunction {
    if (this.isGenerator) this.#libraryFunctions.add(made); // nobody asks in plain mode
    return made;
  }

  /** In generator mode: whether a function was so marked. */
  isLibrary(one: LuaFunction): boolean {
    return this.#libraryFunctions.has(one);
  }

  // --- Errors ---------------------------------------------------------------------------------------------------------

  /** An error at a place; what a library does has none. */
  errorAt(site: Site, message: string): LuaError {
    return new LuaError(site.line < 0 ? message : `${site.chunk}:${site.line}: ${message}`, site);
  }

  #wrongOperand(value: LuaValue, origin: Origin | null, what: string, site: Site): LuaError {
    const name = typeName(value);
    const shown = origin === null ? `a ${name} value` : `${origin.kind} '${origin.name}' (a ${name} value)`;
    return this.errorAt(site, `attempt to ${what} ${shown}`);
  }

  tooDeep(): never {
    throw new LuaError(`${this.state.position(2)}stack overflow`);
  }

  // --- Metatables -----------------------------------------------------------------------------------------------------

  metatableOf(value: LuaValue): LuaTable | null {
    if (value instanceof LuaTable) return value.metatable;
    return typeof value === "string" ? this.stringMetatable : null;
  }

  #handler(value: LuaValue, event: string): LuaValue {
    return this.metatableOf(value)?.get(event);
  }

  /** Calls a metamethod. It is a call that the operation makes: what fails in it is told from there. */
  #callHandler(handler: LuaValue, args: readonly LuaValue[], site: Site): Called {
    this.state.stack[this.state.depth] = site;
    return this.call(handler, args, site);
  }

  /** What an operation gives that asks a metamethod: its first value, or the generator that will. */
  #ask(handler: LuaValue, args: readonly LuaValue[], site: Site): LuaValue {
    return this.#answer(this.#callHandler(handler, args, site));
  }

  #answer(called: Called): LuaValue {
    if (this.isGenerator && called instanceof AnyGenerator) return called as unknown as LuaValue; // compiled code runs it
    return this.first(called as LuaResult); // nothing else is left
  }

  // --- Names and entries ----------------------------------------------------------------------------------------------

  global(name: string, site: Site): LuaValue {
    const value = this.globals.get(name);
    return value !== undefined ? value : this.index(this.globals, name, site);
  }

  setGlobal(name: string, value: LuaValue, site: Site): LuaValue {
    return this.setIndex(this.globals, name, value, site);
  }

  index(object: LuaValue, key: LuaValue, site: Site): LuaValue {
    const value = object instanceof LuaTable ? object.get(key) : undefined;
    return value !== undefined ? value : this.indexMissing(object, key, site);
  }

  /** The same of what is no table that has the key. */
  indexMissing(object: LuaValue, key: LuaValue, site: Site): LuaValue {
    let at = object;
    for (let i = 0; i < MOST_METATABLES; i++) {
      let handler: LuaValue;
      if (at instanceof LuaTable) {
        const value = i === 0 ? undefined : at.get(key);
        if (value !== undefined) return value;
        handler = at.metatable?.indexHandler;
        if (handler === undefined) return undefined;
      } else {
        handler = this.#handler(at, "__index");
        if (handler === undefined) throw this.#wrongOperand(at, i === 0 ? site.origin : null, "index", site);
      }
      if (typeof handler === "function") {
        this.state.stack[this.state.depth] = site;
        return this.#answer(handler(at, key));
      }
      at = handler;
    }
    throw this.errorAt(site, "loop in gettable");
  }

  setIndex(object: LuaValue, key: LuaValue, value: LuaValue, site: Site): LuaValue {
    let at = object;
    for (let i = 0; i < MOST_METATABLES; i++) {
      let handler: LuaValue;
      if (at instanceof LuaTable) {
        if (at.isReadOnly) throw this.errorAt(site, READ_ONLY);
        handler = at.metatable === null || at.get(key) !== undefined ? undefined : at.metatable.get("__newindex");
        if (handler === undefined) return this.setField(at, key, value, site);
      } else {
        handler = this.#handler(at, "__newindex");
        if (handler === undefined) throw this.#wrongOperand(at, i === 0 ? site.origin : null, "index", site);
      }
      if (typeof handler === "function") {
        this.state.stack[this.state.depth] = site;
        return this.#answer(handler(at, key, value));
      }
      at = handler;
    }
    throw this.errorAt(site, "loop in settable");
  }

  /** Sets an entry without asking a metatable. */
  setField(table: LuaTable, key: LuaValue, value: LuaValue, site: Site): undefined {
    if (key === undefined) throw this.errorAt(site, "table index is nil");
    if (typeof key === "number" && Number.isNaN(key)) throw this.errorAt(site, "table index is NaN");
    table.set(key, value);
  }

  // --- Operators ------------------------------------------------------------------------------------------------------

  arithmetic(event: ArithmeticEvent, a: LuaValue, b: LuaValue, site: Site): LuaValue {
    const [x, y] = [toNumber(a), toNumber(b)];
    if (x !== undefined && y !== undefined) return calculate(event, x, y);
    const handler = this.#handler(a, event) ?? this.#handler(b, event);
    if (handler !== undefined) return this.#ask(handler, [a, b], site);
    throw x === undefined
      ? this.#wrongOperand(a, site.origin, "perform arithmetic on", site)
      : this.#wrongOperand(b, site.otherOrigin, "perform arithmetic on", site);
  }

  /** What two strings have given. */
  joined(text: string): string {
    this.state.charge(text.length);
    return text;
  }

  concat(a: LuaValue, b: LuaValue, site: Site): LuaValue {
    const [x, y] = [toText(a), toText(b)];
    if (x !== undefined && y !== undefined) return this.joined(x + y);
    const handler = this.#handler(a, "__concat") ?? this.#handler(b, "__concat");
    if (handler !== undefined) return this.#ask(handler, [a, b], site);
    throw x === undefined
      ? this.#wrongOperand(a, site.origin, "concatenate", site)
      : this.#wrongOperand(b, site.otherOrigin, "concatenate", site);
  }

  length(value: LuaValue, site: Site): LuaValue {
    if (typeof value === "string" || value instanceof LuaTable) return value.length;
    throw this.#wrongOperand(value, site.origin, "get length of", site);
  }

  lt(a: LuaValue, b: LuaValue, site: Site): boolean {
    if (typeof a === "number" && typeof b === "number") return a < b;
    if (typeof a === "string" && typeof b === "string") return a < b;
    const handler = this.#comparison(a, b, "__lt");
    if (handler !== undefined) return this.#truth(this.#callHandler(handler, [a, b], site), false);
    throw this.#notComparable(a, b, site);
  }

  le(a: LuaValue, b: LuaValue, site: Site): boolean {
    if (typeof a === "number" && typeof b === "number") return a <= b;
    if (typeof a === "string" && typeof b === "string") return a <= b;
    const handler = this.#comparison(a, b, "__le");
    if (handler !== undefined) return this.#truth(this.#callHandler(handler, [a, b], site), false);
    const opposite = this.#comparison(b, a, "__lt");
    if (opposite !== undefined) return this.#truth(this.#callHandler(opposite, [b, a], site), true);
    throw this.#notComparable(a, b, site);
  }

  /** Whether two tables that are not the same are equal by their metatables. */
  equal(a: LuaTable, b: LuaTable, site: Site): boolean {
    const handler = this.#comparison(a, b, "__eq");
    return handler === undefined ? false : this.#truth(this.#callHandler(handler, [a, b], site), false);
  }

  /** The metamethod that both have for a comparison. */
  #comparison(a: LuaValue, b: LuaValue, event: string): LuaValue {
    if (typeName(a) !== typeName(b)) return undefined;
    const handler = this.#handler(a, event);
    return handler !== undefined && handler === this.#handler(b, event) ? handler : undefined;
  }

  #notComparable(a: LuaValue, b: LuaValue, site: Site): LuaError {
    const [one, other] = [typeName(a), typeName(b)];
    const what = one === other ? `two ${one} values` : `${one} with ${other}`;
    return this.errorAt(site, `attempt to compare ${what}`);
  }

  /** Whether what a metamethod gave is true; or what says so once it has run. */
  #truth(called: Called, isNegated: boolean): boolean {
    if (called instanceof AnyGenerator) return this.#truthLater(called, isNegated) as unknown as boolean; // compiled code runs it
    return isTrue(this.first(called as LuaResult)) !== isNegated;
  }

  *#truthLater(running: Running, isNegated: boolean): Running {
    return isTrue(this.first(yield* this.settleMetamethod(running))) !== isNegated;
  }

  // --- Calls ----------------------------------------------------------------------------------------------------------

  /** Calls whatever can be called. */
  call(callee: LuaValue, args: readonly LuaValue[], site: Site): LuaResult {
    if (typeof callee === "function") return callWith(callee, args);
    const handler = this.#handler(callee, "__call");
    if (typeof handler === "function") return args.length === 1 ? handler(callee, args[0]) : handler(callee, ...args);
    // What a metamethod is has no name.
    throw this.#wrongOperand(callee, site.kind === "operation" ? null : site.origin, "call", site);
  }

  /** The first value of a result. */
  first(result: LuaResult): LuaValue {
    if (!Array.isArray(result)) return result as LuaValue; // what is no array is a value
    if (result instanceof TailCall) return this.first(this.finish(result));
    return result[0];
  }

  /** All values of a result. */
  all(result: LuaResult): readonly LuaValue[] {
    return result instanceof TailCall ? this.all(this.finish(result)) : allOf(result);
  }

  /** Makes tail calls that were left to make, in plain mode. */
  finish(tail: TailCall): LuaResult {
    let result: LuaResult = tail;
    while (result instanceof TailCall) {
      this.state.stack[++this.state.depth] = result.site;
      result = this.call(result.callee, result.args, result.site);
      this.state.depth--;
    }
    return result;
  }

  /** The same in generator mode. */
  *#finishLater(tail: TailCall): Running {
    let result: LuaResult = tail;
    while (result instanceof TailCall) {
      this.state.stack[++this.state.depth] = result.site;
      const called: Called = this.call(result.callee, result.args, result.site);
      result = called instanceof AnyGenerator ? yield* called : called as LuaResult; // nothing else is left
      this.state.depth--;
    }
    return result;
  }

  /** Runs what a call has given until all of it is there. */
  *settle(called: Called): Running {
    const result = called instanceof AnyGenerator ? yield* called : called as LuaResult; // nothing else is left
    return result instanceof TailCall ? yield* this.#finishLater(result) : result;
  }

  /** Runs what a call has given to its end, where the function that makes it cannot be left. */
  now(running: Running): LuaResult {
    for (;;) {
      const step = running.next();
      if (step.done === true) return step.value;
      this.stall();
    }
  }

  /** The script should be left, and cannot be: it is ended if that happens again and again. */
  stall(): void {
    if (++this.state.stalls > MOST_STALLS) throw new CannotPause();
  }

  /** The same of a metamethod, over which no coroutine can yield. */
  *settleMetamethod(called: Called): Running {
    const { state } = this;
    state.barriers++;
    const result = yield* this.settle(called);
    state.barriers--;
    return result;
  }

  // --- Tables and loops -----------------------------------------------------------------------------------------------

  /** A table of values with the keys from 1 on. */
  list(values: LuaValue[]): LuaTable {
    while (values.length > 0 && values[values.length - 1] === undefined) values.pop();
    return new LuaTable(values);
  }

  /** Gives a new table the values of the keys from 1 on. */
  fill(table: LuaTable, values: readonly LuaValue[]): LuaTable {
    for (const [i, value] of values.entries()) table.set(i + 1, value);
    return table;
  }

  /** `arg`: the values of `...`, and how many there are. */
  argTable(values: readonly LuaValue[]): LuaTable {
    const table = this.list([...values]);
    table.set("n", values.length);
    return table;
  }

  /** What a loop goes through without calls; null where it must make them. */
  walk(iterator: LuaValue, table: LuaValue, start: LuaValue): TableWalk | IndexWalk | null {
    if (!(table instanceof LuaTable)) return null;
    if (iterator === this.nextFunction && start === undefined) return new TableWalk(table);
    return iterator === this.indexFunction && start === 0 ? new IndexWalk(table) : null;
  }

  forNumber(value: LuaValue, what: string, site: Site): number {
    const number = toNumber(value);
    if (number === undefined) throw this.errorAt(site, `'for' ${what} must be a number`);
    return number;
  }
}

/** Calls a function; with few arguments without spreading them, which takes Bun several times as long. */
function callWith(callee: LuaFunction, args: readonly LuaValue[]): LuaResult {
  switch (args.length) {
    case 0:
      return callee();
    case 1:
      return callee(args[0]);
    case 2:
      return callee(args[0], args[1]);
    case 3:
      return callee(args[0], args[1], args[2]);
    default:
      return callee(...args);
  }
}

/** Whether a value counts as true. */
export function isTrue(value: LuaValue): boolean {
  return value !== undefined && value !== false;
}

/** A number, or the one that a string is. */
export function toNumber(value: LuaValue): number | undefined {
  if (typeof value === "number") return value;
  return typeof value === "string" ? parseNumber(value) : undefined;
}

/** A string, or a number as one. */
export function toText(value: LuaValue): string | undefined {
  if (typeof value === "string") return value;
  return typeof value === "number" ? formatNumber(value) : undefined;
}
