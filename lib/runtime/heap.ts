/**
 * The heap of the runtime, in which scripts have their values: how much of it is in use, how much there may be, and having
 * it collected. Nothing else in `lib/` asks the system for these.
 */

import { totalmem } from "node:os";
import process from "node:process";
import v8 from "node:v8";
import vm from "node:vm";

/** The heap, as whoever must bound it sees it. */
export interface RuntimeHeap {
  /** Bytes in use, what is to be collected among them. */
  readonly usedBytes: () => number;
  /** Bytes that there may be before the program ends. */
  readonly mostBytes: () => number;
  /** Collects all that is not in use any more: up to a second for each GiB that is. */
  readonly collect: () => void;
}

/** What collects on Bun, and on V8 with the flag that shows it. */
interface Collecting {
  readonly Bun?: { gc(isSynchronous: boolean): void };
  readonly gc?: () => void;
}

const isBun = "Bun" in globalThis;
let collect: (() => void) | null = null;

/** What collects on this runtime. To V8 without the flag it takes 40 ms to find, once. */
function collector(): () => void {
  const { Bun, gc } = globalThis as Collecting; // each runtime has its own
  if (Bun !== undefined) return () => Bun.gc(true);
  if (gc !== undefined) return gc;
  v8.setFlagsFromString("--expose-gc");
  return vm.runInNewContext("gc");
}

/** The part of `process.memoryUsage` that tells of the heap. */
interface HeapUsage {
  readonly heapUsed: number;
  readonly heapTotal: number;
  readonly arrayBuffers: number;
}

/**
 * What of the heap is in use. Bun counts what buffers hold among it, which is not in it: all data of a server. It counts
 * as of the last collection, and what objects take up since then by itself.
 */
export function heapInUse({ heapUsed, heapTotal, arrayBuffers }: HeapUsage): number {
  return isBun ? Math.max(heapTotal, heapUsed - arrayBuffers) : heapUsed;
}

const SYSTEM: RuntimeHeap = {
  usedBytes: () => heapInUse(process.memoryUsage()),
  mostBytes: () => isBun ? totalmem() : v8.getHeapStatistics().heap_size_limit,
  collect: () => (collect ??= collector())(),
};

let heap = SYSTEM;

/** Replaces the heap of the whole process; returns the one that it had, to be put back. */
export function useRuntimeHeap(replacement: RuntimeHeap): RuntimeHeap {
  const before = heap;
  heap = replacement;
  return before;
}

/** The heap of the process: not to be kept. */
export function runtimeHeap(): RuntimeHeap {
  return heap;
}
