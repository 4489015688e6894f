/** Replication: REPLICAOF, FAILOVER, PSYNC, SYNC, REPLCONF, ROLE, WAIT, WAITAOF. */

import { integerArgument, looseInteger } from "./integer_argument.ts";
import type { Request } from "../resp/request.ts";
import { parseInt64 } from "../bytes/integers.ts";
import {
  ADMIN,
  ALLOW_BUSY,
  type Command,
  command,
  FAST,
  LOADING,
  NO_ASYNC_LOADING,
  NO_MULTI,
  NOSCRIPT,
  STALE,
} from "./command.ts";
import { FAILING_OVER, NO_LOG, NOT_INTEGER, NOT_POSITIVE, shownArgument, SYNTAX_ERROR } from "./errors.ts";
import type { ReplicationLink } from "./client_facets.ts";
import type { FailoverOrder, ReplicationHost } from "./host_facets.ts";
import { refuse } from "./replies.ts";
import type { Session } from "./session.ts";
import { timeoutInMs } from "./timeouts.ts";

/** Whom these commands run for. */
type Caller = Session<ReplicationHost> & ReplicationLink;

/** What a stream is called. */
const REPLICATION_ID = /^[0-9a-f]{40}$/;

/** `REPLICAOF host port`, `REPLICAOF NO ONE` and `REPLICAOF ACCEPT replicationid` */
function replicaof(session: Caller, request: Request): void {
  const { reply, host } = session;
  const by = session.description;
  if (host.replication.failover.isUnderWay) return reply.error("ERR REPLICAOF not allowed while failing over.");
  if (request.is(1, "no") && request.is(2, "one")) {
    host.replication.promote(by);
    return reply.ok();
  }
  if (request.is(1, "accept") && REPLICATION_ID.test(request.text(2))) { // no host's port looks like that
    const refusal = host.replication.accept(request.text(2), by);
    return refusal === null ? reply.ok() : reply.error(refusal);
  }
  if (session.isReplica) return reply.error("ERR Command is not valid when client is a replica.");
  const port = request.integer(2);
  if (Number.isNaN(port) || port < 0 || port > 65535) return reply.error("ERR Invalid master port");
  if (host.replication.follow(request.text(1), port, by)) reply.ok();
  else reply.simple("OK Already connected to specified master");
}

/** `FAILOVER [TO host port [FORCE]] [TIMEOUT milliseconds]` and `FAILOVER ABORT` */
function failover(session: Caller, request: Request): void {
  const { reply, host } = session;
  const control = host.replication.failover;
  if (request.argc === 2 && request.is(1, "abort")) {
    if (control.abort()) return reply.ok();
    return reply.error("ERR No failover in progress.");
  }
  const order = parseFailover(session, request);
  if (order === null) return;
  const refusal = control.begin(order);
  if (refusal === null) reply.ok();
  else reply.error(refusal);
}

/** Reads the options of FAILOVER; null after having replied with an error. */
function parseFailover(session: Caller, request: Request): FailoverOrder | null {
  let target: FailoverOrder["target"] = null;
  let timeoutMs: number | null = null;
  let isForced = false;
  for (let i = 1; i < request.argc; i++) {
    if (request.is(i, "timeout") && i + 1 < request.argc && timeoutMs === null) {
      timeoutMs = integerArgument(session, request, ++i);
      if (timeoutMs === null) return null;
      if (timeoutMs <= 0) return refuse(session, "ERR FAILOVER timeout must be greater than 0");
    } else if (request.is(i, "to") && i + 2 < request.argc && target === null) {
      const port = integerArgument(session, request, i + 2);
      if (port === null) return null;
      target = { host: request.text(i + 1), port };
      i += 2;
    } else if (request.is(i, "force") && !isForced) {
      isForced = true;
    } else {
      return refuse(session, SYNTAX_ERROR);
    }
  }
  return { target, timeoutMs, isForced };
}

