/**
 * The store against a plain model: after any operations, in any order, with snapshots begun at any moment, it holds what
 * the model holds, a snapshot holds what the model held when it began, and all invariants of arena and tables stand.
 *
 * By hand, for longer: `MODEL_STEPS=200000 MODEL_SEED=7 deno test -A tests/model/`
 */

import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { RdbReader } from "../../lib/persistence/rdb_reader.ts";
import { SnapshotAbortedError, Snapshotter } from "../../lib/persistence/snapshot.ts";
import { nextTurn } from "../../lib/runtime/turns.ts";
import type { Arena } from "../../lib/store/arena.ts";
import { Compaction } from "../../lib/store/compaction.ts";
import { Keyspace } from "../../lib/store/keyspace.ts";
import { concatBytes } from "../bytes/concat.ts";
import { INFO, OPTIONS, wipe } from "../persistence/helpers.ts";
import { below, randomFrom } from "../store/support.ts";
import { DATABASES, Twins } from "./operations.ts";
import { contentsOf, contentsOfPlain } from "./plain.ts";
import { walkKeyspace } from "./keyspace_walk.ts";

const STEPS = Number(process.env.MODEL_STEPS ?? 15_000);
const FIRST_SEED = Number(process.env.MODEL_SEED ?? 1);
const SEEDS = 2;
const STEPS_BETWEEN_WALKS = 500;
const STEPS_BETWEEN_TURNS = 25;

/** Takes snapshots of twins, one after the other, and checks each against the model of its moment. */
class Watcher {
  readonly snapshotter: Snapshotter;
  readonly #loaded = new Keyspace(DATABASES);
  #finished: Promise<void> = Promise.resolve();
  taken = 0;

  constructor(readonly twins: Twins, readonly limit: (n: number) => number) {
    this.snapshotter = new Snapshotter(twins.keyspace);
  }

  begin(): void {
    // Where another was aborted, this one begins only once that one's marks are all set.
    let expected = new Map<string, string>();
    const describe = () => {
      expected = contentsOfPlain(this.twins.plain);
      return INFO;
    };
    const parts: Uint8Array[] = [];
    const target = {
      kind: "stream",
      onBytes: async (bytes: Uint8Array) => {
        parts.push(bytes);
        while (this.limit(3) === 0) await nextTurn();
      },
    } as const;
    const running = this.snapshotter.start(target, describe, { ...OPTIONS, compression: this.limit(2) === 0 });
    this.#finished = running.then(() => this.#check(concatBytes(parts), expected), (error) => {
      if (!(error instanceof SnapshotAbortedError)) throw error;
    });
  }

  #check(bytes: Uint8Array, expected: Map<string, string>): void {
    const reader = new RdbReader(wipe(this.#loaded), { dropExpired: false, verifyChecksum: true });
    reader.feed(bytes);
    reader.close();
    assert.deepEqual(contentsOf(this.#loaded), expected, "a snapshot is the data of the moment it began");
    this.taken++;
  }

  /** Waits for the end of the one under way. */
  async settle(): Promise<void> {
    await this.#finished;
    while (this.snapshotter.settling) await nextTurn();
  }
}

/** Moves what lies in some segments to others, a few steps at a time; nobody else may notice. */
function compactAWhile(compaction: Compaction, arena: Arena, limit: (n: number) => number): void {
  if (limit(300) === 0) compaction.begin({ wastedBytes: 0, usedShare: 2 });
  for (let steps = limit(5); steps > 0 && compaction.isRunning && compaction.mayMove; steps--) {
    if (!compaction.step()) runs++;
  }
  if (limit(100) === 0) arena.releaseIdle(limit(2) === 0);
}
let runs = 0;

for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
  test(`a keyspace is what its model is, at every moment; seed ${seed}`, async () => {
    const limit = below(randomFrom(seed));
    const twins = new Twins(limit);
    const { keyspace } = twins;
    const compaction = new Compaction(keyspace);
    const watcher = new Watcher(twins, below(randomFrom(-seed)));
    const { snapshotter } = watcher;
    try {
      for (let step = 0; step < STEPS; step++) {
        if (step % 2500 === 0) {
          twins.keySpace = [30, 300, 5000][limit(3)];
          twins.fieldSpace = [10, 60, 3000][limit(3)];
        }
        twins.step();
        if (limit(200) === 0) {
          if (!snapshotter.running) watcher.begin();
          else if (limit(20) === 0) snapshotter.abort();
        }
        if (limit(50) === 0) keyspace.store.heap.freeDiscarded(limit(500));
        compactAWhile(compaction, keyspace.store.heap.arena, limit);
        if (step % STEPS_BETWEEN_TURNS === 0) await nextTurn();
        if (step % STEPS_BETWEEN_WALKS === 0) {
          walkKeyspace(keyspace, snapshotter.running || snapshotter.settling);
          assert.deepEqual(contentsOf(keyspace), contentsOfPlain(twins.plain));
        }
      }
      await watcher.settle();
      assert.ok(watcher.taken > 0, `${watcher.taken} snapshots were taken`);
      assert.ok(runs > 0, `${runs} compactions came to their end`);
      walkKeyspace(keyspace, false);
      for (const database of keyspace.databases) database.clear();
      walkKeyspace(keyspace, false);
      assert.equal(contentsOf(keyspace).size, 0);
    } finally {
      snapshotter.worker.stop();
    }
  });
}
