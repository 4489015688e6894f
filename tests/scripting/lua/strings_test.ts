import { test } from "node:test";
import assert from "node:assert/strict";
import { stringFunctions } from "../../../lib/scripting/lua/strings.ts";
import { firstOf, LuaTable, type LuaValue } from "../../../lib/scripting/lua/values.ts";
import { call, failure } from "./library_calls.ts";

const STRINGS = stringFunctions((_table, key) => `[${key}]`);

function run(name: string, ...args: LuaValue[]): readonly LuaValue[] {
  return call(STRINGS, name, ...args);
}

function fails(name: string, ...args: LuaValue[]): LuaValue {
  return failure(STRINGS, name, ...args);
}

type Call = [name: string, args: LuaValue[], result: LuaValue[]];

function check(calls: readonly Call[]): void {
  for (const [name, args, result] of calls) {
    assert.deepEqual(run(name, ...args), result, `${name}(${args.map(String).join(", ")})`);
  }
}

function tableOf(entries: Record<string, LuaValue>): LuaTable {
  const table = new LuaTable();
  for (const [key, value] of Object.entries(entries)) table.set(key, value);
  return table;
}

/** All that an iterator of `gmatch` gives. */
function allMatches(subject: string, pattern: string): LuaValue[][] {
  const next = firstOf(run("gmatch", subject, pattern));
  if (typeof next !== "function") throw new TypeError("gmatch has given no function");
  const all: LuaValue[][] = [];
  for (;;) {
    const result = next();
    const values = Array.isArray(result) ? [...result] : [result as LuaValue]; // what is no array is a value
    if (values.length === 0) return all;
    all.push(values);
  }
}

test("the library has the functions of Lua 5.1", () => {
  const names = "byte char dump find format gfind gmatch gsub len lower match rep reverse sub upper";
  assert.deepEqual(Object.keys(STRINGS).sort(), names.split(" "));
});

test("lengths, cases and order go by bytes", () => {
  check([
    ["len", ["a\0b"], [3]],
    ["len", [12], [2]],
    ["lower", ["AbC \xc9"], ["abc \xc9"]],
    ["upper", ["abC \xb5\xdf\xff"], ["ABC \xb5\xdf\xff"]],
    ["reverse", ["a\0b"], ["b\0a"]],
    ["reverse", ["\xff" + "ab".repeat(50)], ["ba".repeat(50) + "\xff"]],
  ]);
  assert.equal(fails("len"), "#1 string expected, got no value");
  assert.equal(fails("lower", new LuaTable()), "#1 string expected, got table");
});

test("parts of a string are taken from either end", () => {
  check([
    ["sub", ["hello", 2], ["ello"]],
    ["sub", ["hello", 2, 3], ["el"]],
    ["sub", ["hello", -3, -2], ["ll"]],
    ["sub", ["hello", 0], ["hello"]],
    ["sub", ["hello", -100, 100], ["hello"]],
    ["sub", ["hello", 4, 2], [""]],
    ["sub", ["hello", 6], [""]],
    ["sub", ["hello", 2, undefined], ["ello"]],
    ["sub", ["hello", 1.9, "2"], ["he"]],
    ["sub", ["hello", Infinity], ["hello"]], // to C the least integer
    ["byte", ["abc"], [97]],
    ["byte", ["abc", -1], [99]],
    ["byte", ["abc", 1, -1], [97, 98, 99]],
    ["byte", ["abc", 0], []],
    ["byte", ["abc", 0, 2], [97, 98]],
    ["byte", ["abc", 4], []],
    ["byte", ["\xff"], [255]],
    ["byte", ["a".repeat(7997), 1, -1], Array(7997).fill(97)],
  ]);
  assert.equal(fails("sub", "a"), "#2 number expected, got no value");
  assert.equal(fails("byte", "a".repeat(7998), 1, -1), "stack overflow (string slice too long)");
});

