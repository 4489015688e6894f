/**
 * The stream value: entries with IDs that rise, each with fields and values, and the consumer groups that read them. It is
 * always a body: a block with what is known of the whole, a tree (tree.ts) of nodes by the ID of the first entry in each
 * (stream_nodes.ts), and one of groups (stream_groups.ts). So entries are found by ID in O(log n) and the scan of a node,
 * and one comes at the end in O(log n). A stream may be without entries. Called by the stream commands, persistence, COPY
 * and DEBUG.
 *
 * | words of a body | hold                                                  |
 * |-----------------|-------------------------------------------------------|
 * | 0               | root of the tree of nodes, 0 where there are none     |
 * | 1               | root of the tree of groups, 0 where there are none    |
 * | 2–5             | the last ID that an entry was given                   |
 * | 6–9             | the first ID that is there, 0-0 if there is none      |
 * | 10–13           | the greatest ID that was deleted                      |
 * | 14–15           | entries ever added, as an int64                       |
 *
 * A stream is known by its body, which stays where it is until `relocateBody`. While a snapshot is under way, what it has
 * still to read of nodes, trees and groups is copied before it changes; what throws for want of memory has changed nothing.
 */

import { bigintOf } from "../../bytes/uint64.ts";
import { type Arena, SEGMENT_MASK, SEGMENT_SHIFT } from "../arena.ts";
import { discardTree } from "../discarded_tree.ts";
import { ENCODING_STREAM, TYPE_STREAM } from "../entry.ts";
import type { Heap } from "../heap.ts";
import { Element } from "../listpack.ts";
import { isOutOfRoom } from "../out_of_room.ts";
import { Trees } from "../tree.ts";
import { ANY_TIE } from "../tree_cursor.ts";
import type { TreeShape } from "../tree_nodes.ts";
import { putBody, relocateBlock } from "./entry_values.ts";
import { ELEMENTS, markNodes, NODE, nodesMemoryBytes, relocateNodes } from "./node_trees.ts";
import { EntryDraft, EntryReader, type FieldSource, liveEntries, markDeleted } from "./stream_entries.ts";
import { seekNode, StreamCursor } from "./stream_cursor.ts";
import { StreamGroups } from "./stream_groups.ts";
import { WholeGroups } from "./stream_groups_whole.ts";
import { ID_TEXT_BYTES, ID_WORDS, StreamId } from "./stream_ids.ts";
import { StreamNodes } from "./stream_nodes.ts";
import { countIn, insertInto, removeFrom } from "./stream_trees.ts";
import type { ElementSink, ValueHome, ValueType } from "./value_type.ts";

/** Trees of nodes by their IDs, each with the number of its live entries. */
const SHAPE: TreeShape = { keyWords: ID_WORDS, hasTies: false, valueWords: 2, countWord: 1 };

const ROOT = 0;
const GROUPS = 1;
const LAST_ID = 2;
const FIRST_ID = 6;
const MAX_DELETED_ID = 10;
const ADDED_LOW = 14;
const ADDED_HIGH = 15;
const BODY_BYTES = 64;
/** Most bytes of a node, and of the fields and values of an entry. */
export const MAX_ENTRY_BYTES: number = 2 ** 30;
const FREED_AT_ONCE = 16;
/** From here on a cursor of `relocateBody` means the groups. */
const GROUP_CURSORS = 2 ** 32;
const FULL_STOP = 0x2e;

/** What a stream is to be cut down to. */
export interface Trim {
  /** Entries that stay at most; -1: as many as there are. */
  maxLength: number;
  /** Entries below this ID go. */
  readonly minId: StreamId;
  /** Whether only whole nodes go. */
  isApproximate: boolean;
  /** About how many entries may go; 0: any number. */
  limit: number;
}

