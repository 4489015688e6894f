/** Numbers and truth values: arithmetic, comparisons, `math` and `bit`. */

import { expression, type Part } from "../tree.ts";
import { type Maker, often, type Writer } from "../writer.ts";

/**
 * Noughts are made as programs run: Lua's compiler takes all of a function for one constant, with the sign of the first,
 * be it one that it has reckoned itself.
 */
const LITERALS = [
  ..."tonumber('0') tonumber('-0') 1 2 3 4 5 7 10 16 31 32 33 100 255 256 1000 65535 0.1 0.5 1.5 2.5 1e15 1e16 1e100 1e308 1e-5 123456.789"
    .split(
      " ",
    ),
  ..."2147483647 2147483648 4294967295 4294967296 9007199254740991 9007199254740993 9223372036854775807 1e19".split(
    " ",
  ),
  ..."0x10 0xff .5 3. 1e+2 5e-324 -1 -2 (-3) (1/0) (-1/0) math.huge math.pi".split(" "),
];
/** As they are read by `tonumber`, or not. */
const NUMERALS = [
  "'10'",
  "' 5 '",
  "'0x1F'",
  "'1e1'",
  "'.5'",
  "'5.'",
  "''",
  "' '",
  "'x'",
  "'1x'",
  "'0x'",
  "'-7'",
  "'- 7'",
  "'1e'",
  "'inf'",
  "'1e400'",
  "'\\t8\\n'",
  "'1\\0'",
  "'+3'",
  "'0b1'",
  "'1_0'",
  "'zz'",
];
const ARITHMETIC = ["+", "-", "*", "/", "%", "^", "+", "-", "*"];
const COMPARISONS = ["==", "~=", "<", "<=", ">", ">="];
const ROUNDING = ["floor", "ceil", "abs", "sqrt", "modf", "frexp", "deg", "rad"];
/** What they give is rounded, as libraries differ in the last bit. */
const TRANSCENDENTAL = ["sin", "cos", "tan", "exp", "log", "log10", "atan", "sinh", "tanh"];
const BITS_OF_TWO = ["band", "bor", "bxor", "lshift", "rshift", "arshift", "rol", "ror"];
const BITS_OF_ONE = ["bnot", "tobit", "bswap"];

function literal(w: Writer) {
  return expression`${w.of(LITERALS)}`;
}

function operand(w: Writer): Part {
  return w.once(12) ? w.of(NUMERALS) : w.once(6) ? w.any() : w.number();
}

export const NUMBER_LEAVES: readonly Maker[] = [
  literal,
  literal,
  literal,
  (w) => expression`tonumber(${w.of(NUMERALS)})`,
  (w) => expression`${w.of(NUMERALS)} + 0`,
];

export const NUMBERS: readonly Maker[] = [
  ...NUMBER_LEAVES,
  ...often(4, [
    (w) => expression`${operand(w)}${w.gap()}${w.of(ARITHMETIC)}${w.gap()}${operand(w)}`,
    (w) => expression`(${w.number()} ${w.of(ARITHMETIC)} ${w.number()})`,
  ]),
  ...often(2, [
    (w) => expression`-${w.once(2) ? " " : ""}(${w.number()})`,
    (w) => expression`(${w.number()})`,
    (w) => expression`#${w.variable("array") ?? "'abc'"}`,
    (w) => expression`#${w.variable("string") ?? "''"}`,
    (w) => expression`#(${w.any()})`,
    (w) => expression`(${w.boolean()} and ${w.number()} or ${w.number()})`,
    (w) => expression`select('#'${w.once(2) && w.hasVarargs ? ", ..." : ""}, ${w.any()})`,
  ]),
  (w) => expression`math.${w.of(ROUNDING)}(${operand(w)})`,
  (w) => expression`string.format('%.6g', number(math.${w.of(TRANSCENDENTAL)}(${operand(w)})))`,
  (w) => expression`math.${w.of(["max", "min"])}(${operand(w)}, ${operand(w)}${w.once(3) ? ", 3" : ""})`,
  (w) => expression`math.${w.of(["fmod", "mod", "ldexp"])}(${operand(w)}, ${operand(w)})`,
  (w) => expression`math.random(${w.of(["", "10", "5, 6", "0", "2, 1", "-5, 5", "1e6"])})`,
  (w) => expression`tonumber(${operand(w)})`,
  (w) =>
    expression`tonumber(${w.once(2) ? w.string() : w.of(NUMERALS)}, ${w.of(["2", "8", "10", "16", "36", "1", "37"])})`,
  (w) => expression`bit.${w.of(BITS_OF_TWO)}(${operand(w)}, ${operand(w)})`,
  (w) => expression`bit.${w.of(BITS_OF_ONE)}(${operand(w)})`,
  (w) => expression`string.len(number(${operand(w)}))`, // the sign of NaN is each engine's own
  (w) => expression`string.byte(${w.string()}, ${w.of(["1", "-1", "2", "0", "99"])})`,
  (w) => expression`(string.find(${w.string()}, ${w.string()}, ${w.of(["1", "-2", "3", "99"])}, true))`,
];

export const BOOLEAN_LEAVES: readonly Maker[] = [
  (w) => expression`${w.of(["true", "false"])}`,
  (w) => expression`${w.variable("any") ?? "nil"} == nil`,
];

export const BOOLEANS: readonly Maker[] = [
  ...BOOLEAN_LEAVES,
  ...often(2, [
    (w) => expression`${w.number()} ${w.of(COMPARISONS)} ${w.number()}`,
    (w) => expression`${w.string()} ${w.of(COMPARISONS)} ${w.string()}`,
    (w) => expression`${w.any()} ${w.of(["==", "~=", "==", "<"])} ${w.any()}`,
    (w) => expression`not ${w.any()}`,
    (w) => expression`(${w.boolean()}${w.gap()}${w.of(["and", "or"])} ${w.boolean()})`,
  ]),
  (w) => expression`rawequal(${w.any()}, ${w.any()})`,
  (w) => expression`type(${w.any()}) == '${w.of(["number", "string", "table", "function", "nil"])}'`,
];
