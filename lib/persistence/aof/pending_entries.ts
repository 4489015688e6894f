/**
 * What is pending in a consumer group, by ID, from where an RDB file tells of it to where the consumers tell whose it is.
 * An entry takes 32 bytes and no object of its own, as there may be millions.
 */

import { ID_WORDS, StreamId } from "../../store/types/stream_ids.ts";

/** An ID, when the entry was delivered in ms of Unix time, and how often: each number as its upper word and its lower. */
const ENTRY_WORDS = ID_WORDS + 4;

export class PendingEntries {
  // What `find` has found.
  timeHigh = 0;
  timeLow = 0;
  deliveriesHigh = 0;
  deliveriesLow = 0;

  readonly #words: Int32Array;
  #count = 0;
  readonly #sought = new Int32Array(ID_WORDS);

  /** `count`: how many there will be. */
  constructor(count: number) {
    this.#words = new Int32Array(count * ENTRY_WORDS);
  }

  /** Adds an entry, above all before. */
  add(id: StreamId, timeHigh: number, timeLow: number, deliveriesHigh: number, deliveriesLow: number): void {
    const at = this.#count++ * ENTRY_WORDS;
    const words = this.#words;
    id.write(words, at);
    words[at + ID_WORDS] = timeHigh;
    words[at + ID_WORDS + 1] = timeLow;
    words[at + ID_WORDS + 2] = deliveriesHigh;
    words[at + ID_WORDS + 3] = deliveriesLow;
  }

  /** Finds the entry with an ID, which must be there. O(log n). */
  find(id: StreamId): void {
    id.write(this.#sought, 0);
    let least = 0;
    let most = this.#count - 1;
    while (least < most) {
      const middle = (least + most) >>> 1;
      if (this.#compare(middle) < 0) least = middle + 1;
      else most = middle;
    }
    if (most < 0 || this.#compare(least) !== 0) throw new Error("a consumer's pending entry that its group has not");
    const at = least * ENTRY_WORDS + ID_WORDS;
    const words = this.#words;
    this.timeHigh = words[at];
    this.timeLow = words[at + 1];
    this.deliveriesHigh = words[at + 2];
    this.deliveriesLow = words[at + 3];
  }

  /** Negative where an entry's ID is below the one that is sought, 0 where it is the same. */
  #compare(entry: number): number {
    const at = entry * ENTRY_WORDS;
    for (let i = 0; i < ID_WORDS; i++) {
      const word = this.#words[at + i];
      if (word !== this.#sought[i]) return word < this.#sought[i] ? -1 : 1;
    }
    return 0;
  }
}
