/**
 * The hash value: fields and their values under one key. Small hashes are a listpack inline in the key's entry; beyond
 * `maxListpackEntries` fields or `maxListpackValue` bytes of one, for good, a table (see table.ts) whose entries
 * have the field as key and the value inline. Called by the hash commands, persistence, COPY and DEBUG.
 *
 * A hash is known by the ref of its key's entry. What changes it takes the ref that `Database.write` or `create` gave
 * and, where its block may move, returns the ref to go on with: the old one is dead from then on. Reading never moves
 * anything, but what it found lies in the arena and is good only until the next change.
 */

import { copyBytes } from "../../bytes/compare.ts";
import { hashBytes } from "../../bytes/hash.ts";
import {
  ENCODING_HASHTABLE,
  ENCODING_LISTPACK,
  ENCODING_RAW,
  ENTRY_HEADER_BYTES,
  NO_EXPIRY,
  TYPE_HASH,
  TYPE_STRING,
  type UnixMs,
} from "../entry.ts";
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
import type { Heap } from "../heap.ts";
import type { ElementSink, ValueHome, ValueType } from "./value_type.ts";

/** A listpack that would grow beyond this becomes a table, whatever the limits: its block must fit the arena. */
const MAX_LISTPACK_BYTES = 2 ** 29;
/** Word 0 of a field's entry. */
const FIELD_META = TYPE_STRING | (ENCODING_RAW << 4);
/** Fields that an iterator fetches from a table at a time. */
const ITERATOR_BATCH = 128;

/** A table with no more fields is freed, or moved, at once. */
const FREED_AT_ONCE = 128;
const MOVED_AT_ONCE = 1024;

/** Operations on the hashes of one heap. */
export class Hashes implements ValueType {
  readonly name = "hash";
  readonly order = "pairs";
  /** Most fields of a hash that is kept as a listpack, and most bytes of a field or value in it. */
  maxListpackEntries = 512;
  maxListpackValue = 64;
  /** Whether the last `set` added a field. */
  added = false;
  readonly #element = new Element();
  readonly #value = new Element();
  readonly #refs: number[] = [];

  constructor(readonly heap: Heap) {}

  /** Puts an empty hash under a key that is free; `reserve` more bytes of listpack will then not move it. */
  create(database: ValueHome, key: Uint8Array, start: number, length: number, reserve: number): number {
    const { entries } = this.heap;
    const bytes = EMPTY_LISTPACK_BYTES + reserve;
    const ref = database.put(key, start, length, TYPE_HASH, ENCODING_LISTPACK, bytes, NO_EXPIRY);
    entries.setValueWord(ref, EMPTY_LISTPACK_BYTES);
    writeEmptyListpack(entries.bytes(ref), entries.valueStart(ref));
    return ref;
  }

  /**
   * Puts a hash under a key, in place of what is there, from a listpack of fields and values that is known to be sound
   * (`isValidListpack`, `hasDuplicates`). It becomes a table if it has too many fields. The bytes must not lie in the arena.
   */
  createFromListpack(
    database: ValueHome,
    key: Uint8Array,
    keyStart: number,
    keyLength: number,
    listpack: Uint8Array,
    start: number,
    length: number,
    expiry: UnixMs,
  ): number {
    const { entries } = this.heap;
    const ref = database.put(key, keyStart, keyLength, TYPE_HASH, ENCODING_LISTPACK, length, expiry);
    copyBytes(listpack, start, length, entries.bytes(ref), entries.valueStart(ref));
    return this.count(ref) > this.maxListpackEntries ? this.convert(database, ref) : ref;
  }

  /** Number of fields. */
  count(ref: number): number {
    const { entries, tables } = this.heap;
    if (entries.encoding(ref) === ENCODING_HASHTABLE) return tables.count(entries.valueWord(ref));
    return listpackCount(entries.bytes(ref), entries.valueStart(ref)) >>> 1;
  }

  /** Finds a field's value, and points `into` to it; false if there is no such field. O(1), or O(n) in a listpack. */
  get(ref: number, field: Uint8Array, start: number, length: number, into: Element): boolean {
    const { entries } = this.heap;
    if (entries.encoding(ref) === ENCODING_HASHTABLE) {
      const found = this.heap.foresight.find(entries.valueWord(ref), field, start, length);
      if (found === 0) return false;
      into.setString(entries.bytes(found), entries.valueStart(found), entries.valueWord(found));
      return true;
    }
    const bytes = entries.bytes(ref);
    const at = findElement(bytes, entries.valueStart(ref), 2, field, start, length);
    if (at < 0) return false;
    into.read(bytes, at + entryBytes(bytes, at));
    return true;
  }

