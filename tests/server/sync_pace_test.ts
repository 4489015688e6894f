/** Syncs are made in place while they are short, and beside where they are not, for longer each time. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { LONG_MS, SHORT_MS, SyncPace } from "../../lib/server/data/sync_pace.ts";
import { fakeClock } from "./fake_clock.ts";

const clock = fakeClock();

/** How long it is until the next sync is made in place, where those beside take a while, in ms. */
function restOf(pace: SyncPace): number {
  const startMs = clock.nowMs;
  while (!pace.areShort) {
    clock.nowMs += 10;
    pace.tookBeside(LONG_MS);
  }
  return clock.nowMs - startMs;
}

test("nothing is known of a disk before its first sync", () => {
  const pace = new SyncPace();
  assert.equal(pace.areShort, false);
  pace.tookBeside(Infinity);
  assert.equal(pace.areShort, false);
  pace.tookBeside(LONG_MS);
  assert.equal(pace.areShort, true);
});

test("a sync that is long is followed by a rest, which grows as long as they are", () => {
  const pace = new SyncPace();
  pace.tookBeside(0.1);
  const rests: number[] = [];
  for (let i = 0; i < 13; i++) {
    pace.tookInPlace(20);
    assert.equal(pace.areShort, false);
    rests.push(restOf(pace));
  }
  assert.deepEqual(rests, [50, 100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 51_200, 51_200]);
});

test("many that are not short end it as one does that is long", () => {
  const pace = new SyncPace();
  pace.tookBeside(0.1);
  pace.tookInPlace(LONG_MS);
  for (let i = 0; i < 1000; i++) pace.tookInPlace(SHORT_MS);
  assert.equal(pace.areShort, true);
  let count = 0;
  for (; pace.areShort; count++) pace.tookInPlace(2 * SHORT_MS);
  assert.ok(count < 100);
});

test("what has gone well for longer than the last rest begins with the shortest again", () => {
  const pace = new SyncPace();
  pace.tookBeside(0.1);
  for (const rest of [50, 100, 200]) {
    pace.tookInPlace(20);
    assert.equal(restOf(pace), rest);
  }
  clock.nowMs += 210;
  pace.tookInPlace(SHORT_MS);
  assert.equal(pace.areShort, true);
  pace.tookInPlace(20);
  assert.equal(restOf(pace), 50);
});

test("on a slow disk it is not tried at all", () => {
  const pace = new SyncPace();
  pace.tookBeside(0.1);
  pace.tookInPlace(5);
  for (let i = 0; i < 1000; i++) {
    clock.nowMs += 1000;
    pace.tookBeside(5);
    assert.equal(pace.areShort, false);
  }
});
