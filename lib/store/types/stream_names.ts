/**
 * Blocks with names: the consumer groups of a stream, and the consumers of a group (stream_groups.ts), each in a tree by
 * name. A block is some words, of which word 1 is the length of the name with the mark of the snapshot, and then the name;
 * `header` is the bytes before the name. Used by groups alone.
 */

import { compareBytes, copyBytes } from "../../bytes/compare.ts";
import { SEGMENT_MASK, SEGMENT_SHIFT } from "../arena.ts";
import { EPOCH_BIT } from "../entry.ts";
import type { Heap } from "../heap.ts";
import { isOutOfRoom } from "../out_of_room.ts";
import { Trees } from "../tree.ts";
import type { Tie } from "../tree_cursor.ts";
import type { TreeShape } from "../tree_nodes.ts";
import { countIn, insertInto, removeFrom } from "./stream_trees.ts";

const NAMES: TreeShape = { keyWords: 0, hasTies: true, valueWords: 1, countWord: -1 };
const NAME_LENGTH = 1;

/** Operations on the named blocks of one heap. */
export class NamedBlocks {
  readonly #names: Trees;
  // What `#byName` compares with, and the header of the blocks that it comes across.
  #bytes: Uint8Array = new Uint8Array(0);
  #start = 0;
  #length = 0;
  #header = 0;

  constructor(readonly heap: Heap) {
    this.#names = this.newTrees();
  }

  /** Operations on trees by name, for whoever stands at a place of its own. */
  newTrees(): Trees {
    return new Trees(this.heap.arena, NAMES, this.heap.snapshots);
  }

  // --- One block ------------------------------------------------------------------------------------------------------

  /** The bytes in which the name of a block lies. */
  bytes(block: number): Uint8Array {
    return this.heap.arena.bytes[block >>> SEGMENT_SHIFT];
  }

  /** Offset of a block's name. */
  nameStart(block: number, header: number): number {
    return ((block & SEGMENT_MASK) << 3) + header;
  }

  /** Bytes of a block's name. */
  nameLength(block: number): number {
    return this.heap.arena.words[block >>> SEGMENT_SHIFT][((block & SEGMENT_MASK) << 1) + NAME_LENGTH] & ~EPOCH_BIT;
  }

  /** Makes a block of which all words are 0. */
  create(bytes: Uint8Array, start: number, length: number, header: number): number {
    const { arena, snapshots } = this.heap;
    const block = arena.alloc(header + length);
    const words = arena.words[block >>> SEGMENT_SHIFT];
    const at = (block & SEGMENT_MASK) << 1;
    words.fill(0, at, at + (header >>> 2));
    words[at + NAME_LENGTH] = length;
    snapshots.mark(block);
    copyBytes(bytes, start, length, this.bytes(block), this.nameStart(block, header));
    return block;
  }

  /** Frees a block that is in no tree any more, unless the snapshot takes it. */
  free(body: number, block: number): void {
    if (!this.heap.snapshots.takesElement(body, block)) this.heap.arena.free(block);
  }

  /** A copy of a block that the snapshot has still to read; where there is no memory for one, it is read, and the same. */
  copyAwaited(body: number, block: number, header: number): number {
    try {
      const copy = this.heap.copyBlock(block, header + this.nameLength(block));
      this.heap.snapshots.mark(copy);
      return copy;
    } catch (error) {
      if (!isOutOfRoom(error)) throw error;
      this.heap.snapshots.readNow(body);
      return block;
    }
  }

  // --- Trees of them --------------------------------------------------------------------------------------------------

  readonly #byName: Tie = (block) => {
    const start = this.nameStart(block, this.#header);
    return compareBytes(this.#bytes, this.#start, this.#length, this.bytes(block), start, this.nameLength(block));
  };

  /** Has `#byName` compare with a name. */
  #setName(bytes: Uint8Array, start: number, length: number, header: number): void {
    this.#bytes = bytes;
    this.#start = start;
    this.#length = length;
    this.#header = header;
  }

  /** Number of blocks in a tree. O(1). */
  count(root: number): number {
    return countIn(this.#names, root);
  }

  /** The block with a name; 0 if there is none. O(log n). */
  find(root: number, header: number, bytes: Uint8Array, start: number, length: number): number {
    if (root === 0) return 0;
    this.#setName(bytes, start, length, header);
    if (!this.#names.seek(root, this.#byName)) return 0;
    const found = this.#names.word(0);
    return this.#byName(found) === 0 ? found : 0;
  }

  /** Has the tree stand at a block that is there. */
  #seek(root: number, header: number, block: number): void {
    const start = this.nameStart(block, header);
    const found = this.find(root, header, this.bytes(block), start, this.nameLength(block));
    if (found !== block) throw new Error("a group or consumer is missing from its tree");
  }

  /** Inserts a block whose name is not taken, and is given where it lies outside of the arena; the root. */
  insert(
    body: number,
    root: number,
    header: number,
    block: number,
    bytes: Uint8Array,
    start: number,
    length: number,
  ): number {
    this.#setName(bytes, start, length, header);
    this.#names.value[0] = block;
    return insertInto(this.#names, body, root, this.#byName);
  }

  /** Puts a copy of a block in its place; the root. */
  replace(body: number, root: number, header: number, block: number, copy: number): number {
    this.#seek(root, header, block);
    this.#names.owner = body;
    return this.#names.setWord(root, 0, copy);
  }

  /** Takes a block out of its tree; the root. Needs no memory. */
  remove(body: number, root: number, header: number, block: number): number {
    this.#seek(root, header, block);
    return removeFrom(this.#names, body, root);
  }
}
