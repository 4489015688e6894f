/**
 * Consumer groups of streams: XGROUP, XACK, XPENDING, XCLAIM, XAUTOCLAIM. XREADGROUP is in stream_reading.ts. What is
 * claimed is propagated as it came out: for whom, since when, how often.
 */

import type { Request } from "../resp/request.ts";
import { StreamId } from "../store/types/stream_ids.ts";
import { forEachBlock } from "../store/types/stream_groups_whole.ts";
import { type Command, command, DENYOOM, FAST, LOADING, READONLY, STALE, WRITE } from "./command.ts";
import { shownArgument, subcommandSyntax, SYNTAX_ERROR } from "./errors.ts";
import { EVENT_STREAM } from "./events.ts";
import { help } from "./help.ts";
import { integerArgument, integerFrom } from "./integer_argument.ts";
import { DELETE, INSERT, KEY_RO_ACCESS, KEY_RW_DELETE, KEY_RW_UPDATE, oneKey, RW, UPDATE } from "./key_specs.ts";
import { refuse } from "./replies.ts";
import type { Session } from "./session.ts";
import { endArgument, exactArgument, idArgument, idOrEndArgument, isId, startArgument } from "./stream_arguments.ts";
import {
  addId,
  changedAside,
  CLAIM_ARGUMENTS,
  consumerSeen,
  createConsumer,
  cursorOf,
  endClaim,
  findGroup,
  propagateConsumer,
  propagateGroup,
  readStream,
  replyConsumerName,
  replyEntry,
  replyId,
  toolsOf,
  writeStream,
} from "./stream_keys.ts";
import { FAILED, MISSING } from "./typed_keys.ts";

const NO_KEY =
  "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.";
/** Entries that XAUTOCLAIM claims at most, where it is not said, and looks at for each. */
const DEFAULT_CLAIMS = 100;
const ATTEMPTS_FOR_EACH = 10;
/** COUNT of XAUTOCLAIM may not be more, as Redis keeps an ID for each. */
const MAX_CLAIMS = 2 ** 63 / 160;

const id = new StreamId();
const end = new StreamId();
const lastId = new StreamId();

/** Replies that there is no such key, or no such group of it. */
function replyNoGroup(session: Session, request: Request, group: number): void {
  session.reply.error(
    `NOGROUP No such key '${shownArgument(request, 1)}' or consumer group '${shownArgument(request, group)}'`,
  );
}

// --- XGROUP -----------------------------------------------------------------------------------------------------------

/** The stream under argument 2; null after having replied that there is none, or that it is something else. */
function groupedStream(session: Session, request: Request): number | null {
  const ref = writeStream(session, request, 2);
  if (ref === FAILED) return null;
  return ref === MISSING ? refuse(session, NO_KEY) : session.host.store.streams.bodyOf(ref);
}

/** The group under argument 3 of a stream, which is then ours; 0 after having replied that there is none. */
function ownGroup(session: Session, request: Request, body: number): number {
  const group = findGroup(session, request, body, 3);
  if (group !== 0) return session.host.store.streams.groups.own(body, group);
  session.reply.error(
    `NOGROUP No such consumer group '${shownArgument(request, 3)}' for key name '${shownArgument(request, 2)}'`,
  );
  return 0;
}

/** What follows the ID in XGROUP CREATE and SETID. */
interface GroupOptions {
  makesStream: boolean;
  entriesRead: bigint;
}

function groupOptions(session: Session, request: Request, mayMake: boolean): GroupOptions | null {
  const options: GroupOptions = { makesStream: false, entriesRead: -1n };
  for (let i = 5; i < request.argc; i++) {
    if (mayMake && request.is(i, "mkstream")) {
      options.makesStream = true;
    } else if (request.is(i, "entriesread") && i + 1 < request.argc) {
      const read = exactArgument(session, request, ++i);
      if (read === null) return null;
      if (read < -1n) return refuse(session, "ERR value for ENTRIESREAD must be positive or -1");
      options.entriesRead = read;
    } else {
      return refuse(session, subcommandSyntax(request));
    }
  }
  return options;
}

