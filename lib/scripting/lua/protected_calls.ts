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
  return (...args) => {
    // Redis puts its result below the arguments first, and calls that where there are none.
    const callee = args.length === 0 ? true : args.shift();
    return protect(runtime, callee, args, failedCall);
  };
}

export function xpcallFunction(runtime: Runtime): LuaFunction {
  return (...args) => {
    if (args.length < 2) throw new ArgumentError(2, "value expected");
    return protect(runtime, args[0], [], (value) => handle(runtime, args[1], value));
  };
}

function protect(runtime: Runtime, callee: LuaValue, args: readonly LuaValue[], failed: Failed): LuaResult {
  const { state } = runtime;
  const { depth, barriers } = state;
  state.stack[++state.depth] = IN_LIBRARY;
  state.barriers = barriers + 1;
  let result: LuaResult;
  try {
    const called: Called = runtime.call(callee, args, IN_LIBRARY);
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

/** Has a handler make what `xpcall` gives of an error. What goes wrong in it is not caught. */
function handle(runtime: Runtime, handler: LuaValue, value: LuaValue): LuaResult {
  const { state } = runtime;
  const { depth, barriers } = state;
  state.stack[++state.depth] = IN_LIBRARY;
  state.barriers = barriers + 1;
  const called: Called = runtime.call(handler, [value], IN_LIBRARY);
  if (isUnderWay(runtime, called)) {
    return handleLater(runtime, called, depth, barriers) as unknown as LuaResult; // compiled code runs it
  }
  const result = runtime.all(called as LuaResult); // nothing else is left
  state.depth = depth;
  state.barriers = barriers;
  return [false, ...result];
}

function* handleLater(runtime: Runtime, called: Called, depth: number, barriers: number): Running {
  const result = allOf(yield* runtime.settle(called));
  runtime.state.depth = depth;
  runtime.state.barriers = barriers;
  return [false, ...result];
}
