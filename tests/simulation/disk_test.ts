/** The simulated disk does what the system's does, and loses in a crash what that may lose. */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type Files, files as systemFiles } from "../../lib/runtime/files.ts";
import { Chance } from "./chance.ts";
import { DIRECTORY, Disk } from "./disk.ts";
import { Scheduler } from "./scheduler.ts";
import { Trace } from "./trace.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

function write(files: Files, file: number, words: string): void {
  const bytes = new TextEncoder().encode(words);
  for (let at = 0; at < bytes.length;) at += files.write(file, bytes, at, bytes.length - at);
}

function readAll(files: Files, path: string): string {
  const file = files.open(path, "read");
  const bytes = new Uint8Array(1024);
  let length = 0;
  for (;;) {
    const count = files.read(file, bytes, length, bytes.length - length);
    if (count === 0) break;
    length += count;
  }
  files.close(file);
  return text(bytes.subarray(0, length));
}

function code(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    return (error as { code: string }).code; // what a disk throws has one
  }
  return "";
}

function simulated(seed: number): Disk {
  const chance = new Chance(seed);
  return new Disk("disk", new Scheduler(chance), chance, new Trace());
}

/** What a disk has to answer to the same calls; all of it must be the same for each disk. */
function session(files: Files, directory: string): unknown[] {
  const answers: unknown[] = [];
  const log = join(directory, "log");
  const folder = join(directory, "folder");
  answers.push(code(() => files.open(log, "update")), code(() => files.list(folder)));
  let file = files.open(log, "append");
  write(files, file, "one two");
  files.close(file);
  file = files.open(log, "append");
  write(files, file, " three");
  files.truncate(file, 5);
  write(files, file, "four");
  answers.push(readAll(files, log), files.stat(log).bytes);
  files.sync(file, "data");
  files.close(file);
  files.makeDirectory(folder);
  answers.push(code(() => files.makeDirectory(folder)), files.list(folder));
  file = files.open(join(folder, "inner"), "replace");
  write(files, file, "in it");
  files.close(file);
  answers.push(files.list(folder), files.list(directory).sort(), readAll(files, join(folder, "inner")));
  answers.push(code(() => files.open(join(directory, "nowhere", "inner"), "replace")));
  file = files.open(folder, "read");
  files.sync(file, "all");
  files.close(file);
  return answers;
}

test("append, truncate and directories: the simulated disk answers as the system's", () => {
  const directory = mkdtempSync(join(tmpdir(), "tredis-disk-"));
  try {
    const wanted = session(systemFiles(), directory);
    for (let seed = 1; seed < 20; seed++) assert.deepEqual(session(simulated(seed).files, DIRECTORY), wanted);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("a crash may take a directory whose name was not synced, and all that is in it", () => {
  const seen = new Set<string>();
  for (let seed = 1; seed < 200; seed++) {
    const disk = simulated(seed);
    const { files } = disk;
    const folder = `${DIRECTORY}/folder`;
    files.makeDirectory(folder);
    files.close(files.open(`${folder}/file`, "replace"));
    const opened = files.open(folder, "read");
    files.sync(opened, "all");
    files.close(opened);
    disk.crash(true);
    seen.add(disk.namesIn(DIRECTORY).includes("folder") ? disk.namesIn(folder).join() : "gone");
  }
  assert.deepEqual([...seen].sort(), ["file", "gone"]);
});

test("a name that was synced stays, and what was synced of a file", () => {
  for (let seed = 1; seed < 100; seed++) {
    const disk = simulated(seed);
    const { files } = disk;
    const file = files.open(`${DIRECTORY}/log`, "append");
    write(files, file, "kept");
    files.sync(file, "data");
    write(files, file, " perhaps");
    const directory = files.open(DIRECTORY, "read");
    files.sync(directory, "all");
    disk.crash(true);
    assert.match(readAll(files, `${DIRECTORY}/log`), /^kept/);
  }
});
