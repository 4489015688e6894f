/**
 * Lists made of elements that come one after the other and lie outside of the arena, as SORT with STORE has them. Listpacks
 * are filled in a buffer and taken into the arena whole, which costs a third of pushing each element; what comes of it is the
 * list to which they would have been pushed.
 *
 * Whatever throws for want of memory has changed no key: whoever begins a list puts it under one or releases it.
 */

import { ENCODING_QUICKLIST, NO_EXPIRY, TYPE_LIST } from "../entry.ts";
import {
  addToCount,
  EMPTY_LISTPACK_BYTES,
  LISTPACK_END,
  measureElement,
  setListpackBytes,
  writeEmptyListpack,
  writeMeasured,
} from "../listpack.ts";
import { putBody } from "./entry_values.ts";
import type { Lists } from "./lists.ts";
import type { ValueHome } from "./value_type.ts";

/** Bytes of the buffer that are kept from one list to the next. */
const KEPT_BYTES = 64 * 1024;

export class ListBuilder {
  /** The listpack that is being filled, but for what its header says, and its end. */
  #draft = new Uint8Array(1024);
  #length = EMPTY_LISTPACK_BYTES;
  #count = 0;
  /** Whether the list is more than one listpack holds, and the body that has those before the draft; 0 where there is none. */
  #isBody = false;
  #body = 0;

  constructor(readonly lists: Lists) {
    this.#begin();
  }

  /** Adds an element at the end. */
  add(source: Uint8Array, start: number, length: number): void {
    const { lists } = this;
    if (!this.#isBody) this.#isBody = !lists.takesMore(this.#length, this.#count, length, 1);
    if (this.#isBody && lists.isAlone(length)) {
      this.#flush();
      return lists.bodies.push(this.#ownBody(), "tail", source, start, length);
    }
    const size = measureElement(source, start, length);
    if (this.#isBody && !lists.fits(this.#length + size, this.#count + 1)) this.#flush();
    const end = this.#length + size;
    if (end > this.#draft.length) this.#widen(end);
    writeMeasured(this.#draft, this.#length - 1, source, start, length);
    this.#length = end;
    this.#count++;
  }

  /** Puts the list, which must have elements, under a key, in place of what is there; returns its ref. */
  putUnder(database: ValueHome, key: Uint8Array, start: number, length: number): number {
    const { lists } = this;
    if (!this.#isBody) {
      this.#close();
      return lists.createFromListpack(database, key, start, length, this.#draft, 0, this.#length, NO_EXPIRY);
    }
    this.#flush();
    const body = this.#body;
    this.#body = 0; // it is the key's, or freed
    return putBody(lists.heap, database, TYPE_LIST, ENCODING_QUICKLIST, key, start, length, body);
  }

  /** Frees what was not put under a key, and begins anew. */
  release(): void {
    if (this.#body !== 0) this.lists.freeBody(this.#body);
    if (this.#draft.length > KEPT_BYTES) this.#draft = new Uint8Array(KEPT_BYTES);
    this.#body = 0;
    this.#isBody = false;
    this.#begin();
  }

  /** Begins a draft. */
  #begin(): void {
    this.#length = EMPTY_LISTPACK_BYTES;
    this.#count = 0;
    writeEmptyListpack(this.#draft, 0);
  }

  #ownBody(): number {
    if (this.#body === 0) this.#body = this.lists.bodies.create();
    return this.#body;
  }

  /** Makes a node of the draft, if there is something in it. */
  #flush(): void {
    if (this.#count === 0) return;
    this.#close();
    this.lists.bodies.append(this.#ownBody(), this.#draft, 0, this.#length, this.#count);
    this.#begin();
  }

  /** Says in the header of the draft what it has become, and writes its end. */
  #close(): void {
    const draft = this.#draft;
    setListpackBytes(draft, 0, this.#length);
    addToCount(draft, 0, this.#count);
    draft[this.#length - 1] = LISTPACK_END;
  }

  #widen(needed: number): void {
    const wider = new Uint8Array(2 * needed);
    wider.set(this.#draft.subarray(0, this.#length));
    this.#draft = wider;
  }
}
