/** Counted trees beside plain arrays: by key with ties, by position with items of many elements, by long keys. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Arena, ArenaFullError } from "../../lib/store/arena.ts";
import { DiscardedTree } from "../../lib/store/discarded_tree.ts";
import { Trees } from "../../lib/store/tree.ts";
import { ANY_TIE, BEFORE_TIES, BEHIND_TIES } from "../../lib/store/tree_cursor.ts";
import type { Sharing, TreeShape } from "../../lib/store/tree_nodes.ts";
import { below, randomFrom } from "./support.ts";
import { walkTree } from "./tree_walk.ts";

/** As sorted sets have them: a key of two words, and refs that decide where it is equal. */
const RANKED: TreeShape = { keyWords: 2, hasTies: true, valueWords: 1, countWord: -1 };
/** As lists have them: no key, and items of several elements. */
const POSITIONED: TreeShape = { keyWords: 0, hasTies: false, valueWords: 2, countWord: 1 };
/** As streams have them: a long key, no ties, several elements. */
const IDENTIFIED: TreeShape = { keyWords: 4, hasTies: false, valueWords: 2, countWord: 1 };

type Item = readonly [high: number, low: number, ref: number];

function compareItems(a: Item, b: Item): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
}

/** A tree of ranked items beside a sorted array. */
class Ranked {
  readonly arena = new Arena();
  readonly trees = new Trees(this.arena, RANKED);
  root = this.trees.create();
  readonly model: Item[] = [];
  /** How often `change` found that the tree moves an item by itself, and that it does not. */
  moved = 0;
  unmoved = 0;

  #index(item: Item): number {
    let low = 0;
    let high = this.model.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareItems(this.model[middle], item) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  insert(item: Item): void {
    const index = this.#index(item);
    if (index < this.model.length && compareItems(this.model[index], item) === 0) return;
    this.trees.key.set([item[0], item[1]]);
    this.trees.value[0] = item[2];
    this.root = this.trees.insert(this.root, (ref) => item[2] - ref);
    this.model.splice(index, 0, item);
  }

  remove(index: number): void {
    const [high, low, ref] = this.model[index];
    this.trees.key.set([high, low]);
    assert.ok(this.trees.seek(this.root, (other) => ref - other));
    assert.equal(this.trees.word(0), ref);
    assert.equal(this.trees.position(), index);
    this.root = this.trees.remove(this.root);
    this.model.splice(index, 1);
  }

  /** Gives an item another key, where the tree can do so by itself. */
  change(index: number, high: number): void {
    const [from, low, ref] = this.model[index];
    const { trees } = this;
    const item: Item = [high, low, ref];
    const place = this.#index(item);
    if (high === from || (place < this.model.length && compareItems(this.model[place], item) === 0)) return;
    const tie = (other: number) => ref - other;
    trees.key.set([from, low]);
    assert.ok(trees.seekItem(this.root, ref, tie));
    assert.equal(trees.position(), index);
    trees.key.set([high, low]);
    const root = trees.changeKey(this.root, tie);
    const stays = place === index || place === index + 1;
    // All but the first of a leaf change where they are, if the order allows it.
    assert.ok(root !== 0 || !stays || !trees.leavesRoom);
    if (root !== 0) {
      this.moved++;
      this.root = root;
      this.model.splice(index, 1);
      this.model.splice(place > index ? place - 1 : place, 0, item);
      return;
    }
    this.unmoved++;
    assert.equal(trees.word(0), ref);
    assert.equal(trees.position(), index);
    // What is taken out goes back without memory, where the tree says so.
    if (!trees.leavesRoom) return;
    this.root = trees.remove(this.root);
    this.arena.alloc = () => {
      throw new ArenaFullError("none is left");
    };
    trees.key.set([from, low]);
    trees.value[0] = ref;
    this.root = trees.insert(this.root, tie);
    Reflect.deleteProperty(this.arena, "alloc");
  }

  check(): void {
    const items = walkTree(
      this.arena,
      RANKED,
      this.root,
      (a, b) => compareItems([a[0], a[1], a[2]], [b[0], b[1], b[2]]) > 0,
    );
    assert.deepEqual(items.map((item) => [...item]), this.model);
    assert.equal(this.trees.count(this.root), this.model.length);
  }
}

