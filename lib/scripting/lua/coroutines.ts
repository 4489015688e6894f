/**
 * Coroutines (Lua 5.1 reference manual, 2.11 and 5.2). In a script of generators a coroutine is one, which is left where it
 * yields. One of plain functions cannot be left: where it makes a coroutine, it has to begin again as generators.
 */

import { ArgumentError, LibraryError, LuaError, ScriptEnd } from "./errors.ts";
import type { LibraryFunctions } from "./library.ts";
import { type Running, type Runtime, toText } from "./runtime.ts";
import type { Site } from "./sites.ts";
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
  /** Calls that were under way where it was resumed first: its own are noted behind these, wherever it is resumed from. */
  base = 0;
  /** Its own, while it is suspended. */
  calls: Site[] = [];
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
    const [before, { depth, base, barriers }] = [current, state];
    if (coroutine.running === null) coroutine.base = depth;
    // Where its calls are noted, there may be those of whoever resumes it.
    const covered = state.stack.slice(coroutine.base + 1, depth + 1);
    if (before !== null) before.status = "normal";
    current = coroutine;
    coroutine.status = "running";
    state.base = coroutine.base;
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
      for (const [i, site] of covered.entries()) state.stack[coroutine.base + 1 + i] = site;
      state.depth = depth;
      state.base = base;
      state.barriers = barriers;
    }
  }

  /** Runs a coroutine until it yields or ends. */
  function* goOn(coroutine: Coroutine, args: readonly LuaValue[]): Generator<unknown, readonly LuaValue[], unknown> {
    let sent: unknown = args;
    if (coroutine.running === null) coroutine.running = runtime.settle(coroutine.body(...args));
    else {
      for (const [i, site] of coroutine.calls.entries()) state.stack[coroutine.base + 1 + i] = site;
      state.depth = coroutine.base + coroutine.calls.length;
    }
    for (;;) {
      const step = coroutine.running.next(sent);
      if (step.done === true) {
        coroutine.status = "dead";
        return allOf(step.value);
      }
      if (step.value instanceof Yielded) {
        coroutine.status = "suspended";
        coroutine.calls = state.stack.slice(coroutine.base + 1, state.depth + 1);
        return step.value.values;
      }
      sent = yield step.value; // the whole script is left for a while
    }
  }

  return {
    create: (...args) => new Coroutine(bodyOf(args, runtime)),
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
      const coroutine = new Coroutine(bodyOf(args, runtime));
      return runtime.asLibrary(
        (...values) => unwrapped(resume(coroutine, values), runtime) as unknown as LuaResult, // compiled code runs it
      );
    },
    yield: (...args) => {
      if (current === null || state.barriers > 0) {
        throw new LuaError("attempt to yield across metamethod/C-call boundary");
      }
      return yieldValues(args) as unknown as LuaResult; // compiled code runs it
    },
  };
}

function bodyOf(args: readonly LuaValue[], runtime: Runtime): LuaFunction {
  const [body] = args;
  if (typeof body !== "function" || runtime.isLibrary(body)) {
    throw new ArgumentError(1, "Lua function expected");
  }
  return body;
}

function* yieldValues(values: readonly LuaValue[]): Generator<unknown, LuaResult, unknown> {
  return (yield new Yielded(values)) as LuaResult; // what resume was called with
}

function* unwrapped(running: Running, runtime: Runtime): Running {
  const [isFine, ...values] = allOf(yield* runtime.settle(running));
  if (isFine === true) return values;
  // What is a text is told from where the coroutine was resumed.
  const message = toText(values[0]);
  throw message === undefined ? new LuaError(values[0]) : new LibraryError(message);
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
