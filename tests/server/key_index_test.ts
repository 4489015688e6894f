/** The index of keys: keys are found by their bytes wherever these lie, also where several have the same hash. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { hashBytes } from "../../lib/bytes/hash.ts";
import { encodeLatin1 } from "../../lib/bytes/latin1.ts";
import { KeyIndex } from "../../lib/server/execution/key_index.ts";

/** Two keys with one hash, by search: of some 100,000 keys, two mostly share one of the 2^32 hashes. */
function twoOfOneHash(): Uint8Array[] {
  const byHash = new Map<number, Uint8Array>();
  for (let i = 0;; i++) {
    const key = encodeLatin1(`key:${i}`);
    const hash = hashBytes(key, 0, key.length);
    const other = byHash.get(hash);
    if (other !== undefined) return [other, key];
    byHash.set(hash, key);
  }
}

test("a key is found by its bytes where they lie, and no other", () => {
  const index = new KeyIndex<string>();
  index.add(encodeLatin1("a"), "first");
  index.add(encodeLatin1(""), "empty");
  const bytes = encodeLatin1("xay");
  assert.equal(index.find(bytes, 1, 1)?.value, "first");
  assert.equal(index.find(bytes, 1, 0)?.value, "empty");
  assert.equal(index.find(bytes, 0, 1), null);
  assert.equal(index.find(bytes, 1, 2), null);
  index.delete(encodeLatin1("a"));
  index.delete(encodeLatin1("none"));
  assert.equal(index.find(bytes, 1, 1), null);
  assert.deepEqual([...index].map(({ value }) => value), ["empty"]);
});

test("keys with the same hash are told apart, in whichever order they go", () => {
  const keys = twoOfOneHash();
  for (const order of [[0, 1], [1, 0]]) {
    const index = new KeyIndex<number>();
    keys.forEach((key, i) => index.add(key, i));
    const found = () => keys.map((key) => index.find(key, 0, key.length)?.value);
    assert.deepEqual(found(), [0, 1]);
    assert.deepEqual([...index].map(({ value }) => value).sort(), [0, 1]);
    index.delete(keys[order[0]]);
    assert.deepEqual(found(), order[0] === 0 ? [undefined, 1] : [0, undefined]);
    index.delete(keys[order[1]]);
    assert.deepEqual([...index], []);
  }
});
