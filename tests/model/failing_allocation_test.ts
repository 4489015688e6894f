/**
 * Memory that runs out at any moment: each operation of the store is tried with its first allocation failing, its second,
 * and so on until it needs no more. What throws has changed nothing, in the data, in the arena, and in what a snapshot under
 * way writes; what goes on without that memory has done all that it does with it.
 *
 * A value type is tried here with a value of each of its encodings (`TYPES`): with what can be done to any value, and with
 * what only its own commands do.
 */

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { encodeLatin1 } from "../../lib/bytes/latin1.ts";
import { nextTurn } from "../../lib/runtime/turns.ts";
import { Dumper, Restorer } from "../../lib/persistence/dump.ts";
import { Offload } from "../../lib/persistence/rdb_offload.ts";
import { RdbReader } from "../../lib/persistence/rdb_reader.ts";
import { Snapshotter } from "../../lib/persistence/snapshot.ts";
import { ArenaFullError } from "../../lib/store/arena.ts";
import { Compaction } from "../../lib/store/compaction.ts";
import { KEEP_EXPIRY } from "../../lib/store/database.ts";
import { Request } from "../../lib/resp/request.ts";
import { StreamId } from "../../lib/store/types/stream_ids.ts";
import { ENCODING_NAMES, ENCODING_RAW, NO_EXPIRY, type UnixMs } from "../../lib/store/entry.ts";
import { Keyspace } from "../../lib/store/keyspace.ts";
import { ListBuilder } from "../../lib/store/types/list_builder.ts";
import { LoneValues } from "../../lib/store/types/lone_values.ts";
import { ScoredMembers } from "../../lib/store/types/scored_members.ts";
import { concatBytes } from "../bytes/concat.ts";
import { INFO, OPTIONS, wipe } from "../persistence/helpers.ts";
import { walkKeyspace } from "./keyspace_walk.ts";
import { contentsOf } from "./plain.ts";

const NOW = 1e12;
const LATER = NOW + 1e6;
const keyspace = new Keyspace(2);
const loaded = new Keyspace(2);
const { store } = keyspace;
const { arena, entries } = store.heap;
const dumper = new Dumper(store);
const restorer = new Restorer(keyspace);
const snapshotter = new Snapshotter(keyspace);
after(() => snapshotter.worker.stop());

const [first, second] = keyspace.databases;
const LONG = "long".repeat(30_000);

function set(key: string, value: string, expiry: UnixMs = NO_EXPIRY): void {
  const bytes = encodeLatin1(value);
  first.setString(encodeLatin1(key), 0, key.length, bytes, 0, bytes.length, ENCODING_RAW, expiry);
}

function write(key: string): number {
  return first.write(encodeLatin1(key), 0, key.length);
}

function setField(key: string, field: string, value: string): void {
  const ref = write(key) || store.hashes.create(first, encodeLatin1(key), 0, key.length, 0);
  store.hashes.set(first, ref, encodeLatin1(field), 0, field.length, encodeLatin1(value), 0, value.length);
}

function deleteField(key: string, field: string): void {
  const ref = write(key);
  assert.ok(store.hashes.delete(ref, encodeLatin1(field), 0, field.length));
  store.hashes.trim(first, ref);
}

function addMember(key: string, member: string): void {
  const { sets } = store;
  const bytes = encodeLatin1(member);
  const ref = write(key) || sets.create(first, encodeLatin1(key), 0, key.length, bytes, 0, bytes.length, 1, 0);
  sets.add(first, ref, bytes, 0, bytes.length);
}

function deleteMember(key: string, member: string): void {
  const ref = write(key);
  assert.ok(store.sets.delete(ref, encodeLatin1(member), 0, member.length));
  store.sets.trim(first, ref);
}

/** Builds a set of so many members beside all keys, and moves it under one; if that fails, it is released. */
function storeResult(key: string, members: number, name: (i: number) => string): void {
  const { sets } = store;
  const home = new LoneValues(store.heap);
  let ref = sets.createListpack(home, encodeLatin1(key), 0, 0, 0);
  let isMoved = false;
  try {
    for (let i = 0; i < members; i++) ref = sets.add(home, ref, encodeLatin1(name(i)), 0, name(i).length);
    if (name(0) === "0") ref = sets.convertToIntset(home, ref);
    home.moveTo(first, encodeLatin1(key), 0, key.length, ref);
    isMoved = true;
  } finally {
    if (!isMoved) store.heap.release(ref);
  }
}

