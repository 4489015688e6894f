/**
 * The nodes of streams: blocks with a listpack of entries (stream_entries.ts) and room behind it. Used by streams alone.
 *
 * | at     | holds                                                                                         |
 * |--------|-----------------------------------------------------------------------------------------------|
 * | word 0 | nothing                                                                                       |
 * | word 1 | bytes of the listpack (31 bits), snapshot epoch (bit 31)                                        |
 * | then   | the listpack, room                                                                            |
 *
 * There is always room for the master entry to count as deleted all entries that there are, so that to delete needs no
 * memory. A node that the snapshot under way has still to read must not be changed: whoever changes it makes a copy first.
 */

import { SEGMENT_MASK, SEGMENT_SHIFT } from "../arena.ts";
import { EPOCH_BIT } from "../entry.ts";
import type { Heap } from "../heap.ts";
import { addToCount, LISTPACK_HEADER_BYTES, setListpackBytes, splice } from "../listpack.ts";
import {
  countOneLive,
  deletedEntries,
  type EntryDraft,
  type FieldSource,
  liveEntries,
  masterCountBytes,
  measureFirst,
  measureMasterCounts,
  writeFirst,
  writeMasterCounts,
} from "./stream_entries.ts";

const HEADER_BYTES = 8;
const LENGTH_MASK = ~EPOCH_BIT;
/** Room that stays for the counts of the master entry to take more bytes. */
const SPARE_BYTES = 8;
/** Most bytes by which a node that grows is made larger than it must be. */
const MOST_AHEAD_BYTES = 4096;

/** Operations on the nodes of one heap. */
export class StreamNodes {
  /** Where `show` has found a listpack. */
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  /** Another number whenever an entry may lie at another offset than before, or a node be another. */
  generation = 0;

  constructor(readonly heap: Heap) {}

  /** Bytes of a node's listpack. */
  length(node: number): number {
    return this.heap.arena.words[node >>> SEGMENT_SHIFT][((node & SEGMENT_MASK) << 1) + 1] & LENGTH_MASK;
  }

  /** Entries in a node, live and deleted. */
  entries(node: number): number {
    this.show(node);
    return liveEntries(this.bytes, this.start) + deletedEntries(this.bytes, this.start);
  }

  #setLength(node: number, length: number): void {
    const words = this.heap.arena.words[node >>> SEGMENT_SHIFT];
    const at = ((node & SEGMENT_MASK) << 1) + 1;
    words[at] = (words[at] & EPOCH_BIT) | length;
  }

  /** Points `bytes` and `start` to a node's listpack, good until anything changes. */
  show(node: number): void {
    this.bytes = this.heap.arena.bytes[node >>> SEGMENT_SHIFT];
    this.start = ((node & SEGMENT_MASK) << 3) + HEADER_BYTES;
  }

  #create(length: number): number {
    const { arena, snapshots } = this.heap;
    const node = arena.alloc(HEADER_BYTES + length + SPARE_BYTES);
    const words = arena.words[node >>> SEGMENT_SHIFT];
    const at = (node & SEGMENT_MASK) << 1;
    words[at] = 0;
    words[at + 1] = length;
    snapshots.mark(node);
    return node;
  }

  /** Makes a node with a first entry, whose fields and values begin with argument `first`. */
  createWith(source: FieldSource, first: number, pairs: number): number {
    const length = measureFirst(source, first, pairs);
    const node = this.#create(length);
    this.show(node);
    writeFirst(this.bytes, this.start, source, first, pairs);
    return node;
  }

  /** Makes a node of a listpack that lies elsewhere, not in the arena. */
  fromListpack(bytes: Uint8Array, start: number, length: number): number {
    const node = this.#create(length);
    this.show(node);
    this.bytes.set(bytes.subarray(start, start + length), this.start);
    return node;
  }

  /** A copy of a node, marked as new. Throws where there is no memory. */
  copy(node: number): number {
    const length = this.length(node);
    const copy = this.#create(length);
    this.heap.arena.copy(node, HEADER_BYTES, copy, HEADER_BYTES, length);
    return copy;
  }

  /** Frees a node that is nobody's any more. */
  free(node: number): void {
    this.generation++;
    this.heap.arena.free(node);
  }

  /**
   * Adds an entry that was just measured at the end. Returns the node, maybe another; the old one is then freed. Where there
   * is no memory it throws, and nothing has changed.
   */
  append(node: number, draft: EntryDraft, source: FieldSource): number {
    const length = this.length(node);
    node = this.#withRoom(node, draft.size);
    this.show(node);
    const { bytes, start } = this;
    draft.write(bytes, start + length - 1, source);
    const total = length + draft.size;
    setListpackBytes(bytes, start, total);
    addToCount(bytes, start, draft.elements);
    this.#setLength(node, total);
    if (!countOneLive(bytes, start)) {
      this.#setCounts(node, liveEntries(bytes, start) + 1, deletedEntries(bytes, start));
    }
    return node;
  }

  /** So many entries more, which the caller has marked, count as deleted. Needs no memory. */
  countDeleted(node: number, deleted: number): void {
    this.show(node);
    const { bytes, start } = this;
    this.#setCounts(node, liveEntries(bytes, start) - deleted, deletedEntries(bytes, start) + deleted);
  }

  #setCounts(node: number, live: number, deleted: number): void {
    const { bytes, start } = this;
    const before = masterCountBytes(bytes, start);
    const wanted = measureMasterCounts(live, deleted);
    if (wanted !== before) {
      this.generation++;
      this.#setLength(node, splice(bytes, start, start + LISTPACK_HEADER_BYTES, before, wanted));
    }
    writeMasterCounts(bytes, start, live, deleted);
  }

  /** A node, the same or in its place, with `size` bytes of room. */
  #withRoom(node: number, size: number): number {
    const { arena } = this.heap;
    const length = this.length(node);
    const needed = HEADER_BYTES + length + size + SPARE_BYTES;
    if (arena.usableBytes(node) >= needed) return node;
    const ahead = Math.min(length, MOST_AHEAD_BYTES);
    const larger = arena.alloc(Math.max(needed, HEADER_BYTES + length + ahead));
    return this.#moveTo(node, larger);
  }

  #moveTo(node: number, other: number): number {
    const { arena } = this.heap;
    this.generation++;
    arena.copy(node, 0, other, 0, HEADER_BYTES + this.length(node));
    arena.free(node);
    return other;
  }

  /** Gives back the room of a node to which nothing is added any more. Returns the node, maybe another. */
  trim(node: number): number {
    const { arena } = this.heap;
    const needed = HEADER_BYTES + this.length(node) + SPARE_BYTES;
    if (arena.usableBytes(node) - needed < needed / 16) return node;
    let smaller: number;
    try {
      smaller = arena.alloc(needed);
    } catch {
      return node; // it is kept as it is
    }
    return this.#moveTo(node, smaller);
  }
}
