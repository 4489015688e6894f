/** Sets beside a plain Set, in all encodings: members, conversions, chance, copies, freeing; and intsets to the byte. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { highWord, lowWord, parseWords, writeWords } from "../../lib/bytes/int64_words.ts";
import { parseInt64 } from "../../lib/bytes/integers.ts";
import { decodeLatin1 } from "../../lib/bytes/latin1.ts";
import { ENCODING_HASHTABLE, ENCODING_INTSET, ENCODING_LISTPACK, ENCODING_NAMES } from "../../lib/store/entry.ts";
import { isValidIntset } from "../../lib/store/intset.ts";
import { Keyspace } from "../../lib/store/keyspace.ts";
import { Element, isValidListpack } from "../../lib/store/listpack.ts";
import { LoneValues } from "../../lib/store/types/lone_values.ts";
import { SetIterator } from "../../lib/store/types/set_iterator.ts";
import { below, bytesOf, randomFrom } from "./support.ts";

const KEY = bytesOf("key");
const INTEGERS = [
  0n,
  -1n,
  127n,
  128n,
  -32768n,
  32767n,
  32768n,
  -32769n,
  2n ** 31n - 1n,
  2n ** 31n,
  -(2n ** 31n),
  -(2n ** 31n) - 1n,
  2n ** 32n,
  2n ** 32n - 1n,
  10n ** 9n,
  10n ** 15n,
  2n ** 53n,
  2n ** 53n + 1n,
  -(2n ** 53n) - 1n,
  1234567890123456789n,
  1000000000000000000n,
  2n ** 63n - 1n,
  -(2n ** 63n),
  -(2n ** 63n) + 1n,
];

/** A set beside a Set. */
class Pair {
  readonly keyspace = new Keyspace(1);
  readonly store = this.keyspace.store;
  readonly sets = this.store.sets;
  readonly database = this.keyspace.databases[0];
  readonly iterator = new SetIterator(this.sets);
  readonly model = new Set<string>();
  ref = 0;

  constructor(first: string, count = 1) {
    const bytes = bytesOf(first);
    this.ref = this.sets.create(this.database, KEY, 0, KEY.length, bytes, 0, bytes.length, count, 0);
  }

  get encoding(): string | undefined {
    return ENCODING_NAMES.get(this.store.heap.entries.encoding(this.ref));
  }

  add(member: string): void {
    const bytes = bytesOf(member);
    this.ref = this.sets.add(this.database, this.ref, bytes, 0, bytes.length);
    assert.equal(this.sets.added, !this.model.has(member));
    this.model.add(member);
  }

  delete(member: string): void {
    const bytes = bytesOf(member);
    assert.equal(this.sets.delete(this.ref, bytes, 0, bytes.length), this.model.delete(member));
    this.ref = this.sets.trim(this.database, this.ref);
  }

  has(member: string): boolean {
    const bytes = bytesOf(member);
    return this.sets.has(this.ref, bytes, 0, bytes.length);
  }

  members(): string[] {
    const { iterator, ref } = this;
    const found: string[] = [];
    iterator.begin(ref);
    while (iterator.next()) found.push(iterator.member.text());
    return found;
  }

  check(): void {
    const { sets, ref, store } = this;
    const expected = [...this.model].sort();
    assert.equal(sets.count(ref), expected.length);
    assert.deepEqual(this.members().sort(), expected);
    const walked: string[] = [];
    let at = 0;
    do at = sets.walk(ref, at, 7, (member) => walked.push(member.text())); while (at !== 0);
    assert.deepEqual(walked.sort(), expected);
    for (const member of expected) assert.ok(this.has(member), member);
    const { entries } = store.heap;
    const encoding = entries.encoding(ref);
    const bytes = entries.bytes(ref);
    const start = entries.valueStart(ref);
    const length = entries.valueWord(ref);
    if (encoding === ENCODING_INTSET && expected.length > 0) assert.ok(isValidIntset(bytes, start, length));
    if (encoding === ENCODING_LISTPACK) assert.ok(isValidListpack(bytes, start, length, 1));
    if (encoding === ENCODING_INTSET) {
      assert.deepEqual(this.members(), expected.sort((a, b) => BigInt(a) < BigInt(b) ? -1 : 1), "in order");
    }
  }
}

const drawInteger = (upTo: (limit: number) => number): string => {
  switch (upTo(4)) {
    case 0:
      return String(INTEGERS[upTo(INTEGERS.length)]);
    case 1:
      return String(upTo(2 ** 20) - 2 ** 19);
    default:
      return String(upTo(600) - 300);
  }
};

