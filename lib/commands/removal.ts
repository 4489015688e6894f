/**
 * How keys go, other than by DEL: with the last element of their value, because there is nothing to be stored under them,
 * or as something that is propagated in its own words.
 */

import type { Config } from "../config/config.ts";
import type { Request } from "../resp/request.ts";
import type { ValueHome } from "../store/types/value_type.ts";
import { EVENT_GENERIC } from "./events.ts";
import type { Session } from "./session.ts";

/** Values of one type, as far as it matters where elements have left one: `Hashes`, `Sets`, `SortedSets`. */
interface Collection {
  count(ref: number): number;
  /** Gives back room that a value no longer needs. */
  trim(home: ValueHome, ref: number): number;
}

/**
 * Elements were removed from the value under argument `keyIndex`: the key goes with the last. Tells of `count` changes with
 * an event.
 */
export function elementsRemoved(
  session: Session,
  request: Request,
  keyIndex: number,
  collection: Collection,
  ref: number,
  eventClass: number,
  event: string,
  count: number,
): void {
  if (collection.count(ref) === 0) return allRemoved(session, request, keyIndex, eventClass, event, count);
  collection.trim(session.database, ref);
  session.host.changes.changed(session, request, keyIndex, eventClass, event, count);
}

/** All elements of the value under argument `keyIndex` go, and the key with them. Tells of `count` changes with an event. */
export function allRemoved(
  session: Session,
  request: Request,
  keyIndex: number,
  eventClass: number,
  event: string,
  count: number,
): void {
  const { host, database } = session;
  const { bytes, starts, lengths } = request;
  database.remove(bytes, starts[keyIndex], lengths[keyIndex]);
  host.changes.changed(session, request, keyIndex, eventClass, event, count);
  host.changes.publish(EVENT_GENERIC, "del", database, bytes, starts[keyIndex], lengths[keyIndex]);
}

/** There is nothing to be stored under the key in argument `keyIndex`: what is there is removed. */
export function removeTarget(session: Session, request: Request, keyIndex: number): void {
  const { database, host } = session;
  if (!database.remove(request.bytes, request.starts[keyIndex], request.lengths[keyIndex])) return;
  host.changes.changed(session, request, keyIndex, EVENT_GENERIC, "del");
}

/** There was no memory for the first element of the value under argument `keyIndex`, if that is new: none stays empty. */
export function dropIfEmpty({ database, host }: Session, request: Request, keyIndex: number): void {
  const { bytes, starts, lengths } = request;
  const ref = database.peek(bytes, starts[keyIndex], lengths[keyIndex]);
  if (ref === 0 || host.store.heap.typeOf(ref).count(ref) > 0) return;
  database.remove(bytes, starts[keyIndex], lengths[keyIndex]);
}

/** What frees a key's value elsewhere as it does here: UNLINK where the setting has Redis do it in the background. */
export function removalWord(
  config: Config,
  setting:
    | "lazyfree-lazy-expire"
    | "lazyfree-lazy-eviction"
    | "lazyfree-lazy-server-del"
    | "lazyfree-lazy-user-del",
): "UNLINK" | "DEL" {
  return config.flag(setting) ? "UNLINK" : "DEL";
}
