import { test } from "node:test";
import assert from "node:assert/strict";
import { quote } from "../../lib/bytes/quoting.ts";
import {
  formatMemory,
  isComment,
  parseCInteger,
  parseInteger,
  parseMemory,
  parseOctal,
  quoteIfNeeded,
  splitLine,
  trimLine,
  UNBALANCED,
} from "../../lib/config/syntax.ts";

test("a line splits into words with Redis's quoting", () => {
  assert.deepEqual(splitLine(`save 60 1`), ["save", "60", "1"]);
  assert.deepEqual(splitLine(`a "b c" 'd\\'e' "\\x41\\n\\"" ""`), ["a", "b c", "d'e", 'A\n"', ""]);
  assert.equal(splitLine(`a "b`), UNBALANCED);
  assert.equal(splitLine(`a "b"c`), UNBALANCED);
});

test("comments and blank lines say nothing", () => {
  assert.ok(isComment(trimLine("   # port 1 \r")));
  assert.ok(isComment(trimLine(" \t")));
  assert.ok(!isComment(trimLine(" port 1")));
});

test("quoting gives every byte back", () => {
  let all = "";
  for (let code = 0; code < 256; code++) all += String.fromCharCode(code);
  for (const word of [all, "", "a b", 'a"b', "a'b", "back\\slash", "plain", "#hash", "a#b", "\x00"]) {
    assert.deepEqual(splitLine(quote(word)), [word]);
    assert.deepEqual(splitLine(quoteIfNeeded(word)), [word]);
    assert.ok(!isComment(quoteIfNeeded(word)));
  }
  assert.equal(quoteIfNeeded("127.0.0.1"), "127.0.0.1");
});

test("sizes know Redis's units", () => {
  const sizes: [string, bigint | null][] = [
    ["0", 0n],
    ["100", 100n],
    ["1k", 1000n],
    ["1Kb", 1024n],
    ["2m", 2000000n],
    ["2MB", 2097152n],
    ["1g", 1000000000n],
    ["1GB", 1073741824n],
    ["5b", 5n],
    ["18446744073709551615", 2n ** 64n - 1n],
    ["99999999999999999999", 2n ** 64n - 1n],
    ["1t", null],
    ["-1", null],
    ["1 k", null],
    ["1.5k", null],
    ["kb", null],
  ];
  for (const [text, bytes] of sizes) assert.equal(parseMemory(text), bytes, text);
});

test("a size is written with the largest unit that divides it", () => {
  assert.equal(formatMemory(1073741824n), "1gb");
  assert.equal(formatMemory(1610612736n), "1536mb");
  assert.equal(formatMemory(3072n), "3kb");
  assert.equal(formatMemory(3000n), "3000");
  assert.equal(formatMemory(0n), "0");
});

test("integers are canonical decimals that an int64 holds", () => {
  assert.equal(parseInteger("9223372036854775807"), 2n ** 63n - 1n);
  assert.equal(parseInteger("-9223372036854775808"), -(2n ** 63n));
  for (const text of ["9223372036854775808", "01", "+1", "-0", "", " 1", "1 ", "0x1", "1.0", "--1"]) {
    assert.equal(parseInteger(text), null, text);
  }
  assert.equal(parseCInteger("0x10"), 16n);
  assert.equal(parseCInteger("010"), 8n);
  assert.equal(parseCInteger("-0x1"), -1n);
  assert.equal(parseCInteger("08"), null);
  assert.equal(parseOctal("777"), 0o777n);
  assert.equal(parseOctal("0700"), 0o700n);
  assert.equal(parseOctal("8"), null);
});
