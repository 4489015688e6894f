/** Where a replica puts its primary's snapshot: neither the disk nor the parser must hold the server up. */

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { FileReceiver, type ReceivingStore } from "../../lib/replication/snapshot_receiver.ts";
import { Store } from "../../lib/store/store.ts";
import { setString, toRdb, values, variedStore, withDirectory } from "../persistence/helpers.ts";

const READ_OPTIONS = { dropExpired: false, verifyChecksum: true, withIdle: false };

/** A replica's data set: one key, which a snapshot replaces. */
class Replica implements ReceivingStore {
  readonly store = new Store(16);
  readonly readOptions = READ_OPTIONS;
  flushes = 0;

  constructor() {
    setString(this.store.databases[0], "old", "data");
  }

  flush(): void {
    this.flushes++;
    for (const database of this.store.databases) database.clear();
  }

  setLoading(): void {}
}

test("a snapshot's file is synced while the server goes on, and takes its name after that", async () => {
  await withDirectory(async (directory) => {
    const replica = new Replica();
    const primary = variedStore();
    const snapshot = toRdb(primary);
    const path = join(directory, "dump.rdb");
    const receiver = new FileReceiver(replica, join(directory, "temp.rdb"), path);
    receiver.take(snapshot, 0, 1000);
    receiver.take(snapshot, 1000, snapshot.length);
    let replaced = false;
    const finished = receiver.finish(() => replaced = true);
    assert.equal(existsSync(path), false);
    assert.equal(replaced, false);
    assert.equal(replica.store.databases[0].size, 1);
    await finished;
    assert.equal(replaced, true);
    assert.deepEqual(readdirSync(directory), ["dump.rdb"]);
    assert.deepEqual(new Uint8Array(readFileSync(path)), snapshot);
    assert.deepEqual(values(replica.store), values(primary));
  });
});

test("a file that is aborted while it is being synced goes, and the data stays", async () => {
  await withDirectory(async (directory) => {
    const replica = new Replica();
    const snapshot = toRdb(variedStore());
    const receiver = new FileReceiver(replica, join(directory, "temp.rdb"), join(directory, "dump.rdb"));
    receiver.take(snapshot, 0, snapshot.length);
    const finished = receiver.finish(() => assert.fail("nothing was replaced"));
    receiver.abort();
    await assert.rejects(finished, /the connection was lost/);
    assert.deepEqual(readdirSync(directory), []);
    assert.equal(replica.flushes, 0);
    assert.equal(replica.store.databases[0].size, 1);
  });
});

test("a file that is aborted early goes at once, or after the sync that a large one has begun", async () => {
  await withDirectory(async (directory) => {
    for (const bytes of [1000, 8 * 1024 * 1024]) {
      const receiver = new FileReceiver(new Replica(), join(directory, "temp.rdb"), join(directory, "dump.rdb"));
      receiver.take(new Uint8Array(bytes), 0, bytes);
      receiver.abort();
      while (readdirSync(directory).length > 0) await new Promise((resolve) => setTimeout(resolve, 1));
      assert.throws(() => receiver.take(new Uint8Array(1), 0, 1), /the connection was lost/);
    }
  });
});