test("strings are made of bytes", () => {
  check([
    ["char", [], [""]],
    ["char", [0, 65, "66", 255.9], ["\0AB\xff"]],
    ["char", [2 ** 32 + 65], ["A"]],
  ]);
  assert.equal(fails("char", 65, -1), "#2 invalid value");
  assert.equal(fails("char", 256), "#1 invalid value");
  assert.equal(fails("char", "x"), "#1 number expected, got string");
});

test("strings are repeated as long as there may be such a string", () => {
  check([
    ["rep", ["ab", 3], ["ababab"]],
    ["rep", ["ab", 0], [""]],
    ["rep", ["ab", -1], [""]],
    ["rep", ["ab", 2.9], ["abab"]],
    ["rep", ["ab", 2 ** 32 + 1], ["ab"]], // an int in C
    ["rep", ["", 2 ** 31 - 1], [""]],
  ]);
  assert.equal(fails("rep", "x", 2 ** 31 - 1), "resulting string too large");
  assert.equal(fails("rep", "x".repeat(1000), 600_000), "resulting string too large");
});

test("nothing can be dumped", () => {
  assert.equal(fails("dump", () => undefined), "unable to dump given function");
  assert.equal(fails("dump", 1), "#1 function expected, got number");
});

test("find gives the place of a match, and its captures", () => {
  check([
    ["find", ["hello", "l"], [3, 3]],
    ["find", ["hello", "l", 4], [4, 4]],
    ["find", ["hello", "l", -1], [undefined]],
    ["find", ["hello", "(l)(o)"], [4, 5, "l", "o"]],
    ["find", ["hello", "()ll"], [3, 4, 3]],
    ["find", ["hello", ""], [1, 0]],
    ["find", ["hello", "", 10], [6, 5]],
    ["find", ["hello", ".", -10], [1, 1]],
    ["find", ["hello", ".", Infinity], [1, 1]],
    ["find", ["hello", "x"], [undefined]],
    ["find", ["10", 0], [2, 2]],
  ]);
  assert.equal(fails("find", "a"), "#2 string expected, got no value");
  assert.equal(fails("find", "a", "b", "c"), "#3 number expected, got string");
});

test("find takes a text for what it is, if told to, or if it has nothing special before a character 0", () => {
  check([
    ["find", ["a.b", ".", 1, true], [2, 2]],
    ["find", ["a+b", "+b", 1, 0], [2, 3]],
    ["find", ["a.b", "%.", 1, false], [2, 2]],
    ["find", ["a)b]", "a)b]"], [1, 4]],
    ["find", ["a\0%b", "a\0%b"], [1, 4]],
    ["find", ["a\0b", "a\0c"], [undefined]],
    ["find", ["a\0b", ".\0c"], [1, 1]],
  ]);
});

test("match gives the captures, or the match", () => {
  check([
    ["match", ["key=value", "(%w+)=(%w+)"], ["key", "value"]],
    ["match", ["key=value", "%w+", 5], ["value"]],
    ["match", ["key=value", "^=", 4], ["="]],
    ["match", ["key=value", "()="], [4]],
    ["match", ["key=value", "%d"], [undefined]],
    ["match", ["a\0b", "a\0c"], ["a"]],
  ]);
  assert.equal(fails("match", "a)", "a)"), "invalid pattern capture");
});

test("gmatch gives one match after the other", () => {
  assert.deepEqual(allMatches("one two", "%a+"), [["one"], ["two"]]);
  assert.deepEqual(allMatches("a=1, b=2", "(%w+)=(%w+)"), [["a", "1"], ["b", "2"]]);
  assert.deepEqual(allMatches("ab", "()"), [[1], [2], [3]]);
  assert.deepEqual(allMatches("abc", "b*"), [[""], ["b"], [""], [""]]);
  assert.deepEqual(allMatches("a^ab", "^a"), [["^a"]]);
  assert.deepEqual(allMatches("abc", "x"), []);
  assert.equal(STRINGS.gfind, STRINGS.gmatch);
  assert.equal(fails("gmatch", "a"), "#2 string expected, got no value");
});

