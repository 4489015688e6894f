/**
 * `deno task simulate [--seed N [--events]] [--minutes M] [--jobs J] [--seconds S] [--from TEXT]`: simulates servers, their
 * network and disks (see tests/simulation/) from one seed after the other, for `M` minutes of real time, `J` of them side by
 * side in threads of their own; or from the one seed given. Seeds are drawn by chance, or follow from a text: those of a
 * commit's name are new with each commit, and the same wherever it is looked at. A run of a seed is the same each time, whatever runs beside it, and
 * is shown event by event if that is asked for. A seed that fails ends it, with the last events and what was wrong.
 */

import { createHash } from "node:crypto";
import process from "node:process";
import { parseArgs } from "node:util";
import { type Outcome, simulate } from "../tests/simulation/world.ts";
import type { Task } from "./simulate_worker.ts";
import { misused } from "./usage.ts";

/** Most that a seed can be. */
const SEEDS = 2 ** 32;
const MOST_JOBS = 256;

/** The arguments, or the end of the script where they make no sense. */
function readArguments() {
  try {
    return parseArgs({
      options: {
        seed: { type: "string" },
        minutes: { type: "string", default: "2" },
        jobs: { type: "string", default: "1" },
        seconds: { type: "string", default: "60" },
        from: { type: "string" },
        events: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    misused(error instanceof Error ? error.message : String(error));
  }
}

/** A number in [least, limit); ends the script where it is none. */
function numberOf(name: string, text: string, least: number, limit: number): number {
  const number = text.trim() === "" ? NaN : Number(text);
  if (!(number >= least && number < limit)) misused(`--${name} ${text}: that is no number from ${least} on`);
  return number;
}

function wholeNumberOf(name: string, text: string, least: number, limit: number): number {
  const number = numberOf(name, text, least, limit);
  if (!Number.isInteger(number)) misused(`--${name} ${text}: that is no whole number`);
  return number;
}

function tell({ seed, failure, traceHash, events, requests, kills, simulatedMs, lastEvents }: Outcome): void {
  const seconds = (simulatedMs / 1000).toFixed(1);
  console.log(
    `seed ${seed}: ${seconds} s simulated, ${requests} requests, ${kills} kills, ${events} events, trace ${traceHash}`,
  );
  if (failure === null) return;
  for (const event of lastEvents) console.log(event.slice(0, 400));
  console.log(`FAILED with seed ${seed}: ${failure}`);
  console.log(
    `Once more: deno task simulate --seed ${seed}. When it is mended: add it to tests/simulation/failed_seeds.txt`,
  );
}

/** What runs a seed. */
type Runner = (seed: number) => Promise<Outcome>;

/** Runs seeds in a thread. */
function threadRunner(faultsMs: number): Runner {
  const worker = new Worker(new URL("simulate_worker.ts", import.meta.url), { type: "module" });
  return (seed) =>
    new Promise((resolve) => {
      worker.onmessage = ({ data }: MessageEvent<Outcome>) => resolve(data);
      worker.onerror = (event) => {
        event.preventDefault();
        console.log(`FAILED with seed ${seed}: its thread has ended: ${event.message}`);
        process.exit(1);
      };
      worker.postMessage({ seed, faultsMs } satisfies Task);
    });
}

const { seed, minutes, jobs, seconds, from, events } = readArguments();
const faultsMs = numberOf("seconds", seconds, 0, SEEDS) * 1000;
const durationMs = numberOf("minutes", minutes, 0, SEEDS) * 60_000;
const runners = wholeNumberOf("jobs", jobs, 1, MOST_JOBS);
if (seed !== undefined) {
  const outcome = await simulate(wholeNumberOf("seed", seed, 0, SEEDS), faultsMs, events ? console.log : undefined);
  tell(outcome);
  process.exit(outcome.failure === null ? 0 : 1);
}
const startMs = Date.now();
let begun = 0;
let ran = 0;

function nextSeed(): number {
  if (from === undefined) return Math.floor(Math.random() * SEEDS);
  return createHash("sha256").update(`${from} ${begun++}`).digest().readUInt32BE(0);
}

async function runSeeds(runner: Runner): Promise<void> {
  do {
    const outcome = await runner(nextSeed());
    ran++;
    tell(outcome);
    if (outcome.failure !== null) process.exit(1);
  } while (Date.now() - startMs < durationMs);
}

if (runners === 1) await runSeeds((one) => simulate(one, faultsMs));
else await Promise.all(Array.from({ length: runners }, () => runSeeds(threadRunner(faultsMs))));
console.log(`${ran} seeds in ${((Date.now() - startMs) / 1000).toFixed(0)} s, none failed`);
process.exit(0);
