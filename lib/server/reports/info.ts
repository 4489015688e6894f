/**
 * INFO: the server's account of itself, section by section, in the names and the order that clients and monitoring tools
 * know (Redis documentation, "INFO"). Fields about what does not exist here, such as scripts, are there and are zero.
 */

import os from "node:os";
import process from "node:process";
import { Crc64 } from "../../bytes/crc64.ts";
import { encodeLatin1 } from "../../bytes/latin1.ts";
import { toBinary } from "../../bytes/paths.ts";
import type { Command } from "../../commands/command.ts";
import type { CommandTable } from "../../commands/table.ts";
import type { Config } from "../../config/config.ts";
import type { PubSub } from "../../pubsub/pubsub.ts";
import { randomId } from "../../replication/stream.ts";
import { preciseUnixMs, unixMs } from "../../runtime/clock.ts";
import { random } from "../../runtime/random.ts";
import type { Database } from "../../store/database.ts";
import type { Keyspace } from "../../store/keyspace.ts";
import type { Store } from "../../store/store.ts";
import type { ClientSession } from "../clients/session.ts";
import type { Tracking } from "../clients/tracking.ts";
import type { Changes } from "../execution/changes.ts";
import type { Cron } from "../data/cron.ts";
import type { Memory } from "../data/memory.ts";
import type { MemoryLimit } from "../data/memory_limit.ts";
import type { Phase } from "../data/phase.ts";
import type { Saving } from "../data/saving.ts";
import { REDIS_VERSION, runtimeName, TREDIS_VERSION } from "../program/banner.ts";
import type { Settings } from "../program/settings.ts";
import type { Shutdown } from "../program/shutdown.ts";
import { type Field, type ReplicationFacts, replicationInfo } from "./info_replication.ts";
import type { Rates } from "./rates.ts";
import type { Statistics } from "./statistics.ts";

/** What INFO tells of. */
export interface InfoSource {
  readonly blockedClients: number;
  readonly clients: ReadonlyMap<number, ClientSession>;
  readonly commands: Pick<CommandTable, "byName">;
  readonly config: Config;
  readonly cron: Pick<Cron, "staleShare" | "ticks">;
  readonly changes: Pick<Changes, "unsaved">;
  readonly loading: boolean;
  readonly memory: Pick<Memory, "measure" | "startupBytes">;
  readonly memoryLimit: Pick<MemoryLimit, "exceededMs">;
  readonly phase: Pick<Phase, "isAsyncLoading">;
  readonly pubsub: Pick<PubSub, "channelCount" | "patternCount">;
  readonly rates: Rates;
  readonly replication: ReplicationFacts;
  readonly saving: Saving;
  readonly settings: Pick<Settings, "hz" | "maxClients">;
  readonly shutdown: Pick<Shutdown, "deadlineMs" | "pending">;
  readonly startedMs: number;
  readonly statistics: Statistics;
  readonly keyspace: Keyspace;
  readonly store: Store;
  readonly tracking: Pick<Tracking, "clientCount" | "totalItems" | "totalKeys" | "totalPrefixes">;
}

type SectionName =
  | "server"
  | "clients"
  | "memory"
  | "persistence"
  | "stats"
  | "replication"
  | "cpu"
  | "modules"
  | "commandstats"
  | "errorstats"
  | "latencystats"
  | "cluster"
  | "keyspace"
  | "debug";

interface Section {
  readonly name: SectionName;
  readonly title: string;
  /** Whether it is shown when no section is named. */
  readonly byDefault: boolean;
  /** Shown only by its name, not among all. */
  readonly isHidden?: true;
  readonly fields: (server: InfoSource) => Iterable<Field>;
}

/** Expiring keys from which a database's average time to live is estimated. */
const TTL_SAMPLE = 128;
const RUN_ID: string = randomId();
const KIB = 1024;

/** The sections, in the order in which they are shown. */
const SECTIONS: readonly Section[] = [
  { name: "server", title: "Server", byDefault: true, fields: serverFields },
  { name: "clients", title: "Clients", byDefault: true, fields: clientFields },
  { name: "memory", title: "Memory", byDefault: true, fields: memoryFields },
  { name: "persistence", title: "Persistence", byDefault: true, fields: persistenceFields },
  { name: "stats", title: "Stats", byDefault: true, fields: statisticsFields },
  { name: "replication", title: "Replication", byDefault: true, fields: replicationFields },
  { name: "cpu", title: "CPU", byDefault: true, fields: cpuFields },
  { name: "modules", title: "Modules", byDefault: true, fields: () => [] },
  { name: "commandstats", title: "Commandstats", byDefault: false, fields: commandFields },
  { name: "errorstats", title: "Errorstats", byDefault: true, fields: errorFields },
  { name: "latencystats", title: "Latencystats", byDefault: false, fields: latencyFields },
  { name: "cluster", title: "Cluster", byDefault: true, fields: () => [["cluster_enabled", 0]] },
  { name: "keyspace", title: "Keyspace", byDefault: true, fields: keyspaceFields },
  { name: "debug", title: "Debug", byDefault: false, isHidden: true, fields: debugFields },
];

