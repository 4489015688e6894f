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

/** From so many bytes on two views, which take as long to make as some hundred bytes to put out, are worth it. */
const MIN_VIEWED_BYTES = 1024;
/** Bytes that are copied of a short run whatever its length: cheaper than a loop of which no CPU foresees the end. */
const COPIED_AHEAD = 16;
const WORD_BYTES = 4;

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
  return outputLength < MIN_VIEWED_BYTES
    ? decompressByBytes(input, start, length, output, to, outputLength)
    : decompressByWords(input, start, length, output, to, outputLength);
}

/** In loops by twos, as a loop's own work is half of what it takes. One loop for this and words is slower for either. */
function decompressByBytes(
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
      const next = at + control + 1;
      if (next > end || to + control >= outputEnd) return false;
      if ((control & 1) === 0) output[to++] = input[at++];
      while (at < next) {
        output[to] = input[at];
        output[to + 1] = input[at + 1];
        to += 2;
        at += 2;
      }
      continue;
    }
    let copied = (control >> 5) + 2;
    if (copied === 9) {
      if (at >= end) return false;
      copied += input[at++];
    }
    if (at >= end) return false;
    let from = to - 1 - (((control & 31) << 8) | input[at++]);
    const nextTo = to + copied;
    if (from < outputStart || nextTo > outputEnd) return false;
    // One after the other, as a copy may reach into itself.
    if ((copied & 1) !== 0) output[to++] = output[from++];
    while (to < nextTo) {
      output[to] = output[from];
      output[to + 1] = output[from + 1];
      to += 2;
      from += 2;
    }
  }
  return to === outputEnd;
}

/** Four bytes at a time, and more than are wanted, as what is put out next is written over them; bytes alone near the end. */
function decompressByWords(
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
  const inputView = new DataView(input.buffer, input.byteOffset);
  const outputView = new DataView(output.buffer, output.byteOffset);
  // Up to here there is room for the longest literal, and for what is copied ahead.
  const lastInput = end - MAX_LITERAL;
  const lastOutput = outputEnd - MAX_LITERAL;
  let at = start;
  while (at < end) {
    const control = input[at++];
    if (control < MAX_LITERAL) {
      const next = at + control + 1;
      const nextTo = to + control + 1;
      if (next > end || nextTo > outputEnd) return false;
      if (at <= lastInput && to <= lastOutput) {
        copyWords(inputView, at, outputView, to, control + 1);
        at = next;
        to = nextTo;
      } else {
        while (at < next) output[to++] = input[at++];
      }
      continue;
    }
    let copied = (control >> 5) + 2;
    if (copied === 9) {
      if (at >= end) return false;
      copied += input[at++];
    }
    if (at >= end) return false;
    const distance = (((control & 31) << 8) | input[at++]) + 1;
    const nextTo = to + copied;
    let from = to - distance;
    if (from < outputStart || nextTo > outputEnd) return false;
    // A copy may reach into itself, but no word of it may.
    if (distance >= WORD_BYTES && nextTo <= lastOutput) {
      copyWords(outputView, from, outputView, to, copied);
      to = nextTo;
    } else {
      while (to < nextTo) output[to++] = output[from++];
    }
  }
  return to === outputEnd;
}

/** Copies `length` bytes and some more: up to `COPIED_AHEAD` in all, or to the end of a word. */
function copyWords(input: DataView, from: number, output: DataView, to: number, length: number): void {
  output.setUint32(to, input.getUint32(from));
  output.setUint32(to + 4, input.getUint32(from + 4));
  if (length <= 8) return;
  output.setUint32(to + 8, input.getUint32(from + 8));
  output.setUint32(to + 12, input.getUint32(from + 12));
  for (let i = COPIED_AHEAD; i < length; i += WORD_BYTES) output.setUint32(to + i, input.getUint32(from + i));
}
