/** What stream commands have in common among their arguments: IDs, the ends of intervals, and how streams are trimmed. */

import { parseInt64 } from "../bytes/integers.ts";
import type { Request } from "../resp/request.ts";
import { StreamId } from "../store/types/stream_ids.ts";
import type { Trim } from "../store/types/streams.ts";
import type { ReplicationLink } from "./client_facets.ts";
import { NOT_INTEGER } from "./errors.ts";
import { looseInteger } from "./integer_argument.ts";
import type { Session } from "./session.ts";

export const INVALID_ID = "ERR Invalid stream ID specified as stream command argument";
/** Longer text is no ID. */
const MAX_ID_BYTES = 127;
const MINUS = 0x2d;
const PLUS = 0x2b;
const STAR = 0x2a;
const OPENING = 0x28;
/** Bounds of how many entries an approximate trimming looks at where it is not said. */
const DEFAULT_TRIM_LIMIT = 10_000;
const MAX_TRIM_LIMIT = 1_000_000;

/** What stands where an ID has its sequence. */
export type Sequence = "given" | "missing" | "any";

/** What the text of an ID came to. */
let sequence: Sequence = "given";

/** Of the ID that was read last, what stood where the sequence is: `any` for `*`, where that is allowed. */
export function readSequence(): Sequence {
  return sequence;
}

/** Which texts are IDs: `ms` and `ms-seq` always. */
interface IdForms {
  /** Whether `-` and `+` are the least and greatest ID. */
  readonly withEnds: boolean;
  /** Whether the sequence may be `*`. */
  readonly withAny: boolean;
  /** The sequence where there is none. */
  readonly missing: "first" | "last";
}

const STRICT: IdForms = { withEnds: false, withAny: false, missing: "first" };
const ADDED: IdForms = { withEnds: false, withAny: true, missing: "first" };
const START: IdForms = { withEnds: true, withAny: false, missing: "first" };
const END: IdForms = { withEnds: true, withAny: false, missing: "last" };
const EXCLUDED_START: IdForms = { ...START, withEnds: false };
const EXCLUDED_END: IdForms = { ...END, withEnds: false };

/** Reads an ID from text; false if it is none. */
function parse(bytes: Uint8Array, start: number, length: number, into: StreamId, forms: IdForms): boolean {
  if (length > MAX_ID_BYTES) return false;
  // As in C, text ends with a NUL.
  let end = start;
  while (end < start + length && bytes[end] !== 0) end++;
  sequence = "given";
  const first = bytes[start];
  if (end - start === 1 && (first === MINUS || first === PLUS)) {
    if (!forms.withEnds) return false;
    if (first === MINUS) into.setZero();
    else into.setMax();
    return true;
  }
  let dash = start;
  while (dash < end && bytes[dash] !== MINUS) dash++;
  if (!into.parseTime(bytes, start, dash - start)) return false;
  into.seqHigh = into.seqLow = 0;
  if (dash === end) {
    sequence = "missing";
    if (forms.missing === "last") into.seqHigh = into.seqLow = -1;
    return true;
  }
  if (forms.withAny && end - dash === 2 && bytes[dash + 1] === STAR) {
    sequence = "any";
    return true;
  }
  return into.parseSequence(bytes, dash + 1, end - dash - 1);
}

function parseArgument(session: Session, request: Request, at: number, into: StreamId, forms: IdForms): boolean {
  if (parse(request.bytes, request.starts[at], request.lengths[at], into, forms)) return true;
  session.reply.error(INVALID_ID);
  return false;
}

/** Reads an ID, `ms` or `ms-seq`; false after having replied that it is none. */
export function idArgument(session: Session, request: Request, at: number, into: StreamId): boolean {
  return parseArgument(session, request, at, into, STRICT);
}

/** The same, with `-` and `+` for the least and greatest ID. */
export function idOrEndArgument(session: Session, request: Request, at: number, into: StreamId): boolean {
  return parseArgument(session, request, at, into, START);
}

/** Whether an argument is an ID as `idArgument` takes it. */
export function isId(request: Request, at: number): boolean {
  return parse(request.bytes, request.starts[at], request.lengths[at], tried, STRICT);
}

const tried = new StreamId();

/** Reads the ID of an entry to be added, of which the sequence may be `*`; false after having replied that it is none. */
export function newIdArgument(session: Session, request: Request, at: number, into: StreamId): boolean {
  return parseArgument(session, request, at, into, ADDED);
}

/** Whether an argument begins as an interval's end does that is not part of it. */
function isExcluded(request: Request, at: number): boolean {
  return request.lengths[at] > 1 && request.bytes[request.starts[at]] === OPENING;
}

