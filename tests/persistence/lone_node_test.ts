/** Lists of a single node, as most are: read with their key, and kept as the limits of the store that loads them say. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeLatin1 } from "../../lib/bytes/latin1.ts";
import { Dumper, Restorer } from "../../lib/persistence/dump.ts";
import { ENCODING_LISTPACK, ENCODING_QUICKLIST, NO_EXPIRY } from "../../lib/store/entry.ts";
import { Keyspace } from "../../lib/store/keyspace.ts";

const KEY = encodeLatin1("list");
const EXPIRY = 4_000_000_000_000;

/** Elements of the list under KEY. */
function elementsOf({ store, databases }: Keyspace): string[] {
  const found: string[] = [];
  store.lists.walk(databases[0].peek(KEY, 0, KEY.length), 0, Infinity, (element) => found.push(element.text()));
  return found;
}

/** Takes a list, of which the limits make one node, into a keyspace with others; the encoding that it has there. */
function taken(elements: readonly string[], limit: number, limitThere: number, expiry: number): number {
  const from = new Keyspace(1);
  const into = new Keyspace(1);
  from.store.lists.maxListpackSize = limit;
  into.store.lists.maxListpackSize = limitThere;
  const { lists } = from.store;
  let ref = lists.create(from.databases[0], KEY, 0, KEY.length, 0);
  for (const element of elements.map(encodeLatin1)) {
    ref = lists.push(from.databases[0], ref, "tail", element, 0, element.length);
  }
  const payload = new Dumper(from.store).dump(ref, true);
  assert.ok(
    new Restorer(into).restore(into.databases[0], KEY, 0, KEY.length, payload, 0, payload.length, expiry),
  );
  assert.deepEqual(elementsOf(into), elements);
  const there = into.databases[0].peek(KEY, 0, KEY.length);
  const { entries } = into.store.heap;
  assert.equal(entries.hasExpiry(there), expiry !== NO_EXPIRY);
  return entries.encoding(there);
}

test("a node within the limits becomes a listpack, with the expiry", () => {
  for (const expiry of [NO_EXPIRY, EXPIRY]) {
    assert.equal(taken(["a", "1", "", "-70000"], -2, -2, expiry), ENCODING_LISTPACK);
    assert.equal(taken(["a", "1", "", "-70000"], -2, 4, expiry), ENCODING_LISTPACK);
  }
});

test("a node beyond the limits stays a node", () => {
  for (const expiry of [NO_EXPIRY, EXPIRY]) {
    assert.equal(taken(["a", "1", "", "-70000"], -2, 3, expiry), ENCODING_QUICKLIST);
    assert.equal(taken(Array.from({ length: 1000 }, (_, i) => `element:${i}`), -5, -1, expiry), ENCODING_QUICKLIST);
  }
});

test("a node that is one large element stays one", () => {
  assert.equal(taken(["x".repeat(100_000)], -2, -2, EXPIRY), ENCODING_QUICKLIST);
});
