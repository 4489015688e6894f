/** The number of a database as an argument: of SELECT, MOVE, COPY and SWAPDB. */

import { parseInt64 } from "../bytes/integers.ts";
import type { Request } from "../resp/request.ts";
import type { Database } from "../store/database.ts";
import { DB_INDEX_OUT_OF_RANGE, NOT_INTEGER } from "./errors.ts";
import { refuse } from "./replies.ts";
import type { Session } from "./session.ts";

const INT32_MIN = -(2 ** 31);
const INT32_MAX = 2 ** 31 - 1;
const NOT_INT32 = `ERR value is out of range, value must between ${INT32_MIN} and ${INT32_MAX}`;

/**
 * The number in argument `index`; null after having replied with an error. `invalid` is the error for what is no 32-bit
 * integer, where the command has one of its own.
 */
export function databaseNumber(
  session: Session,
  request: Request,
  index: number,
  invalid: string | null = null,
): number | null {
  const number = parseInt64(request.bytes, request.starts[index], request.lengths[index]);
  if (number !== null && number >= INT32_MIN && number <= INT32_MAX) return Number(number);
  return refuse(session, invalid ?? (number === null ? NOT_INTEGER : NOT_INT32));
}

/** The database of a number; null after having replied with an error. */
export function databaseNumbered(session: Session, number: number): Database | null {
  const database = session.host.keyspace.databases[number];
  if (database === undefined) session.reply.error(DB_INDEX_OUT_OF_RANGE);
  return database ?? null;
}

/** The database that argument `index` names; null after having replied with an error. */
export function databaseArgument(session: Session, request: Request, index: number): Database | null {
  const number = databaseNumber(session, request, index);
  return number === null ? null : databaseNumbered(session, number);
}
