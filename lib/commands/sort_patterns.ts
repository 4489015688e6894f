/**
 * Patterns of SORT: names of keys with a `*` in the place of an element, by which it is weighed (BY) or which are replied in
 * its stead (GET). Behind `->` stands the field of a hash; `#` is the element itself.
 */

import { copyBytes } from "../bytes/compare.ts";
import type { Request } from "../resp/request.ts";
import { TYPE_HASH, TYPE_STRING } from "../store/entry.ts";
import { Element } from "../store/listpack.ts";
import type { Session } from "./session.ts";

/** Patterns that are kept from one command to the next. */
const KEPT_PATTERNS = 16;
const NO_BYTES = new Uint8Array(0);
/** The key that a pattern has named last. */
let key = new Uint8Array(64);

const STAR = 0x2a;
const HASH_SIGN = 0x23;
const DASH = 0x2d;
const GREATER = 0x3e;

/** A pattern, where it lies in the request: it serves one command after the other. */
export class SortPattern {
  /** The value to which `find` came. */
  readonly value: Element = new Element();
  /** Whether it names the element itself. */
  #isElement = false;
  /** Whether there is a `*`; without one, what is named is the same for all elements. */
  hasStar = false;
  #bytes: Uint8Array = NO_BYTES;
  // What stands before and behind the `*`, and the field; a length of -1: there is none.
  #prefixStart = 0;
  #prefixLength = 0;
  #suffixStart = 0;
  #suffixLength = 0;
  #fieldStart = 0;
  #fieldLength = -1;

  /** Forgets the pattern. */
  end(): void {
    this.#bytes = NO_BYTES;
    this.value.setString(NO_BYTES, 0, 0);
  }

  /** Takes the pattern in an argument; what stands behind a NUL does not count. */
  begin({ bytes, starts, lengths }: Request, at: number): void {
    const start = starts[at];
    const end = start + lengths[at];
    this.#bytes = bytes;
    this.#isElement = bytes[start] === HASH_SIGN && (end - start === 1 || bytes[start + 1] === 0) && end > start;
    let star = start;
    while (star < end && bytes[star] !== STAR && bytes[star] !== 0) star++;
    this.hasStar = star < end && bytes[star] === STAR;
    const arrow = this.hasStar ? arrowOf(bytes, star + 1, end) : -1;
    this.#prefixStart = start;
    this.#prefixLength = star - start;
    this.#suffixStart = star + 1;
    this.#suffixLength = (arrow < 0 ? end : arrow) - star - 1;
    this.#fieldStart = arrow + 2;
    this.#fieldLength = arrow < 0 ? -1 : end - arrow - 2;
  }

  /** Finds what the pattern names for an element, a string or a field, and points `value` to it; false if there is none. */
  find(session: Session, bytes: Uint8Array, start: number, elementLength: number): boolean {
    const { value } = this;
    if (this.#isElement) {
      value.setString(bytes, start, elementLength);
      return true;
    }
    if (!this.hasStar) return false; // the value of one key is of no use for all elements
    const { heap: { entries }, hashes } = session.host.store;
    const length = this.#keyOf(bytes, start, elementLength);
    const ref = session.database.read(key, 0, length);
    if (ref === 0) return false;
    const type = entries.type(ref);
    if (this.#fieldLength >= 0) {
      return type === TYPE_HASH && hashes.get(ref, this.#bytes, this.#fieldStart, this.#fieldLength, value);
    }
    if (type !== TYPE_STRING) return false;
    value.setString(entries.bytes(ref), entries.valueStart(ref), entries.valueWord(ref));
    return true;
  }

  /** Puts an element in the place of the `*`, into `key`; the length of the key. */
  #keyOf(bytes: Uint8Array, start: number, elementLength: number): number {
    const pattern = this.#bytes;
    const prefix = this.#prefixLength;
    const suffix = this.#suffixLength;
    const length = prefix + elementLength + suffix;
    if (length > key.length) key = new Uint8Array(length * 2);
    copyBytes(pattern, this.#prefixStart, prefix, key, 0);
    copyBytes(bytes, start, elementLength, key, prefix);
    copyBytes(pattern, this.#suffixStart, suffix, key, prefix + elementLength);
    return length;
  }
}

/** Where the `->` stands with a field behind it, from an offset on; -1 if there is none. */
function arrowOf(bytes: Uint8Array, from: number, end: number): number {
  for (let i = from; i + 2 < end && bytes[i] !== 0; i++) {
    if (bytes[i] === DASH && bytes[i + 1] === GREATER) return bytes[i + 2] === 0 ? -1 : i;
  }
  return -1;
}

/** The patterns of one command, of which there are as many as any has had. */
export class SortPatterns {
  readonly #all: SortPattern[] = [];
  #taken = 0;

  /** Takes all back, for the next command. They keep no request's bytes alive. */
  clear(): void {
    for (let i = 0; i < this.#taken; i++) this.#all[i].end();
    this.#taken = 0;
    if (this.#all.length > KEPT_PATTERNS) this.#all.length = KEPT_PATTERNS;
  }

  /** The pattern in an argument. */
  take(request: Request, at: number): SortPattern {
    if (this.#taken === this.#all.length) this.#all.push(new SortPattern());
    const pattern = this.#all[this.#taken++];
    pattern.begin(request, at);
    return pattern;
  }
}