/** `PSYNC replicationid offset [FAILOVER]` */
function psync(session: Caller, request: Request): void {
  const parsed = parseInt64(request.bytes, request.starts[2], request.lengths[2]);
  const offset = parsed === null ? null : Number(parsed);
  if (request.argc > 3 && request.is(3, "failover") && !session.isReplica) {
    const refusal = session.host.replication.takeOver(request.text(1), offset, session.description);
    if (refusal !== null) return session.reply.error(refusal);
  }
  synchronise(session, request.text(1), offset);
}

/** `SYNC` */
function sync(session: Caller): void {
  synchronise(session, null, -1);
}

/** Makes the client a replica, or says why not, in Redis's order. `offset`: null where it was none. */
function synchronise(session: Caller, id: string | null, offset: number | null): void {
  const { reply, host } = session;
  if (session.isReplica) return; // it is in the stream, and must find no reply there
  const { failover, replica } = host.replication;
  if (failover.isUnderWay) return reply.error(FAILING_OVER);
  if (replica.primary !== null && replica.state !== "connected") {
    return reply.error("NOMASTERLINK Can't SYNC while not connected with my master");
  }
  // A replica takes what comes next for the snapshot.
  if (reply.length > 0) return reply.error("ERR SYNC and PSYNC are invalid with pending output");
  const error = session.synchronise(id, offset);
  if (error !== null) reply.error(error);
}

/** `REPLCONF option value [option value …]`: what a replica tells of itself; ACK and GETACK within the stream. */
function replconf(session: Caller, request: Request): void {
  const { reply } = session;
  if (request.argc % 2 === 0) return reply.error(SYNTAX_ERROR);
  for (let i = 1; i < request.argc; i += 2) {
    if (request.is(i, "listening-port")) {
      const port = request.integer(i + 1);
      if (Number.isNaN(port)) return reply.error(NOT_INTEGER);
      session.replicaHandshake.listeningPort = port;
    } else if (request.is(i, "ip-address")) {
      const address = request.text(i + 1);
      if (address.length > 46) return reply.error("ERR REPLCONF ip-address provided by replica instance is too long");
      session.replicaHandshake.address = address;
    } else if (request.is(i, "capa")) {
      if (request.is(i + 1, "eof")) session.replicaHandshake.readsMarks = true;
      else if (request.is(i + 1, "psync2")) session.replicaHandshake.followsIds = true;
    } else if (request.is(i, "ack")) {
      const offset = request.integer(i + 1);
      const synced = i + 3 < request.argc && request.is(i + 2, "fack") ? request.integer(i + 3) : 0;
      if (!Number.isNaN(offset) && !Number.isNaN(synced)) session.acknowledgeReplication(offset, synced);
      return;
    } else if (request.is(i, "getack")) {
      if (session.isPrimary) session.host.replication.link.asked();
      return;
    } else if (request.is(i, "rdb-only")) {
      const only = request.integer(i + 1);
      if (Number.isNaN(only)) return reply.error(NOT_INTEGER);
      session.replicaHandshake.rdbOnly = only === 1;
    } else if (request.is(i, "rdb-filter-only")) {
      // Whatever is named is all that is wanted; keys cannot be named.
      const words = request.text(i + 1).split(/\s+/).filter((word) => word !== "");
      const unknown = words.find((word) => word.toLowerCase() !== "functions");
      if (unknown !== undefined) return reply.error(`ERR Unsupported rdb-filter-only option: ${unknown}`);
      session.replicaHandshake.withoutKeys = true;
      session.replicaHandshake.withoutFunctions = words.length === 0;
    } else {
      return reply.error(`ERR Unrecognized REPLCONF option: ${shownArgument(request, i)}`);
    }
  }
  reply.ok();
}

