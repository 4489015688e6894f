/**
 * The end of the server: SHUTDOWN, SIGTERM and SIGINT. Called by the signals that the start listens to, and by the
 * SHUTDOWN command.
 */

import type { Config } from "../../config/config.ts";
import { monotonicMs, unixMs } from "../../runtime/clock.ts";
import { endProcess } from "../../runtime/ending.ts";
import { sleep } from "../../runtime/timers.ts";
import type { Pausing } from "../clients/pausing.ts";
import type { Serving } from "../clients/serving.ts";
import type { Cron } from "../data/cron.ts";
import type { Replication } from "../data/replication.ts";
import type { Saving } from "../data/saving.ts";
import type { Listeners } from "./listeners.ts";
import type { Scripting } from "../execution/scripting.ts";
import type { Log } from "./log.ts";
import { removePidFile } from "./pid_file.ts";

/** How often a shutdown looks whether the replicas have caught up, in ms. */
const POLL_MS = 20;
/**
 * A further signal counts as one more only after so long, in ms: Ctrl-C reaches the server from the terminal, and again
 * from whatever started it and passes it on.
 */
const INSISTS_AFTER_MS = 1000;

/** How to end. */
export interface ShutdownOptions {
  /** Save, do not save, or as the save points say. */
  readonly save: "save" | "nosave" | "default";
  /** Do not wait for replicas that lag behind. */
  readonly now: boolean;
  /** Go even where saving fails. */
  readonly force: boolean;
}

/** What the end needs of the server. */
export interface ShutdownHost {
  /** The append-only file: makes durable what is written; whether the server may end. */
  readonly appendOnly: { finish(options: ShutdownOptions): boolean };
  readonly config: Config;
  readonly cron: Pick<Cron, "paused">;
  readonly listeners: Pick<Listeners, "close"> | null;
  readonly loading: boolean;
  readonly log: Pick<Log, "notice" | "warning">;
  readonly pausing: Pick<Pausing, "hold" | "letGo">;
  /** Path of the pid file, a binary string, or null. */
  readonly pidFile: string | null;
  readonly replication: Pick<Replication, "primary" | "replicas" | "stream">;
  readonly saving: Pick<Saving, "saveNow" | "snapshotter">;
  readonly scripting: Pick<Scripting, "kill" | "running">;
  readonly serving: Pick<Serving, "sendAll">;
}

/** Ends the server, at once or when its replicas have caught up. */
export class Shutdown {
  /** When the wait for replicas ends, in ms of Unix time; 0 while nobody has asked for the end. */
  deadlineMs = 0;

  /** When a signal asked last for the end that then failed, or is under way, in ms; 0: none did. */
  #signalledMs = 0;
  /** A signal that came while the periodic work is stopped (DEBUG PAUSE-CRON), which would see to it. */
  #held: ShutdownOptions | null = null;
  /** The offset that replicas are to reach; -1 where they were not waited for. What asks them for it comes behind it. */
  #offset = -1;
  /** Whether writes wait for its end. */
  #holdsWrites = false;
  /** Tells one shutdown from those aborted before it. */
  #attempt = 0;
  readonly #onFailure: (() => void)[] = [];

  constructor(readonly server: ShutdownHost) {}

