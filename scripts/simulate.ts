/**
 * `deno task simulate [--seed N [--events]] [--minutes M] [--seconds S]`: simulates servers, their network and disks (see
 * tests/simulation/) from one seed after the other, for `M` minutes of real time; or from the one seed given, of which the
 * run is the same each time, and shown event by event if that is asked for. A seed that fails ends it, with the last events and what was wrong.
 */

import process from "node:process";
import { parseArgs } from "node:util";
import { type Outcome, simulate } from "../tests/simulation/world.ts";
import { misused } from "./usage.ts";

/** Most that a seed can be. */
const SEEDS = 2 ** 32;

/** The arguments, or the end of the script where they make no sense. */
function readArguments() {
  try {
    return parseArgs({
      options: {
        seed: { type: "string" },
        minutes: { type: "string", default: "2" },
        seconds: { type: "string", default: "60" },
        events: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    misused(error instanceof Error ? error.message : String(error));
  }
}

/** A number from `least` on; ends the script where it is none. */
function numberOf(name: string, text: string, least: number): number {
  const number = text.trim() === "" ? NaN : Number(text);
  if (!(number >= least && number < SEEDS)) misused(`--${name} ${text}: that is no number from ${least} on`);
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

const { seed, minutes, seconds, events } = readArguments();
const faultsMs = numberOf("seconds", seconds, 0) * 1000;
const durationMs = numberOf("minutes", minutes, 0) * 60_000;
if (seed !== undefined) {
  const number = numberOf("seed", seed, 0);
  if (!Number.isInteger(number)) misused(`--seed ${seed}: that is no whole number`);
  const outcome = await simulate(number, faultsMs, events ? console.log : undefined);
  tell(outcome);
  process.exit(outcome.failure === null ? 0 : 1);
}
const startMs = Date.now();
let ran = 0;
do {
  const outcome = await simulate(Math.floor(Math.random() * SEEDS), faultsMs);
  ran++;
  tell(outcome);
  if (outcome.failure !== null) process.exit(1);
} while (Date.now() - startMs < durationMs);
console.log(`${ran} seeds in ${((Date.now() - startMs) / 1000).toFixed(0)} s, none failed`);
process.exit(0);
