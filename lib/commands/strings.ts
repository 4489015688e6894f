/**
 * Strings: GET, SET and their kin. A string lies inline in its entry; one that is a canonical int64 is labelled `int`
 * and kept as its digits, so that GET is a copy and only arithmetic parses (see store/entry.ts).
 *
 * This family is the model for the others: helpers first, then each command in the order of the table at the end.
 */

import { copyBytes } from "../bytes/compare.ts";
import { addDecimal, MAX_DECIMAL_BYTES } from "../bytes/decimal.ts";
import {
  incrementDigits,
  INT64_MAX,
  INT64_MAX_DIGITS,
  INT64_MIN,
  parseInt64,
  parseSafeInteger,
  writeDecimal,
} from "../bytes/integers.ts";
import { encodeLatin1 } from "../bytes/latin1.ts";
import { Request } from "../resp/request.ts";
import { MAX_BLOCK_BYTES } from "../store/arena.ts";
import { KEEP_EXPIRY } from "../store/database.ts";
import { ENCODING_INT, ENCODING_RAW, NO_EXPIRY, TYPE_STRING, type UnixMs } from "../store/entry.ts";
import { stringEncoding, textEncoding } from "../store/string.ts";
import { type Command, command, DENYOOM, FAST, type Handler, QUICK, READONLY, WRITE } from "./command.ts";
import { NOT_FLOAT, NOT_INTEGER, OVERFLOW, STRING_TOO_LONG, SYNTAX_ERROR, WRONG_TYPE } from "./errors.ts";
import { EVENT_GENERIC, EVENT_STRING } from "./events.ts";
import { expiryFromArgument, ExpiryOption, type TimeUnit } from "./expiry_options.ts";
import {
  ACCESS,
  type FoundKeys,
  index,
  INSERT,
  KEY_OW_INSERT,
  KEY_OW_UPDATE,
  KEY_RO,
  KEY_RO_ACCESS,
  KEY_RW_ACCESS_DELETE,
  KEY_RW_ACCESS_UPDATE,
  KEY_RW_INSERT,
  KEY_RW_UPDATE,
  KEYS_RO_ACCESS,
  keySpec,
  OW,
  range,
  RO,
  RW,
  UPDATE,
  VARIABLE_FLAGS,
} from "./key_specs.ts";
import { looseInteger } from "./integer_argument.ts";
import { longestCommonSubsequence } from "./lcs.ts";
import { propagateBeginning } from "./partial_changes.ts";
import { removalWord } from "./removal.ts";
import { refuse } from "./replies.ts";
import type { Session } from "./session.ts";
import { FAILED, MISSING, readTyped, writeTyped } from "./typed_keys.ts";

const NO_BYTES = new Uint8Array(0);
/** Digits of the number under way. */
const digits = new Uint8Array(INT64_MAX_DIGITS + 4);

/** The entry of a string argument's key for reading, or 0 after having replied: with null, or WRONGTYPE. */
function readString(session: Session, request: Request, keyIndex: number): number {
  const { database } = session; // not by way of readTyped, which measurably slows GET down
  const ref = database.read(request.bytes, request.starts[keyIndex], request.lengths[keyIndex]);
  if (ref === MISSING) {
    session.reply.nil();
    return 0;
  }
  if (database.entries.type(ref) === TYPE_STRING) return ref;
  session.reply.error(WRONG_TYPE);
  return 0;
}

/** Replies with the string under a key, or null; false if there is a value of another type, which has been said. */
function replyStored(session: Session, request: Request, keyIndex: number): boolean {
  const errors = session.reply.errorCount;
  const ref = readString(session, request, keyIndex);
  if (ref !== 0) replyValue(session, ref);
  return session.reply.errorCount === errors;
}

/** Replies with the string in an entry. */
function replyValue(session: Session, ref: number): void {
  const entries = session.database.entries;
  session.reply.bulk(entries.bytes(ref), entries.valueStart(ref), entries.valueWord(ref));
}

