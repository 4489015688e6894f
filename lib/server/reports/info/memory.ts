/** INFO memory: what the server uses, what the process takes, and what is lost between the two. */

import os from "node:os";
import type { Config } from "../../../config/config.ts";
import type { Heap } from "../../../store/heap.ts";
import type { Memory } from "../../data/memory.ts";
import type { Scripting } from "../../execution/scripting.ts";
import type { Statistics } from "../statistics.ts";
import { type Field, humanBytes, percent, zeros } from "./field.ts";

/** What the section tells of. */
export interface MemorySource {
  readonly config: Config;
  readonly memory: Pick<Memory, "measure" | "startupBytes">;
  readonly scripting: Pick<Scripting, "functions" | "scripts">;
  readonly statistics: Pick<Statistics, "peakMemoryBytes">;
  readonly store: { readonly heap: Pick<Heap, "freedInSlices" | "pendingValues"> };
}

/** The fields of the section, in Redis\'s order. */
export function memoryFields({ config, memory, scripting, statistics, store }: MemorySource): Field[] {
  const { functions, scripts } = scripting;
  const use = memory.measure();
  const peak = statistics.peakMemoryBytes;
  const limit = config.number("maxmemory");
  const total = os.totalmem();
  return [
    ["used_memory", use.usedBytes],
    ["used_memory_human", humanBytes(use.usedBytes)],
    ["used_memory_rss", use.residentBytes],
    ["used_memory_rss_human", humanBytes(use.residentBytes)],
    ["used_memory_peak", peak],
    ["used_memory_peak_human", humanBytes(peak)],
    ["used_memory_peak_perc", `${percent(use.usedBytes, peak)}%`],
    ["used_memory_overhead", use.overheadBytes],
    ["used_memory_startup", memory.startupBytes],
    ["used_memory_dataset", use.datasetBytes],
    ["used_memory_dataset_perc", `${percent(use.datasetBytes, use.usedBytes - memory.startupBytes)}%`],
    ["used_memory_runtime_heap", use.heapBytes],
    ["allocator_allocated", use.arenaBytes],
    ["allocator_active", use.committedBytes],
    ["allocator_resident", use.committedBytes],
    ["total_system_memory", total],
    ["total_system_memory_human", humanBytes(total)],
    // What scripts have while they run is in the runtime's heap, which has no part of its own for that.
    ...zeros("used_memory_lua", "used_memory_vm_eval"),
    ["used_memory_lua_human", "0B"],
    ["used_memory_scripts_eval", scripts.bytes],
    ["number_of_cached_scripts", scripts.size],
    ["number_of_functions", functions.functionCount],
    ["number_of_libraries", functions.libraries.size],
    ...zeros("used_memory_vm_functions", "used_memory_vm_total"),
    ["used_memory_vm_total_human", "0B"],
    ["used_memory_functions", functions.bytes],
    ["used_memory_scripts", scripts.bytes + functions.bytes],
    ["used_memory_scripts_human", humanBytes(scripts.bytes + functions.bytes)],
    ["maxmemory", limit],
    ["maxmemory_human", humanBytes(limit)],
    ["maxmemory_policy", config.choice("maxmemory-policy")],
    ["allocator_frag_ratio", (use.committedBytes / use.arenaBytes).toFixed(2)],
    ["allocator_frag_bytes", use.committedBytes - use.arenaBytes],
    ["allocator_rss_ratio", "1.00"],
    ["allocator_rss_bytes", 0],
    ["rss_overhead_ratio", (use.residentBytes / use.committedBytes).toFixed(2)],
    ["rss_overhead_bytes", use.residentBytes - use.committedBytes],
    ["mem_fragmentation_ratio", (use.residentBytes / use.usedBytes).toFixed(2)],
    ["mem_fragmentation_bytes", use.residentBytes - use.usedBytes],
    ["mem_not_counted_for_evict", use.replicaBytes + use.snapshotBytes],
    ["mem_replication_backlog", use.backlogBytes],
    ["mem_total_replication_buffers", use.backlogBytes + use.replicaBytes],
    ["mem_clients_slaves", use.replicaBytes],
    ["mem_clients_normal", use.clientBytes],
    ...zeros("mem_cluster_links", "mem_aof_buffer"),
    ["mem_allocator", "arena"],
    ["active_defrag_running", 0],
    ["lazyfree_pending_objects", store.heap.pendingValues],
    ["lazyfreed_objects", store.heap.freedInSlices],
  ];
}
