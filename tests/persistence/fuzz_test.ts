import { test } from "node:test";
import assert from "node:assert/strict";
import { RdbError } from "../../lib/persistence/rdb_format.ts";
import { RdbReader } from "../../lib/persistence/rdb_reader.ts";
import { NO_EXPIRY } from "../../lib/store/entry.ts";
import { Dumper, isPayloadIntact, Restorer } from "../../lib/persistence/dump.ts";
import { Crc64 } from "../../lib/bytes/crc64.ts";
import { encodeLatin1 } from "../../lib/bytes/latin1.ts";
import { Keyspace } from "../../lib/store/keyspace.ts";
import { contents, OPTIONS, randomSource, setHash, setString, toRdb, wipe } from "./helpers.ts";

function sample(): Keyspace {
  const keyspace = new Keyspace(4);
  const [first, second] = keyspace.databases;
  for (const value of ["1", "-300", "70000", "text", "abcabcabc".repeat(20), ""]) setString(first, `k${value}`, value);
  setString(second, "soon", "value", Date.now() + 1_000_000);
  setHash(second, "small", { a: "1", b: "text", c: "x".repeat(60), d: "-123456789012" });
  setHash(second, "long", { a: "y".repeat(100), b: "z".repeat(100) });
  return keyspace;
}

/** Damages a copy of some bytes in one to four places, or cuts it. */
function damaged(bytes: Uint8Array, random: (below: number) => number): Uint8Array {
  const copy = bytes.slice(0, random(8) === 0 ? random(bytes.length) : bytes.length);
  for (let times = 1 + random(4); times > 0 && copy.length > 0; times--) {
    const at = random(copy.length);
    switch (random(4)) {
      case 0:
        copy[at] ^= 1 << random(8);
        break;
      case 1:
        copy[at] = random(256);
        break;
      case 2:
        copy[at] = 255 - random(20);
        break;
      default:
        copy.copyWithin(at, random(copy.length), Math.min(copy.length, at + random(30)));
    }
  }
  return copy;
}

test("damaged files are read or refused with a place, whatever the damage", { timeout: 300_000 }, () => {
  const random = randomSource(20_000);
  const good = [true, false].map((compression) => toRdb(sample(), { ...OPTIONS, compression }));
  const target = new Keyspace(4);
  let refused = 0;
  let readable = 0;
  for (let round = 0; round < 20_000; round++) {
    const bytes = damaged(good[round & 1], random);
    const reader = new RdbReader(target, { dropExpired: random(2) === 0, verifyChecksum: random(8) === 0 });
    try {
      const size = 1 + random(bytes.length + 1);
      for (let at = 0; at < bytes.length; at += size) reader.feed(bytes.subarray(at, at + size));
      reader.close();
      readable++;
    } catch (error) {
      assert.ok(error instanceof RdbError, error instanceof Error ? error.stack : String(error));
      assert.ok(error.offset >= 0 && error.offset <= bytes.length, `${error.offset} in ${bytes.length}`);
      refused++;
    }
    // What was read before the damage must be sound: every byte of it can be looked at.
    if (round % 20 === 0) { for (const database of target.databases) contents(target, database); }
    wipe(target);
  }
  assert.ok(refused > 1000 && readable > 100, `${refused} refused, ${readable} read`);
  assert.ok(target.store.heap.arena.usedBytes < 100_000, "nothing is left behind");
});

test("damaged payloads with a right checksum restore or change nothing", { timeout: 300_000 }, () => {
  const random = randomSource(30_000);
  const keyspace = sample();
  const payloads: Uint8Array[] = [];
  for (const database of keyspace.databases) {
    const refs: number[] = [];
    database.scan(0, 100, refs);
    for (const ref of refs) payloads.push(new Dumper(keyspace.store).dump(ref, true));
  }
  const target = new Keyspace(1);
  const restorer = new Restorer(target);
  const [database] = target.databases;
  const key = encodeLatin1("key");
  let restored = 0;
  for (let round = 0; round < 20_000; round++) {
    setString(database, "key", "before");
    const payload = payloads[random(payloads.length)];
    const bytes = damaged(payload.subarray(0, payload.length - 10), random);
    const whole = new Uint8Array(bytes.length + 10);
    whole.set(bytes);
    whole[bytes.length] = 10;
    const crc = new Crc64();
    crc.update(whole, 0, bytes.length + 2);
    crc.writeTo(whole, bytes.length + 2);
    assert.equal(isPayloadIntact(whole, 0, whole.length), true);
    if (restorer.restore(database, key, 0, 3, whole, 0, whole.length, NO_EXPIRY)) restored++;
    else assert.deepEqual([...contents(target, database)], [["key", "8:before"]]);
    assert.equal(database.size, 1);
    contents(target, database);
  }
  assert.ok(restored > 100 && restored < 19_000, `${restored} restored`);
  wipe(target);
  assert.ok(target.store.heap.arena.usedBytes < 20_000, "nothing is left behind");
});
