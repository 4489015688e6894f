/** CLIENT: what a connection says of itself, and what is known of and done to all connections. */

import { looseInteger } from "./integer_argument.ts";
import type { Request } from "../resp/request.ts";
import type { ClientType } from "./client_state.ts";
import { CLIENT_TRACKING_SUBCOMMANDS } from "./client_tracking.ts";
import { ADMIN, type Command, command, KEEPS_CACHING, LOADING, NOSCRIPT, STALE } from "./command.ts";
import { BAD_NAME, isValidName } from "./connection.ts";
import { NOT_INTEGER, shownArgument, subcommandSyntax, SYNTAX_ERROR } from "./errors.ts";
import { help } from "./help.ts";
import type { ConfiguredClient, ListedClient } from "./client_facets.ts";
import type { ClientsHost } from "./host_facets.ts";
import { refuse } from "./replies.ts";
import type { Session } from "./session.ts";
import { timeoutInMs } from "./timeouts.ts";

/** Whom these commands run for. */
type Caller = Session<ClientsHost> & ConfiguredClient;

/** `CLIENT ID` */
function clientId(session: Caller): void {
  session.reply.integer(session.id);
}

/** `CLIENT GETNAME` */
function getName(session: Caller): void {
  if (session.name === "") session.reply.nil();
  else session.reply.bulkString(session.name);
}

/** `CLIENT SETNAME name`: an empty one takes the name away. */
function setName(session: Caller, request: Request): void {
  const name = request.text(2);
  if (!isValidName(name)) return session.reply.error(BAD_NAME);
  session.name = name;
  session.reply.ok();
}

/** `CLIENT SETINFO LIB-NAME name` and `LIB-VER version` */
function setInfo(session: Caller, request: Request): void {
  const attribute = request.text(2);
  const value = request.text(3);
  const isLibraryName = request.is(2, "lib-name");
  if (!isLibraryName && !request.is(2, "lib-ver")) {
    return session.reply.error(`ERR Unrecognized option '${attribute}'`);
  }
  if (!isValidName(value)) {
    return session.reply.error(`ERR ${attribute} cannot contain spaces, newlines or special characters.`);
  }
  if (isLibraryName) session.libraryName = value;
  else session.libraryVersion = value;
  session.reply.ok();
}

/** `CLIENT INFO` */
function info(session: Caller): void {
  session.reply.verbatim("txt", `${session.description}\n`);
}

const TYPES: ReadonlyMap<string, ClientType> = new Map([
  ["normal", "normal"],
  ["master", "master"],
  ["replica", "replica"],
  ["slave", "replica"],
  ["pubsub", "pubsub"],
]);

/** The client type that an argument names, or null after having replied with an error. */
function typeArgument(session: Caller, request: Request, index: number): ClientType | null {
  const type = TYPES.get(request.text(index).toLowerCase());
  if (type === undefined) session.reply.error(`ERR Unknown client type '${shownArgument(request, index)}'`);
  return type ?? null;
}

/** The clients that are there, in the order in which they came. */
function* present(host: ClientsHost): Generator<ListedClient> {
  for (const client of host.clients.values()) if (!client.isDropped) yield client;
}

/** `CLIENT LIST [TYPE type | ID id [id …]]` */
function list(session: Caller, request: Request): void {
  const { host, reply } = session;
  let clients: Iterable<ListedClient>;
  if (request.argc === 2) {
    clients = present(host);
  } else if (request.argc === 4 && request.is(2, "type")) {
    const type = typeArgument(session, request, 3);
    if (type === null) return;
    clients = [...present(host)].filter((client) => client.type === type);
  } else if (request.argc > 3 && request.is(2, "id")) {
    const named: ListedClient[] = [];
    for (let i = 3; i < request.argc; i++) {
      const id = looseInteger(request, i);
      if (Number.isNaN(id)) return reply.error("ERR Invalid client ID");
      const client = host.clients.get(id);
      if (client !== undefined && !client.isDropped) named.push(client);
    }
    clients = named;
  } else {
    return reply.error(SYNTAX_ERROR);
  }
  let lines = "";
  for (const client of clients) lines += `${client.description}\n`;
  reply.verbatim("txt", lines);
}

/** Which clients CLIENT KILL means: all that meet every condition given. */
interface KillFilter {
  id?: number;
  type?: ClientType;
  remoteAddress?: string;
  localAddress?: string;
  user?: string;
  skipMe: boolean;
}

