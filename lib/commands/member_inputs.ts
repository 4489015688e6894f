/**
 * Members of sorted sets and of sets alike, as the commands take them that put several together: a member of a set has the
 * score 1. Whatever may be an input is known here alone.
 */

import { TYPE_SET, TYPE_ZSET } from "../store/entry.ts";
import { Element } from "../store/listpack.ts";
import type { Store } from "../store/store.ts";
import { SetIterator } from "../store/types/set_iterator.ts";
import { SortedSetCursor } from "../store/types/sorted_set_cursor.ts";

const SCORE_IN_SET = 1;

/** Whether a value can be an input. */
export function isInput(store: Store, ref: number): boolean {
  const type = store.heap.entries.type(ref);
  return type === TYPE_ZSET || type === TYPE_SET;
}

/** Number of members of an input; of a missing one (0), none. */
export function inputCount(store: Store, ref: number): number {
  return ref === 0 ? 0 : store.heap.typeOf(ref).count(ref);
}

/** The score of a member in an input; NaN if it is not there. */
export function scoreInInput(store: Store, ref: number, member: Element): number {
  if (ref === 0) return NaN;
  const { heap, sets, sortedSets } = store;
  if (heap.entries.type(ref) === TYPE_SET) return sets.hasElement(ref, member) ? SCORE_IN_SET : NaN;
  member.toBytes();
  return sortedSets.find(ref, member.bytes, member.start, member.length) ? sortedSets.score : NaN;
}

/** Goes through the members of an input, in an order of its own; the input must not change meanwhile. */
export class InputIterator {
  /** The member to which `next` came, and its score. */
  readonly member: Element = new Element();
  score = 0;
  readonly #cursor: SortedSetCursor;
  readonly #iterator: SetIterator;
  #state: "done" | "set" | "first" | "sorted set" = "done";
  #ref = 0;

  constructor(readonly store: Store) {
    this.#cursor = new SortedSetCursor(store.sortedSets);
    this.#iterator = new SetIterator(store.sets);
  }

  /** Begins with an input; a missing one (0) has no members. */
  begin(ref: number): void {
    this.#ref = ref;
    if (ref === 0) {
      this.#state = "done";
    } else if (this.store.heap.entries.type(ref) === TYPE_SET) {
      this.#state = "set";
      this.#iterator.begin(ref);
    } else {
      this.#state = "first";
    }
  }

  /** Goes to the next member; false if there is none. */
  next(): boolean {
    if (this.#state === "done") return false;
    if (this.#state === "set") {
      if (!this.#iterator.next()) return false;
      this.#take(this.#iterator.member, SCORE_IN_SET);
      return true;
    }
    const isThere = this.#state === "first" ? this.#cursor.toRank(this.#ref, 0) : this.#cursor.next();
    this.#state = "sorted set";
    if (isThere) this.#take(this.#cursor.member, this.#cursor.score);
    return isThere;
  }

  #take(from: Element, score: number): void {
    from.toBytes();
    this.member.setString(from.bytes, from.start, from.length);
    this.score = score;
  }
}
