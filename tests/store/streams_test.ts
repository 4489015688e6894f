/** Streams beside plain arrays and maps: entries and groups, by all limits of nodes, shared with a snapshot, moved, copied. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { EPOCH_BIT } from "../../lib/store/entry.ts";
import { Compaction } from "../../lib/store/compaction.ts";
import { Element } from "../../lib/store/listpack.ts";
import { Keyspace } from "../../lib/store/keyspace.ts";
import { Request } from "../../lib/resp/request.ts";
import { MOST_ELEMENTS, TreeFullError } from "../../lib/store/tree_nodes.ts";
import { PendingCursor } from "../../lib/store/types/stream_pending.ts";
import { StreamCursor } from "../../lib/store/types/stream_cursor.ts";
import { StreamId } from "../../lib/store/types/stream_ids.ts";
import { walkKeyspace } from "../model/keyspace_walk.ts";
import { below, bytesOf, randomFrom } from "./support.ts";

const KEY = bytesOf("key");

/** An entry of the model: its ID, fields and values. */
interface PlainEntry {
  readonly id: string;
  readonly fields: readonly string[];
}

interface PlainPending {
  consumer: string;
  ms: number;
  count: number;
}

interface PlainGroup {
  readonly consumers: Set<string>;
  readonly pending: Map<string, PlainPending>;
}

function idOf(text: string): StreamId {
  const id = new StreamId();
  const bytes = bytesOf(text);
  const dash = text.indexOf("-");
  assert.ok(id.parseTime(bytes, 0, dash) && id.parseSequence(bytes, dash + 1, bytes.length - dash - 1));
  return id;
}

/** IDs in order: both numbers in as many digits as they may have. */
function sortable(id: string): string {
  return id.split("-").map((part) => part.padStart(20, "0")).join("-");
}

/** A stream beside an array of its entries, and a map of its groups. */
class Pair {
  readonly keyspace = new Keyspace(1);
  readonly store = this.keyspace.store;
  readonly streams = this.store.streams;
  readonly groups = this.streams.groups;
  readonly database = this.keyspace.databases[0];
  readonly cursor = new StreamCursor(this.streams);
  entries: PlainEntry[] = [];
  readonly plain = new Map<string, PlainGroup>();
  added = 0;
  lastId = "0-0";

  constructor() {
    this.streams.create(this.database, KEY, 0, KEY.length);
  }

  get body(): number {
    return this.streams.bodyOf(this.database.write(KEY, 0, KEY.length));
  }

  add(id: string, fields: readonly string[]): void {
    this.streams.append(this.body, idOf(id), Request.of(...fields), 0, fields.length / 2);
    this.entries.push({ id, fields });
    this.lastId = id;
    this.added++;
  }

  delete(id: string): void {
    const before = this.entries.length;
    this.entries = this.entries.filter((entry) => entry.id !== id);
    assert.equal(this.streams.delete(this.body, idOf(id)), this.entries.length < before);
  }

  trimTo(maxLength: number): void {
    const gone = Math.max(0, this.entries.length - maxLength);
    this.entries = this.entries.slice(gone);
    const to = { maxLength, minId: new StreamId(), isApproximate: false, limit: 0 };
    assert.equal(this.streams.trim(this.body, to), gone);
  }

  trimBelow(id: string): void {
    const kept = this.entries.filter((entry) => sortable(entry.id) >= sortable(id));
    const gone = this.entries.length - kept.length;
    this.entries = kept;
    const to = { maxLength: -1, minId: idOf(id), isApproximate: false, limit: 0 };
    assert.equal(this.streams.trim(this.body, to), gone);
  }

  /** An approximate trimming leaves what was asked for, and no whole node more. */
  trimAbout(maxLength: number): void {
    const to = { maxLength, minId: new StreamId(), isApproximate: true, limit: 0 };
    const gone = this.streams.trim(this.body, to);
    assert.ok(this.entries.length - gone >= Math.min(maxLength, this.entries.length));
    this.entries = this.entries.slice(gone);
  }

