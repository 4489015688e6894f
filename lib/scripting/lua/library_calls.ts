/**
 * Makes functions of libraries what scripts of a mode call. What they call of the script is, as far as messages go, called
 * from nowhere; what that throws is not caught here, so that whoever catches it finds the place of the call that failed.
 */

import { type Caller, CallingFunction, type CallRequest, type LibraryFunctions, StringMaker } from "./library.ts";
import type { Running, Runtime } from "./runtime.ts";
import { IN_LIBRARY } from "./state.ts";
import { type LuaFunction, type LuaResult, type LuaTable, type LuaValue, NOTHING } from "./values.ts";

/** Puts functions into a table. */
export function addFunctions(runtime: Runtime, table: LuaTable, functions: LibraryFunctions): void {
  const caller = new PlainCaller(runtime);
  for (const [name, written] of Object.entries(functions)) {
    table.set(name, runtime.asLibrary(functionOf(runtime, caller, written)));
  }
}

function functionOf(runtime: Runtime, caller: Caller, written: LibraryFunctions[string]): LuaFunction {
  if (written instanceof StringMaker) return (...args) => runtime.joined(written.body(...args));
  if (!(written instanceof CallingFunction)) return written;
  const { body, plain, quick } = written;
  const run = runtime.isGenerator
    ? (args: readonly LuaValue[]) => runLater(runtime, body(...args)) as unknown as LuaResult // compiled code runs it
    : (args: readonly LuaValue[]) => plain(caller, args);
  if (quick === null) return (...args) => run(args);
  return (...args) => {
    const result = quick(args);
    return result === null ? run(args) : result;
  };
}

/** Calls in plain mode. */
class PlainCaller implements Caller {
  readonly #runtime: Runtime;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  withOne(callee: LuaValue, value: LuaValue): LuaValue {
    this.#enter();
    return this.#left(typeof callee === "function" ? callee(value) : this.#runtime.call(callee, [value], IN_LIBRARY));
  }

  withTwo(callee: LuaValue, one: LuaValue, other: LuaValue): LuaValue {
    this.#enter();
    return this.#left(
      typeof callee === "function" ? callee(one, other) : this.#runtime.call(callee, [one, other], IN_LIBRARY),
    );
  }

  withMany(callee: LuaValue, args: readonly LuaValue[]): LuaValue {
    this.#enter();
    return this.#left(this.#runtime.call(callee, args, IN_LIBRARY));
  }

  #enter(): void {
    const { state } = this.#runtime;
    state.stack[++state.depth] = IN_LIBRARY;
  }

  #left(result: LuaResult): LuaValue {
    const value = this.#runtime.first(result);
    this.#runtime.state.depth--;
    return value;
  }
}

/** Runs the body of a function in generator mode, and what it calls. */
function* runLater(runtime: Runtime, body: Generator<CallRequest, LuaResult, LuaResult>): Running {
  const { state } = runtime;
  let step = body.next(NOTHING);
  while (step.done !== true) {
    const { depth, barriers } = state;
    state.stack[++state.depth] = IN_LIBRARY;
    state.barriers = barriers + 1;
    const result = yield* runtime.settle(runtime.call(step.value.callee, step.value.args, IN_LIBRARY));
    state.depth = depth;
    state.barriers = barriers;
    step = body.next(result);
  }
  return step.value;
}
