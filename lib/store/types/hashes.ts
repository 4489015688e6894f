/**
 * The hash value: fields and their values under one key. Small hashes are a listpack inline in the key's entry; beyond
 * `maxListpackEntries` fields or `maxListpackValue` bytes of one, for good, a table of members (members.ts) that
 * are the fields, with the value inline. Called by the hash commands, persistence, COPY and DEBUG.
 *
 * A hash is known by the ref of its key's entry. What changes it takes the ref that `Database.write` or `create` gave
 * and, where its block may move, returns the ref to go on with: the old one is dead from then on. Reading never moves
 * anything, but what it found lies in the arena and is good only until the next change.
 */

import { copyBytes } from "../../bytes/compare.ts";
import { hashBytes } from "../../bytes/hash.ts";
import { ENCODING_HASHTABLE, ENCODING_LISTPACK, ENTRY_HEADER_BYTES, TYPE_HASH, type UnixMs } from "../entry.ts";
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
  writeElement,
  writeMeasured,
} from "../listpack.ts";
import type { Heap } from "../heap.ts";
import { becomeBody, MAX_INLINE_BYTES, putBytes, putEmptyListpack, trimInline } from "./entry_values.ts";
import { HashIterator } from "./hash_iterator.ts";
import { Members } from "./members.ts";
import type { ElementSink, ValueHome, ValueType } from "./value_type.ts";

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
  readonly #members: Members;
  readonly #refs: number[] = [];

  constructor(readonly heap: Heap) {
    this.#members = new Members(heap);
  }

  /** Puts an empty hash under a key that is free; `reserve` more bytes of listpack will then not move it. */
  create(database: ValueHome, key: Uint8Array, start: number, length: number, reserve: number): number {
    return putEmptyListpack(this.heap, database, TYPE_HASH, key, start, length, reserve);
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
    const ref = putBytes(
      this.heap,
      database,
      TYPE_HASH,
      ENCODING_LISTPACK,
      key,
      keyStart,
      keyLength,
      listpack,
      start,
      length,
      expiry,
    );
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
      inlineLength + fieldLength + valueLength + 2 * LISTPACK_ENTRY_OVERHEAD > MAX_INLINE_BYTES
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
    const members = this.#members;
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
    const entry = members.create(field, fieldStart, fieldLength, valueLength, false);
    copyBytes(value, valueStart, valueLength, entries.bytes(entry), entries.valueStart(entry));
    if (found === 0) {
      this.heap.addNew(table, foresight.hash, entry);
      return true;
    }
    tables.replaceAt(slot, entry);
    members.free(table, found);
    return false;
  }

  /** Adds a field that is not there yet. */
  #addToTable(table: number, field: Element, value: Element): void {
    const { entries } = this.heap;
    field.toBytes();
    value.toBytes();
    const entry = this.#members.create(field.bytes, field.start, field.length, value.length, false);
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
      this.#members.free(table, found);
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
    return trimInline(this.heap, database, ref);
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
    return becomeBody(this.heap, database, ref, ENCODING_HASHTABLE, table);
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

  bodyBytes(table: number, samples: number): number {
    return this.#members.memoryBytes(table, samples);
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
    if (!this.heap.snapshots.keepsBody(table)) this.#members.freeTable(table);
  }

  copyBody(table: number): number {
    return this.#members.copyTable(table);
  }

  relocateBody(ref: number, cursor: number): number {
    return this.#members.relocateBody(ref, cursor);
  }
}