function streamUnder(key: string): number {
  return store.streams.bodyOf(write(key) || store.streams.create(first, encodeLatin1(key), 0, key.length));
}

function append(key: string, ms: number, value: string): void {
  store.streams.append(streamUnder(key), new StreamId().setTime(ms), Request.of("field", value), 0, 1);
}

/** Has an entry pend for a consumer. */
function deliver(key: string, group: string, consumer: string, ms: number): void {
  const { groups } = store.streams;
  const body = streamUnder(key);
  const [name, called] = [encodeLatin1(group), encodeLatin1(consumer)];
  const id = new StreamId().setTime(ms);
  let ref = groups.find(body, name, 0, name.length);
  ref = ref === 0 ? groups.create(body, name, 0, name.length, id, -1n) : groups.own(body, ref);
  let who = groups.findConsumer(ref, called, 0, called.length);
  if (who === 0) who = groups.createConsumer(body, ref, called, 0, called.length, NOW);
  who = groups.ownConsumer(body, ref, who);
  if (groups.pendingFor(ref, id) >= 0) groups.setPending(body, ref, who, id, NOW, 2);
  else groups.addPending(body, ref, who, id, NOW, 1);
}

function groupOf(key: string, name: string): readonly [body: number, group: number] {
  const body = streamUnder(key);
  const group = store.streams.groups.find(body, encodeLatin1(name), 0, name.length);
  return [body, store.streams.groups.own(body, group)];
}

/** Puts a sorted set of so many members that were gathered under a key, as ZUNIONSTORE does. */
function storeScored(key: string, count: number): void {
  const members = new ScoredMembers();
  for (let i = 0; i < count; i++) {
    const name = encodeLatin1(`member:${i}`);
    members.add(name, 0, name.length, i);
  }
  members.sort();
  store.sortedSets.createSorted(first, encodeLatin1(key), 0, key.length, members);
}

/** Puts a list together, and under a key, as SORT does. */
function storeList(key: string, count: number): void {
  const list = new ListBuilder(store.lists);
  try {
    for (const text of elements(count)) list.add(encodeLatin1(text), 0, text.length);
    list.putUnder(first, encodeLatin1(key), 0, key.length);
  } finally {
    list.release();
  }
}

/** What a value type is tried with. */
interface TypeCase {
  /** The encodings that it has, as OBJECT ENCODING replies them. */
  readonly encodings: readonly string[];
  /** Makes values under a key, by what they are: some in each encoding. They stand under that name. */
  readonly values: Readonly<Record<string, (key: string) => void>>;
  /** What its commands do to them, by what that is: all that may need memory, and what removes. */
  readonly changes: Readonly<Record<string, () => void>>;
}

