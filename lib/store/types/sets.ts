/**
 * The set value: members, each once, in no order. Small ones lie inline in the key's entry: integers alone as an intset, up
 * to `maxIntsetEntries`; else as a listpack, up to `maxListpackEntries` members of at most `maxListpackValue` bytes. What
 * outgrows these is, for good, a table of members (members.ts). Called by the set commands, persistence, COPY and DEBUG.
 *
 * A set is known by the ref of its key's entry. What changes it takes the ref that `Database.write` or `create` gave and,
 * where its block may move, returns the ref to go on with: the old one is dead from then on. Members are found in O(1) in a
 * table, O(log n) in an intset, O(n) in a listpack, whose n is small.
 */

import { hashBytes } from "../../bytes/hash.ts";
import { highWord, lowWord, parseWords, splitInteger } from "../../bytes/int64_words.ts";
import { ENCODING_HASHTABLE, ENCODING_INTSET, ENCODING_LISTPACK, TYPE_SET, type UnixMs } from "../entry.ts";
import type { Heap } from "../heap.ts";
import { intsetCount, widthOf } from "../intset.ts";
import {
  addToCount,
  Element,
  elementAt,
  entryBytes,
  findElement,
  firstElement,
  LISTPACK_END,
  LISTPACK_ENTRY_OVERHEAD,
  listpackCount,
  measureElement,
  splice,
  writeMeasured,
} from "../listpack.ts";
import { becomeBody, MAX_INLINE_BYTES, putBody, putBytes, putEmptyListpack, trimInline } from "./entry_values.ts";
import { Members } from "./members.ts";
import { pointToInteger, SetIntsets } from "./set_intsets.ts";
import { SetIterator } from "./set_iterator.ts";
import type { ElementSink, ValueHome, ValueType } from "./value_type.ts";

/** Most integers of an intset, whatever the limit says. */
const MAX_INTSET_ENTRIES = 2 ** 30;
/** Members of a table that are looked at together. */
const BATCH = 128;
/** A table of which a larger part is to be taken at random is walked; of a smaller one, members are drawn. */
const DRAWN_PART = 1 / 4;

/** Operations on the sets of one heap. */
export class Sets implements ValueType {
  readonly name = "set";
  readonly order = "unordered";
  /** Most integers of a set that is kept as an intset. */
  maxIntsetEntries = 512;
  /** Most members of a set that is kept as a listpack, and most bytes of one in it. */
  maxListpackEntries = 128;
  maxListpackValue = 64;
  /** Whether the last `add` added a member. */
  added = false;
  readonly #members: Members;
  readonly #intsets: SetIntsets;
  readonly #element = new Element();
  readonly #refs: number[] = [];

  constructor(readonly heap: Heap) {
    this.#members = new Members(heap);
    this.#intsets = new SetIntsets(heap);
  }

  // --- Making sets ----------------------------------------------------------------------------------------------------

  /**
   * Puts an empty set under a key, in place of what is there, of the encoding that suits a first member and a number of
   * them, as far as that is known; `reserve` more bytes of a listpack, or as many integers as wide as it, will not move it.
   */
  create(
    home: ValueHome,
    key: Uint8Array,
    keyStart: number,
    keyLength: number,
    member: Uint8Array,
    start: number,
    length: number,
    count: number,
    reserve: number,
  ): number {
    if (count <= this.#mostIntegers() && parseWords(member, start, length)) {
      return this.createIntset(home, key, keyStart, keyLength, count * widthOf(highWord, lowWord));
    }
    return count <= this.maxListpackEntries
      ? this.createListpack(home, key, keyStart, keyLength, reserve)
      : this.createTable(home, key, keyStart, keyLength);
  }

  /** Puts an empty set of integers under a key, in place of what is there; `reserve` more bytes will not move it. */
  createIntset(home: ValueHome, key: Uint8Array, start: number, length: number, reserve: number): number {
    return this.#intsets.create(home, key, start, length, reserve);
  }

  /** Puts an empty listpack under a key, in place of what is there; `reserve` more bytes will not move it. */
  createListpack(home: ValueHome, key: Uint8Array, start: number, length: number, reserve: number): number {
    return putEmptyListpack(this.heap, home, TYPE_SET, key, start, length, reserve);
  }

