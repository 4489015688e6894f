/**
 * Memory that runs out at any moment: each operation of the store is tried with its first allocation failing, its
 * second, and so on until it succeeds. Whatever fails has changed nothing, in the data, in the arena, and in what a
 * snapshot under way writes.
 */

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { encodeLatin1 } from "../../lib/bytes/latin1.ts";
import { nextTurn } from "../../lib/runtime/turns.ts";
import { Dumper, Restorer } from "../../lib/persistence/dump.ts";
import { RdbReader } from "../../lib/persistence/rdb_reader.ts";
import { Snapshotter } from "../../lib/persistence/snapshot.ts";
import { ArenaFullError } from "../../lib/store/arena.ts";
import { KEEP_EXPIRY } from "../../lib/store/database.ts";
import { ENCODING_RAW, NO_EXPIRY, type UnixMs } from "../../lib/store/entry.ts";
import { Keyspace } from "../../lib/store/keyspace.ts";
import { concatBytes } from "../bytes/concat.ts";
import { INFO, OPTIONS, wipe } from "../persistence/helpers.ts";
import { contentsOf } from "./plain.ts";
import { walkKeyspace } from "./keyspace_walk.ts";

const NOW = 1e12;
const LATER = NOW + 1e6;
const keyspace = new Keyspace(2);
const loaded = new Keyspace(2);
const dumper = new Dumper(keyspace.store);
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
  const ref = write(key) || keyspace.store.hashes.create(first, encodeLatin1(key), 0, key.length, 0);
  keyspace.store.hashes.set(first, ref, encodeLatin1(field), 0, field.length, encodeLatin1(value), 0, value.length);
}

/** Keys enough that the tables are about to grow: 6 of 8 slots, 13 of 16, 832 of 1024 and so on are full. */
function fillTo(keys: number, expiry: UnixMs = NO_EXPIRY): void {
  for (let i = first.size; i < keys; i++) set(`filler:${i}`, "x", expiry);
}

function build(): void {
  wipe(keyspace);
  keyspace.store.setNow(NOW);
  keyspace.store.hashes.maxListpackEntries = 8;
  set("string", "value");
  set("expiring", "value", LATER);
  set("long", LONG);
  for (let i = 0; i < 8; i++) setField("small", `field:${i}`, "value");
  for (let i = 0; i < 300; i++) setField("large", `field:${i}`, "value");
}

/** Each with how full the tables are before. */
const OPERATIONS: Readonly<Record<string, () => void>> = {
  "a new key": () => set("new", "value"),
  "a new key that expires": () => set("new", "value", LATER),
  "a value of the same size": () => set("string", "other"),
  "a longer value": () => set("string", LONG),
  "a value in place of a large one": () => set("long", "short"),
  "a large value in place of a large one": () => set("long", LONG.toUpperCase()),
  "a string in place of a table": () => set("large", "value"),
  "a value that keeps the expiry": () => set("expiring", LONG, KEEP_EXPIRY),
  "a value that takes the expiry away": () => set("expiring", "value"),
  "an expiry": () => first.setExpiry(write("string"), LATER),
  "an expiry of a table": () => first.setExpiry(write("large"), LATER),
  "no expiry any more": () => first.setExpiry(write("expiring"), NO_EXPIRY),
  "a string made longer": () => {
    const ref = first.resizeValue(write("string"), 1000);
    keyspace.store.heap.entries.bytes(ref).fill(
      65,
      keyspace.store.heap.entries.valueStart(ref),
      keyspace.store.heap.entries.valueStart(ref) + 1000,
    );
  },
  "a new field of a listpack": () => setField("small", "field:0", "a longer value"),
  "a listpack that becomes a table": () => setField("small", "new", "value"),
  "a listpack that becomes a table for one long value": () => setField("small", "field:1", LONG),
  "a new field of a table": () => setField("large", "new", "value"),
  "a longer value in a table": () => setField("large", "field:3", LONG),
  "another name": () => first.adopt(first, write("long"), encodeLatin1("new"), 0, 3),
  "another name, which was taken by a large value": () =>
    first.adopt(first, write("expiring"), encodeLatin1("long"), 0, 4),
  "another name for a table, which was taken": () => first.adopt(first, write("large"), encodeLatin1("expiring"), 0, 8),
  "another database": () => second.adopt(first, write("expiring"), encodeLatin1("expiring"), 0, 8),
  "a copy": () => first.duplicate(write("expiring"), encodeLatin1("new"), 0, 3),
  "a copy of a table in place of a large value": () => first.duplicate(write("large"), encodeLatin1("long"), 0, 4),
  "a value restored": () => restore("new", "expiring"),
  "a table restored in place of a large value": () => restore("long", "large"),
  "all gone": () => first.clear(),
  "databases exchanged": () => first.swap(second),
};

function restore(key: string, from: string): void {
  const payload = dumper.dump(first.peek(encodeLatin1(from), 0, from.length), false).slice();
  restorer.restore(first, encodeLatin1(key), 0, key.length, payload, 0, payload.length, LATER);
}

/** Runs an operation with its allocation number `at` failing, from 0 on; whether it failed for that. */
function failsAt(operation: () => void, at: number): boolean {
  const { arena } = keyspace.store.heap;
  let count = 0;
  arena.alloc = (bytes) => {
    if (count++ === at) throw new ArenaFullError("none is left");
    return Object.getPrototypeOf(arena).alloc.call(arena, bytes);
  };
  try {
    operation();
    return false;
  } catch (error) {
    if (!(error instanceof ArenaFullError)) throw error;
    return true;
  } finally {
    Reflect.deleteProperty(arena, "alloc");
  }
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

for (const [name, operation] of Object.entries(OPERATIONS)) {
  for (
    const [fullness, fill] of [["few keys", 6], ["tables about to grow", 13], ["a segment to split", 832]] as const
  ) {
    for (const withSnapshot of [false, true]) {
      if (withSnapshot && fill === 13) continue;
      const during = withSnapshot ? " while a snapshot is under way" : "";
      test(`memory runs out for ${name}, ${fullness}${during}`, async () => {
        let at = 0;
        for (let failed = true; failed; at++) {
          build();
          fillTo(fill, fill === 832 ? LATER : NO_EXPIRY);
          const before = contentsOf(keyspace);
          const snapshot = withSnapshot ? beginSnapshot() : null;
          failed = failsAt(operation, at);
          if (failed) {
            assert.deepEqual(contentsOf(keyspace), before, `allocation ${at} failed, and nothing has changed`);
          }
          if (snapshot !== null) assert.deepEqual(await snapshot(), before, "the snapshot is of before");
          walkKeyspace(keyspace, false);
          if (at > 20) at += 25; // a copy of a table takes hundreds, each like the other
        }
      });
    }
  }
}

test("all can be removed when there is no memory at all", () => {
  build();
  const { arena } = keyspace.store.heap;
  arena.alloc = () => {
    throw new ArenaFullError("none is left");
  };
  try {
    assert.equal(first.clear(), 5);
    assert.equal(first.size, 0);
  } finally {
    Reflect.deleteProperty(arena, "alloc");
  }
  walkKeyspace(keyspace, false);
});