const TYPES: Readonly<Record<string, TypeCase>> = {
  string: {
    encodings: ["raw"], // the others are labels, which make no difference here
    values: {
      "a string": (key) => set(key, "value"),
      "a long string": (key) => set(key, LONG),
    },
    changes: {
      "a value of the same size": () => set("a string", "other"),
      "a longer value": () => set("a string", LONG),
      "a value in place of a large one": () => set("a long string", "short"),
      "a large value in place of a large one": () => set("a long string", LONG.toUpperCase()),
      "a string made longer": () => {
        const ref = first.resizeValue(write("a string"), 1000);
        entries.bytes(ref).fill(65, entries.valueStart(ref), entries.valueStart(ref) + 1000);
      },
      "a string made shorter": () => void first.resizeValue(write("a long string"), 10),
    },
  },
  list: {
    encodings: ["listpack", "quicklist"],
    values: {
      "a small list": (key) => elements(8).forEach((text) => push(key, "tail", text)),
      "a large list": (key) => elements(60).forEach((text) => push(key, "tail", text)),
    },
    changes: {
      "a small result in place of a large list": () => storeList("a large list", 3),
      "a large result in place of a small list": () => storeList("a small list", 60),
      "an element of a listpack changed": () => setElement("a small list", 3, "another, longer element"),
      "an element of a listpack less": () => deleteElements("a small list", 4, 1),
      "a listpack that becomes a quicklist": () => push("a small list", "head", "new"),
      "a listpack that becomes a quicklist for one long element": () => setElement("a small list", 3, LONG),
      "an element more at the head": () => push("a large list", "head", "new"),
      "an element more at the tail": () => push("a large list", "tail", "new"),
      "a long element more": () => push("a large list", "head", LONG),
      "an element inserted": () => insertElement("a large list", 30, "new"),
      "a long element inserted": () => insertElement("a large list", 30, LONG),
      "an element changed": () => setElement("a large list", 37, "another"),
      "an element less at the head": () => deleteElements("a large list", 0, 1),
      "elements less in the middle": () => deleteElements("a large list", 20, 20),
      "a quicklist that becomes a listpack": () => deleteElements("a large list", 3, 57),
    },
  },
  zset: {
    encodings: ["listpack", "skiplist"],
    values: {
      "a small sorted set": (key) => elements(8).forEach((member, i) => setScore(key, member, i)),
      "a large sorted set": (key) => elements(60).forEach((member, i) => setScore(key, member, i % 50)),
    },
    changes: {
      "a longer score in a listpack": () => setScore("a small sorted set", "element:2", 1.23456789e-100),
      "a member of a listpack less": () => deleteMembers("a small sorted set", 4, 1),
      "a listpack that becomes a skiplist": () => setScore("a small sorted set", "new", 1),
      "a listpack that becomes a skiplist for one long member": () => setScore("a small sorted set", LONG, 1),
      "a new member": () => setScore("a large sorted set", "new", 17.5),
      "a member with another score": () => setScore("a large sorted set", "element:9", 1000),
      "a member with a score that leaves it in its place": () => setScore("a large sorted set", "element:9", 9.5),
      "a small result in place of a large sorted set": () => storeScored("a large sorted set", 7),
      "a large result in place of a small sorted set": () => storeScored("a small sorted set", 70),
      "most members less": () => deleteMembers("a large sorted set", 10, 45),
    },
  },
  set: {
    encodings: ["intset", "listpack", "hashtable"],
    values: {
      "a set of integers": (key) => {
        for (let i = 0; i < 8; i++) addMember(key, String(i));
      },
      "a smaller set of integers": (key) => {
        for (let i = 0; i < 5; i++) addMember(key, String(i));
      },
      "a small set": (key) => {
        for (let i = 0; i < 7; i++) addMember(key, `member:${i}`);
      },
      "a large set": (key) => {
        for (let i = 0; i < 60; i++) addMember(key, `member:${i}`);
      },
    },
    changes: {
      "a wider integer": () => addMember("a smaller set of integers", "9007199254740993"),
      "an integer less": () => deleteMember("a set of integers", "3"),
      "an intset that becomes a table": () => addMember("a set of integers", "8"),
      "an intset that becomes a listpack": () => addMember("a smaller set of integers", "text"),
      "a set of integers that becomes a table": () => addMember("a set of integers", LONG),
      "a member of a listpack more": () => addMember("a small set", "new"),
      "a member of a listpack less": () => deleteMember("a small set", "member:2"),
      "a small set that becomes a table": () => addMember("a small set", LONG),
      "a new member of a table": () => addMember("a large set", "new"),
      "a member of a table less": () => deleteMember("a large set", "member:7"),
      "most members of a set taken": () => {
        let drawn = 0;
        store.sets.takeRandom(write("a large set"), 50, () => (drawn = (drawn + 0.37) % 1), () => {});
      },
      "a small result in place of a large set": () => storeResult("a large set", 5, (i) => `m${i}`),
      "a result of integers in place of a small set": () => storeResult("a small set", 8, String),
      "a large result in place of a small set": () => storeResult("a small set", 100, (i) => `m${i}`),
      "a large result under a new key": () => storeResult("result", 100, (i) => `m${i}`),
    },
  },
  hash: {
    encodings: ["listpack", "hashtable"],
    values: {
      "a small hash": (key) => {
        for (let i = 0; i < 8; i++) setField(key, `field:${i}`, "value");
      },
      "a large hash": (key) => {
        for (let i = 0; i < 300; i++) setField(key, `field:${i}`, "value");
      },
    },
    changes: {
      "a longer value in a listpack": () => setField("a small hash", "field:0", "a longer value"),
      "a field of a listpack less": () => deleteField("a small hash", "field:7"),
      "a listpack that becomes a table": () => setField("a small hash", "new", "value"),
      "a listpack that becomes a table for one long value": () => setField("a small hash", "field:1", LONG),
      "a new field of a table": () => setField("a large hash", "new", "value"),
      "a longer value in a table": () => setField("a large hash", "field:3", LONG),
      "most fields of a table less": () => {
        for (let i = 5; i < 300; i++) deleteField("a large hash", `field:${i}`);
      },
    },
  },
  stream: {
    encodings: ["stream"],
    values: {
      "an empty stream": (key) => void streamUnder(key),
      "a small stream": (key) => {
        for (let i = 1; i < 8; i++) append(key, i, "value");
        deliver(key, "group", "consumer", 3);
      },
      "a large stream": (key) => {
        for (let i = 1; i < 60; i++) {
          append(key, i, "value");
          deliver(key, i % 2 === 0 ? "group" : "other", `consumer ${i % 7}`, i);
        }
      },
    },
    changes: {
      "a first entry": () => append("an empty stream", 1, "value"),
      "an entry in a node": () => append("a small stream", 10, "value"),
      "a large entry in a node of its own": () => append("a small stream", 10, LONG),
      "an entry in a full node": () => append("a large stream", 60, "value"),
      "an entry deleted": () => {
        assert.ok(store.streams.delete(streamUnder("a large stream"), new StreamId().setTime(30)));
      },
      "most entries trimmed": () => {
        const to = { maxLength: 3, minId: new StreamId(), isApproximate: false, limit: 0 };
        assert.equal(store.streams.trim(streamUnder("a large stream"), to), 56);
      },
      "what is pending for another": () => deliver("a large stream", "group", "consumer 3", 100),
      "what is pending acknowledged": () => {
        const [body, group] = groupOf("a large stream", "group");
        for (let i = 2; i < 60; i += 2) {
          assert.ok(store.streams.groups.removePending(body, group, new StreamId().setTime(i)));
        }
      },
      "a consumer less": () => {
        const [body, group] = groupOf("a large stream", "group");
        const consumer = store.streams.groups.findConsumer(group, encodeLatin1("consumer 2"), 0, 10);
        assert.ok(store.streams.groups.deleteConsumer(body, group, consumer) > 0);
      },
      "a group less": () => {
        const [body, group] = groupOf("a large stream", "group");
        store.streams.wholeGroups.destroy(body, group);
      },
    },
  },
};

