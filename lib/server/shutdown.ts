/** The end of the server: SHUTDOWN, SIGTERM and SIGINT. */

import process from "node:process";
import { removePidFile } from "./pid_file.ts";
import type { Server } from "./server.ts";

export interface ShutdownOptions {
  /** Save, do not save, or as the save points say. */
  readonly save: "save" | "nosave" | "default";
  /** Do not wait for replicas that lag behind. */
  readonly now: boolean;
  /** Go even where saving fails. */
  readonly force: boolean;
}

export class Shutdown {
  /** Whether it has been asked for, and waits for replicas. */
  pending = false;
  /** Lets replicas catch up; set by the replication. Resolves when they have, or time is up, or it was cancelled. */
  waitForReplicas: () => Promise<void> = () => Promise.resolve();

  readonly #onFailure: (() => void)[] = [];

  constructor(readonly server: Server) {}

  /** A signal asks for the end, in the way that `shutdown-on-sigterm` or `shutdown-on-sigint` says. */
  signalled(signal: "SIGTERM" | "SIGINT"): void {
    const { log, config } = this.server;
    if (this.pending && signal === "SIGINT") {
      log.warning("You insist... exiting now.");
      process.exit(1);
    }
    log.warning(`Received ${signal} scheduling shutdown...`);
    if (this.server.loading) {
      log.warning("Received shutdown signal during loading, exiting now.");
      process.exit(0);
    }
    const words = config.setting(signal === "SIGTERM" ? "shutdown-on-sigterm" : "shutdown-on-sigint").words;
    const save = words.includes("nosave") ? "nosave" : words.includes("save") ? "save" : "default";
    this.begin({ save, now: words.includes("now"), force: words.includes("force") });
  }

  /** Ends the server. Calls `onFailure` with the reason where it cannot, as saving failed; else does not come back. */
  async begin(options: ShutdownOptions, onFailure: () => void = () => {}): Promise<void> {
    const { log } = this.server;
    this.#onFailure.push(onFailure);
    if (this.pending) return;
    log.warning("User requested shutdown...");
    if (!options.now) {
      this.pending = true;
      await this.waitForReplicas();
      if (!this.pending) return;
      this.pending = false;
    }
    this.#finish(options);
    this.#failed();
  }

  /** It has come to nothing: tells all who asked. */
  #failed(): void {
    for (const onFailure of this.#onFailure.splice(0)) onFailure();
  }

  /** SHUTDOWN ABORT: whether there was something to abort. */
  abort(): boolean {
    const was = this.pending;
    this.pending = false;
    if (was) {
      this.server.log.notice("Shutdown manually aborted");
      this.#failed();
    }
    return was;
  }

  /** Saves, if that is due, and exits; comes back where saving failed. */
  #finish(options: ShutdownOptions): void {
    const { server } = this;
    const { log, saving, config } = server;
    const wantsSave = options.save === "save" || (options.save === "default" && config.savePoints.length > 0);
    saving.snapshotter.abort();
    if (wantsSave && !server.loading) {
      log.notice("Saving the final RDB snapshot before exiting.");
      if (saving.saveNow() !== null && !options.force) {
        log.warning("Error trying to save the DB, can't exit.");
        return;
      }
    }
    if (server.pidFile !== null) {
      log.notice("Removing the pid file.");
      removePidFile(server.pidFile);
    }
    server.listeners?.close();
    log.warning("tredis is now ready to exit, bye bye...");
    process.exit(0);
  }
}
