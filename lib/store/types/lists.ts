/**
 * The list value: elements by position. Small ones are a listpack inline in the key's entry; those that outgrow
 * `maxListpackSize` become a body (list_bodies.ts), which Redis calls a quicklist, and so does OBJECT ENCODING. Called by
 * the list commands, SORT, persistence, COPY and DEBUG.
 *
 * A list is known by the ref of its key's entry. What changes it takes the ref that `Database.write` or `create` gave and,
 * where its block may move, returns the ref to go on with. What throws for want of memory has changed nothing.
 */

import { copyBytes } from "../../bytes/compare.ts";
import { ENCODING_LISTPACK, ENCODING_QUICKLIST, TYPE_LIST, type UnixMs } from "../entry.ts";
import type { Heap } from "../heap.ts";
import {
  addToCount,
  type Element,
  elementAt,
  elementBefore,
  EMPTY_LISTPACK_BYTES,
  entryBytes,
  firstElement,
  LISTPACK_HEADER_BYTES,
  listpackCount,
  measureElement,
  splice,
  writeMeasured,
} from "../listpack.ts";
import { becomeBody, putBytes, putEmptyListpack } from "./entry_values.ts";
import { type End, ListBodies, type ListLimits } from "./list_bodies.ts";
import { ListCursor } from "./list_cursor.ts";
import type { ElementSink, ValueHome, ValueType } from "./value_type.ts";

/** `maxListpackSize` from -1 to -5 as bytes. */
const SIZE_LIMITS = [4096, 8192, 16384, 32768, 65536];
/** Most bytes of a listpack of which the limit is on the number of elements. */
const SAFE_BYTES = 8192;
/** What a node's block has beside the listpack: a node that is full so fills a block of a round size. */
const NODE_OVERHEAD = 8;
/** Most elements of a listpack of which the limit is on its bytes: more than those can be. */
const ANY_NUMBER = 0x7fffffff;

/** An element on its way from one end of a listpack to the other, if it is small. */
const turned = new Uint8Array(256);

/** Operations on the lists of one heap. */
export class Lists implements ValueType, ListLimits {
  readonly name = "list";
  readonly order = "ordered";
  #maxListpackSize = -2;
  /** What that makes of the limits of a listpack. */
  #mostBytes = 0;
  #mostBlockBytes = 0;
  #mostElements = 0;
  /** `list-compress-depth`: nodes at each end that are not compressed; 0 compresses none. */
  compressDepth = 0;
  /** Elements from so many bytes on have a node of their own (DEBUG QUICKLIST-PACKED-THRESHOLD); 0: as the limits say. */
  packedThreshold = 0;
  readonly bodies: ListBodies;
  readonly #cursor: ListCursor;

  constructor(readonly heap: Heap) {
    this.maxListpackSize = -2;
    this.bodies = new ListBodies(heap, this);
    this.#cursor = new ListCursor(this);
  }

  /** Puts an empty list under a key, in place of what is there; `reserve` more bytes of listpack will not move it. */
  create(database: ValueHome, key: Uint8Array, start: number, length: number, reserve: number): number {
    return putEmptyListpack(this.heap, database, TYPE_LIST, key, start, length, reserve);
  }

