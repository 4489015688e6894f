/**
 * BITFIELD: integers of 1 to 64 bits anywhere in a string, the first bit of a field the highest. Of up to 45 bits they are
 * computed as numbers, beyond that as BigInts; both give what C's 64-bit arithmetic gives.
 */

import { INT64_MAX, parseInt64, parseSafeInteger } from "../bytes/integers.ts";
import type { Request } from "../resp/request.ts";
import { TYPE_STRING } from "../store/entry.ts";
import { hasGrown, writeBits } from "./bitmaps.ts";
import { type Command, command, DENYOOM, FAST, READONLY, WRITE } from "./command.ts";
import { NOT_INTEGER, SYNTAX_ERROR } from "./errors.ts";
import { EVENT_STRING } from "./events.ts";
import {
  ACCESS,
  type FoundKeys,
  index,
  KEY_RO_ACCESS,
  keySpec,
  range,
  RO,
  RW,
  UPDATE,
  VARIABLE_FLAGS,
} from "./key_specs.ts";
import { refuse } from "./replies.ts";
import type { Session } from "./session.ts";
import { FAILED, MISSING, readTyped } from "./typed_keys.ts";

const TYPE_ERROR = "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.";
const OFFSET_ERROR = "ERR bit offset is not an integer or out of range";
const ONLY_GET = "ERR BITFIELD_RO only supports the GET subcommand";
const LOWER_I = 0x69;
const LOWER_U = 0x75;
const HASH = 0x23;
/** Widest field that is computed in numbers, in bits: with what else is in its bytes, it fits a double. */
const NUMBER_BITS = 45;
/** The operands below which it is: no sum or difference with a field passes 2^53. */
const NUMBER_LIMIT = 2 ** 52;

type Overflow = "wrap" | "sat" | "fail";

/** What is to be done to one field. */
interface FieldOperation {
  readonly kind: "get" | "set" | "incrby";
  readonly isSigned: boolean;
  readonly bits: number;
  /** Offset of its first bit. */
  readonly offset: number;
  /** A safe integer, if it is one. */
  readonly operand: number | bigint;
  readonly overflow: Overflow;
}

// --- Arguments --------------------------------------------------------------------------------------------------------

/** Reads operations from argument 2 on; null after having replied with an error. */
function parseOperations(session: Session, request: Request): FieldOperation[] | null {
  const { bytes, starts, lengths } = request;
  const operations: FieldOperation[] = [];
  let overflow: Overflow = "wrap";
  for (let i = 2; i < request.argc;) {
    const left = request.argc - i - 1;
    if (request.is(i, "overflow") && left >= 1) {
      const named = overflowArgument(request, i + 1);
      if (named === null) return refuse(session, "ERR Invalid OVERFLOW type specified");
      overflow = named;
      i += 2;
      continue;
    }
    const kind = kindArgument(request, i);
    const taken = kind === "get" ? 2 : 3;
    if (kind === null || left < taken) return refuse(session, SYNTAX_ERROR);
    const bits = fieldBits(request, i + 1);
    if (bits === 0) return refuse(session, TYPE_ERROR);
    const offset = fieldOffset(session, request, i + 2, bits);
    if (offset < 0) return refuse(session, OFFSET_ERROR);
    const operand = kind === "get" ? 0 : exactInteger(bytes, starts[i + 3], lengths[i + 3]);
    if (operand === null) return refuse(session, NOT_INTEGER);
    operations.push({ kind, isSigned: bytes[starts[i + 1]] === LOWER_I, bits, offset, operand, overflow });
    i += taken + 1;
  }
  return operations;
}

function overflowArgument(request: Request, at: number): Overflow | null {
  if (request.is(at, "wrap")) return "wrap";
  if (request.is(at, "sat")) return "sat";
  return request.is(at, "fail") ? "fail" : null;
}

function kindArgument(request: Request, at: number): FieldOperation["kind"] | null {
  if (request.is(at, "get")) return "get";
  if (request.is(at, "set")) return "set";
  return request.is(at, "incrby") ? "incrby" : null;
}

/** An int64, as a number where it is safe; null if it is none. */
function exactInteger(bytes: Uint8Array, start: number, length: number): number | bigint | null {
  const safe = parseSafeInteger(bytes, start, length);
  return Number.isNaN(safe) ? parseInt64(bytes, start, length) : safe;
}

