/**
 * `maxmemory-clients`: when the buffers of all clients together take more than allowed, the largest clients are
 * disconnected. Kept up to date by the server whenever a client's buffers may have changed; costs nothing without limit.
 */

import { type Client, NO_EVICT, PRIMARY, REPLICA } from "./client.ts";
import type { Log } from "../program/log.ts";
import type { Statistics } from "../reports/statistics.ts";

const EXEMPT = NO_EVICT | PRIMARY | REPLICA;

/** What the count of clients' memory needs of the server. */
export interface ClientMemoryHost {
  readonly clients: ReadonlyMap<number, Client>;
  readonly log: Pick<Log, "notice">;
  readonly statistics: Pick<Statistics, "evictedClients">;
  closeSoon(client: Client): void;
}

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
      client.countedBytes = countable(client);
      this.#totalBytes += client.countedBytes;
    }
    this.#enforce();
  }

  /** Looks at one client's buffers anew. */
  count(client: Client): void {
    const bytes = countable(client);
    this.#totalBytes += bytes - client.countedBytes;
    client.countedBytes = bytes;
    this.#enforce();
  }

  forget(client: Client): void {
    this.#totalBytes -= client.countedBytes;
    client.countedBytes = 0;
  }

  #enforce(): void {
    if (this.#totalBytes <= this.#limitBytes) return;
    const clients = [...this.server.clients.values()].filter((client) => client.countedBytes > 0);
    clients.sort((a, b) => b.countedBytes - a.countedBytes);
    for (const client of clients) {
      if (this.#totalBytes <= this.#limitBytes) return;
      this.server.log.notice(`Evicting client: ${client.description}`);
      this.server.statistics.evictedClients++;
      this.forget(client);
      this.server.closeSoon(client);
    }
  }
}

function countable(client: Client): number {
  return client.isDropped || (client.flags & EXEMPT) !== 0 ? 0 : client.memoryBytes;
}
