/** INFO persistence: how loading and saving fare. */

import { unixMs } from "../../../runtime/clock.ts";
import type { Phase } from "../../data/phase.ts";
import type { LoadingProgress, Saving } from "../../data/saving.ts";
import type { Changes } from "../../execution/changes.ts";
import { type Field, percent, zeros } from "./field.ts";

/** What the section tells of. */
export interface PersistenceSource {
  readonly changes: Pick<Changes, "unsaved">;
  readonly loading: boolean;
  readonly phase: Pick<Phase, "isAsyncLoading">;
  readonly saving: Pick<
    Saving,
    | "inBackground"
    | "lastLoad"
    | "lastSaveMs"
    | "lastSeconds"
    | "lastSucceeded"
    | "loading"
    | "saves"
    | "snapshotter"
    | "startedMs"
  >;
}

/** The fields of the section, in Redis\'s order. */
export function persistenceFields({ changes, loading, phase, saving }: PersistenceSource): Field[] {
  const { snapshotter, lastLoad } = saving;
  const { running, keysProcessed, keysTotal } = snapshotter;
  const nowMs = unixMs();
  return [
    ["loading", loading ? 1 : 0],
    ["async_loading", phase.isAsyncLoading ? 1 : 0],
    ...zeros("current_cow_peak", "current_cow_size", "current_cow_size_age"),
    ["current_fork_perc", running ? percent(keysProcessed, keysTotal) : "0.00"],
    ["current_save_keys_processed", running ? keysProcessed : 0],
    ["current_save_keys_total", running ? keysTotal : 0],
    ["rdb_changes_since_last_save", changes.unsaved],
    ["rdb_bgsave_in_progress", saving.inBackground ? 1 : 0],
    ["rdb_last_save_time", Math.floor(saving.lastSaveMs / 1000)],
    ["rdb_last_bgsave_status", saving.lastSucceeded ? "ok" : "err"],
    ["rdb_last_bgsave_time_sec", saving.lastSeconds],
    ["rdb_current_bgsave_time_sec", saving.inBackground ? Math.floor((nowMs - saving.startedMs) / 1000) : -1],
    ["rdb_saves", saving.saves],
    ["rdb_last_cow_size", 0],
    ["rdb_last_load_keys_expired", lastLoad?.keysExpired ?? 0],
    ["rdb_last_load_keys_loaded", lastLoad?.keysLoaded ?? 0],
    ...zeros("aof_enabled", "aof_rewrite_in_progress", "aof_rewrite_scheduled"),
    ["aof_last_rewrite_time_sec", -1],
    ["aof_current_rewrite_time_sec", -1],
    ["aof_last_bgrewrite_status", "ok"],
    ...zeros("aof_rewrites", "aof_rewrites_consecutive_failures"),
    ["aof_last_write_status", "ok"],
    ...zeros("aof_last_cow_size", "module_fork_in_progress", "module_fork_last_cow_size"),
    ...(saving.loading === null ? [] : loadingFields(saving.loading, nowMs)),
  ];
}

/** What is shown only while the data is being loaded. */
function loadingFields({ loadedBytes, totalBytes, startedMs }: LoadingProgress, nowMs: number): Field[] {
  const elapsed = (nowMs - startedMs) / 1000;
  const eta = loadedBytes === 0 ? -1 : Math.round((elapsed * (totalBytes - loadedBytes)) / loadedBytes);
  return [
    ["loading_start_time", Math.floor(startedMs / 1000)],
    ["loading_total_bytes", totalBytes],
    ["loading_rdb_used_mem", 0],
    ["loading_loaded_bytes", loadedBytes],
    ["loading_loaded_perc", percent(loadedBytes, totalBytes)],
    ["loading_eta_seconds", eta],
  ];
}
