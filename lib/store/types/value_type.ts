/**
 * What a value type is: all that the rest of the store, persistence and the commands on keys of any type ask of one.
 * Nobody outside of a type's own file asks what its encodings mean. The types stand in an array by their number
 * (`Heap.types`); whoever adds one writes its file here, and how it is written and loaded in persistence/types/.
 *
 * A value is known by the ref of its key's entry. An encoding keeps the value in that entry's block, or in a *body*
 * outside of it, of which the entry has the ref (`Entries.hasBody`).
 */

import type { UnixMs } from "../entry.ts";
import type { Element } from "../listpack.ts";

/** Takes an element of a value; they are good only until the next. `second` only where elements have two parts. */
export type ElementSink = (first: Element, second: Element) => void;

/** How a value's elements make its digest: in order, each by itself, or two parts together, in any order. */
export type ElementOrder = "ordered" | "unordered" | "pairs";

/** Where entries with values are made, and their inline values change in length: a database. */
export interface ValueHome {
  /** Puts an entry with an undefined inline value of `inlineLength` bytes under a key, in place of what is there. */
  put(
    key: Uint8Array,
    keyStart: number,
    keyLength: number,
    type: number,
    encoding: number,
    inlineLength: number,
    expiry: UnixMs,
  ): number;
  /** Changes the length of an inline value, keeping the bytes that both lengths share. The entry's ref, maybe another. */
  resizeValue(ref: number, inlineLength: number): number;
}

export interface ValueType {
  /** As TYPE replies it. */
  readonly name: string;
  readonly order: ElementOrder;
  /** Number of elements. O(1). */
  count(ref: number): number;
  /**
   * Hands on about `limit` elements from `cursor` (0 at first) on, and returns where to go on, 0 at the end. As long as
   * the value does not change meanwhile, each element comes once.
   */
  walk(ref: number, cursor: number, limit: number, sink: ElementSink): number;
  /** Bytes that a body takes, those of `samples` elements taken for all (0: of all elements). */
  bodyBytes(body: number, samples: number): number;
  /** Frees a body, one that is large in slices. */
  freeBody(body: number): void;
  /** A copy of a body. Throws where there is no memory, and has taken none then. */
  copyBody(body: number): number;
  /**
   * Moves what a body has in segments that are leaving (see compaction.ts), one step from `cursor` (0 at first) on;
   * returns where to go on, 0 at the end. The entry's ref of the body follows.
   */
  relocateBody(ref: number, cursor: number): number;
  /** The table in which members of the value under an entry are looked up by their bytes; 0 if there is none. */
  memberTable(ref: number): number;
}
