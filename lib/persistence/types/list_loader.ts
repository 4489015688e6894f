/**
 * How lists are loaded: element by element, as Redis wrote them at first, or by nodes, of which those that are listpacks
 * are taken as they are. A list that is small enough becomes a listpack in its key's entry.
 */

import type { Database } from "../../store/database.ts";
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
import { notSound } from "./packed_values.ts";
import { EMPTY, type LoadTarget, type ValueLoader } from "./value_loader.ts";

export class ListLoader implements ValueLoader {
  readonly rdbTypes = [RDB_TYPE_LIST, RDB_TYPE_LIST_ZIPLIST, RDB_TYPE_LIST_QUICKLIST, RDB_TYPE_LIST_QUICKLIST_2];
  #type = 0;
  #database: Database | null = null;
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
    this.#start(target);
    return count;
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
    const container = input.length();
    input.string(value);
    if (container === QUICKLIST_NODE_PLAIN && value.length === 0) {
      throw input.error("a list's plain node without bytes");
    }
    if (container === QUICKLIST_NODE_PLAIN) return this.#push(value.bytes, value.start, value.length);
    if (container !== QUICKLIST_NODE_PACKED) throw input.error(`a list's node of an unknown kind, ${container}`);
    this.#append(target);
  }

  end({ key }: LoadTarget): boolean {
    const database = this.#database;
    if (database === null) return true;
    const hasElements = this.lists.count(this.#ref) > 0;
    if (hasElements) this.#ref = this.lists.pack(database, this.#ref, 1);
    else database.remove(key.bytes, key.start, key.length);
    return hasElements;
  }

  ref(): number {
    return this.#ref;
  }

  #start(target: LoadTarget): void {
    const { key, expiry } = target;
    const database = this.#database = target.claim();
    if (database === null) return;
    const ref = this.lists.create(database, key.bytes, key.start, key.length, 0);
    this.#ref = database.setExpiry(ref, expiry);
  }

  #push(bytes: Uint8Array, start: number, length: number): void {
    if (this.#database === null) return;
    this.#ref = this.lists.push(this.#database, this.#ref, "tail", bytes, start, length);
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

  /** Takes the listpack that was read as a node. */
  #append(target: LoadTarget): void {
    const { bytes, start, length } = this.#value;
    if (!isValidListpack(bytes, start, length, 1)) {
      throw notSound(target.input, "List listpack", "a malformed listpack");
    }
    if (length === EMPTY_LISTPACK_BYTES) throw target.input.error("a list's node without elements");
    if (this.#database === null) return;
    this.#ref = this.lists.convert(this.#database, this.#ref);
    this.lists.bodies.append(
      this.#database.store.heap.entries.valueWord(this.#ref),
      bytes,
      start,
      length,
      listpackCount(bytes, start),
    );
  }
}
