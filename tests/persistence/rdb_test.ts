import { test } from "node:test";
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { decodeLatin1, encodeLatin1 } from "../../lib/bytes/latin1.ts";
import { Crc64 } from "../../lib/bytes/crc64.ts";
import { countRdbKeys, LoadError, loadRdbFile } from "../../lib/persistence/load.ts";
import { RdbError } from "../../lib/persistence/rdb_format.ts";
import { RdbReader } from "../../lib/persistence/rdb_reader.ts";
import { saveSync } from "../../lib/persistence/save.ts";
import { ENCODING_HASHTABLE, ENCODING_INTSET, ENCODING_LISTPACK } from "../../lib/store/entry.ts";
import { Keyspace } from "../../lib/store/keyspace.ts";
import { SortedSetCursor } from "../../lib/store/types/sorted_set_cursor.ts";
import {
  contents,
  everything,
  INFO,
  OPTIONS,
  setHash,
  setString,
  toRdb,
  variedKeyspace,
  wipe,
  withDirectory,
} from "./helpers.ts";

const READ = { dropExpired: true, verifyChecksum: true };

function load(bytes: Uint8Array, options = {}): Keyspace {
  const keyspace = new Keyspace(16);
  const reader = new RdbReader(keyspace, { ...READ, ...options });
  reader.feed(bytes);
  reader.close();
  return keyspace;
}

/** An RDB file of version 9 from its records, with the right checksum. */
function file(...records: (number | string | number[])[]): Uint8Array {
  const body = encodeLatin1(
    "REDIS0009" +
      records.map((part) =>
        typeof part === "string" ? part : String.fromCharCode(...(typeof part === "number" ? [part] : part))
      ).join("") + "\xff",
  );
  const crc = new Crc64();
  crc.update(body);
  const whole = new Uint8Array(body.length + 8);
  whole.set(body);
  crc.writeTo(whole, body.length);
  return whole;
}

const text = (value: string) => String.fromCharCode(value.length) + value;

test("what is written is read back the same, in every encoding", () => {
  const keyspace = variedKeyspace();
  for (const compression of [true, false]) {
    assert.deepEqual(everything(load(toRdb(keyspace, { ...OPTIONS, compression }))), everything(keyspace));
  }
  assert.ok(toRdb(keyspace).length < toRdb(keyspace, { ...OPTIONS, compression: false }).length / 2);
});

test("the bytes may come in pieces of any size", () => {
  const keyspace = variedKeyspace();
  const bytes = toRdb(keyspace);
  const expected = everything(keyspace);
  for (const size of [1, 2, 3, 7, 64, 1000, 65_536]) {
    const target = new Keyspace(16);
    const reader = new RdbReader(target, READ);
    for (let at = 0; at < bytes.length; at += size) reader.feed(bytes.subarray(at, at + size));
    reader.close();
    assert.deepEqual(everything(target), expected, `pieces of ${size} bytes`);
    assert.equal(reader.offset, bytes.length);
  }
});

test("a run of no time still goes on, and what follows the data is left", () => {
  const bytes = toRdb(variedKeyspace());
  const reader = new RdbReader(new Keyspace(16), READ);
  reader.push(bytes);
  reader.push(encodeLatin1("*1\r\n$4\r\nPING\r\n"));
  let turns = 0;
  while (!reader.run(0)) turns++;
  assert.ok(turns > 50);
  assert.equal(reader.finished, true);
  assert.equal(String.fromCharCode(...reader.rest), "*1\r\n$4\r\nPING\r\n");
});

test("aux fields tell of the writer and the replication stream", () => {
  const replication = { database: 3, id: "a".repeat(40), offset: 5_000_000_000 };
  const bytes = toRdb(new Keyspace(1), OPTIONS, { ...INFO, replication, aofBase: true });
  const reader = new RdbReader(new Keyspace(1), READ);
  reader.feed(bytes);
  assert.equal(reader.version, 10);
  assert.equal(reader.aux.get("redis-ver"), "7.2.4");
  assert.equal(reader.aux.get("redis-bits"), "64");
  assert.equal(reader.aux.get("used-mem"), "1234567");
  assert.equal(reader.aux.get("repl-stream-db"), "3");
  assert.equal(reader.aux.get("repl-id"), "a".repeat(40));
  assert.equal(reader.aux.get("repl-offset"), "5000000000");
  assert.equal(reader.aux.get("aof-base"), "1");
});

