/** How hashes are written: a listpack as the bytes that it is, a table as fields and values. */

import { SEGMENT_MASK, SEGMENT_SHIFT } from "../../store/arena.ts";
import { ENCODING_HASHTABLE, ENCODING_LISTPACK } from "../../store/entry.ts";
import type { Heap } from "../../store/heap.ts";
import type { SnapshotHooks } from "../../store/snapshot_hooks.ts";
import { RDB_TYPE_HASH, RDB_TYPE_HASH_LISTPACK } from "../rdb_format.ts";
import type { TokenWriter } from "../token_writer.ts";
import type { BodyWriter, ValueWriter } from "./value_writer.ts";

export class HashWriter implements ValueWriter {
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
class FieldsWriter implements BodyWriter {
  written = 0;
  readonly #refs: number[] = [];

  constructor(readonly heap: Heap) {}

  count(table: number): number {
    return this.heap.tables.count(table);
  }

  begin(tokens: TokenWriter, count: number): void {
    tokens.begin();
    tokens.length(count);
    tokens.end();
  }

  write(tokens: TokenWriter, table: number, cursor: number, limit: number, marks: SnapshotHooks | null): number {
    const next = this.heap.tables.scan(table, cursor, limit, this.#refs);
    let written = 0;
    for (const ref of this.#refs) {
      if (marks !== null) {
        if (marks.isMarked(ref)) continue;
        marks.mark(ref);
      }
      this.element(tokens, ref);
      written++;
    }
    this.written = written;
    return next;
  }

  mark(table: number, cursor: number, limit: number, marks: SnapshotHooks): number {
    const next = this.heap.tables.scan(table, cursor, limit, this.#refs);
    for (const ref of this.#refs) marks.mark(ref);
    return next;
  }

  element(tokens: TokenWriter, ref: number): void {
    const { entries, arena } = this.heap;
    const words = arena.words[ref >>> SEGMENT_SHIFT];
    const bytes = arena.bytes[ref >>> SEGMENT_SHIFT];
    const keyStart = entries.keyStart(ref);
    const keyLength = entries.keyLength(ref);
    tokens.string(bytes, keyStart, keyLength);
    tokens.string(bytes, keyStart + keyLength, words[((ref & SEGMENT_MASK) << 1) + 2]);
  }
}