  here(): PlainEntry {
    const [field, value] = [new Element(), new Element()];
    const fields: string[] = [];
    this.cursor.beginFields();
    while (this.cursor.nextField(field, value)) fields.push(field.text(), value.text());
    return { id: this.cursor.id.toString(), fields };
  }

  check(): void {
    const { body, cursor, streams, entries } = this;
    assert.equal(streams.length(body), entries.length);
    assert.equal(Number(streams.entriesAdded(body)), this.added);
    assert.equal(streams.lastId(body, new StreamId()).toString(), this.lastId);
    assert.equal(streams.firstId(body, new StreamId()).toString(), entries[0]?.id ?? "0-0");
    const seen: PlainEntry[] = [];
    for (let isThere = cursor.toFirst(body); isThere; isThere = cursor.next()) seen.push(this.here());
    assert.deepEqual(seen, entries);
    const backwards: PlainEntry[] = [];
    for (let isThere = cursor.toLast(body); isThere; isThere = cursor.previous()) backwards.push(this.here());
    assert.deepEqual(backwards.reverse(), entries);
    const walked: string[] = [];
    let at = 0;
    const ref = this.database.peek(KEY, 0, KEY.length);
    do at = streams.walk(ref, at, 10, (element) => walked.push(element.text())); while (at !== 0);
    assert.deepEqual(walked, entries.flatMap(({ id, fields }) => [id.replace("-", "."), ...fields]));
  }

  /** Looks for an ID, which may be there or not, from both sides. */
  seek(id: string): void {
    const { body, cursor, entries } = this;
    const first = entries.find((entry) => sortable(entry.id) >= sortable(id));
    assert.equal(cursor.seek(body, idOf(id)), first !== undefined);
    if (first !== undefined) assert.deepEqual(this.here(), first);
    const last = entries.findLast((entry) => sortable(entry.id) <= sortable(id));
    assert.equal(cursor.seekBack(body, idOf(id)), last !== undefined);
    if (last !== undefined) assert.deepEqual(this.here(), last);
    assert.equal(cursor.find(body, idOf(id)), entries.some((entry) => entry.id === id));
  }

  // --- Groups ---------------------------------------------------------------------------------------------------------

  group(name: string): number {
    const { groups, body } = this;
    const bytes = bytesOf(name);
    const found = groups.find(body, bytes, 0, bytes.length);
    if (found !== 0) {
      assert.ok(this.plain.has(name));
      return groups.own(body, found);
    }
    assert.ok(!this.plain.has(name));
    this.plain.set(name, { consumers: new Set(), pending: new Map() });
    return groups.create(body, bytes, 0, bytes.length, new StreamId(), -1n);
  }

  consumer(groupName: string, name: string): readonly [group: number, consumer: number] {
    const { groups, body } = this;
    const group = this.group(groupName);
    const bytes = bytesOf(name);
    const found = groups.findConsumer(group, bytes, 0, bytes.length);
    assert.equal(found !== 0, this.plain.get(groupName)?.consumers.has(name));
    this.plain.get(groupName)?.consumers.add(name);
    if (found !== 0) return [group, groups.ownConsumer(body, group, found)];
    return [group, groups.createConsumer(body, group, bytes, 0, bytes.length, 1000)];
  }

  deliver(groupName: string, name: string, id: string, ms: number, count: number): void {
    const { groups, body } = this;
    const [group, consumer] = this.consumer(groupName, name);
    const pending = this.plain.get(groupName)?.pending;
    assert.equal(groups.pendingFor(group, idOf(id)) >= 0, pending?.has(id));
    if (pending?.has(id)) groups.setPending(body, group, consumer, idOf(id), ms, count);
    else groups.addPending(body, group, consumer, idOf(id), ms, count);
    pending?.set(id, { consumer: name, ms, count });
  }

  acknowledge(groupName: string, id: string): void {
    const group = this.group(groupName);
    const was = this.plain.get(groupName)?.pending.delete(id);
    assert.equal(this.groups.removePending(this.body, group, idOf(id)), was);
  }