  /** Whether there is such a field. */
  has(ref: number, field: Uint8Array, start: number, length: number): boolean {
    return this.get(ref, field, start, length, this.#element);
  }

  /**
   * Sets a field and says in `added` whether it is a new one. Returns the hash's ref, maybe another. Neither field nor
   * value may lie in this hash. O(1), or O(n) in a listpack. Where there is no memory for it, no field has changed, but
   * the hash may have become a table, so that its ref is another.
   */
  set(
    database: ValueHome,
    ref: number,
    field: Uint8Array,
    fieldStart: number,
    fieldLength: number,
    value: Uint8Array,
    valueStart: number,
    valueLength: number,
  ): number {
    const { entries } = this.heap;
    const inlineLength = entries.valueWord(ref);
    if (entries.encoding(ref) === ENCODING_HASHTABLE) {
      this.added = this.#setInTable(inlineLength, field, fieldStart, fieldLength, value, valueStart, valueLength);
      return ref;
    }
    const limit = this.maxListpackValue;
    if (
      fieldLength > limit || valueLength > limit ||
      inlineLength + fieldLength + valueLength + 2 * LISTPACK_ENTRY_OVERHEAD > MAX_LISTPACK_BYTES
    ) {
      ref = this.convert(database, ref);
      return this.set(database, ref, field, fieldStart, fieldLength, value, valueStart, valueLength);
    }
    let bytes = entries.bytes(ref);
    let start = entries.valueStart(ref);

    const found = findElement(bytes, start, 2, field, fieldStart, fieldLength);
    if ((listpackCount(bytes, start) >>> 1) + (found < 0 ? 1 : 0) > this.maxListpackEntries) {
      ref = this.convert(database, ref);
      return this.set(database, ref, field, fieldStart, fieldLength, value, valueStart, valueLength);
    }
    const valueBytes = measureElement(value, valueStart, valueLength);
    if (found >= 0) {
      this.added = false;
      let at = found + entryBytes(bytes, found);
      const before = entryBytes(bytes, at);
      if (valueBytes > before) {
        at -= start;
        ref = database.resizeValue(ref, inlineLength + valueBytes - before);
        bytes = entries.bytes(ref);
        start = entries.valueStart(ref);
        at += start;
      }
      if (valueBytes !== before) entries.setValueWord(ref, splice(bytes, start, at, before, valueBytes));
      writeMeasured(bytes, at, value, valueStart, valueLength);
    } else {
      this.added = true;
      const added = measureElement(field, fieldStart, fieldLength) + valueBytes;
      ref = database.resizeValue(ref, inlineLength + added);
      bytes = entries.bytes(ref);
      start = entries.valueStart(ref);
      splice(bytes, start, start + inlineLength - 1, 0, added);
      const at = writeElement(bytes, start + inlineLength - 1, field, fieldStart, fieldLength);
      writeElement(bytes, at, value, valueStart, valueLength);
      addToCount(bytes, start, 2);
    }
    return ref;
  }

  /** Sets a field in a table; whether it is new. The field is hashed once and looked up once. */
  #setInTable(
    table: number,
    field: Uint8Array,
    fieldStart: number,
    fieldLength: number,
    value: Uint8Array,
    valueStart: number,
    valueLength: number,
  ): boolean {
    const { entries, tables, foresight, snapshots } = this.heap;
    const found = foresight.find(table, field, fieldStart, fieldLength);
    if (found !== 0 && !snapshots.isAwaited(found)) {
      const header = ENTRY_HEADER_BYTES + fieldLength + 7;
      if ((header + entries.valueWord(found)) >>> 3 === (header + valueLength) >>> 3) {
        entries.setValueWord(found, valueLength);
        copyBytes(value, valueStart, valueLength, entries.bytes(found), entries.valueStart(found));
        return false;
      }
    }
    const slot = tables.slot;
    const entry = entries.create(field, fieldStart, fieldLength, FIELD_META, valueLength, false);
    if (snapshots.epoch !== 0) snapshots.mark(entry);
    copyBytes(value, valueStart, valueLength, entries.bytes(entry), entries.valueStart(entry));
    if (found === 0) {
      this.heap.addNew(table, foresight.hash, entry);
      return true;
    }
    tables.replaceAt(slot, entry);
    this.#freeField(table, found);
    return false;
  }

