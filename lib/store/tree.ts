/**
 * A counted B+tree over the arena: an ordered sequence of items, to be found by key, by position, or from where one
 * stands. Sorted sets keep scores and members in one, long lists their nodes, streams their nodes by the first ID in
 * each. After Bayer and McCreight (1972), with the number of elements below each child beside it, so that ranks and
 * positions are found in the same descent.
 *
 * `TreeNodes` (tree_nodes.ts) is what nodes hold, `TreeCursor` (tree_cursor.ts) how one finds a place and walks on from it,
 * `Trees` how a tree changes there. Each stands on the one before, as one object: three that ask each other cost ZADD 4 %.
 *
 * A tree is known by the ref of its root, which whatever changes it returns anew.
 *
 * Keys are words that compare as signed integers, first to last. Where keys are equal and `hasTies`, the refs decide, by
 * what they stand for (`Tie`).
 *
 * Invariants: no node is empty but the leaf of an empty tree; a root that is no leaf has two children at least; leaves
 * have level 0, and a node's children the level below its own; keys in inner nodes are those of items that are there, so
 * that no ref in them is stale; all nodes but a lone leaf have room for the most items of their level.
 *
 * Nodes that a snapshot under way has still to read (`Sharing`) are copied before they are changed, from the root down, as
 * in the B-trees of Rodeh (2008).
 */

import type { Arena } from "./arena.ts";
import { isOutOfRoom } from "./out_of_room.ts";
import { MOST_LEVELS, type Tie, TreeCursor } from "./tree_cursor.ts";
import {
  base,
  capacityOf,
  ELEMENTS_MASK,
  HEADER_WORDS,
  ITEMS_MASK,
  type Sharing,
  type TreeShape,
} from "./tree_nodes.ts";

/** Items of the leaf of a tree that is begun. */
const FIRST_ITEMS = 4;
const MOST_ITEM_WORDS = 16;
/** A node with fewer than this share of its most items joins a neighbour, if both together have not more than the other. */
const SPARSE = 1 / 4;
const JOINED = 3 / 4;

/** Items in their order, of a tree where each has a key, a ref and nothing else: what `insertFromRun` takes from the end. */
export interface TreeRun {
  /** Keys, one after the other, and the refs. */
  readonly keys: Int32Array;
  readonly refs: Int32Array;
  /** Items from the first on that are in no tree yet. */
  left: number;
  /** Compares the last of these with an item of the same key, by its ref. */
  readonly tie: Tie;
  /** Compares what two refs stand for. */
  readonly compare: (one: number, other: number) => number;
}

/** Operations on trees of one shape; between calls it stands at an item of one of them. */
export class Trees extends TreeCursor {
  /** The value to be inserted. */
  readonly value: Int32Array;
  /** Whose the tree is that is changed: the body by which the snapshot knows it. */
  owner = 0;
  /** How far `relocate` has come, in elements. */
  reached = 0;

  /** An item on its way into a node. */
  readonly #item = new Int32Array(MOST_ITEM_WORDS);
  /** The way to an item that moves. */
  readonly #fromPath = new Int32Array(MOST_LEVELS);
  readonly #fromAt = new Int32Array(MOST_LEVELS);
  /** Nodes allocated for the change under way, the first to be used last. */
  readonly #spare: number[] = [];

  constructor(arena: Arena, shape: TreeShape, sharing: Sharing | null = null) {
    super(arena, shape, sharing);
    this.value = new Int32Array(shape.valueWords);
  }

  /** Makes an empty tree. */
  create(): number {
    return this.newNode(0, FIRST_ITEMS);
  }

  // --- Inserting ------------------------------------------------------------------------------------------------------

  /** Inserts `key` with `value` where they belong; returns the root. As `insertHere` else. */
  insert(root: number, tie: Tie): number {
    this.seekInLeaf(root, tie);
    return this.insertHere(root);
  }

  /**
   * Inserts `key` with `value` before the item at which it stands, or behind the last; returns the root. It stands nowhere
   * afterwards. Where there is no memory, or too many elements, it throws, and nothing has changed. O(log n).
   */
  insertHere(root: number): number {
    const { key, value, keyWords, leafWords, countWord } = this;
    if (countWord >= 0) this.requireRoom(root, value[countWord - keyWords]);
    root = this.#prepare(root, true);
    const item = this.#item;
    for (let i = 0; i < keyWords; i++) item[i] = key[i];
    for (let i = keyWords; i < leafWords; i++) item[i] = value[i - keyWords];
    const elements = countWord < 0 ? 1 : item[countWord];
    this.#countAbove(0, elements);
    return this.#place(root, 0, elements);
  }

