/**
 * Lists: LPUSH, RPOP, LRANGE and their kin, and those that wait for an element. How a list lies in the store is
 * `store/types/lists.ts`'s; here are the arguments, replies, events and what is propagated.
 *
 * Complexities: an end is O(1); an index is O(log n) for the way to its node, and the elements of one node.
 */

import type { ReplyWriter } from "../resp/reply.ts";
import type { Request } from "../resp/request.ts";
import { TYPE_LIST } from "../store/entry.ts";
import { Element, measureElement } from "../store/listpack.ts";
import type { Store } from "../store/store.ts";
import { type End, ListCursor } from "../store/types/lists.ts";
import type { KeyWaiter } from "./client_facets.ts";
import { BLOCKING, type Command, command, DENYOOM, FAST, type Handler, NOSCRIPT, READONLY, WRITE } from "./command.ts";
import { INDEX_OUT_OF_RANGE, NO_SUCH_KEY, SYNTAX_ERROR } from "./errors.ts";
import { EVENT_GENERIC, EVENT_LIST } from "./events.ts";
import {
  ACCESS,
  DELETE,
  index,
  INSERT,
  KEY_RO,
  KEY_RO_ACCESS,
  KEY_RW_ACCESS_DELETE,
  KEY_RW_DELETE,
  KEY_RW_INSERT,
  KEY_RW_UPDATE,
  keynum,
  keySpec,
  oneKey,
  range,
  RW,
} from "./key_specs.ts";
import { integerArgument, integerFrom } from "./integer_argument.ts";
import { replyElement } from "./replies.ts";
import type { Session } from "./session.ts";
import { FAILED, MISSING, readTyped, writeTyped } from "./typed_keys.ts";
import { timeoutArgument } from "./waiting.ts";

/** The one 64-bit integer of which the negative is none. */
const INT64_LEAST = "-9223372036854775808";
const RANK_OUT_OF_RANGE = "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807";

/** Whom commands run for that wait for keys. */
type Waiter = Session & KeyWaiter;

/** The element that the command under way has found. */
const element = new Element();

let cursorOfStore: ListCursor | null = null;

/** The cursor that serves all commands, one after the other. */
function cursorOf(store: Store): ListCursor {
  if (cursorOfStore?.lists !== store.lists) cursorOfStore = new ListCursor(store.lists);
  return cursorOfStore;
}

function readList(session: Session, request: Request): number {
  return readTyped(session, request, 1, TYPE_LIST);
}

function writeList(session: Session, request: Request): number {
  return writeTyped(session, request, 1, TYPE_LIST);
}

/** `LEFT` or `RIGHT`; null for anything else. */
function endArgument(request: Request, at: number): End | null {
  if (request.is(at, "left")) return "head";
  return request.is(at, "right") ? "tail" : null;
}

// --- Adding -----------------------------------------------------------------------------------------------------------

/** Bytes that arguments have as elements of a listpack. */
function listpackRoom(request: Request, from: number): number {
  const { bytes, starts, lengths } = request;
  let room = 0;
  for (let i = from; i < request.argc; i++) room += measureElement(bytes, starts[i], lengths[i]);
  return room;
}

/** `LPUSH key element [element …]`, RPUSH, LPUSHX, RPUSHX */
function push(session: Session, request: Request, end: End, onlyIfThere: boolean): void {
  const { bytes, starts, lengths } = request;
  const { host, database, reply } = session;
  const { lists } = host.store;
  let ref = writeList(session, request);
  if (ref === FAILED) return;
  if (ref === MISSING && onlyIfThere) return reply.integer(0);
  let total = 0;
  for (let i = 2; i < request.argc; i++) total += lengths[i];
  const isNew = ref === MISSING;
  let i = 2;
  try {
    if (isNew) {
      ref = lists.create(
        database,
        bytes,
        starts[1],
        lengths[1],
        lists.staysListpack(total, request.argc - 2) ? listpackRoom(request, 2) : 0,
      );
    }
    ref = lists.prepareToAdd(database, ref, total, request.argc - 2);
    for (; i < request.argc; i++) ref = lists.push(database, ref, end, bytes, starts[i], lengths[i]);
  } catch (error) {
    if (i > 2) pushedPartly(session, request, end, i);
    else if (isNew && database.peek(bytes, starts[1], lengths[1]) !== 0) database.remove(bytes, starts[1], lengths[1]);
    throw error;
  }
  const count = request.argc - 2;
  host.changes.changed(session, request, 1, EVENT_LIST, end === "head" ? "lpush" : "rpush", count);
  reply.integer(lists.count(ref));
}

