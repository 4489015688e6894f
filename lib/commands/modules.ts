/** MODULE: there are none, as modules are written for Redis's own insides; said as a Redis without modules says it. */

import { ADMIN, type Command, command, LOADING, NO_ASYNC_LOADING, NOSCRIPT, STALE } from "./command.ts";
import { help } from "./help.ts";
import { protectedRefusal } from "./protected.ts";
import type { Located } from "./client_facets.ts";
import type { Session } from "./session.ts";

/** Whom these commands run for. */
type Caller = Session & Located;

/** `MODULE LIST` */
function moduleList(session: Caller): void {
  session.reply.array(0);
}

/** `MODULE LOAD path [arg …]` and LOADEX */
function moduleLoad(session: Caller): void {
  refuse(session, "ERR Error loading the extension. Please check the server logs.");
}

/** `MODULE UNLOAD name` */
function moduleUnload(session: Caller): void {
  refuse(session, "ERR Error unloading module: no such module with that name");
}

function refuse(session: Caller, error: string): void {
  const refusal = protectedRefusal("MODULE", session.host, session);
  session.reply.error(refusal ?? error);
}

const MODULE_HELP = help("MODULE", [
  ["LIST", "List the modules: there are none."],
  ["LOAD <path> [<arg> ...]", "Refused: modules written for Redis cannot be loaded."],
  ["LOADEX <path> [[CONFIG NAME VALUE]...] [ARGS ...]", "Refused, as LOAD is."],
  ["UNLOAD <name>", "Refused: there is no module to unload."],
]);

const LOADS = ADMIN | NOSCRIPT | NO_ASYNC_LOADING;
const PROTECTED = { protectedAs: "MODULE" } as const;

export const MODULE_COMMANDS: readonly Command[] = [
  command("module", -2, 0, MODULE_HELP, {
    subcommands: [
      command("module|list", 2, ADMIN | NOSCRIPT, moduleList),
      command("module|load", -3, LOADS, moduleLoad, PROTECTED),
      command("module|loadex", -3, LOADS, moduleLoad, PROTECTED),
      command("module|unload", 3, LOADS, moduleUnload, PROTECTED),
      command("module|help", 2, LOADING | STALE, MODULE_HELP),
    ],
  }),
];
