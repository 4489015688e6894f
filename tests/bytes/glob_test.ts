import { test } from "node:test";
import assert from "node:assert/strict";
import { globMatch, globMatchText } from "../../lib/bytes/glob.ts";

const CASES: readonly [pattern: string, text: string, matches: boolean][] = [
  ["", "", true],
  ["", "a", false],
  ["*", "", false],
  ["**", "", false],
  ["*", "anything", true],
  ["a*c", "abbbc", true],
  ["a*c", "abbbd", false],
  ["*a*b*", "xxaxxbxx", true],
  ["a?c", "abc", true],
  ["a?c", "ac", false],
  ["?", "", false],
  ["h[ae]llo", "hello", true],
  ["h[ae]llo", "hillo", false],
  ["h[^e]llo", "hallo", true],
  ["h[^e]llo", "hello", false],
  ["h[a-b]llo", "hbllo", true],
  ["h[b-a]llo", "hallo", true],
  ["h[a-b]llo", "hcllo", false],
  ["[\\]]", "]", true],
  ["[\\^a]", "^", true],
  ["[]]", "]", false],
  ["[abc", "b", true],
  ["[abc", "x", false],
  ["\\*", "*", true],
  ["\\*", "a", false],
  ["a\\", "a\\", true],
  ["\\a", "a", true],
  ["[a-", "-", true],
  ["x[", "x", false],
  ["\x00\xff*", "\x00\xffz", true],
  ["*ab", "aab", true],
  ["*aab*c", "aaabxaabyc", true],
];

test("globs match what Redis's globs match", () => {
  for (const [pattern, text, matches] of CASES) {
    assert.equal(globMatchText(pattern, text), matches, JSON.stringify([pattern, text]));
  }
});

test("the case is ignored only where that is asked for", () => {
  assert.equal(globMatchText("MaX*[A-C]", "maxiB", true), true);
  assert.equal(globMatchText("MaX*", "maxi"), false);
});

test("pattern and text are read where they lie", () => {
  const bytes = new TextEncoder().encode("zzb*dzzabcdzz");
  assert.equal(globMatch(bytes, 2, 3, bytes, 8, 3, false), true);
  assert.equal(globMatch(bytes, 2, 3, bytes, 7, 4, false), false);
});

/** The meaning of a glob spelled out, exponential and plainly right, for patterns of `*`, `?` and letters. */
function slowMatch(pattern: string, text: string): boolean {
  if (pattern === "") return text === "";
  if (pattern[0] === "*") {
    return slowMatch(pattern.slice(1), text) || (text !== "" && slowMatch(pattern, text.slice(1)));
  }
  return text !== "" && (pattern[0] === "?" || pattern[0] === text[0]) && slowMatch(pattern.slice(1), text.slice(1));
}

test("stars and question marks match as the definition says", () => {
  let state = 12345;
  const random = (below: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return (state >> 8) % below;
  };
  const word = (alphabet: string, length: number): string =>
    Array.from({ length }, () => alphabet[random(alphabet.length)]).join("");
  let matches = 0;
  for (let i = 0; i < 20000; i++) {
    const pattern = word("ab*?", random(7));
    const text = word("ab", random(9));
    const expected = text === "" ? pattern === "" : slowMatch(pattern, text);
    if (expected) matches++;
    assert.equal(globMatchText(pattern, text), expected, JSON.stringify([pattern, text]));
  }
  assert.ok(matches > 1000);
});

test("many stars take no exponential time", () => {
  assert.equal(globMatchText("a*".repeat(200) + "b", "a".repeat(2000)), false);
});

test("a pattern of more than a thousand stars matches nothing, as in Redis, but for one at the end", () => {
  assert.equal(globMatchText("*?".repeat(1000), "a".repeat(2000)), true);
  assert.equal(globMatchText("*?".repeat(1001), "a".repeat(2000)), false);
  assert.equal(globMatchText("*?".repeat(1000) + "*", "a".repeat(2000)), true);
});
