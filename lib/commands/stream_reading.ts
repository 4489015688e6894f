/**
 * XREAD and XREADGROUP: entries of several streams that are new to whoever asks, or those that are pending for a consumer.
 * Both may wait for the next one. What XREADGROUP delivers is propagated as claims and positions, never as itself.
 */

import { Request } from "../resp/request.ts";
import { TYPE_STREAM } from "../store/entry.ts";
import { StreamId } from "../store/types/stream_ids.ts";
import type { KeyWaiter } from "./client_facets.ts";
import { BLOCKING, type Command, command, READONLY, WRITE } from "./command.ts";
import { shownArgument, SYNTAX_ERROR } from "./errors.ts";
import { integerArgument } from "./integer_argument.ts";
import { ACCESS, keySpec, keyword, range, RO } from "./key_specs.ts";
import { refuse } from "./replies.ts";
import type { Session } from "./session.ts";
import { idArgument } from "./stream_arguments.ts";
import {
  addId,
  CLAIM_ARGUMENTS,
  consumerSeen,
  cursorOf,
  endClaim,
  findGroup,
  propagateConsumer,
  propagateGroup,
  readStream,
  replyEntry,
  replyId,
  toolsOf,
  writeStream,
} from "./stream_keys.ts";
import { FAILED, MISSING } from "./typed_keys.ts";

/** Whom these commands run for. */
type Reader = Session & KeyWaiter;

const MEANINGLESS_LAST =
  "ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set.";
const NEW_WITHOUT_GROUP =
  "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.";
/** Most IDs in one XCLAIM that is propagated. */
const CLAIMED_AT_ONCE = 1000;

/** What is read: from the command's options. */
interface Reading {
  /** Most entries of each stream; Infinity: all. */
  count: number;
  /** How long to wait, in ms; 0: for ever, -1: not at all. */
  timeoutMs: number;
  /** The first key, and how many there are; as many IDs follow them. */
  firstKey: number;
  keys: number;
  /** Argument that is the group's name, before that of the consumer; 0: none. */
  groupAt: number;
  noAck: boolean;
}

/** The IDs behind which to read, one for each key. */
const ids: StreamId[] = [];
/** The streams, one for each key. */
const bodies: number[] = [];
const id = new StreamId();
const firstDelivered = new StreamId();

/** Reads the options of either command; null after having replied with an error. */
function readingOptions(session: Session, request: Request, withGroup: boolean): Reading | null {
  const asked: Reading = { count: Infinity, timeoutMs: -1, firstKey: 0, keys: 0, groupAt: 0, noAck: false };
  const name = withGroup ? "xreadgroup" : "xread";
  for (let i = 1; i < request.argc && asked.firstKey === 0; i++) {
    const more = request.argc - 1 - i;
    if (request.is(i, "block") && more > 0) {
      if (session.isScript) {
        return refuse(
          session,
          `ERR ${shownArgument(request, 0)} command is not allowed with BLOCK option from scripts`,
        );
      }
      const timeoutMs = integerArgument(session, request, ++i, "ERR timeout is not an integer or out of range");
      if (timeoutMs === null) return null;
      if (timeoutMs < 0) return refuse(session, "ERR timeout is negative");
      asked.timeoutMs = timeoutMs;
    } else if (request.is(i, "count") && more > 0) {
      const count = integerArgument(session, request, ++i);
      if (count === null) return null;
      asked.count = count <= 0 ? Infinity : count;
    } else if (request.is(i, "streams") && more > 0) {
      if (more % 2 !== 0) {
        const sign = withGroup ? ">" : "$";
        return refuse(
          session,
          `ERR Unbalanced '${name}' list of streams: for each stream key an ID or '${sign}' must be specified.`,
        );
      }
      asked.firstKey = i + 1;
      asked.keys = more / 2;
    } else if (request.is(i, "group") && more >= 2) {
      if (!withGroup) {
        return refuse(session, "ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.");
      }
      asked.groupAt = i + 1;
      i += 2;
    } else if (request.is(i, "noack")) {
      if (!withGroup) {
        return refuse(session, "ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.");
      }
      asked.noAck = true;
    } else {
      return refuse(session, SYNTAX_ERROR);
    }
  }
  if (asked.firstKey === 0) return refuse(session, SYNTAX_ERROR);
  if (withGroup && asked.groupAt === 0) return refuse(session, "ERR Missing GROUP option for XREADGROUP");
  while (ids.length < asked.keys) ids.push(new StreamId());
  return asked;
}

/** Whether an argument is one sign. */
function isSign(request: Request, at: number, sign: string): boolean {
  return request.lengths[at] === 1 && request.bytes[request.starts[at]] === sign.charCodeAt(0);
}

/** Begins the reply with the entries of one stream, after those of `before` others. */
function beginStream(session: Session, request: Request, key: number): void {
  const { reply } = session;
  if (reply.protocol === 2) reply.array(2);
  reply.bulk(request.bytes, request.starts[key], request.lengths[key]);
}

/** Ends the reply, which has so many streams. */
function endStreams(session: Session, mark: number, count: number): void {
  if (session.reply.protocol === 2) session.reply.closeArray(mark, count);
  else session.reply.closeMap(mark, count);
}