/** Bits of the type in an argument, such as `u8`: up to 63, or 64 with a sign; 0 if it is none. */
function fieldBits(request: Request, at: number): number {
  const start = request.starts[at];
  const first = request.bytes[start];
  const length = request.lengths[at];
  if (length < 2 || (first !== LOWER_I && first !== LOWER_U)) return 0;
  const bits = parseSafeInteger(request.bytes, start + 1, length - 1);
  return bits >= 1 && bits <= (first === LOWER_I ? 64 : 63) ? bits : 0;
}

/** The bit offset in an argument, behind `#` in fields of so many bits; -1 if it is none. */
function fieldOffset(session: Session, request: Request, at: number, bits: number): number {
  const start = request.starts[at];
  const length = request.lengths[at];
  const inFields = length > 0 && request.bytes[start] === HASH;
  const skipped = inFields ? 1 : 0;
  // What is beyond 2^53 is out of range, too.
  const offset = parseSafeInteger(request.bytes, start + skipped, length - skipped) * (inFields ? bits : 1);
  if (!(offset >= 0)) return -1;
  return Math.floor(offset / 8) < session.host.maxBulkBytes ? offset : -1;
}

// --- Fields -----------------------------------------------------------------------------------------------------------

/** Reads a field of up to 45 bits; bytes beyond the string's end are 0. */
function readNumber(bytes: Uint8Array, start: number, length: number, field: FieldOperation): number {
  const { bits, offset, isSigned } = field;
  let at = Math.floor(offset / 8);
  let value = at < length ? bytes[start + at] & (0xff >>> (offset % 8)) : 0;
  let have = 8 - (offset % 8);
  for (at++; have < bits; at++, have += 8) value = value * 256 + (at < length ? bytes[start + at] : 0);
  value = Math.floor(value / 2 ** (have - bits));
  return isSigned && value >= 2 ** (bits - 1) ? value - 2 ** bits : value;
}

/** Reads any field. */
function readExact(bytes: Uint8Array, start: number, length: number, field: FieldOperation): bigint {
  const { bits, offset, isSigned } = field;
  let at = Math.floor(offset / 8);
  let value = BigInt(at < length ? bytes[start + at] & (0xff >>> (offset % 8)) : 0);
  let have = 8 - (offset % 8);
  for (at++; have < bits; at++, have += 8) value = (value << 8n) | BigInt(at < length ? bytes[start + at] : 0);
  value >>= BigInt(have - bits);
  return isSigned ? BigInt.asIntN(bits, value) : value;
}

/** Writes the lowest bits of a value to a field within the string. */
function writeField(bytes: Uint8Array, start: number, { bits, offset }: FieldOperation, value: bigint | number): void {
  let high: number;
  let low: number;
  if (typeof value === "number") {
    high = Math.floor(value / 2 ** 32);
    low = value - high * 2 ** 32;
  } else {
    high = Number(BigInt.asIntN(32, value >> 32n));
    low = Number(BigInt.asIntN(32, value));
  }
  // Byte by byte, from the last on, in which the field may end before the last bit.
  let unused = 7 - ((offset + bits - 1) % 8);
  let at = start + Math.floor((offset + bits - 1) / 8);
  for (let left = bits; left > 0; at--) {
    const taken = Math.min(8 - unused, left);
    const mask = ((1 << taken) - 1) << unused;
    bytes[at] = (bytes[at] & ~mask) | ((low << unused) & mask);
    low = (low >>> taken) | (high << (32 - taken));
    high >>>= taken;
    left -= taken;
    unused = 0;
  }
}

/** The value in the range of a field that stands for one outside of it, or null where the operation fails. */
function fitNumber(value: number, { bits, isSigned, overflow }: FieldOperation): number | null {
  const most = isSigned ? 2 ** (bits - 1) - 1 : 2 ** bits - 1;
  const least = isSigned ? -most - 1 : 0;
  if (value >= least && value <= most) return value;
  if (overflow === "fail") return null;
  if (overflow === "sat") return value > most ? most : least;
  const all = 2 ** bits;
  const wrapped = ((value % all) + all) % all;
  return wrapped > most ? wrapped - all : wrapped;
}

function fitExact(value: bigint, { kind, bits, isSigned, overflow }: FieldOperation): bigint | null {
  const most = isSigned ? 2n ** BigInt(bits - 1) - 1n : 2n ** BigInt(bits) - 1n;
  const least = isSigned ? -most - 1n : 0n;
  if (value >= least && value <= most) return value;
  if (overflow === "fail") return null;
  // Of what is set, Redis takes for too large what is so far below `most` that the way there does not fit an int64.
  const isFar = kind === "set" && isSigned && bits < 64 && most - value > INT64_MAX;
  if (overflow === "sat") return value > most || isFar ? most : least;
  return isSigned ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value);
}

