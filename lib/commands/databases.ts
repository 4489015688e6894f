/** Whole databases: DBSIZE, FLUSHDB, FLUSHALL, SWAPDB. */

import type { Request } from "../resp/request.ts";
import { type Command, command, FAST, READONLY, WRITE } from "./command.ts";
import { databaseNumber, databaseNumbered } from "./database_argument.ts";
import { SYNTAX_ERROR } from "./errors.ts";
import type { DatabasesHost } from "./host_facets.ts";
import type { Session } from "./session.ts";

/** Whom these commands run for. */
type Caller = Session<DatabasesHost>;

/** `DBSIZE` */
function dbsize(session: Caller): void {
  session.reply.integer(session.database.size);
}

/** Reads `[ASYNC | SYNC]`; false after having replied with an error. Either way the memory is freed in slices. */
function flushOptionValid(session: Caller, request: Request): boolean {
  if (request.argc === 1) return true;
  if (request.argc === 2 && (request.is(1, "async") || request.is(1, "sync"))) return true;
  session.reply.error(SYNTAX_ERROR);
  return false;
}

/** `FLUSHDB [ASYNC | SYNC]` */
function flushdb(session: Caller, request: Request): void {
  if (!flushOptionValid(session, request)) return;
  const { changes } = session.host;
  changes.made += changes.flush([session.database]);
  session.propagate(request);
  session.reply.ok();
}

/** `FLUSHALL [ASYNC | SYNC]` */
function flushall(session: Caller, request: Request): void {
  if (!flushOptionValid(session, request)) return;
  const { host } = session;
  host.changes.made += host.changes.flush(host.keyspace.databases);
  host.saving.saveFlushed();
  session.propagate(request);
  session.reply.ok();
}

/** `SWAPDB index1 index2` */
function swapdb(session: Caller, request: Request): void {
  const { reply, host } = session;
  const first = databaseNumber(session, request, 1, "ERR invalid first DB index");
  if (first === null) return;
  const second = databaseNumber(session, request, 2, "ERR invalid second DB index");
  if (second === null) return;
  const a = databaseNumbered(session, first);
  const b = a && databaseNumbered(session, second);
  if (a === null || b === null) return;
  if (a !== b) host.changes.swap(a, b);
  host.changes.made++;
  reply.ok();
}

const DANGEROUS = { categories: ["keyspace", "dangerous"] };

export const DATABASE_COMMANDS: readonly Command[] = [
  command("dbsize", 1, READONLY | FAST, dbsize, { categories: ["keyspace"] }),
  command("flushdb", -1, WRITE, flushdb, DANGEROUS),
  command("flushall", -1, WRITE, flushall, DANGEROUS),
  command("swapdb", 3, WRITE | FAST, swapdb, DANGEROUS),
];