/** Waits as it was asked to, or replies that there is nothing. */
function waitOrLeave(session: Reader, request: Request, asked: Reading, whenGone: "wait" | "run"): void {
  const nothing = () => session.reply.nilArray();
  if (asked.timeoutMs < 0) return nothing();
  const { firstKey, keys, timeoutMs } = asked;
  session.waitForKeys(withoutLast(request, asked), firstKey, keys, TYPE_STREAM, timeoutMs, nothing, whenGone);
}

/** The request with IDs in place of `$`: when it runs again, the last entries will be others. */
function withoutLast(request: Request, asked: Reading): Request {
  const first = asked.firstKey + asked.keys;
  let has = false;
  for (let i = first; i < request.argc; i++) if (isSign(request, i, "$")) has = true;
  if (!has) return request;
  const encoder = new TextEncoder();
  const args: Uint8Array[] = [];
  for (let i = 0; i < request.argc; i++) {
    const isLast = i >= first && isSign(request, i, "$");
    args.push(isLast ? encoder.encode(ids[i - first].toString()) : request.copyOf(i));
  }
  return Request.ofBytes(args);
}

/** `XREAD [COUNT count] [BLOCK ms] STREAMS key [key …] id [id …]` */
function xread(session: Reader, request: Request): void {
  const { reply, host } = session;
  const { streams } = host.store;
  const asked = readingOptions(session, request, false);
  if (asked === null) return;
  for (let i = 0; i < asked.keys; i++) {
    const at = asked.firstKey + asked.keys + i;
    const ref = readStream(session, request, asked.firstKey + i);
    if (ref === FAILED) return;
    if (isSign(request, at, "$")) {
      if (ref === MISSING) ids[i].setZero();
      else streams.lastId(streams.bodyOf(ref), ids[i]);
    } else if (isSign(request, at, ">")) {
      return reply.error(NEW_WITHOUT_GROUP);
    } else if (!idArgument(session, request, at, ids[i])) {
      return;
    }
  }
  const mark = reply.open();
  const entry = cursorOf(host.store);
  let count = 0;
  for (let i = 0; i < asked.keys; i++) {
    const { bytes, starts, lengths } = request;
    const ref = session.database.look(bytes, starts[asked.firstKey + i], lengths[asked.firstKey + i]);
    if (ref === MISSING) continue;
    const body = streams.bodyOf(ref);
    if (!id.set(ids[i]).increment() || !entry.seek(body, id)) continue;
    count++;
    beginStream(session, request, asked.firstKey + i);
    const entries = reply.open();
    let replied = 0;
    do {
      replyEntry(reply, entry);
      replied++;
    } while (replied < asked.count && !reply.isCut && entry.next());
    reply.closeArray(entries, replied);
  }
  if (count === 0) return waitOrLeave(session, request, asked, "wait");
  endStreams(session, mark, count);
}

/** `XREADGROUP GROUP group consumer [COUNT count] [BLOCK ms] [NOACK] STREAMS key [key …] id [id …]` */
function xreadgroup(session: Reader, request: Request): void {
  const { reply } = session;
  const asked = readingOptions(session, request, true);
  if (asked === null) return;
  for (let i = 0; i < asked.keys; i++) {
    const key = asked.firstKey + i;
    const at = key + asked.keys;
    const ref = writeStream(session, request, key);
    if (ref === FAILED) return;
    const body = ref === MISSING ? 0 : session.host.store.streams.bodyOf(ref);
    if (ref === MISSING || findGroup(session, request, body, asked.groupAt) === 0) {
      const names = `'${shownArgument(request, key)}' or consumer group '${shownArgument(request, asked.groupAt)}'`;
      return reply.error(`NOGROUP No such key ${names} in XREADGROUP with GROUP option`);
    }
    bodies[i] = body;
    if (isSign(request, at, "$")) return reply.error(MEANINGLESS_LAST);
    if (isSign(request, at, ">")) ids[i].setMax();
    else if (!idArgument(session, request, at, ids[i])) return;
  }
  const mark = reply.open();
  session.preventPropagation(); // but for what is done
  let count = 0;
  for (let i = 0; i < asked.keys; i++) {
    if (readOne(session, request, asked, i)) count++;
  }
  if (count === 0) return waitOrLeave(session, request, asked, "run");
  endStreams(session, mark, count);
}

/** Reads the stream of one key for a consumer; whether there is anything to reply. */
function readOne(session: Reader, request: Request, asked: Reading, at: number): boolean {
  const { host } = session;
  const { groups } = host.store.streams;
  const key = asked.firstKey + at;
  const after = ids[at];
  const body = bodies[at];
  const group = groups.own(body, findGroup(session, request, body, asked.groupAt));
  const consumers = groups.consumerCount(group);
  const consumer = consumerSeen(session, request, key, body, group, asked.groupAt + 1);
  const isNew = groups.consumerCount(group) > consumers;
  const isHistory = !after.isMax;
  if (isNew && (asked.noAck || isHistory)) propagateConsumer(session, request, key, asked.groupAt, asked.groupAt + 1);
  if (isHistory) {
    host.changes.made++;
    replyHistory(session, request, asked, key, { body, group, consumer, isNew }, after);
    return true;
  }
  groups.lastId(group, id);
  if (!id.increment() || !cursorOf(host.store).seek(body, id)) {
    if (isNew && !asked.noAck) propagateConsumer(session, request, key, asked.groupAt, asked.groupAt + 1);
    return false;
  }
  host.changes.made++;
  deliver(session, request, asked, key, { body, group, consumer, isNew });
  return true;
}

