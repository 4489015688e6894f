import { test } from "node:test";
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodeLatin1 } from "../../lib/bytes/latin1.ts";
import { RdbReader } from "../../lib/persistence/rdb_reader.ts";
import { saveSync } from "../../lib/persistence/save.ts";
import { SnapshotAbortedError, type SnapshotTarget, Snapshotter } from "../../lib/persistence/snapshot.ts";
import { nextTurn } from "../../lib/runtime/turns.ts";
import type { Database } from "../../lib/store/database.ts";
import { NO_EXPIRY } from "../../lib/store/entry.ts";
import { Keyspace } from "../../lib/store/keyspace.ts";
import { concatBytes } from "../bytes/concat.ts";
import {
  expire,
  INFO,
  OPTIONS,
  randomSource,
  remove,
  setHash,
  setString,
  values,
  variedKeyspace,
  wipe,
  withDirectory,
} from "./helpers.ts";

const READ = { dropExpired: false, verifyChecksum: true };
const TARGET = new Keyspace(16);

function readBack(bytes: Uint8Array) {
  const reader = new RdbReader(wipe(TARGET), READ);
  reader.feed(bytes);
  reader.close();
  return values(TARGET);
}

/** Fails unless every entry has the current mark, as it must between snapshots. */
function assertMarks(keyspace: Keyspace, databases: readonly Database[] = keyspace.databases): void {
  const refs: number[] = [];
  for (const database of databases) {
    let cursor = 0;
    do {
      cursor = database.scan(cursor, 500, refs);
      for (const ref of refs) {
        assert.ok(keyspace.store.heap.snapshots.isMarked(ref));
        const table = keyspace.store.heap.typeOf(ref).memberTable(ref);
        if (table === 0) continue;
        const fields: number[] = [];
        let at = 0;
        do {
          at = keyspace.store.heap.tables.scan(table, at, 500, fields);
          for (const field of fields) {
            assert.ok(keyspace.store.heap.snapshots.isMarked(field), "fields have marks as well");
          }
        } while (at !== 0);
      }
    } while (cursor !== 0);
  }
}

async function settled(snapshotter: Snapshotter): Promise<void> {
  while (snapshotter.settling) await nextTurn();
}

function fileTarget(directory: string): SnapshotTarget {
  return { kind: "file", path: join(directory, "dump.rdb"), temporary: join(directory, "temp-1.rdb") };
}

/** A target that gathers the bytes, and waits for a turn or not as `random` says. */
function memoryTarget(parts: Uint8Array[], random: (below: number) => number): SnapshotTarget {
  return {
    kind: "stream",
    onBytes: async (bytes) => {
      parts.push(bytes);
      while (random(3) === 0) await nextTurn();
    },
  };
}

test("a background save writes what a save in place writes", async () => {
  await withDirectory(async (directory) => {
    const keyspace = variedKeyspace();
    const expected = values(keyspace);
    const snapshotter = new Snapshotter(keyspace);
    for (let round = 0; round < 3; round++) {
      const saving = snapshotter.start(fileTarget(directory), () => INFO, OPTIONS);
      assert.equal(snapshotter.running, true);
      const keys = keyspace.databases.reduce((sum, database) => sum + database.size, 0);
      assert.equal(snapshotter.keysTotal, keys);
      const result = await saving;
      assert.equal(snapshotter.running, false);
      assert.equal(result.keys, keys);
      assert.equal(snapshotter.keysProcessed, keys);
      const bytes = readFileSync(join(directory, "dump.rdb"));
      assert.equal(result.bytes, bytes.length);
      assert.deepEqual(readBack(bytes), expected);
      assert.deepEqual(readdirSync(directory), ["dump.rdb"]);
      assertMarks(keyspace);
    }
    snapshotter.worker.stop();
  });
});