/** Sets the string under argument `keyIndex` to argument `valueIndex`. */
function setArgument(session: Session, request: Request, keyIndex: number, valueIndex: number, expiry: UnixMs): void {
  const { bytes, starts, lengths } = request;
  const start = starts[valueIndex];
  const length = lengths[valueIndex];
  const encoding = stringEncoding(bytes, start, length);
  session.database.setString(bytes, starts[keyIndex], lengths[keyIndex], bytes, start, length, encoding, expiry);
}

/** `GET key` */
function get(session: Session, request: Request): void {
  const ref = readString(session, request, 1);
  if (ref !== 0) replyValue(session, ref);
}

interface SetOptions {
  onlyIf: "exists" | "missing" | "always";
  get: boolean;
  expiry: UnixMs;
}

/** Reads the options of SET from argument 3 on; null after having replied with an error. */
function parseSetOptions(session: Session, request: Request): SetOptions | null {
  const options: SetOptions = { onlyIf: "always", get: false, expiry: NO_EXPIRY };
  const expiry = new ExpiryOption("keepttl");
  for (let i = 3; i < request.argc; i++) {
    if (request.is(i, "nx") && options.onlyIf !== "exists") options.onlyIf = "missing";
    else if (request.is(i, "xx") && options.onlyIf !== "missing") options.onlyIf = "exists";
    else if (request.is(i, "get")) options.get = true;
    else {
      const taken = expiry.take(request, i);
      if (taken === 0) {
        return refuse(session, SYNTAX_ERROR);
      }
      i += taken - 1;
    }
  }
  const { kind } = expiry;
  if (kind === "keepttl") {
    options.expiry = KEEP_EXPIRY;
  } else if (kind !== null && kind !== "persist") {
    const time = expiryFromArgument(session, request, expiry.argument, kind, "set");
    if (time === null) return null;
    options.expiry = time;
  }
  return options;
}

/** `SET key value [NX | XX] [GET] [EX s | PX ms | EXAT unix-s | PXAT unix-ms | KEEPTTL]` */
function set(session: Session, request: Request): void {
  if (request.argc === 3) {
    setArgument(session, request, 1, 2, NO_EXPIRY);
    session.host.changes.changed(session, request, 1, EVENT_STRING, "set");
    return session.reply.ok();
  }
  const options = parseSetOptions(session, request);
  if (options === null) return;
  const { reply, database } = session;
  const { bytes, starts, lengths } = request;
  if (options.get && !replyStored(session, request, 1)) return;
  if (options.onlyIf !== "always") {
    const exists = database.use(bytes, starts[1], lengths[1]);
    if (exists !== (options.onlyIf === "exists")) {
      if (!options.get) reply.nil();
      return;
    }
  }
  setArgument(session, request, 1, 2, options.expiry);
  session.host.changes.changed(session, request, 1, EVENT_STRING, "set");
  if (options.expiry !== NO_EXPIRY && options.expiry !== KEEP_EXPIRY) {
    session.host.changes.publish(EVENT_GENERIC, "expire", database, bytes, starts[1], lengths[1]);
    propagateSet(session, request, 2, options.expiry);
  } else if (options.get) {
    propagateWithoutGet(session, request);
  }
  if (!options.get) reply.ok();
}

/** Propagates a set with an expiry as `SET key value PXAT ms`: absolute and unconditional, whatever the client gave. */
function propagateSet(session: Session, request: Request, valueIndex: number, expiry: UnixMs): void {
  session.propagateAs(5)?.word("SET").argument(request, 1).argument(request, valueIndex).word("PXAT").integer(expiry);
}

/** Propagates a set without its GET: followers need not look up what nobody asks them for. */
function propagateWithoutGet(session: Session, request: Request): void {
  const keeps = (i: number) => i < 3 || !request.is(i, "get");
  let argc = 0;
  for (let i = 0; i < request.argc; i++) if (keeps(i)) argc++;
  const builder = session.propagateAs(argc);
  for (let i = 0; i < request.argc; i++) if (keeps(i)) builder?.argument(request, i);
}

