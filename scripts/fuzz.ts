/**
 * `deno task fuzz [--family F,…] [--commands N] [--seed N] [--protocol 2|3] [--servers deno|bun|EXECUTABLE,…]`: sends the
 * same random commands to this server and to redis-server, and compares replies, events and what is there in the end,
 * for `N` commands of each family (see tests/interop/differential/). A difference is made as small as it can be, shown,
 * and ends its family; `--replay FILE` runs what was shown again. Without a seed, one is drawn.
 */

import { readFileSync } from "node:fs";
import process from "node:process";
import { parseArgs } from "node:util";
import { ServerProcess } from "../tests/integration/server_process.ts";
import { FAMILIES } from "../tests/interop/differential/families.ts";
import type { Family } from "../tests/interop/differential/families/template.ts";
import { readCase, runRound, showDifference } from "../tests/interop/differential/round.ts";
import { runCase } from "../tests/interop/differential/run.ts";
import { Servers } from "../tests/interop/differential/servers.ts";
import { canRun, misused, protocolOf, wholeNumberOf } from "./usage.ts";

const REFERENCE = "redis-server";
/** Commands in a round, after which both are emptied. */
const ROUND_COMMANDS = 2000;
const SEEDS = 2 ** 31;

/** The arguments, or the end of the script where they make no sense. */
function readArguments() {
  try {
    return parseArgs({
      options: {
        family: { type: "string", default: FAMILIES.map(({ name }) => name).join(",") },
        commands: { type: "string", default: "100000" },
        seed: { type: "string" },
        protocol: { type: "string" },
        servers: { type: "string", default: "deno" },
        replay: { type: "string" },
      },
    }).values;
  } catch (error) {
    misused(error instanceof Error ? error.message : String(error));
  }
}

const given = readArguments();
const families = given.family.split(",").map((name) =>
  FAMILIES.find((family) => family.name === name) ??
    misused(`no family '${name}'; there are ${FAMILIES.map((family) => family.name).join(", ")}`)
);
const commands = wholeNumberOf("commands", given.commands, 1);
const firstSeed = given.seed === undefined ? Math.floor(Math.random() * SEEDS) : wholeNumberOf("seed", given.seed, 0);
const protocol = protocolOf(given.protocol);
const kinds = given.servers.split(",");
for (const kind of [...kinds, REFERENCE]) {
  if (!canRun(kind)) misused(`no server '${kind}': that is neither deno, bun nor a program that can be run`);
}

/** Runs rounds of a family against one kind of server, until one differs; whether none did. */
async function fuzz(kind: string, servers: Servers, family: Family): Promise<boolean> {
  const startMs = Date.now();
  let seed = firstSeed;
  for (let left = commands; left > 0; left -= ROUND_COMMANDS, seed++) {
    const report = await runRound(servers, { family, seed, commands: Math.min(left, ROUND_COMMANDS), protocol });
    if (report === null) continue;
    console.log(`${kind}: ${report}`);
    return false;
  }
  const seconds = ((Date.now() - startMs) / 1000).toFixed(0);
  console.log(`${kind}: ${family.name}: ${commands} commands from seed ${firstSeed} on, no difference, ${seconds} s`);
  return true;
}

async function replay(servers: Servers, file: string): Promise<boolean> {
  const difference = await runCase(servers, readCase(readFileSync(file, "utf8")));
  console.log(difference === null ? "no difference" : showDifference(difference));
  return difference === null;
}

let isFine = true;
for (const kind of kinds) {
  // Redis looks at timeouts as often as it has ticks.
  const args = ["--save", "", "--enable-debug-command", "yes", "--hz", "500"];
  const started = [await ServerProcess.start({ kind, args }), await ServerProcess.start({ kind: REFERENCE, args })];
  const servers = new Servers([started[0].port, started[1].port]);
  try {
    if (given.replay !== undefined) {
      if (!await replay(servers, given.replay)) isFine = false;
      continue;
    }
    for (const family of families) {
      if (!await fuzz(kind, servers, family)) isFine = false;
    }
  } catch (error) {
    isFine = false;
    console.log(`${kind}: ${error instanceof Error ? error.message : error}`);
    for (const server of started) if (server.exited) console.log(`a server has ended:\n${server.output.slice(-4000)}`);
  } finally {
    servers.close();
    for (const server of started) await server.stop();
  }
}
process.exit(isFine ? 0 : 1);
