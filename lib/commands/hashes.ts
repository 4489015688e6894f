/**
 * Hashes: HSET, HGET and their kin. How a hash lies in the store, and when its encoding changes, is `store/hash.ts`'s;
 * here are the arguments, replies, events and what is propagated.
 *
 * Complexities are per field: O(1), but O(n) while the hash is a listpack, whose n is small.
 */

import { addExtended, formatExtended, MAX_DECIMAL_BYTES, parseExtended } from "../bytes/decimal.ts";
import { INT64_MAX, INT64_MIN, parseInt64, parseSafeInteger, writeDecimal } from "../bytes/integers.ts";
import { encodeLatin1 } from "../bytes/latin1.ts";
import type { ReplyWriter } from "../resp/reply.ts";
import { Request } from "../resp/request.ts";
import { random } from "../runtime/random.ts";
import { TYPE_HASH } from "../store/entry.ts";
import { HashIterator } from "../store/types/hash_iterator.ts";
import { Element, measureElement } from "../store/listpack.ts";
import type { Store } from "../store/store.ts";
import { type Command, command, DENYOOM, FAST, type Handler, READONLY, WRITE } from "./command.ts";
import { NOT_FLOAT, NOT_INTEGER, OVERFLOW, SYNTAX_ERROR, WRONG_TYPE } from "./errors.ts";
import { EVENT_GENERIC, EVENT_HASH } from "./events.ts";
import {
  KEY_RO,
  KEY_RO_ACCESS,
  KEY_RW_ACCESS_UPDATE,
  KEY_RW_DELETE,
  KEY_RW_INSERT,
  KEY_RW_UPDATE,
} from "./key_specs.ts";
import { parseCursor, ScanOptions } from "./scanning.ts";
import type { Session } from "./session.ts";

/** The value, or field, that the command under way has found. */
const value = new Element();
const field = new Element();
/** Digits of the number under way. */
const digits = new Uint8Array(24);
/** Entries of a table that the scan under way has come to. */
const scanned: number[] = [];

/** What `readHash` returns besides refs: there is no such key, or the client has been told of a wrong type. */
const MISSING = 0;
const FAILED = -1;

/** The hash under argument 1 for reading: its ref, MISSING or FAILED (an entry takes two granules, so none has ref -1). */
function readHash(session: Session, request: Request): number {
  const database = session.database;
  const ref = database.read(request.bytes, request.starts[1], request.lengths[1]);
  if (ref === MISSING || database.store.heap.entries.type(ref) === TYPE_HASH) return ref;
  session.reply.error(WRONG_TYPE);
  return FAILED;
}

/** The hash under argument 1 for changing: its ref, MISSING or FAILED. */
function writeHash(session: Session, request: Request): number {
  const database = session.database;
  const ref = database.write(request.bytes, request.starts[1], request.lengths[1]);
  if (ref === MISSING || database.store.heap.entries.type(ref) === TYPE_HASH) return ref;
  session.reply.error(WRONG_TYPE);
  return FAILED;
}

/** The hash under argument 1, made if it is missing, with room for `reserve` bytes of listpack: its ref or FAILED. */
function writeOrCreateHash(session: Session, request: Request, reserve: number): number {
  const ref = writeHash(session, request);
  if (ref !== MISSING) return ref;
  const { bytes, starts, lengths } = request;
  return session.host.store.hashes.create(session.database, bytes, starts[1], lengths[1], reserve);
}

/** Sets the field that is argument `index` to the argument after it. Returns the hash's ref. */
function setArguments(session: Session, request: Request, ref: number, index: number): number {
  const { bytes, starts, lengths } = request;
  const { database, host } = session;
  const valueIndex = index + 1;
  return host.store.hashes.set(
    database,
    ref,
    bytes,
    starts[index],
    lengths[index],
    bytes,
    starts[valueIndex],
    lengths[valueIndex],
  );
}

