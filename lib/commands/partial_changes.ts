/** Commands that change one thing after the other and run out of memory on the way: what was done goes on alone. */

import type { Request } from "../resp/request.ts";
import type { Session } from "./session.ts";

/** Propagates, in place of the command under way, one named `word` with the same arguments up to `until`, without that. */
export function propagateBeginning(session: Session, request: Request, word: string, until: number): void {
  const builder = session.propagateAs(until)?.word(word);
  for (let i = 1; i < until; i++) builder?.argument(request, i);
}