/** Operations on the streams of one heap. */
export class Streams implements ValueType {
  readonly name = "stream";
  readonly order = "ordered";
  /** `stream-node-max-bytes` and `stream-node-max-entries`: limits of a node; 0: none. */
  maxNodeBytes = 4096;
  maxNodeEntries = 100;
  readonly nodes: StreamNodes;
  readonly groups: StreamGroups;
  readonly wholeGroups: WholeGroups;
  readonly #trees: Trees;
  readonly #draft = new EntryDraft();
  readonly #reader = new EntryReader();
  readonly #nodeId = new StreamId();
  readonly #id = new StreamId();
  readonly #last = new StreamId();
  readonly #cursor: StreamCursor;
  readonly #text = new Uint8Array(ID_TEXT_BYTES);
  readonly #field = new Element();
  readonly #value = new Element();

  constructor(readonly heap: Heap) {
    this.nodes = new StreamNodes(heap);
    this.groups = new StreamGroups(heap, this);
    this.wholeGroups = new WholeGroups(heap, this.groups);
    this.#trees = this.treesOf();
    this.#cursor = new StreamCursor(this);
  }

  /** A tree to go along a stream's nodes by oneself. */
  treesOf(): Trees {
    return new Trees(this.heap.arena, SHAPE, this.heap.snapshots);
  }

  /** Puts an empty stream under a key, in place of what is there; its entry's ref. */
  create(database: ValueHome, key: Uint8Array, start: number, length: number): number {
    return putBody(this.heap, database, TYPE_STREAM, ENCODING_STREAM, key, start, length, this.createBody());
  }

  /** The body of the stream under an entry. */
  bodyOf(ref: number): number {
    return this.heap.entries.valueWord(ref);
  }

  /** Makes a body without entries and groups. */
  createBody(): number {
    const { arena } = this.heap;
    const body = arena.alloc(BODY_BYTES);
    const words = wordsOf(arena, body);
    const at = indexOf(body);
    words.fill(0, at, at + BODY_BYTES / 4);
    const none = this.#id.setZero();
    none.write(words, at + LAST_ID);
    none.write(words, at + FIRST_ID);
    none.write(words, at + MAX_DELETED_ID);
    return body;
  }

  // --- What is known of the whole -------------------------------------------------------------------------------------

