/** Keys of any type: DEL, EXISTS, TYPE, RENAME, COPY, MOVE, TOUCH and OBJECT. */

import { parseSafeInteger } from "../bytes/integers.ts";
import type { Request } from "../resp/request.ts";
import type { Database } from "../store/database.ts";
import { ENCODING_INT, ENCODING_NAMES, TYPE_NAMES, TYPE_STRING } from "../store/entry.ts";
import {
  ALWAYS_TOUCHES,
  type Command,
  command,
  DENYOOM,
  FAST,
  type Handler,
  LOADING,
  READONLY,
  STALE,
  WRITE,
} from "./command.ts";
import { databaseArgument } from "./database_argument.ts";
import { NO_SUCH_KEY, SAME_OBJECTS, SYNTAX_ERROR } from "./errors.ts";
import { EVENT_GENERIC } from "./events.ts";
import { help } from "./help.ts";
import {
  ACCESS,
  DELETE,
  INSERT,
  KEY_RO,
  KEY_RW_ACCESS_UPDATE,
  KEYS_RM_DELETE,
  KEYS_RO,
  oneKey,
  OW,
  RO,
  RW,
  UPDATE,
} from "./key_specs.ts";
import type { Config } from "../config/config.ts";
import type { Session } from "./session.ts";

/** `DEL key [key …]` and UNLINK: large values are freed in slices in either case. */
function del(session: Session, request: Request): void {
  const { database, host } = session;
  let removed = 0;
  for (let i = 1; i < request.argc; i++) {
    if (!database.has(request.bytes, request.starts[i], request.lengths[i])) continue;
    database.remove(request.bytes, request.starts[i], request.lengths[i]);
    host.changes.changed(session, request, i, EVENT_GENERIC, "del");
    removed++;
  }
  session.reply.integer(removed);
}

/** `EXISTS key [key …]` */
function exists(session: Session, request: Request): void {
  let found = 0;
  for (let i = 1; i < request.argc; i++) {
    if (session.database.glance(request.bytes, request.starts[i], request.lengths[i]) !== 0) found++;
  }
  session.reply.integer(found);
}

/** `TYPE key` */
function type(session: Session, request: Request): void {
  const ref = session.database.glance(request.bytes, request.starts[1], request.lengths[1]);
  session.reply.simple(ref === 0 ? "none" : TYPE_NAMES.get(session.host.store.heap.entries.type(ref)) ?? "unknown");
}

/** `RENAME key newkey` and RENAMENX */
function rename(session: Session, request: Request, onlyIfFree: boolean): void {
  const { reply, database, host } = session;
  const { bytes, starts, lengths } = request;
  const ref = database.write(bytes, starts[1], lengths[1]);
  if (ref === 0) return reply.error(NO_SUCH_KEY);
  if (request.same(1, 2)) return onlyIfFree ? reply.integer(0) : reply.ok();
  const isTaken = database.use(bytes, starts[2], lengths[2]); // one that has expired goes, and is told of
  if (onlyIfFree && isTaken) return reply.integer(0);
  database.adopt(database, ref, bytes, starts[2], lengths[2]);
  host.changes.changed(session, request, 1, EVENT_GENERIC, "rename_from");
  host.changes.changed(session, request, 2, EVENT_GENERIC, "rename_to", 0);
  if (onlyIfFree) reply.integer(1);
  else reply.ok();
}

/** `MOVE key db` */
function move(session: Session, request: Request): void {
  const { reply, database, host } = session;
  const { bytes, starts, lengths } = request;
  const target = databaseArgument(session, request, 2);
  if (target === null) return;
  if (target === database) return reply.error(SAME_OBJECTS);
  const ref = database.write(bytes, starts[1], lengths[1]);
  if (ref === 0 || target.use(bytes, starts[1], lengths[1])) return reply.integer(0);
  target.adopt(database, ref, bytes, starts[1], lengths[1]);
  host.changes.changed(session, request, 1, EVENT_GENERIC, "move_from");
  host.changes.changedIn(target, session, bytes, starts[1], lengths[1], EVENT_GENERIC, "move_to", 0);
  reply.integer(1);
}

/** `COPY source destination [DB index] [REPLACE]` */
function copy(session: Session, request: Request): void {
  const { reply, database, host } = session;
  const { bytes, starts, lengths } = request;
  let target: Database = database;
  let replace = false;
  for (let i = 3; i < request.argc; i++) {
    if (request.is(i, "replace")) replace = true;
    else if (request.is(i, "db") && i + 1 < request.argc) {
      const named = databaseArgument(session, request, ++i);
      if (named === null) return;
      target = named;
    } else return reply.error(SYNTAX_ERROR);
  }
  if (target === database && request.same(1, 2)) return reply.error(SAME_OBJECTS);
  const ref = database.read(bytes, starts[1], lengths[1]);
  if (ref === 0) return reply.integer(0);
  if (target.use(bytes, starts[2], lengths[2]) && !replace) return reply.integer(0);
  target.duplicate(ref, bytes, starts[2], lengths[2]);
  host.changes.changedIn(target, session, bytes, starts[2], lengths[2], EVENT_GENERIC, "copy_to", 1);
  reply.integer(1);
}

/** `TOUCH key [key …]` */
function touch(session: Session, request: Request): void {
  let found = 0;
  for (let i = 1; i < request.argc; i++) {
    if (session.database.read(request.bytes, request.starts[i], request.lengths[i]) !== 0) found++;
  }
  session.reply.integer(found);
}

