/**
 * WATCH: which clients watch which keys, so that a change can break their transactions. Optimistic locking. Owned by
 * the server, which tells it of changes; sessions watch and ask.
 */

import { decodeLatin1, encodeLatin1, LONGEST_STRING } from "../../bytes/latin1.ts";
import type { Database } from "../../store/database.ts";

/** A key that a client watches. */
export interface WatchedKey {
  readonly database: Database;
  readonly key: string;
  /** The key had expired already when it was watched: its removal is then no change. */
  readonly wasExpired: boolean;
}

/** One who watches keys: a client's session. */
export interface Watcher {
  /** The database selected. */
  readonly database: Database;
  watched: WatchedKey[];
  /** A watched key was touched. */
  watchBroken: boolean;
}

/** Who watches which keys. */
export class Watching {
  /** Watchers by database index, then by key. */
  readonly #watchers = new Map<number, Map<string, Set<Watcher>>>();
  /** Keys watched, counted once per client. */
  count = 0;

  watch(client: Watcher, bytes: Uint8Array): void {
    const key = decodeLatin1(bytes);
    const database = client.database;
    if (client.watched.some((one) => one.database.index === database.index && one.key === key)) return;
    let keys = this.#watchers.get(database.index);
    if (keys === undefined) this.#watchers.set(database.index, keys = new Map());
    let clients = keys.get(key);
    if (clients === undefined) keys.set(key, clients = new Set());
    clients.add(client);
    client.watched.push({ database, key, wasExpired: isExpired(database, bytes) });
    this.count++;
  }

  unwatch(client: Watcher): void {
    for (const { database, key } of client.watched) {
      const keys = this.#watchers.get(database.index);
      const clients = keys?.get(key);
      clients?.delete(client);
      if (clients?.size === 0) keys?.delete(key);
      this.count--;
    }
    client.watched = [];
    client.watchBroken = false;
  }

  /** A key changed: breaks the transactions of those who watch it. */
  touch(database: Database, bytes: Uint8Array, start: number, length: number): void {
    if (length > LONGEST_STRING) return; // nobody can have named it to watch it
    const clients = this.#watchers.get(database.index)?.get(decodeLatin1(bytes, start, start + length));
    for (const client of clients ?? []) {
      const watched = client.watched.find((one) =>
        one.database.index === database.index && sameKey(one.key, bytes, start, length)
      );
      if (watched?.wasExpired && !database.has(bytes, start, length)) continue;
      client.watchBroken = true;
    }
  }

  /** Whole databases changed places or were emptied: breaks on watched keys that exist in either. */
  touchAll(database: Database, replacement: Database | null): void {
    for (const [key, clients] of this.#watchers.get(database.index) ?? []) {
      const bytes = encodeLatin1(key);
      const exists = database.peek(bytes, 0, bytes.length) !== 0 && !isExpired(database, bytes);
      const replaced = replacement !== null && replacement.has(bytes, 0, bytes.length);
      if (exists || replaced) { for (const client of clients) client.watchBroken = true; }
    }
  }

  /** Whether a key that a client watches has expired since, though nobody has noticed yet. */
  hasExpired(client: Watcher): boolean {
    return client.watched.some(({ database, key, wasExpired }) =>
      !wasExpired && isExpired(database, encodeLatin1(key))
    );
  }
}

function isExpired(database: Database, key: Uint8Array): boolean {
  const ref = database.peek(key, 0, key.length);
  const entries = database.store.heap.entries;
  return ref !== 0 && entries.hasExpiry(ref) && entries.expiry(ref) <= database.store.nowMs;
}

function sameKey(key: string, bytes: Uint8Array, start: number, length: number): boolean {
  return key.length === length && decodeLatin1(bytes, start, start + length) === key;
}
