/**
 * The differential test: the same random commands for the server under test and for a real redis-server, whose replies
 * must be the same, byte for byte, in RESP2 and in RESP3, and whose data must have the same digest in the end.
 *
 * By hand, for longer: `DIFFERENTIAL_ROUNDS=1000 DIFFERENTIAL_SEED=1 deno test -A tests/interop/differential_test.ts`
 */

import assert from "node:assert/strict";
import process from "node:process";
import { afterEach, test } from "node:test";
import { ServerProcess } from "../integration/server_process.ts";
import { type Ports, type RoundOptions, runRound, thinOut } from "./differential/round.ts";
import { havePeers } from "./peers.ts";

const ROUNDS = Number(process.env.DIFFERENTIAL_ROUNDS ?? 12);
const FIRST_SEED = Number(process.env.DIFFERENTIAL_SEED ?? 1);
const STEPS = 2000;
/** Bytes of a reply that an error shows. */
const SHOWN_BYTES = 500;

const started: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((one) => one.stop()));
});

async function start(kind?: string): Promise<ServerProcess> {
  const args = ["--save", "", "--enable-debug-command", "yes"];
  const server = await ServerProcess.start(kind === undefined ? { args } : { kind, args });
  started.push(server);
  return server;
}

function show(bytes: string): string {
  return JSON.stringify(bytes.slice(0, SHOWN_BYTES));
}

/** What an error says: the difference, and the fewest commands that lead to it. */
async function report(ports: Ports, options: RoundOptions): Promise<string> {
  const thin = await thinOut(ports, options);
  const which = `seed ${options.seed}, RESP${options.protocol}`;
  if (thin === null) return `${which}: only when pipelined`;
  const [steps, { args, replies }] = thin;
  const commands = steps.map((step) => `  ${step.slice(0, SHOWN_BYTES)}`).join("\n");
  return `${which}, after\n${commands}\n${show(JSON.stringify(args))}\nhere:  ${show(replies[0])}\nredis: ${
    show(replies[1])
  }`;
}

for (const protocol of [2, 3] as const) {
  test(`random commands get the replies of redis-server, in RESP${protocol}`, async (context) => {
    if (!havePeers(context, "redis-server")) return;
    const [here, redis] = [await start(), await start("redis-server")];
    for (let seed = FIRST_SEED; seed < FIRST_SEED + ROUNDS; seed++) {
      const options = { seed, steps: STEPS, protocol };
      const difference = await runRound([here.port, redis.port], options);
      if (difference === null) continue;
      const { step, args, replies } = difference;
      const first = `step ${step}, ${show(JSON.stringify(args))}\nhere:  ${show(replies[0])}\nredis: ${
        show(replies[1])
      }`;
      assert.fail(`${first}\n${await report([here.port, redis.port], options)}`);
    }
  });
}
