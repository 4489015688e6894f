/** INFO stats, and the figures of the event loop among them that INFO debug has: what has happened since the start. */

import type { CommandTable } from "../../../commands/table.ts";
import type { Restorer } from "../../../persistence/dump.ts";
import type { PubSub } from "../../../pubsub/pubsub.ts";
import type { Keyspace } from "../../../store/keyspace.ts";
import type { Store } from "../../../store/store.ts";
import type { Tracking } from "../../clients/tracking.ts";
import type { Cron } from "../../data/cron.ts";
import type { MemoryLimit } from "../../data/memory_limit.ts";
import type { Migration } from "../../data/migration.ts";
import type { Scripting } from "../../execution/scripting.ts";
import type { Rates } from "../rates.ts";
import type { Statistics } from "../statistics.ts";
import { eachCommand } from "./commands.ts";
import { type Field, KIB, zeros } from "./field.ts";

/** What the section tells of. */
export interface StatsSource {
  readonly commands: Pick<CommandTable, "byName">;
  readonly cron: Pick<Cron, "staleShare" | "ticks">;
  readonly keyspace: Pick<Keyspace, "localExpiries">;
  readonly migration: Pick<Migration, "keptLinks">;
  readonly memoryLimit: Pick<MemoryLimit, "exceededMs">;
  readonly pubsub: Pick<PubSub, "channelCount" | "patternCount">;
  readonly rates: Rates;
  readonly restorer: Pick<Restorer, "checked">;
  readonly scripting: Pick<Scripting, "scripts">;
  readonly saving: { readonly snapshotter: { readonly begun: number } };
  readonly statistics: Statistics;
  readonly store: Pick<Store, "expiredKeys" | "hits" | "misses">;
  readonly tracking: Pick<Tracking, "totalItems" | "totalKeys" | "totalPrefixes">;
}

/** The fields of the section, in Redis\'s order. */
export function statsFields(server: StatsSource): Field[] {
  const { statistics: of, keyspace, store, rates, pubsub, cron, tracking, migration, restorer, saving } = server;
  const kbps = (bytesPerSecond: number) => (bytesPerSecond / KIB).toFixed(2);
  const exceededMs = server.memoryLimit.exceededMs;
  const commandTime = commandMicroseconds(server.commands);
  // The event loop is the runtime's; what we see of it are the arrivals of data and the ticks.
  const cycles = of.readsProcessed + cron.ticks;
  return [
    ["total_connections_received", of.connectionsReceived],
    ["total_commands_processed", of.commandsProcessed],
    ["instantaneous_ops_per_sec", Math.round(rates.commands.perSecond)],
    ["total_net_input_bytes", of.networkInputBytes],
    ["total_net_output_bytes", of.networkOutputBytes],
    ["total_net_repl_input_bytes", of.replicationInputBytes],
    ["total_net_repl_output_bytes", of.replicationOutputBytes],
    ["instantaneous_input_kbps", kbps(rates.input.perSecond)],
    ["instantaneous_output_kbps", kbps(rates.output.perSecond)],
    ["instantaneous_input_repl_kbps", kbps(rates.replicationInput.perSecond)],
    ["instantaneous_output_repl_kbps", kbps(rates.replicationOutput.perSecond)],
    ["rejected_connections", of.connectionsRejected],
    ["sync_full", of.syncFull],
    ["sync_partial_ok", of.syncPartialOk],
    ["sync_partial_err", of.syncPartialError],
    ["sync_slowed_writes", of.syncSlowedWrites],
    ["sync_slowed_writes_ms", Math.round(of.syncSlowedMs)],
    ["expired_keys", store.expiredKeys],
    ["expired_stale_perc", (cron.staleShare * 100).toFixed(2)],
    ["expired_time_cap_reached_count", of.expiredTimeCapReached],
    ["expire_cycle_cpu_milliseconds", Math.round(of.expireCycleMs)],
    ["evicted_keys", of.evictedKeys],
    ["evicted_clients", of.evictedClients],
    ["evicted_scripts", server.scripting.scripts.evicted],
    ["client_query_buffer_limit_disconnections", of.queryBufferDisconnections],
    ["client_output_buffer_limit_disconnections", of.outputBufferDisconnections],
    ["total_eviction_exceeded_time", Math.round(exceededMs.total)],
    ["current_eviction_exceeded_time", Math.round(exceededMs.current)],
    ["keyspace_hits", store.hits],
    ["keyspace_misses", store.misses],
    ["pubsub_channels", pubsub.channelCount("channel")],
    ["pubsub_patterns", pubsub.patternCount],
    ["pubsubshard_channels", pubsub.channelCount("shard")],
    ["latest_fork_usec", 0],
    ["total_forks", saving.snapshotter.begun], // no fork, but what others fork for
    ["migrate_cached_sockets", migration.keptLinks],
    ["slave_expires_tracked_keys", keyspace.localExpiries.size],
    ...zeros("active_defrag_hits", "active_defrag_misses", "active_defrag_key_hits", "active_defrag_key_misses"),
    ...zeros("total_active_defrag_time", "current_active_defrag_time"),
    ["tracking_total_keys", tracking.totalKeys],
    ["tracking_total_items", tracking.totalItems],
    ["tracking_total_prefixes", tracking.totalPrefixes],
    ["unexpected_error_replies", of.unexpectedErrorReplies],
    ["total_error_replies", of.totalErrorReplies],
    ["dump_payload_sanitizations", restorer.checked],
    ["total_reads_processed", of.readsProcessed],
    ["total_writes_processed", of.writesProcessed],
    ...zeros("io_threaded_reads_processed", "io_threaded_writes_processed"),
    ...zeros("reply_buffer_shrinks", "reply_buffer_expands"),
    ["eventloop_cycles", cycles],
    ["eventloop_duration_sum", commandTime + Math.round(of.expireCycleMs * 1000)],
    ["eventloop_duration_cmd_sum", commandTime],
    ["instantaneous_eventloop_cycles_per_sec", Math.round(rates.cycles.perSecond)],
    [
      "instantaneous_eventloop_duration_usec",
      Math.round((commandTime + of.expireCycleMs * 1000) / Math.max(1, cycles)),
    ],
    ["acl_access_denied_auth", of.aclDeniedAuth],
    ...zeros("acl_access_denied_cmd", "acl_access_denied_key", "acl_access_denied_channel"),
  ];
}

/** Time spent in commands since the last reset, in µs. */
function commandMicroseconds(commands: StatsSource["commands"]): number {
  let sum = 0;
  for (const command of eachCommand(commands)) sum += command.stats.microseconds;
  return Math.round(sum);
}

/** Figures of the event loop that Redis keeps for its own developers. */
export function debugFields({ statistics }: Pick<StatsSource, "statistics">): Field[] {
  return [
    ["eventloop_duration_aof_sum", 0],
    ["eventloop_duration_cron_sum", Math.round(statistics.expireCycleMs * 1000)],
    ["eventloop_duration_max", Math.round(statistics.longestMs * 1000)],
    ["eventloop_cmd_per_cycle_max", statistics.mostCommandsPerBatch],
  ];
}
