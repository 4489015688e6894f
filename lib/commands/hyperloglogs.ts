/**
 * HyperLogLogs: PFADD, PFCOUNT, PFMERGE, and what looks into them. What a HyperLogLog is, byte by byte, is in
 * bytes/hyperloglog.ts; to the rest of the program it is a string.
 *
 * A dense one is changed where it lies. A sparse one, as it may grow, is changed in a buffer and then written back at once:
 * if there is no memory for it, nothing has changed.
 */

import { shownArgument } from "./errors.ts";
import {
  decodeRuns,
  denseRegister,
  estimate,
  hashElement,
  HLL_REGISTERS,
  HyperLogLogBuffer,
  HyperLogLogUnion,
  isDense,
  isHyperLogLog,
  keepEstimate,
  keptEstimate,
  outdateEstimate,
  raiseDense,
  register,
  registerValue,
} from "../bytes/hyperloglog.ts";
import { encodeLatin1 } from "../bytes/latin1.ts";
import type { Request } from "../resp/request.ts";
import { ENCODING_RAW, NO_EXPIRY, TYPE_STRING } from "../store/entry.ts";
import { ADMIN, type Command, command, DENYOOM, FAST, MAY_REPLICATE, READONLY, WRITE } from "./command.ts";
import { EVENT_STRING } from "./events.ts";
import { ACCESS, index, INSERT, KEY_RW_INSERT, keySpec, oneKey, range, RO, RW } from "./key_specs.ts";
import type { Session } from "./session.ts";
import { FAILED, MISSING, readTyped, writeTyped } from "./typed_keys.ts";

const NOT_ONE = "WRONGTYPE Key is not a valid HyperLogLog string value.";
const UNSOUND = "INVALIDOBJ Corrupted HLL object detected";
/** Bytes of a sparse one for which there is a buffer at hand; more is unusual. */
const USUAL_BYTES = 16 * 1024;
const usualBuffer = new HyperLogLogBuffer(USUAL_BYTES);

/** The HyperLogLog under an argument, or MISSING, or FAILED after having replied that it is none. */
function checked(session: Session, ref: number): number {
  if (ref === MISSING || ref === FAILED) return ref;
  const { entries } = session.host.store.heap;
  if (isHyperLogLog(entries.bytes(ref), entries.valueStart(ref), entries.valueWord(ref))) return ref;
  session.reply.error(NOT_ONE);
  return FAILED;
}

function readOne(session: Session, request: Request, at: number): number {
  return checked(session, readTyped(session, request, at, TYPE_STRING));
}

function writeOne(session: Session, request: Request, at: number): number {
  return checked(session, writeTyped(session, request, at, TYPE_STRING));
}

/** A HyperLogLog that was looked at to be changed is no longer labelled a short string, even where it stays as it is. */
function label(session: Session, ref: number): void {
  if (ref !== MISSING) session.host.store.heap.entries.setTypeAndEncoding(ref, TYPE_STRING, ENCODING_RAW);
}

/** A buffer that holds the one in an entry, or a new one if it is missing. */
function bufferOf(session: Session, ref: number): HyperLogLogBuffer {
  const { entries } = session.host.store.heap;
  const length = ref === MISSING ? 0 : entries.valueWord(ref);
  const room = Math.max(length, maxSparseBytes(session));
  const buffer = room <= USUAL_BYTES ? usualBuffer : new HyperLogLogBuffer(room);
  if (ref === MISSING) buffer.clear();
  else buffer.load(entries.bytes(ref), entries.valueStart(ref), length);
  return buffer;
}

/** Writes a buffer to the key in an argument, whose entry is `ref`, or which is missing. */
function writeBack(session: Session, request: Request, at: number, ref: number, buffer: HyperLogLogBuffer): void {
  const { database, host } = session;
  const { entries } = host.store.heap;
  const { bytes, starts, lengths } = request;
  const { length } = buffer;
  if (ref === MISSING) {
    ref = database.put(bytes, starts[at], lengths[at], TYPE_STRING, ENCODING_RAW, length, NO_EXPIRY);
  } else {
    ref = database.resizeValue(ref, length);
    label(session, ref);
  }
  entries.bytes(ref).set(buffer.bytes.subarray(0, length), entries.valueStart(ref));
}

/** Most bytes of a sparse one; what is dense is never longer, so more than that makes no difference. */
function maxSparseBytes(session: Session): number {
  return Math.min(session.host.config.number("hll-sparse-max-bytes"), MAX_SPARSE_BYTES);
}

/** More than any sparse one has: two bytes for each register. */
const MAX_SPARSE_BYTES = 2 * HLL_REGISTERS + 1024;

