/**
 * What random programs have found (`deno task fuzz-lua`): how scripts fail, what messages say of it, and what else C shows
 * through. Each has what redis-server gives, which was asked.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { MODES, runLua } from "./run_lua.ts";

/** Sources and what they give, by behaviour; those with `true` behind them make a coroutine. */
const CASES: Readonly<Record<string, readonly (readonly [string, string, true?])[]>> = {
  "what a wrapped coroutine fails with is told from where it was resumed": [
    [
      "local f=coroutine.wrap(function() end) f() return pcall(function() f() end)",
      "false user_script:1: cannot resume dead coroutine",
      true,
    ],
    [
      `local f=coroutine.wrap(function() error('x') end)
return pcall(function() f() end)`,
      "false user_script:2: user_script:1: x",
      true,
    ],
    [
      "local f=coroutine.wrap(function() error(5,0) end) return pcall(function() f() end)",
      "false user_script:1: 5",
      true,
    ],
    ["local f=coroutine.wrap(function() error({'x'}) end) local _,t=pcall(function() f() end) return t[1]", "x", true],
  ],
  "a coroutine is made of a function of a script": [
    ["return pcall(coroutine.wrap,tonumber)", "false bad argument #1 to '?' (Lua function expected)", true],
    ["return pcall(coroutine.wrap,(ipairs{}))", "false bad argument #1 to '?' (Lua function expected)", true],
    [
      "return pcall(coroutine.wrap,(string.gmatch('a','a')))",
      "false bad argument #1 to '?' (Lua function expected)",
      true,
    ],
    [
      "return pcall(coroutine.wrap,(coroutine.wrap(function() end)))",
      "false bad argument #1 to '?' (Lua function expected)",
      true,
    ],
  ],
  "a coroutine has its own calls, wherever it is resumed from": [
    [
      `local co=coroutine.create(function()
local function f() coroutine.yield() error('x',2) end
f()
end)
coroutine.resume(co)
local function g(n)
if n==0 then return select(2,coroutine.resume(co)) end
local r=g(n-1)
return r end
return g(5)`,
      "user_script:3: x",
      true,
    ],
    [
      `local function g(co)
local _,v=coroutine.resume(co)
error('y',2)
end
local co=coroutine.create(function() local function f() coroutine.yield() end f() f() end)
coroutine.resume(co)
return pcall(function()
local function h() g(co) end
h()
end)`,
      "false user_script:8: y",
      true,
    ],
    ["return coroutine.resume(coroutine.create(function() error('x',3) end))", "false x", true],
  ],
  "a handler gives one value": [
    ["return xpcall(function() error('a') end, function() end)", "false nil"],
    ["return xpcall(function() error('a') end, function() return 1,2 end)", "false 1"],
  ],
  "a handler that fails is called again, and what is no function handles nothing": [
    ["return xpcall(nil,nil)", "false error in error handling"],
    ["return xpcall(function() error('a') end, 5)", "false error in error handling"],
    ["return xpcall(function() error('a') end, function(m) error(m,0) end)", "false error in error handling"],
    ["local n=0 return xpcall(error, function(m) n=n+1 if n<3 then error('x') end return n end)", "false 3"],
  ],
  "what is looked up last in an expression is looked up where the token behind it is": [
    ["local t = {} return t.name.y\n or 1", "ERR user_script:2: attempt to index field 'name' (a nil value)"],
    ["local t = {} return tostring(t.name.y\n)", "ERR user_script:2: attempt to index field 'name' (a nil value)"],
    ["local t = {} return {t.a.b\n, 1}", "ERR user_script:2: attempt to index field 'a' (a nil value)"],
    ["local t = {} return t.a.b\n, 2", "ERR user_script:2: attempt to index field 'a' (a nil value)"],
    ["local t = {} t = {x = t.a.b\n}", "ERR user_script:1: attempt to index field 'a' (a nil value)"],
    ["local t = {} return 1 + t.a.b\n", "ERR user_script:1: attempt to index field 'a' (a nil value)"],
    ["local t = {} if t.a.b\n then end", "ERR user_script:1: attempt to index field 'a' (a nil value)"],
  ],
  "a handler is called on top of what has failed, which levels show": [
    [
      "local function f()\n local x = nil\n x.y = 1 end return xpcall(f, function() return select(2, pcall(error, 'H', 3)) end)",
      "false user_script:3: H",
    ],
    [
      "local function f()\n\n error('e') end return xpcall(f, function() return select(2, pcall(error, 'H', 3)) end)",
      "false H",
    ],
    [
      "local function f()\n\n error('e') end return xpcall(f, function() return select(2, pcall(error, 'H', 4)) end)",
      "false user_script:3: H",
    ],
    [
      "local function f()\n table.sort({1,'a'}) end return xpcall(f, function() return select(2, pcall(error, 'H', 4)) end)",
      "false user_script:2: H",
    ],
    [
      "local function f()\n local y = nil + 1 end return xpcall(function()\n\n f() end, function() return select(2, pcall(error, 'H', 4)) end)",
      "false user_script:4: H",
    ],
    [
      "local n = 0 return xpcall(function()\n error('a') end, function(e) n = n + 1 if n < 3 then\n error('b', 3) end return e end)",
      "false user_script:3: b",
    ],
    [
      "local function f() local y = nil .. 1 end xpcall(f, function() return 1 end) return select(2, pcall(error, 'after', 2))",
      "user_script:1: after",
    ],
  ],
  "a long name of a source is cut, later where it is no program": [
    [
      "local _,m=loadstring('x =',('long'):rep(30)) return m",
      "[string \"longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglon...\"]:1: unexpected symbol near '<eof>'",
    ],
    [
      "local _,m=loadstring('x =','@'..('long'):rep(30)) return m",
      "...longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong:1: unexpected symbol near '<eof>'",
    ],
  ],
  "of two wrong arguments the second is told": [
    ["return math.fmod(nil,nil)", "ERR user_script:1: bad argument #2 to 'fmod' (number expected, got nil)"],
    ["return math.ldexp('x','y')", "ERR user_script:1: bad argument #2 to 'ldexp' (number expected, got string)"],
  ],
  "a metamethod has no name in errors": [
    [
      "local t=setmetatable({},{__concat=1}) return pcall(function() return t..t end)",
      "false user_script:1: attempt to call a number value",
    ],
    ["local t=setmetatable({},{__unm={}}) return -t", "ERR user_script:1: attempt to call a table value"],
    [
      `local m={__eq=error} local a,b=setmetatable({},m),setmetatable({},m)
return a==b`,
      "ERR user_script:2: bad argument #2 to '?' (number expected, got table)",
    ],
    [
      "local t=setmetatable({},{__index=math.floor}) return t.x",
      "ERR user_script:1: bad argument #1 to '?' (number expected, got table)",
    ],
  ],
  "what a generic for calls has a name for those whom it calls": [
    ["for k in next,5 do end", "ERR user_script:1: bad argument #1 to '(for generator)' (table expected, got number)"],
    ["for k in 5 do end", "ERR user_script:1: attempt to call a number value"],
  ],
  "what and and or give has a name where all jumps lead to it": [
    [
      "local a,b,v=1,nil,{} return (a and b or v)+1",
      "ERR user_script:1: attempt to perform arithmetic on local 'v' (a table value)",
    ],
    ["local a,v=nil,{} return (a or v)+1", "ERR user_script:1: attempt to perform arithmetic on a table value"],
    ["local a,v={},nil return (a and v)+1", "ERR user_script:1: attempt to perform arithmetic on a nil value"],
    ["local t,v={},{} return (t.x or v)+1", "ERR user_script:1: attempt to perform arithmetic on a table value"],
    ["local t={x={}} local v return (t.x and v)+1", "ERR user_script:1: attempt to perform arithmetic on a nil value"],
    [
      "local k,v=1,'x' return k+(nil and k or v)",
      "ERR user_script:1: attempt to perform arithmetic on local 'v' (a string value)",
    ],
    [
      "local a,b,c=nil,nil,{} return ((a or b) or c)+1",
      "ERR user_script:1: attempt to perform arithmetic on a table value",
    ],
    [
      "local a,b,c=1,2,{} return ((a or b) and c)+1",
      "ERR user_script:1: attempt to perform arithmetic on local 'c' (a table value)",
    ],
    [
      "local a,c=1,{} return (a==1 and a or c).x.y, (a==2 and a or c)+1",
      "ERR user_script:1: attempt to index local 'c' (a number value)",
    ],
    ["local c={} return (1 and c)+1", "ERR user_script:1: attempt to perform arithmetic on local 'c' (a table value)"],
    ["local c={} return (nil or c)+1", "ERR user_script:1: attempt to perform arithmetic on local 'c' (a table value)"],
    [
      "local c={} return (false and 1 or c)+1",
      "ERR user_script:1: attempt to perform arithmetic on local 'c' (a table value)",
    ],
    ["local c return (nil and c)+1", "ERR user_script:1: attempt to perform arithmetic on a nil value"],
    [
      "local a,b,c,d=1,1,nil,nil return (a and b and c or d)()",
      "ERR user_script:1: attempt to call local 'd' (a nil value)",
    ],
    ["local a,b,c,d=1,nil,nil,{} return ((a and b or c) or d)()", "ERR user_script:1: attempt to call a table value"],
    ["local t={} local a return (a and 1 or t.x).y", "ERR user_script:1: attempt to index field 'x' (a nil value)"],
    [
      "local a local function f() return (a or a)+1 end return f()",
      "ERR user_script:1: attempt to perform arithmetic on a nil value",
    ],
    ["local a local v=nil return (not a and v or v).x", "ERR user_script:1: attempt to index local 'v' (a nil value)"],
    ["local a,v return (a or v).x", "ERR user_script:1: attempt to index a nil value"],
    ["local a,v={} return (a and (a and v)).x", "ERR user_script:1: attempt to index a nil value"],
    ["local v={} return (v and v and v)+1", "ERR user_script:1: attempt to perform arithmetic on a table value"],
    ["local t={} return (t.a or t.b or t.c)+1", "ERR user_script:1: attempt to perform arithmetic on a nil value"],
    ["local t={} return #(t.a or t.b)", "ERR user_script:1: attempt to get length of a nil value"],
    ["local a,t=1,{} return -(a and t)", "ERR user_script:1: attempt to perform arithmetic on a table value"],
    [
      "local a,t=1,{} return 'x'..(a and t.x or t)",
      "ERR user_script:1: attempt to concatenate local 't' (a table value)",
    ],
  ],
  "messages end before a character 0": [
    ["return nil 'a\\0b'", "ERR user_script:1: '<eof>' expected near ''a'"],
    ["return pcall(assert,nil,'a\\0b')", "false a"],
    ["local t={} return t['a\\0b']..1", "ERR user_script:1: attempt to concatenate field 'a' (a nil value)"],
  ],
  "tonumber has the unsigned integers of C for bases other than ten": [
    [
      "return tonumber('1\\0',36), tonumber('-7',8)==2^64-7, tonumber('10x5',16), tonumber('-0x1f',16)==2^64-31, tonumber('0x',16), tonumber(('z'):rep(1e5),36)==2^64, tonumber('-0',2)",
      "1 true nil true nil true 0",
    ],
  ],
  "pcall asks an error's metatable for its text": [
    ["return pcall(error,setmetatable({},{__index=function(_,k) return k..'!' end}))", "false err!"],
    [
      "return pcall(function() return pcall(error,setmetatable({},{__index=error})) end)",
      "false bad argument #2 to '?' (number expected, got string)",
    ],
  ],
  "all bounds of a numeric for are evaluated before one is looked at": [
    ["for i=nil,error('limit') do end", "ERR user_script:1: limit"],
    [
      `for i=1,
{}
do end`,
      "ERR user_script:3: 'for' limit must be a number",
    ],
  ],
  "constants are calculated before they are a function's": [
    ["local a = (1/0 and -0 or nil) return 1/0", "inf"],
    ["return -0 - (1/0)", "-inf"],
    ["local a = 0 return 1/-(-0), 1/(-(0)*1)", "inf inf"],
    ["local t={-0+1,0} return 1/t[2]", "inf"],
    ["local t={2^-0,0} return 1/t[2], 1/0*0~=1/0*0, -7%3, 2^-1", "inf true 2 0.5"],
  ],
  "sort compares the pairs that Lua does, in its order": [
    [
      "local t={} for i=1,20 do t[i]={i%3,i} end table.sort(t,function(a,b) return a[1]<b[1] end) local s='' for _,v in ipairs(t) do s=s..v[2]..' ' end return s",
      "15 9 6 12 18 3 13 1 16 19 10 4 7 17 2 11 8 14 5 20 ",
    ],
    [
      "local t={3,1,2,5,4} table.sort(t,function() return true end)",
      "ERR user_script:1: invalid order function for sorting",
    ],
    ["local t={3,1,2,5,4} return pcall(table.sort,t,function(a,b) return a<=b end)", "true"],
    ["return pcall(table.sort,{3,'x',1,{},2})", "false attempt to compare string with number"],
    [
      "local t={3,2,1,4} pcall(table.sort,t,function(a,b) if a==4 or b==4 then error('no') end return a<b end) return t[1],t[2],t[3],t[4]",
      "3 2 1 4",
    ],
  ],
};

for (const [behaviour, cases] of Object.entries(CASES)) {
  test(behaviour, () => {
    for (const mode of MODES) {
      for (const [source, expected, makesCoroutines] of cases) {
        const wanted = makesCoroutines && mode === "plain" ? "begins anew" : expected;
        assert.equal(runLua(mode, source), wanted, `${mode}: ${source}`);
      }
    }
  });
}
