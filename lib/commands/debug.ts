/**
 * DEBUG: what tests of the server need, Redis's own among them. Refused unless `enable-debug-command` allows it.
 *
 * Its subcommands are not declared as such, as they are not in Redis: COMMAND knows only DEBUG as a whole.
 */

import { globMatch } from "../bytes/glob.ts";
import { writeDecimal } from "../bytes/integers.ts";
import { encodeLatin1 } from "../bytes/latin1.ts";
import { rewriteConfig } from "../config/rewrite.ts";
import { Request } from "../resp/request.ts";
import { sleepSync } from "../runtime/timers.ts";
import {
  ENCODING_INT,
  ENCODING_LISTPACK,
  ENCODING_NAMES,
  ENTRY_HEADER_BYTES,
  NO_EXPIRY,
  TYPE_STRING,
} from "../store/entry.ts";
import { HashIterator } from "../store/types/hash_iterator.ts";
import { stringEncoding } from "../store/string.ts";
import type { TableStatistics } from "../store/table.ts";
import { ADMIN, type Command, command, LOADING, NOSCRIPT, STALE } from "./command.ts";
import { protocolSample } from "./debug_protocol.ts";
import { digestOfKeyspace, digestOfValue } from "./digest.ts";
import { LOADING_DATA, NO_SUCH_KEY, NOT_INTEGER, NOT_POSITIVE, STRING_TOO_LONG, subcommandSyntax } from "./errors.ts";
import { help } from "./help.ts";
import { protectedRefusal } from "./protected.ts";
import type { Located } from "./client_facets.ts";
import type { DebugHost } from "./host_facets.ts";
import type { Session } from "./session.ts";

/** Whom these commands run for. */
type Caller = Session<DebugHost> & Located;

/** Bytes that DUMP adds to a value: its type before, version and checksum behind. */
const DUMP_FRAME_BYTES = 11;
const MAX_PACKED_THRESHOLD_BYTES = 2 ** 32;
/** Digits of a safe integer, at most. */
const MAX_DIGITS = 16;

/** A subcommand: how many arguments it takes, `DEBUG` and its own name included. */
interface Subcommand {
  readonly least: number;
  readonly most: number;
  readonly handler: (session: Caller, request: Request) => void;
  /** Whether it changes the data set, as nobody may while that is loaded. */
  readonly changesData: boolean;
}

function sub(least: number, most: number, handler: Subcommand["handler"]): Subcommand {
  return { least, most, handler, changesData: false };
}

function changing(least: number, most: number, handler: Subcommand["handler"]): Subcommand {
  return { least, most, handler, changesData: true };
}

/** `DEBUG SLEEP seconds`: nobody is served meanwhile */
function sleep(session: Caller, request: Request): void {
  const seconds = Number.parseFloat(request.text(2));
  sleepSync(seconds * 1000);
  session.reply.ok();
}

/** The entry under argument 2 as it is, expired or not, or 0 after having replied with an error. */
function lookKey(session: Caller, request: Request): number {
  const ref = session.database.peek(request.bytes, request.starts[2], request.lengths[2]);
  if (ref === 0) session.reply.error(NO_SUCH_KEY);
  return ref;
}

/** `DEBUG OBJECT key [FAST]` */
function object(session: Caller, request: Request): void {
  const { store, config } = session.host;
  const { entries } = store.heap;
  const ref = lookKey(session, request);
  if (ref === 0) return;
  if (request.argc === 4 && !request.is(3, "fast")) return session.reply.error(subcommandSyntax(request));
  const address = (ref >>> 0) * 8;
  const encoding = ENCODING_NAMES.get(entries.encoding(ref)) ?? "unknown";
  let text = `Value at:0x${address.toString(16)} refcount:1 encoding:${encoding}`;
  if (request.argc === 3) {
    const length = session.host.dumper.dump(ref, config.flag("rdbcompression")).length - DUMP_FRAME_BYTES;
    text += ` serializedlength:${length}`;
  }
  const idle = store.frequency === null ? store.idleSeconds(ref) : 0;
  session.reply.simple(`${text} lru:${entries.clock(ref)} lru_seconds_idle:${idle}`);
}

