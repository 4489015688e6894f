/**
 * The sorted set value: members, each once, in the order of their scores, and of their bytes where scores are equal. Small
 * ones are a listpack of members and scores inline in the key's entry; beyond `maxListpackEntries` members or
 * `maxListpackValue` bytes of one, for good, a body: a table of members (members.ts), with the score in words 3 and 4 of
 * a member's entry, and a tree (tree.ts) that has the scores as keys and the members' refs as values. Redis calls that a
 * skiplist, and so does OBJECT ENCODING. Called by the sorted set and geo commands, persistence, COPY and DEBUG.
 *
 * A sorted set is known by the ref of its key's entry. What changes it takes the ref that `Database.write` or `create`
 * gave and, where its block may move, returns the ref to go on with. Members are found in O(1), ranks and places in the
 * order in O(log n); in a listpack all is O(n), whose n is small.
 */

import { compareBytes, copyBytes } from "../../bytes/compare.ts";
import { hashBytes } from "../../bytes/hash.ts";
import { SEGMENT_MASK, SEGMENT_SHIFT } from "../arena.ts";
import { ENCODING_LISTPACK, ENCODING_SKIPLIST, NO_EXPIRY, TYPE_ZSET } from "../entry.ts";
import type { Discarded, Heap } from "../heap.ts";
import {
  addToCount,
  Element,
  elementAt,
  elementBefore,
  EMPTY_LISTPACK_BYTES,
  entryBytes,
  findElement,
  firstElement,
  LISTPACK_END,
  LISTPACK_ENTRY_OVERHEAD,
  listpackCount,
  measureElement,
  splice,
  writeElement,
  writeEmptyListpack,
} from "../listpack.ts";
import { BEFORE_TIES, BEHIND_TIES, type Tie, Trees, type TreeShape } from "../tree.ts";
import { Members } from "./members.ts";
import { highWord, lowWord, scoreOfElement, scoreOfWords, scoreText, scoreToKey, scoreToWords } from "./scores.ts";
import type { ElementSink, ValueHome, ValueType } from "./value_type.ts";

/** Trees of members by score: the key is the score, the ref is the member's. */
const SHAPE: TreeShape = { keyWords: 2, hasTies: true, valueWords: 1, countWord: -1 };
/** A body is a block of two words: the refs of the table and of the tree's root. */
const BODY_BYTES = 8;
/** A listpack that would grow beyond this becomes a body, whatever the limits: its block must fit the arena. */
const MAX_LISTPACK_BYTES = 2 ** 29;
/** Members of which the tree is freed at once. */
const FREED_AT_ONCE = 128;
/** From here on a cursor of `relocateBody` means the tree, by position. */
const TREE_CURSORS = 2 ** 32;

/** Operations on the sorted sets of one heap. */
export class SortedSets implements ValueType {
  readonly name = "zset";
  readonly order = "pairs";
  /** Most members of a sorted set that is kept as a listpack, and most bytes of one. */
  maxListpackEntries = 128;
  maxListpackValue = 64;
  /** Whether the last `set` added a member, or gave one another score. */
  added = false;
  changed = false;
  /** The score that `find` came to. */
  score = 0;
  readonly members: Members;
  readonly #trees: Trees;
  readonly #element = new Element();
  readonly #scoreElement = new Element();
  readonly #refs: number[] = [];
  // The member that `#byMember` compares with.
  #bytes: Uint8Array = new Uint8Array(0);
  #start = 0;
  #length = 0;

  constructor(readonly heap: Heap) {
    this.members = new Members(heap);
    this.#trees = new Trees(heap.arena, SHAPE);
  }

  /** Puts an empty sorted set under a key, in place of what is there; `reserve` more bytes of listpack will not move it. */
  create(database: ValueHome, key: Uint8Array, start: number, length: number, reserve: number): number {
    const { entries } = this.heap;
    const bytes = EMPTY_LISTPACK_BYTES + reserve;
    const ref = database.put(key, start, length, TYPE_ZSET, ENCODING_LISTPACK, bytes, NO_EXPIRY);
    entries.setValueWord(ref, EMPTY_LISTPACK_BYTES);
    writeEmptyListpack(entries.bytes(ref), entries.valueStart(ref));
    return ref;
  }

