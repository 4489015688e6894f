/**
 * The files of snapshots that replication needs on disk: their names, and that they go again where nothing is to be kept
 * there. Used for the replicas' snapshots and for the primary's.
 */

import { fromBinary, toBinary } from "../../bytes/paths.ts";
import { systemErrorText } from "../../bytes/system_errors.ts";
import type { Config } from "../../config/config.ts";
import { removeAside } from "../../persistence/rdb_file.ts";
import { temporaryFile } from "../../persistence/temporary_files.ts";
import type { Log } from "../program/log.ts";

/** What decides on the files, and who is told. */
export interface SyncFilesHost {
  readonly config: Config;
  readonly log: Pick<Log, "notice" | "warning">;
}

/** A name for a file that is written for replicas (`repl`), or received from the primary (`sync`). */
export function syncFile(config: Config, kind: "repl" | "sync"): string {
  return temporaryFile(fromBinary(config.text("dir")), kind);
}

/** `rdb-del-sync-files`: where nothing is to be kept on disk, neither is what replication needed there. */
export function removeSyncFile({ config, log }: SyncFilesHost, path: string, reason: string): void {
  if (!config.flag("rdb-del-sync-files") || config.savePoints.length > 0) return;
  log.notice(reason);
  removeAside(path, syncFile(config, "repl")).catch((error) => {
    log.warning(`Can't remove ${toBinary(path)}: ${systemErrorText(error)}`);
  });
}