/** `SETNX key value` */
function setnx(session: Session, request: Request): void {
  if (session.database.use(request.bytes, request.starts[1], request.lengths[1])) return session.reply.integer(0);
  setArgument(session, request, 1, 2, NO_EXPIRY);
  session.host.changes.changed(session, request, 1, EVENT_STRING, "set");
  session.reply.integer(1);
}

/** `SETEX key seconds value` and `PSETEX key milliseconds value` */
function setWithExpiry(session: Session, request: Request, unit: TimeUnit, name: string): void {
  const expiry = expiryFromArgument(session, request, 2, unit, name);
  if (expiry === null) return;
  setArgument(session, request, 1, 3, expiry);
  session.host.changes.changed(session, request, 1, EVENT_STRING, "set");
  const { bytes, starts, lengths } = request;
  session.host.changes.publish(EVENT_GENERIC, "expire", session.database, bytes, starts[1], lengths[1]);
  propagateSet(session, request, 3, expiry);
  session.reply.ok();
}

/** `GETSET key value` */
function getset(session: Session, request: Request): void {
  if (!replyStored(session, request, 1)) return;
  setArgument(session, request, 1, 2, NO_EXPIRY);
  session.host.changes.changed(session, request, 1, EVENT_STRING, "set");
  session.propagateAs(3)?.word("SET").argument(request, 1).argument(request, 2);
}

/** `GETDEL key` */
function getdel(session: Session, request: Request): void {
  const ref = readString(session, request, 1);
  if (ref === 0) return;
  replyValue(session, ref);
  session.database.remove(request.bytes, request.starts[1], request.lengths[1]);
  session.host.changes.changed(session, request, 1, EVENT_GENERIC, "del");
  session.propagateAs(2)?.word(removalWord(session.host.config, "lazyfree-lazy-user-del")).argument(request, 1);
}

/** `GETEX key [EX s | PX ms | EXAT unix-s | PXAT unix-ms | PERSIST]` */
function getex(session: Session, request: Request): void {
  const { reply, database, host } = session;
  const { bytes, starts, lengths } = request;
  const option = new ExpiryOption("persist");
  for (let i = 2; i < request.argc;) {
    const taken = option.take(request, i);
    if (taken === 0) return reply.error(SYNTAX_ERROR);
    i += taken;
  }
  const ref = readString(session, request, 1);
  if (ref === 0) return;
  const { kind } = option;
  if (kind === null || kind === "persist" || kind === "keepttl") {
    replyValue(session, ref);
    if (kind === null || !session.database.entries.hasExpiry(ref)) return;
    database.prepareChange(ref);
    database.setExpiry(ref, NO_EXPIRY);
    host.changes.changed(session, request, 1, EVENT_GENERIC, "persist");
    session.propagateAs(2)?.word("PERSIST").argument(request, 1);
    return;
  }
  const expiry = expiryFromArgument(session, request, option.argument, kind, "getex");
  if (expiry === null) return;
  replyValue(session, ref);
  if (host.store.hasPassed(expiry)) {
    database.remove(bytes, starts[1], lengths[1]);
    host.changes.changed(session, request, 1, EVENT_GENERIC, "del");
    session.propagateAs(2)?.word(removalWord(host.config, "lazyfree-lazy-expire")).argument(request, 1);
    return;
  }
  database.prepareChange(ref);
  database.setExpiry(ref, expiry);
  host.changes.changed(session, request, 1, EVENT_GENERIC, "expire");
  session.propagateAs(3)?.word("PEXPIREAT").argument(request, 1).integer(expiry);
}

/** `MGET key [key …]` */
function mget(session: Session, request: Request): void {
  const { reply, database } = session;
  const entries = database.entries;
  reply.array(request.argc - 1);
  for (let i = 1; i < request.argc; i++) {
    const ref = database.read(request.bytes, request.starts[i], request.lengths[i]);
    if (ref === 0 || entries.type(ref) !== TYPE_STRING) reply.nil();
    else replyValue(session, ref);
  }
}