  /**
   * Puts a sorted set under a key, in place of what is there, from a listpack that is known to be sound, in order and
   * without duplicates. It becomes a body if it has too many members. The bytes must not lie in the arena.
   */
  createFromListpack(
    database: ValueHome,
    key: Uint8Array,
    keyStart: number,
    keyLength: number,
    listpack: Uint8Array,
    start: number,
    length: number,
    expiry: number | bigint,
  ): number {
    const { entries } = this.heap;
    const ref = database.put(key, keyStart, keyLength, TYPE_ZSET, ENCODING_LISTPACK, length, expiry);
    copyBytes(listpack, start, length, entries.bytes(ref), entries.valueStart(ref));
    return this.count(ref) > this.maxListpackEntries ? this.convert(database, ref) : ref;
  }

  /** Number of members. O(1). */
  count(ref: number): number {
    const { entries, tables } = this.heap;
    if (entries.hasBody(ref)) return tables.count(this.memberTable(ref));
    return listpackCount(entries.bytes(ref), entries.valueStart(ref)) >>> 1;
  }

  /** Finds a member, and sets `score`; false if it is not there. */
  find(ref: number, member: Uint8Array, start: number, length: number): boolean {
    const { entries, foresight } = this.heap;
    if (entries.hasBody(ref)) {
      const found = foresight.find(this.memberTable(ref), member, start, length);
      if (found === 0) return false;
      this.score = this.scoreOf(found);
      return true;
    }
    const bytes = entries.bytes(ref);
    const at = findElement(bytes, entries.valueStart(ref), 2, member, start, length);
    if (at < 0) return false;
    this.#scoreElement.read(bytes, at + entryBytes(bytes, at));
    this.score = scoreOfElement(this.#scoreElement);
    return true;
  }

  /** The score of a member's entry. */
  scoreOf(member: number): number {
    const { entries } = this.heap;
    return scoreOfWords(entries.word(member, 3), entries.word(member, 4));
  }

  /**
   * Gives a member a score, and says in `added` whether it is new. Returns the sorted set's ref, maybe another. The member
   * must not lie in this sorted set, nor the score be NaN. Where there is no memory for it no member has changed, but the
   * listpack may have become a body, so that the ref is another.
   */
  set(database: ValueHome, ref: number, member: Uint8Array, start: number, length: number, score: number): number {
    const { entries } = this.heap;
    this.changed = false;
    if (entries.hasBody(ref)) {
      this.#setInBody(entries.valueWord(ref), member, start, length, score);
      return ref;
    }
    const inlineLength = entries.valueWord(ref);
    const bytes = entries.bytes(ref);
    const listpack = entries.valueStart(ref);
    const found = findElement(bytes, listpack, 2, member, start, length);
    if (found < 0) {
      const isTooLong = length > this.maxListpackValue ||
        inlineLength + length + 3 * LISTPACK_ENTRY_OVERHEAD + 24 > MAX_LISTPACK_BYTES;
      if (isTooLong || (listpackCount(bytes, listpack) >>> 1) >= this.maxListpackEntries) {
        ref = this.convert(database, ref);
        this.#setInBody(entries.valueWord(ref), member, start, length, score);
        return ref;
      }
      this.added = true;
      return this.#insertInListpack(database, ref, member, start, length, score);
    }
    this.added = false;
    const scoreAt = found + entryBytes(bytes, found);
    this.#scoreElement.read(bytes, scoreAt);
    if (scoreOfElement(this.#scoreElement) === score) return ref;
    this.changed = true;
    // The block has room for what is taken out, and for a longer score if that is made sure of first.
    const text = scoreText(score);
    const removed = scoreAt - found + entryBytes(bytes, scoreAt);
    const more = measureElement(text, 0, text.length) - entryBytes(bytes, scoreAt);
    if (more > 0) {
      ref = database.resizeValue(ref, inlineLength + more);
      entries.setValueWord(ref, inlineLength);
    }
    const foundAt = entries.valueStart(ref) + found - listpack;
    splice(entries.bytes(ref), entries.valueStart(ref), foundAt, removed, 0);
    addToCount(entries.bytes(ref), entries.valueStart(ref), -2);
    entries.setValueWord(ref, inlineLength - removed);
    return this.#insertInListpack(database, ref, member, start, length, score);
  }

  #insertInListpack(
    database: ValueHome,
    ref: number,
    member: Uint8Array,
    start: number,
    length: number,
    score: number,
  ): number {
    const { entries } = this.heap;
    const text = scoreText(score);
    const added = measureElement(member, start, length) + measureElement(text, 0, text.length);
    const place = this.#placeInListpack(ref, score, member, start, length) - entries.valueStart(ref);
    ref = database.resizeValue(ref, entries.valueWord(ref) + added);
    const bytes = entries.bytes(ref);
    const listpack = entries.valueStart(ref);
    splice(bytes, listpack, listpack + place, 0, added);
    const at = writeElement(bytes, listpack + place, member, start, length);
    writeElement(bytes, at, text, 0, text.length);
    addToCount(bytes, listpack, 2);
    return ref;
  }

  /** Offset of the first member of a listpack that stands behind a score and member. */
  #placeInListpack(ref: number, score: number, member: Uint8Array, start: number, length: number): number {
    const { entries } = this.heap;
    const bytes = entries.bytes(ref);
    let at = firstElement(entries.valueStart(ref));
    while (bytes[at] !== LISTPACK_END) {
      const scoreAt = at + entryBytes(bytes, at);
      this.#scoreElement.read(bytes, scoreAt);
      const other = scoreOfElement(this.#scoreElement);
      if (other > score) return at;
      if (other === score) {
        const element = this.#element;
        element.read(bytes, at);
        element.toBytes();
        if (compareBytes(element.bytes, element.start, element.length, member, start, length) > 0) return at;
      }
      at = scoreAt + entryBytes(bytes, scoreAt);
    }
    return at;
  }

  #setInBody(body: number, member: Uint8Array, start: number, length: number, score: number): void {
    const { entries, foresight, snapshots, tables } = this.heap;
    const table = this.#table(body);
    const found = foresight.find(table, member, start, length);
    if (found === 0) {
      this.added = true;
      return this.#addToBody(body, foresight.hash, member, start, length, score);
    }
    this.added = false;
    const old = this.scoreOf(found);
    if (old === score) return;
    this.changed = true;
    const { slot } = tables;
    let entry = found;
    if (snapshots.isAwaited(found)) {
      entry = this.members.create(entries.bytes(found), entries.keyStart(found), entries.keyLength(found), 0, true);
    }
    try {
      this.#insertIntoTree(body, entry, score);
    } catch (error) {
      if (entry !== found) this.heap.arena.free(entry);
      throw error;
    }
    this.#removeFromTree(body, found, old);
    this.#setScore(entry, score);
    if (entry === found) return;
    tables.replaceAt(slot, entry);
    this.members.free(body, found);
  }

  #addToBody(body: number, hash: number, bytes: Uint8Array, start: number, length: number, score: number): void {
    const { tables } = this.heap;
    const member = this.members.create(bytes, start, length, 0, true);
    this.#setScore(member, score);
    const table = this.#table(body);
    this.heap.addNew(table, hash, member);
    try {
      this.#insertIntoTree(body, member, score);
    } catch (error) {
      tables.findEntry(table, hash, member);
      tables.removeFound(table);
      this.heap.arena.free(member);
      throw error;
    }
  }

