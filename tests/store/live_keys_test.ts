/** Counting the keys that have not expired. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { unixMs } from "../../lib/runtime/clock.ts";
import { Keyspace } from "../../lib/store/keyspace.ts";
import { countLiveKeys } from "../../lib/store/live_keys.ts";
import { setString } from "../persistence/helpers.ts";

test("keys whose time has come do not count, in whichever database", async () => {
  const keyspace = new Keyspace(3);
  assert.equal(await countLiveKeys(keyspace), 0);
  const nowMs = unixMs();
  for (const [index, database] of keyspace.databases.entries()) {
    for (let i = 0; i < 1000; i++) {
      setString(database, `lasting:${i}`, "x");
      setString(database, `passing:${i}`, "x", nowMs + 1_000_000);
      if (index < 2) setString(database, `gone:${i}`, "x", nowMs - 1);
    }
  }
  assert.equal(await countLiveKeys(keyspace), 6000);
});
