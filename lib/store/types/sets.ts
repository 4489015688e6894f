/**
 * The set value: members, each once, in no order. Small ones lie inline in the key's entry: integers alone as an intset, up
 * to `maxIntsetEntries`; else as a listpack, up to `maxListpackEntries` members of at most `maxListpackValue` bytes. What
 * outgrows these is, for good, a table of members (members.ts). Called by the set commands, persistence, COPY and DEBUG.
 *
 * A set is known by the ref of its key's entry. What changes it takes the ref that `Database.write` or `create` gave and,
 * where its block may move, returns the ref to go on with: the old one is dead from then on. Members are found in O(1) in a
 * table, O(log n) in an intset, O(n) in a listpack, whose n is small.
 */

import { copyBytes } from "../../bytes/compare.ts";
import { hashBytes } from "../../bytes/hash.ts";
import { highWord, lowWord, parseWords, splitInteger } from "../../bytes/int64_words.ts";
import { ENCODING_HASHTABLE, ENCODING_INTSET, ENCODING_LISTPACK, NO_EXPIRY, TYPE_SET, type UnixMs } from "../entry.ts";
import type { Heap } from "../heap.ts";
import {
  findInteger,
  insertInteger,
  integerOffset,
  INTSET_HEADER_BYTES,
  intsetBytes,
  intsetCount,
  intsetWidth,
  readInteger,
  removeInteger,
  setIntsetCount,
  widen,
  widthOf,
  writeEmptyIntset,
} from "../intset.ts";
import {
  addToCount,
  Element,
  elementAt,
  EMPTY_LISTPACK_BYTES,
  entryBytes,
  findElement,
  firstElement,
  LISTPACK_END,
  LISTPACK_ENTRY_OVERHEAD,
  listpackCount,
  measureElement,
  splice,
  writeElement,
  writeEmptyListpack,
  writeMeasured,
} from "../listpack.ts";
import { Members } from "./members.ts";
import type { ElementSink, ValueHome, ValueType } from "./value_type.ts";

/** What would grow beyond this inline becomes a table, whatever the limits: its block must fit the arena. */
const MAX_INLINE_BYTES = 2 ** 29;
/** Most integers of an intset, whatever the limit says. */
const MAX_INTSET_ENTRIES = 2 ** 30;
/** Members that an iterator fetches from a table at a time. */
const ITERATOR_BATCH = 128;
/** Most bytes of an integer in a listpack. */
const MAX_INTEGER_BYTES = 10;
/** Bytes for the conversion of intsets that are kept from one to the next. */
const KEPT_SCRATCH_BYTES = 64 * 1024;
/** A table of which a larger part is to be taken at random is walked; of a smaller one, members are drawn. */
const DRAWN_PART = 1 / 4;

