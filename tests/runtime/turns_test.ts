/** The end of a turn: who is due is told to send, once, whatever others do. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { EndOfTurn } from "../../lib/runtime/turns.ts";

test("all that are due send once, at the end of the turn, and those added meanwhile too", () => {
  const scheduled: (() => void)[] = [];
  const endOfTurn = new EndOfTurn((run) => scheduled.push(run));
  const sent: string[] = [];
  const sender = (name: string, also?: () => void) => ({
    send: () => {
      sent.push(name);
      also?.();
    },
  });
  endOfTurn.add(sender("a", () => endOfTurn.add(sender("c"))));
  endOfTurn.add(sender("b"));
  assert.equal(scheduled.length, 1);
  scheduled.shift()?.();
  assert.deepEqual(sent, ["a", "b", "c"]);
  endOfTurn.add(sender("d"));
  assert.equal(scheduled.length, 1);
  scheduled.shift()?.();
  assert.deepEqual(sent, ["a", "b", "c", "d"]);
});

test("one that throws keeps nobody else from sending", () => {
  const scheduled: (() => void)[] = [];
  const endOfTurn = new EndOfTurn((run) => scheduled.push(run));
  const sent: string[] = [];
  endOfTurn.add({
    send: () => {
      throw new Error("no");
    },
  });
  endOfTurn.add({ send: () => sent.push("b") });
  assert.throws(() => scheduled.shift()?.());
  scheduled.shift()?.();
  assert.deepEqual(sent, ["b"]);
  assert.equal(scheduled.length, 0);
});
