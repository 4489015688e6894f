/** Error replies that several families share; the words are Redis's. */

import type { Request } from "../resp/request.ts";

export const WRONG_TYPE = "WRONGTYPE Operation against a key holding the wrong kind of value";
export const SYNTAX_ERROR = "ERR syntax error";
export const NOT_INTEGER = "ERR value is not an integer or out of range";
export const NOT_FLOAT = "ERR value is not a valid float";
export const NO_SUCH_KEY = "ERR no such key";
export const OVERFLOW = "ERR increment or decrement would overflow";
export const NOT_POSITIVE = "ERR value is out of range, must be positive";
export const SAME_OBJECTS = "ERR source and destination objects are the same";
export const SAVE_FAILED = "ERR Failed to save the RDB file, check the log";
export const SAVE_UNDER_WAY = "ERR Background save already in progress";
export const LOADING_DATA = "LOADING Redis is loading the dataset in memory";
export const STRING_TOO_LONG = "ERR string exceeds maximum allowed size (proto-max-bulk-len)";
export const FAILING_OVER = "NOMASTERLINK Can't SYNC while failing over";
/** The reply to those who wait for a log that is not written. */
export const NO_LOG = "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.";
export const INDEX_OUT_OF_RANGE = "ERR index out of range";
export const DB_INDEX_OUT_OF_RANGE = "ERR DB index is out of range";

/** Most bytes of a subcommand's name that an error shows. */
const MAX_SHOWN_BYTES = 128;

/** An argument as errors show it that Redis makes of C strings: up to a byte of zero. */
export function shownArgument(request: Request, index: number): string {
  return request.text(index).split("\0", 1)[0];
}

/** The error for a subcommand with more arguments than it takes, where its declared arity sets no limit. */
export function subcommandSyntax(request: Request): string {
  const name = shownArgument(request, 1).slice(0, MAX_SHOWN_BYTES);
  const container = request.text(0).toUpperCase();
  return `ERR unknown subcommand or wrong number of arguments for '${name}'. Try ${container} HELP.`;
}
