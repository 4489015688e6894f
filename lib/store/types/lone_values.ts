/**
 * Values that stand alone, under no key: results that are put together in the arena by the same code as any value, before
 * they go under a key or are replied. Whoever makes one moves it away or releases it before the command ends, so that no
 * snapshot and no compaction comes across it.
 */

import { copyBytes } from "../../bytes/compare.ts";
import { NO_EXPIRY } from "../entry.ts";
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

  /**
   * Moves a value that stands alone under a key, in place of what is there, without an expiry; returns its ref. Where there
   * is no memory for it, nothing has changed.
   */
  moveTo(home: ValueHome, key: Uint8Array, start: number, length: number, from: number): number {
    const { arena, entries } = this.heap;
    const inline = entries.inlineLength(from);
    const ref = home.put(key, start, length, entries.type(from), entries.encoding(from), inline, NO_EXPIRY);
    if (entries.hasBody(from)) entries.setValueWord(ref, entries.valueWord(from));
    else copyBytes(entries.bytes(from), entries.valueStart(from), inline, entries.bytes(ref), entries.valueStart(ref));
    arena.free(from);
    return ref;
  }
}
