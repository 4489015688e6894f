/**
 * Where the store and a snapshot under way meet: the marks that tell what the snapshot has dealt with, and what it must
 * be told before something changes or goes. The elements of a body (for a hash its fields' entries) have marks as well,
 * so that a change to one of them need not have all of the value written.
 *
 * Entries are known by their ref and by the table of keys that they are in. The heap owns the hooks; databases and value
 * types call them; the snapshot (persistence/snapshot.ts) listens.
 */

import { type Entries, EPOCH_BIT } from "./entry.ts";
import { SnapshotMemory } from "./snapshot_memory.ts";

/**
 * A table of keys, as a snapshot walks it. It stays what it is while SWAPDB gives it to another database; and where its
 * database gives it up, a snapshot may keep it.
 */
export interface WalkedTable {
  readonly size: number;
  /** Entries that have an expiry. */
  readonly expiring: number;
  /** Collects some entries from a cursor on, as `Tables.scan`; returns where to go on, 0 at the end. */
  scan(cursor: number, limit: number, into: number[]): number;
  /** Bytes that it takes with all that is in it, as some entries tell. */
  estimateBytes(): number;
  /** Frees it, with all that is in it, in slices: for whoever has kept it. */
  free(): void;
}

/** A snapshot under way, as the store tells it of changes. It must look up nothing in any table. */
export interface SnapshotListener {
  /**
   * An entry that has not been dealt with is about to change: it counts as it is now. Its value may have another body
   * after that, which is the same.
   */
  beforeChange(table: WalkedTable, ref: number): void;
  /** One is about to go: whether the listener takes it over, to write and release it later. */
  beforeRemoval(table: WalkedTable, ref: number): boolean;
  /** A database gives up a table of keys: whether the listener still needs it, and will free it later. */
  keepsTable(table: WalkedTable): boolean;
  /** An element that has no mark has left a body: it is the listener's to free. */
  displaced(body: number, element: number): void;
  /** There is no memory to keep elements of a body: all of it is to be read now. */
  readNow(body: number): void;
  /** A body is about to be freed: whether the listener still needs it, and will free it later. */
  keepsBody(body: number): boolean;
}

export class SnapshotHooks {
  /**
   * EPOCH_BIT or 0: the mark of entries that the snapshot under way has dealt with, or need not see. Between snapshots
   * every entry in every database has this mark; a snapshot starts by changing it.
   */
  epoch = 0;
  /** The snapshot under way. */
  listener: SnapshotListener | null = null;
  /** What is kept for it. */
  readonly memory: SnapshotMemory = new SnapshotMemory();

  constructor(readonly entries: Entries) {}

  /** Marks an entry as one that the snapshot under way need not see (again). */
  mark(ref: number): void {
    this.entries.setWord(ref, 1, (this.entries.word(ref, 1) & ~EPOCH_BIT) | this.epoch);
  }

  isMarked(ref: number): boolean {
    return (this.entries.word(ref, 1) & EPOCH_BIT) === this.epoch;
  }

  /** Whether the snapshot under way has still to deal with an entry. */
  isAwaited(ref: number): boolean {
    return this.listener !== null && !this.isMarked(ref);
  }

  /**
   * To be called for an element that has left a body, in place of freeing it: whether the snapshot under way has taken
   * it over. An element without a mark must not be changed in place (`isAwaited`).
   */
  takesElement(body: number, element: number): boolean {
    if (this.listener === null || this.isMarked(element)) return false;
    this.listener.displaced(body, element);
    return true;
  }

  /** To be called where elements of a body cannot be kept for the snapshot under way: none is awaited any more then. */
  readNow(body: number): void {
    this.listener?.readNow(body);
  }

  /** To be called before a body is freed: whether the snapshot under way will do that. */
  keepsBody(body: number): boolean {
    return this.listener !== null && this.listener.keepsBody(body);
  }

  /** To be called before a table of keys is freed that its database has given up: whether the snapshot will do that. */
  keepsTable(table: WalkedTable): boolean {
    return this.listener !== null && this.listener.keepsTable(table);
  }

  /** To be called before an entry changes in any way but its access clock. */
  prepareChange(table: WalkedTable, ref: number): void {
    if (this.listener === null || this.isMarked(ref)) return;
    this.listener.beforeChange(table, ref);
    this.mark(ref);
  }

  /**
   * To be called before an entry is taken out of its tables for good. Whether the snapshot under way has taken it over,
   * so that nobody else may touch or release it: a large value need not be written out at once.
   */
  prepareRemoval(table: WalkedTable, ref: number): boolean {
    if (this.listener === null || this.isMarked(ref)) return false;
    if (this.listener.beforeRemoval(table, ref)) return true;
    this.prepareChange(table, ref);
    return false;
  }
}
