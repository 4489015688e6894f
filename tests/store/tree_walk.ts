/** Walks a whole tree, and fails where an invariant of tree.ts does not hold. */

import assert from "node:assert/strict";
import { type Arena, SEGMENT_MASK, SEGMENT_SHIFT } from "../../lib/store/arena.ts";
import type { TreeShape } from "../../lib/store/tree_nodes.ts";

const HEADER_WORDS = 2;

/**
 * The words of all items of a tree, in order. `isAfter` says whether an item must stand behind the one before it; the tree's
 * nodes are added to `nodes`.
 */
export function walkTree(
  arena: Arena,
  shape: TreeShape,
  root: number,
  isAfter: (item: Int32Array, before: Int32Array) => boolean,
  nodes: number[] = [],
): Int32Array[] {
  const { keyWords, valueWords, countWord } = shape;
  const orderWords = keyWords + (shape.hasTies ? 1 : 0);
  const items: Int32Array[] = [];

  /** Elements of a node; `first` is what the node above says of its first item. */
  const walk = (node: number, expectedLevel: number, first: Int32Array | null): number => {
    nodes.push(node);
    const words = arena.words[node >>> SEGMENT_SHIFT];
    const start = (node & SEGMENT_MASK) << 1;
    const count = words[start] & 0xfff;
    const capacity = (words[start] >>> 12) & 0xfff;
    const level = words[start] >>> 24;
    const total = words[start + 1] & 0x7fffffff;
    const width = level === 0 ? keyWords + valueWords : orderWords + 2;
    assert.equal(level, expectedLevel);
    assert.ok(count <= capacity);
    assert.ok((HEADER_WORDS + capacity * width) * 4 <= arena.usableBytes(node));
    if (first !== null) {
      assert.ok(count > 0, "an empty node");
      const own = words.slice(start + HEADER_WORDS, start + HEADER_WORDS + orderWords);
      assert.deepEqual([...own], [...first], "a key above that is not the first below");
    } else if (level > 0) {
      assert.ok(count >= 2, "a root with one child");
    }
    let sum = 0;
    for (let i = 0; i < count; i++) {
      const at = start + HEADER_WORDS + i * width;
      const item = words.slice(at, at + width);
      if (level > 0) {
        const elements = walk(item[orderWords], level - 1, item.subarray(0, orderWords));
        assert.equal(item[orderWords + 1], elements, "a count above that is not that below");
        sum += elements;
        continue;
      }
      const before = items.at(-1);
      if (before !== undefined) assert.ok(isAfter(item, before), "items out of order");
      items.push(item);
      sum += countWord < 0 ? 1 : item[keyWords + countWord];
    }
    assert.equal(total, sum, "a node's total that is not that of its items");
    return sum;
  };

  walk(root, arena.words[root >>> SEGMENT_SHIFT][(root & SEGMENT_MASK) << 1] >>> 24, null);
  return items;
}
