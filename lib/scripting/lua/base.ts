/** The basic functions (Lua 5.1 reference manual, 5.1), as far as Redis leaves them to scripts. */

import {
  anyArgument,
  type Arguments,
  intArgument,
  optionalInt,
  optionalString,
  stringArgument,
  tableArgument,
  wrongType,
} from "./arguments.ts";
import { ArgumentError, LibraryError, LuaError, READ_ONLY } from "./errors.ts";
import { CallingFunction, CallRequest, type LibraryFunctions } from "./library.ts";
import { formatNumber, parseNumber } from "./numbers.ts";
import { pcallFunction, xpcallFunction } from "./protected_calls.ts";
import { isTrue, type Runtime } from "./runtime.ts";
import { MOST_SLOTS } from "./stack.ts";
import {
  firstOf,
  type LuaFunction,
  type LuaResult,
  LuaTable,
  LuaThread,
  type LuaValue,
  NOTHING,
  typeName,
} from "./values.ts";

/** Before the address of the first object that is asked for its own, and how far the next is from it. */
const FIRST_ADDRESS = 0x7f0000001000;
const ADDRESS_STEP = 0x40;
const KILOBYTE = 1024;
const INTEGER_DIGITS = /^[ \t\n\v\f\r]*([+-]?)([0-9a-z]+)[ \t\n\v\f\r]*$/i;
const HEXADECIMAL_PREFIX = /^([ \t\n\v\f\r]*[+-]?)0x(?=[0-9a-f])/i;
/** Numbers of other bases are C's unsigned ones (`strtoul`): what is negative wraps around. */
const UNSIGNED_BITS = 64;
const MOST_UNSIGNED = 2n ** 64n - 1n;

/** What the basic functions need beyond the runtime. */
export interface BaseHost {
  /** Compiles a source that a script has made itself. */
  load(source: string, name: string): LuaFunction;
  /** Memory that scripts use, in bytes. */
  memoryBytes(): number;
}

/** The iterators that loops know are the runtime's `nextFunction` and `indexFunction`, which this sets. */
export function baseFunctions(runtime: Runtime, host: BaseHost): LibraryFunctions {
  const addresses = new WeakMap<object, string>();
  let lastAddress = FIRST_ADDRESS;
  const next = (...args: LuaValue[]): LuaResult => nextEntry(args);
  const nextIndex = (...args: LuaValue[]): LuaResult => {
    const at = intArgument(args, 2) + 1;
    const value = tableArgument(args, 1).get(at);
    return value === undefined ? undefined : [at, value];
  };
  runtime.nextFunction = next;
  runtime.indexFunction = runtime.asLibrary(nextIndex);

  const addressOf = (value: object): string => {
    const known = addresses.get(value);
    if (known !== undefined) return known;
    lastAddress += ADDRESS_STEP;
    const address = `0x${lastAddress.toString(16)}`;
    addresses.set(value, address);
    return address;
  };

  const shown = (value: LuaValue): string => {
    switch (typeof value) {
      case "undefined":
        return "nil";
      case "number":
        return formatNumber(value);
      case "boolean":
      case "string":
        return String(value);
      default:
        return value instanceof LuaTable || value instanceof LuaThread || typeof value === "function"
          ? `${typeName(value)}: ${addressOf(value)}`
          : value.text;
    }
  };

  return {
    assert: (...args) => {
      if (isTrue(anyArgument(args, 1))) return args;
      const [message] = optionalString(args, 2, "assertion failed!").split("\0", 1); // C sees its end there
      throw new LibraryError(message);
    },
    collectgarbage: (...args) => collectGarbage(args, host),
    error: (...args) => {
      const level = optionalInt(args, 2, 1);
      const [value] = args;
      const isPlaced = level > 0 && (typeof value === "string" || typeof value === "number");
      throw new LuaError(isPlaced ? runtime.state.position(level) + shown(value) : value);
    },
    gcinfo: () => Math.floor(host.memoryBytes() / KILOBYTE),
    getmetatable: (...args) => {
      const metatable = runtime.metatableOf(anyArgument(args, 1));
      return metatable?.get("__metatable") ?? metatable ?? undefined;
    },
    ipairs: (...args) => [nextIndex, tableArgument(args, 1), 0],
    load: new CallingFunction(
      function* (...args) {
        const reader = new SourceReader(args);
        while (reader.takes(firstOf(yield new CallRequest(args[0], [])))); // all is done in the condition
        return loaded(host, reader.source, reader.name);
      },
      (caller, args) => {
        const reader = new SourceReader(args);
        while (reader.takes(caller.withMany(args[0], []))); // all is done in the condition
        return loaded(host, reader.source, reader.name);
      },
    ),
    loadstring: (...args) => {
      const source = stringArgument(args, 1);
      return loaded(host, source, args[1] === undefined ? source : stringArgument(args, 2));
    },
    next,
    pairs: (...args) => [next, tableArgument(args, 1), undefined],
    pcall: pcallFunction(runtime),
    rawequal: (...args) => anyArgument(args, 1) === anyArgument(args, 2),
    rawget: (...args) => tableArgument(args, 1).get(anyArgument(args, 2)),
    rawset: (...args) => {
      const table = tableArgument(args, 1);
      const key = anyArgument(args, 2);
      anyArgument(args, 3);
      if (table.isReadOnly) throw new LuaError(READ_ONLY);
      if (key === undefined) throw new LuaError("table index is nil");
      if (Number.isNaN(key)) throw new LuaError("table index is NaN");
      table.set(key, args[2]);
      return table;
    },
    select: (...args) => {
      if (args[0] === "#") return args.length - 1;
      const at = intArgument(args, 1);
      const from = at < 0 ? args.length + at : at;
      if (from < 1) throw new ArgumentError(1, "index out of range");
      return args.slice(from);
    },
    setmetatable: (...args) => {
      const table = tableArgument(args, 1);
      const metatable = args[1];
      if (args.length < 2 || (metatable !== undefined && !(metatable instanceof LuaTable))) {
        throw new ArgumentError(2, "nil or table expected");
      }
      if (table.metatable?.get("__metatable") !== undefined) {
        throw new LibraryError("cannot change a protected metatable");
      }
      if (table.isReadOnly) throw new LuaError(READ_ONLY);
      table.metatable = metatable ?? null;
      return table;
    },
    tonumber: (...args) => toNumberIn(args),
    tostring: new CallingFunction(
      function* (value) {
        return firstOf(yield new CallRequest(runtime.metatableOf(value)?.get("__tostring"), [value]));
      },
      (caller, [value]) => caller.withOne(runtime.metatableOf(value)?.get("__tostring"), value),
      (args) => {
        const value = anyArgument(args, 1);
        const isCalled = value instanceof LuaTable && value.metatable?.get("__tostring") !== undefined;
        return isCalled ? null : shown(value);
      },
    ),
    type: (...args) => typeName(anyArgument(args, 1)),
    unpack: (...args) => {
      const table = tableArgument(args, 1);
      const from = optionalInt(args, 2, 1);
      const to = optionalInt(args, 3, table.length);
      if (from > to) return NOTHING;
      if (to - from >= MOST_SLOTS) throw new LibraryError("too many results to unpack");
      if (from === 1 && to === table.length) return table.array.slice();
      const values: LuaValue[] = [];
      for (let i = from; i <= to; i++) values.push(table.get(i));
      return values;
    },
    xpcall: xpcallFunction(runtime),
  };
}