/** The text of the sections named, in any case; without names, of those that are shown by default. Unknown ones are empty. */
export function infoText(server: InfoSource, names: readonly string[]): string {
  const asked = new Set(names.map((name) => name.toLowerCase()));
  const all = asked.has("all") || asked.has("everything");
  const defaults = asked.size === 0 || asked.has("default");
  const parts: string[] = [];
  for (const { name, title, byDefault, isHidden, fields } of SECTIONS) {
    if (!(all && !isHidden) && !asked.has(name) && !(defaults && byDefault)) continue;
    let text = `# ${title}\r\n`;
    for (const [field, value] of fields(server)) text += `${field}:${value}\r\n`;
    parts.push(text);
  }
  return parts.join("\r\n");
}

/** Event loop figures, as Redis keeps them for its own developers. */
function debugFields({ statistics }: InfoSource): Field[] {
  return [
    ["eventloop_duration_aof_sum", 0],
    ["eventloop_duration_cron_sum", Math.round(statistics.expireCycleMs * 1000)],
    ["eventloop_duration_max", Math.round(statistics.longestMs * 1000)],
    ["eventloop_cmd_per_cycle_max", statistics.mostCommandsPerBatch],
  ];
}

/** A size as people read it: `1.50M`. */
export function humanBytes(bytes: number): string {
  const units = ["B", "K", "M", "G", "T", "P"];
  let unit = 0;
  let size = bytes;
  while (Math.abs(size) >= KIB && unit < units.length - 1) {
    size /= KIB;
    unit++;
  }
  return unit === 0 ? `${Math.round(size)}B` : `${size.toFixed(2)}${units[unit]}`;
}

function seconds(microseconds: number): string {
  return (microseconds / 1e6).toFixed(6);
}

function percent(part: number, whole: number): string {
  return `${(whole === 0 ? 0 : (part / whole) * 100).toFixed(2)}%`;
}

/** How the system tells the runtime of events on sockets. */
function multiplexing(): string {
  return process.platform === "linux" ? "epoll" : process.platform === "win32" ? "iocp" : "kqueue";
}

function serverFields(server: InfoSource): Field[] {
  const { config, store, settings } = server;
  const uptime = Math.floor((unixMs() - server.startedMs) / 1000);
  const build = new Crc64();
  build.update(encodeLatin1(`${TREDIS_VERSION} ${runtimeName()}`));
  const fields: Field[] = [
    ["redis_version", REDIS_VERSION],
    ["server_name", "tredis"],
    ["tredis_version", TREDIS_VERSION],
    ["tredis_runtime", runtimeName()],
    ["redis_git_sha1", "00000000"],
    ["redis_git_dirty", 0],
    ["redis_build_id", build.toString()],
    ["redis_mode", "standalone"],
    ["os", `${os.type()} ${os.release()} ${os.arch() === "x64" ? "x86_64" : os.arch()}`],
    ["arch_bits", 64],
    ["monotonic_clock", "POSIX clock_gettime"],
    ["multiplexing_api", multiplexing()],
    ["atomicvar_api", "none"],
    ["gcc_version", "0.0.0"],
    ["process_id", process.pid],
    ["process_supervised", "no"],
    ["run_id", RUN_ID],
    ["tcp_port", config.number("port")],
    ["server_time_usec", Math.round(preciseUnixMs() * 1000)],
    ["uptime_in_seconds", uptime],
    ["uptime_in_days", Math.floor(uptime / 86_400)],
    ["hz", settings.hz],
    ["configured_hz", config.number("hz")],
    ["lru_clock", store.accessClock],
    ["executable", toBinary(process.execPath)],
    ["config_file", config.file ?? ""],
    ["io_threads_active", 0],
  ];
  const { pending, deadlineMs } = server.shutdown;
  if (pending) fields.push(["shutdown_in_milliseconds", Math.max(0, deadlineMs - unixMs())]);
  let listener = 0;
  const port = config.number("port");
  if (port !== 0) {
    const addresses = config.list("bind").map((address) => `,bind=${address}`).join("");
    fields.push([`listener${listener++}`, `name=tcp${addresses},port=${port}`]);
  }
  const path = config.text("unixsocket");
  if (path !== "") fields.push([`listener${listener}`, `name=unix,bind=${path}`]);
  return fields;
}

