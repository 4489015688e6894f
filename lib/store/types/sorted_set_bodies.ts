/**
 * Bodies of sorted sets: what large ones are kept in. A table of members (members.ts), with the score in words 3 and 4 of a
 * member's entry, and a tree (tree.ts) that has the scores as keys and the members' refs as values. Used by
 * sorted_sets.ts and the cursor beside it, and by those who write and check bodies.
 *
 * A member is found in O(1); its rank, its place in the order, and a change of either take O(log n).
 */

import { compareBytes } from "../../bytes/compare.ts";
import { hashBytes } from "../../bytes/hash.ts";
import { SEGMENT_MASK, SEGMENT_SHIFT } from "../arena.ts";
import { discardTree } from "../discarded_tree.ts";
import type { Heap } from "../heap.ts";
import { type TreeRun, Trees } from "../tree.ts";
import type { Tie } from "../tree_cursor.ts";
import type { TreeShape } from "../tree_nodes.ts";
import { relocateBlock } from "./entry_values.ts";
import { Members } from "./members.ts";
import type { ScoredMembers } from "./scored_members.ts";
import { highWord, lowWord, scoreOfWords, scoreToKey, scoreToWords } from "./scores.ts";

/** Trees of members by score: the key is the score, the ref is the member's. */
const SHAPE: TreeShape = { keyWords: 2, hasTies: true, valueWords: 1, countWord: -1 };
/** A body is a block of two words: the refs of the table and of the tree's root. */
const BODY_BYTES = 8;
/** Nodes of the tree that are freed at once. */
const FREED_NODES = 16;
/** From here on a cursor of `relocate` means the tree, by position. */
const TREE_CURSORS = 2 ** 32;

/** What `set` has done to a member. */
export const SAME = 0;
export const ADDED = 1;
export const CHANGED = 2;

/** Operations on the bodies of one heap. */
export class SortedSetBodies {
  readonly members: Members;
  readonly #trees: Trees;
  // The member that `byMember` compares with.
  #bytes: Uint8Array = new Uint8Array(0);
  #start = 0;
  #length = 0;

  constructor(readonly heap: Heap) {
    this.members = new Members(heap);
    this.#trees = this.newTrees();
  }

  /** Operations on trees of this kind, for whoever stands at a place of its own. */
  newTrees(): Trees {
    return new Trees(this.heap.arena, SHAPE);
  }

  /** Makes an empty body. Throws where there is no memory, and has taken none then. */
  create(): number {
    const { arena, tables } = this.heap;
    const body = arena.alloc(BODY_BYTES);
    let table = 0;
    try {
      table = tables.create();
      this.#setWords(body, table, this.#trees.create());
    } catch (error) {
      if (table !== 0) tables.destroy(table);
      arena.free(body);
      throw error;
    }
    return body;
  }

  /** Makes a body of members that are sorted. Throws where there is no memory, and has taken none then. */
  createSorted({ count, order, bytes, starts, lengths, scores }: ScoredMembers): number {
    const body = this.create();
    try {
      for (let i = 0; i < count; i++) {
        const member = order[i];
        const hash = hashBytes(bytes, starts[member], lengths[member]);
        this.add(body, hash, bytes, starts[member], lengths[member], scores[member]);
      }
    } catch (error) {
      this.free(body);
      throw error;
    }
    return body;
  }

