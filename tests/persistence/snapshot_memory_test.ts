/**
 * What a snapshot takes besides the data: so many chunks, whatever is written, and of the arena what was changed as it was
 * before. All of it is counted, and comes back, however the snapshot ends.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeLatin1 } from "../../lib/bytes/latin1.ts";
import { WINDOW_CHUNKS } from "../../lib/persistence/rdb_offload.ts";
import { RdbReader } from "../../lib/persistence/rdb_reader.ts";
import { SnapshotAbortedError, Snapshotter } from "../../lib/persistence/snapshot.ts";
import { CHUNK_BYTES } from "../../lib/persistence/token_writer.ts";
import { Request } from "../../lib/resp/request.ts";
import { nextTurn } from "../../lib/runtime/turns.ts";
import type { Database } from "../../lib/store/database.ts";
import { Keyspace } from "../../lib/store/keyspace.ts";
import { StreamId } from "../../lib/store/types/stream_ids.ts";
import { concatBytes } from "../bytes/concat.ts";
import { walkKeyspace } from "../model/keyspace_walk.ts";
import { contentsOf } from "../model/plain.ts";
import {
  addMembers,
  expire,
  INFO,
  OPTIONS,
  pushElement,
  randomSource,
  remove,
  setHash,
  setScore,
  setString,
  wipe,
} from "./helpers.ts";

/**
 * Most chunks that there are: on their way, as many that wait to be filled again, as many that wait for the end of a large
 * value, and the two being filled. A step may go beyond the window by a chunk or two.
 */
const MOST_CHUNKS = 3 * WINDOW_CHUNKS + 4;
const MOST_CHUNK_BYTES = MOST_CHUNKS * CHUNK_BYTES;
const KEYS = 30_000;

/** The values that there are, each by what makes it, or changes it where it is there, under a key. */
const KINDS: readonly ((database: Database, key: string, text: string) => void)[] = [
  setString,
  pushElement,
  (database, key, text) => addMembers(database, key, [text, `other ${text}`]),
  (database, key, text) => setHash(database, key, { field: text, [text]: "value" }),
  (database, key, text) => setScore(database, key, text, text.length),
  addEntry,
  (database, key, text) => setHash(database, key, { long: text.repeat(20), [text]: "value" }),
  (database, key, text) => [1, 2].forEach((i) => pushElement(database, key, text.repeat(2000 * i))),
];

function addEntry(database: Database, key: string, text: string): void {
  const { streams } = database.store;
  const name = encodeLatin1(key);
  const body = streams.bodyOf(database.write(name, 0, name.length) || streams.create(database, name, 0, name.length));
  const id = streams.lastId(body, new StreamId());
  id.increment();
  streams.append(body, id, Request.of("field", text), 0, 1);
}

function fill(database: Database, keys = KEYS): void {
  for (let i = 0; i < keys; i++) change(database, i, "as it was");
}

function change(database: Database, i: number, text: string): void {
  // Few of the last kind, which are lists of long elements.
  const kind = i % 100 === 7 ? 7 : i % 7;
  KINDS[kind](database, `key:${i}`, text);
}

/** Ways to change all keys of a database. */
const WAYS: Readonly<Record<string, (database: Database, keys: number) => void>> = {
  "changed in place": (database, keys) => {
    for (let i = 0; i < keys; i++) change(database, i, "as it is now");
  },
  "overwritten": (database, keys) => {
    for (let i = 0; i < keys; i++) setString(database, `key:${i}`, "as it is now");
  },
  "removed": (database, keys) => {
    for (let i = 0; i < keys; i++) remove(database, `key:${i}`);
  },
  "given an expiry": (database, keys) => {
    for (let i = 0; i < keys; i++) expire(database, `key:${i}`, 1e13);
  },
  "renamed": (database, keys) => {
    for (let i = 0; i < keys; i++) {
      const key = encodeLatin1(`key:${i}`);
      const ref = database.write(key, 0, key.length);
      database.adopt(database, ref, encodeLatin1(`renamed:${i}`), 0, `renamed:${i}`.length);
    }
  },
  "flushed": (database) => void database.clear(),
};

