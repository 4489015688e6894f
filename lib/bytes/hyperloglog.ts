/**
 * HyperLogLogs (Flajolet et al., 2007) as Redis keeps them in strings, to the byte: how many different elements were added,
 * with a standard error of 0.81 %, in at most 12 KiB.
 *
 * | bytes | hold                                                                                                      |
 * |-------|-----------------------------------------------------------------------------------------------------------|
 * | 0–3   | "HYLL"                                                                                                    |
 * | 4     | 0: dense, 1: sparse                                                                                       |
 * | 8–15  | the last estimate, little-endian; the highest bit tells that it is out of date                            |
 * | 16–   | dense: 16384 registers of 6 bits, from the lowest bit of each byte on; sparse: runs of equal registers    |
 *
 * A run is 00llllll, l + 1 registers of 0; 01llllll llllllll, the same with 14 bits; or 1vvvvvll, l + 1 registers of v + 1.
 * An element's hash (MurmurHash64A) names a register by its lowest 14 bits; the register keeps the most zeros that any hash
 * had behind these, plus one. The estimate is that of Ertl ("New cardinality estimation algorithms for HyperLogLog
 * sketches", 2017).
 */

import { BLOCK_BYTES, vectors } from "./vectors.ts";

export const HLL_REGISTERS = 16384;
export const HLL_HEADER_BYTES = 16;
/** Bytes of the dense form. */
export const HLL_DENSE_BYTES: number = HLL_HEADER_BYTES + (HLL_REGISTERS * 6) / 8;
/** Bytes of one that nothing was added to: sparse, a single run. */
export const HLL_EMPTY_BYTES: number = HLL_HEADER_BYTES + 2;

/** "HYLL", and the same as a word. */
const MAGIC = [0x48, 0x59, 0x4c, 0x4c];
const MAGIC_WORD = 0x4c4c5948;
const ENCODING_AT = 4;
const ESTIMATE_AT = 8;
const DENSE = 0;
const SPARSE = 1;
/** Bits of a hash that are counted in; a register has one more value, for those that are all 0. */
const COUNTED_BITS = 50;
const REGISTER_BITS = 14;
const XZERO = 0x40;
const VALUE = 0x80;
/** Most registers of a short run of zeros, most of a run of another value, and the greatest value of one. */
const MAX_ZERO_RUN = 64;
const MAX_VALUE_RUN = 4;
const MAX_SPARSE_VALUE = 32;
/** Runs looked at after a change for two that can be joined. */
const JOINED_RUNS = 5;
/** Bytes that a change may add in the sparse form, before it is too large. */
const MOST_ADDED = 3;
/** 1 / (2 ln 2) */
const ALPHA = 0.721347520444481703680;

// --- Hashing ----------------------------------------------------------------------------------------------------------

const SEED = 0xadc83b19 | 0;
const M_HIGH = 0xc6a4a793 | 0;
const M_LOW = 0x5bd1e995;
const M_LOW_0 = M_LOW & 0xffff;
const M_LOW_1 = M_LOW >>> 16;

let high = 0;
let low = 0;

/** Multiplies the 64 bits of two words by the hash's constant, into `high` and `low`. */
function multiply(byHigh: number, byLow: number): void {
  const low0 = byLow & 0xffff;
  const low1 = byLow >>> 16;
  const first = low0 * M_LOW_0;
  const second = low1 * M_LOW_0 + (first >>> 16);
  const third = low0 * M_LOW_1 + (second & 0xffff);
  const carried = low1 * M_LOW_1 + Math.floor(second / 65536) + Math.floor(third / 65536);
  high = (carried + Math.imul(byLow, M_HIGH) + Math.imul(byHigh, M_LOW)) | 0;
  low = Math.imul(byLow, M_LOW);
}

function word(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
}

/** MurmurHash64A of an element, into `high` and `low`. */
function murmur(bytes: Uint8Array, start: number, length: number): void {
  multiply(0, length);
  let hashHigh = high;
  let hashLow = low ^ SEED;
  const end = start + length;
  let at = start;
  for (; at + 8 <= end; at += 8) {
    multiply(word(bytes, at + 4), word(bytes, at));
    multiply(high, low ^ (high >>> 15)); // a shift by 47
    multiply(hashHigh ^ high, hashLow ^ low);
    hashHigh = high;
    hashLow = low;
  }
  if (at < end) {
    for (let i = 0; at + i < end; i++) {
      if (i < 4) hashLow ^= bytes[at + i] << (8 * i);
      else hashHigh ^= bytes[at + i] << (8 * (i - 4));
    }
    multiply(hashHigh, hashLow);
    hashHigh = high;
    hashLow = low;
  }
  multiply(hashHigh, hashLow ^ (hashHigh >>> 15));
  low ^= high >>> 15;
}