/** `MSET key value [key value …]` and `MSETNX` */
function mset(session: Session, request: Request, onlyIfMissing: boolean): void {
  const { reply, database } = session;
  const { bytes, starts, lengths } = request;
  if (request.argc % 2 === 0) {
    return reply.error(`ERR wrong number of arguments for '${onlyIfMissing ? "msetnx" : "mset"}' command`);
  }
  if (onlyIfMissing) {
    for (let i = 1; i < request.argc; i += 2) {
      if (database.use(bytes, starts[i], lengths[i])) return reply.integer(0);
    }
  }
  let i = 1;
  try {
    for (; i < request.argc; i += 2) {
      setArgument(session, request, i, i + 1, NO_EXPIRY);
      session.host.changes.changed(session, request, i, EVENT_STRING, "set");
    }
  } catch (error) {
    if (i > 1) propagateBeginning(session, request, "MSET", i);
    throw error;
  }
  if (onlyIfMissing) reply.integer(1);
  else reply.ok();
}

/** Adds to the integer under argument 1: INCR, DECR, INCRBY and DECRBY. NaN is an increment only `exactBy` can hold. */
function increment(session: Session, request: Request, by: number, exactBy: bigint | null = null): void {
  const { database, reply } = session;
  const { bytes, starts, lengths } = request;
  const entries = database.entries;
  const ref = database.write(bytes, starts[1], lengths[1]);
  let value = 0;
  if (ref !== 0) {
    if (by === 1 && entries.encoding(ref) === ENCODING_INT && incrementEntry(session, request, ref)) return;
    if (entries.type(ref) !== TYPE_STRING) return reply.error(WRONG_TYPE);
    value = parseSafeInteger(entries.bytes(ref), entries.valueStart(ref), entries.valueWord(ref));
  }
  value += by;
  let length: number;
  if (Number.isSafeInteger(value)) {
    length = writeDecimal(digits, 0, value);
  } else {
    const current = ref === 0 ? 0n : parseInt64(entries.bytes(ref), entries.valueStart(ref), entries.valueWord(ref));
    if (current === null) return reply.error(NOT_INTEGER);
    const sum = current + (exactBy ?? BigInt(by));
    if (sum < INT64_MIN || sum > INT64_MAX) return reply.error(OVERFLOW);
    const text = sum.toString();
    digits.set(encodeLatin1(text));
    length = text.length;
  }
  if (ref !== 0 && length === entries.valueWord(ref)) {
    copyBytes(digits, 0, length, entries.bytes(ref), entries.valueStart(ref));
    entries.setTypeAndEncoding(ref, TYPE_STRING, ENCODING_INT);
  } else {
    database.rewriteString(bytes, starts[1], lengths[1], digits, length, ENCODING_INT);
  }
  session.host.changes.changed(session, request, 1, EVENT_STRING, "incrby");
  reply.integerDigits(digits, 0, length);
}

/** Adds one to an integer's digits where they lie, if it stays in range and needs no more of them; whether it did. */
function incrementEntry(session: Session, request: Request, ref: number): boolean {
  const entries = session.database.entries;
  const bytes = entries.bytes(ref);
  const start = entries.valueStart(ref);
  const length = entries.valueWord(ref);
  if (length >= INT64_MAX_DIGITS - 1 || !incrementDigits(bytes, start, length)) return false;
  session.host.changes.changed(session, request, 1, EVENT_STRING, "incrby");
  session.reply.integerDigits(bytes, start, length);
  return true;
}

/** `INCRBY key increment` and `DECRBY key decrement` */
function incrementBy(session: Session, request: Request, sign: 1 | -1): void {
  const by = request.integer(2);
  if (!Number.isNaN(by)) return increment(session, request, sign * by);
  const exact = parseInt64(request.bytes, request.starts[2], request.lengths[2]);
  if (exact === null) return session.reply.error(NOT_INTEGER);
  if (sign < 0 && exact === INT64_MIN) return session.reply.error("ERR decrement would overflow");
  increment(session, request, NaN, BigInt(sign) * exact);
}

