import { test } from "node:test";
import assert from "node:assert/strict";
import { KEEP_EXPIRY } from "../../lib/store/database.ts";
import { ENCODING_HASHTABLE, ENCODING_LISTPACK, NO_EXPIRY, TYPE_HASH } from "../../lib/store/entry.ts";
import { HashIterator } from "../../lib/store/types/hash_iterator.ts";
import { Element, isValidListpack, listpackBytes } from "../../lib/store/listpack.ts";
import { Keyspace } from "../../lib/store/keyspace.ts";
import { below, bytesOf, randomFrom } from "./support.ts";

function limitedKeyspace(): Keyspace {
  const keyspace = new Keyspace(1);
  keyspace.store.hashes.maxListpackEntries = 128;
  return keyspace;
}

/** Hashes in a keyspace beside Maps that say what must be in them. */
class Pair {
  readonly keyspace = limitedKeyspace();
  readonly database = this.keyspace.databases[0];
  readonly model = new Map<string, Map<string, string>>();
  readonly #element = new Element();

  find(key: string): number {
    return this.database.peek(bytesOf(key), 0, key.length);
  }

  set(key: string, field: string, value: string): void {
    const { keyspace, database } = this;
    let ref = database.write(bytesOf(key), 0, key.length);
    if (ref === 0) {
      ref = keyspace.store.hashes.create(database, bytesOf(key), 0, key.length, field.length % 30);
      this.model.set(key, new Map());
    }
    const model = this.fields(key);
    ref = keyspace.store.hashes.set(database, ref, bytesOf(field), 0, field.length, bytesOf(value), 0, value.length);
    assert.equal(ref, this.find(key));
    assert.equal(keyspace.store.hashes.added, !model.has(field));
    model.set(field, value);
  }

  fields(key: string): Map<string, string> {
    return this.model.get(key) ?? new Map();
  }

