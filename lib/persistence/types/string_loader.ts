/** How strings are loaded. */

import { parseInt64 } from "../../bytes/integers.ts";
import { ENCODING_EMBSTR, ENCODING_INT, ENCODING_RAW, TYPE_STRING } from "../../store/entry.ts";
import type { Heap } from "../../store/heap.ts";
import { putBytes } from "../../store/types/entry_values.ts";
import { RDB_TYPE_STRING } from "../rdb_format.ts";
import { StringSlot } from "../rdb_input.ts";
import type { LoadTarget, ValueLoader } from "./value_loader.ts";

/** Longest string that Redis embeds in its object, as OBJECT ENCODING tells. */
const MAX_EMBSTR_BYTES = 44;
const MAX_INT64_DIGITS = 20;

export class StringLoader implements ValueLoader {
  readonly rdbTypes = [RDB_TYPE_STRING];
  readonly #value = new StringSlot();
  #ref = 0;

  constructor(readonly heap: Heap) {}

  begin(_type: number, target: LoadTarget): number {
    const value = this.#value;
    target.input.string(value);
    const { home, key, expiry } = target;
    if (home === null) return 0;
    this.#ref = putBytes(
      this.heap,
      home,
      TYPE_STRING,
      encodingOf(value),
      key.bytes,
      key.start,
      key.length,
      value.bytes,
      value.start,
      value.length,
      expiry,
    );
    return 0;
  }

  element(): void {
    throw new Error("a string has no elements");
  }

  end(): boolean {
    return true;
  }

  ref(): number {
    return this.#ref;
  }
}

/** The encoding of a string value, as OBJECT ENCODING tells it. */
function encodingOf(value: StringSlot): number {
  const { bytes, start, length } = value;
  if (length <= MAX_INT64_DIGITS && parseInt64(bytes, start, length) !== null) return ENCODING_INT;
  return length <= MAX_EMBSTR_BYTES ? ENCODING_EMBSTR : ENCODING_RAW;
}
