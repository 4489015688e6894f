/**
 * Clients that block: what an element costs that goes from one producer to one of many consumers of a key, and what
 * clients cost that wait while nothing happens.
 */

import type { Socket } from "node:net";
import { ReplyCounter } from "./replies.ts";
import {
  call,
  cpuMicrosecondsSince,
  cpuOf,
  encode,
  info,
  median,
  open,
  pipeline,
  residentBytes,
  sleep,
  type Target,
} from "./targets.ts";

const CONSUMERS = 1000;
/** Elements of a round, and how many the producer has on their way at once. */
const ELEMENTS = 50_000;
const AT_ONCE = 100;
/** How long blocked clients are watched, in ms. */
const WATCHED_MS = 10_000;
const OPENED_AT_ONCE = 200;
const QUEUE = "queue";

/** Opens connections that each send a request at once. */
async function openMany(port: number, count: number, request: (i: number) => string): Promise<Socket[]> {
  const sockets: Socket[] = [];
  while (sockets.length < count) {
    const wave = Math.min(OPENED_AT_ONCE, count - sockets.length);
    sockets.push(...await Promise.all(Array.from({ length: wave }, () => open(port))));
  }
  for (const [i, socket] of sockets.entries()) socket.write(request(i));
  while (Number(await info(port, "blocked_clients")) < count) await sleep(20);
  return sockets;
}

/** CPU of the server, in µs, for an element that a producer pushes and one of the consumers gets. */
async function produce({ port, pid }: Target): Promise<number> {
  const request = encode("BLPOP", QUEUE, "0");
  let taken = 0;
  let wake = () => {};
  const consumers = await openMany(port, CONSUMERS, () => request);
  for (const socket of consumers) {
    const counter = new ReplyCounter();
    socket.on("data", (chunk: Uint8Array) => {
      taken -= counter.replies;
      counter.read(chunk);
      taken += counter.replies;
      socket.write(request);
      wake();
    });
  }
  const producer = await open(port);
  producer.resume();
  const pushes = encode("RPUSH", QUEUE, "element").repeat(AT_ONCE);
  const before = cpuOf(pid);
  for (let pushed = 0; pushed < ELEMENTS; pushed += AT_ONCE) {
    producer.write(pushes);
    while (taken < pushed + AT_ONCE) await new Promise<void>((resolve) => wake = resolve);
  }
  const cost = cpuMicrosecondsSince(before, pid) / ELEMENTS;
  for (const socket of [producer, ...consumers]) socket.destroy();
  while (await info(port, "blocked_clients") !== "0") await sleep(20);
  await call(port, "DEL", QUEUE);
  return cost;
}

/** Prints both tables; ratios are against the first server. */
export async function blocked(targets: readonly Target[], connections: number, rounds: number): Promise<void> {
  console.log(`\n| server | CPU µs per element to one of ${CONSUMERS} clients in BLPOP | ratio |`);
  console.log(`|---|---|---|`);
  const costs: number[][] = targets.map(() => []);
  for (const target of targets) {
    await pipeline(target.port, ELEMENTS, () => encode("RPUSH", "warm", "element"));
    await produce(target); // compilers see it once before
  }
  for (let round = 0; round < rounds; round++) {
    for (const [i, target] of targets.entries()) costs[i].push(await produce(target));
  }
  for (const [i, { name }] of targets.entries()) {
    const ratio = median(costs[i].map((cost, round) => cost / costs[0][round]));
    console.log(`| ${name} | ${median(costs[i]).toFixed(2)} | ${ratio.toFixed(2)} |`);
  }

  console.log(`\n| server | ${connections} clients in BLPOP: KiB each | CPU ms per second | the same without them |`);
  console.log(`|---|---|---|---|`);
  for (const target of targets) {
    const { name, port, pid } = target;
    const rest = async () => {
      await sleep(1000);
      const before = cpuOf(pid);
      await sleep(WATCHED_MS);
      return cpuMicrosecondsSince(before, pid) / WATCHED_MS;
    };
    const alone = await rest();
    const before = residentBytes(pid);
    // A tenth of them share keys with others, and half have a timeout.
    const key = (i: number) => i % 10 === 0 ? "shared" : `key:${i}`;
    const sockets = await openMany(port, connections, (i) => encode("BLPOP", key(i), i % 2 === 0 ? "0" : "1000"));
    const cpu = await rest();
    const each = (residentBytes(pid) - before) / connections / 1024;
    console.log(`| ${name} | ${each.toFixed(1)} | ${cpu.toFixed(1)} | ${alone.toFixed(1)} |`);
    for (const socket of sockets) socket.destroy();
    await sleep(500);
  }
}
