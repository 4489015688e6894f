/**
 * Sorted sets: ZADD, ZREM, ZSCORE, ZRANK, ZRANDMEMBER, ZSCAN and their kin. Ranges are in sorted_set_ranges.ts, what is taken
 * off the ends in sorted_set_pops.ts, and what several give together in sorted_set_algebra.ts. How a sorted set lies in the store is `store/types/sorted_sets.ts`'s.
 *
 * Complexities are per member: O(1) to find one, O(log n) to change one or to tell its rank; O(n) in a listpack, whose n
 * is small.
 */

import { formatDouble, formatPrecise } from "../bytes/doubles.ts";
import { INT64_MAX, INT64_MIN, parseInt64 } from "../bytes/integers.ts";
import type { ReplyWriter } from "../resp/reply.ts";
import type { Request } from "../resp/request.ts";
import { random } from "../runtime/random.ts";
import { Element } from "../store/listpack.ts";
import type { SortedSetCursor } from "../store/types/sorted_set_cursor.ts";
import { type Command, command, DENYOOM, FAST, type Handler, READONLY, WRITE } from "./command.ts";
import { NOT_FLOAT, NOT_INTEGER, SYNTAX_ERROR } from "./errors.ts";
import { EVENT_ZSET } from "./events.ts";
import { KEY_RO, KEY_RO_ACCESS, KEY_RW_ACCESS_UPDATE, KEY_RW_DELETE, KEY_RW_UPDATE } from "./key_specs.ts";
import { replyElement } from "./replies.ts";
import { parseCursor, ScanOptions } from "./scanning.ts";
import type { Session } from "./session.ts";
import {
  cursorOf,
  membersRemoved,
  numberArgument,
  readSortedSet,
  replyLength,
  replyMember,
  replyScored,
  writeSortedSet,
} from "./sorted_set_access.ts";
import { FAILED, MISSING } from "./typed_keys.ts";

const NOT_A_NUMBER = "ERR resulting score is not a number (NaN)";
/** More members than these are not drawn one by one: a Set of them has its limits. */
const MAX_DRAWN = 2 ** 20;
/** Bytes of listpack taken for a member's score beforehand. */
const SCORE_BYTES = 4;
const ENTRY_BYTES = 2;

// --- Adding -----------------------------------------------------------------------------------------------------------

// How ZADD deals with members that are there, or not, as bits of a mode.
const ONLY_NEW = 1 << 0;
const ONLY_THERE = 1 << 1;
const ONLY_GREATER = 1 << 2;
const ONLY_LESS = 1 << 3;
const COUNTS_CHANGED = 1 << 4;
const INCREMENTS = 1 << 5;

/** What became of a member. */
const UNTOUCHED = 0;
const ADDED = 1;
const CHANGED = 2;
const SAME = 3;
const NAN = 4;

/** The ref of the sorted set that `addMember` has changed, and the score that the member has. */
let changedRef = 0;
let newScore = 0;

/** Gives a member a score as the mode says; what became of it. */
function addMember(
  session: Session,
  ref: number,
  mode: number,
  bytes: Uint8Array,
  start: number,
  length: number,
  score: number,
): number {
  const { sortedSets } = session.host.store;
  changedRef = ref;
  newScore = score;
  if ((mode & ~COUNTS_CHANGED) === 0) {
    changedRef = sortedSets.set(session.database, ref, bytes, start, length, score);
    if (sortedSets.added) return ADDED;
    return sortedSets.changed ? CHANGED : SAME;
  }
  const isThere = sortedSets.find(ref, bytes, start, length);
  if (!isThere) {
    if ((mode & ONLY_THERE) !== 0) return UNTOUCHED;
  } else {
    const { score: old } = sortedSets;
    if ((mode & ONLY_NEW) !== 0) return UNTOUCHED;
    if ((mode & INCREMENTS) !== 0) newScore = old + score;
    if (Number.isNaN(newScore)) return NAN;
    if ((mode & ONLY_GREATER) !== 0 && newScore <= old) return UNTOUCHED;
    if ((mode & ONLY_LESS) !== 0 && newScore >= old) return UNTOUCHED;
    if (newScore === old) return SAME;
  }
  changedRef = sortedSets.set(session.database, ref, bytes, start, length, newScore);
  return isThere ? CHANGED : ADDED;
}

/** The options that ZADD was given, and where the scores begin. */
let mode = 0;
let scoresFrom = 0;

