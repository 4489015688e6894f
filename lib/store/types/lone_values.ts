/**
 * Values that stand alone, under no key: results that are put together in the arena by the same code as any value, before
 * they go under a key or are replied. Whoever makes one moves it away or releases it before the command ends, so that no
 * snapshot and no compaction comes across it.
 */

import type { Heap } from "../heap.ts";
import type { ValueHome } from "./value_type.ts";

export class LoneValues implements ValueHome {
  constructor(readonly heap: Heap) {}

  /** Makes an entry without a key, whatever key is named. */
  put(
    key: Uint8Array,
    _keyStart: number,
    _keyLength: number,
    type: number,
    encoding: number,
    inlineLength: number,
  ): number {
    return this.heap.entries.create(key, 0, 0, type | (encoding << 4), inlineLength, false);
  }

  resizeValue(ref: number, inlineLength: number): number {
    const { arena, entries } = this.heap;
    const bytes = entries.size(0, inlineLength, false);
    if (bytes <= arena.usableBytes(ref)) {
      entries.setValueWord(ref, inlineLength);
      return ref;
    }
    // Twice as much as is asked for now, as more will be.
    const moved = arena.alloc(entries.size(0, inlineLength * 2, false));
    arena.copy(ref, 0, moved, 0, entries.bytesOf(ref));
    entries.setValueWord(moved, inlineLength);
    arena.free(ref);
    return moved;
  }
}
