/** MONITOR: see every command that the server runs. */

import { ADMIN, type Command, command, LOADING, NOSCRIPT, STALE } from "./command.ts";
import type { Session } from "./session.ts";

/** `MONITOR`: one who does so already gets no other reply. */
function monitor(session: Session): void {
  if (session.insideExec) return session.reply.error("ERR MONITOR isn't allowed for DENY BLOCKING client");
  if (session.beginMonitoring()) session.reply.ok();
}

export const MONITOR_COMMANDS: readonly Command[] = [
  command("monitor", 1, ADMIN | NOSCRIPT | LOADING | STALE, monitor),
];
