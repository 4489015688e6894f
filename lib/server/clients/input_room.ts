/**
 * How much room the input of a connection takes: requests that came in part are kept, and what is still to come of them
 * is to find room without everything being moved each time. Called by connection.ts.
 */

import type { Request } from "../../resp/request.ts";

/** For an argument of up to so many bytes there is room as soon as its length is known. */
const AT_ONCE_BYTES = 8 * 1024 * 1024;

/** Bytes of a request's arguments, as far as they are known. */
export function argumentBytes(request: Request): number {
  let bytes = 0;
  for (let i = 0; i < request.argc; i++) bytes += request.lengths[i];
  return bytes;
}

/** A copy of `bytes[start, end)` at the start of a new buffer with so much room. */
export function copyInto(bytes: Uint8Array, start: number, end: number, room: number): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(room);
  copy.set(bytes.subarray(start, end));
  return copy;
}

/**
 * How much room to take for input of `length` bytes, where there was room for `room`: to the end of the argument under
 * way, which is `wanted`, unless that is very far; but at least twice the room that there was, so that many short
 * arguments do not have all of it moved each time.
 */
export function roomFor(length: number, wanted: number, room: number): number {
  if (wanted <= room * 2) return Math.max(length, room * 2);
  return Math.max(length, Math.min(wanted, Math.max(AT_ONCE_BYTES, room * 8)));
}
