/** The longest common subsequence beside the table of Wagner and Fischer, along which Redis walks. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { longestCommonSubsequence, type Match } from "../../lib/commands/lcs.ts";
import { below, randomFrom } from "../store/support.ts";

const upTo = below(randomFrom(23));

function byTable(a: Uint8Array, b: Uint8Array): { bytes: number[]; matches: Match[] } {
  const cells = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      cells[i][j] = a[i - 1] === b[j - 1] ? cells[i - 1][j - 1] + 1 : Math.max(cells[i - 1][j], cells[i][j - 1]);
    }
  }
  const bytes: number[] = [];
  const matches: Match[] = [];
  let run = 0;
  let i = a.length;
  let j = b.length;
  const endRun = () => {
    if (run > 0) matches.push({ firstStart: i, secondStart: j, length: run });
    run = 0;
  };
  while (i > 0 && j > 0) {
    if (a[i - 1] === b[j - 1]) {
      bytes.unshift(a[i - 1]);
      run++;
      i--;
      j--;
    } else {
      endRun();
      if (cells[i - 1][j] > cells[i][j - 1]) i--;
      else j--;
    }
  }
  endRun();
  return { bytes, matches };
}

test("it is the one that the table leads to, at all lengths and with few letters or many", () => {
  for (let round = 0; round < 2000; round++) {
    const letters = [1, 2, 3, 8, 256][upTo(5)];
    const draw = () => Uint8Array.from({ length: upTo(upTo(2) === 0 ? 6 : 100) }, () => upTo(letters));
    const a = draw();
    const b = draw();
    const found = longestCommonSubsequence(a, b, Infinity);
    const expected = byTable(a, b);
    assert.deepEqual([...found?.bytes ?? []], expected.bytes);
    assert.deepEqual(found?.matches, expected.matches);
  }
});

test("strings whose table would be too large are refused", () => {
  const bytes = new Uint8Array(99);
  assert.equal(longestCommonSubsequence(bytes, bytes, 39_999), null);
  assert.equal(longestCommonSubsequence(bytes, bytes, 40_000)?.bytes.length, 99);
});
