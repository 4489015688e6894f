/** What servers that were killed have left half written is removed at the next start, and nothing else is. */

import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { removeAbandoned } from "../../lib/persistence/temporary_files.ts";
import { thisProcess, useProcess } from "../../lib/runtime/process.ts";

const HOUR_MS = 3_600_000;
/** Of these processes one is this, one runs, one is gone, and of one nothing is known. */
const [OWN, RUNNING, GONE, UNKNOWN] = [10, 11, 12, 13];

/** What is left of the files named after a start at `startedMs`; each was written to so many ms before it. */
function left(startedMs: number, written: Readonly<Record<string, number>>): string[] {
  const folder = mkdtempSync(join(tmpdir(), "tredis-abandoned-"));
  const isRunning = (id: number) => id === UNKNOWN ? null : id !== GONE;
  const system = useProcess({ ...thisProcess(), id: OWN, isRunning });
  try {
    for (const [name, beforeMs] of Object.entries(written)) {
      writeFileSync(join(folder, name), "half");
      const seconds = (startedMs - beforeMs) / 1000;
      utimesSync(join(folder, name), seconds, seconds);
    }
    removeAbandoned(folder, startedMs);
    return readdirSync(folder).sort();
  } finally {
    useProcess(system);
    rmSync(folder, { recursive: true });
  }
}

test("the file of a process that is gone is removed, that of one that runs is not", () => {
  const files = { [`temp-save-${GONE}-1.rdb`]: 5, [`temp-save-${RUNNING}-1.rdb`]: 2 * HOUR_MS };
  assert.deepEqual(left(Date.now(), files), [`temp-save-${RUNNING}-1.rdb`]);
});

test("where nothing is known of a process, its file is removed when nobody has written to it for an hour", () => {
  const files = { [`temp-sync-${UNKNOWN}-1.rdb`]: 2 * HOUR_MS, [`temp-sync-${UNKNOWN}-2.rdb`]: HOUR_MS / 2 };
  assert.deepEqual(left(Date.now(), files), [`temp-sync-${UNKNOWN}-2.rdb`]);
});

test("a file of this process's number from before its start is of one before it that had the same", () => {
  const files = { [`temp-repl-${OWN}-1.rdb`]: 1000, [`temp-repl-${OWN}-2.rdb`]: -1000 };
  assert.deepEqual(left(Date.now(), files), [`temp-repl-${OWN}-2.rdb`]);
});

test("what has another name stays", () => {
  const files = { "dump.rdb": 5, [`temp-${GONE}.aof`]: 5, [`temp-other-${GONE}-1.rdb`]: 5 };
  assert.deepEqual(left(Date.now(), files), Object.keys(files).sort());
});
