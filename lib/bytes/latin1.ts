/**
 * Bytes as strings, one char code per byte. Wherever the server holds bytes in a string (error messages with a client's
 * arguments, client names, config values) it is such a binary string, so that nothing is lost on the way out again.
 */

import { Buffer } from "node:buffer";

/** The longest string that both runtimes can make: V8's limit. */
export const LONGEST_STRING = 0x1fffffe8;
/** Up to this length a call of the runtime's own decoder costs more than it saves, in bytes. */
const SHORT_BYTES = 12;

/**
 * The binary string of `bytes[start, end)`. All but the shortest by way of a Buffer, which costs some 150 ns, and hardly
 * more for thousands of bytes; spreading them into `String.fromCharCode` takes 25 ns for each.
 */
export function decodeLatin1(bytes: Uint8Array, start = 0, end: number = bytes.length): string {
  if (end - start > SHORT_BYTES) {
    return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("latin1");
  }
  let text = "";
  for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i]);
  return text;
}

/** The bytes of a binary string; char codes above 255 lose their upper bits. */
export function encodeLatin1(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
