/**
 * The active expiry cycle: removes keys whose time has come though nobody asks for them. It walks the databases' tables
 * of expiring entries, so keys without an expiry cost nothing, in slices that the caller bounds.
 *
 * Redis samples 20 keys at a time and goes on while more than a tenth of them had expired; so does this, but by a
 * cursor in place of chance, which visits every key once a round.
 */

import type { Databases } from "./keyspace.ts";

/** Keys looked at between two looks at the clock, at effort 1. */
const SAMPLE = 32;

export class ExpiryCycle {
  #database = 0;
  readonly #refs: number[] = [];
  /** Estimated share of expiring keys that have expired and are still there, 0 to 1. */
  staleShare = 0;

  constructor(readonly keyspace: Databases) {}

  /**
   * Runs until the clock, in ms, passes `deadlineMs` or each database has been found to hold few expired keys.
   * Whether the deadline ended it. `effort` is 1 to 10.
   */
  run(deadlineMs: number, effort: number, clock: () => number): boolean {
    const { databases } = this.keyspace;
    const acceptableShare = 0.1 - (effort - 1) * 0.01;
    let seen = 0;
    let expired = 0;
    let timedOut = false;
    for (let visited = 0; visited < databases.length && !timedOut; visited++) {
      const index = this.#database % databases.length;
      for (;;) {
        const sample = this.#sample(index, SAMPLE * effort);
        seen += sample.seen;
        expired += sample.expired;
        if (sample.seen === 0 || sample.expired <= sample.seen * acceptableShare) break;
        if (clock() >= deadlineMs) {
          timedOut = true;
          break;
        }
      }
      if (!timedOut) this.#database = (index + 1) % databases.length;
    }
    const share = seen === 0 ? 0 : expired / seen;
    this.staleShare = this.staleShare * 0.95 + share * 0.05;
    return timedOut;
  }

  #sample(index: number, limit: number): { readonly seen: number; readonly expired: number } {
    const { databases, store: { nowMs, heap: { entries } } } = this.keyspace;
    const database = databases[index];
    if (database.expiring === 0) return { seen: 0, expired: 0 };
    database.nextExpiring(limit, this.#refs);
    let expired = 0;
    for (const ref of this.#refs) {
      if (entries.expiry(ref) > nowMs) continue;
      database.expireEntry(ref);
      expired++;
    }
    return { seen: this.#refs.length, expired };
  }
}