/** Reads ZADD's options into `mode`; false after having replied with an error. */
function readOptions(session: Session, request: Request): boolean {
  let at = 2;
  mode = 0;
  for (; at < request.argc; at++) {
    if (request.is(at, "nx")) mode |= ONLY_NEW;
    else if (request.is(at, "xx")) mode |= ONLY_THERE;
    else if (request.is(at, "gt")) mode |= ONLY_GREATER;
    else if (request.is(at, "lt")) mode |= ONLY_LESS;
    else if (request.is(at, "ch")) mode |= COUNTS_CHANGED;
    else if (request.is(at, "incr")) mode |= INCREMENTS;
    else break;
  }
  scoresFrom = at;
  const left = request.argc - at;
  let error: string | null = null;
  if (left === 0 || left % 2 === 1) {
    error = SYNTAX_ERROR;
  } else if ((mode & ONLY_NEW) !== 0 && (mode & ONLY_THERE) !== 0) {
    error = "ERR XX and NX options at the same time are not compatible";
  } else if (exclusive(mode & (ONLY_NEW | ONLY_GREATER | ONLY_LESS))) {
    error = "ERR GT, LT, and/or NX options at the same time are not compatible";
  } else if ((mode & INCREMENTS) !== 0 && left > 2) {
    error = "ERR INCR option supports a single increment-element pair";
  }
  if (error !== null) session.reply.error(error);
  return error === null;
}

/** Whether more than one of the options are given, of which only one may be. */
function exclusive(options: number): boolean {
  return (options & (options - 1)) !== 0;
}

/** `ZADD key [NX | XX] [GT | LT] [CH] [INCR] score member [score member …]` */
function zadd(session: Session, request: Request): void {
  // Mostly there are no options, which begin with letters.
  const first = request.bytes[request.starts[2]] | 0x20;
  if (first >= 0x61 && first <= 0x7a) {
    if (readOptions(session, request)) addMembers(session, request, mode, scoresFrom);
  } else if (request.argc % 2 === 1) {
    session.reply.error(SYNTAX_ERROR);
  } else {
    addMembers(session, request, 0, 2);
  }
}

/** `ZINCRBY key increment member` */
function zincrby(session: Session, request: Request): void {
  addMembers(session, request, INCREMENTS, 2);
}

function addMembers(session: Session, request: Request, mode: number, from: number): void {
  const { bytes, starts, lengths } = request;
  const { host, database, reply } = session;
  const { sortedSets } = host.store;
  const pairs = (request.argc - from) >>> 1;
  if (pairs > 1) {
    // All scores are looked at before anything changes.
    for (let i = from; i < request.argc; i += 2) {
      if (Number.isNaN(numberArgument(request, i))) return reply.error(NOT_FLOAT);
    }
  }
  let score = numberArgument(request, from);
  if (Number.isNaN(score)) return reply.error(NOT_FLOAT);
  let ref = writeSortedSet(session, request);
  if (ref === FAILED) return;
  const isNew = ref === MISSING;
  const increments = (mode & INCREMENTS) !== 0;
  if (isNew && (mode & ONLY_THERE) !== 0) return increments ? reply.nil() : reply.integer(0);
  let added = 0;
  let changed = 0;
  let outcome = UNTOUCHED;
  let i = from;
  try {
    if (isNew) {
      const room = listpackRoom(session, request, from);
      ref = sortedSets.create(database, bytes, starts[1], lengths[1], room);
    }
    if (pairs > sortedSets.maxListpackEntries) ref = sortedSets.convert(database, ref);
    for (; i < request.argc; i += 2) {
      if (i > from) score = numberArgument(request, i);
      outcome = addMember(session, ref, mode, bytes, starts[i + 1], lengths[i + 1], score);
      ref = changedRef;
      if (outcome === ADDED) added++;
      else if (outcome === CHANGED) changed++;
    }
  } catch (error) {
    if (i > from) addedPartly(session, request, i, added + changed);
    else if (isNew) dropIfEmpty(session, request);
    throw error;
  }
  if (outcome === NAN) return reply.error(NOT_A_NUMBER);
  if (increments) {
    if (outcome === UNTOUCHED) reply.nil();
    else reply.double(newScore);
  } else {
    reply.integer((mode & COUNTS_CHANGED) !== 0 ? added + changed : added);
  }
  if (added + changed > 0) {
    host.changes.changed(session, request, 1, EVENT_ZSET, increments ? "zincr" : "zadd", added + changed);
  }
}

/** Bytes of the listpack that the members make; 0 where they make none. */
function listpackRoom(session: Session, request: Request, from: number): number {
  const { sortedSets } = session.host.store;
  let room = 0;
  for (let i = from + 1; i < request.argc; i += 2) {
    if (request.lengths[i] > sortedSets.maxListpackValue) return 0;
    room += request.lengths[i] + SCORE_BYTES + 2 * ENTRY_BYTES;
  }
  return (request.argc - from) >>> 1 > sortedSets.maxListpackEntries ? 0 : room;
}

/** There was no memory for the members from argument `until` on: those before it are there, and go on alone. */
function addedPartly(session: Session, request: Request, until: number, count: number): void {
  if (count === 0) return;
  session.host.changes.changed(session, request, 1, EVENT_ZSET, "zadd", count);
  const builder = session.propagateAs(until);
  for (let i = 0; i < until; i++) builder?.argument(request, i);
}

