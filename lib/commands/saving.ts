/** Saving and the end: SAVE, BGSAVE, BGREWRITEAOF, LASTSAVE, SHUTDOWN, DUMP, RESTORE. */

import { looseInteger } from "./integer_argument.ts";
import type { Request } from "../resp/request.ts";
import { BAD_FORMAT, BAD_PAYLOAD, isPayloadIntact, isPayloadReadable } from "../persistence/dump.ts";
import { NO_EXPIRY, type UnixMs } from "../store/entry.ts";
import { parseInt64 } from "../bytes/integers.ts";
import {
  ADMIN,
  ALLOW_BUSY,
  ASKING,
  type Command,
  command,
  DENYOOM,
  FAST,
  LOADING,
  NO_ASYNC_LOADING,
  NO_MULTI,
  NOSCRIPT,
  READONLY,
  STALE,
  WRITE,
} from "./command.ts";
import { NOT_INTEGER, SAVE_FAILED, SAVE_UNDER_WAY, SYNTAX_ERROR } from "./errors.ts";
import { EVENT_GENERIC } from "./events.ts";
import { toUnixMs } from "./expiry_options.ts";
import { KEY_OW_UPDATE, KEY_RO_ACCESS } from "./key_specs.ts";
import { removalWord } from "./removal.ts";
import type { Blockable } from "./client_facets.ts";
import type { SavingHost, ScriptingHost } from "./host_facets.ts";
import { refuse } from "./replies.ts";
import type { Session } from "./session.ts";

/** Whom these commands run for. */
type Caller = Session<SavingHost & ScriptingHost> & Blockable;

const REWRITE_UNDER_WAY =
  "ERR An AOF log rewriting in progress: can't BGSAVE right now. Use BGSAVE SCHEDULE in order to " +
  "schedule a BGSAVE whenever possible.";
const INVALID_TTL = "ERR Invalid TTL value, must be >= 0";

/** `SAVE` */
function save(session: Caller): void {
  const { reply, host } = session;
  // A snapshot for replicas goes to the same file.
  if (host.saving.isBusy && !host.saving.isRewriting) return reply.error(SAVE_UNDER_WAY);
  if (host.saving.saveNow() === null) reply.ok();
  else reply.error(SAVE_FAILED);
}

/** `BGSAVE [SCHEDULE]` */
function bgsave(session: Caller, request: Request): void {
  const { reply, host } = session;
  if (request.argc > 2 || (request.argc === 2 && !request.is(1, "schedule"))) return reply.error(SYNTAX_ERROR);
  const isPatient = request.argc === 2;
  if (host.saving.isRewriting && !isPatient && !session.insideExec) return reply.error(REWRITE_UNDER_WAY);
  if (host.saving.isBusy && !host.saving.isRewriting) return reply.error(SAVE_UNDER_WAY);
  // Within a transaction there is no point in time between two commands: it has to wait for the end.
  if (session.insideExec || host.saving.isRewriting) {
    host.saving.scheduled = true;
    return reply.simple("Background saving scheduled");
  }
  host.saving.saveInBackground();
  reply.simple("Background saving started");
}

/** `BGREWRITEAOF` */
function bgrewriteaof(session: Caller): void {
  const { reply, host } = session;
  if (host.saving.isRewriting) {
    return reply.error("ERR Background append only file rewriting already in progress");
  }
  const how = host.appendOnly.rewriteInBackground();
  if (how !== null) return reply.simple(`Background append only file rewriting ${how}`);
  reply.error("ERR Can't execute an AOF background rewriting. Please check the server logs for more information.");
}

/** `LASTSAVE` */
function lastsave(session: Caller): void {
  session.reply.integer(Math.floor(session.host.saving.lastSaveMs / 1000));
}

/** `SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [ABORT]` */
function shutdown(session: Caller, request: Request): void {
  const { reply, host } = session;
  let mode: "save" | "nosave" | "default" = "default";
  let now = false;
  let force = false;
  let abort = false;
  for (let i = 1; i < request.argc; i++) {
    if (request.is(i, "nosave") && mode === "default") mode = "nosave";
    else if (request.is(i, "save") && mode === "default") mode = "save";
    else if (request.is(i, "now")) now = true;
    else if (request.is(i, "force")) force = true;
    else if (request.is(i, "abort")) abort = true;
    else return reply.error(SYNTAX_ERROR);
  }
  if (abort && request.argc > 2) return reply.error(SYNTAX_ERROR);
  if (abort) {
    if (host.shutdown.abort()) return reply.ok();
    return reply.error("ERR No shutdown in progress.");
  }
  // Half of what a script does is not to be saved.
  const { running } = host.scripting;
  if (running !== null && mode !== "nosave") return reply.error(host.scripting.busyRefusal(running.kind));
  session.blockUntilDone(() => {
    host.shutdown.begin({ save: mode, now, force }, () => {
      session.unblock(() => reply.error("ERR Errors trying to SHUTDOWN. Check logs."));
    });
  });
}

/** `DUMP key` */
function dump(session: Caller, request: Request): void {
  const { database, reply, host } = session;
  const ref = database.read(request.bytes, request.starts[1], request.lengths[1]);
  if (ref === 0) return reply.nil();
  reply.bulkBytes(host.dumper.dump(ref, host.config.flag("rdbcompression")));
}

