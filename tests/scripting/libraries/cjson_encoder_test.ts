/** JSON that `cjson` writes. What is expected here is what redis-server 7 gives, but for the order of keys. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { CJSON_CONSTANTS, CJSON_SETTINGS } from "../../../lib/scripting/libraries/cjson.ts";
import { encodeJson } from "../../../lib/scripting/libraries/cjson_encoder.ts";
import { LightUserdata, LuaTable, LuaThread, type LuaValue } from "../../../lib/scripting/lua/values.ts";
import { newLibrary } from "./cjson_library.ts";
import { errorText, mapping, sequence, tableOf } from "./packing.ts";

const NULL = CJSON_CONSTANTS.null;
const { encode, failureOf } = newLibrary();
const encodeFailure = (value: LuaValue) => failureOf("encode", value);

/** A table in so many others, under the key 1 or another one. */
function nested(depth: number, key: LuaValue = 1): LuaTable {
  let table = new LuaTable();
  for (let i = 1; i < depth; i++) table = mapping([key, table]);
  return table;
}

test("nil, booleans and null are words", () => {
  assert.equal(encode(undefined), "null");
  assert.equal(encode(NULL), "null");
  assert.equal(encode(true), "true");
  assert.equal(encode(false), "false");
});

test("strings are escaped where JSON demands it, and slashes and 0x7f are, too; all other bytes are themselves", () => {
  assert.equal(encode('a/b"c\\d\x7f\x80\xff'), '"a\\/b\\"c\\\\d\\u007f\x80\xff"');
  assert.equal(
    encode("\0\x01\b\t\n\x0b\f\r\x0e\x1a\x1f "),
    '"\\u0000\\u0001\\b\\t\\n\\u000b\\f\\r\\u000e\\u001a\\u001f "',
  );
  assert.equal(encode(""), '""');
});

test("strings of any length are written alike", () => {
  const some = 'abc/"\\\x00\n\x1f\x7f\xe9 ';
  for (const length of [63, 64, 65, 255, 256, 257, 16383, 16384, 16385, 70000]) {
    const text = some.repeat(Math.ceil(length / some.length)).slice(0, length);
    const each = Array.from(text, (char) => String(encode(char)).slice(1, -1)).join("");
    assert.equal(encode(text), `"${each}"`, `${length} characters`);
    assert.equal(encode(sequence("-", text, 1)), `["-","${each}",1]`);
    assert.equal(encode(mapping([text, text])), `{"${each}":"${each}"}`);
    const plain = text.replace(/[^a-z\xe9]/g, "x");
    assert.equal(encode(sequence(plain, mapping([plain, plain]))), `["${plain}",{"${plain}":"${plain}"}]`);
  }
});

test("numbers have 14 digits, as C writes them", () => {
  const cases: [number, string][] = [
    [0, "0"],
    [-0, "-0"],
    [7, "7"],
    [-10, "-10"],
    [1234567890, "1234567890"],
    [-(2 ** 31), "-2147483648"],
    [2 ** 31, "2147483648"],
    [99999999999999, "99999999999999"],
    [1e14, "1e+14"],
    [123456789012345678, "1.2345678901235e+17"],
    [0.1, "0.1"],
    [1 / 3, "0.33333333333333"],
    [2 / 3, "0.66666666666667"],
    [-1234.5, "-1234.5"],
    [0.1 + 0.2, "0.3"],
    [0.0001, "0.0001"],
    [0.00012345678901234567, "0.00012345678901235"],
    [0.00001, "1e-05"],
    [1e100, "1e+100"],
    [5e-324, "4.9406564584125e-324"],
    [Number.MAX_VALUE, "1.7976931348623e+308"],
    [1e21, "1e+21"],
    [99999999999999.5, "1e+14"],
    [9999999999999.95, "9999999999999.9"],
    [9.99999999999999, "10"],
    [1.9999999999999998, "2"],
  ];
  for (const [number, text] of cases) assert.equal(encode(number), text);
});

test("of two decimals that are equally near, a number is the one with an even last digit", () => {
  assert.equal(encode(1234567890123.25), "1234567890123.2");
  assert.equal(encode(1234567890123.75), "1234567890123.8");
  assert.equal(encode(123456789012.125), "123456789012.12");
  assert.equal(encode(123456789012345), "1.2345678901234e+14");
});

