/** How long a client is to wait, as an argument: in seconds for a key (BLPOP and its kin), in ms for all else (WAIT). */

import { parseDouble } from "../bytes/doubles.ts";
import type { Request } from "../resp/request.ts";
import { looseInteger } from "./integer_argument.ts";
import { refuse } from "./replies.ts";
import type { Session } from "./session.ts";

const NEGATIVE = "ERR timeout is negative";
/** Most ms that a timeout may be, as Redis counts them in 64 bits. */
const MAX_TIMEOUT_MS = 2 ** 63;

/** The timeout in argument `at`, which is in seconds, as ms; 0 is for ever. Null after having replied with an error. */
export function timeoutInSeconds(session: Session, request: Request, at: number): number | null {
  const seconds = parseDouble(request.bytes, request.starts[at], request.lengths[at]);
  const milliseconds = seconds * 1000;
  if (Number.isNaN(seconds)) session.reply.error("ERR timeout is not a float or out of range");
  else if (Math.abs(milliseconds) >= MAX_TIMEOUT_MS) session.reply.error("ERR timeout is out of range");
  else if (seconds < 0) session.reply.error(NEGATIVE);
  else return Math.ceil(milliseconds);
  return null;
}

/** The timeout in argument `at`, which is in ms; null after having replied with an error. */
export function timeoutInMs(session: Session, request: Request, at: number): number | null {
  const timeoutMs = looseInteger(request, at);
  if (timeoutMs >= 0) return timeoutMs;
  const isNumber = !Number.isNaN(timeoutMs);
  return refuse(session, isNumber ? NEGATIVE : "ERR timeout is not an integer or out of range");
}
