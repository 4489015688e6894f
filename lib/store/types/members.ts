/**
 * Tables of members: what large hashes, sets and sorted sets keep their elements in. A member is an entry of which the key
 * is the member's bytes, and the value whatever the type keeps with it; a table holds each once. Used by these types alone.
 *
 * A member without the mark of the snapshot under way must not be changed in place, nor freed when it leaves: it is the
 * snapshot's (`SnapshotHooks`). `owner` is the body by which the snapshot knows the value.
 */

import { hashBytes } from "../../bytes/hash.ts";
import { ENCODING_RAW, TYPE_STRING } from "../entry.ts";
import type { Heap } from "../heap.ts";

/** Word 0 of a member's entry. */
const MEMBER_META = TYPE_STRING | (ENCODING_RAW << 4);
/** Members looked at in a step. */
const BATCH = 128;
/** A table with no more members is freed, or moved, at once. */
const FREED_AT_ONCE = 128;
const MOVED_AT_ONCE = 1024;

/** Operations on the tables of members of one heap. */
export class Members {
  readonly #refs: number[] = [];

  constructor(readonly heap: Heap) {}

  /** Makes a member that is in no table yet, with `valueLength` undefined bytes of value, or 8 bytes before the key. */
  create(bytes: Uint8Array, start: number, length: number, valueLength: number, hasWords: boolean): number {
    const { entries, snapshots } = this.heap;
    const member = entries.create(bytes, start, length, MEMBER_META, valueLength, hasWords);
    if (snapshots.epoch !== 0) snapshots.mark(member);
    return member;
  }

  /** Frees a member that has left its table. */
  free(owner: number, member: number): void {
    if (!this.heap.snapshots.takesElement(owner, member)) this.heap.arena.free(member);
  }

  /** Frees a table that is nobody's any more, with its members: a small one at once, a large one in slices. */
  freeTable(table: number): void {
    const { arena, tables } = this.heap;
    if (tables.count(table) > FREED_AT_ONCE) return this.heap.discardTable(table);
    const refs = this.#refs;
    let cursor = 0;
    do {
      cursor = tables.scan(table, cursor, FREED_AT_ONCE, refs);
      for (let i = 0; i < refs.length; i++) arena.free(refs[i]);
    } while (cursor !== 0);
    tables.destroy(table);
  }

  /** A table with copies of all members. Throws where there is no memory, and has taken none then. */
  copyTable(from: number): number {
    const { entries, tables, snapshots } = this.heap;
    const to = tables.create();
    try {
      const refs: number[] = [];
      let cursor = 0;
      do {
        cursor = tables.scan(from, cursor, BATCH, refs);
        for (const ref of refs) {
          const twin = this.heap.copyBlock(ref, entries.bytesOf(ref));
          snapshots.mark(twin);
          this.heap.addNew(to, hashBytes(entries.bytes(ref), entries.keyStart(ref), entries.keyLength(ref)), twin);
        }
      } while (cursor !== 0);
    } catch (error) {
      this.freeTable(to);
      throw error;
    }
    return to;
  }

  /** Bytes of a table and its members, of which `samples` are taken for all (0: all). */
  memoryBytes(table: number, samples: number): number {
    const { tables, arena } = this.heap;
    const wanted = samples === 0 ? Infinity : samples;
    const refs: number[] = [];
    let cursor = 0;
    let seen = 0;
    let bytes = 0;
    do {
      cursor = tables.scan(table, cursor, BATCH, refs);
      for (let i = 0; i < refs.length && seen < wanted; i++, seen++) bytes += arena.usableBytes(refs[i]);
    } while (cursor !== 0 && seen < wanted);
    return tables.memoryBytes(table) + (seen === 0 ? 0 : Math.round((bytes / seen) * tables.count(table)));
  }

  /** `ValueType.relocateBody` for values of which the body is a table of members. */
  relocateBody(ref: number, cursor: number): number {
    const { entries } = this.heap;
    return this.relocate(entries.valueWord(ref), cursor, (table) => entries.setValueWord(ref, table));
  }

  /**
   * Moves a step of what a table has in segments that are leaving, its members by `moved` if that is given (old and new
   * ref). From cursor 0 the table itself moves, and `setTable` is given its ref. Returns where to go on, 0 at the end.
   */
  relocate(
    table: number,
    cursor: number,
    setTable: (table: number) => void,
    moved: (from: number, to: number) => void = () => {},
  ): number {
    const { arena, entries, tables } = this.heap;
    const move = (ref: number): number => {
      if (!arena.isLeaving(ref)) return ref;
      const to = this.heap.copyBlock(ref, entries.bytesOf(ref));
      moved(ref, to);
      arena.free(ref);
      return to;
    };
    if (cursor > 0) return tables.relocateSegment(table, cursor, move);
    table = tables.relocate(table);
    setTable(table);
    const isSmall = tables.count(table) <= MOVED_AT_ONCE;
    do cursor = tables.relocateSegment(table, cursor, move); while (cursor !== 0 && isSmall);
    return cursor;
  }
}
