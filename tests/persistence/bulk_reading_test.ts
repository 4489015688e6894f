/** An RDB reader and the keys that it has wait: however the bytes come, and whoever looks, all is there. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeLatin1 } from "../../lib/bytes/latin1.ts";
import { RdbReader } from "../../lib/persistence/rdb_reader.ts";
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
