/** COMMAND DOCS of commands about Pub/Sub: see doc.ts for the form. */

import { type CommandDoc, doc, group } from "./doc.ts";

export const PUBSUB_DOCS: ReadonlyMap<string, CommandDoc> = group("pubsub", {
  "psubscribe": doc(
    "2.0.0",
    "O(N) for N patterns",
    "pattern=(pattern)...",
    "Subscribes to the channels that match patterns.",
  ),
  "publish": doc(
    "2.0.0",
    "O(N+M) for N subscribers and M patterns",
    "channel message",
    "Sends a message to a channel.",
  ),
  "pubsub": doc("2.8.0", "O(1) to O(N), by subcommand", "", "Groups the commands about subscriptions."),
  "pubsub|channels": doc("2.8.0", "O(N) for N channels", "[pattern]", "Lists the channels that have subscribers."),
  "pubsub|help": doc("6.2.0", "O(1)", "", "Lists the subcommands."),
  "pubsub|numpat": doc("2.8.0", "O(1)", "", "Counts the patterns subscribed to."),
  "pubsub|numsub": doc("2.8.0", "O(N) for N channels named", "[channel...]", "Counts the subscribers of channels."),
  "pubsub|shardchannels": doc(
    "7.0.0",
    "O(N) for N shard channels",
    "[pattern]",
    "Lists the shard channels that have subscribers.",
  ),
  "pubsub|shardnumsub": doc(
    "7.0.0",
    "O(N) for N shard channels named",
    "[shardchannel...]",
    "Counts the subscribers of shard channels.",
  ),
  "punsubscribe": doc(
    "2.0.0",
    "O(N) for N patterns",
    "[pattern...]",
    "Ends subscriptions to patterns: to all if none is named.",
  ),
  "spublish": doc("7.0.0", "O(N) for N subscribers", "shardchannel message", "Sends a message to a shard channel."),
  "ssubscribe": doc("7.0.0", "O(N) for N shard channels", "shardchannel...", "Subscribes to shard channels."),
  "subscribe": doc("2.0.0", "O(N) for N channels", "channel...", "Subscribes to channels."),
  "sunsubscribe": doc(
    "7.0.0",
    "O(N) for N shard channels",
    "[shardchannel...]",
    "Ends subscriptions to shard channels: to all if none is named.",
  ),
  "unsubscribe": doc(
    "2.0.0",
    "O(N) for N channels",
    "[channel...]",
    "Ends subscriptions to channels: to all if none is named.",
  ),
});
