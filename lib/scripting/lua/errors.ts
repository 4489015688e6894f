/**
 * What is thrown while a script runs. An error of Lua carries a value and nothing else. What a library function finds wrong
 * has no position of its own: whoever catches it knows which call was under way, and adds where that stands in the script
 * (Lua's `luaL_error` and `luaL_argerror`).
 */

import type { Site } from "./sites.ts";
import type { LuaValue } from "./values.ts";

/** What changing a table says that scripts may only read. Where a library does it, it has no position. */
export const READ_ONLY = "Attempt to modify a readonly table";

/** An error that `pcall` catches. It is no `Error` of JavaScript: those cost a look at the whole stack. */
export class LuaError {
  /** `site`: where it came to be, if that is not the call under way. */
  constructor(readonly value: LuaValue, readonly site: Site | null = null) {}
}

/** An error of a library function: its message is to have the position of the call before it. */
export class LibraryError {
  constructor(readonly message: string) {}
}

/** An argument of a library function is not what it should be. */
export class ArgumentError {
  /** `index` counts from 1. */
  constructor(readonly index: number, readonly message: string) {}
}

/**
 * What no `pcall` may catch, as a script that is killed has come to its end. Each kind has a class of its own that extends
 * this one.
 */
export abstract class ScriptEnd {}
