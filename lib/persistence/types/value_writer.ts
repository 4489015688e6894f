/**
 * How values of a type are written: which RDB type an encoding becomes, and how a body is written in steps. What lies
 * inline in a key's entry is mostly an RDB string of its own bytes, whatever the type.
 *
 * A snapshot writes a body while it changes, in one of two ways. A body of *members* has elements in no order (for a hash
 * the fields' entries), which have marks as keys have: what is written or new has the mark, and what leaves the body
 * unmarked is kept aside by the snapshot, and written with the rest. A body of *nodes* is in order, and is shared: what
 * the snapshot has still to read is copied before it changes, so that it can go on along the old nodes, and what leaves
 * the body unmarked is only kept until all is written. Thus a change costs the element or node that changes, however
 * large the value is.
 */

import type { SnapshotHooks } from "../../store/snapshot_hooks.ts";
import type { RdbOutput } from "../rdb_output.ts";

/** The cursor of a body of which all was written. */
export const WRITTEN = -1;
/** Bytes of long elements that are written in a step, about. */
export const STEP_BYTES: number = 64 * 1024;

export interface BodyWriter {
  /** Whether what leaves the body unmarked is still to be written by itself, or is read where it is. */
  readonly consistsOf: "members" | "nodes";
  /** Whether a body has so many elements that it is to be written in steps. */
  isLarge(body: number): boolean;
  /** Whether the elements of a body that is not large take more than `STEP_BYTES` together. O(elements). */
  isLong(body: number): boolean;
  /** Number of elements, or nodes, that a body has now: so many are to be written. */
  count(body: number): number;
  /** What is to be read of a body that will not change meanwhile. */
  source(body: number): number;
  /** What is to be read of a body as it is now, whatever becomes of it; `unshare` is called with it when all is read. */
  share(body: number): number;
  unshare(source: number): void;
  /** Writes what comes before the elements, of which there are `count`. */
  begin(output: RdbOutput, count: number): void;
  /**
   * Writes about `limit` elements from `cursor` (0 at first) on: with `marks` members without a mark, which get it, or
   * nodes, which get it as well, and of long ones about `STEP_BYTES`; else all. Returns where to go on, or WRITTEN at the
   * end; `written` is how many they were, `writtenBytes` about how long.
   */
  write(output: RdbOutput, source: number, cursor: number, limit: number, marks: SnapshotHooks | null): number;
  written: number;
  writtenBytes: number;
  /** Marks about `limit` elements from `cursor` on without writing them: nodes all at once. Where to go on, 0 at the end. */
  mark(body: number, cursor: number, limit: number, marks: SnapshotHooks): number;
  /** Writes one member that has left its body. */
  element(output: RdbOutput, ref: number): void;
}

export interface ValueWriter {
  /** RDB type for values of an encoding. */
  rdbType(encoding: number): number;
  /** Writes an inline value, of an encoding, that is no RDB string of its own bytes; null where all are. */
  readonly inline:
    | ((output: RdbOutput, bytes: Uint8Array, start: number, length: number, encoding: number) => void)
    | null;
  /** Writes bodies; null where no encoding has one. */
  readonly body: BodyWriter | null;
}
