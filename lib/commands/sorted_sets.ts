/**
 * Sorted sets: ZADD, ZSCORE, ZRANK, ZPOPMIN and their kin; ranges are in sorted_set_ranges.ts, what several give together in
 * sorted_set_algebra.ts. How a sorted set lies in the store is `store/types/sorted_sets.ts`'s.
 *
 * Complexities are per member: O(1) to find one, O(log n) to change one or to tell its rank; O(n) in a listpack, whose n
 * is small.
 */

import { parseDouble } from "../bytes/doubles.ts";
import { INT64_MAX, INT64_MIN, parseInt64 } from "../bytes/integers.ts";
import type { ReplyWriter } from "../resp/reply.ts";
import type { Request } from "../resp/request.ts";
import { random } from "../runtime/random.ts";
import { TYPE_ZSET } from "../store/entry.ts";
import { Element } from "../store/listpack.ts";
import type { Store } from "../store/store.ts";
import { scoreText } from "../store/types/scores.ts";
import { SortedSetCursor } from "../store/types/sorted_sets.ts";
import type { KeyWaiter } from "./client_facets.ts";
import { BLOCKING, type Command, command, DENYOOM, FAST, type Handler, NOSCRIPT, READONLY, WRITE } from "./command.ts";
import { NOT_FLOAT, NOT_INTEGER, SYNTAX_ERROR } from "./errors.ts";
import { EVENT_GENERIC, EVENT_ZSET } from "./events.ts";
import { integerFrom } from "./integer_argument.ts";
import {
  ACCESS,
  DELETE,
  index,
  KEY_RO,
  KEY_RO_ACCESS,
  KEY_RW_ACCESS_DELETE,
  KEY_RW_ACCESS_UPDATE,
  KEY_RW_DELETE,
  KEY_RW_UPDATE,
  keynum,
  keySpec,
  range,
  RW,
} from "./key_specs.ts";
import { replyElement } from "./replies.ts";
import { parseCursor, ScanOptions } from "./scanning.ts";
import type { Session } from "./session.ts";
import { FAILED, MISSING, readTyped, writeTyped } from "./typed_keys.ts";
import { timeoutArgument } from "./waiting.ts";

/** Whom commands run for that wait for keys. */
type Waiter = Session & KeyWaiter;

const NOT_A_NUMBER = "ERR resulting score is not a number (NaN)";
/** More members than these are not drawn one by one: a Set of them has its limits. */
const MAX_DRAWN = 2 ** 20;
/** Bytes of listpack taken for a member's score beforehand. */
const SCORE_BYTES = 4;
const ENTRY_BYTES = 2;

let cursorOfStore: SortedSetCursor | null = null;

/** The cursor that serves all commands, one after the other. */
export function cursorOf(store: Store): SortedSetCursor {
  if (cursorOfStore?.sets !== store.sortedSets) cursorOfStore = new SortedSetCursor(store.sortedSets);
  return cursorOfStore;
}

/** The sorted set under argument 1 for reading: its ref, MISSING or FAILED. */
export function readSortedSet(session: Session, request: Request): number {
  return readTyped(session, request, 1, TYPE_ZSET);
}

/** The sorted set under argument 1 for changing: its ref, MISSING or FAILED. */
export function writeSortedSet(session: Session, request: Request): number {
  return writeTyped(session, request, 1, TYPE_ZSET);
}

/** A number, as scores and weights are; NaN where it is none. */
export function numberArgument(request: Request, at: number): number {
  return parseDouble(request.bytes, request.starts[at], request.lengths[at]);
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

// --- Adding -----------------------------------------------------------------------------------------------------------

/** How ZADD deals with members that are there, or not. */
interface AddMode {
  onlyNew: boolean;
  onlyThere: boolean;
  onlyGreater: boolean;
  onlyLess: boolean;
  countsChanged: boolean;
  increments: boolean;
}

const PLAIN: AddMode = {
  onlyNew: false,
  onlyThere: false,
  onlyGreater: false,
  onlyLess: false,
  countsChanged: false,
  increments: false,
};
const INCREMENTING: AddMode = { ...PLAIN, increments: true };

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
  mode: AddMode,
  bytes: Uint8Array,
  start: number,
  length: number,
  score: number,
): number {
  const { sortedSets } = session.host.store;
  changedRef = ref;
  newScore = score;
  if (mode === PLAIN) {
    changedRef = sortedSets.set(session.database, ref, bytes, start, length, score);
    if (sortedSets.added) return ADDED;
    return sortedSets.changed ? CHANGED : SAME;
  }
  const isThere = sortedSets.find(ref, bytes, start, length);
  if (!isThere) {
    if (mode.onlyThere) return UNTOUCHED;
  } else {
    const { score: old } = sortedSets;
    if (mode.onlyNew) return UNTOUCHED;
    if (mode.increments) newScore = old + score;
    if (Number.isNaN(newScore)) return NAN;
    if (mode.onlyGreater && newScore <= old) return UNTOUCHED;
    if (mode.onlyLess && newScore >= old) return UNTOUCHED;
    if (newScore === old) return SAME;
  }
  changedRef = sortedSets.set(session.database, ref, bytes, start, length, newScore);
  return isThere ? CHANGED : ADDED;
}

