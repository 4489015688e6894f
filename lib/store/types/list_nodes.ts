/**
 * The nodes of large lists: blocks with a listpack that has room on both sides, so that elements come and go at either end
 * without any other being moved. Used by lists alone.
 *
 * | at     | holds                                                                                         |
 * |--------|-----------------------------------------------------------------------------------------------|
 * | word 0 | bytes of room before the listpack; or, with bit 31, bytes of its compressed form (LZF)          |
 * | word 1 | bytes of the listpack (31 bits), snapshot epoch (bit 31)                                        |
 * | then   | room, the listpack, room; or its compressed form                                              |
 *
 * A node that the snapshot under way has still to read must not be changed: whoever changes it makes a copy first.
 */

import { compressLzf, decompressLzf } from "../../bytes/lzf.ts";
import { SEGMENT_MASK, SEGMENT_SHIFT } from "../arena.ts";
import { EPOCH_BIT } from "../entry.ts";
import type { Heap } from "../heap.ts";
import {
  addToCount,
  elementBefore,
  EMPTY_LISTPACK_BYTES,
  entryBytes,
  LISTPACK_END,
  LISTPACK_HEADER_BYTES,
  moveHeader,
  setListpackBytes,
  splice,
  writeEmptyListpack,
  writeMeasured,
} from "../listpack.ts";

const HEADER_BYTES = 8;
const COMPRESSED = 0x80000000 | 0;
const LENGTH_MASK = ~EPOCH_BIT;
/** Bytes of a node that is begun, at least. */
const FIRST_BYTES = 64;
/** Listpacks that are shorter are not compressed, and none whose compressed form is not so many bytes shorter. */
const MIN_COMPRESSED_BYTES = 48;
const MIN_SAVED_BYTES = 8;

/** Operations on the nodes of one heap. */
export class ListNodes {
  /** Holds the listpack of a compressed node that is read. */
  #scratch = new Uint8Array(0);
  /** Whose listpack that is. */
  #inScratch = 0;
  /** Where `show` has found a listpack. */
  bytes: Uint8Array = this.#scratch;
  start = 0;

  constructor(readonly heap: Heap, readonly limits: { readonly mostBytes: number }) {}

  /** Makes a node with an empty listpack, for `bytes` of elements to be put in front or behind. */
  create(bytes: number, isFront: boolean): number {
    return this.#create(bytes + EMPTY_LISTPACK_BYTES, isFront);
  }

  #create(listpackBytes: number, isFront: boolean): number {
    const { arena, snapshots } = this.heap;
    const node = arena.alloc(Math.max(FIRST_BYTES, HEADER_BYTES + listpackBytes));
    const room = arena.usableBytes(node) - HEADER_BYTES - EMPTY_LISTPACK_BYTES;
    this.#setWord(node, 0, isFront ? room : 0);
    this.#setWord(node, 1, EMPTY_LISTPACK_BYTES);
    snapshots.mark(node);
    writeEmptyListpack(this.#bytes(node), this.#start(node));
    return node;
  }

  /** Bytes of a node's listpack, compressed or not. */
  length(node: number): number {
    return this.#word(node, 1) & LENGTH_MASK;
  }

