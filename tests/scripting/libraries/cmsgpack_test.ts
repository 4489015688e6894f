/** The library `cmsgpack`. What is expected here is what redis-server 7 gives. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { CMSGPACK_CONSTANTS, CMSGPACK_FUNCTIONS } from "../../../lib/scripting/libraries/cmsgpack.ts";
import { LightUserdata, LuaTable, type LuaValue } from "../../../lib/scripting/lua/values.ts";
import { bytesOf, callOf, entriesOf, errorText, hexOf, mapping, sequence, tableOf } from "./packing.ts";

const call = callOf(CMSGPACK_FUNCTIONS);
const pack = (...args: LuaValue[]) => hexOf(call("pack", ...args)[0]);
const unpack = (hex: string) => call("unpack", bytesOf(hex)).map(entriesOf);
const failureOf = (name: string, ...args: LuaValue[]) => errorText(() => call(name, ...args));

const MISSING = "Missing bytes in input.";
const BAD = "Bad data format in input.";

test("integers take as few bytes as they need", () => {
  const cases: [number, string][] = [
    [0, "00"],
    [-0, "00"],
    [127, "7f"],
    [128, "cc80"],
    [255, "ccff"],
    [256, "cd0100"],
    [65535, "cdffff"],
    [65536, "ce00010000"],
    [2 ** 32 - 1, "ceffffffff"],
    [2 ** 32, "cf0000000100000000"],
    [2 ** 63 - 1024, "cf7ffffffffffffc00"],
    [-1, "ff"],
    [-32, "e0"],
    [-33, "d0df"],
    [-128, "d080"],
    [-129, "d1ff7f"],
    [-32768, "d18000"],
    [-32769, "d2ffff7fff"],
    [-(2 ** 31), "d280000000"],
    [-(2 ** 31) - 1, "d3ffffffff7fffffff"],
    [-(2 ** 63), "d38000000000000000"],
  ];
  for (const [value, hex] of cases) {
    assert.equal(pack(value), hex);
    assert.deepEqual(unpack(hex), [value + 0]);
  }
});

test("other numbers take 4 bytes where they are the same then, and 8 otherwise", () => {
  const cases: [number, string][] = [
    [0.5, "ca3f000000"],
    [-0.25, "cabe800000"],
    [2 ** 63, "ca5f000000"],
    [-(2 ** 64), "cadf800000"],
    [2 ** -149, "ca00000001"],
    [Infinity, "ca7f800000"],
    [0.1, "cb3fb999999999999a"],
    [2 ** 63 + 2048, "cb43e0000000000001"],
    [1e300, "cb7e37e43c8800759c"],
  ];
  for (const [value, hex] of cases) {
    assert.equal(pack(value), hex);
    assert.deepEqual(unpack(hex), [value]);
  }
  assert.equal(pack(NaN), "cbfff8000000000000");
  assert.ok(Number.isNaN(unpack("cbfff8000000000000")[0]));
});

test("64-bit integers are read as signed ones, as the nearest double", () => {
  assert.deepEqual(unpack("cfffffffffffffffff"), [-1]);
  assert.deepEqual(unpack("cf8000000000000400"), [-(2 ** 63) + 1024]);
  assert.deepEqual(unpack("cf0020000000000001"), [2 ** 53]);
  assert.deepEqual(unpack("cf0020000000000003"), [2 ** 53 + 4]);
  assert.deepEqual(unpack("d3ffdfffffffffffff"), [-(2 ** 53)]);
});

test("strings have headers of 1, 2, 3 or 5 bytes", () => {
  const headers: [number, string][] = [
    [0, "a0"],
    [31, "bf"],
    [32, "d920"],
    [255, "d9ff"],
    [256, "da0100"],
    [65535, "daffff"],
    [65536, "db00010000"],
  ];
  for (const [length, header] of headers) {
    const text = "\xff\0".repeat(length).slice(0, length);
    assert.deepEqual(call("pack", text), [bytesOf(header) + text]);
    assert.deepEqual(call("unpack", bytesOf(header) + text), [text]);
  }
});

test("booleans are themselves, and all that MessagePack does not have is nil", () => {
  assert.equal(pack(true, false), "c3c2");
  assert.equal(pack(undefined, () => undefined, new LightUserdata("null")), "c0c0c0");
  assert.deepEqual(unpack("c3c2c0"), [true, false, undefined]);
});

test("several arguments are packed one behind the other", () => {
  assert.equal(pack(1, "a", new LuaTable(), true, undefined), "01a16190c3c0");
  assert.equal(failureOf("pack"), "#0 MessagePack pack needs input.");
  assert.equal(call("pack", ...Array(4000).fill(1))[0], "\x01".repeat(4000));
  assert.equal(failureOf("pack", ...Array(4001).fill(1)), "#0 Too many arguments for MessagePack pack.");
});

test("a table is an array if its keys are 1 to n, and a map otherwise", () => {
  assert.equal(pack(new LuaTable()), "90");
  assert.equal(pack(sequence(1, 2, 3)), "93010203");
  assert.equal(pack(sequence(() => undefined)), "91c0");
  assert.equal(pack(sequence(undefined, 2)), "810202");
  assert.equal(pack(sequence(1, undefined, 3)), "8201010303");
  for (const key of [0, -1, 2, "1"]) assert.equal(pack(mapping([key, 5])), `81${pack(key)}05`);
  for (const key of [1.5, Infinity, true, "a"]) assert.equal(pack(mapping([key, 5])), `81${pack(key)}05`);
  assert.equal(pack(mapping([1, 1], ["a", 2])), "820101a16102");
  assert.equal(pack(mapping([new LuaTable(), 1])), "819001");
  const shrunk = sequence(1, 2, 3);
  shrunk.set(3, undefined);
  assert.equal(pack(shrunk), "920102");
});

test("tables have headers of 1, 3 or 5 bytes", () => {
  const arrays: [number, string][] = [[15, "9f"], [16, "dc0010"], [65535, "dcffff"], [65536, "dd00010000"]];
  const maps: [number, string][] = [[15, "8f"], [16, "de0010"], [65535, "deffff"], [65536, "df00010000"]];
  for (const [length, header] of arrays) {
    const packed = pack(tableOf(Array.from({ length }, (_, i) => [i + 1, true])));
    assert.ok(packed === header + "c3".repeat(length), `${length} in an array`);
    const [table] = call("unpack", bytesOf(packed));
    assert.ok(table instanceof LuaTable && table.array.length === length);
  }
  for (const [length, header] of maps) {
    const table = tableOf(Array.from({ length }, (_, i) => [`k${i}`, i]));
    const packed = pack(table);
    assert.ok(packed.startsWith(header), `${length} in a map`);
    const [read] = call("unpack", bytesOf(packed));
    assert.equal(pack(read), packed);
  }
});

test("tables within 16 others are nil, also those in a circle", () => {
  const nest = (depth: number) => {
    let value: LuaValue = new LuaTable();
    for (let i = 0; i < depth; i++) value = i % 2 === 0 ? sequence(value) : mapping(["a", value]);
    return value;
  };
  assert.equal(pack(nest(15)), `${"9181a161".repeat(7)}9190`);
  assert.equal(pack(nest(16)), `${"81a16191".repeat(8)}c0`);
  assert.equal(pack(nest(20)), pack(nest(16)));
  const circle = new LuaTable();
  circle.set(1, circle);
  assert.equal(pack(circle), `${"91".repeat(16)}c0`);
});

test("tables are read back as tables", () => {
  assert.deepEqual(unpack("93010203"), [[[1, 1], [2, 2], [3, 3]]]);
  assert.deepEqual(unpack("9301c003"), [[[1, 1], [3, 3]]]);
  assert.deepEqual(unpack("930102c0"), [[[1, 1], [2, 2]]]);
  assert.deepEqual(unpack("dc000101dd0000000101"), [[[1, 1]], [[1, 1]]]);
  assert.deepEqual(unpack("de00010102df000000010102"), [[[1, 2]], [[1, 2]]]);
  assert.deepEqual(unpack("9080"), [[], []]);
  assert.deepEqual(unpack("82a161920102a162810390"), [[["a", [[1, 1], [2, 2]]], ["b", [[3, []]]]]]);
  assert.deepEqual(unpack("82010201c0"), [[]]);
  assert.deepEqual(unpack("81900180"), [[[[], 1]], []]);
});

test("a key that Lua does not have is Lua's own error, without a position", () => {
  assert.equal(failureOf("unpack", bytesOf("81c001")), "without position: table index is nil");
  assert.equal(failureOf("unpack", bytesOf("81ca7fc0000001")), "without position: table index is NaN");
  assert.equal(failureOf("unpack", bytesOf("81c0c1")), BAD);
});

test("binaries and extensions are bad data", () => {
  for (let first = 0xc1; first <= 0xd8; first++) {
    if (first === 0xc1 || (first >= 0xc4 && first <= 0xc9) || first >= 0xd4) {
      assert.equal(failureOf("unpack", String.fromCharCode(first) + "\0".repeat(20)), BAD, first.toString(16));
    }
  }
  assert.equal(failureOf("unpack", bytesOf("01a16191c1")), BAD);
});

test("input that ends too early is missing bytes, however many are announced", () => {
  const cut = ["cc", "cdff", "ceffffff", "cf80000000000000", "d0", "d180", "d2800000", "d380000000000000"];
  cut.push("ca3f8000", "cb3ff00000000000", "a1", "d9", "d90261", "da00", "da000261", "db000000", "db0000000261");
  cut.push("91", "930102", "dc00", "dc000201", "dd000000", "81", "8101", "de00", "de00020102", "df000000");
  cut.push("dbffffffff61", "dbfffffffb61", "ddffffffff0102", "dfffffffff", "dfffffffff01", "ddffffffff".repeat(1000));
  for (const hex of cut) assert.equal(failureOf("unpack", bytesOf(hex)), MISSING, hex.slice(0, 30));
});

test("nesting beyond what C has room for is refused, as are too many values at once", () => {
  const arrays = (depth: number) => "\x91".repeat(depth) + "\x01";
  const maps = (depth: number) => "\x81".repeat(depth) + "\x01".repeat(depth + 1);
  const inArray = "stack overflow (in function mp_decode_to_lua_array)";
  const tooMany = "stack overflow (too many return values at once; use unpack_one or unpack_limit instead.)";
  assert.equal(call("unpack", arrays(3999)).length, 1);
  assert.equal(failureOf("unpack", arrays(4000)), inArray);
  assert.equal(failureOf("unpack", "\x91".repeat(1_000_000)), inArray);
  assert.equal(failureOf("unpack", `\x01${arrays(3999)}`), tooMany);
  assert.equal(call("unpack", maps(7997)).length, 1);
  assert.equal(failureOf("unpack", maps(7998)), tooMany);
  assert.equal(call("unpack", "\x01".repeat(7999)).length, 7999);
  assert.equal(failureOf("unpack", "\x01".repeat(8000)), tooMany);
  assert.equal(call("unpack_limit", "\x01".repeat(9000), 7998).length, 7999);
  assert.equal(failureOf("unpack_limit", "\x01".repeat(9000), 7999), "stack overflow (in function mp_unpack_full)");
  assert.equal(call("unpack_limit", "\x01".repeat(7999), 0).length, 7999);
  const within = Array(3999).fill(mapping(["a", 1]));
  assert.equal(failureOf("pack", ...within), "stack overflow (in function mp_encode_lua_table_as_map)");
});

test("all values are unpacked, or one, or so many, with the offset of the next", () => {
  assert.deepEqual(unpack(""), []);
  assert.deepEqual(unpack("01a16103"), [1, "a", 3]);
  assert.deepEqual(call("unpack", 12), [49, 50]);
  assert.deepEqual(call("unpack_one", "\x01\x02\x03"), [1, 1]);
  assert.deepEqual(call("unpack_one", "\x01\x02\x03", 1), [2, 2]);
  assert.deepEqual(call("unpack_one", "\x01\x02\x03", 2), [-1, 3]);
  assert.deepEqual(call("unpack_one", "\x01\x02\x03", 3), [-1]);
  assert.deepEqual(call("unpack_one", "\x01\x02\x91", 1), [2, 2]);
  assert.deepEqual(call("unpack_limit", "\x01\x02\x03", 2), [2, 1, 2]);
  assert.deepEqual(call("unpack_limit", "\x01\x02\x03", 4), [-1, 1, 2, 3]);
  assert.deepEqual(call("unpack_limit", "\x01\x02\x03", 2, 1), [-1, 2, 3]);
  assert.deepEqual(call("unpack_limit", "\x01\x02\x03", 0), [1, 2, 3]);
  assert.deepEqual(call("unpack_limit", "\x01\x02\x03", 0, 1), [1]);
  assert.deepEqual(call("unpack_limit", "", 0), []);
  assert.deepEqual(call("unpack_limit", "", 1), [-1]);
});

test("offsets and limits that make no sense are refused, and named as C prints them", () => {
  const text = "\x01\x02\x03";
  const invalid = (offset: number) => `Invalid request to unpack with offset of ${offset} and limit of 3.`;
  const beyond = (offset: number) => `Start offset ${offset} greater than input length 3.`;
  assert.equal(failureOf("unpack_one", text, 4), beyond(4));
  assert.equal(failureOf("unpack_one", text, 2 ** 32 + 1), beyond(1));
  assert.equal(failureOf("unpack_one", text, 2 ** 31), beyond(-(2 ** 31)));
  assert.equal(failureOf("unpack_one", text, -1), invalid(-1));
  assert.equal(failureOf("unpack_one", text, 1e300), invalid(0));
  assert.equal(failureOf("unpack_limit", text, -1, 4), invalid(4));
  assert.equal(failureOf("unpack_limit", text, 0, -1), invalid(-1));
});

test("the string is the last argument to be looked at", () => {
  const noNumber = (index: number, actual: string) => `#${index} number expected, got ${actual}`;
  assert.equal(failureOf("unpack"), "#1 string expected, got no value");
  assert.equal(failureOf("unpack_one", true, true), noNumber(2, "boolean"));
  assert.equal(failureOf("unpack_limit"), noNumber(2, "no value"));
  assert.equal(failureOf("unpack_limit", undefined, 1, true), noNumber(3, "boolean"));
  assert.equal(failureOf("unpack_limit", undefined, 1, 1), "#1 string expected, got nil");
});

test("what is packed may be long, but not longer than a string can be", () => {
  const long = "0123456789".repeat(10_000);
  const table = sequence(1, long, 2, long, ...Array(5000).fill(7));
  const [packed] = call("pack", table);
  assert.deepEqual(entriesOf(call("unpack", packed)[0]), entriesOf(table));
  assert.equal(failureOf("pack", ...Array(8).fill("x".repeat(2 ** 26))), "not enough memory");
});

test("the library says who it is", () => {
  assert.equal(CMSGPACK_CONSTANTS._NAME, "cmsgpack");
  assert.equal(CMSGPACK_CONSTANTS._VERSION, "lua-cmsgpack 0.4.0");
});
