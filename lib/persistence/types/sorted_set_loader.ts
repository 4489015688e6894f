/**
 * How sorted sets are loaded, member by member or from a packed blob. One with few and short members becomes a listpack, as
 * the limits of the store say, whatever it was when it was written. Duplicate members, which no server writes, are
 * refused, as are scores that are no numbers.
 */

import { compareBytes } from "../../bytes/compare.ts";
import { parseDouble } from "../../bytes/doubles.ts";
import { Element, entryBytes, firstElement, LISTPACK_END } from "../../store/listpack.ts";
import { scoreOfElement, scoreOfWords } from "../../store/types/scores.ts";
import { SortedSetBuilder } from "../../store/types/sorted_set_builder.ts";
import type { SortedSets } from "../../store/types/sorted_sets.ts";
import { RDB_TYPE_ZSET, RDB_TYPE_ZSET_2, RDB_TYPE_ZSET_LISTPACK, RDB_TYPE_ZSET_ZIPLIST } from "../rdb_format.ts";
import { type RdbInput, StringSlot } from "../rdb_input.ts";
import { walkZiplist } from "../ziplist.ts";
import { hasElements, notSound, putListpack } from "./packed_values.ts";
import { EMPTY, type LoadHome, type LoadTarget, type ValueLoader } from "./value_loader.ts";

/** In place of the length of a score's text (RDB_TYPE_ZSET). */
const TEXT_NAN = 253;
const TEXT_INFINITY = 254;
const TEXT_MINUS_INFINITY = 255;

export class SortedSetLoader implements ValueLoader {
  readonly rdbTypes = [RDB_TYPE_ZSET, RDB_TYPE_ZSET_2, RDB_TYPE_ZSET_ZIPLIST, RDB_TYPE_ZSET_LISTPACK];
  #type = 0;
  #home: LoadHome | null = null;
  #ref = 0;
  readonly #member = new StringSlot();
  readonly #value = new StringSlot();
  readonly #element = new Element();
  readonly #score = new Element();
  /** Members with a score of -0 that went into a listpack, which has none. */
  readonly #minusZeros: Uint8Array[] = [];
  /** Made for the first large sorted set. */
  #builder: SortedSetBuilder | null = null;
  /** Whether the sorted set under way is built by it: what will not fit a listpack is none from the start. */
  #isBuilt = false;

  constructor(readonly sets: SortedSets) {}