test("idle times and frequencies go along where a policy asks for them", () => {
  const keyspace = new Keyspace(1);
  keyspace.store.accessClock = 1000;
  keyspace.store.accessClock = 400;
  setString(keyspace.databases[0], "a", "1");
  setHash(keyspace.databases[0], "h", { f: "v" });
  setHash(keyspace.databases[0], "t", Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`f${i}`, "v"])));
  keyspace.store.accessClock = 1000;
  const clocks = (target: Keyspace) => {
    const refs: number[] = [];
    target.databases[0].scan(0, 10, refs);
    return refs.map((ref) => target.store.heap.entries.clock(ref));
  };
  const read = (bytes: Uint8Array, options: object) => {
    const target = new Keyspace(1);
    target.store.accessClock = 5000;
    const reader = new RdbReader(target, { ...READ, ...options });
    reader.feed(bytes);
    reader.close();
    return clocks(target);
  };
  assert.deepEqual(read(toRdb(keyspace, OPTIONS, { ...INFO, withIdle: true }), { withIdle: true }), [4400, 4400, 4400]);
  const frequent = toRdb(keyspace, OPTIONS, { ...INFO, frequency: (clock: number) => clock & 255 });
  assert.deepEqual(read(frequent, { clockOfFrequency: (f: number) => 256 + f }), [400, 400, 400]);
  assert.deepEqual(read(frequent, {}), [5000, 5000, 5000]);
});

test("a primary drops what has expired, a replica keeps it", () => {
  const keyspace = new Keyspace(2);
  setString(keyspace.databases[0], "gone", "1", Date.now() - 1000);
  setString(keyspace.databases[0], "ancient", "1", -5n);
  setString(keyspace.databases[0], "here", "1", Date.now() + 100_000);
  const fields = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`f${i}`, "v"]));
  setHash(keyspace.databases[0], "gone:hash", fields);
  const ref = keyspace.databases[0].write(encodeLatin1("gone:hash"), 0, 9);
  keyspace.databases[0].setExpiry(ref, 1);
  const bytes = toRdb(keyspace);
  const primary = new Keyspace(2);
  const reader = new RdbReader(primary, READ);
  reader.feed(bytes);
  assert.deepEqual([...contents(primary, primary.databases[0]).keys()], ["here"]);
  assert.equal(reader.keysExpired, 3);
  assert.equal(reader.keysLoaded, 1);
  const replica = load(bytes, { dropExpired: false });
  assert.deepEqual(everything(replica), everything(keyspace));
});

test("small hashes written as tables become listpacks, large listpacks tables, as the limits say", () => {
  const keyspace = new Keyspace(1);
  keyspace.store.hashes.maxListpackEntries = 2;
  setHash(keyspace.databases[0], "h", { a: "1", b: "2", c: "3" });
  const loaded = load(toRdb(keyspace));
  const encodingOf = (of: Keyspace) => of.store.heap.entries.encoding(of.databases[0].peek(encodeLatin1("h"), 0, 1));
  assert.equal(encodingOf(keyspace), ENCODING_HASHTABLE);
  assert.equal(encodingOf(loaded), ENCODING_LISTPACK);
  const strict = new Keyspace(1);
  strict.store.hashes.maxListpackEntries = 2;
  const reader = new RdbReader(strict, READ);
  reader.feed(toRdb(loaded));
  assert.equal(encodingOf(strict), ENCODING_HASHTABLE);
  const wide = new Keyspace(1);
  setHash(wide.databases[0], "h", { a: "a long text" });
  wide.databases[0].store.hashes.convert(wide.databases[0], wide.databases[0].peek(encodeLatin1("h"), 0, 1));
  const narrow = new Keyspace(1);
  narrow.store.hashes.maxListpackValue = 5;
  new RdbReader(narrow, READ).feed(toRdb(wide));
  assert.equal(encodingOf(narrow), ENCODING_HASHTABLE);
});

test("every truncation is an error at the last byte", () => {
  const keyspace = new Keyspace(2);
  setString(keyspace.databases[0], "a", "some value", Date.now() + 1_000_000);
  setString(keyspace.databases[0], "b", "abc".repeat(30));
  setHash(keyspace.databases[1], "h", { f: "v" });
  setHash(keyspace.databases[1], "t", Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`f${i}`, "v"])));
  const bytes = toRdb(keyspace);
  const target = new Keyspace(2);
  for (let length = 0; length < bytes.length; length++) {
    const reader = new RdbReader(wipe(target), READ);
    reader.feed(bytes.subarray(0, length));
    assert.throws(() => reader.close(), (error) => error instanceof RdbError && error.offset === length);
  }
});