/**
 * Reads argument 4: an ID as `read` takes it, or `$` for the last of a stream that may be missing (0). False after having
 * replied that it is none.
 */
function positionArgument(session: Session, request: Request, body: number, read: typeof idArgument): boolean {
  if (request.lengths[4] !== 1 || request.bytes[request.starts[4]] !== 0x24) {
    return read(session, request, 4, id);
  }
  if (body === 0) id.setZero();
  else session.host.store.streams.lastId(body, id);
  return true;
}

/** `XGROUP CREATE key group <id | $> [MKSTREAM] [ENTRIESREAD entries-read]` */
function create(session: Session, request: Request): void {
  const { bytes, starts, lengths } = request;
  const { host, database, reply } = session;
  const { streams } = host.store;
  const options = groupOptions(session, request, true);
  if (options === null) return;
  let ref = writeStream(session, request, 2);
  if (ref === FAILED) return;
  if (ref === MISSING && !options.makesStream) return reply.error(NO_KEY);
  if (!positionArgument(session, request, ref === MISSING ? 0 : streams.bodyOf(ref), idArgument)) return;
  if (ref !== MISSING && findGroup(session, request, streams.bodyOf(ref), 3) !== 0) {
    return reply.error("BUSYGROUP Consumer Group name already exists");
  }
  const isNew = ref === MISSING;
  if (isNew) ref = streams.create(database, bytes, starts[2], lengths[2]);
  try {
    streams.groups.create(streams.bodyOf(ref), bytes, starts[3], lengths[3], id, options.entriesRead);
  } catch (error) {
    if (isNew) database.remove(bytes, starts[2], lengths[2]);
    throw error;
  }
  if (isNew) host.changes.changed(session, request, 2, EVENT_STREAM, "xgroup-create");
  else changedAside(session, request, 2, "xgroup-create");
  reply.ok();
}

/** `XGROUP SETID key group <id | $> [ENTRIESREAD entries-read]` */
function setid(session: Session, request: Request): void {
  const { host, reply } = session;
  const { groups } = host.store.streams;
  const options = groupOptions(session, request, false);
  if (options === null) return;
  const body = groupedStream(session, request);
  if (body === null) return;
  const group = ownGroup(session, request, body);
  if (group === 0 || !positionArgument(session, request, body, idOrEndArgument)) return;
  groups.setLastId(group, id);
  groups.setEntriesRead(group, options.entriesRead);
  changedAside(session, request, 2, "xgroup-setid");
  reply.ok();
}

/** `XGROUP DESTROY key group` */
function destroy(session: Session, request: Request): void {
  const { host, reply } = session;
  const body = groupedStream(session, request);
  if (body === null) return;
  const group = findGroup(session, request, body, 3);
  if (group === 0) return reply.integer(0);
  host.store.streams.wholeGroups.destroy(body, group);
  changedAside(session, request, 2, "xgroup-destroy");
  const { bytes, starts, lengths } = request;
  host.changes.wake(session.database, bytes, starts[2], lengths[2]); // who waits for the group is told
  reply.integer(1);
}

/** `XGROUP CREATECONSUMER key group consumer` */
function createconsumer(session: Session, request: Request): void {
  const { bytes, starts, lengths } = request;
  const { host, reply } = session;
  const body = groupedStream(session, request);
  if (body === null) return;
  const group = ownGroup(session, request, body);
  if (group === 0) return;
  const { groups } = host.store.streams;
  if (groups.findConsumer(group, bytes, starts[4], lengths[4]) !== 0) return reply.integer(0);
  createConsumer(session, request, 2, body, group, 4);
  reply.integer(1);
}

/** `XGROUP DELCONSUMER key group consumer` */
function delconsumer(session: Session, request: Request): void {
  const { bytes, starts, lengths } = request;
  const { host, reply } = session;
  const body = groupedStream(session, request);
  if (body === null) return;
  const group = ownGroup(session, request, body);
  if (group === 0) return;
  const { groups } = host.store.streams;
  const consumer = groups.findConsumer(group, bytes, starts[4], lengths[4]);
  if (consumer === 0) return reply.integer(0);
  const pending = groups.deleteConsumer(body, group, consumer);
  changedAside(session, request, 2, "xgroup-delconsumer");
  reply.integer(pending);
}

