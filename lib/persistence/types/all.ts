/** How values of each type are written, by the type's number. */

import { TYPE_HASH, TYPE_STRING } from "../../store/entry.ts";
import type { Heap } from "../../store/heap.ts";
import { HashWriter } from "./hash_writer.ts";
import { StringWriter } from "./string_writer.ts";
import type { BodyWriter, ValueWriter } from "./value_writer.ts";

/** The writers of all value types. */
export class ValueWriters {
  /** By number; undefined where a number names no type that there is. */
  readonly #byNumber: (ValueWriter | undefined)[] = [];

  constructor(readonly heap: Heap) {
    this.#byNumber[TYPE_STRING] = new StringWriter();
    this.#byNumber[TYPE_HASH] = new HashWriter(heap);
  }

  of(type: number): ValueWriter {
    const writer = this.#byNumber[type];
    if (writer === undefined) throw new Error(`values of type ${type} cannot be written`);
    return writer;
  }

  /** How the body of an entry's value is written; null where the value is inline. */
  body(ref: number): BodyWriter | null {
    const { entries } = this.heap;
    return entries.hasBody(ref) ? this.of(entries.type(ref)).body : null;
  }
}
