/** What a second client waits for PING while something goes on. */

import { once } from "node:events";
import { Worker } from "node:worker_threads";

/** Names of the columns that `during` fills for each of its two servers. */
export const COLUMNS = "p50 ms | p99 | p99.9 | worst";

/** Measures PING of two servers by turns during `work`: the columns of both. */
export async function during(port: number, idlePort: number, work: () => Promise<void>): Promise<string> {
  const pinger = new Worker(new URL("./ping_worker.ts", import.meta.url), { workerData: [port, idlePort] });
  await work();
  pinger.postMessage("stop");
  const [[latencies, idle]]: number[][][] = await once(pinger, "message");
  await pinger.terminate(); // it would listen for another message
  return [...columns(latencies), ...columns(idle)].join(" | ");
}

function columns(latencies: number[]): string[] {
  latencies.sort((a, b) => a - b);
  const at = (share: number) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))];
  return [at(0.5), at(0.99), at(0.999), at(1)].map((ms) => ms.toFixed(2));
}
