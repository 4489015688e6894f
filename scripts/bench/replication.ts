/**
 * What replication costs: a primary, in CPU per SET and in memory, with no replica, with one and with several; a replica, in
 * CPU per SET of the stream; and how long a full synchronisation takes.
 */

import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { benchmark } from "./redis_benchmark.ts";
import {
  call,
  cpuMicrosecondsSince,
  cpuOf,
  empty,
  encode,
  info,
  median,
  pipeline,
  residentBytes,
  sleep,
  startAnother,
  type Target,
} from "./targets.ts";

const REPLICAS = [0, 1, 5] as const;
/** Requests in a pipeline, and how many are measured of them. */
const DEPTHS: readonly (readonly [depth: number, requests: number])[] = [[16, 400_000], [1, 60_000]];
const SET = ["SET", "key:__rand_int__", "0123456789abcdef"];
const VALUE = "0123456789abcdef";
/** A snapshot begins at once: nobody else is to share it. */
const PROMPT = ["repl-diskless-sync-delay", "0"] as const;
const STARTED_PROMPT = [`--${PROMPT[0]}`, PROMPT[1]];

/** `keys`: how many a full synchronisation brings. */
export async function replication(targets: readonly Target[], rounds: number, keys: number): Promise<void> {
  for (const { port } of targets) await call(port, "CONFIG", "SET", ...PROMPT);
  await primaries(targets, rounds);
  await replicas(targets, rounds);
  await fullSyncs(targets, keys);
}

/** Follows a server with so many replicas; the function returned ends them. */
async function follow(port: number, count: number): Promise<() => Promise<void>> {
  const worker = new Worker(new URL("./follower_worker.ts", import.meta.url), { workerData: { port, count } });
  await once(worker, "message");
  return async () => {
    worker.postMessage("stop");
    await once(worker, "message");
    await worker.terminate();
    while (await info(port, "connected_slaves") !== "0") await sleep(20);
  };
}

async function primaries(targets: readonly Target[], rounds: number): Promise<void> {
  console.log(`\n| primary, -P | replicas | server | CPU µs per SET | ratio | resident MB | ratio |`);
  console.log(`|---|---|---|---|---|---|---|`);
  for (const [depth, requests] of DEPTHS) {
    for (const count of REPLICAS) {
      const costs = targets.map((): number[] => []);
      const memory = targets.map(() => 0);
      for (let round = 0; round <= rounds; round++) {
        for (const [i, target] of targets.entries()) {
          const unfollow = count === 0 ? null : await follow(target.port, count);
          const { cpuPerRequest } = benchmark(target, SET, depth, requests);
          memory[i] = residentBytes(target.pid);
          await unfollow?.();
          if (round > 0) costs[i].push(cpuPerRequest); // the first compiles
        }
      }
      for (const [i, { name }] of targets.entries()) {
        const ratio = median(costs[i].map((cost, round) => cost / costs[0][round]));
        console.log(
          `| ${depth} | ${count} | ${name} | ${median(costs[i]).toFixed(2)} | ${ratio.toFixed(2)} | ` +
            `${megabytes(memory[i])} | ${(memory[i] / memory[0]).toFixed(2)} |`,
        );
      }
    }
  }
}

/** Each server in turn as the replica of one and the same, which is of the first kind. */
async function replicas(targets: readonly Target[], rounds: number): Promise<void> {
  console.log(`\n| replica, -P | server | CPU µs per SET | ratio |\n|---|---|---|---|`);
  const primary = await startAnother(targets[0].name, 0, STARTED_PROMPT);
  try {
    for (const [depth, requests] of DEPTHS) {
      const costs = targets.map((): number[] => []);
      for (let round = 0; round <= rounds; round++) {
        for (const [i, target] of targets.entries()) {
          await empty(primary.port);
          await synchronise(target, primary);
          const before = cpuOf(target.pid);
          benchmark(primary, SET, depth, requests);
          await untilAlike(target, primary);
          if (round > 0) costs[i].push(cpuMicrosecondsSince(before, target.pid) / requests);
          await call(target.port, "REPLICAOF", "NO", "ONE");
        }
      }
      for (const [i, { name }] of targets.entries()) {
        const ratio = median(costs[i].map((cost, round) => cost / costs[0][round]));
        console.log(`| ${depth} | ${name} | ${median(costs[i]).toFixed(2)} | ${ratio.toFixed(2)} |`);
      }
    }
  } finally {
    await primary.stop();
  }
}

/** How long it takes until a new replica has all of a primary of its kind, in ms. */
async function fullSyncs(targets: readonly Target[], keys: number): Promise<void> {
  console.log(`\n| full synchronisation of ${keys} keys | ms | ratio |\n|---|---|---|`);
  let first = 0;
  for (const { name } of targets) {
    const primary = await startAnother(name, 0, STARTED_PROMPT);
    const replica = await startAnother(name, 1);
    try {
      await pipeline(primary.port, keys, (key) => encode("SET", `key:${key}`, VALUE));
      const startMs = performance.now();
      await synchronise(replica, primary);
      const ms = performance.now() - startMs;
      if (first === 0) first = ms;
      console.log(`| ${name} | ${ms.toFixed(0)} | ${(ms / first).toFixed(2)} |`);
    } finally {
      await replica.stop();
      await primary.stop();
    }
  }
}

/** Makes a server the replica of another, and waits until it has its data. */
async function synchronise(replica: Target, primary: Target): Promise<void> {
  await call(replica.port, "REPLICAOF", "127.0.0.1", String(primary.port));
  while (await info(replica.port, "master_link_status") !== "up") await sleep(10);
  await untilAlike(replica, primary);
}

/** Waits until a replica has applied all that its primary has written. */
async function untilAlike(replica: Target, primary: Target): Promise<void> {
  const offset = () => info(primary.port, "master_repl_offset");
  while (await info(replica.port, "slave_repl_offset") !== await offset()) await sleep(10);
}

function megabytes(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(0);
}
