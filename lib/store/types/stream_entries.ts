/**
 * Entries of streams in listpacks, in Redis's format to the byte, so that RDB, DUMP and RESTORE copy them. Pure functions
 * of bytes: where the listpacks lie is stream_nodes.ts's matter.
 *
 * A listpack begins with its master entry, `live deleted pairs field … 0`: how many entries are there and how many were
 * deleted, and the fields of the first one. Each entry is `flags ms seq`, with ms and seq less those of the listpack's own
 * ID, modulo 2^64, then `pairs field value …`, or only `value …` where the fields are those of the master entry; and last
 * the number of elements that it has before that, so that one can go backwards. A deleted entry stays, with a flag.
 */

import { bytesEqual } from "../../bytes/compare.ts";
import { highWord, lowWord, splitInteger } from "../../bytes/uint64.ts";
import {
  Element,
  elementBefore,
  EMPTY_LISTPACK_BYTES,
  entryBytes,
  firstElement,
  isValidListpack,
  LISTPACK_END,
  LISTPACK_HEADER_BYTES,
  measureElement,
  measureInteger,
  setListpackBytes,
  skipElements,
  writeElement,
  writeEmptyListpack,
  writeMeasuredInteger,
} from "../listpack.ts";
import { StreamId } from "./stream_ids.ts";

const DELETED = 1;
const SAME_FIELDS = 2;
/** Bytes of an integer below 128 as an element, whose first byte is the integer; and the first integer that is longer. */
const SMALL_BYTES = 2;
const FIRST_LONG = 128;
/** Elements of an entry before its fields and values: flags, ms and seq. */
const ENTRY_ELEMENTS = 3;

/** Where fields and values are taken from, each an argument: those of a request, mostly. */
export interface FieldSource {
  readonly bytes: Uint8Array;
  readonly starts: Int32Array;
  readonly lengths: Int32Array;
}

const element = new Element();

// What `readDelta` has read, or `subtract` come to.
let high = 0;
let low = 0;

/** Reads the integer at `at` into `high` and `low`; false if it is a string, or the end of the listpack. */
function readDelta(bytes: Uint8Array, at: number): boolean {
  const first = bytes[at];
  if (first < FIRST_LONG) {
    low = first;
    high = 0;
    return true;
  }
  if (first === LISTPACK_END) return false;
  element.read(bytes, at);
  if (!element.isInteger) return false;
  if (element.integer === element.integer) { // not NaN
    splitInteger(element.integer);
    high = highWord();
    low = lowWord();
  } else { // beyond 2^53, which `splitInteger` does not take
    high = littleEndian(bytes, at + 5);
    low = littleEndian(bytes, at + 1);
  }
  return true;
}

/** Reads the ID of an entry, whose ms are at `at`, of a listpack with an ID; the offset after it, or -1 where there is none. */
function readEntryId(bytes: Uint8Array, at: number, nodeId: StreamId, into: StreamId): number {
  if (!readDelta(bytes, at)) return -1;
  into.msLow = (nodeId.msLow + low) | 0;
  into.msHigh = (nodeId.msHigh + high + carry(nodeId.msLow, low)) | 0;
  at += entryBytes(bytes, at);
  if (!readDelta(bytes, at)) return -1;
  into.seqLow = (nodeId.seqLow + low) | 0;
  into.seqHigh = (nodeId.seqHigh + high + carry(nodeId.seqLow, low)) | 0;
  return at + entryBytes(bytes, at);
}

function littleEndian(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
}

/** A number that is not negative and below 2^53; NaN for anything else. */
function readCount(bytes: Uint8Array, at: number): number {
  if (bytes[at] < FIRST_LONG) return bytes[at];
  element.read(bytes, at);
  return element.isInteger && element.integer >= 0 ? element.integer : NaN;
}

function measureCount(count: number): number {
  if (count < FIRST_LONG) return SMALL_BYTES;
  splitInteger(count);
  return measureInteger(highWord(), lowWord());
}

/** Writes a number as an element; the offset after it. */
function writeCount(bytes: Uint8Array, at: number, count: number): number {
  if (count < FIRST_LONG) {
    bytes[at] = count;
    bytes[at + 1] = 1; // byte of data
    return at + SMALL_BYTES;
  }
  measureCount(count);
  return writeMeasuredInteger(bytes, at);
}

/** Sets `high` and `low` to what a number of an ID is less another, modulo 2^64. */
function subtract(aHigh: number, aLow: number, bHigh: number, bLow: number): void {
  low = (aLow - bLow) | 0;
  high = (aHigh - bHigh - ((aLow >>> 0) < (bLow >>> 0) ? 1 : 0)) | 0;
}

