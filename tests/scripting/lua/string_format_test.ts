import { test } from "node:test";
import assert from "node:assert/strict";
import { stringFunctions } from "../../../lib/scripting/lua/strings.ts";
import { LuaTable, type LuaValue } from "../../../lib/scripting/lua/values.ts";
import { call, failure } from "./library_calls.ts";

const STRINGS = stringFunctions(() => undefined);

function format(...args: LuaValue[]): LuaValue {
  return call(STRINGS, "format", ...args)[0];
}

function fails(...args: LuaValue[]): LuaValue {
  return failure(STRINGS, "format", ...args);
}

type Case = [format: string, args: LuaValue[], text: string];

function check(cases: readonly Case[]): void {
  for (const [text, args, expected] of cases) {
    assert.equal(format(text, ...args), expected, `${text} of ${args.map(String).join(", ")}`);
  }
}

test("a format without directives stays as it is", () => {
  check([
    ["", [], ""],
    ["a\0b", ["ignored"], "a\0b"],
    ["100%% of %%", [], "100% of %"],
  ]);
  assert.equal(format(5), "5");
});

test("integers are cut off, and of 64 bits", () => {
  check([
    ["%d %i", [3.99, -3.99], "3 -3"],
    ["%d", ["0x10"], "16"],
    ["%d", [2 ** 53 + 2], "9007199254740994"],
    ["%d", [-(2 ** 63)], "-9223372036854775808"],
    ["%d %d", [2 ** 63, NaN], "-9223372036854775808 -9223372036854775808"],
    ["%u %u", [7, -1], "7 18446744073709551615"],
    ["%u %u %u", [2 ** 63, 2 ** 64 - 2048, 2 ** 64], "9223372036854775808 18446744073709549568 0"],
    ["%x %X %o", [255, 255, 8], "ff FF 10"],
    ["%x", [-1], "ffffffffffffffff"],
    ["%x", [-(2 ** 70)], "8000000000000000"],
  ]);
});

test("integers have signs, prefixes, width and precision", () => {
  check([
    ["[%5d] [%-5d] [%05d]", [42, 42, 42], "[   42] [42   ] [00042]"],
    ["[%+d] [% d] [%+ d]", [5, 5, 5], "[+5] [ 5] [+5]"],
    ["[%+05d] [%-05d]", [5, 5], "[+0005] [5    ]"],
    ["[%.3d] [%8.3d] [%08.3d]", [5, -5, 5], "[005] [    -005] [     005]"],
    ["[%.0d] [%.d] [%+.0d] [%3.0d]", [0, 0, 0, 0], "[] [] [+] [   ]"],
    ["[%#x] [%#X] [%#o] [%#8x] [%#08x]", [255, 255, 8, 255, 255], "[0xff] [0XFF] [010] [    0xff] [0x0000ff]"],
    ["[%#x] [%#o] [%#.0o] [%.0x]", [0, 0, 0, 0], "[0] [0] [0] []"],
    ["[%#.3o] [%#.2o]", [8, 8], "[010] [010]"],
    ["[%+u] [%+x] [% u]", [5, 5, 5], "[5] [5] [5]"],
  ]);
});

test("floats are those of C", () => {
  check([
    ["%f %e %g", [1.5, 1.5, 1.5], "1.500000 1.500000e+00 1.5"],
    ["%.0f %.0f %.1f", [0.5, 1.5, 0.25], "0 2 0.2"],
    ["%.2f", ["3.14159"], "3.14"],
    ["%E %G %G", [1e-7, 1e-7, 123456], "1.000000E-07 1E-07 123456"],
    ["%.3g %.10g %g", [1234.5, 0.1, 1e20], "1.23e+03 0.1 1e+20"],
    ["%#.0f %#.0e %#g %#.3g", [1, 1, 1, 1], "1. 1.e+00 1.00000 1.00"],
    ["[%8.2f] [%-8.2f] [%08.2f] [%+.1f]", [-1.5, -1.5, -1.5, 1], "[   -1.50] [-1.50   ] [-0001.50] [+1.0]"],
    ["%f %g", [-0, -0], "-0.000000 -0"],
    ["%f %E %g", [Infinity, -Infinity, NaN], "inf -INF -nan"],
    ["[%06f] [%-6f] [%+f]", [Infinity, Infinity, Infinity], "[   inf] [inf   ] [+inf]"],
    ["%.20f", [0.1], "0.10000000000000000555"],
  ]);
  assert.match(String(format("%.99f", 1e308)), /^100000000000000001097906\d{276}223118336\.0{99}$/);
});

