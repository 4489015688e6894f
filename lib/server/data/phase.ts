/**
 * The phase that the server is in, and what follows from it for keys that have expired and for memory that is short:
 * whoever else wants to know who may see, remove or evict, asks here.
 *
 * - While data is loaded nothing expires: what is not whole yet must not be taken apart, and whether a key has expired is
 *   for the primary to say.
 * - A replica shows expired keys as gone and keeps them until its primary removes them. A client that writes to a
 *   writable replica would otherwise build on what is gone: there a look-up for writing removes.
 * - While writes are paused the data stands still, whatever the role is or becomes.
 */

import type { Keyspace } from "../../store/keyspace.ts";
import type { Dispatcher } from "../execution/dispatcher.ts";
import { GATE_ASYNC_LOADING, GATE_LOADING, GATE_PAUSED, GATE_REPLICA } from "../execution/gates.ts";

/** What the server is doing, and what follows from it for expiry and eviction. */
export class Phase {
  /** Loadings under way, one within the other. */
  #loadings = 0;
  #isAsyncLoading = false;
  #isReplica = false;
  #isWritable = false;
  #isPaused = false;

  constructor(readonly keyspace: Keyspace, readonly dispatcher: Pick<Dispatcher, "setGate" | "writableReplica">) {}

  get isLoading(): boolean {
    return this.#loadings > 0;
  }

  get isAsyncLoading(): boolean {
    return this.#isAsyncLoading;
  }

  get isReplica(): boolean {
    return this.#isReplica;
  }

  /**
   * The data set is being loaded: it is not whole, and commands that need it are refused. Each `true` is to be followed by
   * a `false`; the last of them counts.
   */
  setLoading(isLoading: boolean): void {
    this.#loadings += isLoading ? 1 : -1;
    this.#apply();
  }

  /** A data set that will take the place of the one that is served is being loaded beside it. */
  setAsyncLoading(isLoading: boolean): void {
    this.#isAsyncLoading = isLoading;
    this.dispatcher.setGate(GATE_ASYNC_LOADING, isLoading);
  }

  /** The role, and whether clients may write to a replica (`replica-read-only no`). */
  setRole(isReplica: boolean, isWritable: boolean): void {
    this.#isReplica = isReplica;
    this.#isWritable = isWritable;
    if (!isReplica || !isWritable) this.keyspace.localExpiries.clear();
    this.#apply();
  }

  /** Clients' writes wait, or all their commands do. */
  setPaused(isPaused: boolean): void {
    this.#isPaused = isPaused;
    this.#apply();
  }

  /** Whether keys may be evicted for want of memory; `ignoresLimit`: as a replica, this server leaves that to its primary. */
  mayEvict(ignoresLimit: boolean): boolean {
    return !this.isLoading && !this.#isPaused && !(this.#isReplica && ignoresLimit);
  }

  #apply(): void {
    const { keyspace, dispatcher } = this;
    const { store } = keyspace;
    const standsStill = this.isLoading || this.#isPaused;
    store.removeExpired = !standsStill && !this.#isReplica;
    store.writesRemoveExpired = !standsStill && (!this.#isReplica || this.#isWritable);
    keyspace.localExpiries.setActive(this.#isReplica && this.#isWritable && !this.isLoading);
    dispatcher.setGate(GATE_LOADING, this.isLoading);
    dispatcher.setGate(GATE_REPLICA, this.#isReplica);
    dispatcher.setGate(GATE_PAUSED, this.#isPaused);
    dispatcher.writableReplica = this.#isWritable;
  }
}
