/**
 * Bitmaps: strings seen as bits, the first one the highest of the first byte. SETBIT, GETBIT, BITCOUNT, BITPOS and BITOP;
 * BITFIELD is in bitfields.ts. All that goes through a whole string is in bytes/bits.ts.
 */

import { BitCombiner, type BitOperation, countBitRange, countBits, findBit } from "../bytes/bits.ts";
import { bytesEqual } from "../bytes/compare.ts";
import type { Request } from "../resp/request.ts";
import { ENCODING_RAW, NO_EXPIRY, TYPE_STRING } from "../store/entry.ts";
import { LoneValues } from "../store/types/lone_values.ts";
import { type Command, command, DENYOOM, FAST, READONLY, WRITE } from "./command.ts";
import { SYNTAX_ERROR } from "./errors.ts";
import { EVENT_STRING } from "./events.ts";
import { integerArgument } from "./integer_argument.ts";
import {
  ACCESS,
  index,
  KEY_RO_ACCESS,
  KEY_RW_ACCESS_UPDATE,
  keySpec,
  oneKey,
  OW,
  range,
  RO,
  UPDATE,
} from "./key_specs.ts";
import { removeTarget } from "./removal.ts";
import { refuse } from "./replies.ts";
import type { Session } from "./session.ts";
import { FAILED, MISSING, readTyped, writeTyped } from "./typed_keys.ts";

const OFFSET_ERROR = "ERR bit offset is not an integer or out of range";
const VALUE_ERROR = "ERR bit is not an integer or out of range";

/** The bit offset in argument `index`; -1 after having replied with an error. */
function bitOffset(session: Session, request: Request, index: number): number {
  const offset = request.integer(index);
  if (offset >= 0 && Math.floor(offset / 8) < session.host.maxBulkBytes) return offset;
  session.reply.error(OFFSET_ERROR);
  return -1;
}

/**
 * The string under argument 1, to be written to, with `length` bytes or more; it is made, and grows by zeros. Its ref, or
 * FAILED. Whether it has grown is in `hasGrown`.
 */
export function writeBits(session: Session, request: Request, length: number): number {
  const { database, host } = session;
  const { bytes, starts, lengths } = request;
  const { entries } = host.store.heap;
  let ref = writeTyped(session, request, 1, TYPE_STRING);
  if (ref === FAILED) return FAILED;
  const before = ref === MISSING ? 0 : entries.valueWord(ref);
  hasGrown = length > before;
  if (ref === MISSING) {
    ref = database.put(bytes, starts[1], lengths[1], TYPE_STRING, ENCODING_RAW, length, NO_EXPIRY);
  } else if (hasGrown) {
    ref = database.resizeValue(ref, length);
  }
  entries.setTypeAndEncoding(ref, TYPE_STRING, ENCODING_RAW);
  if (hasGrown) {
    const start = entries.valueStart(ref);
    entries.bytes(ref).fill(0, start + before, start + length);
  }
  return ref;
}

/** Whether the last `writeBits` has made its string longer. */
export let hasGrown = false;

/** `SETBIT key offset value` */
function setbit(session: Session, request: Request): void {
  const { reply, host } = session;
  const { entries } = host.store.heap;
  const offset = bitOffset(session, request, 2);
  if (offset < 0) return;
  const value = request.integer(3);
  if (value !== 0 && value !== 1) return reply.error(VALUE_ERROR);
  const ref = writeBits(session, request, Math.floor(offset / 8) + 1);
  if (ref === FAILED) return;
  const target = entries.bytes(ref);
  const at = entries.valueStart(ref) + Math.floor(offset / 8);
  const mask = 0x80 >> (offset % 8);
  const old = (target[at] & mask) !== 0 ? 1 : 0;
  target[at] = value === 1 ? target[at] | mask : target[at] & ~mask;
  if (old !== value || hasGrown) host.changes.changed(session, request, 1, EVENT_STRING, "setbit");
  reply.integer(old);
}

