/**
 * Sorted sets: ZADD, ZREM, ZSCORE, ZRANK, ZRANDMEMBER, ZSCAN and their kin. Ranges are in sorted_set_ranges.ts, what is taken
 * off the ends in sorted_set_pops.ts, and what several give together in sorted_set_algebra.ts. How a sorted set lies in the
 * store is `store/types/sorted_sets.ts`'s.
 *
 * Complexities are per member: O(1) to find one, O(log n) to change one or to tell its rank; O(n) in a listpack, whose n
 * is small.
 */

import { formatDouble, formatPrecise } from "../bytes/doubles.ts";
import type { Request } from "../resp/request.ts";
import { random } from "../runtime/random.ts";
import { TYPE_ZSET } from "../store/entry.ts";
import { Element } from "../store/listpack.ts";
import { type Command, command, FAST, type Handler, READONLY, WRITE } from "./command.ts";
import { areFew, drawArguments, drawDifferent, Sampling } from "./drawing.ts";
import { SYNTAX_ERROR } from "./errors.ts";
import { EVENT_ZSET } from "./events.ts";
import { KEY_RO, KEY_RO_ACCESS, KEY_RW_DELETE } from "./key_specs.ts";
import { elementsRemoved } from "./removal.ts";
import { replyElement } from "./replies.ts";
import { type ElementScan, scanElements } from "./scanning.ts";
import type { Session } from "./session.ts";
import { cursorOf, readSortedSet, replyLength, replyMember, writeSortedSet } from "./sorted_set_access.ts";
import { FAILED, MISSING } from "./typed_keys.ts";

/** `ZREM key member [member …]` */
function zrem(session: Session, request: Request): void {
  const { bytes, starts, lengths } = request;
  const { sortedSets } = session.host.store;
  const ref = writeSortedSet(session, request);
  if (ref === FAILED) return;
  let removed = 0;
  for (let i = 2; ref !== MISSING && i < request.argc; i++) {
    if (!sortedSets.delete(ref, bytes, starts[i], lengths[i])) continue;
    removed++;
    if (sortedSets.count(ref) === 0) break;
  }
  if (removed > 0) elementsRemoved(session, request, 1, sortedSets, ref, EVENT_ZSET, "zrem", removed);
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
  const { reply, host: { store } } = session;
  const { sortedSets } = store;
  const cursor = cursorOf(store);
  if (request.argc === 2) {
    const ref = readSortedSet(session, request);
    if (ref === FAILED) return;
    if (ref === MISSING) return reply.nil();
    cursor.toRank(ref, randomRank(sortedSets.count(ref)));
    return replyElement(reply, cursor.member);
  }
  const draw = drawArguments(session, request, "withscores");
  if (draw === null) return;
  const ref = readSortedSet(session, request);
  if (ref === FAILED) return;
  const { count, inPairs } = draw;
  if (ref === MISSING || count === 0) return reply.array(0);
  const total = sortedSets.count(ref);
  if (count > 0) return replyDifferent(session, ref, Math.min(count, total), inPairs);
  reply.array(replyLength(reply, -count, inPairs));
  for (let i = 0; i < -count && !reply.isCut; i++) {
    cursor.toRank(ref, randomRank(total));
    replyMember(reply, cursor, inPairs);
  }
}

function randomRank(total: number): number {
  return Math.floor(random() * total);
}

/** Replies with `count` different members; there are at least so many. O(count·log n) where they are few, else O(n). */
function replyDifferent(session: Session, ref: number, count: number, withScores: boolean): void {
  const { reply, host: { store } } = session;
  const cursor = cursorOf(store);
  const total = store.sortedSets.count(ref);
  reply.array(replyLength(reply, count, withScores));
  if (areFew(count, total)) {
    for (const rank of drawDifferent(count, () => randomRank(total))) {
      cursor.toRank(ref, rank);
      replyMember(reply, cursor, withScores);
    }
    return;
  }
  const sampling = new Sampling(count, total);
  for (let isThere = cursor.toRank(ref, 0); sampling.needed > 0 && isThere; isThere = cursor.next()) {
    if (sampling.takesNext()) replyMember(reply, cursor, withScores);
  }
}

const scannedMember = new Element();

const MEMBER_SCAN: ElementScan = {
  type: TYPE_ZSET,
  parts: 2,
  // Redis writes what it keeps as text as it is, and prints what it keeps as a number in another way.
  replyEntries({ reply, host }, options, refs) {
    const { sortedSets, heap: { entries } } = host.store;
    let count = 0;
    for (const ref of refs) {
      scannedMember.setString(entries.bytes(ref), entries.keyStart(ref), entries.keyLength(ref));
      if (!options.matchesElement(scannedMember)) continue;
      replyElement(reply, scannedMember);
      const score = sortedSets.bodies.scoreOf(ref);
      // An integer is its digits either way.
      if (Number.isSafeInteger(score) && !Object.is(score, -0)) reply.bulkInteger(score);
      else reply.bulkString(formatPrecise(score));
      count++;
    }
    return count;
  },
  replyAll({ reply, host }, options, ref) {
    const cursor = cursorOf(host.store);
    let count = 0;
    for (let isThere = cursor.toRank(ref, 0); isThere; isThere = cursor.next()) {
      if (!options.matchesElement(cursor.member)) continue;
      replyElement(reply, cursor.member);
      reply.bulkString(formatDouble(cursor.score));
      count++;
    }
    return count;
  },
};

const ZSET = { categories: ["sortedset"] };
const zscan: Handler = (session, request) => scanElements(session, request, MEMBER_SCAN);
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
