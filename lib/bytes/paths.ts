/**
 * Between the runtime's strings (UTF-16) and the server's binary strings (one char code per byte, see latin1.ts): file
 * names, command line arguments and environment variables cross here, as UTF-8.
 */

import { decodeLatin1, encodeLatin1 } from "./latin1.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The binary string of a runtime's string, in UTF-8. */
export function toBinary(text: string): string {
  return decodeLatin1(encoder.encode(text));
}

/** The runtime's string of a binary string that holds UTF-8. */
export function fromBinary(binary: string): string {
  return decoder.decode(encodeLatin1(binary));
}