/** There was no memory for the elements from argument `until` on: those before it are there, and go on to followers alone. */
function pushedPartly(session: Session, request: Request, end: End, until: number): void {
  session.host.changes.changed(session, request, 1, EVENT_LIST, end === "head" ? "lpush" : "rpush", until - 2);
  const builder = session.propagateAs(until)?.word(end === "head" ? "LPUSH" : "RPUSH");
  for (let i = 1; i < until; i++) builder?.argument(request, i);
}

/** `LINSERT key <BEFORE | AFTER> pivot element` */
function linsert(session: Session, request: Request): void {
  const { bytes, starts, lengths } = request;
  const { host, database, reply } = session;
  const { lists } = host.store;
  const isAfter = request.is(2, "after");
  if (!isAfter && !request.is(2, "before")) return reply.error(SYNTAX_ERROR);
  const ref = writeList(session, request);
  if (ref === FAILED) return;
  if (ref === MISSING) return reply.integer(0);
  const at = find(cursorOf(host.store), ref, bytes, starts[3], lengths[3]);
  if (at < 0) return reply.integer(-1);
  const changed = lists.insert(database, ref, isAfter ? at + 1 : at, bytes, starts[4], lengths[4]);
  host.changes.changed(session, request, 1, EVENT_LIST, "linsert");
  reply.integer(lists.count(changed));
}

/** The index of the first element with these bytes; -1 if there is none. */
function find(cursor: ListCursor, ref: number, bytes: Uint8Array, start: number, length: number): number {
  for (let isThere = cursor.toIndex(ref, 0); isThere; isThere = cursor.next()) {
    if (cursor.equals(bytes, start, length)) return cursor.index;
  }
  return -1;
}

/** `LSET key index element` */
function lset(session: Session, request: Request): void {
  const { bytes, starts, lengths } = request;
  const { host, database, reply } = session;
  const { lists } = host.store;
  const ref = writeList(session, request);
  if (ref === FAILED) return;
  if (ref === MISSING) return reply.error(NO_SUCH_KEY);
  const at = integerArgument(session, request, 2);
  if (at === null) return;
  const count = lists.count(ref);
  const place = at < 0 ? at + count : at;
  if (place < 0 || place >= count) return reply.error(INDEX_OUT_OF_RANGE);
  lists.trim(database, lists.set(database, ref, place, bytes, starts[3], lengths[3]));
  host.changes.changed(session, request, 1, EVENT_LIST, "lset");
  reply.ok();
}

// --- Taking -----------------------------------------------------------------------------------------------------------

/** Takes elements that were dealt with off an end; the key goes with the last. Tells of it. */
function takeOff(session: Session, request: Request, keyIndex: number, ref: number, end: End, count: number): void {
  const { host, database } = session;
  const { lists } = host.store;
  const total = lists.count(ref);
  const { bytes, starts, lengths } = request;
  if (count >= total) {
    database.remove(bytes, starts[keyIndex], lengths[keyIndex]);
  } else {
    lists.delete(ref, end === "head" ? 0 : total - count, count);
    lists.trim(database, ref);
  }
  host.changes.changed(session, request, keyIndex, EVENT_LIST, end === "head" ? "lpop" : "rpop", count);
  if (count >= total) {
    host.changes.publish(EVENT_GENERIC, "del", database, bytes, starts[keyIndex], lengths[keyIndex]);
  }
}

/** Replies with elements from an end inwards. */
function replyFromEnd(reply: ReplyWriter, cursor: ListCursor, ref: number, end: End, count: number): void {
  const total = cursor.lists.count(ref);
  const length = Math.min(count, total);
  reply.array(length);
  let isThere = length > 0 && cursor.toIndex(ref, end === "head" ? 0 : total - 1);
  for (let left = length; isThere && left > 0; left--) {
    replyElement(reply, cursor.element);
    isThere = left > 1 && (end === "head" ? cursor.next() : cursor.previous());
  }
}

