/**
 * Splits the source of a script into tokens (Lua 5.1 reference manual, 2.1). The source is a string of bytes. Messages are
 * those of Lua's own lexer, as scripts and their authors know them.
 */

import { LuaError } from "./errors.ts";
import { parseNumber } from "./numbers.ts";

/** Words with a meaning of their own, and symbols of more than one character: their kinds are themselves. */
const RESERVED = new Set(
  ("and break do else elseif end false for function if in local nil not or repeat return then true until while").split(
    " ",
  ),
);
const SYMBOLS = ["...", "..", "==", ">=", "<=", "~="];

/** Kinds of tokens that have a value; every other token's kind is its text. */
export const NAME = "<name>";
export const NUMBER = "<number>";
export const STRING = "<string>";
export const END_OF_SOURCE = "<eof>";

const ESCAPES: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};
const MOST_BYTE = 255;
const BYTE_DIGITS = 3;
const FIRST_PRINTABLE = 32;

const SPACE = /[ \t\v\f]+/y;
const WORD = /[A-Za-z_][A-Za-z0-9_]*/y;
/** What may belong to a number, be it well formed or not. */
const NUMERAL = /[0-9.]+(?:[eE][+-]?)?[A-Za-z0-9_]*/y;
const PLAIN_TEXT = /[^\\\r\n"']+/y;
const LONG_BRACKET = /\[=*/y;

export class Lexer {
  /** The token at hand: its kind, and the text or number that it is. */
  kind: string = END_OF_SOURCE;
  text = "";
  number = 0;
  /** A string as messages show it. */
  #shownString = "";
  /** Where it stands, and where the one before did. */
  line = 1;
  lastLine = 1;
  #at = 0;
  /** The token after the one at hand, if somebody has looked. */
  #ahead: { readonly kind: string; readonly text: string; readonly number: number } | null = null;

  /** `chunk`: what errors call the source. */
  constructor(readonly source: string, readonly chunk: string) {
    if (source[0] === "#") this.#at = endOfLine(source, 0);
    this.next();
  }

  /** Goes on to the next token. */
  next(): void {
    this.lastLine = this.line;
    const ahead = this.#ahead;
    if (ahead === null) {
      this.kind = this.#read();
      return;
    }
    this.#ahead = null;
    ({ kind: this.kind, text: this.text, number: this.number } = ahead);
  }

  /** The kind of the token after the one at hand. */
  peek(): string {
    if (this.#ahead === null) {
      const { text, number } = this;
      const kind = this.#read();
      this.#ahead = { kind, text: this.text, number: this.number };
      this.text = text;
      this.number = number;
    }
    return this.#ahead.kind;
  }

  /** The error of a source that is none; it names the token at hand. */
  error(message: string): LuaError {
    return this.#errorNear(message, this.#shown());
  }

  #errorNear(message: string, near: string | null): LuaError {
    const [shown] = near?.split("\0", 1) ?? []; // C sees its end there
    return new LuaError(`${this.chunk}:${this.line}: ${message}${shown === undefined ? "" : ` near '${shown}'`}`);
  }

  #shown(): string {
    const { kind, text } = this;
    if (kind === STRING) return this.#shownString;
    return kind === NAME || kind === NUMBER ? text : shownSymbol(kind);
  }

  #read(): string {
    const { source } = this;
    for (;;) {
      const char = source[this.#at];
      switch (char) {
        case undefined:
          return END_OF_SOURCE;
        case "\n":
        case "\r":
          this.#skipLineEnd();
          break;
        case " ":
        case "\t":
        case "\v":
        case "\f":
          this.#match(SPACE);
          break;
        case "-":
          if (source[this.#at + 1] !== "-") return this.#take("-");
          this.#skipComment();
          break;
        case "[":
          return this.#readBracket();
        case '"':
        case "'":
          return this.#readString(char);
        default:
          return this.#readOther(char);
      }
    }
  }

  #readOther(char: string): string {
    const { source } = this;
    if (isDigit(char) || (char === "." && isDigit(source[this.#at + 1]))) return this.#readNumber();
    const word = this.#match(WORD);
    if (word !== "") {
      this.text = word;
      return RESERVED.has(word) ? word : NAME;
    }
    for (const symbol of SYMBOLS) if (source.startsWith(symbol, this.#at)) return this.#take(symbol);
    return this.#take(char);
  }

  #take(symbol: string): string {
    this.#at += symbol.length;
    return symbol;
  }

  /** What stands here of a pattern; "" if nothing does. */
  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.source)?.[0] ?? "";
    this.#at += found.length;
    return found;
  }

  /** `\r\n` and `\n\r` are the end of one line. */
  #skipLineEnd(): void {
    const [first, second] = [this.source[this.#at], this.source[this.#at + 1]];
    this.#at += (second === "\n" || second === "\r") && first !== second ? 2 : 1;
    this.line++;
  }

  #skipComment(): void {
    this.#at += 2;
    if (this.source[this.#at] === "[") {
      const level = this.#longBracket();
      if (level >= 0) return void this.#readLong(level, "comment");
    }
    this.#at = endOfLine(this.source, this.#at);
  }

  /** Takes the beginning of a long bracket, and gives its level; less than 0, and takes nothing, where there is none. */
  #longBracket(): number {
    LONG_BRACKET.lastIndex = this.#at;
    const opening = LONG_BRACKET.exec(this.source)?.[0] ?? "";
    if (this.source[this.#at + opening.length] !== "[") return -opening.length;
    this.#at += opening.length + 1;
    return opening.length - 1;
  }

  #readBracket(): string {
    const level = this.#longBracket();
    if (level >= 0) {
      this.#readLong(level, "string");
      return STRING;
    }
    if (level === -1) return this.#take("[");
    throw this.#errorNear("invalid long string delimiter", this.source.slice(this.#at, this.#at - level));
  }

  /** What stands between long brackets, less a line's end at its beginning. */
  #readLong(level: number, what: string): void {
    const { source } = this;
    if (/[\r\n]/.test(source[this.#at] ?? "")) this.#skipLineEnd();
    const closing = `]${"=".repeat(level)}]`;
    let text = "";
    for (let from = this.#at;;) {
      const char = source[this.#at];
      if (char === undefined) throw this.#errorNear(`unfinished long ${what}`, END_OF_SOURCE);
      if (char === "\n" || char === "\r") {
        text += `${source.slice(from, this.#at)}\n`;
        this.#skipLineEnd();
        from = this.#at;
      } else if (char === "]" && source.startsWith(closing, this.#at)) {
        this.text = text + source.slice(from, this.#at);
        this.#shownString = `[${"=".repeat(level)}[${this.text}${closing}`;
        this.#at += closing.length;
        return;
      } else {
        this.#at++;
      }
    }
  }

  #readString(quote: string): string {
    const { source } = this;
    this.#at++;
    let text = "";
    for (;;) {
      text += this.#match(PLAIN_TEXT);
      const char = source[this.#at];
      if (char === undefined) throw this.#errorNear("unfinished string", END_OF_SOURCE);
      if (char === "\n" || char === "\r") throw this.#errorNear("unfinished string", quote + text);
      this.#at++;
      if (char === quote) {
        this.text = text;
        this.#shownString = quote + text + quote;
        return STRING;
      }
      text += char === "\\" ? this.#readEscape(quote + text) : char;
    }
  }

  /** The character that is written behind a backslash. */
  #readEscape(before: string): string {
    const { source } = this;
    const char = source[this.#at];
    if (char === undefined) return ""; // told of by whoever reads on
    if (char === "\n" || char === "\r") {
      this.#skipLineEnd();
      return "\n";
    }
    if (!isDigit(char)) {
      this.#at++;
      return ESCAPES[char] ?? char;
    }
    let digits = "";
    while (digits.length < BYTE_DIGITS && isDigit(source[this.#at])) digits += source[this.#at++];
    if (Number(digits) > MOST_BYTE) throw this.#errorNear("escape sequence too large", before);
    return String.fromCharCode(Number(digits));
  }

  #readNumber(): string {
    const text = this.text = this.#match(NUMERAL);
    const number = parseNumber(text);
    if (number === undefined) throw this.#errorNear("malformed number", text);
    this.number = number;
    return NUMBER;
  }
}

/** A kind of token as messages show it. */
export function shownSymbol(kind: string): string {
  const code = kind.charCodeAt(0);
  return kind.length === 1 && code < FIRST_PRINTABLE ? `char(${code})` : kind;
}

function endOfLine(source: string, from: number): number {
  for (let at = from; at < source.length; at++) if (source[at] === "\n" || source[at] === "\r") return at;
  return source.length;
}

function isDigit(char: string | undefined): boolean {
  return char !== undefined && char >= "0" && char <= "9";
}
