/** Walks a whole store: its tables, its arena, and that each holds what the others say. */

import assert from "node:assert/strict";
import type { Keyspace } from "../../lib/store/keyspace.ts";
import { walkArena } from "./arena_walk.ts";
import { walkBody } from "./body_walk.ts";
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
      if (!keyspace.store.heap.entries.hasBody(ref)) continue;
      const body = walkBody(keyspace, ref);
      for (const block of body.blocks) held.push(block);
      if (isSnapshotting) continue;
      for (const element of body.marked) {
        assert.ok(keyspace.store.heap.snapshots.isMarked(element), "elements have the mark as well");
      }
    }
  }
  if (!isSnapshotting) assert.equal(keyspace.store.heap.snapshots.memory.bytes, 0, "nothing is kept for a snapshot");
  walkArena(keyspace.store.heap.arena, held, isSnapshotting);
}
