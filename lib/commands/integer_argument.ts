/** Integers among the arguments. */

import { parseInt64 } from "../bytes/integers.ts";
import type { Request } from "../resp/request.ts";
import { NOT_INTEGER } from "./errors.ts";
import { refuse } from "./replies.ts";
import type { Session } from "./session.ts";

/** An int64: a number where that is exact, else a bigint; null where it is none. */
export function exactInteger(request: Request, at: number): number | bigint | null {
  const value = request.integer(at);
  return Number.isNaN(value) ? parseInt64(request.bytes, request.starts[at], request.lengths[at]) : value;
}

/** An int64 as the nearest number, exact up to 2^53; NaN where it is none. */
export function looseInteger(request: Request, at: number): number {
  const value = request.integer(at);
  return Number.isNaN(value) ? Number(exactInteger(request, at) ?? NaN) : value;
}

/** The same; null after having replied that it is none, in the words of `error`. */
export function integerArgument(
  session: Session,
  request: Request,
  at: number,
  error: string = NOT_INTEGER,
): number | null {
  const value = looseInteger(request, at);
  if (!Number.isNaN(value)) return value;
  return refuse(session, error);
}

/** An integer from `least` on; null after having replied with `error`. */
export function integerFrom(
  session: Session,
  request: Request,
  at: number,
  least: number,
  error: string,
): number | null {
  const value = looseInteger(request, at);
  if (value >= least) return value;
  return refuse(session, error);
}