/** `ROLE` */
function role(session: Caller): void {
  const { reply } = session;
  const { stream, primary, replica, link } = session.host.replication;
  if (replica.primary !== null) {
    const isGuarded = link.guard.held !== null;
    reply.array(isGuarded ? 6 : 5);
    reply.bulkString("slave");
    reply.bulkString(replica.primary.host);
    reply.integer(replica.primary.port);
    reply.bulkString(replica.state);
    reply.integer(replica.state === "connected" ? stream.offset : -1);
    // Behind the rest, as there are clients that take no reply with another state than Redis's.
    if (isGuarded) reply.bulkString("guarded");
    return;
  }
  reply.array(3);
  reply.bulkString("master");
  reply.integer(stream.offset);
  const online = [...primary.replicas].filter((one) => one.state === "online");
  reply.array(online.length);
  for (const one of online) {
    reply.array(3);
    reply.bulkString(primary.addressOf(one));
    reply.bulkString(String(one.handshake.listeningPort));
    reply.bulkString(String(one.acknowledgedOffset));
  }
}

/** `WAIT numreplicas timeout` */
function wait(session: Caller, request: Request): void {
  const { reply } = session;
  if (session.host.isReplica) {
    return reply.error(
      "ERR WAIT cannot be used with replica instances. Please also note that since Redis 4.0 if a replica is configured to be writable (which is not the default) writes to replicas are just local and are not propagated.",
    );
  }
  const replicas = looseInteger(request, 1);
  if (Number.isNaN(replicas)) return reply.error(NOT_INTEGER);
  const timeoutMs = timeoutInMs(session, request, 2);
  if (timeoutMs === null) return;
  session.waitForWrites({ local: 0, replicas, onDisk: false }, timeoutMs, (_, count) => reply.integer(count));
}

/** `WAITAOF numlocal numreplicas timeout`: as WAIT, for what is on disk in append-only files, here and on replicas. */
function waitaof(session: Caller, request: Request): void {
  const { reply } = session;
  const local = looseInteger(request, 1);
  if (Number.isNaN(local)) return reply.error(NOT_INTEGER);
  if (local < 0 || local > 1) return reply.error("ERR value is out of range, value must between 0 and 1");
  const replicas = looseInteger(request, 2);
  if (Number.isNaN(replicas)) return reply.error(NOT_INTEGER);
  if (replicas < 0) return reply.error(NOT_POSITIVE);
  const timeoutMs = timeoutInMs(session, request, 3);
  if (timeoutMs === null) return;
  if (session.host.isReplica) {
    return reply.error(
      "ERR WAITAOF cannot be used with replica instances. Please also note that writes to replicas are just local and are not propagated.",
    );
  }
  if (local > 0 && !session.host.config.flag("appendonly")) {
    return reply.error(NO_LOG);
  }
  session.waitForWrites({ local, replicas, onDisk: true }, timeoutMs, (here, count) => {
    reply.array(2);
    reply.integer(here);
    reply.integer(count);
  });
}

const SYNCHRONISATION = NO_ASYNC_LOADING | ADMIN | NO_MULTI | NOSCRIPT;

export const REPLICATION_COMMANDS: readonly Command[] = [
  command("replicaof", 3, NO_ASYNC_LOADING | ADMIN | NOSCRIPT | STALE, replicaof),
  command("slaveof", 3, NO_ASYNC_LOADING | ADMIN | NOSCRIPT | STALE, replicaof),
  command("failover", -1, ADMIN | NOSCRIPT | STALE, failover),
  command("psync", -3, SYNCHRONISATION, psync),
  command("sync", 1, SYNCHRONISATION, sync),
  command("replconf", -1, ADMIN | NOSCRIPT | LOADING | STALE | ALLOW_BUSY, replconf),
  command("role", 1, NOSCRIPT | LOADING | STALE | FAST, role, { categories: ["admin", "dangerous"] }),
  command("wait", 3, 0, wait, { categories: ["connection"] }),
  command("waitaof", 4, NOSCRIPT, waitaof, { categories: ["connection"] }),
];