  /** Frees a field's entry that is no longer in its table. */
  #freeField(table: number, entry: number): void {
    if (!this.heap.snapshots.takesElement(table, entry)) this.heap.arena.free(entry);
  }

  /** Adds a field that is not there yet. */
  #addToTable(table: number, field: Element, value: Element): void {
    const { entries, snapshots } = this.heap;
    field.toBytes();
    value.toBytes();
    const entry = entries.create(field.bytes, field.start, field.length, FIELD_META, value.length, false);
    if (snapshots.epoch !== 0) snapshots.mark(entry);
    copyBytes(value.bytes, value.start, value.length, entries.bytes(entry), entries.valueStart(entry));
    this.heap.addNew(table, hashBytes(field.bytes, field.start, field.length), entry);
  }

  /**
   * Removes a field; whether it was there. The block does not move: call `trim` when done, or remove the key if
   * `count` is 0, for a hash without fields must not stay.
   */
  delete(ref: number, field: Uint8Array, start: number, length: number): boolean {
    const { entries, tables } = this.heap;
    if (entries.encoding(ref) === ENCODING_HASHTABLE) {
      const table = entries.valueWord(ref);
      const found = this.heap.foresight.find(table, field, start, length);
      if (found === 0) return false;
      tables.removeFound(table);
      this.#freeField(table, found);
      return true;
    }
    const bytes = entries.bytes(ref);
    const listpack = entries.valueStart(ref);
    const at = findElement(bytes, listpack, 2, field, start, length);
    if (at < 0) return false;
    const fieldBytes = entryBytes(bytes, at);
    const removed = fieldBytes + entryBytes(bytes, at + fieldBytes);
    entries.setValueWord(ref, splice(bytes, listpack, at, removed, 0));
    addToCount(bytes, listpack, -2);
    return true;
  }

  /** Gives back a block that has become much too large. Returns the hash's ref, maybe another. */
  trim(database: ValueHome, ref: number): number {
    const { entries } = this.heap;
    if (entries.encoding(ref) === ENCODING_HASHTABLE) return ref;
    return database.resizeValue(ref, entries.valueWord(ref));
  }

  /**
   * Makes a listpack a table; a table stays as it is. Returns the hash's ref, maybe another. O(n). Where there is no
   * memory for it, the hash is as before.
   */
  convert(database: ValueHome, ref: number): number {
    const { entries, tables } = this.heap;
    if (entries.encoding(ref) === ENCODING_HASHTABLE) return ref;
    const table = tables.create();
    try {
      const iterator = new HashIterator(this);
      iterator.begin(ref);
      while (iterator.next()) this.#addToTable(table, iterator.field, iterator.value);
    } catch (error) {
      this.freeBody(table);
      throw error;
    }
    ref = database.resizeValue(ref, 0);
    entries.setTypeAndEncoding(ref, TYPE_HASH, ENCODING_HASHTABLE);
    entries.setValueWord(ref, table);
    return ref;
  }

  /**
   * Points `field` and `value` to some field, each as likely as any other; the hash must not be empty. `random` gives
   * values in [0, 1). O(1), or O(n) in a listpack.
   */
  random(ref: number, random: () => number, field: Element, value: Element): void {
    const { entries, tables } = this.heap;
    if (entries.encoding(ref) === ENCODING_HASHTABLE) {
      return this.point(tables.random(entries.valueWord(ref), random), field, value);
    }
    const bytes = entries.bytes(ref);
    const start = entries.valueStart(ref);
    const index = Math.floor(random() * (listpackCount(bytes, start) >>> 1));
    const at = elementAt(bytes, start, index * 2);
    field.read(bytes, at);
    value.read(bytes, at + entryBytes(bytes, at));
  }

  /** Points `field` and `value` to an entry of a hash's table, such as a scan of it gives. */
  point(entry: number, field: Element, value: Element): void {
    const entries = this.heap.entries;
    const bytes = entries.bytes(entry);
    field.setString(bytes, entries.keyStart(entry), entries.keyLength(entry));
    value.setString(bytes, entries.valueStart(entry), entries.valueWord(entry));
  }

  /**
   * Bytes that the value takes outside of its key's entry: nothing for a listpack; for a table, its own and those of
   * `samples` fields taken for all (0: of all fields).
   */
  memoryBytes(ref: number, samples: number): number {
    const { entries, tables, arena } = this.heap;
    if (entries.encoding(ref) !== ENCODING_HASHTABLE) return 0;
    const table = entries.valueWord(ref);
    const wanted = samples === 0 ? Infinity : samples;
    const refs: number[] = [];
    let cursor = 0;
    let seen = 0;
    let bytes = 0;
    do {
      cursor = tables.scan(table, cursor, ITERATOR_BATCH, refs);
      for (let i = 0; i < refs.length && seen < wanted; i++, seen++) bytes += arena.usableBytes(refs[i]);
    } while (cursor !== 0 && seen < wanted);
    return tables.memoryBytes(table) + (seen === 0 ? 0 : Math.round((bytes / seen) * tables.count(table)));
  }

  walk(ref: number, cursor: number, limit: number, sink: ElementSink): number {
    const { entries, tables } = this.heap;
    const field = this.#element;
    const value = this.#value;
    if (entries.encoding(ref) === ENCODING_HASHTABLE) {
      const next = tables.scan(entries.valueWord(ref), cursor, limit, this.#refs);
      for (const entry of this.#refs) {
        this.point(entry, field, value);
        sink(field, value);
      }
      return next;
    }
    const bytes = entries.bytes(ref);
    const start = entries.valueStart(ref);
    let at = cursor === 0 ? firstElement(start) : start + cursor;
    for (; bytes[at] !== LISTPACK_END && limit > 0; limit--) {
      const valueAt = at + entryBytes(bytes, at);
      field.read(bytes, at);
      value.read(bytes, valueAt);
      at = valueAt + entryBytes(bytes, valueAt);
      sink(field, value);
    }
    return bytes[at] === LISTPACK_END ? 0 : at - start;
  }

  memberTable(ref: number): number {
    const { entries } = this.heap;
    return entries.encoding(ref) === ENCODING_HASHTABLE ? entries.valueWord(ref) : 0;
  }

  /** Frees a table and its fields: a small one at once, a large one in slices. */
  freeBody(table: number): void {
    const { arena, tables, snapshots } = this.heap;
    if (snapshots.keepsBody(table)) return;
    if (tables.count(table) > FREED_AT_ONCE) return this.heap.discardTable(table);
    const refs = this.#refs;
    let cursor = 0;
    do {
      cursor = tables.scan(table, cursor, FREED_AT_ONCE, refs);
      for (let i = 0; i < refs.length; i++) arena.free(refs[i]);
    } while (cursor !== 0);
    tables.destroy(table);
  }

  copyBody(table: number): number {
    const copy = this.heap.tables.create();
    try {
      this.#copyFields(table, copy);
    } catch (error) {
      this.freeBody(copy);
      throw error;
    }
    return copy;
  }

  #copyFields(from: number, to: number): void {
    const { entries, tables, snapshots } = this.heap;
    const refs: number[] = [];
    let cursor = 0;
    do {
      cursor = tables.scan(from, cursor, ITERATOR_BATCH, refs);
      for (const ref of refs) {
        const twin = this.heap.copyBlock(ref, entries.bytesOf(ref));
        snapshots.mark(twin);
        this.heap.addNew(to, hashBytes(entries.bytes(ref), entries.keyStart(ref), entries.keyLength(ref)), twin);
      }
    } while (cursor !== 0);
  }

  relocateBody(ref: number, cursor: number): number {
    const { entries, tables } = this.heap;
    if (cursor > 0) return tables.relocateSegment(entries.valueWord(ref), cursor, this.#relocateField);
    const table = tables.relocate(entries.valueWord(ref));
    entries.setValueWord(ref, table);
    const isSmall = tables.count(table) <= MOVED_AT_ONCE;
    do cursor = tables.relocateSegment(table, cursor, this.#relocateField); while (cursor !== 0 && isSmall);
    return cursor;
  }

  readonly #relocateField = (ref: number): number => {
    const { arena, entries } = this.heap;
    if (!arena.isLeaving(ref)) return ref;
    const moved = this.heap.copyBlock(ref, entries.bytesOf(ref));
    arena.free(ref);
    return moved;
  };
}