test("characters are bytes, and one that is 0 ends what C has made of it", () => {
  check([
    ["%c%c%c", [72, "105", 33.9], "Hi!"],
    ["[%3c] [%-3c] [%03c]", [65, 65, 65], "[  A] [A  ] [  A]"],
    ["[%c] [%3c] [%-3c]", [0, 0, 0], "[] [  ] []"],
    ["[%c] [%c] [%c]", [256 + 65, -191, 2 ** 32 + 65], "[A] [A] []"],
  ]);
});

test("strings are padded and cut, and those of C end before a character 0", () => {
  check([
    ["[%s] [%5s] [%-5s] [%05s]", ["ab", "ab", "ab", "ab"], "[ab] [   ab] [ab   ] [   ab]"],
    ["[%.2s] [%5.2s] [%.0s] [%.s]", ["abc", "abc", "abc", "abc"], "[ab] [   ab] [] []"],
    ["%s %s", [1.5, 10], "1.5 10"],
    ["[%s] [%3s] [%.3s]", ["a\0b", "a\0b", "a\0b"], "[a] [  a] [a]"],
  ]);
  const long = "a\0".repeat(50);
  assert.equal(format("[%s]", long), `[${long}]`);
  assert.equal(format("[%99s]", "x".repeat(100)), `[${"x".repeat(100)}]`);
  assert.equal(format("[%.5s]", "x".repeat(200)), "[xxxxx]");
});

test("quoted strings can be read by Lua", () => {
  check([
    ["%q", ['say "hi"'], '"say \\"hi\\""'],
    ["%q", ["a\nb\rc\0d\\e\tf\xff"], '"a\\\nb\\rc\\000d\\\\e\tf\xff"'],
    ["%5.1q", [12], '"12"'],
  ]);
});

test("what is no directive is an error, once it has an argument", () => {
  assert.equal(fails("%y", 1), "invalid option '%y' to 'format'");
  assert.equal(fails("%", 1), "invalid option '%' to 'format'");
  assert.equal(fails("%\0", 1), "invalid option '%' to 'format'");
  assert.equal(fails("%10", 1), "invalid option '%' to 'format'");
  assert.equal(fails("%5%", 1), "invalid option '%%' to 'format'");
  assert.equal(fails("%.-5d", 1), "invalid option '%-' to 'format'");
  assert.equal(fails("%------d", 1), "invalid format (repeated flags)");
  assert.equal(format("%-----d", 1), "1");
  assert.equal(fails("%100d", 1), "invalid format (width or precision too long)");
  assert.equal(fails("%.100f", 1), "invalid format (width or precision too long)");
  assert.equal(fails("%y"), "#2 no value");
  assert.equal(fails("%d %y %d", "x", 1), "#2 number expected, got string");
});

test("arguments are of the type that their directive needs", () => {
  assert.equal(fails(), "#1 string expected, got no value");
  assert.equal(fails("%d"), "#2 no value");
  assert.equal(fails("%s %s", 1), "#3 no value");
  assert.equal(fails("%d", undefined), "#2 number expected, got nil");
  assert.equal(fails("%f", new LuaTable()), "#2 number expected, got table");
  assert.equal(fails("%s", true), "#2 string expected, got boolean");
  assert.equal(fails("%q", undefined), "#2 string expected, got nil");
});

test("the result is not longer than a string may be", () => {
  const megabyte = "x".repeat(2 ** 20);
  assert.equal(fails("%s".repeat(512), ...Array<string>(512).fill(megabyte)), "resulting string too large");
});
