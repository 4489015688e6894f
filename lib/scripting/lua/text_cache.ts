/** Keeps what was made of texts that come again and again, as the patterns of a script's loops do. */

import { decodeLatin1, encodeLatin1 } from "../../bytes/latin1.ts";

const MOST_ENTRIES = 256;
/** Longer texts come but once, and are not kept. */
const MOST_TEXT_BYTES = 1024;

interface Entry<T> {
  readonly text: string;
  readonly value: T;
}

/** The last 256 things made of different texts. */
export class TextCache<T> {
  readonly #entries = new Map<string, Entry<T>>();
  readonly #make: (text: string) => T;
  #last: Entry<T> | null = null;

  constructor(make: (text: string) => T) {
    this.#make = make;
  }

  get(text: string): T {
    if (this.#last !== null && this.#last.text === text) return this.#last.value;
    if (text.length > MOST_TEXT_BYTES) return this.#make(text);
    const entry = this.#entries.get(text) ?? this.#add(text);
    this.#last = entry;
    return entry.value;
  }

  #add(original: string): Entry<T> {
    // A part of a string holds on to the whole of it, however large; what is kept here must not.
    const text = asKey(decodeLatin1(encodeLatin1(original)));
    const entry = { text, value: this.#make(text) };
    const entries = this.#entries;
    if (entries.size === MOST_ENTRIES) {
      const [oldest] = entries.keys();
      entries.delete(oldest);
    }
    entries.set(text, entry);
    return entry;
  }
}

/** The same text as the names of properties are, of which the engines keep each but once: so are the texts in scripts. */
export function asKey(text: string): string {
  return Object.keys({ [text]: true })[0];
}