/** Reads ZADD's options; where the scores begin, or 0 after having replied with an error. */
function addMode(session: Session, request: Request, mode: AddMode): number {
  let at = 2;
  for (; at < request.argc; at++) {
    if (request.is(at, "nx")) mode.onlyNew = true;
    else if (request.is(at, "xx")) mode.onlyThere = true;
    else if (request.is(at, "gt")) mode.onlyGreater = true;
    else if (request.is(at, "lt")) mode.onlyLess = true;
    else if (request.is(at, "ch")) mode.countsChanged = true;
    else if (request.is(at, "incr")) mode.increments = true;
    else break;
  }
  const left = request.argc - at;
  let error: string | null = null;
  if (left === 0 || left % 2 === 1) error = SYNTAX_ERROR;
  else if (mode.onlyNew && mode.onlyThere) error = "ERR XX and NX options at the same time are not compatible";
  else if (
    (mode.onlyGreater && mode.onlyNew) || (mode.onlyLess && mode.onlyNew) || (mode.onlyGreater && mode.onlyLess)
  ) error = "ERR GT, LT, and/or NX options at the same time are not compatible";
  else if (mode.increments && left > 2) error = "ERR INCR option supports a single increment-element pair";
  if (error === null) return at;
  session.reply.error(error);
  return 0;
}

/** `ZADD key [NX | XX] [GT | LT] [CH] [INCR] score member [score member …]` */
function zadd(session: Session, request: Request): void {
  // Mostly there are no options, which begin with letters.
  const first = request.bytes[request.starts[2]] | 0x20;
  const mayHaveOptions = first >= 0x61 && first <= 0x7a;
  const mode = mayHaveOptions ? { ...PLAIN } : PLAIN;
  let from = 2;
  if (mayHaveOptions) from = addMode(session, request, mode);
  else if (request.argc % 2 === 1) return session.reply.error(SYNTAX_ERROR);
  if (from !== 0) addMembers(session, request, mode, from);
}

/** `ZINCRBY key increment member` */
function zincrby(session: Session, request: Request): void {
  addMembers(session, request, INCREMENTING, 2);
}