/** Which of the two words of a 64-bit integer is the lower one here. */
const LOW_WORD = new Int32Array(BigInt64Array.of(1n).buffer)[0] === 1 ? 0 : 1;
const NO_BYTES = new Uint8Array(0);

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
  readonly #element = new Element();
  readonly #refs: number[] = [];
  #scratch = new Uint8Array(1024);

  constructor(readonly heap: Heap) {
    this.#members = new Members(heap);
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
    const { entries } = this.heap;
    const bytes = INTSET_HEADER_BYTES + reserve;
    const ref = home.put(key, start, length, TYPE_SET, ENCODING_INTSET, bytes, NO_EXPIRY);
    entries.setValueWord(ref, INTSET_HEADER_BYTES);
    writeEmptyIntset(entries.bytes(ref), entries.valueStart(ref), 2);
    return ref;
  }

  /** Puts an empty listpack under a key, in place of what is there; `reserve` more bytes will not move it. */
  createListpack(home: ValueHome, key: Uint8Array, start: number, length: number, reserve: number): number {
    const { entries } = this.heap;
    const bytes = EMPTY_LISTPACK_BYTES + reserve;
    const ref = home.put(key, start, length, TYPE_SET, ENCODING_LISTPACK, bytes, NO_EXPIRY);
    entries.setValueWord(ref, EMPTY_LISTPACK_BYTES);
    writeEmptyListpack(entries.bytes(ref), entries.valueStart(ref));
    return ref;
  }

  /** Puts an empty table under a key, in place of what is there. */
  createTable(home: ValueHome, key: Uint8Array, start: number, length: number): number {
    const { entries, tables } = this.heap;
    const table = tables.create();
    let ref: number;
    try {
      ref = home.put(key, start, length, TYPE_SET, ENCODING_HASHTABLE, 0, NO_EXPIRY);
    } catch (error) {
      tables.destroy(table);
      throw error;
    }
    entries.setValueWord(ref, table);
    return ref;
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
    const { entries } = this.heap;
    const ref = home.put(key, keyStart, keyLength, TYPE_SET, encoding, length, expiry);
    copyBytes(source, start, length, entries.bytes(ref), entries.valueStart(ref));
    const most = encoding === ENCODING_INTSET ? this.#mostIntegers() : this.maxListpackEntries;
    return this.count(ref) > most ? this.convert(home, ref) : ref;
  }

  /**
   * Moves a set that stands alone (see lone_values.ts) under a key, in place of what is there, without an expiry. Where
   * there is no memory for it, nothing has changed.
   */
  moveTo(home: ValueHome, key: Uint8Array, start: number, length: number, from: number): number {
    const { arena, entries } = this.heap;
    const inline = entries.inlineLength(from);
    const ref = home.put(key, start, length, TYPE_SET, entries.encoding(from), inline, NO_EXPIRY);
    if (entries.hasBody(from)) entries.setValueWord(ref, entries.valueWord(from));
    else copyBytes(entries.bytes(from), entries.valueStart(from), inline, entries.bytes(ref), entries.valueStart(ref));
    arena.free(from);
    return ref;
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
        return intsetCount(entries.bytes(ref), entries.valueStart(ref));
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
        return parseWords(member, start, length) &&
          findInteger(entries.bytes(ref), entries.valueStart(ref), highWord, lowWord) >= 0;
    }
    return findElement(entries.bytes(ref), entries.valueStart(ref), 1, member, start, length) >= 0;
  }

  /** Whether an element, of another set, is a member of this one as well; it may be a string after that. */
  hasElement(ref: number, element: Element): boolean {
    const { entries } = this.heap;
    if (element.isInteger && element.integer === element.integer && entries.encoding(ref) === ENCODING_INTSET) {
      splitInteger(element.integer);
      return findInteger(entries.bytes(ref), entries.valueStart(ref), highWord, lowWord) >= 0;
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

  #addToTable(table: number, member: Uint8Array, start: number, length: number): void {
    const { foresight } = this.heap;
    this.added = false;
    if (foresight.find(table, member, start, length) !== 0) return;
    this.heap.addNew(table, foresight.hash, this.#members.create(member, start, length, 0, false));
    this.added = true;
  }

  /** Adds the integer that `parseWords` has just found in a member to an intset. */
  #addInteger(home: ValueHome, ref: number, member: Uint8Array, start: number, length: number): number {
    const { entries } = this.heap;
    const high = highWord;
    const low = lowWord;
    let bytes = entries.bytes(ref);
    let intset = entries.valueStart(ref);
    const found = findInteger(bytes, intset, high, low);
    this.added = false;
    if (found >= 0) return ref;
    const count = intsetCount(bytes, intset);
    const width = Math.max(widthOf(high, low), intsetWidth(bytes, intset));
    if (count >= this.#mostIntegers() || intsetBytes(count + 1, width) > MAX_INLINE_BYTES) {
      ref = this.convert(home, ref);
      this.#addToTable(entries.valueWord(ref), member, start, length);
      return ref;
    }
    ref = home.resizeValue(ref, intsetBytes(count + 1, width));
    bytes = entries.bytes(ref);
    intset = entries.valueStart(ref);
    if (width > intsetWidth(bytes, intset)) widen(bytes, intset, width);
    insertInteger(bytes, intset, -1 - found, high, low);
    this.added = true;
    return ref;
  }

  /** Adds a member that is no integer to an intset, which becomes a listpack if all that fits one, else a table. */
  #addText(home: ValueHome, ref: number, member: Uint8Array, start: number, length: number): number {
    const { entries } = this.heap;
    const bytes = entries.bytes(ref);
    const intset = entries.valueStart(ref);
    const count = intsetCount(bytes, intset);
    const isSmall = count < this.maxListpackEntries && length <= this.maxListpackValue &&
      this.#longestInteger(bytes, intset, count) <= this.maxListpackValue &&
      count * MAX_INTEGER_BYTES + length + LISTPACK_ENTRY_OVERHEAD < MAX_INLINE_BYTES;
    if (isSmall) return this.#addToListpack(home, this.#intsetToListpack(home, ref, count), member, start, length);
    ref = this.convert(home, ref);
    this.#addToTable(entries.valueWord(ref), member, start, length);
    return ref;
  }

  /** Most bytes that an integer of an intset has in decimal. */
  #longestInteger(bytes: Uint8Array, intset: number, count: number): number {
    if (count === 0) return 0;
    const element = this.#element;
    this.#readInteger(element, bytes, intset, 0);
    const length = element.byteLength();
    this.#readInteger(element, bytes, intset, count - 1);
    return Math.max(length, element.byteLength());
  }

  /** Points to an integer of an intset. */
  #readInteger(element: Element, bytes: Uint8Array, intset: number, index: number): void {
    element.setInteger(readInteger(bytes, intset, index), bytes, integerOffset(bytes, intset, index));
  }

  #intsetToListpack(home: ValueHome, ref: number, count: number): number {
    const { entries } = this.heap;
    const most = EMPTY_LISTPACK_BYTES + count * MAX_INTEGER_BYTES;
    const scratch = this.#scratch.length >= most ? this.#scratch : new Uint8Array(most);
    if (most <= KEPT_SCRATCH_BYTES) this.#scratch = scratch;
    const element = this.#element;
    writeEmptyListpack(scratch, 0);
    let at = firstElement(0);
    for (let i = 0; i < count; i++) {
      this.#readInteger(element, entries.bytes(ref), entries.valueStart(ref), i);
      element.toBytes();
      at = writeElement(scratch, at, element.bytes, element.start, element.length);
    }
    const length = splice(scratch, 0, firstElement(0), 0, at - firstElement(0));
    scratch[length - 1] = LISTPACK_END;
    ref = home.resizeValue(ref, length);
    copyBytes(scratch, 0, length, entries.bytes(ref), entries.valueStart(ref));
    addToCount(entries.bytes(ref), entries.valueStart(ref), count);
    entries.setTypeAndEncoding(ref, TYPE_SET, ENCODING_LISTPACK);
    return ref;
  }

  #addToListpack(home: ValueHome, ref: number, member: Uint8Array, start: number, length: number): number {
    const { entries } = this.heap;
    let bytes = entries.bytes(ref);
    let listpack = entries.valueStart(ref);
    this.added = false;
    if (findElement(bytes, listpack, 1, member, start, length) >= 0) return ref;
    const inlineLength = entries.valueWord(ref);
    if (
      length > this.maxListpackValue || listpackCount(bytes, listpack) >= this.maxListpackEntries ||
      inlineLength + length + LISTPACK_ENTRY_OVERHEAD > MAX_INLINE_BYTES
    ) {
      ref = this.convert(home, ref);
      this.#addToTable(entries.valueWord(ref), member, start, length);
      return ref;
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
        const bytes = entries.bytes(ref);
        const index = findInteger(bytes, entries.valueStart(ref), highWord, lowWord);
        if (index < 0) return false;
        this.#removeInteger(ref, index);
        return true;
      }
    }
    const at = findElement(entries.bytes(ref), entries.valueStart(ref), 1, member, start, length);
    if (at < 0) return false;
    this.#removeAt(ref, at);
    return true;
  }

  /** Removes an integer of an intset. */
  #removeInteger(ref: number, index: number): void {
    const { entries } = this.heap;
    const bytes = entries.bytes(ref);
    const intset = entries.valueStart(ref);
    removeInteger(bytes, intset, index);
    entries.setValueWord(ref, intsetBytes(intsetCount(bytes, intset), intsetWidth(bytes, intset)));
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
    const { entries } = this.heap;
    return entries.hasBody(ref) ? ref : home.resizeValue(ref, entries.valueWord(ref));
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
    ref = home.resizeValue(ref, 0);
    entries.setTypeAndEncoding(ref, TYPE_SET, ENCODING_HASHTABLE);
    entries.setValueWord(ref, table);
    return ref;
  }

  /**
   * Makes a set that stands alone, and of which all members are integers, an intset, unless it has too many. Returns its
   * ref, maybe another. O(n log n). Where there is no memory for it, the set is as before.
   */
  convertToIntset(home: ValueHome, ref: number): number {
    const { entries } = this.heap;
    const count = this.count(ref);
    if (entries.encoding(ref) === ENCODING_INTSET || count > this.#mostIntegers()) return ref;
    const integers = new BigInt64Array(count);
    const words = new Int32Array(integers.buffer);
    const iterator = new SetIterator(this);
    iterator.begin(ref);
    let width = 2;
    for (let i = 0; iterator.next(); i += 2) {
      if (!iterator.parse()) throw new Error("a member that is no integer");
      words[i + LOW_WORD] = lowWord;
      words[i + 1 - LOW_WORD] = highWord;
      width = Math.max(width, widthOf(highWord, lowWord));
    }
    integers.sort();
    const intset = this.createIntset(home, NO_BYTES, 0, 0, count * width);
    const bytes = entries.bytes(intset);
    const start = entries.valueStart(intset);
    writeEmptyIntset(bytes, start, width);
    for (let i = 0; i < count; i++) {
      insertInteger(bytes, start, i, words[2 * i + 1 - LOW_WORD], words[2 * i + LOW_WORD]);
    }
    entries.setValueWord(intset, intsetBytes(count, width));
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
    const bytes = entries.bytes(ref);
    const start = entries.valueStart(ref);
    if (entries.encoding(ref) === ENCODING_INTSET) this.#readInteger(into, bytes, start, index);
    else into.read(bytes, elementAt(bytes, start, index));
  }

  /**
   * Removes `count` members, each as likely as any other, and tells `sink` of each before it goes; there must be more. The
   * block does not move: call `trim` when done. O(count) for a small part of a table, else O(n).
   */
  takeRandom(ref: number, count: number, random: () => number, sink: (member: Element) => void): void {
    const { entries, tables } = this.heap;
    if (count <= 0) return;
    if (entries.encoding(ref) === ENCODING_INTSET) return this.#takeIntegers(ref, count, random, sink);
    if (!entries.hasBody(ref)) return this.#takeElements(ref, count, random, sink);
    const table = entries.valueWord(ref);
    const element = this.#element;
    const take = (member: number) => {
      this.point(member, element);
      sink(element);
      this.#removeEntry(table, member);
    };
    let left = tables.count(table);
    if (count > left * DRAWN_PART) {
      // Selection sampling (Knuth, 3.4.2, algorithm S), in the order of the table.
      let cursor = 0;
      do {
        cursor = tables.scan(table, cursor, ITERATOR_BATCH, this.#refs);
        for (const member of this.#refs) {
          if (random() * left-- >= count) continue;
          take(member);
          count--;
        }
      } while (cursor !== 0 && count > 0);
    }
    for (; count > 0; count--) take(tables.random(table, random));
  }

  #takeIntegers(ref: number, count: number, random: () => number, sink: (member: Element) => void): void {
    const { entries } = this.heap;
    const bytes = entries.bytes(ref);
    const intset = entries.valueStart(ref);
    const width = intsetWidth(bytes, intset);
    const total = intsetCount(bytes, intset);
    const first = intset + INTSET_HEADER_BYTES;
    let to = first;
    for (let i = 0, left = count; i < total; i++) {
      const at = first + i * width;
      if (random() * (total - i) < left) {
        this.#readInteger(this.#element, bytes, intset, i);
        sink(this.#element);
        left--;
      } else {
        for (let j = 0; j < width; j++) bytes[to + j] = bytes[at + j];
        to += width;
      }
    }
    setIntsetCount(bytes, intset, total - count);
    entries.setValueWord(ref, to - intset);
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

  memoryBytes(ref: number, samples: number): number {
    const { entries } = this.heap;
    return entries.hasBody(ref) ? this.#members.memoryBytes(entries.valueWord(ref), samples) : 0;
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
        this.#readInteger(element, bytes, start, i);
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
    const { entries } = this.heap;
    return this.#members.relocate(entries.valueWord(ref), cursor, (table) => entries.setValueWord(ref, table));
  }
}

/** Walks over all members of a set, which must not change meanwhile. */
export class SetIterator {
  /** What the last `next` came to. */
  readonly member: Element = new Element();

  #encoding = 0;
  #bytes: Uint8Array = this.member.bytes;
  /** Where an inline value begins; a table's ref. */
  #start = 0;
  /** Offset of the next element of a listpack; index of the next integer, or of the next entry in `#batch`. */
  #at = 0;
  #count = 0;
  #cursor = 0;
  #isLast = false;
  readonly #batch: number[] = [];

  constructor(readonly sets: Sets) {}

  /** Begins anew, with the set `ref`. */
  begin(ref: number): void {
    const { entries } = this.sets.heap;
    this.#encoding = entries.encoding(ref);
    this.#at = 0;
    if (this.#encoding === ENCODING_HASHTABLE) {
      this.#start = entries.valueWord(ref);
      this.#cursor = 0;
      this.#isLast = false;
      this.#batch.length = 0;
      return;
    }
    this.#bytes = entries.bytes(ref);
    this.#start = entries.valueStart(ref);
    if (this.#encoding === ENCODING_INTSET) this.#count = intsetCount(this.#bytes, this.#start);
    else this.#at = firstElement(this.#start);
  }

  /** Goes to the next member; false after the last. */
  next(): boolean {
    if (this.#encoding === ENCODING_HASHTABLE) return this.#nextInTable();
    const bytes = this.#bytes;
    const at = this.#at;
    if (this.#encoding === ENCODING_INTSET) {
      if (at === this.#count) return false;
      this.member.setInteger(readInteger(bytes, this.#start, at), bytes, integerOffset(bytes, this.#start, at));
      this.#at++;
      return true;
    }
    if (bytes[at] === LISTPACK_END) return false;
    this.member.read(bytes, at);
    this.#at = at + entryBytes(bytes, at);
    return true;
  }

  #nextInTable(): boolean {
    while (this.#at === this.#batch.length) {
      if (this.#isLast) return false;
      this.#cursor = this.sets.heap.tables.scan(this.#start, this.#cursor, ITERATOR_BATCH, this.#batch);
      this.#isLast = this.#cursor === 0;
      this.#at = 0;
    }
    this.sets.point(this.#batch[this.#at++], this.member);
    return true;
  }

  /** Whether the member is an integer; it is said in the words of bytes/int64_words.ts then. */
  parse(): boolean {
    const { member } = this;
    member.toBytes();
    return parseWords(member.bytes, member.start, member.length);
  }
}