function nextEntry(args: Arguments): LuaResult {
  const table = tableArgument(args, 1);
  try {
    return table.next(args[1]) ?? undefined;
  } catch (error) {
    if (error instanceof RangeError) throw new LuaError("invalid key to 'next'");
    throw error;
  }
}

/** What `load` puts together of the pieces that its function gives. */
class SourceReader {
  source = "";

  constructor(readonly args: Arguments) {
    if (typeof args[0] !== "function") throw wrongType(args, 1, "function");
  }

  get name(): string {
    return this.args[1] === undefined ? "=(load)" : stringArgument(this.args, 2);
  }

  /** Takes a piece; false if that was the end. */
  takes(piece: LuaValue): boolean {
    if (piece === undefined || piece === "") return false;
    if (typeof piece !== "string") throw new LibraryError("reader function must return a string");
    this.source += piece;
    return true;
  }
}

/** A chunk's function, or nil and what is wrong with it. */
function loaded(host: BaseHost, source: string, name: string): LuaResult {
  try {
    return host.load(source, name);
  } catch (error) {
    if (error instanceof LuaError) return [undefined, error.value];
    throw error;
  }
}

function collectGarbage(args: Arguments, host: BaseHost): LuaResult {
  const option = args[0] === undefined ? "collect" : stringArgument(args, 1);
  switch (option) {
    case "count":
      return host.memoryBytes() / KILOBYTE;
    case "collect":
    case "stop":
    case "restart":
    case "setpause":
    case "setstepmul":
      return 0; // the engine collects when it wants to
    case "step":
      return true;
    default:
      throw new ArgumentError(1, `invalid option '${option}'`);
  }
}

function toNumberIn(args: Arguments): LuaResult {
  const base = optionalInt(args, 2, 10);
  if (base === 10) {
    const value = anyArgument(args, 1);
    return typeof value === "string" ? parseNumber(value) : typeof value === "number" ? value : undefined;
  }
  const [text] = stringArgument(args, 1).split("\0", 1); // C sees its end there
  if (base < 2 || base > 36) throw new ArgumentError(2, "base out of range");
  const match = INTEGER_DIGITS.exec(base === 16 ? text.replace(HEXADECIMAL_PREFIX, "$1") : text);
  if (match === null) return undefined;
  let value = 0n;
  for (const digit of match[2]) {
    const one = parseInt(digit, 36);
    if (one >= base) return undefined;
    if (value <= MOST_UNSIGNED) value = value * BigInt(base) + BigInt(one);
  }
  if (value > MOST_UNSIGNED) return Number(MOST_UNSIGNED);
  return Number(match[1] === "-" ? BigInt.asUintN(UNSIGNED_BITS, -value) : value);
}
