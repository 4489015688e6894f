/** JSON that `cjson` reads. What is expected here is what redis-server 7 gives. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { CJSON_CONSTANTS } from "../../../lib/scripting/libraries/cjson.ts";
import { newLibrary } from "./cjson_library.ts";

const NULL = CJSON_CONSTANTS.null;
const { decode, failureOf } = newLibrary();
const decodeFailure = (text: string) => failureOf("decode", text);

test("a value of any type is read", () => {
  assert.equal(decode("null"), NULL);
  assert.equal(decode("true"), true);
  assert.equal(decode(" \t\r\n false \t\r\n "), false);
  assert.equal(decode("12"), 12);
  assert.equal(decode('"a"'), "a");
  assert.deepEqual(decode('[1,"a",[],null,{}]'), [[1, 1], [2, "a"], [3, []], [4, NULL], [5, []]]);
  assert.deepEqual(decode('{"a":1,"1":{"b":[2]},"":null}'), [["a", 1], ["1", [["b", [[1, 2]]]]], ["", NULL]]);
  assert.deepEqual(decode(' { "a" : [ 1 , 2 ] , "b" : 3 } '), [["a", [[1, 1], [2, 2]]], ["b", 3]]);
});

test("of a key that is there twice, the last value counts", () => {
  assert.deepEqual(decode('{"a":1,"b":2,"a":3}'), [["a", 3], ["b", 2]]);
});

test("keys that were read before, and others like them, are told apart", () => {
  const keys = ["alpha", "alpka", "a", "ab", "aa", "", "x".repeat(40), "\xe9", "alpha"];
  for (let i = 0; i < 300; i++) keys.push(`k${i}`, `k${i % 10}0`);
  const text = (value: string) => keys.map((key) => `{"${key}":${value}}`).join();
  const expected = (value: number) => keys.map((key, i) => [i + 1, [[key, value]]]);
  assert.deepEqual(decode(`[${text("1")}]`), expected(1));
  assert.deepEqual(decode(`[${text("2")}]`), expected(2));
  assert.deepEqual(decode(`[${text("3")}]${" ".repeat(20_000)}`), expected(3));
});

test("a key with escapes, and one that is spelled as that reads, are told apart", () => {
  const documents: [string, unknown][] = [
    [String.raw`{"a\\b":1,"q\"":2,"z":3}`, [["a\\b", 1], ['q"', 2], ["z", 3]]],
    [String.raw`{"a\b":1,"q":2,"z":3}`, [["a\b", 1], ["q", 2], ["z", 3]]],
    [String.raw`{"\u0061":1,"a":2}`, [["a", 2]]],
    [String.raw`{"a":{"a\\b":{"z":1}},"a\b":[{"z":2}]}`, [["a", [["a\\b", [["z", 1]]]]], ["a\b", [[1, [["z", 2]]]]]]],
  ];
  for (let i = 0; i < 3; i++) {
    for (const [document, value] of documents) assert.deepEqual(decode(document), value, document);
  }
});

test("the same keys in any order, with other values between them, are found where they are", () => {
  const keys = ["id", "name", "tags", "id2", "", "na"];
  for (let i = 0; i < 200; i++) {
    const names = keys.filter((_, at) => (i * 7 + at) % 4 !== 0).toSorted((a, b) =>
      (a.length * i) % 5 - (b.length * i) % 5
    );
    const inner = (name: string) => name === "tags" ? `[{"${names[0]}":1}]` : name === "id" ? `{"id":{"name":2}}` : "3";
    const shown = (name: string) =>
      name === "tags" ? [[1, [[names[0], 1]]]] : name === "id" ? [["id", [["name", 2]]]] : 3;
    assert.deepEqual(
      decode(`{${names.map((name) => `"${name}":${inner(name)}`).join()}}`),
      names.map((name) => [name, shown(name)]),
    );
  }
});

test("escapes in strings are undone, and the bytes of all other characters are kept", () => {
  assert.equal(decode('"\\"\\\\\\/\\b\\f\\n\\r\\t"'), '"\\/\b\f\n\r\t');
  assert.equal(decode('"a\\nb\\"c"'), 'a\nb"c');
  assert.equal(decode('"\x01\x1f\n\x7f\x80\xff"'), "\x01\x1f\n\x7f\x80\xff");
  assert.deepEqual(decode('{"\\u0061\\n":"\\\\"}'), [["a\n", "\\"]]);
  assert.equal(decode(`"${'\\"x'.repeat(20_000)}"`), '"x'.repeat(20_000));
});

test("escapes of code points become UTF-8, those beyond 0xffff by way of a pair", () => {
  assert.equal(decode('"\\u0000\\u0041\\u007f"'), "\0A\x7f");
  assert.equal(decode('"\\u0080\\u07FF\\u0800\\uffff"'), "\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf");
  assert.equal(
    decode('"\\ud800\\udc00\\uD834\\uDD1E\\udbff\\udfff"'),
    "\xf0\x90\x80\x80\xf0\x9d\x84\x9e\xf4\x8f\xbf\xbf",
  );
  const bad = "Expected value but found invalid unicode escape code at character 3";
  const texts = [
    "\\u",
    "\\u12",
    "\\u12g4",
    "\\u12 4",
    "\\u0/00",
    "\\u00:0",
    "\\u000@",
    "\\uG000",
    "\\u00`0",
    "\\ud800",
    "\\ud800x",
    "\\ud800\\n",
    "\\ud800\\u0041",
    "\\udc00",
  ];
  for (const text of texts) assert.equal(decodeFailure(`"a${text}"`), bad, text);
});

test("what is wrong with a string is told, with its place", () => {
  assert.equal(decodeFailure('"'), "Expected value but found unexpected end of string at character 2");
  assert.equal(decodeFailure('"abc'), "Expected value but found unexpected end of string at character 5");
  assert.equal(decodeFailure('"a\\n'), "Expected value but found unexpected end of string at character 5");
  assert.equal(decodeFailure('"ab\0"'), "Expected value but found unexpected end of string at character 4");
  for (const escape of ["\\a", "\\x41", "\\U0041", "\\'", "\\"]) {
    assert.equal(decodeFailure(`"a${escape}`), "Expected value but found invalid escape code at character 3");
  }
  assert.equal(decodeFailure('{"a\\q":1}'), "Expected object key string but found invalid escape code at character 4");
  assert.equal(decodeFailure('[1 "\\q"]'), "Expected comma or array end but found invalid escape code at character 5");
});

test("numbers are the doubles nearest to them", () => {
  const texts = ["0", "-0", "1", "-17", "0.5", "123.456", "1e5", "1E+5", "1e-5", "-0.1e1", "123456789012345678901"];
  texts.push("9007199254740993", "0.1234567890123456789", "4.9e-324", "2e-324", "1.7976931348623157e308", "1.e5", "7.");
  for (const text of texts) assert.equal(decode(text), Number(text), text);
  assert.equal(decode("1e999"), Infinity);
  assert.equal(decode("-1e999"), -Infinity);
  assert.equal(decode("-.5"), -0.5);
});

test("what is left of a number is a token of its own", () => {
  const cases: [string, number][] = [["1e", 2], ["1e+", 2], ["1.5.5", 4], ["1x", 2], ["0x", 2], ["1.e", 3], [
    "0x1p+",
    4,
  ]];
  for (const [text, at] of cases) {
    assert.equal(decodeFailure(text), `Expected the end but found invalid token at character ${at}`, text);
  }
  assert.equal(decodeFailure("1 2"), "Expected the end but found T_NUMBER at character 3");
});

test("numbers that JSON does not know are read, or refused if so set", () => {
  const { call, decode, failureOf } = newLibrary();
  const cases: [string, number][] = [
    ["01", 1],
    ["-01.5", -1.5],
    ["0x10", 16],
    ["-0X1F", -31],
    ["0x.8", 0.5],
    ["0x1p4", 16],
    ["0x1.8p-1075", 5e-324],
    ["0x20000000000001", 2 ** 53],
    ["0x20000000000003", 2 ** 53 + 4],
    ["0x20000000000001000000000000001p-60", 2 ** 53 + 2],
    ["0x1p99999", Infinity],
    ["inf", Infinity],
    ["-Infinity", -Infinity],
    ["nan", NaN],
    ["-NaN(12ab)", NaN],
  ];
  for (const [text, number] of cases) assert.equal(decode(text), number, text);
  assert.equal(decode("+.5"), 0.5);
  for (const text of ["-", "--1", "- 1", "-a", "-.", "+", "+x"]) {
    assert.equal(failureOf("decode", text), "Expected value but found invalid number at character 1", text);
  }
  assert.deepEqual(call("decode_invalid_numbers"), [true]);
  assert.deepEqual(call("decode_invalid_numbers", false), [false]);
  for (const text of ["01", "-01", "00", "0x10", "-0x", "-inf", "-NaN", "-", "-."]) {
    assert.equal(failureOf("decode", text), "Expected value but found invalid number at character 1", text);
  }
  for (const text of ["inf", "nan", "+1", ".5", "Infinity"]) {
    assert.equal(failureOf("decode", text), "Expected value but found invalid token at character 1", text);
  }
  for (const [text, number] of [["-.5", -0.5], ["1.", 1], ["0e1", 0], ["1e999", Infinity]] as const) {
    assert.equal(decode(text), number);
  }
});

test("a token that does not belong where it stands is named, with its place", () => {
  const cases: [string, string][] = [
    ["", "value but found T_END at character 1"],
    ["  ", "value but found T_END at character 3"],
    ["nul", "value but found invalid token at character 1"],
    ["\v1", "value but found invalid token at character 1"],
    ["'a'", "value but found invalid token at character 1"],
    ["\xef\xbb\xbf1", "value but found invalid token at character 1"],
    ["]", "value but found T_ARR_END at character 1"],
    ["[", "value but found T_END at character 2"],
    ["[1", "comma or array end but found T_END at character 3"],
    ["[1,]", "value but found T_ARR_END at character 4"],
    ["[,1]", "value but found T_COMMA at character 2"],
    ["[1 2]", "comma or array end but found T_NUMBER at character 4"],
    ["[1:2]", "comma or array end but found T_COLON at character 3"],
    ["[1}", "comma or array end but found T_OBJ_END at character 3"],
    ["[true false]", "comma or array end but found T_BOOLEAN at character 7"],
    ["[1 [", "comma or array end but found T_ARR_BEGIN at character 4"],
    ["{", "object key string but found T_END at character 2"],
    ["{a:1}", "object key string but found invalid token at character 2"],
    ["{1:1}", "object key string but found T_NUMBER at character 2"],
    ["{null:1}", "object key string but found T_NULL at character 2"],
    ["{{}:1}", "object key string but found T_OBJ_BEGIN at character 2"],
    ['{"a"', "colon but found T_END at character 5"],
    ['{"a" 1}', "colon but found T_NUMBER at character 6"],
    ['{"a":}', "value but found T_OBJ_END at character 6"],
    ['{"a":1 "b":2}', "comma or object end but found T_STRING at character 8"],
    ['{"a":1,}', "object key string but found T_OBJ_END at character 8"],
    ['{"a":1]', "comma or object end but found T_ARR_END at character 7"],
    ["truex", "the end but found invalid token at character 5"],
    ["[] []", "the end but found T_ARR_BEGIN at character 4"],
  ];
  for (const [text, rest] of cases) assert.equal(decodeFailure(text), `Expected ${rest}`, text);
});

test("a document ends at its first NUL, unless that makes it one of UTF-16 or UTF-32", () => {
  const unicode = "JSON parser does not support UTF-16 or UTF-32";
  assert.equal(decode("12\0x"), 12);
  assert.deepEqual(decode("[1]\0]"), [[1, 1]]);
  assert.equal(decodeFailure("[1\0"), "Expected comma or array end but found T_END at character 3");
  assert.equal(decodeFailure("\0"), "Expected value but found T_END at character 1");
  for (const text of ["1\0", "\0 1", "[\0", '"\0"']) assert.equal(decodeFailure(text), unicode);
});

test("tables are read to a depth of 1000, or another one", () => {
  const { call, decode, failureOf } = newLibrary();
  const tooMany = (depth: number, at: number) => `Found too many nested data structures (${depth}) at character ${at}`;
  assert.doesNotThrow(() => decode("[".repeat(1000) + "]".repeat(1000)));
  assert.equal(failureOf("decode", "[".repeat(1001)), tooMany(1001, 1001));
  assert.equal(failureOf("decode", '{"a":'.repeat(1001)), tooMany(1001, 5001));
  assert.deepEqual(call("decode_max_depth", "2"), [2]);
  assert.deepEqual(decode("[[],[]]"), [[1, []], [2, []]]);
  assert.equal(failureOf("decode", ' {"a":[{'), tooMany(3, 8));
});

test("however deep tables may be, none is read deeper than a function of C can go", () => {
  const { call, failureOf } = newLibrary();
  const tooMany = (depth: number, at: number) => `Found too many nested data structures (${depth}) at character ${at}`;
  call("decode_max_depth", 2 ** 31 - 1);
  assert.doesNotThrow(() => call("decode", "[".repeat(7998) + "]".repeat(7998)));
  assert.equal(failureOf("decode", "[".repeat(9000)), tooMany(7999, 7999));
  assert.doesNotThrow(() => call("decode", '{"a":'.repeat(3999) + "1" + "}".repeat(3999)));
  assert.equal(failureOf("decode", '{"a":'.repeat(5000)), tooMany(4000, 19996));
  assert.equal(failureOf("decode", '{"a":{"a":['.repeat(2000)), tooMany(4799, 17595));
});
