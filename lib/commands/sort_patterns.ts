/**
 * Patterns of SORT: names of keys with a `*` in the place of an element, by which it is weighed (BY) or which are replied in
 * its stead (GET). Behind `->` stands the field of a hash; `#` is the element itself.
 */

import { copyBytes } from "../bytes/compare.ts";
import type { Request } from "../resp/request.ts";
import { TYPE_HASH, TYPE_STRING } from "../store/entry.ts";
import { Element } from "../store/listpack.ts";
import type { Session } from "./session.ts";

const STAR = 0x2a;
const HASH_SIGN = 0x23;
const DASH = 0x2d;
const GREATER = 0x3e;

/** Whether the pattern in an argument has a `*`; what stands behind a NUL does not count. */
export function hasStar({ bytes, starts, lengths }: Request, at: number): boolean {
  return starOf(bytes.subarray(starts[at], starts[at] + lengths[at])) >= 0;
}

function starOf(pattern: Uint8Array): number {
  const star = pattern.indexOf(STAR);
  const nul = pattern.indexOf(0);
  return nul >= 0 && nul < star ? -1 : star;
}

/** Index of the `->` with a field behind it, from an index on; -1 if there is none. */
function arrowOf(pattern: Uint8Array, from: number): number {
  for (let i = from; i + 2 < pattern.length && pattern[i] !== 0; i++) {
    if (pattern[i] === DASH && pattern[i + 1] === GREATER) return pattern[i + 2] === 0 ? -1 : i;
  }
  return -1;
}

export class SortPattern {
  /** The value to which `find` came. */
  readonly value: Element = new Element();
  readonly #isElement: boolean;
  readonly #star: number;
  /** What stands before and behind the `*`, and the field; null where there is none. */
  readonly #prefix: Uint8Array;
  readonly #suffix: Uint8Array;
  readonly #field: Uint8Array | null;
  #key = new Uint8Array(64);

  constructor(request: Request, at: number) {
    const pattern = request.copyOf(at);
    this.#isElement = pattern[0] === HASH_SIGN && (pattern.length === 1 || pattern[1] === 0);
    const star = this.#star = starOf(pattern);
    const arrow = star < 0 ? -1 : arrowOf(pattern, star + 1);
    this.#prefix = pattern.subarray(0, Math.max(0, star));
    this.#suffix = pattern.subarray(star + 1, arrow < 0 ? pattern.length : arrow);
    this.#field = arrow < 0 ? null : pattern.subarray(arrow + 2);
  }

  /** Finds what the pattern names for an element, a string or a field, and points `value` to it; false if there is none. */
  find(session: Session, bytes: Uint8Array, start: number, elementLength: number): boolean {
    const { value } = this;
    if (this.#isElement) {
      value.setString(bytes, start, elementLength);
      return true;
    }
    if (this.#star < 0) return false; // the value of one key is of no use for all elements
    const { heap: { entries }, hashes } = session.host.store;
    const length = this.#keyOf(bytes, start, elementLength);
    const ref = session.database.read(this.#key, 0, length);
    if (ref === 0) return false;
    const type = entries.type(ref);
    const field = this.#field;
    if (field !== null) return type === TYPE_HASH && hashes.get(ref, field, 0, field.length, value);
    if (type !== TYPE_STRING) return false;
    value.setString(entries.bytes(ref), entries.valueStart(ref), entries.valueWord(ref));
    return true;
  }

  /** Puts an element in the place of the `*`; the length of the key. */
  #keyOf(bytes: Uint8Array, start: number, elementLength: number): number {
    const prefix = this.#prefix;
    const suffix = this.#suffix;
    const length = prefix.length + elementLength + suffix.length;
    if (length > this.#key.length) this.#key = new Uint8Array(length * 2);
    copyBytes(prefix, 0, prefix.length, this.#key, 0);
    copyBytes(bytes, start, elementLength, this.#key, prefix.length);
    copyBytes(suffix, 0, suffix.length, this.#key, prefix.length + elementLength);
    return length;
  }
}
