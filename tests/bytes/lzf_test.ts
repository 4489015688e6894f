import { test } from "node:test";
import assert from "node:assert/strict";
import { canBeLzfOf, compressLzf, decompressLzf } from "../../lib/bytes/lzf.ts";
import { encodeLatin1 } from "../../lib/bytes/latin1.ts";

let state = 12345;
function random(below: number): number {
  state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
  return Math.floor((state / 0x80000000) * below);
}

function roundTrip(input: Uint8Array): number {
  const output = new Uint8Array(input.length);
  const length = compressLzf(input, 0, input.length, output);
  if (length === 0) return 0;
  assert.ok(length <= input.length - 4, "at least 4 bytes are saved");
  assert.ok(canBeLzfOf(length, input.length));
  const back = new Uint8Array(input.length + 2).fill(0xee);
  assert.ok(decompressLzf(output, 0, length, back, 1, input.length));
  assert.deepEqual(back.subarray(1, 1 + input.length), input);
  assert.equal(back[0], 0xee);
  assert.equal(back[input.length + 1], 0xee);
  return length;
}

test("what is compressed comes back the same", () => {
  for (let round = 0; round < 3000; round++) {
    const input = new Uint8Array(random(round < 100 ? 40 : 3000));
    const letters = 1 + random(6);
    for (let i = 0; i < input.length; i++) input[i] = random(10) < 3 && i > 20 ? input[i - 20] : 97 + random(letters);
    roundTrip(input);
  }
});

test("repetition compresses well, and far repetition too", () => {
  assert.ok(roundTrip(new Uint8Array(100_000).fill(120)) < 100_000 / 80);
  assert.ok(roundTrip(encodeLatin1("the quick brown fox ".repeat(100))) < 60);
  const far = new Uint8Array(16000);
  for (let i = 0; i < 8000; i++) far[i] = far[i + 8000] = random(256);
  const length = roundTrip(far);
  assert.ok(length > 0 && length < 8600, `${length} bytes`);
});

test("what does not become 4 bytes shorter is left alone", () => {
  const noise = new Uint8Array(5000);
  for (let i = 0; i < noise.length; i++) noise[i] = random(256);
  assert.equal(roundTrip(noise), 0);
  assert.equal(roundTrip(encodeLatin1("aaaa")), 0);
  assert.equal(roundTrip(new Uint8Array(0)), 0);
  assert.ok(roundTrip(encodeLatin1("aaaaaaaaaaaaaaaaaaaaa")) > 0);
});

test("too little room gives 0, not a write outside it", () => {
  const input = encodeLatin1("abcdefgh".repeat(20));
  const needed = roundTrip(input);
  assert.equal(compressLzf(input, 0, input.length, new Uint8Array(needed - 1)), 0);
});

test("malformed input is refused", () => {
  const out = new Uint8Array(64);
  const refused = (...bytes: number[]) =>
    assert.equal(decompressLzf(Uint8Array.from(bytes), 0, bytes.length, out, 8, 20), false);
  refused(5, 1, 2); // literal cut off
  refused(0, 97, 0x20); // copy without its distance
  refused(0, 97, 0xe0); // long copy without its length
  refused(0, 97, 0x20, 5); // distance beyond what was put out
  refused(0, 97, 0xe0, 200, 0); // more than the output holds
  refused(0, 97); // less than announced
  refused();
});

test("copies of every distance and length come back, near the end too, and nothing beyond is written", () => {
  for (const size of [40, 1023, 1024, 1100]) { // by bytes, and by words
    for (let distance = 1; distance <= 20; distance++) {
      for (let copied = 3; copied <= 40; copied++) {
        // Literals until the distance is there, then copies until there is no room for one, and literals again.
        const packed: number[] = [];
        const expected: number[] = [];
        const literal = (count: number) => {
          packed.push(count - 1);
          for (; count > 0; count--) packed.push(expected[expected.length] = random(256));
        };
        literal(distance);
        while (expected.length + copied <= size) {
          if (copied < 9) packed.push((copied - 2) << 5, distance - 1);
          else packed.push(0xe0, copied - 9, distance - 1);
          for (let i = 0; i < copied; i++) expected.push(expected[expected.length - distance]);
        }
        while (expected.length < size) literal(Math.min(32, size - expected.length));
        const output = new Uint8Array(size + 20).fill(0xee);
        assert.ok(decompressLzf(Uint8Array.from([9, ...packed]), 1, packed.length, output, 10, size));
        assert.deepEqual([...output.subarray(10, 10 + size)], expected);
        for (let i = 0; i < 10; i++) assert.ok(output[i] === 0xee && output[10 + size + i] === 0xee);
      }
    }
  }
});

test("random input, long, is refused or decompressed within its bounds", () => {
  const out = new Uint8Array(3000);
  for (let round = 0; round < 3000; round++) {
    const input = new Uint8Array(random(1500));
    for (let i = 0; i < input.length; i++) input[i] = random(round % 2 ? 256 : 48);
    out.fill(0xee);
    decompressLzf(input, 0, input.length, out, 100, 1024 + random(1500));
    for (let i = 0; i < 100; i++) assert.ok(out[i] === 0xee && out[2700 + i] === 0xee);
  }
});

test("random input is refused or decompressed within its bounds", () => {
  const out = new Uint8Array(300);
  for (let round = 0; round < 20_000; round++) {
    const input = new Uint8Array(random(60));
    for (let i = 0; i < input.length; i++) input[i] = random(round % 2 ? 256 : 48);
    out.fill(0xee);
    decompressLzf(input, 0, input.length, out, 100, 100);
    for (let i = 0; i < 100; i++) assert.ok(out[i] === 0xee && out[i + 200] === 0xee);
  }
});
