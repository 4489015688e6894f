/**
 * What changes a key tells it here, once: that counts towards the next save, breaks the transactions of those who watch
 * the key, makes what clients have cached of it invalid, wakes those who wait for it, and is published as a keyspace event.
 *
 * Owned by the server. Commands tell of the keys that they name; the store, of those that expire; the memory limit, of
 * those that it evicts. Whole databases are emptied and exchanged here, too.
 */

import { encodeLatin1 } from "../../bytes/latin1.ts";
import {
  EVENT_EVICTED,
  EVENT_EXPIRED,
  EVENT_KEY_MISS,
  EVENT_KEYEVENT,
  EVENT_KEYSPACE,
  EVENT_NEW,
} from "../../commands/events.ts";
import { removalWord } from "../../commands/removal.ts";
import type { ChangeReport, Session } from "../../commands/session.ts";
import type { Config } from "../../config/config.ts";
import type { PubSub } from "../../pubsub/pubsub.ts";
import type { Request } from "../../resp/request.ts";
import type { Database, KeyListener } from "../../store/database.ts";
import type { Keyspace } from "../../store/keyspace.ts";
import type { Tracking } from "../clients/tracking.ts";
import type { Settings } from "../program/settings.ts";
import type { Propagation } from "./propagation.ts";
import type { KeyWaiters } from "./key_waiters.ts";
import type { Watching } from "./watching.ts";

/** Those who are told of changes, and what decides who is. */
export interface ChangesHost {
  readonly config: Config;
  /** Whose requests are being run, if anybody's. */
  readonly current: unknown;
  readonly keyspace: Pick<Keyspace, "databases" | "localExpiries">;
  readonly loading: boolean;
  readonly propagation: Pick<Propagation, "writeRemoval">;
  readonly pubsub: Pick<PubSub, "publish">;
  readonly settings: Pick<Settings, "keyspaceEvents">;
  readonly tracking: Pick<Tracking, "active" | "changed" | "flushed">;
  readonly waiters: Pick<KeyWaiters, "count" | "databaseChanged" | "keyChanged">;
  readonly watching: Watching;
}

/** Counts changes, and tells of them. */
export class Changes implements ChangeReport {
  made = 0;
  /** How many of them the last save has. */
  #saved = 0;

  constructor(readonly server: ChangesHost) {}

  /** Changes since the last save. */
  get unsaved(): number {
    return this.made - this.#saved;
  }

  /** A save has all of the first `made` changes. */
  saved(made: number): void {
    this.#saved = made;
  }

  changed(
    session: Session,
    request: Request,
    keyIndex: number,
    eventClass: number,
    event: string,
    count: number = 1,
  ): void {
    this.made += count;
    const { watching, tracking, settings, waiters } = this.server;
    if ((watching.count | tracking.active | settings.keyspaceEvents | waiters.count) === 0) return;
    const { bytes, starts, lengths } = request;
    this.#tell(session, session.database, bytes, starts[keyIndex], lengths[keyIndex], eventClass, event);
  }

  changedIn(
    database: Database,
    session: Session | null,
    bytes: Uint8Array,
    start: number,
    length: number,
    eventClass: number,
    event: string,
    count: number,
  ): void {
    this.made += count;
    this.#tell(session, database, bytes, start, length, eventClass, event);
  }

  #tell(
    session: Session | null,
    database: Database,
    bytes: Uint8Array,
    start: number,
    length: number,
    eventClass: number,
    event: string,
  ): void {
    const { watching, tracking, waiters } = this.server;
    if (waiters.count > 0) waiters.keyChanged(database, bytes, start, length);
    if (watching.count > 0) watching.touch(database, bytes, start, length);
    if (tracking.active > 0) tracking.changed(session?.actor ?? null, bytes, start, length);
    this.publish(eventClass, event, database, bytes, start, length);
  }

  publish(
    eventClass: number,
    event: string,
    database: Database,
    bytes: Uint8Array,
    start: number,
    length: number,
  ): void {
    const { settings, pubsub } = this.server;
    const asked = settings.keyspaceEvents;
    if ((asked & eventClass) === 0) return;
    const name = encodeLatin1(event);
    if ((asked & EVENT_KEYSPACE) !== 0) {
      const prefix = encodeLatin1(`__keyspace@${database.index}__:`);
      const channel = new Uint8Array(prefix.length + length); // a key may be longer than any string
      channel.set(prefix);
      channel.set(bytes.subarray(start, start + length), prefix.length);
      pubsub.publish("channel", channel, 0, channel.length, name, 0, name.length);
    }
    if ((asked & EVENT_KEYEVENT) !== 0) {
      const channel = encodeLatin1(`__keyevent@${database.index}__:${event}`);
      pubsub.publish("channel", channel, 0, channel.length, bytes, start, length);
    }
  }

  wake(database: Database, bytes: Uint8Array, start: number, length: number): void {
    const { waiters } = this.server;
    if (waiters.count > 0) waiters.keyChanged(database, bytes, start, length);
  }

  // --- Keys that no command changes -----------------------------------------------------------------------------------

  /** A key has expired, and is removed. The expiry cycle's go on key by key; what a command comes across, with it. */
  readonly expired: KeyListener = (database, bytes, start, length) => {
    const { config, current, propagation } = this.server;
    this.changedIn(database, null, bytes, start, length, EVENT_EXPIRED, "expired", 0);
    const word = removalWord(config, "lazyfree-lazy-expire");
    propagation.writeRemoval(database.index, word, bytes, start, length, current !== null);
  };

  /** A key was evicted for want of memory, which goes on to followers as the command `word`. */
  evicted(database: Database, key: Uint8Array, word: "UNLINK" | "DEL"): void {
    this.changedIn(database, null, key, 0, key.length, EVENT_EVICTED, "evicted", 1);
    this.server.propagation.writeRemoval(database.index, word, key, 0, key.length, false);
  }

  /** A look-up for reading found no key. */
  readonly missed: KeyListener = (database, bytes, start, length) =>
    this.publish(EVENT_KEY_MISS, "keymiss", database, bytes, start, length);

  /** A key is new: not told of what is loaded. */
  readonly isNew: KeyListener = (database, bytes, start, length) => {
    if (!this.server.loading) this.publish(EVENT_NEW, "new", database, bytes, start, length);
  };

  // --- Whole databases ------------------------------------------------------------------------------------------------

  flush(databases: readonly Database[]): number {
    const { watching, tracking, waiters } = this.server;
    let removed = 0;
    for (const database of databases) {
      watching.touchAll(database, null);
      removed += database.clear();
      waiters.databaseChanged(database);
    }
    tracking.flushed();
    return removed;
  }

  swap(a: Database, b: Database): void {
    const { keyspace, watching, tracking } = this.server;
    watching.touchAll(a, b);
    watching.touchAll(b, a);
    a.swap(b);
    keyspace.localExpiries.swap(a.index, b.index);
    this.server.waiters.databaseChanged(a);
    this.server.waiters.databaseChanged(b);
    tracking.flushed();
  }

  /** Another data set has taken the place of one that was flushed: what clients watch may be in it. */
  replaced(): void {
    const { keyspace, watching, waiters } = this.server;
    for (const database of keyspace.databases) {
      watching.touchAll(database, null);
      waiters.databaseChanged(database);
    }
  }
}
