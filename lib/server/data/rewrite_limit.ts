/**
 * How soon the append-only file is rewritten again by itself after rewrites that failed: each leaves an incremental file
 * behind, and takes the time of a whole snapshot.
 */

import { unixMs } from "../../runtime/clock.ts";
import type { Log } from "../program/log.ts";

/** So many failures in a row are taken as they come. */
const FREE_FAILURES = 3;
const FIRST_DELAY_MINUTES = 1;
const LONGEST_DELAY_MINUTES = 60;
const MINUTE_MS = 60_000;

/** Counts failures, and says when the next rewrite may begin. */
export class RewriteLimit {
  /** Rewrites that failed since one succeeded. */
  failures = 0;
  #delayMinutes = 0;
  /** When the next may begin, in ms of Unix time; 0: that is not decided. */
  #nextMs = 0;

  constructor(readonly log: Pick<Log, "warning">) {}

  failed(): void {
    this.failures++;
  }

  succeeded(): void {
    this.failures = 0;
    this.#delayMinutes = 0;
    this.#nextMs = 0;
  }

  /** Whether the next rewrite has to wait. Asked before each that nobody has asked for. */
  isReached(): boolean {
    if (this.failures < FREE_FAILURES) return false;
    if (this.#nextMs !== 0) {
      if (unixMs() < this.#nextMs) return true;
      this.#nextMs = 0;
      return false;
    }
    this.#delayMinutes = this.#delayMinutes === 0
      ? FIRST_DELAY_MINUTES
      : Math.min(2 * this.#delayMinutes, LONGEST_DELAY_MINUTES);
    this.#nextMs = unixMs() + this.#delayMinutes * MINUTE_MS;
    this.log.warning(
      "Background AOF rewrite has repeatedly failed and triggered the limit, will retry in " +
        `${this.#delayMinutes} minutes`,
    );
    return true;
  }
}