function clientFields(server: InfoSource): Field[] {
  let timed = 0;
  for (const client of server.clients.values()) {
    if (client.blocking !== null && client.blocking.timer !== null) timed++;
  }
  return [
    ["connected_clients", server.clients.size - server.replication.primary.replicas.size],
    ["cluster_connections", 0],
    ["maxclients", server.settings.maxClients],
    ["client_recent_max_input_buffer", server.rates.recentInputBytes],
    ["client_recent_max_output_buffer", server.rates.recentOutputBytes],
    ["blocked_clients", server.blockedClients],
    ["tracking_clients", server.tracking.clientCount],
    ["clients_in_timeout_table", timed],
    ["total_blocking_keys", 0],
    ["total_blocking_keys_on_nokey", 0],
  ];
}

function memoryFields(server: InfoSource): Field[] {
  const { config, memory, statistics } = server;
  const use = memory.measure();
  const peak = statistics.peakMemoryBytes;
  const limit = config.number("maxmemory");
  const total = os.totalmem();
  const zero = (...names: string[]): Field[] => names.map((name) => [name, 0]);
  return [
    ["used_memory", use.usedBytes],
    ["used_memory_human", humanBytes(use.usedBytes)],
    ["used_memory_rss", use.residentBytes],
    ["used_memory_rss_human", humanBytes(use.residentBytes)],
    ["used_memory_peak", peak],
    ["used_memory_peak_human", humanBytes(peak)],
    ["used_memory_peak_perc", percent(use.usedBytes, peak)],
    ["used_memory_overhead", use.overheadBytes],
    ["used_memory_startup", memory.startupBytes],
    ["used_memory_dataset", use.datasetBytes],
    ["used_memory_dataset_perc", percent(use.datasetBytes, use.usedBytes - memory.startupBytes)],
    ["used_memory_runtime_heap", use.heapBytes],
    ["allocator_allocated", use.arenaBytes],
    ["allocator_active", use.committedBytes],
    ["allocator_resident", use.committedBytes],
    ["total_system_memory", total],
    ["total_system_memory_human", humanBytes(total)],
    ...zero("used_memory_lua", "used_memory_vm_eval"),
    ["used_memory_lua_human", "0B"],
    ...zero("used_memory_scripts_eval", "number_of_cached_scripts", "number_of_functions", "number_of_libraries"),
    ...zero("used_memory_vm_functions", "used_memory_vm_total"),
    ["used_memory_vm_total_human", "0B"],
    ...zero("used_memory_functions", "used_memory_scripts"),
    ["used_memory_scripts_human", "0B"],
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
    ["mem_not_counted_for_evict", use.replicaBytes],
    ["mem_replication_backlog", use.backlogBytes],
    ["mem_total_replication_buffers", use.backlogBytes + use.replicaBytes],
    ["mem_clients_slaves", use.replicaBytes],
    ["mem_clients_normal", use.clientBytes],
    ...zero("mem_cluster_links", "mem_aof_buffer"),
    ["mem_allocator", "arena"],
    ["active_defrag_running", 0],
    ["lazyfree_pending_objects", server.store.heap.hasDiscarded ? 1 : 0],
    ["lazyfreed_objects", 0],
  ];
}

