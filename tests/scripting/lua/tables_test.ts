/** Tables as values of JavaScript: what is in them, and in which order, whatever was set before. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { LuaTable, type LuaValue, TableWalk } from "../../../lib/scripting/lua/values.ts";

/** The entries that a walk by `next` finds. */
function byNext(table: LuaTable): [LuaValue, LuaValue][] {
  const found: [LuaValue, LuaValue][] = [];
  for (let entry = table.next(undefined); entry !== null; entry = table.next(entry[0])) {
    found.push([entry[0], entry[1]]);
  }
  return found;
}

function byWalk(table: LuaTable): [LuaValue, LuaValue][] {
  const found: [LuaValue, LuaValue][] = [];
  for (const walk = new TableWalk(table); walk.step();) found.push([walk.key, walk.value]);
  return found;
}

/** Numbers without end, the same for the same seed. */
function chance(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

test("a table has what was set last, and walks find each of it once", () => {
  for (let seed = 0; seed < 300; seed++) {
    const below = chance(seed);
    const keys: LuaValue[] = [true, false, 0, -1, 0.5, 2 ** 53, "", "1"];
    for (let i = 0; i < (seed % 3) * 12; i++) keys.push(`name ${i}`, i + 1);
    const [table, expected] = [new LuaTable(), new Map<LuaValue, LuaValue>()];
    for (let step = 0; step < 200; step++) {
      const key = keys[below(keys.length)];
      const value = below(3) === 0 ? undefined : step;
      table.set(key, value);
      if (value === undefined) expected.delete(key);
      else expected.set(key, value);
      if (step % 20 > 0) continue;
      for (const one of keys) assert.equal(table.get(one), expected.get(one), `seed ${seed}, step ${step}`);
      const sorted = (entries: Iterable<[LuaValue, LuaValue]>) =>
        [...entries].map(([key, value]) => `${typeof key} ${String(key)}=${String(value)}`).sort();
      assert.deepEqual(sorted(byNext(table)), sorted(expected));
      assert.deepEqual(byWalk(table), byNext(table));
    }
  }
});

test("what a walk comes by may be changed and taken out, and the rest is found all the same", () => {
  for (const count of [3, 8, 9, 40]) {
    for (const how of ["next", "walk"]) {
      const table = new LuaTable();
      for (let i = 0; i < count; i++) table.set(`name ${i}`, i);
      const found: LuaValue[] = [];
      const visit = (key: LuaValue) => {
        found.push(key);
        table.set(key, found.length % 2 === 0 ? undefined : "changed");
      };
      if (how === "next") {
        for (let entry = table.next(undefined); entry !== null; entry = table.next(entry[0])) visit(entry[0]);
      } else {
        for (const walk = new TableWalk(table); walk.step();) visit(walk.key);
      }
      assert.equal(found.length, count, `${count} by ${how}`);
      assert.equal(byNext(table).length, Math.ceil(count / 2));
    }
  }
});

test("new keys in the middle of a walk end in no walk without end, nor in an entry twice", () => {
  const table = new LuaTable();
  for (let i = 0; i < 5; i++) table.set(`name ${i}`, i);
  const found: LuaValue[] = [];
  for (const walk = new TableWalk(table); walk.step();) {
    found.push(walk.key);
    if (found.length < 10) table.set(`new ${found.length}`, true);
  }
  assert.equal(new Set(found).size, found.length);
  assert.equal(found.length, 14);
});

test("zero has no sign as a key, and a key that is not there has nothing behind it", () => {
  const table = new LuaTable();
  table.set(-0, "zero");
  assert.equal(table.get(0), "zero");
  assert.ok(Object.is(byNext(table)[0][0], 0));
  assert.throws(() => table.next("nothing"), RangeError);
  assert.throws(() => new LuaTable().next("nothing"), RangeError);
  for (let i = 0; i < 20; i++) table.set(`name ${i}`, i);
  assert.throws(() => table.next("nothing"), RangeError);
});

test("of entries that were added, the last one of a key counts, at the place of the first", () => {
  for (const others of [0, 3, 20]) {
    const table = new LuaTable();
    table.add("a", 1);
    for (let i = 0; i < others; i++) table.add(`name ${i}`, i);
    table.add("a", 2);
    table.add("b", 3);
    table.add("a", 4);
    const entries = byWalk(table);
    assert.deepEqual([entries[0], entries.at(-1)], [["a", 4], ["b", 3]]);
    assert.equal(entries.length, others + 2);
    assert.equal(table.get("a"), 4);
  }
});

test("what follows the end of the array is in it, wherever it was before", () => {
  const table = new LuaTable();
  for (const key of [5, 3, 2, 4, 7]) table.set(key, `at ${key}`);
  table.set("name", true);
  table.set(1, "at 1");
  assert.deepEqual(table.array, ["at 1", "at 2", "at 3", "at 4", "at 5"]);
  assert.deepEqual(byNext(table).map(([key]) => key), [1, 2, 3, 4, 5, 7, "name"]);
  assert.equal(table.length, 5);
});

test("behind a key that the array has had once, a walk goes on among the fields", () => {
  const table = new LuaTable([1, 2, 3, 4, 5]);
  for (const key of [5, 4, 3]) table.set(key, undefined);
  table.set("name", true);
  table.set(5, "again");
  assert.deepEqual(byNext(table).map(([key]) => key), [1, 2, "name", 5]);
});
