/** CPU per request of many commands, so that one which is slow for its kind shows. */

import { benchmark, type Run } from "./redis_benchmark.ts";
import { median, type Target } from "./targets.ts";

const DEPTH = 50;
const REQUESTS = 100_000;

/** Words of each command; `KEY` and `HASH` draw from those that are there, `BYTES:n` is a value of so many bytes. */
const COMMANDS: readonly string[] = [
  "PING",
  "ECHO hello",
  "GET KEY",
  "MGET KEY KEY KEY KEY KEY",
  "STRLEN KEY",
  "GETRANGE KEY 0 3",
  "SET KEY BYTES:16",
  "SET KEY BYTES:16 EX 1000",
  "SET KEY BYTES:16 KEEPTTL",
  "SET KEY BYTES:16 GET",
  "SETEX KEY 1000 BYTES:16",
  "SETNX KEY BYTES:16",
  "MSET KEY BYTES:16 KEY BYTES:16 KEY BYTES:16",
  "SETRANGE KEY 4 xx",
  "APPEND appended:RANDOM x",
  "INCR number:RANDOM",
  "INCRBYFLOAT float:RANDOM 1.5",
  "EXISTS KEY",
  "TYPE KEY",
  "OBJECT ENCODING KEY",
  "EXPIRE KEY 1000",
  "TTL KEY",
  "GETEX KEY EX 100",
  "PERSIST KEY",
  "COPY KEY copy:RANDOM REPLACE",
  "DUMP KEY",
  "SCAN 0 COUNT 10",
  "RANDOMKEY",
  "HSET HASH name value age 17 city Berlin",
  "HGET HASH name",
  "HMGET HASH name age city",
  "HGETALL HASH",
  "HINCRBY HASH age 1",
  "HINCRBYFLOAT HASH float 1.5",
  "HEXISTS HASH city",
  "HSCAN HASH 0",
  "HRANDFIELD HASH 2 WITHVALUES",
  "HDEL HASH city",
  "HSET large field:RANDOM value",
  "HGET large field:RANDOM",
  "GETDEL KEY",
  "DEL KEY",
  "SET value:RANDOM BYTES:100",
  "GET value:RANDOM",
  "SET value:RANDOM BYTES:1000",
  "GET value:RANDOM",
  "CLIENT ID",
  "PUBLISH channel message",
];

function wordsOf(command: string): string[] {
  return command.split(" ").map((word) =>
    word.replace(/^KEY$/, "key:RANDOM").replace(/^HASH$/, "hash:RANDOM").replace(/:RANDOM$/, ":__rand_int__").replace(
      /^BYTES:(\d+)$/,
      (_, bytes) => "x".repeat(Number(bytes)),
    )
  );
}

/** Prints the table, after having filled the servers; ratios are against the first. */
export function commands(targets: readonly Target[], rounds: number): void {
  console.log(`\n| command (-P ${DEPTH}) | ${targets.map(({ name }) => `${name} µs`).join(" | ")} | ratios |`);
  console.log(`|---|${"---|".repeat(targets.length + 1)}`);
  for (const target of targets) benchmark(target, ["-t", "set,get,incr,hset"], DEPTH, 6 * REQUESTS);
  for (const command of COMMANDS) {
    const words = wordsOf(command);
    const runs: Run[][] = targets.map(() => []);
    for (const target of targets) benchmark(target, words, DEPTH, REQUESTS); // compilers see it once before
    for (let round = 0; round < rounds; round++) {
      for (const [i, target] of targets.entries()) runs[i].push(benchmark(target, words, DEPTH, REQUESTS));
    }
    const costs = runs.map((of) => median(of.map((run) => run.cpuPerRequest)));
    const ratios = runs.slice(1).map((of) =>
      median(of.map((run, round) => run.cpuPerRequest / runs[0][round].cpuPerRequest))
    );
    const show = (values: number[], separator: string) => values.map((value) => value.toFixed(2)).join(separator);
    console.log(`| ${command} | ${show(costs, " | ")} | ${show(ratios, ", ")} |`);
  }
}
