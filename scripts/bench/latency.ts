/**
 * How long a second client waits for PING while many keys are inserted, saved in the background, and expire. Beside it,
 * what another server answers in that does nothing meanwhile: what the machine lets everyone wait, be it for a CPU that
 * others use or because the host of a virtual machine has stopped it.
 */

import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { ask, encode, pipeline, sleep, type Target } from "./targets.ts";

const VALUE = "0123456789abcdef";

/** Measures PING of two servers during `work`. */
async function during(port: number, idlePort: number, work: () => Promise<void>): Promise<string> {
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

/** What a field of INFO persistence or keyspace says. */
async function info(port: number, pattern: RegExp): Promise<string> {
  const text = await ask(port, encode("INFO", "everything"), 200);
  return pattern.exec(text)?.[1] ?? "";
}

/** `idle`: a server that nobody else uses. */
export async function latency(targets: readonly Target[], idle: Target, keys: number): Promise<void> {
  console.log(
    `\n| server | PING while … (${keys} keys) | p50 ms | p99 | p99.9 | worst | idle ${idle.name}: p50 | p99 | p99.9 | worst |`,
  );
  console.log(`|---|---|---|---|---|---|---|---|---|---|`);
  for (const { name, port } of targets) {
    const row = async (what: string, work: () => Promise<void>) =>
      console.log(`| ${name} | ${what} | ${await during(port, idle.port, work)} |`);
    await row("idle", () => sleep(3000));
    await row("inserting", () => pipeline(port, keys, (i) => encode("SET", `key:${i}`, VALUE)));
    await row("BGSAVE", async () => {
      await ask(port, encode("BGSAVE"), 100);
      while (await info(port, /rdb_bgsave_in_progress:(\d)/) === "1") await sleep(50);
    });
    await row("inserting with a TTL", () => {
      const dueMs = Date.now() + Math.max(20_000, keys / 100);
      return pipeline(port, keys, (i) => encode("SET", `key:${i}`, VALUE, "PXAT", String(dueMs + (i % 1000))));
    });
    await row("expiring", async () => {
      while (await info(port, /db0:keys=(\d+)/) !== "") await sleep(200);
    });
  }
}
