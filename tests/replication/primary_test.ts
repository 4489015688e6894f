/** The primary's side, with a host that is made up. */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { newHandshake, type PrimaryHost, PrimarySide } from "../../lib/replication/primary.ts";
import { ReplicationStream } from "../../lib/replication/stream.ts";
import { files, useFiles } from "../../lib/runtime/files.ts";
import { nextTurn } from "../../lib/runtime/turns.ts";

const SETTINGS = {
  diskless: false,
  disklessDelaySeconds: 0,
  disklessMaxReplicas: 0,
  timeoutSeconds: 60,
  backlogBytes: 16384,
  backlogTtlSeconds: 0,
};

test("a snapshot that cannot be read while it is sent costs the replica its link, and nothing is left open", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tredis-primary-"));
  const path = join(folder, "dump.rdb");
  writeFileSync(path, new Uint8Array(1000));
  const said: string[] = [];
  const host: PrimaryHost = {
    slowsWriters: () => false,
    atEndOfTurn: (sender) => queueMicrotask(() => sender.send()),
    stream: new ReplicationStream(),
    nowMs: () => 0,
    log: (_level, message) => void said.push(message),
    settings: () => SETTINGS,
    outputLimit: () => ({ hardBytes: 0, softBytes: 0, softSeconds: 0 }),
    snapshotRunning: () => false,
    takeSnapshot: (_target, atStart) => Promise.resolve(atStart()),
    abortSnapshot: () => {},
    emptySnapshot: () => new Uint8Array(0),
    keepsSnapshots: () => false,
    rdbPath: () => ({ path, temporary: join(folder, "temp") }),
    fileServed: () => {},
    forgetSelected: () => {},
    replicasChanged: () => {},
    countSync: () => {},
  };
  const opened = new Set<number>();
  const disk = files();
  useFiles({
    ...disk,
    open: (name, purpose) => {
      const file = disk.open(name, purpose);
      opened.add(file);
      return file;
    },
    close: (file) => {
      opened.delete(file);
      disk.close(file);
    },
    read: () => {
      throw new Error("Input/output error");
    },
  });
  try {
    const primary = new PrimarySide(host);
    let isDropped = false;
    primary.synchronise(
      {
        id: 1,
        remoteAddress: "127.0.0.1:1",
        outputBytes: 0,
        deliver: () => {},
        stream: () => {},
        drop: () => void (isDropped = true),
        dropAsFull: () => void (isDropped = true),
        end: () => {},
      },
      newHandshake(),
      "?",
      -1,
    );
    for (let turns = 0; !isDropped && turns < 100; turns++) await nextTurn();
    assert.ok(isDropped, said.join("\n"));
    assert.match(said.at(-1) ?? "", /the snapshot cannot be read: Input\/output error/);
    assert.equal(opened.size, 0);
  } finally {
    useFiles(disk);
    rmSync(folder, { recursive: true, force: true });
  }
});