/** A consumer and whose it is. */
interface Member {
  readonly body: number;
  readonly group: number;
  readonly consumer: number;
  /** It was made for this read. */
  readonly isNew: boolean;
}

/** Replies with the entries from the one on at which the cursor stands, and has them pending for a consumer. */
function deliver(session: Session, request: Request, asked: Reading, key: number, member: Member): void {
  const { reply, host } = session;
  const { groups } = host.store.streams;
  const { body, group, consumer } = member;
  const { nowMs } = host.store;
  const entry = cursorOf(host.store);
  beginStream(session, request, key);
  const mark = reply.open();
  let delivered = 0;
  firstDelivered.set(entry.id);
  try {
    do {
      if (!asked.noAck) {
        if (groups.pendingFor(group, entry.id) < 0) groups.addPending(body, group, consumer, entry.id, nowMs, 1);
        else groups.setPending(body, group, consumer, entry.id, nowMs, 1);
      }
      countRead(session, member, entry.id);
      delivered++;
      replyEntry(reply, entry);
    } while (delivered < asked.count && !reply.isCut && entry.next());
  } finally {
    if (delivered > 0) {
      if (!asked.noAck) groups.setActive(consumer, nowMs);
      propagateDelivered(session, request, asked, key, member, delivered);
    } else if (member.isNew && !asked.noAck) {
      // There was no memory for the first entry, whose claim would have made the consumer elsewhere.
      propagateConsumer(session, request, key, asked.groupAt, asked.groupAt + 1);
    }
  }
  reply.closeArray(mark, delivered);
}

/** A group has read up to an entry. */
function countRead({ host }: Session, { body, group }: Member, read: StreamId): void {
  const { streams } = host.store;
  const { groups } = streams;
  groups.setLastId(group, read);
  if (groups.knowsRead(group) && !streams.hasTombstonesFrom(body, read)) groups.countRead(group);
  else groups.setEntriesRead(group, streams.numberOf(body, read));
}

/** Propagates what was delivered: claims of it, and how far the group has read. */
function propagateDelivered(
  session: Session,
  request: Request,
  asked: Reading,
  key: number,
  { body, group }: Member,
  delivered: number,
): void {
  const { host } = session;
  const { groupAt } = asked;
  const entry = cursorOf(host.store);
  let isThere = !asked.noAck && entry.seek(body, firstDelivered);
  for (let left = delivered; isThere && left > 0;) {
    const count = Math.min(left, CLAIMED_AT_ONCE);
    const builder = session.propagateAlso(CLAIM_ARGUMENTS + count);
    if (builder === null) return;
    builder.word("XCLAIM").argument(request, key).argument(request, groupAt).argument(request, groupAt + 1).word("0");
    for (let i = 0; i < count; i++, isThere = entry.next()) addId(builder, entry.id);
    endClaim(builder, session, group, host.store.nowMs, 1);
    left -= count;
  }
  propagateGroup(session, request, key, groupAt, group);
}

/** Replies with what is pending for a consumer behind an ID, delivered once more. */
function replyHistory(
  session: Session,
  request: Request,
  asked: Reading,
  key: number,
  { body, group, consumer }: Member,
  after: StreamId,
): void {
  const { reply, host } = session;
  const { groups } = host.store.streams;
  const entry = cursorOf(host.store);
  const pending = toolsOf(host.store).ids;
  beginStream(session, request, key);
  const mark = reply.open();
  let replied = 0;
  let isThere = id.set(after).increment() && pending.seek(groups.idsRoot(consumer), id);
  for (; isThere && replied < asked.count && !reply.isCut; isThere = pending.next()) {
    if (entry.find(body, pending.id)) {
      replyEntry(reply, entry);
      groups.pendingFor(group, pending.id);
      groups.setPending(body, group, consumer, pending.id, host.store.nowMs, groups.deliveries + 1);
    } else {
      // Deleted since; it is still to be acknowledged.
      reply.array(2);
      replyId(reply, pending.id);
      reply.nilArray();
    }
    replied++;
  }
  reply.closeArray(mark, replied);
}

const STREAM = { categories: ["stream"] };

export const STREAM_READING_COMMANDS: readonly Command[] = [
  command("xread", -4, READONLY | BLOCKING, xread, {
    ...STREAM,
    keys: [keySpec(RO | ACCESS, keyword("STREAMS", 1), range(-1, 1, 2))],
  }),
  command("xreadgroup", -7, WRITE | BLOCKING, xreadgroup, {
    ...STREAM,
    keys: [keySpec(RO | ACCESS, keyword("STREAMS", 4), range(-1, 1, 2))],
  }),
];
