/**
 * Bodies of nodes: what lists and streams keep their elements in. A node is a block that holds some elements in a row
 * (list_nodes.ts, stream_nodes.ts); a tree (tree.ts) has the nodes in order, each with the number of its elements. Here is
 * what is done to such a tree as a whole, whatever its nodes hold. Used by these types alone; members.ts is to tables what
 * this is to trees.
 */

import type { Arena } from "../arena.ts";
import type { SnapshotHooks } from "../snapshot_hooks.ts";
import type { Trees } from "../tree.ts";

/** Words of a tree's item: the node, and its elements. */
export const NODE = 0;
export const ELEMENTS = 1;

/** Operations on the nodes of a type. */
export interface Nodes {
  /** A copy of a node, marked as new. Throws where there is no memory. */
  copy(node: number): number;
  /** Frees a node that is nobody's any more. */
  free(node: number): void;
}

/** Bytes that a tree takes with its nodes, those that hold `samples` elements taken for all (0: all of them). */
export function nodesMemoryBytes(arena: Arena, trees: Trees, root: number, samples: number): number {
  const count = trees.count(root);
  let seen = 0;
  let bytes = 0;
  if (count > 0) {
    trees.seekPosition(root, 0);
    do {
      bytes += arena.usableBytes(trees.word(NODE));
      seen += trees.word(ELEMENTS);
    } while ((samples === 0 || seen < samples) && trees.next());
  }
  return trees.memoryBytes(root, samples) + (seen === 0 ? 0 : Math.round((bytes / seen) * count));
}

/** Marks a tree and its nodes as what no snapshot has to read. */
export function markNodes(snapshots: SnapshotHooks, trees: Trees, root: number): void {
  if (trees.count(root) === 0) return;
  trees.seekPosition(root, 0);
  do {
    snapshots.mark(trees.word(NODE));
    trees.markRead();
  } while (trees.next());
}

/**
 * Moves the nodes of a leaf of the tree out of segments that are leaving, from the element at `position` on. `setRoot` is
 * given each root of the tree; the position to go on with, 0 at the end.
 */
export function relocateNodes(
  nodes: Nodes,
  trees: Trees,
  root: number,
  position: number,
  setRoot: (root: number) => void,
): number {
  setRoot(root = trees.relocate(root, position));
  const { reached } = trees;
  for (let at = position; at < reached; trees.next()) {
    const node = trees.word(NODE);
    at += trees.word(ELEMENTS);
    if (!trees.arena.isLeaving(node)) continue;
    setRoot(root = trees.setWord(root, NODE, nodes.copy(node)));
    nodes.free(node);
  }
  return reached >= trees.count(root) ? 0 : reached;
}