/** Reads the first ID of an interval: `-`, an ID, or `(` and an ID that is not part of it. False after having replied. */
export function startArgument(session: Session, request: Request, at: number, into: StreamId): boolean {
  if (!isExcluded(request, at)) return parseArgument(session, request, at, into, START);
  if (!parse(request.bytes, request.starts[at] + 1, request.lengths[at] - 1, into, EXCLUDED_START)) {
    session.reply.error(INVALID_ID);
    return false;
  }
  if (into.increment()) return true;
  session.reply.error("ERR invalid start ID for the interval");
  return false;
}

/** Reads the last ID of an interval, in the same way. */
export function endArgument(session: Session, request: Request, at: number, into: StreamId): boolean {
  if (!isExcluded(request, at)) return parseArgument(session, request, at, into, END);
  if (!parse(request.bytes, request.starts[at] + 1, request.lengths[at] - 1, into, EXCLUDED_END)) {
    session.reply.error(INVALID_ID);
    return false;
  }
  if (into.decrement()) return true;
  session.reply.error("ERR invalid end ID for the interval");
  return false;
}

/** Reads an exact int64; null after having replied that it is none. */
export function exactArgument(session: Session, request: Request, at: number): bigint | null {
  const value = parseInt64(request.bytes, request.starts[at], request.lengths[at]);
  if (value === null) session.reply.error(NOT_INTEGER);
  return value;
}

/** How XADD and XTRIM trim, and where it stands in their arguments. */
export class TrimOptions implements Trim {
  maxLength = -1;
  readonly minId: StreamId = new StreamId();
  isApproximate = false;
  limit = 0;
  strategy: "none" | "maxlen" | "minid" = "none";
  /** Argument that is `MAXLEN` or `MINID`, and that which is its value. */
  at = 0;
  valueAt = 0;
  /** Argument that is `LIMIT`; 0: there is none. */
  limitAt = 0;

  reset(): void {
    this.maxLength = -1;
    this.minId.setZero();
    this.isApproximate = false;
    this.limit = 0;
    this.strategy = "none";
    this.at = this.valueAt = this.limitAt = 0;
  }

  /**
   * Takes an option that stands at argument `i`, if it is one; the argument after it, `i` if it is none, or -1 after having
   * replied with an error.
   */
  take(session: Session, request: Request, i: number): number {
    const more = request.argc - 1 - i;
    if (more === 0) return i;
    const isLength = request.is(i, "maxlen");
    if (isLength || request.is(i, "minid")) return this.#threshold(session, request, i, isLength ? "maxlen" : "minid");
    if (!request.is(i, "limit")) return i;
    const limit = looseInteger(request, i + 1);
    if (Number.isNaN(limit)) return fail(session, NOT_INTEGER);
    if (limit < 0) return fail(session, "ERR The LIMIT argument must be >= 0.");
    this.limit = limit;
    this.limitAt = i;
    return i + 2;
  }

  #threshold(session: Session, request: Request, i: number, strategy: "maxlen" | "minid"): number {
    if (this.strategy !== "none") {
      return fail(session, "ERR syntax error, MAXLEN and MINID options at the same time are not compatible");
    }
    this.at = i;
    this.isApproximate = false;
    let at = i + 1;
    if (request.argc - 1 - i >= 2 && (request.is(at, "~") || request.is(at, "="))) {
      this.isApproximate = request.is(at, "~");
      at++;
    }
    if (strategy === "maxlen") {
      const length = looseInteger(request, at);
      if (Number.isNaN(length)) return fail(session, NOT_INTEGER);
      if (length < 0) return fail(session, "ERR The MAXLEN argument must be >= 0.");
      this.maxLength = length;
    } else if (!idArgument(session, request, at, this.minId)) {
      return -1;
    }
    this.strategy = strategy;
    this.valueAt = at;
    return at + 1;
  }

  /** All options were taken: sets the limit where it was not given. False after having replied that they do not fit. */
  complete(session: Session & Pick<ReplicationLink, "isObeyed">, maxNodeEntries: number): boolean {
    const error = this.#conflict(session.isObeyed);
    if (error !== null) {
      session.reply.error(error);
      return false;
    }
    if (session.isObeyed) {
      this.limit = 0; // what the primary has trimmed is known exactly
    } else if (this.limitAt === 0 && this.isApproximate) {
      const limit = 100 * maxNodeEntries;
      this.limit = limit <= 0 ? DEFAULT_TRIM_LIMIT : Math.min(limit, MAX_TRIM_LIMIT);
    }
    return true;
  }

  #conflict(isFromPrimary: boolean): string | null {
    if (this.limitAt === 0) return null;
    if (this.strategy === "none") {
      return this.limit > 0 ? "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy" : null;
    }
    if (this.isApproximate || isFromPrimary) return null;
    return "ERR syntax error, LIMIT cannot be used without the special ~ option";
  }
}

function fail(session: Session, error: string): -1 {
  session.reply.error(error);
  return -1;
}
