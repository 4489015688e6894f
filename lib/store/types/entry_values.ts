/**
 * How values of any type come to stand in their key's entry: inline as the bytes that they are, or as the ref of a body.
 * Used by the types; what the bytes and bodies hold is theirs.
 *
 * Where there is no memory, what makes a value throws, and nothing has changed.
 */

import { copyBytes } from "../../bytes/compare.ts";
import { ENCODING_LISTPACK, NO_EXPIRY, type UnixMs } from "../entry.ts";
import type { Heap } from "../heap.ts";
import { EMPTY_LISTPACK_BYTES, writeEmptyListpack } from "../listpack.ts";
import type { ValueHome } from "./value_type.ts";

/** What would grow beyond this inline becomes a body, whatever the limits of its type: its block must fit the arena. */
export const MAX_INLINE_BYTES: number = 2 ** 29;

/** Puts an empty listpack under a key, in place of what is there; `reserve` more bytes of it will not move it. The entry. */
export function putEmptyListpack(
  heap: Heap,
  home: ValueHome,
  type: number,
  key: Uint8Array,
  start: number,
  length: number,
  reserve: number,
): number {
  const { entries } = heap;
  const ref = home.put(key, start, length, type, ENCODING_LISTPACK, EMPTY_LISTPACK_BYTES + reserve, NO_EXPIRY);
  entries.setValueWord(ref, EMPTY_LISTPACK_BYTES);
  writeEmptyListpack(entries.bytes(ref), entries.valueStart(ref));
  return ref;
}

/** Puts an inline value under a key, in place of what is there, from its bytes, which must not lie in the arena. The entry. */
export function putBytes(
  heap: Heap,
  home: ValueHome,
  type: number,
  encoding: number,
  key: Uint8Array,
  keyStart: number,
  keyLength: number,
  source: Uint8Array,
  start: number,
  length: number,
  expiry: UnixMs,
): number {
  const { entries } = heap;
  const ref = home.put(key, keyStart, keyLength, type, encoding, length, expiry);
  copyBytes(source, start, length, entries.bytes(ref), entries.valueStart(ref));
  return ref;
}

/** Puts a body under a key, in place of what is there; where there is no memory for the entry, the body is freed. */
export function putBody(
  heap: Heap,
  home: ValueHome,
  type: number,
  encoding: number,
  key: Uint8Array,
  start: number,
  length: number,
  body: number,
): number {
  let ref: number;
  try {
    ref = home.put(key, start, length, type, encoding, 0, NO_EXPIRY);
  } catch (error) {
    heap.types[type]?.freeBody(body);
    throw error;
  }
  heap.entries.setValueWord(ref, body);
  return ref;
}

/** Has an entry hold a body in place of its inline value. Its ref, maybe another. Needs no memory. */
export function becomeBody(heap: Heap, home: ValueHome, ref: number, encoding: number, body: number): number {
  const { entries } = heap;
  ref = home.resizeValue(ref, 0);
  entries.setTypeAndEncoding(ref, entries.type(ref), encoding);
  entries.setValueWord(ref, body);
  return ref;
}

/** Gives back what the block of an inline value has become too large by. Its ref, maybe another. Needs no memory. */
export function trimInline(heap: Heap, home: ValueHome, ref: number): number {
  const { entries } = heap;
  return entries.hasBody(ref) ? ref : home.resizeValue(ref, entries.valueWord(ref));
}

/** Moves the block, of so many bytes, of the body under an entry, if it lies in a leaving segment. The body. */
export function relocateBlock(heap: Heap, ref: number, bytes: number): number {
  const { arena, entries } = heap;
  const body = entries.valueWord(ref);
  if (!arena.isLeaving(body)) return body;
  const moved = heap.copyBlock(body, bytes);
  arena.free(body);
  entries.setValueWord(ref, moved);
  return moved;
}