  deleteConsumer(groupName: string, name: string): void {
    const [group, consumer] = this.consumer(groupName, name);
    const plain = this.plain.get(groupName);
    const theirs = [...plain?.pending ?? []].filter(([, { consumer }]) => consumer === name);
    for (const [id] of theirs) plain?.pending.delete(id);
    plain?.consumers.delete(name);
    assert.equal(this.groups.deleteConsumer(this.body, group, consumer), theirs.length);
  }

  destroy(name: string): void {
    this.streams.wholeGroups.destroy(this.body, this.group(name));
    this.plain.delete(name);
  }

  checkGroups(): void {
    const { groups, body } = this;
    assert.equal(groups.count(body), this.plain.size);
    for (const [name, plain] of this.plain) {
      const group = this.group(name);
      assert.equal(groups.consumerCount(group), plain.consumers.size);
      assert.equal(groups.pendingCount(group), plain.pending.size);
      const pending = new PendingCursor(groups.pendingTree());
      const seen = new Map<string, PlainPending>();
      for (let isThere = pending.toFirst(groups.pendingRoot(group)); isThere; isThere = pending.next()) {
        const consumer = groups.consumer(group, pending.consumer);
        const start = groups.consumerNameStart(consumer);
        const bytes = groups.bytes(consumer).slice(start, start + groups.nameLength(consumer));
        const count = pending.deliveries;
        seen.set(pending.id.toString(), { consumer: String.fromCharCode(...bytes), ms: pending.deliveredMs, count });
      }
      assert.deepEqual([...seen], [...plain.pending].sort(([a], [b]) => sortable(a) < sortable(b) ? -1 : 1));
    }
  }
}

type Below = (limit: number) => number;

const LARGE = "18446744073709551615";

/** An ID above another: mostly near, now and then far away. */
function nextId(last: string, upTo: Below): string {
  const [ms, sequence] = last.split("-").map(BigInt);
  switch (upTo(12)) {
    case 0:
      return `${ms + 1n + BigInt(upTo(1e9))}-${upTo(2) === 0 ? LARGE : 0}`;
    case 1:
      return `${ms + 1n + (ms < 2n ** 62n ? 2n ** BigInt(upTo(50)) : 0n)}-${upTo(1000)}`;
    case 2:
      return `${ms + 1n}-${2n ** BigInt(upTo(64))}`;
    default:
      return sequence < 2n ** 64n - 2000n ? `${ms}-${sequence + 1n + BigInt(upTo(3))}` : `${ms + 1n}-0`;
  }
}

function drawFields(upTo: Below): string[] {
  if (upTo(3) > 0) return ["name", `value ${upTo(1000)}`, "number", String(upTo(1e9))];
  const fields: string[] = [];
  for (let i = upTo(4); i >= 0; i--) {
    fields.push(
      ["name", "", "12", "x".repeat(upTo(80))][upTo(4)],
      ["", "-7", "v".repeat(upTo(30) === 0 ? 5000 : 50)][upTo(3)],
    );
  }
  return fields;
}

/** Does something to the entries of a stream. */
function change(pair: Pair, upTo: Below, grows: number): void {
  const { entries } = pair;
  const kind = upTo(100);
  const some = entries.length === 0 ? pair.lastId : entries[upTo(entries.length)].id;
  if (kind < grows) pair.add(nextId(pair.lastId, upTo), drawFields(upTo));
  else if (kind < 95) pair.delete(some);
  else if (kind === 95) pair.trimTo(upTo(entries.length + 5));
  else if (kind === 96) pair.trimAbout(upTo(entries.length + 5));
  else if (kind === 97) pair.trimBelow(upTo(3) === 0 ? nextId(some, upTo) : some);
  else pair.delete(nextId(some, upTo));
}

/** Does something to its groups. */
function changeGroups(pair: Pair, upTo: Below): void {
  const name = `group ${upTo(3)}`;
  const pending = [...pair.plain.get(name)?.pending.keys() ?? []];
  const kind = upTo(100);
  if (kind < 55) {
    const id = upTo(4) === 0 && pending.length > 0 ? pending[upTo(pending.length)] : `${upTo(3000)}-${upTo(3)}`;
    pair.deliver(name, `consumer ${upTo(6)}`, id, 1e12 + upTo(1e6), upTo(20) === 0 ? 2 ** 40 : upTo(10));
  } else if (kind < 97) {
    pair.acknowledge(name, pending.length > 0 ? pending[upTo(pending.length)] : "1-1");
  } else if (kind === 97) pair.deleteConsumer(name, `consumer ${upTo(6)}`);
  else if (kind === 98 && upTo(4) === 0) pair.destroy(name);
}

