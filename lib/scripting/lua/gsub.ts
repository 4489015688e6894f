/** `string.gsub`: what each match of a pattern is replaced by. */

import { type Arguments, intArgument, stringArgument } from "./arguments.ts";
import { ArgumentError, LibraryError } from "./errors.ts";
import { CallingFunction, CallRequest } from "./library.ts";
import { formatNumber } from "./numbers.ts";
import { patternOf, Search } from "./patterns.ts";
import { TextBuilder } from "./text_builder.ts";
import { TextCache } from "./text_cache.ts";
import { firstOf, type LuaFunction, type LuaResult, LuaTable, type LuaValue, typeName } from "./values.ts";

const ZERO = 0x30;
const DIGITS = 10;
/** In a subject up to this length there are not too many matches for what is put together as it comes. */
const SHORT_SUBJECT = 128;

/** A replacement as it is, or its parts: a text, or the number of a capture, where 0 is the whole match. */
type Template = string | readonly (string | number)[];

const TEMPLATES = new TextCache(parseTemplate);

/** `gsub`; `index` looks up a key of a table with a metatable. */
export function gsubFunction(index: LuaFunction): CallingFunction {
  return new CallingFunction(
    function* (...args) {
      const replacing = new Replacing(args);
      const { replacement, search } = replacing;
      while (replacing.goesOn()) {
        if (replacement instanceof LuaTable) {
          const key = search.capture(0);
          const value = replacement.get(key);
          replacing.answer(value ?? firstOf(yield new CallRequest(index, [replacement, key])));
        } else {
          replacing.answer(firstOf(yield new CallRequest(replacement, search.captures([]))));
        }
      }
      return replacing.result();
    },
    (caller, args) => {
      const replacing = new Replacing(args);
      const { replacement, search } = replacing;
      while (replacing.goesOn()) {
        if (replacement instanceof LuaTable) {
          const key = search.capture(0);
          replacing.answer(replacement.get(key) ?? caller.withTwo(index, replacement, key));
        } else if (search.pattern.captures.length > 1) {
          replacing.answer(caller.withMany(replacement, search.captures([])));
        } else {
          replacing.answer(caller.withOne(replacement, search.capture(0)));
        }
      }
      return replacing.result();
    },
    replaceWithoutCalls,
  );
}

/** Replaces matches by what a table or a function has for each. */
class Replacing {
  readonly replacement: LuaValue;
  readonly search: Search;
  readonly #most: number;
  readonly #text = new TextBuilder();
  /** Where the match is, and where the next may begin. */
  #start = 0;
  #end = 0;
  #from = 0;
  #copied = 0;
  #count = 0;

  constructor(args: Arguments) {
    this.replacement = args[2];
    this.search = searchOf(args);
    this.#most = mostOf(args, this.search);
  }

