/** The simulation in the small: a seed is the same run each time, and no seed that has failed once does so again. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { simulate } from "./world.ts";

test("the same seed gives the same run, and another one another", async () => {
  const runs = [await simulate(7, 4000), await simulate(7, 4000), await simulate(8, 4000)];
  const [first, again, other] = runs.map(({ traceHash, events }) => `${traceHash} ${events}`);
  assert.equal(again, first);
  assert.notEqual(other, first);
});

const text = readFileSync(new URL("./failed_seeds.txt", import.meta.url), "utf8");
for (const line of text.split("\n").filter((one) => /^\d/.test(one))) {
  const [seed, seconds, ...words] = line.split(" ");
  test(`seed ${seed}, which once failed: ${words.join(" ")}`, async () => {
    const { failure, lastEvents } = await simulate(Number(seed), Number(seconds) * 1000);
    assert.equal(failure, null, lastEvents.slice(-40).join("\n"));
  });
}
