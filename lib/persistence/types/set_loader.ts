/**
 * How sets are loaded, member by member or from a packed blob. One with few and short members, or of integers, becomes what
 * the limits of the store say, whatever it was when it was written. Duplicate members, which no server writes, are refused.
 */

import { parseWords } from "../../bytes/int64_words.ts";
import { ENCODING_INTSET, ENCODING_LISTPACK } from "../../store/entry.ts";
import { isValidIntset } from "../../store/intset.ts";
import {
  addToCount,
  firstElement,
  hasDuplicates,
  LISTPACK_END,
  LISTPACK_ENTRY_OVERHEAD,
  setListpackBytes,
  writeElement,
  writeEmptyListpack,
} from "../../store/listpack.ts";
import type { Sets } from "../../store/types/sets.ts";
import { StagedMembers } from "../../store/types/staged_members.ts";
import { RDB_TYPE_SET, RDB_TYPE_SET_INTSET, RDB_TYPE_SET_LISTPACK } from "../rdb_format.ts";
import { StringSlot } from "../rdb_input.ts";
import { hasElements, notSound, refuseTwice } from "./packed_values.ts";
import { EMPTY, type LoadHome, type LoadTarget, type ValueLoader } from "./value_loader.ts";

/** Most members, and bytes of their listpack, that are read at once. */
const MAX_AT_ONCE = 512;
const MAX_AT_ONCE_BYTES = 16 * 1024;
const TWICE = "set has the member";
const NO_VALUE = new Uint8Array(0);

export class SetLoader implements ValueLoader {
  readonly rdbTypes = [RDB_TYPE_SET, RDB_TYPE_SET_INTSET, RDB_TYPE_SET_LISTPACK];
  #home: LoadHome | null = null;
  #ref = 0;
  readonly #value = new StringSlot();
  /** A listpack of members that were read one by one. */
  readonly #read = new StringSlot();
  readonly #scratch = new Uint8Array(MAX_AT_ONCE_BYTES);

  readonly #staged: StagedMembers;
  /** Whether the members of the set under way wait: of one that is a table from the start. */
  #isStaged = false;

  constructor(readonly sets: Sets) {
    this.#staged = new StagedMembers(sets.heap);
  }

  begin(type: number, target: LoadTarget): number {
    const { input } = target;
    if (type === RDB_TYPE_SET) {
      const members = input.length();
      if (members === 0) return EMPTY;
      if (this.#readSmall(target, members)) {
        this.#packed(target, ENCODING_LISTPACK, this.#read);
        return 0;
      }
      this.#start(target, members);
      return members;
    }
    input.string(this.#value);
    return type === RDB_TYPE_SET_INTSET ? this.#intset(target) : this.#listpack(target);
  }

  element(target: LoadTarget): void {
    const member = this.#value;
    target.input.string(member);
    if (this.#home === null) return;
    if (this.#isStaged) {
      const twice = this.#staged.add(member.bytes, member.start, member.length, NO_VALUE, 0, 0);
      return refuseTwice(target.input, TWICE, twice);
    }
    this.#ref = this.sets.add(this.#home, this.#ref, member.bytes, member.start, member.length);
    if (!this.sets.added) refuseTwice(target.input, TWICE, member.text());
  }

  end(target: LoadTarget): boolean {
    if (this.#isStaged) {
      const twice = this.#staged.flush();
      this.#isStaged = false;
      refuseTwice(target.input, TWICE, twice);
    } else if (this.#home !== null) {
      this.#ref = this.sets.trim(this.#home, this.#ref);
    }
    return true;
  }

  giveUp(): void {
    if (this.#isStaged) this.#staged.giveUp();
    this.#isStaged = false;
  }

  ref(): number {
    return this.#ref;
  }

  /** Begins a set of `members` members: as an intset, which their first that is no integer makes something else. */
  #start(target: LoadTarget, members: number): void {
    const { key: { bytes, start, length }, expiry } = target;
    const { sets } = this;
    const home = this.#home = target.home;
    this.#isStaged = home !== null && members > sets.maxIntsetEntries;
    if (home === null) return;
    const ref = this.#isStaged
      ? sets.createTable(home, bytes, start, length)
      : sets.createIntset(home, bytes, start, length, 0);
    this.#ref = home.setExpiry(ref, expiry);
    if (this.#isStaged) this.#staged.begin(sets.memberTable(this.#ref));
  }

  /**
   * Reads the members of a set that is to be a listpack into one, all at once. False where it may be something else, or has
   * a member twice: then nothing was read.
   */
  #readSmall({ input }: LoadTarget, members: number): boolean {
    const { maxListpackEntries, maxListpackValue } = this.sets;
    if (members > maxListpackEntries || members > MAX_AT_ONCE) return false;
    const mark = input.mark();
    const member = this.#value;
    const listpack = this.#scratch;
    writeEmptyListpack(listpack, 0);
    let at = firstElement(0);
    for (let i = 0; i < members; i++) {
      input.string(member);
      const { bytes, start, length } = member;
      // One that begins with an integer may be an intset as long as no other is read.
      const fits = length <= maxListpackValue && length < MAX_AT_ONCE_BYTES - LISTPACK_ENTRY_OVERHEAD - at;
      if (!fits || (i === 0 && parseWords(bytes, start, length))) {
        input.rewind(mark);
        return false;
      }
      at = writeElement(listpack, at, bytes, start, length);
    }
    listpack[at++] = LISTPACK_END;
    setListpackBytes(listpack, 0, at);
    addToCount(listpack, 0, members);
    if (hasDuplicates(listpack, 0, 1)) {
      input.rewind(mark);
      return false;
    }
    this.#read.show(listpack, 0, at);
    return true;
  }

  #intset(target: LoadTarget): number {
    const { bytes, start, length } = this.#value;
    if (!isValidIntset(bytes, start, length)) throw notSound(target.input, "Intset", "a malformed intset");
    this.#packed(target, ENCODING_INTSET, this.#value);
    return 0;
  }

  #listpack(target: LoadTarget): number {
    if (!hasElements(target, this.#value, 1, "Set", "member")) return EMPTY;
    this.#packed(target, ENCODING_LISTPACK, this.#value);
    return 0;
  }

  /** Its limit on lengths is not asked again, only that on members: so does Redis. */
  #packed(
    target: LoadTarget,
    encoding: typeof ENCODING_INTSET | typeof ENCODING_LISTPACK,
    { bytes, start, length }: StringSlot,
  ): void {
    const { home, key, expiry } = target;
    this.#home = null; // it is as it is to be
    if (home === null) return;
    this.#ref = this.sets.createFromBytes(
      home,
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
