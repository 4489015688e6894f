/**
 * The heap: the arena and what is built of its blocks (entries, tables, values of all types), with the freeing of what is
 * too large to be freed at once. It knows nothing of databases, of time, or of why something is kept.
 */

import { Arena, SEGMENT_MASK } from "./arena.ts";
import { Entries } from "./entry.ts";
import { Foresight } from "./foresight.ts";
import { SnapshotHooks } from "./snapshot_hooks.ts";
import { Tables } from "./table.ts";
import type { ValueType } from "./types/value_type.ts";

/** Entries freed at a time when tables are discarded in slices. */
const DISCARD_SLICE = 512;

interface DiscardedTable {
  readonly table: number;
  cursor: number;
}

export class Heap {
  readonly arena = new Arena();
  readonly entries: Entries = new Entries(this.arena);
  readonly tables: Tables = new Tables(this.arena);
  readonly snapshots: SnapshotHooks = new SnapshotHooks(this.entries);
  /** The value types by their numbers; undefined where a number names no type that there is. */
  readonly types: (ValueType | undefined)[] = [];
  readonly foresight: Foresight = new Foresight(this.entries, this.tables, this.types);

  readonly #discarded: DiscardedTable[] = [];
  readonly #refs: number[] = [];

  /** The type of an entry's value. */
  typeOf(ref: number): ValueType {
    const type = this.types[this.entries.type(ref)];
    if (type === undefined) throw new Error(`there is no value type ${this.entries.type(ref)}`);
    return type;
  }

  /** Frees an entry that is in no table, and its value. */
  release(ref: number): void {
    if (this.entries.hasBody(ref)) this.typeOf(ref).freeBody(this.entries.valueWord(ref));
    this.arena.free(ref);
  }

  /** Adds an entry just made to a table; where there is no memory for that, the entry is freed. */
  addNew(table: number, hash: number, ref: number): void {
    try {
      this.tables.insert(table, hash, ref);
    } catch (error) {
      this.arena.free(ref);
      throw error;
    }
  }

  /**
   * A copy of an entry's own block under another key, in no table. Where the value is a body, whose it is to be is the
   * caller's to set.
   */
  twin(ref: number, key: Uint8Array, start: number, length: number): number {
    const { arena, entries, snapshots } = this;
    const has = entries.hasExpiry(ref);
    const inline = entries.inlineLength(ref);
    const twin = entries.create(key, start, length, entries.word(ref, 0), inline, has);
    if (snapshots.epoch !== 0) snapshots.mark(twin);
    if (has) entries.setExpiry(twin, entries.exactExpiry(ref));
    const valueAt = entries.valueStart(ref) - ((ref & SEGMENT_MASK) << 3);
    arena.copy(ref, valueAt, twin, entries.valueStart(twin) - ((twin & SEGMENT_MASK) << 3), inline);
    return twin;
  }

  /** A copy of a block of `bytes` elsewhere. */
  copyBlock(ref: number, bytes: number): number {
    const copy = this.arena.alloc(bytes);
    this.arena.copy(ref, 0, copy, 0, bytes);
    return copy;
  }

  /** Leaves a table with all its entries to be freed in slices. */
  discardTable(table: number): void {
    this.#discarded.push({ table, cursor: 0 });
  }

  /** Whether discarded entries still wait to be freed. */
  get hasDiscarded(): boolean {
    return this.#discarded.length > 0;
  }

  /** Frees about `limit` discarded entries; whether more wait. */
  freeDiscarded(limit: number): boolean {
    while (this.#discarded.length > 0 && limit > 0) {
      const last = this.#discarded[this.#discarded.length - 1];
      const next = this.tables.scan(last.table, last.cursor, Math.min(limit, DISCARD_SLICE), this.#refs);
      limit -= this.#refs.length + 1;
      if (next === 0) this.#discarded.splice(this.#discarded.indexOf(last), 1);
      last.cursor = next;
      for (let i = 0; i < this.#refs.length; i++) this.release(this.#refs[i]);
      if (next === 0) this.tables.destroy(last.table);
    }
    return this.#discarded.length > 0;
  }
}
