/**
 * Pauses: for a while, clients' writes, or all their commands, wait. Nothing expires meanwhile, so that the data set
 * stands still: that is what a failover pauses for (CLIENT PAUSE), and a shutdown that lets its replicas catch up.
 */

import { MAY_REPLICATE, WRITE } from "../../commands/command.ts";
import type { PauseControl } from "../../commands/client_state.ts";
import { unixMs } from "../../runtime/clock.ts";
import { startTimer, type Timer } from "../../runtime/timers.ts";
import type { Phase } from "../data/phase.ts";
import type { Dispatcher } from "../execution/dispatcher.ts";
import { POSTPONED } from "./flags.ts";
import type { ClientSession } from "./session.ts";

/** Longest time that a timer takes, in ms. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** What pauses need of the server. */
export interface PausingHost {
  readonly dispatcher: Pick<Dispatcher, "pauseLetsThrough">;
  readonly phase: Pick<Phase, "setPaused">;
  /** Clients that wait for the pause to end. */
  readonly postponed: Set<ClientSession>;
  blockedClients: number;
}

/** Holds commands up for a while. */
export class Pausing implements PauseControl {
  /** What clients have asked to wait. */
  #asked: "write" | "all" | null = null;
  #untilMs = 0;
  #timer: Timer | null = null;
  /** Whether a shutdown under way holds writes up, whatever clients ask. */
  #forShutdown = false;

  constructor(readonly server: PausingHost) {
    server.dispatcher.pauseLetsThrough = (flags) => this.#asked !== "all" && (flags & (WRITE | MAY_REPLICATE)) === 0;
  }

  pause(durationMs: number, mode: "write" | "all"): void {
    if (this.#asked !== "all") this.#asked = mode;
    this.#untilMs = Math.max(this.#untilMs, unixMs() + durationMs);
    this.#changed();
    this.#wait();
  }

  #wait(): void {
    this.#timer?.cancel();
    const leftMs = this.#untilMs - unixMs();
    this.#timer = startTimer(
      () => leftMs > MAX_TIMER_MS ? this.#wait() : this.resume(),
      Math.min(leftMs, MAX_TIMER_MS),
    );
  }

  resume(): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#asked === null) return;
    this.#asked = null;
    this.#untilMs = 0;
    this.#changed();
    this.#proceed(); // the shutdown, if there is one, holds its share of them up again
  }

  /** Holds writes up until `resumeAfterShutdown`. */
  pauseForShutdown(): void {
    this.#forShutdown = true;
    this.#changed();
  }

  /** The shutdown has come to nothing. */
  resumeAfterShutdown(): void {
    if (!this.#forShutdown) return;
    this.#forShutdown = false;
    this.#changed();
    this.#proceed();
  }

  /** Lets the clients that the pause has held go on. */
  #proceed(): void {
    const { server } = this;
    for (const client of [...server.postponed]) {
      server.postponed.delete(client);
      server.blockedClients--;
      client.connection.proceed(POSTPONED);
    }
  }

  #changed(): void {
    this.server.phase.setPaused(this.#asked !== null || this.#forShutdown);
  }
}
