/**
 * IDs of stream entries: two unsigned 64-bit numbers, a Unix time in ms and a sequence, exact. In trees and blocks an ID is
 * four words, each with its upper bit turned over, so that they compare as signed integers in the order of the IDs.
 */

import {
  highWord,
  isBelow,
  lowWord,
  parseUint64,
  splitInteger,
  UINT64_MAX_DIGITS,
  writeUint64,
} from "../../bytes/uint64.ts";
import { decodeLatin1 } from "../../bytes/latin1.ts";

/** Words of an ID in a block or a tree's key. */
export const ID_WORDS = 4;
/** Bytes of an ID in an RDB file: both numbers, the highest byte first. */
export const ID_BYTES = 16;
/** Most bytes of an ID as text. */
export const ID_TEXT_BYTES = 2 * UINT64_MAX_DIGITS + 1;
const BIAS = 0x80000000 | 0;
const MINUS = 0x2d;

/** The text of the time that was written last, as IDs that are written together most often have the same, or nearly. */
const timeText = new Uint8Array(UINT64_MAX_DIGITS);
let timeTextLength = 0;
let timeTextHigh = 0;
let timeTextLow = 0;

/** One ID, to be used again and again. */
export class StreamId {
  msHigh = 0;
  msLow = 0;
  seqHigh = 0;
  seqLow = 0;

  /** Makes it the same as another. */
  set(other: StreamId): this {
    this.msHigh = other.msHigh;
    this.msLow = other.msLow;
    this.seqHigh = other.seqHigh;
    this.seqLow = other.seqLow;
    return this;
  }

  /** `0-0`, below which there is nothing. */
  setZero(): this {
    this.msHigh =
      this.msLow =
      this.seqHigh =
      this.seqLow =
        0;
    return this;
  }

  /** The greatest ID that there can be. */
  setMax(): this {
    this.msHigh =
      this.msLow =
      this.seqHigh =
      this.seqLow =
        -1;
    return this;
  }

  /** The first ID of a ms, a safe integer that is not negative. */
  setTime(ms: number): this {
    splitInteger(ms);
    this.msHigh = highWord();
    this.msLow = lowWord();
    this.seqHigh = this.seqLow = 0;
    return this;
  }

  get isZero(): boolean {
    return (this.msHigh | this.msLow | this.seqHigh | this.seqLow) === 0;
  }

  get isMax(): boolean {
    return (this.msHigh & this.msLow & this.seqHigh & this.seqLow) === -1;
  }

  /** Negative where it is below another, 0 where it is the same. */
  compare(other: StreamId): number {
    if (this.msHigh !== other.msHigh || this.msLow !== other.msLow) {
      return isBelow(this.msHigh, this.msLow, other.msHigh, other.msLow) ? -1 : 1;
    }
    if (this.seqHigh !== other.seqHigh || this.seqLow !== other.seqLow) {
      return isBelow(this.seqHigh, this.seqLow, other.seqHigh, other.seqLow) ? -1 : 1;
    }
    return 0;
  }

  /** Whether the ms are those of another. */
  isSameTime(other: StreamId): boolean {
    return this.msHigh === other.msHigh && this.msLow === other.msLow;
  }

  /** The ID after it; false, and `0-0`, where there is none. */
  increment(): boolean {
    if ((this.seqLow = (this.seqLow + 1) | 0) !== 0) return true;
    if ((this.seqHigh = (this.seqHigh + 1) | 0) !== 0) return true;
    if ((this.msLow = (this.msLow + 1) | 0) !== 0) return true;
    return (this.msHigh = (this.msHigh + 1) | 0) !== 0;
  }

  /** The ID before it; false, and the greatest, where there is none. */
  decrement(): boolean {
    const isFirst = this.isZero;
    this.seqLow = (this.seqLow - 1) | 0;
    if (this.seqLow !== -1) return true;
    this.seqHigh = (this.seqHigh - 1) | 0;
    if (this.seqHigh !== -1) return true;
    this.msLow = (this.msLow - 1) | 0;
    if (this.msLow !== -1) return true;
    this.msHigh = (this.msHigh - 1) | 0;
    return !isFirst;
  }

