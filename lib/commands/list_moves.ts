/**
 * Moves between lists, LMOVE and its kin; taking elements off the first of several lists, LMPOP; and the commands that do
 * either as soon as there is an element.
 */

import { copyBytes } from "../bytes/compare.ts";
import type { Request } from "../resp/request.ts";
import { TYPE_LIST } from "../store/entry.ts";
import { Element } from "../store/listpack.ts";
import type { End } from "../store/types/list_bodies.ts";
import { BLOCKING, type Command, command, DENYOOM, type Handler, WRITE } from "./command.ts";
import { SYNTAX_ERROR } from "./errors.ts";
import { EVENT_LIST } from "./events.ts";
import { type EndPops, popFirst, popFirstOrWait, popOneOrWait, type Waiter } from "./key_pops.ts";
import { ACCESS, DELETE, index, INSERT, keynum, keySpec, oneKey, range, RW } from "./key_specs.ts";
import { cursorOf, popEvent, pushEvent, replyEnd, replyFromEnd, takeOff, writeList } from "./list_access.ts";
import { allRemoved } from "./removal.ts";
import type { Session } from "./session.ts";
import { timeoutInSeconds } from "./timeouts.ts";
import { FAILED, MISSING } from "./typed_keys.ts";

/** Elements up to so many bytes are moved without memory of their own. */
const SMALL_BYTES = 512;

/** The element that is moved, and a copy of it: where it lay may be another's by the time that it is replied. */
const element = new Element();
const small = new Uint8Array(SMALL_BYTES);

/** `LEFT` or `RIGHT`; null for anything else. */
function endArgument(request: Request, at: number): End | null {
  if (request.is(at, "left")) return "head";
  return request.is(at, "right") ? "tail" : null;
}

// --- Moving -----------------------------------------------------------------------------------------------------------

/**
 * Moves an element of `source`, the list under argument 1, to the list under argument 2, which is made if it is missing; and
 * replies with it. Whether it could.
 */
function moveElement(session: Session, request: Request, source: number, from: End, to: End): boolean {
  const { bytes, starts, lengths } = request;
  const { host, database, reply } = session;
  const { lists } = host.store;
  const isSame = request.same(1, 2);
  const target = isSame ? source : writeList(session, request, 2);
  if (target === FAILED) return false;
  lists.peek(source, from, element);
  element.toBytes();
  const { length } = element;
  const moved = length <= SMALL_BYTES ? small : new Uint8Array(length);
  copyBytes(element.bytes, element.start, length, moved, 0);
  // What comes back to the same end has not moved. A listpack that is full stays one when it is turned: nothing is added to it.
  const isTurned = isSame && (from === to || lists.turn(source, from));
  if (!isTurned) {
    // What takes memory comes first: an element that cannot go must not have come to another list.
    lists.prepareToDrop(source, from);
    let ref = target;
    if (ref === MISSING) ref = lists.create(database, bytes, starts[2], lengths[2], 0);
    try {
      ref = lists.push(database, ref, to, moved, 0, length);
    } catch (error) {
      if (target === MISSING) database.remove(bytes, starts[2], lengths[2]);
      throw error;
    }
    if (isSame) source = ref;
  }
  reply.bulk(moved, 0, length);
  host.changes.changed(session, request, 2, EVENT_LIST, pushEvent(to));
  const total = lists.count(source);
  if (!isSame && total === 1) {
    allRemoved(session, request, 1, EVENT_LIST, popEvent(from), 0);
    return true;
  }
  if (!isTurned) {
    lists.drop(source, from);
    lists.trim(database, source);
  }
  host.changes.changed(session, request, 1, EVENT_LIST, popEvent(from), 0);
  return true;
}

function move(session: Session, request: Request, from: End, to: End): void {
  const ref = writeList(session, request);
  if (ref === MISSING) session.reply.nil();
  else if (ref !== FAILED) moveElement(session, request, ref, from, to);
}

/** `LMOVE source destination <LEFT | RIGHT> <LEFT | RIGHT>` */
function lmove(session: Session, request: Request): void {
  const from = endArgument(request, 3);
  const to = endArgument(request, 4);
  if (from === null || to === null) return session.reply.error(SYNTAX_ERROR);
  move(session, request, from, to);
}

