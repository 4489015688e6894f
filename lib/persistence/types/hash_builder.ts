/** A hash that is built field by field, from what its loader reads. */

import type { Hashes } from "../../store/types/hashes.ts";
import { StagedMembers } from "../../store/types/staged_members.ts";
import { StringSlot } from "../rdb_input.ts";
import type { LoadHome, LoadTarget } from "./value_loader.ts";

/** Fields from which on room for a listpack is not reserved ahead: the number may be anything. */
const MAX_RESERVED_FIELDS = 512;
/** Bytes of listpack reserved for a field, by a guess that spares most moves. */
const RESERVED_PER_FIELD = 16;

/** What is said of a field that comes twice (`refuseTwice`). */
export const TWICE = "hash has the field";

export class HashBuilder {
  /** The entry under way. */
  ref = 0;
  /** The field and the value to be added next. */
  readonly field = new StringSlot();
  readonly value = new StringSlot();
  #home: LoadHome | null = null;

  readonly #staged: StagedMembers;
  /** Whether the fields of the hash under way wait: of one that is a table from the start. */
  #isStaged = false;

  constructor(readonly hashes: Hashes) {
    this.#staged = new StagedMembers(hashes.heap);
  }

  /** Begins a hash of at most `fields` fields. */
  start(target: LoadTarget, fields: number): void {
    const { key, expiry } = target;
    const home = this.#home = target.home;
    this.#isStaged = false;
    if (home === null) return;
    const { maxListpackEntries } = this.hashes;
    const fitsListpack = fields <= maxListpackEntries && fields <= MAX_RESERVED_FIELDS;
    const reserve = fitsListpack ? fields * RESERVED_PER_FIELD : 0;
    const ref = this.hashes.create(home, key.bytes, key.start, key.length, reserve);
    this.ref = home.setExpiry(ref, expiry);
    this.#isStaged = fields > maxListpackEntries;
    if (!this.#isStaged) return;
    this.ref = this.hashes.convert(home, this.ref);
    this.#staged.begin(this.hashes.memberTable(this.ref));
  }

  /** Takes a hash that is there already, as it is to be. */
  took(ref: number): void {
    this.#home = null;
    this.#isStaged = false;
    this.ref = ref;
  }

  /** Adds the field with its value. Null, or the name of a field that is there twice, as a binary string. */
  add(): string | null {
    if (this.#home === null) return null;
    const { field, value, hashes } = this;
    if (this.#isStaged) {
      return this.#staged.add(field.bytes, field.start, field.length, value.bytes, value.start, value.length);
    }
    this.ref = hashes.set(
      this.#home,
      this.ref,
      field.bytes,
      field.start,
      field.length,
      value.bytes,
      value.start,
      value.length,
    );
    return hashes.added ? null : field.text();
  }

  /** All fields have come. Returns as `add`. */
  end(): string | null {
    if (this.#home === null) return null;
    if (!this.#isStaged) {
      this.ref = this.hashes.trim(this.#home, this.ref);
      return null;
    }
    const twice = this.#staged.flush();
    this.#isStaged = false;
    return twice;
  }

  /** No more fields come. */
  giveUp(): void {
    if (this.#isStaged) this.#staged.giveUp();
    this.#isStaged = false;
  }
}