  /** A signal asks for the end, in the way that `shutdown-on-sigterm` or `shutdown-on-sigint` says. */
  signalled(signal: "SIGTERM" | "SIGINT"): void {
    const { log, config, cron } = this.server;
    const nowMs = monotonicMs();
    const insists = this.#signalledMs !== 0 && nowMs - this.#signalledMs >= INSISTS_AFTER_MS;
    if (this.pending && signal === "SIGINT" && insists) {
      log.warning("You insist... exiting now.");
      endProcess(1);
    }
    log.warning(`Received ${signal} scheduling shutdown...`);
    if (this.server.loading) {
      log.warning("Received shutdown signal during loading, exiting now.");
      endProcess(0);
    }
    if (this.#signalledMs !== 0 && !insists) return;
    this.#signalledMs = nowMs;
    const words = config.setting(signal === "SIGTERM" ? "shutdown-on-sigterm" : "shutdown-on-sigint").words;
    const save = words.includes("nosave") ? "nosave" : words.includes("save") ? "save" : "default";
    const options = { save, now: words.includes("now"), force: insists || words.includes("force") } as const;
    if (cron.paused) this.#held = options;
    else this.begin(options);
  }

  /** The periodic work goes on: sees to a signal that came while it was stopped. */
  resume(): void {
    const held = this.#held;
    this.#held = null;
    if (held !== null) this.begin(held);
  }

  /** Ends the server. Calls `onFailure` with the reason where it cannot, as saving failed; else does not come back. */
  async begin(options: ShutdownOptions, onFailure: () => void = () => {}): Promise<void> {
    const { log } = this.server;
    this.#onFailure.push(onFailure);
    if (this.pending) return;
    log.warning("User requested shutdown...");
    const attempt = ++this.#attempt;
    const isWhole = options.save === "nosave" || await this.#endScript();
    if (!options.now) await this.#waitForReplicas();
    if (attempt !== this.#attempt) return;
    this.#finish(isWhole ? options : { ...options, save: "nosave" });
    this.#tellWayOut();
    this.#failed();
  }

  /** Saving has failed: tells how to end the server all the same, as whoever sent a signal sees nothing but the log. */
  #tellWayOut(): void {
    const { log, config } = this.server;
    log.warning("Errors trying to shut down the server. Check the logs for more information.");
    log.warning(
      `To save after all, make '${config.text("dir")}' writable or name another directory with CONFIG SET dir. ` +
        "SHUTDOWN NOSAVE, or the signal once more, ends the server without saving.",
    );
  }

  /** Whether it has been asked for, and waits for replicas. */
  get pending(): boolean {
    return this.deadlineMs !== 0;
  }

  /**
   * Has a script that takes long end first, as half of what it does is not to be saved: it is killed, or, where it has
   * written, waited for, up to `shutdown-timeout`. Whether it has ended.
   */
  async #endScript(): Promise<boolean> {
    const { config, log, scripting } = this.server;
    const { running } = scripting;
    if (running === null) return true;
    const isKilled = scripting.kill(running.kind) === null;
    log.warning(`${isKilled ? "Killing" : "Waiting for"} the ${running.kind} '${running.name}' before shutting down.`);
    const deadlineMs = unixMs() + config.number("shutdown-timeout") * 1000;
    const attempt = this.#attempt;
    while (scripting.running !== null && attempt === this.#attempt && unixMs() < deadlineMs) await sleep(POLL_MS);
    if (scripting.running === null) return true;
    log.warning("It has not come to its end: the data is not saved with half of what it does.");
    return false;
  }

  /** Lets replicas catch up, up to `shutdown-timeout`. Writes wait meanwhile, or the replicas would never be done. */
  async #waitForReplicas(): Promise<void> {
    const { log, config, pausing, replication } = this.server;
    const { primary, stream: { offset } } = replication;
    const timeoutSeconds = config.number("shutdown-timeout");
    if (timeoutSeconds === 0 || !primary.hasBehind(offset)) return;
    const attempt = this.#attempt;
    this.#offset = offset;
    log.notice("Waiting for replicas before shutting down.");
    this.deadlineMs = unixMs() + timeoutSeconds * 1000;
    this.#holdsWrites = true;
    pausing.hold();
    replication.replicas.askForAcknowledgements();
    while (attempt === this.#attempt && primary.hasBehind(offset) && unixMs() < this.deadlineMs) {
      await sleep(POLL_MS);
    }
  }

  /** It has come to nothing: tells all who asked, and lets writes go on. */
  #failed(): void {
    this.deadlineMs = 0;
    this.#offset = -1;
    for (const onFailure of this.#onFailure.splice(0)) onFailure();
    if (this.#holdsWrites) this.server.pausing.letGo();
    this.#holdsWrites = false;
  }

  /** SHUTDOWN ABORT: whether there was something to abort. */
  abort(): boolean {
    if (!this.pending && this.#held === null) return false;
    this.#held = null;
    this.#signalledMs = 0;
    this.#attempt++;
    this.server.log.notice("Shutdown manually aborted");
    this.#failed();
    return true;
  }

  /** Ends the server at once, for a reason that leaves no other way. */
  panic(reason: string): never {
    const { log } = this.server;
    log.warning("=== FATAL: the server cannot go on and ends without saving ===");
    log.warning(reason);
    endProcess(1);
  }

  /** Saves, if that is due, and exits; comes back where saving failed. */
  #finish(options: ShutdownOptions): void {
    const { server } = this;
    const { log, saving, config } = server;
    server.replication.primary.logLagging(this.#offset < 0 ? server.replication.stream.offset : this.#offset);
    if (!server.loading && !server.appendOnly.finish(options)) return;
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
    server.replication.primary.send();
    server.serving.sendAll();
    log.warning("tredis is now ready to exit, bye bye...");
    endProcess(0);
  }
}
