/**
 * What `deno task compile` puts into the executable. Its base need not be there: any program stands in for it, as the
 * result is not run.
 */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";

const STAND_IN = ["/usr/bin/true", "/bin/true"].find((path) => existsSync(path));
/** More than the program takes, and much less than it would take with the tools that it is developed with, in bytes. */
const MOST_BYTES = 20 * 2 ** 20;

test("the executable holds the program and its workers, and no packages", (context) => {
  if (!("deno" in process.versions) || STAND_IN === undefined) {
    return context.skip("needs Deno, and a program to stand in");
  }
  const { status, stdout, stderr } = spawnSync(process.execPath, ["task", "compile"], {
    encoding: "utf8",
    env: { ...process.env, DENORT_BIN: STAND_IN, NO_COLOR: "1" },
  });
  const said = stdout + stderr;
  assert.equal(status, 0, said);
  // Of a folder of which all is there, Deno names no files.
  const wanted = { "main.ts": [], "rdb_worker.ts": ["persistence"], "hash_writer.ts": ["persistence", "types"] };
  for (const [file, folders] of Object.entries(wanted)) {
    const names = [file, ...folders.map((folder) => `${folder}/*`)];
    assert.ok(names.some((name) => said.includes(` ${name} (`)), `${file} in:\n${said}`);
  }
  assert.doesNotMatch(said, /── node_modules/);
  assert.ok(statSync("dist/tredis-deno").size < MOST_BYTES);
});