test("the precision can be any from 1 to 14, for keys too", () => {
  const { call, encode, failureOf } = newLibrary();
  assert.deepEqual(call("encode_number_precision"), [14]);
  assert.deepEqual(call("encode_number_precision", 3), [3]);
  assert.equal(encode(mapping([1234.5, 0.00012345])), '{"1.23e+03":0.000123}');
  call("encode_number_precision", 1);
  assert.equal(
    encode(sequence(1234.5, 15, 25, 35, 0.25, 0.35, -0, 99.99, 12e20, 9.5, 0.95, 123456, 0.5, 2.5, 8)),
    "[1e+03,2e+01,2e+01,4e+01,0.2,0.3,-0,1e+02,1e+21,1e+01,0.9,1e+05,0.5,2,8]",
  );
  call("encode_number_precision", 2);
  assert.equal(encode(sequence(2.5, 0.125, 0.375, 1.25, 12.5, 13.5, 125)), "[2.5,0.12,0.38,1.2,12,14,1.2e+02]");
  for (const precision of [0, 15, -1]) {
    assert.equal(failureOf("encode_number_precision", precision), "#1 expected integer between 1 and 14");
  }
});

test("infinite numbers and NaN are an error, or words, or null", () => {
  const { call, encode } = newLibrary();
  const invalid = sequence(Infinity, -Infinity, NaN);
  assert.deepEqual(call("encode_invalid_numbers"), [false]);
  assert.equal(encodeFailure(invalid), "Cannot serialise number: must not be NaN or Inf");
  assert.equal(encodeFailure(mapping([Infinity, 1])), "Cannot serialise number: must not be NaN or Inf");
  assert.deepEqual(call("encode_invalid_numbers", true), [true]);
  assert.equal(encode(invalid), "[inf,-inf,nan]");
  assert.equal(encode(mapping([-Infinity, 1])), '{"-inf":1}');
  assert.deepEqual(call("encode_invalid_numbers", "null"), ["null"]);
  assert.equal(encode(invalid), "[null,null,null]");
  assert.equal(encode(mapping([-Infinity, 1])), '{"null":1}');
  assert.deepEqual(call("encode_invalid_numbers", "off"), [false]);
});

test("a table with no keys but positive integers is an array, and with gaps these are null", () => {
  assert.equal(encode(sequence(1, "two", true, sequence(3))), '[1,"two",true,[3]]');
  assert.equal(encode(sequence(1, 2, undefined, 4)), "[1,2,null,4]");
  assert.equal(encode(mapping([3, "c"])), '[null,null,"c"]');
  assert.equal(encode(mapping([2, "b"], [1, "a"], [4, "d"])), '["a","b",null,"d"]');
});

test("any other table is an object, also the empty one, and its keys are strings and numbers", () => {
  assert.equal(encode(new LuaTable()), "{}");
  assert.equal(encode(mapping(["a", 1], ["/", new LuaTable()], ["b", NULL])), '{"a":1,"\\/":{},"b":null}');
  assert.equal(encode(mapping([1, 1], ["a", 2])), '{"1":1,"a":2}');
  for (const [key, text] of [[0, "0"], [-1, "-1"], [1.5, "1.5"], [1e100, "1e+100"], [2 ** 31, "2147483648"]] as const) {
    assert.equal(encode(mapping([key, "x"])), `{"${text}":"x"}`);
    assert.equal(encode(mapping([1, "y"], [key, "x"])), `{"1":"y","${text}":"x"}`);
  }
});

test("entries that were removed are not written", () => {
  const table = mapping(["a", 1], ["b", 2], ["c", 3]);
  table.set("a", undefined);
  table.set("c", undefined);
  assert.equal(encode(table), '{"b":2}');
  table.set("b", undefined);
  assert.equal(encode(table), "{}");
  table.set(1, "x");
  assert.equal(encode(table), '["x"]');
});

test("metatables do not matter", () => {
  const table = sequence("a");
  table.metatable = mapping(["__index", mapping(["b", 1])], ["__len", 5]);
  assert.equal(encode(table), '["a"]');
});

test("an array longer than 10 may be twice as long as it has values", () => {
  const sparse = "Cannot serialise table: excessively sparse array";
  assert.equal(encode(mapping([10, 1])), `[${"null,".repeat(9)}1]`);
  assert.equal(encodeFailure(mapping([11, 1])), sparse);
  assert.equal(encode(tableOf([[1, 1], [2, 2], [3, 3], [4, 4], [5, 5], [12, 6]])), `[1,2,3,4,5,${"null,".repeat(6)}6]`);
  assert.equal(encodeFailure(tableOf([[1, 1], [2, 2], [3, 3], [4, 4], [5, 5], [13, 6]])), sparse);
  assert.equal(encodeFailure(mapping([2 ** 31 - 1, 1])), sparse);
});

