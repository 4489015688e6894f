/** How sorted sets are written: a listpack as the bytes that it is, a body as members and scores in binary. */

import { ENCODING_LISTPACK, ENCODING_SKIPLIST } from "../../store/entry.ts";
import type { SortedSets } from "../../store/types/sorted_sets.ts";
import { RDB_TYPE_ZSET_2, RDB_TYPE_ZSET_LISTPACK } from "../rdb_format.ts";
import type { RdbOutput } from "../rdb_output.ts";
import { MembersWriter } from "./members_writer.ts";
import type { BodyWriter, ValueWriter } from "./value_writer.ts";

export class SortedSetWriter implements ValueWriter {
  readonly inline = null;
  readonly body: BodyWriter;

  constructor(sets: SortedSets) {
    this.body = new ScoredWriter(sets);
  }

  rdbType(encoding: number): number {
    if (encoding === ENCODING_SKIPLIST) return RDB_TYPE_ZSET_2;
    if (encoding === ENCODING_LISTPACK) return RDB_TYPE_ZSET_LISTPACK;
    throw new Error(`no RDB type for sorted sets in encoding ${encoding}`);
  }
}

/** Writes members with their scores, in the order of their table. */
class ScoredWriter extends MembersWriter {
  constructor(readonly sets: SortedSets) {
    super(sets.heap);
  }

  table(body: number): number {
    return this.sets.tableOf(body);
  }

  element(output: RdbOutput, ref: number): void {
    const { entries } = this.heap;
    output.string(entries.bytes(ref), entries.keyStart(ref), entries.keyLength(ref));
    output.begin();
    output.int32(entries.word(ref, 3));
    output.int32(entries.word(ref, 4));
    output.end();
  }
}
