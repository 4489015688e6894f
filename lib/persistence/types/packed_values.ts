/** Values that are read as a listpack, and become one in the store: what their loaders have in common. */

import type { Database } from "../../store/database.ts";
import type { UnixMs } from "../../store/entry.ts";
import { EMPTY_LISTPACK_BYTES, hasDuplicates, isValidListpack } from "../../store/listpack.ts";
import type { ValueHome } from "../../store/types/value_type.ts";
import type { StringSlot } from "../rdb_input.ts";
import type { LoadTarget } from "./value_loader.ts";

/** A value type that takes listpacks as they are: hashes, sorted sets. */
export interface ListpackTaker {
  createFromListpack(
    home: ValueHome,
    key: Uint8Array,
    keyStart: number,
    keyLength: number,
    listpack: Uint8Array,
    start: number,
    length: number,
    expiry: UnixMs,
  ): number;
}

/**
 * Whether a listpack that was read has elements, of which every `stride`th is what the others go with. Throws where it is
 * not sound, or has one of these, a `what`, twice.
 */
export function hasElements(target: LoadTarget, listpack: StringSlot, stride: 1 | 2, what: string): boolean {
  const { bytes, start, length } = listpack;
  if (!isValidListpack(bytes, start, length, stride)) throw target.input.error("a malformed listpack");
  if (length === EMPTY_LISTPACK_BYTES) return false;
  if (hasDuplicates(bytes, start, stride)) throw target.input.error(`a listpack with a ${what} twice`);
  return true;
}

/**
 * Puts a listpack that was read, and is known to be sound, under the target's key; the entry. The limit on the lengths of
 * its elements is not asked again, only that on their number: so does Redis.
 */
export function putListpack(
  taker: ListpackTaker,
  database: Database,
  { key, expiry }: LoadTarget,
  { bytes, start, length }: StringSlot,
): number {
  return taker.createFromListpack(database, key.bytes, key.start, key.length, bytes, start, length, expiry);
}
