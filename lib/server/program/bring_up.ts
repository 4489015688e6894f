/**
 * From a server that is made and listens to one that serves: its regular work begins, what servers that were killed have
 * left is removed, the data is loaded. The program does this at its start, and a simulation each time it starts a server.
 */

import { fromBinary, toBinary } from "../../bytes/paths.ts";
import { systemErrorText } from "../../bytes/system_errors.ts";
import { ManifestError } from "../../persistence/aof/manifest.ts";
import { LoadError } from "../../persistence/load.ts";
import { FileError } from "../../persistence/rdb_file.ts";
import { RdbError } from "../../persistence/rdb_format.ts";
import { removeAbandoned } from "../../persistence/temporary_files.ts";
import { monotonicMs } from "../../runtime/clock.ts";
import { files } from "../../runtime/files.ts";
import { reasonOf } from "../data/append_only.ts";
import { LogLoadError } from "../data/log_loading.ts";
import type { Server } from "../server.ts";

/** Brings a server up that listens already; false, after having said why, where its data cannot be loaded. */
export async function bringUp(server: Server): Promise<boolean> {
  server.cron.start();
  server.replication.beginLoading();
  removeLeftovers(server);
  if (!await loadData(server)) return false;
  server.ready();
  return true;
}

/** Removes what servers that were killed have left half written. */
function removeLeftovers(server: Server): void {
  for (const name of removeAbandoned(fromBinary(server.config.text("dir")), server.startedMs)) {
    server.log.notice(`Removed ${toBinary(name)}, which a server that is gone has left unfinished`);
  }
  server.appendOnly.directory.removeUnfinished();
}

/** Loads what there is; false, after having said why, where it cannot be used. */
async function loadData(server: Server): Promise<boolean> {
  const { appendOnly, config, log, logLoader, phase } = server;
  if (!config.flag("appendonly")) return await loadRdb(server);
  phase.setLoading(true);
  try {
    if (await appendOnly.find()) await logLoader.load(appendOnly.directory);
    // There is none yet: the data that it is to follow is in the RDB file, if there is any.
    else if (!await loadRdb(server)) return false;
    await appendOnly.start();
    return true;
  } catch (error) {
    if (error instanceof LogLoadError) log.warning(error.message);
    else if (error instanceof ManifestError || error instanceof FileError) log.warning(reasonOf(error));
    else throw error;
    return false;
  } finally {
    phase.setLoading(false);
  }
}

/** Loads the RDB file; false, after having said why, where it cannot be used. */
async function loadRdb(server: Server): Promise<boolean> {
  const { saving, log, config } = server;
  if (config.text("dbfilename") === "") return true; // a file without a name is not there
  let bytes: number;
  try {
    bytes = files().stat(saving.path).bytes;
  } catch (error) {
    if (systemErrorText(error) === "No such file or directory") return true;
    log.warning(`Fatal error loading the DB: ${systemErrorText(error)}. Exiting.`);
    return false;
  }
  const startedMs = monotonicMs();
  try {
    const result = await saving.load(bytes);
    const seconds = ((monotonicMs() - startedMs) / 1000).toFixed(3);
    const { keysLoaded, keysExpired, emptyKeys } = result;
    const skipped = emptyKeys > 0 ? `, empty keys skipped: ${emptyKeys}` : "";
    log.notice(`Done loading RDB, keys loaded: ${keysLoaded}, keys expired: ${keysExpired}${skipped}.`);
    log.notice(`DB loaded from disk: ${seconds} seconds`);
    return true;
  } catch (error) {
    if (!(error instanceof LoadError)) throw error;
    if (error.cause instanceof RdbError) {
      const { offset, reason } = error.cause;
      log.warning(`Internal error in RDB reading offset ${offset} -> ${reason}`);
      log.warning("Terminating server after rdb file reading failure.");
    }
    log.warning(`Fatal error loading the DB, check server logs. Exiting. ${error.message}`);
    return false;
  }
}
