/** The library `bit`. What is expected here is what redis-server 7 gives. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { BIT_FUNCTIONS } from "../../../lib/scripting/libraries/bit.ts";
import type { LuaValue } from "../../../lib/scripting/lua/values.ts";
import { callOf, errorText } from "./packing.ts";

const call = callOf(BIT_FUNCTIONS);

function check(name: string, cases: readonly (readonly [LuaValue[], LuaValue])[]): void {
  for (const [args, expected] of cases) assert.deepEqual(call(name, ...args), [expected], `${name}(${args})`);
}

test("numbers become signed 32 bits, halves the even integer", () => {
  check("tobit", [
    [[0], 0],
    [[-0], 0],
    [[0xffffffff], -1],
    [[2 ** 31], -(2 ** 31)],
    [[2 ** 40 + 1], 1],
    [[-(2 ** 40) - 1], -1],
    [[0.5], 0],
    [[1.5], 2],
    [[2.5], 2],
    [[-0.5], 0],
    [[-1.5], -2],
    [[-2.5], -2],
    [["0x10"], 16],
    [[" 12 "], 12],
  ]);
});

test("numbers beyond 2^51 become what BitOp's sum has in its lower half", () => {
  check("tobit", [
    [[2 ** 51], 0],
    [[2 ** 51 + 1], 0],
    [[2 ** 52 + 5], 2],
    [[-(2 ** 52) - 1], -4],
    [[-(2 ** 52) + 1], 2],
    [[2 ** 53 + 6], 3],
    [[-(2 ** 53) - 6], 12],
    [[2 ** 60 + 2 ** 20], 4096],
    [[1e20], 2025163840],
    [[1e300], -2013235812],
    [[Infinity], 0],
    [[-Infinity], 0],
    [[NaN], 0],
  ]);
});

test("the operations take any number of arguments, but one at least", () => {
  check("band", [[[7], 7], [[7, 3, "2"], 2]]);
  check("bor", [[[1, 2, 4, 8], 15]]);
  check("bxor", [[[-1, 1], -2], [[5, 5, 5], 5]]);
  check("bnot", [[[0], -1], [[2 ** 40 + 1], -2]]);
  for (const name of Object.keys(BIT_FUNCTIONS)) {
    assert.equal(errorText(() => call(name)), "#1 number expected, got no value", name);
  }
});

test("shifts and rotations go by the lower 5 bits of their places", () => {
  check("lshift", [[[1, 33], 2], [[1, -1], -(2 ** 31)], [[1, 31], -(2 ** 31)]]);
  check("rshift", [[[-1, 0], -1], [[-1, 4], 268435455], [[-1, 4.5], 268435455], [[-1, 5.5], 67108863]]);
  check("arshift", [[[-256, 4], -16], [[2 ** 31, 31], -1]]);
  check("rol", [[[0x12345678, 12], 1164411171], [[1, 0], 1], [[1, 32], 1]]);
  check("ror", [[[0x12345678, 12], 1736516421], [[1, 1], -(2 ** 31)], [[1, -(2 ** 31)], 1]]);
  check("bswap", [[[0x12345678], 2018915346], [[0x78563412, 3, 4], 305419896]]);
  assert.equal(errorText(() => call("lshift", 1)), "#2 number expected, got no value");
});

test("hexadecimal has up to 8 digits, in capitals where their number is negative", () => {
  check("tohex", [
    [[1], "00000001"],
    [[-1], "ffffffff"],
    [[255, 4], "00ff"],
    [[255, -4], "00FF"],
    [[0x12345678, 3], "678"],
    [[255, 0], ""],
    [[255, 100], "000000ff"],
    [[255, -100], "000000FF"],
    [[255, -(2 ** 31)], "000000FF"],
    [[255, 2.5], "ff"],
    [[255, 2 ** 32 + 2], "ff"],
  ]);
  assert.equal(errorText(() => call("tohex", 1, undefined)), "#2 number expected, got nil");
});

test("of several arguments that are no numbers the first or else the last is the error", () => {
  assert.equal(errorText(() => call("bor", true, 1, true)), "#1 number expected, got boolean");
  assert.equal(errorText(() => call("band", 1, true, "x", 3)), "#3 number expected, got string");
  assert.equal(errorText(() => call("bxor", 1, true, undefined)), "#3 number expected, got nil");
});