test("gsub replaces by a text with captures", () => {
  check([
    ["gsub", ["hello", "l", "L"], ["heLLo", 2]],
    ["gsub", ["hello", "l", "L", 1], ["heLlo", 1]],
    ["gsub", ["hello", "l", "L", 0], ["hello", 0]],
    ["gsub", ["hello", "l", "L", -1], ["hello", 0]],
    ["gsub", ["hello", "l", "L", 2 ** 32 + 1], ["heLlo", 1]], // an int in C
    ["gsub", ["hello", "x", "L"], ["hello", 0]],
    ["gsub", ["hello", "", "-"], ["-h-e-l-l-o-", 6]],
    ["gsub", ["hello", "^h", ""], ["ello", 1]],
    ["gsub", ["hhh", "^h", "x"], ["xhh", 1]],
    ["gsub", ["hello", "$", "!"], ["hello!", 1]],
    ["gsub", ["abc def", "%w*", "x"], ["xx xx", 4]],
    ["gsub", ["a b", "(%w) (%w)", "%2 %1 %0"], ["b a a b", 1]],
    ["gsub", ["abc", "b", "%1%0"], ["abbc", 1]],
    ["gsub", ["abc", "()b", "%1"], ["a2c", 1]],
    ["gsub", ["abc", "b", "%%%x"], ["a%xc", 1]],
    ["gsub", ["abc", "b", "%"], ["a\0c", 1]],
    ["gsub", [121, 2, 3.5], ["13.51", 1]],
    ["gsub", ["a", "(a", "x"], ["x", 1]],
  ]);
  assert.equal(fails("gsub", "a", "a", "%2"), "invalid capture index");
  assert.equal(fails("gsub", "a", "(a", "%1"), "unfinished capture");
  assert.equal(fails("gsub", "a", "a"), "#3 string/function/table expected");
  assert.equal(fails("gsub", "a", "a", undefined, "x"), "#4 number expected, got string");
});

test("gsub replaces by what a table has, and leaves what it has not", () => {
  const table = tableOf({ name: "World", count: 2, no: false });
  check([
    ["gsub", ["$name $count $no $other", "$(%w+)", table], ["World 2 $no $other", 4]],
    ["gsub", ["name", "(n)(ame)", table], ["name", 1]],
  ]);
  assert.equal(fails("gsub", "a", "a", tableOf({ a: true })), "invalid replacement value (a boolean)");
});

test("gsub asks for a key by the function that it was given, if the table has a metatable and not the key", () => {
  const table = tableOf({ a: "A" });
  table.metatable = new LuaTable();
  check([["gsub", ["abc", "%w", table], ["A[b][c]", 3]]]);
});

test("gsub replaces by what a function returns", () => {
  check([
    ["gsub", ["abc", "%w", (character) => `${character}${character}`], ["aabbcc", 3]],
    ["gsub", ["abc", "%w", (character) => character === "b" ? undefined : 1], ["1b1", 3]],
    ["gsub", ["abc", "(%w)()", (_character, place) => [place, "ignored"]], ["234", 3]],
    ["gsub", ["abc", "%w", () => []], ["abc", 3]],
    ["gsub", ["abc", "%w", () => false, 2], ["abc", 2]],
  ]);
  assert.equal(fails("gsub", "a", "a", () => new LuaTable()), "invalid replacement value (a table)");
});

test("a function that gsub calls may search as well", () => {
  const replace = (word: LuaValue): LuaValue => firstOf(run("gsub", word, "(.)(.*)", "%2%1"));
  check([["gsub", ["one two three", "%w+", replace], ["neo wot hreet", 3]]]);
});

test("gsub puts many matches together", () => {
  const subject = "key:value,".repeat(20_000);
  const [result, count] = run("gsub", subject, "(%w+):(%w+)", "%2=%1");
  assert.equal(count, 20_000);
  assert.equal(result, "value=key,".repeat(20_000));
  const long = "x".repeat(500);
  assert.deepEqual(run("gsub", "abc".repeat(100), "b", long), [`a${long}c`.repeat(100), 100]);
  assert.equal(fails("gsub", "a".repeat(1000), "a", "x".repeat(1_000_000)), "resulting string too large");
});
