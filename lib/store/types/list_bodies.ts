/**
 * Bodies of lists: what large ones are kept in. Redis calls that a quicklist: nodes that are a listpack each (list_nodes.ts),
 * in a tree that knows how many elements each has (node_trees.ts). Used by lists.ts and the cursor beside it, and by those
 * who write, load and check bodies.
 *
 * A position is found in O(log n), and an element comes or goes anywhere in O(log n) and the move of a node's elements.
 * While a snapshot is under way, nodes of the list and of its tree that it has still to read are copied before they change.
 * What throws for want of memory has changed nothing.
 */

import { SEGMENT_MASK, SEGMENT_SHIFT } from "../arena.ts";
import { discardTree } from "../discarded_tree.ts";
import type { Heap } from "../heap.ts";
import {
  addToCount,
  type Element,
  elementAt,
  elementBefore,
  EMPTY_LISTPACK_BYTES,
  firstElement,
  LISTPACK_END,
  LISTPACK_HEADER_BYTES,
  measureElement,
  setListpackBytes,
  writeEmptyListpack,
} from "../listpack.ts";
import { Trees } from "../tree.ts";
import type { TreeShape } from "../tree_nodes.ts";
import { relocateBlock } from "./entry_values.ts";
import { ListNodes } from "./list_nodes.ts";
import { ELEMENTS, markNodes, NODE, nodesMemoryBytes, relocateNodes } from "./node_trees.ts";

/** Trees of nodes, each with the number of its elements. */
const SHAPE: TreeShape = { keyWords: 0, hasTies: false, valueWords: 2, countWord: 1 };
const NO_BYTES = new Uint8Array(0);
/** A body is a block with the ref of the tree's root. */
const BODY_BYTES = 8;
const FREED_AT_ONCE = 16;
/** Nodes at an end that compression leaves alone are looked for there, one by one. */
const END_NODES = 4;

/** An end of a list, at which elements are added or taken. */
export type End = "head" | "tail";

/** What nodes are held to: `Lists`. */
export interface ListLimits {
  /** Nodes at each end that are not compressed; 0 compresses none. */
  readonly compressDepth: number;
  /** Most bytes of a node's listpack, unless it is an element alone. */
  readonly mostBytes: number;
  /** Whether a listpack of so many bytes and elements is within the limits. */
  fits(bytes: number, count: number): boolean;
  /** Whether it is within a share, at most 1, of the limits. */
  fitsShare(bytes: number, count: number, share: number): boolean;
  /** Whether an element is to have a node of its own. */
  isAlone(length: number): boolean;
}

/** Operations on the bodies of one heap. */
export class ListBodies {
  readonly nodes: ListNodes;
  readonly #trees: Trees;
  /** Go along a list beside `#trees`. */
  readonly #ends: Trees;
  readonly #probe: Trees;
  /** What `#findEnd` has found. */
  #endNode = 0;
  #endElements = 0;

  constructor(readonly heap: Heap, readonly limits: ListLimits) {
    this.nodes = new ListNodes(heap, limits);
    this.#trees = this.newTrees();
    this.#ends = this.newTrees();
    this.#probe = this.newTrees();
  }

  /** Operations on trees of this kind, for whoever stands at a place of its own. */
  newTrees(): Trees {
    return new Trees(this.heap.arena, SHAPE, this.heap.snapshots);
  }

  /** Makes a body without nodes. */
  create(): number {
    const { arena } = this.heap;
    const body = arena.alloc(BODY_BYTES);
    try {
      this.#setRoot(body, this.#trees.create());
    } catch (error) {
      arena.free(body);
      throw error;
    }
    return body;
  }

  /** The root of a body's tree. */
  root(body: number): number {
    return this.heap.arena.words[body >>> SEGMENT_SHIFT][(body & SEGMENT_MASK) << 1];
  }

