import { test } from "node:test";
import assert from "node:assert/strict";
import { hashBytes } from "../../lib/bytes/hash.ts";
import { decodeLatin1 } from "../../lib/bytes/latin1.ts";
import { Arena, ArenaFullError } from "../../lib/store/arena.ts";
import { Entries } from "../../lib/store/entry.ts";
import { Tables } from "../../lib/store/table.ts";
import { below, bytesOf, randomFrom } from "./support.ts";

/** A table beside a Map that says what must be in it. */
class Pair {
  readonly arena = new Arena();
  readonly entries = new Entries(this.arena);
  readonly tables = new Tables(this.arena);
  readonly table = this.tables.create();
  readonly model = new Map<string, number>();

  add(key: string): void {
    const bytes = bytesOf(key);
    const ref = this.entries.create(bytes, 0, bytes.length, 0, 0, false);
    this.tables.insert(this.table, hashBytes(bytes, 0, bytes.length), ref);
    this.model.set(key, ref);
  }

  find(key: string): number {
    const bytes = bytesOf(key);
    return this.tables.find(this.table, hashBytes(bytes, 0, bytes.length), bytes, 0, bytes.length);
  }

  remove(key: string): boolean {
    const ref = this.find(key);
    if (ref === 0) return false;
    this.tables.removeFound(this.table);
    this.arena.free(ref);
    this.model.delete(key);
    return true;
  }

  keyOf(ref: number): string {
    const start = this.entries.keyStart(ref);
    return decodeLatin1(this.entries.bytes(ref), start, start + this.entries.keyLength(ref));
  }

  /** Checks that every key is found, no other is, and that one scan gives each exactly once. */
  check(): void {
    assert.equal(this.tables.count(this.table), this.model.size);
    for (const [key, ref] of this.model) assert.equal(this.find(key), ref);
    assert.equal(this.find("\0absent"), 0);
    const seen = new Set<number>();
    const refs: number[] = [];
    let cursor = 0;
    do {
      cursor = this.tables.scan(this.table, cursor, 50, refs);
      for (const ref of refs) {
        assert.ok(!seen.has(ref));
        seen.add(ref);
      }
    } while (cursor !== 0);
    assert.equal(seen.size, this.model.size);
    for (const ref of this.model.values()) assert.ok(seen.has(ref));
  }
}

for (const size of [0, 1, 6, 7, 100, 831, 833, 5000, 200_000]) {
  test(`a table of ${size} entries finds each, grown and shrunk`, () => {
    const pair = new Pair();
    const before = pair.arena.usedBytes;
    for (let i = 0; i < size; i++) pair.add(`key:${i}`);
    pair.check();
    assert.ok(pair.tables.slots(pair.table) >= size);
    for (let i = 0; i < size; i += 2) assert.ok(pair.remove(`key:${i}`));
    pair.check();
    for (let i = 0; i < size; i++) assert.equal(pair.remove(`key:${i}`), i % 2 === 1);
    pair.check();
    assert.equal(pair.arena.usedBytes, before, "an emptied table is as small as a new one");
    pair.tables.destroy(pair.table);
    assert.equal(pair.arena.usedBytes, 0);
  });
}

test("random inserts, removals and replacements agree with a Map", () => {
  const pair = new Pair();
  const limit = below(randomFrom(7));
  for (let step = 0; step < 200_000; step++) {
    const growing = Math.floor(step / 40_000) % 2 === 0;
    const key = `k${limit(20_000)}`;
    assert.equal(pair.find(key) !== 0, pair.model.has(key));
    if (!pair.model.has(key)) {
      if (growing || limit(4) === 0) pair.add(key);
    } else if (limit(10) === 0) {
      const old = pair.find(key);
      const bytes = bytesOf(key);
      const ref = pair.entries.create(bytes, 0, bytes.length, 0, 20, false);
      pair.tables.replaceAt(pair.tables.slot, ref);
      pair.arena.free(old);
      pair.model.set(key, ref);
    } else if (!growing || limit(4) === 0) {
      pair.remove(key);
    }
  }
  pair.check();
});

