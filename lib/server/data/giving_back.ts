/**
 * Memory that is no longer used goes back to the system, in slices: once a second it is asked for segments of the arena
 * that have been empty for a while, and for those that are worth emptying (see store/compaction.ts).
 */

import { monotonicMs } from "../../runtime/clock.ts";
import { startTimer, type Timer } from "../../runtime/timers.ts";
import { BY_ITSELF, Compaction, ON_DEMAND } from "../../store/compaction.ts";
import type { Keyspace } from "../../store/keyspace.ts";
import type { Store } from "../../store/store.ts";
import { GATE_SHORT } from "../execution/gates.ts";
import type { Dispatcher } from "../execution/dispatcher.ts";
import type { Log } from "../program/log.ts";
import type { Cron } from "./cron.ts";

const EVERY_MS = 1000;
/** Longest slice, and the pause between two, in ms. */
const SLICE_MS = 1;
const BETWEEN_SLICES_MS = 3;
/** How long MEMORY PURGE works before it leaves the rest to slices, in ms. */
const PURGE_MS = 20;
/** Less than this between what is committed and what is used is not looked for, in bytes. */
const MIN_UNUSED_BYTES = 8 * 2 ** 20;

/** What giving memory back needs of the server. */
export interface GivingBackHost {
  readonly cron: Pick<Cron, "every" | "tasks">;
  readonly dispatcher: Pick<Dispatcher, "setGate">;
  readonly loading: boolean;
  readonly log: Pick<Log, "warning">;
  readonly keyspace: Keyspace;
  readonly store: Store;
}

/** Gives memory back to the system. */
export class GivingBack {
  readonly #compaction: Compaction;
  #slices: Timer | null = null;
  /** MEMORY PURGE has asked for all that can be given back. */
  #isThorough = false;

  constructor(readonly server: GivingBackHost) {
    this.#compaction = new Compaction(server.keyspace);
    server.cron.tasks.push(() => this.#tick());
    server.store.heap.arena.onShort = () => this.#memoryIsShort();
  }

  /** Gives back what can be given back, as far as that does not take long; the rest follows in slices. */
  purge(): void {
    this.#isThorough = true;
    this.#compaction.begin(ON_DEMAND);
    const deadlineMs = monotonicMs() + PURGE_MS;
    while (this.#step() && monotonicMs() < deadlineMs);
    this.server.store.heap.arena.reclaim();
    this.#goOn();
  }

  /** Has commands that may grow data refused, until there is memory again. */
  #memoryIsShort(): void {
    this.server.dispatcher.setGate(GATE_SHORT, true);
    this.server.log.warning("The system gives no more memory: writes that need some are refused until it does");
  }

  #tick(): void {
    const { cron, store, dispatcher } = this.server;
    if (!cron.every(EVERY_MS)) return;
    const { arena } = store.heap;
    arena.reclaim(); // what the slices of the last second have let go of
    arena.noteIdle();
    arena.restock();
    dispatcher.setGate(GATE_SHORT, arena.isShort);
    if (arena.committedBytes - arena.usedBytes > MIN_UNUSED_BYTES && !store.heap.hasDiscarded) {
      this.#compaction.begin(BY_ITSELF);
    }
    this.#goOn();
  }

  /** Has the next slice come if there is something to do and it can be done now; else the next tick asks again. */
  #goOn(): void {
    if (this.#slices !== null || !this.#step()) return;
    this.#slices = startTimer(() => {
      this.#slices = null;
      const deadlineMs = monotonicMs() + SLICE_MS;
      while (this.#step() && monotonicMs() < deadlineMs);
      this.#goOn();
    }, BETWEEN_SLICES_MS);
  }

  /** Goes on by one step; whether there may be more to do now. */
  #step(): boolean {
    const { store, loading } = this.server;
    if (store.heap.arena.releaseIdle(this.#isThorough)) return true;
    const compaction = this.#compaction;
    if (!compaction.isRunning || loading || !compaction.mayMove) {
      this.#isThorough &&= compaction.isRunning;
      return false;
    }
    compaction.step();
    return true;
  }
}