function addMembers(session: Session, request: Request, mode: AddMode, from: number): void {
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
  if (isNew && mode.onlyThere) return mode.increments ? reply.nil() : reply.integer(0);
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
  if (mode.increments) {
    if (outcome === UNTOUCHED) reply.nil();
    else reply.double(newScore);
  } else {
    reply.integer(mode.countsChanged ? added + changed : added);
  }
  if (added + changed > 0) {
    host.changes.changed(session, request, 1, EVENT_ZSET, mode.increments ? "zincr" : "zadd", added + changed);
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

// --- Taking from the ends ---------------------------------------------------------------------------------------------

/** Which end of the order. */
type Extreme = "min" | "max";

/** Writes one member and its score. */
function replyPair(reply: ReplyWriter, cursor: SortedSetCursor): void {
  replyElement(reply, cursor.member);
  reply.double(cursor.score);
}

/** Replies with `count` members from an end on, each as a pair of its own or not, and removes them. */
function takeExtremes(
  session: Session,
  request: Request,
  keyIndex: number,
  ref: number,
  extreme: Extreme,
  count: number,
  inPairs: boolean,
): void {
  const { host, reply } = session;
  const { sortedSets } = host.store;
  const cursor = cursorOf(host.store);
  const total = sortedSets.count(ref);
  let isThere = extreme === "min" ? cursor.toRank(ref, 0) : cursor.toLast(ref);
  for (let left = count; isThere && left > 0; left--) {
    if (inPairs) reply.array(2);
    replyPair(reply, cursor);
    isThere = left > 1 && (extreme === "min" ? cursor.next() : cursor.previous());
  }
  sortedSets.deleteRanks(ref, extreme === "min" ? 0 : total - count, count);
  membersRemoved(session, request, keyIndex, ref, count, extreme === "min" ? "zpopmin" : "zpopmax");
}

/** `ZPOPMIN key [count]` and ZPOPMAX */
function pop(session: Session, request: Request, extreme: Extreme): void {
  const { reply, host } = session;
  if (request.argc > 3) return reply.error(SYNTAX_ERROR);
  let wanted = 1;
  const hasCount = request.argc === 3;
  if (hasCount) {
    const given = integerFrom(session, request, 2, 0, "ERR value is out of range, must be positive");
    if (given === null) return;
    wanted = given;
  }
  const ref = writeSortedSet(session, request);
  if (ref === FAILED) return;
  if (ref === MISSING || wanted === 0) return reply.array(0);
  const count = Math.min(wanted, host.store.sortedSets.count(ref));
  const inPairs = hasCount && session.protocol === 3;
  reply.array(inPairs ? count : count * 2);
  takeExtremes(session, request, 1, ref, extreme, count, inPairs);
}

/** `BZPOPMIN key [key …] timeout` and BZPOPMAX */
function blockingPop(session: Waiter, request: Request, extreme: Extreme): void {
  const { reply } = session;
  const last = request.argc - 1;
  const timeoutMs = timeoutArgument(session, request, last);
  if (timeoutMs === null) return;
  for (let i = 1; i < last; i++) {
    const ref = writeTyped(session, request, i, TYPE_ZSET);
    if (ref === FAILED) return;
    if (ref === MISSING) continue;
    reply.array(3);
    reply.bulk(request.bytes, request.starts[i], request.lengths[i]);
    takeExtremes(session, request, i, ref, extreme, 1, false);
    session.propagateAs(2)?.word(extreme === "min" ? "ZPOPMIN" : "ZPOPMAX").argument(request, i);
    return;
  }
  session.waitForKeys(request, 1, last - 1, TYPE_ZSET, timeoutMs, () => reply.nilArray());
}

/** What ZMPOP and BZMPOP were asked. */
interface MultiplePop {
  readonly firstKey: number;
  readonly keys: number;
  readonly extreme: Extreme;
  readonly count: number;
}

/** Reads `numkeys key [key …] <MIN | MAX> [COUNT count]` from an argument on; null after having replied with an error. */
function multiplePop(session: Session, request: Request, at: number): MultiplePop | null {
  const { reply } = session;
  const keys = integerFrom(session, request, at, 1, "ERR numkeys should be greater than 0");
  if (keys === null) return null;
  const whereAt = at + keys + 1;
  const isMin = whereAt < request.argc && request.is(whereAt, "min");
  if (whereAt >= request.argc || (!isMin && !request.is(whereAt, "max"))) {
    reply.error(SYNTAX_ERROR);
    return null;
  }
  let count = 1;
  for (let i = whereAt + 1; i < request.argc; i += 2) {
    if (i > whereAt + 1 || !request.is(i, "count") || i + 1 === request.argc) {
      reply.error(SYNTAX_ERROR);
      return null;
    }
    const given = integerFrom(session, request, i + 1, 1, "ERR count should be greater than 0");
    if (given === null) return null;
    count = given;
  }
  return { firstKey: at + 1, keys, extreme: isMin ? "min" : "max", count };
}

/** Takes members of the first sorted set that has some. */
function popFirst(session: Session, request: Request, asked: MultiplePop): "popped" | "failed" | "empty" {
  const { host, reply } = session;
  const { extreme } = asked;
  for (let i = asked.firstKey; i < asked.firstKey + asked.keys; i++) {
    const ref = writeTyped(session, request, i, TYPE_ZSET);
    if (ref === FAILED) return "failed";
    if (ref === MISSING) continue;
    const count = Math.min(asked.count, host.store.sortedSets.count(ref));
    reply.array(2);
    reply.bulk(request.bytes, request.starts[i], request.lengths[i]);
    reply.array(count);
    takeExtremes(session, request, i, ref, extreme, count, true);
    session.propagateAs(3)?.word(extreme === "min" ? "ZPOPMIN" : "ZPOPMAX").argument(request, i).integer(count);
    return "popped";
  }
  return "empty";
}

/** `ZMPOP numkeys key [key …] <MIN | MAX> [COUNT count]` */
function zmpop(session: Session, request: Request): void {
  const asked = multiplePop(session, request, 1);
  if (asked !== null && popFirst(session, request, asked) === "empty") session.reply.nilArray();
}

/** `BZMPOP timeout numkeys key [key …] <MIN | MAX> [COUNT count]` */
function bzmpop(session: Waiter, request: Request): void {
  const timeoutMs = timeoutArgument(session, request, 1);
  if (timeoutMs === null) return;
  const asked = multiplePop(session, request, 2);
  if (asked === null || popFirst(session, request, asked) !== "empty") return;
  session.waitForKeys(request, asked.firstKey, asked.keys, TYPE_ZSET, timeoutMs, () => session.reply.nilArray());
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
  reply.array(withScores && reply.protocol === 2 ? drawn * 2 : drawn);
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
  if (withScores && reply.protocol === 3) reply.array(2);
  replyElement(reply, cursor.member);
  if (withScores) reply.double(cursor.score);
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
    reply.bulkBytes(scoreText(score));
    replied++;
  };
  if (table !== 0) {
    for (const entry of scanned) {
      scannedMember.setString(entries.bytes(entry), entries.keyStart(entry), entries.keyLength(entry));
      visit(scannedMember, sortedSets.scoreOf(entry));
    }
    scanned.length = 0;
  } else {
    const cursor = cursorOf(host.store);
    for (let isThere = cursor.toRank(ref, 0); isThere; isThere = cursor.next()) visit(cursor.member, cursor.score);
  }
  reply.closeArray(mark, replied * 2);
}

const ZSET = { categories: ["sortedset"] };
const POPPED_KEYS = [keySpec(RW | ACCESS | DELETE, index(1), range(-2))];

const zrank: Handler = (session, request) => rank(session, request, false);
const zrevrank: Handler = (session, request) => rank(session, request, true);
const zpopmin: Handler = (session, request) => pop(session, request, "min");
const zpopmax: Handler = (session, request) => pop(session, request, "max");
const bzpopmin: Handler = (session, request) => blockingPop(session, request, "min");
const bzpopmax: Handler = (session, request) => blockingPop(session, request, "max");

export const SORTED_SET_COMMANDS: readonly Command[] = [
  command("zadd", -4, WRITE | DENYOOM | FAST, zadd, { ...ZSET, keys: KEY_RW_UPDATE }),
  command("zincrby", 4, WRITE | DENYOOM | FAST, zincrby, { ...ZSET, keys: KEY_RW_ACCESS_UPDATE }),
  command("zrem", -3, WRITE | FAST, zrem, { ...ZSET, keys: KEY_RW_DELETE }),
  command("zcard", 2, READONLY | FAST, zcard, { ...ZSET, keys: KEY_RO }),
  command("zscore", 3, READONLY | FAST, zscore, { ...ZSET, keys: KEY_RO_ACCESS, members: [2, 2, 1] }),
  command("zmscore", -3, READONLY | FAST, zmscore, { ...ZSET, keys: KEY_RO_ACCESS, members: [2, -1, 1] }),
  command("zrank", -3, READONLY | FAST, zrank, { ...ZSET, keys: KEY_RO_ACCESS, members: [2, 2, 1] }),
  command("zrevrank", -3, READONLY | FAST, zrevrank, { ...ZSET, keys: KEY_RO_ACCESS, members: [2, 2, 1] }),
  command("zpopmin", -2, WRITE | FAST, zpopmin, { ...ZSET, keys: KEY_RW_ACCESS_DELETE }),
  command("zpopmax", -2, WRITE | FAST, zpopmax, { ...ZSET, keys: KEY_RW_ACCESS_DELETE }),
  command("bzpopmin", -3, WRITE | NOSCRIPT | FAST | BLOCKING, bzpopmin, { ...ZSET, keys: POPPED_KEYS }),
  command("bzpopmax", -3, WRITE | NOSCRIPT | FAST | BLOCKING, bzpopmax, { ...ZSET, keys: POPPED_KEYS }),
  command("zmpop", -4, WRITE, zmpop, { ...ZSET, keys: [keySpec(RW | ACCESS | DELETE, index(1), keynum())] }),
  command("bzmpop", -5, WRITE | BLOCKING, bzmpop, {
    ...ZSET,
    keys: [keySpec(RW | ACCESS | DELETE, index(2), keynum())],
  }),
  command("zrandmember", -2, READONLY, zrandmember, { ...ZSET, keys: KEY_RO_ACCESS }),
  command("zscan", -3, READONLY, zscan, { ...ZSET, keys: KEY_RO_ACCESS }),
];
