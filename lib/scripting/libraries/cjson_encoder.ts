/**
 * Writes values as JSON. It looks at tables as they are, past their metatables, and goes through what is nested with a
 * stack of its own, so that no depth is too much for it.
 *
 * The text is written as bytes into one buffer for all, and whenever that is full becomes a piece of the result: this
 * takes half as long as to join strings, and leaves nothing behind. Only long strings are joined to it as they are.
 */

import { Buffer } from "node:buffer";
import { formatGeneral } from "../../bytes/c_numbers.ts";
import { LONGEST_STRING } from "../../bytes/latin1.ts";
import { writeShortDecimal } from "../../bytes/short_decimals.ts";
import { LibraryError } from "../lua/errors.ts";
import { LuaTable, type LuaValue, TableWalk, typeName } from "../lua/values.ts";
import {
  BACKSLASH,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  JSON_NULL,
  LOWER_A,
  LOWER_U,
  MINUS,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
  ZERO,
} from "./cjson_common.ts";
import { MOST_SLOTS } from "../lua/stack.ts";

export interface EncoderSettings {
  /** Whether an array with too many gaps is written as an object; else it is an error. */
  readonly sparseConvert: boolean;
  /** An array that is more than so many times as long as it has values has too many gaps; 0 if none has. */
  readonly sparseRatio: number;
  /** Up to this length an array may have any gaps. */
  readonly sparseSafe: number;
  /** How deep tables may be nested. */
  readonly encodeMaxDepth: number;
  /** Significant digits of numbers. */
  readonly numberPrecision: number;
  /** Whether infinite numbers and NaN are written: as they are, as null, or not at all. */
  readonly encodeInvalidNumbers: boolean | "null";
}

/** A table that is being written. */
interface Frame {
  readonly table: LuaTable;
  /** Where the writing of an object is; null for an array. */
  readonly walk: TableWalk | null;
  /** The length of an array. */
  readonly length: number;
  /** Entries written. */
  count: number;
  readonly parent: Frame | null;
  readonly depth: number;
  /** Values on Lua's stack, were this written in C. */
  readonly slots: number;
}

/** Strings longer than this are not written into the buffer; those with slashes are up to the next length. */
const SHORT_CHARS = 64;
const SHORT_WITH_SLASHES = 256;
/** They are escaped in pieces of this length, so that none of these becomes longer than a string can be. */
const PIECE_CHARS = 1 << 14;
const BUFFER_BYTES = 1 << 16;
/** What is written at most between two looks at the room: a value, the ends of all tables, a key, and what is around. */
const ENTRY_BYTES = 2 * 6 * SHORT_WITH_SLASHES + MOST_SLOTS + 16;

const bytes = new Uint8Array(BUFFER_BYTES);
const buffer = Buffer.from(bytes.buffer);

/** What each character has behind a backslash, `u` if four digits follow; 0 for one that is written as it is. */
const ESCAPES = new Uint8Array(256);
ESCAPES.fill(LOWER_U, 0, 0x20);
ESCAPES[0x7f] = LOWER_U;
for (const [char, letter] of ['""', "\\\\", "//", "\bb", "\ff", "\nn", "\rr", "\tt"]) {
  ESCAPES[char.charCodeAt(0)] = letter.charCodeAt(0);
}

/** The precision of numbers, unless a script has set another. */
const USUAL_PRECISION = 14;
const INT_MAX = 2 ** 31 - 1;
/** Slots of Lua's stack that must be free to go into a table. */
const NEEDED_SLOTS = 3;
/** The length of a table that is no array. */
const NONE = -1;

/** The document of a value, which may have so many bytes; throws LibraryError where JSON has nothing for it. */
export function encodeJson(value: LuaValue, settings: EncoderSettings, mostBytes: number = LONGEST_STRING): string {
  return new Encoder(settings, mostBytes).encode(value);
}

class Encoder {
  readonly #settings: EncoderSettings;
  readonly #mostBytes: number;
  /** Integers below this are written digit by digit. */
  readonly #firstLarge: number;
  /** What was taken out of the buffer, with the long strings in it. */
  #text = "";
  /** How far the buffer is full. */
  #at = 0;
  /** Long strings, and at which place of the buffer each belongs. */
  readonly #inserts: string[] = [];
  readonly #insertPlaces: number[] = [];
  #insertedBytes = 0;