/** `GETBIT key offset` */
function getbit(session: Session, request: Request): void {
  const { reply, host } = session;
  const { entries } = host.store.heap;
  const offset = bitOffset(session, request, 2);
  if (offset < 0) return;
  const ref = readTyped(session, request, 1, TYPE_STRING);
  if (ref === FAILED) return;
  if (ref === MISSING) return reply.integer(0);
  const byte = Math.floor(offset / 8);
  if (byte >= entries.valueWord(ref)) return reply.integer(0);
  reply.integer((entries.bytes(ref)[entries.valueStart(ref) + byte] >> (7 - (offset % 8))) & 1);
}

/** What BITCOUNT and BITPOS were asked for, in bits from the beginning of the string. */
interface BitRange {
  readonly first: number;
  readonly last: number;
}

/** In place of a range: there is none, as its beginning is behind its end. */
const NO_BITS: BitRange = { first: 0, last: -1 };

/** `BIT` or `BYTE` in an argument: how many bits that is; 0 for anything else. */
function unitBits(request: Request, at: number): number {
  if (request.is(at, "bit")) return 1;
  return request.is(at, "byte") ? 8 : 0;
}

/** The range from `start` to `end`, both counted in units of so many bits, from the end of the string if negative. */
function bitRange(start: number, end: number, bits: number, lengthBytes: number): BitRange {
  const total = (lengthBytes * 8) / bits;
  const first = Math.max(0, start < 0 ? total + start : start);
  const last = Math.min(total - 1, Math.max(0, end < 0 ? total + end : end));
  return first > last ? NO_BITS : { first: first * bits, last: last * bits + bits - 1 };
}

/** `BITCOUNT key [start end [BYTE | BIT]]` */
function bitcount(session: Session, request: Request): void {
  const { reply, host } = session;
  const { entries } = host.store.heap;
  const ref = readTyped(session, request, 1, TYPE_STRING);
  if (ref === FAILED) return;
  if (ref === MISSING) return reply.integer(0);
  const bytes = entries.bytes(ref);
  const at = entries.valueStart(ref);
  const length = entries.valueWord(ref);
  if (request.argc === 2) return reply.integer(countBits(bytes, at, length));
  if (request.argc !== 4 && request.argc !== 5) return reply.error(SYNTAX_ERROR);
  const start = integerArgument(session, request, 2);
  const end = start === null ? null : integerArgument(session, request, 3);
  if (start === null || end === null) return;
  if (start < 0 && end < 0 && start > end) return reply.integer(0);
  const bits = request.argc === 4 ? 8 : unitBits(request, 4);
  if (bits === 0) return reply.error(SYNTAX_ERROR);
  const { first, last } = bitRange(start, end, bits, length);
  reply.integer(first > last ? 0 : countBitRange(bytes, at, first, last));
}

/** `BITPOS key bit [start [end [BYTE | BIT]]]`; where no end is given, the string goes on in zeros */
function bitpos(session: Session, request: Request): void {
  const { reply, host } = session;
  const { entries } = host.store.heap;
  const bit = integerArgument(session, request, 2);
  if (bit === null) return;
  if (bit !== 0 && bit !== 1) return reply.error("ERR The bit argument must be 1 or 0.");
  const ref = readTyped(session, request, 1, TYPE_STRING);
  if (ref === FAILED) return;
  if (ref === MISSING) return reply.integer(bit === 1 ? -1 : 0);
  if (request.argc > 6) return reply.error(SYNTAX_ERROR);
  const length = entries.valueWord(ref);
  const start = request.argc > 3 ? integerArgument(session, request, 3) : 0;
  if (start === null) return;
  const bits = request.argc > 5 ? unitBits(request, 5) : 8;
  if (bits === 0) return reply.error(SYNTAX_ERROR);
  const end = request.argc > 4 ? integerArgument(session, request, 4) : -1;
  if (end === null) return;
  const { first, last } = bitRange(start, end, bits, length);
  if (first > last) return reply.integer(-1);
  const found = findBit(entries.bytes(ref), entries.valueStart(ref), bit, first, last);
  reply.integer(found < 0 && bit === 0 && request.argc <= 4 ? length * 8 : found);
}

const combiner = new BitCombiner();
const NO_BYTES = new Uint8Array(0);

