import { test } from "node:test";
import assert from "node:assert/strict";
import {
  addToCount,
  Element,
  elementAt,
  EMPTY_LISTPACK_BYTES,
  entryBytes,
  findElement,
  firstElement,
  hasDuplicates,
  isValidListpack,
  LISTPACK_END,
  listpackBytes,
  listpackCount,
  measureElement,
  skipElements,
  splice,
  writeElement,
  writeEmptyListpack,
} from "../../lib/store/listpack.ts";
import { faultOfNode } from "../../lib/store/types/stream_entries.ts";
import { StreamId } from "../../lib/store/types/stream_ids.ts";
import { below, bytesOf, randomFrom } from "./support.ts";

/** A listpack in a buffer with room, `START` bytes from its beginning. */
const START = 3;

function empty(room = 1 << 20): Uint8Array {
  const bytes = new Uint8Array(room);
  writeEmptyListpack(bytes, START);
  return bytes;
}

function insert(bytes: Uint8Array, at: number, text: string): void {
  const source = bytesOf(text);
  const size = measureElement(source, 0, source.length);
  splice(bytes, START, at, 0, size);
  assert.equal(writeElement(bytes, at, source, 0, source.length), at + size);
  addToCount(bytes, START, 1);
}

function append(bytes: Uint8Array, text: string): void {
  insert(bytes, START + listpackBytes(bytes, START) - 1, text);
}

function listpackOf(...texts: string[]): Uint8Array {
  const bytes = empty(64 + texts.reduce((sum, text) => sum + text.length + 12, 0));
  for (const text of texts) append(bytes, text);
  return bytes.slice(START, START + listpackBytes(bytes, START));
}

function texts(bytes: Uint8Array, start = START): string[] {
  const element = new Element();
  const found: string[] = [];
  for (let at = firstElement(start); bytes[at] !== LISTPACK_END; at += entryBytes(bytes, at)) {
    element.read(bytes, at);
    const length = element.byteLength();
    const text = element.text();
    assert.equal(length, text.length);
    found.push(text);
  }
  return found;
}

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

test("elements have the bytes of the listpack specification", () => {
  // The same as in the DUMPs of redis-server 7.0.15.
  assert.equal(hex(listpackOf()), "07 00 00 00 00 00 ff");
  assert.equal(hex(listpackOf("a", "1")), "0c 00 00 00 02 00 81 61 02 01 01 ff");
  const entries: [string, string][] = [
    ["0", "00 01"],
    ["127", "7f 01"],
    ["128", "c0 80 02"],
    ["-1", "df ff 02"],
    ["4095", "cf ff 02"],
    ["-4096", "d0 00 02"],
    ["4096", "f1 00 10 03"],
    ["-32768", "f1 00 80 03"],
    ["32768", "f2 00 80 00 04"],
    ["-8388608", "f2 00 00 80 04"],
    ["8388608", "f3 00 00 80 00 05"],
    ["-2147483648", "f3 00 00 00 80 05"],
    ["2147483648", "f4 00 00 00 80 00 00 00 00 09"],
    ["-9007199254740993", "f4 ff ff ff ff ff ff df ff 09"],
    ["9223372036854775807", "f4 ff ff ff ff ff ff ff 7f 09"],
    ["-9223372036854775808", "f4 00 00 00 00 00 00 00 80 09"],
    ["", "80 01"],
    ["-0", "82 2d 30 03"],
    ["01", "82 30 31 03"],
    ["9223372036854775808", "93 39 32 32 33 33 37 32 30 33 36 38 35 34 37 37 35 38 30 38 14"],
  ];
  for (const [text, bytes] of entries) {
    const listpack = listpackOf(text);
    assert.equal(hex(listpack.subarray(6, -1)), bytes, text);
    assert.deepEqual(texts(listpack, 0), [text]);
  }
});

