/**
 * Adding members to sorted sets, and giving them other scores: ZADD and ZINCRBY, and what GEOADD has in common with them.
 *
 * O(log n) for each member; a score that leaves its member where it is in the order is changed in place.
 */

import type { Request } from "../resp/request.ts";
import { type Command, command, DENYOOM, FAST, WRITE } from "./command.ts";
import { NOT_FLOAT, SYNTAX_ERROR } from "./errors.ts";
import { EVENT_ZSET } from "./events.ts";
import { KEY_RW_ACCESS_UPDATE, KEY_RW_UPDATE } from "./key_specs.ts";
import { propagateBeginning } from "./partial_changes.ts";
import { dropIfEmpty } from "./removal.ts";
import type { Session } from "./session.ts";
import { numberArgument, writeSortedSet } from "./sorted_set_access.ts";
import { FAILED, MISSING } from "./typed_keys.ts";

const NOT_A_NUMBER = "ERR resulting score is not a number (NaN)";
/** Bytes of listpack taken for a member's score beforehand, and for the two parts' own encoding. */
const SCORE_BYTES = 4;
const ENTRY_BYTES = 2;
/** More scores than these are not kept room for. */
const KEPT_SCORES = 1024;

// How members are dealt with that are there, or not, as bits of a mode.
export const ONLY_NEW = 1 << 0;
export const ONLY_THERE = 1 << 1;
const ONLY_GREATER = 1 << 2;
const ONLY_LESS = 1 << 3;
export const COUNTS_CHANGED = 1 << 4;
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

/** Scores of the members that are about to be added. */
let scores = new Float64Array(KEPT_SCORES);

/** Room for the scores of so many members, to be filled before `addMembers`. */
export function scoresFor(count: number): Float64Array {
  const isTooSmall = scores.length < count;
  if (isTooSmall || scores.length > Math.max(count, KEPT_SCORES)) {
    scores = new Float64Array(Math.max(count, KEPT_SCORES));
  }
  return scores;
}

/**
 * Gives `count` members the scores that are in `scoresFor`, and replies. The first member is argument `first`, and they are
 * `stride` arguments apart, each the last of what belongs to it.
 */
