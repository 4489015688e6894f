/**
 * Measures tredis against redis-server; each section prints a table for docs/performance.md.
 *
 * Usage: deno task bench [SECTION…] [--servers redis,deno,bun] [--rounds 15] [--tests set,get,incr,hset]
 *                        [--pipelines 1,16,100] [--keys 5000000] [--connections 10000]
 *
 * Sections: throughput, commands and situations (by redis-benchmark), memory, latency, pubsub, idle; all of them by
 * default. A server is `redis`, `deno`, `bun`, or the words of a command. CPU per request tells the truth where the load generator
 * needs one of two cores for itself; ratios are against the first server named, from one run.
 */

import { parseArgs } from "node:util";
import { commands } from "./commands.ts";
import { idle } from "./idle.ts";
import { latency } from "./latency.ts";
import { memory } from "./memory.ts";
import { pubsub } from "./pubsub.ts";
import { situations } from "./situations.ts";
import { startAnother, startTargets, type Target } from "./targets.ts";
import { throughput } from "./throughput.ts";
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
        pipelines: { type: "string", default: "1,16,100" },
        keys: { type: "string", default: "5000000" },
        connections: { type: "string", default: "10000" },
      },
    });
  } catch (error) {
    misused(error instanceof Error ? error.message : String(error));
  }
}

/** The numbers of an option, each from 1 on. */
function numbersOf(name: "rounds" | "pipelines" | "keys" | "connections"): number[] {
  const numbers = options[name].split(",").map(Number);
  if (!numbers.every((number) => Number.isInteger(number) && number > 0)) {
    misused(`--${name} ${options[name]}: that is no number from 1 on`);
  }
  return numbers;
}

const { values: options, positionals } = readArguments();
const [rounds] = numbersOf("rounds");
const [keys] = numbersOf("keys");
const [connections] = numbersOf("connections");
const depths = numbersOf("pipelines");

const SECTIONS: Readonly<Record<string, (targets: readonly Target[]) => void | Promise<void>>> = {
  throughput: (targets) => throughput(targets, options.tests.split(","), depths, rounds),
  commands: (targets) => commands(targets, Math.ceil(rounds / 3)),
  situations: (targets) => situations(targets, rounds),
  memory: (targets) => memory(targets, keys),
  latency: async (targets) => {
    const idle = await startAnother(targets[0].name);
    try {
      await latency(targets, idle, keys);
    } finally {
      idle.stop();
    }
  },
  pubsub: (targets) => pubsub(targets, rounds),
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
    for (const target of targets) target.stop();
  }
}