  isCompressed(node: number): boolean {
    return (this.#word(node, 0) & COMPRESSED) !== 0;
  }

  /** Points `bytes` and `start` to a node's listpack, to be read until anything changes. */
  show(node: number): void {
    if (!this.isCompressed(node)) {
      this.bytes = this.#bytes(node);
      this.start = this.#start(node);
      return;
    }
    if (this.#inScratch !== node) {
      const length = this.length(node);
      if (this.#scratch.length < length) this.#scratch = new Uint8Array(length);
      this.#decompress(node, this.#scratch, 0);
      this.#inScratch = node;
    }
    this.bytes = this.#scratch;
    this.start = 0;
  }

  /** Frees a node that is nobody's any more. */
  free(node: number): void {
    if (this.#inScratch === node) this.#inScratch = 0;
    this.heap.arena.free(node);
  }

  /** A copy of a node, marked as new. Throws where there is no memory. */
  copy(node: number): number {
    const compressedBytes = this.#word(node, 0) & ~COMPRESSED;
    const bytes = this.isCompressed(node) ? HEADER_BYTES + compressedBytes : this.heap.arena.usableBytes(node);
    const copy = this.heap.copyBlock(node, bytes);
    this.heap.snapshots.mark(copy);
    return copy;
  }

  /**
   * Puts in an element, which `measureElement` has just measured as `size` bytes, at an offset of the listpack. Returns the
   * node, maybe another; the old one is then freed. Where there is no memory it throws, and nothing has changed.
   */
  insert(node: number, at: number, size: number, source: Uint8Array, start: number, length: number): number {
    const total = this.length(node);
    const isFront = at - LISTPACK_HEADER_BYTES < total - at;
    node = this.#withRoom(node, size, isFront);
    const bytes = this.#bytes(node);
    let listpack = this.#start(node);
    if (isFront) {
      // What is before the place moves to the front, into the room there.
      bytes.copyWithin(listpack - size, listpack, listpack + at);
      listpack -= size;
      this.#setWord(node, 0, this.#word(node, 0) - size);
      this.#setLength(bytes, listpack, node, total + size);
    } else {
      splice(bytes, listpack, listpack + at, 0, size);
      this.#setWord(node, 1, this.#word(node, 1) + size);
    }
    writeMeasured(bytes, listpack + at, source, start, length);
    addToCount(bytes, listpack, 1);
    return node;
  }

  /**
   * Puts an element that was just measured at an end of a node, where nothing need be moved for that; false where there is
   * no room on that side, or the node is compressed. Nothing else of the node is touched, and no memory is taken.
   */
  pushHere(node: number, isFront: boolean, size: number, source: Uint8Array, start: number, length: number): boolean {
    const { arena } = this.heap;
    const words = arena.words[node >>> SEGMENT_SHIFT];
    const word = (node & SEGMENT_MASK) << 1;
    const before = words[word];
    if (before < 0) return false; // it is compressed
    const total = words[word + 1] & LENGTH_MASK;
    if ((isFront ? before : arena.usableBytes(node) - HEADER_BYTES - before - total) < size) return false;
    const bytes = arena.bytes[node >>> SEGMENT_SHIFT];
    let listpack = (word << 2) + HEADER_BYTES + before;
    let at: number;
    if (isFront) {
      listpack -= size;
      moveHeader(bytes, listpack + size, listpack);
      words[word] = before - size;
      at = listpack + LISTPACK_HEADER_BYTES;
    } else {
      at = listpack + total - 1;
      bytes[at + size] = LISTPACK_END;
    }
    words[word + 1] += size;
    setListpackBytes(bytes, listpack, total + size);
    writeMeasured(bytes, at, source, start, length);
    addToCount(bytes, listpack, 1);
    return true;
  }

  /** Takes the element at an end out of a node that has others too and is not compressed. Needs no memory. */
  dropEnd(node: number, isFront: boolean): void {
    const { arena } = this.heap;
    const words = arena.words[node >>> SEGMENT_SHIFT];
    const bytes = arena.bytes[node >>> SEGMENT_SHIFT];
    const word = (node & SEGMENT_MASK) << 1;
    const before = words[word];
    const total = words[word + 1] & LENGTH_MASK;
    let listpack = (word << 2) + HEADER_BYTES + before;
    let size: number;
    if (isFront) {
      size = entryBytes(bytes, listpack + LISTPACK_HEADER_BYTES);
      moveHeader(bytes, listpack, listpack + size);
      listpack += size;
      words[word] = before + size;
    } else {
      const end = listpack + total - 1;
      const at = elementBefore(bytes, end);
      size = end - at;
      bytes[at] = LISTPACK_END;
    }
    words[word + 1] -= size;
    setListpackBytes(bytes, listpack, total - size);
    addToCount(bytes, listpack, -1);
  }

  /** Takes `removed` bytes out, which are `count` elements, at an offset of the listpack. Needs no memory. */
  remove(node: number, at: number, removed: number, count: number): void {
    const bytes = this.#bytes(node);
    const listpack = this.#start(node);
    const total = this.length(node);
    if (at - LISTPACK_HEADER_BYTES < total - at - removed) {
      bytes.copyWithin(listpack + removed, listpack, listpack + at);
      this.#setWord(node, 0, this.#word(node, 0) + removed);
      this.#setLength(bytes, listpack + removed, node, total - removed);
      addToCount(bytes, listpack + removed, -count);
    } else {
      splice(bytes, listpack, listpack + at, removed, 0);
      this.#setWord(node, 1, this.#word(node, 1) - removed);
      addToCount(bytes, listpack, -count);
    }
  }

  #setLength(bytes: Uint8Array, listpack: number, node: number, length: number): void {
    this.#setWord(node, 1, (this.#word(node, 1) & EPOCH_BIT) | length);
    setListpackBytes(bytes, listpack, length);
  }

  /** Makes a node of a listpack that lies elsewhere, not in the arena. */
  fromListpack(bytes: Uint8Array, start: number, length: number): number {
    const { arena, snapshots } = this.heap;
    const node = arena.alloc(HEADER_BYTES + length);
    this.#setWord(node, 0, 0);
    this.#setWord(node, 1, length);
    snapshots.mark(node);
    this.#bytes(node).set(bytes.subarray(start, start + length), this.#start(node));
    return node;
  }

  /** A node, the same or in its place, that has `size` bytes of room in front or behind. */
  #withRoom(node: number, size: number, isFront: boolean): number {
    const { arena } = this.heap;
    const usable = arena.usableBytes(node) - HEADER_BYTES;
    const before = this.#word(node, 0);
    const length = this.length(node);
    const behind = usable - before - length;
    if ((isFront ? before : behind) >= size) return node;
    if (before + behind >= size + (usable >>> 2)) {
      // Half of the room to either side: whoever adds at both ends in turn would otherwise move it again and again.
      const front = isFront ? size + ((before + behind - size) >>> 1) : (before + behind - size) >>> 1;
      this.#moveTo(node, node, front);
      return node;
    }
    const wanted = Math.max(length + size, Math.min(length * 2, length + size + 4096));
    // Beyond the limit nothing more comes, and the room would be lost.
    const most = Math.max(length + size, this.limits.mostBytes);
    const larger = arena.alloc(HEADER_BYTES + Math.min(wanted, most));
    const room = arena.usableBytes(larger) - HEADER_BYTES - length;
    this.#setWord(larger, 1, this.#word(node, 1));
    this.#moveTo(node, larger, isFront ? room : 0);
    this.free(node);
    return larger;
  }

  /** Moves a listpack within its node, or into another, to stand behind `front` bytes of room. */
  #moveTo(from: number, to: number, front: number): void {
    const start = this.#start(from);
    const length = this.length(from);
    this.#setWord(to, 0, front);
    if (from === to) this.#bytes(from).copyWithin(this.#start(to), start, start + length);
    else this.#bytes(to).set(this.#bytes(from).subarray(start, start + length), this.#start(to));
  }

