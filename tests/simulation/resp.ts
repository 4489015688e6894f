/** The client's side of the protocol, RESP2, as plainly as can be: replies out of bytes that come in any pieces. */

import { copyBytes } from "../../lib/bytes/compare.ts";
import { decodeLatin1 } from "../../lib/bytes/latin1.ts";

const FIRST_ROOM_BYTES = 1024;

/** A reply: a line with its mark (`+OK`, `-ERR …`, `:1`), a bulk string, null, or an array. */
export type Reply =
  | { readonly kind: "line"; readonly text: string }
  | { readonly kind: "bulk"; readonly text: string }
  | { readonly kind: "null" }
  | { readonly kind: "array"; readonly items: readonly Reply[] };

export const NULL: Reply = { kind: "null" };

export function line(text: string): Reply {
  return { kind: "line", text };
}

export function bulk(text: string): Reply {
  return { kind: "bulk", text };
}

const encoder = new TextEncoder();
/** Holds the requests that are sent, while they are. */
let room = new Uint8Array(FIRST_ROOM_BYTES);

/** Requests as they are sent; good until the next call. Words are ASCII. */
export function encodeRequests(requests: readonly (readonly string[])[]): Uint8Array {
  let text = "";
  for (const words of requests) {
    text += `*${words.length}\r\n`;
    for (const word of words) text += `$${word.length}\r\n${word}\r\n`;
  }
  if (text.length > room.length) room = new Uint8Array(2 * text.length);
  const { written, read } = encoder.encodeInto(text, room);
  if (written !== text.length || read !== text.length) throw new RangeError("a word of a request is not ASCII");
  return room.subarray(0, written);
}

/** What reading has come upon where an array begins. */
const BEGUN = "begun";
const [RETURN, DOLLAR, STAR] = [0x0d, 0x24, 0x2a];

/** An array of which items are missing. */
interface Unfinished {
  readonly items: Reply[];
  readonly length: number;
}

export class ReplyReader {
  #bytes = new Uint8Array(FIRST_ROOM_BYTES);
  #start = 0;
  #end = 0;
  /** Arrays that have begun, the innermost last. */
  readonly #unfinished: Unfinished[] = [];

  add(bytes: Uint8Array, start: number, end: number): void {
    const added = end - start;
    if (this.#end + added > this.#bytes.length) this.#makeRoom(added);
    copyBytes(bytes, start, added, this.#bytes, this.#end);
    this.#end += added;
  }

  #makeRoom(added: number): void {
    const old = this.#bytes;
    const length = this.#end - this.#start;
    if (length + added > old.length) this.#bytes = new Uint8Array(2 * (length + added));
    this.#bytes.set(old.subarray(this.#start, this.#end));
    this.#start = 0;
    this.#end = length;
  }

  /** The next reply that is whole, or null. */
  next(): Reply | null {
    for (;;) {
      let reply = this.#read();
      if (reply === null) return null;
      if (reply === BEGUN) continue;
      for (;;) {
        const array = this.#unfinished.at(-1);
        if (array === undefined) return reply;
        array.items.push(reply);
        if (array.items.length < array.length) break;
        this.#unfinished.pop();
        reply = { kind: "array", items: array.items };
      }
    }
  }

  /** The next reply that is no array with items, or the beginning of such a one; null where bytes are missing. */
  #read(): Reply | typeof BEGUN | null {
    const bytes = this.#bytes;
    const at = this.#start;
    let end = at;
    while (end < this.#end && bytes[end] !== RETURN) end++;
    if (end + 2 > this.#end) return null;
    const mark = bytes[at];
    if (mark !== DOLLAR && mark !== STAR) {
      this.#start = end + 2;
      return line(decodeLatin1(bytes, at, end));
    }
    const length = Number(decodeLatin1(bytes, at + 1, end));
    if (length < 0) {
      this.#start = end + 2;
      return NULL;
    }
    if (mark === STAR) {
      this.#start = end + 2;
      if (length === 0) return { kind: "array", items: [] };
      this.#unfinished.push({ items: [], length });
      return BEGUN;
    }
    const next = end + 2 + length + 2;
    if (next > this.#end) return null;
    this.#start = next;
    return bulk(decodeLatin1(bytes, end + 2, next - 2));
  }
}

/** A reply in one line. */
export function shown(reply: Reply): string {
  switch (reply.kind) {
    case "line":
      return reply.text;
    case "bulk":
      return JSON.stringify(reply.text.length > 60 ? `${reply.text.slice(0, 60)}…` : reply.text);
    case "null":
      return "(nil)";
    case "array":
      return `[${reply.items.slice(0, 12).map(shown).join(", ")}${reply.items.length > 12 ? ", …" : ""}]`;
  }
}

/** Whether replies are the same; of arrays of fields and values, whatever their order. */
export function same(a: Reply, b: Reply): boolean {
  if (a.kind === "array" && b.kind === "array") return a.items.length === b.items.length && samePairs(a.items, b.items);
  if (a.kind === "null" || b.kind === "null" || a.kind === "array" || b.kind === "array") return a.kind === b.kind;
  return a.kind === b.kind && a.text === b.text;
}

function samePairs(a: readonly Reply[], b: readonly Reply[]): boolean {
  const values = new Map<string, string>();
  for (let i = 0; i < a.length; i += 2) values.set(textOf(a[i]), textOf(a[i + 1]));
  if (values.size * 2 !== a.length) return false;
  for (let i = 0; i < b.length; i += 2) {
    const field = textOf(b[i]);
    if (values.get(field) !== textOf(b[i + 1])) return false;
    values.delete(field); // as it must not come twice
  }
  return true;
}

function textOf(reply: Reply | undefined): string {
  return reply === undefined || reply.kind === "null" || reply.kind === "array" ? "?" : reply.text;
}
