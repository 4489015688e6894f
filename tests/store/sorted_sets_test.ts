/** Sorted sets beside a plain map, in both encodings: order, ranks, ranges, changes of score, freeing. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { compareBytes } from "../../lib/bytes/compare.ts";
import { ENCODING_LISTPACK, ENCODING_SKIPLIST } from "../../lib/store/entry.ts";
import { Keyspace } from "../../lib/store/keyspace.ts";
import { SortedSetCursor } from "../../lib/store/types/sorted_set_cursor.ts";
import { below, bytesOf, randomFrom } from "./support.ts";

const KEY = bytesOf("key");

/** A sorted set beside a map of its members' scores. */
class Pair {
  readonly keyspace = new Keyspace(1);
  readonly store = this.keyspace.store;
  readonly sets = this.store.sortedSets;
  readonly database = this.keyspace.databases[0];
  readonly cursor = new SortedSetCursor(this.sets);
  readonly model = new Map<string, number>();
  ref = 0;

  constructor() {
    this.ref = this.sets.create(this.database, KEY, 0, KEY.length, 0);
  }

  set(member: string, score: number): void {
    const bytes = bytesOf(member);
    this.ref = this.sets.set(this.database, this.ref, bytes, 0, bytes.length, score);
    assert.equal(this.sets.added, !this.model.has(member));
    // A score that is equal changes nothing, not even the sign of 0.
    if (this.model.get(member) !== score) this.model.set(member, score);
  }

  delete(member: string): void {
    const bytes = bytesOf(member);
    assert.equal(this.sets.delete(this.ref, bytes, 0, bytes.length), this.model.delete(member));
    this.ref = this.sets.trim(this.database, this.ref);
  }

  /** Members and scores in order. */
  sorted(): (readonly [string, number])[] {
    return [...this.model].sort(([a, x], [b, y]) => {
      if (x !== y) return x < y ? -1 : 1;
      return compareBytes(bytesOf(a), 0, a.length, bytesOf(b), 0, b.length);
    });
  }

  here(): readonly [string, number] {
    return [this.cursor.member.text(), this.cursor.score];
  }

  check(): void {
    const expected = this.sorted();
    const { cursor, sets, ref } = this;
    assert.equal(sets.count(ref), expected.length);
    const seen = [];
    for (let isThere = cursor.toRank(ref, 0); isThere; isThere = cursor.next()) seen.push(this.here());
    assert.deepEqual(seen, expected);
    const backwards = [];
    for (let isThere = cursor.toLast(ref); isThere; isThere = cursor.previous()) backwards.push(this.here());
    assert.deepEqual(backwards.reverse(), expected);
    const walked = new Map<string, number>();
    let at = 0;
    do at = sets.walk(
      ref,
      at,
      7,
      (member, score) => void walked.set(member.text(), Number(score.text().replace("inf", "Infinity"))),
    ); while (at !== 0);
    assert.deepEqual(walked, this.model);
  }
}

/** Scores as users have them: small integers, equal ones, fractions, extremes. */
function drawScore(upTo: (limit: number) => number): number {
  switch (upTo(8)) {
    case 0:
      return upTo(2) === 0 ? 0 : -0;
    case 1:
      return [Infinity, -Infinity, Number.MAX_VALUE, -Number.MIN_VALUE, 1e300, 2 ** 53][upTo(6)];
    case 2:
      return (upTo(2000) - 1000) / 100;
    case 3:
      return (upTo(2000) - 1000) / 7e10;
    default:
      return upTo(20) - 10;
  }
}

