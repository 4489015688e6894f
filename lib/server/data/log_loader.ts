/**
 * When an append-only file is loaded: at the start, while clients are told that it is, or at once (DEBUG LOADAOF).
 */

import type { Config } from "../../config/config.ts";
import type { AofDirectory } from "../../persistence/aof/directory.ts";
import { unixMs } from "../../runtime/clock.ts";
import { sleep, sleepSync } from "../../runtime/timers.ts";
import { nextTurn } from "../../runtime/turns.ts";
import type { Settings } from "../program/settings.ts";
import { LogLoading, type LogLoadingHost } from "./log_loading.ts";
import type { Phase } from "./phase.ts";
import type { LoadingProgress, Saving } from "./saving.ts";

/** How long loading may sleep at a time for the delay that its commands are to take, in ms. */
const LONGEST_WAIT_MS = 20;

/** What loading needs of the server beyond what its work does. */
export interface LogLoaderHost extends LogLoadingHost {
  readonly config: LogLoadingHost["config"] & Config;
  readonly phase: Pick<Phase, "setLoading">;
  readonly saving: LogLoadingHost["saving"] & Pick<Saving, "loading" | "readOptions">;
  readonly settings: LogLoadingHost["settings"] & Pick<Settings, "keyLoadDelayMs">;
}

/** Loads append-only files. */
export class LogLoader {
  constructor(readonly server: LogLoaderHost) {}

  /** Loads the files of a directory while others go on. Rejects with a LogLoadError; the databases are half filled then. */
  async load(directory: AofDirectory): Promise<void> {
    for (const waitMs of this.#run(directory)) {
      if (waitMs === 0) await nextTurn();
      else for (let left = waitMs; left > 0; left -= LONGEST_WAIT_MS) await sleep(Math.min(left, LONGEST_WAIT_MS));
    }
  }

  /** The same while everybody waits. Throws. */
  loadNow(directory: AofDirectory): void {
    for (const waitMs of this.#run(directory)) if (waitMs > 0) sleepSync(waitMs);
  }

  *#run(directory: AofDirectory): Generator<number, void> {
    const { config, keyspace, phase, saving, settings } = this.server;
    const progress: LoadingProgress = { startedMs: unixMs(), totalBytes: 0, loadedBytes: 0, loadedKeys: 0 };
    const loading = new LogLoading(this.server, directory, {
      rdb: { ...saving.readOptions, dropExpired: false },
      mayBeCut: config.flag("aof-load-truncated"),
      delayMs: () => settings.keyLoadDelayMs,
    }, progress);
    saving.loading = progress;
    phase.setLoading(true);
    try {
      keyspace.functions = []; // the log brings its own
      yield* loading.run();
    } finally {
      saving.loading = null;
      phase.setLoading(false);
    }
  }
}
