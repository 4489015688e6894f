/**
 * Measures tredis against redis-server; each section prints a table for docs/performance.md.
 *
 * Usage: deno task bench [SECTION…] [--servers redis,deno,bun] [--rounds 15] [--tests set,get,incr,hset]
 *                        [--families lists,sets] [--pipelines 1,16,100] [--keys 5000000] [--values 1000000]
 *                        [--elements 10000000] [--connections 10000]
 *
 * Sections: throughput, commands, situations, durable and replication (by redis-benchmark), memory, values (memory of
 * each type), rdb, blocked, large, latency, pubsub, scripts, idle; all of them by default. A server is `redis`, `deno`, `bun`, or
 * the words of a command. CPU per request tells the truth where the load generator needs one of two cores for itself;
 * ratios are against the first server named, from one run. Servers listen from port 16390 on, or from BENCH_PORT.
 */

import { parseArgs } from "node:util";
import { blocked } from "./blocked.ts";
import { FAMILIES } from "./command_families.ts";
import { commands } from "./commands.ts";
import { durable } from "./durable.ts";
import { idle } from "./idle.ts";
import { large } from "./large.ts";
import { latency } from "./latency.ts";
import { memory } from "./memory.ts";
import { memoryOfValues } from "./memory_values.ts";
import { pubsub } from "./pubsub.ts";
import { rdb } from "./rdb.ts";
import { replication } from "./replication.ts";
import { scripts } from "./scripts.ts";
import { situations } from "./situations.ts";
import { startAnother, startTargets, type Target } from "./targets.ts";
import { TESTS, throughput } from "./throughput.ts";
import { canRun, misused } from "../usage.ts";

/** The arguments, or the end of the script where they make no sense. */
function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        servers: { type: "string", default: "redis,deno,bun" },
        rounds: { type: "string", default: "15" },
        tests: { type: "string", default: "set,get,incr,hset" },
        families: { type: "string", default: FAMILIES.map(({ name }) => name).join(",") },
        pipelines: { type: "string", default: "1,16,100" },
        keys: { type: "string", default: "5000000" },
        values: { type: "string", default: "1000000" },
        elements: { type: "string", default: "10000000" },
        connections: { type: "string", default: "10000" },
      },
    });
  } catch (error) {
    misused(error instanceof Error ? error.message : String(error));
  }
}

/** The numbers of an option, each from 1 on. */
function numbersOf(name: "rounds" | "pipelines" | "keys" | "values" | "elements" | "connections"): number[] {
  const numbers = options[name].split(",").map(Number);
  if (!numbers.every((number) => Number.isInteger(number) && number > 0)) {
    misused(`--${name} ${options[name]}: that is no number from 1 on`);
  }
  return numbers;
}

/** The names of a list, each of which is one of `known`. */
function namesOf(what: "tests" | "families", known: readonly string[]): string[] {
  const names = options[what].split(",");
  for (const name of names) {
    if (!known.includes(name)) misused(`--${what}: there is no '${name}', but ${known.join(", ")}`);
  }
  return names;
}

const { values: options, positionals } = readArguments();
const [rounds] = numbersOf("rounds");
const [keys] = numbersOf("keys");
const [values] = numbersOf("values");
const [elements] = numbersOf("elements");
const [connections] = numbersOf("connections");
const depths = numbersOf("pipelines");

const tests = namesOf("tests", Object.keys(TESTS));
const families = namesOf("families", FAMILIES.map(({ name }) => name));

/** Works beside one more server of the first kind, which nobody else uses. */
async function withIdle(targets: readonly Target[], work: (idle: Target) => Promise<void>): Promise<void> {
  const idle = await startAnother(targets[0].name);
  try {
    await work(idle);
  } finally {
    await idle.stop();
  }
}

const SECTIONS: Readonly<Record<string, (targets: readonly Target[]) => void | Promise<void>>> = {
  throughput: (targets) => throughput(targets, tests, depths, rounds),
  commands: (targets) => commands(targets, families, Math.ceil(rounds / 3)),
  situations: (targets) => situations(targets, rounds),
  durable: (targets) => durable(targets, Math.ceil(rounds / 3), keys),
  memory: (targets) => memory(targets, keys),
  values: (targets) => memoryOfValues(targets, values),
  replication: (targets) => replication(targets, Math.ceil(rounds / 3), keys),
  rdb: (targets) => rdb(targets, keys, values, Math.ceil(rounds / 5)),
  blocked: (targets) => blocked(targets, connections, Math.ceil(rounds / 3)),
  large: (targets) => withIdle(targets, (idle) => large(targets, idle, elements)),
  latency: (targets) => withIdle(targets, (idle) => latency(targets, idle, keys)),
  pubsub: (targets) => pubsub(targets, rounds),
  scripts: (targets) => scripts(targets, Math.ceil(rounds / 3)),
  idle: (targets) => idle(targets, connections),
};

const sections = positionals.length > 0 ? positionals : Object.keys(SECTIONS);
for (const name of sections) {
  if (!Object.hasOwn(SECTIONS, name)) misused(`no section '${name}'; there are ${Object.keys(SECTIONS).join(", ")}`);
}
const servers = options.servers.split(",");
for (const name of servers) {
  if (!name.includes(" ") && !canRun(name === "redis" ? "redis-server" : name)) {
    misused(`no server '${name}'; there are redis, deno, bun, and the words of a command`);
  }
}
for (const name of sections) {
  const targets = await startTargets(servers);
  try {
    await SECTIONS[name](targets);
  } finally {
    for (const target of targets) await target.stop();
  }
}