function persistenceFields(server: InfoSource): Field[] {
  const { saving } = server;
  const { snapshotter, loading, lastLoad } = saving;
  const nowMs = unixMs();
  const fields: Field[] = [
    ["loading", server.loading ? 1 : 0],
    ["async_loading", server.phase.isAsyncLoading ? 1 : 0],
    ["current_cow_peak", 0],
    ["current_cow_size", 0],
    ["current_cow_size_age", 0],
    [
      "current_fork_perc",
      (snapshotter.running && snapshotter.keysTotal > 0 ? (snapshotter.keysProcessed / snapshotter.keysTotal) * 100 : 0)
        .toFixed(2),
    ],
    ["current_save_keys_processed", snapshotter.running ? snapshotter.keysProcessed : 0],
    ["current_save_keys_total", snapshotter.running ? snapshotter.keysTotal : 0],
    ["rdb_changes_since_last_save", server.changes.unsaved],
    ["rdb_bgsave_in_progress", saving.inBackground ? 1 : 0],
    ["rdb_last_save_time", Math.floor(saving.lastSaveMs / 1000)],
    ["rdb_last_bgsave_status", saving.lastSucceeded ? "ok" : "err"],
    ["rdb_last_bgsave_time_sec", saving.lastSeconds],
    ["rdb_current_bgsave_time_sec", saving.inBackground ? Math.floor((nowMs - saving.startedMs) / 1000) : -1],
    ["rdb_saves", saving.saves],
    ["rdb_last_cow_size", 0],
    ["rdb_last_load_keys_expired", lastLoad?.keysExpired ?? 0],
    ["rdb_last_load_keys_loaded", lastLoad?.keysLoaded ?? 0],
    ["aof_enabled", 0],
    ["aof_rewrite_in_progress", 0],
    ["aof_rewrite_scheduled", 0],
    ["aof_last_rewrite_time_sec", -1],
    ["aof_current_rewrite_time_sec", -1],
    ["aof_last_bgrewrite_status", "ok"],
    ["aof_rewrites", 0],
    ["aof_rewrites_consecutive_failures", 0],
    ["aof_last_write_status", "ok"],
    ["aof_last_cow_size", 0],
    ["module_fork_in_progress", 0],
    ["module_fork_last_cow_size", 0],
  ];
  if (loading !== null) {
    const { loadedBytes, totalBytes, startedMs } = loading;
    const elapsed = (nowMs - startedMs) / 1000;
    const eta = loadedBytes === 0 ? -1 : Math.round((elapsed * (totalBytes - loadedBytes)) / loadedBytes);
    fields.push(
      ["loading_start_time", Math.floor(startedMs / 1000)],
      ["loading_total_bytes", totalBytes],
      ["loading_rdb_used_mem", 0],
      ["loading_loaded_bytes", loadedBytes],
      ["loading_loaded_perc", (totalBytes === 0 ? 0 : (loadedBytes / totalBytes) * 100).toFixed(2)],
      ["loading_eta_seconds", eta],
    );
  }
  return fields;
}

/** Time spent in commands since the last reset, in µs. */
function commandMicroseconds(server: InfoSource): number {
  let sum = 0;
  for (const command of eachCommand(server)) sum += command.stats.microseconds;
  return Math.round(sum);
}

function statisticsFields(server: InfoSource): Field[] {
  const { statistics: of, store, rates, pubsub, cron, tracking } = server;
  const zero = (...names: string[]): Field[] => names.map((name) => [name, 0]);
  const kbps = (bytesPerSecond: number) => (bytesPerSecond / KIB).toFixed(2);
  const commandTime = commandMicroseconds(server);
  const exceededMs = server.memoryLimit.exceededMs;
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
    ["expired_keys", store.expiredKeys],
    ["expired_stale_perc", (cron.staleShare * 100).toFixed(2)],
    ["expired_time_cap_reached_count", of.expiredTimeCapReached],
    ["expire_cycle_cpu_milliseconds", Math.round(of.expireCycleMs)],
    ["evicted_keys", of.evictedKeys],
    ["evicted_clients", of.evictedClients],
    ["client_query_buffer_limit_disconnections", of.queryBufferDisconnections],
    ["client_output_buffer_limit_disconnections", of.outputBufferDisconnections],
    ["total_eviction_exceeded_time", Math.round(exceededMs.total)],
    ["current_eviction_exceeded_time", Math.round(exceededMs.current)],
    ["keyspace_hits", store.hits],
    ["keyspace_misses", store.misses],
    ["pubsub_channels", pubsub.channelCount("channel")],
    ["pubsub_patterns", pubsub.patternCount],
    ["pubsubshard_channels", pubsub.channelCount("shard")],
    ...zero("latest_fork_usec", "total_forks", "migrate_cached_sockets"),
    ["slave_expires_tracked_keys", server.keyspace.localExpiries.size],
    ...zero("active_defrag_hits", "active_defrag_misses", "active_defrag_key_hits", "active_defrag_key_misses"),
    ...zero("total_active_defrag_time", "current_active_defrag_time"),
    ["tracking_total_keys", tracking.totalKeys],
    ["tracking_total_items", tracking.totalItems],
    ["tracking_total_prefixes", tracking.totalPrefixes],
    ["unexpected_error_replies", of.unexpectedErrorReplies],
    ["total_error_replies", of.totalErrorReplies],
    ["dump_payload_sanitizations", 0],
    ["total_reads_processed", of.readsProcessed],
    ["total_writes_processed", of.writesProcessed],
    ...zero("io_threaded_reads_processed", "io_threaded_writes_processed", "reply_buffer_shrinks"),
    ["reply_buffer_expands", 0],
    // The event loop is the runtime's; what we see of it are the arrivals of data and the ticks.
    ["eventloop_cycles", of.readsProcessed + cron.ticks],
    ["eventloop_duration_sum", commandTime + Math.round(of.expireCycleMs * 1000)],
    ["eventloop_duration_cmd_sum", commandTime],
    ["instantaneous_eventloop_cycles_per_sec", Math.round(rates.cycles.perSecond)],
    [
      "instantaneous_eventloop_duration_usec",
      Math.round((commandTime + of.expireCycleMs * 1000) / Math.max(1, of.readsProcessed + cron.ticks)),
    ],
    ["acl_access_denied_auth", of.aclDeniedAuth],
    ...zero("acl_access_denied_cmd", "acl_access_denied_key", "acl_access_denied_channel"),
  ];
}

