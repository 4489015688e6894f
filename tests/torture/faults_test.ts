/**
 * A server whose disk fails, once or for good, goes on or ends in order and loses nothing that it has acknowledged: a few
 * of the lives that `deno task torture` tries, in a process of their own, as test runners take promises that reject unheard
 * for themselves.
 */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import process from "node:process";
import { test } from "node:test";

const RUN = "bun" in process.versions ? [] : ["run", "-A", "--no-check"];

test("whichever call of the disk fails, nothing that was acknowledged is lost", () => {
  const words = [...RUN, "scripts/torture.ts", "--only", "faults", "--brief", "--seed", "5"];
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: "utf8" });
  assert.equal(status, 0, stdout + stderr);
  assert.match(stdout, /policy:always.*lives:\d/);
});
