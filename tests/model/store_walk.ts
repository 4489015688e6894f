/** Walks a whole store: its tables, its arena, and that each holds what the others say. */

import assert from "node:assert/strict";
import { ENCODING_HASHTABLE } from "../../lib/store/entry.ts";
import type { Store } from "../../lib/store/store.ts";
import { walkArena } from "./arena_walk.ts";
import { walkTable } from "./table_walk.ts";

/** Walks all that a store holds. While a snapshot runs, it may hold tables that were flushed. */
export function walkStore(store: Store, isSnapshotting: boolean): void {
  while (store.heap.freeDiscarded(100_000));
  const held: number[] = [];
  for (const database of [...store.databases, ...store.unnumbered]) {
    const tables = database.inspect();
    const keys = walkTable(store, tables.keys);
    const expires = walkTable(store, tables.expires);
    const expiring = keys.entries.filter((ref) => store.heap.entries.hasExpiry(ref));
    assert.deepEqual(new Set(expires.entries), new Set(expiring), "the index has exactly what expires");
    for (const refs of [keys.blocks, keys.entries, expires.blocks]) for (const ref of refs) held.push(ref);
    for (const ref of keys.entries) {
      if (!isSnapshotting) assert.ok(store.heap.snapshots.isMarked(ref), "all have the mark");
      if (store.heap.entries.encoding(ref) !== ENCODING_HASHTABLE) continue;
      const body = walkTable(store, store.heap.entries.valueWord(ref));
      for (const refs of [body.blocks, body.entries]) for (const one of refs) held.push(one);
      if (isSnapshotting) continue;
      for (const field of body.entries) assert.ok(store.heap.snapshots.isMarked(field), "fields have the mark as well");
    }
  }
  walkArena(store.heap.arena, held, isSnapshotting);
}
