/**
 * Taking members off the ends of sorted sets: ZPOPMIN, ZPOPMAX, ZMPOP and those that wait for a member.
 *
 * O(log n) for each member taken.
 */

import type { Request } from "../resp/request.ts";
import { TYPE_ZSET } from "../store/entry.ts";
import { BLOCKING, type Command, command, FAST, type Handler, WRITE } from "./command.ts";
import { NOT_POSITIVE, SYNTAX_ERROR } from "./errors.ts";
import { EVENT_ZSET } from "./events.ts";
import { integerFrom } from "./integer_argument.ts";
import { type EndPops, popFirst, popFirstOrWait, popOneOrWait } from "./key_pops.ts";
import { ACCESS, DELETE, index, KEY_RW_ACCESS_DELETE, keynum, keySpec, range, RW } from "./key_specs.ts";
import { elementsRemoved } from "./removal.ts";
import { replyElement } from "./replies.ts";
import type { Session } from "./session.ts";
import { cursorOf, writeSortedSet } from "./sorted_set_access.ts";
import { FAILED, MISSING } from "./typed_keys.ts";

/** Which end of the order. */
type Extreme = "min" | "max";

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
  let isThere = extreme === "min" ? cursor.toFirst(ref) : cursor.toLast(ref);
  for (let left = count; isThere && left > 0; left--) {
    if (inPairs) reply.array(2);
    replyElement(reply, cursor.member);
    reply.double(cursor.score);
    isThere = left > 1 && (extreme === "min" ? cursor.next() : cursor.previous());
  }
  if (count === 1) cursor.remove(ref);
  else sortedSets.deleteRanks(ref, extreme === "min" ? 0 : sortedSets.count(ref) - count, count);
  const event = extreme === "min" ? "zpopmin" : "zpopmax";
  elementsRemoved(session, request, keyIndex, sortedSets, ref, EVENT_ZSET, event, count);
}

/** `ZPOPMIN key [count]` and ZPOPMAX */
function pop(session: Session, request: Request, extreme: Extreme): void {
  const { reply, host } = session;
  if (request.argc > 3) return reply.error(SYNTAX_ERROR);
  let wanted = 1;
  const hasCount = request.argc === 3;
  if (hasCount) {
    const given = integerFrom(session, request, 2, 0, NOT_POSITIVE);
    if (given === null) return;
    wanted = given;
  }
  const ref = writeSortedSet(session, request);
  if (ref === FAILED) return;
  if (ref === MISSING || wanted === 0) return reply.array(0);
  // A sorted set that is there has a member.
  const count = wanted === 1 ? 1 : Math.min(wanted, host.store.sortedSets.count(ref));
  const inPairs = hasCount && session.protocol === 3;
  reply.array(inPairs ? count : count * 2);
  takeExtremes(session, request, 1, ref, extreme, count, inPairs);
}

/** `MIN` or `MAX`; null for anything else. */
function extremeArgument(request: Request, at: number): Extreme | null {
  if (request.is(at, "min")) return "min";
  return request.is(at, "max") ? "max" : null;
}

const SORTED_SET_POPS: EndPops<Extreme> = {
  type: TYPE_ZSET,
  parts: 2,
  endArgument: extremeArgument,
  word: (extreme) => extreme === "min" ? "ZPOPMIN" : "ZPOPMAX",
  takeOne(session, request, keyIndex, ref, extreme) {
    takeExtremes(session, request, keyIndex, ref, extreme, 1, false);
  },
  take(session, request, keyIndex, ref, extreme, count) {
    session.reply.array(count);
    takeExtremes(session, request, keyIndex, ref, extreme, count, true);
  },
};

const ZSET = { categories: ["sortedset"] };
const TAKEN = { ...ZSET, keys: KEY_RW_ACCESS_DELETE };
const TAKEN_OR_AWAITED = { ...ZSET, keys: [keySpec(RW | ACCESS | DELETE, index(1), range(-2))] };

const zpopmin: Handler = (session, request) => pop(session, request, "min");
const zpopmax: Handler = (session, request) => pop(session, request, "max");
const bzpopmin: Handler = (session, request) => popOneOrWait(session, request, SORTED_SET_POPS, "min");
const bzpopmax: Handler = (session, request) => popOneOrWait(session, request, SORTED_SET_POPS, "max");
const zmpop: Handler = (session, request) => popFirst(session, request, SORTED_SET_POPS);
const bzmpop: Handler = (session, request) => popFirstOrWait(session, request, SORTED_SET_POPS);

export const SORTED_SET_POP_COMMANDS: readonly Command[] = [
  command("zpopmin", -2, WRITE | FAST, zpopmin, TAKEN),
  command("zpopmax", -2, WRITE | FAST, zpopmax, TAKEN),
  command("bzpopmin", -3, WRITE | FAST | BLOCKING, bzpopmin, TAKEN_OR_AWAITED),
  command("bzpopmax", -3, WRITE | FAST | BLOCKING, bzpopmax, TAKEN_OR_AWAITED),
  command("zmpop", -4, WRITE, zmpop, { ...ZSET, keys: [keySpec(RW | ACCESS | DELETE, index(1), keynum())] }),
  command("bzmpop", -5, WRITE | BLOCKING, bzmpop, {
    ...ZSET,
    keys: [keySpec(RW | ACCESS | DELETE, index(2), keynum())],
  }),
];
