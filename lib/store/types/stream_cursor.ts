/** Going along the entries of streams: from an ID, a position or an end, in either direction, past what was deleted. */

import type { Element } from "../listpack.ts";
import type { Trees } from "../tree.ts";
import { BEHIND_TIES } from "../tree_cursor.ts";
import { NODE } from "./node_trees.ts";
import { EntryReader } from "./stream_entries.ts";
import { StreamId } from "./stream_ids.ts";
import type { StreamNodes } from "./stream_nodes.ts";

/** Places in nodes that a cursor remembers, a power of two. */
const PLACES = 16;

/**
 * Where entries were found in nodes: who reads on from there next time need not go through the node from its beginning. A
 * place is forgotten when another is noted in its stead.
 */
class Places {
  readonly #nodes = new Int32Array(PLACES);
  readonly #generations = new Float64Array(PLACES);
  readonly #offsets = new Int32Array(PLACES);
  readonly #ids = Array.from({ length: PLACES }, () => new StreamId());

  #slot(node: number): number {
    return (node ^ (node >>> 4) ^ (node >>> 8)) & (PLACES - 1);
  }

  note(node: number, generation: number, offset: number, id: StreamId): void {
    const slot = this.#slot(node);
    this.#nodes[slot] = node;
    this.#generations[slot] = generation;
    this.#offsets[slot] = offset;
    this.#ids[slot].set(id);
  }

  /** The offset of an entry in a node that is not above an ID; 0 where none is known. */
  before(node: number, generation: number, id: StreamId): number {
    const slot = this.#slot(node);
    if (this.#nodes[slot] !== node || this.#generations[slot] !== generation) return 0;
    return this.#ids[slot].compare(id) <= 0 ? this.#offsets[slot] : 0;
  }
}

/** The streams along which one goes. */
export interface StreamNodesOwner {
  readonly nodes: StreamNodes;
  treesOf(): Trees;
  rootOf(body: number): number;
  length(body: number): number;
}

/** Has a tree stand at the last node whose ID is not above another, or at the first of all. */
export function seekNode(trees: Trees, root: number, id: StreamId): boolean {
  id.write(trees.key, 0);
  trees.seek(root, BEHIND_TIES);
  return trees.previous() || trees.seek(root, BEHIND_TIES);
}

/** Stands at a live entry of a stream, which must not change meanwhile, and goes from one to the next. */
export class StreamCursor {
  readonly #trees: Trees;
  readonly #reader = new EntryReader();
  readonly #nodeId = new StreamId();
  readonly #places = new Places();

  constructor(readonly streams: StreamNodesOwner) {
    this.#trees = streams.treesOf();
  }

  /** The ID of the entry at which it stands. */
  get id(): StreamId {
    return this.#reader.id;
  }

  /** Its fields, with a value each. */
  get pairs(): number {
    return this.#reader.pairs;
  }

  /** Begins with the fields of the entry. */
  beginFields(): void {
    this.#reader.beginFields();
  }

  /** Points `field` and `value` to the entry's next field; false after the last. */
  nextField(field: Element, value: Element): boolean {
    return this.#reader.nextField(field, value);
  }

  /** Goes to the first entry; false if there is none. */
  toFirst(body: number): boolean {
    return this.toPosition(body, 0);
  }

  /** Goes to the entry at a position; false if there is none. O(log n), and the scan of a node. */
  toPosition(body: number, position: number): boolean {
    const { streams } = this;
    const root = streams.rootOf(body);
    if (position >= streams.length(body)) return false;
    let within = this.#trees.seekPosition(root, position);
    this.#begin();
    let isThere = this.#firstLive();
    for (; isThere && within > 0; within--) isThere = this.next();
    return isThere;
  }

  /** Goes to the last entry; false if there is none. */
  toLast(body: number): boolean {
    const root = this.streams.rootOf(body);
    if (root === 0) return false;
    this.#trees.seekLast(root);
    return this.#lastLive();
  }

  /** Goes to the first entry that is not below an ID; false if there is none. O(log n), and the scan of a node. */
  seek(body: number, id: StreamId): boolean {
    const root = this.streams.rootOf(body);
    if (root === 0 || !seekNode(this.#trees, root, id)) return false;
    this.#begin();
    const { nodes } = this.streams;
    const reader = this.#reader;
    const node = this.#trees.word(NODE);
    const offset = this.#places.before(node, nodes.generation, id);
    let isThere = true;
    if (offset > 0) reader.toEntry(nodes.start + offset);
    else isThere = reader.toFirst();
    while (isThere && (reader.isDeleted || reader.id.compare(id) < 0)) isThere = reader.next();
    if (!isThere) return this.#nextNode();
    this.#places.note(node, nodes.generation, reader.at - nodes.start, reader.id);
    return true;
  }

  /** Goes to the last entry that is not above an ID; false if there is none. */
  seekBack(body: number, id: StreamId): boolean {
    const root = this.streams.rootOf(body);
    if (root === 0 || !seekNode(this.#trees, root, id)) return false;
    this.#begin();
    const reader = this.#reader;
    let isThere = reader.toLast(this.streams.nodes.start, this.streams.nodes.length(this.#trees.word(NODE)));
    while (isThere && (reader.isDeleted || reader.id.compare(id) > 0)) isThere = reader.previous();
    return isThere || this.#previousNode();
  }

  /** Whether there is an entry with an ID; it stands at it then. */
  find(body: number, id: StreamId): boolean {
    return this.seek(body, id) && this.id.compare(id) === 0;
  }

  /** Goes to the next entry; false if there is none. */
  next(): boolean {
    const reader = this.#reader;
    let isThere = reader.next();
    while (isThere && reader.isDeleted) isThere = reader.next();
    return isThere || this.#nextNode();
  }

  /** Goes to the entry before; false if there is none. */
  previous(): boolean {
    const reader = this.#reader;
    let isThere = reader.previous();
    while (isThere && reader.isDeleted) isThere = reader.previous();
    return isThere || this.#previousNode();
  }

  #begin(): void {
    const { nodes } = this.streams;
    nodes.show(this.#trees.word(NODE));
    this.#reader.begin(nodes.bytes, nodes.start, this.#nodeId.readKey(this.#trees));
  }

  #firstLive(): boolean {
    const reader = this.#reader;
    let isThere = reader.toFirst();
    while (isThere && reader.isDeleted) isThere = reader.next();
    return isThere;
  }

  #nextNode(): boolean {
    if (!this.#trees.next()) return false;
    this.#begin();
    return this.#firstLive();
  }

  #previousNode(): boolean {
    return this.#trees.previous() && this.#lastLive();
  }

  /** Goes to the last live entry of the node at which the tree stands. */
  #lastLive(): boolean {
    this.#begin();
    const { nodes } = this.streams;
    const reader = this.#reader;
    let isThere = reader.toLast(nodes.start, nodes.length(this.#trees.word(NODE)));
    while (isThere && reader.isDeleted) isThere = reader.previous();
    return isThere;
  }
}
