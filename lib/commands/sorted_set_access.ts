/** What the families of sorted set and geo commands share: how they come by a sorted set, and what follows a removal. */

import { parseDouble } from "../bytes/doubles.ts";
import type { ReplyWriter } from "../resp/reply.ts";
import type { Request } from "../resp/request.ts";
import { TYPE_ZSET } from "../store/entry.ts";
import type { Store } from "../store/store.ts";
import { SortedSetCursor } from "../store/types/sorted_set_cursor.ts";
import { EVENT_GENERIC, EVENT_ZSET } from "./events.ts";
import { replyElement } from "./replies.ts";
import type { Session } from "./session.ts";
import { readTyped, writeTyped } from "./typed_keys.ts";

let cursorOfStore: SortedSetCursor | null = null;

/** The cursor that serves all commands, one after the other. */
export function cursorOf(store: Store): SortedSetCursor {
  if (cursorOfStore?.sets !== store.sortedSets) cursorOfStore = new SortedSetCursor(store.sortedSets);
  return cursorOfStore;
}

/** The sorted set under an argument for reading: its ref, MISSING or FAILED. */
export function readSortedSet(session: Session, request: Request, index = 1): number {
  return readTyped(session, request, index, TYPE_ZSET);
}

/** The sorted set under an argument for changing: its ref, MISSING or FAILED. */
export function writeSortedSet(session: Session, request: Request, index = 1): number {
  return writeTyped(session, request, index, TYPE_ZSET);
}

/** A number, as scores and weights are; NaN where it is none. */
export function numberArgument(request: Request, at: number): number {
  return parseDouble(request.bytes, request.starts[at], request.lengths[at]);
}

/** Replies with the member at which a cursor stands. */
export function replyMember(reply: ReplyWriter, cursor: SortedSetCursor): void {
  replyElement(reply, cursor.member);
}

/** Replies with that member and its score, in RESP3 as a pair. */
export function replyScored(reply: ReplyWriter, cursor: SortedSetCursor): void {
  if (reply.protocol === 3) reply.array(2);
  replyElement(reply, cursor.member);
  reply.double(cursor.score);
}

/** Elements of a reply of `count` members, each with its score or not. */
export function replyLength(reply: ReplyWriter, count: number, withScores: boolean): number {
  return withScores && reply.protocol === 2 ? count * 2 : count;
}

/** Members were removed from the sorted set under an argument: the key goes with the last, and it is told. */
export function membersRemoved(
  session: Session,
  request: Request,
  keyIndex: number,
  ref: number,
  count: number,
  event: string,
): void {
  const { bytes, starts, lengths } = request;
  const { host, database } = session;
  const isEmptied = host.store.sortedSets.count(ref) === 0;
  if (isEmptied) database.remove(bytes, starts[keyIndex], lengths[keyIndex]);
  else host.store.sortedSets.trim(database, ref);
  host.changes.changed(session, request, keyIndex, EVENT_ZSET, event, count);
  if (isEmptied) {
    host.changes.publish(EVENT_GENERIC, "del", database, bytes, starts[keyIndex], lengths[keyIndex]);
  }
}