/** The elements of a list, none of which is like another. */
function elements(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `element:${i}`);
}

function push(key: string, end: "head" | "tail", text: string): void {
  const ref = write(key) || store.lists.create(first, encodeLatin1(key), 0, key.length, 0);
  try {
    store.lists.push(first, ref, end, encodeLatin1(text), 0, text.length);
  } catch (error) {
    const made = first.peek(encodeLatin1(key), 0, key.length);
    if (store.lists.count(made) === 0) first.remove(encodeLatin1(key), 0, key.length);
    throw error;
  }
}

function insertElement(key: string, index: number, text: string): void {
  store.lists.insert(first, write(key), index, encodeLatin1(text), 0, text.length);
}

function setElement(key: string, index: number, text: string): void {
  store.lists.trim(first, store.lists.set(first, write(key), index, encodeLatin1(text), 0, text.length));
}

function deleteElements(key: string, index: number, count: number): void {
  const ref = write(key);
  store.lists.delete(ref, index, count);
  store.lists.trim(first, ref);
}

function setScore(key: string, member: string, score: number): void {
  const ref = write(key) || store.sortedSets.create(first, encodeLatin1(key), 0, key.length, 0);
  store.sortedSets.set(first, ref, encodeLatin1(member), 0, member.length, score);
}

function deleteMembers(key: string, rank: number, count: number): void {
  const ref = write(key);
  store.sortedSets.deleteRanks(ref, rank, count);
  store.sortedSets.trim(first, ref);
}

/** What expires of the values named: another such value, whose name ends in this. */
const EXPIRING = ", expiring";
/** A key that is in the way of others. */
const TAKEN = "taken";
/** Entries at which a whole segment of a table is full. */
const FULL_SEGMENT = 832;

