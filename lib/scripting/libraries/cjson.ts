/**
 * The library `cjson`: JSON, as lua-cjson 2.1.0 (https://www.kyne.com.au/~mark/software/lua-cjson-manual.html) writes and
 * reads it, with the settings that it has in Redis.
 */

import { type Arguments, intArgument, stringArgument } from "../lua/arguments.ts";
import { ArgumentError } from "../lua/errors.ts";
import { type LibraryFunctions, StringMaker } from "../lua/library.ts";
import { libraryTable } from "../lua/realm.ts";
import type { Runtime } from "../lua/runtime.ts";
import { LuaTable, type LuaValue } from "../lua/values.ts";
import { JSON_NULL } from "./cjson_common.ts";
import { decodeJson, type DecoderSettings } from "./cjson_decoder.ts";
import { encodeJson, type EncoderSettings } from "./cjson_encoder.ts";

/** What scripts can set. */
export interface CjsonSettings extends EncoderSettings, DecoderSettings {
  /** Whether the memory of the encoder is kept between calls, which here nothing depends on. */
  readonly keepBuffer: boolean;
}

/** What a library begins with. */
export const CJSON_SETTINGS: CjsonSettings = {
  sparseConvert: false,
  sparseRatio: 2,
  sparseSafe: 10,
  encodeMaxDepth: 1000,
  decodeMaxDepth: 1000,
  numberPrecision: 14,
  keepBuffer: true,
  encodeInvalidNumbers: false,
  decodeInvalidNumbers: true,
};

/** What the library has besides its functions. */
export const CJSON_CONSTANTS: Readonly<Record<string, LuaValue>> = {
  _NAME: "cjson",
  _VERSION: "2.1.0",
  null: JSON_NULL,
};

const INT_MAX = 2 ** 31 - 1;
const MOST_PRECISION = 14;

/** One library with its settings. Each call that sets something puts a new object in their place. */
export class CjsonLibrary {
  settings: CjsonSettings;

  constructor(settings: CjsonSettings = CJSON_SETTINGS) {
    this.settings = settings;
  }

  /** The library as scripts of a runtime find it. */
  open(runtime: Runtime): LuaTable {
    const table = libraryTable(runtime, {
      ...this.functions,
      new: () => new CjsonLibrary().open(runtime), // one that a script may change as it likes
    });
    for (const [name, value] of Object.entries(CJSON_CONSTANTS)) table.set(name, value);
    return table;
  }

  readonly functions = {
    decode: (...args) => {
      checkOnlyArgument(args);
      return decodeJson(stringArgument(args, 1), this.settings);
    },
    decode_invalid_numbers: (...args) => {
      checkMost(args, 1);
      this.#set("decodeInvalidNumbers", switchArgument(args));
      return this.settings.decodeInvalidNumbers;
    },
    decode_max_depth: (...args) => {
      checkMost(args, 1);
      this.#set("decodeMaxDepth", boundedArgument(args, 1, 1, INT_MAX));
      return this.settings.decodeMaxDepth;
    },
    encode: new StringMaker((...args) => {
      checkOnlyArgument(args);
      return encodeJson(args[0], this.settings);
    }),
    encode_invalid_numbers: (...args) => {
      checkMost(args, 1);
      this.#set("encodeInvalidNumbers", optionArgument(args) === "null" ? "null" : switchArgument(args));
      return this.settings.encodeInvalidNumbers;
    },
    encode_keep_buffer: (...args) => {
      checkMost(args, 1);
      this.#set("keepBuffer", switchArgument(args));
      return this.settings.keepBuffer;
    },
    encode_max_depth: (...args) => {
      checkMost(args, 1);
      this.#set("encodeMaxDepth", boundedArgument(args, 1, 1, INT_MAX));
      return this.settings.encodeMaxDepth;
    },
    encode_number_precision: (...args) => {
      checkMost(args, 1);
      this.#set("numberPrecision", boundedArgument(args, 1, 1, MOST_PRECISION));
      return this.settings.numberPrecision;
    },
    encode_sparse_array: (...args) => {
      checkMost(args, 3);
      // One after the other: what comes before an argument that is wrong is set.
      this.#set("sparseConvert", switchArgument(args));
      this.#set("sparseRatio", boundedArgument(args, 2, 0, INT_MAX));
      this.#set("sparseSafe", boundedArgument(args, 3, 0, INT_MAX));
      const { sparseConvert, sparseRatio, sparseSafe } = this.settings;
      return [sparseConvert, sparseRatio, sparseSafe];
    },
  } satisfies LibraryFunctions;

  #set<Name extends keyof CjsonSettings>(name: Name, value: CjsonSettings[Name] | undefined): void {
    if (value !== undefined) this.settings = { ...this.settings, [name]: value };
  }
}

function checkOnlyArgument(args: Arguments): void {
  if (args.length !== 1) throw new ArgumentError(1, "expected 1 argument");
}

function checkMost(args: Arguments, most: number): void {
  if (args.length > most) throw new ArgumentError(most + 1, "found too many arguments");
}

/** The first argument, if it is neither nil nor a boolean: a string as C sees it. */
function optionArgument(args: Arguments): string | undefined {
  if (args[0] === undefined || typeof args[0] === "boolean") return undefined;
  return stringArgument(args, 1).split("\0", 1)[0];
}

/** The first argument as a boolean, which may be spelled `on` and `off`; undefined for nil. */
function switchArgument(args: Arguments): boolean | undefined {
  if (args[0] === undefined || typeof args[0] === "boolean") return args[0];
  const option = optionArgument(args);
  if (option === "on") return true;
  if (option === "off") return false;
  throw new ArgumentError(1, `invalid option '${option}'`);
}

/** An argument as an `int` of C within bounds; undefined for nil. Whichever it is, the error names the first. */
function boundedArgument(args: Arguments, index: number, least: number, most: number): number | undefined {
  if (args[index - 1] === undefined) return undefined;
  const value = intArgument(args, index);
  if (value < least || value > most) throw new ArgumentError(1, `expected integer between ${least} and ${most}`);
  return value;
}