/** There was no memory for the first member of a sorted set that was made for it: none without members may stay. */
function dropIfEmpty(session: Session, request: Request): void {
  const { bytes, starts, lengths } = request;
  const { host, database } = session;
  const ref = database.peek(bytes, starts[1], lengths[1]);
  if (ref !== 0 && host.store.sortedSets.count(ref) === 0) database.remove(bytes, starts[1], lengths[1]);
}

/** `ZREM key member [member …]` */
function zrem(session: Session, request: Request): void {
  const { bytes, starts, lengths } = request;
  const { sortedSets } = session.host.store;
  const ref = writeSortedSet(session, request);
  if (ref === FAILED) return;
  let removed = 0;
  for (let i = 2; ref !== MISSING && i < request.argc && sortedSets.count(ref) > 0; i++) {
    if (sortedSets.delete(ref, bytes, starts[i], lengths[i])) removed++;
  }
  if (removed > 0) membersRemoved(session, request, 1, ref, removed, "zrem");
  session.reply.integer(removed);
}

// --- Looking up -------------------------------------------------------------------------------------------------------

/** `ZCARD key` */
function zcard(session: Session, request: Request): void {
  const ref = readSortedSet(session, request);
  if (ref !== FAILED) session.reply.integer(ref === MISSING ? 0 : session.host.store.sortedSets.count(ref));
}

/** `ZSCORE key member` */
function zscore(session: Session, request: Request): void {
  const ref = readSortedSet(session, request);
  if (ref !== FAILED) replyScore(session, request, ref, 2);
}

/** `ZMSCORE key member [member …]` */
function zmscore(session: Session, request: Request): void {
  const ref = readSortedSet(session, request);
  if (ref === FAILED) return;
  session.reply.array(request.argc - 2);
  for (let i = 2; i < request.argc; i++) replyScore(session, request, ref, i);
}

function replyScore(session: Session, request: Request, ref: number, at: number): void {
  const { sortedSets } = session.host.store;
  const isThere = ref !== MISSING && sortedSets.find(ref, request.bytes, request.starts[at], request.lengths[at]);
  if (isThere) session.reply.double(sortedSets.score);
  else session.reply.nil();
}

/** `ZRANK key member [WITHSCORE]` and ZREVRANK */
function rank(session: Session, request: Request, isReverse: boolean): void {
  const { reply, host } = session;
  const { sortedSets } = host.store;
  if (request.argc > 4) {
    const name = isReverse ? "zrevrank" : "zrank";
    return reply.error(`ERR wrong number of arguments for '${name}' command`);
  }
  const withScore = request.argc === 4;
  if (withScore && !request.is(3, "withscore")) return reply.error(SYNTAX_ERROR);
  const ref = readSortedSet(session, request);
  if (ref === FAILED) return;
  const ascending = ref === MISSING ? -1 : sortedSets.rank(ref, request.bytes, request.starts[2], request.lengths[2]);
  if (ascending < 0) return withScore ? reply.nilArray() : reply.nil();
  if (withScore) reply.array(2);
  reply.integer(isReverse ? sortedSets.count(ref) - 1 - ascending : ascending);
  if (withScore) reply.double(sortedSets.score);
}

// --- By chance, and cursor by cursor ----------------------------------------------------------------------------------

/** `ZRANDMEMBER key [count [WITHSCORES]]` */
function zrandmember(session: Session, request: Request): void {
  const { reply, host } = session;
  const { sortedSets } = host.store;
  const cursor = cursorOf(host.store);
  if (request.argc === 2) {
    const ref = readSortedSet(session, request);
    if (ref === FAILED) return;
    if (ref === MISSING) return reply.nil();
    cursor.toRank(ref, Math.floor(random() * sortedSets.count(ref)));
    return replyElement(reply, cursor.member);
  }
  const count = parseInt64(request.bytes, request.starts[2], request.lengths[2]);
  if (count === null) return reply.error(NOT_INTEGER);
  if (count === INT64_MIN) {
    return reply.error(`ERR value is out of range, value must between ${-INT64_MAX} and ${INT64_MAX}`);
  }
  const withScores = request.argc > 3;
  if (request.argc > 4 || (withScores && !request.is(3, "withscores"))) return reply.error(SYNTAX_ERROR);
  if (withScores && (count < -INT64_MAX / 2n || count > INT64_MAX / 2n)) {
    return reply.error("ERR value is out of range");
  }
  const ref = readSortedSet(session, request);
  if (ref === FAILED) return;
  if (ref === MISSING || count === 0n) return reply.array(0);
  const wanted = Number(count);
  const total = sortedSets.count(ref);
  const drawn = wanted < 0 ? -wanted : Math.min(wanted, total);
  reply.array(replyLength(reply, drawn, withScores));
  if (wanted < 0) {
    for (let i = 0; i < drawn && !reply.isCut; i++) {
      cursor.toRank(ref, Math.floor(random() * total));
      replyDrawn(reply, cursor, withScores);
    }
  } else if (drawn * 3 < total && drawn <= MAX_DRAWN) {
    const ranks = new Set<number>();
    while (ranks.size < drawn) ranks.add(Math.floor(random() * total));
    for (const one of ranks) {
      cursor.toRank(ref, one);
      replyDrawn(reply, cursor, withScores);
    }
  } else {
    // Selection sampling (Knuth, 3.4.2, algorithm S): one pass, each subset of that size as likely as any other.
    let needed = drawn;
    let isThere = cursor.toRank(ref, 0);
    for (let left = total; needed > 0 && isThere; left--, isThere = cursor.next()) {
      if (random() * left >= needed) continue;
      replyDrawn(reply, cursor, withScores);
      needed--;
    }
  }
}

