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

/** Bits of a hash: fewer for short inputs, whose part of the table is then in the CPU's first cache throughout. */
const HASH_BITS = 13;
const SHORT_HASH_BITS = 10;
const MAX_SHORT_BYTES = 1024;
const HASH_FACTOR = 0x9e3779b1 | 0;
/** Misses in a row after which the search takes longer steps: bytes that will not compress are passed over quickly. */
const MISSES_PER_STEP = 5;

/**
 * Last position of each hash of three bytes, counted from the first input ever, so that what older inputs left is out of
 * reach and nothing is ever cleared.
 */
const heads = new Int32Array(1 << HASH_BITS);
let positionsUsed = WINDOW_BYTES + 1;

/**
 * Compresses `input[start, start + length)` into `output` from `outputStart` on. Returns the compressed length, or 0 where
 * that is not at least 4 bytes shorter than the input or `output` has too little room. O(length).
 *
 * One earlier place is looked at for each copy. A chain of four made texts up to a seventh shorter, listpacks of like
 * elements not at all, and took twice the time: saving is bound by it.
 */
export function compressLzf(
  input: Uint8Array,
  start: number,
  length: number,
  output: Uint8Array,
  outputStart = 0,
): number {
  const limit = Math.min(outputStart + length - 4, output.length);
  if (limit - outputStart < 2) return 0;
  if (positionsUsed > 2 ** 30) {
    heads.fill(0);
    positionsUsed = WINDOW_BYTES + 1;
  }
  // A byte at offset `at` of the input has the position `at + base`.
  const base = (positionsUsed - start) | 0;
  positionsUsed += length + WINDOW_BYTES;
  const shift = 32 - (length <= MAX_SHORT_BYTES ? SHORT_HASH_BITS : HASH_BITS);
  const end = (start + length) | 0;
  const lastSearched = end - MIN_COPY;
  let literal = start | 0;
  let to = outputStart | 0;
  let at = start | 0;
  let misses = 0;
  while (at <= lastSearched) {
    const three = input[at] | (input[at + 1] << 8) | (input[at + 2] << 16);
    const hash = Math.imul(three, HASH_FACTOR) >>> shift;
    const from = heads[hash] - base;
    heads[hash] = at + base;
    if (
      from < start || at - from > WINDOW_BYTES ||
      (input[from] | (input[from + 1] << 8) | (input[from + 2] << 16)) !== three
    ) {
      at += 1 + (misses++ >> MISSES_PER_STEP);
      continue;
    }
    misses = 0;
    const most = at + MAX_COPY < end ? at + MAX_COPY : end;
    const far = at - from - 1;
    let next = at + MIN_COPY;
    while (next < most && input[next] === input[next - far - 1]) next++;
    // What stands before the copy, which takes 3 bytes at most.
    const literals = at - literal;
    if (to + literals + (literals >>> 5) + 4 > limit) return 0;
    while (literal < at) {
      const run = at - literal < MAX_LITERAL ? at : literal + MAX_LITERAL;
      output[to++] = run - literal - 1;
      while (literal < run) output[to++] = input[literal++];
    }
    const code = next - at - 2;
    if (code < 7) {
      output[to++] = (code << 5) | (far >> 8);
    } else {
      output[to++] = 0xe0 | (far >> 8);
      output[to++] = code - 7;
    }
    output[to++] = far & 255;
    literal = next;
    // The last two places within the copy are noted; those before would seldom be the last of their hash for long.
    at = next - 2;
    if (next <= lastSearched) {
      const last = input[at] | (input[at + 1] << 8) | (input[next] << 16);
      heads[Math.imul(last, HASH_FACTOR) >>> shift] = at + base;
      const one = (last >>> 8) | (input[next + 1] << 16);
      heads[Math.imul(one, HASH_FACTOR) >>> shift] = at + 1 + base;
    }
    at = next;
  }
  const rest = end - literal;
  if (to + rest + ((rest + MAX_LITERAL - 1) >>> 5) > limit) return 0;
  while (literal < end) {
    const run = end - literal < MAX_LITERAL ? end : literal + MAX_LITERAL;
    output[to++] = run - literal - 1;
    while (literal < run) output[to++] = input[literal++];
  }
  return to - outputStart;
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
