/**
 * Trees of streams and their consumer groups, of which many are empty, and then are not there: their root is 0. Used by
 * streams alone.
 */

import type { Trees } from "../tree.ts";
import type { Tie } from "../tree_cursor.ts";

/** Inserts what was put into `trees.key` and `trees.value` into the tree of an owner; its root. */
export function insertInto(trees: Trees, owner: number, root: number, tie: Tie): number {
  trees.owner = owner;
  return trees.insert(root === 0 ? trees.create() : root, tie); // a new tree has room
}

/** Removes what a tree of an owner stands at; its root. Needs no memory. */
export function removeFrom(trees: Trees, owner: number, root: number): number {
  trees.owner = owner;
  root = trees.remove(root);
  if (trees.count(root) > 0) return root;
  trees.arena.free(root); // what `remove` returns is ours
  return 0;
}

/** Elements in a tree. O(1). */
export function countIn(trees: Trees, root: number): number {
  return root === 0 ? 0 : trees.count(root);
}