/** Replies with an element as a bulk string. */
function replyElement(reply: ReplyWriter, element: Element): void {
  if (element.isInteger && !Number.isNaN(element.integer)) return reply.bulkInteger(element.integer);
  element.toBytes();
  reply.bulk(element.bytes, element.start, element.length);
}

/** Bytes of the listpack that the arguments from `first` on make; 0 where they make no listpack. */
function roomForListpack(store: Store, request: Request, first: number): number {
  const { bytes, starts, lengths } = request;
  let room = 0;
  for (let i = first; i < request.argc; i++) {
    if (lengths[i] > store.hashes.maxListpackValue) return 0;
    room += measureElement(bytes, starts[i], lengths[i]);
  }
  return (request.argc - first) >>> 1 > store.hashes.maxListpackEntries ? 0 : room;
}

/** There was no room for the fields from argument `end` on: those before it were set, and go on to followers alone. */
function fieldsCutOff(session: Session, request: Request, end: number): void {
  session.host.changes.changed(session, request, 1, EVENT_HASH, "hset");
  const builder = session.propagateAs(end)?.word("HSET");
  for (let i = 1; i < end; i++) builder?.argument(request, i);
}

/** There was no room for the first field of a hash that was made for it: none without fields may stay. */
function dropIfEmpty(session: Session, request: Request): void {
  const { bytes, starts, lengths } = request;
  const { database, host } = session;
  const ref = database.peek(bytes, starts[1], lengths[1]);
  if (ref === 0 || host.store.heap.entries.type(ref) !== TYPE_HASH || host.store.hashes.count(ref) > 0) return;
  database.remove(bytes, starts[1], lengths[1]);
}

/** Sets one field of the hash under argument 1, which `writeOrCreateHash` has given. */
function setField(
  session: Session,
  request: Request,
  ref: number,
  content: Uint8Array,
  start: number,
  length: number,
): void {
  const { bytes, starts, lengths } = request;
  try {
    session.host.store.hashes.set(session.database, ref, bytes, starts[2], lengths[2], content, start, length);
  } catch (error) {
    dropIfEmpty(session, request);
    throw error;
  }
}

/** `HSET key field value [field value …]` and `HMSET`, which replies OK */
function setFields(session: Session, request: Request, name: "hset" | "hmset"): void {
  const { bytes, starts, lengths } = request;
  const { host, database } = session;
  if (request.argc % 2 !== 0) {
    return session.reply.error(`ERR wrong number of arguments for '${name}' command`);
  }
  const store = host.store;
  const pairs = (request.argc - 2) >>> 1;
  let ref = writeHash(session, request);
  if (ref === FAILED) return;
  let added = 0;
  let i = 2;
  try {
    if (ref === MISSING) {
      const room = roomForListpack(store, request, 2);
      ref = store.hashes.create(database, bytes, starts[1], lengths[1], room);
    }
    if (pairs > store.hashes.maxListpackEntries) ref = store.hashes.convert(database, ref);
    for (; i < request.argc; i += 2) {
      ref = setArguments(session, request, ref, i);
      if (store.hashes.added) added++;
    }
  } catch (error) {
    if (i > 2) fieldsCutOff(session, request, i);
    else dropIfEmpty(session, request);
    throw error;
  }
  host.changes.changed(session, request, 1, EVENT_HASH, "hset", pairs);
  if (name === "hset") session.reply.integer(added);
  else session.reply.ok();
}

/** `HSETNX key field value` */
function hsetnx(session: Session, request: Request): void {
  const { bytes, starts, lengths } = request;
  const ref = writeOrCreateHash(session, request, 0);
  if (ref === FAILED) return;
  if (session.host.store.hashes.has(ref, bytes, starts[2], lengths[2])) return session.reply.integer(0);
  setField(session, request, ref, bytes, starts[3], lengths[3]);
  session.host.changes.changed(session, request, 1, EVENT_HASH, "hset");
  session.reply.integer(1);
}

