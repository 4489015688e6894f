/** Pub/Sub: SUBSCRIBE, PSUBSCRIBE, SSUBSCRIBE, their opposites, PUBLISH, SPUBLISH, PUBSUB. */

import { globMatch } from "../bytes/glob.ts";
import { encodeLatin1 } from "../bytes/latin1.ts";
import type { SubscriptionKind } from "../pubsub/pubsub.ts";
import type { Request } from "../resp/request.ts";
import {
  type Command,
  command,
  FAST,
  LOADING,
  MAY_REPLICATE,
  NOSCRIPT,
  PUBSUB,
  REPLIES_WITH_MESSAGES,
  STALE,
  WHILE_SUBSCRIBED,
} from "./command.ts";
import { subcommandSyntax } from "./errors.ts";
import { help } from "./help.ts";
import { allKeys, NOT_KEY, oneKey } from "./key_specs.ts";
import type { SubscribingClient } from "./client_facets.ts";
import type { PubSubHost } from "./host_facets.ts";
import type { Session } from "./session.ts";

/** Whom these commands run for. */
type Caller = Session<PubSubHost> & SubscribingClient;

const PREFIX: Readonly<Record<SubscriptionKind, string>> = { channel: "", pattern: "p", shard: "s" };

/** What a client has subscribed to, of a kind. */
function names(session: Caller, kind: SubscriptionKind): Set<string> {
  if (kind === "channel") return session.channels;
  return kind === "pattern" ? session.patterns : session.shardChannels;
}

/** Subscriptions as the confirmations count them: shard channels by themselves, the others together. */
function count(session: Caller, kind: SubscriptionKind): number {
  return kind === "shard" ? session.shardChannels.size : session.channels.size + session.patterns.size;
}

/** Confirms a subscription or its end. */
function confirm(session: Caller, event: string, name: string | null, kind: SubscriptionKind): void {
  const { reply } = session;
  reply.push(3);
  reply.bulkString(event);
  if (name === null) reply.nil();
  else reply.bulkString(name);
  reply.integer(count(session, kind));
}

/** `SUBSCRIBE channel [channel …]`, PSUBSCRIBE, SSUBSCRIBE */
function subscribe(kind: SubscriptionKind): (session: Caller, request: Request) => void {
  return (session, request) => {
    for (let i = 1; i < request.argc; i++) {
      const name = request.text(i);
      session.host.pubsub.subscribe(session, kind, name);
      session.subscriptionsChanged();
      confirm(session, `${PREFIX[kind]}subscribe`, name, kind);
    }
  };
}

/** `UNSUBSCRIBE [channel …]`, PUNSUBSCRIBE, SUNSUBSCRIBE: without arguments, from all. */
function unsubscribe(kind: SubscriptionKind): (session: Caller, request: Request) => void {
  return (session, request) => {
    const event = `${PREFIX[kind]}unsubscribe`;
    const from: string[] = [];
    for (let i = 1; i < request.argc; i++) from.push(request.text(i));
    if (request.argc === 1) from.push(...names(session, kind));
    for (const name of from) {
      session.host.pubsub.unsubscribe(session, kind, name);
      session.subscriptionsChanged();
      confirm(session, event, name, kind);
    }
    if (from.length === 0) confirm(session, event, null, kind);
  };
}

/** `PUBLISH channel message` and SPUBLISH */
function publish(kind: "channel" | "shard"): (session: Caller, request: Request) => void {
  return (session, request) => {
    const { bytes, starts, lengths } = request;
    const { host } = session;
    const delivered = host.pubsub.publish(kind, bytes, starts[1], lengths[1], bytes, starts[2], lengths[2]);
    if (host.hasFollowers) session.propagate(request);
    session.reply.integer(delivered);
  };
}

/** `PUBSUB CHANNELS [pattern]` and SHARDCHANNELS */
function channels(kind: "channel" | "shard"): (session: Caller, request: Request) => void {
  return (session, request) => {
    const { reply } = session;
    if (request.argc > 3) return reply.error(subcommandSyntax(request));
    const mark = reply.open();
    let found = 0;
    for (const name of session.host.pubsub.channelNames(kind)) {
      if (request.argc > 2 && !matches(request, 2, name)) continue;
      reply.bulkString(name);
      found++;
    }
    reply.closeArray(mark, found);
  };
}

function matches(request: Request, index: number, name: string): boolean {
  const text = encodeLatin1(name);
  return globMatch(request.bytes, request.starts[index], request.lengths[index], text, 0, text.length, false);
}

/** `PUBSUB NUMSUB [channel …]` and SHARDNUMSUB */
function subscriberCounts(kind: "channel" | "shard"): (session: Caller, request: Request) => void {
  return (session, request) => {
    session.reply.array((request.argc - 2) * 2);
    for (let i = 2; i < request.argc; i++) {
      session.reply.bulkString(request.text(i));
      session.reply.integer(session.host.pubsub.subscriberCount(kind, request.text(i)));
    }
  };
}

/** `PUBSUB NUMPAT` */
function patternCount(session: Caller): void {
  session.reply.integer(session.host.pubsub.patternCount);
}

const PUBSUB_HELP = help("PUBSUB", [
  ["CHANNELS [<pattern>]", "List the channels that have subscribers and match <pattern> (default: all)."],
  ["NUMPAT", "Tell the number of patterns subscribed to."],
  ["NUMSUB [<channel> ...]", "Tell the number of subscribers of each channel, patterns not counted."],
  ["SHARDCHANNELS [<pattern>]", "List the shard channels that have subscribers and match <pattern> (default: all)."],
  ["SHARDNUMSUB [<shardchannel> ...]", "Tell the number of subscribers of each shard channel."],
]);

const SUBSCRIPTION = PUBSUB | NOSCRIPT | LOADING | STALE | WHILE_SUBSCRIBED | REPLIES_WITH_MESSAGES;
const PUBLICATION = PUBSUB | LOADING | STALE | FAST | MAY_REPLICATE;
const INQUIRY = PUBSUB | LOADING | STALE;
/** Shard channels are routed like keys, but are none. */
const SHARDS = [allKeys(NOT_KEY)];

export const PUBSUB_COMMANDS: readonly Command[] = [
  command("subscribe", -2, SUBSCRIPTION, subscribe("channel")),
  command("unsubscribe", -1, SUBSCRIPTION, unsubscribe("channel")),
  command("psubscribe", -2, SUBSCRIPTION, subscribe("pattern")),
  command("punsubscribe", -1, SUBSCRIPTION, unsubscribe("pattern")),
  command("ssubscribe", -2, SUBSCRIPTION, subscribe("shard"), { keys: SHARDS }),
  command("sunsubscribe", -1, SUBSCRIPTION, unsubscribe("shard"), { keys: SHARDS }),
  command("publish", 3, PUBLICATION, publish("channel")),
  command("spublish", 3, PUBLICATION, publish("shard"), { keys: [oneKey(NOT_KEY)] }),
  command("pubsub", -2, 0, PUBSUB_HELP, {
    subcommands: [
      command("pubsub|channels", -2, INQUIRY, channels("channel")),
      command("pubsub|numpat", 2, INQUIRY, patternCount),
      command("pubsub|numsub", -2, INQUIRY, subscriberCounts("channel")),
      command("pubsub|shardchannels", -2, INQUIRY, channels("shard")),
      command("pubsub|shardnumsub", -2, INQUIRY, subscriberCounts("shard")),
      command("pubsub|help", 2, LOADING | STALE, PUBSUB_HELP),
    ],
  }),
];
