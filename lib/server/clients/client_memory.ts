/**
 * `maxmemory-clients`: when the buffers of all clients together take more than allowed, the largest clients are
 * disconnected. Kept up to date by serving whenever a client's buffers may have changed; costs nothing without limit.
 */

import { NO_EVICT, PRIMARY, REPLICA } from "./flags.ts";
import type { ClientSession } from "./session.ts";
import type { Serving } from "./serving.ts";
import type { Log } from "../program/log.ts";
import type { Statistics } from "../reports/statistics.ts";

const EXEMPT = NO_EVICT | PRIMARY | REPLICA;

/** What the count of clients' memory needs of the server. */
export interface ClientMemoryHost {
  readonly clients: ReadonlyMap<number, ClientSession>;
  readonly log: Pick<Log, "notice">;
  readonly serving: Pick<Serving, "closeSoon">;
  readonly statistics: Pick<Statistics, "evictedClients">;
}

/** The memory of all clients' buffers, and its limit. */
export class ClientMemory {
  /** In bytes; 0: no limit. */
  #limitBytes = 0;
  #totalBytes = 0;

  constructor(readonly server: ClientMemoryHost) {}

  get limited(): boolean {
    return this.#limitBytes > 0;
  }

  set limitBytes(bytes: number) {
    this.#limitBytes = bytes;
    this.countAll();
  }

  /** Looks at every client's buffers anew. */
  countAll(): void {
    if (!this.limited) return;
    this.#totalBytes = 0;
    for (const client of this.server.clients.values()) {
      client.connection.countedBytes = countable(client);
      this.#totalBytes += client.connection.countedBytes;
    }
    this.#enforce();
  }

  /** Looks at one client's buffers anew. */
  count(client: ClientSession): void {
    const bytes = countable(client);
    this.#totalBytes += bytes - client.connection.countedBytes;
    client.connection.countedBytes = bytes;
    this.#enforce();
  }

  forget(client: ClientSession): void {
    this.#totalBytes -= client.connection.countedBytes;
    client.connection.countedBytes = 0;
  }

  #enforce(): void {
    if (this.#totalBytes <= this.#limitBytes) return;
    const clients = [...this.server.clients.values()].filter((client) => client.connection.countedBytes > 0);
    clients.sort((a, b) => b.connection.countedBytes - a.connection.countedBytes);
    for (const client of clients) {
      if (this.#totalBytes <= this.#limitBytes) return;
      this.server.log.notice(`Evicting client: ${client.description}`);
      this.server.statistics.evictedClients++;
      this.forget(client);
      this.server.serving.closeSoon(client);
    }
  }
}

function countable(client: ClientSession): number {
  return client.isDropped || (client.flags & EXEMPT) !== 0 ? 0 : client.memoryBytes;
}
