/**
 * Lists: LPUSH, RPOP, LRANGE and their kin. Moves from one list to another, and commands that take elements off the first of
 * several lists or wait for one, are in list_moves.ts. How a list lies in the store is `store/types/lists.ts`'s; here are the
 * arguments, replies, events and what is propagated.
 *
 * Complexities: an end is O(1); an index is O(log n) for the way to its node, and the elements of one node.
 */

import { INT64_MAX, INT64_MIN } from "../bytes/integers.ts";
import type { Request } from "../resp/request.ts";
import { measureElement } from "../store/listpack.ts";
import type { End } from "../store/types/list_bodies.ts";
import type { ListCursor } from "../store/types/list_cursor.ts";
import { type Command, command, DENYOOM, FAST, type Handler, READONLY, WRITE } from "./command.ts";
import { INDEX_OUT_OF_RANGE, NO_SUCH_KEY, NOT_INTEGER, NOT_POSITIVE, SYNTAX_ERROR } from "./errors.ts";
import { EVENT_LIST } from "./events.ts";
import { exactInteger, integerArgument, integerFrom } from "./integer_argument.ts";
import {
  KEY_RO,
  KEY_RO_ACCESS,
  KEY_RW_ACCESS_DELETE,
  KEY_RW_DELETE,
  KEY_RW_INSERT,
  KEY_RW_UPDATE,
} from "./key_specs.ts";
import { cursorOf, pushEvent, readList, replyEnd, replyFromEnd, takeOff, writeList } from "./list_access.ts";
import { propagateBeginning } from "./partial_changes.ts";
import { allRemoved, dropIfEmpty } from "./removal.ts";
import { refuse, replyElement } from "./replies.ts";
import type { Session } from "./session.ts";
import { FAILED, MISSING } from "./typed_keys.ts";

const RANK_ZERO =
  "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list";
const RANK_OUT_OF_RANGE = `ERR value is out of range, value must between ${-INT64_MAX} and ${INT64_MAX}`;

// --- Adding -----------------------------------------------------------------------------------------------------------

/** Bytes that the arguments from 2 on have as elements of a listpack. */
function listpackRoom(request: Request): number {
  const { bytes, starts, lengths } = request;
  let room = 0;
  for (let i = 2; i < request.argc; i++) room += measureElement(bytes, starts[i], lengths[i]);
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
  const count = request.argc - 2;
  let total = 0;
  for (let i = 2; i < request.argc; i++) total += lengths[i];
  const isNew = ref === MISSING;
  let i = 2;
  try {
    if (isNew) {
      const room = lists.staysListpack(total, count) ? listpackRoom(request) : 0;
      ref = lists.create(database, bytes, starts[1], lengths[1], room);
    }
    if (count > 1) ref = lists.prepareToAdd(database, ref, total, count);
    for (; i < request.argc; i++) ref = lists.push(database, ref, end, bytes, starts[i], lengths[i]);
  } catch (error) {
    if (i > 2) pushedPartly(session, request, end, i);
    else if (isNew) dropIfEmpty(session, request, 1);
    throw error;
  }
  host.changes.changed(session, request, 1, EVENT_LIST, pushEvent(end), count);
  reply.integer(lists.count(ref));
}

