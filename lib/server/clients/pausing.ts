/**
 * Pauses: for a while, clients' writes, or all their commands, wait. Nothing expires meanwhile, so that the data set
 * stands still: that is what a failover pauses for (CLIENT PAUSE), a shutdown that lets its replicas catch up, a migration
 * whose keys are to be removed, and a script that was left in the middle.
 */

import { ALLOW_BUSY, MAY_REPLICATE, WRITE } from "../../commands/command.ts";
import type { PauseControl } from "../../commands/client_state.ts";
import { unixMs } from "../../runtime/clock.ts";
import { startTimer, type Timer } from "../../runtime/timers.ts";
import type { Phase } from "../data/phase.ts";
import type { Dispatcher } from "../execution/dispatcher.ts";
import type { KeyWaiters } from "../execution/key_waiters.ts";
import { POSTPONED } from "./flags.ts";
import type { ClientSession } from "./session.ts";

/** What pauses need of the server. */
export interface PausingHost {
  readonly dispatcher: Pick<Dispatcher, "pauseLetsThrough">;
  readonly phase: Pick<Phase, "setPaused">;
  /** Clients that wait for the pause to end. */
  readonly postponed: Set<ClientSession>;
  readonly waiters: Pick<KeyWaiters, "resume">;
  blockedClients: number;
}

/** Holds commands up for a while. */
export class Pausing implements PauseControl {
  /** What clients have asked to wait. */
  #asked: "write" | "all" | null = null;
  #untilMs = 0;
  #timer: Timer | null = null;
  /** How many hold writes up for as long as they need, whatever clients ask. */
  #holders = 0;
  /** To be done when what clients have asked for ends. */
  #after: (() => void)[] = [];
  /** A script that takes long was left, and for now does not run. */
  #script: "none" | "left" | "runs" = "none";

  constructor(readonly server: PausingHost) {
    server.dispatcher.pauseLetsThrough = (flags) =>
      this.#script === "none"
        ? this.#asked !== "all" && (flags & (WRITE | MAY_REPLICATE)) === 0
        : (flags & ALLOW_BUSY) !== 0;
  }

  pause(durationMs: number, mode: "write" | "all"): void {
    if (this.#asked !== "all") this.#asked = mode;
    this.#untilMs = Math.max(this.#untilMs, unixMs() + durationMs);
    this.#changed();
    this.#wait();
  }

  #wait(): void {
    this.#timer?.cancel();
    this.#timer = startTimer(() => this.resume(), this.#untilMs - unixMs());
  }

  resume(): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#asked === null) return;
    this.#asked = null;
    this.#untilMs = 0;
    this.#changed();
    this.#doAfter();
    this.proceed(); // who holds writes up still, holds its share of them up again
  }

  /** Does something that changes the data set once neither a pause that clients have asked for nor a script is against it. */
  afterAsked(body: () => void): void {
    if (this.#asked === null && this.#script === "none") body();
    else this.#after.push(body);
  }

  #doAfter(): void {
    if (this.#asked === null && this.#script === "none") { for (const body of this.#after.splice(0)) body(); }
  }

  /**
   * A script takes long. Between its slices the data stands still, and all that clients ask for waits, but what may be
   * asked of a busy server.
   */
  setScript(state: "none" | "left" | "runs"): void {
    const isOver = state === "none" && this.#script !== "none";
    this.#script = state;
    this.#changed();
    if (!isOver) return;
    this.#doAfter();
    this.proceed();
  }

  /** Holds writes up until `letGo`: a shutdown that lets its replicas catch up, a migration. */
  hold(): void {
    this.#holders++;
    this.#changed();
  }

  letGo(): void {
    this.#holders--;
    this.#changed();
    this.proceed();
  }

  /** Lets the clients that wait go on, as far as nothing holds them up again. */
  proceed(): void {
    const { server } = this;
    for (const client of [...server.postponed]) {
      server.postponed.delete(client);
      server.blockedClients--;
      client.connection.proceed(POSTPONED);
    }
    server.waiters.resume();
  }

  #changed(): void {
    this.server.phase.setPaused(this.#asked !== null || this.#holders > 0 || this.#script === "left");
  }
}
