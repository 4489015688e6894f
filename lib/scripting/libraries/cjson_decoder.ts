/**
 * Reads JSON. What is nested it goes through with a stack of its own, so that no depth is too much for it. A token that does
 * not belong where it stands is read to its end before the error is made, for if there is something wrong with it, then
 * that is the error.
 */

import { hexDigit } from "../../bytes/quoting.ts";
import { LibraryError } from "../lua/errors.ts";
import { LuaTable, type LuaValue } from "../lua/values.ts";
import {
  BACKSLASH,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  JSON_NULL,
  LOWER_E,
  LOWER_F,
  LOWER_N,
  LOWER_T,
  LOWER_U,
  LOWER_X,
  MINUS,
  NINE,
  OPEN_BRACE,
  OPEN_BRACKET,
  PLUS,
  POINT,
  QUOTE,
  ZERO,
} from "./cjson_common.ts";
import { readNumber } from "./cjson_numbers.ts";
import { MOST_SLOTS } from "../lua/stack.ts";

export interface DecoderSettings {
  /** How deep tables may be nested. */
  readonly decodeMaxDepth: number;
  /** Whether all is a number that C takes for one: infinite ones, NaN, hexadecimal ones, leading zeros and plus signs. */
  readonly decodeInvalidNumbers: boolean;
}

/** A table that is being read. */
interface Level {
  readonly table: LuaTable;
  /** The key that the next value is for; null in an array. */
  key: string | null;
  readonly parent: Level | null;
  readonly depth: number;
  /** Values on Lua's stack, were this written in C, with this table and its key not counted. */
  readonly slots: number;
}

/** Slots of Lua's stack that must be free to go into an object or an array. */
const OBJECT_SLOTS = 3;
const ARRAY_SLOTS = 2;
const SPACE = 0x20;
const TAB = 0x09;
const LINE_FEED = 0x0a;
const RETURN = 0x0d;
/** What makes a letter lower case. */
const CASE_BIT = 0x20;

/** Names of tokens that are no values, by their first character. */
const PUNCTUATION: Readonly<Record<string, string>> = {
  "": "T_END",
  "{": "T_OBJ_BEGIN",
  "}": "T_OBJ_END",
  "[": "T_ARR_BEGIN",
  "]": "T_ARR_END",
  ":": "T_COLON",
  ",": "T_COMMA",
};

/** What stands for itself or another behind a backslash. */
const ESCAPES: ReadonlyMap<number, string> = new Map(
  [['"', '"'], ["\\", "\\"], ["/", "/"], ["b", "\b"], ["f", "\f"], ["n", "\n"], ["r", "\r"], ["t", "\t"]]
    .map(([letter, meaning]) => [letter.charCodeAt(0), meaning]),
);

/** Digits of which the double that they are, and their quotient by a power of ten, are exact or rounded once. */
const MOST_EXACT_DIGITS = 15;
const POWERS_OF_TEN = Array.from({ length: MOST_EXACT_DIGITS + 1 }, (_, power) => 10 ** power);
/** What would be an invalid number of those that begin like a valid one. */
const INVALID_NUMBER = /-?(?:0[\dx]|inf|nan)/iy;
const NAMED_NUMBER = /inf|nan/iy;

/** Pieces of a string that are put together at a time. */
const MOST_PIECES = 4096;

// Objects have the same keys again and again. A key that is a string already known has its hash with it, which a table
// would have to find out else: that takes longer than all the rest.
const KEY_SLOTS = 512;
const LONGEST_KNOWN_KEY = 32;
/** In a document with more new keys than this there are hardly any twice. */
const MOST_NEW_KEYS = 512;
const knownKeys: string[] = new Array(KEY_SLOTS).fill("");
/** A key may be a part of its document, and keep all of it in memory. Those of longer ones than this are forgotten. */
const MOST_KEPT_CHARS = 1 << 14;

