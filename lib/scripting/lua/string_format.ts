/** `string.format`. What a directive gives is what C's `printf` of the GNU library gives on 64 bits. */

import { formatExponential, formatFixed, formatGeneral, formatGeneralInFull } from "../../bytes/c_numbers.ts";
import { type Arguments, numberArgument, stringArgument, toInteger } from "./arguments.ts";
import { ArgumentError, LibraryError } from "./errors.ts";
import { TextBuilder } from "./text_builder.ts";
import { TextCache } from "./text_cache.ts";
import type { LuaValue } from "./values.ts";

/** A directive of a format, and the text before it. */
interface Directive {
  readonly before: string;
  /** What it converts to; or an error, if it is none. */
  readonly conversion: string;
  readonly fault: string | null;
  readonly isLeft: boolean;
  readonly hasPlus: boolean;
  readonly hasSpace: boolean;
  readonly isAlternate: boolean;
  readonly isZeroPadded: boolean;
  readonly width: number;
  /** -1 if there is none. */
  readonly precision: number;
}

interface Format {
  readonly directives: readonly Directive[];
  readonly after: string;
}

const FLAGS = "-+ #0";
const CONVERSIONS = "cdiouxXeEfgGqs";
/** Digits of a width or precision. */
const MOST_DIGITS = 2;
/** Strings from this length on are taken as they are, whatever the width. */
const LONG_STRING = 100;
const DEFAULT_PRECISION = 6;
const SIGN_BIT = 2 ** 31;
const INTEGER_BITS = 64;
const LEAST_UNSIGNED_ONLY = 2 ** 63;
const UNSIGNED_LIMIT = 2 ** 64;
const ESCAPES: Readonly<Record<string, string>> = {
  "\0": "\\000",
  "\r": "\\r",
  "\n": "\\\n",
  '"': '\\"',
  "\\": "\\\\",
};
const ESCAPED = new RegExp('[\0\r\n"\\\\]', "g");

const FORMATS = new TextCache(parseFormat);

/** `string.format`. */
export function format(...args: LuaValue[]): string {
  const { directives, after } = FORMATS.get(stringArgument(args, 1));
  const result = new TextBuilder();
  let index = 1;
  for (const directive of directives) {
    if (++index > args.length) throw new ArgumentError(index, "no value");
    if (directive.fault !== null) throw new LibraryError(directive.fault);
    if (directive.before !== "") result.add(directive.before);
    result.add(convert(directive, args, index));
  }
  result.add(after);
  return result.finish();
}

function parseFormat(text: string): Format {
  const directives: Directive[] = [];
  let before = "";
  let at = 0;
  for (let percent = text.indexOf("%"); percent >= 0; percent = text.indexOf("%", at)) {
    before += text.slice(at, percent);
    at = percent + 1;
    if (text[at] === "%") {
      before += "%";
      at++;
      continue;
    }
    const [directive, end] = parseDirective(text, at, before);
    directives.push(directive);
    before = "";
    at = end;
    if (directive.fault !== null) break; // what follows is never come to
  }
  return { directives, after: before + text.slice(at) };
}

function parseDirective(text: string, start: number, before: string): [directive: Directive, end: number] {
  let at = start;
  while (at < text.length && FLAGS.includes(text[at])) at++;
  const flags = text.slice(start, at);
  const width = digitsAt(text, at);
  at += width.length;
  const hasPrecision = text[at] === ".";
  if (hasPrecision) at++;
  const precision = hasPrecision ? digitsAt(text, at) : "";
  at += precision.length;
  let fault: string | null = null;
  if (flags.length > FLAGS.length) fault = "invalid format (repeated flags)";
  else if (isDigit(text[at])) fault = "invalid format (width or precision too long)";
  const conversion = text[at] ?? "";
  if (fault === null && (conversion === "" || !CONVERSIONS.includes(conversion))) {
    fault = `invalid option '%${conversion === "\0" ? "" : conversion}' to 'format'`;
  }
  const directive: Directive = {
    before,
    conversion,
    fault,
    isLeft: flags.includes("-"),
    hasPlus: flags.includes("+"),
    hasSpace: flags.includes(" "),
    isAlternate: flags.includes("#"),
    isZeroPadded: flags.includes("0"),
    width: Number(width),
    precision: hasPrecision ? Number(precision) : -1,
  };
  return [directive, at + 1];
}

/** The digits of a width or precision, as many as there may be. */
function digitsAt(text: string, start: number): string {
  let end = start;
  while (end < start + MOST_DIGITS && isDigit(text[end])) end++;
  return text.slice(start, end);
}

function isDigit(character: string | undefined): boolean {
  return character !== undefined && character >= "0" && character <= "9";
}

function convert(directive: Directive, args: Arguments, index: number): string {
  switch (directive.conversion) {
    case "c":
      return character(directive, numberArgument(args, index));
    case "d":
    case "i":
      return signedInteger(directive, toInteger(numberArgument(args, index)));
    case "o":
    case "u":
    case "x":
    case "X":
      return unsignedInteger(directive, toUnsigned(numberArgument(args, index)));
    case "q":
      return `"${stringArgument(args, index).replace(ESCAPED, (found) => ESCAPES[found])}"`;
    case "s":
      return string(directive, stringArgument(args, index));
    default:
      return float(directive, numberArgument(args, index));
  }
}