const XGROUP_HELP = help("XGROUP", [
  [
    "CREATE <key> <groupname> <id|$> [option]",
    "Make a consumer group. Options are:",
    "* MKSTREAM",
    "  Make an empty stream where there is none.",
    "* ENTRIESREAD entries_read",
    "  Set how many entries the group has read (internal use).",
  ],
  ["CREATECONSUMER <key> <groupname> <consumer>", "Make a consumer in a group."],
  ["DELCONSUMER <key> <groupname> <consumer>", "Remove a consumer, with what is pending for it."],
  ["DESTROY <key> <groupname>", "Remove a group."],
  [
    "SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]",
    "Set the last ID delivered to a group, and how many entries it has read.",
  ],
]);

// --- Acknowledging, and what is pending -------------------------------------------------------------------------------

/** `XACK key group id [id …]` */
function xack(session: Session, request: Request): void {
  const { host, reply } = session;
  const { streams } = host.store;
  const { groups } = streams;
  const ref = writeStream(session, request, 1);
  if (ref === FAILED) return;
  const body = ref === MISSING ? 0 : streams.bodyOf(ref);
  const found = ref === MISSING ? 0 : findGroup(session, request, body, 2);
  if (found === 0) return reply.integer(0);
  // All of them must be IDs before any is acknowledged; the last is still there when all have been read.
  for (let i = 3; i < request.argc; i++) if (!idArgument(session, request, i, id)) return;
  const group = groups.own(body, found);
  let acknowledged = groups.removePending(body, group, id) ? 1 : 0;
  for (let i = 3; i < request.argc - 1; i++) {
    if (idArgument(session, request, i, id) && groups.removePending(body, group, id)) acknowledged++;
  }
  host.changes.made += acknowledged; // the value that clients see and watch is the same
  reply.integer(acknowledged);
}

/** `XPENDING key group [[IDLE min-idle-time] start end count [consumer]]` */
function xpending(session: Session, request: Request): void {
  const { argc } = request;
  if (argc !== 3 && (argc < 6 || argc > 9)) return session.reply.error(SYNTAX_ERROR);
  if (argc === 3) return summary(session, request);
  let at = 3;
  let minIdleMs = 0;
  if (request.is(3, "idle")) {
    const given = integerArgument(session, request, 4);
    if (given === null) return;
    minIdleMs = given;
    if (argc < 8) return session.reply.error(SYNTAX_ERROR);
    at = 5;
  }
  const count = integerArgument(session, request, at + 2);
  if (count === null) return;
  if (!startArgument(session, request, at, id) || !endArgument(session, request, at + 1, end)) return;
  pendingRange(session, request, count, minIdleMs, at + 3 < argc ? at + 3 : 0);
}

/** The group under argument 2 of the stream under argument 1, to be read; 0 after having replied that there is none. */
function readGroup(session: Session, request: Request): number {
  const ref = readStream(session, request, 1);
  if (ref === FAILED) return 0;
  const group = ref === MISSING ? 0 : findGroup(session, request, session.host.store.streams.bodyOf(ref), 2);
  if (group === 0) replyNoGroup(session, request, 2);
  return group;
}

function summary(session: Session, request: Request): void {
  const { reply, host } = session;
  const { groups } = host.store.streams;
  const group = readGroup(session, request);
  if (group === 0) return;
  const { pending, consumers } = toolsOf(host.store);
  reply.array(4);
  reply.integer(groups.pendingCount(group));
  const root = groups.pendingRoot(group);
  if (!pending.toFirst(root)) {
    reply.nil();
    reply.nil();
    return reply.nilArray();
  }
  replyId(reply, pending.id);
  pending.toLast(root);
  replyId(reply, pending.id);
  const mark = reply.open();
  let count = 0;
  forEachBlock(consumers, groups.consumersRoot(group), (consumer) => {
    const has = groups.consumerPending(consumer);
    if (has === 0) return;
    count++;
    reply.array(2);
    replyConsumerName(session, consumer);
    reply.bulkInteger(has);
  });
  reply.closeArray(mark, count);
}