for (const seed of [1, 2, 3]) {
  test(`random items are found by key and by rank as they come and go; seed ${seed}`, () => {
    const upTo = below(randomFrom(seed));
    const tree = new Ranked();
    const before = tree.arena.usedBytes;
    const keys = seed === 1 ? 10 : 100_000;
    const draw = (): Item => [upTo(keys) - keys / 2, upTo(3) - 1, upTo(100_000) + 1];
    for (let round = 0; round < 12; round++) {
      const grows = round % 3 < 2;
      for (let i = 0; i < 1500; i++) {
        if (upTo(10) < (grows ? 8 : 2) || tree.model.length === 0) tree.insert(draw());
        else tree.remove(upTo(tree.model.length));
      }
      tree.check();
      for (let i = 0; i < 100 && tree.model.length > 0; i++) {
        const index = upTo(tree.model.length);
        const item = tree.model[index];
        tree.trees.seekPosition(tree.root, index);
        assert.equal(tree.trees.word(0), item[2]);
        tree.trees.key.set([item[0], item[1]]);
        tree.trees.seek(tree.root, BEFORE_TIES);
        assert.equal(tree.trees.position(), tree.model.findIndex((one) => one[0] === item[0] && one[1] === item[1]));
        const isMore = tree.trees.seek(tree.root, BEHIND_TIES);
        const above = tree.model.findIndex((one) => compareItems([item[0], item[1], Infinity], one) < 0);
        assert.equal(isMore, above >= 0);
        assert.equal(tree.trees.position(), above < 0 ? tree.model.length : above);
      }
    }
    while (tree.model.length > 0) tree.remove(upTo(tree.model.length));
    tree.check();
    new DiscardedTree(tree.trees, 0, tree.root, () => assert.fail()).free(1);
    tree.root = tree.trees.create();
    assert.equal(tree.arena.usedBytes, before);
  });
}

for (const seed of [4, 5, 6]) {
  test(`keys change, and items that cannot move by that go back without memory; seed ${seed}`, () => {
    const upTo = below(randomFrom(seed));
    const tree = new Ranked();
    for (let i = 0; i < 8000; i++) tree.insert([upTo(1_000_000), upTo(3), i + 1]);
    for (let round = 0; round < 10; round++) {
      for (let i = 0; i < 1500; i++) {
        const index = upTo(tree.model.length);
        const near = [3, 300, 100_000][seed - 4];
        tree.change(index, tree.model[index][0] + upTo(2 * near) - near);
      }
      tree.check();
      // Sparse leaves, which are joined when more is taken out.
      for (let i = 0; i < 600; i++) tree.remove(upTo(tree.model.length));
    }
    assert.ok(tree.moved > 10_000 && tree.unmoved > 100);
  });
}

test("a walk goes through all items forwards and backwards", () => {
  const upTo = below(randomFrom(7));
  const tree = new Ranked();
  assert.equal(tree.trees.seekLast(tree.root), false);
  for (let i = 0; i < 5000; i++) tree.insert([upTo(1000), 0, i + 1]);
  const forwards: number[] = [];
  tree.trees.seekPosition(tree.root, 0);
  do forwards.push(tree.trees.word(0)); while (tree.trees.next());
  assert.deepEqual(forwards, tree.model.map((item) => item[2]));
  assert.ok(tree.trees.seekLast(tree.root));
  const backwards: number[] = [];
  do backwards.push(tree.trees.word(0)); while (tree.trees.previous());
  assert.deepEqual(backwards.reverse(), forwards);
});

test("items that come in order, from either end, leave full nodes behind", () => {
  for (const step of [1, -1]) {
    const tree = new Ranked();
    for (let i = 0; i < 10_000; i++) tree.insert([(i * step) | 0, 0, i + 1]);
    tree.check();
    assert.ok(tree.trees.memoryBytes(tree.root) < 10_000 * 12 * 1.1);
  }
});

test("items with many elements are found by position, change in number, and come and go anywhere", () => {
  const upTo = below(randomFrom(11));
  const arena = new Arena();
  const trees = new Trees(arena, POSITIONED);
  let root = trees.create();
  const model: { ref: number; count: number }[] = [];
  /** Goes to item `index`, by way of an element of it. */
  const go = (index: number) => {
    const before = model.slice(0, index).reduce((sum, { count }) => sum + count, 0);
    const within = index < model.length ? upTo(model[index].count) : 0;
    assert.equal(trees.seekPosition(root, before + within), within);
    assert.equal(trees.position(), before);
  };
  for (let i = 0; i < 8000; i++) {
    const kind = upTo(10);
    if (model.length === 0 || kind < (i < 5000 ? 6 : 3)) {
      const item = { ref: i + 1, count: upTo(100) + 1 };
      const index = kind === 0 ? 0 : kind === 1 ? model.length : upTo(model.length + 1);
      go(index);
      trees.value.set([item.ref, item.count]);
      root = trees.insertHere(root);
      model.splice(index, 0, item);
    } else {
      const index = upTo(model.length);
      go(index);
      assert.equal(trees.word(0), model[index].ref);
      if (kind < 8) {
        root = trees.remove(root);
        model.splice(index, 1);
      } else {
        const count = upTo(100) + 1;
        root = trees.setWord(root, 1, count);
        model[index].count = count;
      }
    }
    if (i % 500 !== 0) continue;
    const items = walkTree(arena, POSITIONED, root, () => true);
    assert.deepEqual(items.map((item) => [...item]), model.map(({ ref, count }) => [ref, count]));
  }
});

