/** The `string` library of Lua 5.1. Its strings are bytes, and what is a letter or a space is so in the C locale. */

import { decodeLatin1, encodeLatin1 } from "../../bytes/latin1.ts";
import {
  type Arguments,
  intArgument,
  integerArgument,
  optionalInteger,
  stringArgument,
  wrongType,
} from "./arguments.ts";
import { ArgumentError, LibraryError } from "./errors.ts";
import { gsubFunction } from "./gsub.ts";
import { type LibraryFunctions, StringMaker } from "./library.ts";
import { patternOf, patternWithoutAnchor, Search } from "./patterns.ts";
import { checkSlots } from "./stack.ts";
import { format } from "./string_format.ts";
import { checkLength } from "./text_builder.ts";
import { type LuaFunction, type LuaResult, type LuaValue, NOTHING } from "./values.ts";

/** Characters without which a pattern is a plain text to `find`; it looks for them up to the first character 0. */
const SPECIAL = /^[^\0]*?[\^$*+?.([%\-]/;
/** Up to this length a string is quickly put together of its characters. */
const SHORT_TEXT = 64;
const BEYOND_ASCII = /[\x80-\xff]/;

/**
 * The library; `index` looks up a key of a table with a metatable, for `gsub`, and `marked` is given what `gmatch` makes, as
 * a function of a library.
 */
export function stringFunctions(
  index: LuaFunction,
  marked: (made: LuaFunction) => LuaFunction = (made) => made,
): LibraryFunctions {
  const gmatch = (...args: LuaValue[]) => marked(matchesOf(args));
  return {
    byte,
    char,
    dump,
    find,
    format: new StringMaker(format),
    gfind: gmatch,
    gmatch,
    gsub: gsubFunction(index),
    len,
    lower: new StringMaker(lower),
    match,
    rep: new StringMaker(rep),
    reverse: new StringMaker(reverse),
    sub,
    upper: new StringMaker(upper),
  };
}

/**
 * A place from 1 on, of which negative ones count from the end: 0 is what is before the first, and what is behind the end
 * comes right after the last. It is made an int32, as JavaScriptCore goes on with a double where there once was one, and
 * is ten times slower at walking a string with it.
 */
function placeOf(place: number, length: number): number {
  return (place >= 0 ? Math.min(place, length + 1) : Math.max(0, length + place + 1)) | 0;
}

function byte(...args: LuaValue[]): LuaResult {
  const text = stringArgument(args, 1);
  const from = placeOf(optionalInteger(args, 2, 1), text.length);
  const to = Math.min(placeOf(optionalInteger(args, 3, from), text.length), text.length);
  const start = Math.max(from, 1);
  if (start === to) return text.charCodeAt(start - 1);
  if (start > to) return NOTHING;
  checkSlots(args.length, to - start + 1, "string slice too long");
  const codes: number[] = [];
  for (let at = start; at <= to; at++) codes.push(text.charCodeAt(at - 1));
  return codes;
}

function char(...args: LuaValue[]): LuaResult {
  let text = "";
  for (let index = 1; index <= args.length; index++) {
    const code = intArgument(args, index);
    if (code < 0 || code > 0xff) throw new ArgumentError(index, "invalid value");
    text += String.fromCharCode(code);
  }
  return text;
}

/** No function here has bytecode to be dumped, as in Lua none of C has. */
function dump(...args: LuaValue[]): LuaResult {
  if (typeof args[0] !== "function") throw wrongType(args, 1, "function");
  throw new LibraryError("unable to dump given function");
}

function len(...args: LuaValue[]): LuaResult {
  return stringArgument(args, 1).length;
}

function sub(...args: LuaValue[]): LuaResult {
  const text = stringArgument(args, 1);
  const from = placeOf(integerArgument(args, 2), text.length);
  const to = placeOf(optionalInteger(args, 3, -1), text.length);
  return from > to ? "" : text.slice(Math.max(from - 1, 0), to);
}

function rep(...args: LuaValue[]): string {
  const text = stringArgument(args, 1);
  const count = Math.max(0, intArgument(args, 2));
  checkLength(text.length * count);
  return text.repeat(count);
}

function reverse(...args: LuaValue[]): string {
  const text = stringArgument(args, 1);
  if (text.length > SHORT_TEXT) return decodeLatin1(encodeLatin1(text).reverse());
  let reversed = "";
  for (let at = text.length - 1; at >= 0; at--) reversed += text[at];
  return reversed;
}

function lower(...args: LuaValue[]): string {
  const text = stringArgument(args, 1);
  return BEYOND_ASCII.test(text) ? text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()) : text.toLowerCase();
}

function upper(...args: LuaValue[]): string {
  const text = stringArgument(args, 1);
  return BEYOND_ASCII.test(text) ? text.replace(/[a-z]+/g, (letters) => letters.toUpperCase()) : text.toUpperCase();
}

/** Where `find` and `match` begin, from 0. */
function startOf(args: Arguments, length: number): number {
  const place = placeOf(optionalInteger(args, 3, 1), length);
  return place === 0 ? 0 : place - 1;
}

function find(...args: LuaValue[]): LuaResult {
  const subject = stringArgument(args, 1);
  const pattern = stringArgument(args, 2);
  const from = startOf(args, subject.length);
  const isPlain = args[3] !== undefined && args[3] !== false;
  if (isPlain || !SPECIAL.test(pattern)) {
    const at = subject.indexOf(pattern, from);
    return at < 0 ? undefined : [at + 1, at + pattern.length];
  }
  const search = new Search(patternOf(pattern), subject);
  if (!search.next(from)) return undefined;
  const place = [search.start + 1, search.end];
  return search.pattern.captures.length === 0 ? place : search.captures(place);
}

function match(...args: LuaValue[]): LuaResult {
  const subject = stringArgument(args, 1);
  const search = new Search(patternOf(stringArgument(args, 2)), subject);
  return search.next(startOf(args, subject.length)) ? capturesOf(search) : undefined;
}

/** What a match gives: the captures, or the match itself if there are none. */
function capturesOf(search: Search): LuaResult {
  return search.pattern.captures.length > 1 ? search.captures([]) : search.capture(0);
}

/** What gives the matches of `gmatch`, one after the other. */
function matchesOf(args: Arguments): LuaFunction {
  const subject = stringArgument(args, 1);
  const pattern = stringArgument(args, 2);
  const search = new Search(patternWithoutAnchor(pattern), subject);
  let from = 0;
  return () => {
    search.renew();
    if (!search.next(from)) return NOTHING;
    from = Math.max(search.end, search.start + 1);
    return capturesOf(search);
  };
}
