/** An RDB reader and the keys that it has wait: however the bytes come, and whoever looks, all is there. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeLatin1 } from "../../lib/bytes/latin1.ts";
import { RdbReader } from "../../lib/persistence/rdb_reader.ts";
import { ArenaFullError } from "../../lib/store/arena.ts";
import type { Database } from "../../lib/store/database.ts";
import { Keyspace } from "../../lib/store/keyspace.ts";
import { walkKeyspace } from "../model/keyspace_walk.ts";

const READ = { dropExpired: false, verifyChecksum: false };
const END = "\xff" + "\0".repeat(8);
/** More than wait at a time. */
const MANY = 600_000;

const string = (text: string) => String.fromCharCode(text.length) + text;
const file = (records: readonly string[]) => encodeLatin1("REDIS0010" + records.join("") + END);
const record = (key: string, value: string) => "\0" + string(key) + string(value);

function valueOf(database: Database, key: string): string | null {
  const { entries } = database;
  const ref = database.peek(encodeLatin1(key), 0, key.length);
  if (ref === 0) return null;
  const start = entries.valueStart(ref);
  return new TextDecoder("latin1").decode(entries.bytes(ref).subarray(start, start + entries.inlineLength(ref)));
}

test("a file is read the same, whatever the size of the pieces that it comes in, and whoever looks in between", () => {
  const records: string[] = [];
  const expected = new Map<string, string>();
  for (let i = 0; i < 2000; i++) {
    const [key, value] = [`key:${i * 7919 % 3001}`, `value:${i}`];
    if (i % 3 === 0) records.push("\xfc\xff\xff\xff\xff\xff\0\0\0");
    if (i % 100 === 99) records.push("\x02" + string(`set:${i}`) + "\x02" + string("a") + string("b"));
    records.push(record(key, value));
    expected.set(key, value);
  }
  const bytes = file(["\xfe\0", ...records]);
  for (const piece of [1, 7, 100, 4096, bytes.length]) {
    for (const looks of [false, true]) {
      const keyspace = new Keyspace(1);
      const [database] = keyspace.databases;
      const reader = new RdbReader(keyspace, READ);
      for (let at = 0, count = 0; at < bytes.length; at += piece) {
        reader.feed(bytes.slice(at, at + piece));
        assert.equal(database.size, reader.keysLoaded);
        if (looks && ++count % 10 === 0) valueOf(database, "key:0");
      }
      reader.close();
      assert.equal(database.size, expected.size + 20);
      for (const [key, value] of expected) assert.equal(valueOf(database, key), value);
      walkKeyspace(keyspace, false);
    }
  }
});

test("more keys than wait at a time are read in slices, each of which ends, and are all there", () => {
  const records = ["\xfe\0"];
  for (let i = 0; i < MANY; i++) {
    if (i === MANY - 1000) records.push("\xfe\x01");
    if (i % 5 === 0) records.push("\xfc\xff\xff\xff\xff\xff\0\0\0");
    records.push(record(`key:${i}`, "value"));
  }
  const bytes = file(records);
  const keyspace = new Keyspace(2);
  const [first, second] = keyspace.databases;
  const reader = new RdbReader(keyspace, READ);
  reader.push(bytes);
  let slices = 1;
  for (; !reader.run(0); slices++) assert.ok(!reader.finished);
  assert.ok(reader.finished);
  reader.close();
  assert.ok(slices > MANY / 5000);
  assert.deepEqual([first.size, second.size], [MANY - 1000, 1000]);
  assert.deepEqual([first.expiring, second.expiring], [(MANY - 1000) / 5, 200]);
  for (let i = 0; i < MANY; i += 999) assert.equal(valueOf(i < MANY - 1000 ? first : second, `key:${i}`), "value");
  walkKeyspace(keyspace, false);
});