/** `LPOP key [count]` and RPOP */
function pop(session: Session, request: Request, end: End): void {
  const { reply, host } = session;
  if (request.argc > 3) {
    return reply.error(`ERR wrong number of arguments for '${end === "head" ? "lpop" : "rpop"}' command`);
  }
  let count = 1;
  const hasCount = request.argc === 3;
  if (hasCount) {
    const given = integerFrom(session, request, 2, 0, "ERR value is out of range, must be positive");
    if (given === null) return;
    count = given;
  }
  const ref = writeList(session, request);
  if (ref === FAILED) return;
  if (ref === MISSING) return hasCount ? reply.nilArray() : reply.nil();
  if (!hasCount) {
    host.store.lists.peek(ref, end, element);
    replyElement(reply, element);
    return takeOff(session, request, 1, ref, end, 1);
  }
  if (count === 0) return reply.array(0);
  replyFromEnd(reply, cursorOf(host.store), ref, end, count);
  takeOff(session, request, 1, ref, end, Math.min(count, host.store.lists.count(ref)));
}

/** `LTRIM key start stop` */
function ltrim(session: Session, request: Request): void {
  const { bytes, starts, lengths } = request;
  const { host, database, reply } = session;
  const { lists } = host.store;
  const start = integerArgument(session, request, 2);
  const stop = start === null ? null : integerArgument(session, request, 3);
  if (start === null || stop === null) return;
  const ref = writeList(session, request);
  if (ref === FAILED) return;
  if (ref === MISSING) return reply.ok();
  const total = lists.count(ref);
  const first = Math.max(0, start < 0 ? start + total : start);
  const last = Math.min(total - 1, stop < 0 ? stop + total : stop);
  const isEmptied = first > last || first >= total;
  let removed = total;
  if (isEmptied) {
    database.remove(bytes, starts[1], lengths[1]);
  } else {
    removed = first + total - 1 - last;
    lists.delete(ref, last + 1, total - 1 - last);
    lists.delete(ref, 0, first);
    lists.trim(database, ref);
  }
  host.changes.changed(session, request, 1, EVENT_LIST, "ltrim", removed);
  if (isEmptied) host.changes.publish(EVENT_GENERIC, "del", database, bytes, starts[1], lengths[1]);
  reply.ok();
}

/** `LREM key count element` */
function lrem(session: Session, request: Request): void {
  const { bytes, starts, lengths } = request;
  const { host, database, reply } = session;
  const { lists } = host.store;
  const count = integerArgument(session, request, 2);
  if (count === null) return;
  const ref = writeList(session, request);
  if (ref === FAILED) return;
  if (ref === MISSING) return reply.integer(0);
  const wanted = count === 0 ? Infinity : Math.abs(count);
  const backwards = count < 0;
  const found: number[] = [];
  const cursor = cursorOf(host.store);
  let isThere = cursor.toIndex(ref, backwards ? lists.count(ref) - 1 : 0);
  for (; isThere && found.length < wanted; isThere = backwards ? cursor.previous() : cursor.next()) {
    if (cursor.equals(bytes, starts[3], lengths[3])) found.push(cursor.index);
  }
  if (found.length === 0) return reply.integer(0);
  if (!backwards) found.reverse();
  const isEmptied = found.length === lists.count(ref);
  if (isEmptied) {
    database.remove(bytes, starts[1], lengths[1]);
  } else {
    for (const at of found) lists.delete(ref, at, 1); // from the end on, so that the others stay where they are
    lists.trim(database, ref);
  }
  host.changes.changed(session, request, 1, EVENT_LIST, "lrem", found.length);
  if (isEmptied) host.changes.publish(EVENT_GENERIC, "del", database, bytes, starts[1], lengths[1]);
  reply.integer(found.length);
}

// --- Reading ----------------------------------------------------------------------------------------------------------

