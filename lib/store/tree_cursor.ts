/**
 * A place in a counted B+tree (tree.ts): an item that was found by key, by position, or from where one stood, and the way
 * to it from the root. It stands for whoever reads a tree; what changes one (`Trees`) does so where it stands.
 *
 * A descent is O(log n). A place is good until the tree changes by anybody else.
 */

import { type Arena, SEGMENT_MASK, SEGMENT_SHIFT } from "./arena.ts";
import { base, HEADER_WORDS, ITEMS_MASK, type Sharing, TreeNodes, type TreeShape } from "./tree_nodes.ts";

/** How what is sought compares with an item of the same key: negative where it stands before it; by the item's ref. */
export type Tie = (ref: number) => number;

/** What is sought stands before all items with its key, is any of them, or stands behind them. */
export const BEFORE_TIES: Tie = () => -1;
export const ANY_TIE: Tie = () => 0;
export const BEHIND_TIES: Tie = () => 1;

/** How far into a block `readAhead` reads: whoever reads its first words has the cache line behind them too, if it is another. */
const READ_AHEAD_WORDS = 8;

export const MOST_LEVELS = 16;

/** Stands at an item of one of the trees of a shape, or behind the last. */
export class TreeCursor extends TreeNodes {
  /** The key sought, or to be inserted. */
  readonly key: Int32Array;

  /** Where it stands: the nodes from the leaf (0) up to the root, and an index in each. */
  protected readonly path: Int32Array = new Int32Array(MOST_LEVELS);
  protected readonly at: Int32Array = new Int32Array(MOST_LEVELS);
  /** The root's level. */
  protected height = 0;

  constructor(arena: Arena, shape: TreeShape, sharing: Sharing | null) {
    super(arena, shape, sharing);
    this.key = new Int32Array(shape.keyWords);
  }

  // --- Going somewhere ------------------------------------------------------------------------------------------------

  /** Goes to the first item that is not below `key`, by `tie` where keys are equal; false if there is none. O(log n). */
  seek(root: number, tie: Tie): boolean {
    this.seekInLeaf(root, tie);
    return this.#settle();
  }

  /** The same, but it may stand behind the last item of any leaf. */
  protected seekInLeaf(root: number, tie: Tie): void {
    const { path, at } = this;
    const node = this.#seekLeaf(root, tie);
    path[0] = node;
    at[0] = this.#place(node, 0, 0, tie);
  }

  /**
   * Goes to the item with `key` and a ref, which must be there: the leaf is searched for the ref itself, so that `tie` is
   * asked only about what equals the key in inner nodes. False if it is not there after all. O(log n).
   */
  seekItem(root: number, ref: number, tie: Tie): boolean {
    const node = this.#seekLeaf(root, tie);
    const words = this.words(node);
    const items = base(node) + HEADER_WORDS;
    const count = this.itemsOf(node);
    const { leafWords } = this;
    let index = this.#firstNotBelow(words, items, leafWords, 0, count);
    let at = items + index * leafWords + this.keyWords;
    for (; index < count && words[at] !== ref; index++) at += leafWords;
    this.path[0] = node;
    this.at[0] = index;
    return index < count;
  }

