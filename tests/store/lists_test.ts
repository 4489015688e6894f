/** Lists beside plain arrays: by all limits of their nodes, compressed or not, and shared with a snapshot. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { ENCODING_LISTPACK, ENCODING_QUICKLIST, EPOCH_BIT } from "../../lib/store/entry.ts";
import { Element, entryBytes, firstElement, listpackCount } from "../../lib/store/listpack.ts";
import { Keyspace } from "../../lib/store/keyspace.ts";
import { MOST_ELEMENTS, TreeFullError } from "../../lib/store/tree_nodes.ts";
import { ListBuilder } from "../../lib/store/types/list_builder.ts";
import { ListCursor } from "../../lib/store/types/list_cursor.ts";
import { below, bytesOf, randomFrom } from "./support.ts";

const KEY = bytesOf("key");

/** A list beside an array. */
class Pair {
  readonly keyspace = new Keyspace(1);
  readonly store = this.keyspace.store;
  readonly lists = this.store.lists;
  readonly database = this.keyspace.databases[0];
  readonly cursor = new ListCursor(this.lists);
  readonly model: string[] = [];
  ref = 0;

  constructor(readonly limit: number, depth: number) {
    this.lists.maxListpackSize = limit;
    this.lists.compressDepth = depth;
    this.ref = this.lists.create(this.database, KEY, 0, KEY.length, 0);
  }

  push(end: "head" | "tail", text: string): void {
    const bytes = bytesOf(text);
    this.ref = this.lists.push(this.database, this.ref, end, bytes, 0, bytes.length);
    if (end === "head") this.model.unshift(text);
    else this.model.push(text);
  }

  insert(index: number, text: string): void {
    const bytes = bytesOf(text);
    this.ref = this.lists.insert(this.database, this.ref, index, bytes, 0, bytes.length);
    this.model.splice(index, 0, text);
  }

  set(index: number, text: string): void {
    const bytes = bytesOf(text);
    this.ref = this.lists.set(this.database, this.ref, index, bytes, 0, bytes.length);
    this.model[index] = text;
  }

  delete(index: number, count: number): void {
    this.lists.delete(this.ref, index, count);
    this.model.splice(index, count);
    this.ref = this.lists.trim(this.database, this.ref);
  }

  check(): void {
    const { cursor, lists, ref, model } = this;
    assert.equal(lists.count(ref), model.length);
    const seen: string[] = [];
    for (let isThere = cursor.toIndex(ref, 0); isThere; isThere = cursor.next()) {
      assert.equal(cursor.index, seen.length);
      seen.push(cursor.element.text());
    }
    assert.deepEqual(seen, model);
    const backwards: string[] = [];
    for (let isThere = cursor.toIndex(ref, model.length - 1); isThere; isThere = cursor.previous()) {
      backwards.push(cursor.element.text());
    }
    assert.deepEqual(backwards.reverse(), model);
    const walked: string[] = [];
    let at = 0;
    do at = lists.walk(ref, at, 10, (element) => walked.push(element.text())); while (at !== 0);
    assert.deepEqual(walked, model);
    if (model.length === 0) return;
    const element = new Element();
    lists.peek(ref, "head", element);
    assert.equal(element.text(), model[0]);
    lists.peek(ref, "tail", element);
    assert.equal(element.text(), model.at(-1));
  }
}

function drawText(upTo: (limit: number) => number): string {
  switch (upTo(10)) {
    case 0:
      return "";
    case 1:
      return String(upTo(1e9) - 5e8);
    case 2:
      return "abcdefgh".repeat(upTo(60));
    case 3:
      return upTo(20) === 0 ? "large ".repeat(1500) : "x";
    default:
      return `element ${upTo(1000)}`;
  }
}

/** Does something to a list. */
function change(pair: Pair, upTo: (limit: number) => number, grows: number): void {
  const { length } = pair.model;
  const kind = upTo(100);
  if (length === 0 || kind < grows) {
    if (upTo(3) > 0) pair.push(upTo(2) === 0 ? "head" : "tail", drawText(upTo));
    else pair.insert(upTo(length + 1), drawText(upTo));
  } else if (kind < grows + 10) {
    pair.set(upTo(length), drawText(upTo));
  } else if (upTo(2) === 0) {
    pair.delete(upTo(2) === 0 ? 0 : length - 1, 1);
  } else {
    const index = upTo(length);
    pair.delete(index, Math.min(length - index, upTo(upTo(20) === 0 ? 200 : 3) + 1));
  }
}