/** There was no memory for the elements from argument `until` on: those before it are there, and go on to followers alone. */
function pushedPartly(session: Session, request: Request, end: End, until: number): void {
  session.host.changes.changed(session, request, 1, EVENT_LIST, pushEvent(end), until - 2);
  propagateBeginning(session, request, end === "head" ? "LPUSH" : "RPUSH", until);
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

/** `LPOP key [count]` and RPOP */
function pop(session: Session, request: Request, end: End): void {
  const { reply, host } = session;
  if (request.argc > 3) {
    return reply.error(`ERR wrong number of arguments for '${end === "head" ? "lpop" : "rpop"}' command`);
  }
  let count = 1;
  const hasCount = request.argc === 3;
  if (hasCount) {
    const given = integerFrom(session, request, 2, 0, NOT_POSITIVE);
    if (given === null) return;
    count = given;
  }
  const ref = writeList(session, request);
  if (ref === FAILED) return;
  if (ref === MISSING) return hasCount ? reply.nilArray() : reply.nil();
  if (!hasCount) {
    replyEnd(session, ref, end);
    return takeOff(session, request, 1, ref, end, 1);
  }
  if (count === 0) return reply.array(0);
  replyFromEnd(reply, cursorOf(host.store), ref, end, count);
  takeOff(session, request, 1, ref, end, Math.min(count, host.store.lists.count(ref)));
}

/** `LTRIM key start stop` */
function ltrim(session: Session, request: Request): void {
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
  if (first > last || first >= total) {
    allRemoved(session, request, 1, EVENT_LIST, "ltrim", total);
  } else {
    const behind = total - 1 - last;
    lists.prepareToDelete(ref, 0, first);
    lists.delete(ref, last + 1, behind);
    lists.delete(ref, 0, first);
    lists.trim(database, ref);
    host.changes.changed(session, request, 1, EVENT_LIST, "ltrim", first + behind);
  }
  reply.ok();
}

/** Room for more of LREM's indexes than these is not kept. */
const KEPT_FOUND = 1024;
/** Indexes of the elements that LREM has found. */
let found: number[] = [];

/**
 * Removes the elements that were found, in the order in which they were: should there be no memory for a compressed node on
 * the way, those before it are gone, and go out as the LREM of just so many.
 */
function removeFound(session: Session, request: Request, ref: number, backwards: boolean, count: number): void {
  const { lists } = session.host.store;
  let i = 0;
  try {
    for (; i < count; i++) lists.delete(ref, backwards ? found[i] : found[i] - i, 1);
  } catch (error) {
    if (i > 0) {
      session.host.changes.changed(session, request, 1, EVENT_LIST, "lrem", i);
      session.propagateAs(4)?.word("LREM").argument(request, 1).integer(backwards ? -i : i).argument(request, 3);
    }
    throw error;
  }
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
  let removed = 0;
  const cursor = cursorOf(host.store);
  let isThere = cursor.toIndex(ref, backwards ? lists.count(ref) - 1 : 0);
  for (; isThere && removed < wanted; isThere = backwards ? cursor.previous() : cursor.next()) {
    if (cursor.equals(bytes, starts[3], lengths[3])) found[removed++] = cursor.index;
  }
  if (removed === 0) return reply.integer(0);
  if (removed === lists.count(ref)) {
    allRemoved(session, request, 1, EVENT_LIST, "lrem", removed);
  } else {
    removeFound(session, request, ref, backwards, removed);
    lists.trim(database, ref);
    host.changes.changed(session, request, 1, EVENT_LIST, "lrem", removed);
  }
  if (found.length > KEPT_FOUND) found = [];
  reply.integer(removed);
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

const query: PositionQuery = { rank: 1, count: -1, mostCompared: 0 };

/** Reads `[RANK rank] [COUNT count] [MAXLEN len]`; null after having replied with an error. Good until the next. */
function positionQuery(session: Session, request: Request): PositionQuery | null {
  query.rank = 1;
  query.count = -1;
  query.mostCompared = 0;
  for (let i = 3; i < request.argc; i += 2) {
    if (i + 1 === request.argc) return refuse(session, SYNTAX_ERROR);
    if (request.is(i, "rank")) {
      const rank = exactInteger(request, i + 1);
      if (rank === null) return refuse(session, NOT_INTEGER);
      if (rank === 0) return refuse(session, RANK_ZERO);
      if (rank === INT64_MIN) return refuse(session, RANK_OUT_OF_RANGE);
      query.rank = Number(rank);
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

/** `LPOS key element [RANK rank] [COUNT num-matches] [MAXLEN len]` */
function lpos(session: Session, request: Request): void {
  const { bytes, starts, lengths } = request;
  const { reply, host } = session;
  const query = positionQuery(session, request);
  if (query === null) return;
  const ref = readList(session, request);
  if (ref === FAILED) return;
  const isArray = query.count >= 0;
  if (ref === MISSING) return isArray ? reply.array(0) : reply.nil();
  const cursor = cursorOf(host.store);
  const backwards = query.rank < 0;
  let toSkip = Math.abs(query.rank) - 1;
  let toCompare = query.mostCompared || Infinity;
  const most = query.count === 0 ? Infinity : Math.abs(query.count);
  const mark = reply.open();
  let count = 0;
  let isThere = cursor.toIndex(ref, backwards ? host.store.lists.count(ref) - 1 : 0);
  for (; isThere && toCompare > 0; isThere = backwards ? cursor.previous() : cursor.next(), toCompare--) {
    if (!cursor.equals(bytes, starts[2], lengths[2])) continue;
    if (toSkip-- > 0) continue;
    reply.integer(cursor.index);
    if (++count >= most) break;
  }
  if (isArray) reply.closeArray(mark, count);
  else if (count === 0) reply.nil();
}

const LIST = { categories: ["list"] };
const LIST_KEYS = { ...LIST, keys: KEY_RW_INSERT };

const lpush: Handler = (session, request) => push(session, request, "head", false);
const rpush: Handler = (session, request) => push(session, request, "tail", false);
const lpushx: Handler = (session, request) => push(session, request, "head", true);
const rpushx: Handler = (session, request) => push(session, request, "tail", true);
const lpop: Handler = (session, request) => pop(session, request, "head");
const rpop: Handler = (session, request) => pop(session, request, "tail");

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
];