  /** Goes down to the leaf in which what is sought belongs; where it stands there is not set yet. */
  #seekLeaf(root: number, tie: Tie): number {
    const { path, at, innerWords, orderWords } = this;
    let node = root;
    for (let level = this.#begin(root); level > 0; level--) {
      // The first child after the first one that begins above the key. Its predecessor is the one.
      const index = this.#place(node, level, 1, tie) - 1;
      path[level] = node;
      at[level] = index;
      node = this.words(node)[base(node) + HEADER_WORDS + index * innerWords + orderWords];
    }
    return node;
  }

  /** Index of the first item of a node, from `first` on, before which what is sought belongs; in an inner node, behind equals. */
  #place(node: number, level: number, first: number, tie: Tie): number {
    const words = this.words(node);
    const items = base(node) + HEADER_WORDS;
    const width = this.width(level);
    const count = words[items - HEADER_WORDS] & ITEMS_MASK;
    let low = this.#firstNotBelow(words, items, width, first, count);
    if (low === count || !this.#hasKey(words, items + low * width)) return low;
    // Equal keys are mostly few: those behind the first are found in steps that double.
    let step = 1;
    while (low + step < count && this.#hasKey(words, items + (low + step) * width)) step *= 2;
    let high = Math.min(low + step, count);
    while (low < high) {
      const middle = (low + high) >>> 1;
      const at = items + middle * width;
      const order = this.#hasKey(words, at) ? tie(words[at + this.keyWords]) : -1;
      if (order > 0 || (order === 0 && level > 0)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Whether an item, which begins at a word, has the key sought. */
  #hasKey(words: Int32Array, at: number): boolean {
    const { key, keyWords } = this;
    for (let i = 0; i < keyWords; i++) if (words[at + i] !== key[i]) return false;
    return true;
  }

  /** Index of the first of a node's items [low, high) with a key that is not below the one sought; `high` if there is none. */
  #firstNotBelow(words: Int32Array, items: number, width: number, low: number, high: number): number {
    const { key, keyWords } = this;
    if (keyWords === 2) {
      const key0 = key[0];
      const key1 = key[1];
      while (low < high) {
        const middle = (low + high) >>> 1;
        const at = items + middle * width;
        const word = words[at];
        if (word < key0 || (word === key0 && words[at + 1] < key1)) low = middle + 1;
        else high = middle;
      }
      return low;
    }
    while (low < high) {
      const middle = (low + high) >>> 1;
      const at = items + middle * width;
      let i = 0;
      while (i < keyWords && words[at + i] === key[i]) i++;
      if (i < keyWords && words[at + i] < key[i]) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /**
   * Goes to the item with the element at `position`, or behind the last. Returns the element's place among those of the
   * item. O(log n).
   */
  seekPosition(root: number, position: number): number {
    let node = root;
    let level = this.#begin(root);
    for (;;) {
      const words = this.words(node);
      const start = base(node);
      const items = words[start] & ITEMS_MASK;
      const count = this.countAt(level);
      let i = 0;
      if (count < 0) {
        i = Math.min(position, items);
        position -= i;
      } else {
        const width = this.width(level);
        const last = level === 0 ? items : items - 1;
        let at = start + HEADER_WORDS + count;
        for (; i < last && words[at] <= position; i++, at += width) position -= words[at];
      }
      this.path[level] = node;
      this.at[level] = i;
      if (level === 0) return position;
      node = words[start + HEADER_WORDS + i * this.innerWords + this.orderWords];
      level--;
    }
  }

  /** Begins at a root; its level. */
  #begin(root: number): number {
    return this.height = this.level(root);
  }

  /** The last leaf of a tree, or its first one: O(1) for a small tree, else O(log n). */
  endLeaf(root: number, isLast: boolean): number {
    let node = root;
    for (let level = this.level(root); level > 0; level--) {
      const item = isLast ? this.lastItem(node, level) : base(node) + HEADER_WORDS;
      node = this.words(node)[item + this.orderWords];
    }
    return node;
  }

  /** Goes to the first item; false if there is none. */
  seekFirst(root: number): boolean {
    return this.#seekEnd(root, false);
  }

  /** Goes to the last item; false if there is none. */
  seekLast(root: number): boolean {
    return this.#seekEnd(root, true);
  }

  #seekEnd(root: number, toLast: boolean): boolean {
    const level = this.#begin(root);
    const items = this.itemsOf(root);
    this.path[level] = root;
    this.at[level] = toLast ? items - 1 : 0;
    if (level > 0) this.#descend(level, toLast);
    return items > 0;
  }

  /** Whether it stands at an item, and not behind the last of a leaf. */
  get isAtItem(): boolean {
    return this.at[0] < this.itemsOf(this.path[0]);
  }

  /** Word `index` of the value at which it stands; word 0 is the ref. */
  word(index: number): number {
    return this.words(this.path[0])[this.itemAt(0) + this.keyWords + index];
  }

  /** Word `index` of the key at which it stands. */
  keyWord(index: number): number {
    return this.words(this.path[0])[this.itemAt(0) + index];
  }

  /** Elements in items before the one at which it stands. O(log n). */
  position(): number {
    let before = 0;
    for (let level = 0; level <= this.height; level++) {
      const node = this.path[level];
      const words = this.words(node);
      const count = this.countAt(level);
      const until = this.at[level];
      if (count < 0) {
        before += until;
        continue;
      }
      const width = this.width(level);
      let at = base(node) + HEADER_WORDS + count;
      for (let i = 0; i < until; i++, at += width) before += words[at];
    }
    return before;
  }

  /**
   * Reads the blocks that the values' first words are refs of, for up to `most` items of the leaf behind where it stands, or
   * before it: so that the cache misses of whoever goes there overlap. What it returns must have some use.
   */
  readAhead(most: number, isForward: boolean): number {
    const all = this.arena.words;
    const words = this.words(this.path[0]);
    const left = isForward ? this.itemsOf(this.path[0]) - 1 - this.at[0] : this.at[0];
    const step = isForward ? this.leafWords : -this.leafWords;
    let at = this.itemAt(0) + this.keyWords;
    let touched = 0;
    for (let i = Math.min(most, left); i > 0; i--) {
      at += step;
      const ref = words[at];
      const block = all[ref >>> SEGMENT_SHIFT];
      const first = (ref & SEGMENT_MASK) << 1;
      touched ^= block[first] ^ block[first + READ_AHEAD_WORDS];
    }
    return touched;
  }

  /** Goes to the next item; false, and behind the last, if there is none. */
  next(): boolean {
    return ++this.at[0] < this.itemsOf(this.path[0]) || this.#settle();
  }

  /** Goes to the item before; false, and nowhere, if there is none. */
  previous(): boolean {
    if (this.at[0] > 0) {
      this.at[0]--;
      return true;
    }
    let level = 1;
    while (level <= this.height && this.at[level] === 0) level++;
    if (level > this.height) return false;
    this.at[level]--;
    this.#descend(level, true);
    return true;
  }

  /** From behind a leaf's last item, goes to the first of the next leaf; false if there is none. */
  #settle(): boolean {
    if (this.at[0] < this.itemsOf(this.path[0])) return true;
    let level = 1;
    while (level <= this.height && this.isLast(level)) level++;
    if (level > this.height) return false;
    this.at[level]++;
    this.#descend(level, false);
    return true;
  }

  /** Goes down to the first or last item below where it stands on a level. */
  #descend(level: number, toLast: boolean): void {
    for (; level > 0; level--) {
      const node = this.words(this.path[level])[this.itemAt(level) + this.orderWords];
      this.path[level - 1] = node;
      this.at[level - 1] = toLast ? this.itemsOf(node) - 1 : 0;
    }
  }

  /**
   * All up to the item at which it stands was read for the snapshot: the nodes that end with that item need not stay as they
   * are any longer. Those above others only after these, as the way to what is still to be read leads by them.
   */
  markRead(): void {
    for (let level = 0; level <= this.height && this.isLast(level); level++) this.sharing?.mark(this.path[level]);
  }

  // --- The way to it ----------------------------------------------------------------------------------------------------

  /** Index of the word with which the item begins at which it stands on a level. */
  protected itemAt(level: number): number {
    return base(this.path[level]) + HEADER_WORDS + this.at[level] * this.width(level);
  }
  /** Whether it stands at the last item of a node of the way. */
  protected isLast(level: number): boolean {
    return this.at[level] === this.itemsOf(this.path[level]) - 1;
  }
}