test("a key that comes twice is told of, by its name and database, however far the two are apart", () => {
  const twice = record("twice", "one");
  const many: string[] = [];
  for (let i = 0; i < MANY; i++) many.push(record(`key:${i}`, "value"));
  for (
    const [records, shown] of [
      [["\xfe\0", twice, twice], /database 0 has this key already .*'twice'/],
      [["\xfe\0", twice, twice, "\xfe\x01", record("a", "b")], /database 0 has this key already .*'twice'/],
      [["\xfe\x01", twice, "\xfe\0", twice, "\xfe\x01", twice], /database 1 has this key already .*'twice'/],
      [["\xfe\0", twice, ...many, twice], /database 0 has this key already .*'twice'/],
      [["\xfe\0", twice, "\x02" + string("twice") + "\x01" + string("a")], /database 0 has this key already .*'twice'/],
      [["\xfe\0", twice, "\x04" + string("twice") + "\x01" + string("f") + string("v")], /database 0 has this key/],
    ] as const
  ) {
    const keyspace = new Keyspace(2);
    const reader = new RdbReader(keyspace, READ);
    assert.throws(() => reader.feed(file(records)), shown);
    assert.equal(valueOf(keyspace.databases[records[0] === "\xfe\0" ? 0 : 1], "twice"), "one");
    walkKeyspace(keyspace, false);
  }
  const keyspace = new Keyspace(2);
  const reader = new RdbReader(keyspace, { ...READ, replaceExisting: true });
  reader.feed(file(["\xfe\0", twice, record("twice", "two")]));
  reader.close();
  assert.equal(valueOf(keyspace.databases[0], "twice"), "two");
});

test("what was read of a file that ends too soon, or is bad, is there", () => {
  for (const end of ["", "\x7f", "\0\x03ke"]) {
    const keyspace = new Keyspace(1);
    const reader = new RdbReader(keyspace, READ);
    const start = encodeLatin1("REDIS0010\xfe\0" + record("one", "1") + record("two", "2") + end);
    assert.throws(() => {
      reader.feed(start);
      reader.close();
    });
    assert.equal(keyspace.databases[0].size, 2);
    assert.equal(valueOf(keyspace.databases[0], "two"), "2");
    walkKeyspace(keyspace, false);
  }
});

/** Members, or fields with values, of one value of many, as the types of RDB have them that are read one by one. */
const VALUES = {
  set: ["\x02", (i: number) => string(`member:${i}`)],
  hash: ["\x04", (i: number) => string(`member:${i}`).repeat(2)],
} as const;
const countOf = (count: number) =>
  "\x80" + String.fromCharCode(count >>> 24, count >>> 16 & 255, count >>> 8 & 255, count & 255);

