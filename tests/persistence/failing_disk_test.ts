/** A save whose disk fails at one call or another: it fails too, and leaves nothing behind. */

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { saveSync } from "../../lib/persistence/save.ts";
import { type Files, files, useFiles } from "../../lib/runtime/files.ts";
import { Keyspace } from "../../lib/store/keyspace.ts";
import { INFO, OPTIONS, withDirectory } from "./helpers.ts";

const keyspace = new Keyspace(1);

function failure(code = "EIO"): never {
  throw Object.assign(new Error("simulated"), { code });
}

/** Runs `body` on a disk with some calls of its own. */
function withCalls(calls: (system: Files) => Partial<Files>, body: () => void): void {
  const system = files();
  useFiles({ ...system, ...calls(system) });
  try {
    body();
  } finally {
    useFiles(system);
  }
}

test("a temporary file that was made but cannot be opened is removed", () =>
  withDirectory((directory) => {
    const calls = (system: Files): Partial<Files> => ({
      open: (path, purpose) => purpose === "update" ? failure() : system.open(path, purpose),
    });
    withCalls(calls, () => {
      assert.throws(() => saveSync(keyspace, join(directory, "dump.rdb"), INFO, OPTIONS), /Input\/output error/);
    });
    assert.deepEqual(readdirSync(directory), []);
  }));

test("a save whose directory cannot be synced has failed, unless the file system syncs none", () =>
  withDirectory((directory) => {
    const path = join(directory, "dump.rdb");
    for (const code of ["EIO", "EINVAL"]) {
      const calls = (system: Files): Partial<Files> => {
        let folder = -1;
        return {
          open: (path, purpose) => {
            const file = system.open(path, purpose);
            folder = path === directory ? file : -1;
            return file;
          },
          sync: (file, part) => file === folder ? failure(code) : system.sync(file, part),
        };
      };
      withCalls(calls, () => {
        const save = () => saveSync(keyspace, path, INFO, OPTIONS);
        if (code === "EIO") assert.throws(save, /Failed syncing the directory .*Input\/output error/);
        else save();
      });
    }
  }));
