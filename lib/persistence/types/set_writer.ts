/**
 * How sets are written: an intset as the bytes that it is, all else member by member. Listpacks have an RDB type of their own
 * only from version 11 on, which Redis 7.0 cannot read.
 */

import { ENCODING_HASHTABLE, ENCODING_INTSET, ENCODING_LISTPACK } from "../../store/entry.ts";
import type { Heap } from "../../store/heap.ts";
import { Element, entryBytes, firstElement, LISTPACK_END, listpackCount } from "../../store/listpack.ts";
import { RDB_TYPE_SET, RDB_TYPE_SET_INTSET } from "../rdb_format.ts";
import type { RdbOutput } from "../rdb_output.ts";
import { MembersWriter } from "./members_writer.ts";
import type { BodyWriter, ValueWriter } from "./value_writer.ts";

export class SetWriter implements ValueWriter {
  readonly body: BodyWriter;
  readonly #element = new Element();

  constructor(heap: Heap) {
    this.body = new PlainMembersWriter(heap);
  }

  rdbType(encoding: number): number {
    if (encoding === ENCODING_INTSET) return RDB_TYPE_SET_INTSET;
    if (encoding === ENCODING_LISTPACK || encoding === ENCODING_HASHTABLE) return RDB_TYPE_SET;
    throw new Error(`no RDB type for sets in encoding ${encoding}`);
  }

  readonly inline = (
    output: RdbOutput,
    bytes: Uint8Array,
    start: number,
    length: number,
    encoding: number,
  ): void => {
    if (encoding === ENCODING_INTSET) return output.string(bytes, start, length);
    output.begin();
    output.length(listpackCount(bytes, start));
    output.end();
    const element = this.#element;
    for (let at = firstElement(start); bytes[at] !== LISTPACK_END; at += entryBytes(bytes, at)) {
      element.read(bytes, at);
      element.toBytes();
      output.string(element.bytes, element.start, element.length);
    }
  };
}

/** Writes tables of members that have nothing with them. */
class PlainMembersWriter extends MembersWriter {
  table(body: number): number {
    return body;
  }

  element(output: RdbOutput, ref: number): void {
    const { entries } = this.heap;
    output.string(entries.bytes(ref), entries.keyStart(ref), entries.keyLength(ref));
  }
}
