/** A clock that stands still until a test moves it. */

import { afterEach, beforeEach } from "node:test";
import { type Clock, useClock } from "../../lib/runtime/clock.ts";

/** Gives all tests of the file that calls it a clock that begins anew with each, in ms. */
export function fakeClock(): { nowMs: number } {
  const clock = { nowMs: 0 };
  const now = () => clock.nowMs;
  let system: Clock;
  beforeEach(() => {
    clock.nowMs = 1000;
    system = useClock({ unixMs: now, monotonicMs: now, preciseUnixMs: now });
  });
  afterEach(() => void useClock(system));
  return clock;
}
