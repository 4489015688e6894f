/**
 * Sets: SADD, SPOP, SMEMBERS and their kin; those that put sets together are in set_algebra.ts. How a set lies in the store,
 * and when its encoding changes, is `store/types/sets.ts`'s; here are the arguments, replies, events and what is propagated.
 *
 * Complexities are per member: O(1), O(log n) in an intset, O(n) in a listpack, whose n is small.
 */

import type { ReplyWriter } from "../resp/reply.ts";
import type { Request } from "../resp/request.ts";
import { random } from "../runtime/random.ts";
import { TYPE_SET } from "../store/entry.ts";
import { Element, measureElement } from "../store/listpack.ts";
import type { Store } from "../store/store.ts";
import { type Command, command, DENYOOM, FAST, type Handler, READONLY, WRITE } from "./command.ts";
import { areFew, drawArguments, drawDifferent, Sampling } from "./drawing.ts";
import { NOT_POSITIVE, SYNTAX_ERROR } from "./errors.ts";
import { EVENT_SET } from "./events.ts";
import { integerFrom } from "./integer_argument.ts";
import {
  ACCESS,
  DELETE,
  INSERT,
  KEY_RO,
  KEY_RO_ACCESS,
  KEY_RW_ACCESS_DELETE,
  KEY_RW_DELETE,
  KEY_RW_INSERT,
  oneKey,
  RW,
} from "./key_specs.ts";
import { propagateBeginning } from "./partial_changes.ts";
import { allRemoved, dropIfEmpty, elementsRemoved, removalWord } from "./removal.ts";
import { replyElement } from "./replies.ts";
import { type ElementScan, scanElements, type ScanOptions } from "./scanning.ts";
import type { Session } from "./session.ts";
import { iterate, readSet, writeSet } from "./set_access.ts";
import { FAILED, MISSING } from "./typed_keys.ts";

/** The member that the command under way has found. */
const member = new Element();

// --- Adding and removing ----------------------------------------------------------------------------------------------

/** Bytes of the listpack that the members from argument 2 on make; 0 where they make no listpack. */
function roomForListpack(store: Store, request: Request): number {
  const { bytes, starts, lengths } = request;
  const { maxListpackEntries, maxListpackValue } = store.sets;
  if (request.argc - 2 > maxListpackEntries) return 0;
  let room = 0;
  for (let i = 2; i < request.argc; i++) {
    if (lengths[i] > maxListpackValue) return 0;
    room += measureElement(bytes, starts[i], lengths[i]);
  }
  return room;
}

/** `SADD key member [member …]` */
function sadd(session: Session, request: Request): void {
  const { bytes, starts, lengths } = request;
  const { host, database } = session;
  const { sets } = host.store;
  let ref = writeSet(session, request);
  if (ref === FAILED) return;
  const isNew = ref === MISSING;
  const count = request.argc - 2;
  let added = 0;
  let i = 2;
  try {
    if (isNew) {
      const room = roomForListpack(host.store, request);
      ref = sets.create(database, bytes, starts[1], lengths[1], bytes, starts[2], lengths[2], count, room);
    } else {
      ref = sets.prepareToAdd(database, ref, count);
    }
    for (; i < request.argc; i++) {
      ref = sets.add(database, ref, bytes, starts[i], lengths[i]);
      if (sets.added) added++;
    }
  } catch (error) {
    if (added > 0) addedPartly(session, request, i, added);
    else if (isNew) dropIfEmpty(session, request, 1);
    throw error;
  }
  if (added > 0) host.changes.changed(session, request, 1, EVENT_SET, "sadd", added);
  session.reply.integer(added);
}

/** There was no memory for the members from argument `until` on: those before it are there, and go on to followers alone. */
function addedPartly(session: Session, request: Request, until: number, added: number): void {
  session.host.changes.changed(session, request, 1, EVENT_SET, "sadd", added);
  propagateBeginning(session, request, "SADD", until);
}

/** `SREM key member [member …]` */
function srem(session: Session, request: Request): void {
  const { bytes, starts, lengths } = request;
  const { sets } = session.host.store;
  const ref = writeSet(session, request);
  if (ref === FAILED) return;
  let removed = 0;
  for (let i = 2; ref !== MISSING && i < request.argc; i++) {
    if (!sets.delete(ref, bytes, starts[i], lengths[i])) continue;
    removed++;
    if (sets.count(ref) === 0) break;
  }
  if (removed > 0) elementsRemoved(session, request, 1, sets, ref, EVENT_SET, "srem", removed);
  session.reply.integer(removed);
}

