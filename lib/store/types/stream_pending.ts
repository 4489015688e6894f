/**
 * What is pending in the consumer groups of streams, as it lies in trees: for a group, by ID, the number of the consumer, when
 * the entry was delivered, and how often; for a consumer the IDs alone. Used by streams, their commands, and persistence.
 */

import { signedOf } from "../../bytes/uint64.ts";
import type { Trees } from "../tree.ts";
import { ANY_TIE } from "../tree_cursor.ts";
import type { TreeShape } from "../tree_nodes.ts";
import { ID_WORDS, StreamId } from "./stream_ids.ts";

/** Trees of what is pending in a group. */
export const PENDING: TreeShape = { keyWords: ID_WORDS, hasTies: false, valueWords: 5, countWord: -1 };
/** Trees of the IDs of what is pending for a consumer. */
export const PENDING_IDS: TreeShape = { keyWords: ID_WORDS, hasTies: false, valueWords: 0, countWord: -1 };

// Words of a pending entry's value: times and counts are int64.
export const CONSUMER = 0;
export const TIME_LOW = 1;
export const TIME_HIGH = 2;
export const COUNT_LOW = 3;
export const COUNT_HIGH = 4;

/** Stands at a pending entry of a group or consumer, and goes from one to the next. The tree must not change meanwhile. */
export class PendingCursor {
  /** The entry at which it stands. */
  readonly id: StreamId = new StreamId();

  /** `trees`: a group's or a consumer's, for this cursor alone. */
  constructor(readonly trees: Trees) {}

  /** The number of the entry's consumer. Only of a group's, as are the next two. */
  get consumer(): number {
    return this.trees.word(CONSUMER);
  }

  /** When it was delivered last, in Unix ms. */
  get deliveredMs(): number {
    return signedOf(this.trees.word(TIME_HIGH), this.trees.word(TIME_LOW));
  }

  /** How often it was delivered; beyond 2^53 the nearest double. */
  get deliveries(): number {
    return signedOf(this.trees.word(COUNT_HIGH), this.trees.word(COUNT_LOW));
  }

  /** Goes to the first entry of a tree, which may be none (0); false if there is none. */
  toFirst(root: number): boolean {
    if (root === 0) return false;
    this.trees.seekPosition(root, 0);
    return this.#read();
  }

  /** Goes to the last one. */
  toLast(root: number): boolean {
    return root !== 0 && this.trees.seekLast(root) && this.#read();
  }

  /** Goes to the entry at a position, which must be there. */
  toPosition(root: number, position: number): void {
    this.trees.seekPosition(root, position);
    this.#read();
  }

  /** Goes to the first entry that is not below an ID; false if there is none. O(log n). */
  seek(root: number, id: StreamId): boolean {
    if (root === 0) return false;
    id.write(this.trees.key, 0);
    return this.trees.seek(root, ANY_TIE) && this.#read();
  }

  /** Goes to the next entry; false if there is none. */
  next(): boolean {
    return this.trees.next() && this.#read();
  }

  #read(): boolean {
    this.id.readKey(this.trees);
    return true;
  }
}
