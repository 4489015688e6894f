/**
 * Replies as scripts see them, and what scripts return as replies (Redis documentation, "Lua API reference", "Data type
 * conversion"): RESP of either version becomes values of Lua, and the other way about.
 */

import { decodeLatin1, LONGEST_STRING } from "../bytes/latin1.ts";
import { parseInt64, parseSafeInteger } from "../bytes/integers.ts";
import type { ReplyWriter } from "../resp/reply.ts";
import { LuaError } from "./lua/errors.ts";
import { LuaTable, type LuaValue, typeName } from "./lua/values.ts";
import { formatNumber, parseNumber } from "./lua/numbers.ts";

const CR = 13;
const LF = 10;
const INT64 = 64;
const LEAST_INT64 = -(2n ** 63n);
/** Tables in tables from here on are an error, as the stack would be full (Redis has room for some 8,000). */
const MOST_NESTED = 2_000;
const STACK_FULL = "ERR reached lua stack limit";
/** Says of an error's table that it has been counted. */
const COUNTED = "ignore_error_stats_update";

/** A table with one field. */
function fieldTable(name: string, value: LuaValue): LuaTable {
  const table = new LuaTable();
  table.set(name, value);
  return table;
}

/** The table that an error is to scripts. `given`: its code, a space and a message; a text without a space has no code. */
export function errorTable(given: string): LuaTable {
  const text = toNul(given);
  const space = text.indexOf(" ");
  const code = space < 0 ? "ERR" : text.slice(0, space);
  let start = space + 1;
  while (isLineEnd(text.charCodeAt(start))) start++;
  return fieldTable("err", `${code} ${withoutLineEnds(text.slice(start))}`);
}

function isLineEnd(code: number): boolean {
  return code === CR || code === LF;
}

/** A text without the ends of lines behind it: a pattern would take time with the square of their number. */
function withoutLineEnds(text: string): string {
  let end = text.length;
  while (end > 0 && isLineEnd(text.charCodeAt(end - 1))) end--;
  return text.slice(0, end);
}

/** The same of an error that has been counted, as that of a command is. */
export function countedErrorTable(text: string): LuaTable {
  const table = errorTable(text);
  table.set(COUNTED, true);
  return table;
}

/** Reads replies. */
export class ReplyReader {
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;

  /** The value of the reply that begins at `start`. */
  read(bytes: Uint8Array, start: number): LuaValue {
    this.#bytes = bytes;
    this.#at = start;
    return this.#value();
  }