/** The register of the element that `hashElement` saw last, and the value that it should have at least. */
export let register = 0;
export let registerValue = 0;

function trailingZeros(value: number): number {
  return 31 - Math.clz32(value & -value);
}

/** Finds what an element does, into `register` and `registerValue`. */
export function hashElement(bytes: Uint8Array, start: number, length: number): void {
  murmur(bytes, start, length);
  register = low & (HLL_REGISTERS - 1);
  const rest = low >>> REGISTER_BITS;
  if (rest !== 0) registerValue = trailingZeros(rest) + 1;
  else if (high !== 0) registerValue = 32 - REGISTER_BITS + trailingZeros(high) + 1;
  else registerValue = COUNTED_BITS + 1;
}

// --- The whole --------------------------------------------------------------------------------------------------------

/** Whether a string looks like one. Its runs may still be unsound: what reads them says so. */
export function isHyperLogLog(bytes: Uint8Array, start: number, length: number): boolean {
  if (length < HLL_HEADER_BYTES || (word(bytes, start) | 0) !== MAGIC_WORD) return false;
  const encoding = bytes[start + ENCODING_AT];
  return encoding === SPARSE || (encoding === DENSE && length === HLL_DENSE_BYTES);
}

export function isDense(bytes: Uint8Array, start: number): boolean {
  return bytes[start + ENCODING_AT] === DENSE;
}

/** Numbers whose upper 32 bits are below this are safe integers. */
const SAFE_HIGH_WORD = 2 ** 21;

/** The estimate that is kept, if it is up to date; else null. */
export function keptEstimate(bytes: Uint8Array, start: number): number | bigint | null {
  const at = start + ESTIMATE_AT;
  if ((bytes[at + 7] & 0x80) !== 0) return null;
  const highWord = word(bytes, at + 4);
  if (highWord < SAFE_HIGH_WORD) return highWord * 2 ** 32 + (word(bytes, at) >>> 0);
  return (BigInt(word(bytes, at + 4)) << 32n) | BigInt(word(bytes, at) >>> 0);
}

