/**
 * Sorted sets that are the result of a command: put together under no key (`LoneValues`), out of members that may be of the
 * very key whose place they take, and then replied, or moved under that key. So a result is there as a whole, or memory has
 * run out and nothing has changed.
 */

import type { Request } from "../resp/request.ts";
import type { Element } from "../store/listpack.ts";
import type { Store } from "../store/store.ts";
import { LoneValues } from "../store/types/lone_values.ts";
import type { SortedSetCursor } from "../store/types/sorted_set_cursor.ts";
import type { SortedSets } from "../store/types/sorted_sets.ts";
import { EVENT_ZSET } from "./events.ts";
import { removeTarget } from "./removal.ts";
import type { Session } from "./session.ts";
import { cursorOf } from "./sorted_set_access.ts";

/** Bytes of listpack for a score, and for what a member and a score need besides: mostly enough. */
const SCORE_ROOM = 12;
/** Up to so many members are put together faster in a listpack, though each of them is looked for from its beginning. */
const FEW = 32;
/** Bytes of listpack taken at first. */
const FIRST_ROOM = 100;
const NO_BYTES = new Uint8Array(0);

export class SortedSetResult {
  readonly sets: SortedSets;
  readonly #home: LoneValues;
  readonly #cursor: SortedSetCursor;
  /** The ref of the sorted set, as long as it stands alone. */
  ref: number;
  /** Bytes of the longest member. */
  #longest = 0;
  readonly #keepsMinusZero: boolean;
  /** Whether all members have come by `add`, each with a higher score than the one before, and the last score. */
  #isAscending = true;
  #last = -Infinity;

  /**
   * A result of at most so many members; Infinity where that is not known, or they come in order (`add`). One of many is a
   * body from the beginning. Any other becomes one when it has to, and for a score of -0 too unless `most` is Infinity, as in
   * Redis.
   */
  constructor(store: Store, most: number) {
    this.sets = store.sortedSets;
    this.#home = new LoneValues(store.heap);
    this.#cursor = cursorOf(store);
    this.#keepsMinusZero = most !== Infinity;
    const isLarge = most !== Infinity && most > Math.min(FEW, this.sets.maxListpackEntries);
    this.ref = this.sets.create(this.#home, NO_BYTES, 0, 0, isLarge ? 0 : FIRST_ROOM);
    if (isLarge) this.#toBody();
  }

  /** Makes it a body. */
  #toBody(): void {
    try {
      this.ref = this.sets.convert(this.#home, this.ref);
    } catch (error) {
      this.release();
      throw error;
    }
  }

  /** Makes a body a listpack, where the limits allow it. */
  #pack(): void {
    const { sets } = this;
    const { entries } = sets.heap;
    const { count } = this;
    const isSmall = count <= sets.maxListpackEntries && this.#longest <= sets.maxListpackValue;
    if (!isSmall || !entries.hasBody(this.ref)) return;
    const cursor = this.#cursor;
    let packed = sets.create(this.#home, NO_BYTES, 0, 0, count * (this.#longest + SCORE_ROOM));
    try {
      for (let isThere = cursor.toRank(this.ref, 0); isThere; isThere = cursor.next()) {
        const { member, score } = cursor;
        packed = sets.append(this.#home, packed, member.bytes, member.start, member.length, score);
      }
    } catch (error) {
      sets.heap.release(packed);
      throw error;
    }
    sets.heap.release(this.ref);
    this.ref = packed;
  }

  get count(): number {
    return this.sets.count(this.ref);
  }

  /** The score of a member; NaN if it is not there. */
  scoreOf(member: Element): number {
    member.toBytes();
    return this.sets.find(this.ref, member.bytes, member.start, member.length) ? this.sets.score : NaN;
  }

  delete(member: Element): void {
    member.toBytes();
    this.sets.delete(this.ref, member.bytes, member.start, member.length);
  }

  /** Gives a member, which is not the result's own, a score. */
  set(member: Element, score: number): void {
    member.toBytes();
    this.setBytes(member.bytes, member.start, member.length, score);
  }

  setBytes(bytes: Uint8Array, start: number, length: number, score: number): void {
    this.#isAscending = false;
    if (length > this.#longest) this.#longest = length;
    // A listpack has no -0, but what is made of several inputs has, as long as it is not stored.
    if (this.#keepsMinusZero && Object.is(score, -0)) this.#toBody();
    this.ref = this.sets.set(this.#home, this.ref, bytes, start, length, score);
  }

  /** The same for a member that is known not to be there: where all came in order until now, at the end. */
  add(member: Element, score: number): void {
    const { sets } = this;
    member.toBytes();
    const { bytes, start, length } = member;
    const isBehind = this.#isAscending && score > this.#last;
    if (!isBehind || Object.is(score, -0) || !sets.takesAppend(this.ref, length)) {
      return this.setBytes(bytes, start, length, score);
    }
    if (length > this.#longest) this.#longest = length;
    this.#last = score;
    this.ref = sets.append(this.#home, this.ref, bytes, start, length, score);
  }

  /**
   * Moves the result under the key in an argument, in place of what is there, or removes that where the result is empty;
   * tells of it, and replies with the number of members.
   */
  store(session: Session, request: Request, keyIndex: number, event: string, changes = 1): void {
    const { bytes, starts, lengths } = request;
    const { database, host, reply } = session;
    const { count } = this;
    if (count > 0) {
      this.#pack();
      this.#home.moveTo(database, bytes, starts[keyIndex], lengths[keyIndex], this.ref);
      this.ref = 0;
      host.changes.changed(session, request, keyIndex, EVENT_ZSET, event, changes);
    } else {
      removeTarget(session, request, keyIndex);
    }
    reply.integer(count);
  }

  /** Frees it, if it was not moved. */
  release(): void {
    if (this.ref !== 0) this.sets.heap.release(this.ref);
    this.ref = 0;
  }
}
