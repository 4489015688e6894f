/**
 * Throughput and CPU per request, by redis-benchmark: rounds are interleaved between the servers. The medians, and the
 * least CPU, which is what a round takes that no neighbour of a shared machine has slowed down.
 */

import { execFileSync } from "node:child_process";
import { cpuMicroseconds, median, type Target } from "./targets.ts";

const KEYS = 100_000;
const CLIENTS = 50;
/** Requests per run at each pipeline depth: long enough for clock ticks of 10 ms to be exact within a percent or two. */
const REQUESTS: Readonly<Record<number, number>> = { 1: 100_000, 16: 800_000, 100: 1_500_000 };

interface Run {
  readonly perSecond: number;
  readonly cpuPerRequest: number;
}

function run(target: Target, test: string, depth: number): Run {
  const requests = REQUESTS[depth] ?? 1_000_000;
  const before = cpuMicroseconds(target.pid);
  const args = ["-p", String(target.port), "-c", String(CLIENTS), "-P", String(depth), "-n", String(requests)];
  const output = execFileSync("redis-benchmark", [...args, "-r", String(KEYS), "-t", test, "--csv"], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
    timeout: 300_000,
  });
  const perSecond = Number(output.trim().split("\n").at(-1)?.split(",")[1].replaceAll('"', ""));
  return { perSecond, cpuPerRequest: (cpuMicroseconds(target.pid) - before) / requests };
}

/** Prints the table; ratios are against the first server. */
export function throughput(targets: readonly Target[], tests: string[], depths: number[], rounds: number): void {
  console.log(`\n| test | -P | server | requests/s | ratio | CPU µs/request | ratio | least | ratio |`);
  console.log(`|---|---|---|---|---|---|---|---|---|`);
  // A server is measured as one that has been up for a while: its compiler has seen all of this.
  for (const target of targets) for (const test of tests) run(target, test, 100);
  for (const depth of depths) {
    for (const test of tests) {
      const runs: Run[][] = targets.map(() => []);
      for (const target of targets) run(target, test, depth); // at this depth too
      for (let round = 0; round < rounds; round++) {
        for (const [i, target] of targets.entries()) runs[i].push(run(target, test, depth));
      }
      const rates = runs.map((of) => median(of.map((one) => one.perSecond)));
      const costs = runs.map((of) => median(of.map((one) => one.cpuPerRequest)));
      const least = runs.map((of) => Math.min(...of.map((one) => one.cpuPerRequest)));
      for (const [i, { name }] of targets.entries()) {
        const rate = `${Math.round(rates[i])} | ${(rates[i] / rates[0]).toFixed(2)}`;
        const cost = `${costs[i].toFixed(2)} | ${(costs[i] / costs[0]).toFixed(2)}`;
        const best = `${least[i].toFixed(2)} | ${(least[i] / least[0]).toFixed(2)}`;
        console.log(`| ${test.toUpperCase()} | ${depth} | ${name} | ${rate} | ${cost} | ${best} |`);
      }
    }
  }
}
