/**
 * Sets: SADD, SPOP, SMEMBERS and their kin; those that put sets together are in set_algebra.ts. How a set lies in the store,
 * and when its encoding changes, is `store/types/sets.ts`'s; here are the arguments, replies, events and what is propagated.
 *
 * Complexities are per member: O(1), O(log n) in an intset, O(n) in a listpack, whose n is small.
 */

import { INT64_MAX, INT64_MIN, parseInt64 } from "../bytes/integers.ts";
import type { ReplyWriter } from "../resp/reply.ts";
import type { Request } from "../resp/request.ts";
import { random } from "../runtime/random.ts";
import { TYPE_SET } from "../store/entry.ts";
import { Element, measureElement } from "../store/listpack.ts";
import type { Store } from "../store/store.ts";
import { SetIterator } from "../store/types/sets.ts";
import { type Command, command, DENYOOM, FAST, READONLY, WRITE } from "./command.ts";
import { NOT_INTEGER, SYNTAX_ERROR } from "./errors.ts";
import { EVENT_GENERIC, EVENT_SET } from "./events.ts";
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
import { removalWord } from "./removal.ts";
import { replyElement } from "./replies.ts";
import { parseCursor, ScanOptions } from "./scanning.ts";
import type { Session } from "./session.ts";
import { FAILED, MISSING, readTyped, writeTyped } from "./typed_keys.ts";

const OUT_OF_RANGE = `ERR value is out of range, value must between ${-INT64_MAX} and ${INT64_MAX}`;
const NOT_POSITIVE = "ERR value is out of range, must be positive";
/** More members than these are not drawn one by one: a Set of them has its limits. */
const MAX_DRAWN = 2 ** 20;

/** The member that the command under way has found. */
const member = new Element();
/** Entries of a table that the scan under way has come to. */
const scanned: number[] = [];

let iteratorOfStore: SetIterator | null = null;

/** The commands' iterator over sets of a store, begun at `ref`. */
function iterate(store: Store, ref: number): SetIterator {
  if (iteratorOfStore?.sets !== store.sets) iteratorOfStore = new SetIterator(store.sets);
  iteratorOfStore.begin(ref);
  return iteratorOfStore;
}

function readSet(session: Session, request: Request): number {
  return readTyped(session, request, 1, TYPE_SET);
}

function writeSet(session: Session, request: Request): number {
  return writeTyped(session, request, 1, TYPE_SET);
}

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
    else if (isNew && database.peek(bytes, starts[1], lengths[1]) !== 0) database.remove(bytes, starts[1], lengths[1]);
    throw error;
  }
  if (added > 0) host.changes.changed(session, request, 1, EVENT_SET, "sadd", added);
  session.reply.integer(added);
}

/** There was no memory for the members from argument `until` on: those before it are there, and go on to followers alone. */
function addedPartly(session: Session, request: Request, until: number, added: number): void {
  session.host.changes.changed(session, request, 1, EVENT_SET, "sadd", added);
  const builder = session.propagateAs(until)?.word("SADD");
  for (let i = 1; i < until; i++) builder?.argument(request, i);
}

/** `SREM key member [member …]` */
function srem(session: Session, request: Request): void {
  const { bytes, starts, lengths } = request;
  const { host } = session;
  const { sets } = host.store;
  const ref = writeSet(session, request);
  if (ref === FAILED) return;
  let removed = 0;
  let isEmptied = false;
  if (ref !== MISSING) {
    for (let i = 2; i < request.argc && !isEmptied; i++) {
      if (!sets.delete(ref, bytes, starts[i], lengths[i])) continue;
      removed++;
      isEmptied = sets.count(ref) === 0;
    }
  }
  if (removed > 0) {
    dropOrTrim(session, request, ref, isEmptied);
    host.changes.changed(session, request, 1, EVENT_SET, "srem", removed);
    if (isEmptied) tellOfRemoval(session, request);
  }
  session.reply.integer(removed);
}

/** Ends the removal of members from the set under argument 1: with the last, the key goes. */
function dropOrTrim(session: Session, request: Request, ref: number, isEmptied: boolean): void {
  const { database, host } = session;
  if (isEmptied) database.remove(request.bytes, request.starts[1], request.lengths[1]);
  else host.store.sets.trim(database, ref);
}