const drawText = (upTo: (limit: number) => number): string => {
  switch (upTo(8)) {
    case 0:
      return "";
    case 1:
      return ["007", "-0", "+1", "9223372036854775808", "-9223372036854775809", " 1", "1 "][upTo(7)];
    case 2:
      return "x".repeat(upTo(70));
    case 3:
      return drawInteger(upTo);
    default:
      return `member:${upTo(300)}`;
  }
};

for (
  const [name, draw, intset, listpack, expected] of [
    ["an intset", drawInteger, 2000, 128, "intset"],
    ["a listpack", drawText, 512, 1000, "listpack"],
    ["a table of integers", drawInteger, 0, 0, "hashtable"],
    ["a table", drawText, 0, 0, "hashtable"],
  ] as const
) {
  test(`a set agrees with a Set whatever is done to it, as ${name}`, () => {
    const upTo = below(randomFrom(intset + listpack));
    const pair = new Pair(name === "an intset" ? "1" : "x");
    pair.sets.maxIntsetEntries = intset;
    pair.sets.maxListpackEntries = listpack;
    pair.sets.maxListpackValue = 100;
    for (let i = 0; i < 4000; i++) {
      if (upTo(100) < (i % 1000 < 700 ? 70 : 30)) pair.add(draw(upTo));
      else pair.delete(draw(upTo));
      const probe = draw(upTo);
      assert.equal(pair.has(probe), pair.model.has(probe));
      if (i % 100 === 0) pair.check();
    }
    pair.check();
    assert.equal(pair.encoding, expected);
  });
}

test("integers that only look alike, or are none, are told apart in every encoding", () => {
  const texts = INTEGERS.map(String).concat("01", "-0", "+5", "1e3", "9223372036854775808", "-9223372036854775809", "");
  for (const limit of [0, 512]) {
    const pair = new Pair("0");
    pair.sets.maxIntsetEntries = pair.sets.maxListpackEntries = limit;
    for (const text of texts) {
      pair.add(text);
      pair.add(text);
      pair.check();
    }
    for (const text of texts) {
      pair.delete(text);
      pair.check();
    }
  }
});

test("a new set's encoding is that of its first member, and of how many are to come", () => {
  const encodings = (first: string) => [1, 128, 129, 512, 513].map((count) => new Pair(first, count).encoding);
  assert.deepEqual(encodings("12"), ["intset", "intset", "intset", "intset", "hashtable"]);
  assert.deepEqual(encodings("a"), ["listpack", "listpack", "hashtable", "hashtable", "hashtable"]);
});

test("an intset becomes a table beyond its limit, a listpack where something else comes, if all fits one", () => {
  let pair = new Pair("1");
  for (let i = 0; i < 512; i++) pair.add(String(i));
  assert.equal(pair.encoding, "intset");
  pair.add("512");
  assert.equal(pair.encoding, "hashtable");
  pair.check();

  for (
    const [integers, member, expected] of [[127, "a", "listpack"], [128, "a", "hashtable"], [
      3,
      "a".repeat(64),
      "listpack",
    ], [3, "a".repeat(65), "hashtable"]] as const
  ) {
    pair = new Pair("1");
    for (let i = 0; i < integers; i++) pair.add(String(i * 1000 - 5000));
    pair.add(member);
    assert.equal(pair.encoding, expected, `${integers} and ${member.length} bytes`);
    pair.check();
  }
  pair = new Pair("1");
  pair.sets.maxListpackValue = 4;
  for (const integer of ["1", "22222", "3"]) pair.add(integer);
  pair.add("x");
  assert.equal(pair.encoding, "hashtable", "an integer is too long for a listpack");
});

test("a listpack becomes a table at one member too many, or too long", () => {
  let pair = new Pair("a");
  for (let i = 0; i < 128; i++) pair.add(`m${i}`);
  assert.equal(pair.encoding, "listpack");
  pair.add("m0");
  assert.equal(pair.encoding, "listpack");
  pair.add("one more");
  assert.equal(pair.encoding, "hashtable");
  pair.check();
  pair = new Pair("a");
  pair.add("b".repeat(64));
  assert.equal(pair.encoding, "listpack");
  pair.add("c".repeat(65));
  assert.equal(pair.encoding, "hashtable");
  pair.check();
});

test("intsets have Redis's bytes, and grow wider for one that needs it", () => {
  const pair = new Pair("1");
  const { entries } = pair.store.heap;
  const bytes = () => {
    const start = entries.valueStart(pair.ref);
    return [...entries.bytes(pair.ref).subarray(start, start + entries.valueWord(pair.ref))];
  };
  pair.add("5");
  pair.add("-2");
  assert.deepEqual(bytes(), [2, 0, 0, 0, 2, 0, 0, 0, 254, 255, 5, 0]);
  pair.add("32768");
  assert.deepEqual(bytes(), [4, 0, 0, 0, 3, 0, 0, 0, 254, 255, 255, 255, 5, 0, 0, 0, 0, 128, 0, 0]);
  pair.delete("32768");
  pair.add("-9223372036854775808");
  assert.deepEqual(bytes(), [
    ...[8, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 128],
    ...[254, 255, 255, 255, 255, 255, 255, 255, 5, 0, 0, 0, 0, 0, 0, 0],
  ]);
});

