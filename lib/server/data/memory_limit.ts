/**
 * `maxmemory`: before a command runs, evicts keys until the server uses no more than that, or says that it cannot.
 *
 * The dispatcher asks `makeRoom` only while there is a limit. An eviction that takes long is cut into slices, between
 * which commands run: `maxmemory-eviction-tenacity` says how long a slice may be.
 */

import { removalWord } from "../../commands/removal.ts";
import { monotonicMs } from "../../runtime/clock.ts";
import { random } from "../../runtime/random.ts";
import { startTimer, type Timer } from "../../runtime/timers.ts";
import { Eviction, type EvictionCandidate } from "../../store/eviction.ts";
import { GATE_MEMORY } from "../execution/gates.ts";
import type { Config } from "../../config/config.ts";
import type { Keyspace } from "../../store/keyspace.ts";
import type { Store } from "../../store/store.ts";
import type { Serving } from "../clients/serving.ts";
import type { Dispatcher } from "../execution/dispatcher.ts";
import type { Changes } from "../execution/changes.ts";
import type { Log } from "../program/log.ts";
import type { Statistics } from "../reports/statistics.ts";
import type { Memory } from "./memory.ts";
import type { Phase } from "./phase.ts";

/** Entries of discarded values that are freed between two looks at the clock. */
const FREED_AT_ONCE = 256;
/** Keys evicted between two looks at the clock. */
const EVICTED_AT_ONCE = 16;

/** The longest slice in ms for a tenacity from 0 to 100: 0.5 ms at 10, then 15% more for each step; 100 is no limit. */
export function sliceMs(tenacity: number): number {
  if (tenacity <= 10) return 0.05 * tenacity;
  return tenacity < 100 ? 0.5 * 1.15 ** (tenacity - 10) : Infinity;
}

/** What the memory limit needs of the server. */
export interface MemoryLimitHost {
  readonly changes: Pick<Changes, "evicted">;
  readonly config: Config;
  readonly dispatcher: Pick<Dispatcher, "hasRoom" | "makeRoom" | "setGate">;
  readonly log: Pick<Log, "warning">;
  readonly memory: Pick<Memory, "countedBytes" | "recount">;
  readonly phase: Pick<Phase, "mayEvict">;
  readonly serving: Pick<Serving, "flushAll">;
  readonly statistics: Pick<Statistics, "evictedKeys">;
  readonly keyspace: Keyspace;
  readonly store: Store;
}

/** Keeps the server below `maxmemory`. */
export class MemoryLimit {
  readonly eviction: Eviction;
  #maxBytes = 0;
  #sliceMs = 0;
  #ignoredByReplica = true;
  #deletion: "UNLINK" | "DEL" = "DEL";
  #timer: Timer | null = null;
  /** Since when memory has been above the limit though keys are evicted, in ms; 0 while it is not. */
  #exceededSinceMs = 0;
  #exceededMs = 0;

  constructor(readonly server: MemoryLimitHost) {
    this.eviction = new Eviction(server.keyspace, random);
    server.dispatcher.hasRoom = () => this.#exceededSinceMs === 0 && server.memory.countedBytes <= this.#maxBytes;
    server.dispatcher.makeRoom = () => this.makeRoom();
  }

  /** Takes the directives over. */
  configure(): void {
    const { config, dispatcher, memory, log } = this.server;
    this.#maxBytes = config.number("maxmemory");
    this.#sliceMs = sliceMs(config.number("maxmemory-eviction-tenacity"));
    this.#ignoredByReplica = config.flag("replica-ignore-maxmemory");
    this.#deletion = removalWord(config, "lazyfree-lazy-eviction");
    this.eviction.configure(config.choice("maxmemory-policy"), config.number("maxmemory-samples"));
    dispatcher.setGate(GATE_MEMORY, this.#maxBytes > 0);
    if (this.#maxBytes === 0 || memory.countedBytes <= this.#maxBytes) return;
    log.warning(
      `WARNING: the new maxmemory value set via CONFIG SET (${this.#maxBytes}) is smaller than the current memory usage ` +
        `(${memory.countedBytes}). This will result in key eviction and/or the inability to accept new write commands ` +
        "depending on the maxmemory-policy.",
    );
    this.#continueLater();
  }

  /** For how long memory has been above the limit, in all and this time, in ms. */
  get exceededMs(): { readonly total: number; readonly current: number } {
    const current = this.#exceededSinceMs === 0 ? 0 : monotonicMs() - this.#exceededSinceMs;
    return { total: this.#exceededMs + current, current };
  }

  resetStatistics(): void {
    this.#exceededMs = 0;
  }

  /** Whether memory is below the limit, or is on the way: commands that need memory may run. */
  makeRoom(): boolean {
    const { phase, memory } = this.server;
    if (!phase.mayEvict(this.#ignoredByReplica)) return true;
    if (memory.countedBytes > this.#maxBytes) memory.recount();
    if (memory.countedBytes > this.#maxBytes) return this.#evict();
    this.#fits();
    return true;
  }

  /** Evicts for one slice. Mostly a few keys make room for a command: then the clock is not asked. */
  #evict(): boolean {
    const { store, memory } = this.server;
    let startMs = 0;
    for (let evicted = 1; memory.countedBytes > this.#maxBytes; evicted++) {
      if (store.heap.hasDiscarded) {
        store.heap.freeDiscarded(FREED_AT_ONCE);
      } else {
        const candidate = this.eviction.candidate();
        if (candidate === null) {
          this.#exceededSinceMs ||= monotonicMs();
          return false;
        }
        this.#remove(candidate);
        if (evicted % EVICTED_AT_ONCE !== 0) continue;
      }
      const nowMs = monotonicMs();
      startMs ||= nowMs;
      this.#exceededSinceMs ||= startMs;
      if (nowMs - startMs < this.#sliceMs || memory.countedBytes <= this.#maxBytes) continue;
      this.#continueLater();
      return true;
    }
    this.#fits();
    return true;
  }

  #fits(): void {
    if (this.#exceededSinceMs === 0) return;
    this.#exceededMs += monotonicMs() - this.#exceededSinceMs;
    this.#exceededSinceMs = 0;
  }

  #continueLater(): void {
    this.#timer ??= startTimer(() => {
      this.#timer = null;
      if (this.#maxBytes > 0) this.makeRoom();
      this.server.serving.flushAll();
    }, 0);
  }

  #remove({ database, key }: EvictionCandidate): void {
    const { server } = this;
    database.remove(key, 0, key.length);
    server.statistics.evictedKeys++;
    server.changes.evicted(database, key, this.#deletion);
  }
}