/** One random write to a random database of the keyspace. */
function randomWrite(keyspace: Keyspace, random: (below: number) => number): void {
  const database = keyspace.databases[random(4)];
  const key = `key:${random(1500)}`;
  const name = encodeLatin1(key);
  switch (random(16)) {
    case 0:
      return void remove(database, key);
    case 1:
      return expire(database, key, Date.now() + 1_000_000 + random(1000));
    case 2:
      return expire(database, key, NO_EXPIRY);
    case 3:
    case 4: {
      const ref = database.write(name, 0, name.length);
      if (ref !== 0 && keyspace.store.heap.entries.type(ref) !== 4) return;
      const fields: Record<string, string> = {};
      for (let i = random(6) + 1; i > 0; i--) fields[`f${random(300)}`] = "v".repeat(random(80));
      return setHash(database, key, fields);
    }
    case 5: {
      const ref = database.write(name, 0, name.length);
      const to = keyspace.databases[random(4)];
      const renamed = `key:${random(1500)}`;
      if (ref === 0 || (to === database && renamed === key)) return;
      remove(to, renamed);
      const current = database.peek(name, 0, name.length);
      if (current !== 0) to.adopt(database, current, encodeLatin1(renamed), 0, renamed.length);
      return;
    }
    case 6: {
      const ref = database.write(name, 0, name.length);
      if (ref === 0 || keyspace.store.heap.entries.type(ref) !== 4) return;
      for (let i = 0; i < 20; i++) {
        const field = encodeLatin1(`f${random(300)}`);
        keyspace.store.hashes.delete(ref, field, 0, field.length);
      }
      if (keyspace.store.hashes.count(ref) === 0) remove(database, key);
      else keyspace.store.hashes.trim(database, ref);
      return;
    }
    case 7:
      if (random(150) === 0) database.clear();
      return;
    case 8: {
      if (random(60) > 0) return;
      return database.swap(keyspace.databases[random(4)]);
    }
    case 9:
      if (random(20) === 0) return setString(database, key, "large".repeat(20_000 + random(5000)));
      keyspace.store.heap.freeDiscarded(50);
      return;
    case 11: {
      const ref = database.look(name, 0, name.length);
      const copied = `key:${random(1500)}`;
      if (ref === 0 || copied === key) return;
      return keyspace.databases[random(4)].duplicate(ref, encodeLatin1(copied), 0, copied.length);
    }
    case 10: {
      if (random(40) > 0) return;
      const ref = database.peek(name, 0, name.length);
      if (ref !== 0) database.expireEntry(ref);
      return;
    }
    default:
      return setString(database, key, `${random(1_000_000)}`.repeat(1 + random(4)));
  }
}

test("a snapshot holds what was there at its start, whatever is written meanwhile", { timeout: 300_000 }, async () => {
  for (let seed = 1; seed <= 8; seed++) {
    const random = randomSource(seed);
    const keyspace = new Keyspace(16);
    const snapshotter = new Snapshotter(keyspace);
    for (let i = 0; i < 3000; i++) randomWrite(keyspace, random);
    const many = Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`f${i}`, `${i}`]));
    for (let i = 0; i < 3; i++) {
      remove(keyspace.databases[i], `key:${i}`);
      setHash(keyspace.databases[i], `key:${i}`, many);
    }
    for (let round = 0; round < 2; round++) {
      const expected = values(keyspace);
      const parts: Uint8Array[] = [];
      const saving = snapshotter.start(memoryTarget(parts, random), () => INFO, OPTIONS);
      let isOver = false;
      saving.finally(() => isOver = true).catch(() => {});
      const pace = 1 + random(80);
      while (!isOver) {
        for (let i = random(pace); i > 0; i--) randomWrite(keyspace, random);
        await nextTurn();
      }
      const result = await saving;
      const found = readBack(concatBytes(parts));
      assert.deepEqual([...found.keys()].sort(), [...expected.keys()].sort(), `databases, seed ${seed}`);
      for (const [index, keys] of expected) assert.deepEqual(found.get(index), keys, `seed ${seed}, round ${round}`);
      assert.equal(result.keys, [...expected.values()].reduce((sum, keys) => sum + keys.size, 0));
      assertMarks(keyspace);
      for (let i = 0; i < 200; i++) randomWrite(keyspace, random);
    }
    wipe(keyspace);
    assert.ok(
      keyspace.store.heap.arena.usedBytes < 50_000,
      `nothing is left behind: ${keyspace.store.heap.arena.usedBytes} bytes`,
    );
    snapshotter.worker.stop();
  }
});