function replicationFields(server: InfoSource): Field[] {
  const { config, replication } = server;
  const settings = {
    backlogBytes: config.number("repl-backlog-size"),
    priority: config.number("replica-priority"),
    readOnly: config.flag("replica-read-only"),
    announced: config.flag("replica-announced"),
    minReplicas: config.number("min-replicas-to-write"),
    maxLagSeconds: config.number("min-replicas-max-lag"),
  };
  return replicationInfo(replication, settings, unixMs());
}

function cpuFields(): Field[] {
  const { system, user } = process.cpuUsage();
  const fields: Field[] = [
    ["used_cpu_sys", seconds(system)],
    ["used_cpu_user", seconds(user)],
    ["used_cpu_sys_children", seconds(0)],
    ["used_cpu_user_children", seconds(0)],
  ];
  const thread = process.threadCpuUsage();
  fields.push(["used_cpu_sys_main_thread", seconds(thread.system)]);
  fields.push(["used_cpu_user_main_thread", seconds(thread.user)]);
  return fields;
}

/** All commands and subcommands. */
function* eachCommand(server: InfoSource): Generator<Command> {
  for (const command of server.commands.byName.values()) {
    yield command;
    if (command.subcommands !== null) yield* command.subcommands.values();
  }
}

function* commandFields(server: InfoSource): Generator<Field> {
  for (const { name, stats } of eachCommand(server)) {
    if (stats.calls + stats.rejected + stats.failed === 0) continue;
    const perCall = stats.calls === 0 ? 0 : stats.microseconds / stats.calls;
    yield [
      `cmdstat_${name}`,
      `calls=${stats.calls},usec=${Math.round(stats.microseconds)},usec_per_call=${perCall.toFixed(2)},` +
      `rejected_calls=${stats.rejected},failed_calls=${stats.failed}`,
    ];
  }
}

function* errorFields(server: InfoSource): Generator<Field> {
  for (const [code, count] of server.statistics.errors) yield [`errorstat_${code}`, `count=${count}`];
}

function* latencyFields(server: InfoSource): Generator<Field> {
  const percentiles = server.config.list("latency-tracking-info-percentiles");
  for (const { name, stats } of eachCommand(server)) {
    const { histogram } = stats;
    if (histogram === null || percentiles.length === 0) continue;
    const parts = percentiles.map((text) => `p${Number(text)}=${histogram.percentile(Number(text)).toFixed(3)}`);
    yield [`latency_percentiles_usec_${name}`, parts.join(",")];
  }
}

function* keyspaceFields(server: InfoSource): Generator<Field> {
  for (const database of server.keyspace.databases) {
    if (database.size === 0) continue;
    const ttl = averageTimeToLive(database);
    yield [`db${database.index}`, `keys=${database.size},expires=${database.expiring},avg_ttl=${ttl}`];
  }
}

/** Mean time to live in ms of a sample of the expiring keys, taken from some place on. */
function averageTimeToLive(database: Database): number {
  const { heap: { entries }, nowMs } = database.store;
  if (database.expiring === 0) return 0;
  const refs: number[] = [];
  database.scanExpiring((random() * 2 ** 32) >>> 0, TTL_SAMPLE, refs);
  if (refs.length === 0) database.scanExpiring(0, TTL_SAMPLE, refs);
  let sum = 0;
  for (const ref of refs) sum += Math.max(0, entries.expiry(ref) - nowMs);
  return refs.length === 0 ? 0 : Math.round(sum / refs.length);
}
