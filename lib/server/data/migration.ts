/**
 * Keys that leave for another server (MIGRATE). They are sent as RESTOREs; each that the other end has taken is removed
 * here, unless it was to be a copy.
 *
 * Redis stands still until the other end has answered. Here it is only writes that wait meanwhile, so that nobody can
 * change a key that is there already and about to be removed here; reads go on. Connections are kept for a while, as
 * whoever empties a server sends one MIGRATE after the other.
 */

import { EVENT_GENERIC } from "../../commands/events.ts";
import type { MigratingKey, MigrationOrder } from "../../commands/migration_order.ts";
import type { Config } from "../../config/config.ts";
import { NetworkError } from "../../net/socket.ts";
import type { Request } from "../../resp/request.ts";
import { RequestBuilder } from "../../resp/request_builder.ts";
import { monotonicMs } from "../../runtime/clock.ts";
import { startTimer } from "../../runtime/timers.ts";
import type { Database } from "../../store/database.ts";
import type { Pausing } from "../clients/pausing.ts";
import type { ClientSession } from "../clients/session.ts";
import type { Changes } from "../execution/changes.ts";
import { ROLE_CHANGED } from "../execution/key_waiters.ts";
import type { Propagation } from "../execution/propagation.ts";
import type { Listeners } from "../program/listeners.ts";
import type { Cron } from "./cron.ts";
import { LinkError, MigrationLink } from "./migration_link.ts";
import type { Phase } from "./phase.ts";

/** Connections that are kept at most, and for how long after their last use, in ms. */
const MAX_KEPT_LINKS = 64;
const KEPT_MS = 10_000;

const CONNECTING_FAILED = "IOERR error or timeout connecting to the client";
const WRITING_FAILED = "IOERR error or timeout writing to target instance";
const READING_FAILED = "IOERR error or timeout reading to target instance";
/** Errors of connecting by which the address is known, and nobody there takes the connection. */
const REFUSED: ReadonlySet<string> = new Set(["ECONNREFUSED", "ECONNRESET", "EHOSTUNREACH", "ENETUNREACH"]);

/** What migrating keys needs of the server. */
export interface MigrationHost {
  readonly changes: Pick<Changes, "changedIn">;
  readonly config: Config;
  readonly cron: Pick<Cron, "every" | "tasks">;
  readonly listeners: Pick<Listeners, "network"> | null;
  readonly pausing: Pick<Pausing, "afterAsked" | "hold" | "letGo">;
  readonly phase: Pick<Phase, "isReplica">;
  readonly propagation: Pick<Propagation, "write">;
  readonly streamOffset: number;
}

interface KeptLink {
  readonly link: MigrationLink;
  readonly sinceMs: number;
}

/** How a migration went: what the other end has taken, and the error to reply with, if there was one. */
interface Outcome {
  readonly taken: Uint8Array[];
  error: string | null;
}

/** Sends keys away. */
export class Migration {
  /** Connections that nobody uses, by address; the one used last at the end. */
  readonly #kept = new Map<string, KeptLink>();

  constructor(readonly server: MigrationHost) {
    const { cron } = server;
    cron.tasks.push(() => {
      if (cron.every(1000)) this.#dropUnused();
    });
  }

  /** Connections kept, for INFO. */
  get keptLinks(): number {
    return this.#kept.size;
  }

