/**
 * Streams: XADD, XLEN, XRANGE, XDEL, XTRIM, XSETID. How a stream lies in the store is `store/types/streams.ts`'s; here are
 * the arguments, replies, events and what is propagated: IDs as they were given, and trimming as far as it went.
 *
 * Complexities: an entry comes at the end in O(1), an ID is found in O(log n) and the scan of a node.
 */

import type { Request } from "../resp/request.ts";
import { StreamId } from "../store/types/stream_ids.ts";
import { MAX_ENTRY_BYTES } from "../store/types/streams.ts";
import type { ReplicationLink } from "./client_facets.ts";
import { type Command, command, DENYOOM, FAST, type Handler, READONLY, WRITE } from "./command.ts";
import { NO_SUCH_KEY, SYNTAX_ERROR } from "./errors.ts";
import { EVENT_STREAM } from "./events.ts";
import { integerArgument } from "./integer_argument.ts";
import { index, KEY_RO, KEY_RO_ACCESS, KEY_RW_DELETE, KEY_RW_UPDATE, keySpec, range, RW, UPDATE } from "./key_specs.ts";
import type { Session } from "./session.ts";
import {
  endArgument,
  exactArgument,
  idArgument,
  newIdArgument,
  readSequence,
  startArgument,
  TrimOptions,
} from "./stream_arguments.ts";
import { addId, changedAside, cursorOf, readStream, replyEntry, replyId, writeStream } from "./stream_keys.ts";
import { FAILED, MISSING } from "./typed_keys.ts";

const NOT_ABOVE = "ERR The ID specified in XADD is equal or smaller than the target stream top item";

/** Whom the commands run for that take what a primary says as it is. */
type Trimmer = Session & Pick<ReplicationLink, "isObeyed">;

const options = new TrimOptions();
const id = new StreamId();
const lastId = new StreamId();
const other = new StreamId();

// --- Adding -----------------------------------------------------------------------------------------------------------

/** What of an entry's ID was given. */
type GivenId = "none" | "time" | "all";

/** What XADD was asked besides `options` and `id`. */
let givenId: GivenId = "none";
let createsStream = true;

/** Reads the options of XADD and the ID; the argument that is the ID, or -1 after having replied with an error. */
function addOptions(session: Trimmer, request: Request): number {
  options.reset();
  createsStream = true;
  givenId = "none";
  let at = 2;
  for (; at < request.argc; at++) {
    if (request.is(at, "*")) break;
    const after = options.take(session, request, at);
    if (after < 0) return -1;
    if (after > at) {
      at = after - 1;
    } else if (request.is(at, "nomkstream")) {
      createsStream = false;
    } else {
      if (!newIdArgument(session, request, at, id)) return -1;
      givenId = readSequence() === "any" ? "time" : "all";
      break;
    }
  }
  return options.complete(session, session.host.store.streams.maxNodeEntries) ? at : -1;
}

/** Makes `id` the ID of the entry to be added behind `lastId`; false if there is none that was asked for. */
function completeId(nowMs: number): boolean {
  if (givenId === "none") {
    id.setTime(nowMs);
    if (id.compare(lastId) > 0) return true;
    return id.set(lastId).increment();
  }
  if (givenId === "time" && id.isSameTime(lastId)) {
    id.set(lastId);
    return id.increment() && id.isSameTime(lastId);
  }
  return id.compare(lastId) > 0;
}

/** `XADD key [NOMKSTREAM] [MAXLEN | MINID [= | ~] threshold [LIMIT count]] <* | id> field value [field value …]` */
function xadd(session: Trimmer, request: Request): void {
  const { bytes, starts, lengths } = request;
  const { host, database, reply } = session;
  const { streams } = host.store;
  const idAt = addOptions(session, request);
  if (idAt < 0) return;
  const first = idAt + 1;
  const fields = request.argc - first;
  if (fields < 2 || fields % 2 === 1) return reply.error("ERR wrong number of arguments for 'xadd' command");
  if (givenId === "all" && id.isZero) return reply.error("ERR The ID specified in XADD must be greater than 0-0");
  let total = 0;
  for (let i = first; i < request.argc; i++) total += lengths[i];
  let ref = writeStream(session, request, 1);
  if (ref === FAILED) return;
  if (ref === MISSING && !createsStream) return reply.nil();
  if (ref === MISSING) lastId.setZero();
  else streams.lastId(streams.bodyOf(ref), lastId);
  if (lastId.isMax) {
    return reply.error("ERR The stream has exhausted the last possible ID, unable to add more items");
  }
  if (!completeId(host.store.nowMs)) return reply.error(NOT_ABOVE);
  if (total > MAX_ENTRY_BYTES) return reply.error("ERR Elements are too large to be stored");
  const isNew = ref === MISSING;
  if (isNew) ref = streams.create(database, bytes, starts[1], lengths[1]);
  const body = streams.bodyOf(ref);
  try {
    streams.append(body, id, request, first, fields / 2);
  } catch (error) {
    if (isNew) database.remove(bytes, starts[1], lengths[1]);
    throw error;
  }
  replyId(reply, id);
  host.changes.changed(session, request, 1, EVENT_STREAM, "xadd");
  if (options.strategy !== "none" && streams.trim(body, options) > 0) {
    host.changes.publish(EVENT_STREAM, "xtrim", database, bytes, starts[1], lengths[1]);
  }
  propagateAdded(session, request, body, idAt);
}