/** Replies with what is pending from `id` to `end`; for one consumer, if an argument names one. */
function pendingRange(session: Session, request: Request, most: number, minIdleMs: number, consumerAt: number): void {
  const { bytes, starts, lengths } = request;
  const { reply, host } = session;
  const { groups } = host.store.streams;
  const group = readGroup(session, request);
  if (group === 0) return;
  const tools = toolsOf(host.store);
  let pending = tools.pending;
  let root = groups.pendingRoot(group);
  if (consumerAt > 0) {
    const consumer = groups.findConsumer(group, bytes, starts[consumerAt], lengths[consumerAt]);
    if (consumer === 0) return reply.array(0);
    pending = tools.ids;
    root = groups.idsRoot(consumer);
  }
  const mark = reply.open();
  let count = 0;
  let isThere = count < most && pending.seek(root, id);
  for (; isThere && count < most && pending.id.compare(end) <= 0 && !reply.isCut; isThere = pending.next()) {
    // A group's tree says it all where the cursor stands; a consumer's has IDs alone.
    const number = consumerAt === 0 ? pending.consumer : groups.pendingFor(group, pending.id);
    const { deliveredMs, deliveries } = consumerAt === 0 ? pending : groups;
    const idleMs = host.store.nowMs - deliveredMs;
    if (minIdleMs !== 0 && idleMs < minIdleMs) continue;
    reply.array(4);
    replyId(reply, pending.id);
    replyConsumerName(session, groups.consumer(group, number));
    reply.integer(Math.max(0, idleMs));
    reply.integer(deliveries);
    count++;
  }
  reply.closeArray(mark, count);
}

// --- Claiming ---------------------------------------------------------------------------------------------------------

/** What a claim makes of an entry that is pending. */
interface Claim {
  /** Entries that were delivered later stay with whom they are. */
  minIdleMs: number;
  /** When they count as delivered, in Unix ms. */
  deliveredMs: number;
  /** How often; -1: once more, unless only the IDs are replied. */
  deliveries: number;
  force: boolean;
  justId: boolean;
  /** Argument behind the IDs. */
  idsEnd: number;
}

/** A group that is ours, and who claims in it. */
interface Claimant {
  readonly body: number;
  readonly group: number;
  readonly consumer: number;
}

/** The group under argument 2 of the stream under argument 1, to be changed; its body, or 0 after having replied. */
function groupToClaim(session: Session, request: Request): number {
  const { streams } = session.host.store;
  const ref = writeStream(session, request, 1);
  if (ref === FAILED) return 0;
  const body = ref === MISSING ? 0 : streams.bodyOf(ref);
  if (ref === MISSING || findGroup(session, request, body, 2) === 0) {
    replyNoGroup(session, request, 2);
    return 0;
  }
  return body;
}

/** The consumer under argument 3, which is made where there is none. */
function claimant(session: Session, request: Request, body: number): Claimant {
  const { groups } = session.host.store.streams;
  const group = groups.own(body, findGroup(session, request, body, 2));
  const consumers = groups.consumerCount(group);
  const consumer = consumerSeen(session, request, 1, body, group, 3);
  if (groups.consumerCount(group) > consumers) propagateConsumer(session, request, 1, 2, 3);
  return { body, group, consumer };
}

