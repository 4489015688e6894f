/** Walks the body of a stream: nodes, groups, consumers and what is pending, and that all of it fits together. */

import assert from "node:assert/strict";
import type { Keyspace } from "../../lib/store/keyspace.ts";
import { faultOfNode, liveEntries } from "../../lib/store/types/stream_entries.ts";
import { StreamId } from "../../lib/store/types/stream_ids.ts";
import { PENDING, PENDING_IDS } from "../../lib/store/types/stream_pending.ts";
import { walkTree } from "../store/tree_walk.ts";
import type { WalkedBody } from "./body_walk.ts";

const NODES = { keyWords: 4, hasTies: false, valueWords: 2, countWord: 1 };
const NAMES = { keyWords: 0, hasTies: true, valueWords: 1, countWord: -1 };
const NUMBERS = { keyWords: 1, hasTies: false, valueWords: 1, countWord: -1 };

/** Whether the key of an item, four words, is above that of another. */
function isAfter(item: Int32Array, before: Int32Array): boolean {
  for (let i = 0; i < 4; i++) if (item[i] !== before[i]) return item[i] > before[i];
  return false;
}

export function walkStream({ store }: Keyspace, body: number): WalkedBody {
  const { arena } = store.heap;
  const { streams } = store;
  const { groups } = streams;
  const marked: number[] = [];
  const others: number[] = [body];
  const last = new StreamId();
  let entries = 0;
  const root = streams.rootOf(body);
  if (root !== 0) {
    for (const item of walkTree(arena, NODES, root, isAfter, marked)) {
      const node = item[4];
      streams.nodes.show(node);
      const { bytes, start } = streams.nodes;
      const nodeId = new StreamId().read(item, 0);
      assert.equal(faultOfNode(bytes, start, streams.nodes.length(node), nodeId, last), null);
      assert.equal(liveEntries(bytes, start), item[5], "a node has as many live entries as the tree says");
      assert.ok(item[5] > 0, "no node is without entries");
      entries += item[5];
      marked.push(node);
    }
    assert.ok(entries > 0, "no tree is empty");
  }
  assert.equal(streams.length(body), entries);
  assert.ok(last.compare(streams.lastId(body, new StreamId())) <= 0);

  const groupsRoot = streams.groupsOf(body);
  const found = groupsRoot === 0 ? [] : walkTree(arena, NAMES, groupsRoot, (a, b) => isNameAfter(a[0], b[0]), marked);
  assert.equal(found.length > 0, groupsRoot !== 0);
  for (const [group] of found) {
    marked.push(group);
    const pending = new Map<string, number>();
    const pendingRoot = groups.pendingRoot(group);
    if (pendingRoot !== 0) {
      for (const item of walkTree(arena, PENDING, pendingRoot, isAfter, marked)) {
        pending.set(new StreamId().read(item, 0).toString(), item[4]);
      }
      assert.ok(pending.size > 0);
    }
    const byNumber = new Map<number, number>();
    const numbersRoot = groups.numbersRoot(group);
    if (numbersRoot !== 0) {
      for (const [number, consumer] of walkTree(arena, NUMBERS, numbersRoot, (a, b) => a[0] > b[0], others)) {
        byNumber.set(number, consumer);
      }
    }
    const consumersRoot = groups.consumersRoot(group);
    const isAbove = (a: Int32Array, b: Int32Array) => isConsumerAfter(a[0], b[0]);
    const consumers = consumersRoot === 0 ? [] : walkTree(arena, NAMES, consumersRoot, isAbove, marked);
    assert.equal(byNumber.size, consumers.length, "consumers by number are those by name");
    for (const [consumer] of consumers) {
      marked.push(consumer);
      assert.equal(byNumber.get(groups.consumerNumber(consumer)), consumer);
      const idsRoot = groups.idsRoot(consumer);
      if (idsRoot === 0) continue;
      const ids = walkTree(arena, PENDING_IDS, idsRoot, isAfter, marked);
      assert.ok(ids.length > 0);
      for (const item of ids) {
        const id = new StreamId().read(item, 0).toString();
        assert.equal(pending.get(id), groups.consumerNumber(consumer), "pending for a consumer, and so in its group");
        pending.delete(id);
      }
    }
    assert.equal(pending.size, 0, "what is pending in a group is for somebody");
  }
  return { blocks: [...others, ...marked], marked };

  function nameOf(block: number, start: number): string {
    return String.fromCharCode(...groups.bytes(block).slice(start, start + groups.nameLength(block)));
  }

  function isNameAfter(a: number, b: number): boolean {
    return nameOf(a, groups.groupNameStart(a)) > nameOf(b, groups.groupNameStart(b));
  }

  function isConsumerAfter(a: number, b: number): boolean {
    return nameOf(a, groups.consumerNameStart(a)) > nameOf(b, groups.consumerNameStart(b));
  }
}
