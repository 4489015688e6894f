/** What is said of the memory that a snapshot takes, and that it evicts no keys and has no writes refused. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { toBinary } from "../../lib/bytes/paths.ts";
import { WINDOW_CHUNKS } from "../../lib/persistence/rdb_offload.ts";
import { RdbReader } from "../../lib/persistence/rdb_reader.ts";
import type { SnapshotResult } from "../../lib/persistence/snapshot.ts";
import { sleep } from "../../lib/runtime/timers.ts";
import { nextTurn } from "../../lib/runtime/turns.ts";
import type { Server } from "../../lib/server/server.ts";
import { Keyspace } from "../../lib/store/keyspace.ts";
import { concatBytes } from "../bytes/concat.ts";
import { walkKeyspace } from "../model/keyspace_walk.ts";
import { contentsOf } from "../model/plain.ts";
import { randomSource } from "../persistence/helpers.ts";
import { connect, startWith } from "./fake_client.ts";

const MIB = 2 ** 20;
const KEYS = 8000;
const VALUE_BYTES = 1000;

/** A value of its own for each key and round, which cannot be compressed. */
function valueOf(random: (below: number) => number): string {
  return Array.from({ length: VALUE_BYTES / 10 }, () => String(random(2 ** 32)).padEnd(10, "x")).join("").slice(-1000);
}

/** A server with data, and a client of it. */
function start() {
  const server = startWith();
  const client = connect(server);
  const random = randomSource(1);
  const say = (request: string) => {
    client.received = "";
    client.say(`${request}\r\n`);
    return client.received;
  };
  const overwrite = () => {
    let refused = 0;
    for (let i = 0; i < KEYS; i++) if (say(`SET key:${i} ${valueOf(random)}`) !== "+OK\r\n") refused++;
    return refused;
  };
  const field = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, "m").exec(say("INFO everything"))?.[1]);
  overwrite();
  return { server, say, overwrite, field };
}

/** Takes a snapshot of which nothing is taken until `take` is called. */
async function stalled(server: Server) {
  const parts: Uint8Array[] = [];
  let take: () => void = () => {};
  const taken = new Promise<void>((resolve) => take = resolve);
  const onBytes = (bytes: Uint8Array) => {
    parts.push(bytes);
    return taken;
  };
  const running: Promise<SnapshotResult> = server.saving.takeSnapshot({ kind: "stream", onBytes }, () => {});
  const outcome = running.then(() => null, (error: unknown) => String(error));
  await windowFull(server);
  const end = async () => {
    take();
    assert.equal(await outcome, null);
    const loaded = new Keyspace(16);
    const reader = new RdbReader(loaded, { dropExpired: false, verifyChecksum: true });
    reader.feed(concatBytes(parts));
    reader.close();
    return contentsOf(loaded);
  };
  return { end, outcome };
}

/** Waits until as many chunks are on their way as may be, of a snapshot that is about to send the first. */
async function windowFull({ saving: { snapshotter: { worker } } }: Server): Promise<void> {
  let chunks = 0;
  const send = worker.send.bind(worker);
  worker.send = (message) => {
    if (message.kind === "chunk") chunks++;
    send(message);
  };
  while (chunks < WINDOW_CHUNKS) await nextTurn();
}

async function settled({ keyspace, saving, store }: Server): Promise<void> {
  while (saving.snapshotter.settling) await nextTurn();
  assert.equal(store.heap.snapshots.memory.bytes, 0);
  walkKeyspace(keyspace, false);
  saving.snapshotter.worker.stop();
}

test("what is overwritten during a snapshot has no write refused, and is told of", async () => {
  const { server, say, overwrite, field } = start();
  const before = contentsOf(server.keyspace);
  const usedBefore = field("used_memory");
  assert.equal(field("current_cow_size"), 0);
  const limit = server.memory.countedBytes + MIB / 4;
  say(`CONFIG SET maxmemory ${limit} maxmemory-policy noeviction`);
  const { end } = await stalled(server);
  assert.equal(overwrite(), 0, "no write is refused");
  const [used, uncounted] = [field("used_memory"), field("mem_not_counted_for_evict")];
  assert.ok(used > limit + 4 * MIB, `${used} bytes are used, with a limit of ${limit}`);
  assert.ok(used - uncounted <= limit, `${used} bytes are used, of which ${uncounted} do not count`);
  assert.equal(field("current_cow_size"), uncounted);
  assert.equal(field("current_cow_peak") >= uncounted, true);
  assert.equal(field("current_cow_size_age"), 0);
  assert.ok(field("used_memory_dataset") < usedBefore * 1.1, "what is kept is none of the data set");
  assert.ok(field("used_memory_peak") >= used);
  assert.equal(field("rdb_last_cow_size"), 0);
  assert.deepEqual(await end(), before);
  assert.ok(field("rdb_last_cow_size") >= uncounted);
  for (const name of ["current_cow_size", "current_cow_peak", "aof_last_cow_size", "mem_not_counted_for_evict"]) {
    assert.equal(field(name), 0, name);
  }
  await settled(server);
  assert.ok(Math.abs(field("used_memory") - usedBefore) < MIB / 2, "all of it has come back");
});