/** `PFADD key [element …]` */
function pfadd(session: Session, request: Request): void {
  const { bytes, starts, lengths } = request;
  const { host, reply } = session;
  const { entries } = host.store.heap;
  const ref = writeOne(session, request, 1);
  if (ref === FAILED) return;
  label(session, ref);
  let changes = ref === MISSING ? 1 : 0;
  if (ref !== MISSING && isDense(entries.bytes(ref), entries.valueStart(ref))) {
    const target = entries.bytes(ref);
    const at = entries.valueStart(ref);
    for (let i = 2; i < request.argc; i++) {
      hashElement(bytes, starts[i], lengths[i]);
      if (raiseDense(target, at, register, registerValue)) changes++;
    }
    if (changes > 0) outdateEstimate(target, at);
  } else {
    const buffer = bufferOf(session, ref);
    const most = maxSparseBytes(session);
    for (let i = 2; i < request.argc; i++) {
      hashElement(bytes, starts[i], lengths[i]);
      const raised = buffer.raise(register, registerValue, most);
      if (raised === "unsound") return reply.error(UNSOUND);
      if (raised === "raised") changes++;
    }
    if (changes > 0) {
      outdateEstimate(buffer.bytes, 0);
      writeBack(session, request, 1, ref, buffer);
    }
  }
  if (changes > 0) host.changes.changed(session, request, 1, EVENT_STRING, "pfadd", changes);
  reply.integer(changes > 0 ? 1 : 0);
}

/** `PFCOUNT key [key …]`; the estimate of a single one is kept in it, and so propagated */
function pfcount(session: Session, request: Request): void {
  if (request.argc > 2) return countUnion(session, request);
  const { database, host, reply } = session;
  const { entries } = host.store.heap;
  const ref = readOne(session, request, 1);
  if (ref === FAILED) return;
  if (ref === MISSING) return reply.integer(0);
  label(session, ref);
  const kept = keptEstimate(entries.bytes(ref), entries.valueStart(ref));
  if (typeof kept === "number") return reply.integer(kept);
  if (kept !== null) return reply.bigInteger(kept);
  const found = estimate(entries.bytes(ref), entries.valueStart(ref), entries.valueWord(ref));
  if (found === null) return reply.error(UNSOUND);
  database.prepareChange(ref);
  keepEstimate(entries.bytes(ref), entries.valueStart(ref), found);
  host.changes.changed(session, request, 1, 0, "");
  reply.integer(found);
}

const union = new HyperLogLogUnion();

/** Joins the ones in the arguments from 1 on in `union`: whether any is dense; null after having replied with an error. */
function joinAll(session: Session, request: Request): { readonly isAnyDense: boolean } | null {
  const { reply, host } = session;
  const { entries } = host.store.heap;
  let isAnyDense = false;
  union.clear();
  for (let i = 1; i < request.argc; i++) {
    const ref = readOne(session, request, i);
    if (ref === FAILED) return null;
    if (ref === MISSING) continue;
    const start = entries.valueStart(ref);
    if (isDense(entries.bytes(ref), start)) isAnyDense = true;
    if (union.join(entries.bytes(ref), start, entries.valueWord(ref))) continue;
    reply.error(UNSOUND);
    return null;
  }
  return { isAnyDense };
}

function countUnion(session: Session, request: Request): void {
  if (joinAll(session, request) !== null) session.reply.integer(union.estimate());
}

/** `PFMERGE destkey [sourcekey …]` */
function pfmerge(session: Session, request: Request): void {
  const { reply, host } = session;
  const joined = joinAll(session, request);
  if (joined === null) return;
  const ref = writeOne(session, request, 1);
  if (ref === FAILED) return;
  const buffer = bufferOf(session, ref);
  if (joined.isAnyDense && !buffer.toDense()) return reply.error(UNSOUND);
  buffer.raiseAll(union, maxSparseBytes(session));
  outdateEstimate(buffer.bytes, 0);
  writeBack(session, request, 1, ref, buffer);
  host.changes.changed(session, request, 1, EVENT_STRING, "pfadd");
  reply.ok();
}

