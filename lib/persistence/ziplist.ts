/**
 * The two compact hash formats of older Redis versions, read only to convert them: the ziplist (Redis 2.6 to 6.2) and
 * the zipmap (before 2.6). Every byte may come from an untrusted file, so every length is checked before it is followed.
 */

import { writeDecimal } from "../bytes/integers.ts";
import { encodeLatin1 } from "../bytes/latin1.ts";

/** Told of each element in turn, as a range of `bytes` that is valid during the call; false ends the walk. */
export type ElementVisitor = (bytes: Uint8Array, start: number, length: number) => boolean;

const ZIPLIST_HEADER_BYTES = 10;
const ZIPLIST_UNKNOWN_COUNT = 0xffff;
const LONG_PREVIOUS = 254;
const END = 255;

const ZIPMAP_LONG_LENGTH = 254;
const ZIPMAP_UNKNOWN_COUNT = 254;

const number = new Uint8Array(24);

/**
 * Walks a ziplist. Returns null at its end, else what is wrong with it; "stopped" where the visitor said so. Nothing is
 * told of an element before it was checked, but elements before a fault were told.
 */
export function walkZiplist(bytes: Uint8Array, start: number, length: number, visit: ElementVisitor): string | null {
  if (length < ZIPLIST_HEADER_BYTES + 1) return "ziplist shorter than its header";
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, length);
  if (view.getUint32(0, true) !== length) return "ziplist of another length than it says";
  const last = length - 1;
  if (view.getUint8(last) !== END) return "ziplist without its end mark";
  const tail = view.getUint32(4, true);
  const count = view.getUint16(8, true);
  let at = ZIPLIST_HEADER_BYTES;
  let before = 0;
  let beforeAt = ZIPLIST_HEADER_BYTES;
  let seen = 0;
  while (at < last) {
    const entryAt = at;
    let previous = view.getUint8(at++);
    if (previous === END) return "ziplist with an end mark before its end";
    if (previous === LONG_PREVIOUS) {
      if (at + 4 > last) return "ziplist entry cut off";
      previous = view.getUint32(at, true);
      at += 4;
    }
    if (previous !== before) return "ziplist entry with a wrong length of the entry before it";
    if (at >= last) return "ziplist entry cut off";
    const encoding = view.getUint8(at++);
    let size: number;
    if (encoding < 0xc0) {
      const kind = encoding >> 6;
      if (kind === 0) {
        size = encoding & 63;
      } else if (kind === 1) {
        if (at >= last) return "ziplist entry cut off";
        size = ((encoding & 63) << 8) | view.getUint8(at++);
      } else {
        if (encoding !== 0x80) return "ziplist entry of an unknown encoding";
        if (at + 4 > last) return "ziplist entry cut off";
        size = view.getUint32(at);
        at += 4;
      }
      if (size > last - at) return "ziplist entry beyond its end";
      if (!visit(bytes, start + at, size)) return "stopped";
    } else {
      size = integerBytes(encoding);
      if (size < 0) return "ziplist entry of an unknown encoding";
      if (size > last - at) return "ziplist entry beyond its end";
      if (!visit(number, 0, writeInteger(view, at, encoding, size))) return "stopped";
    }
    at += size;
    before = at - entryAt;
    beforeAt = entryAt;
    seen++;
  }
  if (tail !== beforeAt) return "ziplist with a wrong tail offset";
  if (count !== ZIPLIST_UNKNOWN_COUNT && count !== seen) return "ziplist of another count than it says";
  return null;
}

/** Bytes that the integer of an entry takes, or -1 for an encoding that there is not. */
function integerBytes(encoding: number): number {
  switch (encoding) {
    case 0xc0:
      return 2;
    case 0xd0:
      return 4;
    case 0xe0:
      return 8;
    case 0xf0:
      return 3;
    case 0xfe:
      return 1;
  }
  return encoding > 0xf0 && encoding < 0xfe ? 0 : -1;
}

/** Writes an entry's integer in decimal into `number`; its length. */
function writeInteger(view: DataView, at: number, encoding: number, size: number): number {
  switch (size) {
    case 0:
      return writeDecimal(number, 0, (encoding & 15) - 1);
    case 1:
      return writeDecimal(number, 0, view.getInt8(at));
    case 2:
      return writeDecimal(number, 0, view.getInt16(at, true));
    case 3:
      return writeDecimal(number, 0, view.getUint16(at, true) | (view.getInt8(at + 2) << 16));
    case 4:
      return writeDecimal(number, 0, view.getInt32(at, true));
  }
  const digits = encodeLatin1(String(view.getBigInt64(at, true)));
  number.set(digits);
  return digits.length;
}

/** Walks a zipmap, field, value, field, value; as `walkZiplist`. */
export function walkZipmap(bytes: Uint8Array, start: number, length: number, visit: ElementVisitor): string | null {
  if (length < 2) return "zipmap shorter than its header";
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, length);
  const last = length - 1;
  if (view.getUint8(last) !== END) return "zipmap without its end mark";
  let at = 1;
  let elements = 0;
  while (at < last) {
    const isValue = (elements & 1) === 1;
    let size = view.getUint8(at++);
    if (size === END) return "zipmap with an end mark before its end";
    if (size === ZIPMAP_LONG_LENGTH) {
      if (at + 4 > last) return "zipmap entry cut off";
      size = view.getUint32(at, true);
      if (size < ZIPMAP_LONG_LENGTH) return "zipmap entry with a long form of a short length";
      at += 4;
    }
    let unused = 0;
    if (isValue) {
      if (at >= last) return "zipmap entry cut off";
      unused = view.getUint8(at++);
    }
    if (size + unused > last - at) return "zipmap entry beyond its end";
    if (!visit(bytes, start + at, size)) return "stopped";
    at += size + unused;
    elements++;
  }
  if ((elements & 1) === 1) return "zipmap with a field but no value";
  const count = view.getUint8(0);
  if (count < ZIPMAP_UNKNOWN_COUNT && count !== elements >> 1) return "zipmap of another count than it says";
  return null;
}