  begin(type: number, target: LoadTarget): number {
    const { input } = target;
    this.#type = type;
    if (type === RDB_TYPE_ZSET || type === RDB_TYPE_ZSET_2) {
      const members = input.length();
      if (members === 0) return EMPTY;
      this.#start(target);
      const { sets } = this;
      if (this.#home !== null && members > sets.maxListpackEntries) {
        this.#ref = sets.convert(this.#home, this.#ref);
        this.#builder ??= new SortedSetBuilder(sets.bodies);
        this.#builder.begin(sets.heap.entries.valueWord(this.#ref), members);
        this.#isBuilt = true;
      }
      return members;
    }
    input.string(this.#value);
    return type === RDB_TYPE_ZSET_LISTPACK ? this.#listpack(target) : this.#ziplist(target);
  }

  element(target: LoadTarget): void {
    const { input } = target;
    const member = this.#member;
    input.string(member);
    const score = this.#type === RDB_TYPE_ZSET ? readText(input) : readBinary(input);
    if (Number.isNaN(score)) throw input.error(`the member '${member}' has a score that is no number`);
    if (!this.#isBuilt) return this.#add(target, member.bytes, member.start, member.length, score);
    if (this.#builder?.add(member.bytes, member.start, member.length, score) === false) throw this.#twice(input);
  }

  giveUp(): void {
    if (this.#isBuilt) this.#builder?.giveUp();
    this.#isBuilt = false;
  }

  end(): boolean {
    const { sets } = this;
    if (this.#home === null) return true;
    if (this.#isBuilt) {
      this.#builder?.flush();
      this.#isBuilt = false;
      return true;
    }
    if (sets.heap.entries.hasBody(this.#ref)) {
      // It is no listpack after all: they have their sign.
      for (const member of this.#minusZeros) {
        sets.delete(this.#ref, member, 0, member.length);
        this.#ref = sets.set(this.#home, this.#ref, member, 0, member.length, -0);
      }
    }
    this.#minusZeros.length = 0;
    this.#ref = sets.trim(this.#home, this.#ref);
    return true;
  }

  ref(): number {
    return this.#ref;
  }

  #start(target: LoadTarget): void {
    const { key, expiry } = target;
    const home = this.#home = target.home;
    this.#minusZeros.length = 0; // what came before may have been given up
    this.#isBuilt = false;
    if (home === null) return;
    const ref = this.sets.create(home, key.bytes, key.start, key.length, 0);
    this.#ref = home.setExpiry(ref, expiry);
  }

  #add(target: LoadTarget, bytes: Uint8Array, start: number, length: number, score: number): void {
    if (this.#home === null) return;
    if (Object.is(score, -0) && !this.sets.heap.entries.hasBody(this.#ref)) {
      this.#minusZeros.push(bytes.slice(start, start + length));
    }
    this.#ref = this.sets.set(this.#home, this.#ref, bytes, start, length, score);
    if (!this.sets.added) throw this.#twice(target.input);
  }

  #twice(input: RdbInput): Error {
    return input.error(`the sorted set has the member '${this.#member}' twice`);
  }

  /** Loads a blob of members and scores of old times, all at once: it is walked twice, first to see that it is sound. */
  #ziplist(target: LoadTarget): number {
    const { bytes, start, length } = this.#value;
    let count = 0;
    let isSound = true;
    const fault = walkZiplist(bytes, start, length, (element, at, size) => {
      if (count++ % 2 === 1 && Number.isNaN(parseDouble(element, at, size))) isSound = false;
      return true;
    });
    if (fault !== null) throw notSound(target.input, "Zset ziplist", fault);
    if (count === 0) return EMPTY;
    if (count % 2 === 1) throw notSound(target.input, "Zset ziplist", "a member without a score");
    if (!isSound) throw target.input.error("a score that is no number");
    this.#start(target);
    const member = this.#member;
    let index = 0;
    walkZiplist(bytes, start, length, (element, at, size) => {
      if (index++ % 2 === 0) member.copy(element, at, size);
      else this.#add(target, member.bytes, member.start, member.length, parseDouble(element, at, size));
      return true;
    });
    return 0;
  }

  #listpack(target: LoadTarget): number {
    if (!hasElements(target, this.#value, 2, "Zset", "member")) return EMPTY;
    if (!this.#isSorted(target)) {
      // Nobody writes that, but its order is ours to see to.
      this.#start(target);
      this.#forEach((member, score) => {
        member.toBytes();
        this.#add(target, member.bytes, member.start, member.length, score);
      });
      return 0;
    }
    this.#home = null; // it is as it is to be
    this.#ref = putListpack(this.sets, target, this.#value);
    return 0;
  }

  /** Whether the listpack that was read is in the order of scores, and of members. Throws where a score is no number. */
  #isSorted(target: LoadTarget): boolean {
    const { bytes, start } = this.#value;
    const score = this.#score;
    let isSorted = true;
    let before = -Infinity;
    let memberBefore = 0;
    for (let at = firstElement(start); bytes[at] !== LISTPACK_END;) {
      const scoreAt = at + entryBytes(bytes, at);
      score.read(bytes, scoreAt);
      const value = scoreOfElement(score);
      if (Number.isNaN(value)) throw target.input.error("a score that is no number");
      if (value < before) isSorted = false;
      else if (value === before && memberBefore !== 0 && this.#compare(memberBefore, at) > 0) isSorted = false;
      before = value;
      memberBefore = at;
      at = scoreAt + entryBytes(bytes, scoreAt);
    }
    return isSorted;
  }

  /** Compares two members of the listpack that was read, as bytes. */
  #compare(one: number, other: number): number {
    const { bytes } = this.#value;
    const a = this.#element;
    const b = this.#score;
    a.read(bytes, one);
    b.read(bytes, other);
    a.toBytes();
    b.toBytes();
    return compareBytes(a.bytes, a.start, a.length, b.bytes, b.start, b.length);
  }

  #forEach(take: (member: Element, score: number) => void): void {
    const { bytes, start } = this.#value;
    for (let at = firstElement(start); bytes[at] !== LISTPACK_END;) {
      const scoreAt = at + entryBytes(bytes, at);
      this.#element.read(bytes, at);
      this.#score.read(bytes, scoreAt);
      take(this.#element, scoreOfElement(this.#score));
      at = scoreAt + entryBytes(bytes, scoreAt);
    }
  }
}

function readBinary(input: RdbInput): number {
  const low = input.int32();
  return scoreOfWords(low, input.int32());
}

function readText(input: RdbInput): number {
  const length = input.byte();
  if (length === TEXT_NAN) return NaN;
  if (length === TEXT_INFINITY) return Infinity;
  if (length === TEXT_MINUS_INFINITY) return -Infinity;
  return parseDouble(input.bytes, input.take(length), length);
}
