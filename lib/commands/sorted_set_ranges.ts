/**
 * Ranges of sorted sets: by rank, by score, and by the members' bytes. Every range is a stretch of ranks, found in two
 * descents, O(log n), and then walked.
 */

import { parseDouble } from "../bytes/doubles.ts";
import type { ReplyWriter } from "../resp/reply.ts";
import type { Request } from "../resp/request.ts";
import { TYPE_ZSET } from "../store/entry.ts";
import type { SortedSetCursor } from "../store/types/sorted_sets.ts";
import { type Command, command, DENYOOM, FAST, type Handler, READONLY, WRITE } from "./command.ts";
import { SYNTAX_ERROR } from "./errors.ts";
import { EVENT_GENERIC, EVENT_ZSET } from "./events.ts";
import { integerArgument } from "./integer_argument.ts";
import { ACCESS, KEY_RO_ACCESS, KEY_RW_DELETE, oneKey, OW, RO, UPDATE } from "./key_specs.ts";
import { replyElement } from "./replies.ts";
import type { Session } from "./session.ts";
import { cursorOf, membersRemoved, readSortedSet, writeSortedSet } from "./sorted_sets.ts";
import { FAILED, MISSING, readTyped } from "./typed_keys.ts";

const NOT_SCORE_BOUND = "ERR min or max is not a float";
const NOT_LEX_BOUND = "ERR min or max not valid string range item";

const EXCLUDED = 0x28; // (
const INCLUDED = 0x5b; // [
const LOWEST = 0x2d; // -
const HIGHEST = 0x2b; // +

/** A stretch of members in ascending order: the rank of the first, and how many they are. */
interface Stretch {
  first: number;
  count: number;
}

/** Where a range begins or ends, as the request has it; null after having replied that it makes no sense. */
type Bound = ScoreBound | LexBound;

interface ScoreBound {
  readonly kind: "score";
  readonly score: number;
  readonly isExcluded: boolean;
}

interface LexBound {
  readonly kind: "lex";
  /** Below or above all members. */
  readonly extreme: "lowest" | "highest" | null;
  /** Where the bytes are in the request. */
  readonly start: number;
  readonly length: number;
  readonly isExcluded: boolean;
}

function scoreBound(session: Session, request: Request, at: number): ScoreBound | null {
  const { bytes, starts, lengths } = request;
  const isExcluded = lengths[at] > 0 && bytes[starts[at]] === EXCLUDED;
  const skipped = isExcluded ? 1 : 0;
  const score = parseDouble(bytes, starts[at] + skipped, lengths[at] - skipped);
  if (!Number.isNaN(score)) return { kind: "score", score, isExcluded };
  session.reply.error(NOT_SCORE_BOUND);
  return null;
}

function lexBound(session: Session, request: Request, at: number): LexBound | null {
  const { bytes, starts, lengths } = request;
  const first = lengths[at] > 0 ? bytes[starts[at]] : 0;
  const start = starts[at] + 1;
  const length = lengths[at] - 1;
  if ((first === LOWEST || first === HIGHEST) && length === 0) {
    return { kind: "lex", extreme: first === LOWEST ? "lowest" : "highest", start: 0, length: 0, isExcluded: false };
  }
  if (first === EXCLUDED || first === INCLUDED) {
    return { kind: "lex", extreme: null, start, length, isExcluded: first === EXCLUDED };
  }
  session.reply.error(NOT_LEX_BOUND);
  return null;
}

/** How many members stand before a bound: with `isEnd`, those at it as well, unless it is excluded. */
function membersBefore(
  session: Session,
  request: Request,
  cursor: SortedSetCursor,
  ref: number,
  bound: Bound,
  isEnd: boolean,
): number {
  const total = session.host.store.sortedSets.count(ref);
  // The end of a range is where what is beyond it begins.
  const skipsEqual = isEnd !== bound.isExcluded;
  if (bound.kind === "score") return cursor.toScore(ref, bound.score, skipsEqual) ? cursor.rank() : total;
  if (bound.extreme !== null) return bound.extreme === "lowest" ? 0 : total;
  return cursor.toMember(ref, request.bytes, bound.start, bound.length, skipsEqual) ? cursor.rank() : total;
}