  constructor(settings: EncoderSettings, mostBytes: number) {
    this.#settings = settings;
    this.#mostBytes = mostBytes;
    this.#firstLarge = Math.min(10 ** settings.numberPrecision, INT_MAX);
  }

  encode(value: LuaValue): string {
    let frame: Frame | null = null;
    for (;;) {
      if (this.#at > BUFFER_BYTES - ENTRY_BYTES) this.#empty();
      if (typeof value === "string") {
        this.#string(value);
      } else if (typeof value === "number") {
        this.#number(value);
      } else if (value instanceof LuaTable) {
        frame = this.#open(value, frame);
        bytes[this.#at++] = frame.walk === null ? OPEN_BRACKET : OPEN_BRACE;
      } else {
        this.#word(value);
      }
      // The next value is the next one of its table, or of the one around it, if there is none.
      for (;;) {
        if (frame === null) return this.#finish();
        const { table, walk, count }: Frame = frame;
        if (walk === null ? count < frame.length : walk.step()) {
          if (count > 0) bytes[this.#at++] = COMMA;
          frame.count = count + 1;
          if (walk === null) {
            value = count < table.array.length ? table.array[count] : table.get(count + 1);
          } else {
            this.#key(walk.key);
            value = walk.value;
          }
          break;
        }
        bytes[this.#at++] = walk === null ? CLOSE_BRACKET : CLOSE_BRACE;
        frame = frame.parent;
      }
    }
  }

  /** Goes into a table. */
  #open(table: LuaTable, parent: Frame | null): Frame {
    const depth = parent === null ? 1 : parent.depth + 1;
    const slots = parent === null ? 1 : parent.slots + (parent.walk === null ? 1 : 2);
    if (depth > this.#settings.encodeMaxDepth || slots + NEEDED_SLOTS > MOST_SLOTS) {
      throw new LibraryError(`Cannot serialise, excessive nesting (${depth})`);
    }
    const length = this.#lengthOf(table);
    return { table, walk: length === NONE ? new TableWalk(table) : null, length, count: 0, parent, depth, slots };
  }

  /**
   * The largest key of a table if all its keys are positive integers, and it has no more gaps than it may. It has to be an
   * `int` of C. If it is not, lua-cjson makes an object of the table, unless it comes upon a smaller key thereafter: then it
   * forgets the larger ones, which it does not here.
   */
  #lengthOf(table: LuaTable): number {
    let largest = table.array.length;
    let values = 0;
    if (table.fields !== null) {
      const walk = new TableWalk(table);
      for (; walk.stepIn(table.fields); values++) {
        const { key } = walk;
        if (typeof key !== "number" || key <= 0 || key > INT_MAX || Math.floor(key) !== key) return NONE;
        largest = Math.max(largest, key);
      }
    }
    if (largest === 0) return NONE;
    return largest > this.#settings.sparseSafe && this.#isSparse(table, largest, values) ? NONE : largest;
  }

  /** Whether an array has too many gaps; `values` is how many values it has besides those in `array`. */
  #isSparse(table: LuaTable, length: number, values: number): boolean {
    const { sparseConvert, sparseRatio } = this.#settings;
    let all = values;
    for (const value of table.array) if (value !== undefined) all++;
    // The product, too, is an `int`.
    if (sparseRatio === 0 || length <= Math.imul(all, sparseRatio)) return false;
    if (!sparseConvert) throw new LibraryError("Cannot serialise table: excessively sparse array");
    return true;
  }

  /** Writes a key and its colon. */
  #key(key: LuaValue): void {
    if (typeof key === "string") {
      this.#string(key);
    } else if (typeof key === "number") {
      bytes[this.#at++] = QUOTE;
      this.#number(key);
      bytes[this.#at++] = QUOTE;
    } else {
      throw new LibraryError(`Cannot serialise ${typeName(key)}: table key must be a number or string`);
    }
    bytes[this.#at++] = COLON;
  }

  #word(value: LuaValue): void {
    if (value === true) this.#plain("true");
    else if (value === false) this.#plain("false");
    else if (value === undefined || value === JSON_NULL) this.#plain("null");
    else throw new LibraryError(`Cannot serialise ${typeName(value)}: type not supported`);
  }

  #string(text: string): void {
    const { length } = text;
    if (length > SHORT_CHARS && (length > SHORT_WITH_SLASHES || !text.includes("/"))) return this.#longString(text);
    let at = this.#at;
    bytes[at++] = QUOTE;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      const letter = ESCAPES[code];
      if (letter === 0) bytes[at++] = code;
      else at = writeEscape(at, code, letter);
    }
    bytes[at++] = QUOTE;
    this.#at = at;
  }