/** `DEBUG SDSLEN key` */
function sdslen(session: Caller, request: Request): void {
  const { entries, arena } = session.host.store.heap;
  const ref = lookKey(session, request);
  if (ref === 0) return;
  if (entries.type(ref) !== TYPE_STRING || entries.encoding(ref) === ENCODING_INT) {
    return session.reply.error("ERR Not an sds encoded string.");
  }
  const key = entries.keyLength(ref);
  const value = entries.valueWord(ref);
  const spare = arena.usableBytes(ref) - entries.size(key, value, entries.hasExpiry(ref));
  session.reply.simple(
    `key_sds_len:${key}, key_sds_avail:0, key_zmalloc: ${key}, ` +
      `val_sds_len:${value}, val_sds_avail:${spare}, val_zmalloc: ${value + spare}`,
  );
}

/** `DEBUG LISTPACK key`: prints the elements */
function listpack(session: Caller, request: Request): void {
  const { store } = session.host;
  const { entries } = store.heap;
  const ref = lookKey(session, request);
  if (ref === 0) return;
  if (entries.encoding(ref) !== ENCODING_LISTPACK) {
    return session.reply.error("ERR Not a listpack encoded object.");
  }
  const lines = [`{total bytes ${entries.valueWord(ref)}} {num entries ${store.hashes.count(ref) * 2}}`];
  const iterator = new HashIterator(store.hashes);
  iterator.begin(ref);
  while (iterator.next()) lines.push(`[${iterator.field.text()}]`, `[${iterator.value.text()}]`);
  console.log(lines.join("\n"));
  session.reply.simple("Listpack structure printed on stdout");
}

function describeTable({ entries, slots, bytes }: TableStatistics): string {
  if (entries === 0) return "No stats available for empty dictionaries\n";
  return `Hash table 0 stats (main hash table):\n table size: ${slots}\n number of elements: ${entries}\n` +
    ` load: ${((entries / slots) * 100).toFixed(2)}%\n bytes: ${bytes}\n`;
}

/** `DEBUG HTSTATS dbid [FULL]` */
function htstats(session: Caller, request: Request): void {
  const { reply, host } = session;
  const index = request.integer(2);
  if (Number.isNaN(index)) return reply.error(NOT_INTEGER);
  const database = host.keyspace.databases[index];
  if (database === undefined) return reply.error("ERR Out of range database");
  const { keys, expires } = database.statistics();
  reply.verbatim("txt", `[Dictionary HT]\n${describeTable(keys)}[Expires HT]\n${describeTable(expires)}`);
}

/** `DEBUG HTSTATS-KEY key [FULL]` */
function htstatsKey(session: Caller, request: Request): void {
  const { heap } = session.host.store;
  const ref = lookKey(session, request);
  if (ref === 0) return;
  const table = heap.typeOf(ref).memberTable(ref);
  if (table === 0) {
    return session.reply.error("ERR The value stored at the specified key is not represented using an hash table");
  }
  session.reply.verbatim("txt", describeTable(heap.tables.statistics(table)));
}

/** `DEBUG STRUCTSIZE` */
function structsize(session: Caller): void {
  session.reply.bulkString(`bits:64 entry:${ENTRY_HEADER_BYTES} expiry:8 slot:8 granule:8 `);
}

/** `DEBUG DIGEST` */
function digest(session: Caller): void {
  session.reply.simple(digestOfKeyspace(session.host.keyspace));
}

/** `DEBUG DIGEST-VALUE key [key …]` */
function digestValue(session: Caller, request: Request): void {
  const { reply, database, host } = session;
  reply.array(request.argc - 2);
  for (let i = 2; i < request.argc; i++) {
    const ref = database.peek(request.bytes, request.starts[i], request.lengths[i]);
    reply.simple(digestOfValue(host.store, ref));
  }
}

/** `DEBUG RELOAD [NOSAVE] [NOFLUSH] [MERGE]` */
function reload(session: Caller, request: Request): void {
  const options = { save: true, flush: true, merge: false };
  for (let i = 2; i < request.argc; i++) {
    if (request.is(i, "nosave")) options.save = false;
    else if (request.is(i, "noflush")) options.flush = false;
    else if (request.is(i, "merge")) options.merge = true;
    else return session.reply.error("ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.");
  }
  const error = session.host.debugging.reload(options);
  if (error === null) session.reply.ok();
  else session.reply.error(error);
}

/** `DEBUG LOADAOF` */
function loadaof(session: Caller): void {
  session.preventPropagation(); // what it loads is no change
  const error = session.host.debugging.loadLog();
  if (error === null) session.reply.ok();
  else session.reply.error(error);
}

