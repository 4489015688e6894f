/** Sorted sets that are built from members in any order: what they are then, and what is left where memory runs out. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { compareBytes } from "../../lib/bytes/compare.ts";
import { type Arena, ArenaFullError } from "../../lib/store/arena.ts";
import { Keyspace } from "../../lib/store/keyspace.ts";
import { scoreOfWords } from "../../lib/store/types/scores.ts";
import { SortedSetBuilder } from "../../lib/store/types/sorted_set_builder.ts";
import { below, bytesOf, randomFrom } from "./support.ts";
import { walkTree } from "./tree_walk.ts";

type Member = readonly [name: string, score: number];

const SHAPE = { keyWords: 2, hasTies: true, valueWords: 1, countWord: -1 };

class Building {
  readonly bodies = new Keyspace(1).store.sortedSets.bodies;
  readonly arena: Arena = this.bodies.heap.arena;
  readonly before = this.arena.usedBytes;
  readonly body = this.bodies.create();
  readonly builder = new SortedSetBuilder(this.bodies);

  constructor(members: number) {
    this.builder.begin(this.body, members);
  }

  add([name, score]: Member): boolean {
    const bytes = bytesOf(name);
    return this.builder.add(bytes, 0, bytes.length, score);
  }

  /** Checks tree and table against what must be in them. */
  check(members: readonly Member[]): void {
    const { bodies, body } = this;
    const { entries, tables } = bodies.heap;
    const isAfter = (item: Int32Array, before: Int32Array) => {
      if (item[0] !== before[0]) return item[0] > before[0];
      if (item[1] !== before[1]) return item[1] > before[1];
      return this.builder.compare(item[2], before[2]) > 0;
    };
    const items = walkTree(this.arena, SHAPE, bodies.root(body), isAfter);
    const found = items.map((item): Member => {
      const ref = item[2];
      const name = entries.text(ref, entries.keyStart(ref), entries.keyLength(ref));
      return [name, scoreOfWords(entries.word(ref, 3), entries.word(ref, 4))];
    });
    assert.equal(tables.count(bodies.table(body)), members.length);
    assert.deepEqual(found, inOrder(members));
  }

  /** Frees the body: nothing else is left in the arena. */
  free(): void {
    this.bodies.free(this.body);
    this.bodies.heap.freeDiscarded(Infinity);
    assert.equal(this.arena.usedBytes, this.before);
  }
}

function inOrder(members: readonly Member[]): Member[] {
  return [...members].sort(([a, x], [b, y]) => {
    if (x !== y) return x < y ? -1 : 1;
    return compareBytes(bytesOf(a), 0, a.length, bytesOf(b), 0, b.length);
  });
}

const SCORES: Record<string, (i: number, upTo: (limit: number) => number) => number> = {
  "that rise": (i) => i,
  "that fall, as Redis writes them": (i) => -i / 3,
  "that are all the same": () => 1.5,
  "by chance": (_, upTo) => (upTo(2 ** 30) - 2 ** 29) * 2 ** (upTo(600) - 300),
  "few and by chance, zeros and infinities among them": (_, upTo) => [0, -0, 1, -1, Infinity, -Infinity][upTo(6)],
  "that fall and then rise": (i) => Math.abs(i - 40_000),
};

for (const [what, scoreOf] of Object.entries(SCORES)) {
  // Less than a leaf, a few of them, and more than wait at a time.
  for (const count of [0, 1, 5, 63, 64, 500, 70_000]) {
    test(`${count} members with scores ${what} are in order once they are flushed`, () => {
      const upTo = below(randomFrom(count));
      const building = new Building(40_000);
      const members = Array.from(
        { length: count },
        (_, i): Member => [`member:${upTo(2 ** 30)}:${i}`, scoreOf(i, upTo)],
      );
      for (const member of members) assert.ok(building.add(member));
      building.builder.flush();
      building.check(members);
      building.free();
    });
  }
}

test("a member that is there already, waiting or not, is not added", () => {
  const building = new Building(40_000);
  const members = Array.from({ length: 40_000 }, (_, i): Member => [`m${i}`, i % 7]);
  for (const member of members) building.add(member);
  assert.equal(building.add(["m0", 100]), false);
  assert.equal(building.add(["m39999", 100]), false);
  building.builder.flush();
  building.check(members);
});

test("where there is no memory, at any allocation, what waits can be taken back or flushed later", () => {
  for (let allowed = 0, isDone = false; !isDone; allowed++) {
    for (const goesOn of [false, true]) {
      const upTo = below(randomFrom(9));
      const building = new Building(40_000);
      const { arena, builder } = building;
      const members = Array.from({ length: 600 }, (_, i): Member => [`m${i}`, upTo(500)]);
      // Half are in the tree already, so that leaves are split.
      members.slice(0, 300).forEach((member) => building.add(member));
      builder.flush();
      members.slice(300).forEach((member) => building.add(member));
      let left = allowed;
      arena.alloc = (bytes) => {
        if (left-- <= 0) throw new ArenaFullError("none is left");
        return Object.getPrototypeOf(arena).alloc.call(arena, bytes);
      };
      try {
        builder.flush();
        isDone = true;
      } catch (error) {
        assert.ok(error instanceof ArenaFullError);
      }
      Reflect.deleteProperty(arena, "alloc");
      if (goesOn) {
        builder.flush();
        building.check(members);
      } else {
        const waiting = new Set(Array.from(builder.refs.subarray(0, builder.left)));
        const { entries } = building.bodies.heap;
        const gone = new Set(
          [...waiting].map((ref) => entries.text(ref, entries.keyStart(ref), entries.keyLength(ref))),
        );
        builder.giveUp();
        building.check(members.filter(([name]) => !gone.has(name)));
      }
      building.free();
    }
  }
});
