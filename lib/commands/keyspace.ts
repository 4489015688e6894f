/**
 * The keyspace as a whole: KEYS, SCAN, RANDOMKEY. What has expired is never shown, whether or not it is still there.
 *
 * SCAN passes a cursor of the table on to the client; what it promises under growth and shrinkage is the table's doing
 * (store/table.ts).
 */

import { globMatch } from "../bytes/glob.ts";
import type { Request } from "../resp/request.ts";
import { random } from "../runtime/random.ts";
import type { Database } from "../store/database.ts";
import { ARBITRARY_KEYS, type Command, command, READONLY } from "./command.ts";
import { parseCursor, ScanOptions } from "./scanning.ts";
import { TYPE_NAMES } from "../store/entry.ts";
import type { Session } from "./session.ts";

/** Entries that KEYS takes from the table at a time. */
const BATCH = 512;
/** Random entries that RANDOMKEY draws before it looks for a live one in a simpler way. */
const RANDOM_TRIES = 100;
const NO_TYPE = -1;

/** Entries of the table that the command under way has come to. */
const scanned: number[] = [];

/** Replies with an entry's key. */
function replyKey(session: Session, ref: number): void {
  const { entries } = session.host.store.heap;
  session.reply.bulk(entries.bytes(ref), entries.keyStart(ref), entries.keyLength(ref));
}

/** Whether argument `index` has none of the characters with which a glob means more than itself. */
function isPlain(request: Request, index: number): boolean {
  const { bytes, starts, lengths } = request;
  for (let at = starts[index], end = at + lengths[index]; at < end; at++) {
    const byte = bytes[at];
    if (byte === 0x2a || byte === 0x3f || byte === 0x5b || byte === 0x5c) return false; // * ? [ \
  }
  return true;
}

/** `KEYS pattern`: O(n), but O(1) for a pattern that is one key's name */
function keys(session: Session, request: Request): void {
  const { database, reply } = session;
  const { bytes, starts, lengths } = request;
  const { store } = database;
  const { entries } = store.heap;
  const start = starts[1];
  const length = lengths[1];
  if (isPlain(request, 1)) {
    // As a walk would, which leaves what has expired to others.
    const ref = database.peek(bytes, start, length);
    const found = ref !== 0 && !store.hasExpired(ref);
    reply.array(found ? 1 : 0);
    if (found) reply.bulk(bytes, start, length);
    return;
  }
  const all = length === 1 && bytes[start] === 0x2a;
  const mark = reply.open();
  let count = 0;
  let cursor = 0;
  do {
    cursor = database.scan(cursor, BATCH, scanned);
    for (let i = 0; i < scanned.length; i++) {
      const ref = scanned[i];
      if (store.hasExpired(ref)) continue;
      const matches = all ||
        globMatch(bytes, start, length, entries.bytes(ref), entries.keyStart(ref), entries.keyLength(ref), false);
      if (!matches) continue;
      replyKey(session, ref);
      count++;
    }
  } while (cursor !== 0 && !reply.isCut);
  reply.closeArray(mark, count);
}

/** The value type with the name that argument `index` is; NO_TYPE where there is none, which nothing has. */
function typeNamed(request: Request, index: number): number {
  for (const [type, name] of TYPE_NAMES) if (request.is(index, name)) return type;
  return NO_TYPE;
}

/** `SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]` */
function scan(session: Session, request: Request): void {
  const { database, reply } = session;
  const cursor = parseCursor(session, request, 1);
  if (cursor < 0) return;
  const options = new ScanOptions(request);
  let ofType: number | null = null;
  for (let i = 2; i < request.argc; i += 2) {
    if (i + 1 < request.argc && request.is(i, "type")) {
      ofType = typeNamed(request, i + 1);
      continue;
    }
    const error = options.take(i);
    if (error !== null) return reply.error(error);
  }
  const { store } = database;
  const { entries } = store.heap;
  reply.array(2);
  reply.bulkInteger(database.scan(cursor, options.count, scanned));
  const mark = reply.open();
  let count = 0;
  for (let i = 0; i < scanned.length; i++) {
    const ref = scanned[i];
    if (!options.matches(entries.bytes(ref), entries.keyStart(ref), entries.keyLength(ref))) continue;
    if (store.hasExpired(ref)) {
      if (store.removeExpired) database.expireEntry(ref);
      continue;
    }
    if (ofType !== null && entries.type(ref) !== ofType) continue;
    replyKey(session, ref);
    count++;
  }
  reply.closeArray(mark, count);
}

/** `RANDOMKEY`: each key is as likely as any other */
function randomkey(session: Session): void {
  const { database } = session;
  const { store } = database;
  for (let tries = 0; tries < RANDOM_TRIES && database.size > 0; tries++) {
    const ref = database.random(random);
    if (!store.hasExpired(ref)) return replyKey(session, ref);
    if (store.removeExpired) database.expireEntry(ref);
  }
  // Nearly everything has expired: take the first live key from some place on.
  let live = firstLive(database, (random() * 2 ** 32) >>> 0);
  if (live === 0) live = firstLive(database, 0);
  if (live === 0) session.reply.nil();
  else replyKey(session, live);
}

/** The first entry from a cursor on that has not expired, or 0. */
function firstLive(database: Database, cursor: number): number {
  do {
    cursor = database.scan(cursor, BATCH, scanned);
    for (let i = 0; i < scanned.length; i++) if (!database.store.hasExpired(scanned[i])) return scanned[i];
  } while (cursor !== 0);
  return 0;
}

export const KEYSPACE_COMMANDS: readonly Command[] = [
  command("keys", 2, READONLY, keys, { categories: ["keyspace", "dangerous"] }),
  command("scan", -2, READONLY | ARBITRARY_KEYS, scan, { categories: ["keyspace"] }),
  command("randomkey", 1, READONLY | ARBITRARY_KEYS, randomkey, { categories: ["keyspace"] }),
];