test("long strings have 12 and 32-bit lengths, and back lengths of 1 to 4 bytes", () => {
  const heads: [number, string, string][] = [
    [63, "bf", "40"],
    [64, "e0 40", "42"],
    [125, "e0 7d", "7f"],
    [126, "e0 7e", "01 80"],
    [4095, "ef ff", "20 81"],
    [4096, "f0 00 10 00 00", "20 85"],
    [16377, "f0 f9 3f 00 00", "7f fe"],
    [16378, "f0 fa 3f 00 00", "00 ff ff"],
    [16379, "f0 fb 3f 00 00", "01 80 80"],
    [2097146, "f0 fa ff 1f 00", "00 ff ff ff"],
  ];
  for (const [length, head, tail] of heads) {
    const text = "x".repeat(length);
    const listpack = listpackOf(text);
    const headBytes = head.split(" ").length;
    assert.equal(hex(listpack.subarray(6, 6 + headBytes)), head);
    assert.equal(hex(listpack.subarray(6 + headBytes + length, -1)), tail, `${length}`);
    assert.ok(isValidListpack(listpack, 0, listpack.length, 1));
    assert.deepEqual(texts(listpack, 0), [text]);
  }
});

const POOL = [
  "",
  "a",
  "ab",
  "0",
  "-1",
  "127",
  "128",
  "-4097",
  "65536",
  "9007199254740991",
  "9007199254740992",
  "-9223372036854775808",
  "1e3",
  "007",
  "y".repeat(63),
  "z".repeat(64),
  "w".repeat(200),
  "v".repeat(5000),
];

test("random inserts, replacements and removals agree with an array", () => {
  const limit = below(randomFrom(1));
  const bytes = empty();
  const model: string[] = [];
  const source = () => limit(2) === 0 ? POOL[limit(POOL.length)] : `f${limit(50)}`;
  for (let step = 0; step < 5000; step++) {
    const index = limit(model.length + 1);
    const at = elementAt(bytes, START, index);
    if (index === model.length || (model.length < 60 && limit(2) === 0)) {
      const text = source();
      insert(bytes, at, text);
      model.splice(index, 0, text);
    } else if (limit(2) === 0) {
      splice(bytes, START, at, entryBytes(bytes, at), 0);
      addToCount(bytes, START, -1);
      model.splice(index, 1);
    } else {
      const text = bytesOf(source());
      splice(bytes, START, at, entryBytes(bytes, at), measureElement(text, 0, text.length));
      writeElement(bytes, at, text, 0, text.length);
      model[index] = [...text].map((byte) => String.fromCharCode(byte)).join("");
    }
    assert.equal(listpackCount(bytes, START), model.length);
    if (step % 50 === 0) {
      assert.deepEqual(texts(bytes), model);
      assert.ok(isValidListpack(bytes, START, listpackBytes(bytes, START), 1));
    }
  }
  for (let i = model.length; i > 0; i--) splice(bytes, START, START + 6, entryBytes(bytes, START + 6), 0);
  assert.equal(listpackBytes(bytes, START), EMPTY_LISTPACK_BYTES);
});

test("a string is found whatever form it was stored in, and only among fields", () => {
  const bytes = empty();
  for (const text of POOL) {
    append(bytes, text);
    append(bytes, `value of ${text}`);
  }
  let at = firstElement(START);
  for (const text of POOL) {
    const source = bytesOf(`--${text}--`);
    assert.equal(findElement(bytes, START, 2, source, 2, text.length), at, text);
    assert.equal(findElement(bytes, START, 1, source, 2, text.length), at, text);
    const value = bytesOf(`value of ${text}`);
    assert.equal(findElement(bytes, START, 2, value, 0, value.length), -1);
    at += entryBytes(bytes, at);
    assert.equal(findElement(bytes, START, 1, value, 0, value.length), at);
    at += entryBytes(bytes, at);
  }
  for (
    const text of [
      "b",
      "1",
      "-0",
      "00",
      "129",
      "9007199254740993",
      "9223372036854775807",
      "y".repeat(62),
      "z".repeat(65),
    ]
  ) {
    assert.equal(findElement(bytes, START, 2, bytesOf(text), 0, text.length), -1, text);
  }
});

test("an integer that was stored as a string, or in too wide a form, is found too", () => {
  const crafted = Uint8Array.of(18, 0, 0, 0, 2, 0, 0x81, 0x35, 2, 0xf3, 7, 0, 0, 0, 5, 0xff);
  crafted[0] = crafted.length;
  assert.ok(isValidListpack(crafted, 0, crafted.length, 1));
  assert.equal(findElement(crafted, 0, 1, bytesOf("5"), 0, 1), 6);
  assert.equal(findElement(crafted, 0, 1, bytesOf("7"), 0, 1), 9);
});

