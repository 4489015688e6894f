/**
 * The large bodies that may change before a snapshot is through with them: those that are being written or of which a
 * shadow waits, whose elements are kept when they leave the body unmarked; and those of which nothing is to be written,
 * but the elements to be marked all the same, so that all have the mark when the next snapshot begins. The snapshot's own.
 */

import { Int32Stack } from "../bytes/int32_stack.ts";
import type { Arena } from "../store/arena.ts";
import type { Discarded, Heap } from "../store/heap.ts";
import { MEASURED_ELEMENTS } from "./kept_entries.ts";
import type { ValueWriters } from "./types/all.ts";
import type { BodyWriter } from "./types/value_writer.ts";

/** Elements that are marked in a step. */
const MARKED_AT_ONCE = 128;
/** Elements kept for a body that are freed at once; more are freed in slices. */
const FREED_AT_ONCE = 512;

/** A large body that may change before all of it was written, or marked. */
export interface OpenBody {
  readonly body: number;
  /** Number of its value's type. */
  readonly type: number;
  readonly writer: BodyWriter;
  /** What is read of it when it is written. */
  readonly source: number;
  /** Elements that have left it and are still needed; null where nothing of it is to be written, only marked. */
  readonly displaced: Int32Stack | null;
  /** What is kept for it of the arena: those elements, what sharing it took, and all of it once its value is gone. */
  keptBytes: number;
  /** Where marking goes on. */
  cursor: number;
  /** Whether its value is gone, so that it is ours to free. */
  isOrphan: boolean;
}

/** Elements that nobody needs any more. */
class DiscardedElements implements Discarded {
  constructor(readonly arena: Arena, readonly refs: Int32Stack) {}

  free(limit: number): number {
    let freed = 0;
    for (; freed < limit && this.refs.length > 0; freed++) this.arena.free(this.refs.pop());
    return freed;
  }
}

const NONE = new Int32Stack();

export class OpenBodies {
  readonly #open = new Map<number, OpenBody>();
  /** Those of which the elements are to be marked. */
  readonly #toMark: OpenBody[] = [];
  /** Goes over those of which nothing is to be written any more, as the snapshot has failed; null where there are none. */
  #abandoned: Iterator<OpenBody> | null = null;

  constructor(readonly heap: Heap, readonly writers: ValueWriters) {}

  /** Whether there are none. */
  get isEmpty(): boolean {
    return this.#open.size === 0;
  }

  /** Whether there are elements to be marked. */
  get isMarking(): boolean {
    return this.#toMark.length > 0;
  }

  /**
   * Has the elements that leave an entry's body unmarked kept from now on, as they are to be written. Throws where there is
   * no memory to share the body.
   */
  open(ref: number, writer: BodyWriter): OpenBody {
    return this.#open.get(this.heap.entries.valueWord(ref)) ?? this.#add(ref, writer, new Int32Stack());
  }