test("a truncated file names its path, the byte and the key, and is left as it is", async () => {
  await withDirectory(async (directory) => {
    const path = join(directory, "dump.rdb");
    const keyspace = new Keyspace(1);
    setString(keyspace.databases[0], "unfinished", "x".repeat(100).replace(/x/g, (_, i) => String.fromCharCode(i)));
    saveSync(keyspace, path, INFO, OPTIONS);
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.subarray(0, bytes.length - 30));
    await assert.rejects(loadRdbFile(path, new Keyspace(1), READ), (error) => {
      assert.ok(error instanceof LoadError);
      assert.ok(error.message.includes(path), error.message);
      assert.ok(error.message.includes(`at byte ${bytes.length - 30}, key 'unfinished'`), error.message);
      return true;
    });
    assert.equal(readFileSync(path).length, bytes.length - 30);
    await assert.rejects(
      loadRdbFile(join(directory, "missing.rdb"), new Keyspace(1), READ),
      /missing\.rdb: No such file/,
    );
  });
});

test("loading yields to the event loop and tells of its progress", async () => {
  await withDirectory(async (directory) => {
    const path = join(directory, "dump.rdb");
    const keyspace = variedKeyspace();
    saveSync(keyspace, path, INFO, OPTIONS);
    const target = new Keyspace(16);
    const seen: number[] = [];
    let turns = 0;
    const timer = setInterval(() => turns++, 0);
    const result = await loadRdbFile(path, target, { ...READ, sliceMs: 0, onProgress: (bytes) => seen.push(bytes) });
    clearInterval(timer);
    assert.deepEqual(everything(target), everything(keyspace));
    assert.equal(result.bytes, readFileSync(path).length);
    assert.equal(seen[seen.length - 1], result.bytes);
    assert.ok(seen.length > 10 && turns > 0);
  });
});

test("the keys of a file are counted without being loaded, and where it announces enough, it is not read to its end", async () => {
  await withDirectory(async (directory) => {
    const path = join(directory, "dump.rdb");
    const keyspace = variedKeyspace();
    const keys = keyspace.databases.reduce((sum, { size }) => sum + size, 0);
    saveSync(keyspace, path, INFO, OPTIONS);
    const target = new Keyspace(16);
    const { arena } = target.store.heap;
    const before = arena.usedBytes;
    const options = { ...READ, onExpired: () => assert.fail("somebody was told of a key") };
    assert.equal(await countRdbKeys(path, target, options, Infinity), keys);
    assert.equal(await countRdbKeys(path, target, READ, keys + 1), keys);
    assert.equal(target.databases.reduce((sum, { size }) => sum + size, 0), 0);
    assert.equal(arena.usedBytes, before);
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.subarray(0, bytes.length - 30));
    assert.equal(await countRdbKeys(path, target, READ, 1), 1);
    await assert.rejects(countRdbKeys(path, target, READ, keys + 1), LoadError);
  });
});

const TARGET = new Keyspace(16);

function refused(bytes: Uint8Array, message: RegExp, offset?: number): void {
  const reader = new RdbReader(wipe(TARGET), READ);
  assert.throws(() => reader.feed(bytes), (error) => {
    assert.ok(error instanceof RdbError, String(error));
    assert.match(error.message, message);
    if (offset !== undefined) assert.equal(error.offset, offset);
    return true;
  });
}

test("keys whose values have no elements are left out, and told of", () => {
  const EMPTY_LISTPACK = text("\x07\0\0\0\0\0\xff");
  const EMPTY_ZIPLIST = text("\x0b\0\0\0\x0a\0\0\0\0\0\xff");
  const told: string[] = [];
  const reader = new RdbReader(wipe(TARGET), { ...READ, onEmptyKey: (key) => told.push(key) });
  reader.feed(file(
    ...[4, text("hash"), 0, 13, text("hash ziplist"), EMPTY_ZIPLIST, 16, text("hash listpack"), EMPTY_LISTPACK],
    ...[2, text("set"), 0, 1, text("list"), 0, 14, text("quicklist"), 0],
    ...[14, text("empty ziplists"), 2, EMPTY_ZIPLIST, EMPTY_ZIPLIST],
    ...[3, text("zset"), 0, 12, text("zset ziplist"), EMPTY_ZIPLIST, 17, text("zset listpack"), EMPTY_LISTPACK],
    ...[0, text("string"), text("")],
  ));
  assert.deepEqual(told, [
    "hash",
    "hash ziplist",
    "hash listpack",
    "set",
    "list",
    "quicklist",
    "empty ziplists",
    "zset",
    "zset ziplist",
    "zset listpack",
  ]);
  assert.equal(reader.emptyKeys, 10);
  assert.deepEqual([...contents(TARGET, TARGET.databases[0])].map(([key]) => key), ["string"]);
});

