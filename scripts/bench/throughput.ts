/**
 * Throughput and CPU per request, by redis-benchmark, in many short rounds in which the servers take turns. A ratio is
 * the median of the rounds' own ratios, so that a change of the machine's speed touches both of its sides. The least
 * CPU is what a round takes that no neighbour of a shared machine has slowed down.
 */

import { benchmark, type Run } from "./redis_benchmark.ts";
import { median, type Target } from "./targets.ts";

/** Requests per run at each pipeline depth: a few tenths of a second. */
const REQUESTS: Readonly<Record<number, number>> = { 1: 30_000, 16: 250_000, 100: 500_000 };

function run(target: Target, test: string, depth: number): Run {
  return benchmark(target, ["-t", test], depth, REQUESTS[depth] ?? 250_000);
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
      const ratio = (i: number, of: "perSecond" | "cpuPerRequest") =>
        median(runs[i].map((one, round) => one[of] / runs[0][round][of])).toFixed(2);
      for (const target of targets) run(target, test, depth); // at this depth too
      for (let round = 0; round < rounds; round++) {
        for (const [i, target] of targets.entries()) runs[i].push(run(target, test, depth));
      }
      const least = runs.map((of) => Math.min(...of.map((one) => one.cpuPerRequest)));
      for (const [i, { name }] of targets.entries()) {
        const rate = `${Math.round(median(runs[i].map((one) => one.perSecond)))} | ${ratio(i, "perSecond")}`;
        const cost = `${median(runs[i].map((one) => one.cpuPerRequest)).toFixed(2)} | ${ratio(i, "cpuPerRequest")}`;
        const best = `${least[i].toFixed(2)} | ${(least[i] / least[0]).toFixed(2)}`;
        console.log(`| ${test.toUpperCase()} | ${depth} | ${name} | ${rate} | ${cost} | ${best} |`);
      }
    }
  }
}
