/** A primary's stream that comes fast and in small pieces is read with rests between them, unless somebody waits. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { ASKED_MS, FAST_PER_MS, LARGE_BYTES, ReadingPace, REST_MS } from "../../lib/server/data/reading_pace.ts";
import { fakeClock } from "./fake_clock.ts";

const clock = fakeClock();

/** How long reading rests, in ms, where so many requests have come `afterMs` ms after those before. */
function read(pace: ReadingPace, requests: number, afterMs: number, bytes = requests * 40): number {
  clock.nowMs += afterMs;
  for (let i = 0; i < requests; i++) pace.ran();
  return pace.restAfter(bytes);
}

test("reading rests while requests come fast", () => {
  const pace = new ReadingPace();
  assert.equal(read(pace, 1, 10), 0);
  assert.equal(read(pace, 1, 0.05), REST_MS);
  assert.equal(read(pace, 50, REST_MS), REST_MS);
  assert.equal(read(pace, FAST_PER_MS, REST_MS), 0);
  assert.equal(read(pace, 100, 1000), 0);
});

test("large pieces are few enough", () => {
  const pace = new ReadingPace();
  read(pace, 1, 10);
  assert.equal(read(pace, 1000, 1, LARGE_BYTES), 0);
  assert.equal(read(pace, 1000, 1, LARGE_BYTES - 1), REST_MS);
});

test("a part of a request is no reason to rest", () => {
  const pace = new ReadingPace();
  read(pace, 1, 10);
  assert.equal(read(pace, 0, 0.01, 100), 0);
});

test("nobody who waits for the replica is kept waiting", () => {
  const pace = new ReadingPace();
  read(pace, 1, 10);
  pace.asked();
  for (let ms = 0; ms < ASKED_MS; ms += 10) {
    assert.equal(read(pace, 200, 10), ms + 10 < ASKED_MS ? 0 : REST_MS);
  }
});
