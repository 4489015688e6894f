/** CLIENT's subcommands for client-side caching: TRACKING, CACHING, TRACKINGINFO, GETREDIR. */

import { looseInteger } from "./integer_argument.ts";
import type { Request } from "../resp/request.ts";
import type { TrackingOptions } from "./client_state.ts";
import { type Command, command, KEEPS_CACHING, LOADING, NOSCRIPT, STALE } from "./command.ts";
import { NOT_INTEGER, SYNTAX_ERROR } from "./errors.ts";
import type { TrackingClient } from "./client_facets.ts";
import type { ClientsHost } from "./host_facets.ts";
import type { Session } from "./session.ts";

/** Whom these commands run for. */
type Caller = Session<ClientsHost> & TrackingClient;

const ANOTHER_MODE = "before disabling tracking for this client, and then re-enabling it with a different mode.";
const CACHING_WITHOUT_TRACKING =
  "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled";

/** What was asked for, contradictions included. */
interface Asked {
  redirect: number;
  broadcast: boolean;
  optIn: boolean;
  optOut: boolean;
  noLoop: boolean;
  readonly prefixes: string[];
}

/** Reads the options from argument 3 on; the error to reply with, where there is one. */
function parseOptions(session: Caller, request: Request): Asked | string {
  const asked: Asked = { redirect: 0, broadcast: false, optIn: false, optOut: false, noLoop: false, prefixes: [] };
  for (let i = 3; i < request.argc; i++) {
    const hasValue = i + 1 < request.argc;
    if (request.is(i, "redirect") && hasValue) {
      if (asked.redirect !== 0) return "ERR A client can only redirect to a single other client";
      asked.redirect = looseInteger(request, ++i);
      if (Number.isNaN(asked.redirect)) return NOT_INTEGER;
      if (!session.host.clients.has(asked.redirect)) {
        return "ERR The client ID you want redirect to does not exist";
      }
    } else if (request.is(i, "bcast")) asked.broadcast = true;
    else if (request.is(i, "optin")) asked.optIn = true;
    else if (request.is(i, "optout")) asked.optOut = true;
    else if (request.is(i, "noloop")) asked.noLoop = true;
    else if (request.is(i, "prefix") && hasValue) asked.prefixes.push(request.text(++i));
    else return SYNTAX_ERROR;
  }
  return asked;
}

/** Why the options cannot be had, together or after what is in force; null where they can. */
function contradiction(session: Caller, asked: Asked): string | null {
  const { tracking } = session;
  const { broadcast, optIn, optOut, prefixes } = asked;
  if (!broadcast && prefixes.length > 0) return "ERR PREFIX option requires BCAST mode to be enabled";
  if (tracking !== null && tracking.broadcast !== broadcast) {
    return `ERR You can't switch BCAST mode on/off ${ANOTHER_MODE}`;
  }
  if (broadcast && (optIn || optOut)) return "ERR OPTIN and OPTOUT are not compatible with BCAST";
  if (optIn && optOut) return "ERR You can't specify both OPTIN mode and OPTOUT mode";
  if ((optIn && tracking?.choice === "optout") || (optOut && tracking?.choice === "optin")) {
    return `ERR You can't switch OPTIN/OPTOUT mode ${ANOTHER_MODE}`;
  }
  return broadcast ? prefixCollision(tracking?.prefixes ?? [], prefixes) : null;
}

/** A key must not match two prefixes of one client: it would be told twice. */
function prefixCollision(existing: readonly string[], added: readonly string[]): string | null {
  const overlap = (a: string, b: string): boolean => a.startsWith(b) || b.startsWith(a);
  const end = "Prefixes for a single client must not overlap.";
  for (const [i, prefix] of added.entries()) {
    const old = existing.find((other) => overlap(prefix, other));
    if (old !== undefined) return `ERR Prefix '${prefix}' overlaps with an existing prefix '${old}'. ${end}`;
    const other = added.slice(i + 1).find((other) => overlap(prefix, other));
    if (other !== undefined) return `ERR Prefix '${prefix}' overlaps with another provided prefix '${other}'. ${end}`;
  }
  return null;
}

/** `CLIENT TRACKING ON | OFF [REDIRECT id] [PREFIX prefix …] [BCAST] [OPTIN] [OPTOUT] [NOLOOP]` */
function tracking(session: Caller, request: Request): void {
  const { reply } = session;
  const asked = parseOptions(session, request);
  if (typeof asked === "string") return reply.error(asked);
  if (request.is(2, "off")) {
    session.stopTracking();
    return reply.ok();
  }
  if (!request.is(2, "on")) return reply.error(SYNTAX_ERROR);
  const error = contradiction(session, asked);
  if (error !== null) return reply.error(error);
  const choice = asked.optIn ? "optin" : asked.optOut ? "optout" : "all";
  const options: TrackingOptions = { ...asked, choice };
  session.startTracking(options);
  reply.ok();
}

/** `CLIENT CACHING YES | NO`: for the next command. */
function caching(session: Caller, request: Request): void {
  const { reply, tracking } = session;
  if (tracking === null) return reply.error(CACHING_WITHOUT_TRACKING);
  const isYes = request.is(2, "yes");
  if (!isYes && !request.is(2, "no")) return reply.error(SYNTAX_ERROR);
  if (isYes && tracking.choice !== "optin") {
    return reply.error("ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.");
  }
  if (!isYes && tracking.choice !== "optout") {
    return reply.error("ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.");
  }
  tracking.caching = true;
  reply.ok();
}

/** `CLIENT TRACKINGINFO` */
function trackingInfo(session: Caller): void {
  const { reply, tracking } = session;
  const flags: string[] = [tracking === null ? "off" : "on"];
  if (tracking?.broadcast) flags.push("bcast");
  if (tracking !== null && tracking.choice !== "all") flags.push(tracking.choice);
  if (tracking?.caching) flags.push(tracking.choice === "optin" ? "caching-yes" : "caching-no");
  if (tracking?.noLoop) flags.push("noloop");
  if (tracking?.redirectBroken) flags.push("broken_redirect");
  const prefixes = tracking?.prefixes ?? [];
  reply.map(3);
  reply.bulkString("flags");
  reply.set(flags.length);
  for (const flag of flags) reply.bulkString(flag);
  reply.bulkString("redirect");
  reply.integer(tracking === null ? -1 : tracking.redirect);
  reply.bulkString("prefixes");
  reply.array(prefixes.length);
  for (const prefix of prefixes) reply.bulkString(prefix);
}

/** `CLIENT GETREDIR` */
function getRedirection(session: Caller): void {
  session.reply.integer(session.tracking === null ? -1 : session.tracking.redirect);
}

const ANY = NOSCRIPT | LOADING | STALE | KEEPS_CACHING;
const CONNECTION = { categories: ["connection"] };

export const CLIENT_TRACKING_SUBCOMMANDS: readonly Command[] = [
  command("client|caching", 3, ANY, caching, CONNECTION),
  command("client|getredir", 2, ANY, getRedirection, CONNECTION),
  command("client|tracking", -3, ANY, tracking, CONNECTION),
  command("client|trackinginfo", 2, ANY, trackingInfo, CONNECTION),
];
