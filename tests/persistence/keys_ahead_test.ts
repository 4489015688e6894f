/** Which keys an RDB reader sees coming, and that what it sees is no more than a hint. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeLatin1 } from "../../lib/bytes/latin1.ts";
import { KeysAhead } from "../../lib/persistence/keys_ahead.ts";
import { RdbReader } from "../../lib/persistence/rdb_reader.ts";
import { FORESIGHT, Foresight } from "../../lib/store/foresight.ts";
import { Keyspace } from "../../lib/store/keyspace.ts";

const { heap } = new Keyspace(1).store;

/** A foresight that keeps what is noted. */
class Noted extends Foresight {
  readonly keys: string[] = [];

  constructor() {
    super(heap.entries, heap.tables, []);
  }

  override addKey(bytes: Uint8Array, start: number, length: number): number {
    assert.ok(start + length <= bytes.length);
    this.keys.push(new TextDecoder("latin1").decode(bytes.subarray(start, start + length)));
    return super.addKey(bytes, start, length);
  }
}

function noted(bytes: Uint8Array, end = bytes.length): { keys: string[]; units: number } {
  const foresight = new Noted();
  const ahead = new KeysAhead(foresight);
  ahead.note(bytes, 0, end);
  return { keys: foresight.keys, units: ahead.units };
}

const string = (text: string) => String.fromCharCode(text.length) + text;
const LONG = "x".repeat(1000);
/** What follows the last record, so that its length is not at the very end. */
const MORE = "\xff" + "\0".repeat(8);

/** Records that are looked over to their end: the key of each, or "" for an opcode before one. */
const RECORDS: readonly (readonly [key: string, record: string])[] = [
  ["plain", "\0" + string("plain") + string("value")],
  ["long", "\0" + string("long") + "\x43\xe8" + LONG],
  ["longer", "\0" + string("longer") + "\x80\0\0\x03\xe8" + LONG],
  ["", "\xfc12345678"],
  ["expires", "\0" + string("expires") + string("value")],
  ["", "\xfd1234"],
  ["expires too", "\0" + string("expires too") + string("value")],
  ["", "\xf9\x05"],
  ["frequent", "\0" + string("frequent") + "\xc0\x01"],
  ["", "\xf8\x43\xe8"],
  ["idle", "\0" + string("idle") + "\xc1\x01\x02"],
  ["int32", "\0" + string("int32") + "\xc2\x01\x02\x03\x04"],
  ["lzf", "\0" + string("lzf") + "\xc3\x05\x14" + "\x01aa\xe0\x05"],
  ["hash", "\x10" + string("hash") + string("a listpack")],
  ["", "\xfc12345678"],
  ["last", "\0" + string("last") + string("value")],
];
const ALL = RECORDS.map(([, record]) => record).join("");
const KEYS = RECORDS.map(([key]) => key).filter((key) => key !== "");

test("keys are seen behind everything that can be passed over", () => {
  assert.deepEqual(noted(encodeLatin1(ALL + MORE)), { keys: KEYS, units: RECORDS.length });
});

test("the key of a value of several parts is the last that is seen", () => {
  for (const type of ["\x01", "\x02", "\x04", "\x05", "\x12", "\x15"]) {
    const bytes = encodeLatin1(ALL + type + string("parts") + "\x02" + string("a") + string("b") + ALL + MORE);
    assert.deepEqual(noted(bytes).keys, [...KEYS, "parts"]);
  }
});

test("what is of no known kind ends it, and counts as one unit where nothing was seen", () => {
  for (
    const start of [
      "\xfe\x01",
      "\xfb\x01\x01",
      "\xfa\x01a\x01b",
      "\xff",
      "\xf5\x01a",
      "\x7f",
      "\0\xc0\x01\x01a",
      "\0\x81",
    ]
  ) {
    assert.deepEqual(noted(encodeLatin1(start + ALL + MORE)), { keys: [], units: 1 });
    assert.deepEqual(noted(encodeLatin1(ALL + start + ALL + MORE)).keys, KEYS);
  }
});

test("of what has come in part, the keys are seen that are whole", () => {
  const bytes = encodeLatin1(ALL + MORE);
  for (let end = 0; end <= bytes.length; end++) {
    const { keys } = noted(bytes, end);
    assert.deepEqual(keys, KEYS.slice(0, keys.length));
    assert.ok(keys.join("").length <= end);
  }
});

test("no more is seen than there is room for", () => {
  const bytes = encodeLatin1(RECORDS[0][1].repeat(2 * FORESIGHT) + MORE);
  assert.deepEqual(noted(bytes), { keys: new Array(FORESIGHT).fill("plain"), units: FORESIGHT });
});

test("a reader that sees keys coming reads what it would without, however the bytes come", () => {
  const records: string[] = [];
  const expected = new Map<string, string>();
  for (let i = 0; i < 2000; i++) {
    const [key, value] = [`key:${i * 7919 % 3001}`, `value:${i}`];
    if (i % 3 === 0) records.push("\xfc\xff\xff\xff\xff\xff\0\0\0");
    if (i % 100 === 99) records.push("\x02" + string(`set:${i}`) + "\x02" + string("a") + string("b"));
    records.push("\0" + string(key) + string(value));
    expected.set(key, value);
  }
  const bytes = encodeLatin1("REDIS0010\xfe\0" + records.join("") + MORE);
  for (const piece of [1, 7, 100, 4096, bytes.length]) {
    const keyspace = new Keyspace(1);
    const reader = new RdbReader(keyspace, { dropExpired: false, verifyChecksum: true });
    for (let at = 0; at < bytes.length; at += piece) reader.feed(bytes.slice(at, at + piece));
    reader.close();
    assert.equal(keyspace.databases[0].size, expected.size + 20);
    for (const [key, value] of expected) {
      const { entries } = keyspace.store.heap;
      const ref = keyspace.databases[0].peek(encodeLatin1(key), 0, key.length);
      const start = entries.valueStart(ref);
      const found = entries.bytes(ref).subarray(start, start + entries.inlineLength(ref));
      assert.equal(new TextDecoder("latin1").decode(found), value);
    }
    assert.equal(keyspace.store.heap.foresight.count, 0);
  }
});