/** `HGET key field` */
function hget(session: Session, request: Request): void {
  const ref = readHash(session, request);
  if (ref === FAILED) return;
  const { bytes, starts, lengths } = request;
  if (ref === MISSING || !session.host.store.hashes.get(ref, bytes, starts[2], lengths[2], value)) {
    return session.reply.nil();
  }
  replyElement(session.reply, value);
}

/** `HMGET key field [field …]` */
function hmget(session: Session, request: Request): void {
  const ref = readHash(session, request);
  if (ref === FAILED) return;
  const { bytes, starts, lengths } = request;
  const hashes = session.host.store.hashes;
  session.reply.array(request.argc - 2);
  for (let i = 2; i < request.argc; i++) {
    if (ref !== MISSING && hashes.get(ref, bytes, starts[i], lengths[i], value)) replyElement(session.reply, value);
    else session.reply.nil();
  }
}

/** `HDEL key field [field …]` */
function hdel(session: Session, request: Request): void {
  const { bytes, starts, lengths } = request;
  const { host, database } = session;
  const hashes = host.store.hashes;
  const ref = writeHash(session, request);
  if (ref === FAILED) return;
  let deleted = 0;
  let emptied = false;
  if (ref !== MISSING) {
    for (let i = 2; i < request.argc && !emptied; i++) {
      if (!hashes.delete(ref, bytes, starts[i], lengths[i])) continue;
      deleted++;
      emptied = hashes.count(ref) === 0;
    }
  }
  if (deleted > 0) {
    if (emptied) database.remove(bytes, starts[1], lengths[1]);
    else hashes.trim(database, ref);
    host.changes.changed(session, request, 1, EVENT_HASH, "hdel", deleted);
    if (emptied) host.changes.publish(EVENT_GENERIC, "del", database, bytes, starts[1], lengths[1]);
  }
  session.reply.integer(deleted);
}

/** `HLEN key` */
function hlen(session: Session, request: Request): void {
  const ref = readHash(session, request);
  if (ref === FAILED) return;
  session.reply.integer(ref === MISSING ? 0 : session.host.store.hashes.count(ref));
}

/** `HSTRLEN key field` */
function hstrlen(session: Session, request: Request): void {
  const ref = readHash(session, request);
  if (ref === FAILED) return;
  const { bytes, starts, lengths } = request;
  const found = ref !== MISSING && session.host.store.hashes.get(ref, bytes, starts[2], lengths[2], value);
  session.reply.integer(found ? value.byteLength() : 0);
}

/** `HEXISTS key field` */
function hexists(session: Session, request: Request): void {
  const ref = readHash(session, request);
  if (ref === FAILED) return;
  const { bytes, starts, lengths } = request;
  const found = ref !== MISSING && session.host.store.hashes.has(ref, bytes, starts[2], lengths[2]);
  session.reply.integer(found ? 1 : 0);
}

/** More fields than these are not drawn one by one: a Set of them has its limits. */
const MAX_DRAWN = 2 ** 20;

let iteratorOfStore: HashIterator | null = null;

/** The commands' iterator over hashes of a store, begun at `ref`. */
function iterate(store: Store, ref: number): HashIterator {
  if (iteratorOfStore === null || iteratorOfStore.hashes !== store.hashes) {
    iteratorOfStore = new HashIterator(store.hashes);
  }
  iteratorOfStore.begin(ref);
  return iteratorOfStore;
}

/** `HKEYS key` */
function hkeys(session: Session, request: Request): void {
  const ref = readHash(session, request);
  if (ref === FAILED) return;
  if (ref === MISSING) return session.reply.array(0);
  const store = session.host.store;
  session.reply.array(store.hashes.count(ref));
  const iterator = iterate(store, ref);
  while (iterator.next()) replyElement(session.reply, iterator.field);
}

