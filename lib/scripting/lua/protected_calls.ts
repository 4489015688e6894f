/**
 * `pcall` and `xpcall`. Scripts make many of them, so they are generators only where what they call is one. No coroutine
 * can yield over them.
 */

import { ArgumentError } from "./errors.ts";
import { AnyGenerator, type Called, type Running, type Runtime, TailCall } from "./runtime.ts";
import { IN_LIBRARY } from "./state.ts";
import { allOf, type LuaFunction, type LuaResult, LuaTable, type LuaValue } from "./values.ts";

/** How often a handler of `xpcall` is called that fails: each of its errors is handled within the call before. */
const MOST_HANDLER_CALLS = 200;
const ERROR_IN_HANDLER = "error in error handling";

/** What a protected call gives that has failed with a value; as a call's result, that may be a generator. */
type Failed = (value: LuaValue) => LuaResult;

export function pcallFunction(runtime: Runtime): LuaFunction {
  const failed: Failed = (value) => failedCall(runtime, value);
  return (...args) => protect(runtime, args, failed);
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
function failedCall(runtime: Runtime, value: LuaValue): LuaResult {
  if (!(value instanceof LuaTable)) return [false, value];
  if (value.metatable === null) return withMessage(value, value.get("err"));
  const { state } = runtime;
  const { depth } = state;
  state.stack[++state.depth] = IN_LIBRARY;
  const message = runtime.index(value, "err", IN_LIBRARY);
  if ((message as unknown) instanceof AnyGenerator) {
    return failedLater(runtime, value, message as unknown as Running, depth) as unknown as LuaResult; // compiled code runs it
  }
  state.depth = depth;
  return withMessage(value, message);
}

/** The same where a metatable's function is yet to be run, in generator mode. */
function* failedLater(runtime: Runtime, value: LuaTable, running: Running, depth: number): Running {
  const message = runtime.first(yield* runtime.settleMetamethod(running));
  runtime.state.depth = depth;
  return withMessage(value, message);
}

function withMessage(value: LuaTable, message: LuaValue): LuaResult {
  return typeof message === "string" || typeof message === "number" ? [false, message] : [false, value, message];
}

/** What `xpcall` gives of an error: what its handler makes of that, or of the one that it fails with itself. */
function handled(runtime: Runtime, handler: LuaValue, value: LuaValue): LuaResult {
  if (typeof handler !== "function") return [false, ERROR_IN_HANDLER];
  let failure = value;
  for (let calls = 0; calls < MOST_HANDLER_CALLS; calls++) {
    const result = protect(runtime, [handler, failure], failedHandler);
    if (result instanceof AnyGenerator) {
      return handledLater(runtime, handler, result, calls) as unknown as LuaResult; // compiled code runs it
    }
    const [isFine, made] = allOf(result);
    if (isFine === true) return [false, made];
    failure = made;
  }
  return [false, ERROR_IN_HANDLER];
}

/** The same from a call on that is under way. */
function* handledLater(runtime: Runtime, handler: LuaValue, running: LuaResult & Running, calls: number): Running {
  let result: LuaResult = running;
  for (;;) {
    const [isFine, made] = allOf(yield* runtime.settle(result));
    if (isFine === true) return [false, made];
    if (++calls === MOST_HANDLER_CALLS) return [false, ERROR_IN_HANDLER];
    result = protect(runtime, [handler, made], failedHandler);
  }
}

function failedHandler(value: LuaValue): LuaResult {
  return [false, value];
}
