/** CPU per delivered message of PUBLISH to many subscribers. */

import type { Socket } from "node:net";
import { cpuMicrosecondsSince, cpuOf, encode, median, open, pipeline, type Target } from "./targets.ts";

const SUBSCRIBERS = 50;
const MESSAGES = 40_000;
const DEPTH = 16;
const CHANNEL = "channel:bench";

/** Publishes in pipelines of 16 until all messages have been delivered; CPU of the server per delivery, in µs. */
async function run(target: Target): Promise<number> {
  const subscribers: Socket[] = [];
  let received = 0;
  for (let i = 0; i < SUBSCRIBERS; i++) {
    const socket = await open(target.port);
    socket.on("data", (chunk: Uint8Array) => received += chunk.length);
    socket.write(encode("SUBSCRIBE", CHANNEL));
    subscribers.push(socket);
  }
  const confirmation = encode("subscribe", CHANNEL).length - "$1\r\n".length;
  const payload = "0123456789abcdef";
  const message = encode("message", CHANNEL, payload).length;
  while (received < confirmation) await new Promise((resolve) => setTimeout(resolve, 20));
  await new Promise((resolve) => setTimeout(resolve, 200));
  received = 0;
  const before = cpuOf(target.pid);
  const publisher = await open(target.port);
  let lines = 0;
  let wake = () => {};
  publisher.on("data", (chunk: Uint8Array) => {
    for (const byte of chunk) if (byte === 10) lines++;
    wake();
  });
  const batch = encode("PUBLISH", CHANNEL, payload).repeat(DEPTH);
  for (let sent = DEPTH; sent <= MESSAGES; sent += DEPTH) {
    publisher.write(batch);
    while (lines < sent) await new Promise<void>((resolve) => wake = resolve);
  }
  while (received < message * MESSAGES * SUBSCRIBERS) await new Promise((resolve) => setTimeout(resolve, 5));
  const cost = cpuMicrosecondsSince(before, target.pid) / (MESSAGES * SUBSCRIBERS);
  for (const socket of [publisher, ...subscribers]) socket.destroy();
  return cost;
}

export async function pubsub(targets: readonly Target[], rounds: number): Promise<void> {
  console.log(`\n| server | CPU µs per message delivered to ${SUBSCRIBERS} subscribers (-P ${DEPTH}) | ratio |`);
  console.log(`|---|---|---|`);
  for (const target of targets) await pipeline(target.port, 20_000, () => encode("PUBLISH", "none", "x")); // warm up
  const costs: number[][] = targets.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, target] of targets.entries()) costs[i].push(await run(target));
  }
  for (const [i, { name }] of targets.entries()) {
    const ratio = median(costs[i].map((cost, round) => cost / costs[0][round]));
    console.log(`| ${name} | ${median(costs[i]).toFixed(3)} | ${ratio.toFixed(2)} |`);
  }
}
