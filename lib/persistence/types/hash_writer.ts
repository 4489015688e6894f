/** How hashes are written: a listpack as the bytes that it is, a table as fields and values. */

import { SEGMENT_MASK, SEGMENT_SHIFT } from "../../store/arena.ts";
import { ENCODING_HASHTABLE, ENCODING_LISTPACK } from "../../store/entry.ts";
import type { Heap } from "../../store/heap.ts";
import { RDB_TYPE_HASH, RDB_TYPE_HASH_LISTPACK } from "../rdb_format.ts";
import type { RdbOutput } from "../rdb_output.ts";
import { MembersWriter } from "./members_writer.ts";
import type { BodyWriter, ValueWriter } from "./value_writer.ts";

export class HashWriter implements ValueWriter {
  readonly inline = null;
  readonly body: BodyWriter;

  constructor(heap: Heap) {
    this.body = new FieldsWriter(heap);
  }

  rdbType(encoding: number): number {
    if (encoding === ENCODING_HASHTABLE) return RDB_TYPE_HASH;
    if (encoding === ENCODING_LISTPACK) return RDB_TYPE_HASH_LISTPACK;
    throw new Error(`no RDB type for hashes in encoding ${encoding}`);
  }
}

/** Writes tables of fields. */
class FieldsWriter extends MembersWriter {
  table(body: number): number {
    return body;
  }

  element(output: RdbOutput, ref: number): void {
    const { entries, arena } = this.heap;
    const words = arena.words[ref >>> SEGMENT_SHIFT];
    const bytes = arena.bytes[ref >>> SEGMENT_SHIFT];
    const keyStart = entries.keyStart(ref);
    const keyLength = entries.keyLength(ref);
    output.string(bytes, keyStart, keyLength);
    output.string(bytes, keyStart + keyLength, words[((ref & SEGMENT_MASK) << 1) + 2]);
  }
}