/** Reads `filter value` pairs; null after having replied with an error. */
function parseKillFilter(session: Caller, request: Request): KillFilter | null {
  const filter: KillFilter = { skipMe: true };
  for (let i = 2; i < request.argc; i += 2) {
    if (i + 1 === request.argc) return refuse(session, SYNTAX_ERROR);
    const value = request.text(i + 1);
    if (request.is(i, "id")) {
      const id = looseInteger(request, i + 1);
      if (!(id > 0)) return refuse(session, "ERR client-id should be greater than 0");
      filter.id = id;
    } else if (request.is(i, "type")) {
      const type = typeArgument(session, request, i + 1);
      if (type === null) return null;
      filter.type = type;
    } else if (request.is(i, "addr")) {
      filter.remoteAddress = value;
    } else if (request.is(i, "laddr")) {
      filter.localAddress = value;
    } else if (request.is(i, "user")) {
      if (value !== "default") return refuse(session, `ERR No such user '${value}'`);
      filter.user = value;
    } else if (request.is(i, "skipme") && (request.is(i + 1, "yes") || request.is(i + 1, "no"))) {
      filter.skipMe = request.is(i + 1, "yes");
    } else {
      return refuse(session, SYNTAX_ERROR);
    }
  }
  return filter;
}

function meets(client: ListedClient, filter: KillFilter): boolean {
  return (filter.id === undefined || client.id === filter.id) &&
    (filter.type === undefined || client.type === filter.type) &&
    (filter.remoteAddress === undefined || client.remoteAddress === filter.remoteAddress) &&
    (filter.localAddress === undefined || client.localAddress === filter.localAddress) &&
    (filter.user === undefined || (client.user === filter.user && client.authenticated));
}

/** `CLIENT KILL ip:port`, or `CLIENT KILL filter value [filter value …]` */
function kill(session: Caller, request: Request): void {
  const { reply, host } = session;
  const isOldForm = request.argc === 3;
  const filter: KillFilter | null = isOldForm
    ? { remoteAddress: request.text(2), skipMe: false }
    : parseKillFilter(session, request);
  if (filter === null) return;
  let killed = 0;
  for (const client of [...present(host)]) {
    if ((filter.skipMe && client === session) || !meets(client, filter)) continue;
    client.kill();
    killed++;
  }
  if (!isOldForm) reply.integer(killed);
  else if (killed > 0) reply.ok();
  else reply.error("ERR No such client");
}

/** `CLIENT PAUSE milliseconds [WRITE | ALL]` */
function pause(session: Caller, request: Request): void {
  const { reply } = session;
  if (request.argc > 4) return reply.error(subcommandSyntax(request));
  const isWrite = request.argc === 4 && request.is(3, "write");
  if (request.argc === 4 && !isWrite && !request.is(3, "all")) {
    return reply.error("ERR CLIENT PAUSE mode must be WRITE or ALL");
  }
  const durationMs = timeoutInMs(session, request, 2);
  if (durationMs === null) return;
  session.host.pausing.pause(durationMs, isWrite ? "write" : "all");
  reply.ok();
}

/** `CLIENT UNPAUSE` */
function unpause(session: Caller): void {
  session.host.pausing.resume();
  session.reply.ok();
}

/** `CLIENT REPLY ON | OFF | SKIP`: only ON has a reply. */
function setReplies(session: Caller, request: Request): void {
  if (request.is(2, "off")) return session.setReplies("off");
  if (request.is(2, "skip")) return session.setReplies("skip");
  if (!request.is(2, "on")) return session.reply.error(SYNTAX_ERROR);
  session.setReplies("on");
  session.reply.ok();
}

