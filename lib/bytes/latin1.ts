/**
 * Bytes as strings, one char code per byte. Wherever the server holds bytes in a string (error messages with a client's
 * arguments, client names, config values) it is such a binary string, so that nothing is lost on the way out again.
 */

const CHUNK = 8192;

/** The binary string of `bytes[start, end)`. */
export function decodeLatin1(bytes: Uint8Array, start = 0, end: number = bytes.length): string {
  let text = "";
  for (let at = start; at < end; at += CHUNK) {
    text += String.fromCharCode(...bytes.subarray(at, Math.min(end, at + CHUNK)));
  }
  return text;
}

/** The bytes of a binary string; char codes above 255 lose their upper bits. */
export function encodeLatin1(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
