/**
 * The nodes of counted B+trees (tree.ts): what they hold and where, their memory, and what is read of all nodes of a tree.
 * A node is one block of the arena:
 *
 * | at     | holds                                                                                       |
 * |--------|---------------------------------------------------------------------------------------------|
 * | word 0 | number of items (12 bits), most items (12 bits), level (4 bits: 0 is a leaf)                  |
 * | word 1 | number of elements in and below it (31 bits), snapshot epoch (bit 31)                         |
 * | then   | items, in order                                                                             |
 *
 * An item of a leaf is a key (`keyWords`) and a value (`valueWords`, the first of them a ref); it stands for one element,
 * or for as many as a word of its value says. An item of an inner node is the key of the first item below a child, the
 * ref of that item where keys may be equal (`hasTies`), the child, and the number of elements below it.
 *
 * A tree may be shared with a snapshot under way (`Sharing`): nodes that it has still to read must not change.
 */

import { type Arena, SEGMENT_MASK, SEGMENT_SHIFT } from "./arena.ts";
import { EPOCH_BIT } from "./entry.ts";

/** What the items of a kind of tree are. */
export interface TreeShape {
  /** Words of a key. */
  readonly keyWords: number;
  /** Whether items may have equal keys, which their refs then order. */
  readonly hasTies: boolean;
  /** Words of a value, of which there may be none; the first is a ref, or whatever its owner finds something by. */
  readonly valueWords: number;
  /** Index of the value's word that says for how many elements an item stands; -1 where each is one. */
  readonly countWord: number;
}

/** The snapshot that may share trees: `SnapshotHooks`. Nodes are the elements of the tree's owner. */
export interface Sharing {
  /** Whether a node must stay as it is, as the snapshot has still to read it. */
  isAwaited(node: number): boolean;
  /** A node is new, and none of the snapshot's. */
  mark(node: number): void;
  /** A node has left the tree: whether the snapshot will free it. */
  takesElement(owner: number, node: number): boolean;
  /** Has the snapshot read all that is the owner's at once, as there is no memory to keep anything of it. */
  readNow(owner: number): void;
}

/** Most elements of a tree: their numbers have 31 bits. */
export const MOST_ELEMENTS: number = 2 ** 31 - 1;

/** Thrown where a tree would have more than `MOST_ELEMENTS`. Nothing has changed by then. */
export class TreeFullError extends Error {
  override name = "TreeFullError";
}

/** Words of a node before its items. */
export const HEADER_WORDS = 2;
export const ITEMS_MASK = 0xfff;
const CAPACITY_SHIFT = 12;
const LEVEL_SHIFT = 24;
export const ELEMENTS_MASK: number = ~EPOCH_BIT;
/** Bytes of a leaf, and of an inner node: many items, and yet few enough to be shifted quickly. */
const LEAF_BYTES = 768;
const INNER_BYTES = 1024;

/** The memory of a tree with no more levels is counted, whatever a guess would do. */
const MEASURED_LEVEL = 1;

/** The layout of the nodes of trees of one shape, and operations on nodes by themselves: the ground of `Trees`. */
export class TreeNodes {
  readonly keyWords: number;
  readonly leafWords: number;
  readonly innerWords: number;
  /** Words of a key, and of the ref that decides where keys are equal. */
  readonly orderWords: number;
  /** Index of the count among the words of a leaf's item; -1 where there is none. */
  readonly countWord: number;
  /** Most items of a leaf, and of an inner node. */
  readonly leafItems: number;
  readonly innerItems: number;

  constructor(readonly arena: Arena, shape: TreeShape, readonly sharing: Sharing | null) {
    const { keyWords, valueWords, hasTies, countWord } = shape;
    this.keyWords = keyWords;
    this.orderWords = keyWords + (hasTies ? 1 : 0);
    this.leafWords = keyWords + valueWords;
    this.innerWords = this.orderWords + 2;
    this.countWord = countWord < 0 ? -1 : keyWords + countWord;
    this.leafItems = Math.floor((LEAF_BYTES / 4 - HEADER_WORDS) / this.leafWords);
    this.innerItems = Math.floor((INNER_BYTES / 4 - HEADER_WORDS) / this.innerWords);
  }

  // --- One node ---------------------------------------------------------------------------------------------------------

  /** The words among which a node's are, from `base` on. */
  words(node: number): Int32Array {
    return this.arena.words[node >>> SEGMENT_SHIFT];
  }

  /** Number of items in a node. */
  itemsOf(node: number): number {
    return this.words(node)[base(node)] & ITEMS_MASK;
  }

  /** Number of elements in and below a node. */
  count(node: number): number {
    return this.words(node)[base(node) + 1] & ELEMENTS_MASK;
  }

  /** To be asked before elements are added to items that may stand for more than one: throws where the tree can't count them. */
  requireRoom(root: number, more: number): void {
    if (this.count(root) + more > MOST_ELEMENTS) throw new TreeFullError(`a tree has ${this.count(root)} elements`);
  }

  /** A node's height above the leaves, which have level 0. */
  level(node: number): number {
    return this.words(node)[base(node)] >>> LEVEL_SHIFT;
  }

  /** Words of an item on a level. */
  width(level: number): number {
    return level === 0 ? this.leafWords : this.innerWords;
  }

  /** Most items of a node on a level. */
  protected mostItems(level: number): number {
    return level === 0 ? this.leafItems : this.innerItems;
  }

  /** Index of the count among the words of an item on a level; -1 where each is one element. */
  protected countAt(level: number): number {
    return level === 0 ? this.countWord : this.orderWords + 1;
  }

