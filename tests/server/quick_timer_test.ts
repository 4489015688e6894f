/** The timing of quick commands: every call counts, though not every one is timed. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Command, command, FAST, instantiate } from "../../lib/commands/command.ts";
import { QuickTimer } from "../../lib/server/execution/quick_timer.ts";

const PLAIN = command("plain", 1, FAST, () => {});

/** Counts by a timer, by name. */
function timer(): { timer: QuickTimer; counts: Map<string, { calls: number; microseconds: number }> } {
  const counts = new Map<string, { calls: number; microseconds: number }>();
  return {
    counts,
    timer: new QuickTimer((of, microseconds, calls) => {
      const sum = counts.get(of.name) ?? { calls: 0, microseconds: 0 };
      counts.set(of.name, { calls: sum.calls + calls, microseconds: sum.microseconds + microseconds });
    }),
  };
}

function run(timer: QuickTimer, of: Command, calls: number): void {
  for (let i = 0; i < calls; i++) {
    timer.called(of);
    of.stats.calls++;
  }
}

test("each call is counted once, in long runs and in short ones", () => {
  const { timer: quick, counts } = timer();
  const first = instantiate(PLAIN);
  const second = { ...instantiate(PLAIN), name: "other" };
  for (let i = 0; i < 100; i++) {
    run(quick, first, 150);
    run(quick, second, 1);
    quick.finish();
  }
  assert.equal(counts.get("plain")?.calls, 15_000);
  assert.equal(counts.get("other")?.calls, 100);
});

test("runs that are not timed take as long as the one timed before them", () => {
  const { timer: quick, counts } = timer();
  const slow = instantiate(PLAIN);
  for (let i = 0; i < 200; i++) {
    quick.called(slow);
    slow.stats.calls++;
    const until = performance.now() + 0.05;
    while (performance.now() < until);
    quick.finish();
  }
  const { calls, microseconds } = counts.get("plain") ?? { calls: 0, microseconds: 0 };
  assert.equal(calls, 200);
  assert.ok(microseconds >= 200 * 50, `${microseconds} µs`);
});

test("finishing without a run counts nothing", () => {
  const { timer: quick, counts } = timer();
  quick.finish();
  quick.finish();
  assert.equal(counts.size, 0);
});
