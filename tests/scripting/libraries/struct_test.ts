/** The library `struct`. What is expected here is what redis-server 7 gives. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { LONGEST_STRING } from "../../../lib/bytes/latin1.ts";
import { STRUCT_FUNCTIONS } from "../../../lib/scripting/libraries/struct.ts";
import type { LuaValue } from "../../../lib/scripting/lua/values.ts";
import { bytesOf, callOf, errorText, hexOf } from "./packing.ts";

const call = callOf(STRUCT_FUNCTIONS);
const pack = (format: LuaValue, ...args: LuaValue[]) => hexOf(call("pack", format, ...args)[0]);
const unpack = (format: LuaValue, hex: string, ...args: LuaValue[]) => call("unpack", format, bytesOf(hex), ...args);
const failureOf = (name: string, ...args: LuaValue[]) => errorText(() => call(name, ...args));

function checkPack(cases: readonly (readonly [string, LuaValue[], string])[]): void {
  for (const [format, args, hex] of cases) assert.equal(pack(format, ...args), hex, `${format} ${args}`);
}

function checkUnpack(cases: readonly (readonly [string, string, LuaValue[]])[]): void {
  for (const [format, hex, values] of cases) assert.deepEqual(unpack(format, hex), values, `${format} ${hex}`);
}

test("integers are packed in their size, the lowest byte first or last, and lose what is above", () => {
  checkPack([
    ["bB", [-1, 300.7], "ff2c"],
    ["hH", [-2, 65537], "feff0100"],
    [">h", [-2], "fffe"],
    ["iI", [-2, 2 ** 33 + 5], "feffffff05000000"],
    ["lLT", [-3, 2 ** 63 + 2 ** 20, 7], "fdffffffffffffff00001000000000800700000000000000"],
    ["i1i3>i3", [-1, -2, -2], "fffefffffffffe"],
    ["i5", [-(2 ** 33)], "00000000fe"],
    ["<i>i", [1, 1], "0100000000000001"],
    ["i0", [1], ""],
    ["i04", [1], "01000000"],
    ["i9", [-2], "feffffffffffffff00"],
    [">I16", [-1], "0000000000000000ffffffffffffffff"],
    ["L", [-1.5], "ffffffffffffffff"],
    ["B", ["12"], "0c"],
  ]);
});

test("what is no 64-bit integer is packed as x86 casts it", () => {
  for (const format of ["l", "L"]) {
    for (const value of [2 ** 64, 1e300, Infinity]) assert.equal(pack(format, value), "0000000000000000");
    for (const value of [-1e300, -Infinity, NaN]) assert.equal(pack(format, value), "0000000000000080");
  }
  assert.equal(pack("I", 2 ** 64 + 2 ** 12), "00000000");
});

test("integers of any size are unpacked, those beyond 2^53 as the nearest double", () => {
  checkUnpack([
    ["bB", "ffff", [-1, 255, 3]],
    ["hH", "ffffffff", [-1, 65535, 5]],
    ["iI", "ffffffffffffffff", [-1, 4294967295, 9]],
    [">i3<I3", "fffffeffffff", [-2, 16777215, 7]],
    ["l", "0104000000000080", [-(2 ** 63) + 1024, 9]],
    ["L", "0104000000000080", [2 ** 63 + 2048, 9]],
    ["T", "ffffffffffffffff", [2 ** 64, 9]],
    ["i0", "", [0, 1]],
    ["i9", "010203040506070809", [-127, 10]],
    [">i9", "010203040506070809", [-119, 10]],
    [">I9", "010000000000000001", [1, 10]],
    ["i16", `${"ff".repeat(16)}`, [-1, 17]],
  ]);
});

test("floats and doubles are packed and unpacked, and no number has the sign that x86 gives it", () => {
  checkPack([
    ["f>f", [1.5, -0.1], "0000c03fbdcccccd"],
    ["d>d", [1.5, -0.1], "000000000000f83fbfb999999999999a"],
    ["f", [1e300], "0000807f"],
    ["f>f", [NaN, NaN], "0000c0ffffc00000"],
    ["d>d", [NaN, NaN], "000000000000f8fffff8000000000000"],
  ]);
  checkUnpack([
    ["f>f", "0000c03f3fc00000", [1.5, 1.5, 9]],
    ["d>d", "000000000000f83f3ff8000000000000", [1.5, 1.5, 17]],
    ["f", "01000000", [2 ** -149, 5]],
    ["d", "000000000000f0ff", [-Infinity, 9]],
  ]);
  assert.ok(Number.isNaN(unpack("f", "0000c0ff")[0]));
});

test("strings end in a NUL, characters have the length of the format", () => {
  checkPack([
    ["s", ["abc"], "61626300"],
    ["s", ["a\0b"], "61006200"],
    ["s", [0.5], "302e3500"],
    ["c", ["abc"], "61"],
    ["c2", ["abc"], "6162"],
    ["c0c0", ["abc", ""], "616263"],
    ["xBx", [1], "000100"],
  ]);
  checkUnpack([
    ["ss", "6162630000ff", ["abc", "", 6]],
    ["cc2", "616263", ["a", "bc", 4]],
    ["xBx", "000100", [1, 4]],
  ]);
  assert.equal(failureOf("pack", "c4", "abc"), "#3 string too short");
  assert.equal(failureOf("unpack", "s", "abc"), "unfinished string in data");
});

test("a length before characters takes their place, whatever it is of", () => {
  checkUnpack([
    ["Bc0", "0361626364", ["abc", 5]],
    ["Bxc0", "02006162", ["ab", 5]],
    ["BBc0", "020161", [2, "a", 4]],
    ["fc0", "000020406162", ["ab", 7]],
    ["Bc0c0", "01326162", ["ab", 5]],
    ["Lc0", "ffffffffffffffff61", ["", 9]],
  ]);
  assert.deepEqual(call("unpack", "sc0", " 0x2 \0abc"), ["ab", 9]);
  assert.deepEqual(call("unpack", "sc0", "-0.5\0abc"), ["", 6]);
  const needsSize = "format 'c0' needs a previous size";
  assert.equal(failureOf("unpack", "c0", "abc", 1), needsSize);
  assert.equal(failureOf("unpack", "sc0", "x\0abc"), needsSize);
  for (const text of ["\x04abc", "\xffabc"]) {
    assert.equal(failureOf("unpack", "bc0", text), "#2 data string too short");
  }
});

test("nothing is aligned unless the format says so, and then to no more than it says", () => {
  checkPack([
    ["bi", [1, 2], "0102000000"],
    ["!bi", [1, 2], "0100000002000000"],
    ["!2bi", [1, 2], "010002000000"],
    ["!bxd", [1, 2], "01000000000000000000000000000040"],
    ["!bc4h", [1, "abcd", 3], "0161626364000300"],
    ["!bs", [1, "x"], "017800"],
  ]);
  assert.deepEqual(unpack("!bi", "0100000002000000"), [1, 2, 9]);
  assert.deepEqual(unpack("!bi", "0100000002000000", 2), [0, 2, 9]);
});

test("sizes that are no power of 2 are put where struct puts them", () => {
  const paddings = (size: number) =>
    Array.from(
      { length: 8 },
      (_, offset) => Number(call("size", `!32${"x".repeat(offset)}i${size}`)[0]) - offset - size,
    );
  assert.deepEqual(paddings(3), [2, 2, 0, 0, 2, 2, 0, 0]);
  assert.deepEqual(paddings(4), [0, 3, 2, 1, 0, 3, 2, 1]);
  assert.deepEqual(paddings(5), [4, 4, 4, 4, 0, 0, 0, 0]);
  assert.deepEqual(paddings(6), [4, 5, 4, 5, 0, 1, 0, 1]);
  assert.deepEqual(paddings(7), [6, 6, 4, 4, 2, 2, 0, 0]);
});

test("the size of a format is what it packs to, however large that is", () => {
  const cases: [LuaValue, number][] = [
    ["", 0],
    ["bhilTfdLBHI", 50],
    ["!bhilTfdLBHI", 56],
    ["!4 b d", 12],
    ["c5cx", 7],
    ["c2147483647c2147483647", 4294967294],
    ["!c2147483647d", 2147483656],
    ["zq9", 0],
    ["b\0zz", 1],
  ];
  for (const [format, size] of cases) assert.deepEqual(call("size", format), [size], String(format));
  assert.equal(failureOf("size", "s"), "#1 option 's' has no fixed size");
  assert.equal(failureOf("size", "Bc0"), "#1 option 'c0' has no fixed size");
  assert.equal(failureOf("size", "b@"), "#1 invalid format option '@'");
});

test("formats that are wrong are refused", () => {
  for (const name of ["pack", "unpack", "size"]) {
    const failure = (format: string) => failureOf(name, format, name === "unpack" ? "data" : 1);
    assert.equal(failure("i33"), "integral size 33 is larger than limit of 32");
    assert.equal(failure("I2147483647"), "integral size 2147483647 is larger than limit of 32");
    assert.equal(failure("i2147483648"), "integral size overflow");
    assert.equal(failure("c99999999999"), "integral size overflow");
    for (const alignment of [0, 3, 17]) {
      assert.equal(failure(`!${alignment}b`), `alignment ${alignment} is not a power of 2`);
    }
    assert.equal(failure("=b"), "#1 invalid format option '='");
    assert.equal(failure("\n"), "#1 invalid format option '\n'");
    assert.equal(failureOf(name), "#1 string expected, got no value");
  }
  assert.equal(failureOf("pack", "z", 1), "#1 invalid format option 'z'");
  assert.equal(failureOf("pack", 5, 1), "#1 invalid format option '5'");
  assert.equal(failureOf("unpack", "i 4", "data"), "#1 invalid format option '4'");
});

test("an argument that is missing is nil to struct", () => {
  assert.equal(failureOf("pack", "B"), "#2 number expected, got nil");
  assert.equal(failureOf("pack", "Bs", 1), "#3 string expected, got nil");
  assert.equal(failureOf("pack", "BB", 1, true), "#3 number expected, got boolean");
  assert.equal(failureOf("unpack", "B"), "#2 string expected, got no value");
});

test("unpacking begins at a position, which counts from 1", () => {
  assert.deepEqual(unpack("b", "616263", 2), [98, 3]);
  assert.deepEqual(unpack("b", "616263", "3"), [99, 4]);
  assert.deepEqual(unpack("b", "616263", undefined), [97, 2]);
  assert.deepEqual(unpack("b", "616263", 1.9), [97, 2]);
  for (const position of [0, 0.9, -0.5]) {
    assert.equal(failureOf("unpack", "b", "abc", position), "#3 offset must be 1 or greater");
  }
  for (const position of [5, 2 ** 31, 2 ** 32 + 1, 1e300, -1, -(2 ** 63)]) {
    for (const option of ["b", " "]) {
      assert.equal(failureOf("unpack", option, "abc", position), "#2 data string too short");
    }
  }
  assert.equal(failureOf("unpack", "b", "abc", 4), "#2 data string too short");
  assert.deepEqual(unpack(" i0", "616263", 4), [0, 4]);
  for (const position of [1, 4, 100, 2 ** 53 + 2, -1]) assert.deepEqual(unpack("", "616263", position), [position]);
});

test("data that is too short is refused before the option is looked at", () => {
  assert.equal(failureOf("unpack", "bbbb", "abc"), "#2 data string too short");
  assert.equal(failureOf("unpack", "c2147483647", "abc", 3), "#2 data string too short");
  assert.equal(failureOf("unpack", "z", "abc", 5), "#2 data string too short");
  assert.equal(failureOf("unpack", "i33", "abc", 5), "integral size 33 is larger than limit of 32");
});

test("more results than C has room for are refused", () => {
  const data = "a".repeat(8000);
  assert.equal(call("unpack", "b".repeat(7997), data).length, 7998);
  assert.equal(failureOf("unpack", "b".repeat(7998), data), "stack overflow (too many results)");
  assert.equal(failureOf("unpack", "b".repeat(7997), data, 1), "stack overflow (too many results)");
});

test("what is packed may be long, but not longer than a string can be", () => {
  const long = "0123456789".repeat(10_000);
  assert.deepEqual(call("pack", "c0Bs", long, 1, long), [`${long}\x01${long}\0`]);
  const many = "b".repeat(9999);
  assert.deepEqual(call("pack", many, ...Array(9999).fill(0x61)), ["a".repeat(9999)]);
  const huge = "x".repeat(2 ** 26);
  assert.ok(8 * huge.length > LONGEST_STRING);
  assert.equal(failureOf("pack", "c0".repeat(8), ...Array(8).fill(huge)), "not enough memory");
});
