/** The guard against a primary that has lost its data: what it holds up, and for how long. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { HeldUpError, PrimaryGuard } from "../../lib/replication/primary_guard.ts";
import { randomId } from "../../lib/replication/stream.ts";

/** A guard of a replica with 1000 keys, which follows the stream `old`. */
class Guarded {
  keys = 1000;
  expired = 0;
  isOn = true;
  percentage = 10;
  nowMs = 0;
  readonly old = randomId();
  readonly guard = new PrimaryGuard({
    nowMs: () => this.nowMs,
    settings: () => this,
    keys: () => this.keys,
    liveKeys: () => Promise.resolve(this.keys - this.expired),
  });

  constructor() {
    this.guard.follows(this.old);
  }

  /** Whether a snapshot with so many keys may replace the data. */
  async takes(id: string, keys: number): Promise<boolean> {
    try {
      await this.guard.decide(id, () => Promise.resolve(keys));
      return true;
    } catch (error) {
      assert.ok(error instanceof HeldUpError);
      return false;
    }
  }
}

test("another stream with less than a tenth of the keys is held up, and one with a tenth is not", async () => {
  for (const [keys, isTaken] of [[0, false], [99, false], [100, true], [5000, true]] as const) {
    const one = new Guarded();
    assert.equal(await one.takes(randomId(), keys), isTaken, `${keys} keys`);
    assert.equal(one.guard.held?.keys, isTaken ? undefined : keys);
  }
});

test("the stream that is followed is taken whatever it has: who emptied it meant to", async () => {
  const one = new Guarded();
  assert.equal(await one.takes(one.old, 0), true);
  assert.equal(await one.takes("", 0), true); // by SYNC, which tells no ID
});

test("what was ordered is taken, and the next stream of whoever that is is held up", async () => {
  const one = new Guarded();
  one.guard.ordered();
  const id = randomId();
  assert.equal(await one.takes(id, 0), true);
  one.guard.follows(id);
  assert.equal(await one.takes(randomId(), 0), false);
});

test("keys that have expired are none to keep", async () => {
  const one = new Guarded();
  one.expired = 900;
  assert.equal(await one.takes(randomId(), 10), true);
  assert.equal(await one.takes(randomId(), 9), false);
  assert.equal(one.guard.held?.keptKeys, 100);
  one.expired = 1000;
  assert.equal(await one.takes(randomId(), 0), true);
  one.keys = 0;
  assert.equal(await one.takes(randomId(), 0), true);
});

test("the percentage is a setting: 0 holds up what is empty, and 100 what is smaller", async () => {
  const one = new Guarded();
  one.percentage = 0;
  assert.equal(await one.takes(randomId(), 1), true);
  assert.equal(await one.takes(randomId(), 0), false);
  one.percentage = 100;
  assert.equal(await one.takes(randomId(), 1000), true);
  assert.equal(await one.takes(randomId(), 999), false);
  one.isOn = false;
  assert.equal(await one.takes(randomId(), 0), true);
});

test("a stream that was found empty stays held up though it is written to, and another one with data ends that", async () => {
  const one = new Guarded();
  const [empty, whole] = [randomId(), randomId()];
  assert.equal(one.guard.holdsUp(empty), false);
  await one.takes(empty, 0);
  assert.equal(one.guard.holdsUp(empty), true);
  assert.equal(one.guard.holdsUp(whole), false);
  assert.equal(await one.takes(whole, 1000), true);
  assert.equal(one.guard.held, null, "the data is about to go");
  one.guard.follows(whole);
  assert.equal(one.guard.holdsUp(empty), false);
});

test("since when it is held up does not change while the primary restarts again and again", async () => {
  const one = new Guarded();
  one.nowMs = 5;
  await one.takes(randomId(), 0);
  one.nowMs = 9;
  const id = randomId();
  await one.takes(id, 3);
  assert.deepEqual(one.guard.held, { id, keys: 3, keptKeys: 1000, sinceMs: 5 });
});

test("what is accepted is the one stream that was named", async () => {
  const one = new Guarded();
  const [id, next] = [randomId(), randomId()];
  assert.equal(one.guard.accept(id), "ERR No synchronization is held up");
  await one.takes(id, 0);
  assert.equal(one.guard.accept(next), `ERR The synchronization held up is that of replication ID ${id}`);
  assert.equal(one.guard.accept(id), null);
  assert.equal(one.guard.held, null);
  assert.equal(await one.takes(id, 0), true);
  assert.equal(await one.takes(next, 0), false, "the primary has restarted once more");
});

test("who decides while keys are counted has decided", async () => {
  const one = new Guarded();
  const id = randomId();
  await one.guard.decide(id, () => {
    one.guard.ordered();
    return Promise.resolve(0);
  });
  assert.equal(one.guard.held, null);
});
