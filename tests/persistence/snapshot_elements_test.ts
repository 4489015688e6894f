/** Large values that change, element by element, while a snapshot has not come to them, or is writing them. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { seedHash } from "../../lib/bytes/hash.ts";
import { encodeLatin1 } from "../../lib/bytes/latin1.ts";
import { RdbReader } from "../../lib/persistence/rdb_reader.ts";
import { SnapshotAbortedError, Snapshotter } from "../../lib/persistence/snapshot.ts";
import { nextTurn } from "../../lib/runtime/turns.ts";
import type { Database } from "../../lib/store/database.ts";
import { TYPE_HASH, TYPE_LIST, TYPE_SET, TYPE_STREAM, TYPE_ZSET } from "../../lib/store/entry.ts";
import { Keyspace } from "../../lib/store/keyspace.ts";
import { Request } from "../../lib/resp/request.ts";
import { StreamCursor } from "../../lib/store/types/stream_cursor.ts";
import { StreamId } from "../../lib/store/types/stream_ids.ts";
import { concatBytes } from "../bytes/concat.ts";
import { walkKeyspace } from "../model/keyspace_walk.ts";
import {
  addMembers,
  expire,
  INFO,
  OPTIONS,
  randomSource,
  remove,
  setHash,
  setString,
  values,
  wipe,
} from "./helpers.ts";

const KEYS = 4;
const FIELDS = 4000;

function readBack(bytes: Uint8Array) {
  const keyspace = new Keyspace(2);
  const reader = new RdbReader(keyspace, { dropExpired: false, verifyChecksum: true });
  reader.feed(bytes);
  reader.close();
  return values(keyspace);
}

/** The large values that there are; each by its kind, whatever key it has by then. */
const KINDS = ["hash", "list", "set", "zset", "stream"] as const;

function nameOf(random: (below: number) => number): string {
  return `${KINDS[random(KINDS.length)]}:${random(random(2) === 0 ? KEYS : 20 * KEYS)}`;
}

/** `longest`: bytes of an element, below. */
function fill(keyspace: Keyspace, random: (below: number) => number, longest = 30): void {
  // Small nodes, so that lists have many.
  keyspace.store.lists.maxListpackSize = 10;
  keyspace.store.streams.maxNodeEntries = 10;
  for (let key = 0; key < KEYS; key++) {
    const database = keyspace.databases[key % 2];
    const count = FIELDS >> random(5);
    const fields = Object.fromEntries(Array.from({ length: count }, (_, i) => [`f${i}`, "v".repeat(random(longest))]));
    setHash(database, `hash:${key}`, fields);
    for (let i = 0; i < count; i++) {
      push(database, `list:${key}`, "tail", "e".repeat(random(longest)));
      score(database, `zset:${key}`, `m${random(FIELDS)}`, random(100));
      append(database, `stream:${key}`, random);
    }
    addMembers(database, `set:${key}`, Array.from({ length: count }, (_, i) => `m${i}`));
    for (let i = 0; i < count; i += 4) deliver(database, `stream:${key}`, random);
  }
  if (longest > 30) fillSmall(keyspace, random);
}

/** Adds values with bodies that are not large. */
function fillSmall({ databases }: Keyspace, random: (below: number) => number): void {
  for (let key = KEYS; key < 20 * KEYS; key++) {
    const database = databases[random(2)];
    for (let i = 0; i < 12; i++) {
      setHash(database, `hash:${key}`, { [`f${random(FIELDS)}`]: "v".repeat(100) });
      addMembers(database, `set:${key}`, [`m${random(FIELDS)}`.padEnd(70)]);
      push(database, `list:${key}`, "tail", "e".repeat(5));
      score(database, `zset:${key}`, `m${random(FIELDS)}`.padEnd(70), random(100));
      append(database, `stream:${key}`, random);
      deliver(database, `stream:${key}`, random);
    }
  }
}

/** The value under a key, if it is of a type, to be changed; 0 if there is none. */
function writable(database: Database, key: string, type: number): number {
  const name = encodeLatin1(key);
  const ref = database.write(name, 0, name.length);
  return ref !== 0 && database.store.heap.entries.type(ref) === type ? ref : 0;
}

function isFree(database: Database, key: string): boolean {
  return database.peek(encodeLatin1(key), 0, key.length) === 0;
}