/** `PFDEBUG <GETREG | DECODE | ENCODING | TODENSE> key` */
function pfdebug(session: Session, request: Request): void {
  const { reply, host } = session;
  const { entries } = host.store.heap;
  const ref = writeTyped(session, request, 2, TYPE_STRING);
  if (ref === FAILED) return;
  if (ref === MISSING) return reply.error("ERR The specified key does not exist");
  if (checked(session, ref) === FAILED) return;
  label(session, ref);
  const bytes = entries.bytes(ref);
  const start = entries.valueStart(ref);
  const wasDense = isDense(bytes, start);
  if (request.is(1, "encoding")) return reply.simple(wasDense ? "dense" : "sparse");
  if (request.is(1, "decode")) {
    if (wasDense) return reply.error("ERR HLL encoding is not sparse");
    return reply.bulkString(decodeRuns(bytes, start, entries.valueWord(ref)));
  }
  const showsRegisters = request.is(1, "getreg");
  if (!showsRegisters && !request.is(1, "todense")) {
    return reply.error(`ERR Unknown PFDEBUG subcommand '${shownArgument(request, 1)}'`);
  }
  const buffer = bufferOf(session, ref);
  if (!buffer.toDense()) return reply.error(UNSOUND);
  if (!wasDense) {
    writeBack(session, request, 2, ref, buffer);
    host.changes.changed(session, request, 2, 0, "");
  }
  if (!showsRegisters) return reply.integer(wasDense ? 0 : 1);
  reply.array(HLL_REGISTERS);
  for (let i = 0; i < HLL_REGISTERS; i++) reply.integer(denseRegister(buffer.bytes, 0, i));
}

/** Elements that PFSELFTEST adds, and the estimates that it looks at: at every power of ten. */
const TESTED_ELEMENTS = 1_000_000;
/** Standard error of an estimate; more than some times that is a fault. */
const STANDARD_ERROR = 1.04 / Math.sqrt(HLL_REGISTERS);
const TOLERATED_ERRORS = 6;

/** `PFSELFTEST`: registers keep their values, both forms agree, and estimates are as good as they should be */
function pfselftest(session: Session): void {
  const fault = registersFault() ?? estimatesFault();
  if (fault === null) session.reply.ok();
  else session.reply.error(`TESTFAILED ${fault}`);
}

function registersFault(): string | null {
  const buffer = new HyperLogLogBuffer(0);
  const registers = new Uint8Array(HLL_REGISTERS);
  buffer.clear();
  buffer.toDense();
  for (let value = 1; value < 64; value++) {
    for (let i = 0; i < HLL_REGISTERS; i++) {
      const wanted = 1 + ((i * 7 + value) & 63);
      raiseDense(buffer.bytes, 0, i, Math.min(63, wanted));
      registers[i] = Math.max(registers[i], Math.min(63, wanted));
    }
    for (let i = 0; i < HLL_REGISTERS; i++) {
      const found = denseRegister(buffer.bytes, 0, i);
      if (found !== registers[i]) return `Register ${i} should be ${registers[i]} but is ${found}`;
    }
  }
  return null;
}

function estimatesFault(): string | null {
  const sparse = new HyperLogLogBuffer(MAX_SPARSE_BYTES);
  const dense = new HyperLogLogBuffer(0);
  sparse.clear();
  dense.clear();
  dense.toDense();
  for (let count = 1, next = 1; count <= TESTED_ELEMENTS; count++) {
    const element = encodeLatin1(`element:${count}`);
    hashElement(element, 0, element.length);
    dense.raise(register, registerValue, 0);
    if (count <= 10_000) sparse.raise(register, registerValue, MAX_SPARSE_BYTES);
    if (count !== next) continue;
    next *= 10;
    const found = estimate(dense.bytes, 0, dense.length) ?? 0;
    if (count <= 10_000 && estimate(sparse.bytes, 0, sparse.length) !== found) return "dense/sparse disagree";
    const most = Math.ceil(TOLERATED_ERRORS * STANDARD_ERROR * count) + (count <= 10 ? 1 : 0);
    if (Math.abs(found - count) > most) return `Too big error. card:${count} abserr:${Math.abs(found - count)}`;
  }
  return null;
}

const HLL = { categories: ["hyperloglog"] };
const PFCOUNT_KEYS = [
  keySpec(
    RW | ACCESS,
    index(1),
    range(-1),
    "RW because it may change the internal representation of the key, and propagate to replicas",
  ),
];
const PFMERGE_KEYS = [oneKey(RW | ACCESS | INSERT), keySpec(RO | ACCESS, index(2), range(-1))];

export const HYPERLOGLOG_COMMANDS: readonly Command[] = [
  command("pfadd", -2, WRITE | DENYOOM | FAST, pfadd, { ...HLL, keys: KEY_RW_INSERT }),
  command("pfcount", -2, READONLY | MAY_REPLICATE, pfcount, { ...HLL, keys: PFCOUNT_KEYS }),
  command("pfmerge", -2, WRITE | DENYOOM, pfmerge, { ...HLL, keys: PFMERGE_KEYS }),
  command("pfdebug", 3, WRITE | DENYOOM | ADMIN, pfdebug, { ...HLL, keys: [oneKey(RW | ACCESS, 2)] }),
  command("pfselftest", 1, ADMIN, pfselftest, HLL),
];
