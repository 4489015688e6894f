/**
 * Sorted sets that are the result of a command: gathered outside of the arena (`ScoredMembers`), out of members that may be
 * of the very key whose place they take, and then replied, or put under that key. So a result is there as a whole, or memory
 * has run out and nothing has changed.
 */

import type { ReplyWriter } from "../resp/reply.ts";
import type { Request } from "../resp/request.ts";
import type { Element } from "../store/listpack.ts";
import { ScoredMembers } from "../store/types/scored_members.ts";
import { EVENT_ZSET } from "./events.ts";
import { removeTarget } from "./removal.ts";
import type { Session } from "./session.ts";
import { replyLength } from "./sorted_set_access.ts";

/** A result: whoever fills it releases it before the command ends. */
export class SortedSetResult {
  readonly #members = new ScoredMembers();

  get count(): number {
    return this.#members.count;
  }

  /** Adds a member that is known not to be there. */
  add(member: Element, score: number): void {
    member.toBytes();
    this.#members.add(member.bytes, member.start, member.length, score);
  }

  /** The same for a member that is given by its bytes. */
  addBytes(bytes: Uint8Array, start: number, length: number, score: number): void {
    this.#members.add(bytes, start, length, score);
  }

  /**
   * The place of a member, which is added, with NaN for a score, where it is not there. Other members must come this way, too.
   */
  place(member: Element): number {
    member.toBytes();
    return this.#members.place(member.bytes, member.start, member.length);
  }

  /** The score at a place. */
  scoreAt(place: number): number {
    return this.#members.scores[place];
  }

  setScoreAt(place: number, score: number): void {
    this.#members.scores[place] = score;
  }

  /** Replies with all members in their order, with their scores or not. */
  reply(reply: ReplyWriter, withScores: boolean): void {
    this.#members.sort();
    const { count, order, bytes, starts, lengths, scores } = this.#members;
    reply.array(replyLength(reply, count, withScores));
    for (let i = 0; i < count && !reply.isCut; i++) {
      const member = order[i];
      if (withScores && reply.protocol === 3) reply.array(2);
      reply.bulk(bytes, starts[member], lengths[member]);
      if (withScores) reply.double(scores[member]);
    }
  }

  /**
   * Puts the result under the key in an argument, in place of what is there, or removes that where the result is empty;
   * tells of it, and replies with the number of members.
   */
  store(session: Session, request: Request, keyIndex: number, event: string, changes = 1): void {
    const { bytes, starts, lengths } = request;
    const { database, host, reply } = session;
    const members = this.#members;
    if (members.count > 0) {
      members.sort();
      host.store.sortedSets.createSorted(database, bytes, starts[keyIndex], lengths[keyIndex], members);
      host.changes.changed(session, request, keyIndex, EVENT_ZSET, event, changes);
    } else {
      removeTarget(session, request, keyIndex);
    }
    reply.integer(members.count);
  }

  /** Forgets all. */
  release(): void {
    this.#members.clear();
  }
}

/** The result of the command under way: there is one at a time. */
export const sortedSetResult: SortedSetResult = new SortedSetResult();