  /** Reads it from four words. */
  read(words: Int32Array, at: number): this {
    this.msHigh = words[at] ^ BIAS;
    this.msLow = words[at + 1] ^ BIAS;
    this.seqHigh = words[at + 2] ^ BIAS;
    this.seqLow = words[at + 3] ^ BIAS;
    return this;
  }

  /** Writes it as four words. */
  write(words: Int32Array, at: number): void {
    words[at] = this.msHigh ^ BIAS;
    words[at + 1] = this.msLow ^ BIAS;
    words[at + 2] = this.seqHigh ^ BIAS;
    words[at + 3] = this.seqLow ^ BIAS;
  }

  /** Reads it from the key at which a tree stands. */
  readKey(trees: { keyWord(index: number): number }): this {
    this.msHigh = trees.keyWord(0) ^ BIAS;
    this.msLow = trees.keyWord(1) ^ BIAS;
    this.seqHigh = trees.keyWord(2) ^ BIAS;
    this.seqLow = trees.keyWord(3) ^ BIAS;
    return this;
  }

  /** Reads it from 16 bytes. */
  readBytes(bytes: Uint8Array, at: number): this {
    this.msHigh = bigEndian(bytes, at);
    this.msLow = bigEndian(bytes, at + 4);
    this.seqHigh = bigEndian(bytes, at + 8);
    this.seqLow = bigEndian(bytes, at + 12);
    return this;
  }

  /** Writes it as 16 bytes. */
  writeBytes(bytes: Uint8Array, at: number): void {
    const { msHigh, msLow, seqHigh, seqLow } = this;
    for (let i = 0; i < 4; i++) {
      const shift = 24 - 8 * i;
      bytes[at + i] = msHigh >>> shift;
      bytes[at + 4 + i] = msLow >>> shift;
      bytes[at + 8 + i] = seqHigh >>> shift;
      bytes[at + 12 + i] = seqLow >>> shift;
    }
  }

  /** Reads the ms from text; false, and nothing has changed, if it is no number. */
  parseTime(bytes: Uint8Array, start: number, length: number): boolean {
    if (!parseUint64(bytes, start, length)) return false;
    this.msHigh = highWord();
    this.msLow = lowWord();
    return true;
  }

  /** The same for the sequence. */
  parseSequence(bytes: Uint8Array, start: number, length: number): boolean {
    if (!parseUint64(bytes, start, length)) return false;
    this.seqHigh = highWord();
    this.seqLow = lowWord();
    return true;
  }

  /** Writes it as `ms-seq` at `at`, in at most `ID_TEXT_BYTES`; with another sign between, if one is given. */
  writeText(target: Uint8Array, at: number, between: number = MINUS): number {
    at = this.writeTime(target, at);
    target[at - 1] = between;
    return this.writeSequence(target, at);
  }

  /** Writes the first half of that, with the sign behind it; the offset after it. */
  writeTime(target: Uint8Array, at: number): number {
    const { msHigh, msLow } = this;
    if (timeTextLow !== msLow || timeTextHigh !== msHigh || timeTextLength === 0) {
      timeTextLength = writeUint64(timeText, 0, msHigh, msLow);
      timeTextHigh = msHigh;
      timeTextLow = msLow;
    }
    for (let i = 0; i < timeTextLength; i++) target[at + i] = timeText[i];
    at += timeTextLength;
    target[at] = MINUS;
    return at + 1;
  }

  /** Writes the second half. */
  writeSequence(target: Uint8Array, at: number): number {
    return writeUint64(target, at, this.seqHigh, this.seqLow);
  }

  toString(): string {
    const bytes = new Uint8Array(ID_TEXT_BYTES);
    return decodeLatin1(bytes, 0, this.writeText(bytes, 0));
  }
}

function bigEndian(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
}