for (const [bytes, count] of [[4096, 100], [0, 0], [100, 0], [0, 3], [400, 7]]) {
  test(`a stream agrees with an array, with nodes of ${bytes} bytes and ${count} entries at most`, () => {
    const upTo = below(randomFrom(bytes * 7 + count));
    const pair = new Pair();
    pair.streams.maxNodeBytes = bytes;
    pair.streams.maxNodeEntries = count;
    for (let i = 0; i < 3000; i++) {
      change(pair, upTo, i % 1000 < 700 ? 70 : 30);
      if (i % 100 === 0) pair.check();
      if (i % 300 === 0) walkKeyspace(pair.keyspace, false);
      const { entries } = pair;
      pair.seek(entries.length > 0 && upTo(2) === 0 ? entries[upTo(entries.length)].id : nextId(pair.lastId, upTo));
    }
    pair.trimTo(0);
    pair.check();
    walkKeyspace(pair.keyspace, false);
  });
}

test("an ID is exact up to the last there is", () => {
  const pair = new Pair();
  for (const id of [`0-1`, `9007199254740993-9007199254740993`, `${LARGE}-0`, `${LARGE}-${LARGE}`]) {
    pair.add(id, ["f", "v"]);
  }
  pair.check();
  for (const { id } of pair.entries) pair.seek(id);
  const id = idOf(`${LARGE}-${LARGE}`);
  assert.ok(!id.increment() && id.isZero);
  assert.ok(!id.decrement() && id.isMax);
  for (const text of ["1-0", "4294967296-0", "0-1", "0-4294967296", "5-18446744073709551615"]) {
    const one = idOf(text);
    assert.ok(one.decrement() && one.increment());
    assert.equal(one.toString(), text);
  }
});

test("groups agree with maps: what is pending, for whom, since when, how often", () => {
  const upTo = below(randomFrom(5));
  const pair = new Pair();
  for (let i = 0; i < 12_000; i++) {
    changeGroups(pair, upTo);
    if (i % 500 === 0) {
      pair.checkGroups();
      walkKeyspace(pair.keyspace, false);
    }
  }
  pair.checkGroups();
});

test("a copy is a stream of its own, and what is freed leaves nothing", () => {
  const upTo = below(randomFrom(6));
  const pair = new Pair();
  const { arena } = pair.store.heap;
  const before = arena.usedBytes;
  for (let i = 0; i < 3000; i++) {
    change(pair, upTo, 95);
    changeGroups(pair, upTo);
  }
  const ref = pair.database.peek(KEY, 0, KEY.length);
  pair.database.duplicate(ref, bytesOf("copy"), 0, 4);
  walkKeyspace(pair.keyspace, false);
  // The copy takes the place of the stream that it is a copy of, which was changed meanwhile.
  pair.streams.append(pair.body, idOf(nextId(pair.lastId, upTo)), Request.of("f", "v"), 0, 1);
  pair.streams.wholeGroups.destroy(pair.body, pair.group("group 1"));
  pair.database.adopt(pair.database, pair.database.write(bytesOf("copy"), 0, 4), KEY, 0, KEY.length);
  pair.check();
  pair.checkGroups();
  walkKeyspace(pair.keyspace, false);
  pair.database.remove(KEY, 0, KEY.length);
  while (pair.store.heap.freeDiscarded(1000));
  assert.ok(arena.usedBytes <= before, `${arena.usedBytes - before} bytes are left`);
});

test("a stream and its groups stay what they are while their memory is compacted", () => {
  const upTo = below(randomFrom(8));
  const pair = new Pair();
  for (let i = 0; i < 4000; i++) {
    change(pair, upTo, 90);
    changeGroups(pair, upTo);
    if (i % 500 !== 499) continue;
    const compaction = new Compaction(pair.keyspace);
    compaction.begin({ wastedBytes: 0, usedShare: 2 });
    while (compaction.step());
    while (pair.store.heap.freeDiscarded(1000));
    pair.check();
    pair.checkGroups();
    walkKeyspace(pair.keyspace, false);
  }
});