/** `HVALS key` */
function hvals(session: Session, request: Request): void {
  const ref = readHash(session, request);
  if (ref === FAILED) return;
  if (ref === MISSING) return session.reply.array(0);
  const store = session.host.store;
  session.reply.array(store.hashes.count(ref));
  const iterator = iterate(store, ref);
  while (iterator.next()) replyElement(session.reply, iterator.value);
}

/** `HGETALL key` */
function hgetall(session: Session, request: Request): void {
  const ref = readHash(session, request);
  if (ref === FAILED) return;
  if (ref === MISSING) return session.reply.map(0);
  const store = session.host.store;
  session.reply.map(store.hashes.count(ref));
  const iterator = iterate(store, ref);
  while (iterator.next()) {
    replyElement(session.reply, iterator.field);
    replyElement(session.reply, iterator.value);
  }
}

/** `HINCRBY key field increment` */
function hincrby(session: Session, request: Request): void {
  const { bytes, starts, lengths } = request;
  const { host, reply } = session;
  const by = request.integer(3);
  const exactBy = Number.isNaN(by) ? parseInt64(bytes, starts[3], lengths[3]) : 0n;
  if (exactBy === null) return reply.error(NOT_INTEGER);
  const ref = writeOrCreateHash(session, request, 0);
  if (ref === FAILED) return;
  const hashes = host.store.hashes;
  let current = 0;
  const found = hashes.get(ref, bytes, starts[2], lengths[2], value);
  if (found) {
    if (value.isInteger) current = value.integer;
    else current = parseSafeInteger(value.bytes, value.start, value.length);
  }
  const sum = current + by;
  let exactSum = 0n;
  let length: number;
  if (Number.isSafeInteger(sum)) {
    length = writeDecimal(digits, 0, sum);
  } else {
    value.toBytes();
    const exact = found ? parseInt64(value.bytes, value.start, value.length) : 0n;
    if (exact === null) return reply.error("ERR hash value is not an integer");
    exactSum = exact + (Number.isNaN(by) ? exactBy : BigInt(by));
    if (exactSum < INT64_MIN || exactSum > INT64_MAX) return reply.error(OVERFLOW);
    const text = exactSum.toString();
    for (let i = 0; i < text.length; i++) digits[i] = text.charCodeAt(i);
    length = text.length;
  }
  setField(session, request, ref, digits, 0, length);
  host.changes.changed(session, request, 1, EVENT_HASH, "hincrby");
  if (Number.isSafeInteger(sum)) reply.integer(sum);
  else reply.bigInteger(exactSum);
}

/** `HINCRBYFLOAT key field increment`; propagated as HSET, so that no replica need compute alike */
function hincrbyfloat(session: Session, request: Request): void {
  const { bytes, starts, lengths } = request;
  const { host, reply } = session;
  const by = lengths[3] > MAX_DECIMAL_BYTES ? null : parseExtended(request.text(3));
  if (by === null) return reply.error(NOT_FLOAT);
  if (by.exponent === Infinity) return reply.error("ERR value is NaN or Infinity");
  const ref = writeOrCreateHash(session, request, 0);
  if (ref === FAILED) return;
  const hashes = host.store.hashes;
  const found = hashes.get(ref, bytes, starts[2], lengths[2], value);
  const isLong = found && value.byteLength() > MAX_DECIMAL_BYTES;
  const current = isLong ? null : parseExtended(found ? value.text() : "0");
  if (current === null) return reply.error("ERR hash value is not a float");
  const sum = current.exponent === Infinity ? current : addExtended(current, by);
  if (sum.exponent === Infinity) return reply.error("ERR increment would produce NaN or Infinity");
  const text = encodeLatin1(formatExtended(sum));
  setField(session, request, ref, text, 0, text.length);
  host.changes.changed(session, request, 1, EVENT_HASH, "hincrbyfloat");
  session.propagateAs(4)?.word("HSET").argument(request, 1).argument(request, 2).bytes(text, 0, text.length);
  reply.bulkBytes(text);
}