test("a tree is dismantled in steps, each item told of once, and leaves no memory taken", () => {
  const arena = new Arena();
  const trees = new Trees(arena, IDENTIFIED);
  const before = arena.usedBytes;
  let root = trees.create();
  for (let i = 0; i < 10_000; i++) {
    trees.key.set([0, i >> 4, 0, i & 15]);
    trees.value.set([i + 1, 3]);
    root = trees.insert(root, ANY_TIE);
  }
  assert.equal(trees.count(root), 30_000);
  const seen = new Set<number>();
  let steps = 0;
  const tree = new DiscardedTree(trees, 0, root, (ref) => seen.add(ref));
  while (!tree.isGone) {
    tree.free(100);
    steps++;
  }
  assert.equal(seen.size, 10_000);
  assert.ok(steps > 50);
  assert.equal(arena.usedBytes, before);
});

test("an insertion for which there is no memory changes nothing, at any of its allocations", () => {
  const upTo = below(randomFrom(5));
  const tree = new Ranked();
  const { arena } = tree;
  let failures = 0;
  for (let i = 0; i < 6000; i++) {
    const item: Item = [upTo(1 << 30), 0, i + 1];
    for (let allowed = 0;; allowed++) {
      let left = allowed;
      const used = arena.usedBytes;
      arena.alloc = (bytes) => {
        if (left-- <= 0) throw new ArenaFullError("none is left");
        return Object.getPrototypeOf(arena).alloc.call(arena, bytes);
      };
      try {
        tree.insert(item);
        Reflect.deleteProperty(arena, "alloc");
        break;
      } catch (error) {
        Reflect.deleteProperty(arena, "alloc");
        assert.ok(error instanceof ArenaFullError);
        assert.equal(arena.usedBytes, used);
        failures++;
        if (failures % 20 === 0) tree.check();
      }
    }
  }
  tree.check();
  assert.ok(failures > 100);
});

/** A snapshot that shares trees: nodes that were there when it began are awaited until they are marked. */
class Snapshot implements Sharing {
  isUnderWay = false;
  readonly marked = new Set<number>();
  readonly displaced: number[] = [];
  reads = 0;

  isAwaited(node: number): boolean {
    return this.isUnderWay && !this.marked.has(node);
  }

  mark(node: number): void {
    this.marked.add(node);
  }

  takesElement(_owner: number, node: number): boolean {
    if (!this.isAwaited(node)) return false;
    this.displaced.push(node);
    return true;
  }

  readNow(): void {
    this.reads++;
    this.isUnderWay = false;
  }

  begin(): void {
    this.isUnderWay = true;
    this.marked.clear();
  }
}

test("what a snapshot shares stays as it was at its start, whatever happens to the tree", () => {
  const upTo = below(randomFrom(21));
  const arena = new Arena();
  const snapshot = new Snapshot();
  const trees = new Trees(arena, POSITIONED, snapshot);
  let root = trees.create();
  let next = 1;
  const change = (grows: number) => {
    const total = trees.count(root);
    trees.seekPosition(root, upTo(total + 1));
    if (total === 0 || upTo(10) < grows) {
      trees.value.set([next++, upTo(5) + 1]);
      root = trees.insertHere(root);
    } else {
      trees.seekPosition(root, upTo(total));
      root = upTo(3) === 0 ? trees.setWord(root, 1, upTo(5) + 1) : trees.remove(root);
    }
  };
  const contents = (of: number) => walkTree(arena, POSITIONED, of, () => true).map((item) => [...item]);
  for (let i = 0; i < 3000; i++) change(9);
  for (let round = 0; round < 6; round++) {
    const shared = root;
    const at = contents(shared);
    snapshot.begin();
    for (let i = 0; i < 1000; i++) change(round % 2 === 0 ? 8 : 2);
    assert.deepEqual(contents(shared), at);
    assert.notDeepEqual(contents(root), at);
    snapshot.isUnderWay = false;
    for (const node of snapshot.displaced.splice(0)) arena.free(node);
    contents(root);
  }
  const items = contents(root).length;
  let seen = 0;
  const tree = new DiscardedTree(trees, 0, root, () => seen++);
  while (!tree.isGone) tree.free(1000);
  assert.equal(seen, items);
});

test("where there is no memory to keep anything for a snapshot, it reads all at once, and removing goes on", () => {
  const arena = new Arena();
  const snapshot = new Snapshot();
  const trees = new Trees(arena, POSITIONED, snapshot);
  let root = trees.create();
  for (let i = 0; i < 1000; i++) {
    trees.seekPosition(root, trees.count(root));
    trees.value.set([i + 1, 1]);
    root = trees.insertHere(root);
  }
  snapshot.begin();
  arena.alloc = () => {
    throw new ArenaFullError("none is left");
  };
  trees.seekPosition(root, 500);
  root = trees.remove(root);
  assert.equal(snapshot.reads, 1);
  assert.equal(snapshot.displaced.length, 0);
  assert.equal(walkTree(arena, POSITIONED, root, () => true).length, 999);
});
