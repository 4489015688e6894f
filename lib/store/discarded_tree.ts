/** A tree (tree.ts) that nobody needs any more but, maybe, a snapshot that goes on reading it as it is: it is freed in slices. */

import type { Discarded, Heap } from "./heap.ts";
import { base, HEADER_WORDS, type TreeNodes } from "./tree_nodes.ts";

export class DiscardedTree implements Discarded {
  /** Nodes that are still to be freed, with all that is below them. */
  readonly #left: number[];

  /**
   * `visit` is called with the ref of each item, so that what the items stand for can be freed as well; null where that is
   * nobody's business. `owner` is the body by which the snapshot knows the tree.
   */
  constructor(
    readonly nodes: TreeNodes,
    readonly owner: number,
    root: number,
    readonly visit: ((ref: number) => void) | null,
  ) {
    this.#left = [root];
  }

  get isGone(): boolean {
    return this.#left.length === 0;
  }

  /** Frees about `limit` items, and the nodes that they are in. Needs no memory of the arena. */
  free(limit: number): number {
    const { nodes, visit } = this;
    const left = this.#left;
    let freed = 0;
    for (let node = left.pop(); node !== undefined; node = freed < limit ? left.pop() : undefined) {
      const words = nodes.words(node);
      const items = nodes.itemsOf(node);
      const first = base(node) + HEADER_WORDS;
      if (nodes.level(node) > 0) {
        for (let i = 0; i < items; i++) left.push(words[first + i * nodes.innerWords + nodes.orderWords]);
      } else if (visit !== null) {
        for (let i = 0; i < items; i++) visit(words[first + i * nodes.leafWords + nodes.keyWords]);
        freed += items;
      }
      nodes.dispose(node, this.owner);
      freed++;
    }
    return freed;
  }
}

/** Frees about `atOnce` items of a tree that is nobody's any more, and leaves the rest to be freed in slices. */
export function discardTree(
  heap: Heap,
  nodes: TreeNodes,
  owner: number,
  root: number,
  atOnce: number,
  visit: ((ref: number) => void) | null,
): void {
  const tree = new DiscardedTree(nodes, owner, root, visit);
  tree.free(atOnce);
  if (!tree.isGone) heap.discard(tree);
}