test("where a key was not found is where it goes, unless anything has changed in between", () => {
  const limit = below(randomFrom(8));
  const pair = new Pair();
  const other = pair.tables.create();
  const hash = 77; // all collide, so that every change moves what is beside it
  const key = (i: number) => bytesOf(`k${i}`);
  const find = (table: number, i: number) => pair.tables.find(table, hash, key(i), 0, key(i).length);
  const insert = (table: number, i: number) => {
    const ref = pair.entries.create(key(i), 0, key(i).length, 0, 0, false);
    pair.tables.insert(table, hash, ref);
  };
  const here = new Set<number>();
  const there = new Set<number>();
  for (let step = 0; step < 20_000; step++) {
    const i = limit(400); // less than a segment takes, as the same hash is never divided
    if (find(pair.table, i) !== 0) {
      assert.ok(here.delete(i));
      pair.tables.removeFound(pair.table);
      continue;
    }
    const between = limit(400);
    switch (limit(4)) {
      case 0:
        if (!here.has(between) && between !== i) {
          insert(pair.table, between);
          here.add(between);
        }
        break;
      case 1:
        if (between !== i && find(pair.table, between) !== 0) {
          pair.tables.removeFound(pair.table);
          here.delete(between);
        }
        break;
      case 2:
        if (find(other, between) === 0) {
          insert(other, between);
          there.add(between);
        }
        break;
    }
    insert(pair.table, i);
    here.add(i);
  }
  for (let i = 0; i < 400; i++) {
    assert.equal(find(pair.table, i) !== 0, here.has(i));
    assert.equal(find(other, i) !== 0, there.has(i));
  }
  assert.equal(pair.tables.count(pair.table), here.size);
  assert.equal(pair.tables.count(other), there.size);
});

test("findEntry tells equal keys apart", () => {
  const pair = new Pair();
  for (let i = 0; i < 2000; i++) pair.add(`key:${i}`);
  const bytes = bytesOf("key:77");
  const hash = hashBytes(bytes, 0, bytes.length);
  assert.ok(pair.tables.findEntry(pair.table, hash, pair.find("key:77")));
  assert.ok(!pair.tables.findEntry(pair.table, hash, pair.find("key:78")));
});

/** Scans a table while `between` changes it after each call, and returns how often each key was seen. */
function scanWhile(pair: Pair, limit: number, between: (calls: number) => void): Map<string, number> {
  const seen = new Map<string, number>();
  const refs: number[] = [];
  let cursor = 0;
  let calls = 0;
  do {
    cursor = pair.tables.scan(pair.table, cursor, limit, refs);
    for (const ref of refs) {
      const key = pair.keyOf(ref);
      seen.set(key, (seen.get(key) ?? 0) + 1);
    }
    between(++calls);
    assert.ok(calls < 2_000_000, "a scan must end");
  } while (cursor !== 0);
  return seen;
}

const CHANGES: Readonly<Record<string, { start: number; target: (calls: number) => number }>> = {
  "grows": { start: 200, target: (calls) => 200 + calls * 40 },
  "shrinks": { start: 60_000, target: (calls) => 60_000 - calls * 60 },
  "shrinks fast": { start: 60_000, target: (calls) => 60_000 - calls * 2500 },
  "grows and shrinks by turns": { start: 10_000, target: (calls) => (calls % 40 < 20 ? 30_000 : 50) },
  "swings about one split": { start: 700, target: (calls) => (calls % 2 === 0 ? 1500 : 100) },
};

