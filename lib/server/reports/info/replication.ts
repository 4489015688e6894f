/** INFO replication: the role, the link to the primary, the replicas, the stream. */

import type { Config } from "../../../config/config.ts";
import type { PrimarySide } from "../../../replication/primary.ts";
import type { HeldUp } from "../../../replication/primary_guard.ts";
import type { ReplicaSide } from "../../../replication/replica.ts";
import type { ReplicationStream } from "../../../replication/stream.ts";
import { unixMs } from "../../../runtime/clock.ts";
import type { Failover } from "../../data/failover.ts";
import type { PrimaryLink } from "../../data/primary_link.ts";
import { type Field, percent } from "./field.ts";

/** What the section tells of. */
export interface ReplicationSource {
  readonly config: Config;
  readonly replication: {
    readonly failover: Pick<Failover, "state">;
    readonly link: Pick<PrimaryLink, "guard" | "readOffset">;
    readonly stream: Pick<
      ReplicationStream,
      "id" | "secondId" | "secondOffset" | "offset" | "hasBacklog" | "backlogLength" | "backlogFirstOffset"
    >;
    readonly primary: Pick<PrimarySide, "replicas" | "addressOf" | "lagSeconds" | "goodReplicas">;
    readonly replicas: { readonly slowdown: { readonly bytesPerSecond: number } };
    readonly replica: Pick<
      ReplicaSide,
      "state" | "primary" | "lastInputMs" | "downSinceMs" | "syncTotalBytes" | "syncReadBytes"
    >;
  };
}

/** The fields of the section, in Redis\'s order. */
export function replicationFields(server: ReplicationSource): Field[] {
  const { config, replication } = server;
  const { stream, replica } = replication;
  const isReplica = replica.primary !== null;
  return [
    ["role", isReplica ? "slave" : "master"],
    ...(isReplica ? linkFields(server) : []),
    ...followerFields(server),
    ["master_failover_state", replication.failover.state],
    ["master_replid", stream.id],
    ["master_replid2", stream.secondId],
    ["master_repl_offset", stream.offset],
    ["second_repl_offset", stream.secondOffset],
    ["repl_backlog_active", stream.hasBacklog ? 1 : 0],
    ["repl_backlog_size", config.number("repl-backlog-size")],
    ["repl_backlog_first_byte_offset", stream.hasBacklog ? stream.backlogFirstOffset : 0],
    ["repl_backlog_histlen", stream.hasBacklog ? stream.backlogLength : 0],
    ["repl_sync_write_limit", replication.replicas.slowdown.bytesPerSecond],
  ];
}

/** The replicas of this server. */
function followerFields({ config, replication: { primary } }: ReplicationSource): Field[] {
  const fields: Field[] = [["connected_slaves", primary.replicas.size]];
  const maxLagSeconds = config.number("min-replicas-max-lag");
  if (config.number("min-replicas-to-write") > 0 && maxLagSeconds > 0) {
    fields.push(["min_slaves_good_slaves", primary.goodReplicas(maxLagSeconds)]);
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
  return fields;
}

/**
 * For how long the link has been down, -1 if it never was up. Not at all where the primary can be reached, and its data is
 * held up: Sentinel would not promote the one replica that has all, as it passes over those with links long down.
 */
function secondsDown({ replication: { replica, link } }: ReplicationSource, nowMs: number): number {
  if (link.guard.held !== null) return 0;
  return replica.downSinceMs === 0 ? -1 : Math.floor((nowMs - replica.downSinceMs) / 1000);
}

/** Whether a primary's data is held up, and whose. */
function guardFields(held: HeldUp | null, nowMs: number): Field[] {
  if (held === null) return [["master_sync_guarded", 0]];
  return [
    ["master_sync_guarded", 1],
    ["master_sync_guarded_replid", held.id],
    ["master_sync_guarded_keys", held.keys],
    ["master_sync_guarded_kept_keys", held.keptKeys],
    ["master_sync_guarded_since_seconds", Math.floor((nowMs - held.sinceMs) / 1000)],
  ];
}

/** What only a replica shows: its primary and how the link to it fares. */
function linkFields(server: ReplicationSource): Field[] {
  const { config, replication: { stream, replica, link } } = server;
  const nowMs = unixMs();
  const isUp = replica.state === "connected";
  const isSyncing = replica.state === "sync";
  const silentSeconds = Math.max(0, Math.floor((nowMs - replica.lastInputMs) / 1000));
  const fields: Field[] = [
    ["master_host", replica.primary?.host ?? ""],
    ["master_port", replica.primary?.port ?? 0],
    ["master_link_status", isUp ? "up" : "down"],
    ["master_last_io_seconds_ago", isUp ? silentSeconds : -1],
    ["master_sync_in_progress", isSyncing ? 1 : 0],
    ["slave_read_repl_offset", link.readOffset],
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
      ["master_sync_perc", percent(read, total)],
      ["master_sync_last_io_seconds_ago", silentSeconds],
    );
  }
  if (!isUp) fields.push(["master_link_down_since_seconds", secondsDown(server, nowMs)]);
  fields.push(...guardFields(link.guard.held, nowMs));
  fields.push(
    ["slave_priority", config.number("replica-priority")],
    ["slave_read_only", config.flag("replica-read-only") ? 1 : 0],
    ["replica_announced", config.flag("replica-announced") ? 1 : 0],
  );
  return fields;
}
