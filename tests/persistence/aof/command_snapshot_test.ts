/** A snapshot written as commands, by the worker that writes RDB as well. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { encodeLatin1 } from "../../../lib/bytes/latin1.ts";
import type { CommandOptions } from "../../../lib/persistence/save_job.ts";
import { type SnapshotTarget, Snapshotter } from "../../../lib/persistence/snapshot.ts";
import { startWith } from "../../server/fake_client.ts";
import {
  addMembers,
  INFO,
  OPTIONS,
  pushElement,
  randomSource,
  remove,
  setHash,
  setScore,
  setString,
  values,
  withDirectory,
} from "../helpers.ts";
import { replay } from "./encoding.ts";

const COMMANDS: CommandOptions = { format: "commands", timestamp: 1_700_000_000, incrementalSync: true };
const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

test("a snapshot as commands has all as it was, whatever changes meanwhile; the next one is RDB again", () =>
  withDirectory(async (directory) => {
    const { keyspace } = startWith();
    const [database] = keyspace.databases;
    for (const i of numbers(3000)) setString(database, `key:${i}`, `value:${i}`);
    addMembers(database, "set", numbers(3000).map((i) => `member:${i}`));
    setHash(database, "hash", Object.fromEntries(numbers(3000).map((i) => [`field:${i}`, `value:${i}`])));
    for (const i of numbers(3000)) pushElement(database, "list", `element:${i}`);
    for (const i of numbers(3000)) setScore(database, "zset", `member:${i}`, i / 8);
    const before = values(keyspace);
    const snapshotter = new Snapshotter(keyspace);
    const target: SnapshotTarget = {
      kind: "file",
      path: join(directory, "base.aof"),
      temporary: join(directory, "temp-1.aof"),
    };
    let isDone = false;
    const saving = snapshotter.start(target, () => INFO, COMMANDS).finally(() => isDone = true);
    const random = randomSource(3);
    while (!isDone) {
      const i = random(3000);
      setString(database, `key:${i}`, "changed");
      remove(database, `key:${random(3000)}`);
      addMembers(database, "set", [`new:${i}`]);
      setHash(database, "hash", { [`field:${i}`]: "changed" });
      pushElement(database, "list", "new");
      setScore(database, "zset", `member:${i}`, -1);
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    const { keys, bytes } = await saving;
    assert.deepEqual(readdirSync(directory), ["base.aof"]);
    const file = readFileSync(join(directory, "base.aof"));
    assert.deepEqual([keys, bytes], [3004, file.length]);
    const annotation = encodeLatin1("#TS:1700000000\r\n");
    assert.deepEqual(Uint8Array.from(file.subarray(0, annotation.length)), annotation);
    const again = startWith();
    replay(again, file.subarray(annotation.length));
    assert.deepEqual(values(again.keyspace), before);

    await snapshotter.start(target, () => INFO, OPTIONS);
    assert.equal(readFileSync(join(directory, "base.aof")).toString("latin1", 0, 5), "REDIS");
    snapshotter.worker.stop();
  }));

test("a stream of commands is refused, and the next snapshot is not", async () => {
  const snapshotter = new Snapshotter(startWith().keyspace);
  const target: SnapshotTarget = { kind: "stream", onBytes: () => {} };
  await assert.rejects(snapshotter.start(target, () => INFO, COMMANDS), /what is streamed is RDB/);
  await snapshotter.start(target, () => INFO, OPTIONS);
  snapshotter.worker.stop();
});
