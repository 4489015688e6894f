/** The connection: PING, ECHO, QUIT, SELECT, AUTH, HELLO, RESET. The CLIENT container has a file of its own. */

import { looseInteger } from "./integer_argument.ts";
import type { Request } from "../resp/request.ts";
import {
  ALLOW_BUSY,
  type Command,
  command,
  FAST,
  LOADING,
  NO_AUTH,
  NOSCRIPT,
  NOT_QUEUED,
  STALE,
  TELLS_OF_DISK,
  WHILE_SUBSCRIBED,
} from "./command.ts";
import { databaseArgument } from "./database_argument.ts";
import { shownArgument, SYNTAX_ERROR } from "./errors.ts";
import type { Greeted, SubscribingClient } from "./client_facets.ts";
import type { GreetingHost } from "./host_facets.ts";
import type { Session } from "./session.ts";

/** Whom these commands run for. */
type Caller = Session<GreetingHost> & Greeted & SubscribingClient;

/** What a client is told of the server's version: that of the Redis whose behaviour this is. */
export const REDIS_VERSION = "7.2.4";
/** The version of tredis itself. */
export const TREDIS_VERSION = "0.1.0";

const WRONG_PASSWORD = "WRONGPASS invalid username-password pair or user is disabled.";
/** What a client is told whose name is not valid. */
export const BAD_NAME = "ERR Client names cannot contain spaces, newlines or special characters.";
const NO_PASSWORD =
  "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?";
const HELLO_NOAUTH =
  "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH " +
  "<user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time";

/** Whether a client, or a library, may have this name. */
export function isValidName(name: string): boolean {
  return /^[!-~]*$/.test(name);
}

/** `PING [message]` */
function ping(session: Caller, request: Request): void {
  const { reply } = session;
  if (request.argc > 2) return reply.error("ERR wrong number of arguments for 'ping' command");
  const subscriptions = session.channels.size + session.patterns.size + session.shardChannels.size;
  if (subscriptions > 0 && session.protocol === 2) {
    reply.array(2);
    reply.bulkString("pong");
    if (request.argc === 1) reply.bulkString("");
    else reply.bulk(request.bytes, request.starts[1], request.lengths[1]);
  } else if (request.argc === 1) {
    reply.simple("PONG");
  } else {
    reply.bulk(request.bytes, request.starts[1], request.lengths[1]);
  }
}

/** `ECHO message` */
function echo(session: Session, request: Request): void {
  session.reply.bulk(request.bytes, request.starts[1], request.lengths[1]);
}

/** `QUIT` */
function quit(session: Caller): void {
  session.reply.ok();
  session.close();
}

/** `SELECT index` */
function select(session: Session, request: Request): void {
  const database = databaseArgument(session, request, 1);
  if (database === null) return;
  session.database = database;
  session.reply.ok();
}

/** `AUTH [username] password` */
function auth(session: Caller, request: Request): void {
  const { reply } = session;
  if (request.argc > 3) return reply.error(SYNTAX_ERROR);
  if (request.argc === 2 && !session.host.passwordRequired) return reply.error(NO_PASSWORD);
  const user = request.argc === 3 ? request.text(1) : "default";
  if (session.authenticate(user, request.text(request.argc - 1))) reply.ok();
  else reply.error(WRONG_PASSWORD);
}

/** `HELLO [protover [AUTH username password] [SETNAME clientname]]` */
function hello(session: Caller, request: Request): void {
  const { reply } = session;
  let protocol: number = session.protocol;
  if (request.argc > 1) {
    protocol = looseInteger(request, 1);
    if (Number.isNaN(protocol)) return reply.error("ERR Protocol version is not an integer or out of range");
    if (protocol !== 2 && protocol !== 3) return reply.error("NOPROTO unsupported protocol version");
  }
  let credentials: readonly [string, string] | null = null;
  let name: string | null = null;
  for (let i = 2; i < request.argc; i++) {
    if (request.is(i, "auth") && i + 2 < request.argc) {
      credentials = [request.text(i + 1), request.text(i + 2)];
      i += 2;
    } else if (request.is(i, "setname") && i + 1 < request.argc) {
      name = request.text(++i);
      if (!isValidName(name)) return reply.error(BAD_NAME);
    } else {
      return reply.error(`ERR Syntax error in HELLO option '${shownArgument(request, i)}'`);
    }
  }
  if (credentials !== null && !session.authenticate(...credentials)) return reply.error(WRONG_PASSWORD);
  if (!session.authenticated) return reply.error(HELLO_NOAUTH);
  if (name !== null) session.name = name;
  session.setProtocol(protocol === 3 ? 3 : 2);
  reply.map(7);
  reply.bulkString("server");
  reply.bulkString("redis");
  reply.bulkString("version");
  reply.bulkString(REDIS_VERSION);
  reply.bulkString("proto");
  reply.integer(protocol);
  reply.bulkString("id");
  reply.integer(session.id);
  reply.bulkString("mode");
  reply.bulkString("standalone");
  reply.bulkString("role");
  reply.bulkString(session.host.isReplica ? "replica" : "master");
  reply.bulkString("modules");
  reply.array(0);
}

/** `RESET`: back to the state of a fresh connection. */
function reset(session: Caller): void {
  session.resetState();
  session.reply.simple("RESET");
}

function authSecrets(request: Request): ReadonlySet<number> {
  return new Set(request.argc === 2 ? [1] : [1, 2]);
}

function helloSecrets(request: Request): ReadonlySet<number> {
  for (let i = 2; i + 2 < request.argc; i++) if (request.is(i, "auth")) return new Set([i + 1, i + 2]);
  return new Set();
}

const CONNECTION = { categories: ["connection"] };
const ENTRY = NOSCRIPT | LOADING | STALE | FAST | NO_AUTH | ALLOW_BUSY;

export const CONNECTION_COMMANDS: readonly Command[] = [
  command("ping", -1, FAST | WHILE_SUBSCRIBED | TELLS_OF_DISK, ping, CONNECTION),
  command("echo", 2, LOADING | STALE | FAST, echo, CONNECTION),
  command("quit", -1, ENTRY | NOT_QUEUED | WHILE_SUBSCRIBED, quit, CONNECTION),
  command("select", 2, LOADING | STALE | FAST, select, CONNECTION),
  command("auth", -2, ENTRY, auth, { ...CONNECTION, secrets: authSecrets }),
  command("hello", -1, ENTRY, hello, { ...CONNECTION, secrets: helloSecrets }),
  command("reset", 1, ENTRY | NOT_QUEUED | WHILE_SUBSCRIBED, reset, CONNECTION),
];
