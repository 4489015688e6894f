/**
 * Taking members off the ends of sorted sets: ZPOPMIN, ZPOPMAX, ZMPOP and those that wait for a member.
 *
 * O(log n) for each member taken.
 */

import type { ReplyWriter } from "../resp/reply.ts";
import type { Request } from "../resp/request.ts";
import { TYPE_ZSET } from "../store/entry.ts";
import type { SortedSetCursor } from "../store/types/sorted_set_cursor.ts";
import type { KeyWaiter } from "./client_facets.ts";
import { BLOCKING, type Command, command, FAST, type Handler, NOSCRIPT, WRITE } from "./command.ts";
import { SYNTAX_ERROR } from "./errors.ts";
import { integerFrom } from "./integer_argument.ts";
import { ACCESS, DELETE, index, KEY_RW_ACCESS_DELETE, keynum, keySpec, range, RW } from "./key_specs.ts";
import { replyElement } from "./replies.ts";
import type { Session } from "./session.ts";
import { cursorOf, membersRemoved, writeSortedSet } from "./sorted_set_access.ts";
import { FAILED, MISSING } from "./typed_keys.ts";
import { timeoutArgument } from "./waiting.ts";

/** Whom commands run for that wait for keys. */
type Waiter = Session & KeyWaiter;

/** Which end of the order. */
type Extreme = "min" | "max";

/** Writes one member and its score. */
function replyPair(reply: ReplyWriter, cursor: SortedSetCursor): void {
  replyElement(reply, cursor.member);
  reply.double(cursor.score);
}

/** Replies with `count` members from an end on, each as a pair of its own or not, and removes them. */
function takeExtremes(
  session: Session,
  request: Request,
  keyIndex: number,
  ref: number,
  extreme: Extreme,
  count: number,
  inPairs: boolean,
): void {
  const { host, reply } = session;
  const { sortedSets } = host.store;
  const cursor = cursorOf(host.store);
  const total = sortedSets.count(ref);
  let isThere = extreme === "min" ? cursor.toRank(ref, 0) : cursor.toLast(ref);
  for (let left = count; isThere && left > 0; left--) {
    if (inPairs) reply.array(2);
    replyPair(reply, cursor);
    isThere = left > 1 && (extreme === "min" ? cursor.next() : cursor.previous());
  }
  sortedSets.deleteRanks(ref, extreme === "min" ? 0 : total - count, count);
  membersRemoved(session, request, keyIndex, ref, count, extreme === "min" ? "zpopmin" : "zpopmax");
}

/** `ZPOPMIN key [count]` and ZPOPMAX */
function pop(session: Session, request: Request, extreme: Extreme): void {
  const { reply, host } = session;
  if (request.argc > 3) return reply.error(SYNTAX_ERROR);
  let wanted = 1;
  const hasCount = request.argc === 3;
  if (hasCount) {
    const given = integerFrom(session, request, 2, 0, "ERR value is out of range, must be positive");
    if (given === null) return;
    wanted = given;
  }
  const ref = writeSortedSet(session, request);
  if (ref === FAILED) return;
  if (ref === MISSING || wanted === 0) return reply.array(0);
  const count = Math.min(wanted, host.store.sortedSets.count(ref));
  const inPairs = hasCount && session.protocol === 3;
  reply.array(inPairs ? count : count * 2);
  takeExtremes(session, request, 1, ref, extreme, count, inPairs);
}

/** `BZPOPMIN key [key …] timeout` and BZPOPMAX */
function blockingPop(session: Waiter, request: Request, extreme: Extreme): void {
  const { reply } = session;
  const last = request.argc - 1;
  const timeoutMs = timeoutArgument(session, request, last);
  if (timeoutMs === null) return;
  for (let i = 1; i < last; i++) {
    const ref = writeSortedSet(session, request, i);
    if (ref === FAILED) return;
    if (ref === MISSING) continue;
    reply.array(3);
    reply.bulk(request.bytes, request.starts[i], request.lengths[i]);
    takeExtremes(session, request, i, ref, extreme, 1, false);
    session.propagateAs(2)?.word(extreme === "min" ? "ZPOPMIN" : "ZPOPMAX").argument(request, i);
    return;
  }
  session.waitForKeys(request, 1, last - 1, TYPE_ZSET, timeoutMs, () => reply.nilArray());
}

/** What ZMPOP and BZMPOP were asked. */
interface MultiplePop {
  readonly firstKey: number;
  readonly keys: number;
  readonly extreme: Extreme;
  readonly count: number;
}

