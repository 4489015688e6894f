/**
 * Builds the body of a sorted set from members in any order, as they are loaded. A member goes into the table as it comes,
 * so that one that comes twice is found at once; into the tree they go together, put into order first, as many at a time as
 * belong in one leaf. Loading takes half of the time that it takes to find each one's place by itself.
 *
 * It holds 24 bytes of scratch for each member that may wait, 768 KiB at most, for as long as it is there. Until `flush` or `giveUp`
 * the body's table has members which its tree has not: nobody else may use the body, but to free it. Used by the loader.
 */

import { compareBytes } from "../../bytes/compare.ts";
import type { Tie } from "../tree_cursor.ts";
import type { TreeRun } from "../tree.ts";
import { scoreToKey } from "./scores.ts";
import type { SortedSetBodies } from "./sorted_set_bodies.ts";

/** Members that wait for their place in the tree, at most: some milliseconds of work. */
const MOST_MEMBERS = 2 ** 15;
const KEY_WORDS = 2;
const DIGITS = 256;
/** Bytes of a key. */
const KEY_BYTES = 8;
const NO_WORDS = new Int32Array(0);

export class SortedSetBuilder implements TreeRun {
  keys: Int32Array = NO_WORDS;
  refs: Int32Array = NO_WORDS;
  left = 0;
  #body = 0;
  #otherKeys: Int32Array = NO_WORDS;
  #otherRefs: Int32Array = NO_WORDS;
  readonly #key = new Int32Array(KEY_WORDS);
  /** How often each byte is there at each place of the keys, the lowest first; then where those with it go. */
  readonly #places = new Int32Array(KEY_BYTES * DIGITS);

  constructor(readonly bodies: SortedSetBodies) {}

  /** Begins with a body, whose tree has all that its table has. `members`: about how many are to come; it may be anything. */
  begin(body: number, members: number): void {
    this.#body = body;
    this.left = 0; // what came before may have been given up
    const room = Math.max(1, Math.min(members, MOST_MEMBERS));
    if (this.refs.length >= room) return;
    this.refs = new Int32Array(room);
    this.keys = new Int32Array(room * KEY_WORDS);
    this.#otherRefs = new Int32Array(room);
    this.#otherKeys = new Int32Array(room * KEY_WORDS);
  }

  /** Adds a member with a score that is not NaN; false if it is there already. Where there is no memory, it is not added. */
  add(bytes: Uint8Array, start: number, length: number, score: number): boolean {
    if (this.left === this.refs.length) this.flush();
    const member = this.bodies.addToTable(this.#body, bytes, start, length, score);
    if (member === 0) return false;
    const at = this.left++;
    scoreToKey(score, this.#key);
    this.keys[at * KEY_WORDS] = this.#key[0];
    this.keys[at * KEY_WORDS + 1] = this.#key[1];
    this.refs[at] = member;
    return true;
  }

  /** Puts all that wait into the tree. Throws where there is no memory; then the rest is still waiting. */
  flush(): void {
    this.#sort();
    const { bodies } = this;
    while (this.left > 0) bodies.insertFromRun(this.#body, this);
  }

  /** Takes those back that wait, so that the body is whole. Needs no memory. */
  giveUp(): void {
    while (this.left > 0) this.bodies.removeFromTable(this.#body, this.refs[--this.left]);
  }

  readonly tie: Tie = (ref) => this.compare(this.refs[this.left - 1], ref);

  readonly compare = (one: number, other: number): number => {
    const { entries } = this.bodies.heap;
    const start = entries.keyStart(one);
    const length = entries.keyLength(one);
    const otherStart = entries.keyStart(other);
    return compareBytes(entries.bytes(one), start, length, entries.bytes(other), otherStart, entries.keyLength(other));
  };

  // --- The order ------------------------------------------------------------------------------------------------------

  /** Puts those that wait into order: by their keys, and by their bytes where these are equal. */
  #sort(): void {
    if (this.#falls()) this.#reverse();
    else this.#sortByKeys();
    const { keys, refs, left } = this;
    for (let from = 0, to = 1; to <= left; to++) {
      if (to < left && keys[2 * to] === keys[2 * from] && keys[2 * to + 1] === keys[2 * from + 1]) continue;
      if (to - from > 1) this.#sortTies(refs.subarray(from, to));
      from = to;
    }
  }

  /** Whether no key is above the one before it. */
  #falls(): boolean {
    const { keys, left } = this;
    for (let at = KEY_WORDS; at < left * KEY_WORDS; at += KEY_WORDS) {
      const before = keys[at - 2];
      if (keys[at] > before || (keys[at] === before && keys[at + 1] > keys[at - 1])) return false;
    }
    return true;
  }

  #reverse(): void {
    const { keys, refs, left } = this;
    refs.subarray(0, left).reverse();
    for (let one = 0, other = (left - 1) * KEY_WORDS; one < other; one += KEY_WORDS, other -= KEY_WORDS) {
      for (let i = 0; i < KEY_WORDS; i++) {
        const word = keys[one + i];
        keys[one + i] = keys[other + i];
        keys[other + i] = word;
      }
    }
  }

  /** Radix sort by bytes, the lowest first (Knuth, 5.2.5, algorithm R): those that are the same in all keys are left out. */
  #sortByKeys(): void {
    const { left } = this;
    const places = this.#places.fill(0);
    for (let at = 0; at < left * KEY_WORDS; at += KEY_WORDS) {
      const high = this.keys[at] ^ 0x80000000; // words compare as signed integers
      const low = this.keys[at + 1] ^ 0x80000000;
      for (let byte = 0; byte < 4; byte++) {
        places[byte * DIGITS + ((low >>> (8 * byte)) & 255)]++;
        places[(4 + byte) * DIGITS + ((high >>> (8 * byte)) & 255)]++;
      }
    }
    for (let byte = 0; byte < KEY_BYTES; byte++) {
      const first = byte * DIGITS;
      const word = byte < 4 ? 1 : 0;
      const shift = 8 * (byte & 3);
      if (left === 0 || places[first + (((this.keys[word] ^ 0x80000000) >>> shift) & 255)] === left) continue;
      for (let digit = 0, sum = 0; digit < DIGITS; digit++) {
        const count = places[first + digit];
        places[first + digit] = sum;
        sum += count;
      }
      const { keys, refs } = this;
      const toKeys = this.#otherKeys;
      const toRefs = this.#otherRefs;
      for (let i = 0; i < left; i++) {
        const at = i * KEY_WORDS;
        const to = places[first + (((keys[at + word] ^ 0x80000000) >>> shift) & 255)]++;
        toKeys[to * KEY_WORDS] = keys[at];
        toKeys[to * KEY_WORDS + 1] = keys[at + 1];
        toRefs[to] = refs[i];
      }
      this.keys = toKeys;
      this.refs = toRefs;
      this.#otherKeys = keys;
      this.#otherRefs = refs;
    }
  }

  /** Puts members with the same score into order, unless they are. */
  #sortTies(refs: Int32Array): void {
    for (let i = 1; i < refs.length; i++) {
      if (this.compare(refs[i - 1], refs[i]) > 0) {
        refs.sort(this.compare);
        return;
      }
    }
  }
}
