/** MONITOR: see every command that the server runs. */

import { ADMIN, type Command, command, LOADING, NOSCRIPT, STALE } from "./command.ts";
import type { Monitoring } from "./client_facets.ts";
import type { Session } from "./session.ts";

/** Whom these commands run for. */
type Caller = Session & Monitoring;

/** `MONITOR`: one who does so already gets no other reply. */
function monitor(session: Caller): void {
  if (session.insideExec) return session.reply.error("ERR MONITOR isn't allowed for DENY BLOCKING client");
  if (session.beginMonitoring()) session.reply.ok();
}

export const MONITOR_COMMANDS: readonly Command[] = [
  command("monitor", 1, ADMIN | NOSCRIPT | LOADING | STALE, monitor),
];