/** Propagates an XADD with the ID that the entry was given, and trimming to what it came to. */
function propagateAdded(session: Session, request: Request, body: number, idAt: number): void {
  const isTrimmedExactly = options.isApproximate || options.limitAt > 0;
  if (givenId === "all" && !isTrimmedExactly) return;
  // The sign before the threshold, and LIMIT, may or may not be there.
  const trimWords = options.strategy === "none" ? 0 : 3;
  const builder = session.propagateAs(2 + (createsStream ? 0 : 1) + trimWords + 1 + request.argc - idAt - 1);
  if (builder === null) return;
  builder.argument(request, 0).argument(request, 1);
  if (!createsStream) builder.word("NOMKSTREAM");
  addTrim(session, request, body, builder);
  addId(builder, id);
  for (let i = idAt + 1; i < request.argc; i++) builder.argument(request, i);
}

/** Adds how a stream was trimmed: exactly to what is left of it, where it was only to be trimmed about so far. */
function addTrim(
  session: Session,
  request: Request,
  body: number,
  builder: NonNullable<ReturnType<Session["propagateAs"]>>,
): void {
  if (options.strategy === "none") return;
  const { streams } = session.host.store;
  builder.argument(request, options.at).word("=");
  if (!options.isApproximate) builder.argument(request, options.valueAt);
  else if (options.strategy === "maxlen") builder.integer(streams.length(body));
  else addId(builder, streams.length(body) === 0 ? other.setMax() : streams.firstId(body, other));
}

// --- Removing ---------------------------------------------------------------------------------------------------------

/** `XTRIM key <MAXLEN | MINID> [= | ~] threshold [LIMIT count]` */
function xtrim(session: Trimmer, request: Request): void {
  const { host, reply } = session;
  const { streams } = host.store;
  options.reset();
  for (let at = 2; at < request.argc;) {
    const after = options.take(session, request, at);
    if (after < 0) return;
    if (after === at) return reply.error(SYNTAX_ERROR);
    at = after;
  }
  if (!options.complete(session, streams.maxNodeEntries)) return;
  if (options.strategy === "none") {
    return reply.error("ERR syntax error, XTRIM must be called with a trimming strategy");
  }
  const ref = writeStream(session, request, 1);
  if (ref === FAILED) return;
  if (ref === MISSING) return reply.integer(0);
  const body = streams.bodyOf(ref);
  const removed = streams.trim(body, options);
  if (removed > 0) {
    host.changes.changed(session, request, 1, EVENT_STREAM, "xtrim", removed);
    if (options.isApproximate || options.limitAt > 0) {
      const builder = session.propagateAs(5)?.argument(request, 0).argument(request, 1);
      if (builder !== undefined) addTrim(session, request, body, builder);
    }
  }
  reply.integer(removed);
}

/** `XDEL key id [id …]` */
function xdel(session: Session, request: Request): void {
  const { host, reply } = session;
  const { streams } = host.store;
  const ref = writeStream(session, request, 1);
  if (ref === FAILED) return;
  if (ref === MISSING) return reply.integer(0);
  // All of them must be IDs before any is deleted.
  for (let i = 2; i < request.argc; i++) if (!idArgument(session, request, i, id)) return;
  const body = streams.bodyOf(ref);
  let deleted = 0;
  for (let i = 2; i < request.argc; i++) {
    if (idArgument(session, request, i, id) && streams.delete(body, id)) deleted++;
  }
  if (deleted > 0) host.changes.changed(session, request, 1, EVENT_STREAM, "xdel", deleted);
  reply.integer(deleted);
}