function push(database: Database, key: string, end: "head" | "tail", text: string): void {
  const { lists } = database.store;
  let ref = writable(database, key, TYPE_LIST);
  if (ref === 0 && !isFree(database, key)) return;
  if (ref === 0) ref = lists.create(database, encodeLatin1(key), 0, key.length, 0);
  lists.push(database, ref, end, encodeLatin1(text), 0, text.length);
}

function score(database: Database, key: string, member: string, value: number): void {
  const { sortedSets } = database.store;
  let ref = writable(database, key, TYPE_ZSET);
  if (ref === 0 && !isFree(database, key)) return;
  if (ref === 0) ref = sortedSets.create(database, encodeLatin1(key), 0, key.length, 0);
  sortedSets.set(database, ref, encodeLatin1(member), 0, member.length, value);
}

/** Adds an entry to a stream. */
function append(database: Database, key: string, random: (below: number) => number): void {
  const { streams } = database.store;
  let ref = writable(database, key, TYPE_STREAM);
  if (ref === 0 && !isFree(database, key)) return;
  if (ref === 0) ref = streams.create(database, encodeLatin1(key), 0, key.length);
  const body = streams.bodyOf(ref);
  const id = streams.lastId(body, new StreamId());
  for (let i = random(3); i >= 0; i--) id.increment();
  streams.append(body, id, Request.of("field", "v".repeat(random(30))), 0, 1);
}

/** Has an entry pend for a consumer of a stream, or not any more. */
function deliver(database: Database, key: string, random: (below: number) => number): void {
  const { streams } = database.store;
  const { groups } = streams;
  const ref = writable(database, key, TYPE_STREAM);
  if (ref === 0) return;
  const body = streams.bodyOf(ref);
  const [name, called] = [encodeLatin1(`group:${random(3)}`), encodeLatin1(`consumer:${random(5)}`)];
  let group = groups.find(body, name, 0, name.length);
  if (group === 0) group = groups.create(body, name, 0, name.length, new StreamId(), -1n);
  group = groups.own(body, group);
  const kind = random(100);
  if (kind === 0) return streams.wholeGroups.destroy(body, group);
  let consumer = groups.findConsumer(group, called, 0, called.length);
  if (consumer === 0) consumer = groups.createConsumer(body, group, called, 0, called.length, random(1e9));
  consumer = groups.ownConsumer(body, group, consumer);
  if (kind === 1) return void groups.deleteConsumer(body, group, consumer);
  const id = new StreamId().setTime(random(3000));
  if (kind < 30) return void groups.removePending(body, group, id);
  groups.setSeen(consumer, random(1e9));
  groups.setLastId(group, id);
  if (groups.pendingFor(group, id) >= 0) groups.setPending(body, group, consumer, id, random(1e9), random(10));
  else groups.addPending(body, group, consumer, id, random(1e9), 1);
}

/** Changes something of a stream: adds an entry, deletes some, or has one pend. */
function changeStream(database: Database, key: string, random: (below: number) => number): void {
  const { streams } = database.store;
  const kind = random(10);
  if (kind < 3) return append(database, key, random);
  if (kind < 7) return deliver(database, key, random);
  const ref = writable(database, key, TYPE_STREAM);
  if (ref === 0) return;
  const body = streams.bodyOf(ref);
  if (kind === 7) {
    const to = { maxLength: Math.max(0, streams.length(body) - random(50)), minId: new StreamId() };
    return void streams.trim(body, { ...to, isApproximate: random(2) === 0, limit: 0 });
  }
  const cursor = new StreamCursor(streams);
  const count = streams.length(body);
  if (count > 0 && cursor.toPosition(body, random(count))) streams.delete(body, new StreamId().set(cursor.id));
}

/** Changes an element of a list: adds, inserts, sets, or takes some away. */
function changeList(database: Database, key: string, random: (below: number) => number): void {
  const { lists } = database.store;
  const ref = writable(database, key, TYPE_LIST);
  if (ref === 0) return;
  const text = "w".repeat(random(30));
  const count = lists.count(ref);
  const index = random(count);
  const kind = random(10);
  if (kind < 3) return push(database, key, kind === 0 ? "head" : "tail", text);
  if (kind < 5) return void lists.insert(database, ref, index, encodeLatin1(text), 0, text.length);
  if (kind < 7) return void lists.set(database, ref, index, encodeLatin1(text), 0, text.length);
  const gone = Math.min(count - index, kind === 7 ? random(50) + 1 : 1);
  if (gone === count) return void remove(database, key);
  lists.delete(ref, index, gone);
  lists.trim(database, ref);
}

