import { test } from "node:test";
import assert from "node:assert/strict";
import { decodeLatin1, encodeLatin1 } from "../../lib/bytes/latin1.ts";
import { splitArguments } from "../../lib/bytes/quoting.ts";

function split(line: string): string[] | null {
  const bytes = encodeLatin1(`"${line}`);
  return splitArguments(bytes, 1, bytes.length)?.map((arg) => decodeLatin1(arg)) ?? null;
}

test("a line is split at white space, quotes kept together", () => {
  const cases: [string, string[]][] = [
    ["", []],
    ["  \t ", []],
    ["set k v", ["set", "k", "v"]],
    ["  a   b\t", ["a", "b"]],
    ['"a b" c', ["a b", "c"]],
    ["\"\" ''", ["", ""]],
    [String.raw`"\x00\xfF\n\r\t\b\a\\\"\q"`, ['\0\xff\n\r\t\b\x07\\"q']],
    [String.raw`"\xZZ"`, ["xZZ"]],
    [String.raw`'a\'b\n"'`, [String.raw`a'b\n"`]],
    ['foo"bar"', ["foobar"]],
    ["\xe9\xff", ["\xe9\xff"]],
  ];
  for (const [line, args] of cases) assert.deepEqual(split(line), args, line);
});

test("quotes that are not closed, or closed before a character, are refused", () => {
  for (const line of ['"a', "'a", 'a "b', '"a"b', "'a'b", '"a\\"', "'a\\'"]) assert.equal(split(line), null, line);
});
