/**
 * How the functions of libraries are written. One that calls nothing of the script is a plain function. One that does, as
 * `table.sort` calls its comparison, has a body for each mode: a plain one, which calls at once, and a generator, which
 * yields what it calls and is handed the result, so that the script may stop in the middle of the call. What is not short
 * both share.
 */

import type { LuaResult, LuaValue } from "./values.ts";

/** What a library function has called, yielded by its body. */
export class CallRequest {
  constructor(readonly callee: LuaValue, readonly args: readonly LuaValue[]) {}
}

/** The body of a function that calls others. It catches nothing: what a call throws goes past it. */
export type CallingBody = (...args: LuaValue[]) => Generator<CallRequest, LuaResult, LuaResult>;

/** Makes calls at once, and gives the first value of each. */
export interface Caller {
  withOne(callee: LuaValue, value: LuaValue): LuaValue;
  withTwo(callee: LuaValue, one: LuaValue, other: LuaValue): LuaValue;
  withMany(callee: LuaValue, args: readonly LuaValue[]): LuaValue;
}

/** The same where the script cannot stop. */
export type PlainBody = (caller: Caller, args: readonly LuaValue[]) => LuaResult;

/** What such a function gives where it need not call anybody; null where it must. It has done nothing by then. */
export type QuickBody = (args: readonly LuaValue[]) => LuaResult | null;

/** A function that calls others. */
export class CallingFunction {
  constructor(
    readonly body: CallingBody,
    readonly plain: PlainBody,
    readonly quick: QuickBody | null = null,
  ) {}
}

/** A function that calls nobody, and makes a string as long as whatever it is given, or longer: that is counted. */
export class StringMaker {
  constructor(readonly body: (...args: LuaValue[]) => string) {}
}

/** The functions of a library by name. Each has its arguments as they came, so that one too few is told from nil. */
export type LibraryFunctions = Readonly<
  Record<string, ((...args: LuaValue[]) => LuaResult) | StringMaker | CallingFunction>
>;