/** The members between two bounds. */
function stretchBetween(session: Session, request: Request, ref: number, min: Bound, max: Bound): Stretch {
  const cursor = cursorOf(session.host.store);
  const first = membersBefore(session, request, cursor, ref, min, false);
  const end = membersBefore(session, request, cursor, ref, max, true);
  return { first, count: Math.max(0, end - first) };
}

/** The members from one rank to another, which may count from the end; `isReverse`: ranks count from the highest score. */
function stretchOfRanks(total: number, start: number, stop: number, isReverse: boolean): Stretch {
  const from = Math.max(0, start < 0 ? start + total : start);
  const to = Math.min(total - 1, stop < 0 ? stop + total : stop);
  const count = Math.max(0, to - from + 1);
  return { first: isReverse ? total - 1 - to : from, count };
}

/** Cuts a stretch to what LIMIT leaves of it; a negative count is all. */
function limited(stretch: Stretch, offset: number, count: number, isReverse: boolean): Stretch {
  if (offset < 0) return { first: 0, count: 0 };
  const left = Math.max(0, stretch.count - offset);
  const taken = count < 0 ? left : Math.min(left, count);
  const skipped = isReverse ? stretch.count - offset - taken : offset;
  return { first: stretch.first + Math.max(0, skipped), count: taken };
}

/** Visits the members of a stretch, from its end if `isReverse`. */
function walk(
  cursor: SortedSetCursor,
  ref: number,
  { first, count }: Stretch,
  isReverse: boolean,
  visit: () => void,
): void {
  let isThere = count > 0 && cursor.toRank(ref, isReverse ? first + count - 1 : first);
  for (let left = count; isThere && left > 0; left--) {
    visit();
    isThere = left > 1 && (isReverse ? cursor.previous() : cursor.next());
  }
}

// --- Range queries ----------------------------------------------------------------------------------------------------

/** What a range is by, and how it was asked for. */
interface Query {
  by: "rank" | "score" | "lex";
  isReverse: boolean;
  withScores: boolean;
  offset: number;
  /** Most members; negative: all. */
  count: number;
  hasLimit: boolean;
  /** Arguments with the lower and the upper bound, or with the first and last rank. */
  min: number;
  max: number;
}

/** Which options a command takes beside those of its name. */
interface Form {
  readonly by: "rank" | "score" | "lex" | "any";
  readonly isReverse: boolean;
  readonly isStore: boolean;
}

/** Reads the options from argument `from` on, of a range whose bounds are the two arguments before; null after an error. */
function readQuery(session: Session, request: Request, from: number, form: Form): Query | null {
  const query: Query = {
    by: form.by === "any" ? "rank" : form.by,
    isReverse: form.isReverse,
    withScores: false,
    offset: 0,
    count: -1,
    hasLimit: false,
    min: from - 2,
    max: from - 1,
  };
  for (let i = from; i < request.argc; i++) {
    if (!form.isStore && request.is(i, "withscores")) {
      query.withScores = true;
    } else if (request.is(i, "limit") && i + 2 < request.argc) {
      const offset = integerArgument(session, request, i + 1);
      const count = offset === null ? null : integerArgument(session, request, i + 2);
      if (offset === null || count === null) return null;
      query.offset = offset;
      query.count = count;
      query.hasLimit = true;
      i += 2;
    } else if (form.by === "any" && request.is(i, "rev")) {
      query.isReverse = true;
    } else if (form.by === "any" && request.is(i, "byscore")) {
      query.by = "score";
    } else if (form.by === "any" && request.is(i, "bylex")) {
      query.by = "lex";
    } else {
      return refuse(session, SYNTAX_ERROR);
    }
  }
  if (query.hasLimit && query.by === "rank") {
    return refuse(
      session,
      "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
    );
  }
  if (query.withScores && query.by === "lex") {
    return refuse(session, "ERR syntax error, WITHSCORES not supported in combination with BYLEX");
  }
  // From the highest on, the upper bound comes first.
  if (query.isReverse && query.by !== "rank") [query.min, query.max] = [query.max, query.min];
  return query;
}