// --- Commands ---------------------------------------------------------------------------------------------------------

/** Replies with a value, which an int64 holds. */
function replyInteger(session: Session, value: number | bigint): void {
  if (typeof value === "number") session.reply.integer(value);
  else session.reply.bigInteger(value);
}

/** Does an operation and replies to it; whether the string has changed, or may have. */
function operate(session: Session, ref: number, operation: FieldOperation): boolean {
  const { kind, bits, operand, isSigned } = operation;
  const { entries } = session.host.store.heap;
  const bytes = ref === MISSING ? EMPTY : entries.bytes(ref);
  const start = ref === MISSING ? 0 : entries.valueStart(ref);
  const length = ref === MISSING ? 0 : entries.valueWord(ref);
  let old: number | bigint;
  let fitted: number | bigint | null;
  if (typeof operand === "number" && bits <= NUMBER_BITS && Math.abs(operand) < NUMBER_LIMIT) {
    old = readNumber(bytes, start, length, operation);
    // A negative value for a field without a sign is what it is as a uint64: far above all such fields.
    fitted = kind === "set" && !isSigned && operand < 0
      ? fitUnsigned(BigInt(operand), operation)
      : fitNumber(kind === "set" ? operand : old + operand, operation);
  } else {
    old = readExact(bytes, start, length, operation);
    const by = BigInt(operand);
    if (kind === "set" && !isSigned) fitted = fitUnsigned(by, operation);
    else fitted = fitExact(kind === "set" ? by : old + by, operation);
  }
  if (kind === "get") {
    replyInteger(session, old);
    return false;
  }
  if (fitted === null) {
    session.reply.nil();
    return false;
  }
  replyInteger(session, kind === "set" ? old : fitted);
  writeField(bytes, start, operation, fitted);
  return hasGrown || (typeof old === typeof fitted ? old !== fitted : BigInt(old) !== BigInt(fitted));
}

const EMPTY = new Uint8Array(0);

/** What a field without a sign is set to by an int64. */
function fitUnsigned(operand: bigint, operation: FieldOperation): bigint | null {
  return fitExact(BigInt.asUintN(64, operand), operation);
}

function bitfield(session: Session, request: Request, onlyGets: boolean): void {
  const { reply, host } = session;
  const operations = parseOperations(session, request);
  if (operations === null) return;
  const writes = operations.filter(({ kind }) => kind !== "get");
  if (writes.length > 0 && onlyGets) return reply.error(ONLY_GET);
  let ref: number;
  if (writes.length === 0) {
    ref = readTyped(session, request, 1, TYPE_STRING);
  } else {
    const last = writes.reduce((most, { offset, bits }) => Math.max(most, offset + bits - 1), 0);
    ref = writeBits(session, request, Math.floor(last / 8) + 1);
  }
  if (ref === FAILED) return;
  reply.array(operations.length);
  let changes = 0;
  for (const operation of operations) if (operate(session, ref, operation)) changes++;
  // A string that grew for operations that all failed has changed all the same, and followers must have it so.
  if (writes.length > 0 && hasGrown && changes === 0) changes = 1;
  if (changes > 0) host.changes.changed(session, request, 1, EVENT_STRING, "setbit", changes);
}

/** The key is only read where there is nothing but GET, and OVERFLOW. */
function findBitfieldKey(request: Request, found: FoundKeys): boolean {
  let isRead = true;
  for (let i = 2; i < request.argc && isRead;) {
    const left = request.argc - i - 1;
    if (request.is(i, "get") && left >= 2) i += 3;
    else if (request.is(i, "overflow") && left >= 1) i += 2;
    else isRead = false;
  }
  found.add(1, isRead ? RO | ACCESS : RW | ACCESS | UPDATE);
  return true;
}

const BITMAP = { categories: ["bitmap"] };
const BITFIELD_KEYS = [
  keySpec(
    RW | ACCESS | UPDATE | VARIABLE_FLAGS,
    index(1),
    range(0),
    "This command allows both access and modification of the key",
  ),
];

export const BITFIELD_COMMANDS: readonly Command[] = [
  command("bitfield", -2, WRITE | DENYOOM, (session, request) => bitfield(session, request, false), {
    ...BITMAP,
    keys: BITFIELD_KEYS,
    keyFinder: findBitfieldKey,
  }),
  command("bitfield_ro", -2, READONLY | FAST, (session, request) => bitfield(session, request, true), {
    ...BITMAP,
    keys: KEY_RO_ACCESS,
  }),
];