test("what is evicted during a snapshot makes room, though the snapshot keeps it", async () => {
  const { server, say, overwrite, field } = start();
  const before = contentsOf(server.keyspace);
  const { end } = await stalled(server);
  const limit = Math.floor(server.memory.countedBytes / 2);
  say(`CONFIG SET maxmemory-eviction-tenacity 100 maxmemory ${limit} maxmemory-policy allkeys-random`);
  assert.equal(overwrite(), 0);
  const [database] = server.keyspace.databases;
  assert.ok(database.size > KEYS / 3 && database.size < KEYS * 0.6, `${database.size} of ${KEYS} keys are left`);
  assert.ok(field("mem_not_counted_for_evict") > 4 * MIB);
  assert.ok(server.store.heap.snapshots.memory.chunkBytes < 4 * MIB);
  assert.deepEqual(await end(), before);
  await settled(server);
});

test("FLUSHALL during a snapshot, with keys evicted and others kept, leaves nothing", async () => {
  const { server, say, overwrite, field } = start();
  const { outcome } = await stalled(server);
  const limit = Math.floor(server.memory.countedBytes / 2);
  say(`CONFIG SET save "" maxmemory ${limit} maxmemory-policy allkeys-lru`);
  overwrite();
  assert.equal(say("FLUSHALL"), "+OK\r\n");
  assert.match(String(await outcome), /aborted/);
  assert.equal(field("current_cow_size"), 0);
  assert.equal(field("rdb_last_cow_size"), 0, "it has not ended well");
  assert.equal(overwrite(), 0);
  await settled(server);
});

test("FLUSHDB during a snapshot makes room at once, though the snapshot keeps the table", async () => {
  const { server, say, overwrite } = start();
  const before = contentsOf(server.keyspace);
  const limit = server.memory.countedBytes + MIB;
  say(`CONFIG SET maxmemory ${limit} maxmemory-policy noeviction`);
  const { end } = await stalled(server);
  assert.equal(say("FLUSHDB"), "+OK\r\n");
  assert.equal(overwrite(), 0);
  assert.deepEqual(await end(), before);
  await settled(server);
});

test("a replica that leaves while its snapshot is sent takes what was kept for it along", async () => {
  const { server, say, overwrite, field } = start();
  say("CONFIG SET repl-diskless-sync yes repl-diskless-sync-delay 0");
  const replica = connect(server);
  replica.say("REPLCONF capa eof capa psync2\r\n");
  replica.say("PSYNC ? -1\r\n");
  replica.pendingBytes = 8 * MIB; // it reads nothing
  const { snapshotter } = server.saving;
  assert.ok(snapshotter.running);
  await windowFull(server);
  overwrite();
  assert.ok(field("current_cow_size") > 4 * MIB);
  assert.ok(server.store.heap.snapshots.memory.chunkBytes < 4 * MIB);
  replica.destroy();
  assert.equal(snapshotter.running, false);
  assert.equal(field("current_cow_size"), 0);
  await settled(server);
});

test("a rewrite's memory and a save's are told of apart, in INFO and in the log", async () => {
  const directory = mkdtempSync(join(tmpdir(), "tredis-snapshot-"));
  const before = process.cwd();
  const { server, say, field } = start();
  try {
    server.log.file = toBinary(join(directory, "log"));
    server.log.level = "notice";
    server.config.assign("dir", [toBinary(directory)]); // CONFIG SET may not, and this moves the process, too
    say("BGREWRITEAOF");
    assert.equal(say("BGSAVE SCHEDULE"), "+Background saving scheduled\r\n");
    assert.ok(field("current_cow_size") > 0);
    await ended(() => !server.appendOnly.isRewriting);
    assert.ok(field("aof_last_cow_size") > 0);
    assert.equal(field("rdb_last_cow_size"), 0);
    for (const task of server.cron.tasks) task();
    assert.ok(server.saving.inBackground);
    await ended(() => !server.saving.inBackground);
    assert.ok(field("rdb_last_cow_size") > 0);
    assert.equal(field("current_cow_size"), 0);
    assert.ok(existsSync(join(directory, "appendonlydir")), "it goes where the directory is now");
    const log = readFileSync(join(directory, "log"), "utf8");
    assert.match(log, /Snapshot memory for AOF rewrite: peak \d+ MB\n[^]*Snapshot memory for RDB: peak \d+ MB\n/);
    await settled(server);
  } finally {
    process.chdir(before);
    rmSync(directory, { recursive: true, force: true });
  }
});

/** Waits for the end of what the disk and a thread do. */
async function ended(isOver: () => boolean): Promise<void> {
  while (!isOver()) await sleep(5);
}
