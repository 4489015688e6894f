/**
 * CPU per request of a few commands in situations that users have: with a memory limit that is not reached, with a replica
 * attached, on that replica, and for keys that are not there. Ratios are against the same server in none of them.
 */

import { benchmark } from "./redis_benchmark.ts";
import { ask, encode, median, sleep, startAnother, type Target } from "./targets.ts";

const DEPTH = 50;
const REQUESTS = 200_000;

/** Commands that may run on a replica, and those that may not; the last of the former finds nothing. */
const READS: readonly string[] = ["GET key:__rand_int__", "HGET hash:__rand_int__ field", "GET missing:__rand_int__"];
const WRITES: readonly string[] = [
  "SET key:__rand_int__ 0123456789abcdef",
  "HSET hash:__rand_int__ field value",
  "INCR counter:__rand_int__",
  "DEL missing:__rand_int__",
];
const LIMITED = ["--maxmemory", "8gb", "--maxmemory-policy", "allkeys-lru"];

/** Measures each of the servers named; `rounds` of each command in each situation, by turns. */
export async function situations(targets: readonly Target[], rounds: number): Promise<void> {
  console.log(`\n| server | command (-P ${DEPTH}) | µs | with maxmemory | with a replica | on the replica |`);
  console.log(`|---|---|---|---|---|---|`);
  for (const [i, plain] of targets.entries()) {
    const limited = await startAnother(plain.name, 3 * i, LIMITED);
    const primary = await startAnother(plain.name, 3 * i + 1, ["--repl-diskless-sync-delay", "0"]);
    const replica = await startAnother(plain.name, 3 * i + 2, ["--replicaof", "127.0.0.1", String(primary.port)]);
    try {
      await untilSynchronised(primary);
      for (const target of [plain, limited, primary]) fill(target);
      await untilSynchronised(primary);
      for (const command of WRITES) row(plain, command, [limited, primary], rounds);
      await untilSynchronised(primary);
      for (const command of READS) benchmark(replica, command.split(" "), DEPTH, REQUESTS);
      for (const command of READS) row(plain, command, [limited, primary, replica], rounds);
    } finally {
      for (const target of [limited, primary, replica]) await target.stop();
    }
  }
}

/** Has a server hold what the commands look for, and its compilers see them. */
function fill(target: Target): void {
  for (const command of [...WRITES, ...READS]) benchmark(target, command.split(" "), DEPTH, REQUESTS);
}

/** Waits until the replica of a primary has all that was written. */
async function untilSynchronised(primary: Target): Promise<void> {
  for (;;) {
    const text = await ask(primary.port, encode("INFO", "replication"), 100);
    const sent = /master_repl_offset:(\d+)/.exec(text)?.[1];
    if (sent !== undefined && text.includes(`state=online,offset=${sent},`)) return;
    await sleep(100);
  }
}

/** Prints the cost of a command on the plain server, and what it is in each situation against that. */
function row(plain: Target, command: string, others: readonly Target[], rounds: number): void {
  const words = command.split(" ");
  const costs = [plain, ...others].map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, target] of [plain, ...others].entries()) {
      costs[i].push(benchmark(target, words, DEPTH, REQUESTS).cpuPerRequest);
    }
  }
  const ratios = costs.slice(1).map((of) => median(of.map((cost, round) => cost / costs[0][round])).toFixed(2));
  console.log(
    `| ${plain.name} | ${command} | ${median(costs[0]).toFixed(2)} | ${[...ratios, "–"].slice(0, 3).join(" | ")} |`,
  );
}
