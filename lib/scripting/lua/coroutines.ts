/**
 * Coroutines (Lua 5.1 reference manual, 2.11 and 5.2). In a script of generators a coroutine is one, which is left where it
 * yields. One of plain functions cannot be left: where it makes a coroutine, it has to begin again as generators.
 */

import { ArgumentError, LuaError, ScriptEnd } from "./errors.ts";
import type { LibraryFunctions } from "./library.ts";
import type { Running, Runtime } from "./runtime.ts";
import { allOf, type LuaFunction, type LuaResult, LuaThread, type LuaValue } from "./values.ts";

/** Thrown by a script of plain functions that cannot go on as one. */
export class NeedsGenerators extends ScriptEnd {}

/** What a coroutine hands out when it yields, among all else that generators yield. */
class Yielded {
  constructor(readonly values: readonly LuaValue[]) {}
}

type Status = "suspended" | "running" | "normal" | "dead";

class Coroutine extends LuaThread {
  override status: Status = "suspended";
  running: Running | null = null;
  /** Calls within the coroutine, while it is suspended. */
  depth = 0;
  constructor(readonly body: LuaFunction) {
    super();
  }
}

export function coroutineFunctions(runtime: Runtime): LibraryFunctions {
  if (!runtime.isGenerator) return refusals();
  const { state } = runtime;
  let current: Coroutine | null = null;

  function* resume(coroutine: Coroutine, args: readonly LuaValue[]): Generator<unknown, LuaResult, unknown> {
    if (coroutine.status !== "suspended") {
      return [false, `cannot resume ${coroutine.status} coroutine`];
    }
    const [before, { depth, barriers }] = [current, state];
    if (before !== null) before.status = "normal";
    current = coroutine;
    coroutine.status = "running";
    state.barriers = 0;
    try {
      const result = yield* goOn(coroutine, args);
      return [true, ...result];
    } catch (error) {
      const value = state.errorValue(error);
      coroutine.status = "dead";
      return [false, value];
    } finally {
      current = before;
      if (before !== null) before.status = "running";
      state.depth = depth;
      state.barriers = barriers;
    }
  }

  /** Runs a coroutine until it yields or ends. */
  function* goOn(coroutine: Coroutine, args: readonly LuaValue[]): Generator<unknown, readonly LuaValue[], unknown> {
    let sent: unknown = args;
    if (coroutine.running === null) coroutine.running = runtime.settle(coroutine.body(...args));
    else state.depth = coroutine.depth;
    for (;;) {
      const step = coroutine.running.next(sent);
      if (step.done === true) {
        coroutine.status = "dead";
        return allOf(step.value);
      }
      if (step.value instanceof Yielded) {
        coroutine.status = "suspended";
        coroutine.depth = state.depth;
        return step.value.values;
      }
      sent = yield step.value; // the whole script is left for a while
    }
  }

  return {
    create: (...args) => new Coroutine(bodyOf(args)),
    resume: (...args) => {
      const [coroutine] = args;
      if (!(coroutine instanceof Coroutine)) throw new ArgumentError(1, "coroutine expected");
      return resume(coroutine, args.slice(1)) as unknown as LuaResult; // compiled code runs it
    },
    running: () => current ?? undefined,
    status: (...args) => {
      const [coroutine] = args;
      if (!(coroutine instanceof Coroutine)) throw new ArgumentError(1, "coroutine expected");
      return coroutine.status;
    },
    wrap: (...args) => {
      const coroutine = new Coroutine(bodyOf(args));
      return (...values) => unwrapped(resume(coroutine, values), runtime) as unknown as LuaResult; // compiled code runs it
    },
    yield: (...args) => {
      if (current === null || state.barriers > 0) {
        throw new LuaError("attempt to yield across metamethod/C-call boundary");
      }
      return yieldValues(args) as unknown as LuaResult; // compiled code runs it
    },
  };
}

function bodyOf(args: readonly LuaValue[]): LuaFunction {
  const [body] = args;
  if (typeof body !== "function") throw new ArgumentError(1, "Lua function expected");
  return body;
}

function* yieldValues(values: readonly LuaValue[]): Generator<unknown, LuaResult, unknown> {
  return (yield new Yielded(values)) as LuaResult; // what resume was called with
}

function* unwrapped(running: Running, runtime: Runtime): Running {
  const [isFine, ...values] = allOf(yield* runtime.settle(running));
  if (isFine === true) return values;
  throw new LuaError(values[0]);
}

function refusals(): LibraryFunctions {
  const refuse = () => {
    throw new NeedsGenerators();
  };
  return {
    create: refuse,
    resume: refuse,
    running: () => undefined,
    status: refuse,
    wrap: refuse,
    yield: refuse,
  };
}
