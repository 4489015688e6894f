/**
 * Ranges of sorted sets: ZRANGE and the commands that came before it, ZRANGESTORE, ZCOUNT, ZLEXCOUNT and ZREMRANGEBY….
 *
 * A range by rank is one descent to its first member and a walk from there; one by score or by bytes, a descent and a walk
 * to where it ends. Those that only count, or remove, are two descents: O(log n) and what is removed.
 */

import type { ReplyWriter } from "../resp/reply.ts";
import type { Request } from "../resp/request.ts";
import type { SortedSetCursor } from "../store/types/sorted_set_cursor.ts";
import { type Command, command, DENYOOM, FAST, type Handler, READONLY, WRITE } from "./command.ts";
import { SYNTAX_ERROR } from "./errors.ts";
import { EVENT_ZSET } from "./events.ts";
import { integerArgument } from "./integer_argument.ts";
import { ACCESS, KEY_RO_ACCESS, KEY_RW_DELETE, oneKey, OW, RO, UPDATE } from "./key_specs.ts";
import { elementsRemoved, removeTarget } from "./removal.ts";
import type { Session } from "./session.ts";
import { cursorOf, readSortedSet, replyLength, replyMember, writeSortedSet } from "./sorted_set_access.ts";
import { type RangeKind, SortedSetRange } from "./sorted_set_bounds.ts";
import { sortedSetResult } from "./sorted_set_results.ts";
import { FAILED, MISSING } from "./typed_keys.ts";

const range = new SortedSetRange();

/** What a command takes beside the bounds: null where an option decides. */
interface Form {
  readonly by: RangeKind | null;
  readonly isReverse: boolean | null;
  readonly isStore: boolean;
}

/** A range as it was asked for, and the walk through it. */
class RangeQuery {
  by: RangeKind = "rank";
  isReverse = false;
  withScores = false;
  offset = 0;
  /** Most members; negative: all. */
  limit = -1;
  /** Members that are still to come. */
  left = 0;

  /**
   * Reads the bounds in arguments `at` and `at + 1`, and the options behind them; false after having replied with an error.
   */
  read(session: Session, request: Request, at: number, form: Form): boolean {
    let by = form.by;
    let isReverse = form.isReverse;
    this.withScores = false;
    this.offset = 0;
    this.limit = -1;
    for (let i = at + 2; i < request.argc; i++) {
      if (!form.isStore && request.is(i, "withscores")) {
        this.withScores = true;
      } else if (i + 2 < request.argc && request.is(i, "limit")) {
        const offset = integerArgument(session, request, i + 1);
        const limit = offset === null ? null : integerArgument(session, request, i + 2);
        if (offset === null || limit === null) return false;
        this.offset = offset;
        this.limit = limit;
        i += 2;
      } else if (isReverse === null && request.is(i, "rev")) {
        isReverse = true;
      } else if (by === null && request.is(i, "bylex")) {
        by = "lex";
      } else if (by === null && request.is(i, "byscore")) {
        by = "score";
      } else {
        session.reply.error(SYNTAX_ERROR);
        return false;
      }
    }
    this.by = by ?? "rank";
    this.isReverse = isReverse ?? false;
    const error = this.#conflict();
    if (error !== null) {
      session.reply.error(error);
      return false;
    }
    // From the highest on, the upper bound comes first.
    const isSwapped = this.isReverse && this.by !== "rank";
    return range.read(session, request, this.by, isSwapped ? at + 1 : at, isSwapped ? at : at + 1);
  }

  #conflict(): string | null {
    if (this.limit !== -1 && this.by === "rank") {
      return "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX";
    }
    return this.withScores && this.by === "lex"
      ? "ERR syntax error, WITHSCORES not supported in combination with BYLEX"
      : null;
  }

  /** Goes to the first member that is asked for; false if there is none. By rank, `left` is how many there are. */
  begin(cursor: SortedSetCursor, ref: number): boolean {
    const { isReverse, offset } = this;
    if (this.by === "rank") {
      range.measureRanks(cursor.sets.count(ref), isReverse);
      this.left = range.count;
      return range.count > 0 && cursor.toRank(ref, isReverse ? range.first + range.count - 1 : range.first);
    }
    this.left = this.limit < 0 ? Infinity : this.limit;
    if (offset < 0 || this.left === 0 || !range.toEnd(cursor, ref, isReverse)) return false;
    if (offset === 0) return true;
    return cursor.toRank(ref, cursor.rank() + (isReverse ? -offset : offset)) && this.#isWithin(cursor);
  }

  /** Goes to the next one; false if there is none. */
  next(cursor: SortedSetCursor): boolean {
    if (--this.left <= 0) return false;
    if (!(this.isReverse ? cursor.previous() : cursor.next())) return false;
    return this.by === "rank" || this.#isWithin(cursor);
  }

  #isWithin(cursor: SortedSetCursor): boolean {
    return this.isReverse ? range.isAboveMin(cursor) : range.isBelowMax(cursor);
  }
}

