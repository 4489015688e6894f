/**
 * The replication section of INFO.
 * Called by info.ts with what replication and configuration say.
 */

import type { PrimarySide } from "../../replication/primary.ts";
import type { ReplicaSide } from "../../replication/replica.ts";
import type { ReplicationStream } from "../../replication/stream.ts";

/** What the section tells of; the server's `Replication` is one. */
export interface ReplicationFacts {
  /** Offset up to which the primary's stream has come, applied or not. */
  readonly readOffset: number;
  readonly stream: Pick<
    ReplicationStream,
    "id" | "secondId" | "secondOffset" | "offset" | "hasBacklog" | "backlogLength" | "backlogFirstOffset"
  >;
  readonly primary: Pick<PrimarySide, "replicas" | "addressOf" | "lagSeconds" | "goodReplicas">;
  readonly replica: Pick<
    ReplicaSide,
    "state" | "primary" | "lastInputMs" | "downSinceMs" | "syncTotalBytes" | "syncReadBytes"
  >;
}

/** What the configuration has to say. */
export interface ReplicationSettings {
  readonly backlogBytes: number;
  readonly priority: number;
  readonly readOnly: boolean;
  readonly announced: boolean;
  /** `min-replicas-to-write` and `min-replicas-max-lag`; 0: not asked for. */
  readonly minReplicas: number;
  readonly maxLagSeconds: number;
}

/** A line of INFO. */
export type Field = readonly [name: string, value: string | number];

/** The fields of the section, in Redis's order. */
export function replicationInfo(replication: ReplicationFacts, settings: ReplicationSettings, nowMs: number): Field[] {
  const { stream, primary, replica } = replication;
  const fields: Field[] = [["role", replica.primary === null ? "master" : "slave"]];
  if (replica.primary !== null) fields.push(...replicaFields(replication, settings, nowMs));
  fields.push(["connected_slaves", primary.replicas.size]);
  if (settings.minReplicas > 0 && settings.maxLagSeconds > 0) {
    fields.push(["min_slaves_good_slaves", primary.goodReplicas(settings.maxLagSeconds)]);
  }
  let index = 0;
  for (const one of primary.replicas) {
    const lag = one.state === "online" ? primary.lagSeconds(one) : 0;
    fields.push([
      `slave${index++}`,
      `ip=${primary.addressOf(one)},port=${one.handshake.listeningPort},state=${one.shownState},` +
      `offset=${one.acknowledgedOffset},lag=${lag}`,
    ]);
  }
  fields.push(
    ["master_failover_state", "no-failover"],
    ["master_replid", stream.id],
    ["master_replid2", stream.secondId],
    ["master_repl_offset", stream.offset],
    ["second_repl_offset", stream.secondOffset],
    ["repl_backlog_active", stream.hasBacklog ? 1 : 0],
    ["repl_backlog_size", settings.backlogBytes],
    ["repl_backlog_first_byte_offset", stream.hasBacklog ? stream.backlogFirstOffset : 0],
    ["repl_backlog_histlen", stream.hasBacklog ? stream.backlogLength : 0],
  );
  return fields;
}

/** What only a replica shows: its primary and how the link to it fares. */
function replicaFields(
  { stream, replica, readOffset }: ReplicationFacts,
  settings: ReplicationSettings,
  nowMs: number,
): Field[] {
  const isUp = replica.state === "connected";
  const isSyncing = replica.state === "sync";
  const silentSeconds = Math.max(0, Math.floor((nowMs - replica.lastInputMs) / 1000));
  const fields: Field[] = [
    ["master_host", replica.primary?.host ?? ""],
    ["master_port", replica.primary?.port ?? 0],
    ["master_link_status", isUp ? "up" : "down"],
    ["master_last_io_seconds_ago", isUp ? silentSeconds : -1],
    ["master_sync_in_progress", isSyncing ? 1 : 0],
    ["slave_read_repl_offset", readOffset],
    ["slave_repl_offset", stream.offset],
  ];
  if (isSyncing) {
    // A snapshot whose length is not announced has none to show.
    const total = Math.max(0, replica.syncTotalBytes);
    const read = replica.syncReadBytes;
    fields.push(
      ["master_sync_total_bytes", total],
      ["master_sync_read_bytes", read],
      ["master_sync_left_bytes", total - read],
      ["master_sync_perc", (total === 0 ? 0 : (read / total) * 100).toFixed(2)],
      ["master_sync_last_io_seconds_ago", silentSeconds],
    );
  }
  if (!isUp) {
    const down = replica.downSinceMs === 0 ? -1 : Math.floor((nowMs - replica.downSinceMs) / 1000);
    fields.push(["master_link_down_since_seconds", down]);
  }
  fields.push(
    ["slave_priority", settings.priority],
    ["slave_read_only", settings.readOnly ? 1 : 0],
    ["replica_announced", settings.announced ? 1 : 0],
  );
  return fields;
}
