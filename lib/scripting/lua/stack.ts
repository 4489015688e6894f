/**
 * What a C function may have on its stack of Lua values: arguments, results and what it is at work on. Scripts see this
 * limit where a library unpacks very much at once, or something nested very deeply.
 */

import { LibraryError } from "./errors.ts";

/** Values on the stack of one C function at most (Lua's `LUAI_MAXCSTACK`). */
export const MOST_SLOTS = 8000;

/** Throws if there is no room for so many more values; `what` is what the message says of it (`luaL_checkstack`). */
export function checkSlots(used: number, wanted: number, what: string): void {
  if (used + wanted > MOST_SLOTS) throw new LibraryError(`stack overflow (${what})`);
}