  /** Gives back what a node has of room beyond a fifth. Returns the node, maybe another; it may stay as it is. */
  trim(node: number): number {
    const { arena } = this.heap;
    const length = this.length(node);
    if (this.isCompressed(node) || arena.usableBytes(node) <= Math.max(FIRST_BYTES, HEADER_BYTES + length * 1.2)) {
      return node;
    }
    let smaller: number;
    try {
      smaller = arena.alloc(HEADER_BYTES + length);
    } catch {
      return node; // it is kept as it is
    }
    this.#setWord(smaller, 1, this.#word(node, 1));
    this.#moveTo(node, smaller, 0);
    this.free(node);
    return smaller;
  }

  /** Compresses a node, where that is worth it. Returns the node, maybe another. */
  compress(node: number): number {
    const length = this.length(node);
    if (this.isCompressed(node) || length < MIN_COMPRESSED_BYTES) return node;
    if (this.#scratch.length < length) this.#scratch = new Uint8Array(length);
    this.#inScratch = 0;
    const scratch = this.#scratch;
    const compressed = compressLzf(this.#bytes(node), this.#start(node), length, scratch);
    if (compressed === 0 || compressed + MIN_SAVED_BYTES > length) return node;
    let smaller: number;
    try {
      smaller = this.heap.arena.alloc(HEADER_BYTES + compressed);
    } catch {
      return node;
    }
    this.#setWord(smaller, 0, compressed | COMPRESSED);
    this.#setWord(smaller, 1, this.#word(node, 1));
    const at = byteOf(smaller) + HEADER_BYTES;
    this.#bytes(smaller).set(scratch.subarray(0, compressed), at);
    this.free(node);
    return smaller;
  }

  /** Makes a compressed node one that can be changed, with room for `size` bytes more. Throws where there is no memory. */
  decompress(node: number, size: number): number {
    if (!this.isCompressed(node)) return node;
    const larger = this.heap.arena.alloc(HEADER_BYTES + this.length(node) + size);
    this.#setWord(larger, 0, 0);
    this.#setWord(larger, 1, this.#word(node, 1));
    this.#decompress(node, this.#bytes(larger), this.#start(larger));
    this.free(node);
    return larger;
  }

  #decompress(node: number, output: Uint8Array, at: number): void {
    const compressed = this.#word(node, 0) & ~COMPRESSED;
    const start = byteOf(node) + HEADER_BYTES;
    if (!decompressLzf(this.#bytes(node), start, compressed, output, at, this.length(node))) {
      throw new Error("a node of a list does not decompress");
    }
  }

  #word(node: number, index: number): number {
    return this.heap.arena.words[node >>> SEGMENT_SHIFT][((node & SEGMENT_MASK) << 1) + index];
  }

  #setWord(node: number, index: number, value: number): void {
    this.heap.arena.words[node >>> SEGMENT_SHIFT][((node & SEGMENT_MASK) << 1) + index] = value;
  }

  #bytes(node: number): Uint8Array {
    return this.heap.arena.bytes[node >>> SEGMENT_SHIFT];
  }

  /** Offset of a listpack that is not compressed. */
  #start(node: number): number {
    return byteOf(node) + HEADER_BYTES + this.#word(node, 0);
  }
}

/** Offset of a block in its segment, in bytes. */
function byteOf(node: number): number {
  return (node & SEGMENT_MASK) << 3;
}