/** Walks over all fields of a hash, which must not change meanwhile. */
export class HashIterator {
  /** What the last `next` came to. */
  readonly field: Element = new Element();
  readonly value: Element = new Element();

  #isTable = false;
  #bytes = this.field.bytes;
  /** Offset of the next element of a listpack; index of the next entry in `#batch`. */
  #at = 0;
  #table = 0;
  #cursor = 0;
  #last = false;
  readonly #batch: number[] = [];

  constructor(readonly hashes: Hashes) {}

  /** Begins anew, with the hash `ref`. */
  begin(ref: number): void {
    const { entries } = this.hashes.heap;
    this.#isTable = entries.encoding(ref) === ENCODING_HASHTABLE;
    if (this.#isTable) {
      this.#table = entries.valueWord(ref);
      this.#cursor = 0;
      this.#at = 0;
      this.#last = false;
      this.#batch.length = 0;
    } else {
      this.#bytes = entries.bytes(ref);
      this.#at = firstElement(entries.valueStart(ref));
    }
  }

  /** Goes to the next field; false after the last. */
  next(): boolean {
    if (this.#isTable) return this.#nextInTable();
    const bytes = this.#bytes;
    const at = this.#at;
    if (bytes[at] === LISTPACK_END) return false;
    const valueAt = at + entryBytes(bytes, at);
    this.field.read(bytes, at);
    this.value.read(bytes, valueAt);
    this.#at = valueAt + entryBytes(bytes, valueAt);
    return true;
  }

  #nextInTable(): boolean {
    while (this.#at === this.#batch.length) {
      if (this.#last) return false;
      this.#cursor = this.hashes.heap.tables.scan(this.#table, this.#cursor, ITERATOR_BATCH, this.#batch);
      this.#last = this.#cursor === 0;
      this.#at = 0;
    }
    this.hashes.point(this.#batch[this.#at++], this.field, this.value);
    return true;
  }
}
