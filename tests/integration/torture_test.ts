/** What is written is there again, whatever befalls the process or the disk: a little of `deno task torture`. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { havePeers } from "../interop/peers.ts";
import { tortureChains } from "../torture/chains.ts";
import { compareChecks } from "../torture/checks.ts";
import { canMount, FULL_DISK } from "../torture/full_disk.ts";
import { torture } from "../torture/kills.ts";
import { IS_ORACLE, SERVER_UNDER_TEST } from "./server_process.ts";

const SEED = 20261127;

/** Runs a part of the torture; where it fails, the error has all that it told. */
async function telling(part: (tell: (line: string) => void) => Promise<unknown>): Promise<void> {
  const said: string[] = [];
  try {
    await part((line) => said.push(line));
  } catch (error) {
    throw new Error(`${error}\n${said.join("\n")}`);
  }
}

test("a server that is killed under load has all that it has acknowledged", { skip: IS_ORACLE }, async () => {
  await telling((tell) => torture({ kind: SERVER_UNDER_TEST, seed: SEED, kills: 8, tell }));
});

test("chains of tredis and redis-server agree after cuts, kills and promotions", async (context) => {
  if (!havePeers(context, "redis-server")) return;
  const brief = { trials: 2, events: 10 };
  await telling((tell) => tortureChains({ kind: SERVER_UNDER_TEST, seed: SEED, minutes: 0, brief, tell }));
});

for (const [what, scenario] of Object.entries(FULL_DISK)) {
  test(what, { skip: IS_ORACLE || !canMount() }, () => scenario(SERVER_UNDER_TEST));
}

const hasChecker = spawnSync("redis-check-aof", ["--version"], { stdio: "ignore" }).error === undefined;
test(
  "check-aof repairs what redis-check-aof does, to the same length",
  { skip: IS_ORACLE || !hasChecker },
  async () => {
    assert.ok(await compareChecks(SERVER_UNDER_TEST, SEED, 3) > 0);
  },
);
