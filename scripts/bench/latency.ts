/**
 * How long a second client waits for PING while many keys are inserted, saved in the background, and expire; and how
 * much of the CPUs' time the host of a virtual machine took meanwhile, since what it takes is waited for by all.
 */

import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { ask, cpuTicks, encode, pipeline, sleep, type Target } from "./targets.ts";

const VALUE = "0123456789abcdef";

/** Measures PING during `work`. */
async function during(port: number, work: () => Promise<void>): Promise<string> {
  const pinger = new Worker(new URL("./ping_worker.ts", import.meta.url), { workerData: port });
  const before = cpuTicks();
  await work();
  const after = cpuTicks();
  pinger.postMessage("stop");
  const [latencies]: number[][] = await once(pinger, "message");
  latencies.sort((a, b) => a - b);
  const at = (share: number) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))];
  const stolen = (after.stolen - before.stolen) / Math.max(1, after.all - before.all);
  const columns = [at(0.5), at(0.99), at(0.999), at(1)].map((ms) => ms.toFixed(2));
  return [...columns, `${(stolen * 100).toFixed(1)} %`].join(" | ");
}

/** What a field of INFO persistence or keyspace says. */
async function info(port: number, pattern: RegExp): Promise<string> {
  const text = await ask(port, encode("INFO", "everything"), 200);
  return pattern.exec(text)?.[1] ?? "";
}

export async function latency(targets: readonly Target[], keys: number): Promise<void> {
  console.log(`\n| server | PING while … (${keys} keys) | p50 ms | p99 | p99.9 | worst | stolen |`);
  console.log(`|---|---|---|---|---|---|---|`);
  for (const { name, port } of targets) {
    const row = async (what: string, work: () => Promise<void>) =>
      console.log(`| ${name} | ${what} | ${await during(port, work)} |`);
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
