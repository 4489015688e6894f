/**
 * How often the primary's stream is read. Where many clients write one request at a time, the stream comes in many small
 * pieces, each of which wakes this server up and costs more than the requests in it. So while it comes fast, reading rests
 * for a moment: what has gathered then is read at once. Nothing is lost by it, as the system has what the primary has sent;
 * a reader of the replica sees it that much later. Who waits for replicas (WAIT) is not kept waiting.
 */

import { monotonicMs } from "../../runtime/clock.ts";

/** How long reading rests, in ms: the shortest that a timer takes. */
export const REST_MS = 1;
/** It does where so many requests come in a ms. */
export const FAST_PER_MS = 8;
/** What comes in pieces of so many bytes comes in few enough. */
export const LARGE_BYTES = 16 * 1024;
/** Who has asked how far this replica is will ask again: reading does not rest for so long, in ms. */
export const ASKED_MS = 1000;

/** When to read a primary's stream. */
export class ReadingPace {
  #requests = 0;
  #readMs = 0;
  #askedMs = -Infinity;

  /** A request of the stream has been run. */
  ran(): void {
    this.#requests++;
  }

  /** The primary has asked how far this replica is: somebody waits for that. */
  asked(): void {
    this.#askedMs = monotonicMs();
  }

  /** What was read has been run, `bytes` of it: how long reading is to rest, in ms. */
  restAfter(bytes: number): number {
    const requests = this.#requests;
    const readMs = this.#readMs;
    this.#requests = 0;
    const nowMs = this.#readMs = monotonicMs();
    if (bytes >= LARGE_BYTES || requests <= FAST_PER_MS * (nowMs - readMs)) return 0;
    return nowMs - this.#askedMs < ASKED_MS ? 0 : REST_MS;
  }
}
