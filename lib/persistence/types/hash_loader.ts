/**
 * How hashes are loaded, field by field or from a packed blob.
 *
 * A hash with few and short fields becomes a listpack, as the limits of the store say, whatever it was when it was
 * written. Duplicate fields, which no server writes, are refused.
 */

import type { Hashes } from "../../store/types/hashes.ts";
import { RDB_TYPE_HASH, RDB_TYPE_HASH_LISTPACK, RDB_TYPE_HASH_ZIPLIST, RDB_TYPE_HASH_ZIPMAP } from "../rdb_format.ts";
import { walkZiplist, walkZipmap } from "../ziplist.ts";
import { shownText } from "../rdb_input.ts";
import { HashBuilder, TWICE } from "./hash_builder.ts";
import { hasElements, notSound, putListpack, refuseTwice } from "./packed_values.ts";
import { EMPTY, type LoadTarget, type ValueLoader } from "./value_loader.ts";

export class HashLoader implements ValueLoader {
  readonly rdbTypes = [RDB_TYPE_HASH, RDB_TYPE_HASH_ZIPMAP, RDB_TYPE_HASH_ZIPLIST, RDB_TYPE_HASH_LISTPACK];
  readonly #hash: HashBuilder;

  constructor(readonly hashes: Hashes) {
    this.#hash = new HashBuilder(hashes);
  }

  begin(type: number, target: LoadTarget): number {
    const { input } = target;
    if (type === RDB_TYPE_HASH) {
      const fields = input.length();
      if (fields === 0) return EMPTY;
      this.#hash.start(target, fields);
      return fields;
    }
    input.string(this.#hash.value);
    if (type === RDB_TYPE_HASH_LISTPACK) return this.#listpack(target);
    return this.#packed(target, type === RDB_TYPE_HASH_ZIPLIST ? walkZiplist : walkZipmap);
  }

  element(target: LoadTarget): void {
    target.input.string(this.#hash.field);
    target.input.string(this.#hash.value);
    refuseTwice(target.input, TWICE, this.#hash.add());
  }

  end({ input }: LoadTarget): boolean {
    refuseTwice(input, TWICE, this.#hash.end());
    return true;
  }

  giveUp(): void {
    this.#hash.giveUp();
  }

  ref(): number {
    return this.#hash.ref;
  }

  /** Loads a blob of fields and values of old times, all at once: it is walked twice, first to see that it is sound. */
  #packed(target: LoadTarget, walk: typeof walkZiplist): number {
    let count = 0;
    const { field, value } = this.#hash;
    const { bytes, start, length } = value;
    const fault = walk(bytes, start, length, () => {
      count++;
      return true;
    });
    const what = walk === walkZiplist ? "Hash ziplist" : "Zipmap";
    if (fault !== null) throw notSound(target.input, what, fault);
    if (count === 0 && walk === walkZiplist) return EMPTY;
    if (count === 0) throw notSound(target.input, what, "no fields");
    if (count & 1) throw notSound(target.input, what, "a field without a value");
    this.#hash.start(target, count >> 1);
    let isField = true;
    let twice: string | null = null;
    walk(bytes, start, length, (element, at, size) => {
      if (isField) {
        field.copy(element, at, size);
      } else {
        value.show(element, at, size);
        twice = this.#hash.add();
      }
      isField = !isField;
      return twice === null;
    });
    if (twice !== null) throw notSound(target.input, what, `the ${TWICE} '${shownText(twice)}' twice`);
    return 0;
  }

  #listpack(target: LoadTarget): number {
    const { value } = this.#hash;
    if (!hasElements(target, value, 2, "Hash", "field")) return EMPTY;
    this.#hash.took(putListpack(this.hashes, target, value));
    return 0;
  }
}
