/**
 * What SCAN and its kin have in common: the cursor argument and the options MATCH and COUNT; and all of HSCAN, SSCAN and
 * ZSCAN but for how an element is replied.
 */

import { globMatch } from "../bytes/glob.ts";
import type { Request } from "../resp/request.ts";
import type { Element } from "../store/listpack.ts";
import { NOT_INTEGER, SYNTAX_ERROR } from "./errors.ts";
import { looseInteger } from "./integer_argument.ts";
import { refuse } from "./replies.ts";
import type { Session } from "./session.ts";
import { FAILED, MISSING, readTyped } from "./typed_keys.ts";

/** Elements that a call visits when COUNT does not say. */
const DEFAULT_COUNT = 10;
const CURSOR = /^(?:[+-]?\d+)?$/;

/**
 * A cursor argument, as C's `strtoul` reads it, or -1 after having replied with an error. Our cursors are uint32s; of
 * a larger one, which we did not give, the lower half is taken.
 */
export function parseCursor(session: Session, request: Request, index: number): number {
  const value = request.integer(index);
  if (value >= 0) return value % 4294967296;
  const text = request.text(index);
  const exact = CURSOR.test(text) ? BigInt(text.replace("+", "")) : null;
  if (exact === null || exact >= 2n ** 64n || exact <= -(2n ** 64n)) {
    session.reply.error("ERR invalid cursor");
    return -1;
  }
  return Number(BigInt.asUintN(32, exact));
}

/** The options of one call. */
export class ScanOptions {
  count: number = DEFAULT_COUNT;
  /** Argument that is the pattern, or 0 where everything matches. */
  #pattern = 0;
  #request: Request;

  constructor(request: Request) {
    this.#request = request;
  }

  /** Reads MATCH and COUNT from argument `first` on; null after having replied with an error. */
  static parse(session: Session, request: Request, first: number): ScanOptions | null {
    const options = new ScanOptions(request);
    for (let i = first; i < request.argc; i += 2) {
      const error = options.take(i);
      if (error !== null) return refuse(session, error);
    }
    return options;
  }

  /** Reads the option at argument `index` and its value; the error reply, or null. */
  take(index: number): string | null {
    const request = this.#request;
    if (index + 1 >= request.argc) return SYNTAX_ERROR;
    if (request.is(index, "match")) {
      this.#pattern = request.is(index + 1, "*") ? 0 : index + 1;
      return null;
    }
    if (!request.is(index, "count")) return SYNTAX_ERROR;
    const count = looseInteger(request, index + 1);
    if (Number.isNaN(count)) return NOT_INTEGER;
    if (count < 1) return SYNTAX_ERROR;
    this.count = count;
    return null;
  }

  /** Whether bytes match the pattern, if there is one. */
  matches(bytes: Uint8Array, start: number, length: number): boolean {
    if (this.#pattern === 0) return true;
    const { bytes: pattern, starts, lengths } = this.#request;
    return globMatch(pattern, starts[this.#pattern], lengths[this.#pattern], bytes, start, length, false);
  }

  /** Whether an element matches the pattern, if there is one. */
  matchesElement(element: Element): boolean {
    if (this.#pattern === 0) return true;
    element.toBytes();
    return this.matches(element.bytes, element.start, element.length);
  }
}

/** How a family's elements are scanned. */
export interface ElementScan {
  /** The values' type. */
  readonly type: number;
  /** Replies for an element: two where it has two parts. */
  readonly parts: 1 | 2;
  /** Replies with those elements that match of entries of a value's table; how many they are. */
  replyEntries(session: Session, options: ScanOptions, entries: readonly number[]): number;
  /** Replies with all elements that match, of a value that has no table; how many they are. */
  replyAll(session: Session, options: ScanOptions, ref: number): number;
}

/** Entries of a table that the scan under way has come to. */
const scanned: number[] = [];

/** `HSCAN key cursor [MATCH pattern] [COUNT count]` and its kin; what has no table is passed in one call, whatever the count */
export function scanElements(session: Session, request: Request, scan: ElementScan): void {
  const { reply, host: { store: { heap } } } = session;
  const cursor = parseCursor(session, request, 2);
  if (cursor < 0) return;
  const ref = readTyped(session, request, 1, scan.type);
  if (ref === FAILED) return;
  if (ref === MISSING) {
    reply.array(2);
    reply.bulkString("0");
    return reply.array(0);
  }
  const options = ScanOptions.parse(session, request, 3);
  if (options === null) return;
  const table = heap.typeOf(ref).memberTable(ref);
  reply.array(2);
  reply.bulkInteger(table === 0 ? 0 : heap.tables.scan(table, cursor, options.count, scanned));
  const mark = reply.open();
  const count = table === 0 ? scan.replyAll(session, options, ref) : scan.replyEntries(session, options, scanned);
  scanned.length = 0;
  reply.closeArray(mark, count * scan.parts);
}
