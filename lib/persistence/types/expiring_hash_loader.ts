/**
 * How hashes are loaded of which a field has, or once had, an expiry of its own, as Redis 7.4 and later write them: field by
 * field, or as a listpack of triples. No field expires here by itself: those that had expired when the file is read are left
 * out, and one that is still to expire is refused, as it would stay for ever.
 */

import { unixMs } from "../../runtime/clock.ts";
import type { UnixMs } from "../../store/entry.ts";
import { Element, EMPTY_LISTPACK_BYTES, firstElement, isValidListpack, listpackCount } from "../../store/listpack.ts";
import type { Hashes } from "../../store/types/hashes.ts";
import {
  RDB_TYPE_HASH_LISTPACK_EX,
  RDB_TYPE_HASH_LISTPACK_EX_PRE_GA,
  RDB_TYPE_HASH_METADATA,
  RDB_TYPE_HASH_METADATA_PRE_GA,
} from "../rdb_format.ts";
import { HashBuilder, TWICE } from "./hash_builder.ts";
import { notSound, refuseTwice } from "./packed_values.ts";
import { EMPTY, type LoadTarget, type ValueLoader } from "./value_loader.ts";

export class ExpiringHashLoader implements ValueLoader {
  readonly rdbTypes = [
    RDB_TYPE_HASH_METADATA,
    RDB_TYPE_HASH_METADATA_PRE_GA,
    RDB_TYPE_HASH_LISTPACK_EX,
    RDB_TYPE_HASH_LISTPACK_EX_PRE_GA,
  ];
  readonly #hash: HashBuilder;
  readonly #element = new Element();
  /** What is added to a field's expiry, if it has one. */
  #baseMs = 0;
  #nowMs: UnixMs = 0;
  /** Fields that are there. */
  #kept = 0;

  constructor(hashes: Hashes) {
    this.#hash = new HashBuilder(hashes);
  }

  begin(type: number, target: LoadTarget): number {
    const { input } = target;
    const isFinal = type === RDB_TYPE_HASH_METADATA || type === RDB_TYPE_HASH_LISTPACK_EX;
    // The final form begins with the first expiry. Where fields come one by one, theirs are told from there on, plus 1.
    const first = isFinal ? Number(input.int64()) : 0;
    this.#baseMs = type === RDB_TYPE_HASH_METADATA ? first - 1 : 0;
    this.#nowMs = unixMs();
    this.#kept = 0;
    if (type === RDB_TYPE_HASH_LISTPACK_EX || type === RDB_TYPE_HASH_LISTPACK_EX_PRE_GA) return this.#listpack(target);
    const fields = input.length();
    if (fields === 0) return EMPTY;
    this.#hash.start(target, fields);
    return fields;
  }

  element(target: LoadTarget): void {
    const expiry = target.input.length();
    target.input.string(this.#hash.field);
    target.input.string(this.#hash.value);
    this.#add(target, expiry);
  }

  end(target: LoadTarget): boolean {
    if (this.#kept === 0 && target.home !== null) {
      const { bytes, start, length } = target.key;
      target.home.remove(bytes, start, length);
      return false;
    }
    refuseTwice(target.input, TWICE, this.#hash.end());
    return true;
  }

  giveUp(): void {
    this.#hash.giveUp();
  }

  ref(): number {
    return this.#hash.ref;
  }

  /** Adds the field that was read; `expiry` is 0 where it has none. */
  #add(target: LoadTarget, expiry: number): void {
    if (expiry !== 0) {
      if (this.#baseMs + expiry <= this.#nowMs) return;
      throw target.input.error(`a field expiry, of the hash's field '${this.#hash.field}', is not supported`);
    }
    refuseTwice(target.input, TWICE, this.#hash.add());
    this.#kept++;
  }

  #listpack(target: LoadTarget): number {
    const { field, value } = this.#hash;
    target.input.string(value);
    const { bytes, start, length } = value;
    if (!isValidListpack(bytes, start, length, 3)) {
      throw notSound(target.input, "Hash listpack with field expiry", "a malformed listpack");
    }
    if (length === EMPTY_LISTPACK_BYTES) return EMPTY;
    const element = this.#element;
    const end = start + length - 1;
    this.#hash.start(target, listpackCount(bytes, start) / 3);
    for (let at = firstElement(start); at < end;) {
      at = element.read(bytes, at);
      element.toBytes();
      field.copy(element.bytes, element.start, element.length);
      const valueAt = at;
      at = element.read(bytes, at);
      at = element.read(bytes, at);
      if (!element.isInteger) throw notSound(target.input, "Hash listpack with field expiry", "an expiry is no number");
      const expiry = element.integer;
      element.read(bytes, valueAt);
      element.toBytes();
      value.show(element.bytes, element.start, element.length);
      this.#add(target, expiry);
    }
    return 0;
  }
}
