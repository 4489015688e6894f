/** CPU per request of the commands of all families, so that one which is slow for its kind shows. */

import { FAMILIES, type Family, type Fill } from "./command_families.ts";
import { benchmark, KEYS, type Run } from "./redis_benchmark.ts";
import { ReplyCounter } from "./replies.ts";
import { call, empty, encode, geometricMean, median, open, type Target } from "./targets.ts";

const COUNTER = "COUNTER";
const DEPTH = 50;
const REQUESTS = 100_000;
/** Requests of a run of commands that do much at a time. */
const HEAVY_REQUESTS = 20_000;

/** Elements that one request of a fill adds, and bytes of what is sent before replies are awaited. */
const ELEMENTS_AT_ONCE = 100;
const CHUNK_BYTES = 100_000;

/** Requests of a fill, and the number of their replies. */
interface Chunk {
  readonly bytes: string;
  readonly requests: number;
}

/** The number that redis-benchmark puts in the place of RANDOM. */
function padded(number: number): string {
  return String(number).padStart(12, "0");
}

/** The words of a request in which RANDOM is `random` and COUNTER `counter`; see `Family`. */
function wordsOf(command: string, random: string, counter = COUNTER): string[] {
  const [name, ...args] = command.split(" ");
  return [
    name,
    ...args.map((word) =>
      word.replaceAll("RANDOM", random).replaceAll(COUNTER, counter)
        .replace(/^BYTES:(\d+)$/, (_, bytes) => "x".repeat(Number(bytes)))
    ),
  ];
}

function* requestsOf({ command, each, count }: Fill): Iterable<string> {
  for (let i = 0; i < count;) {
    const words = wordsOf(command, padded(i % KEYS), String(i));
    const end = each === null ? i + 1 : Math.min(count, i + ELEMENTS_AT_ONCE);
    for (; i < end; i++) if (each !== null) words.push(...wordsOf(`- ${each}`, padded(i % KEYS), String(i)).slice(1));
    yield encode(...words);
  }
}

/** What a family's servers are filled with, made once, as it is sent many times. */
function chunksOf(fills: readonly Fill[]): Chunk[] {
  const chunks: Chunk[] = [];
  let bytes = "";
  let requests = 0;
  const end = () => {
    if (requests > 0) chunks.push({ bytes, requests });
    bytes = "";
    requests = 0;
  };
  for (const fill of fills) {
    for (const request of requestsOf(fill)) {
      bytes += request;
      requests++;
      if (bytes.length > CHUNK_BYTES) end();
    }
  }
  end();
  return chunks;
}

/** Has a server hold what a family's commands look for, and nothing else. */
async function fill({ port }: Target, chunks: readonly Chunk[]): Promise<void> {
  await empty(port);
  const socket = await open(port);
  const counter = new ReplyCounter();
  let wake = () => {};
  socket.on("data", (chunk: Uint8Array) => {
    counter.read(chunk);
    wake();
  });
  let sent = 0;
  for (const { bytes, requests } of chunks) {
    socket.write(bytes);
    // One chunk is on its way while the next is written.
    while (counter.replies < sent) await new Promise<void>((resolve) => wake = resolve);
    sent += requests;
  }
  while (counter.replies < sent) await new Promise<void>((resolve) => wake = resolve);
  socket.destroy();
  if (counter.errors > 0) throw new Error(`${counter.errors} requests of a fill were refused`);
}

/** Prints a table for each of the families named; ratios are against the first server. */
export async function commands(targets: readonly Target[], names: readonly string[], rounds: number): Promise<void> {
  const all: number[][] = targets.map(() => []);
  for (const family of FAMILIES.filter(({ name }) => names.includes(name))) {
    const ratios = await table(targets, family, rounds);
    for (const [i, of] of ratios.entries()) all[i].push(...of);
  }
  const means = targets.slice(1).map(({ name }, i) => `${name} ${geometricMean(all[i + 1]).toFixed(2)}`);
  if (means.length > 0) console.log(`\nGeometric mean of all: ${means.join(", ")}.`);
}

/** Prints the table of a family; the ratios of each server. */
async function table(targets: readonly Target[], family: Family, rounds: number): Promise<number[][]> {
  const { name, fills, steady, changing, heavy } = family;
  console.log(`\n| ${name} (-P ${DEPTH}) | ${targets.map((of) => `${of.name} µs`).join(" | ")} | ratios |`);
  console.log(`|---|${"---|".repeat(targets.length + 1)}`);
  const chunks = chunksOf(fills);
  const all: number[][] = targets.map(() => []);
  const row = async (command: string, requests: number, isChanging: boolean) => {
    const words = wordsOf(command, "__rand_int__");
    const runs: Run[][] = targets.map(() => []);
    // redis-benchmark ends at an error, but does not tell it.
    for (const { port } of targets) await call(port, ...wordsOf(command, padded(0)));
    for (let round = 0; round <= rounds; round++) {
      for (const [i, target] of targets.entries()) {
        if (isChanging) await fill(target, chunks);
        const run = benchmark(target, words, DEPTH, requests);
        if (round > 0) runs[i].push(run); // compilers see it once before
      }
    }
    const costs = runs.map((of) => median(of.map((run) => run.cpuPerRequest)));
    const ratios = runs.map((of) => median(of.map((run, i) => run.cpuPerRequest / runs[0][i].cpuPerRequest)));
    for (const [i, ratio] of ratios.entries()) all[i].push(ratio);
    const show = (values: number[], separator: string) => values.map((value) => value.toFixed(2)).join(separator);
    console.log(`| ${command} | ${show(costs, " | ")} | ${show(ratios.slice(1), ", ")} |`);
  };
  for (const target of targets) await fill(target, chunks);
  for (const command of steady) await row(command, REQUESTS, false);
  for (const command of heavy) await row(command, HEAVY_REQUESTS, false);
  for (const command of changing) await row(command, REQUESTS, true);
  return all;
}