/** Sums of the bytes that fields, and values, take as elements. */
function measureFields(source: FieldSource, first: number, pairs: number, offset: 0 | 1): number {
  const { bytes, starts, lengths } = source;
  let size = 0;
  for (let i = first + offset, end = first + 2 * pairs; i < end; i += 2) {
    size += measureElement(bytes, starts[i], lengths[i]);
  }
  return size;
}

/** How a new listpack is to be begun: bytes of one with a first entry, whose arguments begin with argument `first`. */
export function measureFirst(source: FieldSource, first: number, pairs: number): number {
  return EMPTY_LISTPACK_BYTES + SMALL_BYTES * 2 + measureCount(pairs) + measureFields(source, first, pairs, 0) +
    SMALL_BYTES + // the end of the master entry
    SMALL_BYTES * ENTRY_ELEMENTS + measureFields(source, first, pairs, 1) + measureCount(ENTRY_ELEMENTS + pairs);
}

/** Writes a listpack that `measureFirst` has measured, with a first entry. */
export function writeFirst(bytes: Uint8Array, start: number, source: FieldSource, first: number, pairs: number): void {
  const { starts, lengths } = source;
  writeEmptyListpack(bytes, start);
  let at = writeCount(bytes, start + LISTPACK_HEADER_BYTES, 1);
  at = writeCount(bytes, at, 0);
  at = writeCount(bytes, at, pairs);
  for (let i = first; i < first + 2 * pairs; i += 2) at = writeElement(bytes, at, source.bytes, starts[i], lengths[i]);
  at = writeCount(bytes, at, 0);
  at = writeCount(bytes, at, SAME_FIELDS);
  at = writeCount(bytes, writeCount(bytes, at, 0), 0);
  for (let i = first + 1; i < first + 2 * pairs; i += 2) {
    at = writeElement(bytes, at, source.bytes, starts[i], lengths[i]);
  }
  at = writeCount(bytes, at, ENTRY_ELEMENTS + pairs);
  bytes[at++] = LISTPACK_END;
  setHeader(bytes, start, at - start, 3 + pairs + 1 + ENTRY_ELEMENTS + pairs + 1);
}

function setHeader(bytes: Uint8Array, start: number, length: number, elements: number): void {
  setListpackBytes(bytes, start, length);
  const shown = Math.min(elements, 0xffff);
  bytes[start + 4] = shown;
  bytes[start + 5] = shown >>> 8;
}

/** Live entries of a listpack. */
export function liveEntries(bytes: Uint8Array, start: number): number {
  return readCount(bytes, firstElement(start));
}

/** Counts one live entry more, if that takes no byte more; whether it did. */
export function countOneLive(bytes: Uint8Array, start: number): boolean {
  const at = firstElement(start);
  if (bytes[at] >= FIRST_LONG - 1) return false;
  bytes[at]++;
  return true;
}

/** Deleted ones. */
export function deletedEntries(bytes: Uint8Array, start: number): number {
  const at = firstElement(start);
  return readCount(bytes, at + entryBytes(bytes, at));
}

/** An entry on its way to the end of a listpack: measured first, then written. */
export class EntryDraft {
  /** Bytes that it takes as elements. */
  size = 0;
  /** How many elements it is. */
  elements = 0;
  #isSame = false;
  #pairs = 0;
  #first = 0;
  // ID less that of the listpack.
  #msHigh = 0;
  #msLow = 0;
  #seqHigh = 0;
  #seqLow = 0;

