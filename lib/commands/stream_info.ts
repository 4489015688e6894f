/** XINFO: what there is to know of a stream, its groups and their consumers. */

import type { Request } from "../resp/request.ts";
import { StreamId } from "../store/types/stream_ids.ts";
import { forEachBlock } from "../store/types/stream_groups_whole.ts";
import { type Command, command, LOADING, READONLY, STALE } from "./command.ts";
import { NO_SUCH_KEY, shownArgument, subcommandSyntax } from "./errors.ts";
import { help } from "./help.ts";
import { integerArgument } from "./integer_argument.ts";
import { ACCESS, oneKey, RO } from "./key_specs.ts";
import type { Session } from "./session.ts";
import {
  cursorOf,
  findGroup,
  readStream,
  replyConsumerName,
  replyEntry,
  replyExact,
  replyGroupName,
  replyId,
  toolsOf,
} from "./stream_keys.ts";
import { FAILED, MISSING } from "./typed_keys.ts";

/** Entries, and pending ones, that FULL shows where it is not said. */
const DEFAULT_COUNT = 10;

const id = new StreamId();

/** The stream under argument 2; 0 after having replied that there is none, or that it is something else. */
function subject(session: Session, request: Request): number {
  const ref = readStream(session, request, 2);
  if (ref === FAILED) return 0;
  if (ref === MISSING) {
    session.reply.error(NO_SUCH_KEY);
    return 0;
  }
  return session.host.store.streams.bodyOf(ref);
}

/** `XINFO STREAM key [FULL [COUNT count]]` */
function stream(session: Session, request: Request): void {
  const { reply } = session;
  const { argc } = request;
  const body = subject(session, request);
  if (body === 0) return;
  let count = DEFAULT_COUNT;
  const isFull = argc > 3;
  if (isFull) {
    const isSound = argc <= 6 && argc !== 5 && request.is(3, "full") && (argc === 4 || request.is(4, "count"));
    if (!isSound) return reply.error(subcommandSyntax(request));
    const given = argc === 6 ? integerArgument(session, request, 5) : DEFAULT_COUNT;
    if (given === null) return;
    count = given < 0 ? DEFAULT_COUNT : given;
  }
  reply.map(isFull ? 9 : 10);
  replyWhole(session, body);
  if (isFull) replyFull(session, body, count === 0 ? Infinity : count);
  else replyEnds(session, body);
}

/** Replies with what is known of a stream in any case: seven fields. */
function replyWhole(session: Session, body: number): void {
  const { reply, host } = session;
  const { streams } = host.store;
  const { nodes, treeNodes } = streams.countNodes(body);
  reply.bulkString("length");
  reply.integer(streams.length(body));
  reply.bulkString("radix-tree-keys");
  reply.integer(nodes);
  reply.bulkString("radix-tree-nodes");
  reply.integer(nodes + Math.max(1, treeNodes));
  reply.bulkString("last-generated-id");
  replyId(reply, streams.lastId(body, id));
  reply.bulkString("max-deleted-entry-id");
  replyId(reply, streams.maxDeletedId(body, id));
  reply.bulkString("entries-added");
  replyExact(reply, streams.entriesAdded(body));
  reply.bulkString("recorded-first-entry-id");
  replyId(reply, streams.firstId(body, id));
}

function replyEnds(session: Session, body: number): void {
  const { reply, host } = session;
  const entry = cursorOf(host.store);
  reply.bulkString("groups");
  reply.integer(host.store.streams.groups.count(body));
  reply.bulkString("first-entry");
  if (entry.toFirst(body)) replyEntry(reply, entry);
  else reply.nil();
  reply.bulkString("last-entry");
  if (entry.toLast(body)) replyEntry(reply, entry);
  else reply.nil();
}

function replyFull(session: Session, body: number, most: number): void {
  const { reply, host } = session;
  const { streams } = host.store;
  const entry = cursorOf(host.store);
  reply.bulkString("entries");
  const mark = reply.open();
  let count = 0;
  for (let isThere = entry.toFirst(body); isThere && count < most && !reply.isCut; isThere = entry.next()) {
    replyEntry(reply, entry);
    count++;
  }
  reply.closeArray(mark, count);
  reply.bulkString("groups");
  reply.array(streams.groups.count(body));
  forEachBlock(
    toolsOf(host.store).names,
    streams.groupsOf(body),
    (group) => replyWholeGroup(session, body, group, most),
  );
}

/** Replies with how far a group has read: three fields. */
function replyProgress(session: Session, body: number, group: number): void {
  const { reply, host } = session;
  const { streams } = host.store;
  const { groups } = streams;
  reply.bulkString("last-delivered-id");
  replyId(reply, groups.lastId(group, id));
  const read = groups.entriesRead(group);
  reply.bulkString("entries-read");
  if (groups.knowsRead(group)) replyExact(reply, read);
  else reply.nil();
  reply.bulkString("lag");
  const added = streams.entriesAdded(body);
  if (added === 0n) return reply.integer(0);
  const isCounted = groups.knowsRead(group) && !streams.hasTombstonesFrom(body, groups.lastId(group, id));
  const number = isCounted ? read : streams.numberOf(body, groups.lastId(group, id));
  if (number === -1n) reply.nil();
  else replyExact(reply, BigInt.asIntN(64, added - number));
}