/** A snapshot whose target takes nothing until it is told to. */
class Stalled {
  readonly snapshotter: Snapshotter;
  readonly parts: Uint8Array[] = [];
  /** Chunks sent to the worker. */
  chunks = 0;
  /** Has the target take all from now on. */
  take: () => void = () => {};
  readonly outcome: Promise<unknown>;

  constructor(keyspace: Keyspace) {
    this.snapshotter = new Snapshotter(keyspace);
    const { worker } = this.snapshotter;
    const send = worker.send.bind(worker);
    worker.send = (message) => {
      if (message.kind === "chunk") this.chunks++;
      send(message);
    };
    const taken = new Promise<void>((resolve) => this.take = resolve);
    const onBytes = (bytes: Uint8Array) => {
      this.parts.push(bytes);
      return taken;
    };
    const running = this.snapshotter.start({ kind: "stream", onBytes }, () => INFO, OPTIONS);
    this.outcome = running.then(() => null, (error) => error);
  }

  /** Waits until the walk has come as far as it comes. */
  async stall(): Promise<void> {
    while (this.chunks < WINDOW_CHUNKS) await nextTurn();
  }

  /** Lets the snapshot come to its end; what it holds. */
  async end(): Promise<Map<string, string>> {
    this.take();
    assert.equal(await this.outcome, null);
    this.snapshotter.worker.stop();
    const loaded = new Keyspace(2);
    const reader = new RdbReader(loaded, { dropExpired: false, verifyChecksum: true });
    reader.feed(concatBytes(this.parts));
    reader.close();
    return contentsOf(loaded);
  }
}

/** What the arena uses once all that is gone is freed. */
function usedBytes({ store: { heap } }: Keyspace): number {
  while (heap.freeDiscarded(100_000));
  return heap.arena.usedBytes;
}

for (const [name, work] of Object.entries(WAYS)) {
  test(`all keys ${name} while nothing is taken: so many chunks, and no more than was changed`, async () => {
    const keyspace = new Keyspace(2);
    const [database] = keyspace.databases;
    fill(database);
    const before = contentsOf(keyspace);
    const bytesBefore = usedBytes(keyspace);
    const stalled = new Stalled(keyspace);
    const { memory } = stalled.snapshotter;
    await stalled.stall();
    assert.ok(memory.chunkBytes > 0);
    const chunksBefore = stalled.chunks;
    work(database, KEYS);
    assert.equal(stalled.chunks, chunksBefore, "nothing more is on its way");
    assert.ok(memory.chunkBytes <= MOST_CHUNK_BYTES, `${memory.chunkBytes} bytes of chunks`);
    assert.ok(memory.arenaBytes > bytesBefore / 2, `${memory.arenaBytes} bytes are kept of ${bytesBefore}`);
    assert.ok(memory.arenaBytes < bytesBefore * 1.1, `${memory.arenaBytes} bytes are kept of ${bytesBefore}`);
    assert.ok(memory.peakBytes >= memory.bytes);

    // Without what is kept, the arena is as it would be without a snapshot.
    const alone = new Keyspace(2);
    fill(alone.databases[0]);
    work(alone.databases[0], KEYS);
    const difference = usedBytes(keyspace) - memory.arenaBytes - usedBytes(alone);
    assert.ok(Math.abs(difference) < bytesBefore * 0.1, `${difference} bytes are not counted`);

    assert.deepEqual(await stalled.end(), before);
    assert.equal(memory.bytes, 0);
    const left = usedBytes(keyspace) - usedBytes(alone);
    assert.ok(Math.abs(left) < 64 * 1024, `${left} bytes are left behind`);
    walkKeyspace(keyspace, false);
  });
}