/** `LLEN key` */
function llen(session: Session, request: Request): void {
  const ref = readList(session, request);
  if (ref === FAILED) return;
  session.reply.integer(ref === MISSING ? 0 : session.host.store.lists.count(ref));
}

/** `LINDEX key index` */
function lindex(session: Session, request: Request): void {
  const { reply, host } = session;
  const ref = readList(session, request);
  if (ref === FAILED) return;
  if (ref === MISSING) return reply.nil();
  const at = integerArgument(session, request, 2);
  if (at === null) return;
  const cursor = cursorOf(host.store);
  if (!cursor.toIndex(ref, at < 0 ? at + host.store.lists.count(ref) : at)) return reply.nil();
  replyElement(reply, cursor.element);
}

/** `LRANGE key start stop` */
function lrange(session: Session, request: Request): void {
  const { reply, host } = session;
  const start = integerArgument(session, request, 2);
  const stop = start === null ? null : integerArgument(session, request, 3);
  if (start === null || stop === null) return;
  const ref = readList(session, request);
  if (ref === FAILED) return;
  if (ref === MISSING) return reply.array(0);
  const total = host.store.lists.count(ref);
  const first = Math.max(0, start < 0 ? start + total : start);
  const last = Math.min(total - 1, stop < 0 ? stop + total : stop);
  if (first > last) return reply.array(0);
  const cursor = cursorOf(host.store);
  reply.array(last - first + 1);
  cursor.toIndex(ref, first);
  replyElement(reply, cursor.element);
  for (let left = last - first; left > 0 && cursor.next(); left--) replyElement(reply, cursor.element);
}

/** What LPOS was asked. */
interface PositionQuery {
  rank: number;
  /** Most matches; -1: the first only, and not as an array. */
  count: number;
  /** Most elements that are compared; 0: all. */
  mostCompared: number;
}

/** Reads `[RANK rank] [COUNT count] [MAXLEN len]`; null after having replied with an error. */
function positionQuery(session: Session, request: Request): PositionQuery | null {
  const query: PositionQuery = { rank: 1, count: -1, mostCompared: 0 };
  for (let i = 3; i < request.argc; i += 2) {
    if (i + 1 === request.argc) return refuse(session, SYNTAX_ERROR);
    if (request.is(i, "rank")) {
      const rank = integerArgument(session, request, i + 1);
      if (rank === null) return null;
      if (rank === 0) {
        return refuse(
          session,
          "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list",
        );
      }
      if (request.text(i + 1) === INT64_LEAST) return refuse(session, RANK_OUT_OF_RANGE);
      query.rank = rank;
    } else if (request.is(i, "count")) {
      const count = integerFrom(session, request, i + 1, 0, "ERR COUNT can't be negative");
      if (count === null) return null;
      query.count = count;
    } else if (request.is(i, "maxlen")) {
      const most = integerFrom(session, request, i + 1, 0, "ERR MAXLEN can't be negative");
      if (most === null) return null;
      query.mostCompared = most;
    } else {
      return refuse(session, SYNTAX_ERROR);
    }
  }
  return query;
}

function refuse(session: Session, error: string): null {
  session.reply.error(error);
  return null;
}

/** `LPOS key element [RANK rank] [COUNT num-matches] [MAXLEN len]` */
function lpos(session: Session, request: Request): void {
  const { bytes, starts, lengths } = request;
  const { reply, host } = session;
  const query = positionQuery(session, request);
  if (query === null) return;
  const ref = readList(session, request);
  if (ref === FAILED) return;
  if (ref === MISSING) return query.count < 0 ? reply.nil() : reply.array(0);
  const cursor = cursorOf(host.store);
  const backwards = query.rank < 0;
  let toSkip = Math.abs(query.rank) - 1;
  let toCompare = query.mostCompared || Infinity;
  const most = query.count === 0 ? Infinity : Math.abs(query.count);
  const found: number[] = [];
  let isThere = cursor.toIndex(ref, backwards ? host.store.lists.count(ref) - 1 : 0);
  for (; isThere && toCompare > 0; isThere = backwards ? cursor.previous() : cursor.next(), toCompare--) {
    if (!cursor.equals(bytes, starts[2], lengths[2])) continue;
    if (toSkip-- > 0) continue;
    found.push(cursor.index);
    if (found.length >= most) break;
  }
  if (query.count < 0) return found.length === 0 ? reply.nil() : reply.integer(found[0]);
  reply.array(found.length);
  for (const at of found) reply.integer(at);
}

