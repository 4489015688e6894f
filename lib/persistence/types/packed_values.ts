/** Values that are read as a listpack, and become one in the store: what their loaders have in common. */

import type { UnixMs } from "../../store/entry.ts";
import { EMPTY_LISTPACK_BYTES, hasDuplicates, isValidListpack } from "../../store/listpack.ts";
import type { ValueHome } from "../../store/types/value_type.ts";
import type { RdbError } from "../rdb_format.ts";
import { type RdbInput, shownText, type StringSlot } from "../rdb_input.ts";
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

/** The error of a blob, `what`, whose bytes are not sound. It begins with Redis's words, for which logs are searched. */
export function notSound(input: RdbInput, what: string, fault: string): RdbError {
  return input.error(`${what} integrity check failed: ${fault}`);
}

/** Throws where a value, `what`, has a part twice: one with the name `twice`, a binary string. */
export function refuseTwice(input: RdbInput, what: string, twice: string | null): void {
  if (twice !== null) throw input.error(`the ${what} '${shownText(twice)}' twice`);
}

/**
 * Whether a listpack that was read has elements, of which every `stride`th is what the others go with. Throws where it is
 * not sound, or has one of these, a `part`, twice. `value`: what it is, as Redis tells of it.
 */
export function hasElements(
  { input }: LoadTarget,
  listpack: StringSlot,
  stride: 1 | 2,
  value: string,
  part: string,
): boolean {
  const { bytes, start, length } = listpack;
  if (!isValidListpack(bytes, start, length, stride)) {
    throw notSound(input, `${value} listpack`, "a malformed listpack");
  }
  if (length === EMPTY_LISTPACK_BYTES) return false;
  if (hasDuplicates(bytes, start, stride)) {
    throw notSound(input, `${value} listpack`, `listpack with dup elements, a listpack with a ${part} twice`);
  }
  return true;
}

/**
 * Puts a listpack that was read, and is known to be sound, under the target's key; the entry, or 0 where the value is
 * dropped. The limit on the lengths of its elements is not asked again, only that on their number: so does Redis.
 */
export function putListpack(taker: ListpackTaker, target: LoadTarget, { bytes, start, length }: StringSlot): number {
  const { home, key, expiry } = target;
  if (home === null) return 0;
  return taker.createFromListpack(home, key.bytes, key.start, key.length, bytes, start, length, expiry);
}