  /** Whether a node has no room for another item. */
  protected isFull(node: number): boolean {
    const word = this.words(node)[base(node)];
    return (word & ITEMS_MASK) === capacityOf(word);
  }

  /** Index of the word with which the last item of a leaf begins, or the first one. */
  endItem(leaf: number, isLast: boolean): number {
    return isLast ? this.lastItem(leaf, 0) : base(leaf) + HEADER_WORDS;
  }

  /** Index of the word with which a node's last item begins. */
  protected lastItem(node: number, level: number): number {
    return base(node) + HEADER_WORDS + (this.itemsOf(node) - 1) * this.width(level);
  }

  /** Elements in a node's items, counted one by one. */
  protected sum(node: number, level: number): number {
    const words = this.words(node);
    const items = words[base(node)] & ITEMS_MASK;
    const count = this.countAt(level);
    if (count < 0) return items;
    const width = this.width(level);
    let sum = 0;
    let at = base(node) + HEADER_WORDS + count;
    for (let i = 0; i < items; i++, at += width) sum += words[at];
    return sum;
  }

  /** Adds a node's items behind those of another. */
  protected appendItems(left: number, right: number, level: number): void {
    const width = this.width(level);
    const words = this.words(left);
    const start = base(left);
    const rightWords = this.words(right);
    const from = base(right) + HEADER_WORDS;
    const place = start + HEADER_WORDS + (words[start] & ITEMS_MASK) * width;
    const items = this.itemsOf(right);
    for (let i = 0; i < items * width; i++) words[place + i] = rightWords[from + i];
    words[start] += items;
    words[start + 1] += this.count(right);
  }

  /** Takes an item out of a node; how many are left. The number of elements is the caller's to set. */
  protected takeOut(node: number, level: number, index: number): number {
    const width = this.width(level);
    const words = this.words(node);
    const start = base(node);
    const items = words[start] & ITEMS_MASK;
    const place = start + HEADER_WORDS + index * width;
    const end = start + HEADER_WORDS + items * width;
    if (place + width < end) words.copyWithin(place, place + width, end);
    words[start]--;
    return items - 1;
  }

  // --- Memory -----------------------------------------------------------------------------------------------------------

  /** Makes an empty node for so many items. */
  protected newNode(level: number, capacity: number): number {
    const node = this.arena.alloc((HEADER_WORDS + capacity * this.width(level)) * 4);
    const words = this.words(node);
    words[base(node)] = (capacity << CAPACITY_SHIFT) | (level << LEVEL_SHIFT);
    words[base(node) + 1] = 0;
    this.sharing?.mark(node);
    return node;
  }

  /** A copy of a node, for whoever may change it. */
  protected copyNode(node: number, level: number): number {
    const word = this.words(node)[base(node)];
    const copy = this.newNode(level, capacityOf(word));
    this.appendItems(copy, node, level);
    return copy;
  }

  /** Frees a node that has left the tree of an owner, unless the snapshot takes it. */
  dispose(node: number, owner: number): void {
    if (this.sharing === null || !this.sharing.takesElement(owner, node)) this.arena.free(node);
  }

  // --- All nodes of a tree ----------------------------------------------------------------------------------------------

  /** Calls `visit` for each node of a tree, each before those below it. Leaves are not read. */
  forEachNode(root: number, visit: (node: number) => void): void {
    visit(root);
    this.#forEachBelow(root, this.level(root), visit);
  }

  #forEachBelow(node: number, level: number, visit: (node: number) => void): void {
    if (level === 0) return;
    const words = this.words(node);
    const items = this.itemsOf(node);
    let at = base(node) + HEADER_WORDS + this.orderWords;
    for (let i = 0; i < items; i++, at += this.innerWords) {
      visit(words[at]);
      if (level > 1) this.#forEachBelow(words[at], level - 1, visit);
    }
  }

  /** Items in a tree. O(n) of its nodes. */
  countItems(root: number): number {
    let items = 0;
    this.forEachNode(root, (node) => {
      if (this.level(node) === 0) items += this.itemsOf(node);
    });
    return items;
  }

  /** Number of a tree's nodes. O(n) of them. */
  countNodes(root: number): number {
    let nodes = 0;
    this.forEachNode(root, () => nodes++);
    return nodes;
  }

  /**
   * Bytes that a tree's nodes take. O(n) of them; or, with `samples`, O(log n) where there are many: in a high tree those
   * on the way to its middle stand for all of their level.
   */
  memoryBytes(root: number, samples = 0): number {
    if (samples > 0 && this.level(root) > MEASURED_LEVEL) return this.#estimateBytes(root);
    let bytes = 0;
    this.forEachNode(root, (node) => bytes += this.arena.usableBytes(node));
    return bytes;
  }

  #estimateBytes(root: number): number {
    const all = this.count(root);
    let bytes = 0;
    for (let node = root;;) {
      bytes += this.arena.usableBytes(node) * (all / Math.max(1, this.count(node)));
      if (this.level(node) === 0) return Math.round(bytes);
      const middle = this.itemsOf(node) >>> 1;
      node = this.words(node)[base(node) + HEADER_WORDS + middle * this.innerWords + this.orderWords];
    }
  }
}

/** Index of a node's first word among those of its segment. */
export function base(node: number): number {
  return (node & SEGMENT_MASK) << 1;
}

/** Most items of a node, by its word 0. */
export function capacityOf(word: number): number {
  return (word >>> CAPACITY_SHIFT) & ITEMS_MASK;
}
