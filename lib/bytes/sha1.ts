/**
 * SHA-1 (FIPS 180-4), for DEBUG DIGEST only: it is broken as a cryptographic hash. Used where many short inputs are
 * hashed, so it takes views and writes into what it is given.
 */

/** Bytes of a digest. */
export const SHA1_BYTES = 20;

const BLOCK_BYTES = 64;
const words = new Int32Array(80);
const tail = new Uint8Array(2 * BLOCK_BYTES);
const state = new Int32Array(5);

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

/** Takes in one block of 64 bytes. */
function compress(bytes: Uint8Array, start: number): void {
  for (let i = 0, at = start; i < 16; i++, at += 4) {
    words[i] = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
  }
  for (let i = 16; i < 80; i++) words[i] = rotate(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
  let [a, b, c, d, e] = state;
  for (let i = 0; i < 80; i++) {
    let mixed: number;
    if (i < 20) mixed = ((b & c) | (~b & d)) + 0x5a827999;
    else if (i < 40) mixed = (b ^ c ^ d) + 0x6ed9eba1;
    else if (i < 60) mixed = ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
    else mixed = (b ^ c ^ d) + 0xca62c1d6;
    const next = (rotate(a, 5) + mixed + e + words[i]) | 0;
    e = d;
    d = c;
    c = rotate(b, 30);
    b = a;
    a = next;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
}

/** Writes the SHA-1 of `bytes[start, +length)` to `into`, which has 20 bytes. `into` may hold the input. */
export function sha1(bytes: Uint8Array, start: number, length: number, into: Uint8Array): void {
  state[0] = 0x67452301;
  state[1] = 0xefcdab89;
  state[2] = 0x98badcfe;
  state[3] = 0x10325476;
  state[4] = 0xc3d2e1f0;
  const whole = length - (length % BLOCK_BYTES);
  for (let at = 0; at < whole; at += BLOCK_BYTES) compress(bytes, start + at);
  const rest = length - whole;
  tail.fill(0);
  for (let i = 0; i < rest; i++) tail[i] = bytes[start + whole + i];
  tail[rest] = 0x80;
  const padded = rest < BLOCK_BYTES - 8 ? BLOCK_BYTES : 2 * BLOCK_BYTES;
  const bits = length * 8;
  const high = Math.floor(bits / 2 ** 32);
  for (let i = 0; i < 4; i++) {
    tail[padded - 5 - i] = high >>> (8 * i);
    tail[padded - 1 - i] = bits >>> (8 * i);
  }
  for (let at = 0; at < padded; at += BLOCK_BYTES) compress(tail, at);
  for (let i = 0; i < SHA1_BYTES; i++) into[i] = state[i >> 2] >>> (24 - 8 * (i & 3));
}
