/**
 * WAIT and WAITAOF: clients that wait until replicas have what they wrote. Owned by the replication, which tells it of
 * acknowledgements and of the end of the role.
 */

import type { ReplicaCount } from "../../commands/client_facets.ts";
import type { PrimarySide } from "../../replication/primary.ts";
import type { ClientSession } from "../clients/session.ts";
import { ROLE_CHANGED } from "../execution/key_waiters.ts";

interface Waiter {
  readonly client: ClientSession;
  readonly replicas: number;
  readonly offset: number;
  readonly count: ReplicaCount;
  /** Replies with how many replicas there are. */
  readonly write: (count: number) => void;
}

/** The clients that wait for replicas. */
export class Waiting {
  readonly #waiters = new Set<Waiter>();

  /** `askForAcknowledgements` has replicas say at once how far they are. */
  constructor(readonly primary: PrimarySide, readonly askForAcknowledgements: () => void) {}

  /** Blocks a client until so many replicas have the stream up to `offset`, or the time is up. */
  wait(
    client: ClientSession,
    offset: number,
    replicas: number,
    timeoutMs: number,
    count: ReplicaCount,
    write: (count: number) => void,
  ): void {
    const present = this.primary[count](offset);
    if (present >= replicas || client.insideExec) return write(present);
    const waiter: Waiter = { client, replicas, offset, count, write };
    this.#waiters.add(waiter);
    client.block(timeoutMs, () => this.#timeIsUp(waiter), () => this.#waiters.delete(waiter));
    this.askForAcknowledgements();
  }

  /** A replica has acknowledged something: answers those who have waited for it. */
  acknowledged(): void {
    for (const waiter of [...this.#waiters]) {
      const present = this.primary[waiter.count](waiter.offset);
      if (present < waiter.replicas) continue;
      this.#waiters.delete(waiter);
      waiter.client.unblock(() => waiter.write(present));
    }
  }

  #timeIsUp(waiter: Waiter): void {
    this.#waiters.delete(waiter);
    waiter.write(this.primary[waiter.count](waiter.offset));
  }

  /** The server has become a replica: nobody will acknowledge anything any more. */
  endAll(): void {
    for (const { client } of this.#waiters) {
      client.unblock(() => client.reply.error(ROLE_CHANGED));
      client.close();
    }
    this.#waiters.clear();
  }
}
