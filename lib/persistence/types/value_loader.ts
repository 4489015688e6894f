/**
 * How values of a type are loaded: out of the RDB types that ever held them, element by element where they may be large.
 *
 * The reader (rdb_reader.ts) reads in units, and reads a unit again from its beginning when not all of it had come. So a
 * loader changes nothing before it has read all that it reads in a unit: `begin` is in the unit of the key, and each call
 * of `element` a unit of its own.
 */

import type { Database } from "../../store/database.ts";
import { NO_EXPIRY, type UnixMs } from "../../store/entry.ts";
import { type RdbInput, StringSlot } from "../rdb_input.ts";

/** The value has no elements, as some older Redis versions wrote: the key is left out. */
export const EMPTY = -1;

/** Where the value under way goes. */
export class LoadTarget {
  readonly key = new StringSlot();
  expiry: UnixMs = NO_EXPIRY;
  /** Null where the value is read, but dropped. */
  database: Database | null = null;

  /** `replaces`: whether a key that is there already is replaced; else it is an error. */
  constructor(readonly input: RdbInput, readonly replaces: boolean) {}

  /**
   * The database, null where the value is dropped, for whoever puts the value there as a whole, and then asks `checkNew`
   * whether there is a key more than the `size` that the database had: the key is looked up once. A key that is to be
   * replaced is gone.
   */
  forWhole(): Database | null {
    return this.replaces ? this.claim() : this.database;
  }

  /** Makes sure that the key is free, or makes it so; the database, null where the value is dropped. */
  claim(): Database | null {
    const { database, key: { bytes, start, length } } = this;
    if (database === null || database.peek(bytes, start, length) === 0) return database;
    this.checkNew(false);
    database.remove(bytes, start, length);
    return database;
  }

  /** Throws where the key was there already, `isNew` false, and must not have been. */
  checkNew(isNew: boolean): void {
    if (!isNew && !this.replaces) {
      throw this.input.error(`database ${this.database?.index} has this key already`);
    }
  }
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
  /** The entry built last, in a target with a database. */
  ref(target: LoadTarget): number;
}
