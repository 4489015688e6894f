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
import { type Command, command, FAST, type Handler, READONLY, WRITE } from "./command.ts";
import { NOT_INTEGER, SYNTAX_ERROR } from "./errors.ts";
import { KEY_RO, KEY_RO_ACCESS, KEY_RW_DELETE } from "./key_specs.ts";
import { replyElement } from "./replies.ts";
import { parseCursor, ScanOptions } from "./scanning.ts";
import type { Session } from "./session.ts";
import {
  cursorOf,
  membersRemoved,
  readSortedSet,
  replyLength,
  replyMember,
  replyScored,
  writeSortedSet,
} from "./sorted_set_access.ts";
import { FAILED, MISSING } from "./typed_keys.ts";

/** More members than these are not drawn one by one: a Set of them has its limits. */
const MAX_DRAWN = 2 ** 20;

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
  command("zrem", -3, WRITE | FAST, zrem, { ...ZSET, keys: KEY_RW_DELETE, members: [2, -1, 1] }),
  command("zcard", 2, READONLY | FAST, zcard, { ...ZSET, keys: KEY_RO }),
  command("zscore", 3, READONLY | FAST, zscore, { ...ZSET, keys: KEY_RO_ACCESS, members: [2, 2, 1] }),
  command("zmscore", -3, READONLY | FAST, zmscore, { ...ZSET, keys: KEY_RO_ACCESS, members: [2, -1, 1] }),
  command("zrank", -3, READONLY | FAST, zrank, { ...ZSET, keys: KEY_RO_ACCESS, members: [2, 2, 1] }),
  command("zrevrank", -3, READONLY | FAST, zrevrank, { ...ZSET, keys: KEY_RO_ACCESS, members: [2, 2, 1] }),
  command("zrandmember", -2, READONLY, zrandmember, { ...ZSET, keys: KEY_RO_ACCESS }),
  command("zscan", -3, READONLY, zscan, { ...ZSET, keys: KEY_RO_ACCESS }),
];
