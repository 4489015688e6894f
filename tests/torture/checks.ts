/**
 * `tredis check-aof --fix` beside redis-check-aof: of the same damaged files the one leaves what the other does, and a server
 * then starts with it.
 */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeLatin1 } from "../../lib/bytes/latin1.ts";
import { serverWords } from "../../scripts/server_words.ts";
import { Random } from "../integration/data_set.ts";
import { Damaged, garbage, makeLog, type SampleLog, stateAt, withBitTurned, withTail } from "./damage.ts";

const MANIFEST = join("appendonlydir", "appendonly.aof.manifest");
const CHECK_MS = 60_000;

/** A damage: its name, the file, and what becomes of it. */
interface Damage {
  readonly what: string;
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Whether what is left must be a state that has been. */
  readonly isPrefix: boolean;
}

function* damages(log: SampleLog, random: Random, count: number): Generator<Damage> {
  const name = log.increment;
  const bytes = log.files.get(name) ?? new Uint8Array(0);
  const base = log.files.get(log.base) ?? new Uint8Array(0);
  for (let i = 0; i < count; i++) {
    const at = random.below(bytes.length);
    yield { what: `cut at ${at}`, name, bytes: bytes.slice(0, at), isPrefix: true };
    const bit = random.below(8);
    yield { what: `bit ${bit} of byte ${at} turned`, name, bytes: withBitTurned(bytes, at, bit), isPrefix: false };
    const tail = i % 2 === 0 ? new Uint8Array(1 + random.below(600)) : garbage(random, 1 + random.below(60));
    yield { what: `${tail.length} bytes (${tail[0]}…) behind it`, name, bytes: withTail(bytes, tail), isPrefix: true };
  }
  for (
    const text of ["*1\r\n", "*2\r\n$3\r\nSET\r\n", "*1\r\n$5\r\nMULTI\r\n", "\r\n"]
  ) {
    const tail = encodeLatin1(text);
    yield { what: `${JSON.stringify(text)} behind it`, name, bytes: withTail(bytes, tail), isPrefix: true };
  }
  yield { what: "the base cut", name: log.base, bytes: base.slice(0, base.length - 3), isPrefix: false };
}

interface Check {
  readonly code: number | null;
  readonly said: string;
  /** What is left of the damaged file. */
  readonly left: Uint8Array;
}

/** Has a program repair a copy of what lies in a folder. */
function repair(words: readonly string[], folder: string, name: string): Check {
  const copy = mkdtempSync(join(tmpdir(), "tredis-check-"));
  try {
    cpSync(folder, copy, { recursive: true });
    const args = [...words.slice(1), "--fix", MANIFEST];
    // The answer by a shell: where a program ends without having read its input, Deno tells nothing of how it ended.
    const { status, stdout, stderr } = spawnSync("sh", ["-c", 'echo y | "$0" "$@"', words[0], ...args], {
      cwd: copy,
      encoding: "latin1",
      timeout: CHECK_MS,
    });
    return { code: status, said: stdout + stderr, left: readFileSync(join(copy, "appendonlydir", name)) };
  } finally {
    rmSync(copy, { recursive: true });
  }
}

/** Compares the two on so many damages of each kind; how many files there were. `kind`: as TREDIS_SERVER names it. */
export async function compareChecks(kind: string, seed: number, count: number): Promise<number> {
  const log = await makeLog("aof", "no"); // Redis is lax about annotations: a cut one is whole to it
  const damaged = new Damaged();
  const states = new Set(log.states.map(({ digest }) => digest));
  let files = 0;
  try {
    for (const { what, name, bytes, isPrefix } of damages(log, new Random(seed), count)) {
      files++;
      damaged.layLog(log, { [name]: bytes });
      const ours = repair([...serverWords(kind), "check-aof"], damaged.folder, name);
      const theirs = repair(["redis-check-aof"], damaged.folder, name);
      const both = `${what}:\n${ours.said}\n---\n${theirs.said}`;
      assert.equal(ours.left.length, theirs.left.length, both);
      assert.equal(ours.code, theirs.code, both);
      if (ours.code !== 0) continue;
      damaged.layLog(log, { [name]: ours.left });
      const { isUp, digest } = await damaged.startLog(what);
      if (!isPrefix) continue;
      assert.ok(isUp && states.has(digest), `${what}: not a state that has been after the repair`);
      if (name === log.increment) assert.equal(digest, stateAt(log, ours.left.length).digest, what);
    }
    return files;
  } finally {
    damaged.remove();
  }
}