  /** Puts a listpack, which is within the limits and lies not in the arena, under a key in place of what is there. The list. */
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
    const { heap } = this;
    const encoding = ENCODING_LISTPACK;
    return putBytes(heap, database, TYPE_LIST, encoding, key, keyStart, keyLength, listpack, start, length, expiry);
  }

  /** Number of elements. O(1). */
  count(ref: number): number {
    const { entries } = this.heap;
    if (entries.hasBody(ref)) return this.bodies.count(entries.valueWord(ref));
    return listpackCount(entries.bytes(ref), entries.valueStart(ref));
  }

  // --- Limits ---------------------------------------------------------------------------------------------------------

  /** `list-max-listpack-size`: most elements of a node, or its size as -1 (4 KiB) to -5 (64 KiB). */
  get maxListpackSize(): number {
    return this.#maxListpackSize;
  }

  set maxListpackSize(size: number) {
    this.#maxListpackSize = size;
    this.#mostBlockBytes = size >= 0 ? SAFE_BYTES : SIZE_LIMITS[Math.min(-size, SIZE_LIMITS.length) - 1];
    this.#mostBytes = size >= 0 ? SAFE_BYTES : this.#mostBlockBytes - NODE_OVERHEAD;
    this.#mostElements = size >= 0 ? Math.max(1, size) : ANY_NUMBER;
  }

  /** Most bytes of a listpack within the limits. */
  get mostBytes(): number {
    return this.#mostBytes;
  }

  /** Whether a listpack of so many bytes and elements is within the limits. */
  fits(bytes: number, count: number): boolean {
    return bytes <= this.#mostBytes && count <= this.#mostElements;
  }

  /** Whether a listpack of so many bytes and elements is within a share of the limits, without regard to what a node has beside it. */
  fitsShare(bytes: number, count: number, share: number): boolean {
    return bytes <= this.#mostBlockBytes * share && count <= Math.max(1, Math.floor(this.#mostElements * share));
  }

  /** Whether a list of so many bytes and elements is a listpack. */
  staysListpack(bytes: number, count: number): boolean {
    return this.fits(EMPTY_LISTPACK_BYTES + bytes, count);
  }

  /** Whether an element is to have a node of its own. */
  isAlone(length: number): boolean {
    if (this.packedThreshold > 0) return length >= this.packedThreshold;
    return !this.fits(length, 1);
  }

  /** Makes a listpack a body, if it would outgrow the limits with `bytes` of `count` elements more. The ref, maybe another. */
  prepareToAdd(database: ValueHome, ref: number, bytes: number, count: number): number {
    const { entries } = this.heap;
    if (entries.hasBody(ref) || this.takesMore(entries.valueWord(ref), this.count(ref), bytes, count)) return ref;
    return this.convert(database, ref);
  }

  /** Whether a list stays the listpack of so many bytes and elements that it is with `more` bytes of `added` elements more. */
  takesMore(bytes: number, count: number, more: number, added: number): boolean {
    const isLarge = this.packedThreshold > 0 && more >= this.packedThreshold;
    return !isLarge && this.fits(bytes + more, count + added);
  }

  // --- Elements -------------------------------------------------------------------------------------------------------

  /** Adds an element at an end. Returns the list's ref, maybe another. O(1), or O(log n) of the nodes. */
  push(database: ValueHome, ref: number, end: End, source: Uint8Array, start: number, length: number): number {
    const { entries } = this.heap;
    if (!entries.hasBody(ref)) ref = this.prepareToAdd(database, ref, length, 1);
    if (entries.hasBody(ref)) {
      this.bodies.push(entries.valueWord(ref), end, source, start, length);
      return ref;
    }
    const at = end === "head" ? LISTPACK_HEADER_BYTES : entries.valueWord(ref) - 1;
    return this.#insertInListpack(database, ref, at, source, start, length);
  }

  #insertInListpack(
    database: ValueHome,
    ref: number,
    at: number,
    source: Uint8Array,
    start: number,
    length: number,
  ): number {
    const { entries } = this.heap;
    const size = measureElement(source, start, length);
    ref = database.resizeValue(ref, entries.valueWord(ref) + size);
    const bytes = entries.bytes(ref);
    const listpack = entries.valueStart(ref);
    splice(bytes, listpack, listpack + at, 0, size);
    writeMeasured(bytes, listpack + at, source, start, length);
    addToCount(bytes, listpack, 1);
    return ref;
  }

  /** Points `into` to the element at an end of a list that has some. */
  peek(ref: number, end: End, into: Element): void {
    const { entries } = this.heap;
    if (entries.hasBody(ref)) return this.bodies.peek(entries.valueWord(ref), end, into);
    const bytes = entries.bytes(ref);
    const listpack = entries.valueStart(ref);
    const last = listpack + entries.valueWord(ref) - 1;
    into.read(bytes, end === "head" ? firstElement(listpack) : elementBefore(bytes, last));
  }

  /** Inserts an element before the one at `index`, which may be the number of elements. Returns the ref, maybe another. */
  insert(database: ValueHome, ref: number, index: number, source: Uint8Array, start: number, length: number): number {
    const { entries } = this.heap;
    ref = this.prepareToAdd(database, ref, length, 1);
    if (entries.hasBody(ref)) {
      this.bodies.insert(entries.valueWord(ref), index, source, start, length);
      return ref;
    }
    const listpack = entries.valueStart(ref);
    const at = elementAt(entries.bytes(ref), listpack, index) - listpack;
    return this.#insertInListpack(database, ref, at, source, start, length);
  }

  /** Puts another element in the place of the one at `index`. Returns the ref, maybe another. */
  set(database: ValueHome, ref: number, index: number, source: Uint8Array, start: number, length: number): number {
    const { entries } = this.heap;
    ref = this.prepareToAdd(database, ref, length, 0);
    // The new one first, so that the old stays where there is no memory.
    if (!entries.hasBody(ref)) {
      const listpack = entries.valueStart(ref);
      const at = elementAt(entries.bytes(ref), listpack, index) - listpack;
      ref = this.#insertInListpack(database, ref, at, source, start, length);
      this.#cutListpack(ref, index + 1, 1);
      return ref;
    }
    ref = this.insert(database, ref, index, source, start, length);
    this.delete(ref, index + 1, 1);
    return ref;
  }

  /** Has the next `delete` of these elements need no memory, for whoever deletes more before. Throws where there is none. */
  prepareToDelete(ref: number, index: number, count: number): void {
    const { entries } = this.heap;
    if (entries.hasBody(ref)) this.bodies.prepareToDelete(entries.valueWord(ref), index, count);
  }

  /**
   * Removes `count` elements from `index` on, which must be there. The list's block does not move: call `trim` when done, or
   * remove the key if `count` is 0, for a list without elements must not stay. Needs no memory but for compressed nodes.
   */
  delete(ref: number, index: number, count: number): void {
    const { entries } = this.heap;
    if (entries.hasBody(ref)) this.bodies.delete(entries.valueWord(ref), index, count);
    else this.#cutListpack(ref, index, count);
  }

  /**
   * Moves the element at an end of a listpack to the other end, which takes no memory and leaves its size as it is; false for
   * a list with a body, of which nothing was changed.
   */
  turn(ref: number, from: End): boolean {
    const { entries } = this.heap;
    if (entries.hasBody(ref)) return false;
    const bytes = entries.bytes(ref);
    const first = firstElement(entries.valueStart(ref));
    const end = entries.valueStart(ref) + entries.valueWord(ref) - 1;
    const at = from === "head" ? first : elementBefore(bytes, end);
    const size = entryBytes(bytes, at);
    const element = size <= turned.length ? turned : new Uint8Array(size);
    copyBytes(bytes, at, size, element, 0);
    if (from === "head") bytes.copyWithin(first, first + size, end);
    else bytes.copyWithin(first + size, first, at);
    copyBytes(element, 0, size, bytes, from === "head" ? end - size : first);
    return true;
  }

  /** Removes the element at an end of a list that has others too, as `delete`. O(1), or O(log n) of the nodes. */
  drop(ref: number, end: End): void {
    const { entries } = this.heap;
    if (entries.hasBody(ref) && this.bodies.drop(entries.valueWord(ref), end)) return;
    this.delete(ref, end === "head" ? 0 : this.count(ref) - 1, 1);
  }

  /** Has the next `drop` there need no memory, for whoever changes more before. Throws where there is none. */
  prepareToDrop(ref: number, end: End): void {
    const { entries } = this.heap;
    if (entries.hasBody(ref)) this.bodies.prepareToDrop(entries.valueWord(ref), end);
  }

  #cutListpack(ref: number, index: number, count: number): void {
    const { entries } = this.heap;
    const bytes = entries.bytes(ref);
    const listpack = entries.valueStart(ref);
    const at = elementAt(bytes, listpack, index);
    const end = elementAt(bytes, at - LISTPACK_HEADER_BYTES, count);
    entries.setValueWord(ref, splice(bytes, listpack, at, end - at, 0));
    addToCount(bytes, listpack, -count);
  }

  // --- Conversions ----------------------------------------------------------------------------------------------------

  /** Gives back what is much too large, and makes a body that has become small a listpack. The ref, maybe another. */
  trim(database: ValueHome, ref: number): number {
    const { entries } = this.heap;
    if (!entries.hasBody(ref)) return database.resizeValue(ref, entries.valueWord(ref));
    // Half the limit, so that a list at the limit does not go to and fro.
    return this.pack(database, ref, 1 / 2);
  }

  /** Makes a body of one node that is within a share of the limits a listpack. The ref, maybe another. */
  pack(database: ValueHome, ref: number, share: number): number {
    const { entries } = this.heap;
    if (!entries.hasBody(ref)) return ref;
    const body = entries.valueWord(ref);
    const listpack = this.bodies.listpack(body, share);
    if (listpack === null) return ref;
    try {
      ref = database.resizeValue(ref, 0);
      entries.setTypeAndEncoding(ref, TYPE_LIST, ENCODING_LISTPACK);
      ref = database.resizeValue(ref, listpack.length);
    } catch {
      entries.setTypeAndEncoding(ref, TYPE_LIST, ENCODING_QUICKLIST);
      entries.setValueWord(ref, body);
      return ref; // it may as well stay a body
    }
    copyBytes(listpack, 0, listpack.length, entries.bytes(ref), entries.valueStart(ref));
    this.freeBody(body);
    return ref;
  }

  /** Makes a listpack a body; a body stays as it is. Returns the ref, maybe another. Where there is no memory, nothing has changed. */
  convert(database: ValueHome, ref: number): number {
    const { entries } = this.heap;
    if (entries.hasBody(ref)) return ref;
    const count = this.count(ref);
    const length = entries.valueWord(ref);
    const body = this.bodies.create();
    try {
      if (count > 0) {
        const start = entries.valueStart(ref);
        this.bodies.append(body, entries.bytes(ref).slice(start, start + length), 0, length, count);
      }
    } catch (error) {
      this.freeBody(body);
      throw error;
    }
    return becomeBody(this.heap, database, ref, ENCODING_QUICKLIST, body);
  }

  // --- As a value type ------------------------------------------------------------------------------------------------

  freeBody(body: number): void {
    this.bodies.free(body);
  }

  copyBody(body: number): number {
    return this.bodies.copy(body);
  }

  bodyBytes(body: number, samples: number): number {
    return this.bodies.memoryBytes(body, samples);
  }

  walk(ref: number, cursor: number, limit: number, sink: ElementSink): number {
    const list = this.#cursor;
    if (!list.toIndex(ref, cursor)) return 0;
    do {
      sink(list.element, list.element);
      cursor++;
      limit--;
    } while (list.next() && limit > 0);
    return cursor < this.count(ref) ? cursor : 0;
  }

  memberTable(): number {
    return 0;
  }

  relocateBody(ref: number, cursor: number): number {
    return this.bodies.relocate(ref, cursor);
  }
}
