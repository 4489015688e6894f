/** What hostile scripts try: to reach JavaScript, and to take the process with them. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { compileChunk } from "../../../lib/scripting/lua/compiler.ts";
import { MODES, runLua } from "./run_lua.ts";

function gives(source: string, expected: string | RegExp): void {
  for (const mode of MODES) {
    const found = runLua(mode, source);
    if (typeof expected === "string") assert.equal(found, expected, mode);
    else assert.match(found, expected, mode);
  }
}

test("names of JavaScript are names like any other", () => {
  const names =
    "arguments eval this constructor __proto__ R T S P G isA Table Tail d va t0 v0 let const class yield await";
  for (
    const name of [...names.split(" "), "undefined", "NaN", "prototype", "globalThis", "Deno", "process", "import"]
  ) {
    gives(`local ${name} = 5 local function f(${name}) return ${name} end return ${name} + f(1)`, "6");
    gives(`return _G.${name}`, "nil");
  }
});

test("properties of JavaScript objects are no fields", () => {
  for (
    const name of ["constructor", "__proto__", "prototype", "toString", "length", "array", "get", "valueOf", "call"]
  ) {
    gives(`local t = {} return t.${name}, t['${name}'], rawget(t, '${name}'), (math).${name}`, "nil nil nil nil");
    gives(`return (function() end).${name}`, "ERR user_script:1: attempt to index a function value");
    gives(`return (5).${name}`, "ERR user_script:1: attempt to index a number value");
    gives(`return (true).${name}`, "ERR user_script:1: attempt to index a boolean value");
    gives(`local t = {} t.${name} = 1 t['${name}'] = t.${name} + 1 return t.${name}`, "2");
  }
});

test("strings reach the JavaScript as strings", () => {
  const hostile = [
    "${1+1}",
    "`",
    '"+R.tick()+"',
    "\\u0022;throw 1;//",
    "*/ throw 1 /*",
    "</script>",
    "\n;throw 1;",
    "\x00",
    "\xe2\x80\xa8",
    "\x7f\x80\xff",
  ];
  for (const text of hostile) {
    gives(`return [==[x${text}]==]`, `x${text}`);
    gives(`local t = {[ [==[${text}]==] ] = 1} return t[ [==[${text}]==] ]`, "1");
    const source = `return [==[x${text}]==]`;
    assert.equal(compileChunk(source, text, "plain").text.includes("throw 1;//"), text.includes("\\u0022"));
  }
});

test("a metatable of strings cannot be had to change what others see", () => {
  gives("return getmetatable('x').__index == string", "true");
  gives("return pcall(setmetatable, 'x', {})", "false bad argument #1 to '?' (table expected, got string)");
});

test("recursion without end is an error of the script", () => {
  gives("local function f() return 1 + f() end return f()", "ERR user_script:1: stack overflow");
  gives(
    "local t = setmetatable({}, {}) getmetatable(t).__index = function(t, k) return t[k .. 'x'] end return t.a",
    /stack/,
  );
  gives("local function f() return pcall(f) end return (f())", /true|false/);
  gives("local t = {} setmetatable(t, {__index = t}) return t.x", "ERR user_script:1: loop in gettable");
  gives("local t = {} setmetatable(t, {__newindex = t}) t.x = 1", "ERR user_script:1: loop in settable");
  gives("local t = {} t.__index = t t.__call = t setmetatable(t, t) return t()", /attempt to call/);
});

test("where the stack is full, what a library does is an error of the script", () => {
  const calls = ["tonumber('x')", "('x'):find('x%d*')", "('%d'):format(5)", "tostring({})", "pcall(error, 'x')"];
  for (const one of calls) {
    gives(`local function f() pcall(f) return ${one} end return pcall(f)`, /^(true|false)/);
    gives(`local function f(n) ${one} return 1 + f(n) end return f(1)`, /^ERR .*stack overflow/);
  }
});

test("source that is nested too deeply is refused", () => {
  for (const [opening, closing] of [["(", ")"], ["{", "}"], ["function() return ", " end"], ["- ", ""], ["not ", ""]]) {
    const source = `return ${opening.repeat(50_000)}1${closing.repeat(50_000)}`;
    gives(source, /^ERR .*(too many syntax levels|too complex|unexpected symbol|overflow)/);
  }
  gives(`${"do ".repeat(10_000)}${"end ".repeat(10_000)}`, /too many syntax levels/);
  gives(`return 1${" .. 1".repeat(10_000)}`, /too many syntax levels/);
});

test("source that is long, and not nested, is none too long, or refused", () => {
  gives(`local a = 1 return a${" + a".repeat(2000)}`, "2001");
  gives(`local a = 1 return a${" + a".repeat(50_000)}`, "50001");
  gives(`local t = {${"1,".repeat(50_000)}} return #t`, "50000");
  gives(`local x = 3 ${"if x == 1 then return 1 end ".repeat(5000)} return 'end'`, "end");
  gives(`local x = 3 if x == 1 then ${"elseif x == 2 then return 1 ".repeat(2000)} else return 'else' end`, "else");
  gives(`local t = {} t.x = t ${"t.x".padEnd(20_001, ".x")} = 1 return 1`, /^(1|ERR .*too complex.*)$/);
});

test("a string that grows without end is an error of the script", () => {
  gives("local s = 'x' for i = 1, 40 do s = s .. s end return #s", /not enough memory|too large/);
});

test("results that would be too long, and patterns that explode, are errors of the script", () => {
  gives("return ('x'):rep(1e9)", "ERR user_script:1: resulting string too large");
  gives("return ('x'):rep(2^31)", ""); // as an int of 32 bits that is negative
  gives("local s = ('x'):rep(2^20) return #s:gsub('x', s)", "ERR user_script:1: resulting string too large");
  gives("return (('a'):rep(40000)):find(('a*'):rep(10) .. '%d')", /pattern too complex/);
});

test("many values are refused before the engine's stack is full", () => {
  gives("return select('#', unpack({}, 1, 1e6))", "ERR user_script:1: too many results to unpack");
  gives("return select('#', unpack({}, 1, 7000))", "7000");
});
