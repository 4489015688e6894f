/** All commands, family by family. */

import type { Command } from "./command.ts";
import { CLIENT_COMMANDS } from "./client.ts";
import { BITFIELD_COMMANDS } from "./bitfields.ts";
import { BITMAP_COMMANDS } from "./bitmaps.ts";
import { CLUSTER_COMMANDS } from "./cluster.ts";
import { CONFIG_COMMANDS } from "./config.ts";
import { CONNECTION_COMMANDS } from "./connection.ts";
import { DATABASE_COMMANDS } from "./databases.ts";
import { DEBUG_COMMANDS } from "./debug.ts";
import { EXPIRY_COMMANDS } from "./expiry.ts";
import { FUNCTION_COMMANDS } from "./functions.ts";
import { GEO_COMMANDS } from "./geo.ts";
import { GEO_SEARCH_COMMANDS } from "./geo_search.ts";
import { HASH_COMMANDS } from "./hashes.ts";
import { HYPERLOGLOG_COMMANDS } from "./hyperloglogs.ts";
import { INTROSPECTION_COMMANDS } from "./introspection.ts";
import { KEY_COMMANDS } from "./keys.ts";
import { LATENCY_COMMANDS } from "./latency.ts";
import { MIGRATE_COMMANDS } from "./migrate.ts";
import { MODULE_COMMANDS } from "./modules.ts";
import { MONITOR_COMMANDS } from "./monitor.ts";
import { PUBSUB_COMMANDS } from "./pubsub.ts";
import { REPLICATION_COMMANDS } from "./replication.ts";
import { SAVING_COMMANDS } from "./saving.ts";
import { SET_ALGEBRA_COMMANDS } from "./set_algebra.ts";
import { SET_COMMANDS } from "./sets.ts";
import { SLOWLOG_COMMANDS } from "./slowlog.ts";
import { KEYSPACE_COMMANDS } from "./keyspace.ts";
import { LIST_COMMANDS } from "./lists.ts";
import { LIST_MOVE_COMMANDS } from "./list_moves.ts";
import { MEMORY_COMMANDS } from "./memory.ts";
import { SCRIPTING_COMMANDS } from "./scripting.ts";
import { SERVER_COMMANDS } from "./server.ts";
import { SORT_COMMANDS } from "./sort.ts";
import { SORTED_SET_ADDING_COMMANDS } from "./sorted_set_adding.ts";
import { SORTED_SET_ALGEBRA_COMMANDS } from "./sorted_set_algebra.ts";
import { SORTED_SET_POP_COMMANDS } from "./sorted_set_pops.ts";
import { SORTED_SET_RANGE_COMMANDS } from "./sorted_set_ranges.ts";
import { SORTED_SET_COMMANDS } from "./sorted_sets.ts";
import { STREAM_GROUP_COMMANDS } from "./stream_groups.ts";
import { STREAM_INFO_COMMANDS } from "./stream_info.ts";
import { STREAM_READING_COMMANDS } from "./stream_reading.ts";
import { STREAM_COMMANDS } from "./streams.ts";
import { STRING_COMMANDS } from "./strings.ts";
import { TRANSACTION_COMMANDS } from "./transactions.ts";

export const ALL_COMMANDS: readonly Command[] = [
  ...CLUSTER_COMMANDS,
  ...CONFIG_COMMANDS,
  ...CONNECTION_COMMANDS,
  ...CLIENT_COMMANDS,
  ...MODULE_COMMANDS,
  ...MONITOR_COMMANDS,
  ...SLOWLOG_COMMANDS,
  ...LATENCY_COMMANDS,
  ...DATABASE_COMMANDS,
  ...KEY_COMMANDS,
  ...KEYSPACE_COMMANDS,
  ...EXPIRY_COMMANDS,
  ...STRING_COMMANDS,
  ...BITMAP_COMMANDS,
  ...BITFIELD_COMMANDS,
  ...HYPERLOGLOG_COMMANDS,
  ...REPLICATION_COMMANDS,
  ...SAVING_COMMANDS,
  ...MIGRATE_COMMANDS,
  ...SERVER_COMMANDS,
  ...MEMORY_COMMANDS,
  ...INTROSPECTION_COMMANDS,
  ...DEBUG_COMMANDS,
  ...PUBSUB_COMMANDS,
  ...HASH_COMMANDS,
  ...LIST_COMMANDS,
  ...LIST_MOVE_COMMANDS,
  ...SET_COMMANDS,
  ...SET_ALGEBRA_COMMANDS,
  ...SORTED_SET_ADDING_COMMANDS,
  ...SORTED_SET_COMMANDS,
  ...SORTED_SET_POP_COMMANDS,
  ...SORTED_SET_RANGE_COMMANDS,
  ...SORTED_SET_ALGEBRA_COMMANDS,
  ...STREAM_COMMANDS,
  ...STREAM_READING_COMMANDS,
  ...STREAM_GROUP_COMMANDS,
  ...STREAM_INFO_COMMANDS,
  ...GEO_COMMANDS,
  ...GEO_SEARCH_COMMANDS,
  ...SORT_COMMANDS,
  ...TRANSACTION_COMMANDS,
  ...SCRIPTING_COMMANDS,
  ...FUNCTION_COMMANDS,
];
