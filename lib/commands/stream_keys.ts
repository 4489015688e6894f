/** Streams and their groups under keys, and their entries in replies, as all stream commands have them. */

import type { ReplyWriter } from "../resp/reply.ts";
import type { Request } from "../resp/request.ts";
import type { RequestBuilder } from "../resp/request_builder.ts";
import { TYPE_STREAM } from "../store/entry.ts";
import { Element } from "../store/listpack.ts";
import { StreamCursor } from "../store/types/stream_cursor.ts";
import { ID_TEXT_BYTES, StreamId } from "../store/types/stream_ids.ts";
import { PendingCursor } from "../store/types/stream_pending.ts";
import type { Trees } from "../store/tree.ts";
import { EVENT_STREAM } from "./events.ts";
import { perStore } from "./per_store.ts";
import { replyElement } from "./replies.ts";
import type { Session } from "./session.ts";
import { readTyped, writeTyped } from "./typed_keys.ts";

const text = new Uint8Array(ID_TEXT_BYTES);
const propagated = new Uint8Array(ID_TEXT_BYTES);
const field = new Element();
const value = new Element();

/** The cursor that serves all commands, one after the other. */
export const cursorOf = perStore((store) => new StreamCursor(store.streams));

/** The stream under an argument, for reading: its entry's ref, MISSING or FAILED. */
export function readStream(session: Session, request: Request, index: number): number {
  return readTyped(session, request, index, TYPE_STREAM);
}

/** The same for changing. */
export function writeStream(session: Session, request: Request, index: number): number {
  return writeTyped(session, request, index, TYPE_STREAM);
}

/** The group of a stream whose name is an argument; 0 if there is none. */
export function findGroup(session: Session, request: Request, body: number, at: number): number {
  const { groups } = session.host.store.streams;
  return groups.find(body, request.bytes, request.starts[at], request.lengths[at]);
}

// Entries that follow each other are mostly of the same ms, of which the digits are then written already.
const shown = new StreamId();
let shownLength = shown.writeTime(text, 0);

/** Replies with an ID. */
export function replyId(reply: ReplyWriter, id: StreamId): void {
  if (!shown.isSameTime(id)) shownLength = shown.set(id).writeTime(text, 0);
  reply.bulk(text, 0, id.writeSequence(text, shownLength));
}

/** Adds an ID to a request that is propagated. */
export function addId(builder: RequestBuilder, id: StreamId): RequestBuilder {
  return builder.bytes(propagated, 0, id.writeText(propagated, 0));
}

/** Replies with the entry at which a cursor stands: its ID, and its fields and values. */
export function replyEntry(reply: ReplyWriter, entry: StreamCursor): void {
  reply.array(2);
  replyId(reply, entry.id);
  reply.array(entry.pairs * 2);
  entry.beginFields();
  while (entry.nextField(field, value)) {
    replyElement(reply, field);
    replyElement(reply, value);
  }
}

/** An int64 as an integer reply. */
export function replyExact(reply: ReplyWriter, integer: bigint): void {
  const safe = Number(integer);
  if (Number.isSafeInteger(safe)) reply.integer(safe);
  else reply.bigInteger(integer);
}

/** What goes along the trees of groups for all commands, one after the other. */
export interface GroupTools {
  /** Groups, or consumers. */
  readonly names: Trees;
  readonly consumers: Trees;
  /** What is pending in a group. */
  readonly pending: PendingCursor;
  /** The IDs of what is pending for a consumer. */
  readonly ids: PendingCursor;
}

/** The tools that serve all commands, one after the other. */
export const toolsOf = perStore(({ streams: { groups } }): GroupTools => ({
  names: groups.namesTree(),
  consumers: groups.namesTree(),
  pending: new PendingCursor(groups.pendingTree()),
  ids: new PendingCursor(groups.idsTree()),
}));

/** Replies with the name of a group. */
export function replyGroupName({ reply, host }: Session, group: number): void {
  const { groups } = host.store.streams;
  reply.bulk(groups.bytes(group), groups.groupNameStart(group), groups.nameLength(group));
}

/** Replies with the name of a consumer. */
export function replyConsumerName({ reply, host }: Session, consumer: number): void {
  const { groups } = host.store.streams;
  reply.bulk(groups.bytes(consumer), groups.consumerNameStart(consumer), groups.nameLength(consumer));
}

/**
 * The consumer of a group that is ours, of the stream `body` under argument `key`, whose name is argument `at`, to be changed:
 * made if there is none, and seen now. Its making is told, but not propagated.
 */
export function consumerSeen(
  session: Session,
  request: Request,
  key: number,
  body: number,
  group: number,
  at: number,
): number {
  const { host } = session;
  const { groups } = host.store.streams;
  const { bytes, starts, lengths } = request;
  const found = groups.findConsumer(group, bytes, starts[at], lengths[at]);
  if (found !== 0) {
    const consumer = groups.ownConsumer(body, group, found);
    groups.setSeen(consumer, host.store.nowMs);
    return consumer;
  }
  return createConsumer(session, request, key, body, group, at);
}

/**
 * Something about the stream under an argument has changed that is none of its entries: a change, with its event, but those
 * who watch the key or have cached it need not know.
 */
export function changedAside({ host, database }: Session, request: Request, key: number, event: string): void {
  host.changes.made++;
  host.changes.publish(EVENT_STREAM, event, database, request.bytes, request.starts[key], request.lengths[key]);
}

/** Makes the consumer of a group that is ours, and tells of it. */
export function createConsumer(
  session: Session,
  request: Request,
  key: number,
  body: number,
  group: number,
  at: number,
): number {
  const { host } = session;
  const { groups } = host.store.streams;
  const { bytes, starts, lengths } = request;
  const consumer = groups.createConsumer(body, group, bytes, starts[at], lengths[at], host.store.nowMs);
  changedAside(session, request, key, "xgroup-createconsumer");
  return consumer;
}

/** Has the making of a consumer propagated besides whatever else is. */
export function propagateConsumer(session: Session, request: Request, key: number, group: number, at: number): void {
  session.propagateAlso(5)?.word("XGROUP").word("CREATECONSUMER").argument(request, key).argument(request, group)
    .argument(request, at);
}

/** Has what a group has read propagated besides whatever else is. */
export function propagateGroup(session: Session, request: Request, key: number, groupAt: number, group: number): void {
  const { groups } = session.host.store.streams;
  const builder = session.propagateAlso(7)?.word("XGROUP").word("SETID").argument(request, key);
  if (builder === undefined) return;
  builder.argument(request, groupAt);
  // One that went beyond what there are numbers for is as good as unknown, and would be refused.
  const read = groups.entriesRead(group);
  addId(builder, groups.lastId(group, groupId)).word("ENTRIESREAD").integer(read < 0n ? -1n : read);
}

const groupId = new StreamId();

/** Ends an XCLAIM that is propagated, after its IDs. */
export function endClaim(
  builder: RequestBuilder,
  session: Session,
  group: number,
  deliveredMs: number,
  deliveries: number,
): void {
  const { groups } = session.host.store.streams;
  builder.word("TIME").integer(deliveredMs).word("RETRYCOUNT").integer(deliveries).word("FORCE").word("JUSTID")
    .word("LASTID");
  addId(builder, groups.lastId(group, groupId));
}

/** Arguments of such an XCLAIM besides the IDs. */
export const CLAIM_ARGUMENTS = 13;
