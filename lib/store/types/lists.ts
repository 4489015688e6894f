/**
 * The list value: elements by position. Small ones are a listpack inline in the key's entry; those that outgrow
 * `maxListpackSize` become a body, which Redis calls a quicklist, and so does OBJECT ENCODING: nodes that are a listpack
 * each (list_nodes.ts), in a tree (tree.ts) that knows how many elements each has. So positions are found in O(log n), and
 * an element comes or goes anywhere in O(log n) and the move of a node's elements. Called by the list commands, SORT,
 * persistence, COPY and DEBUG.
 *
 * A list is known by the ref of its key's entry. What changes it takes the ref that `Database.write` or `create` gave and,
 * where its block may move, returns the ref to go on with. What throws for want of memory has changed nothing.
 *
 * While a snapshot is under way, nodes of the list and of its tree that it has still to read are copied before they change.
 */

import { bytesEqual, copyBytes } from "../../bytes/compare.ts";
import { SEGMENT_MASK, SEGMENT_SHIFT } from "../arena.ts";
import { ENCODING_LISTPACK, ENCODING_QUICKLIST, NO_EXPIRY, TYPE_LIST } from "../entry.ts";
import type { Discarded, Heap } from "../heap.ts";
import {
  addToCount,
  Element,
  elementAt,
  elementBefore,
  EMPTY_LISTPACK_BYTES,
  entryBytes,
  firstElement,
  LISTPACK_END,
  LISTPACK_HEADER_BYTES,
  listpackCount,
  measureElement,
  splice,
  writeElement,
  writeEmptyListpack,
} from "../listpack.ts";
import { Trees, type TreeShape } from "../tree.ts";
import { ListNodes } from "./list_nodes.ts";
import type { ElementSink, ValueHome, ValueType } from "./value_type.ts";

/** Trees of nodes, each with the number of its elements. */
const SHAPE: TreeShape = { keyWords: 0, hasTies: false, valueWords: 2, countWord: 1 };
/** Words of a tree's item: the node, and its elements. */
const NODE = 0;
const ELEMENTS = 1;
/** A body is a block with the ref of the tree's root. */
const BODY_BYTES = 8;
/** `maxListpackSize` from -1 to -5 as bytes. */
const SIZE_LIMITS = [4096, 8192, 16384, 32768, 65536];
/** Most bytes of a listpack of which the limit is on the number of elements. */
const SAFE_BYTES = 8192;
/** What a node's block has beside the listpack: a node that is full so fills a block of a round size. */
const NODE_OVERHEAD = 8;
const FREED_AT_ONCE = 16;
/** Nodes at an end that compression leaves alone are looked for there, one by one. */
const END_NODES = 4;

/** An end of a list, at which elements are added or taken. */
export type End = "head" | "tail";

/** Operations on the lists of one heap. */
export class Lists implements ValueType {
  readonly name = "list";
  readonly order = "ordered";
  /** `list-max-listpack-size`: most elements of a node, or its size as -1 (4 KiB) to -5 (64 KiB). */
  maxListpackSize = -2;
  /** `list-compress-depth`: nodes at each end that are not compressed; 0 compresses none. */
  compressDepth = 0;
  /** Elements from so many bytes on have a node of their own (DEBUG QUICKLIST-PACKED-THRESHOLD); 0: as the limits say. */
  packedThreshold = 0;
  readonly nodes: ListNodes;
  readonly #trees: Trees;
  /** Go along a list beside `#trees`. */
  readonly #ends: Trees;
  readonly #probe: Trees;
  readonly #element = new Element();
  readonly #cursor: ListCursor;

  constructor(readonly heap: Heap) {
    this.nodes = new ListNodes(heap);
    this.#trees = new Trees(heap.arena, SHAPE, heap.snapshots);
    this.#ends = this.treesOf();
    this.#probe = this.treesOf();
    this.#cursor = new ListCursor(this);
  }

  /** Puts an empty list under a key, in place of what is there; `reserve` more bytes of listpack will not move it. */
  create(database: ValueHome, key: Uint8Array, start: number, length: number, reserve: number): number {
    const { entries } = this.heap;
    const bytes = EMPTY_LISTPACK_BYTES + reserve;
    const ref = database.put(key, start, length, TYPE_LIST, ENCODING_LISTPACK, bytes, NO_EXPIRY);
    entries.setValueWord(ref, EMPTY_LISTPACK_BYTES);
    writeEmptyListpack(entries.bytes(ref), entries.valueStart(ref));
    return ref;
  }

