import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { LogFile } from "../../../lib/persistence/aof/log_file.ts";
import { FileError } from "../../../lib/persistence/rdb_file.ts";
import { withCalls, withDirectory } from "../helpers.ts";
import type { Files } from "../../../lib/runtime/files.ts";

const withPath = (body: (path: string) => Promise<void>) =>
  withDirectory((directory) => body(join(directory, "log.aof")));

function append(log: LogFile, text: string): void {
  const bytes = new TextEncoder().encode(`--${text}--`);
  log.append(bytes, 2, bytes.length - 2);
}

const contentOf = (path: string) => readFileSync(path, "latin1");
const full = () => Object.assign(new Error("no space"), { code: "ENOSPC" });

test("what is appended is in the file once it is written, and durable once it is synced", () =>
  withPath(async (path) => {
    const log = new LogFile(path, 0);
    append(log, "one ");
    assert.deepEqual([log.bufferedBytes, log.appendedBytes, log.writtenBytes], [4, 4, 0]);
    log.write();
    append(log, "two");
    assert.equal(contentOf(path), "one ");
    await log.sync();
    assert.deepEqual([log.appendedBytes, log.writtenBytes, log.syncedBytes], [7, 4, 4]);
    log.write();
    log.syncNow();
    assert.equal(log.syncedBytes, 7);
    await log.close();
    assert.equal(contentOf(path), "one two");
  }));

test("a file that is there is gone on with behind its whole commands", () =>
  withPath(async (path) => {
    writeFileSync(path, "whole torn");
    const log = new LogFile(path, 6);
    append(log, "new");
    log.write();
    await log.close();
    assert.equal(contentOf(path), "whole new");
  }));

test("more than the buffer holds is written as it came", () =>
  withPath(async (path) => {
    const log = new LogFile(path, 0);
    let wanted = "";
    for (let i = 0; i < 300; i++) {
      const text = String(i).repeat(1 + i * 40);
      append(log, text);
      wanted += text;
      if (i % 50 === 49) log.write();
    }
    log.write();
    await log.close();
    assert.equal(contentOf(path), wanted);
  }));

test("a write that the disk takes in part is taken back, and done again", () =>
  withPath(async (path) => {
    const log = new LogFile(path, 0);
    append(log, "first ");
    log.write();
    append(log, "second");
    let calls = 0;
    const short = (system: Files): Partial<Files> => ({
      write: (file, bytes, start, length) => {
        if (calls++ > 0) throw full();
        return system.write(file, bytes, start, Math.min(2, length));
      },
    });
    await withCalls(short, () => {
      assert.throws(() => log.write(), (error) => error instanceof FileError && /No space left/.test(error.message));
      return Promise.resolve();
    });
    assert.equal(contentOf(path), "first ");
    log.write();
    assert.equal(contentOf(path), "first second");
    await log.close();
  }));

test("what cannot be taken back is not written twice", () =>
  withPath(async (path) => {
    const log = new LogFile(path, 0);
    append(log, "first second");
    let calls = 0;
    const stuck = (system: Files): Partial<Files> => ({
      write: (file, bytes, start, length) => {
        if (calls++ > 0) throw full();
        return system.write(file, bytes, start, Math.min(2, length));
      },
      truncate: () => {
        throw full();
      },
    });
    await withCalls(stuck, () => {
      assert.throws(() => log.write(), FileError);
      return Promise.resolve();
    });
    assert.equal(contentOf(path), "fi");
    log.write();
    assert.equal(contentOf(path), "first second");
    await log.close();
  }));

for (const canTruncate of [true, false]) {
  test(`a part that a failed write does not tell of is ${canTruncate ? "taken back" : "not written twice"}`, () =>
    withPath(async (path) => {
      const log = new LogFile(path, 0);
      append(log, "first ");
      log.write();
      append(log, "second");
      const silent = (system: Files): Partial<Files> => ({
        write: (file, bytes, start) => {
          system.write(file, bytes, start, 2);
          throw full(); // as Deno's, which goes on by itself until a write fails
        },
        truncate: canTruncate ? system.truncate : () => {
          throw full();
        },
      });
      await withCalls(silent, () => {
        assert.throws(() => log.write(), FileError);
      });
      assert.equal(contentOf(path), canTruncate ? "first " : "first se");
      log.write();
      assert.equal(contentOf(path), "first second");
      await log.close();
    }));
}

test("one sync is for all that was written before it, and those who ask meanwhile wait for the next", () =>
  withPath(async (path) => {
    const log = new LogFile(path, 0);
    const syncs: (() => void)[] = [];
    const slow = (system: Files): Partial<Files> => ({
      syncLater: (file, part) => new Promise((resolve) => syncs.push(() => system.syncLater(file, part).then(resolve))),
    });
    await withCalls(slow, async () => {
      append(log, "one");
      log.write();
      const first = log.sync();
      append(log, "two");
      log.write();
      const others = [log.sync(), log.sync()];
      assert.equal(syncs.length, 1);
      syncs[0]();
      await first;
      assert.equal(log.syncedBytes, 3);
      while (syncs.length < 2) await new Promise((resolve) => setTimeout(resolve, 0));
      syncs[1]();
      await Promise.all(others);
      assert.deepEqual([log.syncedBytes, syncs.length], [6, 2]);
    });
    await log.close();
  }));

test("after a sync that failed the file is durable no more than it was, whatever the system says of later ones", () =>
  withPath(async (path) => {
    const log = new LogFile(path, 0);
    append(log, "one");
    log.write();
    await withCalls(() => ({ syncLater: () => Promise.reject(full()) }), async () => {
      await assert.rejects(log.sync(), FileError);
    });
    assert.deepEqual([log.syncedBytes, log.isSyncing], [0, false]);
    assert.equal(log.isBroken, true);
    await assert.rejects(log.sync(), FileError);
    assert.equal(log.syncedBytes, 0);
    await log.close();
  }));

test("a file is closed only when its sync has ended", () =>
  withPath(async (path) => {
    const log = new LogFile(path, 0);
    append(log, "one");
    log.write();
    const order: string[] = [];
    const observed = (system: Files): Partial<Files> => ({
      syncLater: (file, part) => system.syncLater(file, part).then(() => void order.push("synced")),
      close: (file) => {
        order.push("closed");
        system.close(file);
      },
    });
    await withCalls(observed, async () => {
      const sync = log.sync();
      await log.close();
      await sync;
    });
    assert.deepEqual(order, ["synced", "closed"]);
  }));
