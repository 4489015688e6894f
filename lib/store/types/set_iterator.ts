/** Goes over the members of a set, in whatever encoding it is. */

import { parseWords } from "../../bytes/int64_words.ts";
import { ENCODING_HASHTABLE, ENCODING_INTSET } from "../entry.ts";
import type { Heap } from "../heap.ts";
import { intsetCount } from "../intset.ts";
import { Element, entryBytes, firstElement, LISTPACK_END } from "../listpack.ts";
import { TableIterator } from "../table_iterator.ts";
import { pointToInteger } from "./set_intsets.ts";

/** Whose sets they are: `Sets`. */
export interface SetOwner {
  readonly heap: Heap;
  /** Points to a member's entry in a table. */
  point(member: number, into: Element): void;
}

/** Walks over all members of a set, which must not change meanwhile. */
export class SetIterator {
  /** What the last `next` came to. */
  readonly member: Element = new Element();

  readonly #table: TableIterator;
  #encoding = 0;
  #bytes: Uint8Array = this.member.bytes;
  /** Where an intset begins, and its number of integers. */
  #start = 0;
  #count = 0;
  /** Offset of the next element of a listpack; index of the next integer. */
  #at = 0;

  constructor(readonly sets: SetOwner) {
    this.#table = new TableIterator(sets.heap.tables);
  }

  /** Begins anew, with the set `ref`. */
  begin(ref: number): void {
    const { entries } = this.sets.heap;
    this.#encoding = entries.encoding(ref);
    if (this.#encoding === ENCODING_HASHTABLE) return this.#table.begin(entries.valueWord(ref));
    this.#bytes = entries.bytes(ref);
    this.#start = entries.valueStart(ref);
    if (this.#encoding === ENCODING_INTSET) {
      this.#count = intsetCount(this.#bytes, this.#start);
      this.#at = 0;
    } else {
      this.#at = firstElement(this.#start);
    }
  }

  /** Goes to the next member; false after the last. */
  next(): boolean {
    if (this.#encoding === ENCODING_HASHTABLE) {
      const member = this.#table.next();
      if (member === 0) return false;
      this.sets.point(member, this.member);
      return true;
    }
    const bytes = this.#bytes;
    const at = this.#at;
    if (this.#encoding === ENCODING_INTSET) {
      if (at === this.#count) return false;
      pointToInteger(this.member, bytes, this.#start, at);
      this.#at++;
      return true;
    }
    if (bytes[at] === LISTPACK_END) return false;
    this.member.read(bytes, at);
    this.#at = at + entryBytes(bytes, at);
    return true;
  }

  /** Whether the member is an integer; it is said in the words of bytes/int64_words.ts then. */
  parse(): boolean {
    const { member } = this;
    member.toBytes();
    return parseWords(member.bytes, member.start, member.length);
  }
}
