/**
 * WAIT and WAITAOF: clients that wait until replicas have what they wrote, or until it is durable. Owned by the
 * replication, which tells it of acknowledgements, of the log and of the end of the role.
 */

import { NO_LOG } from "../../commands/errors.ts";
import type { WaitedFor } from "../../commands/client_facets.ts";
import type { PrimarySide } from "../../replication/primary.ts";
import type { ClientSession } from "../clients/session.ts";
import { ROLE_CHANGED } from "../execution/key_waiters.ts";

interface Waiter {
  readonly client: ClientSession;
  readonly offset: number;
  readonly wanted: WaitedFor;
  /** Replies with whether this server has it on disk (0 or 1), and how many replicas there are. */
  readonly write: (local: number, replicas: number) => void;
}

/** What the clients depend on that wait. */
export interface WaitingHost {
  /** Offset of the stream up to which all is durable here; -1 where no log is written. */
  readonly durableOffset: () => number;
  /** Has replicas say at once how far they are. */
  readonly askForAcknowledgements: () => void;
}

/** The clients that wait. */
export class Waiting {
  readonly #waiters = new Set<Waiter>();

  constructor(readonly primary: PrimarySide, readonly host: WaitingHost) {}

  /** Blocks a client until what it wrote, up to `offset`, is where it is wanted, or the time is up. */
  wait(
    client: ClientSession,
    offset: number,
    wanted: WaitedFor,
    timeoutMs: number,
    write: (local: number, replicas: number) => void,
  ): void {
    const waiter: Waiter = { client, offset, wanted, write };
    if (this.#isDone(waiter) || client.insideExec) return this.#write(waiter);
    this.#waiters.add(waiter);
    client.block(timeoutMs, () => this.#timeIsUp(waiter), () => this.#waiters.delete(waiter));
    if (wanted.replicas > 0) this.host.askForAcknowledgements();
  }

  #local({ offset }: Waiter): number {
    return this.host.durableOffset() >= offset ? 1 : 0;
  }

  #replicas({ offset, wanted }: Waiter): number {
    return wanted.onDisk ? this.primary.syncedBy(offset) : this.primary.acknowledgedBy(offset);
  }

  #isDone(waiter: Waiter): boolean {
    const { local, replicas } = waiter.wanted;
    return this.#replicas(waiter) >= replicas && (local === 0 || this.#local(waiter) >= local);
  }

  #write(waiter: Waiter): void {
    waiter.write(this.#local(waiter), this.#replicas(waiter));
  }

  /** A replica has acknowledged something, or more is durable here: answers those who have waited for it. */
  progressed(): void {
    for (const waiter of [...this.#waiters]) {
      if (!this.#isDone(waiter)) continue;
      this.#waiters.delete(waiter);
      waiter.client.unblock(() => this.#write(waiter));
    }
  }

  #timeIsUp(waiter: Waiter): void {
    this.#waiters.delete(waiter);
    this.#write(waiter);
  }

  /** The log is written no more: those who wait for it would for ever. */
  logEnded(): void {
    for (const waiter of [...this.#waiters]) {
      if (waiter.wanted.local === 0) continue;
      this.#waiters.delete(waiter);
      waiter.client.unblock(() => waiter.client.reply.error(NO_LOG));
    }
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
