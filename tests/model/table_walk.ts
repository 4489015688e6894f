/** Walks a table in the arena and checks the invariants that docs/architecture.md states; collects what it holds. */

import assert from "node:assert/strict";
import { hashBytes } from "../../lib/bytes/hash.ts";
import { SEGMENT_MASK, SEGMENT_SHIFT } from "../../lib/store/arena.ts";
import type { Keyspace } from "../../lib/store/keyspace.ts";

const HOME_BITS = 10;

/** What a walk has found. */
export interface Walk {
  /** The table's own blocks: header, directory, segments. */
  readonly blocks: number[];
  readonly entries: number[];
}

/** Checks a table of entries, each of which must lie where its key's hash says. */
export function walkTable(keyspace: Keyspace, table: number): Walk {
  const { arena, entries } = keyspace.store.heap;
  const word = (ref: number, index: number) => arena.words[ref >>> SEGMENT_SHIFT][((ref & SEGMENT_MASK) << 1) + index];
  const [count, depth, directory, segmentCount] = [word(table, 0), word(table, 1), word(table, 2), word(table, 3)];
  const walk: Walk = { blocks: [table], entries: [] };
  if (depth > 0) walk.blocks.push(directory);
  const sizes = new Map<number, number>();

  for (let prefix = 0; prefix < 1 << depth;) {
    const segment = depth === 0 ? directory : word(directory, prefix);
    const localDepth = word(segment, 0) >>> 16;
    assert.ok(localDepth <= depth, "no segment is deeper than the directory");
    const range = 1 << (depth - localDepth);
    assert.equal(prefix % range, 0, "a segment covers a whole prefix");
    for (let i = 1; i < range; i++) assert.equal(word(directory, prefix + i), segment, "its words are all the same");
    walkSegment(segment, localDepth, prefix / range);
    prefix += range;
  }
  assert.equal(sizes.size, segmentCount);
  assert.equal(walk.entries.length, count);
  return walk;

  function walkSegment(segment: number, localDepth: number, prefix: number): void {
    assert.ok(!sizes.has(segment), "a segment stands for one prefix");
    walk.blocks.push(segment);
    const size = word(segment, 0) & 0xffff;
    const bits = word(segment, 1);
    const slots = 1 << bits;
    const hash = (slot: number) => word(segment, 2 + 2 * slot);
    const ref = (slot: number) => word(segment, 3 + 2 * slot);
    assert.ok(depth === 0 ? bits <= HOME_BITS : bits === HOME_BITS);
    assert.ok(size <= (slots * 13) / 16, "a segment is at most 13/16 full");
    let found = 0;
    for (let slot = 0; slot < slots; slot++) {
      const entry = ref(slot);
      if (entry === 0) continue;
      found++;
      walk.entries.push(entry);
      const keyHash = hashBytes(entries.bytes(entry), entries.keyStart(entry), entries.keyLength(entry));
      assert.equal(hash(slot), keyHash | 0, "the slot has its key's hash");
      if (localDepth > 0) assert.equal(hash(slot) >>> (32 - localDepth), prefix, "a segment has its prefix only");
      const home = (hash(slot) & ((1 << HOME_BITS) - 1)) >>> (HOME_BITS - bits);
      for (let at = home; at !== slot; at = (at + 1) % slots) assert.notEqual(ref(at), 0, "no gap after the home");
    }
    assert.equal(found, size);
    sizes.set(segment, size);
    const buddy = localDepth === 0 || prefix % 2 === 0
      ? null
      : word(directory, ((prefix - 1) << (depth - localDepth)) >>> 0);
    if (buddy === null || word(buddy, 0) >>> 16 !== localDepth) return;
    const isEmpty = (one: number) => (sizes.get(one) ?? 0) < slots / 8;
    assert.ok(!isEmpty(segment) || !isEmpty(buddy), "buddies that are nearly empty are joined");
  }
}
