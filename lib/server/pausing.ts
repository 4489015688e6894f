/**
 * CLIENT PAUSE: for a while, clients' writes, or all their commands, wait. Nothing expires meanwhile, so that the data
 * set stands still: that is what a failover pauses for.
 */

import { MAY_REPLICATE, WRITE } from "../commands/command.ts";
import type { PauseControl } from "../commands/client_state.ts";
import { GATE_PAUSED } from "./dispatcher.ts";
import type { Server } from "./server.ts";

/** Longest time that a timer takes, in ms. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export class Pausing implements PauseControl {
  #mode: "write" | "all" | null = null;
  #untilMs = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(readonly server: Server) {
    server.dispatcher.pauseLetsThrough = (flags) => this.#mode !== "all" && (flags & (WRITE | MAY_REPLICATE)) === 0;
  }

  /** What waits, or null while there is no pause. */
  get mode(): "write" | "all" | null {
    return this.#mode;
  }

  pause(durationMs: number, mode: "write" | "all"): void {
    if (this.#mode !== "all") this.#mode = mode;
    this.#untilMs = Math.max(this.#untilMs, Date.now() + durationMs);
    this.server.dispatcher.setGate(GATE_PAUSED, true);
    this.server.store.removeExpired = false;
    this.#wait();
  }

  #wait(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    const leftMs = this.#untilMs - Date.now();
    this.#timer = setTimeout(
      () => leftMs > MAX_TIMER_MS ? this.#wait() : this.resume(),
      Math.min(leftMs, MAX_TIMER_MS),
    );
  }

  resume(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#mode === null) return;
    this.#mode = null;
    this.#untilMs = 0;
    this.server.dispatcher.setGate(GATE_PAUSED, false);
    this.server.store.removeExpired = !this.server.isReplica;
    this.server.resumePostponed();
  }
}
