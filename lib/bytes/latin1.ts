/**
 * Bytes as strings, one char code per byte. Wherever the server holds bytes in a string (error messages with a client's
 * arguments, client names, config values) it is such a binary string, so that nothing is lost on the way out again.
 */

import { Buffer } from "node:buffer";

/** The longest string that both runtimes can make: V8's limit. */
export const LONGEST_STRING = 0x1fffffe8;
/** Up to this length a call of the runtime's own decoder costs more than it saves, in bytes. */
const SHORT_BYTES = 8;
/** The view of a longer buffer is not kept, as that would keep its memory. */
const MOST_KEPT_BYTES = 64 * 1024 * 1024;

/** A view of a buffer that decodes parts of it, as Node's has since its beginnings; its types leave that out. */
interface Decoder {
  latin1Slice(start: number, end: number): string;
}

/** The buffers in which the last texts were, and views of them: mostly a client's input and a segment of the arena. */
let [buffer, other]: (ArrayBufferLike | null)[] = [null, null];
let [decoder, otherDecoder] = [decoderOf(new ArrayBuffer(0)), decoderOf(new ArrayBuffer(0))];

function decoderOf(of: ArrayBufferLike): Decoder {
  return Buffer.from(of) as unknown as Decoder; // see Decoder
}

/** The view of a buffer, kept for the next text in it. */
function decoderFor(wanted: ArrayBufferLike): Decoder {
  if (wanted === buffer) return decoder;
  if (wanted.byteLength > MOST_KEPT_BYTES) return decoderOf(wanted);
  const found = wanted === other ? otherDecoder : decoderOf(wanted);
  [other, otherDecoder] = [buffer, decoder];
  [buffer, decoder] = [wanted, found];
  return found;
}

/**
 * The binary string of `bytes[start, end)`. All but the shortest by way of a Buffer: to make one costs 100 ns, and so does
 * what it then does, hardly more for thousands of bytes; spreading them into `String.fromCharCode` takes 25 ns for each.
 */
export function decodeLatin1(bytes: Uint8Array, start = 0, end: number = bytes.length): string {
  if (end - start > SHORT_BYTES) {
    const offset = bytes.byteOffset;
    return decoderFor(bytes.buffer).latin1Slice(offset + start, offset + end);
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
