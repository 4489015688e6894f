/**
 * Reads JSON. What is nested it goes through with a stack of its own, so that no depth is too much for it. A token that does
 * not belong where it stands is read to its end before the error is made, for if there is something wrong with it, then
 * that is the error.
 */

import { hexDigit } from "../../bytes/quoting.ts";
import { LibraryError } from "../lua/errors.ts";
import { TextBuilder } from "../lua/text_builder.ts";
import { asKey } from "../lua/text_cache.ts";
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
  /** That key; of an array, and before the first key, that of which this is the value. */
  known: KnownKey;
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

/** What stands for itself or another behind a backslash, by its code. */
const ESCAPES: (string | undefined)[] = new Array(128).fill(undefined);
for (const [letter, meaning] of ['""', "\\\\", "//", "b\b", "f\f", "n\n", "r\r", "t\t"]) {
  ESCAPES[letter.charCodeAt(0)] = meaning;
}

/** Digits of which the double that they are, and their quotient by a power of ten, are exact or rounded once. */
const MOST_EXACT_DIGITS = 15;
const POWERS_OF_TEN = Array.from({ length: MOST_EXACT_DIGITS + 1 }, (_, power) => 10 ** power);
/** What would be an invalid number of those that begin like a valid one. */
const INVALID_NUMBER = /-?(?:0[\dx]|inf|nan)/iy;
const NAMED_NUMBER = /inf|nan/iy;

/** A key that was read before, and what came behind it, as objects have the same keys in the same order again and again. */
class KnownKey {
  /** The key behind it in its object. */
  next: KnownKey | null = null;
  /** The first key of the object that was its value, or in it. */
  first: KnownKey | null = null;

  #wasUsed = false;

  constructor(public text: string) {}

  /** The text where it comes again: from then on the same string as in scripts, which are quick to compare. */
  again(): string {
    if (!this.#wasUsed) {
      this.#wasUsed = true;
      this.text = asKey(this.text);
    }
    return this.text;
  }
}

const KEY_SLOTS = 512;
const LONGEST_KNOWN_KEY = 32;
/** In a document with more new keys than this there are hardly any twice. */
const MOST_NEW_KEYS = 512;
const knownKeys: (KnownKey | null)[] = new Array(KEY_SLOTS).fill(null);
/** Known keys are forgotten once there are so many, as those that have lost their slot may stand behind others. */
const MOST_KNOWN_KEYS = 1024;
let keysMade = 0;
/** Stands for the document as a whole, and for keys that are not kept. */
const ROOT = new KnownKey("");
const OTHER = new KnownKey("");
/** A key may be a part of its document, and keep all of it in memory. Those of longer ones than this are forgotten. */
const MOST_KEPT_CHARS = 1 << 14;
/** The end of a string is looked for character by character so far: to call the runtime takes longer. */
const NEAR_CHARS = 16;

function forgetKeys(): void {
  knownKeys.fill(null);
  keysMade = 0;
  ROOT.first = OTHER.first = OTHER.next = null;
}

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
    forgetKeys();
  }
}

class Decoder {
  readonly #text: string;
  readonly #settings: DecoderSettings;
  /** How far the text is read. */
  #at = 0;
  /** The first quote, and the first backslash, that were looked for; the length of the text if there is none. */
  #quote = -1;
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
          if (code === OPEN_BRACE) level.key = this.#key(level, true);
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
          if (key !== null) level.key = this.#key(level, false);
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
    return { table: new LuaTable(), key: null, known: parent === null ? ROOT : parent.known, parent, depth, slots };
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
  #key(level: Level, isFirst: boolean): string {
    const text = this.#text;
    let code = text.charCodeAt(this.#at);
    if (code <= SPACE) code = this.#skipSpace();
    if (code !== QUOTE) throw this.#unexpected("object key string");
    const before = level.known;
    const expected = isFirst ? before.first : before.next;
    let key: string;
    if (expected !== null && this.#skippedKey(expected.text)) {
      level.known = expected;
      key = expected.again();
    } else {
      const start = this.#at + 1;
      key = this.#string("object key string");
      // One with escapes in it would be found where those are not.
      const known = this.#at - 1 === start + key.length ? this.#known(key) : OTHER;
      level.known = known;
      if (isFirst) before.first = known;
      else before.next = known;
      if (known !== OTHER) key = known.text;
    }
    code = text.charCodeAt(this.#at);
    if (code <= SPACE) code = this.#skipSpace();
    if (code !== COLON) throw this.#unexpected("colon");
    this.#at++;
    return key;
  }

  /** What is known of a key. */
  #known(key: string): KnownKey {
    const { length } = key;
    if (length === 0 || length > LONGEST_KNOWN_KEY || this.#newKeys > MOST_NEW_KEYS) return OTHER;
    // Keys with a number at their end are all to have a slot of their own.
    const digits = (key.charCodeAt(length - 3) * 10 + key.charCodeAt(length - 2)) * 10 + key.charCodeAt(length - 1);
    const end = Number.isNaN(digits) ? key.charCodeAt(length - 1) : digits; // of less than three characters
    const slot = (key.charCodeAt(0) * 7 + end + length * 31) % KEY_SLOTS;
    const known = knownKeys[slot];
    if (known !== null && known.text === key) {
      known.again();
      return known;
    }
    this.#newKeys++;
    if (++keysMade > MOST_KNOWN_KEYS) forgetKeys();
    return knownKeys[slot] = new KnownKey(key);
  }

  /** Goes behind a key and its quotes, if it is here. */
  #skippedKey(key: string): boolean {
    const text = this.#text;
    const start = this.#at + 1;
    const { length } = key;
    for (let i = 0; i < length; i++) if (text.charCodeAt(start + i) !== key.charCodeAt(i)) return false;
    if (text.charCodeAt(start + length) !== QUOTE) return false;
    this.#at = start + length + 1;
    return true;
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
    const end = this.#endOfPlain(start);
    if (text.charCodeAt(end) !== QUOTE) return this.#escaped(start, end, expected);
    this.#at = end + 1;
    return text.slice(start, end);
  }

  /** The next quote or backslash from a place on; the length of the text if there is none. */
  #endOfPlain(start: number): number {
    const text = this.#text;
    for (let at = start; at < start + NEAR_CHARS; at++) {
      const code = text.charCodeAt(at);
      if (code === QUOTE || code === BACKSLASH) return at;
    }
    if (this.#quote < start) this.#quote = placeIn(text, text.indexOf('"', start));
    if (this.#escape < start) this.#escape = placeIn(text, text.indexOf("\\", start));
    return Math.min(this.#quote, this.#escape);
  }

  /** A string in which there are escapes, the first one at `end`. */
  #escaped(start: number, end: number, expected: string): string {
    const text = this.#text;
    const whole = new TextBuilder();
    this.#at = start;
    for (;;) {
      if (end === text.length) throw this.#error(expected, "unexpected end of string", end);
      whole.addPart(text, this.#at, end);
      if (text.charCodeAt(end) === QUOTE) break;
      whole.add(this.#meaning(expected, end));
      end = this.#endOfPlain(this.#at);
    }
    this.#at = end + 1;
    return whole.finish();
  }

  /** What the escape at a place stands for; goes behind it. */
  #meaning(expected: string, at: number): string {
    const code = this.#text.charCodeAt(at + 1);
    const plain = ESCAPES[code];
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

/** A place that was looked for in a text; the length of that where there is none. */
function placeIn(text: string, found: number): number {
  return found < 0 ? text.length : found;
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
