/**
 * How hashes are loaded, field by field or from a packed blob.
 *
 * A hash with few and short fields becomes a listpack, as the limits of the store say, whatever it was when it was
 * written. Duplicate fields, which no server writes, are refused.
 */

import type { Database } from "../../store/database.ts";
import type { Hashes } from "../../store/types/hashes.ts";
import { RDB_TYPE_HASH, RDB_TYPE_HASH_LISTPACK, RDB_TYPE_HASH_ZIPLIST, RDB_TYPE_HASH_ZIPMAP } from "../rdb_format.ts";
import { StringSlot } from "../rdb_input.ts";
import { walkZiplist, walkZipmap } from "../ziplist.ts";
import { hasElements, notSound, putListpack } from "./packed_values.ts";
import { EMPTY, type LoadTarget, type ValueLoader } from "./value_loader.ts";

/** Fields from which on room for a listpack is not reserved ahead: the number may be anything. */
const MAX_RESERVED_FIELDS = 512;
/** Bytes of listpack reserved for a field, by a guess that spares most moves. */
const RESERVED_PER_FIELD = 16;

export class HashLoader implements ValueLoader {
  readonly rdbTypes = [RDB_TYPE_HASH, RDB_TYPE_HASH_ZIPMAP, RDB_TYPE_HASH_ZIPLIST, RDB_TYPE_HASH_LISTPACK];
  #database: Database | null = null;
  #ref = 0;
  readonly #field = new StringSlot();
  readonly #value = new StringSlot();

  constructor(readonly hashes: Hashes) {}

  begin(type: number, target: LoadTarget): number {
    const { input } = target;
    if (type === RDB_TYPE_HASH) {
      const fields = input.length();
      if (fields === 0) return EMPTY;
      this.#start(target, fields);
      return fields;
    }
    input.string(this.#value);
    if (type === RDB_TYPE_HASH_LISTPACK) return this.#listpack(target);
    return this.#packed(target, type === RDB_TYPE_HASH_ZIPLIST ? walkZiplist : walkZipmap);
  }

  element(target: LoadTarget): void {
    target.input.string(this.#field);
    target.input.string(this.#value);
    if (!this.#add()) throw this.#twice(target);
  }

  end(): boolean {
    if (this.#database !== null) this.#ref = this.hashes.trim(this.#database, this.#ref);
    return true;
  }

  ref(): number {
    return this.#ref;
  }

  /** Begins a hash of `fields` fields. */
  #start(target: LoadTarget, fields: number): void {
    const { key, expiry } = target;
    const database = this.#database = target.claim();
    if (database === null) return;
    const { maxListpackEntries } = this.hashes;
    const fitsListpack = fields <= maxListpackEntries && fields <= MAX_RESERVED_FIELDS;
    const reserve = fitsListpack ? fields * RESERVED_PER_FIELD : 0;
    const ref = this.hashes.create(database, key.bytes, key.start, key.length, reserve);
    this.#ref = database.setExpiry(ref, expiry);
    if (fields > maxListpackEntries) this.#ref = this.hashes.convert(database, this.#ref);
  }

  /** Adds the field that was read; false if it is there already. */
  #add(): boolean {
    if (this.#database === null) return true;
    const field = this.#field;
    const value = this.#value;
    this.#ref = this.hashes.set(
      this.#database,
      this.#ref,
      field.bytes,
      field.start,
      field.length,
      value.bytes,
      value.start,
      value.length,
    );
    return this.hashes.added;
  }

  #twice(target: LoadTarget): Error {
    return target.input.error(`the hash has the field '${this.#field}' twice`);
  }

  /** Loads a blob of fields and values of old times, all at once: it is walked twice, first to see that it is sound. */
  #packed(target: LoadTarget, walk: typeof walkZiplist): number {
    let count = 0;
    const { bytes, start, length } = this.#value;
    const fault = walk(bytes, start, length, () => {
      count++;
      return true;
    });
    const what = walk === walkZiplist ? "Hash ziplist" : "Zipmap";
    if (fault !== null) throw notSound(target.input, what, fault);
    if (count === 0 && walk === walkZiplist) return EMPTY;
    if (count === 0) throw notSound(target.input, what, "no fields");
    if (count & 1) throw notSound(target.input, what, "a field without a value");
    this.#start(target, count >> 1);
    let isField = true;
    let isTwice = false;
    walk(bytes, start, length, (element, at, size) => {
      if (isField) {
        this.#field.copy(element, at, size);
      } else {
        this.#value.show(element, at, size);
        isTwice = !this.#add();
      }
      isField = !isField;
      return !isTwice;
    });
    if (isTwice) throw notSound(target.input, what, `the hash has the field '${this.#field}' twice`);
    return 0;
  }

  #listpack(target: LoadTarget): number {
    if (!hasElements(target, this.#value, 2, "Hash", "field")) return EMPTY;
    this.#database = target.database;
    this.#ref = putListpack(this.hashes, target, this.#value);
    return 0;
  }
}