  /** Number of elements. O(1). */
  count(ref: number): number {
    const { entries } = this.heap;
    if (entries.hasBody(ref)) return this.#trees.count(this.#root(entries.valueWord(ref)));
    return listpackCount(entries.bytes(ref), entries.valueStart(ref));
  }

  /** Whether a listpack of so many bytes and elements is within the limits, or the part of them that `share` is. */
  #fits(bytes: number, count: number, share: number = 1): boolean {
    const { maxListpackSize } = this;
    if (maxListpackSize >= 0) {
      return count <= Math.max(1, Math.floor(maxListpackSize * share)) && bytes <= SAFE_BYTES * share;
    }
    return bytes + NODE_OVERHEAD <= SIZE_LIMITS[Math.min(-maxListpackSize, SIZE_LIMITS.length) - 1] * share;
  }

  /** Whether a list of so many bytes and elements is a listpack. */
  staysListpack(bytes: number, count: number): boolean {
    return this.#fits(EMPTY_LISTPACK_BYTES + bytes, count);
  }

  /** Whether an element is to have a node of its own. */
  #isAlone(length: number): boolean {
    if (this.packedThreshold > 0) return length >= this.packedThreshold;
    return !this.#fits(length, 1);
  }

  /** Makes a listpack a body, if it would outgrow the limits with `bytes` of `count` elements more. The ref, maybe another. */
  prepareToAdd(database: ValueHome, ref: number, bytes: number, count: number): number {
    const { entries } = this.heap;
    if (entries.hasBody(ref)) return ref;
    const isLarge = this.packedThreshold > 0 && bytes >= this.packedThreshold;
    if (!isLarge && this.#fits(entries.valueWord(ref) + bytes, this.count(ref) + count)) return ref;
    return this.convert(database, ref);
  }

  /** Adds an element at an end. Returns the list's ref, maybe another. O(1), or O(log n) of the nodes. */
  push(database: ValueHome, ref: number, end: End, source: Uint8Array, start: number, length: number): number {
    const { entries } = this.heap;
    ref = this.prepareToAdd(database, ref, length, 1);
    if (entries.hasBody(ref)) {
      this.#pushToBody(entries.valueWord(ref), end, source, start, length);
      return ref;
    }
    const at = end === "head" ? LISTPACK_HEADER_BYTES : entries.valueWord(ref) - 1;
    return this.#insertInListpack(database, ref, at, source, start, length);
  }

  #insertInListpack(
    database: ValueHome,
    ref: number,
    at: number,
    source: Uint8Array,
    start: number,
    length: number,
  ): number {
    const { entries } = this.heap;
    const size = measureElement(source, start, length);
    ref = database.resizeValue(ref, entries.valueWord(ref) + size);
    const bytes = entries.bytes(ref);
    const listpack = entries.valueStart(ref);
    splice(bytes, listpack, listpack + at, 0, size);
    writeElement(bytes, listpack + at, source, start, length);
    addToCount(bytes, listpack, 1);
    return ref;
  }

  #pushToBody(body: number, end: End, source: Uint8Array, start: number, length: number): void {
    const trees = this.#trees;
    const root = this.#root(body);
    const isFront = end === "head";
    if (isFront) trees.seekPosition(root, 0);
    else trees.seekLast(root);
    const size = measureElement(source, start, length);
    if (trees.count(root) > 0 && this.#hasRoom(size, length)) {
      const at = isFront ? LISTPACK_HEADER_BYTES : this.nodes.length(trees.word(NODE)) - 1;
      return this.#insertInNode(body, at, size, source, start, length);
    }
    if (!isFront) trees.seekPosition(root, trees.count(root));
    this.#insertNode(body, isFront, size, source, start, length);
  }

  /** Whether the node at which the tree stands has room for an element. */
  #hasRoom(size: number, length: number): boolean {
    if (this.#isAlone(length)) return false;
    const trees = this.#trees;
    return this.#fits(this.nodes.length(trees.word(NODE)) + size, trees.word(ELEMENTS) + 1);
  }

  /** Puts an element that was just measured into the node at which the tree stands. */
  #insertInNode(body: number, at: number, size: number, source: Uint8Array, start: number, length: number): void {
    const trees = this.#trees;
    const node = this.#ownNode(body, size);
    const grown = this.nodes.insert(node, at, size, source, start, length);
    if (grown !== node) this.#setRoot(body, trees.setWord(this.#root(body), NODE, grown));
    this.#setRoot(body, trees.setWord(this.#root(body), ELEMENTS, trees.word(ELEMENTS) + 1));
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
    this.#setRoot(body, trees.insertHere(this.#root(body)));
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
      this.#setRoot(body, trees.setWord(this.#root(body), NODE, own));
      if (!snapshots.takesElement(body, node)) nodes.free(node);
    }
    if (!nodes.isCompressed(own)) return own;
    const raw = nodes.decompress(own, size);
    this.#setRoot(body, trees.setWord(this.#root(body), NODE, raw));
    return raw;
  }

  /** Points `into` to the element at an end of a list that has some. */
  peek(ref: number, end: End, into: Element): void {
    const { entries } = this.heap;
    let bytes = entries.bytes(ref);
    let listpack = entries.valueStart(ref);
    let length = entries.valueWord(ref);
    if (entries.hasBody(ref)) {
      const root = this.#root(length);
      if (end === "head") this.#trees.seekPosition(root, 0);
      else this.#trees.seekLast(root);
      const node = this.#trees.word(NODE);
      this.nodes.show(node);
      bytes = this.nodes.bytes;
      listpack = this.nodes.start;
      length = this.nodes.length(node);
    }
    into.read(bytes, end === "head" ? firstElement(listpack) : elementBefore(bytes, listpack + length - 1));
  }

  /** Inserts an element before the one at `index`, which may be the number of elements. Returns the ref, maybe another. */
  insert(database: ValueHome, ref: number, index: number, source: Uint8Array, start: number, length: number): number {
    const { entries } = this.heap;
    ref = this.prepareToAdd(database, ref, length, 1);
    if (!entries.hasBody(ref)) {
      const listpack = entries.valueStart(ref);
      const at = elementAt(entries.bytes(ref), listpack, index) - listpack;
      return this.#insertInListpack(database, ref, at, source, start, length);
    }
    const body = entries.valueWord(ref);
    if (index === this.count(ref)) this.#pushToBody(body, "tail", source, start, length);
    else if (index === 0) this.#pushToBody(body, "head", source, start, length);
    else this.#insertInBody(body, index, source, start, length);
    return ref;
  }

  #insertInBody(body: number, index: number, source: Uint8Array, start: number, length: number): void {
    const trees = this.#trees;
    let within = trees.seekPosition(this.#root(body), index);
    let size = measureElement(source, start, length);
    if (!this.#hasRoom(size, length) && within > 0) {
      this.#split(body, within);
      // It stands at the node with the elements before the place.
      trees.seekPosition(this.#root(body), index - 1);
      within = trees.word(ELEMENTS);
    } else if (!this.#hasRoom(size, length)) {
      trees.seekPosition(this.#root(body), index - 1);
      within = trees.word(ELEMENTS);
    }
    size = measureElement(source, start, length);
    if (this.#hasRoom(size, length)) {
      const at = this.#offsetOf(trees.word(NODE), within, trees.word(ELEMENTS));
      this.#insertInNode(body, at, size, source, start, length);
    } else {
      trees.seekPosition(this.#root(body), index);
      this.#insertNode(body, false, size, source, start, length);
    }
    this.#compressAt(body, index);
  }

  /** Splits the node at which the tree stands, so that its element `within` begins a node. */
  #split(body: number, within: number): void {
    const { nodes } = this;
    const trees = this.#trees;
    const root = () => this.#root(body);
    const elements = trees.word(ELEMENTS);
    nodes.show(trees.word(NODE));
    const { bytes, start } = nodes;
    const at = this.#offsetOf(trees.word(NODE), within, elements);
    const total = nodes.length(trees.word(NODE));
    // A listpack of its own, of what is behind the place.
    const tail = new Uint8Array(LISTPACK_HEADER_BYTES + total - at);
    writeEmptyListpack(tail, 0);
    tail.set(bytes.subarray(start + at, start + total), LISTPACK_HEADER_BYTES);
    for (let i = 0; i < 4; i++) tail[i] = tail.length >>> (8 * i);
    addToCount(tail, 0, elements - within);
    const right = nodes.fromListpack(tail, 0, tail.length);
    try {
      const node = this.#ownNode(body, 1);
      const before = trees.position();
      trees.seekPosition(root(), before + elements);
      this.#addNode(body, right, elements - within);
      // Nothing fails from here on.
      trees.seekPosition(root(), before);
      nodes.remove(node, at, total - 1 - at, elements - within);
      this.#setRoot(body, trees.setWord(root(), ELEMENTS, within));
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

  /** Puts another element in the place of the one at `index`. Returns the ref, maybe another. */
  set(database: ValueHome, ref: number, index: number, source: Uint8Array, start: number, length: number): number {
    const { entries } = this.heap;
    ref = this.prepareToAdd(database, ref, length, 0);
    // The new one first, so that the old stays where there is no memory.
    if (!entries.hasBody(ref)) {
      const listpack = entries.valueStart(ref);
      const at = elementAt(entries.bytes(ref), listpack, index) - listpack;
      ref = this.#insertInListpack(database, ref, at, source, start, length);
      this.#cutListpack(ref, index + 1, 1);
      return ref;
    }
    ref = this.insert(database, ref, index, source, start, length);
    this.delete(ref, index + 1, 1);
    return ref;
  }

  /**
   * Removes `count` elements from `index` on, which must be there. The list's block does not move: call `trim` when done, or
   * remove the key if `count` is 0, for a list without elements must not stay. Needs no memory but for compressed nodes.
   */
  delete(ref: number, index: number, count: number): void {
    const { entries } = this.heap;
    if (!entries.hasBody(ref)) return this.#cutListpack(ref, index, count);
    const { nodes } = this;
    const trees = this.#trees;
    const body = entries.valueWord(ref);
    trees.owner = body;
    while (count > 0) {
      const within = trees.seekPosition(this.#root(body), index);
      const node = trees.word(NODE);
      const elements = trees.word(ELEMENTS);
      const removed = Math.min(count, elements - within);
      count -= removed;
      if (removed === elements) {
        this.#setRoot(body, trees.remove(this.#root(body)));
        if (!this.heap.snapshots.takesElement(body, node)) nodes.free(node);
        continue;
      }
      const own = this.#ownNode(body, 0);
      const at = this.#offsetOf(own, within, elements);
      const end = within + removed === elements
        ? nodes.length(own) - 1
        : this.#offsetOf(own, within + removed, elements);
      nodes.remove(own, at, end - at, removed);
      this.#setRoot(body, trees.setWord(this.#root(body), ELEMENTS, elements - removed));
      if (within > 0 && removed < elements - within) this.#join(body, index);
    }
    this.#compressAt(body, index);
  }

  /**
   * Moves the element at an end of a listpack to an end, which takes no memory and leaves its size as it is; false for a list
   * with a body, of which nothing was changed.
   */
  turn(ref: number, from: End, to: End): boolean {
    const { entries } = this.heap;
    if (entries.hasBody(ref)) return false;
    if (from === to) return true;
    const bytes = entries.bytes(ref);
    const first = firstElement(entries.valueStart(ref));
    const end = entries.valueStart(ref) + entries.valueWord(ref) - 1;
    const at = from === "head" ? first : elementBefore(bytes, end);
    const element = bytes.slice(at, at + entryBytes(bytes, at));
    if (from === "head") bytes.copyWithin(first, first + element.length, end);
    else bytes.copyWithin(first + element.length, first, at);
    bytes.set(element, from === "head" ? end - element.length : first);
    return true;
  }

  #cutListpack(ref: number, index: number, count: number): void {
    const { entries } = this.heap;
    const bytes = entries.bytes(ref);
    const listpack = entries.valueStart(ref);
    const at = elementAt(bytes, listpack, index);
    const end = elementAt(bytes, at - LISTPACK_HEADER_BYTES, count);
    entries.setValueWord(ref, splice(bytes, listpack, at, end - at, 0));
    addToCount(bytes, listpack, -count);
  }

  /** Joins the node with the element at `index` with the next one, where both are sparse. */
  #join(body: number, index: number): void {
    const { nodes } = this;
    const { snapshots } = this.heap;
    const trees = this.#trees;
    const within = trees.seekPosition(this.#root(body), index);
    const left = trees.word(NODE);
    const elements = trees.word(ELEMENTS);
    const nextAt = index - within + elements;
    if (!trees.next()) return;
    const right = trees.word(NODE);
    const more = trees.word(ELEMENTS);
    if (!this.#fits(nodes.length(left) + nodes.length(right), elements + more, 1 / 2)) return;
    if (snapshots.isAwaited(left) || snapshots.isAwaited(right)) return;
    const joined = new Uint8Array(nodes.length(left) + nodes.length(right) - EMPTY_LISTPACK_BYTES);
    nodes.show(left);
    joined.set(nodes.bytes.subarray(nodes.start, nodes.start + nodes.length(left) - 1));
    nodes.show(right);
    const from = nodes.start + LISTPACK_HEADER_BYTES;
    joined.set(nodes.bytes.subarray(from, nodes.start + nodes.length(right)), nodes.length(left) - 1);
    for (let i = 0; i < 4; i++) joined[i] = joined.length >>> (8 * i);
    addToCount(joined, 0, more);
    let node: number;
    try {
      node = nodes.fromListpack(joined, 0, joined.length);
    } catch {
      return; // they may as well stay apart
    }
    trees.seekPosition(this.#root(body), nextAt);
    this.#setRoot(body, trees.remove(this.#root(body)));
    trees.seekPosition(this.#root(body), index - within);
    this.#setRoot(body, trees.setWord(this.#root(body), NODE, node));
    this.#setRoot(body, trees.setWord(this.#root(body), ELEMENTS, elements + more));
    nodes.free(left);
    nodes.free(right);
  }

  /** Gives back what is much too large, and makes a body that has become small a listpack. The ref, maybe another. */
  trim(database: ValueHome, ref: number): number {
    const { entries } = this.heap;
    if (!entries.hasBody(ref)) return database.resizeValue(ref, entries.valueWord(ref));
    // Half the limit, so that a list at the limit does not go to and fro.
    return this.pack(database, ref, 1 / 2);
  }

  /** Makes a body of one node that is within a share of the limits a listpack. The ref, maybe another. */
  pack(database: ValueHome, ref: number, share: number): number {
    const { entries } = this.heap;
    if (!entries.hasBody(ref)) return ref;
    const body = entries.valueWord(ref);
    const trees = this.#trees;
    const root = this.#root(body);
    trees.seekPosition(root, 0);
    if (trees.count(root) === 0 || trees.word(ELEMENTS) !== trees.count(root)) return ref;
    const node = trees.word(NODE);
    if (!this.#fits(this.nodes.length(node), trees.word(ELEMENTS), share)) return ref;
    this.nodes.show(node);
    const { bytes, start } = this.nodes;
    const listpack = bytes.slice(start, start + this.nodes.length(node));
    try {
      ref = database.resizeValue(ref, 0);
      entries.setTypeAndEncoding(ref, TYPE_LIST, ENCODING_LISTPACK);
      ref = database.resizeValue(ref, listpack.length);
    } catch {
      entries.setTypeAndEncoding(ref, TYPE_LIST, ENCODING_QUICKLIST);
      entries.setValueWord(ref, body);
      return ref; // it may as well stay a body
    }
    copyBytes(listpack, 0, listpack.length, entries.bytes(ref), entries.valueStart(ref));
    this.freeBody(body);
    return ref;
  }

  /** Makes a listpack a body; a body stays as it is. Returns the ref, maybe another. Where there is no memory, nothing has changed. */
  convert(database: ValueHome, ref: number): number {
    const { entries } = this.heap;
    if (entries.hasBody(ref)) return ref;
    const count = this.count(ref);
    const length = entries.valueWord(ref);
    const body = this.createBody();
    try {
      if (count > 0) {
        const start = entries.valueStart(ref);
        this.appendNode(body, entries.bytes(ref).slice(start, start + length), 0, length, count);
      }
    } catch (error) {
      this.freeBody(body);
      throw error;
    }
    ref = database.resizeValue(ref, 0);
    entries.setTypeAndEncoding(ref, TYPE_LIST, ENCODING_QUICKLIST);
    entries.setValueWord(ref, body);
    return ref;
  }

  // --- Bodies ---------------------------------------------------------------------------------------------------------

  /** Makes a body without nodes. */
  createBody(): number {
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

  /** Adds a node with a listpack of `count` elements at the end of a body. */
  appendNode(body: number, listpack: Uint8Array, start: number, length: number, count: number): void {
    const node = this.nodes.fromListpack(listpack, start, length);
    this.#trees.seekPosition(this.#root(body), this.#trees.count(this.#root(body)));
    try {
      this.#addNode(body, node, count);
    } catch (error) {
      this.nodes.free(node);
      throw error;
    }
    this.#compressEnds(body);
  }

  #root(body: number): number {
    return this.heap.arena.words[body >>> SEGMENT_SHIFT][(body & SEGMENT_MASK) << 1];
  }

  #setRoot(body: number, root: number): void {
    this.heap.arena.words[body >>> SEGMENT_SHIFT][(body & SEGMENT_MASK) << 1] = root;
  }

  /** The root of the tree of a body. */
  rootOf(body: number): number {
    return this.#root(body);
  }

  /** A tree to go along a list by oneself. */
  treesOf(): Trees {
    return new Trees(this.heap.arena, SHAPE, this.heap.snapshots);
  }

  /** Marks all nodes as ones that no snapshot has to read. */
  markNodes(body: number): void {
    const trees = this.#ends;
    trees.seekPosition(this.#root(body), 0);
    do {
      if (trees.count(this.#root(body)) > 0) this.heap.snapshots.mark(trees.word(NODE));
      trees.markRead();
    } while (trees.next());
  }

  // --- Compression ----------------------------------------------------------------------------------------------------

  /** After nodes have come at an end: compresses those that have come to lie deep enough. */
  #compressEnds(body: number): void {
    const { compressDepth } = this;
    if (compressDepth === 0) return;
    const ends = this.#ends;
    for (const isFront of [true, false]) {
      const root = this.#root(body);
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
    if (this.compressDepth === 0) return;
    const root = this.#root(body);
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
      probe.seekPosition(this.#root(body), position);
      for (let i = 0; i < this.compressDepth; i++) if (!(isFront ? probe.previous() : probe.next())) return false;
    }
    return true;
  }

  #compress(body: number, position: number): void {
    const trees = this.#trees;
    trees.seekPosition(this.#root(body), position);
    const node = trees.word(NODE);
    if (this.nodes.isCompressed(node) || this.heap.snapshots.isAwaited(node)) return;
    const compressed = this.nodes.compress(node);
    if (compressed === node) return;
    trees.owner = body;
    this.#setRoot(body, trees.setWord(this.#root(body), NODE, compressed));
    this.#ends.seekPosition(this.#root(body), position);
  }

  // --- As a value type ------------------------------------------------------------------------------------------------

  freeBody(body: number): void {
    const { arena, snapshots } = this.heap;
    if (snapshots.keepsBody(body)) return;
    const list = new DiscardedList(this.#trees, this.nodes, this.#root(body));
    arena.free(body);
    if (list.free(FREED_AT_ONCE) > 0 && list.root !== 0) this.heap.discard(list);
  }

  copyBody(body: number): number {
    const { nodes } = this;
    const copy = this.createBody();
    const from = this.treesOf();
    try {
      from.seekPosition(this.#root(body), 0);
      const count = from.count(this.#root(body));
      for (let copied = 0; copied < count; copied += from.word(ELEMENTS), from.next()) {
        const node = nodes.copy(from.word(NODE));
        try {
          this.#trees.seekPosition(this.#root(copy), copied);
          this.#addNode(copy, node, from.word(ELEMENTS));
        } catch (error) {
          nodes.free(node);
          throw error;
        }
      }
    } catch (error) {
      this.freeBody(copy);
      throw error;
    }
    return copy;
  }

  memoryBytes(ref: number, samples: number): number {
    const { entries, arena } = this.heap;
    if (!entries.hasBody(ref)) return 0;
    const body = entries.valueWord(ref);
    const trees = this.#trees;
    const root = this.#root(body);
    const count = trees.count(root);
    let seen = 0;
    let bytes = 0;
    if (count > 0) {
      trees.seekPosition(root, 0);
      do {
        bytes += arena.usableBytes(trees.word(NODE));
        seen += trees.word(ELEMENTS);
      } while ((samples === 0 || seen < samples) && trees.next());
    }
    const all = seen === 0 ? 0 : Math.round((bytes / seen) * count);
    return arena.usableBytes(body) + trees.memoryBytes(root) + all;
  }

  walk(ref: number, cursor: number, limit: number, sink: ElementSink): number {
    const list = this.#cursor;
    if (!list.toIndex(ref, cursor)) return 0;
    do {
      sink(list.element, this.#element);
      cursor++;
      limit--;
    } while (list.next() && limit > 0);
    return cursor < this.count(ref) ? cursor : 0;
  }

  memberTable(): number {
    return 0;
  }

  relocateBody(ref: number, cursor: number): number {
    const { arena, entries } = this.heap;
    const trees = this.#trees;
    let body = entries.valueWord(ref);
    if (cursor === 0 && arena.isLeaving(body)) {
      const moved = this.heap.copyBlock(body, BODY_BYTES);
      arena.free(body);
      entries.setValueWord(ref, body = moved);
    }
    trees.owner = body;
    this.#setRoot(body, trees.relocate(this.#root(body), cursor));
    const { reached } = trees;
    for (let position = cursor; position < reached;) {
      const node = trees.word(NODE);
      position += trees.word(ELEMENTS);
      if (arena.isLeaving(node)) {
        const moved = this.nodes.copy(node);
        this.#setRoot(body, trees.setWord(this.#root(body), NODE, moved));
        this.nodes.free(node);
      }
      trees.next();
    }
    return reached >= trees.count(this.#root(body)) ? 0 : reached;
  }
}

/** The nodes of a list that is gone, and their tree. */
class DiscardedList implements Discarded {
  constructor(readonly trees: Trees, readonly nodes: ListNodes, public root: number) {}

  free(limit: number): number {
    if (this.root === 0) return 0;
    let freed = 1;
    this.root = this.trees.dismantle(this.root, limit, (node) => {
      this.nodes.free(node);
      freed++;
    });
    return freed;
  }
}

/** Stands at an element of a list, which must not change meanwhile, and goes from one to the next. */
export class ListCursor {
  /** The element at which it stands; good until the next move. */
  readonly element: Element = new Element();
  /** Its index. */
  index = 0;

  readonly #trees: Trees;
  #isBody = false;
  #bytes: Uint8Array = new Uint8Array(0);
  #listpack = 0;
  #at = 0;

  constructor(readonly lists: Lists) {
    this.#trees = lists.treesOf();
  }

  /** Goes to the element at `index`; false if there is none. O(log n), and the elements of a node. */
  toIndex(ref: number, index: number): boolean {
    const { lists } = this;
    const { entries } = lists.heap;
    const count = lists.count(ref);
    if (index < 0 || index >= count) return false;
    this.index = index;
    this.#isBody = entries.hasBody(ref);
    let within = index;
    let elements = count;
    let end = 0;
    if (this.#isBody) {
      within = this.#trees.seekPosition(lists.rootOf(entries.valueWord(ref)), index);
      elements = this.#trees.word(ELEMENTS);
      this.#show();
      end = this.#listpack + lists.nodes.length(this.#trees.word(NODE)) - 1;
    } else {
      this.#bytes = entries.bytes(ref);
      this.#listpack = entries.valueStart(ref);
      end = this.#listpack + entries.valueWord(ref) - 1;
    }
    if (within <= elements >>> 1) {
      this.#at = elementAt(this.#bytes, this.#listpack, within);
    } else {
      this.#at = end;
      for (let left = elements - within; left > 0; left--) this.#at = elementBefore(this.#bytes, this.#at);
    }
    this.element.read(this.#bytes, this.#at);
    return true;
  }

  #show(): void {
    const { nodes } = this.lists;
    nodes.show(this.#trees.word(NODE));
    this.#bytes = nodes.bytes;
    this.#listpack = nodes.start;
  }

  /** Goes to the next element; false if there is none. */
  next(): boolean {
    this.#at += entryBytes(this.#bytes, this.#at);
    if (this.#bytes[this.#at] === LISTPACK_END) {
      if (!this.#isBody || !this.#trees.next()) return false;
      this.#show();
      this.#at = firstElement(this.#listpack);
    }
    this.index++;
    this.element.read(this.#bytes, this.#at);
    return true;
  }

  /** Goes to the element before; false if there is none. */
  previous(): boolean {
    if (this.#at === firstElement(this.#listpack)) {
      if (!this.#isBody || !this.#trees.previous()) return false;
      this.#show();
      this.#at = this.#listpack + this.lists.nodes.length(this.#trees.word(NODE)) - 1;
    }
    this.#at = elementBefore(this.#bytes, this.#at);
    this.index--;
    this.element.read(this.#bytes, this.#at);
    return true;
  }

  /** Whether the element at which it stands has these bytes. */
  equals(bytes: Uint8Array, start: number, length: number): boolean {
    const { element } = this;
    if (element.isInteger && (length === 0 || length > 20)) return false;
    element.toBytes();
    return element.length === length && bytesEqual(element.bytes, element.start, bytes, start, length);
  }
}
