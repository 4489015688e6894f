/** Where a replica puts its primary's snapshot: neither the disk nor the parser must hold the server up. */

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import {
  FileReceiver,
  type KeyCount,
  type ReceivingStore,
  SwapReceiver,
} from "../../lib/replication/snapshot_receiver.ts";
import type { ReadOptions } from "../../lib/persistence/rdb_reader.ts";
import { HeldUpError } from "../../lib/replication/primary_guard.ts";
import { ArenaFullError } from "../../lib/store/arena.ts";
import { Keyspace } from "../../lib/store/keyspace.ts";
import { walkKeyspace } from "../model/keyspace_walk.ts";
import { setString, toRdb, values, variedKeyspace, withDirectory } from "../persistence/helpers.ts";

const READ_OPTIONS: ReadOptions = { dropExpired: false, verifyChecksum: true, withIdle: false };

/** The end of a snapshot: its opcode and the checksum. */
const END_BYTES = 9;

/** A replica's data set: one key, which a snapshot replaces. */
class Replica implements ReceivingStore {
  readonly keyspace = new Keyspace(16);
  flushes = 0;
  /** Keys that a snapshot must have to be taken, and with how many the last was found. */
  wanted = 0;
  found = -1;

  constructor(readonly readOptions: ReadOptions = READ_OPTIONS) {
    setString(this.keyspace.databases[0], "old", "data");
  }

  async mayReplace(count: KeyCount): Promise<void> {
    this.found = await count(this.wanted);
    if (this.found < this.wanted) throw new HeldUpError("too few keys");
  }

  flush(): void {
    this.flushes++;
    for (const database of this.keyspace.databases) database.clear();
  }

  replaced(): void {}
  fileRead(): void {}
  setLoading(): void {}
  setAsyncLoading(): void {}
}

test("a snapshot's file is synced while the server goes on, and takes its name after that", async () => {
  await withDirectory(async (directory) => {
    const replica = new Replica();
    const primary = variedKeyspace();
    const snapshot = toRdb(primary);
    const path = join(directory, "dump.rdb");
    const receiver = new FileReceiver(replica, join(directory, "temp.rdb"), path, false);
    receiver.take(snapshot, 0, 1000);
    receiver.take(snapshot, 1000, snapshot.length);
    let replaced = false;
    const finished = receiver.finish(() => replaced = true);
    assert.equal(existsSync(path), false);
    assert.equal(replaced, false);
    assert.equal(replica.keyspace.databases[0].size, 1);
    await finished;
    assert.equal(replaced, true);
    assert.deepEqual(readdirSync(directory), ["dump.rdb"]);
    assert.deepEqual(new Uint8Array(readFileSync(path)), snapshot);
    assert.deepEqual(values(replica.keyspace), values(primary));
  });
});

test("a file that is aborted while it is being synced goes, and the data stays", async () => {
  await withDirectory(async (directory) => {
    const replica = new Replica();
    const snapshot = toRdb(variedKeyspace());
    const receiver = new FileReceiver(replica, join(directory, "temp.rdb"), join(directory, "dump.rdb"), false);
    receiver.take(snapshot, 0, snapshot.length);
    const finished = receiver.finish(() => assert.fail("nothing was replaced"));
    receiver.abort();
    await assert.rejects(finished, /the connection was lost/);
    assert.deepEqual(readdirSync(directory), []);
    assert.equal(replica.flushes, 0);
    assert.equal(replica.keyspace.databases[0].size, 1);
  });
});

test("a file that is aborted early goes at once, or after the sync that a large one has begun", async () => {
  await withDirectory(async (directory) => {
    for (const bytes of [1000, 8 * 1024 * 1024]) {
      const receiver = new FileReceiver(new Replica(), join(directory, "temp.rdb"), join(directory, "dump.rdb"), false);
      receiver.take(new Uint8Array(bytes), 0, bytes);
      receiver.abort();
      while (readdirSync(directory).length > 0) await new Promise((resolve) => setTimeout(resolve, 1));
      assert.throws(() => receiver.take(new Uint8Array(1), 0, 1), /the connection was lost/);
    }
  });
});

