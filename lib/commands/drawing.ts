/**
 * Drawing elements by chance: what HRANDFIELD, SRANDMEMBER and ZRANDMEMBER have in common. How many are asked for, and
 * which of them are taken where none may come twice: each choice of so many is as likely as any other.
 */

import { INT64_MAX, INT64_MIN } from "../bytes/integers.ts";
import type { Request } from "../resp/request.ts";
import { random } from "../runtime/random.ts";
import { NOT_INTEGER, SYNTAX_ERROR } from "./errors.ts";
import { exactInteger } from "./integer_argument.ts";
import { refuse } from "./replies.ts";
import type { Session } from "./session.ts";

const COUNT_OUT_OF_RANGE = `ERR value is out of range, value must between ${-INT64_MAX} and ${INT64_MAX}`;
/** Most elements that are asked for together with a second part of each. */
const MAX_PAIRS = INT64_MAX / 2n;
/** More than these are not drawn one by one: a Set of them has its limits. */
const MAX_DRAWN = 2 ** 20;
/** Elements are drawn one by one where that is at most one in so many of all. */
const SPARSE = 3;

/** How many elements are asked for. */
export interface Draw {
  /** Below 0: so many, of which some may be the same. */
  count: number;
  /** Whether each comes with its second part: a value, or a score. */
  inPairs: boolean;
}

const draw: Draw = { count: 0, inPairs: false };

/** Reads `count [pairWord]` from argument 2 on; null after having replied with an error. Good until the next. */
export function drawArguments(session: Session, request: Request, pairWord: string | null): Draw | null {
  const count = exactInteger(request, 2);
  if (count === null) return refuse(session, NOT_INTEGER);
  if (count === INT64_MIN) return refuse(session, COUNT_OUT_OF_RANGE);
  draw.count = Number(count);
  draw.inPairs = request.argc > 3;
  if (!draw.inPairs) return draw;
  if (request.argc > 4 || pairWord === null || !request.is(3, pairWord)) return refuse(session, SYNTAX_ERROR);
  return count < -MAX_PAIRS || count > MAX_PAIRS ? refuse(session, "ERR value is out of range") : draw;
}

/** Whether `count` of `total` elements are so few that it is quicker to draw them than to go through all. */
export function areFew(count: number, total: number): boolean {
  return count * SPARSE < total && count <= MAX_DRAWN;
}

/** Draws until there are `count` different ones. O(count), if they are few. */
export function drawDifferent(count: number, drawOne: () => number): Set<number> {
  const drawn = new Set<number>();
  while (drawn.size < count) drawn.add(drawOne());
  return drawn;
}

/** Takes `needed` of `left` elements that are gone through: selection sampling (Knuth, 3.4.2, algorithm S). */
export class Sampling {
  constructor(public needed: number, public left: number) {}

  /** Whether the next element is taken. */
  takesNext(): boolean {
    if (random() * this.left-- >= this.needed) return false;
    this.needed--;
    return true;
  }
}