/** The operation that BITOP is to do; null after having replied with an error. */
function bitOperation(session: Session, request: Request): BitOperation | null {
  for (const name of ["and", "or", "xor", "not"] as const) {
    if (!request.is(1, name)) continue;
    if (name !== "not" || request.argc === 4) return name;
    return refuse(session, "ERR BITOP NOT must be called with a single source key.");
  }
  return refuse(session, SYNTAX_ERROR);
}

/** Takes the strings in the arguments from the fourth on to be combined: the length of the longest; -1 after an error reply. */
function takeSources(session: Session, request: Request): number {
  const { entries } = session.host.store.heap;
  let longest = 0;
  for (let i = 3; i < request.argc; i++) {
    const ref = readTyped(session, request, i, TYPE_STRING);
    if (ref === FAILED) return -1;
    const length = ref === MISSING ? 0 : entries.valueWord(ref);
    if (ref === MISSING) combiner.add(NO_BYTES, 0, 0);
    else combiner.add(entries.bytes(ref), entries.valueStart(ref), length);
    longest = Math.max(longest, length);
  }
  return longest;
}

/** Whether the key in argument 2 is named again behind it. */
function isTargetSource({ argc, bytes, starts, lengths }: Request): boolean {
  for (let i = 3; i < argc; i++) {
    if (lengths[i] === lengths[2] && bytesEqual(bytes, starts[i], bytes, starts[2], lengths[2])) return true;
  }
  return false;
}

/**
 * `BITOP <AND | OR | XOR | NOT> destkey key [key …]`; a shorter string goes on in zeros. The result is written where it is to
 * stay, unless a source lies there.
 */
function bitop(session: Session, request: Request): void {
  const { reply } = session;
  const operation = bitOperation(session, request);
  if (operation === null) return;
  try {
    const longest = takeSources(session, request);
    if (longest < 0) return;
    if (longest === 0) removeTarget(session, request, 2);
    else storeCombined(session, request, operation, longest);
    reply.integer(longest);
  } finally {
    combiner.clear(); // which would keep segments of the arena alive
  }
}

/** Stores what the operation makes of the strings that were taken, the longest of which has so many bytes. */
function storeCombined(session: Session, request: Request, operation: BitOperation, longest: number): void {
  const { database, host } = session;
  const { bytes, starts, lengths } = request;
  const { heap } = host.store;
  const { entries } = heap;
  combiner.reserve(longest);
  if (isTargetSource(request)) {
    const home = new LoneValues(heap);
    const result = home.put(NO_BYTES, 0, 0, TYPE_STRING, ENCODING_RAW, longest);
    try {
      combiner.combine(operation, entries.bytes(result), entries.valueStart(result), longest);
      home.moveTo(database, bytes, starts[2], lengths[2], result);
    } catch (error) {
      heap.release(result);
      throw error;
    }
  } else {
    const ref = database.put(bytes, starts[2], lengths[2], TYPE_STRING, ENCODING_RAW, longest, NO_EXPIRY);
    combiner.combine(operation, entries.bytes(ref), entries.valueStart(ref), longest);
  }
  host.changes.changed(session, request, 2, EVENT_STRING, "set");
}

const BITMAP = { categories: ["bitmap"] };
const BITOP_KEYS = [oneKey(OW | UPDATE, 2), keySpec(RO | ACCESS, index(3), range(-1))];

export const BITMAP_COMMANDS: readonly Command[] = [
  command("setbit", 4, WRITE | DENYOOM, setbit, { ...BITMAP, keys: KEY_RW_ACCESS_UPDATE }),
  command("getbit", 3, READONLY | FAST, getbit, { ...BITMAP, keys: KEY_RO_ACCESS }),
  command("bitcount", -2, READONLY, bitcount, { ...BITMAP, keys: KEY_RO_ACCESS }),
  command("bitpos", -3, READONLY, bitpos, { ...BITMAP, keys: KEY_RO_ACCESS }),
  command("bitop", -4, WRITE | DENYOOM, bitop, { ...BITMAP, keys: BITOP_KEYS }),
];