/** A decimal argument from 0 on, or -1 after having replied with an error. */
function positive(session: Caller, request: Request, index: number): number {
  const value = request.integer(index);
  if (value >= 0) return value;
  session.reply.error(NOT_POSITIVE);
  return -1;
}

/** `DEBUG POPULATE count [prefix] [size]`: keys that exist stay as they are, and nothing is propagated */
function populate(session: Caller, request: Request): void {
  const { database, host } = session;
  const count = positive(session, request, 2);
  if (count < 0) return;
  const prefix = request.argc > 3 ? request.text(3) : "key";
  let size = 0;
  if (request.argc > 4) {
    size = positive(session, request, 4);
    if (size < 0) return;
    if (size > host.maxBulkBytes) {
      return session.reply.error(STRING_TOO_LONG);
    }
  }
  const key = withNumber(`${prefix}:`, 0);
  const value = withNumber("value:", size);
  const digitsOfKey = prefix.length + 1;
  const digitsOfValue = "value:".length;
  for (let i = 0; i < count; i++) {
    const length = writeDecimal(key, digitsOfKey, i);
    if (database.has(key, 0, length)) continue;
    const end = writeDecimal(value, digitsOfValue, i); // no shorter than those before: behind it there are zeros
    const valueLength = size === 0 ? end : size;
    const encoding = stringEncoding(value, 0, valueLength);
    database.setString(key, 0, length, value, 0, valueLength, encoding, NO_EXPIRY);
    host.changes.changedIn(database, null, key, 0, length, 0, "", 0);
  }
  session.reply.ok();
}

/** A text with room for a number behind it, of at least `size` bytes. */
function withNumber(text: string, size: number): Uint8Array {
  const bytes = new Uint8Array(Math.max(size, text.length + MAX_DIGITS));
  bytes.set(encodeLatin1(text));
  return bytes;
}

/** `DEBUG SET-ACTIVE-EXPIRE <0|1>` */
function setActiveExpire(session: Caller, request: Request): void {
  session.host.store.activeExpiry = flagArgument(request, 2);
  session.reply.ok();
}

/** `DEBUG SET-DISABLE-DENY-SCRIPTS <0|1>` */
function setDisableDenyScripts(session: Caller, request: Request): void {
  session.host.debugging.scriptsCallAnything = flagArgument(request, 2);
  session.reply.ok();
}

/** `DEBUG PAUSE-CRON <0|1>` */
function pauseCron(session: Caller, request: Request): void {
  session.host.debugging.pauseCron(flagArgument(request, 2));
  session.reply.ok();
}

/** `DEBUG SET-SKIP-CHECKSUM-VALIDATION <0|1>` */
function setSkipChecksumValidation(session: Caller, request: Request): void {
  session.host.debugging.skipChecksums = flagArgument(request, 2);
  session.reply.ok();
}

/** 0 or 1; what is no number is 0, as in C. */
function flagArgument(request: Request, index: number): boolean {
  return (Number.parseInt(request.text(index)) || 0) !== 0;
}

/** `DEBUG ABORT-SNAPSHOT`: ends the snapshot under way, for tests that would kill the process that takes it */
function abortSnapshot(session: Caller): void {
  session.host.debugging.abortSnapshot();
  session.reply.ok();
}

/** `DEBUG AOF-FLUSH-SLEEP microseconds`: how long the server does nothing before it writes to the append-only file */
function aofFlushSleep(session: Caller, request: Request): void {
  session.host.debugging.flushSleepMs = (Number.parseInt(request.text(2)) || 0) / 1000;
  session.reply.ok();
}

/** `DEBUG LOG message` */
function log(session: Caller, request: Request): void {
  session.host.debugging.log(`DEBUG LOG: ${request.text(2)}`);
  session.reply.ok();
}

/** `DEBUG ERROR text` */
function error(session: Caller, request: Request): void {
  session.reply.error(request.text(2));
}

/** `DEBUG CONFIG-REWRITE-FORCE-ALL`: writes all directives, those with their default too */
function configRewriteForceAll(session: Caller): void {
  const error = rewriteConfig(session.host.config, { all: true });
  if (error === null) session.reply.ok();
  else {session.reply.error(
      `ERR CONFIG-REWRITE-FORCE-ALL failed: ${error.replace(/^ERR (Rewriting config file: )?/, "")}`,
    );}
}

