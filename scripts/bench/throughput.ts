/**
 * Throughput and CPU per request, by redis-benchmark, in many short rounds in which the servers take turns. A ratio is
 * the median of the rounds' own ratios, so that a change of the machine's speed touches both of its sides. The least
 * CPU is what a round takes that no neighbour of a shared machine has slowed down.
 *
 * The tests are redis-benchmark's. What adds to one value without end starts each run with none (LPUSH, RPUSH, XADD), and
 * what takes away with one that lasts for the run (pops); all others leave what they find as large as it was, of up to
 * 100,000 members, fields or keys. What each run starts with does not count for it.
 */

import { benchmark, type Run } from "./redis_benchmark.ts";
import { call, empty, geometricMean, median, type Target } from "./targets.ts";
import { fillOne, type Kind } from "./values.ts";

/** Requests per run at each pipeline depth: a few tenths of a second. */
const REQUESTS: Readonly<Record<number, number>> = { 1: 30_000, 16: 250_000, 100: 500_000 };
/** Elements in the list of which LRANGE reads the first. */
const LIST_ELEMENTS = 10_000;

interface Test {
  /** redis-benchmark's option and name for it, or the words of the command where it has none, or loads a list first. */
  readonly what: readonly string[];
  /** Of so many requests one is sent: those that are dearer come in shorter runs. */
  readonly oneOf: number;
  /** Brings about what a run of `requests` starts with. */
  readonly prepare: ((port: number, requests: number) => Promise<unknown>) | null;
}

const plain = (name: string, oneOf = 1): Test => ({ what: ["-t", name], oneOf, prepare: null });
const adding = (key: string, ...what: string[]): Test => ({
  what,
  oneOf: 1,
  prepare: (port) => call(port, "DEL", key),
});
const taking = (name: string, kind: Kind, key: string): Test => ({
  what: ["-t", name],
  oneOf: 1,
  prepare: async (port, requests) => {
    await empty(port);
    await fillOne(port, kind, key, requests);
  },
});
const reading = (elements: number): Test => ({
  what: ["LRANGE", "mylist", "0", String(elements - 1)],
  oneOf: elements / 20,
  prepare: async (port) => {
    await empty(port);
    await fillOne(port, "list", "mylist", LIST_ELEMENTS);
  },
});

export const TESTS: Readonly<Record<string, Test>> = {
  ping: plain("ping_mbulk"),
  set: plain("set"),
  get: plain("get"),
  incr: plain("incr"),
  lpush: adding("mylist", "-t", "lpush"),
  rpush: adding("mylist", "-t", "rpush"),
  lpop: taking("lpop", "list", "mylist"),
  rpop: taking("rpop", "list", "mylist"),
  sadd: plain("sadd"),
  spop: taking("spop", "set", "myset"),
  hset: plain("hset"),
  zadd: plain("zadd"),
  zpopmin: taking("zpopmin", "sorted set", "myzset"),
  lrange_100: reading(100),
  lrange_300: reading(300),
  lrange_500: reading(500),
  lrange_600: reading(600),
  mset: plain("mset", 5),
  xadd: adding("mystream", "XADD", "mystream", "*", "myfield", "xxx"),
};

async function run(target: Target, name: string, depth: number): Promise<Run> {
  const { what, oneOf, prepare } = TESTS[name];
  const requests = Math.ceil((REQUESTS[depth] ?? 250_000) / oneOf);
  await prepare?.(target.port, requests);
  return benchmark(target, what, depth, requests);
}

/** Prints the table, and the geometric mean of each depth where there are several tests; ratios are against the first server. */
export async function throughput(
  targets: readonly Target[],
  tests: readonly string[],
  depths: readonly number[],
  rounds: number,
): Promise<void> {
  console.log(`\n| test | -P | server | requests/s | ratio | CPU µs/request | ratio | least | ratio |`);
  console.log(`|---|---|---|---|---|---|---|---|---|`);
  // A server is measured as one that has been up for a while: its compiler has seen all of this.
  for (const target of targets) for (const test of tests) await run(target, test, 100);
  for (const depth of depths) {
    const costs: number[][] = targets.map(() => []);
    for (const test of tests) {
      const runs: Run[][] = targets.map(() => []);
      const ratio = (i: number, of: "perSecond" | "cpuPerRequest") =>
        median(runs[i].map((one, round) => one[of] / runs[0][round][of]));
      for (const target of targets) await run(target, test, depth); // at this depth too
      for (let round = 0; round < rounds; round++) {
        for (const [i, target] of targets.entries()) runs[i].push(await run(target, test, depth));
      }
      const least = runs.map((of) => Math.min(...of.map((one) => one.cpuPerRequest)));
      for (const [i, { name }] of targets.entries()) {
        costs[i].push(ratio(i, "cpuPerRequest"));
        const rate = [Math.round(median(runs[i].map((one) => one.perSecond))), ratio(i, "perSecond").toFixed(2)];
        const cost = [median(runs[i].map((one) => one.cpuPerRequest)), costs[i][costs[i].length - 1]];
        const columns = [...rate, ...[...cost, least[i], least[i] / least[0]].map((number) => number.toFixed(2))];
        console.log(`| ${test.toUpperCase()} | ${depth} | ${name} | ${columns.join(" | ")} |`);
      }
    }
    if (tests.length < 2) continue;
    for (const [i, { name }] of targets.entries()) {
      console.log(`| geometric mean | ${depth} | ${name} | | | | ${geometricMean(costs[i]).toFixed(2)} | | |`);
    }
  }
}