  get(key: string, field: string): string | undefined {
    const found = this.keyspace.store.hashes.get(this.find(key), bytesOf(field), 0, field.length, this.#element);
    return found ? this.#element.text() : undefined;
  }

  delete(key: string, field: string): void {
    const { keyspace, database } = this;
    const ref = database.write(bytesOf(key), 0, key.length);
    if (ref === 0) return;
    const model = this.fields(key);
    assert.equal(keyspace.store.hashes.delete(ref, bytesOf(field), 0, field.length), model.delete(field));
    if (keyspace.store.hashes.count(ref) === 0) {
      database.remove(bytesOf(key), 0, key.length);
      this.model.delete(key);
    } else {
      keyspace.store.hashes.trim(database, ref);
    }
  }

  check(key: string): void {
    const ref = this.find(key);
    const model = this.fields(key);
    if (model.size === 0) return assert.equal(ref, 0);
    const { keyspace } = this;
    const { entries } = keyspace.store.heap;
    assert.equal(entries.type(ref), TYPE_HASH);
    assert.equal(keyspace.store.hashes.count(ref), model.size);
    if (entries.encoding(ref) === ENCODING_LISTPACK) {
      const bytes = entries.bytes(ref);
      const start = entries.valueStart(ref);
      assert.equal(listpackBytes(bytes, start), entries.valueWord(ref));
      assert.ok(isValidListpack(bytes, start, entries.valueWord(ref), 2));
      assert.ok(
        keyspace.store.heap.arena.usableBytes(ref) >=
          entries.size(key.length, entries.valueWord(ref), entries.hasExpiry(ref)),
      );
    }
    const seen = new Map<string, string>();
    const iterator = new HashIterator(keyspace.store.hashes);
    iterator.begin(ref);
    while (iterator.next()) seen.set(iterator.field.text(), iterator.value.text());
    assert.deepEqual([...seen].sort(), [...model].sort());
    for (const [field, value] of model) assert.equal(this.get(key, field), value);
    assert.equal(this.get(key, "absent"), undefined);
  }
}

test("random changes of hashes, small and large, agree with Maps, and free all memory in the end", () => {
  const pair = new Pair();
  const limit = below(randomFrom(11));
  const before = pair.keyspace.store.heap.arena.usedBytes;
  const text = () => {
    const kind = limit(12);
    if (kind < 6) return String(limit(100_000) - 50_000);
    if (kind === 6) return String(BigInt(limit(2 ** 31)) * 4294967296n - 2n ** 62n);
    return "v".repeat(limit(kind === 11 ? 90 : 40));
  };
  for (let step = 0; step < 60_000; step++) {
    if (step % 10_000 === 0) {
      pair.keyspace.store.hashes.maxListpackEntries = [128, 8, 512][limit(3)];
      pair.keyspace.store.hashes.maxListpackValue = [64, 1000][limit(2)];
    }
    const key = `hash ${limit(6)}`;
    const field = limit(2) === 0 ? `field ${limit(200)}` : text();
    if (limit(100) < (Math.floor(step / 7000) % 2 === 0 ? 65 : 35)) pair.set(key, field, text());
    else pair.delete(key, field);
    if (step % 500 === 0) pair.check(key);
  }
  for (const key of [...pair.model.keys()]) {
    pair.check(key);
    for (const field of [...pair.fields(key).keys()]) pair.delete(key, field);
    assert.equal(pair.find(key), 0);
  }
  while (pair.keyspace.store.heap.freeDiscarded(1000));
  assert.equal(pair.keyspace.store.heap.arena.usedBytes, before);
});

test("a hash is a listpack up to the limits, a table beyond them, and does not go back", () => {
  const pair = new Pair();
  const encoding = (key: string) => pair.keyspace.store.heap.entries.encoding(pair.find(key));
  for (let i = 0; i < 128; i++) pair.set("many", `f${i}`, "v");
  assert.equal(encoding("many"), ENCODING_LISTPACK);
  pair.set("many", "one more", "v");
  assert.equal(encoding("many"), ENCODING_HASHTABLE);
  for (let i = 0; i < 128; i++) pair.delete("many", `f${i}`);
  assert.equal(encoding("many"), ENCODING_HASHTABLE);
  pair.check("many");

  pair.set("long value", "f", "v".repeat(64));
  assert.equal(encoding("long value"), ENCODING_LISTPACK);
  pair.set("long value", "f", "v".repeat(65));
  assert.equal(encoding("long value"), ENCODING_HASHTABLE);
  pair.check("long value");

  pair.set("long field", "f".repeat(65), "v");
  assert.equal(encoding("long field"), ENCODING_HASHTABLE);
  pair.check("long field");
});

test("an expiry stays while the hash grows, moves and changes its encoding", () => {
  const pair = new Pair();
  const { keyspace, database } = pair;
  pair.set("h", "f", "v");
  const expiry = keyspace.store.nowMs + 1_000_000;
  database.setExpiry(database.write(bytesOf("h"), 0, 1), expiry);
  for (let i = 0; i < 200; i++) {
    pair.set("h", `field ${i}`, `value ${i}`);
    assert.equal(keyspace.store.heap.entries.expiry(pair.find("h")), expiry);
  }
  pair.check("h");
  assert.equal(database.expiring, 1);
  for (let i = 0; i < 200; i++) pair.delete("h", `field ${i}`);
  assert.equal(keyspace.store.heap.entries.expiry(pair.find("h")), expiry);
  pair.delete("h", "f");
  assert.equal(database.expiring, 0);
});

test("a hash is made from a listpack, and becomes a table if that has too many fields", () => {
  const pair = new Pair();
  for (let i = 0; i < 100; i++) pair.set("source", `f${i}`, String(i));
  const { keyspace, database } = pair;
  const { hashes, heap: { entries } } = keyspace.store;
  const source = pair.find("source");
  const at = entries.valueStart(source);
  const listpack = entries.bytes(source).slice(at, at + entries.valueWord(source));
  pair.model.set("same", pair.fields("source"));
  hashes.createFromListpack(database, bytesOf("same"), 0, 4, listpack, 0, listpack.length, keyspace.store.nowMs + 5000);
  pair.check("same");
  assert.equal(entries.encoding(pair.find("same")), ENCODING_LISTPACK);
  assert.equal(entries.expiry(pair.find("same")), keyspace.store.nowMs + 5000);
  keyspace.store.hashes.maxListpackEntries = 99;
  hashes.createFromListpack(database, bytesOf("same"), 0, 4, listpack, 0, listpack.length, KEEP_EXPIRY);
  pair.check("same");
  assert.equal(entries.encoding(pair.find("same")), ENCODING_HASHTABLE);
  hashes.createFromListpack(database, bytesOf("same"), 0, 4, listpack, 0, listpack.length, NO_EXPIRY);
  pair.check("same");
  assert.equal(entries.hasExpiry(pair.find("same")), false);
});

test("a random field is each as likely, in either encoding", () => {
  for (const size of [10, 120, 400]) {
    const pair = new Pair();
    const random = randomFrom(size);
    for (let i = 0; i < size; i++) pair.set("h", `f${i}`, `v${i}`);
    const field = new Element();
    const value = new Element();
    const drawn = new Map<string, number>();
    for (let i = 0; i < size * 100; i++) {
      pair.keyspace.store.hashes.random(pair.find("h"), random, field, value);
      const name = field.text();
      assert.equal(value.text(), `v${name.slice(1)}`);
      drawn.set(name, (drawn.get(name) ?? 0) + 1);
    }
    let chiSquare = 0;
    for (let i = 0; i < size; i++) chiSquare += ((drawn.get(`f${i}`) ?? 0) - 100) ** 2 / 100;
    assert.ok(chiSquare < size + 6 * Math.sqrt(2 * size), `chi-square ${chiSquare} for ${size}`);
  }
});

test("a removed large hash is freed in slices, small ones at once", () => {
  const pair = new Pair();
  const { keyspace, database } = pair;
  const before = keyspace.store.heap.arena.usedBytes;
  for (let i = 0; i < 120; i++) pair.set("small", `f${i}`, "v".repeat(65));
  database.remove(bytesOf("small"), 0, 5);
  assert.equal(keyspace.store.heap.arena.usedBytes, before);
  for (let i = 0; i < 5000; i++) pair.set("large", `f${i}`, "v");
  database.remove(bytesOf("large"), 0, 5);
  assert.ok(keyspace.store.heap.hasDiscarded);
  assert.equal(pair.find("large"), 0);
  let slices = 0;
  while (keyspace.store.heap.freeDiscarded(500)) slices++;
  assert.ok(slices >= 8);
  assert.equal(keyspace.store.heap.arena.usedBytes, before);
});

test("a database of many hashes is given back without deep recursion", () => {
  const pair = new Pair();
  const { keyspace, database } = pair;
  const before = keyspace.store.heap.arena.usedBytes;
  keyspace.store.hashes.maxListpackEntries = 0;
  for (let i = 0; i < 20_000; i++) pair.set(`hash ${i}`, "f", "v");
  for (let i = 0; i < 300; i++) pair.set("large", `f${i}`, "v");
  database.clear();
  let slices = 0;
  while (keyspace.store.heap.freeDiscarded(512)) slices++;
  assert.ok(slices >= 30);
  assert.equal(keyspace.store.heap.arena.usedBytes, before);
});
