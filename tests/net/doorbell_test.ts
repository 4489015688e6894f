/** The doorbell of the network on Deno; on Bun there is none. */

import assert from "node:assert/strict";
import { test } from "node:test";

test("all that ring are called back, once, and may ring again", { skip: !("Deno" in globalThis) }, async () => {
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
