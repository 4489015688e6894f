/**
 * Functions of libraries that call functions of scripts: what these give and throw, in both modes. All but what a comparison
 * that is no order makes of a table, and how `load` takes what is no string, is as redis-server has it.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { MODES, runLua } from "./run_lua.ts";

const CASES: readonly (readonly [source: string, result: string])[] = [
  ["local t={3,1,2} return pcall(table.sort,t,function(a,b) error('no') end)", "false user_script:1: no"],
  [
    "local t={3,1,2} return pcall(function() table.sort(t,function(a,b) return a.x<b.x end) end)",
    "false user_script:1: attempt to index local 'a' (a number value)",
  ],
  ["local t={3,1,2} return pcall(function() table.sort(t,function(a,b) error({}) end) end)", "false {} nil"],
  [
    "local t={3,1,2}\ntable.sort(t,function(a,b)\nreturn nil < 1 end)",
    "ERR user_script:3: attempt to compare nil with number",
  ],
  ["local t={3,1,2}\ntable.sort(t,tostring)", ""],
  [
    "local t={1,2,3,4,5,6,7,8} local n=0 pcall(table.sort,t,function(a,b) n=n+1 return true end) return #t, n>0",
    "8 true",
  ],
  ["local t={1,2,3} return pcall(table.sort,t,5)", "false bad argument #2 to '?' (function expected, got number)"],
  ["local t={'a',1} return pcall(table.sort,t)", "false attempt to compare number with string"],
  ["local t={5,3,4,1,2} table.sort(t,function(a,b) return a>b end) return table.concat(t,',')", "5,4,3,2,1"],
  [
    "local t={} for i=1,100 do t[i]=(i*37)%101 end table.sort(t,function(a,b) return a<b end) local ok=true for i=2,100 do ok=ok and t[i-1]<=t[i] end return ok",
    "true",
  ],
  [
    "local t={0.5,-1,3,2^53,-2^40} table.sort(t) return table.concat(t,' ')",
    "-1099511627776 -1 0.5 3 9.007199254741e+15",
  ],
  ["local t={} table.sort(t,function() error('x') end) return #t", "0"],
  ["local t={1} table.sort(t,function() error('x') end) return #t", "1"],
  [
    "local mt={__lt=function(a,b) return a.v<b.v end} local t={} for i=1,5 do t[i]=setmetatable({v=(i*3)%5},mt) end table.sort(t) local s='' for i=1,5 do s=s..t[i].v end return s",
    "01234",
  ],
  [
    "local mt={__lt=function(a,b) error('lt') end} local t={} for i=1,5 do t[i]=setmetatable({},mt) end return pcall(table.sort,t)",
    "false user_script:1: lt",
  ],
  ["return pcall(pcall,error,'x')", "true false x"],
  ["return pcall(pcall,pcall,error,'x')", "true true false x"],
  ["return pcall(pcall)", "true false attempt to call a boolean value"],
  ["return pcall(function() return pcall(function() error('in') end) end)", "true false user_script:1: in"],
  ["return pcall(function() local a,b=pcall(error,'in') error(b..'out') end)", "false user_script:1: inout"],
  ["return pcall(function() local a,b=pcall(error,'in',2) error(b..'out',2) end)", "false user_script:1: inout"],
  ["return pcall(error)", "false nil"],
  ["return pcall(error,nil)", "false nil"],
  ["return pcall(error,{err='E'})", "false E"],
  ["return pcall(error,{err={}})", "false {} {}"],
  ["return select('#',pcall(function() end))", "1"],
  ["return select('#',pcall(function() return nil,nil end))", "3"],
  ["return pcall(setmetatable({},{__call=function(self,a) return a end}),7)", "true 7"],
  ["local function f() return pcall(f) end local ok=f() return ok", "true"],
  [
    "local function f(n) if n==0 then error('deep') end return pcall(f,n-1) end return f(20)",
    "true true true true true true true true true true true true true true true true true true true false user_script:1: deep",
  ],
  [
    "local function f() f() end local ok,m=pcall(f) return ok, string.find(m,'stack overflow',1,true)~=nil",
    "false true",
  ],
  [
    "local function f() local ok,m=pcall(f) if not ok then error(m,0) end end local ok,m=pcall(f) return ok, m==nil or string.find(m,'stack overflow',1,true)~=nil",
    "false true",
  ],
  ["local t={2,1} return pcall(table.sort,t,function(a,b) return pcall(error,'x') end), t[1]", "true 2"],
  ["return pcall(string.gsub,'abc','%w',function(c) error('at '..c) end)", "false user_script:1: at a"],
  ["return pcall(string.gsub,'abc','%w',function(c) return {} end)", "false invalid replacement value (a table)"],
  [
    "local x=string.gsub('abc','%w',function(c) return string.gsub(c,'.',function(d) return d..d end) end) return x",
    "aabbcc",
  ],
  ["return string.gsub('abc','(a)(b)',function(x,y) return y..x end)", "bac 1"],
  ["return string.gsub('abc','b',setmetatable({},{__index=function(t,k) return k..k end}))", "abbc 1"],
  ["return string.gsub('abc','b',setmetatable({},{__index=function(t,k) error('idx') end}))", "ERR user_script:1: idx"],
  ["return table.foreach({1,2,x=3},function(k,v) if v==2 then return k end end)", "2"],
  ["return pcall(table.foreach,{1},function(k,v) error('fe') end)", "false user_script:1: fe"],
  [
    "return pcall(table.foreachi,{1},function(k,v) local x = v.y.z end)",
    "false user_script:1: attempt to index local 'v' (a number value)",
  ],
  ["return pcall(table.foreach,{1})", "false bad argument #2 to '?' (function expected, got no value)"],
  ["table.foreach({1},\nfunction(k,v) error('fe') end)", "ERR user_script:2: fe"],
  ["return xpcall(function() error('a') end,function(e) error('b') end)", "false error in error handling"],
  ["return pcall(xpcall,function() error('a') end,function(e) error({}) end)", "true false error in error handling"],
  ["return xpcall(function() error({err='E'}) end,function(e) return e.err end)", "false E"],
  [
    "return xpcall(function() local x=nil; x() end,function(e) return e, 2 end)",
    "false user_script:1: attempt to call local 'x' (a nil value)",
  ],
  ["return pcall(load,function() error('rd') end)", "false user_script:1: rd"],
  ["return pcall(load,function() return 5 end)", "false reader function must return a string"],
  ["local n=0 local f=load(function() n=n+1 return ({'return ','1+','2'})[n] end) return f()", "3"],
  ["return load(function() return nil end, 5)~=nil", "true"],
  ["return pcall(loadstring('error(\"x\")'))", 'false [string "error("x")"]:1: x'],
  [
    "local s=0 for i=1,40 do local ok=pcall(function() if i%2==0 then error() end end) if ok then s=s+1 end end return s",
    "20",
  ],
  ["local q=0 while true do q=q+1 if q>100 then break end end repeat q=q+1 until q>200 return q", "201"],
  ["return pcall(function(...) return select('#',...) end,nil,nil,nil,nil,nil)", "true 5"],
  ["return pcall(function() local ok,v=pcall(redis) return v end)", "true attempt to call a nil value"],
];

/** Those that make coroutines, for which plain functions begin anew. */
const COROUTINES: typeof CASES = [
  [
    "local co=coroutine.create(function() return pcall(coroutine.yield,1) end) return coroutine.resume(co)",
    "true false attempt to yield across metamethod/C-call boundary",
  ],
  [
    "local co=coroutine.create(function() local t={2,1} table.sort(t,function(a,b) coroutine.yield() return a<b end) end) return coroutine.resume(co)",
    "false attempt to yield across metamethod/C-call boundary",
  ],
  [
    "local co=coroutine.create(function() pcall(error,'x') coroutine.yield(1) return 2 end) local a,b=coroutine.resume(co) local c,d=coroutine.resume(co) return a,b,c,d",
    "true 1 true 2",
  ],
  [
    "local co=coroutine.create(function() pcall(function() string.gsub('a','.',function() error('x') end) end) coroutine.yield(1) return 2 end) local a,b=coroutine.resume(co) local c,d=coroutine.resume(co) return a,b,c,d",
    "true 1 true 2",
  ],
  [
    "local co=coroutine.create(function() xpcall(error,function() return pcall(coroutine.yield) end) coroutine.yield(1) return 2 end) local a,b=coroutine.resume(co) local c,d=coroutine.resume(co) return a,b,c,d",
    "true 1 true 2",
  ],
];

for (const [source, expected] of CASES) {
  test(`'${source}' gives '${expected}'`, () => {
    for (const mode of MODES) assert.equal(runLua(mode, source), expected, mode);
  });
}

for (const [source, expected] of COROUTINES) {
  test(`'${source}' gives '${expected}'`, () => assert.equal(runLua("generator", source), expected));
}
