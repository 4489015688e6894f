/**
 * Hashes: HSET, HGET and their kin. How a hash lies in the store, and when its encoding changes, is `store/types/hashes.ts`'s;
 * here are the arguments, replies, events and what is propagated.
 *
 * Complexities are per field: O(1), but O(n) while the hash is a listpack, whose n is small.
 */

import {
  addExtended,
  addShort,
  type Extended,
  formatExtended,
  MAX_DECIMAL_BYTES,
  parseExtended,
  readShort,
} from "../bytes/decimal.ts";
import { INT64_MAX, INT64_MIN, parseInt64, parseSafeInteger, writeDecimal } from "../bytes/integers.ts";
import { encodeLatin1 } from "../bytes/latin1.ts";
import type { ReplyWriter } from "../resp/reply.ts";
import type { Request } from "../resp/request.ts";
import { random } from "../runtime/random.ts";
import { TYPE_HASH } from "../store/entry.ts";
import { Element, measureElement } from "../store/listpack.ts";
import type { Store } from "../store/store.ts";
import { HashIterator } from "../store/types/hash_iterator.ts";
import { type Command, command, DENYOOM, FAST, type Handler, READONLY, WRITE } from "./command.ts";
import { areFew, drawArguments, drawDifferent, Sampling } from "./drawing.ts";
import { NOT_FLOAT, NOT_INTEGER, OVERFLOW } from "./errors.ts";
import { EVENT_HASH } from "./events.ts";
import { exactInteger } from "./integer_argument.ts";
import {
  KEY_RO,
  KEY_RO_ACCESS,
  KEY_RW_ACCESS_UPDATE,
  KEY_RW_DELETE,
  KEY_RW_INSERT,
  KEY_RW_UPDATE,
} from "./key_specs.ts";
import { propagateBeginning } from "./partial_changes.ts";
import { perStore } from "./per_store.ts";
import { dropIfEmpty, elementsRemoved } from "./removal.ts";
import { replyElement } from "./replies.ts";
import { type ElementScan, scanElements, type ScanOptions } from "./scanning.ts";
import type { Session } from "./session.ts";
import { FAILED, MISSING, readTyped, writeTyped } from "./typed_keys.ts";

/** The value, or field, that the command under way has found. */
const value = new Element();
const field = new Element();
/** Digits of the number under way. */
const digits = new Uint8Array(24);
/** The hash under argument 1 for reading: its ref, MISSING or FAILED. */
function readHash(session: Session, request: Request): number {
  return readTyped(session, request, 1, TYPE_HASH);
}