  /** Measures an entry whose arguments begin with argument `first`, for the listpack with the ID `nodeId`. */
  measure(
    bytes: Uint8Array,
    start: number,
    nodeId: StreamId,
    id: StreamId,
    source: FieldSource,
    first: number,
    pairs: number,
  ): void {
    this.#pairs = pairs;
    this.#first = first;
    this.#isSame = hasMasterFields(bytes, start, source, first, pairs);
    subtract(id.msHigh, id.msLow, nodeId.msHigh, nodeId.msLow);
    this.#msHigh = high;
    this.#msLow = low;
    subtract(id.seqHigh, id.seqLow, nodeId.seqHigh, nodeId.seqLow);
    this.#seqHigh = high;
    this.#seqLow = low;
    const before = ENTRY_ELEMENTS + (this.#isSame ? pairs : 1 + 2 * pairs);
    this.elements = before + 1;
    this.size = SMALL_BYTES + measureInteger(this.#msHigh, this.#msLow) + measureInteger(this.#seqHigh, this.#seqLow) +
      measureFields(source, first, pairs, 1) + measureCount(before);
    if (!this.#isSame) this.size += measureCount(pairs) + measureFields(source, first, pairs, 0);
  }

  /** Writes it over the end byte at `at`, and the end byte behind it. */
  write(bytes: Uint8Array, at: number, source: FieldSource): void {
    const { starts, lengths } = source;
    const end = this.#first + 2 * this.#pairs;
    at = writeCount(bytes, at, this.#isSame ? SAME_FIELDS : 0);
    measureInteger(this.#msHigh, this.#msLow);
    at = writeMeasuredInteger(bytes, at);
    measureInteger(this.#seqHigh, this.#seqLow);
    at = writeMeasuredInteger(bytes, at);
    if (!this.#isSame) at = writeCount(bytes, at, this.#pairs);
    for (let i = this.#first + (this.#isSame ? 1 : 0); i < end; i += this.#isSame ? 2 : 1) {
      at = writeElement(bytes, at, source.bytes, starts[i], lengths[i]);
    }
    at = writeCount(bytes, at, this.elements - 1);
    bytes[at] = LISTPACK_END;
  }
}

/** Whether fields are those of a listpack's master entry. */
function hasMasterFields(bytes: Uint8Array, start: number, source: FieldSource, first: number, pairs: number): boolean {
  const { starts, lengths } = source;
  let at = firstElement(start);
  at += entryBytes(bytes, at);
  at += entryBytes(bytes, at);
  if (readCount(bytes, at) !== pairs) return false;
  for (let i = first, end = first + 2 * pairs; i < end; i += 2) {
    at += entryBytes(bytes, at);
    element.read(bytes, at);
    element.toBytes();
    if (element.length !== lengths[i]) return false;
    if (!bytesEqual(element.bytes, element.start, source.bytes, starts[i], lengths[i])) return false;
  }
  return true;
}

/** Marks the entry at `at` as deleted; whoever does that counts it in the master entry. */
export function markDeleted(bytes: Uint8Array, at: number): void {
  bytes[at] |= DELETED;
}

/**
 * Bytes that the numbers of the master entry take; they are the first two elements. `writeMasterCounts` writes others,
 * where there must be room for what `measureMasterCounts` says.
 */
export function masterCountBytes(bytes: Uint8Array, start: number): number {
  const at = firstElement(start);
  const first = entryBytes(bytes, at);
  return first + entryBytes(bytes, at + first);
}

export function measureMasterCounts(live: number, deleted: number): number {
  return measureCount(live) + measureCount(deleted);
}

export function writeMasterCounts(bytes: Uint8Array, start: number, live: number, deleted: number): void {
  writeCount(bytes, writeCount(bytes, firstElement(start), live), deleted);
}

const NO_BYTES = new Uint8Array(0);

/** Stands at an entry of a listpack, live or deleted, and goes from one to the next. */
export class EntryReader {
  /** The entry at which it stands. */
  readonly id: StreamId = new StreamId();
  /** Its fields, with a value each. */
  pairs = 0;
  isDeleted = false;
  /** Offset of the entry. */
  at = 0;

  #bytes: Uint8Array = NO_BYTES;
  readonly #nodeId = new StreamId();
  #masterPairs = 0;
  #masterFieldsAt = 0;
  /** Where the entries begin. */
  #firstAt = 0;
  #isSame = false;
  /** Where the fields and values begin, or the values alone. */
  #dataAt = 0;
  // Where `nextField` goes on.
  #fieldsLeft = 0;
  #fieldAt = 0;
  #masterAt = 0;

  /** Begins with a listpack that has an ID; it stands nowhere. */
  begin(bytes: Uint8Array, start: number, nodeId: StreamId): void {
    this.#bytes = bytes;
    this.#nodeId.set(nodeId);
    let at = firstElement(start);
    at += entryBytes(bytes, at);
    at += entryBytes(bytes, at);
    this.#masterPairs = readCount(bytes, at);
    at += entryBytes(bytes, at);
    this.#masterFieldsAt = at;
    for (let i = 0; i < this.#masterPairs; i++) at += entryBytes(bytes, at);
    this.#firstAt = at + entryBytes(bytes, at);
    this.at = this.#firstAt;
  }

  /** Goes to the first entry; false if there is none. */
  toFirst(): boolean {
    this.at = this.#firstAt;
    return this.#read();
  }

  /** Goes to the last entry of a listpack of `length` bytes from `start`; false if there is none. */
  toLast(start: number, length: number): boolean {
    this.at = start + length - 1;
    return this.previous();
  }

  /** Goes to the entry at an offset of `bytes`, where there is one. */
  toEntry(at: number): void {
    this.at = at;
    this.#read();
  }

  /** Goes to the next entry; false, and behind the last, if there is none. */
  next(): boolean {
    const bytes = this.#bytes;
    let at = this.#dataAt;
    for (let left = this.#isSame ? this.pairs : 2 * this.pairs; left > 0; left--) at += entryBytes(bytes, at);
    this.at = at + entryBytes(bytes, at);
    return this.#read();
  }

  /** Goes to the entry before; false if there is none. */
  previous(): boolean {
    if (this.at === this.#firstAt) return false;
    let at = elementBefore(this.#bytes, this.at);
    for (let left = readCount(this.#bytes, at); left > 0; left--) at = elementBefore(this.#bytes, at);
    this.at = at;
    return this.#read();
  }

  #read(): boolean {
    const bytes = this.#bytes;
    let at = this.at;
    if (bytes[at] === LISTPACK_END) return false;
    const flags = bytes[at];
    this.isDeleted = (flags & DELETED) !== 0;
    this.#isSame = (flags & SAME_FIELDS) !== 0;
    at = readEntryId(bytes, at + SMALL_BYTES, this.#nodeId, this.id);
    if (this.#isSame) {
      this.pairs = this.#masterPairs;
    } else {
      this.pairs = readCount(bytes, at);
      at += entryBytes(bytes, at);
    }
    this.#dataAt = at;
    return true;
  }

  /** Begins with the fields of the entry at which it stands. */
  beginFields(): void {
    this.#fieldsLeft = this.pairs;
    this.#fieldAt = this.#dataAt;
    this.#masterAt = this.#masterFieldsAt;
  }

  /** Points `field` and `value` to the next field of the entry; false after the last. */
  nextField(field: Element, value: Element): boolean {
    if (this.#fieldsLeft-- <= 0) return false;
    const bytes = this.#bytes;
    if (this.#isSame) {
      field.read(bytes, this.#masterAt);
      this.#masterAt += entryBytes(bytes, this.#masterAt);
    } else {
      field.read(bytes, this.#fieldAt);
      this.#fieldAt += entryBytes(bytes, this.#fieldAt);
    }
    value.read(bytes, this.#fieldAt);
    this.#fieldAt += entryBytes(bytes, this.#fieldAt);
    return true;
  }
}

/** What is carried where two lower words are added. */
function carry(a: number, b: number): number {
  return (a >>> 0) + (b >>> 0) > 0xffffffff ? 1 : 0;
}

/**
 * Whether bytes are a sound listpack of a stream: for bytes from outside, which it reads nothing beyond. Those that
 * are live must rise from `nodeId` on; `lastId`, which they must be above, is set to the last of them. The reason where it is none; else
 * null. O(n), in two passes: one over the elements, one over the entries that they make up.
 */
export function faultOfNode(
  bytes: Uint8Array,
  start: number,
  length: number,
  nodeId: StreamId,
  lastId: StreamId,
): string | null {
  if (!isValidListpack(bytes, start, length, 1)) return "a malformed listpack";
  const end = start + length - 1;

  let at = firstElement(start);
  const live = countBefore(bytes, at, end);
  at = skipElements(bytes, at, end, 1);
  const deleted = countBefore(bytes, at, end);
  at = skipElements(bytes, at, end, 1);
  const pairs = countBefore(bytes, at, end);
  if (!(live >= 0 && deleted >= 0 && pairs >= 0)) return "a stream's listpack without its counts";
  at = skipElements(bytes, at, end, 1 + pairs);
  if (countBefore(bytes, at, end) !== 0) return "a stream's listpack whose fields do not end";
  at = skipElements(bytes, at, end, 1);

  if (lastId.compare(nodeId) >= 0 && !lastId.isZero) return "a stream's listpack that does not follow the one before";
  let foundLive = 0;
  let foundDeleted = 0;
  while (at < end) {
    const flags = bytes[at];
    if (flags > (DELETED | SAME_FIELDS)) return "an entry of a stream with unknown flags";
    at = readEntryId(bytes, at + SMALL_BYTES, nodeId, entryId);
    if (at < 0) return "an entry of a stream without an ID";
    let before = pairs;
    if ((flags & SAME_FIELDS) === 0) {
      const own = countBefore(bytes, at, end);
      if (!(own >= 0)) return "an entry of a stream without its number of fields";
      before = 1 + 2 * own;
    }
    at = skipElements(bytes, at, end, before);
    if (countBefore(bytes, at, end) !== ENTRY_ELEMENTS + before) {
      return "an entry of a stream that does not end where it says";
    }
    at = skipElements(bytes, at, end, 1);
    if ((flags & DELETED) !== 0) {
      foundDeleted++; // XSETID of old may have let lower ones follow it
      continue;
    }
    const isAbove = foundLive === 0 ? entryId.compare(nodeId) >= 0 : entryId.compare(lastId) > 0;
    if (!isAbove) return "entries of a stream that do not rise";
    lastId.set(entryId);
    foundLive++;
  }
  if (foundLive + foundDeleted === 0) return "a stream's listpack without entries";
  if (foundLive !== live || foundDeleted !== deleted) return "a stream's listpack of another count than it says";
  return null;
}

/** The entry that `faultOfNode` has come to. */
const entryId = new StreamId();

/** What `readCount` says of the element at `at`; NaN where there is none before `end`. */
function countBefore(bytes: Uint8Array, at: number, end: number): number {
  return at < end ? readCount(bytes, at) : NaN;
}