/** `INCRBYFLOAT key increment` */
function incrbyfloat(session: Session, request: Request): void {
  const { database, reply } = session;
  const { bytes, starts, lengths } = request;
  const entries = database.entries;
  const ref = writeTyped(session, request, 1, TYPE_STRING);
  if (ref === FAILED) return;
  const length = ref === MISSING ? 0 : entries.valueWord(ref);
  if (Math.max(length, lengths[2]) > MAX_DECIMAL_BYTES) return reply.error(NOT_FLOAT);
  const current = ref === MISSING ? "0" : entries.text(ref, entries.valueStart(ref), length);
  const sum = addDecimal(current, request.text(2));
  if (typeof sum !== "string") return reply.error(sum.error);
  const value = encodeLatin1(sum);
  const encoding = textEncoding(value.length);
  database.rewriteString(bytes, starts[1], lengths[1], value, value.length, encoding);
  session.host.changes.changed(session, request, 1, EVENT_STRING, "incrbyfloat");
  session.propagateAs(4)?.word("SET").argument(request, 1).bytes(value, 0, value.length).word("KEEPTTL");
  reply.bulkBytes(value);
}

/** Whether a string may become `length` bytes long; if not, the client has been told. */
function lengthAllowed(session: Session, length: number): boolean {
  if (length <= session.host.maxBulkBytes && length <= MAX_BLOCK_BYTES) return true;
  session.reply.error(STRING_TOO_LONG);
  return false;
}

/** `APPEND key value` */
function append(session: Session, request: Request): void {
  const { database, reply } = session;
  const { bytes, starts, lengths } = request;
  const entries = database.entries;
  let ref = writeTyped(session, request, 1, TYPE_STRING);
  if (ref === FAILED) return;
  let length = lengths[2];
  if (ref === MISSING) {
    setArgument(session, request, 1, 2, NO_EXPIRY);
  } else {
    const before = entries.valueWord(ref);
    length += before;
    if (!lengthAllowed(session, length)) return;
    ref = database.resizeValue(ref, length);
    entries.setTypeAndEncoding(ref, TYPE_STRING, ENCODING_RAW);
    copyBytes(bytes, starts[2], lengths[2], entries.bytes(ref), entries.valueStart(ref) + before);
  }
  session.host.changes.changed(session, request, 1, EVENT_STRING, "append");
  reply.integer(length);
}

/** `STRLEN key` */
function strlen(session: Session, request: Request): void {
  const ref = readTyped(session, request, 1, TYPE_STRING);
  if (ref !== FAILED) session.reply.integer(ref === MISSING ? 0 : session.database.entries.valueWord(ref));
}

/** `SETRANGE key offset value` */
function setrange(session: Session, request: Request): void {
  const { database, reply } = session;
  const { bytes, starts, lengths } = request;
  const entries = database.entries;
  const offset = looseInteger(request, 2);
  if (Number.isNaN(offset)) return reply.error(NOT_INTEGER);
  if (offset < 0) return reply.error("ERR offset is out of range");
  let ref = writeTyped(session, request, 1, TYPE_STRING);
  if (ref === FAILED) return;
  const before = ref === MISSING ? 0 : entries.valueWord(ref);
  const added = lengths[3];
  if (added === 0) return reply.integer(before);
  if (!lengthAllowed(session, offset + added)) return;
  if (ref === MISSING) {
    ref = database.put(bytes, starts[1], lengths[1], TYPE_STRING, ENCODING_RAW, offset + added, NO_EXPIRY);
  } else {
    if (offset + added > before) ref = database.resizeValue(ref, offset + added);
    entries.setTypeAndEncoding(ref, TYPE_STRING, ENCODING_RAW);
  }
  const target = entries.bytes(ref);
  const start = entries.valueStart(ref);
  if (offset > before) target.fill(0, start + before, start + offset);
  copyBytes(bytes, starts[3], added, target, start + offset);
  session.host.changes.changed(session, request, 1, EVENT_STRING, "setrange");
  reply.integer(Math.max(before, offset + added));
}

