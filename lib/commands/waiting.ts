/** What commands share that wait for a key (BLPOP and its kin): their timeouts. */

import { parseDouble } from "../bytes/doubles.ts";
import type { Request } from "../resp/request.ts";
import type { Session } from "./session.ts";

const NOT_TIMEOUT = "ERR timeout is not a float or out of range";
const TIMEOUT_NEGATIVE = "ERR timeout is negative";
const TIMEOUT_OUT_OF_RANGE = "ERR timeout is out of range";
/** Most ms that a timeout may be, as Redis counts them in 64 bits. */
const MAX_TIMEOUT_MS = 2 ** 63;

/** A timeout in seconds, as ms; 0 is for ever. Null after having replied with an error. */
export function timeoutArgument(session: Session, request: Request, index: number): number | null {
  const seconds = parseDouble(request.bytes, request.starts[index], request.lengths[index]);
  const milliseconds = seconds * 1000;
  if (Number.isNaN(seconds)) session.reply.error(NOT_TIMEOUT);
  else if (Math.abs(milliseconds) >= MAX_TIMEOUT_MS) session.reply.error(TIMEOUT_OUT_OF_RANGE);
  else if (seconds < 0) session.reply.error(TIMEOUT_NEGATIVE);
  else return Math.ceil(milliseconds);
  return null;
}
