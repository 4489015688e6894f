/** How strings are loaded. */

import { parseInt64 } from "../../bytes/integers.ts";
import { ENCODING_EMBSTR, ENCODING_INT, ENCODING_RAW } from "../../store/entry.ts";
import { RDB_TYPE_STRING } from "../rdb_format.ts";
import { StringSlot } from "../rdb_input.ts";
import type { LoadTarget, ValueLoader } from "./value_loader.ts";

/** Longest string that Redis embeds in its object, as OBJECT ENCODING tells. */
const MAX_EMBSTR_BYTES = 44;
const MAX_INT64_DIGITS = 20;

export class StringLoader implements ValueLoader {
  readonly rdbTypes = [RDB_TYPE_STRING];
  readonly #value = new StringSlot();

  begin(_type: number, target: LoadTarget): number {
    const value = this.#value;
    target.input.string(value);
    const { database, key } = target;
    if (database === null) return 0;
    const before = database.size;
    database.setString(
      key.bytes,
      key.start,
      key.length,
      value.bytes,
      value.start,
      value.length,
      encodingOf(value),
      target.expiry,
    );
    target.checkNew(database.size > before);
    return 0;
  }

  element(): void {
    throw new Error("a string has no elements");
  }

  end(): boolean {
    return true;
  }

  ref({ database, key }: LoadTarget): number {
    return database?.peek(key.bytes, key.start, key.length) ?? 0;
  }
}

/** The encoding of a string value, as OBJECT ENCODING tells it. */
function encodingOf(value: StringSlot): number {
  const { bytes, start, length } = value;
  if (length <= MAX_INT64_DIGITS && parseInt64(bytes, start, length) !== null) return ENCODING_INT;
  return length <= MAX_EMBSTR_BYTES ? ENCODING_EMBSTR : ENCODING_RAW;
}