  #longString(text: string): void {
    bytes[this.#at++] = QUOTE;
    for (let start = 0; start < text.length; start += PIECE_CHARS) {
      const piece = escaped(text.slice(start, start + PIECE_CHARS));
      this.#inserts.push(piece);
      this.#insertPlaces.push(this.#at);
      this.#insertedBytes += piece.length;
      this.#checkLength();
    }
    bytes[this.#at++] = QUOTE;
  }

  #number(value: number): void {
    if (value < this.#firstLarge && value > -this.#firstLarge && Math.trunc(value) === value && !Object.is(value, -0)) {
      this.#integer(value);
    } else if (Number.isFinite(value)) {
      const end = this.#settings.numberPrecision === USUAL_PRECISION ? writeShortDecimal(bytes, this.#at, value) : -1;
      if (end >= 0) this.#at = end;
      else this.#plain(formatGeneral(value, this.#settings.numberPrecision));
    } else {
      this.#plain(this.#invalidNumber(value));
    }
  }

  /** Writes an integer of 32 bits. */
  #integer(value: number): void {
    let rest = value | 0;
    if (rest < 0) {
      bytes[this.#at++] = MINUS;
      rest = -rest;
    }
    let at = this.#at + 1;
    for (let bound = 10; rest >= bound; bound *= 10) at++;
    this.#at = at;
    do {
      const quotient = (rest / 10) | 0;
      bytes[--at] = ZERO + rest - quotient * 10;
      rest = quotient;
    } while (rest > 0);
  }

  #invalidNumber(value: number): string {
    const setting = this.#settings.encodeInvalidNumbers;
    if (setting === "null") return setting;
    if (!setting) throw new LibraryError("Cannot serialise number: must not be NaN or Inf");
    return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
  }

  /** Writes a short text in which nothing needs to be escaped. */
  #plain(text: string): void {
    let at = this.#at;
    for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i);
    this.#at = at;
  }

  #finish(): string {
    this.#empty();
    return this.#text;
  }

  /** Takes all out of the buffer, and puts the long strings between. */
  #empty(): void {
    this.#checkLength();
    const whole = buffer.toString("latin1", 0, this.#at);
    let text = this.#text;
    let start = 0;
    for (let i = 0; i < this.#inserts.length; i++) {
      const place = this.#insertPlaces[i];
      text += whole.slice(start, place);
      text += this.#inserts[i];
      start = place;
    }
    this.#text = text + whole.slice(start);
    this.#at = 0;
    this.#inserts.length = 0;
    this.#insertPlaces.length = 0;
    this.#insertedBytes = 0;
  }

  #checkLength(): void {
    const length = this.#text.length + this.#insertedBytes + this.#at;
    if (length > this.#mostBytes) throw new LibraryError("not enough memory");
  }
}

/** Writes an escape into the buffer, and gives where it ends. */
function writeEscape(start: number, code: number, letter: number): number {
  let at = start;
  bytes[at++] = BACKSLASH;
  bytes[at++] = letter;
  if (letter !== LOWER_U) return at;
  const low = code & 15;
  bytes[at++] = ZERO;
  bytes[at++] = ZERO;
  bytes[at++] = ZERO + (code >> 4);
  bytes[at++] = low < 10 ? ZERO + low : LOWER_A + low - 10;
  return at;
}

/** A text with its escapes: JavaScript's own, and those that it has not. The result is in one piece. */
function escaped(text: string): string {
  let json = JSON.stringify(text).slice(1, -1);
  if (json.includes("/")) json = json.replaceAll("/", "\\/");
  if (json.includes("\x7f")) json = json.replaceAll("\x7f", "\\u007f");
  return json;
}
