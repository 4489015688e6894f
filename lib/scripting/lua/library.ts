/**
 * How the functions of libraries are written. One that calls nothing of the script is a plain function. One that does, as
 * `string.gsub` calls its replacement, yields what it calls and is handed the result: so it is written once, and runs in a
 * script of plain functions as in one of generators, which may stop in the middle of the call.
 */

import type { LuaResult, LuaValue } from "./values.ts";

/** What a library function has called, yielded by its body. An error of the call is thrown where it yields. */
export class CallRequest {
  constructor(readonly callee: LuaValue, readonly args: readonly LuaValue[]) {}
}

/** The body of a function that calls others. */
export type CallingBody = (...args: LuaValue[]) => Generator<CallRequest, LuaResult, LuaResult>;

/** What such a function gives where it need not call anybody; null where it must. It has done nothing by then. */
export type QuickBody = (args: readonly LuaValue[]) => LuaResult | null;

/** A function that calls others. */
export class CallingFunction {
  constructor(readonly body: CallingBody, readonly quick: QuickBody = () => null) {}
}

/** A function that calls nobody, and makes a string as long as whatever it is given, or longer: that is counted. */
export class StringMaker {
  constructor(readonly body: (...args: LuaValue[]) => string) {}
}

/** The functions of a library by name. Each has its arguments as they came, so that one too few is told from nil. */
export type LibraryFunctions = Readonly<
  Record<string, ((...args: LuaValue[]) => LuaResult) | StringMaker | CallingFunction>
>;
