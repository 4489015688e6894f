/** Walks a whole store: its tables, its arena, and that each holds what the others say. */

import assert from "node:assert/strict";
import { ENCODING_HASHTABLE } from "../../lib/store/entry.ts";
import type { Keyspace } from "../../lib/store/keyspace.ts";
import { walkArena } from "./arena_walk.ts";
import { walkTable } from "./table_walk.ts";

/** Walks all that a keyspace holds. While a snapshot runs, it may hold tables that were flushed. */
export function walkKeyspace(keyspace: Keyspace, isSnapshotting: boolean): void {
  while (keyspace.store.heap.freeDiscarded(100_000));
  const held: number[] = [];
  for (const database of [...keyspace.databases, ...keyspace.unnumbered]) {
    const tables = database.inspect();
    const keys = walkTable(keyspace, tables.keys);
    const expires = walkTable(keyspace, tables.expires);
    const expiring = keys.entries.filter((ref) => keyspace.store.heap.entries.hasExpiry(ref));
    assert.deepEqual(new Set(expires.entries), new Set(expiring), "the index has exactly what expires");
    for (const refs of [keys.blocks, keys.entries, expires.blocks]) for (const ref of refs) held.push(ref);
    for (const ref of keys.entries) {
      if (!isSnapshotting) assert.ok(keyspace.store.heap.snapshots.isMarked(ref), "all have the mark");
      if (keyspace.store.heap.entries.encoding(ref) !== ENCODING_HASHTABLE) continue;
      const body = walkTable(keyspace, keyspace.store.heap.entries.valueWord(ref));
      for (const refs of [body.blocks, body.entries]) for (const one of refs) held.push(one);
      if (isSnapshotting) continue;
      for (const field of body.entries) {
        assert.ok(keyspace.store.heap.snapshots.isMarked(field), "fields have the mark as well");
      }
    }
  }
  walkArena(keyspace.store.heap.arena, held, isSnapshotting);
}
