/** Goes over all entries of a table, which must not change meanwhile. What cannot wait so long scans (`Tables.scan`). */

import type { Tables } from "./table.ts";

/** Entries that are fetched at a time. */
const BATCH = 128;

export class TableIterator {
  #table = 0;
  #cursor = 0;
  #isLast = false;
  readonly #batch: number[] = [];
  /** Index in `#batch` of the entry that comes next. */
  #at = 0;

  constructor(readonly tables: Tables) {}

  /** Begins anew, with a table. */
  begin(table: number): void {
    this.#table = table;
    this.#cursor = 0;
    this.#isLast = false;
    this.#batch.length = 0;
    this.#at = 0;
  }

  /** The next entry; 0 after the last. */
  next(): number {
    while (this.#at === this.#batch.length) {
      if (this.#isLast) return 0;
      this.#cursor = this.tables.scan(this.#table, this.#cursor, BATCH, this.#batch);
      this.#isLast = this.#cursor === 0;
      this.#at = 0;
    }
    return this.#batch[this.#at++];
  }
}
