/** Integers among the arguments. */

import { parseInt64, parseSafeInteger } from "../bytes/integers.ts";
import type { Request } from "../resp/request.ts";
import { NOT_INTEGER } from "./errors.ts";
import type { Session } from "./session.ts";

/** A 64-bit integer: exact up to 2^53, beyond that the nearest double; NaN where it is none. */
export function looseInteger(request: Request, at: number): number {
  const start = request.starts[at];
  const length = request.lengths[at];
  const value = parseSafeInteger(request.bytes, start, length);
  if (!Number.isNaN(value)) return value;
  const exact = parseInt64(request.bytes, start, length);
  return exact === null ? NaN : Number(exact);
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
  session.reply.error(error);
  return null;
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
  session.reply.error(error);
  return null;
}
