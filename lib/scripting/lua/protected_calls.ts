/**
 * `pcall` and `xpcall`. Scripts make many of them, so they are generators only where what they call is one. No coroutine
 * can yield over them.
 */

import { ArgumentError, LuaError } from "./errors.ts";
import { AnyGenerator, type Called, type Running, type Runtime, TailCall } from "./runtime.ts";
import { IN_LIBRARY, type ScriptState } from "./state.ts";
import { allOf, type LuaFunction, type LuaResult, LuaTable, type LuaValue } from "./values.ts";

/** How often a handler of `xpcall` is called that fails: each of its errors is handled within the call before. */
const MOST_HANDLER_CALLS = 200;
const ERROR_IN_HANDLER = "error in error handling";
/** So much of the stack of calls must be left for a handler to be called on top of what has failed. */
const ROOM_FOR_HANDLER = 1000;

/** An error that was caught. */
interface Failure {
  readonly value: LuaValue;
  /** Whether a function of a library has failed, and not an operation of the script. */
  readonly isInLibrary: boolean;
}

/** What a protected call gives that has failed; as a call's result, that may be a generator. */
interface Failed {
  /** Whether the stack of calls is still to be as it was where the call failed. */
  readonly keepsStack: boolean;
  readonly resultOf: (failure: Failure) => LuaResult;
}

export function pcallFunction(runtime: Runtime): LuaFunction {
  const failed: Failed = { keepsStack: false, resultOf: ({ value }) => failedCall(runtime, value) };
  return (...args) => protect(runtime, args, failed, true);
}

export function xpcallFunction(runtime: Runtime): LuaFunction {
  const { state } = runtime;
  return (...args) => {
    if (args.length < 2) throw new ArgumentError(2, "value expected");
    const { depth, barriers } = state;
    const resultOf = (failure: Failure) => handled(runtime, args[1], failure, depth, barriers);
    return protect(runtime, [args[0]], { keepsStack: true, resultOf }, true);
  };
}

/** Calls the first of `args` with the others; `byLibrary`: not in the place of what has failed before. */
function protect(runtime: Runtime, args: readonly LuaValue[], failed: Failed, byLibrary: boolean): LuaResult {
  const { state } = runtime;
  const { depth, barriers } = state;
  if (byLibrary) state.stack[++state.depth] = IN_LIBRARY;
  state.barriers = barriers + 1;
  let result: LuaResult;
  try {
    const called: Called = callFirst(runtime, args);
    if (isUnderWay(runtime, called)) {
      return protectLater(runtime, called, depth, barriers, failed) as unknown as LuaResult; // compiled code runs it
    }
    result = runtime.all(called as LuaResult); // nothing else is left
  } catch (thrown) {
    const failure = failureOf(runtime, thrown);
    if (!failed.keepsStack) {
      state.depth = depth;
      state.barriers = barriers;
    }
    return failed.resultOf(failure);
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
  let failure: Failure;
  try {
    const result = yield* runtime.settle(called);
    state.depth = depth;
    state.barriers = barriers;
    return succeeded(result);
  } catch (thrown) {
    failure = failureOf(runtime, thrown);
    if (!failed.keepsStack) {
      state.depth = depth;
      state.barriers = barriers;
    }
  }
  return yield* runtime.settle(failed.resultOf(failure));
}

/** To be asked before anything else is called. */
function failureOf({ state }: Runtime, thrown: unknown): Failure {
  const site = thrown instanceof LuaError ? thrown.site : null;
  const value = state.errorValue(thrown);
  if (site !== null) state.stack[state.depth] = site; // operations do not note it before
  return { value, isInLibrary: site === null };
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

/**
 * What `xpcall` gives of an error: what its handler makes of that. It is called on top of what has failed, as far as there
 * is room for it, and by levels can tell where that was.
 */
function handled(
  runtime: Runtime,
  handler: LuaValue,
  failure: Failure,
  depth: number,
  barriers: number,
): LuaResult {
  const { state } = runtime;
  if (state.depth > runtime.mostDepth - ROOM_FOR_HANDLER) state.depth = depth;
  const result = callHandler(runtime, handler, failure, 0);
  if (result instanceof AnyGenerator) {
    return handledLater(state, result, depth, barriers) as unknown as LuaResult; // compiled code runs it
  }
  return leaveHandler(state, result, depth, barriers);
}

/** The same from a call on that is under way. */
function* handledLater(state: ScriptState, running: Running, depth: number, barriers: number): Running {
  return leaveHandler(state, yield* running, depth, barriers);
}

function leaveHandler(state: ScriptState, result: LuaResult, depth: number, barriers: number): LuaResult {
  state.depth = depth;
  state.barriers = barriers;
  return [false, allOf(result)[1]];
}

/** Calls a handler: true and what it makes of a failure, or of its own; `calls`: how often it has failed so far. */
function callHandler(runtime: Runtime, handler: LuaValue, { value, isInLibrary }: Failure, calls: number): LuaResult {
  if (typeof handler !== "function" || calls === MOST_HANDLER_CALLS) return [true, ERROR_IN_HANDLER];
  const failed: Failed = {
    keepsStack: true,
    resultOf: (failure) => callHandler(runtime, handler, failure, calls + 1),
  };
  return protect(runtime, [handler, value], failed, isInLibrary);
}
