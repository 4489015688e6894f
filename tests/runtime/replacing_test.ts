/** Clock, timers, turns, randomness and the process: each can be replaced for the whole process, and be put back. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import process from "node:process";
import { afterEach, beforeEach, describe, test } from "node:test";
import { monotonicMs, preciseUnixMs, unixMs, useClock } from "../../lib/runtime/clock.ts";
import { useMemory } from "../../lib/runtime/memory.ts";
import { thisProcess, useProcess } from "../../lib/runtime/process.ts";
import { random, randomBytes, useRandom } from "../../lib/runtime/random.ts";
import {
  sleep,
  sleepSync,
  startRepeatingTimer,
  startTimer,
  type Timer,
  type Timers,
  useTimers,
} from "../../lib/runtime/timers.ts";
import { nextTurn, onNextTurn, type TurnScheduler, useTurns } from "../../lib/runtime/turns.ts";
import { temporaryFile } from "../../lib/persistence/temporary_files.ts";
import { randomId } from "../../lib/replication/stream.ts";
import { Store } from "../../lib/store/store.ts";

test("the system's clock tells the time in whole ms, and durations in fractions", () => {
  const before = Date.now();
  const now = unixMs();
  assert.ok(Number.isInteger(now) && now >= before && now <= Date.now());
  assert.ok(Math.abs(preciseUnixMs() - now) < 1000);
  const startMs = monotonicMs();
  assert.ok(monotonicMs() >= startMs);
});

test("a clock that is put in the place of the system's is what everything reads, until that is put back", () => {
  const system = useClock({ unixMs: () => 1000, monotonicMs: () => 5.5, preciseUnixMs: () => 1000.25 });
  try {
    assert.deepEqual([unixMs(), monotonicMs(), preciseUnixMs()], [1000, 5.5, 1000.25]);
    assert.equal(new Store().nowMs, 1000);
  } finally {
    useClock(system);
  }
  assert.ok(unixMs() > 1000);
});

test("the system's timers call back once, or until they are cancelled, or not at all", async () => {
  const calls: string[] = [];
  startTimer(() => calls.push("cancelled"), 1).cancel();
  const done = startTimer(() => calls.push("once"), 1);
  await new Promise<void>((resolve) => {
    const repeating = startRepeatingTimer(() => {
      if (calls.push("again") < 4) return;
      repeating.cancel();
      resolve();
    }, 2);
  });
  await sleep(5);
  assert.deepEqual(calls.toSorted(), ["again", "again", "again", "once"]);
  done.cancel();
});

test("sleeping takes its time, and sleepSync lets nothing else run", async () => {
  let ran = false;
  startTimer(() => ran = true, 0);
  const startMs = performance.now();
  sleepSync(0);
  sleepSync(10);
  assert.ok(performance.now() - startMs >= 9);
  assert.ok(!ran);
  await sleep(20);
  assert.ok(performance.now() - startMs >= 28);
  assert.ok(ran);
});

/** Timers that a test lets go off, one after the other, in order of time. */
class FakeTimers implements Timers {
  nowMs = 0;
  #due: { atMs: number; callback: () => void; periodMs: number }[] = [];

  start = (callback: () => void, delayMs: number): Timer => this.#add(callback, delayMs, 0);
  startRepeating = (callback: () => void, periodMs: number): Timer => this.#add(callback, periodMs, periodMs);
  block = (durationMs: number): void => void (this.nowMs += durationMs);

  #add(callback: () => void, delayMs: number, periodMs: number): Timer {
    const one = { atMs: this.nowMs + delayMs, callback, periodMs };
    this.#due.push(one);
    return { cancel: () => this.#due = this.#due.filter((other) => other !== one) };
  }

  /** Lets the next one go off; false if there is none. */
  goOff(): boolean {
    const next = this.#due.toSorted((a, b) => a.atMs - b.atMs)[0];
    if (next === undefined) return false;
    this.nowMs = next.atMs;
    if (next.periodMs > 0) next.atMs += next.periodMs;
    else this.#due.splice(this.#due.indexOf(next), 1);
    next.callback();
    return true;
  }
}

