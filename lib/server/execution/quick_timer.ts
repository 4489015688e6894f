/**
 * Durations of quick commands: those of constant cost, for which reading the clock twice would cost as much as they do.
 *
 * Calls of one command in a row, within one arrival of data, are a run and timed together. Once a command has been called
 * often enough that its duration is known, one run in eight is timed and stands for those up to the next.
 */

import type { Command } from "../../commands/command.ts";
import { monotonicMs } from "../../runtime/clock.ts";

/** Longest run, in calls. */
const MAX_RUN_CALLS = 64;
/** Calls of a command before some of its runs are left untimed. */
const CALLS_ALL_TIMED = 64;
const RUNS_PER_TIMED_RUN = 8;

/** Times commands that are too quick to be timed one by one. */
export class QuickTimer {
  #command: Command | null = null;
  #calls = 0;
  /** When the run began, in ms; NaN for one that is not timed. */
  #sinceMs = NaN;
  #runs = 0;

  /** `count` is told of each run: how long it took in µs, and its calls. */
  constructor(readonly count: (command: Command, microseconds: number, calls: number) => void) {}

  /** A quick command is about to be called. */
  called(command: Command): void {
    if (this.#command !== command || this.#calls === MAX_RUN_CALLS) {
      this.finish();
      const isTimed = command.stats.calls < CALLS_ALL_TIMED || ++this.#runs % RUNS_PER_TIMED_RUN === 0;
      this.#command = command;
      this.#calls = 0;
      this.#sinceMs = isTimed ? monotonicMs() : NaN;
    }
    this.#calls++;
  }

  /** Something else is about to be done: ends the run. */
  finish(): void {
    const command = this.#command;
    if (command === null) return;
    const { stats } = command;
    if (!Number.isNaN(this.#sinceMs)) {
      stats.lastMicroseconds = ((monotonicMs() - this.#sinceMs) * 1000) / this.#calls;
    }
    this.count(command, stats.lastMicroseconds * this.#calls, this.#calls);
    this.#command = null;
  }
}
