/** CONFIG: the configuration at run time. `lib/config/` knows the directives; here are the arguments and the replies. */

import { ADMIN, type Command, command, LOADING, NOSCRIPT, STALE } from "./command.ts";
import { SYNTAX_ERROR } from "./errors.ts";
import { help } from "./help.ts";
import type { Located } from "./client_facets.ts";
import type { ReportsHost } from "./host_facets.ts";
import type { Session } from "./session.ts";
import type { Request } from "../resp/request.ts";
import type { Pair } from "../config/config.ts";
import { isSensitive } from "../config/directives.ts";
import { rewriteConfig } from "../config/rewrite.ts";

/** Whom these commands run for. */
type Caller = Session<ReportsHost> & Located;

/** CONFIG GET pattern [pattern …] */
function configGet(session: Caller, request: Request): void {
  const patterns: string[] = [];
  for (let i = 2; i < request.argc; i++) patterns.push(request.text(i));
  const pairs = session.host.config.get(patterns);
  session.reply.map(pairs.length);
  for (const [name, value] of pairs) {
    session.reply.bulkString(name);
    session.reply.bulkString(value);
  }
}

/** CONFIG SET name value [name value …]: all or nothing. */
function configSet(session: Caller, request: Request): void {
  if (request.argc % 2 !== 0) return session.reply.error(SYNTAX_ERROR);
  const { host } = session;
  const pairs: Pair[] = [];
  for (let i = 2; i < request.argc; i += 2) pairs.push([request.text(i), request.text(i + 1)]);
  const error = host.config.set(pairs, { local: session.isLocal, loading: host.loading || host.asyncLoading });
  if (error !== null) session.reply.error(error);
  else session.reply.ok();
}

function configRewrite(session: Caller): void {
  const { host, reply } = session;
  const error = rewriteConfig(host.config);
  if (error === null) {
    host.config.note("CONFIG REWRITE executed with success.");
    return reply.ok();
  }
  if (host.config.file !== null) host.config.warn(`CONFIG REWRITE failed: ${error.replace(/^.*?: /, "")}`);
  reply.error(error);
}

function configResetStatistics(session: Caller): void {
  session.host.resetStatistics();
  session.reply.ok();
}

const CONFIG_HELP = help("CONFIG", [
  ["GET <pattern> [<pattern> ...]", "Show the directives whose names match, with their values."],
  ["SET <directive> <value> [<directive> <value> ...]", "Give directives new values: all of them, or none."],
  ["RESETSTAT", "Set the statistics that INFO shows back to zero."],
  ["REWRITE", "Write the current values into the configuration file."],
]);

function configSecrets(request: Request): ReadonlySet<number> {
  const secrets = new Set<number>();
  for (let i = 2; i + 1 < request.argc; i += 2) {
    if (isSensitive(request.text(i))) secrets.add(i + 1);
  }
  return secrets;
}

const FLAGS = ADMIN | NOSCRIPT | LOADING | STALE;

export const CONFIG_COMMANDS: readonly Command[] = [
  command("config", -2, 0, CONFIG_HELP, {
    subcommands: [
      command("config|get", -3, FLAGS, configGet),
      command("config|set", -4, FLAGS, configSet, { secrets: configSecrets }),
      command("config|rewrite", 2, FLAGS, configRewrite),
      command("config|resetstat", 2, FLAGS, configResetStatistics),
      command("config|help", 2, LOADING | STALE, CONFIG_HELP),
    ],
  }),
];