/** `DEBUG CHANGE-REPL-ID` */
function changeReplId(session: Caller): void {
  session.host.debugging.log("Changing replication IDs after receiving change-repl-id");
  session.host.replication.stream.changeId();
  session.reply.ok();
}

/** `DEBUG REPLICATE argument [argument …]`: sends replicas what was not run here */
function replicate(session: Caller, request: Request): void {
  const builder = session.propagateAs(request.argc - 2);
  for (let i = 2; i < request.argc; i++) builder?.argument(request, i);
  session.reply.ok();
}

/** `DEBUG STRINGMATCH-LEN length pattern`: matches a pattern against so many letters `a` */
function stringmatchLen(session: Caller, request: Request): void {
  const length = positive(session, request, 2);
  if (length < 0) return;
  const text = new Uint8Array(length).fill(0x61);
  const { bytes, starts, lengths } = request;
  session.reply.integer(globMatch(bytes, starts[3], lengths[3], text, 0, length, false) ? 1 : 0);
}

const UNIT = /^(\d+)(b|k|kb|m|mb|g|gb)?$/i;
const FACTORS: Readonly<Record<string, number>> = {
  b: 1,
  k: 1000,
  kb: 1024,
  m: 1e6,
  mb: 1024 ** 2,
  g: 1e9,
  gb: 1024 ** 3,
};

/** `DEBUG QUICKLIST-PACKED-THRESHOLD size`: elements of so many bytes have a node of their own; 0: as it was */
function quicklistPackedThreshold(session: Caller, request: Request): void {
  const parts = UNIT.exec(request.text(2));
  const bytes = parts === null ? NaN : Number(parts[1]) * FACTORS[(parts[2] ?? "b").toLowerCase()];
  if (!(bytes <= MAX_PACKED_THRESHOLD_BYTES)) {
    return session.reply.error("ERR argument must be a memory value bigger than 1 and smaller than 4gb");
  }
  session.host.store.lists.packedThreshold = bytes;
  session.reply.ok();
}

/** `DEBUG REPLYBUFFER <PEAK-RESET-TIME ms|NEVER|RESET> | <RESIZING 0|1>`: replies have no buffers of their own here */
function replybuffer(session: Caller, request: Request): void {
  const { reply } = session;
  if (request.is(2, "resizing")) return reply.ok();
  if (!request.is(2, "peak-reset-time")) return reply.error(subcommandSyntax(request));
  if (!request.is(3, "never") && !request.is(3, "reset") && Number.isNaN(request.integer(3))) {
    return reply.error(NOT_INTEGER);
  }
  reply.ok();
}

/** What is accepted because it changes nothing here: tables never rehash as a whole, there are no scripts. */
function accept(session: Caller): void {
  session.reply.ok();
}