export function addMembers(
  session: Session,
  request: Request,
  mode: number,
  first: number,
  stride: number,
  count: number,
): void {
  const { bytes, starts, lengths } = request;
  const { host, database, reply } = session;
  const { sortedSets } = host.store;
  let ref = writeSortedSet(session, request);
  if (ref === FAILED) return;
  const isNew = ref === MISSING;
  const increments = (mode & INCREMENTS) !== 0;
  if (isNew && (mode & ONLY_THERE) !== 0) return increments ? reply.nil() : reply.integer(0);
  let added = 0;
  let changed = 0;
  let outcome = UNTOUCHED;
  let i = 0;
  try {
    if (isNew) {
      const room = listpackRoom(session, request, first, stride, count);
      ref = sortedSets.create(database, bytes, starts[1], lengths[1], room);
    }
    if (count > sortedSets.maxListpackEntries) ref = sortedSets.convert(database, ref);
    for (; i < count; i++) {
      const at = first + i * stride;
      outcome = addMember(session, ref, mode, bytes, starts[at], lengths[at], scores[i]);
      ref = changedRef;
      if (outcome === ADDED) added++;
      else if (outcome === CHANGED) changed++;
    }
  } catch (error) {
    if (i > 0) addedPartly(session, request, first + i * stride - stride + 1, added + changed);
    else if (isNew) dropIfEmpty(session, request, 1);
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
function listpackRoom(session: Session, request: Request, first: number, stride: number, count: number): number {
  const { sortedSets } = session.host.store;
  if (count > sortedSets.maxListpackEntries) return 0;
  let room = 0;
  for (let at = first; at < request.argc; at += stride) {
    if (request.lengths[at] > sortedSets.maxListpackValue) return 0;
    room += request.lengths[at] + SCORE_BYTES + 2 * ENTRY_BYTES;
  }
  return room;
}

/** There was no memory for the members from argument `until` on: those before it are there, and go on alone. */
function addedPartly(session: Session, request: Request, until: number, count: number): void {
  if (count === 0) return;
  session.host.changes.changed(session, request, 1, EVENT_ZSET, "zadd", count);
  propagateBeginning(session, request, request.text(0), until);
}

// --- Commands ---------------------------------------------------------------------------------------------------------

/** The options that ZADD was given, and where the scores begin. */
let givenMode = 0;
let scoresFrom = 0;

/** Reads ZADD's options; false after having replied with an error. */
function readOptions(session: Session, request: Request): boolean {
  let at = 2;
  let mode = 0;
  for (; at < request.argc; at++) {
    if (request.is(at, "nx")) mode |= ONLY_NEW;
    else if (request.is(at, "xx")) mode |= ONLY_THERE;
    else if (request.is(at, "gt")) mode |= ONLY_GREATER;
    else if (request.is(at, "lt")) mode |= ONLY_LESS;
    else if (request.is(at, "ch")) mode |= COUNTS_CHANGED;
    else if (request.is(at, "incr")) mode |= INCREMENTS;
    else break;
  }
  givenMode = mode;
  scoresFrom = at;
  const left = request.argc - at;
  let error: string | null = null;
  if (left === 0 || left % 2 === 1) {
    error = SYNTAX_ERROR;
  } else if ((mode & ONLY_NEW) !== 0 && (mode & ONLY_THERE) !== 0) {
    error = "ERR XX and NX options at the same time are not compatible";
  } else if (areSeveral(mode & (ONLY_NEW | ONLY_GREATER | ONLY_LESS))) {
    error = "ERR GT, LT, and/or NX options at the same time are not compatible";
  } else if ((mode & INCREMENTS) !== 0 && left > 2) {
    error = "ERR INCR option supports a single increment-element pair";
  }
  if (error !== null) session.reply.error(error);
  return error === null;
}

/** Whether more than one bit is set. */
function areSeveral(options: number): boolean {
  return (options & (options - 1)) !== 0;
}

/** Adds the pairs of score and member from argument `from` on; all scores are looked at before anything changes. */
function addPairs(session: Session, request: Request, mode: number, from: number): void {
  const count = (request.argc - from) >>> 1;
  const into = scoresFor(count);
  for (let i = 0; i < count; i++) {
    const score = into[i] = numberArgument(request, from + 2 * i);
    if (score !== score) return session.reply.error(NOT_FLOAT);
  }
  addMembers(session, request, mode, from + 1, 2, count);
}

/** `ZADD key [NX | XX] [GT | LT] [CH] [INCR] score member [score member …]` */
function zadd(session: Session, request: Request): void {
  // Mostly there are no options, which begin with letters.
  const first = request.bytes[request.starts[2]] | 0x20;
  if (first >= 0x61 && first <= 0x7a) {
    if (readOptions(session, request)) addPairs(session, request, givenMode, scoresFrom);
  } else if (request.argc % 2 === 1) {
    session.reply.error(SYNTAX_ERROR);
  } else {
    addPairs(session, request, 0, 2);
  }
}

/** `ZINCRBY key increment member` */
function zincrby(session: Session, request: Request): void {
  addPairs(session, request, INCREMENTS, 2);
}

const ZSET = { categories: ["sortedset"] };

export const SORTED_SET_ADDING_COMMANDS: readonly Command[] = [
  command("zadd", -4, WRITE | DENYOOM | FAST, zadd, { ...ZSET, keys: KEY_RW_UPDATE, members: [3, -1, 2] }),
  command("zincrby", 4, WRITE | DENYOOM | FAST, zincrby, { ...ZSET, keys: KEY_RW_ACCESS_UPDATE, members: [3, 3, 1] }),
];