describe("timers that are put in the place of the system's", () => {
  const timers = new FakeTimers();
  let system: Timers;
  beforeEach(() => void (system = useTimers(timers)));
  afterEach(() => assert.equal(useTimers(system), timers));

  test("are what everything waits for", async () => {
    const seen: [string, number][] = [];
    const note = (name: string) => () => seen.push([name, timers.nowMs]);
    const repeating = startRepeatingTimer(note("repeating"), 60_000);
    startTimer(note("once"), 100_000);
    startTimer(note("never"), 1).cancel();
    const slept = sleep(3_600_000).then(note("slept"));
    for (let i = 0; i < 3; i++) assert.ok(timers.goOff());
    repeating.cancel();
    assert.ok(timers.goOff());
    assert.ok(!timers.goOff());
    await slept;
    assert.deepEqual(seen, [
      ["repeating", 60_000],
      ["once", 100_000],
      ["repeating", 120_000],
      ["slept", 3_600_000],
    ]);
  });

  test("pass the time of a sleep for which all stand still", () => {
    const startMs = timers.nowMs;
    sleepSync(86_400_000);
    assert.equal(timers.nowMs - startMs, 86_400_000);
  });
});

test("turns end as the last scheduler says, until the one before is put back", async () => {
  const due: (() => void)[] = [];
  const scheduler: TurnScheduler = (callback) => void due.push(callback);
  const before = useTurns(scheduler);
  try {
    let turns = 0;
    onNextTurn(() => turns++);
    const next = nextTurn().then(() => turns++);
    assert.deepEqual([turns, due.length], [0, 2]);
    for (const callback of due.splice(0)) callback();
    await next;
    assert.equal(turns, 2);
  } finally {
    assert.equal(useTurns(before), scheduler);
  }
  await nextTurn();
  assert.equal(due.length, 0);
});

test("the system's randomness gives fractions in [0, 1), and bytes of which no two arrays are alike", () => {
  for (let i = 0; i < 1000; i++) {
    const fraction = random();
    assert.ok(fraction >= 0 && fraction < 1);
  }
  assert.equal(randomBytes(20).length, 20);
  assert.notDeepEqual(randomBytes(20), randomBytes(20));
});

test("a generator that is put in the place of the system's is what all chance comes from, until that is put back", () => {
  const run = (seed: number) => {
    let state = seed;
    const next = () => state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const generator = {
      fraction: () => next() / 2 ** 32,
      fill: (bytes: Uint8Array) => bytes.forEach((_, index) => bytes[index] = next() >>> 24),
    };
    const system = useRandom(generator);
    try {
      return [random(), randomBytes(8).join(), randomId(), random()];
    } finally {
      assert.equal(useRandom(system), generator);
    }
  };
  assert.deepEqual(run(1), run(1));
  assert.notDeepEqual(run(1), run(2));
  assert.notEqual(randomId(), randomId());
});

test("the process knows its number, who else is running, and what it takes", () => {
  const { id, isRunning, memory, processorTime } = thisProcess();
  assert.equal(id, process.pid);
  assert.equal(isRunning(id), true);
  const child = spawnSync(process.execPath, ["--version"]);
  assert.equal(isRunning(child.pid), false);
  assert.ok(memory().residentBytes > 0 && memory().heapBytes > 0);
  for (const on of ["process", "thread"] as const) {
    const { userMicroseconds, systemMicroseconds } = processorTime(on);
    assert.ok(userMicroseconds >= 0 && systemMicroseconds >= 0);
  }
});

test("a process that is put in the place of this one is what everybody asks", () => {
  const system = useProcess({ ...thisProcess(), id: 17, isRunning: (id) => id === 17 });
  try {
    assert.equal(temporaryFile("/data", "save").split("-")[2], "17");
  } finally {
    useProcess(system);
  }
  assert.equal(thisProcess().id, process.pid);
});

test("memory that is put in the place of the system's is what a store has, until that is put back", () => {
  const given: number[] = [];
  const system = useMemory((bytes) => {
    given.push(bytes);
    return system(bytes);
  });
  try {
    new Store();
    assert.deepEqual(given, [64 * 1024 * 1024, 64 * 1024 * 1024], "a segment, and the records of all");
  } finally {
    useMemory(system);
  }
  new Store();
  assert.equal(given.length, 2);
});
