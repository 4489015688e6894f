/**
 * Scripts: CPU per EVALSHA of those that call commands, how long a call of those takes that reckon, and BullMQ, whose every
 * step is a script. Ratios are against the first server, from rounds in which the servers take turns.
 */

import { runJobs } from "./bullmq.ts";
import { benchmark, KEYS } from "./redis_benchmark.ts";
import { HEAVY, type HeavyScript, QUICK, type QuickScript } from "./script_texts.ts";
import {
  call,
  cpuMicrosecondsSince,
  cpuOf,
  empty,
  encode,
  geometricMean,
  median,
  pipeline,
  startAnother,
  type Target,
} from "./targets.ts";

const DEPTH = 50;
const REQUESTS = 100_000;
/** Calls of a script that reckons, in a round. */
const CALLS = 10;
const JOBS = 10_000;
/** Rounds before those that count, until compilers are done: the first ones take twice as much. */
const FIRST_ROUNDS = 10;

/** Prints the three tables. Each row is of servers of its own: what compilers know of a script depends on those before. */
export async function scripts(targets: readonly Target[], rounds: number): Promise<void> {
  console.log(`\n| EVALSHA (-P ${DEPTH}) | ${targets.map(({ name }) => `${name} µs`).join(" | ")} | ratios |`);
  console.log(`|---|${"---|".repeat(targets.length + 1)}`);
  for (const script of QUICK) await row(targets, script.name, rounds, (fresh) => quickRun(fresh, script));

  console.log(`\n| BullMQ, ${JOBS} jobs | ${targets.map(({ name }) => `${name} µs per job`).join(" | ")} | ratios |`);
  console.log(`|---|${"---|".repeat(targets.length + 1)}`);
  await row(targets, "added and done", rounds, () => Promise.resolve(jobsRun));

  console.log(`\n| a call of EVALSHA | ${targets.map(({ name }) => `${name} ms`).join(" | ")} | ratios |`);
  console.log(`|---|${"---|".repeat(targets.length + 1)}`);
  const all: number[][] = targets.map(() => []);
  for (const script of HEAVY) {
    const ratios = await row(targets, script.name, rounds, (fresh) => heavyRun(fresh, script));
    for (const [i, ratio] of ratios.entries()) all[i].push(ratio);
  }
  const means = all.map((ratios) => geometricMean(ratios).toFixed(2));
  console.log(`| geometric mean | ${targets.map(() => "").join(" | ")} | ${means.slice(1).join(", ")} |`);
}

/** Measures one server once. */
type Run = (target: Target) => Promise<number>;

/** Prints what a thing costs on each server; the ratios. `prepare`: has new servers ready for it. */
async function row(
  targets: readonly Target[],
  name: string,
  rounds: number,
  prepare: (fresh: readonly Target[]) => Promise<Run>,
): Promise<number[]> {
  const costs: number[][] = targets.map(() => []);
  const fresh: Target[] = [];
  try {
    for (const [i, target] of targets.entries()) fresh.push(await startAnother(target.name, i));
    const run = await prepare(fresh);
    for (const target of fresh) for (let round = 0; round < FIRST_ROUNDS; round++) await run(target);
    for (let round = 0; round < rounds; round++) {
      for (const [i, target] of fresh.entries()) costs[i].push(await run(target));
    }
  } finally {
    for (const target of fresh) await target.stop();
  }
  const ratios = costs.map((of) => median(of.map((cost, round) => cost / costs[0][round])));
  const show = (values: number[], separator: string) => values.map((value) => value.toFixed(2)).join(separator);
  console.log(`| ${name} | ${show(costs.map(median), " | ")} | ${show(ratios.slice(1), ", ")} |`);
  return ratios;
}

/** Has each server know a script; its SHA-1. */
async function load(targets: readonly Target[], text: string): Promise<string> {
  let sha = "";
  for (const { port } of targets) sha = (await call(port, "SCRIPT", "LOAD", text)).split("\r\n")[1];
  return sha;
}

/** CPU of the server per request, in µs, of a script that calls commands. */
async function quickRun(targets: readonly Target[], { text, args, startsEmpty }: QuickScript): Promise<Run> {
  const sha = await load(targets, text);
  const wordsOf = (key: string) => ["EVALSHA", sha, ...args.map((arg) => arg === "KEY" ? key : arg)];
  for (const { port } of targets) {
    await pipeline(port, KEYS, (i) => encode("SET", `key:${String(i).padStart(12, "0")}`, "0123456789abcdef"));
    await call(port, ...wordsOf("another")); // redis-benchmark would not tell an error
  }
  return async (target) => {
    if (startsEmpty) await empty(target.port);
    return benchmark(target, wordsOf("key:__rand_int__"), DEPTH, REQUESTS).cpuPerRequest;
  };
}

/**
 * How long a call of a script takes, in ms, which reckons: what it takes of the thread that runs scripts, which is all but
 * what the client would wait, were the machine its own.
 */
async function heavyRun(targets: readonly Target[], { text, args }: HeavyScript): Promise<Run> {
  const sha = await load(targets, text);
  const words = ["EVALSHA", sha, ...args];
  const replies = new Set<string>();
  for (const { port } of targets) replies.add(await call(port, ...words));
  if (replies.size !== 1) throw new Error(`the servers come to different results: ${[...replies].join(", ")}`);
  return async ({ port, pid }) => {
    const request = encode(...words);
    const before = threadMs(pid);
    await pipeline(port, CALLS, () => request, 1);
    return (threadMs(pid) - before) / CALLS;
  };
}

/** What the first thread of a process has taken so far, in ms: with all servers the one that runs scripts. */
function threadMs(pid: number): number {
  return (cpuOf(pid).get(String(pid)) ?? 0) / 1e6;
}

/** CPU of the server per job that BullMQ adds and has done, in µs. */
async function jobsRun({ port, pid }: Target): Promise<number> {
  await empty(port);
  const before = cpuOf(pid);
  await runJobs(port, JOBS);
  return cpuMicrosecondsSince(before, pid) / JOBS;
}