test("an aborted snapshot leaves no file, and the next one is whole", { timeout: 300_000 }, async () => {
  await withDirectory(async (directory) => {
    const random = randomSource(99);
    const keyspace = new Keyspace(16);
    const snapshotter = new Snapshotter(keyspace);
    for (let i = 0; i < 4000; i++) randomWrite(keyspace, random);
    for (let round = 0; round < 15; round++) {
      const saving = snapshotter.start(fileTarget(directory), () => INFO, OPTIONS);
      const outcome = saving.then(() => null, (error) => error);
      for (let turns = random(12); turns > 0; turns--) {
        for (let i = random(10); i > 0; i--) randomWrite(keyspace, random);
        await nextTurn();
      }
      if (!snapshotter.running) continue;
      snapshotter.abort();
      assert.ok(await outcome instanceof SnapshotAbortedError);
      assert.equal(snapshotter.running, false);
      assert.ok(!readdirSync(directory).includes("temp-1.rdb"));
      if (round % 2 === 0) {
        while (snapshotter.settling) {
          randomWrite(keyspace, random);
          await nextTurn();
        }
        assertMarks(keyspace);
      }
      let expected = values(keyspace);
      const parts: Uint8Array[] = [];
      const next = snapshotter.start(memoryTarget(parts, random), () => {
        expected = values(keyspace);
        return INFO;
      }, OPTIONS);
      while (snapshotter.running) {
        randomWrite(keyspace, random);
        await nextTurn();
      }
      await next;
      assert.deepEqual(readBack(concatBytes(parts)), expected);
      assertMarks(keyspace);
    }
    snapshotter.worker.stop();
  });
});

test("a database that is being filled apart keeps its marks in step", async () => {
  const keyspace = new Keyspace(2);
  const [apart] = keyspace.createDetached();
  const snapshotter = new Snapshotter(keyspace);
  for (let i = 0; i < 500; i++) {
    setString(apart, `apart:${i}`, "v");
    setString(keyspace.databases[0], `key:${i}`, "v");
  }
  const parts: Uint8Array[] = [];
  await snapshotter.start({ kind: "stream", onBytes: (bytes) => void parts.push(bytes) }, () => INFO, OPTIONS);
  assertMarks(keyspace, [...keyspace.databases, ...keyspace.detached]);
  assert.deepEqual(readBack(concatBytes(parts)), values(keyspace));
  snapshotter.worker.stop();
});

/** A keyspace with large values that tests take away, in two databases, and one that stays. */
function keyspaceOfLargeValues(): Keyspace {
  const keyspace = new Keyspace(2);
  const fields = Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`field:${i}`, `value:${i}`]));
  for (const database of keyspace.databases) {
    for (const key of ["removed", "overwritten", "expired", "stays"]) setHash(database, `hash:${key}`, fields);
    for (const key of ["removed", "overwritten"]) setString(database, `string:${key}`, "s".repeat(300_000));
    setString(database, "small", "s");
    expire(database, "hash:expired", 1000);
  }
  return keyspace;
}

/** Takes large values away in all ways there are; twice, as the second time there is nothing to be taken over. */
function takeAway(keyspace: Keyspace): void {
  for (const database of keyspace.databases) {
    for (let round = 0; round < 2; round++) {
      for (const key of ["hash:removed", "string:removed"]) remove(database, key);
      setString(database, "hash:overwritten", "short");
      setString(database, "string:overwritten", "t".repeat(300_000));
      database.has(encodeLatin1("hash:expired"), 0, 12);
      setHash(database, "hash:removed", { one: "field" });
    }
  }
}

function release(keyspace: Keyspace): void {
  while (keyspace.store.heap.freeDiscarded(100_000));
}

test("large values that go are written later, as they were, and their memory is given back", async () => {
  const keyspace = keyspaceOfLargeValues();
  keyspace.store.ignoreExpiry = true;
  const expected = values(keyspace);
  keyspace.store.ignoreExpiry = false;
  const snapshotter = new Snapshotter(keyspace);
  const parts: Uint8Array[] = [];
  const target = memoryTarget(parts, randomSource(5));
  const saving = snapshotter.start(target, () => INFO, OPTIONS);
  takeAway(keyspace);
  assert.equal(snapshotter.keysProcessed, 0);
  const result = await saving;
  assert.equal(result.keys, 14);
  assert.deepEqual(readBack(concatBytes(parts)), expected);
  assertMarks(keyspace);
  release(keyspace);
  const left = keyspace.store.heap.arena.usedBytes;
  const again = keyspaceOfLargeValues();
  takeAway(again);
  release(again);
  assert.ok(
    Math.abs(left - again.store.heap.arena.usedBytes) < 64 * 1024,
    `${left} bytes, in place of ${again.store.heap.arena.usedBytes}`,
  );
  snapshotter.worker.stop();
});