for (const [name, { start, target }] of Object.entries(CHANGES)) {
  test(`a scan sees all that is there throughout while the table ${name}`, () => {
    for (let seed = 0; seed < 6; seed++) {
      const pair = new Pair();
      const random = randomFrom(seed);
      const limit = below(random);
      const lasting = Array.from({ length: 50 }, (_, i) => `lasting:${seed}:${i}`);
      for (const key of lasting) pair.add(key);
      const others: string[] = [];
      let made = 0;
      const moveTo = (size: number) => {
        const wanted = Math.max(0, Math.min(60_000, size));
        while (others.length < wanted) {
          const key = `other:${seed}:${made++}`;
          pair.add(key);
          others.push(key);
        }
        while (others.length > wanted) {
          const index = limit(others.length);
          pair.remove(others[index]);
          others[index] = others[others.length - 1];
          others.pop();
        }
      };
      moveTo(start);
      let budget = 400; // changes end in time, so that the scan of a table that always grows ends too
      const seen = scanWhile(pair, 1 + limit(30), (calls) => {
        if (budget-- > 0) moveTo(target(calls));
      });
      for (const key of lasting) assert.ok(seen.has(key), `${key} was not seen`);
    }
  });
}

test("a scan with any uint32 as its cursor ends and returns only entries of the table", () => {
  const pair = new Pair();
  const limit = below(randomFrom(3));
  for (let i = 0; i < 5000; i++) pair.add(`key:${i}`);
  const live = new Set(pair.model.values());
  const refs: number[] = [];
  for (let i = 0; i < 300; i++) {
    let cursor = i < 64 ? [0, 1, 1023, 1024, 2 ** 31, 2 ** 32 - 1][i % 6] : limit(2 ** 32);
    for (let calls = 0; calls < 20_000; calls++) {
      cursor = pair.tables.scan(pair.table, cursor, 100, refs);
      assert.ok(refs.every((ref) => live.has(ref)));
      assert.ok(Number.isInteger(cursor) && cursor >= 0 && cursor < 2 ** 32);
      if (cursor === 0) break;
    }
    assert.equal(cursor, 0);
  }
});

test("random entries are drawn evenly", () => {
  for (const size of [1, 5, 100, 3000]) {
    const pair = new Pair();
    const random = randomFrom(size);
    for (let i = 0; i < size; i++) pair.add(`key:${i}`);
    const drawn = new Map<number, number>();
    const draws = size * 100;
    for (let i = 0; i < draws; i++) {
      const ref = pair.tables.random(pair.table, random);
      drawn.set(ref, (drawn.get(ref) ?? 0) + 1);
    }
    let chiSquare = 0;
    for (const ref of pair.model.values()) chiSquare += ((drawn.get(ref) ?? 0) - 100) ** 2 / 100;
    // Mean is size - 1, deviation about sqrt(2 * size); six of them are far out.
    assert.ok(chiSquare < size + 6 * Math.sqrt(2 * size) + 1, `chi-square ${chiSquare} for ${size}`);
  }
});

test("an empty table has no random entry, and one nearly empty finds its last", () => {
  const pair = new Pair();
  assert.equal(pair.tables.random(pair.table, Math.random), 0);
  for (let i = 0; i < 50_000; i++) pair.add(`key:${i}`);
  for (let i = 1; i < 50_000; i++) pair.remove(`key:${i}`);
  assert.equal(pair.tables.random(pair.table, Math.random), pair.model.get("key:0"));
});

test("where there is no memory for a smaller directory, removing goes on, and the table stays whole", () => {
  const pair = new Pair();
  for (let i = 0; i < 20_000; i++) pair.add(`key:${i}`);
  const alloc = pair.arena.alloc.bind(pair.arena);
  pair.arena.alloc = () => {
    throw new ArenaFullError("none is left");
  };
  for (let i = 0; i < 19_990; i++) {
    pair.remove(`key:${i}`);
    if (i % 1000 === 0) pair.check();
  }
  pair.check();
  pair.arena.alloc = alloc;
  for (let i = 19_990; i < 19_998; i++) pair.remove(`key:${i}`);
  pair.check();
  for (let i = 0; i < 5000; i++) pair.add(`more:${i}`);
  pair.check();
});