  #setScore(member: number, score: number): void {
    const { entries } = this.heap;
    scoreToWords(score);
    entries.setWord(member, 3, lowWord());
    entries.setWord(member, 4, highWord());
  }

  #insertIntoTree(body: number, member: number, score: number): void {
    const trees = this.#trees;
    this.#seekMember(member);
    scoreToKey(score, trees.key);
    trees.value[0] = member;
    this.#setRoot(body, trees.insert(this.#root(body), this.byMember));
  }

  #removeFromTree(body: number, member: number, score: number): void {
    const trees = this.#trees;
    const root = this.#root(body);
    this.#seekMember(member);
    scoreToKey(score, trees.key);
    if (!trees.seek(root, this.byMember) || trees.word(0) !== member) {
      throw new Error("a member is missing from its tree");
    }
    this.#setRoot(body, trees.remove(root));
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

  /**
   * Removes a member; whether it was there. The block does not move: call `trim` when done, or remove the key if `count` is
   * 0, for a sorted set without members must not stay.
   */
  delete(ref: number, member: Uint8Array, start: number, length: number): boolean {
    const { entries, foresight, tables } = this.heap;
    if (entries.hasBody(ref)) {
      const body = entries.valueWord(ref);
      const table = this.#table(body);
      const found = foresight.find(table, member, start, length);
      if (found === 0) return false;
      tables.removeFound(table);
      this.#removeFromTree(body, found, this.scoreOf(found));
      this.members.free(body, found);
      return true;
    }
    const bytes = entries.bytes(ref);
    const at = findElement(bytes, entries.valueStart(ref), 2, member, start, length);
    if (at < 0) return false;
    this.#cutListpack(ref, at, 1);
    return true;
  }

  /** Removes `count` members from a rank on, which must be there; the block does not move. O(count log n). */
  deleteRanks(ref: number, rank: number, count: number): void {
    const { entries, tables } = this.heap;
    if (count <= 0) return;
    if (!entries.hasBody(ref)) {
      const bytes = entries.bytes(ref);
      return this.#cutListpack(ref, elementAt(bytes, entries.valueStart(ref), rank * 2), count);
    }
    const body = entries.valueWord(ref);
    const table = this.#table(body);
    const trees = this.#trees;
    for (; count > 0; count--) {
      trees.seekPosition(this.#root(body), rank);
      const member = trees.word(0);
      this.#setRoot(body, trees.remove(this.#root(body)));
      const hash = hashBytes(entries.bytes(member), entries.keyStart(member), entries.keyLength(member));
      tables.findEntry(table, hash, member);
      tables.removeFound(table);
      this.members.free(body, member);
    }
  }

  /** Takes `count` members out of a listpack, from an offset on. */
  #cutListpack(ref: number, at: number, count: number): void {
    const { entries } = this.heap;
    const bytes = entries.bytes(ref);
    const listpack = entries.valueStart(ref);
    let end = at;
    for (let i = 0; i < count * 2; i++) end += entryBytes(bytes, end);
    entries.setValueWord(ref, splice(bytes, listpack, at, end - at, 0));
    addToCount(bytes, listpack, -2 * count);
  }

  /** Gives back a block that has become much too large. Returns the sorted set's ref, maybe another. */
  trim(database: ValueHome, ref: number): number {
    const { entries } = this.heap;
    return entries.hasBody(ref) ? ref : database.resizeValue(ref, entries.valueWord(ref));
  }

  /** The rank of a member in ascending order, or -1 if it is not there. Sets `score`. */
  rank(ref: number, member: Uint8Array, start: number, length: number): number {
    const { entries } = this.heap;
    if (entries.hasBody(ref)) {
      if (!this.find(ref, member, start, length)) return -1;
      const trees = this.#trees;
      this.setMember(member, start, length);
      scoreToKey(this.score, trees.key);
      trees.seek(this.#root(entries.valueWord(ref)), this.byMember);
      return trees.position();
    }
    const bytes = entries.bytes(ref);
    const found = findElement(bytes, entries.valueStart(ref), 2, member, start, length);
    if (found < 0) return -1;
    this.#scoreElement.read(bytes, found + entryBytes(bytes, found));
    this.score = scoreOfElement(this.#scoreElement);
    let rank = 0;
    for (let at = firstElement(entries.valueStart(ref)); at !== found; rank++) {
      at += entryBytes(bytes, at);
      at += entryBytes(bytes, at);
    }
    return rank;
  }

  /**
   * Makes a listpack a body; a body stays as it is. Returns the ref, maybe another. O(n log n). Where there is no memory
   * for it, nothing has changed.
   */
  convert(database: ValueHome, ref: number): number {
    const { entries } = this.heap;
    if (entries.hasBody(ref)) return ref;
    const body = this.#createBody();
    try {
      const bytes = entries.bytes(ref);
      const element = new Element();
      for (let at = firstElement(entries.valueStart(ref)); bytes[at] !== LISTPACK_END;) {
        const scoreAt = at + entryBytes(bytes, at);
        this.#scoreElement.read(bytes, scoreAt);
        const score = scoreOfElement(this.#scoreElement);
        element.read(bytes, at);
        element.toBytes();
        const hash = hashBytes(element.bytes, element.start, element.length);
        this.#addToBody(body, hash, element.bytes, element.start, element.length, score);
        at = scoreAt + entryBytes(bytes, scoreAt);
      }
    } catch (error) {
      this.freeBody(body);
      throw error;
    }
    ref = database.resizeValue(ref, 0);
    entries.setTypeAndEncoding(ref, TYPE_ZSET, ENCODING_SKIPLIST);
    entries.setValueWord(ref, body);
    return ref;
  }

  // --- Bodies ---------------------------------------------------------------------------------------------------------

  #createBody(): number {
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

  #setWords(body: number, table: number, root: number): void {
    const words = this.heap.arena.words[body >>> SEGMENT_SHIFT];
    const at = (body & SEGMENT_MASK) << 1;
    words[at] = table;
    words[at + 1] = root;
  }

  #table(body: number): number {
    return this.heap.arena.words[body >>> SEGMENT_SHIFT][(body & SEGMENT_MASK) << 1];
  }

  #root(body: number): number {
    return this.heap.arena.words[body >>> SEGMENT_SHIFT][((body & SEGMENT_MASK) << 1) + 1];
  }

  #setRoot(body: number, root: number): void {
    this.heap.arena.words[body >>> SEGMENT_SHIFT][((body & SEGMENT_MASK) << 1) + 1] = root;
  }

  /** The root of the tree of a sorted set that has a body. */
  rootOf(ref: number): number {
    return this.#root(this.heap.entries.valueWord(ref));
  }

  memberTable(ref: number): number {
    const { entries } = this.heap;
    return entries.hasBody(ref) ? this.#table(entries.valueWord(ref)) : 0;
  }

  /** The table of members of a body. */
  tableOf(body: number): number {
    return this.#table(body);
  }

  freeBody(body: number): void {
    const { arena, snapshots } = this.heap;
    if (snapshots.keepsBody(body)) return;
    const root = this.#root(body);
    const tree = new DiscardedTree(this.#trees, root);
    if (this.#trees.count(root) > FREED_AT_ONCE) this.heap.discard(tree);
    else tree.free(Infinity);
    this.members.freeTable(this.#table(body));
    arena.free(body);
  }

  copyBody(body: number): number {
    const { entries } = this.heap;
    const copy = this.#createBody();
    const from = new Trees(this.heap.arena, SHAPE);
    try {
      from.seekPosition(this.#root(body), 0);
      for (let left = from.count(this.#root(body)); left > 0; left--, from.next()) {
        const member = from.word(0);
        const start = entries.keyStart(member);
        const hash = hashBytes(entries.bytes(member), start, entries.keyLength(member));
        const length = entries.keyLength(member);
        this.#addToBody(copy, hash, entries.bytes(member), start, length, this.scoreOf(member));
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
    return arena.usableBytes(body) + this.members.memoryBytes(this.#table(body), samples) +
      this.#trees.memoryBytes(this.#root(body));
  }

  walk(ref: number, cursor: number, limit: number, sink: ElementSink): number {
    const { entries, tables } = this.heap;
    const member = this.#element;
    const score = this.#scoreElement;
    if (entries.hasBody(ref)) {
      const next = tables.scan(this.memberTable(ref), cursor, limit, this.#refs);
      for (const entry of this.#refs) {
        const text = scoreText(this.scoreOf(entry));
        member.setString(entries.bytes(entry), entries.keyStart(entry), entries.keyLength(entry));
        score.setString(text, 0, text.length);
        sink(member, score);
      }
      return next;
    }
    const bytes = entries.bytes(ref);
    const start = entries.valueStart(ref);
    let at = cursor === 0 ? firstElement(start) : start + cursor;
    for (; bytes[at] !== LISTPACK_END && limit > 0; limit--) {
      const scoreAt = at + entryBytes(bytes, at);
      member.read(bytes, at);
      score.read(bytes, scoreAt);
      at = scoreAt + entryBytes(bytes, scoreAt);
      sink(member, score);
    }
    return bytes[at] === LISTPACK_END ? 0 : at - start;
  }

  relocateBody(ref: number, cursor: number): number {
    const { arena, entries } = this.heap;
    let body = entries.valueWord(ref);
    if (cursor === 0 && arena.isLeaving(body)) {
      const moved = this.heap.copyBlock(body, BODY_BYTES);
      arena.free(body);
      entries.setValueWord(ref, body = moved);
    }
    if (cursor < TREE_CURSORS) {
      const next = this.members.relocate(
        this.#table(body),
        cursor,
        (table) => this.#setWords(body, table, this.#root(body)),
        (from, to) => this.#memberMoved(body, from, to),
      );
      return next === 0 ? TREE_CURSORS : next;
    }
    const trees = this.#trees;
    this.#setRoot(body, trees.relocate(this.#root(body), cursor - TREE_CURSORS));
    return trees.reached >= trees.count(this.#root(body)) ? 0 : TREE_CURSORS + trees.reached;
  }

  /** A member's entry lies elsewhere. */
  #memberMoved(body: number, from: number, to: number): void {
    const trees = this.#trees;
    const root = this.#root(body);
    this.#seekMember(to);
    scoreToKey(this.scoreOf(to), trees.key);
    if (!trees.seek(root, this.byMember) || trees.word(0) !== from) {
      throw new Error("a member is missing from its tree");
    }
    this.#setRoot(body, trees.setWord(root, 0, to));
  }
}

/** The tree of a sorted set that is gone; its members are freed with their table. */
class DiscardedTree implements Discarded {
  constructor(readonly trees: Trees, public root: number) {}

  free(limit: number): number {
    if (this.root === 0) return 0;
    let freed = 1;
    this.root = this.trees.dismantle(this.root, limit, () => void freed++);
    return freed;
  }
}

/** Stands at a member of a sorted set, which must not change meanwhile, and goes from one to the next. */
export class SortedSetCursor {
  /** The member at which it stands, as bytes. */
  readonly member: Element = new Element();
  score = 0;

  readonly #trees: Trees;
  readonly #score = new Element();
  /** In a listpack: where the member is; `bytes` of the key's entry. */
  #bytes: Uint8Array = new Uint8Array(0);
  #listpack = 0;
  #at = 0;
  #isTree = false;

  constructor(readonly sets: SortedSets) {
    this.#trees = new Trees(sets.heap.arena, SHAPE);
  }

  #begin(ref: number): void {
    const { entries } = this.sets.heap;
    this.#isTree = entries.hasBody(ref);
    if (this.#isTree) return;
    this.#bytes = entries.bytes(ref);
    this.#listpack = entries.valueStart(ref);
  }

  /** Goes to the member with a rank in ascending order; false if there is none. */
  toRank(ref: number, rank: number): boolean {
    this.#begin(ref);
    if (rank < 0 || rank >= this.sets.count(ref)) return false;
    if (this.#isTree) {
      this.#trees.seekPosition(this.sets.rootOf(ref), rank);
      return this.#readTree();
    }
    this.#at = elementAt(this.#bytes, this.#listpack, rank * 2);
    return this.#readListpack();
  }

  /** Goes to the first member with a score of at least `score`, or above it if that is excluded; false if there is none. */
  toScore(ref: number, score: number, isExcluded: boolean): boolean {
    this.#begin(ref);
    if (this.#isTree) {
      scoreToKey(score, this.#trees.key);
      return this.#trees.seek(this.sets.rootOf(ref), isExcluded ? BEHIND_TIES : BEFORE_TIES) && this.#readTree();
    }
    for (let isThere = this.#first(); isThere; isThere = this.next()) {
      if (isExcluded ? this.score > score : this.score >= score) return true;
    }
    return false;
  }

  /**
   * Goes to the first member that is not below the given bytes, or that is above them if they are excluded, where all
   * scores are the same, as ranges by bytes want it; false if there is none.
   */
  toMember(ref: number, bytes: Uint8Array, start: number, length: number, isExcluded: boolean): boolean {
    if (!this.toRank(ref, 0)) return false;
    if (this.#isTree) {
      const { sets } = this;
      scoreToKey(this.score, this.#trees.key);
      sets.setMember(bytes, start, length);
      const tie: Tie = isExcluded ? (entry) => sets.byMember(entry) || 1 : sets.byMember;
      return this.#trees.seek(sets.rootOf(ref), tie) && this.#readTree();
    }
    do {
      const { member } = this;
      const order = compareBytes(member.bytes, member.start, member.length, bytes, start, length);
      if (isExcluded ? order > 0 : order >= 0) return true;
    } while (this.next());
    return false;
  }

  /** Goes to the last member; false if there is none. */
  toLast(ref: number): boolean {
    return this.toRank(ref, this.sets.count(ref) - 1);
  }

  /** Rank of the member at which it stands, in ascending order. O(log n). */
  rank(): number {
    if (this.#isTree) return this.#trees.position();
    let rank = 0;
    for (let at = firstElement(this.#listpack); at !== this.#at; rank++) {
      at += entryBytes(this.#bytes, at);
      at += entryBytes(this.#bytes, at);
    }
    return rank;
  }

  /** Goes to the next member in ascending order; false if there is none. */
  next(): boolean {
    if (this.#isTree) return this.#trees.next() && this.#readTree();
    this.#at += entryBytes(this.#bytes, this.#at);
    this.#at += entryBytes(this.#bytes, this.#at);
    return this.#readListpack();
  }

  /** Goes to the member before; false if there is none. */
  previous(): boolean {
    if (this.#isTree) return this.#trees.previous() && this.#readTree();
    if (this.#at === firstElement(this.#listpack)) return false;
    this.#at = elementBefore(this.#bytes, elementBefore(this.#bytes, this.#at));
    return this.#readListpack();
  }

  #first(): boolean {
    this.#at = firstElement(this.#listpack);
    return this.#readListpack();
  }

  #readTree(): boolean {
    const { entries } = this.sets.heap;
    const entry = this.#trees.word(0);
    this.member.setString(entries.bytes(entry), entries.keyStart(entry), entries.keyLength(entry));
    this.score = this.sets.scoreOf(entry);
    return true;
  }

  #readListpack(): boolean {
    const bytes = this.#bytes;
    if (bytes[this.#at] === LISTPACK_END) return false;
    this.member.read(bytes, this.#at);
    this.member.toBytes();
    this.#score.read(bytes, this.#at + entryBytes(bytes, this.#at));
    this.score = scoreOfElement(this.#score);
    return true;
  }
}
