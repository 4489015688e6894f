import assert from "node:assert/strict";
import { test } from "node:test";
import { Int32Stack } from "../../lib/bytes/int32_stack.ts";

test("what was pushed last is on top, however many there are", () => {
  const stack = new Int32Stack();
  const model: number[] = [];
  for (const [pushed, popped] of [[3, 1], [100, 50], [100_000, 99_000], [20, 1000], [40_000, 40_000], [16, 16 + 72]]) {
    for (let i = 0; i < pushed; i++) {
      const value = (model.length * 2654435761) | 0;
      stack.push(value);
      model.push(value);
    }
    for (let i = 0; i < popped && model.length > 0; i++) {
      assert.equal(stack.top, model.at(-1));
      assert.equal(stack.pop(), model.pop());
    }
    assert.equal(stack.length, model.length);
  }
});