  #setWords(body: number, table: number, root: number): void {
    const words = this.heap.arena.words[body >>> SEGMENT_SHIFT];
    const at = (body & SEGMENT_MASK) << 1;
    words[at] = table;
    words[at + 1] = root;
  }

  /** The table of a body's members. */
  table(body: number): number {
    return this.heap.arena.words[body >>> SEGMENT_SHIFT][(body & SEGMENT_MASK) << 1];
  }

  /** The root of a body's tree. */
  root(body: number): number {
    return this.heap.arena.words[body >>> SEGMENT_SHIFT][((body & SEGMENT_MASK) << 1) + 1];
  }

  #setRoot(body: number, root: number): void {
    this.heap.arena.words[body >>> SEGMENT_SHIFT][((body & SEGMENT_MASK) << 1) + 1] = root;
  }

  /** The score of a member's entry. */
  scoreOf(member: number): number {
    const { entries } = this.heap;
    return scoreOfWords(entries.word(member, 3), entries.word(member, 4));
  }

  #setScore(member: number, score: number): void {
    const { entries } = this.heap;
    scoreToWords(score);
    entries.setWord(member, 3, lowWord());
    entries.setWord(member, 4, highWord());
  }

  // --- Members --------------------------------------------------------------------------------------------------------

  /** The entry of a member; 0 if there is none. */
  find(body: number, member: Uint8Array, start: number, length: number): number {
    return this.heap.foresight.find(this.table(body), member, start, length);
  }

  /** Rank of a member's entry in ascending order. */
  rankOf(body: number, member: number): number {
    this.#stand(body, member);
    return this.#trees.position();
  }

  /** Gives a member a score; what that did. Where there is no memory for it, nothing has changed. */
  set(body: number, member: Uint8Array, start: number, length: number, score: number): number {
    const { foresight, snapshots, tables } = this.heap;
    const found = this.find(body, member, start, length);
    if (found === 0) {
      this.add(body, foresight.hash, member, start, length, score);
      return ADDED;
    }
    const old = this.scoreOf(found);
    if (old === score) return SAME;
    if (snapshots.isAwaited(found)) this.#replace(body, found, tables.slot, score);
    else this.#move(body, found, score);
    return CHANGED;
  }

  /** Adds a member that is not there. Where there is no memory for it, nothing has changed. */
  add(body: number, hash: number, bytes: Uint8Array, start: number, length: number, score: number): void {
    const { tables } = this.heap;
    const member = this.members.create(bytes, start, length, 0, true);
    this.#setScore(member, score);
    const table = this.table(body);
    this.heap.addNew(table, hash, member);
    try {
      this.#insert(body, member, score);
    } catch (error) {
      tables.findEntry(table, hash, member);
      tables.removeFound(table);
      this.heap.arena.free(member);
      throw error;
    }
  }

  // What builds a body (sorted_set_builder.ts) does to its table and its tree apart, so that it is whole only in the end.

  /** Adds a member to the table alone; its entry, or 0 if it is there already. Where there is no memory, nothing has changed. */
  addToTable(body: number, bytes: Uint8Array, start: number, length: number, score: number): number {
    const { foresight } = this.heap;
    const table = this.table(body);
    if (foresight.find(table, bytes, start, length) !== 0) return 0;
    const member = this.members.create(bytes, start, length, 0, true);
    this.#setScore(member, score);
    this.heap.addNew(table, foresight.hash, member);
    return member;
  }

  /** Takes a member out of the table that is not in the tree, and frees it. Needs no memory. */
  removeFromTable(body: number, member: number): void {
    this.#takeFromTable(body, member);
    this.heap.arena.free(member);
  }

  #takeFromTable(body: number, member: number): void {
    const { entries, tables } = this.heap;
    const table = this.table(body);
    const hash = hashBytes(entries.bytes(member), entries.keyStart(member), entries.keyLength(member));
    tables.findEntry(table, hash, member);
    tables.removeFound(table);
  }

  /** Puts some members of a run into the tree, which are in the table; they leave the run. Where there is no memory, none do. */
  insertFromRun(body: number, run: TreeRun): void {
    this.#setRoot(body, this.#trees.insertFromRun(this.root(body), run));
  }

  /** Gives a member's entry another score, where it stands or at another place of the tree. */
  #move(body: number, member: number, score: number): void {
    const trees = this.#trees;
    const old = this.scoreOf(member);
    this.#stand(body, member);
    scoreToKey(score, trees.key);
    const root = trees.changeKey(this.root(body), this.byMember);
    if (root !== 0) {
      this.#setRoot(body, root);
    } else if (trees.leavesRoom) {
      // What is taken out can be put back without memory, so the way to it need not be gone again.
      this.#setRoot(body, trees.remove(this.root(body)));
      try {
        this.#insert(body, member, score);
      } catch (error) {
        this.#insert(body, member, old);
        throw error;
      }
    } else {
      this.#insert(body, member, score);
      this.#remove(body, member, old);
    }
    this.#setScore(member, score);
  }

  /** Puts another entry with another score in a member's place, as the one that is there must not change. */
  #replace(body: number, member: number, slot: number, score: number): void {
    const { arena, entries, tables } = this.heap;
    const start = entries.keyStart(member);
    const other = this.members.create(entries.bytes(member), start, entries.keyLength(member), 0, true);
    try {
      this.#insert(body, other, score);
    } catch (error) {
      arena.free(other);
      throw error;
    }
    this.#remove(body, member, this.scoreOf(member));
    this.#setScore(other, score);
    tables.replaceAt(slot, other);
    this.members.free(body, member);
  }

  /** Removes a member; whether it was there. Needs no memory. */
  delete(body: number, member: Uint8Array, start: number, length: number): boolean {
    const table = this.table(body);
    const found = this.find(body, member, start, length);
    if (found === 0) return false;
    this.heap.tables.removeFound(table);
    this.#remove(body, found, this.scoreOf(found));
    this.members.free(body, found);
    return true;
  }

  /** Removes `count` members from a rank on, which must be there. O(count log n). */
  deleteRanks(body: number, rank: number, count: number): void {
    const trees = this.#trees;
    for (; count > 0; count--) {
      trees.seekPosition(this.root(body), rank);
      this.deleteAt(body, trees);
    }
  }

  /** Removes the member at which `trees` stands, which is of this kind; it stands nowhere afterwards. Needs no memory. */
  deleteAt(body: number, trees: Trees): void {
    const member = trees.word(0);
    this.#takeFromTable(body, member);
    this.#setRoot(body, trees.remove(this.root(body)));
    this.members.free(body, member);
  }

  // --- The order ------------------------------------------------------------------------------------------------------

  #insert(body: number, member: number, score: number): void {
    const trees = this.#trees;
    this.#seekMember(member);
    scoreToKey(score, trees.key);
    trees.value[0] = member;
    this.#setRoot(body, trees.insert(this.root(body), this.byMember));
  }

  #remove(body: number, member: number, score: number): void {
    this.#standAt(body, member, score);
    this.#setRoot(body, this.#trees.remove(this.root(body)));
  }

  /** Stands at a member's item of the tree. */
  #stand(body: number, member: number): void {
    this.#standAt(body, member, this.scoreOf(member));
  }

  #standAt(body: number, member: number, score: number): void {
    const trees = this.#trees;
    this.#seekMember(member);
    scoreToKey(score, trees.key);
    if (!trees.seekItem(this.root(body), member, this.byMember)) throw new Error("a member is missing from its tree");
  }

  /** Has `byMember` compare with a member. */
  #seekMember(member: number): void {
    const { entries } = this.heap;
    this.setMember(entries.bytes(member), entries.keyStart(member), entries.keyLength(member));
  }

  /** Has `byMember` compare with these bytes. */
  setMember(bytes: Uint8Array, start: number, length: number): void {
    this.#bytes = bytes;
    this.#start = start;
    this.#length = length;
  }

  /** Compares the member that was set last with that of an entry. */
  readonly byMember: Tie = (ref) => {
    const { entries } = this.heap;
    const start = entries.keyStart(ref);
    return compareBytes(this.#bytes, this.#start, this.#length, entries.bytes(ref), start, entries.keyLength(ref));
  };

  // --- The whole of a body --------------------------------------------------------------------------------------------

  /** Frees a body, a large one in slices. */
  free(body: number): void {
    const { arena, snapshots } = this.heap;
    if (snapshots.keepsBody(body)) return;
    discardTree(this.heap, this.#trees, body, this.root(body), FREED_NODES, null); // its members go with the table
    this.members.freeTable(this.table(body));
    arena.free(body);
  }

  /** A copy of a body. Throws where there is no memory, and has taken none then. */
  copy(body: number): number {
    const { entries } = this.heap;
    const copy = this.create();
    const from = this.newTrees();
    try {
      from.seekPosition(this.root(body), 0);
      for (let left = from.count(this.root(body)); left > 0; left--, from.next()) {
        const member = from.word(0);
        const start = entries.keyStart(member);
        const length = entries.keyLength(member);
        const hash = hashBytes(entries.bytes(member), start, length);
        this.add(copy, hash, entries.bytes(member), start, length, this.scoreOf(member));
      }
    } catch (error) {
      this.free(copy);
      throw error;
    }
    return copy;
  }

  /** Bytes that a body takes, those of `samples` members taken for all (0: of all). */
  memoryBytes(body: number, samples: number): number {
    return this.heap.arena.usableBytes(body) + this.members.memoryBytes(this.table(body), samples) +
      this.#trees.memoryBytes(this.root(body), samples);
  }

  /** Compaction: see `ValueType.relocateBody`. `ref` is the key's entry, which has the body. */
  relocate(ref: number, cursor: number): number {
    const body = cursor === 0 ? relocateBlock(this.heap, ref, BODY_BYTES) : this.heap.entries.valueWord(ref);
    if (cursor < TREE_CURSORS) {
      const next = this.members.relocate(
        this.table(body),
        cursor,
        (table) => this.#setWords(body, table, this.root(body)),
        (from, to) => this.#memberMoved(body, from, to),
      );
      return next === 0 ? TREE_CURSORS : next;
    }
    const trees = this.#trees;
    this.#setRoot(body, trees.relocate(this.root(body), cursor - TREE_CURSORS));
    return trees.reached >= trees.count(this.root(body)) ? 0 : TREE_CURSORS + trees.reached;
  }

  /** A member's entry lies elsewhere. */
  #memberMoved(body: number, from: number, to: number): void {
    const trees = this.#trees;
    this.#seekMember(to);
    scoreToKey(this.scoreOf(to), trees.key);
    if (!trees.seekItem(this.root(body), from, this.byMember)) throw new Error("a member is missing from its tree");
    this.#setRoot(body, trees.setWord(this.root(body), 0, to));
  }
}