test("a sorted set that is no listpack after all keeps scores of -0, whatever comes first", () => {
  const score = (value: number) => [...new Uint8Array(new Float64Array([value]).buffer)];
  const long = "\x40\x64" + "x".repeat(100);
  for (const members of [[[text("m"), -0], [long, -1]], [[long, -1], [text("m"), -0]]] as const) {
    const reader = new RdbReader(wipe(TARGET), READ);
    reader.feed(file(5, text("key"), 2, ...members.flatMap(([member, value]) => [member, score(value)])));
    const [database] = TARGET.databases;
    const ref = database.look(encodeLatin1("key"), 0, 3);
    const { sortedSets } = TARGET.store;
    assert.equal(TARGET.store.heap.entries.hasBody(ref), true);
    assert.equal(sortedSets.find(ref, encodeLatin1("m"), 0, 1), true);
    assert.ok(Object.is(sortedSets.score, -0));
  }
});

test("what was loaded of a large sorted set that is cut off, or not sound, can be used", () => {
  const members = Array.from(
    { length: 1000 },
    (_, i) => [...encodeLatin1(text(`m${i}`)), ...new Uint8Array(Float64Array.of(-i).buffer)],
  );
  const bytes = file(5, text("z"), [0x43, 0xe8], members.flat()); // 1000, in 14 bits
  const sorted = (keyspace: Keyspace) => {
    const cursor = new SortedSetCursor(keyspace.store.sortedSets);
    const found: string[] = [];
    const ref = keyspace.databases[0].peek(encodeLatin1("z"), 0, 1);
    for (let isThere = cursor.toRank(ref, 0); isThere; isThere = cursor.next()) found.push(cursor.member.text());
    assert.equal(found.length, keyspace.store.sortedSets.count(ref));
    return found;
  };
  const whole = new Keyspace(1);
  const reader = new RdbReader(whole, READ);
  reader.feed(bytes);
  reader.close();
  assert.deepEqual(sorted(whole), Array.from({ length: 1000 }, (_, i) => `m${999 - i}`));
  const cut = new Keyspace(1);
  const cutReader = new RdbReader(cut, READ);
  cutReader.feed(bytes.subarray(0, bytes.length >> 1));
  assert.throws(() => cutReader.close(), /Unexpected EOF/);
  sorted(cut);
  const twice = new Keyspace(1);
  const twiceReader = new RdbReader(twice, READ);
  members[900] = members[5];
  assert.throws(() => twiceReader.feed(file(5, text("z"), [0x43, 0xe8], members.flat())), /the member 'm5' twice/);
  sorted(twice);
});

test("function libraries are kept as they are, and written again; modules' data is passed over and told of", () => {
  // "ft_index0", version 1, as its letters' six bits each, and ten for the version.
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const id = [..."ft_index0"].reduce((id, letter) => (id << 6n) | BigInt(letters.indexOf(letter)), 0n) << 10n | 1n;
  const idBytes = [0x81, ...Array.from({ length: 8 }, (_, i) => Number((id >> BigInt(56 - 8 * i)) & 255n))];
  const module = [247, idBytes, 2, 2, 5, text("anything"), 1, [0x81, 255, 255, 255, 255, 255, 255, 255, 255], 3, [
    1,
    2,
    3,
    4,
  ]];
  const bytes = file(
    ...[245, text("#!lua name=first"), 245, text("#!lua name=second")],
    ...[...module, 4, [1, 2, 3, 4, 5, 6, 7, 8], 0, 0, text("key"), text("value"), 247, idBytes, 2, 2, 0],
  );
  const modules: string[] = [];
  const reader = new RdbReader(wipe(TARGET), { ...READ, onModule: (name) => modules.push(name) });
  for (const byte of bytes) reader.feed(Uint8Array.of(byte)); // each part may come alone
  reader.close();
  assert.deepEqual(modules, ["ft_index0", "ft_index0"]);
  assert.deepEqual(reader.functions.map((library) => decodeLatin1(library, 0, library.length)), [
    "#!lua name=first",
    "#!lua name=second",
  ]);
  assert.deepEqual([...contents(TARGET, TARGET.databases[0])].map(([key]) => key), ["key"]);
});

