/**
 * Whether clients may write: not while saving to the disk, or writing the log, fails, nor while there are fewer good replicas than the
 * configuration asks for. Told by saving and replication when either may have changed.
 */

import type { Config } from "../../config/config.ts";
import type { Dispatcher } from "../execution/dispatcher.ts";
import { GATE_NO_WRITES } from "../execution/gates.ts";

const MISCONF =
  "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands " +
  "that may modify the data set are disabled, because this instance is configured to report errors during writes if RDB " +
  "snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB error.";
const MISCONF_LOG = "MISCONF Errors writing to the AOF file: ";
const NOREPLICAS = "NOREPLICAS Not enough good replicas to write.";

/** What the gate depends on, and where it stands. */
export interface WriteGateHost {
  /** The append-only file, and why it cannot be written; null where it can. */
  readonly appendOnly: { readonly writing: { readonly error: string | null } };
  readonly config: Config;
  readonly dispatcher: Pick<Dispatcher, "diskFails" | "setGate" | "writesRefused">;
  readonly replication: { readonly replicas: { readonly areTooFew: boolean } };
  readonly saving: { readonly lastSucceeded: boolean };
}

/** Refuses writes, or allows them. */
export class WriteGate {
  constructor(readonly server: WriteGateHost) {
    const { config } = server;
    config.onChange("stop-writes-on-bgsave-error", () => this.refresh());
    config.onChange("save", () => this.refresh());
    config.onChange("min-replicas-to-write", () => this.refresh());
    config.onChange("min-replicas-max-lag", () => this.refresh());
  }

  /** Refuses writes, or allows them again, as it is now. */
  refresh(): void {
    const { appendOnly, config, dispatcher, replication, saving } = this.server;
    const cannotSave = !saving.lastSucceeded && config.flag("stop-writes-on-bgsave-error") &&
      config.savePoints.length > 0;
    const { error } = appendOnly.writing;
    const misconf = cannotSave ? MISCONF : error === null ? null : MISCONF_LOG + error;
    dispatcher.diskFails = misconf !== null;
    dispatcher.writesRefused = misconf ?? NOREPLICAS;
    dispatcher.setGate(GATE_NO_WRITES, misconf !== null || replication.replicas.areTooFew);
  }
}
