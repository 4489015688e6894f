/**
 * The sorted set value: members, each once, in the order of their scores, and of their bytes where scores are equal. Small
 * ones are a listpack of members and scores inline in the key's entry; beyond `maxListpackEntries` members or
 * `maxListpackValue` bytes of one, for good, a body: a table of members and a tree of them (sorted_set_bodies.ts). Redis
 * calls that a skiplist, and so does OBJECT ENCODING. Called by the sorted set and geo commands, persistence, COPY and DEBUG.
 *
 * A sorted set is known by the ref of its key's entry. What changes it takes the ref that `Database.write` or `create`
 * gave and, where its block may move, returns the ref to go on with. Members are found in O(1), ranks and places in the
 * order in O(log n); in a listpack all is O(n), whose n is small.
 */

import { compareBytes } from "../../bytes/compare.ts";
import { hashBytes } from "../../bytes/hash.ts";
import { ENCODING_LISTPACK, ENCODING_SKIPLIST, NO_EXPIRY, TYPE_ZSET, type UnixMs } from "../entry.ts";
import type { Heap } from "../heap.ts";
import {
  addToCount,
  Element,
  elementAt,
  EMPTY_LISTPACK_BYTES,
  entryBytes,
  findElement,
  firstElement,
  LISTPACK_END,
  LISTPACK_ENTRY_OVERHEAD,
  listpackCount,
  measureElement,
  setListpackBytes,
  splice,
  writeElement,
  writeEmptyListpack,
} from "../listpack.ts";
import { becomeBody, MAX_INLINE_BYTES, putBody, putBytes, putEmptyListpack, trimInline } from "./entry_values.ts";
import type { ScoredMembers } from "./scored_members.ts";
import { measureScore, preciseScoreText, scoreOfElement, writeMeasuredScore } from "./scores.ts";
import { ADDED, CHANGED, SortedSetBodies } from "./sorted_set_bodies.ts";
import type { ElementSink, ValueHome, ValueType } from "./value_type.ts";