/** The value of a document; throws LibraryError if it is none. */
export function decodeJson(text: string, settings: DecoderSettings): LuaValue {
  if (text.length >= 2 && (text.charCodeAt(0) === 0 || text.charCodeAt(1) === 0)) {
    throw new LibraryError("JSON parser does not support UTF-16 or UTF-32");
  }
  // To C a string ends at its first NUL.
  const nul = text.indexOf("\0");
  const decoder = new Decoder(nul < 0 ? text : text.slice(0, nul), settings);
  if (text.length <= MOST_KEPT_CHARS) return decoder.decode();
  try {
    return decoder.decode();
  } finally {
    knownKeys.fill("");
  }
}

class Decoder {
  readonly #text: string;
  readonly #settings: DecoderSettings;
  /** How far the text is read. */
  #at = 0;
  /** The first backslash that is not before the last string read; the length of the text if there is none. */
  #escape = -1;
  /** Keys that were not known. */
  #newKeys = 0;

  constructor(text: string, settings: DecoderSettings) {
    this.#text = text;
    this.#settings = settings;
  }

  decode(): LuaValue {
    const text = this.#text;
    let level: Level | null = null;
    for (;;) {
      let value: LuaValue;
      let code = text.charCodeAt(this.#at);
      if (code <= SPACE) code = this.#skipSpace();
      if (code === OPEN_BRACE || code === OPEN_BRACKET) {
        level = this.#open(code, level);
        if (this.#skipSpace() !== (code === OPEN_BRACE ? CLOSE_BRACE : CLOSE_BRACKET)) {
          if (code === OPEN_BRACE) level.key = this.#key();
          continue;
        }
        this.#at++;
        value = level.table;
        level = level.parent;
      } else {
        value = this.#scalar(code, "value");
      }
      // The value is whole. If it is the last one of its table, then that is, too.
      for (;;) {
        if (level === null) return this.#ended(value);
        const { table, key }: Level = level;
        if (key === null) table.array.push(value);
        else table.add(key, value);
        code = text.charCodeAt(this.#at);
        if (code <= SPACE) code = this.#skipSpace();
        if (code === COMMA) {
          this.#at++;
          if (key !== null) level.key = this.#key();
          break;
        }
        if (code !== (key === null ? CLOSE_BRACKET : CLOSE_BRACE)) {
          throw this.#unexpected(key === null ? "comma or array end" : "comma or object end");
        }
        this.#at++;
        value = table;
        level = level.parent;
      }
    }
  }

  /** Goes into a table. */
  #open(code: number, parent: Level | null): Level {
    const depth = parent === null ? 1 : parent.depth + 1;
    const slots = parent === null ? 1 : parent.slots + (parent.key === null ? 1 : 2);
    const needed = code === OPEN_BRACE ? OBJECT_SLOTS : ARRAY_SLOTS;
    if (depth > this.#settings.decodeMaxDepth || slots + needed > MOST_SLOTS) {
      throw new LibraryError(`Found too many nested data structures (${depth}) at character ${this.#at + 1}`);
    }
    this.#at++;
    return { table: new LuaTable(), key: null, parent, depth, slots };
  }

  /** The value of the document, if that ends here. */
  #ended(value: LuaValue): LuaValue {
    this.#skipSpace();
    if (this.#at < this.#text.length) throw this.#unexpected("the end");
    return value;
  }

  /**
   * The next character that is no white space; NaN at the end. Whoever calls this often looks first whether there may be
   * any: to call it each time takes Bun a fifth longer for a whole document.
   */
  #skipSpace(): number {
    const text = this.#text;
    for (;;) {
      const code = text.charCodeAt(this.#at);
      if (code !== SPACE && code !== LINE_FEED && code !== RETURN && code !== TAB) return code;
      this.#at++;
    }
  }

  /** A key and the colon behind it. */
  #key(): string {
    const text = this.#text;
    let code = text.charCodeAt(this.#at);
    if (code <= SPACE) code = this.#skipSpace();
    if (code !== QUOTE) throw this.#unexpected("object key string");
    const start = this.#at + 1;
    const end = text.indexOf('"', start);
    if (this.#escape < start) this.#findEscape(start);
    let key: string;
    if (end < 0 || end > this.#escape) {
      key = this.#escaped(start, end, "object key string");
    } else {
      this.#at = end + 1;
      key = this.#newKeys > MOST_NEW_KEYS ? text.slice(start, end) : this.#knownKey(start, end);
    }
    code = text.charCodeAt(this.#at);
    if (code <= SPACE) code = this.#skipSpace();
    if (code !== COLON) throw this.#unexpected("colon");
    this.#at++;
    return key;
  }

  /** A part of the text, as the string that it was before if it is known. */
  #knownKey(start: number, end: number): string {
    const text = this.#text;
    const length = end - start;
    if (length === 0 || length > LONGEST_KNOWN_KEY) return text.slice(start, end);
    // Keys with a number at their end are all to have a slot of their own.
    const last = (text.charCodeAt(end - 3) * 10 + text.charCodeAt(end - 2)) * 10 + text.charCodeAt(end - 1);
    const slot = (text.charCodeAt(start) * 7 + last + length * 31) % KEY_SLOTS;
    const known = knownKeys[slot];
    if (known.length === length && text.startsWith(known, start)) return known;
    this.#newKeys++;
    return knownKeys[slot] = text.slice(start, end);
  }

  /** A value that is no table. `expected` is what the document should have here, for errors. */
  #scalar(code: number, expected: string): LuaValue {
    if (code === QUOTE) return this.#string(expected);
    if ((code >= ZERO && code <= NINE) || code === MINUS) return this.#number(code, expected);
    if (code === LOWER_T && this.#skipped("true")) return true;
    if (code === LOWER_F && this.#skipped("false")) return false;
    if (code === LOWER_N && this.#skipped("null")) return JSON_NULL;
    if (this.#settings.decodeInvalidNumbers) {
      NAMED_NUMBER.lastIndex = this.#at;
      if (code === PLUS || NAMED_NUMBER.test(this.#text)) return this.#otherNumber(this.#at, expected);
    }
    throw this.#error(expected, PUNCTUATION[this.#text.charAt(this.#at)] ?? "invalid token", this.#at);
  }

  #skipped(word: string): boolean {
    if (!this.#text.startsWith(word, this.#at)) return false;
    this.#at += word.length;
    return true;
  }

  #string(expected: string): string {
    const text = this.#text;
    const start = this.#at + 1;
    const end = text.indexOf('"', start);
    if (this.#escape < start) this.#findEscape(start);
    if (end < 0 || end > this.#escape) return this.#escaped(start, end, expected);
    this.#at = end + 1;
    return text.slice(start, end);
  }

  #findEscape(start: number): void {
    const escape = this.#text.indexOf("\\", start);
    this.#escape = escape < 0 ? this.#text.length : escape;
  }

  /** A string in which there are escapes; `quote` is the next one. */
  #escaped(start: number, quote: number, expected: string): string {
    const text = this.#text;
    let whole = "";
    let pieces: string[] = [];
    this.#at = start;
    while (quote < 0 || this.#escape < quote) {
      if (this.#escape === text.length) throw this.#error(expected, "unexpected end of string", text.length);
      pieces.push(text.slice(this.#at, this.#escape), this.#meaning(expected));
      if (quote >= 0 && quote < this.#at) quote = text.indexOf('"', this.#at);
      this.#findEscape(this.#at);
      if (pieces.length >= MOST_PIECES) {
        whole += pieces.join("");
        pieces = [];
      }
    }
    pieces.push(text.slice(this.#at, quote));
    this.#at = quote + 1;
    return whole + pieces.join("");
  }

  /** What the next escape stands for; goes behind it. */
  #meaning(expected: string): string {
    const at = this.#escape;
    const code = this.#text.charCodeAt(at + 1);
    const plain = ESCAPES.get(code);
    if (plain !== undefined) {
      this.#at = at + 2;
      return plain;
    }
    if (code !== LOWER_U) throw this.#error(expected, "invalid escape code", at);
    let point = this.#codeUnit(at);
    this.#at = at + 6;
    if (point >= 0xd800 && point < 0xdc00) {
      const low = this.#codeUnit(this.#at);
      point = low >= 0xdc00 && low < 0xe000 ? 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00) : NaN;
      this.#at += 6;
    } else if (point >= 0xdc00 && point < 0xe000) {
      point = NaN;
    }
    if (Number.isNaN(point)) throw this.#error(expected, "invalid unicode escape code", at);
    return utf8(point);
  }

  /** The number of four hexadecimal digits after `\u`; NaN if there are none. */
  #codeUnit(at: number): number {
    const text = this.#text;
    if (text.charCodeAt(at) !== BACKSLASH || text.charCodeAt(at + 1) !== LOWER_U) return NaN;
    let unit = 0;
    for (let i = at + 2; i < at + 6; i++) {
      const digit = hexDigit(text.charCodeAt(i));
      if (digit < 0) return NaN;
      unit = unit * 16 + digit;
    }
    return unit;
  }

  /** A number as most are: few digits, perhaps with a point among them. */
  #number(code: number, expected: string): number {
    const text = this.#text;
    const start = this.#at;
    let at = start;
    const isNegative = code === MINUS;
    if (isNegative) code = text.charCodeAt(++at);
    const first = at;
    let value = 0;
    for (; code >= ZERO && code <= NINE; code = text.charCodeAt(++at)) value = value * 10 + (code - ZERO);
    let digits = at - first;
    const hasLeadingZero = digits > 1 && text.charCodeAt(first) === ZERO;
    let decimals = 0;
    if (code === POINT) {
      for (code = text.charCodeAt(++at); code >= ZERO && code <= NINE; code = text.charCodeAt(++at)) {
        value = value * 10 + (code - ZERO);
        decimals++;
      }
      digits += decimals;
    }
    const letter = code | CASE_BIT;
    if (letter === LOWER_X || digits === 0 || hasLeadingZero) return this.#otherNumber(start, expected);
    const end = letter === LOWER_E ? this.#endOfExponent(at) : at;
    if (end !== at || digits > MOST_EXACT_DIGITS) value = Number(text.slice(first, end));
    else if (decimals > 0) value /= POWERS_OF_TEN[decimals];
    this.#at = end;
    return isNegative ? -value : value;
  }

  /** The end of an exponent that begins here; if it has no digits, it is none. */
  #endOfExponent(start: number): number {
    const text = this.#text;
    let at = start + 1;
    let code = text.charCodeAt(at);
    if (code === PLUS || code === MINUS) code = text.charCodeAt(++at);
    if (!(code >= ZERO && code <= NINE)) return start;
    while (code >= ZERO && code <= NINE) code = text.charCodeAt(++at);
    return at;
  }

  /** Any number, or what should have been one. */
  #otherNumber(start: number, expected: string): number {
    const text = this.#text;
    INVALID_NUMBER.lastIndex = start;
    const isInvalid = !this.#settings.decodeInvalidNumbers && INVALID_NUMBER.test(text);
    const read = isInvalid ? null : readNumber(text, start);
    if (read === null) throw this.#error(expected, "invalid number", start);
    this.#at = read.end;
    return read.value;
  }

  /** The error of a token that does not belong where it stands, if there is nothing else wrong with it. */
  #unexpected(expected: string): LibraryError {
    const start = this.#at;
    const value = this.#scalar(this.#text.charCodeAt(start), expected);
    const token = value === JSON_NULL ? "NULL" : (typeof value).toUpperCase();
    return this.#error(expected, `T_${token}`, start);
  }

  #error(expected: string, found: string, at: number): LibraryError {
    return new LibraryError(`Expected ${expected} but found ${found} at character ${at + 1}`);
  }
}

/** The bytes of a code point. */
function utf8(point: number): string {
  if (point < 0x80) return String.fromCharCode(point);
  const last = 0x80 | (point & 0x3f);
  if (point < 0x800) return String.fromCharCode(0xc0 | (point >> 6), last);
  const before = 0x80 | ((point >> 6) & 0x3f);
  if (point < 0x10000) return String.fromCharCode(0xe0 | (point >> 12), before, last);
  return String.fromCharCode(0xf0 | (point >> 18), 0x80 | ((point >> 12) & 0x3f), before, last);
}
