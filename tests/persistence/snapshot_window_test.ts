/** A snapshot whose bytes nobody takes: what is overwritten and removed meanwhile waits where it lies. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { nextTurn } from "../../lib/runtime/turns.ts";
import { RdbReader } from "../../lib/persistence/rdb_reader.ts";
import { Snapshotter } from "../../lib/persistence/snapshot.ts";
import { Store } from "../../lib/store/store.ts";
import { concatBytes } from "../bytes/concat.ts";
import { contentsOf } from "../model/plain.ts";
import { walkStore } from "../model/store_walk.ts";
import { INFO, OPTIONS, setString } from "./helpers.ts";

const KEYS = 20_000;
const MAX_CHUNKS = 16;

test("writes during a snapshot that is not taken do not pile up in chunks", async () => {
  const store = new Store(1);
  const [database] = store.databases;
  const fill = (letter: string) => {
    for (let i = 0; i < KEYS; i++) setString(database, `key:${i}`, letter.repeat(1000));
  };
  fill("a");
  const before = contentsOf(store);
  const snapshotter = new Snapshotter(store);
  let chunks = 0;
  const { worker } = snapshotter;
  const send = worker.send.bind(worker);
  worker.send = (message, transfer) => {
    if (message.kind === "chunk") chunks++;
    send(message, transfer);
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
    fill("b");
    database.remove(new TextEncoder().encode("key:1"), 0, 5);
    assert.ok(chunks <= MAX_CHUNKS, `${chunks} chunks are on their way`);
    take();
    assert.equal((await running).keys, KEYS);
    const loaded = new Store(1);
    const reader = new RdbReader(loaded, { dropExpired: false, verifyChecksum: true });
    reader.feed(concatBytes(parts));
    reader.close();
    assert.deepEqual(contentsOf(loaded), before);
    walkStore(store, false);
  } finally {
    worker.stop();
  }
});