test("bytes that are no intset are told from those that are", () => {
  const sound = [2, 0, 0, 0, 2, 0, 0, 0, 1, 0, 2, 0];
  const isValid = (bytes: number[]) => isValidIntset(Uint8Array.from(bytes), 0, bytes.length);
  assert.ok(isValid(sound));
  const changed = (at: number, byte: number) => sound.map((old, i) => i === at ? byte : old);
  assert.ok(!isValid(changed(0, 3)), "width");
  assert.ok(!isValid(changed(1, 1)), "width");
  assert.ok(!isValid(changed(4, 3)), "count");
  assert.ok(!isValid(changed(10, 1)), "twice");
  assert.ok(!isValid(changed(10, 0)), "order");
  assert.ok(!isValid(sound.slice(0, 10)) && !isValid(sound.slice(0, 7)) && !isValid([...sound, 0]), "length");
  assert.ok(!isValid([2, 0, 0, 0, 0, 0, 0, 0]), "empty");
});

test("64-bit integers are read and written in words as BigInts are", () => {
  const upTo = below(randomFrom(5));
  const target = new Uint8Array(24);
  const check = (text: string) => {
    const bytes = bytesOf(text);
    const expected = parseInt64(bytes, 0, bytes.length);
    assert.equal(parseWords(bytes, 0, bytes.length), expected !== null, text);
    if (expected === null) return;
    assert.equal((BigInt(highWord) << 32n) | BigInt(lowWord >>> 0), expected, text);
    const end = writeWords(target, 1, highWord, lowWord);
    assert.equal(decodeLatin1(target, 1, end), text);
  };
  for (const integer of INTEGERS) for (let by = -2n; by <= 2n; by++) check(String(integer + by));
  for (let i = 0; i < 20_000; i++) {
    const digits = Array.from({ length: 1 + upTo(20) }, () => upTo(10)).join("");
    check(upTo(2) === 0 ? `-${digits}` : digits);
    check(String(BigInt.asIntN(64, (BigInt(upTo(2 ** 32)) << 32n) | BigInt(upTo(2 ** 32)))));
  }
  for (const text of ["", "-", "1a", "12345678901234567x", "123456789x1234567", "00000000000000000001"]) check(text);
});

const FULL: readonly [string, (i: number) => string, number][] = [
  ["intset", (i) => String(i * 77777), 500],
  ["listpack", (i) => `m${i}`, 100],
  ["hashtable", (i) => `m${i}`, 3000],
];

test("as many are taken at random as were asked for, whatever becomes of the table meanwhile", () => {
  const random = randomFrom(7);
  const upTo = below(random);
  for (let round = 0; round < 1500; round++) {
    const size = 129 + upTo(round % 20 === 0 ? 1500 : 12);
    const pair = new Pair("m1", 1000);
    for (let i = 0; i < size; i++) pair.add(`m${i}`);
    const count = Math.min(
      size - 1,
      Math.ceil(size * (round % 20 === 0 ? 0.26 + 0.74 * random() : 0.79 + 0.06 * random())),
    );
    const taken = new Set<string>();
    let times = 0;
    pair.sets.takeRandom(pair.ref, count, random, (member) => {
      taken.add(member.text());
      times++;
    });
    assert.deepEqual([times, taken.size, pair.sets.count(pair.ref)], [count, count, size - count]);
  }
});