/** `HRANDFIELD key [count [WITHVALUES]]` */
function hrandfield(session: Session, request: Request): void {
  const { bytes, starts, lengths } = request;
  const reply = session.reply;
  const hashes = session.host.store.hashes;
  if (request.argc === 2) {
    const ref = readHash(session, request);
    if (ref === FAILED) return;
    if (ref === MISSING) return reply.nil();
    hashes.random(ref, random, field, value);
    return replyElement(reply, field);
  }
  const count = parseInt64(bytes, starts[2], lengths[2]);
  if (count === null) return reply.error(NOT_INTEGER);
  if (count === INT64_MIN) {
    return reply.error(`ERR value is out of range, value must between ${-INT64_MAX} and ${INT64_MAX}`);
  }
  const withValues = request.argc > 3;
  if (request.argc > 4 || (withValues && !request.is(3, "withvalues"))) return reply.error(SYNTAX_ERROR);
  if (withValues && (count < -INT64_MAX / 2n || count > INT64_MAX / 2n)) {
    return reply.error("ERR value is out of range");
  }
  const ref = readHash(session, request);
  if (ref === FAILED) return;
  if (ref === MISSING || count === 0n) return reply.array(0);
  const wanted = Number(count);
  if (wanted < 0) return replyRepeatedly(session, ref, -wanted, withValues);
  replyDistinct(session, ref, Math.min(wanted, hashes.count(ref)), withValues);
}

/** Begins the reply of HRANDFIELD: with values, RESP3 has pairs where RESP2 has twice as many elements. */
function beginFields(reply: ReplyWriter, count: number, withValues: boolean): void {
  reply.array(withValues && reply.protocol === 2 ? count * 2 : count);
}

function replyField(reply: ReplyWriter, name: Element, content: Element, withValues: boolean): void {
  if (!withValues) return replyElement(reply, name);
  if (reply.protocol === 3) reply.array(2);
  replyElement(reply, name);
  replyElement(reply, content);
}

/** Replies with `count` fields, each drawn from all: the same may come again. */
function replyRepeatedly(session: Session, ref: number, count: number, withValues: boolean): void {
  const { reply, host } = session;
  beginFields(reply, count, withValues);
  for (let i = 0; i < count && !reply.isCut; i++) {
    host.store.hashes.random(ref, random, field, value);
    replyField(reply, field, value, withValues);
  }
}

/** Replies with `count` different fields; there are at least so many. O(count) for a small part of a table, else O(n). */
function replyDistinct(session: Session, ref: number, count: number, withValues: boolean): void {
  const { reply } = session;
  const store = session.host.store;
  const { hashes, heap: { tables } } = store;
  const length = hashes.count(ref);
  beginFields(reply, count, withValues);
  const table = hashes.memberTable(ref);
  if (table !== 0 && count * 3 < length && count <= MAX_DRAWN) {
    const drawn = new Set<number>();
    while (drawn.size < count) drawn.add(tables.random(table, random));
    for (const entry of drawn) {
      hashes.point(entry, field, value);
      replyField(reply, field, value, withValues);
    }
    return;
  }
  // Selection sampling (Knuth, 3.4.2, algorithm S): one pass, each subset of that size as likely as any other.
  const iterator = iterate(store, ref);
  let needed = count;
  for (let left = length; needed > 0 && iterator.next(); left--) {
    if (random() * left >= needed) continue;
    replyField(reply, iterator.field, iterator.value, withValues);
    needed--;
  }
}