for (const [limit, depth] of [[-2, 0], [-1, 1], [-5, 0], [3, 0], [4, 2], [100, 1], [1, 0]]) {
  test(`a list agrees with an array whatever is done to it; list-max-listpack-size ${limit}, depth ${depth}`, () => {
    const upTo = below(randomFrom(limit + 100 * depth + 7));
    const pair = new Pair(limit, depth);
    for (let i = 0; i < 4000; i++) {
      change(pair, upTo, i % 1500 < 1000 ? 70 : 20);
      if (i % 100 === 0) pair.check();
      if (pair.model.length === 0) continue;
      const index = upTo(pair.model.length);
      assert.ok(pair.cursor.toIndex(pair.ref, index));
      const text = pair.model[index];
      const bytes = bytesOf(text);
      assert.ok(pair.cursor.equals(bytes, 0, bytes.length));
      assert.equal(pair.cursor.element.text(), text);
    }
    pair.check();
  });
}

test("a list becomes a quicklist when it outgrows its limit, and a listpack again at half of it", () => {
  const pair = new Pair(10, 0);
  const encoding = () => pair.store.heap.entries.encoding(pair.ref);
  for (let i = 0; i < 10; i++) pair.push("tail", "a");
  assert.equal(encoding(), ENCODING_LISTPACK);
  pair.push("tail", "b");
  assert.equal(encoding(), ENCODING_QUICKLIST);
  for (let i = 0; i < 5; i++) pair.delete(0, 1);
  assert.equal(encoding(), ENCODING_QUICKLIST);
  pair.delete(5, 1);
  assert.equal(encoding(), ENCODING_LISTPACK);
  pair.check();
});

test("a copy is a list of its own, and what is freed leaves nothing", () => {
  const upTo = below(randomFrom(3));
  const pair = new Pair(-1, 1);
  const { arena, entries } = pair.store.heap;
  /** Bytes beside the block of the key's entry, which shrinks as the listpack leaves it. */
  const usedBeside = () => arena.usedBytes - arena.usableBytes(pair.ref);
  const before = usedBeside();
  for (let i = 0; i < 20_000; i++) pair.push("tail", drawText(upTo));
  const body = entries.valueWord(pair.ref);
  const copy = pair.lists.copyBody(body);
  pair.push("tail", "more");
  pair.model.pop();
  entries.setValueWord(pair.ref, copy);
  pair.check();
  pair.lists.freeBody(body);
  pair.lists.freeBody(copy);
  while (pair.store.heap.freeDiscarded(1000));
  assert.equal(usedBeside(), before);
});

test("what a snapshot has still to read stays as it was, whatever becomes of the list", () => {
  const upTo = below(randomFrom(9));
  const pair = new Pair(5, 0);
  const { heap } = pair.store;
  const { snapshots, arena, entries } = heap;
  for (let i = 0; i < 3000; i++) pair.push("tail", drawText(upTo));
  const displaced: number[] = [];
  for (let round = 0; round < 4; round++) {
    const root = pair.lists.bodies.root(entries.valueWord(pair.ref));
    const expected = [...pair.model];
    snapshots.epoch ^= EPOCH_BIT;
    const no = () => assert.fail();
    snapshots.listener = {
      beforeChange: no,
      beforeRemoval: no,
      keepsTable: no,
      displaced: (_body, element) => displaced.push(element),
      keepsBody: () => false,
      readNow: no,
    };
    for (let i = 0; i < 500 || pair.model.length < 100; i++) change(pair, upTo, 60);
    // What was shared, read as a snapshot reads it.
    const trees = pair.lists.bodies.newTrees();
    const seen: string[] = [];
    const element = new Element();
    trees.seekPosition(root, 0);
    do {
      pair.lists.bodies.nodes.show(trees.word(0));
      const { bytes, start } = pair.lists.bodies.nodes;
      assert.equal(listpackCount(bytes, start), trees.word(1));
      let at = firstElement(start);
      for (let i = 0; i < trees.word(1); i++) {
        element.read(bytes, at);
        seen.push(element.text());
        at += entryBytes(bytes, at);
      }
    } while (trees.next());
    assert.deepEqual(seen, expected);
    snapshots.listener = null;
    for (const node of displaced.splice(0)) arena.free(node);
    // All that is left has the mark when the next snapshot begins.
    markAll(pair);
    pair.check();
  }
});

/** Marks all nodes of a list and of its tree, as the snapshot does in the end. */
function markAll({ lists, ref, store }: Pair): void {
  const { heap } = store;
  if (!heap.entries.hasBody(ref)) return;
  lists.bodies.markNodes(heap.entries.valueWord(ref));
}

