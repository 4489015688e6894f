/** Statements of the language itself: locals, assignments, branches and loops. */

import { expression, fixed, lines, type Node, statement } from "../tree.ts";
import { type Kind, KINDS, type Maker, often, type Writer } from "../writer.ts";
import { SEARCH_LOOP } from "./strings.ts";

function local(w: Writer): Node {
  const kind = w.of<Kind>([...KINDS, "any"]);
  const value = w.expression(kind);
  // One that fails does not end the program, mostly.
  return w.once(3)
    ? statement`local ${w.declare(kind)} = ${value}`
    : statement`local _, ${w.declare(kind)} = ${w.caught(value)}`;
}

function locals(w: Writer): Node {
  const values = w.values(3);
  const names = w.some(2, 3, () => w.declare("any"));
  return statement`local ${names.join(", ")}${values.parts.length === 0 ? "" : fixed` = ${values}`}`;
}

function assignment(w: Writer): Node {
  const name = w.variable("any");
  return name === undefined ? local(w) : statement`${name} = ${w.expression(w.kindOf(name))}`;
}

/** Two at once: all is evaluated before any is assigned. */
function assignments(w: Writer): Node {
  const [one, other] = [w.variable("any"), w.variable("record")];
  if (one === undefined) return locals(w);
  const target = other === undefined || w.once(3) ? w.variable("any") : `${other}.${w.of(["x", "y"])}`;
  return statement`${one}, ${target ?? one} = ${w.any()}, ${w.any()}`;
}

function branch(w: Writer): Node {
  const middle = w.once(4) ? fixed`elseif ${w.boolean()} then${w.block(2)}` : "";
  const end = w.once(2) ? fixed`else${w.block(2)}` : "";
  return statement`if ${w.once(4) ? w.any() : w.boolean()} then${w.block(3)}${middle}${end}end`;
}

function numericFor(w: Writer): Node {
  const bounds = w.of([
    "1, 3",
    "0, 4",
    "3, 1, -1",
    "1, 2, 0.5",
    "1, 0",
    "-1, 1",
    "1, 3, 2",
    "5, 1, -2",
    "0.1, 0.5, 0.1",
    "'1', 2",
  ]);
  const odd = fixed`${w.number()}, ${w.number()}, ${w.of(["1", "-1", "0.3", "0", "1e300", "nil"])}`;
  const at = w.once(6) ? odd : bounds;
  return statement`for i = ${at} do${w.loop(3, () => w.declareAs("i", "number"))}end`;
}

function indexLoop(w: Writer): Node {
  const array = w.array();
  return statement`for k, v in ipairs(${array}) do${
    w.loop(3, () => {
      w.declareAs("k", "number");
      w.declareAs("v", "any");
    })
  }end`;
}

/** Over all of a table, in an order that is its own: only what does not depend on it is done. */
function entryLoop(w: Writer): Node {
  const table = w.once(2) ? w.record() : w.array();
  return statement`do local entries, sum = 0, 0
for k, v in ${
    w.of(["pairs(", "next, ("])
  }${table}) do tick() entries = entries + 1 sum = sum + (tonumber(v) or #type(v)) end
o(entries, sum) end`;
}

function searchLoop(w: Writer): Node {
  const search = SEARCH_LOOP(w);
  return statement`for v, x in ${search} do${w.loop(2, () => w.declareAs("v", "any"))}o(v, x) end`;
}

function whileLoop(w: Writer): Node {
  return statement`do local n = 0 while n < ${w.of(["1", "3", "5"])} do n = n + 1${w.loop(3)}end end`;
}

/** Its condition sees the names of its body. */
function repeatLoop(w: Writer): Node {
  return statement`do local n = 0 repeat n = n + 1 local done = ${w.any()}${w.loop(2)}until n >= 3 or done end`;
}

/** Closures of a loop, each with a variable of its own. */
function closureLoop(w: Writer): Node {
  const change = w.of(["kept = kept + i", "i = i * 2", "kept = i"]);
  return statement`do local made = {}
for i = 1, 3 do local kept = i made[i] = function(x) tick() ${change} return i, kept, x end end
o(made[1](), made[2](${w.any()}), made[1](), pcall(made[3])) end`;
}

/** All ways to be left. */
function exit(w: Writer): Node {
  if (w.isInLoop && w.once(2)) return statement`if ${w.boolean()} then break end`;
  return statement`if ${w.boolean()} then return ${w.values(2)} end`;
}

function nested(w: Writer): Node {
  return statement`do${w.block(3)}end`;
}

const NESTING: readonly Maker[] = [
  ...often(2, [branch, branch, numericFor, indexLoop, entryLoop, whileLoop]),
  searchLoop,
  repeatLoop,
  closureLoop,
  nested,
];

export const STATEMENTS: readonly Maker[] = [
  ...often(4, [local, (w) => w.shown(w.values(3))]),
  ...often(2, [locals, assignment, exit]),
  assignments,
  ...often(4, [(w) => w.mayNest ? w.of(NESTING)(w) : w.shown(w.any())]),
  // A global that is not there, and one that is to be: scripts have neither.
  (w) => w.once(5) ? lines([w.shown(expression`${w.of(["nowhere", "print", "x.y"])}`)]) : w.shown(w.any()),
  (w) => w.once(5) ? statement`${w.of(["somewhere", "string", "KEYS"])} = ${w.any()}` : w.shown(w.any()),
];
