import { test } from "node:test";
import assert from "node:assert/strict";
import { LibraryError } from "../../../lib/scripting/lua/errors.ts";
import { patternOf, patternWithoutAnchor, Search } from "../../../lib/scripting/lua/patterns.ts";

/** The place of the first match, from 0, and its captures; null if there is none. */
function search(subject: string, pattern: string, from = 0): unknown[] | null {
  const found = new Search(patternOf(pattern), subject);
  if (!found.next(from)) return null;
  return [found.start, found.end, ...pattern.includes("(") ? found.captures([]) : []];
}

/** The text of the first match. */
function matched(subject: string, pattern: string): string | null {
  const found = new Search(patternOf(pattern), subject);
  return found.next(0) ? found.whole() : null;
}

function failing(subject: string, pattern: string): string {
  try {
    search(subject, pattern);
  } catch (error) {
    if (error instanceof LibraryError) return error.message;
    throw error;
  }
  throw new Error(`${pattern} has no fault`);
}

/** All characters that a pattern matches. */
function charactersOf(pattern: string): string {
  let all = "";
  for (let code = 0; code < 256; code++) {
    const character = String.fromCharCode(code);
    if (matched(character, pattern) === character) all += character;
  }
  return all;
}

const LOWER = "abcdefghijklmnopqrstuvwxyz";
const UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DIGITS = "0123456789";

test("classes are those of the C locale", () => {
  assert.equal(charactersOf("%a"), UPPER + LOWER);
  assert.equal(charactersOf("%d"), DIGITS);
  assert.equal(charactersOf("%l"), LOWER);
  assert.equal(charactersOf("%p"), "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~");
  assert.equal(charactersOf("%s"), "\t\n\v\f\r ");
  assert.equal(charactersOf("%u"), UPPER);
  assert.equal(charactersOf("%w"), DIGITS + UPPER + LOWER);
  assert.equal(charactersOf("%x"), `${DIGITS}ABCDEFabcdef`);
  assert.equal(charactersOf("%z"), "\0");
  assert.equal(charactersOf("%c").length, 33);
  assert.equal(charactersOf(".").length, 256);
});

test("a class in upper case is all other characters", () => {
  for (const name of "acdlpsuwxz") {
    const inside = charactersOf(`%${name}`);
    const outside = charactersOf(`%${name.toUpperCase()}`);
    assert.equal(inside.length + outside.length, 256, name);
    for (const character of outside) assert.ok(!inside.includes(character), name);
  }
});

test("behind a percent sign what is no class stands for itself", () => {
  assert.equal(charactersOf("%."), ".");
  assert.equal(charactersOf("%%"), "%");
  assert.equal(charactersOf("%y"), "y");
  assert.equal(charactersOf("%Y"), "Y");
  assert.equal(charactersOf("%\xe9"), "\xe9");
});

test("sets have characters, ranges and classes, or what is none of them", () => {
  const cases: [pattern: string, characters: string][] = [
    ["[abc]", "abc"],
    ["[a-e]", "abcde"],
    ["[e-a]", ""],
    ["[%d.]", `.${DIGITS}`],
    ["[]]", "]"],
    ["[]-a]", "]^_`a"],
    ["[a^]", "^a"],
    ["[a-]", "-a"],
    ["[--0]", "-./0"],
    ["[+--]", "+,-"],
    ["[%]]", "]"],
    ["[%a-z]", `-${UPPER}${LOWER}`],
    ["[a-%d]", "d"],
    ["[!-%%]", '!"#$%]'],
    ["[\xfe-\xff]", "\xfe\xff"],
  ];
  for (const [pattern, characters] of cases) assert.equal(charactersOf(pattern), characters, pattern);
  assert.equal(charactersOf("[^%z\x02-\xff]"), "\x01");
  assert.equal(charactersOf("[^]\x01-\\^-\xff]"), "\0");
});