test("the header stops counting at 65535 elements and starts again below", () => {
  const bytes = new Uint8Array(400_000);
  writeEmptyListpack(bytes, START);
  let at = firstElement(START);
  for (let i = 0; i < 65_600; i++) {
    splice(bytes, START, at, 0, 2);
    at = writeElement(bytes, at, bytesOf("1"), 0, 1);
    addToCount(bytes, START, 1);
  }
  assert.equal(bytes[START + 4] | (bytes[START + 5] << 8), 65535);
  assert.equal(listpackCount(bytes, START), 65_600);
  assert.ok(isValidListpack(bytes, START, listpackBytes(bytes, START), 1));
  splice(bytes, START, firstElement(START), 2 * 100, 0);
  addToCount(bytes, START, -100);
  assert.equal(bytes[START + 4] | (bytes[START + 5] << 8), 65_500);
  assert.equal(listpackCount(bytes, START), 65_500);
});

test("damaged listpacks are refused, and nothing beyond them is read", () => {
  const limit = below(randomFrom(5));
  const sound = listpackOf(...POOL.filter((text) => text.length < 100), "odd");
  assert.ok(!isValidListpack(sound, 0, sound.length, 2), "an odd number of elements is no hash");
  assert.ok(isValidListpack(sound, 0, sound.length, 1));
  for (let length = 0; length < sound.length; length += length < 300 ? 1 : 97) {
    assert.ok(!isValidListpack(sound.slice(0, length), 0, length, 1));
  }
  let refused = 0;
  for (let round = 0; round < 20_000; round++) {
    // What is read past the listpack shows, since reading past the array gives undefined and a wrong answer or a throw.
    const damaged = sound.slice();
    for (let n = 1 + limit(3); n > 0; n--) damaged[limit(damaged.length)] = limit(256);
    if (!isValidListpack(damaged, 0, damaged.length, 1)) {
      refused++;
      continue;
    }
    const end = damaged.length - 1;
    let at = firstElement(0);
    let count = 0;
    for (; damaged[at] !== LISTPACK_END; at += entryBytes(damaged, at)) count++;
    assert.equal(at, end);
    assert.equal(count, listpackCount(damaged, 0));
    texts(damaged, 0);
    findElement(damaged, 0, 1, bytesOf("absent"), 0, 6);
  }
  assert.ok(refused > 1000);
});

test("random bytes are hardly ever a listpack, and never crash", () => {
  const limit = below(randomFrom(6));
  for (let round = 0; round < 20_000; round++) {
    const bytes = Uint8Array.from({ length: 7 + limit(40) }, () => limit(256));
    bytes.set([bytes.length, 0, 0, 0, limit(4), 0]);
    bytes[bytes.length - 1] = LISTPACK_END;
    if (isValidListpack(bytes, 0, bytes.length, 1)) assert.equal(texts(bytes, 0).length, listpackCount(bytes, 0));
  }
});

test("fields that come twice are noticed, in whatever form", () => {
  const pairs = listpackOf("a", "1", "5", "1", "b", "a");
  assert.ok(!hasDuplicates(pairs, 0, 2));
  assert.ok(hasDuplicates(pairs, 0, 1));
  assert.ok(hasDuplicates(listpackOf("a", "1", "b", "1", "a", "2"), 0, 2));
});

test("a field that comes twice is noticed among any number of others", () => {
  for (const count of [1, 7, 8, 9, 511, 512, 513, 3000]) { // around the sizes of the table in which they are looked up
    const fields = Array.from({ length: count }, (_, i) => i % 3 === 0 ? String(i * 1000) : `field:${i}`);
    const pairs = (names: string[]) => listpackOf(...names.flatMap((name) => [name, "value"]));
    assert.ok(!hasDuplicates(pairs(fields), 0, 2), `${count} fields`);
    for (const again of [0, count >> 1, count - 1]) {
      assert.ok(hasDuplicates(pairs([...fields, fields[again]]), 0, 2), `${fields[again]} after ${count} fields`);
    }
  }
});

test("fields that are equal, though one is a string and the other an integer, are noticed", () => {
  // Another server may have written the integer as a string.
  const listpack = Uint8Array.of(0, 0, 0, 0, 4, 0, 0x05, 1, 0x81, 0x39, 2, 0x81, 0x35, 2, 0x81, 0x31, 2, LISTPACK_END);
  listpack[0] = listpack.length;
  assert.ok(isValidListpack(listpack, 0, listpack.length, 2));
  assert.ok(hasDuplicates(listpack, 0, 2));
  listpack[12] = 0x36;
  assert.ok(!hasDuplicates(listpack, 0, 2));
});