/** Reads what follows the consumer in XCLAIM; null after having replied with an error. Sets `lastId`. */
function claimOptions(session: Session, request: Request): Claim | null {
  const { nowMs } = session.host.store;
  const minIdleMs = integerArgument(session, request, 4, "ERR Invalid min-idle-time argument for XCLAIM");
  if (minIdleMs === null) return null;
  let i = 5;
  while (i < request.argc && isId(request, i)) i++;
  const claim: Claim = {
    minIdleMs: Math.max(0, minIdleMs),
    deliveredMs: nowMs,
    deliveries: -1,
    force: false,
    justId: false,
    idsEnd: i,
  };
  lastId.setZero();
  for (; i < request.argc; i++) {
    const more = i + 1 < request.argc;
    if (request.is(i, "force")) claim.force = true;
    else if (request.is(i, "justid")) claim.justId = true;
    else if (request.is(i, "idle") && more) {
      const idleMs = integerArgument(session, request, ++i, "ERR Invalid IDLE option argument for XCLAIM");
      if (idleMs === null) return null;
      claim.deliveredMs = nowMs - idleMs;
    } else if (request.is(i, "time") && more) {
      const unixMs = integerArgument(session, request, ++i, "ERR Invalid TIME option argument for XCLAIM");
      if (unixMs === null) return null;
      claim.deliveredMs = unixMs;
    } else if (request.is(i, "retrycount") && more) {
      const count = integerArgument(session, request, ++i, "ERR Invalid RETRYCOUNT option argument for XCLAIM");
      if (count === null) return null;
      claim.deliveries = count;
    } else if (request.is(i, "lastid") && more) {
      if (!idArgument(session, request, ++i, lastId)) return null;
    } else {
      return refuse(session, `ERR Unrecognized XCLAIM option '${shownArgument(request, i)}'`);
    }
  }
  // A clock that is elsewhere may be ahead: no time is wrong, but for what cannot be.
  if (claim.deliveredMs < 0 || claim.deliveredMs > nowMs) claim.deliveredMs = nowMs;
  return claim;
}

/** `XCLAIM key group consumer min-idle-time id [id …] [IDLE ms] [TIME unix-ms] [RETRYCOUNT count] [FORCE] [JUSTID] [LASTID id]` */
function xclaim(session: Session, request: Request): void {
  const { reply, host } = session;
  const { groups } = host.store.streams;
  const body = groupToClaim(session, request);
  if (body === 0) return;
  const claim = claimOptions(session, request);
  if (claim === null) return;
  session.preventPropagation(); // but for what is done
  const who = claimant(session, request, body);
  const isAhead = lastId.compare(groups.lastId(who.group, id)) > 0;
  if (isAhead) groups.setLastId(who.group, lastId);
  const mark = reply.open();
  let claimed = 0;
  try {
    for (let i = 5; i < claim.idsEnd && !reply.isCut; i++) {
      if (!idArgument(session, request, i, id)) return;
      if (claimOne(session, request, who, claim) === "claimed") claimed++;
    }
  } finally {
    // Claims tell how far the group has read; where there are none, not even for want of memory, that goes by itself.
    if (isAhead && claimed === 0) {
      host.changes.made++;
      propagateGroup(session, request, 1, 2, who.group);
    }
  }
  reply.closeArray(mark, claimed);
}

/** Claims the entry with `id`, if it is pending long enough, and replies with it; forgets it where it was deleted. */
function claimOne(session: Session, request: Request, who: Claimant, claim: Claim): "claimed" | "deleted" | "left" {
  const { reply, host } = session;
  const { groups } = host.store.streams;
  const { body, group, consumer } = who;
  const entry = cursorOf(host.store);
  const isPending = groups.pendingFor(group, id) >= 0;
  if (!entry.find(body, id)) {
    if (!isPending) return "left";
    groups.removePending(body, group, id);
    host.changes.made++;
    const builder = session.propagateAlso(4)?.word("XACK").argument(request, 1).argument(request, 2);
    if (builder !== undefined) addId(builder, id);
    return "deleted";
  }
  if (!isPending && !claim.force) return "left";
  if (isPending && claim.minIdleMs > 0 && host.store.nowMs - groups.deliveredMs < claim.minIdleMs) return "left";
  const before = isPending ? groups.deliveries : 1;
  const deliveries = claim.deliveries >= 0 ? claim.deliveries : claim.justId ? before : before + 1;
  if (isPending) groups.setPending(body, group, consumer, id, claim.deliveredMs, deliveries);
  else groups.addPending(body, group, consumer, id, claim.deliveredMs, deliveries);
  groups.setActive(consumer, host.store.nowMs);
  host.changes.made++;
  const builder = session.propagateAlso(CLAIM_ARGUMENTS + 1)?.word("XCLAIM").argument(request, 1).argument(request, 2)
    .argument(request, 3).word("0");
  if (builder !== undefined) endClaim(addId(builder, id), session, group, claim.deliveredMs, deliveries);
  if (claim.justId) replyId(reply, id);
  else replyEntry(reply, entry);
  return "claimed";
}

