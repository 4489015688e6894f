/**
 * Which key to evict: approximate LRU, LFU and shortest time to live by samples, as Redis does it (Redis documentation,
 * "Key eviction"), or a random key. `server/data/memory_limit.ts` decides when, and removes it.
 *
 * Each search adds a few random keys of each database to a small pool that keeps the best candidates seen so far; the
 * best of the pool that is still there is the one. So the choice gets better than its few samples, at O(samples).
 */

import { bytesEqual } from "../bytes/compare.ts";
import type { Database } from "./database.ts";
import type { Databases } from "./keyspace.ts";

/** Policies of `maxmemory-policy` that evict. */
export type EvictionPolicy =
  | "allkeys-lru"
  | "allkeys-lfu"
  | "allkeys-random"
  | "volatile-lru"
  | "volatile-lfu"
  | "volatile-random"
  | "volatile-ttl";

/** A key to evict. */
export interface EvictionCandidate {
  readonly database: Database;
  readonly key: Uint8Array;
}

interface Pooled extends EvictionCandidate {
  /** The larger, the better to evict. */
  readonly score: number;
}

const POOL_KEYS = 16;
const MAX_FREQUENCY = 255;

export class Eviction {
  policy: EvictionPolicy | "noeviction" = "noeviction";
  /** Keys sampled of each database at each search (`maxmemory-samples`). */
  samples = 5;
  /** Candidates by rising score. */
  #pool: Pooled[] = [];
  #isRandom = false;
  #onlyVolatile = false;
  /** The database of which a random policy takes the next key. */
  #nextDatabase = 0;

  constructor(readonly keyspace: Databases, readonly random: () => number) {}

  /** Changes the policy; what was found under another is forgotten. */
  configure(policy: EvictionPolicy | "noeviction", samples: number): void {
    if (policy !== this.policy) this.#pool = [];
    this.policy = policy;
    this.samples = samples;
    this.#isRandom = policy.endsWith("-random");
    this.#onlyVolatile = policy.startsWith("volatile-");
  }

  /** The key to evict next, or null where the policy allows none. */
  candidate(): EvictionCandidate | null {
    if (this.policy === "noeviction") return null;
    return this.#isRandom ? this.#randomKey() : this.#bestKey();
  }

  /** How many keys of a database may be evicted. */
  #countOf(database: Database): number {
    return this.#onlyVolatile ? database.expiring : database.size;
  }

  /** Some entry of a database that may be evicted, or 0. */
  #randomOf(database: Database): number {
    return this.#onlyVolatile ? database.randomExpiring(this.random) : database.random(this.random);
  }

  /** A random key of the next database in turn that has one. */
  #randomKey(): EvictionCandidate | null {
    const { databases, store: { heap: { entries } } } = this.keyspace;
    for (let i = 0; i < databases.length; i++) {
      this.#nextDatabase = (this.#nextDatabase + 1) % databases.length;
      const database = databases[this.#nextDatabase];
      const ref = this.#randomOf(database);
      if (ref !== 0) return { database, key: entries.keyCopy(ref) };
    }
    return null;
  }

  #bestKey(): EvictionCandidate | null {
    for (;;) {
      let any = false;
      for (const database of this.keyspace.databases) {
        if (this.#countOf(database) === 0) continue;
        any = true;
        this.#sample(database);
      }
      if (!any) return null;
      for (let best = this.#pool.pop(); best !== undefined; best = this.#pool.pop()) {
        if (this.#isEvictable(best)) return best;
      }
    }
  }

  /** Whether a candidate found earlier is still one. */
  #isEvictable({ database, key }: EvictionCandidate): boolean {
    const ref = database.peek(key, 0, key.length);
    return ref !== 0 && (!this.#onlyVolatile || this.keyspace.store.heap.entries.hasExpiry(ref));
  }

  #sample(database: Database): void {
    const count = Math.min(this.samples, this.#countOf(database));
    for (let i = 0; i < count; i++) this.#offer(database, this.#randomOf(database));
  }

  /** Puts an entry's key into the pool where it is better than the worst in it. */
  #offer(database: Database, ref: number): void {
    const pool = this.#pool;
    const score = this.#score(ref);
    if (pool.length === POOL_KEYS && score <= pool[0].score) return;
    const { entries } = this.keyspace.store.heap;
    const bytes = entries.bytes(ref);
    const start = entries.keyStart(ref);
    const length = entries.keyLength(ref);
    const before = pool.findIndex((one) =>
      one.key.length === length && one.database === database && bytesEqual(one.key, 0, bytes, start, length)
    );
    if (before >= 0) pool.splice(before, 1); // its score may have changed
    let at = pool.length;
    while (at > 0 && pool[at - 1].score > score) at--;
    pool.splice(at, 0, { database, key: entries.keyCopy(ref), score });
    if (pool.length > POOL_KEYS) pool.shift();
  }

  /** How much an entry deserves to be evicted. */
  #score(ref: number): number {
    const { frequency, heap: { entries } } = this.keyspace.store;
    if (this.policy === "volatile-ttl") return -entries.expiry(ref);
    if (frequency !== null) return MAX_FREQUENCY - frequency.decayed(entries.clock(ref));
    return this.keyspace.store.idleSeconds(ref);
  }
}