/** The entry that an OBJECT subcommand asks for, untouched, or 0 after having replied with null. A miss is no event. */
function lookObject(session: Session, request: Request): number {
  const { store } = session.host;
  const ref = session.database.look(request.bytes, request.starts[2], request.lengths[2]);
  if (ref !== 0) store.hits++;
  else {
    store.misses++;
    session.reply.nil();
  }
  return ref;
}

/** `OBJECT ENCODING key` */
function objectEncoding(session: Session, request: Request): void {
  const ref = lookObject(session, request);
  if (ref === 0) return;
  session.reply.bulkString(ENCODING_NAMES.get(session.host.store.heap.entries.encoding(ref)) ?? "unknown");
}

const SWITCHING =
  "Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.";

/** `OBJECT FREQ key` */
function objectFreq(session: Session, request: Request): void {
  const { store } = session.host;
  const ref = lookObject(session, request);
  if (ref === 0) return;
  if (store.frequency === null) {
    return session.reply.error(
      `ERR An LFU maxmemory policy is not selected, access frequency not tracked. ${SWITCHING}`,
    );
  }
  session.reply.integer(store.frequency.decayed(store.heap.entries.clock(ref)));
}

/** `OBJECT IDLETIME key` */
function objectIdletime(session: Session, request: Request): void {
  const { store } = session.host;
  const ref = lookObject(session, request);
  if (ref === 0) return;
  if (store.frequency !== null) {
    return session.reply.error(`ERR An LFU maxmemory policy is selected, idle time not tracked. ${SWITCHING}`);
  }
  session.reply.integer(store.idleSeconds(ref));
}

/** Redis shares the integers below this one; clients and tests that look find them shared. */
const SHARED_INTEGERS = 10_000;
const SHARED_REFCOUNT = 0x7fffffff;

/** `OBJECT REFCOUNT key`: 1, as no value is shared here, but for the small integers that Redis shares. */
function objectRefcount(session: Session, request: Request): void {
  const ref = lookObject(session, request);
  if (ref === 0) return;
  const entries = session.host.store.heap.entries;
  const isInteger = entries.type(ref) === TYPE_STRING && entries.encoding(ref) === ENCODING_INT;
  const value = isInteger ? parseSafeInteger(entries.bytes(ref), entries.valueStart(ref), entries.valueWord(ref)) : -1;
  const isShared = value >= 0 && value < SHARED_INTEGERS && sharesIntegers(session.host.config);
  session.reply.integer(isShared ? SHARED_REFCOUNT : 1);
}

/** Redis gives each integer an object of its own where eviction goes by what each key was used for. */
function sharesIntegers(config: Config): boolean {
  return config.number("maxmemory") === 0 || !/-(lru|lfu)$/.test(config.choice("maxmemory-policy"));
}

const OBJECT_HELP = help("OBJECT", [
  ["ENCODING <key>", "Tell the encoding in which the value of <key> is kept."],
  ["FREQ <key>", "Tell the access frequency of <key>, a logarithmic counter. Needs an LFU policy."],
  ["IDLETIME <key>", "Tell for how many seconds <key> was not accessed."],
  ["REFCOUNT <key>", "Tell how many references to the value of <key> there are."],
]);

const KEYSPACE = { categories: ["keyspace"] };
const SOURCE = oneKey(RW | ACCESS | DELETE);
const RENAME_KEYS = [SOURCE, oneKey(OW | UPDATE, 2)];
const RENAMENX_KEYS = [SOURCE, oneKey(OW | INSERT, 2)];
const COPY_KEYS = [oneKey(RO | ACCESS), oneKey(OW | UPDATE, 2)];
/** The key that OBJECT tells of. */
const SUBJECT = [oneKey(RO, 2)];

const renameAlways: Handler = (session, request) => rename(session, request, false);
const renamenx: Handler = (session, request) => rename(session, request, true);

export const KEY_COMMANDS: readonly Command[] = [
  command("del", -2, WRITE, del, { ...KEYSPACE, keys: KEYS_RM_DELETE }),
  command("unlink", -2, WRITE | FAST, del, { ...KEYSPACE, keys: KEYS_RM_DELETE }),
  command("exists", -2, READONLY | FAST, exists, { ...KEYSPACE, keys: KEYS_RO }),
  command("type", 2, READONLY | FAST, type, { ...KEYSPACE, keys: KEY_RO }),
  command("rename", 3, WRITE, renameAlways, { ...KEYSPACE, keys: RENAME_KEYS }),
  command("renamenx", 3, WRITE | FAST, renamenx, { ...KEYSPACE, keys: RENAMENX_KEYS }),
  command("move", 3, WRITE | FAST, move, { ...KEYSPACE, keys: KEY_RW_ACCESS_UPDATE }),
  command("copy", -3, WRITE | DENYOOM, copy, { ...KEYSPACE, keys: COPY_KEYS }),
  command("touch", -2, READONLY | FAST | ALWAYS_TOUCHES, touch, { ...KEYSPACE, keys: KEYS_RO }),
  command("object", -2, 0, OBJECT_HELP, {
    subcommands: [
      command("object|encoding", 3, READONLY, objectEncoding, { ...KEYSPACE, keys: SUBJECT }),
      command("object|freq", 3, READONLY, objectFreq, { ...KEYSPACE, keys: SUBJECT }),
      command("object|idletime", 3, READONLY, objectIdletime, { ...KEYSPACE, keys: SUBJECT }),
      command("object|refcount", 3, READONLY, objectRefcount, { ...KEYSPACE, keys: SUBJECT }),
      command("object|help", 2, LOADING | STALE, OBJECT_HELP, KEYSPACE),
    ],
  }),
];