/** An int64 as RDB files have it. */
const int64 = (value: number) => [...new Uint8Array(new BigInt64Array([BigInt(value)]).buffer)];
/** A listpack of short strings, and of small integers. */
function smallListpack(...elements: (string | number)[]): string {
  const body = elements.map((element) =>
    typeof element === "number"
      ? String.fromCharCode(element, 1)
      : String.fromCharCode(0x80 | element.length) + element + String.fromCharCode(element.length + 1)
  ).join("");
  return String.fromCharCode(7 + body.length, 0, 0, 0, elements.length, 0) + body + "\xff";
}
/** What hashes with field expiry, written by Redis 7.4 in each of its forms, are loaded as: field by field, and packed. */
const LONG_AGO_MS = 1_000_000;
const expiringHashes = (fields: readonly [string, string, number][]) => [
  file(24, text("h"), int64(LONG_AGO_MS), fields.length, ...fields.flatMap(([f, v, e]) => [e, text(f), text(v)])),
  file(22, text("h"), fields.length, ...fields.flatMap(([f, v, e]) => [e, text(f), text(v)])),
  file(25, text("h"), int64(LONG_AGO_MS), text(smallListpack(...fields.flatMap(([f, v, e]) => [f, v, e])))),
  file(23, text("h"), text(smallListpack(...fields.flatMap(([f, v, e]) => [f, v, e])))),
];

test("fields that have expired by themselves are left out, and those without an expiry are there", () => {
  const fields: [string, string, number][] = [["gone", "1", 1], ["here", "value", 0], ["gone too", "2", 20], [
    "n",
    "7",
    0,
  ]];
  const expected = everything(load(file(4, text("h"), 2, text("here"), text("value"), text("n"), text("7"))));
  for (const bytes of expiringHashes(fields)) assert.deepEqual(everything(load(bytes)), expected);
  for (const bytes of expiringHashes([["gone", "1", 1]])) assert.equal(load(bytes).databases[0].size, 0);
});

test("a field that is still to expire by itself is refused by its name, and so is what is not sound", () => {
  const later = int64(4_000_000_000_000);
  const notSupported = /a field expiry, of the hash's field 'f', is not supported \(at byte \d+, key 'h'\)/;
  refused(file(24, text("h"), later, 1, 1, text("f"), text("v")), notSupported);
  refused(file(22, text("h"), 1, [0x81, 0, 0, 3, 0xa3, 0x52, 0x94, 0x40, 0], text("f"), text("v")), notSupported);
  const longExpiry = "\xf4\x00\x40\x94\x52\xa3\x03\x00\x00\x09";
  const packed = "\x81f\x02\x81v\x02" + longExpiry;
  const listpack = String.fromCharCode(7 + packed.length, 0, 0, 0, 3, 0) + packed + "\xff";
  refused(file(25, text("h"), later, text(listpack)), notSupported);
  refused(file(23, text("h"), text(listpack)), notSupported);
  refused(
    file(23, text("h"), text(smallListpack("f", "v"))),
    /field expiry integrity check failed: a malformed listpack/,
  );
  refused(file(23, text("h"), text(smallListpack("f", "v", "x"))), /integrity check failed: an expiry is no number/);
  refused(file(23, text("h"), text(smallListpack("f", "v", 0, "f", "w", 0))), /the hash has the field 'f' twice/);
  refused(file(22, text("h"), 2, 0, text("f"), text("v"), 0, text("f"), text("w")), /the hash has the field 'f' twice/);
});