test("elements are told apart by what they mean, whatever their form and however many there are", () => {
  const limit = below(randomFrom(11));
  // Integers in each form that can hold them, strings of digits, and strings that differ in one place.
  const forms: ((value: number) => number[])[] = [
    (value) => [value, 1],
    (value) => [0xc0, value, 2],
    (value) => [0xf1, value, 0, 3],
    (value) => [0xf2, value, 0, 0, 4],
    (value) => [0xf3, value, 0, 0, 0, 5],
    (value) => [0xf4, value, 0, 0, 0, 0, 0, 0, 0, 9],
    (value) => [0x82, 0x30 + Math.floor(value / 10), 0x30 + value % 10, 3],
    (value) => [0x85, 0x61, 0x62 + value % 3, 0x63, 0x64, 0x65, 6],
    (value) => [0x85, 0x61, 0x62, 0x63 + value % 3, 0x64, 0x65, 6],
    () => [0x80, 1],
  ];
  let duplicates = 0;
  for (let round = 0; round < 20_000; round++) {
    const count = 1 + limit(round % 50 === 0 ? 30 : 5);
    const elements = Array.from({ length: count }, () => forms[limit(forms.length)](10 + limit(90))).flat();
    const bytes = Uint8Array.of(0, 0, 0, 0, count, 0, ...elements, LISTPACK_END);
    bytes[0] = bytes.length;
    bytes[1] = bytes.length >> 8;
    assert.ok(isValidListpack(bytes, 0, bytes.length, 1));
    const isTwice = new Set(texts(bytes, 0)).size < count;
    assert.equal(hasDuplicates(bytes, 0, 1), isTwice, String(bytes));
    if (isTwice) duplicates++;
  }
  assert.ok(duplicates > 1000 && duplicates < 19_000, `${duplicates}`);
});

test("elements are skipped by their number, and never beyond the last", () => {
  const elements = [
    "",
    "a",
    "x".repeat(63),
    "x".repeat(64),
    "x".repeat(5000),
    "7",
    "-4096",
    "70000",
    "9007199254740993",
  ];
  const bytes = listpackOf(...elements);
  const end = bytes.length - 1;
  for (let count = 0; count <= elements.length; count++) {
    assert.equal(skipElements(bytes, firstElement(0), end, count), elementAt(bytes, 0, count));
  }
  for (const count of [elements.length + 1, 2 ** 53]) {
    assert.ok(skipElements(bytes, firstElement(0), end, count) > end);
  }
});

test("a stream's listpack is sound whatever its numbers are encoded as, and only if all of it is there", () => {
  const master = ["2", "0", "1", "field", "0"];
  const entries = ["2", "0", "0", "value", "4", "0", "-1", "72057594037927936", "1", "other", "value", "6"];
  const nodeId = new StreamId().setTime(2 ** 40);
  const fault = (elements: string[]): string | null => {
    const bytes = listpackOf(...elements);
    return faultOfNode(bytes, 0, bytes.length, nodeId, new StreamId());
  };
  // One ms earlier, which is not above the first.
  assert.match(fault([...master, ...entries]) ?? "", /do not rise/);
  for (const ms of ["0", "1", "127", "128", "4096", "70000", "2147483648", "72057594037927936"]) {
    entries[6] = ms;
    const last = new StreamId();
    const bytes = listpackOf(...master, ...entries);
    assert.equal(faultOfNode(bytes, 0, bytes.length, nodeId, last), null);
    assert.equal(last.toString(), `${2n ** 40n + BigInt(ms)}-72057594037927936`);
  }
  const whole = [...master, ...entries];
  for (let left = 0; left < whole.length; left++) {
    assert.notEqual(fault(whole.slice(0, left)), null, `${left} elements`);
  }
  for (let at = 0; at < whole.length; at++) {
    const others = at === 3 || at === 8 || at >= 14 ? [] : ["text", "9007199254740993", "99"];
    const isAnything = at === 6 || at === 7 || at === 11 || at === 12;
    for (const other of isAnything ? ["text"] : others) {
      assert.notEqual(fault(whole.with(at, other)), null, `${other} in place of element ${at}`);
    }
  }
});