/** Keeps an estimate. */
export function keepEstimate(bytes: Uint8Array, start: number, estimate: number): void {
  let rest = estimate;
  for (let i = 0; i < 8; i++) {
    bytes[start + ESTIMATE_AT + i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
}

/** Notes that the estimate that is kept is out of date. */
export function outdateEstimate(bytes: Uint8Array, start: number): void {
  bytes[start + ESTIMATE_AT + 7] |= 0x80;
}

// --- The dense form ---------------------------------------------------------------------------------------------------

export function denseRegister(bytes: Uint8Array, start: number, index: number): number {
  const bit = index * 6;
  const at = start + HLL_HEADER_BYTES + (bit >>> 3);
  const shift = bit & 7;
  const value = bytes[at] >>> shift;
  return (shift > 2 ? value | (bytes[at + 1] << (8 - shift)) : value) & 63;
}

function writeDenseRegister(bytes: Uint8Array, start: number, index: number, value: number): void {
  const bit = index * 6;
  const at = start + HLL_HEADER_BYTES + (bit >>> 3);
  const shift = bit & 7;
  bytes[at] = (bytes[at] & ~(63 << shift)) | (value << shift);
  if (shift <= 2) return;
  bytes[at + 1] = (bytes[at + 1] & ~(63 >>> (8 - shift))) | (value >>> (8 - shift));
}

/** Raises a register to a value; whether it was lower. */
export function raiseDense(bytes: Uint8Array, start: number, index: number, value: number): boolean {
  if (denseRegister(bytes, start, index) >= value) return false;
  writeDenseRegister(bytes, start, index, value);
  return true;
}

// --- The sparse form --------------------------------------------------------------------------------------------------

/** Tells of a run: its first register, how many there are, their value. */
type RunSink = (first: number, run: number, value: number) => void;

/**
 * Tells of all runs, one after the other. Whether they make up all registers exactly, as they must; of a run of values that
 * goes beyond them nothing is told, and nothing of what follows.
 */
function walkRuns(bytes: Uint8Array, start: number, length: number, sink: RunSink): boolean {
  const end = start + length;
  let index = 0;
  for (let at = start + HLL_HEADER_BYTES; at < end;) {
    const run = runOf(bytes, at, end);
    const value = valueOf(bytes[at]);
    if (value !== 0 && index + run > HLL_REGISTERS) return false;
    sink(index, run, value);
    index += run;
    at += isLongRun(bytes[at]) ? 2 : 1;
  }
  return index === HLL_REGISTERS;
}

function isLongRun(first: number): boolean {
  return (first & 0xc0) === XZERO;
}

function valueOf(first: number): number {
  return first >= VALUE ? ((first >>> 2) & 31) + 1 : 0;
}

/** Registers of the run at `at`. */
function runOf(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at];
  if (first >= VALUE) return (first & 3) + 1;
  return isLongRun(first) ? (((first & 63) << 8) | (at + 1 < end ? bytes[at + 1] : 0)) + 1 : first + 1;
}

/**
 * Tells of the registers of a HyperLogLog in either form that are not 0. False where its runs are not sound.
 */
export function walkRegisters(
  bytes: Uint8Array,
  start: number,
  length: number,
  sink: (index: number, value: number) => void,
): boolean {
  if (!isDense(bytes, start)) {
    return walkRuns(bytes, start, length, (first, run, value) => {
      if (value !== 0) { for (let i = first; i < first + run; i++) sink(i, value); }
    });
  }
  for (let i = 0; i < HLL_REGISTERS; i++) {
    const value = denseRegister(bytes, start, i);
    if (value !== 0) sink(i, value);
  }
  return true;
}

/** The runs of a sparse one in words, as PFDEBUG DECODE shows them. */
export function decodeRuns(bytes: Uint8Array, start: number, length: number): string {
  const words: string[] = [];
  const end = start + length;
  for (let at = start + HLL_HEADER_BYTES; at < end; at += isLongRun(bytes[at]) ? 2 : 1) {
    const run = runOf(bytes, at, end);
    if (bytes[at] >= VALUE) words.push(`v:${valueOf(bytes[at])},${run}`);
    else words.push(`${isLongRun(bytes[at]) ? "Z" : "z"}:${run}`);
  }
  return words.join(" ");
}

/** What came of raising a register. `unsound`: its place is not to be found, as the runs are none that make up all registers. */
export type Raised = "raised" | "as it was" | "unsound";

/** One that is changed in a buffer of its own, in which there is room for both forms. */
export class HyperLogLogBuffer {
  /** The bytes, of which the first `length` count. */
  readonly bytes: Uint8Array;
  length = 0;
  readonly #runs = new Uint8Array(MOST_ADDED + 2);
  #runBytes = 0;
  #dense = new Uint8Array(HLL_DENSE_BYTES);

  /** `mostBytes`: how long the longest sparse one is that may come. */
  constructor(mostBytes: number) {
    this.bytes = new Uint8Array(Math.max(HLL_DENSE_BYTES, mostBytes + MOST_ADDED));
  }

  /** Begins anew with one that nothing was added to. */
  clear(): void {
    const { bytes } = this;
    bytes.fill(0, 0, HLL_HEADER_BYTES);
    bytes.set(MAGIC);
    bytes[ENCODING_AT] = SPARSE;
    this.length = HLL_EMPTY_BYTES;
    writeZeros(bytes, HLL_HEADER_BYTES, HLL_REGISTERS);
  }

  load(bytes: Uint8Array, start: number, length: number): void {
    this.bytes.set(bytes.subarray(start, start + length));
    this.length = length;
  }

  get isDense(): boolean {
    return isDense(this.bytes, 0);
  }

  /** Makes it dense; false where its runs are not sound, and it is as before. */
  toDense(): boolean {
    if (this.isDense) return true;
    const dense = this.#dense;
    dense.fill(0);
    const isSound = walkRegisters(this.bytes, 0, this.length, (i, value) => writeDenseRegister(dense, 0, i, value));
    if (!isSound) return false;
    dense.set(this.bytes.subarray(0, HLL_HEADER_BYTES));
    dense[ENCODING_AT] = DENSE;
    this.bytes.set(dense);
    this.length = HLL_DENSE_BYTES;
    return true;
  }

  /**
   * Raises all registers to those of a union that it is part of. A sparse one that would have more than `maxSparseBytes` by
   * that becomes dense. O(registers that are not 0) while it is sparse, and else O(registers).
   */
  raiseAll(union: HyperLogLogUnion, maxSparseBytes: number): void {
    const { registers } = union;
    if (!this.isDense) {
      const blocks = union.findBlocks();
      for (let k = 0; k < union.blocks && !this.isDense; k++) {
        for (let i = blocks[k]; i < blocks[k] + BLOCK_BYTES; i++) {
          if (registers[i] !== 0) this.raise(i, registers[i], maxSparseBytes);
        }
      }
    }
    if (!this.isDense) return;
    const { bytes } = this;
    let at = HLL_HEADER_BYTES;
    for (let i = 0; i < HLL_REGISTERS; i += 4, at += 3) {
      const three = registers[i] | (registers[i + 1] << 6) | (registers[i + 2] << 12) | (registers[i + 3] << 18);
      bytes[at] = three;
      bytes[at + 1] = three >>> 8;
      bytes[at + 2] = three >>> 16;
    }
  }

  /** Raises a register to a value. A sparse one that would have more than `maxSparseBytes` by that becomes dense. */
  raise(index: number, value: number, maxSparseBytes: number): Raised {
    if (!this.isDense) {
      if (value <= MAX_SPARSE_VALUE) {
        const raised = this.#raiseSparse(index, value, maxSparseBytes);
        if (raised !== "too long") return raised;
      }
      if (!this.toDense()) return "unsound";
    }
    return raiseDense(this.bytes, 0, index, value) ? "raised" : "as it was";
  }

  #raiseSparse(index: number, value: number, maxBytes: number): Raised | "too long" {
    const { bytes, length } = this;
    let at = HLL_HEADER_BYTES;
    let before = at;
    let first = 0;
    let run = 0;
    while (at < length) {
      run = runOf(bytes, at, length);
      if (index < first + run) break;
      before = at;
      first += run;
      at += isLongRun(bytes[at]) ? 2 : 1;
    }
    if (at >= length) return "unsound";
    const old = valueOf(bytes[at]);
    if (old >= value) return "as it was";
    const removed = isLongRun(bytes[at]) ? 2 : 1;
    this.#runBytes = 0;
    this.#addRun(old, index - first);
    this.#addRun(value, 1);
    this.#addRun(old, first + run - 1 - index);
    const added = this.#runBytes - removed;
    if (added > 0 && length + added > maxBytes) return "too long";
    bytes.copyWithin(at + this.#runBytes, at + removed, length);
    bytes.set(this.#runs.subarray(0, this.#runBytes), at);
    this.length = length + added;
    this.#joinRuns(before);
    return "raised";
  }

  /** Adds to the runs that are to take the place of one. */
  #addRun(value: number, run: number): void {
    if (run === 0) return;
    const at = this.#runBytes;
    if (value === 0) this.#runBytes = writeZeros(this.#runs, at, run);
    else this.#runs[this.#runBytes++] = valueRun(value, run);
  }

  /** Joins runs of the same value that stand side by side, from one on. */
  #joinRuns(at: number): void {
    const { bytes } = this;
    for (let left = JOINED_RUNS; at < this.length && left > 0; left--) {
      const first = bytes[at];
      if (first < VALUE) {
        at += isLongRun(first) ? 2 : 1;
        continue;
      }
      const next = at + 1 < this.length ? bytes[at + 1] : 0;
      const run = (first & 3) + (next & 3) + 2;
      if (next < VALUE || valueOf(next) !== valueOf(first) || run > MAX_VALUE_RUN) {
        at++;
        continue;
      }
      bytes[at + 1] = valueRun(valueOf(first), run);
      bytes.copyWithin(at, at + 1, this.length);
      this.length--;
    }
  }
}