/** Writes sorted members as a listpack of so many bytes. */
function writeSorted(to: Uint8Array, listpack: number, length: number, members: ScoredMembers): void {
  const { count, order, bytes, starts, lengths, scores } = members;
  writeEmptyListpack(to, listpack);
  setListpackBytes(to, listpack, length);
  addToCount(to, listpack, 2 * count);
  let at = firstElement(listpack);
  for (let i = 0; i < count; i++) {
    const member = order[i];
    at = writeElement(to, at, bytes, starts[member], lengths[member]);
    measureScore(scores[member]);
    at = writeMeasuredScore(to, at);
  }
  to[at] = LISTPACK_END;
}

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
  readonly bodies: SortedSetBodies;
  readonly #element = new Element();
  readonly #scoreElement = new Element();
  readonly #refs: number[] = [];

  constructor(readonly heap: Heap) {
    this.bodies = new SortedSetBodies(heap);
  }

  /** Puts an empty sorted set under a key, in place of what is there; `reserve` more bytes of listpack will not move it. */
  create(database: ValueHome, key: Uint8Array, start: number, length: number, reserve: number): number {
    return putEmptyListpack(this.heap, database, TYPE_ZSET, key, start, length, reserve);
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
    expiry: UnixMs,
  ): number {
    const ref = putBytes(
      this.heap,
      database,
      TYPE_ZSET,
      ENCODING_LISTPACK,
      key,
      keyStart,
      keyLength,
      listpack,
      start,
      length,
      expiry,
    );
    return this.count(ref) > this.maxListpackEntries ? this.convert(database, ref) : ref;
  }

  /**
   * Puts a sorted set of members that are sorted under a key, in place of what is there; returns its ref. There must be one at
   * least. O(n) for a listpack, O(n log n) for a body. Where there is no memory for it, nothing has changed.
   */
  createSorted(database: ValueHome, key: Uint8Array, start: number, length: number, members: ScoredMembers): number {
    const { heap } = this;
    const { entries } = heap;
    const bytes = members.count <= this.maxListpackEntries && members.longest <= this.maxListpackValue
      ? this.#measureSorted(members)
      : Infinity;
    if (bytes > MAX_INLINE_BYTES) {
      const body = this.bodies.createSorted(members);
      return putBody(heap, database, TYPE_ZSET, ENCODING_SKIPLIST, key, start, length, body);
    }
    const ref = database.put(key, start, length, TYPE_ZSET, ENCODING_LISTPACK, bytes, NO_EXPIRY);
    writeSorted(entries.bytes(ref), entries.valueStart(ref), bytes, members);
    return ref;
  }

  /** Bytes of the listpack that members become. */
  #measureSorted({ count, bytes, starts, lengths, scores }: ScoredMembers): number {
    let total = EMPTY_LISTPACK_BYTES;
    for (let i = 0; i < count; i++) total += measureElement(bytes, starts[i], lengths[i]) + measureScore(scores[i]);
    return total;
  }

  /** Number of members. O(1). */
  count(ref: number): number {
    const { entries, tables } = this.heap;
    if (entries.hasBody(ref)) return tables.count(this.memberTable(ref));
    return listpackCount(entries.bytes(ref), entries.valueStart(ref)) >>> 1;
  }

  /** Finds a member, and sets `score`; false if it is not there. */
  find(ref: number, member: Uint8Array, start: number, length: number): boolean {
    const { entries } = this.heap;
    if (entries.hasBody(ref)) {
      const found = this.bodies.find(entries.valueWord(ref), member, start, length);
      if (found === 0) return false;
      this.score = this.bodies.scoreOf(found);
      return true;
    }
    const bytes = entries.bytes(ref);
    const at = findElement(bytes, entries.valueStart(ref), 2, member, start, length);
    if (at < 0) return false;
    this.#scoreElement.read(bytes, at + entryBytes(bytes, at));
    this.score = scoreOfElement(this.#scoreElement);
    return true;
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
      if (!this.#takesMore(ref, length)) {
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
    const before = entryBytes(bytes, scoreAt);
    const removed = scoreAt - found + before;
    const more = measureScore(score) - before;
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

  #setInBody(body: number, member: Uint8Array, start: number, length: number, score: number): void {
    const done = this.bodies.set(body, member, start, length, score);
    this.added = done === ADDED;
    this.changed = done === CHANGED;
  }

  /** Whether a member of so many bytes may be added to a listpack: not if that would exceed the limits. */
  #takesMore(ref: number, length: number): boolean {
    const { entries } = this.heap;
    if (length > this.maxListpackValue) return false;
    const inlineLength = entries.valueWord(ref);
    return inlineLength + length + 3 * LISTPACK_ENTRY_OVERHEAD + 24 <= MAX_INLINE_BYTES &&
      (listpackCount(entries.bytes(ref), entries.valueStart(ref)) >>> 1) < this.maxListpackEntries;
  }

  #insertInListpack(
    database: ValueHome,
    ref: number,
    member: Uint8Array,
    start: number,
    length: number,
    score: number,
  ): number {
    const place = this.#placeInListpack(ref, score, member, start, length) - this.heap.entries.valueStart(ref);
    return this.#insertAt(database, ref, place, member, start, length, score);
  }

  /** Inserts a member with its score at an offset of a listpack. */
  #insertAt(
    home: ValueHome,
    ref: number,
    place: number,
    member: Uint8Array,
    start: number,
    length: number,
    score: number,
  ): number {
    const { entries } = this.heap;
    const added = measureElement(member, start, length) + measureScore(score);
    ref = home.resizeValue(ref, entries.valueWord(ref) + added);
    const bytes = entries.bytes(ref);
    const listpack = entries.valueStart(ref);
    splice(bytes, listpack, listpack + place, 0, added);
    const at = writeElement(bytes, listpack + place, member, start, length);
    measureScore(score);
    writeMeasuredScore(bytes, at);
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

  /**
   * Removes a member; whether it was there. The block does not move: call `trim` when done, or remove the key if `count` is
   * 0, for a sorted set without members must not stay.
   */
  delete(ref: number, member: Uint8Array, start: number, length: number): boolean {
    const { entries } = this.heap;
    if (entries.hasBody(ref)) return this.bodies.delete(entries.valueWord(ref), member, start, length);
    const bytes = entries.bytes(ref);
    const at = findElement(bytes, entries.valueStart(ref), 2, member, start, length);
    if (at < 0) return false;
    this.cutListpack(ref, at, 1);
    return true;
  }

  /** Removes `count` members from a rank on, which must be there; the block does not move. O(count log n). */
  deleteRanks(ref: number, rank: number, count: number): void {
    const { entries } = this.heap;
    if (count <= 0) return;
    if (entries.hasBody(ref)) return this.bodies.deleteRanks(entries.valueWord(ref), rank, count);
    this.cutListpack(ref, elementAt(entries.bytes(ref), entries.valueStart(ref), rank * 2), count);
  }

  /** Takes `count` members out of a listpack, from an offset on. */
  cutListpack(ref: number, at: number, count: number): void {
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
    return trimInline(this.heap, database, ref);
  }

  /** The rank of a member in ascending order, or -1 if it is not there. Sets `score`. */
  rank(ref: number, member: Uint8Array, start: number, length: number): number {
    const { entries } = this.heap;
    if (entries.hasBody(ref)) {
      const body = entries.valueWord(ref);
      const entry = this.bodies.find(body, member, start, length);
      if (entry === 0) return -1;
      this.score = this.bodies.scoreOf(entry);
      return this.bodies.rankOf(body, entry);
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
    const body = this.bodies.create();
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
        this.bodies.add(body, hash, element.bytes, element.start, element.length, score);
        at = scoreAt + entryBytes(bytes, scoreAt);
      }
    } catch (error) {
      this.bodies.free(body);
      throw error;
    }
    return becomeBody(this.heap, database, ref, ENCODING_SKIPLIST, body);
  }

  // --- As a value -----------------------------------------------------------------------------------------------------

  /** The root of the tree of a sorted set that has a body. */
  rootOf(ref: number): number {
    return this.bodies.root(this.heap.entries.valueWord(ref));
  }

  memberTable(ref: number): number {
    const { entries } = this.heap;
    return entries.hasBody(ref) ? this.bodies.table(entries.valueWord(ref)) : 0;
  }

  /** The table of members of a body. */
  tableOf(body: number): number {
    return this.bodies.table(body);
  }

  freeBody(body: number): void {
    this.bodies.free(body);
  }

  copyBody(body: number): number {
    return this.bodies.copy(body);
  }

  bodyBytes(body: number, samples: number): number {
    return this.bodies.memoryBytes(body, samples);
  }

  /** Scores come with 17 digits, as Redis's digests have them. */
  walk(ref: number, cursor: number, limit: number, sink: ElementSink): number {
    const { entries, tables } = this.heap;
    const member = this.#element;
    if (entries.hasBody(ref)) {
      const next = tables.scan(this.memberTable(ref), cursor, limit, this.#refs);
      for (const entry of this.#refs) {
        member.setString(entries.bytes(entry), entries.keyStart(entry), entries.keyLength(entry));
        this.#hand(sink, this.bodies.scoreOf(entry));
      }
      return next;
    }
    const bytes = entries.bytes(ref);
    const start = entries.valueStart(ref);
    let at = cursor === 0 ? firstElement(start) : start + cursor;
    for (; bytes[at] !== LISTPACK_END && limit > 0; limit--) {
      const scoreAt = at + entryBytes(bytes, at);
      member.read(bytes, at);
      this.#scoreElement.read(bytes, scoreAt);
      at = scoreAt + entryBytes(bytes, scoreAt);
      this.#hand(sink, scoreOfElement(this.#scoreElement));
    }
    return bytes[at] === LISTPACK_END ? 0 : at - start;
  }

  /** Hands the member that was read to a sink, with a score. */
  #hand(sink: ElementSink, score: number): void {
    const text = preciseScoreText(score);
    this.#scoreElement.setString(text, 0, text.length);
    sink(this.#element, this.#scoreElement);
  }

  relocateBody(ref: number, cursor: number): number {
    return this.bodies.relocate(ref, cursor);
  }
}
