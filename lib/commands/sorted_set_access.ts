/** What the families of sorted set and geo commands share: how they come by a sorted set, and reply with its members. */

import { parseDouble } from "../bytes/doubles.ts";
import type { ReplyWriter } from "../resp/reply.ts";
import type { Request } from "../resp/request.ts";
import { TYPE_ZSET } from "../store/entry.ts";
import { SortedSetCursor } from "../store/types/sorted_set_cursor.ts";
import { perStore } from "./per_store.ts";
import { replyElement } from "./replies.ts";
import type { Session } from "./session.ts";
import { readTyped, writeTyped } from "./typed_keys.ts";

/** The cursor that serves all commands, one after the other. */
export const cursorOf = perStore((store) => new SortedSetCursor(store.sortedSets));

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

/** Replies with the member at which a cursor stands, and with its score if that is wanted, in RESP3 as a pair. */
export function replyMember(reply: ReplyWriter, cursor: SortedSetCursor, withScores: boolean): void {
  if (withScores && reply.protocol === 3) reply.array(2);
  replyElement(reply, cursor.member);
  if (withScores) reply.double(cursor.score);
}

/** Elements of a reply of `count` members, each with its score or not. */
export function replyLength(reply: ReplyWriter, count: number, withScores: boolean): number {
  return withScores && reply.protocol === 2 ? count * 2 : count;
}