/** `RPOPLPUSH source destination` */
function rpoplpush(session: Session, request: Request): void {
  move(session, request, "tail", "head");
}

/** Whether an element was moved; else the client waits for one, or has been told what is wrong. */
function moveOrWait(session: Waiter, request: Request, from: End, to: End, timeoutMs: number): boolean {
  const { reply } = session;
  const ref = writeList(session, request);
  if (ref === FAILED) return false;
  if (ref !== MISSING) return moveElement(session, request, ref, from, to);
  // Where nothing may wait, the reply is that there is no element; once the time is up, it is that of all that wait.
  let isWaiting = false;
  session.waitForKeys(request, 1, 1, TYPE_LIST, timeoutMs, () => isWaiting ? reply.nilArray() : reply.nil());
  isWaiting = true;
  return false;
}

/** `BLMOVE source destination <LEFT | RIGHT> <LEFT | RIGHT> timeout` */
function blmove(session: Waiter, request: Request): void {
  const from = endArgument(request, 3);
  const to = endArgument(request, 4);
  if (from === null || to === null) return session.reply.error(SYNTAX_ERROR);
  const timeoutMs = timeoutInSeconds(session, request, 5);
  if (timeoutMs === null || !moveOrWait(session, request, from, to, timeoutMs)) return;
  const builder = session.propagateAs(5)?.word("LMOVE");
  for (let i = 1; i < 5; i++) builder?.argument(request, i);
}

/** `BRPOPLPUSH source destination timeout` */
function brpoplpush(session: Waiter, request: Request): void {
  const timeoutMs = timeoutInSeconds(session, request, 3);
  if (timeoutMs === null || !moveOrWait(session, request, "tail", "head", timeoutMs)) return;
  session.propagateAs(3)?.word("RPOPLPUSH").argument(request, 1).argument(request, 2);
}

// --- Taking off the first of several lists ----------------------------------------------------------------------------

const LIST_POPS: EndPops<End> = {
  type: TYPE_LIST,
  parts: 1,
  endArgument,
  word: (end) => end === "head" ? "LPOP" : "RPOP",
  takeOne(session, request, keyIndex, ref, end) {
    replyEnd(session, ref, end);
    takeOff(session, request, keyIndex, ref, end, 1);
  },
  take(session, request, keyIndex, ref, end, count) {
    replyFromEnd(session.reply, cursorOf(session.host.store), ref, end, count);
    takeOff(session, request, keyIndex, ref, end, count);
  },
};

const LIST = { categories: ["list"] };
/** From one list, and to another. */
const MOVING = { ...LIST, keys: [oneKey(RW | ACCESS | DELETE), oneKey(RW | INSERT, 2)] };
const AWAITED = { ...LIST, keys: [keySpec(RW | ACCESS | DELETE, index(1), range(-2))] };

const blpop: Handler = (session, request) => popOneOrWait(session, request, LIST_POPS, "head");
const brpop: Handler = (session, request) => popOneOrWait(session, request, LIST_POPS, "tail");
const lmpop: Handler = (session, request) => popFirst(session, request, LIST_POPS);
const blmpop: Handler = (session, request) => popFirstOrWait(session, request, LIST_POPS);

export const LIST_MOVE_COMMANDS: readonly Command[] = [
  command("lmove", 5, WRITE | DENYOOM, lmove, MOVING),
  command("rpoplpush", 3, WRITE | DENYOOM, rpoplpush, MOVING),
  command("blpop", -3, WRITE | BLOCKING, blpop, AWAITED),
  command("brpop", -3, WRITE | BLOCKING, brpop, AWAITED),
  command("blmove", 6, WRITE | DENYOOM | BLOCKING, blmove, MOVING),
  command("brpoplpush", 4, WRITE | DENYOOM | BLOCKING, brpoplpush, MOVING),
  command("lmpop", -4, WRITE, lmpop, { ...LIST, keys: [keySpec(RW | ACCESS | DELETE, index(1), keynum())] }),
  command("blmpop", -5, WRITE | BLOCKING, blmpop, {
    ...LIST,
    keys: [keySpec(RW | ACCESS | DELETE, index(2), keynum())],
  }),
];
