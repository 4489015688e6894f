/**
 * `client-output-buffer-limit`: a client that has more output waiting than its class may have, or has had somewhat much
 * for a while, is closed. Asked by connections whenever output waits, by the reply writer when it grows, and by the cron.
 */

import type { Config } from "../../config/config.ts";
import type { ReplyWriter } from "../../resp/reply.ts";
import type { Store } from "../../store/store.ts";
import type { Log } from "../program/log.ts";
import type { OutputLimit, Settings } from "../program/settings.ts";
import type { Statistics } from "../reports/statistics.ts";
import { isReplica, REPLICA, SUBSCRIBED } from "./flags.ts";
import type { Serving } from "./serving.ts";
import type { ClientSession } from "./session.ts";

/** Classes of clients, as the directive names them. */
type OutputClass = "normal" | "replica" | "pubsub";

/** What the limits need of the server. */
export interface OutputLimitsHost {
  readonly config: Config;
  /** The client whose requests are being run. */
  readonly current: ClientSession | null;
  readonly log: Pick<Log, "warning">;
  readonly reply: Pick<ReplyWriter, "mayGrow">;
  readonly serving: Pick<Serving, "closeSoon">;
  readonly settings: Pick<Settings, "lowestOutputLimitBytes" | "outputLimits">;
  readonly statistics: Pick<Statistics, "outputBufferDisconnections">;
  readonly store: Pick<Store, "nowMs">;
}

/** The limits on what waits to be sent, and who has any of it. */
export class OutputLimits {
  /**
   * Clients that may have output waiting: `check` is asked whenever some is left with the socket. Clients that are sent
   * nothing cost nothing, however many they are.
   */
  readonly #sentTo: ClientSession[] = [];

  constructor(readonly server: OutputLimitsHost) {
    server.reply.mayGrow = (bytes) => this.#mayReply(bytes);
  }

  /** Closes a client that has `pending` bytes of output, if these are too many. */
  check(client: ClientSession, pending: number): void {
    const { server } = this;
    const { connection } = client;
    if (!connection.isSentTo) this.#note(client);
    if (pending < server.settings.lowestOutputLimitBytes && connection.overSoftLimitSinceMs === 0) return;
    // What a snapshot sends waits for the replica by itself; only what follows it counts.
    if (client.replica !== null && client.replica.state !== "online") return;
    const { hardBytes, softBytes, softSeconds } = this.of(classOf(client));
    let exceeded = hardBytes > 0 && pending >= hardBytes;
    if (softBytes > 0 && pending >= softBytes) {
      if (connection.overSoftLimitSinceMs === 0) connection.overSoftLimitSinceMs = server.store.nowMs;
      else if (server.store.nowMs - connection.overSoftLimitSinceMs > softSeconds * 1000) exceeded = true;
    } else {
      connection.overSoftLimitSinceMs = 0;
    }
    if (exceeded) this.exceeded(client);
  }

  /** Closes a client for which too much waits. */
  exceeded(client: ClientSession): void {
    const { server } = this;
    if (client.isDropped) return;
    server.log.warning(
      `Client ${client.description} scheduled to be closed ASAP for overcoming of output buffer limits.`,
    );
    server.statistics.outputBufferDisconnections++;
    server.serving.closeSoon(client);
  }

  #note(client: ClientSession): void {
    client.connection.isSentTo = true;
    this.#sentTo.push(client);
  }

  /** Checks all clients that may have output waiting, as time goes by. */
  checkAll(): void {
    for (const client of this.#sentTo) this.check(client, client.connection.outputBytes);
  }

  /** Bytes of all output that waits, and of what of it is for replicas. O(clients that may have some). */
  measure(): { readonly clientBytes: number; readonly replicaBytes: number } {
    const clients = this.#sentTo;
    let clientBytes = 0;
    let replicaBytes = 0;
    for (let i = 0; i < clients.length;) {
      const client = clients[i];
      const { connection } = client;
      const { outputBytes } = connection;
      if (client.isDropped || (outputBytes === 0 && connection.overSoftLimitSinceMs === 0)) {
        connection.isSentTo = false;
        clients[i] = clients[clients.length - 1];
        clients.pop();
        continue;
      }
      if (isReplica(client)) replicaBytes += outputBytes;
      else clientBytes += outputBytes;
      i++;
    }
    return { clientBytes, replicaBytes };
  }

  /** The limit of a class of clients. A replica's is never below the backlog, as that is sent to it. */
  of(kind: OutputClass): OutputLimit {
    const [normal, replica, pubsub] = this.server.settings.outputLimits;
    if (kind !== "replica") return kind === "pubsub" ? pubsub : normal;
    const backlogBytes = this.server.config.number("repl-backlog-size");
    if (replica.hardBytes === 0 || replica.hardBytes >= backlogBytes) return replica;
    return { ...replica, hardBytes: backlogBytes };
  }

  /** Whether the client being served may be replied so many bytes; if not, it is about to be closed. */
  #mayReply(bytes: number): boolean {
    const client = this.server.current;
    if (client === null || client.isPrimary) return true;
    this.check(client, client.connection.outputBytes + bytes);
    return !client.isDropped;
  }
}

function classOf(client: ClientSession): OutputClass {
  if ((client.flags & REPLICA) !== 0) return "replica";
  return (client.flags & SUBSCRIBED) !== 0 ? "pubsub" : "normal";
}
