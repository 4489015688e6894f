/**
 * The large bodies that may change before a snapshot is through with them: those that are being written or of which a
 * shadow waits, whose elements are kept when they leave the body unmarked; and those of which nothing is to be written,
 * but the elements to be marked all the same, so that all have the mark when the next snapshot begins. The snapshot's own.
 */

import type { Heap } from "../store/heap.ts";
import type { ValueWriters } from "./types/all.ts";
import type { BodyWriter } from "./types/value_writer.ts";

/** Elements that are marked in a step. */
const MARKED_AT_ONCE = 128;

/** A large body that may change before all of it was written, or marked. */
export interface OpenBody {
  readonly body: number;
  /** Number of its value's type. */
  readonly type: number;
  readonly writer: BodyWriter;
  /** What is read of it when it is written. */
  readonly source: number;
  /** Elements that have left it and are still needed; null where nothing of it is to be written, only marked. */
  readonly displaced: number[] | null;
  /** Where marking goes on. */
  cursor: number;
  /** Whether its value is gone, so that it is ours to free. */
  isOrphan: boolean;
}

export class OpenBodies {
  readonly #open = new Map<number, OpenBody>();
  /** Those of which the elements are to be marked. */
  readonly #toMark: OpenBody[] = [];

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
    return this.#open.get(this.heap.entries.valueWord(ref)) ?? this.#add(ref, writer, []);
  }

  #add(ref: number, writer: BodyWriter, displaced: number[] | null): OpenBody {
    const { entries } = this.heap;
    const body = entries.valueWord(ref);
    const source = displaced === null ? 0 : writer.share(body);
    const open: OpenBody = { body, type: entries.type(ref), writer, source, displaced, cursor: 0, isOrphan: false };
    this.#open.set(body, open);
    return open;
  }

  /** The members that have left a body and are still to be written; whoever writes them takes them out. */
  displacedFrom(body: number): number[] {
    const open = this.#open.get(body);
    return open?.writer.consistsOf === "members" ? open.displaced ?? [] : [];
  }

  /** All of a body was written; whether its value is gone meanwhile, so that it is to be given to `free`. */
  close(body: number): OpenBody | null {
    const open = this.#open.get(body);
    this.#open.delete(body);
    if (open !== undefined) this.#letGo(open);
    return open?.isOrphan ? open : null;
  }

  /** Frees what was kept for a body. */
  #letGo({ displaced, writer, source }: OpenBody): void {
    if (displaced === null) return;
    for (const element of displaced.splice(0)) this.heap.arena.free(element);
    writer.unshare(source);
  }

  /** Frees a body whose value is gone, after it was closed. */
  free({ type, body }: OpenBody): void {
    this.heap.types[type]?.freeBody(body);
  }

  /** An element without a mark has left a body. */
  displaced(body: number, element: number): void {
    const displaced = this.#open.get(body)?.displaced ?? null;
    if (displaced === null) this.heap.arena.free(element);
    else displaced.push(element);
  }

  /** Whether a body that is about to be freed is still needed. */
  keeps(body: number): boolean {
    const open = this.#open.get(body);
    if (open === undefined) return false;
    if (open.displaced !== null) return open.isOrphan = true;
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

  /** Closes all that were to be written, which nobody will write; `abandon` is to be called with them. */
  closeAll(): OpenBody[] {
    const closed = [...this.#open.values()].filter(({ displaced }) => displaced !== null);
    for (const { body } of closed) this.#open.delete(body);
    return closed;
  }

  /** Gives up one that was closed: what was kept for it is freed, and it as well if its value is gone, else marked. */
  abandon(open: OpenBody, needsMarks: boolean): void {
    this.#letGo(open);
    if (open.isOrphan) return this.free(open);
    if (!needsMarks) return;
    if (open.writer.consistsOf === "nodes") return void open.writer.mark(open.body, 0, Infinity, this.heap.snapshots);
    const marked: OpenBody = { ...open, displaced: null, cursor: 0 };
    this.#open.set(open.body, marked);
    this.#toMark.push(marked);
  }
}
