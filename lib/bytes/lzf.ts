/**
 * LZF, the compression of strings in RDB files (the format of Marc Lehmann's liblzf).
 *
 * The compressed form is a row of items. A byte below 32 starts a literal: that many bytes and one more follow as they
 * are. Any other byte is a copy from what was put out before: its upper 3 bits are the length less 2, and 7 there means
 * that a further byte is added to it; its lower 5 bits are the upper bits of the distance less 1, and one more byte
 * holds the lower 8. So a copy takes 2 or 3 bytes, reaches back 8192 bytes and gives 3 to 264.
 */

const WINDOW_BYTES = 8192;
const MAX_LITERAL = 32;
const MIN_COPY = 3;
const MAX_COPY = 264;
/** What LZF can make of `n` bytes at most is `n * MAX_EXPANSION`: copies of 3 bytes that give 264. */
const MAX_EXPANSION = 88;

const HASH_BITS = 14;
/** Positions with the same hash that are looked at for one copy. */
const MAX_PROBES = 4;
/** Misses in a row after which the search takes longer steps: bytes that will not compress are passed over quickly. */
const MISSES_PER_STEP = 5;

/** Last position of each hash, counted from the first input ever, so that what older inputs left is out of reach. */
const heads = new Int32Array(1 << HASH_BITS);
/** The position before each with the same hash, by the position's place in the window. */
const chain = new Int32Array(WINDOW_BYTES);
let positionsUsed = WINDOW_BYTES + 1;

/**
 * Compresses `input[start, start + length)` into `output` from its beginning. Returns the compressed length, or 0 where
 * that is not at least 4 bytes shorter than the input or `output` has too little room.
 */
export function compressLzf(input: Uint8Array, start: number, length: number, output: Uint8Array): number {
  const limit = Math.min(length - 4, output.length);
  if (limit < 2) return 0;
  if (positionsUsed > 2 ** 30) {
    heads.fill(0);
    chain.fill(0);
    positionsUsed = WINDOW_BYTES + 1;
  }
  // A byte at offset `at` of the input has the position `at + base`.
  const base = positionsUsed - start;
  positionsUsed += length + WINDOW_BYTES;
  const end = start + length;
  const lastSearched = end - MIN_COPY;
  let literal = start;
  let to = 0;
  let at = start;
  let misses = 0;
  while (at <= lastSearched) {
    const hash = hashAt(input, at);
    const position = at + base;
    let candidate = heads[hash];
    heads[hash] = position;
    chain[position & (WINDOW_BYTES - 1)] = candidate;
    let best = 0;
    let distance = 0;
    const most = Math.min(MAX_COPY, end - at);
    const oldest = Math.max(position - WINDOW_BYTES, start + base);
    for (let probes = MAX_PROBES; probes > 0 && candidate >= oldest; probes--) {
      const from = candidate - base;
      if (input[from + best] === input[at + best]) {
        let same = 0;
        while (same < most && input[from + same] === input[at + same]) same++;
        if (same > best) {
          best = same;
          distance = at - from;
          if (same === most) break;
        }
      }
      const before = chain[candidate & (WINDOW_BYTES - 1)];
      if (before >= candidate) break;
      candidate = before;
    }
    if (best < MIN_COPY) {
      at += 1 + (misses++ >> MISSES_PER_STEP);
      continue;
    }
    misses = 0;
    to = putLiteral(input, literal, at, output, to, limit);
    if (to < 0 || to + 3 > limit) return 0;
    const far = distance - 1;
    const code = best - 2;
    if (code < 7) {
      output[to++] = (code << 5) | (far >> 8);
    } else {
      output[to++] = 0xe0 | (far >> 8);
      output[to++] = code - 7;
    }
    output[to++] = far & 255;
    const next = at + best;
    const lastNoted = Math.min(next - 1, lastSearched);
    // Long copies are mostly runs: their first and last bytes are enough to find the next one.
    for (at++; at <= lastNoted; at++) {
      if (best > 32 && at + 8 < next && at > next - best + 8) continue;
      const noted = hashAt(input, at);
      chain[(at + base) & (WINDOW_BYTES - 1)] = heads[noted];
      heads[noted] = at + base;
    }
    at = next;
    literal = next;
  }
  to = putLiteral(input, literal, end, output, to, limit);
  return to < 0 ? 0 : to;
}

function hashAt(input: Uint8Array, at: number): number {
  return Math.imul(input[at] | (input[at + 1] << 8) | (input[at + 2] << 16), 0x9e3779b1) >>> (32 - HASH_BITS);
}

/** Puts out `input[from, end)` as literals; the offset after them, or -1 where they go beyond `limit`. */
function putLiteral(
  input: Uint8Array,
  from: number,
  end: number,
  output: Uint8Array,
  to: number,
  limit: number,
): number {
  while (from < end) {
    const run = Math.min(MAX_LITERAL, end - from);
    if (to + run + 1 > limit) return -1;
    output[to++] = run - 1;
    for (let i = 0; i < run; i++) output[to++] = input[from++];
  }
  return to;
}

/** Whether `compressed` bytes can be the LZF of `length` bytes at all: to be asked before room is made for them. */
export function canBeLzfOf(compressed: number, length: number): boolean {
  return length > 0 && length <= compressed * MAX_EXPANSION;
}

/**
 * Decompresses `input[start, start + length)` into `output[to, to + outputLength)`. Returns whether the input is well
 * formed and gives exactly that many bytes; it may be anything. Reads and writes nothing outside the two ranges.
 */
export function decompressLzf(
  input: Uint8Array,
  start: number,
  length: number,
  output: Uint8Array,
  to: number,
  outputLength: number,
): boolean {
  const end = start + length;
  const outputStart = to;
  const outputEnd = to + outputLength;
  let at = start;
  while (at < end) {
    const control = input[at++];
    if (control < MAX_LITERAL) {
      const run = control + 1;
      if (at + run > end || to + run > outputEnd) return false;
      for (let i = 0; i < run; i++) output[to++] = input[at++];
      continue;
    }
    let copied = (control >> 5) + 2;
    if (copied === 9) {
      if (at >= end) return false;
      copied += input[at++];
    }
    if (at >= end) return false;
    let from = to - 1 - (((control & 31) << 8) | input[at++]);
    if (from < outputStart || to + copied > outputEnd) return false;
    for (let i = 0; i < copied; i++) output[to++] = output[from++];
  }
  return to === outputEnd;
}
