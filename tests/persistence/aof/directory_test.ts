/** The directory of an append-only file, where the disk does not answer. */

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { AofDirectory } from "../../../lib/persistence/aof/directory.ts";
import { FileError } from "../../../lib/persistence/rdb_file.ts";
import { files, useFiles } from "../../../lib/runtime/files.ts";

/** Runs something in a folder of its own, where no file can be looked at. */
async function withoutAnswers(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "tredis-directory-"));
  const before = useFiles({
    ...files(),
    stat: () => {
      throw Object.assign(new Error("i/o error"), { code: "EIO" });
    },
  });
  try {
    await run(folder);
  } finally {
    useFiles(before);
    rmSync(folder, { recursive: true });
  }
}

function isIoError(error: unknown): boolean {
  return error instanceof FileError && error.message.endsWith("Input/output error");
}

test("an old append-only file that cannot be looked at is no file that is missing", async () => {
  await withoutAnswers(async (folder) => {
    writeFileSync(join(folder, "appendonly.aof"), "*1\r\n$4\r\nPING\r\n");
    const directory = new AofDirectory(folder, "appendonlydir", "appendonly.aof");
    await assert.rejects(directory.adoptSingleFile(), isIoError);
  });
});

test("a directory that cannot be looked at is not made anew", async () => {
  await withoutAnswers((folder) => {
    mkdirSync(join(folder, "appendonlydir"));
    const directory = new AofDirectory(folder, "appendonlydir", "appendonly.aof");
    assert.throws(() => directory.make(), isIoError);
    return Promise.resolve();
  });
});