interface RestoreOptions {
  replace: boolean;
  absolute: boolean;
  idleSeconds: number;
  frequency: number;
}

/** Reads the options of RESTORE from argument 4 on; null after having replied with an error. */
function parseRestoreOptions(session: Caller, request: Request): RestoreOptions | null {
  const options: RestoreOptions = { replace: false, absolute: false, idleSeconds: -1, frequency: -1 };
  for (let i = 4; i < request.argc; i++) {
    const next = i + 1 < request.argc;
    if (request.is(i, "replace")) options.replace = true;
    else if (request.is(i, "absttl")) options.absolute = true;
    else if (request.is(i, "idletime") && next && options.frequency < 0) {
      options.idleSeconds = looseInteger(request, ++i);
      if (Number.isNaN(options.idleSeconds)) return refuse(session, NOT_INTEGER);
      if (options.idleSeconds < 0) return refuse(session, "ERR Invalid IDLETIME value, must be >= 0");
    } else if (request.is(i, "freq") && next && options.idleSeconds < 0) {
      options.frequency = looseInteger(request, ++i);
      if (Number.isNaN(options.frequency)) return refuse(session, NOT_INTEGER);
      if (options.frequency < 0 || options.frequency > 255) {
        return refuse(session, "ERR Invalid FREQ value, must be >= 0 and <= 255");
      }
    } else return refuse(session, SYNTAX_ERROR);
  }
  return options;
}

/** `RESTORE key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]` */
function restore(session: Caller, request: Request): void {
  const { database, reply, host } = session;
  const { bytes, starts, lengths } = request;
  const options = parseRestoreOptions(session, request);
  if (options === null) return;
  if (!options.replace && database.use(bytes, starts[1], lengths[1])) {
    return reply.error("BUSYKEY Target key name already exists.");
  }
  const ttl = parseInt64(bytes, starts[2], lengths[2]);
  if (ttl === null) return reply.error(NOT_INTEGER);
  if (ttl < 0n) return reply.error(INVALID_TTL);
  const isFine = host.debugging.skipChecksums ? isPayloadReadable : isPayloadIntact;
  if (!isFine(bytes, starts[3], lengths[3])) return reply.error(`ERR ${BAD_PAYLOAD}`);
  let expiry: UnixMs = NO_EXPIRY;
  if (ttl > 0n) {
    const time = toUnixMs(ttl, options.absolute ? "pxat" : "px", host.store.nowMs);
    if (time === null) return reply.error(INVALID_TTL);
    expiry = time;
  }
  if (expiry !== NO_EXPIRY && host.store.hasPassed(expiry)) {
    if (database.remove(bytes, starts[1], lengths[1])) {
      host.changes.changed(session, request, 1, EVENT_GENERIC, "del");
      session.propagateAs(2)?.word(removalWord(host.config, "lazyfree-lazy-server-del")).argument(request, 1);
    }
    return reply.ok();
  }
  if (!host.restorer.restore(database, bytes, starts[1], lengths[1], bytes, starts[3], lengths[3], expiry)) {
    return reply.error(`ERR ${BAD_FORMAT}`);
  }
  setAccess(session, request, options);
  host.changes.changed(session, request, 1, EVENT_GENERIC, "restore");
  if (expiry !== NO_EXPIRY && !options.absolute) propagateAbsolute(session, request, expiry);
  reply.ok();
}

/** Sets the access clock that IDLETIME or FREQ asks for. */
function setAccess(session: Caller, request: Request, options: RestoreOptions): void {
  const { store } = session.host;
  const ref = session.database.peek(request.bytes, request.starts[1], request.lengths[1]);
  if (store.frequency !== null) {
    if (options.frequency >= 0) store.heap.entries.setClock(ref, store.frequency.withCounter(options.frequency));
  } else if (options.idleSeconds >= 0) {
    store.heap.entries.setClock(ref, (store.accessClock - options.idleSeconds) & 0xffffff);
  }
}

/** Propagates a RESTORE with its expiry as a Unix time. */
function propagateAbsolute(session: Caller, request: Request, expiry: UnixMs): void {
  const builder = session.propagateAs(request.argc + 1);
  builder?.argument(request, 0).argument(request, 1).integer(expiry);
  for (let i = 3; i < request.argc; i++) builder?.argument(request, i);
  builder?.word("ABSTTL");
}

const RESTORE = { categories: ["keyspace", "dangerous"], keys: KEY_OW_UPDATE };

export const SAVING_COMMANDS: readonly Command[] = [
  command("save", 1, NO_ASYNC_LOADING | ADMIN | NOSCRIPT | NO_MULTI, save),
  command("bgsave", -1, NO_ASYNC_LOADING | ADMIN | NOSCRIPT, bgsave),
  command("bgrewriteaof", 1, NO_ASYNC_LOADING | ADMIN | NOSCRIPT, bgrewriteaof),
  command("lastsave", 1, LOADING | STALE | FAST, lastsave, { categories: ["admin", "dangerous"] }),
  command("shutdown", -1, ADMIN | NOSCRIPT | LOADING | STALE | NO_MULTI | ALLOW_BUSY, shutdown),
  command("dump", 2, READONLY, dump, { categories: ["keyspace"], keys: KEY_RO_ACCESS }),
  command("restore", -4, WRITE | DENYOOM, restore, RESTORE),
  command("restore-asking", -4, WRITE | DENYOOM | ASKING, restore, RESTORE),
];
