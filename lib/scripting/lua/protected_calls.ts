/**
 * `pcall` and `xpcall`. Scripts make many of them, so they are generators only where what they call is one. No coroutine
 * can yield over them.
 */

import { ArgumentError } from "./errors.ts";
import { AnyGenerator, type Called, type Running, type Runtime, TailCall } from "./runtime.ts";
import { IN_LIBRARY } from "./state.ts";
import { allOf, type LuaFunction, type LuaResult, LuaTable, type LuaValue } from "./values.ts";

/** What a protected call gives that has failed with a value; as a call's result, that may be a generator. */
type Failed = (value: LuaValue) => LuaResult;

export function pcallFunction(runtime: Runtime): LuaFunction {
  return (...args) => protect(runtime, args, failedCall);
}

export function xpcallFunction(runtime: Runtime): LuaFunction {
  return (...args) => {
    if (args.length < 2) throw new ArgumentError(2, "value expected");
    return protect(runtime, [args[0]], (value) => handled(runtime, args[1], value));
  };
}

/** Calls the first of `args` with the others. */
function protect(runtime: Runtime, args: readonly LuaValue[], failed: Failed): LuaResult {
  const { state } = runtime;
  const { depth, barriers } = state;
  state.stack[++state.depth] = IN_LIBRARY;
  state.barriers = barriers + 1;
  let result: LuaResult;
  try {
    const called: Called = callFirst(runtime, args);
    if (isUnderWay(runtime, called)) {
      return protectLater(runtime, called, depth, barriers, failed) as unknown as LuaResult; // compiled code runs it
    }
    result = runtime.all(called as LuaResult); // nothing else is left
  } catch (thrown) {
    const value = state.errorValue(thrown);
    state.depth = depth;
    state.barriers = barriers;
    return failed(value);
  }
  state.depth = depth;
  state.barriers = barriers;
  return succeeded(result);
}

function callFirst(runtime: Runtime, args: readonly LuaValue[]): LuaResult {
  const callee = args[0];
  if (typeof callee === "function") {
    // Few arguments are passed without a list.
    if (args.length === 1) return callee();
    if (args.length === 2) return callee(args[1]);
    if (args.length === 3) return callee(args[1], args[2]);
  }
  // Redis puts the result of `pcall` below the arguments first, and calls that where there are none.
  return runtime.call(args.length === 0 ? true : callee, args.slice(1), IN_LIBRARY);
}

/** Runs what a call has given in generator mode. `depth` and `barriers`: what they are outside of the call. */
function* protectLater(runtime: Runtime, called: Called, depth: number, barriers: number, failed: Failed): Running {
  const { state } = runtime;
  let value: LuaValue;
  try {
    const result = yield* runtime.settle(called);
    state.depth = depth;
    state.barriers = barriers;
    return succeeded(result);
  } catch (thrown) {
    value = state.errorValue(thrown);
    state.depth = depth;
    state.barriers = barriers;
  }
  return yield* runtime.settle(failed(value));
}

/** Whether what a call has given is yet to be run, in generator mode. */
function isUnderWay(runtime: Runtime, called: Called): boolean {
  return runtime.isGenerator && (called instanceof AnyGenerator || called instanceof TailCall);
}

function succeeded(result: LuaResult): LuaResult {
  return Array.isArray(result) ? [true, ...result] : [true, result as LuaValue]; // what is no array is a value
}

/** What Redis's `pcall` gives of an error: of a table its field `err`, which follows the table where it is no string. */
function failedCall(value: LuaValue): LuaResult {
  if (!(value instanceof LuaTable)) return [false, value];
  const message = value.get("err");
  return typeof message === "string" || typeof message === "number" ? [false, message] : [false, value, message];
}

/** What `xpcall` gives of an error: the first value that its handler makes of it. */
function handled(runtime: Runtime, handler: LuaValue, value: LuaValue): LuaResult {
  const result = protect(runtime, [handler, value], failedHandler);
  return result instanceof AnyGenerator
    ? handledLater(runtime, result) as unknown as LuaResult // compiled code runs it
    : [false, allOf(result)[1]];
}

function* handledLater(runtime: Runtime, running: Running): Running {
  return [false, allOf(yield* runtime.settle(running))[1]];
}

function failedHandler(): LuaResult {
  return [false, "error in error handling"];
}
