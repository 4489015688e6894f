/** Members gathered with scores beside a Map and a plain sort: the order, members that come again, and sorted sets made of them. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeLatin1, encodeLatin1 } from "../../lib/bytes/latin1.ts";
import { ScoredMembers } from "../../lib/store/types/scored_members.ts";
import { below, randomFrom } from "./support.ts";

const upTo = below(randomFrom(5));
const members = new ScoredMembers();

type Pair = readonly [member: string, score: number];

function gathered(): Pair[] {
  members.sort();
  const { bytes, starts, lengths, scores, order, count } = members;
  return Array.from(order.subarray(0, count), (i) => [
    decodeLatin1(bytes, starts[i], starts[i] + lengths[i]),
    scores[i],
  ]);
}

const inOrder = ([a, x]: Pair, [b, y]: Pair): number => x !== y ? x - y : a < b ? -1 : 1;

/** Scores in runs that go up, down, or nowhere. */
function draw(count: number): Pair[] {
  const pairs: Pair[] = [];
  while (pairs.length < count) {
    const step = upTo(3) - 1;
    const from = upTo(50) - 25;
    for (let i = upTo(40); i >= 0 && pairs.length < count; i--) {
      pairs.push([`member:${upTo(9)}${pairs.length}`, from + step * i]);
    }
  }
  return pairs;
}

test("members are sorted by score, and by their bytes where scores are equal", () => {
  for (const count of [0, 1, 2, 3, 31, 32, 33, 100, 1000, 5000]) {
    for (let round = 0; round < 20; round++) {
      members.clear();
      const pairs = draw(count);
      for (const [member, score] of pairs) members.add(encodeLatin1(member), 0, member.length, score);
      assert.deepEqual(gathered(), pairs.toSorted(inOrder));
    }
  }
});

test("a member that comes again has its place, however many there are, and after others were forgotten", () => {
  for (const count of [1, 15, 16, 17, 100, 3000, 20, 10_000, 5]) {
    members.clear();
    const expected = new Map<string, number>();
    for (let i = 0; i < 3 * count; i++) {
      const member = `${"x".repeat(upTo(80))}${upTo(count)}`;
      const bytes = encodeLatin1(`..${member}`);
      const place = members.place(bytes, 2, member.length);
      const before = members.scores[place];
      assert.equal(Number.isNaN(before), !expected.has(member));
      members.scores[place] = Number.isNaN(before) ? i : before + i;
      expected.set(member, (expected.get(member) ?? 0) + i);
    }
    assert.equal(members.count, expected.size);
    assert.equal(members.longest, Math.max(...[...expected.keys()].map((member) => member.length)));
    assert.deepEqual(gathered(), [...expected].toSorted(inOrder));
  }
});

test("-0 and 0 stand where their members' bytes say, infinities at the ends", () => {
  members.clear();
  for (const [member, score] of [["d", 0], ["c", -0], ["b", 0], ["a", Infinity], ["e", -Infinity], ["", -0]] as const) {
    members.add(encodeLatin1(member), 0, member.length, score);
  }
  assert.deepEqual(gathered(), [["e", -Infinity], ["", -0], ["b", 0], ["c", -0], ["d", 0], ["a", Infinity]]);
});
