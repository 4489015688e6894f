/** What little lies in nearly empty segments is moved elsewhere, and all is where it was as far as anybody can tell. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeLatin1 } from "../../lib/bytes/latin1.ts";
import { ArenaFullError } from "../../lib/store/arena.ts";
import { BY_ITSELF, ON_DEMAND } from "../../lib/store/compaction.ts";
import { NO_EXPIRY } from "../../lib/store/database.ts";
import { ENCODING_RAW } from "../../lib/store/entry.ts";
import { Store } from "../../lib/store/store.ts";
import { contentsOf } from "../model/plain.ts";
import { walkStore } from "../model/store_walk.ts";

const MIB = 2 ** 20;
const LATER = 1e15;
const VALUE = encodeLatin1("x".repeat(1000));

/** Some 200 MiB of strings, every tenth with an expiry, in front of and between hashes. */
function fill(store: Store): void {
  const [database, other] = store.databases;
  for (let i = 0; i < 190_000; i++) {
    const key = encodeLatin1(`key:${i}`);
    const expiry = i % 10 === 0 ? LATER : NO_EXPIRY;
    (i % 1000 === 0 ? other : database)
      .setString(key, 0, key.length, VALUE, 0, VALUE.length, ENCODING_RAW, expiry);
    if (i % 20 !== 0) continue;
    const name = encodeLatin1(i % 40 === 0 ? "hash" : `hash:${i}`);
    const ref = database.write(name, 0, name.length) || store.hashes.create(database, name, 0, name.length, 0);
    store.hashes.set(database, ref, key, 0, key.length, VALUE, 0, 100);
  }
}

function removeMost(store: Store): void {
  for (const database of store.databases) {
    for (let i = 0; i < 190_000; i++) {
      const key = encodeLatin1(`key:${i}`);
      if (i % 100 !== 0) database.remove(key, 0, key.length);
    }
  }
}

function run(store: Store): void {
  while (store.heap.freeDiscarded(10_000));
  assert.ok(store.compaction.mayMove);
  while (store.compaction.step());
  while (store.heap.arena.releaseIdle(true));
}

test("memory of which little is used goes back, and what lay in it is still there", () => {
  const store = new Store(2);
  fill(store);
  const before = store.heap.arena.committedBytes;
  assert.ok(before > 190 * MIB);
  removeMost(store);
  const contents = contentsOf(store);
  store.compaction.begin(BY_ITSELF);
  run(store);
  assert.ok(
    store.heap.arena.committedBytes < store.heap.arena.usedBytes + 16 * MIB,
    `${store.heap.arena.committedBytes} bytes`,
  );
  assert.deepEqual(contentsOf(store), contents);
  walkStore(store, false);
});

test("after all keys are gone, nearly nothing is left", () => {
  const store = new Store(2);
  fill(store);
  for (const database of store.databases) database.clear();
  store.compaction.begin(ON_DEMAND);
  run(store);
  assert.ok(store.heap.arena.committedBytes < 2 * MIB, `${store.heap.arena.committedBytes} bytes`);
  walkStore(store, false);
  fill(store);
  walkStore(store, false);
});

test("where there is no memory to move things to, they stay", () => {
  const store = new Store(2);
  fill(store);
  removeMost(store);
  const contents = contentsOf(store);
  const { arena } = store.heap;
  let left = 50;
  store.compaction.begin(ON_DEMAND);
  arena.alloc = (bytes) => {
    if (left-- <= 0) throw new ArenaFullError("none is left");
    return Object.getPrototypeOf(arena).alloc.call(arena, bytes);
  };
  while (store.compaction.step());
  Reflect.deleteProperty(arena, "alloc");
  assert.deepEqual(contentsOf(store), contents);
  walkStore(store, false);
});

test("a segment that was released after it was looked at is not told to leave", () => {
  const store = new Store(1);
  const { compaction, heap: { arena } } = store;
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
  walkStore(store, false);
});
