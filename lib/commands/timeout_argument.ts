/** How long a client is to wait, as an argument: of WAIT, WAITAOF and CLIENT PAUSE. */

import { looseInteger } from "./integer_argument.ts";
import type { Request } from "../resp/request.ts";
import type { Session } from "./session.ts";

/** The time in argument `index`, in ms; null after having replied with an error. */
export function timeoutArgument(session: Session, request: Request, index: number): number | null {
  const timeoutMs = looseInteger(request, index);
  if (timeoutMs >= 0) return timeoutMs;
  const isNumber = !Number.isNaN(timeoutMs);
  session.reply.error(isNumber ? "ERR timeout is negative" : "ERR timeout is not an integer or out of range");
  return null;
}
