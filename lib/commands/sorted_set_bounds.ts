/**
 * Ranges of sorted sets, as commands name them: by rank, by score or by the members' bytes. A range finds its first or last
 * member in one descent, and tells of the members that a cursor comes to from there whether they are still in it.
 */

import { compareBytes } from "../bytes/compare.ts";
import { parseLenientDouble } from "../bytes/doubles.ts";
import type { Request } from "../resp/request.ts";
import type { SortedSetCursor } from "../store/types/sorted_set_cursor.ts";
import { integerArgument } from "./integer_argument.ts";
import type { Session } from "./session.ts";

export type RangeKind = "rank" | "score" | "lex";

const EXCLUDED = 0x28; // (
const INCLUDED = 0x5b; // [
const LOWEST = 0x2d; // -
const HIGHEST = 0x2b; // +

/** One end of a range by score or by bytes. */
class Bound {
  score = 0;
  /** By bytes: whether it is below, or above, all members. */
  isLowest = false;
  isHighest = false;
  /** By bytes: where they are in the request. */
  start = 0;
  length = 0;
  isExcluded = false;

  /** Reads `1.5`, `(1.5`, `-inf`; whether it is one. */
  readScore({ bytes, starts, lengths }: Request, at: number): boolean {
    this.isExcluded = lengths[at] > 0 && bytes[starts[at]] === EXCLUDED;
    const skipped = this.isExcluded ? 1 : 0;
    this.score = parseLenientDouble(bytes, starts[at] + skipped, lengths[at] - skipped);
    return !Number.isNaN(this.score);
  }

  /** Reads `[a`, `(a`, `-`, `+`; whether it is one. */
  readLex({ bytes, starts, lengths }: Request, at: number): boolean {
    const first = lengths[at] > 0 ? bytes[starts[at]] : 0;
    const hasMore = lengths[at] > 1 && bytes[starts[at] + 1] !== 0;
    this.isLowest = first === LOWEST && !hasMore;
    this.isHighest = first === HIGHEST && !hasMore;
    this.isExcluded = first === EXCLUDED;
    this.start = starts[at] + 1;
    this.length = lengths[at] - 1;
    return this.isLowest || this.isHighest || this.isExcluded || first === INCLUDED;
  }
}

/** A range, to be read from one request after another. */
export class SortedSetRange {
  kind: RangeKind = "rank";
  /** By rank: the first and last, which count from the end where they are negative. */
  start = 0;
  stop = 0;
  readonly #min = new Bound();
  readonly #max = new Bound();
  /** The request that was read last: bounds by bytes lie in it. */
  #bytes: Uint8Array = new Uint8Array(0);
  /** What `measure` finds: the rank of the first member, and the number of members. */
  first = 0;
  count = 0;

  /** Reads the bounds from two arguments; false after having replied with an error. */
  read(session: Session, request: Request, kind: RangeKind, min: number, max: number): boolean {
    this.kind = kind;
    this.#bytes = request.bytes;
    if (kind === "rank") {
      const start = integerArgument(session, request, min);
      const stop = start === null ? null : integerArgument(session, request, max);
      if (start === null || stop === null) return false;
      this.start = start;
      this.stop = stop;
      return true;
    }
    const isSound = kind === "score"
      ? this.#min.readScore(request, min) && this.#max.readScore(request, max)
      : this.#min.readLex(request, min) && this.#max.readLex(request, max);
    if (isSound) return true;
    session.reply.error(
      kind === "score" ? "ERR min or max is not a float" : "ERR min or max not valid string range item",
    );
    return false;
  }

  /** By rank: finds `first` and `count` among `total` members. With `isReverse` ranks count from the highest score. */
  measureRanks(total: number, isReverse: boolean): void {
    const from = Math.max(0, this.start < 0 ? this.start + total : this.start);
    const to = Math.min(total - 1, this.stop < 0 ? this.stop + total : this.stop);
    this.count = Math.max(0, to - from + 1);
    this.first = isReverse ? total - 1 - to : from;
  }

  /** Finds `first` and `count` in a sorted set. O(log n). */
  measure(cursor: SortedSetCursor, ref: number): void {
    const total = cursor.sets.count(ref);
    if (this.kind === "rank") return this.measureRanks(total, false);
    this.first = this.#toMin(cursor, ref) ? cursor.rank() : total;
    const end = this.#behindMax(cursor, ref) ? cursor.rank() : total;
    this.count = Math.max(0, end - this.first);
  }

  /** By score or bytes: goes to the first member of the range, or to the last; false if there is none. O(log n). */
  toEnd(cursor: SortedSetCursor, ref: number, isReverse: boolean): boolean {
    if (!isReverse) return this.#toMin(cursor, ref) && this.isBelowMax(cursor);
    const isThere = this.#behindMax(cursor, ref) ? cursor.previous() : cursor.toLast(ref);
    return isThere && this.isAboveMin(cursor);
  }

  /** Goes to the first member that is not below the range. */
  #toMin(cursor: SortedSetCursor, ref: number): boolean {
    const bound = this.#min;
    if (this.kind === "score") return cursor.toScore(ref, bound.score, bound.isExcluded);
    if (bound.isHighest) return false;
    if (bound.isLowest) return cursor.toRank(ref, 0);
    return cursor.toMember(ref, this.#bytes, bound.start, bound.length, bound.isExcluded);
  }

  /** Goes to the first member that is above the range. */
  #behindMax(cursor: SortedSetCursor, ref: number): boolean {
    const bound = this.#max;
    if (this.kind === "score") return cursor.toScore(ref, bound.score, !bound.isExcluded);
    if (bound.isHighest) return false;
    if (bound.isLowest) return cursor.toRank(ref, 0);
    return cursor.toMember(ref, this.#bytes, bound.start, bound.length, !bound.isExcluded);
  }

  /** Whether the member at which a cursor stands is not above the range. */
  isBelowMax(cursor: SortedSetCursor): boolean {
    const bound = this.#max;
    if (this.kind === "score") return bound.isExcluded ? cursor.score < bound.score : cursor.score <= bound.score;
    if (bound.isLowest || bound.isHighest) return bound.isHighest;
    const order = this.#compare(cursor, bound);
    return bound.isExcluded ? order < 0 : order <= 0;
  }

  /** Whether the member at which a cursor stands is not below the range. */
  isAboveMin(cursor: SortedSetCursor): boolean {
    const bound = this.#min;
    if (this.kind === "score") return bound.isExcluded ? cursor.score > bound.score : cursor.score >= bound.score;
    if (bound.isLowest || bound.isHighest) return bound.isLowest;
    const order = this.#compare(cursor, bound);
    return bound.isExcluded ? order > 0 : order >= 0;
  }

  #compare({ member }: SortedSetCursor, { start, length }: Bound): number {
    return compareBytes(member.bytes, member.start, member.length, this.#bytes, start, length);
  }
}
