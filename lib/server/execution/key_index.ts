/**
 * Keys of which something is to be known, such as who watches them or waits for them. Every change of any key asks for its
 * own here, so a key is found by its bytes where they lie, and nothing is made to look one up. O(1).
 */

import { bytesEqual } from "../../bytes/compare.ts";
import { hashBytes } from "../../bytes/hash.ts";

/** A key, in bytes of its own, and what is known of it. */
export interface IndexedKey<T> {
  readonly bytes: Uint8Array;
  readonly value: T;
}

interface Link<T> extends IndexedKey<T> {
  /** The next key with the same hash. */
  next: Link<T> | null;
}

export class KeyIndex<T> {
  readonly #byHash = new Map<number, Link<T>>();

  /** The key with these bytes, or null. */
  find(bytes: Uint8Array, start: number, length: number): IndexedKey<T> | null {
    let link = this.#byHash.get(hashBytes(bytes, start, length)) ?? null;
    while (link !== null && !isKey(link, bytes, start, length)) link = link.next;
    return link;
  }

  /** Adds a key that is not there. Keeps `bytes`. */
  add(bytes: Uint8Array, value: T): void {
    const hash = hashBytes(bytes, 0, bytes.length);
    this.#byHash.set(hash, { bytes, value, next: this.#byHash.get(hash) ?? null });
  }

  /** Removes a key, if it is there. */
  delete(bytes: Uint8Array): void {
    const hash = hashBytes(bytes, 0, bytes.length);
    let before: Link<T> | null = null;
    let link = this.#byHash.get(hash) ?? null;
    for (; link !== null && !isKey(link, bytes, 0, bytes.length); link = link.next) before = link;
    if (link === null) return;
    if (before !== null) before.next = link.next;
    else if (link.next !== null) this.#byHash.set(hash, link.next);
    else this.#byHash.delete(hash);
  }

  /** All keys. */
  *[Symbol.iterator](): Generator<IndexedKey<T>> {
    for (const first of this.#byHash.values()) {
      for (let link: Link<T> | null = first; link !== null; link = link.next) yield link;
    }
  }
}

function isKey(key: IndexedKey<unknown>, bytes: Uint8Array, start: number, length: number): boolean {
  return key.bytes.length === length && bytesEqual(key.bytes, 0, bytes, start, length);
}
