/**
 * Resident memory of values of each type over an empty server: one of very many elements, and very many of a few. Each
 * in a server of its own, as memory that was used once is not all given back.
 */

import { empty, geometricMean, info, residentBytes, sleep, startAnother, type Target } from "./targets.ts";
import { fillMany, fillOne, type Kind } from "./values.ts";

const MIB = 1024 * 1024;
/** Elements, or fields, of a small value. */
const FEW = 5;
/** How long a server is given to come to rest, in ms. */
const REST_MS = 2000;

/** Elements that each server has seen before: what its compilers make of that is no memory of values. */
const WARM_ELEMENTS = 20_000;

interface Load {
  readonly kind: Kind;
  readonly elements: number;
}

const LOADS: readonly Load[] = [
  { kind: "hash", elements: FEW },
  { kind: "list", elements: FEW },
  { kind: "set", elements: FEW },
  { kind: "sorted set", elements: FEW },
  { kind: "hash", elements: Infinity },
  { kind: "list", elements: Infinity },
  { kind: "set", elements: Infinity },
  { kind: "sorted set", elements: Infinity },
  { kind: "stream", elements: Infinity },
];

/** Resident and used memory, in bytes, that `count` small values or one of `count` elements take. */
async function grown({ kind, elements }: Load, server: Target, count: number): Promise<[number, number]> {
  await fillOne(server.port, kind, "value", WARM_ELEMENTS);
  await empty(server.port);
  await sleep(REST_MS);
  const used = async () => Number(await info(server.port, "used_memory"));
  const before = [residentBytes(server.pid), await used()];
  if (elements === Infinity) await fillOne(server.port, kind, "value", count);
  else await fillMany(server.port, kind, "value", count, elements);
  await sleep(REST_MS);
  return [residentBytes(server.pid) - before[0], await used() - before[1]];
}

/** Loads a server of each kind in turn; ratios are against the first. */
export async function memoryOfValues(targets: readonly Target[], count: number): Promise<void> {
  console.log(`\n| values | server | resident, MiB | ratio | used_memory, MiB | ratio |`);
  console.log(`|---|---|---|---|---|---|`);
  const ratios: number[][] = targets.map(() => []);
  for (const load of LOADS) {
    const what = load.elements === Infinity
      ? `1 ${load.kind} of ${count}`
      : `${count} × ${load.kind} of ${load.elements}`;
    let first = [0, 0];
    for (const [i, { name }] of targets.entries()) {
      const server = await startAnother(name);
      try {
        const bytes = await grown(load, server, count);
        if (i === 0) first = bytes;
        ratios[i].push(bytes[0] / first[0]);
        const columns = bytes.flatMap((of, at) => [(of / MIB).toFixed(0), (of / first[at]).toFixed(2)]);
        console.log(`| ${what} | ${name} | ${columns.join(" | ")} |`);
      } finally {
        await server.stop();
      }
    }
  }
  for (const [i, { name }] of targets.entries()) {
    console.log(`| geometric mean | ${name} | | ${geometricMean(ratios[i]).toFixed(2)} | | |`);
  }
}
