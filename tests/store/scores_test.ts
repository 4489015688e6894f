/** Scores in listpacks: the very bytes that their shortest decimal makes, as Redis writes them. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { formatDouble } from "../../lib/bytes/doubles.ts";
import { Element, measureElement, writeElement } from "../../lib/store/listpack.ts";
import { measureScore, scoreOfElement, writeMeasuredScore } from "../../lib/store/types/scores.ts";
import { below, bytesOf, randomFrom } from "./support.ts";

function check(score: number): void {
  const text = bytesOf(formatDouble(score + 0));
  const expected = new Uint8Array(measureElement(text, 0, text.length));
  writeElement(expected, 0, text, 0, text.length);
  const written = new Uint8Array(measureScore(score));
  assert.equal(writeMeasuredScore(written, 0), written.length, String(score));
  assert.deepEqual(written, expected, String(score));
  const element = new Element();
  element.read(written, 0);
  assert.ok(Object.is(scoreOfElement(element), score + 0), String(score));
}

test("a score becomes the element that its shortest decimal makes, and is read back", () => {
  for (
    const score of [0, -0, Infinity, -Infinity, 0.1, -0.5, 3.25, 1e-7, -1.5e300, Number.MIN_VALUE, Number.MAX_VALUE]
  ) {
    check(score);
  }
  // About each size of an integer, and where integers are no longer taken as such.
  for (const bits of [7, 12, 13, 15, 16, 23, 24, 31, 32, 33, 47, 52, 53, 54, 61, 62, 63, 64, 80]) {
    for (const near of [-2, -1, 0, 1, 2]) for (const sign of [1, -1]) check(sign * (2 ** bits + near));
  }
  const random = randomFrom(5);
  const upTo = below(random);
  for (let i = 0; i < 3000; i++) {
    check(Math.floor((random() - 0.5) * 2 ** upTo(70)));
    check((random() - 0.5) * 10 ** (upTo(600) - 300));
    check((upTo(2_000_000) - 1_000_000) / 10 ** upTo(6));
  }
});