/** The hash under argument 1 for changing: its ref, MISSING or FAILED. */
function writeHash(session: Session, request: Request): number {
  return writeTyped(session, request, 1, TYPE_HASH);
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

/** There was no memory for the fields from argument `until` on: those before it are set, and go on to followers alone. */
function setPartly(session: Session, request: Request, until: number): void {
  session.host.changes.changed(session, request, 1, EVENT_HASH, "hset");
  propagateBeginning(session, request, "HSET", until);
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
    dropIfEmpty(session, request, 1);
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
    if (i > 2) setPartly(session, request, i);
    else dropIfEmpty(session, request, 1);
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
  const { hashes } = session.host.store;
  const ref = writeHash(session, request);
  if (ref === FAILED) return;
  let deleted = 0;
  for (let i = 2; ref !== MISSING && i < request.argc; i++) {
    if (!hashes.delete(ref, bytes, starts[i], lengths[i])) continue;
    deleted++;
    if (hashes.count(ref) === 0) break;
  }
  if (deleted > 0) elementsRemoved(session, request, 1, hashes, ref, EVENT_HASH, "hdel", deleted);
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

const iteratorOf = perStore((store) => new HashIterator(store.hashes));

/** The iterator that serves all commands, one after the other, begun at `ref`. */
function iterate(store: Store, ref: number): HashIterator {
  const iterator = iteratorOf(store);
  iterator.begin(ref);
  return iterator;
}

/** `HKEYS key` and HVALS */
function replyParts(session: Session, request: Request, part: "field" | "value"): void {
  const ref = readHash(session, request);
  if (ref === FAILED) return;
  const { reply, host: { store } } = session;
  if (ref === MISSING) return reply.array(0);
  reply.array(store.hashes.count(ref));
  const iterator = iterate(store, ref);
  const element = part === "field" ? iterator.field : iterator.value;
  while (iterator.next()) replyElement(reply, element);
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
  const exactBy = Number.isNaN(by) ? exactInteger(request, 3) : by;
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
    exactSum = exact + BigInt(exactBy);
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
  const increment = lengths[3] > MAX_DECIMAL_BYTES ? "" : request.text(3);
  let by: Extended | null = null;
  if (!readShort(increment)) {
    by = parseExtended(increment);
    if (by === null) return reply.error(NOT_FLOAT);
    if (by.exponent === Infinity) return reply.error("ERR value is NaN or Infinity");
  }
  const ref = writeOrCreateHash(session, request, 0);
  if (ref === FAILED) return;
  const hashes = host.store.hashes;
  const found = hashes.get(ref, bytes, starts[2], lengths[2], value);
  const isLong = found && value.byteLength() > MAX_DECIMAL_BYTES;
  const before = isLong ? "" : found ? value.text() : "0";
  let after = addShort(before, increment);
  if (after === null) {
    const current = parseExtended(before);
    by ??= parseExtended(increment);
    if (current === null || by === null) return reply.error("ERR hash value is not a float");
    const sum = current.exponent === Infinity ? current : addExtended(current, by);
    if (sum.exponent === Infinity) return reply.error("ERR increment would produce NaN or Infinity");
    after = formatExtended(sum);
  }
  const text = encodeLatin1(after);
  setField(session, request, ref, text, 0, text.length);
  host.changes.changed(session, request, 1, EVENT_HASH, "hincrbyfloat");
  session.propagateAs(4)?.word("HSET").argument(request, 1).argument(request, 2).bytes(text, 0, text.length);
  reply.bulkBytes(text);
}

// --- By chance, and cursor by cursor ----------------------------------------------------------------------------------

/** `HRANDFIELD key [count [WITHVALUES]]` */
function hrandfield(session: Session, request: Request): void {
  const { reply, host: { store: { hashes } } } = session;
  if (request.argc === 2) {
    const ref = readHash(session, request);
    if (ref === FAILED) return;
    if (ref === MISSING) return reply.nil();
    hashes.random(ref, random, field, value);
    return replyElement(reply, field);
  }
  const draw = drawArguments(session, request, "withvalues");
  if (draw === null) return;
  const ref = readHash(session, request);
  if (ref === FAILED) return;
  const { count, inPairs } = draw;
  if (ref === MISSING || count === 0) return reply.array(0);
  if (count > 0) return replyDifferent(session, ref, Math.min(count, hashes.count(ref)), inPairs);
  beginFields(reply, -count, inPairs);
  for (let i = 0; i < -count && !reply.isCut; i++) {
    hashes.random(ref, random, field, value);
    replyField(reply, field, value, inPairs);
  }
}

/** Begins the reply of HRANDFIELD: with values, RESP3 has pairs where RESP2 has twice as many elements. */
function beginFields(reply: ReplyWriter, count: number, inPairs: boolean): void {
  reply.array(inPairs && reply.protocol === 2 ? count * 2 : count);
}

function replyField(reply: ReplyWriter, name: Element, content: Element, inPairs: boolean): void {
  if (inPairs && reply.protocol === 3) reply.array(2);
  replyElement(reply, name);
  if (inPairs) replyElement(reply, content);
}

/** Replies with `count` different fields; there are at least so many. O(count) for a small part of a table, else O(n). */
function replyDifferent(session: Session, ref: number, count: number, inPairs: boolean): void {
  const { reply, host: { store } } = session;
  const { hashes, heap: { tables } } = store;
  const total = hashes.count(ref);
  beginFields(reply, count, inPairs);
  const table = hashes.memberTable(ref);
  if (table !== 0 && areFew(count, total)) {
    for (const entry of drawDifferent(count, () => tables.random(table, random))) {
      hashes.point(entry, field, value);
      replyField(reply, field, value, inPairs);
    }
    return;
  }
  const iterator = iterate(store, ref);
  const sampling = new Sampling(count, total);
  while (sampling.needed > 0 && iterator.next()) {
    if (sampling.takesNext()) replyField(reply, iterator.field, iterator.value, inPairs);
  }
}

/** Replies with a field and its value if the field matches the pattern; whether it does. */
function replyMatching(reply: ReplyWriter, options: ScanOptions, name: Element, content: Element): boolean {
  if (!options.matchesElement(name)) return false;
  replyElement(reply, name);
  replyElement(reply, content);
  return true;
}

const FIELD_SCAN: ElementScan = {
  type: TYPE_HASH,
  parts: 2,
  replyEntries({ reply, host }, options, entries) {
    const { hashes } = host.store;
    let count = 0;
    for (let i = 0; i < entries.length; i++) {
      hashes.point(entries[i], field, value);
      if (replyMatching(reply, options, field, value)) count++;
    }
    return count;
  },
  replyAll({ reply, host }, options, ref) {
    const iterator = iterate(host.store, ref);
    let count = 0;
    while (iterator.next()) if (replyMatching(reply, options, iterator.field, iterator.value)) count++;
    return count;
  },
};

const HASH = { categories: ["hash"] };
const HASH_FIELD = { ...HASH, members: [2, 2, 1] } as const;
const HASH_FIELDS = { ...HASH, members: [2, -1, 1] } as const;
const HASH_PAIRS = { ...HASH, members: [2, -1, 2] } as const;

const hscan: Handler = (session, request) => scanElements(session, request, FIELD_SCAN);
const hkeys: Handler = (session, request) => replyParts(session, request, "field");
const hvals: Handler = (session, request) => replyParts(session, request, "value");
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
