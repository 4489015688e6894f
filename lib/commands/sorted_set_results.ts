/**
 * Sorted sets that are the result of a command: put together under no key (`LoneValues`), out of members that may be of the
 * very key whose place they take, and then replied, or moved under that key. So a result is there as a whole, or memory has
 * run out and nothing has changed.
 */

import type { Request } from "../resp/request.ts";
import type { Element } from "../store/listpack.ts";
import type { Store } from "../store/store.ts";
import { LoneValues } from "../store/types/lone_values.ts";
import type { SortedSets } from "../store/types/sorted_sets.ts";
import { EVENT_GENERIC, EVENT_ZSET } from "./events.ts";
import type { Session } from "./session.ts";

const NO_BYTES = new Uint8Array(0);

export class SortedSetResult {
  readonly sets: SortedSets;
  readonly #home: LoneValues;
  /** The ref of the sorted set, as long as it stands alone. */
  ref: number;

  constructor(store: Store) {
    this.sets = store.sortedSets;
    this.#home = new LoneValues(store.heap);
    this.ref = this.sets.create(this.#home, NO_BYTES, 0, 0, 0);
  }

  get count(): number {
    return this.sets.count(this.ref);
  }

  /** The score of a member; NaN if it is not there. */
  scoreOf(member: Element): number {
    member.toBytes();
    return this.sets.find(this.ref, member.bytes, member.start, member.length) ? this.sets.score : NaN;
  }

  /** Gives a member, which is not the result's own, a score. */
  set(member: Element, score: number): void {
    member.toBytes();
    this.setBytes(member.bytes, member.start, member.length, score);
  }

  setBytes(bytes: Uint8Array, start: number, length: number, score: number): void {
    this.ref = this.sets.set(this.#home, this.ref, bytes, start, length, score);
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

/** There is nothing to be stored under the key in an argument: what is there is removed. */
export function removeTarget(session: Session, request: Request, keyIndex: number): void {
  const { database, host } = session;
  if (!database.remove(request.bytes, request.starts[keyIndex], request.lengths[keyIndex])) return;
  host.changes.changed(session, request, keyIndex, EVENT_GENERIC, "del");
}