test("what changes while a large value is written waits in so many chunks, and then where it is", async () => {
  const keyspace = new Keyspace(2);
  const [first, second] = keyspace.databases;
  setHash(first, "large", Object.fromEntries(Array.from({ length: 60_000 }, (_, i) => [`field:${i}`, "v".repeat(50)])));
  fill(second);
  const before = contentsOf(keyspace);
  const bytesBefore = usedBytes(keyspace);
  const stalled = new Stalled(keyspace);
  const { memory, keysProcessed } = stalled.snapshotter;
  while (stalled.chunks === 0) await nextTurn();
  assert.equal(keysProcessed, 0, "the large value is being written");
  WAYS["overwritten"](second, KEYS);
  assert.ok(memory.chunkBytes <= MOST_CHUNK_BYTES, `${memory.chunkBytes} bytes of chunks`);
  assert.ok(memory.arenaBytes < bytesBefore, `${memory.arenaBytes} bytes are kept of ${bytesBefore}`);
  assert.deepEqual(await stalled.end(), before);
  assert.equal(memory.bytes, 0);
  walkKeyspace(keyspace, false);
});

test("values of few elements that are long are written in steps as well", async () => {
  const keyspace = new Keyspace(2);
  const [database] = keyspace.databases;
  const random = randomSource(3);
  const text = () => String.fromCharCode(...Array.from({ length: 20_000 }, () => random(256)));
  for (let i = 0; i < 3; i++) {
    setHash(database, `hash:${i}`, Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`field:${at}`, text()])));
    for (let at = 0; at < 100; at++) {
      addMembers(database, `set:${i}`, [text()]);
      setScore(database, `zset:${i}`, text(), at);
    }
    for (let at = 0; at < 7; at++) {
      pushElement(database, `list:${i}`, text().repeat(14));
      addEntry(database, `stream:${i}`, text().repeat(14));
    }
  }
  const before = contentsOf(keyspace);
  for (let round = 0; round < 2; round++) {
    const stalled = new Stalled(keyspace);
    const { memory } = stalled.snapshotter;
    if (round === 0) await stalled.stall();
    // In the second round they are changed before the walk has come to them, and are too much to be written at once.
    for (let i = 0; i < 3 && round === 1; i++) {
      setHash(database, `hash:${i}`, { "field:1": "changed" });
      addMembers(database, `set:${i}`, ["new"]);
      setScore(database, `zset:${i}`, "new", 1);
      pushElement(database, `list:${i}`, "new");
      addEntry(database, `stream:${i}`, "new");
    }
    // An element goes beyond a step, and the window.
    assert.ok(memory.chunkBytes <= MOST_CHUNK_BYTES + 2 * 14 * 20_000, `${memory.chunkBytes} bytes of chunks`);
    assert.deepEqual(await stalled.end(), before);
    assert.equal(memory.bytes, 0);
    walkKeyspace(keyspace, false);
  }
});

test("a snapshot that is given up at any step leaves nothing, and stops nobody for what it has kept", async () => {
  const keyspace = new Keyspace(2);
  const { heap } = keyspace.store;
  const [database, other] = keyspace.databases;
  const random = randomSource(11);
  const ways = Object.values(WAYS);
  for (let round = 0; round < 24; round++) {
    wipe(keyspace);
    fill(database, 6000);
    fill(other, 3000);
    setHash(database, "large", Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`field:${i}`, "value"])));
    setHash(other, "removed", Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`field:${i}`, "value"])));
    const stalled = new Stalled(keyspace);
    const { memory } = stalled.snapshotter;
    for (let turns = random(40); turns > 0; turns--) await nextTurn();
    for (let i = 0; i < 1500; i++) setHash(database, "large", { [`field:${i}`]: "changed" });
    remove(other, "removed");
    ways[round % ways.length](database, 6000);
    for (let turns = random(3); turns > 0; turns--) await nextTurn();
    if (random(4) === 0) stalled.take();
    const usedBefore = heap.arena.usedBytes;
    stalled.snapshotter.abort();
    if (memory.arenaBytes > 0) assert.ok(usedBefore - heap.arena.usedBytes < 256 * 1024, "it is freed in slices");
    assert.equal(memory.chunkBytes, 0);
    const error = await stalled.outcome;
    if (error !== null) assert.ok(error instanceof SnapshotAbortedError, String(error));
    while (stalled.snapshotter.settling) {
      if (random(3) === 0) setString(database, `key:${random(6000)}`, "later");
      await nextTurn();
    }
    walkKeyspace(keyspace, false);
    stalled.snapshotter.worker.stop();
  }
});
