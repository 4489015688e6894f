/**
 * `redis.register_function`: what a library gives away of itself while it is loaded (Redis documentation, "Lua API
 * reference"). Each call is noted for whoever loads the library.
 */

import { LuaError } from "./lua/errors.ts";
import { toText } from "./lua/runtime.ts";
import { type LuaFunction, LuaTable, type LuaValue, NOTHING } from "./lua/values.ts";
import { errorTable } from "./replies.ts";
import { SCRIPT_FLAGS } from "./shebang.ts";

const NAME = /^\w+$/;
/** What is said of a name that is none. */
export const BAD_NAME =
  "Library names can only contain letters, numbers, or underscores(_) and must be at least one character long";

/** Whether a name may be that of a library, or of a function. */
export function isName(name: string): boolean {
  return NAME.test(name);
}

/** A function as a library has registered it. */
export interface Registered {
  readonly name: string;
  readonly description: string | null;
  readonly callback: LuaFunction;
  /** Of shebang.ts. */
  readonly flags: number;
}

/** An error of the call: a table, as all that `redis` throws are. */
function failure(message: string): LuaError {
  return new LuaError(errorTable(`ERR ${message}`));
}

/** Takes what is registered, while a library is loaded. */
export class Registration {
  /** What has been registered, by name; null while no library is loaded. */
  found: Map<string, Registered> | null = null;

  readonly register = (...args: LuaValue[]): readonly LuaValue[] => {
    const { found } = this;
    if (found === null) throw failure("redis.register_function can only be called on FUNCTION LOAD command");
    if (args.length < 1 || args.length > 2) throw failure("wrong number of arguments to redis.register_function");
    const registered = args.length === 1 ? readNamed(args[0]) : readPositional(args);
    if (!isName(registered.name)) throw failure(BAD_NAME);
    if (found.has(registered.name)) throw failure("Function already exists in the library");
    found.set(registered.name, registered);
    return NOTHING;
  };
}

function readPositional([first, callback]: readonly LuaValue[]): Registered {
  const name = toText(first);
  if (name === undefined) throw failure("first argument to redis.register_function must be a string");
  if (typeof callback !== "function") throw failure("second argument to redis.register_function must be a function");
  return { name, description: null, callback, flags: 0 };
}

function readNamed(args: LuaValue): Registered {
  if (!(args instanceof LuaTable)) {
    throw failure(
      "calling redis.register_function with a single argument is only applicable to Lua table (representing named arguments).",
    );
  }
  let name: string | undefined;
  let description: string | undefined;
  let callback: LuaFunction | null = null;
  let flags = 0;
  for (let entry = args.next(undefined); entry !== null; entry = args.next(entry[0])) {
    const [key, value] = [toText(entry[0])?.toLowerCase(), entry[1]];
    if (key === undefined) throw failure("named argument key given to redis.register_function is not a string");
    if (key === "function_name") name = textOf(key, value);
    else if (key === "description") description = textOf(key, value);
    else if (key === "callback") {
      if (typeof value !== "function") {
        throw failure("callback argument given to redis.register_function must be a function");
      }
      callback = value;
    } else if (key === "flags") flags = readFlags(value);
    else throw failure("unknown argument given to redis.register_function");
  }
  if (name === undefined) throw failure("redis.register_function must get a function name argument");
  if (callback === null) throw failure("redis.register_function must get a callback argument");
  return { name, description: description ?? null, callback, flags };
}

function textOf(key: string, value: LuaValue): string {
  const text = toText(value);
  if (text === undefined) throw failure(`${key} argument given to redis.register_function must be a string`);
  return text;
}

function readFlags(value: LuaValue): number {
  if (!(value instanceof LuaTable)) {
    throw failure("flags argument to redis.register_function must be a table representing function flags");
  }
  let flags = 0;
  for (let i = 1; value.get(i) !== undefined; i++) {
    const shown = toText(value.get(i))?.toLowerCase();
    const known = SCRIPT_FLAGS.find(([name]) => name === shown);
    if (known === undefined) throw failure("unknown flag given");
    flags |= known[1];
  }
  return flags;
}
