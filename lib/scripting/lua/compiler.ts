/**
 * Compiles a script: its source becomes a syntax tree, that becomes JavaScript (`emit_statements.ts`), and the engine
 * compiles that. Nothing else is ever evaluated.
 */

import type { Chunk, ChunkKind, Mode } from "./emit_expressions.ts";
import { emitFunction } from "./emit_statements.ts";
import { LuaError } from "./errors.ts";
import type { FixedValues } from "./fixed_values.ts";
import { parseChunk } from "./parser.ts";
import { AnyGenerator, type Runtime, TailCall } from "./runtime.ts";
import type { Site } from "./sites.ts";
import { type LuaFunction, LuaTable, type LuaValue } from "./values.ts";

/** JavaScript of a chunk, and the places that it names. */
export interface CompiledChunk {
  readonly text: string;
  readonly sites: readonly Site[];
  /** Values that nobody can change. */
  readonly constants: readonly LuaValue[];
}

/** What the JavaScript of a chunk is given. It has them as constants, which engines see through. */
const NAMES = ["R", "T", "S", "P", "isA", "Table", "Tail", "G", "C"];
const GIVEN = NAMES.map((name) => `_${name}`);
const CONSTANTS = `const ${NAMES.map((name, i) => `${name}=${GIVEN[i]}`).join()};`;

/** Room for a chunk's name in messages (LUA_IDSIZE), and in those of what is no program (MAXSRC). */
const NAME_ROOM = 60;
const SYNTAX_NAME_ROOM = 80;
/** What of it goes to what stands around a name, a path or a source. */
const AROUND_NAME = 1;
const AROUND_PATH = 8;
const AROUND_SOURCE = 17;

/** What messages call a chunk (luaO_chunkid): its name, if that begins with `@` or `=`, or the first line of its source. */
function shownName(name: string, room: number): string {
  const nul = name.indexOf("\0");
  if (nul >= 0) name = name.slice(0, nul);
  const rest = name.slice(1);
  if (name[0] === "=") return rest.slice(0, room - AROUND_NAME);
  const path = room - AROUND_PATH;
  if (name[0] === "@") return rest.length > path ? `...${rest.slice(-path)}` : rest;
  const [line] = name.split(/[\r\n]/, 1);
  const shown = line.slice(0, room - AROUND_SOURCE);
  return `[string "${shown}${shown.length < name.length ? "..." : ""}"]`;
}

/**
 * Compiles a source, which whoever loads it calls `chunkName`; throws LuaError where it is none. `fixed`: what nobody can
 * change in the runtime that the chunk is for.
 */
export function compileChunk(
  source: string,
  chunkName: string,
  mode: Mode,
  fixed: FixedValues | null = null,
  kind: ChunkKind = "loaded",
): CompiledChunk {
  const name = shownName(chunkName, NAME_ROOM);
  const chunk: Chunk = {
    kind,
    name,
    source: chunkName,
    mode,
    sites: [],
    fixed,
    constants: new Map(),
    known: new Map(),
    lifted: [],
  };
  try {
    const main = emitFunction(chunk, parseChunk(source, shownName(chunkName, SYNTAX_NAME_ROOM)));
    const constants = [...chunk.constants.values()];
    const declared = constants.map((_, i) => `const x${i}=C[${i}];`).join("");
    const text = `"use strict";${CONSTANTS}${declared}${chunk.lifted.join("")}return ${main};`;
    return { text, sites: chunk.sites, constants };
  } catch (error) {
    if (error instanceof RangeError) throw new LuaError(`${name}: function or expression too complex`);
    throw error;
  }
}

/** The function of a chunk, within a runtime of its mode. */
export function instantiate({ text, sites, constants }: CompiledChunk, runtime: Runtime): LuaFunction {
  const { state } = runtime;
  // deno-lint-ignore no-explicit-any -- the text says what it gives
  const make = new Function(...GIVEN, text) as (...args: any[]) => LuaFunction;
  return make(runtime, state, state.stack, sites, Array.isArray, LuaTable, TailCall, AnyGenerator, constants);
}