  #value(): LuaValue {
    const kind = this.#bytes[this.#at++];
    switch (kind) {
      case 0x24: // $
        return this.#bulk();
      case 0x3a: // :
        return this.#integer();
      case 0x2b: // +
        return fieldTable("ok", this.#line());
      case 0x2d: // -
        return countedErrorTable(this.#line());
      case 0x2a: // *
        return this.#array();
      case 0x5f: // _
        this.#line();
        return undefined;
      case 0x23: // #
        return this.#line() === "t";
      case 0x2c: // ,
        return fieldTable("double", parseNumber(this.#line()));
      case 0x28: // (
        return fieldTable("big_number", this.#line());
      case 0x3d: // =
        return this.#verbatim();
      case 0x25: // %
        return this.#map();
      case 0x7e: // ~
        return this.#set();
      case 0x7c: // |
        return this.#behindAttributes();
      default:
        throw new Error(`a reply begins with the byte ${kind}`);
    }
  }

  /** The rest of the line. */
  #line(): string {
    const start = this.#at;
    let end = start;
    while (this.#bytes[end] !== CR) end++;
    this.#at = end + 2;
    return decodeLatin1(this.#bytes, start, end);
  }

  /** The number that is the rest of the line, which is a length. */
  #number(): number {
    const bytes = this.#bytes;
    let at = this.#at;
    let value = 0;
    const isNegative = bytes[at] === 0x2d;
    if (isNegative) at++;
    for (; bytes[at] !== CR; at++) value = value * 10 + bytes[at] - 0x30;
    this.#at = at + 2;
    return isNegative ? -value : value;
  }

  #integer(): number {
    const start = this.#at;
    let end = start;
    while (this.#bytes[end] !== CR) end++;
    this.#at = end + 2;
    const value = parseSafeInteger(this.#bytes, start, end - start);
    return Number.isNaN(value) ? Number(parseInt64(this.#bytes, start, end - start)) : value;
  }

  #bulk(): LuaValue {
    const length = this.#number();
    if (length < 0) return false;
    if (length > LONGEST_STRING) throw new LuaError("not enough memory");
    const start = this.#at;
    this.#at = start + length + 2;
    return decodeLatin1(this.#bytes, start, start + length);
  }

  #array(): LuaValue {
    const length = this.#number();
    if (length < 0) return false;
    const table = new LuaTable();
    for (let i = 1; i <= length; i++) table.set(i, this.#value());
    return table;
  }

  #map(): LuaTable {
    const map = new LuaTable();
    for (let pairs = this.#number(); pairs > 0; pairs--) {
      const key = this.#value();
      const value = this.#value();
      if (key !== undefined) map.set(key, value);
    }
    return fieldTable("map", map);
  }

  #set(): LuaTable {
    const set = new LuaTable();
    for (let count = this.#number(); count > 0; count--) {
      const member = this.#value();
      if (member !== undefined) set.set(member, true);
    }
    return fieldTable("set", set);
  }

  #verbatim(): LuaTable {
    const length = this.#number();
    const start = this.#at;
    this.#at = start + length + 2;
    const text = new LuaTable();
    text.set("format", decodeLatin1(this.#bytes, start, start + 3));
    text.set("string", decodeLatin1(this.#bytes, start + 4, start + length));
    return fieldTable("verbatim_string", text);
  }

  /** Scripts are not shown attributes. */
  #behindAttributes(): LuaValue {
    for (let values = 2 * this.#number(); values > 0; values--) this.#value();
    return this.#value();
  }
}

/** A text up to its first 0, where C sees its end. */
function toNul(text: string): string {
  const nul = text.indexOf("\0");
  return nul < 0 ? text : text.slice(0, nul);
}

/** A string, as C sees it; undefined for all else. */
function textOf(value: LuaValue): string | undefined {
  return typeof value === "string" ? toNul(value) : undefined;
}

/** Writes replies from what scripts return. */
export class ReplyMaker {
  /** `protocol`: that which the script has chosen; the reply has the client's. */
  constructor(readonly reply: ReplyWriter, readonly protocol: 2 | 3) {}

  write(value: LuaValue, depth = 0): void {
    const { reply } = this;
    switch (typeof value) {
      case "string":
        return reply.bulkString(value);
      case "number":
        return writeInteger(reply, value);
      case "boolean":
        if (this.protocol === 3) return reply.boolean(value);
        return value ? reply.integer(1) : reply.nil();
      case "object":
        return value instanceof LuaTable ? this.#table(value, depth) : reply.nil();
      default:
        return reply.nil();
    }
  }

  #table(table: LuaTable, depth: number): void {
    if (depth > MOST_NESTED) return this.reply.error(STACK_FULL);
    if (table.fields === null || !this.#special(table, depth)) this.#array(table, depth);
  }

  /** A table that one of its fields says to be no array; false where it is one. */
  #special(table: LuaTable, depth: number): boolean {
    const { reply } = this;
    const error = textOf(table.get("err"));
    if (error !== undefined) {
      writeError(reply, error, table.get(COUNTED) === true);
      return true;
    }
    const status = textOf(table.get("ok"));
    if (status !== undefined) {
      reply.simple(status.replace(/[\r\n]/g, " "));
      return true;
    }
    const double = table.get("double");
    if (typeof double === "number") {
      reply.double(double);
      return true;
    }
    const bigNumber = table.get("big_number");
    if (typeof bigNumber === "string") {
      reply.bigNumber(bigNumber.replace(/[\r\n]/g, " "));
      return true;
    }
    return this.#verbatim(table.get("verbatim_string")) || this.#map(table.get("map"), depth) ||
      this.#set(table.get("set"), depth);
  }

  #verbatim(value: LuaValue): boolean {
    if (!(value instanceof LuaTable)) return false;
    const [format, text] = [textOf(value.get("format")), value.get("string")];
    if (format === undefined || typeof text !== "string") return false;
    this.reply.verbatim(format.slice(0, 3).padEnd(3), text);
    return true;
  }

  #map(map: LuaValue, depth: number): boolean {
    if (!(map instanceof LuaTable)) return false;
    const { reply } = this;
    const mark = reply.open();
    let pairs = 0;
    for (let entry = map.next(undefined); entry !== null && !reply.isCut; entry = map.next(entry[0]), pairs++) {
      this.write(entry[0], depth + 1);
      this.write(entry[1], depth + 1);
    }
    reply.closeMap(mark, pairs);
    return true;
  }

  #set(set: LuaValue, depth: number): boolean {
    if (!(set instanceof LuaTable)) return false;
    const { reply } = this;
    const mark = reply.open();
    let members = 0;
    for (let entry = set.next(undefined); entry !== null && !reply.isCut; entry = set.next(entry[0]), members++) {
      this.write(entry[0], depth + 1);
    }
    reply.closeSet(mark, members);
    return true;
  }

  /** The values of the keys 1, 2, … up to the first that is nil. */
  #array(table: LuaTable, depth: number): void {
    const { reply } = this;
    let length = 0;
    while (table.get(length + 1) !== undefined) length++;
    reply.array(length);
    for (let i = 1; i <= length && !reply.isCut; i++) this.write(table.get(i), depth + 1);
  }
}

/** An error that a script has returned, or ended with; one that was counted is not counted again. */
export function writeError(reply: ReplyWriter, text: string, isCounted: boolean): void {
  const shown = withoutLineEnds(text);
  if (isCounted) reply.countedError(shown);
  else reply.error(shown);
}

/** A number as C casts it to a 64-bit integer. */
function writeInteger(reply: ReplyWriter, value: number): void {
  const whole = Math.trunc(value);
  if (Number.isSafeInteger(whole)) return reply.integer(whole + 0);
  const isInRange = whole >= -(2 ** 63) && whole < 2 ** 63;
  reply.bigInteger(isInRange ? BigInt.asIntN(INT64, BigInt(whole)) : LEAST_INT64);
}

/** What an error message shows of a value. */
export function shownValue(value: LuaValue): string {
  if (typeof value === "number") return formatNumber(value);
  // Where it lies is nobody's business.
  if (typeof value === "object" || typeof value === "function") return `${typeName(value)}: 0x0`;
  return toNul(String(value ?? "nil"));
}
