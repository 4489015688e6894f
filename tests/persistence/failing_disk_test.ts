/** A save whose disk fails at one call or another: it fails too, and leaves nothing behind. */

import assert from "node:assert/strict";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { syncDirectory } from "../../lib/persistence/rdb_file.ts";
import { loadRdbFileSync } from "../../lib/persistence/load.ts";
import { saveSync } from "../../lib/persistence/save.ts";
import type { Files } from "../../lib/runtime/files.ts";
import { sleep } from "../../lib/runtime/timers.ts";
import { Keyspace } from "../../lib/store/keyspace.ts";
import { INFO, OPTIONS, withCalls, withDirectory } from "./helpers.ts";

const keyspace = new Keyspace(1);

function failure(code = "EIO"): never {
  throw Object.assign(new Error("simulated"), { code });
}

test("a temporary file that was made but cannot be opened is removed", () =>
  withDirectory(async (directory) => {
    const calls = (system: Files): Partial<Files> => ({
      open: (path, purpose) => purpose === "update" ? failure() : system.open(path, purpose),
    });
    await withCalls(calls, () => {
      assert.throws(() => saveSync(keyspace, join(directory, "dump.rdb"), INFO, OPTIONS), /Input\/output error/);
    });
    assert.deepEqual(readdirSync(directory), []);
  }));

/** A disk of which call number `at` fails, of those but for the removal of what is left; how many there were. */
function failingAt(at: number): { readonly calls: (system: Files) => Partial<Files>; readonly made: () => number } {
  let made = 0;
  const failing = <Args extends unknown[], T>(call: (...args: Args) => T) => (...args: Args): T =>
    ++made === at ? failure() : call(...args);
  const calls = (system: Files): Partial<Files> => ({
    open: failing(system.open),
    write: failing(system.write),
    sync: failing(system.sync),
    rename: failing(system.rename),
    link: failing(system.link),
  });
  return { calls, made: () => made };
}

/** The file that had the name before goes beside the thread that saves. */
async function oldFileIsGone(directory: string): Promise<void> {
  while (readdirSync(directory).some((name) => name.endsWith(".old"))) await sleep(1);
}

test("whichever call of the disk fails, SAVE leaves no temporary file, and the old file or the new one", () =>
  withDirectory(async (directory) => {
    const path = join(directory, "dump.rdb");
    saveSync(keyspace, path, INFO, OPTIONS);
    let failures = 0;
    for (let at = 1, isOver = false; !isOver; at++) {
      const { calls, made } = failingAt(at);
      await withCalls(calls, () => {
        try {
          saveSync(keyspace, path, INFO, OPTIONS);
        } catch (error) {
          assert.match(String(error), /Input\/output error/);
          failures++;
        }
        isOver = made() < at;
      });
      await oldFileIsGone(directory);
      assert.deepEqual(readdirSync(directory), ["dump.rdb"], `with call ${at} failing`);
      loadRdbFileSync(path, new Keyspace(1), { dropExpired: false, verifyChecksum: true });
    }
    assert.ok(failures >= 5, "opening twice, writing, syncing and renaming can fail");
  }));

/** A disk whose directories cannot be opened, or not be synced. */
function withoutDirectories(call: "open" | "sync", code: string): (system: Files) => Partial<Files> {
  return (system) => {
    const folders = new Set<number>();
    return {
      open: (path, purpose) => {
        const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
        if (isFolder && call === "open") failure(code);
        const file = system.open(path, purpose);
        if (isFolder) folders.add(file);
        return file;
      },
      close: (file) => {
        folders.delete(file);
        system.close(file);
      },
      sync: (file, part) => folders.has(file) ? failure(code) : system.sync(file, part),
      syncLater: async (file, part) => folders.has(file) ? failure(code) : await system.syncLater(file, part),
    };
  };
}

for (const call of ["open", "sync"] as const) {
  test(`a save that cannot ${call} its directory has failed, unless the system never does that`, () =>
    withDirectory(async (directory) => {
      const save = () => saveSync(keyspace, join(directory, "dump.rdb"), INFO, OPTIONS);
      await withCalls(withoutDirectories(call, "EIO"), async () => {
        assert.throws(save, /Failed syncing the directory .*Input\/output error/);
        await assert.rejects(syncDirectory(directory), /Failed syncing the directory .*Input\/output error/);
      });
      await withCalls(withoutDirectories(call, "EINVAL"), async () => {
        save();
        await syncDirectory(directory);
      });
    }));
}