function valueRun(value: number, run: number): number {
  return VALUE | ((value - 1) << 2) | (run - 1);
}

/** Writes a run of zeros, in the shorter of its forms; the offset behind it. */
function writeZeros(bytes: Uint8Array, at: number, run: number): number {
  if (run <= MAX_ZERO_RUN) {
    bytes[at] = run - 1;
    return at + 1;
  }
  bytes[at] = XZERO | ((run - 1) >>> 8);
  bytes[at + 1] = run - 1;
  return at + 2;
}

// --- The estimate -----------------------------------------------------------------------------------------------------

/** How many registers have each value. */
const histogram = new Int32Array(64);

/** Estimates how many elements one has seen; null where its runs are not sound. */
export function estimate(bytes: Uint8Array, start: number, length: number): number | null {
  histogram.fill(0);
  if (isDense(bytes, start)) countDense(bytes, start);
  else if (!countRuns(bytes, start, length)) return null;
  return estimateOf(histogram);
}

function countDense(bytes: Uint8Array, start: number): void {
  let at = start + HLL_HEADER_BYTES;
  for (let i = 0; i < HLL_REGISTERS; i += 4, at += 3) {
    const three = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16);
    histogram[three & 63]++;
    histogram[(three >>> 6) & 63]++;
    histogram[(three >>> 12) & 63]++;
    histogram[three >>> 18]++;
  }
}

