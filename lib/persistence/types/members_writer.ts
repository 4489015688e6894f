/** How bodies of members are written: tables, of which each type knows what stands in an entry. */

import type { Heap } from "../../store/heap.ts";
import type { SnapshotHooks } from "../../store/snapshot_hooks.ts";
import type { RdbOutput } from "../rdb_output.ts";
import { type BodyWriter, STEP_BYTES, WRITTEN } from "./value_writer.ts";

/** A table with more members is written in steps. */
const LARGE_MEMBERS = 128;

export abstract class MembersWriter implements BodyWriter {
  readonly consistsOf = "members";
  written = 0;
  writtenBytes = 0;
  readonly #refs: number[] = [];

  constructor(readonly heap: Heap) {}

  /** The table of a body's members. */
  abstract table(body: number): number;

  abstract element(output: RdbOutput, ref: number): void;

  isLarge(body: number): boolean {
    return this.count(body) > LARGE_MEMBERS;
  }

  isLong(body: number): boolean {
    const refs = this.#refs;
    let bytes = 0;
    let cursor = 0;
    do {
      cursor = this.heap.tables.scan(this.table(body), cursor, LARGE_MEMBERS, refs);
      for (let i = 0; i < refs.length; i++) bytes += this.heap.entries.bytesOf(refs[i]);
    } while (cursor !== 0 && bytes <= STEP_BYTES);
    return bytes > STEP_BYTES;
  }

  count(body: number): number {
    return this.heap.tables.count(this.table(body));
  }

  source(body: number): number {
    return body;
  }

  share(body: number): number {
    return body;
  }

  unshare(): void {}

  begin(output: RdbOutput, count: number): void {
    output.begin();
    output.length(count);
    output.end();
  }

  write(output: RdbOutput, body: number, cursor: number, limit: number, marks: SnapshotHooks | null): number {
    const next = this.heap.tables.scan(this.table(body), cursor, limit, this.#refs);
    let written = 0;
    let bytes = 0;
    this.heap.foresight.fetchEntries(this.#refs);
    for (const ref of this.#refs) {
      if (marks !== null) {
        if (marks.isMarked(ref)) continue;
        if (bytes > STEP_BYTES) break; // the same place again, past what is marked by then
        marks.mark(ref);
        bytes += this.heap.entries.bytesOf(ref);
      }
      this.element(output, ref);
      written++;
    }
    this.written = written;
    this.writtenBytes = bytes;
    if (bytes > STEP_BYTES) return cursor;
    return next === 0 ? WRITTEN : next;
  }

  mark(body: number, cursor: number, limit: number, marks: SnapshotHooks): number {
    const next = this.heap.tables.scan(this.table(body), cursor, limit, this.#refs);
    for (const ref of this.#refs) marks.mark(ref);
    return next;
  }
}
