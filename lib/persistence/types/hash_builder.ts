/** A hash that is built field by field, from what its loader reads. */

import type { Hashes } from "../../store/types/hashes.ts";
import { StringSlot } from "../rdb_input.ts";
import type { LoadHome, LoadTarget } from "./value_loader.ts";

/** Fields from which on room for a listpack is not reserved ahead: the number may be anything. */
const MAX_RESERVED_FIELDS = 512;
/** Bytes of listpack reserved for a field, by a guess that spares most moves. */
const RESERVED_PER_FIELD = 16;

export class HashBuilder {
  /** The entry under way. */
  ref = 0;
  /** The field and the value to be added next. */
  readonly field = new StringSlot();
  readonly value = new StringSlot();
  #home: LoadHome | null = null;

  constructor(readonly hashes: Hashes) {}

  /** Begins a hash of at most `fields` fields. */
  start(target: LoadTarget, fields: number): void {
    const { key, expiry } = target;
    const home = this.#home = target.home;
    if (home === null) return;
    const { maxListpackEntries } = this.hashes;
    const fitsListpack = fields <= maxListpackEntries && fields <= MAX_RESERVED_FIELDS;
    const reserve = fitsListpack ? fields * RESERVED_PER_FIELD : 0;
    const ref = this.hashes.create(home, key.bytes, key.start, key.length, reserve);
    this.ref = home.setExpiry(ref, expiry);
    if (fields > maxListpackEntries) this.ref = this.hashes.convert(home, this.ref);
  }

  /** Takes a hash that is there already, as it is to be. */
  took(ref: number): void {
    this.#home = null;
    this.ref = ref;
  }

  /** Adds the field with its value; false if it is there already. */
  add(): boolean {
    if (this.#home === null) return true;
    const { field, value, hashes } = this;
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
    return hashes.added;
  }

  /** All fields have come. */
  end(): void {
    if (this.#home !== null) this.ref = this.hashes.trim(this.#home, this.ref);
  }

  /** Takes the hash away again: no field was left. */
  drop(target: LoadTarget): void {
    const { bytes, start, length } = target.key;
    this.#home?.remove(bytes, start, length);
  }

  /** The error of a field that is there already. */
  twice(target: LoadTarget): Error {
    return target.input.error(`the hash has the field '${this.field}' twice`);
  }
}
