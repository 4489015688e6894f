/** Keys that wait to be put into their table together: who looks finds them, and nothing of them is lost or left. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { ArenaFullError } from "../../lib/store/arena.ts";
import { BulkLoad } from "../../lib/store/bulk_load.ts";
import type { Database } from "../../lib/store/database.ts";
import { ENCODING_EMBSTR, NO_EXPIRY, TYPE_STRING } from "../../lib/store/entry.ts";
import { Keyspace } from "../../lib/store/keyspace.ts";
import { putBytes } from "../../lib/store/types/entry_values.ts";
import { walkKeyspace } from "../model/keyspace_walk.ts";
import { below, bytesOf, randomFrom } from "./support.ts";

const LATER = 4e12;

function setUp(most?: number) {
  const keyspace = new Keyspace(2);
  const [first, second] = keyspace.databases;
  const { heap } = keyspace.store;
  const bulk = new BulkLoad(heap, first, most);
  const put = (key: string, value = key, expiry = NO_EXPIRY) => {
    const [k, v] = [bytesOf(key), bytesOf(value)];
    return putBytes(heap, bulk, TYPE_STRING, ENCODING_EMBSTR, k, 0, k.length, v, 0, v.length, expiry);
  };
  const valueOf = (database: Database, key: string): string | null => {
    const ref = database.peek(bytesOf(key), 0, key.length);
    if (ref === 0) return null;
    const start = heap.entries.valueStart(ref);
    const bytes = heap.entries.bytes(ref).subarray(start, start + heap.entries.inlineLength(ref));
    return new TextDecoder("latin1").decode(bytes);
  };
  return { keyspace, heap, bulk, first, second, put, valueOf };
}

/** Fails the `at`th allocation of an operation; whether there was one. */
function failing(keyspace: Keyspace, at: number, operation: () => void): boolean {
  const { arena } = keyspace.store.heap;
  const { alloc } = Object.getPrototypeOf(arena);
  let count = 0;
  arena.alloc = (bytes) => {
    if (count++ === at) throw new ArenaFullError("none is left");
    return alloc.call(arena, bytes);
  };
  try {
    operation();
  } catch (error) {
    assert.ok(error instanceof ArenaFullError);
  } finally {
    Reflect.deleteProperty(arena, "alloc");
  }
  return count > at;
}

for (const most of [1, 10, 1000, 100_000]) {
  test(`keys loaded ${most} at a time are there whenever anybody looks, each once`, () => {
    const { keyspace, bulk, first, second, put, valueOf } = setUp(most);
    const draw = below(randomFrom(most));
    const models = new Map([[first, new Map<string, string>()], [second, new Map<string, string>()]]);
    const expiring = new Map([[first, new Set<string>()], [second, new Set<string>()]]);
    for (let i = 0; i < 20_000; i++) {
      if (draw(4000) === 0) bulk.begin(draw(2) === 0 ? first : second);
      const { database } = bulk;
      const model = models.get(database) ?? new Map();
      const key = `key:${draw(1e9)}`;
      if (bulk.isFull) { while (!bulk.settle(draw(50) + 1)); }
      if (!model.has(key)) {
        const expires = draw(3) === 0;
        put(key, `value:${i}`, expires ? LATER : NO_EXPIRY);
        model.set(key, `value:${i}`);
        if (expires) expiring.get(database)?.add(key);
      }
      if (draw(500) === 0) bulk.settle(draw(300) + 1);
      if (draw(300) === 0) assert.equal(valueOf(database, key), model.get(key));
      if (draw(300) === 0) assert.equal(database.size, model.size);
      if (draw(300) === 0) assert.equal(database.expiring, expiring.get(database)?.size);
    }
    assert.equal(bulk.takeTwice(), null);
    for (const [database, model] of models) {
      assert.equal(database.size, model.size);
      for (const [key, value] of model) assert.equal(valueOf(database, key), value);
    }
    walkKeyspace(keyspace, false);
  });
}

test("of a key that comes twice the first stays, and the other is told of, wherever it comes", () => {
  for (const between of [0, 1, 30, 200]) {
    for (const expiry of [NO_EXPIRY, LATER]) {
      const { keyspace, bulk, first, put, valueOf } = setUp(100);
      put("twice", "one", expiry);
      for (let i = 0; i < between; i++) {
        if (bulk.isFull) bulk.settle();
        put(`key:${i}`);
      }
      if (bulk.isFull) bulk.settle();
      assert.equal(bulk.takeTwice(), null);
      put("twice", "two", LATER);
      bulk.settle();
      assert.equal(bulk.takeTwice(), "twice");
      assert.equal(bulk.takeTwice(), null);
      assert.equal(valueOf(first, "twice"), "one");
      assert.equal(first.size, between + 1);
      assert.equal(first.expiring, expiry === LATER ? 1 : 0);
      walkKeyspace(keyspace, false);
    }
  }
});

