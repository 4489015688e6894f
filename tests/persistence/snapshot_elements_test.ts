/** Large values that change, element by element, while a snapshot has not come to them, or is writing them. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeLatin1 } from "../../lib/bytes/latin1.ts";
import { RdbReader } from "../../lib/persistence/rdb_reader.ts";
import { SnapshotAbortedError, Snapshotter } from "../../lib/persistence/snapshot.ts";
import { nextTurn } from "../../lib/runtime/turns.ts";
import { Keyspace } from "../../lib/store/keyspace.ts";
import { concatBytes } from "../bytes/concat.ts";
import { walkKeyspace } from "../model/keyspace_walk.ts";
import { expire, INFO, OPTIONS, randomSource, remove, setHash, setString, values, wipe } from "./helpers.ts";

const KEYS = 5;
const FIELDS = 4000;

function readBack(bytes: Uint8Array) {
  const keyspace = new Keyspace(2);
  const reader = new RdbReader(keyspace, { dropExpired: false, verifyChecksum: true });
  reader.feed(bytes);
  reader.close();
  return values(keyspace);
}

function fill(keyspace: Keyspace, random: (below: number) => number): void {
  for (let key = 0; key < KEYS; key++) {
    const count = FIELDS >> random(5);
    const fields = Object.fromEntries(Array.from({ length: count }, (_, i) => [`f${i}`, "v".repeat(random(30))]));
    setHash(keyspace.databases[key % 2], `hash:${key}`, fields);
  }
}

/** One random change, mostly to single fields of the large hashes. */
function change(keyspace: Keyspace, random: (below: number) => number): void {
  const database = keyspace.databases[random(2)];
  const key = `hash:${random(KEYS)}`;
  const name = encodeLatin1(key);
  const field = `f${random(FIELDS + 500)}`;
  const kind = random(100);
  if (kind < 45) {
    const ref = database.write(name, 0, name.length);
    if (ref !== 0 && keyspace.store.heap.entries.type(ref) !== 4) return;
    return setHash(database, key, { [field]: "w".repeat(random(30)) });
  }
  if (kind < 85) {
    const ref = database.write(name, 0, name.length);
    if (ref === 0 || keyspace.store.heap.entries.type(ref) !== 4) return;
    keyspace.store.hashes.delete(ref, encodeLatin1(field), 0, field.length);
    if (keyspace.store.hashes.count(ref) === 0) remove(database, key);
    return;
  }
  const other = `hash:${random(KEYS)}`;
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
  if (kind === 97) return void database.evict(name, 0, name.length);
  if (kind === 98) return database.swap(keyspace.databases[1 - database.index]);
  keyspace.store.heap.freeDiscarded(500);
}

test("large values are written as they were, whatever becomes of their elements", { timeout: 300_000 }, async () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = randomSource(seed);
    const keyspace = new Keyspace(2);
    const snapshotter = new Snapshotter(keyspace);
    fill(keyspace, random);
    for (let round = 0; round < 4; round++) {
      const expected = values(keyspace);
      const parts: Uint8Array[] = [];
      const target = { kind: "stream" as const, onBytes: (bytes: Uint8Array) => void parts.push(bytes) };
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
      if (keyspace.databases[0].size + keyspace.databases[1].size < 3) fill(keyspace, random);
    }
    wipe(keyspace);
    walkKeyspace(keyspace, false);
    snapshotter.worker.stop();
  }
});

test("a change to a field costs that field, not the hash that a snapshot has still to write", async () => {
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