// --- Moving -----------------------------------------------------------------------------------------------------------

/**
 * Moves an element from the list under argument 1, which is not empty, to that under argument 2, made if it is missing; and
 * replies with it.
 */
function moveElement(session: Session, request: Request, from: End, to: End): void {
  const { bytes, starts, lengths } = request;
  const { host, database, reply } = session;
  const { lists } = host.store;
  const target = writeTyped(session, request, 2, TYPE_LIST);
  if (target === FAILED) return;
  let source = database.write(bytes, starts[1], lengths[1]);
  lists.peek(source, from, element);
  element.toBytes();
  const moved = element.bytes.slice(element.start, element.start + element.length);
  const isSame = request.same(1, 2);
  // A listpack that is full stays one when it is turned: nothing is added to it.
  const isTurned = isSame && lists.turn(source, from, to);
  if (!isTurned) {
    const ref = target === MISSING ? lists.create(database, bytes, starts[2], lengths[2], 0) : target;
    try {
      lists.push(database, ref, to, moved, 0, moved.length);
    } catch (error) {
      if (target === MISSING) database.remove(bytes, starts[2], lengths[2]);
      throw error;
    }
  }
  reply.bulk(moved, 0, moved.length);
  // What was added may have moved the list's block, and stands at an end of the same list.
  source = database.peek(bytes, starts[1], lengths[1]);
  const total = lists.count(source);
  const isEmptied = !isSame && total === 1;
  if (isEmptied) {
    database.remove(bytes, starts[1], lengths[1]);
  } else if (!isTurned) {
    const shifted = isSame && to === from ? 1 : 0;
    lists.delete(source, from === "head" ? shifted : total - 1 - shifted, 1);
    lists.trim(database, source);
  }
  host.changes.changed(session, request, 2, EVENT_LIST, to === "head" ? "lpush" : "rpush");
  host.changes.changed(session, request, 1, EVENT_LIST, from === "head" ? "lpop" : "rpop", 0);
  if (isEmptied) host.changes.publish(EVENT_GENERIC, "del", database, bytes, starts[1], lengths[1]);
}

/** `LMOVE source destination <LEFT | RIGHT> <LEFT | RIGHT>` */
function lmove(session: Session, request: Request): void {
  const from = endArgument(request, 3);
  const to = endArgument(request, 4);
  if (from === null || to === null) return session.reply.error(SYNTAX_ERROR);
  const ref = writeList(session, request);
  if (ref === FAILED) return;
  if (ref === MISSING) return session.reply.nil();
  moveElement(session, request, from, to);
}

/** `RPOPLPUSH source destination` */
function rpoplpush(session: Session, request: Request): void {
  const ref = writeList(session, request);
  if (ref === FAILED) return;
  if (ref === MISSING) return session.reply.nil();
  moveElement(session, request, "tail", "head");
}

// --- Waiting ----------------------------------------------------------------------------------------------------------

/** `BLPOP key [key …] timeout` and BRPOP */
function blockingPop(session: Waiter, request: Request, end: End): void {
  const { bytes, starts, lengths } = request;
  const { host, reply } = session;
  const { lists } = host.store;
  const last = request.argc - 1;
  const timeoutMs = timeoutArgument(session, request, last);
  if (timeoutMs === null) return;
  for (let i = 1; i < last; i++) {
    const ref = writeTyped(session, request, i, TYPE_LIST);
    if (ref === FAILED) return;
    if (ref === MISSING) continue;
    reply.array(2);
    reply.bulk(bytes, starts[i], lengths[i]);
    lists.peek(ref, end, element);
    replyElement(reply, element);
    takeOff(session, request, i, ref, end, 1);
    session.propagateAs(2)?.word(end === "head" ? "LPOP" : "RPOP").argument(request, i);
    return;
  }
  session.waitForKeys(request, 1, last - 1, TYPE_LIST, timeoutMs, () => reply.nilArray());
}