test("what a snapshot has still to read stays as it was, whatever becomes of the stream", () => {
  const upTo = below(randomFrom(9));
  const pair = new Pair();
  const { snapshots, arena } = pair.store.heap;
  pair.streams.maxNodeEntries = 5;
  for (let i = 0; i < 1500; i++) {
    change(pair, upTo, 95);
    changeGroups(pair, upTo);
  }
  for (let round = 0; round < 4; round++) {
    const displaced: number[] = [];
    const no = () => assert.fail();
    snapshots.epoch ^= EPOCH_BIT;
    const { body, streams } = pair;
    const shared = streams.share(body);
    const described = () => describeShared(pair, shared);
    const expected = described();
    snapshots.mark(pair.database.peek(KEY, 0, KEY.length));
    snapshots.listener = {
      beforeChange: no,
      beforeRemoval: no,
      keepsTable: no,
      displaced: (_body, element) => displaced.push(element),
      keepsBody: () => false,
      readNow: no,
    };
    for (let i = 0; i < 400; i++) {
      change(pair, upTo, 55);
      changeGroups(pair, upTo);
    }
    assert.deepEqual(described(), expected);
    snapshots.listener = null;
    while (pair.store.heap.freeDiscarded(1000));
    for (const element of displaced.splice(0)) arena.free(element);
    streams.unshare(shared);
    streams.markAll(body);
    pair.check();
    pair.checkGroups();
    walkKeyspace(pair.keyspace, false);
  }
});

/** All that a snapshot would read of what it shares. */
function describeShared(pair: Pair, shared: number): unknown {
  const { streams, groups, cursor } = pair;
  const entries: PlainEntry[] = [];
  for (let isThere = cursor.toFirst(shared); isThere; isThere = cursor.next()) entries.push(pair.here());
  const told: unknown[] = [entries];
  const names = groups.namesTree();
  const consumers = groups.namesTree();
  const pending = new PendingCursor(groups.pendingTree());
  const ids = new PendingCursor(groups.idsTree());
  if (streams.groupsOf(shared) === 0) return told;
  names.seekPosition(streams.groupsOf(shared), 0);
  do {
    const group = names.word(0);
    told.push(groups.lastId(group, new StreamId()).toString(), groups.pendingCount(group));
    for (let isThere = pending.toFirst(groups.pendingRoot(group)); isThere; isThere = pending.next()) {
      told.push([pending.id.toString(), pending.consumer, pending.deliveredMs, pending.deliveries]);
    }
    if (groups.consumersRoot(group) === 0) continue;
    consumers.seekPosition(groups.consumersRoot(group), 0);
    do {
      const consumer = consumers.word(0);
      told.push(groups.consumerNumber(consumer), groups.seenMs(consumer));
      for (let isThere = ids.toFirst(groups.idsRoot(consumer)); isThere; isThere = ids.next()) {
        told.push(ids.id.toString());
      }
    } while (consumers.next());
  } while (names.next());
  return told;
}

test("a stream takes as many entries as can be counted, and what would be more changes nothing", () => {
  const pair = new Pair();
  const { streams } = pair;
  streams.maxNodeEntries = 10;
  for (let i = 1; i <= 100; i++) pair.add(`${i}-0`, ["field", "value"]);
  // Entries that are only counted stand for two thousand million.
  const trees = streams.treesOf();
  trees.seekPosition(streams.rootOf(pair.body), 50);
  trees.addElements(streams.rootOf(pair.body), MOST_ELEMENTS - 100);
  assert.throws(() => pair.add("101-0", ["field", "value"]), TreeFullError);
  assert.equal(streams.length(pair.body), MOST_ELEMENTS);
  assert.equal(streams.lastId(pair.body, new StreamId()).toString(), "100-0");
  pair.delete("1-0");
  pair.add("101-0", ["field", "value"]);
  assert.equal(streams.length(pair.body), MOST_ELEMENTS);
});
