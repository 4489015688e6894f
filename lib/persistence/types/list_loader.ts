/**
 * How lists are loaded: element by element, as Redis wrote them at first, or by nodes, of which those that are listpacks
 * are taken as they are. A list that is small enough becomes a listpack in its key's entry.
 */

import { EMPTY_LISTPACK_BYTES, isValidListpack, listpackCount } from "../../store/listpack.ts";
import type { Lists } from "../../store/types/lists.ts";
import {
  QUICKLIST_NODE_PACKED,
  QUICKLIST_NODE_PLAIN,
  RDB_TYPE_LIST,
  RDB_TYPE_LIST_QUICKLIST,
  RDB_TYPE_LIST_QUICKLIST_2,
  RDB_TYPE_LIST_ZIPLIST,
} from "../rdb_format.ts";
import { StringSlot } from "../rdb_input.ts";
import { walkZiplist } from "../ziplist.ts";
import { notSound, putListpack } from "./packed_values.ts";
import { EMPTY, type LoadHome, type LoadTarget, type ValueLoader } from "./value_loader.ts";

export class ListLoader implements ValueLoader {
  readonly rdbTypes = [RDB_TYPE_LIST, RDB_TYPE_LIST_ZIPLIST, RDB_TYPE_LIST_QUICKLIST, RDB_TYPE_LIST_QUICKLIST_2];
  #type = 0;
  #home: LoadHome | null = null;
  #ref = 0;
  readonly #value = new StringSlot();

  constructor(readonly lists: Lists) {}

  begin(type: number, target: LoadTarget): number {
    this.#type = type;
    if (type === RDB_TYPE_LIST_ZIPLIST) {
      target.input.string(this.#value);
      if (this.#walk(target, () => {}) === 0) return EMPTY;
      this.#start(target);
      this.#walk(target, (bytes, start, length) => this.#push(bytes, start, length));
      return 0;
    }
    const count = target.input.length();
    if (count === 0) return EMPTY;
    if (count === 1 && type === RDB_TYPE_LIST_QUICKLIST_2) {
      this.#only(target);
      return 0;
    }
    this.#start(target);
    return count;
  }

  /** Reads the only node: a listpack that is within the limits, as that of most lists is, goes into the key's entry as it is. */
  #only(target: LoadTarget): void {
    const value = this.#value;
    const isPacked = this.#readNode(target);
    if (isPacked && this.lists.fits(value.length, listpackCount(value.bytes, value.start))) {
      this.#home = null; // it is as it is to be
      this.#ref = putListpack(this.lists, target, value);
      return;
    }
    this.#start(target);
    this.#take(isPacked);
  }

  /** Reads a node of a quicklist; whether it is a listpack, a sound one then. Else it is one element. */
  #readNode(target: LoadTarget): boolean {
    const { input } = target;
    const container = input.length();
    const value = this.#value;
    input.string(value);
    if (container === QUICKLIST_NODE_PLAIN) {
      if (value.length === 0) throw input.error("a list's plain node without bytes");
      return false;
    }
    if (container !== QUICKLIST_NODE_PACKED) throw input.error(`a list's node of an unknown kind, ${container}`);
    if (!isValidListpack(value.bytes, value.start, value.length, 1)) {
      throw notSound(input, "List listpack", "a malformed listpack");
    }
    if (value.length === EMPTY_LISTPACK_BYTES) throw input.error("a list's node without elements");
    return true;
  }

  /** Takes the node that was read. */
  #take(isPacked: boolean): void {
    const { bytes, start, length } = this.#value;
    if (!isPacked) return this.#push(bytes, start, length);
    if (this.#home === null) return;
    this.#ref = this.lists.convert(this.#home, this.#ref);
    const body = this.lists.heap.entries.valueWord(this.#ref);
    this.lists.bodies.append(body, bytes, start, length, listpackCount(bytes, start));
  }

  element(target: LoadTarget): void {
    const { input } = target;
    const value = this.#value;
    if (this.#type === RDB_TYPE_LIST) {
      input.string(value);
      return this.#push(value.bytes, value.start, value.length);
    }
    if (this.#type === RDB_TYPE_LIST_QUICKLIST) {
      input.string(value);
      this.#walk(target, () => {});
      this.#walk(target, (bytes, start, length) => this.#push(bytes, start, length));
      return;
    }
    this.#take(this.#readNode(target));
  }

  end({ key }: LoadTarget): boolean {
    const home = this.#home;
    if (home === null) return true;
    const hasElements = this.lists.count(this.#ref) > 0;
    if (hasElements) this.#ref = this.lists.pack(home, this.#ref, 1);
    else home.remove(key.bytes, key.start, key.length);
    return hasElements;
  }

  ref(): number {
    return this.#ref;
  }

  #start(target: LoadTarget): void {
    const { key, expiry } = target;
    const home = this.#home = target.home;
    if (home === null) return;
    const ref = this.lists.create(home, key.bytes, key.start, key.length, 0);
    this.#ref = home.setExpiry(ref, expiry);
  }

  #push(bytes: Uint8Array, start: number, length: number): void {
    if (this.#home === null) return;
    this.#ref = this.lists.push(this.#home, this.#ref, "tail", bytes, start, length);
  }

  /** Walks the ziplist that was read; how many elements it has. Throws where it is not sound. */
  #walk(target: LoadTarget, take: (bytes: Uint8Array, start: number, length: number) => void): number {
    let count = 0;
    const { bytes, start, length } = this.#value;
    const fault = walkZiplist(bytes, start, length, (element, at, size) => {
      count++;
      take(element, at, size);
      return true;
    });
    if (fault !== null) throw notSound(target.input, "List ziplist", fault);
    return count;
  }
}
