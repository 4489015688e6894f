/** The value types there are, by their numbers. */

import { TYPE_HASH, TYPE_STRING } from "../entry.ts";
import type { Heap } from "../heap.ts";
import { Hashes } from "./hashes.ts";
import { Strings } from "./strings.ts";
import type { ValueType } from "./value_type.ts";

/** Gives a heap its value types: those that values of their own commands use are properties as well. */
export class ValueTypes {
  readonly strings: Strings;
  readonly hashes: Hashes;
  /** By number; undefined where a number names no type that there is. */
  readonly byNumber: readonly (ValueType | undefined)[];

  constructor(heap: Heap) {
    this.strings = new Strings(heap);
    this.hashes = new Hashes(heap);
    const types: (ValueType | undefined)[] = [];
    types[TYPE_STRING] = this.strings;
    types[TYPE_HASH] = this.hashes;
    this.byNumber = types;
  }
}
