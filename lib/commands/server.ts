/** The server about itself: INFO, TIME, LOLWUT. MEMORY, COMMAND and DEBUG have files of their own. */

import type { Request } from "../resp/request.ts";
import { type Command, command, FAST, LOADING, READONLY, STALE } from "./command.ts";
import { lolwut } from "./lolwut.ts";
import type { ReportsHost } from "./host_facets.ts";
import type { Session } from "./session.ts";

/** Whom these commands run for. */
type Caller = Session<ReportsHost>;

/** More than the name of any section of INFO has. */
const LONGEST_SECTION_BYTES = 64;

/** `INFO [section [section …]]` */
function info(session: Caller, request: Request): void {
  const sections: string[] = [];
  for (let i = 1; i < request.argc; i++) sections.push(request.excerpt(i, LONGEST_SECTION_BYTES));
  session.reply.verbatim("txt", session.host.info(sections));
}

/** `TIME`: Unix time in seconds, and the microseconds of the second */
function time(session: Session): void {
  const microseconds = session.readMicroseconds();
  session.reply.array(2);
  session.reply.bulkInteger(Math.floor(microseconds / 1e6));
  session.reply.bulkInteger(microseconds % 1e6);
}

export const SERVER_COMMANDS: readonly Command[] = [
  command("info", -1, LOADING | STALE, info, { categories: ["dangerous"] }),
  command("time", 1, LOADING | STALE | FAST, time),
  command("lolwut", -1, READONLY | FAST, lolwut),
];
