import { test } from "node:test";
import assert from "node:assert/strict";
import { Crc64 } from "../../lib/bytes/crc64.ts";
import { encodeLatin1 } from "../../lib/bytes/latin1.ts";

test("the check value of the Jones CRC-64", () => {
  const crc = new Crc64();
  crc.update(encodeLatin1("123456789"));
  assert.equal(crc.toString(), "e9c6d914c4b8d9ca");
});

/** Bit by bit, as the definition says, in BigInt. */
function slowCrc(bytes: Uint8Array): string {
  let crc = 0n;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) crc = crc & 1n ? (crc >> 1n) ^ 0x95ac9329ac4bc9b5n : crc >> 1n;
  }
  return crc.toString(16).padStart(16, "0");
}

test("any split of any input gives what the definition gives", () => {
  const bytes = new Uint8Array(300);
  for (let i = 0; i < bytes.length; i++) bytes[i] = (i * 151 + (i >> 3) * 7) & 255;
  for (let round = 0; round < 200; round++) {
    const start = round % 17;
    const end = start + ((round * 37) % (bytes.length - start));
    const middle = start + Math.floor((end - start) * ((round % 10) / 10));
    const crc = new Crc64();
    crc.update(bytes, start, middle);
    crc.update(bytes, middle, end);
    assert.equal(crc.toString(), slowCrc(bytes.subarray(start, end)), `bytes ${start} to ${end}, split at ${middle}`);
  }
});

test("a long input, which is read by words, gives the same wherever it begins and ends", () => {
  const whole = new Uint8Array(9000);
  for (let i = 0; i < whole.length; i++) whole[i] = (i * 151 + (i >> 3) * 7) & 255;
  for (let offset = 0; offset < 5; offset++) {
    const bytes = whole.subarray(offset);
    for (let round = 0; round < 10; round++) {
      const start = round % 6;
      const end = start + 4090 + round;
      const crc = new Crc64();
      crc.update(bytes, start, end);
      assert.equal(crc.toString(), slowCrc(bytes.subarray(start, end)), `bytes ${start} to ${end} from ${offset} on`);
    }
  }
});

test("the 8 bytes written are recognised, and any other are not", () => {
  const crc = new Crc64();
  crc.update(encodeLatin1("some payload"));
  const bytes = new Uint8Array(10);
  crc.writeTo(bytes, 1);
  assert.equal(crc.matches(bytes, 1), true);
  for (let i = 1; i < 9; i++) {
    bytes[i] ^= 0x10;
    assert.equal(crc.matches(bytes, 1), false);
    bytes[i] ^= 0x10;
  }
});