/** Something else than the receiver's turn. */
const pause = () => new Promise((resolve) => setTimeout(resolve, 5));

test("what has come of a file is loaded meanwhile, and takes the place of the data when it is whole", async () => {
  await withDirectory(async (directory) => {
    const replica = new Replica();
    const primary = new Keyspace(1);
    for (let i = 0; i < 20_000; i++) setString(primary.databases[0], `key:${i}`, `${i}`);
    const snapshot = toRdb(primary);
    const path = join(directory, "dump.rdb");
    const receiver = new FileReceiver(replica, join(directory, "temp.rdb"), path, true);
    const loaded = () => [...replica.keyspace.detached].reduce((sum, { size }) => sum + size, 0);
    const half = snapshot.length >> 1;
    receiver.take(snapshot, 0, half);
    while (loaded() < 9000) await pause();
    assert.equal(replica.keyspace.databases[0].size, 1);
    for (let at = half; at < snapshot.length; at += 10_000) {
      receiver.take(snapshot, at, Math.min(at + 10_000, snapshot.length));
      if (at % 3 === 0) await pause();
    }
    await receiver.finish(() => {});
    assert.deepEqual(new Uint8Array(readFileSync(path)), snapshot);
    assert.deepEqual(readdirSync(directory), ["dump.rdb"]);
    assert.deepEqual(values(replica.keyspace), values(primary));
    assert.equal(replica.keyspace.detached.size, 0);
  });
});

test("a file that is loaded as it comes, and is bad, says so as one that is loaded in the end", async () => {
  await withDirectory(async (directory) => {
    const good = toRdb(variedKeyspace());
    const bad = good.slice();
    bad[bad.length - 1] ^= 1;
    for (const snapshot of [bad, good.slice(0, good.length - END_BYTES - 1), good.slice(0, 20)]) {
      const outcomes: string[] = [];
      for (const loadsAhead of [false, true]) {
        const replica = new Replica();
        const { arena } = replica.keyspace.store.heap;
        const before = arena.usedBytes;
        const path = join(directory, "dump.rdb");
        const temporary = join(directory, `temp-${loadsAhead}-${snapshot.length}.rdb`); // the last may still be removed
        const receiver = new FileReceiver(replica, temporary, path, loadsAhead);
        receiver.take(snapshot, 0, snapshot.length);
        if (loadsAhead) await pause();
        const error = await receiver.finish(() => {}).then(() => null, ({ message }: Error) => message);
        outcomes.push(`${error?.replace(temporary, "temp.rdb")}, ${replica.keyspace.databases[0].size} keys`);
        assert.equal(replica.keyspace.detached.size, 0);
        while (replica.keyspace.store.heap.freeDiscarded(100_000));
        assert.ok(arena.usedBytes <= before);
      }
      assert.match(outcomes[0], /^Bad RDB file/);
      assert.equal(outcomes[0], outcomes[1]);
    }
  });
});

test("a file that is loaded as it comes, and is given up, leaves nothing in memory", async () => {
  await withDirectory(async (directory) => {
    const replica = new Replica();
    const { arena } = replica.keyspace.store.heap;
    const before = arena.usedBytes;
    const snapshot = largeSnapshot();
    for (const pauses of [0, 1, 3]) {
      const receiver = new FileReceiver(replica, join(directory, "temp.rdb"), join(directory, "dump.rdb"), true);
      receiver.take(snapshot, 0, snapshot.length >> 1);
      for (let i = 0; i < pauses; i++) await pause();
      receiver.abort();
      while (readdirSync(directory).length > 0) await pause();
      while (replica.keyspace.store.heap.freeDiscarded(100_000));
      assert.equal(replica.keyspace.detached.size, 0);
      assert.equal(arena.usedBytes, before);
      assert.equal(replica.keyspace.databases[0].size, 1);
    }
  });
});

