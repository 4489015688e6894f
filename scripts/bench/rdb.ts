/**
 * How long a server takes to save values of each type to a file, and to load it again: by SAVE, and by DEBUG RELOAD NOSAVE
 * of a server that was emptied, which answers when all is there. Each kind of value in a server of its own.
 */

import {
  call,
  cpuMicrosecondsSince,
  cpuOf,
  empty,
  geometricMean,
  median,
  startAnother,
  type Target,
} from "./targets.ts";
import { fillMany, fillOne, fillStrings, KINDS } from "./values.ts";

const FEW = 5;
const OPTIONS = ["--enable-debug-command", "yes"];

/** Time that passed, and that the server's threads worked, in ms. */
interface Cost {
  readonly wall: number;
  readonly cpu: number;
}

async function costOf(server: Target, ...command: string[]): Promise<Cost> {
  const before = cpuOf(server.pid);
  const startMs = performance.now();
  await call(server.port, ...command);
  return { wall: performance.now() - startMs, cpu: cpuMicrosecondsSince(before, server.pid) / 1000 };
}

/** Measures one server holding `values`; `rounds` of saving and loading, of which the first, not counted, compiles. */
async function saveAndLoad(server: Target, rounds: number, saves: Cost[], loads: Cost[]): Promise<void> {
  for (let round = 0; round <= rounds; round++) {
    const save = await costOf(server, "SAVE");
    await empty(server.port);
    const load = await costOf(server, "DEBUG", "RELOAD", "NOSAVE");
    if (round === 0) continue;
    saves.push(save);
    loads.push(load);
  }
}

/**
 * `keys`: how many strings there are. `count`: how many elements the one value of another type has, and how many values
 * there are of few.
 */
export async function rdb(targets: readonly Target[], keys: number, count: number, rounds: number): Promise<void> {
  console.log(`\n| values | server | save ms | ratio | CPU ms | ratio | load ms | ratio | CPU ms | ratio |`);
  console.log(`|---|---|---|---|---|---|---|---|---|---|`);
  await measure(targets, rounds, `${keys} strings`, (port) => fillStrings(port, keys));
  const all: number[][][] = targets.map(() => [[], []]);
  for (const kind of KINDS) {
    const one = await measure(targets, rounds, `1 ${kind} of ${count}`, (port) => fillOne(port, kind, "value", count));
    const many = await measure(
      targets,
      rounds,
      `${count} × ${kind} of ${FEW}`,
      (port) => fillMany(port, kind, "value", count, FEW),
    );
    for (const ratios of [one, many]) {
      for (const [i, [save, load]] of ratios.entries()) {
        all[i][0].push(save);
        all[i][1].push(load);
      }
    }
  }
  for (const [i, { name }] of targets.entries()) {
    const [save, load] = all[i].map((ratios) => geometricMean(ratios).toFixed(2));
    console.log(`| geometric mean | ${name} | | ${save} | | | | ${load} | | |`);
  }
}

/** A row for each kind of server; how long each took to save and to load, against the first. */
async function measure(
  targets: readonly Target[],
  rounds: number,
  what: string,
  fill: (port: number) => Promise<void>,
): Promise<[save: number, load: number][]> {
  const ratios: [save: number, load: number][] = [];
  let first: number[] = [];
  for (const [i, { name }] of targets.entries()) {
    const server = await startAnother(name, 0, OPTIONS);
    const saves: Cost[] = [];
    const loads: Cost[] = [];
    try {
      await fill(server.port);
      await saveAndLoad(server, rounds, saves, loads);
    } finally {
      await server.stop();
    }
    const costs = [saves, loads].flatMap((of) => [of.map(({ wall }) => wall), of.map(({ cpu }) => cpu)]).map(median);
    if (i === 0) first = costs;
    ratios.push([costs[0] / first[0], costs[2] / first[2]]);
    const columns = costs.flatMap((cost, at) => [cost.toFixed(0), (cost / first[at]).toFixed(2)]);
    console.log(`| ${what} | ${name} | ${columns.join(" | ")} |`);
  }
  return ratios;
}
