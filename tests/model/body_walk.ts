/** Walks the body of a value: its blocks, its elements that have marks, and that they hold what they say. */

import assert from "node:assert/strict";
import { compareBytes } from "../../lib/bytes/compare.ts";
import { ENCODING_HASHTABLE, ENCODING_QUICKLIST, ENCODING_SKIPLIST, ENCODING_STREAM } from "../../lib/store/entry.ts";
import type { Keyspace } from "../../lib/store/keyspace.ts";
import { entryBytes, firstElement, LISTPACK_END } from "../../lib/store/listpack.ts";
import { walkStream } from "./stream_walk.ts";
import { walkTree } from "../store/tree_walk.ts";
import { walkTable } from "./table_walk.ts";

/** What a body takes: all blocks, and among them those that a snapshot marks. */
export interface WalkedBody {
  readonly blocks: number[];
  readonly marked: number[];
}

/** Walks the body of the value under an entry that has one. */
export function walkBody(keyspace: Keyspace, ref: number): WalkedBody {
  const { entries } = keyspace.store.heap;
  const body = entries.valueWord(ref);
  switch (entries.encoding(ref)) {
    case ENCODING_HASHTABLE: {
      const table = walkTable(keyspace, body);
      return { blocks: [...table.blocks, ...table.entries], marked: table.entries };
    }
    case ENCODING_SKIPLIST:
      return walkSortedSet(keyspace, body, ref);
    case ENCODING_QUICKLIST:
      return walkList(keyspace, body);
    case ENCODING_STREAM:
      return walkStream(keyspace, body);
    default:
      throw new Error("an encoding that tests do not know");
  }
}

function walkSortedSet(keyspace: Keyspace, body: number, ref: number): WalkedBody {
  const { arena, entries } = keyspace.store.heap;
  const sets = keyspace.store.sortedSets;
  const table = walkTable(keyspace, sets.tableOf(body));
  const nodes: number[] = [];
  const shape = { keyWords: 2, hasTies: true, valueWords: 1, countWord: -1 };
  const isAfter = (item: Int32Array, before: Int32Array) => {
    const [a, b] = [item[2], before[2]];
    const [x, y] = [sets.bodies.scoreOf(a), sets.bodies.scoreOf(b)];
    if (x !== y) return x > y;
    const [start, other] = [entries.keyStart(a), entries.keyStart(b)];
    const order = compareBytes(
      entries.bytes(a),
      start,
      entries.keyLength(a),
      entries.bytes(b),
      other,
      entries.keyLength(b),
    );
    return order > 0;
  };
  const items = walkTree(arena, shape, sets.rootOf(ref), isAfter, nodes);
  assert.deepEqual(new Set(items.map((item) => item[2])), new Set(table.entries), "tree and table hold the same");
  return { blocks: [body, ...nodes, ...table.blocks, ...table.entries], marked: table.entries };
}

function walkList({ store }: Keyspace, body: number): WalkedBody {
  const { arena } = store.heap;
  const { lists } = store;
  const inner: number[] = [];
  const shape = { keyWords: 0, hasTies: false, valueWords: 2, countWord: 1 };
  const items = walkTree(arena, shape, lists.bodies.root(body), () => true, inner);
  const nodes: number[] = [];
  for (const [node, elements] of items) {
    lists.bodies.nodes.show(node);
    const { bytes, start } = lists.bodies.nodes;
    let count = 0;
    let at = firstElement(start);
    for (; bytes[at] !== LISTPACK_END; at += entryBytes(bytes, at)) count++;
    assert.equal(count, elements, "a node has as many elements as the tree says");
    assert.equal(at + 1 - start, lists.bodies.nodes.length(node), "and as many bytes as it says");
    nodes.push(node);
  }
  return { blocks: [body, ...inner, ...nodes], marked: [...inner, ...nodes] };
}