/** What can be done to any value, given its key and that of another that expires. */
const GENERAL: Readonly<Record<string, (key: string, expiring: string) => void>> = {
  "a string in its place": (key) => set(key, "value"),
  "a string that expires in its place": (key) => set(key, "value", LATER),
  "a long string that keeps its expiry": (_, expiring) => set(expiring, LONG, KEEP_EXPIRY),
  "a string that takes its expiry away": (_, expiring) => set(expiring, "value"),
  "an expiry": (key) => void first.setExpiry(write(key), LATER),
  "no expiry any more": (_, expiring) => void first.setExpiry(write(expiring), NO_EXPIRY),
  "another name": (key) => adopt(key, "new"),
  "another name, with its expiry": (_, expiring) => adopt(expiring, "new"),
  "another name, which was taken": (key) => adopt(key, TAKEN),
  "another database": (_, expiring) => second.adopt(first, write(expiring), encodeLatin1(expiring), 0, expiring.length),
  "a copy": (_, expiring) => first.duplicate(write(expiring), encodeLatin1("new"), 0, 3),
  "a copy in place of another": (key) => first.duplicate(write(key), encodeLatin1(TAKEN), 0, TAKEN.length),
  "a value restored": (key) => restore(key, "new"),
  "a value restored in place of another": (key) => restore(key, TAKEN),
  "its removal": (_, expiring) => void first.remove(encodeLatin1(expiring), 0, expiring.length),
};

/** What is done to keys whatever their values, or to all of them. */
const KEYS: Readonly<Record<string, () => void>> = {
  "a new key": () => set("new", "value"),
  "a new key that expires": () => set("new", "value", LATER),
  "all gone": () => void first.clear(),
  "databases exchanged": () => first.swap(second),
};

function adopt(key: string, other: string): void {
  first.adopt(first, write(key), encodeLatin1(other), 0, other.length);
}

function restore(from: string, key: string): void {
  const payload = dumper.dump(first.peek(encodeLatin1(from), 0, from.length), false).slice();
  restorer.restore(first, encodeLatin1(key), 0, key.length, payload, 0, payload.length, LATER);
}

/** Makes the values of some types anew, and a key that is in the way. */
function build(types: readonly TypeCase[] = Object.values(TYPES)): void {
  wipe(keyspace);
  store.setNow(NOW);
  store.hashes.maxListpackEntries = store.sortedSets.maxListpackEntries = store.lists.maxListpackSize = 8;
  store.sets.maxIntsetEntries = store.sets.maxListpackEntries = 8;
  store.streams.maxNodeEntries = 8;
  set(TAKEN, LONG, LATER);
  for (const { values } of types) {
    for (const [name, make] of Object.entries(values)) {
      make(name);
      make(name + EXPIRING);
      first.setExpiry(write(name + EXPIRING), LATER);
    }
  }
}

/** Adds keys, with or without an expiry, until `size` says that there are as many as wanted. */
function fill(size: () => number, wanted: number, expiry: UnixMs): void {
  for (let i = first.size; size() < wanted; i++) set(`filler:${i}`, "x", expiry);
}

/** The next number of entries at which a small table is full: 13 of 16 slots, 26 of 32, and so on. */
function fullTable(size: number): number {
  let full = 13;
  while (full < size) full *= 2;
  return full;
}

/** Runs an operation with its allocation number `at`, from 0 on, failing. */
function runFailing(operation: () => void, at: number): { readonly isReached: boolean; readonly hasThrown: boolean } {
  let count = 0;
  arena.alloc = (bytes) => {
    if (count++ === at) throw new ArenaFullError("none is left");
    return Object.getPrototypeOf(arena).alloc.call(arena, bytes);
  };
  let hasThrown = false;
  try {
    operation();
  } catch (error) {
    if (!(error instanceof ArenaFullError)) throw error;
    hasThrown = true;
  } finally {
    Reflect.deleteProperty(arena, "alloc");
  }
  return { isReached: count > at, hasThrown };
}

/** Begins a snapshot; the function returned waits for it and gives what it holds. */
function beginSnapshot(): () => Promise<Map<string, string>> {
  const parts: Uint8Array[] = [];
  const target = { kind: "stream", onBytes: (bytes: Uint8Array) => void parts.push(bytes) } as const;
  const running = snapshotter.start(target, () => INFO, OPTIONS);
  return async () => {
    await running;
    while (snapshotter.settling) await nextTurn();
    const reader = new RdbReader(wipe(loaded), { dropExpired: false, verifyChecksum: true });
    reader.feed(concatBytes(parts));
    reader.close();
    return contentsOf(loaded);
  };
}

/** Does something as if as many chunks were on their way as may be. */
function withFullWindow<T>(work: () => T): T {
  const isFull = Object.getOwnPropertyDescriptor(Offload.prototype, "isFull");
  assert.ok(isFull !== undefined);
  Object.defineProperty(Offload.prototype, "isFull", { configurable: true, get: () => true });
  try {
    return work();
  } finally {
    Object.defineProperty(Offload.prototype, "isFull", isFull);
  }
}