/** Publishes that the key in argument 1 has gone with its last member. */
function tellOfRemoval(session: Session, request: Request): void {
  const { bytes, starts, lengths } = request;
  session.host.changes.publish(EVENT_GENERIC, "del", session.database, bytes, starts[1], lengths[1]);
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
  const target = writeTyped(session, request, 2, TYPE_SET);
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
  const isEmptied = sets.count(source) === 0;
  dropOrTrim(session, request, source, isEmptied);
  host.changes.changed(session, request, 1, EVENT_SET, "srem");
  if (isEmptied) tellOfRemoval(session, request);
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
  const isEmptied = sets.count(ref) === 0;
  dropOrTrim(session, request, ref, isEmptied);
  host.changes.changed(session, request, 1, EVENT_SET, "spop");
  if (isEmptied) tellOfRemoval(session, request);
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
    dropOrTrim(session, request, ref, true);
    host.changes.changed(session, request, 1, EVENT_SET, "spop", size);
    tellOfRemoval(session, request);
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
  dropOrTrim(session, request, ref, false);
  host.changes.changed(session, request, 1, EVENT_SET, "spop", wanted);
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

/** `SRANDMEMBER key [count]` */
function srandmember(session: Session, request: Request): void {
  const { bytes, starts, lengths } = request;
  const { reply, host: { store: { sets } } } = session;
  if (request.argc > 3) return reply.error(SYNTAX_ERROR);
  if (request.argc === 2) {
    const ref = readSet(session, request);
    if (ref === FAILED) return;
    if (ref === MISSING) return reply.nil();
    sets.random(ref, random, member);
    return replyElement(reply, member);
  }
  const count = parseInt64(bytes, starts[2], lengths[2]);
  if (count === null) return reply.error(NOT_INTEGER);
  if (count === INT64_MIN) return reply.error(OUT_OF_RANGE);
  const ref = readSet(session, request);
  if (ref === FAILED) return;
  if (ref === MISSING || count === 0n) return reply.array(0);
  const wanted = Number(count);
  if (wanted > 0) return replyDistinct(session, ref, Math.min(wanted, sets.count(ref)));
  reply.array(-wanted);
  for (let i = 0; i < -wanted && !reply.isCut; i++) {
    sets.random(ref, random, member);
    replyElement(reply, member);
  }
}

/** Replies with `count` different members; there are at least so many. O(count) for a small part of a table, else O(n). */
function replyDistinct(session: Session, ref: number, count: number): void {
  const { reply, host: { store } } = session;
  const { sets, heap: { tables } } = store;
  const size = sets.count(ref);
  reply.array(count);
  const table = sets.memberTable(ref);
  if (table !== 0 && count * 3 < size && count <= MAX_DRAWN) {
    const drawn = new Set<number>();
    while (drawn.size < count) drawn.add(tables.random(table, random));
    for (const entry of drawn) {
      sets.point(entry, member);
      replyElement(reply, member);
    }
    return;
  }
  // Selection sampling (Knuth, 3.4.2, algorithm S): one pass, each subset of that size as likely as any other.
  const iterator = iterate(store, ref);
  let needed = count;
  for (let left = size; needed > 0 && iterator.next(); left--) {
    if (random() * left >= needed) continue;
    replyElement(reply, iterator.member);
    needed--;
  }
}

/** `SSCAN key cursor [MATCH pattern] [COUNT count]`; what is no table is passed in one call, whatever the count */
function sscan(session: Session, request: Request): void {
  const { reply, host: { store } } = session;
  const { sets, heap: { tables } } = store;
  const cursor = parseCursor(session, request, 2);
  if (cursor < 0) return;
  const ref = readSet(session, request);
  if (ref === FAILED) return;
  if (ref === MISSING) {
    reply.array(2);
    reply.bulkString("0");
    return reply.array(0);
  }
  const options = ScanOptions.parse(session, request, 3);
  if (options === null) return;
  reply.array(2);
  let replied = 0;
  const table = sets.memberTable(ref);
  if (table === 0) {
    reply.bulkString("0");
    const mark = reply.open();
    const iterator = iterate(store, ref);
    while (iterator.next()) if (replyMatching(reply, options, iterator.member)) replied++;
    return reply.closeArray(mark, replied);
  }
  reply.bulkInteger(tables.scan(table, cursor, options.count, scanned));
  const mark = reply.open();
  for (let i = 0; i < scanned.length; i++) {
    sets.point(scanned[i], member);
    if (replyMatching(reply, options, member)) replied++;
  }
  reply.closeArray(mark, replied);
  scanned.length = 0;
}

/** Replies with a member if it matches the pattern; whether it does. */
function replyMatching(reply: ReplyWriter, options: ScanOptions, element: Element): boolean {
  if (!options.matchesElement(element)) return false;
  replyElement(reply, element);
  return true;
}

const SET = { categories: ["set"] };
const SET_MEMBER = { ...SET, members: [2, 2, 1] } as const;
const SET_MEMBERS = { ...SET, members: [2, -1, 1] } as const;
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
