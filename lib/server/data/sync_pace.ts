/**
 * Whether a sync is so short that everybody may wait for it.
 *
 * Beside the thread that serves, a sync costs the way to another thread and back, and while it runs requests come in one
 * by one that would else be there together when it ends: where the disk takes 0.15 ms, a third more CPU for each of fifty
 * clients. But a disk that takes longer would stop those who only read. So syncs are made in place while they are short;
 * where they are not, those that follow are made beside again, for a while, and for twice as long where the next ones in
 * place are no shorter. Of those beside it is only known that they took no longer than until this thread heard of their end.
 */

import { monotonicMs } from "../../runtime/clock.ts";

/** Syncs in place are to stop the server for so long on average, in ms, and none for longer than the second. */
export const SHORT_MS = 0.5;
export const LONG_MS = 3;
/** So many syncs have a say in the average. */
const AVERAGED = 16;
/** How long syncs are made beside after those in place were not short, in ms: at first, and at most. */
const LEAST_REST_MS = 50;
const MOST_REST_MS = 51_200;

/** How long the syncs of one server take. */
export class SyncPace {
  /** How long those in place took, on average. */
  #averageMs = 0;
  /** The least that one beside took since those in place were not short. */
  #leastBesideMs = Infinity;
  #restsUntilMs = -Infinity;
  #restMs = LEAST_REST_MS;

  /** Whether the next one may be made in place. */
  get areShort(): boolean {
    return this.#leastBesideMs <= LONG_MS && monotonicMs() >= this.#restsUntilMs;
  }

  /** One beside has taken so long at most, in ms. */
  tookBeside(ms: number): void {
    if (ms < this.#leastBesideMs) this.#leastBesideMs = ms;
  }

  /** One in place has taken so long, in ms. */
  tookInPlace(ms: number): void {
    this.#averageMs += (ms - this.#averageMs) / AVERAGED;
    if (this.#averageMs <= SHORT_MS && ms <= LONG_MS) return;
    const nowMs = monotonicMs();
    // What has gone well for longer than the last rest was worth that.
    const isWorthIt = nowMs - this.#restsUntilMs > this.#restMs;
    this.#restMs = isWorthIt ? LEAST_REST_MS : Math.min(2 * this.#restMs, MOST_REST_MS);
    this.#restsUntilMs = nowMs + this.#restMs;
    this.#leastBesideMs = Infinity;
    this.#averageMs = 0;
  }
}
