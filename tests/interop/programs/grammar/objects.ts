/** Tables with metatables: every event, as functions and as tables. */

import { expression, fixed, listed, type Node, type Part, statement } from "../tree.ts";
import type { Maker, Writer } from "../writer.ts";
import { field } from "./tables.ts";

const OPERATORS = ["add", "sub", "mul", "div", "mod", "pow", "unm", "concat", "eq", "lt", "le", "call", "len"];

function handler(w: Writer): Part {
  return w.once(3) || !w.mayDefine
    ? w.named(["swap", "count", "str", "type", "error", "1", "{}"])
    : fixed`function${w.routine()}`;
}

/** A field of a metatable. */
function event(w: Writer): Node {
  switch (w.below(6)) {
    case 0:
      return fixed`__index = ${w.once(2) ? w.record() : handler(w)}`;
    case 1:
      return fixed`__newindex = ${w.of(["{}", "function(t, k, v) tick() rawset(t, k, v) end", "rawset"])}`;
    case 2:
      return fixed`__tostring = function(t) tick() return ${w.any()} end`;
    case 3:
      return fixed`__metatable = ${w.any()}`;
    default:
      return fixed`__${w.of(OPERATORS)} = ${handler(w)}`;
  }
}

function object(w: Writer): Node {
  return expression`setmetatable(${w.once(2) ? w.record() : w.array()}, {${
    listed(w.some(1, 4, () => event(w)), ", ")
  }})`;
}

/** What asks a metatable. */
function question(w: Writer, name: string): Node {
  switch (w.below(9)) {
    case 0:
      return fixed`${name} ${w.of([..."+-*/%^"])} ${w.any()}`;
    case 1:
      return fixed`${w.any()} ${w.of([..."+-*/%^"])} ${name}`;
    case 2:
      return fixed`${name} .. ${w.any()} .. ${name}`;
    case 3:
      return fixed`${name}(${w.values(2)})`;
    case 4:
      return fixed`${name}.${field(w)}, #${name}`;
    case 5:
      return fixed`-${name}, str(${name}), getmetatable(${name})`;
    case 6:
      return fixed`${name} ${w.of(["==", "~=", "<", "<=", ">", ">="])} ${name}`;
    case 7:
      return fixed`setmetatable(${name}, {})`;
    default:
      return fixed`${name}[${w.any()}]`;
  }
}

function objectStatement(w: Writer): Node {
  const name = w.of(["one", "other"]);
  const made = object(w);
  const asked = w.some(1, 3, () => statement`\no(pcall(function() return ${question(w, name)} end))`);
  return statement`do local ${name} = ${made}${listed(asked, "")} end`;
}

/** Two objects with one metatable, for what has to be the same in both. */
function pairStatement(w: Writer): Node {
  const events = listed(w.some(1, 3, () => event(w)), ", ");
  const operator = w.of(["==", "~=", "<", "<=", ">", ">=", "+", ".."]);
  return statement`do local meta = {${events}}
local one, other = setmetatable({}, meta), setmetatable(${w.record()}, meta)
o(pcall(function() return one ${operator} other, other ${w.of(["==", "<", "<=", ".."])} one end)) end`;
}

export const OBJECTS: readonly Maker[] = [object];
export const OBJECT_STATEMENTS: readonly Maker[] = [objectStatement, objectStatement, pairStatement];
