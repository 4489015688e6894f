/**
 * Building hashes out of what RDB data holds, field by field or from a packed blob. Used by rdb_reader.ts.
 *
 * A hash with few and short fields becomes a listpack, as the limits of the store say, whatever it was when it was
 * written. Duplicate fields, which no server writes, are refused.
 */

import type { Database, UnixMs } from "../store/database.ts";
import { Hashes } from "../store/types/hashes.ts";
import { EMPTY_LISTPACK_BYTES, hasDuplicates, isValidListpack } from "../store/listpack.ts";
import type { Store } from "../store/store.ts";
import { RDB_TYPE_HASH_LISTPACK, RDB_TYPE_HASH_ZIPLIST } from "./rdb_format.ts";
import { StringSlot } from "./rdb_input.ts";
import { walkZiplist, walkZipmap } from "./ziplist.ts";

/** What `packed` says of a hash without fields. */
export const EMPTY_HASH = "the hash is empty";

/** Fields from which on room for a listpack is not reserved ahead: the number may be anything. */
const MAX_RESERVED_FIELDS = 512;
/** Bytes of listpack reserved for a field, by a guess that spares most moves. */
const RESERVED_PER_FIELD = 16;

export class HashLoader {
  /** The entry of the hash built last; 0 if it was dropped. */
  ref = 0;
  #database: Database | null = null;
  readonly #hashes: Hashes;
  readonly #field = new StringSlot();
  readonly #value = new StringSlot();

  constructor(readonly store: Store) {
    this.#hashes = store.hashes;
  }

  /** Begins a hash of `fields` fields under a free key; with null for a database its fields are passed over. */
  begin(database: Database | null, key: StringSlot, fields: number, expiry: UnixMs): void {
    this.#database = database;
    this.ref = 0;
    if (database === null) return;
    const fitsListpack = fields <= this.#hashes.maxListpackEntries && fields <= MAX_RESERVED_FIELDS;
    const reserve = fitsListpack ? fields * RESERVED_PER_FIELD : 0;
    const ref = this.#hashes.create(database, key.bytes, key.start, key.length, reserve);
    this.ref = database.setExpiry(ref, expiry);
    if (fields > this.#hashes.maxListpackEntries) this.ref = this.#hashes.convert(database, this.ref);
  }

  /** Adds a field; false if it is there already. */
  add(field: StringSlot, value: StringSlot): boolean {
    if (this.#database === null) return true;
    this.ref = this.#hashes.set(
      this.#database,
      this.ref,
      field.bytes,
      field.start,
      field.length,
      value.bytes,
      value.start,
      value.length,
    );
    return this.#hashes.added;
  }

  /** Ends the hash, and returns the database it went to, null if it was passed over. */
  end(): Database | null {
    if (this.#database !== null) this.ref = this.#hashes.trim(this.#database, this.ref);
    return this.#database;
  }

  /**
   * Puts a hash from a blob of the given RDB type under a free key. Returns null, or what is wrong with it; EMPTY_HASH if
   * it has no fields. With null for a database the blob is only checked.
   */
  packed(type: number, database: Database | null, key: StringSlot, blob: StringSlot, expiry: UnixMs): string | null {
    this.ref = 0;
    if (type === RDB_TYPE_HASH_LISTPACK) return this.#listpack(database, key, blob, expiry);
    let count = 0;
    const walk = type === RDB_TYPE_HASH_ZIPLIST ? walkZiplist : walkZipmap;
    const { bytes, start, length } = blob;
    const fault = walk(bytes, start, length, () => {
      count++;
      return true;
    });
    if (fault !== null) return fault;
    if (count === 0) return EMPTY_HASH;
    if (count & 1) return "a field without a value";
    this.begin(database, key, count >> 1, expiry);
    let isField = true;
    let isTwice = false;
    walk(bytes, start, length, (element, at, size) => {
      if (isField) {
        this.#field.copy(element, at, size);
      } else {
        this.#value.show(element, at, size);
        isTwice = !this.add(this.#field, this.#value);
      }
      isField = !isField;
      return !isTwice;
    });
    if (isTwice) return `the hash has the field '${this.#field}' twice`;
    this.end();
    return null;
  }

  #listpack(database: Database | null, key: StringSlot, blob: StringSlot, expiry: UnixMs): string | null {
    const { bytes, start, length } = blob;
    if (!isValidListpack(bytes, start, length, 2)) return "a malformed listpack";
    if (length === EMPTY_LISTPACK_BYTES) return EMPTY_HASH;
    if (hasDuplicates(bytes, start, 2)) return "a listpack with a field twice";
    if (database === null) return null;
    this.#database = database;
    // Its limit on lengths is not asked again, only that on fields: so does Redis.
    this.ref = this.#hashes.createFromListpack(
      database,
      key.bytes,
      key.start,
      key.length,
      bytes,
      start,
      length,
      expiry,
    );
    return null;
  }
}
