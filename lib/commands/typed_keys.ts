/** Keys that must have a value of one type, as the commands of its family take them. */

import type { Request } from "../resp/request.ts";
import { WRONG_TYPE } from "./errors.ts";
import type { Session } from "./session.ts";

/** In place of a ref: there is no such key. */
export const MISSING = 0;
/** The client has been told that the key has another type. An entry takes two granules, so none has this ref. */
export const FAILED = -1;

/** The value of a type under an argument, for reading: its ref, MISSING or FAILED. */
export function readTyped(session: Session, request: Request, index: number, type: number): number {
  const { database } = session;
  const ref = database.read(request.bytes, request.starts[index], request.lengths[index]);
  if (ref === MISSING || database.entries.type(ref) === type) return ref;
  return failed(session);
}

/** The value of a type under an argument, for changing: its ref, MISSING or FAILED. */
export function writeTyped(session: Session, request: Request, index: number, type: number): number {
  const { database } = session;
  const ref = database.write(request.bytes, request.starts[index], request.lengths[index]);
  if (ref === MISSING || database.entries.type(ref) === type) return ref;
  return failed(session);
}

function failed(session: Session): number {
  session.reply.error(WRONG_TYPE);
  return FAILED;
}