test("the last that waits may become larger, and be given an expiry or rid of it, and so may one before it", () => {
  for (const others of [0, 1, 5]) {
    const { keyspace, heap, bulk, first, put, valueOf } = setUp();
    let ref = put("key", "v");
    for (let i = 0; i < others; i++) put(`other:${i}`);
    for (const [length, expiry] of [[100, LATER], [1000, LATER + 1], [3000, NO_EXPIRY], [5, LATER]] as const) {
      ref = bulk.resizeValue(ref, length);
      heap.entries.bytes(ref).fill(120, heap.entries.valueStart(ref), heap.entries.valueStart(ref) + length);
      ref = bulk.setExpiry(ref, expiry);
      assert.equal(first.size, others + 1);
      assert.equal(first.expiring, expiry === NO_EXPIRY ? 0 : 1);
    }
    assert.equal(valueOf(first, "key"), "xxxxx");
    assert.equal(first.peek(bytesOf("key"), 0, 3), ref);
    walkKeyspace(keyspace, false);
  }
});

test("the last that waits may move to another database, under another key", () => {
  for (const expiry of [NO_EXPIRY, LATER]) {
    const { keyspace, first, second, put, valueOf } = setUp();
    put("stays", "here", LATER);
    second.adopt(first, put("goes", "there", expiry), bytesOf("has gone"), 0, 8);
    assert.deepEqual([first.size, first.expiring, second.size], [1, 1, 1]);
    assert.equal(second.expiring, expiry === LATER ? 1 : 0);
    assert.equal(valueOf(second, "has gone"), "there");
    assert.equal(valueOf(first, "stays"), "here");
    assert.equal(valueOf(first, "goes"), null);
    walkKeyspace(keyspace, false);
  }
});

test("keys can be removed, drawn, scanned and emptied while they wait", () => {
  const { keyspace, bulk, first, second, put } = setUp();
  const fill = () => {
    for (let i = 0; i < 1000; i++) put(`key:${i}`, "value", i % 2 === 0 ? LATER : NO_EXPIRY);
  };
  fill();
  assert.ok(bulk.remove(bytesOf("key:1"), 0, 5));
  assert.ok(!bulk.remove(bytesOf("key:1"), 0, 5));
  assert.equal(first.size, 999);
  assert.equal(first.clear(), 999);
  fill();
  assert.notEqual(first.random(Math.random), 0);
  first.clear();
  fill();
  assert.notEqual(first.randomExpiring(Math.random), 0);
  first.clear();
  fill();
  const refs: number[] = [];
  first.scan(0, 2000, refs);
  assert.equal(refs.length, 1000);
  first.clear();
  fill();
  first.scanExpiring(0, 2000, refs);
  assert.equal(refs.length, 500);
  first.clear();
  fill();
  bulk.settle(10);
  first.swap(second);
  assert.deepEqual([first.size, second.size, second.expiring], [0, 1000, 500]);
  second.clear();
  const { heap } = keyspace.store;
  while (heap.freeDiscarded(1000));
  walkKeyspace(keyspace, false);
});

test("what waits leaves nothing behind when it is given up, half of it in place or none", () => {
  for (const settled of [0, 1, 300, 700]) {
    const { keyspace, heap, bulk, first, put } = setUp();
    const before = heap.arena.usedBytes;
    for (let i = 0; i < 1000; i++) put(`key:${i}`, "value", i % 3 === 0 ? LATER : NO_EXPIRY);
    for (let left = settled; left > 0; left -= 100) bulk.settle(Math.min(left, 100));
    bulk.drop();
    assert.equal(bulk.count, 0);
    walkKeyspace(keyspace, false);
    first.clear();
    while (heap.freeDiscarded(1000));
    assert.equal(heap.arena.usedBytes, before);
  }
});

test("where there is no memory to put keys in place they go on waiting, and can be put there later or given up", () => {
  for (const isGivenUp of [false, true]) {
    for (let at = 0, isReached = true; isReached; at++) {
      const { keyspace, heap, bulk, first, put, valueOf } = setUp();
      const before = heap.arena.usedBytes;
      for (let i = 0; i < 3000; i++) put(`key:${i}`, "value", i % 2 === 0 ? LATER : NO_EXPIRY);
      isReached = failing(keyspace, at, () => bulk.settle());
      assert.equal(first.size, 3000);
      if (isGivenUp) {
        bulk.drop();
        walkKeyspace(keyspace, false);
        first.clear();
        while (heap.freeDiscarded(1000));
        assert.equal(heap.arena.usedBytes, before);
      } else {
        for (let i = 0; i < 3000; i++) assert.equal(valueOf(first, `key:${i}`), "value");
        assert.deepEqual([first.size, first.expiring], [3000, 1500]);
        walkKeyspace(keyspace, false);
      }
    }
  }
});
