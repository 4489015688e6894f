/** A snapshot whose bytes nobody takes: what is overwritten and removed meanwhile waits where it lies. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { nextTurn } from "../../lib/runtime/turns.ts";
import { RdbReader } from "../../lib/persistence/rdb_reader.ts";
import { Snapshotter } from "../../lib/persistence/snapshot.ts";
import { encodeLatin1 } from "../../lib/bytes/latin1.ts";
import type { Database } from "../../lib/store/database.ts";
import { Keyspace } from "../../lib/store/keyspace.ts";
import { concatBytes } from "../bytes/concat.ts";
import { contentsOf } from "../model/plain.ts";
import { walkKeyspace } from "../model/keyspace_walk.ts";
import { INFO, OPTIONS, remove, setHash, setString } from "./helpers.ts";

const KEYS = 20_000;
const MAX_CHUNKS = 16;

/** Gives all keys new values. */
function overwrite(database: Database): void {
  for (let i = 0; i < KEYS; i++) setString(database, `key:${i}`, "b".repeat(1000));
  remove(database, "key:1");
}

/** Changes all keys where they are: APPEND, EXPIRE, and HSET of hashes in both encodings. */
function changeInPlace(database: Database): void {
  for (let i = 0; i < KEYS; i++) {
    const key = `key:${i}`;
    if (i % 4 > 1) {
      setHash(database, key, { changed: "x", added: "y".repeat(100) });
      continue;
    }
    const ref = database.write(encodeLatin1(key), 0, key.length);
    if (i % 4 === 0) database.resizeValue(ref, 1100);
    else database.setExpiry(ref, 10 ** 13);
  }
}

/** Fills a database with strings, listpacks and small tables. */
function fill(database: Database): void {
  for (let i = 0; i < KEYS; i++) {
    if (i % 4 === 2) setHash(database, `key:${i}`, Object.fromEntries(FIELDS.map((field) => [field, "a".repeat(60)])));
    else if (i % 4 === 3) setHash(database, `key:${i}`, { changed: "a".repeat(600), other: "b" });
    else setString(database, `key:${i}`, "a".repeat(1000));
  }
}
const FIELDS = ["changed", ...Array.from({ length: 10 }, (_, i) => `field:${i}`)];

for (const change of [overwrite, changeInPlace]) {
  test(`writes during a snapshot that is not taken do not pile up in chunks (${change.name})`, async () => {
    const keyspace = new Keyspace(1);
    const [database] = keyspace.databases;
    fill(database);
    const before = contentsOf(keyspace);
    const snapshotter = new Snapshotter(keyspace);
    let chunks = 0;
    const { worker } = snapshotter;
    const send = worker.send.bind(worker);
    worker.send = (message) => {
      if (message.kind === "chunk") chunks++;
      send(message);
    };
    const parts: Uint8Array[] = [];
    let take = () => {};
    const taken = new Promise<void>((resolve) => take = resolve);
    const onBytes = (bytes: Uint8Array) => {
      parts.push(bytes);
      return taken;
    };
    const running = snapshotter.start({ kind: "stream", onBytes }, () => INFO, OPTIONS);
    try {
      for (let turns = 0; turns < 200; turns++) await nextTurn();
      change(database);
      assert.ok(chunks <= MAX_CHUNKS, `${chunks} chunks are on their way`);
      take();
      assert.equal((await running).keys, KEYS);
      const loaded = new Keyspace(1);
      const reader = new RdbReader(loaded, { dropExpired: false, verifyChecksum: true });
      reader.feed(concatBytes(parts));
      reader.close();
      assert.deepEqual(contentsOf(loaded), before);
      walkKeyspace(keyspace, false);
    } finally {
      worker.stop();
    }
  });
}