/** `BLMOVE source destination <LEFT | RIGHT> <LEFT | RIGHT> timeout` */
function blmove(session: Waiter, request: Request): void {
  const from = endArgument(request, 3);
  const to = endArgument(request, 4);
  if (from === null || to === null) return session.reply.error(SYNTAX_ERROR);
  const timeoutMs = timeoutArgument(session, request, 5);
  if (timeoutMs === null) return;
  moveOrWait(session, request, from, to, timeoutMs);
}

/** `BRPOPLPUSH source destination timeout` */
function brpoplpush(session: Waiter, request: Request): void {
  const timeoutMs = timeoutArgument(session, request, 3);
  if (timeoutMs === null) return;
  moveOrWait(session, request, "tail", "head", timeoutMs);
}

function moveOrWait(session: Waiter, request: Request, from: End, to: End, timeoutMs: number): void {
  const { reply, host } = session;
  const ref = writeList(session, request);
  if (ref === FAILED) return;
  if (ref === MISSING) {
    // Where nothing may wait, the reply is that there is no element; once the time is up, it is that of all that wait.
    let isWaiting = false;
    session.waitForKeys(request, 1, 1, TYPE_LIST, timeoutMs, () => isWaiting ? reply.nilArray() : reply.nil());
    isWaiting = true;
    return;
  }
  const before = host.changes.made;
  moveElement(session, request, from, to);
  if (host.changes.made === before) return;
  const builder = session.propagateAs(5)?.word("LMOVE").argument(request, 1).argument(request, 2);
  builder?.word(from === "head" ? "LEFT" : "RIGHT").word(to === "head" ? "LEFT" : "RIGHT");
}

/** What LMPOP and BLMPOP were asked. */
interface MultiplePop {
  readonly firstKey: number;
  readonly keys: number;
  readonly end: End;
  readonly count: number;
}

/** Reads `numkeys key [key …] <LEFT | RIGHT> [COUNT count]` from an argument on; null after having replied with an error. */
function multiplePop(session: Session, request: Request, at: number): MultiplePop | null {
  const keys = integerFrom(session, request, at, 1, "ERR numkeys should be greater than 0");
  if (keys === null) return null;
  const whereAt = at + keys + 1;
  if (whereAt >= request.argc) return refuse(session, SYNTAX_ERROR);
  const end = endArgument(request, whereAt);
  if (end === null) return refuse(session, SYNTAX_ERROR);
  let count = 1;
  let isGiven = false;
  for (let i = whereAt + 1; i < request.argc; i += 2) {
    if (isGiven || !request.is(i, "count") || i + 1 === request.argc) return refuse(session, SYNTAX_ERROR);
    const given = integerFrom(session, request, i + 1, 1, "ERR count should be greater than 0");
    if (given === null) return null;
    count = given;
    isGiven = true;
  }
  return { firstKey: at + 1, keys, end, count };
}

/** Takes elements of the first list that has some; false if none has, or after having replied with an error. */
function popFirst(session: Session, request: Request, asked: MultiplePop): "popped" | "failed" | "empty" {
  const { bytes, starts, lengths } = request;
  const { host, reply } = session;
  const { end } = asked;
  for (let i = asked.firstKey; i < asked.firstKey + asked.keys; i++) {
    const ref = writeTyped(session, request, i, TYPE_LIST);
    if (ref === FAILED) return "failed";
    if (ref === MISSING) continue;
    const count = Math.min(asked.count, host.store.lists.count(ref));
    reply.array(2);
    reply.bulk(bytes, starts[i], lengths[i]);
    replyFromEnd(reply, cursorOf(host.store), ref, end, count);
    takeOff(session, request, i, ref, end, count);
    session.propagateAs(3)?.word(end === "head" ? "LPOP" : "RPOP").argument(request, i).integer(count);
    return "popped";
  }
  return "empty";
}

/** `LMPOP numkeys key [key …] <LEFT | RIGHT> [COUNT count]` */
function lmpop(session: Session, request: Request): void {
  const asked = multiplePop(session, request, 1);
  if (asked !== null && popFirst(session, request, asked) === "empty") session.reply.nilArray();
}

