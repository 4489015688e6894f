/**
 * What must not happen on a link of the replication, to the primary or to a replica, and does: the two ends may no longer
 * have the same data. It is told, and ends the link or the server where the configuration, or sense, demands that.
 */

import type { Command } from "../../commands/command.ts";
import type { Config } from "../../config/config.ts";
import type { Store } from "../../store/store.ts";
import type { Serving } from "../clients/serving.ts";
import type { ClientSession } from "../clients/session.ts";
import type { Dispatcher } from "../execution/dispatcher.ts";
import type { Log } from "../program/log.ts";
import type { Statistics } from "../reports/statistics.ts";

/** Most of an error's text that the log shows. */
const MAX_SHOWN_ERROR_BYTES = 4096;
/** How often it is told that writes are applied which cannot be saved, in ms. */
const UNSAVED_EVERY_MS = 10_000;

/** What is needed of the server to deal with them. */
export interface LinkErrorsHost {
  readonly config: Config;
  readonly dispatcher: Pick<Dispatcher, "onLinkError" | "onReplicaReply" | "onUnsavedWrite">;
  readonly log: Pick<Log, "warning">;
  readonly serving: Pick<Serving, "closeSoon">;
  readonly shutdown: { panic(reason: string): never };
  readonly statistics: Pick<Statistics, "unexpectedErrorReplies">;
  readonly store: Pick<Store, "nowMs">;
}

/** Deals with what the dispatcher finds wrong on links. */
export class LinkErrors {
  /** When it was last told that writes are applied which cannot be saved, in ms. */
  #unsavedToldMs = 0;

  constructor(readonly server: LinkErrorsHost) {
    const { dispatcher } = server;
    dispatcher.onLinkError = (client, command, error) => this.#errorReply(client, command, error);
    dispatcher.onReplicaReply = (client, command) => this.#replyToReplica(client, command);
    dispatcher.onUnsavedWrite = () => this.#unsavedWrite();
  }

  /** A command of the other end's has failed here. */
  #errorReply(client: ClientSession, command: Command | null, error: string): void {
    const { log, statistics, config, shutdown } = this.server;
    const [own, other] = client.isPrimary ? ["replica", "master"] : ["master", "replica"];
    const name = nameOf(command);
    const shown = error.slice(0, MAX_SHOWN_ERROR_BYTES);
    log.warning(
      `== CRITICAL == This ${own} is sending an error to its ${other}: '-${shown}' after processing the command '${name}'`,
    );
    statistics.unexpectedErrorReplies++;
    if (!client.isPrimary || !config.flag("replica-read-only")) return;
    if (config.choice("propagation-error-behavior") === "ignore") return;
    shutdown.panic(`This ${own} panicked sending an error to its ${other} after processing the command '${name}'`);
  }

  /** A replica has made itself be replied to, and would read that as part of the stream. */
  #replyToReplica(client: ClientSession, command: Command | null): void {
    const { log, serving } = this.server;
    const name = nameOf(command);
    log.warning(`Replica generated a reply to command '${name}', disconnecting it: ${client.description}`);
    serving.closeSoon(client);
  }

  /** A write of the primary's is applied though this server cannot save; or it is not, as the operator wants. */
  #unsavedWrite(): void {
    const { log, config, shutdown, store } = this.server;
    if (!config.flag("replica-ignore-disk-write-errors")) {
      return shutdown.panic("Replica was unable to write command to disk.");
    }
    if (store.nowMs - this.#unsavedToldMs < UNSAVED_EVERY_MS) return;
    this.#unsavedToldMs = store.nowMs;
    log.warning("Replica is applying a command even though it is unable to write to disk.");
  }
}

function nameOf(command: Command | null): string {
  return command?.name ?? "<unknown>";
}
