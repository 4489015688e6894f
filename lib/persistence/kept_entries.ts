/**
 * Entries that are a snapshot's to write and to release: those that have left their database before the walk came to them,
 * and copies of those that have changed. The snapshot's own; what is left of them when it fails is freed in slices.
 *
 * There may be as many as keys. All but shadows, of large values, are two numbers each, which is nothing to the collector of
 * the runtime.
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
  /** Refs of those that have all of their value, each above the index of its database. */
  readonly #whole = new Int32Stack();
  readonly #shadows: KeptEntry[] = [];
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
    if (entry.isShadow) {
      this.#shadows.push(entry);
    } else {
      this.#whole.push(entry.index);
      this.#whole.push(entry.ref);
    }
  }

  /** One of them, which is to be given to `release` when it is written; null if there is none. */
  next(): KeptEntry | null {
    let entry: KeptEntry | null;
    if (this.#whole.length > 0) {
      const ref = this.#whole.pop();
      entry = this.describe(this.#whole.pop(), ref);
    } else {
      entry = this.#shadows.pop() ?? null;
    }
    this.#bytes -= entry?.bytes ?? 0;
    return entry;
  }

  /** The shadow of a body, as `next` gives it, or null. O(n) of shadows. */
  shadowOf(body: number): KeptEntry | null {
    const { entries } = this.heap;
    const at = this.#shadows.findIndex(({ ref }) => entries.valueWord(ref) === body);
    if (at < 0) return null;
    const [entry] = this.#shadows.splice(at, 1);
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
    if (this.#whole.length + this.#shadows.length > 0) this.heap.discard(this);
  }

  free(limit: number): number {
    let freed = 0;
    const { heap } = this;
    for (; freed < limit && this.#whole.length > 0; freed++) {
      heap.release(this.#whole.pop());
      this.#whole.pop();
    }
    for (let shadow; freed < limit && (shadow = this.#shadows.pop()) !== undefined; freed++) {
      heap.arena.free(shadow.ref);
    }
    return freed;
  }
}