test("what too many gaps are, and what comes of them, can be set", () => {
  const { call, encode, failureOf } = newLibrary();
  assert.deepEqual(call("encode_sparse_array"), [false, 2, 10]);
  assert.deepEqual(call("encode_sparse_array", true), [true, 2, 10]);
  assert.equal(encode(mapping([11, 1])), '{"11":1}');
  assert.deepEqual(call("encode_sparse_array", undefined, 0), [true, 0, 10]);
  assert.equal(encode(mapping([30, 1])), `[${"null,".repeat(29)}1]`);
  assert.deepEqual(call("encode_sparse_array", "off", "1", 3.7), [false, 1, 3]);
  assert.equal(encode(mapping([3, 1])), "[null,null,1]");
  assert.equal(failureOf("encode", mapping([4, 1])), "Cannot serialise table: excessively sparse array");
  // The product of the ratio and the number of values is an `int`, and overflows.
  assert.deepEqual(call("encode_sparse_array", false, 2 ** 31 - 1, 3), [false, 2 ** 31 - 1, 3]);
  assert.equal(encode(mapping([30, 1])), `[${"null,".repeat(29)}1]`);
  assert.equal(failureOf("encode", mapping([1, 1], [40, 1])), "Cannot serialise table: excessively sparse array");
});

test("what JSON has nothing for is an error", () => {
  const coroutine = new (class extends LuaThread {
    readonly status = "suspended";
  })();
  const call = () => undefined;
  assert.equal(encodeFailure(call), "Cannot serialise function: type not supported");
  assert.equal(encodeFailure(sequence(1, call)), "Cannot serialise function: type not supported");
  assert.equal(encodeFailure(mapping(["a", coroutine])), "Cannot serialise thread: type not supported");
  assert.equal(encodeFailure(new LightUserdata("other")), "Cannot serialise userdata: type not supported");
  for (const [key, type] of [[true, "boolean"], [new LuaTable(), "table"], [NULL, "userdata"], [call, "function"]]) {
    assert.equal(encodeFailure(mapping([key, 1])), `Cannot serialise ${type}: table key must be a number or string`);
  }
});

test("tables are written to a depth of 1000, or another one", () => {
  const { call, encode, failureOf } = newLibrary();
  assert.equal(encode(nested(1000)), "[".repeat(999) + "{}" + "]".repeat(999));
  assert.equal(failureOf("encode", nested(1001)), "Cannot serialise, excessive nesting (1001)");
  const endless = new LuaTable();
  endless.set("a", endless);
  assert.equal(failureOf("encode", endless), "Cannot serialise, excessive nesting (1001)");
  assert.deepEqual(call("encode_max_depth", 2), [2]);
  assert.equal(encode(sequence(sequence(1))), "[[1]]");
  assert.equal(
    failureOf("encode", mapping(["a", sequence(mapping([100, 1]))])),
    "Cannot serialise, excessive nesting (3)",
  );
});

test("however deep tables may be, it is no deeper than a function of C can go", () => {
  const { call, encode, failureOf } = newLibrary();
  call("encode_max_depth", 2 ** 31 - 1);
  assert.equal(String(encode(nested(7997))).length, 2 * 7997);
  assert.equal(failureOf("encode", nested(7998)), "Cannot serialise, excessive nesting (7998)");
  assert.equal(String(encode(nested(3999, "a"))).length, 6 * 3998 + 2);
  assert.equal(failureOf("encode", nested(4000, "a")), "Cannot serialise, excessive nesting (4000)");
});

test("a document can be long, and no longer than a string can be", () => {
  const many = sequence(...Array.from({ length: 20_000 }, (_, i) => i % 7 === 0 ? "x".repeat(i % 500) : i));
  const text = String(encode(many));
  assert.deepEqual(JSON.parse(text), many.array);
  assert.equal(encodeJson(many, CJSON_SETTINGS, text.length), text);
  assert.equal(errorText(() => encodeJson(many, CJSON_SETTINGS, text.length - 1)), "not enough memory");
  assert.equal(errorText(() => encodeJson(many, CJSON_SETTINGS, 100)), "not enough memory");
  assert.equal(errorText(() => encodeJson("/".repeat(300), CJSON_SETTINGS, 500)), "not enough memory");
});