interface Situation {
  readonly withSnapshot?: boolean;
  /** As many chunks are on their way as may be, so that what changes is kept. */
  readonly isWindowFull?: boolean;
  /** Fills the tables. */
  readonly fill?: () => void;
}

const SITUATIONS: Readonly<Record<string, Situation>> = {
  "few keys": {},
  "few keys, while a snapshot is under way": { withSnapshot: true },
  "few keys, while the window of a snapshot is full": { withSnapshot: true, isWindowFull: true },
  "both tables about to grow": {
    fill: () => {
      fill(() => first.expiring, fullTable(first.expiring), LATER);
      fill(() => first.size, fullTable(first.size), NO_EXPIRY);
    },
  },
  "a segment to split": { fill: () => fill(() => first.size, FULL_SEGMENT, LATER) },
  "a segment to split, while a snapshot is under way": {
    withSnapshot: true,
    fill: () => fill(() => first.size, FULL_SEGMENT, LATER),
  },
  "a segment of those that expire to split": { fill: () => fill(() => first.expiring, FULL_SEGMENT, LATER) },
};

function testEach(what: string, operation: () => void, types?: readonly TypeCase[]): void {
  for (const [name, situation] of Object.entries(SITUATIONS)) {
    test(`memory runs out for ${what}: ${name}`, async () => {
      const begin = () => {
        build(types);
        situation.fill?.();
      };
      begin();
      const before = contentsOf(keyspace);
      operation();
      const done = contentsOf(keyspace);
      for (let at = 0, isReached = true; isReached; at++) {
        begin();
        const snapshot = situation.withSnapshot ? beginSnapshot() : null;
        const work = () => runFailing(operation, at);
        const result = situation.isWindowFull ? withFullWindow(work) : work();
        const expected = result.hasThrown ? before : done;
        assert.deepEqual(contentsOf(keyspace), expected, `allocation ${at} failed: all was done, or nothing`);
        if (snapshot !== null) assert.deepEqual(await snapshot(), before, "the snapshot is of before");
        walkKeyspace(keyspace, false);
        isReached = result.isReached;
        if (at > 20) at += 25; // a copy of a large value takes hundreds, each like the other
      }
    });
  }
}

for (const [name, operation] of Object.entries(KEYS)) testEach(name, operation);
for (const type of Object.values(TYPES)) {
  const { values, changes } = type;
  for (const [name, operation] of Object.entries(changes)) testEach(name, operation, [type]);
  for (const value of Object.keys(values)) {
    for (const [name, operation] of Object.entries(GENERAL)) {
      testEach(`${value}: ${name}`, () => operation(value, value + EXPIRING), [type]);
    }
  }
}

test("every value type is tried with values in all its encodings, and with changes of its own", () => {
  build();
  const types = store.heap.types.filter((type) => type !== undefined);
  assert.deepEqual(types.map(({ name }) => name).sort(), Object.keys(TYPES).sort());
  for (const [type, { encodings, values, changes }] of Object.entries(TYPES)) {
    const found = new Set<string | undefined>();
    for (const key of Object.keys(values)) {
      const ref = first.peek(encodeLatin1(key), 0, key.length);
      assert.equal(store.heap.typeOf(ref).name, type, `${key} is a ${type}`);
      found.add(ENCODING_NAMES.get(entries.encoding(ref)));
    }
    assert.deepEqual([...found].sort(), [...encodings].sort(), `a ${type} in each encoding`);
    assert.notEqual(Object.keys(changes).length, 0, `changes of a ${type}`);
  }
});

test("values of all types stay where they are, and what they are, when there is no memory to move them to", () => {
  for (let at = 0, isReached = true; isReached; at += 7) {
    build();
    const before = contentsOf(keyspace);
    const compaction = new Compaction(keyspace);
    compaction.begin({ wastedBytes: 0, usedShare: 2 });
    const result = runFailing(() => {
      while (compaction.step());
    }, at);
    assert.ok(!result.hasThrown);
    assert.deepEqual(contentsOf(keyspace), before);
    walkKeyspace(keyspace, false);
    isReached = result.isReached;
  }
});

test("all can be removed when there is no memory at all", () => {
  build();
  const keys = first.size;
  arena.alloc = () => {
    throw new ArenaFullError("none is left");
  };
  try {
    assert.equal(first.clear(), keys);
    assert.equal(first.size, 0);
  } finally {
    Reflect.deleteProperty(arena, "alloc");
  }
  walkKeyspace(keyspace, false);
});
