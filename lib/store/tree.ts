/**
 * A counted B+tree over the arena: an ordered sequence of items, to be found by key, by position, or from where one
 * stands. Sorted sets keep scores and members in one, long lists their nodes, streams their nodes by the first ID in
 * each. After Bayer and McCreight (1972), with the number of elements below each child beside it, so that ranks and
 * positions are found in the same descent.
 *
 * A tree is known by the ref of its root, which whatever changes it returns anew. A node is one block:
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
 * Keys are words that compare as signed integers, first to last. Where keys are equal and `hasTies`, the refs decide, by
 * what they stand for (`Tie`).
 *
 * Invariants: no node is empty but the leaf of an empty tree; a root that is no leaf has two children at least; leaves
 * have level 0, and a node's children the level below its own; keys in inner nodes are those of items that are there, so
 * that no ref in them is stale; all nodes but a lone leaf have room for the most items of their level.
 *
 * A tree may be shared with a snapshot under way (`Sharing`): nodes that it has still to read are copied before they
 * are changed, from the root down, as in the B-trees of Rodeh (2008).
 */

import { type Arena, SEGMENT_MASK, SEGMENT_SHIFT } from "./arena.ts";
import { EPOCH_BIT } from "./entry.ts";
import { isOutOfRoom } from "./out_of_room.ts";

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

/** How what is sought compares with an item of the same key: negative where it stands before it; by the item's ref. */
export type Tie = (ref: number) => number;

/** What is sought stands before all items with its key, is any of them, or stands behind them. */
export const BEFORE_TIES: Tie = () => -1;
export const ANY_TIE: Tie = () => 0;
export const BEHIND_TIES: Tie = () => 1;

const HEADER_WORDS = 2;
const ITEMS_MASK = 0xfff;
const CAPACITY_SHIFT = 12;
const LEVEL_SHIFT = 24;
const ELEMENTS_MASK = ~EPOCH_BIT;
/** Bytes of a leaf, and of an inner node: many items, and yet few enough to be shifted quickly. */
const LEAF_BYTES = 768;
const INNER_BYTES = 1024;
/** Items of the leaf of a tree that is begun. */
const FIRST_ITEMS = 4;
const MOST_LEVELS = 16;
const MOST_ITEM_WORDS = 16;
/** A node with fewer than this share of its most items joins a neighbour, if both together have not more than the other. */
const SPARSE = 1 / 4;
const JOINED = 3 / 4;

/** Operations on trees of one shape; between calls it stands at an item of one of them. */
export class Trees {
  /** The key sought, or to be inserted. */
  readonly key: Int32Array;
  /** The value to be inserted. */
  readonly value: Int32Array;
  /** Whose the tree is that is changed: the body by which the snapshot knows it. */
  owner = 0;
  /** How far `relocate` has come, in elements. */
  reached = 0;

  readonly #keyWords: number;
  readonly #leafWords: number;
  readonly #innerWords: number;
  /** Words of a key, and of the ref that decides where keys are equal. */
  readonly #orderWords: number;
  /** Index of the count among the words of a leaf's item; -1 where there is none. */
  readonly #countWord: number;
  readonly #leafItems: number;
  readonly #innerItems: number;

  /** Where it stands: the nodes from the leaf (0) up to the root, and an index in each. */
  readonly #nodes = new Int32Array(MOST_LEVELS);
  readonly #at = new Int32Array(MOST_LEVELS);
  #height = 0;
  /** An item on its way into a node. */
  readonly #item = new Int32Array(MOST_ITEM_WORDS);
  /** Nodes allocated for the change under way, the first to be used last. */
  readonly #spare: number[] = [];

  constructor(readonly arena: Arena, shape: TreeShape, readonly sharing: Sharing | null = null) {
    const { keyWords, valueWords, hasTies, countWord } = shape;
    this.#keyWords = keyWords;
    this.#orderWords = keyWords + (hasTies ? 1 : 0);
    this.#leafWords = keyWords + valueWords;
    this.#innerWords = this.#orderWords + 2;
    this.#countWord = countWord < 0 ? -1 : keyWords + countWord;
    this.#leafItems = Math.floor((LEAF_BYTES / 4 - HEADER_WORDS) / this.#leafWords);
    this.#innerItems = Math.floor((INNER_BYTES / 4 - HEADER_WORDS) / this.#innerWords);
    this.key = new Int32Array(keyWords);
    this.value = new Int32Array(valueWords);
  }

