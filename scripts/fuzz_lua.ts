/**
 * `deno task fuzz-lua [--programs N] [--seed N] [--protocol 2|3] [--servers deno|bun|EXECUTABLE,…]`: runs random programs
 * by EVAL on this server and on redis-server, and compares their replies and errors (see tests/interop/programs/). Each
 * program has a seed of its own. One that differs is made as small as it can be, shown, and ends the run. Without a seed,
 * one is drawn.
 */

import process from "node:process";
import { parseArgs } from "node:util";
import { ServerProcess } from "../tests/integration/server_process.ts";
import { Servers } from "../tests/interop/differential/servers.ts";
import { runPrograms } from "../tests/interop/programs/round.ts";
import { canRun, misused, protocolOf, wholeNumberOf } from "./usage.ts";

const REFERENCE = "redis-server";
/** Programs in a round, after which both servers forget them, and the protocol changes. */
const ROUND_PROGRAMS = 1000;
const SEEDS = 2 ** 31;

/** The arguments, or the end of the script where they make no sense. */
function readArguments() {
  try {
    return parseArgs({
      options: {
        programs: { type: "string", default: "100000" },
        seed: { type: "string" },
        protocol: { type: "string" },
        servers: { type: "string", default: "deno" },
      },
    }).values;
  } catch (error) {
    misused(error instanceof Error ? error.message : String(error));
  }
}

const given = readArguments();
const programs = wholeNumberOf("programs", given.programs, 1);
const firstSeed = given.seed === undefined ? Math.floor(Math.random() * SEEDS) : wholeNumberOf("seed", given.seed, 0);
const protocol = protocolOf(given.protocol);
const kinds = given.servers.split(",");
for (const kind of [...kinds, REFERENCE]) {
  if (!canRun(kind)) misused(`no server '${kind}': that is neither deno, bun nor a program that can be run`);
}

/** Runs rounds against one kind of server, until a program differs; whether none did. */
async function fuzz(kind: string, servers: Servers): Promise<boolean> {
  const startMs = Date.now();
  for (let run = 0; run < programs; run += ROUND_PROGRAMS) {
    const report = await runPrograms(servers, {
      seed: firstSeed + run,
      programs: Math.min(programs - run, ROUND_PROGRAMS),
      protocol: protocol ?? (run / ROUND_PROGRAMS % 2 === 0 ? 2 : 3),
    });
    if (report === null) continue;
    console.log(`${kind}: ${report}`);
    return false;
  }
  const seconds = ((Date.now() - startMs) / 1000).toFixed(0);
  console.log(`${kind}: ${programs} programs from seed ${firstSeed} on, no difference, ${seconds} s`);
  return true;
}

let isFine = true;
for (const kind of kinds) {
  const args = ["--save", "", "--enable-debug-command", "yes"];
  const started = [await ServerProcess.start({ kind, args }), await ServerProcess.start({ kind: REFERENCE, args })];
  const servers = new Servers([started[0].port, started[1].port]);
  try {
    if (!await fuzz(kind, servers)) isFine = false;
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