/** False where the runs are not sound. */
function countRuns(bytes: Uint8Array, start: number, length: number): boolean {
  const end = start + length;
  let registers = 0;
  for (let at = start + HLL_HEADER_BYTES; at < end; at += isLongRun(bytes[at]) ? 2 : 1) {
    const run = runOf(bytes, at, end);
    histogram[valueOf(bytes[at])] += run;
    registers += run;
  }
  return registers === HLL_REGISTERS;
}

/**
 * Registers of several that are joined, one to a byte. They lie in the first window of the vectors, of which there is one for
 * all: a union is of use until anything else is done there.
 */
export class HyperLogLogUnion {
  /** The registers, and more behind them. */
  registers: Uint8Array = new Uint8Array(0);
  /** How many blocks `findBlocks` has found. */
  blocks = 0;

  /** Begins anew with none. Throws where there is no memory for the vectors. */
  clear(): void {
    const { first } = vectors();
    this.registers = first;
    first.fill(0, 0, HLL_REGISTERS);
  }

  /**
   * Joins a HyperLogLog in either form. False where its runs are not sound: what the registers are then is not said.
   * O(registers) for a dense one, O(runs and registers that are not 0) for a sparse one.
   */
  join(bytes: Uint8Array, start: number, length: number): boolean {
    const { registers } = this;
    if (isDense(bytes, start)) {
      joinDense(bytes, start, registers);
      return true;
    }
    const end = start + length;
    let index = 0;
    for (let at = start + HLL_HEADER_BYTES; at < end;) {
      const run = runOf(bytes, at, end);
      const value = valueOf(bytes[at]);
      if (value !== 0) {
        if (index + run > HLL_REGISTERS) return false;
        for (let i = index; i < index + run; i++) if (registers[i] < value) registers[i] = value;
      }
      index += run;
      at += isLongRun(bytes[at]) ? 2 : 1;
    }
    return index === HLL_REGISTERS;
  }

  /** Finds blocks of `BLOCK_BYTES` registers that are not all 0: the first register of each; `blocks` says how many. */
  findBlocks(): Int32Array {
    const { operations, secondWords } = vectors();
    this.blocks = operations.blocksNotZero(HLL_REGISTERS);
    return secondWords;
  }

  /** Estimates how many elements all together have seen. O(registers that are not 0), but for a sixteenth of all. */
  estimate(): number {
    const blocks = this.findBlocks();
    const { firstWords } = vectors();
    histogram.fill(0);
    for (let k = 0; k < this.blocks; k++) {
      const at = blocks[k] >>> 2;
      for (let i = at; i < at + BLOCK_BYTES / 4; i++) {
        const four = firstWords[i];
        histogram[four & 63]++;
        histogram[(four >>> 8) & 63]++;
        histogram[(four >>> 16) & 63]++;
        histogram[four >>> 24]++;
      }
    }
    histogram[0] += HLL_REGISTERS - BLOCK_BYTES * this.blocks;
    return estimateOf(histogram);
  }
}

/** Four registers stand in three bytes. */
function joinDense(bytes: Uint8Array, start: number, registers: Uint8Array): void {
  let at = start + HLL_HEADER_BYTES;
  for (let i = 0; i < HLL_REGISTERS; i += 4, at += 3) {
    const three = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16);
    if (three === 0) continue;
    if (registers[i] < (three & 63)) registers[i] = three & 63;
    if (registers[i + 1] < ((three >>> 6) & 63)) registers[i + 1] = (three >>> 6) & 63;
    if (registers[i + 2] < ((three >>> 12) & 63)) registers[i + 2] = (three >>> 12) & 63;
    if (registers[i + 3] < three >>> 18) registers[i + 3] = three >>> 18;
  }
}

/** Estimates by how many registers have each value (Ertl, algorithm 6). */
function estimateOf(histogram: Int32Array): number {
  const m = HLL_REGISTERS;
  let z = m * tau((m - histogram[COUNTED_BITS + 1]) / m);
  for (let value = COUNTED_BITS; value >= 1; value--) z = (z + histogram[value]) * 0.5;
  z += m * sigma(histogram[0] / m);
  return Math.round((ALPHA * m * m) / z);
}

function sigma(x: number): number {
  if (x === 1) return Infinity;
  let y = 1;
  let z = x;
  for (let before = NaN; before !== z;) {
    x *= x;
    before = z;
    z += x * y;
    y += y;
  }
  return z;
}

function tau(x: number): number {
  if (x === 0 || x === 1) return 0;
  let y = 1;
  let z = 1 - x;
  for (let before = NaN; before !== z;) {
    x = Math.sqrt(x);
    before = z;
    y *= 0.5;
    z -= (1 - x) * (1 - x) * y;
  }
  return z / 3;
}
