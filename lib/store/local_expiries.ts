/**
 * Keys with an expiry that clients have set on a writable replica. The primary knows nothing of them and will never send
 * their DEL, so this server must expire them itself; all others it leaves to the primary.
 *
 * Only names are kept. That a key is noted here says no more than that it is worth a look: it may be gone since, or have
 * no expiry any more. Owned by the keyspace; its databases fill it, the server's cron empties it.
 */

import { decodeLatin1, encodeLatin1 } from "../bytes/latin1.ts";
import type { Database, KeyEvents, KeyListener } from "./database.ts";
import type { Store } from "./store.ts";

/** Keys looked at between two looks at the clock. */
const SAMPLE = 16;

export class LocalExpiries {
  /** Names by database index, as binary strings; those looked at last stand at the end. */
  readonly #keys = new Map<number, Set<string>>();

  constructor(readonly store: Store, readonly databases: readonly Database[], readonly events: KeyEvents) {}

  /** Has keys noted from now on, as clients write to a replica; or no more. */
  setActive(isActive: boolean): void {
    this.events.onExpiry = isActive ? this.#note : null;
  }

  /** Keys noted. */
  get size(): number {
    let size = 0;
    for (const keys of this.#keys.values()) size += keys.size;
    return size;
  }

  /** A key was given an expiry, by a client or by the primary: only the former is noted. */
  readonly #note: KeyListener = ({ index }, bytes, start, length) => {
    if (this.store.ignoreExpiry) return;
    let keys = this.#keys.get(index);
    if (keys === undefined) this.#keys.set(index, keys = new Set());
    keys.add(decodeLatin1(bytes, start, start + length));
  };

  clear(): void {
    this.#keys.clear();
  }

  /** Two databases have exchanged their contents. */
  swap(a: number, b: number): void {
    const ofA = this.#keys.get(a);
    const ofB = this.#keys.get(b);
    for (const [index, keys] of [[a, ofB], [b, ofA]] as const) {
      if (keys === undefined) this.#keys.delete(index);
      else this.#keys.set(index, keys);
    }
  }

  /** Removes keys whose time has come, and forgets those that are settled, until all were seen or the clock says stop. */
  expire(deadlineMs: number, clock: () => number): void {
    for (const [index, keys] of this.#keys) {
      let unseen = keys.size;
      for (const name of keys) {
        if (unseen-- === 0) break; // from here on they were put back by this run
        keys.delete(name);
        if (!this.#isSettled(this.databases[index], name)) keys.add(name);
        if (unseen % SAMPLE === 0 && clock() >= deadlineMs) return;
      }
      if (keys.size === 0) this.#keys.delete(index);
    }
  }

  /** Whether a key needs no more looks: it is gone, has no expiry, or has just been removed. */
  #isSettled(database: Database, name: string): boolean {
    const { nowMs, heap: { entries } } = this.store;
    const bytes = encodeLatin1(name);
    const ref = database.peek(bytes, 0, bytes.length);
    if (ref === 0 || !entries.hasExpiry(ref)) return true;
    if (entries.expiry(ref) > nowMs) return false;
    database.expireEntry(ref);
    return true;
  }
}
