/**
 * Entries that are a snapshot's to write and to release: those that have left their database before the walk came to them,
 * and copies of those that have changed. The snapshot's own; what is left of them when it fails is freed in slices.
 *
 * There may be as many as keys. Those without a body are two numbers each: to the collector of the runtime they are nothing.
 */

import { Int32Stack } from "../bytes/int32_stack.ts";
import type { Discarded, Heap } from "../store/heap.ts";

/** Elements of a value that are looked at to tell how much memory it takes. */
export const MEASURED_ELEMENTS = 16;

/** An entry that is the snapshot's. */
export interface KeptEntry {
  /** The database that it was in. */
  readonly index: number;
  readonly ref: number;
  /** Elements that its body had at the time; -1 where nothing has changed since. */
  readonly count: number;
  /** Whether it is a shadow: key, expiry and body of a large value, while the body belongs to the entry in its database. */
  readonly isShadow: boolean;
  /** What it takes of the arena. */
  readonly bytes: number;
}

export class KeptEntries implements Discarded {
  /** Refs of those without a body, each below the index of its database. */
  readonly #inline = new Int32Stack();
  readonly #withBody: KeptEntry[] = [];
  /** What all of them take. */
  #bytes = 0;

  constructor(readonly heap: Heap) {}

  /** Takes over an entry as it is. */
  take(index: number, ref: number): void {
    this.#count(this.describe(index, ref));
  }

  /** An entry as it is, about to be taken over. */
  describe(index: number, ref: number): KeptEntry {
    const { heap } = this;
    const bytes = heap.arena.usableBytes(ref) + heap.valueBytes(ref, MEASURED_ELEMENTS);
    return { index, ref, count: -1, isShadow: false, bytes };
  }

  /** Takes over the copy of an entry whose body goes on changing, and has `count` elements now. */
  takeShadow(index: number, ref: number, count: number): void {
    this.#count({ index, ref, count, isShadow: true, bytes: this.heap.arena.usableBytes(ref) });
  }

  #count(entry: KeptEntry): void {
    this.heap.snapshots.memory.keep(entry.bytes);
    this.putBack(entry);
  }

  /** Takes back what `next` has given. */
  putBack(entry: KeptEntry): void {
    this.#bytes += entry.bytes;
    if (this.heap.entries.hasBody(entry.ref)) {
      this.#withBody.push(entry);
    } else {
      this.#inline.push(entry.index);
      this.#inline.push(entry.ref);
    }
  }

  /** One of them, which is to be given to `release` when it is written; null if there is none. */
  next(): KeptEntry | null {
    let entry: KeptEntry | null;
    if (this.#inline.length > 0) {
      const ref = this.#inline.pop();
      entry = this.describe(this.#inline.pop(), ref);
    } else {
      entry = this.#withBody.pop() ?? null;
    }
    this.#bytes -= entry?.bytes ?? 0;
    return entry;
  }

  /** The one with a body, or null. O(n) of those with bodies. */
  nextWithBody(body: number): KeptEntry | null {
    const { entries } = this.heap;
    const at = this.#withBody.findIndex(({ ref }) => entries.valueWord(ref) === body);
    if (at < 0) return null;
    const [entry] = this.#withBody.splice(at, 1);
    this.#bytes -= entry.bytes;
    return entry;
  }

  /** Frees one that `next` has given. */
  release({ ref, isShadow, bytes }: KeptEntry): void {
    const { heap } = this;
    heap.snapshots.memory.keep(-bytes);
    if (isShadow) heap.arena.free(ref);
    else heap.release(ref);
  }

  /** Gives all of them up, to be freed in slices: nobody needs them. */
  discard(): void {
    this.heap.snapshots.memory.keep(-this.#bytes);
    this.#bytes = 0;
    if (this.#inline.length + this.#withBody.length > 0) this.heap.discard(this);
  }

  free(limit: number): number {
    let freed = 0;
    const { heap } = this;
    for (; freed < limit && this.#inline.length > 0; freed++) {
      heap.arena.free(this.#inline.pop());
      this.#inline.pop();
    }
    for (; freed < limit && this.#withBody.length > 0; freed++) {
      const entry = this.#withBody.pop();
      if (entry?.isShadow === true) heap.arena.free(entry.ref);
      else if (entry !== undefined) heap.release(entry.ref);
    }
    return freed;
  }
}
