/**
 * Watches that a server with the guard against a primary that has lost its data keeps its promise: what it holds up, it
 * keeps as it is, and nobody takes its data away unless that was ordered, or by the stream it follows.
 */

import type { Server } from "../../lib/server/server.ts";
import type { Keyspace } from "../../lib/store/keyspace.ts";

/** Lasting keys of which not all can be deleted by the first requests of a stream. */
const MANY_KEYS = 20;

export class GuardWatch {
  #server: Server | null = null;
  /** Whom it follows, and whether it has done so since that was ordered, or was started to. */
  #primary = "";
  #isFollowed = false;
  /** The stream of its data, and the keys that last. */
  #id = "";
  #lasting = 0;
  /** Lasting keys that a stream nobody has ordered takes the place of; 0 where it may do so. */
  #atRisk = 0;
  /** Keys when it was first seen held up. */
  #keptKeys = -1;

  constructor(readonly fail: (what: string) => void) {}

  /** A stream that is held up may take the place of the data. */
  accepted(): void {
    this.#isFollowed = false;
  }

  /** To be called after each event of a server that is up. */
  look(server: Server): void {
    const primary = server.config.list("replicaof").join();
    if (server !== this.#server) this.#begin(server, primary);
    if (primary !== this.#primary) this.#isFollowed = false;
    this.#primary = primary;
    if (!server.config.flag("replica-empty-primary-guard")) this.#isFollowed = false;
    this.#lookAtHeld(server);
    this.#lookAtStream(server);
  }

  /** A server that starts as a replica has followed its primary before. */
  #begin(server: Server, primary: string): void {
    this.#server = server;
    this.#primary = primary;
    this.#isFollowed = server.isReplica;
    this.#id = server.replication.stream.id;
    this.#lasting = lastingKeys(server.keyspace);
    this.#atRisk = 0;
    this.#keptKeys = -1;
  }

  #lookAtHeld({ keyspace, replication }: Server): void {
    if (replication.link.guard.held === null) {
      this.#keptKeys = -1;
      return;
    }
    const keys = allKeys(keyspace);
    if (this.#keptKeys < 0) this.#keptKeys = keys;
    if (keys !== this.#keptKeys) {
      this.fail(`has ${keys} keys, and ${this.#keptKeys} when its primary's data was held up`);
    }
  }

  #lookAtStream({ isReplica, keyspace, replication: { replica, stream } }: Server): void {
    if (stream.id !== this.#id) {
      const isContinued = stream.secondId === this.#id;
      this.#atRisk = isReplica && this.#isFollowed && !isContinued ? this.#lasting : 0;
      this.#id = stream.id;
    }
    this.#lasting = lastingKeys(keyspace);
    if (replica.state !== "connected") return;
    if (this.#atRisk >= MANY_KEYS && allKeys(keyspace) === 0) { // one that expires is one that the primary has
      this.fail(`has lost ${this.#atRisk} keys to a primary that has none`);
    }
    this.#atRisk = 0;
    this.#isFollowed = true;
  }
}

function allKeys({ databases }: Keyspace): number {
  return databases.reduce((sum, { size }) => sum + size, 0);
}

/** Keys without an expiry. */
function lastingKeys({ databases }: Keyspace): number {
  return databases.reduce((sum, { expiring, size }) => sum + size - expiring, 0);
}