/** Reads `numkeys key [key …] <MIN | MAX> [COUNT count]` from an argument on; null after having replied with an error. */
function multiplePop(session: Session, request: Request, at: number): MultiplePop | null {
  const { reply } = session;
  const keys = integerFrom(session, request, at, 1, "ERR numkeys should be greater than 0");
  if (keys === null) return null;
  const whereAt = at + keys + 1;
  const isMin = whereAt < request.argc && request.is(whereAt, "min");
  if (whereAt >= request.argc || (!isMin && !request.is(whereAt, "max"))) {
    reply.error(SYNTAX_ERROR);
    return null;
  }
  let count = 1;
  for (let i = whereAt + 1; i < request.argc; i += 2) {
    if (i > whereAt + 1 || !request.is(i, "count") || i + 1 === request.argc) {
      reply.error(SYNTAX_ERROR);
      return null;
    }
    const given = integerFrom(session, request, i + 1, 1, "ERR count should be greater than 0");
    if (given === null) return null;
    count = given;
  }
  return { firstKey: at + 1, keys, extreme: isMin ? "min" : "max", count };
}

/** Takes members of the first sorted set that has some. */
function popFirst(session: Session, request: Request, asked: MultiplePop): "popped" | "failed" | "empty" {
  const { host, reply } = session;
  const { extreme } = asked;
  for (let i = asked.firstKey; i < asked.firstKey + asked.keys; i++) {
    const ref = writeSortedSet(session, request, i);
    if (ref === FAILED) return "failed";
    if (ref === MISSING) continue;
    const count = Math.min(asked.count, host.store.sortedSets.count(ref));
    reply.array(2);
    reply.bulk(request.bytes, request.starts[i], request.lengths[i]);
    reply.array(count);
    takeExtremes(session, request, i, ref, extreme, count, true);
    session.propagateAs(3)?.word(extreme === "min" ? "ZPOPMIN" : "ZPOPMAX").argument(request, i).integer(count);
    return "popped";
  }
  return "empty";
}

/** `ZMPOP numkeys key [key …] <MIN | MAX> [COUNT count]` */
function zmpop(session: Session, request: Request): void {
  const asked = multiplePop(session, request, 1);
  if (asked !== null && popFirst(session, request, asked) === "empty") session.reply.nilArray();
}

/** `BZMPOP timeout numkeys key [key …] <MIN | MAX> [COUNT count]` */
function bzmpop(session: Waiter, request: Request): void {
  const asked = multiplePop(session, request, 2);
  if (asked === null) return;
  const timeoutMs = timeoutArgument(session, request, 1);
  if (timeoutMs === null || popFirst(session, request, asked) !== "empty") return;
  session.waitForKeys(request, asked.firstKey, asked.keys, TYPE_ZSET, timeoutMs, () => session.reply.nilArray());
}

const ZSET = { categories: ["sortedset"] };
const TAKEN = { ...ZSET, keys: KEY_RW_ACCESS_DELETE };
const TAKEN_OR_AWAITED = { ...ZSET, keys: [keySpec(RW | ACCESS | DELETE, index(1), range(-2))] };

const zpopmin: Handler = (session, request) => pop(session, request, "min");
const zpopmax: Handler = (session, request) => pop(session, request, "max");
const bzpopmin: Handler = (session, request) => blockingPop(session, request, "min");
const bzpopmax: Handler = (session, request) => blockingPop(session, request, "max");

export const SORTED_SET_POP_COMMANDS: readonly Command[] = [
  command("zpopmin", -2, WRITE | FAST, zpopmin, TAKEN),
  command("zpopmax", -2, WRITE | FAST, zpopmax, TAKEN),
  command("bzpopmin", -3, WRITE | NOSCRIPT | FAST | BLOCKING, bzpopmin, TAKEN_OR_AWAITED),
  command("bzpopmax", -3, WRITE | NOSCRIPT | FAST | BLOCKING, bzpopmax, TAKEN_OR_AWAITED),
  command("zmpop", -4, WRITE, zmpop, { ...ZSET, keys: [keySpec(RW | ACCESS | DELETE, index(1), keynum())] }),
  command("bzmpop", -5, WRITE | BLOCKING, bzmpop, {
    ...ZSET,
    keys: [keySpec(RW | ACCESS | DELETE, index(2), keynum())],
  }),
];
