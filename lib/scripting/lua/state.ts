/**
 * What a script's functions keep while they run: how deep calls are nested, and where in the script each was made. It is
 * read when something goes wrong, and by what asks where it was called from.
 */

import { ArgumentError, LibraryError, LuaError } from "./errors.ts";
import type { Site } from "./sites.ts";
import type { LuaValue } from "./values.ts";

/** Turns of loops, and calls, after which somebody looks at how long a script takes. */
export const TURNS_PER_LOOK = 20_000;

/** Strings up to this length are not counted, in bytes; of longer ones, 2 to this power are one turn. */
const FREE_BYTES = 1024;
const CHARGE_SHIFT = 6;

/** The place of a call that a library function makes. */
export const IN_LIBRARY: Site = {
  chunk: "[C]",
  source: "=[C]",
  line: -1,
  origin: null,
  otherOrigin: null,
  kind: "call",
};

/** Whether something was thrown as the engine's stack is full; by a regular expression, V8 throws that as a SyntaxError. */
function isStackFull(thrown: unknown): boolean {
  return (thrown instanceof RangeError || thrown instanceof SyntaxError) &&
    (thrown.message.includes("Maximum call stack size exceeded") || thrown.message.endsWith("Stack overflow"));
}

export class ScriptState {
  /** Functions of scripts that are under way, and calls by library functions. */
  depth = 0;
  turnsLeft = TURNS_PER_LOOK;
  /** Calls by libraries and metamethods within the coroutine that runs: over these it cannot yield. */
  barriers = 0;
  /** How deep calls were nested where the coroutine that runs was made to: those below are another's. */
  base = 0;
  /** How often the script should have been left, and could not be. */
  stalls = 0;
  /** By depth: the call that the function there made last. */
  readonly stack: Site[] = [IN_LIBRARY];

  /** A script begins. */
  begin(): void {
    this.depth =
      this.base =
      this.barriers =
      this.stalls =
        0;
    this.turnsLeft = TURNS_PER_LOOK;
  }

  /** The call that is under way; for `level` 2, that of the function which makes it, and so on. */
  siteAt(level: number): Site {
    const at = this.depth + 1 - level;
    return at > this.base ? this.stack[at] ?? IN_LIBRARY : IN_LIBRARY;
  }

  /** Where a call was made, as messages begin; "" where that is unknown, as its function was replaced by what it called. */
  position(level: number): string {
    const { chunk, line, kind } = this.siteAt(level);
    // A function of a library takes nobody's place.
    const isReplaced = kind === "tail call" && level > 1 && this.siteAt(level - 1) !== IN_LIBRARY;
    return line < 0 || isReplaced ? "" : `${chunk}:${line}: `;
  }

  /** Where what was thrown came to be: the line of the script that was run. To be asked before anything else is called. */
  placeOf(thrown: unknown): Site {
    const site = thrown instanceof LuaError ? thrown.site : null;
    if (site !== null && site !== IN_LIBRARY) return site;
    return this.siteAt(1) === IN_LIBRARY ? this.siteAt(2) : this.siteAt(1);
  }

  /** So many bytes were made at once: somebody is to look at what a script takes before long. */
  charge(bytes: number): void {
    if (bytes > FREE_BYTES) this.turnsLeft -= bytes >> CHARGE_SHIFT;
  }

  /**
   * The value of what was thrown, where `pcall` would catch it. To be asked before anything else is called: the place of
   * the call that has failed is read. Throws on what is no error of a script.
   */
  errorValue(thrown: unknown): LuaValue {
    if (thrown instanceof LuaError) return thrown.value;
    if (thrown instanceof LibraryError) return this.position(1) + thrown.message;
    if (thrown instanceof ArgumentError) return this.position(1) + this.#describe(thrown);
    if (isStackFull(thrown)) return `${this.position(1)}stack overflow`;
    if (thrown instanceof RangeError) return "not enough memory"; // a string has become too long for the engine
    throw thrown;
  }

  #describe({ index, message }: ArgumentError): string {
    const { origin, kind } = this.siteAt(1);
    const name = kind === "turn" ? "(for generator)" : kind === "operation" ? "?" : origin?.name ?? "?";
    if (kind === "operation" || origin?.kind !== "method") return `bad argument #${index} to '${name}' (${message})`;
    return index === 1
      ? `calling '${name}' on bad self (${message})`
      : `bad argument #${index - 1} to '${name}' (${message})`;
  }
}
