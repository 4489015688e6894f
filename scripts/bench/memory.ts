/** Resident memory, and JavaScript heap, of many small keys over an empty server. */

import { ask, encode, pipeline, residentBytes, sleep, type Target } from "./targets.ts";

const MIB = 1024 * 1024;
const VALUE = "0123456789abcdef";

/** What INFO says of the JavaScript heap, in bytes; NaN for a server that has none. */
async function heapBytes(port: number): Promise<number> {
  const text = await ask(port, encode("INFO", "memory"), 500);
  return Number(/^used_memory_runtime_heap:(\d+)/m.exec(text)?.[1] ?? NaN);
}

/** Fills each server with `keys` keys `key:N` of 16-byte values and prints what that took. */
export async function memory(targets: readonly Target[], keys: number): Promise<void> {
  console.log(`\n| server | resident for ${keys} keys, MiB | bytes per key | ratio | JavaScript heap more, MiB |`);
  console.log(`|---|---|---|---|---|`);
  let first = 0;
  for (const target of targets) {
    const before = residentBytes(target.pid);
    const heapBefore = await heapBytes(target.port);
    await pipeline(target.port, keys, (i) => encode("SET", `key:${i}`, VALUE));
    await sleep(2000);
    const grown = residentBytes(target.pid) - before;
    const heapGrown = ((await heapBytes(target.port)) - heapBefore) / MIB;
    first ||= grown;
    const heap = Number.isNaN(heapGrown) ? "–" : heapGrown.toFixed(1);
    const row = [(grown / MIB).toFixed(0), (grown / keys).toFixed(1), (grown / first).toFixed(2), heap];
    console.log(`| ${target.name} | ${row.join(" | ")} |`);
  }
}
