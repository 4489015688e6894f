/** Transactions: MULTI, EXEC, DISCARD, WATCH, UNWATCH. The dispatcher queues what comes in between. */

import {
  ALLOW_BUSY,
  type Command,
  command,
  FAST,
  LOADING,
  NOSCRIPT,
  NOT_QUEUED,
  RUNS_QUEUE,
  SKIP_SLOWLOG,
  STALE,
} from "./command.ts";
import { KEYS_RO } from "./key_specs.ts";
import type { Request } from "../resp/request.ts";
import type { Mark } from "../resp/reply.ts";
import type { Transaction, Transactional } from "./client_facets.ts";
import type { UnitHost } from "./host_facets.ts";
import type { Session } from "./session.ts";

/** Whom these commands run for. */
type Caller = Session<UnitHost> & Transactional;

const ABORTED = "EXECABORT Transaction discarded because of previous errors.";

/** `MULTI` */
function multi(session: Caller): void {
  if (session.transaction !== null) return session.reply.error("ERR MULTI calls can not be nested");
  session.beginTransaction();
  session.reply.ok();
}

/** `DISCARD` */
function discard(session: Caller): void {
  if (session.transaction === null) return session.reply.error("ERR DISCARD without MULTI");
  session.endTransaction();
  session.unwatch();
  session.reply.ok();
}

/** `EXEC`: all that was queued, as one unit; nothing, if a watched key changed or a command could not be queued. */
function exec(session: Caller): void {
  const { transaction, reply, host } = session;
  if (transaction === null) return reply.error("ERR EXEC without MULTI");
  const changed = session.watchedKeyChanged();
  session.endTransaction();
  session.unwatch();
  if (transaction.failed) return reply.error(ABORTED);
  if (changed) return reply.nilArray();
  const mark = reply.open();
  session.insideExec = true;
  host.beginUnit();
  reply.array(transaction.length);
  runQueued(session, transaction, 0, mark);
  session.preventPropagation(); // what was queued has propagated itself
}

/** Runs what was queued from a command on; a script among it that takes long leaves the rest until it has ended. */
function runQueued(session: Caller, transaction: Transaction, from: number, mark: Mark): void {
  let isDone = true;
  try {
    for (let i = from; i < transaction.length && isDone; i++) {
      transaction.run(i);
      if (!session.isLeft) continue;
      isDone = false;
      session.whenScriptEnds(mark, () => runQueued(session, transaction, i + 1, mark));
    }
  } finally {
    if (isDone) {
      session.insideExec = false;
      session.host.endUnit();
    }
  }
}

/** `WATCH key [key …]` */
function watch(session: Caller, request: Request): void {
  if (session.transaction !== null) return session.reply.error("ERR WATCH inside MULTI is not allowed");
  for (let i = 1; i < request.argc; i++) session.watch(request.copyOf(i));
  session.reply.ok();
}

/** `UNWATCH` */
function unwatch(session: Caller): void {
  session.unwatch();
  session.reply.ok();
}

const FLAGS = NOSCRIPT | LOADING | STALE | FAST | ALLOW_BUSY;
const TRANSACTION = { categories: ["transaction"] };

export const TRANSACTION_COMMANDS: readonly Command[] = [
  command("multi", 1, FLAGS | NOT_QUEUED, multi, TRANSACTION),
  command("exec", 1, (FLAGS & ~FAST & ~ALLOW_BUSY) | SKIP_SLOWLOG | NOT_QUEUED | RUNS_QUEUE, exec, TRANSACTION),
  command("discard", 1, FLAGS | NOT_QUEUED, discard, TRANSACTION),
  command("watch", -2, FLAGS | NOT_QUEUED, watch, { categories: ["transaction"], keys: KEYS_RO }),
  command("unwatch", 1, FLAGS, unwatch, TRANSACTION),
];
