/** Programs: what stands around what the grammar has made, and what is done to it so that it may be none. */

import { Random } from "../../integration/data_set.ts";
import { GRAMMAR } from "./grammar/grammar.ts";
import { reply } from "./grammar/redis_calls.ts";
import { fixed, type Node, textOf } from "./tree.ts";
import { Writer } from "./writer.ts";

export interface Program {
  readonly tree: Node;
  readonly keys: readonly string[];
  readonly args: readonly string[];
}

/** Calls and turns of loops in a program, after which it is over: fewer than calls that C makes may be nested in Redis. */
const MOST_TICKS = 60;

/** Functions that programs use, by name, in an order in which each uses those before it. */
const HELPERS: Readonly<Record<string, string>> = {
  // Random numbers go on from script to script.
  random: "math.randomseed(0)",
  // Without the addresses of tables.
  str: "local function str(v) if v ~= v then return 'nan' end return (string.gsub(tostring(v), '0x%x+', '0x')) end",
  // What is no table (see `Writer.thrown`).
  throw: "local function throw(v, level) if type(v) == 'table' then v = 'table' end error(v, level) end",
  // What is no number has a sign, when it becomes a text, that depends on the machine.
  number: "local function number(v) if v ~= v then return 0 end return v end",
  int: "local function int(v) if not (tonumber(v) and v * 0 == 0 and v + 0 < 1e9 and v + 0 > -1e9) then return 0 end " +
    "return math.floor(v) + 0 end",
  word: "local function word(v) if type(v) == 'number' then return int(v) end return v end",
  // Redis calls a handler that fails again, as often as its stack allows.
  safe: "local function safe(f) return function(...) local ok, v = pcall(f, ...) return v end end",
  swap: "local function swap(x, y) tick() return y, x end",
  count: "local function count(...) tick() return select('#', ...) end",
  // The keys of a table, whose order is a server's own.
  sorted: "local function sorted(t) local keys = {} if type(t) ~= 'table' then return keys end " +
    "for k in next, t do keys[#keys + 1] = str(k) end table.sort(keys) return keys end",
};

const ALWAYS = "local out, left = {}, " + MOST_TICKS + " local function tick() left = left - 1 " +
  "if left < 0 then error('enough', 0) end end " +
  "local function show(v, depth) local kind = type(v) " +
  "if kind == 'number' then return v ~= v and 'nan' or string.format('%.14g', v) end " +
  "if kind == 'string' then return '\"' .. v .. '\"' end if kind ~= 'table' then return kind == 'boolean' and tostring(v) or kind end " +
  "if depth > 2 then return '{}' end local shown = {} " +
  "for k, w in next, v do shown[#shown + 1] = show(k, depth + 1) .. '=' .. show(w, depth + 1) end " +
  "table.sort(shown) return '{' .. table.concat(shown, ',') .. '}' end " +
  "local function o(...) tick() local shown = {} for i = 1, select('#', ...) do shown[i] = show((select(i, ...)), 0) end " +
  "out[#out + 1] = table.concat(shown, ',') end";

/** One program in so many is spoilt; in so many, nothing catches what it throws. */
const PROGRAMS_PER_SPOILT = 12;
const PROGRAMS_PER_BARE = 5;
/** Words of a program, and white space; what it may have between or for them. */
const WORDS = /\s+|[A-Za-z_]\w*|\d[\w.]*|'(?:[^'\\\n]|\\[^])*'|"(?:[^"\\\n]|\\[^])*"|\.{2,3}|[=~<>]=|./gs;
const ODD_WORDS = "end do = ( ) local function nil .. , } ' return 5 x ]] -- ~ @ \\ 0x 1e until".split(" ");

const KEYS = ["k1", "k2"];
const ARGUMENTS = ["arg", "12", "", "a\0\xff", "-0x10", "1e3", "[1,2]", "k=v"];

/** The program of a seed. */
export function makeProgram(seed: number): Program {
  const random = new Random(Math.imul(seed + 1, 2654435761));
  random.below(1); // the first depends on the seed's last bits only
  const isBare = random.below(PROGRAMS_PER_BARE) === 0;
  const w = new Writer(random, GRAMMAR, isBare);
  const body = w.block(6);
  const value = reply(w);
  const written = isBare
    ? fixed`${body}return {table.concat(out, ' '), ${value}}`
    : fixed`local result = {pcall(function(...)${body}return ${value} end, 'z', 2, nil, {5})}
return {table.concat(out, ' '), show(result[1], 0), result[1] and result[2] or show(result[2], 0)}`;
  const tree = random.below(PROGRAMS_PER_SPOILT) === 0 ? fixed`${spoilt(w, textOf(written))}` : written;
  return {
    tree: fixed`${tree}`,
    keys: KEYS.slice(0, 2 - w.below(2) * w.below(2)),
    args: w.some(0, 3, () => w.of(ARGUMENTS)),
  };
}

/** A program's text, with the functions that it uses on its first line. */
export function sourceOf({ tree }: Program): string {
  const text = textOf(tree);
  const uses = (name: string, within: string) => new RegExp(`\\b${name}\\b`).test(within);
  let used = "";
  for (const [name, source] of Object.entries(HELPERS).reverse()) {
    if (uses(name, text) || uses(name, used)) used = ` ${source}${used}`;
  }
  return `${ALWAYS}${used}\n${text}`;
}

/** A text in which one word has gone, or stands twice, or elsewhere: mostly no program any more. */
function spoilt(w: Writer, text: string): string {
  const words: readonly string[] = text.match(WORDS) ?? [];
  const at = w.below(words.length);
  switch (w.below(4)) {
    case 0:
      return words.toSpliced(at, 1).join("");
    case 1:
      return words.toSpliced(at, 0, w.of(ODD_WORDS), " ").join("");
    case 2:
      return words.with(at, w.of(ODD_WORDS)).join("");
    default:
      return text.slice(0, w.below(text.length));
  }
}
