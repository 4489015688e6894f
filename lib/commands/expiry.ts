/** Expiry: EXPIRE and its kin, TTL and its kin, PERSIST. Times are kept as Unix times in ms. */

import { Request } from "../resp/request.ts";
import { NO_EXPIRY, type UnixMs } from "../store/entry.ts";
import { type Command, command, FAST, type Handler, READONLY, WRITE } from "./command.ts";
import { NOT_INTEGER, shownArgument } from "./errors.ts";
import { EVENT_GENERIC } from "./events.ts";
import { integerArgument, invalidExpire, type TimeUnit, toUnixMs } from "./expiry_options.ts";
import { KEY_RO_ACCESS, KEY_RW_UPDATE } from "./key_specs.ts";
import { removalWord } from "./removal.ts";
import type { Session } from "./session.ts";

/** When an expiry is to be set, by what there is already. */
interface ExpireConditions {
  nx: boolean;
  xx: boolean;
  gt: boolean;
  lt: boolean;
}

/** Reads NX, XX, GT and LT from argument 3 on; null after having replied with an error. */
function parseConditions(session: Session, request: Request): ExpireConditions | null {
  const conditions: ExpireConditions = { nx: false, xx: false, gt: false, lt: false };
  for (let i = 3; i < request.argc; i++) {
    if (request.is(i, "nx")) conditions.nx = true;
    else if (request.is(i, "xx")) conditions.xx = true;
    else if (request.is(i, "gt")) conditions.gt = true;
    else if (request.is(i, "lt")) conditions.lt = true;
    else {
      session.reply.error(`ERR Unsupported option ${shownArgument(request, i)}`);
      return null;
    }
  }
  if (conditions.nx && (conditions.xx || conditions.gt || conditions.lt)) {
    session.reply.error("ERR NX and XX, GT or LT options at the same time are not compatible");
    return null;
  }
  if (conditions.gt && conditions.lt) {
    session.reply.error("ERR GT and LT options at the same time are not compatible");
    return null;
  }
  return conditions;
}

/** Whether `expiry` may replace `current`, which is null for a key that does not expire: later than any time. */
function allows(conditions: ExpireConditions, current: UnixMs | null, expiry: UnixMs): boolean {
  if (conditions.nx && current !== null) return false;
  if (conditions.xx && current === null) return false;
  if (conditions.gt && (current === null || expiry <= current)) return false;
  if (conditions.lt && current !== null && expiry >= current) return false;
  return true;
}

/** `EXPIRE key seconds [NX | XX | GT | LT]`, PEXPIRE, EXPIREAT, PEXPIREAT */
function expire(session: Session, request: Request, unit: TimeUnit): void {
  const { reply, database, host } = session;
  const { bytes, starts, lengths } = request;
  const conditions = parseConditions(session, request);
  if (conditions === null) return;
  const value = integerArgument(request, 2);
  if (value === null) return reply.error(NOT_INTEGER);
  const expiry = toUnixMs(value, unit, host.store.nowMs);
  if (expiry === null) return reply.error(invalidExpire(request.text(0).toLowerCase()));
  const ref = database.write(bytes, starts[1], lengths[1]);
  if (ref === 0) return reply.integer(0);
  const entries = host.store.heap.entries;
  const current = entries.hasExpiry(ref) ? entries.exactExpiry(ref) : null;
  if (!allows(conditions, current, expiry)) return reply.integer(0);
  if (host.store.hasPassed(expiry)) {
    database.remove(bytes, starts[1], lengths[1]);
    host.changes.changed(session, request, 1, EVENT_GENERIC, "del");
    session.propagateAs(2)?.word(removalWord(host.config, "lazyfree-lazy-expire")).argument(request, 1);
  } else {
    database.setExpiry(ref, expiry < 0 ? 0 : expiry);
    host.changes.changed(session, request, 1, EVENT_GENERIC, "expire");
    session.propagateAs(3)?.word("PEXPIREAT").argument(request, 1).integer(expiry);
  }
  reply.integer(1);
}

/** `TTL key`, PTTL, EXPIRETIME, PEXPIRETIME: -2 without the key, -1 without an expiry. */
function timeToLive(session: Session, request: Request, unit: TimeUnit): void {
  const { reply, database, host } = session;
  const entries = host.store.heap.entries;
  const ref = database.glance(request.bytes, request.starts[1], request.lengths[1]);
  if (ref === 0) return reply.integer(-2);
  if (!entries.hasExpiry(ref)) return reply.integer(-1);
  const expiry = entries.exactExpiry(ref);
  const sinceMs = unit === "ex" || unit === "px" ? host.store.nowMs : 0;
  const inSeconds = unit === "ex" || unit === "exat";
  if (typeof expiry === "number") {
    const ms = Math.max(0, expiry - sinceMs);
    return reply.integer(inSeconds ? Math.floor((ms + 500) / 1000) : ms);
  }
  const ms = expiry - BigInt(sinceMs);
  reply.bigInteger(inSeconds ? (ms + 500n) / 1000n : ms);
}

/** `PERSIST key` */
function persist(session: Session, request: Request): void {
  const { reply, database, host } = session;
  const ref = database.write(request.bytes, request.starts[1], request.lengths[1]);
  if (ref === 0 || !host.store.heap.entries.hasExpiry(ref)) return reply.integer(0);
  database.setExpiry(ref, NO_EXPIRY);
  host.changes.changed(session, request, 1, EVENT_GENERIC, "persist");
  reply.integer(1);
}

const KEYSPACE = { categories: ["keyspace"] };

function expireIn(unit: TimeUnit): Handler {
  return (session, request) => expire(session, request, unit);
}

function timeIn(unit: TimeUnit): Handler {
  return (session, request) => timeToLive(session, request, unit);
}

export const EXPIRY_COMMANDS: readonly Command[] = [
  command("expire", -3, WRITE | FAST, expireIn("ex"), { ...KEYSPACE, keys: KEY_RW_UPDATE }),
  command("pexpire", -3, WRITE | FAST, expireIn("px"), { ...KEYSPACE, keys: KEY_RW_UPDATE }),
  command("expireat", -3, WRITE | FAST, expireIn("exat"), { ...KEYSPACE, keys: KEY_RW_UPDATE }),
  command("pexpireat", -3, WRITE | FAST, expireIn("pxat"), { ...KEYSPACE, keys: KEY_RW_UPDATE }),
  command("ttl", 2, READONLY | FAST, timeIn("ex"), { ...KEYSPACE, keys: KEY_RO_ACCESS }),
  command("pttl", 2, READONLY | FAST, timeIn("px"), { ...KEYSPACE, keys: KEY_RO_ACCESS }),
  command("expiretime", 2, READONLY | FAST, timeIn("exat"), { ...KEYSPACE, keys: KEY_RO_ACCESS }),
  command("pexpiretime", 2, READONLY | FAST, timeIn("pxat"), { ...KEYSPACE, keys: KEY_RO_ACCESS }),
  command("persist", 2, WRITE | FAST, persist, { ...KEYSPACE, keys: KEY_RW_UPDATE }),
];
