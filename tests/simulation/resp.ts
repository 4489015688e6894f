/** The client's side of the protocol, RESP2, as plainly as can be: replies out of bytes that come in any pieces. */

import { decodeLatin1 } from "../../lib/bytes/latin1.ts";

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

/** Thrown by reading where bytes are missing. */
class Incomplete extends Error {}

export class ReplyReader {
  #text = "";
  #at = 0;

  add(bytes: Uint8Array, start: number, end: number): void {
    this.#text += decodeLatin1(bytes, start, end);
  }

  /** The next reply that is whole, or null. */
  next(): Reply | null {
    this.#at = 0;
    try {
      const reply = this.#read();
      this.#text = this.#text.slice(this.#at);
      return reply;
    } catch (error) {
      if (error instanceof Incomplete) return null;
      throw error;
    }
  }

  #read(): Reply {
    const end = this.#text.indexOf("\r\n", this.#at);
    if (end < 0) throw new Incomplete();
    const text = this.#text.slice(this.#at, end);
    this.#at = end + 2;
    const length = Number(text.slice(1));
    if (text[0] === "$") {
      if (length < 0) return NULL;
      if (this.#text.length < this.#at + length + 2) throw new Incomplete();
      const reply = bulk(this.#text.slice(this.#at, this.#at + length));
      this.#at += length + 2;
      return reply;
    }
    if (text[0] !== "*") return line(text);
    if (length < 0) return NULL;
    const items: Reply[] = [];
    for (let i = 0; i < length; i++) items.push(this.#read());
    return { kind: "array", items };
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
  if (a.kind === "array" && b.kind === "array") {
    return a.items.length === b.items.length && pairs(a.items) === pairs(b.items);
  }
  if (a.kind === "null" || b.kind === "null" || a.kind === "array" || b.kind === "array") return a.kind === b.kind;
  return a.kind === b.kind && a.text === b.text;
}

function pairs(items: readonly Reply[]): string {
  const found: string[] = [];
  for (let i = 0; i < items.length; i += 2) found.push(`${shownWhole(items[i])} ${shownWhole(items[i + 1])}`);
  return found.sort().join("\n");
}

function shownWhole(reply: Reply | undefined): string {
  return reply === undefined || reply.kind === "null" || reply.kind === "array" ? "?" : reply.text;
}
