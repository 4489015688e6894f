/**
 * A place among the members of a sorted set, to go to by rank, by score or by bytes, and from there on from one to the next.
 * Used by commands, tests and whoever else wants members in order; elements in any order are `SortedSets.walk`'s.
 */

import { compareBytes } from "../../bytes/compare.ts";
import { Element, elementAt, elementBefore, entryBytes, firstElement, LISTPACK_END } from "../listpack.ts";
import type { Trees } from "../tree.ts";
import { BEFORE_TIES, BEHIND_TIES, type Tie } from "../tree_cursor.ts";
import { scoreOfElement, scoreToKey } from "./scores.ts";
import type { SortedSets } from "./sorted_sets.ts";

/** Members that are read ahead at a time. */
const READ_AHEAD = 16;

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
  /** Steps until members are read ahead again. */
  #steps = 0;
  /** Written so that what is read ahead has a use. */
  touched = 0;
  /** As `byMember`, but behind the member that equals it. */
  readonly #behindMember: Tie = (entry) => this.sets.bodies.byMember(entry) || 1;

  constructor(readonly sets: SortedSets) {
    this.#trees = sets.bodies.newTrees();
  }

  #begin(ref: number): void {
    const { entries } = this.sets.heap;
    this.#isTree = entries.hasBody(ref);
    this.#steps = 1;
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
      sets.bodies.setMember(bytes, start, length);
      return this.#trees.seek(sets.rootOf(ref), isExcluded ? this.#behindMember : sets.bodies.byMember) &&
        this.#readTree();
    }
    do {
      const { member } = this;
      const order = compareBytes(member.bytes, member.start, member.length, bytes, start, length);
      if (isExcluded ? order > 0 : order >= 0) return true;
    } while (this.next());
    return false;
  }

  /** Goes to the first member; false if there is none. */
  toFirst(ref: number): boolean {
    this.#begin(ref);
    if (!this.#isTree) return this.#first();
    this.#trees.seekPosition(this.sets.rootOf(ref), 0);
    return this.#trees.isAtItem && this.#readTree();
  }

  /** Goes to the last member; false if there is none. */
  toLast(ref: number): boolean {
    this.#begin(ref);
    if (this.#isTree) return this.#trees.seekLast(this.sets.rootOf(ref)) && this.#readTree();
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
    if (this.#isTree) {
      if (!this.#trees.next()) return false;
      if (--this.#steps === 0) this.#readAhead(true);
      return this.#readTree();
    }
    this.#at += entryBytes(this.#bytes, this.#at);
    this.#at += entryBytes(this.#bytes, this.#at);
    return this.#readListpack();
  }

  /** Goes to the member before; false if there is none. */
  previous(): boolean {
    if (this.#isTree) {
      if (!this.#trees.previous()) return false;
      if (--this.#steps === 0) this.#readAhead(false);
      return this.#readTree();
    }
    if (this.#at === firstElement(this.#listpack)) return false;
    this.#at = elementBefore(this.#bytes, elementBefore(this.#bytes, this.#at));
    return this.#readListpack();
  }

  /** Removes the member at which it stands, as `SortedSets.delete`; it stands nowhere afterwards. */
  remove(ref: number): void {
    const { sets } = this;
    if (this.#isTree) sets.bodies.deleteAt(sets.heap.entries.valueWord(ref), this.#trees);
    else sets.cutListpack(ref, this.#at, 1);
  }

  #first(): boolean {
    this.#at = firstElement(this.#listpack);
    return this.#readListpack();
  }

  /** Whoever has gone one step goes on, mostly. */
  #readAhead(isForward: boolean): void {
    this.#steps = READ_AHEAD;
    this.touched ^= this.#trees.readAhead(READ_AHEAD, isForward);
  }

  #readTree(): boolean {
    const { entries } = this.sets.heap;
    const entry = this.#trees.word(0);
    this.member.setString(entries.bytes(entry), entries.keyStart(entry), entries.keyLength(entry));
    this.score = this.sets.bodies.scoreOf(entry);
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
