/** How values of each type are written, by the type's number, and loaded, by the RDB types that hold them. */

import { TYPE_HASH, TYPE_LIST, TYPE_SET, TYPE_STREAM, TYPE_STRING, TYPE_ZSET } from "../../store/entry.ts";
import type { Store } from "../../store/store.ts";
import { ExpiringHashLoader } from "./expiring_hash_loader.ts";
import { HashLoader } from "./hash_loader.ts";
import { HashWriter } from "./hash_writer.ts";
import { ListLoader } from "./list_loader.ts";
import { ListWriter } from "./list_writer.ts";
import { SetLoader } from "./set_loader.ts";
import { SetWriter } from "./set_writer.ts";
import { SortedSetLoader } from "./sorted_set_loader.ts";
import { SortedSetWriter } from "./sorted_set_writer.ts";
import { StreamLoader } from "./stream_loader.ts";
import { StreamWriter } from "./stream_writer.ts";
import { StringLoader } from "./string_loader.ts";
import { StringWriter } from "./string_writer.ts";
import type { ValueLoader } from "./value_loader.ts";
import type { BodyWriter, ValueWriter } from "./value_writer.ts";

/** The writers of all value types. */
export class ValueWriters {
  /** By number; undefined where a number names no type that there is. */
  readonly #byNumber: (ValueWriter | undefined)[] = [];

  constructor(readonly store: Store) {
    this.#byNumber[TYPE_STRING] = new StringWriter();
    this.#byNumber[TYPE_LIST] = new ListWriter(store.lists);
    this.#byNumber[TYPE_SET] = new SetWriter(store.heap);
    this.#byNumber[TYPE_ZSET] = new SortedSetWriter(store.sortedSets);
    this.#byNumber[TYPE_STREAM] = new StreamWriter(store.streams);
    this.#byNumber[TYPE_HASH] = new HashWriter(store.heap);
  }

  of(type: number): ValueWriter {
    const writer = this.#byNumber[type];
    if (writer === undefined) throw new Error(`values of type ${type} cannot be written`);
    return writer;
  }

  /** How the body of an entry's value is written; null where the value is inline. */
  body(ref: number): BodyWriter | null {
    const { entries } = this.store.heap;
    return entries.hasBody(ref) ? this.of(entries.type(ref)).body : null;
  }
}

/** The loaders of all RDB types that can be read, by their numbers. */
export function valueLoaders(store: Store): ReadonlyMap<number, ValueLoader> {
  const loaders: readonly ValueLoader[] = [
    new StringLoader(store.heap),
    new ListLoader(store.lists),
    new SetLoader(store.sets),
    new SortedSetLoader(store.sortedSets),
    new HashLoader(store.hashes),
    new ExpiringHashLoader(store.hashes),
    new StreamLoader(store.streams),
  ];
  return new Map(loaders.flatMap((loader) => loader.rdbTypes.map((type) => [type, loader])));
}
