/** The client's side of the protocol, RESP2, as plainly as can be: replies out of bytes that come in any pieces. */

import { copyBytes } from "../../lib/bytes/compare.ts";
import { decodeLatin1 } from "../../lib/bytes/latin1.ts";
import { DOLLAR, STAR, writeHeader } from "../../lib/resp/request.ts";

const FIRST_ROOM_BYTES = 1024;

/** A reply: a line with its mark (`+OK`, `-ERR …`, `:1`), a bulk string, null, or an array. */
export type Reply =
  | { readonly kind: "line"; readonly text: string }
  | { readonly kind: "bulk"; readonly text: string }
  | { readonly kind: "null" }
  | { readonly kind: "array"; readonly items: readonly Reply[] };

/** A reply that more than one may be. */
export interface Wanted {
  readonly kind: "wanted";
  /** In words. */
  readonly text: string;
  readonly fits: (reply: Reply) => boolean;
}

export const NULL: Reply = { kind: "null" };

export function line(text: string): Reply {
  return { kind: "line", text };
}

export function bulk(text: string): Reply {
  return { kind: "bulk", text };
}

const [RETURN, LINE_FEED] = [0x0d, 0x0a];
/** The longest count or length with its mark and its line end, or the line end of a word, in bytes. */
const FRAME_BYTES = 16;
/** Holds the requests that are sent, while they are. */
let room = new Uint8Array(FIRST_ROOM_BYTES);

/** Requests, of words that are binary strings, as they are sent; good until the next call. */
export function encodeRequests(requests: readonly (readonly string[])[]): Uint8Array {
  let bytes = 0;
  for (const words of requests) for (const word of words) bytes += word.length + 2 * FRAME_BYTES;
  if (bytes > room.length) room = new Uint8Array(2 * bytes);
  let at = 0;
  for (const words of requests) {
    at = writeHeader(room, at, STAR, words.length);
    for (const word of words) {
      at = writeHeader(room, at, DOLLAR, word.length);
      for (let i = 0; i < word.length; i++) room[at++] = word.charCodeAt(i);
      room[at++] = RETURN;
      room[at++] = LINE_FEED;
    }
  }
  return room.subarray(0, at);
}

/** What reading has come upon where an array begins. */
const BEGUN = "begun";

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
export function shown(reply: Reply | Wanted): string {
  switch (reply.kind) {
    case "wanted":
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

/** Whether a reply is the one that is wanted. */
export function isAsWanted(reply: Reply, wanted: Reply | Wanted): boolean {
  if (wanted.kind === "wanted") return wanted.fits(reply);
  if (reply.kind === "array") {
    return wanted.kind === "array" && reply.items.length === wanted.items.length &&
      reply.items.every((item, index) => isAsWanted(item, wanted.items[index]));
  }
  if (reply.kind === "null" || wanted.kind === "null") return reply.kind === wanted.kind;
  return reply.kind === wanted.kind && reply.text === wanted.text;
}