for (const limit of [128, 0]) {
  test(`a sorted set agrees with a map whatever is done to it, with at most ${limit} members in a listpack`, () => {
    const upTo = below(randomFrom(limit + 1));
    const pair = new Pair();
    pair.sets.maxListpackEntries = limit;
    for (let i = 0; i < 3000; i++) {
      const name = `member:${upTo(limit === 0 ? 1000 : 50)}`;
      const member = upTo(4) === 0 ? String(upTo(50)) : name;
      if (upTo(3) > 0) pair.set(member, drawScore(upTo));
      else pair.delete(member);
      if (i % 100 !== 0) continue;
      pair.check();
      const expected = pair.sorted();
      const { sets, cursor, ref } = pair;
      for (let j = 0; j < 20 && expected.length > 0; j++) {
        const rank = upTo(expected.length);
        const [name, score] = expected[rank];
        const bytes = bytesOf(name);
        assert.equal(sets.rank(ref, bytes, 0, bytes.length), rank);
        assert.equal(sets.score, score);
        assert.ok(sets.find(ref, bytes, 0, bytes.length));
        assert.ok(Object.is(sets.score, score));
        assert.ok(cursor.toRank(ref, rank));
        assert.deepEqual(pair.here(), expected[rank]);
        assert.equal(cursor.rank(), rank);
        for (const isExcluded of [false, true]) {
          const first = expected.findIndex(([, other]) => isExcluded ? other > score : other >= score);
          assert.equal(cursor.toScore(ref, score, isExcluded), first >= 0);
          if (first >= 0) assert.deepEqual(pair.here(), expected[first]);
        }
      }
      const absent = bytesOf("absent");
      assert.equal(sets.rank(ref, absent, 0, absent.length), -1);
    }
    assert.equal(
      pair.store.heap.entries.encoding(pair.ref),
      limit === 0 ? ENCODING_SKIPLIST : ENCODING_LISTPACK,
    );
  });

  test(`where all scores are equal, members are found by their bytes; ${limit} in a listpack`, () => {
    const upTo = below(randomFrom(limit + 2));
    const pair = new Pair();
    pair.sets.maxListpackEntries = limit;
    for (let i = 0; i < 100; i++) pair.set(upTo(2) === 0 ? String(upTo(500)) : `m${upTo(500)}`, 3);
    const names = pair.sorted().map(([name]) => name);
    for (let i = 0; i < 200; i++) {
      const bound = upTo(2) === 0 ? names[upTo(names.length)] : `m${upTo(500)}`;
      const bytes = bytesOf(bound);
      for (const isExcluded of [false, true]) {
        const first = names.findIndex((name) => {
          const order = compareBytes(bytesOf(name), 0, name.length, bytes, 0, bytes.length);
          return isExcluded ? order > 0 : order >= 0;
        });
        assert.equal(pair.cursor.toMember(pair.ref, bytes, 0, bytes.length, isExcluded), first >= 0);
        if (first >= 0) assert.equal(pair.here()[0], names[first]);
      }
    }
  });

  test(`ranks are removed from anywhere; ${limit} in a listpack`, () => {
    const upTo = below(randomFrom(limit + 3));
    const pair = new Pair();
    pair.sets.maxListpackEntries = limit;
    for (let i = 0; i < (limit || 2000); i++) pair.set(`m${upTo(100_000)}`, upTo(50));
    while (pair.model.size > 1) {
      const rank = upTo(pair.model.size - 1);
      const count = Math.min(upTo(40), pair.model.size - 1 - rank);
      for (const [name] of pair.sorted().slice(rank, rank + count)) pair.model.delete(name);
      pair.sets.deleteRanks(pair.ref, rank, count);
      if (upTo(5) === 0) pair.check();
    }
    pair.check();
  });
}

test("a copy is a sorted set of its own, and what is freed leaves nothing", () => {
  const pair = new Pair();
  pair.sets.maxListpackEntries = 0;
  const { arena, entries } = pair.store.heap;
  const before = arena.usedBytes;
  for (let i = 0; i < 3000; i++) pair.set(`m${i}`, i % 100);
  const original = pair.ref;
  const copy = pair.sets.copyBody(entries.valueWord(original));
  const body = entries.valueWord(original);
  pair.set("more", 1);
  entries.setValueWord(original, copy);
  pair.model.delete("more");
  pair.check();
  pair.sets.freeBody(body);
  pair.sets.freeBody(copy);
  while (pair.store.heap.freeDiscarded(1000));
  assert.equal(arena.usedBytes, before);
});
