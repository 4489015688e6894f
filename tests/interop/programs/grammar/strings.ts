/** Strings: literals, `string`, patterns and formats. */

import { expression, fixed, listed, type Node, type Part } from "../tree.ts";
import { type Maker, often, type Writer } from "../writer.ts";

const LITERALS = [
  ...["''", "'x'", '"ab"', "'abc'", "'10'", "'0x1f'", "' 5 '", "'hello world'", "'a,b,,c'", "'key=value, k2=v2'"],
  ...["'a\\0b'", "'\\255\\128\\n'", "'\\65\\066'", "[[long]]", "[==[\nl]]o]==]", "'%d%s'", "'(a(b)c)'", "'AbC 12 xY'"],
  ...["'\\\\'", "'\\''", '"\\\n"', "'THE (quick) fox'", "'aaa'", "'2024-01-31'", "'-12.5e3'", "'x y  z'"],
];

const CLASSES = [
  ..."acdlpsuwxzADSW".split("").map((letter) => `%${letter}`),
  ".",
  "a",
  "b",
  "[abc]",
  "[^a]",
  "[%w_]",
  "[a-c]",
  "[%d.]",
  "[]]",
  "[^%s,]",
  "%.",
  "%%",
  "=",
  ",",
  "l",
  "o",
];
const REPEATS = ["", "", "", "*", "+", "-", "?"];
const ODD_PIECES = [
  "%b()",
  "%f[%w]",
  "()",
  "^",
  "$",
  "%1",
  "[a-",
  "[",
  "%",
  "(",
  ")",
  "%f",
  "%b",
  "[^]",
  "[%a-z]",
  "\\0",
  "%2",
  "*",
];

const FLAGS = [
  "",
  "",
  "",
  "5",
  "-5",
  "05",
  ".3",
  "+",
  " ",
  "#",
  "8.2",
  "-8.2",
  ".0",
  "020",
  "+.1",
  "99",
  "100",
  ".100",
  "-05",
];
const CONVERSIONS = [..."dddiuoxXcsssqgfeEG%"];
/** Where C says nothing of other flags. */
const FLAGS_OF: Readonly<Record<string, readonly string[]>> = {
  c: ["", "", "5", "-5"],
  s: ["", "", "5", "-5", ".2"],
  q: [""],
};
const REPLACEMENTS = ["'<%0>'", "'%1'", "'%%'", "'x'", "''", "'%2'", "'%'", "'%a'", "{a='1', b=false, abc=2}", "{}"];
const CALLS_ON_STRINGS = [
  "len()",
  "upper()",
  "lower()",
  "reverse()",
  "sub(2)",
  "sub(-2, -1)",
  "sub(0)",
  "sub(2, 1)",
  "rep(2)",
  "byte(1, -1)",
];

/** A pattern as a literal: mostly one that is right. */
function pattern(w: Writer): string {
  const piece = () => w.once(12) ? w.of(ODD_PIECES) : w.of(CLASSES) + w.of(REPEATS);
  const captured = () => w.once(5) ? `(${w.some(0, 2, piece).join("")})` : piece();
  const text = w.some(1, 4, captured).join("");
  return `'${w.once(10) ? "^" : ""}${text}${w.once(10) ? "$" : ""}'`;
}

/** What a conversion is given. */
function formatted(w: Writer, conversion: string): Part {
  if ("sq".includes(conversion)) return w.string();
  return conversion === "c" ? w.of(["65", "0", "255"]) : fixed`number(${w.number()})`;
}

/** A format and what it is given, mostly what it wants. */
function format(w: Writer): Node {
  const values: Part[] = [];
  const pieces = w.some(1, 3, () => {
    const conversion = w.of(CONVERSIONS);
    if (conversion === "%") return "%%";
    if (!w.once(15)) values.push(formatted(w, conversion));
    return `%${w.of(FLAGS_OF[conversion] ?? FLAGS)}${conversion}`;
  });
  const text = pieces.join(w.of(["", " ", "|", "%%", "\\0"]));
  return expression`string.format('${text}'${listed(values.map((value) => fixed`, ${value}`), "")})`;
}

function replacement(w: Writer): Part {
  return w.once(3) ? w.function() : w.once(6) ? w.any() : w.of(REPLACEMENTS);
}

export const STRING_LEAVES: readonly Maker[] = [
  (w) => expression`${w.of(LITERALS)}`,
  (w) => expression`${w.of(LITERALS)}`,
  (w) => expression`${w.of(["KEYS[1]", "KEYS[2]", "ARGV[1]", "ARGV[2]", "ARGV[3]"])}`,
];

export const STRINGS: readonly Maker[] = [
  ...often(2, STRING_LEAVES),
  ...often(2, [
    (w) => expression`${w.string()} ..${w.gap()}${w.string()}`,
    (w) => expression`(${w.string()} .. number(${w.number()}) .. ${w.string()})`,
    (w) => expression`str(${w.any()})`,
    format,
    (w) => expression`string.gsub(${w.string()}, ${pattern(w)}, ${replacement(w)})`,
    (w) =>
      expression`(string.gsub(${w.string()}, ${pattern(w)}, ${replacement(w)}, ${
        w.of(["0", "1", "2", "-1", "nil", "'x'"])
      }))`,
    (w) => expression`string.match(${w.string()}, ${pattern(w)})`,
    (w) => expression`string.match(${w.string()}, ${pattern(w)}, ${w.of(["2", "-3", "0", "99", "1.5"])})`,
  ]),
  (w) => expression`string.sub(${w.string()}, ${w.of(["1", "2", "-1", "-3", "0", "1.5", "-99", "99"])}, ${w.number()})`,
  (w) => expression`string.rep(${w.string()}, ${w.of(["0", "1", "2", "3", "-1", "2.7"])})`,
  (w) => expression`string.${w.of(["upper", "lower", "reverse"])}(${w.string()})`,
  (w) => expression`string.char(${w.of(["65", "0, 255", "", "256", "-1", "97, 98, 'x'", "'65'"])})`,
  (w) => expression`(${w.string()}):${w.of(CALLS_ON_STRINGS)}`,
  (w) => expression`type(${w.any()})`,
  (w) => expression`table.concat(${w.array()}, ${w.string()})`,
  (w) => expression`table.concat(${w.array()}, ',', ${w.of(["1", "2", "3", "0"])}, ${w.of(["1", "2", "4", "-1"])})`,
];

/** What gives several values. */
export const SEARCHES: readonly Maker[] = [
  (w) => expression`string.find(${w.string()}, ${pattern(w)})`,
  (w) =>
    expression`string.find(${w.string()}, ${pattern(w)}, ${w.of(["1", "2", "-2", "0", "99"])}, ${
      w.of(["nil", "false", "true"])
    })`,
  (w) => expression`string.match(${w.string()}, ${pattern(w)})`,
  (w) => expression`string.gsub(${w.string()}, ${pattern(w)}, ${replacement(w)})`,
  (w) => expression`string.byte(${w.string()}, ${w.of(["1", "-2", "0"])}, ${w.of(["-1", "3", "99"])})`,
];

export const SEARCH_LOOP = (w: Writer): Node => fixed`string.gmatch(${w.string()}, ${pattern(w)})`;
