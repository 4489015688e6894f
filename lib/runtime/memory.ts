/**
 * Memory for the data: large pieces, which the system commits page by page as they are written to. Nothing else in `lib/`
 * asks for any of this kind.
 *
 * A simulation gives servers the memory of those that are gone: to have so much anew each time costs more than all else.
 */

import { runtimeHeap } from "./heap.ts";

/** Gives `bytes` of memory, all zero; a RangeError where there is none. */
export type MemorySource = (bytes: number) => ArrayBuffer;

const SYSTEM: MemorySource = (bytes) => new ArrayBuffer(bytes);

let source = SYSTEM;

/** Replaces the memory of the whole process; returns the source that it had, to be put back. */
export function useMemory(replacement: MemorySource): MemorySource {
  const before = source;
  source = replacement;
  return before;
}

/** Gives the system back what nobody holds any more. Takes some 10 ms. */
export function reclaimMemory(): void {
  runtimeHeap().collect();
}

/** Takes memory from the system: zeroed, committed page by page; a RangeError where there is none. */
export function takeMemory(bytes: number): ArrayBuffer {
  return source(bytes);
}
