/**
 * Taking elements off an end of the first of several keys that has some: what LMPOP and ZMPOP have in common, and BLPOP,
 * BZPOPMIN and their kin, which wait where there are none. It is propagated as the command that takes off that one key.
 */

import type { Request } from "../resp/request.ts";
import type { KeyWaiter } from "./client_facets.ts";
import { SYNTAX_ERROR } from "./errors.ts";
import { integerFrom } from "./integer_argument.ts";
import { refuse } from "./replies.ts";
import type { Session } from "./session.ts";
import { timeoutInSeconds } from "./timeouts.ts";
import { FAILED, MISSING, writeTyped } from "./typed_keys.ts";

/** Whom commands run for that wait for keys. */
export type Waiter = Session & KeyWaiter;

/** How a family takes elements off the ends of its values; `E` are those ends. */
export interface EndPops<E> {
  /** The values' type. */
  readonly type: number;
  /** Replies for a single element: two where it has a score. */
  readonly parts: 1 | 2;
  /** The end that an argument names; null where it names none. */
  endArgument(request: Request, at: number): E | null;
  /** The command that takes elements off an end of one key. */
  word(end: E): string;
  /** Replies with the element at an end, part by part, and takes it. Tells of it. */
  takeOne(session: Session, request: Request, keyIndex: number, ref: number, end: E): void;
  /** Replies with an array of `count` elements, as many as there are or fewer, and takes them. Tells of it. */
  take(session: Session, request: Request, keyIndex: number, ref: number, end: E, count: number): void;
}

/** `BLPOP key [key …] timeout` and its kin */
export function popOneOrWait<E>(session: Waiter, request: Request, pops: EndPops<E>, end: E): void {
  const { reply } = session;
  const last = request.argc - 1;
  const timeoutMs = timeoutInSeconds(session, request, last);
  if (timeoutMs === null) return;
  for (let i = 1; i < last; i++) {
    const ref = writeTyped(session, request, i, pops.type);
    if (ref === FAILED) return;
    if (ref === MISSING) continue;
    reply.array(1 + pops.parts);
    reply.bulk(request.bytes, request.starts[i], request.lengths[i]);
    pops.takeOne(session, request, i, ref, end);
    session.propagateAs(2)?.word(pops.word(end)).argument(request, i);
    return;
  }
  session.waitForKeys(request, 1, last - 1, pops.type, timeoutMs, () => reply.nilArray());
}

/** What LMPOP and its kin were asked. */
interface Asked<E> {
  readonly firstKey: number;
  readonly keys: number;
  readonly end: E;
  readonly count: number;
}

/** Reads `numkeys key [key …] end [COUNT count]` from argument `at` on; null after having replied with an error. */
function readAsked<E>(session: Session, request: Request, at: number, pops: EndPops<E>): Asked<E> | null {
  const keys = integerFrom(session, request, at, 1, "ERR numkeys should be greater than 0");
  if (keys === null) return null;
  const endAt = at + keys + 1;
  const end = endAt < request.argc ? pops.endArgument(request, endAt) : null;
  if (end === null) return refuse(session, SYNTAX_ERROR);
  let count: number | null = 1;
  for (let i = endAt + 1; i < request.argc; i += 2) {
    if (i > endAt + 1 || i + 1 === request.argc || !request.is(i, "count")) return refuse(session, SYNTAX_ERROR);
    count = integerFrom(session, request, i + 1, 1, "ERR count should be greater than 0");
    if (count === null) return null;
  }
  return { firstKey: at + 1, keys, end, count };
}

/** Takes elements of the first value that has some; false if none has. True, too, after having replied with an error. */
function takeFirst<E>(session: Session, request: Request, pops: EndPops<E>, asked: Asked<E>): boolean {
  const { host, reply } = session;
  const { firstKey, keys, end } = asked;
  for (let i = firstKey; i < firstKey + keys; i++) {
    const ref = writeTyped(session, request, i, pops.type);
    if (ref === FAILED) return true;
    if (ref === MISSING) continue;
    const count = Math.min(asked.count, host.store.heap.typeOf(ref).count(ref));
    reply.array(2);
    reply.bulk(request.bytes, request.starts[i], request.lengths[i]);
    pops.take(session, request, i, ref, end, count);
    session.propagateAs(3)?.word(pops.word(end)).argument(request, i).integer(count);
    return true;
  }
  return false;
}

/** `LMPOP numkeys key [key …] end [COUNT count]` and its kin */
export function popFirst<E>(session: Session, request: Request, pops: EndPops<E>): void {
  const asked = readAsked(session, request, 1, pops);
  if (asked !== null && !takeFirst(session, request, pops, asked)) session.reply.nilArray();
}

/** `BLMPOP timeout numkeys key [key …] end [COUNT count]` and its kin */
export function popFirstOrWait<E>(session: Waiter, request: Request, pops: EndPops<E>): void {
  const asked = readAsked(session, request, 2, pops);
  if (asked === null) return;
  const timeoutMs = timeoutInSeconds(session, request, 1);
  if (timeoutMs === null || takeFirst(session, request, pops, asked)) return;
  session.waitForKeys(request, asked.firstKey, asked.keys, pops.type, timeoutMs, () => session.reply.nilArray());
}