const query = new RangeQuery();

/** Replies with the members that are asked for: `ZRANGE key min max …` and its kin. */
function replyRange(session: Session, request: Request, form: Form): void {
  const { reply, host } = session;
  if (!query.read(session, request, 2, form)) return;
  const ref = readSortedSet(session, request);
  if (ref === FAILED) return;
  if (ref === MISSING) return reply.array(0);
  const cursor = cursorOf(host.store);
  const isThere = query.begin(cursor, ref);
  if (!isThere) return reply.array(0);
  if (query.by === "rank") {
    reply.array(replyLength(reply, query.left, query.withScores));
    replyMembers(reply, cursor);
  } else {
    const mark = reply.open();
    reply.closeArray(mark, replyLength(reply, replyMembers(reply, cursor), query.withScores));
  }
}

/** Replies with the members from where the cursor stands on; how many. */
function replyMembers(reply: ReplyWriter, cursor: SortedSetCursor): number {
  const { withScores } = query;
  let count = 0;
  do {
    replyMember(reply, cursor, withScores);
    count++;
  } while (query.next(cursor) && !reply.isCut);
  return count;
}

const STORE: Form = { by: null, isReverse: null, isStore: true };

/** `ZRANGESTORE dst src min max [BYSCORE | BYLEX] [REV] [LIMIT offset count]` */
function zrangestore(session: Session, request: Request): void {
  const { host, reply } = session;
  if (!query.read(session, request, 3, STORE)) return;
  const ref = readSortedSet(session, request, 2);
  if (ref === FAILED) return;
  if (ref === MISSING) {
    removeTarget(session, request, 1);
    return reply.integer(0);
  }
  const cursor = cursorOf(host.store);
  const isThere = query.begin(cursor, ref);
  // Redis adds members to a listpack as long as they fit, in which -0 is 0, unless it knows beforehand that they do not: by
  // rank alone.
  const { maxListpackEntries, maxListpackValue } = host.store.sortedSets;
  let fits = query.by !== "rank" || query.left <= maxListpackEntries;
  const result = sortedSetResult;
  try {
    if (isThere) {
      do {
        fits &&= result.count < maxListpackEntries && cursor.member.length <= maxListpackValue;
        result.add(cursor.member, fits ? cursor.score + 0 : cursor.score);
      } while (query.next(cursor));
    }
    result.store(session, request, 1, "zrangestore");
  } finally {
    result.release();
  }
}

// --- Counting and removing --------------------------------------------------------------------------------------------

/** `ZCOUNT key min max` and ZLEXCOUNT */
function count(session: Session, request: Request, by: RangeKind): void {
  if (!range.read(session, request, by, 2, 3)) return;
  const ref = readSortedSet(session, request);
  if (ref === FAILED) return;
  if (ref === MISSING) return session.reply.integer(0);
  range.measure(cursorOf(session.host.store), ref);
  session.reply.integer(range.count);
}

/** `ZREMRANGEBYRANK key start stop` and its kin */
function removeRange(session: Session, request: Request, by: RangeKind): void {
  const { host, reply } = session;
  if (!range.read(session, request, by, 2, 3)) return;
  const ref = writeSortedSet(session, request);
  if (ref === FAILED) return;
  if (ref === MISSING) return reply.integer(0);
  range.measure(cursorOf(host.store), ref);
  if (range.count > 0) {
    host.store.sortedSets.deleteRanks(ref, range.first, range.count);
    elementsRemoved(session, request, 1, host.store.sortedSets, ref, EVENT_ZSET, `zremrangeby${by}`, range.count);
  }
  reply.integer(range.count);
}

const ZSET = { categories: ["sortedset"] };
const READS = { ...ZSET, keys: KEY_RO_ACCESS };

function ranged(by: RangeKind | null, isReverse: boolean | null): Handler {
  const form: Form = { by, isReverse, isStore: false };
  return (session, request) => replyRange(session, request, form);
}

const zcount: Handler = (session, request) => count(session, request, "score");
const zlexcount: Handler = (session, request) => count(session, request, "lex");
const zremrangebyrank: Handler = (session, request) => removeRange(session, request, "rank");
const zremrangebyscore: Handler = (session, request) => removeRange(session, request, "score");
const zremrangebylex: Handler = (session, request) => removeRange(session, request, "lex");

export const SORTED_SET_RANGE_COMMANDS: readonly Command[] = [
  command("zrange", -4, READONLY, ranged(null, null), READS),
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
