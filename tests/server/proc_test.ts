/** What Linux tells of processes is had with all permissions, and with those of the task `start`; with fewer, nothing is. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import process from "node:process";
import { test } from "node:test";
import { processFile } from "../../lib/server/program/proc.ts";

test("a process is told of, one that is not there is not", (context) => {
  if (process.platform !== "linux") return context.skip("needs Linux");
  assert.ok(processFile(process.pid, "stat").startsWith(`${process.pid} (`));
  assert.match(processFile(process.pid, "limits"), /^Max open files/m);
  assert.equal(processFile(2 ** 30, "stat"), "");
});

/** What a program with these permissions is told of its parent, which is this process. */
function toldWith(...permissions: string[]): string {
  const { stdout, stderr } = spawnSync(process.execPath, ["run", "--no-check", ...permissions, "-"], {
    encoding: "utf8",
    input: `
      import process from "node:process";
      import { processFile } from "./lib/server/program/proc.ts";
      console.log(processFile(process.ppid, "stat").split(" ")[0]);
    `,
  });
  assert.equal(stderr, "");
  return stdout.trim();
}

test("Deno shows it to a program that may run cat", (context) => {
  if (process.platform !== "linux" || !("deno" in process.versions)) return context.skip("needs Linux and Deno");
  assert.equal(toldWith("--allow-read", "--allow-run=cat"), String(process.pid));
  assert.equal(toldWith("--allow-read"), "");
});