/** `HSCAN key cursor [MATCH pattern] [COUNT count]`; a listpack is passed in one call, whatever the count */
function hscan(session: Session, request: Request): void {
  const reply = session.reply;
  const cursor = parseCursor(session, request, 2);
  if (cursor < 0) return;
  const ref = readHash(session, request);
  if (ref === FAILED) return;
  if (ref === MISSING) {
    reply.array(2);
    reply.bulkString("0");
    return reply.array(0);
  }
  const options = ScanOptions.parse(session, request, 3);
  if (options === null) return;
  const { hashes, heap: { tables } } = session.host.store;
  reply.array(2);
  let replied = 0;
  const table = hashes.memberTable(ref);
  if (table !== 0) {
    reply.bulkInteger(tables.scan(table, cursor, options.count, scanned));
    const mark = reply.open();
    for (let i = 0; i < scanned.length; i++) {
      hashes.point(scanned[i], field, value);
      if (replyMatching(reply, options, field, value)) replied++;
    }
    reply.closeArray(mark, replied * 2);
    scanned.length = 0;
  } else {
    reply.bulkString("0");
    const mark = reply.open();
    const iterator = iterate(session.host.store, ref);
    while (iterator.next()) if (replyMatching(reply, options, iterator.field, iterator.value)) replied++;
    reply.closeArray(mark, replied * 2);
  }
}

/** Replies with a field and its value if the field matches the pattern; whether it does. */
function replyMatching(reply: ReplyWriter, options: ScanOptions, name: Element, content: Element): boolean {
  if (!options.matchesElement(name)) return false;
  replyElement(reply, name);
  replyElement(reply, content);
  return true;
}

const HASH = { categories: ["hash"] };
const HASH_FIELD = { ...HASH, members: [2, 2, 1] } as const;
const HASH_FIELDS = { ...HASH, members: [2, -1, 1] } as const;
const HASH_PAIRS = { ...HASH, members: [2, -1, 2] } as const;

const hset: Handler = (session, request) => setFields(session, request, "hset");
const hmset: Handler = (session, request) => setFields(session, request, "hmset");

export const HASH_COMMANDS: readonly Command[] = [
  command("hset", -4, WRITE | DENYOOM | FAST, hset, { ...HASH_PAIRS, keys: KEY_RW_UPDATE }),
  command("hmset", -4, WRITE | DENYOOM | FAST, hmset, { ...HASH_PAIRS, keys: KEY_RW_UPDATE }),
  command("hsetnx", 4, WRITE | DENYOOM | FAST, hsetnx, { ...HASH_FIELD, keys: KEY_RW_INSERT }),
  command("hget", 3, READONLY | FAST, hget, { ...HASH_FIELD, keys: KEY_RO_ACCESS }),
  command("hmget", -3, READONLY | FAST, hmget, { ...HASH_FIELDS, keys: KEY_RO_ACCESS }),
  command("hdel", -3, WRITE | FAST, hdel, { ...HASH_FIELDS, keys: KEY_RW_DELETE }),
  command("hlen", 2, READONLY | FAST, hlen, { ...HASH, keys: KEY_RO }),
  command("hstrlen", 3, READONLY | FAST, hstrlen, { ...HASH_FIELD, keys: KEY_RO }),
  command("hexists", 3, READONLY | FAST, hexists, { ...HASH_FIELD, keys: KEY_RO }),
  command("hkeys", 2, READONLY, hkeys, { ...HASH, keys: KEY_RO_ACCESS }),
  command("hvals", 2, READONLY, hvals, { ...HASH, keys: KEY_RO_ACCESS }),
  command("hgetall", 2, READONLY, hgetall, { ...HASH, keys: KEY_RO_ACCESS }),
  command("hincrby", 4, WRITE | DENYOOM | FAST, hincrby, { ...HASH_FIELD, keys: KEY_RW_ACCESS_UPDATE }),
  command("hincrbyfloat", 4, WRITE | DENYOOM | FAST, hincrbyfloat, { ...HASH_FIELD, keys: KEY_RW_ACCESS_UPDATE }),
  command("hrandfield", -2, READONLY, hrandfield, { ...HASH, keys: KEY_RO_ACCESS }),
  command("hscan", -3, READONLY, hscan, { ...HASH, keys: KEY_RO_ACCESS }),
];
