/** MIGRATE: keys that leave for another server, which is given them by RESTORE. */

import type { Request } from "../resp/request.ts";
import { type Command, command, WRITE } from "./command.ts";
import type { Migrating } from "./client_facets.ts";
import { NOT_INTEGER, SYNTAX_ERROR } from "./errors.ts";
import type { DumpingHost } from "./host_facets.ts";
import { ACCESS, DELETE, type FoundKeys, INCOMPLETE, keySpec, keyword, oneKey, range, RW } from "./key_specs.ts";
import type { MigratingKey, MigrationOrder } from "./migration_order.ts";
import type { Session } from "./session.ts";

/** Whom this command runs for. */
type Caller = Session<DumpingHost> & Migrating;

const KEY_AT = 3;
const FIRST_OPTION = 6;
/** In place of a timeout that is none, in ms. */
const DEFAULT_TIMEOUT_MS = 1000;
/** Arguments that credentials take: `AUTH password`, `AUTH2 user password`. */
const CREDENTIALS: ReadonlyMap<string, number> = new Map([["auth", 1], ["auth2", 2]]);

const IN_TRANSACTION = "ERR MIGRATE waits for another server, which a transaction cannot";
const KEY_AND_KEYS = "ERR When using MIGRATE KEYS option, the key argument must be set to the empty string";

interface Options {
  copy: boolean;
  replace: boolean;
  credentials: readonly Uint8Array[];
  /** Where the keys are, and how many. */
  firstKey: number;
  keyCount: number;
}

/** `MIGRATE host port key|"" db timeout [COPY] [REPLACE] [AUTH password | AUTH2 user password] [KEYS key…]` */
function migrate(session: Caller, request: Request): void {
  const { reply, database, host } = session;
  const options = parseOptions(session, request);
  if (options === null) return;
  const timeoutMs = request.integer(5);
  const databaseIndex = request.integer(4);
  if (Number.isNaN(timeoutMs) || Number.isNaN(databaseIndex)) return reply.error(NOT_INTEGER);
  if (session.insideExec) return reply.error(IN_TRANSACTION);

  const { copy, replace, credentials, firstKey, keyCount } = options;
  const items: MigratingKey[] = [];
  for (let i = firstKey; i < firstKey + keyCount; i++) {
    const ref = database.read(request.bytes, request.starts[i], request.lengths[i]);
    if (ref === 0) continue;
    const expiry = host.store.heap.entries.hasExpiry(ref) ? Number(host.store.heap.entries.expiry(ref)) : 0;
    items.push({
      key: request.copyOf(i),
      ttlMs: expiry === 0 ? 0 : Math.max(1, expiry - host.store.nowMs),
      payload: host.dumper.dump(ref, host.config.flag("rdbcompression")).slice(),
    });
  }
  if (items.length === 0) return reply.simple("NOKEY");
  const order: MigrationOrder = {
    host: request.text(1),
    port: request.integer(2),
    databaseIndex,
    timeoutMs: timeoutMs > 0 ? timeoutMs : DEFAULT_TIMEOUT_MS,
    credentials,
    copy,
    replace,
    items,
  };
  session.migrate(order);
}

/** Reads the options; null after having replied with an error. */
function parseOptions(session: Caller, request: Request): Options | null {
  const options: Options = { copy: false, replace: false, credentials: [], firstKey: KEY_AT, keyCount: 1 };
  for (let i = FIRST_OPTION; i < request.argc; i++) {
    const taken = credentialsAt(request, i);
    if (request.is(i, "copy")) options.copy = true;
    else if (request.is(i, "replace")) options.replace = true;
    else if (taken > 0 && i + taken < request.argc) {
      options.credentials = Array.from({ length: taken }, (_, of) => request.copyOf(i + 1 + of));
      i += taken;
    } else if (request.is(i, "keys")) {
      if (request.lengths[KEY_AT] > 0) return fail(session, KEY_AND_KEYS);
      options.firstKey = i + 1;
      options.keyCount = request.argc - i - 1;
      return options;
    } else return fail(session, SYNTAX_ERROR);
  }
  return options;
}

/** How many arguments of credentials stand behind argument `index`; 0 where it does not announce any. */
function credentialsAt(request: Request, index: number): number {
  for (const [word, count] of CREDENTIALS) if (request.is(index, word)) return count;
  return 0;
}

function fail(session: Caller, error: string): null {
  session.reply.error(error);
  return null;
}

/** The key, or those behind KEYS where the key is empty. */
function migrateKeys(request: Request, found: FoundKeys): boolean {
  for (let i = FIRST_OPTION; i < request.argc && request.lengths[KEY_AT] === 0; i++) {
    if (!request.is(i, "keys")) {
      i += credentialsAt(request, i);
      continue;
    }
    for (let key = i + 1; key < request.argc; key++) found.add(key, RW | ACCESS | DELETE);
    return true;
  }
  found.add(KEY_AT, RW | ACCESS | DELETE);
  return true;
}

/** The credentials. */
function migrateSecrets(request: Request): ReadonlySet<number> {
  const secrets = new Set<number>();
  for (let i = FIRST_OPTION; i < request.argc && !request.is(i, "keys"); i++) {
    for (let taken = credentialsAt(request, i); taken > 0; taken--) if (i + 1 < request.argc) secrets.add(++i);
  }
  return secrets;
}

export const MIGRATE_COMMANDS: readonly Command[] = [
  command("migrate", -6, WRITE, migrate, {
    categories: ["keyspace", "dangerous"],
    keys: [
      oneKey(RW | ACCESS | DELETE, KEY_AT),
      keySpec(RW | ACCESS | DELETE | INCOMPLETE, keyword("KEYS", -2), range(-1)),
    ],
    keyFinder: migrateKeys,
    secrets: migrateSecrets,
  }),
];
