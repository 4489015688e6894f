/** What the families of list commands share: how they come by a list, and how elements are taken off its ends. */

import type { ReplyWriter } from "../resp/reply.ts";
import type { Request } from "../resp/request.ts";
import { TYPE_LIST } from "../store/entry.ts";
import { Element } from "../store/listpack.ts";
import type { End } from "../store/types/list_bodies.ts";
import { ListCursor } from "../store/types/list_cursor.ts";
import { EVENT_LIST } from "./events.ts";
import { perStore } from "./per_store.ts";
import { allRemoved } from "./removal.ts";
import { replyElement } from "./replies.ts";
import type { Session } from "./session.ts";
import { readTyped, writeTyped } from "./typed_keys.ts";

/** The element that the command under way has found. */
const element = new Element();

/** The cursor that serves all commands, one after the other. */
export const cursorOf = perStore((store) => new ListCursor(store.lists));

/** The list under an argument for reading: its ref, MISSING or FAILED. */
export function readList(session: Session, request: Request, index = 1): number {
  return readTyped(session, request, index, TYPE_LIST);
}

/** The list under an argument for changing: its ref, MISSING or FAILED. */
export function writeList(session: Session, request: Request, index = 1): number {
  return writeTyped(session, request, index, TYPE_LIST);
}

/** The event of an element that comes at an end. */
export function pushEvent(end: End): string {
  return end === "head" ? "lpush" : "rpush";
}

/** The event of an element that is taken off an end. */
export function popEvent(end: End): string {
  return end === "head" ? "lpop" : "rpop";
}

/** Replies with the element at an end of a list. */
export function replyEnd({ reply, host }: Session, ref: number, end: End): void {
  host.store.lists.peek(ref, end, element);
  replyElement(reply, element);
}

/** Replies with an array of elements from an end inwards. */
export function replyFromEnd(reply: ReplyWriter, cursor: ListCursor, ref: number, end: End, count: number): void {
  const total = cursor.lists.count(ref);
  const length = Math.min(count, total);
  reply.array(length);
  let isThere = length > 0 && cursor.toIndex(ref, end === "head" ? 0 : total - 1);
  for (let left = length; isThere && left > 0; left--) {
    replyElement(reply, cursor.element);
    isThere = left > 1 && (end === "head" ? cursor.next() : cursor.previous());
  }
}

/** Takes elements that were dealt with off an end; the key goes with the last. Tells of it. */
export function takeOff(
  session: Session,
  request: Request,
  keyIndex: number,
  ref: number,
  end: End,
  count: number,
): void {
  const { host, database } = session;
  const { lists } = host.store;
  const total = lists.count(ref);
  if (count >= total) return allRemoved(session, request, keyIndex, EVENT_LIST, popEvent(end), count);
  if (count === 1) lists.drop(ref, end);
  else lists.delete(ref, end === "head" ? 0 : total - count, count);
  lists.trim(database, ref);
  host.changes.changed(session, request, keyIndex, EVENT_LIST, popEvent(end), count);
}