test("repetitions take as much as they may, or as little, and give back what others need", () => {
  const cases: [subject: string, pattern: string, match: string | null][] = [
    ["aaab", "a*", "aaa"],
    ["aaab", "a-", ""],
    ["aaab", "a-b", "aaab"],
    ["aaab", "a+b", "aaab"],
    ["b", "a+b", null],
    ["b", "a*b", "b"],
    ["aab", "a?b", "ab"],
    ["aaa", "a*a", "aaa"],
    ["aaa", "a+a+a", "aaa"],
    ["aaa", "a+a+a+a", null],
    ["abcabc", ".*b", "abcab"],
    ["abcabc", ".-b", "ab"],
    ["abcabc", ".-bc$", "abcabc"],
    ["a1b22", "%a%d+$", "b22"],
    ["  x y  ", "^%s*(.-)%s*$", "  x y  "],
    ["ab", "%a*%a*%a", "ab"],
    ["aXb", "a%a-b", "aXb"],
    ["a1b", "a%a-b", null],
    ["xyz", "x?y?z?", "xyz"],
    ["[tag]", "%[[^%]]*%]", "[tag]"],
  ];
  for (const [subject, pattern, match] of cases) {
    assert.equal(matched(subject, pattern), match, `${subject} ${pattern}`);
  }
});

test("signs that repeat nothing stand for themselves", () => {
  assert.deepEqual(search("*a", "*a"), [0, 2]);
  assert.deepEqual(search("*", "^*"), [0, 1]);
  assert.deepEqual(search("aa*", "a**"), [0, 3]);
  assert.deepEqual(search("a?b", "(a)?b"), [0, 3, "a"]);
  assert.deepEqual(search("a$$", "$*$"), [1, 3]);
  assert.deepEqual(search("a^b", "a^b"), [0, 3]);
  assert.deepEqual(search("a]", "a]"), [0, 2]);
});

test("anchors hold a match to the start or to the end", () => {
  assert.deepEqual(search("aba", "^a"), [0, 1]);
  assert.equal(search("ba", "^a"), null);
  assert.deepEqual(search("ba", "^a", 1), [1, 2]);
  assert.deepEqual(search("aba", "a$"), [2, 3]);
  assert.deepEqual(search("", "^$"), [0, 0]);
  assert.deepEqual(search("abc", "$"), [3, 3]);
  assert.equal(new Search(patternWithoutAnchor("^a"), "a").next(0), false);
  assert.equal(new Search(patternWithoutAnchor("^a"), "b^a").next(0), true);
});

test("captures are texts and positions", () => {
  assert.deepEqual(search("key = value", "(%w+)%s*=%s*(%w+)"), [0, 11, "key", "value"]);
  assert.deepEqual(search("abc", "()b()"), [1, 2, 2, 3]);
  assert.deepEqual(search("abcd", "((a)(b(c)))"), [0, 3, "abc", "a", "bc", "c"]);
  assert.deepEqual(search("abc", "(x*)"), [0, 0, ""]);
  assert.deepEqual(search("aab", "(a-)(a*)b"), [0, 3, "", "aa"]);
  assert.deepEqual(search("xaab", "(a+)ab"), [1, 4, "a"]);
});

test("what was captured must come again for a back reference", () => {
  assert.deepEqual(search("abcabc", "(abc)%1"), [0, 6, "abc"]);
  assert.deepEqual(search("say 'it' or \"it's\"", "([\"']).-%1"), [4, 8, "'"]);
  assert.deepEqual(search("say 'it' or \"it's\"", "([\"']).-%1", 8), [12, 18, '"']);
  assert.deepEqual(search("xabab", "(%a+)%1"), [1, 5, "ab"]);
  assert.equal(search("abcab", "(abc)%1"), null);
  assert.equal(search("11", "()%1"), null);
});

test("balanced texts end where all is closed", () => {
  assert.equal(matched("f(a(b)c)d", "%b()"), "(a(b)c)");
  assert.equal(matched("f(a(b)c", "%b()"), "(b)");
  assert.equal(matched("(((", "%b()"), null);
  assert.equal(matched("aXbXX", "%bXX"), "XbX");
  assert.equal(matched("()x(y)", "%b()x%b()"), "()x(y)");
});

