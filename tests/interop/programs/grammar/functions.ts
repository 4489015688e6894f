/** Functions: closures, calls, varargs, errors that are caught, coroutines, and sources that are loaded. */

import { expression, fixed, lines, type Node, type Part, statement } from "../tree.ts";
import { type Maker, often, type Writer } from "../writer.ts";
import { field } from "./tables.ts";

/** Called with whatever there is. Not `string.rep`, which Redis makes as long as it is told. */
const BUILT_IN = [
  ..."str tonumber type select unpack rawget rawequal pcall assert error ipairs bit.band".split(" "),
  ..."string.upper string.sub string.len string.format string.byte string.find".split(" "),
  ..."table.concat table.remove math.floor math.max setmetatable getmetatable coroutine.wrap".split(" "),
  ..."cjson.encode redis.sha1hex redis.status_reply".split(" "),
];
/** Called by libraries and metamethods. Not `error`, which would take for a level what it is called with. */
const CALLED_BACK = ["type", "str", "swap", "count", "tonumber", "string.upper", "assert", "pcall"];
/** What is loaded: programs and none. */
const SOURCES = [
  ...["'return 1, ...'", "'return x'", "'x ='", "'local a = 1 return a + nil'", "'for'", "'return {1, 2'", "''"],
  ...[
    "'\\n\\nerror(\"inside\")'",
    "'return function() return ... end'",
    "'return 0x'",
    "'a b'",
    "'return \"x'",
    "'--[[x'",
  ],
  ...[
    "'if 1 then return 2 else return 3 end'",
    "'goto = 1'",
    "'break'",
    "'return -'",
    "'return [[x'",
    "'x = 1'",
    "' '",
  ],
];
const CHUNK_NAMES = ["", ", '@name'", ", '=name'", ", 'name'", ", 'two\\nlines'", ", '@'", ", ('long'):rep(30)"];
const FAILING_HANDLERS = [
  ...["nil", "5", "{}", "error", "assert", "str", "function(m) return m .. nil end", "function(m) return m end"],
  ...["function(m) error(m, 0) end", "function(m) return m.x.y end", "function(...) return ... end"],
];
const LEVELS = ["", "", "", ", 0", ", 1", ", 2", ", 3"];

export const FUNCTION_LEAVES: readonly Maker[] = [(w) => expression`${w.named(CALLED_BACK)}`];

function closure(w: Writer): Node {
  return w.mayDefine ? expression`function${w.routine()}` : expression`${w.named(CALLED_BACK)}`;
}

export const FUNCTIONS: readonly Maker[] = [...FUNCTION_LEAVES, ...often(5, [closure])];

/** A handler of errors. Those that fail do nothing else. */
function handler(w: Writer): Part {
  return w.once(3) ? w.named(FAILING_HANDLERS) : fixed`safe(${closure(w)})`;
}

function callee(w: Writer): string {
  return w.variable(w.once(6) ? "any" : "function") ?? w.named(BUILT_IN);
}

/** What fails, or gives what it is given. */
function errorCall(w: Writer): Node {
  switch (w.below(4)) {
    case 0:
      return expression`assert(${w.boolean()}, ${w.string()})`;
    case 1:
      return expression`assert(${w.any()}, ${w.any()})`;
    case 2:
      return w.isBare ? expression`error(${w.thrown()})` : expression`error({err = ${w.any()}, x = ${w.any()}})`;
    default:
      return expression`error(${w.thrown()}${w.of(LEVELS)})`;
  }
}

/** Calls, whose values may be several. */
export const CALLS: readonly Maker[] = [
  ...often(3, [
    (w) => expression`${callee(w)}(${w.gap()}${w.values(3)})`,
    (w) => expression`pcall(${closure(w)}, ${w.any()})`,
  ]),
  (w) => expression`${w.named(BUILT_IN)}(${w.values(3)})`,
  (w) => expression`(${closure(w)})(${w.values(2)})`,
  (w) => expression`pcall(${w.named(BUILT_IN)}, ${w.any()}, ${w.any()})`,
  (w) => expression`xpcall(${closure(w)}, ${handler(w)})`,
  (w) => expression`select(${w.of(["1", "2", "-1", "'#'", "0", "99"])}, ${w.any()}, ${w.any()})`,
  (w) => w.hasVarargs ? expression`...` : expression`select(2, 1, ${w.any()})`,
  (w) => w.hasVarargs ? expression`select(${w.of(["1", "2", "-1", "'#'"])}, ...)` : expression`nil`,
  (w) => expression`${w.variable("record") ?? "ARGV"}:${field(w)}(${w.values(2)})`,
  (w) => expression`${w.variable("record") ?? "ARGV"}.${field(w)}(${w.values(2)})`,
  errorCall,
];

function coroutineStatement(w: Writer): Node {
  const name = w.of(["co", "co2"]);
  const body = fixed`function${w.routine(5)}`;
  const resumed = w.some(1, 4, () => w.shown(`coroutine.resume(${name}${w.of(["", ", 1, 'r'"])})`));
  return statement`do local ${name} = coroutine.create(${body})\n${lines(resumed)}\no(coroutine.status(${name})) end`;
}

function wrapStatement(w: Writer): Node {
  const wrapped = fixed`coroutine.wrap(function${w.routine(5)})`;
  return w.once(2)
    ? statement`for v, x in ${wrapped} do tick() o(v, x) end`
    : statement`do local wrapped = ${wrapped}\no(pcall(wrapped, ${w.any()}), wrapped(), pcall(wrapped)) end`;
}

export const YIELDS: readonly Maker[] = [
  (w) => expression`coroutine.yield(${w.values(2)})`,
  (w) => expression`(coroutine.yield(${w.any()}))`,
];

export const FUNCTION_STATEMENTS: readonly Maker[] = [
  ...often(4, [
    (w) => w.mayDefine ? statement`o(pcall(function${w.routine(4)}))` : w.shown(w.any()),
    (w) => {
      if (!w.mayDefine) return w.shown(w.any());
      // The name is known within the function, unless that is a local's own.
      const routine = w.routine(4);
      return statement`local function ${w.declare("function")}${routine}`;
    },
  ]),
  (w) => statement`${callee(w)}(${w.values(3)})`,
  (w) => w.shown(fixed`(${closure(w)})(${w.values(2)})`),
  (w) => {
    const name = w.variable("record");
    if (name === undefined || !w.mayDefine) return w.shown(w.any());
    return statement`function ${name}${w.of([".", ":"])}${field(w)}${w.routine()}`;
  },
  (w) => w.mayDefine ? statement`o(xpcall(function${w.routine(4)}, ${handler(w)}))` : w.shown(w.any()),
  (w) => w.mayDefine ? coroutineStatement(w) : w.shown(w.any()),
  (w) => w.mayDefine ? wrapStatement(w) : w.shown(w.any()),
  (w) => statement`if ${w.boolean()} then ${errorCall(w)} end`,
  (w) =>
    statement`do local loaded, problem = loadstring(${w.of(SOURCES)}${
      w.of(CHUNK_NAMES)
    })\no(loaded and {pcall(loaded, 7)}, problem) end`,
];