function refuse(session: Session, error: string): null {
  session.reply.error(error);
  return null;
}

/** Reads the bounds of a query, so that the stretch can be found in a sorted set; null after having replied with an error. */
function stretchFinder(session: Session, request: Request, query: Query): ((ref: number) => Stretch) | null {
  const { isReverse, offset, count } = query;
  if (query.by === "rank") {
    const start = integerArgument(session, request, query.min);
    const stop = start === null ? null : integerArgument(session, request, query.max);
    if (start === null || stop === null) return null;
    return (ref) => stretchOfRanks(session.host.store.sortedSets.count(ref), start, stop, isReverse);
  }
  const bound = query.by === "score" ? scoreBound : lexBound;
  // The one that stands first is read first, and complained of first.
  const early = bound(session, request, Math.min(query.min, query.max));
  const late = early === null ? null : bound(session, request, Math.max(query.min, query.max));
  if (early === null || late === null) return null;
  const [min, max] = query.min < query.max ? [early, late] : [late, early];
  return (ref) => limited(stretchBetween(session, request, ref, min, max), offset, count, isReverse);
}

/** Replies with the members that a query finds. */
function replyRange(session: Session, request: Request, from: number, form: Form): void {
  const { reply, host } = session;
  const query = readQuery(session, request, from, form);
  const find = query === null ? null : stretchFinder(session, request, query);
  if (query === null || find === null) return;
  const ref = readSortedSet(session, request);
  if (ref === FAILED) return;
  if (ref === MISSING) return reply.array(0);
  const stretch = find(ref);
  const cursor = cursorOf(host.store);
  const inPairs = query.withScores && reply.protocol === 3;
  reply.array(query.withScores && !inPairs ? stretch.count * 2 : stretch.count);
  walk(cursor, ref, stretch, query.isReverse, () => replyMember(reply, cursor, query.withScores, inPairs));
}

function replyMember(reply: ReplyWriter, cursor: SortedSetCursor, withScores: boolean, inPairs: boolean): void {
  if (inPairs) reply.array(2);
  replyElement(reply, cursor.member);
  if (withScores) reply.double(cursor.score);
}

/** `ZRANGESTORE dst src min max [BYSCORE | BYLEX] [REV] [LIMIT offset count]` */
function zrangestore(session: Session, request: Request): void {
  const { bytes, starts, lengths } = request;
  const { host, database, reply } = session;
  const query = readQuery(session, request, 5, { by: "any", isReverse: false, isStore: true });
  const find = query === null ? null : stretchFinder(session, request, query);
  if (query === null || find === null) return;
  const ref = readTyped(session, request, 2, TYPE_ZSET);
  if (ref === FAILED) return;
  const members: Uint8Array[] = [];
  const scores: number[] = [];
  if (ref !== MISSING) {
    const cursor = cursorOf(host.store);
    walk(cursor, ref, find(ref), query.isReverse, () => {
      const { member } = cursor;
      members.push(member.bytes.slice(member.start, member.start + member.length));
      scores.push(cursor.score);
    });
  }
  if (members.length === 0) {
    const existed = database.remove(bytes, starts[1], lengths[1]);
    if (existed) host.changes.changed(session, request, 1, EVENT_GENERIC, "del");
    return reply.integer(0);
  }
  storeMembers(session, request, 1, members, scores);
  host.changes.changed(session, request, 1, EVENT_ZSET, "zrangestore");
  reply.integer(members.length);
}

/** Puts a sorted set of the given members under an argument, in place of what is there. */
export function storeMembers(
  session: Session,
  request: Request,
  keyIndex: number,
  members: readonly Uint8Array[],
  scores: readonly number[],
): void {
  const { bytes, starts, lengths } = request;
  const { database, host } = session;
  const { sortedSets } = host.store;
  let room = 0;
  let longest = 0;
  for (const member of members) {
    room += member.length + 8;
    longest = Math.max(longest, member.length);
  }
  const isLarge = members.length > sortedSets.maxListpackEntries || longest > sortedSets.maxListpackValue;
  let ref = sortedSets.create(database, bytes, starts[keyIndex], lengths[keyIndex], isLarge ? 0 : room);
  try {
    if (isLarge) ref = sortedSets.convert(database, ref);
    for (let i = 0; i < members.length; i++) {
      ref = sortedSets.set(database, ref, members[i], 0, members[i].length, scores[i]);
    }
  } catch (error) {
    database.remove(bytes, starts[keyIndex], lengths[keyIndex]);
    throw error;
  }
}