function replyDrawn(reply: ReplyWriter, cursor: SortedSetCursor, withScores: boolean): void {
  if (withScores) replyScored(reply, cursor);
  else replyMember(reply, cursor);
}

/** Entries of a table that the scan under way has come to. */
const scanned: number[] = [];
const scannedMember = new Element();

/** `ZSCAN key cursor [MATCH pattern] [COUNT count]`; a listpack is passed in one call, whatever the count */
function zscan(session: Session, request: Request): void {
  const { reply, host } = session;
  const { sortedSets, heap: { entries, tables } } = host.store;
  const from = parseCursor(session, request, 2);
  if (from < 0) return;
  const ref = readSortedSet(session, request);
  if (ref === FAILED) return;
  if (ref === MISSING) {
    reply.array(2);
    reply.bulkString("0");
    return reply.array(0);
  }
  const options = ScanOptions.parse(session, request, 3);
  if (options === null) return;
  reply.array(2);
  let replied = 0;
  const table = sortedSets.memberTable(ref);
  if (table === 0) reply.bulkString("0");
  else reply.bulkInteger(tables.scan(table, from, options.count, scanned));
  const mark = reply.open();
  const visit = (member: Element, score: number) => {
    if (!options.matchesElement(member)) return;
    replyElement(reply, member);
    // Redis writes what it keeps as text as it is, and prints what it keeps as a number in another way.
    reply.bulkString(table === 0 ? formatDouble(score) : formatPrecise(score));
    replied++;
  };
  if (table !== 0) {
    for (const entry of scanned) {
      scannedMember.setString(entries.bytes(entry), entries.keyStart(entry), entries.keyLength(entry));
      visit(scannedMember, sortedSets.bodies.scoreOf(entry));
    }
    scanned.length = 0;
  } else {
    const cursor = cursorOf(host.store);
    for (let isThere = cursor.toRank(ref, 0); isThere; isThere = cursor.next()) visit(cursor.member, cursor.score);
  }
  reply.closeArray(mark, replied * 2);
}

const ZSET = { categories: ["sortedset"] };
const zrank: Handler = (session, request) => rank(session, request, false);
const zrevrank: Handler = (session, request) => rank(session, request, true);

export const SORTED_SET_COMMANDS: readonly Command[] = [
  command("zadd", -4, WRITE | DENYOOM | FAST, zadd, { ...ZSET, keys: KEY_RW_UPDATE, members: [3, -1, 2] }),
  command("zincrby", 4, WRITE | DENYOOM | FAST, zincrby, { ...ZSET, keys: KEY_RW_ACCESS_UPDATE, members: [3, 3, 1] }),
  command("zrem", -3, WRITE | FAST, zrem, { ...ZSET, keys: KEY_RW_DELETE, members: [2, -1, 1] }),
  command("zcard", 2, READONLY | FAST, zcard, { ...ZSET, keys: KEY_RO }),
  command("zscore", 3, READONLY | FAST, zscore, { ...ZSET, keys: KEY_RO_ACCESS, members: [2, 2, 1] }),
  command("zmscore", -3, READONLY | FAST, zmscore, { ...ZSET, keys: KEY_RO_ACCESS, members: [2, -1, 1] }),
  command("zrank", -3, READONLY | FAST, zrank, { ...ZSET, keys: KEY_RO_ACCESS, members: [2, 2, 1] }),
  command("zrevrank", -3, READONLY | FAST, zrevrank, { ...ZSET, keys: KEY_RO_ACCESS, members: [2, 2, 1] }),
  command("zrandmember", -2, READONLY, zrandmember, { ...ZSET, keys: KEY_RO_ACCESS }),
  command("zscan", -3, READONLY, zscan, { ...ZSET, keys: KEY_RO_ACCESS }),
];
