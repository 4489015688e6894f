import { test } from "node:test";
import assert from "node:assert/strict";
import { decodeLatin1, encodeLatin1 } from "../../lib/bytes/latin1.ts";
import { NO_EXPIRY } from "../../lib/store/entry.ts";
import { Keyspace } from "../../lib/store/keyspace.ts";
import { Dumper, isPayloadIntact, Restorer } from "../../lib/persistence/dump.ts";
import { walkKeyspace } from "../model/keyspace_walk.ts";
import { contents, setHash, setString, variedKeyspace } from "./helpers.ts";

function hex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

test("a payload is what Redis's DUMP gives", () => {
  const keyspace = new Keyspace(1);
  setString(keyspace.databases[0], "k", "10");
  const ref = keyspace.databases[0].peek(encodeLatin1("k"), 0, 1);
  // From redis-server 7.0.15: SET k 10, DUMP k.
  assert.deepEqual(new Dumper(keyspace.store).dump(ref, true), hex("00c00a0a006e9f57450eae63bb"));
});

test("every value comes back from its payload, with the expiry given", () => {
  const keyspace = variedKeyspace();
  const target = new Keyspace(1);
  const restorer = new Restorer(target);
  for (const database of keyspace.databases) {
    for (const key of contents(keyspace, database).keys()) {
      const name = encodeLatin1(key);
      const ref = database.peek(name, 0, name.length);
      const payload = new Dumper(keyspace.store).dump(ref, key.length % 2 === 0);
      const framed = new Uint8Array(payload.length + 7);
      framed.set(payload, 3);
      assert.ok(isPayloadIntact(framed, 3, payload.length));
      const expiry = keyspace.store.heap.entries.hasExpiry(ref)
        ? keyspace.store.heap.entries.exactExpiry(ref)
        : NO_EXPIRY;
      assert.ok(restorer.restore(target.databases[0], name, 0, name.length, framed, 3, payload.length, expiry));
    }
    assert.deepEqual(contents(target, target.databases[0]), contents(keyspace, database));
    target.databases[0].clear();
  }
});

test("a payload that was changed, is too short or too new is not intact", () => {
  const keyspace = new Keyspace(1);
  setHash(keyspace.databases[0], "h", { f: "v" });
  const payload = new Dumper(keyspace.store).dump(keyspace.databases[0].peek(encodeLatin1("h"), 0, 1), true);
  assert.equal(isPayloadIntact(payload, 0, payload.length), true);
  for (let at = 0; at < payload.length; at++) {
    const changed = payload.slice();
    changed[at] ^= 4;
    assert.equal(isPayloadIntact(changed, 0, changed.length), false);
  }
  for (let length = 0; length < payload.length; length++) assert.equal(isPayloadIntact(payload, 0, length), false);
});

test("restoring keeps the old value where the payload makes none", () => {
  const keyspace = new Keyspace(1);
  setString(keyspace.databases[0], "k", "old");
  const restorer = new Restorer(keyspace);
  const name = encodeLatin1("k");
  for (
    const bytes of [
      "\x01\x00",
      "\x00",
      "\x00\x05ab",
      "\x00\x01abc",
      "\x04\x00",
      "\x04\x02\x01a\x01b",
      "\xff",
      "\xfa\x01a\x01b",
    ]
  ) {
    const payload = encodeLatin1(bytes + "\x0a\0" + "\0".repeat(8));
    assert.equal(restorer.restore(keyspace.databases[0], name, 0, 1, payload, 0, payload.length, NO_EXPIRY), false);
    assert.deepEqual([...contents(keyspace, keyspace.databases[0])], [["k", "8:old"]]);
  }
  assert.equal(decodeLatin1(name), "k");
});

test("a payload with another key behind its value, or an end, is refused, and harms none that comes later", () => {
  const keyspace = new Keyspace(1);
  const [database] = keyspace.databases;
  const restorer = new Restorer(keyspace);
  const restore = (payload: Uint8Array) =>
    restorer.restore(database, encodeLatin1("k"), 0, 1, payload, 0, payload.length, NO_EXPIRY);
  const footer = new Uint8Array(10).fill(0);
  footer[0] = 10;
  const value = [0, 1, 0x61]; // a string, "a"
  const empty = [4, 0]; // a hash of no fields
  const other = [0, 1, 0x78, 1, 0x79]; // a string under the key "x", "y"
  assert.equal(restore(Uint8Array.from([...value, ...other, ...footer])), false);
  assert.equal(restore(Uint8Array.from([...empty, ...other, ...footer])), false);
  assert.equal(restore(Uint8Array.from([...empty, ...value, ...other, ...footer])), false);
  const end = [0xff]; // of an RDB file
  const module = [0xf7, 1]; // the beginning of a module's data
  for (const behind of [end, module]) {
    assert.equal(restore(Uint8Array.from([...value, ...behind, ...footer])), false);
  }
  assert.equal(restore(Uint8Array.from([...value, ...footer])), true);
  assert.deepEqual(keyspace.unnumbered.map(({ size }) => size), [0]);
  assert.equal(database.size, 1);
});

test("of a payload that ends within a large value, or has an element twice, nothing is left in memory", () => {
  const element = (i: number) => `\x09m:${String(i).padStart(7, "0")}`;
  const shapes: readonly (readonly [type: string, element: (i: number) => string])[] = [
    ["\x01", element],
    ["\x02", element],
    ["\x04", (i) => element(i).repeat(2)],
    ["\x05", (i) => element(i) + "\0".repeat(8)],
  ];
  for (const [type, part] of shapes) {
    for (const [count, parts] of [[1000, 700], [1000, 0], [70_000, 69_999], [1000, 999]]) {
      const keyspace = new Keyspace(1);
      const [database] = keyspace.databases;
      const restorer = new Restorer(keyspace);
      const elements = Array.from({ length: parts }, (_, i) => part(i)).join("");
      const head = type + "\x80" +
        String.fromCharCode(count >>> 24, count >>> 16 & 255, count >>> 8 & 255, count & 255);
      const twice = count - parts === 1 && type !== "\x01" ? part(0) : "";
      const payload = encodeLatin1(head + elements + twice + "\x0a\0" + "\0".repeat(8));
      for (let i = 0; i < 2; i++) {
        const isRestored = restorer.restore(database, encodeLatin1("k"), 0, 1, payload, 0, payload.length, NO_EXPIRY);
        assert.equal(isRestored, false);
        walkKeyspace(keyspace, false);
      }
    }
  }
});

test("a dumper is used again, after values of any size and kind", () => {
  const keyspace = variedKeyspace();
  const dumper = new Dumper(keyspace.store);
  const refs: number[] = [];
  for (const database of keyspace.databases) {
    const found: number[] = [];
    database.scan(0, 1_000_000, found);
    refs.push(...found);
  }
  assert.ok(refs.length > 10);
  for (const compression of [true, false]) {
    for (const ref of [...refs, ...refs.toReversed()]) {
      assert.deepEqual(
        dumper.dump(ref, compression).slice(),
        new Dumper(keyspace.store).dump(ref, compression).slice(),
      );
    }
  }
});