test("a frontier is where a set begins, with a character 0 around the subject", () => {
  assert.deepEqual(search("THE (quick) fox", "%f[%a]%a+%f[%A]", 2), [5, 10]);
  assert.deepEqual(search("a fox", "%f[%a]%a+%f[%z]"), [2, 5]);
  assert.deepEqual(search("abc", "%f[^%z]"), [0, 0]);
  assert.deepEqual(search("a\0b", "%f[%z]"), [1, 1]);
  assert.equal(search("", "%f[%a]"), null);
  assert.deepEqual(search("ab", "%f[%z]"), [2, 2]);
});

test("a pattern ends at a character 0", () => {
  assert.deepEqual(search("a\0b", "a\0c"), [0, 1]);
  assert.deepEqual(search("a\0b", "a%zb"), [0, 3]);
  assert.equal(failing("a", "[a\0]"), "malformed pattern (missing ']')");
});

test("what is wrong with a pattern is an error when a match gets there", () => {
  const cases: [pattern: string, message: string][] = [
    ["a%", "malformed pattern (ends with '%')"],
    ["a[", "malformed pattern (missing ']')"],
    ["a[]", "malformed pattern (missing ']')"],
    ["a[^]", "malformed pattern (missing ']')"],
    ["a[%", "malformed pattern (missing ']')"],
    ["a[a-%]", "malformed pattern (missing ']')"],
    ["a(", "unfinished capture"],
    ["(a", "unfinished capture"],
    ["(()a", "unfinished capture"],
    ["a)", "invalid pattern capture"],
    ["(a))", "invalid pattern capture"],
    ["a%1", "invalid capture index"],
    ["(a)%2", "invalid capture index"],
    ["(a%1)", "invalid capture index"],
    ["a%0", "invalid capture index"],
    ["a%b", "unbalanced pattern"],
    ["a%bx", "unbalanced pattern"],
    ["a%f", "missing '[' after '%f' in pattern"],
    ["a%fa", "missing '[' after '%f' in pattern"],
    ["a%f[a", "malformed pattern (missing ']')"],
    [`a${"()".repeat(33)}`, "too many captures"],
  ];
  for (const [pattern, message] of cases) {
    assert.equal(failing("a", pattern), message, pattern);
    assert.equal(search("b", pattern), null, pattern);
  }
  assert.equal(search("a", `a${"()".repeat(32)}`)?.length, 34);
});

test("matches follow one another", () => {
  const found = new Search(patternOf("%d+"), "1, 22 and 333");
  const all: string[] = [];
  for (let from = 0; found.next(from); from = found.end) all.push(found.whole());
  assert.deepEqual(all, ["1", "22", "333"]);
  assert.equal(found.next(14), false);
});

test("long subjects and long patterns need no stack", () => {
  const long = "a".repeat(1_000_000);
  assert.deepEqual(search(long, "^(a-)$"), [0, 1_000_000, long]);
  assert.deepEqual(search(long, ".*"), [0, 1_000_000]);
  assert.equal(matched("a".repeat(4000), "a?".repeat(4000))?.length, 4000);
  assert.equal(matched(`${"(".repeat(400_000)}${")".repeat(400_000)}`, "%b()")?.length, 800_000);
});

test("a pattern that tries too many ways is given up", () => {
  const subject = "a".repeat(5000);
  for (const pattern of ["a*a*a*[b]", ".-.-.-[b]", "a?".repeat(20_000)]) {
    assert.equal(failing(subject, pattern), "pattern too complex", pattern.slice(0, 20));
  }
});

test("a text that must come somewhere spares all ways if it does not", () => {
  assert.equal(search("a".repeat(100_000), "a*a*a*b"), null);
  assert.equal(search("a".repeat(100_000), ".-x"), null);
});
