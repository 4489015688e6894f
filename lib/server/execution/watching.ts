/**
 * WATCH: which clients watch which keys, so that a change can break their transactions. Optimistic locking. Owned by
 * the server, which tells it of changes; sessions watch and ask.
 */

import { bytesEqual } from "../../bytes/compare.ts";
import type { Database } from "../../store/database.ts";
import { KeyIndex } from "./key_index.ts";

/** A key that a client watches. */
export interface WatchedKey {
  readonly database: Database;
  readonly key: Uint8Array;
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
  /** By the database's number. */
  readonly #watchers: KeyIndex<Set<Watcher>>[] = [];
  /** Keys watched, counted once per client. */
  count = 0;

  /** Has a client watch a key. Keeps `key`. */
  watch(client: Watcher, key: Uint8Array): void {
    const { database } = client;
    if (client.watched.some((one) => isOf(one, database, key, 0, key.length))) return;
    const keys = this.#watchers[database.index] ??= new KeyIndex();
    const found = keys.find(key, 0, key.length);
    if (found === null) keys.add(key, new Set([client]));
    else found.value.add(client);
    client.watched.push({ database, key, wasExpired: isExpired(database, key) });
    this.count++;
  }

  unwatch(client: Watcher): void {
    for (const { database, key } of client.watched) {
      const keys = this.#watchers[database.index];
      const clients = keys.find(key, 0, key.length)?.value;
      clients?.delete(client);
      if (clients?.size === 0) keys.delete(key);
      this.count--;
    }
    client.watched = [];
    client.watchBroken = false;
  }

  /** A key changed: breaks the transactions of those who watch it. */
  touch(database: Database, bytes: Uint8Array, start: number, length: number): void {
    const found = this.#watchers[database.index]?.find(bytes, start, length) ?? null;
    if (found === null) return;
    for (const client of found.value) {
      const watched = client.watched.find((one) => isOf(one, database, bytes, start, length));
      if (watched?.wasExpired && !database.has(bytes, start, length)) continue;
      client.watchBroken = true;
    }
  }

  /** Whole databases changed places or were emptied: breaks on watched keys that exist in either. */
  touchAll(database: Database, replacement: Database | null): void {
    for (const { bytes, value: clients } of this.#watchers[database.index] ?? []) {
      const exists = database.peek(bytes, 0, bytes.length) !== 0 && !isExpired(database, bytes);
      const replaced = replacement !== null && replacement.has(bytes, 0, bytes.length);
      if (exists || replaced) { for (const client of clients) client.watchBroken = true; }
    }
  }

  /** Whether a key that a client watches has expired since, though nobody has noticed yet. */
  hasExpired(client: Watcher): boolean {
    return client.watched.some(({ database, key, wasExpired }) => !wasExpired && isExpired(database, key));
  }
}

function isExpired(database: Database, key: Uint8Array): boolean {
  const ref = database.peek(key, 0, key.length);
  const entries = database.store.heap.entries;
  return ref !== 0 && entries.hasExpiry(ref) && entries.expiry(ref) <= database.store.nowMs;
}

/** Whether it is the key with these bytes that is watched. */
function isOf(watched: WatchedKey, database: Database, bytes: Uint8Array, start: number, length: number): boolean {
  const { key } = watched;
  return watched.database.index === database.index && key.length === length &&
    bytesEqual(key, 0, bytes, start, length);
}