for (const [encoding, name, size] of FULL) {
  test(`what is taken at random from a ${encoding} was there, is gone, and each is as likely as any other`, () => {
    const random = randomFrom(size);
    const upTo = below(random);
    for (const part of [0.001, 0.1, 0.5, 0.99]) {
      const pair = new Pair(name(1), encoding === "hashtable" ? 1000 : 1);
      for (let i = 0; i < size; i++) pair.add(name(i));
      assert.equal(pair.encoding, encoding);
      for (let round = 0; pair.model.size > 3 && round < 10; round++) {
        const count = Math.max(1, Math.min(pair.model.size - 1, Math.floor(pair.model.size * part)));
        const taken: string[] = [];
        pair.sets.takeRandom(pair.ref, count, random, (member) => taken.push(member.text()));
        assert.equal(taken.length, count);
        for (const member of taken) assert.ok(pair.model.delete(member), member);
        pair.check();
        pair.add(name(upTo(size)));
      }
    }
    const seen = new Map<string, number>();
    const pair = new Pair(name(1), encoding === "hashtable" ? 1000 : 1);
    for (let i = 0; i < 20; i++) pair.add(name(i));
    const element = new Element();
    for (let i = 0; i < 4000; i++) {
      pair.sets.random(pair.ref, random, element);
      const drawn = element.text();
      seen.set(drawn, (seen.get(drawn) ?? 0) + 1);
    }
    assert.equal(seen.size, 20);
    for (const times of seen.values()) assert.ok(times > 100 && times < 320, `${times} of 4000, in place of 200`);
    const firsts = new Map<string, number>();
    for (let i = 0; i < 4000; i++) {
      pair.sets.takeRandom(pair.ref, 5, random, (member) => {
        const text = member.text();
        firsts.set(text, (firsts.get(text) ?? 0) + 1);
        pair.model.delete(text);
      });
      for (let j = 0; j < 20; j++) if (!pair.model.has(name(j))) pair.add(name(j));
    }
    for (const times of firsts.values()) assert.ok(times > 850 && times < 1150, `${times} of 20000, in place of 1000`);
  });

  test(`a copy of a ${encoding} is a set of its own, and what is freed leaves nothing`, () => {
    const pair = new Pair(name(1), encoding === "hashtable" ? 1000 : 1);
    const { arena } = pair.store.heap;
    pair.database.remove(KEY, 0, KEY.length);
    const before = arena.usedBytes;
    const first = bytesOf(name(0));
    const { sets, database } = pair;
    const count = encoding === "hashtable" ? 1000 : 1;
    pair.ref = sets.create(database, KEY, 0, KEY.length, first, 0, first.length, count, 0);
    for (let i = 0; i < size; i++) pair.add(name(i));
    const other = bytesOf("other");
    database.duplicate(pair.ref, other, 0, other.length);
    pair.add(name(size));
    pair.delete(name(3));
    pair.check();
    const theirs = new Set(Array.from({ length: size }, (_, i) => name(i)));
    pair.ref = database.peek(other, 0, other.length);
    pair.model.clear();
    for (const member of theirs) pair.model.add(member);
    pair.check();
    database.remove(KEY, 0, KEY.length);
    database.remove(other, 0, other.length);
    while (pair.store.heap.freeDiscarded(1000));
    assert.equal(arena.usedBytes, before);
  });
}

test("a result that stands alone moves under a key, or is released, and leaves nothing", () => {
  for (const [encoding, name, size] of FULL) {
    const pair = new Pair(name(0));
    const { sets, store: { heap }, database } = pair;
    const home = new LoneValues(heap);
    database.remove(KEY, 0, KEY.length);
    const before = heap.arena.usedBytes;
    for (const isMoved of [true, false]) {
      let ref = sets.createIntset(home, KEY, 0, 0, 0);
      for (let i = 0; i < size; i++) {
        const bytes = bytesOf(name(i));
        ref = sets.add(home, ref, bytes, 0, bytes.length);
      }
      if (!isMoved) {
        heap.release(ref);
        continue;
      }
      pair.ref = home.moveTo(database, KEY, 0, KEY.length, ref);
      assert.equal(pair.encoding, encoding);
      pair.model.clear();
      for (let i = 0; i < size; i++) pair.model.add(name(i));
      pair.check();
      database.remove(KEY, 0, KEY.length);
    }
    while (heap.freeDiscarded(1000));
    assert.equal(heap.arena.usedBytes, before);
  }
});

test("a set of integers that stands alone becomes an intset, from a table or a listpack", () => {
  for (const limit of [0, 512]) {
    const pair = new Pair("x");
    const { sets, store: { heap } } = pair;
    sets.maxListpackEntries = limit;
    const home = new LoneValues(heap);
    for (const texts of [["1", "-5"], ["70000", "-3"], INTEGERS.map(String)]) {
      let ref = limit === 0 ? sets.createTable(home, KEY, 0, 0) : sets.createListpack(home, KEY, 0, 0, 0);
      for (const text of texts) ref = sets.add(home, ref, bytesOf(text), 0, text.length);
      assert.equal(heap.entries.encoding(ref), limit === 0 ? ENCODING_HASHTABLE : ENCODING_LISTPACK);
      ref = sets.convertToIntset(home, ref);
      assert.equal(heap.entries.encoding(ref), ENCODING_INTSET);
      const start = heap.entries.valueStart(ref);
      assert.ok(isValidIntset(heap.entries.bytes(ref), start, heap.entries.valueWord(ref)));
      pair.ref = ref;
      assert.deepEqual(pair.members(), [...texts].sort((a, b) => BigInt(a) < BigInt(b) ? -1 : 1));
      heap.release(ref);
    }
  }
});