/** `XAUTOCLAIM key group consumer min-idle-time start [COUNT count] [JUSTID]` */
function xautoclaim(session: Session, request: Request): void {
  const { reply, host } = session;
  const { groups } = host.store.streams;
  const minIdleMs = integerArgument(session, request, 4, "ERR Invalid min-idle-time argument for XAUTOCLAIM");
  if (minIdleMs === null || !startArgument(session, request, 5, id)) return;
  let left = DEFAULT_CLAIMS;
  const claim: Claim = {
    minIdleMs: Math.max(0, minIdleMs),
    deliveredMs: host.store.nowMs,
    deliveries: -1,
    force: false,
    justId: false,
    idsEnd: 0,
  };
  for (let i = 6; i < request.argc; i++) {
    if (request.is(i, "count") && i + 1 < request.argc) {
      const count = integerFrom(session, request, ++i, 1, "ERR COUNT must be > 0");
      if (count === null) return;
      if (count > MAX_CLAIMS) return reply.error("ERR COUNT must be > 0");
      left = count;
    } else if (request.is(i, "justid")) claim.justId = true;
    else return reply.error(SYNTAX_ERROR);
  }
  const body = groupToClaim(session, request);
  if (body === 0) return;
  session.preventPropagation(); // but for what is done
  const who = claimant(session, request, body);
  const { pending } = toolsOf(host.store);
  const deleted: string[] = [];
  reply.array(3);
  const mark = reply.open();
  let claimed = 0;
  let isThere = pending.seek(groups.pendingRoot(who.group), id);
  for (let attempts = left * ATTEMPTS_FOR_EACH; isThere && attempts > 0 && left > 0 && !reply.isCut; attempts--) {
    id.set(pending.id);
    const outcome = claimOne(session, request, who, claim);
    if (outcome === "deleted") deleted.push(id.toString());
    if (outcome === "claimed") claimed++;
    if (outcome !== "left") left--;
    // What is pending may have changed under the cursor.
    isThere = id.increment() && pending.seek(groups.pendingRoot(who.group), id);
  }
  reply.closeArray(mark, claimed);
  insertNext(session, mark, isThere ? pending.id : id.setZero());
  reply.array(deleted.length);
  for (const text of deleted) reply.bulkString(text);
}

/** Replies with an ID before what was replied since `mark`, as it is known only then. */
function insertNext({ reply }: Session, mark: number, next: StreamId): void {
  const replied = reply.buffer.slice(mark, reply.length);
  reply.rewind(mark);
  replyId(reply, next);
  reply.raw(replied);
}

const STREAM = { categories: ["stream"] };

export const STREAM_GROUP_COMMANDS: readonly Command[] = [
  command("xgroup", -2, 0, XGROUP_HELP, {
    subcommands: [
      command("xgroup|create", -5, WRITE | DENYOOM, create, { ...STREAM, keys: [oneKey(RW | INSERT, 2)] }),
      command("xgroup|setid", -5, WRITE, setid, { ...STREAM, keys: [oneKey(RW | UPDATE, 2)] }),
      command("xgroup|destroy", 4, WRITE, destroy, { ...STREAM, keys: [oneKey(RW | DELETE, 2)] }),
      command("xgroup|createconsumer", 5, WRITE | DENYOOM, createconsumer, {
        ...STREAM,
        keys: [oneKey(RW | INSERT, 2)],
      }),
      command("xgroup|delconsumer", 5, WRITE, delconsumer, { ...STREAM, keys: [oneKey(RW | DELETE, 2)] }),
      command("xgroup|help", 2, LOADING | STALE, XGROUP_HELP, STREAM),
    ],
  }),
  command("xack", -4, WRITE | FAST, xack, { ...STREAM, keys: KEY_RW_UPDATE }),
  command("xpending", -3, READONLY, xpending, { ...STREAM, keys: KEY_RO_ACCESS }),
  command("xclaim", -6, WRITE | FAST, xclaim, { ...STREAM, keys: KEY_RW_UPDATE }),
  command("xautoclaim", -6, WRITE | FAST, xautoclaim, { ...STREAM, keys: KEY_RW_DELETE }),
];