test("nodes take no room beyond the limit on their size, which nothing would come to fill", () => {
  for (const limit of [-1, -2, -3]) {
    const { store, databases: [database] } = new Keyspace(1);
    const { lists } = store;
    lists.maxListpackSize = limit;
    const key = bytesOf("list");
    let ref = lists.create(database, key, 0, key.length, 0);
    let elementBytes = 0;
    for (let i = 0; i < 20_000; i++) {
      const element = bytesOf(`element:${i}`);
      ref = lists.push(database, ref, "tail", element, 0, element.length);
      elementBytes += element.length + 2; // the encoding byte and the length for reading backwards
    }
    const taken = lists.bodyBytes(store.heap.entries.valueWord(ref), 0);
    assert.ok(taken < elementBytes * 1.06, `limit ${limit}: ${taken} bytes for ${elementBytes} of elements`);
  }
});

test("a list takes as many elements as can be counted, and what would be more changes nothing", () => {
  const { lists, database, store, ref, ...pair } = quicklist(1000);
  const { bodies } = lists;
  const body = store.heap.entries.valueWord(ref);
  // Elements that are only counted stand for two thousand million.
  const trees = bodies.newTrees();
  trees.seekPosition(bodies.root(body), 500);
  trees.addElements(bodies.root(body), MOST_ELEMENTS - 1 - 1000);
  const text = bytesOf("one more");
  lists.push(database, ref, "head", text, 0, text.length);
  assert.equal(lists.count(ref), MOST_ELEMENTS);
  const used = store.heap.arena.usedBytes;
  for (const end of ["head", "tail"] as const) {
    assert.throws(() => lists.push(database, ref, end, text, 0, text.length), TreeFullError);
  }
  assert.throws(() => lists.insert(database, ref, 10, text, 0, text.length), TreeFullError);
  assert.equal(lists.count(ref), MOST_ELEMENTS);
  assert.equal(store.heap.arena.usedBytes, used);
  assert.ok(pair.cursor.toIndex(ref, 1));
  assert.equal(pair.cursor.element.text(), "0");
  assert.ok(pair.cursor.toIndex(ref, MOST_ELEMENTS - 1));
  assert.equal(pair.cursor.element.text(), "999");
  lists.delete(ref, 0, 1);
  lists.push(database, ref, "tail", text, 0, text.length);
  assert.equal(lists.count(ref), MOST_ELEMENTS);
});

/** A list with so many nodes' worth of elements: their numbers. */
function quicklist(count: number): Pair {
  const pair = new Pair(10, 0);
  for (let i = 0; i < count; i++) pair.push("tail", String(i));
  return pair;
}

test("a list that was put together is the list to which its elements would have been pushed", () => {
  const draw = below(randomFrom(23));
  for (const limit of [-2, -1, -5, 1, 3, 128]) {
    for (const packedThreshold of [0, 200]) {
      for (const count of [1, 2, 3, 4, 127, 128, 129, 700, 3000]) {
        const pushed = new Pair(limit, draw(2));
        const { lists, database, store, model } = pushed;
        lists.packedThreshold = packedThreshold;
        const builder = new ListBuilder(lists);
        for (let i = 0; i < count; i++) {
          const text = draw(3) === 0 ? String(draw(100_000)) : "x".repeat(draw(100) === 0 ? draw(20_000) : draw(30));
          pushed.push("tail", text);
          builder.add(bytesOf(text), 0, text.length);
        }
        const name = bytesOf("another");
        const ref = builder.putUnder(database, name, 0, name.length);
        builder.release();
        assert.equal(store.heap.entries.encoding(ref), store.heap.entries.encoding(pushed.ref));
        assert.equal(database.look(name, 0, name.length), ref);
        // What is pushed behind an element with a node of its own may come into that node.
        if (packedThreshold === 0) {
          assert.equal(nodesOf(lists, ref), nodesOf(lists, pushed.ref), `${count} by ${limit}`);
        }
        pushed.ref = ref;
        assert.equal(pushed.model, model);
        pushed.check();
      }
    }
  }
});

test("what was put together but not put under a key leaves nothing", () => {
  const { lists, store } = new Pair(-2, 0);
  const before = store.heap.arena.usedBytes;
  const builder = new ListBuilder(lists);
  for (let i = 0; i < 5000; i++) builder.add(bytesOf(`element:${i}`), 0, 12);
  assert.ok(store.heap.arena.usedBytes > before);
  builder.release();
  assert.equal(store.heap.arena.usedBytes, before);
});

/** Nodes of a list's body; 0 for a listpack. */
function nodesOf(lists: Pair["lists"], ref: number): number {
  const { entries } = lists.heap;
  if (!entries.hasBody(ref)) return 0;
  const trees = lists.bodies.newTrees();
  const root = lists.bodies.root(entries.valueWord(ref));
  let nodes = 0;
  for (let isThere = trees.seekFirst(root); isThere; isThere = trees.next()) nodes++;
  return nodes;
}
