/** Calls functions of libraries as a script would, and tells what comes of it. */

import { ArgumentError, LibraryError, LuaError } from "../../../lib/scripting/lua/errors.ts";
import { CallingFunction, type LibraryFunctions, StringMaker } from "../../../lib/scripting/lua/library.ts";
import { allOf, type LuaResult, type LuaValue } from "../../../lib/scripting/lua/values.ts";

/** What a call gives, as a list. */
export function call(library: LibraryFunctions, name: string, ...args: LuaValue[]): readonly LuaValue[] {
  const called = library[name];
  if (called instanceof StringMaker) return [called.body(...args)];
  return allOf(called instanceof CallingFunction ? run(called, args) : called(...args));
}

/** The error that a call ends with, an argument's with its number before it; fails if there is none. */
export function failure(library: LibraryFunctions, name: string, ...args: LuaValue[]): LuaValue {
  let values: readonly LuaValue[];
  try {
    values = call(library, name, ...args);
  } catch (error) {
    if (error instanceof ArgumentError) return `#${error.index} ${error.message}`;
    if (error instanceof LibraryError) return error.message;
    if (error instanceof LuaError) return error.value;
    throw error;
  }
  throw new Error(`${name} has given ${JSON.stringify(values)}`);
}

function run({ body, quick }: CallingFunction, args: readonly LuaValue[]): LuaResult {
  const result = quick === null ? null : quick(args);
  if (result !== null) return result;
  const steps = body(...args);
  for (let step = steps.next();;) {
    if (step.done === true) return step.value;
    const { callee, args } = step.value;
    if (typeof callee !== "function") throw new TypeError("only functions can be called");
    step = steps.next(callee(...args));
  }
}