/** A character; Lua takes what C has made of it for a string, which ends before a character 0. */
function character(directive: Directive, value: number): string {
  const whole = Math.trunc(value);
  // What is no int becomes the one that has its sign bit alone.
  const code = whole >= -SIGN_BIT && whole < SIGN_BIT ? whole & 0xff : 0;
  if (code !== 0) return padded(directive, String.fromCharCode(code));
  return directive.isLeft ? "" : " ".repeat(Math.max(0, directive.width - 1));
}

function string(directive: Directive, text: string): string {
  const { precision } = directive;
  if (precision < 0 && text.length >= LONG_STRING) return text;
  const nul = text.indexOf("\0");
  const length = nul < 0 ? text.length : nul;
  return padded(directive, text.slice(0, precision < 0 ? length : Math.min(length, precision)));
}

function signedInteger(directive: Directive, value: number): string {
  if (directive.width === 0 && directive.precision < 0 && !directive.hasPlus && !directive.hasSpace) {
    return integerText(value);
  }
  return integer(directive, signOf(directive, value < 0), integerText(Math.abs(value)));
}

function unsignedInteger(directive: Directive, value: number | bigint): string {
  const { conversion, isAlternate, precision } = directive;
  if (conversion === "u") return integer(directive, "", value.toString());
  if (conversion === "o") {
    const digits = value.toString(8);
    const isPrefixed = isAlternate && digits !== "0" && precision <= digits.length;
    if (isAlternate && digits === "0" && precision === 0) return padded(directive, "0");
    return integer(directive, "", isPrefixed ? `0${digits}` : digits);
  }
  const digits = value.toString(16);
  const prefix = isAlternate && digits !== "0" ? "0x" : "";
  const text = integer(directive, prefix, digits);
  return conversion === "X" ? text.toUpperCase() : text;
}

/** An integer of at least as many digits as the precision says; with that, zeros do not fill the width. */
function integer(directive: Directive, prefix: string, digits: string): string {
  const { precision } = directive;
  if (precision < 0) return zeroPadded(directive, prefix, digits);
  const text = precision === 0 && digits === "0" ? "" : digits.padStart(precision, "0");
  return padded(directive, prefix + text);
}

function float(directive: Directive, value: number): string {
  const { conversion } = directive;
  const sign = signOf(directive, value < 0 || Object.is(value, -0));
  if (Number.isFinite(value)) {
    const digits = floatText(directive, Math.abs(value));
    return zeroPadded(directive, sign, conversion < "a" ? digits.toUpperCase() : digits);
  }
  // What is no number has its sign bit set, as x86 makes it.
  const text = Number.isNaN(value) ? "-nan" : `${sign}inf`;
  return padded(directive, conversion < "a" ? text.toUpperCase() : text);
}

function floatText(directive: Directive, magnitude: number): string {
  const { isAlternate } = directive;
  const precision = directive.precision < 0 ? DEFAULT_PRECISION : directive.precision;
  let text: string;
  switch (directive.conversion) {
    case "e":
    case "E":
      text = formatExponential(magnitude, precision);
      break;
    case "f":
      text = formatFixed(magnitude, precision);
      break;
    default:
      text = isAlternate ? formatGeneralInFull(magnitude, precision) : formatGeneral(magnitude, precision);
  }
  if (!isAlternate || text.includes(".")) return text;
  const end = text.indexOf("e");
  return end < 0 ? `${text}.` : `${text.slice(0, end)}.${text.slice(end)}`;
}

function signOf(directive: Directive, isNegative: boolean): string {
  return isNegative ? "-" : directive.hasPlus ? "+" : directive.hasSpace ? " " : "";
}

function padded(directive: Directive, text: string): string {
  return directive.isLeft ? text.padEnd(directive.width) : text.padStart(directive.width);
}

function zeroPadded(directive: Directive, prefix: string, digits: string): string {
  if (!directive.isZeroPadded || directive.isLeft) return padded(directive, prefix + digits);
  return prefix + digits.padStart(directive.width - prefix.length, "0");
}

/** All digits of an integer, however large. */
function integerText(value: number): string {
  return Number.isSafeInteger(value) ? String(value + 0) : BigInt(value).toString();
}

/** A double as x86 casts it to an unsigned 64-bit integer: below 2^63 as to a signed one, and 0 from 2^64 on. */
function toUnsigned(value: number): number | bigint {
  if (value >= UNSIGNED_LIMIT) return 0;
  if (value >= LEAST_UNSIGNED_ONLY) return BigInt(value);
  const signed = toInteger(value);
  if (signed >= 0 && Number.isSafeInteger(signed)) return signed;
  return BigInt.asUintN(INTEGER_BITS, BigInt(signed));
}