/** `SMOVE source destination member` */
function smove(session: Session, request: Request): void {
  const { bytes, starts, lengths } = request;
  const { database, host, reply } = session;
  const { sets } = host.store;
  const source = writeSet(session, request);
  if (source === FAILED) return;
  if (source === MISSING) {
    // Both keys are looked at, though only the first matters: what has expired goes.
    database.write(bytes, starts[2], lengths[2]);
    return reply.integer(0);
  }
  const target = writeSet(session, request, 2);
  if (target === FAILED) return;
  const isThere = sets.has(source, bytes, starts[3], lengths[3]);
  if (source === target || !isThere) return reply.integer(isThere ? 1 : 0);
  let ref = target;
  if (ref === MISSING) {
    ref = sets.create(database, bytes, starts[2], lengths[2], bytes, starts[3], lengths[3], 1, 0);
  }
  try {
    sets.add(database, ref, bytes, starts[3], lengths[3]);
  } catch (error) {
    if (target === MISSING) database.remove(bytes, starts[2], lengths[2]);
    throw error;
  }
  const { added } = sets;
  sets.delete(source, bytes, starts[3], lengths[3]);
  elementsRemoved(session, request, 1, sets, source, EVENT_SET, "srem", 1);
  if (added) host.changes.changed(session, request, 2, EVENT_SET, "sadd");
  reply.integer(1);
}

/** `SPOP key [count]`; propagated as the removal of what was drawn */
function spop(session: Session, request: Request): void {
  if (request.argc === 3) return popSeveral(session, request);
  const { host, reply } = session;
  const { sets } = host.store;
  if (request.argc > 3) return reply.error(SYNTAX_ERROR);
  const ref = writeSet(session, request);
  if (ref === FAILED) return;
  if (ref === MISSING) return reply.nil();
  sets.random(ref, random, member);
  member.toBytes();
  const { bytes, start, length } = member;
  reply.bulk(bytes, start, length);
  session.propagateAs(3)?.word("SREM").argument(request, 1).bytes(bytes, start, length);
  sets.delete(ref, bytes, start, length);
  elementsRemoved(session, request, 1, sets, ref, EVENT_SET, "spop", 1);
}

function popSeveral(session: Session, request: Request): void {
  const { host, reply } = session;
  const { sets } = host.store;
  const wanted = integerFrom(session, request, 2, 0, NOT_POSITIVE);
  if (wanted === null) return;
  const ref = writeSet(session, request);
  if (ref === FAILED) return;
  if (ref === MISSING || wanted === 0) return reply.set(0);
  const size = sets.count(ref);
  if (wanted >= size) {
    replyMembers(session, ref);
    allRemoved(session, request, 1, EVENT_SET, "spop", size);
    session.propagateAs(2)?.word(removalWord(host.config, "lazyfree-lazy-server-del")).argument(request, 1);
    return;
  }
  const builder = session.propagateAs(wanted + 2)?.word("SREM").argument(request, 1);
  reply.set(wanted);
  sets.takeRandom(ref, wanted, random, (element) => {
    element.toBytes();
    const { bytes, start, length } = element;
    reply.bulk(bytes, start, length);
    builder?.bytes(bytes, start, length);
  });
  elementsRemoved(session, request, 1, sets, ref, EVENT_SET, "spop", wanted);
}

// --- Reading ----------------------------------------------------------------------------------------------------------

/** `SISMEMBER key member` */
function sismember(session: Session, request: Request): void {
  const ref = readSet(session, request);
  if (ref === FAILED) return;
  const { bytes, starts, lengths } = request;
  const isThere = ref !== MISSING && session.host.store.sets.has(ref, bytes, starts[2], lengths[2]);
  session.reply.integer(isThere ? 1 : 0);
}

/** `SMISMEMBER key member [member …]` */
function smismember(session: Session, request: Request): void {
  const ref = readSet(session, request);
  if (ref === FAILED) return;
  const { bytes, starts, lengths } = request;
  const { reply, host: { store: { sets } } } = session;
  reply.array(request.argc - 2);
  for (let i = 2; i < request.argc; i++) {
    reply.integer(ref !== MISSING && sets.has(ref, bytes, starts[i], lengths[i]) ? 1 : 0);
  }
}

/** `SCARD key` */
function scard(session: Session, request: Request): void {
  const ref = readSet(session, request);
  if (ref === FAILED) return;
  session.reply.integer(ref === MISSING ? 0 : session.host.store.sets.count(ref));
}

/** `SMEMBERS key` */
function smembers(session: Session, request: Request): void {
  const ref = readSet(session, request);
  if (ref === FAILED) return;
  if (ref === MISSING) return session.reply.set(0);
  replyMembers(session, ref);
}

