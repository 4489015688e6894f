/** What little lies in nearly empty segments is moved elsewhere, and all is where it was as far as anybody can tell. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeLatin1 } from "../../lib/bytes/latin1.ts";
import { ArenaFullError } from "../../lib/store/arena.ts";
import { BY_ITSELF, Compaction, ON_DEMAND, type Standard } from "../../lib/store/compaction.ts";
import { ENCODING_RAW, NO_EXPIRY } from "../../lib/store/entry.ts";
import { Keyspace } from "../../lib/store/keyspace.ts";
import { contentsOf } from "../model/plain.ts";
import { walkKeyspace } from "../model/keyspace_walk.ts";

const MIB = 2 ** 20;
const LATER = 1e15;
const VALUE = encodeLatin1("x".repeat(1000));

/** Some 200 MiB of strings, every tenth with an expiry, in front of and between hashes. */
function fill(keyspace: Keyspace): void {
  const [database, other] = keyspace.databases;
  for (let i = 0; i < 190_000; i++) {
    const key = encodeLatin1(`key:${i}`);
    const expiry = i % 10 === 0 ? LATER : NO_EXPIRY;
    (i % 1000 === 0 ? other : database)
      .setString(key, 0, key.length, VALUE, 0, VALUE.length, ENCODING_RAW, expiry);
    if (i % 20 !== 0) continue;
    const name = encodeLatin1(i % 40 === 0 ? "hash" : `hash:${i}`);
    const ref = database.write(name, 0, name.length) || keyspace.store.hashes.create(database, name, 0, name.length, 0);
    keyspace.store.hashes.set(database, ref, key, 0, key.length, VALUE, 0, 100);
  }
}

function removeMost(keyspace: Keyspace): void {
  for (const database of keyspace.databases) {
    for (let i = 0; i < 190_000; i++) {
      const key = encodeLatin1(`key:${i}`);
      if (i % 100 !== 0) database.remove(key, 0, key.length);
    }
  }
}

function compact(keyspace: Keyspace, standard: Standard): void {
  const compaction = new Compaction(keyspace);
  compaction.begin(standard);
  while (keyspace.store.heap.freeDiscarded(10_000));
  assert.ok(compaction.mayMove);
  while (compaction.step());
  while (keyspace.store.heap.arena.releaseIdle(true));
}

test("memory of which little is used goes back, and what lay in it is still there", () => {
  const keyspace = new Keyspace(2);
  fill(keyspace);
  const before = keyspace.store.heap.arena.committedBytes;
  assert.ok(before > 190 * MIB);
  removeMost(keyspace);
  const contents = contentsOf(keyspace);
  compact(keyspace, BY_ITSELF);
  assert.ok(
    keyspace.store.heap.arena.committedBytes < keyspace.store.heap.arena.usedBytes + 16 * MIB,
    `${keyspace.store.heap.arena.committedBytes} bytes`,
  );
  assert.deepEqual(contentsOf(keyspace), contents);
  walkKeyspace(keyspace, false);
});

test("after all keys are gone, nearly nothing is left", () => {
  const keyspace = new Keyspace(2);
  fill(keyspace);
  for (const database of keyspace.databases) database.clear();
  compact(keyspace, ON_DEMAND);
  assert.ok(keyspace.store.heap.arena.committedBytes < 2 * MIB, `${keyspace.store.heap.arena.committedBytes} bytes`);
  walkKeyspace(keyspace, false);
  fill(keyspace);
  walkKeyspace(keyspace, false);
});

test("where there is no memory to move things to, they stay", () => {
  const keyspace = new Keyspace(2);
  fill(keyspace);
  removeMost(keyspace);
  const contents = contentsOf(keyspace);
  const { arena } = keyspace.store.heap;
  const compaction = new Compaction(keyspace);
  let left = 50;
  compaction.begin(ON_DEMAND);
  arena.alloc = (bytes) => {
    if (left-- <= 0) throw new ArenaFullError("none is left");
    return Object.getPrototypeOf(arena).alloc.call(arena, bytes);
  };
  while (compaction.step());
  Reflect.deleteProperty(arena, "alloc");
  assert.deepEqual(contentsOf(keyspace), contents);
  walkKeyspace(keyspace, false);
});

test("a segment that was released after it was looked at is not told to leave", () => {
  const keyspace = new Keyspace(1);
  const compaction = new Compaction(keyspace);
  const { arena } = keyspace.store.heap;
  // More than one segment, of which all but the first are empty again.
  const blocks: number[] = [];
  while (arena.segments < 3) blocks.push(arena.alloc(32 * 1024));
  compaction.begin({ wastedBytes: 0, usedShare: 2 });
  compaction.step();
  compaction.step(); // by now, the second has been looked at
  for (const ref of blocks) arena.free(ref);
  while (arena.releaseIdle(true));
  while (compaction.step());
  while (arena.releaseIdle(true));
  assert.equal(compaction.isRunning, false);
  assert.equal(arena.leaving.every((leaving) => leaving === 0), true);
  walkKeyspace(keyspace, false);
});
