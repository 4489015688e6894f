/**
 * Whose turn it is: the client whose batch of requests is being run, and what waits for the batch to end. That is output
 * for other clients, the end of connections, and requests that may go on then.
 *
 * Connections begin and end batches; whoever delivers something to a client, or closes it, in the middle of whatever
 * is under way, does so here.
 */

import type { PubSub } from "../../pubsub/pubsub.ts";
import type { ReplyWriter } from "../../resp/reply.ts";
import type { Store } from "../../store/store.ts";
import type { Statistics } from "../reports/statistics.ts";
import { CLOSING, DROPPED } from "./flags.ts";
import type { Parsers } from "./parsers.ts";
import type { ClientSession } from "./session.ts";
import type { Tracking } from "./tracking.ts";

/** What serving needs of the server. */
export interface ServingHost {
  readonly clientMemory: { readonly limited: boolean; count(client: ClientSession): void };
  readonly clients: ReadonlyMap<number, ClientSession>;
  readonly dispatcher: { endBatch(): void };
  readonly parsers: Pick<Parsers, "renew">;
  readonly pubsub: Pick<PubSub, "flushed">;
  readonly reply: ReplyWriter;
  readonly statistics: Pick<Statistics, "commandsProcessed" | "mostCommandsPerBatch">;
  readonly store: Store;
  readonly tracking: Pick<Tracking, "broadcast" | "hasBroadcasts">;
  /** The client whose requests are being run. */
  current: ClientSession | null;
  /** Reads the clock that commands go by; returns it, in ms. */
  updateClock(): number;
}

/** The client being served, and what is due when it has been. */
export class Serving {
  /** Commands processed when the batch under way began. */
  #commandsBefore = 0;
  /** Clients for whom `deliver` has queued output. */
  #toFlush: ClientSession[] = [];
  #toClose: ClientSession[] = [];
  /** Clients whose waiting requests may be run once nobody else's are. */
  readonly #toProceed: ClientSession[] = [];
  #isProceeding = false;

  constructor(readonly server: ServingHost) {}

  /** What one arrival of data brings is about to be run. */
  beginBatch(client: ClientSession): void {
    const { server } = this;
    this.#commandsBefore = server.statistics.commandsProcessed;
    server.current = client;
    client.lastActiveMs = server.updateClock();
  }

  endBatch(): void {
    const { server } = this;
    const { statistics, clientMemory } = server;
    server.dispatcher.endBatch();
    const commands = statistics.commandsProcessed - this.#commandsBefore;
    if (commands > statistics.mostCommandsPerBatch) statistics.mostCommandsPerBatch = commands;
    const client = server.current;
    server.current = null;
    this.flushAll();
    if (client !== null && clientMemory.limited) clientMemory.count(client);
    if (this.#toProceed.length > 0) this.#proceed();
  }

  /** Ends a batch that was left in the middle: nothing of it may reach the next. */
  abandonBatch(): void {
    const { store, parsers } = this.server;
    store.heap.foresight.clear();
    store.noTouch = false;
    store.ignoreExpiry = false;
    parsers.renew();
    this.endBatch();
  }

  /** Has a client's waiting requests run once the work under way is done. */
  proceedLater(client: ClientSession): void {
    this.#toProceed.push(client);
  }

  #proceed(): void {
    if (this.#isProceeding) return; // the batches that this runs end here too
    this.#isProceeding = true;
    for (let client = this.#toProceed.shift(); client !== undefined; client = this.#toProceed.shift()) {
      client.connection.proceed(0);
    }
    this.#isProceeding = false;
  }

  /** Runs `body`, which writes a reply for `client`, though no request of it is being run. */
  outsideBatch(client: ClientSession, body: () => void): void {
    const { server } = this;
    const { reply, current: outer } = server;
    if (reply.isCut) reply.clear(); // nobody gets what is in it
    const mark = reply.open();
    server.current = client;
    body();
    server.current = outer;
    if (outer === null) {
      client.connection.flush();
      return this.flushAll();
    }
    // Another client's replies stand before this one in the writer: take it out.
    client.connection.deliver(reply.buffer, mark, reply.length);
    reply.rewind(mark);
    reply.protocol = outer.protocol;
  }

  /** Has a client's `flushOutput` called once the work under way is done. */
  willFlush(client: ClientSession): void {
    this.#toFlush.push(client);
    if (this.server.current === null && this.#toFlush.length === 1) queueMicrotask(() => this.flushAll());
  }

  /** Closes a client once the work under way is done. */
  closeSoon(client: ClientSession): void {
    if (client.isDropped) return;
    client.flags |= CLOSING | DROPPED;
    this.#toClose.push(client);
    if (this.server.current === null) queueMicrotask(() => this.#closeMarked());
  }

  #closeMarked(): void {
    for (const client of this.#toClose.splice(0)) client.connection.socket.destroy();
  }

  /** Sends what was delivered to clients, and closes those marked. */
  flushAll(): void {
    const { tracking, clientMemory, pubsub } = this.server;
    if (tracking.hasBroadcasts) tracking.broadcast();
    if (this.#toFlush.length > 0) {
      const clients = this.#toFlush;
      this.#toFlush = [];
      for (const client of clients) client.connection.flushOutput();
      if (clientMemory.limited) { for (const client of clients) clientMemory.count(client); }
      if (this.#toFlush.length === 0) pubsub.flushed();
    }
    if (this.#toClose.length > 0) this.#closeMarked();
  }

  /** Sends what clients and replicas are due, without waiting for the end of the turn. */
  sendAll(): void {
    const { current, clients } = this.server;
    current?.connection.flush();
    this.flushAll();
    for (const client of clients.values()) client.connection.socket.send();
  }
}
