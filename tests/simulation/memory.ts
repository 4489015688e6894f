/**
 * Memory that goes from servers that are gone to those that come. The runtime makes much of 128 MiB that are allocated
 * anew, though next to nothing of them is ever touched: it collects garbage, several times for each server.
 */

import { type Arena, UNITS_PER_SEGMENT } from "../../lib/store/arena.ts";

/** Words of a unit's record. */
const RECORD_WORDS = 8;

/** Pieces that are all zero, by their length in bytes. */
const free = new Map<number, ArrayBuffer[]>();

/** Gives memory of servers that are gone, else of the system. */
export function takeUsed(bytes: number): ArrayBuffer {
  return free.get(bytes)?.pop() ?? new ArrayBuffer(bytes);
}

/** Takes the memory of a server that is gone, of which nothing runs any more. */
export function giveBack(arena: Arena): void {
  const [segment, ...others] = arena.bytes;
  if (others.length > 0 || segment.length === 0) return; // nobody knows any more what was touched
  const { spans } = arena.inspect();
  const unitBytes = segment.length / UNITS_PER_SEGMENT;
  const units = 1 + arena.committedBytes / unitBytes; // the first is never handed out
  segment.fill(0, 0, units * unitBytes);
  spans.fill(0, 0, units * RECORD_WORDS);
  for (const { buffer } of [segment, spans]) {
    const pieces = free.get(buffer.byteLength) ?? [];
    free.set(buffer.byteLength, pieces);
    pieces.push(buffer);
  }
}
