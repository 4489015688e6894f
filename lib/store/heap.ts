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

/** What is to be freed in slices. */
export interface Discarded {
  /** Frees about `limit` of what it holds; how many, 0 once all is gone. */
  free(limit: number): number;
}

/** A table with its entries. */
class DiscardedTable implements Discarded {
  #cursor = 0;
  #isGone = false;
  readonly #refs: number[] = [];

  constructor(readonly heap: Heap, readonly table: number) {}

  free(limit: number): number {
    if (this.#isGone) return 0;
    const { tables } = this.heap;
    const refs = this.#refs;
    this.#cursor = tables.scan(this.table, this.#cursor, limit, refs);
    for (let i = 0; i < refs.length; i++) this.heap.release(refs[i]);
    if (this.#cursor === 0) {
      tables.destroy(this.table);
      this.#isGone = true;
    }
    return refs.length + 1;
  }
}

export class Heap {
  readonly arena = new Arena();
  readonly entries: Entries = new Entries(this.arena);
  readonly tables: Tables = new Tables(this.arena);
  readonly snapshots: SnapshotHooks = new SnapshotHooks(this.entries);
  /** The value types by their numbers; undefined where a number names no type that there is. */
  readonly types: (ValueType | undefined)[] = [];
  readonly foresight: Foresight = new Foresight(this.entries, this.tables, this.types);

  /** Values that were too large to be freed at once, and are gone by now. */
  freedInSlices = 0;
  /** Values of which some wait to be freed. */
  pendingValues = 0;

  readonly #discarded: Discarded[] = [];
  #isFreeing = false;

  /** The type of an entry's value. */
  typeOf(ref: number): ValueType {
    const type = this.types[this.entries.type(ref)];
    if (type === undefined) throw new Error(`there is no value type ${this.entries.type(ref)}`);
    return type;
  }

  /** Bytes that an entry's value takes outside of its block, those of `samples` elements taken for all (0: of all). */
  valueBytes(ref: number, samples: number): number {
    const { entries } = this;
    return entries.hasBody(ref) ? this.typeOf(ref).bodyBytes(entries.valueWord(ref), samples) : 0;
  }

  /** Frees an entry that is in no table, and its value. */
  release(ref: number): void {
    if (this.entries.hasBody(ref)) {
      const waiting = this.#discarded.length;
      this.typeOf(ref).freeBody(this.entries.valueWord(ref));
      // What is discarded with a table of keys has been counted as one of them.
      if (this.#discarded.length > waiting && !this.#isFreeing) this.pendingValues++;
    }
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
    this.discard(new DiscardedTable(this, table));
  }

  /** The same of a table of keys: each is a value that waits. */
  discardKeys(table: number): void {
    this.pendingValues += this.tables.count(table);
    this.discardTable(table);
  }

  /** Leaves anything to be freed in slices. */
  discard(discarded: Discarded): void {
    this.#discarded.push(discarded);
  }

  /** Whether discarded entries still wait to be freed. */
  get hasDiscarded(): boolean {
    return this.#discarded.length > 0;
  }

  /** Frees about `limit` discarded entries; whether more wait. */
  freeDiscarded(limit: number): boolean {
    this.#isFreeing = true;
    while (this.#discarded.length > 0 && limit > 0) {
      const last = this.#discarded[this.#discarded.length - 1];
      const freed = last.free(Math.min(limit, DISCARD_SLICE));
      if (freed === 0) this.#discarded.splice(this.#discarded.indexOf(last), 1); // more may have come on top meanwhile
      limit -= freed;
    }
    this.#isFreeing = false;
    if (this.#discarded.length > 0) return true;
    this.freedInSlices += this.pendingValues;
    this.pendingValues = 0;
    return false;
  }
}
