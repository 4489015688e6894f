/**
 * Measures tredis against redis-server; each section prints a table for docs/performance.md.
 *
 * Usage: deno task bench [SECTION…] [--servers redis,deno,bun] [--rounds 15] [--tests set,get,incr,hset]
 *                        [--pipelines 1,16,100] [--keys 5000000] [--connections 10000]
 *
 * Sections: throughput and commands (by redis-benchmark), memory, latency, pubsub, idle; all of them by default. A
 * server is `redis`, `deno`, `bun`, or the words of a command. CPU per request tells the truth where the load generator
 * needs one of two cores for itself; ratios are against the first server named, from one run.
 */

import process from "node:process";
import { parseArgs } from "node:util";
import { commands } from "./commands.ts";
import { idle } from "./idle.ts";
import { latency } from "./latency.ts";
import { memory } from "./memory.ts";
import { pubsub } from "./pubsub.ts";
import { startAnother, startTargets, type Target } from "./targets.ts";
import { throughput } from "./throughput.ts";

const { values: options, positionals } = parseArgs({
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
const rounds = Number(options.rounds);

const SECTIONS: Readonly<Record<string, (targets: readonly Target[]) => void | Promise<void>>> = {
  throughput: (targets) =>
    throughput(targets, options.tests.split(","), options.pipelines.split(",").map(Number), rounds),
  commands: (targets) => commands(targets, Math.ceil(rounds / 3)),
  memory: (targets) => memory(targets, Number(options.keys)),
  latency: async (targets) => {
    const idle = await startAnother(targets[0].name);
    try {
      await latency(targets, idle, Number(options.keys));
    } finally {
      idle.stop();
    }
  },
  pubsub: (targets) => pubsub(targets, rounds),
  idle: (targets) => idle(targets, Number(options.connections)),
};

for (const name of positionals.length > 0 ? positionals : Object.keys(SECTIONS)) {
  const section = SECTIONS[name];
  if (section === undefined) {
    console.error(`no section '${name}'; there are ${Object.keys(SECTIONS).join(", ")}`);
    process.exit(2);
  }
  const targets = await startTargets(options.servers.split(","));
  try {
    await section(targets);
  } finally {
    for (const target of targets) target.stop();
  }
}