  #setRoot(body: number, root: number): void {
    this.heap.arena.words[body >>> SEGMENT_SHIFT][(body & SEGMENT_MASK) << 1] = root;
  }

  /** Sets a word of the item at which the tree stands. */
  #setWord(body: number, index: number, value: number): void {
    this.#setRoot(body, this.#trees.setWord(this.root(body), index, value));
  }

  /** Number of elements. O(1). */
  count(body: number): number {
    return this.#trees.count(this.root(body));
  }

  /**
   * Finds the node at an end of a body that has some: `#endNode`, with `#endElements` of elements. No place in the tree is
   * kept for that: elements of queues come and go at the ends, and mostly need none.
   */
  #findEnd(root: number, isFront: boolean): void {
    const trees = this.#trees;
    const leaf = trees.endLeaf(root, !isFront);
    const words = trees.words(leaf);
    const item = trees.endItem(leaf, !isFront);
    this.#endNode = words[item + NODE];
    this.#endElements = words[item + ELEMENTS];
  }

  /** Points `into` to the element at an end of a body that has some. */
  peek(body: number, end: End, into: Element): void {
    const { nodes } = this;
    this.#findEnd(this.root(body), end === "head");
    const node = this.#endNode;
    nodes.show(node);
    const { bytes, start } = nodes;
    into.read(bytes, end === "head" ? firstElement(start) : elementBefore(bytes, start + nodes.length(node) - 1));
  }

  // --- Adding ---------------------------------------------------------------------------------------------------------

  /** Adds an element at an end. */
  push(body: number, end: End, source: Uint8Array, start: number, length: number): void {
    const trees = this.#trees;
    const root = this.root(body);
    const isFront = end === "head";
    trees.requireRoom(root, 1);
    const size = measureElement(source, start, length);
    if (this.#pushHere(root, isFront, size, source, start, length)) return;
    const isThere = isFront ? trees.seekFirst(root) : trees.seekLast(root);
    if (isThere && this.#hasRoom(size, length)) {
      const at = isFront ? LISTPACK_HEADER_BYTES : this.nodes.length(trees.word(NODE)) - 1;
      return this.#insertInNode(body, at, size, source, start, length);
    }
    if (!isFront) trees.seekPosition(root, trees.count(root));
    this.#insertNode(body, isFront, size, source, start, length);
  }

  /** Puts an element that was just measured into the node at an end, where that is simple; whether it did. */
  #pushHere(
    root: number,
    isFront: boolean,
    size: number,
    source: Uint8Array,
    start: number,
    length: number,
  ): boolean {
    const trees = this.#trees;
    const { nodes, limits } = this;
    if (this.heap.snapshots.listener !== null || trees.itemsOf(root) === 0 || limits.isAlone(length)) return false;
    this.#findEnd(root, isFront);
    const node = this.#endNode;
    if (!limits.fits(nodes.length(node) + size, this.#endElements + 1)) return false;
    if (!nodes.pushHere(node, isFront, size, source, start, length)) return false;
    trees.addElementsAtEnd(root, !isFront, 1);
    return true;
  }

  /** Whether the node at which the tree stands has room for an element. */
  #hasRoom(size: number, length: number): boolean {
    if (this.limits.isAlone(length)) return false;
    const trees = this.#trees;
    return this.limits.fits(this.nodes.length(trees.word(NODE)) + size, trees.word(ELEMENTS) + 1);
  }

  /** Puts an element that was just measured into the node at which the tree stands. */
  #insertInNode(body: number, at: number, size: number, source: Uint8Array, start: number, length: number): void {
    const trees = this.#trees;
    const node = this.#ownNode(body, size);
    const grown = this.nodes.insert(node, at, size, source, start, length);
    if (grown !== node) this.#setWord(body, NODE, grown);
    this.#setWord(body, ELEMENTS, trees.word(ELEMENTS) + 1);
  }

  /** Puts an element that was just measured into a node of its own, before the node at which the tree stands. */
  #insertNode(body: number, isFront: boolean, size: number, source: Uint8Array, start: number, length: number): void {
    const { nodes } = this;
    let node = nodes.create(size, isFront);
    try {
      node = nodes.insert(node, LISTPACK_HEADER_BYTES, size, source, start, length);
      this.#addNode(body, node, 1);
    } catch (error) {
      nodes.free(node);
      throw error;
    }
    this.#compressEnds(body);
  }

  /** Adds a node before that at which the tree stands. */
  #addNode(body: number, node: number, elements: number): void {
    const trees = this.#trees;
    trees.owner = body;
    trees.value[NODE] = node;
    trees.value[ELEMENTS] = elements;
    this.#setRoot(body, trees.insertHere(this.root(body)));
  }

  /** Makes the node at which the tree stands one that may be changed, with room for `size` bytes more if it is compressed. */
  #ownNode(body: number, size: number): number {
    const { snapshots } = this.heap;
    const { nodes } = this;
    const trees = this.#trees;
    trees.owner = body;
    const node = trees.word(NODE);
    let own = node;
    if (snapshots.isAwaited(node)) {
      try {
        own = nodes.copy(node);
      } catch (error) {
        if (size > 0) throw error;
        snapshots.readNow(body); // what only takes away needs no memory
      }
    }
    if (own !== node) {
      this.#setWord(body, NODE, own);
      if (!snapshots.takesElement(body, node)) nodes.free(node);
    }
    if (!nodes.isCompressed(own)) return own;
    const raw = nodes.decompress(own, size);
    this.#setWord(body, NODE, raw);
    return raw;
  }

  /** Inserts an element before the one at `index`, which may be the number of elements. */
  insert(body: number, index: number, source: Uint8Array, start: number, length: number): void {
    if (index === this.count(body)) return this.push(body, "tail", source, start, length);
    if (index === 0) return this.push(body, "head", source, start, length);
    const trees = this.#trees;
    trees.requireRoom(this.root(body), 1);
    const size = measureElement(source, start, length);
    let within = trees.seekPosition(this.root(body), index);
    if (!this.#hasRoom(size, length)) {
      if (within > 0) this.#split(body, within);
      // The node with the elements before the place may have room.
      trees.seekPosition(this.root(body), index - 1);
      within = trees.word(ELEMENTS);
    }
    if (this.#hasRoom(size, length)) {
      const at = this.#offsetOf(trees.word(NODE), within, trees.word(ELEMENTS));
      this.#insertInNode(body, at, size, source, start, length);
    } else {
      trees.seekPosition(this.root(body), index);
      this.#insertNode(body, false, size, source, start, length);
    }
    this.#compressAt(body, index);
  }

  /** Splits the node at which the tree stands, so that its element `within` begins a node. */
  #split(body: number, within: number): void {
    const { nodes } = this;
    const trees = this.#trees;
    const elements = trees.word(ELEMENTS);
    const left = trees.word(NODE);
    const at = this.#offsetOf(left, within, elements);
    const end = nodes.length(left) - 1;
    const behind = listpackOf(elements - within, this.#entries(left, at, end), NO_BYTES);
    const right = nodes.fromListpack(behind, 0, behind.length);
    try {
      const own = this.#ownNode(body, 1);
      const before = trees.position();
      trees.seekPosition(this.root(body), before + elements);
      this.#addNode(body, right, elements - within);
      // Nothing fails from here on.
      trees.seekPosition(this.root(body), before);
      nodes.remove(own, at, end - at, elements - within);
      this.#setWord(body, ELEMENTS, within);
    } catch (error) {
      nodes.free(right);
      throw error;
    }
  }

  /** Offset of the element `within` in the listpack of a node, from its nearer end. */
  #offsetOf(node: number, within: number, elements: number): number {
    const { nodes } = this;
    nodes.show(node);
    const { bytes, start } = nodes;
    if (within <= elements >>> 1) return elementAt(bytes, start, within) - start;
    let at = start + nodes.length(node) - 1;
    for (let left = elements - within; left > 0; left--) at = elementBefore(bytes, at);
    return at - start;
  }

  /** The entries of a node's listpack between two offsets; good only until another node is shown. */
  #entries(node: number, from: number, to: number): Uint8Array {
    const { nodes } = this;
    nodes.show(node);
    return nodes.bytes.subarray(nodes.start + from, nodes.start + to);
  }

  // --- Removing -------------------------------------------------------------------------------------------------------

  /**
   * Takes the memory that `delete` needs for the nodes that it cuts, where they are compressed: it cannot fail then. Where there
   * is none it throws, and no element has gone.
   */
  prepareToDelete(body: number, index: number, count: number): void {
    if (count === 0) return;
    for (const at of [index, index + count - 1]) {
      const first = at - this.#trees.seekPosition(this.root(body), at);
      const isCut = first < index || first + this.#trees.word(ELEMENTS) > index + count;
      if (isCut && this.nodes.isCompressed(this.#trees.word(NODE))) this.#ownNode(body, 0);
    }
  }

  /**
   * Removes `count` elements from `index` on, which must be there. Needs no memory but for compressed nodes, which it takes
   * before anything goes.
   */
  delete(body: number, index: number, count: number): void {
    const { nodes } = this;
    const trees = this.#trees;
    if (count > 1) this.prepareToDelete(body, index, count);
    trees.owner = body;
    while (count > 0) {
      const within = trees.seekPosition(this.root(body), index);
      const node = trees.word(NODE);
      const elements = trees.word(ELEMENTS);
      const removed = Math.min(count, elements - within);
      count -= removed;
      if (removed === elements) {
        this.#setRoot(body, trees.remove(this.root(body)));
        if (!this.heap.snapshots.takesElement(body, node)) nodes.free(node);
        continue;
      }
      const own = this.#ownNode(body, 0);
      const at = this.#offsetOf(own, within, elements);
      const end = within + removed === elements
        ? nodes.length(own) - 1
        : this.#offsetOf(own, within + removed, elements);
      nodes.remove(own, at, end - at, removed);
      this.#setWord(body, ELEMENTS, elements - removed);
      if (within > 0 && removed < elements - within) this.#join(body, index);
    }
    this.#compressAt(body, index);
  }

  /** The same for the one element at an end. */
  prepareToDrop(body: number, end: End): void {
    const isFront = end === "head";
    this.#findEnd(this.root(body), isFront);
    if (this.nodes.isCompressed(this.#endNode)) this.prepareToDelete(body, isFront ? 0 : this.count(body) - 1, 1);
  }

  /** Removes the element at an end, if that leaves others in its node, and the node may be changed as it is; whether it did. */
  drop(body: number, end: End): boolean {
    const { nodes } = this;
    const root = this.root(body);
    const isFront = end === "head";
    this.#findEnd(root, isFront);
    const node = this.#endNode;
    if (this.heap.snapshots.listener !== null || this.#endElements === 1 || nodes.isCompressed(node)) return false;
    nodes.dropEnd(node, isFront);
    this.#trees.addElementsAtEnd(root, !isFront, -1);
    return true;
  }

  /** Joins the node with the element at `index`, which is ours, with the next one, where both are sparse. */
  #join(body: number, index: number): void {
    const { nodes } = this;
    const { snapshots } = this.heap;
    const trees = this.#trees;
    const within = trees.seekPosition(this.root(body), index);
    const left = trees.word(NODE);
    const elements = trees.word(ELEMENTS);
    const nextAt = index - within + elements;
    if (!trees.next()) return;
    const right = trees.word(NODE);
    const more = trees.word(ELEMENTS);
    if (!this.limits.fitsShare(nodes.length(left) + nodes.length(right), elements + more, 1 / 2)) return;
    if (snapshots.isAwaited(left) || snapshots.isAwaited(right)) return;
    const first = this.#entries(left, LISTPACK_HEADER_BYTES, nodes.length(left) - 1); // not compressed: it was changed
    const second = this.#entries(right, LISTPACK_HEADER_BYTES, nodes.length(right) - 1);
    const joined = listpackOf(elements + more, first, second);
    let node: number;
    try {
      node = nodes.fromListpack(joined, 0, joined.length);
    } catch {
      return; // they may as well stay apart
    }
    trees.seekPosition(this.root(body), nextAt);
    this.#setRoot(body, trees.remove(this.root(body)));
    trees.seekPosition(this.root(body), index - within);
    this.#setWord(body, NODE, node);
    this.#setWord(body, ELEMENTS, elements + more);
    nodes.free(left);
    nodes.free(right);
  }

  // --- Compression ----------------------------------------------------------------------------------------------------

  /** After nodes have come at an end: compresses those that have come to lie deep enough. */
  #compressEnds(body: number): void {
    const { compressDepth } = this.limits;
    if (compressDepth === 0) return;
    const ends = this.#ends;
    for (const isFront of [true, false]) {
      const root = this.root(body);
      if (isFront) ends.seekPosition(root, 0);
      else if (!ends.seekLast(root)) return;
      for (let i = 0; i < compressDepth; i++) {
        if (!(isFront ? ends.next() : ends.previous())) return; // all nodes are near an end
      }
      for (let i = 0; i < END_NODES; i++) {
        if (!this.#isInner(body, ends)) break;
        this.#compress(body, ends.position());
        if (!(isFront ? ends.next() : ends.previous())) break;
      }
    }
  }

  /** Compresses the node with the element at `index`, if it lies deep enough: it was changed. */
  #compressAt(body: number, index: number): void {
    if (this.limits.compressDepth === 0) return;
    const root = this.root(body);
    const count = this.#ends.count(root);
    if (count === 0) return;
    const at = Math.min(index, count - 1);
    this.#ends.seekPosition(root, at);
    if (this.#isInner(body, this.#ends)) this.#compress(body, at);
  }

  /** Whether the node at which a tree stands has more than `compressDepth` nodes on either side. */
  #isInner(body: number, at: Trees): boolean {
    const probe = this.#probe;
    const position = at.position();
    for (const isFront of [true, false]) {
      probe.seekPosition(this.root(body), position);
      for (let i = 0; i < this.limits.compressDepth; i++) {
        if (!(isFront ? probe.previous() : probe.next())) return false;
      }
    }
    return true;
  }

  #compress(body: number, position: number): void {
    const trees = this.#trees;
    trees.seekPosition(this.root(body), position);
    const node = trees.word(NODE);
    if (this.nodes.isCompressed(node) || this.heap.snapshots.isAwaited(node)) return;
    const compressed = this.nodes.compress(node);
    if (compressed === node) return;
    trees.owner = body;
    this.#setWord(body, NODE, compressed);
    this.#ends.seekPosition(this.root(body), position);
  }

  // --- From and to listpacks --------------------------------------------------------------------------------------------

  /** Adds a node with a listpack of `count` elements, which lies not in the arena, at the end. */
  append(body: number, listpack: Uint8Array, start: number, length: number, count: number): void {
    const node = this.nodes.fromListpack(listpack, start, length);
    this.#trees.seekPosition(this.root(body), this.count(body));
    try {
      this.#addNode(body, node, count);
    } catch (error) {
      this.nodes.free(node);
      throw error;
    }
    this.#compressEnds(body);
  }

  /** A copy of the listpack of a body that is one node, within a share of the limits; null of any other. */
  listpack(body: number, share: number): Uint8Array | null {
    const { nodes } = this;
    const trees = this.#trees;
    const root = this.root(body);
    if (trees.level(root) > 0 || trees.itemsOf(root) !== 1) return null;
    const count = trees.count(root);
    trees.seekFirst(root);
    const node = trees.word(NODE);
    if (!this.limits.fitsShare(nodes.length(node), count, share)) return null;
    nodes.show(node);
    return nodes.bytes.slice(nodes.start, nodes.start + nodes.length(node));
  }

  // --- The whole of a body --------------------------------------------------------------------------------------------

  /** Frees a body, a large one in slices. */
  free(body: number): void {
    const { arena, snapshots } = this.heap;
    if (snapshots.keepsBody(body)) return;
    const root = this.root(body);
    arena.free(body);
    discardTree(this.heap, this.#trees, body, root, FREED_AT_ONCE, (node) => this.nodes.free(node));
  }

  /** A copy of a body. Throws where there is no memory, and has taken none then. */
  copy(body: number): number {
    const { nodes } = this;
    const copy = this.create();
    const from = this.newTrees();
    try {
      from.seekPosition(this.root(body), 0);
      const count = this.count(body);
      for (let copied = 0; copied < count; copied += from.word(ELEMENTS), from.next()) {
        const node = nodes.copy(from.word(NODE));
        try {
          this.#trees.seekPosition(this.root(copy), copied);
          this.#addNode(copy, node, from.word(ELEMENTS));
        } catch (error) {
          nodes.free(node);
          throw error;
        }
      }
    } catch (error) {
      this.free(copy);
      throw error;
    }
    return copy;
  }

  /** Bytes that a body takes, those of nodes with `samples` elements taken for all (0: of all). */
  memoryBytes(body: number, samples: number): number {
    const { arena } = this.heap;
    return arena.usableBytes(body) + nodesMemoryBytes(arena, this.#trees, this.root(body), samples);
  }

  /** Marks all nodes as ones that no snapshot has to read. */
  markNodes(body: number): void {
    markNodes(this.heap.snapshots, this.#ends, this.root(body));
  }

  /** Compaction: see `ValueType.relocateBody`. `ref` is the key's entry, which has the body. */
  relocate(ref: number, cursor: number): number {
    const body = cursor === 0 ? relocateBlock(this.heap, ref, BODY_BYTES) : this.heap.entries.valueWord(ref);
    const trees = this.#trees;
    trees.owner = body;
    return relocateNodes(this.nodes, trees, this.root(body), cursor, (root) => this.#setRoot(body, root));
  }
}

/** A listpack of `count` elements, which are the entries in two runs of bytes. */
function listpackOf(count: number, first: Uint8Array, second: Uint8Array): Uint8Array {
  const length = EMPTY_LISTPACK_BYTES + first.length + second.length;
  const listpack = new Uint8Array(length);
  writeEmptyListpack(listpack, 0);
  listpack.set(first, LISTPACK_HEADER_BYTES);
  listpack.set(second, LISTPACK_HEADER_BYTES + first.length);
  listpack[length - 1] = LISTPACK_END;
  setListpackBytes(listpack, 0, length);
  addToCount(listpack, 0, count);
  return listpack;
}