/** `CLIENT UNBLOCK id [TIMEOUT | ERROR]` */
function unblock(session: Caller, request: Request): void {
  const { reply, host } = session;
  if (request.argc > 4) return reply.error(subcommandSyntax(request));
  const isError = request.argc === 4 && request.is(3, "error");
  if (request.argc === 4 && !isError && !request.is(3, "timeout")) {
    return reply.error("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
  }
  const id = looseInteger(request, 2);
  if (Number.isNaN(id)) return reply.error(NOT_INTEGER);
  const ended = host.clients.get(id)?.endWaiting(isError ? "error" : "timeout") ?? false;
  reply.integer(ended ? 1 : 0);
}

/** Reads `ON | OFF` and hands it on. */
function onOff(apply: (session: Caller, on: boolean) => void): (session: Caller, request: Request) => void {
  return (session, request) => {
    const on = request.is(2, "on");
    if (!on && !request.is(2, "off")) return session.reply.error(SYNTAX_ERROR);
    apply(session, on);
    session.reply.ok();
  };
}

/** `CLIENT NO-EVICT ON | OFF` */
const noEvict = onOff((session, on) => session.setEvictable(!on));

/** `CLIENT NO-TOUCH ON | OFF` */
const noTouch = onOff((session, on) => session.setTouching(!on));

const CLIENT_HELP = help("CLIENT", [
  ["CACHING (YES|NO)", "Have the keys of the next command tracked, or not, in OPTIN or OPTOUT mode."],
  ["GETNAME", "Tell the name of this connection."],
  ["GETREDIR", "Tell the ID of the client that gets this connection's invalidations."],
  ["ID", "Tell the ID of this connection."],
  ["INFO", "Describe this connection on one line."],
  ["KILL <ip:port>", "Close the connection from <ip:port>."],
  [
    "KILL <option> <value> [<option> <value> [...]]",
    "Close the connections that meet all of these:",
    "* ADDR (<ip:port>|<unixsocket>:0)",
    "  The address they come from.",
    "* ID <client-id>",
    "  Their ID.",
    "* LADDR (<ip:port>|<unixsocket>:0)",
    "  The address of the server that they connect to.",
    "* SKIPME (YES|NO)",
    "  Whether to spare this connection (default: yes).",
    "* TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
    "  What they are.",
    "* USER <username>",
    "  As whom they have authenticated.",
  ],
  [
    "LIST [options ...]",
    "Describe connections, one on a line. Options:",
    "* ID <client-id> [<client-id> ...]",
    "  Only those with these IDs.",
    "* TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
    "  Only those of this type.",
  ],
  ["NO-EVICT (ON|OFF)", "Spare this connection when maxmemory-clients is exceeded."],
  ["NO-TOUCH (ON|OFF)", "Keep this connection's commands from counting as uses of keys."],
  ["PAUSE <timeout> [WRITE|ALL]", "Hold up writes, or all commands, for <timeout> milliseconds."],
  ["REPLY (ON|OFF|SKIP)", "Send replies, send none, or leave out the next one."],
  ["SETINFO (LIB-NAME|LIB-VER) <value>", "Tell the name or the version of the client's library."],
  ["SETNAME <name>", "Give this connection a name."],
  [
    "TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]]",
    "         [OPTIN] [OPTOUT] [NOLOOP]",
    "Have invalidations sent for keys that this connection may hold in a cache.",
  ],
  ["TRACKINGINFO", "Tell how the keys of this connection are tracked."],
  ["UNBLOCK <clientid> [TIMEOUT|ERROR]", "End the wait of a client that is blocked."],
  ["UNPAUSE", "End the pause of clients."],
]);

const ANY = NOSCRIPT | LOADING | STALE | KEEPS_CACHING;
const CONNECTION = { categories: ["connection"] };

export const CLIENT_COMMANDS: readonly Command[] = [
  command("client", -2, 0, CLIENT_HELP, {
    subcommands: [
      command("client|getname", 2, ANY, getName, CONNECTION),
      command("client|help", 2, LOADING | STALE | KEEPS_CACHING, CLIENT_HELP, CONNECTION),
      command("client|id", 2, ANY, clientId, CONNECTION),
      command("client|info", 2, ANY, info, CONNECTION),
      command("client|kill", -3, ANY | ADMIN, kill, CONNECTION),
      command("client|list", -2, ANY | ADMIN, list, CONNECTION),
      command("client|no-evict", 3, ANY | ADMIN, noEvict, CONNECTION),
      command("client|no-touch", 3, ANY, noTouch, CONNECTION),
      command("client|pause", -3, ANY | ADMIN, pause, CONNECTION),
      command("client|reply", 3, ANY, setReplies, CONNECTION),
      command("client|setinfo", 4, ANY, setInfo, CONNECTION),
      command("client|setname", 3, ANY, setName, CONNECTION),
      command("client|unblock", -3, ANY | ADMIN, unblock, CONNECTION),
      command("client|unpause", 2, ANY | ADMIN, unpause, CONNECTION),
      ...CLIENT_TRACKING_SUBCOMMANDS,
    ],
  }),
];
