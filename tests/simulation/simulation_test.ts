/**
 * The simulation in the small: a seed is the same run each time, and no seed that has failed once does so again. Each run
 * is a process of its own, as test runners take promises that reject unheard for themselves.
 */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";

const RUN = "bun" in process.versions ? [] : ["run", "-A", "--no-check"];

function simulate(seed: string, seconds: string): { status: number | null; said: string } {
  const words = [...RUN, "scripts/simulate.ts", "--seed", seed, "--seconds", seconds];
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: "utf8" });
  return { status, said: stdout + stderr };
}

test("the same seed gives the same run, and another one another", () => {
  const traces = ["7", "7", "8"].map((seed) => / trace \w{16}\n/.exec(simulate(seed, "6").said)?.[0]);
  assert.equal(traces[0], traces[1]);
  assert.notEqual(traces[0], undefined);
  assert.notEqual(traces[0], traces[2]);
});

const text = readFileSync("tests/simulation/failed_seeds.txt", "utf8");
for (const line of text.split("\n").filter((one) => /^\d/.test(one))) {
  const [seed, seconds, ...words] = line.split(" ");
  test(`seed ${seed}, which once failed: ${words.join(" ")}`, () => {
    const { status, said } = simulate(seed, seconds);
    assert.equal(status, 0, said);
  });
}
