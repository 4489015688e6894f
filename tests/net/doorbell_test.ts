/** The doorbell of the network on Deno; on Bun there is none. */

import assert from "node:assert/strict";
import { test } from "node:test";

const skip = !("Deno" in globalThis);

test("all that ring are called back, once, and may ring again", { skip }, async () => {
  const { Doorbell } = await import("../../lib/net/doorbell.ts");
  const doorbell = await Doorbell.open();
  assert.ok(doorbell);
  const called: string[] = [];
  await new Promise<void>((resolve) => {
    doorbell.ring(() => {
      called.push("a");
      doorbell.ring(() => {
        called.push("c");
        doorbell.ring(resolve);
      });
    });
    doorbell.ring(() => called.push("b"));
    assert.deepEqual(called, [], "not at once");
  });
  assert.deepEqual(called, ["a", "b", "c"]);
});

test("a doorbell that is cut off calls back all the same", { skip }, async () => {
  const { Doorbell } = await import("../../lib/net/doorbell.ts");
  const doorbell = await Doorbell.open();
  assert.ok(doorbell);
  const rung = new Promise<void>((resolve) => doorbell.ring(resolve));
  doorbell.close();
  await rung;
  for (let times = 0; times < 3; times++) await new Promise<void>((resolve) => doorbell.ring(resolve));
});