for (const [name, [type, element]] of Object.entries(VALUES)) {
  const elements = (count: number) => Array.from({ length: count }, (_, i) => element(i));
  const value = (parts: readonly string[]) => type + string("key") + countOf(parts.length) + parts.join("");
  const entryOf = (keyspace: Keyspace) => {
    const [database] = keyspace.databases;
    const { heap } = keyspace.store;
    const ref = database.peek(encodeLatin1("key"), 0, 3);
    return { heap, ref, count: heap.typeOf(ref).count(ref), table: heap.typeOf(ref).memberTable(ref) };
  };

  test(`a ${name} of more members than wait at a time has them all`, () => {
    for (const count of [1000, 65_535, 65_536, 65_537, 150_000]) {
      const keyspace = new Keyspace(1);
      const reader = new RdbReader(keyspace, READ);
      reader.push(file(["\xfe\0", value(elements(count)), record("behind", "value")]));
      while (!reader.run(1));
      reader.close();
      const { heap, count: found, table } = entryOf(keyspace);
      assert.equal(found, count);
      for (let i = 0; i < count; i += 97) {
        const member = encodeLatin1(`member:${i}`);
        const ref = heap.foresight.find(table, member, 0, member.length);
        assert.notEqual(ref, 0);
        const [start, end] = [
          heap.entries.valueStart(ref),
          heap.entries.valueStart(ref) + heap.entries.inlineLength(ref),
        ];
        const text = new TextDecoder("latin1").decode(heap.entries.bytes(ref).subarray(start, end));
        assert.equal(text, name === "hash" ? `member:${i}` : "");
      }
      assert.equal(valueOf(keyspace.databases[0], "behind"), "value");
      walkKeyspace(keyspace, false);
    }
  });

  test(`a ${name} with a member twice is refused, by the member's name, however far the two are apart`, () => {
    for (const [count, at] of [[1000, 1000], [70_000, 70_000], [70_000, 5], [150_000, 66_000]]) {
      const parts = elements(count);
      parts.splice(at, 0, element(3));
      const keyspace = new Keyspace(1);
      const reader = new RdbReader(keyspace, READ);
      const bytes = file(["\xfe\0", value(parts), record("behind", "value")]);
      assert.throws(() => reader.feed(bytes), /has the (member|field) 'member:3' twice .*key 'key'/);
      walkKeyspace(keyspace, false);
    }
  });

  test(`of a ${name} that ends too soon the members are there that came`, () => {
    for (const [count, came] of [[1000, 700], [150_000, 149_999], [150_000, 20]]) {
      const keyspace = new Keyspace(1);
      const reader = new RdbReader(keyspace, READ);
      const head = type + string("key") + countOf(count);
      reader.feed(encodeLatin1("REDIS0010\xfe\0" + head + elements(came).join("") + "\x09"));
      assert.throws(() => reader.close(), /Unexpected EOF .*key 'key'/);
      assert.equal(entryOf(keyspace).count, came);
      walkKeyspace(keyspace, false);
    }
  });

  test(`where there is no memory for a ${name}, at any allocation, nothing is left of what could not be put in place`, () => {
    const bytes = file(["\xfe\0", value(elements(name === "set" ? 520 : 140)), record("behind", "value")]);
    for (let at = 0, isReached = true; isReached; at++) {
      const keyspace = new Keyspace(1);
      const { arena } = keyspace.store.heap;
      const { alloc } = Object.getPrototypeOf(arena);
      let count = 0;
      arena.alloc = (size) => {
        if (count++ >= at) throw new ArenaFullError("none is left");
        return alloc.call(arena, size);
      };
      const reader = new RdbReader(keyspace, READ);
      try {
        reader.feed(bytes);
        isReached = false;
      } catch (error) {
        assert.ok(error instanceof Error && /none is left/.test(error.message), String(error));
      }
      Reflect.deleteProperty(arena, "alloc");
      walkKeyspace(keyspace, false);
      keyspace.databases[0].clear();
      walkKeyspace(keyspace, false);
    }
  });
}

test("a key that comes twice is told of where somebody looks while the value of its second is being read", () => {
  const second: Record<string, string> = {
    "a set": "\x02" + string("twice") + countOf(1000),
    "a large hash": "\x04" + string("twice") + countOf(1000),
    "a small hash": "\x04" + string("twice") + "\x10",
    "a small sorted set": "\x05" + string("twice") + "\x10",
    "a large sorted set": "\x05" + string("twice") + countOf(1000),
    "a list": "\x01" + string("twice") + "\x10",
  };
  const element = (what: string, i: number) =>
    string(`m${i}`.padEnd(20, ".")) +
    (what.includes("hash") ? string("v") : what.includes("sorted") ? "\0".repeat(8) : "");
  for (const [what, head] of Object.entries(second)) {
    const keyspace = new Keyspace(1);
    const [database] = keyspace.databases;
    const reader = new RdbReader(keyspace, READ);
    const start = head + Array.from({ length: 5 }, (_, i) => element(what, i)).join("");
    reader.feed(encodeLatin1("REDIS0010\xfe\0" + record("twice", "one") + start));
    assert.equal(valueOf(database, "twice"), "one", what);
    const rest = Array.from({ length: 11 }, (_, i) => element(what, 5 + i)).join("");
    assert.throws(() => reader.feed(encodeLatin1(rest)), /database 0 has this key already .*'twice'/, what);
    assert.equal(database.size, 1);
    walkKeyspace(keyspace, false);
  }
});