/** `GETRANGE key start end` and `SUBSTR` */
function getrange(session: Session, request: Request): void {
  const { host, reply } = session;
  let first = looseInteger(request, 2);
  let last = looseInteger(request, 3);
  if (Number.isNaN(first) || Number.isNaN(last)) return reply.error(NOT_INTEGER);
  const ref = readTyped(session, request, 1, TYPE_STRING);
  if (ref === FAILED) return;
  if (ref === MISSING) return reply.bulkBytes(NO_BYTES);
  const { entries } = host.store.heap;
  const length = entries.valueWord(ref);
  if (first < 0 && last < 0 && first > last) return reply.bulkBytes(NO_BYTES);
  if (first < 0) first = Math.max(0, length + first);
  if (last < 0) last = Math.max(0, length + last);
  last = Math.min(last, length - 1);
  if (first > last) return reply.bulkBytes(NO_BYTES);
  reply.bulk(entries.bytes(ref), entries.valueStart(ref) + first, last - first + 1);
}

/** `LCS key1 key2 [LEN] [IDX] [MINMATCHLEN length] [WITHMATCHLEN]` */
function lcs(session: Session, request: Request): void {
  const { database, reply } = session;
  const entries = database.entries;
  let onlyLength = false;
  let indexes = false;
  let withMatchLength = false;
  let minimum = 0;
  const values: Uint8Array[] = [];
  for (let i = 1; i <= 2; i++) {
    const ref = database.read(request.bytes, request.starts[i], request.lengths[i]);
    if (ref !== 0 && entries.type(ref) !== TYPE_STRING) {
      return reply.error("ERR The specified keys must contain string values");
    }
    const at = ref === 0 ? 0 : entries.valueStart(ref);
    values.push(ref === 0 ? NO_BYTES : entries.bytes(ref).slice(at, at + entries.valueWord(ref)));
  }
  for (let i = 3; i < request.argc; i++) {
    if (request.is(i, "len")) onlyLength = true;
    else if (request.is(i, "idx")) indexes = true;
    else if (request.is(i, "withmatchlen")) withMatchLength = true;
    else if (request.is(i, "minmatchlen") && i + 1 < request.argc) {
      minimum = looseInteger(request, ++i);
      if (Number.isNaN(minimum)) return reply.error(NOT_INTEGER);
      minimum = Math.max(0, minimum);
    } else return reply.error(SYNTAX_ERROR);
  }
  if (onlyLength && indexes) return reply.error("ERR If you want both the length and indexes, please just use IDX.");
  const result = longestCommonSubsequence(values[0], values[1], Math.min(session.host.maxBulkBytes, MAX_BLOCK_BYTES));
  if (result === null) {
    return reply.error("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");
  }
  if (onlyLength) return reply.integer(result.bytes.length);
  if (!indexes) return reply.bulkBytes(result.bytes);
  const matches = result.matches.filter((match) => match.length >= minimum);
  reply.map(2);
  reply.bulkString("matches");
  reply.array(matches.length);
  for (const match of matches) {
    reply.array(withMatchLength ? 3 : 2);
    for (const start of [match.firstStart, match.secondStart]) {
      reply.array(2);
      reply.integer(start);
      reply.integer(start + match.length - 1);
    }
    if (withMatchLength) reply.integer(match.length);
  }
  reply.bulkString("len");
  reply.integer(result.bytes.length);
}

const STRING = { categories: ["string"] };
const SET_KEY = [keySpec(RW | ACCESS | UPDATE | VARIABLE_FLAGS, index(1), range(0), "Only GET has it read.")];
const GETEX_KEY = [keySpec(RW | ACCESS | UPDATE, index(1), range(0), "Written because its expiry may change.")];
const PAIRS_OW_UPDATE = [keySpec(OW | UPDATE, index(1), range(-1, 2))];
const PAIRS_OW_INSERT = [keySpec(OW | INSERT, index(1), range(-1, 2))];
const LCS_KEYS = [keySpec(RO | ACCESS, index(1), range(1))];