  #add(ref: number, writer: BodyWriter, displaced: Int32Stack | null): OpenBody {
    const { arena, entries } = this.heap;
    const body = entries.valueWord(ref);
    const usedBefore = arena.usedBytes;
    const source = displaced === null ? 0 : writer.share(body);
    const type = entries.type(ref);
    const open: OpenBody = { body, type, writer, source, displaced, keptBytes: 0, cursor: 0, isOrphan: false };
    this.#open.set(body, open);
    this.#keep(open, arena.usedBytes - usedBefore);
    return open;
  }

  #keep(open: OpenBody, bytes: number): void {
    open.keptBytes += bytes;
    this.heap.snapshots.memory.keep(bytes);
  }

  /** The members that have left a body and are still to be written, each of which is then given to `freeDisplaced`. */
  displacedFrom(body: number): Int32Stack {
    const open = this.#open.get(body);
    return open?.writer.consistsOf === "members" ? open.displaced ?? NONE : NONE;
  }

  /** Frees the member on top of those that have left a body. */
  freeDisplaced(body: number): void {
    const open = this.#open.get(body);
    if (open === undefined || open.displaced === null) return;
    const { arena } = this.heap;
    const element = open.displaced.pop();
    this.#keep(open, -arena.usableBytes(element));
    arena.free(element);
  }

  /** All of a body was written; whether its value is gone meanwhile, so that it is to be given to `free`. */
  close(body: number): OpenBody | null {
    const open = this.#open.get(body);
    this.#open.delete(body);
    if (open !== undefined) this.#letGo(open);
    return open?.isOrphan ? open : null;
  }

  /** Frees what was kept for a body. */
  #letGo(open: OpenBody): void {
    const { displaced, writer, source } = open;
    this.#keep(open, -open.keptBytes);
    if (displaced === null) return;
    writer.unshare(source);
    const discarded = new DiscardedElements(this.heap.arena, displaced);
    discarded.free(FREED_AT_ONCE);
    if (displaced.length > 0) this.heap.discard(discarded);
  }

  /** Frees a body whose value is gone, after it was closed. */
  free({ type, body }: OpenBody): void {
    this.heap.types[type]?.freeBody(body);
  }

  /** An element without a mark has left a body. */
  displaced(body: number, element: number): void {
    const { arena } = this.heap;
    const open = this.#open.get(body);
    if (open === undefined || open.displaced === null) return arena.free(element);
    open.displaced.push(element);
    this.#keep(open, arena.usableBytes(element));
  }

  /** Whether a body that is about to be freed is still needed. */
  keeps(body: number): boolean {
    const open = this.#open.get(body);
    if (open === undefined) return false;
    if (open.displaced !== null) {
      this.#keep(open, this.heap.types[open.type]?.bodyBytes(body, MEASURED_ELEMENTS) ?? 0);
      return open.isOrphan = true;
    }
    this.#open.delete(body);
    this.#toMark.splice(this.#toMark.indexOf(open), 1);
    return false;
  }

  /** Has the elements of an entry's body marked, of which nothing is to be written: a large one's in steps. */
  mark(ref: number): void {
    const { entries, snapshots } = this.heap;
    const writer = this.writers.body(ref);
    if (writer === null) return;
    const body = entries.valueWord(ref);
    if (this.#open.has(body)) return; // it was abandoned, and will be marked
    if (writer.consistsOf === "members" && writer.count(body) > MARKED_AT_ONCE) {
      this.#toMark.push(this.#add(ref, writer, null));
      return;
    }
    let cursor = 0;
    do cursor = writer.mark(body, cursor, MARKED_AT_ONCE, snapshots); while (cursor !== 0);
  }

  /** Marks some elements; false where there were none to be marked. */
  markSome(): boolean {
    const open = this.#toMark.at(-1);
    if (open === undefined) return false;
    open.cursor = open.writer.mark(open.body, open.cursor, MARKED_AT_ONCE, this.heap.snapshots);
    if (open.cursor !== 0) return true;
    this.#toMark.pop();
    this.#open.delete(open.body);
    return true;
  }

  /** Closes one that is nobody's any more but the walk's, which will come to its entry again, or goes with its entry. */
  forget(body: number): void {
    const open = this.#open.get(body);
    this.#open.delete(body);
    if (open !== undefined) this.#letGo(open);
  }

  /** Gives all up that were to be written, as nobody will write them: `abandonSome` does it, and is to be called until then. */
  abandon(): void {
    if (this.#open.size > 0) this.#abandoned = this.#open.values();
  }

  /** Frees what was kept for one that was given up, and it as well if its value is gone; else it is marked. False after all. */
  abandonSome(): boolean {
    const next = this.#abandoned?.next();
    if (next === undefined || next.done === true) {
      this.#abandoned = null;
      return false;
    }
    const open = next.value;
    if (open.displaced === null) return true;
    this.#open.delete(open.body);
    this.#letGo(open);
    if (open.isOrphan) {
      this.free(open);
    } else if (open.writer.consistsOf === "nodes") {
      open.writer.mark(open.body, 0, Infinity, this.heap.snapshots);
    } else {
      const marked: OpenBody = { ...open, displaced: null, cursor: 0 };
      this.#open.set(open.body, marked);
      this.#toMark.push(marked);
    }
    return true;
  }
}