const DEBUG_HELP = help("DEBUG", [
  ["ABORT-SNAPSHOT", "End the snapshot under way."],
  ["AOF-FLUSH-SLEEP <microseconds>", "Do nothing for so long before each write to the append-only file."],
  ["CHANGE-REPL-ID", "Give the replication stream another id: replicas will need a full synchronisation."],
  ["CONFIG-REWRITE-FORCE-ALL", "Write the configuration file, with those directives too that have their default."],
  ["DICT-RESIZING <0|1>", "Accepted; tables here grow and shrink in small parts."],
  ["DIGEST", "Show a digest of all data; equal data has equal digests."],
  ["DIGEST-VALUE <key> [<key> ...]", "Show a digest of each value."],
  ["ERROR <string>", "Reply with an error."],
  ["HTSTATS <dbid> [FULL]", "Show figures of a database's tables."],
  ["HTSTATS-KEY <key> [FULL]", "Show figures of the table that a value is."],
  ["LISTPACK <key>", "Print the elements of a listpack to the standard output."],
  ["LOADAOF", "Empty all databases and load the append-only file."],
  ["LOG <message>", "Write a message to the log."],
  ["OBJECT <key> [FAST]", "Show how a value is kept; FAST leaves out what takes long to find."],
  ["PAUSE-CRON <0|1>", "Stop periodic work, or let it go on."],
  [
    "POPULATE <count> [<prefix>] [<size>]",
    "Create <count> strings under <prefix>:<number> (default: key), each of <size> bytes.",
    "Keys that exist stay; replicas are told nothing.",
  ],
  [
    "PROTOCOL <type>",
    "Reply with a sample of a type: string, integer, double, bignum, null, array, set, map,",
    "attrib, push, verbatim, true, false.",
  ],
  [
    "QUICKLIST-PACKED-THRESHOLD <size>",
    "Gives elements of so many bytes, up to 4gb, a list's node of their own; 0: as usual.",
  ],
  [
    "RELOAD [NOSAVE] [NOFLUSH] [MERGE]",
    "Save, empty and load all databases. NOSAVE loads the file there is, NOFLUSH keeps what",
    "is in memory, MERGE lets keys of the file replace those.",
  ],
  ["REPLICATE <argument> [<argument> ...]", "Send a command to replicas without running it here."],
  ["REPLYBUFFER <PEAK-RESET-TIME <ms|NEVER|RESET>|RESIZING <0|1>>", "Accepted."],
  ["SDSLEN <key>", "Show the lengths of a key and of its string."],
  ["SET-ACTIVE-EXPIRE <0|1>", "Leave expired keys until they are asked for (0), or remove them (1, the default)."],
  ["SET-DISABLE-DENY-SCRIPTS <0|1>", "Accepted."],
  ["SET-SKIP-CHECKSUM-VALIDATION <0|1>", "Load RDB files and RESTORE payloads without checking their checksums."],
  ["SLEEP <seconds>", "Do nothing at all for some time."],
  ["STRINGMATCH-LEN <length> <pattern>", "Match a pattern against <length> letters 'a'."],
  ["STRUCTSIZE", "Show the sizes of what the arena holds."],
]);

const ANY = Infinity;

const SUBCOMMANDS: ReadonlyMap<string, Subcommand> = new Map([
  ["abort-snapshot", sub(2, 2, abortSnapshot)],
  ["aof-flush-sleep", sub(3, 3, aofFlushSleep)],
  ["change-repl-id", sub(2, 2, changeReplId)],
  ["config-rewrite-force-all", sub(2, 2, configRewriteForceAll)],
  ["dict-resizing", sub(3, 3, accept)],
  ["digest", sub(2, 2, digest)],
  ["digest-value", sub(2, ANY, digestValue)],
  ["error", sub(3, 3, error)],
  ["help", sub(2, 2, DEBUG_HELP)],
  ["htstats", sub(3, 4, htstats)],
  ["htstats-key", sub(3, 4, htstatsKey)],
  ["listpack", sub(3, 3, listpack)],
  ["loadaof", changing(2, 2, loadaof)],
  ["log", sub(3, 3, log)],
  ["object", sub(3, 4, object)],
  ["pause-cron", sub(3, 3, pauseCron)],
  ["populate", changing(3, 5, populate)],
  ["protocol", sub(3, 3, protocolSample)],
  ["quicklist-packed-threshold", sub(3, 3, quicklistPackedThreshold)],
  ["reload", changing(2, ANY, reload)],
  ["replicate", sub(3, ANY, replicate)],
  ["replybuffer", sub(4, 4, replybuffer)],
  ["sdslen", sub(3, 3, sdslen)],
  ["set-active-expire", sub(3, 3, setActiveExpire)],
  ["set-disable-deny-scripts", sub(3, 3, setDisableDenyScripts)],
  ["set-skip-checksum-validation", sub(3, 3, setSkipChecksumValidation)],
  ["sleep", sub(3, 3, sleep)],
  ["stringmatch-len", sub(4, 4, stringmatchLen)],
  ["structsize", sub(2, 2, structsize)],
]);

/** `DEBUG subcommand [argument …]` */
function debug(session: Caller, request: Request): void {
  const refusal = protectedRefusal("DEBUG", session.host, session);
  if (refusal !== null) return session.reply.error(refusal);
  const found = SUBCOMMANDS.get(request.text(1).toLowerCase());
  if (found === undefined || request.argc < found.least || request.argc > found.most) {
    return session.reply.error(subcommandSyntax(request));
  }
  if (found.changesData && session.host.debugging.isLoading) return session.reply.error(LOADING_DATA);
  found.handler(session, request);
}

export const DEBUG_COMMANDS: readonly Command[] = [
  command("debug", -2, ADMIN | NOSCRIPT | LOADING | STALE, debug, { protectedAs: "DEBUG" }),
];
