/** Which key is evicted, by policy. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeLatin1 } from "../../lib/bytes/latin1.ts";
import { ENCODING_EMBSTR, NO_EXPIRY } from "../../lib/store/entry.ts";
import { Eviction, type EvictionPolicy } from "../../lib/store/eviction.ts";
import { Frequency } from "../../lib/store/frequency.ts";
import { Keyspace } from "../../lib/store/keyspace.ts";

/** Numbers in [0, 1) that are the same in each run (Park and Miller, 1988). */
function pseudoRandom(): () => number {
  let state = 12345;
  return () => (state = (state * 48271) % 2147483647) / 2147483647;
}

function put(keyspace: Keyspace, database: number, name: string, expiry = NO_EXPIRY): void {
  const key = encodeLatin1(name);
  keyspace.databases[database].setString(key, 0, key.length, key, 0, key.length, ENCODING_EMBSTR, expiry);
}

/** Evicts one key and returns its name. */
function evictOne(eviction: Eviction): string | null {
  const candidate = eviction.candidate();
  if (candidate === null) return null;
  const { database, key } = candidate;
  assert.ok(database.remove(key, 0, key.length), "the candidate is there");
  return `${database.index}:${new TextDecoder().decode(key)}`;
}

function setUp(policy: EvictionPolicy | "noeviction", samples = 10): { keyspace: Keyspace; eviction: Eviction } {
  const keyspace = new Keyspace(3);
  keyspace.store.setNow(1e12);
  const eviction = new Eviction(keyspace, pseudoRandom());
  eviction.configure(policy, samples);
  return { keyspace, eviction };
}

/** How many of the keys evicted first, `count` of them, have a name that begins with `prefix`. */
function evictedWith(eviction: Eviction, prefix: string, count: number): number {
  let found = 0;
  for (let i = 0; i < count; i++) if (evictOne(eviction)?.includes(`:${prefix}`)) found++;
  return found;
}

test("noeviction evicts nothing, and an empty keyspace has nothing to evict", () => {
  const { keyspace, eviction } = setUp("noeviction");
  put(keyspace, 0, "a");
  assert.equal(eviction.candidate(), null);
  for (const policy of ["allkeys-lru", "allkeys-random", "volatile-ttl"] as const) {
    assert.equal(setUp(policy).eviction.candidate(), null);
  }
});

for (
  const policy of [
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-random",
    "volatile-lru",
    "volatile-random",
    "volatile-ttl",
  ] as const
) {
  test(`${policy} empties every database of what it may evict, and of nothing else`, () => {
    const { keyspace, eviction } = setUp(policy);
    if (policy.endsWith("lfu")) keyspace.store.frequency = new Frequency(() => keyspace.store.nowMs, Math.random);
    for (let i = 0; i < 300; i++) {
      put(keyspace, i % 3, `plain${i}`);
      put(keyspace, i % 3, `expiring${i}`, 2e12 + i);
    }
    const evicted = new Set<string>();
    for (let name = evictOne(eviction); name !== null; name = evictOne(eviction)) {
      assert.ok(!evicted.has(name));
      evicted.add(name);
    }
    assert.equal(evicted.size, policy.startsWith("volatile") ? 300 : 600);
    assert.ok(keyspace.databases.every((database) => database.expiring === 0));
    assert.equal(keyspace.databases.reduce((sum, database) => sum + database.size, 0), 600 - evicted.size);
  });
}

test("LRU evicts what was not used for longest", () => {
  const { keyspace, eviction } = setUp("allkeys-lru");
  for (let i = 0; i < 500; i++) put(keyspace, 0, `old${i}`);
  keyspace.store.setNow(1e12 + 3_600_000);
  for (let i = 0; i < 500; i++) put(keyspace, 1, `new${i}`);
  assert.ok(evictedWith(eviction, "old", 400) >= 396);
});

test("a key that is used again is worth keeping, though it is in the pool", () => {
  const { keyspace, eviction } = setUp("allkeys-lru", 20);
  for (let i = 0; i < 200; i++) put(keyspace, 0, `key${i}`);
  keyspace.store.setNow(1e12 + 1_000_000);
  evictOne(eviction);
  let touched = 0;
  for (let i = 0; i < 100; i++) {
    const key = encodeLatin1(`key${i}`);
    if (keyspace.databases[0].read(key, 0, key.length) !== 0) touched++;
  }
  let evicted = 0;
  for (let i = 0; i < 90; i++) {
    const number = Number(evictOne(eviction)?.slice("0:key".length));
    if (number < 100) evicted++;
  }
  assert.ok(touched >= 99 && evicted <= 20, `${evicted} of those used again were evicted`);
});

test("LFU evicts what is used least", () => {
  const { keyspace, eviction } = setUp("allkeys-lfu");
  keyspace.store.frequency = new Frequency(() => keyspace.store.nowMs, () => 0);
  for (let i = 0; i < 500; i++) put(keyspace, 0, `rare${i}`);
  for (let i = 0; i < 500; i++) {
    put(keyspace, 0, `often${i}`);
    const key = encodeLatin1(`often${i}`);
    for (let round = 0; round < 50; round++) keyspace.databases[0].read(key, 0, key.length);
  }
  assert.ok(evictedWith(eviction, "rare", 400) >= 396);
});

test("volatile-ttl evicts what expires soonest", () => {
  const { keyspace, eviction } = setUp("volatile-ttl");
  for (let i = 0; i < 500; i++) put(keyspace, 0, `late${i}`, 9e12);
  for (let i = 0; i < 500; i++) put(keyspace, 0, `soon${i}`, 2e12);
  assert.ok(evictedWith(eviction, "soon", 400) >= 396);
});

test("a candidate of the pool that is gone, or that persists by now, is passed over", () => {
  const { keyspace, eviction } = setUp("volatile-lru", 10);
  for (let i = 0; i < 16; i++) put(keyspace, 0, `key${i}`, 2e12);
  assert.notEqual(evictOne(eviction), null);
  for (let i = 0; i < 16; i++) {
    const key = encodeLatin1(`key${i}`);
    const ref = keyspace.databases[0].write(key, 0, key.length);
    if (ref !== 0 && i % 2 === 0) keyspace.databases[0].setExpiry(ref, NO_EXPIRY);
  }
  for (let name = evictOne(eviction); name !== null; name = evictOne(eviction)) {
    assert.equal(Number(name.slice("0:key".length)) % 2, 1, `${name} expires`);
  }
});
