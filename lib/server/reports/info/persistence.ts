/** INFO persistence: how loading and saving fare. */

import { unixMs } from "../../../runtime/clock.ts";
import type { AppendOnly } from "../../data/append_only.ts";
import type { Phase } from "../../data/phase.ts";
import type { LoadingProgress, Saving } from "../../data/saving.ts";
import type { Changes } from "../../execution/changes.ts";
import { type Field, percent, zeros } from "./field.ts";

/** What the section tells of. */
export interface PersistenceSource {
  readonly appendOnly: AppendOnly;
  readonly changes: Pick<Changes, "unsaved">;
  readonly loading: boolean;
  readonly phase: Pick<Phase, "isAsyncLoading">;
  readonly saving: Pick<
    Saving,
    | "inBackground"
    | "lastLoad"
    | "lastSaveMs"
    | "lastSeconds"
    | "lastSnapshotBytes"
    | "lastSucceeded"
    | "loading"
    | "saves"
    | "snapshotter"
    | "startedMs"
  >;
}

/** The fields of the section, in Redis\'s order. */
export function persistenceFields({ appendOnly, changes, loading, phase, saving }: PersistenceSource): Field[] {
  const { snapshotter, lastLoad } = saving;
  const { running, keysProcessed, keysTotal, memory } = snapshotter;
  const nowMs = unixMs();
  return [
    ["loading", loading ? 1 : 0],
    ["async_loading", phase.isAsyncLoading ? 1 : 0],
    ["current_cow_peak", running ? memory.peakBytes : 0],
    ["current_cow_size", running ? memory.bytes : 0],
    ["current_cow_size_age", 0], // it is counted as it changes
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
    ["rdb_last_cow_size", saving.lastSnapshotBytes],
    ["rdb_last_load_keys_expired", lastLoad?.keysExpired ?? 0],
    ["rdb_last_load_keys_loaded", lastLoad?.keysLoaded ?? 0],
    ...rewriteFields(appendOnly, nowMs),
    ["aof_last_cow_size", appendOnly.lastSnapshotBytes],
    ...zeros("module_fork_in_progress", "module_fork_last_cow_size"),
    ...(appendOnly.isOn ? logFields(appendOnly) : []),
    ...(saving.loading === null ? [] : loadingFields(saving.loading, nowMs)),
  ];
}

/** The append-only file, as it is shown whether or not it is written. */
function rewriteFields(appendOnly: AppendOnly, nowMs: number): Field[] {
  const { isOn, isRewriting, limit, rewriteScheduled, rewriteStartedMs, writing } = appendOnly;
  return [
    ["aof_enabled", isOn ? 1 : 0],
    ["aof_rewrite_in_progress", isRewriting ? 1 : 0],
    ["aof_rewrite_scheduled", rewriteScheduled ? 1 : 0],
    ["aof_last_rewrite_time_sec", appendOnly.lastRewriteSeconds],
    ["aof_current_rewrite_time_sec", isRewriting ? Math.floor((nowMs - rewriteStartedMs) / 1000) : -1],
    ["aof_last_bgrewrite_status", appendOnly.lastRewriteSucceeded ? "ok" : "err"],
    ["aof_rewrites", appendOnly.rewrites],
    ["aof_rewrites_consecutive_failures", limit.failures],
    ["aof_last_write_status", writing.error === null ? "ok" : "err"],
  ];
}

/** What is shown only while it is. */
function logFields({ baseBytes, bytes, rewriteScheduled, writing }: AppendOnly): Field[] {
  return [
    ["aof_current_size", bytes],
    ["aof_base_size", baseBytes],
    ["aof_pending_rewrite", rewriteScheduled ? 1 : 0],
    ["aof_buffer_length", writing.bufferedBytes],
    ["aof_pending_bio_fsync", writing.isSyncing ? 1 : 0],
    ["aof_delayed_fsync", writing.delayedSyncs],
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