  #word(body: number, index: number): number {
    return wordsOf(this.heap.arena, body)[indexOf(body) + index];
  }

  #setWord(body: number, index: number, value: number): void {
    wordsOf(this.heap.arena, body)[indexOf(body) + index] = value;
  }

  #readId(body: number, index: number, into: StreamId): StreamId {
    return into.read(wordsOf(this.heap.arena, body), indexOf(body) + index);
  }

  #writeId(body: number, index: number, id: StreamId): void {
    id.write(wordsOf(this.heap.arena, body), indexOf(body) + index);
  }

  /** Number of entries. O(1). */
  count(ref: number): number {
    return this.length(this.bodyOf(ref));
  }

  /** The same, of a body. */
  length(body: number): number {
    return countIn(this.#trees, this.#word(body, ROOT));
  }

  /** The root of the tree of nodes; 0 where there are none. */
  rootOf(body: number): number {
    return this.#word(body, ROOT);
  }

  /** The root of the tree of groups; 0 where there are none. */
  groupsOf(body: number): number {
    return this.#word(body, GROUPS);
  }

  setGroups(body: number, root: number): void {
    this.#setWord(body, GROUPS, root);
  }

  /** Number of nodes, and of the nodes of their tree. O(n) of its inner nodes. */
  countNodes(body: number): { readonly nodes: number; readonly treeNodes: number } {
    const root = this.#word(body, ROOT);
    if (root === 0) return { nodes: 0, treeNodes: 0 };
    const nodes = this.#trees;
    return { nodes: nodes.countItems(root), treeNodes: nodes.countNodes(root) };
  }

  /** Reads the last ID that an entry was given. */
  lastId(body: number, into: StreamId): StreamId {
    return this.#readId(body, LAST_ID, into);
  }

  setLastId(body: number, id: StreamId): void {
    this.#writeId(body, LAST_ID, id);
  }

  /** Reads the first ID that is there; 0-0 if there is none. */
  firstId(body: number, into: StreamId): StreamId {
    return this.#readId(body, FIRST_ID, into);
  }

  /** Reads the greatest ID that was deleted. */
  maxDeletedId(body: number, into: StreamId): StreamId {
    return this.#readId(body, MAX_DELETED_ID, into);
  }

  setMaxDeletedId(body: number, id: StreamId): void {
    this.#writeId(body, MAX_DELETED_ID, id);
  }

  /** Entries ever added. */
  entriesAdded(body: number): bigint {
    return bigintOf(this.#word(body, ADDED_HIGH), this.#word(body, ADDED_LOW));
  }

  /** The same, given as an int64 that is not negative. */
  setEntriesAdded(body: number, added: bigint): void {
    this.#setWord(body, ADDED_LOW, Number(BigInt.asIntN(32, added)));
    this.#setWord(body, ADDED_HIGH, Number(BigInt.asIntN(32, added >> 32n)));
  }

  /** The upper and the lower word of the number of entries ever added. */
  addedHigh(body: number): number {
    return this.#word(body, ADDED_HIGH);
  }

  addedLow(body: number): number {
    return this.#word(body, ADDED_LOW);
  }

  setAddedWords(body: number, high: number, low: number): void {
    this.#setWord(body, ADDED_HIGH, high);
    this.#setWord(body, ADDED_LOW, low);
  }

  /** Whether an ID may be between what was deleted and the end, so that counting from it on may go wrong. */
  hasTombstonesFrom(body: number, id: StreamId): boolean {
    if (this.length(body) === 0) return false;
    const deleted = this.maxDeletedId(body, this.#id);
    if (deleted.isZero || this.firstId(body, this.#last).compare(deleted) > 0) return false;
    return id.compare(deleted) <= 0;
  }

  /** The number of the entry with an ID among all that were ever added; -1 where that cannot be known. */
  numberOf(body: number, id: StreamId): bigint {
    const added = this.entriesAdded(body);
    if (added === 0n) return 0n;
    const order = id.compare(this.lastId(body, this.#last));
    const length = this.length(body);
    if (length === 0 && order < 1) return added;
    if (order >= 0) return order === 0 ? added : -1n;
    const first = this.firstId(body, this.#last);
    const deleted = this.maxDeletedId(body, this.#id);
    if (deleted.isZero || deleted.compare(first) < 0) {
      const behind = id.compare(first);
      if (behind < 0) return added - BigInt(length);
      if (behind === 0) return added - BigInt(length) + 1n;
    }
    return -1n;
  }

  // --- Adding ---------------------------------------------------------------------------------------------------------

  /**
   * Adds an entry with an ID above the last one, and `pairs` fields and values, which are arguments from `first` on: less
   * than `MAX_ENTRY_BYTES` of them, not in the arena.
   */
  append(body: number, id: StreamId, source: FieldSource, first: number, pairs: number): void {
    const isEmpty = this.length(body) === 0;
    if (!isEmpty) this.#trees.requireRoom(this.rootOf(body), 1);
    if (isEmpty || !this.#appendToLast(body, id, source, first, pairs)) {
      this.#appendNode(body, id, source, first, pairs);
    }
    this.#writeId(body, LAST_ID, id);
    if (isEmpty) this.#writeId(body, FIRST_ID, id);
    const low = (this.#word(body, ADDED_LOW) + 1) | 0;
    this.#setWord(body, ADDED_LOW, low);
    if (low === 0) this.#setWord(body, ADDED_HIGH, this.#word(body, ADDED_HIGH) + 1);
  }

  /** Adds an entry to the last node; false where that is full. */
  #appendToLast(body: number, id: StreamId, source: FieldSource, first: number, pairs: number): boolean {
    const trees = this.#trees;
    const { nodes } = this;
    trees.seekLast(this.#word(body, ROOT));
    let total = 0;
    for (let i = first; i < first + 2 * pairs; i++) total += source.lengths[i];
    const last = trees.word(NODE);
    nodes.show(last);
    if (this.#isFull(last, total)) {
      this.#leave(body, last);
      return false;
    }
    const node = this.#ownNode(body);
    nodes.show(node);
    this.#draft.measure(nodes.bytes, nodes.start, this.#nodeId.readKey(trees), id, source, first, pairs);
    const grown = nodes.append(node, this.#draft, source);
    if (grown !== node) this.#setTreeWord(body, NODE, grown);
    const root = this.#word(body, ROOT);
    const counted = trees.addElements(root, 1);
    if (counted !== root) this.#setWord(body, ROOT, counted);
    return true;
  }

  /** Whether the node shown is not to take `total` bytes of fields and values more. */
  #isFull(node: number, total: number): boolean {
    const { nodes, maxNodeBytes, maxNodeEntries } = this;
    const most = maxNodeBytes === 0 ? MAX_ENTRY_BYTES : Math.min(maxNodeBytes, MAX_ENTRY_BYTES);
    if (nodes.length(node) + total >= most) return true;
    if (maxNodeEntries === 0) return false;
    return nodes.entries(node) >= maxNodeEntries;
  }

  /** Nothing more will be added to the node at which the tree stands. */
  #leave(body: number, node: number): void {
    if (this.heap.snapshots.isAwaited(node)) return;
    const trimmed = this.nodes.trim(node);
    if (trimmed === node) return;
    this.#trees.owner = body;
    this.#setTreeWord(body, NODE, trimmed);
  }

  #appendNode(body: number, id: StreamId, source: FieldSource, first: number, pairs: number): void {
    this.#insertNode(body, id, this.nodes.createWith(source, first, pairs), 1);
  }

  /** Adds a node with a listpack, of which some entry is live, behind all others. For what is loaded. */
  appendListpack(body: number, id: StreamId, bytes: Uint8Array, start: number, length: number): void {
    const live = liveEntries(bytes, start);
    this.#insertNode(body, id, this.nodes.fromListpack(bytes, start, length), live);
  }

  /** Puts a node into the tree; where there is no memory for that, it is freed. */
  #insertNode(body: number, id: StreamId, node: number, live: number): void {
    const trees = this.#trees;
    id.write(trees.key, 0);
    trees.value[NODE] = node;
    trees.value[ELEMENTS] = live;
    try {
      this.#setWord(body, ROOT, insertInto(trees, body, this.#word(body, ROOT), ANY_TIE));
    } catch (error) {
      this.nodes.free(node);
      throw error;
    }
  }

  /** Makes the node at which the tree stands one that may be changed. Where there is no memory for a copy, it was read. */
  #ownNode(body: number): number {
    const { snapshots } = this.heap;
    const trees = this.#trees;
    trees.owner = body;
    const node = trees.word(NODE);
    if (!snapshots.isAwaited(node)) return node;
    let own: number;
    try {
      own = this.nodes.copy(node);
    } catch (error) {
      if (!isOutOfRoom(error)) throw error;
      snapshots.readNow(body);
      return node;
    }
    this.#setTreeWord(body, NODE, own);
    if (!snapshots.takesElement(body, node)) this.nodes.free(node);
    return own;
  }

  #setTreeWord(body: number, index: number, value: number): void {
    this.#setWord(body, ROOT, this.#trees.setWord(this.#word(body, ROOT), index, value));
  }

  // --- Removing -------------------------------------------------------------------------------------------------------

  /** Has the tree stand at the node in which an ID would be; false if there is none. */
  #seekNode(body: number, id: StreamId): boolean {
    return this.#word(body, ROOT) !== 0 && seekNode(this.#trees, this.#word(body, ROOT), id);
  }

  /** Deletes an entry; whether it was there. O(log n), and the scan of a node. Needs no memory. */
  delete(body: number, id: StreamId): boolean {
    const { nodes } = this;
    const trees = this.#trees;
    const reader = this.#reader;
    if (!this.#seekNode(body, id)) return false;
    nodes.show(trees.word(NODE));
    reader.begin(nodes.bytes, nodes.start, this.#nodeId.readKey(trees));
    let isThere = reader.toFirst();
    while (isThere && (reader.isDeleted || reader.id.compare(id) < 0)) isThere = reader.next();
    if (!isThere || reader.id.compare(id) !== 0) return false;
    const at = reader.at - nodes.start;
    if (trees.word(ELEMENTS) === 1) {
      this.#removeNode(body);
    } else {
      const node = this.#ownNode(body);
      nodes.show(node);
      markDeleted(nodes.bytes, nodes.start + at);
      nodes.countDeleted(node, 1);
      this.#setTreeWord(body, ELEMENTS, trees.word(ELEMENTS) - 1);
    }
    if (this.maxDeletedId(body, this.#id).compare(id) < 0) this.setMaxDeletedId(body, id);
    if (this.firstId(body, this.#id).compare(id) === 0) this.updateFirstId(body);
    return true;
  }

  /** Removes the node at which the tree stands. */
  #removeNode(body: number): void {
    const node = this.#trees.word(NODE);
    this.#setWord(body, ROOT, removeFrom(this.#trees, body, this.#word(body, ROOT)));
    if (!this.heap.snapshots.takesElement(body, node)) this.nodes.free(node);
  }

  /** Finds out which ID is the first now. */
  updateFirstId(body: number): void {
    const isThere = this.#cursor.toFirst(body);
    this.#writeId(body, FIRST_ID, isThere ? this.#cursor.id : this.#id.setZero());
  }

  /** Cuts a stream down; how many entries have gone. O(n) of the nodes that go, and the scan of one. Needs no memory. */
  trim(body: number, to: Trim): number {
    const trees = this.#trees;
    let removed = 0;
    for (;;) {
      const root = this.#word(body, ROOT);
      const length = this.length(body);
      if (root === 0 || (to.maxLength >= 0 && length <= to.maxLength)) break;
      trees.seekPosition(root, 0);
      const live = trees.word(ELEMENTS);
      if (to.limit > 0 && removed + live > to.limit) break;
      const isGone = to.maxLength >= 0 ? length - live >= to.maxLength : this.#isNodeBelow(to.minId);
      if (!isGone) {
        if (!to.isApproximate) removed += this.#trimNode(body, to, length);
        break;
      }
      this.#removeNode(body);
      removed += live;
    }
    if (removed > 0) this.updateFirstId(body);
    return removed;
  }

  /** Whether all of the node at which the tree stands is below an ID. */
  #isNodeBelow(id: StreamId): boolean {
    const { nodes } = this;
    const node = this.#trees.word(NODE);
    nodes.show(node);
    this.#reader.begin(nodes.bytes, nodes.start, this.#nodeId.readKey(this.#trees));
    return this.#reader.toLast(nodes.start, nodes.length(node)) && this.#reader.id.compare(id) < 0;
  }

  /** Deletes the first entries of the node at which the tree stands, of which some stay; how many. */
  #trimNode(body: number, to: Trim, length: number): number {
    const { nodes } = this;
    const trees = this.#trees;
    const reader = this.#reader;
    const node = this.#ownNode(body);
    nodes.show(node);
    reader.begin(nodes.bytes, nodes.start, this.#nodeId.readKey(trees));
    let removed = 0;
    for (let isThere = reader.toFirst(); isThere; isThere = reader.next()) {
      if (reader.isDeleted) continue;
      if (to.maxLength >= 0 ? length - removed <= to.maxLength : reader.id.compare(to.minId) >= 0) break;
      markDeleted(nodes.bytes, reader.at);
      removed++;
    }
    if (removed === 0) return 0;
    if (removed === trees.word(ELEMENTS)) {
      // What is behind the last live one was deleted before.
      this.#removeNode(body);
      return removed;
    }
    nodes.countDeleted(node, removed);
    this.#setTreeWord(body, ELEMENTS, trees.word(ELEMENTS) - removed);
    return removed;
  }

  // --- As a value type ------------------------------------------------------------------------------------------------

  /** Marks all that a snapshot might have to read as read. */
  markAll(body: number): void {
    const root = this.#word(body, ROOT);
    if (root !== 0) markNodes(this.heap.snapshots, this.#trees, root);
    this.wholeGroups.markAll(this.#word(body, GROUPS));
  }

  /** A copy of the block of a body as it is now, which is good as long as nothing of it changes unseen by the snapshot. */
  share(body: number): number {
    return this.heap.copyBlock(body, BODY_BYTES);
  }

  /** Frees what `share` gave. */
  unshare(copy: number): void {
    this.heap.arena.free(copy);
  }

  freeBody(body: number): void {
    const { arena, snapshots } = this.heap;
    if (snapshots.keepsBody(body)) return;
    const root = this.#word(body, ROOT);
    if (root !== 0) {
      discardTree(this.heap, this.#trees, body, root, FREED_AT_ONCE, (node) => this.nodes.free(node));
    }
    this.wholeGroups.freeAll(body, this.#word(body, GROUPS));
    arena.free(body);
  }

  copyBody(body: number): number {
    const copy = this.createBody();
    const from = this.treesOf();
    try {
      const root = this.#word(body, ROOT);
      if (root !== 0) {
        from.seekPosition(root, 0);
        do {
          const id = this.#nodeId.readKey(from);
          this.#insertNode(copy, id, this.nodes.copy(from.word(NODE)), from.word(ELEMENTS));
        } while (from.next());
      }
      for (let i = LAST_ID; i < BODY_BYTES / 4; i++) this.#setWord(copy, i, this.#word(body, i));
      this.wholeGroups.copyAll(body, copy);
    } catch (error) {
      this.freeBody(copy);
      throw error;
    }
    return copy;
  }

  bodyBytes(body: number, samples: number): number {
    const { arena } = this.heap;
    const root = this.#word(body, ROOT);
    const bytes = arena.usableBytes(body) + this.wholeGroups.memoryBytes(this.#word(body, GROUPS), samples);
    return root === 0 ? bytes : bytes + nodesMemoryBytes(arena, this.#trees, root, samples);
  }

  walk(ref: number, cursor: number, limit: number, sink: ElementSink): number {
    const entry = this.#cursor;
    const body = this.bodyOf(ref);
    if (!entry.toPosition(body, cursor)) return 0;
    do {
      // As Redis makes digests of them.
      this.#field.setString(this.#text, 0, entry.id.writeText(this.#text, 0, FULL_STOP));
      sink(this.#field, this.#field);
      entry.beginFields();
      while (entry.nextField(this.#field, this.#value)) {
        sink(this.#field, this.#field);
        sink(this.#value, this.#value);
        limit -= 2;
      }
      cursor++;
      limit--;
    } while (entry.next() && limit > 0);
    return cursor < this.length(body) ? cursor : 0;
  }

  memberTable(): number {
    return 0;
  }

  relocateBody(ref: number, cursor: number): number {
    const body = cursor === 0 ? relocateBlock(this.heap, ref, BODY_BYTES) : this.bodyOf(ref);
    if (cursor < GROUP_CURSORS && this.#word(body, ROOT) !== 0) {
      this.#trees.owner = body;
      const setRoot = (root: number) => this.#setWord(body, ROOT, root);
      const next = relocateNodes(this.nodes, this.#trees, this.#word(body, ROOT), cursor, setRoot);
      if (next !== 0) return next;
      cursor = GROUP_CURSORS;
    }
    if (this.#word(body, GROUPS) === 0) return 0;
    const next = this.wholeGroups.relocate(
      this.#word(body, GROUPS),
      Math.max(0, cursor - GROUP_CURSORS),
      (root) => this.#setWord(body, GROUPS, root),
    );
    return next === 0 ? 0 : GROUP_CURSORS + next;
  }
}

function wordsOf(arena: Arena, block: number): Int32Array {
  return arena.words[block >>> SEGMENT_SHIFT];
}

/** Index of a block's first word in its segment. */
function indexOf(block: number): number {
  return (block & SEGMENT_MASK) << 1;
}
