/**
 * How values of a type are loaded: out of the RDB types that ever held them, element by element where they may be large.
 *
 * The reader (rdb_reader.ts) reads in units, and reads a unit again from its beginning when not all of it had come. So a
 * loader changes nothing before it has read all that it reads in a unit: `begin` is in the unit of the key, and each call
 * of `element` a unit of its own.
 */

import { NO_EXPIRY, type UnixMs } from "../../store/entry.ts";
import type { ValueHome } from "../../store/types/value_type.ts";
import { type RdbInput, StringSlot } from "../rdb_input.ts";

/** The value has no elements, as some older Redis versions wrote: the key is left out. */
export const EMPTY = -1;

/** Where values are put: a database, or what gathers keys for one. */
export interface LoadHome extends ValueHome {
  setExpiry(ref: number, expiry: UnixMs): number;
  remove(bytes: Uint8Array, start: number, length: number): boolean;
}

/** Where the value under way goes. Whatever was under its key is gone by then, or told of as an error later. */
export class LoadTarget {
  readonly key = new StringSlot();
  expiry: UnixMs = NO_EXPIRY;
  /** Null where the value is read, but dropped. */
  home: LoadHome | null = null;

  constructor(readonly input: RdbInput) {}
}

export interface ValueLoader {
  /** The RDB types that it reads. */
  readonly rdbTypes: readonly number[];
  /**
   * Reads a value's beginning, and starts it in the target. Returns how many elements are to come, 0 where it is complete,
   * or EMPTY. Throws RdbError.
   */
  begin(type: number, target: LoadTarget): number;
  /** Reads one element. May return how many more are to come than was known before. */
  element(target: LoadTarget): number | void;
  /** All elements have come; false where that were none, and no key was left: the same as EMPTY, found out late. */
  end(target: LoadTarget): boolean;
  /**
   * No more elements come, as the data is bad or ends: what was loaded is made a value that can be used. Needs no memory.
   * Only of those that leave it otherwise in between.
   */
  giveUp?(): void;
  /** The entry built last, in a target with a home. */
  ref(target: LoadTarget): number;
}
