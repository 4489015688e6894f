/**
 * The ways in which there is no room for what a command asks for. Whatever throws one of them has changed nothing by
 * then, so that a client can be told and served on.
 */

import { ArenaFullError, BlockTooLargeError } from "./arena.ts";
import { TableFullError } from "./table.ts";
import { TreeFullError } from "./tree_nodes.ts";

/**
 * Whether something thrown says that there is no room: in the arena, in a table or tree, or for a buffer of the runtime, whose
 * words for that are those of V8 and of JavaScriptCore.
 */
export function isOutOfRoom(error: unknown): error is Error {
  if (error instanceof ArenaFullError || error instanceof BlockTooLargeError) return true;
  if (error instanceof TableFullError || error instanceof TreeFullError) return true;
  return error instanceof RangeError &&
    /allocation failed|out of memory|invalid (typed )?array( buffer)? length|length larger than|maximum size exceeded/i
      .test(error.message);
}