/** Changes a member of a sorted set: adds one, moves it, or takes some away. */
function changeSortedSet(database: Database, key: string, random: (below: number) => number): void {
  const { sortedSets } = database.store;
  const ref = writable(database, key, TYPE_ZSET);
  if (ref === 0) return;
  const member = `m${random(FIELDS)}`;
  const kind = random(10);
  if (kind < 6) return score(database, key, member, random(100));
  if (kind < 9) {
    sortedSets.delete(ref, encodeLatin1(member), 0, member.length);
  } else {
    const rank = random(sortedSets.count(ref));
    sortedSets.deleteRanks(ref, rank, Math.min(random(20), sortedSets.count(ref) - rank));
  }
  if (sortedSets.count(ref) === 0) remove(database, key);
}

/** Changes a set: adds a member, removes one, or takes some at random. */
function changeSet(database: Database, key: string, random: (below: number) => number): void {
  const { sets } = database.store;
  const ref = writable(database, key, TYPE_SET);
  if (ref === 0 && !isFree(database, key)) return;
  const member = `m${random(FIELDS + 500)}`;
  const kind = random(10);
  if (ref === 0 || kind < 5) return addMembers(database, key, [member]);
  const count = sets.count(ref);
  if (kind < 9) sets.delete(ref, encodeLatin1(member), 0, member.length);
  else sets.takeRandom(ref, Math.min(count - 1, random(20)), () => random(1e6) / 1e6, () => {});
  if (sets.count(ref) === 0) remove(database, key);
}

/** One random change, mostly to single elements of the large values. */
function change(keyspace: Keyspace, random: (below: number) => number): void {
  const database = keyspace.databases[random(2)];
  const key = nameOf(random);
  const name = encodeLatin1(key);
  const field = `f${random(FIELDS + 500)}`;
  const kind = random(100);
  if (kind < 85 && key.startsWith("list")) return changeList(database, key, random);
  if (kind < 85 && key.startsWith("set")) return changeSet(database, key, random);
  if (kind < 85 && key.startsWith("zset")) return changeSortedSet(database, key, random);
  if (kind < 85 && key.startsWith("stream")) return changeStream(database, key, random);
  if (kind < 45) {
    if (writable(database, key, TYPE_HASH) === 0 && !isFree(database, key)) return;
    return setHash(database, key, { [field]: "w".repeat(random(30)) });
  }
  if (kind < 85) {
    const ref = writable(database, key, TYPE_HASH);
    if (ref === 0) return;
    keyspace.store.hashes.delete(ref, encodeLatin1(field), 0, field.length);
    if (keyspace.store.hashes.count(ref) === 0) remove(database, key);
    return;
  }
  const other = nameOf(random);
  const to = keyspace.databases[random(2)];
  if (kind < 88) return expire(database, key, Date.now() + 1e6);
  if (kind < 91) {
    const ref = database.look(name, 0, name.length);
    if (ref !== 0 && (to !== database || other !== key)) to.duplicate(ref, encodeLatin1(other), 0, other.length);
    return;
  }
  if (kind < 94) {
    const ref = database.write(name, 0, name.length);
    if (ref !== 0 && (to !== database || other !== key)) to.adopt(database, ref, encodeLatin1(other), 0, other.length);
    return;
  }
  if (kind === 94) return void remove(database, key);
  if (kind === 95) return setString(database, key, "short");
  if (kind === 96 && random(8) === 0) return void database.clear();
  if (kind === 97) return void database.remove(name, 0, name.length);
  if (kind === 98) return database.swap(keyspace.databases[1 - database.index]);
  keyspace.store.heap.freeDiscarded(500);
}

/** A target that takes nothing for so many turns. */
function lateTarget(parts: Uint8Array[], turns: number) {
  let isOpen = turns === 0;
  const opened = (async () => {
    for (let i = 0; i < turns; i++) await nextTurn();
    isOpen = true;
  })();
  const onBytes = (bytes: Uint8Array) => {
    parts.push(bytes);
    return isOpen ? undefined : opened;
  };
  return { kind: "stream" as const, onBytes };
}

