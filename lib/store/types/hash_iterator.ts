/** Goes over the fields of a hash with their values, in whatever encoding it is. */

import { ENCODING_HASHTABLE } from "../entry.ts";
import type { Heap } from "../heap.ts";
import { Element, entryBytes, firstElement, LISTPACK_END } from "../listpack.ts";
import { TableIterator } from "../table_iterator.ts";

/** Whose hashes they are: `Hashes`. */
export interface HashOwner {
  readonly heap: Heap;
  /** Points `field` and `value` to an entry of a hash's table. */
  point(entry: number, field: Element, value: Element): void;
}

/** Walks over all fields of a hash, which must not change meanwhile. */
export class HashIterator {
  /** What the last `next` came to. */
  readonly field: Element = new Element();
  readonly value: Element = new Element();

  readonly #table: TableIterator;
  #isTable = false;
  #bytes = this.field.bytes;
  /** Offset of the next element of a listpack. */
  #at = 0;

  constructor(readonly hashes: HashOwner) {
    this.#table = new TableIterator(hashes.heap.tables);
  }

  /** Begins anew, with the hash `ref`. */
  begin(ref: number): void {
    const { entries } = this.hashes.heap;
    this.#isTable = entries.encoding(ref) === ENCODING_HASHTABLE;
    if (this.#isTable) return this.#table.begin(entries.valueWord(ref));
    this.#bytes = entries.bytes(ref);
    this.#at = firstElement(entries.valueStart(ref));
  }

  /** Goes to the next field; false after the last. */
  next(): boolean {
    if (this.#isTable) {
      const entry = this.#table.next();
      if (entry === 0) return false;
      this.hashes.point(entry, this.field, this.value);
      return true;
    }
    const bytes = this.#bytes;
    const at = this.#at;
    if (bytes[at] === LISTPACK_END) return false;
    const valueAt = at + entryBytes(bytes, at);
    this.field.read(bytes, at);
    this.value.read(bytes, valueAt);
    this.#at = valueAt + entryBytes(bytes, valueAt);
    return true;
  }
}
