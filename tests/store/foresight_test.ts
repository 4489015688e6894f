/** Foresight: what was fetched ahead is found as if it had not been, whatever has changed meanwhile. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeLatin1 } from "../../lib/bytes/latin1.ts";
import { ENCODING_EMBSTR, NO_EXPIRY } from "../../lib/store/entry.ts";
import { FORESIGHT } from "../../lib/store/foresight.ts";
import { Element } from "../../lib/store/listpack.ts";
import { Keyspace } from "../../lib/store/keyspace.ts";

const VALUE = encodeLatin1("value");

/** Names one after the other in one buffer, as the keys of a pipeline lie in its input. */
function layOut(names: readonly string[]): { bytes: Uint8Array; starts: number[] } {
  const starts: number[] = [];
  let text = "";
  for (const name of names) {
    starts.push(text.length);
    text += `${name}\r\n`;
  }
  return { bytes: encodeLatin1(text), starts };
}

function set(keyspace: Keyspace, name: string): void {
  const key = encodeLatin1(name);
  keyspace.databases[0].setString(key, 0, key.length, VALUE, 0, VALUE.length, ENCODING_EMBSTR, NO_EXPIRY);
}

function remove(keyspace: Keyspace, name: string): void {
  const key = encodeLatin1(name);
  keyspace.databases[0].remove(key, 0, key.length);
}

function find(keyspace: Keyspace, name: string): number {
  const key = encodeLatin1(name);
  return keyspace.databases[0].peek(key, 0, key.length);
}

test("keys fetched ahead are found, also after others were added, removed, and the table split", () => {
  const keyspace = new Keyspace(1);
  const database = keyspace.databases[0];
  let next = 0;
  for (let round = 0; round < 400; round++) {
    const names = Array.from({ length: 32 }, (_, i) => `key:${(round * 7919 + i * 104_729) % 20_000}`);
    const { bytes, starts } = layOut(names);
    for (const [i, name] of names.entries()) keyspace.store.heap.foresight.addKey(bytes, starts[i], name.length);
    database.foresee();
    for (const [i, name] of names.entries()) {
      for (let added = 0; added < 3; added++) set(keyspace, `key:${next++ % 20_000}`);
      if (i % 5 === 0) remove(keyspace, names[(i + 3) % 32]);
      const expected = find(keyspace, name);
      assert.equal(database.peek(bytes, starts[i], name.length), expected, `round ${round}, ${name}`);
      if (i % 4 === 0) database.setString(bytes, starts[i], name.length, VALUE, 0, 2, ENCODING_EMBSTR, NO_EXPIRY);
    }
    keyspace.store.heap.foresight.clear();
  }
});

test("fields fetched ahead are found, also when the hash has become another meanwhile", () => {
  const keyspace = new Keyspace(1);
  keyspace.store.hashes.maxListpackEntries = 4;
  const database = keyspace.databases[0];
  const into = new Element();
  const names = ["hash", ...Array.from({ length: 20 }, (_, i) => `field:${i}`)];
  const { bytes, starts } = layOut(names);
  const make = (fields: number) => {
    let ref = keyspace.store.hashes.create(database, bytes, starts[0], 4, 0);
    for (let i = 1; i <= fields; i++) {
      ref = keyspace.store.hashes.set(database, ref, bytes, starts[i], names[i].length, VALUE, 0, VALUE.length);
    }
  };
  for (const [before, after] of [[20, 20], [20, 10], [2, 20], [20, 2]]) {
    make(before);
    const owner = keyspace.store.heap.foresight.addKey(bytes, starts[0], 4);
    for (let i = 1; i < names.length; i++) {
      keyspace.store.heap.foresight.addMember(bytes, starts[i], names[i].length, owner);
    }
    database.foresee();
    if (after !== before) {
      remove(keyspace, "hash");
      make(after);
    }
    const ref = database.peek(bytes, starts[0], 4);
    for (let i = 1; i < names.length; i++) {
      assert.equal(
        keyspace.store.hashes.get(ref, bytes, starts[i], names[i].length, into),
        i <= after,
        `${names[i]}, ${after}`,
      );
    }
    keyspace.store.heap.foresight.clear();
    remove(keyspace, "hash");
  }
});

test("once cleared, other bytes in the same place are hashed anew", () => {
  const keyspace = new Keyspace(1);
  const database = keyspace.databases[0];
  for (let i = 0; i < FORESIGHT; i++) set(keyspace, `key:${1000 + i}`);
  const names = Array.from({ length: FORESIGHT }, (_, i) => `key:${1000 + i}`);
  const { bytes, starts } = layOut(names);
  for (const [i, name] of names.entries()) keyspace.store.heap.foresight.addKey(bytes, starts[i], name.length);
  database.foresee();
  keyspace.store.heap.foresight.clear();
  bytes.set(encodeLatin1("key:none"), starts[5]);
  bytes.set(encodeLatin1("key:1007"), starts[6]);
  assert.equal(database.peek(bytes, starts[5], 8), 0);
  assert.equal(database.peek(bytes, starts[6], 8), find(keyspace, "key:1007"));
});
