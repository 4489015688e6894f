import { test } from "node:test";
import assert from "node:assert/strict";
import { hashBytes, seedHash } from "../../lib/bytes/hash.ts";
import { encodeLatin1 } from "../../lib/bytes/latin1.ts";

test("a hash depends on the bytes alone, not on where they lie", () => {
  for (let length = 0; length < 40; length++) {
    const text = "x".repeat(length);
    const expected = hashBytes(encodeLatin1(text), 0, length);
    for (let at = 1; at < 9; at++) {
      assert.equal(hashBytes(encodeLatin1(`${"-".repeat(at)}${text}??`), at, length), expected);
    }
  }
});

test("strings that differ in length, one byte or order hash apart", () => {
  const seen = new Map<number, string>();
  const texts: string[] = [];
  for (let length = 0; length < 64; length++) texts.push("\0".repeat(length));
  for (let byte = 1; byte < 256; byte++) {
    for (let at = 0; at < 7; at++) {
      texts.push("\0".repeat(at) + String.fromCharCode(byte) + "\0".repeat(6 - at));
    }
  }
  let same = 0;
  for (const text of texts) {
    const hash = hashBytes(encodeLatin1(text), 0, text.length);
    if (seen.has(hash)) same++;
    seen.set(hash, text);
  }
  assert.ok(same <= 1, `${same} of ${texts.length} collide`);
});

test("upper and lower bits of hashes of counted keys are spread evenly", () => {
  for (const shift of [0, 22]) {
    const counts = new Int32Array(1024);
    for (let i = 0; i < 102_400; i++) {
      const key = encodeLatin1(`key:${i}`);
      counts[(hashBytes(key, 0, key.length) >>> shift) & 1023]++;
    }
    const chiSquare = counts.reduce((sum, count) => sum + (count - 100) ** 2 / 100, 0);
    assert.ok(chiSquare < 1023 + 6 * Math.sqrt(2 * 1023), `chi-square ${chiSquare}`);
  }
});

test("another seed gives another hash", () => {
  const key = encodeLatin1("key");
  seedHash(1, 2);
  const first = hashBytes(key, 0, 3);
  seedHash(1, 3);
  assert.notEqual(hashBytes(key, 0, 3), first);
  seedHash(1, 2);
  assert.equal(hashBytes(key, 0, 3), first);
});