test("a large value that goes while it is being written is written to its end", { timeout: 300_000 }, async () => {
  const keyspace = new Keyspace(1);
  const fields = Object.fromEntries(Array.from({ length: 50_000 }, (_, i) => [`field:${i}`, `value:${i}`]));
  setHash(keyspace.databases[0], "hash", fields);
  const expected = values(keyspace);
  const snapshotter = new Snapshotter(keyspace);
  const parts: Uint8Array[] = [];
  const saving = snapshotter.start(memoryTarget(parts, randomSource(6)), () => INFO, OPTIONS);
  for (let turns = 0; turns < 3; turns++) await nextTurn();
  remove(keyspace.databases[0], "hash");
  assert.equal(snapshotter.keysProcessed, 0);
  setHash(keyspace.databases[0], "hash", { another: "one" });
  await saving;
  assert.deepEqual(readBack(concatBytes(parts)), expected);
  assertMarks(keyspace);
  snapshotter.worker.stop();
});

test("large values that an aborted snapshot has taken over are given back", async () => {
  const keyspace = keyspaceOfLargeValues();
  const snapshotter = new Snapshotter(keyspace);
  const saving = snapshotter.start({ kind: "stream", onBytes: () => {} }, () => INFO, OPTIONS);
  const outcome = saving.then(() => null, (error) => error);
  takeAway(keyspace);
  await nextTurn();
  for (const database of keyspace.databases) remove(database, "hash:stays");
  snapshotter.abort();
  assert.ok(await outcome instanceof SnapshotAbortedError);
  await settled(snapshotter);
  assertMarks(keyspace);
  for (const database of keyspace.databases) database.clear();
  release(keyspace);
  const left = keyspace.store.heap.arena.usedBytes - new Keyspace(2).store.heap.arena.usedBytes;
  assert.ok(left < 64 * 1024, `${left} bytes are left`);
  snapshotter.worker.stop();
});

test("a second snapshot is refused while one is under way, and one can start in the first's last moment", async () => {
  const keyspace = variedKeyspace();
  const snapshotter = new Snapshotter(keyspace);
  const sink: SnapshotTarget = { kind: "stream", onBytes: () => {} };
  const first = snapshotter.start(sink, () => INFO, OPTIONS);
  await assert.rejects(snapshotter.start(sink, () => INFO, OPTIONS), /under way already/);
  await first.then(() => snapshotter.start(sink, () => INFO, OPTIONS));
  snapshotter.worker.stop();
});

test("a failing sink fails the snapshot, and the marks are set right", async () => {
  const keyspace = variedKeyspace();
  const snapshotter = new Snapshotter(keyspace);
  let calls = 0;
  const target: SnapshotTarget = {
    kind: "stream",
    onBytes: () => {
      if (++calls === 2) throw new Error("the replica went away");
    },
  };
  await assert.rejects(snapshotter.start(target, () => INFO, OPTIONS), /the replica went away/);
  assert.equal(calls, 2);
  await settled(snapshotter);
  assertMarks(keyspace);
  snapshotter.worker.stop();
});

test("a slow sink pauses the walk, and the server's writes go on", { timeout: 300_000 }, async () => {
  const keyspace = new Keyspace(1);
  for (let i = 0; i < 200; i++) setString(keyspace.databases[0], `key:${i}`, `${i}`.padEnd(60_000, "-"));
  const expected = values(keyspace);
  const snapshotter = new Snapshotter(keyspace);
  const parts: Uint8Array[] = [];
  let open = () => {};
  const opened = new Promise<void>((resolve) => open = resolve);
  const target: SnapshotTarget = {
    kind: "stream",
    onBytes: async (bytes) => {
      parts.push(bytes);
      await opened;
    },
  };
  const saving = snapshotter.start(target, () => INFO, { ...OPTIONS, compression: false });
  while (parts.length === 0) await nextTurn();
  for (let turns = 0; turns < 500; turns++) await nextTurn();
  const paused = snapshotter.keysProcessed;
  assert.ok(paused < 40, `${paused} of 200 keys while nothing is taken`);
  for (let i = 0; i < 200; i++) setString(keyspace.databases[0], `key:${i}`, "changed");
  assert.equal(snapshotter.keysProcessed, paused, "what is overwritten waits where it lies");
  open();
  await saving;
  assert.equal(snapshotter.keysProcessed, 200);
  assert.deepEqual(readBack(concatBytes(parts)), expected);
  snapshotter.worker.stop();
});

