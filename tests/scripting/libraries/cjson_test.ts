/** The functions of the library `cjson`, and its settings. What is expected here is what redis-server 7 gives. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { CJSON_CONSTANTS, CJSON_SETTINGS } from "../../../lib/scripting/libraries/cjson.ts";
import { LightUserdata, LuaTable } from "../../../lib/scripting/lua/values.ts";
import { newLibrary } from "./cjson_library.ts";
import { entriesOf } from "./packing.ts";

const NULL = CJSON_CONSTANTS.null;
const { failureOf } = newLibrary();

test("the library has the functions and constants of Redis's, and null is nothing but itself", () => {
  const { table } = newLibrary();
  assert.deepEqual((entriesOf(table) as [string, unknown][]).map(([name]) => name).sort(), [
    "_NAME",
    "_VERSION",
    "decode",
    "decode_invalid_numbers",
    "decode_max_depth",
    "encode",
    "encode_invalid_numbers",
    "encode_keep_buffer",
    "encode_max_depth",
    "encode_number_precision",
    "encode_sparse_array",
    "new",
    "null",
  ]);
  assert.equal(CJSON_CONSTANTS._NAME, "cjson");
  assert.equal(CJSON_CONSTANTS._VERSION, "2.1.0");
  assert.ok(NULL instanceof LightUserdata);
  assert.equal(NULL.text, "userdata: (nil)");
});

test("what was decoded is encoded to the same, and the other way about", () => {
  const texts = [
    '[1,"a\\/\\n\\u0001",[true,false,null],{"x":{"y":[{"z":-1.5e-07}]}}]',
    '{"":[{}],"b":1e+20}',
    '"\xc3\xa9"',
  ];
  const { call } = newLibrary();
  for (const text of texts) assert.equal(call("encode", ...call("decode", text))[0], text);
});

test("encode and decode take one argument, numbers as strings among them", () => {
  const { call } = newLibrary();
  for (const name of ["encode", "decode"]) {
    assert.equal(failureOf(name), "#1 expected 1 argument");
    assert.equal(failureOf(name, "1", undefined), "#1 expected 1 argument");
  }
  assert.deepEqual(call("decode", 1.5), [1.5]);
  assert.equal(failureOf("decode", undefined), "#1 string expected, got nil");
  assert.equal(failureOf("decode", NULL), "#1 string expected, got userdata");
});

test("settings are checked, and nil leaves them as they are", () => {
  const { call, failureOf } = newLibrary();
  const integer = "#1 expected integer between";
  for (const name of ["encode_max_depth", "decode_max_depth"]) {
    assert.deepEqual(call(name), [1000]);
    assert.equal(failureOf(name, 0), `${integer} 1 and 2147483647`);
    assert.equal(failureOf(name, 2 ** 31), `${integer} 1 and 2147483647`);
    assert.equal(failureOf(name, true), "#1 number expected, got boolean");
    assert.equal(failureOf(name, 1, 2), "#2 found too many arguments");
    assert.deepEqual(call(name, 5.9), [5]);
    assert.deepEqual(call(name, 2 ** 32 + 7), [7]);
    assert.deepEqual(call(name, undefined), [7]);
  }
  assert.equal(failureOf("encode_sparse_array", 1, 2, 3, 4), "#4 found too many arguments");
  assert.equal(failureOf("encode_sparse_array", "null"), "#1 invalid option 'null'");
  assert.equal(failureOf("encode_sparse_array", true, new LuaTable()), "#2 number expected, got table");
  assert.equal(failureOf("encode_sparse_array", "off", 5, -1), `${integer} 0 and 2147483647`);
  assert.deepEqual(call("encode_sparse_array"), [false, 5, 10]);
  for (const name of ["encode_keep_buffer", "encode_invalid_numbers", "decode_invalid_numbers"]) {
    assert.deepEqual(call(name, "on"), [true]);
    assert.deepEqual(call(name, undefined), [true]);
    assert.deepEqual(call(name, "off\0on"), [false]);
    assert.equal(failureOf(name, 1.5), "#1 invalid option '1.5'");
    assert.equal(failureOf(name, "x\0y"), "#1 invalid option 'x'");
    assert.equal(failureOf(name, new LuaTable()), "#1 string expected, got table");
    assert.equal(failureOf(name, true, true), "#2 found too many arguments");
  }
});

test("settings can be remembered and put back", () => {
  const { library, call } = newLibrary();
  const before = library.settings;
  call("encode_max_depth", 5);
  call("encode_invalid_numbers", "null");
  assert.equal(library.settings.encodeMaxDepth, 5);
  assert.equal(before, CJSON_SETTINGS);
  library.settings = before;
  assert.deepEqual(call("encode_max_depth"), [1000]);
  assert.deepEqual(call("encode_invalid_numbers"), [false]);
});

test("a new library has all that the old one has, and settings of its own", () => {
  const { call, table: old } = newLibrary();
  call("encode_max_depth", 5);
  const make = old.get("new");
  assert.ok(typeof make === "function");
  const table = make("ignored");
  assert.ok(table instanceof LuaTable);
  const namesOf = (of: LuaTable) => (entriesOf(of) as [string, unknown][]).map(([name]) => name).sort();
  assert.deepEqual(namesOf(table), namesOf(old));
  assert.equal(table.get("null"), NULL);
  const maxDepth = table.get("encode_max_depth");
  assert.ok(typeof maxDepth === "function");
  assert.equal(maxDepth(), 1000);
  maxDepth(7);
  assert.deepEqual(call("encode_max_depth"), [5]);
  assert.equal(maxDepth(), 7);
});