test("large values are written as they were, whatever becomes of their elements", { timeout: 300_000 }, async () => {
  for (let seed = 1; seed <= 30; seed++) {
    const isLate = seed % 2 === 0;
    const longest = isLate ? 300 : 30;
    const random = randomSource(seed);
    const keyspace = new Keyspace(2);
    const snapshotter = new Snapshotter(keyspace);
    fill(keyspace, random, longest);
    for (let round = 0; round < 4; round++) {
      const expected = values(keyspace);
      const parts: Uint8Array[] = [];
      const target = lateTarget(parts, isLate ? random(200) : 0);
      const saving = snapshotter.start(target, () => INFO, OPTIONS);
      const outcome = saving.then(() => null, (error: unknown) => error);
      const pace = 1 + random(60);
      const end = random(4) === 0 ? random(30) : Infinity;
      let turn = 0;
      while (snapshotter.running && turn++ < end) {
        for (let i = random(pace); i > 0; i--) change(keyspace, random);
        await nextTurn();
      }
      if (snapshotter.running) {
        snapshotter.abort();
        while (snapshotter.settling) {
          change(keyspace, random);
          await nextTurn();
        }
      }
      const error = await outcome;
      if (error === null) assert.deepEqual(readBack(concatBytes(parts)), expected, `seed ${seed}, round ${round}`);
      else assert.ok(error instanceof SnapshotAbortedError, `seed ${seed}, round ${round}: ${error}`);
      walkKeyspace(keyspace, false);
      if (keyspace.databases[0].size + keyspace.databases[1].size < 3) fill(keyspace, random, longest);
    }
    wipe(keyspace);
    walkKeyspace(keyspace, false);
    snapshotter.worker.stop();
  }
});

test("what changes of a stream costs nodes, not the stream that a snapshot has still to write", async () => {
  const keyspace = new Keyspace(1);
  const [database] = keyspace.databases;
  const random = randomSource(5);
  for (let i = 0; i < 20_000; i++) {
    append(database, "stream", random);
    deliver(database, "stream", random);
  }
  while (keyspace.store.heap.freeDiscarded(100_000));
  const expected = values(keyspace);
  const snapshotter = new Snapshotter(keyspace);
  const parts: Uint8Array[] = [];
  const saving = snapshotter.start({ kind: "stream", onBytes: (bytes) => void parts.push(bytes) }, () => INFO, OPTIONS);
  const before = keyspace.store.heap.arena.usedBytes;
  append(database, "stream", random);
  deliver(database, "stream", () => 2);
  assert.equal(snapshotter.keysProcessed, 0);
  const taken = keyspace.store.heap.arena.usedBytes - before;
  assert.ok(taken < 20_000, `${taken} bytes`);
  await saving;
  assert.deepEqual(readBack(concatBytes(parts)), expected);
  walkKeyspace(keyspace, false);
  snapshotter.worker.stop();
});

test("a change to a field costs that field, not the hash that a snapshot has still to write", async () => {
  seedHash(1, 2); // by chance the new field would split a segment of the table, once in 300 times
  const keyspace = new Keyspace(1);
  const [database] = keyspace.databases;
  const fields = Object.fromEntries(Array.from({ length: 50_000 }, (_, i) => [`field:${i}`, `value:${i}`]));
  setHash(database, "hash", fields);
  const snapshotter = new Snapshotter(keyspace);
  const parts: Uint8Array[] = [];
  const saving = snapshotter.start({ kind: "stream", onBytes: (bytes) => void parts.push(bytes) }, () => INFO, OPTIONS);
  const before = keyspace.store.heap.arena.usedBytes;
  setHash(database, "hash", { "field:7": "changed", another: "one" });
  assert.equal(snapshotter.keysProcessed, 0);
  const taken = keyspace.store.heap.arena.usedBytes - before;
  assert.ok(taken < 1000, `${taken} bytes`);
  await saving;
  assert.deepEqual(Object.fromEntries(readBack(concatBytes(parts)).get(0) ?? []), {
    hash: {
      value: Object.fromEntries(Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1))),
      encoding: 0,
      expiry: null,
    },
  });
  assert.ok(keyspace.store.heap.arena.usedBytes - before < 1000, "what was kept aside is free again");
  walkKeyspace(keyspace, false);
  snapshotter.worker.stop();
});