// --- Counting and removing --------------------------------------------------------------------------------------------

/** The stretch between the bounds in arguments 2 and 3 of a sorted set under argument 1; null after having replied. */
function stretchOfArguments(session: Session, request: Request, by: "rank" | "score" | "lex", writes: boolean) {
  const query: Query = {
    by,
    isReverse: false,
    withScores: false,
    offset: 0,
    count: -1,
    hasLimit: false,
    min: 2,
    max: 3,
  };
  const find = stretchFinder(session, request, query);
  if (find === null) return null;
  const ref = writes ? writeSortedSet(session, request) : readSortedSet(session, request);
  if (ref === FAILED) return null;
  return { ref, stretch: ref === MISSING ? { first: 0, count: 0 } : find(ref) };
}

/** `ZCOUNT key min max` and ZLEXCOUNT */
function count(session: Session, request: Request, by: "score" | "lex"): void {
  const found = stretchOfArguments(session, request, by, false);
  if (found !== null) session.reply.integer(found.stretch.count);
}

/** `ZREMRANGEBYRANK key start stop` and its kin */
function removeRange(session: Session, request: Request, by: "rank" | "score" | "lex"): void {
  const found = stretchOfArguments(session, request, by, true);
  if (found === null) return;
  const { ref, stretch } = found;
  if (stretch.count > 0) {
    session.host.store.sortedSets.deleteRanks(ref, stretch.first, stretch.count);
    membersRemoved(session, request, 1, ref, stretch.count, `zremrangeby${by}`);
  }
  session.reply.integer(stretch.count);
}

const ZSET = { categories: ["sortedset"] };
const READS = { ...ZSET, keys: KEY_RO_ACCESS };

function ranged(by: Form["by"], isReverse: boolean): Handler {
  const form: Form = { by, isReverse, isStore: false };
  return (session, request) => replyRange(session, request, 4, form);
}

const zcount: Handler = (session, request) => count(session, request, "score");
const zlexcount: Handler = (session, request) => count(session, request, "lex");
const zremrangebyrank: Handler = (session, request) => removeRange(session, request, "rank");
const zremrangebyscore: Handler = (session, request) => removeRange(session, request, "score");
const zremrangebylex: Handler = (session, request) => removeRange(session, request, "lex");

export const SORTED_SET_RANGE_COMMANDS: readonly Command[] = [
  command("zrange", -4, READONLY, ranged("any", false), READS),
  command("zrevrange", -4, READONLY, ranged("rank", true), READS),
  command("zrangebyscore", -4, READONLY, ranged("score", false), READS),
  command("zrevrangebyscore", -4, READONLY, ranged("score", true), READS),
  command("zrangebylex", -4, READONLY, ranged("lex", false), READS),
  command("zrevrangebylex", -4, READONLY, ranged("lex", true), READS),
  command("zrangestore", -5, WRITE | DENYOOM, zrangestore, {
    ...ZSET,
    keys: [oneKey(OW | UPDATE), oneKey(RO | ACCESS, 2)],
  }),
  command("zcount", 4, READONLY | FAST, zcount, READS),
  command("zlexcount", 4, READONLY | FAST, zlexcount, READS),
  command("zremrangebyrank", 4, WRITE, zremrangebyrank, { ...ZSET, keys: KEY_RW_DELETE }),
  command("zremrangebyscore", 4, WRITE, zremrangebyscore, { ...ZSET, keys: KEY_RW_DELETE }),
  command("zremrangebylex", 4, WRITE, zremrangebylex, { ...ZSET, keys: KEY_RW_DELETE }),
];
