/** SLOWLOG: the commands that took long. */

import { looseInteger } from "./integer_argument.ts";
import type { Request } from "../resp/request.ts";
import { ADMIN, type Command, command, LOADING, STALE } from "./command.ts";
import { subcommandSyntax } from "./errors.ts";
import { help } from "./help.ts";
import type { DelaysHost } from "./host_facets.ts";
import type { Session } from "./session.ts";

/** Whom these commands run for. */
type Caller = Session<DelaysHost>;

const DEFAULT_COUNT = 10;

/** `SLOWLOG GET [count]`: -1 stands for all. */
function get(session: Caller, request: Request): void {
  const { reply } = session;
  const { slowLog } = session.host;
  if (request.argc > 3) return reply.error(subcommandSyntax(request));
  const count = request.argc === 3 ? looseInteger(request, 2) : DEFAULT_COUNT;
  if (!(count >= -1)) return reply.error("ERR count should be greater than or equal to -1");
  const entries = slowLog.newest(count === -1 ? slowLog.length : count);
  reply.array(entries.length);
  for (const { id, time, microseconds, args, address, clientName } of entries) {
    reply.array(6);
    reply.integer(id);
    reply.integer(time);
    reply.integer(microseconds);
    reply.array(args.length);
    for (const arg of args) reply.bulkString(arg);
    reply.bulkString(address);
    reply.bulkString(clientName);
  }
}

/** `SLOWLOG LEN` */
function len(session: Caller): void {
  session.reply.integer(session.host.slowLog.length);
}

/** `SLOWLOG RESET` */
function reset(session: Caller): void {
  session.host.slowLog.reset();
  session.reply.ok();
}

const SLOWLOG_HELP = help("SLOWLOG", [
  [
    "GET [<count>]",
    "Show the latest <count> entries (default: 10, -1: all), newest first. An entry consists of:",
    "id, Unix time, duration in microseconds, arguments, address and name of the client",
  ],
  ["LEN", "Tell the number of entries."],
  ["RESET", "Empty the log."],
]);

const FLAGS = ADMIN | LOADING | STALE;

export const SLOWLOG_COMMANDS: readonly Command[] = [
  command("slowlog", -2, 0, SLOWLOG_HELP, {
    subcommands: [
      command("slowlog|get", -2, FLAGS, get),
      command("slowlog|help", 2, LOADING | STALE, SLOWLOG_HELP),
      command("slowlog|len", 2, FLAGS, len),
      command("slowlog|reset", 2, FLAGS, reset),
    ],
  }),
];
