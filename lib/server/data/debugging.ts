/**
 * What DEBUG needs of the server beyond what other commands do: reloading the data, stopping the cron. Owned by the
 * server; called by the DEBUG commands alone.
 */

import { systemErrorText } from "../../bytes/system_errors.ts";
import { SAVE_FAILED } from "../../commands/errors.ts";
import { LoadError, loadRdbFileSync } from "../../persistence/load.ts";
import type { Keyspace } from "../../store/keyspace.ts";
import type { Changes } from "../execution/changes.ts";
import type { Scripting } from "../execution/scripting.ts";
import type { Log } from "../program/log.ts";
import { type AppendOnly, reasonOf } from "./append_only.ts";
import type { Cron } from "./cron.ts";
import type { LogLoader } from "./log_loader.ts";
import type { Phase } from "./phase.ts";
import type { Saving } from "./saving.ts";

const LOADING_LOG_FAILED = "ERR Error trying to load the AOF files, check server logs";

/** What DEBUG reaches of the server. */
export interface DebuggingHost {
  readonly appendOnly: Pick<
    AppendOnly,
    "directory" | "failRewrite" | "isOn" | "resume" | "state" | "suspend" | "writing"
  >;
  readonly changes: Pick<Changes, "flush" | "made" | "saved">;
  readonly cron: Pick<Cron, "paused">;
  readonly log: Pick<Log, "warning">;
  readonly logLoader: Pick<LogLoader, "loadNow">;
  readonly phase: Pick<Phase, "isLoading" | "setLoading">;
  readonly scripting: Pick<Scripting, "functions">;
  readonly saving: Pick<
    Saving,
    "lastLoad" | "path" | "readOptions" | "saveNow" | "isRewriting" | "snapshotter"
  >;
  /** The end of the server, which may have waited for the periodic work. */
  readonly shutdown: { resume(): void };
  readonly keyspace: Keyspace;
}

/** The side of DEBUG that reaches beyond the data set. */
export class Debugging {
  /** Whether RDB data is taken whatever its checksum. */
  skipChecksums = false;
  /** Scripts may call commands that are not for them. */
  scriptsCallAnything = false;
  /** How long the server does nothing before it writes to the append-only file, in ms. */
  flushSleepMs = 0;

  constructor(readonly server: DebuggingHost) {}

  get isLoading(): boolean {
    return this.server.phase.isLoading;
  }

  /** Writes a line to the log that an operator should see. */
  log(message: string): void {
    this.server.log.warning(message);
  }

  /** Stops the periodic work, or lets it go on. */
  pauseCron(paused: boolean): void {
    this.server.cron.paused = paused;
    if (!paused) this.server.shutdown.resume();
  }

  /** Ends the snapshot under way, if there is one, as a failure of what it is for. */
  abortSnapshot(): void {
    const { appendOnly, saving } = this.server;
    if (saving.isRewriting) appendOnly.failRewrite();
    else saving.snapshotter.abort();
  }

  /** Saves, empties and loads the databases while everybody waits. The error to reply with, or null. */
  reload(options: { readonly save: boolean; readonly flush: boolean; readonly merge: boolean }): string | null {
    const { appendOnly, saving, keyspace, log, phase, scripting } = this.server;
    if (options.save && saving.saveNow() !== null) return SAVE_FAILED;
    // What has not been saved first is other data than there was.
    const isOther = !options.save && appendOnly.isOn;
    if (isOther) appendOnly.suspend();
    if (options.flush) this.server.changes.flush(keyspace.databases);
    phase.setLoading(true);
    try {
      saving.lastLoad = loadRdbFileSync(saving.path, keyspace, {
        ...saving.readOptions,
        replaceExisting: options.merge,
      });
      const { functions } = saving.lastLoad;
      const refusal = options.flush
        ? void (keyspace.functions = functions)
        : scripting.functions.join(functions, options.merge ? "replace" : "add");
      if (refusal) throw new Error(refusal);
    } catch (error) {
      log.warning(`DEBUG RELOAD failed: ${error instanceof LoadError ? error.message : systemErrorText(error)}`);
      return "ERR Error trying to load the RDB dump, check server logs";
    } finally {
      phase.setLoading(false);
      if (isOther) appendOnly.resume();
    }
    log.warning("DB reloaded by DEBUG RELOAD");
    return null;
  }

  /** Empties the databases and loads the append-only file, while everybody waits. The error to reply with, or null. */
  loadLog(): string | null {
    const { appendOnly, changes, keyspace, log, logLoader } = this.server;
    const { directory } = appendOnly;
    // What has gathered is not in the file yet: it would be lost here, and come into the file behind the loss.
    if (appendOnly.state === "on" && appendOnly.writing.syncNow() !== null) return LOADING_LOG_FAILED;
    try {
      const isThere = appendOnly.state === "on" || directory.read(); // another server may have written it since
      if (!isThere) return "ERR There is no append-only file to load";
      changes.flush(keyspace.databases);
      logLoader.loadNow(directory);
    } catch (error) {
      log.warning(`DEBUG LOADAOF failed: ${reasonOf(error)}`);
      return LOADING_LOG_FAILED;
    }
    changes.saved(changes.made);
    log.warning("Append Only File loaded by DEBUG LOADAOF");
    return null;
  }
}
