/** Expiry arguments of SET, GETEX, EXPIRE and their kin: from what the client gave to a Unix time in ms. */

import { INT64_MAX, INT64_MIN } from "../bytes/integers.ts";
import type { Request } from "../resp/request.ts";
import type { UnixMs } from "../store/entry.ts";
import { NOT_INTEGER } from "./errors.ts";
import { exactInteger } from "./integer_argument.ts";
import { refuse } from "./replies.ts";
import type { Session } from "./session.ts";

/** Seconds or milliseconds, from now on or since 1970. */
export type TimeUnit = "ex" | "px" | "exat" | "pxat";

/** Times below this stay safe integers as milliseconds since 1970. */
const MAX_QUICK = 1e12;

const UNITS: readonly TimeUnit[] = ["ex", "px", "exat", "pxat"];

/**
 * The option of SET or GETEX that says what becomes of the expiry. One kind only, but it may be repeated: the last
 * counts.
 */
export class ExpiryOption {
  kind: TimeUnit | "keepttl" | "persist" | null = null;
  /** Argument that holds the time, for a kind that has one. */
  argument = 0;

  constructor(readonly withoutTime: "keepttl" | "persist") {}

  /** Takes the option at argument `index` if it is one and fits those before; how many arguments that took, or 0. */
  take(request: Request, index: number): number {
    if (request.is(index, this.withoutTime)) return this.#set(this.withoutTime, 0, 1);
    if (index + 1 >= request.argc) return 0;
    for (const unit of UNITS) if (request.is(index, unit)) return this.#set(unit, index + 1, 2);
    return 0;
  }

  #set(kind: TimeUnit | "keepttl" | "persist", argument: number, taken: number): number {
    if (this.kind !== null && this.kind !== kind) return 0;
    this.kind = kind;
    this.argument = argument;
    return taken;
  }
}

/** The error for an expiry that is out of range, in the words of the command named. */
export function invalidExpire(commandName: string): string {
  return `ERR invalid expire time in '${commandName}' command`;
}

/**
 * A time as a Unix time in ms, or null where int64 cannot hold it; a number where that is exact.
 */
export function toUnixMs(value: number | bigint, unit: TimeUnit, nowMs: number): UnixMs | null {
  if (typeof value === "number" && Math.abs(value) < MAX_QUICK) {
    const ms = unit === "ex" || unit === "exat" ? value * 1000 : value;
    return unit === "ex" || unit === "px" ? ms + nowMs : ms;
  }
  let ms = BigInt(value);
  if (unit === "ex" || unit === "exat") {
    ms *= 1000n;
    if (ms > INT64_MAX || ms < INT64_MIN) return null;
  }
  if (unit === "ex" || unit === "px") {
    ms += BigInt(nowMs);
    if (ms > INT64_MAX || ms < INT64_MIN) return null;
  }
  const rounded = Number(ms);
  return Number.isSafeInteger(rounded) ? rounded : ms;
}

/**
 * The expiry that argument `index` gives, which must be positive; null after having replied with an error.
 */
export function expiryFromArgument(
  session: Session,
  request: Request,
  index: number,
  unit: TimeUnit,
  commandName: string,
): UnixMs | null {
  const value = exactInteger(request, index);
  if (value === null) {
    return refuse(session, NOT_INTEGER);
  }
  const expiry = value > 0 ? toUnixMs(value, unit, session.host.store.nowMs) : null;
  if (expiry === null) session.reply.error(invalidExpire(commandName));
  return expiry;
}
