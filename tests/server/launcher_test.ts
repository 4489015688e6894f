/** A server that npx has started ends when npx does, and only then. */

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { chainToNpm } from "../../lib/server/program/launcher.ts";

/** Processes: a server, `deno task`, a shell, npx, another npm, and the shell that all of it was started from. */
const PARENTS = new Map([[50, 40], [40, 30], [30, 20], [20, 15], [15, 10], [10, 1]]);
const parentOf = (pid: number) => PARENTS.get(pid) ?? 0;

test("the chain goes up to the topmost npm, and not to who has started that", () => {
  assert.deepEqual(chainToNpm(50, parentOf, (pid) => pid === 20 || pid === 15), [50, 40, 30, 20, 15]);
  assert.deepEqual(chainToNpm(50, parentOf, (pid) => pid === 20), [50, 40, 30, 20]);
  assert.deepEqual(chainToNpm(50, parentOf, () => false), [50]);
  assert.deepEqual(chainToNpm(10, parentOf, () => false), [10]);
});

test("ending npx ends the server", async (context) => {
  if (process.platform !== "linux" || !("deno" in process.versions)) return context.skip("needs Linux and Deno");
  if (spawnSync("npx", ["--version"]).error !== undefined) return context.skip("needs npx");
  const folder = mkdtempSync(join(tmpdir(), "tredis-npx-"));
  const options = `--port 0 --unixsocket '${join(folder, "socket")}' --dir '${folder}' --save ''`;
  const task = `'${process.execPath}' task start ${options}; true`;
  const npx = spawn("npx", ["--yes", "--call", task], { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  npx.stdout.on("data", (chunk) => output += chunk);
  npx.stderr.on("data", (chunk) => output += chunk);
  const ended = new Promise((resolve) => npx.stdout.on("close", resolve)); // the server holds it as well
  while (!output.includes("Ready to accept connections")) {
    assert.equal(npx.exitCode, null, output);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  process.kill(npx.pid ?? 0, "SIGKILL");
  await ended;
  assert.match(output, /The npm that has started this server has ended/);
  assert.match(output, /now ready to exit, bye bye/);
  rmSync(folder, { recursive: true, force: true });
});
