/** COMMAND DOCS of commands about streams: see doc.ts for the form. */

import { type CommandDoc, doc, group } from "./doc.ts";

const TRIM =
  "trim=(strategy=<MAXLEN | MINID@6.2.0> [operator=<equal== | approximately=~>] threshold [LIMIT count:int]@6.2.0)";
const RANDOM = { tips: "nondeterministic_output" };

export const STREAM_DOCS: ReadonlyMap<string, CommandDoc> = group("stream", {
  "xack": doc(
    "5.0.0",
    "O(log N) for each ID, N entries being pending",
    "key group id...",
    "Acknowledges entries, which are no longer pending in a group then.",
  ),
  "xadd": doc(
    "5.0.0",
    "O(1); O(N) where N entries are trimmed",
    `key [NOMKSTREAM]@6.2.0 [${TRIM}] id_or_auto=<auto_id=* | id> field_value=(field value)...`,
    "Adds an entry to the end of a stream, which is created if it is missing.",
    RANDOM,
  ),
  "xautoclaim": doc(
    "6.2.0",
    "O(log N) for each entry looked at, N entries being pending",
    "key group consumer min-idle-time start [COUNT count:int] [JUSTID]",
    "Gives a consumer entries that have been pending for others for too long, wherever they are.",
    RANDOM,
  ),
  "xclaim": doc(
    "5.0.0",
    "O(log N) for each ID, N entries being pending",
    "key group consumer min-idle-time id... [IDLE ms:int] [TIME unix-time-milliseconds:time] [RETRYCOUNT count:int] [FORCE] [JUSTID] [LASTID id]",
    "Gives a consumer entries that have been pending for others for too long.",
    RANDOM,
  ),
  "xdel": doc("5.0.0", "O(log N) for each ID, N being the nodes", "key id...", "Deletes entries by their IDs."),
  "xgroup": doc("5.0.0", "Depends on subcommand.", "", "A container for commands about consumer groups."),
  "xgroup|create": doc(
    "5.0.0",
    "O(log N) for N groups",
    "key groupname id=<id | new_id=$> [MKSTREAM] [ENTRIESREAD entries_read:int]",
    "Makes a consumer group.",
  ),
  "xgroup|createconsumer": doc(
    "6.2.0",
    "O(log N) for N consumers",
    "key groupname consumername",
    "Makes a consumer in a group.",
  ),
  "xgroup|delconsumer": doc(
    "5.0.0",
    "O(N log N) for N entries pending for it",
    "key groupname consumername",
    "Removes a consumer from a group, with what is pending for it.",
  ),
  "xgroup|destroy": doc(
    "5.0.0",
    "O(N) for N entries pending in it, mostly after the reply",
    "key groupname",
    "Removes a consumer group.",
  ),
  "xgroup|help": doc("5.0.0", "O(1)", "", "Shows how the subcommands are called."),
  "xgroup|setid": doc(
    "5.0.0",
    "O(log N) for N groups",
    "key groupname id=<id | new_id=$> [ENTRIESREAD entries_read:int]",
    "Sets the last ID that was delivered to a group.",
  ),
  "xinfo": doc("5.0.0", "Depends on subcommand.", "", "A container for commands that tell of streams."),
  "xinfo|consumers": doc("5.0.0", "O(N) for N consumers", "key groupname", "Shows the consumers of a group.", RANDOM),
  "xinfo|groups": doc("5.0.0", "O(N) for N groups", "key", "Shows the groups of a stream."),
  "xinfo|help": doc("5.0.0", "O(1)", "", "Shows how the subcommands are called."),
  "xinfo|stream": doc(
    "5.0.0",
    "O(1), but O(N) for what FULL shows",
    "key [FULL full=([COUNT count:int])]",
    "Shows what there is to know of a stream.",
  ),
  "xlen": doc("5.0.0", "O(1)", "key", "Counts the entries of a stream."),
  "xpending": doc(
    "5.0.0",
    "O(N) for N entries looked at; without a range, for N consumers",
    "key group [filters=([IDLE min-idle-time:int]@6.2.0 start end count:int [consumer])]",
    "Shows what is pending in a group: delivered, but not acknowledged.",
    RANDOM,
  ),
  "xrange": doc(
    "5.0.0",
    "O(log M + N) for N entries replied, M being the nodes",
    "key start end [COUNT count:int]",
    "Replies with the entries in an interval of IDs.",
  ),
  "xread": doc(
    "5.0.0",
    "O(log M + N) for N entries replied, M being the nodes",
    "[COUNT count:int] [BLOCK milliseconds:int] STREAMS streams=(key... id...)",
    "Replies with the entries of streams above given IDs, and may wait for them.",
  ),
  "xreadgroup": doc(
    "5.0.0",
    "O(log M + N) for N entries replied, M being the nodes, or the entries that are pending",
    "GROUP group_consumer=(group consumer) [COUNT count:int] [BLOCK milliseconds:int] [NOACK] STREAMS streams=(key... id...)",
    "Delivers entries of streams to a consumer of a group, and may wait for them; or shows what is pending for it.",
  ),
  "xrevrange": doc(
    "5.0.0",
    "O(log M + N) for N entries replied, M being the nodes",
    "key end start [COUNT count:int]",
    "Replies with the entries in an interval of IDs, the last one first.",
  ),
  "xsetid": doc(
    "5.0.0",
    "O(1)",
    "key last-id [ENTRIESADDED entries_added:int]@7.0.0 [MAXDELETEDID max_deleted_entry_id]@7.0.0",
    "Sets the last ID of a stream, for replicas.",
  ),
  "xtrim": doc(
    "5.0.0",
    "O(N) for N nodes removed, and the entries of one",
    `key ${TRIM}`,
    "Removes entries from the beginning of a stream.",
    RANDOM,
  ),
});