/** What SET does with its key depends on its options. */
function findSetKey(request: Request, found: FoundKeys): boolean {
  let flags = OW | UPDATE;
  for (let i = 3; i < request.argc; i++) if (request.is(i, "get")) flags = RW | ACCESS | UPDATE;
  found.add(1, flags);
  return true;
}

const setex: Handler = (session, request) => setWithExpiry(session, request, "ex", "setex");
const psetex: Handler = (session, request) => setWithExpiry(session, request, "px", "psetex");
const msetAlways: Handler = (session, request) => mset(session, request, false);
const msetnx: Handler = (session, request) => mset(session, request, true);
const incr: Handler = (session, request) => increment(session, request, 1);
const decr: Handler = (session, request) => increment(session, request, -1);
const incrby: Handler = (session, request) => incrementBy(session, request, 1);
const decrby: Handler = (session, request) => incrementBy(session, request, -1);

export const STRING_COMMANDS: readonly Command[] = [
  command("get", 2, READONLY | FAST, get, { ...STRING, keys: KEY_RO_ACCESS }),
  command("set", -3, WRITE | DENYOOM | QUICK, set, { ...STRING, keys: SET_KEY, keyFinder: findSetKey }),
  command("setnx", 3, WRITE | DENYOOM | FAST, setnx, { ...STRING, keys: KEY_OW_INSERT }),
  command("setex", 4, WRITE | DENYOOM, setex, { ...STRING, keys: KEY_OW_UPDATE }),
  command("psetex", 4, WRITE | DENYOOM, psetex, { ...STRING, keys: KEY_OW_UPDATE }),
  command("getset", 3, WRITE | DENYOOM | FAST, getset, { ...STRING, keys: KEY_RW_ACCESS_UPDATE }),
  command("getdel", 2, WRITE | FAST, getdel, { ...STRING, keys: KEY_RW_ACCESS_DELETE }),
  command("getex", -2, WRITE | FAST, getex, { ...STRING, keys: GETEX_KEY }),
  command("mget", -2, READONLY | FAST, mget, { ...STRING, keys: KEYS_RO_ACCESS }),
  command("mset", -3, WRITE | DENYOOM, msetAlways, { ...STRING, keys: PAIRS_OW_UPDATE }),
  command("msetnx", -3, WRITE | DENYOOM, msetnx, { ...STRING, keys: PAIRS_OW_INSERT }),
  command("incr", 2, WRITE | DENYOOM | FAST, incr, { ...STRING, keys: KEY_RW_ACCESS_UPDATE }),
  command("decr", 2, WRITE | DENYOOM | FAST, decr, { ...STRING, keys: KEY_RW_ACCESS_UPDATE }),
  command("incrby", 3, WRITE | DENYOOM | FAST, incrby, { ...STRING, keys: KEY_RW_ACCESS_UPDATE }),
  command("decrby", 3, WRITE | DENYOOM | FAST, decrby, { ...STRING, keys: KEY_RW_ACCESS_UPDATE }),
  command("incrbyfloat", 3, WRITE | DENYOOM | FAST, incrbyfloat, { ...STRING, keys: KEY_RW_ACCESS_UPDATE }),
  command("append", 3, WRITE | DENYOOM | FAST, append, { ...STRING, keys: KEY_RW_INSERT }),
  command("strlen", 2, READONLY | FAST, strlen, { ...STRING, keys: KEY_RO }),
  command("setrange", 4, WRITE | DENYOOM, setrange, { ...STRING, keys: KEY_RW_UPDATE }),
  command("getrange", 4, READONLY, getrange, { ...STRING, keys: KEY_RO_ACCESS }),
  command("substr", 4, READONLY, getrange, { ...STRING, keys: KEY_RO_ACCESS }),
  command("lcs", -3, READONLY, lcs, { ...STRING, keys: LCS_KEYS }),
];
