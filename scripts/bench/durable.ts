/**
 * What writes cost with an append-only file: requests per second and CPU per request of SET and INCR with each
 * `appendfsync`, in short pipelines and in none. Then how long it takes to load what was written.
 */

import { benchmark, type Run } from "./redis_benchmark.ts";
import { call, encode, median, pipeline, startAnother, type Target } from "./targets.ts";

const POLICIES = ["always", "everysec", "no"] as const;
/** Requests in a pipeline, and how many are measured of them. */
const DEPTHS: readonly (readonly [depth: number, requests: number])[] = [[16, 200_000], [1, 50_000]];
const COMMANDS = ["SET key:__rand_int__ 0123456789abcdef", "INCR counter:__rand_int__"];
const ON = ["--appendonly", "yes", "--auto-aof-rewrite-percentage", "0", "--enable-debug-command", "yes"];
const VALUE = "0123456789abcdef";

/** Measures the servers named, by turns; ratios are against the first of them. `keys`: how many are loaded. */
export async function durable(targets: readonly Target[], rounds: number, keys: number): Promise<void> {
  console.log(`\n| appendfsync | -P | command | server | requests/s | ratio | CPU µs | ratio |`);
  console.log(`|---|---|---|---|---|---|---|---|`);
  for (const policy of POLICIES) {
    const servers = await startAll(targets, ["--appendfsync", policy]);
    try {
      for (const [depth, requests] of DEPTHS) {
        for (const command of COMMANDS) measure(servers, `${policy} | ${depth}`, command, depth, requests, rounds);
      }
    } finally {
      for (const server of servers) await server.stop();
    }
  }
  await load(targets, keys, Math.ceil(rounds / 3));
}

async function startAll(targets: readonly Target[], options: readonly string[]): Promise<Target[]> {
  const servers: Target[] = [];
  for (const [i, { name }] of targets.entries()) servers.push(await startAnother(name, i, [...ON, ...options]));
  return servers;
}

function measure(
  servers: readonly Target[],
  where: string,
  command: string,
  depth: number,
  requests: number,
  rounds: number,
): void {
  const words = command.split(" ");
  const runs = servers.map((): Run[] => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [i, server] of servers.entries()) {
      const run = benchmark(server, words, depth, requests);
      if (round > 0) runs[i].push(run); // the first compiles
    }
  }
  for (const [i, { name }] of servers.entries()) {
    const rate = median(runs[i].map(({ perSecond }) => perSecond));
    const cost = median(runs[i].map(({ cpuPerRequest }) => cpuPerRequest));
    const rateRatio = median(runs[i].map(({ perSecond }, round) => perSecond / runs[0][round].perSecond));
    const costRatio = median(runs[i].map(({ cpuPerRequest }, round) => cpuPerRequest / runs[0][round].cpuPerRequest));
    console.log(
      `| ${where} | ${words[0]} | ${name} | ${Math.round(rate)} | ${rateRatio.toFixed(2)} | ${cost.toFixed(2)} | ` +
        `${costRatio.toFixed(2)} |`,
    );
  }
}

/** How long an append-only file of so many SETs takes to load, by DEBUG LOADAOF. */
async function load(targets: readonly Target[], keys: number, rounds: number): Promise<void> {
  console.log(`\n| loading ${keys} SETs | ms | ratio |\n|---|---|---|`);
  const all: number[][] = [];
  for (const [i, { name }] of targets.entries()) {
    const server = await startAnother(name, i, [...ON, "--appendfsync", "no"]);
    const times: number[] = [];
    try {
      await pipeline(server.port, keys, (key) => encode("SET", `key:${key}`, VALUE));
      for (let round = 0; round <= rounds; round++) {
        const startMs = performance.now();
        await call(server.port, "DEBUG", "LOADAOF");
        if (round > 0) times.push(performance.now() - startMs);
      }
    } finally {
      await server.stop();
    }
    all.push(times);
    console.log(`| ${name} | ${median(times).toFixed(0)} | ${(median(times) / median(all[0])).toFixed(2)} |`);
  }
}