  /** Goes on to the next match, of which the search then tells; false if there is none. */
  goesOn(): boolean {
    const { search } = this;
    if (this.#count >= this.#most || !search.next(this.#from)) return false;
    this.#count++;
    this.#start = search.start;
    this.#end = search.end;
    this.#from = behindMatch(search);
    return true;
  }

  /** What the match becomes. */
  answer(value: LuaValue): void {
    if (value === undefined || value === false) return; // it stays as it is
    const { subject } = this.search;
    this.#text.addPart(subject, this.#copied, this.#start);
    this.#text.add(textOf(value));
    this.#copied = this.#end;
  }

  result(): LuaResult {
    const { subject } = this.search;
    this.#text.addPart(subject, this.#copied, subject.length);
    return [this.#text.finish(), this.#count];
  }
}

/** What `gsub` looks for, and in what. */
function searchOf(args: Arguments): Search {
  const subject = stringArgument(args, 1);
  return new Search(patternOf(stringArgument(args, 2)), subject);
}

/** How often it replaces. */
function mostOf(args: Arguments, { subject }: Search): number {
  return args[3] === undefined ? subject.length + 1 : intArgument(args, 4);
}

/** Replaces matches where that calls nobody; null where the replacement is a function, or a table with a metatable. */
function replaceWithoutCalls(args: Arguments): LuaResult | null {
  const replacement = args[2];
  if (replacement instanceof LuaTable) return replacement.metatable === null ? replaceByTable(args, replacement) : null;
  if (typeof replacement === "function") return null;
  const search = searchOf(args);
  const most = mostOf(args, search);
  if (typeof replacement === "string") return replaceByText(search, replacement, most);
  if (typeof replacement === "number") return replaceByText(search, formatNumber(replacement), most);
  throw new ArgumentError(3, "string/function/table expected");
}

/** Replaces a text by a text. */
function replacePlain(subject: string, text: string, replacement: string, most: number): LuaResult {
  let at = subject.indexOf(text);
  if (at < 0 || most <= 0) return [subject, 0];
  const result = new TextBuilder();
  let copied = 0;
  let count = 0;
  do {
    result.addPart(subject, copied, at);
    result.add(replacement);
    copied = at + text.length;
    count++;
    at = subject.indexOf(text, copied);
  } while (at >= 0 && count < most);
  result.addPart(subject, copied, subject.length);
  return [result.finish(), count];
}

/** The same in a short subject. */
function replacePlainInShort(subject: string, text: string, replacement: string, most: number): LuaResult {
  let at = subject.indexOf(text);
  if (at < 0 || most <= 0) return [subject, 0];
  let result = "";
  let copied = 0;
  let count = 0;
  do {
    result = `${result}${subject.substring(copied, at)}${replacement}`; // one string to Bun; a sum is two
    copied = at + text.length;
    count++;
    at = subject.indexOf(text, copied);
  } while (at >= 0 && count < most);
  return [result + subject.substring(copied), count];
}

function replaceByTable(args: Arguments, table: LuaTable): LuaResult {
  const replacing = new Replacing(args);
  while (replacing.goesOn()) replacing.answer(table.get(replacing.search.capture(0)));
  return replacing.result();
}

/** Replaces matches by a text with captures in it. */
function replaceByText(search: Search, replacement: string, most: number): LuaResult {
  const { subject, pattern } = search;
  const template = TEMPLATES.get(replacement);
  if (pattern.plain !== null && typeof template === "string") {
    return subject.length <= SHORT_SUBJECT
      ? replacePlainInShort(subject, pattern.plain, template, most)
      : replacePlain(subject, pattern.plain, template, most);
  }
  if (most <= 0 || !search.next(0)) return [subject, 0];
  const result = new TextBuilder();
  let copied = 0;
  let count = 0;
  do {
    result.addPart(subject, copied, search.start);
    if (typeof template === "string") result.add(template);
    else addParts(result, template, search);
    copied = search.end;
    count++;
  } while (count < most && search.next(behindMatch(search)));
  result.addPart(subject, copied, subject.length);
  return [result.finish(), count];
}

function addParts(result: TextBuilder, template: readonly (string | number)[], search: Search): void {
  for (const part of template) {
    if (typeof part === "string") result.add(part);
    else if (part === 0) result.addPart(search.subject, search.start, search.end);
    else result.add(String(search.capture(part - 1)));
  }
}

/** Where the next match may begin: where nothing was matched, the next character stays as it is, whatever would match. */
function behindMatch(search: Search): number {
  if (search.pattern.isAnchored) return search.subject.length + 1;
  return search.end > search.start ? search.end : search.start + 1;
}

/** What a table or a function gives for a match, as text. */
function textOf(value: LuaValue): string {
  if (typeof value === "string") return value;
  if (typeof value === "number") return formatNumber(value);
  throw new LibraryError(`invalid replacement value (a ${typeName(value)})`);
}

/** Reads `%0` to `%9`; behind `%` any other character stands for itself, and the end for a character 0. */
function parseTemplate(text: string): Template {
  const parts: (string | number)[] = [];
  let literal = "";
  let copied = 0;
  for (let at = text.indexOf("%"); at >= 0; at = text.indexOf("%", copied)) {
    literal += text.slice(copied, at);
    copied = at + 2;
    const digit = text.charCodeAt(at + 1) - ZERO;
    if (digit >= 0 && digit < DIGITS) {
      if (literal !== "") parts.push(literal);
      literal = "";
      parts.push(digit);
    } else {
      literal += at + 1 < text.length ? text[at + 1] : "\0";
    }
  }
  literal += text.slice(copied);
  if (parts.length === 0) return literal;
  if (literal !== "") parts.push(literal);
  return parts;
}
