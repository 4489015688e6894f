/** Going along the elements of lists: from any index, in either direction. Used by the list commands, SORT, and lists themselves. */

import { bytesEqual } from "../../bytes/compare.ts";
import { Element, elementAt, elementBefore, firstElement, LISTPACK_END } from "../listpack.ts";
import type { Heap } from "../heap.ts";
import type { TreeCursor } from "../tree_cursor.ts";
import type { ListBodies } from "./list_bodies.ts";
import { ELEMENTS, NODE } from "./node_trees.ts";

/** The lists along which one goes: `Lists`. */
export interface ListOwner {
  readonly heap: Heap;
  readonly bodies: ListBodies;
  count(ref: number): number;
}

/** Stands at an element of a list, which must not change meanwhile, and goes from one to the next. */
export class ListCursor {
  /** The element at which it stands; good until the next move. */
  readonly element: Element = new Element();
  /** Its index. */
  index = 0;

  readonly #trees: TreeCursor;
  #isBody = false;
  #bytes: Uint8Array = new Uint8Array(0);
  #listpack = 0;
  #at = 0;
  /** Offset after the element. */
  #end = 0;

  constructor(readonly lists: ListOwner) {
    this.#trees = lists.bodies.newTrees();
  }

  /** Goes to the element at `index`; false if there is none. O(log n), and the elements of a node. */
  toIndex(ref: number, index: number): boolean {
    const { lists } = this;
    const { entries } = lists.heap;
    const count = lists.count(ref);
    if (index < 0 || index >= count) return false;
    this.index = index;
    this.#isBody = entries.hasBody(ref);
    let within = index;
    let elements = count;
    let end = 0;
    if (this.#isBody) {
      within = this.#trees.seekPosition(lists.bodies.root(entries.valueWord(ref)), index);
      elements = this.#trees.word(ELEMENTS);
      this.#show();
      end = this.#listpack + lists.bodies.nodes.length(this.#trees.word(NODE)) - 1;
    } else {
      this.#bytes = entries.bytes(ref);
      this.#listpack = entries.valueStart(ref);
      end = this.#listpack + entries.valueWord(ref) - 1;
    }
    if (within <= elements >>> 1) {
      this.#at = elementAt(this.#bytes, this.#listpack, within);
    } else {
      this.#at = end;
      for (let left = elements - within; left > 0; left--) this.#at = elementBefore(this.#bytes, this.#at);
    }
    this.#end = this.element.read(this.#bytes, this.#at);
    return true;
  }

  #show(): void {
    const { nodes } = this.lists.bodies;
    nodes.show(this.#trees.word(NODE));
    this.#bytes = nodes.bytes;
    this.#listpack = nodes.start;
  }

  /** Goes to the next element; false if there is none. */
  next(): boolean {
    this.#at = this.#end;
    if (this.#bytes[this.#at] === LISTPACK_END) {
      if (!this.#isBody || !this.#trees.next()) return false;
      this.#show();
      this.#at = firstElement(this.#listpack);
    }
    this.index++;
    this.#end = this.element.read(this.#bytes, this.#at);
    return true;
  }

  /** Goes to the element before; false if there is none. */
  previous(): boolean {
    if (this.#at === firstElement(this.#listpack)) {
      if (!this.#isBody || !this.#trees.previous()) return false;
      this.#show();
      this.#at = this.#listpack + this.lists.bodies.nodes.length(this.#trees.word(NODE)) - 1;
    }
    this.#at = elementBefore(this.#bytes, this.#at);
    this.index--;
    this.#end = this.element.read(this.#bytes, this.#at);
    return true;
  }

  /** Whether the element at which it stands has these bytes. */
  equals(bytes: Uint8Array, start: number, length: number): boolean {
    const { element } = this;
    if (element.isInteger && (length === 0 || length > 20)) return false;
    element.toBytes();
    return element.length === length && bytesEqual(element.bytes, element.start, bytes, start, length);
  }
}