/** What makes a receiver in a directory. */
type Receive = (replica: Replica, directory: string) => FileReceiver | SwapReceiver;

const WAYS: readonly (readonly [how: string, receive: Receive])[] = [
  [
    "a file",
    (into, directory) => new FileReceiver(into, join(directory, "temp.rdb"), join(directory, "dump.rdb"), false),
  ],
  [
    "a file that is loaded as it comes",
    (into, directory) => new FileReceiver(into, join(directory, "temp.rdb"), join(directory, "dump.rdb"), true),
  ],
  ["databases beside", (into) => new SwapReceiver(into, true)],
];

for (const [how, receive] of WAYS) {
  test(`a snapshot in ${how} that must not replace the data leaves it, and nothing of its own`, async () => {
    await withDirectory(async (directory) => {
      const replica = new Replica();
      const { arena } = replica.keyspace.store.heap;
      const before = arena.usedBytes;
      const primary = variedKeyspace();
      const keys = primary.databases.reduce((sum, { size }) => sum + size, 0);
      const snapshot = toRdb(primary);
      for (const [wanted, isTaken] of [[keys + 1, false], [keys, true]] as const) {
        replica.wanted = wanted;
        const receiver = receive(replica, directory);
        receiver.take(snapshot, 0, snapshot.length);
        const finished = receiver.finish(() => assert.ok(isTaken, "the data was replaced"));
        if (isTaken) {
          await finished;
          assert.ok(replica.found >= keys);
          assert.deepEqual(values(replica.keyspace), values(primary));
          continue;
        }
        await assert.rejects(finished, HeldUpError);
        assert.equal(replica.found, keys);
        assert.equal(replica.flushes, 0);
        assert.equal(replica.keyspace.databases[0].size, 1);
        while (replica.keyspace.store.heap.freeDiscarded(100_000));
        assert.equal(arena.usedBytes, before);
        while (readdirSync(directory).length > 0) await new Promise((resolve) => setTimeout(resolve, 1));
      }
    });
  });

  test(`a snapshot in ${how} that is given up while it is looked at is not taken`, async () => {
    await withDirectory(async (directory) => {
      const replica = new Replica();
      const receiver = receive(replica, directory);
      replica.mayReplace = () => Promise.resolve(receiver.abort());
      const snapshot = toRdb(variedKeyspace());
      receiver.take(snapshot, 0, snapshot.length);
      await assert.rejects(receiver.finish(() => assert.fail("nothing was replaced")), /the connection was lost/);
      assert.equal(replica.flushes, 0);
      assert.equal(existsSync(join(directory, "dump.rdb")), false);
    });
  });
}

const KEYS = 200_000;
/** Bytes brought at a time: more than is parsed in one slice, as each key takes its time. */
const PIECE = 1024 * 1024;
const SLOWLY: ReadOptions = { ...READ_OPTIONS, keyDelayMs: () => 0.001 };

/** A snapshot of some 20 MB. */
function largeSnapshot(): Uint8Array {
  const keyspace = new Keyspace(1);
  for (let i = 0; i < KEYS; i++) setString(keyspace.databases[0], `key:${i}`, `${i}:`.padEnd(90, "x"));
  return toRdb(keyspace, { compression: false, checksum: true, incrementalSync: true });
}

test("a snapshot that comes quicker than it is parsed waits with its sender, not in memory", async () => {
  const replica = new Replica(SLOWLY);
  const snapshot = largeSnapshot();
  const receiver = new SwapReceiver(replica, true);
  let waits = 0;
  for (let at = 0; at < snapshot.length;) {
    // How much is taken at a time, as a socket without end brings it.
    let taken = 0;
    for (let hasRoom = true; hasRoom && at < snapshot.length;) {
      const end = Math.min(at + PIECE, snapshot.length);
      hasRoom = receiver.take(snapshot, at, end);
      taken += end - at;
      at = end;
    }
    assert.ok(taken <= 6 * PIECE, `${taken} bytes were taken at once`);
    if (at === snapshot.length) break;
    waits++;
    await new Promise<void>((resolve) => receiver.onRoom = resolve);
  }
  assert.ok(waits >= 2, `it waited ${waits} times`);
  await receiver.finish(() => {});
  assert.equal(replica.keyspace.databases[0].size, KEYS);
});

