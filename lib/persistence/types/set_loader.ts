/**
 * How sets are loaded, member by member or from a packed blob. One with few and short members, or of integers, becomes what
 * the limits of the store say, whatever it was when it was written. Duplicate members, which no server writes, are refused.
 */

import type { Database } from "../../store/database.ts";
import { ENCODING_INTSET, ENCODING_LISTPACK } from "../../store/entry.ts";
import { isValidIntset } from "../../store/intset.ts";
import type { Sets } from "../../store/types/sets.ts";
import { RDB_TYPE_SET, RDB_TYPE_SET_INTSET, RDB_TYPE_SET_LISTPACK } from "../rdb_format.ts";
import { StringSlot } from "../rdb_input.ts";
import { hasElements, notSound } from "./packed_values.ts";
import { EMPTY, type LoadTarget, type ValueLoader } from "./value_loader.ts";

export class SetLoader implements ValueLoader {
  readonly rdbTypes = [RDB_TYPE_SET, RDB_TYPE_SET_INTSET, RDB_TYPE_SET_LISTPACK];
  #database: Database | null = null;
  #ref = 0;
  readonly #value = new StringSlot();

  constructor(readonly sets: Sets) {}

  begin(type: number, target: LoadTarget): number {
    const { input } = target;
    if (type === RDB_TYPE_SET) {
      const members = input.length();
      if (members === 0) return EMPTY;
      this.#start(target, members);
      return members;
    }
    input.string(this.#value);
    return type === RDB_TYPE_SET_INTSET ? this.#intset(target) : this.#listpack(target);
  }

  element(target: LoadTarget): void {
    const member = this.#value;
    target.input.string(member);
    if (this.#database === null) return;
    this.#ref = this.sets.add(this.#database, this.#ref, member.bytes, member.start, member.length);
    if (!this.sets.added) throw target.input.error(`the set has the member '${member}' twice`);
  }

  end(): boolean {
    if (this.#database !== null) this.#ref = this.sets.trim(this.#database, this.#ref);
    return true;
  }

  ref(): number {
    return this.#ref;
  }

  /** Begins a set of `members` members: as an intset, which their first that is no integer makes something else. */
  #start(target: LoadTarget, members: number): void {
    const { key: { bytes, start, length }, expiry } = target;
    const { sets } = this;
    const database = this.#database = target.claim();
    if (database === null) return;
    const ref = members > sets.maxIntsetEntries
      ? sets.createTable(database, bytes, start, length)
      : sets.createIntset(database, bytes, start, length, 0);
    this.#ref = database.setExpiry(ref, expiry);
  }

  #intset(target: LoadTarget): number {
    const { bytes, start, length } = this.#value;
    if (!isValidIntset(bytes, start, length)) throw notSound(target.input, "Intset", "a malformed intset");
    this.#packed(target, ENCODING_INTSET);
    return 0;
  }

  #listpack(target: LoadTarget): number {
    if (!hasElements(target, this.#value, 1, "Set", "member")) return EMPTY;
    this.#packed(target, ENCODING_LISTPACK);
    return 0;
  }

  /** Its limit on lengths is not asked again, only that on members: so does Redis. */
  #packed(target: LoadTarget, encoding: typeof ENCODING_INTSET | typeof ENCODING_LISTPACK): void {
    const { bytes, start, length } = this.#value;
    const { key, expiry } = target;
    const database = this.#database = target.claim();
    if (database === null) return;
    this.#ref = this.sets.createFromBytes(
      database,
      key.bytes,
      key.start,
      key.length,
      encoding,
      bytes,
      start,
      length,
      expiry,
    );
  }
}
