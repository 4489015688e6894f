/**
 * How values of a type are written: which RDB type an encoding becomes, and how a body is written in steps. What lies
 * inline in a key's entry is an RDB string of its own bytes, whatever the type, so that only bodies have writers.
 *
 * A snapshot writes a body while it changes: its elements (for a hash the fields' entries) have marks as keys have, and
 * what is written or new has the mark. An element that leaves a body unmarked is kept aside by the snapshot, and written
 * with the rest. Thus a change costs the element that changes, however large the value is.
 */

import type { SnapshotHooks } from "../../store/snapshot_hooks.ts";
import type { TokenWriter } from "../token_writer.ts";

export interface BodyWriter {
  /** Number of elements that a body has now. */
  count(body: number): number;
  /** Writes what comes before the elements, of which there are `count`. */
  begin(tokens: TokenWriter, count: number): void;
  /**
   * Writes about `limit` elements from `cursor` (0 at first) on: with `marks` those without a mark, which get it; else
   * all. Returns where to go on, 0 at the end; `written` is how many they were.
   */
  write(tokens: TokenWriter, body: number, cursor: number, limit: number, marks: SnapshotHooks | null): number;
  written: number;
  /** Marks about `limit` elements from `cursor` on without writing them. Returns where to go on, 0 at the end. */
  mark(body: number, cursor: number, limit: number, marks: SnapshotHooks): number;
  /** Writes one element that has left its body. */
  element(tokens: TokenWriter, ref: number): void;
}

export interface ValueWriter {
  /** RDB type for values of an encoding. */
  rdbType(encoding: number): number;
  /** Writes bodies; null where no encoding has one. */
  readonly body: BodyWriter | null;
}