test("whoever waits to bring more of a snapshot learns that it is bad", async () => {
  const replica = new Replica();
  const receiver = new SwapReceiver(replica, true);
  const room = new Promise<void>((resolve) => receiver.onRoom = resolve);
  const snapshot = largeSnapshot();
  receiver.take(snapshot, 0, snapshot.length - END_BYTES);
  while (receiver.take(new Uint8Array(PIECE).fill(0xee), 0, PIECE));
  await room;
  assert.throws(() => receiver.take(new Uint8Array(1), 0, 1), /unknown value type or opcode 238/);
  receiver.abort();
  assert.equal(replica.keyspace.databases[0].size, 1);
});

test("a snapshot that is aborted while it is being parsed leaves nothing in memory", async () => {
  const replica = new Replica(SLOWLY);
  const before = replica.keyspace.store.heap.arena.usedBytes;
  const snapshot = largeSnapshot();
  const receiver = new SwapReceiver(replica, true);
  let at = 0;
  while (receiver.take(snapshot, at, at + PIECE)) at += PIECE;
  const end = receiver.finish(() => assert.fail("nothing was replaced"));
  receiver.abort();
  await assert.rejects(end, /the connection was lost/);
  while (replica.keyspace.store.heap.freeDiscarded(100_000));
  const left = replica.keyspace.store.heap.arena.usedBytes - before;
  assert.ok(left < 64 * 1024, `${left} bytes are left`);
});

test("one snapshot after the other leaves nothing behind in memory, whether it is swapped in or aborted", async () => {
  const replica = new Replica();
  const { keyspace } = replica;
  const snapshot = toRdb(variedKeyspace());
  const receive = async (whole: boolean) => {
    const receiver = new SwapReceiver(replica, true);
    receiver.take(snapshot, 0, whole ? snapshot.length : snapshot.length - END_BYTES);
    if (whole) await receiver.finish(() => {});
    else receiver.abort();
    while (keyspace.store.heap.freeDiscarded(100_000));
    walkKeyspace(keyspace, false);
  };
  await receive(true);
  const used = keyspace.store.heap.arena.usedBytes;
  for (let i = 0; i < 5; i++) await receive(i % 2 === 0);
  assert.equal(keyspace.store.heap.arena.usedBytes, used);
});

test("databases for which there is no memory leave nothing behind, and the server does not count as loading", () => {
  const keyspace = new Keyspace(16);
  const { arena } = keyspace.store.heap;
  let loading = 0;
  const into = {
    keyspace,
    readOptions: READ_OPTIONS,
    mayReplace: () => Promise.resolve(),
    flush: () => {},
    replaced: () => {},
    fileRead: () => {},
    setLoading: (isLoading: boolean) => void (loading += isLoading ? 1 : -1),
    setAsyncLoading: () => {},
  };
  const before = arena.usedBytes;
  const alloc = arena.alloc.bind(arena);
  let succeeds = 0;
  for (let isDone = false; !isDone; succeeds++) {
    let left = succeeds;
    arena.alloc = (bytes) => {
      if (left-- <= 0) throw new ArenaFullError("none is left");
      return alloc(bytes);
    };
    try {
      new SwapReceiver(into, false).abort();
      isDone = true;
    } catch (error) {
      assert.ok(error instanceof ArenaFullError);
    }
    arena.alloc = alloc;
    assert.equal(loading, 0);
    while (keyspace.store.heap.freeDiscarded(1000));
    assert.equal(arena.usedBytes, before, `after ${succeeds} allocations`);
  }
  assert.ok(succeeds > 16);
});