  /** Puts `#item` where it stands on a level; the node has `elements` more by that. */
  #place(root: number, level: number, elements: number): number {
    const node = this.path[level];
    const words = this.words(node);
    const start = base(node);
    const items = words[start] & ITEMS_MASK;
    if (items === capacityOf(words[start])) {
      if (items === this.mostItems(level)) return this.#split(root, level, elements);
      return this.#place(this.#grow(root), level, elements);
    }
    const at = this.at[level];
    this.#insertInto(node, level, at);
    words[start + 1] += elements;
    if (at === 0) this.#firstChanged(level);
    return root;
  }

  /** Gives the leaf that is the whole tree more room. */
  #grow(leaf: number): number {
    const larger = this.#spare.pop() ?? 0;
    this.appendItems(larger, leaf, 0);
    this.arena.free(leaf);
    return this.path[0] = larger;
  }

  /** Splits a full node in two, and puts `#item` into one of them. */
  #split(root: number, level: number, elements: number): number {
    const width = this.width(level);
    const left = this.path[level];
    const right = this.#spare.pop() ?? 0;
    const words = this.words(left);
    const start = base(left);
    const rightWords = this.words(right);
    const rightStart = base(right);
    const items = words[start] & ITEMS_MASK;
    const at = this.at[level];

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
    const totalRight = this.sum(right, level);
    rightWords[rightStart + 1] += totalRight;
    words[start + 1] += elements - totalRight;
    if (!isRight && at === 0) this.#firstChanged(level);

    if (level === this.height) root = this.#raise(left, total);
    const above = this.path[level + 1];
    this.words(above)[this.itemAt(level + 1) + this.orderWords + 1] = total - totalRight;
    this.at[level + 1]++;
    this.#childItem(right, totalRight);
    return this.#place(root, level + 1, 0);
  }

  /** Whether all is behind, or before, where it stands above a level. */
  #isRim(level: number, toLast: boolean): boolean {
    for (let above = level + 1; above <= this.height; above++) {
      if (toLast ? !this.isLast(above) : this.at[above] !== 0) return false;
    }
    return true;
  }

  /** Puts a new root over the one that there is. */
  #raise(child: number, elements: number): number {
    const root = this.#spare.pop() ?? 0;
    const level = this.height++;
    this.#childItem(child, elements);
    this.path[level + 1] = root;
    this.at[level + 1] = 0;
    this.#insertInto(root, level + 1, 0);
    this.words(root)[base(root) + 1] += elements;
    return root;
  }

  /** Makes `#item` the one of a child of `level` in the node above. */
  #childItem(child: number, elements: number): void {
    const words = this.words(child);
    const first = base(child) + HEADER_WORDS;
    for (let i = 0; i < this.orderWords; i++) this.#item[i] = words[first + i];
    this.#item[this.orderWords] = child;
    this.#item[this.orderWords + 1] = elements;
  }

  /** Inserts `#item` into a node that has room. */
  #insertInto(node: number, level: number, index: number): void {
    const width = this.width(level);
    const words = this.words(node);
    const start = base(node);
    const place = start + HEADER_WORDS + index * width;
    const end = start + HEADER_WORDS + (words[start] & ITEMS_MASK) * width;
    if (place < end) words.copyWithin(place + width, place, end);
    const item = this.#item;
    for (let i = 0; i < width; i++) words[place + i] = item[i];
    words[start]++;
  }

  /**
   * Inserts the last item of a run, and of those before it as many as belong in the same leaf and have room there; the root.
   * What is inserted leaves the run. Throws as `insertHere` does. Not while a snapshot shares the tree. O(log n), and the
   * items of a leaf.
   *
   * From the last to the first, as a leaf that is begun at the front of a tree is filled before the next is.
   */
  insertFromRun(root: number, run: TreeRun): number {
    const { keys, refs } = run;
    const { key, keyWords, leafWords } = this;
    const last = run.left - 1;
    for (let i = 0; i < keyWords; i++) key[i] = keys[last * keyWords + i];
    this.seekInLeaf(root, run.tie);
    const leaf = this.path[0];
    const words = this.words(leaf);
    const start = base(leaf);
    const items = words[start] & ITEMS_MASK;
    const most = Math.min(run.left, capacityOf(words[start]) - items);
    if (most === 0) {
      this.value[0] = refs[last];
      root = this.insertHere(root);
      run.left--;
      return root;
    }
    const first = start + HEADER_WORDS;
    const isFirstLeaf = this.#isRim(0, false);
    let count = 1;
    while (count < most && (isFirstLeaf || this.#compareRun(run, last - count, words, first) > 0)) count++;
    let from = first + (items - 1) * leafWords;
    let to = from + count * leafWords;
    for (let next = last; next > last - count; to -= leafWords) {
      if (from >= first && this.#compareRun(run, next, words, from) < 0) {
        for (let i = 0; i < leafWords; i++) words[to + i] = words[from + i];
        from -= leafWords;
      } else {
        for (let i = 0; i < keyWords; i++) words[to + i] = keys[next * keyWords + i];
        words[to + keyWords] = refs[next--];
      }
    }
    words[start] += count;
    words[start + 1] += count;
    this.#countAbove(0, count);
    if (from < first) this.#firstChanged(0);
    run.left -= count;
    return root;
  }

  /** Compares an item of a run with that of a leaf which begins at a word. */
  #compareRun(run: TreeRun, index: number, words: Int32Array, at: number): number {
    const { keys } = run;
    const { keyWords } = this;
    for (let i = 0, of = index * keyWords; i < keyWords; i++) {
      const one = keys[of + i];
      const other = words[at + i];
      if (one !== other) return one < other ? -1 : 1;
    }
    return run.compare(run.refs[index], words[at + keyWords]);
  }

  // --- Removing and changing ------------------------------------------------------------------------------------------

  /** Removes the item at which it stands; returns the root. It stands nowhere afterwards. Needs no memory. O(log n). */
  remove(root: number): number {
    root = this.#prepare(root, false);
    const elements = this.countWord < 0 ? 1 : this.words(this.path[0])[this.itemAt(0) + this.countWord];
    this.#countAbove(0, -elements);
    this.words(this.path[0])[base(this.path[0]) + 1] -= elements;
    let level = 0;
    for (; this.takeOut(this.path[level], level, this.at[level]) === 0 && level < this.height; level++) {
      this.arena.free(this.path[level]);
    }
    if (this.at[level] === 0) this.#firstChanged(level);
    while (level < this.height && this.#join(level)) level++;
    return this.#lower(root);
  }

  /** Joins a sparse node with a neighbour that has room for it; whether it did, so that the node above has one child less. */
  #join(level: number): boolean {
    const most = this.mostItems(level);
    const above = this.path[level + 1];
    const items = this.itemsOf(this.path[level]);
    if (items >= most * SPARSE || this.itemsOf(above) < 2) return false;
    const index = this.at[level + 1];
    const first = index + 1 < this.itemsOf(above) ? index : index - 1;
    const words = this.words(above);
    const place = base(above) + HEADER_WORDS + first * this.innerWords + this.orderWords;
    const left = words[place];
    const right = words[place + this.innerWords];
    if (this.itemsOf(left) + this.itemsOf(right) > most * JOINED) return false;
    // What the snapshot has still to read would have to be copied first.
    if (this.sharing !== null && (this.sharing.isAwaited(left) || this.sharing.isAwaited(right))) return false;
    this.appendItems(left, right, level);
    words[place + 1] += words[place + this.innerWords + 1];
    this.takeOut(above, level + 1, first + 1);
    this.arena.free(right);
    return true;
  }

  /** Takes roots away that have one child. */
  #lower(root: number): number {
    while (this.height > 0 && this.itemsOf(root) === 1) {
      const child = this.words(root)[base(root) + HEADER_WORDS + this.orderWords];
      this.arena.free(root);
      root = child;
      this.height--;
    }
    return root;
  }

  /**
   * Whether the item at which it stands, once it is taken out, can be put back without memory: that is so where its leaf
   * stays, and stays the one in which it belongs, joined to another or not. The first of a leaf would go into the one before.
   */
  get leavesRoom(): boolean {
    return this.height === 0 || this.at[0] > 0;
  }

  /**
   * Gives the item at which it stands `key`, another one, and moves it to where it then belongs; `tie` compares it where
   * keys are equal. Returns the root; or 0 where that takes more than changing two leaves and the numbers above them, as
   * splitting or joining nodes does: then nothing has changed, and it stands where it stood. Needs no memory. O(log n).
   */
  changeKey(root: number, tie: Tie): number {
    const { path, at, height } = this;
    const fromPath = this.#fromPath;
    const fromAt = this.#fromAt;
    for (let level = 0; level <= height; level++) {
      fromPath[level] = path[level];
      fromAt[level] = at[level];
    }
    this.seekInLeaf(root, tie);
    if (path[0] === fromPath[0]) return this.#moveWithin(root, fromAt[0], at[0]);
    if (this.#takesMoved(fromPath[0], fromAt[0])) {
      this.#moveAcross();
      return root;
    }
    for (let level = 0; level <= height; level++) {
      path[level] = fromPath[level];
      at[level] = fromAt[level];
    }
    return 0;
  }

  /** Gives item `from` of the leaf where it stands `key`, and moves it before item `to` of the same leaf; the root. */
  #moveWithin(root: number, from: number, to: number): number {
    root = this.#prepare(root, false);
    const { key, keyWords, leafWords } = this;
    const words = this.words(this.path[0]);
    const items = base(this.path[0]) + HEADER_WORDS;
    const place = to > from ? to - 1 : to;
    const at = items + place * leafWords;
    if (place !== from) {
      const old = items + from * leafWords;
      const item = this.#item;
      for (let i = keyWords; i < leafWords; i++) item[i] = words[old + i];
      if (place > from) words.copyWithin(old, old + leafWords, at + leafWords);
      else words.copyWithin(at + leafWords, at, old);
      for (let i = keyWords; i < leafWords; i++) words[at + i] = item[i];
    }
    for (let i = 0; i < keyWords; i++) words[at + i] = key[i];
    this.at[0] = place;
    if (from === 0 || place === 0) this.#firstChanged(0);
    return root;
  }

  /**
   * Whether an item of another leaf can move to where it stands and change these two leaves alone: the one has room, the
   * other keeps enough items to stand by itself, and both keep their first items, so that no key above them changes.
   */
  #takesMoved(leaf: number, index: number): boolean {
    return this.sharing === null && index > 0 && this.at[0] > 0 && !this.isFull(this.path[0]) &&
      this.itemsOf(leaf) > this.leafItems * SPARSE + 1;
  }

  /** Moves the item at `#fromPath` to where it stands, in another leaf, with `key`. */
  #moveAcross(): void {
    const { key, keyWords, leafWords, countWord, path, at } = this;
    const fromPath = this.#fromPath;
    const fromAt = this.#fromAt;
    const item = this.#item;
    const from = this.words(fromPath[0]);
    const old = base(fromPath[0]) + HEADER_WORDS + fromAt[0] * leafWords;
    for (let i = 0; i < keyWords; i++) item[i] = key[i];
    for (let i = keyWords; i < leafWords; i++) item[i] = from[old + i];
    const elements = countWord < 0 ? 1 : item[countWord];
    this.takeOut(fromPath[0], 0, fromAt[0]);
    this.#insertInto(path[0], 0, at[0]);
    from[base(fromPath[0]) + 1] -= elements;
    this.words(path[0])[base(path[0]) + 1] += elements;
    // Numbers above both leaves stay what they are.
    const { innerWords } = this;
    const countAt = HEADER_WORDS + this.orderWords + 1;
    for (let level = 1; level <= this.height; level++) {
      const left = fromPath[level];
      const joined = path[level];
      if (left === joined && fromAt[level] === at[level]) return;
      this.words(left)[base(left) + countAt + fromAt[level] * innerWords] -= elements;
      this.words(joined)[base(joined) + countAt + at[level] * innerWords] += elements;
      if (left === joined) return;
      this.words(left)[base(left) + 1] -= elements;
      this.words(joined)[base(joined) + 1] += elements;
    }
  }

  /** Sets a word of the value at which it stands; returns the root. Where there are ties the ref must stand for the same. */
  setWord(root: number, index: number, value: number): number {
    root = this.#prepare(root, false);
    const words = this.words(this.path[0]);
    const at = this.itemAt(0) + this.keyWords + index;
    if (this.keyWords + index === this.countWord) {
      const more = value - words[at];
      words[base(this.path[0]) + 1] += more;
      this.#countAbove(0, more);
    }
    words[at] = value;
    if (index === 0 && this.orderWords > this.keyWords && this.at[0] === 0) this.#firstChanged(0);
    return root;
  }

  /**
   * Adds to the number of elements of the last item of a tree that has some, or of its first one, from the root down: what
   * `seekLast` and `addElements` do, without a place being kept. Not while a snapshot shares the tree.
   */
  addElementsAtEnd(root: number, isLast: boolean, more: number): void {
    let node = root;
    for (let level = this.level(root);; level--) {
      const words = this.words(node);
      const start = base(node);
      const item = isLast ? this.lastItem(node, level) : start + HEADER_WORDS;
      words[start + 1] += more;
      words[item + this.countAt(level)] += more;
      if (level === 0) return;
      node = words[item + this.orderWords];
    }
  }

  /** Adds to the number of elements of the item at which it stands; returns the root. */
  addElements(root: number, more: number): number {
    root = this.#prepare(root, false);
    const leaf = this.path[0];
    const words = this.words(leaf);
    words[this.itemAt(0) + this.countWord] += more;
    words[base(leaf) + 1] += more;
    if (this.height > 0) this.#countAbove(0, more);
    return root;
  }

  /**
   * Moves the nodes on the way to the element at `position` out of segments that are leaving; returns the root. `reached`
   * is then how many elements stand before the next leaf. Not while the tree is shared.
   */
  relocate(root: number, position: number): number {
    this.seekPosition(root, position);
    // The root last: should there be no memory for it, it holds what has moved until then.
    for (let level = 0; level <= this.height; level++) {
      const node = this.path[level];
      if (!this.arena.isLeaving(node)) continue;
      const moved = this.copyNode(node, level);
      root = this.#replaceNode(root, level, moved);
      this.arena.free(node);
    }
    this.at[0] = 0;
    this.reached = this.position() + this.count(this.path[0]);
    return root;
  }

  // --- The way to where it stands ---------------------------------------------------------------------------------------

  /** Puts another node in the place of the one on a level, which it is a copy of; returns the root. */
  #replaceNode(root: number, level: number, node: number): number {
    this.path[level] = node;
    if (level === this.height) return node;
    this.words(this.path[level + 1])[this.itemAt(level + 1) + this.orderWords] = node;
    return root;
  }

  /** Adds to the numbers of elements above a level. */
  #countAbove(level: number, elements: number): void {
    for (let above = level + 1; above <= this.height; above++) {
      const node = this.path[above];
      const words = this.words(node);
      words[this.itemAt(above) + this.orderWords + 1] += elements;
      words[base(node) + 1] += elements;
    }
  }

  /** The first item of the node of a level is another: the nodes above take its key over. */
  #firstChanged(level: number): void {
    const node = this.path[level];
    const words = this.words(node);
    const first = base(node) + HEADER_WORDS;
    for (let above = level + 1; above <= this.height; above++) {
      const to = this.words(this.path[above]);
      const at = this.itemAt(above);
      for (let i = 0; i < this.orderWords; i++) to[at + i] = words[first + i];
      if (this.at[above] > 0) return;
    }
  }

  // --- Memory -----------------------------------------------------------------------------------------------------------

  /**
   * Takes all the memory that a change where it stands may need, and makes the nodes on the way to it our own. Where there
   * is none it throws, and nothing has changed; where nothing is added, there always is.
   */
  #prepare(root: number, grows: boolean): number {
    const { sharing } = this;
    if (sharing === null || !this.#isShared(sharing)) {
      if (grows && this.isFull(this.path[0])) this.#reserve();
      return root;
    }
    const copies: number[] = [];
    try {
      for (let level = 0; level <= this.height; level++) {
        if (sharing.isAwaited(this.path[level])) copies.push(this.copyNode(this.path[level], level));
      }
    } catch (error) {
      for (const copy of copies.splice(0)) this.arena.free(copy);
      if (!isOutOfRoom(error)) throw error;
      sharing.readNow(this.owner);
    }
    try {
      if (grows && this.isFull(this.path[0])) this.#reserve();
    } catch (error) {
      for (const copy of copies) this.arena.free(copy);
      throw error;
    }
    for (let level = this.height; copies.length > 0; level--) {
      const node = this.path[level];
      if (!sharing.isAwaited(node)) continue;
      const copy = copies.pop() ?? 0;
      root = this.#replaceNode(root, level, copy);
      this.dispose(node, this.owner);
    }
    return root;
  }

  /** Whether the snapshot has still to read a node on the way to where it stands. */
  #isShared(sharing: Sharing): boolean {
    for (let level = this.height; level >= 0; level--) if (sharing.isAwaited(this.path[level])) return true;
    return false;
  }

  /** Allocates the nodes that an insertion into a full leaf will need. */
  #reserve(): void {
    const spare = this.#spare;
    spare.length = 0;
    const leaf = this.path[0];
    const capacity = capacityOf(this.words(leaf)[base(leaf)]);
    if (capacity < this.leafItems) {
      spare.push(this.newNode(0, Math.min(this.leafItems, capacity * 2)));
      return;
    }
    let full = 1;
    while (full <= this.height && this.isFull(this.path[full])) full++;
    try {
      if (full > this.height) spare.push(this.newNode(full, this.innerItems)); // a root above
      for (let level = full - 1; level >= 0; level--) spare.push(this.newNode(level, this.mostItems(level)));
    } catch (error) {
      for (const node of spare) this.arena.free(node);
      throw error;
    }
  }
}