/** `XSETID key last-id [ENTRIESADDED entries-added] [MAXDELETEDID max-deleted-id]` */
function xsetid(session: Trimmer, request: Request): void {
  const { host, reply } = session;
  const { streams } = host.store;
  const maxDeletedId = other.setZero();
  let added: bigint | null = null;
  let hasDeleted = false;
  if (!idArgument(session, request, 2, id)) return;
  for (let i = 3; i < request.argc; i += 2) {
    if (i + 1 === request.argc) return reply.error(SYNTAX_ERROR);
    if (request.is(i, "entriesadded")) {
      added = exactArgument(session, request, i + 1);
      if (added === null) return;
      if (added < 0n) return reply.error("ERR entries_added must be positive");
    } else if (request.is(i, "maxdeletedid")) {
      if (!idArgument(session, request, i + 1, maxDeletedId)) return;
      hasDeleted = true;
      if (id.compare(maxDeletedId) < 0) {
        return reply.error("ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id");
      }
    } else {
      return reply.error(SYNTAX_ERROR);
    }
  }
  const ref = writeStream(session, request, 1);
  if (ref === FAILED) return;
  if (ref === MISSING) return reply.error(NO_SUCH_KEY);
  const body = streams.bodyOf(ref);
  const error = setIdError(session, body, added);
  if (error !== null) return reply.error(error);
  streams.setLastId(body, id);
  if (added !== null) streams.setEntriesAdded(body, added);
  if (hasDeleted && !maxDeletedId.isZero) streams.setMaxDeletedId(body, maxDeletedId);
  changedAside(session, request, 1, "xsetid");
  reply.ok();
}

/** Why a stream cannot have `id` as its last, or so many entries added; null if it can. */
function setIdError(session: Trimmer, body: number, added: bigint | null): string | null {
  const { streams } = session.host.store;
  const length = streams.length(body);
  const entry = cursorOf(session.host.store);
  if (entry.toLast(body) && id.compare(entry.id) < 0) {
    return "ERR The ID specified in XSETID is smaller than the target stream top item";
  }
  if (added !== null && added < BigInt(length)) {
    return "ERR The entries_added specified in XSETID is smaller than the target stream length";
  }
  // A primary before 7.2 may have done so.
  if (!session.isObeyed && id.compare(streams.maxDeletedId(body, lastId)) < 0) {
    return "ERR The ID specified in XSETID is smaller than current max_deleted_entry_id";
  }
  return null;
}

// --- Reading ----------------------------------------------------------------------------------------------------------

/** `XLEN key` */
function xlen(session: Session, request: Request): void {
  const ref = readStream(session, request, 1);
  if (ref === FAILED) return;
  session.reply.integer(ref === MISSING ? 0 : session.host.store.streams.count(ref));
}

/** `XRANGE key start end [COUNT count]` and XREVRANGE, which begins with the end */
function readRange(session: Session, request: Request, isReverse: boolean): void {
  const { reply, host } = session;
  const start = id;
  const end = other;
  if (!startArgument(session, request, isReverse ? 3 : 2, start)) return;
  if (!endArgument(session, request, isReverse ? 2 : 3, end)) return;
  let most = Infinity;
  for (let i = 4; i < request.argc; i += 2) {
    if (!request.is(i, "count") || i + 1 === request.argc) return reply.error(SYNTAX_ERROR);
    const count = integerArgument(session, request, i + 1);
    if (count === null) return;
    most = Math.max(0, count);
  }
  const ref = readStream(session, request, 1);
  if (ref === FAILED) return;
  if (ref === MISSING) return reply.array(0);
  if (most === 0) return reply.nilArray();
  const entry = cursorOf(host.store);
  const body = host.store.streams.bodyOf(ref);
  const mark = reply.open();
  let count = 0;
  let isThere = isReverse ? entry.seekBack(body, end) : entry.seek(body, start);
  for (; isThere && count < most && !reply.isCut; isThere = isReverse ? entry.previous() : entry.next()) {
    if (isReverse ? entry.id.compare(start) < 0 : entry.id.compare(end) > 0) break;
    replyEntry(reply, entry);
    count++;
  }
  reply.closeArray(mark, count);
}

const STREAM = { categories: ["stream"] };
const ADDING = [
  keySpec(RW | UPDATE, index(1), range(0), "UPDATE instead of INSERT because of the optional trimming feature"),
];

const xrange: Handler = (session, request) => readRange(session, request, false);
const xrevrange: Handler = (session, request) => readRange(session, request, true);

export const STREAM_COMMANDS: readonly Command[] = [
  command("xadd", -5, WRITE | DENYOOM | FAST, xadd, { ...STREAM, keys: ADDING }),
  command("xlen", 2, READONLY | FAST, xlen, { ...STREAM, keys: KEY_RO }),
  command("xrange", -4, READONLY, xrange, { ...STREAM, keys: KEY_RO_ACCESS }),
  command("xrevrange", -4, READONLY, xrevrange, { ...STREAM, keys: KEY_RO_ACCESS }),
  command("xdel", -3, WRITE | FAST, xdel, { ...STREAM, keys: KEY_RW_DELETE }),
  command("xtrim", -4, WRITE, xtrim, { ...STREAM, keys: KEY_RW_DELETE }),
  command("xsetid", -3, WRITE | DENYOOM | FAST, xsetid, { ...STREAM, keys: KEY_RW_UPDATE }),
];