  /** Makes an empty tree. */
  create(): number {
    return this.#newNode(0, FIRST_ITEMS);
  }

  /** Elements in a tree, or below one of its nodes. O(1). */
  count(node: number): number {
    return this.#words(node)[base(node) + 1] & ELEMENTS_MASK;
  }

  /** Items in a tree, or below one of its nodes. O(n) of the inner nodes. */
  items(node: number): number {
    const words = this.#words(node);
    const items = words[base(node)] & ITEMS_MASK;
    if (words[base(node)] >>> LEVEL_SHIFT === 0) return items;
    let sum = 0;
    let at = base(node) + HEADER_WORDS + this.#orderWords;
    for (let i = 0; i < items; i++, at += this.#innerWords) sum += this.items(words[at]);
    return sum;
  }

  // --- Going somewhere ------------------------------------------------------------------------------------------------

  /** Goes to the first item that is not below `key`, by `tie` where keys are equal; false if there is none. O(log n). */
  seek(root: number, tie: Tie): boolean {
    this.#seek(root, tie);
    return this.#settle();
  }

  /** The same, but it may stand behind the last item of any leaf. */
  #seek(root: number, tie: Tie): void {
    const { arena, key } = this;
    const keyWords = this.#keyWords;
    let node = root;
    let level = this.#begin(root);
    for (;;) {
      const words = arena.words[node >>> SEGMENT_SHIFT];
      const start = base(node);
      const items = start + HEADER_WORDS;
      const width = level === 0 ? this.#leafWords : this.#innerWords;
      // In an inner node: the first child after the first one that begins above the key. Its predecessor is the one.
      let low = level === 0 ? 0 : 1;
      let high = words[start] & ITEMS_MASK;
      while (low < high) {
        const middle = (low + high) >>> 1;
        const at = items + middle * width;
        let i = 0;
        while (i < keyWords && words[at + i] === key[i]) i++;
        const order = i < keyWords ? (words[at + i] < key[i] ? 1 : -1) : tie(words[at + keyWords]);
        if (order > 0 || (order === 0 && level > 0)) low = middle + 1;
        else high = middle;
      }
      this.#nodes[level] = node;
      if (level === 0) {
        this.#at[0] = low;
        return;
      }
      this.#at[level] = low - 1;
      node = words[items + (low - 1) * width + this.#orderWords];
      level--;
    }
  }

  /**
   * Goes to the item with the element at `position`, or behind the last. Returns the element's place among those of the
   * item. O(log n).
   */
  seekPosition(root: number, position: number): number {
    let node = root;
    let level = this.#begin(root);
    for (;;) {
      const words = this.#words(node);
      const start = base(node);
      const items = words[start] & ITEMS_MASK;
      const count = this.#countAt(level);
      let i = 0;
      if (count < 0) {
        i = Math.min(position, items);
        position -= i;
      } else {
        const width = level === 0 ? this.#leafWords : this.#innerWords;
        const last = level === 0 ? items : items - 1;
        let at = start + HEADER_WORDS + count;
        for (; i < last && words[at] <= position; i++, at += width) position -= words[at];
      }
      this.#nodes[level] = node;
      this.#at[level] = i;
      if (level === 0) return position;
      node = words[start + HEADER_WORDS + i * this.#innerWords + this.#orderWords];
      level--;
    }
  }

  /** Begins at a root; its level. */
  #begin(root: number): number {
    return this.#height = this.#words(root)[base(root)] >>> LEVEL_SHIFT;
  }

  /** Goes to the last item; false if there is none. */
  seekLast(root: number): boolean {
    const level = this.#begin(root);
    this.#nodes[level] = root;
    const last = this.#itemsOf(root) - 1;
    this.#at[level] = last;
    this.#descend(level, true);
    return last >= 0;
  }

  /** Word `index` of the value at which it stands; word 0 is the ref. */
  word(index: number): number {
    return this.#words(this.#nodes[0])[this.#itemAt(0) + this.#keyWords + index];
  }

  /** Word `index` of the key at which it stands. */
  keyWord(index: number): number {
    return this.#words(this.#nodes[0])[this.#itemAt(0) + index];
  }

  /** Elements in items before the one at which it stands. O(log n). */
  position(): number {
    let before = 0;
    for (let level = 0; level <= this.#height; level++) {
      const node = this.#nodes[level];
      const words = this.#words(node);
      const count = this.#countAt(level);
      const until = this.#at[level];
      if (count < 0) {
        before += until;
        continue;
      }
      const width = level === 0 ? this.#leafWords : this.#innerWords;
      let at = base(node) + HEADER_WORDS + count;
      for (let i = 0; i < until; i++, at += width) before += words[at];
    }
    return before;
  }

  /** Goes to the next item; false, and behind the last, if there is none. */
  next(): boolean {
    return ++this.#at[0] < this.#itemsOf(this.#nodes[0]) || this.#settle();
  }

  /** Goes to the item before; false, and nowhere, if there is none. */
  previous(): boolean {
    if (this.#at[0] > 0) {
      this.#at[0]--;
      return true;
    }
    let level = 1;
    while (level <= this.#height && this.#at[level] === 0) level++;
    if (level > this.#height) return false;
    this.#at[level]--;
    this.#descend(level, true);
    return true;
  }

  /** From behind a leaf's last item, goes to the first of the next leaf; false if there is none. */
  #settle(): boolean {
    if (this.#at[0] < this.#itemsOf(this.#nodes[0])) return true;
    let level = 1;
    while (level <= this.#height && this.#isLast(level)) level++;
    if (level > this.#height) return false;
    this.#at[level]++;
    this.#descend(level, false);
    return true;
  }

  #isLast(level: number): boolean {
    return this.#at[level] === this.#itemsOf(this.#nodes[level]) - 1;
  }

  /** Goes down to the first or last item below where it stands on a level. */
  #descend(level: number, toLast: boolean): void {
    for (; level > 0; level--) {
      const node = this.#child(level);
      this.#nodes[level - 1] = node;
      this.#at[level - 1] = toLast ? this.#itemsOf(node) - 1 : 0;
    }
  }

  // --- Inserting ------------------------------------------------------------------------------------------------------

  /** Inserts `key` with `value` where they belong; returns the root. As `insertHere` else. */
  insert(root: number, tie: Tie): number {
    this.#seek(root, tie);
    return this.insertHere(root);
  }

  /**
   * Inserts `key` with `value` before the item at which it stands, or behind the last; returns the root. It stands nowhere
   * afterwards. Where there is no memory it throws, and nothing has changed. O(log n).
   */
  insertHere(root: number): number {
    root = this.#prepare(root, true);
    const item = this.#item;
    for (let i = 0; i < this.#keyWords; i++) item[i] = this.key[i];
    for (let i = this.#keyWords; i < this.#leafWords; i++) item[i] = this.value[i - this.#keyWords];
    const elements = this.#countWord < 0 ? 1 : item[this.#countWord];
    this.#countAbove(0, elements);
    return this.#place(root, 0, elements);
  }

  /** Puts `#item` where it stands on a level; the node has `elements` more by that. */
  #place(root: number, level: number, elements: number): number {
    const node = this.#nodes[level];
    const words = this.#words(node);
    const start = base(node);
    const items = words[start] & ITEMS_MASK;
    if (items === capacityOf(words[start])) {
      if (items === (level === 0 ? this.#leafItems : this.#innerItems)) return this.#split(root, level, elements);
      return this.#place(this.#grow(root), level, elements);
    }
    const at = this.#at[level];
    this.#insertInto(node, level, at);
    words[start + 1] += elements;
    if (at === 0) this.#firstChanged(level);
    return root;
  }

  /** Gives the leaf that is the whole tree more room. */
  #grow(leaf: number): number {
    const larger = this.#spare.pop() ?? 0;
    const from = this.#words(leaf);
    const start = base(leaf);
    const to = this.#words(larger);
    const at = base(larger);
    const items = from[start] & ITEMS_MASK;
    to[at] |= items;
    to[at + 1] = from[start + 1];
    for (let i = 0; i < items * this.#leafWords; i++) to[at + HEADER_WORDS + i] = from[start + HEADER_WORDS + i];
    this.arena.free(leaf);
    return this.#nodes[0] = larger;
  }

  /** Splits a full node in two, and puts `#item` into one of them. */
  #split(root: number, level: number, elements: number): number {
    const width = level === 0 ? this.#leafWords : this.#innerWords;
    const left = this.#nodes[level];
    const right = this.#spare.pop() ?? 0;
    const words = this.#words(left);
    const start = base(left);
    const rightWords = this.#words(right);
    const rightStart = base(right);
    const items = words[start] & ITEMS_MASK;
    const at = this.#at[level];

    // Who adds at an end again and again leaves full nodes behind.
    const middle = at === items && this.#isRim(level, true)
      ? items
      : at === 0 && this.#isRim(level, false)
      ? 0
      : items >>> 1;
    const from = start + HEADER_WORDS + middle * width;
    const moved = (items - middle) * width;
    for (let i = 0; i < moved; i++) rightWords[rightStart + HEADER_WORDS + i] = words[from + i];
    words[start] -= items - middle;
    rightWords[rightStart] += items - middle;
    const total = (words[start + 1] & ELEMENTS_MASK) + elements;
    const isRight = at > middle || middle === items;
    this.#insertInto(isRight ? right : left, level, isRight ? at - middle : at);
    const totalRight = this.#sum(right, level);
    rightWords[rightStart + 1] += totalRight;
    words[start + 1] += elements - totalRight;
    if (!isRight && at === 0) this.#firstChanged(level);

    if (level === this.#height) root = this.#raise(left, total);
    const above = this.#nodes[level + 1];
    this.#words(above)[this.#itemAt(level + 1) + this.#orderWords + 1] = total - totalRight;
    this.#at[level + 1]++;
    this.#childItem(right, totalRight);
    return this.#place(root, level + 1, 0);
  }

  /** Whether all is behind, or before, where it stands above a level. */
  #isRim(level: number, toLast: boolean): boolean {
    for (let above = level + 1; above <= this.#height; above++) {
      if (toLast ? !this.#isLast(above) : this.#at[above] !== 0) return false;
    }
    return true;
  }

  /** Puts a new root over the one that there is. */
  #raise(child: number, elements: number): number {
    const root = this.#spare.pop() ?? 0;
    const level = this.#height++;
    this.#childItem(child, elements);
    this.#nodes[level + 1] = root;
    this.#at[level + 1] = 0;
    this.#insertInto(root, level + 1, 0);
    this.#words(root)[base(root) + 1] += elements;
    return root;
  }

  /** Makes `#item` the one of a child of `level` in the node above. */
  #childItem(child: number, elements: number): void {
    const words = this.#words(child);
    const first = base(child) + HEADER_WORDS;
    for (let i = 0; i < this.#orderWords; i++) this.#item[i] = words[first + i];
    this.#item[this.#orderWords] = child;
    this.#item[this.#orderWords + 1] = elements;
  }

  /** Inserts `#item` into a node that has room. */
  #insertInto(node: number, level: number, index: number): void {
    const width = level === 0 ? this.#leafWords : this.#innerWords;
    const words = this.#words(node);
    const start = base(node);
    const place = start + HEADER_WORDS + index * width;
    const end = start + HEADER_WORDS + (words[start] & ITEMS_MASK) * width;
    if (place < end) words.copyWithin(place + width, place, end);
    for (let i = 0; i < width; i++) words[place + i] = this.#item[i];
    words[start]++;
  }

  // --- Removing and changing ------------------------------------------------------------------------------------------

  /** Removes the item at which it stands; returns the root. It stands nowhere afterwards. Needs no memory. O(log n). */
  remove(root: number): number {
    root = this.#prepare(root, false);
    const elements = this.#countWord < 0 ? 1 : this.#words(this.#nodes[0])[this.#itemAt(0) + this.#countWord];
    this.#countAbove(0, -elements);
    this.#words(this.#nodes[0])[base(this.#nodes[0]) + 1] -= elements;
    let level = 0;
    for (; this.#takeOut(this.#nodes[level], level, this.#at[level]) === 0 && level < this.#height; level++) {
      this.arena.free(this.#nodes[level]);
    }
    if (this.#at[level] === 0) this.#firstChanged(level);
    while (level < this.#height && this.#join(level)) level++;
    return this.#lower(root);
  }

  /** Takes an item out of a node; how many are left. */
  #takeOut(node: number, level: number, index: number): number {
    const width = level === 0 ? this.#leafWords : this.#innerWords;
    const words = this.#words(node);
    const start = base(node);
    const items = words[start] & ITEMS_MASK;
    const place = start + HEADER_WORDS + index * width;
    const end = start + HEADER_WORDS + items * width;
    if (place + width < end) words.copyWithin(place, place + width, end);
    words[start]--;
    return items - 1;
  }

  /** Joins a sparse node with a neighbour that has room for it; whether it did, so that the node above has one child less. */
  #join(level: number): boolean {
    const most = level === 0 ? this.#leafItems : this.#innerItems;
    const above = this.#nodes[level + 1];
    const items = this.#itemsOf(this.#nodes[level]);
    if (items >= most * SPARSE || this.#itemsOf(above) < 2) return false;
    const index = this.#at[level + 1];
    const first = index + 1 < this.#itemsOf(above) ? index : index - 1;
    const words = this.#words(above);
    const place = base(above) + HEADER_WORDS + first * this.#innerWords + this.#orderWords;
    const left = words[place];
    const right = words[place + this.#innerWords];
    if (this.#itemsOf(left) + this.#itemsOf(right) > most * JOINED) return false;
    // What the snapshot has still to read would have to be copied first.
    if (this.sharing !== null && (this.sharing.isAwaited(left) || this.sharing.isAwaited(right))) return false;
    this.#append(left, right, level);
    words[place + 1] += words[place + this.#innerWords + 1];
    this.#takeOut(above, level + 1, first + 1);
    this.arena.free(right);
    return true;
  }

  /** Adds a node's items behind those of another. */
  #append(left: number, right: number, level: number): void {
    const width = level === 0 ? this.#leafWords : this.#innerWords;
    const words = this.#words(left);
    const start = base(left);
    const rightWords = this.#words(right);
    const from = base(right) + HEADER_WORDS;
    const place = start + HEADER_WORDS + (words[start] & ITEMS_MASK) * width;
    const items = this.#itemsOf(right);
    for (let i = 0; i < items * width; i++) words[place + i] = rightWords[from + i];
    words[start] += items;
    words[start + 1] += this.count(right);
  }

  /** Takes roots away that have one child. */
  #lower(root: number): number {
    while (this.#height > 0 && this.#itemsOf(root) === 1) {
      const child = this.#words(root)[base(root) + HEADER_WORDS + this.#orderWords];
      this.arena.free(root);
      root = child;
      this.#height--;
    }
    return root;
  }

  /**
   * Whether the item at which it stands, once it is taken out, can be put back without memory: that is so where its leaf
   * stays, and stays the one in which it belongs, joined to another or not. The first of a leaf would go into the one before.
   */
  get leavesRoom(): boolean {
    return this.#height === 0 || this.#at[0] > 0;
  }

  /**
   * Gives the item at which it stands `key`, if it stays where it is in the order by that; `tie` compares it where keys are
   * equal. Returns the root, or 0 where it would have to move: then nothing has changed. Needs no memory. O(1) mostly.
   */
  changeKey(root: number, tie: Tie): number {
    if (!this.#staysHere(tie)) return 0;
    root = this.#prepare(root, false);
    const words = this.#words(this.#nodes[0]);
    const at = this.#itemAt(0);
    for (let i = 0; i < this.#keyWords; i++) words[at + i] = this.key[i];
    if (this.#at[0] === 0) this.#firstChanged(0);
    return root;
  }

  /** Whether `key` belongs between the items before and behind the one at which it stands. */
  #staysHere(tie: Tie): boolean {
    const leaf = this.#words(this.#nodes[0]);
    const at = this.#itemAt(0);
    if (this.#at[0] > 0) {
      if (this.#compare(leaf, at - this.#leafWords, tie) <= 0) return false;
    } else {
      let level = 1;
      while (level <= this.#height && this.#at[level] === 0) level++;
      if (level <= this.#height) {
        let node = this.#words(this.#nodes[level])[this.#itemAt(level) - this.#innerWords + this.#orderWords];
        for (level--; level > 0; level--) node = this.#words(node)[this.#lastItem(node, level) + this.#orderWords];
        if (this.#compare(this.#words(node), this.#lastItem(node, 0), tie) <= 0) return false;
      }
    }
    if (!this.#isLast(0)) return this.#compare(leaf, at + this.#leafWords, tie) < 0;
    let level = 1;
    while (level <= this.#height && this.#isLast(level)) level++;
    if (level > this.#height) return true;
    // An inner node has the key of the first item below each child.
    return this.#compare(this.#words(this.#nodes[level]), this.#itemAt(level) + this.#innerWords, tie) < 0;
  }

  /** How `key` compares with the item that begins with a word: negative where it stands before it. */
  #compare(words: Int32Array, at: number, tie: Tie): number {
    const { key } = this;
    for (let i = 0; i < this.#keyWords; i++) if (key[i] !== words[at + i]) return key[i] < words[at + i] ? -1 : 1;
    return tie(words[at + this.#keyWords]);
  }

  /** Index of the word with which a node's last item begins. */
  #lastItem(node: number, level: number): number {
    const width = level === 0 ? this.#leafWords : this.#innerWords;
    return base(node) + HEADER_WORDS + (this.#itemsOf(node) - 1) * width;
  }

  /** Sets a word of the value at which it stands; returns the root. Where there are ties the ref must stand for the same. */
  setWord(root: number, index: number, value: number): number {
    root = this.#prepare(root, false);
    const words = this.#words(this.#nodes[0]);
    const at = this.#itemAt(0) + this.#keyWords + index;
    if (this.#keyWords + index === this.#countWord) {
      const more = value - words[at];
      words[base(this.#nodes[0]) + 1] += more;
      this.#countAbove(0, more);
    }
    words[at] = value;
    if (index === 0 && this.#orderWords > this.#keyWords && this.#at[0] === 0) this.#firstChanged(0);
    return root;
  }

  // --- The whole of a tree --------------------------------------------------------------------------------------------

  /**
   * Takes about `limit` items off the end of a tree that nobody needs any more, and tells of their refs; returns the root,
   * 0 once all is gone.
   */
  dismantle(root: number, limit: number, visit: (ref: number) => void): number {
    while (limit > 0) {
      this.seekLast(root);
      const leaf = this.#nodes[0];
      const words = this.#words(leaf);
      const items = words[base(leaf)] & ITEMS_MASK;
      for (let i = 0; i < items; i++) visit(words[base(leaf) + HEADER_WORDS + i * this.#leafWords + this.#keyWords]);
      limit -= items + 1;
      let level = 0;
      for (; level < this.#height; level++) {
        this.#dispose(this.#nodes[level]);
        const above = this.#nodes[level + 1];
        if (--this.#words(above)[base(above)] & ITEMS_MASK) break;
      }
      if (level === this.#height) {
        this.#dispose(root);
        return 0;
      }
    }
    return root;
  }

  /**
   * Gives up about `limit` nodes of a tree that nobody needs any more but, maybe, the snapshot, which goes on reading it as
   * it is. `nodes` holds the root at first, and then whatever is left. How many they were. Needs no memory of the arena.
   */
  abandon(nodes: number[], limit: number): number {
    let abandoned = 0;
    for (let node = nodes.pop(); node !== undefined; node = nodes.pop()) {
      const words = this.#words(node);
      if (words[base(node)] >>> LEVEL_SHIFT > 0) {
        const children = base(node) + HEADER_WORDS + this.#orderWords;
        const items = words[base(node)] & ITEMS_MASK;
        for (let i = 0; i < items; i++) nodes.push(words[children + i * this.#innerWords]);
      }
      this.#dispose(node);
      if (++abandoned >= limit) break;
    }
    return abandoned;
  }

  /**
   * All up to the item at which it stands was read for the snapshot: the nodes that end with that item need not stay as they
   * are any longer. Those above others only after these, as the way to what is still to be read leads by them.
   */
  markRead(): void {
    for (let level = 0; level <= this.#height && this.#isLast(level); level++) this.sharing?.mark(this.#nodes[level]);
  }

  /**
   * Moves the nodes on the way to the element at `position` out of segments that are leaving; returns the root. `reached`
   * is then how many elements stand before the next leaf. Not while the tree is shared.
   */
  relocate(root: number, position: number): number {
    this.seekPosition(root, position);
    // The root last: should there be no memory for it, it holds what has moved until then.
    for (let level = 0; level <= this.#height; level++) {
      const node = this.#nodes[level];
      if (!this.arena.isLeaving(node)) continue;
      const moved = this.#copy(node, level);
      this.#nodes[level] = moved;
      if (level === this.#height) root = moved;
      else this.#words(this.#nodes[level + 1])[this.#itemAt(level + 1) + this.#orderWords] = moved;
      this.arena.free(node);
    }
    this.#at[0] = 0;
    this.reached = this.position() + this.count(this.#nodes[0]);
    return root;
  }

  /** Bytes that a tree's nodes take. O(n) of its inner nodes. */
  memoryBytes(root: number): number {
    const level = this.#words(root)[base(root)] >>> LEVEL_SHIFT;
    let bytes = this.arena.usableBytes(root);
    if (level === 0) return bytes;
    const items = this.#itemsOf(root);
    const children = base(root) + HEADER_WORDS + this.#orderWords;
    for (let i = 0; i < items; i++) {
      const child = this.#words(root)[children + i * this.#innerWords];
      bytes += level === 1 ? this.arena.usableBytes(child) : this.memoryBytes(child);
    }
    return bytes;
  }

  /** Number of a tree's nodes. O(n) of its inner nodes. */
  nodeCount(root: number): number {
    const level = this.#words(root)[base(root)] >>> LEVEL_SHIFT;
    const items = this.#itemsOf(root);
    if (level === 0) return 1;
    if (level === 1) return 1 + items;
    const children = base(root) + HEADER_WORDS + this.#orderWords;
    let nodes = 1;
    for (let i = 0; i < items; i++) nodes += this.nodeCount(this.#words(root)[children + i * this.#innerWords]);
    return nodes;
  }

  // --- Nodes ----------------------------------------------------------------------------------------------------------

  #words(node: number): Int32Array {
    return this.arena.words[node >>> SEGMENT_SHIFT];
  }

  #itemsOf(node: number): number {
    return this.#words(node)[base(node)] & ITEMS_MASK;
  }

  /** Index of the word with which the item begins at which it stands on a level. */
  #itemAt(level: number): number {
    return base(this.#nodes[level]) + HEADER_WORDS +
      this.#at[level] * (level === 0 ? this.#leafWords : this.#innerWords);
  }

  #child(level: number): number {
    return this.#words(this.#nodes[level])[this.#itemAt(level) + this.#orderWords];
  }

  /** Index of the count among the words of an item; -1 where each is one element. */
  #countAt(level: number): number {
    return level === 0 ? this.#countWord : this.#orderWords + 1;
  }

  /** Adds to the numbers of elements above a level. */
  #countAbove(level: number, elements: number): void {
    for (let above = level + 1; above <= this.#height; above++) {
      const node = this.#nodes[above];
      const words = this.#words(node);
      words[this.#itemAt(above) + this.#orderWords + 1] += elements;
      words[base(node) + 1] += elements;
    }
  }

  /** Elements in a node's items. */
  #sum(node: number, level: number): number {
    const words = this.#words(node);
    const items = words[base(node)] & ITEMS_MASK;
    const count = this.#countAt(level);
    if (count < 0) return items;
    const width = level === 0 ? this.#leafWords : this.#innerWords;
    let sum = 0;
    let at = base(node) + HEADER_WORDS + count;
    for (let i = 0; i < items; i++, at += width) sum += words[at];
    return sum;
  }

  /** The first item of the node of a level is another: the nodes above take its key over. */
  #firstChanged(level: number): void {
    const node = this.#nodes[level];
    const words = this.#words(node);
    const first = base(node) + HEADER_WORDS;
    for (let above = level + 1; above <= this.#height; above++) {
      const to = this.#words(this.#nodes[above]);
      const at = this.#itemAt(above);
      for (let i = 0; i < this.#orderWords; i++) to[at + i] = words[first + i];
      if (this.#at[above] > 0) return;
    }
  }

  #newNode(level: number, capacity: number): number {
    const width = level === 0 ? this.#leafWords : this.#innerWords;
    const node = this.arena.alloc((HEADER_WORDS + capacity * width) * 4);
    const words = this.#words(node);
    words[base(node)] = (capacity << CAPACITY_SHIFT) | (level << LEVEL_SHIFT);
    words[base(node) + 1] = 0;
    this.sharing?.mark(node);
    return node;
  }

  #dispose(node: number): void {
    if (this.sharing === null || !this.sharing.takesElement(this.owner, node)) this.arena.free(node);
  }

  /**
   * Takes all the memory that a change where it stands may need, and makes the nodes on the way to it our own. Where there
   * is none it throws, and nothing has changed; where nothing is added, there always is.
   */
  #prepare(root: number, grows: boolean): number {
    const { sharing } = this;
    if (sharing === null || !this.#isShared(sharing)) {
      if (grows && this.#isFull(0)) this.#reserve();
      return root;
    }
    const copies: number[] = [];
    try {
      for (let level = 0; level <= this.#height; level++) {
        if (sharing.isAwaited(this.#nodes[level])) copies.push(this.#copy(this.#nodes[level], level));
      }
    } catch (error) {
      for (const copy of copies.splice(0)) this.arena.free(copy);
      if (!isOutOfRoom(error)) throw error;
      sharing.readNow(this.owner);
    }
    try {
      if (grows && this.#isFull(0)) this.#reserve();
    } catch (error) {
      for (const copy of copies) this.arena.free(copy);
      throw error;
    }
    for (let level = this.#height; copies.length > 0; level--) {
      const node = this.#nodes[level];
      if (!sharing.isAwaited(node)) continue;
      const copy = copies.pop() ?? 0;
      this.#nodes[level] = copy;
      if (level === this.#height) root = copy;
      else this.#words(this.#nodes[level + 1])[this.#itemAt(level + 1) + this.#orderWords] = copy;
      this.#dispose(node);
    }
    return root;
  }

  /** Whether the snapshot has still to read a node on the way to where it stands. */
  #isShared(sharing: Sharing): boolean {
    for (let level = this.#height; level >= 0; level--) if (sharing.isAwaited(this.#nodes[level])) return true;
    return false;
  }

  #copy(node: number, level: number): number {
    const from = this.#words(node);
    const start = base(node);
    const copy = this.#newNode(level, capacityOf(from[start]));
    const to = this.#words(copy);
    const at = base(copy);
    const items = from[start] & ITEMS_MASK;
    const length = items * (level === 0 ? this.#leafWords : this.#innerWords);
    to[at] |= items;
    to[at + 1] += from[start + 1] & ELEMENTS_MASK;
    for (let i = 0; i < length; i++) to[at + HEADER_WORDS + i] = from[start + HEADER_WORDS + i];
    return copy;
  }

  #isFull(level: number): boolean {
    const node = this.#nodes[level];
    const word = this.#words(node)[base(node)];
    return (word & ITEMS_MASK) === capacityOf(word);
  }

  /** Allocates the nodes that an insertion where it stands will need. */
  #reserve(): void {
    const wanted: number[] = [];
    const spare = this.#spare;
    spare.length = 0;
    const capacity = capacityOf(this.#words(this.#nodes[0])[base(this.#nodes[0])]);
    try {
      if (capacity < this.#leafItems) {
        spare.push(this.#newNode(0, Math.min(this.#leafItems, capacity * 2)));
        return;
      }
      let level = 0;
      for (; level <= this.#height && this.#isFull(level); level++) {
        wanted.push(this.#newNode(level, level === 0 ? this.#leafItems : this.#innerItems));
      }
      if (level > this.#height) wanted.push(this.#newNode(level, this.#innerItems));
    } catch (error) {
      for (const node of wanted) this.arena.free(node);
      throw error;
    }
    while (wanted.length > 0) spare.push(wanted.pop() ?? 0);
  }
}

/** Index of a node's first word among those of its segment. */
function base(node: number): number {
  return (node & SEGMENT_MASK) << 1;
}

/** Most items of a node, by its word 0. */
function capacityOf(word: number): number {
  return (word >>> CAPACITY_SHIFT) & ITEMS_MASK;
}