  /** Puts an empty table under a key, in place of what is there. */
  createTable(home: ValueHome, key: Uint8Array, start: number, length: number): number {
    const { heap } = this;
    return putBody(heap, home, TYPE_SET, ENCODING_HASHTABLE, key, start, length, heap.tables.create());
  }

  /**
   * Puts a set under a key, in place of what is there, from an intset or a listpack that is known to be sound and without
   * duplicates. It becomes a table if it has too many members. The bytes must not lie in the arena.
   */
  createFromBytes(
    home: ValueHome,
    key: Uint8Array,
    keyStart: number,
    keyLength: number,
    encoding: typeof ENCODING_INTSET | typeof ENCODING_LISTPACK,
    source: Uint8Array,
    start: number,
    length: number,
    expiry: UnixMs,
  ): number {
    const ref = putBytes(
      this.heap,
      home,
      TYPE_SET,
      encoding,
      key,
      keyStart,
      keyLength,
      source,
      start,
      length,
      expiry,
    );
    const most = encoding === ENCODING_INTSET ? this.#mostIntegers() : this.maxListpackEntries;
    return this.count(ref) > most ? this.convert(home, ref) : ref;
  }

  #mostIntegers(): number {
    return Math.min(this.maxIntsetEntries, MAX_INTSET_ENTRIES);
  }

  // --- Members --------------------------------------------------------------------------------------------------------

  /** Number of members. */
  count(ref: number): number {
    const { entries, tables } = this.heap;
    switch (entries.encoding(ref)) {
      case ENCODING_HASHTABLE:
        return tables.count(entries.valueWord(ref));
      case ENCODING_INTSET:
        return this.#intsets.count(ref);
    }
    return listpackCount(entries.bytes(ref), entries.valueStart(ref));
  }

  /** Whether there is such a member. */
  has(ref: number, member: Uint8Array, start: number, length: number): boolean {
    const { entries, foresight } = this.heap;
    switch (entries.encoding(ref)) {
      case ENCODING_HASHTABLE:
        return foresight.find(entries.valueWord(ref), member, start, length) !== 0;
      case ENCODING_INTSET:
        return parseWords(member, start, length) && this.#intsets.find(ref) >= 0;
    }
    return findElement(entries.bytes(ref), entries.valueStart(ref), 1, member, start, length) >= 0;
  }

  /** Whether an element, of another set, is a member of this one as well; it may be a string after that. */
  hasElement(ref: number, element: Element): boolean {
    const { entries } = this.heap;
    if (element.isInteger && element.integer === element.integer && entries.encoding(ref) === ENCODING_INTSET) {
      splitInteger(element.integer);
      return this.#intsets.find(ref) >= 0;
    }
    element.toBytes();
    return this.has(ref, element.bytes, element.start, element.length);
  }

  /** What finding a member costs, in some unit: for whoever has a choice of ways. */
  lookupCost(ref: number): number {
    const { entries } = this.heap;
    if (entries.encoding(ref) !== ENCODING_LISTPACK) return 1;
    return 1 + (entries.valueWord(ref) >>> 7);
  }

  /** A set as large as `count` becomes a table at once. Returns the set's ref, maybe another. */
  prepareToAdd(home: ValueHome, ref: number, count: number): number {
    const encoding = this.heap.entries.encoding(ref);
    const isTooMany = encoding === ENCODING_INTSET
      ? count > this.#mostIntegers()
      : encoding === ENCODING_LISTPACK && count > this.maxListpackEntries;
    return isTooMany ? this.convert(home, ref) : ref;
  }

  /**
   * Adds a member, and says in `added` whether it is a new one. Returns the set's ref, maybe another. The member must not
   * lie in this set. Where there is no memory for it, no member has come or gone, but the encoding may have changed, so that
   * the ref is another.
   */
  add(home: ValueHome, ref: number, member: Uint8Array, start: number, length: number): number {
    const { entries } = this.heap;
    switch (entries.encoding(ref)) {
      case ENCODING_HASHTABLE:
        this.#addToTable(entries.valueWord(ref), member, start, length);
        return ref;
      case ENCODING_INTSET:
        return parseWords(member, start, length)
          ? this.#addInteger(home, ref, member, start, length)
          : this.#addText(home, ref, member, start, length);
    }
    return this.#addToListpack(home, ref, member, start, length);
  }

  /** `add` for a member that is known to be none yet: a listpack is not searched for it. O(1) but for what it moves. */
  addNew(home: ValueHome, ref: number, member: Uint8Array, start: number, length: number): number {
    if (this.heap.entries.encoding(ref) !== ENCODING_LISTPACK) return this.add(home, ref, member, start, length);
    return this.#appendToListpack(home, ref, member, start, length);
  }

  #addToTable(table: number, member: Uint8Array, start: number, length: number): void {
    const { foresight } = this.heap;
    this.added = false;
    if (foresight.find(table, member, start, length) !== 0) return;
    this.heap.addNew(table, foresight.hash, this.#members.create(member, start, length, 0, false));
    this.added = true;
  }

  /** Adds the integer that `parseWords` has just found in a member to an intset. */
  #addInteger(home: ValueHome, ref: number, member: Uint8Array, start: number, length: number): number {
    const intsets = this.#intsets;
    this.added = false;
    const found = intsets.find(ref);
    if (found >= 0) return ref;
    const grown = intsets.insert(home, ref, -1 - found, this.#mostIntegers());
    if (grown === 0) return this.#addConverted(home, ref, member, start, length);
    this.added = true;
    return grown;
  }

  /** Adds a member that is no integer to an intset, which becomes a listpack if all that fits one, else a table. */
  #addText(home: ValueHome, ref: number, member: Uint8Array, start: number, length: number): number {
    const intsets = this.#intsets;
    const { maxListpackEntries, maxListpackValue } = this;
    const isSmall = intsets.count(ref) < maxListpackEntries && length <= maxListpackValue &&
      intsets.fitsListpack(ref, length, maxListpackValue);
    return isSmall
      ? this.#addToListpack(home, intsets.toListpack(home, ref), member, start, length)
      : this.#addConverted(home, ref, member, start, length);
  }

  /** Makes a set a table, and adds a member. */
  #addConverted(home: ValueHome, ref: number, member: Uint8Array, start: number, length: number): number {
    ref = this.convert(home, ref);
    this.#addToTable(this.heap.entries.valueWord(ref), member, start, length);
    return ref;
  }

  #addToListpack(home: ValueHome, ref: number, member: Uint8Array, start: number, length: number): number {
    const { entries } = this.heap;
    this.added = false;
    if (findElement(entries.bytes(ref), entries.valueStart(ref), 1, member, start, length) >= 0) return ref;
    return this.#appendToListpack(home, ref, member, start, length);
  }

  #appendToListpack(home: ValueHome, ref: number, member: Uint8Array, start: number, length: number): number {
    const { entries } = this.heap;
    let bytes = entries.bytes(ref);
    let listpack = entries.valueStart(ref);
    const inlineLength = entries.valueWord(ref);
    if (
      length > this.maxListpackValue || listpackCount(bytes, listpack) >= this.maxListpackEntries ||
      inlineLength + length + LISTPACK_ENTRY_OVERHEAD > MAX_INLINE_BYTES
    ) {
      return this.#addConverted(home, ref, member, start, length);
    }
    const added = measureElement(member, start, length);
    ref = home.resizeValue(ref, inlineLength + added);
    bytes = entries.bytes(ref);
    listpack = entries.valueStart(ref);
    const at = listpack + inlineLength - 1;
    splice(bytes, listpack, at, 0, added);
    writeMeasured(bytes, at, member, start, length);
    addToCount(bytes, listpack, 1);
    this.added = true;
    return ref;
  }

  /**
   * Removes a member; whether it was there. The block does not move: call `trim` when done, or remove the key if `count` is
   * 0, for a set without members must not stay.
   */
  delete(ref: number, member: Uint8Array, start: number, length: number): boolean {
    const { entries, foresight, tables } = this.heap;
    switch (entries.encoding(ref)) {
      case ENCODING_HASHTABLE: {
        const table = entries.valueWord(ref);
        const found = foresight.find(table, member, start, length);
        if (found === 0) return false;
        tables.removeFound(table);
        this.#members.free(table, found);
        return true;
      }
      case ENCODING_INTSET: {
        if (!parseWords(member, start, length)) return false;
        const index = this.#intsets.find(ref);
        if (index < 0) return false;
        this.#intsets.remove(ref, index);
        return true;
      }
    }
    const at = findElement(entries.bytes(ref), entries.valueStart(ref), 1, member, start, length);
    if (at < 0) return false;
    this.#removeAt(ref, at);
    return true;
  }

  /** Removes the element of a listpack at an offset. */
  #removeAt(ref: number, at: number): void {
    const { entries } = this.heap;
    const bytes = entries.bytes(ref);
    const listpack = entries.valueStart(ref);
    entries.setValueWord(ref, splice(bytes, listpack, at, entryBytes(bytes, at), 0));
    addToCount(bytes, listpack, -1);
  }

  /** Removes a member's entry, which is in a table. */
  #removeEntry(table: number, member: number): void {
    const { entries, tables } = this.heap;
    const hash = hashBytes(entries.bytes(member), entries.keyStart(member), entries.keyLength(member));
    tables.findEntry(table, hash, member);
    tables.removeFound(table);
    this.#members.free(table, member);
  }

  /** Gives back a block that has become much too large. Returns the set's ref, maybe another. */
  trim(home: ValueHome, ref: number): number {
    return trimInline(this.heap, home, ref);
  }

  // --- Conversions ----------------------------------------------------------------------------------------------------

  /** Makes a set a table. Returns its ref, maybe another. O(n). Where there is no memory for it, it is as before. */
  convert(home: ValueHome, ref: number): number {
    const { entries, tables } = this.heap;
    if (entries.hasBody(ref)) return ref;
    const table = tables.create();
    try {
      const iterator = new SetIterator(this);
      iterator.begin(ref);
      while (iterator.next()) {
        const { member } = iterator;
        member.toBytes();
        const { bytes, start, length } = member;
        this.heap.addNew(table, hashBytes(bytes, start, length), this.#members.create(bytes, start, length, 0, false));
      }
    } catch (error) {
      this.freeBody(table);
      throw error;
    }
    return becomeBody(this.heap, home, ref, ENCODING_HASHTABLE, table);
  }

  /**
   * Makes a set that stands alone, and of which all members are integers, an intset, unless it has too many. Returns its
   * ref, maybe another. O(n log n). Where there is no memory for it, the set is as before.
   */
  convertToIntset(home: ValueHome, ref: number): number {
    const { entries } = this.heap;
    const count = this.count(ref);
    if (entries.encoding(ref) === ENCODING_INTSET || count > this.#mostIntegers()) return ref;
    const iterator = new SetIterator(this);
    iterator.begin(ref);
    const intset = this.#intsets.collect(home, count, () => {
      if (!iterator.next() || !iterator.parse()) throw new Error("a member that is no integer");
    });
    this.heap.release(ref);
    return intset;
  }

  // --- Chance ---------------------------------------------------------------------------------------------------------

  /**
   * Points to some member, each as likely as any other; the set must not be empty. `random` gives values in [0, 1). O(1),
   * or O(n) in a listpack.
   */
  random(ref: number, random: () => number, into: Element): void {
    const { entries, tables } = this.heap;
    if (entries.hasBody(ref)) return this.point(tables.random(entries.valueWord(ref), random), into);
    this.#readAt(ref, Math.floor(random() * this.count(ref)), into);
  }

  /** Points to the member with an index of an intset or a listpack. */
  #readAt(ref: number, index: number, into: Element): void {
    const { entries } = this.heap;
    if (entries.encoding(ref) === ENCODING_INTSET) return this.#intsets.read(ref, index, into);
    const bytes = entries.bytes(ref);
    into.read(bytes, elementAt(bytes, entries.valueStart(ref), index));
  }

  /**
   * Removes `count` members, each as likely as any other, and tells `sink` of each before it goes; there must be more. The
   * block does not move: call `trim` when done. O(count) for a small part of a table, else O(n).
   */
  takeRandom(ref: number, count: number, random: () => number, sink: (member: Element) => void): void {
    const { entries, tables } = this.heap;
    if (count <= 0) return;
    if (entries.encoding(ref) === ENCODING_INTSET) return this.#intsets.takeRandom(ref, count, random, sink);
    if (!entries.hasBody(ref)) return this.#takeElements(ref, count, random, sink);
    const table = entries.valueWord(ref);
    const element = this.#element;
    const take = (member: number) => {
      this.point(member, element);
      sink(element);
      this.#removeEntry(table, member);
    };
    let left = tables.count(table);
    if (count <= left * DRAWN_PART) {
      for (; count > 0; count--) take(tables.random(table, random));
      return;
    }
    // Selection sampling (Knuth, 3.4.2, algorithm S), in the order of the table. None goes before all are chosen: a table
    // that becomes smaller meanwhile may be scanned in part again.
    const chosen: number[] = [];
    let cursor = 0;
    do {
      cursor = tables.scan(table, cursor, BATCH, this.#refs);
      for (const member of this.#refs) if (random() * left-- < count - chosen.length) chosen.push(member);
    } while (cursor !== 0);
    for (const member of chosen) take(member);
  }

  #takeElements(ref: number, count: number, random: () => number, sink: (member: Element) => void): void {
    const { entries } = this.heap;
    const bytes = entries.bytes(ref);
    const listpack = entries.valueStart(ref);
    const total = listpackCount(bytes, listpack);
    let at = firstElement(listpack);
    let to = at;
    for (let i = 0, left = count; i < total; i++) {
      const size = entryBytes(bytes, at);
      if (random() * (total - i) < left) {
        this.#element.read(bytes, at);
        sink(this.#element);
        left--;
      } else {
        if (to !== at) bytes.copyWithin(to, at, at + size);
        to += size;
      }
      at += size;
    }
    // What is left stands at the beginning: the rest is cut off before the end byte.
    entries.setValueWord(ref, splice(bytes, listpack, to, at - to, 0));
    addToCount(bytes, listpack, -count);
  }

  // --- The value type -------------------------------------------------------------------------------------------------

  /** Points to a member's entry in a table, such as a scan of it gives. */
  point(member: number, into: Element): void {
    const { entries } = this.heap;
    into.setString(entries.bytes(member), entries.keyStart(member), entries.keyLength(member));
  }

  bodyBytes(table: number, samples: number): number {
    return this.#members.memoryBytes(table, samples);
  }

  walk(ref: number, cursor: number, limit: number, sink: ElementSink): number {
    const { entries, tables } = this.heap;
    const element = this.#element;
    if (entries.hasBody(ref)) {
      const next = tables.scan(entries.valueWord(ref), cursor, limit, this.#refs);
      for (const member of this.#refs) {
        this.point(member, element);
        sink(element, element);
      }
      return next;
    }
    const bytes = entries.bytes(ref);
    const start = entries.valueStart(ref);
    if (entries.encoding(ref) === ENCODING_INTSET) {
      const end = Math.min(intsetCount(bytes, start), cursor + limit);
      for (let i = cursor; i < end; i++) {
        pointToInteger(element, bytes, start, i);
        sink(element, element);
      }
      return end === intsetCount(bytes, start) ? 0 : end;
    }
    let at = cursor === 0 ? firstElement(start) : start + cursor;
    for (; bytes[at] !== LISTPACK_END && limit > 0; limit--) {
      element.read(bytes, at);
      at += entryBytes(bytes, at);
      sink(element, element);
    }
    return bytes[at] === LISTPACK_END ? 0 : at - start;
  }

  memberTable(ref: number): number {
    const { entries } = this.heap;
    return entries.hasBody(ref) ? entries.valueWord(ref) : 0;
  }

  freeBody(table: number): void {
    if (!this.heap.snapshots.keepsBody(table)) this.#members.freeTable(table);
  }

  copyBody(table: number): number {
    return this.#members.copyTable(table);
  }

  relocateBody(ref: number, cursor: number): number {
    return this.#members.relocateBody(ref, cursor);
  }
}