test("what cannot be held is refused with its place and its name", () => {
  refused(encodeLatin1("REDIX0009\xff12345678"), /Wrong signature/, 0);
  refused(encodeLatin1("REDIS0013\xff12345678"), /Can't handle RDB format version 0013/, 5);
  refused(encodeLatin1("REDIS0000\xff12345678"), /version 0000/, 5);
  refused(file(26, text("h\x01"), [1]), /unknown value type or opcode 26/, 9);
  refused(file(1, text("l"), 1, [0xc4]), /unknown string encoding 4/);
  refused(file(18, text("l"), 1, 3, text("x")), /a list's node of an unknown kind, 3/);
  refused(file(18, text("l"), 1, 2, text("xxxxxxx")), /List listpack integrity check failed: a malformed listpack/);
  refused(file(18, text("l"), 1, 1, text("")), /plain node without bytes/);
  refused(
    file(9, text("h"), text("\x01\xfe\x01\0\0\0f\x01\0v\xff")),
    /Zipmap integrity .* long form of a short length/,
  );
  refused(file(9, text("h"), text("\0\xff")), /Zipmap integrity check failed: no fields/);
  refused(
    file(5, text("z"), 1, text("m"), [0, 0, 0, 0, 0, 0, 0xf8, 0x7f]),
    /the member 'm' has a score that is no number/,
  );
  refused(file(3, text("z"), 2, text("m"), text("1"), text("m"), text("2")), /the member 'm' twice/);
  refused(file(7, text("key"), [1], text("x")), /type 7, module value, is not supported \(at byte 9, key 'key'\)/, 9);
  refused(file(6, text("q\x01"), [1]), /type 6, module value \(before 4.0\), is not supported .*key 'q\\x01'/);
  refused(file(200, text("h"), [1]), /unknown value type or opcode 200/, 9);
  refused(file(247, [1, 9]), /a module's data of an unknown kind, 9/);
  refused(file(246, text("x")), /release candidate/);
  refused(file(254, 16), /database 16, but there are only 16/);
  refused(file(0, text("k"), text("v"), 0, text("k"), text("w")), /database 0 has this key already .*key 'k'/);
  refused(file(4, text("k"), 1, text("f"), text("v"), 4, text("k"), 1, text("f"), text("v")), /has this key already/);
  refused(file(4, text("k"), 2, text("f"), text("v"), text("f"), text("w")), /field 'f' twice .*key 'k'/);
  refused(file(0, text("k"), [0xc4]), /unknown string encoding 4/);
  refused(file(0, text("k"), [0x82]), /unknown length encoding 0x82/);
  refused(file(0, text("k"), [0xc3, 5, 0x42, 0x00]), /5 bytes of LZF cannot hold 512/);
  refused(file(0, text("k"), [0xc3, 4, 20, 0xe0, 0, 0, 0]), /malformed LZF/);
  refused(file(0, text("k"), [0x81, 0, 0, 1, 0, 0, 0, 0, 0]), /longer than this server can hold/);
  refused(file(254, [0xc0, 1]), /encoded string where a length belongs/);
});

const INTSET = [2, 0, 0, 0, 2, 0, 0, 0, 1, 0, 2, 0];
const LISTPACK_A_1 = [12, 0, 0, 0, 2, 0, 0x81, 0x61, 2, 1, 1, 255];

test("sets that are not sound are refused: members twice, malformed intsets and listpacks", () => {
  const blob = (bytes: number[]) => [bytes.length, ...bytes];
  const changed = (bytes: number[], at: number, byte: number) => blob(bytes.map((old, i) => i === at ? byte : old));
  refused(file(2, text("k"), 2, text("a"), text("a")), /the set has the member 'a' twice .*key 'k'/);
  refused(file(2, text("k"), 2, [0xc0, 1], text("1")), /the set has the member '1' twice .*key 'k'/);
  refused(file(11, text("k"), changed(INTSET, 10, 1)), /malformed intset .*key 'k'/);
  refused(file(11, text("k"), changed(INTSET, 4, 3)), /malformed intset/);
  refused(file(11, text("k"), blob([2, 0, 0, 0, 0, 0, 0, 0])), /malformed intset/);
  refused(file(20, text("k"), changed(LISTPACK_A_1, 4, 3)), /malformed listpack .*key 'k'/);
  refused(file(20, text("k"), changed(LISTPACK_A_1, 8, 7)), /malformed listpack/);
  refused(file(20, text("k"), blob([13, 0, 0, 0, 2, 0, 1, 1, 0x81, 0x31, 2, 255])), /malformed listpack/);
  refused(file(20, text("k"), blob([11, 0, 0, 0, 2, 0, 1, 1, 1, 1, 255])), /listpack with a member twice/);
});

test("strings of every length, compressible and not, come back from in-place encoding", () => {
  const keyspace = new Keyspace(1);
  const lengths = Array.from({ length: 300 }, (_, i) => i);
  for (const around of [16383, 16384, 65536, 262144]) {
    lengths.push(around - 20, around - 4, around - 1, around, around + 1);
  }
  let state = 1;
  for (const length of lengths) {
    for (const noise of [0, 3, 40]) { // of 100 bytes, so many are of no use to the compression
      let value = "";
      for (let i = 0; i < length; i++) {
        state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
        value += state % 100 < noise ? String.fromCharCode(97 + (state >> 8) % 26) : "abcdefghi"[i % 9];
      }
      setString(keyspace.databases[0], `${length}:${noise}`, value);
    }
  }
  assert.deepEqual(everything(load(toRdb(keyspace))), everything(keyspace));
});

test("a small set read member by member is what adding its members one by one makes of it", () => {
  const long = "x".repeat(65);
  const many = (count: number, name: (i: number) => string) => Array.from({ length: count }, (_, i) => name(i));
  const cases: [string[], number][] = [
    [["a"], ENCODING_LISTPACK],
    [["a", "5", "-7", "", "9223372036854775807"], ENCODING_LISTPACK],
    [["5", "a"], ENCODING_LISTPACK],
    [["5", "6"], ENCODING_INTSET],
    [["a", "b".repeat(64)], ENCODING_LISTPACK],
    [["a", "b", long], ENCODING_HASHTABLE],
    [many(128, (i) => `m${i}`), ENCODING_LISTPACK],
    [many(128, (i) => "m".repeat(50) + i), ENCODING_LISTPACK],
    [many(129, (i) => `m${i}`), ENCODING_HASHTABLE],
  ];
  for (const [members, encoding] of cases) {
    const bytes = file(
      2,
      text("k"),
      [0x40 | (members.length >> 8), members.length & 255],
      ...members.map((member) => [0x40 | (member.length >> 8), member.length & 255, ...encodeLatin1(member)]),
    );
    // At once, and with each byte coming by itself, so that members are read again.
    for (const step of [bytes.length, 1]) {
      const keyspace = new Keyspace(16);
      const reader = new RdbReader(keyspace, READ);
      for (let at = 0; at < bytes.length; at += step) reader.feed(bytes.subarray(at, at + step));
      reader.close();
      const [database] = keyspace.databases;
      const ref = database.peek(encodeLatin1("k"), 0, 1);
      assert.equal(keyspace.store.heap.entries.encoding(ref), encoding, members.slice(0, 3).join());
      const found: string[] = [];
      keyspace.store.sets.walk(ref, 0, Infinity, (member) => found.push(member.text()));
      assert.deepEqual(found.toSorted(), members.toSorted());
    }
  }
});

test("a sorted set's listpack out of order is put in order, among equal scores too", () => {
  const sorted = (...elements: number[]) => {
    const { store } = wipe(TARGET);
    const reader = new RdbReader(TARGET, READ);
    const listpack = [elements.length + 7, 0, 0, 0, 4, 0, ...elements, 255];
    reader.feed(file(17, text("k"), [listpack.length, ...listpack]));
    const found: string[] = [];
    const ref = TARGET.databases[0].peek(encodeLatin1("k"), 0, 1);
    store.sortedSets.walk(ref, 0, Infinity, (member, score) => found.push(`${member.text()} ${score.text()}`));
    return found.join();
  };
  const [a, b, ten] = [[0x81, 0x61, 2], [0x81, 0x62, 2], [10, 1]];
  assert.equal(sorted(...a, 1, 1, ...b, 2, 1), "a 1,b 2");
  assert.equal(sorted(...a, 2, 1, ...b, 1, 1), "b 1,a 2");
  assert.equal(sorted(...a, 1, 1, ...b, 1, 1), "a 1,b 1");
  assert.equal(sorted(...b, 1, 1, ...a, 1, 1), "a 1,b 1");
  assert.equal(sorted(...a, 1, 1, ...ten, 1, 1), "10 1,a 1");
});

test("sets of every RDB type become what the limits say", () => {
  const load = (type: number, ...value: (number | string | number[])[]) => {
    const { store } = wipe(TARGET);
    const reader = new RdbReader(TARGET, READ);
    reader.feed(file(type, text("k"), ...value));
    reader.close();
    const described = contents(TARGET, TARGET.databases[0]).get("k");
    assert.ok(typeof described === "object" || described === undefined);
    store.sets.maxIntsetEntries = 512;
    store.sets.maxListpackEntries = 128;
    return described && [described.encoding, described.value];
  };
  const { sets } = TARGET.store;
  const [intset, listpack] = [[INTSET.length, ...INTSET], [LISTPACK_A_1.length, ...LISTPACK_A_1]];
  assert.deepEqual(load(2, 2, text("1"), [0xc0, 2]), [ENCODING_INTSET, ["1", "2"]]);
  assert.deepEqual(load(2, 3, text("1"), text("a"), [0xc0, 2]), [ENCODING_LISTPACK, ["1", "2", "a"]]);
  assert.deepEqual(load(11, intset), [ENCODING_INTSET, ["1", "2"]]);
  assert.deepEqual(load(20, listpack), [ENCODING_LISTPACK, ["1", "a"]]);
  sets.maxIntsetEntries = sets.maxListpackEntries = 1;
  assert.deepEqual(load(2, 2, text("1"), [0xc0, 2]), [ENCODING_HASHTABLE, ["1", "2"]]);
  sets.maxIntsetEntries = sets.maxListpackEntries = 1;
  assert.deepEqual(load(11, intset), [ENCODING_HASHTABLE, ["1", "2"]]);
  sets.maxIntsetEntries = sets.maxListpackEntries = 1;
  assert.deepEqual(load(20, listpack), [ENCODING_HASHTABLE, ["1", "a"]]);
  assert.equal(load(20, [7, 7, 0, 0, 0, 0, 0, 255]), undefined, "an empty one is left out");
  assert.equal(load(2, 0), undefined);
});

test("records that say nothing here are passed over", () => {
  const loaded = load(
    file(251, 1, 0, 244, 1, 2, 3, 245, text(""), 250, text("custom"), text("field"), 0, text("k"), text("v")),
  );
  assert.deepEqual([...contents(loaded, loaded.databases[0]).keys()], ["k"]);
});

test("an expiry in seconds, and -1 as none", () => {
  const seconds = Math.floor(Date.now() / 1000) + 5000;
  const le = (value: bigint, bytes: number) =>
    Array.from({ length: bytes }, (_, i) => Number((value >> BigInt(8 * i)) & 255n));
  const loaded = load(
    file(253, le(BigInt(seconds), 4), 0, text("s"), text("v"), 252, le(-1n, 8), 0, text("n"), text("v")),
  );
  const all = contents(loaded, loaded.databases[0]);
  assert.deepEqual(all.get("s"), { value: "v", encoding: 8, expiry: String(seconds * 1000) });
  assert.equal(all.get("n"), "8:v");
});

test("empty hashes are left out and counted", () => {
  const keyspace = new Keyspace(1);
  const reader = new RdbReader(keyspace, READ);
  const empty = [11, 0, 0, 0, 10, 0, 0, 0, 0, 0, 255];
  reader.feed(
    file(
      4,
      text("a"),
      0,
      13,
      text("b"),
      [11],
      empty,
      16,
      text("c"),
      [7, 7, 0, 0, 0, 0, 0, 255],
      0,
      text("d"),
      text("v"),
    ),
  );
  assert.equal(reader.emptyKeys, 3);
  assert.deepEqual([...contents(keyspace, keyspace.databases[0]).keys()], ["d"]);
});

test("the checksum is verified unless it is 0 or not asked for", () => {
  const good = file(0, text("k"), text("v"));
  const bad = good.slice();
  bad[bad.length - 3] ^= 1;
  refused(
    bad,
    /Wrong RDB checksum expected: \([0-9a-f]{16}\) but got \([0-9a-f]{16}\), RDB CRC error/,
    good.length - 8,
  );
  assert.equal(load(bad, { verifyChecksum: false }).databases[0].size, 1);
  const unchecked = good.slice();
  unchecked.fill(0, good.length - 8);
  assert.equal(load(unchecked).databases[0].size, 1);
  const without = toRdb(variedKeyspace(), { ...OPTIONS, checksum: false });
  assert.deepEqual(without.subarray(-8), new Uint8Array(8));
  load(without);
});

test("files before version 5 end without a checksum", () => {
  const loaded = load(encodeLatin1("REDIS0004\xfe\0\0\x01k\x01v\xff"));
  assert.equal(loaded.databases[0].size, 1);
});

test("SAVE replaces the file whole or not at all", async () => {
  await withDirectory((directory) => {
    const path = join(directory, "dump.rdb");
    writeFileSync(path, "old");
    const keyspace = new Keyspace(1);
    setString(keyspace.databases[0], "k", "v");
    assert.throws(
      () => saveSync(keyspace, join(directory, "missing", "dump.rdb"), INFO, OPTIONS),
      /No such file or directory/,
    );
    assert.equal(readFileSync(path, "latin1"), "old");
    assert.equal(saveSync(keyspace, path, INFO, OPTIONS), 1);
    assert.equal(readFileSync(path, "latin1").slice(0, 9), "REDIS0010");
  });
});

test("an expired key is told of once, however its bytes are cut", () => {
  const keyspace = new Keyspace(1);
  setString(keyspace.databases[0], "string", "s".repeat(3000), 1000);
  setHash(keyspace.databases[0], "hash", Object.fromEntries(Array.from({ length: 700 }, (_, i) => [`f${i}`, "v"])));
  keyspace.databases[0].setExpiry(keyspace.databases[0].peek(encodeLatin1("hash"), 0, 4), 1000);
  setHash(keyspace.databases[0], "small", { a: "1" });
  keyspace.databases[0].setExpiry(keyspace.databases[0].peek(encodeLatin1("small"), 0, 5), 1000);
  const rdb = toRdb(keyspace);
  const told: string[] = [];
  const onExpired = (_: number, key: Uint8Array, start: number, length: number) =>
    void told.push(String.fromCharCode(...key.subarray(start, start + length)));
  const reader = new RdbReader(new Keyspace(1), { ...READ, onExpired });
  for (let at = 0; at < rdb.length; at += 7) reader.feed(rdb.subarray(at, at + 7));
  reader.close();
  assert.deepEqual(told.sort(), ["hash", "small", "string"]);
  assert.equal(reader.keysExpired, 3);
});
