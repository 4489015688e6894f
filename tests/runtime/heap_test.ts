/** The runtime's own heap, as it is told of on either runtime. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { runtimeHeap } from "../../lib/runtime/heap.ts";
import { takeMemory } from "../../lib/runtime/memory.ts";
import { thisProcess } from "../../lib/runtime/process.ts";

const MIB = 1024 * 1024;

test("what the memory for data holds is no part of the heap", () => {
  runtimeHeap().collect();
  const before = runtimeHeap().usedBytes();
  const buffer = new Uint8Array(takeMemory(256 * MIB)).fill(1);
  runtimeHeap().collect();
  assert.ok(runtimeHeap().usedBytes() < before + 64 * MIB);
  assert.ok(thisProcess().memory().heapBytes < before + 64 * MIB);
  assert.equal(buffer.at(-1), 1);
});

test("what is in use stays when the heap is collected, strings too, and what is not goes", () => {
  runtimeHeap().collect();
  const before = runtimeHeap().usedBytes();
  let kept: unknown[] | null = Array.from({ length: 1_000_000 }, (_, i) => ({ i }));
  let texts: string[] | null = Array.from({ length: 100 }, (_, i) => Array(MIB).fill(i % 10).join(""));
  runtimeHeap().collect();
  assert.ok(runtimeHeap().usedBytes() > before + 100 * MIB, `${texts.length} strings are there`);
  texts = null;
  runtimeHeap().collect();
  assert.ok(runtimeHeap().usedBytes() > before + 8 * MIB, `${kept.length} objects are there`);
  kept = null;
  runtimeHeap().collect();
  assert.ok(runtimeHeap().usedBytes() < before + 8 * MIB);
  assert.ok(runtimeHeap().mostBytes() > 256 * MIB);
});