test("a file that cannot be written is a clear error, and the old file stays", async () => {
  await withDirectory(async (directory) => {
    const keyspace = variedKeyspace();
    const snapshotter = new Snapshotter(keyspace);
    const start = (target: SnapshotTarget) => snapshotter.start(target, () => INFO, OPTIONS);
    const missing = join(directory, "missing");
    await assert.rejects(start(fileTarget(missing)), /Failed opening .*missing.temp-1\.rdb: No such file or directory/);
    await settled(snapshotter);
    assertMarks(keyspace);

    mkdirSync(join(directory, "dump.rdb"));
    writeFileSync(join(directory, "dump.rdb", "occupied"), "");
    await assert.rejects(start(fileTarget(directory)), /Error moving the temp file .* to .*dump\.rdb: \S+/);
    assert.deepEqual(readdirSync(directory), ["dump.rdb"]);

    writeFileSync(join(directory, "plain"), "");
    await assert.rejects(start(fileTarget(join(directory, "plain"))), /Not a directory/);
    const path = join(directory, "other.rdb");
    writeFileSync(path, "old");
    const temporary = join(directory, "dump.rdb");
    await assert.rejects(start({ kind: "file", path, temporary }), /Is a directory/);
    assert.equal(readFileSync(path, "latin1"), "old");
    await start({ kind: "file", path, temporary: join(directory, "temp") });
    assert.equal(readFileSync(path, "latin1").slice(0, 9), "REDIS0010");
    snapshotter.worker.stop();
  });
});

test("a full disk is a clear error, and the old file stays", async (context) => {
  try {
    readFileSync("/dev/full", { flag: "w" });
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return context.skip("no /dev/full here");
  }
  await withDirectory(async (directory) => {
    const keyspace = variedKeyspace();
    const snapshotter = new Snapshotter(keyspace);
    const path = join(directory, "dump.rdb");
    writeFileSync(path, "old");
    const target: SnapshotTarget = { kind: "file", path, temporary: join(directory, "temp.rdb") };
    const { symlinkSync, lstatSync } = await import("node:fs");
    symlinkSync("/dev/full", target.temporary);
    assert.ok(lstatSync(target.temporary).isSymbolicLink());
    await assert.rejects(snapshotter.start(target, () => INFO, OPTIONS), /No space left on device/);
    assert.deepEqual(readdirSync(directory), ["dump.rdb"]);
    assert.equal(readFileSync(path, "latin1"), "old");
    await settled(snapshotter);
    assertMarks(keyspace);
    snapshotter.worker.stop();
  });
});

test("a save in place does not disturb the snapshot under way", async () => {
  await withDirectory(async (directory) => {
    const keyspace = variedKeyspace();
    const expected = values(keyspace);
    const snapshotter = new Snapshotter(keyspace);
    const saving = snapshotter.start(fileTarget(directory), () => INFO, OPTIONS);
    await nextTurn();
    await nextTurn();
    saveSync(keyspace, join(directory, "other.rdb"), INFO, OPTIONS);
    await saving;
    assert.deepEqual(readBack(readFileSync(join(directory, "dump.rdb"))), expected);
    assert.deepEqual(readBack(readFileSync(join(directory, "other.rdb"))), expected);
    snapshotter.worker.stop();
  });
});

test("the file whose place a save takes is there until then, and leaves nothing behind", async () => {
  await withDirectory(async (directory) => {
    const keyspace = variedKeyspace();
    const snapshotter = new Snapshotter(keyspace);
    const saved = join(directory, "dump.rdb");
    for (let round = 0; round < 3; round++) {
      writeFileSync(saved, `round ${round}`);
      await snapshotter.start(fileTarget(directory), () => INFO, OPTIONS);
      assert.deepEqual(readBack(readFileSync(saved)), values(keyspace));
      while (readdirSync(directory).length > 1) await nextTurn();
      assert.deepEqual(readdirSync(directory), ["dump.rdb"]);
    }
    snapshotter.worker.stop();
  });
});
