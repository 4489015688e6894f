/**
 * The server's periodic work: clocks, expiry, freeing, time-outs. A tick comes `hz` times a second; work that is left
 * over goes on in slices of a millisecond in between, so that no client waits long for it.
 */

import { monotonicMs } from "../../runtime/clock.ts";
import { startTimer, type Timer } from "../../runtime/timers.ts";
import { ExpiryCycle } from "../../store/expiry.ts";
import type { Keyspace } from "../../store/keyspace.ts";
import type { Store } from "../../store/store.ts";
import type { ClientSession } from "../clients/session.ts";
import type { ClientMemory } from "../clients/client_memory.ts";
import type { OutputLimits } from "../clients/output_limits.ts";
import type { Serving } from "../clients/serving.ts";
import type { Tracking } from "../clients/tracking.ts";
import type { Log } from "../program/log.ts";
import type { Settings } from "../program/settings.ts";
import type { LatencyMonitor } from "../reports/latency.ts";
import type { Statistics } from "../reports/statistics.ts";

/** Longest slice of background work, in ms. */
const SLICE_MS = 1;
/** Pause between two slices, in ms: a share of 25% at most, as Redis's expiry has. */
const BETWEEN_SLICES_MS = 3;
/** Entries freed between two looks at the clock. */
const FREED_AT_ONCE = 256;

/** What the periodic work needs of the server. */
export interface CronHost {
  readonly clients: ReadonlyMap<number, ClientSession>;
  readonly clientMemory: Pick<ClientMemory, "countAll">;
  readonly latency: Pick<LatencyMonitor, "report">;
  readonly log: Pick<Log, "verbose">;
  readonly outputLimits: Pick<OutputLimits, "checkAll">;
  readonly serving: Pick<Serving, "closeSoon" | "flushAll">;
  readonly settings: Pick<Settings, "hz" | "activeExpireEffort" | "idleTimeoutSeconds">;
  readonly statistics: Pick<Statistics, "expiredTimeCapReached" | "expireCycleMs" | "longestMs">;
  readonly keyspace: Keyspace;
  readonly store: Store;
  readonly tracking: Pick<Tracking, "enforceLimit">;
  updateClock(): void;
}

/** The clock of the periodic work, and what of it belongs to nobody else. */
export class Cron {
  readonly #expiry: ExpiryCycle;
  #timer: Timer | null = null;
  #slices: Timer | null = null;
  /** Ticks since the start. */
  ticks = 0;
  /** What else is to be done at each tick; tasks decide by `ticks` how often they really run. */
  readonly tasks: (() => void)[] = [];
  /** Whether ticks do nothing (DEBUG PAUSE-CRON). */
  paused = false;

  constructor(readonly server: CronHost) {
    this.#expiry = new ExpiryCycle(server.keyspace);
  }

  /** Share of expiring keys that are estimated to have expired already. */
  get staleShare(): number {
    return this.#expiry.staleShare;
  }

  start(): void {
    this.#timer = startTimer(() => this.#tick(), 1000 / this.server.settings.hz);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#slices?.cancel();
    this.#timer = this.#slices = null;
  }

  /** Whether this tick is the one in about `ms` at which something is due. */
  every(ms: number): boolean {
    return this.ticks % Math.max(1, Math.round((ms * this.server.settings.hz) / 1000)) === 0;
  }

  #tick(): void {
    this.#timer = startTimer(() => this.#tick(), 1000 / this.server.settings.hz);
    if (this.paused) return;
    this.ticks++;
    this.server.updateClock();
    if (this.every(1000)) {
      this.server.outputLimits.checkAll();
      this.#closeIdleClients();
    }
    this.server.tracking.enforceLimit();
    this.server.clientMemory.countAll();
    for (const task of this.tasks) task();
    if (this.#slices === null) this.#slice();
    this.server.serving.flushAll();
  }

  #slice(): void {
    this.#slices = null;
    const { keyspace, store, settings, statistics } = this.server;
    const startMs = monotonicMs();
    this.server.updateClock();
    const deadlineMs = startMs + SLICE_MS;
    let more = false;
    if (store.activeExpiry) {
      const clock = monotonicMs;
      if (store.removeExpired) more = this.#expiry.run(deadlineMs, settings.activeExpireEffort, clock);
      else if (store.writesRemoveExpired) keyspace.localExpiries.expire(deadlineMs, clock);
      if (more) statistics.expiredTimeCapReached++;
    }
    while (store.heap.hasDiscarded && monotonicMs() < deadlineMs) store.heap.freeDiscarded(FREED_AT_ONCE);
    const elapsedMs = monotonicMs() - startMs;
    statistics.expireCycleMs += elapsedMs;
    if (elapsedMs > statistics.longestMs) statistics.longestMs = elapsedMs;
    this.server.latency.report("expire-cycle", elapsedMs);
    if (more || store.heap.hasDiscarded) this.#slices = startTimer(() => this.#slice(), BETWEEN_SLICES_MS);
    this.server.serving.flushAll();
  }

  #closeIdleClients(): void {
    const { settings, clients, store } = this.server;
    if (settings.idleTimeoutSeconds === 0) return;
    for (const client of clients.values()) {
      if (!client.mayTimeOut) continue;
      if (store.nowMs - client.lastActiveMs > settings.idleTimeoutSeconds * 1000) {
        this.server.log.verbose("Closing idle client");
        this.server.serving.closeSoon(client);
      }
    }
  }
}