function replyMembers(session: Session, ref: number): void {
  const { reply, host: { store } } = session;
  reply.set(store.sets.count(ref));
  const iterator = iterate(store, ref);
  while (!reply.isCut && iterator.next()) replyElement(reply, iterator.member);
}

// --- By chance, and cursor by cursor ----------------------------------------------------------------------------------

/** `SRANDMEMBER key [count]` */
function srandmember(session: Session, request: Request): void {
  const { reply, host: { store: { sets } } } = session;
  if (request.argc > 3) return reply.error(SYNTAX_ERROR);
  if (request.argc === 2) {
    const ref = readSet(session, request);
    if (ref === FAILED) return;
    if (ref === MISSING) return reply.nil();
    sets.random(ref, random, member);
    return replyElement(reply, member);
  }
  const draw = drawArguments(session, request, null);
  if (draw === null) return;
  const ref = readSet(session, request);
  if (ref === FAILED) return;
  const { count } = draw;
  if (ref === MISSING || count === 0) return reply.array(0);
  if (count > 0) return replyDifferent(session, ref, Math.min(count, sets.count(ref)));
  reply.array(-count);
  for (let i = 0; i < -count && !reply.isCut; i++) {
    sets.random(ref, random, member);
    replyElement(reply, member);
  }
}

/** Replies with `count` different members; there are at least so many. O(count) for a small part of a table, else O(n). */
function replyDifferent(session: Session, ref: number, count: number): void {
  const { reply, host: { store } } = session;
  const { sets, heap: { tables } } = store;
  const total = sets.count(ref);
  reply.array(count);
  const table = sets.memberTable(ref);
  if (table !== 0 && areFew(count, total)) {
    for (const entry of drawDifferent(count, () => tables.random(table, random))) {
      sets.point(entry, member);
      replyElement(reply, member);
    }
    return;
  }
  const iterator = iterate(store, ref);
  const sampling = new Sampling(count, total);
  while (sampling.needed > 0 && iterator.next()) {
    if (sampling.takesNext()) replyElement(reply, iterator.member);
  }
}

/** Replies with a member if it matches the pattern; whether it does. */
function replyMatching(reply: ReplyWriter, options: ScanOptions, element: Element): boolean {
  if (!options.matchesElement(element)) return false;
  replyElement(reply, element);
  return true;
}

const MEMBER_SCAN: ElementScan = {
  type: TYPE_SET,
  parts: 1,
  replyEntries({ reply, host }, options, entries) {
    const { sets } = host.store;
    let count = 0;
    for (let i = 0; i < entries.length; i++) {
      sets.point(entries[i], member);
      if (replyMatching(reply, options, member)) count++;
    }
    return count;
  },
  replyAll({ reply, host }, options, ref) {
    const iterator = iterate(host.store, ref);
    let count = 0;
    while (iterator.next()) if (replyMatching(reply, options, iterator.member)) count++;
    return count;
  },
};

const SET = { categories: ["set"] };
const SET_MEMBER = { ...SET, members: [2, 2, 1] } as const;
const SET_MEMBERS = { ...SET, members: [2, -1, 1] } as const;
const sscan: Handler = (session, request) => scanElements(session, request, MEMBER_SCAN);
const SMOVE_KEYS = [oneKey(RW | ACCESS | DELETE), oneKey(RW | INSERT, 2)];

export const SET_COMMANDS: readonly Command[] = [
  command("sadd", -3, WRITE | DENYOOM | FAST, sadd, { ...SET_MEMBERS, keys: KEY_RW_INSERT }),
  command("srem", -3, WRITE | FAST, srem, { ...SET_MEMBERS, keys: KEY_RW_DELETE }),
  command("smove", 4, WRITE | FAST, smove, { ...SET, keys: SMOVE_KEYS }),
  command("spop", -2, WRITE | FAST, spop, { ...SET, keys: KEY_RW_ACCESS_DELETE }),
  command("sismember", 3, READONLY | FAST, sismember, { ...SET_MEMBER, keys: KEY_RO }),
  command("smismember", -3, READONLY | FAST, smismember, { ...SET_MEMBERS, keys: KEY_RO_ACCESS }),
  command("scard", 2, READONLY | FAST, scard, { ...SET, keys: KEY_RO }),
  command("smembers", 2, READONLY, smembers, { ...SET, keys: KEY_RO_ACCESS }),
  command("srandmember", -2, READONLY, srandmember, { ...SET, keys: KEY_RO_ACCESS }),
  command("sscan", -3, READONLY, sscan, { ...SET, keys: KEY_RO_ACCESS }),
];