  /** Holds the client up until its keys have left, and replies. */
  begin(client: ClientSession, order: MigrationOrder): void {
    const { pausing, phase } = this.server;
    const { database } = client;
    const { isReplica } = phase;
    if (!order.copy) pausing.hold();
    client.blockUntilDone(() => {
      this.#send(order).then((outcome) => {
        // A pause that somebody has asked for meanwhile wants the data to stand still.
        pausing.afterAsked(() => {
          const isOurs = phase.isReplica === isReplica;
          if (!order.copy && isOurs) this.#remove(client, database, outcome.taken);
          const error = isOurs ? outcome.error : ROLE_CHANGED;
          client.unblock(() => error === null ? client.reply.ok() : client.reply.error(error));
          if (!order.copy) pausing.letGo();
        });
      });
    });
  }

  /** Removes keys that are elsewhere now. */
  #remove(client: ClientSession, database: Database, keys: readonly Uint8Array[]): void {
    const { changes, propagation } = this.server;
    const gone = keys.filter((key) => database.remove(key, 0, key.length));
    if (gone.length === 0) return;
    const removal = new RequestBuilder().begin(1 + gone.length).word("DEL");
    for (const key of gone) {
      removal.bytes(key, 0, key.length);
      changes.changedIn(database, client, key, 0, key.length, EVENT_GENERIC, "del", 1);
    }
    propagation.write(database.index, removal.request);
    client.writeOffset = this.server.streamOffset;
  }

  /** Sends the keys; never throws. */
  async #send(order: MigrationOrder): Promise<Outcome> {
    const outcome: Outcome = { taken: [], error: null };
    for (;;) {
      const kept = this.#take(order);
      let link = kept;
      try {
        link ??= await this.#connect(order);
      } catch (error) {
        outcome.error = error instanceof NetworkError && REFUSED.has(error.code) ? WRITING_FAILED : CONNECTING_FAILED;
        return outcome;
      }
      try {
        await this.#exchange(link, order, outcome);
        this.#keep(order, link);
        return outcome;
      } catch (error) {
        link.close(); // whatever failed, nobody else is to read what still comes
        // One that was kept may have been closed by the other end for want of use; then a fresh one will do.
        if (
          kept !== null && error instanceof LinkError && !error.isTimeout && outcome.taken.length === 0 &&
          outcome.error === null
        ) continue;
        outcome.error = READING_FAILED;
        return outcome;
      }
    }
  }

  /** Says who we are and which database is meant, if need be, and hands the keys over. */
  async #exchange(link: MigrationLink, order: MigrationOrder, outcome: Outcome): Promise<void> {
    const { credentials, databaseIndex, items } = order;
    const requests: Request[] = [];
    if (credentials.length > 0) requests.push(requestOf("AUTH", credentials));
    if (link.selected !== databaseIndex) {
      requests.push(new RequestBuilder().begin(2).word("SELECT").integer(databaseIndex).request);
    }
    const before = requests.length;
    for (const item of items) requests.push(restoreRequest(item, order.replace));
    link.selected = databaseIndex;
    let answers = 0;
    let isRefused = false;
    await link.exchange(requests, order.timeoutMs, (line) => {
      const index = answers++ - before;
      if (line.startsWith("-")) {
        outcome.error ??= `ERR Target instance replied with error: ${line.slice(1)}`;
        link.selected = -1;
        if (index < 0) isRefused = true;
      } else if (index >= 0 && !isRefused) outcome.taken.push(items[index].key);
    });
  }

  /** A connection that was kept, if there is one. */
  #take(order: MigrationOrder): MigrationLink | null {
    const address = addressOf(order);
    const kept = this.#kept.get(address);
    this.#kept.delete(address);
    return kept === undefined || kept.link.isClosed ? null : kept.link;
  }

  async #connect({ host, port, timeoutMs }: MigrationOrder): Promise<MigrationLink> {
    const { listeners, config } = this.server;
    if (listeners === null) throw new Error("the network is not open");
    const connecting = listeners.network.connectTcp(host, port, config.text("bind-source-addr"));
    return await new Promise((resolve, reject) => {
      let isLate = false;
      const timer = startTimer(() => {
        isLate = true;
        reject(new LinkError("no connection in time", true));
      }, timeoutMs);
      connecting.then((socket) => {
        timer.cancel();
        if (isLate) return socket.destroy();
        resolve(new MigrationLink(socket));
      }, (error) => {
        timer.cancel();
        reject(error);
      });
    });
  }

  #keep(order: MigrationOrder, link: MigrationLink): void {
    const address = addressOf(order);
    this.#kept.get(address)?.link.close();
    this.#kept.delete(address);
    if (this.#kept.size >= MAX_KEPT_LINKS) this.#drop(this.#kept.keys().next().value ?? "");
    this.#kept.set(address, { link, sinceMs: monotonicMs() });
  }

  #drop(address: string): void {
    this.#kept.get(address)?.link.close();
    this.#kept.delete(address);
  }

  /** Closes connections that nobody has used for a while. */
  #dropUnused(): void {
    for (const [address, { link, sinceMs }] of this.#kept) {
      if (link.isClosed || monotonicMs() - sinceMs >= KEPT_MS) this.#drop(address);
    }
  }
}

function addressOf({ host, port }: MigrationOrder): string {
  return `${host}:${port}`;
}

function requestOf(command: string, args: readonly Uint8Array[]): Request {
  const builder = new RequestBuilder().begin(1 + args.length).word(command);
  for (const arg of args) builder.bytes(arg, 0, arg.length);
  return builder.request;
}

function restoreRequest({ key, ttlMs, payload }: MigratingKey, replace: boolean): Request {
  const builder = new RequestBuilder().begin(replace ? 5 : 4).word("RESTORE").bytes(key, 0, key.length);
  builder.integer(ttlMs).bytes(payload, 0, payload.length);
  return (replace ? builder.word("REPLACE") : builder).request;
}