function replyWholeGroup(session: Session, body: number, group: number, most: number): void {
  const { reply, host } = session;
  const { groups } = host.store.streams;
  const { pending, consumers } = toolsOf(host.store);
  reply.map(7);
  reply.bulkString("name");
  replyGroupName(session, group);
  replyProgress(session, body, group);
  reply.bulkString("pel-count");
  reply.integer(groups.pendingCount(group));
  reply.bulkString("pending");
  const mark = reply.open();
  let count = 0;
  let isThere = pending.toFirst(groups.pendingRoot(group));
  for (; isThere && count < most && !reply.isCut; isThere = pending.next()) {
    reply.array(4);
    replyId(reply, pending.id);
    replyConsumerName(session, groups.consumer(group, pending.consumer));
    reply.integer(pending.deliveredMs);
    reply.integer(pending.deliveries);
    count++;
  }
  reply.closeArray(mark, count);
  reply.bulkString("consumers");
  reply.array(groups.consumerCount(group));
  forEachBlock(consumers, groups.consumersRoot(group), (consumer) => replyConsumer(session, group, consumer, most));
}

function replyConsumer(session: Session, group: number, consumer: number, most: number): void {
  const { reply, host } = session;
  const { groups } = host.store.streams;
  const { ids } = toolsOf(host.store);
  reply.map(5);
  reply.bulkString("name");
  replyConsumerName(session, consumer);
  reply.bulkString("seen-time");
  reply.integer(groups.seenMs(consumer));
  reply.bulkString("active-time");
  reply.integer(groups.activeMs(consumer));
  reply.bulkString("pel-count");
  reply.integer(groups.consumerPending(consumer));
  reply.bulkString("pending");
  const mark = reply.open();
  let count = 0;
  let isThere = ids.toFirst(groups.idsRoot(consumer));
  for (; isThere && count < most && !reply.isCut; isThere = ids.next()) {
    groups.pendingFor(group, ids.id);
    reply.array(3);
    replyId(reply, ids.id);
    reply.integer(groups.deliveredMs);
    reply.integer(groups.deliveries);
    count++;
  }
  reply.closeArray(mark, count);
}

/** `XINFO GROUPS key` */
function groupsOf(session: Session, request: Request): void {
  const { reply, host } = session;
  const { streams } = host.store;
  const { groups } = streams;
  const body = subject(session, request);
  if (body === 0) return;
  reply.array(groups.count(body));
  forEachBlock(toolsOf(host.store).names, streams.groupsOf(body), (group) => {
    reply.map(6);
    reply.bulkString("name");
    replyGroupName(session, group);
    reply.bulkString("consumers");
    reply.integer(groups.consumerCount(group));
    reply.bulkString("pending");
    reply.integer(groups.pendingCount(group));
    replyProgress(session, body, group);
  });
}

/** `XINFO CONSUMERS key group` */
function consumersOf(session: Session, request: Request): void {
  const { reply, host } = session;
  const { groups } = host.store.streams;
  const { nowMs } = host.store;
  const body = subject(session, request);
  if (body === 0) return;
  const group = findGroup(session, request, body, 3);
  if (group === 0) {
    return reply.error(
      `NOGROUP No such consumer group '${shownArgument(request, 3)}' for key name '${shownArgument(request, 2)}'`,
    );
  }
  reply.array(groups.consumerCount(group));
  forEachBlock(toolsOf(host.store).consumers, groups.consumersRoot(group), (consumer) => {
    const activeMs = groups.activeMs(consumer);
    reply.map(4);
    reply.bulkString("name");
    replyConsumerName(session, consumer);
    reply.bulkString("pending");
    reply.integer(groups.consumerPending(consumer));
    reply.bulkString("idle");
    reply.integer(Math.max(0, nowMs - groups.seenMs(consumer)));
    reply.bulkString("inactive");
    reply.integer(activeMs === -1 ? -1 : Math.max(0, nowMs - activeMs));
  });
}

const XINFO_HELP = help("XINFO", [
  ["CONSUMERS <key> <groupname>", "Show the consumers of a group."],
  ["GROUPS <key>", "Show the groups of a stream."],
  ["STREAM <key> [FULL [COUNT <count>]", "Show what there is to know of a stream; all of it with FULL."],
]);

const STREAM = { categories: ["stream"] };
const SUBJECT = { ...STREAM, keys: [oneKey(RO | ACCESS, 2)] };

export const STREAM_INFO_COMMANDS: readonly Command[] = [
  command("xinfo", -2, 0, XINFO_HELP, {
    subcommands: [
      command("xinfo|stream", -3, READONLY, stream, SUBJECT),
      command("xinfo|groups", 3, READONLY, groupsOf, SUBJECT),
      command("xinfo|consumers", 4, READONLY, consumersOf, SUBJECT),
      command("xinfo|help", 2, LOADING | STALE, XINFO_HELP, STREAM),
    ],
  }),
];