/** `BLMPOP timeout numkeys key [key …] <LEFT | RIGHT> [COUNT count]` */
function blmpop(session: Waiter, request: Request): void {
  const asked = multiplePop(session, request, 2);
  if (asked === null) return;
  const timeoutMs = timeoutArgument(session, request, 1);
  if (timeoutMs === null || popFirst(session, request, asked) !== "empty") return;
  session.waitForKeys(request, asked.firstKey, asked.keys, TYPE_LIST, timeoutMs, () => session.reply.nilArray());
}

const LIST = { categories: ["list"] };
const LIST_KEYS = { ...LIST, keys: KEY_RW_INSERT };
/** From one list, and to another. */
const MOVING = { ...LIST, keys: [oneKey(RW | ACCESS | DELETE), oneKey(RW | INSERT, 2)] };

const lpush: Handler = (session, request) => push(session, request, "head", false);
const rpush: Handler = (session, request) => push(session, request, "tail", false);
const lpushx: Handler = (session, request) => push(session, request, "head", true);
const rpushx: Handler = (session, request) => push(session, request, "tail", true);
const lpop: Handler = (session, request) => pop(session, request, "head");
const rpop: Handler = (session, request) => pop(session, request, "tail");
const blpop: Handler = (session, request) => blockingPop(session, request, "head");
const brpop: Handler = (session, request) => blockingPop(session, request, "tail");

export const LIST_COMMANDS: readonly Command[] = [
  command("lpush", -3, WRITE | DENYOOM | FAST, lpush, LIST_KEYS),
  command("rpush", -3, WRITE | DENYOOM | FAST, rpush, LIST_KEYS),
  command("lpushx", -3, WRITE | DENYOOM | FAST, lpushx, LIST_KEYS),
  command("rpushx", -3, WRITE | DENYOOM | FAST, rpushx, LIST_KEYS),
  command("linsert", 5, WRITE | DENYOOM, linsert, LIST_KEYS),
  command("lset", 4, WRITE | DENYOOM, lset, { ...LIST, keys: KEY_RW_UPDATE }),
  command("lpop", -2, WRITE | FAST, lpop, { ...LIST, keys: KEY_RW_ACCESS_DELETE }),
  command("rpop", -2, WRITE | FAST, rpop, { ...LIST, keys: KEY_RW_ACCESS_DELETE }),
  command("ltrim", 4, WRITE, ltrim, { ...LIST, keys: KEY_RW_DELETE }),
  command("lrem", 4, WRITE, lrem, { ...LIST, keys: KEY_RW_DELETE }),
  command("llen", 2, READONLY | FAST, llen, { ...LIST, keys: KEY_RO }),
  command("lindex", 3, READONLY, lindex, { ...LIST, keys: KEY_RO_ACCESS }),
  command("lrange", 4, READONLY, lrange, { ...LIST, keys: KEY_RO_ACCESS }),
  command("lpos", -3, READONLY, lpos, { ...LIST, keys: KEY_RO_ACCESS }),
  command("lmove", 5, WRITE | DENYOOM, lmove, MOVING),
  command("rpoplpush", 3, WRITE | DENYOOM, rpoplpush, MOVING),
  command("blpop", -3, WRITE | NOSCRIPT | BLOCKING, blpop, {
    ...LIST,
    keys: [keySpec(RW | ACCESS | DELETE, index(1), range(-2))],
  }),
  command("brpop", -3, WRITE | NOSCRIPT | BLOCKING, brpop, {
    ...LIST,
    keys: [keySpec(RW | ACCESS | DELETE, index(1), range(-2))],
  }),
  command("blmove", 6, WRITE | DENYOOM | NOSCRIPT | BLOCKING, blmove, MOVING),
  command("brpoplpush", 4, WRITE | DENYOOM | NOSCRIPT | BLOCKING, brpoplpush, MOVING),
  command("lmpop", -4, WRITE, lmpop, { ...LIST, keys: [keySpec(RW | ACCESS | DELETE, index(1), keynum())] }),
  command("blmpop", -5, WRITE | BLOCKING, blmpop, {
    ...LIST,
    keys: [keySpec(RW | ACCESS | DELETE, index(2), keynum())],
  }),
];
